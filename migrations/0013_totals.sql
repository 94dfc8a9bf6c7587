-- What all counters together counted, so that no read adds up the snapshots of all prompts: for each quarter of an hour what
-- the snapshots that came in it added. That is when something was counted, at most ten seconds before, and not when it
-- happened. What was taken back counts as less.
create table count_totals (
  -- Quarters of an hour since 1970. The row -1 is what has no time: the counts of before there were totals, less those of
  -- prompts that are gone since, whose views were views all the same. So all rows add up to prompt_stats.
  quarter integer primary key,
  view_count integer not null default 0,
  visit_count integer not null default 0,
  copy_count integer not null default 0,
  fork_count integer not null default 0,
  compare_count integer not null default 0
) strict;

insert into count_totals
  select -1, coalesce(sum(view_count), 0), coalesce(sum(visit_count), 0), coalesce(sum(copy_count), 0),
    coalesce(sum(fork_count), 0), coalesce(sum(compare_count), 0)
  from prompt_stats;

-- What is inserted into it is added to the totals.
create view add_to_totals (quarter, views, visits, copies, forks, compares) as select null, null, null, null, null, null where 0;

create trigger add_to_totals_once instead of insert on add_to_totals
when (new.views, new.visits, new.copies, new.forks, new.compares) is not (0, 0, 0, 0, 0)
begin
  insert into count_totals values
    (coalesce(new.quarter, -1), new.views, new.visits, new.copies, new.forks, new.compares)
  on conflict (quarter) do update set view_count = view_count + excluded.view_count,
    visit_count = visit_count + excluded.visit_count, copy_count = copy_count + excluded.copy_count,
    fork_count = fork_count + excluded.fork_count, compare_count = compare_count + excluded.compare_count;
end;

create trigger prompt_stats_totalled after insert on prompt_stats begin
  insert into add_to_totals values (unixepoch(new.updated_at) / 900,
    new.view_count, new.visit_count, new.copy_count, new.fork_count, new.compare_count);
end;

create trigger prompt_stats_totalled_anew
after update of view_count, visit_count, copy_count, fork_count, compare_count on prompt_stats
begin
  insert into add_to_totals values (unixepoch(new.updated_at) / 900,
    new.view_count - old.view_count, new.visit_count - old.visit_count, new.copy_count - old.copy_count,
    new.fork_count - old.fork_count, new.compare_count - old.compare_count);
end;

create trigger prompt_stats_gone after delete on prompt_stats begin
  insert into add_to_totals values
    (-1, -old.view_count, -old.visit_count, -old.copy_count, -old.fork_count, -old.compare_count);
end;
