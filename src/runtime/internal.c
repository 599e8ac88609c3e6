#include "runtime/internal.h"

#include "runtime/http_request.h"

enum { SLEEP_MOST = 3600 };

void
internal_fail(Internal *i, const char *why)
{
	stream_put(i->err, str_of(why));
	i->exit_code = 1;
}

/* Absent or null: the fallback. False: it is no whole number from 0 to most. */
static bool
number(const Internal *i, const char *name, int64_t fallback, int64_t most, int64_t *ret)
{
	const Json *given = json_get(i->params, name);

	if (json_is_null(given)) {
		*ret = fallback;
		return true;
	}
	if (given->kind == JSON_STRING) {
		if (!str_to_int(json_as_str(given), ret))
			return false;
	} else {
		*ret = json_as_int(given, -1);
	}
	return *ret >= 0 && *ret <= most;
}

static void
run_noop(Internal *i)
{
	Str message = json_get_text(i->params, "message");
	int64_t code;

	if (!number(i, "exit_code", 0, 255, &code)) {
		internal_fail(i, "ERROR: exit_code must be a whole number from 0 to 255\n");
		return;
	}
	if (message.n > 0) {
		stream_put(i->out, str_of("[NOOP] "));
		stream_put(i->out, message);
		stream_put(i->out, str_of("\n"));
	}
	stream_put(i->out, str_of("No operation completed\n"));
	i->exit_code = (int)code;
}

static void
run_sleep(Internal *i)
{
	Str message = json_get_text(i->params, "message");
	int64_t seconds;

	if (!number(i, "seconds", 1, SLEEP_MOST, &seconds)) {
		internal_fail(i, "ERROR: seconds must be a whole number from 0 to 3600\n");
		return;
	}
	if (message.n > 0) {
		stream_put(i->out, message);
		stream_put(i->out, str_of("\n"));
	}
	i->wait = seconds * US_PER_S;
	i->afterwards = str_fmt(i->a, "Slept for %lld seconds\n", (long long)seconds);
	if (seconds == 0)
		stream_put(i->out, i->afterwards);
}

static const InternalAction actions[] = {
	{ "core.noop", run_noop, .quick = true },
	{ "core.sleep", run_sleep },
	{ "core.http_request", http_request_run, .answered = http_request_answered },
};

const InternalAction *
internal_find(Str name)
{
	Str prefix = str_of("core.");

	for (size_t i = 0; i < countof(actions); i++) {
		Str full = str_of(actions[i].name);

		if (str_eq(name, full) || str_eq(name, str_sub(full, prefix.n, full.n)))
			return &actions[i];
	}
	return NULL;
}

Str
internal_names(Arena *a)
{
	Buf b = buf_open(a);

	for (size_t i = 0; i < countof(actions); i++)
		buf_fmt(&b, "%s%s", i == 0 ? "" : ", ", actions[i].name);
	return buf_str(&b);
}
