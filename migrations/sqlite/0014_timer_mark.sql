-- How far the timers are that make up for missed ticks.
create table timer_mark (
    rule integer primary key references rule (id) on delete cascade,
    anchor integer not null,
    due integer not null
);
