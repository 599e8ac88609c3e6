#include "http/multipart.h"

#include "base/codec.h"

static const char crlf[] = "\r\n";

static bool
broken(Err *err, const char *what)
{
	return err_set(err, ERR_INVALID, "The form cannot be read: %s", what);
}

static bool
is_token_char(char c)
{
	bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

	return alnum || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool
is_boundary_char(char c)
{
	return is_token_char(c) || c == ' ' || (c != '\0' && strchr("()/:=?,", c) != NULL);
}

static size_t
token_length(Str s)
{
	size_t n = 0;

	while (n < s.n && is_token_char(s.p[n]))
		n++;
	return n;
}

static Str
skip_blanks(Str s)
{
	size_t n = 0;

	while (n < s.n && (s.p[n] == ' ' || s.p[n] == '\t'))
		n++;
	return str_sub(s, n, s.n);
}

/* A quoted string at the start of *rest. \" and \\ stand for one character; other backslashes are what old browsers send in paths. */
static bool
quoted_cut(Arena *a, Str *rest, Str *ret)
{
	Buf b = buf_open(a);

	for (size_t i = 1; i < rest->n; i++) {
		char c = rest->p[i];

		if (c == '"') {
			*rest = str_sub(*rest, i + 1, rest->n);
			buf_text(&b, "");
			*ret = buf_str(&b);
			return true;
		}
		if (c == '\\' && i + 1 < rest->n && (rest->p[i + 1] == '"' || rest->p[i + 1] == '\\'))
			c = rest->p[++i];
		buf_char(&b, c);
	}
	return false;
}

/* One `; name=value`; false at the end and for what is none, which leaves *rest not empty. */
static bool
param_cut(Arena *a, Str *rest, Str *name, Str *value)
{
	Str s = skip_blanks(*rest);
	size_t n;

	if (s.n == 0)
		*rest = s;
	if (s.n == 0 || s.p[0] != ';')
		return false;
	s = skip_blanks(str_sub(s, 1, s.n));
	n = token_length(s);
	if (n == 0 || n == s.n || s.p[n] != '=')
		return false;
	*name = str_sub(s, 0, n);
	s = str_sub(s, n + 1, s.n);
	if (s.n > 0 && s.p[0] == '"') {
		if (!quoted_cut(a, &s, value))
			return false;
	} else {
		n = token_length(s);
		*value = str_sub(s, 0, n);
		s = str_sub(s, n, s.n);
		if (n == 0)
			return false;
	}
	*rest = s;
	return true;
}

static bool
kind_is(Str *rest, const char *kind)
{
	size_t n = strlen(kind);

	if (!str_eq_nocase(str_sub(*rest, 0, n), str_of(kind)))
		return false;
	*rest = str_sub(*rest, n, rest->n);
	return rest->n == 0 || rest->p[0] == ';' || rest->p[0] == ' ' || rest->p[0] == '\t';
}

static bool
read_boundary(Arena *a, Str type, Str *ret, Err *err)
{
	Str name, value, found = { 0 };

	if (!kind_is(&type, "multipart/form-data"))
		return broken(err, "its Content-Type is not multipart/form-data");
	while (param_cut(a, &type, &name, &value)) {
		if (!str_eq_nocase(name, str_of("boundary")))
			continue;
		if (!str_none(found))
			return broken(err, "its Content-Type names two boundaries");
		found = value;
	}
	if (type.n > 0 || found.n == 0 || found.n > FORM_BOUNDARY_MAX || found.p[found.n - 1] == ' ')
		return broken(err, "its Content-Type must name a boundary of 1 to 70 characters");
	for (size_t i = 0; i < found.n; i++)
		if (!is_boundary_char(found.p[i]))
			return broken(err, "its boundary holds a character that boundaries may not hold");
	*ret = found;
	return true;
}

static bool
is_plain_text(Str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return utf8_valid(s);
}

/* UTF-8''a%20b.txt, as RFC 5987 has it */
static bool
extended_text(Arena *a, Str value, Str *ret)
{
	static const char charset[] = "utf-8'";
	Buf b = buf_open(a);
	Str rest, byte;
	size_t at;

	if (!str_eq_nocase(str_sub(value, 0, sizeof(charset) - 1), str_of(charset)))
		return false;
	rest = str_sub(value, sizeof(charset) - 1, value.n);
	if (!str_find(rest, str_of("'"), &at))
		return false;
	rest = str_sub(rest, at + 1, rest.n);
	for (size_t i = 0; i < rest.n; i++) {
		if (rest.p[i] != '%') {
			buf_char(&b, rest.p[i]);
			continue;
		}
		if (!hex_decode(a, str_sub(rest, i + 1, i + 3), &byte) || byte.n != 1)
			return false;
		buf_char(&b, byte.p[0]);
		i += 2;
	}
	*ret = buf_str(&b);
	return true;
}

/* Folders of the sender's machine are nobody's business here. */
static Str
last_component(Str path)
{
	size_t from = path.n;

	while (from > 0 && path.p[from - 1] != '/' && path.p[from - 1] != '\\')
		from--;
	path = str_sub(path, from, path.n);
	return str_is(path, ".") || str_is(path, "..") ? (Str){ "", 0 } : path;
}

static bool
read_disposition(Arena *a, Str value, FormPart *part, Err *err)
{
	Str name, text, plain = { 0 }, extended = { 0 };

	if (!str_none(part->name))
		return broken(err, "a part has two Content-Disposition headers");
	if (!kind_is(&value, "form-data"))
		return broken(err, "a part's Content-Disposition is not form-data");
	while (param_cut(a, &value, &name, &text)) {
		bool star = str_eq_nocase(name, str_of("filename*"));
		Str *to = star                                      ? &extended
			  : str_eq_nocase(name, str_of("filename")) ? &plain
			  : str_eq_nocase(name, str_of("name"))     ? &part->name
								    : NULL;

		if (to == NULL)
			continue;
		if (!str_none(*to))
			return broken(err, "a part's Content-Disposition says the same twice");
		if ((star && !extended_text(a, text, &text)) || !is_plain_text(text))
			return broken(err, "a part's name or file name is no plain UTF-8 text");
		*to = text;
	}
	if (value.n > 0 || str_none(part->name) || part->name.n == 0)
		return broken(err, "a part's Content-Disposition must be form-data; name=\"...\"");
	if (!str_none(extended))
		plain = extended;
	if (!str_none(plain))
		part->file = last_component(plain);
	return true;
}

static bool
read_header(Arena *a, Str line, FormPart *part, Err *err)
{
	static const char *const plain[] = { "binary", "8bit", "7bit" };
	size_t n = token_length(line);
	Str name = str_sub(line, 0, n), value;

	if (n == 0 || n == line.n || line.p[n] != ':')
		return broken(err, "a line of a part's headers is not NAME: VALUE");
	value = str_trim(str_sub(line, n + 1, line.n));
	if (!is_plain_text(value))
		return broken(err, "a part's header is no plain UTF-8 text");
	if (str_eq_nocase(name, str_of("Content-Disposition")))
		return read_disposition(a, value, part, err);
	if (str_eq_nocase(name, str_of("Content-Type"))) {
		part->type = value;
		return true;
	}
	if (!str_eq_nocase(name, str_of("Content-Transfer-Encoding")))
		return true;
	for (size_t i = 0; i < countof(plain); i++)
		if (str_eq_nocase(value, str_of(plain[i])))
			return true;
	return broken(err, "a part is encoded: send its bytes as they are");
}

/* Cuts the headers and their empty line off *rest. */
static bool
read_head(Arena *a, Str *rest, FormPart *part, Err *err)
{
	Str head = str_sub(*rest, 0, FORM_HEAD_MAX);
	size_t at;

	for (;;) {
		if (!str_find(head, str_of(crlf), &at))
			return broken(err, rest->n > FORM_HEAD_MAX ? "a part's headers are too large"
								   : "it ends within a part's headers");
		*rest = str_sub(*rest, at + 2, rest->n);
		if (at == 0)
			break;
		if (!read_header(a, str_sub(head, 0, at), part, err))
			return false;
		head = str_sub(head, at + 2, head.n);
	}
	return !str_none(part->name) || broken(err, "a part has no Content-Disposition");
}

/* What follows a boundary: CR LF and a part, or "--" and the end. */
static bool
boundary_ends(Str *rest, bool *ret_last, Err *err)
{
	bool last = str_starts(*rest, str_of("--"));
	Str after = str_sub(*rest, last ? 2 : 0, rest->n);

	if (last ? after.n > 0 && !str_is(after, crlf) : !str_starts(after, str_of(crlf)))
		return broken(err, last ? "something follows its end"
					: "a boundary is followed by something else than the end of its line");
	*rest = str_sub(after, 2, after.n);
	*ret_last = last;
	return true;
}

bool
multipart_parse(Arena *a, Str content_type, Str body, Form *ret, Err *err)
{
	Str boundary = { 0 }, line, rest = body;
	Form form = { .n = 0 };
	bool last = false;
	size_t at;

	if (!read_boundary(a, content_type, &boundary, err))
		return false;
	line = str_fmt(a, "\r\n--%.*s", STR_ARG(boundary));
	if (!str_starts(rest, str_sub(line, 2, line.n)))
		return broken(err, "it does not begin with its boundary");
	rest = str_sub(rest, line.n - 2, rest.n);
	if (!boundary_ends(&rest, &last, err))
		return false;
	while (!last) {
		FormPart part = { 0 };

		if (form.n == FORM_PARTS)
			return broken(err, "it has more than 32 parts");
		if (!read_head(a, &rest, &part, err))
			return false;
		if (!str_find(rest, line, &at))
			return broken(err, "it ends before its closing boundary");
		part.body = str_sub(rest, 0, at);
		rest = str_sub(rest, at + line.n, rest.n);
		if (!boundary_ends(&rest, &last, err))
			return false;
		form.parts[form.n++] = part;
	}
	*ret = form;
	return true;
}

const FormPart *
form_part(const Form *f, const char *name)
{
	for (size_t i = f->n; i > 0; i--)
		if (str_is(f->parts[i - 1].name, name))
			return &f->parts[i - 1];
	return NULL;
}

bool
form_text(const Form *f, const char *name, size_t max, Str *ret, Err *err)
{
	const FormPart *part = form_part(f, name);

	*ret = (Str){ 0 };
	if (part == NULL)
		return true;
	if (part->body.n > max)
		return err_set(err, ERR_INVALID, "The form's field '%s' is longer than %zu bytes", name, max);
	if (!utf8_valid(part->body) || (part->body.n > 0 && memchr(part->body.p, '\0', part->body.n) != NULL))
		return err_set(err, ERR_INVALID, "The form's field '%s' must be UTF-8 text", name);
	*ret = part->body;
	return true;
}
