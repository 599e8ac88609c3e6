#include "store/rule.h"

#include "base/log.h"
#include "store/action.h"
#include "store/trigger.h"

static const Json no_conditions = { .kind = JSON_ARRAY };

enum { WIDTH = 19 };

#define COLUMNS \
	"select x.id, " \
	"x.ref, x.pack, x.pack_ref, x.label, x.description, x.action, x.action_ref, " \
	"x.\"trigger\", x.trigger_ref, x.conditions, x.action_params, x.trigger_params, " \
	"x.permission_set_refs, x.enabled, x.is_adhoc, x.owner_identity, x.anchor, " \
	"x.created, x.updated, x.extras, coalesce((select i.frozen from identity i where i.id = x.owner_identity), " \
	"false), x.priority" \
	" from rule x"
#define FILTER \
	DEF_IN_PACK DEF_ENABLED DEF_SEARCH( \
	    "ref || ' ' || label || ' ' || coalesce(description, '')") " and ($4 = '' or trigger_ref = $4)" \
								       " and ($5 = '' or action_ref = $5)"

static void
rule_read(Arena *a, Row r, void *def)
{
	RuleDef *d = def;

	*d = (RuleDef){
		.id = row_int(r, 0),
		.ref = row_str(r, 1),
		.pack = row_int(r, 2),
		.pack_ref = row_str(r, 3),
		.label = row_str(r, 4),
		.description = row_str(r, 5),
		.action = row_int(r, 6),
		.action_ref = row_str(r, 7),
		.trigger = row_int(r, 8),
		.trigger_ref = row_str(r, 9),
		.conditions = row_json(a, r, 10),
		.action_params = row_json(a, r, 11),
		.trigger_params = row_json(a, r, 12),
		.permission_set_refs = row_json(a, r, 13),
		.enabled = row_bool(r, 14),
		.is_adhoc = row_bool(r, 15),
		.owner = row_int(r, 16),
		.anchor = row_int(r, 17),
		.created = row_int(r, 18),
		.updated = row_int(r, 19),
		.extras = row_json(a, r, 20),
		.owner_frozen = row_bool(r, 21),
		.priority = row_int(r, 22),
	};
}

static void
rule_binds(const void *def, Bind *b)
{
	const RuleDef *d = def;
	Bind all[WIDTH] = {
		bind_str(d->ref),
		bind_id(d->pack),
		bind_str(d->pack_ref),
		bind_str(d->label),
		bind_str(d->description),
		bind_id(d->action),
		bind_str(d->action_ref),
		bind_id(d->trigger),
		bind_str(d->trigger_ref),
		bind_json(json_is_null(&d->conditions) ? &no_conditions : &d->conditions),
		bind_object(&d->action_params),
		bind_object(&d->trigger_params),
		bind_value(&d->permission_set_refs),
		bind_bool(d->enabled),
		bind_bool(d->is_adhoc),
		bind_id(d->owner),
		bind_time(d->anchor),
		bind_value(&d->extras),
		bind_id(d->priority),
	};

	memcpy(b, all, sizeof(all));
}

/* Timers count from the moment the rule began to be what it is. */
static void
rule_merge(void *def, const void *before, TimeUs now)
{
	RuleDef *d = def;
	const RuleDef *old = before;

	d->anchor = old == NULL ? 0 : old->anchor;
	if (d->enabled && (old == NULL || !old->enabled || !str_eq(old->trigger_ref, d->trigger_ref) ||
			      !json_eq(bind_object(&old->trigger_params).j, bind_object(&d->trigger_params).j)))
		d->anchor = now;
}

const DefTable rule_table = {
	.kind = "rule",
	.name = "Rule",
	.size = sizeof(RuleDef),
	.ref_at = offsetof(RuleDef, ref),
	.width = WIDTH,
	.read = rule_read,
	.binds = rule_binds,
	.merge = rule_merge,
	.by_id = { .sql = COLUMNS " where x.id = $1", .in = "i" },
	.by_ref = { .sql = COLUMNS " where x.ref = $1", .in = "s" },
	.list = { .sql = COLUMNS FILTER DEF_PAGE, .in = DEF_LIST_IN },
	.count = { .sql = "select count(*) from rule x" FILTER, .in = DEF_COUNT_IN },
	.insert = {
		.sql = "insert into rule ("
		       "ref, pack, pack_ref, label, description, action, action_ref, \"trigger\", "
		       "trigger_ref, conditions, action_params, trigger_params, permission_set_refs, "
		       "enabled, is_adhoc, owner_identity, anchor, extras, priority, created, updated"
		       ") values ("
		       "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $20"
		       ") returning id",
		.in = "sissSIsIsjjjJbbITJIt",
	},
	.update = {
		.sql = "update rule set "
		       "ref = $1, pack = $2, pack_ref = $3, label = $4, description = $5, action = $6, "
		       "action_ref = $7, \"trigger\" = $8, trigger_ref = $9, conditions = $10, "
		       "action_params = $11, trigger_params = $12, permission_set_refs = $13, "
		       "enabled = $14, is_adhoc = $15, owner_identity = $16, anchor = $17, extras = $18, "
		       "priority = $19, updated = $20"
		       " where id = $21",
		.in = "sissSIsIsjjjJbbITJIti",
	},
	.remove = { .sql = "delete from rule where id = $1 returning id", .in = "i" },
};

bool
rule_get(Db *db, Arena *a, Id id, RuleDef *ret, Err *err)
{
	return def_get(db, a, &rule_table, id, ret, err);
}

bool
rule_get_ref(Db *db, Arena *a, Str ref, RuleDef *ret, Err *err)
{
	return def_get_ref(db, a, &rule_table, ref, ret, err);
}

bool
rule_list(Db *db, Arena *a, const DefFilter *f, RuleDef **ret, size_t *ret_n, int64_t *ret_total, Err *err)
{
	void *made;

	if (!def_list(db, a, &rule_table, f, &made, ret_n, ret_total, err))
		return false;
	*ret = made;
	return true;
}

bool
rule_put(Db *db, Arena *a, RuleDef *d, TimeUs now, DefPut *ret, Err *err)
{
	return def_put(db, a, &rule_table, d, now, ret, err);
}

bool
rule_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err)
{
	return def_delete(db, a, &rule_table, id, now, err);
}

bool
rule_set_enabled(Db *db, Arena *a, Str ref, bool enabled, TimeUs now, Err *err)
{
	RuleDef d;
	DefPut put;

	if (!rule_get_ref(db, a, ref, &d, err))
		return false;
	d.enabled = enabled;
	return rule_put(db, a, &d, now, &put, err);
}

static bool
is_among(const RuleDef *d, Str trigger_ref)
{
	const Json *list = json_get(&d->extras, "triggers");

	for (size_t i = 0; json_at(list, i) != NULL; i++)
		if (str_eq(json_get_text(json_at(list, i), "trigger_ref"), trigger_ref))
			return true;
	return false;
}

bool
rule_may_run(const RuleDef *d, const RuleDef *before, const ActionDef *action, Err *err)
{
	return (before != NULL && before->action == action->id) ||
	       reference_allows(&action->reference, "Action", action->ref, action->pack_ref, d->pack_ref, err);
}

bool
rule_may_hear(const RuleDef *d, const RuleDef *before, const TriggerDef *trigger, Err *err)
{
	bool stood = before != NULL && before->trigger != 0 &&
		     (before->trigger == trigger->id || is_among(before, trigger->ref));

	return stood ||
	       reference_allows(&trigger->reference, "Trigger", trigger->ref, trigger->pack_ref, d->pack_ref, err);
}

bool
rule_may_hear_all(Db *db, Arena *a, const RuleDef *d, const RuleDef *before, Err *err)
{
	const Json *list = json_get(&d->extras, "triggers");
	TriggerDef t;

	for (size_t i = 0; json_at(list, i) != NULL; i++) {
		Err why = { 0 };
		bool there = trigger_get_ref(db, a, json_get_text(json_at(list, i), "trigger_ref"), &t, &why);

		if (!there && why.code != ERR_NOT_FOUND)
			return err_set(err, why.code, "%s", why.text);
		if (there && !rule_may_hear(d, before, &t, err))
			return false;
	}
	return true;
}

/* id: of the action that is there now, 0 when there is nothing to be linked. */
static bool
link_action(Db *db, Arena *a, Id id, RuleDef *d, Err *err)
{
	ActionDef action;
	Err why = { 0 };

	if (id == 0)
		return true;
	if (!action_get(db, a, id, &action, err))
		return false;
	if (rule_may_run(d, NULL, &action, &why))
		d->action = id;
	else
		log_warn("rule '%.*s' makes nothing run: %s", STR_ARG(d->ref), why.text);
	return true;
}

static bool
link_trigger(Db *db, Arena *a, Id id, RuleDef *d, Err *err)
{
	TriggerDef trigger;
	Err why = { 0 };

	if (id == 0)
		return true;
	if (!trigger_get(db, a, id, &trigger, err))
		return false;
	if (rule_may_hear(d, NULL, &trigger, &why) && rule_may_hear_all(db, a, d, NULL, &why))
		d->trigger = id;
	else if (why.code != ERR_VALIDATION)
		return err_set(err, why.code, "%s", why.text);
	else
		log_warn("rule '%.*s' makes nothing run: %s", STR_ARG(d->ref), why.text);
	return true;
}

static bool
links_write(Db *db, Arena *a, const RuleDef *d, TimeUs now, Err *err)
{
	static const Stmt s = { .sql = "update rule set action = $2, \"trigger\" = $3, updated = $4 where id = $1",
		.in = "iIIt" };
	Bind b[] = { bind_int(d->id), bind_id(d->action), bind_id(d->trigger), bind_time(now) };

	return db_exec(db, a, &s, b, NULL, err) && change_note(db, a, "rule", d->id, now, err);
}

static bool
rule_link(Db *db, Arena *a, Row r, TimeUs now, Err *err)
{
	RuleDef d, before;

	if (!rule_get(db, a, row_int(r, 0), &d, err))
		return false;
	before = d;
	if (!link_action(db, a, row_int(r, 1), &d, err) || !link_trigger(db, a, row_int(r, 2), &d, err))
		return false;
	return (d.action == before.action && d.trigger == before.trigger) || links_write(db, a, &d, now, err);
}

bool
rule_part(Db *db, Arena *a, const TriggerDef *trigger, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = COLUMNS " where x.\"trigger\" is not null and x.extras is not null order by x.id",
	};
	Rows rows;
	RuleDef d;

	if (!db_exec(db, a, &s, NULL, &rows, err))
		return err_wrap(err, "rules on several triggers");
	for (size_t i = 0; i < rows.n; i++) {
		Err why = { 0 };

		rule_read(a, rows_at(&rows, i), &d);
		if (!is_among(&d, trigger->ref) || rule_may_hear(&d, NULL, trigger, &why))
			continue;
		log_warn("rule '%.*s' makes nothing run: %s", STR_ARG(d.ref), why.text);
		d.trigger = 0;
		if (!links_write(db, a, &d, now, err))
			return err_wrap(err, "rule '%.*s'", STR_ARG(d.ref));
	}
	return true;
}

bool
rule_resolve(Db *db, Arena *a, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "select r.id, x.id, t.id from rule r"
		       " left join action x on r.action is null and x.ref = r.action_ref"
		       " left join \"trigger\" t on r.\"trigger\" is null and t.ref = r.trigger_ref"
		       " where x.id is not null or t.id is not null order by r.id",
	};
	Rows rows;

	if (!db_exec(db, a, &s, NULL, &rows, err))
		return err_wrap(err, "resolve rules");
	for (size_t i = 0; i < rows.n; i++)
		if (!rule_link(db, a, rows_at(&rows, i), now, err))
			return err_wrap(err, "resolve rules");
	return true;
}

bool
rule_set_anchor(Db *db, Arena *a, Id id, TimeUs anchor, TimeUs now, Err *err)
{
	static const Stmt s = { .sql = "update rule set anchor = $2, updated = $3 where id = $1", .in = "itt" };
	Bind b[] = { bind_int(id), bind_time(anchor), bind_time(now) };

	return db_exec(db, a, &s, b, NULL, err) && change_note(db, a, "rule", id, now, err);
}

bool
rule_list_owner(Db *db, Arena *a, Id owner, RuleDef **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = { .sql = COLUMNS " where x.owner_identity = $1 order by x.id", .in = "i" };
	Bind b = bind_int(owner);
	Rows rows;

	if (!db_read(db, a, &s, &b, &rows, err))
		return err_wrap(err, "list somebody's rules");
	*ret = arena_array(a, RuleDef, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		rule_read(a, rows_at(&rows, i), &(*ret)[i]);
	return true;
}
