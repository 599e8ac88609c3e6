/*
 * What a run has written, whole or while it is being written. Larger output lies in a file beside the worker's others, as does that of
 * a run that takes long; what is small lies in the row when the run has ended. A follower reads on from a byte of it, whichever
 * of the two it comes from.
 */
#include "api/streams.h"

#include "api/access.h"
#include "api/handlers.h"
#include "api/work.h"
#include "base/codec.h"
#include "http/stream.h"
#include "store/execution_read.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	CHUNK = STREAM_PIECE,
	PAUSE_US = 80 * US_PER_MS, /* who follows is told within a tenth of a second */
	ASK_US = 2 * US_PER_S,     /* how often the row is looked at that nobody announced */
};

typedef struct Follower {
	Id execution;
	const char *stream; /* "stdout" */
	int64_t offset;
	bool caught_up;     /* what was there at first has been sent: now it is appended */
	bool waited;        /* it has been said that there is nothing */
	bool ended;         /* the run has */
	TimeUs sleep_until; /* when woken before, something has happened */
	TimeUs ask_at;
	char worker[256]; /* whose run it is; empty: nobody's */
	Str token;
	Target target; /* the run, for rights */
} Follower;

static const char *
stream_name(Str given)
{
	static const char *const names[] = { "stdout", "stderr" };

	for (size_t i = 0; i < countof(names); i++)
		if (str_is(given, names[i]))
			return names[i];
	return NULL;
}

/* ---- where it lies ---- */

static Str
log_path(App *app, Arena *a, Str worker, Id execution, const char *stream)
{
	return str_fmt(a, "%.*s/%.*s/execution_%lld/%s.log", STR_ARG(config_str(app->config, "artifacts_dir")),
	    STR_ARG(worker), (long long)execution, stream);
}

/* Of an ended run whose output is small: the row has it, as text or as the value that the text was. */
static bool
row_log(App *app, Arena *a, Id execution, const char *stream, Str *ret, Err *err)
{
	const Json *result, *data;
	Json e;

	if (!execution_show(app_db(app), a, execution, &e, err))
		return false;
	result = json_get(&e, "result");
	*ret = json_get_text(result, stream);
	data = json_get(result, "data");
	if (str_none(*ret) && data != NULL && strcmp(stream, "stdout") == 0)
		*ret = str_fmt(a, "%.*s\n", STR_ARG(json_text(a, data)));
	if (str_none(*ret))
		*ret = (Str){ "", 0 };
	return true;
}

/* At most `most` bytes from the offset; *ret_file: there is a file. */
static Str
file_part(Arena *a, Str path, int64_t offset, size_t most, bool *ret_file)
{
	int fd = open(path.p, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st = { 0 };
	char *bytes = NULL;
	ssize_t n = 0;

	*ret_file = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	if (*ret_file && st.st_size > offset) {
		if ((size_t)(st.st_size - offset) < most)
			most = (size_t)(st.st_size - offset);
		bytes = arena_alloc_raw(a, most);
		n = pread(fd, bytes, most, offset);
	}
	if (fd >= 0)
		close(fd);
	return n <= 0 ? (Str){ "", 0 } : (Str){ bytes, (size_t)n };
}

/* ---- following ---- */

static void
send_part(Follower *f, Buf *out, Str part)
{
	f->offset += (int64_t)part.n;
	stream_event(out, f->caught_up ? "append" : "content", f->offset, utf8_clean(out->a, part));
}

static bool
send_new(App *app, Follower *f, StreamTurn *t, Err *err)
{
	Arena *a = t->out->a;
	bool file = false;
	Str part = { "", 0 };

	if (f->worker[0] != '\0')
		part =
		    file_part(a, log_path(app, a, str_of(f->worker), f->execution, f->stream), f->offset, CHUNK, &file);
	if (!file && f->ended) {
		if (!row_log(app, a, f->execution, f->stream, &part, err))
			return false;
		part = str_sub(part, (size_t)f->offset, (size_t)f->offset + CHUNK);
	}
	if (!f->ended || part.n == CHUNK)
		part = stream_whole_part(part);
	if (part.n > 0)
		send_part(f, t->out, part);
	else
		f->caught_up |= file;
	if (part.n == 0 && !file && !f->ended && !f->waited) {
		stream_event(t->out, "waiting", -1, str_of("nothing was written"));
		f->waited = true;
	}
	return true;
}

/* The state first, then the bytes: what is written before the end is seen is sent before `done`. */
static bool
follow_on(App *app, Follower *f, StreamTurn *t, Err *err)
{
	TimeUs now = clock_mono(clock_real());
	ExecutionPlace p;
	size_t before;

	t->until = now + PAUSE_US;
	/* woken before its time: the run has ended, perhaps */
	if (f->ask_at <= now || f->worker[0] == '\0' || now + PAUSE_US / 8 < f->sleep_until) {
		f->ask_at = now + ASK_US;
		if (!execution_place(app_db(app), t->out->a, f->execution, &p, err))
			return false;
		f->ended = exec_terminal(p.status);
		snprintf(f->worker, sizeof(f->worker), "%.*s", STR_ARG(p.worker));
	}
	before = t->out->n;
	if (!send_new(app, f, t, err))
		return false;
	if (f->ended && t->out->n == before) {
		stream_event(t->out, "done", -1, (Str){ "", 0 });
		t->over = true;
	}
	f->sleep_until = t->until;
	return true;
}

static void
follow(App *app, void *self, StreamTurn *turn)
{
	Follower *f = self;
	Caller caller;
	Err err = { 0 };

	turn->key = f->execution; /* its end */
	turn->until = clock_mono(clock_real()) + PAUSE_US;
	if (!stream_caller(app, turn, f->token, &caller))
		return;
	if (!grants_allow(&caller, "executions:read", &f->target) ||
	    (!follow_on(app, f, turn, &err) && !err_passes(err.code)))
		turn->over = true;
}

static bool
follower_read(App *app, Req *q, Follower *f, Err *err)
{
	Arena *a = req_arena(q);
	Str last = req_header(q, "Last-Event-ID"), name = req_param(q, "stream");
	int64_t from = 0;
	Watched *rows;
	size_t n;

	*f = (Follower){ .stream = stream_name(name), .token = stream_token(q) };
	if (f->stream == NULL)
		return err_set(err, ERR_INVALID, "'%.*s' is no stream of a run: stdout or stderr",
		    STR_ARG(utf8_clip(utf8_clean(a, name), 80)));
	if (!str_none(last) && (!str_to_int(last, &from) || from < 0))
		from = 0;
	if (!req_id(q, "id", &f->execution, err) || !req_query_int(q, "offset", from, &f->offset, err))
		return false;
	if (f->offset < 0)
		return err_set(err, ERR_INVALID, "'offset' is a number of bytes, at least 0");
	if (!watched_read(app_db(app), a, SUBJECT_EXECUTION, &f->execution, 1, &rows, &n, err))
		return false;
	if (n == 0)
		return err_set(err, ERR_NOT_FOUND, "Execution with ID %lld not found", (long long)f->execution);
	f->target = rows[0].target;
	return see(app, "executions:read", &f->target, err);
}

bool
execution_log_stream(App *app, Req *q, Res *s, Err *err)
{
	Follower *f = arena_new(req_arena(q), Follower);

	return follower_read(app, q, f, err) && res_stream(s, (Stream){ .next = follow, .self = f });
}

bool
execution_log(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	size_t most = (size_t)config_int(app->config, "worker.max_stdout_bytes") +
		      (size_t)config_int(app->config, "worker.max_stderr_bytes");
	bool file = false;
	ExecutionPlace p;
	Follower f;
	Str text = { "", 0 };

	if (!follower_read(app, q, &f, err) || !execution_place(app_db(app), a, f.execution, &p, err))
		return false;
	if (!str_none(p.worker))
		text = file_part(a, log_path(app, a, p.worker, f.execution, f.stream), f.offset, most, &file);
	if (!file && exec_terminal(p.status)) {
		if (!row_log(app, a, f.execution, f.stream, &text, err))
			return false;
		text = str_sub(text, (size_t)f.offset, text.n);
	}
	return res_bytes(s, 200, "text/plain; charset=utf-8", utf8_clean(a, text));
}
