/*
 * Which system calls an action may make: programs for seccomp, made once and installed in each child, or on a thread whose
 * children all inherit it. Written by hand rather than by libseccomp: two tables and forty lines, with calls that Debian's
 * library does not know yet, and no allocation between fork and exec.
 */
#pragma once

#include "base/attr.h"

#include <stddef.h>
#include <stdint.h>

typedef enum FilterKind {
	FILTER_STANDARD, /* nothing that reaches into other processes, the kernel or other namespaces */
	FILTER_STRICT,   /* and of sockets only streams of TCP, for Landlock to look at */
	FILTERS
} FilterKind;

/* As the kernel's struct sock_fprog, so that it may be handed on as it is, also to a process in another language: that one
 * calls seccomp(1, 0, &filter) after prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0). */
typedef struct Filter {
	uint16_t n;
	const void *code; /* n times 8 bytes */
} Filter;

/* A thread that has such a filter on may call clone3 with these arguments and no others: at this address, with this size. It lies where
 * nobody can guess it, and is gone with exec, so what the thread starts cannot do the same. All zero beyond what the caller sets;
 * between the two calls nobody else has it. */
void *filter_clone_take(size_t *ret_size);
void filter_clone_give(void *args);

/* A filter of its own for a process that makes others on our behalf: it puts a page there, installs the filter, and calls clone3 so. What it
 * makes is to forget the place before it runs anything. */
enum { FILTER_MOST = 512, FILTER_PAGE = 4096 };
typedef struct FilterPass {
	uint64_t at, size;
} FilterPass;
size_t filter_for_server(
    FilterKind kind, FilterPass *ret_pass, uint64_t ret_code[FILTER_MOST]); /* instructions; 0: none here */

/* NULL: this kernel, or a processor that we know no numbers of, has none. Thread-safe; valid for ever. */
const Filter *filter_of(FilterKind kind);
