#include "cli/handlers.h"
#include "cli/output.h"

#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { UPLOAD_MAX = 1024 * 1024 * 1024, DAY_S = 86400 };

static Str
last_part(Str path)
{
	Str part, last = path;

	while (str_cut(&path, '/', &part))
		if (part.n > 0)
			last = part;
	return last;
}

bool
cmd_artifact_upload(Cli *c, int *ret_code, Err *err)
{
	static const struct {
		const char *option, *part;
	} more[] = { { "content-type", "content_type" }, { "created-by", "created_by" }, { "meta", "meta" } };
	bool piped = str_is(c->args[1], "-");
	HttpPart parts[4] = { { .name = "file", .type = "application/octet-stream" } };
	HttpAsk ask = { .method = "POST",
		.path = cli_fill(c, "/api/v1/artifacts/{0}/versions/upload", NULL, true),
		.seconds = DAY_S };
	size_t n = 1;
	const Json *data;
	HttpReply r;

	(void)ret_code;
	parts[0].file_name = piped ? str_of("stdin") : last_part(c->args[1]);
	if (piped ? !cli_text_of(c, c->args[1], &parts[0].text, err)
		  : !file_read(c->a, str_cstr(c->a, c->args[1]), UPLOAD_MAX, &parts[0].text, err))
		return false;
	for (size_t i = 0; i < countof(more); i++)
		if (cli_has(c, more[i].option))
			parts[n++] = (HttpPart){ .name = more[i].part, .text = cli_opt(c, more[i].option) };
	ask.body = form_body(c->a, parts, n, &ask.type);
	if (!cli_send(c, &ask, &r, err))
		return false;
	data = json_get(&r.body, "data");
	cli_said(c, "Version {version} of artifact {0} is stored.", data != NULL ? data : &r.body);
	return true;
}

typedef struct Into {
	int fd;
	Err err;
	bool failed;
} Into;

static bool
take(void *self, Str bytes)
{
	Into *in = self;

	in->failed = !fd_write_all(in->fd, bytes, &in->err);
	return !in->failed;
}

/* Only a plain name of the server's choice is taken: nothing that leads elsewhere. */
static Str
name_of(Cli *c, Str disposition)
{
	Str rest = disposition, name = { 0 };
	size_t at;

	if (str_find(rest, str_of("filename=\""), &at)) {
		rest = str_sub(rest, at + 10, rest.n);
		str_cut(&rest, '"', &name);
	}
	name = last_part(name);
	if (name.n == 0 || name.p[0] == '.' || memchr(name.p, '/', name.n) != NULL)
		return str_fmt(c->a, "artifact-%.*s", STR_ARG(c->args[0]));
	return name;
}

static Str
download_path(Cli *c)
{
	Str version = c->n_args > 1 ? c->args[1] : cli_opt(c, "artifact-version");
	Str path = cli_fill(c, "/api/v1/artifacts/{0}/", NULL, true);

	if (version.n > 0)
		path = str_fmt(c->a, "%.*sversions/%.*s/", STR_ARG(path), STR_ARG(url_escape(c->a, version)));
	return str_fmt(c->a, "%.*sdownload", STR_ARG(path));
}

static bool
fetch(Cli *c, int fd, HttpReply *ret, Err *err)
{
	HttpAsk ask = { .method = "GET", .accept = "*/*", .piece = take, .seconds = DAY_S };
	Into in = { .fd = fd };

	ask.self = &in;
	ask.path = download_path(c);
	if (!cli_send(c, &ask, ret, err))
		return false;
	return !in.failed || err_set(err, in.err.code, "%s", in.err.text);
}

static bool
is_free(Cli *c, Str target, Err *err)
{
	return !file_exists(str_cstr(c->a, target)) || cli_has(c, "force") ||
	       err_set(err, ERR_INVALID, "'%.*s' is there already: --force writes over it", STR_ARG(target));
}

/* Into a file beside the wanted one, which appears when it is whole. */
static bool
fetch_file(Cli *c, Str target, Err *err)
{
	const char *part =
	    str_fmt(c->a, "%.*s.part-%d", STR_ARG(target.n > 0 ? target : str_of("attune")), (int)getpid()).p;
	int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	HttpReply r;
	bool fine;

	if (fd < 0)
		return err_sys(err, errno, "'%s'", part);
	fine = fetch(c, fd, &r, err);
	close(fd);
	if (fine && target.n == 0) {
		target = name_of(c, r.disposition);
		fine = is_free(c, target, err);
	}
	if (fine && rename(part, str_cstr(c->a, target)) < 0)
		fine = err_sys(err, errno, "'%.*s'", STR_ARG(target));
	if (!fine)
		unlink(part);
	else
		out_line(c, "%.*s", STR_ARG(target));
	return fine;
}

bool
cmd_artifact_download(Cli *c, int *ret_code, Err *err)
{
	Str target = cli_opt(c, "output");
	HttpReply unused;

	(void)ret_code;
	if (!str_is(target, "-"))
		return (target.n == 0 || is_free(c, target, err)) && fetch_file(c, target, err);
	fflush(c->io->out);
	return fetch(c, STDOUT_FILENO, &unused, err);
}
