/*
 * The one binary: `attune COMMAND ...`, or a name of its own for each role (`attune-worker` is `attune worker`).
 */
#include "admin/admin.h"
#include "cli/cli.h"
#include "host/host.h"

#include <stdlib.h>
#include <string.h>

typedef int Run(int argc, char **argv); /* argv[0] is the command's name */

typedef struct Entry {
	const char *name; /* one word, or two when the other words of its family are commands of the client */
	Run *run;
	bool role; /* runs as a service when options or nothing follow; a word after it is a command of the client */
} Entry;

static const Entry entries[] = {
	{ "up", host_main, true },
	{ "api", host_main, true },
	{ "executor", host_main, true },
	{ "worker", host_main, true },
	{ "sensor", host_main, true },
	{ "notifier", host_main, true },
	{ "__sensor", host_sensor_main, false }, /* built-in sensors, started by the sensor role */
	{ "db", admin_main, false },
	{ "bus", admin_main, false },
	{ "dlq", admin_main, false },
	{ "config show", admin_main, false },
	{ "config docs", admin_main, false },
	{ "pack lint", admin_main, false },
	{ "doctor", admin_main, false },
	{ "api-spec", admin_main, false },
};

/* second: the word after it, or NULL */
static const Entry *
entry_find(const char *name, const char *second)
{
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		const char *known = entries[i].name, *blank = strchr(known, ' ');
		size_t n = blank == NULL ? strlen(known) : (size_t)(blank - known);

		if (strlen(name) == n && strncmp(known, name, n) == 0 &&
		    (blank == NULL || (second != NULL && strcmp(blank + 1, second) == 0)))
			return &entries[i];
	}
	return NULL;
}

/* "attune-worker" → its entry, whatever the path. */
static const Entry *
entry_of_program(const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash == NULL ? program : slash + 1;

	return strncmp(name, "attune-", 7) == 0 ? entry_find(name + 7, NULL) : NULL;
}

int
main(int argc, char **argv)
{
	const Entry *e = argc > 0 ? entry_of_program(argv[0]) : NULL;

	if (e != NULL) {
		char *name = strdup(e->name);
		int code;

		argv[0] = name;
		code = e->run(argc, argv);
		free(name);
		return code;
	}
	e = argc > 1 ? entry_find(argv[1], argc > 2 ? argv[2] : NULL) : NULL;
	if (e == NULL || (e->role && argc > 2 && argv[2][0] != '-'))
		return cli_main(argc, argv, host_pack_test);
	return e->run(argc - 1, argv + 1);
}
