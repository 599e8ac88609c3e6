#include "os/fs.h"
#include "test.h"

#include <stdlib.h>
#include <sys/wait.h>

/* What core.echo prints when its standard input is this. */
static Str
echoed(Arena *a, Str dir, Str input)
{
	Str in = str_fmt(a, "%.*s/in", STR_ARG(dir)), out = str_fmt(a, "%.*s/out", STR_ARG(dir)), got;
	Err err = { 0 };
	int status;

	CHECK_OK(file_write(in.p, input, 0600, &err), err);
	status = system(
	    str_fmt(a, "/bin/bash '" ATTUNE_SOURCE_ROOT "/packs/core/actions/echo.sh' < '%s' > '%s' 2>&1", in.p, out.p)
		.p);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK_OK(file_read(a, out.p, 1 << 20, &got, &err), err);
	return got;
}

static Str
quoted(Arena *a, Str value)
{
	Buf b = buf_open(a);

	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '\'')
			buf_text(&b, "'\\''");
		else
			buf_char(&b, value.p[i]);
	}
	return buf_str(&b);
}

TEST(core_echo_prints_any_message_as_it_is)
{
	static const char *const messages[] = { "hello, world", "", "it's", "'", "''", "'\\''",
		"\\n %s $(id) `id` \"x\" *", "two\nlines\n", "a=b\nmessage='other'\nc", "  blanks  ",
		"gr\xc3\xbc\xc3\x9f", "-n", "\\", "=" };
	Arena *a = arena_open();
	Err err = { 0 };
	Str dir;

	CHECK_OK(dir_private(a, "/tmp", "attune-echo", &dir, &err), err);
	for (size_t i = 0; i < countof(messages); i++) {
		Str m = str_of(messages[i]);
		Str input = str_fmt(a, "a.b='x'\nmessage='%.*s'\nzoo='y'\n", STR_ARG(quoted(a, m)));

		CHECK_STR(echoed(a, dir, input), str_fmt(a, "%.*s\n", STR_ARG(m)));
	}
	CHECK_STR(echoed(a, dir, str_of("")), str_of("\n"));
	CHECK_STR(echoed(a, dir, str_of("\n")), str_of("\n"));
	CHECK_STR(echoed(a, dir, str_of("other='message'\n")), str_of("\n"));
	CHECK_STR(echoed(a, dir, str_of("no parameters at all")), str_of("\n"));
	CHECK_STR(echoed(a, dir, str_of("message='not closed")), str_of("not closed\n\n"));
	tree_remove(dir.p);
	arena_close(a);
}
