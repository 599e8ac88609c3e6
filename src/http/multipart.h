/*
 * multipart/form-data (RFC 7578), read strictly: what two readers could cut differently is refused. Pure; bodies of parts are
 * slices of the body given, names lie in the arena.
 */
#pragma once

#include "base/err.h"

enum {
	FORM_PARTS = 32,       /* of one form */
	FORM_HEAD_MAX = 4096,  /* bytes of a part's headers */
	FORM_BOUNDARY_MAX = 70 /* RFC 2046 */
};

typedef struct FormPart {
	Str name;
	Str file; /* the last component of the name it was sent with; none when the part is no file */
	Str type; /* Content-Type; none when it has none */
	Str body; /* any bytes */
} FormPart;

typedef struct Form {
	FormPart parts[FORM_PARTS];
	size_t n;
} Form;

/* ERR_INVALID unless it is one whole form of at most FORM_PARTS parts; the sentence says what is wrong with it. */
MUST_CHECK bool multipart_parse(Arena *a, Str content_type, Str body, Form *ret, Err *err);
/* The part of that name, the last one when there are several; NULL when there is none. */
const FormPart *form_part(const Form *f, const char *name);
/* The text of a field; none when it is not there. ERR_INVALID when it is no UTF-8, holds a NUL or is longer than max bytes. */
MUST_CHECK bool form_text(const Form *f, const char *name, size_t max, Str *ret, Err *err);
