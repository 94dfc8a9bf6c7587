-- Full-text search over prompts, and so over the templates that are made of them. The index keeps no text: FTS5 reads
-- prompt_documents where it needs one, and takes from the index what it was told to take from it, so it must be told the
-- old document before a change and the new one after it.

-- Of a prompt's templates, kept by triggers, null when it has none: their tags, and words by which they are filtered. With
-- them all that is indexed of a prompt stands in one row, and one pair of triggers sees every change.
alter table prompts add column template_tags text;
alter table prompts add column template_marks text;

create view prompt_template_words (prompt_id, tags, marks) as
  select p.id,
    (
      select group_concat(distinct value) from prompt_templates t join json_each(t.tags)
      where t.prompt_id = p.id
    ),
    (
      select 'is,' || group_concat(distinct 'in' || hex(t.category)) from prompt_templates t
      where t.prompt_id = p.id
    ) || coalesce((
      select ',' || group_concat(distinct 'of' || hex(value)) from prompt_templates t join json_each(t.tags)
      where t.prompt_id = p.id
    ), '')
  from prompts p;

update prompts set (template_tags, template_marks) =
  (select tags, marks from prompt_template_words where prompt_id = prompts.id);

-- FTS5 lets the views that it reads use no virtual table, not even json_each. U+0002 and U+0003 are left out: highlights
-- are marked with them.
create view prompt_texts (prompt, field, text) as
  select p.rowid, field, replace(replace(case field
    when 'title' then p.title
    when 'goal' then p.goal
    when 'template' then p.template
    when 'tags' then coalesce(p.template_tags, '') || (
      with recursive places (place) as (
        select 0 union all select place + 1 from places where place + 1 < json_array_length(p.tags)
      )
      select coalesce(group_concat(' ' || (p.tags ->> place), ''), '') from places
    )
    when 'marks' then p.template_marks
  end, char(2), ' '), char(3), ' ') from prompts p join (
    select 'title' as field union all select 'goal' union all select 'template' union all select 'tags'
    union all select 'marks'
  );

-- Chinese, Japanese and Korean text has no spaces where a reader sees words. So the characters that
-- search::words::stands_alone names stand between U+200B here, which makes each of them a token. A text is halved until
-- its parts hold none of them or are one: substr() counts its way from the start, so that cutting off one after the other
-- would take time with the square of the length. Of a text in other than ASCII the first 60,000 characters are indexed,
-- for this is done anew for each row that a search shows. (D1 takes patterns of at most 50 bytes, hence two.)
create view prompt_words (prompt, field, text) as
  select prompt, field, case when length(text) = octet_length(text) then text else (
    with recursive parts (place, part) as (
      select 0, substr(text, 1, 60000)
      union all
      select
        place + side * (length(part) / 2),
        iif(side, substr(part, length(part) / 2 + 1), substr(part, 1, length(part) / 2))
      from parts join (select 0 as side union all select 1)
      where length(part) > 1 and (part glob '*[ᄀ-ᇿ⺀-鿿ꥠ-ꥼ가-﫿ｦ-ￜ]*' or part glob '*[𚿰-𛅯𠀀-𿿽]*')
    )
    select group_concat(iif(apart, char(0x200B) || part || char(0x200B), part), '' order by place) from (
      select place, part, part glob '*[ᄀ-ᇿ⺀-鿿ꥠ-ꥼ가-﫿ｦ-ￜ]*' or part glob '*[𚿰-𛅯𠀀-𿿽]*' as apart from parts
    ) where length(part) = 1 or not apart
  ) end from prompt_texts;

create view prompt_documents as
  select p.rowid as rowid,
    (select text from prompt_words where prompt = p.rowid and field = 'title') as title,
    (select text from prompt_words where prompt = p.rowid and field = 'goal') as goal,
    (select text from prompt_words where prompt = p.rowid and field = 'template') as template,
    (select text from prompt_words where prompt = p.rowid and field = 'tags') as tags,
    (select text from prompt_words where prompt = p.rowid and field = 'marks') as marks
  from prompts p;

create virtual table prompt_search using fts5 (
  title, goal, template, tags, marks,
  content = 'prompt_documents', tokenize = 'porter unicode61 remove_diacritics 2'
);

insert into prompt_search (prompt_search) values ('rebuild');

-- A statement that leaves out rows of prompts after their BEFORE triggers ran (update or ignore, insert or replace) would
-- leave the index wrong; on conflict do update and do nothing are right.
create trigger prompt_search_added after insert on prompts begin
  insert into prompt_search (rowid, title, goal, template, tags, marks)
    select rowid, title, goal, template, tags, marks from prompt_documents where rowid = new.rowid;
end;

create trigger prompt_search_changing before update of title, goal, template, tags, template_tags, template_marks on prompts
when (old.title, old.goal, old.template, old.tags, old.template_tags, old.template_marks)
  is not (new.title, new.goal, new.template, new.tags, new.template_tags, new.template_marks)
begin
  insert into prompt_search (prompt_search, rowid, title, goal, template, tags, marks)
    select 'delete', rowid, title, goal, template, tags, marks from prompt_documents where rowid = old.rowid;
end;

create trigger prompt_search_changed after update of title, goal, template, tags, template_tags, template_marks on prompts
when (old.title, old.goal, old.template, old.tags, old.template_tags, old.template_marks)
  is not (new.title, new.goal, new.template, new.tags, new.template_tags, new.template_marks)
begin
  insert into prompt_search (rowid, title, goal, template, tags, marks)
    select rowid, title, goal, template, tags, marks from prompt_documents where rowid = new.rowid;
end;

create trigger prompt_search_removed before delete on prompts begin
  insert into prompt_search (prompt_search, rowid, title, goal, template, tags, marks)
    select 'delete', rowid, title, goal, template, tags, marks from prompt_documents where rowid = old.rowid;
end;

create trigger prompt_template_words_added after insert on prompt_templates begin
  update prompts set (template_tags, template_marks) =
    (select tags, marks from prompt_template_words where prompt_id = prompts.id)
  where id = new.prompt_id;
end;

create trigger prompt_template_words_changed after update of prompt_id, category, tags on prompt_templates
when (old.prompt_id, old.category, old.tags) is not (new.prompt_id, new.category, new.tags)
begin
  update prompts set (template_tags, template_marks) =
    (select tags, marks from prompt_template_words where prompt_id = prompts.id)
  where id in (old.prompt_id, new.prompt_id);
end;

create trigger prompt_template_words_removed after delete on prompt_templates begin
  update prompts set (template_tags, template_marks) =
    (select tags, marks from prompt_template_words where prompt_id = prompts.id)
  where id = old.prompt_id;
end;

-- Each template of a prompt has its document indexed anew.
create trigger prompt_templates_bounded before insert on prompt_templates
  when (select count(*) from prompt_templates where prompt_id = new.prompt_id) >= 50
    and not exists (select 1 from prompt_templates where id = new.id)
begin
  select raise(abort, 'CHECK constraint failed: prompt_id');
end;
