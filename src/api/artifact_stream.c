/*
 * What lies in an artifact's latest version, while it is written: an action is given a file to write to, and who looks need not wait
 * until it has ended.
 */
#include "api/artifact.h"
#include "api/handlers.h"
#include "api/streams.h"
#include "base/codec.h"
#include "os/fs.h"
#include "store/execution_read.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAUSE_US = 500 * US_PER_MS, PATIENCE_US = 30 * US_PER_S };

typedef struct Follower {
	Id artifact;
	Str token;
	Id version;     /* which it reads */
	int64_t offset; /* so much of it was sent */
	bool caught_up; /* what was there has been sent: now it is appended */
	bool waits;     /* it has been said that there is nothing */
	TimeUs give_up; /* when there is still nothing; monotonic */
} Follower;

static void
begin_again(Follower *f, Id version)
{
	f->version = version;
	f->offset = 0;
	f->caught_up = false;
	f->waits = false;
}

/* What is new in the file; *ret_there: there is one. A file that became shorter is read anew. */
static Str
file_news(App *app, Arena *a, Follower *f, Str path, bool *ret_there)
{
	CLEANUP(fd_done) int root = -1;
	CLEANUP(fd_done) int fd = -1;
	struct stat st;
	char *bytes;
	ssize_t n;

	*ret_there = files_root(app, a, &root, NULL) && open_beneath(root, str_cstr(a, path), O_RDONLY, &fd, NULL) &&
		     fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	if (!*ret_there)
		return (Str){ "", 0 };
	if (st.st_size < f->offset)
		begin_again(f, f->version);
	if (st.st_size == f->offset)
		return (Str){ "", 0 };
	bytes = arena_alloc_raw(a, STREAM_PIECE);
	n = pread(fd, bytes, STREAM_PIECE, f->offset);
	return (Str){ bytes, n < 0 ? 0 : (size_t)n };
}

static Str
row_news(Arena *a, const Follower *f, const VersionRow *v)
{
	Str text = v->has_json ? json_text(a, &v->content_json) : v->content;

	return str_sub(text, (size_t)f->offset, (size_t)f->offset + STREAM_PIECE);
}

/* Nobody writes to it any more. */
static bool
is_whole(App *app, Arena *a, const VersionRow *v)
{
	ExecutionPlace p;
	Err err = { 0 };

	if (v->execution == 0 || str_none(v->file_path))
		return true;
	return execution_place(app_db(app), a, v->execution, &p, &err) ? exec_terminal(p.status)
								       : err.code == ERR_NOT_FOUND;
}

static void
nothing_there(Follower *f, StreamTurn *t, TimeUs now)
{
	if (!f->waits)
		stream_event(t->out, "waiting", -1, str_of("nothing was written"));
	f->waits = true;
	if (now < f->give_up)
		return;
	stream_event(t->out, "error", -1, str_of("nothing was written in time"));
	t->over = true;
}

static void
send_news(Follower *f, StreamTurn *t, Str news, bool whole)
{
	if (!whole || news.n == STREAM_PIECE)
		news = stream_whole_part(news);
	if (news.n == 0) {
		f->caught_up = true;
		return;
	}
	f->offset += (int64_t)news.n;
	stream_event(t->out, f->caught_up ? "append" : "content", -1, utf8_clean(t->out->a, news));
}

static void
follow(App *app, void *self, StreamTurn *t)
{
	Follower *f = self;
	Arena *a = t->out->a;
	TimeUs now = clock_mono(clock_real());
	VersionRow v;
	Caller caller;
	Err err = { 0 };
	bool there = true, whole;
	Str news;

	t->until = now + PAUSE_US;
	if (!stream_caller(app, t, f->token, &caller))
		return;
	if (!version_get(app_db(app), a, f->artifact, 0, &v, &err)) {
		if (!err_passes(err.code))
			nothing_there(f, t, now);
		return;
	}
	if (v.id != f->version)
		begin_again(f, v.id);
	whole = is_whole(app, a, &v);
	news = str_none(v.file_path) ? row_news(a, f, &v) : file_news(app, a, f, v.file_path, &there);
	if (!there && !whole) {
		nothing_there(f, t, now);
		return;
	}
	send_news(f, t, news, whole);
	if (whole && t->out->n == 0) {
		stream_event(t->out, "done", -1, (Str){ "", 0 });
		t->over = true;
	}
}

bool
artifact_stream(App *app, Req *q, Res *s, Err *err)
{
	Follower *f = arena_new(req_arena(q), Follower);
	ArtifactRow x;

	if (!artifact_of_path(app, q, "artifacts:read", &x, err))
		return false;
	*f =
	    (Follower){ .artifact = x.id, .token = stream_token(q), .give_up = clock_mono(clock_real()) + PATIENCE_US };
	return res_stream(s, (Stream){ .next = follow, .self = f });
}
