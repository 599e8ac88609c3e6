/*
 * Timers in a whole program: how late the events of a thousand timers are stored that are due in the same second, and what a hundred
 * thousand timers cost that wait.
 *   bench_ticks DIR ATTUNE
 */
#include "api/rule_messages.h"
#include "report.h"
#include "rig.h"

#include "store/pack.h"
#include "store/rule.h"
#include "store/trigger.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { TOGETHER = 1000, ROUNDS = 3, MANY = 100000, SOME = 1000, IDLE_S = 5, AHEAD_S = 3 };

typedef struct Late {
	Rig *r;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	TimeUs due;
	Samples ms;
} Late;

/* After the commit of the events: each has one enforcement. */
static void
on_moved(void *self, const Outbox *out)
{
	Late *l = self;
	TimeUs now = clock_wall(clock_real());

	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < out->n; i++)
		if (out->msgs[i].kind == MSG_ENFORCEMENT_CREATED)
			samples_add(&l->ms, (double)(now - l->due) / US_PER_MS);
	pthread_cond_signal(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

typedef struct Made {
	PackDef pack;
	TriggerDef trigger;
	const char *trigger_ref, *param;
	Json value;
	int from, n;
	bool enabled;
} Made;

static void
rules_put(Rig *r, Made *m)
{
	Uow *u = r->u;
	Err err = { 0 };
	RuleDef rule = { 0 };
	DefPut put;

	must(uow_begin(u, &err), &err, "begin");
	must(pack_get_ref(u->db, u->arena, str_of("core"), &m->pack, &err), &err, "core pack");
	must(trigger_get_ref(u->db, u->arena, str_of(m->trigger_ref), &m->trigger, &err), &err, "trigger");
	for (int i = m->from; i < m->from + m->n; i++) {
		rule = (RuleDef){ .ref = str_fmt(u->arena, "core.bench_%d", i),
			.pack_ref = str_of("core"),
			.pack = m->pack.id,
			.label = str_of("Bench"),
			.enabled = m->enabled,
			.is_adhoc = true,
			.trigger = m->trigger.id,
			.trigger_ref = m->trigger.ref,
			.action_ref = str_of("core.noop"),
			.action_params = json_object(),
			.trigger_params = json_object() };

		json_add(u->arena, &rule.trigger_params, m->param, m->value);
		must(rule_put(u->db, u->arena, &rule, u->now, &put, &err), &err, "rule");
	}
	must(rule_resolve(u->db, u->arena, u->now, &err), &err, "rules");
	out_rule(u, MSG_RULE_CREATED, &rule); /* told of one, the sensor looks at all that have changed */
	must(uow_commit(u, &points_create, &err), &err, "commit");
}

/* ---- many at once ---- */

static void
together(Late *l)
{
	time_t at = time(NULL) + AHEAD_S;
	struct timespec until = { .tv_sec = at + 30 };
	struct tm utc;
	char cron[64];
	Made m = { .trigger_ref = "core.crontimer", .param = "expression", .n = TOGETHER, .enabled = true };
	size_t want = l->ms.n + TOGETHER;

	gmtime_r(&at, &utc);
	snprintf(cron, sizeof(cron), "%d %d %d * * *", utc.tm_sec, utc.tm_min, utc.tm_hour);
	m.value = json_cstr(cron);
	l->due = (TimeUs)at * US_PER_S;
	rules_put(l->r, &m);
	pthread_mutex_lock(&l->lock);
	while (l->ms.n < want)
		must(pthread_cond_timedwait(&l->changed, &l->lock, &until) == 0, NULL, "the ticks did not come");
	pthread_mutex_unlock(&l->lock);
}

static void
late(Rig *r)
{
	Late l = { .r = r };

	pthread_mutex_init(&l.lock, NULL);
	pthread_cond_init(&l.changed, NULL);
	r->also_self = &l; /* no role has anything to tell yet */
	r->also = on_moved;
	for (int i = 0; i < ROUNDS; i++)
		together(&l);
	figures("ticks_late_ms", &l.ms);
	figure("ticks_late_ms_max", samples_at(&l.ms, 1));
	r->also = NULL;
	samples_done(&l.ms);
}

/* ---- many that wait ---- */

static double
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * US_PER_S + (double)t.tv_nsec / 1000;
}

static void
waiting(Rig *r)
{
	double before = 0, now;

	for (int i = 0; i < MANY; i += SOME) {
		Made m = { .trigger_ref = "core.intervaltimer",
			.param = "interval",
			.value = json_int(86400 + i),
			.from = TOGETHER + i,
			.n = SOME,
			.enabled = true };

		rules_put(r, &m);
	}
	/* until it has read them all */
	for (now = cpu_us(); now - before > 0.2 * US_PER_S; now = cpu_us()) {
		before = now;
		sleep(1);
	}
	before = cpu_us();
	sleep(IDLE_S);
	figure("timers_idle_cpu_percent", (cpu_us() - before) * 100 / (IDLE_S * (double)US_PER_S));
}

int
main(int argc, char **argv)
{
	RigConfig config = { .embedded = true, .roles = 1u << ROLE_SENSOR };
	Rig *r;

	must(argc == 3, NULL, "usage: bench_ticks DIR ATTUNE");
	config.dir = argv[1];
	config.attune = argv[2];
	r = rig_open(&config);
	late(r);
	waiting(r);
	rig_close(r);
	return 0;
}
