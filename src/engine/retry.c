/* Runs that went wrong and are tried again: a new row, in the transaction that ends the old one, with its time in it. */
#include "engine/retry.h"

#include "base/log.h"
#include "engine/secrets.h"

static bool
secrets_of(Uow *u, Id id, Secrets *ret, Err *err)
{
	*ret = (Secrets){ 0 };
	return secrets_open(u->db, u->arena, u->e->vault, SECRET_OF_EXECUTION, id, &ret->list, &ret->n, err);
}

static bool
make_with(Uow *u, const RetryRow *row, const RetryNew *in, const Secrets *had, Id *ret, Err *err)
{
	TimeUs due = in->due;

	if (!retry_insert(u->db, u->arena, in, u->now, ret, err) || !secrets_keep(u, *ret, had, err))
		return false;
	change_add(u, CHANGE_EXECUTION_CREATED, *ret, exec_state_name(EXEC_REQUESTED), NULL);
	/* also when it is for later: whoever schedules looks when it has to look again */
	out_requested(
	    u, *ret, row->action, str_copy(u->arena, row->action_ref), row->parent, row->enforcement, row->correlation);
	due_note(u, due);
	return true;
}

/* No key of this installation opens them; a database that fails is another matter. */
static bool
unreadable(const Err *err)
{
	return err->code == ERR_CORRUPT || err->code == ERR_INVALID;
}

bool
retry_make(Uow *u, const RetryRow *row, const RetryNew *in, Id *ret, Err *err)
{
	Secrets had;
	Err why = { 0 };

	if (secrets_of(u, row->id, &had, &why))
		return make_with(u, row, in, &had, ret, err);
	if (unreadable(&why))
		return err_set(err, ERR_VALIDATION,
		    "Execution %lld cannot be run again: a secret that it was given cannot be read any more (%s); run "
		    "its action anew with the secret",
		    (long long)row->id, why.text);
	*err = why;
	return err_wrap(err, "Execution %lld cannot be run again", (long long)row->id);
}

bool
retry_try(Uow *u, const RetryRow *row, const RetryNew *in, Id *ret, Err *err)
{
	Secrets had;
	Err why = { 0 };

	*ret = 0;
	if (secrets_of(u, row->id, &had, &why))
		return make_with(u, row, in, &had, ret, err);
	if (!unreadable(&why)) {
		*err = why;
		return false;
	}
	log_warn("Execution %lld is not tried again: %s", (long long)row->id, why.text);
	return true;
}

TimeUs
retry_due(Uow *u, const RetryPlan *plan, const RetryRow *row)
{
	uint64_t luck = uuid_new(u->now).b[15] * 4099u + (uint64_t)row->id * 7919u;
	TimeUs wait = retry_wait(plan, row->count + 1, luck);

	return wait == 0 ? 0 : u->now + wait;
}

static bool
one_again(Uow *u, RunEnd *end, const RetryRow *row, unsigned reason, Err *err)
{
	RetryPlan plan;
	Err odd = { 0 };
	RetryNew next = { .ended = row->id, .reason = retry_reason_name(reason), .by = u->e->process };
	Id made;

	/* the commit may have been made before, with nobody told of it */
	end->again = row->id != 0 && row->made;
	if (row->id == 0 || row->made || !retry_read(&row->plan, &plan, &odd) || !(plan.on & reason) ||
	    row->count >= plan.count)
		return true;
	next.due = retry_due(u, &plan, row);
	if (!retry_try(u, row, &next, &made, err))
		return false;
	end->again = made != 0;
	return true;
}

bool
retries_make(Uow *u, RunEnd *ends, size_t n, Err *err)
{
	Id *ids = arena_array(u->arena, Id, n + 1);
	size_t *which = arena_array(u->arena, size_t, n + 1), some = 0;
	RetryRow *rows;

	for (size_t i = 0; i < n; i++) {
		/* what never ran would not run the next time */
		if (ends[i].row->attempt == 0 || retry_reason(ends[i].row->to, ends[i].result) == 0)
			continue;
		which[some] = i;
		ids[some++] = ends[i].id;
	}
	if (some == 0)
		return true;
	rows = arena_array(u->arena, RetryRow, some);
	if (!retry_rows(u->db, u->arena, ids, some, rows, err))
		return false;
	for (size_t i = 0; i < some; i++) {
		RunEnd *e = &ends[which[i]];

		if (!one_again(u, e, &rows[i], retry_reason(e->row->to, e->result), err))
			return false;
	}
	return true;
}

bool
execution_retry(Uow *u, Id id, Str by, Id *ret, Err *err)
{
	ExecLive e;
	RetryRow row;
	bool placed;

	if (!execution_peek(u->db, u->arena, id, &e, err))
		return false;
	if (e.id == 0)
		return err_set(err, ERR_NOT_FOUND, "Execution with ID %lld not found", (long long)id);
	if (!exec_terminal(e.status))
		return err_set(err, ERR_CONFLICT, "Execution %lld is %s: only a run that has ended can be tried again",
		    (long long)id, exec_state_name(e.status));
	if (!retry_possible(u->db, u->arena, id, &placed, err))
		return false;
	if (!placed)
		return err_set(err, ERR_CONFLICT,
		    "Execution %lld was refused before it could wait for a worker: run its action anew instead",
		    (long long)id);
	row = (RetryRow){ .id = id,
		.action = e.action,
		.action_ref = e.action_ref,
		.parent = e.parent,
		.enforcement = e.enforcement,
		.correlation = e.correlation };
	return retry_make(u, &row, &(RetryNew){ .ended = id, .reason = "manual", .by = by }, ret, err);
}
