#include "admin/letters.h"

#include "cli/profile.h"
#include "os/fs.h"

#include <stdlib.h>

enum { PAGE = 1000 };

typedef struct Server {
	CliIo io;
	Cli cli;
	bool named; /* somebody said which */
} Server;

static void
server_done(Server *s)
{
	client_close(s->cli.client);
}

/* The database or the broker was named, which is to be looked at itself. */
static bool
here_named(const Tool *t)
{
	const char *config = getenv("ATTUNE_CONFIG");

	return t->config_file != NULL || t->data_dir != NULL ||
	       (t->api_url == NULL && t->profile == NULL && config != NULL && config[0] != '\0');
}

/* url: of the server, where it is known already */
static bool
server_find(Tool *t, Str url, Server *s, Err *err)
{
	static const Command self = { .words = "dlq" };

	s->io = cli_io(t->arena);
	s->cli = (Cli){ .io = &s->io, .a = t->arena, .kept = t->arena, .command = &self, .url = url };
	s->cli.profile = str_of(t->profile);
	if (!profile_apply(&s->cli, err)) {
		t->wrong_input = err->code == ERR_INVALID;
		return false;
	}
	s->named = url.n > 0 || s->io.api_url != NULL || profile_get(&s->cli, s->cli.profile) != NULL;
	return true;
}

static bool
ask(Tool *t, const char *method, Str path, bool *ret_here, Json *ret, Err *err)
{
	CLEANUP(server_done) Server s = { 0 };

	*ret_here = here_named(t);
	if (*ret_here && t->api_url == NULL && t->profile == NULL)
		return true;
	if (*ret_here) {
		t->wrong_input = true;
		return err_set(err, ERR_INVALID,
		    "either a server (--api-url, --profile) or what lies on this machine (--config, --data-dir): not "
		    "both");
	}
	if (!server_find(t, str_of(t->api_url), &s, err))
		return false;
	if (cli_call(&s.cli, method, path, NULL, ret, err))
		return true;
	*ret_here = err->code == ERR_AWAY && !s.named && file_exists(data_dir_path(t->arena, NULL).p);
	if (*ret_here)
		err_clear(err);
	return *ret_here;
}

static Letter
letter_read(Tool *t, const Json *row)
{
	Letter l = {
		.id = str_copy(t->arena, json_get_text(row, "id")),
		.queue = str_copy(t->arena, json_get_text(row, "queue")),
		.key = str_copy(t->arena, json_get_text(row, "routing_key")),
		.reason = str_copy(t->arena, json_get_text(row, "reason")),
		.body = str_copy(t->arena, json_get_text(row, "body")),
	};

	if (!time_parse(json_get_text(row, "created"), &l.at))
		l.at = 0;
	return l;
}

bool
server_letters(Tool *t, bool *ret_here, Letter **ret, size_t *ret_n, Err *err)
{
	Json rows;

	*ret = arena_array(t->arena, Letter, DEAD_LETTERS_MOST + PAGE);
	*ret_n = 0;
	do {
		Str path = str_fmt(t->arena, "/api/v1/dead-letters?limit=%d&offset=%zu", PAGE, *ret_n);

		if (!ask(t, "GET", path, ret_here, &rows, err))
			return false;
		if (*ret_here)
			return true;
		for (size_t i = 0; i < PAGE && json_at(&rows, i) != NULL; i++)
			(*ret)[(*ret_n)++] = letter_read(t, json_at(&rows, i));
	} while (rows.n == PAGE && *ret_n < DEAD_LETTERS_MOST);
	return true;
}

static Str
letter_path(Tool *t, Uuid id, const char *verb)
{
	return str_fmt(t->arena, "/api/v1/dead-letters/%.*s%s", STR_ARG(uuid_text(t->arena, id)), verb);
}

bool
server_letter(Tool *t, Uuid id, bool *ret_here, Letter *ret, Err *err)
{
	Json row = json_null();

	if (!ask(t, "GET", letter_path(t, id, ""), ret_here, &row, err))
		return false;
	*ret = letter_read(t, &row);
	return true;
}

bool
server_act(Tool *t, Uuid id, DeadAct act, bool *ret_here, Err *err)
{
	const char *verb = act == DEAD_REPLAY ? "/replay" : "";
	Json unused;

	return ask(t, act == DEAD_REPLAY ? "POST" : "DELETE", letter_path(t, id, verb), ret_here, &unused, err);
}

static Str
holder_url(const Tool *t)
{
	const char *given = getenv("ATTUNE_API_URL");
	Str host = config_str(t->config, "server.host");

	if (given != NULL && given[0] != '\0')
		return str_of(given);
	return str_fmt(t->arena, "http://%.*s:%lld", STR_ARG(str_is(host, "0.0.0.0") ? str_of("127.0.0.1") : host),
	    (long long)config_int(t->config, "server.port"));
}

bool
holder_act(Tool *t, Uuid id, DeadAct act, Err *err)
{
	CLEANUP(server_done) Server s = { 0 };
	bool replay = act == DEAD_REPLAY;
	Json unused;

	if (server_find(t, holder_url(t), &s, err) &&
	    cli_call(
		&s.cli, replay ? "POST" : "DELETE", letter_path(t, id, replay ? "/replay" : ""), NULL, &unused, err))
		return true;
	return err->code == ERR_AWAY
		   ? err_wrap(
			 err, "the running `attune up` is asked through its API; ATTUNE_API_URL says where that is")
		   : false;
}
