#include "runtime/params.h"

#include "rig.h"

static Str
document(Arena *a, const char *format, const char *json)
{
	Err err = { 0 };
	Json v;

	CHECK_OK(json_parse(a, str_of(json), NULL, &v, &err), err);
	return params_document(a, str_of(format), &v);
}

TEST(parameters_as_json_are_one_compact_line)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	CHECK_STR(document(a, "json", "{ \"a\": 1, \"b\": [ true, null ] }"), str_of("{\"a\":1,\"b\":[true,null]}\n"));
	CHECK_STR(params_document(a, str_of("json"), NULL), str_of("{}\n"));
}

TEST(parameters_as_yaml_are_a_document)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	CHECK_STR(document(a, "yaml", "{\"a\":1,\"b\":\"x\"}"), str_of("a: 1\nb: x\n"));
}

TEST(parameters_as_dotenv_are_sorted_flat_and_quoted)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	CHECK_STR(document(a, "dotenv",
		      "{\"z\":1,\"a\":{\"b\":\"it's\",\"c\":{\"d\":true}},\"n\":null,\"l\":[1,\"x\"],\"r\":1.5}"),
	    str_of("a.b='it'\\''s'\na.c.d='true'\nl='[1,\"x\"]'\nn=''\nr='1.5'\nz='1'\n"));
	CHECK_STR(document(a, "dotenv", "{}"), str_of("\n"));
	CHECK_STR(document(a, "dotenv", "{\"e\":{}}"), str_of("e='{}'\n"));
}

TEST(a_hostile_key_cannot_begin_another_line_or_end_its_own)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	CHECK_STR(document(a, "dotenv", "{\"a\\nb='x'; $(id)\":1}"), str_of("a_b__x_____id_='1'\n"));
}

static const char hostile[] =
    "{\"v\":\"'; touch hacked; echo '$(touch hacked)`touch hacked`\\\\ \\\"\\n new='\\\\''x' \\u00e9 $HOME !x\"}";

TEST(hostile_values_come_back_from_the_shell_as_they_were)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunSpec spec = rig_spec(r, "shell", "eval \"$(cat)\"; printf '%s' \"$v\"; test -e hacked && exit 3; exit 0");
	Json params = rig_json(r, hostile);
	RunEnd end;

	spec.parameter_format = str_of("dotenv");
	spec.params = &params;
	end = rig_run(r, &spec);
	CHECK_INT(rig_int(&end, "exit_code"), 0);
	CHECK_STR(rig_text(&end, "stdout"), json_get_text(&params, "v"));
}

TEST(hostile_values_come_back_from_json_as_they_were)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	RunSpec spec = rig_spec(r, "shell", "cat");
	Json params = rig_json(r, hostile);
	RunEnd end;

	spec.params = &params;
	spec.output_format = str_of("json");
	end = rig_run(r, &spec);
	CHECK(json_eq(json_get(&end.result, "data"), &params));
}
