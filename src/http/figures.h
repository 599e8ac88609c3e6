/*
 * Figures in the text format of Prometheus: the words it is made of, and those figures that every process with a server of ours has.
 */
#pragma once

#include "http/http.h"

void figure_family(Buf *b, const char *name, const char *type, const char *help);
void figure_single(Buf *b, const char *name, const char *type, const char *help, double value);
void figures_process(Buf *b);                /* version, processor time, memory, descriptors */
void figures_requests(Buf *b, const Req *q); /* what the request's server has answered */
bool res_figures(Res *s, Buf *b);            /* answers with them */
