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

create trigger prompt_ranking_listed after update of is_public, is_active on prompts
when (old.is_public and old.is_active) <> (new.is_public and new.is_active)
begin
  update prompt_rankings set is_listed = new.is_public and new.is_active
    where prompt_id = new.id and metric <> 'success';
end;

-- What is inserted here is added to the rankings: so much to the total, and so many times, at an instant, to the windows
-- that it is in. Nothing can be read.
create view prompt_ranking_changes (prompt_id, metric, total, times, created_at) as
  select prompt_id, metric, 0, 0, '' from prompt_rankings where false;

create trigger prompt_ranking_changed instead of insert on prompt_ranking_changes begin
  insert into prompt_rankings (prompt_id, metric, is_listed, total, last_24h, last_7d, last_30d)
    select p.id, new.metric, new.metric <> 'success' and p.is_public and p.is_active, new.total,
      new.times * (new.created_at > w.left_24h), new.times * (new.created_at > w.left_7d),
      new.times * (new.created_at > w.left_30d)
    from prompts p cross join ranking_windows w where p.id = new.prompt_id
    on conflict (prompt_id, metric) do update set total = total + excluded.total,
      last_24h = last_24h + excluded.last_24h, last_7d = last_7d + excluded.last_7d,
      last_30d = last_30d + excluded.last_30d;
end;

-- The total of likes is what the templates say, for a server may set it.
create trigger prompt_ranking_template_added after insert on prompt_templates when new.likes_count > 0 begin
  insert into prompt_ranking_changes values (new.prompt_id, 'like', new.likes_count, 0, '');
end;

create trigger prompt_ranking_template_liked after update of likes_count, prompt_id on prompt_templates
when new.prompt_id = old.prompt_id and new.likes_count <> old.likes_count
begin
  insert into prompt_ranking_changes values (new.prompt_id, 'like', new.likes_count - old.likes_count, 0, '');
end;

create trigger prompt_ranking_template_moved after update of prompt_id on prompt_templates
when new.prompt_id <> old.prompt_id
begin
  insert into prompt_ranking_changes values (old.prompt_id, 'like', -old.likes_count, 0, '');
  insert into prompt_ranking_changes
    select old.prompt_id, 'like', 0, -1, created_at from template_likes where template_id = new.id;
  insert into prompt_ranking_changes values (new.prompt_id, 'like', new.likes_count, 0, '');
  insert into prompt_ranking_changes
    select new.prompt_id, 'like', 0, 1, created_at from template_likes where template_id = new.id;
end;

-- Before: its likes go with it, and then nothing tells whose they were.
create trigger prompt_ranking_template_removed before delete on prompt_templates begin
  insert into prompt_ranking_changes values (old.prompt_id, 'like', -old.likes_count, 0, '');
  insert into prompt_ranking_changes
    select old.prompt_id, 'like', 0, -1, created_at from template_likes where template_id = old.id;
end;

create trigger prompt_ranking_like_added after insert on template_likes begin
  insert into prompt_ranking_changes
    select prompt_id, 'like', 0, 1, new.created_at from prompt_templates where id = new.template_id;
end;

create trigger prompt_ranking_like_removed after delete on template_likes begin
  insert into prompt_ranking_changes
    select prompt_id, 'like', 0, -1, old.created_at from prompt_templates where id = old.template_id;
end;

create trigger prompt_ranking_like_changed after update of template_id, created_at on template_likes begin
  insert into prompt_ranking_changes
    select prompt_id, 'like', 0, -1, old.created_at from prompt_templates where id = old.template_id;
  insert into prompt_ranking_changes
    select prompt_id, 'like', 0, 1, new.created_at from prompt_templates where id = new.template_id;
end;

create trigger prompt_ranking_use_added after insert on prompt_usage begin
  insert into prompt_ranking_changes values (new.prompt_id, 'use', 1, 1, new.created_at);
  insert into prompt_ranking_changes select new.prompt_id, 'success', 1, 1, new.created_at where new.success;
end;

create trigger prompt_ranking_use_removed after delete on prompt_usage begin
  insert into prompt_ranking_changes values (old.prompt_id, 'use', -1, -1, old.created_at);
  insert into prompt_ranking_changes select old.prompt_id, 'success', -1, -1, old.created_at where old.success;
end;

create trigger prompt_ranking_use_changed after update of prompt_id, success, created_at on prompt_usage begin
  insert into prompt_ranking_changes values (old.prompt_id, 'use', -1, -1, old.created_at);
  insert into prompt_ranking_changes select old.prompt_id, 'success', -1, -1, old.created_at where old.success;
  insert into prompt_ranking_changes values (new.prompt_id, 'use', 1, 1, new.created_at);
  insert into prompt_ranking_changes select new.prompt_id, 'success', 1, 1, new.created_at where new.success;
end;
