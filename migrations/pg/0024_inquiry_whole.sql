-- How many people an inquiry needs, of which role they are, and what happens until they have answered. next_at: when something is to
-- be done next, a reminder, an escalation or its end.
alter table inquiry add column assigned_role text;
alter table inquiry add column required_responses bigint not null default 1;
alter table inquiry add column default_response jsonb;
alter table inquiry add column escalation jsonb not null default '[]';
alter table inquiry add column escalated bigint not null default 0;
alter table inquiry add column remind_every bigint not null default 0;
alter table inquiry add column reminded bigint not null default 0;
alter table inquiry add column next_at timestamptz;
update inquiry set next_at = timeout_at where status = 'pending';
create index inquiry_next on inquiry (next_at) where status = 'pending' and next_at is not null;

-- What each of them has answered; a link by which somebody answers once.
create table inquiry_link (
    id bigserial primary key,
    inquiry bigint not null references inquiry (id) on delete cascade,
    identity bigint references identity (id) on delete cascade,
    made_by bigint references identity (id) on delete set null,
    expires_at timestamptz not null,
    used_at timestamptz,
    created timestamptz not null
);
create index inquiry_link_by_inquiry on inquiry_link (inquiry);
create table inquiry_answer (
    id bigserial primary key,
    inquiry bigint not null references inquiry (id) on delete cascade,
    identity bigint references identity (id) on delete set null,
    link bigint references inquiry_link (id) on delete set null,
    response jsonb not null,
    created timestamptz not null,
    unique (inquiry, identity)
);
