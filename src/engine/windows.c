#include "engine/windows.h"

#include "base/log.h"
#include "engine/inner.h"
#include "os/thread.h"
#include "store/rule_window.h"

#include <stdlib.h>

enum {
	SOME = 256,
	LOOK_US = 5 * US_PER_S,     /* distributed: another process may have stored one and died */
	NAP_US = 10 * US_PER_S,     /* the clock may be set while we wait */
	FAR_US = 3600LL * US_PER_S, /* embedded, and nothing is stored */
	LAZY_US = 30 * US_PER_S,    /* so much later is soon enough to remove what nobody waits for */
	RETRY_US = 500 * US_PER_MS,
};

struct Windows {
	Uow *u;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t woken;
	TimeUs due; /* wall time; 0: none */
	bool stopping;
};

/* ---- a round ---- */

static bool
quiet_now(Uow *u, const RuleWindow *w, Err *err)
{
	const RuleDef *rule = defs_rule(u->e->defs, w->rule);
	EventKept kept;

	if (rule == NULL || !rule->enabled)
		return true;
	if (!event_kept(u->db, u->arena, w->event, &kept, err))
		return false;
	return kept.id == 0 || ingest_settled(u, rule, &kept, err);
}

/* Under the lock of its rule the row is read again: another process may have had it, or it may have been moved on. */
static bool
window_end(Uow *u, const RuleWindow *seen, Err *err)
{
	RuleWindow w = *seen;

	if (!rule_window_lock(u->db, u->arena, seen->rule, err))
		return false;
	if (seen->kind == WINDOW_PART)
		return rule_window_forget(u->db, u->arena, seen, u->now, err);
	if (!rule_window_get(u->db, u->arena, seen->rule, seen->kind, seen->key, &w, err))
		return false;
	if (w.rule == 0 || w.due > u->now)
		return true;
	return rule_window_drop(u->db, u->arena, w.rule, w.kind, w.key, err) &&
	       (w.kind != WINDOW_DEBOUNCE || quiet_now(u, &w, err));
}

static int
by_rule(const void *x, const void *y)
{
	const RuleWindow *l = x, *r = y;

	if (l->rule != r->rule)
		return l->rule < r->rule ? -1 : 1;
	return (l->due > r->due) - (l->due < r->due);
}

static bool
windows_end(Uow *u, bool *ret_more, Err *err)
{
	RuleWindow *over;
	size_t n;

	if (!rule_window_over(u->db, u->arena, u->now, SOME, &over, &n, err))
		return false;
	*ret_more = n == SOME;
	if (n > 1)
		qsort(over, n, sizeof(*over), by_rule);
	for (size_t i = 0; i < n; i++)
		if (!window_end(u, &over[i], err))
			return false;
	return true;
}

bool
windows_turn(Uow *u, TimeUs *ret_next, Err *err)
{
	TimeUs quiet, first;
	bool ok, more = false;

	if (!uow_begin(u, err) || !defs_enter(u->e->defs, u->db, u->arena, err))
		return false;
	ok = windows_end(u, &more, err) && rule_window_next(u->db, u->arena, &quiet, &first, err);
	defs_leave(u->e->defs);
	if (!ok || !uow_commit(u, &points_window, err))
		return false;
	first = first == 0 ? 0 : first + LAZY_US;
	*ret_next = more ? u->now : quiet == 0 || first < quiet ? first : quiet;
	return true;
}

/* ---- the thread ---- */

static void
wait_until(Windows *w, TimeUs most)
{
	const Clock *clock = w->u->e->clock;
	TimeUs from = clock_mono(clock);

	pthread_mutex_lock(&w->lock);
	while (!w->stopping) {
		TimeUs left = most - (clock_mono(clock) - from);
		TimeUs due = w->due == 0 ? left : w->due - clock_wall(clock);

		if (left <= 0 || due <= 0)
			break;
		if (w->due != 0 && due > NAP_US)
			due = NAP_US;
		(void)thread_wait(&w->woken, &w->lock, due < left ? due : left);
	}
	w->due = 0;
	pthread_mutex_unlock(&w->lock);
}

static bool
stopping(Windows *w)
{
	bool stop;

	pthread_mutex_lock(&w->lock);
	stop = w->stopping;
	pthread_mutex_unlock(&w->lock);
	return stop;
}

static void *
windows_run(void *arg)
{
	Windows *w = arg;
	TimeUs look = str_none(w->u->e->boot_id) ? LOOK_US : FAR_US;
	bool away = false;

	log_role("windows");
	while (!stopping(w)) {
		TimeUs next = 0;
		Err err = { 0 };
		bool ok = windows_turn(w->u, &next, &err);

		if (!ok) {
			uow_abort(w->u);
			if (!away)
				uow_say_stuck("windows of rules wait", &err);
		}
		away = !ok;
		if (next != 0)
			windows_arm(w, next);
		wait_until(w, ok ? look : RETRY_US);
	}
	return NULL;
}

void
windows_arm(Windows *w, TimeUs due)
{
	pthread_mutex_lock(&w->lock);
	if (w->due == 0 || due < w->due) {
		w->due = due;
		pthread_cond_signal(&w->woken);
	}
	pthread_mutex_unlock(&w->lock);
}

static void
on_window(void *self, TimeUs due)
{
	windows_arm(self, due);
}

static void
windows_free(Windows *w)
{
	uow_close(w->u);
	pthread_cond_destroy(&w->woken);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

bool
windows_start(Engine *e, Windows **ret, Err *err)
{
	Windows *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->woken, NULL);
	if (!uow_open(e, &w->u, err)) {
		windows_free(w);
		return false;
	}
	if (pthread_create(&w->thread, NULL, windows_run, w) != 0) {
		windows_free(w);
		return err_set(err, ERR_SYS, "cannot start a thread");
	}
	e->window_self = w;
	e->window = on_window;
	*ret = w;
	return true;
}

void
windows_stop(Windows *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->woken);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	w->u->e->window = NULL;
	windows_free(w);
}
