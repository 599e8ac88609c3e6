/* One question to a program, such as its version: private to runtime. Several may be asked at once. */
#pragma once

#include "os/spawn.h"
#include "runtime/interpreters.h"

typedef struct Probe {
	const char *const *argv;
	Child child;
	int out; /* memory that takes what it prints */
	bool running;
	Err err;    /* why it did not end by itself */
	int code;   /* else: its exit code */
	Str output; /* the beginning of what it printed, as text */
} Probe;

void probe_start(Arena *a, Probe *p, const Interpreters *in, Str binary, const Json *args);
/* Waits until it has ended, or kills it at the monotonic time given. */
void probe_end(Arena *a, Probe *p, TimeUs until);
