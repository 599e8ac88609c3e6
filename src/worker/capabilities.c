#include "worker/capabilities.h"

#include "base/log.h"
#include "model/choice.h"
#include "runtime/processes.h"
#include "store/runtime.h"

/* The first number with a dot in what an interpreter printed: "Python 3.11.2" → "3.11.2". */
static Str
version_in(Arena *a, Str text)
{
	for (size_t i = 0; i < text.n; i++) {
		size_t end = i;
		bool dot = false;

		if (text.p[i] < '0' || text.p[i] > '9')
			continue;
		while (end < text.n && ((text.p[end] >= '0' && text.p[end] <= '9') || text.p[end] == '.'))
			dot |= text.p[end++] == '.';
		if (dot)
			return str_copy(a, str_sub(text, i, text.p[end - 1] == '.' ? end - 1 : end));
		i = end;
	}
	return (Str){ 0 };
}

static bool
wanted(const WorkerConfig *config, Arena *a, Str name)
{
	if (config->runtimes == NULL || config->runtimes->kind != JSON_ARRAY || config->runtimes->n == 0)
		return true;
	for (size_t i = 0; i < config->runtimes->n; i++)
		if (str_eq(runtime_alias(a, json_as_str(&config->runtimes->items[i])), runtime_alias(a, name)))
			return true;
	return false;
}

/* Runs the interpreter once. A runtime without one (native, internal) is always there. */
static bool
there(Arena *a, const RuntimeDef *r, Str *ret_version)
{
	const Json *interpreter = json_get(&r->execution_config, "interpreter");
	Str binary = json_get_text(interpreter, "binary");
	Json args = json_array();
	Str output;
	Err err = { 0 };

	*ret_version = (Str){ 0 };
	if (str_none(binary) || binary.n == 0 || str_is(binary, "native") || str_is(binary, "none"))
		return true;
	json_push(a, &args, json_cstr("--version"));
	if (!runtime_probe(a, binary, &args, &output, &err)) {
		log_debug("runtime '%.*s' is not offered: %s", STR_ARG(r->name), err.text);
		return false;
	}
	*ret_version = version_in(a, output);
	return true;
}

static void
runtimes_find(const WorkerConfig *config, Arena *a, const RuntimeDef *rows, size_t n, Json *names, Json *versions)
{
	for (size_t i = 0; i < n; i++) {
		Str name = str_lower(a, rows[i].name);
		Json list = json_array();
		Str version;

		if (!wanted(config, a, name) || !there(a, &rows[i], &version))
			continue;
		json_push(a, names, json_str(name));
		if (str_none(version))
			continue;
		json_push(a, &list, json_str(version));
		json_set_str(a, versions, runtime_alias(a, name), list);
	}
}

bool
capabilities_find(Uow *u, const WorkerConfig *config, Arena *a, Json *ret, Err *err)
{
	DefFilter all = { 0 };
	RuntimeDef *rows;
	size_t n;
	Json names = json_array(), versions = json_object();

	if (!runtime_list(u->db, a, &all, &rows, &n, NULL, err))
		return err_wrap(err, "which runtimes are there");
	runtimes_find(config, a, rows, n, &names, &versions);
	*ret = json_object();
	json_add(a, ret, "runtimes", names);
	json_add(a, ret, "runtime_versions", versions);
	json_add(a, ret, "max_concurrent_executions", json_int(config->slots));
	json_add(a, ret, "worker_version", json_cstr(ATTUNE_VERSION));
	if (config->labels != NULL && config->labels->kind == JSON_OBJECT)
		json_add(a, ret, "labels", json_clone(a, config->labels));
	if (config->taints != NULL && config->taints->kind == JSON_ARRAY)
		json_add(a, ret, "taints", json_clone(a, config->taints));
	log_info("Registered runtimes: %.*s", STR_ARG(json_text(a, &names)));
	return true;
}
