#include "bus/rabbitmq.h"

#include "base/log.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>

enum {
	FRAME_MAX = 131072,
	RETRY_FIRST_US = 200 * US_PER_MS,
	RETRY_MOST_US = 5 * US_PER_S,
	SEND_TIMEOUT_MS = 10000, /* the kernel gives up on a peer that takes nothing for so long */
};

amqp_bytes_t
bytes_of(Str s)
{
	return (amqp_bytes_t){ .len = s.n, .bytes = (void *)(uintptr_t)s.p };
}

Str
str_of_bytes(amqp_bytes_t b)
{
	return (Str){ b.bytes == NULL ? "" : b.bytes, b.len };
}

struct timeval
timeval_of(TimeUs t)
{
	return (struct timeval){ .tv_sec = t / US_PER_S, .tv_usec = t % US_PER_S };
}

const amqp_table_entry_t *
header_find(const amqp_basic_properties_t *p, const char *name)
{
	if ((p->_flags & AMQP_BASIC_HEADERS_FLAG) == 0)
		return NULL;
	for (int i = 0; i < p->headers.num_entries; i++)
		if (str_is(str_of_bytes(p->headers.entries[i].key), name))
			return &p->headers.entries[i];
	return NULL;
}

Str
header_text(const amqp_basic_properties_t *p, const char *name)
{
	const amqp_table_entry_t *e = header_find(p, name);

	if (e == NULL || (e->value.kind != AMQP_FIELD_KIND_UTF8 && e->value.kind != AMQP_FIELD_KIND_BYTES))
		return (Str){ 0 };
	return str_of_bytes(e->value.value.bytes);
}

/* The broker's numbers and what they mean for us. */
static ErrCode
code_of(int reply, Str text)
{
	static const struct {
		int reply;
		ErrCode code;
	} codes[] = {
		{ 320, ERR_AWAY }, /* CONNECTION_FORCED: it stops */
		{ 402, ERR_INVALID },
		{ 403, ERR_FORBIDDEN }, /* ACCESS_REFUSED */
		{ 404, ERR_NOT_FOUND },
		{ 405, ERR_CONFLICT }, /* RESOURCE_LOCKED */
		{ 406, ERR_CONFLICT }, /* PRECONDITION_FAILED */
		{ 506, ERR_AWAY },
		{ 530, ERR_NOT_FOUND }, /* NOT_ALLOWED: there is no such vhost, or not for this user */
		{ 541, ERR_AWAY },
	};
	size_t at;

	if (str_find(text, str_of("Login was refused"), &at))
		return ERR_UNAUTHORIZED;
	/* "vhost 'x' is down" while a broker starts */
	if (reply == 530 && str_find(text, str_of("is down"), &at))
		return ERR_AWAY;
	if (reply == 530 && str_find(text, str_of("refused for user"), &at))
		return ERR_FORBIDDEN;
	if (reply == 403 && str_find(text, str_of("exclusive use"), &at))
		return ERR_CONFLICT;
	for (size_t i = 0; i < countof(codes); i++)
		if (codes[i].reply == reply)
			return codes[i].code;
	return ERR_INTERNAL;
}

static bool
refusal(const Conn *k, int reply, Str text, Err *err)
{
	const RabbitUrl *u = &k->bus->url;
	ErrCode code = code_of(reply, text);

	if (code == ERR_UNAUTHORIZED)
		return err_set(err, code, "broker %s: wrong user name or password", u->starred);
	if (reply == 530 && code == ERR_NOT_FOUND)
		return err_set(err, code, "broker %s has no virtual host '%s'", u->starred, u->vhost);
	if (code == ERR_FORBIDDEN)
		return err_set(
		    err, code, "broker %s: user '%s' lacks a right: %.*s", u->starred, u->user, STR_ARG(text));
	return err_set(err, code, "broker %s: %.*s", u->starred, STR_ARG(text));
}

bool
conn_closed_by(const Conn *k, const amqp_method_t *m, Err *err)
{
	if (m->id == AMQP_CHANNEL_CLOSE_METHOD) {
		const amqp_channel_close_t *c = m->decoded;

		return refusal(k, c->reply_code, str_of_bytes(c->reply_text), err);
	}
	if (m->id == AMQP_CONNECTION_CLOSE_METHOD) {
		const amqp_connection_close_t *c = m->decoded;

		return refusal(k, c->reply_code, str_of_bytes(c->reply_text), err);
	}
	return err_set(err, ERR_INTERNAL, "broker %s: unexpected answer %x", k->bus->url.starred, m->id);
}

static bool
library_error(const Conn *k, int status, Err *err)
{
	return err_set(err, ERR_AWAY, "broker %s: %s", k->bus->url.starred, amqp_error_string2(status));
}

void
conn_close(Conn *k)
{
	if (k->c == NULL)
		return;
	amqp_destroy_connection(k->c);
	k->c = NULL;
	k->blocked = false;
}

void
conn_goodbye(Conn *k)
{
	if (k->c != NULL && !k->blocked)
		amqp_connection_close(k->c, AMQP_REPLY_SUCCESS);
	conn_close(k);
}

void
conn_lost(Conn *k, const char *why)
{
	if (k->c == NULL)
		return;
	log_debug("%s: connection to %s lost: %s", k->what, k->bus->url.starred, why);
	conn_close(k);
	k->tries = 0;
	k->next_try = 0;
}

void
conn_delay(Conn *k)
{
	TimeUs now = clock_mono(k->bus->bus.clock);
	TimeUs wait = RETRY_FIRST_US << (k->tries < 5 ? k->tries : 5);
	Uuid dice = uuid_new(now);

	if (wait > RETRY_MOST_US)
		wait = RETRY_MOST_US;
	k->tries++;
	/* between a half and the whole, so that many processes do not come back in one moment */
	k->next_try = now + wait / 2 + wait / 2 * dice.b[15] / 255;
}

static void
socket_tune(int fd)
{
	static const struct {
		int level;
		int name;
		int value;
	} options[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 15 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 5 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 3 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, SEND_TIMEOUT_MS },
	};

	fcntl(fd, F_SETFD, FD_CLOEXEC);
	for (size_t i = 0; i < countof(options); i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

static amqp_socket_t *
socket_new(Conn *k)
{
	const RabbitUrl *u = &k->bus->url;
	amqp_socket_t *s;

	if (!u->tls)
		return amqp_tcp_socket_new(k->c);
	s = amqp_ssl_socket_new(k->c);
	if (s == NULL)
		return NULL;
	amqp_ssl_socket_set_verify_peer(s, u->tls_verify);
	amqp_ssl_socket_set_verify_hostname(s, u->tls_verify);
	if (u->tls_verify && amqp_ssl_socket_set_cacert(s, u->cacert) != AMQP_STATUS_OK)
		log_warn("broker %s: the certificates in '%s' cannot be read", u->starred, u->cacert);
	return s;
}

static bool
socket_open(Conn *k, Err *err)
{
	const RabbitUrl *u = &k->bus->url;
	struct timeval tv = timeval_of(k->patience);
	amqp_socket_t *s = socket_new(k);
	int status;

	if (s == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	status = amqp_socket_open_noblock(s, u->host, u->port, &tv);
	if (status != AMQP_STATUS_OK)
		return library_error(k, status, err);
	socket_tune(amqp_get_sockfd(k->c));
	amqp_set_handshake_timeout(k->c, &tv);
	amqp_set_rpc_timeout(k->c, &tv);
	return true;
}

static amqp_table_entry_t
entry_text(const char *key, const char *text)
{
	return (amqp_table_entry_t){ .key = amqp_cstring_bytes(key),
		.value = { .kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes(text) } };
}

static amqp_table_entry_t
entry_true(const char *key)
{
	return (amqp_table_entry_t){ .key = amqp_cstring_bytes(key),
		.value = { .kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1 } };
}

static bool
login_reply(const Conn *k, amqp_rpc_reply_t r, Err *err)
{
	if (r.reply_type == AMQP_RESPONSE_NORMAL)
		return true;
	if (r.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION)
		return conn_closed_by(k, &r.reply, err);
	/* a broker that knows no other way closes the socket on a wrong password */
	return library_error(k, r.library_error, err);
}

static bool
login(Conn *k, Err *err)
{
	const RabbitUrl *u = &k->bus->url;
	CLEANUP(arena_done) Arena *a = arena_open();
	amqp_table_entry_t can[] = { entry_true("connection.blocked"), entry_true("consumer_cancel_notify"),
		entry_true("authentication_failure_close"), entry_true("publisher_confirms"),
		entry_true("basic.nack") };
	amqp_table_entry_t props[] = {
		entry_text("connection_name", str_fmt(a, "attune %s, %s", k->bus->bus.process, k->what).p),
		{ .key = amqp_cstring_bytes("capabilities"),
		    .value = { .kind = AMQP_FIELD_KIND_TABLE, .value.table = { countof(can), can } } },
	};
	amqp_table_t table = { countof(props), props };
	int beat = (int)((k->heartbeat + US_PER_S - 1) / US_PER_S);
	amqp_rpc_reply_t r = amqp_login_with_properties(
	    k->c, u->vhost, 0, FRAME_MAX, beat, &table, AMQP_SASL_METHOD_PLAIN, u->user, u->password);

	return login_reply(k, r, err);
}

static bool
channel_open(Conn *k, Err *err)
{
	amqp_channel_open(k->c, CHANNEL);
	if (!login_reply(k, amqp_get_rpc_reply(k->c), err))
		return false;
	if (!k->confirms)
		return true;
	amqp_confirm_select(k->c, CHANNEL);
	return login_reply(k, amqp_get_rpc_reply(k->c), err);
}

bool
conn_connect(Conn *k, Err *err)
{
	conn_close(k);
	k->c = amqp_new_connection();
	if (k->c == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	if (!socket_open(k, err) || !login(k, err) || !channel_open(k, err)) {
		conn_close(k);
		return false;
	}
	k->tries = 0;
	if (atomic_exchange(&k->bus->away, false))
		log_info("the broker %s is back", k->bus->url.starred);
	return true;
}

bool
conn_ready(Conn *k, Err *err)
{
	Err why = { 0 };

	if (k->c != NULL)
		return true;
	if (clock_mono(k->bus->bus.clock) < k->next_try)
		return err_set(err, ERR_AWAY, "broker %s is away", k->bus->url.starred);
	if (conn_connect(k, &why))
		return true;
	conn_delay(k);
	if (!atomic_exchange(&k->bus->away, true))
		log_warn("%s; the work waits in the database, trying again until the broker is back", why.text);
	/* whatever the reason is today: for the caller the broker is away */
	return err_set(err, ERR_AWAY, "%s", why.text);
}

bool
conn_channel(Conn *k, Err *err)
{
	amqp_channel_close_ok_t ok = { 0 };

	amqp_send_method(k->c, CHANNEL, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
	amqp_maybe_release_buffers(k->c);
	if (channel_open(k, err))
		return true;
	conn_lost(k, "no new channel");
	return false;
}

bool
conn_reply(Conn *k, amqp_rpc_reply_t r, Err *err)
{
	Err more = { 0 };

	if (r.reply_type == AMQP_RESPONSE_NORMAL)
		return true;
	if (r.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION) {
		library_error(k, r.library_error, err);
		conn_lost(k, amqp_error_string2(r.library_error));
		return false;
	}
	conn_closed_by(k, &r.reply, err);
	if (r.reply.id == AMQP_CONNECTION_CLOSE_METHOD)
		conn_lost(k, err != NULL ? err->text : "closed by the broker");
	else if (!conn_channel(k, &more))
		log_debug("%s", more.text);
	return false;
}

bool
conn_answer(Conn *k, const void *answer, Err *err)
{
	return answer != NULL || conn_reply(k, amqp_get_rpc_reply(k->c), err);
}

/* True when the frame is the connection's own business. */
static bool
own_frame(Conn *k, const amqp_frame_t *f)
{
	Err why = { 0 };

	if (f->frame_type != AMQP_FRAME_METHOD)
		return f->channel == 0;
	switch (f->payload.method.id) {
	case AMQP_CONNECTION_BLOCKED_METHOD: k->blocked = true; return true;
	case AMQP_CONNECTION_UNBLOCKED_METHOD: k->blocked = false; return true;
	case AMQP_CONNECTION_CLOSE_METHOD:
		conn_closed_by(k, &f->payload.method, &why);
		conn_lost(k, why.text);
		return true;
	default: return false;
	}
}

bool
conn_frame(Conn *k, TimeUs wait, amqp_frame_t *ret)
{
	struct timeval tv = timeval_of(wait);

	do {
		int status;

		amqp_maybe_release_buffers_on_channel(k->c, CHANNEL);
		status = amqp_simple_wait_frame_noblock(k->c, ret, &tv);
		if (status == AMQP_STATUS_TIMEOUT)
			return false;
		if (status != AMQP_STATUS_OK) {
			conn_lost(k, amqp_error_string2(status));
			return false;
		}
	} while (own_frame(k, ret) && k->c != NULL);
	return k->c != NULL;
}
