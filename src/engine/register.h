/*
 * Packs into the store: what a folder says becomes rows, wholly or not at all. What an operator decided stays: a pack's
 * configuration, and whether a rule, trigger, action or sensor is switched on.
 */
#pragma once

#include "packs/pack.h"
#include "store/db.h"

typedef struct RegisterReport {
	Id pack;
	bool made;                        /* the pack is new */
	size_t created, updated, deleted; /* of its parts and itself; all 0: nothing was written */
	Str *warnings;                    /* one sentence each */
	size_t warning_count;
} RegisterReport;

/* Inside the caller's transaction, which must be rolled back on failure. */
MUST_CHECK bool register_pack(Db *db, Arena *a, const Pack *pack, TimeUs now, RegisterReport *ret, Err *err);

/* Only its workflows and the actions that stand for them; the pack must be there. */
MUST_CHECK bool register_workflows(Db *db, Arena *a, const Pack *pack, TimeUs now, RegisterReport *ret, Err *err);

typedef struct RegisterResult {
	Str folder, ref; /* ref: none when pack.yaml does not say it */
	bool unchanged;  /* as it was when it was last registered: not even looked at */
	Str problem;     /* none: registered */
	bool refused;    /* it was read, and does not fit what is stored */
	RegisterReport report;
	const PackProblem *problems; /* all that was found wrong or odd in its files */
	size_t problem_count;
} RegisterResult;

/*
 * Every folder of base_dir that holds a pack.yaml and is not hidden (".x"), the core pack first, each in a transaction of its own, and
 * once more what does not fit before another pack is there. A pack that does not load leaves its old version in place and is told in its result, for the caller to log. false: the store or
 * base_dir itself failed.
 */
MUST_CHECK bool register_all(Db *db, Arena *a, Str base_dir, TimeUs now, RegisterResult **ret, size_t *ret_n, Err *err);
