#include "http/multipart.h"

#include "test.h"

#define TYPE "multipart/form-data; boundary=b"
#define FIELD(name) "Content-Disposition: form-data; name=\"" name "\"\r\n"
#define BYTES(literal) ((Str){ (literal), sizeof(literal) - 1 })

static bool
parse(Arena *a, Str body, Form *ret)
{
	Err err = { 0 };

	return multipart_parse(a, str_of(TYPE), body, ret, &err);
}

TEST(a_form_is_cut_into_its_parts)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Form f;

	CHECK(parse(a,
	    BYTES("--b\r\n" FIELD("ref") "\r\ncore.x\r\n--b\r\n"
					 "content-disposition: FORM-DATA; name=file; filename=\"a b.tgz\"\r\n"
					 "Content-Type: application/gzip\r\nX-Other: y\r\n\r\n"
					 "\x1f\x8b\0\r\n--\r\n-b\xff\r\n--b\r\n" FIELD("empty") "\r\n\r\n--b--\r\n"),
	    &f));
	CHECK_INT((int64_t)f.n, 3);
	CHECK_STR(f.parts[0].body, str_of("core.x"));
	CHECK(str_none(f.parts[0].file) && str_none(f.parts[0].type));
	CHECK_STR(f.parts[1].file, str_of("a b.tgz"));
	CHECK_STR(f.parts[1].type, str_of("application/gzip"));
	CHECK_STR(f.parts[1].body, BYTES("\x1f\x8b\0\r\n--\r\n-b\xff"));
	CHECK_INT((int64_t)f.parts[2].body.n, 0);
	CHECK(form_part(&f, "file") == &f.parts[1] && form_part(&f, "files") == NULL);
	CHECK(parse(a, str_of("--b--"), &f));
	CHECK_INT((int64_t)f.n, 0);
}

TEST(the_last_of_two_fields_of_one_name_counts)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Form f;

	CHECK(parse(a, str_of("--b\r\n" FIELD("x") "\r\n1\r\n--b\r\n" FIELD("x") "\r\n2\r\n--b--"), &f));
	CHECK_STR(form_part(&f, "x")->body, str_of("2"));
}

TEST(a_forms_boundary_may_be_quoted_and_the_type_hold_more)
{
	static const char *const types[] = {
		"multipart/form-data; boundary=\"b\"",
		"Multipart/Form-Data;charset=utf-8 ; BOUNDARY=b ",
		"multipart/form-data;x=\"a;boundary=z\\\"\";boundary=b",
	};
	CLEANUP(arena_done) Arena *a = arena_open();
	Err err = { 0 };
	Form f;

	for (size_t i = 0; i < countof(types); i++)
		CHECK_OK(multipart_parse(a, str_of(types[i]), str_of("--b--\r\n"), &f, &err), err);
}

TEST(a_type_that_names_no_boundary_is_refused)
{
	static const char *const types[] = {
		"", "multipart/form-data",
		"multipart/form-data; boundary=", "multipart/form-data; boundary=b; boundary=b",
		"multipart/form-data; boundary=\"b", "multipart/mixed; boundary=b", "multipart/form-databoundary=b",
		"multipart/form-data boundary=b", "multipart/form-data; boundary=\"b \"",
		"multipart/form-data; boundary=\"b[\"", "multipart/form-data; boundary=b; x",
		"multipart/form-data; boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	};
	CLEANUP(arena_done) Arena *a = arena_open();
	Form f;

	for (size_t i = 0; i < countof(types); i++) {
		Err err = { 0 };

		if (multipart_parse(a, str_of(types[i]), str_of("--b--\r\n"), &f, &err) || err.code != ERR_INVALID)
			test_fail(__FILE__, __LINE__, "'%s' was taken", types[i]);
	}
}

TEST(a_form_that_two_readers_could_cut_differently_is_refused)
{
	static const Str bad[] = {
		BYTES(""),
		BYTES("--b"),
		BYTES("--b\r\n"),
		BYTES("\r\n--b--\r\n"),
		BYTES("preamble\r\n--b--\r\n"),
		BYTES("--b--\r\nepilogue"),
		BYTES("--b-- \r\n"),
		BYTES("--b\n" FIELD("x") "\r\n1\r\n--b--"),
		BYTES("--b \r\n" FIELD("x") "\r\n1\r\n--b--"),
		BYTES("--b\r\n" FIELD("x") "\r\n1"),
		BYTES("--b\r\n" FIELD("x") "\r\n1\r\n--b"),
		BYTES("--b\r\n" FIELD("x") "\r\n1\r\n--bb\r\n--b--"),
		BYTES("--b\r\n" FIELD("x") "1\r\n--b--"),
		BYTES("--b\r\n\r\n1\r\n--b--"),
		BYTES("--b\r\nX: y\r\n\r\n1\r\n--b--"),
		BYTES("--b\r\n" FIELD("x") FIELD("y") "\r\n1\r\n--b--"),
		BYTES("--b\r\n" FIELD("") "\r\n1\r\n--b--"),
		BYTES("--b\r\n" FIELD("x\0y") "\r\n1\r\n--b--"),
		BYTES("--b\r\n" FIELD("\xff") "\r\n1\r\n--b--"),
		BYTES("--b\r\n" FIELD("x") " folded\r\n\r\n1\r\n--b--"),
		BYTES("--b\r\n" FIELD("x") "no colon\r\n\r\n1\r\n--b--"),
		BYTES("--b\r\n" FIELD("x") "Content-Transfer-Encoding: base64\r\n\r\nMQ==\r\n--b--"),
		BYTES("--b\r\nContent-Disposition: attachment; name=x\r\n\r\n1\r\n--b--"),
		BYTES("--b\r\nContent-Disposition: form-data; name=x; name=y\r\n\r\n1\r\n--b--"),
		BYTES("--b\r\nContent-Disposition: form-data; name=\"x\r\n\r\n1\r\n--b--"),
		BYTES("--b\r\nContent-Disposition: form-data; name=x; filename*=latin1''a\r\n\r\n1\r\n--b--"),
		BYTES("--b\r\nContent-Disposition: form-data; name=x; filename*=utf-8''%ff\r\n\r\n1\r\n--b--"),
		BYTES("--b\r\nContent-Disposition: form-data; name=x; filename*=utf-8''%4\r\n\r\n1\r\n--b--"),
		BYTES("--b\r\nContent-Disposition: form-data; name=x; filename*=utf-8''%0a\r\n\r\n1\r\n--b--"),
	};
	CLEANUP(arena_done) Arena *a = arena_open();
	Form f;

	for (size_t i = 0; i < countof(bad); i++)
		if (parse(a, bad[i], &f))
			test_fail(__FILE__, __LINE__, "'%.*s' was taken", STR_ARG(bad[i]));
}

TEST(a_file_name_is_its_last_component)
{
	static const struct {
		const char *sent, *is;
	} names[] = {
		{ "filename=a.txt", "a.txt" },
		{ "filename=\"../../etc/passwd\"", "passwd" },
		{ "filename=\"C:\\dir\\a.txt\"", "a.txt" },
		{ "filename=\"a\\\"b\"", "a\"b" },
		{ "filename=\"..\"", "" },
		{ "filename=\"dir/\"", "" },
		{ "filename=\"\"", "" },
		{ "filename=\"x\"; filename*=UTF-8''%C3%A9%20b", "\xc3\xa9 b" },
		{ "filename*=utf-8'en'a%2fb", "b" },
	};
	CLEANUP(arena_done) Arena *a = arena_open();
	Form f;

	for (size_t i = 0; i < countof(names); i++) {
		CHECK(parse(a,
		    str_fmt(a, "--b\r\nContent-Disposition: form-data; name=x; %s\r\n\r\n1\r\n--b--", names[i].sent),
		    &f));
		CHECK_STR(f.parts[0].file, str_of(names[i].is));
	}
}

TEST(parts_and_their_headers_are_bounded)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Buf b = buf_open(a);
	Form f;

	for (int i = 0; i < FORM_PARTS; i++)
		buf_text(&b, "--b\r\n" FIELD("x") "\r\n1\r\n");
	CHECK(parse(a, str_fmt(a, "%.*s--b--", STR_ARG(buf_str(&b))), &f));
	CHECK(!parse(a, str_fmt(a, "%.*s--b\r\n" FIELD("x") "\r\n1\r\n--b--", STR_ARG(buf_str(&b))), &f));
	CHECK(!parse(a, str_fmt(a, "--b\r\n" FIELD("x") "X: %4096d\r\n\r\n1\r\n--b--", 1), &f));
}

TEST(a_forms_text_is_utf8_and_bounded)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Err err = { 0 };
	Form f;
	Str got;

	CHECK(parse(a,
	    BYTES("--b\r\n" FIELD("x") "\r\nabc\r\n--b\r\n" FIELD("y") "\r\na\xff\r\n--b\r\n" FIELD(
		"z") "\r\na\0b\r\n--b--"),
	    &f));
	CHECK(form_text(&f, "x", 3, &got, &err));
	CHECK_STR(got, str_of("abc"));
	CHECK(form_text(&f, "none", 3, &got, &err) && str_none(got));
	CHECK(!form_text(&f, "x", 2, &got, &err) && strstr(err.text, "'x' is longer than 2 bytes") != NULL);
	CHECK(!form_text(&f, "y", 3, &got, &err) && !form_text(&f, "z", 3, &got, &err));
}
