-- How many people an inquiry needs, of which role they are, and what happens until they have answered. next_at: when something is to
-- be done next, a reminder, an escalation or its end.
alter table inquiry add column assigned_role text;
alter table inquiry add column required_responses integer not null default 1;
alter table inquiry add column default_response text;
alter table inquiry add column escalation text not null default '[]';
alter table inquiry add column escalated integer not null default 0;
alter table inquiry add column remind_every integer not null default 0;
alter table inquiry add column reminded integer not null default 0;
alter table inquiry add column next_at integer;
update inquiry set next_at = timeout_at where status = 'pending';
create index inquiry_next on inquiry (next_at) where status = 'pending' and next_at is not null;

-- What each of them has answered; a link by which somebody answers once.
create table inquiry_link (
    id integer primary key autoincrement,
    inquiry integer not null references inquiry (id) on delete cascade,
    identity integer references identity (id) on delete cascade,
    made_by integer references identity (id) on delete set null,
    expires_at integer not null,
    used_at integer,
    created integer not null
);
create index inquiry_link_by_inquiry on inquiry_link (inquiry);
create table inquiry_answer (
    id integer primary key autoincrement,
    inquiry integer not null references inquiry (id) on delete cascade,
    identity integer references identity (id) on delete set null,
    link integer references inquiry_link (id) on delete set null,
    response text not null,
    created integer not null,
    unique (inquiry, identity)
);
