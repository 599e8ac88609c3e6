#include "worker/worker.h"

#include "base/log.h"
#include "engine/consumer.h"
#include "engine/moves.h"
#include "os/thread.h"
#include "runtime/detect.h"
#include "store/change.h"
#include "store/worker.h"
#include "worker/capabilities.h"
#include "worker/environments.h"
#include "worker/inbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	RETRY_US = 200 * US_PER_MS, /* while the database is away */
	LOOK_US = US_PER_S,
	LOOK_ENVS_US = 60 * US_PER_S,
};

struct Worker {
	Engine *e;
	WorkerConfig config;
	Arena *arena;
	Id id;
	Str incarnation;
	Uow *u;      /* of the main thread */
	Uow *beat_u; /* of the heartbeat */
	Inbox *inbox;
	WorkerTurn *turn;
	Consumer *dispatches, *cancels;
	Environments *environments;
	pthread_t thread, beat_thread;
	bool running, beating;
	pthread_mutex_t lock;
	pthread_cond_t beat_now;
	atomic_bool stopping, now, drained; /* drained: nothing runs any more, heartbeats end */
	_Atomic int64_t ahead, held;
	bool away;
	bool late; /* an interpreter had not answered when it registered */
};

/* ---- feeding ---- */

static bool
on_messages(void *self, Uow *u, const Msg *msgs, size_t n, Err *err)
{
	Worker *w = self;

	(void)u;
	(void)err;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < msgs[i].n; k++)
			inbox_put(w->inbox, (InboxItem){ .cancel = msgs[i].kind == MSG_EXECUTION_CANCEL,
						.execution = msgs[i].items[k].id,
						.attempt = msgs[i].items[k].attempt,
						.action = msgs[i].items[k].action });
	w->config.starter->wake(w->config.starter);
	return true;
}

static void
inbox_empty(Worker *w)
{
	InboxItem items[256];
	size_t n;

	while ((n = inbox_take(w->inbox, items, countof(items))) > 0) {
		for (size_t i = 0; i < n; i++) {
			if (items[i].cancel)
				worker_turn_cancel(w->turn, items[i].execution, items[i].attempt);
			else
				worker_turn_dispatch(w->turn, items[i].execution, items[i].attempt, items[i].action);
		}
	}
}

/* ---- the main thread ---- */

static void
say_away(Worker *w, const Err *err)
{
	if (!w->away)
		uow_say_stuck("runs cannot be reported, they go on and are reported later", err);
	w->away = true;
}

/* The executors should know when this worker can use more, or less, work ahead. */
static void
ahead_tell(Worker *w)
{
	int64_t is = worker_turn_ahead(w->turn), told = atomic_load(&w->ahead);

	atomic_store(&w->held, (int64_t)worker_turn_running(w->turn));
	if (is <= told * 2 && is * 2 >= told)
		return;
	atomic_store(&w->ahead, is);
	pthread_mutex_lock(&w->lock);
	pthread_cond_broadcast(&w->beat_now);
	pthread_mutex_unlock(&w->lock);
}

/* Sleeps until something ends or arrives; not at all when more is at hand. */
static void
loop_once(Worker *w)
{
	Starter *s = w->config.starter;
	Err err = { 0 };
	bool more;

	inbox_empty(w);
	if (!worker_turn(w->turn, &more, &err)) {
		uow_abort(w->u);
		say_away(w, &err);
		s->sleep(s, clock_mono(w->e->clock) + RETRY_US);
		return;
	}
	if (w->away)
		log_info("runs can be reported again");
	w->away = false;
	ahead_tell(w);
	if (!more && !inbox_waiting(w->inbox))
		s->sleep(s, worker_turn_until(w->turn));
}

/* Waits for what runs, then ends it. */
static void
loop_drain(Worker *w)
{
	Starter *s = w->config.starter;
	TimeUs until = clock_mono(w->e->clock) + w->config.shutdown_timeout;
	TimeUs give_up = until + w->config.shutdown_timeout + 10 * US_PER_S;
	bool killed = false, more;

	while (worker_turn_running(w->turn) > 0) {
		TimeUs now = clock_mono(w->e->clock);
		Err err = { 0 };

		inbox_empty(w); /* cancels are heard to the end */
		if (!killed && (now >= until || atomic_load(&w->now))) {
			log_warn("%zu runs have not ended in time and are stopped", worker_turn_running(w->turn));
			worker_turn_abandon(w->turn);
			s->kill_all(s);
			killed = true;
		}
		if (now >= give_up)
			return; /* the database is away: whoever registers under this name settles the rows */
		if (!worker_turn(w->turn, &more, &err)) {
			uow_abort(w->u);
			say_away(w, &err);
		}
		if (worker_turn_running(w->turn) > 0 && !more)
			s->sleep(s, killed ? now + RETRY_US : until < now + LOOK_US ? until : now + LOOK_US);
	}
}

static void *
worker_run(void *arg)
{
	Worker *w = arg;
	Err err = { 0 };

	log_role("worker");
	while (!atomic_load(&w->stopping))
		loop_once(w);
	inbox_empty(w);
	if (!worker_turn_drain(w->turn, &err)) {
		uow_abort(w->u);
		log_warn("what was not started could not be given back, the sweeper will: %s", err.text);
	}
	loop_drain(w);
	return NULL;
}

/* ---- the heartbeat ---- */

static bool
beat_row(Worker *w, Err *err)
{
	Uow *u = w->beat_u;
	bool woken;

	if (!uow_begin(u, err))
		return false;
	if (!worker_beat(u->db, u->arena, w->id, w->incarnation, u->now, &woken, err))
		return false;
	if (woken && !change_note(u->db, u->arena, "worker", w->id, u->now, err))
		return false;
	return uow_commit(u, &points_worker, err);
}

static void
beat_once(Worker *w)
{
	Uow *u = w->beat_u;
	Err err = { 0 };
	int64_t held = atomic_load(&w->held);

	if (w->config.heartbeat > 0 && !beat_row(w, &err))
		uow_abort(u);
	arena_reset(u->arena);
	u->out = outbox_open(u->arena);
	*outbox_add(&u->out, MSG_WORKER_HEARTBEAT) = (MsgItem){
		.id = w->id,
		.worker = w->id,
		.attempt = (int)held,
		.other = w->config.slots > held ? w->config.slots - held : 0,
		.parent = atomic_load(&w->ahead),
		.ref = w->incarnation,
		.at = clock_wall(w->e->clock),
	};
	if (!port_publish(u->port, &u->out, &err))
		log_debug("heartbeat: %s", err.text);
}

/* Once more, for those that were too slow for the start. */
static bool
capabilities_complete(Worker *w, Arena *a, Err *err)
{
	Uow *u = w->beat_u;
	Json capabilities;

	if (!capabilities_find(u, &w->config, DETECT_US, a, &capabilities, &w->late, err) || !uow_begin(u, err))
		return false;
	return worker_set_capabilities(u->db, u->arena, w->id, w->incarnation, &capabilities, u->now, err) &&
	       change_note(u->db, u->arena, "worker", w->id, u->now, err) && uow_commit(u, &points_worker, err);
}

static void
late_ones(Worker *w)
{
	Arena *a = arena_open();
	Err err = { 0 };

	if (!capabilities_complete(w, a, &err)) {
		uow_abort(w->beat_u);
		log_warn("interpreters that answered late are offered after the next start only: %s", err.text);
	}
	arena_close(a);
}

static void *
beat_run(void *arg)
{
	Worker *w = arg;
	int64_t told = 0;

	log_role("worker");
	if (w->late)
		late_ones(w);
	pthread_mutex_lock(&w->lock);
	while (!atomic_load(&w->drained)) {
		TimeUs wait = w->config.heartbeat > 0 ? w->config.heartbeat : 3600LL * US_PER_S;
		TimeUs begun = clock_mono(clock_real());

		if (told != atomic_load(&w->ahead) || w->config.heartbeat > 0) {
			told = atomic_load(&w->ahead);
			pthread_mutex_unlock(&w->lock);
			beat_once(w);
			pthread_mutex_lock(&w->lock);
		}
		if (!atomic_load(&w->drained) && told == atomic_load(&w->ahead))
			(void)thread_wait(&w->beat_now, &w->lock, begun + wait - clock_mono(clock_real()));
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---- coming and going ---- */

static WorkerDef
worker_row(Worker *w, Json capabilities)
{
	return (WorkerDef){
		.name = w->config.name,
		.type = w->config.type,
		.role = str_of("action"),
		.host = w->config.host,
		.incarnation = w->incarnation,
		.boot_id = w->e->boot_id,
		.capabilities = capabilities,
		.meta = json_object(),
		.slots = w->config.slots,
	};
}

/* The row first, for its id names the queues; nothing is given to it before they are there. */
static bool
worker_reserve_row(Worker *w, Err *err)
{
	Uow *u = w->u;

	if (!uow_begin(u, err))
		return false;
	if (worker_reserve(u->db, u->arena, w->config.name, u->now, &w->id, err) && uow_commit(u, &points_worker, err))
		return true;
	uow_abort(u);
	return false;
}

static bool
worker_register_row(Worker *w, Err *err)
{
	Uow *u = w->u;
	WorkerDef row;
	Json capabilities;
	Id id;

	if (!capabilities_find(u, &w->config, w->config.patience, w->arena, &capabilities, &w->late, err))
		return false;
	w->config.isolation = json_get(&capabilities, "isolation"); /* which lives as long as we do */
	row = worker_row(w, capabilities);
	if (!uow_begin(u, err))
		return false;
	if (worker_enter(u, &row, &id, err) && uow_commit(u, &points_worker, err))
		return true;
	uow_abort(u);
	return false;
}

/* The broker may need a moment to see that an earlier process of this name is gone. */
static bool
consumer_start_patiently(Worker *w, const ConsumerConfig *config, Err *err)
{
	enum { TRIES = 15, PAUSE_US = 200 * US_PER_MS };

	for (int i = 0; i < TRIES; i++) {
		err_clear(err);
		if (consumer_start(w->e, config, &w->dispatches, err))
			return true;
		if (err->code != ERR_CONFLICT)
			return false;
		usleep(PAUSE_US);
	}
	return false;
}

static bool
worker_feed(Worker *w, Err *err)
{
	ConsumerConfig dispatch = { .role = "worker",
		.turn = on_messages,
		.self = w,
		.sub = { .queue = Q_WORKER_EXECUTIONS, .worker = w->id, .exclusive_consumer = true } };
	ConsumerConfig cancel = {
		.role = "worker", .turn = on_messages, .self = w, .sub = { .queue = Q_WORKER_CANCEL, .worker = w->id }
	};

	if (!consumer_start_patiently(w, &dispatch, err)) {
		if (err->code == ERR_CONFLICT)
			return err_set(err, ERR_CONFLICT,
			    "a worker named '%.*s' is alive: choose another name with --name", STR_ARG(w->config.name));
		return false;
	}
	return consumer_start(w->e, &cancel, &w->cancels, err);
}

static bool
worker_environments(Worker *w, Err *err)
{
	EnvironmentsConfig c = {
		.envs = w->config.envs,
		.worker = w->id,
		.worker_name = w->config.name,
		.host = w->config.host,
		.place = w->config.envs_dir,
		.look = str_none(w->e->boot_id) ? LOOK_ENVS_US : -1, /* embedded, no message is lost while we live */
	};

	return w->config.envs == NULL || environments_start(w->e, &c, &w->environments, err);
}

static bool
worker_threads(Worker *w, Err *err)
{
	if (pthread_create(&w->thread, NULL, worker_run, w) != 0)
		return err_set(err, ERR_SYS, "cannot start a thread");
	w->running = true;
	if (pthread_create(&w->beat_thread, NULL, beat_run, w) != 0)
		return err_set(err, ERR_SYS, "cannot start a thread");
	w->beating = true;
	return true;
}

bool
worker_start(Engine *e, const WorkerConfig *config, Worker **ret, Err *err)
{
	Worker *w = calloc(1, sizeof(Worker));

	if (w == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	w->e = e;
	w->config = *config;
	w->arena = arena_open();
	w->incarnation = uuid_text(w->arena, uuid_new(clock_wall(e->clock)));
	w->inbox = inbox_open();
	atomic_store(&w->ahead, 1);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->beat_now, NULL);
	if (!uow_open(e, &w->u, err) || !uow_open(e, &w->beat_u, err) || !worker_reserve_row(w, err) ||
	    !worker_feed(w, err))
		goto failed;
	w->turn = worker_turn_open(w->u, config, w->id, w->incarnation);
	if (!worker_register_row(w, err) || !worker_environments(w, err) || !worker_threads(w, err))
		goto failed;
	if (config->starter->tidy != NULL)
		config->starter->tidy(config->starter);
	*ret = w;
	return true;
failed:
	worker_drain(w);
	worker_close(w);
	return false;
}

static void
worker_leave(Worker *w)
{
	Uow *u = w->u;
	Err err = { 0 };

	if (!uow_begin(u, &err) ||
	    !worker_set_status(u->db, u->arena, w->id, w->incarnation, "inactive", u->now, &err) ||
	    !change_note(u->db, u->arena, "worker", w->id, u->now, &err) || !uow_commit(u, &points_worker, &err)) {
		uow_abort(u);
		log_warn("the worker's row still says active: %s", err.text);
	}
}

void
worker_drain(Worker *w)
{
	if (w == NULL)
		return;
	consumer_stop(w->dispatches);
	w->dispatches = NULL;
	atomic_store(&w->stopping, true);
	w->config.starter->wake(w->config.starter);
	if (w->running)
		pthread_join(w->thread, NULL);
	/* only now: a silent worker's runs are taken from it */
	pthread_mutex_lock(&w->lock);
	atomic_store(&w->drained, true);
	pthread_cond_broadcast(&w->beat_now);
	pthread_mutex_unlock(&w->lock);
	if (w->beating)
		pthread_join(w->beat_thread, NULL);
	if (w->running)
		worker_leave(w);
	w->running = w->beating = false;
}

void
worker_hurry(Worker *w)
{
	atomic_store(&w->now, true);
	w->config.starter->wake(w->config.starter);
}

void
worker_close(Worker *w)
{
	if (w == NULL)
		return;
	consumer_stop(w->dispatches);
	consumer_stop(w->cancels);
	environments_stop(w->environments);
	worker_turn_close(w->turn);
	inbox_close(w->inbox);
	uow_close(w->u);
	uow_close(w->beat_u);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->beat_now);
	arena_close(w->arena);
	free(w);
}

Id
worker_id(const Worker *w)
{
	return w->id;
}
