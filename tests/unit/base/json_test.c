#include "base/json.h"

#include "base/clock.h"
#include "base/codec.h"
#include "test.h"

#include <math.h>

static Json
parsed(Arena *a, const char *text)
{
	Err err = { 0 };
	Json v;

	CHECK_OK(json_parse(a, str_of(text), NULL, &v, &err), err);
	return v;
}

TEST(a_document_is_printed_as_it_was_read)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str text = str_of("{\"a\":[1,-2,3.5,true,false,null,\"x\\ny\"],\"b\":{\"c\":\"\"},\"\":[[],{}]}");
	Json v = parsed(a, text.p);

	CHECK_STR(json_text(a, &v), text);
}

TEST(pretty_printing_indents_by_two)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json v = parsed(a, "{\"a\":[1,{\"b\":[]}],\"c\":{}}");
	Buf b = buf_open(a);

	json_print_pretty(&b, &v);
	CHECK_STR(buf_str(&b), str_of("{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}"));
}

typedef struct NumberCase {
	const char *text;
	JsonKind kind;
	const char *printed; /* NULL: as read */
} NumberCase;

static const NumberCase numbers[] = {
	{ "0", JSON_INT, NULL },
	{ "-1", JSON_INT, NULL },
	{ "999999999999999999", JSON_INT, NULL },
	{ "1000000000000000000", JSON_INT, NULL },
	{ "9223372036854775807", JSON_INT, NULL },
	{ "-9223372036854775808", JSON_INT, NULL },
	{ "9223372036854775808", JSON_BIG, NULL },
	{ "-9223372036854775809", JSON_BIG, NULL },
	{ "18446744073709551616", JSON_BIG, NULL },
	{ "123456789012345678901234567890", JSON_BIG, NULL },
	{ "-0", JSON_REAL, "-0.0" },
	{ "-0.0", JSON_REAL, NULL },
	{ "0.0", JSON_REAL, NULL },
	{ "1.0", JSON_REAL, NULL },
	{ "1e2", JSON_REAL, "100.0" },
	{ "1E+2", JSON_REAL, "100.0" },
	{ "12.50", JSON_REAL, "12.5" },
	{ "0.1", JSON_REAL, NULL },
	{ "0.3", JSON_REAL, NULL },
	{ "0.30000000000000004", JSON_REAL, NULL },
	{ "123456.789", JSON_REAL, NULL },
	{ "0.000123", JSON_REAL, NULL },
	{ "1e-5", JSON_REAL, "0.00001" },
	{ "1e-7", JSON_REAL, "1e-07" },
	{ "1e15", JSON_REAL, "1e+15" },
	{ "1e22", JSON_REAL, "1e+22" },
	{ "1e23", JSON_REAL, "1e+23" },
	{ "9007199254740993.0", JSON_REAL, "9007199254740992.0" },
	{ "1.7976931348623157e308", JSON_REAL, "1.7976931348623157e+308" },
	{ "1.7976931348623159e308", JSON_BIG, NULL },
	{ "2.2250738585072014e-308", JSON_REAL, NULL },
	{ "5e-324", JSON_REAL, "4.94065645841247e-324" },
	{ "1e-400", JSON_BIG, NULL },
	{ "1e400", JSON_BIG, NULL },
	{ "-1e99999999999999999999", JSON_BIG, NULL },
	{ "0e99999999999999999999", JSON_REAL, "0.0" },
	{ "0.1234567890123456789", JSON_BIG, NULL },
	{ "1.00000000000000000000", JSON_REAL, "1.0" },
	{ "100000000000000000000.0", JSON_REAL, "1e+20" },
	{ "0.00000000095367431640625", JSON_REAL, "9.5367431640625e-10" },
	{ "0.000000095367431640625", JSON_REAL, "9.5367431640625e-08" },
	{ "0.00000000000090949470177292823791503906250", JSON_REAL, "9.094947017729282e-13" },
	{ "-3.141592653589793", JSON_REAL, NULL },
};

TEST(numbers_are_exact_or_kept_as_text)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(numbers); i++) {
		const NumberCase *c = &numbers[i];
		Json v = parsed(a, c->text);
		Json again;

		CHECK_INT((int64_t)v.kind, (int64_t)c->kind);
		CHECK_STR(json_text(a, &v), str_of(c->printed == NULL ? c->text : c->printed));
		again = parsed(a, json_text(a, &v).p);
		CHECK(again.kind == v.kind && json_eq(&v, &again));
	}
	CHECK(signbit(parsed(a, "-0").d) && json_real(NAN).kind == JSON_NULL && json_real(INFINITY).kind == JSON_NULL);
}

static const char *const bad_numbers[] = { "01", "-", "+1", ".5", "1.", "1e", "1e+", "-01", "00", "0x1", "1.e5",
	"Infinity", "NaN", "-a", "1 2", "1,", "1e5.5", "--1" };

TEST(malformed_numbers_are_refused)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json v = json_int(42);
	Err err;

	for (size_t i = 0; i < countof(bad_numbers); i++) {
		CHECK(!json_parse(a, str_of(bad_numbers[i]), NULL, &v, &err));
		CHECK(err.code == ERR_INVALID && v.i == 42);
	}
}

typedef struct Place {
	const char *text;
	const char *error;
} Place;

static const Place places[] = {
	{ "", "line 1, column 1: the text ends too early" },
	{ "  \n ", "line 2, column 2: the text ends too early" },
	{ "{\"a\": 1,\n \"b\": x}", "line 2, column 7: a value expected" },
	{ "[1,2,]", "line 1, column 6: a value expected" },
	{ "[1 2]", "line 1, column 4: ',' or ']' expected" },
	{ "{\"a\" 1}", "line 1, column 6: ':' expected" },
	{ "{\"a\":1 \"b\"}", "line 1, column 8: ',' or '}' expected" },
	{ "{\"a\":1,}", "line 1, column 8: a key in quotes expected" },
	{ "{a:1}", "line 1, column 2: a key in quotes expected" },
	{ "[\"abc", "line 1, column 6: the text ends too early" },
	{ "[\"caf\xc3\xa9\", \n\"\xc3\xa9\"x]", "line 2, column 4: ',' or ']' expected" },
	{ "\"a\nb\"", "line 1, column 3: control character in a string" },
	{ "\"a\\qb\"", "line 1, column 3: unknown escape in a string" },
	{ "\"\\u12g4\"", "line 1, column 2: \\u needs four hexadecimal digits" },
	{ "\"\\ud800\"", "line 1, column 2: half of a surrogate pair" },
	{ "\"\\ud800\\u0041\"", "line 1, column 2: half of a surrogate pair" },
	{ "\"\\udc00\\ud800\"", "line 1, column 2: half of a surrogate pair" },
	{ "\"a\xff\"", "line 1, column 3: not valid UTF-8" },
	{ "\"0123456789abcdef\xed\xa0\x80\"", "line 1, column 18: not valid UTF-8" },
	{ "nul", "line 1, column 1: a value expected" },
	{ "true false", "line 1, column 6: something follows the end of the value" },
	{ "[1]]", "line 1, column 4: something follows the end of the value" },
	{ "\xef\xbb\xbf{}", "line 1, column 1: a value expected" },
	{ "[01]", "line 1, column 2: malformed number" },
	{ "\"\\", "line 1, column 3: the text ends too early" },
};

TEST(errors_name_line_and_column)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json v;
	Err err;

	for (size_t i = 0; i < countof(places); i++) {
		CHECK(!json_parse(a, str_of(places[i].text), NULL, &v, &err));
		CHECK_STR(str_of(err.text), str_of(places[i].error));
		CHECK_INT(err.code, ERR_INVALID);
	}
}

TEST(strings_are_unescaped_and_escaped)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static const char *const pairs[][2] = {
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
		{ "\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\"plain text before\\nand behind the escape \xc3\xa9\"",
		    "plain text before\nand behind the escape \xc3\xa9" },
		{ "\"\x7f\"", "\x7f" },
	};

	for (size_t i = 0; i < countof(pairs); i++) {
		Json v = parsed(a, pairs[i][0]), again;

		CHECK_STR(json_as_str(&v), str_of(pairs[i][1]));
		CHECK(v.s[v.n] == '\0');
		again = parsed(a, json_text(a, &v).p);
		CHECK(json_eq(&v, &again));
	}
	CHECK_INT(parsed(a, "\"a\\u0000b\"").n, 3);
	CHECK_STR(json_text(a, &(Json){ .kind = JSON_STRING, .n = 4, .s = "\0\x1f\"\\" }),
	    str_of("\"\\u0000\\u001f\\\"\\\\\""));
}

/* Every length and every place of a character that is escaped: the steps of eight and sixteen have no seam. */
TEST(an_escape_anywhere_in_a_string_of_any_length_survives)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static const char *const specials[] = { "\"", "\\", "\n", "\x01", "\x1f", "\xc3\xa9", "\xf0\x9f\x98\x80" };

	for (size_t n = 0; n < 70; n++) {
		for (size_t at = 0; at <= n; at++) {
			for (size_t s = 0; s < countof(specials); s++) {
				Str text = str_fmt(a, "%.*s%s%.*s", (int)at,
				    "abcdefghijklmnopqrstuvwxyz0123456789 ABCDEFGHIJKLMNOPQRSTUVWXYZ.,;:!?()",
				    specials[s], (int)(n - at),
				    "zyxwvutsrqponmlkjihgfedcba9876543210 "
				    "ZYXWVUTSRQPONMLKJIHGFEDCBA.,;:!?()");
				Json v = json_str(text), again = parsed(a, json_text(a, &v).p);

				CHECK_STR(json_as_str(&again), text);
			}
			arena_reset(a);
		}
	}
}

TEST(a_key_given_twice_is_refused_or_the_last_wins_at_the_first_place)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str text = str_of("{\"a\":1,\"b\":2,\n\"c\":3,\"\\u0061\":4,\"b\":5}");
	JsonLimits ours = { .unique_keys = true };
	Json v = parsed(a, text.p);
	Err err;

	CHECK_STR(json_text(a, &v), str_of("{\"a\":4,\"b\":5,\"c\":3}"));
	CHECK(!json_parse(a, text, &ours, &v, &err));
	CHECK_STR(str_of(err.text), str_of("line 2, column 7: key 'a' is given twice"));
	text = str_fmt(a, "{\"%0*d\xc3\xa9\":1,\"%0*d\xc3\xa9\":2}", 99, 0, 99, 0);
	CHECK(!json_parse(a, text, &ours, &v, &err));
	CHECK(utf8_valid(str_of(err.text)));
}

TEST(a_hundred_thousand_keys_are_read_in_linear_time)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	enum { KEYS = 100000 };
	Buf b = buf_open(a);
	JsonLimits ours = { .unique_keys = true };
	TimeUs start, few, many;
	Err err;
	Json v;

	for (int i = 0; i < KEYS; i++)
		buf_fmt(&b, "%s\"key%d\":%d", i == 0 ? "{" : ",", i % (KEYS - 1), i);
	buf_char(&b, '}');
	start = clock_mono(clock_real());
	v = parsed(a, buf_str(&b).p);
	many = clock_mono(clock_real()) - start;
	CHECK_INT(v.n, KEYS - 1);
	CHECK_INT(v.members[0].value.i, KEYS - 1);
	CHECK_INT(v.members[KEYS - 2].value.i, KEYS - 2);
	CHECK(!json_parse(a, buf_str(&b), &ours, &v, &err));
	/* the same keys as ten thousand small objects, which are never quadratic */
	b = buf_open(a);
	for (int i = 0; i < KEYS; i++)
		buf_fmt(
		    &b, "%s\"key%d\":%d%s", i % 10 == 0 ? (i == 0 ? "[{" : ",{") : ",", i, i, i % 10 == 9 ? "}" : "");
	buf_char(&b, ']');
	start = clock_mono(clock_real());
	v = parsed(a, buf_str(&b).p);
	few = clock_mono(clock_real()) - start;
	CHECK(many < few * 50 + 100000);
}

TEST(depth_and_size_are_limited)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	char deep[300];
	JsonLimits limits = { .depth = 100, .size = 299 };
	Json v;
	Err err;

	memset(deep, '[', 100);
	memset(deep + 100, ']', 100);
	CHECK(json_parse(a, (Str){ deep, 200 }, &limits, &v, &err));
	CHECK(!json_parse(a, (Str){ deep, 200 }, NULL, &v, &err));
	CHECK_STR(str_of(err.text), str_of("line 1, column 65: nested too deeply"));
	memset(deep, ' ', sizeof(deep));
	deep[0] = '1';
	CHECK(json_parse(a, (Str){ deep, 299 }, &limits, &v, &err));
	CHECK(!json_parse(a, (Str){ deep, 300 }, &limits, &v, &err));
	CHECK_INT(err.code, ERR_INVALID);
}

TEST(a_failed_parse_leaves_the_arena_as_it_was)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Buf b = buf_open(a);
	ArenaMark before, after;
	Json v;

	buf_text(&b, "[");
	for (int i = 0; i < 100000; i++)
		buf_text(&b, "{\"a\":[1,2]},");
	before = arena_mark(a);
	CHECK(!json_parse(a, buf_str(&b), NULL, &v, NULL));
	after = arena_mark(a);
	CHECK(before.chunk == after.chunk && before.used == after.used);
}

TEST(values_are_built_changed_and_found)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json v = json_object(), list = json_array();

	for (int i = 0; i < 100; i++)
		json_push(a, &list, json_int(i));
	json_set(a, &v, "list", list);
	json_set(a, &v, "x", json_bool(true));
	json_set(a, &v, "x", json_cstr("text"));
	json_add(a, &v, "y", json_real(2.0));
	CHECK_INT(v.n, 3);
	CHECK_INT(json_as_int(json_path(&v, str_of("list.42")), -1), 42);
	CHECK(json_path(&v, str_of("list.100")) == NULL && json_path(&v, str_of("list.-1")) == NULL);
	CHECK(json_path(&v, str_of("x.y.z")) == NULL && json_path(&v, str_of("nothing")) == NULL);
	CHECK_STR(json_get_text(&v, "x"), str_of("text"));
	CHECK_INT(json_as_int(json_get(&v, "y"), -1), 2);
	CHECK(json_remove(&v, str_of("x")) && !json_remove(&v, str_of("x")));
	CHECK(json_get(&v, "x") == NULL && json_get(NULL, "x") == NULL && json_get(&list, "x") == NULL);
	CHECK(json_is_null(NULL) && !json_is(NULL, JSON_NULL) && json_as_bool(NULL, true));
	CHECK(json_as_int(&(Json){ .kind = JSON_REAL, .d = 1e300 }, -1) == -1);
	CHECK(json_as_int(&(Json){ .kind = JSON_REAL, .d = 1.5 }, -1) == -1);
}

TEST(equality_is_by_value)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static const struct {
		const char *a, *b;
		bool equal;
	} cases[] = {
		{ "1", "1.0", true },
		{ "9007199254740993", "9007199254740992.0", false },
		{ "9223372036854775807", "9223372036854775808.0", false },
		{ "0", "-0", true },
		{ "1", "\"1\"", false },
		{ "null", "false", false },
		{ "{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1}", true },
		{ "{\"a\":1}", "{\"a\":1,\"b\":2}", false },
		{ "{\"a\":1}", "{\"b\":1}", false },
		{ "[1,2]", "[2,1]", false },
		{ "[]", "{}", false },
		{ "1e400", "1e400", true },
		{ "1e400", "1e401", false },
		{ "9223372036854775808", "1", false },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		Json x = parsed(a, cases[i].a), y = parsed(a, cases[i].b);

		CHECK_INT(json_eq(&x, &y), cases[i].equal);
		CHECK_INT(json_eq(&y, &x), cases[i].equal);
	}
}

TEST(a_clone_lives_without_its_original)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(arena_done) Arena *other = arena_open();
	const char *text = "{\"a\":[1,\"two\",{\"b\":1e400}],\"c\":null}";
	Json v = parsed(other, text);
	Json copy = json_clone(a, &v);

	arena_done(&other);
	CHECK_STR(json_text(a, &copy), str_of(text));
	json_push(a, &copy.members[0].value, json_int(4));
	CHECK_STR(json_text(a, &copy), str_of("{\"a\":[1,\"two\",{\"b\":1e400},4],\"c\":null}"));
}

TEST(the_character_nul_is_found_and_replaced_wherever_it_stands)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json v, clean;
	Err err = { 0 };

	CHECK_OK(
	    json_parse(a, str_of("{\"a\": [1, {\"k\\u0000\": \"x\\u0000y\"}], \"b\": \"z\"}"), NULL, &v, &err), err);
	CHECK(json_has_nul(&v) && !json_has_vast(&v));
	clean = json_storable(a, &v);
	CHECK(!json_has_nul(&clean));
	CHECK_STR(json_text(a, &clean), str_of("{\"a\":[1,{\"k\xef\xbf\xbd\":\"x\xef\xbf\xbdy\"}],\"b\":\"z\"}"));
	CHECK(!json_has_nul(NULL));
}

TEST(numbers_that_a_database_cannot_have_are_told_from_those_it_can)
{
	static const struct {
		const char *text;
		bool vast;
	} cases[] = { { "[1, 2.5, 1e308, 123456789012345678901234567890]", false }, { "{\"a\": [1e1000]}", false },
		{ "1e-1000", false }, { "1e01000", false }, { "1e1001", true },
		{ "{\"a\": {\"b\": -1E+99999999999999999999}}", true }, { "[1e-1001]", true } };
	CLEANUP(arena_done) Arena *a = arena_open();
	Buf long_one = buf_open(a);
	Err err = { 0 };
	Json v;

	for (size_t i = 0; i < countof(cases); i++) {
		CHECK_OK(json_parse(a, str_of(cases[i].text), NULL, &v, &err), err);
		if (json_has_vast(&v) != cases[i].vast)
			test_fail(__FILE__, __LINE__, "%s", cases[i].text);
	}
	for (int i = 0; i < 5000; i++)
		buf_char(&long_one, '7');
	CHECK_OK(json_parse(a, buf_str(&long_one), NULL, &v, &err), err);
	CHECK(json_has_vast(&v) && !json_has_vast(NULL));
}

TEST(such_numbers_become_texts_where_nobody_can_be_refused)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json v, kept;
	Err err = { 0 };

	CHECK_OK(
	    json_parse(a, str_of("{\"a\": [1e131000, -2E+99999, 1e999, 7], \"b\": {\"c\": 1e-5000}}"), NULL, &v, &err),
	    err);
	kept = json_storable(a, &v);
	CHECK_STR(
	    json_text(a, &kept), str_of("{\"a\":[\"1e131000\",\"-2E+99999\",1e999,7],\"b\":{\"c\":\"1e-5000\"}}"));
	CHECK(!json_has_vast(&kept));
}
