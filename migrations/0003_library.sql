-- What applications keep beside their prompts. Timestamps, booleans and ids as in 0001.

create table prompt_answers (
  id text primary key,
  prompt_id text not null references prompts (id) on delete cascade,
  question text not null,
  answer text not null,
  position integer not null, -- among the answers of its prompt
  created_at text not null,
  updated_at text not null
) strict;

create index prompt_answers_by_prompt on prompt_answers (prompt_id, position);

create table test_results (
  id text primary key,
  prompt_id text not null references prompts (id) on delete cascade,
  user_id text not null references users (id),
  model text,
  input text,
  output text,
  rating integer check (rating between 1 and 5),
  duration_ms integer check (duration_ms >= 0),
  created_at text not null
) strict;

create index test_results_by_prompt on test_results (prompt_id);
create index test_results_by_user on test_results (user_id, created_at);

-- A prompt that is offered to others as a template.
create table prompt_templates (
  id text primary key,
  prompt_id text not null references prompts (id) on delete cascade,
  category text,
  tags text check (json_type(tags) = 'array'), -- a JSON array of texts
  likes_count integer not null check (likes_count >= 0), -- the rows of template_likes, kept by triggers
  uses_count integer not null check (uses_count >= 0),
  created_at text not null,
  updated_at text not null
) strict;

create index prompt_templates_by_prompt on prompt_templates (prompt_id);
create index prompt_templates_by_likes on prompt_templates (likes_count, uses_count);
create index prompt_templates_by_category on prompt_templates (category, likes_count, uses_count);

create table template_likes (
  template_id text not null references prompt_templates (id) on delete cascade,
  user_id text not null references users (id),
  created_at text not null,
  primary key (template_id, user_id)
) strict, without rowid;

create index template_likes_by_user on template_likes (user_id);

create trigger template_likes_added after insert on template_likes begin
  update prompt_templates set likes_count = likes_count + 1 where id = new.template_id;
end;

create trigger template_likes_removed after delete on template_likes begin
  update prompt_templates set likes_count = likes_count - 1 where id = old.template_id;
end;

create trigger template_likes_moved after update of template_id on template_likes begin
  update prompt_templates set likes_count = likes_count - 1 where id = old.template_id;
  update prompt_templates set likes_count = likes_count + 1 where id = new.template_id;
end;

-- Templates that a user keeps at hand.
create table user_favorites (
  user_id text not null references users (id),
  template_id text not null references prompt_templates (id) on delete cascade,
  created_at text not null,
  primary key (user_id, template_id)
) strict, without rowid;

create index user_favorites_by_template on user_favorites (template_id);

-- Prompts that a user keeps at hand.
create table prompt_favorites (
  user_id text not null references users (id),
  prompt_id text not null references prompts (id) on delete cascade,
  created_at text not null,
  primary key (user_id, prompt_id)
) strict, without rowid;

create index prompt_favorites_by_prompt on prompt_favorites (prompt_id);

-- Of a fork: the call of increment_fork_count that came after it and counts nothing more; null until it came.
alter table prompt_events add column claimed_by text;

create index prompt_events_by_user on prompt_events (user_id, created_at);
create index prompt_events_to_claim on prompt_events (prompt_id, user_id)
  where event_type = 'fork' and claimed_by is null;
create unique index prompt_events_claims on prompt_events (prompt_id, claimed_by) where claimed_by is not null;

-- Whoever stores an event, it is to be counted.
create trigger prompt_events_stored after insert on prompt_events when new.uncounted_since_ms is null begin
  update prompt_events set uncounted_since_ms = cast(unixepoch('subsec') * 1000 as integer)
    where prompt_id = new.prompt_id and id = new.id;
end;

drop index prompts_by_user;
create index prompts_by_user on prompts (user_id, created_at);
create index prompts_listed on prompts (is_public, is_active, created_at);
create index prompts_by_category on prompts (category, created_at);

create index prompt_stats_by_views on prompt_stats (view_count);

-- Prompts that were made under an Idempotency-Key within the last 24 hours.
create table prompt_creations (
  user_id text not null references users (id),
  idempotency_key text not null,
  request_digest text not null, -- tells a repeated request from another one under the same key
  prompt_id text not null,
  created_ms integer not null,
  primary key (user_id, idempotency_key)
) strict, without rowid;

create index prompt_creations_by_time on prompt_creations (created_ms);
