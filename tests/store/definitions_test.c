#include "store/action.h"
#include "store/migrate.h"
#include "store/pack.h"
#include "store/permission_set.h"
#include "store/rule.h"
#include "store/runtime.h"
#include "store/sensor.h"
#include "store/trigger.h"
#include "test.h"
#include "world.h"

enum { NOW = 1795200000000000, LATER = NOW + 60 * US_PER_S };

static World *
world_tables(void)
{
	World *w = world_bare();
	Err err = { 0 };
	int n;

	CHECK_OK(migrate(w->store, NOW, &n, &err), err);
	return w;
}

static void
begin(World *w)
{
	Err err = { 0 };

	CHECK_OK(db_begin(w->db, &err), err);
}

static void
commit(World *w)
{
	Err err = { 0 };

	CHECK_OK(db_commit(w->db, &err), err);
}

static Id
last_change(World *w)
{
	Err err = { 0 };
	Id last = 0;

	CHECK_OK(change_last(w->db, w->a, &last, &err), err);
	return last;
}

static Json
json(World *w, const char *text)
{
	Json v;
	Err err = { 0 };

	CHECK_OK(json_parse(w->a, str_of(text), NULL, &v, &err), err);
	return v;
}

static PackDef
pack_made(World *w, const char *ref)
{
	PackDef d = {
		.ref = str_of(ref), .label = str_of("Pack"), .version = str_of("1.0.0"), .config = json(w, "{\"a\":1}")
	};
	DefPut put;
	Err err = { 0 };

	begin(w);
	CHECK_OK(pack_put(w->db, w->a, &d, NOW, &put, &err), err);
	commit(w);
	return d;
}

static ActionDef
action_of(const PackDef *p, const char *ref)
{
	return (ActionDef){ .ref = str_of(ref),
		.pack = p->id,
		.pack_ref = p->ref,
		.label = str_of("Do it"),
		.entrypoint = str_of("x.sh"),
		.parameter_delivery = str_of("stdin"),
		.parameter_format = str_of("json"),
		.output_format = str_of("text"),
		.enabled = true };
}

static RuleDef
rule_of(const PackDef *p, const char *ref)
{
	return (RuleDef){ .ref = str_of(ref),
		.pack = p->id,
		.pack_ref = p->ref,
		.label = str_of("When"),
		.action_ref = str_of("p1.act"),
		.trigger_ref = str_of("p1.tick"),
		.enabled = true };
}

#define PUT(kind, w, def, now, put) \
	do { \
		Err put_err = { 0 }; \
		begin(w); \
		CHECK_OK(kind##_put((w)->db, (w)->a, def, now, put, &put_err), put_err); \
		commit(w); \
	} while (0)

TEST(an_action_comes_back_as_it_was_stored)
{
	CLEANUP(world_done) World *w = world_tables();
	PackDef p = pack_made(w, "p1");
	ActionDef d = action_of(&p, "p1.act"), got;
	DefPut put;
	Err err = { 0 };

	d.description = str_of("says hello");
	d.param_schema = json(w, "{\"message\":{\"type\":\"string\",\"default\":\"x\"}}");
	d.retry = json(w, "{\"count\":3}");
	d.timeout_seconds = 17;
	d.placement.selector = json(w, "{\"zone\":\"a\"}");
	d.placement.tolerations = json(w, "[{\"key\":\"gpu\"}]");
	d.runtime_version_constraint = str_of(">=3.11");
	d.default_permission_set_refs = json(w, "[\"standard\"]");
	PUT(action, w, &d, NOW, &put);
	CHECK(put.made && put.changed && put.id > 0);
	CHECK_OK(action_get(w->db, w->a, put.id, &got, &err), err);
	CHECK_STR(got.ref, d.ref);
	CHECK_STR(got.description, d.description);
	CHECK(json_eq(&got.param_schema, &d.param_schema));
	CHECK(json_eq(&got.retry, &d.retry));
	CHECK(json_eq(&got.placement.selector, &d.placement.selector));
	CHECK(json_eq(&got.placement.tolerations, &d.placement.tolerations));
	CHECK(json_eq(&got.default_permission_set_refs, &d.default_permission_set_refs));
	CHECK_INT(got.timeout_seconds, 17);
	CHECK_INT(got.created, NOW);
	CHECK(got.out_schema.kind == JSON_NULL);
	CHECK(got.enabled && !got.is_adhoc);
	CHECK_STR(got.runtime_version_constraint, str_of(">=3.11"));
	CHECK(!action_get_ref(w->db, w->a, str_of("p1.none"), &got, &err));
	CHECK(err.code == ERR_NOT_FOUND);
	CHECK_STR(str_of(err.text), str_of("Action 'p1.none' not found"));
}

TEST(storing_the_same_again_writes_nothing_and_notes_nothing)
{
	CLEANUP(world_done) World *w = world_tables();
	PackDef p = pack_made(w, "p1");
	ActionDef d = action_of(&p, "p1.act"), got;
	DefPut put, again;
	Err err = { 0 };
	Id before;

	d.param_schema = json(w, "{\"b\":{\"type\":\"string\"},\"a\":{\"default\":1.5}}");
	PUT(action, w, &d, NOW, &put);
	before = last_change(w);
	PUT(action, w, &d, LATER, &again);
	CHECK(!again.made && !again.changed);
	CHECK_INT(again.id, put.id);
	CHECK_INT(last_change(w), before);
	CHECK_OK(action_get(w->db, w->a, put.id, &got, &err), err);
	CHECK_INT(got.updated, NOW);
	d.label = str_of("Other");
	PUT(action, w, &d, LATER, &again);
	CHECK(!again.made && again.changed);
	CHECK_INT(again.id, put.id);
	CHECK(last_change(w) > before);
	CHECK_OK(action_get(w->db, w->a, put.id, &got, &err), err);
	CHECK_INT(got.updated, LATER);
	CHECK_INT(got.created, NOW);
}

TEST(changes_are_read_in_order_behind_the_last_seen)
{
	CLEANUP(world_done) World *w = world_tables();
	Id before = last_change(w), first;
	PackDef p = pack_made(w, "p1");
	ActionDef d = action_of(&p, "p1.act");
	DefPut put;
	Change *changes;
	size_t n;
	Err err = { 0 };

	PUT(action, w, &d, NOW, &put);
	CHECK_OK(change_since(w->db, w->a, before, &changes, &n, &err), err);
	CHECK_INT((int64_t)n, 2);
	CHECK_STR(changes[0].kind, str_of("pack"));
	CHECK_INT(changes[0].entity, p.id);
	CHECK_STR(changes[1].kind, str_of("action"));
	CHECK_INT(changes[1].entity, put.id);
	CHECK(changes[0].id < changes[1].id);
	CHECK_OK(change_since(w->db, w->a, changes[1].id, &changes, &n, &err), err);
	CHECK_INT((int64_t)n, 0);
	begin(w);
	CHECK_OK(change_trim(w->db, w->a, LATER, &err), err);
	commit(w);
	CHECK_OK(change_first(w->db, w->a, &first, &err), err);
	CHECK_INT(first, last_change(w)); /* the last one stays */
}

TEST(a_change_that_is_rolled_back_was_never_there)
{
	CLEANUP(world_done) World *w = world_tables();
	PackDef p = pack_made(w, "p1");
	ActionDef d = action_of(&p, "p1.act"), got;
	Id before = last_change(w);
	DefPut put;
	Err err = { 0 };

	begin(w);
	CHECK_OK(action_put(w->db, w->a, &d, NOW, &put, &err), err);
	db_rollback(w->db);
	CHECK_INT(last_change(w), before);
	CHECK(!action_get_ref(w->db, w->a, d.ref, &got, &err));
}

static TimeUs
anchor_of(World *w, const char *ref)
{
	RuleDef d;
	Err err = { 0 };

	CHECK_OK(rule_get_ref(w->db, w->a, str_of(ref), &d, &err), err);
	return d.anchor;
}

static void
set_enabled(World *w, const char *ref, bool enabled, TimeUs now)
{
	Err err = { 0 };

	begin(w);
	CHECK_OK(rule_set_enabled(w->db, w->a, str_of(ref), enabled, now, &err), err);
	commit(w);
}

TEST(a_rules_anchor_moves_when_it_is_enabled_or_its_timer_changes)
{
	CLEANUP(world_done) World *w = world_tables();
	PackDef p = pack_made(w, "p1");
	RuleDef d = rule_of(&p, "p1.rule");
	DefPut put;
	TimeUs at = NOW;

	PUT(rule, w, &d, at, &put);
	CHECK_INT(anchor_of(w, "p1.rule"), at);
	d.label = str_of("another name");
	PUT(rule, w, &d, at + 1, &put);
	CHECK_INT(anchor_of(w, "p1.rule"), at);
	d.trigger_params = json(w, "{\"interval\":5}");
	PUT(rule, w, &d, at + 2, &put);
	CHECK_INT(anchor_of(w, "p1.rule"), at + 2);
	set_enabled(w, "p1.rule", false, at + 3);
	CHECK_INT(anchor_of(w, "p1.rule"), at + 2);
	set_enabled(w, "p1.rule", true, at + 4);
	CHECK_INT(anchor_of(w, "p1.rule"), at + 4);
	set_enabled(w, "p1.rule", true, at + 5); /* it was already */
	CHECK_INT(anchor_of(w, "p1.rule"), at + 4);
	d.trigger_ref = str_of("p1.other");
	PUT(rule, w, &d, at + 6, &put);
	CHECK_INT(anchor_of(w, "p1.rule"), at + 6);
}

TEST(lists_filter_search_page_and_count)
{
	CLEANUP(world_done) World *w = world_tables();
	PackDef p1 = pack_made(w, "p1"), p2 = pack_made(w, "p2");
	static const char *const refs[] = { "p1.alpha", "p1.beta", "p1.gamma", "p2.alpha", "p2.100_percent" };
	DefFilter f = { 0 };
	RuleDef *rules;
	DefPut put;
	int64_t total;
	size_t n;
	Err err = { 0 };

	for (size_t i = 0; i < countof(refs); i++) {
		RuleDef d = rule_of(i < 3 ? &p1 : &p2, refs[i]);

		d.enabled = i % 2 == 0;
		d.trigger_ref = str_of(i == 1 ? "p1.other" : "p1.tick");
		PUT(rule, w, &d, NOW, &put);
	}
	CHECK_OK(rule_list(w->db, w->a, NULL, &rules, &n, &total, &err), err);
	CHECK_INT((int64_t)n, 5);
	CHECK_INT(total, 5);
	CHECK_STR(rules[0].ref, str_of("p1.alpha"));
	f = (DefFilter){ .pack_ref = str_of("p1"), .limit = 2, .offset = 1 };
	CHECK_OK(rule_list(w->db, w->a, &f, &rules, &n, &total, &err), err);
	CHECK_INT((int64_t)n, 2);
	CHECK_INT(total, 3);
	CHECK_STR(rules[0].ref, str_of("p1.beta"));
	f = (DefFilter){ .only_enabled = true };
	CHECK_OK(rule_list(w->db, w->a, &f, &rules, &n, &total, &err), err);
	CHECK_INT(total, 3);
	f = (DefFilter){ .trigger_ref = str_of("p1.other") };
	CHECK_OK(rule_list(w->db, w->a, &f, &rules, &n, NULL, &err), err);
	CHECK_INT((int64_t)n, 1);
	f = (DefFilter){ .action_ref = str_of("p1.none") };
	CHECK_OK(rule_list(w->db, w->a, &f, &rules, &n, NULL, &err), err);
	CHECK_INT((int64_t)n, 0);
	f = (DefFilter){ .search = str_of("ALPHA") };
	CHECK_OK(rule_list(w->db, w->a, &f, &rules, &n, NULL, &err), err);
	CHECK_INT((int64_t)n, 2);
	f = (DefFilter){ .search = str_of("0_p") };
	CHECK_OK(rule_list(w->db, w->a, &f, &rules, &n, NULL, &err), err);
	CHECK_INT((int64_t)n, 1);
	f = (DefFilter){ .search = str_of("1%") };
	CHECK_OK(rule_list(w->db, w->a, &f, &rules, &n, NULL, &err), err);
	CHECK_INT((int64_t)n, 0);
}

TEST(a_runtimes_versions_are_stored_changed_and_dropped_with_it)
{
	CLEANUP(world_done) World *w = world_tables();
	PackDef p = pack_made(w, "p1");
	RuntimeVersionDef versions[] = { { .version = str_of("3.9") },
		{ .version = str_of("3.12"), .is_default = true } };
	RuntimeDef d = { .ref = str_of("p1.python"),
		.pack = p.id,
		.pack_ref = p.ref,
		.name = str_of("python"),
		.aliases = json(w, "[\"py\"]"),
		.versions = versions,
		.version_count = 2 };
	RuntimeDef got, *all;
	DefPut put;
	Id before;
	size_t n;
	Err err = { 0 };

	PUT(runtime, w, &d, NOW, &put);
	CHECK_OK(runtime_get_ref(w->db, w->a, d.ref, &got, &err), err);
	CHECK_INT((int64_t)got.version_count, 2);
	CHECK_STR(got.versions[0].version, str_of("3.9"));
	CHECK(got.versions[1].is_default);
	before = last_change(w);
	PUT(runtime, w, &d, NOW, &put);
	CHECK(!put.changed);
	CHECK_INT(last_change(w), before);
	d.version_count = 1;
	PUT(runtime, w, &d, NOW, &put);
	CHECK(put.changed && last_change(w) > before);
	CHECK_OK(runtime_list(w->db, w->a, NULL, &all, &n, NULL, &err), err);
	CHECK_INT((int64_t)n, 1);
	CHECK_INT((int64_t)all[0].version_count, 1);
	CHECK(json_eq(&all[0].aliases, &d.aliases));
}

TEST(a_runtime_in_use_is_not_deleted)
{
	CLEANUP(world_done) World *w = world_tables();
	PackDef p = pack_made(w, "p1");
	RuntimeDef r = { .ref = str_of("p1.shell"), .pack = p.id, .pack_ref = p.ref, .name = str_of("shell") };
	ActionDef d = action_of(&p, "p1.act"), got;
	DefPut put;
	Err err = { 0 };

	PUT(runtime, w, &r, NOW, &put);
	d.runtime = put.id;
	PUT(action, w, &d, NOW, &put);
	CHECK_OK(action_get(w->db, w->a, put.id, &got, &err), err);
	CHECK_STR(got.runtime_ref, str_of("p1.shell"));
	begin(w);
	CHECK(!runtime_delete(w->db, w->a, r.id, NOW, &err));
	CHECK(err.code == ERR_CONFLICT);
	CHECK(strstr(err.text, "p1.act") != NULL);
	db_rollback(w->db);
}

static bool
noted(World *w, Id since, const char *kind, Id entity)
{
	Change *changes;
	size_t n;
	Err err = { 0 };

	CHECK_OK(change_since(w->db, w->a, since, &changes, &n, &err), err);
	for (size_t i = 0; i < n; i++)
		if (str_is(changes[i].kind, kind) && changes[i].entity == entity)
			return true;
	return false;
}

TEST(deleting_an_action_tells_the_rules_that_point_to_it)
{
	CLEANUP(world_done) World *w = world_tables();
	PackDef p = pack_made(w, "p1");
	ActionDef action = action_of(&p, "p1.act");
	RuleDef rule = rule_of(&p, "p1.rule"), got;
	DefPut put;
	Id before;
	Err err = { 0 };

	PUT(action, w, &action, NOW, &put);
	rule.action = put.id;
	PUT(rule, w, &rule, NOW, &put);
	before = last_change(w);
	begin(w);
	CHECK_OK(action_delete(w->db, w->a, action.id, NOW, &err), err);
	commit(w);
	CHECK(noted(w, before, "action", action.id));
	CHECK(noted(w, before, "rule", rule.id));
	CHECK_OK(rule_get(w->db, w->a, rule.id, &got, &err), err);
	CHECK_INT(got.action, 0);
	CHECK_STR(got.action_ref, str_of("p1.act"));
	begin(w);
	CHECK(!action_delete(w->db, w->a, action.id, NOW, &err));
	CHECK(err.code == ERR_NOT_FOUND);
	db_rollback(w->db);
}

TEST(a_rule_finds_its_action_and_trigger_when_they_come_later)
{
	CLEANUP(world_done) World *w = world_tables();
	PackDef p = pack_made(w, "p1");
	RuleDef rule = rule_of(&p, "p1.rule"), got;
	ActionDef action = action_of(&p, "p1.act");
	TriggerDef trigger = {
		.ref = str_of("p1.tick"), .pack = p.id, .pack_ref = p.ref, .label = str_of("T"), .enabled = true
	};
	DefPut put;
	Id before;
	Err err = { 0 };

	PUT(rule, w, &rule, NOW, &put);
	PUT(action, w, &action, NOW, &put);
	PUT(trigger, w, &trigger, NOW, &put);
	before = last_change(w);
	begin(w);
	CHECK_OK(rule_resolve(w->db, w->a, LATER, &err), err);
	CHECK_OK(rule_resolve(w->db, w->a, LATER, &err), err);
	commit(w);
	CHECK(noted(w, before, "rule", rule.id));
	CHECK_INT(last_change(w), before + 1);
	CHECK_OK(rule_get(w->db, w->a, rule.id, &got, &err), err);
	CHECK_INT(got.action, action.id);
	CHECK_INT(got.trigger, trigger.id);
}

TEST(deleting_a_pack_takes_its_parts_and_tells_of_each)
{
	CLEANUP(world_done) World *w = world_tables();
	PackDef p1 = pack_made(w, "p1"), p2 = pack_made(w, "p2");
	ActionDef action = action_of(&p1, "p1.act");
	RuleDef own = rule_of(&p1, "p1.rule"), other = rule_of(&p2, "p2.rule"), got;
	PermissionSetDef set = { .ref = str_of("p1.all"), .pack = p1.id, .pack_ref = p1.ref };
	PermissionSetDef gone;
	DefPut put;
	Id before;
	Err err = { 0 };

	PUT(action, w, &action, NOW, &put);
	own.action = other.action = action.id;
	PUT(rule, w, &own, NOW, &put);
	PUT(rule, w, &other, NOW, &put);
	PUT(permission_set, w, &set, NOW, &put);
	before = last_change(w);
	begin(w);
	CHECK_OK(pack_delete(w->db, w->a, p1.id, NOW, &err), err);
	commit(w);
	CHECK(noted(w, before, "pack", p1.id));
	CHECK(noted(w, before, "action", action.id));
	CHECK(noted(w, before, "rule", own.id));
	CHECK(noted(w, before, "rule", other.id));
	CHECK(noted(w, before, "permission_set", set.id));
	CHECK(!rule_get(w->db, w->a, own.id, &got, &err));
	CHECK(!permission_set_get(w->db, w->a, set.id, &gone, &err));
	CHECK_OK(rule_get(w->db, w->a, other.id, &got, &err), err);
	CHECK_INT(got.action, 0);
}

TEST(a_packs_configuration_belongs_to_its_operator)
{
	CLEANUP(world_done) World *w = world_tables();
	PackDef p = pack_made(w, "p1"), got;
	Json config = json(w, "{\"a\":2,\"b\":[1]}");
	DefPut put;
	Err err = { 0 };

	begin(w);
	CHECK_OK(pack_set_config(w->db, w->a, p.id, &config, NOW, &err), err);
	commit(w);
	p.config = json(w, "{\"a\":9}");
	p.version = str_of("1.1.0");
	PUT(pack, w, &p, LATER, &put);
	CHECK(put.changed);
	CHECK_OK(pack_get(w->db, w->a, p.id, &got, &err), err);
	CHECK_STR(got.version, str_of("1.1.0"));
	CHECK(json_eq(&got.config, &config));
}

TEST(a_sensor_comes_back_as_it_was_stored)
{
	CLEANUP(world_done) World *w = world_tables();
	PackDef p = pack_made(w, "p1");
	RuntimeDef r = { .ref = str_of("p1.native"), .pack = p.id, .pack_ref = p.ref, .name = str_of("native") };
	SensorDef d = { .ref = str_of("p1.sensor"),
		.pack = p.id,
		.pack_ref = p.ref,
		.label = str_of("S"),
		.entrypoint = str_of("run"),
		.enabled = true,
		.config = json(w, "{\"x\":1}") };
	SensorDef got;
	DefPut put;
	Err err = { 0 };

	PUT(runtime, w, &r, NOW, &put);
	d.runtime = put.id;
	d.runtime_ref = r.ref;
	PUT(sensor, w, &d, NOW, &put);
	CHECK_OK(sensor_get_ref(w->db, w->a, d.ref, &got, &err), err);
	CHECK_STR(got.entrypoint, d.entrypoint);
	CHECK_INT(got.runtime, r.id);
	CHECK(json_eq(&got.config, &d.config));
	PUT(sensor, w, &d, LATER, &put);
	CHECK(!put.changed);
}
