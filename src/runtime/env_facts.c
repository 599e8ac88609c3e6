/* What an environment is made of, and what of it is there. */
#include "runtime/env_inner.h"

#include "base/codec.h"
#include "base/crypto.h"
#include "os/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANIFEST_MOST = 4 << 20 };

/* They pin what the manifest leaves open. */
static const char *const pinned[] = { "package-lock.json", "npm-shrinkwrap.json", "constraints.txt", "Gemfile.lock",
	"go.sum", "cpanfile.snapshot", "renv.lock" };

static bool
has_words(const Json *command)
{
	return json_is(command, JSON_ARRAY) && command->n > 0;
}

static void
stamp_file(Buf *b, Str path)
{
	struct stat st;

	if (stat(str_cstr(b->a, path), &st) == 0)
		buf_fmt(b, "%.*s %lld %lld %lld.%09ld\n", STR_ARG(path), (long long)st.st_ino, (long long)st.st_size,
		    (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static void
add_described(Buf *b, const EnvsConfig *c, const EnvWant *w)
{
	const Json *environment = json_get(w->config, "environment");
	const Json *dependencies = json_get(w->config, "dependencies");

	if (environment != NULL)
		json_print(b, environment);
	buf_char(b, '\n');
	if (dependencies != NULL)
		json_print(b, dependencies);
	buf_char(b, '\n');
	if (c->variables != NULL)
		json_print(b, c->variables);
	buf_char(b, '\n');
}

/* The program that the environment is made with: another version of it makes another environment. */
static Str
base_program(Arena *a, const EnvsConfig *c, const EnvWant *w)
{
	Str binary = json_get_text(json_get(w->config, "interpreter"), "binary");
	char room[PATH_MAX];
	Str found = str_none(binary) ? binary : interpreter_find(a, &c->interpreters, binary);

	if (str_none(found))
		return str_of("");
	return realpath(str_cstr(a, found), room) == NULL ? found : str_copy(a, str_of(room));
}

static uint64_t
stamp_of(Arena *a, const EnvsConfig *c, const EnvWant *w, const EnvFacts *f)
{
	Buf b = buf_open(a);

	add_described(&b, c, w);
	stamp_file(&b, base_program(a, c, w));
	if (f->manifest)
		stamp_file(&b, f->places.manifest_path);
	for (size_t i = 0; i < countof(pinned); i++)
		stamp_file(&b, str_fmt(a, "%.*s/%s", STR_ARG(f->places.pack_dir), pinned[i]));
	return str_hash(buf_str(&b));
}

static bool
is_folder_name(Str s)
{
	return s.n > 0 && s.n < 200 && s.p[0] != '.' && memchr(s.p, '/', s.n) == NULL && memchr(s.p, '\0', s.n) == NULL;
}

bool
facts_find(Arena *a, const EnvsConfig *c, const EnvWant *w, EnvFacts *ret)
{
	const Json *environment = json_get(w->config, "environment");
	const Json *dependencies = json_get(w->config, "dependencies");
	Str manifest = json_get_text(dependencies, "manifest_file");
	EnvFacts f = { .runtime = w->runtime };

	if (!json_is(environment, JSON_OBJECT) || str_is(json_get_text(environment, "env_type"), "none") ||
	    !is_folder_name(w->pack_ref) || !is_folder_name(w->runtime))
		return false;
	if (!has_words(json_get(environment, "create_command")) &&
	    !has_words(json_get(dependencies, "install_command")))
		return false;
	f.home = str_fmt(a, "%.*s/%.*s", STR_ARG(c->runtime_envs_dir), STR_ARG(w->pack_ref));
	f.places.pack_dir = str_fmt(a, "%.*s/%.*s", STR_ARG(c->packs_base_dir), STR_ARG(w->pack_ref));
	f.places.env_dir = str_fmt(a, "%s/%.*s", f.home.p, STR_ARG(w->runtime));
	f.places.interpreter = f.places.action_file = f.places.manifest_path = str_of("");
	if (manifest.n > 0) {
		f.places.manifest_path = str_fmt(a, "%s/%.*s", f.places.pack_dir.p, STR_ARG(manifest));
		f.manifest = file_exists(f.places.manifest_path.p);
		if (!f.manifest)
			return false;
	}
	f.stamp = stamp_of(a, c, w, &f);
	*ret = f;
	return true;
}

static bool
add_contents(Buf *b, Str path, bool needed, Err *err)
{
	Str bytes;

	if (!needed && !file_exists(str_cstr(b->a, path)))
		return true;
	if (!file_read(b->a, str_cstr(b->a, path), MANIFEST_MOST, &bytes, err))
		return false;
	buf_fmt(b, "%.*s %s\n", STR_ARG(path), sha256_hex(b->a, bytes).p);
	return true;
}

bool
facts_hash(Arena *a, const EnvsConfig *c, const EnvWant *w, EnvFacts *f, Err *err)
{
	Buf b = buf_open(a);

	add_described(&b, c, w);
	stamp_file(&b, base_program(a, c, w));
	if (f->manifest && !add_contents(&b, f->places.manifest_path, true, err))
		return false;
	for (size_t i = 0; i < countof(pinned); i++)
		if (!add_contents(&b, str_fmt(a, "%s/%s", f->places.pack_dir.p, pinned[i]), false, err))
			return false;
	f->hash = sha256_hex(a, buf_str(&b));
	return true;
}

bool
env_current(Arena *a, const EnvFacts *f, Str *ret_dir)
{
	char name[NAME_MAX + 1];
	ssize_t n = readlink(f->places.env_dir.p, name, sizeof(name));
	Str dir, hash;

	if (n <= 0 || (size_t)n >= sizeof(name) || memchr(name, '/', (size_t)n) != NULL)
		return false;
	dir = str_fmt(a, "%s/%.*s", f->home.p, (int)n, name);
	if (!file_read(a, str_fmt(a, "%s/" ENV_MARKER, dir.p).p, 256, &hash, NULL))
		return false;
	*ret_dir = dir;
	return str_eq(str_trim(hash), f->hash);
}

int
env_lease(Arena *a, Str dir)
{
	CLEANUP(fd_done) int fd = open(str_fmt(a, "%.*s/" ENV_LEASE, STR_ARG(dir)).p, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) < 0 || !file_exists(str_fmt(a, "%.*s/" ENV_MARKER, STR_ARG(dir)).p))
		return -1;
	return fd_take(&fd);
}
