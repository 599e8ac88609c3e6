-- How the tests of packs ended: one row for each time they were run.
create table pack_test_execution (
    id integer primary key autoincrement,
    pack_id integer not null references pack (id) on delete cascade,
    pack_version text not null,
    execution_time integer not null,
    trigger_reason text not null check (trigger_reason in ('install', 'update', 'manual', 'validation')),
    total_tests integer not null,
    passed integer not null,
    failed integer not null,
    skipped integer not null,
    pass_rate real not null check (pass_rate >= 0 and pass_rate <= 1),
    duration_ms integer not null,
    result text not null,
    created integer not null
);
create index pack_test_execution_by_pack on pack_test_execution (pack_id, id);
