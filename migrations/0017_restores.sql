-- While a restore is under way: until then the cron leaves alone what may be half there. Each request of the restore moves it on.
create table restore_lease (
  id integer primary key check (id = 1),
  until_ms integer not null
) strict;

-- Counts of likes that come from elsewhere may be lower than the rows that are there: who takes a like back is not refused for that.
drop trigger template_likes_removed;
create trigger template_likes_removed after delete on template_likes begin
  update prompt_templates set likes_count = max(likes_count - 1, 0) where id = old.template_id;
end;

drop trigger template_likes_moved;
create trigger template_likes_moved after update of template_id on template_likes begin
  update prompt_templates set likes_count = max(likes_count - 1, 0) where id = old.template_id;
  update prompt_templates set likes_count = likes_count + 1 where id = new.template_id;
end;

-- An experiment whose declaration was deleted is not declared anew under other rules than its figures were made by.
create trigger experiments_keep_rules_anew before insert on experiments
  when exists (select 1 from experiment_rollups r where r.experiment_id = new.id and r.sessions_removed_ms is not null
    and (r.multi_variant, r.conversion_window_hours) is not (new.multi_variant, new.conversion_window_hours))
begin
  select raise(abort, 'CHECK constraint failed: the experiment is over');
end;
