#include "engine/due.h"

#include "base/log.h"
#include "engine/inquiries.h"
#include "store/workflow_run.h"

enum { SOME = 500 };

static const TimeUs later_us = 60 * US_PER_S;

typedef struct DueKind {
	const char *what;
	bool (*due)(Db *db, Arena *a, TimeUs now, size_t most, Id **ret, size_t *ret_n, Err *err);
	bool (*look)(Uow *u, Id id, Err *err);
	bool (*later)(Db *db, Arena *a, Id id, TimeUs until, Err *err);
} DueKind;

static bool
run_look(Uow *u, Id id, Err *err)
{
	return workflow_step(u, &id, 1, err);
}

static const DueKind kinds[] = {
	{ "Inquiry", inquiry_due, inquiry_look, inquiry_later },
	{ "Workflow run", workflow_run_due, run_look, workflow_run_later },
};

static bool
together(Uow *u, TimeUs *ret_next, Err *err)
{
	TimeUs asked = 0;

	*ret_next = 0;
	if (!uow_begin(u, err) || !inquiries_due(u, &asked, err) || !workflow_due(u, ret_next, err) ||
	    !schedule(u, err))
		return false;
	if (*ret_next == 0 || (asked != 0 && asked < *ret_next))
		*ret_next = asked;
	return uow_commit(u, &points_step, err);
}

static bool
one_alone(Uow *u, const DueKind *k, Id id, Err *err)
{
	Err why = { 0 };

	if (uow_begin(u, &why) && k->look(u, id, &why) && uow_commit(u, &points_step, &why))
		return true;
	if (err_passes(why.code)) {
		*err = why;
		return false;
	}
	uow_abort(u);
	log_error(
	    "%s %lld cannot be looked at in its time, trying again in a minute: %s", k->what, (long long)id, why.text);
	return uow_begin(u, err) && k->later(u->db, u->arena, id, u->now + later_us, err) &&
	       uow_commit(u, &points_step, err);
}

static bool
each_alone(Uow *u, const DueKind *k, Err *err)
{
	CLEANUP(arena_done) Arena *a = arena_open(); /* outlives the transactions */
	Id *ids;
	size_t n;

	if (!uow_begin(u, err) || !k->due(u->db, a, u->now, SOME, &ids, &n, err) || !uow_commit(u, &points_step, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!one_alone(u, k, ids[i], err))
			return false;
	return true;
}

bool
due_turn(Uow *u, TimeUs *ret_next, Err *err)
{
	if (together(u, ret_next, err))
		return true;
	if (err_passes(err->code))
		return false;
	uow_abort(u);
	*err = (Err){ 0 };
	for (size_t i = 0; i < countof(kinds); i++)
		if (!each_alone(u, &kinds[i], err))
			return false;
	return together(u, ret_next, err);
}
