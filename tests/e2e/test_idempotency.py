"""A request that is sent again under its Idempotency-Key: the same answer, and nothing is done twice."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from harness import eventually, free_port

NOOP = {"action_ref": "core.noop"}


def send(world, key, body, path="/executions/execute", base=None, status=None):
    answer = world.http.post((base or world.url) + "/api/v1" + path, json=body, headers={"Idempotency-Key": key}, timeout=30)
    assert status in (None, answer.status_code), answer.text
    return answer


def runs(world):
    return world.rows("select count(*) n from execution")[0]["n"]


def test_the_same_request_under_its_key_is_answered_alike_and_done_once_even_after_a_restart(world):
    process, *_ = world.start()
    key = uuid.uuid4().hex
    first = send(world, key, NOOP, status=201)
    again = send(world, key, NOOP, status=201)
    assert again.content == first.content and again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers and runs(world) == 1
    world.wait_ready([world.relaunch(world.kill("api"))])
    after = send(world, key, NOOP, status=201)
    assert after.content == first.content and runs(world) == 1
    assert send(world, uuid.uuid4().hex, NOOP, status=201).json()["data"]["id"] != first.json()["data"]["id"]


def test_a_key_used_for_another_request_is_refused_and_does_nothing(world):
    world.start()
    key = uuid.uuid4().hex
    send(world, key, NOOP, status=201)
    refused = send(world, key, {"action_ref": "core.echo"}, status=409).json()
    assert refused["code"] == "CONFLICT" and key in refused["error"]
    send(world, key, {"trigger_ref": "core.alert", "payload": {}}, "/events", status=409)
    assert runs(world) == 1 and world.rows("select count(*) n from event")[0]["n"] == 0
    for bad in ("", "x" * 256, "a b"):
        assert send(world, bad, NOOP, status=400).json()["code"] == "BAD_REQUEST"


def test_what_failed_did_nothing_and_may_be_tried_again_under_its_key(world):
    world.start()
    key, ref = uuid.uuid4().hex, "core.later"
    send(world, key, {"action_ref": ref}, status=404)
    world.post("/actions", {"ref": ref, "pack_ref": "core", "label": "L", "entrypoint": "exit 0", "runtime_ref": "core.shell"}, 201)
    made = send(world, key, {"action_ref": ref}, status=201)
    assert send(world, key, {"action_ref": ref}).content == made.content and runs(world) == 1


@pytest.mark.parametrize("what", ["run", "event", "rule"])
def test_of_many_at_the_same_time_one_is_done_and_all_get_its_answer(world, what):
    world.start()
    path, body, table = {
        "run": ("/executions/execute", NOOP, "execution"),
        "event": ("/events", {"trigger_ref": "core.alert", "payload": {"n": 1}}, "event"),
        "rule": ("/rules", {"ref": "core.once", "pack_ref": "core", "label": "R", "action_ref": "core.noop",
                            "trigger_ref": "core.alert", "enabled": False}, "rule where ref = 'core.once'"),
    }[what]
    bases = [world.url]
    if not world.embedded:
        port = free_port()
        bases.append(f"http://127.0.0.1:{port}")
        other = world.launch("api", {"server": {"port": port}})
        eventually(lambda: "API listening" in other.output())
    with ThreadPoolExecutor(12) as pool:
        for _ in range(1 if what == "rule" else 5):
            before, key = world.rows(f"select count(*) n from {table}")[0]["n"], uuid.uuid4().hex
            answers = list(pool.map(lambda i: send(world, key, body, path, bases[i % len(bases)]), range(12)))
            assert {a.status_code for a in answers} == {201}, [a.text for a in answers]
            assert len({a.content for a in answers}) == 1
            assert world.rows(f"select count(*) n from {table}")[0]["n"] == before + 1


@pytest.mark.only("distributed")  # embedded, the sensor passes the same points
@pytest.mark.parametrize("point", ["ingest.before_commit", "ingest.after_commit"])
def test_a_crash_leaves_the_effect_with_its_answer_or_neither(world, point):
    world.start()
    process = world.kill("api")
    process.env["ATTUNE_CRASH_POINT"] = point
    process = world.relaunch(process)
    world.wait_ready([process])
    key, event = uuid.uuid4().hex, {"trigger_ref": "core.alert", "payload": {"n": 1}}
    with pytest.raises(requests.ConnectionError):
        send(world, key, event, "/events")
    process.wait()
    process.env.pop("ATTUNE_CRASH_POINT")
    world.wait_ready([world.relaunch(process)])
    done = point == "ingest.after_commit"
    assert world.rows("select count(*) n from event")[0]["n"] == done
    answer = send(world, key, event, "/events", status=201)
    assert world.rows("select count(*) n from event")[0]["n"] == 1
    assert ("Idempotency-Replayed" in answer.headers) == done
    assert send(world, key, event, "/events", status=201).content == answer.content
