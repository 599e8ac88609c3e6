/* What stands between an event and its enforcement, over both stores; between any two steps the process may be another one. */
#include "base/crash.h"
#include "engine/keys.h"
#include "engine/moves.h"
#include "engine/secrets.h"
#include "engine/windows.h"
#include "store/action.h"
#include "store/pack.h"
#include "store/rule.h"
#include "store/rule_window.h"
#include "store/trigger.h"
#include "seat.h"

#include "test.h"

#include <setjmp.h>
#include <string.h>

typedef struct Rig {
	World *w;
	Bus *bus;
	Clock clock;
	Engine engine;
	Uow *u;
	Id pack, action, rule;
	TimeUs now;
} Rig;

static TimeUs
rig_time(void *self)
{
	return ((Rig *)self)->now;
}

/* As a process begins: nothing is remembered but rows. */
static void
process_begin(Rig *r)
{
	seat_begin(r->w, r->bus, &r->clock, &r->engine, &r->u);
}

static void
process_end(Rig *r)
{
	seat_end(&r->engine, r->u);
}

static void
restart(Rig *r)
{
	process_end(r);
	process_begin(r);
}

static Json
json_of(Arena *a, const char *text)
{
	Json v;
	Err err = { 0 };

	CHECK_OK(json_parse(a, str_of(text), NULL, &v, &err), err);
	return v;
}

static Rig *
rig_open(void)
{
	World *w = world_bare();
	Rig *r = arena_new(w->a, Rig);
	PackDef pack = { .ref = str_of("test"), .label = str_of("Test"), .version = str_of("1.0.0") };
	TriggerDef trigger = { .pack_ref = pack.ref, .label = str_of("T"), .enabled = true };
	ActionDef action = { .ref = str_of("test.do"),
		.pack_ref = pack.ref,
		.label = str_of("Do"),
		.enabled = true,
		.entrypoint = str_of("do.sh"),
		.parameter_delivery = str_of("stdin"),
		.parameter_format = str_of("json"),
		.output_format = str_of("text") };
	static const char *const triggers[] = { "test.one", "test.two", "core.intervaltimer" };
	Err err = { 0 };
	DefPut put;

	r->w = w;
	r->now = 1700000000LL * US_PER_S;
	r->clock = (Clock){ rig_time, rig_time, r };
	r->bus = seat_bus(w, &r->clock);
	process_begin(r);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(pack_put(r->u->db, r->u->arena, &pack, r->now, &put, &err), err);
	r->pack = trigger.pack = action.pack = put.id;
	for (size_t i = 0; i < countof(triggers); i++) {
		trigger.ref = str_of(triggers[i]);
		trigger.id = 0;
		CHECK_OK(trigger_put(r->u->db, r->u->arena, &trigger, r->now, &put, &err), err);
	}
	CHECK_OK(action_put(r->u->db, r->u->arena, &action, r->now, &put, &err), err);
	r->action = put.id;
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	return r;
}

static void
rig_done(Rig **r)
{
	World *w = (*r)->w;

	process_end(*r);
	bus_close((*r)->bus);
	world_done(&w);
}

static void
rule_on(Rig *r, const char *trigger, const char *extras, const char *params, const char *trigger_params)
{
	Uow *u = r->u;
	TriggerDef t;
	Err err = { 0 };
	DefPut put;

	CHECK_OK(uow_begin(u, &err), err);
	CHECK_OK(trigger_get_ref(u->db, u->arena, str_of(trigger), &t, &err), err);
	{
		RuleDef rule = { .ref = str_of("test.rule"),
			.pack = r->pack,
			.pack_ref = str_of("test"),
			.label = str_of("Rule"),
			.enabled = true,
			.trigger = t.id,
			.trigger_ref = str_of(trigger),
			.action = r->action,
			.action_ref = str_of("test.do"),
			.extras = json_of(u->arena, extras),
			.action_params = json_of(u->arena, params),
			.trigger_params = json_of(u->arena, trigger_params) };

		CHECK_OK(rule_put(u->db, u->arena, &rule, u->now, &put, &err), err);
	}
	r->rule = put.id;
	CHECK_OK(uow_commit(u, &points_create, &err), err);
}

/* Stores one event; how many enforcements it makes at once. */
static int64_t
happens(Rig *r, const char *trigger, const char *payload, Id *ret_event)
{
	Uow *u = r->u;
	EventOut out;
	Err err = { 0 };

	CHECK_OK(uow_begin(u, &err), err);
	{
		Json p = json_of(u->arena, payload);
		EventIn in = { .trigger_ref = str_of(trigger), .payload = &p };

		CHECK_OK(ingest(u, &in, 1, &out, &err), err);
	}
	CHECK_OK(uow_commit(u, &points_ingest, &err), err);
	if (ret_event != NULL)
		*ret_event = out.id;
	return (int64_t)out.enforcements;
}

static TimeUs
turn(Rig *r)
{
	TimeUs next = 0;
	Err err = { 0 };

	CHECK_OK(windows_turn(r->u, &next, &err), err);
	return next;
}

static Str
held(Rig *r, Id event)
{
	Str reason;
	Err err = { 0 };

	CHECK_OK(rule_held_get(r->w->db, r->w->a, event, r->rule, &reason, &err), err);
	return reason;
}

static int64_t
count(Rig *r, const char *sql)
{
	Rows rows;
	Err err = { 0 };

	CHECK_OK(db_read_text(r->w->db, r->w->a, str_of(sql), "", NULL, &rows, &err), err);
	return row_int(rows_at(&rows, 0), 0);
}

static Str
last_config(Rig *r)
{
	Rows rows;
	Err err = { 0 };

	CHECK_OK(db_read_text(r->w->db, r->w->a, str_of("select config from enforcement order by id desc limit 1"), "",
		     NULL, &rows, &err),
	    err);
	return row_str(rows_at(&rows, 0), 0);
}

TEST(throttle_lets_so_many_through_by_key_and_says_what_it_held)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id event;

	rule_on(r, "test.one", "{\"throttle\": {\"limit\": 2, \"per\": \"1m\", \"key\": \"{{ event.payload.host }}\"}}",
	    "{}", "{}");
	CHECK_INT(happens(r, "test.one", "{\"host\": \"a\"}", NULL), 1);
	restart(r);
	CHECK_INT(happens(r, "test.one", "{\"host\": \"a\"}", NULL), 1);
	CHECK_INT(happens(r, "test.one", "{\"host\": \"b\"}", NULL), 1);
	restart(r);
	CHECK_INT(happens(r, "test.one", "{\"host\": \"a\"}", &event), 0);
	CHECK(str_starts(
	    held(r, event), str_of("throttle for 'a': 2 passed since 2023-11-14T22:13:20Z, which is the limit")));
	r->now += 61LL * US_PER_S;
	CHECK_INT(happens(r, "test.one", "{\"host\": \"a\"}", NULL), 1);
	r->now += 3600LL * US_PER_S;
	turn(r);
	CHECK_INT(count(r, "select count(*) from rule_window"), 0); /* what is over takes no room */
}

TEST(once_within_lets_one_through)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id event;

	rule_on(r, "test.one", "{\"once_within\": {\"within\": 600}}", "{}", "{}");
	CHECK_INT(happens(r, "test.one", "{}", NULL), 1);
	r->now += 599LL * US_PER_S;
	restart(r);
	CHECK_INT(happens(r, "test.one", "{}", &event), 0);
	CHECK(str_starts(held(r, event), str_of("once_within: 1 passed")));
	r->now += 2LL * US_PER_S;
	CHECK_INT(happens(r, "test.one", "{}", NULL), 1);
}

TEST(debounce_acts_on_the_last_event_when_it_is_quiet)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id first, last;

	rule_on(r, "test.one", "{\"debounce\": {\"quiet\": \"5s\", \"max_wait\": \"8s\"}}",
	    "{\"n\": \"{{ event.payload.n }}\"}", "{}");
	CHECK_INT(happens(r, "test.one", "{\"n\": 1}", &first), 0);
	CHECK_INT(turn(r), r->now + 5LL * US_PER_S);
	r->now += 4LL * US_PER_S;
	restart(r);
	CHECK_INT(happens(r, "test.one", "{\"n\": 2}", &last), 0);
	CHECK_INT(turn(r), r->now + 4LL * US_PER_S); /* max_wait counts from the first */
	CHECK_INT(count(r, "select count(*) from enforcement"), 0);
	r->now += 4LL * US_PER_S;
	restart(r);
	CHECK_INT(turn(r), 0);
	CHECK_INT(count(r, "select count(*) from enforcement"), 1);
	CHECK_INT(count(r, "select max(event) from enforcement"), last);
	CHECK(str_find(last_config(r), str_of("2"), NULL));
	CHECK(str_find(held(r, first), str_of("came before it was quiet"), NULL));
	turn(r);
	CHECK_INT(count(r, "select count(*) from enforcement"), 1);
}

TEST(what_nobody_was_there_to_end_acts_before_the_next_event_takes_its_place)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id first, next;

	rule_on(r, "test.one", "{\"debounce\": {\"quiet\": \"5s\"}}", "{\"n\": \"{{ event.payload.n }}\"}", "{}");
	CHECK_INT(happens(r, "test.one", "{\"n\": 1}", &first), 0);
	r->now += 60LL * US_PER_S;
	restart(r);
	CHECK_INT(happens(r, "test.one", "{\"n\": 2}", &next), 0);
	CHECK_INT(count(r, "select count(*) from enforcement"), 1);
	CHECK_INT(count(r, "select max(event) from enforcement"), first);
	CHECK(str_find(last_config(r), str_of("1"), NULL));
	CHECK_INT(turn(r), r->now + 5LL * US_PER_S);
	r->now += 5LL * US_PER_S;
	CHECK_INT(turn(r), 0);
	CHECK_INT(count(r, "select count(*) from enforcement"), 2);
	CHECK_INT(count(r, "select max(event) from enforcement"), next);
}

static jmp_buf dies;

static void
die_at(void *self, const char *point)
{
	if (strcmp(self, point) == 0)
		longjmp(dies, 1);
}

TEST(a_process_that_dies_when_a_window_ends_leaves_one_enforcement_to_the_next)
{
	static const char *const points[] = { "window.before_commit", "window.after_commit", "window.after_publish" };
	CLEANUP(rig_done) Rig *r = rig_open();

	rule_on(r, "test.one", "{\"debounce\": {\"quiet\": \"5s\"}}", "{}", "{}");
	for (size_t i = 0; i < countof(points); i++) {
		CHECK_INT(happens(r, "test.one", "{}", NULL), 0);
		r->now += 6LL * US_PER_S;
		crash_hook(die_at, (void *)points[i]);
		if (setjmp(dies) == 0) {
			turn(r);
			test_fail(__FILE__, __LINE__, "the point %s was not passed", points[i]);
		}
		crash_hook(NULL, NULL);
		restart(r);
		CHECK_INT(turn(r), 0);
		CHECK_INT(count(r, "select count(*) from enforcement"), (int64_t)i + 1);
	}
}

static const char both[] =
    "{\"triggers\": [{\"trigger_ref\": \"test.one\", \"as\": \"build\"}, {\"trigger_ref\": \"test.two\", "
    "\"as\": \"scan\", \"conditions\": [{\"field\": \"ok\", \"operator\": \"equals\", \"value\": true}]}], "
    "\"correlate\": {\"mode\": \"all\", \"within\": \"5m\", \"key\": \"{{ event.payload.id }}\"}}";

TEST(a_rule_on_several_triggers_acts_when_each_had_its_event_within_the_window)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id event;

	rule_on(r, "test.one", both, "{\"text\": \"{{ events.build.payload.n }}-{{ events.scan.payload.n }}\"}", "{}");
	CHECK_INT(happens(r, "test.one", "{\"id\": 1, \"n\": 10}", &event), 0);
	CHECK_STR(held(r, event), str_of("correlate for '1': waits for 'scan' within 5 min"));
	CHECK_INT(happens(r, "test.two", "{\"id\": 2, \"ok\": true, \"n\": 20}", NULL), 0);  /* another key */
	CHECK_INT(happens(r, "test.two", "{\"id\": 1, \"ok\": false, \"n\": 30}", NULL), 0); /* not met */
	restart(r);
	r->now += 299LL * US_PER_S;
	CHECK_INT(happens(r, "test.two", "{\"id\": 1, \"ok\": true, \"n\": 40}", NULL), 1);
	CHECK(str_find(last_config(r), str_of("10-40"), NULL));
	CHECK_INT(happens(r, "test.two", "{\"id\": 1, \"ok\": true, \"n\": 50}", NULL), 0); /* used up */
	r->now += 2LL * US_PER_S;
	CHECK_INT(happens(r, "test.one", "{\"id\": 2, \"n\": 60}", NULL), 0); /* too late for the one before */
	r->now += 3600LL * US_PER_S;
	turn(r);
	CHECK_INT(count(r, "select count(*) from rule_window"), 0);
}

TEST(a_rule_on_any_of_several_triggers_acts_on_each)
{
	CLEANUP(rig_done) Rig *r = rig_open();

	rule_on(r, "test.one",
	    "{\"triggers\": [{\"trigger_ref\": \"test.one\"}, {\"trigger_ref\": \"test.two\"}], \"correlate\": "
	    "{\"mode\": \"any\", "
	    "\"within\": 60}}",
	    "{}", "{}");
	CHECK_INT(happens(r, "test.one", "{}", NULL), 1);
	CHECK_INT(happens(r, "test.two", "{}", NULL), 1);
}

static void
make_runs(Rig *r)
{
	Rows rows;
	Err err = { 0 };
	Id ids[16];
	size_t n = 0;

	CHECK_OK(db_read_text(r->w->db, r->w->a, str_of("select id from enforcement where status = 'created'"), "",
		     NULL, &rows, &err),
	    err);
	for (; n < rows.n && n < 16; n++)
		ids[n] = row_int(rows_at(&rows, n), 0);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(enforce(r->u, ids, n, &err), err);
	CHECK_OK(uow_commit(r->u, &points_enforce, &err), err);
}

TEST(a_timer_skips_while_its_last_run_goes_on_or_cancels_it)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Id event;

	rule_on(r, "core.intervaltimer", "null", "{}", "{\"interval\": 5, \"overlap\": \"skip\"}");
	CHECK_INT(happens(r, "core.intervaltimer", "{}", NULL), 1);
	CHECK_INT(happens(r, "core.intervaltimer", "{}", &event), 0);
	CHECK_STR(held(r, event), str_of("overlap: the tick before has not become a run yet"));
	make_runs(r);
	CHECK_INT(happens(r, "core.intervaltimer", "{}", &event), 0);
	CHECK(str_starts(held(r, event), str_of("overlap: execution ")));

	rule_on(r, "core.intervaltimer", "null", "{}", "{\"interval\": 5, \"overlap\": \"cancel\"}");
	CHECK_INT(happens(r, "core.intervaltimer", "{}", NULL), 1);
	CHECK_INT(count(r, "select count(*) from execution where status = 'cancelled'"), 1);
}

TEST(a_rule_that_is_switched_off_while_it_waits_for_quiet_does_not_act)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Err err = { 0 };

	rule_on(r, "test.one", "{\"debounce\": {\"quiet\": 5}}", "{}", "{}");
	CHECK_INT(happens(r, "test.one", "{}", NULL), 0);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(rule_set_enabled(r->u->db, r->u->arena, str_of("test.rule"), false, r->now, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	r->now += 6LL * US_PER_S;
	CHECK_INT(turn(r), 0);
	CHECK_INT(count(r, "select count(*) from enforcement"), 0);
}

/* ---- keys in a rule's parameters ---- */

static const char schema_of_do[] =
    "{\"token\": {\"type\": \"string\", \"secret\": true}, \"note\": {\"type\": \"string\"}}";

static void
action_schema(Rig *r, const char *schema)
{
	Uow *u = r->u;
	ActionDef action;
	Err err = { 0 };
	DefPut put;

	CHECK_OK(uow_begin(u, &err), err);
	CHECK_OK(action_get(u->db, u->arena, r->action, &action, &err), err);
	action.param_schema = json_of(u->arena, schema);
	CHECK_OK(action_put(u->db, u->arena, &action, u->now, &put, &err), err);
	CHECK_OK(uow_commit(u, &points_create, &err), err);
}

static void
pack_key(Rig *r, const char *name, const char *value)
{
	Uow *u = r->u;
	Json plain = json_cstr(value);
	Err err = { 0 };

	CHECK_OK(uow_begin(u, &err), err);
	{
		KeyRow k = { .ref = str_fmt(u->arena, "test.%s", name),
			.name = str_of(name),
			.owner_type = str_of("pack"),
			.owner = str_fmt(u->arena, "%lld", (long long)r->pack),
			.owner_pack = r->pack,
			.owner_pack_ref = str_of("test"),
			.encrypted = true };

		CHECK_OK(key_seal(r->engine.vault, u->arena, &k, &plain, &err), err);
		CHECK_OK(key_insert(u->db, u->arena, &k, u->now, &err), err);
	}
	CHECK_OK(uow_commit(u, &points_create, &err), err);
}

/* What the enforcement's config is with its secrets back in place. */
static void
check_revealed(Rig *r, const char *want)
{
	Rows rows;
	Err err = { 0 };
	Json config;

	CHECK_OK(
	    db_read_text(r->w->db, r->w->a, str_of("select max(id) from enforcement"), "", NULL, &rows, &err), err);
	config = json_of(r->w->a, last_config(r).p);
	CHECK_OK(secrets_reveal(r->w->db, r->w->a, r->engine.vault, SECRET_OF_ENFORCEMENT,
		     row_int(rows_at(&rows, 0), 0), &config, &err),
	    err);
	if (!json_eq(&config, (const Json[]){ json_of(r->w->a, want) }))
		test_fail(__FILE__, __LINE__, "the config is %s", json_text(r->w->a, &config).p);
}

TEST(a_key_reaches_only_secret_parameters_and_lies_sealed)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	const char *params = "{\"token\": \"Bearer {{ keystore.api_token }}\", \"note\": \"{{ event.payload.x }}\"}";
	Vault *v;
	Err err = { 0 };

	CHECK_OK(vault_open(r->w->a, str_of("0123456789abcdef0123456789abcdef"), NULL, &v, &err), err);
	r->engine.vault = v;
	action_schema(r, schema_of_do);
	pack_key(r, "api_token", "s3cret");
	rule_on(r, "test.one", "{}", params, "{}");
	CHECK_INT(happens(r, "test.one", "{\"x\": \"hello\"}", NULL), 1);
	CHECK(!str_find(last_config(r), str_of("s3cret"), NULL));
	check_revealed(r, "{\"token\":\"Bearer s3cret\",\"note\":\"hello\"}");

	/* the action has changed since the rule was made: nothing that is not sealed gets it */
	action_schema(r, "{\"token\": {\"type\": \"string\"}, \"note\": {\"type\": \"string\", \"secret\": true}}");
	CHECK_INT(happens(r, "test.one", "{\"x\": \"hello\"}", NULL), 1);
	check_revealed(r, "{\"token\":\"Bearer \",\"note\":\"hello\"}");

	/* a key that cannot be opened costs the parameter, not the event */
	action_schema(r, schema_of_do);
	CHECK_OK(vault_open(r->w->a, str_of("another-key-another-key-another-k"), NULL, &v, &err), err);
	r->engine.vault = v;
	CHECK_INT(happens(r, "test.one", "{\"x\": \"hello\"}", NULL), 1);
	check_revealed(r, "{\"token\":\"Bearer \",\"note\":\"hello\"}");
}

TEST(a_secret_of_the_packs_configuration_reaches_only_secret_parameters_of_rules)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	const char *params =
	    "{\"token\": \"Bearer {{ pack.config.password }}\", \"note\": \"{{ pack.config.password }} at "
	    "{{ pack.config.host }}\"}";
	Vault *v;
	PackDef pack;
	DefPut put;
	Json config;
	Err err = { 0 };

	CHECK_OK(vault_open(r->w->a, str_of("0123456789abcdef0123456789abcdef"), NULL, &v, &err), err);
	r->engine.vault = v;
	action_schema(r, schema_of_do);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(pack_get(r->u->db, r->u->arena, r->pack, &pack, &err), err);
	pack.conf_schema = json_of(r->u->arena, "{\"password\": {\"type\": \"string\", \"secret\": true}}");
	CHECK_OK(pack_put(r->u->db, r->u->arena, &pack, r->now, &put, &err), err);
	config = json_of(r->u->arena, "{\"password\": \"s3cret\", \"host\": \"db1\"}");
	CHECK_OK(pack_set_config(r->u->db, r->u->arena, r->pack, &config, r->now, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	restart(r);
	r->engine.vault = v;
	rule_on(r, "test.one", "{}", params, "{}");
	CHECK_INT(happens(r, "test.one", "{}", NULL), 1);
	CHECK(!str_find(last_config(r), str_of("s3cret"), NULL));
	check_revealed(r, "{\"token\":\"Bearer s3cret\",\"note\":\" at db1\"}");
}

TEST(the_first_silence_to_end_and_the_first_of_all_windows_are_found)
{
	static const struct {
		WindowKind kind;
		const char *key;
		int after;
	} windows[] = { { WINDOW_DEBOUNCE, "a", 5 }, { WINDOW_DEBOUNCE, "b", 3 }, { WINDOW_THROTTLE, "a", 9 },
		{ WINDOW_ONCE, "a", 1 } };
	CLEANUP(rig_done) Rig *r = rig_open();
	TimeUs quiet, any;
	Err err = { 0 };

	rule_on(r, "test.one", "{\"once_within\": {\"within\": 600}}", "{}", "{}");
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(rule_window_next(r->u->db, r->u->arena, &quiet, &any, &err), err);
	CHECK(quiet == 0 && any == 0);
	for (size_t i = 0; i < countof(windows); i++) {
		RuleWindow w = { .rule = r->rule,
			.kind = windows[i].kind,
			.key = str_of(windows[i].key),
			.since = r->now,
			.due = r->now + windows[i].after };

		CHECK_OK(rule_window_put(r->u->db, r->u->arena, &w, &err), err);
	}
	CHECK_OK(rule_window_next(r->u->db, r->u->arena, &quiet, &any, &err), err);
	CHECK_INT(quiet - r->now, 3);
	CHECK_INT(any - r->now, 1);
	CHECK_OK(uow_commit(r->u, &points_window, &err), err);
}
