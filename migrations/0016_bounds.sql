-- Fifty templates of a prompt are fifty, also where one is moved to it: each has the prompt's document indexed anew.
create trigger prompt_templates_bounded_moving before update of prompt_id on prompt_templates
  when new.prompt_id <> old.prompt_id
    and (select count(*) from prompt_templates where prompt_id = new.prompt_id) >= 50
begin
  select raise(abort, 'CHECK constraint failed: prompt_id');
end;

-- Figures of sessions that are gone stay those of the rules by which they were judged, so these stay what is declared.
create trigger experiments_keep_rules before update of multi_variant, conversion_window_hours on experiments
  when (new.multi_variant, new.conversion_window_hours) is not (old.multi_variant, old.conversion_window_hours)
    and exists (select 1 from experiment_rollups r where r.experiment_id = old.id and r.sessions_removed_ms is not null)
begin
  select raise(abort, 'CHECK constraint failed: the experiment is over');
end;
