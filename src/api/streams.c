/* Changes of executions as they happen: text/event-stream. */
#include "api/streams.h"

#include "api/access.h"
#include "access/access.h"
#include "api/handlers.h"
#include "api/session.h"
#include "base/codec.h"

Str
stream_token(Req *q)
{
	bool cookie;

	return str_copy(req_arena(q), bearer_of(q, &cookie));
}

bool
stream_caller(App *app, StreamTurn *turn, Str token, Caller *ret)
{
	Err err = { 0 };

	if (callers_find(app->callers, app->uow->db, turn->out->a, token, ret, &err))
		return true;
	turn->over = !err_passes(err.code);
	return false;
}

Str
stream_whole_part(Str part)
{
	size_t valid = utf8_valid_prefix(part);

	if (valid < part.n && part.n - valid < 4 && ((unsigned char)part.p[valid] & 0xc0) == 0xc0)
		part.n = valid;
	if (part.n > 0 && part.p[part.n - 1] == '\r')
		part.n--;
	return part;
}

/* One who reads on. Lies in the request's arena, with what the caller refers to. */
typedef struct Follower {
	Hub *hub;
	Str token;
	Caller caller; /* of the running turn */
	Id execution;  /* 0: all */
	Str under; /* only what came of this run, as it stands among its ancestors: "/5/"; none: whatever it came of */
	Id top;    /* the run of `under` itself */
	uint64_t at; /* the last notice seen */
	Buf *out;    /* of the running turn */
} Follower;

static bool
is_followed(const Follower *f, const Notice *n)
{
	if (f->execution != 0 && n->id != f->execution)
		return false;
	return f->top == 0 || n->id == f->top ||
	       (!str_none(n->target.ancestors) && str_find(n->target.ancestors, f->under, NULL));
}

static bool
on_notice(void *self, const Notice *n)
{
	Follower *f = self;

	if (f->out->n >= STREAM_PIECE)
		return false;
	if (change_rows[n->kind].subject == SUBJECT_EXECUTION && is_followed(f, n) &&
	    grants_allow(&f->caller, "executions:read", &n->target))
		stream_event(f->out, NULL, -1, n->payload);
	return true;
}

static void
follow(App *app, void *self, StreamTurn *turn)
{
	Follower *f = self;

	f->out = turn->out;
	turn->key = f->execution == 0 ? STREAM_KEY_ALL : stream_key(f->execution);
	turn->until = clock_mono(clock_real()) + STREAM_CHECK_US;
	if (!stream_caller(app, turn, f->token, &f->caller))
		return;
	if (hub_read(f->hub, &f->at, UINT64_MAX, on_notice, f))
		return;
	f->at = hub_head(f->hub);
	stream_event(turn->out, "reload", -1, str_of("some changes were missed: load again what is shown"));
}

static void
follow_done(void *self)
{
	hub_exit(((Follower *)self)->hub);
}

/* An action follows its own run only. */
static bool
may_follow(const App *app, Id execution, Err *err)
{
	const Caller *c = app_caller(app);

	if (c->kind != CALLER_EXECUTION || c->execution == execution)
		return true;
	return err_set(err, ERR_FORBIDDEN,
	    "Insufficient permissions: an action may follow only its own execution, with "
	    "execution_id=%lld",
	    (long long)c->execution);
}

bool
executions_stream(App *app, Req *q, Res *s, Err *err)
{
	Follower *f = arena_new(req_arena(q), Follower);
	int64_t execution, under;

	if (!req_query_int(q, "execution_id", 0, &execution, err) || !req_query_int(q, "under", 0, &under, err) ||
	    !may_follow(app, execution == 0 ? under : execution, err))
		return false;
	hub_enter(app->hub);
	hub_want(app->hub, 1u << SUBJECT_EXECUTION);
	*f = (Follower){ .hub = app->hub,
		.token = stream_token(q),
		.execution = execution,
		.top = under,
		.under = str_fmt(req_arena(q), "/%lld/", (long long)under),
		.at = hub_head(app->hub) };
	return res_stream(s, (Stream){ .next = follow, .done = follow_done, .self = f });
}
