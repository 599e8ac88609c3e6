/*
 * How much goes through, with everything on the same machine: this program asks, the roles work.
 *   bench_load embedded|distributed DIR ATTUNE [WHAT]      WHAT: noop, shell, chain, single, events, create; all when not given
 */
#include "report.h"
#include "rig.h"

#include "store/pack.h"
#include "store/rule.h"
#include "store/trigger.h"

#include <stdio.h>
#include <time.h>

enum {
	BATCH = 256,
	NOOPS = 30000,
	SHELLS = 1500,
	CHAINS = 20000,
	SINGLES = 5000,
	SINGLE_EVERY_US = 1000,
	RULES = 10000,
	EVENTS = 50000,
	CREATES = 10000,
};

typedef struct Load {
	const char *world;
	RigConfig config;
	Rig *r;
	int64_t asked; /* so far */
} Load;

static void
say(const Load *l, const char *what, double value)
{
	char name[96];

	snprintf(name, sizeof(name), "%s_%s", l->world, what);
	figure(name, value);
}

/* Embedded every end is heard in this process; else the rows are looked at. */
static void
wait_all(Load *l)
{
	if (l->config.embedded)
		rig_hear(l->r, l->asked);
	else
		rig_settle(l->r, l->asked);
}

static void
rate(Load *l, const char *what, size_t n, TimeUs began)
{
	TimeUs asked = mono_us();
	char name[64];

	wait_all(l);
	say(l, what, (double)n * US_PER_S / (double)(mono_us() - began));
	snprintf(name, sizeof(name), "%s_asked_share", what);
	say(l, name, (double)(asked - began) / (double)(mono_us() - began));
}

static void
executions(Load *l, const char *what, const char *action, size_t n)
{
	TimeUs began = mono_us();

	for (size_t i = 0; i < n; i += BATCH) {
		size_t some = n - i < BATCH ? n - i : BATCH;

		rig_execute(l->r, action, some);
		l->asked += (int64_t)some;
	}
	rate(l, what, n, began);
}

static void
noop(Load *l)
{
	rig_peak_kb(l->r); /* from here */
	executions(l, "noop_per_s", "core.noop", NOOPS);
	say(l, "noop_peak_mb", rig_peak_kb(l->r) / 1024);
}

static void
shell(Load *l)
{
	executions(l, "shell_per_s", "core.echo", SHELLS);
}

static void
chain(Load *l)
{
	TimeUs began;

	rig_rule(l->r, "core.noop");
	began = mono_us();
	for (size_t i = 0; i < CHAINS; i += BATCH) {
		size_t some = CHAINS - i < BATCH ? CHAINS - i : BATCH;

		rig_events(l->r, some, (int64_t)i);
		l->asked += (int64_t)some;
	}
	rate(l, "chain_per_s", CHAINS, began);
}

/* At a steady pace, whatever the answers do; each its own transaction. A request that could not be sent in time counts from when it
 * should have been. */
static void
single(Load *l)
{
	static TimeUs due[SINGLES];
	Samples s = { 0 };
	TimeUs from = clock_wall(clock_real()) + 10 * US_PER_MS;
	Id first = 0;

	if (!l->config.embedded)
		return;
	for (size_t i = 0; i < SINGLES; i++) {
		TimeUs wait;
		Id id;

		due[i] = from + (TimeUs)i * SINGLE_EVERY_US;
		wait = due[i] - clock_wall(clock_real());
		if (wait > 0)
			nanosleep(&(struct timespec){ .tv_nsec = wait * 1000 }, NULL);
		id = rig_execute(l->r, "core.noop", 1);
		first = i == 0 ? id : first;
		must(id == first + (Id)i, NULL, "ids without gaps");
	}
	l->asked += SINGLES;
	wait_all(l);
	for (size_t i = 0; i < SINGLES; i++)
		samples_add(&s, (double)(l->r->seen[(first + (Id)i) % RIG_SEEN] - due[i]) / US_PER_MS);
	figures("embedded_single_1000_ms", &s);
	samples_done(&s);
}

/* ---- without any role ---- */

static void
rules_put(Rig *r)
{
	Uow *u = r->u;
	Err err = { 0 };
	PackDef pack;
	TriggerDef trigger;
	DefPut put;

	rig_rule(r, "core.noop"); /* makes the trigger */
	must(uow_begin(u, &err), &err, "begin");
	must(pack_get_ref(u->db, u->arena, str_of("core"), &pack, &err), &err, "core pack");
	must(trigger_get_ref(u->db, u->arena, str_of("core.bench"), &trigger, &err), &err, "trigger");
	for (int i = 0; i < RULES - 1; i++) {
		RuleDef rule = { .ref = str_fmt(u->arena, "core.bench_%d", i),
			.pack_ref = str_of("core"),
			.label = str_of("Bench"),
			.enabled = true,
			.is_adhoc = true,
			.trigger = trigger.id,
			.trigger_ref = trigger.ref,
			.pack = pack.id,
			.action_ref = str_of("core.noop"),
			.conditions = json_array() };
		Json test = json_object();

		json_add(u->arena, &test, "field", json_cstr("number"));
		json_add(u->arena, &test, "operator", json_cstr("equals"));
		json_add(u->arena, &test, "value", json_int(-1 - i));
		json_push(u->arena, &rule.conditions, test);
		must(rule_put(u->db, u->arena, &rule, u->now, &put, &err), &err, "rule");
	}
	must(uow_commit(u, &points_create, &err), &err, "commit");
}

static void
events(Load *l)
{
	TimeUs began;

	rules_put(l->r);
	rig_events(l->r, 1, 1); /* reads the rules */
	began = mono_us();
	for (size_t i = 0; i < EVENTS; i += BATCH)
		rig_events(l->r, BATCH, (int64_t)i);
	say(l, "events_10000_rules_per_s", EVENTS * (double)US_PER_S / (double)(mono_us() - began));
}

static void
create(Load *l)
{
	TimeUs began = mono_us();

	for (size_t i = 0; i < CREATES; i += BATCH)
		rig_execute(l->r, "core.noop", BATCH);
	say(l, "create_per_s", CREATES * (double)US_PER_S / (double)(mono_us() - began));
}

/* ---- */

typedef struct Part {
	const char *name;
	bool alone; /* without roles, in a world of its own */
	void (*run)(Load *l);
} Part;

static const Part parts[] = {
	{ "noop", false, noop },
	{ "shell", false, shell },
	{ "single", false, single },
	{ "chain", false, chain },
	{ "create", true, create },
	{ "events", true, events },
};

static void
parts_run(Load *l, bool alone, const char *only)
{
	const unsigned roles = 1u << ROLE_EXECUTOR | 1u << ROLE_WORKER;
	char dir[512];

	snprintf(dir, sizeof(dir), "%s/%s", l->config.dir, alone ? "alone" : "roles");
	l->config.dir = dir;
	l->config.roles = alone ? 0 : roles;
	l->asked = 0;
	l->r = rig_open(&l->config);
	if (!alone) {
		say(l, "worker_slots", (double)config_int(l->r->h.config, "worker.max_concurrent_tasks"));
		rig_execute(l->r, "core.noop", 1); /* when it has ended, everybody is there */
		l->asked = 1;
		wait_all(l);
	}
	for (size_t i = 0; i < countof(parts); i++)
		if (parts[i].alone == alone && (only == NULL || strcmp(only, parts[i].name) == 0))
			parts[i].run(l);
	must(alone || rig_count(l->r, EXEC_COMPLETED) == l->asked, NULL, "not every run was completed");
	rig_close(l->r);
}

int
main(int argc, char **argv)
{
	Load l = { 0 };
	const char *only = argc > 4 ? argv[4] : NULL;

	must(argc >= 4, NULL, "usage: bench_load embedded|distributed DIR ATTUNE [WHAT]");
	l.world = argv[1];
	l.config = (RigConfig){ .embedded = strcmp(argv[1], "embedded") == 0, .dir = argv[2], .attune = argv[3] };
	for (int alone = 0; alone < 2; alone++) {
		Load own = l;

		for (size_t i = 0; i < countof(parts); i++) {
			if ((parts[i].alone ? 1 : 0) != alone || (only != NULL && strcmp(only, parts[i].name) != 0))
				continue;
			parts_run(&own, alone == 1, only);
			break;
		}
	}
	return 0;
}
