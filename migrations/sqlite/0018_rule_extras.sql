-- What rules say beyond conditions, what they remember between events, and what they held back.
alter table rule add column extras text;

create table rule_window (
    rule integer not null references rule (id) on delete cascade,
    kind text not null check (kind in ('throttle', 'once', 'debounce', 'part')),
    part text not null default '',
    key text not null,
    since integer not null,
    due integer not null,
    count integer not null default 1,
    event integer,
    primary key (rule, kind, part, key)
);
create index rule_window_due on rule_window (due);

create table rule_held (
    event integer not null references event (id) on delete cascade,
    rule integer not null references rule (id) on delete cascade,
    reason text not null,
    created integer not null,
    primary key (event, rule)
);
create index rule_held_by_rule on rule_held (rule, event);
