-- What became of each use of a prompt. Text, timestamps, booleans and ids as in 0001; the columns that are read for many
-- rows at once stand before those that may be long.

create table prompt_usage (
  id text not null, -- the caller's; compared with ids of the same prompt only
  prompt_id text not null references prompts (id) on delete cascade,
  user_id text references users (id), -- null where a server told it and named nobody
  success integer not null check (success in (0, 1)),
  generation_time_ms integer check (generation_time_ms between 0 and 86400000), -- null where it was not measured
  created_at text not null,
  payload_digest text, -- tells a repeated event from another under its id; null of a row that came as a row
  scene text,
  environment text,
  outfit text,
  post_id text,
  character_id text,
  job_id text,
  error_message text check (error_message is null or (success = 0 and octet_length(error_message) <= 2048)),
  prompt text, -- the text that was used, as it was filled in
  negative_prompt text,
  primary key (prompt_id, id)
) strict, without rowid;

create index prompt_usage_by_user on prompt_usage (user_id, created_at);
create index prompt_usage_by_time on prompt_usage (created_at);

-- Totals of a prompt's uses, kept by triggers, for rows come and go by several routes. No row where there is no use.
create table prompt_usage_totals (
  prompt_id text primary key references prompts (id) on delete cascade,
  uses integer not null,
  successes integer not null, -- of the uses; the others failed
  generation_time_count integer not null, -- uses whose generation time was measured
  generation_time_sum_ms integer not null, -- over those
  last_used_at text not null, -- the greatest created_at
  generation_times text not null -- a JSON object: by the lower bounds of buckets (usage::histogram), how many times are in each
) strict, without rowid;

-- The same of the uses in one scene.
create table prompt_usage_scenes (
  prompt_id text not null references prompts (id) on delete cascade,
  scene text not null, -- the first 128 characters of the scene's name; empty of uses that name none
  uses integer not null,
  successes integer not null,
  generation_time_count integer not null,
  generation_time_sum_ms integer not null,
  primary key (prompt_id, scene)
) strict, without rowid;

-- What is inserted here is added to the totals (sign 1) or taken from them (sign -1); nothing can be read.
create view prompt_usage_changes (prompt_id, scene, success, generation_time_ms, created_at, sign) as
  select prompt_id, scene, success, generation_time_ms, created_at, 1 from prompt_usage where false;

create trigger prompt_usage_changed instead of insert on prompt_usage_changes begin
  insert into prompt_usage_totals values (
    new.prompt_id, new.sign, new.sign * new.success,
    iif(new.generation_time_ms is null, 0, new.sign), new.sign * coalesce(new.generation_time_ms, 0),
    new.created_at,
    iif(new.generation_time_ms is null, '{}', json_object(
      -- The first two digits, and zeros for the others.
      substr(new.generation_time_ms, 1, 2) || substr('000000', 1, length(new.generation_time_ms) - 2), new.sign
    ))
  ) on conflict (prompt_id) do update set
    uses = uses + excluded.uses,
    successes = successes + excluded.successes,
    generation_time_count = generation_time_count + excluded.generation_time_count,
    generation_time_sum_ms = generation_time_sum_ms + excluded.generation_time_sum_ms,
    last_used_at = case
      when excluded.uses > 0 then max(last_used_at, excluded.last_used_at)
      when excluded.last_used_at < last_used_at then last_used_at
      -- The newest use is gone. Most often another is as new, or there is none; else all of the prompt's are looked at.
      else coalesce(
        (
          select created_at from prompt_usage
          where prompt_id = excluded.prompt_id and +created_at = excluded.last_used_at limit 1
        ),
        (select max(+created_at) from prompt_usage where prompt_id = excluded.prompt_id),
        last_used_at
      )
    end,
    generation_times = coalesce(
      (
        select iif(times = 0, json_remove(generation_times, fullkey), json_set(generation_times, fullkey, times))
        from (
          select fullkey, value + coalesce(generation_times ->> fullkey, 0) as times
          from json_each(excluded.generation_times)
        )
      ),
      generation_times
    );
  delete from prompt_usage_totals where prompt_id = new.prompt_id and uses = 0;

  insert into prompt_usage_scenes values (
    new.prompt_id, substr(coalesce(new.scene, ''), 1, 128), new.sign, new.sign * new.success,
    iif(new.generation_time_ms is null, 0, new.sign), new.sign * coalesce(new.generation_time_ms, 0)
  ) on conflict (prompt_id, scene) do update set
    uses = uses + excluded.uses,
    successes = successes + excluded.successes,
    generation_time_count = generation_time_count + excluded.generation_time_count,
    generation_time_sum_ms = generation_time_sum_ms + excluded.generation_time_sum_ms;
  delete from prompt_usage_scenes
    where prompt_id = new.prompt_id and scene = substr(coalesce(new.scene, ''), 1, 128) and uses = 0;
end;

create trigger prompt_usage_added after insert on prompt_usage begin
  insert into prompt_usage_changes
    values (new.prompt_id, new.scene, new.success, new.generation_time_ms, new.created_at, 1);
end;

-- With a prompt go its totals: nothing is to be taken from them row by row.
create trigger prompt_usage_removed after delete on prompt_usage
when exists (select 1 from prompts where id = old.prompt_id) begin
  insert into prompt_usage_changes
    values (old.prompt_id, old.scene, old.success, old.generation_time_ms, old.created_at, -1);
end;

create trigger prompt_usage_altered
after update of prompt_id, scene, success, generation_time_ms, created_at on prompt_usage
when (old.prompt_id, old.scene, old.success, old.generation_time_ms, old.created_at)
  is not (new.prompt_id, new.scene, new.success, new.generation_time_ms, new.created_at) begin
  insert into prompt_usage_changes
    values (old.prompt_id, old.scene, old.success, old.generation_time_ms, old.created_at, -1),
      (new.prompt_id, new.scene, new.success, new.generation_time_ms, new.created_at, 1);
end;
