"""Roles that stand still for a while, and servers that cut connections or lose queues in the middle of the work."""

import json
import re
import signal
import threading
import time

import pytest
import requests
from harness import eventually, rabbitmqctl
from work import Ledger, add_test_pack, all_settled, ask, calm, do, in_state, look, rule, settled, ticking

pytestmark = pytest.mark.only("distributed")


def nothing_double(world, runs, among=("completed",)):
    """Rows against the ledger: every run that was promised has ended once, has started once, and no event made two enforcements."""
    rows = all_settled(world, runs, 60)
    odd = {i: r["status"] for i, r in rows.items() if r["status"] not in among}
    assert not odd, odd
    ledger = Ledger(world)
    starts, ends = ledger.starts(), ledger.ends()
    assert len({(e.id, e.attempt) for e in starts}) == len(starts), "an attempt has started twice"
    assert {e.id for e in starts} >= {i for i, r in rows.items() if r["status"] == "completed"}
    assert len({(e.id, e.attempt) for e in ends}) == len(ends)
    assert not world.rows("select event from enforcement group by event, rule having count(*) > 1")
    assert not world.rows("select enforcement from execution where enforcement is not null group by enforcement having count(*) > 1")
    assert not world.rows("select tick_key from event where tick_key is not null group by tick_key having count(*) > 1")
    return rows


class Pressure:
    """Callers who ask without pause. What they were promised is in runs; any answer but yes or "not now" is in odd."""

    def __init__(self, world, callers=4, seconds=0.0):
        self.world, self.runs, self.odd, self.refused, self.over = world, [], [], 0, threading.Event()
        self.threads = [threading.Thread(target=self._ask, args=(seconds,)) for _ in range(callers)]

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for t in self.threads:
            t.join()

    def _ask(self, seconds):
        session = requests.Session()
        session.headers.update(self.world.bearer())
        while not self.over.is_set():
            try:
                answer = session.post(self.world.url + "/api/v1/executions/execute", timeout=30,
                                      json={"action_ref": "lab.mark", "parameters": {"seconds": seconds}})
            except requests.RequestException as error:
                self.odd.append(repr(error))
                continue
            if answer.status_code == 201:
                self.runs.append(answer.json()["data"]["id"])
            elif answer.status_code == 503 and answer.headers.get("Retry-After"):
                self.refused += 1
            else:
                self.odd.append(answer.text)
            self.over.wait(0.03)


# ---- roles that stand still


def test_a_worker_that_stood_still_is_given_up_its_late_results_change_nothing_and_it_works_again(world):
    add_test_pack(world)
    beat = {"worker": {"heartbeat_interval": 1, "max_concurrent_tasks": 4}}
    world.start(config=beat)
    runs = [ask(world, "lab.mark", {"seconds": 2}) for _ in range(4)]
    for run in runs:
        in_state(world, run, "running")
    (worker,) = world.of_role("worker")
    worker.signal(signal.SIGSTOP)
    try:
        given_up = {run: settled(world, run, 25) for run in runs}
        waits = ask(world, "lab.mark")
        calm(1)
    finally:
        worker.signal(signal.SIGCONT)
    assert {r["status"] for r in given_up.values()} == {"abandoned"}, given_up
    assert settled(world, waits, 30)["status"] == "completed", "it takes new work again by itself"
    ledger = Ledger(world)
    for run in runs:
        eventually(lambda run=run: any("changed nothing" in (h["changed_fields"] or "") + (h["new_values"] or "") + (h["old_values"] or "")
                                       for h in history(world, run)), 15, "the late result is noted")
        now = look(world, run)
        assert now["status"] == "abandoned" and now["result"] == given_up[run]["result"] and now["updated"] == given_up[run]["updated"]
        assert len(ledger.starts(run)) == 1
    assert worker.alive and do(world, "lab.mark")["status"] == "completed"


def history(world, run):
    rows = world.rows("select * from execution_history where entity_id = ?", run)
    return [{"changed_fields": None, "new_values": None, "old_values": None} | {k: v if isinstance(v, str) else json.dumps(v, default=str)
            for k, v in row.items()} for row in rows]


def test_an_executor_and_a_sensor_that_stood_still_catch_up_and_no_tick_comes_twice(world):
    add_test_pack(world)
    world.start(counts={"sensor": 2})
    rule(world, "lab.still", action_ref="lab.mark", trigger_params=ticking())
    eventually(lambda: len(world.rows("select id from event")) >= 2, 20)
    (executor,) = world.of_role("executor")
    sensor = world.of_role("sensor")[0]
    executor.signal(signal.SIGSTOP)
    sensor.signal(signal.SIGSTOP)
    try:
        asked = [ask(world, "lab.mark") for _ in range(20)]
        calm(10)
        waiting = world.rows("select n.id from enforcement n left join execution x on x.enforcement = n.id where x.id is null")
        assert len(waiting) >= 5, "the other sensor ticks, and what its ticks ask for waits"
    finally:
        executor.signal(signal.SIGCONT)
        sensor.signal(signal.SIGCONT)
    nothing_double(world, asked)
    before = len(world.rows("select id from event"))
    eventually(lambda: len(world.rows("select id from event")) >= before + 3, 15, "ticks go on")
    world.delete("/rules/lab.still")
    eventually(lambda: not world.rows("select e.id from event e left join enforcement n on n.event = e.id "
                                      "left join execution x on x.enforcement = n.id where x.status is distinct from 'completed'"), 20,
               "every tick has been worked on")
    nothing_double(world, asked)


# ---- the broker


SWEPT = 5  # seconds: what waits less for a message is not looked after by the sweeper (OVERDUE_US of src/engine/sweep.c)


def sooner_than_swept(world):
    began = time.monotonic()
    assert do(world, "lab.mark")["status"] == "completed"
    return time.monotonic() - began < SWEPT


def queues(world):
    return {line.strip() for line in rabbitmqctl("list_queues", "-q", "--no-table-headers", "-p", world.name, "name").splitlines() if line.strip()}


def test_connections_closed_and_queues_deleted_by_the_broker_under_load_lose_nothing(world):
    add_test_pack(world)
    world.start(counts={"executor": 2, "worker": 2})
    rule(world, "lab.beat", action_ref="lab.mark", trigger_params=ticking())
    with Pressure(world, seconds=0.05) as pressure:
        calm(1)
        rabbitmqctl("close_all_connections", "--vhost", world.name, "test")
        calm(1.5)
        rabbitmqctl("delete_queue", "-p", world.name, "attune.execution.requests.queue")
        calm(1)
        worker_queue = min(q for q in queues(world) if re.fullmatch(r"worker\.\d+\.executions", q))
        rabbitmqctl("delete_queue", "-p", world.name, worker_queue)
        rabbitmqctl("delete_queue", "-p", world.name, "attune.enforcements.queue")
        calm(1.5)
        rabbitmqctl("close_all_connections", "--vhost", world.name, "again")
        calm(1)
    runs = pressure.runs
    assert len(runs) > 100 and not pressure.odd, pressure.odd[:3]
    before = len(world.rows("select id from event"))
    eventually(lambda: len(world.rows("select id from event")) >= before + 2, 20, "ticks go on")
    world.delete("/rules/lab.beat")
    nothing_double(world, runs)
    eventually(lambda: not world.rows("select id from execution where status <> 'completed'"), 30)
    assert all(p.alive for p in world.processes)
    eventually(lambda: {"attune.execution.requests.queue", "attune.enforcements.queue", worker_queue} <= queues(world), 20, "the queues are back")
    assert any(sooner_than_swept(world) for _ in range(20)), "it goes by message again, and not only when the sweeper looks"


# ---- the database


def connected(world):
    return world.rows("select count(*) as n from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()")[0]["n"]


def cut_all(world):
    """Ends every connection but ours, whatever it is doing just now; how many they were."""
    return world.rows("select count(pg_terminate_backend(pid)) as n from pg_stat_activity "
                      "where backend_type = 'client backend' and pid <> pg_backend_pid()")[0]["n"]


@pytest.mark.alone
def test_connections_that_the_database_ends_in_the_middle_of_the_work_make_nothing_double(world):
    add_test_pack(world)
    world.start(counts={"executor": 2, "worker": 2, "sensor": 2})
    rule(world, "lab.beat", action_ref="lab.mark", trigger_params=ticking())
    with Pressure(world) as pressure:
        for _ in range(25):
            calm(0.3)
            eventually(lambda: connected(world) > 5, 30, "they come back")
            assert cut_all(world) > 0
    runs = pressure.runs
    assert len(runs) > 50 and not pressure.odd, (len(runs), pressure.odd[:3])
    before = len(world.rows("select id from event"))
    eventually(lambda: len(world.rows("select id from event")) >= before + 2, 20, "ticks go on")
    world.delete("/rules/lab.beat")
    nothing_double(world, runs)
    # what a cut-off caller never heard of ends too, once
    eventually(lambda: not world.rows("select id from execution where status <> 'completed'"), 30)
    everything = [r["id"] for r in world.rows("select id from execution")]
    nothing_double(world, everything)
    ledger = Ledger(world)
    assert sorted(e.id for e in ledger.starts()) == sorted(e.id for e in ledger.ends()) == sorted(everything)
    late = world.rows("select entity_id from execution_history where new_values::text like '%changed nothing%'")
    assert not late, "results that were stored by a commit nobody heard of are called late"
    assert not world.rows("select pid from pg_stat_activity where state like 'idle in transaction%' and now() - state_change > interval '2 seconds'")
    assert all(p.alive for p in world.processes)
    assert not re.search(r"goes to the dead letters", world.logs()), "a message was blamed for the database"
