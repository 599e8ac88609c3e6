/*
 * What an action may reach: `standard`, `strict` or `off`, put together for each run from what the machine gives (os/walls.h,
 * os/filter.h). One per worker, made at its start; one thread.
 */
#pragma once

#include "base/json.h"
#include "os/spawn.h"

typedef enum SandboxKind { SANDBOX_OFF, SANDBOX_STANDARD, SANDBOX_STRICT, SANDBOXES } SandboxKind;
extern const char *const sandbox_names[SANDBOXES + 1]; /* ends with NULL */

typedef struct SandboxConfig {
	SandboxKind usual, least; /* of actions that say nothing; what none may go below */
	const Json *read;         /* an array of more paths that actions may read; NULL: none */
	const Json *programs;     /* an object whose values are programs that they run; NULL: none */
	Str api_url;              /* whose port `strict` leaves open */
	Str run_base;             /* the folder of the private folders */
	const Str *hidden;        /* paths that are never readable, whatever lies above them */
	size_t hidden_count;
} SandboxConfig;

typedef struct Sandbox Sandbox;

Sandbox *sandbox_open(const SandboxConfig *config);
void sandbox_close(Sandbox *s); /* after the last child has ended */

/* asked: a name, or none. ERR_INVALID: no such name. */
MUST_CHECK bool sandbox_asked(const Sandbox *s, Str asked, SandboxKind *ret, Err *err);
/* The same, and ERR_FORBIDDEN: this machine cannot give `strict`. */
MUST_CHECK bool sandbox_kind(const Sandbox *s, Str asked, SandboxKind *ret, Err *err);
/* Whether runs of this kind get walls here: without them a run that may can leave its group. */
bool sandbox_encloses(SandboxKind kind);
/* The walls of one run: the system, what is given in `readable` (paths that are not there are skipped), and `own`. For a child to
 * enter (confine_self, or by itself as confine.h says); the caller closes ret->ruleset (-1: there is none). */
enum { SANDBOX_READABLE = 4, SANDBOX_PLACES = SANDBOX_READABLE + 2 };
typedef struct SandboxPlaces {
	const char *readable[SANDBOX_READABLE]; /* NULL: skipped */
	const char *own;
	const char *files; /* that it may leave behind; NULL: nowhere */
} SandboxPlaces;
MUST_CHECK bool sandbox_walls(Sandbox *s, SandboxKind kind, const SandboxPlaces *places, Confine *ret, Err *err);

/* Walls that are kept: rules are about the folders that are there, so as long as those are the same ones, they need not be made again. */
typedef struct Walled {
	int ruleset; /* -1: none; whoever has this closes it */
	SandboxKind kind;
	unsigned looked;
	struct {
		uint64_t device, inode;
	} is[SANDBOX_PLACES];
} Walled;
/* The same, but ret->ruleset is kept->ruleset, and not the caller's to close. */
MUST_CHECK bool sandbox_walls_keep(
    Sandbox *s, SandboxKind kind, const SandboxPlaces *places, Walled *kept, Confine *ret, Err *err);
/* Starts it within the walls of its spec->confine, by the cheapest way. */
MUST_CHECK bool sandbox_spawn(Sandbox *s, SandboxKind kind, SpawnSpec *spec, Child *ret, Err *err);

/* A server whose children enter the walls by themselves: it has no more privileges than they will, but is not within the walls. */
MUST_CHECK bool sandbox_spawn_server(Sandbox *s, SandboxKind kind, SpawnSpec *spec, Child *ret, Err *err);

/* What this machine gives, in words for people; none: all of it. */
Str sandbox_missing(Arena *a);
/* Why `strict` cannot be given; none: it can. */
Str sandbox_strict_missing(Arena *a);
