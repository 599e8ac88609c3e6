#include "expr/lexer.h"

#include "expr/inner.h"

static const char *const words[] = { "and", "or", "not", "in", "is", "if", "else", "true", "false", "null" };
static const char *const symbols[] = { "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "(", ")", "[", "]",
	",", "." };

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The byte at l->at + more; NUL behind the end. */
static char
look(const Lexer *l, uint32_t more)
{
	return l->at + more < l->text.n ? l->text.p[l->at + more] : '\0';
}

static void
skip_space(Lexer *l)
{
	while (l->at < l->text.n && strchr(" \t\r\n", l->text.p[l->at]) != NULL && l->text.p[l->at] != '\0')
		l->at++;
}

static void
read_name(Lexer *l, Token *t)
{
	while (is_name_start(look(l, 0)) || is_digit(look(l, 0)))
		l->at++;
	t->text = str_sub(l->text, t->at, l->at);
	t->kind = TOKEN_NAME;
	for (size_t i = 0; i < countof(words); i++)
		if (str_is(t->text, words[i]))
			t->kind = TOKEN_WORD;
}

static bool
read_number(Lexer *l, Token *t)
{
	bool fits = true;

	t->kind = TOKEN_INT;
	for (; is_digit(look(l, 0)); l->at++)
		fits = fits && !__builtin_mul_overflow(t->i, 10, &t->i) &&
		       !__builtin_add_overflow(t->i, (uint64_t)(look(l, 0) - '0'), &t->i);
	if (look(l, 0) == '.' && is_digit(look(l, 1))) {
		t->kind = TOKEN_REAL;
		for (l->at++; is_digit(look(l, 0));)
			l->at++;
	}
	t->text = str_sub(l->text, t->at, l->at);
	if (t->kind == TOKEN_INT && (!fits || t->i > (uint64_t)INT64_MAX + 1))
		return expr_fail_at(l->err, l->text, t->at, "the integer is too large");
	if (t->kind == TOKEN_REAL && !str_to_real(t->text, &t->d))
		return expr_fail_at(l->err, l->text, t->at, "the number is too long");
	return true;
}

/* The character that \c stands for; NUL: both stay. */
static char
escape_of(char c, char quote)
{
	static const char table[] = "n\nt\tr\r\\\\";

	for (size_t i = 0; i + 1 < sizeof(table) - 1; i += 2)
		if (c == table[i])
			return table[i + 1];
	return c == quote ? c : '\0';
}

static bool
read_text(Lexer *l, Token *t)
{
	char quote = look(l, 0), escaped;
	Buf b = buf_open(l->scratch);

	for (l->at++; l->at < l->text.n && look(l, 0) != quote; l->at++) {
		escaped = look(l, 0) == '\\' ? escape_of(look(l, 1), quote) : '\0';
		buf_char(&b, escaped == '\0' ? look(l, 0) : escaped);
		l->at += escaped != '\0';
	}
	if (l->at >= l->text.n)
		return expr_fail_at(l->err, l->text, t->at, "unterminated string");
	l->at++;
	t->kind = TOKEN_TEXT;
	t->text = str_copy(l->a, buf_str(&b));
	return true;
}

static bool
read_symbol(Lexer *l, Token *t)
{
	Str rest = str_sub(l->text, l->at, l->text.n);

	for (size_t i = 0; i < countof(symbols); i++) {
		if (!str_starts(rest, str_of(symbols[i])))
			continue;
		t->kind = TOKEN_SYMBOL;
		t->text = str_of(symbols[i]);
		l->at += (uint32_t)t->text.n;
		return true;
	}
	rest = char_at(rest, 0);
	return expr_fail_at(l->err, l->text, l->at, "unexpected character '%.*s'", STR_ARG(rest));
}

bool
lexer_next(Lexer *l, Token *ret)
{
	bool ok = true;
	char c;

	skip_space(l);
	*ret = (Token){ .kind = TOKEN_END, .at = l->at, .end = l->at, .text = str_of("the end") };
	if (l->at >= l->text.n)
		return true;
	c = look(l, 0);
	if (is_name_start(c))
		read_name(l, ret);
	else if (is_digit(c))
		ok = read_number(l, ret);
	else if (c == '\'' || c == '"')
		ok = read_text(l, ret);
	else
		ok = read_symbol(l, ret);
	ret->end = l->at;
	return ok;
}

Str
lexer_segment(Lexer *l)
{
	uint32_t from;

	skip_space(l);
	from = l->at;
	if (is_digit(look(l, 0)))
		while (is_digit(look(l, 0)))
			l->at++;
	else
		while (is_name_start(look(l, 0)) || (l->at > from && is_digit(look(l, 0))))
			l->at++;
	return l->at == from ? (Str){ 0 } : str_sub(l->text, from, l->at);
}
