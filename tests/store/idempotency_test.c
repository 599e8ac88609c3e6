#include "store/idempotency.h"
#include "store/migrate.h"
#include "test.h"
#include "world.h"

#include <pthread.h>

static const TimeUs NOW = 1795200000000000, DAY = 86400000000;

static World *
world_tables(void)
{
	World *w = world_bare();
	Err err = { 0 };
	int n;

	CHECK_OK(migrate(w->store, NOW, &n, &err), err);
	return w;
}

static bool
kept(Db *db, Arena *a, const char *caller, const char *key, const char *body, TimeUs now)
{
	KeptAnswer answer = { str_of("f"), 201, str_of(body) };
	Err err = { 0 };
	bool done = false;

	CHECK_OK(db_begin(db, &err), err);
	CHECK_OK(answer_keep(db, a, str_of(caller), str_of(key), &answer, now - DAY, now, &done, &err), err);
	if (!done)
		db_rollback(db);
	else
		CHECK_OK(db_commit(db, &err), err);
	return done;
}

static Str
found(World *w, const char *caller, const char *key, TimeUs now)
{
	KeptAnswer answer = { 0 };
	Err err = { 0 };
	bool there;

	CHECK_OK(answer_find(w->db, w->a, str_of(caller), str_of(key), now - DAY, &there, &answer, &err), err);
	CHECK(!there || (answer.status == 201 && str_is(answer.fingerprint, "f")));
	return answer.body;
}

TEST(an_answer_is_kept_once_for_its_caller_and_key)
{
	CLEANUP(world_done) World *w = world_tables();

	CHECK(kept(w->db, w->a, "a", "k", "one", NOW));
	CHECK(!kept(w->db, w->a, "a", "k", "two", NOW + 1));
	CHECK(kept(w->db, w->a, "b", "k", "three", NOW));
	CHECK(kept(w->db, w->a, "a", "l", "four", NOW));
	CHECK_STR(found(w, "a", "k", NOW), str_of("one"));
	CHECK_STR(found(w, "b", "k", NOW), str_of("three"));
	CHECK(str_none(found(w, "c", "k", NOW)));
}

TEST(an_answer_is_forgotten_after_its_day)
{
	CLEANUP(world_done) World *w = world_tables();
	static const Stmt count = { .sql = "select count(*) from idempotency_key", .in = "" };
	Err err = { 0 };

	CHECK(kept(w->db, w->a, "a", "k", "one", NOW));
	CHECK(!kept(w->db, w->a, "a", "k", "two", NOW + DAY));
	CHECK_STR(found(w, "a", "k", NOW + DAY), str_of("one"));
	CHECK(str_none(found(w, "a", "k", NOW + DAY + 1)));
	CHECK(kept(w->db, w->a, "a", "k", "two", NOW + DAY + 1));
	CHECK_STR(found(w, "a", "k", NOW + DAY + 1), str_of("two"));
	CHECK(kept(w->db, w->a, "a", "old", "x", NOW));
	CHECK_OK(db_begin(w->db, &err) && answers_trim(w->db, w->a, NOW + 1, &err) && db_commit(w->db, &err), err);
	CHECK_INT(world_number(w, &count), 1);
}

typedef struct Rival {
	pthread_t thread;
	World *world;
	bool kept;
} Rival;

static void *
rival_main(void *self)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(db_done) Db *db = NULL;
	Rival *r = self;
	Err err = { 0 };

	CHECK_OK(db_open(r->world->store, &db, &err), err);
	r->kept = kept(db, a, "a", "k", "one", NOW);
	return NULL;
}

TEST(of_many_at_once_one_keeps_its_answer)
{
	CLEANUP(world_done) World *w = world_tables();
	Rival rivals[8];
	int n = 0;

	for (size_t i = 0; i < countof(rivals); i++) {
		rivals[i] = (Rival){ .world = w };
		CHECK(pthread_create(&rivals[i].thread, NULL, rival_main, &rivals[i]) == 0);
	}
	for (size_t i = 0; i < countof(rivals); i++) {
		pthread_join(rivals[i].thread, NULL);
		n += rivals[i].kept;
	}
	CHECK_INT(n, 1);
}
