#include "runtime/forgotten.h"

#include "base/log.h"
#include "os/fs.h"
#include "os/guardian.h"
#include "os/spawn.h"
#include "runtime/container.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct Look {
	Child child; /* pid 0: none */
	Source ended;
} Look;

struct Forgotten {
	Look looks[CONTAINER_ENGINES];
};

/*
 * All but those of the worker itself, which has begun meanwhile. Twice: a client that was killed with the earlier worker may have left
 * its engine about to make one. A client whose engine does not answer has nothing to remove.
 */
static const char remove_all[] =
    "for pause in 0 10; do sleep $pause; found=$(\"$1\" ps --all --filter \"label=" CONTAINER_WORKER
    "=$2\" --filter \"label=" CONTAINER_FOLDER
    "=$3\" --format '{{.ID}} {{.Labels}}') || exit; printf '%s\\n' \"$found\" | while read -r id labels; do "
    "case $id:$labels in :* | *\"$4\"*) ;; *) \"$1\" rm --force \"$id\";; esac; done; done";

/* Also for one that has not ended yet: whatever is left of its session goes with it. */
static void
look_over(Processes *p, void *self)
{
	Look *l = self;
	struct pollfd end = { .fd = l->child.pidfd, .events = POLLIN };
	ChildEnd how;

	if (l->child.pid == 0)
		return;
	child_kill(&l->child);
	child_kill_group(&l->child);
	poll_remove(&p->poll, l->child.pidfd);
	while (!child_reap(&l->child, &how))
		(void)poll(&end, 1, -1);
	if (p->config.guardian != NULL)
		guardian_forget(p->config.guardian, l->child.pid);
	l->child = (Child){ 0 };
}

static void
look_begin(Processes *p, Arena *a, Look *l, Str engine)
{
	static const char *const nothing[] = { NULL };
	const char *const argv[] = { "/bin/sh", "-c", remove_all, "attune", engine.p,
		str_cstr(a, p->config.worker_name), str_cstr(a, p->config.artifacts_dir), str_cstr(a, p->incarnation),
		NULL };
	SpawnSpec spec = { .path = argv[0], .argv = argv, .cwd = "/", .in = p->null, .out = p->null, .err = p->null };
	Child child;
	Err err = { 0 };

	spec.envp = container_client(a, &(Interpreters){ 0 }, nothing);
	if (!spawn(&spec, &child, &err)) {
		log_warn("a container may be left over: %s", err.text);
		return;
	}
	*l = (Look){ .child = child, .ended = { .other = look_over, .self = l } };
	if (p->config.guardian != NULL)
		guardian_watch(p->config.guardian, child.pid);
	if (!poll_add(&p->poll, child.pidfd, &l->ended, &err)) {
		log_warn("a container may be left over: %s", err.text);
		look_over(p, l);
	}
}

Forgotten *
forgotten_begin(Processes *p)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Forgotten *f = NULL;

	for (size_t i = 0; i < CONTAINER_ENGINES; i++) {
		Str engine = interpreter_find(a, &p->config.interpreters, str_of(container_engines[i]));

		if (str_none(engine) || !file_exists(engine.p))
			continue;
		if (f == NULL && (f = calloc(1, sizeof(*f))) == NULL)
			abort();
		look_begin(p, a, &f->looks[i], engine);
	}
	return f;
}

void
forgotten_end(Processes *p, Forgotten *f)
{
	for (size_t i = 0; f != NULL && i < CONTAINER_ENGINES; i++)
		look_over(p, &f->looks[i]);
	free(f);
}
