#!/usr/bin/python3
"""The kill storm: work is asked for while processes are killed and servers restarted; then three records are held against each other.

    dev/with-servers tests/crash/crash.py -n 300 --seed 1 [--world embedded|distributed] [--keep DIR]

The client keeps the ids it got a 2xx for, the actions write down when they start and end, the database says what became of them. The
exit code is not 0 only when something is wrong, never because it was slow. The same seed kills in the same order.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time

import requests

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import World, pg_ctl, rabbit_ctl  # noqa: E402
from judge import Judge  # noqa: E402
from work import TERMINAL, Ledger, add_test_pack, now_us  # noqa: E402

SLOTS = 4
COUNTS = {"api": 1, "executor": 2, "worker": 2, "sensor": 1}
PER_SECOND = {"embedded": 6, "distributed": 8}  # what is asked for: well below what the slots can do
SETTLE = 60  # seconds after the last kill in which everything must be terminal


class Record:
    """What the client was promised. On disk before it counts."""

    def __init__(self, path):
        self.file, self.lock, self.ids, self.unsure = open(path, "a", encoding="ascii"), threading.Lock(), [], 0

    def accepted(self, execution):
        with self.lock:
            self.file.write(f"{execution}\n")
            self.file.flush()
            os.fsync(self.file.fileno())
            self.ids.append(execution)

    def unknown(self):
        """No answer: it may exist or not. If it does, it is judged like the others, but nobody was promised anything."""
        with self.lock:
            self.unsure += 1


def duration(chance):
    """Most are short, some take a while, a few are long."""
    kind = chance.random()
    return round(chance.uniform(0, 0.1) if kind < 0.6 else chance.uniform(0.4, 1.5) if kind < 0.9 else chance.uniform(2, 4), 3)


def client(world, record, n, chance, per_second):
    """Asks for n executions, at a steady pace, and again when it got no promise."""
    session = requests.Session()
    session.headers.update(world.bearer())
    while len(record.ids) < n:
        body = {"action_ref": "lab.mark", "parameters": {"seconds": duration(chance)}}
        try:
            answer = session.post(world.url + "/api/v1/executions/execute", json=body, timeout=10)
            if answer.status_code == 201:
                record.accepted(answer.json()["data"]["id"])
            else:
                assert answer.status_code == 503, f"{answer.status_code} {answer.text}"
        except requests.ConnectionError:
            record.unknown()
            session.close()
        except requests.Timeout:
            record.unknown()
        time.sleep(1 / per_second)


class Storm:
    """Kills a random role every few seconds and starts it again soon afterwards; restarts the servers on the way."""

    def __init__(self, world, chance, progress):
        self.world, self.chance, self.progress = world, chance, progress
        self.kills = []  # (microseconds, role, name)
        self.restarts = [(0.25, "broker"), (0.5, "database"), (0.75, "broker")] if world.kind == "distributed" else []
        self.done = []

    def run(self, stop):
        while not stop.is_set():
            if self.restarts and self.progress() >= self.restarts[0][0]:
                self.restart_server(self.restarts.pop(0)[1])
            elif not stop.wait(self.chance.uniform(2, 5)):
                self.kill()

    def kill(self):
        process = self.chance.choice([p for p in sorted(self.world.processes, key=lambda p: p.name) if p.alive])
        process.signal(9)
        process.wait()
        self.kills.append((now_us(), process.role, process.name))
        time.sleep(self.chance.uniform(0, 1.5))
        self.world.relaunch(process)

    def restart_server(self, which):
        self.world.wait_ready(seconds=60)  # a role that starts may insist on its servers; one that runs must not
        control = rabbit_ctl if which == "broker" else pg_ctl
        hard = which == "broker" and "broker" in self.done  # once as a restart, once as a crash
        control("kill" if hard else "stop")
        time.sleep(1)
        control("start")
        self.done.append(which)


def start_again(world):
    """Whoever ended by itself on the way is a finding; all are up afterwards."""
    fallen = [(p.name, p.popen.returncode) for p in world.processes if not p.alive]
    for p in list(world.processes):
        if not p.alive:
            world.relaunch(p)
    world.wait_ready(seconds=60)
    return fallen


def wait_for_all(world, last_kill):
    """Until nothing is open, or the time is over. What is still open then is the judge's."""
    marks = ", ".join(f"'{state}'" for state in TERMINAL)
    while now_us() < last_kill + SETTLE * 1_000_000:
        if not world.rows(f"select id from execution where status not in ({marks}) limit 1"):
            return
        time.sleep(0.2)


def settings():
    return {"worker": {"max_concurrent_tasks": SLOTS}, "log": {"level": "info"}}


def storm(world, n, seed):
    """Returns the judge, who has seen everything."""
    chance = random.Random(seed)
    add_test_pack(world)
    world.configure(settings())
    world.start(counts=COUNTS)
    record = Record(os.path.join(world.dir, "accepted"))
    killer, stop = Storm(world, chance, lambda: len(record.ids) / n), threading.Event()
    thread = threading.Thread(target=killer.run, args=(stop,))
    thread.start()
    try:
        client(world, record, n, random.Random(seed + 1), PER_SECOND[world.kind])
    finally:
        stop.set()
        thread.join()
    for _, which in killer.restarts:  # the work may have ended before its turn came
        killer.restart_server(which)
    killer.kill()  # at least once, and once more with everything accepted
    last_kill = now_us()
    fallen = start_again(world)
    wait_for_all(world, last_kill)
    return Judge(world, record, Ledger(world), killer, fallen, last_kill, SLOTS)


def one_world(kind, n, seed, directory):
    began = time.monotonic()
    with World(kind, directory) as world:
        judge = storm(world, n, seed)
        findings = judge.findings()
        world.stop(60)
        findings += judge.after_the_stop()
        findings += [f"a sanitizer complained in the log of {name}" for name in world.sanitizer_reports()]
        summary = judge.summary()
    print(f"{kind}: seed {seed}, {summary}, {time.monotonic() - began:.0f} s", flush=True)
    for finding in findings:
        print(f"  WRONG: {finding}", flush=True)
    return findings


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    words.add_argument("-n", type=int, default=300, help="executions in each world")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--world", choices=("embedded", "distributed"))
    words.add_argument("--keep", metavar="DIR", help="leave logs and records there")
    given = words.parse_args()
    base = given.keep or tempfile.mkdtemp(prefix="attune-crash.")
    wrong = []
    for kind in [given.world] if given.world else ["embedded", "distributed"]:
        directory = os.path.join(base, kind)
        os.makedirs(directory, exist_ok=True)
        wrong += one_world(kind, given.n, given.seed, directory)
    if given.keep or wrong:
        print(f"logs and records: {base}")
    else:
        with contextlib.suppress(OSError):
            shutil.rmtree(base)
    print(json.dumps({"n": given.n, "seed": given.seed, "wrong": len(wrong)}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
