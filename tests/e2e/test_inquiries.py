"""Inquiries: asked for an execution, answered once, in time, by whom it may be."""

import datetime
import json
import time

import pytest

from harness import eventually
from test_access import PASSWORD, ask as call, person
from test_api import refused, run


@pytest.fixture
def api(swept):
    return swept


def ask(world, **more):
    return world.post("/inquiries", {"execution": run(world)["id"], "prompt": "Go on?", **more}, 201)["data"]


def later(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.isoformat().replace("+00:00", "Z")


def test_an_inquiry_is_asked_found_answered_once_and_deleted(api):
    asked = ask(api, response_schema={"yes": {"type": "boolean", "required": True}})
    assert asked["status"] == "pending" and asked["response"] is None and asked["responded_at"] is None
    assert [i["id"] for i in api.get("/inquiries", execution=asked["execution"])["data"]] == [asked["id"]]
    assert [i["id"] for i in api.get(f"/executions/{asked['execution']}/inquiries")["data"]] == [asked["id"]]
    assert "yes" in refused(api, "POST", f"/inquiries/{asked['id']}/respond", 422, {"response": {}})["error"]
    answered = api.post(f"/inquiries/{asked['id']}/respond", {"response": {"yes": True}})["data"]
    assert answered["status"] == "responded" and answered["response"] == {"yes": True} and answered["responded_at"]
    refused(api, "POST", f"/inquiries/{asked['id']}/respond", 400, {"response": {"yes": False}})
    assert api.get(f"/inquiries/{asked['id']}")["data"]["response"] == {"yes": True}
    assert api.delete(f"/inquiries/{asked['id']}")["success"] is True
    assert str(asked["id"]) in refused(api, "GET", f"/inquiries/{asked['id']}", 404)["error"]


def test_an_inquiry_whose_time_is_over_is_shown_so_and_cannot_be_answered(api):
    soon, far = ask(api, timeout_at=later(0.5)), ask(api, timeout_at=later(600))
    eventually(lambda: api.get(f"/inquiries/{soon['id']}")["data"]["status"] == "timeout")
    assert "timeout" in refused(api, "POST", f"/inquiries/{soon['id']}/respond", 400, {"response": {}})["error"]
    assert [i["id"] for i in api.get("/inquiries/status/TIMEOUT")["data"]] == [soon["id"]]
    assert [i["id"] for i in api.get("/inquiries/status/pending")["data"]] == [far["id"]]


def test_lists_are_filtered_and_paged_by_limit_and_offset(api):
    asked = [ask(api)["id"] for _ in range(3)]
    api.put(f"/inquiries/{asked[0]}", {"status": "cancelled"})
    assert [i["id"] for i in api.request("GET", "/inquiries?limit=1&offset=1", 200).json()["data"]] == [asked[1]]
    assert [i["id"] for i in api.get("/inquiries/status/canceled")["data"]] == [asked[0]]
    assert api.request("GET", "/inquiries?status=pending", 200).json()["pagination"]["total_items"] == 2
    assert "maybe" in refused(api, "GET", "/inquiries/status/maybe", 400)["error"]
    assert "maybe" in refused(api, "GET", "/inquiries?status=maybe", 400)["error"]


def test_an_update_sets_what_it_names(api):
    asked = ask(api)
    changed = api.put(f"/inquiries/{asked['id']}", {"status": "responded", "response": {"by": "hand"}})["data"]
    assert changed["status"] == "responded" and changed["response"] == {"by": "hand"} and changed["responded_at"] is None
    assert "status" in refused(api, "PUT", f"/inquiries/{asked['id']}", 422, {"status": "done"})["error"]
    refused(api, "PUT", "/inquiries/999999", 404, {"status": "pending"})
    refused(api, "DELETE", "/inquiries/999999", 404)


def test_only_the_assignee_may_answer(api):
    asked = ask(api)
    now = time.time_ns() // 1000 if api.kind == "embedded" else datetime.datetime.now(datetime.timezone.utc)
    for login in ("nobody", "somebody"):
        api.execute("insert into identity (login, created, updated) values (?, ?, ?)", login, now, now)
    other = api.rows("select id from identity where login = ?", "somebody")[0]["id"]
    api.put(f"/inquiries/{asked['id']}", {"assigned_to": other})
    assert "somebody else" in refused(api, "POST", f"/inquiries/{asked['id']}/respond", 403, {"response": {}})["error"]
    assert [(i["id"], i["assigned_login"]) for i in api.get("/inquiries", assigned_to=other)["data"]] == [(asked["id"], "somebody")]
    assert "somebody" in api.cli("inquiry", "list").out and ask(api)["id"]
    assert [i["assigned_login"] for i in api.get("/inquiries")["data"]] == [None, "somebody"]


@pytest.mark.parametrize("status, names, more", [
    (404, "999999", {"execution": 999999}),
    (404, "999999", {"assigned_to": 999999}),
    (422, "prompt", {"prompt": ""}),
    (422, "prompt", {"prompt": "x" * 10001}),
    (422, "timeout_at", {"timeout_at": "tomorrow"}),
    (422, "response_schema", {"response_schema": {"a": {"type": "nothing"}}}),
])
def test_an_inquiry_that_cannot_be_is_refused_by_name(api, status, names, more):
    body = {"execution": run(api)["id"], "prompt": "Go on?", **more}
    assert names in refused(api, "POST", "/inquiries", status, body)["error"]
    assert api.get("/inquiries")["data"] == []


def test_an_execution_has_one_inquiry(api):
    asked = ask(api)
    body = {"execution": asked["execution"], "prompt": "Again?"}
    assert str(asked["execution"]) in refused(api, "POST", "/inquiries", 409, body)["error"]


@pytest.mark.only("distributed")  # the bus of one process cannot be listened to from outside
def test_an_answer_is_told_to_whoever_waits(world):
    world.start(roles=("api", "worker", "sensor", "executor"))
    asked = ask(world)
    with world.amqp() as connection:
        channel = connection.channel()
        mine = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(mine, "attune.executions", "inquiry.responded")
        world.post(f"/inquiries/{asked['id']}/respond", {"response": {"n": 1}})
        got = eventually(lambda: channel.basic_get(mine, auto_ack=True)[2])
        queue = channel.queue_declare("attune.inquiry.responses.queue", passive=True).method
        assert eventually(lambda: channel.queue_declare(queue.queue, passive=True).method.message_count == 0)
    message = json.loads(got)
    assert message["message_type"] == "InquiryResponded"
    assert message["payload"]["inquiry_id"] == asked["id"] and message["payload"]["response"] == {"n": 1}


ROBOT = '''#!/usr/bin/env python3
import json, os, time, urllib.request, urllib.error
def ask(method, path, body=None):
    r = urllib.request.Request(os.environ["ATTUNE_API_URL"] + "/api/v1" + path, method=method, data=body and json.dumps(body).encode(),
                               headers={"Authorization": "Bearer " + os.environ["ATTUNE_API_TOKEN"], "Content-Type": "application/json"})
    try:
        a = urllib.request.urlopen(r, timeout=30)
        return a.status, json.load(a)
    except urllib.error.HTTPError as e:
        return e.code, json.load(e)
found = []
while not found:
    found = ask("GET", "/inquiries")[1]["data"]
    time.sleep(0.1)
at = f"/inquiries/{found[0]['id']}"
answer = {"response": {"ok": True}}
print(json.dumps([ask("POST", at + "/respond", answer)[0], ask("PUT", at, {"status": "responded", **answer})[0], ask("POST", at + "/links", {"expires_in": 60})[0]]))
'''


def test_so_many_people_of_a_role_answer_by_themselves_or_by_a_link_and_never_the_run_that_asks(world):
    world.add_pack("probe", {"pack.yaml": "ref: probe\nlabel: Probe\nversion: 1.0.0\n", "actions/robot.py": ROBOT,
                             "actions/robot.yaml": "ref: probe.robot\nlabel: R\nrunner_type: python\nentry_point: robot.py\noutput_format: json\n"})
    world.start()
    who = {login: person(world, login, ["core.admin"]) for login in ("ann", "bob", "cid")}
    token = {login: world.login(login, PASSWORD) for login in who}
    for login in ("ann", "bob"):
        world.post(f"/identities/{who[login]}/roles", {"role": "ops"}, 201)
    tasks = [{"name": "ask", "action": "core.ask", "input": {
                  "prompt": "Go?", "assigned_to": "role:ops", "required_responses": 2,
                  "response_schema": {"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}},
              "next": [{"publish": [{"said": "{{ map(result().responses, 'login') }}"}]}]},
             {"name": "robot", "action": "probe.robot", "permission_set_refs": ["core.admin"],
              "next": [{"publish": [{"tried": "{{ result().data }}"}]}]}]
    world.post("/workflows", {"ref": "probe.flow", "pack_ref": "probe", "label": "F", "version": "1", "definition": {
        "tasks": tasks, "output_map": {"said": "{{ vars.said }}", "tried": "{{ vars.tried }}"}}}, 201)
    flow = run(world, "probe.flow")
    asked = eventually(lambda: world.get("/inquiries/status/pending")["data"], seconds=60)[0]
    at = f"/inquiries/{asked['id']}"
    assert eventually(lambda: world.get(f"/executions/{asked['execution']}")["data"]["wait_reason"], seconds=30) == f"inquiry: {asked['id']}"
    say = lambda login, ok: call(world, "POST", at + "/respond", token[login], json={"response": {"ok": ok}})
    assert say("cid", True).status_code == 403 and "'ops'" in say("cid", True).json()["error"]
    assert say("ann", "maybe").status_code == 422
    first = say("ann", True)
    assert first.status_code == 200 and first.json()["data"]["status"] == "pending" and first.json()["data"]["responses_received"] == 1
    assert say("ann", True).status_code == 409
    head, row = world.cli("inquiry", "list", "--status", "pending").out.splitlines()[:2]
    assert row[head.index("GOT"):].split()[:2] == ["1", "2"] and "ops" in row
    refused(world, "POST", at + "/links", 422, {})
    refused(world, "POST", at + "/links", 403, {"identity": who["cid"]})
    link = world.post(at + "/links", {"identity": who["bob"]}, 201)["data"]
    use = lambda method, url, **kw: call(world, method, url, None, **kw)
    assert use("GET", link["url"]).json()["data"]["prompt"] == "Go?"
    assert use("GET", link["url"][:-2] + "xx").status_code == 404
    assert use("POST", link["url"], json={"response": {}}).status_code == 422
    world.post(f"/identities/{who['bob']}/freeze")
    assert use("POST", link["url"], json={"response": {"ok": False}}).status_code == 403
    world.post(f"/identities/{who['bob']}/unfreeze")
    assert use("POST", link["url"], json={"response": {"ok": False}}).json()["data"]["status"] == "responded"
    assert use("POST", link["url"], json={"response": {"ok": False}}).status_code == 409
    assert use("GET", link["url"]).status_code == 409
    done = world.get(f"/executions/{flow['id']}", wait_seconds=60)["data"]
    assert done["status"] == "completed" and done["result"]["said"] == ["ann", "bob"] and done["result"]["tried"] == [403] * 3
    assert [a["login"] for a in world.get(at)["data"]["answers"]] == ["ann", "bob"]


def test_a_link_needs_neither_a_body_nor_an_option(api):
    at = f"/inquiries/{ask(api)['id']}"
    link = api.post(at + "/links", None, 201)["data"]
    assert link["identity"] is None and link["expires_at"] > later(23 * 3600)
    said = api.cli("inquiry", "link", at.rpartition("/")[2])
    assert said.code == 0 and f"answers inquiry {link['inquiry']} once" in said.out
    url = said.out.split()[0]
    assert call(api, "POST", url, None, json={"response": {"ok": True}}).json()["data"]["status"] == "responded"
