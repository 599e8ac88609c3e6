#include "http/libmicrohttpd.h"

/* clang-format off */
#define FUNCTIONS(_) \
	_(MHD_add_connection) _(MHD_add_response_header) _(MHD_create_response_for_upgrade) _(MHD_create_response_from_buffer) \
	_(MHD_create_response_from_callback) _(MHD_create_response_from_fd_at_offset64) \
	_(MHD_destroy_response) _(MHD_get_connection_info) _(MHD_get_connection_values_n) \
	_(MHD_get_daemon_info) _(MHD_get_reason_phrase_for) _(MHD_get_timeout) _(MHD_is_feature_supported) \
	_(MHD_lookup_connection_value) _(MHD_lookup_connection_value_n) _(MHD_resume_connection) _(MHD_run) _(MHD_start_daemon) \
	_(MHD_stop_daemon) _(MHD_suspend_connection) _(MHD_upgrade_action)
/* clang-format on */

LATE_LIBRARY(libmicrohttpd, "libmicrohttpd.so.12", "libmicrohttpd12", FUNCTIONS)
