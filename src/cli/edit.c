#include "cli/input.h"

#include "base/yaml.h"
#include "os/foreground.h"

/* Values edited by a person, as YAML, in the editor of their choice. */

enum { EDITED_MOST = 16 << 20 };

/* Without comments and white space nothing is left: then nothing is wanted. */
static bool
is_empty(Str text)
{
	Str line;

	while (str_cut(&text, '\n', &line)) {
		line = str_trim(line);
		if (line.n > 0 && line.p[0] != '#')
			return false;
	}
	return true;
}

static bool
edited(Cli *c, Str *text, Json *ret, Err *err)
{
	Edit e = { .editor = c->io->editor, .name = "parameters.yaml", .most = EDITED_MOST };

	if (!foreground_edit(c->a, &e, text, err))
		return false;
	if (is_empty(*text))
		return err_set(err, ERR_CONFLICT, "nothing was left, so nothing is done");
	if (!yaml_parse(c->a, "parameters", *text, NULL, ret, err))
		return false;
	return json_is(ret, JSON_OBJECT) ||
	       err_set(err, ERR_INVALID, "parameters must be a mapping of names and values");
}

static bool
edit_until_fine(Cli *c, Str text, Json *ret, Err *err)
{
	Str answer;

	while (!edited(c, &text, ret, err)) {
		if (err->code != ERR_INVALID)
			return false;
		fprintf(c->io->err, "%s\n", err->text);
		if (!cli_prompt(c, "Edit it again? [Y/n]", false, &answer, NULL) ||
		    str_eq_nocase(answer, str_of("n")) || str_eq_nocase(answer, str_of("no")))
			return false;
		err_clear(err);
	}
	return true;
}

bool
cli_edit(Cli *c, Str what, Json *value, Err *err)
{
	Buf b = buf_open(c->a);

	if (!c->io->asks)
		return err_set(err, ERR_INVALID,
		    "--interactive opens an editor, and this is no terminal: give --param or --params-json instead");
	buf_fmt(&b, "# %.*s. Saved, it is run with what stands here; an empty file runs nothing.\n", STR_ARG(what));
	if (value->n > 0)
		yaml_print(&b, value);
	return edit_until_fine(c, buf_str(&b), value, err);
}
