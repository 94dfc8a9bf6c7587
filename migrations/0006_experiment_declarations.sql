-- Experiments are declared: who is assigned to what, and since when. The table is made anew, for its old columns get
-- bounds. Of rows that exceed them a name goes on in the hypothesis, and a window of more than a year is one of a year.

create table declared_experiments (
  id text primary key,
  project_id text,
  name text not null check (length(name) between 1 and 200),
  hypothesis text,
  -- [{"key", "weight"}, …]; null for an experiment of which only the rules are known: it assigns nobody.
  variants text check (json_type(variants) = 'array'),
  -- A JSON number, which the data dialect tells as one.
  coverage text not null default '1.0'
    check (json_type(coverage) in ('integer', 'real') and cast(coverage as real) between 0 and 1),
  seed text, -- null is the id
  hash_version integer not null default 2 check (hash_version in (1, 2)),
  namespace text check (json_type(namespace) = 'array'), -- ["name", start, end]; null is everybody
  status text not null default 'draft'
    check (status in ('draft', 'running', 'stopped') and (status = 'draft' or variants is not null)),
  multi_variant text not null default 'exclude' check (multi_variant in ('exclude', 'first')),
  conversion_window_hours integer check (conversion_window_hours between 1 and 8760), -- null is for ever
  started_ms integer check ((started_ms is null) = (status = 'draft')), -- when it first ran
  stopped_ms integer check ((stopped_ms is not null) = (status = 'stopped')),
  created_ms integer, -- null where it was not declared
  updated_ms integer,
  version integer not null default 1 -- of two who change the same version, one does
) strict, without rowid;

insert into declared_experiments (id, project_id, name, hypothesis, multi_variant, conversion_window_hours)
  select id, project_id, coalesce(nullif(substr(name, 1, 200), ''), id), iif(length(name) > 200, substr(name, 1, 2000), null),
    multi_variant, min(conversion_window_hours, 8760)
  from experiments;

drop table experiments;
alter table declared_experiments rename to experiments;
