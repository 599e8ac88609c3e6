"""Runs that do the worst they can: each bounded, its worker up; and when that worker is killed in the middle of it, nothing of it is left."""

import os
import re
import time

import pytest

from harness import eventually
from work import ask, calm, do, in_state, look, settled, traces

# What each does until it is ended, and what it may use.
BOMBS = {
    "forks": ("while :; do (setsid bash -c 'sleep 1000 & sleep 1000' &); (trap '' TERM; sleep 1000) & sleep 0.02; done",
              "{processes: 5000}"),
    "memory": (r"x=(); while :; do x+=(\"$(head -c 2M /dev/zero | tr '\\0' x)\"); done", "{memory_mb: 1500}"),
    "disk": ("while :; do head -c 1M /dev/zero >>$HOME/fill; head -c 1M /dev/zero >>$ATTUNE_EXECUTION_DIR/fill; sleep 0.01; done",
             "{disk_mb: 4000}"),
    "flood": (r"while :; do head -c 512K /dev/zero | tr '\\0' x; sleep 0.1; done", "{}"),  # 5 MB/s
    "closed": ("exec <&- >&- 2>&-; while :; do sleep 1000; done", "{}"),
    "daemon": ("env -i setsid bash -c 'trap \\\"\\\" TERM HUP; exec </dev/null >/dev/null 2>&1; while :; do /bin/sleep 1000; done' & sleep 1000",
               "{}"),
    "signals": ("while :; do bash -c 'kill -SEGV $$'; bash -c 'kill -9 $$'; done 2>/dev/null", "{}"),
    "pipes": ("(trap '' TERM HUP; sleep 1000) & (setsid sleep 1000 &) ; wait", "{}"),
}


FLOOD = """#!/bin/bash
. /dev/stdin
until=$((SECONDS + seconds))
while [ $SECONDS -lt $until ]; do head -c 512K /dev/zero | tr '\\0' x; sleep 0.1; done
"""
# Each line waits for the one before to have been heard: whoever tells them late, or all at the end, tells none but the first.
STAMPS = r"""#!/bin/bash
for ((i = 0; i < 30; i++)); do echo "$EPOCHREALTIME"; until [ -e "heard.$i" ]; do sleep 0.01; done; done
"""


def bomb_files():
    files = {"actions/flooded.sh": FLOOD, "actions/stamps.sh": STAMPS,
             "actions/flooded.yaml": "ref: bombs.flooded\nlabel: F\nrunner_type: shell\nentry_point: flooded.sh\nparameter_format: dotenv\n",
             "actions/stamps.yaml": "ref: bombs.stamps\nlabel: S\nrunner_type: shell\nentry_point: stamps.sh\n",
             "actions/lines.yaml": "ref: bombs.lines\nlabel: L\nrunner_type: shell\nentry_point: 'seq 1000000'\n",
             "pack.yaml": "ref: bombs\nlabel: Bombs\nversion: 1.0.0\n",
             "actions/filler.yaml": "ref: bombs.filler\nlabel: Filler\nrunner_type: shell\nlimits: {disk_mb: 30}\n"
                                    f"entry_point: \"{BOMBS['disk'][0]}\"\n",
             # it is tried again, and then finds that it need not
             "actions/again.yaml": "ref: bombs.again\nlabel: Again\nrunner_type: shell\nretry: {count: 1, delay: 0.1, on: [worker_lost]}\n"
                                   "entry_point: '[ -e enough ] && exit 0; setsid sleep 1000 & sleep 1000'\n"}
    for name, (code, limits) in BOMBS.items():
        files[f"actions/{name}.yaml"] = (f"ref: bombs.{name}\nlabel: {name}\nrunner_type: shell\nlimits: {limits}\n"
                                         f"entry_point: \"{code}\"\n")
    return files


@pytest.fixture(scope="module", name="bombs")
def bombs_fixture(running):
    running.add_pack("bombs", bomb_files())
    running.post("/packs/register", {"path": os.path.join(running.packs, "bombs"), "force": True})
    return running


def worker_of(world):
    return world.of_role("worker")[0]


def kill_in_the_middle(world, execution, last=lambda: None):
    in_state(world, execution, "running")
    calm(0.7)  # it is at its worst
    last()
    worker = worker_of(world)
    assert traces(worker), "its worker had folders and groups to leave behind"
    assert world.kill("worker") is worker
    eventually(lambda: not traces(worker), 30, "no group and no folder is left")
    eventually(lambda: not world.leftovers(), 30, "no process is left")
    world.wait_ready([world.relaunch(worker)])


@pytest.mark.parametrize("kind", BOMBS)
def test_a_worker_that_is_killed_in_the_middle_leaves_nothing_and_the_next_goes_on(bombs, kind):
    run = ask(bombs, f"bombs.{kind}")
    kill_in_the_middle(bombs, run)
    row = settled(bombs, run, 30)
    assert row["status"] == "abandoned" and row["result"]["error"], row
    assert do(bombs, "lab.mark")["status"] == "completed"


def test_what_asks_to_be_tried_again_when_its_worker_is_lost_is_tried_again(bombs):
    enough = os.path.join(bombs.packs, "bombs", "enough")
    run = ask(bombs, "bombs.again")
    kill_in_the_middle(bombs, run, lambda: open(enough, "w", encoding="ascii").close())
    assert settled(bombs, run, 30)["status"] == "abandoned"
    again = eventually(lambda: bombs.rows("select id from execution where original_execution = ?", run), 30)[0]["id"]
    row = settled(bombs, again, 30)
    assert row["status"] == "completed" and row["retry_reason"] == "worker_lost", row


def test_what_fills_the_disk_is_ended_while_its_worker_and_others_go_on(bombs):
    worker, other = worker_of(bombs), ask(bombs, "core.sleep", {"seconds": 4})
    row = do(bombs, "bombs.filler")
    assert row["status"] == "failed" and row["result"]["limit_exceeded"] == "disk", row
    assert row["result"]["error"] == "Execution wrote more than its 30 MB of disk"
    assert settled(bombs, other)["status"] == "completed" and worker.alive
    homes = [d for d in os.listdir("/tmp") if d.startswith("attune-") and f"-{worker.pid}-" in d]
    left = [os.path.join(top, one) for home in homes for top, _, names in os.walk(os.path.join("/tmp", home))
            for one in names]  # empty ones wait for the next runs
    assert homes and not any(os.path.isfile(path) for path in left), left


def resident_kib(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as f:
        return int(next(line for line in f if line.startswith("VmRSS")).split()[1])


@pytest.mark.limit(300)
def test_a_flood_of_5_mb_a_second_is_cut_and_stays_out_of_memory(bombs):
    """FLOOD_SECONDS=60 for the long one."""
    seconds, worker = int(os.environ.get("FLOOD_SECONDS", "4")), worker_of(bombs)
    do(bombs, "bombs.flooded", {"seconds": 1})  # what is needed once is there
    before = resident_kib(worker)
    row = do(bombs, "bombs.flooded", {"seconds": seconds}, seconds=seconds + 60)
    assert row["status"] == "completed" and row["result"]["stdout_truncated"], row
    whole = row["result"]["stdout_bytes_truncated"] + len(row["result"]["stdout"])
    print(f"{whole / seconds / 1e6:.1f} MB/s, worker grew by {resident_kib(worker) - before} KiB")
    assert whole > 2_000_000 * seconds and resident_kib(worker) - before < 64 * 1024  # sanitizers keep what is freed
    assert worker.alive and do(bombs, "lab.mark")["status"] == "completed"


def test_a_million_lines_arrive_whole(bombs):
    row = do(bombs, "bombs.lines", seconds=60)
    assert row["status"] == "completed" and row["result"]["stdout_bytes_truncated"], row
    lines = bombs.request("GET", f"/executions/{row['id']}/logs/stdout").text.splitlines()
    assert len(lines) == 1_000_000 and lines[0] == "1" and lines[-1] == "1000000"


def test_who_follows_a_log_is_told_while_it_is_written(bombs):
    """How soon: `make bench`."""
    run = ask(bombs, "bombs.stamps")
    in_state(bombs, run, "running")
    lags = []
    with bombs.http.get(f"{bombs.url}/api/v1/executions/{run}/logs/stdout/stream", stream=True, timeout=60,
                        headers={"Accept": "text/event-stream"}) as answer:
        for line in answer.iter_lines(chunk_size=1):
            text = line.decode()
            if re.fullmatch(r"data: [0-9.]+", text):
                open(os.path.join(bombs.packs, "bombs", f"heard.{len(lags)}"), "w", encoding="ascii").close()
                lags.append(time.time() - float(text[6:]))
            if text == "event: done":
                break
    lags.sort()
    print(f"log follow lag: half within {lags[len(lags) // 2] * 1000:.0f} ms, worst {lags[-1] * 1000:.0f} ms")
    assert len(lags) == 30 and settled(bombs, run)["status"] == "completed"


@pytest.mark.only("distributed")
def test_a_worker_without_room_gives_its_work_to_others_and_says_why(world):
    world.start(counts={"worker": 0}, config={"executor": {"scheduled_timeout": 3, "timeout_check_interval": 1}})
    waits = ask(world, "core.noop")
    full = world.launch("worker", {"worker": {"disk_reserve_mb": 900_000_000}})
    world.wait_ready([full])
    row = eventually(lambda: (e := look(world, waits)) and "takes no runs" in (e["wait_reason"] or "") and e, 30)
    assert "worker.disk_reserve_mb is 900000000: make room there" in row["wait_reason"]
    assert row["wait_reason"].startswith("capacity: "), "room may come: no lack of a worker"
    time.sleep(6)
    assert look(world, waits)["status"] == "requested", "it has waited for longer than executor.scheduled_timeout"
    assert "1 executions find no worker that has room on its disk" in world.cli("doctor", code=None).out
    shown = world.get("/workers", role="action")["data"][0]
    assert "worker.disk_reserve_mb" in shown["full_reason"]
    world.wait_ready([world.launch("worker")])
    assert settled(world, waits, 30)["status"] == "completed"
    assert do(world, "core.noop")["status"] == "completed"
    assert full.alive and "no runs are taken: only " in world.logs_of(full)
