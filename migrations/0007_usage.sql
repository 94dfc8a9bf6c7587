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
