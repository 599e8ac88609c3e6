#include "workflow/layout.h"

#include <stdlib.h>

enum {
	CHAR_W = 7,
	BOX_PAD = 24,
	BOX_LEAST = 110,
	BOX_MOST = 340,
	BOX_H = 46,
	LANE_W = 14,
	GAP_X = 36,
	GAP_Y = 64,
	EDGE = 16,     /* between a frame and what it holds */
	TITLE_H = 26,  /* of a frame */
	BACK_GAP = 12, /* between two ways back */
	SWEEPS = 6,
	DEPTH_MOST = 8,
	SPOTS_MOST = 20000, /* of a group: then what leads over layers goes straight */
};

/* A task, or the lane of an arc in a layer between its ends. */
typedef struct Spot {
	int task; /* -1: a lane */
	int layer, order, x, w, h;
	double pull; /* where its neighbours would have it */
} Spot;

typedef struct Link {
	size_t from, to; /* spots in neighbouring layers */
} Link;

typedef struct Group {
	Arena *a;
	const WfGraph *g;
	WfLayout *out;
	int no; /* of the parallel task, or WF_TOP */
	Spot *spots;
	size_t spots_n, spots_cap;
	Link *links;
	size_t links_n, links_cap;
	int layers, w, h;
} Group;

int
wf_text_width(Str s)
{
	int n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0u) != 0x80u;
	return n;
}

static size_t
spot_add(Group *gr, Spot s)
{
	if (gr->spots_n == gr->spots_cap) {
		size_t cap = gr->spots_cap == 0 ? 32 : gr->spots_cap * 2;

		gr->spots = arena_grow(gr->a, gr->spots, gr->spots_cap * sizeof(Spot), cap * sizeof(Spot));
		gr->spots_cap = cap;
	}
	gr->spots[gr->spots_n] = s;
	return gr->spots_n++;
}

static void
link_add(Group *gr, size_t from, size_t to)
{
	if (gr->links_n == gr->links_cap) {
		size_t cap = gr->links_cap == 0 ? 32 : gr->links_cap * 2;

		gr->links = arena_grow(gr->a, gr->links, gr->links_cap * sizeof(Link), cap * sizeof(Link));
		gr->links_cap = cap;
	}
	gr->links[gr->links_n++] = (Link){ from, to };
}

/* ---- layers ---- */

/* The longest way from a beginning, ways back left out. */
static void
layers_find(Group *gr)
{
	const WfGraph *g = gr->g;
	WfBox *boxes = gr->out->boxes;

	for (bool moved = true; moved;) {
		moved = false;
		for (size_t i = 0; i < g->n; i++)
			for (size_t k = 0; g->tasks[i].group == gr->no && k < g->tasks[i].next_n; k++)
				for (size_t m = 0; m < g->tasks[i].next[k].arcs_n; m++) {
					const WfArc *arc = &g->tasks[i].next[k].arcs[m];

					if (arc->back || boxes[arc->task].layer > boxes[i].layer)
						continue;
					boxes[arc->task].layer = boxes[i].layer + 1;
					moved = true;
				}
	}
	for (size_t i = 0; i < g->n; i++)
		if (g->tasks[i].group == gr->no && boxes[i].layer >= gr->layers)
			gr->layers = boxes[i].layer + 1;
}

static int
box_width(const WfTask *t)
{
	int name = wf_text_width(t->name), action = wf_text_width(t->action), w;

	w = (name > action ? name : action) * CHAR_W + BOX_PAD;
	return w < BOX_LEAST ? BOX_LEAST : w > BOX_MOST ? BOX_MOST : w;
}

static void
spots_make(Group *gr, size_t *spot_of)
{
	for (size_t i = 0; i < gr->g->n; i++) {
		const WfTask *t = &gr->g->tasks[i];
		WfBox *b = &gr->out->boxes[i];

		if (t->group != gr->no)
			continue;
		if (t->kind != WF_PARALLEL) {
			b->w = box_width(t);
			b->h = BOX_H;
		}
		spot_of[i] = spot_add(gr, (Spot){ .task = (int)i, .layer = b->layer, .w = b->w, .h = b->h });
	}
}

/* An arc, and the lanes of the layers between. The lanes stand in `points` by number until they have places. */
static void
route_add(Group *gr, const size_t *spot_of, int from, const WfNext *next, const WfArc *arc)
{
	WfLayout *out = gr->out;
	WfRoute *r = &out->routes[out->routes_n++];
	int first = out->boxes[from].layer, last = out->boxes[arc->task].layer;
	size_t at = spot_of[from];

	*r = (WfRoute){ .from = from, .to = arc->task, .next = next, .back = arc->back };
	r->points = arena_array(gr->a, WfPoint, (size_t)(last > first ? last - first : 0) + 4);
	for (int layer = first + 1; !arc->back && layer < last && gr->spots_n < SPOTS_MOST; layer++) {
		size_t lane = spot_add(gr, (Spot){ .task = -1, .layer = layer, .w = LANE_W });

		link_add(gr, at, lane);
		at = lane;
		r->points[r->n++].x = (int)lane;
	}
	if (!arc->back)
		link_add(gr, at, spot_of[arc->task]);
}

static void
routes_make(Group *gr, const size_t *spot_of)
{
	const WfGraph *g = gr->g;

	for (size_t i = 0; i < g->n; i++)
		for (size_t k = 0; g->tasks[i].group == gr->no && k < g->tasks[i].next_n; k++)
			for (size_t m = 0; m < g->tasks[i].next[k].arcs_n; m++)
				route_add(gr, spot_of, (int)i, &g->tasks[i].next[k], &g->tasks[i].next[k].arcs[m]);
}

/* ---- order within a layer ---- */

static int
spot_order(const void *a, const void *b)
{
	const Spot *x = *(Spot *const *)a, *y = *(Spot *const *)b;

	if (x->layer != y->layer)
		return x->layer - y->layer;
	if (x->pull != y->pull)
		return x->pull < y->pull ? -1 : 1;
	return x->order - y->order;
}

static void
order_by_pull(Group *gr, Spot **sorted)
{
	int layer = -1, order = 0;

	qsort(sorted, gr->spots_n, sizeof(Spot *), spot_order);
	for (size_t i = 0; i < gr->spots_n; i++) {
		order = sorted[i]->layer == layer ? order + 1 : 0;
		layer = sorted[i]->layer;
		sorted[i]->order = order;
	}
}

/* Each goes to the middle of those it is linked to, above and below in turn: few lines cross then. */
static void
sweep(Group *gr, bool down, double *sum, int *count)
{
	memset(sum, 0, gr->spots_n * sizeof(double));
	memset(count, 0, gr->spots_n * sizeof(int));
	for (size_t i = 0; i < gr->links_n; i++) {
		size_t moves = down ? gr->links[i].to : gr->links[i].from;
		size_t holds = down ? gr->links[i].from : gr->links[i].to;

		sum[moves] += gr->spots[holds].order;
		count[moves]++;
	}
	for (size_t i = 0; i < gr->spots_n; i++)
		gr->spots[i].pull = count[i] == 0 ? gr->spots[i].order : sum[i] / count[i];
}

static Spot **
order_find(Group *gr)
{
	Spot **sorted = arena_array(gr->a, Spot *, gr->spots_n + 1);
	double *sum = arena_array(gr->a, double, gr->spots_n + 1);
	int *count = arena_array(gr->a, int, gr->spots_n + 1);

	for (size_t i = 0; i < gr->spots_n; i++) {
		sorted[i] = &gr->spots[i];
		gr->spots[i].order = (int)i;
		gr->spots[i].pull = (double)i;
	}
	order_by_pull(gr, sorted);
	for (int i = 0; i < SWEEPS; i++) {
		sweep(gr, i % 2 == 0, sum, count);
		order_by_pull(gr, sorted);
	}
	return sorted;
}

/* ---- places ---- */

static int
layer_width(Spot *const *sorted, size_t from, size_t to)
{
	int w = 0;

	for (size_t i = from; i < to; i++)
		w += sorted[i]->w + (i > from ? GAP_X : 0);
	return w;
}

static size_t
layer_end(const Group *gr, Spot *const *sorted, size_t from)
{
	size_t to = from;

	while (to < gr->spots_n && sorted[to]->layer == sorted[from]->layer)
		to++;
	return to;
}

/* Layer by layer, each in the middle; *ys are their upper edges and *hs their heights. */
static void
places_find(Group *gr, Spot **sorted, int *ys, int *hs)
{
	int y = 0;

	for (size_t from = 0, to; from < gr->spots_n; from = to) {
		int w;

		to = layer_end(gr, sorted, from);
		w = layer_width(sorted, from, to);
		if (w > gr->w)
			gr->w = w;
	}
	for (size_t from = 0, to; from < gr->spots_n; from = to) {
		int layer = sorted[from]->layer, x;

		to = layer_end(gr, sorted, from);
		x = (gr->w - layer_width(sorted, from, to)) / 2;
		ys[layer] = y;
		hs[layer] = 0;
		for (size_t i = from; i < to; i++) {
			sorted[i]->x = x;
			x += sorted[i]->w + GAP_X;
			if (sorted[i]->h > hs[layer])
				hs[layer] = sorted[i]->h;
		}
		y += hs[layer] + GAP_Y;
	}
	gr->h = y - GAP_Y;
}

static void
boxes_place(Group *gr, const int *ys)
{
	for (size_t i = 0; i < gr->spots_n; i++) {
		const Spot *s = &gr->spots[i];

		if (s->task < 0)
			continue;
		gr->out->boxes[s->task].order = s->order;
		gr->out->boxes[s->task].x = s->x;
		gr->out->boxes[s->task].y = ys[s->layer];
	}
}

static void
point_add(WfRoute *r, int x, int y)
{
	r->points[r->n++] = (WfPoint){ x, y };
}

static void
route_forth(const Group *gr, WfRoute *r, const int *ys, const int *hs)
{
	const WfBox *from = &gr->out->boxes[r->from], *to = &gr->out->boxes[r->to];
	size_t lanes = r->n;
	WfPoint *numbers = arena_copy(gr->a, r->points, (lanes + 1) * sizeof(WfPoint));

	r->points = arena_array(gr->a, WfPoint, lanes * 2 + 2);
	r->n = 0;
	point_add(r, from->x + from->w / 2, from->y + from->h);
	for (size_t i = 0; i < lanes; i++) {
		const Spot *s = &gr->spots[numbers[i].x];

		point_add(r, s->x + s->w / 2, ys[s->layer]);
		point_add(r, s->x + s->w / 2, ys[s->layer] + hs[s->layer]);
	}
	point_add(r, to->x + to->w / 2, to->y);
}

/* Out on the right side, up, and in again. */
static void
route_back(Group *gr, WfRoute *r, int *right)
{
	const WfBox *from = &gr->out->boxes[r->from], *to = &gr->out->boxes[r->to];

	*right += BACK_GAP;
	point_add(r, from->x + from->w, from->y + from->h * 2 / 3);
	point_add(r, *right, from->y + from->h * 2 / 3);
	point_add(r, *right, to->y + to->h / 3);
	point_add(r, to->x + to->w, to->y + to->h / 3);
}

/* ---- a group, and what is in it ---- */

static bool
is_within(const WfGraph *g, int task, int group)
{
	int up = g->tasks[task].group;

	for (int depth = 0; up != group && up != WF_TOP && depth < DEPTH_MOST; depth++)
		up = g->tasks[up].group;
	return up == group;
}

/* What a frame holds was placed before the frame was. */
static void
frame_fill(Group *gr, int frame)
{
	const WfBox *b = &gr->out->boxes[frame];

	for (size_t i = 0; i < gr->g->n; i++)
		if (is_within(gr->g, (int)i, frame)) {
			gr->out->boxes[i].x += b->x + EDGE;
			gr->out->boxes[i].y += b->y + TITLE_H;
		}
	for (size_t i = 0; i < gr->out->routes_n; i++) {
		WfRoute *r = &gr->out->routes[i];

		for (size_t k = 0; is_within(gr->g, r->from, frame) && k < r->n; k++) {
			r->points[k].x += b->x + EDGE;
			r->points[k].y += b->y + TITLE_H;
		}
	}
}

static void
group_lay(Arena *a, const WfGraph *g, WfLayout *out, int no, int *ret_layers, WfPoint *ret_size)
{
	Group gr = { .a = a, .g = g, .out = out, .no = no };
	size_t *spot_of = arena_array(a, size_t, g->n + 1), first;
	int *ys, *hs, right;
	Spot **sorted;

	for (size_t i = 0; i < g->n; i++)
		if (g->tasks[i].group == no && g->tasks[i].kind == WF_PARALLEL) {
			WfPoint size;
			int layers;

			group_lay(a, g, out, (int)i, &layers, &size);
			out->boxes[i].w = size.x + 2 * EDGE;
			out->boxes[i].h = size.y + TITLE_H + EDGE;
		}
	first = out->routes_n;
	layers_find(&gr);
	spots_make(&gr, spot_of);
	routes_make(&gr, spot_of);
	ys = arena_array(a, int, (size_t)gr.layers + 1);
	hs = arena_array(a, int, (size_t)gr.layers + 1);
	sorted = order_find(&gr);
	places_find(&gr, sorted, ys, hs);
	boxes_place(&gr, ys);
	right = gr.w;
	for (size_t i = first; i < out->routes_n; i++)
		if (out->routes[i].back)
			route_back(&gr, &out->routes[i], &right);
		else
			route_forth(&gr, &out->routes[i], ys, hs);
	for (size_t i = 0; i < g->n; i++)
		if (g->tasks[i].group == no && g->tasks[i].kind == WF_PARALLEL)
			frame_fill(&gr, (int)i);
	*ret_layers = gr.layers;
	*ret_size = (WfPoint){ right, gr.h };
}

WfLayout
wf_layout(Arena *a, const WfGraph *g)
{
	WfLayout out = { .boxes = arena_array(a, WfBox, g->n + 1) };
	size_t arcs = 0;
	WfPoint size;

	for (size_t i = 0; i < g->n; i++)
		for (size_t k = 0; k < g->tasks[i].next_n; k++)
			arcs += g->tasks[i].next[k].arcs_n;
	out.routes = arena_array(a, WfRoute, arcs + 1);
	group_lay(a, g, &out, WF_TOP, &out.layers, &size);
	out.w = size.x;
	out.h = size.y;
	return out;
}
