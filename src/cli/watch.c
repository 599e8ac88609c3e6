#include "cli/execution.h"
#include "cli/handlers.h"
#include "cli/profile.h"
#include "cli/tail.h"

#include "os/signals.h"
#include "os/thread.h"

#include <stdatomic.h>

enum { LOOK_MS = 250, LIST_MS = 1000, STREAMS = 2, GRACE_S = 5, SEEN_MAX = 4096, INTERRUPTED = 130 };

typedef struct Watch {
	Cli *c;
	Str id;
	int signals;
	_Atomic TimeUs ends; /* after this no more output is waited for; 0: the run goes on */
	struct Stream {
		Tail tail;
		Thread thread;
		TailEnd end;
	} streams[STREAMS];
} Watch;

static bool
no_more(void *self)
{
	const Watch *w = self;
	TimeUs ends = atomic_load(&w->ends);

	return ends != 0 && clock_mono(clock_real()) >= ends;
}

static void
stream_run(void *self)
{
	struct Stream *s = self;

	s->end = tail_run(&s->tail);
}

/* Their connections are opened here: that reads the profiles and uses the memory of the command, which are this thread's. */
static void
streams_start(Watch *w)
{
	static const char *const names[STREAMS] = { "stdout", "stderr" };

	for (size_t i = 0; i < STREAMS; i++) {
		struct Stream *s = &w->streams[i];
		Err err = { 0 };

		s->end = TAIL_UNSUPPORTED;
		s->tail = (Tail){ .id = w->id,
			.stream = names[i],
			.out = i == 0 ? w->c->io->out : w->c->io->err,
			.halt = no_more,
			.self = w };
		if (profile_client(w->c, true, &s->tail.client, &err) &&
		    thread_start(&s->thread, names[i], stream_run, s, &err))
			continue;
		client_close(s->tail.client);
		out_note(w->c, "Warning: %s", err.text);
	}
}

/* They end by themselves a moment after the run. */
static bool
streams_end(Watch *w, bool at_once)
{
	bool live = true;

	atomic_store(&w->ends, clock_mono(clock_real()) + (at_once ? 0 : GRACE_S * US_PER_S));
	for (size_t i = 0; i < STREAMS; i++) {
		thread_join(&w->streams[i].thread);
		live = live && w->streams[i].end == TAIL_DONE;
		if (w->streams[i].tail.midline)
			fputc('\n', w->streams[i].tail.out);
	}
	return live;
}

static size_t
print_moves(const Cli *c, const Json *row, size_t seen)
{
	const Json *moves = json_get(row, "timeline");

	for (; json_at(moves, seen) != NULL; seen++) {
		const Json *m = json_at(moves, seen);

		out_note(c, "%.*s  %.*s  %.*s", STR_ARG(cell_text(c->a, json_get(m, "at"), COLUMN_TIME)),
		    STR_ARG(json_get_text(m, "status")), STR_ARG(json_get_text(m, "by")));
	}
	return seen;
}

/* Looks at the run until it has ended. */
static bool
follow(Watch *w, int64_t seconds, Json *row, bool *ret_left, Err *err)
{
	TimeUs end = clock_mono(clock_real()) + seconds * US_PER_S;
	Cli *c = w->c;
	size_t seen = 0;

	*ret_left = false;
	for (;;) {
		ArenaMark m = arena_mark(c->a);

		if (!cli_call(c, "GET", str_fmt(c->a, "/api/v1/executions/%.*s", STR_ARG(url_escape(c->a, w->id))),
			NULL, row, err))
			return false;
		if (c->format == FORMAT_TABLE || c->format == FORMAT_WIDE)
			seen = print_moves(c, row, seen);
		if (status_is_terminal(json_get_text(row, "status")))
			return true;
		if (signals_wait(w->signals, LOOK_MS * US_PER_MS) != 0 || ferror(c->io->out)) {
			*ret_left = true;
			return true;
		}
		if (clock_mono(clock_real()) >= end)
			return err_set(err, ERR_TIMEOUT,
			    "timed out waiting for execution %.*s. It goes on: attune execution watch %.*s",
			    STR_ARG(w->id), STR_ARG(w->id));
		arena_rewind(c->a, m);
	}
}

/* What the streams did not show: a result that is no text, and why it failed. */
static int
report_rest(Cli *c, const Json *row)
{
	Json rest = json_clone(c->a, row), result;
	bool text;

	if (!json_is(json_get(row, "result"), JSON_OBJECT))
		return cmd_execution_report(c, row);
	result = json_clone(c->a, json_get(row, "result"));
	text = json_get_text(&result, "stdout").n > 0;
	json_remove(&result, str_of("stdout"));
	json_remove(&result, str_of("stderr"));
	json_set(c->a, &rest, "result", result);
	return text ? cmd_execution_verdict(c, &rest) : cmd_execution_report(c, &rest);
}

bool
cli_watch(Cli *c, Str id, int64_t seconds, int *ret_code, Err *err)
{
	bool people = c->field.n == 0 && !c->quiet && (c->format == FORMAT_TABLE || c->format == FORMAT_WIDE);
	Watch w = { .c = c, .id = id, .signals = -1 };
	bool left, fine, live = false;
	Json row;

	if (!signals_open(&w.signals, err))
		return false;
	if (people)
		streams_start(&w);
	fine = follow(&w, seconds, &row, &left, err);
	if (people)
		live = streams_end(&w, !fine || left);
	signals_close(w.signals);
	if (!fine)
		return false;
	if (left) {
		fprintf(c->io->err,
		    "Execution %.*s goes on. Look again: attune execution watch %.*s; stop it: attune execution "
		    "cancel %.*s\n",
		    STR_ARG(id), STR_ARG(id), STR_ARG(id));
		*ret_code = INTERRUPTED;
		return true;
	}
	*ret_code = live ? report_rest(c, &row) : cmd_execution_report(c, &row);
	return true;
}

/* ---- without an id: what changes among all that match ---- */

typedef struct Seen {
	Id id;
	char status[24];
} Seen;

static bool
is_news(Seen *seen, const Json *row)
{
	Id id = json_as_int(json_get(row, "id"), 0);
	Seen *slot = &seen[(size_t)id % SEEN_MAX];
	Str status = json_get_text(row, "status");

	if (slot->id == id && str_is(status, slot->status))
		return false;
	slot->id = id;
	snprintf(slot->status, sizeof(slot->status), "%.*s", STR_ARG(status));
	return true;
}

static bool
watch_all(Cli *c, int64_t seconds, Err *err)
{
	TimeUs end = clock_mono(clock_real()) + seconds * US_PER_S;
	Str path = cli_query(c, str_of("/api/v1/executions?page_size=100"));
	Seen *seen = arena_array(c->a, Seen, SEEN_MAX);
	bool fine = true;
	int signals;

	if (!signals_open(&signals, err))
		return false;
	while (clock_mono(clock_real()) < end && !ferror(c->io->out)) {
		ArenaMark m = arena_mark(c->a);
		Json rows;

		fine = cli_call(c, "GET", path, NULL, &rows, err);
		for (size_t i = fine ? rows.n : 0; i > 0; i--) {
			const Json *row = json_at(&rows, i - 1);

			if (is_news(seen, row))
				out_line(c, "%.*s  %lld  %.*s  %.*s",
				    STR_ARG(cell_text(c->a, json_get(row, "updated"), COLUMN_TIME)),
				    (long long)json_as_int(json_get(row, "id"), 0),
				    STR_ARG(json_get_text(row, "action_ref")), STR_ARG(json_get_text(row, "status")));
		}
		fflush(c->io->out);
		arena_rewind(c->a, m);
		if (!fine || signals_wait(signals, LIST_MS * US_PER_MS) != 0)
			break;
	}
	signals_close(signals);
	return fine;
}

bool
cmd_execution_watch(Cli *c, int *ret_code, Err *err)
{
	int64_t seconds;

	if (!cli_opt_int(c, "timeout", EXECUTION_WAIT_S, &seconds, err))
		return false;
	return c->n_args == 0 ? watch_all(c, seconds, err) : cli_watch(c, c->args[0], seconds, ret_code, err);
}
