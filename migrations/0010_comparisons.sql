-- How often two prompts were in the same comparison: a comparison is all that one user compares under one comparison_id.
-- Each pair stands twice, once from each side.
create table prompt_comparisons (
  prompt_id text not null references prompts (id) on delete cascade,
  other_id text not null, -- goes with its own pair: see prompt_comparisons_removed
  comparisons integer not null,
  primary key (prompt_id, other_id)
) strict, without rowid;

create index prompt_comparisons_by_strength on prompt_comparisons (prompt_id, comparisons desc, other_id);

create trigger prompt_comparisons_removed after delete on prompt_comparisons begin
  delete from prompt_comparisons where prompt_id = old.other_id and other_id = old.prompt_id;
end;

create index prompt_events_compared on prompt_events (user_id, comparison_id, prompt_id)
  where event_type = 'compare_add' and comparison_id is not null and uncounted_since_ms is null;

-- A comparison is made of the first 32 prompts that are counted in it; it pairs each with all that were counted before.
-- Prompts and not events are walked over: there may be any number of events of one.
create trigger prompt_comparisons_counted after update of uncounted_since_ms on prompt_events
when old.uncounted_since_ms is not null and new.uncounted_since_ms is null
  and new.event_type = 'compare_add' and new.comparison_id is not null and new.user_id is not null
  and not exists (
    select 1 from prompt_events e
    where e.user_id = new.user_id and e.comparison_id = new.comparison_id and e.prompt_id = new.prompt_id
      and e.event_type = 'compare_add' and e.uncounted_since_ms is null and e.id <> new.id
  )
begin
  insert into prompt_comparisons (prompt_id, other_id, comparisons)
    with recursive counted (prompt_id, number) as (
      select min(e.prompt_id), 1 from prompt_events e
      where e.user_id = new.user_id and e.comparison_id = new.comparison_id
        and e.event_type = 'compare_add' and e.uncounted_since_ms is null
      union all
      select (
        select min(e.prompt_id) from prompt_events e
        where e.user_id = new.user_id and e.comparison_id = new.comparison_id and e.prompt_id > counted.prompt_id
          and e.event_type = 'compare_add' and e.uncounted_since_ms is null
      ), number + 1
      from counted where counted.prompt_id is not null and number <= 33
    )
    select iif(side, counted.prompt_id, new.prompt_id), iif(side, new.prompt_id, counted.prompt_id), 1
    from counted join (select 0 as side union all select 1)
    where counted.prompt_id <> new.prompt_id and (select count(prompt_id) from counted) <= 32
    on conflict (prompt_id, other_id) do update set comparisons = comparisons + 1;
end;

insert into prompt_comparisons (prompt_id, other_id, comparisons)
  with compared (user_id, comparison_id, prompt_id, number) as (
    select user_id, comparison_id, prompt_id, row_number() over (partition by user_id, comparison_id order by min(created_at), prompt_id)
    from prompt_events
    where event_type = 'compare_add' and comparison_id is not null and uncounted_since_ms is null and user_id is not null
    group by user_id, comparison_id, prompt_id
  )
  select one.prompt_id, other.prompt_id, count(*)
  from compared one join compared other on other.user_id = one.user_id and other.comparison_id = one.comparison_id
  where one.number <= 32 and other.number <= 32 and one.prompt_id <> other.prompt_id
  group by one.prompt_id, other.prompt_id;
