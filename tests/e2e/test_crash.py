"""The kill storm of tests/crash, at the size that fits into every run; `make crash N=10000` is the long one."""

import os
import sys
import threading
import time

import pytest
import requests
from harness import ROOT
from work import all_settled, calm, do, moves

sys.path.insert(0, os.path.join(ROOT, "tests", "crash"))
from crash import storm  # noqa: E402


@pytest.mark.alone
@pytest.mark.limit(400)
def test_nothing_is_lost_or_run_twice_while_processes_are_killed(world):
    judge = storm(world, 300, 1)
    findings = judge.findings()
    world.stop(60)
    findings += judge.after_the_stop()
    print(judge.summary())
    assert not findings, "\n".join(findings)


def asking(world, stop, runs):
    """core.noop, as fast as one connection can; what was accepted is in runs."""
    session = requests.Session()
    session.headers.update(world.bearer())
    while not stop.is_set():
        try:
            answer = session.post(world.url + "/api/v1/executions/execute", json={"action_ref": "core.noop"}, timeout=10)
            if answer.status_code == 201:
                runs.append(answer.json()["data"]["id"])
        except requests.RequestException:
            time.sleep(0.05)


@pytest.mark.alone
def test_runs_that_are_done_at_once_end_once_while_their_worker_is_killed(world):
    """Their claim and their end are one move of the row: both happened, or neither."""
    world.start()
    assert do(world, "core.noop")["status"] == "completed"
    stop, runs = threading.Event(), []
    clients = [threading.Thread(target=asking, args=(world, stop, runs)) for _ in range(4)]
    for c in clients:
        c.start()
    for _ in range(4):
        calm(1.5)
        world.relaunch(world.kill("worker"))
    world.wait_ready(seconds=60)
    calm(1)
    stop.set()
    for c in clients:
        c.join()

    assert len(runs) > 100
    for row in all_settled(world, runs, 60).values():
        states = [m.state for m in moves(row)]
        assert row["status"] in ("completed", "abandoned") and states.count(row["status"]) == 1, row
        assert states.count("running") == 1 and states[-2:] == ["running", row["status"]], row
