/*
 * The third implementation of the bus. Bodies are written and read as on the wire; between the two they may be lost, doubled, late and
 * out of order. Letters taken and not acknowledged come again when their consumer dies.
 */
#include "sim.h"

#include <stdlib.h>

typedef struct Letter Letter;
struct Letter {
	Letter *next;
	uint64_t tag;
	TimeUs due;
	QueueId queue;
	Id worker;
	const char *process; /* of an exclusive queue; NULL else */
	const Sub *holder;   /* taken, not yet acknowledged */
	MsgKind kind;
	size_t n;
	char body[];
};

typedef struct SimSub {
	Sub sub;
	struct SimSub *next; /* of all that are open */
} SimSub;

typedef struct SimBus {
	Bus bus;
	Sim *sim;
} SimBus;

struct Broker {
	Sim *sim;
	Letter *letters;
	SimSub *subs;
	uint64_t tags;
	size_t dead;
};

static Sim *
sim_of(const Bus *b)
{
	return ((const SimBus *)b)->sim;
}

Broker *
broker_open(Sim *s)
{
	Broker *b = calloc(1, sizeof(Broker));

	if (b == NULL)
		abort();
	b->sim = s;
	return b;
}

void
broker_purge(Broker *b)
{
	Letter **at = &b->letters;

	while (*at != NULL) {
		Letter *l = *at;

		if (l->holder != NULL) { /* out of the queue already */
			at = &l->next;
			continue;
		}
		*at = l->next;
		free(l);
	}
}

void
broker_close(Broker *b)
{
	for (Letter *l = b->letters; l != NULL; l = l->next)
		l->holder = NULL;
	broker_purge(b);
	free(b);
}

size_t
broker_letters(const Broker *b)
{
	size_t n = 0;

	for (const Letter *l = b->letters; l != NULL; l = l->next)
		n += l->kind != MSG_WORKER_HEARTBEAT;
	return n;
}

size_t
broker_dead(const Broker *b)
{
	return b->dead;
}

/* ---- publishing ---- */

static TimeUs
delay(Sim *s)
{
	if (!sim_chaos(s))
		return sim_between(s, 200, 5 * US_PER_MS);
	if (sim_chance(s, 20))
		return sim_between(s, 0, s->weather.delay_most * 10);
	return sim_between(s, 200, s->weather.delay_most);
}

static void
letter_put(Broker *b, const Letter *head, Str body)
{
	Letter *l = malloc(sizeof(Letter) + body.n);
	Letter **end = &b->letters;

	if (l == NULL)
		abort();
	memcpy(l, head, sizeof(Letter));
	memcpy(l->body, body.p, body.n);
	l->n = body.n;
	l->tag = ++b->tags;
	l->due = b->sim->now + delay(b->sim);
	l->next = NULL;
	while (*end != NULL)
		end = &(*end)->next;
	*end = l;
}

/* One copy on its way: or none, or two. */
static void
letter_send(Broker *b, const Letter *head, Str body)
{
	Sim *s = b->sim;
	/* in process nothing but a full queue loses a message, and that of a rule's change is never full */
	bool safe = s->weather.embedded && head->queue == Q_SENSOR_RULES;

	if (sim_chaos(s) && !safe && sim_chance(s, s->weather.drop))
		return;
	letter_put(b, head, body);
	if (sim_chaos(s) && sim_chance(s, s->weather.twice))
		letter_put(b, head, body);
}

static void
group_send(Broker *b, const OutGroup *g, Str body)
{
	for (QueueId q = 0; q < QUEUES; q++) {
		Letter head = { .queue = q, .worker = g->worker, .kind = g->kind };

		if (!queue_carries(q, g->kind))
			continue;
		if (!queue_rows[q].exclusive) {
			letter_send(b, &head, body);
			continue;
		}
		for (const SimSub *sub = b->subs; sub != NULL; sub = sub->next) {
			if (sub->sub.queue != q)
				continue;
			head.process = sub->sub.bus->process;
			letter_send(b, &head, body);
		}
	}
}

/* What the world can see of a publication: counted before anything is lost. */
static void
group_note(Sim *s, const OutGroup *g)
{
	for (size_t i = 0; i < g->n; i++) {
		if (g->kind != MSG_WORKER_HEARTBEAT)
			sim_say(s, "publishes %s %lld attempt %d", topics[g->kind].type, (long long)g->items[i].id,
			    g->items[i].attempt);
		/* what names itself as its parent tells a workflow to look, and is no end */
		if (g->kind == MSG_EXECUTION_COMPLETED && g->items[i].parent != g->items[i].id)
			ledger_note(&s->ledger, g->items[i].id)->completed++;
	}
	s->published += g->kind != MSG_WORKER_HEARTBEAT;
}

static void
publish_failed(Sim *s, const Outbox *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->msgs[i].kind == MSG_EXECUTION_COMPLETED)
			ledger_note(&s->ledger, o->msgs[i].item.id)->excused = true;
}

static bool
port_publish_sim(Port *p, const Outbox *o, Err *err)
{
	Sim *s = sim_of(p->bus);
	CLEANUP(arena_done) Arena *a = arena_open();
	OutGroup *groups;
	size_t n;

	if (s->now < s->away_until) {
		publish_failed(s, o);
		return err_set(err, ERR_AWAY, "the broker is away");
	}
	n = outbox_group(a, o, &groups);
	for (size_t i = 0; i < n; i++) {
		const OutGroup *g = &groups[i];
		Envelope e = { uuid_new(clock_wall(p->bus->clock)), g->items[0].correlation, g->kind,
			clock_wall(p->bus->clock), p->bus->process };

		group_note(s, g);
		group_send(s->broker, g, envelope_write(a, &e, g->items, g->n));
	}
	return true;
}

static bool
port_open_sim(Bus *b, Port **ret, Err *err)
{
	Port *p = calloc(1, sizeof(Port));

	if (p == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	p->bus = b;
	*ret = p;
	return true;
}

static void
port_close_sim(Port *p)
{
	free(p);
}

/* ---- consuming ---- */

static bool
sub_open_sim(Bus *b, const SubConfig *config, Sub **ret, Err *err)
{
	Broker *broker = sim_of(b)->broker;
	SimSub *s = calloc(1, sizeof(SimSub));

	if (s == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	s->sub = (Sub){ b, config->queue, config->worker };
	s->next = broker->subs;
	broker->subs = s;
	*ret = &s->sub;
	return true;
}

static bool
letter_for(const Letter *l, const Sub *sub)
{
	return l->queue == sub->queue && l->worker == sub->worker &&
	       (l->process == NULL || strcmp(l->process, sub->bus->process) == 0);
}

static void
sub_close_sim(Sub *sub)
{
	Broker *b = sim_of(sub->bus)->broker;
	SimSub **at = &b->subs;

	for (Letter **l = &b->letters; *l != NULL;) {
		Letter *x = *l;

		if (x->holder == sub)
			x->holder = NULL;
		if (x->process != NULL && letter_for(x, sub)) { /* the queue goes with its process */
			*l = x->next;
			free(x);
			continue;
		}
		l = &x->next;
	}
	while (&(*at)->sub != sub)
		at = &(*at)->next;
	*at = (*at)->next;
	free((SimSub *)sub);
}

TimeUs
sim_sub_due(const Sub *sub)
{
	const Sim *s = sim_of(sub->bus);
	TimeUs due = INT64_MAX;

	for (const Letter *l = s->broker->letters; l != NULL; l = l->next)
		if (l->holder == NULL && l->due < due && letter_for(l, sub))
			due = l->due;
	return due != INT64_MAX && due < s->away_until ? s->away_until : due;
}

static size_t
sub_take_sim(Sub *sub, Arena *a, Msg *msgs, size_t max, size_t max_items, TimeUs wait)
{
	Sim *s = sim_of(sub->bus);
	size_t most = 1 + sim_below(s, max), n = 0, items = 0;

	(void)wait;
	for (Letter *l = s->broker->letters; l != NULL && n < most && items < max_items; l = l->next) {
		Err err = { 0 };

		if (l->holder != NULL || l->due > s->now || !letter_for(l, sub))
			continue;
		if (!bus_decode(sub->bus, a, sub->queue, str_copy(a, (Str){ l->body, l->n }), &msgs[n], &err)) {
			sim_fail(s, "a message of our own cannot be read: %s", err.text);
			return 0;
		}
		l->holder = sub;
		msgs[n].tag = l->tag;
		items += msgs[n++].n;
	}
	return n;
}

/* Of those that this consumer holds: gone, or back in the queue. */
static void
letters_settle(Sub *sub, const Msg *msgs, size_t n, bool keep)
{
	for (Letter **at = &sim_of(sub->bus)->broker->letters; *at != NULL;) {
		Letter *l = *at;
		bool named = false;

		for (size_t i = 0; i < n && !named; i++)
			named = l->holder == sub && l->tag == msgs[i].tag;
		if (named && !keep) {
			*at = l->next;
			free(l);
			continue;
		}
		if (named)
			l->holder = NULL;
		at = &l->next;
	}
}

static void
sub_ack_sim(Sub *sub, const Msg *msgs, size_t n)
{
	letters_settle(sub, msgs, n, false);
}

static void
sub_return_sim(Sub *sub, const Msg *msgs, size_t n)
{
	letters_settle(sub, msgs, n, true);
}

static void
sub_dead_sim(Sub *sub, const Msg *m, const char *reason)
{
	Sim *s = sim_of(sub->bus);

	s->broker->dead++;
	sim_fail(s, "a message of our own became a dead letter: %s: %s", topics[m->kind].type, reason);
	letters_settle(sub, m, 1, false);
}

static void
bus_close_sim(Bus *b)
{
	bus_done(b);
	free((SimBus *)b);
}

static const BusOps sim_ops = {
	.close = bus_close_sim,
	.port_open = port_open_sim,
	.port_close = port_close_sim,
	.port_publish = port_publish_sim,
	.sub_open = sub_open_sim,
	.sub_close = sub_close_sim,
	.sub_take = sub_take_sim,
	.sub_ack = sub_ack_sim,
	.sub_return = sub_return_sim,
	.sub_dead = sub_dead_sim,
};

Bus *
sim_bus_open(Sim *s, const char *process, const Clock *clock)
{
	SimBus *b = calloc(1, sizeof(SimBus));
	BusConfig config = { .process = str_of(process), .clock = clock };

	if (b == NULL)
		abort();
	b->sim = s;
	bus_init(&b->bus, &sim_ops, &config);
	return &b->bus;
}
