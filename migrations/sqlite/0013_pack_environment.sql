-- Environments of packs, one row for each place where one lies: workers that share a folder share the row.
create table pack_environment (
    id integer primary key autoincrement,
    pack integer not null references pack (id) on delete cascade,
    pack_ref text not null,
    runtime text not null,
    host text not null,
    place text not null,
    worker text not null,
    env_path text not null,
    status text not null check (status in ('pending', 'installing', 'ready', 'failed', 'outdated')),
    manifest_checksum text,
    install_log text,
    install_error text,
    requested_at integer,
    installed_at integer,
    last_verified integer,
    created integer not null,
    updated integer not null,
    unique (pack_ref, runtime, host, place)
);
create index pack_environment_by_pack on pack_environment (pack);
