#include "host/options.h"

#include "base/log.h"
#include "bus/topics.h"

#include <stddef.h>
#include <stdio.h>

typedef struct Command {
	const char *name;
	unsigned roles;
	bool up;
	const char *help;
} Command;

static const Command commands[] = {
	{ "up", 1u << ROLE_API | 1u << ROLE_EXECUTOR | 1u << ROLE_WORKER | 1u << ROLE_SENSOR | 1u << ROLE_NOTIFIER,
	    true, "everything in one process, with a data directory of its own" },
	{ "api", 1u << ROLE_API, false, "the REST API" },
	{ "executor", 1u << ROLE_EXECUTOR, false, "turns enforcements into executions and gives them to workers" },
	{ "worker", 1u << ROLE_WORKER, false, "runs actions" },
	{ "sensor", 1u << ROLE_SENSOR, false, "runs timers and sensors, reports events" },
	{ "notifier", 1u << ROLE_NOTIFIER, false, "tells people and programs of changes while they happen" },
};

typedef struct Option {
	const char *word, *brief; /* --config, -c */
	size_t at;                /* offset of its value in HostOptions */
	bool flag;                /* no value follows */
	bool only_up;
	const char *value, *help;
} Option;

static const Option options[] = {
	{ "--config", "-c", offsetof(HostOptions, config_file), false, false, "FILE", "read this file and no other" },
	{ "--name", NULL, offsetof(HostOptions, name), false, false, "NAME", "of this worker or process" },
	{ "--log-level", NULL, offsetof(HostOptions, log_level), false, false, "LEVEL", "debug, info, warn or error" },
	{ "--port", NULL, offsetof(HostOptions, port), false, false, "N", "of the API; 0 takes a free one" },
	{ "--no-migrate", NULL, offsetof(HostOptions, no_migrate), true, false, NULL,
	    "refuse a database that is not up to date" },
	{ "--data-dir", NULL, offsetof(HostOptions, data_dir), false, true, "DIR", "where everything is kept" },
	{ "--demo", NULL, offsetof(HostOptions, demo), true, true, NULL, "switch on the rule core.timer_echo" },
	{ "--help", "-h", offsetof(HostOptions, help), true, false, NULL, "this text" },
};

static const Option *
option_find(const char *word, size_t n)
{
	for (size_t i = 0; i < countof(options); i++) {
		const Option *o = &options[i];

		if ((strlen(o->word) == n && strncmp(o->word, word, n) == 0) ||
		    (o->brief != NULL && strlen(o->brief) == n && strncmp(o->brief, word, n) == 0))
			return o;
	}
	return NULL;
}

static bool
option_take(HostOptions *ret, int argc, char **argv, int *at, Err *err)
{
	const char *word = argv[*at];
	const char *equals = word[0] == '-' && word[1] == '-' ? strchr(word, '=') : NULL;
	const Option *o = option_find(word, equals == NULL ? strlen(word) : (size_t)(equals - word));
	char *field;

	if (o == NULL || (o->only_up && !ret->up))
		return err_set(err, ERR_INVALID, "attune %s does not know '%s': see attune %s --help", ret->command,
		    word, ret->command);
	field = (char *)ret + o->at;
	if (o->flag) {
		*(bool *)field = true;
		return true;
	}
	if (equals == NULL && *at + 1 >= argc)
		return err_set(err, ERR_INVALID, "%s wants a value: %s %s", word, o->word, o->value);
	*(const char **)field = equals != NULL ? equals + 1 : argv[++*at];
	return true;
}

/* The configuration would find it too, but this is how the command was called. */
static bool
values_check(const HostOptions *o, Err *err)
{
	LogLevel level;
	int64_t port;

	if (o->port != NULL && (!str_to_int(str_of(o->port), &port) || port < 0 || port > UINT16_MAX))
		return err_set(err, ERR_INVALID, "--port is a number from 0 to 65535, not '%s'", o->port);
	if (o->log_level != NULL && !log_level_parse(str_of(o->log_level), &level))
		return err_set(err, ERR_INVALID, "--log-level is debug, info, warn or error, not '%s'", o->log_level);
	return true;
}

bool
host_options(int argc, char **argv, HostOptions *ret, Err *err)
{
	*ret = (HostOptions){ 0 };
	for (size_t i = 0; i < countof(commands); i++) {
		if (strcmp(argv[0], commands[i].name) != 0)
			continue;
		ret->command = commands[i].name;
		ret->roles = commands[i].roles;
		ret->up = commands[i].up;
	}
	if (ret->command == NULL)
		return err_set(err, ERR_INVALID, "'%s' is no role", argv[0]);
	for (int i = 1; i < argc; i++)
		if (!option_take(ret, argc, argv, &i, err))
			return false;
	return values_check(ret, err);
}

void
host_usage(const HostOptions *o, Buf *b)
{
	for (size_t i = 0; i < countof(commands); i++)
		if (strcmp(commands[i].name, o->command) == 0)
			buf_fmt(b, "attune %s: %s\n\noptions:\n", o->command, commands[i].help);
	for (size_t i = 0; i < countof(options); i++) {
		const Option *p = &options[i];
		char left[48];

		if (p->only_up && !o->up)
			continue;
		snprintf(left, sizeof(left), "%s%s%s%s%s", p->brief == NULL ? "" : p->brief,
		    p->brief == NULL ? "" : ", ", p->word, p->value == NULL ? "" : " ",
		    p->value == NULL ? "" : p->value);
		buf_fmt(b, "  %-24s %s\n", left, p->help);
	}
}
