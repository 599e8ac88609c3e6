#include "model/question.h"

#include "base/yaml.h"
#include "test.h"

static Json
yaml(Arena *a, const char *text)
{
	Json v;
	Err err = { 0 };

	CHECK_OK(yaml_parse(a, "test", str_of(text), NULL, &v, &err), err);
	return v;
}

TEST(a_question_says_whom_how_many_and_what_happens_until_then)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json v = yaml(a,
	    "{prompt: Go?, assigned_to: 'role:ops', required_responses: 2, default: {ok: false}, remind_every: 30m,"
	    " escalate: [{after: 1h, assigned_to: ann}, {after: 2h, assigned_to: 7}], response_schema: {ok: {type: "
	    "boolean}}}");
	Question q;
	Err err = { 0 };

	CHECK_OK(question_read(a, &v, &q, &err), err);
	CHECK_STR(q.prompt, str_of("Go?"));
	CHECK_STR(q.whom.role, str_of("ops"));
	CHECK_INT(q.required, 2);
	CHECK_INT(q.remind_every, 1800 * US_PER_S);
	CHECK_INT((int64_t)q.steps_n, 2);
	CHECK_STR(q.steps[0].whom.login, str_of("ann"));
	CHECK_INT(q.steps[1].whom.identity, 7);
	CHECK_INT(q.steps[1].after, 7200LL * US_PER_S);
	v = yaml(a, "{prompt: x, escalate: {after: 5, assigned_role: boss}}");
	CHECK_OK(question_read(a, &v, &q, &err), err);
	CHECK_INT(q.required, 1);
	CHECK_STR(q.steps[0].whom.role, str_of("boss"));
	CHECK(q.whom.identity == 0 && str_none(q.whom.login) && str_none(q.whom.role));
}

TEST(a_question_that_cannot_be_is_refused_by_what_is_wrong)
{
	static const struct {
		const char *text, *names;
	} table[] = {
		{ "{}", "prompt: " },
		{ "{prompt: ''}", "prompt: " },
		{ "{prompt: x, assigned_to: 0}", "assigned_to: " },
		{ "{prompt: x, assigned_to: 'role:'}", "assigned_to: " },
		{ "{prompt: x, assigned_to: [1]}", "assigned_to: " },
		{ "{prompt: x, assigned_role: 5}", "assigned_role: " },
		{ "{prompt: x, required_responses: 0}", "required_responses: " },
		{ "{prompt: x, required_responses: 101}", "required_responses: " },
		{ "{prompt: x, required_responses: two}", "required_responses: " },
		{ "{prompt: x, default: yes}", "default: " },
		{ "{prompt: x, remind_every: 0.5}", "remind_every: " },
		{ "{prompt: x, remind_every: often}", "remind_every: " },
		{ "{prompt: x, remind_every: -9000000000000000000}", "remind_every: " },
		{ "{prompt: x, remind_every: -1.0e+300}", "remind_every: " },
		{ "{prompt: x, remind_every: 1.0e+300}", "remind_every: " },
		{ "{prompt: x, escalate: 5}", "escalate: " },
		{ "{prompt: x, escalate: {assigned_to: 5}}", "'after' is missing" },
		{ "{prompt: x, escalate: {after: 5m, assigned_to: -1}}", "escalate: assigned_to: " },
		{ "{prompt: x, escalate: [{after: 5m}, {after: 5m}]}", "the one before it" },
		{ "{prompt: x, response_schema: {a: {type: nothing}}}", "response_schema: " },
	};
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(table); i++) {
		Json v = yaml(a, table[i].text);
		Question q;
		Err err = { 0 };

		if (question_read(a, &v, &q, &err))
			test_fail(__FILE__, __LINE__, "accepted: %s", table[i].text);
		CHECK_INT(err.code, ERR_VALIDATION);
		if (!str_find(str_of(err.text), str_of(table[i].names), NULL))
			test_fail(
			    __FILE__, __LINE__, "%s: '%s' does not name '%s'", table[i].text, err.text, table[i].names);
	}
}

TEST(what_is_done_next_about_a_question_is_the_first_of_its_times)
{
	CHECK_INT(question_next(100, 0, 0, 0, 0), 0);
	CHECK_INT(question_next(100, 900, 0, 0, 0), 900);
	CHECK_INT(question_next(100, 900, 300, 0, 0), 400);
	CHECK_INT(question_next(100, 900, 300, 1, 200), 300);
	CHECK_INT(question_next(100, 0, 300, 1, 0), 700);
	CHECK_INT(question_next(100, 900, 500, 3, 0), 900);
	CHECK_INT(question_reminders(100, 0, 900), 0);
	CHECK_INT(question_reminders(100, 300, 399), 0);
	CHECK_INT(question_reminders(100, 300, 1000), 3);
	CHECK_INT(question_reminders(100, 300, 50), 0);
}
