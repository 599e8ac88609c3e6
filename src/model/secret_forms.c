#include "model/secret_forms.h"

#include "base/codec.h"
#include "base/json.h"

static Str
percent_encoded(Arena *a, Str s)
{
	Buf b = buf_open(a);

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
			     c == '_' || c == '.' || c == '~';

		if (plain)
			buf_char(&b, (char)c);
		else
			buf_fmt(&b, "%%%02X", c);
	}
	return buf_str(&b);
}

size_t
secret_forms(Arena *a, Str text, Str ret[SECRET_FORMS])
{
	Buf quoted = buf_open(a);
	size_t n = 0;

	json_print_string(&quoted, text);
	ret[n++] = text;
	ret[n++] = base64_encode(a, text);
	ret[n++] = base64url_encode(a, text);
	ret[n++] = percent_encoded(a, text);
	ret[n++] = str_sub(buf_str(&quoted), 1, quoted.n - 1);
	return n;
}
