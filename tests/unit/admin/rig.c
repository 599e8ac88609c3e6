#include "rig.h"

#include "admin/run.h"
#include "os/fs.h"
#include "test.h"

#include <stdlib.h>

enum { WORDS_MOST = 16 };

Said
tool_says(Arena *a, const char *const *words)
{
	char *argv[WORDS_MOST + 1] = { NULL };
	char *out_text = NULL, *complaint_text = NULL;
	size_t out_n = 0, complaint_n = 0;
	FILE *out = open_memstream(&out_text, &out_n), *complaints = open_memstream(&complaint_text, &complaint_n);
	int argc = 0;
	Said said;

	CHECK(out != NULL && complaints != NULL);
	for (; words[argc] != NULL && argc < WORDS_MOST; argc++)
		argv[argc] = strdup(words[argc]);
	said.code = admin_run(argc, argv, out, complaints);
	fclose(out);
	fclose(complaints);
	said.out = str_copy(a, (Str){ out_text, out_n });
	said.complaint = str_copy(a, (Str){ complaint_text, complaint_n });
	free(out_text);
	free(complaint_text);
	while (argc > 0)
		free(argv[--argc]);
	return said;
}

Json
said_json(Arena *a, const Said *s)
{
	Json v;
	Err err = { 0 };

	CHECK_OK(json_parse(a, s->out, NULL, &v, &err), err);
	return v;
}

bool
said_has(Str text, const char *part)
{
	size_t at;

	return str_find(text, str_of(part), &at);
}

Str
rig_folder(Arena *a)
{
	Err err = { 0 };
	Str path;

	CHECK_OK(dir_private(a, "/tmp", "attune-test", &path, &err), err);
	return path;
}

void
rig_folder_done(Str *path)
{
	CHECK(tree_remove(path->p));
}
