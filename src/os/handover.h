/*
 * Handing descriptors to a process that makes our children for us, and taking over the children it has made.
 */
#pragma once

#include "os/spawn.h"

/* Both ends close-on-exec; messages keep their bounds; ours does not block. */
bool handover_pair(int *ret_ours, int *ret_theirs);
/* The text in a file in memory, to be read from its start. */
bool handover_job(Str text, int *ret_fd);
/* The message with the descriptors, at once or not at all. */
bool handover_message(int sock, const void *what, size_t size, const int *fds, size_t n);
bool handover_send(int sock, const int *fds, size_t n); /* one byte that says nothing */
/* The next message, or the first of its bytes; how many, 0: none came in time, or nobody is there. */
size_t handover_await(int sock, void *ret, size_t size, int patience_ms);
/* The process at the other end says its number. False: nothing yet, or (*ret_gone) it is gone without a word. */
bool handover_number(int sock, pid_t *ret, bool *ret_gone);
bool handover_go(int sock); /* false: nobody is there to hear it */

/* A pidfd of that child of ours; -1: it is none. */
int child_adopt(pid_t pid);
void child_drop(pid_t pid);         /* kills and reaps that child of ours */
void child_reap_group(pid_t group); /* children of ours in it that have ended, of which nobody knows */
uint64_t process_memory(pid_t pid); /* resident bytes; 0: unknown */
