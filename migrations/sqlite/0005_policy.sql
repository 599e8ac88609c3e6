-- What a policy may say: runs under way at once, and runs begun in a while. The table had no rows: nothing wrote any.
drop table policy;
create table policy (
    id integer primary key autoincrement,
    ref text not null unique,
    pack integer references pack (id) on delete cascade,
    pack_ref text,
    action integer references action (id) on delete cascade,
    action_ref text,
    name text not null,
    description text,
    tags text not null default '[]',
    enabled integer not null default 1,
    is_adhoc integer not null default 0,
    threshold integer check (threshold > 0),
    parameters text not null default '[]',
    method text check (method in ('enqueue', 'cancel', 'cancel_oldest')),
    rate_limit integer check (rate_limit > 0),
    rate_seconds integer check (rate_seconds > 0),
    rate_burst integer check (rate_burst > 0),
    rate_parameters text not null default '[]',
    rate_method text check (rate_method in ('delay', 'cancel')),
    created integer not null,
    updated integer not null
);
create index policy_by_action on policy (action_ref) where action_ref is not null;
create index policy_by_pack on policy (pack_ref) where pack_ref is not null;
