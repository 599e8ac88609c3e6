-- Every request to a webhook whose key is known, and what came of it.
create table webhook_event_log (
    id integer primary key autoincrement,
    trigger_id integer not null references "trigger" (id) on delete cascade,
    trigger_ref text not null,
    webhook_key text not null,
    event_id integer,
    source_ip text,
    user_agent text,
    payload_size_bytes integer,
    headers text,
    status_code integer not null,
    error_message text,
    processing_time_ms integer,
    hmac_verified integer,
    rate_limited integer not null default 0,
    ip_allowed integer,
    created integer not null
);
create index webhook_event_log_by_trigger on webhook_event_log (trigger_id, id);
create index webhook_event_log_by_source on webhook_event_log (trigger_id, source_ip, created);
