"""What actions may reach and use: the way through from a pack's file, the API and the worker's settings to a process."""

import os
import shutil
import signal

from harness import eventually
from work import ask, do, traces

# Says what it could read and do of what is not its own.
SPY = r"""#!/bin/bash
try() { if "${@:2}" >/dev/null 2>&1; then echo "$1"; fi; }
for pid in $WORKERS; do
  try "environment of $pid" head -c 1 /proc/$pid/environ
  try "memory of $pid" head -c 1 /proc/$pid/maps
  try "signal to $pid" kill -0 $pid
done
for path in $PATHS; do try "$path" ls -A "$path/."; try "$path" head -c 1 "$path"; done
try shadow cat /etc/shadow
try home ls /root
grep '^Seccomp:' /proc/self/status
true
"""


def spy_pack(world):
    world.add_pack("spy", {
        "pack.yaml": "ref: spy\nlabel: Spy\nversion: 1.0.0\n",
        "actions/spy.sh": SPY,
        "actions/spy.yaml": "ref: spy.spy\nlabel: Spy\nrunner_type: shell\nentry_point: spy.sh\n",
        "actions/free.yaml": "ref: spy.free\nlabel: Free\nrunner_type: shell\nentry_point: spy.sh\nsandbox: off\n",
        "actions/small.yaml": "ref: spy.small\nlabel: Small\nrunner_type: shell\nentry_point: 'ulimit -n; yes | head -c 100000'\n"
                              "limits: {open_files: 77, output_bytes: 1000, processes: 50, memory_mb: 200}\n",
    })


def test_an_action_reaches_nothing_of_the_worker_unless_its_sandbox_is_off(world):
    spy_pack(world)
    started = world.start()
    given = {"WORKERS": " ".join(str(p.pid) for p in started),
             "PATHS": " ".join([world.data, world.dir, *[os.path.join(world.dir, f"{p.name}.yaml") for p in started]])}
    isolation = eventually(lambda: world.get("/workers", role="action")["data"][0].get("isolation"))
    whole = isolation["standard"].startswith("whole")

    spied = do(world, "spy.spy", env_vars=given)
    assert spied["status"] == "completed", spied
    if whole:
        assert spied["result"]["stdout"] == "Seccomp:\t2\n"
    else:
        assert "in part" in isolation["standard"]
    free = do(world, "spy.free", env_vars=given)
    assert "Seccomp:\t0" in free["result"]["stdout"] and world.dir in free["result"]["stdout"]
    small = do(world, "spy.small")["result"]
    assert small["stdout"].startswith("77\n") and small["stdout_truncated"]

    action = world.get("/actions/spy.small")["data"]
    assert action["limits"]["open_files"] == 77 and world.get("/actions/spy.free")["data"]["sandbox"] == "off"
    changed = world.put("/actions/spy.free", {"sandbox": "standard", "limits": {"processes": 20}})["data"]
    assert changed["sandbox"] == "standard" and changed["limits"] == {"processes": 20}
    refused = world.put("/actions/spy.free", {"limits": {"procesess": 20}}, 422)
    assert "procesess" in refused["error"]
    assert world.put("/actions/spy.free", {"sandbox": "tight"}, 422)["error"].endswith("'tight' is not known")
    if whole:
        assert do(world, "spy.free", env_vars=given)["result"]["stdout"] == "Seccomp:\t2\n"
    world.stop()


def test_a_worker_that_is_killed_leaves_no_process_no_group_and_no_folder(world):
    spy_pack(world)
    world.add_pack("hold", {"pack.yaml": "ref: hold\nlabel: Hold\nversion: 1.0.0\n",
                            "actions/hold.yaml": "ref: hold.hold\nlabel: Hold\nrunner_type: shell\n"
                                                 "entry_point: 'setsid sleep 1000 & echo $HOME; exec sleep 1000'\n"})
    started = world.start()
    for _ in range(3):
        ask(world, "hold.hold")
    eventually(lambda: len(world.rows("select id from execution where status = ?", "running")) == 3, seconds=60)
    worker = next(p for p in started if p.role in ("up", "worker"))
    assert traces(worker)
    worker.signal(signal.SIGKILL)
    worker.wait()
    eventually(lambda: not traces(worker), seconds=30)
    eventually(lambda: not world.leftovers(), seconds=30)


def test_strict_is_given_or_refused_with_a_reason_at_the_start(world):
    spy_pack(world)
    strict = {"worker": {"sandbox_minimum": "strict"}}
    started = world.start(config=strict, ready=False)
    worker = next(p for p in started if p.role in ("up", "worker"))
    text = eventually(lambda: (open(worker.log, encoding="utf-8").read() if "strict" in open(worker.log, encoding="utf-8").read() else None), seconds=60)
    if "cannot be given here" in text:
        eventually(lambda: not worker.alive, seconds=30)
        return
    world.wait_ready(started)
    assert shutil.which("bash")
    reached = do(world, "spy.free", env_vars={"WORKERS": "", "PATHS": world.dir})
    assert reached["result"]["stdout"] == "Seccomp:\t2\n"
    world.stop()
