/*
 * A file and, behind a line of "===", variables of the environment without their ATTUNE__. Whatever is accepted gives every setting
 * an origin and a value that its own check accepts again; whatever is refused is refused in a sentence.
 */
#include "base/codec.h"
#include "base/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VARIABLES_MOST = 20 };

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static char **
environment(Arena *a, Str lines)
{
	char **env = arena_array(a, char *, VARIABLES_MOST + 1);
	size_t n = 0;
	Str line, text;

	while (n < VARIABLES_MOST && str_cut(&lines, '\n', &line)) {
		text = str_fmt(a, "ATTUNE__%.*s", STR_ARG(line));
		env[n++] = arena_copy(a, text.p, text.n + 1);
	}
	return env;
}

static void
check_settings(Arena *a, const Config *c)
{
	const char *const *warnings;
	size_t n = config_warnings(c, &warnings);

	for (size_t i = 0; i < setting_count; i++) {
		const Setting *s = &settings[i];
		const char *origin = config_origin(c, s->key);
		const Json *v = config_json(c, s->key);
		Json shown = config_public(a, c, s), again;
		Err err = { 0 };

		must(origin != NULL && *origin != '\0');
		must(json_parse(a, json_text(a, &shown), NULL, &again, &err));
		if (!json_is_null(v))
			must(setting_value(a, s, v, &again, &err) && json_eq(v, &again));
	}
	for (size_t i = 0; i < n; i++)
		must(utf8_valid(str_of(warnings[i])));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str text = str_copy(a, (Str){ (const char *)data, size }), mark = str_of("\n===\n"), file = text;
	ConfigSource src = { .data_dir = "/data" };
	int fd = memfd_create("config", MFD_CLOEXEC);
	Err err = { 0 };
	Config *c;
	size_t at;

	if (str_find(text, mark, &at)) {
		file = str_sub(text, 0, at);
		src.env = environment(a, str_sub(text, at + mark.n, text.n));
	}
	must(fd >= 0 && write(fd, file.p, file.n) == (ssize_t)file.n);
	src.file = str_fmt(a, "/proc/self/fd/%d", fd).p;
	if (config_load(a, &src, &c, &err))
		check_settings(a, c);
	else
		must(err.code == ERR_INVALID && err.text[0] != '\0' && utf8_valid(str_of(err.text)));
	close(fd);
	return 0;
}
