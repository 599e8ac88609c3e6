/* What is stored of who may do what, and of what runs leave behind: the promises that the front door is built on. */
#include "store/artifact.h"
#include "store/change.h"
#include "store/execution.h"
#include "store/execution_read.h"
#include "store/identity.h"
#include "store/integration_token.h"
#include "store/migrate.h"
#include "store/pack.h"
#include "store/permission_set.h"
#include "store/rule.h"
#include "store/session.h"
#include "test.h"
#include "world.h"

enum { NOW = 1795200000000000, HOUR = 3600 * (TimeUs)US_PER_S };

static World *
world_tables(void)
{
	World *w = world_bare();
	Err err = { 0 };
	int n;

	CHECK_OK(migrate(w->store, NOW, &n, &err), err);
	return w;
}

#define IN_ONE(w, call) \
	do { \
		Err own = { 0 }; \
		CHECK_OK(db_begin((w)->db, &own), own); \
		CHECK_OK(call, own); \
		CHECK_OK(db_commit((w)->db, &own), own); \
	} while (0)

static Id
person(World *w, const char *login, bool frozen)
{
	IdentityDef d = { .login = str_of(login), .attributes = json_object(), .frozen = frozen };
	DefPut put;

	IN_ONE(w, identity_put(w->db, w->a, &d, NOW, &put, &own));
	return d.id;
}

static PermissionSetDef
set_made(World *w, const char *ref)
{
	PermissionSetDef d = {
		.ref = str_of(ref), .pack_ref = str_of("p1"), .label = str_of("Set"), .grants = json_array()
	};
	PackDef p = { .ref = str_of("p1"), .label = str_of("Pack"), .version = str_of("1.0.0") };
	DefPut put;

	IN_ONE(w, pack_put(w->db, w->a, &p, NOW, &put, &own));
	d.pack = p.id;
	IN_ONE(w, permission_set_put(w->db, w->a, &d, NOW, &put, &own));
	return d;
}

static void
give(World *w, AssignmentKind kind, Id identity, Id set, const char *role)
{
	Assignment x = { .identity = identity, .set = set, .role = role == NULL ? (Str){ 0 } : str_of(role) };

	IN_ONE(w, assignment_put(w->db, w->a, kind, &x, NOW, &own));
	CHECK(x.id > 0);
}

static int64_t
sets_of(World *w, Id identity)
{
	PermissionSetDef *sets;
	Err err = { 0 };
	size_t n;

	CHECK_OK(identity_sets(w->db, w->a, identity, &sets, &n, &err), err);
	return (int64_t)n;
}

static bool
any_with(World *w, Id set)
{
	Json ids = json_array();
	Err err = { 0 };
	bool any;

	json_push(w->a, &ids, json_int(set));
	CHECK_OK(identity_any_with(w->db, w->a, &ids, &any, &err), err);
	return any;
}

TEST(a_set_comes_directly_or_by_a_role_and_counts_once)
{
	CLEANUP(world_done) World *w = world_tables();
	PermissionSetDef a = set_made(w, "p1.a"), b = set_made(w, "p1.b");
	Id ann = person(w, "ann", false), ben = person(w, "ben", true);
	Err err = { 0 };
	Assignment again = { .identity = ann, .set = a.id };

	CHECK_INT(sets_of(w, ann), 0);
	give(w, ASSIGN_SET, ann, a.id, NULL);
	give(w, ASSIGN_ROLE, ann, 0, "boss");
	give(w, ASSIGN_ROLE_SET, 0, a.id, "boss");
	give(w, ASSIGN_ROLE_SET, 0, b.id, "boss");
	CHECK_INT(sets_of(w, ann), 2);
	CHECK_OK(db_begin(w->db, &err), err);
	CHECK(!assignment_put(w->db, w->a, ASSIGN_SET, &again, NOW, &err) && err.code == ERR_CONFLICT);
	db_rollback(w->db);
	CHECK_INT(sets_of(w, ben), 0);
}

TEST(who_is_frozen_does_not_count_among_those_who_have_a_set)
{
	CLEANUP(world_done) World *w = world_tables();
	PermissionSetDef a = set_made(w, "p1.a"), b = set_made(w, "p1.b");
	Id ann = person(w, "ann", false), ben = person(w, "ben", true);

	give(w, ASSIGN_SET, ben, a.id, NULL);
	CHECK(!any_with(w, a.id));
	give(w, ASSIGN_ROLE, ann, 0, "boss");
	CHECK(!any_with(w, a.id));
	give(w, ASSIGN_ROLE_SET, 0, a.id, "boss");
	CHECK(any_with(w, a.id));
	CHECK(!any_with(w, b.id));
	give(w, ASSIGN_SET, IDENTITY_SYSTEM, b.id, NULL); /* the platform itself helps nobody */
	CHECK(!any_with(w, b.id));
}

TEST(a_rule_says_whether_its_owner_is_frozen)
{
	CLEANUP(world_done) World *w = world_tables();
	PermissionSetDef set = set_made(w, "p1.a");
	IdentityDef d = { .login = str_of("ann"), .attributes = json_object() };
	RuleDef rule = { .ref = str_of("p1.r"),
		.pack = set.pack,
		.pack_ref = str_of("p1"),
		.label = str_of("R"),
		.enabled = true,
		.action_ref = str_of("p1.x"),
		.trigger_ref = str_of("p1.t") };
	RuleDef *all, got;
	Err err = { 0 };
	DefPut put;
	size_t n;

	rule.owner = d.id = person(w, "ann", false);
	IN_ONE(w, rule_put(w->db, w->a, &rule, NOW, &put, &own));
	CHECK_OK(rule_get_ref(w->db, w->a, rule.ref, &got, &err), err);
	CHECK(!got.owner_frozen);
	d.frozen = true;
	IN_ONE(w, identity_put(w->db, w->a, &d, NOW, &put, &own));
	CHECK_OK(rule_list_owner(w->db, w->a, d.id, &all, &n, &err), err);
	CHECK_INT((int64_t)n, 1);
	CHECK(all[0].owner_frozen && all[0].id == rule.id);
}

/* ---- sessions ---- */

static Id
session_made(World *w, Id who, const char *kind, Id token)
{
	Session s = { .identity = who, .kind = str_of(kind), .integration_token = token, .expires = NOW + HOUR };

	IN_ONE(w, session_open(w->db, w->a, &s, NOW, &own));
	return s.id;
}

static bool
refreshed(World *w, Id id, int64_t generation)
{
	bool ok;

	IN_ONE(w, session_refresh(w->db, w->a, id, generation, NOW + 2 * HOUR, NOW + HOUR, &ok, &own));
	return ok;
}

TEST(a_refresh_counts_once_and_not_after_the_end)
{
	CLEANUP(world_done) World *w = world_tables();
	Id id = session_made(w, person(w, "ann", false), "password", 0);
	Session got;
	Err err = { 0 };

	CHECK(refreshed(w, id, 0));
	CHECK(!refreshed(w, id, 0)); /* the second hand that holds it */
	CHECK(refreshed(w, id, 1));
	CHECK_OK(session_get(w->db, w->a, id, &got, &err), err);
	CHECK_INT(got.generation, 2);
	CHECK(got.expires == NOW + 2 * HOUR && got.ended == 0);
	IN_ONE(w, session_end(w->db, w->a, id, "test", NOW + HOUR, &own));
	CHECK(!refreshed(w, id, 2));
	CHECK_OK(session_get(w->db, w->a, id, &got, &err), err);
	CHECK(got.ended == NOW + HOUR);
	IN_ONE(w, session_end(w->db, w->a, id, "again", NOW + 2 * HOUR, &own));
	CHECK_OK(session_get(w->db, w->a, id, &got, &err), err);
	CHECK(got.ended == NOW + HOUR); /* an end is not moved */
}

TEST(sessions_end_by_whose_they_are_and_every_process_is_told)
{
	CLEANUP(world_done) World *w = world_tables();
	Id ann = person(w, "ann", false), ben = person(w, "ben", false);
	Id first = session_made(w, ann, "password", 0), second = session_made(w, ann, "password", 0);
	Id others = session_made(w, ben, "password", 0), *ended;
	Change *changes;
	Err err = { 0 };
	size_t n, told = 0;
	Id before;

	CHECK_OK(change_last(w->db, w->a, &before, &err), err);
	IN_ONE(w, sessions_end(w->db, w->a, &(SessionsOf){ .identity = ann, .but = second }, "test", NOW + HOUR, &own));
	CHECK_OK(sessions_ended(w->db, w->a, NOW, &ended, &n, &err), err);
	CHECK_INT((int64_t)n, 1);
	CHECK(ended[0] == first && refreshed(w, second, 0) && refreshed(w, others, 0));
	CHECK_OK(change_since(w->db, w->a, before, &changes, &n, &err), err);
	for (size_t i = 0; i < n; i++)
		told += str_is(changes[i].kind, "session") && changes[i].entity == first;
	CHECK_INT((int64_t)told, 1);
}

/* ---- integration tokens ---- */

TEST(a_token_is_found_by_its_digest_and_revoked_once)
{
	CLEANUP(world_done) World *w = world_tables();
	Id ann = person(w, "ann", false), ben = person(w, "ben", false);
	IntegrationToken t = { .identity = ann,
		.label = str_of("ci"),
		.hash = str_of("digest"),
		.prefix = str_of("attune_it_"),
		.suffix = str_of("abcdef"),
		.created_by = ann },
			 got;
	Err err = { 0 };

	IN_ONE(w, integration_token_insert(w->db, w->a, &t, NOW, &own));
	CHECK_OK(integration_token_find(w->db, w->a, str_of("digest"), &got, &err), err);
	CHECK(got.id == t.id && got.identity == ann && got.revoked == 0 && got.expires == 0);
	CHECK(!integration_token_find(w->db, w->a, str_of("Digest"), &got, &err) && err.code == ERR_NOT_FOUND);
	err_clear(&err);
	CHECK(!integration_token_get(w->db, w->a, ben, t.id, &got, &err) &&
	      err.code == ERR_NOT_FOUND); /* somebody else's */
	err_clear(&err);
	IN_ONE(w, integration_token_used(w->db, w->a, t.id, str_of("10.0.0.1"), NOW + 1, &own));
	IN_ONE(w, integration_token_revoke(w->db, w->a, t.id, ben, str_of("lost"), NOW + 2, &own));
	IN_ONE(w, integration_token_revoke(w->db, w->a, t.id, ann, str_of("again"), NOW + 3, &own));
	CHECK_OK(integration_token_get(w->db, w->a, ann, t.id, &got, &err), err);
	CHECK(got.last_used == NOW + 1 && got.revoked == NOW + 2 && got.revoked_by == ben);
	CHECK_STR(got.revocation_reason, str_of("lost"));
}

/* ---- what came of a run ---- */

static Id
run_made(World *w, Id parent)
{
	ExecNew row = { .action_ref = str_of("p1.act"),
		.parent = parent,
		.status = EXEC_REQUESTED,
		.wait = WAIT_QUEUED,
		.wait_class = str_of("1"),
		.correlation = uuid_new(NOW),
		.by = str_of("test") };
	Id id = 0;

	IN_ONE(w, execution_insert(w->db, w->a, &row, 1, NOW, &id, &own));
	return id;
}

static Str
ancestors_of(World *w, Id id)
{
	ExecState status;
	Err err = { 0 };
	Str line;

	CHECK_OK(execution_standing(w->db, w->a, id, &status, &line, &err), err);
	return line;
}

TEST(a_run_knows_all_that_it_came_of)
{
	CLEANUP(world_done) World *w = world_tables();
	Id root = run_made(w, 0), child = run_made(w, root), grandchild = run_made(w, child);

	CHECK(str_none(ancestors_of(w, root)));
	CHECK_STR(ancestors_of(w, child), str_fmt(w->a, "/%lld/", (long long)root));
	CHECK_STR(ancestors_of(w, grandchild), str_fmt(w->a, "/%lld/%lld/", (long long)root, (long long)child));
	CHECK_STR(execution_line(w->a, ancestors_of(w, child), child), ancestors_of(w, grandchild));
}

/* ---- artifacts ---- */

static ArtifactRow
artifact_made(World *w, const char *ref, const char *policy, int64_t limit)
{
	ArtifactRow x = { .ref = str_of(ref),
		.scope = str_of("system"),
		.owner = str_of(""),
		.type = str_of("file_text"),
		.visibility = str_of("private"),
		.size_bytes = -1,
		.retention_policy = str_of(policy),
		.retention_limit = limit };

	IN_ONE(w, artifact_insert(w->db, w->a, &x, NOW, &own));
	return x;
}

static ArtifactFiles
version_made(World *w, Id artifact, const char *path, TimeUs now, int64_t *ret_number)
{
	VersionRow v = {
		.artifact = artifact, .content_type = str_of("text/plain"), .size_bytes = 3, .file_path = str_of(path)
	};
	ArtifactFiles gone = { 0 };

	IN_ONE(w, version_add(w->db, w->a, &v, now, &gone, &own));
	*ret_number = v.version;
	return gone;
}

TEST(numbers_of_versions_are_never_given_twice_and_the_oldest_go)
{
	CLEANUP(world_done) World *w = world_tables();
	ArtifactRow x = artifact_made(w, "p1.kept", "versions", 2), twice = x;
	static const char *const paths[] = { "a", "b", "c" };
	ArtifactFiles gone = { 0 };
	VersionRow *all, got;
	Err err = { 0 };
	int64_t number;
	size_t n;

	for (int i = 0; i < 3; i++) {
		gone = version_made(w, x.id, paths[i], (TimeUs)NOW + i, &number);
		CHECK_INT(number, i + 1);
		CHECK_INT((int64_t)gone.n, i == 2); /* its file goes after the commit: its name is told */
	}
	CHECK_STR(gone.paths[0], str_of("a"));
	CHECK_OK(version_get(w->db, w->a, x.id, 0, &got, &err), err);
	CHECK_INT(got.version, 3);
	IN_ONE(w, version_delete(w->db, w->a, x.id, 3, &gone, &own));
	(void)version_made(w, x.id, "d", NOW + 9, &number);
	CHECK_INT(number, 4);
	CHECK_OK(version_list(w->db, w->a, x.id, &all, &n, &err), err);
	CHECK_INT((int64_t)n, 2);
	CHECK(all[0].version == 4 && all[1].version == 2);
	CHECK_OK(db_begin(w->db, &err), err);
	CHECK(!artifact_insert(w->db, w->a, &twice, NOW, &err) && err.code == ERR_CONFLICT);
	db_rollback(w->db);
}

TEST(what_is_kept_for_hours_goes_then_but_never_the_latest)
{
	CLEANUP(world_done) World *w = world_tables();
	ArtifactRow x = artifact_made(w, "p1.hourly", "hours", 1);
	ArtifactFiles gone = { 0 };
	VersionRow *all;
	Err err = { 0 };
	int64_t number;
	bool known;
	Id after = 0;
	size_t n;

	(void)version_made(w, x.id, "old", NOW, &number);
	(void)version_made(w, x.id, "new", NOW, &number);
	IN_ONE(w, version_expire(w->db, w->a, NOW + HOUR / 2, &after, 100, &gone, &own));
	CHECK_INT((int64_t)gone.n, 0);
	after = 0;
	IN_ONE(w, version_expire(w->db, w->a, NOW + 3 * HOUR, &after, 100, &gone, &own));
	CHECK_INT((int64_t)gone.n, 1);
	CHECK_STR(gone.paths[0], str_of("old"));
	CHECK_OK(version_list(w->db, w->a, x.id, &all, &n, &err), err);
	CHECK_INT((int64_t)n, 1);
	CHECK_OK(version_file_known(w->db, w->a, x.id, str_of("new"), &known, &err), err);
	CHECK(known);
	CHECK_OK(version_file_known(w->db, w->a, x.id, str_of("old"), &known, &err), err);
	CHECK(!known);
	gone = (ArtifactFiles){ 0 };
	IN_ONE(w, artifact_delete(w->db, w->a, x.id, &gone, &own));
	CHECK_INT((int64_t)gone.n, 1);
}
