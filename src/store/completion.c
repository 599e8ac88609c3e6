#include "store/completion.h"

/* A run is of the event whose enforcement made it, or made what it belongs to: the run it is a step or a child of, or is the retry of. */
#define DEPTH \
	"coalesce((with recursive up (parent, enforcement) as (" \
	"select coalesce(r.parent, r.original_execution), r.enforcement from execution r where r.id = $1" \
	" union all select coalesce(r.parent, r.original_execution), r.enforcement from up join execution r on r.id " \
	"= up.parent" \
	" where up.enforcement is null)" \
	" select max(v.depth) from up join enforcement f on f.id = up.enforcement join event v on v.id = f.event), 0)"

bool
completions_read(Db *db, Arena *a, const Id *executions, size_t n, Completion **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "select x.id, x.action, x.parent, x.enforcement, x.action_ref, x.status, x.rule_ref,"
		       " x.trigger_ref, x.started_at, x.finished_at, x.correlation_id, x.result, " DEPTH
		       " from execution x where x.id = $1",
		.in = "i",
	};
	Bind *b = arena_array(a, Bind, n + 1);
	Rows rows;

	for (size_t i = 0; i < n; i++)
		b[i] = bind_int(executions[i]);
	if (!db_batch(db, a, &s, b, n, &rows, err))
		return false;
	*ret = arena_array(a, Completion, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);
		Json result = row_json(a, r, 11);

		(*ret)[i] = (Completion){ .id = row_int(r, 0),
			.action = row_int(r, 1),
			.parent = row_int(r, 2),
			.enforcement = row_int(r, 3),
			.action_ref = row_str(r, 4),
			.status = row_str(r, 5),
			.rule_ref = row_str(r, 6),
			.trigger_ref = row_str(r, 7),
			.started = row_int(r, 8),
			.finished = row_int(r, 9),
			.correlation = row_uuid(r, 10),
			.timed_out = json_as_bool(json_get(&result, "timed_out"), false),
			.depth = row_int(r, 12) };
	}
	return true;
}

bool
execution_depth(Db *db, Arena *a, Id execution, int64_t *ret, Err *err)
{
	static const Stmt s = { .sql = "select " DEPTH, .in = "i" };
	Bind b[] = { bind_int(execution) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return false;
	*ret = rows.n == 0 ? 0 : row_int(rows_at(&rows, 0), 0);
	return true;
}
