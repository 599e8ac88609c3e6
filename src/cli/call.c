#include "cli/profile.h"

#include <time.h>

enum {
	WAIT_ONCE_S = 20, /* how long one request of cli_wait is left waiting by the server */
	POLL_MS = 200,    /* between two of them when the server did not wait */
};

/* A token that has ended is renewed once, and the new one kept. */
bool
cli_send(Cli *c, const HttpAsk *given, HttpReply *ret, Err *err)
{
	HttpAsk patient = *given;
	const HttpAsk *ask = &patient;
	Err unused = { 0 };
	HttpReply r;

	if (given->seconds == 0)
		patient.seconds = c->command->seconds;
	if (c->client == NULL && !profile_client(c, true, &c->client, err))
		return false;
	if (c->verbose)
		fprintf(c->io->err, "%s %.*s%.*s\n", ask->method, STR_ARG(c->url), STR_ARG(ask->path));
	if (!client_send(c->client, c->a, ask, &r, err))
		return false;
	if (r.status == 401 && profile_renew(c, &unused) && !client_send(c->client, c->a, ask, &r, err))
		return false;
	if (r.status < 400) {
		*ret = r;
		return true;
	}
	client_fail(&r, err);
	if (r.status == 403 && !str_starts(str_of(c->command->words), str_of("auth ")))
		err_set(
		    err, ERR_FORBIDDEN, "%s. What you may do: attune auth whoami", str_copy(c->a, str_of(err->text)).p);
	if (r.status == 401)
		err_set(err, ERR_UNAUTHORIZED, "%s", profile_advice(c, err->text).p);
	return false;
}

bool
cli_call(Cli *c, const char *method, Str path, const Json *body, Json *ret, Err *err)
{
	HttpAsk ask = { .method = method, .path = path, .type = "application/json" };
	const Json *data;
	HttpReply r;

	if (body != NULL)
		ask.body = json_text(c->a, body);
	if (!cli_send(c, &ask, &r, err))
		return false;
	data = json_get(&r.body, "data");
	*ret = data != NULL ? *data : r.body;
	return true;
}

bool
status_is_terminal(Str status)
{
	static const char *const terminal[] = { "completed", "failed", "cancelled", "canceled", "timeout",
		"abandoned" };

	for (size_t i = 0; i < countof(terminal); i++)
		if (str_is(status, terminal[i]))
			return true;
	return false;
}

bool
cli_wait(Cli *c, Str id, int64_t seconds, Json *ret, Err *err)
{
	TimeUs begun = clock_mono(clock_real()), end = begun + seconds * US_PER_S, now = begun;
	struct timespec little = { .tv_nsec = POLL_MS * 1000000L };

	while (now < end) {
		int64_t left = (end - now + US_PER_S - 1) / US_PER_S;
		TimeUs asked = now;

		if (!cli_call(c, "GET",
			str_fmt(c->a, "/api/v1/executions/%.*s?wait_seconds=%lld", STR_ARG(url_escape(c->a, id)),
			    (long long)(left < WAIT_ONCE_S ? left : WAIT_ONCE_S)),
			NULL, ret, err))
			return false;
		if (status_is_terminal(json_get_text(ret, "status")))
			return true;
		now = clock_mono(clock_real());
		if (now - asked < POLL_MS * US_PER_MS) {
			nanosleep(&little, NULL);
			now = clock_mono(clock_real());
		}
	}
	return err_set(err, ERR_TIMEOUT,
	    "timed out waiting for execution %.*s. It goes on: attune execution watch %.*s", STR_ARG(id), STR_ARG(id));
}
