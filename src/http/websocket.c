#include "http/websocket.h"

#include "base/codec.h"
#include "base/crypto.h"

#include <stdlib.h>
#include <wslay/wslay.h>

enum { KEY_BYTES = 16, OUT_FIRST = 1024 };

struct WsConn {
	wslay_event_context_ptr frames;
	void (*message)(void *self, Str text);
	void *self;
	Str in; /* of the running feed */
	char *out;
	size_t out_at, out_n, out_cap;
	bool broken; /* the frames cannot be read any more */
};

/* ---- handshake ---- */

/* Is this word in the comma-separated list? */
static bool
list_has(Str list, const char *word)
{
	Str piece;

	while (str_cut(&list, ',', &piece))
		if (str_eq_nocase(str_trim(piece), str_of(word)))
			return true;
	return false;
}

static Str
accept_of(Arena *a, Str key)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	unsigned char digest[SHA1_BYTES];

	sha1(str_fmt(a, "%.*s%s", STR_ARG(key), guid), digest);
	return base64_encode(a, (Str){ (const char *)digest, sizeof(digest) });
}

bool
ws_handshake(const Req *q, Res *s, Err *err)
{
	Str key = req_header(q, "Sec-WebSocket-Key"), raw;

	if (!list_has(req_header(q, "Upgrade"), "websocket") || !list_has(req_header(q, "Connection"), "upgrade"))
		return err_set(err, ERR_INVALID,
		    "This address speaks WebSocket: the request needs Connection: Upgrade and Upgrade: websocket");
	if (!str_is(req_header(q, "Sec-WebSocket-Version"), "13"))
		return err_set(err, ERR_INVALID, "Sec-WebSocket-Version must be 13");
	if (str_none(key) || !base64_decode(req_arena(q), key, &raw) || raw.n != KEY_BYTES)
		return err_set(err, ERR_INVALID, "Sec-WebSocket-Key must be 16 bytes in base64");
	res_header(s, "Upgrade", str_of("websocket"));
	res_header(s, "Sec-WebSocket-Accept", accept_of(req_arena(q), key));
	return true;
}

/* ---- frames ---- */

static ssize_t
on_recv(wslay_event_context_ptr frames, uint8_t *to, size_t max, int flags, void *self)
{
	WsConn *w = self;
	size_t n = w->in.n < max ? w->in.n : max;

	(void)flags;
	if (n == 0) {
		wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	memcpy(to, w->in.p, n);
	w->in = str_sub(w->in, n, w->in.n);
	return (ssize_t)n;
}

static ssize_t
on_send(wslay_event_context_ptr frames, const uint8_t *data, size_t n, int flags, void *self)
{
	WsConn *w = self;

	(void)frames;
	(void)flags;
	if (w->out_n + n > w->out_cap) {
		size_t cap = w->out_cap == 0 ? OUT_FIRST : w->out_cap;

		while (cap < w->out_n + n)
			cap *= 2;
		w->out = realloc(w->out, cap);
		if (w->out == NULL)
			abort();
		w->out_cap = cap;
	}
	memcpy(w->out + w->out_n, data, n);
	w->out_n += n;
	return (ssize_t)n;
}

static void
on_message(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *m, void *self)
{
	WsConn *w = self;

	(void)frames;
	if (m->opcode == WSLAY_TEXT_FRAME)
		w->message(w->self, (Str){ m->msg == NULL ? "" : (const char *)m->msg, m->msg_length });
	else if (m->opcode == WSLAY_BINARY_FRAME)
		ws_close(w, WS_NOT_TEXT, str_of("messages are JSON texts"));
}

static void
send_queued(WsConn *w)
{
	if (wslay_event_want_write(w->frames) && wslay_event_send(w->frames) != 0)
		w->broken = true;
}

WsConn *
ws_open(void (*message)(void *self, Str text), void *self, size_t message_max)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = on_recv,
		.send_callback = on_send,
		.on_msg_recv_callback = on_message,
	};
	WsConn *w = calloc(1, sizeof(WsConn));

	if (w == NULL || wslay_event_context_server_init(&w->frames, &callbacks, w) != 0)
		abort();
	wslay_event_config_set_max_recv_msg_length(w->frames, message_max);
	w->message = message;
	w->self = self;
	return w;
}

void
ws_free(WsConn *w)
{
	if (w == NULL)
		return;
	wslay_event_context_free(w->frames);
	free(w->out);
	free(w);
}

void
ws_feed(WsConn *w, Str bytes)
{
	w->in = bytes;
	if (!w->broken && wslay_event_recv(w->frames) != 0)
		w->broken = true;
	w->in = (Str){ 0 };
	send_queued(w);
}

static void
queue(WsConn *w, uint8_t opcode, Str bytes)
{
	struct wslay_event_msg m = { opcode, (const uint8_t *)bytes.p, bytes.n };

	if (wslay_event_queue_msg(w->frames, &m) == 0)
		send_queued(w);
}

void
ws_text(WsConn *w, Str text)
{
	queue(w, WSLAY_TEXT_FRAME, text);
}

void
ws_close(WsConn *w, int code, Str reason)
{
	if (wslay_event_queue_close(w->frames, (uint16_t)code, (const uint8_t *)reason.p, reason.n) == 0)
		send_queued(w);
}

Str
ws_output(const WsConn *w)
{
	return (Str){ w->out == NULL ? "" : w->out + w->out_at, w->out_n - w->out_at };
}

/* An idle connection keeps no buffer. */
void
ws_sent(WsConn *w, size_t n)
{
	w->out_at += n;
	if (w->out_at < w->out_n)
		return;
	free(w->out);
	w->out = NULL;
	w->out_at = w->out_n = w->out_cap = 0;
}

bool
ws_ending(const WsConn *w)
{
	return ws_over(w) || wslay_event_get_close_received(w->frames) || !wslay_event_get_write_enabled(w->frames);
}

bool
ws_over(const WsConn *w)
{
	return w->broken || wslay_event_get_close_sent(w->frames);
}

bool
ws_ended(const WsConn *w)
{
	return w->broken || (wslay_event_get_close_sent(w->frames) && wslay_event_get_close_received(w->frames));
}
