#include "cli/cli.h"

#include "base/yaml.h"
#include "http/http.h"
#include "os/fs.h"
#include "test.h"

#include <stdlib.h>
#include <sys/stat.h>

/* A server that knows the token "fresh" and gives it for the refresh token "once", one time. */

struct App {
	char unused;
};

typedef struct World {
	HttpServer *http;
	Arena *a;
	char url[64];
	Str home, out, err;
	const char *token;
} World;

static _Atomic int refreshes;

static bool
on_status(App *app, Req *q, Res *s, Err *err)
{
	Json o = json_object();

	(void)app;
	if (!str_is(req_header(q, "Authorization"), "Bearer fresh"))
		return err_set(err, ERR_UNAUTHORIZED, "Authentication token expired");
	json_add(req_arena(q), &o, "executions", json_object());
	return res_data(s, 200, o, NULL);
}

static bool
on_refresh(App *app, Req *q, Res *s, Err *err)
{
	Json body, o = json_object();

	(void)app;
	if (!req_json(q, &body, err))
		return false;
	if (!str_none(req_header(q, "Authorization")) || !str_is(json_get_text(&body, "refresh_token"), "once") ||
	    refreshes++ > 0)
		return err_set(err, ERR_UNAUTHORIZED, "Invalid token");
	json_add(req_arena(q), &o, "access_token", json_cstr("fresh"));
	json_add(req_arena(q), &o, "refresh_token", json_cstr("twice"));
	return res_data(s, 200, o, NULL);
}

static const Route routes[] = {
	{ "GET", "/api/v1/status", on_status },
	{ "POST", "/auth/refresh", on_refresh },
};

static void
world_done(World **w)
{
	http_stop((*w)->http, US_PER_S);
	tree_remove((*w)->home.p);
	arena_close((*w)->a);
	free(*w);
}

static const char *
file_of(const World *w)
{
	return str_fmt(w->a, "%.*s/attune/config.yaml", STR_ARG(w->home)).p;
}

static World *
world_open(const char *token, const char *refresh)
{
	HttpConfig c = { .threads = 1, .routes = routes, .route_count = countof(routes) };
	World *w = calloc(1, sizeof(World));
	Err err = { 0 };
	Str text;

	refreshes = 0;
	w->a = arena_open();
	CHECK_OK(http_start(&c, &w->http, &err), err);
	snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%d", http_port(w->http));
	CHECK_OK(dir_private(w->a, "/tmp", "profile-test", &w->home, &err), err);
	CHECK_OK(dirs_make(str_fmt(w->a, "%.*s/attune", STR_ARG(w->home)).p, 0700, &err), err);
	text = str_fmt(w->a,
	    "profile: work\nprofiles:\n  work:\n    api_url: %s\n    auth_token: %s\n    refresh_token: %s\n    note: "
	    "kept\n",
	    w->url, token, refresh);
	CHECK_OK(file_write(file_of(w), text, 0600, &err), err);
	return w;
}

static int
runs(World *w, const char *const *words, size_t n)
{
	char *out, *err, *argv[16] = { (char *)(uintptr_t) "attune" };
	size_t out_n, err_n;
	CliIo io = { .token = w->token, .config_home = w->home.p };
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

static Str
kept(const World *w, const char *key)
{
	Err err = { 0 };
	Str text;
	Json v;

	CHECK_OK(file_read(w->a, file_of(w), 100000, &text, &err), err);
	CHECK_OK(yaml_parse(w->a, "config.yaml", text, NULL, &v, &err), err);
	return json_as_str(json_path(&v, str_fmt(w->a, "profiles.work.%s", key)));
}

TEST(a_token_that_has_ended_is_renewed_once_and_the_new_pair_is_kept)
{
	CLEANUP(world_done) World *w = world_open("old", "once");
	struct stat st;

	CHECK_INT(RUN(w, "status"), CLI_DONE);
	CHECK_STR(kept(w, "auth_token"), str_of("fresh"));
	CHECK_STR(kept(w, "refresh_token"), str_of("twice"));
	CHECK_STR(kept(w, "note"), str_of("kept"));
	CHECK(stat(file_of(w), &st) == 0 && (st.st_mode & 0777) == 0600);
	CHECK_INT(RUN(w, "status"), CLI_DONE);
	CHECK_INT(refreshes, 1);
}

TEST(what_cannot_be_renewed_says_how_to_log_in)
{
	CLEANUP(world_done) World *w = world_open("old", "never");

	CHECK_INT(RUN(w, "status"), CLI_FAILED);
	CHECK(str_find(w->err, str_of("Authentication token expired. Log in: attune auth login"), NULL));
	CHECK_STR(kept(w, "auth_token"), str_of("old"));
	CHECK_INT(RUN(w, "auth", "refresh"), CLI_FAILED);
	CHECK(str_find(w->err, str_of("Log in again"), NULL));
}

TEST(the_token_of_the_environment_wins_and_is_never_renewed)
{
	CLEANUP(world_done) World *w = world_open("old", "once");

	w->token = "fresh";
	CHECK_INT(RUN(w, "status"), CLI_DONE);
	w->token = "wrong";
	CHECK_INT(RUN(w, "status"), CLI_FAILED);
	CHECK(str_find(w->err, str_of("ATTUNE_API_TOKEN is refused"), NULL));
	CHECK_INT(refreshes, 0);
}

TEST(a_profiles_token_goes_to_its_own_server_only)
{
	CLEANUP(world_done) World *w = world_open("fresh", "once");
	Str other = str_fmt(w->a, "http://localhost:%d", http_port(w->http));

	CHECK_INT(RUN(w, "status"), CLI_DONE);
	CHECK_INT(RUN(w, "status", "--api-url", other.p), CLI_FAILED);
	CHECK_INT(refreshes, 0);
}

TEST(logging_out_forgets_the_tokens_and_nothing_else)
{
	CLEANUP(world_done) World *w = world_open("fresh", "once");

	CHECK_INT(RUN(w, "auth", "logout"), CLI_DONE);
	CHECK(str_none(kept(w, "auth_token")));
	CHECK(str_none(kept(w, "refresh_token")));
	CHECK_STR(kept(w, "note"), str_of("kept"));
	CHECK_INT(RUN(w, "status"), CLI_FAILED);
}
