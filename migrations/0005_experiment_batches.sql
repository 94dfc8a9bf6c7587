-- Experiment events are stored by the batch and not by the event: a row costs as much to write, however much it holds.
-- What was rolled up is dropped and made anew from the events, of which none has been removed before. The ids of events
-- that are stored already are not known any more: SQL cannot digest them.

create table experiment_batches (
  seq integer primary key, -- order of arrival: D1 has one writer, and the newest row is never removed
  experiment_id text not null,
  number integer not null, -- counts an experiment's batches: of two writers that do not know of each other, one fails
  writer text not null, -- whoever stored it: the same, stored again, is stored
  received_ms integer not null,
  event_count integer not null,
  duplicates integer not null, -- events that came with this batch and were stored before
  rejected integer not null, -- events that came with this batch and were refused
  -- The columns that are read alone stand before the one that is large: a row is read from its start.
  ids blob not null, -- the digests of the events' ids; see src/counting/ledger.rs
  events text not null, -- a JSON array of rows; see src/recording/event_row.rs
  unique (experiment_id, number)
) strict;

insert into experiment_batches
  (experiment_id, number, writer, received_ms, event_count, duplicates, rejected, ids, events)
select experiment_id, batch, 'migration', min(timestamp_ms), count(*), 0, 0, x'',
  json_group_array(json_array(event_id, case event_type when 'pageview' then 0 when 'exposure' then 1 else 2 end,
    session_id, variant_key, timestamp_ms, null, null, project_id, view_id, properties) order by seq)
from (
  select *, (row_number() over (partition by experiment_id order by seq) - 1) / 100 as batch from analytics_events
) group by experiment_id, batch order by min(seq);

-- What an experiment's events name that may be named once and for ever: metrics, and variants that are not declared.
create table experiment_names (
  experiment_id text not null,
  kind text not null check (kind in ('metric', 'variant')),
  name text not null,
  primary key (experiment_id, kind, name)
) strict, without rowid;

insert into experiment_names select distinct experiment_id, 'variant', variant_key from analytics_events
where variant_key is not null;

drop table analytics_events;

create view analytics_events as
select b.seq * 65536 + e.key as seq, b.experiment_id, e.value ->> 0 as event_id,
  case e.value ->> 1 when 0 then 'pageview' when 1 then 'exposure' else 'conversion' end as event_type,
  e.value ->> 7 as project_id, e.value ->> 2 as session_id, e.value ->> 3 as variant_key, e.value ->> 8 as view_id,
  e.value ->> 4 as timestamp_ms, e.value ->> 9 as properties
from experiment_batches b, json_each(b.events) e;

-- What was rolled up of an experiment, and under which rules.
create table experiment_rollups (
  experiment integer primary key, -- stands for the id in session_states
  experiment_id text not null unique,
  -- The rules under which the sessions are judged.
  multi_variant text not null check (multi_variant in ('exclude', 'first')),
  conversion_window_hours integer,
  -- While new rules come into force: these, and the last session that is judged under them.
  next_multi_variant text check (next_multi_variant in ('exclude', 'first')),
  next_conversion_window_hours integer,
  judged_to blob,
  unexposed_sessions integer not null default 0,
  multi_variant_sessions integer not null default 0,
  late integer not null default 0,
  duplicates integer not null default 0,
  rejected integer not null default 0,
  unmeasured integer not null default 0,
  sessions_removed_ms integer -- since when sessions are being removed
) strict;

drop table experiment_quality;
drop table experiment_sessions;
delete from experiment_analytics_summary;

-- All that a session's events come down to. Its id stands here as a digest of 128 bits: rows are small, and there are
-- as many as sessions.
create table session_states (
  experiment integer not null,
  session blob not null,
  variant_key text, -- of the first exposure; null without one
  first_exposure_ms integer,
  is_multi_variant integer not null check (is_multi_variant in (0, 1)),
  activity blob not null, -- see src/experiments/session_state.rs
  primary key (experiment, session)
) strict, without rowid;

create view experiment_sessions as
select r.experiment_id, lower(hex(s.session)) as session, s.variant_key, s.first_exposure_ms, s.is_multi_variant
from session_states s join experiment_rollups r on r.experiment = s.experiment;

-- What the sessions of a variant measured, by the name of what is measured. The sum over all of them is what a mean is of.
create table experiment_metrics (
  experiment_id text not null,
  variant_key text not null,
  metric text not null,
  sessions integer not null, -- sessions with a conversion that counts
  value_sessions integer not null, -- sessions with a value
  value_sum real not null,
  value_sum_of_squares real not null, -- of the sums of the sessions
  primary key (experiment_id, metric, variant_key)
) strict, without rowid;

drop table rollup_watermark;

-- One row. Its version moves in every transaction of a rollup, whatever that stores; moving it from where it no longer
-- stands is null, which fails that transaction: of two runs that overlap, one does the work.
create table rollup_watermark (
  id integer primary key check (id = 1),
  seq integer not null, -- up to here batches are rolled up
  version integer not null
) strict;

insert into rollup_watermark (id, seq, version) values (1, 0, 0);
