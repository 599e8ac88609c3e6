-- How a sensor's process speaks: to the API, or in lines on its standard streams.
alter table sensor add column protocol text not null default 'api' check (protocol in ('api', 'lines'));

-- Where each sensor's process runs, and how it fares. Whoever holds the lease runs it; `instance` rises with each taking over.
create table sensor_process (
    sensor integer primary key references sensor (id) on delete cascade,
    wanted text not null default 'run' check (wanted in ('run', 'stop')),
    restart_asked integer not null default 0,
    status text not null default 'stopped' check (status in ('starting', 'running', 'stopped', 'failed', 'backoff')),
    reason text,
    holder text,
    lease_until integer,
    instance integer not null default 0,
    host text,
    pid integer,
    active_rule_count integer not null default 0,
    restarts integer not null default 0,
    consecutive_failures integer not null default 0,
    last_exit_code integer,
    last_signal integer,
    last_started_at integer,
    last_stopped_at integer,
    next_restart_at integer,
    last_error text,
    stderr_excerpt text,
    events integer not null default 0,
    last_event_at integer,
    lines_refused integer not null default 0,
    created integer not null,
    updated integer not null
);
