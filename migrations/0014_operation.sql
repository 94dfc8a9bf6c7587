-- What the worker's isolates have counted: each writes its own row, over what it wrote before. See src/metrics/life.rs.
create table instance_metrics (
  life text primary key, -- random; 'over' is all that are over
  begun_ms integer not null, -- 0 of 'over'
  version integer not null, -- a write that comes late never replaces a newer one
  counts text not null check (json_type(counts) = 'object') -- how often, by name
) strict, without rowid;

-- Runs of the cron that came to their end.
create table cron_runs (
  started_ms integer primary key,
  finished_ms integer not null,
  failures text not null, -- the names of what failed, with commas between them
  removed text not null check (json_type(removed) = 'object') -- how many rows were too old, by table
) strict;

-- What receivers of alerts were told of each kind, and what they are still to be told. See src/alerts/decision.rs.
create table alerts (
  kind text primary key,
  is_firing integer not null check (is_firing in (0, 1)),
  message_id text, -- of the message that is not delivered yet
  body text,
  claimed_ms integer not null, -- of two runs that overlap, the one that moves it sends
  told_ms integer
) strict, without rowid;

-- Forks and comparisons whose rows were removed for their age. Their counts stay, and with this the rows that are left
-- can be compared with them.
create table removed_prompt_events (
  prompt_id text primary key references prompts (id) on delete cascade,
  forks integer not null,
  compares integer not null
) strict, without rowid;

create index prompt_events_by_time on prompt_events (created_at);
