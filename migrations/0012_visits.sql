-- Beside views: visits, at most one of a visitor in some time, and how many visitors there were.
alter table prompt_stats add column visit_count integer not null default 0;
alter table prompt_stats add column unique_visitors integer not null default 0;

-- Prompts are ranked by visits, too, and the trend is of visits. SQLite cannot change a check, so the table is made anew.
create table prompt_rankings_kept (
  prompt_id text not null,
  metric text not null,
  is_listed integer not null,
  total integer not null,
  last_24h integer not null,
  last_7d integer not null,
  last_30d integer not null
) strict;

-- The trend was of views and is not kept. As one of visits it would put a prompt that was viewed a thousand times yesterday
-- before one that has hundreds of visits today, until somebody visits the former: that visit would send it to the end. So
-- the list begins empty and is right: a prompt is in it ten seconds after its first visit.
insert into prompt_rankings_kept
  select prompt_id, metric, is_listed, total, last_24h, last_7d, last_30d from prompt_rankings;

drop table prompt_rankings;

create table prompt_rankings (
  prompt_id text not null references prompts (id) on delete cascade,
  metric text not null check (metric in ('view', 'visit', 'copy', 'fork', 'like', 'use', 'success')),
  -- The prompt is public and active; never of successes, which tell of uses and have no list.
  is_listed integer not null check (is_listed in (0, 1)),
  total integer not null,
  last_24h integer not null,
  last_7d integer not null,
  last_30d integer not null,
  trend integer check (trend is null or metric = 'visit'), -- counting::windows::trend
  primary key (prompt_id, metric)
) strict, without rowid;

insert into prompt_rankings (prompt_id, metric, is_listed, total, last_24h, last_7d, last_30d)
  select prompt_id, metric, is_listed, total, last_24h, last_7d, last_30d from prompt_rankings_kept
  order by prompt_id, metric;

drop table prompt_rankings_kept;

create index prompt_rankings_by_total on prompt_rankings (metric, total, prompt_id) where is_listed = 1 and total > 0;
create index prompt_rankings_by_24h on prompt_rankings (metric, last_24h, prompt_id) where is_listed = 1 and last_24h > 0;
create index prompt_rankings_by_7d on prompt_rankings (metric, last_7d, prompt_id) where is_listed = 1 and last_7d > 0;
create index prompt_rankings_by_30d on prompt_rankings (metric, last_30d, prompt_id) where is_listed = 1 and last_30d > 0;
create index prompt_rankings_by_trend on prompt_rankings (trend, prompt_id) where is_listed = 1 and trend is not null;
