/* The life of one sensor's process: started, watched, restarted with growing pauses, stopped. */
#include "sensor/inner.h"

#include "base/log.h"
#include "engine/moves.h"
#include "os/fs.h"
#include "os/guardian.h"
#include "os/signals.h"
#include "store/identity.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	KILL_AFTER = 5 * US_PER_S,
	DRAIN_MOST = 2 * US_PER_S, /* for what still holds its pipes after it has ended */
	SETTLED = 2 * US_PER_S,    /* one that lives so long runs, also when it says nothing */
	RESTART_GAP = 100 * US_PER_MS,
	ALERT_FROM = 3,   /* failures in a row */
	PIECES_MOST = 16, /* of last words */
	TOKEN_LIFE = 24 * 3600,
};
static const TimeUs calm = 60 * US_PER_S; /* after it earlier failures are forgotten */
/* One whose token is about to end is started anew: not every sensor renews it. */
static const TimeUs token_used_up = 23LL * 3600 * US_PER_S;

Ward *
ward_find(Keeper *k, Id sensor)
{
	for (Ward *w = k->wards; w != NULL; w = w->next)
		if (w->want.sensor == sensor)
			return w;
	return NULL;
}

Ward *
ward_make(Keeper *k, Id sensor)
{
	Ward *w = ward_find(k, sensor);

	if (w != NULL)
		return w;
	w = calloc(1, sizeof(Ward));
	if (w == NULL)
		abort();
	w->a = arena_open();
	w->run_a = arena_open();
	w->want.sensor = sensor;
	w->in = w->out = w->err = -1;
	w->out_log.fd = w->err_log.fd = -1;
	w->timer.owner = w;
	w->next = k->wards;
	k->wards = w;
	return w;
}

void
ward_close(Keeper *k, Ward *w)
{
	Ward **at = &k->wards;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	timers_clear(&k->timers, &w->timer);
	rotated_close(&w->out_log);
	rotated_close(&w->err_log);
	lines_close(&w->lines);
	free(w->say);
	arena_close(w->run_a);
	arena_close(w->a);
	free(w);
}

bool
ward_alive(const Ward *w)
{
	return w->phase == WARD_UP || w->phase == WARD_TERMED || w->phase == WARD_KILLED;
}

void
ward_start(Keeper *k, Ward *w, TimeUs at)
{
	timers_set(&k->timers, &w->timer, at > 0 ? at : keeper_mono(k));
}

/* ---- telling it ---- */

static void
in_close(Keeper *k, Ward *w)
{
	if (w->in_watched)
		poll_remove(&k->poll, w->in);
	w->in_watched = false;
	fd_done(&w->in);
	w->say_n = 0;
}

/* Watched only while something waits: the end of a pipe that nobody reads is always ready. */
static void
say_flush(Keeper *k, Ward *w)
{
	Err why = { 0 };

	while (w->say_n > 0) {
		ssize_t n = write(w->in, w->say, w->say_n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) { /* it does not listen */
			in_close(k, w);
			return;
		}
		w->say_n -= (size_t)n;
		memmove(w->say, w->say + n, w->say_n);
	}
	if (w->say_n > 0 && !w->in_watched && poll_add(&k->poll, w->in, &w->in_source, &why)) {
		w->in_watched = true;
		poll_want(&k->poll, w->in, &w->in_source, false, true);
	} else if (w->say_n == 0 && w->in_watched) {
		poll_remove(&k->poll, w->in);
		w->in_watched = false;
	}
}

void
ward_tell(Keeper *k, Ward *w, const Json *line)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str text = json_text(a, line);

	if (w->in < 0 && w->phase == WARD_UP) {
		w->again = true; /* it has closed its ear: a new one is told at its start */
		ward_stop(k, w);
		return;
	}
	if (w->in < 0 || w->say_n + text.n + 1 > SAY_MOST + text.n) {
		if (w->phase == WARD_UP) {
			w->again = true;
			ward_stop(k, w);
		}
		return;
	}
	if (w->say_n + text.n + 1 > w->say_cap) {
		w->say_cap = (w->say_n + text.n + 1) * 2;
		w->say = realloc(w->say, w->say_cap);
		if (w->say == NULL)
			abort();
	}
	memcpy(w->say + w->say_n, text.p, text.n);
	w->say[w->say_n + text.n] = '\n';
	w->say_n += text.n + 1;
	say_flush(k, w);
}

void
ward_tell_start(Keeper *k, Ward *w)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json line = json_object();

	json_add(a, &line, "type", json_cstr("start"));
	json_add(a, &line, "sensor", json_str(w->want.ref));
	json_add(a, &line, "config", w->want.config);
	json_add(a, &line, "rules", w->want.rules);
	ward_tell(k, w, &line);
}

static void
on_in(Keeper *k, Ward *w)
{
	if (w->in >= 0)
		say_flush(k, w);
}

/* ---- hearing it ---- */

static void
out_close(Keeper *k, int *fd)
{
	if (*fd >= 0)
		poll_remove(&k->poll, *fd);
	fd_done(fd);
}

/* The last bytes and lines, for people. */
static void
tail_add(Ward *w, Str bytes)
{
	size_t lines = 0, from;

	bytes = str_sub(bytes, bytes.n > TAIL ? bytes.n - TAIL : 0, bytes.n);
	if (w->tail_n + bytes.n > TAIL) {
		size_t drop = w->tail_n + bytes.n - TAIL;

		memmove(w->tail, w->tail + drop, w->tail_n - drop);
		w->tail_n -= drop;
	}
	memcpy(w->tail + w->tail_n, bytes.p, bytes.n);
	w->tail_n += bytes.n;
	for (from = w->tail_n; from > 0; from--)
		if (w->tail[from - 1] == '\n' && from < w->tail_n && ++lines == TAIL_LINES)
			break;
	memmove(w->tail, w->tail + from, w->tail_n - from);
	w->tail_n -= from;
}

/* Reads a piece; false when there is nothing now, or at all any more. */
static bool
read_piece(Keeper *k, int *fd, char *to, size_t most, size_t *ret_n)
{
	ssize_t n;

	*ret_n = 0;
	if (*fd < 0)
		return false;
	do
		n = read(*fd, to, most);
	while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		out_close(k, fd);
	if (n <= 0)
		return false;
	*ret_n = (size_t)n;
	return true;
}

static bool
err_read(Keeper *k, Ward *w)
{
	size_t n;

	if (!read_piece(k, &w->err, k->piece, PIECE, &n))
		return false;
	rotated_write(&w->err_log, (Str){ k->piece, n });
	tail_add(w, (Str){ k->piece, n });
	return true;
}

static void
on_err(Keeper *k, Ward *w)
{
	(void)err_read(k, w);
}

static void
line_too_long(Keeper *k, Ward *w, size_t n)
{
	if (n > 0 && w->refused == 0 && w->said_bad == 0) {
		w->said_bad = keeper_mono(k);
		log_warn("sensor '%.*s': a line of more than %zu bytes is passed over (events.max_payload_kb)",
		    STR_ARG(w->want.ref), w->lines.most);
	}
	w->refused += (int64_t)n;
	w->bad_since += (int64_t)n;
}

static void
on_out(Keeper *k, Ward *w)
{
	size_t room, n;
	char *to;

	if (!w->want.lines) {
		if (read_piece(k, &w->out, k->piece, PIECE, &n))
			rotated_write(&w->out_log, (Str){ k->piece, n });
		return;
	}
	if (k->away)
		return;
	to = lines_room(&w->lines, &room);
	if (room == 0)
		return;
	if (read_piece(k, &w->out, to, room, &n))
		line_too_long(k, w, lines_added(&w->lines, n));
	else if (w->out < 0)
		lines_end(&w->lines);
}

void
ward_running(Ward *w)
{
	if (!str_is(w->row.status, "starting"))
		return;
	w->row.status = str_of("running");
	w->dirty = true;
}

/* ---- its end ---- */

static TimeUs
pause_after(const Keeper *k, int64_t failures)
{
	TimeUs pause = k->config.restart_delay;

	for (int64_t i = 1; i < failures && pause < k->config.restart_delay_max; i++)
		pause *= 2;
	return pause < k->config.restart_delay_max ? pause : k->config.restart_delay_max;
}

/* It failed, and starts again after a while. */
static void
ward_failed(Keeper *k, Ward *w)
{
	TimeUs pause;

	w->row.failures++;
	pause = pause_after(k, w->row.failures);
	w->row.status = str_of("backoff");
	w->row.next_restart = clock_wall(k->e->clock) + pause;
	w->alert = w->row.failures >= ALERT_FROM;
	w->dirty = true;
	ward_start(k, w, keeper_mono(k) + pause);
	log_warn("sensor '%.*s' %s; it starts again in %lld.%lld s (failure %lld in a row)", STR_ARG(w->want.ref),
	    w->error, (long long)(pause / US_PER_S), (long long)(pause % US_PER_S / 100000),
	    (long long)w->row.failures);
}

static void
last_words(const Ward *w, char *ret, size_t size)
{
	Str tail = str_trim((Str){ w->tail, w->tail_n });
	size_t from = tail.n;

	while (from > 0 && tail.p[from - 1] != '\n')
		from--;
	tail = str_sub(tail, from, tail.n);
	snprintf(
	    ret, size, "%s%.*s", tail.n > 0 ? ": " : "", (int)(tail.n < 300 ? tail.n : 300), tail.n > 0 ? tail.p : "");
}

static void
end_describe(Ward *w)
{
	char words[400];

	last_words(w, words, sizeof(words));
	if (w->row.signal >= 0)
		snprintf(w->error, sizeof(w->error), "was ended by %s%s", signal_name((int)w->row.signal), words);
	else
		snprintf(w->error, sizeof(w->error), "ended with code %lld%s", (long long)w->row.exit_code, words);
}

/* All that it said has been taken in. */
void
ward_finish_drain(Keeper *k, Ward *w)
{
	bool asked = w->again || !w->wanted;

	for (int i = 0; i < PIECES_MOST && err_read(k, w); i++)
		;
	out_close(k, &w->out);
	out_close(k, &w->err);
	in_close(k, w);
	timers_clear(&k->timers, &w->timer);
	lines_close(&w->lines);
	rotated_close(&w->out_log);
	rotated_close(&w->err_log);
	w->phase = WARD_RESTING;
	w->row.pid = 0;
	w->row.status = str_of("stopped");
	w->row.stopped = clock_wall(k->e->clock);
	w->dirty = true;
	if (w->lost)
		return;
	if (!asked) {
		end_describe(w);
		ward_failed(k, w);
	} else if (w->again && w->wanted) {
		w->row.failures = 0;
		ward_start(k, w, keeper_mono(k) + RESTART_GAP);
	} else {
		log_info("Sensor '%.*s' is stopped", STR_ARG(w->want.ref));
	}
	w->again = false;
}

static void
on_end(Keeper *k, Ward *w)
{
	ChildEnd end;
	int pidfd = w->child.pidfd;
	pid_t pid = w->child.pid;

	if (pidfd < 0)
		return;
	child_signal_tree(pid, w->marker.p, SIGKILL); /* what it started goes with it */
	poll_remove(&k->poll, pidfd);
	if (!child_reap(&w->child, &end))
		return; /* cannot be: its descriptor is readable once it has ended */
	if (k->config.guardian != NULL)
		guardian_forget(k->config.guardian, pid);
	w->row.exit_code = end.signalled ? -1 : end.code;
	w->row.signal = end.signalled ? end.code : -1;
	w->phase = WARD_DRAINING;
	in_close(k, w);
	timers_set(&k->timers, &w->timer, keeper_mono(k) + DRAIN_MOST);
}

void
ward_stop(Keeper *k, Ward *w)
{
	Json line = json_object();
	CLEANUP(arena_done) Arena *a = arena_open();

	if (w->phase != WARD_UP)
		return;
	w->phase = WARD_TERMED;
	if (w->want.lines && w->in >= 0) {
		json_add(a, &line, "type", json_cstr("stop"));
		ward_tell(k, w, &line);
		if (w->say_n == 0)
			in_close(k, w);
	}
	child_signal_tree(w->child.pid, w->marker.p, SIGTERM);
	timers_set(&k->timers, &w->timer, keeper_mono(k) + KILL_AFTER);
}

void
ward_kill(Keeper *k, Ward *w)
{
	if (!ward_alive(w)) {
		timers_clear(&k->timers, &w->timer);
		return;
	}
	w->phase = WARD_KILLED;
	timers_clear(&k->timers, &w->timer);
	child_signal_tree(w->child.pid, w->marker.p, SIGKILL);
}

/* ---- its beginning ---- */

/* The identity on whose behalf it reports. */
bool
ward_token(Keeper *k, Ward *w, Str *ret, Err *err)
{
	Uow *u = k->u;
	IdentityDef d = { .attributes = json_object() }, there;
	DefPut put;

	*ret = (Str){ 0 };
	if (w->want.lines || k->config.access == NULL)
		return true;
	if (!uow_begin(u, err))
		return false;
	d.login = str_fmt(u->arena, "sensor:%.*s", STR_ARG(w->want.ref));
	if (identity_get_login(u->db, u->arena, d.login, &there, err)) {
		d.id = there.id;
	} else {
		if (err->code != ERR_NOT_FOUND)
			return false;
		err_clear(err);
		if (!identity_put(u->db, u->arena, &d, u->now, &put, err))
			return false;
	}
	if (!uow_commit(u, &points_ward, err))
		return false;
	*ret = access_sensor_token(k->config.access, u->arena, d.id, w->want.ref, &w->want.triggers, w->row.instance,
	    (TimeUs)TOKEN_LIFE * US_PER_S);
	return true;
}

/* The child lives now. */
static bool
ward_watch(Keeper *k, Ward *w, Err *err)
{
	w->end_source = (Source){ w, on_end };
	w->in_source = (Source){ w, on_in };
	w->out_source = (Source){ w, on_out };
	w->err_source = (Source){ w, on_err };
	return poll_add(&k->poll, w->child.pidfd, &w->end_source, err) &&
	       poll_add(&k->poll, w->out, &w->out_source, err) && poll_add(&k->poll, w->err, &w->err_source, err);
}

static void
ward_begin(Keeper *k, Ward *w)
{
	Err err = { 0 };
	Str token;

	if (!ward_token(k, w, &token, &err)) {
		uow_abort(k->u);
		ward_start(
		    k, w, keeper_mono(k) + US_PER_S); /* the database is away: that is no failure of the sensor */
		return;
	}
	w->row.restarts += w->started_mono != 0;
	w->started_mono = keeper_mono(k);
	w->row.started = clock_wall(k->e->clock);
	w->row.next_restart = 0;
	w->again = false;
	w->dirty = true;
	w->tail_n = 0;
	w->said_bad = 0;
	w->bad_since = 0;
	if (!ward_launch(k, w, token, &err)) {
		snprintf(w->error, sizeof(w->error), "cannot be started: %.500s", err.text);
		out_close(k, &w->out);
		out_close(k, &w->err);
		fd_done(&w->in);
		rotated_close(&w->out_log);
		rotated_close(&w->err_log);
		w->row.exit_code = w->row.signal = -1;
		ward_failed(k, w);
		return;
	}
	w->phase = WARD_UP;
	w->row.pid = w->child.pid;
	w->row.status = str_of("starting");
	if (!ward_watch(k, w, &err)) {
		log_warn("sensor '%.*s': %s", STR_ARG(w->want.ref), err.text);
		ward_kill(k, w);
		return;
	}
	log_info("Sensor '%.*s' started (pid %lld, %lld rules)", STR_ARG(w->want.ref), (long long)w->child.pid,
	    (long long)w->want.rules.n);
	if (w->want.lines)
		ward_tell_start(k, w);
	timers_set(&k->timers, &w->timer, w->started_mono + SETTLED);
}

static void
up_timer(Keeper *k, Ward *w, TimeUs now)
{
	TimeUs age = now - w->started_mono;

	ward_running(w);
	if (age >= calm && w->row.failures > 0) {
		w->row.failures = 0;
		w->error[0] = '\0';
		w->dirty = true;
	}
	if (age >= token_used_up && !w->want.lines) {
		log_info("sensor '%.*s' is started anew, for its token ends soon", STR_ARG(w->want.ref));
		w->again = true;
		ward_stop(k, w);
		return;
	}
	if (age < calm)
		timers_set(&k->timers, &w->timer, w->started_mono + calm);
	else if (!w->want.lines)
		timers_set(&k->timers, &w->timer, w->started_mono + token_used_up);
}

void
ward_timer(Keeper *k, Ward *w, TimeUs now)
{
	switch (w->phase) {
	case WARD_RESTING:
		if (w->held && w->wanted && !w->lost)
			ward_begin(k, w);
		break;
	case WARD_UP: up_timer(k, w, now); break;
	case WARD_TERMED:
		log_warn("sensor '%.*s' did not end within 5 s and is killed", STR_ARG(w->want.ref));
		ward_kill(k, w);
		break;
	case WARD_DRAINING:
		if (k->away || w->lines.whole > 0) {
			timers_set(&k->timers, &w->timer, now + DRAIN_MOST);
			break;
		}
		out_close(k, &w->out); /* somebody beyond our reach holds it open */
		lines_end(&w->lines);
		break;
	case WARD_KILLED: break;
	}
}
