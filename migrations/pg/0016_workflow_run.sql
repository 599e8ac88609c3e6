-- Running workflows. The tables that were there before had no rows: nothing wrote any.
drop table workflow_task_dispatch;
drop table workflow_execution;

-- Definitions as runs began with them; a definition that changes, or goes, leaves them alone.
create table workflow_version (
    id bigserial primary key,
    workflow_def bigint not null,
    stamp timestamptz not null,
    ref text not null,
    definition jsonb not null,
    created timestamptz not null,
    unique (workflow_def, stamp)
);

-- The id is that of the execution.
create table workflow_execution (
    id bigint primary key references execution (id) on delete cascade,
    version bigint not null,
    ref text not null,
    status text not null default 'running',
    variables jsonb not null default '{}',
    open bigint not null default 0,
    waiting bigint not null default 0,
    bad bigint not null default 0,
    failed_tasks jsonb not null default '[]',
    depth bigint not null default 0,
    error_message text,
    paused boolean not null default false,
    timeout_at timestamptz,
    due_at timestamptz,
    created timestamptz not null,
    updated timestamptz not null
);
create index workflow_execution_due on workflow_execution (due_at) where due_at is not null;
create index workflow_execution_version on workflow_execution (version);

-- Each task as it stands; written only when something happens to it.
create table workflow_task (
    workflow bigint not null references workflow_execution (id) on delete cascade,
    task bigint not null,
    name text not null,
    status text not null,
    iteration bigint not null,
    backlog bigint not null,
    begun boolean not null,
    arrived jsonb not null,
    triggered_by bigint,
    due_at timestamptz,
    execution bigint,
    items boolean not null,
    items_n bigint not null,
    items_next bigint not null,
    items_live bigint not null,
    items_bad bigint not null,
    items_late bigint not null,
    open bigint not null,
    waiting bigint not null,
    bad bigint not null,
    note text,
    started_at timestamptz,
    finished_at timestamptz,
    primary key (workflow, task)
);

-- What a task runs for, sixty-four a row.
create table workflow_items (
    workflow bigint not null references workflow_execution (id) on delete cascade,
    task bigint not null,
    chunk bigint not null,
    items jsonb not null,
    primary key (workflow, task, chunk)
);

-- What has happened and is not yet acted on.
create table workflow_inbox (
    id bigserial primary key,
    workflow bigint not null,
    execution bigint,
    task_no bigint,
    task_index bigint,
    task_iteration bigint,
    outcome text not null,
    created timestamptz not null
);
create index workflow_inbox_of on workflow_inbox (workflow, id);

-- Which task of its parent a run is for.
alter table execution add column task_no bigint;
alter table execution add column task_index bigint;
alter table execution add column task_iteration bigint;
