#include "store/timer_mark.h"

bool
timer_mark_list(Db *db, Arena *a, TimerMark **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = { .sql = "select rule, anchor, due from timer_mark", .in = "" };
	Rows rows;

	if (!db_read(db, a, &s, NULL, &rows, err))
		return err_wrap(err, "read how far timers are");
	*ret = arena_array(a, TimerMark, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);

		(*ret)[i] = (TimerMark){ row_int(r, 0), row_int(r, 1), row_int(r, 2) };
	}
	return true;
}

bool
timer_mark_put(Db *db, Arena *a, const TimerMark *marks, size_t n, Err *err)
{
	static const Stmt s = {
		.sql = "insert into timer_mark (rule, anchor, due) select id, $2, $3 from rule where id = $1"
		       " on conflict (rule) do update set anchor = excluded.anchor, due = excluded.due"
		       " where timer_mark.anchor <> excluded.anchor or timer_mark.due < excluded.due",
		.in = "itt",
	};

	for (size_t i = 0; i < n; i++) {
		Bind b[] = { bind_int(marks[i].rule), bind_time(marks[i].anchor), bind_time(marks[i].due) };

		if (!db_exec(db, a, &s, b, NULL, err))
			return err_wrap(err, "store how far a timer is");
	}
	return true;
}
