/*
 * What is asked of people: whom, how many of them, and what happens until somebody answers. Read from the parameters of core.ask and
 * from requests alike. Pure.
 */
#pragma once

#include "base/clock.h"
#include "base/json.h"

/* Nothing set: anybody who may answer. */
typedef struct Whom {
	Id identity;
	Str login, role;
} Whom;

/* Nobody has answered for so long: now somebody else is asked. */
typedef struct Escalation {
	TimeUs after; /* since it was asked */
	Whom whom;
} Escalation;

enum { ESCALATIONS_MOST = 16, ANSWERERS_MOST = 100, PROMPT_MOST = 10000 };

typedef struct Question {
	Str prompt;
	Json response_schema, default_response; /* null: none */
	Whom whom;
	int64_t required; /* answers of so many people */
	TimeUs remind_every;
	Escalation steps[ESCALATIONS_MOST]; /* in order of their time */
	size_t steps_n;
} Question;

/* ERR_VALIDATION begins with the name of what is wrong: "required_responses: ...". */
MUST_CHECK bool question_read(Arena *a, const Json *v, Question *ret, Err *err);

/* When something is to be done next about one that was asked then; 0: never. */
TimeUs question_next(TimeUs asked, TimeUs timeout_at, TimeUs remind_every, int64_t reminded, TimeUs escalate_after);
/* How many reminders there have been by now. */
int64_t question_reminders(TimeUs asked, TimeUs remind_every, TimeUs now);
