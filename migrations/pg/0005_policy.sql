-- What a policy may say: runs under way at once, and runs begun in a while. The table had no rows: nothing wrote any.
drop table policy;
create table policy (
    id bigserial primary key,
    ref text not null unique,
    pack bigint references pack (id) on delete cascade,
    pack_ref text,
    action bigint references action (id) on delete cascade,
    action_ref text,
    name text not null,
    description text,
    tags jsonb not null default '[]',
    enabled boolean not null default true,
    is_adhoc boolean not null default false,
    threshold bigint check (threshold > 0),
    parameters jsonb not null default '[]',
    method text check (method in ('enqueue', 'cancel', 'cancel_oldest')),
    rate_limit bigint check (rate_limit > 0),
    rate_seconds bigint check (rate_seconds > 0),
    rate_burst bigint check (rate_burst > 0),
    rate_parameters jsonb not null default '[]',
    rate_method text check (rate_method in ('delay', 'cancel')),
    created timestamptz not null,
    updated timestamptz not null
);
create index policy_by_action on policy (action_ref) where action_ref is not null;
create index policy_by_pack on policy (pack_ref) where pack_ref is not null;
