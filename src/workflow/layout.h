/*
 * Where the tasks of a workflow stand when it is drawn: in layers, each below those that lead to it; what leads over several layers
 * keeps a lane of its own, and ways back run along the right side. A parallel task is a frame around its own tasks. Pure.
 */
#pragma once

#include "workflow/graph.h"

typedef struct WfBox {
	int layer;      /* within its group, from 0 */
	int order;      /* within its layer, from 0 */
	int x, y, w, h; /* of the whole picture, in its units */
} WfBox;

typedef struct WfPoint {
	int x, y;
} WfPoint;

/* One arc: from the lower edge of a box, through a lane in each layer between, to the upper edge of another. */
typedef struct WfRoute {
	int from, to;
	const WfNext *next;
	bool back;
	WfPoint *points;
	size_t n;
} WfRoute;

typedef struct WfLayout {
	WfBox *boxes; /* by task */
	WfRoute *routes;
	size_t routes_n;
	int layers; /* of the outermost tasks */
	int w, h;
} WfLayout;

WfLayout wf_layout(Arena *a, const WfGraph *g);
/* Characters, not bytes: about how wide a text is. */
int wf_text_width(Str s);
