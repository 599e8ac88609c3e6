-- How far the timers are that make up for missed ticks.
create table timer_mark (
    rule bigint primary key references rule (id) on delete cascade,
    anchor timestamptz not null,
    due timestamptz not null
);
