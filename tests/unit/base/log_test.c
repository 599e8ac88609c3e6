#include "base/log.h"

#include "base/json.h"
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* What was logged to the file since it was opened; it is closed and removed. */
static Str
logged(Arena *a, const char *path)
{
	char text[100000];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text));

	log_close();
	close(fd);
	unlink(path);
	CHECK(n >= 0);
	return str_copy(a, (Str){ text, (size_t)n });
}

static const char *
open_log(Arena *a, LogLevel level, LogFormat format)
{
	char *path = (char *)(uintptr_t)str_cstr(a, str_of("/tmp/attune-log-XXXXXX"));
	int fd = mkstemp(path);
	LogConfig config = { .level = level, .format = format, .file = path };
	Err err = { 0 };

	close(fd);
	CHECK_OK(log_open(&config, &err), err);
	return path;
}

TEST(a_json_line_is_one_object_whatever_is_in_it)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	const char *path = open_log(a, LOG_INFO, LOG_AUTO);
	LogField fields[] = { log_str("ref", str_of("core.\"echo\"\n\x1b\xff")), log_int("id", -5),
		log_us("took", 1400) };
	Err err = { 0 };
	Str text;
	Json v;

	log_role("executor");
	log_debug("not wanted");
	log_line(LOG_WARN, fields, countof(fields), "two\nlines of %d", 1);
	log_role(NULL);
	text = logged(a, path);
	CHECK_OK(json_parse(a, text, NULL, &v, &err), err);
	CHECK(memchr(text.p, '\n', text.n) == text.p + text.n - 1);
	CHECK_STR(json_get_text(&v, "level"), str_of("warn"));
	CHECK_STR(json_get_text(&v, "role"), str_of("executor"));
	CHECK_STR(json_get_text(&v, "message"), str_of("two\nlines of 1"));
	CHECK_STR(json_get_text(&v, "ref"), str_of("core.\"echo\"\n\x1b\xef\xbf\xbd"));
	CHECK_INT(json_as_int(json_get(&v, "id"), 0), -5);
	CHECK_INT(json_as_int(json_get(&v, "took"), 0), 1400);
}

TEST(a_pretty_line_is_readable_and_has_no_control_characters)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	const char *path = open_log(a, LOG_INFO, LOG_PRETTY);
	LogField fields[] = { log_str("ref", str_of("core.echo")), log_str("said", str_of("a b\x1b[31m\xc2\x9b")),
		log_int("id", 5), log_us("took", 1400) };
	Str text;

	log_role("worker");
	log_line(LOG_INFO, fields, countof(fields), "done\r\n\x07");
	log_role(NULL);
	text = logged(a, path);
	CHECK(text.n > 13 && text.p[2] == ':' && text.p[8] == '.');
	CHECK_STR(str_sub(text, 12, text.n), str_of(" INFO  worker    done\\x0d\\n\\x07  ref=core.echo  "
						    "said=\"a b\\u001b[31m\\x9b\"  id=5  took=1.4 ms\n"));
}

TEST(levels_are_named_and_hold_back_what_is_below)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	const char *path = open_log(a, LOG_ERROR, LOG_JSON);
	LogLevel level;

	CHECK(!log_wants(LOG_WARN) && log_wants(LOG_ERROR));
	log_debug("d");
	log_info("i");
	log_warn("w");
	CHECK_STR(logged(a, path), str_of(""));
	CHECK(log_level_parse(str_of("WARN"), &level) && level == LOG_WARN);
	CHECK(!log_level_parse(str_of("loud"), &level));
}

TEST(a_log_file_that_cannot_be_opened_is_an_error)
{
	LogConfig config = { .file = "/proc/no/such/file" };
	Err err = { 0 };

	CHECK(!log_open(&config, &err));
	CHECK_INT(err.code, ERR_SYS);
}

static void *
chatter(void *role)
{
	log_role(role);
	for (int i = 0; i < 100; i++)
		log_info("line %d of a thread that is one of several", i);
	return NULL;
}

TEST(lines_of_threads_do_not_mix)
{
	static char roles[4][2] = { "a", "b", "c", "d" };
	CLEANUP(arena_done) Arena *a = arena_open();
	const char *path = open_log(a, LOG_INFO, LOG_JSON);
	pthread_t threads[4];
	Str rest, line;
	int lines = 0;

	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&threads[i], NULL, chatter, roles[i]) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	rest = logged(a, path);
	while (str_cut(&rest, '\n', &line) && line.n > 0) {
		Err err = { 0 };
		Json v;

		CHECK_OK(json_parse(a, line, NULL, &v, &err), err);
		lines++;
	}
	CHECK_INT(lines, 400);
}
