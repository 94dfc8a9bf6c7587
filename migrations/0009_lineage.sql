-- Where prompts stand among their forks, with what the forks of each add up to, so that no read walks down a tree. A row
-- for each prompt that was forked from another or has forks; of one that is gone as long as there is something below it.
create table prompt_lineage (
  place integer primary key, -- random: cursors name it, and it tells nothing
  prompt_id text not null unique,
  parent integer, -- the place of what it was forked from; null at the root
  user_id text, -- null: the prompt is gone
  is_listed integer not null default 0 check (is_listed in (0, 1)), -- public and active
  levels integer not null default 0, -- of the longest line of forks below it
  -- Of the prompts below it that exist: directly, and in all.
  children integer not null default 0,
  listed_children integer not null default 0,
  descendants integer not null default 0,
  listed_descendants integer not null default 0,
  -- What prompt_stats says of the prompts below it, in all.
  credited_views integer not null default 0,
  credited_copies integer not null default 0,
  credited_forks integer not null default 0,
  credited_compares integer not null default 0,
  is_shown integer as (is_listed or listed_descendants > 0) virtual -- has a place in the tree that anyone sees
) strict;

create index prompt_lineage_by_parent on prompt_lineage (parent, is_shown) where parent is not null;
create index prompt_lineage_unshown on prompt_lineage (user_id, parent) where is_shown = 0;
create index prompt_lineage_by_levels on prompt_lineage (parent, levels) where levels > 0;

-- What a prompt adds to each that it comes from.
create view prompt_lineage_weights as
  select l.place,
    l.user_id is not null as children, l.is_listed as listed_children,
    l.descendants + (l.user_id is not null) as descendants, l.listed_descendants + l.is_listed as listed_descendants,
    l.credited_views + coalesce(s.view_count, 0) as views, l.credited_copies + coalesce(s.copy_count, 0) as copies,
    l.credited_forks + coalesce(s.fork_count, 0) as forks, l.credited_compares + coalesce(s.compare_count, 0) as compares
  from prompt_lineage l left join prompt_stats s on s.prompt_id = l.prompt_id;

-- SQLite has no procedures: what is inserted into the views that follow, their triggers do.

-- Adds these figures to a place and to all that it comes from. Listed prompts apart: they are in an index, and what does
-- not change them must not write it.
create view credit_lineage (place, children, descendants, views, copies, forks, compares, listed_children, listed_descendants)
  as select null, null, null, null, null, null, null, null, null where 0;

create trigger credit_lineage_figures instead of insert on credit_lineage
when (new.children, new.descendants, new.views, new.copies, new.forks, new.compares) is not (0, 0, 0, 0, 0, 0)
begin
  update prompt_lineage set children = children + iif(place = new.place, new.children, 0),
    descendants = descendants + new.descendants,
    credited_views = credited_views + new.views, credited_copies = credited_copies + new.copies,
    credited_forks = credited_forks + new.forks, credited_compares = credited_compares + new.compares
  where place in (
    with recursive above (place) as (
      select new.place
      union all
      select l.parent from above join prompt_lineage l on l.place = above.place
    )
    select place from above
  );
end;

create trigger credit_lineage_listed instead of insert on credit_lineage
when (new.listed_children, new.listed_descendants) is not (0, 0)
begin
  update prompt_lineage set listed_children = listed_children + iif(place = new.place, new.listed_children, 0),
    listed_descendants = listed_descendants + new.listed_descendants
  where place in (
    with recursive above (place) as (
      select new.place
      union all
      select l.parent from above join prompt_lineage l on l.place = above.place
    )
    select place from above
  );
end;

-- Counts the levels below a place anew, and below what it comes from as long as that changes something.
create view level_lineage (place) as select null where 0;

create trigger level_lineage_upwards instead of insert on level_lineage begin
  update prompt_lineage set levels = changed.levels from (
    with recursive above (place, parent, was, levels) as (
      select l.place, l.parent, l.levels, coalesce(
        (select c.levels + 1 from prompt_lineage c where c.parent = l.place and c.levels > 0 order by c.levels desc limit 1),
        (select 1 from prompt_lineage c where c.parent = l.place limit 1),
        0
      )
      from prompt_lineage l where l.place = new.place
      union all
      select l.place, l.parent, l.levels, max(above.levels + 1, coalesce((
        select c.levels + 1 from prompt_lineage c
        where c.parent = l.place and c.levels > 0 and c.place <> above.place order by c.levels desc limit 1
      ), 0))
      from above join prompt_lineage l on l.place = above.parent where above.levels <> above.was
    )
    select place, levels from above where levels <> was
  ) as changed where prompt_lineage.place = changed.place;
end;

-- Removes a place that nothing needs: nothing is below it, and its prompt is gone or comes from nowhere. Then what it came
-- from, if nothing needs that any more.
create view prune_lineage (place) as select null where 0;

create trigger prune_lineage_upwards instead of insert on prune_lineage begin
  delete from prompt_lineage where place in (
    with recursive unneeded (place, parent) as (
      select l.place, l.parent from prompt_lineage l
      where l.place = new.place and (l.user_id is null or l.parent is null)
        and not exists (select 1 from prompt_lineage c where c.parent = l.place)
      union all
      select l.place, l.parent from unneeded join prompt_lineage l on l.place = unneeded.parent
      where (l.user_id is null or l.parent is null)
        and not exists (select 1 from prompt_lineage c where c.parent = l.place and c.place <> unneeded.place)
    )
    select place from unneeded
  );
end;

-- Gives a prompt its place; one that had it keeps it, with all that is below. What it comes from need not be there.
create view enter_lineage (prompt_id, parent_id, user_id, is_listed) as select null, null, null, null where 0;

create trigger enter_lineage_below instead of insert on enter_lineage begin
  insert into prompt_lineage (place, prompt_id, user_id, is_listed)
    select random(), new.parent_id, p.user_id, coalesce(p.is_public and p.is_active, 0)
    from (select 1) left join prompts p on p.id = new.parent_id where new.parent_id is not null
    on conflict (prompt_id) do nothing;
  insert into prompt_lineage (place, prompt_id, parent, user_id, is_listed)
    select random(), new.prompt_id, (select place from prompt_lineage where prompt_id = new.parent_id),
      new.user_id, new.is_listed where true
    on conflict (prompt_id) do nothing;
  update prompt_lineage set parent = (select place from prompt_lineage where prompt_id = new.parent_id)
    where prompt_id = new.prompt_id and parent is not (select place from prompt_lineage where prompt_id = new.parent_id);
  update prompt_lineage set user_id = new.user_id, is_listed = new.is_listed
    where prompt_id = new.prompt_id and (user_id, is_listed) is not (new.user_id, new.is_listed);
end;

-- A line has at most 64 prompts, so that a count is credited to 63 at most. One that closes a circle has no end.
create view check_lineage (place) as select null where 0;

create trigger check_lineage_line instead of insert on check_lineage begin
  select raise(abort, 'CHECK constraint failed: forked_from') where (
    with recursive above (place) as (
      select new.place
      union all
      select l.parent from above join prompt_lineage l on l.place = above.place where l.parent is not null
      limit 65
    )
    select count(*) from above
  ) + (select levels from prompt_lineage where place = new.place) > 64;
end;

create trigger prompt_lineage_placed after insert on prompt_lineage when new.parent is not null begin
  insert into check_lineage values (new.place);
  insert into credit_lineage select new.parent, children, descendants, views, copies, forks, compares,
    listed_children, listed_descendants from prompt_lineage_weights where place = new.place;
  insert into level_lineage values (new.parent);
end;

create trigger prompt_lineage_moved after update of parent on prompt_lineage when new.parent is not old.parent begin
  insert into check_lineage values (new.place);
  insert into credit_lineage select old.parent, -children, -descendants, -views, -copies, -forks, -compares,
    -listed_children, -listed_descendants from prompt_lineage_weights where place = new.place;
  insert into credit_lineage select new.parent, children, descendants, views, copies, forks, compares,
    listed_children, listed_descendants from prompt_lineage_weights where place = new.place;
  insert into level_lineage values (old.parent);
  insert into level_lineage values (new.parent);
  insert into prune_lineage values (new.place);
  insert into prune_lineage values (old.parent);
end;

create trigger prompt_lineage_changed after update of user_id, is_listed on prompt_lineage
when (new.user_id is null, new.is_listed) is not (old.user_id is null, old.is_listed)
begin
  insert into credit_lineage values (
    new.parent,
    (old.user_id is null) - (new.user_id is null), (old.user_id is null) - (new.user_id is null), 0, 0, 0, 0,
    new.is_listed - old.is_listed, new.is_listed - old.is_listed
  );
  insert into prune_lineage values (new.place);
end;

create trigger prompt_lineage_removed after delete on prompt_lineage begin
  insert into level_lineage values (old.parent);
end;

create trigger prompts_placed after insert on prompts
when new.forked_from is not null or exists (select 1 from prompt_lineage where prompt_id = new.id)
begin
  insert into enter_lineage values (new.id, new.forked_from, new.user_id, new.is_public and new.is_active);
end;

create trigger prompts_moved after update of id, forked_from on prompts
when (new.id, new.forked_from) is not (old.id, old.forked_from)
begin
  update prompt_lineage set user_id = null, is_listed = 0 where prompt_id = old.id and old.id <> new.id;
  insert into enter_lineage values (new.id, new.forked_from, new.user_id, new.is_public and new.is_active);
end;

create trigger prompts_listed after update of user_id, is_public, is_active on prompts
when (new.user_id, new.is_public, new.is_active) is not (old.user_id, old.is_public, old.is_active)
begin
  update prompt_lineage set user_id = new.user_id, is_listed = new.is_public and new.is_active
    where prompt_id = new.id and (user_id, is_listed) is not (new.user_id, new.is_public and new.is_active);
end;

create trigger prompts_gone after delete on prompts begin
  update prompt_lineage set user_id = null, is_listed = 0 where prompt_id = old.id;
end;

create trigger prompt_stats_credited after insert on prompt_stats begin
  insert into credit_lineage
    select parent, 0, 0, new.view_count, new.copy_count, new.fork_count, new.compare_count, 0, 0
    from prompt_lineage where prompt_id = new.prompt_id;
end;

create trigger prompt_stats_credited_anew after update of view_count, copy_count, fork_count, compare_count on prompt_stats
when new.prompt_id = old.prompt_id
begin
  insert into credit_lineage
    select parent, 0, 0, new.view_count - old.view_count, new.copy_count - old.copy_count,
      new.fork_count - old.fork_count, new.compare_count - old.compare_count, 0, 0
    from prompt_lineage where prompt_id = new.prompt_id;
end;

create trigger prompt_stats_taken_back after delete on prompt_stats begin
  insert into credit_lineage
    select parent, 0, 0, -old.view_count, -old.copy_count, -old.fork_count, -old.compare_count, 0, 0
    from prompt_lineage where prompt_id = old.prompt_id;
end;

create trigger prompt_stats_moved after update of prompt_id on prompt_stats when new.prompt_id <> old.prompt_id begin
  insert into credit_lineage
    select parent, 0, 0, -old.view_count, -old.copy_count, -old.fork_count, -old.compare_count, 0, 0
    from prompt_lineage where prompt_id = old.prompt_id;
  insert into credit_lineage
    select parent, 0, 0, new.view_count, new.copy_count, new.fork_count, new.compare_count, 0, 0
    from prompt_lineage where prompt_id = new.prompt_id;
end;

-- The prompts that are there. A line that is too long goes on as another one; a circle has no place.
create index prompts_by_parent on prompts (forked_from);

insert into enter_lineage
  with recursive lines (id, level) as (
    select p.id, p.forked_from is not null from prompts p
    where p.forked_from is null or not exists (select 1 from prompts parent where parent.id = p.forked_from)
    union all
    select p.id, lines.level + 1 from lines join prompts p on p.forked_from = lines.id
  )
  select p.id, p.forked_from, p.user_id, p.is_public and p.is_active
  from lines join prompts p on p.id = lines.id where lines.level % 64 > 0;

drop index prompts_by_parent;
