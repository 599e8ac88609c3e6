-- Runs of workflows that are begun anew from some of their tasks.

-- What a task has published by its end, so that it is known without what others have published.
alter table workflow_task add column published text;

-- The run whose results were taken over, and what the new one begins with: [[task, from], ...].
alter table workflow_execution add column rerun_of integer;
alter table workflow_execution add column starts text;

-- Results of the other run, which may be removed before this one has ended.
create table workflow_taken (
    workflow integer not null references execution (id) on delete cascade,
    task integer not null,
    iteration integer not null,
    result text not null,
    primary key (workflow, task)
);
