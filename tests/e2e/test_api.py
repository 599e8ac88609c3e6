"""What clients of the REST API rely on."""

import json
import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import yaml

from harness import eventually


@pytest.fixture
def api(world):
    world.start()
    return world


def refused(world, method, path, status, body=None, **kw):
    """The error of a request that must be refused: one shape, whatever went wrong."""
    if body is not None:
        kw["json"] = body
    answer = world.request(method, path, status, **kw).json()
    assert set(answer) <= {"error", "code", "details"} and answer["error"] and answer["code"], answer
    return answer


def rule(ref="core.r1", **more):
    return {"ref": ref, "pack_ref": "core", "label": "R", "action_ref": "core.echo", "trigger_ref": "core.alert", **more}


def run(world, action="core.noop", **more):
    return world.post("/executions/execute", {"action_ref": action, **more}, 201)["data"]


def ended(world, execution):
    return world.get(f"/executions/{execution['id']}", wait_seconds=30)["data"]


# ---- health


def test_health_says_that_all_is_well_and_what_would_not_be(api):
    assert api.get("/health") == {"status": "ok"}
    assert api.request("GET", "/health/ready", 200).content == b""
    assert api.request("GET", "/health/live", 200).content == b""
    detailed = api.get("/health/detailed")
    assert detailed["database"] == "connected" and detailed["message_queue"] == "connected"
    assert eventually(lambda: api.get("/health/detailed")["workers_active"]) == 1


# ---- executions


def test_an_execution_is_answered_with_its_row_and_ends_while_we_wait(api):
    made = run(api, "core.echo", parameters={"message": "hi"})
    assert made["action_ref"] == "core.echo" and made["config"] == {"message": "hi"} and made["enforcement"] is None
    began = time.monotonic()
    done = ended(api, made)
    assert done["status"] == "completed" and time.monotonic() - began < 25
    assert done["finished_at"] and done["attempt"] == 1 and done["wait_reason"] is None
    assert [m["status"] for m in done["timeline"]] == ["requested", "scheduled", "running", "completed"]


def test_waiting_for_a_run_ends_with_its_time_when_the_run_does_not(api):
    made = run(api, "core.sleep", parameters={"seconds": 20})
    began = time.monotonic()
    still = api.get(f"/executions/{made['id']}", wait_seconds=1)["data"]
    assert still["status"] != "completed" and 0.9 <= time.monotonic() - began < 15
    api.post(f"/executions/{made['id']}/cancel")


def test_parameters_that_break_the_schema_make_a_failed_row_and_a_dry_run_only_says_so(api):
    bad = {"seconds": "soon"}
    row = run(api, "core.sleep", parameters=bad)
    assert row["status"] == "failed" and "seconds" in row["result"]["error"]
    before = api.get("/executions/stats")["data"]["total"]
    body = {"action_ref": "core.sleep", "parameters": bad}
    error = refused(api, "POST", "/executions/execute?dry_run=true", 422, body)
    assert error["code"] == "VALIDATION_ERROR" and "seconds" in error["error"]
    assert api.post("/executions/execute?dry_run=true", {"action_ref": "core.noop"}, 200)["data"]["valid"] is True
    assert api.get("/executions/stats")["data"]["total"] == before


def test_what_is_not_there_is_named(api):
    assert refused(api, "POST", "/executions/execute", 404, {"action_ref": "no.such"})["error"] == "Action 'no.such' not found"
    assert "999999" in refused(api, "GET", "/executions/999999", 404)["error"]
    assert refused(api, "GET", "/rules/no.such", 404)["error"] == "Rule 'no.such' not found"
    assert refused(api, "GET", "/triggers/no.such", 404)["error"] == "Trigger 'no.such' not found"
    assert refused(api, "GET", "/packs/nope", 404)["error"] == "Pack 'nope' not found"
    assert refused(api, "POST", "/events", 404, {"trigger_ref": "no.such"})["error"] == "Trigger 'no.such' not found"
    assert refused(api, "GET", "/executions/status/sleepy", 400)["code"] == "BAD_REQUEST"


def test_bodies_that_cannot_be_read_say_where_and_why(api):
    where = refused(api, "POST", "/rules", 400, data='{"ref": "a.b",\n  oops}', headers={"Content-Type": "application/json"})
    assert "line 2" in where["error"]
    missing = refused(api, "POST", "/rules", 422, {"ref": "core.x", "label": 5})["error"]
    assert missing.startswith("Validation failed: ") and "action_ref" in missing and "label: must be a string" in missing
    answer = refused(api, "POST", "/executions/execute", 422, {"action_ref": 5, "parameters": "no", "timeout_seconds": 0})
    assert answer["details"] == [{"field": "action_ref", "message": "must be a string, not number"},
                                 {"field": "parameters", "message": "must be an object, not string"},
                                 {"field": "timeout_seconds", "message": "must be greater than 0"}], "all at once, each with its place"
    answer = refused(api, "POST", "/rules", 422, rule("Not A Ref"))
    assert [d["field"] for d in answer["details"]] == ["ref"]


def test_a_run_is_cancelled_once_and_what_has_ended_is_not(api):
    made = run(api, "core.sleep", parameters={"seconds": 60})
    eventually(lambda: api.get(f"/executions/{made['id']}")["data"]["status"] == "running")
    assert api.post(f"/executions/{made['id']}/cancel", status=200)["data"]["status"] in ("canceling", "cancelled")
    assert ended(api, made)["status"] == "cancelled"
    assert refused(api, "POST", f"/executions/{made['id']}/cancel", 409)["code"] == "CONFLICT"


def test_a_run_without_a_worker_says_why_it_waits(api):
    eventually(lambda: api.get("/workers")["data"], what="a worker is registered, though not one on the moon")
    made = run(api, worker_selector={"zone": "moon"})
    row = eventually(lambda: (r := api.get(f"/executions/{made['id']}")["data"])["wait_reason"] != "queued" and r)
    assert row["status"] == "requested" and row["wait_reason"].startswith("no_worker: ") and "zone" in row["wait_detail"]
    waiting = api.get("/status")["data"]["waiting"]
    assert [w["reason"] for w in waiting] == ["no_worker"] and waiting[0]["oldest_id"] == made["id"]
    assert api.post(f"/executions/{made['id']}/cancel")["data"]["status"] == "cancelled"


def test_filters_join_and_stars_are_the_only_wildcard(api):
    done = [ended(api, run(api, "core.echo", parameters={"message": f"100%_{i}"})) for i in range(3)]
    other = ended(api, run(api))

    def ids(**by):
        return {row["id"] for row in api.request("GET", "/executions", params=by).json()["data"]}

    echoes = {row["id"] for row in done}
    assert ids(action_ref="core.echo") == echoes and ids(action_ref="core.e*") == echoes == ids(action_ref="*echo")
    assert ids(action_ref="core.e%") == set() == ids(action_ref="core_echo") == ids(action_ref="CORE.echo")
    assert ids(pack_name="core") == echoes | {other["id"]} and ids(pack_name="cor") == set()
    assert ids(status="completed", action_ref="core.noop") == {other["id"]}
    assert ids(result_contains="100%_1") == {done[1]["id"]} and ids(result_contains="NOT IN THERE") == set()
    assert ids(top_level_only="true") == echoes | {other["id"]} and ids(parent=done[0]["id"]) == set()
    assert ids(unknown="x") == echoes | {other["id"]}
    refused(api, "GET", "/executions?top_level_only=maybe", 400)


def test_stats_count_every_run_once(api):
    for _ in range(3):
        ended(api, run(api))
    run(api, "core.sleep", parameters={"seconds": "x"})
    stats = api.get("/executions/stats")["data"]
    assert stats["completed"] == 3 and stats["failed"] == 1 and stats["total"] == 4
    assert sum(v for k, v in stats.items() if k != "total") == 4


# ---- lists


def test_a_list_can_be_walked_by_page_by_offset_and_by_cursor_and_each_row_comes_once(api):
    made = sorted((run(api)["id"] for _ in range(7)), reverse=True)

    def page(**by):
        answer = api.get("/executions", **by)
        assert answer["data"] == answer["items"]
        return [row["id"] for row in answer["data"]], answer["pagination"]

    first, at = page(per_page=3)
    assert first == made[:3] and at["has_next"] and not at["has_previous"] and at["total_items"] == 7
    assert at["total_pages"] == 3 and at["page_size"] == 3
    assert page(page=3, page_size=3)[0] == made[6:] and page(limit=2, offset=4)[0] == made[4:6]
    second, at = page(limit=3, after=at["next_cursor"])
    third, last = page(limit=3, after=at["next_cursor"])
    assert first + second + third == made and not last["has_next"] and "next_cursor" not in last and last["has_previous"]
    assert page(page=0, page_size=100000)[1]["page_size"] == 100
    assert page(page=99)[0] == []
    refused(api, "GET", "/executions?after=!!", 400)


def test_definitions_are_listed_by_ref_with_totals_and_cursors(api):
    refs = sorted(f"core.rule{i}" for i in range(5)) + ["core.timer_echo"]
    for ref in reversed(refs[:5]):
        api.post("/rules", rule(ref))
    answer = api.get("/rules", page_size=4)
    assert [r["ref"] for r in answer["data"]] == refs[:4] and answer["pagination"]["total_items"] == 6
    rest = api.get("/rules", page_size=4, after=answer["pagination"]["next_cursor"])
    assert [r["ref"] for r in rest["data"]] == refs[4:] and not rest["pagination"]["has_next"]
    assert [r["ref"] for r in api.get("/rules", enabled="false")["data"]] == ["core.timer_echo"]
    assert [r["ref"] for r in api.get("/rules/enabled")["data"]] == refs[:5]
    assert len(api.get("/rules", trigger_ref="core.alert")["data"]) == 5
    assert len(api.get("/packs/core/rules")["data"]) == 6 and len(api.get("/triggers/core.alert/rules")["data"]) == 5


def test_every_list_walked_by_cursor_gives_what_it_gives_by_pages(api):
    for i in range(5):
        api.post("/rules", rule(f"core.rule{i}", enabled=i % 2 == 0))
        run(api)
        api.post("/events", {"trigger_ref": "core.alert", "payload": {"i": i}})
    eventually(lambda: api.get("/executions/stats")["data"]["completed"] == 5 + 9, what="all that the rules made has ended")

    def walk(path, **by):
        rows, cursor, asked = [], {}, 0
        while True:
            answer = api.get(path, page_size=2, **by, **cursor)
            rows, asked = rows + answer["data"], asked + 1
            if not answer["pagination"]["has_next"]:
                assert "next_cursor" not in answer["pagination"]
                return [row.get("id", row.get("ref")) for row in rows], asked
            assert len(answer["data"]) == 2, "a page that is not the last is full"
            cursor = {"after": answer["pagination"]["next_cursor"]}

    for path in ("packs", "actions", "triggers", "rules", "rules?enabled=false", "sensors", "runtimes", "workers", "events", "enforcements",
                 "executions", "packs/core/rules", "triggers/core.alert/rules", "actions/search?q=core"):
        path, _, query = path.partition("?")
        by = dict([query.split("=")]) if query else {}
        whole = [row.get("id", row.get("ref")) for row in api.get(f"/{path}", page_size=100, **by)["data"]]
        assert walk(f"/{path}", **by) == (whole, max(1, -(-len(whole) // 2))), path
        assert api.get(f"/{path}", page_size=0, page=-3, **by)["pagination"]["page_size"] == 1, path
        assert api.get(f"/{path}", limit=10**30, offset=-1, unknown="x", **by)["pagination"]["page"] == 1, path
        assert refused(api, "GET", f"/{path}?after=%ff" if not query else f"/{path}?{query}&after=%2B%2B", 400)["code"] == "BAD_REQUEST"


def test_refs_and_ids_name_the_same_thing(api):
    for kind, ref in (("packs", "core"), ("actions", "core.echo"), ("triggers", "core.alert"), ("runtimes", "core.shell"),
                      ("sensors", "core.timer_sensor"), ("rules", "core.timer_echo")):
        one = api.get(f"/{kind}/{ref}")["data"]
        assert api.get(f"/{kind}/{one['id']}")["data"] == one and one["ref"] == ref


def test_a_search_finds_actions_that_hold_every_word(api):
    hits = api.get("/actions/search", q="PRINTS echo")["data"]
    assert [h["ref"] for h in hits] == ["core.echo"] and hits[0]["is_workflow"] is False
    assert api.get("/actions/search", q="echo nothing_like_it")["data"] == []
    assert len(api.get("/actions/search", q="e", packs="core")["data"]) >= 3
    refused(api, "GET", "/actions/search?packs=core,nope", 404)


# ---- rules


def test_a_rule_is_checked_before_it_is_stored(api):
    made = api.post("/rules", rule(action_params={"message": "{{ event.payload.summary }}"}), 201)
    assert made["data"]["is_adhoc"] is True and made["data"]["enabled"] is True and made["message"]
    assert refused(api, "POST", "/rules", 409, rule())["error"] == "Rule with ref 'core.r1' already exists"
    bad = refused(api, "POST", "/rules", 422, rule("core.r2", action_params={"message": 5}))
    assert bad["error"].startswith("Invalid parameters for action 'core.echo': ") and "/message" in bad["error"]
    bad = refused(api, "POST", "/rules", 422, rule("core.r2", trigger_ref="core.intervaltimer", trigger_params={"unit": "eons"}))
    assert "core.intervaltimer" in bad["error"] and "unit" in bad["error"]
    assert refused(api, "POST", "/rules", 404, rule("core.r2", action_ref="core.nope"))["error"] == "Action 'core.nope' not found"
    refused(api, "POST", "/rules", 404, rule("core.r2", pack_ref="nope"))
    refused(api, "POST", "/rules", 422, rule("Core.R2"))
    refused(api, "POST", "/rules", 422, rule("core.r2", conditions=[{"field": "a", "operator": "resembles", "value": 1}]))
    refused(api, "GET", "/rules/core.r2", 404)


def test_an_update_changes_what_it_names_and_nothing_else(api):
    api.post("/rules", rule(description="old", action_params={"message": "m"}, permission_set_refs=["core.viewer"]))
    changed = api.put("/rules/core.r1", {"label": "New", "action_params": None})["data"]
    assert changed["label"] == "New" and changed["description"] == "old" and changed["action_params"] == {"message": "m"}
    assert changed["permission_set_refs"] == ["core.viewer"]
    assert api.put("/rules/core.r1", {"permission_set_refs": None})["data"]["permission_set_refs"] is None
    refused(api, "PUT", "/rules/core.r1", 422, {"action_params": {"message": []}})
    assert api.get("/rules/core.r1")["data"]["label"] == "New"
    assert api.delete("/rules/core.r1")["success"] is True
    refused(api, "DELETE", "/rules/core.r1", 404)


def test_a_rule_acts_from_the_next_event_on_and_stops_when_it_is_switched_off(api):
    api.post("/rules", rule(action_params={"message": "{{ event.payload.m }}"}))

    def report():
        return api.post("/events", {"trigger_type": "core.alert", "payload": {"m": "hi"}}, 201)["data"]

    event = report()
    enforcement = api.get("/enforcements", event=event["id"])["data"][0]
    assert enforcement["rule_ref"] == "core.r1"
    execution = eventually(lambda: api.get(f"/executions/enforcement/{enforcement['id']}")["data"])[0]
    assert ended(api, execution)["config"] == {"message": "hi"}
    whole = api.get(f"/enforcements/{enforcement['id']}")["data"]
    assert whole["status"] == "processed" and whole["payload"] == {"m": "hi"} and whole["config"] == {"message": "hi"}
    api.post("/rules/core.r1/disable")
    assert api.get("/enforcements", event=report()["id"])["data"] == []
    api.post("/rules/core.r1/enable")
    assert len(api.get("/enforcements", event=report()["id"])["data"]) == 1
    api.post("/triggers/core.alert/disable")
    assert api.get("/enforcements", event=report()["id"])["data"] == []


def test_timers_tick_as_soon_as_their_rule_is_there_and_no_longer(api):
    api.post("/rules", rule("core.tick", trigger_ref="core.intervaltimer", trigger_params={"unit": "seconds", "interval": 1}))

    def ticks():
        return api.get("/events", rule_ref="core.tick")["pagination"]["total_items"]

    eventually(lambda: ticks() >= 2, 10)
    api.delete("/rules/core.tick")
    stopped = ticks()
    other = api.post("/rules", rule("core.tock", trigger_ref="core.intervaltimer", trigger_params={"interval": 1}))["data"]
    eventually(lambda: api.get("/events", rule_ref="core.tock")["pagination"]["total_items"] >= 2, 10)
    assert ticks() <= stopped + 1, "at most the tick that was on its way"
    assert api.get("/events", rule_ref="core.t*")["data"][0]["rule"] == other["id"]


def test_an_event_for_one_rule_meets_only_that_rule(api):
    first = api.post("/rules", rule("core.a"))["data"]
    api.post("/rules", rule("core.b"))
    event = api.post("/events", {"trigger_ref": "core.alert", "trigger_instance_id": f"rule_{first['id']}"})["data"]
    assert event["rule_ref"] == "core.a" and event["payload"] is None
    assert [e["rule_ref"] for e in api.get("/enforcements", event=event["id"])["data"]] == ["core.a"]


def test_a_payload_over_the_limit_is_refused_and_the_limit_named(world):
    world.start(config={"events": {"max_payload_kb": 1}})
    error = refused(world, "POST", "/events", 413, {"trigger_ref": "core.alert", "payload": {"x": "y" * 2000}})
    assert "events.max_payload_kb" in error["error"]
    world.post("/events", {"trigger_ref": "core.alert", "payload": {"x": "y" * 900}}, 201)


def test_several_events_are_one_change_and_answered_in_their_order(api):
    api.post("/rules", rule(action_params={"message": "{{ event.payload.n }}"}))
    one = api.post("/events", {"trigger_ref": "core.alert", "payload": {"n": -1}}, 201)["data"]
    bodies = [{"trigger_ref": "core.alert", "payload": {"n": n}} for n in range(1000)]
    answer = api.post("/events", bodies, 201)
    assert set(answer) == {"data"} and set(answer["data"][0]) == set(one)
    assert [e["payload"]["n"] for e in answer["data"]] == list(range(1000)) and len({e["id"] for e in answer["data"]}) == 1000
    assert api.get(f"/events/{answer['data'][321]['id']}")["data"] == answer["data"][321]
    assert api.get("/events", include_total="true")["pagination"]["total_items"] == 1001
    assert len(api.get("/enforcements", event=answer["data"][999]["id"])["data"]) == 1
    (alone,) = api.post("/events", bodies[7:8], 201)["data"]
    assert alone["payload"] == {"n": 7}
    assert "1001" in refused(api, "POST", "/events", 413, [*bodies, bodies[0]])["error"]
    assert "none" in refused(api, "POST", "/events", 422, [])["error"]
    assert "array" in refused(api, "POST", "/events", 400, "text")["error"]


def test_of_several_events_one_that_is_refused_refuses_all_and_is_named(world):
    world.add_pack("rights", {
        "pack.yaml": "ref: rights\nlabel: Rights\nversion: 1.0.0\n",
        "permission_sets/mine.yaml": "ref: rights.mine\nlabel: Mine\ngrants:\n  - resource: events\n    actions: [create]\n"
                                     "    constraints: {pack_refs: [rights]}\n",
        "triggers/told.yaml": "ref: rights.told\nlabel: Told\n"})
    world.start(config={"events": {"max_payload_kb": 1}})
    good = {"trigger_ref": "rights.told", "payload": {"n": 1}}
    for bad, status, field in (({}, 422, "[2].trigger_ref"), ({"trigger_ref": 5}, 422, "[2].trigger_ref"), ("x", 422, "[2]"), (None, 422, "[2]"),
                               ({**good, "trigger_ref": "core.none"}, 404, "[2]"), ({**good, "payload": "x" * 2000}, 413, "[2]"),
                               ({**good, "payload": "a\0b"}, 422, "[2]")):
        error = refused(world, "POST", "/events", status, [good, good, bad, good])
        assert [d["field"] for d in error["details"]] == [field] and "[2]" in error["error"], error
    who = world.post("/identities", {"login": "teller", "password": "long enough for all"}, 201)["data"]["id"]
    world.post("/permissions/assignments", {"identity_id": who, "permission_set_ref": "rights.mine"}, 201)
    headers = {"Authorization": "Bearer " + world.login("teller", "long enough for all")}
    ask = lambda body: requests.post(f"{world.url}/api/v1/events", json=body, headers=headers, timeout=30)
    answer = ask([good, {"trigger_ref": "core.alert"}])
    assert answer.status_code == 403 and answer.json()["details"][0]["field"] == "[1]" and "events:create" in answer.json()["error"]
    assert world.get("/events", trigger_ref="rights.told")["data"] == []
    assert len(ask([good, good]).json()["data"]) == 2


def test_several_events_under_one_idempotency_key_are_made_once(api):
    bodies, headers = [{"trigger_ref": "core.alert"}] * 3, {"Idempotency-Key": "several"}
    first, again = (api.request("POST", "/events", 201, json=bodies, headers=headers).json()["data"] for _ in range(2))
    assert again == first and len(api.get("/events", trigger_ref="core.alert")["data"]) == 3


# ---- actions, packs, workers


def test_an_action_made_through_the_api_runs(api):
    body = {"ref": "core.mine", "pack_ref": "core", "label": "Mine", "entrypoint": "echo made here", "runtime_ref": "core.shell"}
    assert "runtime" in refused(api, "POST", "/actions", 422, {k: v for k, v in body.items() if k != "runtime_ref"})["error"]
    refused(api, "POST", "/actions", 422, {**body, "output_format": "poem"})
    refused(api, "POST", "/actions", 404, {**body, "runtime_ref": "core.cobol"})
    made = api.post("/actions", body, 201)["data"]
    assert made["is_adhoc"] and made["enabled"] and made["reference_visibility"] == "public"
    assert "made here" in json.dumps(ended(api, run(api, "core.mine"))["result"])
    limited = api.put("/actions/core.mine", {"timeout_seconds": 9, "param_schema": {"n": {"type": "integer"}}})["data"]
    assert limited["timeout_seconds"] == 9 and limited["param_schema"] == {"n": {"type": "integer"}}
    api.delete("/actions/core.mine")
    refused(api, "POST", "/executions/execute", 404, {"action_ref": "core.mine"})
    past = api.get("/executions", action_ref="core.mine")["data"][0]
    assert api.get(f"/executions/{past['id']}")["data"]["action"] is None


def test_a_pack_folder_is_registered_and_deleted_with_all_it_holds(api):
    files = {
        "pack.yaml": "ref: gift\nlabel: Gift\nversion: 1.2.3\n",
        "actions/say.yaml": "ref: gift.say\nlabel: Say\nentry_point: say.sh\nrunner_type: shell\n",
        "actions/say.sh": "#!/bin/bash\necho said\n",
        "triggers/t.yaml": "ref: gift.t\nlabel: T\n",
        "rules/r.yaml": "ref: gift.r\nlabel: R\ntrigger_ref: gift.t\naction_ref: gift.say\nenabled: true\n",
    }
    api.add_pack("gift", files)
    api.add_pack("../elsewhere/gift", files)
    assert "where workers look" in refused(api, "POST", "/packs/register", 422, {"path": f"{api.dir}/elsewhere/gift"})["error"]
    path = f"{api.packs}/gift"
    assert api.post("/packs/register", {"path": path}, 201)["data"]["version"] == "1.2.3"
    refused(api, "POST", "/packs/register", 409, {"path": path})
    api.post("/packs/register", {"path": path, "force": True}, 201)
    assert [a["ref"] for a in api.get("/packs/gift/actions")["data"]] == ["gift.say"]
    assert "said" in json.dumps(ended(api, run(api, "gift.say"))["result"])
    api.delete("/packs/gift")
    assert not os.path.exists(path), "the next start would bring it back"
    for gone in ("/packs/gift", "/actions/gift.say", "/triggers/gift.t", "/rules/gift.r"):
        refused(api, "GET", gone, 404)
    refused(api, "POST", "/packs/register", 404, {"path": f"{api.dir}/nowhere"})


def test_a_pack_made_by_hand_keeps_its_configuration(api):
    api.post("/packs", {"ref": "hand", "label": "Hand", "version": "0.1.0", "config": {"a": 1}}, 201)
    assert api.get("/packs/hand")["data"]["config"] == {"a": 1}
    assert api.put("/packs/hand", {"config": {"a": 2}, "description": "d"})["data"]["config"] == {"a": 2}
    assert api.put("/packs/hand", {"description": {"op": "clear"}})["data"]["description"] is None
    refused(api, "POST", "/packs", 409, {"ref": "hand", "label": "Hand", "version": "0.1.0"})
    refused(api, "POST", "/packs", 422, {"ref": "other", "label": "Other", "version": "one"})
    assert "core.echo" in refused(api, "DELETE", "/runtimes/core.shell", 422)["error"]


def test_a_cordoned_worker_gets_nothing_until_it_is_let_in_again(api):
    worker = eventually(lambda: api.get("/workers", health_state="active")["data"])[0]
    assert {r["name"] for r in worker["supported_runtimes"]} >= {"shell", "internal"} and not worker["heartbeat_stale"]
    assert api.get(f"/workers/{worker['id']}")["name"] == worker["name"]
    cordoned = api.post(f"/workers/{worker['id']}/cordon", {"reason": "repairs"})
    assert cordoned["health_state"] == "cordoned" and cordoned["cordon_reason"] == "repairs"
    assert api.get("/workers", cordoned="false")["data"] == []
    made = run(api)
    eventually(lambda: "cordon" in (api.get(f"/executions/{made['id']}")["data"]["wait_reason"] or ""))
    api.post(f"/workers/{worker['id']}/uncordon")
    assert ended(api, made)["status"] == "completed"


# ---- the platform itself


def test_the_trace_shows_the_whole_chain_and_how_long_each_hop_took(api):
    api.post("/rules", rule())
    event = api.post("/events", {"trigger_ref": "core.alert"}, headers={
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})["data"]
    assert event["correlation_id"] == "0af76519-16cd-43dd-8448-eb211c80319c"
    enforcement = api.get("/enforcements", event=event["id"])["data"][0]
    execution = eventually(lambda: api.get(f"/enforcements/{enforcement['id']}/executions")["data"])[0]
    ended(api, execution)
    trace = api.get(f"/trace/{execution['id']}")["data"]
    assert trace["correlation_id"] == event["correlation_id"] == trace["enforcement"]["correlation_id"]
    assert trace["event"]["id"] == event["id"] and trace["rule"]["ref"] == "core.r1" and trace["worker"]["name"]
    assert [h["what"] for h in trace["hops"]] == ["event stored", "enforcement made", "execution requested", "scheduled",
                                                  "started", "ended: completed"]
    assert all(h["took_us"] >= 0 for h in trace["hops"])
    lone = run(api)
    assert api.get(f"/trace/{lone['id']}")["data"]["event"] is None
    refused(api, "GET", "/trace/99999999", 404)


def test_status_shows_workers_queues_and_counts(api):
    ended(api, run(api))
    status = api.get("/status")["data"]
    assert status["workers"][0]["status"] in ("active", "busy") and status["workers"][0]["slots"] > 0
    assert "attune.enforcements.queue" in [q["name"] for q in status["queues"]]
    assert status["executions"] == {"completed": 1} and status["waiting"] == []


def test_the_api_does_not_open_itself_to_the_network(world):
    process = world.launch("up" if world.embedded else "api", config={"server": {"host": "0.0.0.0"}})
    assert process.wait(20) != 0
    assert "server.host '0.0.0.0'" in process.output()


def test_requests_of_many_at_once_for_one_ref_make_one_rule(api):
    import requests

    def create(_):
        return requests.post(f"{api.url}/api/v1/rules", json=rule("core.race"), headers=api.bearer(), timeout=30).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(create, range(16)))
    assert codes == [201] + [409] * 15


NAMES_NO_RUN = json.dumps({"message_type": "ExecutionRequested", "message_id": str(uuid.uuid4()), "version": "1.0",
                           "timestamp": "2026-01-01T00:00:00Z", "payload": [{"execution_id": 424242, "action_ref": "core.noop"}]})


def dead_letter(world, body):
    """Puts a message where it will be refused (embedded, where a refused one would have been stored), and gives its letter back."""
    key = "execution.requested"
    if world.embedded:
        world.execute("insert into dead_letter (message_id, queue, routing_key, reason, body, created) values (?, ?, ?, ?, ?, ?)",
                      str(uuid.uuid4()), "attune.execution.requests.queue", key, "test", body, int(time.time() * 1e6))
    else:
        connection = world.amqp()
        connection.channel().basic_publish("attune.dlx", key, body.encode())
        connection.close()
    return eventually(lambda: world.get("/dead-letters")["data"])[0]


def test_dead_letters_are_listed_shown_sent_again_and_dropped(api):
    letter = dead_letter(api, "not even JSON")
    assert letter["routing_key"] == "execution.requested" and letter["id"]
    assert api.get(f"/dead-letters/{letter['id']}")["data"]["body"] == "not even JSON"
    assert api.delete(f"/dead-letters/{letter['id']}")["success"] is True
    assert api.get("/dead-letters")["data"] == []
    refused(api, "GET", f"/dead-letters/{letter['id']}", 404)
    refused(api, "DELETE", f"/dead-letters/{letter['id']}", 404)
    letter = dead_letter(api, NAMES_NO_RUN)
    assert api.post(f"/dead-letters/{letter['id']}/replay", status=200)["success"] is True
    assert api.get("/dead-letters")["data"] == [], "it was taken, and named no row: dropped"
    assert ended(api, run(api))["status"] == "completed"
    refused(api, "POST", f"/dead-letters/{uuid.uuid4()}/replay", 404)


def test_a_dead_letter_that_many_replay_at_once_is_sent_once(api):
    """What cannot be read comes back as a letter, so many as were sent; a broker's keeps its name, so there it is one that can be read."""
    letter = dead_letter(api, "not even JSON" if api.embedded else NAMES_NO_RUN)
    url = f"{api.url}/api/v1/dead-letters/{letter['id']}/replay"
    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(lambda _: requests.post(url, headers=api.bearer(), timeout=30).status_code, range(8)))
    assert codes == [200] + [404] * 7
    again = api.get("/dead-letters")["data"]
    assert len(again) == (1 if api.embedded else 0)
    for one in again:
        api.delete(f"/dead-letters/{one['id']}")


def test_the_command_line_asks_the_server_for_dead_letters(api):
    """Also from a machine that has neither its database nor its broker."""
    first, second = [api.cli("dlq", "list", "-j").json(), dead_letter(api, "not even JSON")]
    assert first == []
    assert second["id"] in api.cli("dlq", "list").out
    assert api.cli("dlq", "show", second["id"], "-j").json()["body"] == "not even JSON"
    assert api.cli("dlq", "list", "-j", "--api-url", api.url, env={"ATTUNE_API_URL": ""}).json()[0]["message_id"] == second["id"]
    for words in (["list"], ["show", second["id"]], ["drop", second["id"]]):
        refused_one = api.cli("dlq", *words, env={"ATTUNE_API_TOKEN": "not-one"}, code=1)
        assert "ATTUNE_API_TOKEN is refused" in refused_one.err
    assert yaml.safe_load(api.cli("dlq", "list", "-y").out)[0]["message_id"] == second["id"]
    assert api.cli("dlq", "list", "-q").out == api.cli("dlq", "list", "--field", "message_id").out == f"{second['id']}\n"
    assert "Couldn't connect" in api.cli("dlq", "list", "--api-url", "http://127.0.0.1:1", code=3).err
    assert "not both" in api.cli("dlq", "list", "--api-url", api.url, "--data-dir", ".", code=2).err
    assert api.cli("dlq", "drop", second["id"]).out == f"dropped {second['id']}\n"
    assert api.cli("dlq", "list").out == "no dead letters\n"
    assert second["id"] in api.cli("dlq", "drop", second["id"], code=1).err


@pytest.mark.only("distributed")
def test_more_than_a_thousand_dead_letters_of_a_broker_are_seen_the_newest_first(api):
    connection = api.amqp()
    channel = connection.channel()
    for i in range(1100):
        channel.basic_publish("attune.dlx", "execution.requested", f"letter {i}".encode())
    connection.close()
    listed = eventually(lambda: (got := api.cli("dlq", "list", "-j").json())[1099:] and got)
    assert [api.cli("dlq", "show", listed[i]["message_id"], "-j").json()["body"] for i in (0, 1099)] == ["letter 1099", "letter 0"]


@pytest.mark.only("embedded")
def test_a_list_of_dead_letters_that_is_cut_says_so(api):
    api.execute("with recursive n(i) as (select 1 union all select i + 1 from n where i <= 10000) "
                "insert into dead_letter (message_id, queue, routing_key, reason, body, created) "
                "select 'a' || i, 'attune.execution.requests.queue', 'execution.requested', 'test', 'x', i from n")
    said = api.cli("dlq", "list").out.splitlines()
    assert len(said) == 10002 and said[1].split()[0] == "a10001" and said[-1].startswith("only 10000 are shown")
    api.execute("delete from dead_letter")
    assert api.cli("dlq", "list").out == "no dead letters\n"


def test_a_dead_letter_is_sent_again_by_the_command_line(api):
    letter = dead_letter(api, NAMES_NO_RUN)
    assert api.cli("dlq", "replay", letter["id"]).out == f"put back {letter['id']}\n"
    assert api.get("/dead-letters")["data"] == []


@pytest.mark.only("embedded")
def test_who_holds_the_data_directory_is_asked_with_the_login_of_this_machine(api):
    letter = dead_letter(api, "not even JSON")
    there = ["--data-dir", api.data]
    assert letter["id"] in api.cli("dlq", "list", *there).out
    assert api.cli("dlq", "drop", letter["id"], *there).out == f"dropped {letter['id']}\n"
    assert api.get("/dead-letters")["data"] == []


def test_numbers_that_no_database_can_have_are_refused_in_one_sentence(api):
    """In a few bytes they ask for megabytes of digits, each time that somebody reads them."""
    bodies = {"/events": '{"trigger_ref": "core.alert", "payload": {"n": [%s]}}', "/executions/execute": '{"action_ref": "core.noop", "parameters": {"n": %s}}',
              "/keys": '{"ref": "vast", "name": "vast", "owner_type": "system", "value": {"n": %s}}'}
    for path, body in bodies.items():
        for number in ("1e131072", "-1E+9999999", "1e-20000", "9" * 5000):
            answer = api.request("POST", path, 422, data=body % number, headers={"Content-Type": "application/json"}).json()
            assert "number of more than 4096 digits or beyond 1e1000" in answer["error"] and "insert" not in answer["error"], answer
    api.request("POST", "/events", 201, data=bodies["/events"] % "1e999, 123456789012345678901234567890", headers={"Content-Type": "application/json"})


def test_only_rules_of_the_packs_that_may_refer_to_a_thing_do(api):
    for name in ("owner", "friend", "other"):
        api.post("/packs", {"ref": name, "label": name, "version": "1.0.0"}, 201)
    api.post("/actions", {"ref": "owner.act", "pack_ref": "owner", "label": "A", "entrypoint": "true", "runtime_ref": "core.shell",
                          "reference_visibility": "restricted", "reference_allowed_pack_refs": ["friend"]}, 201)
    api.post("/triggers", {"ref": "owner.trg", "pack_ref": "owner", "label": "T", "reference_visibility": "private"}, 201)
    act, trg = api.get("/actions/owner.act")["data"], api.get("/triggers/owner.trg")["data"]
    assert (act["reference_visibility"], act["reference_allowed_pack_refs"]) == ("restricted", ["friend"])
    assert (trg["reference_visibility"], trg["reference_allowed_pack_refs"]) == ("private", [])
    assert next(a for a in api.get("/actions?page_size=100")["data"] if a["ref"] == "owner.act")["reference_visibility"] == "restricted"

    def refer(pack, status, **more):
        return api.post("/rules", rule(f"{pack}.r{status}{len(more)}", pack_ref=pack, **more), status)

    refer("owner", 201, action_ref="owner.act")
    refer("friend", 201, action_ref="owner.act")
    said = refer("other", 422, action_ref="owner.act")["error"]
    assert said == "Action 'owner.act' is restricted: only rules of pack 'owner' and of its reference_allowed_pack_refs may refer to it"
    refer("friend", 422, trigger_ref="owner.trg")
    kept = refer("owner", 201, trigger_ref="owner.trg", action_ref="owner.act")["data"]
    refused(api, "PUT", "/actions/owner.act", 422, {"reference_visibility": "secret"})
    api.request("PUT", "/actions/owner.act", 200, json={"reference_visibility": "private", "label": "B"})
    assert api.get("/actions/owner.act")["data"]["reference_allowed_pack_refs"] == ["friend"], "what is left out is kept"
    refer("friend", 422, action_ref="owner.act", description="private now")
    api.request("PUT", f"/rules/{kept['ref']}", 200, json={"label": "still"})


def test_a_rule_that_waited_for_a_thing_is_not_linked_to_it_when_it_may_not_refer_to_it(api):
    for name in ("owner", "other"):
        api.post("/packs", {"ref": name, "label": name, "version": "1.0.0"}, 201)
    act = {"ref": "owner.act", "pack_ref": "owner", "label": "A", "entrypoint": "true", "runtime_ref": "core.shell"}
    trg = {"ref": "owner.trg", "pack_ref": "owner", "label": "T"}

    def linked():
        return [bool(api.get("/rules/other.r")["data"][what]) for what in ("action", "trigger")]

    api.post("/actions", act, 201)
    api.post("/triggers", trg, 201)
    api.post("/rules", rule("other.r", pack_ref="other", action_ref="owner.act", trigger_ref="owner.trg"), 201)
    api.post("/rules", rule("other.many", pack_ref="other", triggers=[{"trigger_ref": "core.alert"}, {"trigger_ref": "owner.trg"}],
                            correlate={"mode": "any", "within": "1m"}), 201)
    for path in ("/actions/owner.act", "/triggers/owner.trg"):
        api.request("DELETE", path)
    assert linked() == [False, False] and api.get("/rules/other.many")["data"]["trigger"]
    api.post("/actions", {**act, "reference_visibility": "private"}, 201)
    api.post("/triggers", {**trg, "reference_visibility": "private"}, 201)
    assert linked() == [False, False] and not api.get("/rules/other.many")["data"]["trigger"]
    refused(api, "PUT", "/rules/other.r", 422, {"action_params": {"a": 1}})
    assert linked() == [False, False], "what was refused is no way in"
    api.request("PUT", "/actions/owner.act", 200, json={"reference_visibility": "public"})
    assert linked() == [True, False], "it is linked once it may be"
    api.request("PUT", "/triggers/owner.trg", 200, json={"reference_visibility": "restricted", "reference_allowed_pack_refs": ["other"]})
    assert linked() == [True, True] and api.get("/rules/other.many")["data"]["trigger"]


def test_what_a_rule_referred_to_before_it_became_private_is_not_asked_for_again(api):
    for name in ("owner", "other"):
        api.post("/packs", {"ref": name, "label": name, "version": "1.0.0"}, 201)
    api.post("/actions", {"ref": "owner.act", "pack_ref": "owner", "label": "A", "entrypoint": "true", "runtime_ref": "core.shell"}, 201)
    for name in ("one", "two"):
        api.post("/triggers", {"ref": f"owner.{name}", "pack_ref": "owner", "label": "T"}, 201)
    both = [{"trigger_ref": "core.alert"}, {"trigger_ref": "owner.one"}]
    api.post("/rules", rule("other.r", pack_ref="other", action_ref="owner.act", triggers=both, correlate={"mode": "all", "within": "1m"}), 201)
    api.request("PUT", "/actions/owner.act", 200, json={"reference_visibility": "private"})
    for name in ("one", "two"):
        api.request("PUT", f"/triggers/owner.{name}", 200, json={"reference_visibility": "private"})
    api.request("PUT", "/rules/other.r", 200, json={"action_params": {"a": 1}})
    api.request("PUT", "/rules/other.r", 200, json={"triggers": both, "correlate": {"mode": "all", "within": "2m"}})
    refused(api, "PUT", "/rules/other.r", 422, {"triggers": [*both, {"trigger_ref": "owner.two"}]})
