#include "rig.h"

#include "ear.h"
#include "engine/moves.h"
#include "os/guardian.h"
#include "os/signals.h"
#include "report.h"
#include "store/execution_read.h"
#include "store/pack.h"
#include "store/rule.h"
#include "store/trigger.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_S = 30 };

/* ---- hearing ---- */

static void
end_note(Rig *r, Id id, TimeUs now)
{
	r->seen[id % RIG_SEEN] = now;
	r->last = now;
	r->ended++;
}

/* Host's own answer to a commit first, then ours. */
static void
on_moved(void *self, const Outbox *out)
{
	Rig *r = self;
	TimeUs now = clock_wall(clock_real());
	bool any = false;

	r->moved(&r->h, out);
	if (r->also != NULL)
		r->also(r->also_self, out);
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < out->n; i++) {
		if (out->msgs[i].kind != MSG_EXECUTION_COMPLETED)
			continue;
		end_note(r, out->msgs[i].item.id, now);
		any = true;
	}
	if (any)
		pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

int64_t
rig_count(Rig *r, ExecState status)
{
	int64_t counts[EXEC_STATES];
	Err err = { 0 };

	must(execution_counts(r->u->db, r->u->arena, counts, &err), &err, "count executions");
	return counts[status];
}

/* What stands in the rows when nothing is heard any more: whether work is stuck, or only its end was missed. */
static void
say_stuck(Rig *r, int64_t heard, int64_t wanted)
{
	fprintf(stderr, "bench: heard the end of %lld of %lld;", (long long)heard, (long long)wanted);
	for (ExecState s = EXEC_REQUESTED; s < EXEC_STATES; s++)
		fprintf(stderr, " %s %lld", exec_state_name(s), (long long)rig_count(r, s));
	fputc('\n', stderr);
}

static void
hear_here(Rig *r, int64_t ended)
{
	struct timespec until = { .tv_sec = clock_wall(clock_real()) / US_PER_S + PATIENCE_S };
	bool late = false;

	pthread_mutex_lock(&r->lock);
	while (r->ended < ended && !late)
		late = pthread_cond_timedwait(&r->changed, &r->lock, &until) != 0;
	pthread_mutex_unlock(&r->lock);
	if (r->ended >= ended)
		return;
	say_stuck(r, r->ended, ended);
	must(false, NULL, "not everything ended in time");
}

static void
hear_afar(Rig *r, int64_t ended)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	while (r->ended < ended) {
		MsgItem *items;
		size_t n = ear_take(r->ear, a, &items);
		TimeUs now = clock_wall(clock_real());

		for (size_t i = 0; i < n; i++)
			end_note(r, items[i].id, now);
	}
}

void
rig_hear(Rig *r, int64_t ended)
{
	if (r->config.embedded)
		hear_here(r, ended);
	else
		hear_afar(r, ended);
}

/* Looks at the few live rows often, and counts all only when there are none. */
void
rig_settle(Rig *r, int64_t completed)
{
	TimeUs until = mono_us() + PATIENCE_S * (TimeUs)US_PER_S;
	Err err = { 0 };

	for (;;) {
		bool live;

		must(uow_begin(r->u, &err), &err, "begin");
		must(execution_any_live(r->u->db, r->u->arena, &live, &err), &err, "look at executions");
		uow_abort(r->u);
		if (!live && rig_count(r, EXEC_COMPLETED) >= completed)
			return;
		must(mono_us() < until, NULL, "not everything was completed in time");
		usleep(5 * US_PER_MS);
	}
}

/* ---- processes ---- */

static void
role_launch(Rig *r, Role role)
{
	char name[64];
	pid_t pid;

	snprintf(name, sizeof(name), "bench-%s", role_names[role]);
	pid = fork();
	must(pid >= 0, NULL, "fork");
	if (pid == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(r->config.attune, r->config.attune, role_names[role], "--name", name, "--log-level", "warn",
		    (char *)NULL);
		perror(r->config.attune);
		_exit(127);
	}
	r->pids[r->pid_count++] = pid;
}

static void
roles_start(Rig *r)
{
	Err err = { 0 };

	if (r->config.embedded) {
		must(host_roles(&r->h, &err), &err, "start the roles");
		return;
	}
	for (Role role = 0; role < ROLES; role++)
		if ((r->config.roles & 1u << role) != 0)
			role_launch(r, role);
}

static void
roles_end(Rig *r)
{
	for (size_t i = 0; i < r->pid_count; i++)
		kill(r->pids[i], SIGTERM);
	for (size_t i = 0; i < r->pid_count; i++) {
		int status = 0;

		must(waitpid(r->pids[i], &status, 0) == r->pids[i], NULL, "wait for a role");
		must(status == 0, NULL, "a role did not end well");
	}
}

static double
status_kb(const char *path, const char *key)
{
	char line[256];
	double kb = 0;
	FILE *f = fopen(path, "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			kb = atof(line + strlen(key));
	if (f != NULL)
		fclose(f);
	return kb;
}

static double
peak_of(pid_t pid)
{
	char path[64];
	double kb;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	kb = status_kb(path, "VmHWM:");
	snprintf(path, sizeof(path), "/proc/%d/clear_refs", (int)pid);
	f = fopen(path, "w");
	if (f != NULL) {
		fputs("5", f);
		fclose(f);
	}
	return kb;
}

double
rig_peak_kb(Rig *r)
{
	double kb = 0;

	if (r->config.embedded)
		return peak_of(getpid());
	for (size_t i = 0; i < r->pid_count; i++)
		kb += peak_of(r->pids[i]);
	return kb;
}

/* ---- opening ---- */

static void
distributed_env(const RigConfig *c)
{
	char path[512];

	setenv("ATTUNE__DATABASE__URL", getenv("ATTUNE_TEST_PG"), 1);
	setenv("ATTUNE__DATABASE__SCHEMA", getenv("BENCH_SCHEMA"), 1);
	setenv("ATTUNE__MESSAGE_QUEUE__URL", getenv("BENCH_AMQP"), 1);
	snprintf(path, sizeof(path), "%s/artifacts", c->dir);
	setenv("ATTUNE__ARTIFACTS_DIR", path, 1);
	snprintf(path, sizeof(path), "%s/envs", c->dir);
	setenv("ATTUNE__RUNTIME_ENVS_DIR", path, 1);
}

static void
host_prepare(Rig *r)
{
	Host *h = &r->h;
	Err err = { 0 };

	h->data.lock = -1;
	h->options = (HostOptions){ .command = r->config.embedded ? "up" : "api",
		.roles = r->config.roles,
		.up = r->config.embedded,
		.data_dir = r->config.dir,
		.port = "0",
		.log_level = "warn" };
	h->arena = arena_open();
	must(signals_open(&h->signals, &err), &err, "signals");
	must(host_config(h, &err), &err, "configuration");
	if (h->options.up)
		must(guardian_start("ATTUNE_WORKER_RUN=bench", &h->guardian, &err), &err, "guardian");
	must(host_engine(h, &err), &err, "engine");
	must(host_packs(h, &err), &err, "packs");
	must(host_access(h, &err), &err, "access");
	r->moved = h->engine.moved;
	h->engine.moved = on_moved;
	h->engine.moved_self = r;
}

Rig *
rig_open(const RigConfig *config)
{
	Rig *r = calloc(1, sizeof(Rig));
	Err err = { 0 };

	must(r != NULL, NULL, "memory");
	r->config = *config;
	mallopt(M_TRIM_THRESHOLD, 16 << 20); /* as the program does */
	mallopt(M_TOP_PAD, 1 << 20);
	mallopt(M_ARENA_MAX, 4);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	if (!config->embedded)
		distributed_env(config);
	host_prepare(r);
	roles_start(r);
	must(uow_open(&r->h.engine, &r->u, &err), &err, "unit of work");
	if (!config->embedded && config->listens)
		r->ear = ear_open(getenv("BENCH_AMQP"));
	return r;
}

void
rig_close(Rig *r)
{
	Err err = { 0 };

	ear_close(r->ear);
	must(port_settle(r->u->port, 5 * US_PER_S, &err), &err, "confirms");
	uow_close(r->u);
	if (r->config.embedded)
		host_roles_stop(&r->h);
	else
		roles_end(r);
	signals_close(r->h.signals);
	host_close(&r->h);
	free(r);
}

/* ---- load ---- */

void
rig_rule(Rig *r, const char *action_ref)
{
	Uow *u = r->u;
	Err err = { 0 };
	PackDef pack;
	DefPut put;
	TriggerDef trigger = { .ref = str_of("core.bench"),
		.pack_ref = str_of("core"),
		.label = str_of("Bench"),
		.enabled = true,
		.is_adhoc = true };
	RuleDef rule = { .ref = str_of("core.bench_rule"),
		.pack_ref = str_of("core"),
		.label = str_of("Bench"),
		.enabled = true,
		.is_adhoc = true,
		.trigger_ref = trigger.ref,
		.action_ref = str_of(action_ref) };

	must(uow_begin(u, &err), &err, "begin");
	must(pack_get_ref(u->db, u->arena, str_of("core"), &pack, &err), &err, "core pack");
	trigger.pack = rule.pack = pack.id;
	must(trigger_put(u->db, u->arena, &trigger, u->now, &put, &err), &err, "trigger");
	rule.action_params = json_object();
	json_add(u->arena, &rule.action_params, "message", json_cstr("number {{ event.payload.number }}"));
	must(rule_put(u->db, u->arena, &rule, u->now, &put, &err), &err, "rule");
	must(rule_resolve(u->db, u->arena, u->now, &err), &err, "rule");
	must(uow_commit(u, &points_create, &err), &err, "commit");
}

Id
rig_execute(Rig *r, const char *action_ref, size_t n)
{
	Uow *u = r->u;
	Err err = { 0 };
	Json params = json_object();
	ExecutionIn *in;
	ExecutionOut *out;
	Id last;

	must(uow_begin(u, &err), &err, "begin");
	in = arena_array(u->arena, ExecutionIn, n);
	out = arena_array(u->arena, ExecutionOut, n);
	json_add(u->arena, &params, "message", json_cstr("hello, world"));
	for (size_t i = 0; i < n; i++)
		in[i] = (ExecutionIn){ .action_ref = str_of(action_ref), .params = &params, .by = str_of("bench") };
	uow_last(u, &points_create); /* as the API does */
	must(executions_create(u, in, n, out, &err), &err, "execute");
	last = out[n - 1].id;
	must(uow_commit(u, &points_create, &err), &err, "commit");
	return last;
}

void
rig_events(Rig *r, size_t n, int64_t from)
{
	Uow *u = r->u;
	Err err = { 0 };
	EventIn *in;
	EventOut *out;
	Json *payloads;

	must(uow_begin(u, &err), &err, "begin");
	in = arena_array(u->arena, EventIn, n);
	out = arena_array(u->arena, EventOut, n);
	payloads = arena_array(u->arena, Json, n);
	for (size_t i = 0; i < n; i++) {
		payloads[i] = json_object();
		json_add(u->arena, &payloads[i], "number", json_int(from + (int64_t)i));
		in[i] = (EventIn){ .trigger_ref = str_of("core.bench"), .payload = &payloads[i] };
	}
	must(ingest(u, in, n, out, &err), &err, "ingest");
	must(uow_commit(u, &points_ingest, &err), &err, "commit");
	for (size_t i = 0; i < n; i++)
		must(out[i].enforcements == 1, NULL, "an event did not meet its one rule");
}
