#include "admin/topology.h"

#include "admin/grid.h"
#include "admin/follows.h"

/* How a table is wanted: names as code in Markdown. */
typedef struct View {
	const Topology *t;
	bool markdown;
} View;

Topology
topology_of(Arena *a, const BusConfig *names)
{
	Topology t = { .a = a };

	for (Exchange x = 0; x < EXCHANGES; x++)
		t.exchange[x] =
		    names != NULL && names->exchange[x].n > 0 ? str_cstr(a, names->exchange[x]) : exchange_names[x];
	for (QueueId q = 0; q < QUEUES; q++)
		t.queue[q] = names != NULL && names->queue[q].n > 0 ? str_cstr(a, names->queue[q]) : queue_rows[q].name;
	return t;
}

/* "worker.%lld.cancel" → "worker.{id}.cancel" */
static Str
pattern_text(Arena *a, const char *pattern)
{
	const char *at = strchr(pattern, '%');
	bool id = at != NULL && at[1] == 'l';

	if (at == NULL)
		return str_of(pattern);
	return str_fmt(
	    a, "%.*s%s%s", (int)(at - pattern), pattern, id ? "{id}" : "{process}", at + strlen(id ? "%lld" : "%s"));
}

static Str
name(const View *v, const char *pattern)
{
	Str text = pattern_text(v->t->a, pattern);

	return v->markdown ? str_fmt(v->t->a, "`%.*s`", STR_ARG(text)) : text;
}

static void
also(Buf *b, Str word)
{
	buf_fmt(b, "%s%.*s", b->n > 0 ? ", " : "", STR_ARG(word));
}

static const QueueDepth *
depth_of(const Topology *t, Str queue)
{
	for (size_t i = 0; i < t->depth_count; i++)
		if (str_eq(t->depths[i].name, queue) && t->depths[i].messages >= 0)
			return &t->depths[i];
	return NULL;
}

static Str
publishers_text(const View *v, unsigned publishers)
{
	Buf b = buf_open(v->t->a);

	for (Role r = 0; r < ROLES; r++)
		if (publishers >> r & 1)
			also(&b, str_of(role_names[r]));
	return buf_str(&b);
}

static Str
kinds_text(const View *v, unsigned kinds, unsigned others)
{
	Buf b = buf_open(v->t->a);

	for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++) {
		if ((kinds >> k & 1) == 0)
			continue;
		also(&b, name(v, topics[k].key));
		if (others >> k & 1)
			buf_text(&b, " (of another row)");
	}
	return buf_str(&b);
}

static Str
queues_text(const View *v, unsigned queues)
{
	Buf b = buf_open(v->t->a);

	for (QueueId q = 0; q < QUEUES; q++)
		if (queues >> q & 1)
			also(&b, name(v, v->t->queue[q]));
	return buf_str(&b);
}

static unsigned
queues_of(MsgKind k)
{
	unsigned queues = 0;

	for (QueueId q = 0; q < QUEUES; q++)
		if (queue_carries(q, k))
			queues |= 1u << q;
	return queues;
}

/* Which exchange a queue is bound to: all of its kinds lie on one. */
static Exchange
exchange_of(QueueId q)
{
	for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++)
		if (queue_carries(q, k))
			return topics[k].exchange;
	return EX_DEAD;
}

static Grid
exchanges_table(const View *v)
{
	static const char *const heads[] = { "exchange", "type", NULL };
	Grid c = grid_open(v->t->a, heads);

	for (Exchange x = 0; x < EXCHANGES; x++) {
		Str row[] = { name(v, v->t->exchange[x]), str_of(exchange_types[x]) };

		grid_row(&c, row);
	}
	return c;
}

static Str
keys_text(const View *v, QueueId q)
{
	return q == Q_DEAD ? name(v, "#") : kinds_text(v, queue_rows[q].kinds, 0);
}

static Grid
queues_table(const View *v)
{
	static const char *const heads[] = { "queue", "read by", "one per", "exchange", "routing keys", NULL };
	Grid c = grid_open(v->t->a, heads);

	for (QueueId q = 0; q < QUEUES; q++) {
		const QueueRow *r = &queue_rows[q];
		const char *one = r->exclusive                      ? "process"
				  : strstr(r->name, "%lld") != NULL ? "worker"
								    : "installation";
		Str who = q == Q_DEAD ? str_of(r->who) : str_fmt(v->t->a, "%s: %s", role_names[r->consumer], r->who);
		Str row[] = { name(v, v->t->queue[q]), who, str_of(one), name(v, v->t->exchange[exchange_of(q)]),
			keys_text(v, q) };

		grid_row(&c, row);
	}
	return c;
}

static Grid
kinds_table(const View *v)
{
	static const char *const heads[] = { "kind", "routing key", "exchange", "published by", "listener", "lasts",
		"why there", NULL };
	Grid c = grid_open(v->t->a, heads);

	for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++) {
		const Topic *m = &topics[k];
		Str row[] = { name(v, m->type), name(v, m->key), name(v, v->t->exchange[m->exchange]),
			publishers_text(v, m->publishers),
			str_of(m->listen == LISTEN_REQUIRED ? "required" : "announced"),
			str_of(m->durable ? "persistent" : "transient"), str_of(m->why) };

		grid_row(&c, row);
	}
	return c;
}

static Grid
acks_table(const View *v)
{
	static const char *const heads[] = { "queue", "acknowledged", "because", NULL };
	Grid c = grid_open(v->t->a, heads);

	for (QueueId q = 0; q < QUEUES; q++) {
		Str row[] = { name(v, v->t->queue[q]), str_of(acks[q].when), str_of(acks[q].why) };

		grid_row(&c, row);
	}
	return c;
}

static Grid
follows_table(const View *v)
{
	static const char *const heads[] = { "who", "role", "hears", "publishes", "when", NULL };
	Grid c = grid_open(v->t->a, heads);

	for (size_t i = 0; i < follows_count; i++) {
		const Follows *f = &follows[i];
		Str row[] = { str_of(f->who), str_of(role_names[f->role]), queues_text(v, f->heard),
			kinds_text(v, f->publishes, f->others), str_of(f->note) };

		grid_row(&c, row);
	}
	return c;
}

static Grid
depths_table(const View *v)
{
	static const char *const heads[] = { "queue", "messages", "consumers", NULL };
	Grid c = grid_open(v->t->a, heads);

	for (size_t i = 0; i < v->t->depth_count; i++) {
		const QueueDepth *d = &v->t->depths[i];
		Str row[] = { d->name, d->messages < 0 ? (Str){ 0 } : str_fmt(v->t->a, "%lld", (long long)d->messages),
			d->messages < 0 ? (Str){ 0 } : str_fmt(v->t->a, "%lld", (long long)d->consumers) };

		grid_row(&c, row);
	}
	return c;
}

typedef struct Section {
	const char *title;
	Grid (*table)(const View *v);
} Section;

static const Section sections[] = {
	{ "Exchanges", exchanges_table },
	{ "Queues", queues_table },
	{ "Kinds of messages", kinds_table },
	{ "When a message is acknowledged", acks_table },
	{ "What follows from what", follows_table },
};

void
topology_print(const Topology *t, Buf *b)
{
	View v = { t, false };

	for (size_t i = 0; i < countof(sections); i++) {
		Grid c = sections[i].table(&v);

		buf_fmt(b, "%s%s\n", i > 0 ? "\n" : "", sections[i].title);
		grid_print(&c, b);
	}
	if (t->depths != NULL) {
		Grid c = depths_table(&v);

		buf_text(b, "\nWhat lies there now\n");
		grid_print(&c, b);
	}
}

void
topology_markdown(const Topology *t, Buf *b)
{
	View v = { t, true };

	for (size_t i = 0; i < countof(sections); i++) {
		Grid c = sections[i].table(&v);

		buf_fmt(b, "%s### %s\n\n", i > 0 ? "\n" : "", sections[i].title);
		grid_markdown(&c, b);
	}
}

/* ---- for programs ---- */

static Json
exchanges_json(const Topology *t)
{
	Json list = json_array();

	for (Exchange x = 0; x < EXCHANGES; x++) {
		Json row = json_object();

		json_add(t->a, &row, "name", json_cstr(t->exchange[x]));
		json_add(t->a, &row, "type", json_cstr(exchange_types[x]));
		json_push(t->a, &list, row);
	}
	return list;
}

static Json
kind_list(const Topology *t, unsigned kinds)
{
	Json list = json_array();

	for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++)
		if (kinds >> k & 1)
			json_push(t->a, &list, json_cstr(topics[k].type));
	return list;
}

static Json
queue_list(const Topology *t, unsigned queues)
{
	Json list = json_array();

	for (QueueId q = 0; q < QUEUES; q++)
		if (queues >> q & 1)
			json_push(t->a, &list, json_str(pattern_text(t->a, t->queue[q])));
	return list;
}

static Json
bindings_json(const Topology *t, QueueId q)
{
	Json list = json_array();

	for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++) {
		Json row = json_object();

		if (!queue_carries(q, k))
			continue;
		json_add(t->a, &row, "exchange", json_cstr(t->exchange[topics[k].exchange]));
		json_add(t->a, &row, "routing_key", json_str(pattern_text(t->a, topics[k].key)));
		json_push(t->a, &list, row);
	}
	return list;
}

static Json
queues_json(const Topology *t)
{
	Json list = json_array();

	for (QueueId q = 0; q < QUEUES; q++) {
		const QueueDepth *d = depth_of(t, str_of(t->queue[q]));
		Json row = json_object();

		json_add(t->a, &row, "name", json_str(pattern_text(t->a, t->queue[q])));
		json_add(t->a, &row, "consumer", json_cstr(role_names[queue_rows[q].consumer]));
		json_add(t->a, &row, "exclusive", json_bool(queue_rows[q].exclusive));
		json_add(t->a, &row, "kinds", kind_list(t, queue_rows[q].kinds));
		json_add(t->a, &row, "bindings", bindings_json(t, q));
		json_add(t->a, &row, "acknowledged", json_cstr(acks[q].when));
		json_add(t->a, &row, "because", json_cstr(acks[q].why));
		json_add(t->a, &row, "messages", d == NULL ? json_null() : json_int(d->messages));
		json_add(t->a, &row, "consumers", d == NULL ? json_null() : json_int(d->consumers));
		json_push(t->a, &list, row);
	}
	return list;
}

static Json
kinds_json(const Topology *t)
{
	Json list = json_array();

	for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++) {
		const Topic *m = &topics[k];
		Json row = json_object(), by = json_array();

		for (Role r = 0; r < ROLES; r++)
			if (m->publishers >> r & 1)
				json_push(t->a, &by, json_cstr(role_names[r]));
		json_add(t->a, &row, "type", json_cstr(m->type));
		json_add(t->a, &row, "exchange", json_cstr(t->exchange[m->exchange]));
		json_add(t->a, &row, "routing_key", json_str(pattern_text(t->a, m->key)));
		json_add(t->a, &row, "publishers", by);
		json_add(t->a, &row, "queues", queue_list(t, queues_of(k)));
		json_add(t->a, &row, "required", json_bool(m->listen == LISTEN_REQUIRED));
		json_add(t->a, &row, "persistent", json_bool(m->durable));
		json_add(t->a, &row, "why", json_cstr(m->why));
		json_push(t->a, &list, row);
	}
	return list;
}

static Json
follows_json(const Topology *t)
{
	Json list = json_array();

	for (size_t i = 0; i < follows_count; i++) {
		const Follows *f = &follows[i];
		Json row = json_object();

		json_add(t->a, &row, "who", json_cstr(f->who));
		json_add(t->a, &row, "role", json_cstr(role_names[f->role]));
		json_add(t->a, &row, "hears", queue_list(t, f->heard));
		json_add(t->a, &row, "publishes", kind_list(t, f->publishes));
		json_add(t->a, &row, "of_other_rows", kind_list(t, f->others));
		json_add(t->a, &row, "when", json_cstr(f->note));
		json_push(t->a, &list, row);
	}
	return list;
}

static Json
depths_json(const Topology *t)
{
	Json list = json_array();

	for (size_t i = 0; i < t->depth_count; i++) {
		const QueueDepth *d = &t->depths[i];
		Json row = json_object();

		json_add(t->a, &row, "queue", json_str(d->name));
		json_add(t->a, &row, "messages", d->messages < 0 ? json_null() : json_int(d->messages));
		json_add(t->a, &row, "consumers", d->messages < 0 ? json_null() : json_int(d->consumers));
		json_push(t->a, &list, row);
	}
	return list;
}

Json
topology_json(const Topology *t)
{
	Json all = json_object();

	json_add(t->a, &all, "exchanges", exchanges_json(t));
	json_add(t->a, &all, "queues", queues_json(t));
	json_add(t->a, &all, "kinds", kinds_json(t));
	json_add(t->a, &all, "follows", follows_json(t));
	json_add(t->a, &all, "depths", t->depths == NULL ? json_null() : depths_json(t));
	return all;
}
