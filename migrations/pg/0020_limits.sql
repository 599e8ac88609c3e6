-- What policies, retries and delays need of a run. slot and bucket name what it shares a limit with; parked_class is what its
-- wait_class will be once it is due, or resumed.
alter table execution add column priority bigint not null default 0;
alter table execution add column slot text;
alter table execution add column bucket text;
alter table execution add column parked_class text;
alter table execution add column retry jsonb;
create index execution_slot on execution (slot, status, priority desc, id) where slot is not null and finished_at is null;
-- A class begins with its priority now: those of a high one come first.
update execution set wait_class = '0200:' || wait_class where wait_class is not null;

-- Each bucket of tokens: when it will be full again.
create table rate_bucket (
    bucket text primary key,
    full_at timestamptz not null
);
