#include "bus/librabbitmq.h"

#include <amqp.h>

/* No functions, so they have no door: the same values as there. */
const amqp_bytes_t amqp_empty_bytes = { 0, NULL };
const amqp_table_t amqp_empty_table = { 0, NULL };

/* clang-format off */
#define FUNCTIONS(_) \
	_(amqp_basic_ack) _(amqp_basic_consume) _(amqp_basic_get) _(amqp_basic_nack) _(amqp_basic_publish) \
	_(amqp_basic_qos) _(amqp_channel_open) _(amqp_confirm_select) _(amqp_connection_close) \
	_(amqp_cstring_bytes) _(amqp_default_connection_info) _(amqp_destroy_connection) \
	_(amqp_destroy_message) _(amqp_error_string2) _(amqp_exchange_declare) _(amqp_exchange_delete) \
	_(amqp_get_rpc_reply) _(amqp_get_sockfd) _(amqp_login_with_properties) _(amqp_maybe_release_buffers) \
	_(amqp_maybe_release_buffers_on_channel) _(amqp_new_connection) _(amqp_parse_url) _(amqp_queue_bind) \
	_(amqp_queue_declare) _(amqp_queue_delete) _(amqp_queue_purge) _(amqp_queue_unbind) \
	_(amqp_read_message) _(amqp_send_method) _(amqp_set_handshake_timeout) _(amqp_set_rpc_timeout) \
	_(amqp_simple_wait_frame_noblock) _(amqp_socket_open_noblock) _(amqp_ssl_socket_new) \
	_(amqp_ssl_socket_set_cacert) _(amqp_ssl_socket_set_verify_hostname) \
	_(amqp_ssl_socket_set_verify_peer) _(amqp_tcp_socket_new)
/* clang-format on */

LATE_LIBRARY(librabbitmq, "librabbitmq.so.4", "librabbitmq4", FUNCTIONS)
