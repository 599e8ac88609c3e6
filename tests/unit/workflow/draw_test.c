/* Workflows drawn: where tasks stand, and what is said of them. */
#include "workflow/draw.h"

#include "base/yaml.h"
#include "test.h"

static WfGraph *
graph_of(Arena *a, const char *definition)
{
	Json *d = arena_new(a, Json);
	WfGraph *g = NULL;
	Str at;
	Err err = { 0 };

	CHECK_OK(yaml_parse(a, "test", str_of(definition), NULL, d, &err), err);
	CHECK_OK(wf_compile(a, d, &g, &at, &err), err);
	return g;
}

static const char diamond[] =
    "{tasks: [{name: a, action: x.y, next: [{when: '{{ succeeded() }}', do: [b, c]}, {when: failed(), do: e}]},"
    " {name: b, action: x.y, with_items: '{{ range(3) }}', concurrency: 2, next: [{do: d}]},"
    " {name: c, action: x.y, next: [{publish: [{n: 1}], do: d}]},"
    " {name: d, action: x.y, join: 2, next: [{when: n < 3, do: a2}, {do: e}]},"
    " {name: a2, action: x.y, next: [{do: d}]}, {name: e, action: x.y}]}";

TEST(each_task_stands_below_those_that_lead_to_it_and_none_on_another)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	const WfGraph *g = graph_of(a, diamond);
	WfLayout l = wf_layout(a, g);

	CHECK_INT(l.layers, 4);
	for (size_t i = 0; i < l.routes_n; i++) {
		const WfRoute *r = &l.routes[i];

		CHECK(r->back == (r->from == 4));
		CHECK(r->back || l.boxes[r->to].y >= l.boxes[r->from].y + l.boxes[r->from].h);
	}
	for (size_t i = 0; i < g->n; i++) {
		const WfBox *x = &l.boxes[i];

		CHECK(x->x >= 0 && x->x + x->w <= l.w && x->y >= 0 && x->y + x->h <= l.h);
		for (size_t k = 0; k < i; k++) {
			const WfBox *y = &l.boxes[k];

			CHECK(x->y + x->h <= y->y || y->y + y->h <= x->y || x->x + x->w <= y->x || y->x + y->w <= x->x);
		}
	}
}

/* A way over several layers passes beside what stands between. */
TEST(what_leads_over_layers_passes_beside_the_boxes_between)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	const WfGraph *g = graph_of(a,
	    "{tasks: [{name: a, action: x.y, next: [{do: [b, d]}]}, {name: b, action: x.y, next: [{do: c}]},"
	    " {name: c, action: x.y, next: [{do: d}]}, {name: d, action: x.y}]}");
	WfLayout l = wf_layout(a, g);
	size_t seen = 0;

	for (size_t i = 0; i < l.routes_n; i++) {
		const WfRoute *r = &l.routes[i];

		if (r->from != 0 || r->to != 3)
			continue;
		seen++;
		CHECK(r->n == 6);
		for (size_t k = 1; k + 1 < r->n; k++)
			for (int t = 1; t <= 2; t++)
				CHECK(r->points[k].x < l.boxes[t].x || r->points[k].x > l.boxes[t].x + l.boxes[t].w);
	}
	CHECK(seen == 1);
}

TEST(a_frame_holds_the_tasks_of_its_parallel_task)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	const WfGraph *g = graph_of(a,
	    "{tasks: [{name: s, action: x.y, next: [{do: p}]}, {name: p, type: parallel, tasks: [{name: q, type: "
	    "parallel, tasks:"
	    " [{name: in, action: x.y}]}, {name: r, action: x.y, next: [{do: r2}]}, {name: r2, action: x.y}]}]}");
	WfLayout l = wf_layout(a, g);

	for (size_t i = 0; i < g->n; i++) {
		const WfBox *in = &l.boxes[i], *out = g->tasks[i].group < 0 ? NULL : &l.boxes[g->tasks[i].group];

		CHECK(out == NULL || (in->x > out->x && in->y > out->y && in->x + in->w < out->x + out->w &&
					 in->y + in->h < out->y + out->h));
	}
	CHECK(str_find(wf_draw_dot(a, g, str_of("w")), str_of("lhead=cluster_1"), NULL));
}

TEST(a_terminal_shows_layers_conditions_and_what_is_published)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	CHECK_STR(wf_draw_text(a, graph_of(a, diamond), str_of("my.flow")),
	    str_of("my.flow: 6 tasks in 4 layers\n\n"
		   "1  a  x.y\n"
		   "     ├─ succeeded() → b, c\n"
		   "     └─ failed()    → e\n"
		   "2  b  x.y  (for each of range(3), 2 at once)\n"
		   "     └─ → d\n"
		   "   c  x.y\n"
		   "     └─ → d   publishes n\n"
		   "3  d  x.y  (after 2 of 3)\n"
		   "     ├─ n < 3 → a2\n"
		   "     └─       → e\n"
		   "4  a2  x.y\n"
		   "     └─ ↺ d\n"
		   "   e  x.y\n"));
}

TEST(what_a_definition_says_cannot_leave_its_place_in_a_drawing)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	const WfGraph *g = graph_of(a,
	    "{tasks: [{name: a, action: x.y, next: [{when: \"'<script>' == \\\"&\\\"\\n\", do: b}]}, {name: b, action: "
	    "x.y}]}");
	Str svg = wf_draw_svg(a, g, str_of("w")), dot = wf_draw_dot(a, g, str_of("w"));

	CHECK(!str_find(svg, str_of("<script"), NULL));
	CHECK(str_find(svg, str_of("'&lt;script&gt;' == &quot;&amp;&quot;"), NULL));
	CHECK(str_find(dot, str_of("label=\"'<script>' == \\\"&\\\"\""), NULL));
}

TEST(a_thousand_tasks_are_drawn)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Buf b = buf_open(a);
	Json drawn;

	buf_text(&b, "{tasks: [");
	for (int i = 999; i >= 0; i--) /* the worst order: each is placed before what leads to it */
		buf_fmt(&b, "{name: t%d, action: x.y, next: [{do: [t%d]}]},", i, i + 1 > 999 ? 999 : i + 1);
	buf_text(&b, "]}");
	drawn = wf_draw_json(a, graph_of(a, str_cstr(a, buf_str(&b))), str_of("w"));
	CHECK_INT(json_as_int(json_get(&drawn, "layers"), 0), 1000);
	CHECK(json_get(&drawn, "tasks")->n == 1000);
}
