#include "base/config_inner.h"

#include "base/codec.h"
#include "base/yaml.h"

/* Variables that have a plain name as well. */
static const struct {
	const char *name;
	const char *key;
	bool over_files; /* wins over a file, else only fills a gap */
	bool up;         /* read by `attune up` too */
} plain_names[] = {
	{ "ATTUNE_WORKER_RUNTIMES", "worker.runtimes", true, true },
	{ "ATTUNE_SENSOR_RUNTIMES", "sensor.runtimes", true, true },
	/* not by `attune up`: it tells the commands of a terminal which server they mean, and `up` is another one */
	{ "ATTUNE_API_URL", "server.public_url", true, false },
	{ "ATTUNE_WORKER_NAME", "worker.name", false, true },
	{ "ATTUNE_WORKER_TYPE", "worker.worker_type", false, true },
};

static const char prefix[] = "ATTUNE__";

const char *
config_env(const ConfigSource *src, const char *name)
{
	size_t n = strlen(name);

	for (char *const *e = src->env; e != NULL && *e != NULL; e++)
		if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
			return *e + n + 1;
	return NULL;
}

/* "WORKER__MAX_CONCURRENT_TASKS" to "worker.max_concurrent_tasks" */
static Str
key_of_variable(Arena *a, Str name)
{
	Buf b = buf_open(a);

	for (size_t i = 0; i < name.n; i++) {
		bool dots = name.p[i] == '_' && i + 1 < name.n && name.p[i + 1] == '_';

		buf_char(&b, dots ? '.' : name.p[i]);
		i += dots ? 1 : 0;
	}
	return str_lower(a, buf_str(&b));
}

Str
config_variable(Arena *a, Str key)
{
	Buf b = buf_open(a);

	buf_text(&b, prefix);
	for (size_t i = 0; i < key.n; i++) {
		if (key.p[i] == '.')
			buf_text(&b, "__");
		else
			buf_char(&b, key.p[i] >= 'a' && key.p[i] <= 'z' ? (char)(key.p[i] - 'a' + 'A') : key.p[i]);
	}
	return buf_str(&b);
}

/* The plain scalar a variable inside a mapping stands for: 5 and true are not texts there. */
static Json
scalar_of(Arena *a, Str text)
{
	Json v;

	if (yaml_parse(a, "value", text, NULL, &v, NULL))
		return v;
	return json_str(text);
}

/* Puts a value at the dotted rest of a key inside a mapping, making mappings on the way. */
static void
put_inside(Arena *a, Json *object, Str path, Json value)
{
	Str part, rest = path;

	(void)str_cut(&rest, '.', &part);
	if (part.n == path.n) {
		json_set_str(a, object, part, value);
	} else {
		const Json *old = json_get_str(object, part);
		Json inner = json_is(old, JSON_OBJECT) ? *old : json_object();

		put_inside(a, &inner, rest, value);
		json_set_str(a, object, part, inner);
	}
}

/* ATTUNE__WORKER__LABELS__ZONE: a key inside a setting that is a mapping. */
static bool
lay_inside(Config *c, Str key, Str text, const char *origin, bool *ret_laid, Err *err)
{
	for (size_t n = key.n; n > 0; n--) {
		int at = key.p[n - 1] == '.' ? setting_find(str_sub(key, 0, n - 1)) : -1;
		Json object, value;

		if (at < 0 || (settings[at].kind != SETTING_MAP && settings[at].kind != SETTING_OBJECT))
			continue;
		object =
		    json_is(&c->values[at].value, JSON_OBJECT) ? json_clone(c->a, &c->values[at].value) : json_object();
		value = settings[at].kind == SETTING_MAP ? json_str(text) : scalar_of(c->a, text);
		put_inside(c->a, &object, str_sub(key, n, key.n), value);
		*ret_laid = true;
		return config_lay(c, at, &object, origin, err);
	}
	*ret_laid = false;
	return true;
}

static bool
lay_variable(Config *c, Str name, Str text, Err *err)
{
	Str key = key_of_variable(c->a, str_sub(name, strlen(prefix), name.n));
	Str shown = utf8_clean(c->a, str_sub(name, 0, 200));
	const char *origin = str_fmt(c->a, "environment %.*s", STR_ARG(shown)).p;
	int at = setting_find(key);
	bool laid;

	if (!utf8_valid(name) || !utf8_valid(text))
		return err_set(err, ERR_INVALID, "%s: name and value must be valid UTF-8", origin);
	text = str_copy(c->a, text);
	if (at >= 0 && !(settings[at].flags & SETTING_REST))
		return config_lay_text(c, at, text, origin, err);
	if (!lay_inside(c, key, text, origin, &laid, err))
		return false;
	if (laid)
		return true;
	at = config_rest_row(key);
	if (at >= 0) {
		Json given = json_str(text);

		config_lay_rest(c, at, key, &given, origin);
		return true;
	}
	return err_set(err, ERR_INVALID, "environment: unknown variable '%.*s': did you mean '%.*s'?", STR_ARG(shown),
	    STR_ARG(config_variable(c->a, setting_nearest(c->a, key))));
}

bool
config_lay_environment(Config *c, const ConfigSource *src, Err *err)
{
	for (char *const *e = src->env; e != NULL && *e != NULL; e++) {
		const char *eq = strchr(*e, '=');

		if (eq == NULL || strncmp(*e, prefix, strlen(prefix)) != 0)
			continue;
		if (!lay_variable(c, (Str){ *e, (size_t)(eq - *e) }, str_of(eq + 1), err))
			return false;
	}
	return true;
}

bool
config_lay_plain_names(Config *c, const ConfigSource *src, bool over_files, Err *err)
{
	for (size_t i = 0; i < countof(plain_names); i++) {
		const char *text = config_env(src, plain_names[i].name);
		int at = config_find(plain_names[i].key);

		if (text == NULL || text[0] == '\0' || plain_names[i].over_files != over_files)
			continue;
		if ((src->data_dir != NULL && !plain_names[i].up) || (!over_files && c->values[at].given))
			continue;
		if (!config_lay_text(c, at, str_of(text), str_fmt(c->a, "environment %s", plain_names[i].name).p, err))
			return false;
	}
	return true;
}
