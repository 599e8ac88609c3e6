#include "model/pack_tests.h"

#include "base/codec.h"

const char *const test_runner_names[TEST_RUNNER_KINDS + 1] = {
	[TEST_SCRIPT] = "script",
	[TEST_UNITTEST] = "unittest",
	[TEST_PYTEST] = "pytest",
};

const char *const test_format_names[TEST_FORMATS + 1] = {
	[TEST_SIMPLE] = "simple",
	[TEST_JSON] = "json",
	[TEST_TAP] = "tap",
};

enum { CASES_MOST = 2000, NAME_MOST = 500, WORDS_MOST = 2000, OUTPUT_MOST = 16 * 1024 };

typedef enum CaseStatus { CASE_PASSED, CASE_FAILED, CASE_SKIPPED, CASE_ERROR, CASE_STATUSES } CaseStatus;

static const char *const case_names[CASE_STATUSES] = {
	[CASE_PASSED] = "passed",
	[CASE_FAILED] = "failed",
	[CASE_SKIPPED] = "skipped",
	[CASE_ERROR] = "error",
};

/* What is being made of one runner's output. */
typedef struct Suite {
	Arena *a;
	Json cases;
	TestCounts counts;
	bool counted; /* the output says how many there were */
} Suite;

static Json
case_make(Arena *a, Str name, CaseStatus status, int64_t ms, Str problem)
{
	Json o = json_object();

	json_add(a, &o, "name", json_str(utf8_clip(name, NAME_MOST)));
	json_add(a, &o, "status", json_cstr(case_names[status]));
	json_add(a, &o, "durationMs", json_int(ms));
	json_add(a, &o, "errorMessage", json_str(problem));
	json_add(a, &o, "stdout", json_null());
	json_add(a, &o, "stderr", json_null());
	return o;
}

static void
add_case(Suite *s, Str name, CaseStatus status, int64_t ms, Str problem)
{
	s->counts.total++;
	s->counts.passed += status == CASE_PASSED;
	s->counts.failed += status == CASE_FAILED || status == CASE_ERROR;
	s->counts.skipped += status == CASE_SKIPPED;
	if (s->cases.n < CASES_MOST)
		json_push(s->a, &s->cases, case_make(s->a, name, status, ms, problem));
}

/* ---- what runners print ---- */

/* Anybody may print any number. */
static int64_t
count_of(int64_t n)
{
	enum { COUNT_MOST = 1000 * 1000 * 1000 };

	return n < 0 ? 0 : n > COUNT_MOST ? COUNT_MOST : n;
}

/* The number behind the last such label; false: there is none. */
static bool
labelled(Str text, const char *label, int64_t *ret)
{
	Str line;
	bool found = false;

	while (str_cut(&text, '\n', &line)) {
		size_t at, n = 0;
		Str rest;

		if (!str_find(line, str_of(label), &at))
			continue;
		rest = str_trim(str_sub(line, at + strlen(label), line.n));
		while (n < rest.n && rest.p[n] >= '0' && rest.p[n] <= '9')
			n++;
		if (!str_to_int(str_sub(rest, 0, n), ret))
			continue;
		*ret = count_of(*ret);
		found = true;
	}
	return found;
}

static void
read_labels(Suite *s, Str text)
{
	TestCounts c = { 0 };
	bool passed = labelled(text, "Passed:", &c.passed), failed = labelled(text, "Failed:", &c.failed);

	(void)labelled(text, "Skipped:", &c.skipped);
	s->counted = labelled(text, "Total Tests:", &c.total);
	if (!s->counted && (passed || failed)) {
		s->counted = true;
		c.total = c.passed + c.failed + c.skipped;
	}
	if (s->counted)
		s->counts = c;
}

typedef struct Ending {
	const char *text;
	CaseStatus status;
} Ending;

/* "tests/test_x.py::test_a PASSED   [ 50%]" */
static void
read_pytest(Suite *s, Str line)
{
	static const Ending endings[] = { { " PASSED", CASE_PASSED }, { " FAILED", CASE_FAILED },
		{ " SKIPPED", CASE_SKIPPED }, { " ERROR", CASE_ERROR }, { " XFAIL", CASE_SKIPPED },
		{ " XPASS", CASE_PASSED } };
	size_t at;

	for (size_t i = 0; i < countof(endings); i++) {
		if (!str_find(line, str_of(endings[i].text), &at) ||
		    !str_find(str_sub(line, 0, at), str_of("::"), NULL))
			continue;
		add_case(s, str_sub(line, 0, at), endings[i].status, 0, (Str){ 0 });
		return;
	}
}

/* "test_a (test_x.T.test_a) ... ok" */
static void
read_unittest(Suite *s, Str line)
{
	static const Ending endings[] = { { "ok", CASE_PASSED }, { "FAIL", CASE_FAILED }, { "ERROR", CASE_ERROR },
		{ "skipped", CASE_SKIPPED }, { "expected failure", CASE_SKIPPED },
		{ "unexpected success", CASE_FAILED } };
	Str word;
	size_t at;

	if (!str_find(line, str_of(" ... "), &at))
		return;
	word = str_sub(line, at + 5, line.n);
	for (size_t i = 0; i < countof(endings); i++) {
		if (!str_starts(word, str_of(endings[i].text)))
			continue;
		add_case(s, str_sub(line, 0, at), endings[i].status, 0, (Str){ 0 });
		return;
	}
}

/* "ok 1 - name", "not ok 2 - name", "ok 3 - name # SKIP why" */
static void
read_tap(Suite *s, Str line)
{
	bool good = str_starts(line, str_of("ok ")), bad = str_starts(line, str_of("not ok "));
	Str name = str_sub(line, good ? 3 : 7, line.n), upper;
	size_t n = 0, at;
	CaseStatus status = good ? CASE_PASSED : CASE_FAILED;

	if (!good && !bad)
		return;
	while (n < name.n && name.p[n] >= '0' && name.p[n] <= '9')
		n++;
	name = str_trim(str_sub(name, n, name.n));
	if (str_starts(name, str_of("- ")))
		name = str_trim(str_sub(name, 2, name.n));
	if (str_find(name, str_of("#"), &at)) {
		upper = str_lower(s->a, str_trim(str_sub(name, at + 1, name.n)));
		if (str_starts(upper, str_of("skip")) || str_starts(upper, str_of("todo")))
			status = CASE_SKIPPED;
		name = str_trim(str_sub(name, 0, at));
	}
	add_case(s, name, status, 0, (Str){ 0 });
}

/* The plan says more than came: the rest is missing. "1..5" */
static void
read_plan(Suite *s, Str text)
{
	int64_t planned = 0;
	Str line;

	while (str_cut(&text, '\n', &line))
		if (str_starts(line, str_of("1..")))
			(void)str_to_int(str_trim(str_sub(line, 3, line.n)), &planned);
	if (planned > s->counts.total)
		add_case(s, str_of("plan"), CASE_ERROR, 0,
		    str_fmt(
			s->a, "%lld tests were planned and %lld came", (long long)planned, (long long)s->counts.total));
}

static void
read_lines(Suite *s, Str text, void (*read)(Suite *s, Str line))
{
	Str line;

	while (str_cut(&text, '\n', &line))
		read(s, str_trim(line));
	s->counted = s->counts.total > 0;
}

static int64_t
number_of(const Json *o, const char *key, const char *also)
{
	const Json *v = json_get(o, key);

	return count_of(json_as_int(json_is_null(v) ? json_get(o, also) : v, 0));
}

static CaseStatus
case_status_of(Str name)
{
	for (int i = 0; i < CASE_STATUSES; i++)
		if (str_is(name, case_names[i]))
			return (CaseStatus)i;
	return CASE_ERROR;
}

/* One object, or the last line of what was printed. */
static bool
json_of(Arena *a, Str text, Json *ret)
{
	Str rest = text, line, last = text;

	if (json_parse(a, text, NULL, ret, NULL) && json_is(ret, JSON_OBJECT))
		return true;
	while (str_cut(&rest, '\n', &line))
		if (str_trim(line).n > 0)
			last = str_trim(line);
	return json_parse(a, last, NULL, ret, NULL) && json_is(ret, JSON_OBJECT);
}

static void
read_json(Suite *s, Str text)
{
	const Json *cases;
	Json o;

	if (!json_of(s->a, text, &o))
		return;
	cases = json_get(&o, "test_cases");
	if (json_is_null(cases))
		cases = json_get(&o, "testCases");
	for (size_t i = 0; json_is(cases, JSON_ARRAY) && i < cases->n; i++) {
		const Json *one = &cases->items[i];
		Str problem = json_get_text(one, "error_message");

		add_case(s, json_get_text(one, "name"), case_status_of(json_get_text(one, "status")),
		    number_of(one, "duration_ms", "durationMs"),
		    str_none(problem) ? json_get_text(one, "errorMessage") : problem);
	}
	s->counted = s->counts.total > 0;
	if (s->counted || json_is_null(json_get(&o, "passed")))
		return;
	s->counted = true;
	s->counts = (TestCounts){ .passed = number_of(&o, "passed", "passed"),
		.failed = number_of(&o, "failed", "failed"),
		.skipped = number_of(&o, "skipped", "skipped") };
	s->counts.total = s->counts.passed + s->counts.failed + s->counts.skipped;
}

static void
read_output(Suite *s, const TestRunner *r, const TestEnd *end)
{
	Str both = str_fmt(s->a, "%.*s\n%.*s", STR_ARG(end->out), STR_ARG(end->err));

	if (r->format == TEST_JSON) {
		read_json(s, end->out);
	} else if (r->format == TEST_TAP) {
		read_lines(s, end->out, read_tap);
		read_plan(s, end->out);
	} else {
		read_labels(s, both);
		if (!s->counted && r->kind == TEST_PYTEST)
			read_lines(s, end->out, read_pytest);
		if (!s->counted && r->kind == TEST_UNITTEST)
			read_lines(s, end->err, read_unittest);
	}
}

/* ---- a suite ---- */

static Str
tail(Arena *a, Str text, size_t most)
{
	return text.n <= most ? text : utf8_clean(a, str_sub(text, text.n - most, text.n));
}

static Str
last_words(Arena *a, const TestEnd *end)
{
	Str text = str_trim(end->err);

	return tail(a, text.n == 0 ? str_trim(end->out) : text, WORDS_MOST);
}

/* A total that is more than its parts is of tests that never ended. */
static void
counts_settle(TestCounts *c)
{
	int64_t known = c->passed + c->failed + c->skipped;

	if (c->total > known)
		c->failed += c->total - known;
	else
		c->total = known;
}

/* The runner itself, with all that it printed, is the first case when its output names none, or when it did not end well. */
static void
add_runner(Suite *s, const TestRunner *r, const TestEnd *end)
{
	bool bad = end->code != 0 && s->counts.failed == 0;
	CaseStatus status = !str_none(end->problem)       ? CASE_ERROR
			    : bad || s->counts.failed > 0 ? CASE_FAILED
							  : CASE_PASSED;
	Str problem = !str_none(end->problem) ? end->problem
		      : bad ? str_fmt(s->a, "exit code %d: %.*s", end->code, STR_ARG(last_words(s->a, end)))
			    : (Str){ 0 };
	Json one;

	if (!s->counted || bad || !str_none(end->problem)) {
		s->counts.total++;
		s->counts.passed += status == CASE_PASSED;
		s->counts.failed += status != CASE_PASSED;
	}
	one = case_make(s->a, r->entry_point, status, end->took / US_PER_MS, problem);
	json_set(s->a, &one, "stdout", json_str(tail(s->a, end->out, OUTPUT_MOST)));
	json_set(s->a, &one, "stderr", json_str(tail(s->a, end->err, OUTPUT_MOST)));
	json_push(s->a, &s->cases, one);
}

Json
test_suite(Arena *a, const TestRunner *r, const TestEnd *end, TestCounts *counts)
{
	Suite s = { .a = a, .cases = json_array() };
	Json o = json_object();

	read_output(&s, r, end);
	counts_settle(&s.counts);
	add_runner(&s, r, end);
	json_add(a, &o, "name", json_str(r->name));
	json_add(a, &o, "runnerType", json_cstr(test_runner_names[r->kind]));
	json_add(a, &o, "total", json_int(s.counts.total));
	json_add(a, &o, "passed", json_int(s.counts.passed));
	json_add(a, &o, "failed", json_int(s.counts.failed));
	json_add(a, &o, "skipped", json_int(s.counts.skipped));
	json_add(a, &o, "durationMs", json_int(end->took / US_PER_MS));
	json_add(a, &o, "testCases", s.cases);
	counts->total += s.counts.total;
	counts->passed += s.counts.passed;
	counts->failed += s.counts.failed;
	counts->skipped += s.counts.skipped;
	return o;
}

double
test_pass_rate(const TestCounts *c)
{
	int64_t counted = c->passed + c->failed;

	return counted == 0 ? 1 : (double)c->passed / (double)counted;
}

const char *
test_status(const TestCounts *c)
{
	if (c->failed == 0)
		return c->passed > 0 ? "passed" : "skipped";
	return c->passed > 0 ? "partial" : "failed";
}

bool
tests_good(const PackTests *t, const TestCounts *c)
{
	return c->failed == 0 || test_pass_rate(c) >= t->min_pass_rate;
}
