-- Sessions of users, tokens of other programs, and the identity that stands for the platform itself (id 1: the first there is).

insert into identity (login, display_name, created, updated) values ('system', 'the platform itself', now(), now());

create table auth_session (
    id bigserial primary key,
    identity bigint not null references identity (id) on delete cascade,
    kind text not null check (kind in ('password', 'token', 'local')),
    integration_token bigint,
    generation bigint not null default 0,
    created timestamptz not null,
    last_used timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    ended_reason text
);
create index auth_session_identity on auth_session (identity);
create index auth_session_ended on auth_session (ended_at) where ended_at is not null;

create table integration_token (
    id bigserial primary key,
    identity bigint not null references identity (id) on delete cascade,
    label text not null,
    description text,
    token_hash text not null unique,
    token_prefix text not null,
    token_suffix text not null,
    created_by bigint,
    expires_at timestamptz,
    last_used_at timestamptz,
    last_used_ip text,
    revoked_at timestamptz,
    revoked_by bigint,
    revocation_reason text,
    created timestamptz not null,
    updated timestamptz not null
);
create index integration_token_identity on integration_token (identity);
