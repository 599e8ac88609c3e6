/* Grants with constraints as conditions of a list. */
#include "store/listing.h"

enum { SPARE_BINDS = 16 }; /* left to filters and the page */

typedef struct Maker {
	Listing *l;
	const ScopeColumns *columns;
	Buf b;
	bool any;  /* of the running grant: a condition was written */
	bool full; /* more values than a statement takes */
} Maker;

static void
value(Maker *m, char type, Bind v)
{
	if (m->l->n + SPARE_BINDS >= LISTING_BINDS) {
		m->full = true;
		return;
	}
	m->l->in[m->l->n] = type;
	m->l->binds[m->l->n++] = v;
	buf_fmt(&m->b, "$%zu", m->l->n);
}

static void
condition(Maker *m)
{
	buf_text(&m->b, m->any ? " and " : "(");
	m->any = true;
}

static void
never(Maker *m)
{
	condition(m);
	buf_text(&m->b, "1 = 0");
}

/* The column is one of the list. */
static void
one_of(Maker *m, const char *column, const Json *list, char type)
{
	if (list->kind == JSON_NULL)
		return;
	if (column == NULL || list->n == 0) {
		never(m);
		return;
	}
	condition(m);
	for (size_t i = 0; i < list->n; i++) {
		buf_fmt(&m->b, "%s%s = ", i == 0 ? "(" : " or ", column);
		value(m, type,
		    type == 'i' ? bind_int(json_as_int(&list->items[i], 0)) : bind_str(json_as_str(&list->items[i])));
	}
	buf_text(&m->b, ")");
}

/* Where only a ref says of which pack a thing is. */
static void
of_packs(Maker *m, const Json *packs)
{
	const char *column = m->columns->pack_of;

	if (packs->kind == JSON_NULL || m->columns->pack_ref != NULL) {
		one_of(m, m->columns->pack_ref, packs, 's');
		return;
	}
	if (column == NULL || packs->n == 0) {
		never(m);
		return;
	}
	condition(m);
	for (size_t i = 0; i < packs->n; i++) {
		buf_fmt(&m->b, "%s%s like ", i == 0 ? "(" : " or ", column);
		value(m, 's', bind_str(listing_pattern(m->l->a, json_as_str(&packs->items[i]), ".%")));
		buf_text(&m->b, " escape '\\'");
	}
	buf_text(&m->b, ")");
}

static void
equals(Maker *m, const char *column, Id id)
{
	if (column == NULL || id == 0) {
		never(m);
		return;
	}
	condition(m);
	buf_fmt(&m->b, "%s = ", column);
	value(m, 'i', bind_int(id));
}

static void
of_owner(Maker *m, const Grant *g, const Caller *c)
{
	if (g->owner == OWNER_SELF) {
		equals(m, m->columns->owner, c->kind == CALLER_USER ? c->identity : 0);
	} else if (g->owner == OWNER_NONE && m->columns->owner_type != NULL) {
		condition(m);
		buf_fmt(&m->b, "%s = 'system'", m->columns->owner_type);
	} else if (g->owner == OWNER_NONE && m->columns->owner != NULL) {
		condition(m);
		buf_fmt(&m->b, "%s is null", m->columns->owner);
	}
}

static void
of_runs(Maker *m, const Grant *g, const Caller *c)
{
	if (g->execution != RUNS_SELF && g->execution != RUNS_DESCENDANTS)
		return;
	if (c->kind != CALLER_EXECUTION) {
		equals(m, m->columns->owner, c->identity);
		return;
	}
	if (m->columns->execution == NULL ||
	    (g->execution == RUNS_DESCENDANTS && (str_none(c->line) || m->columns->ancestors == NULL))) {
		never(m);
		return;
	}
	condition(m);
	buf_fmt(&m->b, "(%s = ", m->columns->execution);
	value(m, 'i', bind_int(c->execution));
	if (g->execution == RUNS_DESCENDANTS) {
		/* all texts that begin with its line: '0' comes next after the '/' that ends it */
		Str line = str_copy(m->l->a, c->line), end = str_copy(m->l->a, c->line);

		((char *)(uintptr_t)end.p)[end.n - 1] = '0';
		buf_fmt(&m->b, " or (%s >= ", m->columns->ancestors);
		value(m, 's', bind_str(line));
		buf_fmt(&m->b, " and %s < ", m->columns->ancestors);
		value(m, 's', bind_str(end));
		buf_text(&m->b, ")");
	}
	buf_text(&m->b, ")");
}

static void
of_encryption(Maker *m, const Grant *g)
{
	if (g->encrypted == 0)
		return;
	if (m->columns->encrypted == NULL) {
		never(m);
		return;
	}
	condition(m);
	buf_fmt(&m->b, "%s = ", m->columns->encrypted);
	value(m, 'b', bind_bool(g->encrypted > 0));
}

static void
grant_conditions(Maker *m, const Grant *g, const Caller *c)
{
	const ScopeColumns *k = m->columns;

	m->any = false;
	of_packs(m, &g->pack_refs);
	one_of(m, k->ref, &g->refs, 's');
	one_of(m, k->id, &g->ids, 'i');
	one_of(m, k->owner_ref, &g->owner_refs, 's');
	one_of(m, k->owner_type, &g->owner_types, 's');
	one_of(m, k->visibility, &g->visibility, 's');
	of_owner(m, g, c);
	of_runs(m, g, c);
	of_encryption(m, g);
	buf_text(&m->b, m->any ? ")" : "1 = 1");
}

bool
listing_scope(Listing *l, const Scope *s, const ScopeColumns *columns, Err *err)
{
	Maker m = { .l = l, .columns = columns, .b = buf_open(l->a) };

	if (s == NULL || s->all)
		return true;
	buf_text(&m.b, "(1 = 0");
	for (size_t i = 0; i < s->n; i++) {
		buf_text(&m.b, " or ");
		grant_conditions(&m, s->grants[i], s->caller);
	}
	buf_text(&m.b, ")");
	if (m.full)
		return err_set(err, ERR_FORBIDDEN,
		    "Your grants name too many single things for a list: filter by what you look for, or ask for a "
		    "grant by "
		    "pack");
	listing_plain(l, buf_str(&m.b).p);
	return true;
}
