/*
 * The loop side of runs: time limits, kills, output, ends. A run's timer always holds the next thing that is due for it.
 */
#include "runtime/processes.h"

#include "os/fs.h"
#include "os/guardian.h"
#include "runtime/ahead.h"
#include "runtime/container.h"
#include "runtime/forgotten.h"
#include "runtime/homes.h"
#include "runtime/run.h"
#include "runtime/seeds.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	READY_BATCH = 64,
	READ_TURN = 1024 * 1024,   /* of one stream at a time, so that a flood does not starve the others */
	READ_LAST = 2 * READ_TURN, /* more than a pipe can hold */
	KILL_AGAIN = US_PER_S,
	CLOSE_TURNS = 100,
	PATIENCE_MS = 50,
};

static Run *
run_find(const Processes *p, Id execution, int attempt)
{
	for (Run *r = p->live.first; r != NULL; r = r->next)
		if (r->execution == execution && r->attempt == attempt)
			return r;
	return NULL;
}

static void
unwatch(Processes *p, Stream *s)
{
	if (s->watched)
		poll_remove(&p->poll, s->fd);
	s->watched = false;
	fd_done(&s->fd);
}

void
run_ended(Processes *p, Run *run)
{
	timers_clear(&p->timers, &run->timer);
	run->phase = PHASE_ENDED;
	run->finished_at = clock_wall(p->config.clock);
	run->duration = clock_mono(p->config.clock) - run->started_mono;
	unwatch(p, &run->out);
	unwatch(p, &run->err);
	disk_forget(p, run);
	if (run->call != NULL)
		outward_drop(p->outward, run->call);
	run->call = NULL;
	if (run->group != NULL)
		run->alone = group_give(p->groups, run->group) && run->walled;
	run->group = NULL;
	if (run->waits_with != NULL)
		p->waiting--;
	run->waits_with = NULL;
	if (run->env.lease >= 0)
		envs_release(p->config.envs, &run->env);
	runs_remove(&p->live, run);
	runs_push(&p->done, run);
}

/* True: somebody still holds the other end. */
static bool
read_stream(Processes *p, Stream *s, size_t most)
{
	if (s->fd >= 0 && !stream_read(s, p->scratch, SCRATCH, most))
		unwatch(p, s);
	return s->fd >= 0;
}

void
on_output(Processes *p, Run *run)
{
	(void)read_stream(p, &run->out, READ_TURN);
	(void)read_stream(p, &run->err, READ_TURN);
}

/* Its group where it has one; else its session, and whatever bears its mark. */
static void
signal_tree(const Run *run, pid_t session, int sig)
{
	if (run->group == NULL && session > 1 && !child_group_left(&run->child))
		child_signal_group(&run->child, sig); /* it was born just now */
	if (run->group == NULL)
		child_signal_tree(session, run->marker.p, sig);
	else
		group_signal(run->group, sig);
	if (run->group != NULL && sig == SIGKILL)
		(void)group_await_empty(run->group, PATIENCE_MS);
}

/* The process has ended and its group was killed. Whoever is left of its tree shows by its group or by holding a pipe; only
 * then is it worth searching all processes for the run's marker. */
static void
end_leftovers(Processes *p, Run *run)
{
	bool held = read_stream(p, &run->out, READ_LAST);

	held = read_stream(p, &run->err, READ_LAST) || held;
	if (run->group != NULL ? group_empty(run->group) : !held && !child_group_left(&run->child))
		return;
	signal_tree(run, 0, SIGKILL);
	on_output(p, run);
}

/* Its group goes first, while the number cannot be another's; a tree that was told to stop is looked for everywhere. */
void
on_child_end(Processes *p, Run *run)
{
	ChildEnd end;

	if (run->phase == PHASE_ENDED)
		return;
	if (run->group == NULL)
		child_kill_group(&run->child);
	if (run->phase != PHASE_RUNNING && run->group == NULL)
		child_signal_tree(run->child.pid, run->marker.p, SIGKILL);
	poll_remove(&p->poll, run->child.pidfd);
	while (!child_reap(&run->child, &end)) /* its descriptor said that it has ended: this does not turn */
		;
	if (p->config.guardian != NULL)
		guardian_forget(p->config.guardian, run->child.pid);
	if (run->container != NULL && (run->phase != PHASE_RUNNING || end.signalled))
		container_remove(run->a, run->engine, run->container);
	end_leftovers(p, run);
	if (run->group != NULL && run->over == NULL && group_out_of_memory(run->group))
		run->over = "memory";
	run->sig = end.signalled ? end.code : 0;
	run->exit_code = end.signalled ? 128 + end.code : end.code;
	run_ended(p, run);
}

static TimeUs
sooner(TimeUs a, TimeUs b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

static void
watch_stream(Processes *p, Stream *s, Source *source)
{
	if (s->fd >= 0 && !s->watched)
		s->watched = poll_add(&p->poll, s->fd, source, NULL);
}

static void
set_timer(Processes *p, Run *run, TimeUs due)
{
	if (due == 0)
		timers_clear(&p->timers, &run->timer);
	else
		timers_set(&p->timers, &run->timer, due);
}

static void
send_kill(Processes *p, Run *run)
{
	run->phase = PHASE_KILLED;
	watch_stream(p, &run->out, &run->out_source);
	watch_stream(p, &run->err, &run->err_source);
	signal_tree(run, run->child.pid, SIGKILL);
	set_timer(p, run, clock_mono(p->config.clock) + KILL_AGAIN);
}

void
run_over(Processes *p, Run *run, const char *what)
{
	run->over = what;
	send_kill(p, run);
}

/* TERM to the whole tree; KILL follows by the timer. */
static void
stop_run(Processes *p, Run *run)
{
	if (run->internal || run->phase == PHASE_WAITING) {
		run_ended(p, run);
		return;
	}
	if (p->config.kill_grace <= 0) {
		send_kill(p, run);
		return;
	}
	run->phase = PHASE_TERMED;
	watch_stream(p, &run->out, &run->out_source);
	watch_stream(p, &run->err, &run->err_source);
	signal_tree(run, run->child.pid, SIGTERM);
	set_timer(p, run, clock_mono(p->config.clock) + p->config.kill_grace);
}

static void
on_answers(void *self)
{
	Processes *p = self;

	poll_wake(&p->poll);
}

void
run_call(Processes *p, Run *run, Call *call)
{
	OutwardConfig config = { .reach = p->config.reach, .ended = on_answers, .self = p };
	Err err = { 0 };

	if (p->outward == NULL && !outward_open(&config, &p->outward, &err)) {
		call_close(call);
		run->unstarted = true;
		run->problem = str_copy(run->a, str_of(err.text));
		run_ended(p, run);
		return;
	}
	call->owner = run;
	run->call = call;
	set_timer(p, run, run->deadline);
	outward_send(p->outward, call);
}

static void
take_answers(Processes *p)
{
	Call *call;

	while (p->outward != NULL && (call = outward_take(p->outward)) != NULL) {
		Run *run = call->owner;
		Internal i = { .a = run->a, .out = &run->out, .err = &run->err };

		run->call = NULL;
		run->action->answered(&i, call);
		run->exit_code = i.exit_code;
		call_close(call);
		run_ended(p, run);
	}
}

static void
internal_due(Processes *p, Run *run, TimeUs now)
{
	if (run->call != NULL || now < run->wait_end) {
		run->timed_out = true;
	} else {
		stream_put(&run->out, run->afterwards);
	}
	run_ended(p, run);
}

static void
running_due(Processes *p, Run *run, TimeUs now)
{
	TimeUs next;

	if (run->internal) {
		internal_due(p, run, now);
		return;
	}
	watch_stream(p, &run->out, &run->out_source);
	watch_stream(p, &run->err, &run->err_source);
	if (run->deadline != 0 && now >= run->deadline) {
		run->timed_out = true;
		stop_run(p, run);
		return;
	}
	if (watch_over(p, run, now)) {
		run_over(p, run, run->over);
		return;
	}
	next = sooner(run->deadline, watch_next(p, run, now));
	if (now < run->started_mono + SHOW_AFTER) {
		watch_offer(run);
		set_timer(p, run, sooner(next, run->started_mono + SHOW_AFTER));
		return;
	}
	stream_show(&run->out);
	stream_show(&run->err);
	set_timer(p, run, next);
}

static void
kill_due(Processes *p, Run *run, TimeUs now)
{
	(void)now;
	send_kill(p, run);
}

static void (*const due[])(Processes *p, Run *run, TimeUs now) = {
	[PHASE_RUNNING] = running_due,
	[PHASE_WAITING] = running_due, /* no timer is set then */
	[PHASE_TERMED] = kill_due,
	[PHASE_KILLED] = kill_due,
};

static void
run_timers(Processes *p)
{
	TimeUs now = clock_mono(p->config.clock);
	Timer *t;

	while ((t = timers_take(&p->timers, now)) != NULL) {
		Run *run = t->owner;

		due[run->phase](p, run, now);
	}
}

/* What else has its times: servers and seeds that nobody uses, and the disk. */
static TimeUs
next_look(Processes *p)
{
	TimeUs now = clock_mono(p->config.clock);
	TimeUs kept = sooner(seeds_tick(p->seeds, now), ahead_tick(p->ahead, now));

	return sooner(kept, disk_tick(p, now));
}

/* Whatever is ready, then what is due. True: poll_wake was called. Runs are freed in ended() only, so an owner that comes
 * out of the same batch after its run has ended is still there. */
static bool
turn(Processes *p, TimeUs timeout)
{
	void *ready[READY_BATCH];
	bool woken;
	size_t n = poll_wait(&p->poll, timeout, ready, READY_BATCH, &woken);

	for (size_t i = 0; i < n; i++) {
		Source *s = ready[i];

		if (s->other != NULL)
			s->other(p, s->self);
		else
			s->ready(p, s->run);
	}
	take_answers(p);
	run_timers(p);
	p->look = next_look(p);
	return woken;
}

static bool
processes_start(Starter *s, const RunSpec *spec, Err *err)
{
	Processes *p = (Processes *)s;
	Run *run;

	if (run_find(p, spec->execution, spec->attempt) != NULL)
		return err_set(err, ERR_CONFLICT, "attempt %d of execution %lld runs already", spec->attempt,
		    (long long)spec->execution);
	run = run_take(p);
	run->execution = spec->execution;
	run->attempt = spec->attempt;
	runs_push(&p->live, run);
	run_start(p, run, spec);
	return true;
}

static void give_back(Processes *p, Run *run);

/* As if it had never been: nothing of its action has run. */
static void
held_forget(Processes *p, Run *run)
{
	ChildEnd end;

	if (run->phase == PHASE_RUNNING) {
		child_kill(&run->child);
		poll_remove(&p->poll, run->child.pidfd);
		while (!child_reap(&run->child, &end))
			usleep(100);
		if (p->config.guardian != NULL)
			guardian_forget(p->config.guardian, run->child.pid);
	}
	if (run->phase != PHASE_ENDED)
		run_ended(p, run);
	fd_done(&run->gate);
	runs_remove(&p->done, run);
	give_back(p, run);
	run_recycle(p, run);
}

static void
processes_ready(Starter *s, const RunSpec *spec)
{
	Processes *p = (Processes *)s;
	Run *run;

	if (!run_grows(p, spec->action_ref) || str_is(spec->runtime, "internal") ||
	    run_find(p, spec->execution, spec->attempt) != NULL)
		return;
	run = run_take(p);
	run->execution = spec->execution;
	run->attempt = spec->attempt;
	run->held = true;
	runs_push(&p->live, run);
	run_start(p, run, spec);
	if (run->phase == PHASE_ENDED) /* why it cannot is told when it is started */
		held_forget(p, run);
}

static bool
processes_go(Starter *s, Id execution, int attempt)
{
	Processes *p = (Processes *)s;
	Run *run = run_find(p, execution, attempt);

	if (run == NULL || !run->held)
		return false;
	run_release(p, run);
	return true;
}

static void
processes_drop(Starter *s, Id execution, int attempt)
{
	Processes *p = (Processes *)s;
	Run *run = run_find(p, execution, attempt);

	if (run != NULL && run->held)
		held_forget(p, run);
}

static void
processes_cancel(Starter *s, Id execution, int attempt)
{
	Processes *p = (Processes *)s;
	Run *run = run_find(p, execution, attempt);

	if (run == NULL || (run->phase != PHASE_RUNNING && run->phase != PHASE_WAITING))
		return;
	run->cancelled = true;
	stop_run(p, run);
}

static RunOutcome
outcome_of(const Run *run)
{
	if (run->unstarted)
		return RUN_UNSTARTED;
	if (run->timed_out)
		return RUN_TIMED_OUT;
	if (run->cancelled)
		return RUN_CANCELLED;
	if (run->over != NULL)
		return RUN_OVER;
	return run->exit_code == 0 ? RUN_SUCCEEDED : RUN_FAILED;
}

static void
keep_file(const Processes *p, Arena *a, const Run *run, const Stream *s, RunEnd *ret)
{
	if (s->spill.there)
		ret->kept.files[ret->kept.n++] = (KeptFile){ .artifact = str_copy(a, str_of(s->spill.ref)),
			.root = p->config.artifacts_dir,
			.path = str_copy(a, str_of(s->spill.below)),
			.bytes = (int64_t)s->spill.stored,
			.retention_policy = str_copy(a, run->keep_policy),
			.retention_limit = run->keep_limit };
}

static void
describe(Processes *p, Arena *a, Run *run, RunEnd *ret)
{
	Report report = {
		.outcome = outcome_of(run),
		.exit_code = run->exit_code,
		.sig = run->sig,
		.duration = run->duration,
		.timeout = run->timeout,
		.over = run->over,
		.limits = &run->limits,
		.output_format = run->output_format,
		.out_schema = &run->out_schema,
		.secrets = &ret->secrets,
		.problem = run->problem,
		.out = &run->out,
		.err = &run->err,
		.inline_output = p->config.inline_output,
		.result_path = run->result_path,
	};

	*ret = (RunEnd){
		.execution = run->execution,
		.attempt = run->attempt,
		.outcome = report.outcome,
		.started_at = run->started_at,
		.finished_at = run->finished_at,
	};
	ret->result = result_make(a, &report);
	keep_file(p, a, run, &run->out, ret);
	keep_file(p, a, run, &run->err, ret);
}

/* Only now, for its logs lie beside what it has left. */
static void
give_back(Processes *p, Run *run)
{
	if (run->nest != NULL)
		nest_give(p->nests, run->a, run->nest, run->alone, run->out.has_file || run->err.has_file);
	run->nest = NULL;
}

static size_t
processes_ended(Starter *s, Arena *a, RunEnd *ret, size_t max)
{
	Processes *p = (Processes *)s;
	size_t n = 0;

	if (p->waiting > 0)
		runs_look(p);
	if (p->live.n > 0)
		p->woken = turn(p, 0) || p->woken;
	while (n < max && p->done.first != NULL) {
		Run *run = p->done.first;

		runs_remove(&p->done, run);
		describe(p, a, run, &ret[n++]);
		give_back(p, run);
		run_recycle(p, run);
	}
	return n;
}

static void
processes_sleep(Starter *s, TimeUs until)
{
	Processes *p = (Processes *)s;
	TimeUs now, next;

	while (p->done.n == 0 && !p->woken) {
		now = clock_mono(p->config.clock);
		if (until != 0 && now >= until)
			return;
		next = sooner(sooner(until, p->look), timers_next(&p->timers));
		p->woken = turn(p, next == 0 ? -1 : next > now ? next - now : 0);
	}
	p->woken = false;
}

static Str
processes_full(Starter *s)
{
	return disk_full((Processes *)s);
}

static void
processes_wake(Starter *s)
{
	poll_wake(&((Processes *)s)->poll);
}

static size_t
processes_running(const Starter *s)
{
	return ((const Processes *)s)->live.n;
}

/* All groups first, then one search for the rest: not one search for each. */
static void
processes_kill_all(Starter *s)
{
	Processes *p = (Processes *)s;
	TimeUs now = clock_mono(p->config.clock);
	Run *next;

	for (Run *run = p->live.first; run != NULL; run = next) {
		next = run->next;
		run->cancelled = run->cancelled || !run->timed_out;
		if (run->internal || run->phase == PHASE_WAITING) {
			run_ended(p, run);
			continue;
		}
		run->phase = PHASE_KILLED;
		if (run->group == NULL)
			child_kill_group(&run->child);
		else
			group_signal(run->group, SIGKILL);
		set_timer(p, run, now + KILL_AGAIN);
	}
	if (p->spawned)
		child_signal_tree(0, p->worker_marker.p, SIGKILL);
}

static void
processes_tidy(Starter *s)
{
	Processes *p = (Processes *)s;

	p->forgotten = forgotten_begin(p);
}

/* Nothing of ours outlives us, also what called setsid after its run had ended well. */
static void
processes_close(Starter *s)
{
	Processes *p = (Processes *)s;

	if (p->config.envs != NULL)
		envs_changed(p->config.envs, NULL, NULL);
	processes_kill_all(s);
	for (int i = 0; i < CLOSE_TURNS && p->live.n > 0; i++)
		(void)turn(p, US_PER_S);
	outward_close(p->outward);
	forgotten_end(p, p->forgotten);
	p->forgotten = NULL;
	ahead_close(p->ahead);
	p->ahead = NULL;
	seeds_close(p->seeds);
	p->seeds = NULL;
	isolation_close(p);
	nests_close(p->nests);
	if (p->home_base.n > 0)
		(void)tree_remove(p->home_base.p);
	runs_free(&p->live); /* stuck in the kernel: it dies when it comes back */
	runs_free(&p->done);
	runs_free(&p->spare);
	tally_end(&p->disk.tally);
	arena_close(p->disk.a);
	timers_close(&p->timers);
	poll_close(&p->poll);
	fd_done(&p->null);
	free(p->scratch);
	arena_close(p->a);
	free(p);
}

static const Starter face = {
	.start = processes_start,
	.ready = processes_ready,
	.go = processes_go,
	.drop = processes_drop,
	.cancel = processes_cancel,
	.ended = processes_ended,
	.sleep = processes_sleep,
	.wake = processes_wake,
	.running = processes_running,
	.full = processes_full,
	.tidy = processes_tidy,
	.kill_all = processes_kill_all,
	.close = processes_close,
};

/* The guardian looks for the variable it was given; without one, we still look for our own at the end. */
static void
make_markers(Processes *p)
{
	const char *given = p->config.guardian == NULL ? "" : guardian_marker(p->config.guardian);
	Str rest, name;

	if (given[0] != '\0')
		p->worker_marker = str_copy(p->a, str_of(given));
	else
		p->worker_marker =
		    str_fmt(p->a, "ATTUNE_WORKER=%s", uuid_text(p->a, uuid_new(clock_wall(p->config.clock))).p);
	rest = p->worker_marker;
	p->incarnation = str_cut(&rest, '=', &name) ? rest : p->worker_marker;
}

static void
set_up(Processes *p, const ProcessesConfig *config)
{
	ProcessesConfig *c = &p->config;

	*c = *config;
	c->packs_base_dir = str_copy(p->a, config->packs_base_dir);
	c->runtime_envs_dir = str_copy(p->a, config->runtime_envs_dir);
	c->artifacts_dir = str_copy(p->a, config->artifacts_dir);
	c->run_base = str_copy(p->a, config->run_base);
	c->worker_name = str_copy(p->a, config->worker_name);
	c->api_url = str_copy(p->a, config->api_url);
	c->interpreters.path =
	    str_none(c->interpreters.path) ? c->interpreters.path : str_copy(p->a, c->interpreters.path);
	c->cgroup = str_copy(p->a, config->cgroup);
	p->logs_base = str_fmt(p->a, "%s/%s", c->artifacts_dir.p, homes_file_name(p->a, c->worker_name).p);
	make_markers(p);
}

size_t
processes_forked(const Starter *s)
{
	return ((const Processes *)s)->forked;
}

size_t
processes_ahead(const Starter *s)
{
	return ((const Processes *)s)->ahead_used;
}

size_t
processes_grown(const Starter *s)
{
	return ((const Processes *)s)->grown;
}

static void
envs_wake(void *self)
{
	poll_wake(&((Processes *)self)->poll);
}

bool
processes_open(const ProcessesConfig *config, Starter **ret, Err *err)
{
	Processes *p = calloc(1, sizeof(*p));

	if (p == NULL || (p->scratch = malloc(SCRATCH)) == NULL)
		abort();
	p->face = face;
	p->a = arena_open();
	p->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	set_up(p, config);
	if (!poll_open(&p->poll, err)) {
		fd_done(&p->null);
		free(p->scratch);
		arena_close(p->a);
		free(p);
		return false;
	}
	if (p->null < 0 || !homes_open(p->a, &p->config, &p->home_base, err)) {
		processes_close(&p->face);
		return err->code != ERR_NONE ? false : err_sys(err, errno, "open /dev/null");
	}
	if (p->config.envs != NULL)
		envs_changed(p->config.envs, envs_wake, p);
	p->nests = nests_open(p->a, p->config.clock, p->home_base, p->logs_base);
	isolation_open(p);
	if (p->config.seeds || p->config.warm)
		p->seeds = seeds_open(p);
	if (p->config.warm)
		p->ahead = ahead_open(p);
	*ret = &p->face;
	return true;
}
