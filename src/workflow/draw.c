#include "workflow/draw.h"

enum { LABEL_MOST = 34, MARGIN = 24, LABEL_CHAR = 6 };

/* ---- what is said of a task and of a transition ---- */

/* A condition without the braces that are always there, on one line. */
static Str
bare(Arena *a, Str text)
{
	Str s = str_trim(text);
	Buf b = buf_open(a);

	if (s.n >= 4 && str_starts(s, str_of("{{")) && str_ends(s, str_of("}}")) &&
	    !str_find(str_sub(s, 2, s.n - 2), str_of("}}"), NULL))
		s = str_trim(str_sub(s, 2, s.n - 2));
	for (size_t i = 0; i < s.n; i++)
		buf_char(&b, (unsigned char)s.p[i] < ' ' ? ' ' : s.p[i]);
	return buf_str(&b);
}

static Str
cut(Arena *a, Str s, int most)
{
	size_t at = 0;
	int chars = 0;

	if (wf_text_width(s) <= most)
		return s;
	for (; at < s.n && chars < most - 1; at++)
		chars += ((unsigned char)s.p[at] & 0xc0u) != 0x80u;
	while (at < s.n && ((unsigned char)s.p[at] & 0xc0u) == 0x80u)
		at++;
	return str_fmt(a, "%.*s…", STR_ARG(str_sub(s, 0, at)));
}

static Str
when_text(Arena *a, const WfNext *n)
{
	if (!str_none(n->when.text))
		return bare(a, n->when.text);
	return n->otherwise ? str_of("else") : (Str){ 0 };
}

/* Everything about a task that changes when, or how often, it runs. */
static Str
task_words(Arena *a, const WfTask *t)
{
	Buf b = buf_open(a);

	if (t->kind == WF_PARALLEL)
		buf_item(&b, "parallel");
	if (!str_none(t->when.text))
		buf_item(&b, "if %.*s", STR_ARG(bare(a, t->when.text)));
	if (t->join > 1)
		buf_item(&b, "after %lld of %zu", (long long)t->join, t->inbound_n);
	if (t->with_items != NULL)
		buf_item(
		    &b, "for each of %.*s, %lld at once", STR_ARG(bare(a, t->items_text)), (long long)t->concurrency);
	if (t->batch_size > 0)
		buf_item(&b, "in batches of %lld", (long long)t->batch_size);
	if (t->delay != NULL)
		buf_item(&b, "delayed");
	if (t->retry.count > 0)
		buf_item(&b, "up to %lld retries", (long long)t->retry.count);
	if (t->timeout > 0)
		buf_item(&b, "at most %lld s", (long long)t->timeout);
	return buf_str(&b);
}

static Str
action_text(const WfTask *t)
{
	return t->kind == WF_PARALLEL ? str_of("parallel") : t->action;
}

/* ---- for a terminal ---- */

typedef struct Lines {
	Arena *a;
	const WfGraph *g;
	const WfLayout *l;
	Buf b;
} Lines;

static void
spaces(Buf *b, int n)
{
	for (int i = 0; i < n; i++)
		buf_char(b, ' ');
}

static int
when_width(const Lines *p, const WfTask *t)
{
	int most = 0;

	for (size_t i = 0; i < t->next_n; i++) {
		int w = wf_text_width(when_text(p->a, &t->next[i]));

		most = w > most ? w : most;
	}
	return most > LABEL_MOST ? LABEL_MOST : most;
}

static void
line_next(Lines *p, const WfNext *n, int indent, int width, bool last)
{
	Str when = when_text(p->a, n);

	spaces(&p->b, indent);
	buf_fmt(&p->b, "%s %.*s", last ? "└─" : "├─", STR_ARG(when));
	spaces(&p->b, width - wf_text_width(when) + (width > 0 ? 1 : 0));
	for (size_t i = 0; i < n->arcs_n; i++)
		buf_fmt(&p->b, "%s%.*s",
		    i > 0             ? ", "
		    : n->arcs[0].back ? "↺ "
				      : "→ ",
		    STR_ARG(p->g->tasks[n->arcs[i].task].name));
	if (n->publish_n > 0)
		buf_text(&p->b, n->arcs_n > 0 ? "   publishes " : "publishes ");
	for (size_t i = 0; i < n->publish_n; i++)
		buf_fmt(&p->b, "%s%.*s", i > 0 ? ", " : "", STR_ARG(n->publish[i].name));
	buf_char(&p->b, '\n');
}

static void lines_of(Lines *p, int group, int layers, int indent);

static void
line_task(Lines *p, int no, int number, int indent)
{
	const WfTask *t = &p->g->tasks[no];
	Str words = task_words(p->a, t);
	int width = when_width(p, t);

	spaces(&p->b, indent);
	if (number > 0)
		buf_fmt(&p->b, "%-3d", number);
	else
		spaces(&p->b, 3);
	buf_fmt(&p->b, "%.*s", STR_ARG(t->name));
	if (t->kind != WF_PARALLEL)
		buf_fmt(&p->b, "  %.*s", STR_ARG(t->action));
	if (words.n > 0)
		buf_fmt(&p->b, "  (%.*s)", STR_ARG(words));
	buf_char(&p->b, '\n');
	if (t->kind == WF_PARALLEL) {
		int layers = 0;

		for (size_t i = 0; i < p->g->n; i++)
			if (p->g->tasks[i].group == no && p->l->boxes[i].layer >= layers)
				layers = p->l->boxes[i].layer + 1;
		lines_of(p, no, layers, indent + 5);
	}
	for (size_t i = 0; i < t->next_n; i++)
		line_next(p, &t->next[i], indent + 5, width, i + 1 == t->next_n);
}

static void
lines_of(Lines *p, int group, int layers, int indent)
{
	for (int layer = 0; layer < layers; layer++) {
		int number = layer + 1;

		for (size_t i = 0; i < p->g->n; i++) {
			if (p->g->tasks[i].group != group || p->l->boxes[i].layer != layer)
				continue;
			line_task(p, (int)i, number, indent);
			number = 0;
		}
	}
}

Str
wf_draw_text(Arena *a, const WfGraph *g, Str ref)
{
	WfLayout l = wf_layout(a, g);
	Lines p = { a, g, &l, buf_open(a) };

	buf_fmt(&p.b, "%.*s: %zu task%s in %d layer%s\n\n", STR_ARG(ref), g->n, g->n == 1 ? "" : "s", l.layers,
	    l.layers == 1 ? "" : "s");
	lines_of(&p, WF_TOP, l.layers, 0);
	return buf_str(&p.b);
}

/* ---- DOT ---- */

static void
dot_text(Buf *b, Str s)
{
	buf_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_char(b, '\\');
		buf_char(b, (unsigned char)s.p[i] < ' ' ? ' ' : s.p[i]);
	}
	buf_char(b, '"');
}

/* An edge cannot end at a frame, only at something in it: its first task, and is cut where the frame begins. */
static int
dot_end(const WfGraph *g, int task)
{
	while (g->tasks[task].kind == WF_PARALLEL)
		task = g->tasks[task].entries[0];
	return task;
}

static void
dot_group(Arena *a, const WfGraph *g, Buf *b, int group, int indent)
{
	for (size_t i = 0; i < g->n; i++) {
		const WfTask *t = &g->tasks[i];
		Str words;

		if (t->group != group)
			continue;
		spaces(b, indent);
		if (t->kind == WF_PARALLEL) {
			buf_fmt(b, "subgraph cluster_%zu {\n", i);
			spaces(b, indent + 2);
			buf_text(b, "label=");
			dot_text(b, t->name);
			buf_text(b, ";\n");
			dot_group(a, g, b, (int)i, indent + 2);
			spaces(b, indent);
			buf_text(b, "}\n");
			continue;
		}
		words = task_words(a, t);
		buf_fmt(b, "t%zu [label=", i);
		dot_text(b, t->name);
		buf_text(b, ", tooltip=");
		dot_text(b, words.n > 0 ? str_fmt(a, "%.*s (%.*s)", STR_ARG(t->action), STR_ARG(words)) : t->action);
		buf_text(b, "];\n");
	}
}

static void
dot_arc(Arena *a, const WfGraph *g, Buf *b, int from, const WfNext *n, const WfArc *arc)
{
	Str when = cut(a, when_text(a, n), LABEL_MOST);
	int tail = dot_end(g, from), head = dot_end(g, arc->task);

	buf_fmt(b, "  t%d -> t%d [", tail, head);
	if (when.n > 0) {
		buf_text(b, "label=");
		dot_text(b, when);
		buf_char(b, ' ');
	}
	if (tail != from)
		buf_fmt(b, "ltail=cluster_%d ", from);
	if (head != arc->task)
		buf_fmt(b, "lhead=cluster_%d ", arc->task);
	buf_fmt(b, "%s];\n", arc->back ? "style=dashed constraint=false" : "");
}

Str
wf_draw_dot(Arena *a, const WfGraph *g, Str ref)
{
	Buf b = buf_open(a);

	buf_text(&b, "digraph ");
	dot_text(&b, ref);
	buf_text(&b, " {\n  compound=true;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n"
		     "  edge [fontname=\"sans-serif\", fontsize=10];\n");
	dot_group(a, g, &b, WF_TOP, 2);
	for (size_t i = 0; i < g->n; i++)
		for (size_t k = 0; k < g->tasks[i].next_n; k++)
			for (size_t m = 0; m < g->tasks[i].next[k].arcs_n; m++)
				dot_arc(a, g, &b, (int)i, &g->tasks[i].next[k], &g->tasks[i].next[k].arcs[m]);
	buf_text(&b, "}\n");
	return buf_str(&b);
}

/* ---- SVG ---- */

static void
xml_text(Buf *b, Str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '&')
			buf_text(b, "&amp;");
		else if (c == '<')
			buf_text(b, "&lt;");
		else if (c == '>')
			buf_text(b, "&gt;");
		else if (c == '"')
			buf_text(b, "&quot;");
		else
			buf_char(b, (unsigned char)c < ' ' || c == 0x7f ? ' ' : c);
	}
}

static void
svg_words(Buf *b, const char *class, const char *anchor, int x, int y, Str text)
{
	buf_fmt(b, "<text class=\"%s\" text-anchor=\"%s\" x=\"%d\" y=\"%d\">", class, anchor, x, y);
	xml_text(b, text);
	buf_text(b, "</text>\n");
}

static void
svg_box(Arena *a, Buf *b, const WfTask *t, const WfBox *box)
{
	int x = box->x + MARGIN, y = box->y + MARGIN, most = (box->w - 12) / 7;
	bool frame = t->kind == WF_PARALLEL;
	Str words = task_words(a, t);

	buf_fmt(b, "<g><title>");
	xml_text(b, t->name);
	buf_text(b, " ");
	xml_text(b, action_text(t));
	if (words.n > 0 && !frame) {
		buf_text(b, " (");
		xml_text(b, words);
		buf_text(b, ")");
	}
	buf_fmt(b, "</title><rect class=\"%s%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n",
	    frame ? "frame" : "task", t->with_items != NULL ? " many" : "", x, y, box->w, box->h);
	if (frame) {
		svg_words(b, "name", "start", x + 10, y + 18, cut(a, t->name, most));
	} else {
		svg_words(b, "name", "middle", x + box->w / 2, y + 20, cut(a, t->name, most));
		svg_words(b, "action", "middle", x + box->w / 2, y + 36, cut(a, t->action, most));
	}
	if (t->join > 1)
		svg_words(b, "action", "end", x + box->w / 2 - 8, y - 4,
		    str_fmt(a, "%lld of %zu", (long long)t->join, t->inbound_n));
	buf_text(b, "</g>\n");
}

static void
svg_path(Buf *b, const WfRoute *r)
{
	buf_fmt(b, "<path class=\"%s\" marker-end=\"url(#end)\" d=\"M%d %d", r->back ? "back" : "arc",
	    r->points[0].x + MARGIN, r->points[0].y + MARGIN);
	for (size_t i = 1; i < r->n; i++) {
		int x0 = r->points[i - 1].x + MARGIN, y0 = r->points[i - 1].y + MARGIN;
		int x1 = r->points[i].x + MARGIN, y1 = r->points[i].y + MARGIN;

		if (r->back || i % 2 == 0) /* along a lane, or outside of all */
			buf_fmt(b, " L%d %d", x1, y1);
		else
			buf_fmt(b, " C%d %d %d %d %d %d", x0, (y0 + y1) / 2, x1, (y0 + y1) / 2, x1, y1);
	}
	buf_text(b, "\"/>\n");
}

static void
svg_label(Arena *a, Buf *b, const WfRoute *r)
{
	Str when = cut(a, when_text(a, r->next), LABEL_MOST);

	if (when.n == 0)
		return;
	if (r->back)
		svg_words(b, "when", "end", r->points[1].x + MARGIN - 4, r->points[1].y + MARGIN - 4, when);
	else
		svg_words(b, "when", "middle", (r->points[0].x + r->points[1].x) / 2 + MARGIN,
		    (r->points[0].y + r->points[1].y) / 2 + MARGIN + 4, when);
}

static const char svg_head[] =
    "<style>text{font:12px sans-serif;fill:#1b2330}.name{font-weight:600}.action{font-size:11px;fill:#5b6675}"
    ".when{font-size:11px;fill:#33589b;stroke:#fff;stroke-width:3px;paint-order:stroke}"
    ".task{fill:#f4f7fb;stroke:#5b7aa8}.many{stroke-width:2.5}.frame{fill:none;stroke:#9aa7b8;stroke-dasharray:5 3}"
    ".arc,.back{fill:none;stroke:#76859a;stroke-width:1.3}.back{stroke-dasharray:5 3}</style>\n"
    "<defs><marker id=\"end\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" "
    "orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#76859a\"/></marker></defs>\n"
    "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";

/* Labels at the edge must have room too. */
static int
svg_width(Arena *a, const WfLayout *l)
{
	int w = l->w;

	for (size_t i = 0; i < l->routes_n; i++) {
		const WfRoute *r = &l->routes[i];
		int half = wf_text_width(cut(a, when_text(a, r->next), LABEL_MOST)) * LABEL_CHAR / 2;
		int right = (r->points[0].x + r->points[1].x) / 2 + half;

		w = !r->back && right > w ? right : w;
	}
	return w + 2 * MARGIN;
}

Str
wf_draw_svg(Arena *a, const WfGraph *g, Str ref)
{
	WfLayout l = wf_layout(a, g);
	Buf b = buf_open(a);
	int w = svg_width(a, &l), h = l.h + 2 * MARGIN;

	buf_fmt(&b,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n"
	    "<title>",
	    w, h, w, h);
	xml_text(&b, ref);
	buf_fmt(&b, "</title>\n%s", svg_head);
	for (size_t i = 0; i < g->n; i++) /* frames before what they hold */
		if (g->tasks[i].kind == WF_PARALLEL)
			svg_box(a, &b, &g->tasks[i], &l.boxes[i]);
	for (size_t i = 0; i < l.routes_n; i++)
		svg_path(&b, &l.routes[i]);
	for (size_t i = 0; i < g->n; i++)
		if (g->tasks[i].kind != WF_PARALLEL)
			svg_box(a, &b, &g->tasks[i], &l.boxes[i]);
	for (size_t i = 0; i < l.routes_n; i++)
		svg_label(a, &b, &l.routes[i]);
	buf_text(&b, "</svg>\n");
	return buf_str(&b);
}

/* ---- values ---- */

static Json
str_or_null(Str s)
{
	return s.n == 0 ? json_null() : json_str(s);
}

static Json
task_json(Arena *a, const WfGraph *g, int no, const WfBox *box)
{
	const WfTask *t = &g->tasks[no];
	Json o = json_object();

	json_add(a, &o, "name", json_str(t->name));
	json_add(a, &o, "type", json_cstr(t->kind == WF_PARALLEL ? "parallel" : "action"));
	json_add(a, &o, "action", str_or_null(t->action));
	json_add(a, &o, "group", t->group == WF_TOP ? json_null() : json_str(g->tasks[t->group].name));
	json_add(a, &o, "layer", json_int(box->layer));
	json_add(a, &o, "order", json_int(box->order));
	json_add(a, &o, "x", json_int(box->x));
	json_add(a, &o, "y", json_int(box->y));
	json_add(a, &o, "width", json_int(box->w));
	json_add(a, &o, "height", json_int(box->h));
	json_add(a, &o, "join", t->join == 0 ? json_null() : json_int(t->join));
	json_add(a, &o, "with_items", json_bool(t->with_items != NULL));
	json_add(a, &o, "note", str_or_null(task_words(a, t)));
	return o;
}

static Json
route_json(Arena *a, const WfGraph *g, const WfRoute *r)
{
	Json o = json_object(), points = json_array(), publish = json_array();

	for (size_t i = 0; i < r->n; i++) {
		Json p = json_array();

		json_push(a, &p, json_int(r->points[i].x));
		json_push(a, &p, json_int(r->points[i].y));
		json_push(a, &points, p);
	}
	for (size_t i = 0; i < r->next->publish_n; i++)
		json_push(a, &publish, json_str(r->next->publish[i].name));
	json_add(a, &o, "from", json_str(g->tasks[r->from].name));
	json_add(a, &o, "to", json_str(g->tasks[r->to].name));
	json_add(a, &o, "when", str_or_null(when_text(a, r->next)));
	json_add(a, &o, "back", json_bool(r->back));
	json_add(a, &o, "publish", publish);
	json_add(a, &o, "points", points);
	return o;
}

Json
wf_draw_json(Arena *a, const WfGraph *g, Str ref)
{
	WfLayout l = wf_layout(a, g);
	Json o = json_object(), tasks = json_array(), routes = json_array();

	for (size_t i = 0; i < g->n; i++)
		json_push(a, &tasks, task_json(a, g, (int)i, &l.boxes[i]));
	for (size_t i = 0; i < l.routes_n; i++)
		json_push(a, &routes, route_json(a, g, &l.routes[i]));
	json_add(a, &o, "ref", json_str(ref));
	json_add(a, &o, "layers", json_int(l.layers));
	json_add(a, &o, "width", json_int(l.w));
	json_add(a, &o, "height", json_int(l.h));
	json_add(a, &o, "tasks", tasks);
	json_add(a, &o, "transitions", routes);
	return o;
}
