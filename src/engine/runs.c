/* The worker's moves: claims, results, and what it gives back. */
#include "engine/ended.h"

#include "engine/keys.h"
#include "engine/limits.h"
#include "engine/secrets.h"
#include "model/build.h"
#include "store/execution_aside.h"
#include "store/execution_limits.h"
#include "store/workflow_run.h"

static ActionDef
action_copy(Arena *a, const ActionDef *d)
{
	ActionDef c = *d;

	c.ref = str_copy(a, d->ref);
	c.pack_ref = str_copy(a, d->pack_ref);
	c.entrypoint = str_copy(a, d->entrypoint);
	c.parameter_delivery = str_copy(a, d->parameter_delivery);
	c.parameter_format = str_copy(a, d->parameter_format);
	c.output_format = str_copy(a, d->output_format);
	c.sandbox = str_copy(a, d->sandbox);
	c.log_retention_policy = str_copy(a, d->log_retention_policy);
	c.limits = json_clone(a, &d->limits);
	c.out_schema = json_clone(a, &d->out_schema);
	return c;
}

static Str
runtimes_known(Arena *a, Uow *u)
{
	size_t n;
	const WorkerDef *const *workers = defs_workers(u->e->defs, &n);
	Buf b = buf_open(a);

	for (size_t i = 0; i < n; i++) {
		const Json *names = json_get(&workers[i]->capabilities, "runtimes");

		for (size_t k = 0; names != NULL && names->kind == JSON_ARRAY && k < names->n; k++) {
			Str name = json_as_str(&names->items[k]);
			Str had = { b.p, b.n };

			if (b.n > 0 && str_find(had, name, NULL))
				continue;
			buf_fmt(&b, "%s%.*s", b.n > 0 ? ", " : "", STR_ARG(name));
		}
	}
	return buf_str(&b);
}

/* The parameters as the process gets them. */
static bool
claim_params(Uow *u, RunClaim *c, const ActionDef *action, Err *err)
{
	Secret *list = NULL;
	size_t n = 0;

	c->params = c->row.config;
	c->secrets = json_array();
	if (secrets_marked(&c->row.config)) {
		if (!secrets_open(u->db, u->arena, u->e->vault, SECRET_OF_EXECUTION, c->execution, &list, &n, err))
			return false;
		secrets_put(u->arena, &c->params, list, n);
	}
	for (size_t i = 0; i < n; i++)
		json_push(u->arena, &c->secrets, list[i].value);
	return keys_deliver(u, action, &c->params, &c->secrets, err);
}

static const Json *
worker_capabilities(Uow *u, Id worker)
{
	size_t n;
	const WorkerDef *const *workers = defs_workers(u->e->defs, &n);

	for (size_t i = 0; i < n; i++)
		if (workers[i]->id == worker)
			return &workers[i]->capabilities;
	return NULL;
}

/* What to run, from the definitions of this very transaction; copied, for they may change after it. */
static bool
claim_describe(Uow *u, RunClaim *c, Err *err)
{
	const ActionDef *action = defs_action(u->e->defs, c->row.action);
	Str version;
	const RuntimeDef *runtime = action == NULL ? NULL : defs_runtime(u->e->defs, action->runtime);
	Err why = { 0 };

	if (action == NULL) {
		c->problem = str_fmt(u->arena, "Action '%.*s' does not exist any more", STR_ARG(c->row.action_ref));
		return true;
	}
	c->action = action_copy(u->arena, action);
	if (runtime == NULL) {
		c->problem = str_fmt(u->arena, "Runtime '%.*s' not found (available: %.*s)",
		    STR_ARG(str_none(action->runtime_ref) ? str_of("none stored") : action->runtime_ref),
		    STR_ARG(runtimes_known(u->arena, u)));
		return true;
	}
	c->runtime = str_lower(u->arena, runtime->name);
	c->runtime_config = json_clone(u->arena,
	    build_choose(runtime, worker_capabilities(u, c->row.worker), action->runtime_version_constraint, &version));
	c->runtime_version = str_none(version) ? version : str_copy(u->arena, version);
	if (claim_params(u, c, action, &why))
		return true;
	/* one whose secrets cannot be opened fails, and holds up no others; a database that fails is another matter */
	if (why.code != ERR_CORRUPT && why.code != ERR_INVALID) {
		*err = why;
		return false;
	}
	c->problem = str_copy(u->arena, str_of(why.text));
	return true;
}

/* It was cancelled after the commit that nobody heard of: no process was started, and nobody else would ever end it. */
static bool
claim_cancelled(Uow *u, const ExecMove *claim, Str by, Err *err)
{
	Json result = error_result(u->arena, str_of("Cancelled before it started"));
	ExecMove m = { .id = claim->id,
		.attempt = claim->attempt,
		.from = EXEC_CANCELING,
		.finished = u->now,
		.result = &result,
		.note = str_of("") };
	ExecMoved moved;

	json_add(u->arena, &result, "cancelled", json_bool(true));
	if (!move_runs(u, EV_ENDED, &m, 1, by, &moved, err))
		return false;
	return !moved.moved || one_ended(u, &moved, m.id, &result, u->now, err);
}

/* The connection broke while a claim was committed: if the row bears our incarnation, the claim is ours, and as its process was
 * never started it may be started now. */
static bool
claims_recover(Uow *u, const ExecMove *moves, const RunClaim *claims, Str by, ExecMoved *moved, size_t n, Err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (!claims[i].again || moved[i].moved)
			continue;
		if (!execution_claimed(u->db, u->arena, &moves[i], &moved[i], err))
			return false;
		if (!moved[i].moved && !claim_cancelled(u, &moves[i], by, err))
			return false;
	}
	return true;
}

/* Rows whose runs end within this transaction are only looked at, and move once it is known how far: what is seen stays so until the
 * commit. In PostgreSQL a look besides the move is worth it only for those; in SQLite every move looks first. */
static bool
claims_look(const Uow *u, const RunClaim *claims, size_t n)
{
	bool quick = db_kind(u->db) == STORE_SQLITE;

	for (size_t i = 0; i < n; i++)
		quick = quick || claims[i].quick;
	return quick;
}

static bool
claims_open(Uow *u, const ExecMove *moves, RunClaim *claims, Str by, ExecMoved *moved, size_t n, Err *err)
{
	bool look = claims_look(u, claims, n);

	if (!look)
		uow_last_now(u);
	if (!(look ? execution_claim_look(u->db, u->arena, moves, n, moved, err)
		   : move_runs(u, EV_CLAIM, moves, n, by, moved, err)))
		return false;
	for (size_t i = 0; i < n; i++) {
		claims[i].open = look && moved[i].moved;
		claims[i].incarnation = moves[i].incarnation;
	}
	return claims_recover(u, moves, claims, by, moved, n, err);
}

bool
runs_claim_rest(Uow *u, Str by, RunClaim *claims, size_t n, Err *err)
{
	ExecMove *moves = arena_array(u->arena, ExecMove, n + 1);
	ExecMoved *moved = arena_array(u->arena, ExecMoved, n + 1);
	size_t some = 0;

	for (size_t i = 0; i < n; i++) {
		if (!claims[i].open)
			continue;
		claims[i].open = false;
		moves[some++] = (ExecMove){ .id = claims[i].execution,
			.attempt = claims[i].attempt,
			.from = EXEC_SCHEDULED,
			.worker = claims[i].row.worker,
			.incarnation = claims[i].incarnation,
			.note = str_of(""),
			.seen = &claims[i].row };
	}
	return move_runs(u, EV_CLAIM, moves, some, by, moved, err);
}

bool
runs_claim(Uow *u, Id worker, Str incarnation, Str by, RunClaim *claims, size_t n, Err *err)
{
	return runs_claim_open(u, worker, incarnation, by, claims, n, err) && runs_claim_rest(u, by, claims, n, err);
}

bool
runs_claim_open(Uow *u, Id worker, Str incarnation, Str by, RunClaim *claims, size_t n, Err *err)
{
	ExecMove *moves = arena_array(u->arena, ExecMove, n + 1);
	ExecMoved *moved = arena_array(u->arena, ExecMoved, n + 1);
	bool ok = true;

	if (n == 0)
		return true;
	for (size_t i = 0; i < n; i++)
		moves[i] = (ExecMove){ .id = claims[i].execution,
			.attempt = claims[i].attempt,
			.from = EXEC_SCHEDULED,
			.worker = worker,
			.incarnation = incarnation,
			.note = str_of("") };
	defs_enter_ahead(u->e->defs, u->db, u->arena);
	if (!claims_open(u, moves, claims, by, moved, n, err) || !defs_enter(u->e->defs, u->db, u->arena, err))
		return false;
	for (size_t i = 0; ok && i < n; i++) {
		claims[i].claimed = moved[i].moved;
		claims[i].row = moved[i];
		ok = !moved[i].moved || claim_describe(u, &claims[i], err);
	}
	defs_leave(u->e->defs);
	u->defs_seen = true;
	return ok;
}

/* What the schema of an action's output marks as secret is kept sealed; the row has marks. */
static bool
results_seal(Uow *u, const RunResult *results, const size_t *which, size_t n, Err *err)
{
	SecretRows rows = { .a = u->arena };

	for (size_t i = 0; i < n; i++) {
		const RunResult *r = &results[which[i]];

		if (r->stored && r->secrets.n > 0 &&
		    !secrets_seal(u->e->vault, &rows, SECRET_OF_RESULT, r->execution, &r->secrets, err))
			return false;
	}
	return rows.n == 0 || secret_value_insert(u->db, u->arena, rows.rows, rows.n, u->now, err);
}

/* Moves those results that wait for this event from this state; the moved ones are marked and announced. */
static bool
finish_some(Uow *u, ExecState from, ExecEvent ev, bool any_event, Str by, RunResult *results, size_t n, Err *err)
{
	ExecMove *moves = arena_array(u->arena, ExecMove, n + 1);
	ExecMoved *moved = arena_array(u->arena, ExecMoved, n + 1);
	size_t *which = arena_array(u->arena, size_t, n + 1);
	size_t some = 0;

	for (size_t i = 0; i < n; i++) {
		RunClaim *claim = results[i].claim;
		bool open = claim != NULL && claim->open;

		if (results[i].stored || (!any_event && results[i].event != ev) || open != (from == EXEC_SCHEDULED))
			continue;
		which[some] = i;
		moves[some] = (ExecMove){ .id = results[i].execution,
			.attempt = results[i].attempt,
			.from = from,
			.started = results[i].started,
			.finished = results[i].finished,
			.result = &results[i].result,
			.note = str_of(""),
			.seen = claim != NULL && from != EXEC_CANCELING ? &claim->row : NULL,
			.through = open };
		if (open) {
			moves[some].worker = claim->row.worker;
			moves[some].incarnation = claim->incarnation;
			claim->open = false;
		}
		some++;
	}
	if (some == 0)
		return true;
	if (!move_runs(u, ev, moves, some, by, moved, err))
		return false;
	for (size_t i = 0; i < some; i++)
		if (moved[i].moved) {
			RunResult *r = &results[which[i]];

			r->stored = true;
			if (!kept_store(u, r->execution, moved[i].action_ref, &r->kept, err))
				return false;
		}
	if (!results_seal(u, results, which, some, err))
		return false;
	return moves_ended(u, moves, moved, some, err);
}

/* The connection broke while it was committed: if the row ended so, it was stored, and nobody has announced it. */
static bool
finish_recover(Uow *u, Id worker, RunResult *r, Err *err)
{
	ExecMove m = { .id = r->execution, .attempt = r->attempt, .worker = worker, .finished = r->finished };
	ExecMoved moved;

	if (!r->again)
		return true;
	if (!execution_ended_so(u->db, u->arena, &m, &moved, err))
		return false;
	r->stored = moved.moved;
	if (moved.moved)
		out_completed(u, &moved, r->execution, r->finished);
	return true;
}

/* A result that comes too late changes nothing, and is not hidden either. */
static bool
finish_late(Uow *u, Str by, const RunResult *r, Err *err)
{
	Json note = json_object();

	json_add(u->arena, &note, "note", json_cstr("a result came after the run was settled and changed nothing"));
	json_add(u->arena, &note, "attempt", json_int(r->attempt));
	json_add(u->arena, &note, "by", json_str(by));
	json_add(u->arena, &note, "result", r->result);
	return execution_note(u->db, u->arena, r->execution, (Str){ 0 }, &note, u->now, err);
}

/* Nothing is stored of it but its row, and its limits have nobody to let go. Inside defs_peek. */
static bool
is_plain(const Uow *u, const RunResult *r)
{
	const ActionDef *action = r->lone == 0 ? NULL : defs_action(u->e->defs, r->lone);

	return action != NULL && r->event == EV_EXIT_OK && r->claim == NULL && !r->again && r->kept.n == 0 &&
	       r->secrets.n == 0 && !result_is_large(&r->result) && !limits_any(u, action);
}

/* Nothing follows these ends, by what is known of the definitions up to *ret_known. */
static bool
all_plain(const Uow *u, const RunResult *results, size_t n, Id *ret_known)
{
	bool plain;

	if (u->e->defs == NULL || !defs_peek(u->e->defs, ret_known))
		return false;
	plain = *ret_known != 0 && !defs_hears_completions(u->e->defs);
	for (size_t i = 0; plain && i < n; i++)
		plain = is_plain(u, &results[i]);
	defs_leave(u->e->defs);
	return plain;
}

/*
 * Ends that nothing follows are stored and committed in one round trip, under the condition that the definitions are still those by
 * which that was found. What does not move so is looked at by the others, in a transaction of its own.
 */
static bool
finish_plain(Uow *u, Str by, RunResult *results, size_t n, bool *ret_all, Err *err)
{
	ExecMove *moves = arena_array(u->arena, ExecMove, n);
	ExecMoved *moved = arena_array(u->arena, ExecMoved, n);
	bool may = u->last != NULL && db_kind(u->db) != STORE_SQLITE;
	Id known;

	*ret_all = false;
	if (!may || !all_plain(u, results, n, &known)) {
		u->last = NULL;
		return true;
	}
	for (size_t i = 0; i < n; i++)
		moves[i] = (ExecMove){ .id = results[i].execution,
			.attempt = results[i].attempt,
			.from = EXEC_RUNNING,
			.started = results[i].started,
			.finished = results[i].finished,
			.result = &results[i].result,
			.note = str_of(""),
			.known = known };
	uow_last_now(u);
	if (!move_runs(u, EV_EXIT_OK, moves, n, by, moved, err))
		return false;
	*ret_all = true;
	for (size_t i = 0; i < n; i++) {
		results[i].stored = moved[i].moved;
		*ret_all = *ret_all && moved[i].moved;
	}
	if (*ret_all) {
		u->defs_seen = true; /* by the condition */
		u->follows = false;
	}
	return moves_ended(u, moves, moved, n, err);
}

bool
runs_finish(Uow *u, Id worker, Str by, RunResult *results, size_t n, Err *err)
{
	static const ExecEvent ends[] = { EV_EXIT_OK, EV_EXIT_BAD, EV_WORKER_LOST };
	bool plain;

	if (n == 0)
		return true;
	for (size_t i = 0; i < n; i++)
		results[i].stored = false;
	if (!finish_plain(u, by, results, n, &plain, err) || plain)
		return plain;
	if (u->e->defs != NULL)
		defs_enter_ahead(u->e->defs, u->db, u->arena); /* the commit asks who hears of the ends */
	for (size_t i = 0; i < countof(ends); i++)
		if (!finish_some(u, EXEC_SCHEDULED, ends[i], false, by, results, n, err) ||
		    !finish_some(u, EXEC_RUNNING, ends[i], false, by, results, n, err))
			return false;
	/* what is left was being cancelled, or has moved on */
	if (!finish_some(u, EXEC_CANCELING, EV_ENDED, true, by, results, n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!results[i].stored && !finish_recover(u, worker, &results[i], err))
			return false;
	for (size_t i = 0; i < n; i++)
		if (!results[i].stored && !finish_late(u, by, &results[i], err))
			return false;
	return true;
}

/* What comes back under a workflow that was paused meanwhile begins when that goes on. */
static bool
returned_hold(Uow *u, const ExecMove *move, const ExecMoved *m, Err *err)
{
	bool paused;

	if (m->parent == 0)
		return true;
	if (!workflow_run_is_paused(u->db, u->arena, m->parent, &paused, err))
		return false;
	return !paused || execution_pause(u->db, u->arena, move->id, u->now, &paused, err);
}

bool
runs_return(Uow *u, const Id *executions, const int *attempts, size_t n, Str by, Str note, Err *err)
{
	ExecMove *moves = arena_array(u->arena, ExecMove, n + 1);
	ExecMoved *moved = arena_array(u->arena, ExecMoved, n + 1);

	for (size_t i = 0; i < n; i++)
		moves[i] =
		    (ExecMove){ .id = executions[i], .attempt = attempts[i], .from = EXEC_SCHEDULED, .note = note };
	if (!move_runs(u, EV_RETURN, moves, n, by, moved, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!moved[i].moved)
			continue;
		if (!returned_hold(u, &moves[i], &moved[i], err))
			return false;
		out_requested(u, executions[i], moved[i].action, moved[i].action_ref, moved[i].parent,
		    moved[i].enforcement, moved[i].correlation);
	}
	return true;
}
