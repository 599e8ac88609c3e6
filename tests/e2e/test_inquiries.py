"""Inquiries: asked for an execution, answered once, in time, by whom it may be."""

import datetime
import json
import time

import pytest

from harness import eventually
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
    assert [i["id"] for i in api.get("/inquiries", assigned_to=other)["data"]] == [asked["id"]]


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
