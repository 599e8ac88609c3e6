"""Each failure that the first Attune had, as a test that would have caught it."""

import json
import os
import subprocess

import pytest
import requests
from broker import Tap, dead_letters, envelope, publish
from harness import BINARY, eventually
from test_idle import looks_for_containers
from work import add_test_pack, ask, calm, do, Ledger, look, rule, settled, waits_for


def worker_of(world):
    sql = "select id, name, runtime, capabilities from worker where worker_role = 'action'"
    return eventually(lambda: world.rows(sql), what="the worker has registered")[0]


# ---- messages that do not belong


@pytest.mark.only("distributed")
def test_a_foreign_payload_goes_to_the_dead_letters_without_touching_its_neighbours(running):
    worker = worker_of(running)["id"]
    foreign = {
        "enforcement.created": envelope("ExecutionRequested", {"execution_id": 1, "action_ref": "core.echo"}),
        "execution.requested": envelope("EnforcementCreated", {"enforcement_id": 1}),
        "execution.status.changed": envelope("ExecutionCompleted", {"execution_id": 1, "status": "completed"}),
        "execution.completed": envelope("ExecutionStatusChanged", {"execution_id": 1, "new_status": "running"}),
        f"worker.{worker}": envelope("ExecutionRequested", {"execution_id": 1}),
        f"execution.cancel.worker.{worker}": envelope("ExecutionScheduled", {"execution_id": 1, "worker_id": worker}),
    }
    unreadable = {
        "enforcement.created": b"\xff\xfe no JSON",
        "execution.requested": envelope("ExecutionRequested", {"execution_id": "a word"}),
        "execution.completed": b"{\"message_type\": \"Unheard\", \"payload\": {}}",
        f"worker.{worker}": b"[]",
    }
    before = len(dead_letters(running))
    runs = [ask(running, "core.noop") for _ in range(10)]
    for key, body in [*foreign.items(), *unreadable.items()]:
        publish(running, "attune.executions", key, body)
        runs.append(ask(running, "core.echo", {"message": key}))
    runs += [ask(running, "core.noop") for _ in range(10)]
    for run in runs:
        assert settled(running, run)["status"] == "completed"

    expected = before + len(foreign) + len(unreadable)
    eventually(lambda: len(dead_letters(running)) >= expected, what="every foreign message lies in the dead letters")
    letters = dead_letters(running)
    assert len(letters) == expected
    sent = {body if isinstance(body, bytes) else body.encode() for body in [*foreign.values(), *unreadable.values()]}
    assert sent <= {body for _, _, body in letters}, "a dead letter is not as it was sent"
    for key, headers, _ in letters:
        assert any("reason" in name and value for name, value in headers.items()), f"{key} does not say why: {headers}"
    listed = running.get("/dead-letters")["data"]
    assert len(listed) >= len(foreign) and all(letter["reason"] for letter in listed)


@pytest.mark.only("distributed")
def test_a_foreign_payload_on_the_queues_of_one_process_does_no_harm(running):
    before = len(dead_letters(running))
    publish(running, "attune.executions", "worker.heartbeat", envelope("ExecutionCompleted", {"execution_id": 1, "status": "failed"}))
    publish(running, "attune.events", "rule.created", envelope("EventCreated", {"event_id": 1}))
    eventually(lambda: len(dead_letters(running)) >= before + 2)
    assert do(running, "core.noop")["status"] == "completed"
    rule(running, "lab.after", trigger_params={"unit": "seconds", "interval": 1})
    eventually(lambda: running.rows("select id from event where rule_ref = 'lab.after'"), 5, "the sensor still hears of rules")
    running.delete("/rules/lab.after")


# ---- messages that go round


@pytest.mark.only("distributed")
def test_after_a_run_no_message_moves_and_its_completion_was_told_once(world):
    world.start(config={"worker": {"heartbeat_interval": 60}})
    with Tap(world) as tap:
        rule(world, "core.once", "core.alert", action_params={"message": "once"})
        event = world.post("/events", {"trigger_ref": "core.alert", "payload": {"summary": "x"}}, 201)["data"]["id"]
        run = eventually(lambda: world.rows("select id from execution where rule_ref = 'core.once'"))[0]["id"]
        assert settled(world, run)["status"] == "completed"
        calm(1)
        tap.take()
        calm(5)
        assert [(m[1], m[2]) for m in tap.take()] == [], "messages move though nothing happens"

        completed = [i for i in tap.items("ExecutionCompleted") if i["execution_id"] == run]
        assert len(completed) == 1 and completed[0]["status"] == "completed"
        assert len(tap.items("EnforcementCreated")) == 1
        assert len([i for i in tap.items("ExecutionScheduled") if i["execution_id"] == run]) == 1
        assert len([e for e in tap.items("EventCreated") if e["event_id"] == event]) <= 1
        depths = {r[0]: r[1] for r in queue_depths(world)}
        assert not any(depths.values()), f"something lies in a queue: {depths}"


def queue_depths(world):
    from harness import rabbitmqctl

    lines = rabbitmqctl("list_queues", "-q", "--no-table-headers", "-p", world.name, "name", "messages").splitlines()
    return [(name, int(count)) for name, count in (line.split("\t") for line in lines if "\t" in line) if not name.startswith("amq.")]


@pytest.mark.only("embedded")
def test_after_a_run_nothing_is_written_any_more(running):
    row = do(running, "core.noop")
    eventually(lambda: not looks_for_containers(running.processes[0].pid))
    calm(6)
    size, again = (database_writes(running) for _ in range(2))
    calm(3)
    assert database_writes(running) == again == size
    assert running.rows("select moves from execution where id = ?", row["id"])[0]["moves"].count("completed") == 1


def database_writes(world):
    with open(f"/proc/{world.processes[0].pid}/io", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("wchar"))


# ---- messages that arrive


@pytest.mark.only("distributed")
def test_the_enforcement_reaches_the_executor_and_the_dispatch_the_worker_by_their_keys(running):
    worker = worker_of(running)["id"]
    with Tap(running) as tap:
        rule(running, "lab.keys", "lab.thing", action_ref="lab.mark")
        running.post("/events", {"trigger_ref": "lab.thing", "payload": {}}, 201)
        run = eventually(lambda: running.rows("select id, enforcement from execution where rule_ref = 'lab.keys'"))[0]
        assert settled(running, run["id"])["status"] == "completed"
        running.delete("/rules/lab.keys")
        eventually(lambda: tap.items("ExecutionCompleted"))
        assert [c[:2] for c in tap.calls("EnforcementCreated")] == [("attune.executions", "enforcement.created")]
        assert tap.items("EnforcementCreated")[0]["enforcement_id"] == run["enforcement"]
        assert [c[:2] for c in tap.calls("ExecutionScheduled")] == [("attune.executions", f"worker.{worker}")]
        dispatch = tap.items("ExecutionScheduled")[0]
        assert (dispatch["execution_id"], dispatch["worker_id"], dispatch["attempt"]) == (run["id"], worker, 1)
        assert len(running.ledger.starts(run["id"])) == 1


@pytest.mark.only("distributed")
def test_a_dispatch_that_comes_again_does_not_run_the_action_again(running):
    with Tap(running) as tap:
        run = ask(running, "lab.mark", {"seconds": 2})
        eventually(lambda: running.ledger.starts(run))
        (exchange, key, body), = [c for c in tap.calls("ExecutionScheduled") if str(run).encode() in c[2]]
        for _ in range(3):
            publish(running, exchange, key, body)  # while it runs
        row = settled(running, run)
        for _ in range(3):
            publish(running, exchange, key, body)  # and afterwards
        later = ask(running, "lab.mark")  # comes behind them in the same queue
        settled(running, later)
    assert row["status"] == "completed"
    assert len(running.ledger.starts(run)) == len(running.ledger.ends(run)) == 1
    assert look(running, run) == row, "a terminal row has changed"


def test_a_cancelled_or_ended_run_never_changes_again(running):
    run = ask(running, "lab.mark")
    row = settled(running, run)
    running.post(f"/executions/{run}/cancel", status=409)
    assert look(running, run) == row


@pytest.mark.only("distributed")
def test_the_completion_tells_the_truth_about_a_failed_action(running):
    with Tap(running) as tap:
        bad, good = ask(running, "lab.mark", {"exit_code": 3}), ask(running, "lab.mark")
        assert settled(running, bad)["status"] == "failed" and settled(running, good)["status"] == "completed"
        told = eventually(lambda: (t := {i["execution_id"]: i["status"] for i in tap.items("ExecutionCompleted")}).keys() >= {bad, good} and t)
    assert told[bad] == "failed" and told[good] == "completed"


def test_a_failed_action_is_failed_wherever_it_is_shown(running):
    run = do(running, "lab.mark", {"exit_code": 3})["id"]
    assert look(running, run)["status"] == "failed"
    assert run in [r["id"] for r in running.get("/executions?status=failed&per_page=100")["data"]]
    assert running.rows("select status from execution where id = ?", run) == [{"status": "failed"}]
    assert "failed" in running.cli("execution", "show", run).out


# ---- which worker


def test_a_worker_with_an_empty_runtime_column_is_chosen_by_its_capabilities(running):
    assert worker_of(running)["runtime"] is None and json.loads(worker_of(running)["capabilities"])
    assert do(running, "lab.python")["status"] == "completed"


def test_a_worker_without_capabilities_is_chosen_by_the_deprecated_runtime_column(world):
    add_test_pack(world)
    world.start()
    shell = world.rows("select id from runtime where ref = 'core.shell'")[0]["id"]
    worker = eventually(lambda: worker_of(world)["capabilities"] and worker_of(world)["id"], what="the worker has registered")
    stamp = world.rows("select created from worker")[0]["created"]
    stamp = stamp if world.embedded else "now()"
    world.execute("update worker set capabilities = null, runtime = ? where id = ?", shell, worker)
    world.execute(f"insert into definition_change (kind, entity, created) values ('worker', ?, {stamp})", worker)
    assert do(world, "core.echo", {"message": "by the column"})["result"]["stdout"] == "by the column\n"
    other = ask(world, "lab.python")
    row = eventually(lambda: (r := look(world, other)) and waits_for(r, "no_worker") and r, what="no worker offers python now")
    assert "python" in row["wait_detail"]


def test_echo_runs_with_the_runtime_stored_on_the_action(running):
    stored = running.rows("select r.ref from action a join runtime r on r.id = a.runtime where a.ref = 'core.echo'")
    assert stored == [{"ref": "core.shell"}]
    assert do(running, "core.echo", {"message": "by bash"})["result"]["stdout"] == "by bash\n"


def test_an_action_without_a_runtime_fails_and_names_it(world):
    add_test_pack(world)
    world.start()
    action = world.rows("select id, created from action where ref = 'lab.mark'")[0]
    world.execute("update action set runtime = null where id = ?", action["id"])
    stamp = action["created"] if world.embedded else "now()"
    world.execute(f"insert into definition_change (kind, entity, created) values ('action', ?, {stamp})", action["id"])
    row = do(world, "lab.mark")
    assert row["status"] == "failed" and "untime" in row["result"]["error"], row["result"]
    assert not Ledger(world).starts()


# ---- configuration


def test_a_missing_message_queue_is_one_clear_sentence(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("database: {url: 'postgresql://localhost:1/x'}\n"
                      "security: {jwt_secret: 0123456789abcdef0123456789abcdef, encryption_key: 0123456789abcdef0123456789abcdef}\n")
    for role in ("api", "executor", "worker", "sensor"):
        done = subprocess.run([BINARY, role, "-c", str(config)], capture_output=True, text=True, timeout=20, check=False,
                              env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
        lines = done.stderr.strip().splitlines()
        assert done.returncode != 0 and len(lines) == 1 and "message_queue.url" in lines[0], done.stderr


def test_health_names_no_broken_part(running):
    health = requests.get(running.url + "/health/detailed", timeout=5).json()
    assert health["database"] == "connected" and health["status"] == "ok"
