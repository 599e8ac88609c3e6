/*
 * Libraries that are loaded when they are first needed: most processes need few of those that Attune can use, and the loading of all
 * of them, with the fifty they bring along, takes longer than a short command. A library is a file of its own, which lists the
 * functions that are called of it:
 *
 *	#define FUNCTIONS(_) _(PQclear) _(PQexec) ...
 *	LATE_LIBRARY(libpq, "libpq.so.5", "libpq5", FUNCTIONS)
 *
 * Each gets a door in our binary, one jump under the function's own name, so that callers and the library's header stay what they are;
 * a function that is called and not listed does not link. Whoever opens something of the library calls late_load first.
 */
#pragma once

#include "base/err.h"

#include <stdatomic.h>

typedef void LateFunction(void);

typedef struct LateDoor {
	const char *name;
	LateFunction **to;
} LateDoor;

typedef struct LateLibrary {
	const char *file, *package; /* "libpq.so.5", and Debian's package that has it */
	const LateDoor *doors;
	size_t doors_n;
	atomic_bool loaded;
	void *handle; /* when it is */
} LateLibrary;

/* Any thread, any number of times; what is loaded stays. */
MUST_CHECK bool late_load(LateLibrary *l, Err *err);

/* Of a library that is loaded, past what stands before it in our binary; NULL when it has none of that name. */
LateFunction *late_function(const LateLibrary *l, const char *name);

void late_unloaded(void); /* where doors lead before: says so, and aborts */

#if defined(__x86_64__)
#define LATE_JUMP(name) "endbr64\n\tjmp *late_" name "(%rip)\n"
#elif defined(__aarch64__)
#define LATE_JUMP(name) "hint #34\n\tadrp x16, late_" name "\n\tldr x16, [x16, :lo12:late_" name "]\n\tbr x16\n"
#else
#error "say here how this processor jumps to where a variable points"
#endif

#define LATE_DOOR(f) \
	LateFunction *late_##f = late_unloaded; \
	__asm__(".pushsection .text\n\t.globl " #f "\n\t.hidden " #f "\n\t.type " #f ", %function\n" #f \
		":\n\t" LATE_JUMP(#f) "\t.size " #f ", . - " #f "\n\t.popsection");
#define LATE_ROW(f) { #f, &late_##f },
#define LATE_LIBRARY(name, file, package, FUNCTIONS) \
	FUNCTIONS(LATE_DOOR) \
	static const LateDoor name##_doors[] = { FUNCTIONS(LATE_ROW) }; \
	LateLibrary name = { file, package, name##_doors, sizeof(name##_doors) / sizeof(LateDoor), false, NULL };
