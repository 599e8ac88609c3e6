#include "base/crash.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = {
	"ingest.before_commit",
	"ingest.after_commit",
	"ingest.after_publish",
	"enforce.before_commit",
	"enforce.after_commit",
	"enforce.after_publish",
	"presence.before_commit",
	"presence.after_commit",
	"ward.before_commit",
	"ward.after_commit",
	"ward.after_publish",
	"access.before_commit",
	"access.after_commit",
	"create.before_commit",
	"create.after_commit",
	"create.after_publish",
	"define.before_commit",
	"define.after_commit",
	"define.after_publish",
	"schedule.before_commit",
	"schedule.after_commit",
	"schedule.after_publish",
	"step.before_commit",
	"step.after_commit",
	"step.after_publish",
	"worker.before_commit",
	"worker.after_commit",
	"worker.before_claim",
	"worker.after_claim",
	"worker.before_spawn",
	"worker.after_spawn",
	"worker.before_end",
	"worker.after_end",
	"worker.after_publish",
	"complete.before_commit",
	"complete.after_commit",
	"complete.after_publish",
	"cancel.before_commit",
	"cancel.after_commit",
	"cancel.after_publish",
	"sweep.before_commit",
	"sweep.after_commit",
	"sweep.after_publish",
	"window.before_commit",
	"window.after_commit",
	"window.after_publish",
};

#if defined(__SANITIZE_ADDRESS__) || !defined(__OPTIMIZE__)
enum { ALWAYS_CHECK = 1 }; /* builds for tests refuse an unlisted name even when nothing is armed */
#else
enum { ALWAYS_CHECK = 0 };
#endif

/* What the process is to do at its points: set before threads start, but for the counts. */
typedef struct Crash {
	atomic_bool armed;
	CrashHook *hook;
	void *self;
	int die_at;           /* index of names, with die_after > 0 */
	atomic_int die_after; /* passes left until death; 0: never */
	const char *log;
	atomic_bool passed[countof(names)];
} Crash;

static Crash crash = { .armed = ALWAYS_CHECK };

static int
index_of(const char *name, size_t n)
{
	for (size_t i = 0; i < countof(names); i++)
		if (strlen(names[i]) == n && memcmp(names[i], name, n) == 0)
			return (int)i;
	fprintf(stderr, "attune: crash point '%.*s' is not in the list\n", (int)n, name);
	abort();
}

static void
note_pass(const char *name)
{
	char line[80];
	int n = snprintf(line, sizeof(line), "%s\n", name);
	int fd = open(crash.log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, line, (size_t)n) != n)
		perror(crash.log);
	if (fd >= 0)
		close(fd);
}

static void
armed_point(const char *name)
{
	int at = index_of(name, strlen(name));

	if (crash.log != NULL && !atomic_exchange(&crash.passed[at], true))
		note_pass(name);
	if (crash.hook != NULL)
		crash.hook(crash.self, name);
	if (atomic_load(&crash.die_after) > 0 && crash.die_at == at && atomic_fetch_sub(&crash.die_after, 1) == 1)
		kill(getpid(), SIGKILL); /* not exit: nothing may be tidied up */
}

void
crash_point(const char *name)
{
	if (__builtin_expect(atomic_load_explicit(&crash.armed, memory_order_relaxed), 0))
		armed_point(name);
}

static void
arm(void)
{
	bool armed = ALWAYS_CHECK || crash.hook != NULL || crash.log != NULL || atomic_load(&crash.die_after) > 0;

	atomic_store(&crash.armed, armed);
}

void
crash_hook(CrashHook *hook, void *self)
{
	crash.hook = hook;
	crash.self = self;
	arm();
}

void
crash_from_env(void)
{
	const char *point = getenv("ATTUNE_CRASH_POINT");
	const char *log = getenv("ATTUNE_CRASH_LOG");

	if (log != NULL && *log != '\0')
		crash.log = log;
	if (point != NULL && *point != '\0') {
		size_t n = strcspn(point, ":");
		int passes = point[n] == ':' ? atoi(point + n + 1) : 1;

		crash.die_at = index_of(point, n);
		atomic_store(&crash.die_after, passes < 1 ? 1 : passes);
	}
	arm();
}

const char *const *
crash_points(size_t *ret_count)
{
	*ret_count = countof(names);
	return names;
}
