#include "http/negotiate.h"

/* "gzip;q=0.5": the name, and whether its weight is more than nothing */
static bool
coding_wanted(Str item, Str *ret_name)
{
	Str name = { 0 }, param = { 0 };
	bool wanted = true;

	if (!str_cut(&item, ';', &name))
		return false;
	while (str_cut(&item, ';', &param)) {
		double q;

		param = str_trim(param);
		if (str_starts(param, str_of("q=")) && (!str_to_real(str_sub(param, 2, param.n), &q) || !(q > 0)))
			wanted = false;
	}
	*ret_name = str_trim(name);
	return wanted;
}

bool
accepts_gzip(Str header)
{
	bool any = false;
	Str item, name;

	while (str_cut(&header, ',', &item)) {
		bool wanted = coding_wanted(item, &name);

		if (str_eq_nocase(name, str_of("gzip")))
			return wanted;
		any = any || (wanted && str_is(name, "*"));
	}
	return any;
}

bool
type_shrinks(const char *type)
{
	static const char *const starts[] = { "application/json", "text/", "application/yaml", "application/javascript",
		"image/svg+xml" };

	for (size_t i = 0; type != NULL && i < countof(starts); i++)
		if (strncmp(type, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

static uint64_t
mixed(uint64_t x, uint64_t y)
{
	unsigned __int128 product = (unsigned __int128)x * y;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t
word(const char *p, size_t n)
{
	uint64_t w = 0;

	memcpy(&w, p, n < sizeof(w) ? n : sizeof(w));
	return w;
}

/* Eight bytes at a time: lists are long, and each answer is hashed. */
static uint64_t
body_hash(Str s)
{
	uint64_t h = 0x9e3779b97f4a7c15ULL ^ s.n;

	for (size_t i = 0; i < s.n; i += 8)
		h = mixed(h ^ 0xa0761d6478bd642fULL, word(s.p + i, s.n - i) ^ 0xe7037ed1a0b428dbULL) + i;
	return mixed(h, 0x8ebc6af09c88c6e3ULL);
}

Str
etag_of(Arena *a, Str body)
{
	static const char digits[] = "0123456789abcdef";
	char text[] = "W/\"0123456789abcdef\"";
	uint64_t h = body_hash(body);

	for (size_t i = 0; i < 16; i++)
		text[3 + i] = digits[h >> (60 - 4 * i) & 15];
	return str_copy(a, (Str){ text, sizeof(text) - 1 });
}

static Str
strong(Str tag)
{
	return str_starts(tag, str_of("W/")) ? str_sub(tag, 2, tag.n) : tag;
}

bool
etag_matches(Str header, Str tag)
{
	Str item;

	while (str_cut(&header, ',', &item)) {
		item = str_trim(item);
		if (str_is(item, "*") || str_eq(strong(item), strong(tag)))
			return true;
	}
	return false;
}

bool
origin_allowed(Str origin, const Str *origins, size_t n)
{
	static const char *const here[] = { "http://localhost:", "http://127.0.0.1:" };
	static const char *const ports[] = { "3000", "3001", "5173", "8080" };

	for (size_t i = 0; i < n; i++)
		if (str_eq(origin, origins[i]))
			return true;
	for (size_t i = 0; n == 0 && i < countof(here); i++)
		for (size_t k = 0; k < countof(ports); k++)
			if (str_starts(origin, str_of(here[i])) &&
			    str_is(str_sub(origin, strlen(here[i]), origin.n), ports[k]))
				return true;
	return false;
}

static bool
is_hex(Str s)
{
	bool zero = true;

	for (size_t i = 0; i < s.n; i++) {
		if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
			return false;
		zero = zero && s.p[i] == '0';
	}
	return !zero;
}

Str
trace_answer(Arena *a, Str header, uint64_t span)
{
	enum { TRACE_AT = 3, SPAN_AT = 36, FLAGS_AT = 53, LENGTH = 55 };
	Str trace = str_sub(header, TRACE_AT, SPAN_AT - 1), flags = str_sub(header, FLAGS_AT, LENGTH);

	if (header.n < LENGTH || !str_starts(header, str_of("00-")) || header.p[SPAN_AT - 1] != '-' ||
	    header.p[FLAGS_AT - 1] != '-' || !is_hex(trace) || !is_hex(str_sub(header, SPAN_AT, FLAGS_AT - 1)))
		return (Str){ 0 };
	return str_fmt(a, "00-%.*s-%016llx-%s", STR_ARG(trace), (unsigned long long)span,
	    is_hex(flags) && (flags.p[1] & 1) != 0 ? "01" : "00");
}
