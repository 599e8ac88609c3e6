-- What changed of workers, their heartbeats aside; of executions the timeline in the row says it.
create table worker_history (
    id bigserial primary key,
    time timestamptz not null,
    operation text not null check (operation = 'INSERT' or operation = 'UPDATE' or operation = 'DELETE'),
    entity_id bigint not null,
    entity_ref text,
    changed_fields jsonb not null default '[]',
    old_values jsonb,
    new_values jsonb
);
create index worker_history_by_entity on worker_history (entity_id, id);
