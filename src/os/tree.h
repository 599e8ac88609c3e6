/*
 * Finding processes in /proc by their session or by a variable in their environment, and signalling them without the risk of
 * hitting another that got the same number meanwhile (the open /proc folder is the process). Private to os.
 */
#pragma once

#include "base/attr.h"

#include <sys/types.h>

enum { HUNT_SEEN = 1024 };

typedef struct Hunt {
	const pid_t *sessions;
	size_t session_count;
	const char *marker;    /* "NAME=value" or NULL */
	int sig;               /* 0: only count */
	pid_t told;            /* a process group that has it already; 0: none */
	pid_t seen[HUNT_SEEN]; /* signalled in this hunt, so that rounds end when nothing new turns up */
	size_t seen_count;
} Hunt;

/* One walk over /proc; how many living processes matched that were not signalled before. */
size_t hunt_once(Hunt *h);
/* SIGKILL until nothing new is found: a process with SIGKILL pending cannot fork, so this ends. Then
 * waits for them to be gone, up to patience. */
void hunt_down(Hunt *h, int patience_ms);
