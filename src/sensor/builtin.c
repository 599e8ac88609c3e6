#include "sensor/builtin.h"

#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ_MOST = 64 * 1024 };

static const struct {
	const char *name;
	int (*run)(void);
} builtins[] = {
	{ "file_watch", file_watch_main },
	{ "poll_http", poll_http_main },
};

int
builtin_main(const char *name)
{
	(void)fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	for (size_t i = 0; name != NULL && i < countof(builtins); i++)
		if (strcmp(builtins[i].name, name) == 0)
			return builtins[i].run();
	fprintf(stderr, "there is no built-in sensor '%s'\n", name == NULL ? "" : name);
	return 2;
}

static void
news_read(News *n)
{
	ssize_t got;

	if (n->ended)
		return;
	if (n->n + READ_MOST > n->cap) {
		n->cap = (n->n + READ_MOST) * 2;
		n->p = realloc(n->p, n->cap);
		if (n->p == NULL)
			abort();
	}
	do
		got = read(STDIN_FILENO, n->p + n->n, READ_MOST);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		n->n += (size_t)got;
	n->ended = got == 0 || (got < 0 && errno != EAGAIN);
}

bool
news_next(News *n, Arena *a, Json *ret)
{
	char *end = n->n == 0 ? NULL : memchr(n->p, '\n', n->n);
	size_t used;
	bool ok;

	if (end == NULL) {
		size_t before = n->n;

		news_read(n);
		end = n->n == before ? NULL : memchr(n->p, '\n', n->n);
		if (end == NULL)
			return false;
	}
	used = (size_t)(end - n->p) + 1;
	ok = json_parse(a, str_copy(a, (Str){ n->p, used - 1 }), NULL, ret, NULL);
	memmove(n->p, n->p + used, n->n - used);
	n->n -= used;
	if (!ok)
		*ret = json_null();
	return true;
}

bool
builtin_emit(const Json *rule, Str trigger_ref, Str key, Json payload)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json line = json_object();
	Buf b = buf_open(a);

	json_add(a, &line, "trigger", json_str(trigger_ref));
	json_add(a, &line, "rule", rule == NULL ? json_null() : *rule);
	if (!str_none(key))
		json_add(a, &line, "key", json_str(key));
	json_add(a, &line, "payload", payload);
	json_print(&b, &line);
	buf_char(&b, '\n');
	return fd_write_all(STDOUT_FILENO, buf_str(&b), NULL);
}
