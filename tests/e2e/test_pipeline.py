"""The whole path: an event, a rule, an enforcement, an execution, a worker, a stored result. Rows are looked at on each hop."""

import glob
import json
import os

import pytest
import yaml
from harness import eventually
from work import (add_test_pack, ask, calm, do, in_state, ledger_path, look, moves, now_us, processes_of, rule, settled,
                  ticking, waits_for)


def ticks_of(world, ref):
    return world.rows("select id, created, payload, tick_key from event where rule_ref = ? order by id", ref)


# ---- the happy path


def test_a_timer_tick_becomes_a_completed_execution_and_each_hop_is_a_row(running):
    rule(running, "lab.happy", trigger_params=ticking(), action_params={"message": "tick {{ event.payload.execution_count }}"})
    done = eventually(lambda: running.rows("select * from execution where rule_ref = 'lab.happy' and status = 'completed' order by id"))[0]
    running.delete("/rules/lab.happy")

    (enforcement,) = running.rows("select * from enforcement where id = ?", done["enforcement"])
    assert (enforcement["rule_ref"], enforcement["trigger_ref"]) == ("lab.happy", "core.intervaltimer")
    assert enforcement["status"] == "processed" and enforcement["resolved_at"] >= enforcement["created"]

    (event,) = running.rows("select * from event where id = ?", enforcement["event"])
    tick = json.loads(event["payload"])
    assert event["trigger_ref"] == "core.intervaltimer" and event["tick_key"]
    assert tick["type"] == "interval" and tick["interval_seconds"] == 1 and tick["execution_count"] >= 1

    assert done["action_ref"] == "core.echo" and done["attempt"] == 1
    assert json.loads(done["config"])["message"] == f"tick {tick['execution_count']}"
    result = json.loads(done["result"])
    assert result["stdout"] == f"tick {tick['execution_count']}\n" and result["exit_code"] == 0 and result["succeeded"] is True

    (worker,) = running.rows("select * from worker where id = ?", done["worker"])
    assert worker["status"] == "active" and "shell" in json.dumps(json.loads(worker["capabilities"]))

    assert event["correlation_id"] == enforcement["correlation_id"] == done["correlation_id"]
    assert event["created"] <= enforcement["created"] <= done["created"] <= done["started_at"] <= done["finished_at"]

    line = moves(done)
    assert [m.state for m in line][-3:] == ["scheduled", "running", "completed"]
    assert all(m.by for m in line) and [m.at for m in line] == sorted(m.at for m in line)


def test_the_api_tells_the_same_story_as_the_rows(running):
    rule(running, "lab.story", "lab.thing", action_params={"message": "{{ event.payload.text }}"})
    event = running.post("/events", {"trigger_ref": "lab.thing", "payload": {"text": "told"}}, 201)["data"]
    run = eventually(lambda: running.get("/executions", rule_ref="lab.story")["data"])[0]
    shown = settled(running, run["id"])
    running.delete("/rules/lab.story")

    assert shown["status"] == "completed" and shown["result"]["stdout"] == "told\n"
    assert [m["status"] for m in shown["timeline"]][-3:] == ["scheduled", "running", "completed"]
    enforcement = running.get(f"/enforcements/{shown['enforcement']}")["data"]
    assert enforcement["event"] == event["id"] and enforcement["status"] == "processed"
    assert running.get(f"/events/{event['id']}")["data"]["payload"] == {"text": "told"}
    trace = running.cli("trace", shown["id"]).out
    for word in ("event", "lab.story", "enforcement", "core.echo", "completed"):
        assert word in trace, f"'{word}' is missing in:\n{trace}"


def test_an_event_meets_only_the_rules_whose_conditions_it_meets(running):
    north = [{"field": "where", "operator": "equals", "value": "north"}]
    rule(running, "lab.north", "lab.thing", conditions=north)
    rule(running, "lab.anywhere", "lab.thing")
    rule(running, "lab.off", "lab.thing", enabled=False)
    there = running.post("/events", {"trigger_ref": "lab.thing", "payload": {"where": "north"}}, 201)["data"]["id"]
    elsewhere = running.post("/events", {"trigger_ref": "lab.thing", "payload": {"where": "south"}}, 201)["data"]["id"]

    def met(event):
        return {r["rule_ref"] for r in running.rows("select rule_ref from enforcement where event = ?", event)}

    assert met(there) == {"lab.north", "lab.anywhere"} and met(elsewhere) == {"lab.anywhere"}
    for ref in ("lab.north", "lab.anywhere", "lab.off"):
        running.delete(f"/rules/{ref}")


def test_what_templates_decode_is_always_something_that_can_be_stored(running):
    """One rule's parameters must not make the event of all rules impossible."""
    rule(running, "lab.decodes", "lab.thing", action_params={
        "message": "{{ base64_decode(event.payload.x) }}", "more": "{{ from_json(event.payload.j) }}"})
    running.post("/events", {"trigger_ref": "lab.thing", "payload": {"x": "YQBi", "j": '[1e131073, -1e131000, "\\u0000"]'}}, 201)
    (row,) = eventually(lambda: running.get("/executions", rule_ref="lab.decodes")["data"])
    config = running.get(f"/executions/{row['id']}")["data"]["config"]
    assert config["message"] == "a\ufffdb" and config["more"] == ["1e131073", "-1e131000", "\ufffd"]
    running.delete("/rules/lab.decodes")


# ---- timers follow their rules


def test_a_rule_starts_changes_and_stops_ticking_at_once(running):
    rule(running, "lab.timer", trigger_params=ticking(3600))
    calm(1.5)
    assert not ticks_of(running, "lab.timer"), "an interval of an hour must not fire yet"

    changed = now_us()
    running.put("/rules/lab.timer", {"trigger_params": ticking(1)})
    first = eventually(lambda: ticks_of(running, "lab.timer"), 5)[0]
    assert first["created"] - changed < 3_000_000, "the changed interval counts from the change"

    running.post("/rules/lab.timer/disable")
    stopped = now_us() + 300_000  # a tick may be on its way
    calm(2.5)
    assert not [t for t in ticks_of(running, "lab.timer") if t["created"] > stopped], "a disabled rule ticks"

    running.post("/rules/lab.timer/enable")
    count = len(ticks_of(running, "lab.timer"))
    eventually(lambda: len(ticks_of(running, "lab.timer")) > count, 5, "an enabled rule ticks again")

    running.delete("/rules/lab.timer")
    running.get("/rules/lab.timer", 404)
    stopped = now_us() + 300_000
    calm(2.5)
    assert not [t for t in ticks_of(running, "lab.timer") if t["created"] > stopped], "a deleted rule ticks"


def test_ticks_come_at_their_interval_without_drift_and_once_each(running):
    rule(running, "lab.steady", trigger_params=ticking(1))
    eventually(lambda: len(ticks_of(running, "lab.steady")) >= 5, 15)
    running.delete("/rules/lab.steady")
    ticks = ticks_of(running, "lab.steady")
    counts = [json.loads(t["payload"])["execution_count"] for t in ticks]
    assert len({t["tick_key"] for t in ticks}) == len(ticks)
    assert counts == list(range(counts[0], counts[0] + len(counts))), f"a tick is missing or double: {counts}"
    late = [(t["created"] - ticks[0]["created"]) - (n - counts[0]) * 1_000_000 for t, n in zip(ticks, counts)]
    assert all(abs(us) < 800_000 for us in late), f"off by microseconds: {late}"


def test_the_demo_ticks_at_once_and_goes_on_after_a_restart(world):
    world.start(config={"demo": True})
    ready = now_us()
    first = eventually(lambda: world.rows("select * from execution where rule_ref = 'core.timer_echo' and status = 'completed'"), 8)[0]
    assert json.loads(first["result"])["stdout"] == "hello, world\n"
    assert first["created"] - ready < 3_000_000, "the first tick of the demo comes at once, not after its interval"
    world.stop()

    for p in world.processes:
        world.relaunch(p)
    world.wait_ready()
    eventually(lambda: len(ticks_of(world, "core.timer_echo")) > 1, 15, "the next tick comes after the restart")
    counts = [json.loads(t["payload"])["execution_count"] for t in ticks_of(world, "core.timer_echo")]
    assert counts == sorted(set(counts)), f"the count goes on over the restart: {counts}"


# ---- running actions


def test_an_execution_asked_for_by_api_completes(running):
    row = do(running, "core.echo", {"message": "it's \"quoted\" $HOME `x` é\nand a second line"})
    assert row["status"] == "completed"
    assert row["result"]["stdout"] == "it's \"quoted\" $HOME `x` é\nand a second line\n"
    assert row["action_ref"] == "core.echo" and row["started_at"] and row["finished_at"]


def test_the_command_line_waits_and_its_exit_code_tells_how_it_ended(running):
    assert "from the shell" in running.cli("action", "execute", "core.echo", "--param", "message=from the shell", "--wait").out
    running.cli("action", "execute", "core.noop", "--param", "exit_code=3", "--wait", code=1)
    running.cli("action", "execute", code=2)
    running.cli("action", "execute", "core.echo", code=3, env={"ATTUNE_API_URL": "http://127.0.0.1:1"})


@pytest.mark.parametrize("code", [1, 2, 127, 255])
def test_the_exit_code_of_a_failure_is_kept(running, code):
    row = do(running, "lab.mark", {"exit_code": code})
    assert row["status"] == "failed" and row["result"]["exit_code"] == code and row["result"]["succeeded"] is False
    assert row["result"]["error"]


def test_an_action_killed_by_a_signal_has_failed_and_says_so(running):
    row = do(running, "lab.signalled")
    assert row["status"] == "failed" and "SIGKILL" in row["result"]["error"]


def test_what_does_not_exist_is_404_with_its_name(running):
    for method, path, body, name in (
            ("POST", "/executions/execute", {"action_ref": "lab.nosuch"}, "lab.nosuch"),
            ("POST", "/events", {"trigger_ref": "lab.notrigger", "payload": {}}, "lab.notrigger"),
            ("GET", "/rules/lab.norule", None, "lab.norule"),
            ("GET", "/packs/nopack", None, "nopack"),
            ("GET", "/actions/lab.noaction", None, "lab.noaction"),
            ("GET", "/executions/987654321", None, "987654321")):
        answer = running.request(method, path, 404, json=body).json()
        assert name in answer["error"] and answer["code"] == "NOT_FOUND", answer


@pytest.mark.parametrize("language", ["python", "node", "native"])
def test_actions_of_other_languages_get_their_parameters_and_give_data(running, language):
    row = do(running, f"lab.{language}", {"n": 9007199254740993, "s": "é"})
    assert row["status"] == "completed", row["result"]
    data = row["result"]["data"]
    assert data["language"] == language and data["id"] == str(row["id"]) and data["got"]["s"] == "é"
    if language != "node":  # whose numbers end at 2^53
        assert data["got"]["n"] == 9007199254740993


@pytest.mark.parametrize("delivery", ["stdin", "file"])
@pytest.mark.parametrize("fmt", ["json", "dotenv", "yaml"])
def test_parameters_arrive_in_the_declared_format(running, fmt, delivery):
    given = {"a": {"b": 1}, "list": [1, "two"], "none": None, "text": "it's\nlong"}
    row = do(running, f"lab.show_{delivery}_{fmt}", given)
    assert row["status"] == "completed", row["result"]
    text = row["result"]["stdout"]
    if fmt == "dotenv":
        assert text == "a.b='1'\nlist='[1,\"two\"]'\nnone=''\ntext='it'\\''s\nlong'\n"
    else:
        assert (json.loads if fmt == "json" else yaml.safe_load)(text) == given


def test_parameters_that_break_the_schema_fail_at_once_and_reach_no_worker(running):
    row = running.post("/executions/execute", {"action_ref": "lab.strict", "parameters": {"count": 0}}, 201)["data"]
    assert row["status"] == "failed" and "count" in row["result"]["error"] and not row.get("started_at")
    row = running.post("/executions/execute", {"action_ref": "lab.strict"}, 201)["data"]
    assert row["status"] == "failed" and "count" in row["result"]["error"]
    assert do(running, "lab.strict", {"count": "7"})["status"] == "completed", "a plain number in quotes is a number"


def test_a_number_where_a_text_is_wanted_is_given_as_its_text(running):
    rule(running, "lab.counted", "lab.thing", action_params={"message": "{{ event.payload.n }}"})
    running.post("/events", {"trigger_ref": "lab.thing", "payload": {"n": 42}}, 201)
    run = eventually(lambda: running.get("/executions", rule_ref="lab.counted")["data"])[0]
    running.delete("/rules/lab.counted")
    shown = settled(running, run["id"])
    assert shown["result"]["stdout"] == "42\n" and shown["config"]["message"] == "42"
    assert running.cli("action", "execute", "core.echo", "--param", "message=5", "--wait").out == "5\n"


def test_environment_given_by_the_caller_reaches_the_action_and_the_workers_own_does_not(world):
    world.add_pack("env", {"pack.yaml": "ref: env\nlabel: Env\nversion: 1.0.0\n",
                           "actions/env.sh": "#!/bin/bash\nenv\n",
                           "actions/env.yaml": "ref: env.env\nlabel: Env\nentry_point: env.sh\n"})
    world.start(env={"CANARY": "of the worker"})
    row = do(world, "env.env", env_vars={"GIVEN": "by the caller"})
    seen = dict(line.split("=", 1) for line in row["result"]["stdout"].splitlines() if "=" in line)
    assert seen["GIVEN"] == "by the caller" and "CANARY" not in seen
    assert seen["ATTUNE_EXEC_ID"] == seen["ATTUNE_EXECUTION_ID"] == str(row["id"])
    assert seen["ATTUNE_ACTION"] == "env.env" and seen["ATTUNE_API_URL"] == world.url


# ---- time limits, cancels, waiting


def test_a_time_limit_ends_the_run_as_failed_and_timed_out(running):
    row = do(running, "lab.mark", {"seconds": 300}, timeout_seconds=1)
    assert row["status"] == "failed" and row["result"]["timed_out"] is True and "timed out" in row["result"]["error"]
    assert not processes_of(running, row["id"]), "what it had started still runs"


def test_a_run_without_a_time_limit_of_its_own_has_that_of_its_action_and_else_that_of_the_worker(world):
    world.start(config={"worker": {"task_timeout": 2}})
    world.post("/packs", {"ref": "mine", "label": "Mine", "version": "1.0.0"}, 201)
    for ref, limit in (("mine.one", {"timeout_seconds": 1}), ("mine.none", {})):
        world.post("/actions", {"ref": ref, "pack_ref": "mine", "label": "Slow", "runtime_ref": "core.shell",
                                "entrypoint": "sleep 60", **limit}, 201)
        row = do(world, ref)
        assert row["status"] == "failed" and row["result"]["timed_out"] is True
        assert f"after {limit.get('timeout_seconds', 2)} s" in row["result"]["error"]


def test_a_run_that_waits_is_cancelled_at_once_and_never_starts(running):
    nowhere = ask(running, "lab.mark", worker_selector={"zone": "nowhere"})
    row = eventually(lambda: (r := look(running, nowhere)) and waits_for(r, "no_worker") and r)
    assert row["status"] == "requested"
    assert running.post(f"/executions/{nowhere}/cancel")["data"]["status"] == "cancelled"
    assert look(running, nowhere)["result"]["error"]
    assert not running.ledger.starts(nowhere)
    running.post(f"/executions/{nowhere}/cancel", status=409)


def test_cancelling_a_run_ends_its_whole_tree(running):
    run = ask(running, "lab.stubborn")
    eventually(lambda: running.ledger.starts(run))
    eventually(lambda: len(processes_of(running, run)) >= 4, what="its children run")
    assert running.post(f"/executions/{run}/cancel")["data"]["status"] in ("canceling", "cancelled")
    row = settled(running, run, 12)
    assert row["status"] == "cancelled"
    assert not processes_of(running, run), "what it had started still runs"
    assert [m["status"] for m in row["timeline"]][-3:] == ["running", "canceling", "cancelled"]
    running.post(f"/executions/{run}/cancel", status=409)


def test_reading_with_wait_seconds_answers_when_the_run_ends_or_the_time_is_over(running):
    run = ask(running, "core.sleep", {"seconds": 300})
    began = now_us()
    row = running.get(f"/executions/{run}", wait_seconds=1)["data"]
    assert row["status"] not in ("completed", "failed") and now_us() - began >= 900_000
    running.post(f"/executions/{run}/cancel")
    run = ask(running, "core.sleep", {"seconds": 1})
    row = running.get(f"/executions/{run}", wait_seconds=30)["data"]
    assert row["status"] == "completed" and now_us() - row_time(running, run) < 20_000_000, "told when it happened"


def row_time(world, run):
    return world.rows("select updated from execution where id = ?", run)[0]["updated"]


def test_internal_actions_run_without_a_process(running):
    row = do(running, "core.noop", {"message": "hi"})
    assert row["status"] == "completed" and row["result"]["stdout"].startswith("[NOOP] hi\n")
    assert do(running, "core.noop", {"exit_code": 4})["result"]["exit_code"] == 4


def test_a_run_that_writes_much_is_cut_and_says_so(world):
    world.add_pack("big", {"pack.yaml": "ref: big\nlabel: Big\nversion: 1.0.0\n",
                           "actions/big.sh": "#!/bin/bash\nhead -c 3000000 /dev/zero | tr '\\0' x\n",
                           "actions/big.yaml": "ref: big.big\nlabel: Big\nentry_point: big.sh\n"})
    world.start(config={"worker": {"max_stdout_bytes": 1_000_000}})
    row = do(world, "big.big")
    assert row["status"] == "completed" and row["result"]["stdout_truncated"] is True
    assert row["result"]["stdout_bytes_truncated"] > 0 and set(row["result"]["stdout"]) == {"x"}
    assert row["result"]["stdout_artifact"] == "big.big.stdout.log"
    log = world.request("GET", f"/executions/{row['id']}/logs/stdout").text
    assert "artifact 'big.big.stdout.log' has them" in log and len(log) <= 1_000_000
    artifact, = world.get(f"/executions/{row['id']}/artifacts")["data"]
    assert artifact["ref"] == "big.big.stdout.log" and artifact["size_bytes"] == 3_000_000
    do(world, "big.big")
    whole = world.request("GET", f"/artifacts/{artifact['id']}/versions/1/download").content
    assert whole == b"x" * 3_000_000
    folder = os.path.join(world.data, "artifacts")
    kept = sorted(os.path.relpath(p, folder) for p in glob.glob(f"{folder}/**/*", recursive=True) if os.path.getsize(p) == 3_000_000)
    assert kept == [f"artifact_{artifact['id']}/v{n}.txt" for n in (1, 2)], "and each lies there once"


def test_a_pack_is_loaded_again_at_the_next_start(world):
    add_test_pack(world)
    world.start()
    assert do(world, "lab.mark")["status"] == "completed"
    world.stop()
    world.add_pack("lab", {"actions/mark.yaml": f"ref: lab.mark\nlabel: Changed\nentry_point: other.sh\nparameter_format: dotenv\n",
                         "actions/other.sh": f"#!/bin/bash\necho other\n"})
    for p in world.processes:
        world.relaunch(p)
    world.wait_ready()
    assert do(world, "lab.mark")["result"]["stdout"] == "other\n"
    assert world.get("/actions/lab.mark")["data"]["label"] == "Changed"
    assert ledger_path(world)
