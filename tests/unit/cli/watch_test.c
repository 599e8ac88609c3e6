#include "cli/cli.h"

#include "http/http.h"
#include "http/stream.h"
#include "os/fs.h"
#include "test.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* A server with one workflow's run, which ends at the look it is told, and what commands that follow it do. */

struct App {
	char unused;
};

typedef struct World {
	HttpServer *http;
	Arena *a;
	char url[64];
	Str home;
} World;

enum { EVENT_MS = 20 };

static struct {
	int ends;   /* at which look; 0: never */
	int inside; /* workflows that it runs */
	int hang_up;
	bool once; /* a token is good for one request */
} plan;

static _Atomic int looks, issued, uses, heard;

static bool
allowed(Req *q, Err *err)
{
	Str want = str_fmt(req_arena(q), "Bearer t%d", issued);

	if (!plan.once || (str_eq(req_header(q, "Authorization"), want) && uses++ == 0))
		return true;
	return err_set(err, ERR_UNAUTHORIZED, "Authentication token expired");
}

static bool
on_refresh(App *app, Req *q, Res *s, Err *err)
{
	Json body, o = json_object();
	Arena *a = req_arena(q);

	(void)app;
	if (!req_json(q, &body, err))
		return false;
	if (!str_eq(json_get_text(&body, "refresh_token"), str_fmt(a, "r%d", issued)))
		return err_set(err, ERR_UNAUTHORIZED, "Invalid token");
	issued++;
	uses = 0;
	json_add(a, &o, "access_token", json_str(str_fmt(a, "t%d", issued)));
	json_add(a, &o, "refresh_token", json_str(str_fmt(a, "r%d", issued)));
	return res_data(s, 200, o, NULL);
}

static const char *
status_now(void)
{
	return plan.ends > 0 && looks >= plan.ends ? "completed" : "running";
}

static bool
on_execution(App *app, Req *q, Res *s, Err *err)
{
	Json o = json_object();

	(void)app;
	if (!allowed(q, err))
		return false;
	json_add(req_arena(q), &o, "id", json_int(7));
	json_add(req_arena(q), &o, "status", json_cstr(status_now()));
	return res_data(s, 200, o, NULL);
}

static Json
runs_inside(Arena *a)
{
	Json runs = json_array();

	for (int i = 0; i < plan.inside; i++) {
		Json run = json_object();

		json_add(a, &run, "execution", json_int(100 + i));
		json_add(a, &run, "index", json_int(i));
		json_add(a, &run, "status", json_cstr("running"));
		json_add(a, &run, "workflow", json_bool(true));
		json_push(a, &runs, run);
	}
	return runs;
}

static bool
on_workflow(App *app, Req *q, Res *s, Err *err)
{
	Json o = json_object(), task = json_object(), tasks = json_array();
	Arena *a = req_arena(q);
	Id id;

	(void)app;
	if (!allowed(q, err) || !req_id(q, "id", &id, err))
		return false;
	if (id == 7 && ++looks == plan.hang_up)
		kill(getpid(), SIGHUP);
	json_add(a, &task, "name", json_cstr("many"));
	json_add(a, &task, "status", json_cstr("running"));
	json_add(a, &task, "runs", id == 7 ? runs_inside(a) : json_array());
	json_push(a, &tasks, task);
	json_add(a, &o, "execution", json_int(id));
	json_add(a, &o, "workflow_ref", json_cstr("my.flow"));
	json_add(a, &o, "status", json_cstr(status_now()));
	json_add(a, &o, "tasks", tasks);
	return res_data(s, 200, o, NULL);
}

static void
chatter(App *app, void *self, StreamTurn *turn)
{
	(void)app;
	(void)self;
	heard++;
	stream_event(turn->out, NULL, -1, str_of("{}"));
	turn->until = clock_mono(clock_real()) + EVENT_MS * US_PER_MS;
}

static bool
on_stream(App *app, Req *q, Res *s, Err *err)
{
	(void)app;
	(void)q;
	(void)err;
	return res_stream(s, (Stream){ .next = chatter });
}

static const Route routes[] = {
	{ "POST", "/auth/refresh", on_refresh },
	{ "GET", "/api/v1/executions/stream", on_stream },
	{ "GET", "/api/v1/executions/{id}", on_execution },
	{ "GET", "/api/v1/executions/{id}/workflow", on_workflow },
};

static World *
world_open(void)
{
	HttpConfig c = { .threads = 1, .routes = routes, .route_count = countof(routes) };
	World *w = calloc(1, sizeof(World));
	Err err = { 0 };

	memset(&plan, 0, sizeof(plan));
	looks = issued = uses = heard = 0;
	w->a = arena_open();
	CHECK_OK(http_start(&c, &w->http, &err), err);
	snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%d", http_port(w->http));
	CHECK_OK(dir_private(w->a, "/tmp", "watch-test", &w->home, &err), err);
	return w;
}

static void
world_done(World **w)
{
	http_stop((*w)->http, US_PER_S);
	tree_remove((*w)->home.p);
	arena_close((*w)->a);
	free(*w);
}

/* With what it prints lost, unless somebody wants it. */
static int
watches(World *w, const char *family, FILE *out)
{
	char *argv[] = { (char *)(uintptr_t) "attune", (char *)(uintptr_t)family, (char *)(uintptr_t) "watch",
		(char *)(uintptr_t) "7", (char *)(uintptr_t) "--timeout", (char *)(uintptr_t) "5" };
	FILE *nowhere = fopen("/dev/null", "w");
	CliIo io = { .out = out == NULL ? nowhere : out, .err = nowhere, .api_url = w->url, .config_home = w->home.p };
	int code = cli_run(&io, countof(argv), argv);

	fclose(nowhere);
	return code;
}

TEST(tokens_are_renewed_as_often_as_a_long_watch_needs)
{
	CLEANUP(world_done) World *w = world_open();
	Str dir = str_fmt(w->a, "%.*s/attune", STR_ARG(w->home));
	Str text = str_fmt(
	    w->a, "profiles:\n  default:\n    api_url: %s\n    auth_token: t0\n    refresh_token: r0\n", w->url);
	Err err = { 0 };

	CHECK_OK(dirs_make(dir.p, 0700, &err), err);
	CHECK_OK(file_write(str_fmt(w->a, "%.*s/config.yaml", STR_ARG(dir)).p, text, 0600, &err), err);
	plan.once = true;
	plan.ends = 3;
	CHECK_INT(watches(w, "workflow", NULL), CLI_DONE);
	CHECK(issued >= 4);
}

TEST(a_workflow_is_looked_at_twice_a_second_however_much_is_heard)
{
	CLEANUP(world_done) World *w = world_open();
	TimeUs begun = clock_mono(clock_real());

	plan.ends = 4;
	CHECK_INT(watches(w, "workflow", NULL), CLI_DONE);
	CHECK(clock_mono(clock_real()) - begun >= 1500 * US_PER_MS);
	CHECK(heard > 4);
}

TEST(a_look_that_takes_many_requests_is_followed_by_a_longer_rest)
{
	CLEANUP(world_done) World *w = world_open();
	TimeUs begun = clock_mono(clock_real());

	plan.ends = 2;
	plan.inside = 30;
	CHECK_INT(watches(w, "workflow", NULL), CLI_DONE);
	CHECK(clock_mono(clock_real()) - begun >= 1500 * US_PER_MS);
}

TEST(watching_ends_when_nobody_reads_it)
{
	CLEANUP(world_done) World *w = world_open();
	static const char *const families[] = { "workflow", "execution" };

	for (size_t i = 0; i < countof(families); i++) {
		FILE *full = fopen("/dev/full", "w");

		fputs("as when the reader of a pipe is gone", full);
		CHECK(fflush(full) != 0);
		CHECK_INT(watches(w, families[i], full), 130);
		fclose(full);
	}
}

TEST(watching_ends_when_its_terminal_hangs_up)
{
	sigset_t hup, before;
	int code;

	/* the server's threads must not take it */
	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &hup, &before);
	{
		CLEANUP(world_done) World *w = world_open();

		plan.hang_up = 1;
		code = watches(w, "workflow", NULL);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	CHECK_INT(code, 130);
}
