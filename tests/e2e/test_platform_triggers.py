"""Rules that react to the platform itself, and where reactions to reactions end."""

import json

from harness import eventually


def rule(world, name, trigger, action="core.noop", **more):
    return world.post("/rules", {"ref": f"core.{name}", "pack_ref": "core", "label": name, "trigger_ref": trigger,
                                 "action_ref": action, **more}, 201)["data"]


def completions(world):
    return world.rows("select * from event where trigger_ref = 'core.execution_completed' order by id")


def run(world, action, **parameters):
    return world.post("/executions/execute", {"action_ref": action, "parameters": parameters}, 201)["data"]["id"]


def test_a_rule_can_react_to_the_end_of_a_run_which_costs_nothing_while_none_does(world):
    world.start()
    quiet = run(world, "core.echo", message="nobody listens")
    eventually(lambda: world.get(f"/executions/{quiet}")["data"]["status"] == "completed", 30)
    assert completions(world) == []
    rule(world, "after_echo", "core.execution_completed",
         conditions=[{"field": "action_ref", "operator": "equals", "value": "core.echo"}])
    heard = run(world, "core.echo", message="now")
    (made,) = eventually(lambda: world.rows("select * from execution where rule_ref = 'core.after_echo'"), 30)
    event = completions(world)[0]
    said = json.loads(event["payload"])
    assert said["execution_id"] == heard and said["action_ref"] == "core.echo" and said["status"] == "completed"
    assert said["succeeded"] is True and said["duration_ms"] >= 0 and event["depth"] == 1
    assert event["correlation_id"] == made["correlation_id"]  # one chain, shown by attune trace
    eventually(lambda: len(completions(world)) == 2)  # of what the rule ran, which the rule does not want
    assert completions(world)[1]["depth"] == 2
    world.delete("/rules/core.after_echo")
    run(world, "core.echo", message="nobody listens any more")
    eventually(lambda: not world.rows("select id from execution where finished_at is null"), 30)
    assert len(completions(world)) == 2


def test_rules_that_start_each_other_come_to_an_end_that_says_so(world):
    world.start()
    rule(world, "loop", "core.execution_completed")
    run(world, "core.noop")
    eventually(lambda: len(completions(world)) == 17, 60)
    eventually(lambda: not world.rows("select id from execution where finished_at is null"), 30)
    events = completions(world)
    assert [e["depth"] for e in events] == list(range(1, 18))
    assert len(world.rows("select id from execution where rule_ref = 'core.loop'")) == 16
    assert "give one of them a condition" in json.loads(events[-1]["config"])["stopped"]
    assert "16 reactions" in json.loads(events[-1]["config"])["stopped"] and not events[-2]["config"]
    assert "16 reactions" in world.get(f"/events/{events[-1]['id']}")["data"]["config"]["stopped"]
    assert f"Event {events[-1]['id']} of 'core.execution_completed' meets no rule" in world.logs()
    assert len({e["correlation_id"] for e in events}) == 1


def test_an_event_that_a_run_reports_is_a_reaction_too(world):
    world.add_pack("loop", {
        "pack.yaml": "ref: loop\nlabel: Loop\nversion: 1.0.0\n",
        "triggers/again.yaml": "ref: loop.again\nlabel: Again\n",
        "permission_sets/say.yaml": "ref: loop.say\nlabel: Say\ngrants:\n  - {resource: events, actions: [create]}\n",
        "actions/say.yaml": "ref: loop.say\nrunner_type: python\nentry_point: say.py\n"
                            "default_execution_permission_set_refs: [loop.say]\n",
        "actions/say.py": "import json, os, urllib.request\n"
                          "r = urllib.request.Request(os.environ['ATTUNE_API_URL'] + '/api/v1/events',"
                          " json.dumps({'trigger_ref': 'loop.again', 'payload': {}}).encode(),"
                          " {'Authorization': 'Bearer ' + os.environ['ATTUNE_API_TOKEN'], 'Content-Type': 'application/json'})\n"
                          "urllib.request.urlopen(r, timeout=60).read()\n",
        "rules/again.yaml": "ref: loop.again\ntrigger_ref: loop.again\naction_ref: loop.say\n",
    })
    world.start()
    world.post("/events", {"trigger_ref": "loop.again", "payload": {}}, 201)
    rows = eventually(lambda: (r := world.rows("select depth from event where trigger_ref = 'loop.again' order by id"))[-1]["depth"] == 17 and r, 90)
    assert [r["depth"] for r in rows] == list(range(18))
    eventually(lambda: not world.rows("select id from execution where finished_at is null"), 30)
    assert len(world.rows("select id from event where trigger_ref = 'loop.again'")) == 18
