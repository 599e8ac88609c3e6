#include "runtime/places.h"

typedef struct Place {
	const char *token;
	size_t offset;
} Place;

static const Place places[] = {
	{ "{pack_dir}", offsetof(Places, pack_dir) },
	{ "{env_dir}", offsetof(Places, env_dir) },
	{ "{interpreter}", offsetof(Places, interpreter) },
	{ "{manifest_path}", offsetof(Places, manifest_path) },
	{ "{action_file}", offsetof(Places, action_file) },
};

static const Place *
place_at(Str rest)
{
	for (size_t i = 0; i < countof(places); i++)
		if (str_starts(rest, str_of(places[i].token)))
			return &places[i];
	return NULL;
}

Str
places_fill(Arena *a, const Places *p, Str text)
{
	Buf b = buf_open(a);

	for (size_t i = 0; i < text.n;) {
		const Place *found = text.p[i] == '{' ? place_at(str_sub(text, i, text.n)) : NULL;

		if (found == NULL) {
			buf_char(&b, text.p[i++]);
			continue;
		}
		buf_add(&b, *(const Str *)((const char *)p + found->offset));
		i += strlen(found->token);
	}
	return buf_str(&b);
}
