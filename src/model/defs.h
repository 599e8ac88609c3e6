/*
 * The definitions of the domain as values: what a pack's files say, what the store keeps, what the engine caches. JSON members
 * are always of the kind their column has (an object, an array, or null where a column may be null).
 */
#pragma once

#include "base/clock.h"
#include "base/json.h"
#include "model/reference.h"

typedef struct PackDef {
	Id id;
	Str ref, label, description, version, storage_path, log_retention_policy, artifact_retention_policy;
	Json conf_schema, config, meta, tags, runtime_deps, dependencies;
	bool is_standard;
	int64_t log_retention_limit, artifact_retention_limit; /* of its actions that say nothing, kept with those */
	TimeUs created, updated;
} PackDef;

typedef struct RuntimeVersionDef {
	Id id;
	Str version;
	bool is_default;
	Json execution_config, distributions, meta;
} RuntimeVersionDef;

typedef struct RuntimeDef {
	Id id, pack;
	Str ref, pack_ref, description, name;
	Json aliases, distributions, installation, execution_config;
	RuntimeVersionDef *versions;
	size_t version_count;
	TimeUs created, updated;
} RuntimeDef;

/* Where runs may be placed: of an action, or an execution's own. */
typedef struct Placement {
	Json selector, tolerations, affinity;
} Placement;

typedef struct ActionDef {
	Id id, pack, runtime, workflow_def;
	Str ref, pack_ref, label, description, entrypoint, workflow_file;
	Str runtime_ref;  /* of the stored runtime, for people; none when there is none */
	Str runtime_name; /* what a file asked for, before it is resolved */
	Json param_schema, out_schema;
	Str parameter_delivery, parameter_format, output_format, runtime_version_constraint;
	bool is_adhoc, enabled, accesses_mcp;
	int64_t timeout_seconds, priority; /* 0: not given */
	Json retry, required_worker_runtimes, default_permission_set_refs;
	Placement placement;
	Str log_retention_policy, artifact_retention_policy;
	int64_t log_retention_limit, artifact_retention_limit; /* 0: not given */
	Json keys;                                             /* names of the system keys it is given */
	Str sandbox;                                           /* "off", "standard", "strict"; none: its worker's */
	Json limits;                                           /* model/allowance.h; null: its worker's */
	Reference reference;
	bool has_secrets; /* a parameter is secret; known to the cache only */
	TimeUs created, updated;
} ActionDef;

typedef struct SensorDef {
	Id id, pack, runtime;
	Str ref, pack_ref, label, description, entrypoint, runtime_ref, runtime_name;
	bool enabled, is_adhoc;
	Str protocol; /* "api", or "lines" on its standard streams */
	Json param_schema, config;
	Json trigger_types; /* refs, from the file */
	Str runtime_version_constraint;
	Placement placement;
	Str log_retention_policy, artifact_retention_policy;
	int64_t log_retention_limit, artifact_retention_limit; /* 0: not given */
	TimeUs created, updated;
} SensorDef;

typedef struct TriggerDef {
	Id id, pack, sensor;
	Str ref, pack_ref, label, description, sensor_ref, webhook_key;
	bool enabled, is_adhoc, webhook_enabled;
	Json param_schema, out_schema, webhook_config;
	Reference reference;
	TimeUs created, updated;
} TriggerDef;

typedef struct RuleDef {
	Id id, pack, action, trigger, owner;
	Str ref, pack_ref, label, description, action_ref, trigger_ref;
	Json conditions, action_params, trigger_params;
	Json extras;                          /* throttle, debounce, ...: see model/extras.h; null: none */
	Json permission_set_refs;             /* null: the action's */
	int64_t priority;                     /* 0: the action's */
	bool enabled, is_adhoc, owner_frozen; /* the last as of the reading */
	TimeUs anchor;                        /* timers count from here */
	TimeUs created, updated;
} RuleDef;

typedef struct PermissionSetDef {
	Id id, pack;
	Str ref, pack_ref, label, description;
	Json grants;
	TimeUs created, updated;
} PermissionSetDef;

/* Limits runs of its action, else of its pack, else of all. */
typedef struct PolicyDef {
	Id id, pack, action;
	Str ref, pack_ref, action_ref, label, description;
	Json tags;
	bool enabled, is_adhoc;
	Json concurrency, rate, breaker;              /* as a file says them, before they are read into what follows */
	int64_t limit;                                /* under way at once; 0: any number */
	int64_t rate_limit, rate_seconds, rate_burst; /* begun in a while; 0: any number */
	int64_t failures, within,
	    open_for;                    /* so many within a time open the breaker for a time, in us; 0: it has none */
	Json key, rate_key, breaker_key; /* paths of parameters: runs that agree in them share the limit */
	Str method, rate_method, breaker_method;
	TimeUs created, updated;
} PolicyDef;

typedef struct WorkflowDef {
	Id id, pack;
	Str ref, pack_ref, label, description, version;
	Json param_schema, out_schema, tags;
	Json definition; /* vars, tasks, output_map ... */
	bool is_adhoc;
	Str file; /* of the pack; none: made by hand */
	TimeUs created, updated;
} WorkflowDef;

typedef struct IdentityDef {
	Id id;
	Str login, display_name;
	Str password_hash; /* none: no password lets it in */
	Json attributes;
	bool frozen;
	TimeUs created, updated;
} IdentityDef;

enum { IDENTITY_SYSTEM = 1 }; /* the platform itself */

typedef struct WorkerDef {
	Id id, cordoned_by;
	Str name, type, role, host, status, incarnation, boot_id, cordon_reason;
	Json capabilities, meta;
	Str runtime_ref; /* of the deprecated runtime column */
	bool cordoned;
	TimeUs cordoned_at, last_heartbeat;
	int64_t slots, ahead;
	TimeUs created, updated;
} WorkerDef;
