-- Environments of packs, one row for each place where one lies: workers that share a folder share the row.
create table pack_environment (
    id bigserial primary key,
    pack bigint not null references pack (id) on delete cascade,
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
    requested_at timestamptz,
    installed_at timestamptz,
    last_verified timestamptz,
    created timestamptz not null,
    updated timestamptz not null,
    unique (pack_ref, runtime, host, place)
);
create index pack_environment_by_pack on pack_environment (pack);
