#include "runtime/sandbox.h"

#include "os/fs.h"
#include "os/launcher.h"
#include "os/walls.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

const char *const sandbox_names[SANDBOXES + 1] = {
	[SANDBOX_OFF] = "off",
	[SANDBOX_STANDARD] = "standard",
	[SANDBOX_STRICT] = "strict",
};

enum { RULES_MOST = 512, DEPTH_MOST = 8 };

typedef struct Place {
	const char *path;
	Allow what;
} Place;

/* What programs need of the system. Of /etc only what is no secret: keys, passwords and the settings of services lie there too. Folders rather
 * than files where a file is replaced by another of its name, for a rule is about the file that was there. */
static const Place places[] = {
	{ "/usr", ALLOW_READ },
	{ "/bin", ALLOW_READ },
	{ "/sbin", ALLOW_READ },
	{ "/lib", ALLOW_READ },
	{ "/lib32", ALLOW_READ },
	{ "/lib64", ALLOW_READ },
	{ "/libx32", ALLOW_READ },
	{ "/opt", ALLOW_READ },
	{ "/nix/store", ALLOW_READ },
	{ "/proc", ALLOW_READ }, /* what is another's there, the kernel shows only within the same walls */
	{ "/sys/devices/system", ALLOW_READ },
	{ "/sys/fs/cgroup", ALLOW_READ },
	{ "/sys/kernel/mm/transparent_hugepage", ALLOW_READ },
	{ "/dev", ALLOW_LIST },
	{ "/dev/null", ALLOW_DEVICE },
	{ "/dev/zero", ALLOW_DEVICE },
	{ "/dev/full", ALLOW_DEVICE },
	{ "/dev/random", ALLOW_DEVICE },
	{ "/dev/urandom", ALLOW_DEVICE },
	{ "/dev/tty", ALLOW_DEVICE },
	{ "/dev/shm", ALLOW_SHARED },
	{ "/etc", ALLOW_LIST },
	{ "/etc/alternatives", ALLOW_READ },
	{ "/etc/bash.bashrc", ALLOW_READ },
	{ "/etc/bash_completion.d", ALLOW_READ },
	{ "/etc/ca-certificates", ALLOW_READ },
	{ "/etc/ca-certificates.conf", ALLOW_READ },
	{ "/etc/crypto-policies", ALLOW_READ },
	{ "/etc/debian_version", ALLOW_READ },
	{ "/etc/default/locale", ALLOW_READ },
	{ "/etc/environment", ALLOW_READ },
	{ "/etc/fonts", ALLOW_READ },
	{ "/etc/gai.conf", ALLOW_READ },
	{ "/etc/gitconfig", ALLOW_READ },
	{ "/etc/group", ALLOW_READ },
	{ "/etc/host.conf", ALLOW_READ },
	{ "/etc/hostname", ALLOW_READ },
	{ "/etc/hosts", ALLOW_READ },
	{ "/etc/inputrc", ALLOW_READ },
	{ "/etc/java", ALLOW_READ },
	{ "/etc/java-17-openjdk", ALLOW_READ },
	{ "/etc/java-21-openjdk", ALLOW_READ },
	{ "/etc/krb5.conf", ALLOW_READ },
	{ "/etc/ld.so.cache", ALLOW_READ },
	{ "/etc/ld.so.conf", ALLOW_READ },
	{ "/etc/ld.so.conf.d", ALLOW_READ },
	{ "/etc/ld.so.preload", ALLOW_READ },
	{ "/etc/locale.alias", ALLOW_READ },
	{ "/etc/locale.conf", ALLOW_READ },
	{ "/etc/localtime", ALLOW_READ },
	{ "/etc/login.defs", ALLOW_READ },
	{ "/etc/lsb-release", ALLOW_READ },
	{ "/etc/machine-id", ALLOW_READ },
	{ "/etc/magic", ALLOW_READ },
	{ "/etc/mime.types", ALLOW_READ },
	{ "/etc/networks", ALLOW_READ },
	{ "/etc/nsswitch.conf", ALLOW_READ },
	{ "/etc/os-release", ALLOW_READ },
	{ "/etc/passwd", ALLOW_READ },
	{ "/etc/perl", ALLOW_READ },
	{ "/etc/php", ALLOW_READ },
	{ "/etc/pki/ca-trust", ALLOW_READ },
	{ "/etc/pki/tls/certs", ALLOW_READ },
	{ "/etc/profile", ALLOW_READ },
	{ "/etc/profile.d", ALLOW_READ },
	{ "/etc/protocols", ALLOW_READ },
	{ "/etc/python3", ALLOW_READ },
	{ "/etc/python3.11", ALLOW_READ },
	{ "/etc/python3.13", ALLOW_READ },
	{ "/etc/R", ALLOW_READ },
	{ "/etc/resolv.conf", ALLOW_READ },
	{ "/etc/rpc", ALLOW_READ },
	{ "/etc/services", ALLOW_READ },
	{ "/etc/shells", ALLOW_READ },
	{ "/etc/ssh/ssh_config", ALLOW_READ },
	{ "/etc/ssh/ssh_config.d", ALLOW_READ },
	{ "/etc/ssh/ssh_known_hosts", ALLOW_READ },
	{ "/etc/ssl/certs", ALLOW_READ },
	{ "/etc/ssl/openssl.cnf", ALLOW_READ },
	{ "/etc/terminfo", ALLOW_READ },
	{ "/etc/timezone", ALLOW_READ },
	{ "/etc/wgetrc", ALLOW_READ },
	{ "/etc/xdg", ALLOW_READ },
	{ "/run/NetworkManager/resolv.conf", ALLOW_READ },
	{ "/run/resolvconf", ALLOW_READ },
	{ "/run/systemd/resolve", ALLOW_READ },
	{ "/var/lib/ca-certificates", ALLOW_READ },
};

/* For users who are no people: to others, and to root all the more, terminals answer at which somebody sits. */
static const Place terminals[] = { { "/dev/ptmx", ALLOW_DEVICE }, { "/dev/pts", ALLOW_DEVICE } };

typedef struct Rule {
	int path;
	Allow what;
} Rule;

struct Sandbox {
	SandboxConfig config;
	Arena *a;
	int api_port;
	bool terminals; /* runs may make some */
	Str strict_missing;
	Rule rules[RULES_MOST];
	size_t rule_count;
	unsigned looked;                       /* how often these were read */
	struct timespec etc_changed;           /* then what lies in it may be another file by the same name */
	Launcher *launchers[SANDBOXES], *bare; /* bare: without a filter */
};

/* ---- what the machine gives ---- */

Str
sandbox_missing(Arena *a)
{
	bool walls = walls_version() >= WALLS_FILES, filter = filter_of(FILTER_STANDARD) != NULL;

	if (walls && filter)
		return (Str){ 0 };
	return str_fmt(a, "%s%s%s",
	    walls ? "" : "the kernel has no Landlock (Linux 5.13, and on in its list of modules)",
	    walls || filter ? "" : "; ", filter ? "" : "it has no seccomp filters");
}

Str
sandbox_strict_missing(Arena *a)
{
	struct utsname u = { 0 };
	int version = walls_version();

	(void)uname(&u);
	if (version < WALLS_PORTS)
		return str_fmt(a,
		    "the kernel's Landlock cannot close ports: that needs version %d (Linux 6.7), this one (%s) has %s",
		    WALLS_PORTS, u.release, version == 0 ? "none" : str_fmt(a, "version %d", version).p);
	return filter_of(FILTER_STRICT) == NULL ? str_of("the kernel has no seccomp filters") : (Str){ 0 };
}

bool
sandbox_asked(const Sandbox *s, Str asked, SandboxKind *ret, Err *err)
{
	SandboxKind kind = s->config.usual;

	for (int i = 0; asked.n > 0 && i <= SANDBOXES; i++) {
		if (i == SANDBOXES)
			return err_set(
			    err, ERR_INVALID, "there is no sandbox '%.*s' (off, standard, strict)", STR_ARG(asked));
		if (str_is(asked, sandbox_names[i])) {
			kind = (SandboxKind)i;
			break;
		}
	}
	if (kind < s->config.least)
		kind = s->config.least;
	*ret = kind;
	return true;
}

bool
sandbox_kind(const Sandbox *s, Str asked, SandboxKind *ret, Err *err)
{
	if (!sandbox_asked(s, asked, ret, err))
		return false;
	return *ret != SANDBOX_STRICT || str_none(s->strict_missing) ||
	       err_set(err, ERR_FORBIDDEN, "this worker cannot give 'sandbox: strict': %s", s->strict_missing.p);
}

/* ---- the rules that all runs share ---- */

static bool
is_beneath(Str path, const char *folder)
{
	size_t n = strlen(folder);

	return str_starts(path, str_of(folder)) && (path.n == n || path.p[n] == '/');
}

/* Whether something hidden is the path itself, or lies beneath it. */
static bool
holds_hidden(const Sandbox *s, const char *path, bool *ret_itself)
{
	bool beneath = false;

	*ret_itself = false;
	for (size_t i = 0; i < s->config.hidden_count; i++) {
		beneath |= is_beneath(s->config.hidden[i], path);
		*ret_itself |= str_is(s->config.hidden[i], path);
	}
	return beneath;
}

static void
add_rule(Sandbox *s, const char *path, Allow what)
{
	int fd = s->rule_count == RULES_MOST ? -1 : open(path, O_PATH | O_CLOEXEC);

	if (fd >= 0)
		s->rules[s->rule_count++] = (Rule){ fd, what };
}

/* Of a folder in which something is hidden, each of the others. */
static void
add_place(Sandbox *s, Arena *a, const char *path, Allow what, int depth)
{
	DirEntry *list;
	bool itself;
	size_t n;

	if (what == ALLOW_LIST || !holds_hidden(s, path, &itself)) {
		add_rule(s, path, what);
		return;
	}
	if (itself || depth == DEPTH_MOST || !dir_list(a, path, &list, &n, NULL))
		return;
	for (size_t i = 0; i < n; i++)
		add_place(s, a, str_fmt(a, "%s/%.*s", path, STR_ARG(list[i].name)).p, what, depth + 1);
}

static bool
is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/* As the rules see it: without links on the way. */
static Str
real_path(Arena *a, Str path)
{
	char *real = realpath(str_cstr(a, path), NULL);
	Str ret = real == NULL ? str_copy(a, path) : str_copy(a, str_of(real));

	free(real);
	return ret;
}

/* The program, wherever links lead, and what it was installed with: of x/bin/python, x/lib. Not x, which may be somebody's home. */
static void
add_program(Sandbox *s, Arena *a, Str path)
{
	Str real = real_path(a, path), folder = real;

	add_place(s, a, real.p, ALLOW_READ, 0);
	for (int up = 0; up < 2; up++) {
		while (folder.n > 0 && folder.p[folder.n - 1] != '/')
			folder.n--;
		folder.n -= folder.n > 0;
		if (up == 0 && !str_ends(folder, str_of("/bin")))
			return;
	}
	if (folder.n > 0)
		add_place(s, a, str_fmt(a, "%.*s/lib", STR_ARG(folder)).p, ALLOW_READ, 0);
}

static void
add_programs(Sandbox *s, Arena *a)
{
	const Json *named = s->config.programs;

	for (size_t i = 0; json_is(named, JSON_OBJECT) && i < named->n; i++)
		add_program(s, a, json_as_str(&named->members[i].value));
}

/* Who may log in later would have terminals then. */
static bool
never_logs_in(void)
{
	struct passwd account, *found = NULL;
	char text[4096];

	if (getpwuid_r(geteuid(), &account, text, sizeof(text), &found) != 0 || found == NULL)
		return false;
	return str_ends(str_of(account.pw_shell), str_of("/nologin")) ||
	       str_ends(str_of(account.pw_shell), str_of("/false"));
}

/* Looked at once: those that runs make are the same user's. */
static bool
sits_nowhere(Arena *a)
{
	struct stat st;
	DirEntry *list;
	size_t n;

	if (geteuid() == 0 || !never_logs_in() || !dir_list(a, "/dev/pts", &list, &n, NULL))
		return false;
	for (size_t i = 0; i < n; i++)
		if (stat(str_fmt(a, "/dev/pts/%.*s", STR_ARG(list[i].name)).p, &st) == 0 && st.st_uid == geteuid())
			return false;
	return true;
}

static void
add_places(Sandbox *s)
{
	Arena *a = arena_open();

	for (size_t i = 0; i < countof(places); i++) {
		/* /bin is a link to /usr/bin nearly everywhere: a rule more for each start */
		if (strchr(places[i].path + 1, '/') == NULL && is_link(places[i].path))
			continue;
		if (!(places[i].what == ALLOW_SHARED && is_beneath(s->config.run_base, places[i].path)))
			add_place(s, a, places[i].path, places[i].what, 0);
	}
	for (size_t i = 0; s->terminals && i < countof(terminals); i++)
		add_rule(s, terminals[i].path, terminals[i].what);
	for (size_t i = 0; json_is(s->config.read, JSON_ARRAY) && i < s->config.read->n; i++)
		add_place(s, a, str_cstr(a, json_as_str(json_at(s->config.read, i))), ALLOW_READ, 0);
	add_programs(s, a);
	arena_close(a);
}

static void
forget_places(Sandbox *s)
{
	for (size_t i = 0; i < s->rule_count; i++)
		close(s->rules[i].path);
	s->rule_count = 0;
}

static void
refresh(Sandbox *s)
{
	struct stat st = { 0 };

	(void)stat("/etc", &st);
	if (s->rule_count > 0 && st.st_mtim.tv_sec == s->etc_changed.tv_sec &&
	    st.st_mtim.tv_nsec == s->etc_changed.tv_nsec)
		return;
	forget_places(s);
	s->looked++;
	s->etc_changed = st.st_mtim;
	add_places(s);
}

/* ---- one run ---- */

static bool
allow_path(int ruleset, const char *path, Allow what, Err *err)
{
	CLEANUP(fd_done) int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return what == ALLOW_READ || err_sys(err, errno, "open '%s'", path);
	return walls_allow(ruleset, fd, what, err);
}

static bool
fill(const Sandbox *s, SandboxKind kind, const SandboxPlaces *at, int ruleset, Err *err)
{
	for (size_t i = 0; i < s->rule_count; i++)
		if (!walls_allow(ruleset, s->rules[i].path, s->rules[i].what, err))
			return false;
	for (size_t i = 0; i < countof(at->readable); i++)
		if (at->readable[i] != NULL && !allow_path(ruleset, at->readable[i], ALLOW_READ, err))
			return false;
	return allow_path(ruleset, at->own, ALLOW_OWN, err) &&
	       (at->files == NULL || allow_path(ruleset, at->files, ALLOW_OWN, err)) &&
	       (kind != SANDBOX_STRICT || s->api_port == 0 || walls_allow_port(ruleset, s->api_port, err));
}

bool
sandbox_encloses(SandboxKind kind)
{
	return kind != SANDBOX_OFF && walls_version() >= WALLS_FILES;
}

static const Filter *
filter_for(SandboxKind kind)
{
	return filter_of(kind == SANDBOX_STRICT ? FILTER_STRICT : FILTER_STANDARD);
}

bool
sandbox_walls(Sandbox *s, SandboxKind kind, const SandboxPlaces *at, Confine *ret, Err *err)
{
	CLEANUP(fd_done) int ruleset = -1;

	*ret = (Confine){ .on = kind != SANDBOX_OFF, .ruleset = -1 };
	if (kind == SANDBOX_OFF)
		return true;
	ret->filter = filter_for(kind);
	if (walls_version() < WALLS_FILES)
		return true; /* said at the start of the worker */
	refresh(s);
	if (!walls_open(kind == SANDBOX_STRICT, &ruleset, err) || !fill(s, kind, at, ruleset, err))
		return err_wrap(err, "the sandbox");
	ret->ruleset = fd_take(&ruleset);
	return true;
}

static void
place_look(Walled *w, size_t i, const char *path)
{
	struct stat st = { 0 };

	if (path != NULL)
		(void)stat(path, &st);
	w->is[i].device = st.st_dev;
	w->is[i].inode = st.st_ino;
}

bool
sandbox_walls_keep(Sandbox *s, SandboxKind kind, const SandboxPlaces *at, Walled *kept, Confine *ret, Err *err)
{
	Walled now = { .ruleset = kept->ruleset, .kind = kind };

	if (!sandbox_encloses(kind))
		return sandbox_walls(s, kind, at, ret, err);
	refresh(s);
	now.looked = s->looked;
	for (size_t i = 0; i < countof(at->readable); i++)
		place_look(&now, i, at->readable[i]);
	place_look(&now, SANDBOX_READABLE, at->own);
	place_look(&now, SANDBOX_READABLE + 1, at->files);
	if (kept->ruleset >= 0 && kept->kind == kind && kept->looked == now.looked &&
	    memcmp(kept->is, now.is, sizeof(now.is)) == 0) {
		*ret = (Confine){ .on = true, .ruleset = kept->ruleset, .filter = filter_for(kind) };
		return true;
	}
	fd_done(&kept->ruleset);
	if (!sandbox_walls(s, kind, at, ret, err))
		return false;
	now.ruleset = ret->ruleset;
	*kept = now;
	return true;
}

bool
sandbox_spawn(Sandbox *s, SandboxKind kind, SpawnSpec *spec, Child *ret, Err *err)
{
	if (kind == SANDBOX_OFF)
		return spawn(spec, ret, err);
	if (s->launchers[kind] == NULL && !launcher_open(spec->confine.filter, &s->launchers[kind], err))
		return err_wrap(err, "the sandbox");
	spec->confine.inherits = true;
	return launcher_spawn(s->launchers[kind], spec, ret, err);
}

bool
sandbox_spawn_server(Sandbox *s, SandboxKind kind, SpawnSpec *spec, Child *ret, Err *err)
{
	if (kind == SANDBOX_OFF)
		return spawn(spec, ret, err);
	if (s->bare == NULL && !launcher_open(NULL, &s->bare, err))
		return err_wrap(err, "the sandbox");
	spec->confine.inherits = true;
	return launcher_spawn(s->bare, spec, ret, err);
}

/* ---- coming and going ---- */

static int
port_of(Str url)
{
	bool tls = str_starts(url, str_of("https:"));
	Str rest = url, head;
	size_t colon;

	if (str_find(rest, str_of("://"), &colon))
		rest = str_sub(rest, colon + 3, rest.n);
	(void)str_cut(&rest, '/', &head);
	for (colon = head.n; colon > 0 && head.p[colon - 1] != ':' && head.p[colon - 1] != ']'; colon--)
		;
	if (colon > 0 && head.p[colon - 1] == ':')
		return (int)strtol(str_sub(head, colon, head.n).p, NULL, 10);
	return tls ? 443 : 80;
}

Sandbox *
sandbox_open(const SandboxConfig *config)
{
	Sandbox *s = calloc(1, sizeof(*s));
	Str *hidden;

	if (s == NULL)
		abort();
	s->a = arena_open();
	s->config = *config;
	s->config.api_url = str_copy(s->a, config->api_url);
	s->config.run_base = str_copy(s->a, config->run_base);
	s->config.read = config->read == NULL ? NULL : arena_copy(s->a, config->read, sizeof(Json));
	s->config.programs = config->programs == NULL ? NULL : arena_copy(s->a, config->programs, sizeof(Json));
	hidden = arena_array(s->a, Str, config->hidden_count + 1);
	for (size_t i = 0; i < config->hidden_count; i++)
		hidden[i] = real_path(s->a, config->hidden[i]);
	s->config.hidden = hidden;
	s->api_port = port_of(s->config.api_url);
	s->terminals = sits_nowhere(s->a);
	s->strict_missing = sandbox_strict_missing(s->a);
	return s;
}

void
sandbox_close(Sandbox *s)
{
	if (s == NULL)
		return;
	for (int i = 0; i < SANDBOXES; i++)
		launcher_close(s->launchers[i]);
	launcher_close(s->bare);
	forget_places(s);
	arena_close(s->a);
	free(s);
}
