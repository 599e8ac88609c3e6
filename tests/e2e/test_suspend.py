"""A machine that slept: no wait grows by the time that was slept, and what stood still goes on where it was."""

import contextlib
import glob
import json
import os
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from harness import eventually
from test_rule_windows import emit, met
from test_timers import ticks
from test_webhooks import Hook
from work import rule

SLEPT_S = 86400

# One line each tenth of a second, numbered: a hole or a double shows.
COUNTER = """#!/usr/bin/env python3
import json, time
n = 0
while True:
    n += 1
    print(json.dumps({"payload": {"n": n}}), flush=True)
    time.sleep(0.1)
"""


def shifted():
    """A command whose processes find a day between the boot clock and the monotonic one, as after a night of suspend."""
    command = ["unshare", "--time", "--boottime", str(SLEPT_S)]
    if not shutil.which("unshare"):
        pytest.skip("there is no unshare here")
    told = subprocess.run([*command, "cat", "/proc/uptime"], capture_output=True, text=True, check=False, timeout=60).stdout
    with open("/proc/uptime", encoding="ascii") as f:
        here = float(f.read().split()[0])
    if not told or float(told.split()[0]) < here + SLEPT_S / 2:
        pytest.skip("this system lets nobody have a clock of their own")
    return command


def test_after_a_night_of_suspend_nobody_waits_as_long_as_the_night_was(world):
    world.within = shifted()
    world.start()
    hook = Hook(world)
    with ThreadPoolExecutor(16) as crowd:  # those that come together are written together
        answers = list(crowd.map(lambda n: hook.send({"n": n}), range(400)))
    assert {a.status_code for a in answers} == {200}
    stored = {json.loads(e["payload"])["n"] for e in world.rows("select payload from event where trigger_ref = 'mine.hook'")}
    assert stored == set(range(400))
    world.post("/triggers", {"ref": "core.noise", "pack_ref": "core", "label": "noise", "enabled": True}, 201)
    rule(world, "core.calm", "core.noise", debounce={"quiet": "1s"})
    rule(world, "core.tick", "core.intervaltimer", trigger_params={"unit": "seconds", "interval": 1})
    last = [emit(world, "core.noise", {"n": n}) for n in range(3)][-1]
    assert eventually(lambda: met(world, "core.calm"), 60) == [last]
    eventually(lambda: len(ticks(world, "core.tick")) >= 3, 60)
    run = world.post("/executions/execute", {"action_ref": "core.echo", "parameters": {"message": "x"}}, 201)["data"]
    assert world.get(f"/executions/{run['id']}", wait_seconds=60)["data"]["status"] == "completed"


def family(world):
    """The processes of this world and all that came of them: guardians, sensors, runs."""
    parents = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError), open(path, encoding="ascii", errors="replace") as f:
            pid, rest = f.read().split(" (", 1)
            parents[int(pid)] = int(rest.rsplit(") ", 1)[1].split()[1])
    found = {p.popen.pid for p in world.processes if p.alive}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


@contextlib.contextmanager
def standing_still(world):
    stopped = set()
    while new := family(world) - stopped:  # until nobody was left to make another
        for pid in new:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        stopped |= new
    try:
        yield
    finally:
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@pytest.fixture
def counted(world):
    world.add_pack("eye", {
        "pack.yaml": yaml.safe_dump({"ref": "eye", "label": "Eye", "version": "1.0.0"}),
        "triggers/count.yaml": "ref: eye.count\nlabel: Count\n",
        "sensors/count.yaml": yaml.safe_dump({"ref": "eye.counter", "runner_type": "python", "entry_point": "count.py",
                                              "trigger_types": ["eye.count"], "protocol": "lines"}),
        "sensors/count.py": COUNTER,
    })
    return world


def counts(world, ref):
    return [t["execution_count"] for _, _, t in ticks(world, ref)]


def numbers(world):
    rows = world.rows("select payload from event where trigger_ref = 'eye.count' order by id")
    return [json.loads(r["payload"])["n"] for r in rows]


def test_what_stood_still_goes_on_without_a_tick_a_window_or_a_line_lost_or_doubled(counted):
    world = counted
    world.start()
    every = {"expression": "* * * * * *"}
    for missed in ("all", "one", "skip"):
        rule(world, f"core.{missed}", "core.crontimer", trigger_params=every | {"missed": missed})
    for ref in ("core.noise", "core.drip"):
        world.post("/triggers", {"ref": ref, "pack_ref": "core", "label": ref, "enabled": True}, 201)
    rule(world, "core.calm", "core.noise", debounce={"quiet": "2s"})
    rule(world, "core.few", "core.drip", throttle={"limit": 2, "per": "1h"})
    rule(world, "core.first", "core.drip", once_within={"within": "1h"})
    rule(world, "eye.counts", "eye.count", action_ref="core.noop")
    eventually(lambda: len(numbers(world)) >= 5 and all(len(counts(world, f"core.{m}")) >= 2 for m in ("all", "one", "skip")), 60)
    pid = world.get("/sensors/eye.counter")["data"]["process"]["pid"]
    drops = [emit(world, "core.drip", {"n": 0})]
    last = [emit(world, "core.noise", {"n": n}) for n in range(3)][-1]
    with standing_still(world):
        began = time.monotonic()
        at = {m: counts(world, f"core.{m}")[-1] for m in ("all", "one", "skip")}
        eventually(lambda: time.monotonic() - began > 6)  # past the end of the window, and six ticks
    drops += [emit(world, "core.drip", {"n": n}) for n in range(1, 4)]
    assert eventually(lambda: met(world, "core.calm"), 60) == [last]
    last = [emit(world, "core.noise", {"n": n}) for n in range(3)][-1]  # and the next silence is a full one
    eventually(lambda: all(counts(world, f"core.{m}")[-1] >= at[m] + 8 for m in at), 60)
    assert eventually(lambda: len(met(world, "core.calm")) == 2 and met(world, "core.calm"), 60)[1] == last
    assert met(world, "core.few") == drops[:2] and met(world, "core.first") == drops[:1]
    for m in at:
        got = counts(world, f"core.{m}")
        assert got == sorted(set(got)), (m, got)  # none twice, none out of turn
    got = counts(world, "core.all")
    assert got == list(range(got[0], got[-1] + 1))  # each that was missed has come
    assert world.get("/sensors/eye.counter")["data"]["process"]["pid"] == pid  # it was not its fault
    said = numbers(world)
    eventually(lambda: len(numbers(world)) >= len(said) + 5, 60)
    said = numbers(world)
    assert said == list(range(1, len(said) + 1))


@pytest.mark.only("distributed")
def test_of_two_sensor_workers_one_that_stood_still_delays_no_tick_and_doubles_none_when_it_goes_on(world):
    world.start(counts={"sensor": 2})
    rule(world, "core.all", "core.crontimer", trigger_params={"expression": "* * * * * *", "missed": "all"})
    rule(world, "core.tick", "core.intervaltimer", trigger_params={"unit": "seconds", "interval": 1})

    def grow(by):
        had = {ref: len(counts(world, ref)) for ref in ("core.all", "core.tick")}
        eventually(lambda: all(len(counts(world, ref)) >= had[ref] + by for ref in had), 60)

    grow(2)
    for asleep in world.of_role("sensor"):  # each in its turn, so that the other is proven to do it alone
        asleep.signal(signal.SIGSTOP)
        try:
            grow(5)
        finally:
            asleep.signal(signal.SIGCONT)
        grow(3)
    for ref in ("core.all", "core.tick"):
        got = counts(world, ref)
        assert got == list(range(got[0], got[-1] + 1)), (ref, got)
