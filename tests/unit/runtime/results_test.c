/* The table of outcomes: for each, what its result has, and nothing besides. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

typedef struct Case {
	const char *name, *code, *format; /* format: what it says it prints; NULL: text */
	const char *keys;                 /* sorted, "name" or "name=value" */
	RunOutcome outcome;
	TimeUs timeout;     /* 0: none */
	const char *schema; /* of its output; NULL: none */
	bool cancel, missing;
} Case;

#define MUCH "head -c 10000 /dev/zero | tr '\\0' x"
#define MORE "head -c 100000 /dev/zero | tr '\\0' x"
#define TOO_MUCH "head -c 300000 /dev/zero | tr '\\0' x"

static const Case cases[] = {
	{ "success", "echo a", .keys = "duration_ms exit_code=0 stdout=\"a\\n\" succeeded=true" },
	{ "success that says nothing", ":", .keys = "duration_ms exit_code=0 succeeded=true" },
	{ "success that warns", "echo w >&2", .keys = "duration_ms exit_code=0 stderr=\"w\\n\" succeeded=true" },
	{ "success that warns much", MUCH " >&2", .keys = "duration_ms exit_code=0 stderr_log succeeded=true" },
	{ "json", "echo '{\"a\": 1}'", "json", "data={\"a\":1} duration_ms exit_code=0 succeeded=true" },
	{ "json of many lines", "echo '['; echo '1]'", "json", "data=[1] duration_ms exit_code=0 succeeded=true" },
	{ "json in the last line", "echo working; echo 5", "json", "data=5 duration_ms exit_code=0 succeeded=true" },
	{ "json that is none", "echo '{'", "json", "duration_ms exit_code=0 stdout=\"{\\n\" succeeded=true" },
	{ "no json at all", ":", "json", "duration_ms exit_code=0 succeeded=true" },
	{ "jsonl", "echo 1; echo; echo nonsense; echo '{}'", "jsonl",
	    "data=[1,{}] duration_ms exit_code=0 succeeded=true" },
	{ "jsonl without a line that is", "echo x", "jsonl", "duration_ms exit_code=0 stdout=\"x\\n\" succeeded=true" },
	{ "yaml", "echo 'a: [1, two]'", "yaml", "data={\"a\":[1,\"two\"]} duration_ms exit_code=0 succeeded=true" },
	{ "text is not looked at", "echo 5", "text", "duration_ms exit_code=0 stdout=\"5\\n\" succeeded=true" },
	{ "an acknowledgement", "echo '{\"queue_ack\": {\"version\": 1}}'", "json",
	    "data={\"queue_ack\":{\"version\":1}} duration_ms exit_code=0 queue_ack={\"version\":1} succeeded=true" },
	{ "data that breaks its schema", "echo '{\"n\": \"x\"}'", "json",
	    "data={\"n\":\"x\"} duration_ms exit_code=0 output_error succeeded=true",
	    .schema = "{\"n\":{\"type\":\"integer\"}}" },
	{ "more than the row holds", MORE, NULL,
	    "duration_ms exit_code=0 stdout stdout_bytes_truncated=34464 stdout_log stdout_truncated=true "
	    "succeeded=true" },
	{ "more than the log holds", TOO_MUCH, NULL,
	    "duration_ms exit_code=0 stdout stdout_artifact=\"demo.act.stdout.log\" stdout_bytes_truncated=234464 "
	    "stdout_log "
	    "stdout_truncated=true succeeded=true" },
	{ "warnings that are more than their log holds", TOO_MUCH " >&2", NULL,
	    "duration_ms exit_code=0 stderr_artifact=\"demo.act.stderr.log\" stderr_bytes_truncated=234464 stderr_log "
	    "stderr_truncated=true succeeded=true" },

	{ "failure", "echo o; echo e >&2; exit 3", NULL,
	    "duration_ms error=\"e\" exit_code=3 stderr=\"e\\n\" stdout=\"o\\n\" succeeded=false", RUN_FAILED },
	{ "failure without a word", "exit 4", NULL,
	    "duration_ms error=\"Command exited with code 4\" exit_code=4 succeeded=false", RUN_FAILED },
	{ "failure with more than five lines", "seq 6 >&2; exit 1", NULL,
	    "duration_ms error=\"6\" exit_code=1 stderr=\"1\\n2\\n3\\n4\\n5\\n6\\n\" succeeded=false", RUN_FAILED },
	{ "failure that prints json", "echo '{}'; exit 1", "json",
	    "duration_ms error exit_code=1 stdout=\"{}\\n\" succeeded=false", RUN_FAILED },
	{ "failure that says much", MORE "; echo; " MUCH " >&2; exit 1", NULL,
	    "duration_ms error exit_code=1 stderr_log stdout stdout_bytes_truncated=34465 stdout_log "
	    "stdout_truncated=true "
	    "succeeded=false",
	    RUN_FAILED },
	{ "failure by a signal", "kill -11 $$", NULL,
	    "duration_ms error=\"killed by signal 11 (SIGSEGV)\" exit_code=139 succeeded=false", RUN_FAILED },
	{ "its time is over", "echo o; sleep 1000", NULL,
	    "duration_ms error=\"Execution timed out after 1 s\" exit_code=-1 stdout=\"o\\n\" succeeded=false "
	    "timed_out=true",
	    RUN_TIMED_OUT, .timeout = US_PER_S },
	{ "its time is over, and it ends well when told", "trap 'exit 0' TERM; sleep 1000 & wait", NULL,
	    "duration_ms error exit_code=-1 succeeded=false timed_out=true", RUN_TIMED_OUT, .timeout = US_PER_S / 2 },
	{ "cancelled", "sleep 1000", NULL,
	    "cancelled=true duration_ms error=\"Execution was cancelled\" exit_code=143 succeeded=false", RUN_CANCELLED,
	    .cancel = true },
	{ "not set up", "nothing.sh", NULL,
	    "error=\"entry point 'nothing.sh' of action 'demo.act' not found in pack 'demo'\" succeeded=false",
	    RUN_UNSTARTED, .missing = true },
};

static int
by_name(const void *x, const void *y)
{
	return str_cmp(((const JsonMember *)x)->key, ((const JsonMember *)y)->key);
}

/* "name=value" where the expectation has a value for it, else "name". */
static Str
told(Arena *a, const Json *result, const char *wanted)
{
	JsonMember *sorted = arena_copy(a, result->members, result->n * sizeof(*sorted));
	Buf b = buf_open(a);

	qsort(sorted, result->n, sizeof(*sorted), by_name);
	for (size_t i = 0; i < result->n; i++) {
		const char *with = str_fmt(a, " %.*s=", STR_ARG(sorted[i].key)).p;
		bool valued = strstr(str_fmt(a, " %s", wanted).p, with) != NULL;

		buf_fmt(&b, "%s%.*s", i == 0 ? "" : " ", STR_ARG(sorted[i].key));
		if (valued)
			buf_fmt(&b, "=%.*s", STR_ARG(json_text(a, &sorted[i].value)));
	}
	return buf_str(&b);
}

static void
small_logs(ProcessesConfig *config)
{
	config->stdout_max = config->stderr_max = 200000;
	config->spill_max = 1 << 20;
	config->kill_grace = 200 * US_PER_MS;
}

TEST(every_outcome_has_the_keys_that_the_table_gives_it_and_no_others)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(small_logs);

	for (size_t i = 0; i < countof(cases); i++) {
		const Case *c = &cases[i];
		RunSpec spec = rig_spec(r, c->missing ? "native" : "shell", c->code);
		Json schema;
		RunEnd end;
		Str got;

		if (c->format != NULL)
			spec.output_format = str_of(c->format);
		if (c->timeout != 0)
			spec.timeout = c->timeout;
		if (c->schema != NULL) {
			schema = rig_json(r, c->schema);
			spec.out_schema = &schema;
		}
		rig_start(r, &spec);
		if (c->cancel)
			r->starter->cancel(r->starter, spec.execution, 1);
		end = rig_wait(r);
		got = told(r->a, &end.result, c->keys);
		if (end.outcome != c->outcome || !str_is(got, c->keys))
			test_fail(__FILE__, __LINE__, "%s: outcome %d, %.*s\nis not outcome %d, %s", c->name,
			    (int)end.outcome, STR_ARG(got), (int)c->outcome, c->keys);
	}
}
