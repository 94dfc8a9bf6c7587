-- Timestamps of these tables are text in UTC with microseconds and a fixed width (2026-11-20T12:00:00.000000+00:00),
-- so that text order is time order and PostgreSQL's precision is kept. Booleans are 0 and 1, ids are UUIDs in lower case.

create table users (
  id text primary key,
  email text, -- null until a token or an import tells it
  created_at text not null
) strict, without rowid;

create table prompts (
  id text primary key,
  slug text unique,
  user_id text not null references users (id),
  title text not null,
  goal text,
  template text not null, -- kept byte for byte
  variables text check (json_valid(variables)), -- JSON as it was given
  negative_prompt text,
  category text,
  tags text check (json_type(tags) = 'array'), -- a JSON array of texts
  is_public integer not null check (is_public in (0, 1)),
  is_active integer not null check (is_active in (0, 1)),
  forked_from text, -- no reference: a fork outlives its parent and keeps its place
  created_at text not null,
  updated_at text not null
) strict;

create index prompts_by_user on prompts (user_id);

-- Views and copies are counters, never rows: 10,000 views would be 10,000 rows.
create table prompt_events (
  id text not null, -- the caller's; compared with ids of the same prompt only
  prompt_id text not null references prompts (id) on delete cascade,
  user_id text references users (id), -- null only where another system did not know
  event_type text not null check (event_type in ('fork', 'compare_add')),
  child_prompt_id text, -- of a fork
  comparison_id text, -- of a comparison
  created_at text not null,
  uncounted_since_ms integer, -- when it was stored; null as soon as its counter has counted it
  primary key (prompt_id, id)
) strict, without rowid;

-- Holds only rows that a crash left between the row and its count; cron counts them.
create index prompt_events_uncounted on prompt_events (uncounted_since_ms) where uncounted_since_ms is not null;

-- A snapshot of each prompt's counter, at most 10 s old.
create table prompt_stats (
  prompt_id text primary key references prompts (id) on delete cascade,
  view_count integer not null,
  copy_count integer not null,
  fork_count integer not null,
  compare_count integer not null,
  version integer not null, -- the counter's; a snapshot that comes late never replaces a newer one
  updated_at text not null
) strict, without rowid;
