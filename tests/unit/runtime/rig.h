/*
 * A worker's world for tests: a folder with one pack, a Starter with real processes, and runs that are waited for by the
 * Starter's own sleep.
 */
#pragma once

#include "runtime/processes.h"

#include "test.h"

typedef struct Rig {
	Arena *a;
	Str dir;
	ProcessesConfig config;
	Starter *starter;
	Id last;
} Rig;

Rig *rig_open(void);
Rig *rig_open_with(void (*change)(ProcessesConfig *config)); /* before the Starter is opened */
void rig_done(Rig **rig);
/* packs/demo/NAME, mode 0755 */
void rig_file(Rig *r, const char *name, const char *text);
Json rig_json(Rig *r, const char *text);
/* A shell action without a file: entry is its code. */
RunSpec rig_spec(Rig *r, const char *runtime, const char *entry);
void rig_start(Rig *r, const RunSpec *spec);
/* The Starter's own waiting for an event; 0: for ever. */
void rig_pause(Rig *r, TimeUs until);
RunEnd rig_wait(Rig *r);
RunEnd rig_run(Rig *r, const RunSpec *spec);
RunEnd rig_shell(Rig *r, const char *code);
/* Waits until something stands in the file of the pack's folder that the run writes when it is ready. */
Str rig_await(Rig *r, const char *name);
Str rig_text(const RunEnd *end, const char *key);
bool rig_has(const RunEnd *end, const char *key);
int64_t rig_int(const RunEnd *end, const char *key);
Str rig_log(Rig *r, const RunEnd *end, const char *name); /* of artifacts; Str{0} when it is not there */
/* Names in a folder that begin so. */
size_t rig_count(const char *path, const char *head);
/* All that a run has told, without what differs between two runs of the same. */
Str rig_comparable(Rig *r, const RunEnd *end);
RunEnd rig_run_loaded_anew(Rig *r, const RunSpec *spec); /* not by a seed */
