#include "runtime/seed_kinds.h"

#include "inside/seed.h"
#include "runtime/scripts.h"

#include <string.h>

enum { KEY_WORDS = 8 };

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static bool
is_one_of(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(text, list[i]) == 0)
			return true;
	return false;
}

static bool
begins_as_one_of(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(text, list[i], strlen(list[i])) == 0)
			return true;
	return false;
}

static bool
has_variable_like(const SpawnSpec *spec, const char *const *heads, size_t n)
{
	for (size_t i = 0; spec->envp[i] != NULL; i++)
		if (begins_as_one_of(spec->envp[i], heads, n))
			return true;
	return false;
}

/* ---- what stands before its main() ---- */

static bool
start_serves(const SpawnSpec *spec)
{
	/* whose whole start is in their main(): before it they have no threads, and look at nothing that differs between runs */
	static const char *const known[] = { "bash", "sh", "dash", "perl" };
	/* what the dynamic linker and the C library read before main(): a seed has read its own already */
	static const char *const heads[] = { "LD_", "GLIBC_", "MALLOC_", "GCONV_", "LOCPATH=", "ATTUNE_SEED=" };

	return strchr(spec->path, '/') != NULL && is_one_of(last_part(spec->path), known, countof(known)) &&
	       spec->cwd != NULL && !has_variable_like(spec, heads, countof(heads));
}

static void
start_key(Buf *b, const SpawnSpec *spec)
{
	(void)b;
	(void)spec;
}

static const char *const *
start_argv(Arena *a, const SpawnSpec *like)
{
	const char **argv = arena_array(a, const char *, 2);

	argv[0] = str_cstr(a, str_of(like->path));
	return argv;
}

static bool
start_keeps(const char *variable)
{
	(void)variable;
	return false;
}

const SeedKind seed_of_start = { SEED_VARIABLE SEED_NOW, start_serves, start_key, start_argv, start_keeps };

/* ---- Python ---- */

static bool
is_plain_flag(const char *arg)
{
	static const char *const flags[] = { "-u", "-B", "-E", "-s", "-S", "-O", "-OO", "-b", "-bb", "-q" };

	return is_one_of(arg, flags, countof(flags));
}

/* python [flags] script.py */
static bool
python_serves(const SpawnSpec *spec)
{
	static const char *const heads[] = { "LD_", "ATTUNE_SEED=" };
	size_t n = 0;

	if (strncmp(last_part(spec->path), "python", 6) != 0 || spec->cwd == NULL)
		return false;
	while (spec->argv[n] != NULL)
		n++;
	if (n < 2 || n > KEY_WORDS || spec->argv[n - 1][0] != '/' ||
	    !str_ends(str_of(spec->argv[n - 1]), str_of(".py")))
		return false;
	for (size_t i = 1; i + 1 < n; i++)
		if (!is_plain_flag(spec->argv[i]))
			return false;
	return !has_variable_like(spec, heads, countof(heads));
}

/* What the interpreter looks at when it starts. */
static bool
python_keeps(const char *variable)
{
	static const char *const heads[] = { "PYTHON", "LC_", "LANG", "TZ=", "MALLOC_", "GLIBC_",
		"PATH=", "ATTUNE_WORKER=", "__PYVENV" };

	return begins_as_one_of(variable, heads, countof(heads));
}

static void
python_key(Buf *b, const SpawnSpec *spec)
{
	for (size_t i = 1; spec->argv[i] != NULL && spec->argv[i + 1] != NULL; i++)
		buf_fmt(b, "%s\n", spec->argv[i]);
	for (size_t i = 0; spec->envp[i] != NULL; i++)
		if (python_keeps(spec->envp[i]))
			buf_fmt(b, "%s\n", spec->envp[i]);
}

static const char *const *
python_argv(Arena *a, const SpawnSpec *like)
{
	const char **argv;
	size_t n = 0;

	while (like->argv[n] != NULL)
		n++;
	argv = arena_array(a, const char *, n + 2);
	for (size_t i = 0; i + 1 < n; i++)
		argv[i] = str_cstr(a, str_of(like->argv[i]));
	argv[n - 1] = "-c";
	argv[n] = forkserver_text;
	return argv;
}

const SeedKind seed_of_python = { SEED_VARIABLE SEED_LATER, python_serves, python_key, python_argv, python_keeps };
