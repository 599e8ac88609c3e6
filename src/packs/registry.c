#include "packs/registry.h"

#include "base/crypto.h"
#include "model/refs.h"
#include "model/version.h"

static const char *const texts[] = { "author", "description", "label", "license" };
static const char *const optional[] = { "email", "homepage", "repository", "use_case" };
static const char *const folders[] = { "actions", "rules", "sensors", "triggers", "workflows" };

static Json
texts_of(Arena *a, const Json *list)
{
	Json out = json_array();

	for (size_t i = 0; json_is(list, JSON_ARRAY) && i < list->n; i++)
		if (json_is(&list->items[i], JSON_STRING))
			json_push(a, &out, list->items[i]);
	return out;
}

/* [{name, description}]; other tools write names, or only how many there are. */
static Json
parts_of(Arena *a, const Json *list)
{
	Json out = json_array();

	for (size_t i = 0; json_is(list, JSON_ARRAY) && i < list->n; i++) {
		const Json *one = &list->items[i];
		Str name = json_is(one, JSON_STRING) ? json_as_str(one) : json_get_text(one, "name");
		Str text = json_get_text(one, "description");
		Json part = json_object();

		if (str_none(name))
			continue;
		json_add(a, &part, "name", json_str(name));
		json_add(a, &part, "description", json_str(str_none(text) ? str_of("") : text));
		json_push(a, &out, part);
	}
	return out;
}

static Json
contents_of(Arena *a, const Json *given)
{
	Json out = json_object();

	for (size_t i = 0; i < countof(folders); i++)
		json_add(a, &out, folders[i], parts_of(a, json_get(given, folders[i])));
	return out;
}

static Json
sources_of(Arena *a, const Json *list)
{
	static const char *const keys[] = { "type", "url", "checksum", "ref" };
	Json out = json_array();

	for (size_t i = 0; json_is(list, JSON_ARRAY) && i < list->n; i++) {
		Str kind = json_get_text(&list->items[i], "type"), sum = json_get_text(&list->items[i], "checksum");
		bool git = str_is(kind, "git");
		Json one = json_object();

		if (!(git || str_is(kind, "archive")) || str_none(json_get_text(&list->items[i], "url")))
			continue;
		for (size_t k = 0; k < countof(keys) - !git; k++) {
			Str text = json_get_text(&list->items[i], keys[k]);

			if (!str_none(text))
				json_add(a, &one, keys[k], json_str(text));
		}
		if (str_none(sum))
			json_add(a, &one, "checksum", json_cstr(""));
		json_push(a, &out, one);
	}
	return out;
}

static Json
needs_of(Arena *a, const Json *given)
{
	static const char *const keys[] = { "attune_version", "nodejs_version", "python_version" };
	Json out = json_object();

	for (size_t i = 0; i < countof(keys); i++)
		if (!str_none(json_get_text(given, keys[i])))
			json_add(a, &out, keys[i], json_str(json_get_text(given, keys[i])));
	json_add(a, &out, "packs", texts_of(a, json_get(given, "packs")));
	return out;
}

static bool
entry_read(Arena *a, const Json *given, Json *ret)
{
	Str ref = json_get_text(given, "ref"), version = json_get_text(given, "version");
	const Json *meta = json_get(given, "meta");
	Json o = json_object();

	if (!ref_is_pack(ref) || !version_is_semver(version))
		return false;
	json_add(a, &o, "ref", json_str(ref));
	json_add(a, &o, "version", json_str(version));
	for (size_t i = 0; i < countof(texts); i++) {
		Str text = json_get_text(given, texts[i]);

		json_add(a, &o, texts[i], json_str(str_none(text) ? str_of("") : text));
	}
	for (size_t i = 0; i < countof(optional); i++)
		if (!str_none(json_get_text(given, optional[i])))
			json_add(a, &o, optional[i], json_str(json_get_text(given, optional[i])));
	json_add(a, &o, "keywords", texts_of(a, json_get(given, "keywords")));
	json_add(a, &o, "runtime_deps", texts_of(a, json_get(given, "runtime_deps")));
	json_add(a, &o, "install_sources", sources_of(a, json_get(given, "install_sources")));
	json_add(a, &o, "contents", contents_of(a, json_get(given, "contents")));
	json_add(a, &o, "dependencies", needs_of(a, json_get(given, "dependencies")));
	if (json_is(meta, JSON_OBJECT)) {
		Json kept = json_clone(a, meta);

		json_set(a, &kept, "tested_attune_versions", texts_of(a, json_get(meta, "tested_attune_versions")));
		json_add(a, &o, "meta", kept);
	}
	*ret = o;
	return true;
}

bool
registry_read(Arena *a, Str text, Json *ret, size_t *ret_bad, Err *err)
{
	JsonLimits limits = { .size = REGISTRY_BYTES, .depth = 16 };
	const Json *packs;
	Json index;

	*ret = json_array();
	*ret_bad = 0;
	if (!json_parse(a, text, &limits, &index, err))
		return false;
	packs = json_get(&index, "packs");
	if (!json_is(packs, JSON_ARRAY))
		return err_set(err, ERR_INVALID, "it is no index of packs: it has no list 'packs'");
	if (packs->n > REGISTRY_PACKS)
		return err_set(err, ERR_INVALID, "it has more than %d packs", REGISTRY_PACKS);
	for (size_t i = 0; i < packs->n; i++) {
		Json entry;

		if (entry_read(a, &packs->items[i], &entry))
			json_push(a, ret, entry);
		else
			++*ret_bad;
	}
	return true;
}

static bool
holds(Arena *a, Str text, Str query)
{
	return str_find(str_lower(a, text), query, NULL);
}

bool
registry_matches(Arena *a, const Json *entry, Str query)
{
	const Json *words = json_get(entry, "keywords");
	Str q = str_lower(a, str_trim(query));

	if (str_none(query) || q.n == 0)
		return true;
	for (size_t i = 0; i < words->n; i++)
		if (holds(a, json_as_str(&words->items[i]), q))
			return true;
	return holds(a, json_get_text(entry, "ref"), q) || holds(a, json_get_text(entry, "label"), q) ||
	       holds(a, json_get_text(entry, "description"), q);
}

void
registry_wish(Str text, Str *ret_ref, Str *ret_version)
{
	Str rest = text;

	if (!str_cut(&rest, '@', ret_ref))
		*ret_ref = text;
	*ret_version = str_find(text, str_of("@"), NULL) ? rest : str_of("");
	if (str_is(*ret_version, "latest"))
		*ret_version = str_of("");
}

bool
registry_is(const Json *entry, Str ref, Str version)
{
	return str_eq(json_get_text(entry, "ref"), ref) &&
	       (version.n == 0 || str_eq(json_get_text(entry, "version"), version));
}

bool
registry_verify(Arena *a, Str checksum, Str bytes, Err *err)
{
	Str rest = checksum, algorithm, found;

	if (!str_find(checksum, str_of(":"), NULL) || !str_cut(&rest, ':', &algorithm) ||
	    !digest_hex(a, str_lower(a, algorithm), bytes, &found))
		return err_set(err, ERR_INVALID,
		    "its checksum '%.*s' is none: it must be sha256:, sha512:, sha1: or md5: and the digest in hex",
		    STR_ARG(checksum));
	return str_eq_nocase(rest, found) ||
	       err_set(err, ERR_INVALID,
		   "what came is not what the registry means: its %.*s is %.*s, and should be %.*s", STR_ARG(algorithm),
		   STR_ARG(found), STR_ARG(rest));
}

const Json *
registry_source(const Json *entry, const char *kind)
{
	const Json *list = json_get(entry, "install_sources");

	for (size_t i = 0; i < list->n; i++)
		if (str_is(json_get_text(&list->items[i], "type"), kind))
			return &list->items[i];
	return NULL;
}
