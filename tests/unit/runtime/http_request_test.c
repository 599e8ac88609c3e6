#include "origin.h"
#include "rig.h"

#define ANSWER(status, headers, body) "HTTP/1.1 " status "\r\n" headers "\r\n" body

static void
allow_loopback(ProcessesConfig *config)
{
	static Network loopback;

	CHECK(network_parse(str_of("127.0.0.1"), &loopback));
	config->reach = (Reach){ &loopback, 1 };
}

static RunSpec
asking(Rig *r, const char *params)
{
	RunSpec spec = rig_spec(r, "internal", "core.http_request");
	Json given = rig_json(r, params);

	spec.output_format = str_of("json");
	spec.params = arena_copy(r->a, &given, sizeof(given));
	return spec;
}

/* %d in params is the port. */
static RunEnd
ask(Rig *r, const Origin *o, const char *params)
{
	RunSpec spec = asking(r, str_fmt(r->a, "{\"url\":\"http://127.0.0.1:%d%s}", o->port, params).p);

	return rig_run(r, &spec);
}

static const Json *
data(const RunEnd *end, const char *key)
{
	return json_get(json_get(&end->result, "data"), key);
}

static bool
holds(Str text, const char *part)
{
	return str_find(text, str_of(part), NULL);
}

TEST(an_answer_is_status_headers_body_and_value)
{
	CLEANUP(origin_done) Origin *o = origin_open();
	CLEANUP(rig_done) Rig *r = rig_open_with(allow_loopback);
	RunEnd end;

	origin_answer(
	    o, "/ok", str_of(ANSWER("200 OK", "Content-Length: 9\r\nX-Two: a\r\nX-TWO: b\r\n", "{\"a\":[1]}")));
	origin_answer(o, "/bytes", (Str){ ANSWER("500 Oh", "Content-Length: 3\r\n", "\xff\x00z"), 41 });
	end = ask(r, o, "/ok?x=1#f\",\"query_params\":{\"q\":\"a b&c\",\"l\":[1,\"é\"]}");
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK_INT(json_as_int(data(&end, "status_code"), -1), 200);
	CHECK_STR(json_as_str(data(&end, "body")), str_of("{\"a\":[1]}"));
	CHECK_INT(json_as_int(json_path(data(&end, "json"), str_of("a.0")), -1), 1);
	CHECK_STR(json_get_text(data(&end, "headers"), "x-two"), str_of("a, b"));
	CHECK(json_as_bool(data(&end, "success"), false));
	CHECK(data(&end, "error") == NULL && json_is(data(&end, "elapsed_ms"), JSON_INT));
	CHECK(holds(json_as_str(data(&end, "url")), "/ok?x=1&q=a%20b%26c&l=1&l=%C3%A9"));
	CHECK(str_starts(origin_asked(o, r->a), str_of("GET /ok?x=1&q=a%20b%26c&l=1&l=%C3%A9 HTTP/1.1\r\n")));
	/* another status is an answer too, and one that is no text is whole beside it */
	end = ask(r, o, "/bytes\"");
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK(!json_as_bool(data(&end, "success"), true));
	CHECK_INT(json_as_int(data(&end, "status_code"), -1), 500);
	CHECK_STR(json_as_str(data(&end, "body_base64")), str_of("/wB6"));
	CHECK(json_is_null(data(&end, "json")));
}

TEST(what_is_sent_is_what_was_said)
{
	CLEANUP(origin_done) Origin *o = origin_open();
	CLEANUP(rig_done) Rig *r = rig_open_with(allow_loopback);
	Str asked;
	RunEnd end;

	origin_answer(o, "/", str_of(ANSWER("204 None", "", "")));
	end = ask(r, o,
	    "/\",\"method\":\"PUT\",\"headers\":{\"X-A\":\"1\",\"X-Empty\":\"\"},\"json_body\":{\"k\":\"v\"},"
	    "\"auth_type\":\"basic\",\"auth_username\":\"u\",\"auth_password\":\"p\"");
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	asked = origin_asked(o, r->a);
	CHECK(str_starts(asked, str_of("PUT / HTTP/1.1\r\n")) && holds(asked, "\r\nX-A: 1\r\n"));
	CHECK(holds(asked, "\r\nX-Empty:\r\n") && holds(asked, "\r\nAuthorization: Basic dTpw\r\n"));
	CHECK(
	    holds(asked, "\r\nContent-Type: application/json\r\n") && str_ends(asked, str_of("\r\n\r\n{\"k\":\"v\"}")));
	end = ask(r, o,
	    "/\",\"method\":\"post\",\"headers\":{\"content-type\":\"text/x\"},\"body\":\"a\\u0000b\","
	    "\"auth_type\":\"bearer\",\"auth_token\":\"tok\"");
	asked = origin_asked(o, r->a);
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK(holds(asked, "\r\nAuthorization: Bearer tok\r\n") && holds(asked, "\r\ncontent-type: text/x\r\n"));
	CHECK(str_ends(asked, (Str){ "\r\n\r\na\0b", 7 }));
	end = ask(r, o, "/\",\"method\":\"HEAD\"");
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK(str_starts(origin_asked(o, r->a), str_of("HEAD / HTTP/1.1\r\n")));
}

TEST(parameters_that_would_smuggle_or_mean_nothing_are_refused_by_name)
{
	static const struct {
		const char *params, *says;
	} bad[] = {
		{ "{}", "url is required" },
		{ "{\"url\":\"file:///etc/passwd\"}", "url must begin with http" },
		{ "{\"url\":\"gopher://127.0.0.1\"}", "url must begin with http" },
		{ "{\"url\":\"http://a/\\r\\nX: y\"}", "control characters" },
		{ "{\"url\":\"http://a\",\"method\":\"GET / HTTP/1.1\"}", "method must be one of" },
		{ "{\"url\":\"http://a\",\"headers\":{\"A\\r\\nB\":\"1\"}}", "name of a header" },
		{ "{\"url\":\"http://a\",\"headers\":{\"A\":\"1\\r\\nB: 2\"}}", "control character" },
		{ "{\"url\":\"http://a\",\"headers\":{\"Transfer-Encoding\":\"chunked\"}}",
		    "transfer-encoding cannot be given" },
		{ "{\"url\":\"http://a\",\"timeout\":0}", "timeout must be a whole number from 1 to 300" },
		{ "{\"url\":\"http://a\",\"timeout\":\"soon\"}", "timeout must be a whole number" },
		{ "{\"url\":\"http://a\",\"max_redirects\":-1}", "max_redirects must be" },
		{ "{\"url\":\"http://a\",\"auth_type\":\"digest\"}", "auth_type must be one of" },
		{ "{\"url\":\"http://a\",\"auth_type\":\"basic\"}", "needs auth_username" },
		{ "{\"url\":\"http://a\",\"auth_type\":\"bearer\"}", "needs auth_token" },
	};
	CLEANUP(rig_done) Rig *r = rig_open();

	for (size_t i = 0; i < countof(bad); i++) {
		RunSpec spec = asking(r, bad[i].params);
		RunEnd end = rig_run(r, &spec);

		CHECK_INT(end.outcome, RUN_FAILED);
		if (!holds(rig_text(&end, "error"), bad[i].says))
			CHECK_STR(rig_text(&end, "error"), str_of(bad[i].says));
	}
}

/* However it is written, whatever it resolves to, whoever redirects there. */
TEST(nothing_private_is_reached_by_any_spelling)
{
	static const char *const urls[] = { "http://127.0.0.1:%d/", "http://localhost:%d/", "http://2130706433:%d/",
		"http://0x7f000001:%d/", "http://0177.0.0.1:%d/", "http://127.1:%d/", "http://0:%d/",
		"http://[::1]:%d/", "http://[::ffff:127.0.0.1]:%d/", "http://[::ffff:7f00:1]:%d/",
		"http://[::127.0.0.1]:%d/", "http://[64:ff9b::7f00:1]:%d/", "http://[2002:7f00:1::]:%d/",
		"http://user@127.0.0.1:%d/", "http://127.0.0.1.:%d/",
		"http://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1:%d/", "http://a@b@127.0.0.1:%d/",
		"http://169.254.169.254:%d/latest/meta-data/", "http://[fd00:ec2::254]:%d/", "http://10.0.0.1:%d/",
		"http://[fe80::1]:%d/", "http://0.0.0.0:%d/", "http://224.0.0.1:%d/" };
	CLEANUP(origin_done) Origin *o = origin_open();
	CLEANUP(rig_done) Rig *r = rig_open();

	for (size_t i = 0; i < countof(urls); i++) {
		Json params = json_object();
		RunSpec spec = rig_spec(r, "internal", "core.http_request");
		const char *colon = strstr(urls[i], ":%d");
		RunEnd end;

		json_add(r->a, &params, "url",
		    json_str(str_fmt(r->a, "%.*s:%d%s", (int)(colon - urls[i]), urls[i], o->port, colon + 3)));
		json_add(r->a, &params, "timeout", json_int(20));
		spec.params = &params;
		end = rig_run(r, &spec);
		CHECK_INT(end.outcome, RUN_FAILED);
		CHECK(rig_text(&end, "error").n > 0);
	}
	CHECK_INT(origin_requests(o), 0);
}

TEST(each_redirect_is_judged_anew_and_counted)
{
	CLEANUP(origin_done) Origin *o = origin_open();
	CLEANUP(rig_done) Rig *r = rig_open_with(allow_loopback);
	RunEnd end;

	origin_answer(
	    o, "/out", str_of(ANSWER("302 Go", "Location: http://127.0.0.2:1/\r\nContent-Length: 0\r\n", "")));
	origin_answer(
	    o, "/file", str_of(ANSWER("302 Go", "Location: file:///etc/passwd\r\nContent-Length: 0\r\n", "")));
	origin_answer(o, "/again", str_of(ANSWER("302 Go", "Location: /again\r\nContent-Length: 0\r\n", "")));
	origin_answer(
	    o, "/on", str_of(ANSWER("302 Go", "Location: /there\r\nX-Old: 1\r\nContent-Length: 3\r\n", "old")));
	origin_answer(o, "/there", str_of(ANSWER("200 OK", "Content-Length: 3\r\n", "new")));
	end = ask(r, o, "/out\"");
	CHECK_INT(end.outcome, RUN_FAILED);
	CHECK(holds(rig_text(&end, "error"), "worker.http_request_allow"));
	end = ask(r, o, "/file\"");
	CHECK_INT(end.outcome, RUN_FAILED);
	CHECK(!holds(rig_text(&end, "stdout"), "root:"));
	end = ask(r, o, "/again\",\"max_redirects\":3");
	CHECK(holds(rig_text(&end, "error"), "more than 3 redirects"));
	end = ask(r, o, "/on\"");
	CHECK_STR(json_as_str(data(&end, "body")), str_of("new"));
	CHECK(json_get(data(&end, "headers"), "x-old") == NULL);
	CHECK(str_ends(json_as_str(data(&end, "url")), str_of("/there")));
	end = ask(r, o, "/on\",\"follow_redirects\":false");
	CHECK_INT(json_as_int(data(&end, "status_code"), -1), 302);
	CHECK_STR(json_as_str(data(&end, "body")), str_of("old"));
}

static void
small_output(ProcessesConfig *config)
{
	allow_loopback(config);
	config->stdout_max = 4096;
}

TEST(an_answer_without_end_or_a_silent_server_is_bounded)
{
	CLEANUP(origin_done) Origin *o = origin_open();
	CLEANUP(rig_done) Rig *r = rig_open_with(small_output);
	RunSpec spec;
	RunEnd end;

	origin_answer(o, "/big", str_fmt(r->a, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n%05000d", 0));
	origin_answer(o, "/fits", str_fmt(r->a, "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n%04000d", 0));
	origin_answer(o, "/silent", (Str){ 0 });
	end = ask(r, o, "/big\"");
	CHECK_INT(end.outcome, RUN_FAILED);
	CHECK(holds(rig_text(&end, "error"), "larger than 4096 bytes"));
	end = ask(r, o, "/fits\"");
	CHECK(holds(rig_text(&end, "error"), "too large for a result"));
	end = ask(r, o, "/silent\",\"timeout\":1");
	CHECK_INT(end.outcome, RUN_FAILED);
	CHECK(holds(rig_text(&end, "error"), "no answer within 1 s"));
	/* the run's own limit, and cancel */
	spec = asking(r, str_fmt(r->a, "{\"url\":\"http://127.0.0.1:%d/silent\"}", o->port).p);
	spec.timeout = 50 * US_PER_MS;
	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_TIMED_OUT);
	spec.execution++;
	spec.timeout = 0;
	rig_start(r, &spec);
	while (origin_requests(o) < 5)
		rig_pause(r, clock_mono(clock_real()) + US_PER_MS);
	r->starter->cancel(r->starter, spec.execution, 1);
	end = rig_wait(r);
	CHECK_INT(end.outcome, RUN_CANCELLED);
	/* one under way when everything closes */
	spec.execution++;
	rig_start(r, &spec);
}

TEST(secrets_that_come_back_are_starred_out)
{
	CLEANUP(origin_done) Origin *o = origin_open();
	CLEANUP(rig_done) Rig *r = rig_open_with(allow_loopback);
	RunSpec spec = asking(r, str_fmt(r->a, "{\"url\":\"http://127.0.0.1:%d/?t=hunter22\"}", o->port).p);
	Json secrets = rig_json(r, "[\"hunter22\"]");
	RunEnd end;

	origin_answer(o, "/", str_of(ANSWER("200 OK", "X-You-Sent: hunter22\r\nContent-Length: 8\r\n", "hunter22")));
	spec.secrets = &secrets;
	end = rig_run(r, &spec);
	CHECK_STR(json_as_str(data(&end, "body")), str_of("***"));
	CHECK(!holds(json_text(r->a, &end.result), "hunter22"));
	CHECK(holds(origin_asked(o, r->a), "t=hunter22"));
}

TEST(many_calls_at_once_all_come_back_over_few_connections)
{
	CLEANUP(origin_done) Origin *o = origin_open();
	CLEANUP(rig_done) Rig *r = rig_open_with(allow_loopback);
	const char *params = str_fmt(r->a, "{\"url\":\"http://127.0.0.1:%d/\"}", o->port).p;
	RunEnd end;

	origin_answer(o, "/", str_of(ANSWER("200 OK", "Content-Length: 2\r\n", "ok")));
	for (int i = 0; i < 500; i++) {
		RunSpec spec = asking(r, params);

		rig_start(r, &spec);
		if (i % 10 != 9)
			continue;
		for (int k = 0; k < 10; k++) {
			end = rig_wait(r);
			CHECK_INT(end.outcome, RUN_SUCCEEDED);
		}
	}
	CHECK_INT(origin_requests(o), 500);
	CHECK(o->connections <= 20);
}
