/*
 * Handing descriptors to a process that makes our children for us, and taking over the children it has made.
 */
#pragma once

#include "os/spawn.h"

/* Both ends close-on-exec; messages keep their bounds; ours does not block. */
bool handover_pair(int *ret_ours, int *ret_theirs);
/* The message with the descriptors, at once or not at all. */
bool handover_message(int sock, const void *what, size_t size, const int *fds, size_t n);
/* The next message, or the first of its bytes; how many, 0: none came in time, or nobody is there. */
size_t handover_await(int sock, void *ret, size_t size, int patience_ms);

/* A pidfd of that child of ours; -1: it is none. */
int child_adopt(pid_t pid);
void child_drop(pid_t pid);         /* kills and reaps that child of ours */
uint64_t process_memory(pid_t pid); /* resident bytes; 0: unknown */
