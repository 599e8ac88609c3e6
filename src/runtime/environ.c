#include "runtime/environ.h"

#include "runtime/params.h"

typedef struct Variable {
	Str name, value;
} Variable;

typedef struct Variables {
	Arena *a;
	Variable *items;
	size_t n, cap;
} Variables;

static Variable *
find(Variables *v, Str name)
{
	for (size_t i = 0; i < v->n; i++)
		if (str_eq(v->items[i].name, name))
			return &v->items[i];
	return NULL;
}

static void
put(Variables *v, Str name, Str value)
{
	Variable *there = find(v, name);

	if (there != NULL) {
		there->value = value;
		return;
	}
	if (v->n == v->cap) {
		v->cap = v->cap == 0 ? 48 : v->cap * 2;
		v->items = arena_grow(v->a, v->items, v->n * sizeof(Variable), v->cap * sizeof(Variable));
	}
	v->items[v->n++] = (Variable){ name, value };
}

static void
put_text(Variables *v, const char *name, Str value)
{
	if (!str_none(value))
		put(v, str_of(name), value);
}

static void
put_marker(Variables *v, Str marker)
{
	Str rest = marker, name;

	if (str_cut(&rest, '=', &name))
		put(v, name, rest);
}

static bool
check(Str name, Str value, Err *err)
{
	if (name.n == 0 || memchr(name.p, '=', name.n) != NULL || memchr(name.p, '\0', name.n) != NULL)
		return err_set(err, ERR_INVALID, "'%.*s' cannot be the name of an environment variable", STR_ARG(name));
	if (value.n > 0 && memchr(value.p, '\0', value.n) != NULL)
		return err_set(err, ERR_INVALID, "environment variable '%.*s' holds a NUL byte", STR_ARG(name));
	return true;
}

static Str
joined(Arena *a, Str first, Str separator, Str second)
{
	if (first.n == 0)
		return second;
	if (second.n == 0)
		return first;
	return str_fmt(a, "%.*s%.*s%.*s", STR_ARG(first), STR_ARG(separator), STR_ARG(second));
}

/* NAME: "template", or {value, operation: set|prepend|append, separator} */
static bool
put_of_runtime(Variables *v, const Places *places, Str name, const Json *described, Err *err)
{
	bool plain = described->kind != JSON_OBJECT;
	Str text = params_plain(v->a, plain ? described : json_get(described, "value"));
	Str how = json_get_text(described, "operation"), separator = json_get_text(described, "separator");
	Variable *there = find(v, name);
	Str before = there == NULL ? str_of("") : there->value;

	text = places_fill(v->a, places, text);
	if (!check(name, text, err))
		return err_wrap(err, "env_vars of the runtime");
	if (str_none(separator))
		separator = str_of(":");
	if (!plain && str_is(how, "prepend"))
		text = joined(v->a, text, separator, before);
	else if (!plain && str_is(how, "append"))
		text = joined(v->a, before, separator, text);
	put(v, name, text);
	return true;
}

static bool
put_runtime(Variables *v, const EnvironFacts *f, Err *err)
{
	const Json *vars = json_get(f->spec->runtime_config, "env_vars");

	for (uint32_t i = 0; json_is(vars, JSON_OBJECT) && i < vars->n; i++)
		if (!put_of_runtime(v, f->places, vars->members[i].key, &vars->members[i].value, err))
			return false;
	return true;
}

static bool
put_execution(Variables *v, const EnvironFacts *f, Err *err)
{
	const Json *vars = f->spec->env_vars;

	for (uint32_t i = 0; json_is(vars, JSON_OBJECT) && i < vars->n; i++) {
		Str value = params_plain(v->a, &vars->members[i].value);

		if (!check(vars->members[i].key, value, err))
			return err_wrap(err, "env_vars of the execution");
		put(v, vars->members[i].key, value);
	}
	return true;
}

static Str
context_name(Arena *a, Str key)
{
	char *text = arena_alloc(a, key.n + 1);

	for (size_t i = 0; i < key.n; i++) {
		char c = key.p[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		text[i] = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
	}
	return str_fmt(a, "ATTUNE_CONTEXT_%s", text);
}

static bool
put_context(Variables *v, const EnvironFacts *f, Err *err)
{
	const Json *context = json_get(f->spec->params, "context");

	for (uint32_t i = 0; json_is(context, JSON_OBJECT) && i < context->n; i++) {
		Str name = context_name(v->a, context->members[i].key);
		Str value = params_plain(v->a, &context->members[i].value);

		if (!check(name, value, err))
			return err_wrap(err, "context");
		put(v, name, value);
	}
	return true;
}

/* An address to listen on is none to call. */
static Str
callable_url(Arena *a, Str url)
{
	Str any = str_of("0.0.0.0");
	size_t at;

	if (str_none(url) || !str_find(url, any, &at))
		return url;
	return str_fmt(a, "%.*s127.0.0.1%.*s", (int)at, url.p, STR_ARG(str_sub(url, at + any.n, url.n)));
}

static void
put_basics(Variables *v, const EnvironFacts *f)
{
	put_text(v, "PATH", interpreters_search_path(&f->config->interpreters));
	put_text(v, "HOME", f->home);
	put_text(v, "TMPDIR", f->home);
	put_text(v, "LANG", str_of("C"));
	put_text(v, "LC_CTYPE", str_of("C.UTF-8")); /* as LANG=C.UTF-8, which costs every start twice as much: 85 us */
	put_text(v, "TZ", str_of("UTC"));
	put_text(
	    v, "SHLVL", str_of("1")); /* without it bash may read ~/.bashrc, thinking it was called over a network */
}

/* What an action reads of its run. */
static void
put_run(Variables *v, const EnvironFacts *f)
{
	const RunSpec *s = f->spec;
	bool by_file = !str_none(f->parameter_file);
	Str id = str_fmt(v->a, "%lld", (long long)s->execution);

	put_text(v, "ATTUNE_EXEC_ID", id);
	put_text(v, "ATTUNE_EXECUTION_ID", id);
	put_text(v, "ATTUNE_ACTION", s->action_ref);
	put_text(v, "ATTUNE_PARAMETER_DELIVERY", str_of(by_file ? "file" : "stdin"));
	put_text(v, "ATTUNE_PARAMETER_FORMAT", s->parameter_format.n > 0 ? s->parameter_format : str_of("json"));
	put_text(v, "ATTUNE_PARAMETER_FILE", f->parameter_file);
}

static void
put_ours(Variables *v, const EnvironFacts *f)
{
	const RunSpec *s = f->spec;

	if (s->execution != 0)
		put_run(v, f);
	put_text(v, "ATTUNE_PACK_REF", s->pack_ref);
	put_text(v, "ATTUNE_API_URL", callable_url(v->a, f->config->api_url));
	put_text(v, "ATTUNE_ARTIFACTS_DIR", f->config->artifacts_dir);
	put_text(v, "ATTUNE_EXECUTION_DIR", f->files);
	put_text(v, "ATTUNE_RUNTIME_ENVS_DIR", f->config->runtime_envs_dir);
	if (s->api_token.n > 0)
		put_text(v, "ATTUNE_API_TOKEN", s->api_token);
	if (s->rule_ref.n > 0)
		put_text(v, "ATTUNE_RULE", s->rule_ref);
	if (s->trigger_ref.n > 0)
		put_text(v, "ATTUNE_TRIGGER", s->trigger_ref);
	if (!uuid_none(s->correlation))
		put_text(v, "ATTUNE_CORRELATION_ID", uuid_text(v->a, s->correlation));
}

static const char *const *
as_array(const Variables *v)
{
	const char **list = arena_array(v->a, const char *, v->n + 1);

	for (size_t i = 0; i < v->n; i++)
		list[i] = str_fmt(v->a, "%.*s=%.*s", STR_ARG(v->items[i].name), STR_ARG(v->items[i].value)).p;
	return list;
}

bool
environ_make(Arena *a, const EnvironFacts *facts, const char *const **ret, Err *err)
{
	Variables v = { .a = a };

	put_marker(&v, facts->worker_marker); /* first, where a search finds them soonest */
	put_marker(&v, facts->run_marker);
	put_basics(&v, facts);
	if (!put_runtime(&v, facts, err) || !put_context(&v, facts, err) || !put_execution(&v, facts, err))
		return false;
	put_ours(&v, facts); /* again and last: nobody's variables may stand in for ours */
	put_marker(&v, facts->worker_marker);
	put_marker(&v, facts->run_marker);
	*ret = as_array(&v);
	return true;
}
