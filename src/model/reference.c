#include "model/reference.h"

#include "base/names.h"

const char *const reference_words[] = { "public", "restricted", "private", NULL };

bool
reference_check(const Reference *r, Err *err)
{
	return str_none(r->visibility) || name_index(reference_words, 3, r->visibility) >= 0 ||
	       err_set(err, ERR_VALIDATION,
		   "Validation failed: reference_visibility: '%.*s' is not known: public, restricted or private",
		   STR_ARG(r->visibility));
}

static bool
names(const Json *packs, Str pack)
{
	for (size_t i = 0; json_at(packs, i) != NULL; i++)
		if (str_eq(json_as_str(json_at(packs, i)), pack))
			return true;
	return false;
}

bool
reference_allows(const Reference *r, const char *what, Str ref, Str pack, Str from, Err *err)
{
	bool restricted = str_is(r->visibility, "restricted");

	if ((!restricted && !str_is(r->visibility, "private")) || (!str_none(from) && str_eq(from, pack)) ||
	    (restricted && !str_none(from) && names(&r->packs, from)))
		return true;
	return err_set(err, ERR_VALIDATION, "%s '%.*s' is %.*s: only rules of pack '%.*s'%s may refer to it", what,
	    STR_ARG(ref), STR_ARG(r->visibility), STR_ARG(pack),
	    restricted ? " and of its reference_allowed_pack_refs" : "");
}
