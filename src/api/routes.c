#include "api/app.h"

#include "api/handlers.h"
#include "api/openapi.h"

/*
 * The table of all routes; dispatch, rights and api/openapi.json are made from it. The answer's schema stands in {"data": ...};
 * "Name*" is an array of them, "Name[]" a list with its pages, "=Name" and "=Name*" stand bare, "@text/plain" is no JSON.
 */
const Route api_routes[] = {
	{ "GET", "/health", health, NULL, ROUTE_PUBLIC, NULL, "=HealthStatus", 200, "is the API up?" },
	{ "GET", "/health/detailed", health_detailed, NULL, ROUTE_PUBLIC, NULL, "=HealthResponse", 200,
	    "database, broker, workers and the oldest that waits" },
	{ "GET", "/health/ready", health_ready, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "is work accepted?" },
	{ "GET", "/health/live", health_live, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "is the process alive?" },
	{ "GET", "/api-spec/openapi.json", openapi_show, NULL, ROUTE_PUBLIC, NULL, "=OpenApi", 200,
	    "this description" },
	{ "GET", "/docs", docs_show, NULL, ROUTE_PUBLIC, NULL, "@text/html", 200, "this description, for reading" },

	/* packs */
	{ "GET", "/api/v1/packs", packs_list, "packs:read", 0, NULL, "PackSummary[]", 200, "packs" },
	{ "POST", "/api/v1/packs", pack_create, "packs:create", ROUTE_IDEMPOTENT, "CreatePackRequest", "PackResponse",
	    201, "make a pack by hand" },
	{ "POST", "/api/v1/packs/register", pack_register, "packs:install", ROUTE_IDEMPOTENT, "RegisterPackRequest",
	    "PackResponse", 201, "register a folder of the server" },
	{ "GET", "/api/v1/packs/{ref}", pack_show, "packs:read", 0, NULL, "PackResponse", 200, "one pack" },
	{ "PUT", "/api/v1/packs/{ref}", pack_update, "packs:configure", 0, "UpdatePackRequest", "PackResponse", 200,
	    "change a pack" },
	{ "DELETE", "/api/v1/packs/{ref}", pack_remove, "packs:delete", 0, NULL, "=SuccessResponse", 200,
	    "delete a pack with all that it holds" },

	/* runtimes */
	{ "GET", "/api/v1/runtimes", runtimes_list, "runtimes:read", 0, NULL, "RuntimeSummary[]", 200, "runtimes" },
	{ "POST", "/api/v1/runtimes", runtime_create, "runtimes:create", ROUTE_IDEMPOTENT, "CreateRuntimeRequest",
	    "RuntimeResponse", 201, "make a runtime" },
	{ "GET", "/api/v1/runtimes/{ref}", runtime_show, "runtimes:read", 0, NULL, "RuntimeResponse", 200,
	    "one runtime" },
	{ "PUT", "/api/v1/runtimes/{ref}", runtime_update, "runtimes:update", 0, "UpdateRuntimeRequest",
	    "RuntimeResponse", 200, "change a runtime" },
	{ "DELETE", "/api/v1/runtimes/{ref}", runtime_remove, "runtimes:delete", 0, NULL, "=SuccessResponse", 200,
	    "delete a runtime that no action uses" },
	{ "GET", "/api/v1/packs/{pack_ref}/runtimes", runtimes_of_pack, "runtimes:read", 0, NULL, "RuntimeSummary[]",
	    200, "runtimes of a pack" },

	/* workers */
	{ "GET", "/api/v1/workers", workers_list, "workers:read", 0, NULL, "WorkerSummary[]", 200,
	    "workers, with what they carry" },
	{ "GET", "/api/v1/workers/{id}", worker_show, "workers:read", 0, NULL, "=WorkerSummary", 200, "one worker" },
	{ "POST", "/api/v1/workers/{id}/cordon", worker_cordon_on, "workers:manage", 0, "CordonWorkerRequest",
	    "=WorkerSummary", 200, "give a worker nothing new" },
	{ "POST", "/api/v1/workers/{id}/uncordon", worker_cordon_off, "workers:manage", 0, NULL, "=WorkerSummary", 200,
	    "give a worker work again" },

	/* actions */
	{ "GET", "/api/v1/actions", actions_list, "actions:read", 0, NULL, "ActionSummary[]", 200, "actions" },
	{ "POST", "/api/v1/actions", action_create, "actions:create", ROUTE_IDEMPOTENT, "CreateActionRequest",
	    "ActionResponse", 201, "make an action" },
	{ "GET", "/api/v1/actions/search", actions_search, "actions:read", 0, NULL, "ActionSearchHit[]", 200,
	    "actions that hold all words of q" },
	{ "GET", "/api/v1/actions/{ref}", action_show, "actions:read", 0, NULL, "ActionResponse", 200, "one action" },
	{ "PUT", "/api/v1/actions/{ref}", action_update, "actions:update", 0, "UpdateActionRequest", "ActionResponse",
	    200, "change an action" },
	{ "DELETE", "/api/v1/actions/{ref}", action_remove, "actions:delete", 0, NULL, "=SuccessResponse", 200,
	    "delete an action; what it did stays" },
	{ "GET", "/api/v1/actions/{ref}/queue-stats", action_queue, "actions:read", 0, NULL, "QueueStatsResponse", 200,
	    "how many runs of an action wait and are under way" },
	{ "GET", "/api/v1/packs/{pack_ref}/actions", actions_of_pack, "actions:read", 0, NULL, "ActionSummary[]", 200,
	    "actions of a pack" },

	/* triggers */
	{ "GET", "/api/v1/triggers", triggers_list, "triggers:read", 0, NULL, "TriggerSummary[]", 200, "triggers" },
	{ "POST", "/api/v1/triggers", trigger_create, "triggers:create", ROUTE_IDEMPOTENT, "CreateTriggerRequest",
	    "TriggerResponse", 201, "make a trigger" },
	{ "GET", "/api/v1/triggers/enabled", triggers_enabled, "triggers:read", 0, NULL, "TriggerSummary[]", 200,
	    "triggers that are switched on" },
	{ "GET", "/api/v1/triggers/{ref}", trigger_show, "triggers:read", 0, NULL, "TriggerResponse", 200,
	    "one trigger" },
	{ "PUT", "/api/v1/triggers/{ref}", trigger_update, "triggers:update", 0, "UpdateTriggerRequest",
	    "TriggerResponse", 200, "change a trigger" },
	{ "DELETE", "/api/v1/triggers/{ref}", trigger_remove, "triggers:delete", 0, NULL, "=SuccessResponse", 200,
	    "delete a trigger; its rules stay and sleep" },
	{ "POST", "/api/v1/triggers/{ref}/enable", trigger_enable, "triggers:update", 0, NULL, "TriggerResponse", 200,
	    "switch a trigger on" },
	{ "POST", "/api/v1/triggers/{ref}/disable", trigger_disable, "triggers:update", 0, NULL, "TriggerResponse", 200,
	    "switch a trigger off" },
	{ "GET", "/api/v1/packs/{pack_ref}/triggers", triggers_of_pack, "triggers:read", 0, NULL, "TriggerSummary[]",
	    200, "triggers of a pack" },

	/* webhooks */
	{ "POST", "/api/v1/triggers/{ref}/webhooks/enable", webhook_enable, "triggers:update", 0, NULL,
	    "TriggerResponse", 200, "give a trigger a webhook" },
	{ "POST", "/api/v1/triggers/{ref}/webhooks/disable", webhook_disable, "triggers:update", 0, NULL,
	    "TriggerResponse", 200, "take a trigger's webhook away; its key is dead" },
	{ "POST", "/api/v1/triggers/{ref}/webhooks/regenerate", webhook_regenerate, "triggers:update", 0, NULL,
	    "TriggerResponse", 200, "a new key; the old one is dead" },
	{ "GET", "/api/v1/triggers/{ref}/webhooks/config", webhook_config_show, "triggers:read", 0, NULL,
	    "WebhookConfig", 200, "who may use a webhook and how; without its secrets" },
	{ "PUT", "/api/v1/triggers/{ref}/webhooks/config", webhook_config_update, "triggers:update", 0,
	    "WebhookConfigRequest", "WebhookConfig", 200, "say who may use a webhook and how" },
	{ "GET", "/api/v1/triggers/{ref}/webhooks/log", webhook_log, "triggers:read", 0, NULL, "WebhookLogEntry[]", 200,
	    "requests to a webhook and what came of them, newest first" },
	{ "POST", "/api/v1/webhooks/{webhook_key}", webhook_receive, NULL, ROUTE_PUBLIC | ROUTE_RAW_BODY,
	    "WebhookReceiverRequest", "WebhookReceiverResponse", 200, "where senders of webhooks report to" },

	/* sensors */
	{ "GET", "/api/v1/sensors", sensors_list, "triggers:read", 0, NULL, "SensorSummary[]", 200, "sensors" },
	{ "GET", "/api/v1/sensors/enabled", sensors_enabled, "triggers:read", 0, NULL, "SensorSummary[]", 200,
	    "sensors that are switched on" },
	{ "GET", "/api/v1/sensors/{ref}", sensor_show, "triggers:read", 0, NULL, "SensorResponse", 200, "one sensor" },
	{ "POST", "/api/v1/sensors", sensor_create, "triggers:create", ROUTE_IDEMPOTENT, "CreateSensorRequest",
	    "SensorResponse", 201, "make a sensor" },
	{ "PUT", "/api/v1/sensors/{ref}", sensor_update, "triggers:update", 0, "UpdateSensorRequest", "SensorResponse",
	    200, "change a sensor" },
	{ "DELETE", "/api/v1/sensors/{ref}", sensor_remove, "triggers:delete", 0, NULL, "=SuccessResponse", 200,
	    "delete a sensor; nobody feeds its triggers then" },
	{ "GET", "/api/v1/sensors/{sensor_ref}/logs", sensor_logs, "triggers:read", 0, NULL, "=SensorLogSummary", 200,
	    "what a sensor's process may write" },
	{ "GET", "/api/v1/sensors/{sensor_ref}/logs/{stream}", sensor_log, "triggers:read", 0, NULL, "@text/plain", 200,
	    "what a sensor's process wrote, as text" },
	{ "POST", "/api/v1/sensors/{ref}/enable", sensor_enable, "triggers:update", 0, NULL, "SensorResponse", 200,
	    "switch a sensor on" },
	{ "POST", "/api/v1/sensors/{ref}/disable", sensor_disable, "triggers:update", 0, NULL, "SensorResponse", 200,
	    "switch a sensor off" },
	{ "GET", "/api/v1/packs/{pack_ref}/sensors", sensors_of_pack, "triggers:read", 0, NULL, "SensorSummary[]", 200,
	    "sensors of a pack" },
	{ "GET", "/api/v1/triggers/{trigger_ref}/sensors", sensors_of_trigger, "triggers:read", 0, NULL,
	    "SensorSummary[]", 200, "the sensor of a trigger" },

	/* rules */
	{ "GET", "/api/v1/rules", rules_list, "rules:read", 0, NULL, "RuleSummary[]", 200, "rules" },
	{ "POST", "/api/v1/rules", rule_create, "rules:create", ROUTE_IDEMPOTENT, "CreateRuleRequest", "RuleResponse",
	    201, "make a rule" },
	{ "GET", "/api/v1/rules/enabled", rules_enabled, "rules:read", 0, NULL, "RuleSummary[]", 200,
	    "rules that are switched on" },
	{ "GET", "/api/v1/rules/{ref}", rule_show, "rules:read", 0, NULL, "RuleResponse", 200, "one rule" },
	{ "PUT", "/api/v1/rules/{ref}", rule_update, "rules:update", 0, "UpdateRuleRequest", "RuleResponse", 200,
	    "change a rule" },
	{ "DELETE", "/api/v1/rules/{ref}", rule_remove, "rules:delete", 0, NULL, "=SuccessResponse", 200,
	    "delete a rule" },
	{ "POST", "/api/v1/rules/{ref}/enable", rule_enable, "rules:update", 0, NULL, "RuleResponse", 200,
	    "switch a rule on" },
	{ "POST", "/api/v1/rules/{ref}/disable", rule_disable, "rules:update", 0, NULL, "RuleResponse", 200,
	    "switch a rule off" },
	{ "GET", "/api/v1/packs/{pack_ref}/rules", rules_of_pack, "rules:read", 0, NULL, "RuleSummary[]", 200,
	    "rules of a pack" },
	{ "GET", "/api/v1/actions/{action_ref}/rules", rules_of_action, "rules:read", 0, NULL, "RuleSummary[]", 200,
	    "rules that run an action" },
	{ "GET", "/api/v1/triggers/{trigger_ref}/rules", rules_of_trigger, "rules:read", 0, NULL, "RuleSummary[]", 200,
	    "rules of a trigger" },

	/* policies */
	{ "GET", "/api/v1/policies", policies_list, "rules:read", 0, NULL, "PolicyResponse[]", 200, "policies" },
	{ "POST", "/api/v1/policies", policy_create, "rules:create", ROUTE_IDEMPOTENT, "CreatePolicyRequest",
	    "PolicyResponse", 201, "make a policy" },
	{ "GET", "/api/v1/policies/{ref}", policy_show, "rules:read", 0, NULL, "PolicyResponse", 200, "one policy" },
	{ "PUT", "/api/v1/policies/{ref}", policy_update, "rules:update", 0, "UpdatePolicyRequest", "PolicyResponse",
	    200, "change a policy" },
	{ "DELETE", "/api/v1/policies/{ref}", policy_remove, "rules:delete", 0, NULL, "=SuccessResponse", 200,
	    "delete a policy" },
	{ "POST", "/api/v1/policies/{ref}/enable", policy_enable, "rules:update", 0, NULL, "PolicyResponse", 200,
	    "switch a policy on" },
	{ "POST", "/api/v1/policies/{ref}/disable", policy_disable, "rules:update", 0, NULL, "PolicyResponse", 200,
	    "switch a policy off" },
	{ "GET", "/api/v1/packs/{pack_ref}/policies", policies_of_pack, "rules:read", 0, NULL, "PolicyResponse[]", 200,
	    "policies of a pack" },
	{ "GET", "/api/v1/actions/{action_ref}/policies", policies_of_action, "rules:read", 0, NULL, "PolicyResponse[]",
	    200, "policies of an action" },

	/* events and enforcements */
	{ "GET", "/api/v1/events", events_list, "events:read", 0, NULL, "EventSummary[]", 200, "events, newest first" },
	{ "POST", "/api/v1/events", event_create, "events:create", ROUTE_IDEMPOTENT, "CreateEventRequest",
	    "EventResponse", 201, "report an event" },
	{ "GET", "/api/v1/events/{id}", event_get, "events:read", 0, NULL, "EventResponse", 200, "one event" },
	{ "GET", "/api/v1/enforcements", enforcements_list, "enforcements:read", 0, NULL, "EnforcementSummary[]", 200,
	    "enforcements, newest first" },
	{ "GET", "/api/v1/enforcements/{id}", enforcement_get, "enforcements:read", 0, NULL, "EnforcementResponse", 200,
	    "one enforcement" },
	{ "GET", "/api/v1/enforcements/{enforcement_id}/executions", enforcement_executions, "executions:read", 0, NULL,
	    "ExecutionSummary[]", 200, "what came of an enforcement" },

	/* executions */
	{ "GET", "/api/v1/executions", executions_list, "executions:read", 0, NULL, "ExecutionSummary[]", 200,
	    "executions, newest first" },
	{ "POST", "/api/v1/executions/execute", execution_execute, "actions:execute", ROUTE_IDEMPOTENT,
	    "CreateExecutionRequest", "ExecutionResponse", 201, "run an action" },
	{ "GET", "/api/v1/executions/stats", executions_stats, "executions:read", 0, NULL, "ExecutionStats", 200,
	    "how many there are in each state" },
	{ "GET", "/api/v1/executions/status/{status}", executions_by_status, "executions:read", 0, NULL,
	    "ExecutionSummary[]", 200, "executions in one state" },
	{ "GET", "/api/v1/executions/enforcement/{enforcement_id}", enforcement_executions, "executions:read", 0, NULL,
	    "ExecutionSummary[]", 200, "what came of an enforcement" },
	{ "GET", "/api/v1/executions/{id}", execution_get, "executions:read", 0, NULL, "ExecutionResponse", 200,
	    "one execution; wait_seconds waits for its end" },
	{ "POST", "/api/v1/executions/{id}/cancel", execution_stop, "executions:cancel", 0, NULL, "ExecutionResponse",
	    200, "stop an execution" },
	{ "GET", "/api/v1/trace/{id}", trace_show, "executions:read", 0, NULL, "Trace", 200,
	    "the chain that led to an execution, and how long each hop took" },

	/* audit, history, retention, analytics */
	{ "GET", "/api/v1/audit-events", audit_events_list, "audit_log:read", 0, NULL, "AuditEventSummary[]", 200,
	    "who did what, newest first" },
	{ "GET", "/api/v1/audit-events/by-request/{request_id}", audit_events_of_request, "audit_log:read", 0, NULL,
	    "AuditEventResponse*", 200, "all that one request did, oldest first" },
	{ "GET", "/api/v1/audit-events/{id}", audit_event_show, "audit_log:read", 0, NULL, "AuditEventResponse", 200,
	    "one audit event" },
	{ "GET", "/api/v1/executions/{id}/history", execution_history, "executions:read", 0, NULL,
	    "HistoryRecordResponse[]", 200, "what happened to an execution, newest first" },
	{ "GET", "/api/v1/workers/{id}/history", worker_history, "workers:read", 0, NULL, "HistoryRecordResponse[]",
	    200, "what happened to a worker, newest first" },
	{ "GET", "/api/v1/history/{entity_type}", entity_history, "executions:read", 0, NULL, "HistoryRecordResponse[]",
	    200, "what happened to executions, or to workers" },

	/* the platform itself */
	{ "GET", "/api/v1/status", status_show, "workers:read", 0, NULL, "Status", 200,
	    "roles, workers, queues, and what waits and why" },
	{ "GET", "/api/v1/dead-letters", dead_letters_list, "workers:read", 0, NULL, "DeadLetterSummary[]", 200,
	    "messages that could not be handled" },
	{ "GET", "/api/v1/dead-letters/{id}", dead_letter_show, "workers:read", 0, NULL, "DeadLetter", 200,
	    "one of them" },
	{ "POST", "/api/v1/dead-letters/{id}/replay", dead_letter_replay, "workers:manage", 0, NULL, "=SuccessResponse",
	    200, "send it again" },
	{ "DELETE", "/api/v1/dead-letters/{id}", dead_letter_remove, "workers:manage", 0, NULL, "=SuccessResponse", 200,
	    "throw it away" },
};

const size_t api_route_count = countof(api_routes);

/* What lists can be filtered by; every list also takes a page. */
const RouteQuery api_queries[] = {
	{ "GET", "/api/v1/workers", "role status cordoned health_state" },
	{ "GET", "/api/v1/actions", "pack_ref" },
	{ "GET", "/api/v1/actions/search", "q packs" },
	{ "GET", "/api/v1/triggers", "pack_ref" },
	{ "GET", "/api/v1/sensors", "pack_ref" },
	{ "GET", "/api/v1/sensors/{sensor_ref}/logs/{stream}", "tail" },
	{ "GET", "/api/v1/policies", "pack_ref action_ref" },
	{ "GET", "/api/v1/rules", "pack_ref action_ref trigger_ref enabled" },
	{ "GET", "/api/v1/events", "trigger trigger_ref rule_ref source" },
	{ "GET", "/api/v1/enforcements", "rule event status trigger_ref rule_ref" },
	{ "GET", "/api/v1/executions",
	    "status action_ref pack_name rule_ref trigger_ref executor enforcement parent "
	    "result_contains top_level_only" },
	{ "GET", "/api/v1/audit-events",
	    "category event_type outcome actor_identity actor_login resource_type resource_id resource_ref request_id "
	    "http_status http_method http_path created_after created_before" },
	{ "GET", "/api/v1/executions/{id}/history", "entity_id entity_ref operation changed_field since until" },
	{ "GET", "/api/v1/workers/{id}/history", "entity_id entity_ref operation changed_field since until" },
	{ "GET", "/api/v1/history/{entity_type}", "entity_id entity_ref operation changed_field since until" },
	{ "POST", "/api/v1/executions/execute", "dry_run" },
	{ "GET", "/api/v1/executions/{id}", "wait_seconds" },
};

const size_t api_query_count = countof(api_queries);

const RouteOther api_others[] = {
	{ "POST", "/api/v1/executions/execute", 200, "DryRun", "dry_run: the parameters fit" },
};

const size_t api_other_count = countof(api_others);
