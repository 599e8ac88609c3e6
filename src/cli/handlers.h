/*
 * The handlers that do more than a row of a table can say.
 */
#pragma once

#include "cli/input.h"

CliHandler cmd_status_run, cmd_trace_run, cmd_action_execute, cmd_execution_show, cmd_execution_list,
    cmd_execution_result, cmd_execution_logs, cmd_execution_watch, cmd_execution_rerun, cmd_rule_create, cmd_rule_test,
    cmd_key_show, cmd_key_rotate, cmd_pack_upload, cmd_pack_new, cmd_pack_checksum, cmd_index_entry, cmd_index_update,
    cmd_index_merge, cmd_pack_test, cmd_pack_install, cmd_workflow_upload, cmd_workflow_graph, cmd_workflow_watch,
    cmd_workflow_run, cmd_workflow_validate, cmd_artifact_upload, cmd_artifact_download, cmd_permission_grant,
    cmd_permission_revoke, cmd_permission_show, cmd_permission_update, cmd_set_role_add, cmd_set_role_remove,
    cmd_auth_whoami, cmd_token_create, cmd_token_list, cmd_token_revoke, cmd_token_delete, cmd_role_remove,
    cmd_auth_login, cmd_auth_token_login, cmd_auth_sso_login, cmd_auth_logout, cmd_auth_refresh, cmd_config_list,
    cmd_config_get, cmd_config_set, cmd_config_path, cmd_config_profiles, cmd_config_current, cmd_config_use,
    cmd_config_add, cmd_config_remove, cmd_config_show_profile, cmd_apply_run, cmd_export_run, cmd_completion_run,
    cmd_complete_run, cmd_docs_run, cmd_webhook_show, cmd_webhook_config, cmd_sensor_logs;
