/* What only a broker can do: go away, refuse, return, keep dead letters, be old. */
#include "bus/bus.h"

#include "world.h"

#include <pthread.h>
#include <stdlib.h>

static bool
says(const char *text, const char *what)
{
	return strstr(text, what) != NULL;
}

static void
raw(World *w, const char *key, const char *body)
{
	Err err = { 0 };

	CHECK_OK(bus_publish_raw(w->bus, EX_EXECUTIONS, str_of(key), str_of(body), &err), err);
}

TEST(dead_letters_are_listed_replayed_and_dropped)
{
	CLEANUP(world_done) World *w = world_open();
	Sub *s = world_sub(w, Q_REQUESTS, 0);
	Err err = { 0 };
	DeadLetter *dead;
	MsgItem items[2];
	Msg msgs[2];
	Uuid second;

	world_publish(w, MSG_EXECUTION_REQUESTED, 0, 1, 1);
	world_publish(w, MSG_EXECUTION_REQUESTED, 0, 2, 1);
	world_take(w, s, msgs, 2, items, 2);
	sub_dead(s, &msgs[0], "first");
	sub_dead(s, &msgs[1], "second");
	dead = world_dead(w, 2);
	CHECK_STR(dead[0].reason, str_of("first"));
	second = dead[1].id;
	dead = world_dead(w, 2); /* looking changes nothing */
	CHECK(uuid_eq(dead[1].id, second));
	CHECK_OK(bus_dead_act(w->bus, second, DEAD_REPLAY, &err), err);
	world_take(w, s, msgs, 1, items, 1);
	CHECK_INT(items[0].id, 2);
	CHECK(uuid_eq(msgs[0].message_id, second));
	sub_ack(s, msgs, 1);
	CHECK(!bus_dead_act(w->bus, second, DEAD_DROP, &err));
	CHECK_INT(err.code, ERR_NOT_FOUND);
	dead = world_dead(w, 1);
	CHECK_OK(bus_dead_act(w->bus, dead[0].id, DEAD_DROP, &err), err);
	world_dead(w, 0);
	sub_close(s);
}

enum { LISTERS = 4, LISTS = 4, LETTERS = 30 };

typedef struct Lister {
	Bus *bus;
	int first; /* of the letters that it sends again, one after each list */
	Err err;
	int sent;
} Lister;

static bool
replay_listed(Lister *l, Arena *a, Str body)
{
	DeadLetter *list;
	size_t n, i = 0;

	if (!bus_dead_list(l->bus, a, LETTERS * 2, &list, &n, &l->err))
		return false;
	while (i < n && !str_eq(list[i].body, body))
		i++;
	if (i == n)
		return err_set(&l->err, ERR_NOT_FOUND, "%s is not among %zu letters", body.p, n);
	return bus_dead_act(l->bus, list[i].id, DEAD_REPLAY, &l->err);
}

static void *
replay_some(void *self)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Lister *l = self;

	for (int i = 0; i < LISTS; i++)
		if (!replay_listed(l, a, str_fmt(a, "{\"n\":%d}", l->first + i)))
			break;
	return NULL;
}

/* Each by a bus of its own, as processes have: the broker alone can tell them apart. */
static void
listers_open(World *w, Lister *listers)
{
	Err err = { 0 };

	for (int i = 0; i < LISTERS; i++) {
		listers[i] = (Lister){ .first = i * LISTS };
		CHECK_OK(bus_open(&w->config, &listers[i].bus, &err), err);
	}
}

static void
listers_run(Lister *listers, void *(*run)(void *self))
{
	pthread_t threads[LISTERS];

	for (int i = 0; i < LISTERS; i++)
		CHECK(pthread_create(&threads[i], NULL, run, &listers[i]) == 0);
	for (int i = 0; i < LISTERS; i++) {
		CHECK(pthread_join(threads[i], NULL) == 0);
		bus_close(listers[i].bus);
	}
}

static void
check_listed_at_once(bool quorum)
{
	CLEANUP(world_done) World *w = world_bare();
	Lister listers[LISTERS];
	Err err = { 0 };

	w->config.quorum = quorum;
	CHECK_OK(bus_open(&w->config, &w->bus, &err), err);
	for (int i = 0; i < LETTERS + LISTERS * LISTS; i++)
		CHECK_OK(bus_publish_raw(
			     w->bus, EX_DEAD, str_of("execution.requested"), str_fmt(w->a, "{\"n\":%d}", i), &err),
		    err);
	world_dead(w, LETTERS + LISTERS * LISTS);
	listers_open(w, listers);
	listers_run(listers, replay_some);
	for (int i = 0; i < LISTERS; i++)
		CHECK_OK(listers[i].err.code == ERR_NONE, listers[i].err);
	world_dead(w, LETTERS);
}

TEST(dead_letters_listed_by_many_at_once_are_all_there_for_each)
{
	check_listed_at_once(false);
	check_listed_at_once(true);
}

static void *
replay_each(void *self)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Lister *l = self;
	DeadLetter *list;
	size_t n;

	if (!bus_dead_list(l->bus, a, LETTERS, &list, &n, &l->err))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		Err err = { 0 };

		if (bus_dead_act(l->bus, list[i].id, DEAD_REPLAY, &err))
			l->sent++;
		else if (err.code != ERR_NOT_FOUND)
			l->err = err;
	}
	return NULL;
}

TEST(a_dead_letter_that_many_replay_at_once_is_sent_once)
{
	CLEANUP(world_done) World *w = world_open();
	Sub *s = world_sub(w, Q_REQUESTS, 0);
	MsgItem items[LETTERS];
	Lister listers[LISTERS];
	Msg msgs[LETTERS];
	int sent = 0;

	for (int i = 0; i < LETTERS; i++)
		world_publish(w, MSG_EXECUTION_REQUESTED, 0, i + 1, 1);
	world_take(w, s, msgs, LETTERS, items, LETTERS);
	for (int i = 0; i < LETTERS; i++)
		sub_dead(s, &msgs[i], "not now");
	world_dead(w, LETTERS);
	listers_open(w, listers);
	listers_run(listers, replay_each);
	for (int i = 0; i < LISTERS; i++) {
		CHECK_OK(listers[i].err.code == ERR_NONE, listers[i].err);
		sent += listers[i].sent;
	}
	CHECK_INT(sent, LETTERS);
	world_take(w, s, msgs, LETTERS, items, LETTERS);
	sub_ack(s, msgs, LETTERS);
	world_no_more(w, s);
	world_dead(w, 0);
	sub_close(s);
}

TEST(a_dead_letter_whose_queue_is_gone_stays)
{
	CLEANUP(world_done) World *w = world_open();
	Sub *s = world_sub(w, Q_WORKER_CANCEL, 5);
	Err err = { 0 };
	DeadLetter *dead;
	Msg m;

	raw(w, "execution.cancel.worker.5", "nonsense");
	CHECK_INT((int64_t)sub_take(s, w->a, &m, 1, 0, US_PER_S), 0);
	dead = world_dead(w, 1);
	sub_close(s);
	CHECK_OK(bus_delete_worker_queues(w->bus, 5, &err), err);
	CHECK(!bus_dead_act(w->bus, dead[0].id, DEAD_REPLAY, &err));
	CHECK_INT(err.code, ERR_CONFLICT);
	world_dead(w, 1);
}

TEST(what_the_broker_itself_rejects_arrives_at_the_dead_letters_too)
{
	CLEANUP(world_done) World *w = world_open();
	DeadLetter *dead;

	world_ctl(w, "set_policy -p %s short '^attune.execution.requests' '{\"max-length\":1}'", w->vhost);
	world_publish(w, MSG_EXECUTION_REQUESTED, 0, 1, 1);
	world_publish(w, MSG_EXECUTION_REQUESTED, 0, 2, 1);
	dead = world_dead(w, 1);
	CHECK_STR(dead[0].reason, str_of("maxlen"));
	CHECK_STR(dead[0].queue, str_of("attune.execution.requests.queue"));
	CHECK_STR(dead[0].key, str_of("execution.requested"));
}

TEST(opening_again_and_again_leaves_nothing_in_the_queues)
{
	CLEANUP(world_done) World *w = world_open();
	Sub *s = world_sub(w, Q_REQUESTS, 0);
	Err err = { 0 };
	QueueDepth *list;
	size_t n;
	Msg m;

	for (int i = 0; i < 3; i++) {
		Bus *b;

		CHECK_OK(bus_open(&w->config, &b, &err), err);
		bus_close(b);
	}
	CHECK_INT((int64_t)sub_take(s, w->a, &m, 1, 0, 200 * US_PER_MS), 0);
	sub_close(s);
	CHECK_OK(bus_depths(w->bus, w->a, &list, &n, &err), err);
	for (size_t i = 0; i < n; i++)
		CHECK_INT(list[i].messages, 0);
}

TEST(port_and_consumer_survive_a_restart_of_the_broker_by_themselves)
{
	CLEANUP(world_done) World *w = world_open();
	Sub *s = world_sub(w, Q_REQUESTS, 0);
	Sub *beats = world_sub(w, Q_EXECUTOR_WORKERS, 0);
	Outbox o = outbox_open(w->a);
	Err err = { 0 };
	TimeUs before;
	MsgItem item;
	Msg m;

	outbox_add(&o, MSG_EXECUTION_REQUESTED)->id = 1;
	world_broker("kill");
	/* none of them waits: with a tenth of a second for each they would be twice as long */
	before = clock_mono(clock_real());
	for (int i = 0; i < 1200; i++)
		CHECK(!port_publish(w->port, &o, &err) && err.code == ERR_AWAY);
	CHECK(clock_mono(clock_real()) - before < 60 * US_PER_S);
	CHECK_INT((int64_t)sub_take(s, w->a, &m, 1, 0, 10 * US_PER_MS), 0);
	CHECK(!sub_connected(s));
	world_broker("start");
	while (!port_publish(w->port, &o, &err))
		CHECK_INT(err.code, ERR_AWAY);
	world_take(w, s, &m, 1, &item, 1);
	CHECK_INT(item.id, 1);
	CHECK(sub_connected(s));
	CHECK_INT((int64_t)sub_take(beats, w->a, &m, 1, 0, 10 * US_PER_MS), 0);
	while (!sub_connected(beats))
		sub_take(beats, w->a, &m, 1, 0, 100 * US_PER_MS);
	world_publish(w, MSG_WORKER_HEARTBEAT, 4, 4, 1);
	world_take(w, beats, &m, 1, &item, 1);
	sub_close(s);
	sub_close(beats);
}

TEST(what_the_broker_did_not_confirm_is_sent_again_with_the_same_id)
{
	CLEANUP(world_done) World *w = world_open();
	Outbox o = outbox_open(w->a);
	Err err = { 0 };
	MsgItem item;
	Msg m;
	Sub *s;

	world_ctl(w, "eval 'rabbit_alarm:set_alarm({{resource_limit, memory, node()}, []}).'");
	outbox_add(&o, MSG_INQUIRY_RESPONDED)->id = 31;
	CHECK_OK(port_publish(w->port, &o, &err), err); /* the alarm is told with the first message */
	CHECK(!port_settle(w->port, 300 * US_PER_MS, &err));
	CHECK(!port_publish(w->port, &o, &err));
	CHECK_INT(err.code, ERR_AWAY);
	CHECK(says(err.text, "takes no messages"));
	world_broker("kill");
	world_broker("start");
	CHECK_OK(port_settle(w->port, WORLD_WAIT_US, &err), err);
	s = world_sub(w, Q_INQUIRY, 0);
	world_take(w, s, &m, 1, &item, 1);
	CHECK_INT(item.id, 31);
	sub_ack(s, &m, 1);
	world_no_more(w, s);
	sub_close(s);
}

TEST(a_consumer_whose_queue_is_deleted_makes_it_again)
{
	CLEANUP(world_done) World *w = world_open();
	Sub *s = world_sub(w, Q_WORKER_EXECUTIONS, 6);
	Err err = { 0 };
	MsgItem item;
	Msg m;

	CHECK_OK(bus_delete_worker_queues(w->bus, 6, &err), err);
	CHECK_INT((int64_t)sub_take(s, w->a, &m, 1, 0, 500 * US_PER_MS), 0);
	CHECK(sub_connected(s));
	world_publish(w, MSG_EXECUTION_SCHEDULED, 6, 61, 1);
	world_take(w, s, &m, 1, &item, 1);
	CHECK_INT(item.id, 61);
	sub_close(s);
}

TEST(a_broker_that_is_away_is_named_without_its_password)
{
	BusConfig c = { .url = str_of("amqp://u:s3cret@127.0.0.1:1"), .clock = clock_real() };
	Err err = { 0 };
	Bus *b;

	CHECK(!bus_open(&c, &b, &err));
	CHECK_INT(err.code, ERR_AWAY);
	CHECK(says(err.text, "amqp://u:***@127.0.0.1:1"));
	CHECK(!says(err.text, "s3cret"));
}

TEST(a_wrong_password_a_missing_vhost_and_missing_rights_are_one_sentence_each)
{
	CLEANUP(world_done) World *w = world_bare();
	Err err = { 0 };
	Bus *b;

	w->config.url = world_url(w, "guest", "wr0ng");
	CHECK(!bus_open(&w->config, &b, &err));
	CHECK_INT(err.code, ERR_UNAUTHORIZED);
	CHECK(says(err.text, "wrong user name or password") && !says(err.text, "wr0ng"));
	w->config.url = str_fmt(w->a, "%.*sx", STR_ARG(world_url(w, "guest", "guest")));
	CHECK(!bus_open(&w->config, &b, &err));
	CHECK_INT(err.code, ERR_NOT_FOUND);
	CHECK(says(err.text, "has no virtual host"));
	world_ctl(w, "set_permissions -p %s guest '^$' '^$' '^$'", w->vhost);
	w->config.url = world_url(w, "guest", "guest");
	CHECK(!bus_open(&w->config, &b, &err));
	CHECK_INT(err.code, ERR_FORBIDDEN);
	CHECK(says(err.text, "user 'guest' lacks a right"));
	CHECK(strchr(err.text, '\n') == NULL);
}

TEST(a_user_without_the_right_to_configure_works_on_a_given_topology)
{
	CLEANUP(world_done) World *w = world_open();
	Err err = { 0 };
	Bus *b;

	world_ctl(w, "set_permissions -p %s guest '^$' '.*' '.*'", w->vhost);
	CHECK_OK(bus_open(&w->config, &b, &err), err);
	bus_close(b);
}

/* Exchange and queues are there, made by somebody else, but nothing binds them, and we may not. */
TEST(a_missing_binding_is_found_by_its_probe)
{
	CLEANUP(world_done) World *w = world_open();
	BusConfig other = w->config;
	Err err = { 0 };
	Bus *b;

	other.exchange[EX_EXECUTIONS] = str_of("second");
	for (QueueId q = Q_ENFORCEMENTS; q <= Q_INQUIRY; q++)
		other.queue[q] = str_fmt(w->a, "second.%d", (int)q);
	CHECK_OK(bus_open(&other, &b, &err), err);
	bus_close(b);
	for (QueueId q = Q_ENFORCEMENTS; q <= Q_INQUIRY; q++)
		world_ctl(w, "delete_queue -p %s second.%d", w->vhost, (int)q);
	world_ctl(w, "set_permissions -p %s guest '^$' '^(second|attune.dlx)$' '.*'", w->vhost);
	w->config.exchange[EX_EXECUTIONS] = str_of("second");
	CHECK(!bus_open(&w->config, &b, &err));
	CHECK_INT(err.code, ERR_CONFLICT);
	CHECK(says(err.text, "exchange 'second' does not lead 'enforcement.created' to queue"));
}

TEST(an_old_direct_dead_letter_exchange_is_named_with_the_command_that_migrates_it)
{
	CLEANUP(world_done) World *w = world_bare();
	Err err = { 0 };
	Bus *b;

	world_ctl(w,
	    "eval 'rabbit_exchange:declare({resource,<<\"%s\">>,exchange,<<\"attune.dlx\">>}, direct, true, false,"
	    " false, [], <<\"test\">>).'",
	    w->vhost);
	CHECK(!bus_open(&w->config, &b, &err));
	CHECK_INT(err.code, ERR_CONFLICT);
	CHECK(says(err.text, "'attune.dlx'") && says(err.text, "`attune bus migrate`"));
	CHECK_OK(bus_migrate(&w->config, &err), err);
	CHECK_OK(bus_open(&w->config, &b, &err), err);
	bus_close(b);
}

TEST(quorum_queues_can_be_chosen)
{
	CLEANUP(world_done) World *w = world_bare();
	Err err = { 0 };
	Bus *b;

	w->config.quorum = true;
	CHECK_OK(bus_open(&w->config, &b, &err), err);
	bus_close(b);
	w->config.quorum = false;
	CHECK(!bus_open(&w->config, &b, &err));
	CHECK(says(err.text, "with other properties"));
}
