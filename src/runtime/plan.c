#include "runtime/plan.h"

#include "os/fs.h"
#include "runtime/container.h"
#include "runtime/inline.h"

#include <errno.h>
#include <fcntl.h>

typedef struct Builtin {
	const char *runtime;
	const char *binary;
} Builtin;

/* For runtimes whose row says nothing about an interpreter. */
static const Builtin builtins[] = {
	{ "shell", "/bin/bash" },
	{ "python", "python3" },
	{ "nodejs", "node" },
	{ "node", "node" },
};

typedef struct Planning {
	Arena *a;
	const ProcessesConfig *config;
	const RunSpec *spec;
	Str run_dir;
	Plan *plan;
	const Json *interpreter; /* its description, may be NULL */
	bool direct;             /* no interpreter: the file is the program */
} Planning;

static Str
interpreter_binary(const Planning *p)
{
	Str binary = json_get_text(p->interpreter, "binary");

	if (p->interpreter == NULL)
		for (size_t i = 0; i < countof(builtins); i++)
			if (str_is(p->spec->runtime, builtins[i].runtime))
				return str_of(builtins[i].binary);
	return str_none(binary) ? str_of("") : binary;
}

static void
fill_folders(Planning *p)
{
	const RunSpec *s = p->spec;
	Places *at = &p->plan->places;
	Str manifest = json_get_text(json_get(s->runtime_config, "dependencies"), "manifest_file");

	at->pack_dir = str_fmt(p->a, "%.*s/%.*s", STR_ARG(p->config->packs_base_dir), STR_ARG(s->pack_ref));
	at->env_dir =
	    !str_none(s->env_dir)
		? s->env_dir
		: str_fmt(p->a, "%.*s/%.*s/%.*s%s%.*s", STR_ARG(p->config->runtime_envs_dir), STR_ARG(s->pack_ref),
		      STR_ARG(s->runtime), s->runtime_version.n > 0 ? "-" : "", STR_ARG(s->runtime_version));
	at->manifest_path =
	    manifest.n == 0 ? str_of("") : str_fmt(p->a, "%.*s/%.*s", STR_ARG(at->pack_dir), STR_ARG(manifest));
	at->interpreter = at->action_file = str_of("");
}

/* In a container it is the image's; what is nowhere stays as it is, and the start says so. */
static Str
found_interpreter(const Planning *p, Str binary)
{
	Str found = container_wanted(p->spec->runtime_config)
			? (Str){ 0 }
			: interpreter_find(p->a, &p->config->interpreters, binary);

	return str_none(found) ? binary : found;
}

/* The interpreter of the pack's environment when it is there, else the runtime's own. */
static void
choose_interpreter(Planning *p)
{
	const Json *environment = json_get(p->spec->runtime_config, "environment");
	Str path = json_get_text(environment, "interpreter_path"), binary = interpreter_binary(p);

	p->direct = binary.n == 0 || str_is(binary, "native") || str_is(binary, "none");
	if (p->direct)
		return;
	p->plan->places.interpreter = found_interpreter(p, places_fill(p->a, &p->plan->places, binary));
	if (path.n == 0 || str_is(json_get_text(environment, "env_type"), "none"))
		return;
	path = places_fill(p->a, &p->plan->places, path);
	if (path.n > 0 && path.p[0] != '/')
		path = str_fmt(p->a, "%.*s/%.*s", STR_ARG(p->plan->places.env_dir), STR_ARG(path));
	if (file_exists(path.p))
		p->plan->places.interpreter = path;
}

/* A pack's name comes from a row and is used as a folder: it must be one. */
static bool
check_names(const Planning *p, Err *err)
{
	Str pack = p->spec->pack_ref, entry = p->spec->entrypoint;

	if (pack.n == 0 || pack.p[0] == '.' || memchr(pack.p, '/', pack.n) != NULL ||
	    memchr(pack.p, '\0', pack.n) != NULL)
		return err_set(err, ERR_INVALID, "'%.*s' cannot be the folder of a pack", STR_ARG(pack));
	if (entry.n == 0)
		return err_set(err, ERR_INVALID, "'%.*s' has no entry point", STR_ARG(p->spec->action_ref));
	if (memchr(entry.p, '\0', entry.n) != NULL)
		return err_set(
		    err, ERR_INVALID, "the entry point of '%.*s' holds a NUL byte", STR_ARG(p->spec->action_ref));
	return true;
}

/* The pack's folder, and in it the action's file. Both missing is no error here: found says it. */
static bool
find_file(Planning *p, bool *ret_found, Err *err)
{
	CLEANUP(fd_done) int pack = open(p->plan->places.pack_dir.p, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(fd_done) int file = -1;
	int failed = pack < 0 ? errno : 0;
	const char *folder = p->spec->folder == NULL ? "actions" : p->spec->folder;
	Str name = str_fmt(p->a, "%s/%.*s", folder, STR_ARG(p->spec->entrypoint));
	Err why = { 0 };

	*ret_found = false;
	p->plan->cwd = pack < 0 ? p->run_dir.p : p->plan->places.pack_dir.p;
	if (failed == ENOENT || failed == ENOTDIR)
		return true;
	if (pack < 0)
		return err_sys(err, failed, "open '%s'", p->plan->places.pack_dir.p);
	if (open_beneath(pack, name.p, O_PATH, &file, &why)) {
		*ret_found = true;
		p->plan->places.action_file = str_fmt(p->a, "%s/%s", p->plan->places.pack_dir.p, name.p);
		return true;
	}
	if (why.code == ERR_NOT_FOUND)
		return true;
	if (why.code == ERR_FORBIDDEN)
		return err_set(err, ERR_FORBIDDEN, "entry point '%.*s' leads out of pack '%.*s'",
		    STR_ARG(p->spec->entrypoint), STR_ARG(p->spec->pack_ref));
	*err = why;
	return false;
}

static bool
missing(const Planning *p, Err *err)
{
	Str entry = str_sub(p->spec->entrypoint, 0, 200);

	return err_set(err, ERR_NOT_FOUND, "entry point '%.*s' of %s '%.*s' not found in pack '%.*s'", STR_ARG(entry),
	    p->spec->folder == NULL ? "action" : "sensor", STR_ARG(p->spec->action_ref), STR_ARG(p->spec->pack_ref));
}

/* Relative to the pack's folder, where inline code runs: "scripts/x.sh" there is a command, not a missing file. */
static bool
is_command_in_pack(const Planning *p)
{
	return file_exists(str_fmt(p->a, "%s/%.*s", p->plan->cwd, STR_ARG(p->spec->entrypoint)).p);
}

static const InlineKind *
inline_of(const Planning *p)
{
	const InlineKind *kind = p->direct ? NULL : inline_kind(p->spec->runtime);

	if (kind == NULL || !inline_looks_like_file(kind, p->spec->entrypoint) || is_command_in_pack(p))
		return kind;
	return NULL;
}

/* The interpreter, its arguments, the file: unless an argument already names the file. */
static void
make_argv(Planning *p, const InlineKind *kind)
{
	const Json *args = json_get(p->interpreter, "args");
	size_t n = 0, count = json_is(args, JSON_ARRAY) ? args->n : 0;
	const char **argv = arena_array(p->a, const char *, count + INLINE_ARGS + 3);
	bool named = false;
	size_t at;

	argv[n++] = p->direct ? p->plan->places.action_file.p : p->plan->places.interpreter.p;
	for (size_t i = 0; i < count && !p->direct; i++) {
		Str arg = json_as_str(json_at(args, i));

		named = named || str_find(arg, str_of("{action_file}"), &at);
		argv[n++] = places_fill(p->a, &p->plan->places, arg).p;
	}
	if (kind != NULL)
		inline_plan(p->a, kind, p->spec, p->run_dir, p->plan, argv, &n);
	else if (!p->direct && !named)
		argv[n++] = p->plan->places.action_file.p;
	p->plan->program = argv[0];
	p->plan->argv = argv;
}

bool
plan_make(Arena *a, const ProcessesConfig *config, const RunSpec *spec, Str run_dir, Plan *ret, Err *err)
{
	const InlineKind *kind = NULL;
	Planning p = { .a = a, .config = config, .spec = spec, .run_dir = run_dir, .plan = ret };
	bool found;

	*ret = (Plan){ 0 };
	p.interpreter = json_get(spec->runtime_config, "interpreter");
	if (!check_names(&p, err))
		return false;
	fill_folders(&p);
	choose_interpreter(&p);
	if (container_wanted(spec->runtime_config) && !container_plan(a, config, spec, ret, err))
		return false;
	if (!find_file(&p, &found, err))
		return false;
	if (ret->argv != NULL) /* the entry point was the image */
		return true;
	if (!found && (kind = inline_of(&p)) == NULL)
		return missing(&p, err);
	make_argv(&p, kind);
	return true;
}
