#include "notifier/speech.h"

#include <stdlib.h>

static void
say(Listener *c, Arena *a, Json message)
{
	ws_text(c->ws, json_text(a, &message));
}

static Json
message_of(Arena *a, const char *type)
{
	Json m = json_object();

	json_add(a, &m, "type", json_cstr(type));
	return m;
}

static void
add_sequence(Arena *a, Json *m, uint64_t sequence)
{
	json_add(a, m, "sequence", json_int((int64_t)sequence));
}

void
speech_welcome(Listener *c)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json m = message_of(a, "welcome");

	json_add(a, &m, "client_id", json_cstr(c->id));
	json_add(a, &m, "message", json_cstr("Connected to the Attune notifier"));
	json_add(a, &m, "series", json_str(hub_series(c->hub)));
	add_sequence(a, &m, c->at);
	say(c, a, m);
}

void
speech_reload(Listener *c)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json m = message_of(a, "reload");

	json_add(a, &m, "message", json_cstr("Some changes are not kept any more: load again what is shown"));
	json_add(a, &m, "series", json_str(hub_series(c->hub)));
	add_sequence(a, &m, hub_head(c->hub));
	say(c, a, m);
}

/* ---- what a client says ---- */

typedef struct Heard {
	Listener *c;
	Arena *a;
	const Json *message;
	const Json *id; /* given: it wants an answer */
} Heard;

/* Only to those who asked for it by an id of their own. */
static void
confirm(const Heard *h, const char *type, Str filter)
{
	Json m = message_of(h->a, type);

	if (h->id == NULL)
		return;
	json_add(h->a, &m, "id", *h->id);
	if (!str_none(filter))
		json_add(h->a, &m, "filter", json_str(filter));
	add_sequence(h->a, &m, h->c->at);
	say(h->c, h->a, m);
}

static size_t
filter_find(const Listener *c, const Filter *f)
{
	size_t i = 0;

	while (i < c->filters_n && !filter_same(&c->filters[i], f))
		i++;
	return i;
}

static bool
filter_given(const Heard *h, Filter *ret, Str *ret_text, Err *err)
{
	*ret_text = json_get_text(h->message, "filter");
	if (str_none(*ret_text))
		return err_set(err, ERR_INVALID, "the message needs a 'filter'");
	return filter_parse(*ret_text, ret, err);
}

/* What others are told of is for whoever may manage everybody. */
static bool
may_hear(const Listener *c, const Filter *f, Err *err)
{
	if (f->kind != FILTER_USER || f->id == c->pass->caller.identity ||
	    grants_allow(&c->pass->caller, "permissions:manage", NULL))
		return true;
	return err_set(err, ERR_FORBIDDEN, "user:%lld is somebody else", (long long)f->id);
}

static bool
hear_subscribe(const Heard *h, Err *err)
{
	Listener *c = h->c;
	Filter f;
	Str text;

	if (!filter_given(h, &f, &text, err) || !may_hear(c, &f, err))
		return false;
	if (filter_find(c, &f) == c->filters_n) {
		Filter *more =
		    c->filters_n == LISTENER_FILTERS ? NULL : realloc(c->filters, (c->filters_n + 1) * sizeof(Filter));

		if (more == NULL)
			return err_set(err, ERR_INVALID, "a connection has at most %d subscriptions", LISTENER_FILTERS);
		c->filters = more;
		c->filters[c->filters_n++] = f;
		hub_want(c->hub, filter_subjects(&f));
	}
	confirm(h, "subscribed", text);
	return true;
}

static bool
hear_unsubscribe(const Heard *h, Err *err)
{
	Listener *c = h->c;
	Filter f;
	Str text;
	size_t at;

	if (!filter_given(h, &f, &text, err))
		return false;
	at = filter_find(c, &f);
	if (at < c->filters_n)
		c->filters[at] = c->filters[--c->filters_n];
	confirm(h, "unsubscribed", text);
	return true;
}

static bool
hear_ping(const Heard *h, Err *err)
{
	(void)err;
	confirm(h, "pong", (Str){ 0 });
	return true;
}

static bool
nothing(void *self, const Notice *n)
{
	(void)self;
	(void)n;
	return false;
}

/* Goes on behind the last notice that an earlier connection was sent. */
static bool
hear_resume(const Heard *h, Err *err)
{
	Listener *c = h->c;
	int64_t sequence = json_as_int(json_get(h->message, "sequence"), -1);
	uint64_t at = (uint64_t)sequence;
	Json m = message_of(h->a, "resumed");

	if (sequence < 0 || str_none(json_get_text(h->message, "series")))
		return err_set(err, ERR_INVALID, "resume needs the 'series' and the last 'sequence' that were seen");
	if (!str_eq(json_get_text(h->message, "series"), hub_series(c->hub)) ||
	    !hub_read(c->hub, &at, UINT64_MAX, nothing, NULL)) {
		speech_reload(c);
		return true;
	}
	if (h->id != NULL)
		json_add(h->a, &m, "id", *h->id);
	json_add(h->a, &m, "after", json_int(sequence));
	add_sequence(h->a, &m, hub_head(c->hub));
	say(c, h->a, m);
	c->at = at;
	return true;
}

static const struct {
	const char *type;
	bool (*hear)(const Heard *h, Err *err);
} words[] = {
	{ "subscribe", hear_subscribe },
	{ "unsubscribe", hear_unsubscribe },
	{ "ping", hear_ping },
	{ "resume", hear_resume },
};

static bool
understand(Heard *h, Str text, Err *err)
{
	static const JsonLimits limits = { .size = LISTENER_MESSAGE, .depth = 8 };
	Json *message = arena_new(h->a, Json);
	Str type;

	if (!json_parse(h->a, text, &limits, message, err))
		return err_wrap(err, "the message is not JSON");
	if (message->kind != JSON_OBJECT)
		return err_set(err, ERR_INVALID, "a message is a JSON object");
	h->message = message;
	h->id = json_get(message, "id");
	type = json_get_text(message, "type");
	for (size_t i = 0; i < countof(words); i++)
		if (str_is(type, words[i].type))
			return words[i].hear(h, err);
	return err_set(err, ERR_INVALID, "'type' must be subscribe, unsubscribe, resume or ping");
}

void
speech_hear(Listener *c, Str text)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Heard h = { .c = c, .a = a };
	Err err = { 0 };
	Json m;

	if (understand(&h, text, &err))
		return;
	m = message_of(a, "error");
	json_add(a, &m, "message", json_str(str_of(err.text)));
	if (h.id != NULL)
		json_add(a, &m, "id", *h.id);
	say(c, a, m);
}
