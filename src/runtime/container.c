#include "runtime/container.h"

#include "base/log.h"
#include "base/uuid.h"
#include "os/fs.h"
#include "os/spawn.h"
#include "runtime/homes.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	ARGS_OWN = 56,
	SPARE_S = 15, /* after its time limit, within which the worker ends it: then its engine does */
};

const char *const container_engines[CONTAINER_ENGINES] = { "podman", "docker" };

bool
container_wanted(const Json *runtime_config)
{
	return json_is(json_get(runtime_config, "container"), JSON_OBJECT);
}

/* ---- what runs in it ---- */

/* "image word word": no shell reads it. */
static void
split_entry(Arena *a, Str entry, Plan *plan)
{
	const char **argv = arena_array(a, const char *, entry.n / 2 + 2);
	Str word;
	size_t n = 0;

	while (str_cut(&entry, ' ', &word)) {
		word = str_trim(word);
		if (word.n == 0)
			continue;
		if (str_none(plan->container.image))
			plan->container.image = str_copy(a, word);
		else
			argv[n++] = str_cstr(a, word);
	}
	plan->argv = argv;
}

static bool
find_engine(Arena *a, const ProcessesConfig *config, Plan *plan, Err *err)
{
	for (size_t i = 0; i < CONTAINER_ENGINES; i++) {
		Str found = interpreter_find(a, &config->interpreters, str_of(container_engines[i]));

		plan->container.engine = found.p;
		if (!str_none(found))
			return true;
	}
	return err_set(err, ERR_NOT_FOUND, "neither podman nor docker is in %.*s",
	    STR_ARG(interpreters_search_path(&config->interpreters)));
}

/* Others on this machine may have a worker and a run that are called the same. */
static const char *
container_name(Arena *a, const ProcessesConfig *config, const RunSpec *spec)
{
	enum { ENOUGH = 8 };
	Str chance = uuid_text(a, uuid_new(clock_wall(config->clock)));

	return str_fmt(a, "attune-%.*s-%lld-%d-%.*s", STR_ARG(homes_file_name(a, config->worker_name)),
	    (long long)spec->execution, spec->attempt, STR_ARG(str_sub(chance, chance.n - ENOUGH, chance.n)))
	    .p;
}

bool
container_plan(Arena *a, const ProcessesConfig *config, const RunSpec *spec, Plan *plan, Err *err)
{
	Str image = json_get_text(json_get(spec->runtime_config, "container"), "image");

	if (image.n > 0)
		plan->container.image = str_copy(a, image);
	else
		split_entry(a, spec->entrypoint, plan);
	if (str_none(plan->container.image) || plan->container.image.p[0] == '-')
		return err_set(err, ERR_INVALID, "action '%.*s' names no image to run", STR_ARG(spec->action_ref));
	plan->container.name = container_name(a, config, spec);
	return find_engine(a, config, plan, err);
}

/* ---- the engine's command ---- */

typedef struct Words {
	const char **list;
	size_t n;
} Words;

static void
add(Words *w, const char *word)
{
	w->list[w->n++] = word;
}

static void
add_pair(Words *w, const char *option, const char *value)
{
	add(w, option);
	add(w, value);
}

static void
add_label(Arena *a, Words *w, const char *name, Str value)
{
	add_pair(w, "--label", str_fmt(a, "%s=%.*s", name, STR_ARG(value)).p);
}

static void
add_mount(Arena *a, Words *w, Str folder, bool writable)
{
	if (folder.n > 0 && file_exists(folder.p))
		add_pair(w, "--volume", str_fmt(a, "%s:%s%s", folder.p, folder.p, writable ? "" : ":ro").p);
}

/* These mean something to the client itself, so they go in by value: they are no secrets. */
static bool
is_clients(const char *variable)
{
	return strncmp(variable, "HOME=", 5) == 0 || strncmp(variable, "TMPDIR=", 7) == 0;
}

static void
add_variables(Arena *a, Words *w, const char *const *envp)
{
	for (size_t i = 0; envp[i] != NULL; i++) {
		Str rest = str_of(envp[i]), name;

		if (strncmp(envp[i], "PATH=", 5) == 0 || !str_cut(&rest, '=', &name))
			continue;
		add_pair(w, "--env", is_clients(envp[i]) ? envp[i] : str_cstr(a, name));
	}
}

static size_t
count(const char *const *list)
{
	size_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

static bool
is_called(Str program, const char *name)
{
	return str_is(program, name) ||
	       (str_ends(program, str_of(name)) && program.p[program.n - strlen(name) - 1] == '/');
}

bool
container_engine(const char *program)
{
	return is_called(str_of(program), "podman") || is_called(str_of(program), "docker");
}

const char *const *
container_client(Arena *a, const Interpreters *in, const char *const *envp)
{
	static const char *const own[] = { "HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "DOCKER_HOST",
		"DOCKER_CONFIG", "CONTAINER_HOST", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF" };
	const char **list = arena_array(a, const char *, count(envp) + countof(own) + 2);
	size_t n = 0;

	for (size_t i = 0; envp[i] != NULL; i++)
		if (strncmp(envp[i], "PATH=", 5) != 0 && !is_clients(envp[i]))
			list[n++] = envp[i];
	list[n++] = str_fmt(a, "PATH=%.*s", STR_ARG(interpreters_search_path(in))).p;
	for (size_t i = 0; i < countof(own); i++)
		if (getenv(own[i]) != NULL)
			list[n++] = str_fmt(a, "%s=%s", own[i], getenv(own[i])).p;
	return list;
}

/* Left alone, podman of root asks for more processes than the worker itself may have, which is refused where it may not raise limits.
 * It also lowers its own limit to as many as the kernel can number. */
static void
add_own_processes(Arena *a, Words *w)
{
	unsigned long long most = 32768;
	struct rlimit is;
	Str numbered;

	if (file_read(a, "/proc/sys/kernel/pid_max", 64, &numbered, NULL))
		most = strtoull(str_cstr(a, numbered), NULL, 10);
	if (getrlimit(RLIMIT_NPROC, &is) == 0 && is.rlim_max < most)
		most = is.rlim_max;
	add_pair(w, "--ulimit", str_fmt(a, "nproc=%llu:%llu", most, most).p);
}

/* Of the container as a whole, by its engine. Only podman knows one of time: the worker's own counts, this one is for what lost its
 * worker. */
static void
add_limits(Arena *a, Words *w, const ContainerRun *is, const Plan *plan)
{
	const char *memory = str_fmt(a, "%lldm", (long long)is->of_run.memory_mb).p;
	Str engine = str_of(plan->container.engine);

	if (is->of_run.memory_mb > 0) {
		add_pair(w, "--memory", memory);
		add_pair(w, "--memory-swap", memory); /* memory and swap together: no swap */
	}
	if (is->of_run.processes > 0)
		add_pair(w, "--pids-limit", str_fmt(a, "%lld", (long long)is->of_run.processes).p);
	if (is->of_run.open_files > 0)
		add_pair(w, "--ulimit",
		    str_fmt(a, "nofile=%lld:%lld", (long long)is->of_run.open_files, (long long)is->of_run.open_files)
			.p);
	if (!is_called(engine, "podman"))
		return;
	add_own_processes(a, w);
	if (is->timeout > 0)
		add_pair(w, "--timeout",
		    str_fmt(a, "%lld", (long long)((is->timeout + US_PER_S - 1) / US_PER_S + SPARE_S)).p);
}

static void
add_options(
    Arena *a, Words *w, const ProcessesConfig *config, const RunSpec *spec, const ContainerRun *run, const Plan *plan)
{
	Str network =
	    run->strict ? str_of("none") : json_get_text(json_get(spec->runtime_config, "container"), "network");

	add(w, "run");
	add(w, "--rm");
	add(w, "--interactive");
	add(w, "--init"); /* so that TERM reaches a program that is the first of its container */
	add_pair(w, "--name", plan->container.name);
	add_label(a, w, CONTAINER_WORKER, config->worker_name);
	add_label(a, w, CONTAINER_FOLDER, config->artifacts_dir);
	add_label(a, w, "attune.incarnation", run->incarnation);
	add_pair(w, "--security-opt", "no-new-privileges");
	add_pair(w, "--cap-drop", "ALL");
	add_pair(w, "--user", str_fmt(a, "%u:%u", (unsigned)geteuid(), (unsigned)getegid()).p);
	if (network.n > 0)
		add_pair(w, "--network", str_cstr(a, network));
	add_limits(a, w, run, plan);
}

void
container_wrap(Arena *a, const ProcessesConfig *config, const RunSpec *spec, const ContainerRun *run, Plan *plan,
    const char *const **envp)
{
	const Json *more = json_get(json_get(spec->runtime_config, "container"), "args");
	size_t n = ARGS_OWN + 2 * count(*envp) + count(plan->argv) + (json_is(more, JSON_ARRAY) ? more->n : 0);
	Words w = { arena_array(a, const char *, n), 0 };

	add(&w, plan->container.engine);
	add_options(a, &w, config, spec, run, plan);
	add_mount(a, &w, plan->places.pack_dir, false);
	add_mount(a, &w, plan->places.env_dir, false);
	add_mount(a, &w, run->home, true);
	add_mount(a, &w, run->files, true);
	if (plan->cwd != NULL && file_exists(plan->cwd))
		add_pair(&w, "--workdir", plan->cwd);
	add_variables(a, &w, *envp);
	for (size_t i = 0; json_is(more, JSON_ARRAY) && i < more->n; i++)
		add(&w, str_cstr(a, json_as_str(&more->items[i])));
	add(&w, plan->container.image.p);
	for (size_t i = 0; plan->argv != NULL && plan->argv[i] != NULL; i++)
		add(&w, plan->argv[i]);
	*envp = container_client(a, &config->interpreters, *envp);
	plan->program = plan->container.engine;
	plan->argv = w.list;
}

/* ---- afterwards ---- */

/* Clients that are told to end while they start leave what their engine has begun to make, or is going to: one look is too early. */
static const char remove_one[] =
    "{ for pause in 0 1 3 9 27; do sleep $pause; case $(\"$1\" rm --force \"$2\") in *\"$2\"*) "
    "exit;; esac; done; } >/dev/null 2>&1 &";

/* In the background of a shell that ends at once: an engine takes its time, and the worker has none. */
static void
in_background(Arena *a, const char *const *argv)
{
	static const char *const nothing[] = { NULL };
	CLEANUP(fd_done) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	SpawnSpec spec = { .path = argv[0], .argv = argv, .cwd = "/", .in = null, .out = null, .err = null };
	struct pollfd end;
	ChildEnd ended;
	Child child;
	Err err = { 0 };

	spec.envp = container_client(a, &(Interpreters){ 0 }, nothing);
	if (null < 0 || !spawn(&spec, &child, &err)) {
		log_warn("a container may be left over: %s", err.text);
		return;
	}
	end = (struct pollfd){ .fd = child.pidfd, .events = POLLIN };
	while (!child_reap(&child, &ended))
		(void)poll(&end, 1, -1);
}

void
container_remove(Arena *a, const char *engine, const char *name)
{
	in_background(a, (const char *const[]){ "/bin/sh", "-c", remove_one, "attune", engine, name, NULL });
}
