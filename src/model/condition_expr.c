/*
 * The expression form of conditions: {"expression": "event.payload.x > 3 and not ..."}, the whole language over the one root
 * `event`. What is missing is an error there, and an error is a no. The time of day is the event's, so that a rule says the same
 * about an event whenever it is asked.
 */
#include "model/condition.h"

static Json
event_payload(const EventView *e)
{
	return json_is_null(e->payload) ? json_object() : *e->payload;
}

static Json
event_whole(Arena *a, const EventView *e)
{
	Json o = json_object();

	json_add(a, &o, "id", json_int(e->id));
	json_add(a, &o, "trigger", json_int(e->trigger));
	json_add(a, &o, "trigger_ref", json_str(e->trigger_ref));
	json_add(a, &o, "created", json_str(time_text(a, e->created)));
	json_add(a, &o, "payload", event_payload(e));
	return o;
}

/* Nearly always the payload is meant: the rest is made only for those who look at it. */
static size_t
find(const void *event, Arena *a, const Str *parts, size_t n, Json *ret)
{
	const EventView *e = event;

	if (!str_is(parts[0], "event"))
		return 0;
	if (n > 1 && str_is(parts[1], "payload")) {
		*ret = event_payload(e);
		return 2;
	}
	*ret = event_whole(a, e);
	return 1;
}

bool
condition_expr_compile(Arena *a, Str text, const Expr **ret, Err *err)
{
	CLEANUP(arena_done) Arena *scratch = arena_open();
	Str inside = str_trim(text);
	const Expr *x;
	ExprPath *paths;
	size_t n;

	if (str_starts(inside, str_of("{{")) && str_ends(inside, str_of("}}")) && inside.n >= 4)
		inside = str_trim(str_sub(inside, 2, inside.n - 2));
	if (!expr_compile(a, inside, &x, err))
		return false;
	paths = expr_paths(scratch, x, &n);
	for (size_t i = 0; i < n; i++)
		if (!str_is(paths[i].parts[0], "event"))
			return err_set(err, ERR_INVALID, "column %u: unknown name '%.*s' (conditions see 'event' only)",
			    paths[i].column, STR_ARG(paths[i].parts[0]));
	*ret = x;
	return true;
}

bool
condition_expr_holds(Arena *a, const Expr *x, const EventView *e)
{
	const ExprEnv env = { .lookup = find, .self = e, .now = e->created };
	Json v;

	return expr_eval(x, &env, a, &v, NULL) && expr_truthy(&v);
}

bool
condition_expr_value(Arena *a, const Expr *x, const EventView *e, Err *err)
{
	const ExprEnv env = { .lookup = find, .self = e, .now = e->created };
	Json v;

	return expr_eval(x, &env, a, &v, err);
}

/* "a.b"; false when a key has a dot of its own, which the text could not tell from two. */
static bool
join_parts(Arena *a, const Str *parts, size_t n, Str *ret)
{
	Buf b = buf_open(a);

	for (size_t i = 0; i < n; i++) {
		if (parts[i].n == 0 || str_find(parts[i], str_of("."), NULL))
			return false;
		if (i > 0)
			buf_char(&b, '.');
		buf_add(&b, parts[i]);
	}
	*ret = buf_str(&b);
	return true;
}

/* event.payload.x == 'text', alone or joined by and. Numbers stay out: 1 equals 1.0 here. */
bool
condition_expr_key(Arena *a, const Expr *x, EqualityKey *ret)
{
	size_t n;
	ExprEquality *all = expr_equalities(a, x, &n);

	for (size_t i = 0; i < n; i++) {
		const ExprEquality *q = &all[i];
		Str text;

		if (q->n < 3 || !str_is(q->parts[0], "event") || !str_is(q->parts[1], "payload") ||
		    q->value->kind != JSON_STRING || !join_parts(a, q->parts + 2, q->n - 2, &text))
			continue;
		*ret = (EqualityKey){ { arena_copy(a, q->parts + 2, (q->n - 2) * sizeof(Str)), q->n - 2 }, text,
			q->value };
		return true;
	}
	return false;
}
