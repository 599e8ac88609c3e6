#include "bus/bus_impl.h"

#include "test.h"

static Uuid
uuid_at(const char *text)
{
	Uuid u = { 0 };

	CHECK(uuid_parse(str_of(text), &u));
	return u;
}

static const char id1[] = "019aa000-0000-7000-8000-000000000001";
static const char id2[] = "019aa000-0000-7000-8000-000000000002";

static void
refused(const char *text, const char *why)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Err err = { 0 };
	Envelope e;
	MsgItem *items;
	size_t n;

	CHECK(!envelope_read(a, str_of(text), &e, &items, &n, &err));
	CHECK_INT(err.code, ERR_INVALID);
	if (strstr(err.text, why) == NULL)
		test_fail(__FILE__, __LINE__, "'%s' does not say '%s'", err.text, why);
}

TEST(an_envelope_is_written_as_others_read_it)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Envelope e = { uuid_at(id1), uuid_at(id2), MSG_EXECUTION_COMPLETED, 1763689404500000, "worker-1" };
	MsgItem item = { .id = 7,
		.action = 3,
		.attempt = 2,
		.status = str_of("Failed"),
		.ref = str_of("core.echo"),
		.at = 1763689404500000,
		.correlation = uuid_at(id2),
		.worker = 9 };

	CHECK_STR(envelope_write(a, &e, &item, 1),
	    str_of("{\"message_id\":\"019aa000-0000-7000-8000-000000000001\","
		   "\"correlation_id\":\"019aa000-0000-7000-8000-000000000002\","
		   "\"message_type\":\"ExecutionCompleted\",\"version\":\"1.0\","
		   "\"timestamp\":\"2025-11-21T01:43:24.500Z\","
		   "\"headers\":{\"retry_count\":0,\"source_service\":\"worker-1\"},"
		   "\"payload\":[{\"execution_id\":7,\"action_id\":3,\"action_ref\":\"core.echo\","
		   "\"status\":\"failed\",\"completed_at\":\"2025-11-21T01:43:24.500Z\",\"attempt\":2,"
		   "\"correlation_id\":\"019aa000-0000-7000-8000-000000000002\"}]}"));
}

/* Fills every field of the kind with something of its own. */
static void
fill(const FieldSet *set, MsgItem *item, int seed)
{
	for (size_t i = 0; i < set->n; i++) {
		const Field *f = &set->fields[i];
		void *p = (char *)item + f->at;
		int v = seed * 100 + (int)i + 1;

		if (f->type == FIELD_ID)
			*(Id *)p = v;
		else if (f->type == FIELD_INT)
			*(int *)p = v;
		else if (f->type == FIELD_TIME)
			*(TimeUs *)p = 1763689404000001 + v;
		else if (f->type == FIELD_UUID)
			*(Uuid *)p = (Uuid){ { 1, [15] = (uint8_t)v } };
		else
			*(Str *)p = str_of(i % 2 == 0 ? "a \"b\"\n" : "");
	}
}

TEST(every_field_of_every_internal_kind_comes_back)
{
	for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++) {
		CLEANUP(arena_done) Arena *a = arena_open();
		Envelope e = { uuid_at(id1), uuid_at(id2), k, 5000000, "x" };
		MsgItem in[MSG_ITEMS_MAX] = { 0 };
		Err err = { 0 };
		Envelope got;
		MsgItem *out;
		Buf b1 = buf_open(a);
		Buf b2 = buf_open(a);
		size_t n;

		if (!topics[k].internal)
			continue;
		for (int i = 0; i < MSG_ITEMS_MAX; i++)
			fill(&topic_fields[k], &in[i], i);
		CHECK_OK(envelope_read(a, envelope_write(a, &e, in, MSG_ITEMS_MAX), &got, &out, &n, &err), err);
		CHECK_INT((int64_t)n, MSG_ITEMS_MAX);
		CHECK_INT(got.kind, k);
		CHECK_INT(got.timestamp, 5000000);
		CHECK(uuid_eq(got.message_id, e.message_id) && uuid_eq(got.correlation, e.correlation));
		payload_write(&b1, k, in, n);
		payload_write(&b2, k, out, n);
		CHECK_STR(buf_str(&b2), buf_str(&b1));
		for (size_t i = 0; i < topic_fields[k].n; i++)
			if (topic_fields[k].fields[i].also != 0)
				CHECK_INT(out[5].worker, in[5].id);
	}
}

TEST(a_single_object_without_ids_and_headers_is_read)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Err err = { 0 };
	Envelope e;
	MsgItem *items;
	size_t n;

	CHECK_OK(envelope_read(a,
		     str_of("{\"message_type\":\"ExecutionCompleted\",\"payload\":{\"execution_id\":5,"
			    "\"status\":\"Abandoned\",\"result\":{\"deep\":[1]},\"action_id\":null}}"),
		     &e, &items, &n, &err),
	    err);
	CHECK_INT((int64_t)n, 1);
	CHECK_INT(items[0].id, 5);
	CHECK_INT(items[0].action, 0);
	CHECK_STR(items[0].status, str_of("abandoned"));
	CHECK(uuid_none(e.message_id));
}

TEST(a_foreign_payload_is_kept_whole)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Err err = { 0 };
	Envelope e;
	MsgItem *items;
	size_t n;

	CHECK_OK(envelope_read(a,
		     str_of("{\"message_type\":\"RuleCreated\",\"correlation_id\":"
			    "\"019aa000-0000-7000-8000-000000000002\",\"payload\":{\"rule_id\":4,"
			    "\"rule_ref\":\"a.b\",\"trigger_ref\":\"c.d\",\"trigger_params\":{\"s\":10}}}"),
		     &e, &items, &n, &err),
	    err);
	CHECK_INT(items[0].id, 4);
	CHECK_STR(items[0].ref2, str_of("c.d"));
	CHECK(uuid_eq(items[0].correlation, uuid_at(id2)));
	CHECK_INT(json_as_int(json_path(&items[0].json, str_of("trigger_params.s")), 0), 10);
}

TEST(what_cannot_be_read_says_why)
{
	refused("{", "line 1");
	refused("[]", "not an object");
	refused("{}", "'message_type' is missing");
	refused("{\"message_type\":\"Nonsense\"}", "'Nonsense' is no kind");
	refused("{\"message_type\":\"ExecutionRequested\"}", "nothing instead of an object");
	refused("{\"message_type\":\"ExecutionRequested\",\"payload\":[]}", "0 items");
	refused("{\"message_type\":\"ExecutionRequested\",\"payload\":[{\"execution_id\":1},{}]}",
	    "payload[1]: 'execution_id' is missing");
	refused("{\"message_type\":\"ExecutionRequested\",\"payload\":{\"execution_id\":\"1\"}}",
	    "'execution_id' is not a whole number");
	refused("{\"message_type\":\"ExecutionRequested\",\"payload\":{\"execution_id\":1,\"attempt\":99999999999}}",
	    "'attempt' is out of range");
	refused("{\"message_type\":\"ExecutionRequested\",\"payload\":{\"execution_id\":1,\"action_ref\":7}}",
	    "'action_ref' is not a string");
	refused("{\"message_type\":\"ExecutionRequested\",\"message_id\":\"x\",\"payload\":{\"execution_id\":1}}",
	    "'message_id' is not a UUID");
	refused("{\"message_type\":\"ExecutionRequested\",\"version\":\"2.0\",\"payload\":{\"execution_id\":1}}",
	    "version '2.0'");
	refused("{\"message_type\":\"RuleCreated\",\"payload\":[{\"rule_id\":1}]}", "array instead of an object");
}
