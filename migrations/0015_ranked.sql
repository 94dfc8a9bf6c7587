-- When the snapshots of a counter last told the rankings, in milliseconds since 1970; null where none did since there is this
-- column. Most of what a snapshot writes are rows of the rankings and of their indexes, so these are told less often.
alter table prompt_stats add column ranked_ms integer;

-- A snapshot wrote a row of it, too; an order by counts is what the rankings are for.
drop index prompt_stats_by_views;
