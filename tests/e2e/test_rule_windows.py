"""Rules that hold back and wait, through the API, the command line and a kill."""

import contextlib
import json
import threading

import requests
from harness import eventually
from work import rule


def met(world, ref):
    return [r["event"] for r in world.rows("select event from enforcement where rule_ref = ? order by id", ref)]


def emit(world, trigger, payload):
    return world.post("/events", {"trigger_ref": trigger, "payload": payload}, 201)["data"]["id"]


def test_a_debounced_rule_acts_once_after_the_silence_also_across_a_kill(world):
    world.start()
    world.post("/triggers", {"ref": "core.noise", "pack_ref": "core", "label": "noise", "enabled": True}, 201)
    made = rule(world, "core.calm", "core.noise", debounce={"quiet": "2s"}, throttle={"limit": 5, "per": "1m"})
    assert made["debounce"] == {"quiet": "2s"} and world.get("/rules/core.calm")["data"]["throttle"]["limit"] == 5
    last = [emit(world, "core.noise", {"n": n}) for n in range(3)][-1]
    dead = [world.kill("up")] if world.kind == "embedded" else [world.kill(r) for r in ("api", "executor", "sensor")]
    world.wait_ready([world.relaunch(d) for d in dead])
    assert eventually(lambda: met(world, "core.calm"), seconds=60) == [last]


def test_a_kill_amid_throttles_and_pairs_loses_nothing_and_lets_no_more_through(world):
    world.start()
    for ref in ("core.drip", "core.pair"):
        world.post("/triggers", {"ref": ref, "pack_ref": "core", "label": ref, "enabled": True}, 201)
    rule(world, "core.few", "core.drip", throttle={"limit": 5, "per": "1h", "key": "{{ event.payload.key }}"})
    rule(world, "core.first", "core.drip", once_within={"within": "1h", "key": "{{ event.payload.key }}"})
    sides = [{"trigger_ref": "core.pair", "as": side, "conditions": [{"field": "side", "operator": "equals", "value": side}]}
             for side in ("left", "right")]
    rule(world, "core.both", "core.pair", triggers=sides,
         correlate={"mode": "all", "within": "1h", "key": "{{ event.payload.id }}"}, action_params={"message": "x"})
    for n in range(3):
        emit(world, "core.drip", {"key": "a", "n": n})
    halves = {n: emit(world, "core.pair", {"side": "left", "id": n}) for n in range(4)}
    over, taken = threading.Event(), []

    def drip():
        """Through the kill, whether it is heard or not."""
        while not over.is_set():
            with contextlib.suppress(requests.RequestException, AssertionError):
                taken.append(emit(world, "core.drip", {"key": "b"}))

    senders = [threading.Thread(target=drip) for _ in range(4)]
    for s in senders:
        s.start()
    try:
        eventually(lambda: len(taken) >= 3)
        dead = [world.kill("up")] if world.kind == "embedded" else [world.kill(r) for r in ("api", "executor", "sensor")]
        world.wait_ready([world.relaunch(d) for d in dead])
        had = len(taken)
        eventually(lambda: len(taken) >= had + 10)
    finally:
        over.set()
        for s in senders:
            s.join()
    for n in range(4):
        emit(world, "core.drip", {"key": "a", "n": n})
        emit(world, "core.pair", {"side": "right", "id": n})
    keys = {r["id"]: json.loads(r["payload"])["key"] for r in world.rows("select id, payload from event where trigger_ref = 'core.drip'")}
    assert set(taken) <= set(keys)  # nothing that was answered is lost
    assert sorted(keys[e] for e in met(world, "core.few")) == ["a"] * 5 + ["b"] * 5
    assert sorted(keys[e] for e in met(world, "core.first")) == ["a", "b"]
    assert len(met(world, "core.both")) == len(halves)
    eventually(lambda: len(world.rows("select id from execution where rule_ref = 'core.both'")) == len(halves))


def test_a_key_that_tells_no_events_apart_is_refused(running):
    def refusal(key):
        body = {"ref": "lab.keyed", "pack_ref": "lab", "label": "x", "action_ref": "core.echo", "trigger_ref": "lab.thing",
                "once_within": {"within": "1h", "key": key}}
        return running.post("/rules", body, 422)["error"]

    assert "once_within.key: '{{' is never closed: add '}}'" in refusal("{{ event.payload.host")
    assert "once_within.key: in '{{ event.payload.host + }}'" in refusal("{{ event.payload.host + }}")
    assert "once_within.key looks at nothing that events differ in" in refusal("{{ payload.host }}")
    assert not running.rows("select id from rule where ref = 'lab.keyed'")


def test_a_rule_on_two_triggers_waits_for_both(running):
    made = running.cli("rule", "create", "-n", "pair", "-p", "lab", "-t", "lab.thing", "-a", "core.echo",
                       "--triggers", '[{"trigger_ref": "lab.thing", "as": "left", "conditions": [{"field": "side", "operator": '
                       '"equals", "value": "l"}]}, {"trigger_ref": "lab.thing", "as": "right", "conditions": [{"field": "side", '
                       '"operator": "equals", "value": "r"}]}]', "--correlate", '{"mode": "all", "within": "5m", "key": '
                       '"{{ event.payload.id }}"}', "--action-params", '{"message": "{{ events.left.payload.n }} and '
                       '{{ events.right.payload.n }}"}')
    assert "created" in made.out
    emit(running, "lab.thing", {"side": "l", "id": 1, "n": "one"})
    emit(running, "lab.thing", {"side": "r", "id": 2, "n": "other"})
    assert not met(running, "lab.pair")
    second = emit(running, "lab.thing", {"side": "r", "id": 1, "n": "two"})
    assert met(running, "lab.pair") == [second]
    run = eventually(lambda: running.rows("select result from execution where rule_ref = 'lab.pair' and status = 'completed'"), seconds=60)
    assert "one and two" in run[0]["result"]
    running.delete("/rules/lab.pair")


def test_nonsense_about_windows_is_refused_by_name(running):
    def refusal(**more):
        body = {"ref": "lab.bad", "pack_ref": "lab", "label": "x", "action_ref": "core.echo", "trigger_ref": "lab.thing"}
        return running.post("/rules", body | more, 422)["error"]

    assert "throttle.limit" in refusal(throttle={"limit": 0, "per": 1})
    assert "debounce.quiet" in refusal(debounce={"quiet": "soon"})
    assert "'often' is not known" in refusal(once_within={"within": 5, "often": True})
    assert "needs `correlate`" in refusal(triggers=[{"trigger_ref": "lab.thing"}])


def test_a_rule_says_why_it_acted_or_did_not(running):
    wants = [{"field": "size", "operator": "gt", "value": 3}, {"expression": "event.payload.colour == 'red'"}]
    rule(running, "lab.why", "lab.thing", conditions=wants, once_within={"within": "1h"})
    yes, again = (emit(running, "lab.thing", {"size": 5, "colour": "red"}) for _ in range(2))
    no = emit(running, "lab.thing", {"size": 2})

    def told(event):
        return running.get("/rules/lab.why/explain", event=event)["data"][0]

    assert told(yes)["outcome"] == "enforced" and told(yes)["enforcement"]
    assert told(again)["outcome"] == "held" and told(again)["reason"].startswith("once_within: 1 passed")
    missed = told(no)
    assert missed["outcome"] == "not_met" and missed["conditions"]["holds"] is False
    size, colour = missed["conditions"]["all"]
    assert size == {"field": "size", "operator": "gt", "value": 3, "found": True, "saw": 2, "holds": False}
    assert colour["holds"] is False and "colour" in colour["problem"]
    out = running.cli("rule", "explain", "lab.why").out
    assert "once_within" in out and "conditions were not met" in out
    running.delete("/rules/lab.why")


def test_a_rule_can_be_tried_on_what_has_happened_without_acting(running, tmp_path):
    event = emit(running, "lab.thing", {"size": 9})
    file = tmp_path / "big.yaml"
    file.write_text("ref: lab.what_if\ntrigger_ref: lab.thing\nconditions: [{field: size, operator: gte, value: 9}]\n"
                    "action_params: {message: '{{ event.payload.size }} is big'}\n")
    out = running.cli("rule", "test", str(file), "--event", str(event)).out
    assert "9 is big" in out
    rows = running.post("/rules/test", {"rule": {"trigger_ref": "lab.thing", "conditions": {"expression": "event.payload.size < 5"}},
                                        "since": "1h"}, 200)["data"]
    assert any(r["event"] == event and not r["met"] for r in rows)
    assert "give what to try" in running.post("/rules/test", {"rule": {"trigger_ref": "lab.thing"}}, 422)["error"]
    assert not met(running, "lab.what_if")
