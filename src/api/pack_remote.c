#include "api/pack_remote.h"

#include "packs/registry.h"
#include "packs/unpack.h"

bool
pack_is_remote(Str source)
{
	return str_find(source, str_of("://"), NULL) || str_starts(source, str_of("git@")) ||
	       !str_find(source, str_of("/"), NULL);
}

static bool
is_git(Str source, Str ref_spec)
{
	return str_starts(source, str_of("git@")) || str_starts(source, str_of("git://")) ||
	       str_starts(source, str_of("ssh://")) || str_ends(source, str_of(".git")) || ref_spec.n > 0;
}

static bool
no_git(Str source, Err *err)
{
	return err_set(err, ERR_UNSUPPORTED,
	    "This version fetches no git repositories, such as '%.*s': give the URL of an archive of it, or a path of "
	    "the "
	    "server",
	    STR_ARG(source));
}

bool
pack_ref_spec_check(Str source, Str ref_spec, Err *err)
{
	if (ref_spec.n == 0 || str_find(source, str_of("://"), NULL) || str_starts(source, str_of("git@")))
		return true;
	return err_set(err, ERR_INVALID,
	    "ref_spec names a branch, tag or commit of a git repository, and '%.*s' is none: leave it out%s",
	    STR_ARG(source),
	    str_find(source, str_of("/"), NULL) ? "" : "; a version of a registry is asked for as ref@version");
}

bool
pack_wish(App *app, Arena *a, Str source, Str ref_spec, PackWish *ret, Err *err)
{
	*ret = (PackWish){ .sources = app->pack_sources,
		.source = str_copy(a, source),
		.verify = config_bool(app->config, "pack_registry.verify_checksums") };
	if (str_find(source, str_of("/"), NULL) || str_starts(source, str_of("git@")))
		return is_git(source, ref_spec) ? no_git(source, err) : pack_url_check(app->config, source, false, err);
	if (!registries_list(app, a, &ret->list, &ret->n, err))
		return false;
	for (size_t i = 0; i < ret->n; i++)
		if (ret->list[i].enabled)
			return true;
	return err_set(err, ERR_NOT_FOUND,
	    "'%.*s' is no path and no URL, and there is no registry of packs to look for it in: POST "
	    "/api/v1/pack-indices, "
	    "or pack_registry.indices in the configuration, names one",
	    STR_ARG(source));
}

/* The first registry that has it. */
static bool
look_up(Arena *a, PackWish *w, Json *ret, const atomic_bool *stopping, Err *err)
{
	Str ref, version;
	Json found;

	registry_wish(w->source, &ref, &version);
	if (!registries_read(w->sources, a, w->list, w->n, false, &found, stopping, err))
		return false;
	for (size_t i = 0; i < found.n; i++) {
		const Json *entry = json_get(&found.items[i], "pack");

		if (registry_is(entry, ref, version)) {
			*ret = *entry;
			return true;
		}
	}
	for (size_t i = 0; version.n > 0 && i < found.n; i++) {
		const Json *entry = json_get(&found.items[i], "pack");

		if (registry_is(entry, ref, str_of("")))
			return err_set(err, ERR_NOT_FOUND,
			    "The registries of packs have '%.*s' in version %.*s, not %.*s", STR_ARG(ref),
			    STR_ARG(json_get_text(entry, "version")), STR_ARG(version));
	}
	return err_set(err, ERR_NOT_FOUND, "No registry of packs has '%.*s': attune pack search shows what they have",
	    STR_ARG(ref));
}

static bool
fetch_entry(Arena *a, PackWish *w, Str *ret, const atomic_bool *stopping, Err *err)
{
	const Json *source;
	Json entry;

	if (!look_up(a, w, &entry, stopping, err))
		return false;
	w->ref = json_get_text(&entry, "ref");
	w->version = json_get_text(&entry, "version");
	source = registry_source(&entry, "archive");
	if (source == NULL)
		return registry_source(&entry, "git") == NULL
			   ? err_set(
				 err, ERR_INVALID, "The registry does not say where '%.*s' can be had", STR_ARG(w->ref))
			   : no_git(json_get_text(registry_source(&entry, "git"), "url"), err);
	w->from = (PackSource){ .type = "registry",
		.url = json_get_text(source, "url"),
		.ref = str_fmt(a, "%.*s@%.*s", STR_ARG(w->ref), STR_ARG(w->version)),
		.verified = w->verify };
	if (!pack_archive_fetch(w->sources, a, w->from.url, ret, stopping, err))
		return false;
	return !w->verify || registry_verify(a, json_get_text(source, "checksum"), *ret, err) ||
	       err_wrap(err, "Pack '%.*s' is refused", STR_ARG(w->ref));
}

bool
pack_wish_fetch(Arena *a, PackWish *w, const atomic_bool *stopping, Err *err)
{
	Str bytes;

	if (w->list != NULL) {
		if (!fetch_entry(a, w, &bytes, stopping, err))
			return false;
	} else {
		w->from = (PackSource){ .type = "archive", .url = w->source };
		if (!pack_archive_fetch(w->sources, a, w->source, &bytes, stopping, err))
			return false;
	}
	return unpack_bytes(a, bytes, w->content, err) || err_wrap(err, "'%.*s'", STR_ARG(w->from.url));
}

bool
pack_wish_met(const PackWish *w, Str ref, Str version, Err *err)
{
	if (str_none(w->ref) || (str_eq(w->ref, ref) && str_eq(w->version, version)))
		return true;
	return err_set(err, ERR_INVALID, "The registry means pack '%.*s' %.*s, but what came is '%.*s' %.*s",
	    STR_ARG(w->ref), STR_ARG(w->version), STR_ARG(ref), STR_ARG(version));
}
