#include "base/yaml.h"

#include "base/codec.h"
#include "base/yaml_inner.h"

enum {
	INDENT = 2,
	SHORT_KEY =
	    128, /* a reader looks at most 1024 characters ahead for the colon; longer keys are written with "? " */
};

/* Words that other readers take for a boolean or null, in any case of letters. */
static const char *const old_words[] = { "y", "n", "yes", "no", "on", "off", "true", "false", "null" };

static bool
is_old_word(Str s)
{
	for (size_t i = 0; i < countof(old_words); i++)
		if (str_eq_nocase(s, str_of(old_words[i])))
			return true;
	return false;
}

static bool
is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Plain only what no reader can take for anything but this string. */
static bool
may_be_plain(Str s)
{
	if (s.n == 0 || !(is_letter_or_digit(s.p[0]) || s.p[0] == '_' || s.p[0] == '/'))
		return false;
	if (s.p[s.n - 1] == ' ' || yaml_is_special(s) || is_old_word(s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_letter_or_digit(s.p[i]) && (s.p[i] == '\0' || strchr(" _-./+@()", s.p[i]) == NULL))
			return false;
	/* dates and times of 1.1, and digits of any kind, are left to quotes */
	return !(s.p[0] >= '0' && s.p[0] <= '9');
}

static unsigned
code_point(const char *p, size_t n)
{
	static const unsigned char first[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned c = (unsigned char)p[0] & first[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)p[i] & 63);
	return c;
}

/* What YAML does not let stand, or folds as a line break, even in quotes. */
static bool
must_escape(unsigned c)
{
	return c < 0x20 || c == '"' || c == '\\' || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
	       c == 0xfeff || c == 0xfffe || c == 0xffff;
}

static void
print_quoted(Buf *b, Str s)
{
	size_t n;

	buf_char(b, '"');
	for (size_t i = 0; i < s.n; i += n) {
		Str rest = str_sub(s, i, s.n);
		unsigned c;

		n = utf8_char(rest);
		if (n == 0) { /* no string of ours; but nothing unreadable is written */
			n = 1;
			buf_text(b, "\\ufffd");
			continue;
		}
		c = code_point(rest.p, n);
		if (c == '\n')
			buf_text(b, "\\n");
		else if (c == '"' || c == '\\')
			buf_fmt(b, "\\%c", (char)c);
		else if (must_escape(c))
			buf_fmt(b, "\\u%04x", c);
		else
			buf_add(b, str_sub(rest, 0, n));
	}
	buf_char(b, '"');
}

static void
print_string(Buf *b, Str s)
{
	if (may_be_plain(s))
		buf_add(b, s);
	else
		print_quoted(b, s);
}

static void
print_indent(Buf *b, unsigned level)
{
	for (unsigned i = 0; i < level * INDENT; i++)
		buf_char(b, ' ');
}

/* Text of several printable lines, the first not indented, ended by one line break or none: a literal block. */
static bool
may_be_block(Str s)
{
	if (s.n < 2 || s.p[0] == ' ' || s.p[0] == '\n' || memchr(s.p, '\n', s.n) == NULL)
		return false;
	if (s.p[s.n - 1] == '\n' && s.p[s.n - 2] == '\n')
		return false;
	for (size_t i = 0, n; i < s.n; i += n) {
		Str rest = str_sub(s, i, s.n);
		unsigned c;

		n = utf8_char(rest);
		if (n == 0)
			return false;
		c = code_point(rest.p, n);
		if (c != '\n' && c != '"' && c != '\\' && must_escape(c))
			return false;
	}
	return true;
}

static void
print_block(Buf *b, Str s, unsigned level)
{
	bool ended = s.p[s.n - 1] == '\n';
	Str line;

	buf_text(b, ended ? "|" : "|-");
	if (ended)
		s.n--;
	while (str_cut(&s, '\n', &line)) {
		buf_char(b, '\n');
		if (line.n > 0)
			print_indent(b, level == 0 ? 1 : level);
		buf_add(b, line);
	}
}

static bool
is_nested(const Json *v)
{
	return (v->kind == JSON_ARRAY || v->kind == JSON_OBJECT) && v->n > 0;
}

/* To readers of YAML 1.1 "1e+300" is a word: only with a point is it a number. */
static void
print_real(Buf *b, const Json *v)
{
	Str rest = json_text(b->a, v), mantissa;

	(void)str_cut(&rest, 'e', &mantissa);
	buf_add(b, mantissa);
	if (!str_none(rest))
		buf_fmt(b, "%se%.*s", str_find(mantissa, str_of("."), NULL) ? "" : ".0", STR_ARG(rest));
}

static void
print_scalar(Buf *b, const Json *v, unsigned level)
{
	Str s = json_as_str(v);

	if (v->kind == JSON_REAL)
		print_real(b, v);
	else if (str_none(s))
		json_print(b, v);
	else if (may_be_block(s))
		print_block(b, s, level);
	else
		print_string(b, s);
}

static void print_nested(Buf *b, const Json *v, unsigned level);

/* What follows a key or "-": a scalar on the same line, or the lines of a nested value. */
static void
print_after(Buf *b, const Json *v, unsigned level)
{
	if (is_nested(v)) {
		buf_char(b, '\n');
		print_nested(b, v, level);
		return;
	}
	buf_char(b, ' ');
	print_scalar(b, v, level);
	buf_char(b, '\n');
}

static void
print_member(Buf *b, const JsonMember *m, unsigned level)
{
	if (m->key.n > SHORT_KEY) {
		buf_text(b, "? ");
		print_string(b, m->key);
		buf_char(b, '\n');
		print_indent(b, level);
	} else {
		print_string(b, m->key);
	}
	buf_char(b, ':');
	print_after(b, &m->value, level + 1);
}

/* The first line starts where the writing stands when it follows "- ". */
static void
print_members(Buf *b, const Json *v, unsigned level, bool started)
{
	for (uint32_t i = 0; i < v->n; i++) {
		if (i > 0 || !started)
			print_indent(b, level);
		print_member(b, &v->members[i], level);
	}
}

static void
print_nested(Buf *b, const Json *v, unsigned level)
{
	if (v->kind == JSON_OBJECT) {
		print_members(b, v, level, false);
		return;
	}
	for (uint32_t i = 0; i < v->n; i++) {
		const Json *item = &v->items[i];

		print_indent(b, level);
		buf_char(b, '-');
		if (item->kind == JSON_OBJECT && item->n > 0) {
			buf_char(b, ' ');
			print_members(b, item, level + 1, true);
		} else {
			print_after(b, item, level + 1);
		}
	}
}

void
yaml_print(Buf *b, const Json *v)
{
	if (is_nested(v)) {
		print_nested(b, v, 0);
		return;
	}
	print_scalar(b, v, 0);
	buf_char(b, '\n');
}
