/* What would tell of a secret where everybody can read it. */
#include "engine/workflow.h"

#include "model/secret_forms.h"

enum { SHORTEST = 4, SMALL = 1000 };

static void
tell_add(WorkflowStep *s, Str text)
{
	Arena *a = s->u->arena;
	Str forms[SECRET_FORMS] = { text };
	size_t n = text.n < SHORTEST ? text.n > 0 : secret_forms(a, text, forms);

	for (size_t i = 0; i < n; i++) {
		if (i > 0 && str_eq(forms[i], text))
			continue;
		if (s->tells_n == s->tells_cap) {
			size_t cap = s->tells_cap == 0 ? 16 : s->tells_cap * 2;

			s->tells = arena_grow(a, s->tells, s->tells_n * sizeof(Str), cap * sizeof(Str));
			s->tells_cap = cap;
		}
		s->tells[s->tells_n++] = forms[i];
	}
}

/* Small numbers are everywhere: they tell nothing. */
static void
tells_add(WorkflowStep *s, const Json *secret)
{
	for (size_t i = 0; secret->kind == JSON_ARRAY && i < secret->n; i++)
		tells_add(s, &secret->items[i]);
	for (size_t i = 0; secret->kind == JSON_OBJECT && i < secret->n; i++)
		tells_add(s, &secret->members[i].value);
	if (secret->kind == JSON_STRING) {
		tell_add(s, json_as_str(secret));
	} else if (json_is_number(secret) && (secret->kind != JSON_INT || secret->i >= SMALL || secret->i <= -SMALL)) {
		Str text = json_text(s->u->arena, secret);

		tell_add(s, text.n < SHORTEST ? (Str){ 0 } : text);
	}
}

/* A text of some length may be part of another one; what is shorter is looked for as a whole, and so is everything in a number. */
static bool
text_tells(const WorkflowStep *s, Str text, bool whole)
{
	for (size_t i = 0; i < s->tells_n; i++)
		if (whole || s->tells[i].n < SHORTEST ? str_eq(s->tells[i], text) : str_find(text, s->tells[i], NULL))
			return true;
	return false;
}

static bool
hides(const WorkflowStep *s, const Json *v)
{
	if (v->kind == JSON_STRING)
		return text_tells(s, json_as_str(v), false);
	if (json_is_number(v))
		return text_tells(s, json_text(s->u->arena, v), true);
	for (size_t i = 0; v->kind == JSON_ARRAY && i < v->n; i++)
		if (hides(s, &v->items[i]))
			return true;
	for (size_t i = 0; v->kind == JSON_OBJECT && i < v->n; i++)
		if (text_tells(s, v->members[i].key, false) || hides(s, &v->members[i].value))
			return true;
	return false;
}

bool
step_hides(WorkflowStep *s, const Json *v)
{
	if (s->secrets.n == 0 || v == NULL)
		return false;
	for (; s->tells_of < s->secrets.n; s->tells_of++)
		tells_add(s, &s->secrets.items[s->tells_of]);
	return hides(s, v);
}
