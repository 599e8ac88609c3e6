"""The database or the broker goes away, or forgets everything: no role needs a restart, nothing is lost, and each says so once."""

import json
import re
import threading
import time

import pytest
from broker import purge_all
from harness import eventually, pg_ctl, rabbit_ctl
from test_idle import ticks_of_cpu
from work import Ledger, add_test_pack, all_settled, ask, calm, do, rule, ticking

pytestmark = pytest.mark.only("distributed")


def outage_lines(process, about):
    """Warnings and errors that this life of the process has written about it."""
    out = []
    for line in process.output().splitlines():
        if not line.startswith("{"):
            continue
        said = json.loads(line)
        if said["level"] in ("warn", "error") and re.search(about, said["message"], re.I):
            out.append(said["message"])
    return out


def load(world, seconds):
    """Work that goes on all the while: asks as long as it is answered."""
    runs, stop = [], threading.Event()

    def run():
        import requests

        session = requests.Session()

        session.headers.update(world.bearer())
        while not stop.is_set():
            try:
                answer = session.post(world.url + "/api/v1/executions/execute", timeout=15,
                                      json={"action_ref": "lab.mark", "parameters": {"seconds": 0.2}})
                if answer.ok:
                    runs.append(answer.json()["data"]["id"])
                else:
                    assert answer.status_code == 503, answer.text
            except requests.RequestException:
                pass
            time.sleep(seconds)

    thread = threading.Thread(target=run)
    thread.start()

    def end():
        stop.set()
        thread.join()
        return runs

    return end


def survive(world, word, about, control):
    add_test_pack(world)
    world.start()
    rule(world, "lab.beat", action_ref="core.noop", trigger_params=ticking())
    assert do(world, "lab.mark")["status"] == "completed"
    end = load(world, 0.2)
    calm(2)
    control("stop")
    calm(7)
    busy = {p.name: ticks_of_cpu(p.pid) for p in world.processes}
    calm(3)
    busy = {p.name: ticks_of_cpu(p.pid) - busy[p.name] for p in world.processes}
    control("start")
    back = time.monotonic()
    before = len(world.rows("select id from event"))
    eventually(lambda: len(world.rows("select id from event")) >= before + 3, 30, "ticks go on")
    assert do(world, "lab.mark", seconds=45)["status"] == "completed"
    caught_up = time.monotonic() - back
    runs = end()
    world.delete("/rules/lab.beat")

    assert all(p.alive for p in world.processes), "a role has ended"
    assert max(busy.values()) < 100, f"hundredths of a second of processor time, in three seconds of waiting for the {word}: {busy}"
    rows = all_settled(world, runs, 45)
    assert all(r["status"] == "completed" for r in rows.values()), [r for r in rows.values() if r["status"] != "completed"][:3]
    ledger = Ledger(world)
    for run in runs:
        assert len(ledger.starts(run)) == len(ledger.ends(run)) == 1
    eventually(lambda: not world.rows("select id from execution where status not in ('completed')"), 30)
    assert not world.rows("select event from enforcement where event is not null group by event, rule having count(*) > 1")
    said = {p.name: outage_lines(p, about) for p in world.processes}
    assert all(len(lines) == 1 for name, lines in said.items()), f"not said once by each: {json.dumps(said, indent=1)}"
    assert caught_up < 25, f"caught up after {caught_up:.0f} s"


@pytest.mark.alone
def test_the_database_may_be_away_under_load(world):
    survive(world, "database", r"database|postgres|stored|reported|sweep", pg_ctl)


@pytest.mark.alone
def test_the_broker_may_be_away_under_load(world):
    survive(world, "broker", r"broker|amqp|queue|nobody listens", rabbit_ctl)


def test_purging_every_queue_while_work_waits_loses_nothing(world):
    add_test_pack(world)
    world.start()
    rule(world, "lab.purged", "lab.thing", action_ref="lab.mark")
    world.stop()
    for p in world.processes:
        if p.role == "api":
            world.wait_ready([world.relaunch(p)])

    # nobody but the API is there: enforcements and requests wait
    for _ in range(20):
        world.post("/events", {"trigger_ref": "lab.thing", "payload": {}}, 201)
    runs = [ask(world, "lab.mark", {"seconds": 0.1}) for _ in range(20)]
    assert "attune.enforcements.queue" in purge_all(world)

    for p in world.processes:
        if p.role == "executor":
            world.wait_ready([world.relaunch(p)])
    eventually(lambda: len(world.rows("select id from execution")) == 40, 30, "the sweeper finds the enforcements")
    purge_all(world)
    for p in world.processes:
        if p.role == "worker":
            world.wait_ready([world.relaunch(p)])
    for _ in range(4):
        calm(0.3)
        purge_all(world)  # dispatches and completions too
    everything = [r["id"] for r in world.rows("select id from execution")]
    rows = all_settled(world, everything, 90)
    assert set(runs) <= set(everything) and len(everything) == 40
    assert all(r["status"] == "completed" for r in rows.values())
    ledger = Ledger(world)
    assert sorted(e.id for e in ledger.starts()) == sorted(e.id for e in ledger.ends()) == sorted(everything)
