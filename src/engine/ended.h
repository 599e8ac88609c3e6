/*
 * The end of runs, whatever ended them: a result, a cancel, a worker that is gone, a refusal at their creation. Each of these calls
 * one of the functions below once, in its own transaction and after the rows have moved. For the moves of src/engine only.
 */
#pragma once

#include "engine/inner.h"

typedef struct RunEnd {
	Id id;
	const ExecMoved *row;
	const Json *result; /* NULL: none */
	TimeUs at;
	bool again; /* another run takes its place: who waits for it goes on waiting */
} RunEnd;

MUST_CHECK bool runs_ended(Uow *u, RunEnd *ends, size_t n, Err *err);
MUST_CHECK bool one_ended(Uow *u, const ExecMoved *row, Id id, const Json *result, TimeUs at, Err *err);
/* Those of the moves that did move, and are terminal now. */
MUST_CHECK bool moves_ended(Uow *u, const ExecMove *moves, const ExecMoved *moved, size_t n, Err *err);
