#include "store/policy.h"

enum { WIDTH = 23 };

#define COLUMNS \
	"select x.id, " \
	"x.ref, x.pack, x.pack_ref, x.action, x.action_ref, x.name, x.description, " \
	"x.tags, x.enabled, x.is_adhoc, x.threshold, x.parameters, x.method, " \
	"x.rate_limit, x.rate_seconds, x.rate_burst, x.rate_parameters, " \
	"x.rate_method, x.created, x.updated, " \
	"x.breaker_failures, x.breaker_within, x.breaker_open, x.breaker_parameters, x.breaker_method" \
	" from policy x"
#define FILTER \
	DEF_IN_PACK DEF_ENABLED DEF_SEARCH("ref || ' ' || name || ' ' || coalesce(description, '')") DEF_NO_TRIGGER \
	    " and ($5 = '' or action_ref = $5)"

static void
policy_read(Arena *a, Row r, void *def)
{
	PolicyDef *d = def;

	*d = (PolicyDef){
		.id = row_int(r, 0),
		.ref = row_str(r, 1),
		.pack = row_int(r, 2),
		.pack_ref = row_str(r, 3),
		.action = row_int(r, 4),
		.action_ref = row_str(r, 5),
		.label = row_str(r, 6),
		.description = row_str(r, 7),
		.tags = row_json(a, r, 8),
		.enabled = row_bool(r, 9),
		.is_adhoc = row_bool(r, 10),
		.limit = row_int(r, 11),
		.key = row_json(a, r, 12),
		.method = row_str(r, 13),
		.rate_limit = row_int(r, 14),
		.rate_seconds = row_int(r, 15),
		.rate_burst = row_int(r, 16),
		.rate_key = row_json(a, r, 17),
		.rate_method = row_str(r, 18),
		.created = row_int(r, 19),
		.updated = row_int(r, 20),
		.failures = row_int(r, 21),
		.within = row_int(r, 22),
		.open_for = row_int(r, 23),
		.breaker_key = row_json(a, r, 24),
		.breaker_method = row_str(r, 25),
	};
}

static void
policy_binds(const void *def, Bind *b)
{
	const PolicyDef *d = def;
	Bind all[WIDTH] = {
		bind_str(d->ref),
		bind_id(d->pack),
		bind_str(d->pack_ref),
		bind_id(d->action),
		bind_str(d->action_ref),
		bind_str(d->label),
		bind_str(d->description),
		bind_array(&d->tags),
		bind_bool(d->enabled),
		bind_bool(d->is_adhoc),
		bind_count(d->limit),
		bind_array(&d->key),
		bind_str(d->method),
		bind_count(d->rate_limit),
		bind_count(d->rate_seconds),
		bind_count(d->rate_burst),
		bind_array(&d->rate_key),
		bind_str(d->rate_method),
		bind_count(d->failures),
		bind_count(d->within),
		bind_count(d->open_for),
		bind_array(&d->breaker_key),
		bind_str(d->breaker_method),
	};

	memcpy(b, all, sizeof(all));
}

const DefTable policy_table = {
	.kind = "policy",
	.name = "Policy",
	.size = sizeof(PolicyDef),
	.ref_at = offsetof(PolicyDef, ref),
	.width = WIDTH,
	.read = policy_read,
	.binds = policy_binds,
	.by_id = { .sql = COLUMNS " where x.id = $1", .in = "i" },
	.by_ref = { .sql = COLUMNS " where x.ref = $1", .in = "s" },
	.list = { .sql = COLUMNS FILTER DEF_PAGE, .in = DEF_LIST_IN },
	.count = { .sql = "select count(*) from policy x" FILTER, .in = DEF_COUNT_IN },
	.insert = {
		.sql = "insert into policy ("
		       "ref, pack, pack_ref, action, action_ref, name, description, tags, "
		       "enabled, is_adhoc, threshold, parameters, method, rate_limit, "
		       "rate_seconds, rate_burst, rate_parameters, rate_method, "
		       "breaker_failures, breaker_within, breaker_open, breaker_parameters, breaker_method, "
		       "created, updated"
		       ") values ("
		       "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, "
		       "$17, $18, $19, $20, $21, $22, $23, $24, $24"
		       ") returning id",
		.in = "sISISsSjbbIjSIIIjSIIIjSt",
	},
	.update = {
		.sql = "update policy set "
		       "ref = $1, pack = $2, pack_ref = $3, action = $4, action_ref = $5, "
		       "name = $6, description = $7, tags = $8, enabled = $9, is_adhoc = $10, "
		       "threshold = $11, parameters = $12, method = $13, rate_limit = $14, "
		       "rate_seconds = $15, rate_burst = $16, rate_parameters = $17, "
		       "rate_method = $18, breaker_failures = $19, breaker_within = $20, "
		       "breaker_open = $21, breaker_parameters = $22, breaker_method = $23, updated = $24"
		       " where id = $25",
		.in = "sISISsSjbbIjSIIIjSIIIjSti",
	},
	.remove = { .sql = "delete from policy where id = $1 returning id", .in = "i" },
};

bool
policy_get(Db *db, Arena *a, Id id, PolicyDef *ret, Err *err)
{
	return def_get(db, a, &policy_table, id, ret, err);
}

bool
policy_get_ref(Db *db, Arena *a, Str ref, PolicyDef *ret, Err *err)
{
	return def_get_ref(db, a, &policy_table, ref, ret, err);
}

bool
policy_list(Db *db, Arena *a, const DefFilter *f, PolicyDef **ret, size_t *ret_n, Err *err)
{
	void *rows;

	if (!def_list(db, a, &policy_table, f, &rows, ret_n, NULL, err))
		return false;
	*ret = rows;
	return true;
}

bool
policy_put(Db *db, Arena *a, PolicyDef *d, TimeUs now, DefPut *ret, Err *err)
{
	return def_put(db, a, &policy_table, d, now, ret, err);
}

bool
policy_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err)
{
	return def_delete(db, a, &policy_table, id, now, err);
}
