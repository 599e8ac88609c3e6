#include "cli/execution.h"
#include "cli/handlers.h"
#include "cli/profile.h"
#include "cli/sse.h"
#include "cli/tree.h"

#include "base/map.h"
#include "os/signals.h"
#include "os/thread.h"

#include <stdatomic.h>

enum {
	DAY_S = 86400,
	TURN_MS = 100,
	LOOK_MS = 500,   /* between two looks, at least */
	ASK_MS = 50,     /* the same for each request that the last one took: it may be one for each workflow inside */
	REST_MS = 5000,  /* but no longer than this */
	QUIET_MS = 2000, /* while the stream tells of nothing: it does not tell of what has no run */
	DRAW_MS = 1000,
	NESTED_MOST = 200,
	DEPTH_MOST = 32,
	INTERRUPTED = 130,
};

typedef struct Watch {
	Cli *c;
	Str id;
	ArenaMark mark; /* what one look needs is behind it, in the command's arena */
	int signals;
	HttpClient *stream;
	Thread thread;
	_Atomic bool over, connected;
	_Atomic unsigned heard;
	Json run; /* what was seen last */
	TimeUs looked;
	unsigned asked, before; /* the requests of the last look, and what was heard before it */
	Arena *kept;
	Map said;     /* in plain lines: status by path, in kept */
	size_t drawn; /* lines on the terminal that the next drawing takes the place of */
} Watch;

/* ---- the stream: it only says that something has changed ---- */

typedef struct Ear {
	Watch *w;
	Sse sse;
} Ear;

static bool
on_event(void *self, const SseEvent *e)
{
	Watch *w = ((Ear *)self)->w;

	(void)e;
	atomic_fetch_add(&w->heard, 1);
	return !atomic_load(&w->over);
}

static bool
on_bytes(void *self, Str bytes)
{
	Ear *ear = self;

	atomic_store(&ear->w->connected, true);
	return sse_feed(&ear->sse, bytes, on_event, ear);
}

static bool
is_over(void *self)
{
	return atomic_load(&((Ear *)self)->w->over);
}

/* Once it is lost the looks are as frequent as without it. */
static void
listen_run(void *self)
{
	Watch *w = self;
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(arena_done) Arena *events = arena_open();
	Ear ear = { w, sse_open(events) };
	HttpAsk ask = { .method = "GET",
		.accept = "text/event-stream",
		.piece = on_bytes,
		.halt = is_over,
		.self = &ear,
		.seconds = DAY_S };
	HttpReply reply = { 0 };
	Err err = { 0 };

	ask.path = str_fmt(a, "/api/v1/executions/stream?under=%.*s", STR_ARG(url_escape(a, w->id)));
	if (!client_send(w->stream, a, &ask, &reply, &err))
		err_clear(&err);
	atomic_store(&w->connected, false);
}

/* The connection is opened here: that reads the profiles and uses the memory of the command, which are this thread's. */
static void
listen_start(Watch *w)
{
	Err err = { 0 };

	if (!profile_client(w->c, true, &w->stream, &err) || !thread_start(&w->thread, "stream", listen_run, w, &err))
		out_note(w->c, "Warning: %s", err.text);
}

static void
listen_end(Watch *w)
{
	atomic_store(&w->over, true);
	thread_join(&w->thread);
	client_close(w->stream);
}

/* ---- looking ---- */

static bool inside_read(Watch *w, Json *run, bool all, unsigned depth, size_t *left, Err *err);

static bool
run_read(Watch *w, Str id, bool all, unsigned depth, size_t *left, Json *ret, Err *err)
{
	Cli *c = w->c;

	w->asked++;
	return cli_call(c, "GET", str_fmt(c->a, "/api/v1/executions/%.*s/workflow", STR_ARG(url_escape(c->a, id))),
		   NULL, ret, err) &&
	       inside_read(w, ret, all, depth, left, err);
}

static Json *
list_of(Json *object, const char *key)
{
	for (size_t i = 0; json_is(object, JSON_OBJECT) && i < object->n; i++)
		if (str_is(object->members[i].key, key) && object->members[i].value.kind == JSON_ARRAY)
			return &object->members[i].value;
	return NULL;
}

/* The workflows that it runs: those under way and, at the end, all. */
static bool
inside_read(Watch *w, Json *run, bool all, unsigned depth, size_t *left, Err *err)
{
	Json *tasks = list_of(run, "tasks");

	for (size_t i = 0; depth < DEPTH_MOST && tasks != NULL && i < tasks->n; i++) {
		Json *runs = list_of(&tasks->items[i], "runs");

		for (size_t k = 0; runs != NULL && k<runs->n && * left> 0; k++) {
			Json *one = &runs->items[k], inside;

			if (!json_as_bool(json_get(one, "workflow"), false) ||
			    (!all && status_is_terminal(json_get_text(one, "status"))))
				continue;
			(*left)--;
			if (!run_read(
				w, json_text(w->c->a, json_get(one, "execution")), all, depth + 1, left, &inside, err))
				return false;
			json_add(w->c->a, one, "inside", inside);
		}
	}
	return true;
}

/* *ret_there false: it is no workflow, or has not begun. */
static bool
timeline_look(Watch *w, bool all, bool *ret_there, Err *err)
{
	size_t left = NESTED_MOST;

	w->run = json_object();
	*ret_there = run_read(w, w->id, all, 0, &left, &w->run, err);
	if (*ret_there || err->code != ERR_NOT_FOUND)
		return *ret_there;
	err_clear(err);
	return true;
}

/* One that has not begun is shown as its execution alone. */
static bool
run_look(Watch *w, bool all, Err *err)
{
	bool there;
	Json row;

	arena_rewind(w->c->a, w->mark);
	if (!timeline_look(w, all, &there, err))
		return false;
	if (there)
		return true;
	if (!cli_call(w->c, "GET", str_fmt(w->c->a, "/api/v1/executions/%.*s", STR_ARG(url_escape(w->c->a, w->id))),
		NULL, &row, err))
		return false;
	/* it may have begun since */
	if (!str_is(json_get_text(&row, "status"), "requested") && !timeline_look(w, all, &there, err))
		return false;
	if (there)
		return true;
	if (!str_is(json_get_text(&row, "status"), "requested") && !status_is_terminal(json_get_text(&row, "status")))
		return err_set(err, ERR_INVALID,
		    "execution %.*s is no workflow. Follow it: attune execution watch %.*s", STR_ARG(w->id),
		    STR_ARG(w->id));
	json_add(w->c->a, &w->run, "status", json_str(str_copy(w->c->a, json_get_text(&row, "status"))));
	json_add(w->c->a, &w->run, "workflow_ref", json_str(str_copy(w->c->a, json_get_text(&row, "action_ref"))));
	json_add(w->c->a, &w->run, "execution", json_int(json_as_int(json_get(&row, "id"), 0)));
	return true;
}

static bool
look(Watch *w, bool all, Err *err)
{
	bool ok;

	w->before = atomic_load(&w->heard);
	w->asked = 0;
	ok = run_look(w, all, err);
	w->looked = clock_mono(clock_real());
	return ok;
}

/* ---- showing ---- */

static size_t
lines_in(Str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '\n';
	return n;
}

static void
draw(Watch *w, bool last)
{
	const CliIo *io = w->c->io;
	Tree t = tree_of(w->c->a, &w->run, clock_wall(clock_real()));
	Buf b = buf_open(w->c->a);
	size_t most = last || io->height < 4 ? SIZE_MAX : io->height - 2;

	if (w->drawn > 0)
		buf_fmt(&b, "\033[%zuA\033[J", w->drawn);
	tree_print(&t, &b, io->width, most, io->colour);
	w->drawn = lines_in(buf_str(&b));
	fwrite(b.p, 1, b.n, io->out);
	fflush(io->out);
}

/* A line for each task that has become another. */
static void
say_changes(Watch *w)
{
	Cli *c = w->c;
	Tree t = tree_of(w->c->a, &w->run, clock_wall(clock_real()));

	for (size_t i = 0; i < t.n; i++) {
		const TreeRow *r = &t.rows[i];
		Str now = str_fmt(c->a, "%.*s %lld", STR_ARG(r->status), (long long)r->round);
		Json at = json_str(r->at);
		Str path = r->path.n == 0 ? r->name : r->path, *before = map_get_str(&w->said, path);
		bool quiet = str_is(r->status, "waiting") || str_is(r->status, "not_run") ||
			     (r->is_item && !status_is_terminal(r->status));

		if (quiet || (before != NULL && str_eq(*before, now)))
			continue;
		before = arena_new(w->kept, Str);
		*before = str_copy(w->kept, now);
		map_put_str(&w->said, str_copy(w->kept, path), before);
		out_line(c, "%.*s  %.*s  %.*s%s%.*s%s%.*s",
		    STR_ARG(r->at.n > 0 ? cell_text(c->a, &at, COLUMN_TIME) : str_of("-")), STR_ARG(path),
		    STR_ARG(r->status), r->took.n > 0 ? "  " : "", STR_ARG(r->took), r->more.n > 0 ? "  " : "",
		    STR_ARG(r->more));
	}
	fflush(c->io->out);
}

static bool
is_for_people(const Cli *c)
{
	return c->field.n == 0 && !c->quiet && (c->format == FORMAT_TABLE || c->format == FORMAT_WIDE);
}

static void
show(Watch *w, bool last)
{
	if (!is_for_people(w->c))
		return;
	if (w->c->io->width > 0)
		draw(w, last);
	else
		say_changes(w);
}

/* ---- following ---- */

/* How long nothing is asked after a look; what is heard meanwhile is not forgotten. */
static TimeUs
rest(Watch *w)
{
	bool quiet = atomic_load(&w->connected) && atomic_load(&w->heard) == w->before;
	TimeUs least = quiet ? QUIET_MS : LOOK_MS, dear = (TimeUs)w->asked * ASK_MS;

	dear = dear > REST_MS ? REST_MS : dear;
	return (dear > least ? dear : least) * US_PER_MS;
}

/* Sleeps until something has changed, or it is time to look or draw anew; false: the person has enough, or is gone. */
static bool
wait_turn(Watch *w, bool *ret_look)
{
	TimeUs drawn = clock_mono(clock_real());

	for (;;) {
		int got = signals_wait(w->signals, TURN_MS * US_PER_MS);
		TimeUs now = clock_mono(clock_real());

		if (got != 0 || ferror(w->c->io->out))
			return false;
		*ret_look = now - w->looked >= rest(w);
		if (*ret_look || (w->c->io->width > 0 && now - drawn >= DRAW_MS * US_PER_MS))
			return true;
	}
}

static bool
follow(Watch *w, int64_t seconds, bool *ret_left, Err *err)
{
	TimeUs end = clock_mono(clock_real()) + seconds * US_PER_S;
	bool again = true;

	*ret_left = false;
	for (;;) {
		if (again && !look(w, false, err))
			return false;
		if (status_is_terminal(json_get_text(&w->run, "status")))
			return look(w, true, err) && (show(w, true), true);
		show(w, false);
		if (!wait_turn(w, &again)) {
			*ret_left = true;
			return true;
		}
		if (clock_mono(clock_real()) >= end)
			return err_set(err, ERR_TIMEOUT,
			    "timed out waiting for execution %.*s. It goes on: attune workflow watch %.*s",
			    STR_ARG(w->id), STR_ARG(w->id));
	}
}

/* What it gave, and why it failed; for programs the timeline. */
static bool
report(Watch *w, int *ret_code, Err *err)
{
	Cli *c = w->c;
	Json row;

	if (!cli_call(
		c, "GET", str_fmt(c->a, "/api/v1/executions/%.*s", STR_ARG(url_escape(c->a, w->id))), NULL, &row, err))
		return false;
	if (is_for_people(c)) {
		*ret_code = cmd_execution_verdict(c, &row);
		return true;
	}
	out_raw(c, &w->run);
	*ret_code = str_is(json_get_text(&row, "status"), "completed") ? CLI_DONE : CLI_FAILED;
	return true;
}

bool
cli_watch_tree(Cli *c, Str id, int64_t seconds, int *ret_code, Err *err)
{
	CLEANUP(arena_done) Arena *kept = arena_open();
	Watch w = { .c = c, .id = id, .kept = kept, .said = map_open(kept) };
	bool fine, left;
	Json row;

	if (!cli_call(
		c, "GET", str_fmt(c->a, "/api/v1/executions/%.*s", STR_ARG(url_escape(c->a, id))), NULL, &row, err) ||
	    !signals_open(&w.signals, err))
		return false;
	listen_start(&w);
	w.mark = arena_mark(c->a);
	fine = follow(&w, seconds, &left, err);
	listen_end(&w);
	signals_close(w.signals);
	if (!fine)
		return false;
	if (!left)
		return report(&w, ret_code, err);
	fprintf(c->io->err, "Execution %.*s goes on. Look again: attune workflow watch %.*s\n", STR_ARG(w.id),
	    STR_ARG(w.id));
	*ret_code = INTERRUPTED;
	return true;
}

bool
cmd_workflow_watch(Cli *c, int *ret_code, Err *err)
{
	int64_t seconds;

	return cli_opt_int(c, "timeout", DAY_S, &seconds, err) && cli_watch_tree(c, c->args[0], seconds, ret_code, err);
}
