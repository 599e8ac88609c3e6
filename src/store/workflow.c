#include "store/workflow.h"

enum { WIDTH = 12 };

#define COLUMNS \
	"select x.id, " \
	"x.ref, x.pack, x.pack_ref, x.label, x.description, x.version, " \
	"x.param_schema, x.out_schema, x.definition, x.tags, x.is_adhoc, x.file, " \
	"x.created, x.updated" \
	" from workflow_definition x"
#define FILTER \
	DEF_IN_PACK DEF_ALWAYS_ENABLED DEF_SEARCH("label || ' ' || coalesce(description, '')") \
	    DEF_NO_TRIGGER DEF_NO_ACTION

static void
workflow_read(Arena *a, Row r, void *def)
{
	WorkflowDef *d = def;

	*d = (WorkflowDef){
		.id = row_int(r, 0),
		.ref = row_str(r, 1),
		.pack = row_int(r, 2),
		.pack_ref = row_str(r, 3),
		.label = row_str(r, 4),
		.description = row_str(r, 5),
		.version = row_str(r, 6),
		.param_schema = row_json(a, r, 7),
		.out_schema = row_json(a, r, 8),
		.definition = row_json(a, r, 9),
		.tags = row_json(a, r, 10),
		.is_adhoc = row_bool(r, 11),
		.file = row_str(r, 12),
		.created = row_int(r, 13),
		.updated = row_int(r, 14),
	};
}

static void
workflow_binds(const void *def, Bind *b)
{
	const WorkflowDef *d = def;
	Bind all[WIDTH] = {
		bind_str(d->ref),
		bind_id(d->pack),
		bind_str(d->pack_ref),
		bind_str(d->label),
		bind_str(d->description),
		bind_str(d->version),
		bind_value(&d->param_schema),
		bind_value(&d->out_schema),
		bind_object(&d->definition),
		bind_array(&d->tags),
		bind_bool(d->is_adhoc),
		bind_str(d->file),
	};

	memcpy(b, all, sizeof(all));
}

const DefTable workflow_table = {
	.kind = "workflow",
	.name = "Workflow",
	.size = sizeof(WorkflowDef),
	.ref_at = offsetof(WorkflowDef, ref),
	.width = WIDTH,
	.read = workflow_read,
	.binds = workflow_binds,
	.by_id = { .sql = COLUMNS " where x.id = $1", .in = "i" },
	.by_ref = { .sql = COLUMNS " where x.ref = $1", .in = "s" },
	.list = { .sql = COLUMNS FILTER DEF_PAGE, .in = DEF_LIST_IN },
	.count = { .sql = "select count(*) from workflow_definition x" FILTER, .in = DEF_COUNT_IN },
	.insert = {
		.sql = "insert into workflow_definition ("
		       "ref, pack, pack_ref, label, description, version, param_schema, "
		       "out_schema, definition, tags, is_adhoc, file, created, updated"
		       ") values ("
		       "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13"
		       ") returning id",
		.in = "sissSsJJjjbSt",
	},
	.update = {
		.sql = "update workflow_definition set "
		       "ref = $1, pack = $2, pack_ref = $3, label = $4, description = $5, "
		       "version = $6, param_schema = $7, out_schema = $8, definition = $9, "
		       "tags = $10, is_adhoc = $11, file = $12, updated = $13"
		       " where id = $14",
		.in = "sissSsJJjjbSti",
	},
	.remove = { .sql = "delete from workflow_definition where id = $1 returning id", .in = "i" },
};

bool
workflow_get(Db *db, Arena *a, Id id, WorkflowDef *ret, Err *err)
{
	return def_get(db, a, &workflow_table, id, ret, err);
}

bool
workflow_get_ref(Db *db, Arena *a, Str ref, WorkflowDef *ret, Err *err)
{
	return def_get_ref(db, a, &workflow_table, ref, ret, err);
}

bool
workflow_put(Db *db, Arena *a, WorkflowDef *d, TimeUs now, DefPut *ret, Err *err)
{
	return def_put(db, a, &workflow_table, d, now, ret, err);
}

bool
workflow_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err)
{
	return def_delete(db, a, &workflow_table, id, now, err);
}
