/*
 * Registering a pack's files, shared by all routes that bring one: from a folder of the server, an archive, an upload.
 */
#pragma once

#include "api/resource.h"
#include "packs/pack.h"
#include "store/pack.h"

#define PACK_INCOMING ".incoming" /* below packs_base_dir: folders of installs, which are no packs */
#define PACK_STAGE_LOCK "lock"    /* in each of them: locked as long as its install lives */

typedef struct PackRegistration {
	Arena *a;
	const Pack *files;
	bool force;                   /* although it is there already; else ERR_CONFLICT */
	PackDef d;                    /* what became of it */
	Json warnings;                /* what may be wrong with its files: "file:line:column: text" each, an array */
	const struct PackTry *tested; /* how its tests went is stored with it; NULL: they were not run */
	const PackSource *source;     /* NULL: nothing is known of it */
	/* Done last in the transaction, which it undoes by failing; may be NULL. */
	bool (*last)(App *app, void *self, Err *err);
	void *self;
} PackRegistration;

/* With its warnings, if there are any. */
void pack_warnings_add(Arena *a, Json *o, const PackRegistration *w);
/* Of type Work. */
MUST_CHECK bool pack_register_work(App *app, void *self, Err *err);
/* Where workers look for the files of a pack. */
Str pack_folder(App *app, Arena *a, Str ref);
/* What the folder says, which must be the one where workers look for it. */
MUST_CHECK bool pack_folder_load(App *app, Arena *a, Str path, Pack *ret, Err *err);
/* Removes the folders of installs that are an hour old and whose process is gone, and puts a pack back that one of them had moved away. */
void pack_leftovers(App *app, Arena *a);
/* Of the packs that it needs, each is there in a version that fits. ERR_INVALID says which are not. */
MUST_CHECK bool pack_needs_met(App *app, Arena *a, const PackDef *d, Err *err);
