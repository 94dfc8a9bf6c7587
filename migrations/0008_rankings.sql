-- What prompts are ranked by: how often they were viewed, copied, forked, liked and used, ever and lately. A list is a walk
-- along one of the indexes, which hold only what a list may show.

create table prompt_rankings (
  prompt_id text not null references prompts (id) on delete cascade,
  metric text not null check (metric in ('view', 'copy', 'fork', 'like', 'use', 'success')),
  -- The prompt is public and active; never of successes, which tell of uses and have no list.
  is_listed integer not null check (is_listed in (0, 1)),
  total integer not null,
  last_24h integer not null,
  last_7d integer not null,
  last_30d integer not null,
  trend integer, -- of views: counting::windows::trend
  primary key (prompt_id, metric)
) strict, without rowid;

create index prompt_rankings_by_total on prompt_rankings (metric, total, prompt_id) where is_listed = 1 and total > 0;
create index prompt_rankings_by_24h on prompt_rankings (metric, last_24h, prompt_id) where is_listed = 1 and last_24h > 0;
create index prompt_rankings_by_7d on prompt_rankings (metric, last_7d, prompt_id) where is_listed = 1 and last_7d > 0;
create index prompt_rankings_by_30d on prompt_rankings (metric, last_30d, prompt_id) where is_listed = 1 and last_30d > 0;
create index prompt_rankings_by_trend on prompt_rankings (trend, prompt_id) where is_listed = 1 and trend is not null;

-- Views, copies and forks come with the snapshots of their counters, which know what leaves a window, and when. Likes and
-- uses are rows: triggers count them, and the cron takes out those that have become too old. Up to these instants it has.
create table ranking_windows (
  id integer primary key check (id = 1),
  left_24h text not null,
  left_7d text not null,
  left_30d text not null
) strict;

insert into ranking_windows (id, left_24h, left_7d, left_30d) values (1, '', '', '');

create index template_likes_by_time on template_likes (created_at);

insert into prompt_rankings (prompt_id, metric, is_listed, total, last_24h, last_7d, last_30d)
  select p.id, m.metric, p.is_public and p.is_active, m.total, 0, 0, 0
  from (
    select prompt_id, 'view' as metric, view_count as total from prompt_stats
    union all select prompt_id, 'copy', copy_count from prompt_stats
    union all select prompt_id, 'fork', fork_count from prompt_stats
  ) m join prompts p on p.id = m.prompt_id where m.total > 0;

insert into prompt_rankings (prompt_id, metric, is_listed, total, last_24h, last_7d, last_30d)
  select p.id, 'like', p.is_public and p.is_active, t.total, t.rows, t.rows, t.rows
  from (
    select prompt_id, sum(likes_count) as total,
      sum((select count(*) from template_likes l where l.template_id = prompt_templates.id)) as rows
    from prompt_templates group by prompt_id
  ) t join prompts p on p.id = t.prompt_id where t.total > 0 or t.rows > 0;

create trigger prompt_rankings_listed after update of is_public, is_active on prompts
when (old.is_public and old.is_active) <> (new.is_public and new.is_active)
begin
  update prompt_rankings set is_listed = new.is_public and new.is_active
    where prompt_id = new.id and metric <> 'success';
end;

-- The total of likes is what the templates say, for a server may set it.
create trigger prompt_rankings_template_added after insert on prompt_templates when new.likes_count > 0 begin
  insert into prompt_rankings (prompt_id, metric, is_listed, total, last_24h, last_7d, last_30d)
    select id, 'like', is_public and is_active, new.likes_count, 0, 0, 0 from prompts where id = new.prompt_id
    on conflict (prompt_id, metric) do update set total = total + excluded.total;
end;

create trigger prompt_rankings_template_liked after update of likes_count, prompt_id on prompt_templates
when new.prompt_id = old.prompt_id and new.likes_count <> old.likes_count
begin
  insert into prompt_rankings (prompt_id, metric, is_listed, total, last_24h, last_7d, last_30d)
    select id, 'like', is_public and is_active, new.likes_count - old.likes_count, 0, 0, 0
    from prompts where id = new.prompt_id
    on conflict (prompt_id, metric) do update set total = total + excluded.total;
end;

-- A template's likes as they stand in the windows.
create view template_likes_lately (template_id, last_24h, last_7d, last_30d) as
  select l.template_id, sum(l.created_at > w.left_24h), sum(l.created_at > w.left_7d), sum(l.created_at > w.left_30d)
  from template_likes l cross join ranking_windows w group by l.template_id;

create trigger prompt_rankings_template_moved after update of prompt_id on prompt_templates
when new.prompt_id <> old.prompt_id
begin
  update prompt_rankings set
      total = total - old.likes_count,
      (last_24h, last_7d, last_30d) = (
        select prompt_rankings.last_24h - coalesce(sum(l.last_24h), 0),
          prompt_rankings.last_7d - coalesce(sum(l.last_7d), 0),
          prompt_rankings.last_30d - coalesce(sum(l.last_30d), 0)
        from template_likes_lately l where l.template_id = new.id
      )
    where prompt_id = old.prompt_id and metric = 'like';
  insert into prompt_rankings (prompt_id, metric, is_listed, total, last_24h, last_7d, last_30d)
    select p.id, 'like', p.is_public and p.is_active, new.likes_count,
      coalesce(l.last_24h, 0), coalesce(l.last_7d, 0), coalesce(l.last_30d, 0)
    from prompts p left join template_likes_lately l on l.template_id = new.id where p.id = new.prompt_id
    on conflict (prompt_id, metric) do update set total = total + excluded.total,
      last_24h = last_24h + excluded.last_24h, last_7d = last_7d + excluded.last_7d,
      last_30d = last_30d + excluded.last_30d;
end;

-- Before: its likes go with it, and then nothing tells whose they were.
create trigger prompt_rankings_template_removed before delete on prompt_templates begin
  update prompt_rankings set
      total = total - old.likes_count,
      (last_24h, last_7d, last_30d) = (
        select prompt_rankings.last_24h - coalesce(sum(l.last_24h), 0),
          prompt_rankings.last_7d - coalesce(sum(l.last_7d), 0),
          prompt_rankings.last_30d - coalesce(sum(l.last_30d), 0)
        from template_likes_lately l where l.template_id = old.id
      )
    where prompt_id = old.prompt_id and metric = 'like';
end;

create trigger prompt_rankings_like_added after insert on template_likes begin
  insert into prompt_rankings (prompt_id, metric, is_listed, total, last_24h, last_7d, last_30d)
    select p.id, 'like', p.is_public and p.is_active, 0,
      new.created_at > w.left_24h, new.created_at > w.left_7d, new.created_at > w.left_30d
    from prompt_templates t join prompts p on p.id = t.prompt_id cross join ranking_windows w
    where t.id = new.template_id
    on conflict (prompt_id, metric) do update set last_24h = last_24h + excluded.last_24h,
      last_7d = last_7d + excluded.last_7d, last_30d = last_30d + excluded.last_30d;
end;

create trigger prompt_rankings_like_removed after delete on template_likes begin
  update prompt_rankings set (last_24h, last_7d, last_30d) = (
      select prompt_rankings.last_24h - (old.created_at > w.left_24h),
        prompt_rankings.last_7d - (old.created_at > w.left_7d),
        prompt_rankings.last_30d - (old.created_at > w.left_30d)
      from ranking_windows w
    )
    where metric = 'like' and prompt_id = (select prompt_id from prompt_templates where id = old.template_id);
end;

create trigger prompt_rankings_like_changed after update of template_id, created_at on template_likes begin
  update prompt_rankings set (last_24h, last_7d, last_30d) = (
      select prompt_rankings.last_24h - (old.created_at > w.left_24h),
        prompt_rankings.last_7d - (old.created_at > w.left_7d),
        prompt_rankings.last_30d - (old.created_at > w.left_30d)
      from ranking_windows w
    )
    where metric = 'like' and prompt_id = (select prompt_id from prompt_templates where id = old.template_id);
  insert into prompt_rankings (prompt_id, metric, is_listed, total, last_24h, last_7d, last_30d)
    select p.id, 'like', p.is_public and p.is_active, 0,
      new.created_at > w.left_24h, new.created_at > w.left_7d, new.created_at > w.left_30d
    from prompt_templates t join prompts p on p.id = t.prompt_id cross join ranking_windows w
    where t.id = new.template_id
    on conflict (prompt_id, metric) do update set last_24h = last_24h + excluded.last_24h,
      last_7d = last_7d + excluded.last_7d, last_30d = last_30d + excluded.last_30d;
end;

create trigger prompt_rankings_use_added after insert on prompt_usage begin
  insert into prompt_rankings (prompt_id, metric, is_listed, total, last_24h, last_7d, last_30d)
    select p.id, m.metric, m.metric = 'use' and p.is_public and p.is_active, 1,
      new.created_at > w.left_24h, new.created_at > w.left_7d, new.created_at > w.left_30d
    from prompts p cross join ranking_windows w
      cross join (select 'use' as metric union all select 'success' where new.success) m
    where p.id = new.prompt_id
    on conflict (prompt_id, metric) do update set total = total + 1, last_24h = last_24h + excluded.last_24h,
      last_7d = last_7d + excluded.last_7d, last_30d = last_30d + excluded.last_30d;
end;

create trigger prompt_rankings_use_removed after delete on prompt_usage begin
  update prompt_rankings set
      total = total - 1,
      (last_24h, last_7d, last_30d) = (
        select prompt_rankings.last_24h - (old.created_at > w.left_24h),
          prompt_rankings.last_7d - (old.created_at > w.left_7d),
          prompt_rankings.last_30d - (old.created_at > w.left_30d)
        from ranking_windows w
      )
    where prompt_id = old.prompt_id and (metric = 'use' or (metric = 'success' and old.success));
end;

create trigger prompt_rankings_use_changed after update of prompt_id, success, created_at on prompt_usage begin
  update prompt_rankings set
      total = total - 1,
      (last_24h, last_7d, last_30d) = (
        select prompt_rankings.last_24h - (old.created_at > w.left_24h),
          prompt_rankings.last_7d - (old.created_at > w.left_7d),
          prompt_rankings.last_30d - (old.created_at > w.left_30d)
        from ranking_windows w
      )
    where prompt_id = old.prompt_id and (metric = 'use' or (metric = 'success' and old.success));
  insert into prompt_rankings (prompt_id, metric, is_listed, total, last_24h, last_7d, last_30d)
    select p.id, m.metric, m.metric = 'use' and p.is_public and p.is_active, 1,
      new.created_at > w.left_24h, new.created_at > w.left_7d, new.created_at > w.left_30d
    from prompts p cross join ranking_windows w
      cross join (select 'use' as metric union all select 'success' where new.success) m
    where p.id = new.prompt_id
    on conflict (prompt_id, metric) do update set total = total + 1, last_24h = last_24h + excluded.last_24h,
      last_7d = last_7d + excluded.last_7d, last_30d = last_30d + excluded.last_30d;
end;
