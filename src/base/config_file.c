#include "base/config_inner.h"

#include "base/codec.h"
#include "base/yaml.h"

#include <errno.h>
#include <stdio.h>

enum { FILE_SIZE_MAX = 1 << 20 };

/* One file being laid over. */
typedef struct Layer {
	Config *c;
	const char *path;
	Str text;
} Layer;

static bool
is_section(Str key)
{
	for (size_t i = 0; i < setting_count; i++) {
		Str known = str_of(settings[i].key);

		if (known.n > key.n && known.p[key.n] == '.' && str_starts(known, key))
			return true;
	}
	return false;
}

/*
 * The parser keeps no positions, so the line of a key is looked for in the text, for block style only. 0: not found, the
 * message then names the file alone.
 */
static int
line_of(Str text, Str key)
{
	Str line, part, rest = text;
	ptrdiff_t above = -1, level = 0; /* columns of the section, and of its keys (-1: not seen yet) */
	int number = 0;

	if (!str_cut(&key, '.', &part))
		return 0;
	while (str_cut(&rest, '\n', &line)) {
		Str bare = str_trim(line);
		ptrdiff_t column = bare.p - line.p;

		number++;
		if (bare.n == 0 || bare.p[0] == '#')
			continue;
		if (column <= above)
			return 0; /* the section has ended */
		if (level < 0)
			level = column;
		if (column != level || !str_starts(bare, part) || bare.n == part.n || bare.p[part.n] != ':')
			continue;
		if (!str_cut(&key, '.', &part))
			return number;
		above = column;
		level = -1;
	}
	return 0;
}

static const char *
file_origin(const Layer *l, Str key)
{
	int line = line_of(l->text, key);

	if (line == 0)
		return str_fmt(l->c->a, "file %s", l->path).p;
	return str_fmt(l->c->a, "file %s:%d", l->path, line).p;
}

static bool
refuse_unknown(const Layer *l, Str key, Err *err)
{
	Arena *a = l->c->a;

	return err_set(err, ERR_INVALID, "%s: unknown key '%.*s': did you mean '%.*s'?",
	    config_place(file_origin(l, key)), STR_ARG(utf8_clip(key, 200)), STR_ARG(setting_nearest(a, key)));
}

static bool lay_section(const Layer *l, Str section, const Json *object, Err *err);

static bool
lay_member(const Layer *l, Str key, const Json *v, Err *err)
{
	int at = setting_find(key);

	if (at >= 0 && !(settings[at].flags & SETTING_REST))
		return config_lay(l->c, at, v, file_origin(l, key), err);
	if (is_section(key))
		return lay_section(l, key, v, err);
	at = config_rest_row(key);
	if (at < 0)
		return refuse_unknown(l, key, err);
	config_lay_rest(l->c, at, key, v, file_origin(l, key));
	return true;
}

static bool
lay_section(const Layer *l, Str section, const Json *object, Err *err)
{
	if (json_is_null(object))
		return true; /* a section whose keys are all commented out */
	if (object->kind != JSON_OBJECT)
		return err_set(err, ERR_INVALID, "%s: '%.*s' must be a mapping of settings",
		    config_place(file_origin(l, section)), STR_ARG(section));
	for (uint32_t i = 0; i < object->n; i++) {
		Str name = object->members[i].key;
		Str key = section.n == 0 ? name : str_fmt(l->c->a, "%.*s.%.*s", STR_ARG(section), STR_ARG(name));

		if (!lay_member(l, key, &object->members[i].value, err))
			return false;
	}
	return true;
}

static void
close_file(FILE **f)
{
	if (*f != NULL)
		fclose(*f);
}

/* *ret_found is false, and nothing is wrong, when the file is not there. */
static bool
read_file(Arena *a, const char *path, Str *ret, bool *ret_found, Err *err)
{
	CLEANUP(close_file) FILE *f = fopen(path, "re");
	char *room = arena_alloc_raw(a, FILE_SIZE_MAX + 1);
	size_t n;

	*ret_found = f != NULL;
	if (f == NULL && (errno == ENOENT || errno == ENOTDIR))
		return true;
	if (f == NULL)
		return err_sys(err, errno, "cannot read configuration file '%s'", path);
	n = fread(room, 1, FILE_SIZE_MAX + 1, f);
	if (ferror(f))
		return err_sys(err, errno, "cannot read configuration file '%s'", path);
	if (n > FILE_SIZE_MAX)
		return err_set(err, ERR_TOO_LARGE, "configuration file '%s' is larger than 1 MiB", path);
	*ret = str_copy(a, (Str){ room, n });
	return true;
}

static bool
lay_file(Config *c, const char *path, bool must_exist, Err *err)
{
	CLEANUP(arena_done) Arena *turn = arena_open();
	Layer l = { .c = c, .path = str_copy(c->a, str_of(path)).p };
	bool found;
	Json root;

	if (!read_file(turn, path, &l.text, &found, err))
		return false;
	if (!found && must_exist)
		return err_set(err, ERR_NOT_FOUND, "configuration file '%s' does not exist", path);
	if (!found)
		return true;
	l.text = str_copy(c->a, l.text);
	if (!yaml_parse(c->a, path, l.text, NULL, &root, err))
		return false;
	if (!json_is_null(&root) && root.kind != JSON_OBJECT)
		return err_set(err, ERR_INVALID,
		    "%s: a configuration is a mapping of sections, as in `server: {port: 8080}`", path);
	return lay_section(&l, str_of(""), &root, err);
}

static bool
lay_default_files(Config *c, const ConfigSource *src, Err *err)
{
	const char *dir = src->dir != NULL ? src->dir : "";
	const char *slash = dir[0] != '\0' ? "/" : "";
	const char *given = config_env(src, "ATTUNE__ENVIRONMENT");

	if (!lay_file(c, str_fmt(c->a, "%s%sconfig.yaml", dir, slash).p, false, err))
		return false;
	if (given != NULL) {
		int at = config_find("environment");

		/* checked before it becomes a file name; the environment is laid again after the files */
		if (!config_lay_text(c, at, str_of(given), "environment ATTUNE__ENVIRONMENT", err))
			return false;
	}
	return lay_file(
	    c, str_fmt(c->a, "%s%sconfig.%s.yaml", dir, slash, config_cstr(c, "environment")).p, false, err);
}

bool
config_lay_files(Config *c, const ConfigSource *src, Err *err)
{
	const char *named = src->file != NULL ? src->file : config_env(src, "ATTUNE_CONFIG");

	if (named != NULL && named[0] != '\0')
		return lay_file(c, named, true, err);
	if (src->data_dir != NULL)
		return lay_file(c, str_fmt(c->a, "%s/config.yaml", src->data_dir).p, false, err);
	return lay_default_files(c, src, err);
}
