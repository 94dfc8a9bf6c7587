-- The service lists all prompts by time, and templates are listed by time, too: each page would sort the whole table.
create index prompts_by_time on prompts (created_at);
create index prompt_templates_by_time on prompt_templates (created_at);
