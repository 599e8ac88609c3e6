-- What clients have said of retention; without a row, the configuration says it. A target without an age is kept for ever.
create table runtime_retention_config (
    id integer primary key check (id = 1),
    enabled integer not null,
    check_interval_seconds integer not null,
    batch_size integer not null,
    dry_run integer not null,
    advisory_lock_key integer not null,
    updated integer not null
);

create table runtime_retention_target_config (
    target text primary key,
    max_age_seconds integer,
    updated integer not null
);
