/*
 * How fast JSON is read and printed, beside jansson in the same run. Documents are like the ones the API answers with:
 * lists of executions of 2 to 20 KB. One line per figure, "name value"; medians of several rounds.
 */
#include "base/clock.h"
#include "base/json.h"
#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>

enum { DOCUMENTS = 3, ROUNDS = 9, ROUND_US = 60 * US_PER_MS };

typedef struct Work {
	Arena *a;
	Str text;
	Json value;
	void *other;
} Work;

typedef void Task(Work *w);

static Json
execution(Arena *a, int i)
{
	static const char *const states[] = { "requested", "scheduled", "running", "completed", "failed" };
	Json e = json_object(), config = json_object(), result = json_object(), tags = json_array();

	json_add(a, &e, "id", json_int(1000000 + i * 37));
	json_add(a, &e, "action_ref", json_cstr("core.http_request"));
	json_add(a, &config, "message", json_str(str_fmt(a, "hello, world number %d of \"many\"\n", i)));
	json_add(a, &config, "url", json_cstr("https://example.com/api/v1/things/list?page=1"));
	json_add(a, &config, "timeout", json_int(30));
	json_add(a, &config, "verify", json_bool(i % 2 == 0));
	json_add(a, &e, "config", config);
	json_add(a, &e, "parent", i % 3 == 0 ? json_null() : json_int(i));
	json_add(a, &e, "status", json_cstr(states[i % 5]));
	json_add(a, &result, "exit_code", json_int(i % 4));
	json_add(a, &result, "duration", json_real(0.125 + (double)i / 1000));
	json_add(
	    a, &result, "stdout", json_cstr("the quick brown fox jumps over the lazy dog, and then does it again"));
	json_add(a, &e, "result", result);
	json_push(a, &tags, json_cstr("nightly"));
	json_push(a, &tags, json_cstr("caf\xc3\xa9"));
	json_add(a, &e, "tags", tags);
	json_add(a, &e, "worker", json_int(3));
	json_add(a, &e, "created", json_cstr("2026-11-21T01:33:24.512Z"));
	json_add(a, &e, "updated", json_cstr("2026-11-21T01:33:25.012345Z"));
	return e;
}

static Str
document(Arena *a, int executions)
{
	Json list = json_array(), page = json_object(), v = json_object();

	for (int i = 0; i < executions; i++)
		json_push(a, &list, execution(a, i));
	json_add(a, &v, "data", list);
	json_add(a, &page, "page", json_int(1));
	json_add(a, &page, "page_size", json_int(executions));
	json_add(a, &page, "total_items", json_int(123456));
	json_add(a, &v, "pagination", page);
	return json_text(a, &v);
}

static void
our_parse(Work *w)
{
	Err err;
	Json v;

	arena_reset(w->a);
	if (!json_parse(w->a, w->text, NULL, &v, &err))
		abort();
}

static void
our_print(Work *w)
{
	arena_reset(w->a);
	if (json_text(w->a, &w->value).n != w->text.n)
		abort();
}

static void
their_parse(Work *w)
{
	void *v = oracle_parse(w->text.p, w->text.n);

	if (v == NULL)
		abort();
	oracle_free(v);
}

static void
their_print(Work *w)
{
	char *text = oracle_print(w->other);

	if (text == NULL)
		abort();
	free(text);
}

static double
megabytes_per_second(Task *task, Work *w)
{
	TimeUs start = clock_mono(clock_real()), now;
	double bytes = 0;

	do {
		for (int i = 0; i < 20; i++)
			task(w);
		bytes += 20 * (double)w->text.n;
		now = clock_mono(clock_real());
	} while (now - start < ROUND_US);
	return bytes / (double)(now - start);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *figures)
{
	qsort(figures, ROUNDS, sizeof(*figures), compare);
	return figures[ROUNDS / 2];
}

/* Ours and theirs in turn, so that a change of the machine's mood meets both. */
static void
measure(const char *name, Task *ours, Task *theirs, Work *w, double *ret_least, double *ret_ratio)
{
	double our_figures[ROUNDS], their_figures[ROUNDS], our, their;

	for (int i = 0; i < ROUNDS; i++) {
		our_figures[i] = megabytes_per_second(ours, w);
		their_figures[i] = megabytes_per_second(theirs, w);
	}
	our = median(our_figures);
	their = median(their_figures);
	printf("json_%s_mb_s_%zu %.1f\njansson_%s_mb_s_%zu %.1f\njson_%s_ratio_%zu %.2f\n", name, w->text.n, our, name,
	    w->text.n, their, name, w->text.n, our / their);
	*ret_least = our < *ret_least ? our : *ret_least;
	*ret_ratio = our / their < *ret_ratio ? our / their : *ret_ratio;
}

int
main(void)
{
	static const int executions[DOCUMENTS] = { 4, 15, 40 };
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(arena_done) Arena *round = arena_open();
	double parse = 1e9, print = 1e9, parse_ratio = 1e9, print_ratio = 1e9;

	if (!oracle_open()) {
		fputs("jansson is not installed: nothing to compare with\n", stderr);
		return 1;
	}
	for (int i = 0; i < DOCUMENTS; i++) {
		Work w = { .a = round, .text = document(a, executions[i]) };
		Err err;

		w.other = oracle_parse(w.text.p, w.text.n);
		if (w.other == NULL || !json_parse(a, w.text, NULL, &w.value, &err))
			return 1;
		measure("parse", our_parse, their_parse, &w, &parse, &parse_ratio);
		measure("print", our_print, their_print, &w, &print, &print_ratio);
		oracle_free(w.other);
	}
	printf("json_parse_mb_s %.1f\njson_print_mb_s %.1f\n", parse, print);
	printf("json_parse_ratio %.2f\njson_print_ratio %.2f\n", parse_ratio, print_ratio);
	return 0;
}
