#include "runtime/result.h"

#include "base/codec.h"
#include "model/params.h"
#include "os/fs.h"
#include "os/signals.h"
#include "runtime/output.h"

enum {
	ERROR_LINES = 5, /* of stderr that are told whole; of more, the last one */
	ERROR_MOST = 16 * 1024,
};

/* What of a stream goes into the row: its head, as valid text. */
static Str
row_text(Arena *a, const Stream *s)
{
	Str head = { s->head_n == 0 ? "" : s->head, s->head_n }, clean;

	if (s->total > s->head_n) { /* the cut may be in the middle of a character */
		size_t valid = utf8_valid_prefix(head);

		if (head.n - valid < 4)
			head.n = valid;
	}
	clean = utf8_clean(a, head);
	return clean.p == head.p ? str_copy(a, head)
				 : clean; /* the run's memory is used again before the row is written */
}

static void
add_truncation(Arena *a, Json *result, const Stream *s)
{
	bool out = strcmp(s->name, "stdout") == 0;

	if (s->total <= s->head_n)
		return;
	json_add(a, result, out ? "stdout_truncated" : "stderr_truncated", json_bool(true));
	json_add(a, result, out ? "stdout_bytes_truncated" : "stderr_bytes_truncated",
	    json_int((int64_t)(s->total - s->head_n)));
	if (!s->spill.there)
		return;
	json_add(a, result, out ? "stdout_artifact" : "stderr_artifact", json_str(str_copy(a, str_of(s->spill.ref))));
	if (spill_left_out(&s->spill) > 0)
		json_add(a, result, out ? "stdout_artifact_bytes_truncated" : "stderr_artifact_bytes_truncated",
		    json_int((int64_t)spill_left_out(&s->spill)));
}

static void
add_stdout(Arena *a, Json *result, const Stream *s)
{
	if (s->total == 0)
		return;
	json_add(a, result, "stdout", json_str(row_text(a, s)));
	if (s->has_file && s->total > s->head_n)
		json_add(a, result, "stdout_log", json_str(str_copy(a, str_of(s->path))));
	add_truncation(a, result, s);
}

/* In the file when there is one, else in the row, so that it is always somewhere. */
static void
add_stderr(Arena *a, Json *result, const Stream *s)
{
	if (s->total == 0)
		return;
	if (s->has_file)
		json_add(a, result, "stderr_log", json_str(str_copy(a, str_of(s->path))));
	else
		json_add(a, result, "stderr", json_str(row_text(a, s)));
	if (stream_dropped(s) > 0 || !s->has_file)
		add_truncation(a, result, s);
}

static void
add_trouble(Arena *a, Json *result, const Stream *s)
{
	if (s->trouble[0] != '\0')
		json_set(a, result, "log_error", json_str(utf8_clean(a, str_copy(a, str_of(s->trouble)))));
}

static Str
last_lines(Arena *a, const Stream *s)
{
	Str text = str_trim(row_text(a, s));
	size_t lines = 1, at;

	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	if (lines > ERROR_LINES) {
		for (at = text.n; at > 0 && text.p[at - 1] != '\n'; at--)
			;
		text = str_sub(text, at, text.n);
	}
	if (text.n > ERROR_MOST) {
		text.n = ERROR_MOST;
		text.n = utf8_valid_prefix(text);
	}
	return text;
}

/* Of the end of all that is kept, not of the head, when the stream outgrew memory. */
static Str
error_of_stderr(Arena *a, const Stream *s)
{
	Stream end = *s;
	Str text;

	if (s->total <= s->head_n)
		return last_lines(a, s);
	text = stream_tail(s, a, STREAM_HEAD);
	end.head = arena_copy(a, text.p, text.n);
	end.head_n = text.n;
	end.total = text.n;
	return last_lines(a, &end);
}

static Str
error_failed(Arena *a, const Report *r)
{
	Str text = error_of_stderr(a, r->err);

	if (r->sig != 0)
		return str_fmt(a, "killed by signal %d (%s)", r->sig, signal_name(r->sig));
	if (text.n > 0)
		return text;
	return str_fmt(a, "Command exited with code %d", r->exit_code);
}

static Str
error_timed_out(Arena *a, const Report *r)
{
	if (r->timeout % US_PER_S == 0)
		return str_fmt(a, "Execution timed out after %lld s", (long long)(r->timeout / US_PER_S));
	return str_fmt(a, "Execution timed out after %.3g s", (double)r->timeout / US_PER_S);
}

static Str
error_cancelled(Arena *a, const Report *r)
{
	(void)a;
	(void)r;
	return str_of("Execution was cancelled");
}

static Str
error_unstarted(Arena *a, const Report *r)
{
	return utf8_clean(a, str_copy(a, r->problem));
}

static Str
error_over(Arena *a, const Report *r)
{
	if (strcmp(r->over, "memory") == 0)
		return str_fmt(a, "Execution used more than its %lld MB of memory", (long long)r->limits->memory_mb);
	if (strcmp(r->over, "disk") == 0)
		return str_none(r->problem)
			   ? str_fmt(a, "Execution wrote more than its %lld MB of disk", (long long)r->limits->disk_mb)
			   : str_copy(a, r->problem);
	return str_fmt(a, "Execution had more than its %lld processes", (long long)r->limits->processes);
}

static Str (*const errors[])(Arena *a, const Report *r) = {
	[RUN_FAILED] = error_failed,
	[RUN_TIMED_OUT] = error_timed_out,
	[RUN_CANCELLED] = error_cancelled,
	[RUN_UNSTARTED] = error_unstarted,
	[RUN_OVER] = error_over,
};

static Json
failure(Arena *a, const Report *r)
{
	Json result = json_object();

	json_add(a, &result, "succeeded", json_bool(false));
	if (r->outcome != RUN_UNSTARTED) {
		json_add(a, &result, "exit_code", json_int(r->outcome == RUN_TIMED_OUT ? -1 : r->exit_code));
		json_add(a, &result, "duration_ms", json_int(r->duration / US_PER_MS));
	}
	stream_finish(r->out, r->inline_output);
	stream_finish(r->err, r->inline_output);
	json_add(a, &result, "error", json_str(errors[r->outcome](a, r)));
	if (r->outcome == RUN_TIMED_OUT)
		json_add(a, &result, "timed_out", json_bool(true));
	if (r->outcome == RUN_OVER)
		json_add(a, &result, "limit_exceeded", json_cstr(r->over));
	if (r->outcome == RUN_CANCELLED)
		json_add(a, &result, "cancelled", json_bool(true));
	add_stdout(a, &result, r->out);
	add_stderr(a, &result, r->err);
	return result;
}

static void
add_data(Arena *a, Json *result, const Report *r, Json data)
{
	const Json *ack = data.kind == JSON_OBJECT ? json_get(&data, "queue_ack") : NULL;
	Err err = { 0 };

	if (ack != NULL)
		json_add(a, result, "queue_ack", *ack);
	json_add(a, result, "data", data);
	if (r->out->has_file && !file_write(r->result_path, json_text(a, &data), 0640, &err))
		json_set(a, result, "log_error", json_str(utf8_clean(a, str_copy(a, str_of(err.text)))));
}

/* What the value holds in secret stood in the file as well. */
static void
star_out_file(Arena *a, const Report *r, Str text)
{
	Json values = json_array();
	Redact *redact;
	Buf b = buf_open(a);
	Err err = { 0 };

	for (size_t i = 0; i < r->secrets->n; i++)
		json_push(a, &values, r->secrets->list[i].value);
	redact = redact_open(a, &values);
	if (redact == NULL)
		return;
	while (text.n > 0) {
		Str piece = str_sub(text, 0, REDACT_PIECE);

		buf_add(&b, redact_put(redact, piece));
		text = str_sub(text, piece.n, text.n);
	}
	buf_add(&b, redact_end(redact));
	stream_replace(r->out, buf_str(&b), &err);
}

/* Against the action's schema: what it marks as secret is taken out, what breaks it is said. */
static void
apply_schema(Arena *a, const Report *r, Str text, Json *data, Json *result)
{
	Json copy = *data;
	Err err = { 0 };
	Str rest, kind;

	if (json_is_null(r->out_schema))
		return;
	if (!params_prepare(a, "output", str_of(""), r->out_schema, &copy, false, &err)) {
		rest = str_copy(a, str_of(err.text));
		json_add(a, result, "output_error", json_str(str_cut(&rest, ':', &kind) ? str_trim(rest) : kind));
	}
	if (r->secrets == NULL || !secrets_in_schema(r->out_schema))
		return;
	*r->secrets = secrets_take(a, r->out_schema, data);
	if (r->secrets->n == 0)
		return;
	star_out_file(a, r, text);
	for (size_t i = 0; i < r->secrets->n; i++)
		r->secrets->list[i].path = str_fmt(a, "/data%.*s", STR_ARG(r->secrets->list[i].path));
}

static bool
parse_output(Arena *a, const Report *r, Json *ret, bool *ret_whole, Json *result)
{
	Str text;

	if (r->out->total == 0 || r->output_format.n == 0 || str_is(r->output_format, "text"))
		return false;
	if (stream_dropped(r->out) > 0 || !stream_all(r->out, a, &text, NULL))
		return false;
	text = utf8_clean(a, text);
	if (!output_parse(a, r->output_format, text, ret, ret_whole))
		return false;
	apply_schema(a, r, text, ret, result);
	return true;
}

static Json
success(Arena *a, const Report *r)
{
	Json result = json_object(), data;
	bool whole = true, parsed;

	json_add(a, &result, "succeeded", json_bool(true));
	parsed = parse_output(a, r, &data, &whole, &result);
	json_add(a, &result, "exit_code", json_int(0));
	json_add(a, &result, "duration_ms", json_int(r->duration / US_PER_MS));
	/* lines that the value does not hold are only in the file */
	stream_finish(r->out, whole ? r->inline_output : 0);
	stream_finish(r->err, r->inline_output);
	if (parsed)
		add_data(a, &result, r, data);
	else
		add_stdout(a, &result, r->out);
	add_stderr(a, &result, r->err);
	return result;
}

Json
result_make(Arena *a, const Report *r)
{
	Json result;

	stream_flush(r->out);
	stream_flush(r->err);
	result = r->outcome == RUN_SUCCEEDED ? success(a, r) : failure(a, r);
	add_trouble(a, &result, r->out);
	add_trouble(a, &result, r->err);
	return result;
}
