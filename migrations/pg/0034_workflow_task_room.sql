-- A task's row is written when it begins and when it ends. With room beside it the second writing leaves the index alone.
alter table workflow_task set (fillfactor = 50);
