-- The core tables, as in ../pg: times are integer microseconds since 1970, JSON is text, integers are 0 and 1.
-- The three hot tables (event, enforcement, execution) carry no foreign keys: a definition may go while its history stays, and
-- a check per row would cost more than the row.

-- What changed among definitions and workers, in order: every cache reads the rows behind the last one it has seen, in the
-- same transaction in which it uses what it caches.
create table definition_change (
    id integer primary key autoincrement,
    kind text not null,
    entity integer not null,
    created integer not null
);

create table lease (
    name text primary key,
    holder text not null,
    until integer not null
);

create table role_instance (
    process text not null,
    role text not null,
    host text not null,
    pid integer not null,
    started integer not null,
    last_seen integer not null,
    primary key (process, role)
);

create table dead_letter (
    id integer primary key autoincrement,
    message_id text not null,
    queue text not null,
    routing_key text not null,
    reason text not null,
    body text not null,
    created integer not null
);

create table identity (
    id integer primary key autoincrement,
    login text not null unique,
    display_name text,
    password_hash text,
    attributes text not null default '{}',
    frozen integer not null default 0,
    created integer not null,
    updated integer not null
);

create table pack (
    id integer primary key autoincrement,
    ref text not null unique,
    label text not null,
    description text,
    version text not null,
    conf_schema text not null default '{}',
    config text not null default '{}',
    meta text not null default '{}',
    tags text not null default '[]',
    runtime_deps text not null default '[]',
    dependencies text not null default '[]',
    is_standard integer not null default 0,
    installers text not null default '[]',
    source_type text,
    source_url text,
    source_ref text,
    checksum text,
    checksum_verified integer not null default 0,
    installed_at integer,
    installed_by integer references identity (id) on delete set null,
    installation_method text,
    storage_path text,
    created integer not null,
    updated integer not null
);

create table permission_set (
    id integer primary key autoincrement,
    ref text not null unique,
    pack integer references pack (id) on delete cascade,
    pack_ref text,
    label text,
    description text,
    grants text not null default '[]',
    created integer not null,
    updated integer not null
);

create table permission_assignment (
    id integer primary key autoincrement,
    identity integer not null references identity (id) on delete cascade,
    permset integer not null references permission_set (id) on delete cascade,
    created integer not null,
    unique (identity, permset)
);

create table identity_role_assignment (
    id integer primary key autoincrement,
    identity integer not null references identity (id) on delete cascade,
    role text not null,
    source text not null default 'manual',
    managed integer not null default 0,
    created integer not null,
    updated integer not null,
    unique (identity, role)
);

create table permission_set_role_assignment (
    id integer primary key autoincrement,
    permset integer not null references permission_set (id) on delete cascade,
    role text not null,
    created integer not null,
    unique (permset, role)
);

create table runtime (
    id integer primary key autoincrement,
    ref text not null unique,
    pack integer references pack (id) on delete cascade,
    pack_ref text,
    description text,
    name text not null,
    aliases text not null default '[]',
    distributions text not null default '{}',
    installation text,
    installers text not null default '[]',
    execution_config text not null default '{}',
    auto_detected integer not null default 0,
    detection_config text not null default '{}',
    created integer not null,
    updated integer not null
);

create table runtime_version (
    id integer primary key autoincrement,
    runtime integer not null references runtime (id) on delete cascade,
    runtime_ref text not null,
    version text not null,
    version_major integer,
    version_minor integer,
    version_patch integer,
    execution_config text not null default '{}',
    distributions text not null default '{}',
    is_default integer not null default 0,
    available integer not null default 1,
    verified_at integer,
    meta text not null default '{}',
    created integer not null,
    updated integer not null,
    unique (runtime, version)
);

create table worker (
    id integer primary key autoincrement,
    name text not null unique,
    worker_type text not null default 'local' check (worker_type in ('local', 'remote', 'container')),
    worker_role text not null default 'action' check (worker_role in ('action', 'sensor')),
    runtime integer references runtime (id) on delete set null,
    host text,
    port integer,
    status text not null default 'active' check (status in ('active', 'inactive', 'busy', 'error')),
    capabilities text,
    meta text,
    last_heartbeat integer,
    cordoned integer not null default 0,
    cordon_reason text,
    cordoned_by integer,
    cordoned_at integer,
    incarnation text,
    boot_id text,
    slots integer not null default 10,
    ahead integer not null default 1,
    created integer not null,
    updated integer not null
);

create table sensor (
    id integer primary key autoincrement,
    ref text not null unique,
    pack integer references pack (id) on delete cascade,
    pack_ref text,
    label text not null,
    description text,
    entrypoint text not null,
    runtime integer not null references runtime (id) on delete cascade,
    runtime_ref text not null,
    enabled integer not null default 1,
    is_adhoc integer not null default 0,
    param_schema text,
    config text,
    runtime_version_constraint text,
    worker_selector text not null default '{}',
    worker_tolerations text not null default '[]',
    worker_affinity text not null default '{}',
    log_retention_policy text,
    log_retention_limit integer,
    artifact_retention_policy text,
    artifact_retention_limit integer,
    created integer not null,
    updated integer not null
);

create table "trigger" (
    id integer primary key autoincrement,
    ref text not null unique,
    pack integer references pack (id) on delete cascade,
    pack_ref text,
    label text not null,
    description text,
    enabled integer not null default 1,
    is_adhoc integer not null default 0,
    param_schema text,
    out_schema text,
    webhook_enabled integer not null default 0,
    webhook_key text unique,
    webhook_config text not null default '{}',
    sensor integer references sensor (id) on delete set null,
    sensor_ref text,
    created integer not null,
    updated integer not null
);

create table workflow_definition (
    id integer primary key autoincrement,
    ref text not null unique,
    pack integer not null references pack (id) on delete cascade,
    pack_ref text not null,
    label text not null,
    description text,
    version text not null,
    param_schema text,
    out_schema text,
    definition text not null,
    tags text not null default '[]',
    created integer not null,
    updated integer not null
);

create table action (
    id integer primary key autoincrement,
    ref text not null unique,
    pack integer not null references pack (id) on delete cascade,
    pack_ref text not null,
    label text not null,
    description text,
    entrypoint text not null default '',
    runtime integer references runtime (id),
    param_schema text,
    out_schema text,
    parameter_delivery text not null default 'stdin' check (parameter_delivery in ('stdin', 'file')),
    parameter_format text not null default 'json' check (parameter_format in ('json', 'dotenv', 'yaml')),
    output_format text not null default 'text' check (output_format in ('text', 'json', 'yaml', 'jsonl')),
    is_adhoc integer not null default 0,
    enabled integer not null default 1,
    timeout_seconds integer,
    max_retries integer not null default 0,
    retry text,
    runtime_version_constraint text,
    accesses_mcp integer not null default 0,
    default_execution_permission_set_refs text not null default '[]',
    log_retention_policy text,
    log_retention_limit integer,
    artifact_retention_policy text,
    artifact_retention_limit integer,
    workflow_def integer references workflow_definition (id) on delete cascade,
    required_worker_runtimes text not null default '{}',
    worker_selector text not null default '{}',
    worker_tolerations text not null default '[]',
    worker_affinity text not null default '{}',
    created integer not null,
    updated integer not null
);

create table rule (
    id integer primary key autoincrement,
    ref text not null unique,
    pack integer not null references pack (id) on delete cascade,
    pack_ref text not null,
    label text not null,
    description text,
    action integer references action (id) on delete set null,
    action_ref text not null,
    "trigger" integer references "trigger" (id) on delete set null,
    trigger_ref text not null,
    conditions text not null default '[]',
    action_params text not null default '{}',
    trigger_params text not null default '{}',
    permission_set_refs text,
    enabled integer not null default 1,
    is_adhoc integer not null default 0,
    owner_identity integer references identity (id) on delete set null,
    anchor integer,
    created integer not null,
    updated integer not null
);
create index rule_by_trigger on rule (trigger_ref);

-- In the hot tables no `in (...)` of three values or more, in checks or in conditions of indexes: SQLite would open a table in
-- memory for each of them at every row it writes.
create table event (
    id integer primary key,
    "trigger" integer,
    trigger_ref text not null,
    config text,
    payload text,
    source integer,
    source_ref text,
    rule integer,
    rule_ref text,
    tick_key text,
    correlation_id text not null,
    created integer not null
);
create unique index event_tick on event (tick_key) where tick_key is not null;
create index event_by_trigger on event (trigger_ref, id);
create index event_by_created on event (created);

create table enforcement (
    id integer primary key,
    rule integer,
    rule_ref text not null,
    trigger_ref text not null,
    config text,
    event integer,
    status text not null default 'created' check (status = 'created' or status = 'processed' or status = 'disabled'),
    payload text,
    condition text not null default 'all' check (condition = 'any' or condition = 'all'),
    conditions text not null default '[]',
    correlation_id text not null,
    created integer not null,
    resolved_at integer
);
create unique index enforcement_once on enforcement (event, rule) where event is not null and rule is not null;
create index enforcement_waiting on enforcement (id) where status = 'created';
create index enforcement_by_rule on enforcement (rule_ref, id);

create table execution (
    id integer primary key,
    action integer,
    action_ref text not null,
    config text,
    env_vars text,
    parent integer,
    enforcement integer,
    executor integer,
    permission_set_refs text not null default '[]',
    artifact_retention_policy text,
    artifact_retention_limit integer,
    worker_selector text,
    worker_tolerations text,
    worker_affinity text,
    worker integer,
    status text not null default 'requested' check (status = 'requested' or status = 'scheduling' or status = 'scheduled' or status = 'running'
        or status = 'completed' or status = 'failed' or status = 'canceling' or status = 'cancelled'
        or status = 'timeout' or status = 'abandoned'),
    result text,
    started_at integer,
    finished_at integer,
    scheduled_at integer,
    workflow_def integer,
    workflow_task text,
    retry_count integer not null default 0,
    max_retries integer,
    retry_reason text,
    original_execution integer,
    attempt integer not null default 0,
    incarnation text,
    wait_reason text,
    wait_class text,
    wait_detail text,
    due_at integer,
    timeout_seconds integer,
    rule_ref text,
    trigger_ref text,
    correlation_id text not null,
    moves text not null default '',
    created integer not null,
    updated integer not null
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
    id integer primary key,
    time integer not null,
    operation text not null check (operation in ('INSERT', 'UPDATE', 'DELETE')),
    entity_id integer not null,
    entity_ref text,
    changed_fields text not null default '[]',
    old_values text,
    new_values text
);
create index execution_history_by_entity on execution_history (entity_id, id);

create table execution_secret_value (
    id integer primary key autoincrement,
    entity_type text not null check (entity_type in ('execution_config', 'execution_result', 'enforcement_config')),
    entity_id integer not null,
    json_path text not null,
    source_kind text not null,
    source_ref text,
    encrypted_value text not null,
    encryption_key_hash text,
    created integer not null,
    unique (entity_type, entity_id, json_path)
);

create table inquiry (
    id integer primary key autoincrement,
    execution integer not null unique references execution (id) on delete cascade,
    prompt text not null,
    response_schema text,
    assigned_to integer references identity (id) on delete set null,
    status text not null default 'pending' check (status in ('pending', 'responded', 'timeout', 'cancelled')),
    response text,
    timeout_at integer,
    responded_at integer,
    created integer not null,
    updated integer not null
);

create table policy (
    id integer primary key autoincrement,
    ref text not null unique,
    pack integer references pack (id) on delete cascade,
    pack_ref text,
    action integer references action (id) on delete cascade,
    action_ref text,
    parameters text not null default '[]',
    method text not null check (method in ('cancel', 'enqueue')),
    threshold integer not null check (threshold > 0),
    name text not null,
    description text,
    tags text not null default '[]',
    created integer not null,
    updated integer not null
);

create table workflow_execution (
    id integer primary key autoincrement,
    execution integer not null unique references execution (id) on delete cascade,
    workflow_def integer not null references workflow_definition (id) on delete cascade,
    current_tasks text not null default '[]',
    completed_tasks text not null default '[]',
    failed_tasks text not null default '[]',
    skipped_tasks text not null default '[]',
    variables text not null default '{}',
    task_graph text not null default '{}',
    status text not null default 'requested',
    error_message text,
    paused integer not null default 0,
    pause_reason text,
    created integer not null,
    updated integer not null
);

create table workflow_task_dispatch (
    id integer primary key autoincrement,
    workflow_execution integer not null references workflow_execution (id) on delete cascade,
    task_name text not null,
    task_index integer not null default -1,
    execution_id integer references execution (id) on delete cascade,
    created integer not null,
    unique (workflow_execution, task_name, task_index)
);

create table key (
    id integer primary key autoincrement,
    ref text not null unique,
    owner_type text not null check (owner_type in ('system', 'identity', 'pack', 'action', 'sensor')),
    owner text not null,
    owner_identity integer references identity (id),
    owner_pack integer references pack (id),
    owner_pack_ref text,
    owner_action integer references action (id) on delete cascade,
    owner_action_ref text,
    owner_sensor integer references sensor (id) on delete cascade,
    owner_sensor_ref text,
    name text not null,
    encrypted integer not null default 0,
    encryption_key_hash text,
    value text not null,
    created integer not null,
    updated integer not null,
    unique (owner_type, owner, name)
);

create table artifact (
    id integer primary key autoincrement,
    ref text not null unique,
    scope text not null default 'system',
    owner text not null default '',
    type text not null,
    visibility text not null default 'private' check (visibility in ('public', 'private')),
    name text,
    description text,
    content_type text,
    size_bytes integer,
    data text,
    retention_policy text not null default 'versions',
    retention_limit integer not null default 1,
    created integer not null,
    updated integer not null
);

create table artifact_version (
    id integer primary key autoincrement,
    artifact integer not null references artifact (id) on delete cascade,
    version integer not null,
    execution integer,
    content_type text,
    size_bytes integer,
    content blob,
    content_json text,
    file_path text,
    meta text,
    created_by text,
    created integer not null,
    unique (artifact, version)
);
