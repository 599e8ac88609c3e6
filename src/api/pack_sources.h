/*
 * Where packs come from: registries, which are read by an errand and remembered for a while, and archives elsewhere. What may be
 * reached is said by pack_registry in the configuration: the public internet over TLS, and hosts that are named there.
 */
#pragma once

#include "api/app.h"

#include <stdatomic.h>

typedef struct PackSources PackSources; /* of the process; any thread */

PackSources *pack_sources_open(const Config *config);
void pack_sources_close(PackSources *s);

/* A registry, with what is sent along when it is read. */
typedef struct Registry {
	Id id; /* 0: of the configuration */
	Str name, url;
	int64_t position;
	bool enabled;
	Json headers; /* an object of texts */
	bool locked;  /* they cannot be opened any more: it is shown, and not asked */
	TimeUs created, updated;
} Registry;

typedef struct HeadersChange {
	const Json *given;   /* an object: in their place, where stars keep a value; else they stay */
	Str url_before, url; /* none before: it is a new one */
	bool locked;         /* those before cannot be opened */
} HeadersChange;

/* *headers: those before, and those after. ERR_VALIDATION also where what was said for one host would be sent to another. */
MUST_CHECK bool registry_headers_change(Arena *a, const HeadersChange *c, Json *headers, Err *err);

/* In the order in which they are asked. ERR_UNSUPPORTED: registries are switched off. */
MUST_CHECK bool registries_list(App *app, Arena *a, Registry **ret, size_t *ret_n, Err *err);
/* For an errand: those that are enabled, as a list of {"pack", "registry"}. One that cannot be read is left out and logged; ERR_AWAY when
 * none can. */
MUST_CHECK bool registries_read(PackSources *s, Arena *a, const Registry *list, size_t n, bool all, Json *ret,
    const atomic_bool *stopping, Err *err);
/* For an errand: an archive's bytes. */
MUST_CHECK bool pack_archive_fetch(PackSources *s, Arena *a, Str url, Str *ret, const atomic_bool *stopping, Err *err);
/* May packs or indices be fetched from there? Said before anything is done. */
MUST_CHECK bool pack_url_check(const Config *c, Str url, bool files, Err *err);
/* Do both lead to the same host, port and scheme? */
bool pack_url_same_place(Str one, Str other);
/* Where a redirect leads: absolute, or a path of the same host; none: to what is not followed. */
Str pack_url_redirect(Arena *a, Str url, Str location);
TimeUs pack_fetch_limit(const Config *c);
