#include "base/config.h"

#include "base/codec.h"
#include "base/config_inner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int
config_find(const char *key)
{
	int at = setting_find(str_of(key));

	if (at < 0) {
		fprintf(stderr, "defect: configuration key '%s' is not in the table\n", key);
		abort();
	}
	return at;
}

const char *
config_place(const char *origin)
{
	static const char file[] = "file ";

	return strncmp(origin, file, strlen(file)) == 0 ? origin + strlen(file) : origin;
}

static void
warn(Config *c, Str text)
{
	size_t old = c->warning_count * sizeof(*c->warnings);

	c->warnings = arena_grow(c->a, c->warnings, old, old + sizeof(*c->warnings));
	c->warnings[c->warning_count++] = text.p;
}

static void
note_ignored(Config *c, const Setting *s, Str key, const char *origin)
{
	if (s->flags & SETTING_IGNORED)
		warn(c, str_fmt(c->a, "%s: '%.*s' is accepted but has no effect: %s", config_place(origin),
			    STR_ARG(key), s->help));
}

bool
config_lay(Config *c, int at, const Json *given, const char *origin, Err *err)
{
	const Setting *s = &settings[at];
	Json value;

	if (!setting_value(c->a, s, given, &value, err))
		return err_wrap(err, "%s", config_place(origin));
	c->values[at] = (Value){ .value = value, .origin = origin, .given = true };
	note_ignored(c, s, str_of(s->key), origin);
	return true;
}

bool
config_lay_text(Config *c, int at, Str text, const char *origin, Err *err)
{
	Json given = json_str(str_copy(c->a, text));

	if (!utf8_valid(text))
		return err_set(err, ERR_INVALID, "%s: the value is not valid UTF-8", config_place(origin));
	return config_lay(c, at, &given, origin, err);
}

int
config_rest_row(Str key)
{
	for (size_t i = 0; i < setting_count; i++) {
		Str known = str_of(settings[i].key);

		if (settings[i].flags & SETTING_REST && str_starts(key, str_sub(known, 0, known.n - 1)))
			return (int)i;
	}
	return -1;
}

void
config_lay_rest(Config *c, int at, Str key, const Json *given, const char *origin)
{
	Str inner = str_sub(key, strlen(settings[at].key) - 1, key.n);

	json_set_str(c->a, &c->values[at].value, str_copy(c->a, inner), *given);
	c->values[at].origin = origin;
	c->values[at].given = true;
	note_ignored(c, &settings[at], key, origin);
}

static bool
lay_options(Config *c, const ConfigSource *src, Err *err)
{
	for (size_t i = 0; i < src->option_count; i++) {
		const ConfigOption *o = &src->options[i];

		if (!config_lay_text(c, config_find(o->key), str_of(o->value), o->origin, err))
			return false;
	}
	return true;
}

/* "{data}/packs" with the data directory in its place. */
static Str
default_text(Arena *a, const Setting *s, const char *data_dir)
{
	const char *def = data_dir != NULL && s->def_up != NULL ? s->def_up : s->def;
	Str text = str_of(def);
	size_t at;

	if (str_none(text) || data_dir == NULL || !str_find(text, str_of("{data}"), &at))
		return text;
	return str_fmt(a, "%.*s%s%.*s", STR_ARG(str_sub(text, 0, at)), data_dir,
	    STR_ARG(str_sub(text, at + strlen("{data}"), text.n)));
}

static bool
lay_defaults(Config *c, const ConfigSource *src, Err *err)
{
	for (size_t i = 0; i < setting_count; i++) {
		Json given = json_str(default_text(c->a, &settings[i], src->data_dir));

		c->values[i].origin = "default";
		if (!json_is_null(&given) && !setting_value(c->a, &settings[i], &given, &c->values[i].value, err))
			return err_wrap(err, "default");
	}
	return true;
}

/* The older place of the list; who asks for worker.runtimes need not know it. */
static bool
take_runtimes(Config *c, Err *err)
{
	int from = config_find("worker.capabilities"), to = config_find("worker.runtimes");
	const Json *list = json_get(&c->values[from].value, "runtimes");

	if (list == NULL || c->values[to].given)
		return true;
	return config_lay(c, to, list, c->values[from].origin, err);
}

static bool
check_pair(const Config *c, const char *one, const char *other, Err *err)
{
	if (config_has(c, one) == config_has(c, other))
		return true;
	if (!config_has(c, one)) {
		const char *swap = one;

		one = other;
		other = swap;
	}
	return err_set(err, ERR_INVALID, "%s: '%s' is set but '%s' is not: give both or neither",
	    config_place(config_origin(c, one)), one, other);
}

/* A role alone has no default server and cannot share what lives inside one process. */
static bool
check_server(
    const Config *c, const ConfigSource *src, const char *key, const char *local, const char *example, Err *err)
{
	Str url = config_str(c, key);
	Str variable = config_variable(c->a, str_of(key));

	if (url.n == 0)
		return err_set(err, ERR_INVALID,
		    "'%s' is not set: give it in the configuration file (-c FILE) or as %.*s=%s; `attune up` "
		    "needs none",
		    key, STR_ARG(variable), example);
	if (src->data_dir == NULL && str_starts(url, str_of(local)))
		return err_set(err, ERR_INVALID,
		    "%s: '%s' is '%.*s', which only `attune up` can use: run `attune up`, or give a server "
		    "like %s",
		    config_place(config_origin(c, key)), key, STR_ARG(utf8_clip(url, 120)), example);
	return true;
}

static bool
check_whole(const Config *c, const ConfigSource *src, Err *err)
{
	static const char pg[] = "postgresql://USER:PASSWORD@HOST:5432/attune";
	static const char amqp[] = "amqp://USER:PASSWORD@HOST:5672";

	if (!check_pair(c, "server.tls_cert", "server.tls_key", err))
		return false;
	if (!check_pair(c, "agent.binary_dir", "agent.bootstrap_token", err))
		return false;
	if (src->needs_store && !check_server(c, src, "database.url", "sqlite:", pg, err))
		return false;
	return !src->needs_bus || check_server(c, src, "message_queue.url", "local:", amqp, err);
}

bool
config_load(Arena *a, const ConfigSource *src, Config **ret, Err *err)
{
	Config *c = arena_new(a, Config);

	c->a = a;
	c->values = arena_array(a, Value, setting_count);
	if (!lay_defaults(c, src, err) || !config_lay_files(c, src, err) || !config_lay_plain_names(c, src, true, err))
		return false;
	if (!config_lay_environment(c, src, err) || !lay_options(c, src, err) ||
	    !config_lay_plain_names(c, src, false, err))
		return false;
	if (!take_runtimes(c, err) || !check_whole(c, src, err))
		return false;
	*ret = c;
	return true;
}

bool
config_set(Config *c, const char *key, Str text, const char *origin, Err *err)
{
	return config_lay_text(c, config_find(key), text, origin, err);
}

static const Json *
value_of_kind(const Config *c, const char *key, unsigned kinds)
{
	int at = config_find(key);

	if (!(kinds & 1U << settings[at].kind)) {
		fprintf(stderr, "defect: configuration key '%s' is of kind %s\n", key,
		    setting_kind_names[settings[at].kind]);
		abort();
	}
	return &c->values[at].value;
}

Str
config_str(const Config *c, const char *key)
{
	return json_as_str(value_of_kind(c, key, 1U << SETTING_STRING | 1U << SETTING_ENUM));
}

const char *
config_cstr(const Config *c, const char *key)
{
	return config_str(c, key).p;
}

int64_t
config_int(const Config *c, const char *key)
{
	return json_as_int(value_of_kind(c, key, 1U << SETTING_INT), 0);
}

bool
config_bool(const Config *c, const char *key)
{
	return json_as_bool(value_of_kind(c, key, 1U << SETTING_BOOL), false);
}

TimeUs
config_time(const Config *c, const char *key)
{
	return llround(json_as_real(value_of_kind(c, key, 1U << SETTING_SECONDS), 0) * US_PER_S);
}

const Json *
config_json(const Config *c, const char *key)
{
	return &c->values[config_find(key)].value;
}

bool
config_has(const Config *c, const char *key)
{
	return !json_is_null(config_json(c, key));
}

const char *
config_origin(const Config *c, const char *key)
{
	return c->values[config_find(key)].origin;
}

size_t
config_warnings(const Config *c, const char *const **ret)
{
	*ret = c->warnings;
	return c->warning_count;
}
