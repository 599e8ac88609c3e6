/*
 * The program as its users have it: how soon `attune up` is ready on an empty directory, what it holds and does while idle, and
 * how fast its API answers.
 *   bench_serve DIR ATTUNE [PART]      PART, for a profiler: posts
 */
#include "front.h"
#include "report.h"
#include "rig.h"
#include "store/execution.h"
#include "up.h"
#include "wire.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	FEW = 100,
	PAGE = 50,
	MANY = 1000000,
	LISTS = 500,
	IDLE_S = 5,
	COMMANDS = 50,
	POSTS = 3000, /* over all connections */
	WARM_UP = 50, /* on each connection, before anything is measured */
	LINES = 4,    /* connections */
	POST_EVERY_US = LINES * 1000,
};

static void
start_and_idle(const char *attune, const char *dir)
{
	Up u = up_start(attune, dir);
	double before;

	figure("up_ready_ms", u.ready_ms);
	sleep(1);
	before = cpu_ms(u.pid);
	sleep(IDLE_S);
	figure("up_idle_cpu_ms_per_s", (cpu_ms(u.pid) - before) / IDLE_S);
	figure("up_idle_rss_mb", rss_kb(u.pid) / 1024);
	up_stop(&u);
}

/* What it costs a request to be asked who sends it and whether they may: signature, session, grants. */
static void
authorising(Rig *r)
{
	enum { TIMES = 20000 };
	CLEANUP(arena_done) Arena *a = arena_open();
	IdentityDef admin = { .id = 2, .login = str_of("admin") };
	Callers *callers = callers_open(r->h.access);
	Str token = access_token(r->h.access, a, &admin, 1);
	ArenaMark mark = arena_mark(a);
	TimeUs began = mono_us();
	Err err = { 0 };

	for (int i = 0; i < TIMES; i++) {
		Caller caller;

		arena_rewind(a, mark);
		must(callers_find(callers, r->u->db, a, token, &caller, &err), &err, "find the caller");
		must(grants_allow(&caller, "executions:read", NULL), NULL, "the administrator may read executions");
	}
	figure("authorise_us", (double)(mono_us() - began) / TIMES);
	callers_close(callers);
}

/* Statements can only be counted from inside. */
static void
idle_statements(const char *dir)
{
	RigConfig config = { .embedded = true,
		.dir = dir,
		.roles = 1u << ROLE_API | 1u << ROLE_EXECUTOR | 1u << ROLE_WORKER | 1u << ROLE_SENSOR };
	Rig *r = rig_open(&config);
	uint64_t before;

	authorising(r);
	sleep(6); /* the first sweep is over */
	before = store_statements(r->h.store);
	sleep(IDLE_S);
	figure("up_idle_statements", (double)(store_statements(r->h.store) - before));
	rig_close(r);
}

/* ---- lists ---- */

/* Rows as they stand at the end, without running anything. */
static void
rows_make(Rig *r, size_t n)
{
	enum { SOME = 1000 };
	static const Stmt done = { .sql = "update execution set status = 'completed' where status = 'failed'",
		.in = "" };
	Uow *u = r->u;
	Err err = { 0 };

	for (size_t i = 0; i < n; i += SOME) {
		size_t some = n - i < SOME ? n - i : SOME;
		ExecNew *rows;
		Json config = json_object(), result = json_object();
		Id *ids;

		must(uow_begin(u, &err), &err, "begin");
		rows = arena_array(u->arena, ExecNew, some);
		ids = arena_array(u->arena, Id, some);
		json_add(u->arena, &config, "message", json_cstr("hello, world"));
		json_add(u->arena, &result, "stdout", json_cstr("hello, world\n"));
		json_add(u->arena, &result, "exit_code", json_int(0));
		for (size_t k = 0; k < some; k++)
			rows[k] = (ExecNew){ .action = 1,
				.action_ref = str_of("core.echo"),
				.config = &config,
				.result = &result,
				.status = EXEC_FAILED,
				.correlation = uuid_new(u->now),
				.by = str_of("bench") };
		must(execution_insert(u->db, u->arena, rows, some, u->now, ids, &err), &err, "rows");
		must(db_exec(u->db, u->arena, &done, NULL, NULL, &err), &err, "rows");
		must(uow_commit(u, &points_create, &err), &err, "commit");
	}
}

typedef struct Call {
	int fd;
	char request[2048];
	size_t n;
	int status;
	char *answer;
} Call;

static size_t
refs_in(const char *answer)
{
	size_t n = 0;

	while ((answer = strstr(answer, "\"action_ref\":\"core.echo\"")) != NULL) {
		answer++;
		n++;
	}
	return n;
}

static void
call_once(void *self)
{
	Call *c = self;

	must(wire_call(c->fd, c->request, c->n, c->answer) == c->status, NULL, c->request);
}

static void
lists(const char *attune, const char *dir, size_t rows)
{
	RigConfig config = { .embedded = true, .dir = dir };
	Rig *r = rig_open(&config);
	Samples s = { 0 };
	Call c = { .status = 200, .answer = malloc(WIRE_ANSWER_MAX) };
	char name[64];
	Up u;

	rows_make(r, rows);
	rig_close(r);
	u = up_start(attune, dir);
	c.fd = u.fd;
	c.n = wire_request(c.request, sizeof(c.request), "GET", "/api/v1/executions?page_size=50", NULL);
	call_once(&c);
	must(refs_in(c.answer) >= PAGE && refs_in(c.answer) % PAGE == 0, NULL, "a page of the list is not full");
	repeat(&s, 50, LISTS, call_once, &c);
	snprintf(name, sizeof(name), "list_%zu_ms", rows);
	for (size_t i = 0; i < s.n; i++)
		s.v[i] /= US_PER_MS;
	figures(name, &s);
	samples_done(&s);
	free(c.answer);
	if (rows >= FRONT_DEEP * FRONT_PAGE)
		front(u.port);
	up_stop(&u);
}

/* ---- requests at a steady pace ---- */

typedef struct Line {
	pthread_t thread;
	Call call;
	TimeUs from;
	Samples s;
} Line;

static void *
line_run(void *self)
{
	Line *l = self;

	for (int i = -WARM_UP; i < POSTS / LINES; i++) {
		TimeUs due = l->from + (TimeUs)i * POST_EVERY_US, wait = due - mono_us();

		if (wait > 0)
			nanosleep(&(struct timespec){ .tv_nsec = wait * 1000 }, NULL);
		call_once(&l->call);
		if (i >= 0)
			samples_add(&l->s, (double)(mono_us() - due) / US_PER_MS);
	}
	return NULL;
}

static void
posts(const char *attune, const char *dir)
{
	Up u = up_start(attune, dir);
	Line lines[LINES] = { 0 };
	Samples all = { 0 };
	TimeUs from;

	sleep(1); /* its worker asks the interpreters what they are, on the same processors */
	from = mono_us() + 10 * US_PER_MS + (TimeUs)WARM_UP * POST_EVERY_US;
	for (int i = 0; i < LINES; i++) {
		Line *l = &lines[i];

		l->from = from + i * 1000;
		l->call = (Call){ .fd = wire_open(u.port), .status = 201, .answer = malloc(WIRE_ANSWER_MAX) };
		l->call.n = wire_request(l->call.request, sizeof(l->call.request), "POST", "/api/v1/executions/execute",
		    "{\"action_ref\":\"core.noop\",\"parameters\":{\"message\":\"hello, world\"}}");
		must(pthread_create(&l->thread, NULL, line_run, l) == 0, NULL, "thread");
	}
	for (int i = 0; i < LINES; i++) {
		pthread_join(lines[i].thread, NULL);
		for (size_t k = 0; k < lines[i].s.n; k++)
			samples_add(&all, lines[i].s.v[k]);
		samples_done(&lines[i].s);
		close(lines[i].call.fd);
		free(lines[i].call.answer);
	}
	figures("post_1000_ms", &all);
	samples_done(&all);
	up_stop(&u);
}

/* ---- the command line: the whole process, from fork to its end ---- */

typedef struct Words {
	char *argv[5];
	char url[64];
} Words;

static void
command_once(void *self)
{
	Words *w = self;
	int status;
	pid_t pid = fork();

	must(pid >= 0, NULL, "fork");
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, STDOUT_FILENO);
		execv(w->argv[0], w->argv);
		_exit(127);
	}
	must(waitpid(pid, &status, 0) == pid && status == 0, NULL, w->argv[1]);
}

static void
commands(const char *attune, const char *dir)
{
	Up u = up_start(attune, dir);
	Words version = { .argv = { (char *)(uintptr_t)attune, (char *)(uintptr_t) "--version" } };
	Words list = { .argv = {
			   (char *)(uintptr_t)attune, (char *)(uintptr_t) "execution", (char *)(uintptr_t) "list" } };
	static const char *const names[] = { "cli_version_ms", "cli_list_ms" };
	Words *all[] = { &version, &list };

	snprintf(list.url, sizeof(list.url), "http://127.0.0.1:%d", u.port);
	must(setenv("ATTUNE_API_URL", list.url, 1) == 0 && setenv("XDG_STATE_HOME", dir, 1) == 0, NULL, "environment");
	for (size_t i = 0; i < countof(all); i++) {
		Samples s = { 0 };

		repeat(&s, 5, COMMANDS, command_once, all[i]);
		for (size_t k = 0; k < s.n; k++)
			s.v[k] /= US_PER_MS;
		figures(names[i], &s);
		samples_done(&s);
	}
	unsetenv("ATTUNE_API_URL");
	unsetenv("XDG_STATE_HOME");
	up_stop(&u);
}

int
main(int argc, char **argv)
{
	char dir[6][512];

	must(argc >= 3, NULL, "usage: bench_serve DIR ATTUNE [PART]");
	for (int i = 0; i < 6; i++)
		snprintf(dir[i], sizeof(dir[i]), "%s/up%d", argv[1], i);
	if (argc > 3) {
		must(strcmp(argv[3], "posts") == 0, NULL, "the only part that can be had alone is posts");
		posts(argv[2], dir[4]);
		return 0;
	}
	start_and_idle(argv[2], dir[0]);
	idle_statements(dir[1]);
	lists(argv[2], dir[2], FEW);
	lists(argv[2], dir[3], MANY);
	posts(argv[2], dir[4]);
	commands(argv[2], dir[5]);
	return 0;
}
