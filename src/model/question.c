#include "model/question.h"

#include "model/duration.h"
#include "model/params.h"

static const TimeUs time_most = 366 * 24 * 3600LL * US_PER_S;
static const char role_mark[] = "role:";

static bool
bad(Err *err, const char *key, const char *what)
{
	return err_set(err, ERR_VALIDATION, "%s: %s", key, what);
}

/* Nothing: 0. */
static bool
read_time(const Json *of, const char *key, TimeUs *ret, Err *err)
{
	const Json *v = json_get(of, key);

	*ret = 0;
	if (json_is_null(v))
		return true;
	return (duration_of(v, ret) && *ret >= US_PER_S && *ret <= time_most) ||
	       bad(err, key, "must be seconds, or a text like 30m or 2d: at least 1 s, at most a year");
}

static bool
read_whom(const Json *of, Whom *ret, Err *err)
{
	static const char wrong[] = "must be an identity, by its id or login, or role:NAME";
	const Json *to = json_get(of, "assigned_to");
	Str role = json_get_text(of, "assigned_role"), mark = { role_mark, sizeof(role_mark) - 1 };

	*ret = (Whom){ 0 };
	if (!json_is_null(json_get(of, "assigned_role"))) {
		if (role.n == 0)
			return bad(err, "assigned_role", "must be the name of a role");
		ret->role = role;
	}
	if (json_is_null(to))
		return true;
	if (to->kind == JSON_INT && json_as_int(to, 0) > 0) {
		ret->identity = json_as_int(to, 0);
	} else if (to->kind == JSON_STRING && str_starts(json_as_str(to), mark)) {
		ret->role = str_sub(json_as_str(to), mark.n, json_as_str(to).n);
	} else if (to->kind == JSON_STRING) {
		ret->login = json_as_str(to);
	} else {
		return bad(err, "assigned_to", wrong);
	}
	return ret->identity != 0 || ret->login.n > 0 || ret->role.n > 0 || bad(err, "assigned_to", wrong);
}

static bool
read_step(const Json *v, Question *q, Err *err)
{
	Escalation *s = &q->steps[q->steps_n];

	if (v->kind != JSON_OBJECT)
		return bad(err, "escalate", "must be like {after: 30m, assigned_to: somebody}, or a list of these");
	if (!read_time(v, "after", &s->after, err) || !read_whom(v, &s->whom, err))
		return err_wrap(err, "escalate");
	if (s->after == 0)
		return bad(err, "escalate", "'after' is missing: how long nobody may have answered");
	if (q->steps_n > 0 && q->steps[q->steps_n - 1].after >= s->after)
		return bad(err, "escalate", "each step must come 'after' the one before it");
	q->steps_n++;
	return true;
}

static bool
read_steps(const Json *of, Question *q, Err *err)
{
	const Json *v = json_get(of, "escalate");

	if (json_is_null(v))
		return true;
	if (v->kind != JSON_ARRAY)
		return read_step(v, q, err);
	if (v->n > ESCALATIONS_MOST)
		return bad(err, "escalate", "has more than 16 steps");
	for (size_t i = 0; i < v->n; i++)
		if (!read_step(&v->items[i], q, err))
			return false;
	return true;
}

static bool
read_answers(Arena *a, const Json *of, Question *q, Err *err)
{
	const Json *schema = json_get(of, "response_schema"), *need = json_get(of, "required_responses");
	const Json *answer = json_get(of, "default");

	if (!json_is_null(schema)) {
		if (!params_schema_check(a, schema, err))
			return err_wrap(err, "response_schema");
		q->response_schema = *schema;
	}
	if (!json_is_null(need)) {
		q->required = json_as_int(need, 0);
		if (q->required < 1 || q->required > ANSWERERS_MOST)
			return bad(err, "required_responses", "must be a whole number from 1 to 100");
	}
	if (json_is_null(answer))
		return true;
	q->default_response = *answer;
	return answer->kind == JSON_OBJECT || bad(err, "default", "must be an object, as an answer is");
}

bool
question_read(Arena *a, const Json *v, Question *ret, Err *err)
{
	*ret = (Question){ .prompt = json_get_text(v, "prompt"), .required = 1 };
	if (ret->prompt.n == 0 || ret->prompt.n > PROMPT_MOST * 4)
		return bad(err, "prompt", "must be a text of 1 to 10000 characters");
	return read_answers(a, v, ret, err) && read_whom(v, &ret->whom, err) &&
	       read_time(v, "remind_every", &ret->remind_every, err) && read_steps(v, ret, err);
}

TimeUs
question_next(TimeUs asked, TimeUs timeout_at, TimeUs remind_every, int64_t reminded, TimeUs escalate_after)
{
	TimeUs next = timeout_at;
	TimeUs others[] = { remind_every == 0 ? 0 : asked + remind_every * (reminded + 1),
		escalate_after == 0 ? 0 : asked + escalate_after };

	for (size_t i = 0; i < countof(others); i++)
		if (others[i] != 0 && (next == 0 || others[i] < next))
			next = others[i];
	return next;
}

int64_t
question_reminders(TimeUs asked, TimeUs remind_every, TimeUs now)
{
	return remind_every == 0 || now < asked ? 0 : (now - asked) / remind_every;
}
