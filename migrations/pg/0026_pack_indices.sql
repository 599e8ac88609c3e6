-- Registries of packs, beside those of the configuration. What is sent along when one is read is kept sealed.
create table pack_registry_index (
    id bigserial primary key,
    name text,
    url text not null unique check (url <> ''),
    position bigint not null check (position >= 0),
    enabled boolean not null default true,
    headers text,
    key_id text,
    created timestamptz not null,
    updated timestamptz not null
);
