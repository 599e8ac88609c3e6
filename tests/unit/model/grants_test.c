#include "model/grants.h"

#include "test.h"

static Caller
caller_of(Arena *a, CallerKind kind, const char *text)
{
	Json *grants = arena_new(a, Json);
	const Json *set = grants;
	Err err = { 0 };

	CHECK(json_parse(a, str_of(text), NULL, grants, &err));
	return (Caller){ .kind = kind, .identity = 7, .execution = 50, .grants = grants_compile(a, &set, 1) };
}

TEST(a_right_without_a_grant_is_none_and_one_that_does_not_exist_never_is)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Caller c = caller_of(a, CALLER_USER, "[{\"resource\":\"packs\",\"actions\":[\"read\",\"execute\"]}]");
	Caller nobody = { 0 };
	Right r;

	CHECK(grants_allow(&c, "packs:read", NULL) && grants_allow(&c, "packs:read", &(Target){ .ref = str_of("x") }));
	CHECK(!grants_allow(&c, "packs:delete", NULL) && !grants_allow(&c, "packs:execute", NULL));
	CHECK(!grants_allow(&c, "nothing:read", NULL) && !grants_allow(&nobody, "packs:read", NULL));
	CHECK(grants_allow(&c, "self:read", NULL) && !grants_allow(&nobody, "self:read", NULL));
	CHECK(!grants_allow(&c, "internal:create", NULL));
	CHECK(!right_parse("packs", &r) && !right_parse("packs:execute", &r) && !right_parse(NULL, &r));
}

TEST(every_constraint_of_a_grant_must_hold_and_what_is_not_known_does_not)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Caller c = caller_of(a, CALLER_USER,
	    "[{\"resource\":\"keys\",\"actions\":[\"read\"],\"constraints\":{\"owner_types\":[\"pack\"],\"refs\":["
	    "\"a\",\"b\"],"
	    "\"encrypted\":false}},"
	    "{\"resource\":\"keys\",\"actions\":[\"update\"],\"constraints\":{\"owner\":\"self\"}},"
	    "{\"resource\":\"actions\",\"actions\":[\"read\"],\"constraints\":{\"pack_refs\":[\"mine\"],\"unheard_of\":"
	    "1}},"
	    "{\"resource\":\"rules\",\"actions\":[\"read\"],\"constraints\":{\"pack_refs\":[\"mine\"]}}]");
	Target key = { .ref = str_of("a"), .owner_type = str_of("pack"), .encrypted = -1 };

	CHECK(grants_allow(&c, "keys:read", &key));
	key.encrypted = 1;
	CHECK(!grants_allow(&c, "keys:read", &key));
	key.encrypted = 0;
	CHECK(!grants_allow(&c, "keys:read", &key));
	CHECK(grants_allow(&c, "keys:update", &(Target){ .owner = 7 }) &&
	      !grants_allow(&c, "keys:update", &(Target){ .owner = 8 }));
	CHECK(!grants_allow(&c, "keys:update", &(Target){ 0 }));
	CHECK(!grants_allow(&c, "actions:read", NULL)); /* a constraint that nobody understands is met by nothing */
	CHECK(grants_allow(&c, "rules:read", &(Target){ .pack_ref = str_of("mine") }));
	CHECK(!grants_allow(&c, "rules:read", &(Target){ .pack_ref = str_of("yours") }));
	CHECK(!grants_scope(a, &c, "rules:read").all && grants_scope(a, &c, "rules:read").n == 1);
}

TEST(a_run_sees_itself_and_its_own_where_it_was_given_no_more)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static const char text[] =
	    "[{\"resource\":\"executions\",\"actions\":[\"read\"],\"constraints\":{\"execution_scope\":"
	    "\"descendants\"}}]";
	Caller c = caller_of(a, CALLER_EXECUTION, text), user = caller_of(a, CALLER_USER, text);

	CHECK(grants_allow(&c, "executions:read", &(Target){ .execution = 50 }));
	c.line = str_of("/9/50/");
	CHECK(grants_allow(&c, "executions:read", &(Target){ .execution = 51, .ancestors = str_of("/9/50/") }));
	CHECK(grants_allow(&c, "executions:read", &(Target){ .execution = 70, .ancestors = str_of("/9/50/51/60/") }));
	CHECK(!grants_allow(
	    &c, "executions:read", &(Target){ .execution = 51, .ancestors = str_of("/9/49/"), .owner = 7 }));
	CHECK(!grants_allow(&c, "executions:read", &(Target){ .execution = 51, .ancestors = str_of("/9/501/") }));
	CHECK(!grants_allow(&c, "executions:read", &(Target){ .execution = 51, .ancestors = str_of("/50/") }));
	CHECK(!grants_allow(&c, "executions:read", &(Target){ .execution = 9 }));
	CHECK(grants_allow(&user, "executions:read", &(Target){ .execution = 51, .owner = 7 }));
	CHECK(!grants_allow(&user, "executions:read", &(Target){ .execution = 51, .owner = 8 }));
}

TEST(what_is_given_on_must_be_held_as_widely)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Caller c = caller_of(a, CALLER_USER,
	    "[{\"resource\":\"packs\",\"actions\":[\"read\"]},"
	    "{\"resource\":\"actions\",\"actions\":[\"read\",\"execute\"],\"constraints\":{\"pack_refs\":[\"x\",\"y\"]}"
	    "}]");
	static const struct {
		const char *grants;
		bool covered;
	} table[] = {
		{ "[]", true },
		{ "[{\"resource\":\"packs\",\"actions\":[\"read\"]}]", true },
		{ "[{\"resource\":\"packs\",\"actions\":[\"read\"],\"constraints\":{\"refs\":[\"z\"]}}]", true },
		{ "[{\"resource\":\"packs\",\"actions\":[\"read\",\"delete\"]}]", false },
		{ "[{\"resource\":\"actions\",\"actions\":[\"read\"]}]", false },
		{ "[{\"resource\":\"actions\",\"actions\":[\"read\"],\"constraints\":{\"pack_refs\":[\"x\"]}}]", true },
		{ "[{\"resource\":\"actions\",\"actions\":[\"read\"],\"constraints\":{\"pack_refs\":[\"x\",\"z\"]}}]",
		    false },
		{ "[{\"resource\":\"keys\",\"actions\":[\"decrypt\"]}]", false },
	};

	for (size_t i = 0; i < countof(table); i++) {
		Json grants;
		Str missing;
		Err err = { 0 };

		CHECK(json_parse(a, str_of(table[i].grants), NULL, &grants, &err));
		CHECK(grants_cover(&c, a, &grants, &missing) == table[i].covered);
	}
}

TEST(a_kept_caller_outlives_what_it_was_made_of)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Arena *gone = arena_open();
	Caller c = caller_of(gone, CALLER_USER,
	    "[{\"resource\":\"rules\",\"actions\":[\"read\"],\"constraints\":{\"pack_refs\":[\"mine\"]}}]");
	Caller kept = caller_keep(a, &c);

	arena_close(gone);
	CHECK(grants_allow(&kept, "rules:read", &(Target){ .pack_ref = str_of("mine") }));
	CHECK(!grants_allow(&kept, "rules:read", &(Target){ .pack_ref = str_of("yours") }));
}
