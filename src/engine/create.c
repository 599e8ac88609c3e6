/* Executions that somebody asks for, by the API mostly. */
#include "engine/inner.h"

#include "engine/keys.h"
#include "engine/limits.h"
#include "model/params.h"

static bool
action_wanted(Uow *u, const ExecutionIn *in, const ActionDef **ret, Err *err)
{
	*ret = defs_action_ref(u->e->defs, in->action_ref);
	if (*ret == NULL)
		return err_set(err, ERR_NOT_FOUND, "Action '%.*s' not found", STR_ARG(in->action_ref));
	if (!(*ret)->enabled)
		return err_set(err, ERR_CONFLICT, "Action '%.*s' is disabled", STR_ARG(in->action_ref));
	return storable("A parameter", in->params, err) && storable("An environment variable", in->env_vars, err);
}

static bool
execution_asked(Uow *u, const ExecutionIn *in, ExecNew *ret, Secrets *secrets, Err *err)
{
	const ActionDef *action;

	if (!action_wanted(u, in, &action, err))
		return false;
	*ret = (ExecNew){
		.action = action->id,
		.action_ref = action->ref,
		.config = in->params,
		.env_vars = in->env_vars,
		.parent = in->parent,
		.executor = in->executor,
		.permission_set_refs = json_is(in->permission_set_refs, JSON_ARRAY)
					   ? in->permission_set_refs
					   : &action->default_permission_set_refs,
		.worker_selector = in->worker_selector,
		.worker_tolerations = in->worker_tolerations,
		.worker_affinity = in->worker_affinity,
		.status = EXEC_REQUESTED,
		.wait = WAIT_QUEUED,
		.wait_class = wait_class_of(
		    u->arena, action->id, in->worker_selector, in->worker_tolerations, in->worker_affinity),
		.timeout_seconds = in->timeout_seconds != 0 ? in->timeout_seconds : action->timeout_seconds,
		.priority = in->priority,
		.due = in->due > u->now ? in->due : 0,
		.artifact_policy = in->artifact_policy,
		.artifact_limit = in->artifact_limit,
		.correlation = uuid_none(in->correlation) ? uuid_new(u->now) : in->correlation,
		.by = in->by,
	};
	exec_settle(u, action, ret, secrets);
	return true;
}

/* One that is failed at once, or has secrets, writes more than its row, and one that is part of another looks that up before. */
static bool
row_alone(const ExecNew *row, const Secrets *secrets)
{
	return !exec_terminal(row->status) && secrets->n == 0 && row->parent == 0;
}

static bool
create_known(Uow *u, const ExecutionIn *in, size_t n, ExecutionOut *ret, Err *err)
{
	ExecNew *rows = arena_array(u->arena, ExecNew, n + 1);
	Secrets *secrets = arena_array(u->arena, Secrets, n + 1);
	Id *ids = arena_array(u->arena, Id, n + 1);
	bool placed;

	for (size_t i = 0; i < n; i++)
		if (!execution_asked(u, &in[i], &rows[i], &secrets[i], err))
			return false;
	if (n == 1 && !place_newborns(u, rows, 1, &placed, err))
		return false;
	if (n == 1 && row_alone(&rows[0], &secrets[0]))
		uow_last_now(u);
	if (!exec_make(u, rows, secrets, n, ids, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		ret[i] = (ExecutionOut){ .id = ids[i], .status = rows[i].status };
		if (rows[i].status == EXEC_SCHEDULED)
			newborn_placed(u, &rows[i], ids[i]);
		else if (!exec_terminal(rows[i].status))
			out_requested(u, ids[i], rows[i].action, str_copy(u->arena, rows[i].action_ref), rows[i].parent,
			    0, rows[i].correlation);
	}
	return true;
}

/* By what this process knows: its worker, if it may be one that has nothing to do. What is wrong with it is said by who asks. */
static bool
guess(Uow *u, const ExecutionIn *in, ExecNew *row)
{
	Secrets secrets = { 0 };
	Err odd = { 0 };

	if (!execution_asked(u, in, row, &secrets, &odd) || !row_alone(row, &secrets))
		return false;
	limits_born(u, row, 1);
	return !row->limited && row->artifact_limit == 0 && newborn_guess(u, row);
}

/*
 * While workers have nothing to do, a run takes one round trip, its commit included: it is given to one of them under the condition
 * that all is as it was when this thread last looked. Where that fails nothing was done, and the next run asks before it is made.
 */
static bool
create_guessed(Uow *u, const ExecutionIn *in, Id known, ExecutionOut *ret, bool *ret_made, Err *err)
{
	ExecNew row;
	Id id;

	*ret_made = false;
	if (known == 0 || !guess(u, in, &row))
		return true;
	uow_last_now(u);
	if (!execution_insert_guess(u->db, u->arena, &row, known, u->now, &id, err))
		return false;
	u->idle = *ret_made = id != 0;
	if (id == 0)
		return true;
	exec_say_created(u, &row, id);
	newborn_placed(u, &row, id);
	*ret = (ExecutionOut){ .id = id, .status = row.status };
	return true;
}

static bool
create_at_once(Uow *u, const ExecutionIn *in, ExecutionOut *ret, bool *ret_made, Err *err)
{
	Id known;
	bool ok;

	*ret_made = false;
	if (!u->idle || u->last == NULL || db_kind(u->db) == STORE_SQLITE || !defs_peek(u->e->defs, &known))
		return true;
	ok = create_guessed(u, in, known, ret, ret_made, err);
	defs_leave(u->e->defs);
	return ok;
}

bool
executions_create(Uow *u, const ExecutionIn *in, size_t n, ExecutionOut *ret, Err *err)
{
	bool ok, made = false;

	if (n == 0)
		return true;
	if (n == 1 && (!create_at_once(u, in, ret, &made, err) || made))
		return made;
	/* many at once wait for the executor, which shares its commit and its looks among them */
	if (n == 1) {
		defs_enter_ahead(u->e->defs, u->db, u->arena);
		place_newborn_ahead(u);
	}
	if (!defs_enter(u->e->defs, u->db, u->arena, err))
		return false;
	ok = create_known(u, in, n, ret, err);
	defs_leave(u->e->defs);
	return ok;
}

bool
execution_create(Uow *u, const ExecutionIn *in, ExecutionOut *ret, Err *err)
{
	return executions_create(u, in, 1, ret, err);
}

bool
execution_check(Uow *u, const ExecutionIn *in, Err *err)
{
	const ActionDef *action;
	Json values = in->params == NULL ? json_null() : *in->params, schema;
	bool ok;

	if (!defs_enter(u->e->defs, u->db, u->arena, err))
		return false;
	ok = action_wanted(u, in, &action, err);
	if (ok) {
		schema = keys_spare(u, action);
		ok = params_prepare(u->arena, "action", action->ref, &schema, &values, false, err);
	}
	defs_leave(u->e->defs);
	return ok;
}
