/* One request of outward.h as a handle of libcurl: private to http. */
#pragma once

#include "http/outward.h"

/* The handle, new or used before, is told what the call wants. */
void call_prepare(Call *c, void *handle);
/* It ended with this CURLcode: what there is to know is noted in the call. */
void call_finish(Call *c, int code);
