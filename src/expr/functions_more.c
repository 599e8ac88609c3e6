/*
 * Functions for time, encodings, and the run.
 */
#include "base/codec.h"
#include "base/crypto.h"
#include "expr/functions.h"

#include <math.h>
#include <time.h>

enum { FORMAT_MOST = 200, FORMATTED_MOST = 1000 };

static bool
fn_now(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	(void)args;
	if (ev->env->now == 0)
		return fn_fail(ev, x, "not available here");
	*ret = json_str(time_text(ev->a, ev->env->now));
	return true;
}

static bool
fn_uuid(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	(void)args;
	if (ev->env->uuid == NULL)
		return fn_fail(ev, x, "not available here");
	*ret = json_str(uuid_text(ev->a, ev->env->uuid(ev->env->self)));
	return ev_room(ev, x->at, UUID_TEXT + 1);
}

/* An RFC 3339 text, or seconds since 1970. */
static bool
time_of(Ev *ev, const Node *x, const Json *v, TimeUs *ret)
{
	const double most = 253402300800.0; /* the year 10000 */
	double seconds = json_is_number(v) ? real_of(v) : 0;

	if (json_is_number(v) && seconds > -62135596801.0 && seconds < most) {
		*ret = v->kind == JSON_INT ? v->i * US_PER_S : (TimeUs)floor(seconds * US_PER_S + 0.5);
		return true;
	}
	if (v->kind == JSON_STRING && time_parse(json_as_str(v), ret))
		return true;
	return fn_fail(ev, x, "that is no time: give RFC 3339 text or seconds since 1970");
}

/* Only what has one meaning everywhere. */
static bool
format_fits(Str format, const char *conversions)
{
	for (size_t i = 0; i < format.n; i++) {
		if (format.p[i] == '\0')
			return false;
		if (format.p[i] != '%')
			continue;
		i++;
		if (i == format.n || format.p[i] == '\0' || strchr(conversions, format.p[i]) == NULL)
			return false;
	}
	return format.n <= FORMAT_MOST;
}

/* %f is ours: microseconds. */
static Str
with_fraction(Arena *a, Str format, TimeUs t)
{
	int64_t fraction = (t % US_PER_S + US_PER_S) % US_PER_S;
	Buf b = buf_open(a);

	for (size_t i = 0; i < format.n; i++) {
		if (format.p[i] == '%' && format.p[i + 1] == 'f') {
			buf_fmt(&b, "%06lld", (long long)fraction);
			i++;
			continue;
		}
		buf_char(&b, format.p[i]);
		if (format.p[i] == '%')
			buf_char(&b, format.p[++i]);
	}
	return buf_str(&b);
}

static bool
fn_format_time(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	char text[FORMATTED_MOST];
	struct tm tm;
	time_t seconds;
	TimeUs t;
	size_t n;

	if (!fn_want(ev, x, args, 1, JSON_STRING) || !time_of(ev, x, &args[0], &t))
		return false;
	if (!format_fits(json_as_str(&args[1]), "YmdHMSjybBaAeFTDRpIuwzZsfCVGg%"))
		return ev_fail(ev, x->kids[1]->at, "format_time() does not know this format");
	seconds = (time_t)((t - (t % US_PER_S + US_PER_S) % US_PER_S) / US_PER_S);
	if (gmtime_r(&seconds, &tm) == NULL)
		return fn_fail(ev, x, "that is no time");
	tm.tm_zone = "UTC";
	n = strftime(text, sizeof(text), with_fraction(ev->a, json_as_str(&args[1]), t).p, &tm);
	*ret = json_str(str_copy(ev->a, (Str){ text, n }));
	return ev_room(ev, x->at, n + 1) && ev_spend(ev, x->at, 20);
}

static bool
parse_formatted(Ev *ev, const Node *x, const Json *args, TimeUs *ret)
{
	struct tm tm = { .tm_mday = 1 };
	const char *end;
	int64_t offset;

	if (!fn_want(ev, x, args, 1, JSON_STRING))
		return false;
	if (!format_fits(json_as_str(&args[1]), "YmdHMSjybBaAeFTDRpIz%"))
		return ev_fail(ev, x->kids[1]->at, "parse_time() does not know this format");
	tm.tm_year = 70;
	end = strptime(args[0].s, args[1].s, &tm);
	if (end != args[0].s + args[0].n)
		return fn_fail(ev, x, "the text does not have this format");
	offset = tm.tm_gmtoff;
	*ret = ((TimeUs)timegm(&tm) - offset) * US_PER_S;
	return true;
}

/* Seconds since 1970: an integer when it is whole. */
static bool
fn_parse_time(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	TimeUs t;

	if (!fn_want(ev, x, args, 0, JSON_STRING))
		return false;
	if (x->n > 1 ? !parse_formatted(ev, x, args, &t) : !time_of(ev, x, &args[0], &t))
		return false;
	*ret = t % US_PER_S == 0 ? json_int(t / US_PER_S) : json_real((double)t / US_PER_S);
	return ev_spend(ev, x->at, 20);
}

static bool
fn_to_json(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	size_t bytes = 0;

	if (!ev_weigh(ev, x->at, &args[0], &bytes))
		return false;
	*ret = json_str(json_text(ev->a, &args[0]));
	return true;
}

/* What the values of a text may take, at most: each but the first follows a comma or opens something. */
static size_t
json_room(Str text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == ',' || text.p[i] == '[' || text.p[i] == '{';
	return n * 3 * sizeof(JsonMember) + text.n;
}

static bool
fn_from_json(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	Err why = { 0 };

	if (!fn_want(ev, x, args, 0, JSON_STRING) || !ev_spend(ev, x->at, args[0].n / 8) ||
	    !ev_room(ev, x->at, json_room(json_as_str(&args[0]))))
		return false;
	if (!json_parse(ev->a, json_as_str(&args[0]), NULL, ret, &why))
		return fn_fail(ev, x, why.text);
	*ret = json_storable(ev->a, ret); /* what comes of it may become a parameter or a variable, which are rows */
	return true;
}

static bool
fn_base64_encode(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	if (!fn_want(ev, x, args, 0, JSON_STRING) || !ev_room(ev, x->at, (size_t)args[0].n * 4 / 3 + 8) ||
	    !ev_spend(ev, x->at, args[0].n / 16))
		return false;
	*ret = json_str(base64_encode(ev->a, json_as_str(&args[0])));
	return true;
}

static bool
fn_base64_decode(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	Str bytes;

	if (!fn_want(ev, x, args, 0, JSON_STRING) || !ev_room(ev, x->at, args[0].n) ||
	    !ev_spend(ev, x->at, args[0].n / 16))
		return false;
	if (!base64_decode(ev->a, json_as_str(&args[0]), &bytes))
		return fn_fail(ev, x, "this is no base64");
	if (!utf8_valid(bytes))
		return fn_fail(ev, x, "what is encoded is no text (UTF-8)");
	*ret = json_str(bytes);
	*ret = json_storable(ev->a, ret);
	return true;
}

static bool
fn_sha256(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	if (!fn_want(ev, x, args, 0, JSON_STRING) || !ev_spend(ev, x->at, 10 + args[0].n / 4))
		return false;
	*ret = json_str(sha256_hex(ev->a, json_as_str(&args[0])));
	return ev_room(ev, x->at, 2 * SHA256_BYTES + 1);
}

static bool
fn_result(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	(void)x;
	(void)args;
	*ret = ev->env->run == NULL || ev->env->run->result == NULL ? json_null() : *ev->env->run->result;
	return true;
}

static bool
fn_succeeded(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	(void)x;
	(void)args;
	*ret = json_bool(ev->env->run != NULL && ev->env->run->succeeded);
	return true;
}

static bool
fn_failed(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	(void)x;
	(void)args;
	*ret = json_bool(ev->env->run != NULL && ev->env->run->failed);
	return true;
}

static bool
fn_timed_out(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	(void)x;
	(void)args;
	*ret = json_bool(ev->env->run != NULL && ev->env->run->timed_out);
	return true;
}

const Function expr_functions_more[] = {
	{ "now", 0, 0, fn_now },
	{ "uuid", 0, 0, fn_uuid },
	{ "format_time", 2, 2, fn_format_time },
	{ "parse_time", 1, 2, fn_parse_time },
	{ "to_json", 1, 1, fn_to_json },
	{ "from_json", 1, 1, fn_from_json },
	{ "base64_encode", 1, 1, fn_base64_encode },
	{ "base64_decode", 1, 1, fn_base64_decode },
	{ "sha256", 1, 1, fn_sha256 },
	{ "result", 0, ARGS_ANY, fn_result, .lazy = true },
	{ "succeeded", 0, ARGS_ANY, fn_succeeded, .lazy = true },
	{ "failed", 0, ARGS_ANY, fn_failed, .lazy = true },
	{ "timed_out", 0, ARGS_ANY, fn_timed_out, .lazy = true },
	{ 0 },
};
