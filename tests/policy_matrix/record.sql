-- How one request is tried: as its caller, and undone again.

create schema matrix;

-- The rows of every table.
create function matrix.stored() returns jsonb language plpgsql as $$
declare
  tables jsonb := '{}';
  named text;
  rows jsonb;
begin
  for named in select tablename from pg_tables where schemaname = 'public' loop
    execute format('select coalesce(jsonb_agg(to_jsonb(t)), ''[]'') from %I t', named) into rows;
    tables := tables || jsonb_build_object(named, rows);
  end loop;
  return tables;
end
$$;

-- What `statement` gives, or its SQLSTATE as `error`; with `stored`, the rows of every table, if it changed any.
create function matrix.tried(caller name, claims json, statement text) returns jsonb language plpgsql as $$
declare
  before jsonb := matrix.stored();
  after jsonb;
  outcome jsonb;
begin
  begin
    perform set_config('request.jwt.claims', claims::text, true);
    perform set_config('role', caller, true);
    execute statement into outcome;
    perform set_config('role', 'none', true);
    after := matrix.stored();
    if after is distinct from before then
      outcome := outcome || jsonb_build_object('stored', after);
    end if;
    raise exception using errcode = 'UNDO0';
  exception
    when sqlstate 'UNDO0' then null;
    when others then outcome := jsonb_build_object('error', sqlstate);
  end;
  if matrix.stored() is distinct from before then
    raise exception 'what was tried was not undone: %', statement;
  end if;
  return outcome;
end
$$;
