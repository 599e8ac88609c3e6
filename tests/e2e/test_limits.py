"""Policies hold runs, failures are tried again, and what is for later waits for its time: the way through, in both worlds."""

import time

from harness import eventually

from test_api import refused


def ask(world, action="core.sleep", **more):
    return world.post("/executions/execute", {"action_ref": action, **more}, 201)["data"]


def ended(world, id):
    return world.get(f"/executions/{id}", wait_seconds=30)["data"]


def test_runs_of_one_key_go_one_after_the_other(world):
    world.start()
    world.post("/policies", {"ref": "core.one", "label": "One", "action_ref": "core.sleep",
                             "concurrency": {"limit": 1, "key": ["message"]}}, 201)
    same = [ask(world, parameters={"seconds": 1, "message": "a"})["id"] for _ in range(3)]
    other = ask(world, parameters={"seconds": 1, "message": "b"})["id"]
    def limited():  # until the worker is there, all wait for it
        e = world.get(f"/executions/{same[2]}")["data"]
        return e.get("wait_place") and e["wait_reason"] == "concurrency_limit: core.one" and e

    assert eventually(limited, seconds=30)["wait_policy"] == "core.one"
    runs = [ended(world, i) for i in same]
    assert [r["status"] for r in runs] == ["completed"] * 3 and ended(world, other)["status"] == "completed"
    for before, after in zip(runs, runs[1:]):
        assert before["finished_at"] <= after["started_at"]


def test_lists_and_the_status_say_of_everything_that_waits_which_policy_holds_it(world):
    world.start()
    world.cli("policy", "create", "--ref", "core.one", "--action", "core.sleep", "--concurrency", '{"limit": 1}')
    world.cli("policy", "create", "--ref", "core.slow", "--action", "core.noop", "--rate",
              '{"limit": 1, "per_seconds": 3600, "burst": 1}')
    lines = [("core.sleep", {"seconds": 300}, "concurrency_limit", "core.one"), ("core.noop", {}, "rate_limit", "core.slow")]
    ids = {action: [ask(world, action, parameters=given)["id"] for _ in range(5)] for action, given, *_ in lines}
    for action, _, why, policy in lines:
        first = ids[action][0]
        eventually(lambda: world.get(f"/executions/{first}")["data"]["status"] not in ("requested", "scheduled"), seconds=60)
        eventually(lambda: world.get(f"/executions/{ids[action][1]}")["data"]["wait_reason"] == f"{why}: {policy}", seconds=60)
        listed = world.get(f"/executions?status=requested&action_ref={action}")["data"]
        assert {e["id"]: e["wait_reason"] for e in listed} == dict.fromkeys(ids[action][1:], f"{why}: {policy}")
        wide = world.cli("execution", "list", "--action", action, "--status", "requested", "-o", "wide").out
        assert wide.count(f"{why}: {policy}") == 4, wide
    world.post("/packs", {"ref": "mine", "label": "Mine", "version": "1.0.0"}, 201)
    world.post("/workflows", {"ref": "mine.many", "pack_ref": "mine", "label": "Many", "version": "1", "definition": {"tasks": [
        {"name": "a", "action": "core.sleep", "with_items": [1, 2, 3], "concurrency": 3, "input": {"seconds": 300}}]}}, 201)
    many = ask(world, "mine.many")["id"]
    def waits():
        tasks = world.get(f"/executions/{many}/workflow", None)
        return [r["wait_reason"] for t in tasks.get("data", {}).get("tasks", []) for r in t["runs"]]
    eventually(lambda: waits() == ["concurrency_limit: core.one"] * 3, seconds=60)
    said = world.cli("status").out
    assert {tuple(line.split()[:2]) for line in said.splitlines() if "_limit" in line} == {
        ("concurrency_limit", "7"), ("rate_limit", "4")} and "queued" not in said, said


def test_a_failed_run_is_tried_again_and_its_retries_name_it(world):
    world.start()
    world.post("/packs", {"ref": "mine", "label": "Mine", "version": "1.0.0"}, 201)
    body = {"ref": "mine.bad", "pack_ref": "mine", "label": "Bad", "entrypoint": "exit 3", "runtime_ref": "core.shell"}
    assert "retry/count" in refused(world, "POST", "/actions", 422, {**body, "retry": {"count": "two"}})["error"]
    world.post("/actions", {**body, "retry": {"count": 1, "delay": 0.5}}, 201)
    first = ask(world, "mine.bad")["id"]
    assert ended(world, first)["status"] == "failed"
    again = eventually(lambda: world.rows("select id from execution where original_execution = ?", first), seconds=30)[0]["id"]
    second = ended(world, again)
    assert second["status"] == "failed" and second["retry_count"] == 1 and second["retry_reason"] == "failed"
    world.cli("execution", "retry", first)
    newest = world.rows("select max(id) as id from execution where original_execution = ? and retry_reason = 'manual'", first)
    third = ended(world, newest[0]["id"])
    assert third["original_execution"] == first and third["retry_reason"] == "manual"


def test_a_run_for_later_begins_in_its_time_and_a_paused_one_when_it_is_resumed(world):
    world.start()
    began = time.time()
    later = ask(world, "core.noop", delay="2s")
    assert later["status"] == "requested" and later["wait_reason"] == "delay" and later["due_at"]
    held = ask(world, "core.noop", delay=1)["id"]
    assert world.post(f"/executions/{held}/pause")["data"]["wait_reason"] == "paused"
    done = ended(world, later["id"])
    assert done["status"] == "completed" and time.time() - began >= 1.9
    assert world.get(f"/executions/{held}")["data"]["status"] == "requested"
    world.post(f"/executions/{held}/resume")
    assert ended(world, held)["status"] == "completed"
    assert "only a run that waits" in refused(world, "POST", f"/executions/{held}/pause", 409)["error"]


def test_a_breaker_holds_what_would_fail_and_closes_when_what_it_lets_through_is_well(world):
    world.start()
    world.post("/packs", {"ref": "mine", "label": "Mine", "version": "1.0.0"}, 201)
    world.post("/actions", {"ref": "mine.call", "pack_ref": "mine", "label": "Call", "entrypoint": "exit 3",
                            "runtime_ref": "core.shell"}, 201)
    world.cli("policy", "create", "--ref", "mine.breaker", "--action", "mine.call",
              "--breaker", '{"failures": 2, "within": "5m", "open_for": "1h"}')
    assert [ended(world, ask(world, "mine.call")["id"])["status"] for _ in range(2)] == ["failed"] * 2
    held = [ask(world, "mine.call")["id"] for _ in range(2)]
    for place, id in enumerate(held, 1):
        row = eventually(lambda: (e := world.get(f"/executions/{id}")["data"]) and e["wait_reason"] != "queued" and e, seconds=30)
        assert (row["status"], row["wait_reason"], row["wait_policy"], row["wait_place"]) == (
            "requested", "breaker_open: mine.breaker", "mine.breaker", place)
    shown = world.cli("execution", "show", held[1]).out
    assert "breaker_open: mine.breaker" in shown and any(line.split() == ["wait_place", "2"] for line in shown.splitlines()), shown
    world.put("/actions/mine.call", {"entrypoint": "exit 0"})
    world.cli("policy", "set", "mine.breaker", "--breaker", '{"failures": 2, "within": "5m", "open_for": 0.1}')
    held.append(ask(world, "mine.call")["id"])
    runs = [ended(world, id) for id in held]
    assert [r["status"] for r in runs] == ["completed"] * 3 and runs[0]["finished_at"] <= runs[1]["started_at"]
