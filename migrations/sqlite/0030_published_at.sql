-- When a task last published something: rounds of a loop that publish nothing leave what the others have published.
alter table workflow_task add column published_at integer;
