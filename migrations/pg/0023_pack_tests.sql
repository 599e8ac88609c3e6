-- How the tests of packs ended: one row for each time they were run.
create table pack_test_execution (
    id bigserial primary key,
    pack_id bigint not null references pack (id) on delete cascade,
    pack_version text not null,
    execution_time timestamptz not null,
    trigger_reason text not null check (trigger_reason in ('install', 'update', 'manual', 'validation')),
    total_tests bigint not null,
    passed bigint not null,
    failed bigint not null,
    skipped bigint not null,
    pass_rate double precision not null check (pass_rate >= 0 and pass_rate <= 1),
    duration_ms bigint not null,
    result jsonb not null,
    created timestamptz not null
);
create index pack_test_execution_by_pack on pack_test_execution (pack_id, id);
