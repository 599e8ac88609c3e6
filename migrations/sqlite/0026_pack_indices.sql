-- Registries of packs, beside those of the configuration. What is sent along when one is read is kept sealed.
create table pack_registry_index (
    id integer primary key autoincrement,
    name text,
    url text not null unique check (url <> ''),
    position integer not null check (position >= 0),
    enabled integer not null default 1,
    headers text,
    key_id text,
    created integer not null,
    updated integer not null
);
