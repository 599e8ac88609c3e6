#include "engine/changes.h"

#include "engine/engine.h"

enum { IDS_FIRST = 4, IDS_MOST = 512, ID_TEXT = 20 };

bool
changes_wanted(const Uow *u)
{
	return u->e->announces || atomic_load_explicit(&u->e->watchers, memory_order_relaxed) > 0;
}

/* Only the last group is added to: what happens to one row stays in order. */
static ChangeGroup *
group_last(Changes *c, Arena *a, ChangeKind kind, const char *status, const char *previous)
{
	ChangeGroup *g = c->n == 0 ? NULL : &c->groups[c->n - 1];

	if (g != NULL && g->kind == kind && g->status == status && g->previous == previous && g->n < IDS_MOST)
		return g;
	if (c->n == c->cap) {
		size_t cap = c->cap == 0 ? IDS_FIRST : c->cap * 2;

		c->groups = arena_grow(a, c->groups, c->cap * sizeof(ChangeGroup), cap * sizeof(ChangeGroup));
		c->cap = cap;
	}
	g = &c->groups[c->n++];
	*g = (ChangeGroup){ .kind = kind, .status = status, .previous = previous };
	return g;
}

void
change_add(Uow *u, ChangeKind kind, Id id, const char *status, const char *previous)
{
	ChangeGroup *g;

	if (!changes_wanted(u))
		return;
	g = group_last(&u->changes, u->arena, kind, status, previous);
	if (g->n == g->cap) {
		size_t cap = g->cap == 0 ? IDS_FIRST : g->cap * 4;

		g->ids = arena_grow(u->arena, g->ids, g->cap * sizeof(Id), cap * sizeof(Id));
		g->cap = cap;
	}
	g->ids[g->n++] = id;
}

bool
move_runs(Uow *u, ExecEvent ev, const ExecMove *moves, size_t n, Str by, ExecMoved *ret, Err *err)
{
	if (!execution_move(u->db, u->arena, ev, moves, n, u->now, by, ret, err))
		return false;
	if (!changes_wanted(u))
		return true;
	for (size_t i = 0; i < n; i++)
		if (ret[i].moved && moves[i].through)
			change_add(u, CHANGE_EXECUTION_STATUS, moves[i].id, exec_state_name(EXEC_RUNNING),
			    exec_state_name(moves[i].from));
	for (size_t i = 0; i < n; i++)
		if (ret[i].moved)
			change_add(u, CHANGE_EXECUTION_STATUS, moves[i].id, exec_state_name(ret[i].to),
			    exec_state_name(moves[i].through ? EXEC_RUNNING : moves[i].from));
	return true;
}

static Str
ids_text(Arena *a, const ChangeGroup *g)
{
	Buf b = buf_open(a);

	buf_room(&b, g->n * ID_TEXT);
	for (size_t i = 0; i < g->n; i++)
		buf_fmt(&b, i == 0 ? "%lld" : ",%lld", (long long)g->ids[i]);
	return buf_str(&b);
}

void
changes_publish(Uow *u)
{
	for (size_t i = 0; i < u->changes.n; i++) {
		const ChangeGroup *g = &u->changes.groups[i];

		*outbox_add(&u->out, MSG_NOTIFICATION) = (MsgItem){
			.ref = str_of(change_rows[g->kind].name),
			.ref2 = ids_text(u->arena, g),
			.status = g->status == NULL ? (Str){ 0 } : str_of(g->status),
			.previous = g->previous == NULL ? (Str){ 0 } : str_of(g->previous),
			.at = u->now,
		};
	}
	u->changes = (Changes){ 0 };
}
