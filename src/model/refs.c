#include "model/refs.h"

static bool
is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_word(Str s)
{
	if (s.n == 0 || !is_letter(s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!is_letter(s.p[i]) && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '-' && s.p[i] != '_')
			return false;
	return true;
}

bool
ref_is_pack(Str ref)
{
	return ref.n >= 2 && ref.n <= 255 && is_word(ref);
}

bool
ref_is_component(Str ref)
{
	size_t dot;

	return ref.n <= 255 && str_find(ref, str_of("."), &dot) && is_word(str_sub(ref, 0, dot)) &&
	       is_word(str_sub(ref, dot + 1, ref.n));
}

Str
ref_pack(Str ref)
{
	size_t dot;

	return str_find(ref, str_of("."), &dot) ? str_sub(ref, 0, dot) : (Str){ 0 };
}

Str
ref_name(Str ref)
{
	size_t from = ref.n;

	while (from > 0 && ref.p[from - 1] != '.')
		from--;
	return str_sub(ref, from, ref.n);
}

Str
ref_qualify(Arena *a, Str pack, Str ref)
{
	if (str_none(ref) || str_find(ref, str_of("."), NULL))
		return ref;
	return str_fmt(a, "%.*s.%.*s", STR_ARG(pack), STR_ARG(ref));
}

Str
ref_label(Arena *a, Str ref)
{
	Str rest = ref_name(ref), word;
	Buf b = buf_open(a);

	while (str_cut(&rest, '_', &word)) {
		if (word.n == 0)
			continue;
		if (b.n > 0)
			buf_char(&b, ' ');
		buf_char(&b, is_letter(word.p[0]) ? (char)(word.p[0] - 32) : word.p[0]);
		buf_add(&b, str_sub(word, 1, word.n));
	}
	return buf_str(&b);
}
