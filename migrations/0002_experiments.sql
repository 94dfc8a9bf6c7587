-- Instants of these tables are whole milliseconds since 1970, hours are whole hours since 1970, both in UTC.

create table experiments (
  id text primary key,
  project_id text,
  name text not null,
  multi_variant text not null default 'exclude' check (multi_variant in ('exclude', 'first')),
  conversion_window_hours integer check (conversion_window_hours > 0) -- null is for ever
) strict, without rowid;

create table analytics_events (
  seq integer primary key autoincrement, -- order of arrival: D1 has one writer, so a lower one never appears later
  experiment_id text not null,
  event_id text, -- the caller's; compared with ids of the same experiment only
  event_type text not null check (event_type in ('pageview', 'exposure', 'conversion')),
  project_id text,
  session_id text not null,
  variant_key text,
  view_id text,
  timestamp_ms integer not null,
  properties text -- the JSON object as it was given
) strict;

create unique index analytics_events_once on analytics_events (experiment_id, event_id) where event_id is not null;

-- All that a session's events come down to; see src/experiments/session.rs.
create table experiment_sessions (
  experiment_id text not null,
  session_id text not null,
  variant_key text, -- of the first exposure; null without one
  first_exposure_ms integer,
  is_multi_variant integer not null check (is_multi_variant in (0, 1)),
  hours text not null, -- [[hour, pageviews, exposures, conversions, first and last conversion as ms into the hour], …]
  primary key (experiment_id, session_id)
) strict, without rowid;

-- The distinct counts hold for their hour and are never added across hours; the sums of the new_ counts are the
-- distinct sessions of all hours.
create table experiment_analytics_summary (
  experiment_id text not null,
  variant_key text not null,
  date text not null, -- 2026-11-20
  hour integer not null check (hour between 0 and 23),
  sessions integer not null,
  pageviews integer not null,
  pageview_sessions integer not null,
  exposures integer not null,
  exposure_sessions integer not null,
  conversions integer not null,
  conversion_sessions integer not null,
  new_exposed_sessions integer not null,
  new_converted_sessions integer not null,
  primary key (experiment_id, date, hour, variant_key)
) strict, without rowid;

create table experiment_quality (
  experiment_id text primary key,
  -- The rules in force when the experiment was first rolled up: its rows are differences under these.
  multi_variant text not null check (multi_variant in ('exclude', 'first')),
  conversion_window_hours integer,
  unexposed_sessions integer not null,
  multi_variant_sessions integer not null
) strict, without rowid;

-- One row. Moved in the transaction that stores what it covers; moving it from where it no longer stands is null, which
-- fails that transaction: of two runs that overlap, one does the work.
create table rollup_watermark (
  id integer primary key check (id = 1),
  seq integer not null
) strict;

insert into rollup_watermark (id, seq) values (1, 0);

create table rollup_runs (
  id integer primary key autoincrement,
  started_ms integer not null,
  finished_ms integer, -- null while it runs, and for ever if it was killed
  events_read integer not null default 0,
  rows_written integer not null default 0,
  error text
) strict;
