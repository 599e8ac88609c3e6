#include "model/extras.h"

#include "base/yaml.h"
#include "test.h"

static bool
read(Arena *a, const char *text, RuleExtras *ret, Err *err)
{
	RuleDef rule = { .trigger_ref = str_of("test.happened") };
	bool config = false;

	CHECK_OK(yaml_parse(a, "test", str_of(text), NULL, &rule.extras, err), *err);
	rule.trigger_params = json_object();
	return extras_compile(a, &rule, ret, &config, err);
}

TEST(what_a_rule_says_beyond_its_conditions_is_read)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	RuleExtras x;
	Err err = { 0 };

	CHECK_OK(read(a, "{}", &x, &err), err);
	CHECK(!x.any && x.parts_n == 0);
	CHECK_OK(read(a, "{throttle: {limit: 3, per: 60s, key: '{{ event.payload.host }}'}}", &x, &err), err);
	CHECK(x.any && x.throttle.on && x.throttle.key != NULL && x.limit == 3 && x.per == 60 * US_PER_S);
	CHECK_OK(read(a, "{debounce: {quiet: 5s, max_wait: 1m}}", &x, &err), err);
	CHECK(x.debounce.on && x.debounce.key == NULL && x.quiet == 5 * US_PER_S && x.max_wait == 60 * US_PER_S);
	CHECK_OK(read(a, "{once_within: {within: 10m}}", &x, &err), err);
	CHECK(x.once.on && x.once_within == 600 * US_PER_S);
	CHECK_OK(read(a,
		     "{triggers: [{trigger_ref: a.disk.full}, {trigger_ref: b.login, as: who}], correlate: {mode: any, "
		     "within: 5m}}",
		     &x, &err),
	    err);
	CHECK(x.parts_n == 2 && !x.all && x.within == 300 * US_PER_S);
	CHECK_STR(x.parts[0].as, str_of("full"));
	CHECK_STR(x.parts[1].as, str_of("who"));
}

TEST(a_key_that_can_tell_no_events_apart_is_found)
{
	static const struct {
		const char *key, *at; /* NULL: it is good */
	} table[] = {
		{ "{{ event.payload.host }}", NULL },
		{ "{{ event.payload.user-agent }}", NULL },
		{ "{{ events.left.payload.id }}", NULL },
		{ "{{ lower(event.payload.host) }}/{{ event.trigger }}", NULL },
		{ "{{ pack.config.site }}", NULL },
		{ "one for all", NULL },
		{ "{{ event.payload.", "throttle.key: '{{' is never closed" },
		{ "{{ event.payload.a + }}", "throttle.key: " },
		{ "{{ payload.host }}", "throttle.key looks at nothing" },
		{ "{{ 'host' }}", "throttle.key looks at nothing" },
	};
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(table); i++) {
		Json throttle = json_object();
		RuleDef r = { .extras = json_object() };
		Err err = { 0 };

		json_add(a, &throttle, "key", json_cstr(table[i].key));
		json_add(a, &r.extras, "throttle", throttle);
		if (extras_keys_check(a, &r, &err) != (table[i].at == NULL))
			test_fail(__FILE__, __LINE__, "%s: %s", table[i].key, err.text);
		if (table[i].at != NULL && !str_starts(str_of(err.text), str_of(table[i].at)))
			test_fail(__FILE__, __LINE__, "%s: %s", table[i].key, err.text);
	}
}

TEST(what_a_rule_cannot_say_is_refused_by_its_field)
{
	static const struct {
		const char *text, *at;
	} table[] = {
		{ "{throttle: 5}", "throttle: " },
		{ "{throttle: {limit: 0, per: 5s}}", "throttle.limit: " },
		{ "{throttle: {limit: 1}}", "throttle.per " },
		{ "{throttle: {limit: 1, per: 5s, most: 1}}", "throttle: 'most'" },
		{ "{throttle: {limit: 1, per: 5s, key: 7}}", "throttle.key " },
		{ "{throttle: {limit: 1, per: 5s, key: '{{ keystore.token }}'}}", "throttle.key " },
		{ "{debounce: {quiet: never}}", "debounce.quiet " },
		{ "{debounce: {quiet: 400d}}", "debounce.quiet " },
		{ "{debounce: {quiet: 10s, max_wait: 5s}}", "debounce.max_wait: " },
		{ "{once_within: {}}", "once_within.within " },
		{ "{triggers: [], correlate: {within: 5m}}", "triggers: " },
		{ "{triggers: [{as: x}], correlate: {within: 5m}}", "triggers: " },
		{ "{triggers: [{trigger_ref: a.x}, {trigger_ref: b.x}], correlate: {within: 5m}}",
		    "triggers: two are called 'x'" },
		{ "{triggers: [{trigger_ref: a.x}]}", "triggers: needs `correlate`" },
		{ "{correlate: {within: 5m}}", "correlate: needs `triggers`" },
		{ "{triggers: [{trigger_ref: a.x}], correlate: {within: 5m, mode: some}}", "correlate.mode: " },
		{ "{triggers: [{trigger_ref: a.x}], correlate: {within: 5m}, debounce: {quiet: 5s}}",
		    "debounce: cannot go" },
	};
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(table); i++) {
		RuleExtras x;
		Err err = { 0 };

		if (read(a, table[i].text, &x, &err))
			test_fail(__FILE__, __LINE__, "accepted: %s", table[i].text);
		CHECK_INT(err.code, ERR_VALIDATION);
		if (!str_starts(str_of(err.text), str_of(table[i].at)))
			test_fail(__FILE__, __LINE__, "%s: '%s' is not at '%s'", table[i].text, err.text, table[i].at);
	}
}
