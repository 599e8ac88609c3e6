#include "notifier/listener.h"

#include "base/log.h"
#include "notifier/speech.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	OUT_MOST = 64 * 1024, /* bytes that wait for its socket before no more notices are made into frames */
	READ_SIZE = 16 * 1024,
	READS_MOST = 16, /* of one turn: the others want to be read as well */
	SEND_BUFFER = 64 * 1024,
	FAREWELL_US = 3 * US_PER_S,       /* for a client to read what it was sent before the close */
	FAREWELL_SLOW_US = 30 * US_PER_S, /* for one that is slow */
};

static void
on_text(void *self, Str text)
{
	speech_hear(self, text);
}

Listener *
listener_new(Hub *hub, const Gate *gate, int fd, HttpHeld *held, Arena *arena, const Caller *caller, Str token)
{
	Listener *c = calloc(1, sizeof(Listener));
	int size = SEND_BUFFER;

	if (c == NULL)
		abort();
	*c = (Listener){ .hub = hub, .gate = gate, .fd = fd, .held = held, .pass = calloc(1, sizeof(Pass)) };
	if (c->pass == NULL)
		abort();
	*c->pass =
	    (Pass){ .arena = arena, .caller = *caller, .token = token, .looked = clock_mono(clock_real()), .users = 1 };
	c->ws = ws_open(on_text, c, LISTENER_MESSAGE);
	c->at = hub_head(hub);
	uuid_write(uuid_new(clock_wall(clock_real())), c->id);
	/* what lies in the kernel is not seen here: a slow client shall be noticed */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return c;
}

static void
pass_leave(Pass *p)
{
	if (--p->users > 0)
		return;
	arena_close(p->arena);
	free((void *)(uintptr_t)p->token.p);
	free(p);
}

void
listener_share(Listener *c, const Listener *other)
{
	pass_leave(c->pass);
	c->pass = other->pass;
	c->pass->users++;
}

void
listener_free(Listener *c)
{
	ws_free(c->ws);
	close(c->fd);
	http_release(c->held);
	pass_leave(c->pass);
	free(c->filters);
	free(c);
}

void
listener_welcome(Listener *c)
{
	speech_welcome(c);
}

void
listener_close(Listener *c, int code, Str reason, TimeUs now)
{
	if (c->end_by != 0)
		return;
	c->end_by = now + FAREWELL_US;
	ws_close(c->ws, code, reason);
	listener_write(c, now);
}

/* ---- out ---- */

void
listener_write(Listener *c, TimeUs now)
{
	Str out;

	while (out = ws_output(c->ws), out.n > 0) {
		ssize_t n = send(c->fd, out.p, out.n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			c->gone = errno != EAGAIN && errno != EWOULDBLOCK;
			c->stuck = true;
			break;
		}
		ws_sent(c->ws, (size_t)n);
	}
	if (out.n > 0)
		return;
	c->stuck = false;
	if (ws_ended(c->ws))
		c->gone = true;
	else if (ws_over(c->ws) && c->end_by == 0)
		c->end_by = now + FAREWELL_US; /* the other half of the close may still come */
}

static bool
is_for(const Listener *c, const Notice *n)
{
	static const char *const rights[SUBJECTS] = {
		[SUBJECT_EXECUTION] = "executions:read",
		[SUBJECT_EVENT] = "events:read",
		[SUBJECT_ENFORCEMENT] = "enforcements:read",
		[SUBJECT_INQUIRY] = "inquiries:read",
		[SUBJECT_ARTIFACT] = "artifacts:read",
	};

	for (size_t i = 0; i < c->filters_n; i++)
		if (filter_match(&c->filters[i], n))
			return grants_allow(&c->pass->caller, rights[change_rows[n->kind].subject], &n->target);
	return false;
}

static bool
on_notice(void *self, const Notice *n)
{
	Listener *c = self;

	if (ws_output(c->ws).n >= OUT_MOST)
		return false;
	if (is_for(c, n))
		ws_text(c->ws, n->text);
	return true;
}

static bool
on_counted(void *self, const Notice *n)
{
	Listener *c = self;

	c->pending += is_for(c, n);
	return c->pending <= LISTENER_PENDING;
}

static void
drop_slow(Listener *c, TimeUs now)
{
	char reason[80];
	int n = snprintf(reason, sizeof(reason), "too slow: resume after sequence %llu", (unsigned long long)c->at);

	log_info("WebSocket %s is let go: %s", c->id, reason);
	listener_close(c, CLOSE_SLOW, (Str){ reason, (size_t)n }, now);
	c->end_by = now + FAREWELL_SLOW_US;
}

/* While the socket is full nothing is made for it; what it misses is counted. */
static void
fall_behind(Listener *c, uint64_t upto, TimeUs now)
{
	if (c->counted < c->at)
		c->counted = c->at;
	if (!hub_read(c->hub, &c->counted, upto, on_counted, c) || c->pending > LISTENER_PENDING)
		drop_slow(c, now);
}

void
listener_tell(Listener *c, uint64_t upto, TimeUs now)
{
	if (c->end_by != 0 || c->gone || ws_ending(c->ws))
		return;
	if (c->stuck) {
		fall_behind(c, upto, now);
		return;
	}
	while (c->at < upto && !c->stuck && !c->gone) {
		if (!hub_read(c->hub, &c->at, upto, on_notice, c)) {
			speech_reload(c);
			c->at = upto;
		}
		listener_write(c, now);
	}
	c->counted = c->at;
	c->pending = 0;
}

/* ---- in ---- */

void
listener_read(Listener *c, TimeUs now)
{
	char bytes[READ_SIZE];

	for (int i = 0; i < READS_MOST && !c->gone && !c->stuck; i++) {
		ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n <= 0) {
			c->gone = true;
			break;
		}
		ws_feed(c->ws, (Str){ bytes, (size_t)n });
		listener_write(c, now);
	}
}

/* ---- the token ---- */

static void
pass_look(Pass *p, const Gate *gate, Db *db, TimeUs now)
{
	Arena *a = arena_open();
	Caller caller = { 0 };
	Err err = { 0 };

	p->looked = now;
	if (gate->admit(gate->self, db, a, p->token, &caller, &err)) {
		arena_close(p->arena);
		p->arena = a;
		p->caller = caller;
		return;
	}
	arena_close(a);
	p->refused = !err_passes(err.code); /* else nobody can say so now */
}

void
listener_look(Listener *c, Db *db, TimeUs every, TimeUs now)
{
	if (now - c->pass->looked >= every)
		pass_look(c->pass, c->gate, db, now);
	if (!c->pass->refused)
		return;
	log_debug("WebSocket %s: its token does not count any more", c->id);
	listener_close(c, CLOSE_TOKEN, str_of("the token has expired or was revoked"), now);
}
