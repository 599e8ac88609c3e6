#include "admin/doctor.h"

#include "base/clock.h"
#include "cli/profile.h"

#include <time.h>

static const TimeUs skew_warns = 2 * US_PER_S, skew_bad = 30 * US_PER_S, token_warns = 7LL * 86400 * US_PER_S;

typedef struct Visit {
	Doctor *d;
	Cli *cli;
	bool named; /* somebody said where the server is */
} Visit;

static bool
ask(Visit *v, const char *path, HttpReply *ret, Err *err)
{
	HttpAsk a = { .method = "GET", .path = str_of(path), .seconds = 10 };

	return cli_send(v->cli, &a, ret, err);
}

/* "Fri, 27 Nov 2026 12:00:35 GMT" */
static void
clocks(Visit *v, Str date)
{
	struct tm when = { 0 };
	TimeUs there, here = clock_wall(clock_real()), apart;

	if (date.n == 0 || strptime(str_cstr(v->d->t->arena, date), "%a, %d %b %Y %H:%M:%S", &when) == NULL)
		return;
	there = (TimeUs)timegm(&when) * US_PER_S;
	apart = here > there ? here - there : there - here;
	finds(v->d,
	    apart > skew_bad     ? HEALTH_BAD
	    : apart > skew_warns ? HEALTH_WARN
				 : HEALTH_OK,
	    "clocks", "Let both machines keep time: timedatectl set-ntp true.",
	    "the server's is %s from this machine's",
	    apart <= skew_warns ? "within two seconds" : duration_text(v->d->t->arena, apart).p);
}

static bool
reach(Visit *v)
{
	const char *cure = v->d->running ? "It holds the data directory: see its log, or start it anew."
					 : "Start it: attune up; another place: --api-url, ATTUNE_API_URL, a profile.";
	Str version;
	HttpReply r;
	Err err = { 0 };

	if (!ask(v, "/health/detailed", &r, &err)) {
		finds(v->d, v->d->running || v->named || err.code != ERR_AWAY ? HEALTH_BAD : HEALTH_WARN, "server",
		    cure, "%s", err.text);
		return false;
	}
	version = json_get_text(&r.body, "version");
	if (str_is(version, ATTUNE_VERSION))
		finds(v->d, HEALTH_OK, "server", NULL, "%.*s, version %.*s", STR_ARG(v->cli->url), STR_ARG(version));
	else
		finds(v->d, HEALTH_WARN, "server", "Use the same version on both sides.",
		    "%.*s is version %.*s, this is " ATTUNE_VERSION, STR_ARG(v->cli->url), STR_ARG(version));
	clocks(v, r.date);
	if (!str_is(json_get_text(&r.body, "message_queue"), "connected"))
		finds(v->d, HEALTH_BAD, "server's broker", "Start the broker; the server catches up by itself.",
		    "is not reached by the server");
	if (json_as_int(json_get(&r.body, "workers_active"), 0) == 0)
		finds(v->d, HEALTH_BAD, "workers", "Start one: attune worker.", "none is there: nothing will run");
	else
		finds(v->d, HEALTH_OK, "workers", NULL, "%lld active",
		    (long long)json_as_int(json_get(&r.body, "workers_active"), 0));
	return true;
}

/* The middle part of a token says when it ends. */
static void
token_ends(Visit *v, const Json *me)
{
	TimeUs ends, left;

	if (!time_parse(json_get_text(me, "expires_at"), &ends))
		return;
	left = ends - clock_wall(clock_real());
	if (left < token_warns)
		finds(v->d, HEALTH_WARN, "login's end", "Log in again before: attune auth login.", "in %s",
		    duration_text(v->d->t->arena, left).p);
}

static void
login(Visit *v)
{
	const Json *me;
	HttpReply r;
	Err err = { 0 };

	if (!ask(v, "/auth/me", &r, &err)) {
		if (err.code != ERR_NOT_FOUND) /* an older server knows no logins */
			finds(v->d, err.code == ERR_UNAUTHORIZED ? HEALTH_WARN : HEALTH_BAD, "login", NULL, "%s",
			    err.text);
		return;
	}
	me = json_get(&r.body, "data");
	finds(v->d, HEALTH_OK, "login", NULL, "%.*s", STR_ARG(json_get_text(me, "login")));
	token_ends(v, me);
}

static void
waiting(Visit *v)
{
	const Json *rows;
	HttpReply r;
	Err err = { 0 };

	if (!ask(v, "/api/v1/status", &r, &err))
		return; /* said already, or not allowed */
	rows = json_get(json_get(&r.body, "data"), "waiting");
	for (size_t i = 0; json_at(rows, i) != NULL; i++) {
		const Json *row = json_at(rows, i);
		bool nobody = str_is(json_get_text(row, "reason"), "no_worker");

		/* room that only people can make is said in the detail; that others are busy passes by itself */
		if (nobody ||
		    (str_is(json_get_text(row, "reason"), "capacity") && !str_none(json_get_text(row, "detail"))))
			finds(v->d, HEALTH_WARN, "waiting",
			    "attune execution show ID says what is missing; attune worker list.",
			    "%lld executions find no worker that %s, the oldest is %lld",
			    (long long)json_as_int(json_get(row, "count"), 0), nobody ? "fits" : "has room on its disk",
			    (long long)json_as_int(json_get(row, "oldest_id"), 0));
	}
}

void
doctor_server(Doctor *d)
{
	static const Command self = { .words = "doctor" };
	CliIo io = cli_io(d->t->arena);
	Cli cli = { .io = &io, .a = d->t->arena, .kept = d->t->arena, .command = &self };
	Visit v = { .d = d, .cli = &cli };
	Err err = { 0 };

	if (!profile_apply(&cli, &err)) {
		finds(d, HEALTH_BAD, "profiles", "Correct or remove the file: attune config path.", "%s", err.text);
		return;
	}
	v.named = io.api_url != NULL || profile_get(&cli, cli.profile) != NULL;
	if (reach(&v)) {
		login(&v);
		waiting(&v);
	} else {
		finds(d, HEALTH_WARN, "server's state", NULL, "was not looked at: it does not answer");
	}
	client_close(cli.client);
}
