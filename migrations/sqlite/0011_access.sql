-- Sessions of users, tokens of other programs, and the identity that stands for the platform itself (id 1: the first there is).

insert into identity (login, display_name, created, updated) values ('system', 'the platform itself', cast(strftime('%s', 'now') as integer) * 1000000, cast(strftime('%s', 'now') as integer) * 1000000);

create table auth_session (
    id integer primary key autoincrement,
    identity integer not null references identity (id) on delete cascade,
    kind text not null check (kind in ('password', 'token', 'local')),
    integration_token integer,
    generation integer not null default 0,
    created integer not null,
    last_used integer not null,
    expires_at integer not null,
    ended_at integer,
    ended_reason text
);
create index auth_session_identity on auth_session (identity);
create index auth_session_ended on auth_session (ended_at) where ended_at is not null;

create table integration_token (
    id integer primary key autoincrement,
    identity integer not null references identity (id) on delete cascade,
    label text not null,
    description text,
    token_hash text not null unique,
    token_prefix text not null,
    token_suffix text not null,
    created_by integer,
    expires_at integer,
    last_used_at integer,
    last_used_ip text,
    revoked_at integer,
    revoked_by integer,
    revocation_reason text,
    created integer not null,
    updated integer not null
);
create index integration_token_identity on integration_token (identity);
