#include "cli/sse.h"

Sse
sse_open(Arena *a)
{
	return (Sse){ .a = a, .line = buf_open(a), .data = buf_open(a) };
}

static void
begin_again(Sse *s)
{
	arena_reset(s->a);
	*s = (Sse){ .a = s->a, .line = buf_open(s->a), .data = buf_open(s->a), .after_cr = s->after_cr };
}

static void
field(Sse *s, Str line)
{
	Str name, value = line;

	if (!str_cut(&value, ':', &name) || name.n == 0)
		return; /* ":" begins a comment */
	if (value.n > 0 && value.p[0] == ' ')
		value = str_sub(value, 1, value.n);
	if (str_is(name, "data")) {
		if (s->has_data)
			buf_char(&s->data, '\n');
		buf_add(&s->data, value);
		s->has_data = true;
	} else if (str_is(name, "event")) {
		s->event.name = str_copy(s->a, value);
	} else if (str_is(name, "id")) {
		s->event.id = str_copy(s->a, value);
	}
}

/* A blank line ends the event. */
static bool
line_ends(Sse *s, SseTake *take, void *self)
{
	bool goes_on = true;

	if (s->line.n > 0) {
		field(s, buf_str(&s->line));
		s->line = buf_open(s->a);
		return true;
	}
	if (s->has_data || !str_none(s->event.name)) {
		s->event.data = buf_str(&s->data);
		goes_on = take(self, &s->event);
	}
	begin_again(s);
	return goes_on;
}

bool
sse_feed(Sse *s, Str bytes, SseTake *take, void *self)
{
	for (size_t i = 0; i < bytes.n; i++) {
		char c = bytes.p[i];
		bool second = c == '\n' && s->after_cr; /* "\r\n" ends one line, not two */

		s->after_cr = c == '\r';
		if (second)
			continue;
		if (c != '\n' && c != '\r') {
			buf_char(&s->line, c);
			if (s->line.n + s->data.n > SSE_EVENT_MAX)
				return false;
		} else if (!line_ends(s, take, self)) {
			return false;
		}
	}
	return true;
}
