#include "runtime/detect.h"

#include "base/clock.h"
#include "base/regex.h"
#include "runtime/probe.h"

#include <stdlib.h>

enum { COMMANDS_MOST = 8, WHY_OUTPUT = 100 };

/* A question that several rows may have: it is asked once. */
typedef struct Question {
	Str key;
	Probe probe;
} Question;

typedef struct Questions {
	Arena *a;
	const Interpreters *in;
	Question *items;
	size_t n, cap;
} Questions;

/* The commands of one row that are to be tried, in order. */
typedef struct Commands {
	Json list[COMMANDS_MOST];
	size_t n;
	bool always; /* there, whatever they answer: they only tell the version */
} Commands;

/* ---- what to ask ---- */

static int
by_priority(const void *x, const void *y)
{
	int64_t a = json_as_int(json_get(x, "priority"), 100), b = json_as_int(json_get(y, "priority"), 100);

	return (a > b) - (a < b);
}

static bool
has_program(Str binary)
{
	return binary.n > 0 && !str_is(binary, "native") && !str_is(binary, "none");
}

static Commands
commands_of(Arena *a, const Json *distributions, const Json *config)
{
	const Json *verification = json_get(distributions, "verification"), *list = json_get(verification, "commands");
	Str binary = json_get_text(json_get(config, "interpreter"), "binary");
	Commands c = { 0 };

	for (size_t i = 0; json_is(list, JSON_ARRAY) && i < list->n && c.n < COMMANDS_MOST; i++)
		c.list[c.n++] = list->items[i];
	qsort(c.list, c.n, sizeof(Json), by_priority);
	if (c.n == 0 && has_program(binary)) {
		Json ask = json_object(), args = json_array();

		json_push(a, &args, json_cstr("--version"));
		json_add(a, &ask, "binary", json_str(binary));
		json_add(a, &ask, "args", args);
		c.list[c.n++] = ask;
	}
	c.always = c.n == 0;
	return c;
}

static Str
key_of(Arena *a, const Json *command)
{
	const Json *args = json_get(command, "args");

	return str_fmt(
	    a, "%.*s %s", STR_ARG(json_get_text(command, "binary")), args == NULL ? "" : json_text(a, args).p);
}

static Question *
question_find(const Questions *q, Str key)
{
	for (size_t i = 0; i < q->n; i++)
		if (str_eq(q->items[i].key, key))
			return &q->items[i];
	return NULL;
}

static void
ask(Questions *q, const Json *distributions, const Json *config)
{
	Commands c = commands_of(q->a, distributions, config);

	for (size_t i = 0; i < c.n; i++) {
		Str key = key_of(q->a, &c.list[i]);

		if (question_find(q, key) != NULL)
			continue;
		if (q->n == q->cap) {
			size_t cap = q->cap == 0 ? 32 : q->cap * 2;

			q->items = arena_grow(q->a, q->items, q->n * sizeof(Question), cap * sizeof(Question));
			q->cap = cap;
		}
		q->items[q->n].key = key;
		probe_start(q->a, &q->items[q->n++].probe, q->in, json_get_text(&c.list[i], "binary"),
		    json_get(&c.list[i], "args"));
	}
}

/* ---- what was answered ---- */

/* The first number with a dot in what an interpreter printed: "Python 3.11.2" → "3.11.2", "go1.22.1" → "1.22.1". */
static Str
version_in(Arena *a, Str text)
{
	for (size_t i = 0; i < text.n; i++) {
		size_t end = i;
		bool dot = false;

		if (text.p[i] < '0' || text.p[i] > '9')
			continue;
		while (end < text.n && ((text.p[end] >= '0' && text.p[end] <= '9') || text.p[end] == '.'))
			dot |= text.p[end++] == '.';
		if (dot)
			return str_copy(a, str_sub(text, i, text.p[end - 1] == '.' ? end - 1 : end));
		i = end;
	}
	return (Str){ 0 };
}

static bool
pattern_holds(Arena *a, Str pattern, Str output, Str *ret_why)
{
	Err err = { 0 };
	Regex *x;

	if (pattern.n == 0)
		return true;
	if (!regex_compile(a, pattern, false, &x, &err)) {
		*ret_why = str_fmt(a, "its pattern cannot be read: %s", err.text);
		return false;
	}
	if (regex_found(a, x, output))
		return true;
	output = str_sub(output, 0, WHY_OUTPUT);
	*ret_why = str_fmt(a, "it said '%.*s', which does not match '%.*s'", STR_ARG(output), STR_ARG(pattern));
	return false;
}

static Found
judge(Arena *a, const Json *command, const Probe *p)
{
	int64_t wanted = json_as_int(json_get(command, "exit_code"), 0);
	Found f = { .path = str_copy(a, str_of(p->argv[0])) };

	f.late = p->err.code == ERR_TIMEOUT;
	if (p->err.code != ERR_NONE)
		f.why = str_copy(a, str_of(p->err.text));
	else if (p->code != wanted)
		f.why = str_fmt(a, "'%s' exited with code %d", p->argv[0], p->code);
	else
		f.there = pattern_holds(a, json_get_text(command, "pattern"), p->output, &f.why);
	if (f.there)
		f.version = version_in(a, p->output);
	return f;
}

/* The first command that succeeds decides; without one, the first that must. */
static Found
conclude(const Questions *q, const Json *distributions, const Json *config)
{
	Commands c = commands_of(q->a, distributions, config);
	Found no = { .there = c.always };
	bool optional = true;

	for (size_t i = 0; i < c.n; i++) {
		const Question *asked = question_find(q, key_of(q->a, &c.list[i]));
		Found f = judge(q->a, &c.list[i], &asked->probe);

		if (f.there)
			return f;
		no.late = no.late || f.late;
		optional = optional && json_as_bool(json_get(&c.list[i], "optional"), false);
		no.why = str_none(no.why) ? f.why : str_fmt(q->a, "%.*s; %.*s", STR_ARG(no.why), STR_ARG(f.why));
	}
	no.there = no.there || optional;
	return no;
}

Detected *
runtimes_detect(Arena *a, const Interpreters *in, TimeUs patience, const RuntimeDef *rows, size_t n)
{
	Detected *all = arena_array(a, Detected, n + 1);
	Questions q = { .a = a, .in = in };
	TimeUs until = clock_mono(clock_real()) + patience;

	for (size_t i = 0; i < n; i++) {
		ask(&q, &rows[i].distributions, &rows[i].execution_config);
		for (size_t k = 0; k < rows[i].version_count; k++)
			ask(&q, &rows[i].versions[k].distributions, &rows[i].versions[k].execution_config);
	}
	for (size_t i = 0; i < q.n; i++)
		probe_end(a, &q.items[i].probe, until);
	for (size_t i = 0; i < n; i++) {
		all[i].base = conclude(&q, &rows[i].distributions, &rows[i].execution_config);
		all[i].versions = arena_array(a, Found, rows[i].version_count + 1);
		for (size_t k = 0; k < rows[i].version_count; k++)
			all[i].versions[k] =
			    conclude(&q, &rows[i].versions[k].distributions, &rows[i].versions[k].execution_config);
	}
	return all;
}
