#include "runtime/seed_kinds.h"

#include "inside/seed.h"
#include "os/fs.h"
#include "runtime/scripts.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_WORDS = 8, PYVENV_MOST = 64 << 10, PROGRAM_MOST = 64 << 20 };

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
is_python(const char *path)
{
	return strncmp(last_part(path), "python", 6) == 0;
}

static bool
has_variable_like(const SpawnSpec *spec, const char *const *heads, size_t n)
{
	for (size_t i = 0; spec->envp[i] != NULL; i++)
		if (begins_as_one_of(spec->envp[i], heads, n))
			return true;
	return false;
}

/* ---- of what ---- */

static bool
is_named(Arena *a, const Json *named, const char *real)
{
	for (size_t i = 0; json_is(named, JSON_OBJECT) && i < named->n; i++) {
		char *one = realpath(str_cstr(a, json_as_str(&named->members[i].value)), NULL);
		bool same = one != NULL && strcmp(one, real) == 0;

		free(one);
		if (same)
			return true;
	}
	return false;
}

static bool
is_beneath(const char *path, Str folder)
{
	char *real = folder.n == 0 ? NULL : realpath(folder.p, NULL);
	size_t n = real == NULL ? 0 : strlen(real);
	bool ret = n > 0 && strncmp(path, real, n) == 0 && path[n] == '/';

	free(real);
	return ret;
}

/* Wherever links lead. */
static const char *
installed(Arena *a, const ProcessesConfig *config, const char *path)
{
	static const char *const places[] = { "/usr/", "/bin/", "/sbin/" };
	char *real = realpath(path, NULL);
	bool ok = real != NULL &&
		  (begins_as_one_of(real, places, countof(places)) || is_named(a, config->interpreters.named, real));
	const char *ret;

	ok = ok && !is_beneath(real, config->packs_base_dir) && !is_beneath(real, config->runtime_envs_dir);
	ret = ok ? str_cstr(a, str_of(real)) : NULL;
	free(real);
	return ret;
}

/* The same program in the folder from which a Python environment was made, as the file beside or above its programs says. */
static const char *
origin(Arena *a, const char *path)
{
	static const char *const places[] = { "pyvenv.cfg", "../pyvenv.cfg" };
	Str text, line, key;
	int folder = (int)(last_part(path) - path);

	for (size_t i = 0; i < countof(places); i++) {
		if (!file_read_regular(a, str_fmt(a, "%.*s%s", folder, path, places[i]).p, PYVENV_MOST, &text, NULL))
			continue;
		while (str_cut(&text, '\n', &line))
			if (str_cut(&line, '=', &key) && str_is(str_trim(key), "home"))
				return str_fmt(a, "%.*s/%s", STR_ARG(str_trim(line)), last_part(path)).p;
	}
	return NULL;
}

const char *
seed_program(Arena *a, const SeedKind *of, const ProcessesConfig *config, const char *path)
{
	const char *ret = installed(a, config, path);
	const char *first = ret == NULL && of->takes_copies ? origin(a, path) : NULL;

	return first == NULL ? ret : installed(a, config, first);
}

bool
file_mark_of(const char *path, FileMark *ret)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	*ret = (FileMark){ st.st_dev, st.st_ino, st.st_ctim };
	return true;
}

bool
file_mark_same(const FileMark *a, const FileMark *b)
{
	return a->device == b->device && a->number == b->number && a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

bool
seed_is_copy(const char *path, const char *of)
{
	Arena *a = arena_open();
	Str x, y;
	bool ret = file_read_regular(a, path, PROGRAM_MOST, &x, NULL) &&
		   file_read_regular(a, of, PROGRAM_MOST, &y, NULL) && str_eq(x, y);

	arena_close(a);
	return ret;
}

/* ---- what stands before its main() ---- */

static bool
start_serves(const SpawnSpec *spec)
{
	/* whose whole start is in their main(): before it they have no threads, and look at nothing that differs between runs */
	static const char *const known[] = { "bash", "sh", "dash", "perl" };
	/* what the dynamic linker and the C library read before main(): a seed has read its own already */
	static const char *const heads[] = { "LD_", "GLIBC_", "MALLOC_", "GCONV_", "LOCPATH=", "ATTUNE_SEED=" };

	return strchr(spec->path, '/') != NULL &&
	       (is_one_of(last_part(spec->path), known, countof(known)) || is_python(spec->path)) &&
	       spec->cwd != NULL && !has_variable_like(spec, heads, countof(heads));
}

static void
start_key(Buf *b, const SpawnSpec *spec)
{
	(void)b;
	(void)spec;
}

static const char *const *
start_argv(Arena *a, const char *program, const SpawnSpec *like)
{
	const char **argv = arena_array(a, const char *, 2);

	(void)like;
	argv[0] = program;
	return argv;
}

static bool
start_keeps(const char *variable)
{
	(void)variable;
	return false;
}

const SeedKind seed_of_start = { SEED_VARIABLE SEED_NOW, false, start_serves, start_key, start_argv, start_keeps };

/* ---- Python ---- */

static bool
is_plain_flag(const char *arg)
{
	static const char *const flags[] = { "-u", "-B", "-E", "-s", "-O", "-OO", "-b", "-bb", "-q" };

	return is_one_of(arg, flags, countof(flags));
}

/* A start may have these: of others, some name code that would run in the seed, which stands outside of the walls. */
static bool
is_known_variable(const char *variable)
{
	static const char *const known[] = { "PYTHONPATH=", "PYTHONUNBUFFERED=", "PYTHONDONTWRITEBYTECODE=",
		"PYTHONIOENCODING=", "PYTHONUTF8=", "PYTHONHASHSEED=", "PYTHONNOUSERSITE=", "PYTHONOPTIMIZE=",
		"PYTHONFAULTHANDLER=", "PYTHONSAFEPATH=", "PYTHONBREAKPOINT=", "PYTHONNODEBUGRANGES=" };

	return strncmp(variable, "PYTHON", 6) != 0 || begins_as_one_of(variable, known, countof(known));
}

/* python [flags] script.py */
static bool
python_serves(const SpawnSpec *spec)
{
	static const char *const heads[] = { "LD_", "ATTUNE_SEED=" };
	size_t n = 0;

	if (!is_python(spec->path) || spec->cwd == NULL)
		return false;
	while (spec->argv[n] != NULL)
		n++;
	if (n < 2 || n > KEY_WORDS || spec->argv[n - 1][0] != '/' ||
	    !str_ends(str_of(spec->argv[n - 1]), str_of(".py")))
		return false;
	for (size_t i = 1; i + 1 < n; i++)
		if (!is_plain_flag(spec->argv[i]))
			return false;
	for (size_t i = 0; spec->envp[i] != NULL; i++)
		if (!is_known_variable(spec->envp[i]))
			return false;
	return !has_variable_like(spec, heads, countof(heads));
}

/* What the interpreter looks at when it starts, but for PYTHONPATH: that is the pack's, and waits for the run. */
static bool
python_keeps(const char *variable)
{
	static const char *const heads[] = { "PYTHON", "LC_", "LANG", "TZ=", "MALLOC_", "GLIBC_",
		"PATH=", "ATTUNE_WORKER=", "__PYVENV" };

	return begins_as_one_of(variable, heads, countof(heads)) && strncmp(variable, "PYTHONPATH=", 11) != 0;
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
python_argv(Arena *a, const char *program, const SpawnSpec *like)
{
	const char **argv;
	size_t n = 0;

	while (like->argv[n] != NULL)
		n++;
	argv = arena_array(a, const char *, n + 4);
	argv[0] = program;
	for (size_t i = 1; i + 1 < n; i++)
		argv[i] = str_cstr(a, str_of(like->argv[i]));
	argv[n - 1] = "-S";
	argv[n] = "-c";
	argv[n + 1] = forkserver_text;
	argv[n + 2] = str_cstr(a, str_of(like->path));
	return argv;
}

const SeedKind seed_of_python = { SEED_VARIABLE SEED_LATER, true, python_serves, python_key, python_argv,
	python_keeps };
