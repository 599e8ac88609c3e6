-- The core tables. Names and columns as clients and operators of Attune know them; lists are JSON, enums are text with checks.
-- The three hot tables (event, enforcement, execution) carry no foreign keys: a definition may go while its history stays, and
-- a check per row would cost more than the row.

-- What changed among definitions and workers, in order: every cache reads the rows behind the last one it has seen, in the
-- same transaction in which it uses what it caches.
create table definition_change (
    id bigserial primary key,
    kind text not null,
    entity bigint not null,
    created timestamptz not null
);

create table lease (
    name text primary key,
    holder text not null,
    until timestamptz not null
);

create table role_instance (
    process text not null,
    role text not null,
    host text not null,
    pid bigint not null,
    started timestamptz not null,
    last_seen timestamptz not null,
    primary key (process, role)
);

create table dead_letter (
    id bigserial primary key,
    message_id text not null,
    queue text not null,
    routing_key text not null,
    reason text not null,
    body text not null,
    created timestamptz not null
);

create table identity (
    id bigserial primary key,
    login text not null unique,
    display_name text,
    password_hash text,
    attributes jsonb not null default '{}',
    frozen boolean not null default false,
    created timestamptz not null,
    updated timestamptz not null
);

create table pack (
    id bigserial primary key,
    ref text not null unique,
    label text not null,
    description text,
    version text not null,
    conf_schema jsonb not null default '{}',
    config jsonb not null default '{}',
    meta jsonb not null default '{}',
    tags jsonb not null default '[]',
    runtime_deps jsonb not null default '[]',
    dependencies jsonb not null default '[]',
    is_standard boolean not null default false,
    installers jsonb not null default '[]',
    source_type text,
    source_url text,
    source_ref text,
    checksum text,
    checksum_verified boolean not null default false,
    installed_at timestamptz,
    installed_by bigint references identity (id) on delete set null,
    installation_method text,
    storage_path text,
    created timestamptz not null,
    updated timestamptz not null
);

create table permission_set (
    id bigserial primary key,
    ref text not null unique,
    pack bigint references pack (id) on delete cascade,
    pack_ref text,
    label text,
    description text,
    grants jsonb not null default '[]',
    created timestamptz not null,
    updated timestamptz not null
);

create table permission_assignment (
    id bigserial primary key,
    identity bigint not null references identity (id) on delete cascade,
    permset bigint not null references permission_set (id) on delete cascade,
    created timestamptz not null,
    unique (identity, permset)
);

create table identity_role_assignment (
    id bigserial primary key,
    identity bigint not null references identity (id) on delete cascade,
    role text not null,
    source text not null default 'manual',
    managed boolean not null default false,
    created timestamptz not null,
    updated timestamptz not null,
    unique (identity, role)
);

create table permission_set_role_assignment (
    id bigserial primary key,
    permset bigint not null references permission_set (id) on delete cascade,
    role text not null,
    created timestamptz not null,
    unique (permset, role)
);

create table runtime (
    id bigserial primary key,
    ref text not null unique,
    pack bigint references pack (id) on delete cascade,
    pack_ref text,
    description text,
    name text not null,
    aliases jsonb not null default '[]',
    distributions jsonb not null default '{}',
    installation jsonb,
    installers jsonb not null default '[]',
    execution_config jsonb not null default '{}',
    auto_detected boolean not null default false,
    detection_config jsonb not null default '{}',
    created timestamptz not null,
    updated timestamptz not null
);

create table runtime_version (
    id bigserial primary key,
    runtime bigint not null references runtime (id) on delete cascade,
    runtime_ref text not null,
    version text not null,
    version_major bigint,
    version_minor bigint,
    version_patch bigint,
    execution_config jsonb not null default '{}',
    distributions jsonb not null default '{}',
    is_default boolean not null default false,
    available boolean not null default true,
    verified_at timestamptz,
    meta jsonb not null default '{}',
    created timestamptz not null,
    updated timestamptz not null,
    unique (runtime, version)
);

create table worker (
    id bigserial primary key,
    name text not null unique,
    worker_type text not null default 'local' check (worker_type in ('local', 'remote', 'container')),
    worker_role text not null default 'action' check (worker_role in ('action', 'sensor')),
    runtime bigint references runtime (id) on delete set null,
    host text,
    port bigint,
    status text not null default 'active' check (status in ('active', 'inactive', 'busy', 'error')),
    capabilities jsonb,
    meta jsonb,
    last_heartbeat timestamptz,
    cordoned boolean not null default false,
    cordon_reason text,
    cordoned_by bigint,
    cordoned_at timestamptz,
    incarnation text,
    boot_id text,
    slots bigint not null default 10,
    ahead bigint not null default 1,
    created timestamptz not null,
    updated timestamptz not null
);

create table sensor (
    id bigserial primary key,
    ref text not null unique,
    pack bigint references pack (id) on delete cascade,
    pack_ref text,
    label text not null,
    description text,
    entrypoint text not null,
    runtime bigint not null references runtime (id) on delete cascade,
    runtime_ref text not null,
    enabled boolean not null default true,
    is_adhoc boolean not null default false,
    param_schema jsonb,
    config jsonb,
    runtime_version_constraint text,
    worker_selector jsonb not null default '{}',
    worker_tolerations jsonb not null default '[]',
    worker_affinity jsonb not null default '{}',
    log_retention_policy text,
    log_retention_limit bigint,
    artifact_retention_policy text,
    artifact_retention_limit bigint,
    created timestamptz not null,
    updated timestamptz not null
);

create table trigger (
    id bigserial primary key,
    ref text not null unique,
    pack bigint references pack (id) on delete cascade,
    pack_ref text,
    label text not null,
    description text,
    enabled boolean not null default true,
    is_adhoc boolean not null default false,
    param_schema jsonb,
    out_schema jsonb,
    webhook_enabled boolean not null default false,
    webhook_key text unique,
    webhook_config jsonb not null default '{}',
    sensor bigint references sensor (id) on delete set null,
    sensor_ref text,
    created timestamptz not null,
    updated timestamptz not null
);

create table workflow_definition (
    id bigserial primary key,
    ref text not null unique,
    pack bigint not null references pack (id) on delete cascade,
    pack_ref text not null,
    label text not null,
    description text,
    version text not null,
    param_schema jsonb,
    out_schema jsonb,
    definition jsonb not null,
    tags jsonb not null default '[]',
    created timestamptz not null,
    updated timestamptz not null
);

create table action (
    id bigserial primary key,
    ref text not null unique,
    pack bigint not null references pack (id) on delete cascade,
    pack_ref text not null,
    label text not null,
    description text,
    entrypoint text not null default '',
    runtime bigint references runtime (id),
    param_schema jsonb,
    out_schema jsonb,
    parameter_delivery text not null default 'stdin' check (parameter_delivery in ('stdin', 'file')),
    parameter_format text not null default 'json' check (parameter_format in ('json', 'dotenv', 'yaml')),
    output_format text not null default 'text' check (output_format in ('text', 'json', 'yaml', 'jsonl')),
    is_adhoc boolean not null default false,
    enabled boolean not null default true,
    timeout_seconds bigint,
    max_retries bigint not null default 0,
    retry jsonb,
    runtime_version_constraint text,
    accesses_mcp boolean not null default false,
    default_execution_permission_set_refs jsonb not null default '[]',
    log_retention_policy text,
    log_retention_limit bigint,
    artifact_retention_policy text,
    artifact_retention_limit bigint,
    workflow_def bigint references workflow_definition (id) on delete cascade,
    required_worker_runtimes jsonb not null default '{}',
    worker_selector jsonb not null default '{}',
    worker_tolerations jsonb not null default '[]',
    worker_affinity jsonb not null default '{}',
    created timestamptz not null,
    updated timestamptz not null
);

create table rule (
    id bigserial primary key,
    ref text not null unique,
    pack bigint not null references pack (id) on delete cascade,
    pack_ref text not null,
    label text not null,
    description text,
    action bigint references action (id) on delete set null,
    action_ref text not null,
    trigger bigint references trigger (id) on delete set null,
    trigger_ref text not null,
    conditions jsonb not null default '[]',
    action_params jsonb not null default '{}',
    trigger_params jsonb not null default '{}',
    permission_set_refs jsonb,
    enabled boolean not null default true,
    is_adhoc boolean not null default false,
    owner_identity bigint references identity (id) on delete set null,
    anchor timestamptz,
    created timestamptz not null,
    updated timestamptz not null
);
create index rule_by_trigger on rule (trigger_ref);

create table event (
    id bigserial primary key,
    trigger bigint,
    trigger_ref text not null,
    config jsonb,
    payload jsonb,
    source bigint,
    source_ref text,
    rule bigint,
    rule_ref text,
    tick_key text,
    correlation_id text not null,
    created timestamptz not null
);
create unique index event_tick on event (tick_key) where tick_key is not null;
create index event_by_trigger on event (trigger_ref, id);
create index event_by_created on event (created);

create table enforcement (
    id bigserial primary key,
    rule bigint,
    rule_ref text not null,
    trigger_ref text not null,
    config jsonb,
    event bigint,
    status text not null default 'created' check (status in ('created', 'processed', 'disabled')),
    payload jsonb,
    condition text not null default 'all' check (condition in ('any', 'all')),
    conditions jsonb not null default '[]',
    correlation_id text not null,
    created timestamptz not null,
    resolved_at timestamptz
);
create unique index enforcement_once on enforcement (event, rule) where event is not null and rule is not null;
create index enforcement_waiting on enforcement (id) where status = 'created';
create index enforcement_by_rule on enforcement (rule_ref, id);

create table execution (
    id bigserial primary key,
    action bigint,
    action_ref text not null,
    config jsonb,
    env_vars jsonb,
    parent bigint,
    enforcement bigint,
    executor bigint,
    permission_set_refs jsonb not null default '[]',
    artifact_retention_policy text,
    artifact_retention_limit bigint,
    worker_selector jsonb,
    worker_tolerations jsonb,
    worker_affinity jsonb,
    worker bigint,
    status text not null default 'requested' check (status in ('requested', 'scheduling', 'scheduled', 'running', 'completed',
        'failed', 'canceling', 'cancelled', 'timeout', 'abandoned')),
    result jsonb,
    started_at timestamptz,
    finished_at timestamptz,
    scheduled_at timestamptz,
    workflow_def bigint,
    workflow_task jsonb,
    retry_count bigint not null default 0,
    max_retries bigint,
    retry_reason text,
    original_execution bigint,
    attempt bigint not null default 0,
    incarnation text,
    wait_reason text,
    wait_class text,
    wait_detail text,
    due_at timestamptz,
    timeout_seconds bigint,
    rule_ref text,
    trigger_ref text,
    correlation_id text not null,
    moves text not null default '',
    created timestamptz not null,
    updated timestamptz not null
);
create unique index execution_once on execution (enforcement)
    where enforcement is not null and parent is null and original_execution is null;
create index execution_live on execution (status, worker, id, finished_at) where finished_at is null;
create index execution_waiting on execution (wait_class, id) where status = 'requested' and wait_class is not null;
create index execution_due on execution (due_at) where status = 'requested' and due_at is not null;
create index execution_bad on execution (status, id) where finished_at is not null and status <> 'completed';
create index execution_by_action on execution (action_ref, id);
create index execution_by_parent on execution (parent, id) where parent is not null;
create index execution_by_original on execution (original_execution) where original_execution is not null;

create table execution_history (
    id bigserial primary key,
    time timestamptz not null,
    operation text not null check (operation in ('INSERT', 'UPDATE', 'DELETE')),
    entity_id bigint not null,
    entity_ref text,
    changed_fields jsonb not null default '[]',
    old_values jsonb,
    new_values jsonb
);
create index execution_history_by_entity on execution_history (entity_id, id);

create table execution_secret_value (
    id bigserial primary key,
    entity_type text not null check (entity_type in ('execution_config', 'execution_result', 'enforcement_config')),
    entity_id bigint not null,
    json_path text not null,
    source_kind text not null,
    source_ref text,
    encrypted_value text not null,
    encryption_key_hash text,
    created timestamptz not null,
    unique (entity_type, entity_id, json_path)
);

create table inquiry (
    id bigserial primary key,
    execution bigint not null unique references execution (id) on delete cascade,
    prompt text not null,
    response_schema jsonb,
    assigned_to bigint references identity (id) on delete set null,
    status text not null default 'pending' check (status in ('pending', 'responded', 'timeout', 'cancelled')),
    response jsonb,
    timeout_at timestamptz,
    responded_at timestamptz,
    created timestamptz not null,
    updated timestamptz not null
);

create table policy (
    id bigserial primary key,
    ref text not null unique,
    pack bigint references pack (id) on delete cascade,
    pack_ref text,
    action bigint references action (id) on delete cascade,
    action_ref text,
    parameters jsonb not null default '[]',
    method text not null check (method in ('cancel', 'enqueue')),
    threshold bigint not null check (threshold > 0),
    name text not null,
    description text,
    tags jsonb not null default '[]',
    created timestamptz not null,
    updated timestamptz not null
);

create table workflow_execution (
    id bigserial primary key,
    execution bigint not null unique references execution (id) on delete cascade,
    workflow_def bigint not null references workflow_definition (id) on delete cascade,
    current_tasks jsonb not null default '[]',
    completed_tasks jsonb not null default '[]',
    failed_tasks jsonb not null default '[]',
    skipped_tasks jsonb not null default '[]',
    variables jsonb not null default '{}',
    task_graph jsonb not null default '{}',
    status text not null default 'requested',
    error_message text,
    paused boolean not null default false,
    pause_reason text,
    created timestamptz not null,
    updated timestamptz not null
);

create table workflow_task_dispatch (
    id bigserial primary key,
    workflow_execution bigint not null references workflow_execution (id) on delete cascade,
    task_name text not null,
    task_index bigint not null default -1,
    execution_id bigint references execution (id) on delete cascade,
    created timestamptz not null,
    unique (workflow_execution, task_name, task_index)
);

create table key (
    id bigserial primary key,
    ref text not null unique,
    owner_type text not null check (owner_type in ('system', 'identity', 'pack', 'action', 'sensor')),
    owner text not null,
    owner_identity bigint references identity (id),
    owner_pack bigint references pack (id),
    owner_pack_ref text,
    owner_action bigint references action (id) on delete cascade,
    owner_action_ref text,
    owner_sensor bigint references sensor (id) on delete cascade,
    owner_sensor_ref text,
    name text not null,
    encrypted boolean not null default false,
    encryption_key_hash text,
    value jsonb not null,
    created timestamptz not null,
    updated timestamptz not null,
    unique (owner_type, owner, name)
);

create table artifact (
    id bigserial primary key,
    ref text not null unique,
    scope text not null default 'system',
    owner text not null default '',
    type text not null,
    visibility text not null default 'private' check (visibility in ('public', 'private')),
    name text,
    description text,
    content_type text,
    size_bytes bigint,
    data jsonb,
    retention_policy text not null default 'versions',
    retention_limit bigint not null default 1,
    created timestamptz not null,
    updated timestamptz not null
);

create table artifact_version (
    id bigserial primary key,
    artifact bigint not null references artifact (id) on delete cascade,
    version bigint not null,
    execution bigint,
    content_type text,
    size_bytes bigint,
    content bytea,
    content_json jsonb,
    file_path text,
    meta jsonb,
    created_by text,
    created timestamptz not null,
    unique (artifact, version)
);
