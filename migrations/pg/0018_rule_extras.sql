-- What rules say beyond conditions, what they remember between events, and what they held back.
alter table rule add column extras jsonb;

create table rule_window (
    rule bigint not null references rule (id) on delete cascade,
    kind text not null check (kind in ('throttle', 'once', 'debounce', 'part')),
    part text not null default '',
    key text not null,
    since timestamptz not null,
    due timestamptz not null,
    count bigint not null default 1,
    event bigint,
    primary key (rule, kind, part, key)
);
create index rule_window_due on rule_window (due);

create table rule_held (
    event bigint not null references event (id) on delete cascade,
    rule bigint not null references rule (id) on delete cascade,
    reason text not null,
    created timestamptz not null,
    primary key (event, rule)
);
create index rule_held_by_rule on rule_held (rule, event);
