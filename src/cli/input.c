#include "cli/input.h"

#include "base/yaml.h"
#include "os/fs.h"

#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

enum { INPUT_MAX = 64 * 1024 * 1024, LINE_MAX_BYTES = 4096 };

static bool
read_all(Cli *c, FILE *in, Str *ret, Err *err)
{
	Buf b = buf_open(c->a);

	if (in == NULL)
		return err_set(err, ERR_INVALID, "there is no standard input to read from");
	for (;;) {
		char *room = buf_room(&b, 65536);
		size_t n = fread(room, 1, 65536, in);

		if (n == 0)
			break;
		b.n += n;
		if (b.n > INPUT_MAX)
			return err_set(err, ERR_TOO_LARGE, "standard input is larger than %d bytes", INPUT_MAX);
	}
	*ret = buf_str(&b);
	return true;
}

bool
cli_text_of(Cli *c, Str given, Str *ret, Err *err)
{
	if (str_is(given, "-") || str_is(given, "@-"))
		return read_all(c, c->io->in, ret, err);
	if (given.n > 1 && given.p[0] == '@')
		return file_read(c->a, str_cstr(c->a, str_sub(given, 1, given.n)), INPUT_MAX, ret, err);
	*ret = given;
	return true;
}

bool
cli_json_of(Cli *c, const char *what, Str given, Json *ret, Err *err)
{
	bool file = given.n > 0 && (given.p[0] == '@' || str_is(given, "-"));
	Str text;
	bool fine;

	if (!cli_text_of(c, given, &text, err))
		return err_wrap(err, "%s", what);
	fine = file ? yaml_parse(c->a, str_cstr(c->a, given), text, NULL, ret, err)
		    : json_parse(c->a, text, NULL, ret, err);
	if (!fine)
		err_wrap(err, file ? "%s" : "%s is no JSON", what);
	return fine;
}

bool
cli_opt_json(Cli *c, const char *name, Json *ret, Err *err)
{
	Str text = cli_opt(c, name);
	Json v = json_object();

	if (!str_none(text) && !cli_json_of(c, str_fmt(c->a, "--%s", name).p, text, &v, err))
		return false;
	if (!json_is(&v, JSON_OBJECT))
		return err_set(err, ERR_INVALID, "--%s must be a JSON object", name);
	*ret = v;
	return true;
}

bool
cli_prompt(Cli *c, const char *question, bool secret, Str *ret, Err *err)
{
	struct termios before, unseen;
	char line[LINE_MAX_BYTES];
	bool hidden = false, got;

	if (!c->io->asks)
		return err_set(
		    err, ERR_INVALID, "%s cannot be asked for: this is no terminal. Give it as an option", question);
	if (secret && tcgetattr(STDIN_FILENO, &before) == 0) {
		unseen = before;
		unseen.c_lflag &= ~(tcflag_t)ECHO;
		hidden = tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen) == 0;
	}
	/* after the echo is off: whoever answers at once is neither seen nor lost */
	fprintf(c->io->err, "%s: ", question);
	fflush(c->io->err);
	got = fgets(line, sizeof(line), c->io->in) != NULL;
	if (hidden) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		fputc('\n', c->io->err);
	}
	if (!got)
		return err_set(err, ERR_INVALID, "%s was not given", question);
	line[strcspn(line, "\r\n")] = '\0';
	*ret = str_copy(c->a, str_of(line));
	explicit_bzero(line, sizeof(line));
	return true;
}

bool
cli_sure(Cli *c, Str question)
{
	Str answer;

	if (!c->io->asks || cli_has(c, "yes"))
		return true;
	if (!cli_prompt(c, str_fmt(c->a, "%.*s [y/N]", STR_ARG(question)).p, false, &answer, NULL))
		return false;
	return str_eq_nocase(answer, str_of("y")) || str_eq_nocase(answer, str_of("yes"));
}
