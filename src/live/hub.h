/*
 * What has changed, for those who watch it from this process: one reader of the announcements, which makes a notice of each change
 * and keeps the last of them, numbered. Those who watch read on from the number they have seen, so a slow one holds up nobody and
 * costs no queue. While nobody watches, nothing is read from the database and nothing kept. Any thread may read; told and ended
 * are called on the hub's own.
 */
#pragma once

#include "engine/engine.h"
#include "store/watch_read.h"

typedef struct Hub Hub;

typedef struct Notice {
	uint64_t sequence;
	ChangeKind kind;
	Id id;
	Id user;
	Target target; /* of the row, for rights */
	Str text;      /* {"type":"notification", ...}, one line */
	Str payload;   /* the part of it that describes the row */
} Notice;

/* Whoever wants to hear: fill it in, keep it in place until hub_deaf. */
typedef struct Ear Ear;
struct Ear {
	void (*ended)(void *self, Id execution); /* a run has reached its end; may be NULL */
	void (*told)(
	    void *self, const Notice *notices, size_t n); /* these were added, or (none) some were lost; may be NULL */
	void *self;
	Ear *next;
};

typedef struct HubConfig {
	Engine *engine;
	QueueId queue;
	size_t kept;   /* notices; 0: 16,384 */
	TimeUs linger; /* how long notices are made after the last one who watched; 0: 60 s */
} HubConfig;

MUST_CHECK bool hub_open(const HubConfig *config, Hub **ret, Err *err);
void hub_close(Hub *h);
void hub_hear(Hub *h, Ear *ear);
void hub_deaf(Hub *h, Ear *ear); /* when it returns, the ear is not called any more */

/* From hub_enter to hub_exit notices are made: each who watches calls both. */
void hub_enter(Hub *h);
/* Of these subjects (a bit for each), from the next change on: of others none are made, and nothing is read. What one who watches has
 * wanted is made for all, until the hub falls asleep: so who comes back within that time has missed nothing. */
void hub_want(Hub *h, unsigned subjects);
void hub_exit(Hub *h);

Str hub_series(const Hub *h); /* name of this row of numbers: another process, or another start, has another */
uint64_t hub_head(Hub *h);    /* number of the last notice */

/* The notices behind *at, in order, at most until `upto`, as long as visit is true; *at is then the last that was visited.
 * false: some of what is behind *at is not kept (any more). visit must not call the hub. */
typedef bool HubVisit(void *self, const Notice *n);
bool hub_read(Hub *h, uint64_t *at, uint64_t upto, HubVisit *visit, void *self);
