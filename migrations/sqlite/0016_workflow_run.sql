-- Running workflows. The tables that were there before had no rows: nothing wrote any.
drop table workflow_task_dispatch;
drop table workflow_execution;

-- Definitions as runs began with them; a definition that changes, or goes, leaves them alone.
create table workflow_version (
    id integer primary key autoincrement,
    workflow_def integer not null,
    stamp integer not null,
    ref text not null,
    definition text not null,
    created integer not null,
    unique (workflow_def, stamp)
);

-- The id is that of the execution.
create table workflow_execution (
    id integer primary key references execution (id) on delete cascade,
    version integer not null,
    ref text not null,
    status text not null default 'running',
    variables text not null default '{}',
    open integer not null default 0,
    waiting integer not null default 0,
    bad integer not null default 0,
    failed_tasks text not null default '[]',
    depth integer not null default 0,
    error_message text,
    paused integer not null default 0,
    timeout_at integer,
    due_at integer,
    created integer not null,
    updated integer not null
);
create index workflow_execution_due on workflow_execution (due_at) where due_at is not null;
create index workflow_execution_version on workflow_execution (version);

-- Each task as it stands; written only when something happens to it.
create table workflow_task (
    workflow integer not null references workflow_execution (id) on delete cascade,
    task integer not null,
    name text not null,
    status text not null,
    iteration integer not null,
    backlog integer not null,
    begun integer not null,
    arrived text not null,
    triggered_by integer,
    due_at integer,
    execution integer,
    items integer not null,
    items_n integer not null,
    items_next integer not null,
    items_live integer not null,
    items_bad integer not null,
    items_late integer not null,
    open integer not null,
    waiting integer not null,
    bad integer not null,
    note text,
    started_at integer,
    finished_at integer,
    primary key (workflow, task)
) without rowid;

-- What a task runs for, sixty-four a row.
create table workflow_items (
    workflow integer not null references workflow_execution (id) on delete cascade,
    task integer not null,
    chunk integer not null,
    items text not null,
    primary key (workflow, task, chunk)
) without rowid;

-- What has happened and is not yet acted on.
create table workflow_inbox (
    id integer primary key autoincrement,
    workflow integer not null,
    execution integer,
    task_no integer,
    task_index integer,
    task_iteration integer,
    outcome text not null,
    created integer not null
);
create index workflow_inbox_of on workflow_inbox (workflow, id);

-- Which task of its parent a run is for.
alter table execution add column task_no integer;
alter table execution add column task_index integer;
alter table execution add column task_iteration integer;
