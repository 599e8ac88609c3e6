/*
 * core.poll_http: asks an address again and again, and reports when the answer has changed: its status, its ETag, its text, or one value
 * in it. The addresses that may be reached are those of core.http_request.
 */
#include "sensor/builtin.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/crypto.h"
#include "base/map.h"
#include "base/names.h"
#include "http/outward.h"
#include "os/poll.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	ANSWER_MOST = 1 << 20,
	BODY_MOST = 256 * 1024, /* of it in an event */
	PAUSE_MOST = 3600,
	TIMEOUT_DEFAULT = 30,
	HEADERS_MOST = 32,
};
static const TimeUs interval_default = 60LL * US_PER_S;

typedef enum Change { CHANGE_HASH, CHANGE_STATUS, CHANGE_ETAG, CHANGE_JSON, CHANGE_ANY } Change;

static const char *const change_names[] = { "hash", "status", "etag", "json", "any" };

/* What one rule wants to be asked. */
typedef struct Asked {
	Arena *a; /* of the rule */
	Json rule;
	Str trigger_ref, path;
	Change change;
	TimeUs interval, due; /* monotonic */
	int64_t failures, timeout_s;
	Call *call; /* under way; NULL: none is */
	bool known, first, gone;
	char print[80]; /* of the last answer */
	char etag[256];
	int status;
} Asked;

typedef struct Poller {
	Arena *a;
	Map asked; /* rule id → Asked */
	Outward *out;
	Poll poll;
	News news;
	bool broken;
} Poller;

static TimeUs
mono(void)
{
	return clock_mono(clock_real());
}

static const Json *
config_of(const Asked *x)
{
	return json_get(&x->rule, "config");
}

/* ---- rules ---- */

static TimeUs
time_of(const Json *v, TimeUs fallback)
{
	TimeUs t = fallback;

	if (json_is_number(v))
		t = (TimeUs)(json_as_real(v, 0) * US_PER_S);
	else if (json_is(v, JSON_STRING) && !duration_parse(json_as_str(v), &t))
		t = fallback;
	return t < US_PER_S ? US_PER_S : t;
}

static Asked *
asked_make(const Json *rule)
{
	Arena *a = arena_open();
	Asked *x = arena_new(a, Asked);
	const Json *c;
	int change;

	x->a = a;
	x->rule = json_clone(a, rule);
	c = config_of(x);
	x->trigger_ref = json_get_text(&x->rule, "trigger_ref");
	x->path = json_get_text(c, "json_path");
	change = name_index(change_names, countof(change_names), json_get_text(c, "change"));
	x->change = change >= 0 ? (Change)change : str_none(x->path) ? CHANGE_HASH : CHANGE_JSON;
	x->interval = time_of(json_get(c, "interval"), interval_default);
	x->timeout_s = time_of(json_get(c, "timeout"), TIMEOUT_DEFAULT * (TimeUs)US_PER_S) / US_PER_S;
	x->first = json_as_bool(json_get(c, "report_first"), false);
	x->due = mono();
	return x;
}

static void
asked_drop(Poller *p, Asked *x)
{
	if (x == NULL)
		return;
	map_put(&p->asked, json_as_int(json_get(&x->rule, "id"), 0), NULL);
	if (x->call != NULL)
		outward_drop(p->out, x->call);
	arena_close(x->a);
}

static void
rule_put(Poller *p, const Json *rule, bool there)
{
	int64_t id = json_as_int(json_get(rule, "id"), 0);
	Asked *x = map_get(&p->asked, id);

	if (id <= 0 || (x != NULL && there && json_eq(&x->rule, rule)))
		return;
	asked_drop(p, x);
	if (there)
		map_put(&p->asked, id, asked_make(rule));
}

/* False when it is to end. */
static bool
listen_rules(Poller *p)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json line;

	while (news_next(&p->news, a, &line)) {
		Str type = json_get_text(&line, "type");
		const Json *rules = json_get(&line, "rules");

		if (str_is(type, "stop"))
			return false;
		for (uint32_t i = 0; json_is(rules, JSON_ARRAY) && i < rules->n; i++)
			rule_put(p, &rules->items[i], true);
		if (str_starts(type, str_of("rule.")))
			rule_put(p, json_get(&line, "rule"), !str_is(type, "rule.deleted"));
		if (str_is(type, "start")) {
			printf("{\"type\":\"ready\"}\n");
			fflush(stdout);
		}
	}
	return !p->news.ended;
}

/* ---- asking ---- */

static bool
plain(Str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

static const char *const *
headers_of(Call *c, const Asked *x)
{
	const Json *given = json_get(config_of(x), "headers");
	const char **list = arena_array(c->a, const char *, HEADERS_MOST + 2);
	size_t n = 0;

	for (uint32_t i = 0; json_is(given, JSON_OBJECT) && i < given->n && n < HEADERS_MOST; i++) {
		Str name = given->members[i].key, value = json_as_str(&given->members[i].value);

		if (name.n > 0 && plain(name) && plain(value) && memchr(name.p, ':', name.n) == NULL)
			list[n++] = str_fmt(c->a, "%.*s: %.*s", STR_ARG(name), STR_ARG(value)).p;
	}
	if (x->change == CHANGE_ETAG && x->etag[0] != '\0')
		list[n++] = str_fmt(c->a, "If-None-Match: %s", x->etag).p;
	return list;
}

static void
failed(Asked *x, Str why)
{
	TimeUs pause = x->interval;

	for (int64_t i = 0; i < x->failures && pause < PAUSE_MOST * (TimeUs)US_PER_S; i++)
		pause *= 2;
	if (pause > PAUSE_MOST * (TimeUs)US_PER_S && pause > x->interval)
		pause = x->interval > PAUSE_MOST * (TimeUs)US_PER_S ? x->interval : PAUSE_MOST * (TimeUs)US_PER_S;
	if (x->failures++ == 0)
		fprintf(stderr, "rule %.*s: %.*s\n", STR_ARG(json_get_text(&x->rule, "ref")), STR_ARG(why));
	x->due = mono() + pause;
}

static void
ask(Poller *p, Asked *x)
{
	Str url = json_get_text(config_of(x), "url"), method = json_get_text(config_of(x), "method");
	Call *c;

	if (url.n == 0 || !plain(url) ||
	    (!str_starts(url, str_of("http://")) && !str_starts(url, str_of("https://")))) {
		failed(x, str_of("url must begin with http:// or https://"));
		return;
	}
	c = call_open();
	c->owner = x;
	c->url = str_cstr(c->a, url);
	c->method = str_is(method, "HEAD") ? "HEAD" : "GET";
	c->headers = headers_of(c, x);
	c->timeout_ms = x->timeout_s * 1000;
	c->redirects = 10;
	c->answer_max = ANSWER_MOST;
	x->call = c;
	outward_send(p->out, c);
}

/* ---- the answer ---- */

static Str
body_of(const Call *c)
{
	return (Str){ c->text.n == 0 ? "" : c->text.p, c->text.n };
}

static const Json *
value_of(const Call *c, const Asked *x, Json *whole)
{
	if (!json_parse(c->a, body_of(c), NULL, whole, NULL))
		return NULL;
	return str_none(x->path) ? whole : json_path(whole, x->path);
}

/* What of the answer counts, in short. */
static void
print_make(const Call *c, const Asked *x, char ret[80])
{
	Str what = body_of(c), etag = json_get_text(&c->received, "etag");
	Json whole;

	if (x->change == CHANGE_STATUS)
		what = str_of("");
	else if (x->change == CHANGE_ETAG && etag.n > 0)
		what = etag;
	else if (x->change == CHANGE_JSON) {
		const Json *v = value_of(c, x, &whole);

		what = v == NULL ? str_of("") : json_text(c->a, v);
	}
	what = sha256_hex(c->a, what);
	snprintf(
	    ret, 80, "%d:%.*s", x->change == CHANGE_STATUS || x->change == CHANGE_ANY ? c->status : 0, STR_ARG(what));
}

static void
report(Poller *p, const Asked *x, const Call *c)
{
	Arena *a = c->a;
	Json o = json_object(), whole;
	const Json *value = value_of(c, x, &whole);

	json_add(a, &o, "url", json_str(utf8_clean(a, c->at)));
	json_add(a, &o, "status_code", json_int(c->status));
	json_add(a, &o, "previous_status_code", x->known ? json_int(x->status) : json_null());
	json_add(a, &o, "change", json_cstr(change_names[x->change]));
	json_add(a, &o, "value", x->change == CHANGE_JSON && value != NULL ? *value : json_null());
	json_add(a, &o, "headers", c->received);
	json_add(a, &o, "body", c->text.n <= BODY_MOST ? json_str(utf8_clean(a, body_of(c))) : json_null());
	json_add(a, &o, "json", value != NULL && c->text.n <= BODY_MOST ? whole : json_null());
	json_add(a, &o, "observed_at", json_str(time_text(a, clock_wall(clock_real()))));
	o = json_storable(a, &o);
	p->broken = p->broken || !builtin_emit(json_get(&x->rule, "id"), x->trigger_ref, (Str){ 0 }, o);
}

static void
answered(Poller *p, Asked *x, const Call *c)
{
	Str etag = json_get_text(&c->received, "etag");
	char print[80];

	if (!str_none(c->error) || c->status >= 500 || c->status == 429) {
		if (x->change != CHANGE_STATUS || !str_none(c->error)) {
			failed(x, str_none(c->error) ? str_fmt(c->a, "it answers %d", c->status) : c->error);
			return;
		}
	}
	x->failures = 0;
	x->due = mono() + x->interval;
	if (c->status == 304)
		return;
	print_make(c, x, print);
	if (etag.n < sizeof(x->etag) && plain(etag))
		snprintf(x->etag, sizeof(x->etag), "%.*s", STR_ARG(etag));
	if (x->known ? strcmp(print, x->print) != 0 : x->first)
		report(p, x, c);
	memcpy(x->print, print, sizeof(print));
	x->status = c->status;
	x->known = true;
}

/* ---- the loop ---- */

static TimeUs
fire(Poller *p)
{
	TimeUs now = mono(), next = -1;
	size_t at = 0;
	void *one;
	Call *c;

	while ((c = outward_take(p->out)) != NULL) {
		Asked *x = c->owner;

		x->call = NULL;
		answered(p, x, c);
		call_close(c);
	}
	while (map_next(&p->asked, &at, NULL, NULL, &one)) {
		Asked *x = one;

		if (x->call == NULL && x->due <= now)
			ask(p, x);
		if (x->call == NULL && (next < 0 || x->due - now < next))
			next = x->due > now ? x->due - now : 0;
	}
	return next;
}

/* As configured for core.http_request; told by the sensor role. */
static size_t
allowed_read(Arena *a, Network **ret)
{
	const char *text = getenv("ATTUNE_HTTP_ALLOW");
	size_t n = 0;
	Json list;

	*ret = NULL;
	if (text == NULL || !json_parse(a, str_of(text), NULL, &list, NULL) || list.kind != JSON_ARRAY)
		return 0;
	*ret = arena_array(a, Network, list.n + 1);
	for (uint32_t i = 0; i < list.n; i++)
		n += network_parse(json_as_str(&list.items[i]), &(*ret)[n]);
	return n;
}

static void
on_ended(void *self)
{
	poll_wake(&((Poller *)self)->poll);
}

int
poll_http_main(void)
{
	Poller p = { .a = arena_open() };
	OutwardConfig config = { .ended = on_ended, .self = &p };
	Network *allowed;
	Err err = { 0 };
	void *owners[2];
	bool woken;

	config.reach.n = allowed_read(p.a, &allowed);
	config.reach.allowed = allowed;
	p.asked = map_open(p.a);
	if (!poll_open(&p.poll, &err) || !poll_add(&p.poll, STDIN_FILENO, &p.news, &err) ||
	    !outward_open(&config, &p.out, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	while (!p.broken && listen_rules(&p)) {
		TimeUs wait = fire(&p);

		(void)poll_wait(&p.poll, wait, owners, countof(owners), &woken);
	}
	outward_close(p.out);
	return 0;
}
