#include "engine/register.h"

#include "store/action.h"
#include "store/pack.h"
#include "store/permission_set.h"
#include "store/rule.h"
#include "store/runtime.h"
#include "store/sensor.h"
#include "store/trigger.h"
#include "packs_bench.h"
#include "test.h"

#include <pthread.h>
#include <stdlib.h>

static void
write_pack(Bench *b)
{
	bench_write(b, "p1/pack.yaml", "ref: p1\nversion: 1.0.0\nconfig: {a: 1}\n");
	bench_write(b, "p1/runtimes/sh.yaml", "ref: p1.sh\nname: p1shell\naliases: [p1sh]\n");
	bench_write(b, "p1/triggers/tick.yaml", "ref: p1.tick\n");
	bench_write(
	    b, "p1/sensors/clock.yaml", "ref: p1.clock\nrunner_type: p1.sh\nentry_point: x y\ntrigger_types: [tick]\n");
	bench_write(b, "p1/actions/act.yaml", "ref: p1.act\nrunner_type: P1SH\nentry_point: 'echo hi'\n");
	bench_write(b, "p1/actions/two.yaml", "ref: p1.two\nrunner_type: p1shell\nentry_point: 'echo hi'\n");
	bench_write(b, "p1/rules/r.yaml", "ref: r\ntrigger_ref: tick\naction_ref: act\nenabled: true\n");
	bench_write(b, "p1/permission_sets/all.yaml", "ref: p1.all\ngrants: [{resource: packs, actions: [read]}]\n");
}

static int64_t
changes(Bench *b)
{
	Id last;
	Err err = { 0 };

	CHECK_OK(change_last(b->w->db, b->w->a, &last, &err), err);
	return last;
}

TEST(a_pack_folder_becomes_rows_that_point_to_each_other)
{
	CLEANUP(bench_done) Bench b = bench_open();
	ActionDef act;
	TriggerDef tick;
	RuleDef rule;
	SensorDef clock;
	PermissionSetDef set;
	Err err = { 0 };
	RegisterResult r;

	write_pack(&b);
	r = bench_register(&b, NOW);
	CHECK(r.report.made && !r.unchanged);
	CHECK_INT((int64_t)r.report.created, 8);
	CHECK_INT((int64_t)r.report.warning_count, 0);
	CHECK_OK(action_get_ref(b.w->db, b.w->a, str_of("p1.act"), &act, &err), err);
	CHECK_STR(act.runtime_ref, str_of("p1.sh"));
	CHECK_OK(sensor_get_ref(b.w->db, b.w->a, str_of("p1.clock"), &clock, &err), err);
	CHECK_OK(trigger_get_ref(b.w->db, b.w->a, str_of("p1.tick"), &tick, &err), err);
	CHECK_INT(tick.sensor, clock.id);
	CHECK_STR(tick.sensor_ref, str_of("p1.clock"));
	CHECK_OK(rule_get_ref(b.w->db, b.w->a, str_of("p1.r"), &rule, &err), err);
	CHECK_INT(rule.action, act.id);
	CHECK_INT(rule.trigger, tick.id);
	CHECK_INT(rule.anchor, NOW);
	CHECK_OK(permission_set_get_ref(b.w->db, b.w->a, str_of("p1.all"), &set, &err), err);
}

TEST(registering_twice_changes_nothing)
{
	CLEANUP(bench_done) Bench b = bench_open();
	int64_t before;
	Pack pack;
	RegisterReport again;
	Err err = { 0 };

	write_pack(&b);
	(void)bench_register(&b, NOW);
	before = changes(&b);
	CHECK(bench_register(&b, LATER).unchanged);
	/* Even when the files are looked at. */
	CHECK_OK(pack_load(b.w->a, str_fmt(b.w->a, "%.*s/p1", STR_ARG(b.dir)), &pack, &err), err);
	CHECK_OK(db_begin(b.w->db, &err), err);
	CHECK_OK(register_pack(b.w->db, b.w->a, &pack, LATER, &again, &err), err);
	CHECK_OK(db_commit(b.w->db, &err), err);
	CHECK_INT((int64_t)(again.created + again.updated + again.deleted), 0);
	CHECK_INT(changes(&b), before);
}

TEST(a_new_version_adds_changes_and_removes_and_keeps_what_is_the_operators)
{
	CLEANUP(bench_done) Bench b = bench_open();
	ActionDef act, adhoc, gone;
	PackDef pack;
	RuleDef rule;
	DefPut put;
	Json config = json_object();
	RegisterResult r;
	Err err = { 0 };

	write_pack(&b);
	(void)bench_register(&b, NOW);
	CHECK_OK(action_get_ref(b.w->db, b.w->a, str_of("p1.act"), &act, &err), err);
	adhoc = act;
	adhoc.ref = str_of("p1.adhoc");
	adhoc.is_adhoc = true;
	json_add(b.w->a, &config, "a", json_int(7));
	CHECK_OK(db_begin(b.w->db, &err), err);
	CHECK_OK(rule_set_enabled(b.w->db, b.w->a, str_of("p1.r"), false, NOW, &err), err);
	CHECK_OK(action_put(b.w->db, b.w->a, &adhoc, NOW, &put, &err), err);
	CHECK_OK(pack_set_config(b.w->db, b.w->a, act.pack, &config, NOW, &err), err);
	CHECK_OK(db_commit(b.w->db, &err), err);
	bench_write(&b, "p1/pack.yaml", "ref: p1\nversion: 1.1.0\nconfig: {a: 1}\n");
	bench_write(&b, "p1/actions/act.yaml", "ref: p1.act\nlabel: New\nrunner_type: p1sh\nentry_point: 'echo hi'\n");
	bench_write(&b, "p1/actions/three.yaml", "ref: p1.three\nrunner_type: p1sh\nentry_point: 'echo 3'\n");
	bench_drop(&b, "p1/actions/two.yaml");
	r = bench_register(&b, LATER);
	CHECK_INT((int64_t)r.report.created, 1);
	CHECK_INT((int64_t)r.report.updated, 2);
	CHECK_INT((int64_t)r.report.deleted, 1);
	CHECK(!action_get_ref(b.w->db, b.w->a, str_of("p1.two"), &gone, &err));
	CHECK_OK(action_get_ref(b.w->db, b.w->a, str_of("p1.adhoc"), &adhoc, &err), err);
	CHECK_OK(action_get(b.w->db, b.w->a, act.id, &act, &err), err);
	CHECK_STR(act.label, str_of("New"));
	CHECK_OK(rule_get_ref(b.w->db, b.w->a, str_of("p1.r"), &rule, &err), err);
	CHECK(!rule.enabled);
	CHECK_OK(pack_get_ref(b.w->db, b.w->a, str_of("p1"), &pack, &err), err);
	CHECK_INT(json_as_int(json_get(&pack.config, "a"), 0), 7);
	CHECK_STR(pack.version, str_of("1.1.0"));
}

TEST(a_pack_with_a_broken_file_changes_nothing_and_says_where)
{
	CLEANUP(bench_done) Bench b = bench_open();
	ActionDef act;
	RegisterResult r;
	int64_t before;
	Err err = { 0 };

	write_pack(&b);
	(void)bench_register(&b, NOW);
	before = changes(&b);
	bench_write(&b, "p1/actions/act.yaml", "ref: p1.act\nlabel: New\nrunner_type: p1sh\nentry_point: 'echo hi'\n");
	bench_write(&b, "p1/actions/two.yaml", "ref: p1.two\nparameters:\n  x: {type: strang}\n");
	r = bench_register_nth(&b, 0, LATER);
	CHECK(strstr(r.problem.p, "actions/two.yaml:3:7: ") != NULL);
	CHECK_INT(changes(&b), before);
	CHECK_OK(action_get_ref(b.w->db, b.w->a, str_of("p1.act"), &act, &err), err);
	CHECK_STR(act.label, str_of("Act"));
	/* The store refuses in the middle: nothing of it stays either. */
	bench_write(&b, "p1/actions/two.yaml", "ref: p1.two\nrunner_type: p1sh\nentry_point: echo 2\n");
	bench_write(&b, "p1/sensors/clock.yaml", "ref: p1.clock\nrunner_type: nosuch\nentry_point: x y\n");
	bench_write(&b, "p1/triggers/new.yaml", "ref: p1.new\n");
	r = bench_register_nth(&b, 0, LATER);
	CHECK(strstr(r.problem.p, "'nosuch'") != NULL);
	CHECK_INT(changes(&b), before);
}

TEST(one_bad_pack_does_not_keep_the_others_out)
{
	CLEANUP(bench_done) Bench b = bench_open();
	RegisterResult *all;
	size_t n;
	Err err = { 0 };

	write_pack(&b);
	bench_write(&b, "a_bad/pack.yaml", "ref: a_bad\nversion: [\n");
	bench_write(&b, "core/pack.yaml", "ref: core\nversion: 1.0.0\n");
	bench_write(&b, "nothing/readme.txt", "no pack");
	CHECK_OK(register_all(b.w->db, b.w->a, b.dir, NOW, &all, &n, &err), err);
	CHECK_INT((int64_t)n, 3);
	CHECK_STR(all[0].ref, str_of("core"));
	CHECK(str_none(all[0].problem));
	CHECK(!str_none(all[1].problem));
	CHECK_STR(all[2].ref, str_of("p1"));
	CHECK(str_none(all[2].problem));
}

TEST(a_pack_may_not_take_what_is_anothers)
{
	CLEANUP(bench_done) Bench b = bench_open();
	RegisterResult *all;
	PackDef none;
	size_t n;
	Err err = { 0 };

	write_pack(&b);
	bench_write(&b, "thief/pack.yaml", "ref: thief\nversion: 1.0.0\n");
	bench_write(&b, "thief/actions/act.yaml", "ref: p1.act\nentry_point: echo mine\n");
	CHECK_OK(register_all(b.w->db, b.w->a, b.dir, NOW, &all, &n, &err), err);
	CHECK(str_none(all[0].problem));
	CHECK(strstr(all[1].problem.p, "belongs to another pack") != NULL);
	CHECK(!pack_get_ref(b.w->db, b.w->a, str_of("thief"), &none, &err));
}

TEST(a_rule_waits_for_the_pack_of_its_action)
{
	CLEANUP(bench_done) Bench b = bench_open();
	RegisterResult *all;
	RuleDef rule;
	ActionDef act;
	size_t n;
	Err err = { 0 };

	write_pack(&b);
	bench_write(&b, "a1/pack.yaml", "ref: a1\nversion: 1.0.0\n");
	bench_write(&b, "a1/rules/r.yaml", "ref: r\ntrigger_ref: p1.tick\naction_ref: p1.act\n");
	CHECK_OK(register_all(b.w->db, b.w->a, b.dir, NOW, &all, &n, &err), err);
	CHECK_INT((int64_t)all[0].report.warning_count, 2);
	CHECK_OK(rule_get_ref(b.w->db, b.w->a, str_of("a1.r"), &rule, &err), err);
	CHECK_OK(action_get_ref(b.w->db, b.w->a, str_of("p1.act"), &act, &err), err);
	CHECK_INT(rule.action, act.id);
	CHECK(rule.trigger != 0);
}

/* a1, whose rule runs p1's action; it is registered before p1. */
static void
write_guest(Bench *b, const char *version, const char *also)
{
	bench_write(b, "a1/pack.yaml", str_fmt(b->w->a, "ref: a1\nversion: %s\n", version).p);
	bench_write(b, "a1/triggers/own.yaml", "ref: a1.own\n");
	bench_write(b, "a1/rules/r.yaml",
	    str_fmt(b->w->a, "ref: r\naction_ref: p1.act\ntrigger_ref: own\nlabel: R %s\n%s", version, also).p);
}

static void
write_act(Bench *b, const char *version, const char *visibility)
{
	bench_write(b, "p1/pack.yaml", str_fmt(b->w->a, "ref: p1\nversion: %s\nconfig: {a: 1}\n", version).p);
	bench_write(b, "p1/actions/act.yaml",
	    str_fmt(b->w->a, "ref: p1.act\nrunner_type: P1SH\nentry_point: 'echo hi'\nreference_visibility: %s\n",
		visibility)
		.p);
}

static RuleDef
guest(Bench *b)
{
	RuleDef rule;
	Err err = { 0 };

	CHECK_OK(rule_get_ref(b->w->db, b->w->a, str_of("a1.r"), &rule, &err), err);
	return rule;
}

TEST(a_rule_that_waited_is_not_linked_to_what_is_anothers_alone)
{
	CLEANUP(bench_done) Bench b = bench_open();

	write_pack(&b);
	write_act(&b, "1.0.0", "private");
	write_guest(&b, "1.0.0", "");
	CHECK_STR(bench_register_nth(&b, 0, NOW).problem, (Str){ 0 });
	CHECK_STR(bench_register_nth(&b, 1, NOW).problem, (Str){ 0 });
	CHECK_INT(guest(&b).action, 0);
	CHECK(guest(&b).trigger != 0);
	/* it is, once it may be */
	write_act(&b, "1.0.1", "restricted\nreference_allowed_pack_refs: [a1]");
	CHECK_STR(bench_register_nth(&b, 1, LATER).problem, (Str){ 0 });
	CHECK(guest(&b).action != 0);
}

TEST(what_a_rule_of_a_pack_was_linked_to_before_is_not_asked_for_again)
{
	CLEANUP(bench_done) Bench b = bench_open();
	Id act;

	write_pack(&b);
	write_guest(&b, "1.0.0", "");
	CHECK_STR(bench_register_nth(&b, 1, NOW).problem, (Str){ 0 });
	act = guest(&b).action;
	CHECK(act != 0);
	write_act(&b, "1.0.1", "private");
	CHECK_STR(bench_register_nth(&b, 1, NOW).problem, (Str){ 0 });
	write_guest(&b, "1.0.1", "");
	CHECK_STR(bench_register_nth(&b, 0, LATER).problem, (Str){ 0 });
	CHECK_STR(guest(&b).label, str_of("R 1.0.1"));
	CHECK_INT(guest(&b).action, act);
}

TEST(each_trigger_of_a_rule_on_several_is_one_that_its_pack_may_refer_to)
{
	static const char also[] = "triggers: [{trigger_ref: own}, {trigger_ref: p1.tick}]\n"
				   "correlate: {mode: all, within: 1m}\n";
	CLEANUP(bench_done) Bench b = bench_open();
	RegisterResult r;

	write_pack(&b);
	bench_write(&b, "p1/triggers/tick.yaml", "ref: p1.tick\nreference_visibility: private\n");
	CHECK_STR(bench_register_nth(&b, 0, NOW).problem, (Str){ 0 });
	write_guest(&b, "1.0.0", also);
	r = bench_register_nth(&b, 0, NOW);
	CHECK(str_find(r.problem, str_of("rule 'a1.r': Trigger 'p1.tick' is private"), NULL));
	/* what stood before goes on */
	bench_write(&b, "p1/pack.yaml", "ref: p1\nversion: 1.0.1\nconfig: {a: 1}\n");
	bench_write(&b, "p1/triggers/tick.yaml", "ref: p1.tick\n");
	(void)bench_register_nth(&b, 1, NOW);
	CHECK_STR(bench_register_nth(&b, 0, NOW).problem, (Str){ 0 });
	bench_write(&b, "p1/pack.yaml", "ref: p1\nversion: 1.0.2\nconfig: {a: 1}\n");
	bench_write(&b, "p1/triggers/tick.yaml", "ref: p1.tick\nreference_visibility: private\n");
	(void)bench_register_nth(&b, 1, LATER);
	write_guest(&b, "1.0.1", also);
	CHECK_STR(bench_register_nth(&b, 0, LATER).problem, (Str){ 0 });
	CHECK_STR(guest(&b).label, str_of("R 1.0.1"));
}

TEST(a_rule_on_several_that_named_a_trigger_before_it_was_there_is_asked_when_it_comes)
{
	static const char also[] = "triggers: [{trigger_ref: own}, {trigger_ref: p1.late}]\n"
				   "correlate: {mode: any, within: 1m}\n";
	CLEANUP(bench_done) Bench b = bench_open();

	write_pack(&b);
	write_guest(&b, "1.0.0", also);
	CHECK_STR(bench_register_nth(&b, 0, NOW).problem, (Str){ 0 });
	CHECK_STR(bench_register_nth(&b, 1, NOW).problem, (Str){ 0 });
	CHECK(guest(&b).trigger != 0);
	bench_write(&b, "p1/pack.yaml", "ref: p1\nversion: 1.0.1\nconfig: {a: 1}\n");
	bench_write(&b, "p1/triggers/late.yaml", "ref: p1.late\nreference_visibility: private\n");
	CHECK_STR(bench_register_nth(&b, 1, LATER).problem, (Str){ 0 });
	CHECK_INT(guest(&b).trigger, 0); /* it makes nothing run */
	bench_write(&b, "p1/pack.yaml", "ref: p1\nversion: 1.0.2\nconfig: {a: 1}\n");
	CHECK_STR(bench_register_nth(&b, 1, LATER).problem, (Str){ 0 });
	CHECK_INT(guest(&b).trigger, 0); /* nor is its own trigger a way back in */
	bench_write(&b, "p1/pack.yaml", "ref: p1\nversion: 1.0.3\nconfig: {a: 1}\n");
	bench_write(&b, "p1/triggers/late.yaml", "ref: p1.late\nreference_visibility: public\n");
	CHECK_STR(bench_register_nth(&b, 1, LATER).problem, (Str){ 0 });
	CHECK(guest(&b).trigger != 0);
}

TEST(a_pack_whose_rule_gives_a_key_to_a_parameter_that_is_not_secret_is_refused)
{
	CLEANUP(bench_done) Bench b = bench_open();
	RegisterResult *all;
	RuleDef rule;
	size_t n;
	Err err = { 0 };

	write_pack(&b);
	bench_write(&b, "q1/pack.yaml", "ref: q1\nversion: 1.0.0\n");
	bench_write(&b, "q1/rules/r.yaml",
	    "ref: r\ntrigger_ref: p1.tick\naction_ref: p1.act\naction_params: {host: \"{{ keystore.k }}\"}\n");
	CHECK_OK(register_all(b.w->db, b.w->a, b.dir, NOW, &all, &n, &err), err);
	CHECK_INT((int64_t)n, 2);
	CHECK(str_find(
	    all[1].problem, str_of("rule 'q1.r': action_params.host: keystore may stand only in a parameter"), NULL));
	CHECK(!rule_get_ref(b.w->db, b.w->a, str_of("q1.r"), &rule, &err));
}

TEST(the_core_pack_registers_without_a_word)
{
	CLEANUP(bench_done) Bench b = bench_open();
	const char *packs = getenv("ATTUNE_TEST_PACKS");
	RegisterResult *all;
	ActionDef echo;
	RuleDef rule;
	TriggerDef timer;
	RuntimeDef python;
	size_t n;
	Err err = { 0 };

	CHECK(packs != NULL);
	CHECK_OK(register_all(b.w->db, b.w->a, str_of(packs), NOW, &all, &n, &err), err);
	CHECK_STR(all[0].ref, str_of("core"));
	CHECK_STR(all[0].problem, (Str){ 0 });
	CHECK_INT((int64_t)all[0].problem_count, 0);
	CHECK_INT((int64_t)all[0].report.warning_count, 0);
	CHECK_OK(action_get_ref(b.w->db, b.w->a, str_of("core.echo"), &echo, &err), err);
	CHECK_STR(echo.runtime_ref, str_of("core.shell"));
	CHECK_STR(echo.parameter_format, str_of("dotenv"));
	CHECK_OK(action_get_ref(b.w->db, b.w->a, str_of("core.noop"), &echo, &err), err);
	CHECK_STR(echo.runtime_ref, str_of("core.internal"));
	CHECK_OK(rule_get_ref(b.w->db, b.w->a, str_of("core.timer_echo"), &rule, &err), err);
	CHECK(!rule.enabled && rule.action != 0 && rule.trigger != 0);
	CHECK_OK(trigger_get_ref(b.w->db, b.w->a, str_of("core.crontimer"), &timer, &err), err);
	CHECK_STR(timer.sensor_ref, str_of("core.timer_sensor"));
	CHECK_OK(runtime_get_ref(b.w->db, b.w->a, str_of("core.python"), &python, &err), err);
	CHECK_INT((int64_t)python.version_count, 3);
}

typedef struct Racer {
	Bench *bench;
	pthread_t thread;
	bool ok, made;
	size_t created;
	Err err;
} Racer;

static void *
race(void *arg)
{
	Racer *r = arg;
	Arena *a = arena_open();
	RegisterResult *all;
	size_t n;
	Db *db;

	if (db_open(r->bench->w->store, &db, &r->err)) {
		r->ok =
		    register_all(db, a, r->bench->dir, NOW, &all, &n, &r->err) && n == 1 && str_none(all[0].problem);
		r->made = r->ok && all[0].report.made;
		r->created = r->ok ? all[0].report.created : 0;
		db_close(db);
	}
	arena_close(a);
	return NULL;
}

TEST(roles_that_start_at_once_register_a_pack_once)
{
	CLEANUP(bench_done) Bench b = bench_open();
	Racer racers[4] = { 0 };
	size_t made = 0, created = 0;

	write_pack(&b);
	for (size_t i = 0; i < countof(racers); i++) {
		racers[i].bench = &b;
		CHECK(pthread_create(&racers[i].thread, NULL, race, &racers[i]) == 0);
	}
	for (size_t i = 0; i < countof(racers); i++)
		CHECK(pthread_join(racers[i].thread, NULL) == 0);
	for (size_t i = 0; i < countof(racers); i++) {
		CHECK_OK(racers[i].ok, racers[i].err);
		made += racers[i].made;
		created += racers[i].created;
	}
	CHECK_INT((int64_t)made, 1);
	CHECK_INT((int64_t)created, 8);
}
