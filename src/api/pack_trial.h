/*
 * Packs on trial: what takes long before a pack is let in, or because somebody asks, is done by an errand while the request sleeps.
 * A trial has an arena and a private folder of its own, for its request may be gone before it ends. A handler begins with trial_back:
 * it gives the trial that the request has slept for, and none in the first call.
 */
#pragma once

#include "api/pack_work.h"
#include "runtime/pack_tests.h"

/* One pack of a trial. */
typedef struct PackTry {
	Str path;      /* as it was given */
	Str packs_dir; /* {packs_dir}/{ref} is the pack */
	bool in_place; /* it lies where it is used */
	Pack files;
	bool read; /* the files are a pack; else err says why not */
	Err err;
	bool wanted; /* its tests are to be run */
	/* what came of them */
	bool tested;
	Json result;
	TestCounts counts;
	TimeUs began;
} PackTry;

typedef struct PackTrial PackTrial;
struct PackTrial {
	Arena *a;
	Str stage; /* below packs_base_dir: see PACK_INCOMING */
	bool kept; /* the stage is not removed: it holds what belongs elsewhere */
	int lock;  /* says that somebody is at it, see PACK_STAGE_LOCK */
	PackTry *tries;
	size_t n;
	bool force;  /* although it is there already, or its tests fail */
	void *owner; /* the handler's */
	const PackTestsConfig *tests;
	Json python, nodejs;
	bool (*work)(PackTrial *t, const atomic_bool *stopping, Err *err); /* what is being waited for */
	TimeUs limit;                                                      /* of the work, as far as it is known */
	bool quick;                                                        /* it only looks */
};

/* *ret NULL: the handler is called for the first time. *ret_asleep: it is to return true. A trial that failed is closed. */
MUST_CHECK bool trial_back(App *app, Req *q, Res *s, PackTrial **ret, bool *ret_asleep, Err *err);
/* With no tries it has no folder. */
MUST_CHECK bool trial_open(App *app, size_t tries, PackTrial **ret, Err *err);
void trial_close(PackTrial *t); /* NULL is fine */
/* The request falls asleep, and has the trial again when the work is done. On failure the trial is closed. */
MUST_CHECK bool trial_wait(App *app, Req *q, Res *s, PackTrial *t, Err *err);
bool trial_wants(const PackTrial *t); /* there are tests that are to be run */
/* The same as trial_wait, for these. */
MUST_CHECK bool trial_test(App *app, Req *q, Res *s, PackTrial *t, Err *err);
/* May the caller have this pack run, and registered? Asked before anything of it is run. */
MUST_CHECK bool trial_allowed(App *app, Arena *a, const PackTry *try, bool force, Err *err);
/* ERR_INVALID in a sentence when its tests failed and that counts. */
MUST_CHECK bool trial_passed(const PackTry *try, bool force, Err *err);
/* Keeps how a pack that was not let in has fared, for the one of its ref that is there. */
void trial_note(App *app, const PackTry *try);
