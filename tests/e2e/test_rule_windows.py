"""Rules that hold back and wait, through the API, the command line and a kill."""

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
