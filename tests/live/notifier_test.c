/* The notifier with its own door and real WebSockets, each client on a thread of its own. Also built to be watched for races. */
#include "notifier/notifier.h"

#include "rig.h"

#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FOLLOWERS = 4, ENOUGH = 40, ROOM = 128 * 1024, PATIENCE_S = 60 };

typedef struct Watch {
	Rig *r;
	Notifier *n;
	int port;
	pthread_barrier_t ready; /* the followers and the test */
} Watch;

/* Whoever comes may see executions. */
static bool
admit(void *self, Db *db, Arena *a, Str token, Caller *ret, Err *err)
{
	Json *grants = arena_new(a, Json);
	const Json *set = grants;

	(void)self;
	(void)db;
	(void)token;
	if (!json_parse(a, str_of("[{\"resource\":\"executions\",\"actions\":[\"read\"]}]"), NULL, grants, err))
		return false;
	*ret = (Caller){ .kind = CALLER_USER, .identity = 7, .grants = grants_compile(a, &set, 1) };
	return true;
}

static void
watch_open(Watch *w)
{
	static const ConfigOption options[] = { { "notifier.port", "0", "test" } };
	ConfigSource source = { .dir = "/proc/self", .options = options, .option_count = countof(options) };
	NotifierConfig config = { .gate = { admit, NULL }, .serves = true };
	Config *c;
	Err err = { 0 };

	w->r = rig_open(0, 0);
	CHECK_OK(config_load(w->r->w->a, &source, &c, &err), err);
	config.engine = &w->r->engine;
	config.hub = w->r->hub;
	config.config = c;
	CHECK_OK(notifier_start(&config, &w->n, &err), err);
	w->port = notifier_port(w->n);
	CHECK_INT(pthread_barrier_init(&w->ready, NULL, FOLLOWERS + 1), 0);
}

static void
watch_done(Watch *w)
{
	notifier_stop(w->n);
	rig_done(&w->r);
	pthread_barrier_destroy(&w->ready);
}

/* ---- a client ---- */

typedef struct Client {
	Watch *w;
	pthread_t thread;
	size_t want; /* notices; 0: until the connection ends */
	atomic_bool stop;

	int fd;
	char bytes[ROOM];
	size_t from, to;
	size_t seen, reloads;
	int64_t last; /* sequence */
	bool wrong;
} Client;

static bool
more(Client *c, size_t n)
{
	memmove(c->bytes, c->bytes + c->from, c->to - c->from);
	c->to -= c->from;
	c->from = 0;
	while (c->to < n) {
		ssize_t got = recv(c->fd, c->bytes + c->to, sizeof(c->bytes) - c->to, 0);

		c->wrong |= got < 0 && errno == EAGAIN; /* it was left waiting */
		if (got <= 0)
			return false;
		c->to += (size_t)got;
	}
	return true;
}

/* Of a server's frame, which is never masked. */
static bool
frame(Client *c, int *ret_kind, Str *ret)
{
	size_t head = 2, n;
	const unsigned char *p = (const unsigned char *)c->bytes;

	if (!more(c, head))
		return false;
	n = p[1];
	if (n == 126) {
		head = 4;
		if (!more(c, head))
			return false;
		n = (size_t)p[2] << 8 | p[3];
	}
	if (n == 127 || head + n > ROOM || !more(c, head + n))
		return false;
	*ret_kind = p[0] & 15;
	*ret = (Str){ c->bytes + head, n };
	c->from = head + n;
	return true;
}

static bool
shake_hands(Client *c)
{
	static const char hello[] = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
				    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
				    "\x81\xb4\0\0\0\0{\"type\":\"subscribe\",\"filter\":\"all\",\"id\":\"the first\"}";
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)c->w->port) };
	struct timeval limit = { .tv_sec = PATIENCE_S };
	size_t end;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->from = c->to = 0;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(c->fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    send(c->fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL) != sizeof(hello) - 1)
		return false;
	while (!str_find((Str){ c->bytes, c->to }, str_of("\r\n\r\n"), &end))
		if (!more(c, c->to + 1))
			return false;
	c->from = end + 4;
	return str_starts((Str){ c->bytes, c->to }, str_of("HTTP/1.1 101 "));
}

static bool
subscribed(Client *c)
{
	int kind;
	Str text;

	while (frame(c, &kind, &text))
		if (str_starts(text, str_of("{\"type\":\"subscribed\"")))
			return true;
	return false;
}

static void
hear(Client *c, Str text)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Err err = { 0 };
	Json m;

	if (!json_parse(a, text, NULL, &m, &err)) {
		c->wrong = true;
		return;
	}
	c->reloads += str_is(json_get_text(&m, "type"), "reload");
	if (!str_is(json_get_text(&m, "type"), "notification"))
		return;
	c->wrong |= json_as_int(json_get(&m, "sequence"), 0) <= c->last;
	c->last = json_as_int(json_get(&m, "sequence"), 0);
	c->seen++;
}

static void *
follower_main(void *self)
{
	Client *c = self;
	int kind;
	Str text;
	bool met = false;

	c->wrong = !shake_hands(c) || !subscribed(c);
	pthread_barrier_wait(&c->w->ready);
	while ((c->want == 0 || c->seen < c->want) && frame(c, &kind, &text)) {
		if (kind == 1)
			hear(c, text);
		if (c->want == 0 && c->seen >= ENOUGH && !met)
			met = pthread_barrier_wait(&c->w->ready) != EINVAL;
	}
	c->wrong |= c->want == 0 && !met;
	close(c->fd);
	return NULL;
}

/* Comes, and is gone without a word, now before and now after it has heard something. */
static void *
visitor_main(void *self)
{
	Client *c = self;

	for (int i = 0; !atomic_load(&c->stop); i++) {
		c->wrong |= !shake_hands(c) || (i % 2 == 0 && !subscribed(c));
		close(c->fd);
	}
	return NULL;
}

static void
clients_start(Watch *w, Client *c, size_t n, size_t want, void *(*run)(void *))
{
	for (size_t i = 0; i < n; i++) {
		c[i].w = w;
		c[i].want = want;
		CHECK_INT(pthread_create(&c[i].thread, NULL, run, &c[i]), 0);
	}
}

static void
clients_join(Client *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		atomic_store(&c[i].stop, true);
		CHECK_INT(pthread_join(c[i].thread, NULL), 0);
		CHECK(!c[i].wrong);
	}
}

TEST(each_client_hears_every_change_in_order_while_others_come_and_go_and_one_reads_nothing)
{
	enum { TURNS = 30 };
	static Client followers[FOLLOWERS], visitors[2], deaf;
	Publisher publishers[2] = { 0 };
	size_t all = countof(publishers) * TURNS * PUBLISHED;
	Watch w = { 0 };
	Json stats;

	watch_open(&w);
	clients_start(&w, followers, FOLLOWERS, all, follower_main);
	deaf.w = &w;
	CHECK(shake_hands(&deaf) && subscribed(&deaf));
	pthread_barrier_wait(&w.ready);
	clients_start(&w, visitors, countof(visitors), 0, visitor_main);
	for (size_t i = 0; i < countof(publishers); i++)
		publisher_start(&publishers[i], w.r, TURNS);
	stats = notifier_stats(w.n, w.r->w->a);
	CHECK(json_as_int(json_get(&stats, "connected_clients"), 0) >= 1);
	for (size_t i = 0; i < countof(publishers); i++)
		publisher_join(&publishers[i]);
	clients_join(followers, FOLLOWERS);
	clients_join(visitors, countof(visitors));
	for (size_t i = 0; i < FOLLOWERS; i++)
		CHECK(followers[i].seen == all && followers[i].reloads == 0);
	watch_done(&w);
	close(deaf.fd);
}

TEST(a_notifier_that_stops_under_load_ends_every_connection)
{
	static Client followers[FOLLOWERS];
	Publisher busy[2] = { 0 };
	Watch w = { 0 };

	watch_open(&w);
	clients_start(&w, followers, FOLLOWERS, 0, follower_main);
	pthread_barrier_wait(&w.ready);
	for (size_t i = 0; i < countof(busy); i++)
		publisher_start(&busy[i], w.r, 0);
	pthread_barrier_wait(&w.ready);
	notifier_stop(w.n);
	w.n = NULL;
	clients_join(followers, FOLLOWERS);
	for (size_t i = 0; i < countof(busy); i++) {
		atomic_store(&busy[i].stop, true);
		publisher_join(&busy[i]);
	}
	watch_done(&w);
}
