#include "store/history_walk.h"

enum { CHUNK = 100 };

static const ScopeColumns scope_columns = { .pack_of = "x.action_ref",
	.ref = "x.action_ref",
	.id = "x.id",
	.owner = "x.executor",
	.execution = "x.id",
	.ancestors = "x.ancestors" };

bool
move_next(Str *moves, Move *ret)
{
	Str line = { 0 };

	while (str_cut(moves, '\n', &line)) {
		Str at = { 0 }, attempt = { 0 };
		Move m = { 0 };

		if (!str_cut(&line, '|', &m.state) || !str_cut(&line, '|', &at) || !str_cut(&line, '|', &m.by) ||
		    !str_cut(&line, '|', &attempt) || !str_to_int(at, &m.at) || !str_to_int(attempt, &m.attempt))
			continue;
		m.note = line;
		*ret = m;
		return true;
	}
	return false;
}

static bool
in_time(const HistoryFilter *f, TimeUs t)
{
	return (f->since == 0 || t >= f->since) && (f->until == 0 || t <= f->until);
}

static bool
runs_read(Walk *w, Rows *ret, Err *err)
{
	static const Column columns[] = {
		{ "x.id", "id", COL_INT, false },
		{ "x.action_ref", "action_ref", COL_TEXT, false },
		{ "x.executor", "executor", COL_INT, false },
		{ "x.correlation_id", "correlation_id", COL_TEXT, false },
		{ "x.moves", "moves", COL_TEXT, false },
		{ "x.status = 'failed' and (cast(x.result as text) like '%\"timed_out\": true%' or cast(x.result as "
		  "text) like "
		  "'%\"timed_out\":true%')",
		    "timed_out", COL_BOOL, false },
		{ "x.result is not null", "has_result", COL_BOOL, false },
	};
	const HistoryFilter *f = w->filter;
	Buf b = buf_open(w->a);
	Listing l;

	listing_open(&l, w->a, " from execution x", columns, countof(columns));
	listing_id(&l, "x.id", f->entity);
	listing_text(&l, "x.action_ref", f->ref, false);
	listing_id(&l, "x.executor", f->executor);
	if (f->since != 0)
		listing_where(&l, "x.updated >= $?", 't', bind_time(f->since));
	if (f->until != 0)
		listing_where(&l, "x.created <= $?", 't', bind_time(f->until));
	if (f->scope != NULL && !listing_scope(&l, f->scope, &scope_columns, err))
		return false;
	if (w->before_run != 0)
		listing_where(&l, "x.id < $?", 'i', bind_int(w->before_run));
	listing_where(&l, "true order by x.id desc limit $?", 'i', bind_int(CHUNK));
	columns_select(&b, columns, countof(columns));
	buf_text(&b, l.from);
	buf_add(&b, buf_str(&l.where));
	return db_read_text(w->db, w->a, buf_str(&b), l.in, l.binds, ret, err);
}

/* What was noted of the executions from first to last, oldest first. */
static bool
notes_read(Walk *w, Id first, Id last, Rows *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select entity_id, time, changed_fields, new_values from execution_history"
		       " where entity_id >= $1 and entity_id <= $2 order by id",
		.in = "ii",
	};
	Bind b[] = { bind_int(first), bind_int(last) };

	*ret = (Rows){ 0 };
	return !w->with_notes || db_read(w->db, w->a, &s, b, ret, err);
}

/* A note stands where its time puts it among the moves. */
static void
note_add(Arena *a, Run *r, Row row)
{
	Step step = {
		.noted = true, .m.at = row_int(row, 1), .fields = row_json(a, row, 2), .values = row_json(a, row, 3)
	};
	size_t i = r->n++;

	while (i > 0 && r->steps[i - 1].m.at > step.m.at) {
		r->steps[i] = r->steps[i - 1];
		i--;
	}
	r->steps[i] = step;
}

static Run
run_of(Arena *a, Row row, const Rows *notes)
{
	Run r = { .id = row_int(row, 0),
		.action_ref = row_str(row, 1),
		.executor = row_int(row, 2),
		.correlation = row_str(row, 3),
		.timed_out = row_bool(row, 5),
		.has_result = row_bool(row, 6) };
	Str moves = row_str(row, 4), rest = moves;
	size_t n = 0;
	Move m;

	while (move_next(&rest, &m))
		n++;
	r.steps = arena_array(a, Step, n + notes->n + 1);
	while (move_next(&moves, &m))
		r.steps[r.n++] = (Step){ .m = m };
	for (size_t i = 0; i < notes->n; i++)
		if (row_int(rows_at(notes, i), 0) == r.id)
			note_add(a, &r, rows_at(notes, i));
	return r;
}

/* The page is full, and whether more is wanted for the total has been decided. */
static bool
has_enough(const Walk *w)
{
	return w->out->more && !w->slice->totals && (w->slice->after != 0 || w->seen > LISTING_COUNTED);
}

static void
walk_run(Walk *w, const Run *r)
{
	for (size_t i = r->n; i-- > 0 && !w->enough;) {
		Id id = r->id * PLACES + (Id)i;
		Json record;

		if ((w->slice->after != 0 && id >= w->slice->after) || !in_time(w->filter, r->steps[i].m.at))
			continue;
		record = w->make(w, r, i);
		if (record.kind == JSON_NULL)
			continue;
		w->seen++;
		if (w->seen <= w->slice->offset)
			continue;
		if (w->out->rows.n < w->slice->size) {
			json_push(w->a, &w->out->rows, record);
			w->out->last = id;
		} else {
			w->out->more = true;
		}
		w->enough = has_enough(w);
	}
}

static bool
walk_chunk(Walk *w, size_t *ret_n, Err *err)
{
	Rows rows, notes;

	if (!runs_read(w, &rows, err))
		return false;
	*ret_n = rows.n;
	if (rows.n == 0)
		return true;
	if (!notes_read(w, row_int(rows_at(&rows, rows.n - 1), 0), row_int(rows_at(&rows, 0), 0), &notes, err))
		return false;
	for (size_t i = 0; i < rows.n && !w->enough; i++) {
		Run r = run_of(w->a, rows_at(&rows, i), &notes);

		walk_run(w, &r);
		w->before_run = r.id;
	}
	return true;
}

bool
history_walk(Walk *w, Err *err)
{
	size_t n = CHUNK;

	*w->out = (SliceOut){ .rows = json_array(), .total = -1 };
	if (w->slice->after != 0)
		w->before_run = w->slice->after / PLACES + 1;
	while (!w->enough && n == CHUNK)
		if (!walk_chunk(w, &n, err))
			return err_wrap(err, "history of executions");
	if (!w->enough && w->slice->after == 0)
		w->out->total = w->seen;
	return true;
}
