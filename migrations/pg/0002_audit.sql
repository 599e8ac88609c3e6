-- Who did what: one row for each request, and one for each thing that matters by itself. No foreign keys: what happened stays true.
create table audit_event (
    id bigserial primary key,
    category text not null,
    event_type text not null,
    outcome text not null check (outcome = 'success' or outcome = 'failure' or outcome = 'denied'),
    actor_identity bigint,
    actor_login text,
    actor_token_type text,
    actor_ip text,
    actor_user_agent text,
    request_id text,
    resource_type text,
    resource_id bigint,
    resource_ref text,
    http_method text,
    http_path text,
    http_status bigint,
    duration_ms bigint,
    details jsonb,
    correlation_chain jsonb,
    created timestamptz not null
);
create index audit_event_by_request on audit_event (request_id) where request_id is not null;
create index audit_event_by_resource on audit_event (resource_type, resource_ref, id) where resource_type is not null;
create index audit_event_by_actor on audit_event (actor_login, id) where actor_login is not null;
create index audit_event_notable on audit_event (category, id) where category <> 'api';
