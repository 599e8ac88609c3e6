#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/tar.h"

#include "os/fs.h"

#include <sys/stat.h>

static Str
last_part(Arena *a, Str path)
{
	Str part = { 0 }, last = { 0 };

	while (str_cut(&path, '/', &part))
		if (part.n > 0 && !str_is(part, "."))
			last = part;
	return str_copy(a, last);
}

bool
cmd_pack_upload(Cli *c, int *ret_code, Err *err)
{
	const char *path = str_cstr(c->a, c->args[0]);
	HttpPart parts[3] = { { .name = "pack", .file_name = str_of("pack.tar.gz"), .type = "application/gzip" } };
	HttpAsk ask = { .method = "POST", .path = str_of("/api/v1/packs/upload") };
	size_t n = 1;
	HttpReply r;
	struct stat st;
	const Json *data, *warned;

	(void)ret_code;
	if (stat(path, &st) < 0)
		return err_set(err, ERR_INVALID, "there is no '%s'", path);
	if (S_ISDIR(st.st_mode) ? !tar_folder(c->a, path, &parts[0].text, err)
				: !file_read(c->a, path, TAR_MAX, &parts[0].text, err))
		return false;
	if (cli_has(c, "force"))
		parts[n++] = (HttpPart){ .name = "force", .text = str_of("true") };
	if (cli_has(c, "skip-tests"))
		parts[n++] = (HttpPart){ .name = "skip_tests", .text = str_of("true") };
	ask.body = form_body(c->a, parts, n, &ask.type);
	if (!cli_send(c, &ask, &r, err)) {
		if (err->code == ERR_CONFLICT && !cli_has(c, "force"))
			err_set(err, ERR_CONFLICT, "%s: --force writes over it", str_copy(c->a, str_of(err->text)).p);
		return false;
	}
	warned = data = json_get(&r.body, "data");
	if (json_is(json_get(data, "pack"), JSON_OBJECT))
		data = json_get(data, "pack");
	cli_said(c, "Pack {ref} {version} is uploaded.", data != NULL ? data : &r.body);
	out_warnings(c, warned);
	return true;
}

/* A name is one of the server's registries, unless somebody will not have that. */
bool
cmd_pack_install(Cli *c, int *ret_code, Err *err)
{
	Str source = c->args[0];

	if (cli_has(c, "no-registry") && !str_find(source, str_of("/"), NULL))
		return err_set(err, ERR_INVALID,
		    "'%.*s' is no path of the server and no URL, and with --no-registry it is looked for nowhere else",
		    STR_ARG(source));
	return cli_ask(c, ret_code, err);
}

static void
say_printed(const Cli *c, Str text)
{
	Str line;

	while (str_cut(&text, '\n', &line))
		out_clean(c, "    %.*s", STR_ARG(line));
}

/* Those that failed; or each, with what it printed. */
static void
say_cases(const Cli *c, const Json *suite, bool all)
{
	const Json *cases = json_get(suite, "testCases");

	for (size_t i = 0; json_is(cases, JSON_ARRAY) && i < cases->n; i++) {
		const Json *one = &cases->items[i];
		Str status = json_get_text(one, "status"), why = json_get_text(one, "errorMessage");

		if (!all && !str_is(status, "failed") && !str_is(status, "error"))
			continue;
		out_clean(c, "  %.*s: %.*s: %.*s%s%.*s", STR_ARG(json_get_text(suite, "name")),
		    STR_ARG(json_get_text(one, "name")), STR_ARG(status), why.n > 0 ? ": " : "", STR_ARG(why));
		if (!all)
			continue;
		say_printed(c, json_get_text(one, "stdout"));
		say_printed(c, json_get_text(one, "stderr"));
	}
}

/* What has a slash, or is only dots, is a folder of this machine: no ref is. */
static bool
is_folder(Str word)
{
	return str_find(word, str_of("/"), NULL) || str_is(word, ".") || str_is(word, "..");
}

static bool
test(Cli *c, Json *ret, Err *err)
{
	Err why = { 0 };

	if (!is_folder(c->args[0]) || c->io->pack_test == NULL)
		return cli_call(c, "POST", cli_fill(c, "/api/v1/packs/{0}/test", NULL, true), NULL, ret, err);
	return c->io->pack_test(c->a, str_cstr(c->a, c->args[0]), ret, &why) ||
	       err_set(err, ERR_CORRUPT, "%s", why.text); /* the pack is wrong, and not how we were called */
}

/* Exit code 1 when a test failed. */
bool
cmd_pack_test(Cli *c, int *ret_code, Err *err)
{
	bool words = (c->format == FORMAT_TABLE || c->format == FORMAT_WIDE) && str_none(c->field);
	const Json *suites;
	Json result;

	if (!test(c, &result, err))
		return false;
	cli_said(c, "{0}: {status}: {passed} passed, {failed} failed, {skipped} skipped.", &result);
	suites = json_get(&result, "testSuites");
	for (size_t i = 0; words && json_is(suites, JSON_ARRAY) && i < suites->n; i++)
		say_cases(c, &suites->items[i], cli_has(c, "detailed"));
	if (json_as_int(json_get(&result, "failed"), 0) > 0)
		*ret_code = CLI_FAILED;
	return true;
}

/* ---- a pack to begin with ---- */

static const struct {
	const char *path, *text; /* {ref} and {label} are filled in */
	mode_t mode;
} files[] = {
	{ "pack.yaml", "ref: {ref}\nversion: 0.1.0\nlabel: {label}\ndescription: What this pack is for.\n", 0644 },
	{ "actions/hello.yaml",
	    "ref: {ref}.hello\nlabel: Say hello\nrunner_type: shell\nentry_point: hello.sh\n"
	    "parameter_format: dotenv\nparameters:\n  name:\n    type: string\n    description: Whom to greet\n"
	    "    default: world\n",
	    0644 },
	{ "actions/hello.sh",
	    "#!/bin/sh\n# Parameters come on standard input, a line name='value' each.\nwhile IFS='=' read -r key "
	    "value; do\n"
	    "\tcase $key in name) name=$value ;; esac\ndone\nname=${name#\\'}\necho \"hello, ${name%\\'}\"\n",
	    0755 },
	{ "triggers/happened.yaml",
	    "ref: {ref}.happened\nlabel: Something happened\nparameters: {}\noutput:\n  what:\n    type: string\n",
	    0644 },
	{ "rules/greet.yaml",
	    "ref: {ref}.greet\nlabel: Greet what happened\ntrigger_ref: {ref}.happened\naction_ref: {ref}.hello\n"
	    "enabled: true\naction_params:\n  name: \"{{ event.payload.what }}\"\n",
	    0644 },
};

static Str
filled(Arena *a, const char *text, Str ref, Str label)
{
	Buf b = buf_open(a);

	for (const char *p = text; *p != '\0';) {
		if (strncmp(p, "{ref}", 5) == 0) {
			buf_add(&b, ref);
			p += 5;
		} else if (strncmp(p, "{label}", 7) == 0) {
			buf_add(&b, label);
			p += 7;
		} else {
			buf_char(&b, *p++);
		}
	}
	return buf_str(&b);
}

static bool
ref_is_good(Str ref)
{
	if (ref.n < 2 || ref.p[0] < 'a' || ref.p[0] > 'z')
		return false;
	for (size_t i = 1; i < ref.n; i++) {
		char c = ref.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return true;
}

bool
cmd_pack_new(Cli *c, int *ret_code, Err *err)
{
	Str dir = c->args[0], ref = cli_opt(c, "ref"), label = cli_opt(c, "label");

	(void)ret_code;
	if (ref.n == 0)
		ref = last_part(c->a, dir);
	if (label.n == 0)
		label = ref;
	if (!ref_is_good(ref))
		return err_set(err, ERR_INVALID,
		    "'%.*s' cannot be a pack's ref: a-z first, then a-z 0-9 - _. Give one: --ref", STR_ARG(ref));
	if (file_exists(str_fmt(c->a, "%.*s/pack.yaml", STR_ARG(dir)).p))
		return err_set(err, ERR_INVALID, "there is a pack in '%.*s' already", STR_ARG(dir));
	for (size_t i = 0; i < countof(files); i++) {
		Str path = str_fmt(c->a, "%.*s/%s", STR_ARG(dir), files[i].path);
		size_t slash = path.n;

		while (path.p[slash - 1] != '/')
			slash--;
		if (!dirs_make(str_cstr(c->a, str_sub(path, 0, slash - 1)), 0755, err) ||
		    !file_write(path.p, filled(c->a, files[i].text, ref, label), files[i].mode, err))
			return false;
		out_line(c, "%.*s", STR_ARG(path));
	}
	out_note(c, "Check it: attune pack lint %.*s; load it: attune pack upload %.*s", STR_ARG(dir), STR_ARG(dir));
	return true;
}
