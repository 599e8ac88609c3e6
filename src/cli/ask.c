#include "cli/output.h"

/* A row of a table of commands is enough to make its request and to say what came of it. */

/* "{0}", "{name}": an argument, an option, else a part of the answer */
static Str
placeholder(const Cli *c, Str name, const Json *row)
{
	int64_t n;

	if (str_to_int(name, &n))
		return n >= 0 && (size_t)n < c->n_args ? c->args[n] : (Str){ "", 0 };
	for (size_t i = c->n_given; row == NULL && i > 0; i--)
		if (str_is(name, c->given[i - 1].opt->name))
			return c->given[i - 1].value;
	return cell_text(c->a, json_path(row, name), COLUMN_TEXT);
}

Str
cli_fill(const Cli *c, const char *text, const Json *row, bool url)
{
	Str rest = str_of(text), before, name;
	Buf b = buf_open(c->a);

	while (str_cut(&rest, '{', &before)) {
		buf_add(&b, before);
		if (str_none(rest) || !str_cut(&rest, '}', &name))
			break;
		name = placeholder(c, name, row);
		buf_add(&b, url ? url_escape(c->a, name) : name);
		if (str_none(rest))
			break;
	}
	return buf_str(&b);
}

static Json
words_of(Arena *a, Str text)
{
	Json list = json_array();
	Str word;

	while (str_cut(&text, ',', &word))
		if (str_trim(word).n > 0)
			json_push(a, &list, json_str(str_trim(word)));
	return list;
}

static bool
value_as_given(Cli *c, Str text, Json *ret, Err *err)
{
	if (!cli_text_of(c, text, &text, err))
		return false;
	if (json_parse(c->a, text, NULL, ret, NULL))
		return true;
	while (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	*ret = json_str(text);
	return true;
}

static Json
patch_of(Cli *c, Json value)
{
	Json patch = json_object();
	bool clears = json_is(&value, JSON_STRING) && value.n == 0;

	json_add(c->a, &patch, "op", json_cstr(clears ? "clear" : "set"));
	if (!clears)
		json_add(c->a, &patch, "value", value);
	return patch;
}

static bool
int_of(const CliOpt *o, Str text, Json *ret, Err *err)
{
	int64_t n;

	if (!str_to_int(text, &n))
		return err_set(err, ERR_INVALID, "--%s must be a number, not '%.*s'", o->name, STR_ARG(text));
	*ret = json_int(n);
	return true;
}

static bool
bool_of(const CliOpt *o, Str text, Json *ret, Err *err)
{
	bool yes = str_is(text, "true") || str_is(text, "yes");

	if (!yes && !str_is(text, "false") && !str_is(text, "no"))
		return err_set(err, ERR_INVALID, "--%s is true or false, not '%.*s'", o->name, STR_ARG(text));
	*ret = json_bool(yes);
	return true;
}

static bool
object_of(Cli *c, const char *what, Str text, Json *ret, Err *err)
{
	if (!cli_json_of(c, what, text, ret, err))
		return false;
	return json_is(ret, JSON_OBJECT) || err_set(err, ERR_INVALID, "%s must be a JSON object", what);
}

static bool
value_of(Cli *c, const CliOpt *o, Str text, Json *ret, Err *err)
{
	const char *what = str_fmt(c->a, "--%s", o->name).p;

	switch (o->kind) {
	case KIND_TEXT: *ret = json_str(text); return true;
	case KIND_FILE_TEXT:
		if (!cli_text_of(c, text, &text, err))
			return false;
		while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
			text.n--;
		*ret = json_str(text);
		return true;
	case KIND_INT: return int_of(o, text, ret, err);
	case KIND_JSON: return cli_json_of(c, what, text, ret, err);
	case KIND_OBJECT: return object_of(c, what, text, ret, err);
	case KIND_VALUE: return value_as_given(c, text, ret, err);
	case KIND_WORDS: *ret = words_of(c->a, text); return true;
	case KIND_BOOL: return bool_of(o, text, ret, err);
	case KIND_ON:
	case KIND_OFF: *ret = json_bool(o->kind == KIND_ON); return true;
	case KIND_PATCH: *ret = patch_of(c, json_str(text)); return true;
	case KIND_PATCH_INT:
		if (text.n > 0 && !int_of(o, text, ret, err))
			return false;
		*ret = patch_of(c, text.n == 0 ? json_cstr("") : *ret);
		return true;
	case KIND_PATCH_OBJECT:
		*ret = patch_of(c, json_cstr(""));
		return str_is(text, "none") || object_of(c, what, text, ret, err);
	}
	return err_set(err, ERR_INTERNAL, "--%s has no kind", o->name);
}

/* "path" may be "hmac.enabled": the member of a member */
static void
put(Arena *a, Json *body, Str path, Json value)
{
	Str key;

	str_cut(&path, '.', &key);
	if (str_none(path)) {
		json_set_str(a, body, key, value);
		return;
	}
	if (!json_is(json_get_str(body, key), JSON_OBJECT))
		json_set_str(a, body, key, json_object());
	for (size_t i = 0; i < body->n; i++)
		if (str_eq(body->members[i].key, key))
			put(a, &body->members[i].value, path, value);
}

bool
cli_body(Cli *c, Json *ret, Err *err)
{
	Json body = json_object(), value;

	for (size_t i = 0; i < c->n_given; i++) {
		const CliOpt *o = c->given[i].opt;

		if (o->key == NULL)
			continue;
		if (!value_of(c, o, c->given[i].value, &value, err))
			return false;
		if (o->key[0] != '\0')
			put(c->a, &body, str_of(o->key), value);
		else
			body = value; /* the option is the whole body */
	}
	*ret = body;
	return true;
}

void
cli_said(Cli *c, const char *done, const Json *row)
{
	if (out_raw(c, row))
		return;
	if (done != NULL)
		out_line(c, "%s", cli_fill(c, done, row, false).p);
	else if (json_is(row, JSON_ARRAY))
		out_list(c, c->command->thing, row);
	else
		out_fields(c, row);
}

/* "path={0} kind=system" behind the path: members of the body, which options may replace */
static Json
body_of_words(const Cli *c, Str words)
{
	Json body = json_object();
	Str word, key;

	while (str_cut(&words, ' ', &word)) {
		str_cut(&word, '=', &key);
		json_set_str(c->a, &body, key, json_str(cli_fill(c, str_cstr(c->a, word), NULL, false)));
	}
	return body;
}

static bool
body_for(Cli *c, Str words, Json *ret, Err *err)
{
	Json given;

	if (!cli_body(c, &given, err))
		return false;
	*ret = words.n > 0 ? body_of_words(c, words) : given;
	for (size_t i = 0; words.n > 0 && json_is(&given, JSON_OBJECT) && i < given.n; i++)
		json_set_str(c->a, ret, given.members[i].key, given.members[i].value);
	return true;
}

bool
cli_ask(Cli *c, int *ret_code, Err *err)
{
	Str words = str_of(c->command->ask), method, path;
	Json body, row;
	bool sends;

	(void)ret_code;
	str_cut(&words, ' ', &method);
	str_cut(&words, ' ', &path);
	sends = !str_is(method, "GET") && !str_is(method, "DELETE");
	if (sends && !body_for(c, words, &body, err))
		return false;
	if (str_is(method, "PUT") && body.n == 0)
		return err_set(
		    err, ERR_INVALID, "nothing to change was given: see attune %s --help", c->command->words);
	if (c->command->confirm != NULL && !cli_sure(c, cli_fill(c, c->command->confirm, NULL, false)))
		return err_set(err, ERR_CONFLICT, "left as it is");
	path = cli_fill(c, str_cstr(c->a, path), NULL, true);
	if (str_is(method, "GET"))
		path = cli_query(c, path);
	if (!cli_call(c, str_cstr(c->a, method), path, sends && body.n > 0 ? &body : NULL, &row, err))
		return false;
	cli_said(c, c->command->done, &row);
	out_warnings(c, &row);
	return true;
}
