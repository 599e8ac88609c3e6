#include "api/identity_stop.h"

#include "api/rule_messages.h"
#include "engine/moves.h"
#include "store/change.h"
#include "store/execution_read.h"
#include "store/rule.h"
#include "store/session.h"

/* One that has moved on in this moment is let go. */
static bool
cancel_each(App *app, const Json *rows, Err *err)
{
	for (size_t i = 0; i < rows->n; i++) {
		ExecState state;
		Id id = json_as_int(json_get(&rows->items[i], "id"), 0);

		if (!execution_cancel(app->uow, id, str_of("api"), &state, err) && err->code != ERR_STALE &&
		    err->code != ERR_CONFLICT)
			return false;
		err_clear(err);
	}
	return true;
}

/* What would have run on behalf of somebody who is gone does not run any more. */
static bool
cancel_waiting(App *app, Id identity, Err *err)
{
	static const ExecState states[] = { EXEC_REQUESTED, EXEC_SCHEDULED };
	enum { STEP = 1000 };
	Arena *a = app->uow->arena;

	for (size_t i = 0; i < countof(states); i++) {
		ExecFilter f = { .executor = identity, .status = states[i] };
		Slice slice = { .size = STEP };
		SliceOut out;

		do {
			if (!execution_list(app_db(app), a, &f, &slice, &out, err) || !cancel_each(app, &out.rows, err))
				return false;
			slice.after = out.last;
		} while (out.more);
	}
	return true;
}

bool
identity_stop(App *app, Id identity, const char *why, Err *err)
{
	return sessions_end(
		   app_db(app), app->uow->arena, &(SessionsOf){ .identity = identity }, why, app->uow->now, err) &&
	       cancel_waiting(app, identity, err);
}

bool
identity_rules_look(App *app, Id identity, Err *err)
{
	RuleDef *rules;
	size_t n;

	if (!rule_list_owner(app_db(app), app->uow->arena, identity, &rules, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!change_note(app_db(app), app->uow->arena, "rule", rules[i].id, app->uow->now, err))
			return false;
	return true;
}

bool
identity_rules_off(App *app, Id identity, Err *err)
{
	RuleDef *rules;
	size_t n;

	if (!rule_list_owner(app_db(app), app->uow->arena, identity, &rules, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		RuleDef before = rules[i];
		DefPut put;

		rules[i].enabled = false;
		if (!rule_put(app_db(app), app->uow->arena, &rules[i], app->uow->now, &put, err))
			return false;
		if (put.changed)
			out_rule_changed(app->uow, &before, &rules[i]);
	}
	return true;
}
