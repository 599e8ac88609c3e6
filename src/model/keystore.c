#include "model/keystore.h"

#include "model/params_inner.h"

enum { DEPTH_MOST = 32 }; /* deeper than this secrets are not taken out of parameters */

static bool
looks(const ExprPath *p)
{
	return p->n > 0 && str_is(p->parts[0], "keystore");
}

static ExprPath *
paths_of(Arena *a, const Json *value, size_t *ret_n)
{
	const Tmpl *t = NULL;

	*ret_n = 0;
	return tmpl_compile_json(a, value, TMPL_FORGIVING, &t, NULL) ? tmpl_paths(a, t, ret_n) : NULL;
}

const Str *
keystore_names(Arena *a, const Tmpl *t, size_t *ret_n)
{
	size_t n;
	ExprPath *paths = tmpl_paths(a, t, &n);
	Str *names = NULL;

	*ret_n = 0;
	for (size_t i = 0; i < n; i++) {
		if (!looks(&paths[i]) || paths[i].n < 2)
			continue;
		if (names == NULL)
			names = arena_array(a, Str, n);
		names[(*ret_n)++] = paths[i].parts[1];
	}
	return names;
}

bool
keystore_wanted(Arena *a, const Json *value)
{
	size_t n;
	ExprPath *paths = paths_of(a, value, &n);

	for (size_t i = 0; i < n; i++)
		if (looks(&paths[i]))
			return true;
	return false;
}

/* ---- where it stands ---- */

typedef struct Look {
	Arena *a;
	const char *what;
	Str action_ref;
	Err *err;
} Look;

static bool
text_check(const Look *l, bool secret, const Json *text, Str at)
{
	size_t n;
	ExprPath *paths = paths_of(l->a, text, &n);

	for (size_t i = 0; i < n; i++) {
		if (!looks(&paths[i]))
			continue;
		if (!secret)
			return err_set(l->err, ERR_VALIDATION,
			    "%.*s: keystore may stand only in a parameter that action '%.*s' marks as secret: mark it "
			    "there with 'secret: true', or take keystore out",
			    STR_ARG(at), STR_ARG(l->action_ref));
		if (paths[i].n < 2)
			return err_set(l->err, ERR_VALIDATION,
			    "%.*s: say which key of the keystore is meant, like {{ keystore.api_token }}", STR_ARG(at));
	}
	return true;
}

/* schema: of this value; NULL: it is not described. */
static bool
check(const Look *l, const Json *schema, bool secret, const Json *v, Str at, unsigned depth)
{
	const Json *props = json_get(schema, "properties"), *items = json_get(schema, "items");

	secret = secret || json_as_bool(json_get(schema, "secret"), false);
	if (v->kind == JSON_STRING)
		return text_check(l, secret, v, at);
	if (depth >= DEPTH_MOST && v->kind >= JSON_ARRAY)
		return secret || !keystore_wanted(l->a, v) ||
		       err_set(l->err, ERR_VALIDATION,
			   "%s: keystore stands deeper than %d levels: move it to an outer level", l->what, DEPTH_MOST);
	for (size_t i = 0; v->kind == JSON_ARRAY && i < v->n; i++)
		if (!check(l, json_is(items, JSON_OBJECT) ? items : NULL, secret, &v->items[i],
			str_fmt(l->a, "%.*s[%zu]", STR_ARG(at), i), depth + 1))
			return false;
	for (size_t i = 0; v->kind == JSON_OBJECT && i < v->n; i++)
		if (!check(l, json_get_str(props, v->members[i].key), secret, &v->members[i].value,
			str_fmt(l->a, "%.*s.%.*s", STR_ARG(at), STR_ARG(v->members[i].key)), depth + 1))
			return false;
	return true;
}

bool
keystore_check(Arena *a, const char *what, Str action_ref, const Json *schema, const Json *params, Err *err)
{
	const Look l = { a, what, action_ref, err };
	Props p = props_of(schema);

	for (size_t i = 0; params->kind == JSON_OBJECT && i < params->n; i++) {
		const Json *of = NULL;

		for (size_t k = 0; k < p.n; k++)
			if (str_eq(p.members[k].key, params->members[i].key))
				of = &p.members[k].value;
		if (!check(&l, of, false, &params->members[i].value,
			str_fmt(a, "%s.%.*s", what, STR_ARG(params->members[i].key)), 0))
			return false;
	}
	return true;
}
