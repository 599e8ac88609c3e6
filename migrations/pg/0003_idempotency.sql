-- Answers to requests that came with an Idempotency-Key, kept for a day: written in the transaction of what the request did.
create table idempotency_key (
    id bigserial primary key,
    caller text not null,
    key text not null,
    fingerprint text not null,
    status bigint not null,
    body text not null,
    created timestamptz not null,
    unique (caller, key)
);

create index idempotency_key_by_created on idempotency_key (created);
