"""Idle costs nothing: no statements, no CPU, and after a run everything comes to rest."""

import os

import pytest
from harness import eventually
from work import calm, do, rule


def ticks_of_cpu(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        fields = f.read().rsplit(") ", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def system_calls(pid):
    """Reads and writes so far, and how often its threads have waited."""
    with open(f"/proc/{pid}/io", encoding="ascii") as f:
        io = dict(line.split(": ") for line in f.read().splitlines())
    switches = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii", errors="replace") as f:
            switches += sum(int(line.split()[1]) for line in f if line.startswith("voluntary_ctxt_switches"))
    return int(io["syscr"]), int(io["syscw"]), switches


def at_rest(pid, seconds):
    before_cpu, before = ticks_of_cpu(pid), system_calls(pid)
    calm(seconds)
    after_cpu, after = ticks_of_cpu(pid), system_calls(pid)
    return after_cpu - before_cpu, [b - a for a, b in zip(before, after)]


def looks_for_containers(pid):
    """Where an engine of containers answers, a child does so a second time after ten seconds. What a child has read counts for its
    parent when that hears of its end."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
            for child in f.read().split():
                try:
                    with open(f"/proc/{child}/cmdline", "rb") as c:
                        if b"attune.worker=" in c.read():
                            return True
                except OSError:
                    pass  # it has ended meanwhile
    return False


@pytest.mark.alone
@pytest.mark.only("embedded")
def test_idle_without_timers_it_executes_no_sql_and_uses_no_cpu(world):
    world.start()
    assert do(world, "core.echo", {"message": "first"})["status"] == "completed"
    (process,) = world.processes
    eventually(lambda: not looks_for_containers(process.pid))
    calm(6)  # the sweeper looks once more at what has ended
    cpu, (reads, writes, switches) = at_rest(process.pid, 5)
    # A statement reads or writes the database file or its log; a timer that looks around wakes a thread.
    assert cpu <= 1 and reads == 0 and writes == 0, f"{cpu} ticks of CPU, {reads} reads, {writes} writes in 5 idle seconds"
    assert switches <= 10, f"{switches} wake-ups in 5 idle seconds"


@pytest.mark.alone
@pytest.mark.only("embedded")
def test_it_comes_to_rest_again_after_a_rule_is_gone(world):
    world.start()
    rule(world, "core.short", trigger_params={"unit": "seconds", "interval": 1})
    eventually(lambda: world.rows("select id from execution where status = 'completed'"))
    world.delete("/rules/core.short")
    eventually(lambda: not looks_for_containers(world.processes[0].pid))
    calm(7)
    cpu, (reads, writes, _) = at_rest(world.processes[0].pid, 3)
    assert cpu <= 1 and reads == 0 and writes == 0, f"{cpu} ticks of CPU, {reads} reads, {writes} writes in 3 idle seconds"


@pytest.mark.alone
@pytest.mark.only("distributed")
def test_idle_roles_do_little(world):
    """Heartbeats and one look per five seconds: a fiftieth of a CPU each, even in a sanitized build."""
    world.start()
    assert do(world, "core.echo", {"message": "first"})["status"] == "completed"
    calm(6)
    before = {p.name: ticks_of_cpu(p.pid) for p in world.processes}
    calm(5)
    used = {p.name: ticks_of_cpu(p.pid) - before[p.name] for p in world.processes}
    assert all(ticks <= 10 for ticks in used.values()), f"hundredths of a second of CPU in 5 idle seconds: {used}"


@pytest.mark.alone
@pytest.mark.only("embedded")
def test_the_release_build_is_ready_soon_and_small(world, monkeypatch):
    """Asked for by ATTUNE_BIN_RELEASE: a sanitized binary says nothing about time and memory."""
    import harness
    import time

    release = os.environ.get("ATTUNE_BIN_RELEASE")
    if not release:
        return
    monkeypatch.setattr(harness, "BINARY", release)
    began = time.monotonic()
    process = world.launch("up")
    while True:
        try:
            world.request("GET", "/health/ready", 200)
            break
        except (OSError, AssertionError):
            assert time.monotonic() - began < 5
            time.sleep(0.002)
    ready = time.monotonic() - began
    calm(1)
    with open(f"/proc/{process.pid}/status", encoding="ascii") as f:
        memory = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
    assert ready < 0.3, f"ready after {ready * 1000:.0f} ms"
    assert memory < 30 * 1024, f"{memory} KiB resident"
