#include "runtime/interpreters.h"

#include <sys/stat.h>
#include <unistd.h>

Str
interpreters_search_path(const Interpreters *in)
{
	return str_none(in->path) || in->path.n == 0 ? str_of(RUN_PATH) : in->path;
}

static bool
is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

Str
interpreter_find(Arena *a, const Interpreters *in, Str binary)
{
	Str rest = interpreters_search_path(in), folder, named = json_as_str(json_get_str(in->named, binary));

	if (named.n > 0)
		return str_copy(a, named);
	if (binary.n == 0 || memchr(binary.p, '/', binary.n) != NULL)
		return str_copy(a, binary);
	while (str_cut(&rest, ':', &folder)) {
		Str path = str_fmt(a, "%.*s/%.*s", STR_ARG(folder), STR_ARG(binary));

		if (folder.n > 0 && is_program(path.p))
			return path;
	}
	return (Str){ 0 };
}
