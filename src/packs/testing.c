/* `testing:` of pack.yaml: how a pack tests itself. */
#include "packs/load.h"

enum { TIMEOUT_USUAL = 300, TIMEOUT_MOST = 3600, RUNNERS_MOST = 32 };

static const char *const failures[] = { "block", "warn", NULL };
static const char *const known[] = { "enabled", "discovery", "runners", "result_path", "min_pass_rate", "on_failure",
	NULL };
static const char *const runner_known[] = { "type", "entry_point", "timeout", "result_format", NULL };

static void
check_keys(Load *l, const char *pointer, const Json *o, const char *const *names)
{
	for (size_t i = 0; i < o->n; i++) {
		size_t k = 0;

		while (names[k] != NULL && !str_is(o->members[i].key, names[k]))
			k++;
		if (names[k] == NULL)
			load_warn(l, str_fmt(l->a, "%s/%.*s", pointer, STR_ARG(o->members[i].key)).p,
			    "unknown key '%.*s'", STR_ARG(o->members[i].key));
	}
}

static Str
listed(Arena *a, const char *const *names)
{
	Buf b = buf_open(a);

	for (size_t i = 0; names[i] != NULL; i++)
		buf_fmt(&b, "%s%s", i == 0 ? "" : ", ", names[i]);
	return buf_str(&b);
}

/* One of the words; absent: the first. */
static int
read_word(Load *l, const char *pointer, const Json *v, const char *const *names)
{
	int n = 0;

	if (json_is_null(v))
		return 0;
	for (; names[n] != NULL; n++)
		if (str_is(json_as_str(v), names[n]))
			return n;
	load_fatal(l, pointer, "'%s' must be one of %.*s", strrchr(pointer, '/') + 1, STR_ARG(listed(l->a, names)));
	return 0;
}

static void
read_timeout(Load *l, const char *pointer, const Json *v, TimeUs *ret)
{
	TimeUs given = (TimeUs)TIMEOUT_USUAL * US_PER_S;
	int64_t seconds = json_as_int(v, 0);
	bool fits = json_is_null(v);

	if (json_is(v, JSON_INT))
		given = seconds > 0 && seconds <= TIMEOUT_MOST ? seconds * US_PER_S : 0;
	fits |= json_is(v, JSON_INT) || duration_parse(json_as_str(v), &given);
	if (!fits || given <= 0 || given > (TimeUs)TIMEOUT_MOST * US_PER_S)
		load_fatal(
		    l, pointer, "'timeout' must be 1 to %d seconds, as a number or like 30s or 5m", TIMEOUT_MOST);
	*ret = given;
}

static void
read_runner(Load *l, Str name, const Json *v, Str fallback, TestRunner *r)
{
	const char *at = str_fmt(l->a, "/testing/runners/%.*s", STR_ARG(name)).p;
	const char *entry = str_fmt(l->a, "%s/entry_point", at).p;

	r->name = name;
	if (!json_is(v, JSON_OBJECT)) {
		load_fatal(l, at, "runner '%.*s' must be a mapping, not %s", STR_ARG(name), load_kind(v));
		return;
	}
	check_keys(l, at, v, runner_known);
	if (json_is_null(json_get(v, "type")))
		load_fatal(
		    l, at, "runner '%.*s' needs a type: %.*s", STR_ARG(name), STR_ARG(listed(l->a, test_runner_names)));
	r->kind = (TestRunnerKind)read_word(l, str_fmt(l->a, "%s/type", at).p, json_get(v, "type"), test_runner_names);
	r->format = (TestFormat)read_word(
	    l, str_fmt(l->a, "%s/result_format", at).p, json_get(v, "result_format"), test_format_names);
	read_timeout(l, str_fmt(l->a, "%s/timeout", at).p, json_get(v, "timeout"), &r->timeout);
	r->entry_point = json_get_text(v, "entry_point");
	if (str_none(r->entry_point))
		r->entry_point = fallback;
	if (str_none(r->entry_point) || r->entry_point.n == 0 || r->entry_point.p[0] == '-')
		load_fatal(l, at, "runner '%.*s' needs an entry_point: a file or folder of the pack", STR_ARG(name));
	else if (load_presence(l, entry, r->entry_point) == FILE_MISSING)
		load_warn(l, entry, "'%.*s' is not there, so this runner will fail", STR_ARG(r->entry_point));
}

static void
read_runners(Load *l, const Json *runners, Str fallback, PackTests *t)
{
	if (!json_is(runners, JSON_OBJECT) || runners->n == 0 || runners->n > RUNNERS_MOST) {
		load_fatal(l, "/testing", "'testing' needs 'runners', a mapping of 1 to %d", RUNNERS_MOST);
		return;
	}
	t->runners = arena_array(l->a, TestRunner, runners->n);
	for (size_t i = 0; i < runners->n; i++)
		read_runner(
		    l, runners->members[i].key, &runners->members[i].value, fallback, &t->runners[t->runner_count++]);
}

void
testing_read(Load *l, const Json *testing)
{
	PackTests *t = &l->pack->tests;
	const Json *rate = json_get(testing, "min_pass_rate");

	t->min_pass_rate = 1;
	if (json_is_null(testing))
		return;
	if (!json_is(testing, JSON_OBJECT)) {
		load_fatal(l, "/testing", "'testing' must be a mapping, not %s", load_kind(testing));
		return;
	}
	check_keys(l, "/testing", testing, known);
	t->enabled = json_as_bool(json_get(testing, "enabled"), true);
	if (!json_is_null(rate))
		t->min_pass_rate = json_as_real(rate, -1);
	if (t->min_pass_rate < 0 || t->min_pass_rate > 1)
		load_fatal(l, "/testing/min_pass_rate", "'min_pass_rate' must be a number from 0 to 1");
	t->only_warn = read_word(l, "/testing/on_failure", json_get(testing, "on_failure"), failures) == 1;
	if (t->enabled)
		read_runners(l, json_get(testing, "runners"), json_get_text(json_get(testing, "discovery"), "path"), t);
}
