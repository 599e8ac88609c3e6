/*
 * What really happened, kept by the simulation and never read by the product: which process ran when, which worker was lost when, what
 * clients were promised.
 */
#pragma once

#include "model/lifecycle.h"
#include "runtime/starter.h"

typedef struct Start {
	Id execution;
	int attempt;
	size_t worker;      /* number of its process in the simulation */
	TimeUs began, ends; /* monotonic; ends moves when it is cancelled or killed */
	RunOutcome outcome;
	bool killed; /* with its worker: nobody heard its outcome */
} Start;

/* A worker that could not report from..to, or was told to stop. */
typedef struct Lost {
	Id worker;
	TimeUs from, to;
} Lost;

/* A sensor that was up, or a rule that ticked. */
typedef struct Span {
	Id what;
	TimeUs anchor; /* wall, of a rule; its interval below, or every which second of a minute it ticks */
	TimeUs interval;
	int64_t cron;
	TimeUs from, to;
} Span;

/* What is known of one execution, by id. */
typedef struct RunNote {
	bool accepted; /* a client was told so */
	bool excused;  /* died between commit and publish of its end */
	int completed; /* messages that announced its end */
	Id worker;     /* of the last claim */
	TimeUs claimed_at, lost_at;
	bool terminal;
	uint64_t end_hash; /* of what may not change any more */
} RunNote;

typedef struct Ledger {
	Start *starts;
	size_t starts_n, starts_cap;
	Lost *lost;
	size_t lost_n, lost_cap;
	Span *sensors, *rules;
	size_t sensors_n, sensors_cap, rules_n, rules_cap;
	RunNote *notes;
	size_t notes_n;
	Id *events; /* accepted */
	size_t events_n, events_cap;
	Id *signals; /* accepted */
	size_t signals_n, signals_cap;
} Ledger;

void ledger_close(Ledger *l);
size_t ledger_start(Ledger *l, Start start); /* its number */
void ledger_lost(Ledger *l, Id worker, TimeUs from, TimeUs to);
size_t ledger_sensor(Ledger *l, Span span);
size_t ledger_rule(Ledger *l, Span span);
void ledger_event(Ledger *l, Id event);
void ledger_signal(Ledger *l, Id event);
RunNote *ledger_note(Ledger *l, Id execution);
