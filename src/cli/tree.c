#include "cli/tree.h"

#include "base/codec.h"
#include "cli/output.h"

enum { ITEMS_SHOWN = 10, DEPTH_MOST = 32, NAME_MOST = 60, STATUS_W = 9 };

static const struct {
	const char *status, *mark;
} marks[] = {
	{ "completed", "✓" },
	{ "failed", "✗" },
	{ "timeout", "✗" },
	{ "abandoned", "✗" },
	{ "running", "●" },
	{ "scheduled", "◌" },
	{ "requested", "◌" },
	{ "delayed", "◌" },
	{ "cancelled", "–" },
	{ "canceling", "–" },
	{ "skipped", "○" },
};

static const char *
mark_of(Str status)
{
	for (size_t i = 0; i < countof(marks); i++)
		if (str_is(status, marks[i].status))
			return marks[i].mark;
	return "·";
}

static TreeRow *
row_add(Tree *t)
{
	if (t->n == t->cap) {
		size_t cap = t->cap == 0 ? 32 : t->cap * 2;

		t->rows = arena_grow(t->a, t->rows, t->cap * sizeof(TreeRow), cap * sizeof(TreeRow));
		t->cap = cap;
	}
	t->rows[t->n] = (TreeRow){ 0 };
	return &t->rows[t->n++];
}

/* ---- what is said of one ---- */

static TimeUs
time_of(const Json *o, const char *key)
{
	TimeUs at = 0;

	return time_parse(json_get_text(o, key), &at) ? at : 0;
}

static Str
took(const Tree *t, const Json *o)
{
	TimeUs from = time_of(o, "started_at"), to = time_of(o, "finished_at");
	Json d;

	if (from == 0)
		return (Str){ 0 };
	if (to == 0)
		to = t->now;
	d = json_int(to > from ? to - from : 0);
	return cell_text(t->a, &d, COLUMN_MICROS);
}

static Str
when_it_became(Arena *a, const Json *o)
{
	static const char *const keys[] = { "finished_at", "started_at", "ready_at" };

	for (size_t i = 0; i < countof(keys); i++)
		if (json_is(json_get(o, keys[i]), JSON_STRING))
			return text_clean(a, json_get_text(o, keys[i]));
	return (Str){ 0 };
}

static int64_t
int_of(const Json *o, const char *key)
{
	return json_as_int(json_get(o, key), 0);
}

static void
say_items(Buf *b, const Json *items)
{
	if (!json_is(items, JSON_OBJECT))
		return;
	buf_item(b, "%lld of %lld items", (long long)(int_of(items, "begun") - int_of(items, "running")),
	    (long long)int_of(items, "total"));
	if (int_of(items, "running") > 0)
		buf_item(b, "%lld under way", (long long)int_of(items, "running"));
	if (int_of(items, "failed") > 0)
		buf_item(b, "%lld failed", (long long)int_of(items, "failed"));
}

/* The latest run of a task that has one at a time. */
static const Json *
single_run(const Json *task)
{
	const Json *runs = json_get(task, "runs");

	if (json_is(json_get(task, "items"), JSON_OBJECT) || !json_is(runs, JSON_ARRAY) || runs->n == 0)
		return NULL;
	return &runs->items[runs->n - 1];
}

/* Why it went wrong, in one line; that of a workflow only counts its tasks, which say more. */
static void
say_error(Buf *b, const Json *run)
{
	enum { MOST = 200 };
	Str error = json_get_text(run, "error"), line;

	if (json_as_bool(json_get(run, "workflow"), false) || !str_cut(&error, '\n', &line) || line.n == 0)
		return;
	buf_item(b, "%.*s%s", STR_ARG(utf8_clip(line, MOST)), line.n > MOST ? "..." : "");
}

static Str
task_more(const Tree *t, const Json *task)
{
	const Json *run = single_run(task);
	Str wait = json_get_text(run, "wait_reason"), note = json_get_text(task, "note");
	Buf b = buf_open(t->a);

	if (run != NULL)
		buf_item(&b, "execution %lld", (long long)int_of(run, "execution"));
	say_items(&b, json_get(task, "items"));
	if (int_of(task, "iterations") > 1)
		buf_item(&b, "round %lld", (long long)int_of(task, "iterations"));
	if (int_of(task, "tries") > 1)
		buf_item(&b, "try %lld", (long long)int_of(task, "tries"));
	if (json_as_bool(json_get(task, "taken_over"), false))
		buf_item(&b, "taken over");
	if (wait.n > 0)
		buf_item(&b, "waits: %.*s", STR_ARG(wait));
	if (str_is(json_get_text(task, "status"), "delayed"))
		buf_item(&b, "until %.*s", STR_ARG(cell_text(t->a, json_get(task, "due_at"), COLUMN_TIME)));
	if (note.n > 0)
		buf_item(&b, "%.*s", STR_ARG(note));
	say_error(&b, run);
	return text_clean(t->a, buf_str(&b));
}

/* ---- the tree ---- */

/* Where the rows under one stand. */
typedef struct Place {
	Str path, lines; /* "│  " for each level that goes on */
	unsigned depth;
} Place;

static Place
place_under(Tree *t, const Place *p, Str name, bool last)
{
	return (Place){ .path = str_fmt(t->a, "%.*s%s%.*s", STR_ARG(p->path), p->path.n > 0 ? "/" : "", STR_ARG(name)),
		.lines = str_fmt(t->a, "%.*s%s", STR_ARG(p->lines), last ? "   " : "│  "),
		.depth = p->depth + 1 };
}

static TreeRow *
row_for(Tree *t, const Place *p, Str name, const Json *o, bool last)
{
	TreeRow *r = row_add(t);
	Str status = text_clean(t->a, json_get_text(o, "status"));

	*r = (TreeRow){
		.path = str_fmt(t->a, "%.*s%s%.*s", STR_ARG(p->path), p->path.n > 0 ? "/" : "", STR_ARG(name)),
		.branch = str_fmt(t->a, "%.*s%s%s ", STR_ARG(p->lines), last ? "└─ " : "├─ ", mark_of(status)),
		.name = name,
		.status = status,
		.at = when_it_became(t->a, o),
		.took = took(t, o),
		.round = int_of(o, "iterations"),
	};
	return r;
}

static void tasks_add(Tree *t, const Place *p, const Json *run, Str group);

static bool
item_shown(const Json *run, size_t *shown)
{
	if (json_is_null(json_get(run, "index")))
		return false;
	return json_get(run, "inside") != NULL || (*shown)++ < ITEMS_SHOWN;
}

static Str
item_more(const Tree *t, const Json *run)
{
	Buf b = buf_open(t->a);

	buf_item(&b, "execution %lld", (long long)int_of(run, "execution"));
	say_error(&b, run);
	return text_clean(t->a, buf_str(&b));
}

/* Those that are under way or went wrong; what has ended well is only counted. */
static void
items_add(Tree *t, const Place *p, const Json *task)
{
	const Json *runs = json_get(task, "runs");
	size_t shown = 0, last = 0, seen = 0;

	for (size_t i = 0; json_is(runs, JSON_ARRAY) && i < runs->n; i++)
		if (item_shown(&runs->items[i], &shown))
			last = i + 1;
	for (size_t i = 0; i < last; i++) {
		const Json *run = &runs->items[i];
		Str name = str_fmt(t->a, "[%lld]", (long long)int_of(run, "index"));
		Place under;
		TreeRow *r;

		if (!item_shown(run, &seen))
			continue;
		r = row_for(t, p, name, run, i + 1 == last);
		r->is_item = true;
		r->more = item_more(t, run);
		under = place_under(t, p, name, i + 1 == last);
		if (json_get(run, "inside") != NULL)
			tasks_add(t, &under, json_get(run, "inside"), (Str){ 0 });
	}
}

static void
task_add(Tree *t, const Place *p, const Json *run, const Json *task, bool last)
{
	Str key = json_get_text(task, "name"), name = text_clean(t->a, key);
	TreeRow *r = row_for(t, p, name, task, last);
	Place under = place_under(t, p, name, last);
	const Json *one = single_run(task);

	r->more = task_more(t, task);
	if (str_is(json_get_text(task, "type"), "parallel"))
		tasks_add(t, &under, run, key);
	else if (one != NULL && json_get(one, "inside") != NULL)
		tasks_add(t, &under, json_get(one, "inside"), (Str){ 0 });
	else
		items_add(t, &under, task);
}

/* The tasks of a run, or those of one of its parallel tasks. */
static void
tasks_add(Tree *t, const Place *p, const Json *run, Str group)
{
	const Json *tasks = json_get(run, "tasks");
	size_t last = 0;

	if (!json_is(tasks, JSON_ARRAY) || p->depth > DEPTH_MOST)
		return;
	for (size_t i = 0; i < tasks->n; i++)
		if (str_eq(json_get_text(&tasks->items[i], "group"), group))
			last = i;
	for (size_t i = 0; i <= last && i < tasks->n; i++)
		if (str_eq(json_get_text(&tasks->items[i], "group"), group))
			task_add(t, p, run, &tasks->items[i], i == last);
}

Tree
tree_of(Arena *a, const Json *run, TimeUs now)
{
	Tree t = { .a = a, .now = now };
	Place top = { 0 };
	TreeRow *r = row_add(&t);
	Str status = text_clean(a, json_get_text(run, "status"));

	*r = (TreeRow){ .branch = str_fmt(a, "%s ", mark_of(status)),
		.name = text_clean(a, json_get_text(run, "workflow_ref")),
		.status = status,
		.at = when_it_became(a, run),
		.took = took(&t, run),
		.more = str_fmt(a, "execution %lld%s", (long long)int_of(run, "execution"),
		    json_as_bool(json_get(run, "paused"), false) ? ", paused" : "") };
	tasks_add(&t, &top, run, (Str){ 0 });
	return t;
}

/* ---- on a terminal ---- */

static size_t
left_width(const Tree *t)
{
	size_t most = 0;

	for (size_t i = 0; i < t->n; i++) {
		size_t w = text_width(t->rows[i].branch) + text_width(t->rows[i].name);

		most = w > most ? w : most;
	}
	return most > NAME_MOST ? NAME_MOST : most;
}

static void
row_print(const TreeRow *r, Buf *b, size_t left, unsigned width, bool colour)
{
	enum { TOOK_W = 9 };
	size_t room;

	table_cell(b, str_fmt(b->a, "%.*s%.*s", STR_ARG(r->branch), STR_ARG(r->name)), left, false);
	buf_text(b, "  ");
	table_cell(b, r->status, STATUS_W, colour);
	buf_text(b, "  ");
	table_cell(b, r->took, TOOK_W, false);
	room = width == 0                             ? text_width(r->more)
	       : width > left + STATUS_W + TOOK_W + 7 ? width - left - STATUS_W - TOOK_W - 7
						      : 0;
	if (r->more.n > 0 && room > 1) {
		buf_text(b, "  ");
		table_cell(b, r->more, text_width(r->more) < room ? text_width(r->more) : room, false);
	}
	while (b->n > 0 && b->p[b->n - 1] == ' ')
		b->n--;
	buf_char(b, '\n');
}

void
tree_print(const Tree *t, Buf *b, unsigned width, size_t most, bool colour)
{
	size_t left = left_width(t), over, skipped = 0;

	if (width > 0 && left + 24 > width)
		left = width > 44 ? width - 24 : 20;
	over = t->n > most && most > 1 ? t->n - most + 1 : 0;
	for (size_t i = 0; i < t->n; i++) {
		bool ended = str_is(t->rows[i].status, "completed") || str_is(t->rows[i].status, "skipped");

		/* from the top those that are done, then whatever does not fit any more */
		if (skipped < over && i > 0 && (ended || t->n - i <= over - skipped)) {
			skipped++;
			continue;
		}
		row_print(&t->rows[i], b, left, width, colour);
	}
	if (skipped > 0)
		buf_fmt(b, "… %zu more\n", skipped);
}
