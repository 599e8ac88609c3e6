/*
 * Runs in cgroups of version 2: one folder per worker below the cgroup that the worker itself was started in (or below the one that it is
 * told), in it one per run. What is in a group can be ended exactly, whatever it did to hide; where the system has delegated them, memory and
 * processes are counted too. Groups of runs that ended by themselves are used again. One thread, but groups_sweep.
 */
#pragma once

#include "base/err.h"

#include <sys/types.h>

typedef struct Groups Groups;
typedef struct Group Group;

typedef struct GroupLimits {
	uint64_t memory;    /* bytes; 0: none */
	uint64_t processes; /* 0: none */
} GroupLimits;

/* parent: the folder to work in; NULL: our own cgroup. name: of the worker, a plain file name. helper: a process of ours that has to move
 * with us when controllers are to be had; 0: none. Whatever dead workers of this name left is removed. On an error nothing is changed, and
 * err says why runs get no groups here. */
MUST_CHECK bool groups_open(const char *parent, const char *name, pid_t helper, Groups **ret, Err *err);
void groups_close(Groups *g); /* kills what is in them; NULL is fine */
const char *groups_path(const Groups *g);
bool groups_count_memory(const Groups *g);
bool groups_count_processes(const Groups *g);

MUST_CHECK bool group_take(Groups *g, const GroupLimits *limits, Group **ret, Err *err);
bool group_give(Groups *g, Group *one); /* killed first when something is still in it; false: that does not end */
int group_folder(const Group *one);     /* for SpawnSpec.group */
void group_signal(Group *one, int sig); /* SIGKILL: all at once, none can get away */
bool group_empty(const Group *one);
bool group_await_empty(const Group *one, int patience_ms);
/* How many processes there are; and, when ret_memory is given, how many bytes of their own they hold together, as far as can be counted. */
size_t group_use(Group *one, uint64_t *ret_memory);
bool group_out_of_memory(const Group *one); /* the kernel has killed in it for its memory limit */

/* For whoever comes after a worker that is gone: kills all in this folder and removes it. */
void groups_sweep(const char *path);
