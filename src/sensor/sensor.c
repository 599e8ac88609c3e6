#include "sensor/sensor.h"

#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
	MSGS_MAX = 64,
	LOOK_US = 5 * US_PER_S,     /* distributed: a lost message about a rule is noticed after this long */
	FAR_US = 3600LL * US_PER_S, /* embedded: messages cannot be lost */
	NAP_US = 10 * US_PER_S,     /* the clock may be set, or the machine sleep, while we wait for a tick */
	RETRY_US = 500 * US_PER_MS, /* while the database is away */
};

struct Sensor {
	Engine *e;
	SensorNews news;
	Uow *u;
	Sub *rules;
	SensorTurn *turn;
	Arena *arena;
	pthread_t thread;
	atomic_bool stopping;
	bool away;
	bool changed;  /* a rule may have changed since the timers were made */
	TimeUs looked; /* monotonic: when they were made */
};

static void
say_away(Sensor *s, const Err *err)
{
	if (!s->away)
		uow_say_stuck("timers wait, events cannot be stored", err);
	s->away = true;
}

static bool
sensor_refresh(Sensor *s, TimeUs look, Err *err)
{
	TimeUs mono = clock_mono(s->e->clock);

	if (!s->changed && mono - s->looked < look)
		return true;
	if (!sensor_turn_rules(s->turn, err))
		return false;
	s->changed = false;
	s->looked = mono;
	return true;
}

/* One round: what changed, what is due. Returns how long to sleep. */
static TimeUs
sensor_round(Sensor *s)
{
	TimeUs look = str_none(s->e->boot_id) ? LOOK_US : FAR_US;
	TimeUs next, left;
	Err err = { 0 };

	if (!sensor_refresh(s, look, &err) || !sensor_turn_fire(s->turn, &next, &err)) {
		uow_abort(s->u);
		say_away(s, &err);
		return RETRY_US;
	}
	if (s->away)
		log_info("events can be stored again");
	s->away = false;
	/* to the next look at the rules, however often a tick wakes us in between */
	look -= clock_mono(s->e->clock) - s->looked;
	look = look < 0 ? 0 : look;
	if (next == 0)
		return look;
	look = look > NAP_US ? NAP_US : look;
	left = next - clock_wall(s->e->clock);
	return left < 0 ? 0 : left < look ? left : look;
}

static void *
sensor_run(void *arg)
{
	Sensor *s = arg;

	log_role("sensor");
	while (!atomic_load(&s->stopping)) {
		TimeUs wait = sensor_round(s);
		Msg msgs[MSGS_MAX];
		size_t n;

		arena_reset(s->arena);
		n = sub_take(s->rules, s->arena, msgs, MSGS_MAX, MSGS_MAX, wait);
		sub_ack(s->rules, msgs, n);
		s->changed |= n > 0;
		if (n > 0 && s->news.rules != NULL)
			s->news.rules(s->news.self);
	}
	return NULL;
}

static void
sensor_free(Sensor *s)
{
	sensor_turn_close(s->turn);
	if (s->rules != NULL)
		sub_close(s->rules);
	uow_close(s->u);
	arena_close(s->arena);
	free(s);
}

bool
sensor_start(Engine *e, SensorNews news, Sensor **ret, Err *err)
{
	Sensor *s = calloc(1, sizeof(Sensor));
	SubConfig sub = { .queue = Q_SENSOR_RULES };

	if (s == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	s->e = e;
	s->news = news;
	s->changed = true;
	s->arena = arena_open();
	if (!uow_open(e, &s->u, err) || !sub_open(e->bus, &sub, &s->rules, err)) {
		sensor_free(s);
		return false;
	}
	s->turn = sensor_turn_open(s->u);
	if (pthread_create(&s->thread, NULL, sensor_run, s) != 0) {
		sensor_free(s);
		return err_set(err, ERR_SYS, "cannot start a thread");
	}
	*ret = s;
	return true;
}

void
sensor_stop(Sensor *s)
{
	if (s == NULL)
		return;
	atomic_store(&s->stopping, true);
	sub_wake(s->rules);
	pthread_join(s->thread, NULL);
	sensor_free(s);
}
