-- How a sensor's process speaks: to the API, or in lines on its standard streams.
alter table sensor add column protocol text not null default 'api' check (protocol in ('api', 'lines'));

-- Where each sensor's process runs, and how it fares. Whoever holds the lease runs it; `instance` rises with each taking over.
create table sensor_process (
    sensor bigint primary key references sensor (id) on delete cascade,
    wanted text not null default 'run' check (wanted in ('run', 'stop')),
    restart_asked bigint not null default 0,
    status text not null default 'stopped' check (status in ('starting', 'running', 'stopped', 'failed', 'backoff')),
    reason text,
    holder text,
    lease_until timestamptz,
    instance bigint not null default 0,
    host text,
    pid bigint,
    active_rule_count bigint not null default 0,
    restarts bigint not null default 0,
    consecutive_failures bigint not null default 0,
    last_exit_code bigint,
    last_signal bigint,
    last_started_at timestamptz,
    last_stopped_at timestamptz,
    next_restart_at timestamptz,
    last_error text,
    stderr_excerpt text,
    events bigint not null default 0,
    last_event_at timestamptz,
    lines_refused bigint not null default 0,
    created timestamptz not null,
    updated timestamptz not null
);
