-- What the tables and their rules mean, said again by hand in the language of the system whose meaning it is.
-- scripts/record-policies.mjs asks PostgreSQL with it what every request of the matrix does.

create role anon nologin;
create role authenticated nologin;
create role service_role nologin bypassrls;

create schema auth;

create function auth.uid() returns uuid language sql stable as $$
  select nullif(current_setting('request.jwt.claims', true)::json ->> 'sub', '')::uuid
$$;

create table users (
  id uuid primary key default gen_random_uuid(),
  email text,
  created_at timestamptz not null default now()
);

create table prompts (
  id uuid primary key default gen_random_uuid(),
  slug text unique,
  user_id uuid not null default auth.uid() references users (id),
  title text not null,
  goal text,
  template text not null,
  variables json,
  negative_prompt text,
  category text,
  tags text[],
  is_public boolean not null default false,
  is_active boolean not null default true,
  forked_from uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table prompt_answers (
  id uuid primary key default gen_random_uuid(),
  prompt_id uuid not null references prompts (id) on delete cascade,
  question text not null,
  answer text not null,
  position integer not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table test_results (
  id uuid primary key default gen_random_uuid(),
  prompt_id uuid not null references prompts (id) on delete cascade,
  user_id uuid not null default auth.uid() references users (id),
  model text,
  input text,
  output text,
  rating integer check (rating between 1 and 5),
  duration_ms integer check (duration_ms >= 0),
  created_at timestamptz not null default now()
);

create table prompt_templates (
  id uuid primary key default gen_random_uuid(),
  prompt_id uuid not null references prompts (id) on delete cascade,
  category text,
  tags text[],
  likes_count integer not null default 0 check (likes_count >= 0),
  uses_count integer not null default 0 check (uses_count >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table template_likes (
  template_id uuid not null references prompt_templates (id) on delete cascade,
  user_id uuid not null default auth.uid() references users (id),
  created_at timestamptz not null default now(),
  primary key (template_id, user_id)
);

create table user_favorites (
  user_id uuid not null default auth.uid() references users (id),
  template_id uuid not null references prompt_templates (id) on delete cascade,
  created_at timestamptz not null default now(),
  primary key (user_id, template_id)
);

create table prompt_favorites (
  user_id uuid not null default auth.uid() references users (id),
  prompt_id uuid not null references prompts (id) on delete cascade,
  created_at timestamptz not null default now(),
  primary key (user_id, prompt_id)
);

create table prompt_usage (
  id text not null default gen_random_uuid()::text,
  prompt_id uuid not null references prompts (id) on delete cascade,
  user_id uuid default auth.uid() references users (id),
  post_id text,
  character_id text,
  job_id text,
  scene text,
  environment text,
  outfit text,
  prompt text,
  negative_prompt text,
  success boolean not null default true,
  generation_time_ms integer check (generation_time_ms between 0 and 86400000),
  error_message text check (error_message is null or (not success and octet_length(error_message) <= 2048)),
  created_at timestamptz not null default now(),
  primary key (prompt_id, id)
);

create table prompt_events (
  id text not null default gen_random_uuid()::text,
  prompt_id uuid not null references prompts (id) on delete cascade,
  user_id uuid default auth.uid() references users (id),
  event_type text not null check (event_type in ('fork', 'compare_add')),
  child_prompt_id uuid,
  comparison_id text,
  created_at timestamptz not null default now(),
  primary key (prompt_id, id)
);

create table prompt_stats (
  prompt_id uuid primary key references prompts (id) on delete cascade,
  view_count bigint not null,
  copy_count bigint not null,
  fork_count bigint not null,
  compare_count bigint not null,
  visit_count bigint not null default 0,
  unique_visitors bigint not null default 0,
  updated_at timestamptz not null default now()
);

create table experiments (
  id text primary key,
  project_id text,
  name text not null check (char_length(name) between 1 and 200),
  multi_variant text not null default 'exclude' check (multi_variant in ('exclude', 'first')),
  conversion_window_hours integer check (conversion_window_hours between 1 and 8760),
  hypothesis text,
  variants json,
  coverage double precision not null default 1 check (coverage between 0 and 1),
  seed text,
  hash_version integer not null default 2 check (hash_version in (1, 2)),
  namespace json,
  status text not null default 'draft' check (status in ('draft', 'running', 'stopped')),
  started_ms bigint,
  stopped_ms bigint,
  created_ms bigint,
  updated_ms bigint
);

create table analytics_events (
  seq bigint generated by default as identity primary key,
  experiment_id text not null,
  event_id text,
  event_type text not null check (event_type in ('pageview', 'exposure', 'conversion')),
  project_id text,
  session_id text not null,
  variant_key text,
  view_id text,
  timestamp_ms bigint not null,
  properties json
);

create unique index analytics_events_once on analytics_events (experiment_id, event_id) where event_id is not null;

create table experiment_sessions (
  experiment_id text not null,
  session text not null,
  variant_key text,
  first_exposure_ms bigint,
  is_multi_variant boolean not null default false,
  primary key (experiment_id, session)
);

create table experiment_analytics_summary (
  experiment_id text not null,
  variant_key text not null,
  date text not null,
  hour integer not null check (hour between 0 and 23),
  sessions bigint not null default 0,
  pageviews bigint not null default 0,
  pageview_sessions bigint not null default 0,
  exposures bigint not null default 0,
  exposure_sessions bigint not null default 0,
  conversions bigint not null default 0,
  conversion_sessions bigint not null default 0,
  new_exposed_sessions bigint not null default 0,
  new_converted_sessions bigint not null default 0,
  primary key (experiment_id, date, hour, variant_key)
);

-- The number of likes is the rows', whoever may change the template.
create function count_likes() returns trigger language plpgsql security definer set search_path = public as $$
begin
  if tg_op in ('DELETE', 'UPDATE') then
    update prompt_templates set likes_count = likes_count - 1 where id = old.template_id;
  end if;
  if tg_op in ('INSERT', 'UPDATE') then
    update prompt_templates set likes_count = likes_count + 1 where id = new.template_id;
  end if;
  return null;
end
$$;

create trigger template_likes_changed after insert or delete or update of template_id on template_likes
  for each row execute function count_likes();

grant usage on schema public, auth to anon, authenticated, service_role;
grant all on all tables in schema public to anon, authenticated, service_role;
grant all on all sequences in schema public to anon, authenticated, service_role;

-- The counts of a template are the service's.
-- Views in the worker, of what has a route of its own to be written by.
revoke insert, update, delete on analytics_events, experiment_sessions from anon, authenticated, service_role;
revoke insert, update on prompt_templates from anon, authenticated;
grant
  insert (id, prompt_id, category, tags, created_at, updated_at),
  update (id, prompt_id, category, tags, created_at, updated_at)
  on prompt_templates to anon, authenticated;

-- What decides who is assigned to what is declared, which is nobody's to write here.
revoke insert, update on experiments from anon, authenticated, service_role;
grant
  insert (id, project_id, name, multi_variant, conversion_window_hours),
  update (id, project_id, name, multi_variant, conversion_window_hours)
  on experiments to anon, authenticated, service_role;

alter table users enable row level security;
alter table prompts enable row level security;
alter table prompt_answers enable row level security;
alter table test_results enable row level security;
alter table prompt_templates enable row level security;
alter table template_likes enable row level security;
alter table user_favorites enable row level security;
alter table prompt_favorites enable row level security;
alter table prompt_usage enable row level security;
alter table prompt_events enable row level security;
alter table prompt_stats enable row level security;
-- These have no policy at all: they are the service's.
alter table experiments enable row level security;
alter table analytics_events enable row level security;
alter table experiment_sessions enable row level security;
alter table experiment_analytics_summary enable row level security;

create policy "self is seen" on users for select using (id = auth.uid());
create policy "self is changed" on users for update using (id = auth.uid()) with check (id = auth.uid());

create policy "own are seen" on prompts for select using (user_id = auth.uid());
create policy "public and active are seen" on prompts for select using (is_public and is_active);
create policy "own are made" on prompts for insert with check (user_id = auth.uid());
create policy "own are changed and stay own" on prompts for update
  using (user_id = auth.uid()) with check (user_id = auth.uid());
create policy "own are removed" on prompts for delete using (user_id = auth.uid());

-- Whoever asks sees of prompts and templates what their policies leave: "exists" is "may see".
create policy "seen with the prompt" on prompt_answers for select
  using (exists (select from prompts where prompts.id = prompt_id));
create policy "made by the prompt's owner" on prompt_answers for insert
  with check (exists (select from prompts where prompts.id = prompt_id and prompts.user_id = auth.uid()));
create policy "changed by the prompt's owner" on prompt_answers for update
  using (exists (select from prompts where prompts.id = prompt_id and prompts.user_id = auth.uid()))
  with check (exists (select from prompts where prompts.id = prompt_id and prompts.user_id = auth.uid()));
create policy "removed by the prompt's owner" on prompt_answers for delete
  using (exists (select from prompts where prompts.id = prompt_id and prompts.user_id = auth.uid()));

create policy "own are seen" on test_results for select using (user_id = auth.uid());
-- On what one may see: the foreign key would tell whether a hidden prompt exists.
create policy "own are made on what is seen" on test_results for insert
  with check (user_id = auth.uid() and exists (select from prompts where prompts.id = prompt_id));
create policy "own are removed" on test_results for delete using (user_id = auth.uid());

create policy "seen with the prompt" on prompt_templates for select
  using (exists (select from prompts where prompts.id = prompt_id));
create policy "made by the prompt's owner" on prompt_templates for insert
  with check (exists (select from prompts where prompts.id = prompt_id and prompts.user_id = auth.uid()));
create policy "changed by the prompt's owner" on prompt_templates for update
  using (exists (select from prompts where prompts.id = prompt_id and prompts.user_id = auth.uid()))
  with check (exists (select from prompts where prompts.id = prompt_id and prompts.user_id = auth.uid()));
create policy "removed by the prompt's owner" on prompt_templates for delete
  using (exists (select from prompts where prompts.id = prompt_id and prompts.user_id = auth.uid()));

create policy "own are seen" on template_likes for select using (user_id = auth.uid());
create policy "own are made on what is seen" on template_likes for insert
  with check (user_id = auth.uid() and exists (select from prompt_templates where prompt_templates.id = template_id));
create policy "own are removed" on template_likes for delete using (user_id = auth.uid());

create policy "own are seen" on user_favorites for select using (user_id = auth.uid());
create policy "own are made on what is seen" on user_favorites for insert
  with check (user_id = auth.uid() and exists (select from prompt_templates where prompt_templates.id = template_id));
create policy "own are removed" on user_favorites for delete using (user_id = auth.uid());

create policy "own are seen" on prompt_favorites for select using (user_id = auth.uid());
create policy "own are made on what is seen" on prompt_favorites for insert
  with check (user_id = auth.uid() and exists (select from prompts where prompts.id = prompt_id));
create policy "own are removed" on prompt_favorites for delete using (user_id = auth.uid());

-- A use is what its user says of it, once: nobody else changes it or takes it back.
create policy "own are seen" on prompt_usage for select using (user_id = auth.uid());
create policy "own are made on what is seen" on prompt_usage for insert
  with check (user_id = auth.uid() and exists (select from prompts where prompts.id = prompt_id));

create policy "own are seen" on prompt_events for select using (user_id = auth.uid());
create policy "own are made on what is seen" on prompt_events for insert
  with check (user_id = auth.uid() and exists (select from prompts where prompts.id = prompt_id));

create policy "seen with the prompt" on prompt_stats for select
  using (exists (select from prompts where prompts.id = prompt_id));
