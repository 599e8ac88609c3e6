#include "cli/cli.h"

#include "http/http.h"
#include "test.h"

#include <stdlib.h>

/* A server with the answers of the API, small enough to read; the commands talk to it over a real socket. */

struct App {
	char unused;
};

typedef struct World {
	HttpServer *http;
	Arena *a;
	char url[64];
	Str out, err;
	unsigned width;
} World;

static bool
answer_json(Res *s, Req *q, int status, const char *text)
{
	Json v;
	Err err = { 0 };

	CHECK_OK(json_parse(req_arena(q), str_of(text), NULL, &v, &err), err);
	return res_data(s, status, v, NULL);
}

static bool
on_execute(App *app, Req *q, Res *s, Err *err)
{
	Json body, row = json_object();
	Str ref;

	(void)app;
	if (!req_json(q, &body, err))
		return false;
	ref = json_get_text(&body, "action_ref");
	if (str_is(ref, "no.such"))
		return err_set(err, ERR_NOT_FOUND, "Action 'no.such' not found");
	json_add(req_arena(q), &row, "id", json_int(str_is(ref, "core.fail") ? 8 : str_is(ref, "core.slow") ? 9 : 7));
	json_add(req_arena(q), &row, "status", json_cstr("requested"));
	json_add(req_arena(q), &row, "config", *json_get(&body, "parameters"));
	return res_data(s, 201, row, NULL);
}

static bool
on_execution(App *app, Req *q, Res *s, Err *err)
{
	Id id;

	(void)app;
	if (!req_id(q, "id", &id, err))
		return false;
	if (id == 7)
		return answer_json(s, q, 200,
		    "{\"id\":7,\"status\":\"completed\",\"wait_reason\":null,\"result\":{\"stdout\":\"hello\\n\","
		    "\"exit_code\":0},"
		    "\"timeline\":[{\"status\":\"requested\",\"at\":\"2026-11-21T01:02:03.5Z\",\"by\":\"api\"},"
		    "{\"status\":\"completed\",\"at\":\"2026-11-21T01:02:04Z\",\"by\":\"worker-1\"}]}");
	if (id == 8)
		return answer_json(s, q, 200,
		    "{\"id\":8,\"status\":\"failed\",\"result\":{\"stdout\":\"\",\"stderr\":\"oh\",\"error\":\"exit "
		    "code 3\"}}");
	if (id == 9)
		return answer_json(s, q, 200, "{\"id\":9,\"status\":\"running\",\"result\":null}");
	return err_set(err, ERR_NOT_FOUND, "Execution with ID %lld not found", (long long)id);
}

static bool
on_executions(App *app, Req *q, Res *s, Err *err)
{
	Page page = req_page(q, 20, 100);
	Json rows = json_array(), row = json_object();

	(void)app;
	(void)err;
	if (str_is(req_query(q, "status"), "none"))
		return res_list(s, &page, rows, -1);
	json_add(req_arena(q), &row, "id", json_int(7));
	json_add(req_arena(q), &row, "action_ref", json_cstr("core.echo"));
	json_add(req_arena(q), &row, "status", json_cstr("completed"));
	json_add(req_arena(q), &row, "created", json_cstr("2026-11-21T01:02:03.456Z"));
	json_push(req_arena(q), &rows, row);
	return res_list(s, &page, rows, -1);
}

static bool
on_rule(App *app, Req *q, Res *s, Err *err)
{
	Json body;

	(void)app;
	return req_json(q, &body, err) && res_data(s, 201, body, NULL);
}

static bool
on_status(App *app, Req *q, Res *s, Err *err)
{
	(void)app;
	(void)err;
	return answer_json(s, q, 200,
	    "{\"roles\":[{\"role\":\"api\",\"name\":\"a\",\"since\":\"2026-11-21T01:02:03Z\",\"state\":\"ready\"}],"
	    "\"workers\":[],\"queues\":[{\"name\":\"attune.enforcements.queue\",\"messages\":3,\"consumers\":1}],"
	    "\"waiting\":[{\"reason\":\"no_worker\",\"count\":2,\"oldest_id\":4,\"oldest_at\":\"2026-11-21T01:02:03Z\"}"
	    "],"
	    "\"executions\":{\"completed\":5,\"failed\":1}}");
}

static bool
on_trace(App *app, Req *q, Res *s, Err *err)
{
	(void)app;
	(void)err;
	return answer_json(s, q, 200,
	    "{\"event\":{\"id\":1,\"trigger_ref\":\"core.timer\"},\"rule\":null,\"enforcement\":null,"
	    "\"execution\":{\"id\":7,\"action_ref\":\"core.echo\",\"status\":\"completed\"},\"worker\":null,"
	    "\"hops\":[{\"what\":\"matched\",\"at\":\"2026-11-21T01:02:03Z\",\"took_us\":850,\"by\":\"sensor\"}]}");
}

static bool
on_tests(App *app, Req *q, Res *s, Err *err)
{
	(void)app;
	(void)err;
	return answer_json(s, q, 200,
	    "{\"status\":\"failed\",\"passed\":0,\"failed\":1,\"skipped\":0,\"testSuites\":[{\"name\":\"s\","
	    "\"testCases\":[{"
	    "\"name\":\"one\\u001b[31m\",\"status\":\"failed\",\"errorMessage\":\"\\u001b]0;x\\u0007\","
	    "\"stdout\":\"a\\u001b[2J\\nb\\n\"}]}]}");
}

static bool
on_dry_run(App *app, Req *q, Res *s, Err *err)
{
	(void)app;
	(void)err;
	return answer_json(s, q, 200,
	    "{\"status\":\"completed\",\"result\":null,\"steps\":[{\"event\":\"note\",\"task\":\"t\","
	    "\"note\":\"\\u001b[2J\"},{\"event\":\"start\",\"task\":\"t\",\"error\":\"\\u001b[2J\"}]}");
}

static const Route routes[] = {
	{ "POST", "/api/v1/packs/{ref}/test", on_tests },
	{ "POST", "/api/v1/workflows/{ref}/dry-run", on_dry_run },
	{ "POST", "/api/v1/executions/execute", on_execute },
	{ "GET", "/api/v1/executions", on_executions },
	{ "GET", "/api/v1/executions/{id}", on_execution },
	{ "POST", "/api/v1/rules", on_rule },
	{ "GET", "/api/v1/status", on_status },
	{ "GET", "/api/v1/trace/{id}", on_trace },
};

static World *
world_open(void)
{
	HttpConfig c = { .threads = 1, .routes = routes, .route_count = countof(routes) };
	World *w = calloc(1, sizeof(World));
	Err err = { 0 };

	w->a = arena_open();
	CHECK_OK(http_start(&c, &w->http, &err), err);
	snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%d", http_port(w->http));
	return w;
}

static void
world_done(World **w)
{
	http_stop((*w)->http, US_PER_S);
	arena_close((*w)->a);
	free(*w);
}

/* Stands where main has the real one, which e2e tests run. */
static bool
pack_test(Arena *a, const char *dir, Json *ret, Err *err)
{
	if (strcmp(dir, "./broken") == 0)
		return err_set(err, ERR_INVALID, "./broken/pack.yaml:1:1: wrong");
	return json_parse(a, str_of("{\"status\":\"passed\",\"passed\":3,\"failed\":0,\"skipped\":1}"), NULL, ret, err);
}

/* Runs a command given as its words; w->out and w->err hold what it printed. */
static int
runs(World *w, const char *const *words, size_t n)
{
	char *out, *err, *argv[16] = { (char *)(uintptr_t) "attune" };
	size_t out_n, err_n;
	CliIo io = { .width = w->width, .api_url = w->url, .pack_test = pack_test };
	int code;

	for (size_t i = 0; i < n; i++)
		argv[i + 1] = (char *)(uintptr_t)words[i];
	io.out = open_memstream(&out, &out_n);
	io.err = open_memstream(&err, &err_n);
	code = cli_run(&io, (int)n + 1, argv);
	fclose(io.out);
	fclose(io.err);
	w->out = str_copy(w->a, (Str){ out, out_n });
	w->err = str_copy(w->a, (Str){ err, err_n });
	free(out);
	free(err);
	return code;
}

#define RUN(w, ...) runs((w), (const char *const[]){ __VA_ARGS__ }, countof(((const char *const[]){ __VA_ARGS__ })))

TEST(a_run_that_completes_prints_its_output_and_exits_with_0)
{
	CLEANUP(world_done) World *w = world_open();

	CHECK_INT(RUN(w, "action", "execute", "core.echo", "--param", "message=hi", "--wait"), CLI_DONE);
	CHECK_STR(w->out, str_of("hello\n"));
	CHECK_STR(w->err, str_of(""));
	CHECK_INT(RUN(w, "run", "core.echo"), CLI_DONE);
	CHECK(str_find(w->out, str_of("Execution 7 is requested"), NULL));
}

TEST(parameters_are_json_where_they_read_as_json)
{
	CLEANUP(world_done) World *w = world_open();
	Json row;
	Err err = { 0 };

	CHECK_INT(RUN(w, "run", "core.echo", "-j", "--param", "n=3", "--param", "s=hello", "--param", "l=[1,2]",
		      "--param", "e=a=b", "--params-json", "{\"x\":true}"),
	    CLI_DONE);
	CHECK_OK(json_parse(w->a, w->out, NULL, &row, &err), err);
	CHECK_STR(json_text(w->a, json_get(&row, "config")),
	    str_of("{\"x\":true,\"n\":3,\"s\":\"hello\",\"l\":[1,2],\"e\":\"a=b\"}"));
}

TEST(a_run_that_fails_says_why_and_exits_with_1)
{
	CLEANUP(world_done) World *w = world_open();

	CHECK_INT(RUN(w, "run", "core.fail", "--wait"), CLI_FAILED);
	CHECK_STR(w->err, str_of("oh\nError: execution 8 is failed: exit code 3\n"));
	CHECK_INT(RUN(w, "execution", "watch", "8"), CLI_FAILED);
	CHECK_INT(RUN(w, "execution", "watch", "7"), CLI_DONE);
	CHECK_INT(RUN(w, "run", "core.slow", "--wait", "--timeout", "1"), CLI_FAILED);
	CHECK(str_find(w->err, str_of("timed out waiting for execution 9"), NULL));
}

TEST(what_the_server_refuses_is_1_and_wrong_usage_is_2)
{
	CLEANUP(world_done) World *w = world_open();

	CHECK_INT(RUN(w, "run", "no.such"), CLI_FAILED);
	CHECK_STR(w->err, str_of("Error: Action 'no.such' not found\n"));
	CHECK_INT(RUN(w, "execution", "show", "99"), CLI_FAILED);
	CHECK_INT(RUN(w, "run"), CLI_USAGE);
	CHECK_INT(RUN(w, "run", "core.echo", "--param", "novalue"), CLI_USAGE);
	CHECK_INT(RUN(w, "run", "core.echo", "--params-json", "[1]"), CLI_USAGE);
	CHECK_INT(RUN(w, "rule", "create", "-n", "x"), CLI_USAGE);
	CHECK_INT(RUN(w, "execution"), CLI_USAGE);
	CHECK_INT(RUN(w, "status", "--api-url", "ftp://x"), CLI_USAGE);
}

TEST(a_server_that_is_not_there_is_3)
{
	CLEANUP(world_done) World *w = world_open();

	CHECK_INT(RUN(w, "status", "--api-url", "http://127.0.0.1:1"), CLI_AWAY);
	CHECK(str_find(w->err, str_of("Error: cannot reach the server at http://127.0.0.1:1"), NULL));
}

TEST(a_list_is_a_table_json_or_yaml)
{
	CLEANUP(world_done) World *w = world_open();

	CHECK_INT(RUN(w, "execution", "list"), CLI_DONE);
	CHECK_STR(w->out, str_of("ID  ACTION     STATUS     RULE  CREATED              STARTED\n"
				 "7   core.echo  completed        2026-11-21 01:02:03  \n"));
	CHECK_INT(RUN(w, "execution", "list", "-y"), CLI_DONE);
	CHECK(str_find(w->out, str_of("action_ref: core.echo"), NULL));
	CHECK_INT(RUN(w, "execution", "list", "--status", "none"), CLI_DONE);
	CHECK_STR(w->out, str_of("Nothing found.\n"));
	CHECK_INT(RUN(w, "execution", "list", "--status", "none", "-j"), CLI_DONE);
	CHECK_STR(w->out, str_of("[]\n"));
	w->width = 100;
	CHECK_INT(RUN(w, "execution", "list"), CLI_DONE);
	CHECK(str_starts(w->out, str_of("┌")));
}

TEST(an_execution_is_shown_with_its_timeline)
{
	CLEANUP(world_done) World *w = world_open();

	CHECK_INT(RUN(w, "execution", "show", "7"), CLI_DONE);
	CHECK(str_find(w->out, str_of("wait_reason"), NULL));
	CHECK(str_find(w->out, str_of("completed  2026-11-21 01:02:04  worker-1"), NULL));
	CHECK_INT(RUN(w, "execution", "result", "9"), CLI_FAILED);
	CHECK_INT(RUN(w, "execution", "logs", "7"), CLI_DONE);
	CHECK_STR(w->out, str_of("hello\n"));
}

TEST(a_rule_is_made_from_its_options)
{
	CLEANUP(world_done) World *w = world_open();
	Json row;
	Err err = { 0 };

	CHECK_INT(RUN(w, "rule", "create", "-n", "tick", "-p", "core", "-t", "core.intervaltimer", "-a", "core.echo",
		      "--trigger-params", "{\"unit\":\"seconds\"}", "--disabled", "-j"),
	    CLI_DONE);
	CHECK_OK(json_parse(w->a, w->out, NULL, &row, &err), err);
	CHECK_STR(json_get_text(&row, "ref"), str_of("core.tick"));
	CHECK_STR(json_get_text(&row, "trigger_ref"), str_of("core.intervaltimer"));
	CHECK(!json_as_bool(json_get(&row, "enabled"), true));
	CHECK_STR(json_get_text(json_get(&row, "trigger_params"), "unit"), str_of("seconds"));
}

TEST(status_and_trace_fit_one_screen)
{
	CLEANUP(world_done) World *w = world_open();

	CHECK_INT(RUN(w, "status"), CLI_DONE);
	CHECK(str_find(w->out, str_of("Workers: none"), NULL));
	CHECK(str_find(w->out, str_of("attune.enforcements.queue  3         1"), NULL));
	CHECK(str_find(w->out, str_of("no_worker  2           4"), NULL));
	CHECK(str_find(w->out, str_of("Executions: 5 completed, 1 failed"), NULL));
	CHECK_INT(RUN(w, "trace", "7"), CLI_DONE);
	CHECK(str_find(w->out, str_of("event        1 core.timer"), NULL));
	CHECK(str_find(w->out, str_of("worker       none"), NULL));
	CHECK(str_find(w->out, str_of("850 us"), NULL));
}

TEST(what_a_packs_tests_or_its_workflows_say_cannot_speak_to_the_terminal)
{
	CLEANUP(world_done) World *w = world_open();

	CHECK_INT(RUN(w, "pack", "test", "mine", "--detailed"), CLI_FAILED);
	CHECK(!str_find(w->out, str_of("\033"), NULL));
	CHECK(str_find(w->out, str_of("  s: one [31m: failed:  ]0;x \n    a [2J\n    b\n"), NULL));
	CHECK_INT(RUN(w, "workflow", "run", "mine.flow", "--dry-run"), CLI_DONE);
	CHECK(!str_find(w->out, str_of("\033"), NULL));
	CHECK(str_find(w->out, str_of("note     t:  [2J\nstarts   t  cannot:  [2J\n"), NULL));
}

TEST(the_tests_of_a_folder_need_no_server_and_those_of_a_ref_do)
{
	CLEANUP(world_done) World *w = world_open();

	CHECK_INT(RUN(w, "pack", "test", "./mine", "--api-url", "http://127.0.0.1:1"), CLI_DONE);
	CHECK_STR(w->out, str_of("./mine: passed: 3 passed, 0 failed, 1 skipped.\n"));
	CHECK_INT(RUN(w, "pack", "test", "./broken"), CLI_FAILED);
	CHECK_STR(w->err, str_of("Error: ./broken/pack.yaml:1:1: wrong\n"));
	CHECK_INT(RUN(w, "pack", "test", "mine"), CLI_FAILED);
	CHECK_INT(RUN(w, "pack", "test", "mine", "--api-url", "http://127.0.0.1:1"), CLI_AWAY);
}

TEST(help_and_version_need_no_server)
{
	CLEANUP(world_done) World *w = world_open();

	CHECK_INT(RUN(w, "--version"), CLI_DONE);
	CHECK(str_starts(w->out, str_of("attune ")));
	CHECK_INT(RUN(w, "rule", "create", "--help"), CLI_DONE);
	CHECK(str_find(w->out, str_of("-t, --trigger REF"), NULL));
	CHECK_INT(RUN(w, "--help"), CLI_DONE);
	CHECK(str_find(w->out, str_of("execution watch [ID]"), NULL));
}
