-- Every request to a webhook whose key is known, and what came of it.
create table webhook_event_log (
    id bigserial primary key,
    trigger_id bigint not null references trigger (id) on delete cascade,
    trigger_ref text not null,
    webhook_key text not null,
    event_id bigint,
    source_ip text,
    user_agent text,
    payload_size_bytes bigint,
    headers jsonb,
    status_code bigint not null,
    error_message text,
    processing_time_ms bigint,
    hmac_verified boolean,
    rate_limited boolean not null default false,
    ip_allowed boolean,
    created timestamptz not null
);
create index webhook_event_log_by_trigger on webhook_event_log (trigger_id, id);
create index webhook_event_log_by_source on webhook_event_log (trigger_id, source_ip, created);
