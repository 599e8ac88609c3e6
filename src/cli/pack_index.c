#include "cli/handlers.h"
#include "cli/output.h"

#include "base/crypto.h"
#include "base/yaml.h"
#include "os/fs.h"

#include <sys/stat.h>

/* What a registry of packs is made of: entries made from folders, put into an index file, and index files put together. No server. */

enum { FILE_MOST = 64 * 1024 * 1024, DEPTH_MAX = 16 };

/* ---- digests ---- */

/* One line per file: its digest, its path in the pack. The digest of these lines is the folder's. */
static bool
add_digests(Cli *c, const char *dir, Str below, unsigned depth, Buf *lines, Err *err)
{
	DirEntry *entries;
	size_t n;

	if (depth > DEPTH_MAX)
		return err_set(err, ERR_INVALID, "'%s' lies deeper than %d folders", dir, DEPTH_MAX);
	if (!dir_list(c->a, dir, &entries, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		Str name = str_fmt(c->a, "%.*s%.*s", STR_ARG(below), STR_ARG(entries[i].name)), text;
		const char *path = str_fmt(c->a, "%s/%.*s", dir, STR_ARG(entries[i].name)).p;

		if (str_is(entries[i].name, ".git"))
			continue;
		if (entries[i].dir) {
			if (!add_digests(c, path, str_fmt(c->a, "%.*s/", STR_ARG(name)), depth + 1, lines, err))
				return false;
			continue;
		}
		if (!file_read(c->a, path, FILE_MOST, &text, err))
			return false;
		buf_fmt(lines, "%.*s  %.*s\n", STR_ARG(sha256_hex(c->a, text)), STR_ARG(name));
	}
	return true;
}

static bool
digest_of(Cli *c, Str path, Str *ret, Err *err)
{
	const char *name = str_cstr(c->a, path);
	Buf lines = buf_open(c->a);
	struct stat st;
	Str text;

	if (stat(name, &st) < 0)
		return err_set(err, ERR_INVALID, "there is no '%s'", name);
	if (S_ISDIR(st.st_mode)) {
		if (!add_digests(c, name, (Str){ "", 0 }, 0, &lines, err))
			return false;
		text = buf_str(&lines);
	} else if (!file_read(c->a, name, FILE_MOST, &text, err)) {
		return false;
	}
	*ret = str_fmt(c->a, "sha256:%.*s", STR_ARG(sha256_hex(c->a, text)));
	return true;
}

bool
cmd_pack_checksum(Cli *c, int *ret_code, Err *err)
{
	Json row = json_object();
	Str digest;

	(void)ret_code;
	if (!digest_of(c, c->args[0], &digest, err))
		return false;
	json_add(c->a, &row, "checksum", json_str(digest));
	cli_said(c, "{checksum}", &row);
	return true;
}

/* ---- an entry ---- */

static bool
read_yaml(Cli *c, const char *path, Json *ret, Err *err)
{
	Str text;

	if (!file_read(c->a, path, FILE_MOST, &text, err) || !yaml_parse(c->a, path, text, NULL, ret, err))
		return false;
	return json_is(ret, JSON_OBJECT) || err_set(err, ERR_INVALID, "%s holds no settings", path);
}

/* [{name, description}] of the files of one folder; a folder that is not there is an empty list. */
static bool
contents_of(Cli *c, const char *folder, Json *ret, Err *err)
{
	const char *dir = str_fmt(c->a, "%.*s/%s", STR_ARG(c->args[0]), folder).p;
	DirEntry *entries;
	size_t n;

	*ret = json_array();
	if (!file_exists(dir))
		return true;
	if (!dir_list(c->a, dir, &entries, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		Json def, one = json_object();
		Str name = entries[i].name, text, pack;

		if (entries[i].dir || !(str_ends(name, str_of(".yaml")) || str_ends(name, str_of(".yml"))))
			continue;
		if (!read_yaml(c, str_fmt(c->a, "%s/%.*s", dir, STR_ARG(name)).p, &def, err))
			return false;
		text = json_get_text(&def, "description");
		name = json_get_text(&def, "ref");
		str_cut(&name, '.', &pack);
		json_add(c->a, &one, "name", json_str(name.n > 0 ? name : json_get_text(&def, "ref")));
		json_add(c->a, &one, "description", json_str(text.n > 0 ? text : json_get_text(&def, "label")));
		json_push(c->a, ret, one);
	}
	return true;
}

static Json
source_of(Cli *c, const char *type, Str url, Str ref, Str digest)
{
	Json one = json_object();

	json_add(c->a, &one, "type", json_cstr(type));
	json_add(c->a, &one, "url", json_str(url));
	if (ref.n > 0)
		json_add(c->a, &one, "ref", json_str(ref));
	json_add(c->a, &one, "checksum", json_str(digest));
	return one;
}

static bool
sources_of(Cli *c, Json *ret, Err *err)
{
	Str git = cli_opt(c, "git-url"), archive = cli_opt(c, "archive-url"), file = cli_opt(c, "archive"), digest,
	    packed;

	if (git.n == 0 && archive.n == 0)
		return err_set(err, ERR_INVALID, "where it can be had from is needed: --git-url or --archive-url");
	if (archive.n > 0 && file.n == 0)
		return err_set(err, ERR_INVALID,
		    "with --archive-url, --archive FILE is needed too, the archive that lies there: servers refuse one "
		    "that has "
		    "not its checksum");
	if (!digest_of(c, c->args[0], &digest, err) || (archive.n > 0 && !digest_of(c, file, &packed, err)))
		return false;
	*ret = json_array();
	if (git.n > 0)
		json_push(c->a, ret, source_of(c, "git", git, cli_opt(c, "git-ref"), digest));
	if (archive.n > 0)
		json_push(c->a, ret, source_of(c, "archive", archive, (Str){ 0 }, packed));
	return true;
}

static bool
entry_of(Cli *c, Json *ret, Err *err)
{
	static const char *const needed[] = { "ref", "version", "label", "description", "author", "license" };
	static const char *const taken[] = { "email", "homepage", "repository", "keywords" };
	static const char *const folders[] = { "actions", "sensors", "triggers", "rules", "workflows" };
	Json pack, entry = json_object(), contents = json_object(), sources, list, dependencies = json_object();
	const Json *v;

	if (!read_yaml(c, str_fmt(c->a, "%.*s/pack.yaml", STR_ARG(c->args[0])).p, &pack, err) ||
	    !sources_of(c, &sources, err))
		return false;
	if (json_is_null(json_get(&pack, "label")) && !json_is_null(json_get(&pack, "name")))
		json_set(c->a, &pack, "label", *json_get(&pack, "name"));
	for (size_t i = 0; i < countof(needed); i++) {
		if (json_is_null(json_get(&pack, needed[i])))
			return err_set(err, ERR_INVALID, "%.*s/pack.yaml: an entry of a registry needs '%s'",
			    STR_ARG(c->args[0]), needed[i]);
		json_add(c->a, &entry, needed[i], *json_get(&pack, needed[i]));
	}
	for (size_t i = 0; i < countof(taken); i++)
		if (!json_is_null(v = json_get(&pack, taken[i])))
			json_add(c->a, &entry, taken[i], *v);
	v = json_get(&pack, "runtime_deps");
	json_add(c->a, &entry, "runtime_deps", json_is_null(v) ? json_array() : *v);
	json_add(c->a, &entry, "install_sources", sources);
	for (size_t i = 0; i < countof(folders); i++) {
		if (!contents_of(c, folders[i], &list, err))
			return false;
		json_add(c->a, &contents, folders[i], list);
	}
	json_add(c->a, &entry, "contents", contents);
	v = json_get(&pack, "dependencies");
	json_add(c->a, &dependencies, "packs", json_is_null(v) ? json_array() : *v);
	json_add(c->a, &entry, "dependencies", dependencies);
	*ret = entry;
	return true;
}

bool
cmd_index_entry(Cli *c, int *ret_code, Err *err)
{
	Json entry;

	(void)ret_code;
	if (!entry_of(c, &entry, err))
		return false;
	if (c->format == FORMAT_TABLE || c->format == FORMAT_WIDE)
		c->format = FORMAT_JSON;
	out_raw(c, &entry);
	return true;
}

/* ---- index files ---- */

static bool
read_index(Cli *c, Str path, Json *ret, Err *err)
{
	const char *name = str_cstr(c->a, path);
	JsonLimits strict = { .unique_keys = true };
	Str text;

	if (!file_read(c->a, name, FILE_MOST, &text, err))
		return false;
	if (!json_parse(c->a, text, &strict, ret, err))
		return err_wrap(err, "%s", name);
	return json_is(json_get(ret, "packs"), JSON_ARRAY) ||
	       err_set(err, ERR_INVALID, "%s is no index of packs: it has no list 'packs'", name);
}

static bool
write_index(Cli *c, Str path, Json *index, Err *err)
{
	Buf b = buf_open(c->a);

	json_set(c->a, index, "last_updated", json_str(time_text(c->a, clock_wall(clock_real()))));
	json_print_pretty(&b, index);
	buf_char(&b, '\n');
	return file_replace(str_cstr(c->a, path), buf_str(&b), 0644, err);
}

/* By the numbers of the versions; what follows them does not count. */
static int
version_order(Str a, Str b)
{
	for (int i = 0; i < 3; i++) {
		Str one, two;
		int64_t left = 0, right = 0;

		if (str_cut(&a, '.', &one))
			str_to_int(one, &left);
		if (str_cut(&b, '.', &two))
			str_to_int(two, &right);
		if (left != right)
			return left < right ? -1 : 1;
	}
	return 0;
}

/* Puts the entry where one of its ref is, or at the end. *ret_there: there was one. */
static void
put_entry(Cli *c, Json *packs, Json entry, bool newer_only, bool *ret_there)
{
	*ret_there = false;
	for (size_t i = 0; i < packs->n; i++) {
		if (!str_eq(json_get_text(&packs->items[i], "ref"), json_get_text(&entry, "ref")))
			continue;
		*ret_there = true;
		if (!newer_only ||
		    version_order(json_get_text(&packs->items[i], "version"), json_get_text(&entry, "version")) < 0)
			packs->items[i] = entry;
		return;
	}
	json_push(c->a, packs, entry);
}

bool
cmd_index_update(Cli *c, int *ret_code, Err *err)
{
	Str path = cli_opt(c, "index");
	Json index, entry, packs;
	bool there;

	(void)ret_code;
	if (!read_index(c, path, &index, err) || !entry_of(c, &entry, err))
		return false;
	packs = *json_get(&index, "packs");
	put_entry(c, &packs, entry, false, &there);
	if (there && !cli_has(c, "update"))
		return err_set(err, ERR_INVALID, "%.*s holds '%.*s' already: --update writes over it", STR_ARG(path),
		    STR_ARG(json_get_text(&entry, "ref")));
	json_set(c->a, &index, "packs", packs);
	if (!write_index(c, path, &index, err))
		return false;
	out_line(c, "%.*s: %.*s %.*s is %s.", STR_ARG(path), STR_ARG(json_get_text(&entry, "ref")),
	    STR_ARG(json_get_text(&entry, "version")), there ? "written over" : "added");
	return true;
}

/* The first file names the registry; of a pack in several, the newest version is taken. */
bool
cmd_index_merge(Cli *c, int *ret_code, Err *err)
{
	Str path = cli_opt(c, "file");
	Json all, index, packs;
	bool there;

	(void)ret_code;
	if (file_exists(str_cstr(c->a, path)) && !cli_has(c, "force"))
		return err_set(err, ERR_INVALID, "'%.*s' is there already: --force writes over it", STR_ARG(path));
	if (!read_index(c, c->args[0], &all, err))
		return false;
	packs = json_clone(c->a, json_get(&all, "packs"));
	for (size_t i = 1; i < c->n_args; i++) {
		if (!read_index(c, c->args[i], &index, err))
			return false;
		for (size_t k = 0; k < json_get(&index, "packs")->n; k++)
			put_entry(c, &packs, *json_at(json_get(&index, "packs"), k), true, &there);
	}
	json_set(c->a, &all, "packs", packs);
	if (!write_index(c, path, &all, err))
		return false;
	out_line(c, "%.*s holds %u packs.", STR_ARG(path), packs.n);
	return true;
}
