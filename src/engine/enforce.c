#include "engine/ended.h"

#include "base/log.h"
#include "engine/keys.h"
#include "engine/limits.h"
#include "engine/secrets.h"
#include "model/params.h"

/* An enforcement whose rule is gone, switched off, of somebody who is frozen, or without its action makes nothing. */
static const RuleDef *
rule_alive(Uow *u, const EnforcementTaken *e)
{
	const RuleDef *r = defs_rule(u->e->defs, e->rule);

	return r == NULL || !r->enabled || r->owner_frozen || r->action == 0 || r->trigger == 0 ? NULL : r;
}

static bool
execution_of(Uow *u, const EnforcementTaken *e, ExecNew *ret)
{
	const RuleDef *rule = rule_alive(u, e);
	const ActionDef *action = rule == NULL ? NULL : defs_action(u->e->defs, rule->action);

	if (action == NULL)
		return false;
	*ret = (ExecNew){
		.action = action->id,
		.action_ref = action->ref,
		.enforcement = e->id,
		.executor = rule->owner,
		.rule_ref = e->rule_ref,
		.trigger_ref = e->trigger_ref,
		.config = &e->config,
		.permission_set_refs = rule->permission_set_refs.kind == JSON_ARRAY
					   ? &rule->permission_set_refs
					   : &action->default_permission_set_refs,
		.status = EXEC_REQUESTED,
		.wait = WAIT_QUEUED,
		.wait_class = wait_class_of(u->arena, action->id, NULL, NULL, NULL),
		.timeout_seconds = action->timeout_seconds,
		.priority = rule->priority,
		.correlation = e->correlation,
		.by = u->e->process,
		.since = e->created,
	};
	return true;
}

/* What is secret does not stay in the config. A mark there stands for a value that nobody has given. */
static bool
secrets_hide(Uow *u, const ActionDef *action, Json *values, Secrets *ret, Err *err)
{
	if (!action->has_secrets)
		return true;
	*ret = secrets_take(u->arena, &action->param_schema, values);
	return str_none(ret->bare_mark) || err_set(err, ERR_VALIDATION,
					       "Invalid parameters for action '%.*s': give the secret value, not the "
					       "mark that stands for it, at %.*s",
					       STR_ARG(action->ref), STR_ARG(ret->bare_mark));
}

/* Defaults and conversions; a violation makes a row that is failed at once and never reaches a worker. */
void
exec_settle(Uow *u, const ActionDef *action, ExecNew *e, Secrets *secrets)
{
	Json *values = arena_new(u->arena, Json);
	Json schema = keys_spare(u, action), *result;
	Err why = { 0 };
	bool ok;

	if (e->priority == 0)
		e->priority = action->priority;
	*values = e->config == NULL ? json_null() : *e->config;
	ok = params_prepare(u->arena, "action", action->ref, &schema, values, false, &why);
	ok = secrets_hide(u, action, values, secrets, &why) && ok;
	e->config = values->kind == JSON_NULL ? NULL : values;
	if (ok)
		return;
	result = arena_new(u->arena, Json);
	*result = error_result(u->arena, str_copy(u->arena, str_of(why.text)));
	e->status = EXEC_FAILED;
	e->result = result;
	e->wait = WAIT_NONE;
	e->wait_class = (Str){ 0 };
}

static void
say_made(const Uow *u, const ExecNew *e, Id id)
{
	LogField fields[] = { log_str("rule", e->rule_ref), log_int("execution", id), log_str("action", e->action_ref),
		log_us("after", u->now - e->since) };

	if (log_wants(LOG_INFO))
		log_line(LOG_INFO, fields, countof(fields), "Enforcement %lld makes execution %lld",
		    (long long)e->enforcement, (long long)id);
}

/* For those who watch; both lists are in the same order. */
static void
say_settled(Uow *u, const EnforcementTaken *taken, size_t n, const Id *gone, size_t gone_n)
{
	if (!changes_wanted(u))
		return;
	for (size_t i = 0, g = 0; i < n; i++) {
		bool off = g < gone_n && gone[g] == taken[i].id;

		change_add(u, CHANGE_ENFORCEMENT_STATUS, taken[i].id, off ? "disabled" : "processed", "created");
		g += off;
	}
}

/* Secrets that the rule gave lie beside the enforcement; they must be seen to be checked, and go on with the execution. */
static bool
config_open(Uow *u, EnforcementTaken *e, Err *err)
{
	Err why = { 0 };

	if (secrets_reveal(u->db, u->arena, u->e->vault, SECRET_OF_ENFORCEMENT, e->id, &e->config, &why))
		return true;
	if (why.code != ERR_CORRUPT) {
		*err = why;
		return false;
	}
	/* the mark stays, and the execution will say that there is no value behind it */
	log_warn("enforcement %lld: %s", (long long)e->id, why.text);
	return true;
}

static bool
secrets_store(Uow *u, const Id *executions, const Secrets *secrets, size_t n, Err *err)
{
	SecretRows rows = { .a = u->arena };

	for (size_t i = 0; i < n; i++)
		if (secrets[i].n > 0 && executions[i] != 0 &&
		    !secrets_seal(u->e->vault, &rows, SECRET_OF_EXECUTION, executions[i], &secrets[i], err))
			return false;
	return secret_value_insert(u->db, u->arena, rows.rows, rows.n, u->now, err);
}

/* Of the rows that have just been made those that were failed at once. */
static bool
made_ended(Uow *u, const ExecNew *rows, const Id *ids, size_t n, Err *err)
{
	RunEnd *ends = arena_array(u->arena, RunEnd, n + 1);
	size_t ended = 0;

	for (size_t i = 0; i < n; i++) {
		ExecMoved *m;

		if (ids[i] == 0 || !exec_terminal(rows[i].status))
			continue;
		m = arena_new(u->arena, ExecMoved);
		*m = (ExecMoved){ .to = rows[i].status,
			.action = rows[i].action,
			.action_ref = str_copy(u->arena, rows[i].action_ref),
			.enforcement = rows[i].enforcement,
			.parent = rows[i].parent,
			.of_task = rows[i].of_task,
			.task_no = rows[i].task_no,
			.task_index = rows[i].task_index,
			.task_iteration = rows[i].task_iteration,
			.correlation = rows[i].correlation };
		ends[ended++] = (RunEnd){ .id = ids[i], .row = m, .result = rows[i].result, .at = u->now };
	}
	return runs_ended(u, ends, ended, err);
}

void
exec_say_created(Uow *u, const ExecNew *row, Id id)
{
	bool placed = row->status == EXEC_SCHEDULED;
	const char *status = exec_state_name(row->status), *first = exec_state_name(EXEC_REQUESTED);

	change_add(u, CHANGE_EXECUTION_CREATED, id, placed ? first : status, NULL);
	if (placed)
		change_add(u, CHANGE_EXECUTION_STATUS, id, status, first);
}

bool
exec_make(Uow *u, ExecNew *rows, const Secrets *secrets, size_t n, Id *ret_ids, Err *err)
{
	if (n == 0)
		return true;
	limits_born(u, rows, n);
	if (!execution_insert(u->db, u->arena, rows, n, u->now, ret_ids, err) ||
	    !secrets_store(u, ret_ids, secrets, n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (ret_ids[i] != 0)
			exec_say_created(u, &rows[i], ret_ids[i]);
	return made_ended(u, rows, ret_ids, n, err);
}

static bool
executions_make(Uow *u, EnforcementTaken *taken, size_t n, bool *ret_placed, Err *err)
{
	ExecNew *rows = arena_array(u->arena, ExecNew, n + 1);
	Secrets *secrets = arena_array(u->arena, Secrets, n + 1);
	Id *gone = arena_array(u->arena, Id, n + 1);
	Id *made = arena_array(u->arena, Id, n + 1);
	size_t rows_n = 0, gone_n = 0;

	for (size_t i = 0; i < n; i++) {
		if (!execution_of(u, &taken[i], &rows[rows_n])) {
			gone[gone_n++] = taken[i].id;
			continue;
		}
		if (!config_open(u, &taken[i], err))
			return false;
		exec_settle(u, defs_action(u->e->defs, rows[rows_n].action), &rows[rows_n], &secrets[rows_n]);
		rows_n++;
	}
	if (!enforcement_disable(u->db, u->arena, gone, gone_n, u->now, err))
		return false;
	say_settled(u, taken, n, gone, gone_n);
	if (!place_newborns(u, rows, rows_n, ret_placed, err) || !exec_make(u, rows, secrets, rows_n, made, err))
		return false;
	for (size_t i = 0; i < rows_n; i++) {
		if (made[i] == 0)
			continue;
		say_made(u, &rows[i], made[i]);
		if (rows[i].status == EXEC_SCHEDULED)
			newborn_placed(u, &rows[i], made[i]);
	}
	return true;
}

bool
enforce(Uow *u, const Id *enforcements, size_t n, Err *err)
{
	EnforcementTaken *taken;
	size_t taken_n;
	bool ok, placed;

	defs_enter_ahead(u->e->defs, u->db, u->arena);
	if (!enforcement_take(u->db, u->arena, enforcements, n, u->now, &taken, &taken_n, err))
		return false;
	if (taken_n == 0)
		return true;
	/* only now: who has the right to schedule must not wait for rows of somebody who waits for that right */
	place_newborn_ahead(u);
	if (!defs_enter(u->e->defs, u->db, u->arena, err))
		return false;
	ok = executions_make(u, taken, taken_n, &placed, err);
	defs_leave(u->e->defs);
	/* when all are placed, nothing was waiting */
	return ok && (placed || schedule(u, err));
}
