/* An index of packs from a stranger: it is read or refused with a reason, and each of its entries can be searched, named and fetched. */
#include "base/codec.h"
#include "model/version.h"
#include "packs/registry.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_entry(Arena *a, const Json *entry)
{
	Str ref = json_get_text(entry, "ref"), version = json_get_text(entry, "version"), found, wanted;
	const Json *source = registry_source(entry, "archive");
	Err err = { 0 };

	must(ref.n > 0 && registry_matches(a, entry, (Str){ 0 }) && registry_is(entry, ref, version));
	registry_wish(str_fmt(a, "%.*s@%.*s", STR_ARG(ref), STR_ARG(version)), &found, &wanted);
	must(str_eq(found, ref));
	if (source != NULL && !registry_verify(a, json_get_text(source, "checksum"), ref, &err))
		must(err.code == ERR_INVALID && err.text[0] != '\0');
}

/* Versions that can be read are in one order, whoever is asked first. */
static void
check_versions(Str one, Str other)
{
	Version x, y;

	if (!version_parse(one, &x) || !version_parse(other, &y))
		return;
	must(version_cmp(&x, &x) == 0 && (version_cmp(&x, &y) > 0) == (version_cmp(&y, &x) < 0));
	(void)version_meets(one, other, BARE_SAME_MINOR);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str text = { (const char *)data, size }, rest = text, line;
	size_t bad = 0;
	Json entries;
	Err err = { 0 };

	if (str_cut(&rest, '\n', &line)) {
		check_versions(line, rest);
		if (!version_constraint_check(line, &err))
			must(err.text[0] != '\0' && !version_meets(rest, line, BARE_EXACT));
	}
	if (!registry_read(a, text, &entries, &bad, &err)) {
		must(err.code == ERR_INVALID && err.text[0] != '\0');
		return 0;
	}
	must(entries.kind == JSON_ARRAY && entries.n <= REGISTRY_PACKS);
	for (uint32_t i = 0; i < entries.n; i++)
		check_entry(a, &entries.items[i]);
	return 0;
}
