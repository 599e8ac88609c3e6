/*
 * Every handler of the API, by the file it lives in. They are named once more in the table of routes, and nowhere else.
 */
#pragma once

#include "http/http.h"

/* health.c */
Handler health, health_detailed, health_ready, health_live;
/* auth.c, auth_me.c */
Handler auth_login, auth_register, auth_token_login, auth_refresh, auth_logout, auth_settings, auth_oidc, auth_ldap,
    auth_me, auth_me_update, auth_change_password, auth_sensor_token, auth_internal_sensor_token;
/* identities.c, permissions.c, integration.c */
Handler identities_list, identity_show, identity_create, identity_update, identity_remove, identity_freeze,
    identity_unfreeze, identity_permissions, identity_role_create, identity_role_remove, permission_sets_list,
    permission_set_update, permission_set_role_create, permission_set_role_remove, assignment_create, assignment_remove,
    integration_tokens_list, integration_token_create, integration_token_stop, integration_token_remove;
/* packs.c */
Handler packs_list, pack_show, pack_create, pack_update, pack_remove, pack_register;
/* runtimes.c */
Handler runtimes_list, runtimes_of_pack, runtime_show, runtime_create, runtime_update, runtime_remove;
/* workers.c */
Handler workers_list, worker_show, worker_cordon_on, worker_cordon_off, worker_token;
/* actions.c */
Handler actions_list, actions_of_pack, actions_search, action_show, action_create, action_update, action_remove,
    action_queue;
/* triggers.c */
Handler triggers_list, triggers_enabled, triggers_of_pack, trigger_show, trigger_create, trigger_update, trigger_remove,
    trigger_enable, trigger_disable;
/* webhooks.c, webhook_receive.c */
Handler webhook_enable, webhook_disable, webhook_regenerate, webhook_config_show, webhook_config_update, webhook_log,
    webhook_receive;
/* sensors.c */
Handler sensors_list, sensors_enabled, sensors_of_pack, sensors_of_trigger, sensor_show, sensor_create, sensor_update,
    sensor_remove, sensor_enable, sensor_disable, sensor_start_asked, sensor_stop_asked, sensor_restart_asked,
    sensor_logs, sensor_log;
/* rule_explain.c */
Handler rule_explain, rule_test;
/* timers.c */
Handler rule_ticks;
/* rules.c */
Handler rules_list, rules_enabled, rules_of_pack, rules_of_action, rules_of_trigger, rule_show, rule_create,
    rule_update, rule_remove, rule_enable, rule_disable;
/* policies.c */
Handler policies_list, policies_of_pack, policies_of_action, policy_show, policy_create, policy_update, policy_remove,
    policy_enable, policy_disable;
/* pack_install.c, pack_batch.c, pack_environments.c, pack_indices.c, pack_tests.c */
Handler pack_install, pack_upload, packs_register, packs_dependencies, packs_download, packs_build, pack_test,
    pack_environments, pack_environments_rebuild, pack_indices_list, pack_index_create, pack_index_update,
    pack_index_remove, pack_index_packs, pack_index_pack, pack_tests, pack_tests_latest;
/* inquiries.c */
Handler inquiries_list, inquiries_by_status, inquiries_of_execution, inquiry_show, inquiry_create, inquiry_change,
    inquiry_remove, inquiry_answer, inquiry_link_create, inquiry_callback_show, inquiry_callback;
/* workflows.c, workflow_files.c, workflow_draw.c, workflow_dry.c, workflow_validate.c, workflow_run.c */
Handler workflows_list, workflows_of_pack, workflow_show, workflow_create, workflow_update, workflow_remove,
    workflow_file_create, workflow_file_update, pack_workflows_sync, pack_workflows_validate, workflow_draw,
    workflow_dry_run, workflow_validate, workflow_validate_stored, execution_workflow;
/* events.c */
Handler events_list, event_get, event_create;
/* enforcements.c */
Handler enforcements_list, enforcement_get, enforcement_executions;
/* executions.c */
Handler executions_list, executions_by_status, execution_get, execution_execute, execution_stop, executions_stats;
Handler execution_again, execution_rerun_from, execution_pause_run, execution_resume_run;
/* streams.c */
Handler executions_stream;
/* artifact_stream.c */
Handler artifact_stream;
/* logs.c */
Handler execution_log, execution_log_stream;
/* sockets.c */
Handler socket_open, socket_stats;
/* trace.c */
Handler trace_show;
/* status.c */
Handler metrics_show, status_show;
/* dead_letters.c */
Handler dead_letters_list, dead_letter_show, dead_letter_replay, dead_letter_remove;
/* audit.c */
Handler audit_events_list, audit_event_show, audit_events_of_request;
/* history.c */
Handler execution_history, worker_history, entity_history;
/* retention.c */
Handler retention_show, retention_update;
/* keys.c, key_rotate.c */
Handler keys_list, key_show, key_create, key_change, key_remove, keys_rotate;
/* analytics.c */
Handler analytics_dashboard, analytics_status, analytics_throughput, analytics_failure_rate, analytics_events,
    analytics_enforcements, analytics_workers;
/* artifacts.c, artifact_versions.c, artifact_make.c */
Handler artifacts_list, artifacts_of_execution, artifact_show, artifact_show_ref, artifact_create, artifact_change,
    artifact_remove, artifact_set_data, artifact_append_progress, versions_list, version_show, version_download,
    version_remove, version_create_json, version_create_file, version_create_file_ref, version_upload,
    version_upload_ref;
/* internal_files.c, pack_archive.c */
Handler internal_file_get, internal_file_put, internal_file_append, internal_file_remove, internal_pack_archive;
/* openapi.c */
Handler openapi_show, docs_show;
