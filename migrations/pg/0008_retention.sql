-- What clients have said of retention; without a row, the configuration says it. A target without an age is kept for ever.
create table runtime_retention_config (
    id bigint primary key check (id = 1),
    enabled boolean not null,
    check_interval_seconds bigint not null,
    batch_size bigint not null,
    dry_run boolean not null,
    advisory_lock_key bigint not null,
    updated timestamptz not null
);

create table runtime_retention_target_config (
    target text primary key,
    max_age_seconds bigint,
    updated timestamptz not null
);
