#include "live/notice.h"

#include "base/codec.h"
#include "base/map.h"
#include "model/lifecycle.h"

#include <stdlib.h>

enum { TEXT_ROOM = 1024, READ_AT_ONCE = 512 };

/* ---- announcements ---- */

static size_t
commas(Str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == ',';
	return n;
}

static bool
item_read(const MsgItem *m, Told *t, Err *err)
{
	ChangeKind kind = change_of(m->ref);
	bool ends = kind == CHANGE_EXECUTION_STATUS || kind == CHANGE_EXECUTION_CREATED
			? exec_terminal(exec_state_of(m->status))
			: false;
	Str rest = m->ref2, piece;

	if (kind == CHANGE_NONE)
		return true; /* a later version knows more */
	while (str_cut(&rest, ',', &piece)) {
		Id id;

		if (!str_to_int(piece, &id))
			return err_set(err, ERR_INVALID, "ids: '%.*s' is none", STR_ARG(utf8_clip(piece, 40)));
		t->items[t->n++] = (ToldItem){ kind, id, m->status, m->previous, m->at, ends };
	}
	return true;
}

bool
told_read(Arena *a, const Msg *msgs, size_t n, Told *ret, Err *err)
{
	size_t most = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < msgs[i].n; k++)
			most += commas(msgs[i].items[k].ref2) + 1;
	*ret = (Told){ .items = arena_array(a, ToldItem, most + 1) };
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < msgs[i].n; k++)
			if (!item_read(&msgs[i].items[k], ret, err))
				return false;
	return true;
}

/* ---- rows ---- */

static bool
some_read(Db *db, Arena *a, Subject subject, const Id *ids, size_t n, Map *known, Err *err)
{
	Watched *rows;
	size_t rows_n;

	if (n == 0)
		return true;
	if (!watched_read(db, a, subject, ids, n, &rows, &rows_n, err))
		return false;
	for (size_t i = 0; i < rows_n; i++)
		map_put(known, rows[i].id, &rows[i]);
	return true;
}

static bool
rows_read(Db *db, Arena *a, const Told *told, Subject subject, Map *known, Err *err)
{
	static char wanted; /* stands in the map until its row does */
	Id ids[READ_AT_ONCE];
	size_t n = 0;

	*known = map_open(a);
	for (size_t i = 0; i < told->n; i++) {
		const ToldItem *t = &told->items[i];

		if (change_rows[t->kind].subject != subject || map_get(known, t->id) != NULL)
			continue;
		map_put(known, t->id, &wanted);
		ids[n++] = t->id;
		if (n < READ_AT_ONCE)
			continue;
		if (!some_read(db, a, subject, ids, n, known, err))
			return false;
		n = 0;
	}
	if (!some_read(db, a, subject, ids, n, known, err))
		return false;
	for (size_t i = 0; i < told->n; i++) /* what was not found is gone */
		if (change_rows[told->items[i].kind].subject == subject && map_get(known, told->items[i].id) == &wanted)
			map_put(known, told->items[i].id, NULL);
	return true;
}

/* ---- texts ---- */

static Str
put(char **at, Str text)
{
	Str r = { *at, text.n };

	if (str_none(text))
		return text;
	memcpy(*at, text.p, text.n);
	*at += text.n;
	return r;
}

/* Everything in one piece of memory, which the text begins. */
static void
notice_own(Notice *n, Str text, size_t payload_at, size_t payload_n)
{
	Target *t = &n->target;
	char *piece = malloc(text.n + t->ref.n + t->pack_ref.n + t->owner_type.n + t->owner_ref.n + t->visibility.n +
			     t->ancestors.n + 1);
	char *at = piece;

	if (piece == NULL)
		abort();
	n->text = put(&at, text);
	n->payload = (Str){ n->text.p + payload_at, payload_n };
	t->ref = put(&at, t->ref);
	t->pack_ref = put(&at, t->pack_ref);
	t->owner_type = put(&at, t->owner_type);
	t->owner_ref = put(&at, t->owner_ref);
	t->visibility = put(&at, t->visibility);
	t->ancestors = put(&at, t->ancestors);
}

static void
notice_write(Arena *a, const ToldItem *t, const Watched *w, uint64_t sequence, Notice *ret)
{
	ArenaMark mark = arena_mark(a);
	Buf b = buf_open(a);
	WatchedChange change = { t->kind, t->status, t->previous, t->at };
	const ChangeRow *row = &change_rows[t->kind];
	size_t from, to;

	buf_room(&b, TEXT_ROOM);
	buf_fmt(&b,
	    "{\"type\":\"notification\",\"notification_type\":\"%s\",\"entity_type\":\"%s\",\"entity_id\":%lld,",
	    row->name, subject_names[row->subject], (long long)t->id);
	if (w->user == 0)
		buf_text(&b, "\"user_id\":null,\"payload\":");
	else
		buf_fmt(&b, "\"user_id\":%lld,\"payload\":", (long long)w->user);
	from = b.n;
	watched_print(&b, w, &change);
	to = b.n;
	buf_text(&b, ",\"timestamp\":");
	json_print_string(&b, time_text(a, t->at));
	buf_fmt(&b, ",\"sequence\":%llu}", (unsigned long long)sequence);
	*ret = (Notice){ .sequence = sequence, .kind = t->kind, .id = t->id, .user = w->user, .target = w->target };
	notice_own(ret, (Str){ b.p, b.n }, from, to - from);
	arena_rewind(a, mark);
}

bool
notices_make(Db *db, Arena *a, const Told *told, uint64_t first, Notice **ret, size_t *ret_n, Err *err)
{
	Map known[SUBJECTS];
	Notice *notices = arena_array(a, Notice, told->n);
	size_t n = 0;

	for (Subject s = 0; s < SUBJECTS; s++)
		if (!rows_read(db, a, told, s, &known[s], err))
			return false;
	for (size_t i = 0; i < told->n; i++) {
		const ToldItem *t = &told->items[i];
		const Watched *w = map_get(&known[change_rows[t->kind].subject], t->id);

		if (w == NULL)
			continue;
		notice_write(a, t, w, first + n, &notices[n]);
		n++;
	}
	*ret = notices;
	*ret_n = n;
	return true;
}

void
notice_free(Notice *n)
{
	free((void *)(uintptr_t)n->text.p);
	*n = (Notice){ 0 };
}
