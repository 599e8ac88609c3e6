#include "cli/cli.h"

#include <time.h>

enum {
	WAIT_ONCE_S = 20, /* how long one request of cli_wait is left waiting by the server */
	POLL_MS = 200,    /* between two of them when the server did not wait */
};

bool
cli_call(Cli *c, const char *method, Str path, const Json *body, Json *ret, Err *err)
{
	const Json *data;
	HttpReply r;

	if (c->client == NULL && !client_open(c->url, str_of(c->io->token), &c->client, err))
		return false;
	if (c->verbose)
		fprintf(c->io->err, "%s %.*s%.*s\n", method, STR_ARG(c->url), STR_ARG(path));
	if (!client_call(c->client, c->a, method, path, body, &r, err))
		return false;
	if (r.status >= 400)
		return client_fail(&r, err);
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
