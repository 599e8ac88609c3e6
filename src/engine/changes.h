/*
 * What a transaction has changed that people may be watching: collected by its unit of work, announced after the commit in a few
 * messages, each with many ids. Where nobody listens nothing is collected. Belongs to a Uow and its thread.
 */
#pragma once

#include "model/changes.h"
#include "store/execution.h"

typedef struct Uow Uow;

/* Changes of one kind, one after the other. */
typedef struct ChangeGroup {
	ChangeKind kind;
	const char *status, *previous; /* constants; NULL: none */
	Id *ids;
	size_t n, cap;
} ChangeGroup;

typedef struct Changes {
	ChangeGroup *groups;
	size_t n, cap;
} Changes;

bool changes_wanted(const Uow *u); /* somebody may be listening */
void change_add(Uow *u, ChangeKind kind, Id id, const char *status, const char *previous);
/* execution_move, and what moved is announced: the engine moves executions by this alone. */
MUST_CHECK bool move_runs(Uow *u, ExecEvent ev, const ExecMove *moves, size_t n, Str by, ExecMoved *ret, Err *err);
/* From the unit of work to its outbox, in order. */
void changes_publish(Uow *u);
