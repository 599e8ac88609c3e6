/*
 * A pack that is to be had from elsewhere: found, fetched and verified by an errand, into a folder of the trial.
 */
#pragma once

#include "api/pack_sources.h"
#include "store/pack.h"

typedef struct PackWish {
	PackSources *sources;
	Str source;     /* a URL, or "ref" or "ref@version" of a registry */
	Registry *list; /* NULL: it is a URL */
	size_t n;
	bool verify;      /* what does not match its checksum is refused */
	Str ref, version; /* what it must be; none or empty: anything. Filled in by a registry */
	Str content;      /* the folder, which is there and empty */
	PackSource from;  /* what came of it */
} PackWish;

/* Does the source name something elsewhere? */
bool pack_is_remote(Str source);
/* What can be said before anything is fetched; the registries are read from the store. */
/* ERR_INVALID: it is given, and the source is nothing that has such. */
MUST_CHECK bool pack_ref_spec_check(Str source, Str ref_spec, Err *err);
MUST_CHECK bool pack_wish(App *app, Arena *a, Str source, Str ref_spec, PackWish *ret, Err *err);
MUST_CHECK bool pack_wish_fetch(Arena *a, PackWish *w, const atomic_bool *stopping, Err *err);
/* Is what came what was meant? */
MUST_CHECK bool pack_wish_met(const PackWish *w, Str ref, Str version, Err *err);
