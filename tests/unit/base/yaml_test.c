#include "base/yaml.h"

#include "test.h"

typedef struct Case {
	const char *yaml;
	const char *json;
} Case;

static const Case good[] = {
	{ "", "null" },
	{ "# only a comment\n", "null" },
	{ "---\n", "null" },
	{ "---\n...\n", "null" },
	{ "~", "null" },
	{ "null", "null" },
	{ "Null", "\"Null\"" },
	{ "true", "true" },
	{ "false", "false" },
	{ "True", "\"True\"" },
	{ "yes", "\"yes\"" },
	{ "off", "\"off\"" },
	{ "\"true\"", "\"true\"" },
	{ "'12'", "\"12\"" },
	{ "12", "12" },
	{ "-12", "-12" },
	{ "+12", "12" },
	{ "007", "7" },
	{ "-0", "0" },
	{ "0o17", "15" },
	{ "017", "17" },
	{ "0x1F", "31" },
	{ "0b11", "\"0b11\"" },
	{ "1_000", "\"1_000\"" },
	{ "9223372036854775807", "9223372036854775807" },
	{ "9223372036854775808", "9223372036854775808" },
	{ "1.5", "1.5" },
	{ ".5", "0.5" },
	{ "+.5", "0.5" },
	{ "1.", "1.0" },
	{ "1.e3", "1000.0" },
	{ "1e3", "1000.0" },
	{ "-1.5E-3", "-0.0015" },
	{ "1e400", "1e400" },
	{ ".", "\".\"" },
	{ "e3", "\"e3\"" },
	{ "1.2.3", "\"1.2.3\"" },
	{ "12:30", "\"12:30\"" },
	{ "2026-11-21", "\"2026-11-21\"" },
	{ "a b  c", "\"a b  c\"" },
	{ "\"a\\n\\u00e9\\x41\\0\"", "\"a\\n\xc3\xa9"
				     "A\\u0000\"" },
	{ "'it''s'", "\"it's\"" },
	{ "- 1\n- two\n- [3, {a: b}]\n", "[1,\"two\",[3,{\"a\":\"b\"}]]" },
	{ "- - 1\n  - 2\n- - 3\n", "[[1,2],[3]]" },
	{ "a: 1\nb:\n  c: x\n  d:\n", "{\"a\":1,\"b\":{\"c\":\"x\",\"d\":null}}" },
	{ "{a: 1, b: [], c: {}}", "{\"a\":1,\"b\":[],\"c\":{}}" },
	{ "{\"a\":1,\"b\":[true,null]}", "{\"a\":1,\"b\":[true,null]}" },
	{ "1: x\ntrue: y\n~: z\n", "{\"1\":\"x\",\"true\":\"y\",\"~\":\"z\"}" },
	{ "? long\n: 1\n", "{\"long\":1}" },
	{ "\"\": 1", "{\"\":1}" },
	{ "a: |\n  x\n   y\n\n  z\n", "{\"a\":\"x\\n y\\n\\nz\\n\"}" },
	{ "a: |-\n  x\n", "{\"a\":\"x\"}" },
	{ "a: |+\n  x\n\n", "{\"a\":\"x\\n\\n\"}" },
	{ "a: >\n  x\n  y\n\n  z\n", "{\"a\":\"x y\\nz\\n\"}" },
	{ "!!str 12", "\"12\"" },
	{ "!!str", "\"\"" },
	{ "! 12", "\"12\"" },
	{ "!!int \"12\"", "12" },
	{ "!!float 12", "12.0" },
	{ "!!bool 'true'", "true" },
	{ "!!null ''", "null" },
	{ "!!map {a: !!seq [1]}", "{\"a\":[1]}" },
	{ "a: &x 1\nb: *x\n", "{\"a\":1,\"b\":1}" },
	{ "a: &x [1, {k: v}]\nb: *x\nc: *x\n",
	    "{\"a\":[1,{\"k\":\"v\"}],\"b\":[1,{\"k\":\"v\"}],\"c\":[1,{\"k\":\"v\"}]}" },
	{ "[&x 1, &x 2, *x]", "[1,2,2]" },
	{ "{a: &k key, *k : 1}", "{\"a\":\"key\",\"key\":1}" },
	{ "\"<<\": 1", "{\"<<\":1}" },
	{ "%YAML 1.2\n---\na: 1\n", "{\"a\":1}" },
	{ "url: http://x/y#z  # comment\n", "{\"url\":\"http://x/y#z\"}" },
	{ "m: {{ x }}\n", NULL },
	{ "caf\xc3\xa9: \xf0\x9f\x98\x80\n", "{\"caf\xc3\xa9\":\"\xf0\x9f\x98\x80\"}" },
	{ "\xef\xbb\xbf"
	  "a: 1\n",
	    "{\"a\":1}" },
};

TEST(yaml_is_read_by_the_core_schema)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(good); i++) {
		Err err = { 0 };
		Json v;

		if (good[i].json == NULL) {
			CHECK(!yaml_parse(a, "t.yaml", str_of(good[i].yaml), NULL, &v, &err));
			continue;
		}
		CHECK_OK(yaml_parse(a, "t.yaml", str_of(good[i].yaml), NULL, &v, &err), err);
		CHECK_STR(json_text(a, &v), str_of(good[i].json));
	}
}

static const Case bad[] = {
	{ "a: 1\na: 2\n", "line 2, column 1: key given twice: 'a'" },
	{ "a: 1\nb:\n  c: 1\n  'c': 2\n", "line 4, column 3: key given twice: 'c'" },
	{ "<<: {a: 1}\n", "line 1, column 1: merge keys ('<<') are not supported; write the members out" },
	{ "a: .inf\n", "line 1, column 4: a number must be finite, not '.inf'" },
	{ "a: -.Inf\n", "line 1, column 4: a number must be finite, not '-.Inf'" },
	{ "- .nan\n", "line 1, column 3: a number must be finite, not '.nan'" },
	{ "a: !thing x\n", "line 1, column 4: unknown tag" },
	{ "a: !!binary aGk=\n", "line 1, column 4: unknown tag" },
	{ "a: !!set {x}\n", "line 1, column 4: unknown tag" },
	{ "!!seq {a: 1}\n", "line 1, column 1: unknown tag" },
	{ "!!int x\n", "line 1, column 1: the value does not fit its tag: 'x'" },
	{ "!!bool yes\n", "line 1, column 1: the value does not fit its tag: 'yes'" },
	{ "0xffffffffffffffff\n", "line 1, column 1: integer too large: '0xffffffffffffffff'" },
	{ "--- 1\n--- 2\n", "line 2, column 1: a second document begins" },
	{ "? [a]\n: 1\n", "line 1, column 3: a key must be a string" },
	{ "? {a: b}\n: 1\n", "line 1, column 3: a key must be a string" },
	{ "x: &x [1]\n*x : 1\n", "line 2, column 1:" },
	{ ": 1\n", "line 1, column 1: " },
	{ "?\n: 1\n", "line 1, column 2: a key is missing" },
	{ "a: *x\n", "line 1, column 4: alias of no complete anchor 'x'" },
	{ "&a [*a]\n", "line 1, column 5: alias of no complete anchor 'a'" },
	{ "a: [1, 2\nb: 3\n", "line 2" },
	{ "a: 'x\n", "line 2, column 1: found unexpected end of stream" },
	{ "a:\n\t- x\n", "line 2, column 1: found character that cannot start any token" },
	{ "a: b: c\n", "line 1, column 5: mapping values are not allowed" },
	{ "x: 1\na: \xff\n", "line 2, column 4: " },
	{ "a: \x01\n", "line 1, column 4: control characters are not allowed" },
	{ "a: \"\\q\"\n", "line 1, column 5: found unknown escape character" },
	{ "%YAML 3.0\n--- 1\n", "line 1, column 1: found incompatible YAML document" },
};

TEST(bad_yaml_is_refused_with_its_place)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(bad); i++) {
		Err err = { 0 };
		Json v;

		CHECK(!yaml_parse(a, "p/pack.yaml", str_of(bad[i].yaml), NULL, &v, &err));
		CHECK_INT(err.code, ERR_INVALID);
		if (!str_starts(str_of(err.text), str_fmt(a, "p/pack.yaml: %s", bad[i].json)))
			test_fail(__FILE__, __LINE__, "%s\ngot  %s\nwant %s", bad[i].yaml, err.text, bad[i].json);
	}
}

static void
check_refused(Arena *a, Str text, const YamlLimits *limits, const char *why)
{
	Err err = { 0 };
	Json v;

	CHECK(!yaml_parse(a, "bomb", text, limits, &v, &err));
	CHECK(str_find(str_of(err.text), str_of(why), NULL));
	CHECK(arena_used(a) < 400u * 1024 * 1024);
}

TEST(a_billion_laughs_are_refused)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Buf b = buf_open(a);

	buf_text(&b, "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
	for (int i = 1; i < 10; i++) {
		buf_fmt(&b, "a%d: &a%d [", i, i);
		for (int k = 0; k < 9; k++)
			buf_fmt(&b, "%s*a%d", k == 0 ? "" : ", ", i - 1);
		buf_text(&b, "]\n");
	}
	check_refused(a, buf_str(&b), NULL, "too many values");
}

TEST(one_long_text_meant_many_times_is_refused)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Buf b = buf_open(a);

	buf_text(&b, "- &x ");
	for (int i = 0; i < 100000; i++)
		buf_text(&b, "0123456789");
	for (int i = 0; i < 1000; i++)
		buf_text(&b, "\n- *x");
	check_refused(a, buf_str(&b), NULL, "too many values");
}

TEST(depth_size_and_number_of_values_are_limited)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	YamlLimits small = { .size = 20, .depth = 3, .nodes = 5 };
	char deep[100000];
	Err err = { 0 };
	Json v;

	memset(deep, '[', sizeof(deep));
	check_refused(a, (Str){ deep, sizeof(deep) }, NULL, "column 65: nested too deeply: more than 64 levels");
	CHECK_OK(yaml_parse(a, "t", str_of("[[[1, 2]]]"), &small, &v, &err), err);
	check_refused(a, str_of("[[[[1]]]]"), &small, "nested too deeply");
	check_refused(a, str_of("[1, 2, 3, 4, 5]"), &small, "too many values");
	check_refused(a, str_of("[1,2]               #"), &small, "more than the limit");
	small.nodes = 50;
	check_refused(a, str_of("[&a [[1]],[*a]]"), &small, "nested too deeply");
}

TEST(changing_what_an_alias_stood_for_changes_nothing_else)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Err err = { 0 };
	Json v;

	CHECK_OK(yaml_parse(a, "t", str_of("[&x {k: [1]}, *x]"), NULL, &v, &err), err);
	json_push(a, &v.items[0].members[0].value, json_int(2));
	json_set(a, &v.items[1], "k", json_null());
	CHECK_STR(json_text(a, &v), str_of("[{\"k\":[1,2]},{\"k\":null}]"));
}

static const Case printed[] = {
	{ "a: 1\nb:\n  - x\n  - v: 1\n    z: []\n  -\n    - 1\n    - {}\nc:\n  d: null\n",
	    "{\"a\":1,\"b\":[\"x\",{\"v\":1,\"z\":[]},[1,{}]],\"c\":{\"d\":null}}" },
	{ "- \"true\"\n- \"null\"\n- \"1\"\n- \"\"\n- \"yes\"\n- \"~\"\n- \"-\"\n- \"a: b\"\n- \" a\"\n- "
	  "core.echo\n- /bin/sh\n",
	    "[\"true\",\"null\",\"1\",\"\",\"yes\",\"~\",\"-\",\"a: b\",\" a\",\"core.echo\",\"/bin/sh\"]" },
	{ "run: |\n  echo hi\n    more\n\n  end\n", "{\"run\":\"echo hi\\n  more\\n\\nend\\n\"}" },
	{ "- |-\n  a\n  b\n- \"a\\n\\n\"\n- \"\\n\"\n", "[\"a\\nb\",\"a\\n\\n\",\"\\n\"]" },
	{ "- \"\\u0000\\u0085\\u2028\\ufeff\"\n", "[\"\\u0000\\u0085\\u2028\\ufeff\"]" },
	{ "- 1.0\n- 1.0e+300\n- 1.5e-300\n- 1e400\n", "[1.0,1e300,1.5e-300,1e400]" },
	{ "hello\n", "\"hello\"" },
	{ "[]\n", "[]" },
};

TEST(printed_yaml_is_readable_and_reads_back_the_same)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(printed); i++) {
		Err err = { 0 };
		Buf b = buf_open(a);
		Json v, again;

		CHECK_OK(json_parse(a, str_of(printed[i].json), NULL, &v, &err), err);
		yaml_print(&b, &v);
		CHECK_STR(buf_str(&b), str_of(printed[i].yaml));
		CHECK_OK(yaml_parse(a, "t", buf_str(&b), NULL, &again, &err), err);
		CHECK(json_eq(&v, &again));
	}
}

TEST(keys_and_texts_of_any_length_read_back)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	for (int n = 1; n < 3000; n += 97) {
		Json v = json_object(), again;
		Buf b = buf_open(a);
		Err err = { 0 };

		json_set_str(a, &v, str_fmt(a, "%0*d:", n, 1), json_str(str_fmt(a, "%*s", n, "x\n")));
		yaml_print(&b, &v);
		CHECK_OK(yaml_parse(a, "t", buf_str(&b), NULL, &again, &err), err);
		CHECK(json_eq(&v, &again));
	}
}
