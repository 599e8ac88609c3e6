/* What the builders of environments are told by the configuration. */
#include "host/inner.h"

#include "os/guardian.h"

#include <unistd.h>

static void
set_text(Arena *a, Json *o, const char *name, Str value)
{
	if (value.n > 0)
		json_set(a, o, name, json_str(value));
}

static Str
joined(Arena *a, const Json *list)
{
	Buf b = buf_open(a);

	for (uint32_t i = 0; json_is(list, JSON_ARRAY) && i < list->n; i++) {
		if (i > 0)
			buf_char(&b, ' ');
		buf_add(&b, json_as_str(json_at(list, i)));
	}
	return buf_str(&b);
}

/* The cache lies beside the environments: a second build of the same asks nobody. */
static Json
variables(const Host *h, Str envs_dir)
{
	const Config *c = h->config;
	const Json *more = config_json(c, "environments.variables");
	Arena *a = h->arena;
	Json o = json_object();

	set_text(a, &o, "PIP_CACHE_DIR", str_fmt(a, "%.*s/.cache/pip", STR_ARG(envs_dir)));
	set_text(a, &o, "PIP_DISABLE_PIP_VERSION_CHECK", str_of("1"));
	set_text(a, &o, "PIP_NO_INPUT", str_of("1"));
	set_text(a, &o, "PIP_INDEX_URL", config_str(c, "environments.pip.index_url"));
	set_text(a, &o, "PIP_FIND_LINKS", joined(a, config_json(c, "environments.pip.find_links")));
	if (config_bool(c, "environments.pip.offline"))
		set_text(a, &o, "PIP_NO_INDEX", str_of("1"));
	set_text(a, &o, "npm_config_cache", str_fmt(a, "%.*s/.cache/npm", STR_ARG(envs_dir)));
	set_text(a, &o, "npm_config_update_notifier", str_of("false"));
	set_text(a, &o, "npm_config_registry", config_str(c, "environments.npm.registry"));
	if (config_bool(c, "environments.npm.offline"))
		set_text(a, &o, "npm_config_offline", str_of("true"));
	for (uint32_t i = 0; json_is(more, JSON_OBJECT) && i < more->n; i++)
		json_set_str(a, &o, more->members[i].key, more->members[i].value);
	return o;
}

EnvsConfig
host_envs_config(Host *h)
{
	Str dir = host_absolute(h->arena, config_str(h->config, "runtime_envs_dir"));
	Json *given = arena_new(h->arena, Json);

	*given = variables(h, dir);
	return (EnvsConfig){
		.clock = clock_real(),
		.packs_base_dir = host_absolute(h->arena, config_str(h->config, "packs_base_dir")),
		.runtime_envs_dir = dir,
		.interpreters = { .path = config_str(h->config, "worker.path"),
		    .named = config_json(h->config, "worker.interpreters") },
		.build_timeout = config_time(h->config, "environments.build_timeout"),
		.variables = given,
		.marker = h->guardian == NULL ? str_of("") : str_of(guardian_marker(h->guardian)),
	};
}

Envs *
host_envs(Host *h)
{
	EnvsConfig c = host_envs_config(h);

	return envs_open(&c);
}

/* A virtual environment knows where it lies, so a path from the working directory would not do. */
Str
host_absolute(Arena *a, Str path)
{
	char room[4096];

	if (path.n == 0 || path.p[0] == '/' || getcwd(room, sizeof(room)) == NULL)
		return path;
	return str_fmt(a, "%s/%.*s", room, STR_ARG(path));
}
