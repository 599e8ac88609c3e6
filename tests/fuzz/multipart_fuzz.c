/*
 * Whatever form is accepted lies in the body it was cut from, in order and without overlaps, and written again it is cut into the
 * same parts. The first line is the Content-Type.
 */
#include "base/codec.h"
#include "http/multipart.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
add_quoted(Buf *b, Str s)
{
	buf_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_char(b, '\\');
		buf_char(b, s.p[i]);
	}
	buf_char(b, '"');
}

/* With a boundary that occurs nowhere in it. */
static Str
written(Arena *a, const Form *f, Str boundary)
{
	Buf b = buf_open(a);

	for (size_t i = 0; i < f->n; i++) {
		buf_fmt(&b, "--%.*s\r\nContent-Disposition: form-data; name=", STR_ARG(boundary));
		add_quoted(&b, f->parts[i].name);
		if (!str_none(f->parts[i].file)) {
			buf_text(&b, "; filename=");
			add_quoted(&b, f->parts[i].file);
		}
		buf_text(&b, "\r\n\r\n");
		buf_add(&b, f->parts[i].body);
		buf_text(&b, "\r\n");
	}
	buf_fmt(&b, "--%.*s--", STR_ARG(boundary));
	return buf_str(&b);
}

static void
check_again(Arena *a, const Form *f, Str body)
{
	Str boundary = str_of("never-in-there-0123456789");
	Err err = { 0 };
	Form again;

	if (str_find(body, boundary, NULL))
		return;
	must(multipart_parse(a, str_fmt(a, "multipart/form-data; boundary=%.*s", STR_ARG(boundary)),
	    written(a, f, boundary), &again, &err));
	must(again.n == f->n);
	for (size_t i = 0; i < f->n; i++) {
		must(str_eq(f->parts[i].name, again.parts[i].name) && str_eq(f->parts[i].body, again.parts[i].body));
		must(str_eq(f->parts[i].file, again.parts[i].file));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str body = { (const char *)data, size }, type = { "", 0 };
	const char *at = body.p;
	Err err = { 0 };
	Form f;

	if (!str_cut(&body, '\n', &type))
		return 0;
	if (!multipart_parse(a, type, body, &f, &err)) {
		must(err.code == ERR_INVALID && utf8_valid(str_of(err.text)));
		return 0;
	}
	must(f.n <= FORM_PARTS);
	for (size_t i = 0; i < f.n; i++) {
		const FormPart *p = &f.parts[i];

		must(p->body.p >= at && p->body.p + p->body.n <= (const char *)data + size);
		at = p->body.p + p->body.n;
		must(p->name.n > 0 && utf8_valid(p->name) && utf8_valid(p->file));
		must(p->file.n == 0 || memchr(p->file.p, '/', p->file.n) == NULL);
		must(form_part(&f, str_cstr(a, p->name)) != NULL);
	}
	check_again(a, &f, body);
	return 0;
}
