"""Several of each role at once, roles without the API, starting twice, and going away without losing anything."""

import fcntl
import os
import re
import signal
import subprocess

import pytest
from harness import BINARY, ROOT, Process, eventually
from work import (add_test_pack, all_settled, ask, calm, do, in_state, Ledger, look, moves, now_us, processes_of, rule, settled,
                  ticking, waits_for)


# ---- as operators start it


@pytest.mark.only("distributed")
def test_sensor_executor_and_worker_work_without_an_api(world):
    """In the background, with the configuration of the tree; only where the servers are comes from the environment."""
    env = world.env({
        "ATTUNE__DATABASE__URL": world.config["database"]["url"], "ATTUNE__DATABASE__SCHEMA": world.name,
        "ATTUNE__MESSAGE_QUEUE__URL": world.config["message_queue"]["url"], "ATTUNE__PACKS_BASE_DIR": world.packs,
        "ATTUNE__ARTIFACTS_DIR": os.path.join(world.data, "artifacts"),
        "ATTUNE__RUNTIME_ENVS_DIR": os.path.join(world.data, "runtime_envs"),
    })
    for role in ("sensor", "executor", "worker"):
        program = os.path.join(world.dir, f"attune-{role}")  # its own name says the role
        os.symlink(os.path.realpath(BINARY), program)
        argv = [program, "-c", os.path.join(ROOT, "config.development.yaml")]
        world.processes.append(Process(role, role, argv, os.path.join(world.dir, f"{role}.log"), env))
    eventually(lambda: re.search(r"Registered runtimes: \[.*shell.*\]", world.logs("worker")), 30)
    eventually(lambda: len(world.rows("select id from execution where status = 'completed'")) >= 2, 40, "ticks are done")

    assert re.search(r"Timer .* fired", world.logs("sensor"))
    assert re.search(r"Execution \d+ scheduled", world.logs("executor"))
    log = world.logs("worker")
    run = re.search(r"Starting execution: (\d+)", log).group(1)
    assert re.search(rf"\b{run} completed successfully", log)


def test_the_words_operators_look_for_are_in_the_log(world):
    world.start(config={"demo": True, "log": {"level": "info", "format": "json"}})
    eventually(lambda: world.rows("select id from execution where status = 'completed'"))
    words = (r"Timer .* fired", r"Execution \d+ scheduled", r"Starting execution: \d+", r"\d+ completed successfully", r"Registered runtimes: \[")
    for word in words:
        eventually(lambda word=word: re.search(word, world.logs()), 3, f"'{word}' in the log")


# ---- several of each


@pytest.mark.only("distributed")
def test_each_tick_is_one_event_and_each_enforcement_one_execution(world):
    add_test_pack(world)
    world.start(counts={"sensor": 2, "executor": 2, "worker": 3})
    refs = [f"lab.many{i}" for i in range(5)]
    for ref in refs:
        rule(world, ref, action_ref="lab.mark", trigger_params=ticking())
    eventually(lambda: len(world.rows("select id from event")) >= 30, 30)
    for ref in refs:
        world.delete(f"/rules/{ref}")
    runs = eventually(lambda: (r := world.rows("select id, enforcement, status from execution")) and
                      len(r) == len(world.rows("select id from event")) and all(x["status"] == "completed" for x in r) and r)

    ticks = world.rows("select e.rule_ref, e.tick_key, n.id from event e left join enforcement n on n.event = e.id")
    assert len({t["tick_key"] for t in ticks}) == len(ticks), "a tick is there twice"
    assert all(t["id"] for t in ticks)
    for ref in refs:
        numbers = sorted(int(t["tick_key"].rsplit(":", 1)[1]) for t in ticks if t["rule_ref"] == ref)
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), f"{ref} has missed a tick: {numbers}"
    assert len({r["enforcement"] for r in runs}) == len(runs) == len(ticks)
    ledger = Ledger(world)
    assert sorted(e.id for e in ledger.starts()) == sorted(e.id for e in ledger.ends()) == sorted(r["id"] for r in runs)


def most_at_once(intervals):
    """The largest number of intervals that cover one moment."""
    edges = sorted([(start, 1) for start, _ in intervals] + [(end, -1) for _, end in intervals])
    now = most = 0
    for _, step in edges:
        now += step
        most = max(most, now)
    return most


def uneven(rows, slots, tolerance_us):
    """Spans in which one worker had a free slot while another had two that waited; short ones are not counted."""
    edges = []
    for row in rows.values():
        times = {m.state: m.at for m in moves(row)}
        edges += [(times["scheduled"], row["worker"], 1, 0), (times["running"], row["worker"], -1, 1),
                  (times["completed"], row["worker"], 0, -1)]
    waiting, running, found, since = dict.fromkeys(slots, 0), dict.fromkeys(slots, 0), [], None
    for at, worker, wait, run in sorted(edges):
        waiting[worker] += wait
        running[worker] += run
        bad = any(running[w] < slots[w] for w in slots) and any(
            waiting[b] >= 2 and any(running[a] < slots[a] for a in slots if a != b) for b in slots)
        if bad and since is None:
            since = at
        if not bad and since is not None:
            if at - since > tolerance_us:
                found.append((since, at - since))
            since = None
    return found


@pytest.mark.alone
@pytest.mark.only("distributed")
@pytest.mark.parametrize("action, parameters", [("core.sleep", {"seconds": 1}), ("lab.mark", {"seconds": 1})])
def test_workers_of_1_2_and_4_slots_share_the_work_and_none_is_overfull(world, action, parameters):
    add_test_pack(world)
    world.start(roles=("api", "executor"))
    sizes = {f"of{n}": n for n in (1, 2, 4)}
    world.wait_ready([world.launch("worker", {"worker": {"max_concurrent_tasks": n}}, name=name) for name, n in sizes.items()])
    assert do(world, action, parameters)["status"] == "completed"  # everything has been used once

    began = now_us()
    runs = [ask(world, action, parameters) for _ in range(70)]
    rows = all_settled(world, runs, 60)
    took = (max(r["finished_at"] for r in rows.values()) - began) / 1e6
    assert all(r["status"] == "completed" for r in rows.values())

    slots = {r["id"]: sizes[r["name"]] for r in world.rows("select id, name from worker")}
    for worker, n in slots.items():
        most = most_at_once([(r["started_at"], r["finished_at"]) for r in rows.values() if r["worker"] == worker])
        assert most <= n, f"the worker of {n} slots ran {most} at once"
    assert not uneven(rows, slots, 400_000), "a slot was free while another worker had two that waited"
    assert took <= 13, f"70 seconds of sleep on 7 slots took {took:.1f} s"


# ---- starting twice


@pytest.mark.only("distributed")
def test_a_second_worker_of_a_name_that_is_alive_is_refused_and_a_restart_is_not(world):
    world.start()
    first = world.of_role("worker")[0]
    second = Process("worker", "second", first.argv, os.path.join(world.dir, "second.log"), first.env)
    try:
        assert second.wait(30) != 0
    finally:
        if second.alive:
            second.signal(signal.SIGKILL)
            second.wait()
    assert first.name in second.output() and "--name" in second.output(), second.output()
    assert do(world, "core.echo", {"message": "the first still works"})["status"] == "completed"

    world.kill("worker")
    again = world.relaunch(first)
    world.wait_ready([again])
    assert do(world, "core.echo", {"message": "again"})["status"] == "completed"


@pytest.mark.only("embedded")
def test_a_second_start_on_the_same_data_directory_is_refused_with_the_pid(world):
    (first,) = world.start()
    second = world.cli("up", "--data-dir", world.data, "--port", "0", code=1, seconds=20)
    assert str(first.pid) in second.err and len(second.err.strip().splitlines()) == 1
    assert do(world, "core.noop")["status"] == "completed"
    world.kill("up")
    world.wait_ready([world.relaunch(first)])
    assert do(world, "core.noop")["status"] == "completed"


@pytest.mark.only("embedded")
def test_a_start_waits_until_what_a_killed_process_had_started_lets_go_of_the_data_directory(world):
    """A child that was born with its lock has it a moment longer; here that child is this test."""
    os.makedirs(world.data, mode=0o700, exist_ok=True)
    gone = subprocess.Popen(["true"])
    gone.wait()
    with open(os.path.join(world.data, "attune.lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(f"{gone.pid}\n")
        lock.flush()
        first = world.launch("up")
        eventually(lambda: f"process {gone.pid} is gone" in first.output(), 30)
        assert first.alive
    world.wait_ready([first])
    assert do(world, "core.noop")["status"] == "completed"


# ---- going away


def test_a_stop_under_load_loses_nothing(world):
    add_test_pack(world)
    world.start(config={"worker": {"max_concurrent_tasks": 4}})
    ledger = Ledger(world)
    runs = [ask(world, "lab.mark", {"seconds": 0.4}) for _ in range(40)]
    eventually(lambda: len(ledger.ends()) >= 5)
    world.stop()
    assert len(ledger.starts()) == len(ledger.ends()) < 40, "what had started has ended, the rest waits"
    states = {r["id"]: r["status"] for r in world.rows("select id, status from execution")}
    assert set(states) == set(runs) and set(states.values()) <= {"completed", "requested", "scheduled"}, states
    assert sum(s == "completed" for s in states.values()) == len(ledger.ends())

    for p in world.processes:
        world.relaunch(p)
    world.wait_ready()
    rows = all_settled(world, runs)
    assert all(r["status"] == "completed" for r in rows.values())
    assert sorted(e.id for e in ledger.starts()) == sorted(e.id for e in ledger.ends()) == sorted(runs)


@pytest.mark.only("distributed")
def test_a_worker_that_leaves_hands_its_work_to_another(world):
    add_test_pack(world)
    world.start(counts={"worker": 2}, config={"worker": {"max_concurrent_tasks": 2}})
    runs = [ask(world, "lab.mark", {"seconds": 0.4}) for _ in range(30)]
    ledger = Ledger(world)
    eventually(lambda: len(ledger.ends()) >= 4)
    assert world.kill("worker", signal.SIGTERM).popen.returncode == 0
    assert all(r["status"] == "completed" for r in all_settled(world, runs).values())
    assert sorted(e.id for e in ledger.starts()) == sorted(e.id for e in ledger.ends()) == sorted(runs)


def test_what_runs_too_long_at_a_stop_is_abandoned_and_says_why(world):
    add_test_pack(world)
    world.start(config={"worker": {"shutdown_timeout": 1}})
    run = ask(world, "lab.mark", {"seconds": 300})
    eventually(lambda: Ledger(world).starts(run))
    world.stop(20)
    assert not processes_of(world, run)
    for p in world.processes:
        world.relaunch(p)
    world.wait_ready()
    row = look(world, run)
    assert row["status"] == "abandoned" and row["result"]["abandoned_by"] == "shutdown"


def test_a_second_signal_ends_it_now(world):
    add_test_pack(world)
    world.start()
    run = ask(world, "lab.mark", {"seconds": 300})
    eventually(lambda: Ledger(world).starts(run))
    process = world.of_role("worker")[0]
    process.signal(signal.SIGTERM)
    calm(1.5)
    assert process.alive, "the first signal waits for what runs"
    asked = now_us()
    process.signal(signal.SIGTERM)
    assert process.wait(20) == 0 and now_us() - asked < 12_000_000
    assert not processes_of(world, run)
    eventually(lambda: world.rows("select status from execution where id = ?", run) == [{"status": "abandoned"}])


# ---- falling over


def test_a_killed_worker_leaves_no_process_and_its_runs_are_abandoned_when_it_is_back(world):
    add_test_pack(world)
    world.start()
    run = ask(world, "lab.stubborn")
    eventually(lambda: len(processes_of(world, run)) >= 4)
    process = world.kill("worker")
    eventually(lambda: not processes_of(world, run), 10, "the guardian has ended the tree")
    world.wait_ready([world.relaunch(process)])
    row = settled(world, run, 20)
    assert row["status"] == "abandoned" and row["result"]["error"]
    assert len(Ledger(world).starts(run)) == 1
    assert do(world, "lab.mark")["status"] == "completed"
    eventually(lambda: not world.leftovers(), 30, "no process is left behind")


@pytest.mark.only("distributed")
def test_the_runs_of_a_worker_that_stays_away_are_abandoned_in_time(world):
    add_test_pack(world)
    world.start(config={"worker": {"heartbeat_interval": 1}})
    run = ask(world, "lab.mark", {"seconds": 300})
    in_state(world, run, "running")
    killed = now_us()
    world.kill("worker")
    waits = ask(world, "lab.mark")
    row = settled(world, run, 25)
    assert row["status"] == "abandoned" and now_us() - killed < 3 * 1_000_000 + 5_000_000 + 5_000_000
    eventually(lambda: waits_for(look(world, waits), "no_worker"), 15)
    world.wait_ready([world.launch("worker", {"worker": {"heartbeat_interval": 1}})])
    assert settled(world, waits)["status"] == "completed"
