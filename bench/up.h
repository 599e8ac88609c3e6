/*
 * `attune up` as a process of its own, as its users have it: started on a directory, asked over HTTP, ended. It leaves its token in
 * BENCH_TOKEN, so that wire_request sends it along.
 */
#pragma once

#include "base/clock.h"

#include <sys/types.h>

typedef struct Up {
	pid_t pid;
	int port, fd; /* a connection to it */
	double ready_ms;
} Up;

Up up_start(const char *attune, const char *dir);
void up_stop(Up *u);
int free_port(void);
double cpu_ms(pid_t pid); /* processor time of all its threads and of children it has waited for */
