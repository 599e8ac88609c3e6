/* How a run begins. */
#include "runtime/run.h"

#include "os/fs.h"
#include "os/guardian.h"
#include "runtime/ahead.h"
#include "runtime/container.h"
#include "runtime/environ.h"
#include "runtime/params.h"
#include "runtime/plan.h"
#include "runtime/seeds.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Launch {
	Processes *p;
	Run *run;
	const RunSpec *spec;
	Plan plan;
	Str parameter_file;
	const char *const *envp;
	SandboxKind kind;
} Launch;

/* In memory, written before the child exists: it can neither block us nor be read by others. */
static bool
stdin_of(const Launch *l, int *ret_fd, Err *err)
{
	Str text = params_document(l->run->a, l->spec->parameter_format, l->spec->params);
	CLEANUP(fd_done) int fd = memfd_create("parameters", MFD_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "memory for the parameters");
	if (!fd_write_all(fd, text, err))
		return err_wrap(err, "parameters");
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, errno, "rewind the parameters");
	*ret_fd = fd_take(&fd);
	return true;
}

static bool
write_parameter_file(Launch *l, Err *err)
{
	if (!str_is(l->spec->parameter_delivery, "file"))
		return true;
	l->parameter_file = str_fmt(l->run->a, "%s/.parameters", l->run->dir.p);
	return file_write(
	    l->parameter_file.p, params_document(l->run->a, l->spec->parameter_format, l->spec->params), 0400, err);
}

static bool
write_plan_files(const Launch *l, Err *err)
{
	for (size_t i = 0; i < l->plan.file_count; i++)
		if (!file_write(l->plan.files[i].path, l->plan.files[i].bytes, 0400, err))
			return false;
	return true;
}

static bool
open_stdin(const Launch *l, int *ret_fd, Err *err)
{
	if (l->plan.stdin_empty || !str_none(l->parameter_file)) {
		*ret_fd = fcntl(l->p->null, F_DUPFD_CLOEXEC, 3);
		return *ret_fd >= 0 || err_sys(err, errno, "stdin");
	}
	return stdin_of(l, ret_fd, err);
}

static bool
open_pipe(int *ret_ours, int *ret_theirs, Err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe");
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK); /* ours only: a child does not expect it of its own */
	*ret_ours = ends[0];
	*ret_theirs = ends[1];
	return true;
}

static void
stamp(const Processes *p, Run *run)
{
	run->started_mono = clock_mono(p->config.clock);
	run->started_at = clock_wall(p->config.clock);
}

static int64_t
limit_of(int64_t asked, int64_t usual)
{
	return asked > 0 ? asked : usual;
}

/* What the kernel counts for a group need not be limited for each process: that would count other things (NPROC: all that the user has). */
static void
set_limits(const Launch *l, SpawnSpec *spec)
{
	const Groups *g = l->p->groups;
	const RunLimits *is = &l->run->limits;

	spec->limits.files = (uint64_t)is->open_files;
	if (g == NULL || !groups_count_memory(g))
		spec->limits.memory = (uint64_t)is->memory_mb << 20;
	if (g == NULL)
		spec->limits.processes = (uint64_t)is->processes;
}

static GroupLimits
group_limits(const Run *run)
{
	return (GroupLimits){ (uint64_t)run->limits.memory_mb << 20, (uint64_t)run->limits.processes };
}

static bool
enclose(Launch *l, SpawnSpec *spec, Err *err)
{
	GroupLimits limits = group_limits(l->run);
	SandboxPlaces places = { .readable = { l->plan.places.pack_dir.p, l->plan.places.env_dir.p },
		.own = l->run->dir.p,
		.files = l->run->files.p };

	set_limits(l, spec);
	if (l->p->groups != NULL) {
		if (!group_take(l->p->groups, &limits, &l->run->group, err))
			return false;
		spec->group = group_folder(l->run->group);
		spec->group_on = true;
	}
	return sandbox_walls_keep(l->p->sandbox, l->kind, &places, &l->run->nest->walled, &spec->confine, err);
}

bool
run_grows(const Processes *p, Str action_ref)
{
	uint64_t h = str_hash(action_ref) | 1;

	return p->grows[h / 2 % GROW_SLOTS] == h;
}

static void
grows_note(Launch *l, bool grows)
{
	uint64_t h = str_hash(l->spec->action_ref) | 1, *at = &l->p->grows[h / 2 % GROW_SLOTS];

	if (grows)
		*at = h;
	else if (*at == h)
		*at = 0;
}

/* By a copy of what is loaded already, or from the program's file. */
static bool
make_process(Launch *l, SpawnSpec *spec, Err *err)
{
	SeedAnswer answer = seeds_grow(l->p->seeds, spec, l->kind, &l->run->child, err);

	grows_note(l, answer == SEED_GROWN);
	if (answer != SEED_NONE)
		return answer == SEED_GROWN;
	if (l->run->held) /* what is started plainly begins at once */
		return err_set(err, ERR_STALE, "it cannot be held");
	if (!sandbox_spawn(l->p->sandbox, l->kind, spec, &l->run->child, err))
		return false;
	seeds_want(l->p->seeds, spec, l->kind);
	return true;
}

static bool
spawn_within(Launch *l, SpawnSpec *spec, Err *err)
{
	bool ok;

	stamp(l->p, l->run); /* before, not after: the parent may be woken when a short child has ended already */
	ok = make_process(l, spec, err);
	if (!ok && l->kind != SANDBOX_OFF && access(spec->path, X_OK) == 0)
		return err_wrap(err,
		    "in its sandbox an action may read and execute only the system, its pack and its environment "
		    "(worker.sandbox_read adds to that)");
	return ok;
}

static bool
began_ahead(Launch *l, SpawnSpec *spec)
{
	AheadWant want = { .spec = spec,
		.limits = group_limits(l->run),
		.kind = l->kind,
		.readable = { l->plan.places.pack_dir.p, l->plan.places.env_dir.p },
		.in = spec->in,
		.in_null = !str_none(l->parameter_file) };

	if (l->run->held || l->p->ahead == NULL || l->plan.file_count > 0 || l->plan.container.engine != NULL)
		return false;
	set_limits(l, spec);
	if (!ahead_try(l->p->ahead, l->run, &want))
		return false;
	stamp(l->p, l->run);
	return true;
}

static bool
spawn_with(Launch *l, int in, Err *err)
{
	CLEANUP(fd_done) int out = -1;
	CLEANUP(fd_done) int errs = -1;
	Run *run = l->run;

	if (!open_pipe(&run->out.fd, &out, err) || !open_pipe(&run->err.fd, &errs, err))
		return false;
	SpawnSpec spec = {
		.path = l->plan.program,
		.argv = l->plan.argv,
		.envp = l->envp,
		.cwd = l->plan.cwd,
		.in = in,
		.out = out,
		.err = errs,
	};
	if (run->held) {
		run->gate = spec.gate = eventfd(0, EFD_CLOEXEC);
		spec.gated = true;
		if (run->gate < 0)
			return err_sys(err, errno, "a gate");
	}
	if (began_ahead(l, &spec))
		return true;
	if (!enclose(l, &spec, err))
		return false;
	/* the spec is whole here: a copy of a seed gets all that it says (seeds.c, inside/child.c) */
	return spawn_within(l, &spec, err);
}

/* What cannot be carried is refused, never changed. */
static bool
check_params(const Launch *l, Err *err)
{
	const RunSpec *s = l->spec;

	if (l->plan.shell_variables)
		return params_fit(l->run->a, s->params, "a shell's variables", "", err);
	return !str_is(s->parameter_format, "dotenv") ||
	       params_fit(l->run->a, s->params, "dotenv", ": use the parameter_format json or yaml", err);
}

/* Limits and walls are its engine's from here on: what the worker starts is only the client, which needs more than a run may take. */
static void
box(Launch *l)
{
	Run *run = l->run;
	ContainerRun boxed = { .of_run = run->limits,
		.timeout = l->spec->timeout,
		.strict = l->kind == SANDBOX_STRICT,
		.home = run->dir,
		.files = run->files,
		.incarnation = l->p->incarnation };

	container_wrap(run->a, &l->p->config, l->spec, &boxed, &l->plan, &l->envp);
	run->engine = l->plan.container.engine;
	run->container = l->plan.container.name;
	run->limits = (RunLimits){ .disk_mb = run->limits.disk_mb }; /* its folders are ours all the same */
	l->kind = SANDBOX_OFF;                                       /* it mounts, and makes namespaces */
}

static bool
start_process(Launch *l, Err *err)
{
	CLEANUP(fd_done) int in = -1;
	Run *run = l->run;
	EnvironFacts facts = { .config = &l->p->config, .spec = l->spec, .places = &l->plan.places };

	if (!(container_wanted(l->spec->runtime_config) ? sandbox_asked : sandbox_kind)(
		l->p->sandbox, l->spec->sandbox, &l->kind, err))
		return false;
	if (!nest_take(
		l->p->nests, run->a, run->execution, l->spec->pack_ref, &run->nest, &run->dir, &run->files, err) ||
	    !plan_make(run->a, &l->p->config, l->spec, run->dir, &l->plan, err))
		return false;
	if (!check_params(l, err) || !write_parameter_file(l, err) || !write_plan_files(l, err))
		return false;
	facts.worker_marker = l->p->worker_marker;
	facts.run_marker = run->marker;
	facts.home = run->dir;
	facts.files = run->files;
	facts.parameter_file = l->parameter_file;
	if (!environ_make(run->a, &facts, &l->envp, err) || !open_stdin(l, &in, err))
		return false;
	if (l->plan.container.engine != NULL)
		box(l);
	run->walled = sandbox_encloses(l->kind);
	return spawn_with(l, in, err);
}

/* The child lives now, so whatever fails from here on must end it, not forget it. */
static void
watch_process(Processes *p, Run *run)
{
	Err err = { 0 };

	if (p->config.guardian != NULL)
		guardian_watch(p->config.guardian, run->child.pid);
	p->spawned = p->spawned || run->group == NULL;
	run->end = (Source){ run, on_child_end };
	run->out_source = run->err_source = (Source){ run, on_output };
	timers_set(&p->timers, &run->timer, run->started_mono + WATCH_AFTER);
	if (poll_add(&p->poll, run->child.pidfd, &run->end, &err))
		return;
	child_kill_group(&run->child);
	while (!child_reap(&run->child, &(ChildEnd){ 0 }))
		usleep(1000);
	run->unstarted = true;
	run->problem = str_copy(run->a, str_of(err.text));
	run_ended(p, run);
}

static void
start_internal(Processes *p, Run *run, const RunSpec *spec)
{
	Str name = spec->entrypoint.n > 0 ? spec->entrypoint : spec->action_ref;
	const InternalAction *action = internal_find(name);
	Internal i = { .a = run->a, .params = spec->params, .out = &run->out, .err = &run->err };

	run->internal = true;
	if (action == NULL) {
		run->unstarted = true;
		run->problem = str_fmt(run->a, "there is no internal action '%.*s' (available: %s)", STR_ARG(name),
		    internal_names(run->a).p);
		run_ended(p, run);
		return;
	}
	action->run(&i);
	run->exit_code = i.exit_code;
	run->afterwards = i.afterwards;
	if (i.call != NULL) {
		run->action = action;
		run_call(p, run, i.call);
		return;
	}
	if (i.wait == 0) {
		run_ended(p, run);
		return;
	}
	run->wait_end = run->started_mono + i.wait;
	timers_set(&p->timers, &run->timer,
	    run->deadline != 0 && run->deadline < run->wait_end ? run->deadline : run->wait_end);
}

/* With its token: who may read what it prints while it runs may not do what it may. */
static Json
its_secrets(Arena *a, const RunSpec *spec)
{
	Json list = json_array();

	if (json_is(spec->secrets, JSON_ARRAY))
		json_push(a, &list, *spec->secrets);
	if (spec->api_token.n > 0)
		json_push(a, &list, json_str(spec->api_token));
	return list;
}

static void
open_stream(const Processes *p, Run *run, const RunSpec *spec, Stream *s, const char *name, size_t usual)
{
	Str base = str_fmt(run->a, "%s/execution_%lld", p->logs_base.p, (long long)spec->execution);
	Json secrets = its_secrets(run->a, spec);

	stream_open(s, run->a, name, str_fmt(run->a, "%s/%s.log", base.p, name).p,
	    (size_t)limit_of(spec->limits.output_bytes, (int64_t)usual), -1);
	s->redact = redact_open(run->a, &secrets); /* one each: it holds back what may still become a secret */
	if (p->config.spill_max == 0)
		return;
	s->spill.most = p->config.spill_max;
	s->spill.ref = str_fmt(run->a, "%.*s.%s.log", STR_ARG(spec->action_ref), name).p;
	s->spill.path = str_fmt(run->a, "%s/%s.whole.log", base.p, name).p;
	s->spill.below = s->spill.path + p->config.artifacts_dir.n + 1;
}

static void
prepare(Processes *p, Run *run, const RunSpec *spec)
{
	Str base = str_fmt(run->a, "%s/execution_%lld", p->logs_base.p, (long long)spec->execution);

	run->output_format = str_copy(run->a, spec->output_format);
	if (!json_is_null(spec->out_schema))
		run->out_schema = json_clone(run->a, spec->out_schema);
	run->result_path = str_fmt(run->a, "%s/result.json", base.p).p;
	run->marker =
	    str_fmt(run->a, "ATTUNE_RUN=%s:%lld:%d", p->incarnation.p, (long long)spec->execution, spec->attempt);
	run->limits = (RunLimits){
		.memory_mb = limit_of(spec->limits.memory_mb, p->config.limits.memory_mb),
		.processes = limit_of(spec->limits.processes, p->config.limits.processes),
		.open_files = limit_of(spec->limits.open_files, p->config.limits.open_files),
		.disk_mb = limit_of(spec->limits.disk_mb, p->config.limits.disk_mb),
	};
	open_stream(p, run, spec, &run->out, "stdout", p->config.stdout_max);
	open_stream(p, run, spec, &run->err, "stderr", p->config.stderr_max);
	run->keep_policy = str_copy(run->a, spec->keep_policy);
	run->keep_limit = spec->keep_limit;
	run->timeout = spec->timeout;
}

void
run_start(Processes *p, Run *run, const RunSpec *given)
{
	RunSpec spec = *given;

	prepare(p, run, given);
	if (run_env(p, run, &spec))
		run_start_now(p, run, &spec);
}

void
run_release(Processes *p, Run *run)
{
	const uint64_t open = 1;

	run->held = false;
	if (run->gate < 0)
		return; /* it waits for its environment */
	stamp(p, run);
	run->deadline = run->timeout > 0 ? run->started_mono + run->timeout : 0;
	timers_set(&p->timers, &run->timer, run->started_mono + WATCH_AFTER);
	(void)!write(run->gate, &open, sizeof(open)); /* it fits */
	fd_done(&run->gate);
}

void
run_start_now(Processes *p, Run *run, const RunSpec *spec)
{
	Launch l = { .p = p, .run = run, .spec = spec };
	Err err = { 0 };
	bool ok = true;

	stamp(p, run);
	run->internal = str_is(spec->runtime, "internal");
	if (!run->internal)
		ok = start_process(&l, &err);
	run->deadline = spec->timeout > 0 ? run->started_mono + spec->timeout : 0;
	if (run->internal) {
		start_internal(p, run, spec);
	} else if (ok) {
		watch_process(p, run);
	} else {
		run->unstarted = true;
		run->problem = str_copy(run->a, str_of(err.text));
		run_ended(p, run);
	}
}
