/*
 * The documents of `attune apply`: read from files and folders, checked as far as that goes without a server.
 */
#pragma once

#include "cli/kinds.h"

typedef struct Document {
	const ApplyKind *kind;
	Str ref;
	Json body;        /* without kind and ref */
	const char *file; /* "rules.yaml" */
	unsigned line;    /* where it begins */
	/* what apply.c finds out */
	bool found;   /* it is there */
	Json current; /* then: as it is */
	Json *opened; /* the same with its secrets, once somebody wanted to compare them; NULL: not looked at yet */
	Json request; /* what is sent; empty: nothing is to be changed */
	bool begun;   /* it is sent already, or about to be */
	bool written; /* it is sent already */
} Document;

enum { DOCUMENTS_MAX = 10000 };

/* path: a file, a folder (its .yaml, .yml and .json files, folders in it too) or "-". In the order in which they are made. */
MUST_CHECK bool documents_read(Cli *c, Str path, Document **ret, size_t *ret_count, Err *err);
