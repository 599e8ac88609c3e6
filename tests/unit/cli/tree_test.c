#include "cli/tree.h"

#include "cli/table.h"
#include "test.h"

static const char run_text[] =
    "{\"execution\": 1, \"workflow_ref\": \"my.flow\", \"status\": \"running\", \"paused\": false,"
    " \"started_at\": \"2026-01-01T00:00:00Z\", \"finished_at\": null, \"tasks\": ["
    "{\"name\": \"a\", \"type\": \"action\", \"group\": null, \"status\": \"completed\", \"iterations\": 3, \"tries\": "
    "2,"
    " \"started_at\": \"2026-01-01T00:00:00Z\", \"finished_at\": \"2026-01-01T00:00:02Z\","
    " \"runs\": [{\"execution\": 2, \"status\": \"completed\", \"index\": null}]},"
    "{\"name\": \"p\", \"type\": \"parallel\", \"group\": null, \"status\": \"running\", \"runs\": []},"
    "{\"name\": \"in\", \"type\": \"action\", \"group\": \"p\", \"status\": \"running\", \"runs\": [{\"execution\": 3,"
    " \"status\": \"running\", \"index\": null, \"workflow\": true, \"inside\": {\"tasks\": [{\"name\": \"deep\","
    " \"type\": \"action\", \"group\": null, \"status\": \"waiting\", \"runs\": []}]}}]},"
    "{\"name\": \"many\", \"type\": \"action\", \"group\": null, \"status\": \"running\", \"items\": {\"total\": 9,"
    " \"begun\": 4, \"running\": 1, \"failed\": 1}, \"runs\": [{\"execution\": 5, \"status\": \"failed\", \"index\": "
    "2},"
    " {\"execution\": 6, \"status\": \"running\", \"index\": 3}]}]}";

static Str
printed(Arena *a, unsigned width, size_t most)
{
	Json run;
	Err err = { 0 };
	TimeUs now = 0;
	Buf b = buf_open(a);
	Tree t;

	CHECK_OK(json_parse(a, str_of(run_text), NULL, &run, &err), err);
	CHECK(time_parse(str_of("2026-01-01T00:00:05Z"), &now));
	t = tree_of(a, &run, now);
	CHECK_STR(t.rows[4].path, str_of("p/in/deep"));
	tree_print(&t, &b, width, most, false);
	return buf_str(&b);
}

TEST(tasks_stand_under_what_runs_them_with_their_times_rounds_and_items)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	CHECK_STR(printed(a, 0, SIZE_MAX),
	    str_of("● my.flow        running    5 s        execution 1\n"
		   "├─ ✓ a           completed  2 s        execution 2, round 3, try 2\n"
		   "├─ ● p           running\n"
		   "│  └─ ● in       running               execution 3\n"
		   "│     └─ · deep  waiting\n"
		   "└─ ● many        running               3 of 9 items, 1 under way, 1 failed\n"
		   "   ├─ ✗ [2]      failed                execution 5\n"
		   "   └─ ● [3]      running               execution 6\n"));
}

TEST(what_does_not_fit_a_terminal_leaves_out_first_what_has_ended)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str lines = printed(a, 50, 6), line;
	size_t n = 0;

	CHECK(!str_find(lines, str_of("✓ a"), NULL));
	CHECK(str_find(lines, str_of("● p"), NULL));
	CHECK(str_ends(lines, str_of("… 3 more\n")));
	while (str_cut(&lines, '\n', &line)) {
		n += line.n > 0;
		CHECK(line.n == 0 || text_width(line) <= 50);
	}
	CHECK_INT((int64_t)n, 6);
}

TEST(what_others_wrote_cannot_speak_to_the_terminal)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static const char run_text_bad[] =
	    "{\"workflow_ref\": \"f\\u001b[2J\", \"status\": \"running\\u001b\", \"tasks\": [{\"name\": \"a\\u009b2J\","
	    " \"status\": \"failed\\u0007\", \"note\": \"\\u001b]0;x\\u0007\\u007f\", \"finished_at\": "
	    "\"\\u001b[H\"}]}";
	Json run;
	Err err = { 0 };
	Buf b = buf_open(a);
	Tree t;

	CHECK_OK(json_parse(a, str_of(run_text_bad), NULL, &run, &err), err);
	t = tree_of(a, &run, 0);
	tree_print(&t, &b, 0, SIZE_MAX, false);
	buf_add(&b, t.rows[1].path);
	buf_add(&b, t.rows[1].at);
	for (size_t i = 0; i < b.n; i++)
		CHECK(b.p[i] == '\n' || ((unsigned char)b.p[i] >= ' ' && b.p[i] != 0x7f));
	CHECK(!str_find(buf_str(&b), str_of("\xc2\x9b"), NULL));
	CHECK(str_find(buf_str(&b), str_of("a  2J"), NULL));
}
