#include "api/pack_sources.h"

#include "api/work.h"
#include "base/log.h"
#include "engine/keys.h"
#include "http/fetch.h"
#include "os/fs.h"
#include "packs/registry.h"
#include "store/pack_index.h"

#include <pthread.h>
#include <stdlib.h>

enum { REDIRECTS = 5, KEPT = 16, HEADERS_MOST = 32, CONFIGURED_FIRST = 100 };

/* An index as it came, so that not each question asks everybody. */
typedef struct KeptIndex {
	char *url, *text;
	size_t n;
	TimeUs until;
} KeptIndex;

struct PackSources {
	const Config *config;
	pthread_mutex_t lock;
	KeptIndex kept[KEPT];
	size_t next;
};

PackSources *
pack_sources_open(const Config *config)
{
	PackSources *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->config = config;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

static void
forget(KeptIndex *k)
{
	free(k->url);
	free(k->text);
	*k = (KeptIndex){ 0 };
}

void
pack_sources_close(PackSources *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < KEPT; i++)
		forget(&s->kept[i]);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- what may be reached ---- */

/* "https://host:port/path" */
static bool
url_cut(Arena *a, Str url, Str *ret_scheme, Str *ret_host)
{
	Str rest = url, head;
	size_t at;

	if (!str_find(url, str_of("://"), &at))
		return false;
	*ret_scheme = str_lower(a, str_sub(url, 0, at));
	rest = str_sub(url, at + 3, url.n);
	for (at = 0; at < rest.n && strchr("/?#", rest.p[at]) == NULL; at++)
		;
	head = str_sub(rest, 0, at);
	if (head.n > 0 && head.p[0] == '[') { /* an IPv6 address */
		for (at = 0; at < head.n && head.p[at] != ']'; at++)
			;
		*ret_host = str_lower(a, str_sub(head, 1, at));
		return true;
	}
	for (at = 0; at < head.n && head.p[at] != ':'; at++)
		;
	*ret_host = str_lower(a, str_sub(head, 0, at));
	return true;
}

static bool
is_named(const Config *c, Str host)
{
	const Json *list = config_json(c, "pack_registry.allowed_source_hosts");

	for (size_t i = 0; json_is(list, JSON_ARRAY) && i < list->n; i++)
		if (str_eq_nocase(json_as_str(&list->items[i]), host))
			return true;
	return false;
}

bool
pack_url_check(const Config *c, Str url, bool files, Err *err)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	const Json *list = config_json(c, "pack_registry.allowed_source_hosts");
	Str scheme, host, before = url;
	size_t at;

	for (size_t i = 0; i < url.n; i++)
		if (url.p[i] <= ' ' || url.p[i] > '~' || url.p[i] == '\\')
			return err_set(err, ERR_INVALID, "'%.*s' holds what a URL must not: escape it", STR_ARG(url));
	if (!url_cut(a, url, &scheme, &host))
		return err_set(
		    err, ERR_INVALID, "'%.*s' is no URL like https://packs.example.org/index.json", STR_ARG(url));
	if (files && str_is(scheme, "file"))
		return true;
	if (!str_is(scheme, "https") && !(str_is(scheme, "http") && config_bool(c, "pack_registry.allow_http")))
		return err_set(err, ERR_INVALID,
		    "Packs are fetched over https only (pack_registry.allow_http: true allows http): not from '%.*s'",
		    STR_ARG(url));
	if (str_find(before, str_of("?"), &at) || str_find(before, str_of("#"), &at))
		before = str_sub(before, 0, at);
	if (str_find(str_sub(before, scheme.n + 3, before.n), str_of("@"), NULL))
		return err_set(err, ERR_INVALID, "A URL of a pack must hold no user and no password, and no '@'");
	if (host.n == 0)
		return err_set(err, ERR_INVALID, "The URL '%.*s' names no host", STR_ARG(url));
	return !json_is(list, JSON_ARRAY) || list->n == 0 || is_named(c, host) ||
	       err_set(err, ERR_FORBIDDEN,
		   "Packs are not fetched from '%.*s': pack_registry.allowed_source_hosts does not name it",
		   STR_ARG(host));
}

/* A host that is named may be private; then its addresses are not judged. */
static Reach
reach_of(const Config *c, Arena *a, Str url)
{
	Network *all = arena_array(a, Network, 2);
	Str scheme, host;

	if (!url_cut(a, url, &scheme, &host) || !is_named(c, host) || !network_parse(str_of("0.0.0.0/0"), &all[0]) ||
	    !network_parse(str_of("::/0"), &all[1]))
		return (Reach){ 0 };
	return (Reach){ .allowed = all, .n = 2 };
}

TimeUs
pack_fetch_limit(const Config *c)
{
	return config_time(c, "pack_registry.timeout");
}

/* ---- fetching ---- */

/* "https://host:port", in lower case; none: it is no URL. */
static Str
place_of(Arena *a, Str url)
{
	Str scheme, host;
	size_t at;

	if (!url_cut(a, url, &scheme, &host))
		return (Str){ 0 };
	for (at = scheme.n + 3; at < url.n && strchr("/?#", url.p[at]) == NULL; at++)
		;
	return str_lower(a, str_sub(url, 0, at));
}

bool
pack_url_same_place(Str one, Str other)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str place = place_of(a, one);

	return !str_none(place) && str_eq(place, place_of(a, other));
}

Str
pack_url_redirect(Arena *a, Str url, Str location)
{
	Str place = place_of(a, url);
	size_t at;

	if (location.n == 0 || str_none(place))
		return (Str){ 0 };
	if (location.p[0] != '/')
		return str_find(location, str_of("://"), NULL) ? location : (Str){ 0 };
	if (location.n > 1 && location.p[1] == '/' && str_find(place, str_of("//"), &at))
		return str_fmt(a, "%.*s%.*s", (int)at, place.p, STR_ARG(location));
	return str_fmt(a, "%.*s%.*s", STR_ARG(place), STR_ARG(location));
}

static bool
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static const char *const *
headers_of(Arena *a, const Json *headers)
{
	const char **list = arena_array(a, const char *, HEADERS_MOST + 1);

	for (size_t i = 0; json_is(headers, JSON_OBJECT) && i < headers->n && i < HEADERS_MOST; i++)
		list[i] = str_fmt(
		    a, "%.*s: %.*s", STR_ARG(headers->members[i].key), STR_ARG(json_as_str(&headers->members[i].value)))
			      .p;
	return list;
}

/* Each place on the way is judged like the first. What is sent along is for the first alone. */
static bool
get(PackSources *s, Arena *a, Str url, const Json *headers, size_t most, Str *ret, const atomic_bool *stopping,
    Err *err)
{
	TimeUs until = clock_mono(clock_real()) + pack_fetch_limit(s->config);
	Str at = url;
	Fetched got;

	for (int i = 0; i <= REDIRECTS; i++) {
		Reach reach = reach_of(s->config, a, at);
		TimeUs left = until - clock_mono(clock_real());
		Fetch f = { .url = str_cstr(a, at),
			.headers = headers_of(a, i == 0 ? headers : NULL),
			.timeout = left > US_PER_S ? left : US_PER_S,
			.most = most,
			.reach = &reach,
			.setting = "pack_registry.allowed_source_hosts",
			.stopping = stopping };

		if (!pack_url_check(s->config, at, false, err) || !http_fetch(a, &f, &got, err))
			return false;
		if (!is_redirect(got.status))
			break;
		at = pack_url_redirect(a, at, str_none(got.location) ? str_of("") : got.location);
		if (str_none(at))
			return err_set(err, ERR_AWAY, "'%.*s' redirects to nowhere", STR_ARG(url));
		if (i == REDIRECTS)
			return err_set(err, ERR_AWAY, "'%.*s' redirects more than %d times", STR_ARG(url), REDIRECTS);
	}
	*ret = got.bytes;
	return got.status == 200 || err_set(err, got.status == 404 ? ERR_NOT_FOUND : ERR_AWAY,
					"'%.*s' answers with status %d", STR_ARG(url), got.status);
}

bool
pack_archive_fetch(PackSources *s, Arena *a, Str url, Str *ret, const atomic_bool *stopping, Err *err)
{
	return get(s, a, url, NULL, (size_t)config_int(s->config, "pack_upload.max_size_bytes"), ret, stopping, err);
}

/* ---- registries ---- */

static void
configured(const Config *c, Registry *list, size_t *n)
{
	const Json *all = config_json(c, "pack_registry.indices");

	for (size_t i = 0; json_is(all, JSON_ARRAY) && i < all->n; i++) {
		const Json *one = &all->items[i], *headers = json_get(one, "headers");
		Registry r = { .url = json_get_text(one, "url"),
			.name = json_get_text(one, "name"),
			.position = json_as_int(json_get(one, "priority"), CONFIGURED_FIRST),
			.enabled = json_as_bool(json_get(one, "enabled"), true),
			.headers = json_is(headers, JSON_OBJECT) ? *headers : json_object() };

		if (str_none(r.url))
			r.url = json_as_str(one);
		if (!str_none(r.url))
			list[(*n)++] = r;
	}
}

static int
by_position(const void *x, const void *y)
{
	const Registry *one = x, *other = y;

	if (one->position != other->position)
		return one->position < other->position ? -1 : 1;
	return one->id < other->id ? -1 : one->id > other->id;
}

bool
registries_list(App *app, Arena *a, Registry **ret, size_t *ret_n, Err *err)
{
	const Json *all = config_json(app->config, "pack_registry.indices");
	PackIndexRow *rows;
	Registry *list;
	size_t n = 0, count;

	if (!config_bool(app->config, "pack_registry.enabled"))
		return err_set(err, ERR_UNSUPPORTED, "Registries of packs are switched off (pack_registry.enabled)");
	if (!pack_index_list(app_db(app), a, &rows, &count, err))
		return false;
	list = arena_array(a, Registry, count + (json_is(all, JSON_ARRAY) ? all->n : 0) + 1);
	configured(app->config, list, &n);
	for (size_t i = 0; i < count; i++) {
		Registry r = { .id = rows[i].id,
			.name = rows[i].name,
			.url = rows[i].url,
			.position = rows[i].position,
			.enabled = rows[i].enabled,
			.created = rows[i].created,
			.updated = rows[i].updated };
		Err why = { 0 };

		r.locked = !index_headers_plain(app->engine->vault, a, &rows[i], &r.headers, &why);
		if (r.locked)
			r.headers = json_object();
		list[n++] = r;
	}
	qsort(list, n, sizeof(*list), by_position);
	*ret = list;
	*ret_n = n;
	return true;
}

static bool
remembered(PackSources *s, Arena *a, Str url, Str *ret)
{
	TimeUs now = clock_mono(clock_real());
	bool found = false;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < KEPT && !found; i++) {
		KeptIndex *k = &s->kept[i];

		if (k->url == NULL || !str_is(url, k->url))
			continue;
		found = k->until > now;
		if (found)
			*ret = str_copy(a, (Str){ k->text, k->n });
		break;
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}

static void
remember(PackSources *s, Str url, Str text)
{
	TimeUs ttl = config_time(s->config, "pack_registry.cache_ttl");
	KeptIndex k = { .n = text.n, .until = clock_mono(clock_real()) + ttl };
	size_t at;

	if (!config_bool(s->config, "pack_registry.cache_enabled") || ttl == 0)
		return;
	k.url = strndup(url.p, url.n);
	k.text = malloc(text.n + 1);
	if (k.url == NULL || k.text == NULL)
		abort();
	memcpy(k.text, text.p, text.n);
	pthread_mutex_lock(&s->lock);
	for (at = 0; at < KEPT && (s->kept[at].url == NULL || !str_is(url, s->kept[at].url)); at++)
		;
	if (at == KEPT)
		at = s->next++ % KEPT;
	forget(&s->kept[at]);
	s->kept[at] = k;
	pthread_mutex_unlock(&s->lock);
}

static bool
index_text(PackSources *s, Arena *a, const Registry *r, Str *ret, const atomic_bool *stopping, Err *err)
{
	Str file = str_of("file://");

	if (str_starts(r->url, file))
		return file_read_regular(a, str_cstr(a, str_sub(r->url, file.n, r->url.n)), REGISTRY_BYTES, ret, err);
	if (remembered(s, a, r->url, ret))
		return true;
	if (!get(s, a, r->url, &r->headers, REGISTRY_BYTES, ret, stopping, err))
		return false;
	remember(s, r->url, *ret);
	return true;
}

static Json
registry_in_short(Arena *a, const Registry *r)
{
	Json o = json_object();

	json_add(a, &o, "id", r->id == 0 ? json_null() : json_int(r->id));
	json_add(a, &o, "name", json_str(r->name));
	json_add(a, &o, "position", json_int(r->position));
	json_add(a, &o, "url", json_str(r->url));
	return o;
}

static bool
read_one(PackSources *s, Arena *a, const Registry *r, Json *ret, const atomic_bool *stopping, Err *err)
{
	Json entries, of = registry_in_short(a, r);
	size_t bad;
	Str text;

	if (r->locked)
		return err_set(err, ERR_AWAY,
		    "The headers of the registry of packs '%.*s' cannot be opened: give them anew, for registry %lld",
		    STR_ARG(r->url), (long long)r->id);
	if (!index_text(s, a, r, &text, stopping, err) || !registry_read(a, text, &entries, &bad, err))
		return err_wrap(err, "the registry of packs '%.*s'", STR_ARG(r->url));
	if (bad > 0)
		log_warn("the registry of packs '%.*s' has %zu entries that are none", STR_ARG(r->url), bad);
	for (size_t i = 0; i < entries.n; i++) {
		Json o = json_object();

		json_add(a, &o, "pack", entries.items[i]);
		json_add(a, &o, "registry", of);
		json_push(a, ret, o);
	}
	return true;
}

bool
registries_read(PackSources *s, Arena *a, const Registry *list, size_t n, bool all, Json *ret,
    const atomic_bool *stopping, Err *err)
{
	size_t asked = 0, failed = 0;
	Err first = { 0 };

	*ret = json_array();
	for (size_t i = 0; i < n; i++) {
		Err why = { 0 };

		if (!list[i].enabled && !all)
			continue;
		asked++;
		if (read_one(s, a, &list[i], ret, stopping, &why))
			continue;
		log_warn("%s", why.text);
		if (failed++ == 0)
			first = why;
	}
	if (asked == 0 || failed < asked)
		return true;
	return err_set(err, ERR_AWAY, "No registry of packs can be read; %s", first.text);
}
