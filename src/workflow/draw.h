/*
 * A workflow's definition drawn: as lines for a terminal, as DOT for Graphviz, as SVG that needs no tool, and as values with which
 * somebody else draws it. Pure; everything lies in the arena.
 */
#pragma once

#include "workflow/layout.h"

Str wf_draw_text(Arena *a, const WfGraph *g, Str ref);
Str wf_draw_dot(Arena *a, const WfGraph *g, Str ref);
Str wf_draw_svg(Arena *a, const WfGraph *g, Str ref);
/* {ref, layers, width, height, tasks: [...], transitions: [...]} */
Json wf_draw_json(Arena *a, const WfGraph *g, Str ref);
