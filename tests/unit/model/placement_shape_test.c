#include "model/placement.h"
#include "test.h"

static Json
json(Arena *a, const char *text)
{
	Json v;
	Err err = { 0 };

	CHECK_OK(json_parse(a, str_of(text), NULL, &v, &err), err);
	return v;
}

TEST(what_a_placement_leaves_out_is_completed)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Placement p = { json(a, "{\"zone\": \"a\"}"),
		json(a, "[{\"key\": \"gpu\", \"effect\": null, \"value\": null}]"),
		json(a, "{\"preferred\": [{\"preference\": {\"match_labels\": {\"disk\": \"fast\"}}}], \"required\": "
			"[{\"match_expressions\": [{\"key\": \"os\", \"operator\": \"in\", \"values\": [\"x\"]}]}]}") };
	Err err = { 0 };

	CHECK_OK(placement_tidy(a, &p, &err), err);
	CHECK_STR(json_get_text(&p.tolerations.items[0], "operator"), str_of("equal"));
	CHECK_INT(json_as_int(json_get(&json_get(&p.affinity, "preferred")->items[0], "weight"), 0), 1);
	CHECK_STR(json_get_text(&p.selector, "zone"), str_of("a"));
}

TEST(a_placement_of_another_shape_is_named_by_its_place)
{
	static const struct {
		const char *selector, *tolerations, *affinity, *place;
	} rows[] = {
		{ "{\"a\": 1}", NULL, NULL, "worker_selector.a" },
		{ "[]", NULL, NULL, "worker_selector" },
		{ NULL, "{}", NULL, "worker_tolerations" },
		{ NULL, "[{}]", NULL, "worker_tolerations[0]: needs a key" },
		{ NULL, "[{\"key\": \"a\", \"operator\": \"like\"}]", NULL, "worker_tolerations[0].operator" },
		{ NULL, "[{\"key\": \"a\", \"effect\": 5}]", NULL, "worker_tolerations[0].effect" },
		{ NULL, "[{\"key\": \"a\", \"value\": {}}]", NULL, "worker_tolerations[0].value" },
		{ NULL, NULL, "[]", "worker_affinity" },
		{ NULL, NULL, "{\"required\": {}}", "worker_affinity.required" },
		{ NULL, NULL, "{\"required\": [5]}", "worker_affinity.required[0]" },
		{ NULL, NULL, "{\"preferred\": [{}]}", "worker_affinity.preferred[0]: needs a preference" },
		{ NULL, NULL, "{\"preferred\": [{\"preference\": {}, \"weight\": 101}]}",
		    "worker_affinity.preferred[0]: its weight" },
		{ NULL, NULL, "{\"anti_affinity\": [{\"match_labels\": {\"a\": null}}]}",
		    "worker_affinity.anti_affinity[0].match_labels.a" },
		{ NULL, NULL, "{\"required\": [{\"match_expressions\": [{\"key\": \"a\"}]}]}",
		    "worker_affinity.required[0].match_expressions[0].operator" },
		{ NULL, NULL,
		    "{\"required\": [{\"match_expressions\": [{\"key\": \"a\", \"operator\": \"in\", \"values\": "
		    "[1]}]}]}",
		    "worker_affinity.required[0].match_expressions[0].values[0]" },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		CLEANUP(arena_done) Arena *a = arena_open();
		Placement p = { json(a, rows[i].selector == NULL ? "null" : rows[i].selector),
			json(a, rows[i].tolerations == NULL ? "null" : rows[i].tolerations),
			json(a, rows[i].affinity == NULL ? "null" : rows[i].affinity) };
		Err err = { 0 };

		CHECK(!placement_tidy(a, &p, &err));
		CHECK(err.code == ERR_VALIDATION);
		if (strstr(err.text, rows[i].place) == NULL)
			test_fail(__FILE__, __LINE__, "%s: %s", rows[i].place, err.text);
	}
}
