#include "admin/commands.h"

#include "base/crypto.h"
#include "os/fs.h"
#include "packs/pack.h"

#include <sys/stat.h>

enum { FILE_MOST = 64 * 1024 * 1024, DEPTH_MAX = 16 };

static Json
problem_json(Arena *a, const PackProblem *p)
{
	Json one = json_object();

	json_add(a, &one, "severity", json_cstr(p->fatal ? "error" : "warning"));
	json_add(a, &one, "file", json_str(p->file));
	json_add(a, &one, "line", json_int(p->line));
	json_add(a, &one, "column", json_int(p->column));
	json_add(a, &one, "message", json_str(p->text));
	return one;
}

static void
print_problems(Tool *t, const Pack *pack)
{
	Json all = json_array();

	for (size_t i = 0; i < pack->problem_count; i++) {
		const PackProblem *p = &pack->problems[i];

		if (t->json)
			json_push(t->arena, &all, problem_json(t->arena, p));
		else
			buf_fmt(&t->out, "%s/%.*s:%u:%u: %s: %.*s\n", t->arg, STR_ARG(p->file), p->line, p->column,
			    p->fatal ? "error" : "warning", STR_ARG(p->text));
	}
	if (t->json) {
		json_print_pretty(&t->out, &all);
		buf_char(&t->out, '\n');
	}
}

/* Warnings are shown, errors make it fail. */
bool
pack_lint_run(Tool *t, Err *err)
{
	size_t errors = 0;
	Pack pack = { 0 };
	Err why = { 0 };
	bool fine = pack_load(t->arena, str_of(t->arg), &pack, &why);

	print_problems(t, &pack);
	for (size_t i = 0; i < pack.problem_count; i++)
		errors += pack.problems[i].fatal;
	if (!fine)
		return err_set(err, why.code, errors > 0 ? "%s: %zu error%s" : "%s", errors > 0 ? t->arg : why.text,
		    errors, errors == 1 ? "" : "s");
	if (!t->json)
		buf_fmt(&t->out,
		    "%.*s %.*s is fine (actions %zu, triggers %zu, sensors %zu, rules %zu, runtimes %zu, permission "
		    "sets %zu)\n",
		    STR_ARG(pack.def.ref), STR_ARG(pack.def.version), pack.action_count, pack.trigger_count,
		    pack.sensor_count, pack.rule_count, pack.runtime_count, pack.permission_set_count);
	return true;
}

/* One line per file: its path in the pack, its digest. The digest of these lines is the folder's. */
static bool
add_digests(Tool *t, const char *dir, Str below, unsigned depth, Buf *lines, Err *err)
{
	DirEntry *entries;
	size_t n;

	if (depth > DEPTH_MAX)
		return err_set(err, ERR_INVALID, "'%s' lies deeper than %d folders", dir, DEPTH_MAX);
	if (!dir_list(t->arena, dir, &entries, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		Str name = str_fmt(t->arena, "%.*s%.*s", STR_ARG(below), STR_ARG(entries[i].name)), text;
		const char *path = str_fmt(t->arena, "%s/%.*s", dir, STR_ARG(entries[i].name)).p;

		if (str_is(entries[i].name, ".git"))
			continue;
		if (entries[i].dir) {
			if (!add_digests(t, path, str_fmt(t->arena, "%.*s/", STR_ARG(name)), depth + 1, lines, err))
				return false;
			continue;
		}
		if (!file_read(t->arena, path, FILE_MOST, &text, err))
			return false;
		buf_fmt(lines, "%.*s  %.*s\n", STR_ARG(sha256_hex(t->arena, text)), STR_ARG(name));
	}
	return true;
}

bool
pack_checksum_run(Tool *t, Err *err)
{
	Buf lines = buf_open(t->arena);
	struct stat st;
	Str sum, text;

	if (stat(t->arg, &st) < 0)
		return err_set(err, ERR_NOT_FOUND, "there is no '%s'", t->arg);
	if (S_ISDIR(st.st_mode)) {
		if (!add_digests(t, t->arg, (Str){ "", 0 }, 0, &lines, err))
			return false;
		sum = sha256_hex(t->arena, buf_str(&lines));
	} else {
		if (!file_read(t->arena, t->arg, FILE_MOST, &text, err))
			return false;
		sum = sha256_hex(t->arena, text);
	}
	if (t->json)
		buf_fmt(&t->out, "{\"checksum\": \"sha256:%.*s\"}\n", STR_ARG(sum));
	else
		buf_fmt(&t->out, "sha256:%.*s\n", STR_ARG(sum));
	return true;
}
