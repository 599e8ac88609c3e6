#include "store/key.h"
#include "store/migrate.h"
#include "store/secret_value.h"
#include "test.h"
#include "world.h"

enum { NOW = 1795200000000000 };

static World *
world_tables(void)
{
	World *w = world_bare();
	Err err = { 0 };
	int n;

	CHECK_OK(migrate(w->store, NOW, &n, &err), err);
	return w;
}

static KeyRow
made(World *w, const char *ref, const char *name, bool encrypted, const char *key_id)
{
	KeyRow k = { .ref = str_of(ref),
		.name = str_of(name),
		.owner_type = str_of("system"),
		.owner = str_of("system"),
		.encrypted = encrypted,
		.key_id = str_of(key_id),
		.value = json_cstr("v") };
	Err err = { 0 };

	CHECK_OK(db_begin(w->db, &err), err);
	CHECK_OK(key_insert(w->db, w->a, &k, NOW, &err), err);
	CHECK_OK(db_commit(w->db, &err), err);
	return k;
}

TEST(a_key_comes_back_as_it_was_stored)
{
	CLEANUP(world_done) World *w = world_tables();
	KeyRow k = made(w, "a.b", "token", true, "id1"), got;
	Err err = { 0 };

	CHECK_OK(key_get(w->db, w->a, str_of("a.b"), &got, &err), err);
	CHECK_INT(got.id, k.id);
	CHECK_STR(got.name, str_of("token"));
	CHECK_STR(got.key_id, str_of("id1"));
	CHECK(got.encrypted && got.created == NOW && str_is(json_as_str(&got.value), "v"));
	CHECK(!key_get(w->db, w->a, str_of("A.b"), &got, &err) && err.code == ERR_NOT_FOUND);
}

TEST(a_ref_and_a_name_of_one_owner_are_given_once)
{
	CLEANUP(world_done) World *w = world_tables();
	KeyRow k = made(w, "a.b", "token", false, NULL), same = k;
	Err err = { 0 };

	CHECK_OK(db_begin(w->db, &err), err);
	same.name = str_of("other");
	CHECK(!key_insert(w->db, w->a, &same, NOW, &err) && err.code == ERR_CONFLICT);
	CHECK(strstr(err.text, "Key 'a.b' already exists") != NULL);
	same = k;
	same.ref = str_of("a.c");
	CHECK(!key_insert(w->db, w->a, &same, NOW, &err) && err.code == ERR_CONFLICT);
	CHECK(strstr(err.text, "'a.b'") != NULL);
	db_rollback(w->db);
}

TEST(lists_are_in_order_of_refs_and_go_on_behind_one)
{
	CLEANUP(world_done) World *w = world_tables();
	static const char *const refs[] = { "c", "a", "d", "b" };
	Scope all = { .all = true };
	Slice slice = { .size = 3, .totals = true };
	KeyFilter any = { 0 };
	SliceOut out;
	Err err = { 0 };

	for (size_t i = 0; i < countof(refs); i++)
		made(w, refs[i], refs[i], false, NULL);
	CHECK_OK(key_list(w->db, w->a, &any, &all, &slice, &out, &err), err);
	CHECK(out.rows.n == 3 && out.more && out.total == 4);
	CHECK_STR(json_get_text(&out.rows.items[0], "ref"), str_of("a"));
	CHECK(json_get(&out.rows.items[0], "value") == NULL);
	slice.behind = out.last_key;
	CHECK_OK(key_list(w->db, w->a, &any, &all, &slice, &out, &err), err);
	CHECK(out.rows.n == 1 && !out.more && out.total == 4);
	CHECK_STR(json_get_text(&out.rows.items[0], "ref"), str_of("d"));
}

TEST(only_what_bears_another_key_is_rewrapped_and_only_if_nobody_changed_it)
{
	CLEANUP(world_done) World *w = world_tables();
	KeyRow *rows;
	Json fresh = json_cstr("new");
	int64_t left;
	size_t n;
	bool done;
	Err err = { 0 };

	made(w, "plain", "plain", false, NULL);
	made(w, "current", "current", true, "now");
	made(w, "earlier", "earlier", true, "old");
	made(w, "nameless", "nameless", true, NULL);
	CHECK_OK(key_stale_count(w->db, w->a, str_of("now"), &left, &err), err);
	CHECK_INT(left, 2);
	CHECK_OK(key_stale(w->db, w->a, str_of("now"), 0, 10, &rows, &n, &err), err);
	CHECK(n == 2 && str_is(rows[0].ref, "earlier") && str_is(rows[1].ref, "nameless"));
	CHECK_OK(db_begin(w->db, &err), err);
	CHECK_OK(key_rewrap(w->db, w->a, &rows[0], &fresh, str_of("now"), &done, &err), err);
	CHECK(done);
	CHECK_OK(key_rewrap(w->db, w->a, &rows[0], &fresh, str_of("now"), &done, &err), err);
	CHECK(!done);
	CHECK_OK(db_commit(w->db, &err), err);
	CHECK_OK(key_stale_count(w->db, w->a, str_of("now"), &left, &err), err);
	CHECK_INT(left, 1);
}

TEST(secrets_of_parameters_are_found_by_what_they_belong_to)
{
	CLEANUP(world_done) World *w = world_tables();
	SecretRow rows[] = {
		{ .of = SECRET_OF_EXECUTION,
		    .entity = 7,
		    .path = str_of("/b"),
		    .sealed = str_of("x"),
		    .key_id = str_of("k") },
		{ .of = SECRET_OF_EXECUTION,
		    .entity = 7,
		    .path = str_of("/a"),
		    .sealed = str_of("y"),
		    .key_id = str_of("k") },
		{ .of = SECRET_OF_ENFORCEMENT,
		    .entity = 7,
		    .path = str_of("/a"),
		    .sealed = str_of("z"),
		    .key_id = str_of("o") },
	};
	SecretRow *got;
	size_t n;
	int64_t left;
	bool done;
	Err err = { 0 };

	CHECK_OK(db_begin(w->db, &err), err);
	CHECK_OK(secret_value_insert(w->db, w->a, rows, countof(rows), NOW, &err), err);
	CHECK_OK(db_commit(w->db, &err), err);
	CHECK_OK(secret_value_of(w->db, w->a, SECRET_OF_EXECUTION, 7, &got, &n, &err), err);
	CHECK(n == 2 && str_is(got[0].path, "/a") && str_is(got[0].sealed, "y") && str_is(got[1].path, "/b"));
	CHECK_OK(secret_value_stale(w->db, w->a, str_of("k"), 0, 10, &got, &n, &err), err);
	CHECK(n == 1 && got[0].of == SECRET_OF_ENFORCEMENT);
	CHECK_OK(db_begin(w->db, &err), err);
	CHECK_OK(secret_value_rewrap(w->db, w->a, &got[0], str_of("zz"), str_of("k"), &done, &err), err);
	CHECK(done);
	CHECK_OK(db_commit(w->db, &err), err);
	CHECK_OK(secret_value_stale_count(w->db, w->a, str_of("k"), &left, &err), err);
	CHECK_INT(left, 0);
}
