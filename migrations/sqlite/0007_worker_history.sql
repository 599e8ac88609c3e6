-- What changed of workers, their heartbeats aside; of executions the timeline in the row says it.
create table worker_history (
    id integer primary key,
    time integer not null,
    operation text not null check (operation = 'INSERT' or operation = 'UPDATE' or operation = 'DELETE'),
    entity_id integer not null,
    entity_ref text,
    changed_fields text not null default '[]',
    old_values text,
    new_values text
);
create index worker_history_by_entity on worker_history (entity_id, id);
