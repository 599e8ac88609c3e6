"""The machine fails: full disks, no descriptors left, actions that misbehave, callers that mean harm. The platform says so, stays, and
goes on by itself when it can."""

import contextlib
import json
import os
import re
import resource
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import harness
import pytest
import requests
import test_bad_input
from cage import Cage
from harness import BINARY, eventually, free_port
from test_bad_input import refused
from work import Ledger, action, add_test_pack, all_settled, ask, calm, do, in_state, look, processes_of, rule, settled, ticking

MEGABYTE = 1 << 20

WILD = {
    "pack.yaml": "ref: wild\nlabel: Wild\nversion: 1.0.0\n",
    "actions/memory.py": "import os\nblock = bytearray(200 << 20)\nfor at in range(0, len(block), 4096): block[at] = 1\nprint('held', len(block))\n",
    "actions/memory.yaml": action("memory", "memory.py", "python").replace("lab.", "wild."),
    "actions/forks.sh": "#!/bin/bash\nfor i in {1..200}; do sleep 300 & done\necho forked\n",
    "actions/forks.yaml": action("forks", "forks.sh").replace("lab.", "wild."),
    # a daemon as the books teach it: twice removed, a session of its own, no pipe of ours in its hands
    "actions/daemon.sh": "#!/bin/bash\nsetsid sh -c 'sleep 300 & exit' </dev/null >/dev/null 2>&1\necho away\n",
    "actions/daemon.yaml": action("daemon", "daemon.sh").replace("lab.", "wild."),
    # a session of its own, and it holds our pipe
    "actions/holder.sh": "#!/bin/bash\nsetsid sleep 300 &\necho left\n",
    "actions/holder.yaml": action("holder", "holder.sh").replace("lab.", "wild."),
    "actions/flood.sh": "#!/bin/bash\nhead -c 200000000 /dev/zero | tr '\\0' x\n",
    "actions/flood.yaml": action("flood", "flood.sh").replace("lab.", "wild."),
    "actions/closes.sh": "#!/bin/bash\nexec 0<&- 1>&- 2>&-\nsleep 1.5\nexit 7\n",
    "actions/closes.yaml": action("closes", "closes.sh").replace("lab.", "wild."),
    "actions/nul.sh": "#!/bin/bash\nsleep 4\nprintf 'a\\0b'\n",
    "actions/nul.yaml": action("nul", "nul.sh").replace("lab.", "wild."),
    "actions/large.sh": "#!/bin/bash\nhead -c 3000000 /dev/zero | tr '\\0' y\necho bad >&2\n",
    "actions/large.yaml": action("large", "large.sh").replace("lab.", "wild."),
    "actions/file.sh": "#!/bin/bash\ncat \"$ATTUNE_PARAMETER_FILE\"\n",
    "actions/file.yaml": action("file", "file.sh", delivery="file").replace("lab.", "wild."),
}


def resident(process):
    with open(f"/proc/{process.pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * resource.getpagesize()


def processor_seconds(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as f:
        user, system = f.read().rsplit(") ", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def one_shape(answer, status=None):
    """Every refusal looks the same, and is one sentence."""
    body = answer.json()
    assert set(body) <= {"error", "code", "details"} and body["code"] and body["error"] and "\n" not in body["error"], answer.text
    assert status is None or answer.status_code == status, answer.text
    return body["error"]


# ---- full disks


@contextlib.contextmanager
def caged(world, sizes):
    """The world's processes run where those folders are small."""
    with Cage(sizes) as cage:
        world.within = cage.command
        if world.embedded and world.data in sizes:
            world.rows = lambda sql, *args: cage.rows(os.path.join(world.data, "attune.db"), sql, *args)
        try:
            yield cage
        finally:
            world.close()


def load_until(world, kind, status):
    """Asks until that answer comes; what was accepted before it, and the answer."""
    accepted = []
    for _ in range(20000):
        if kind == "event":
            answer = requests.post(world.url + "/api/v1/events", headers=world.bearer(), timeout=30, json={"trigger_ref": "lab.thing", "payload": {"x": "y" * 20000}})
        else:
            answer = requests.post(world.url + "/api/v1/executions/execute", headers=world.bearer(), timeout=30, json={"action_ref": "lab.mark", "parameters": {}})
        if answer.status_code == status:
            return accepted, answer
        assert answer.status_code == 201, answer.text
        accepted.append(answer.json()["data"]["id"])
    raise AssertionError(f"no {status} has come")


@pytest.mark.only("embedded")
def test_a_full_disk_refuses_what_is_new_loses_nothing_and_heals_by_itself(world):
    add_test_pack(world)
    world.add_pack("wild", WILD)
    with caged(world, {world.data: "32m"}) as cage:
        (process,) = world.start(config={"worker": {"disk_reserve_mb": 0}})
        rule(world, "lab.full", "lab.thing", action_ref="lab.mark")
        rule(world, "lab.tick", action_ref="core.noop", trigger_params=ticking())
        busy = [ask(world, "lab.mark", {"seconds": 4}) for _ in range(3)]
        odd = ask(world, "wild.nul")  # its result is changed before it can be stored
        for run in [*busy, odd]:
            in_state(world, run, "running")
        cage.fill(world.data)
        events, answer = load_until(world, "event", 503)
        said = one_shape(answer, 503)
        assert "disk is full" in said and int(answer.headers["Retry-After"]) >= 1, said

        # it stays up, still refuses, still answers who reads, and the processes that run end
        ledger = Ledger(world)
        eventually(lambda: {e.id for e in ledger.ends()} >= set(busy), 20, "what ran has ended")
        runs, _ = load_until(world, "execution", 503)
        assert world.get("/executions", limit=5)["data"]
        before = processor_seconds(process)
        calm(3)
        assert processor_seconds(process) - before < 1.5, "it turns in a circle while the disk is full"
        assert process.alive
        warned = [line for line in process.output().splitlines() if '"level":"error"' in line or '"level":"warn"' in line]
        assert sum("disk is full" in line for line in warned) == 1, "it is said once"
        assert len(warned) <= 5, "it does not stop saying so:\n" + "\n".join(warned[:20])

        cage.empty(world.data)
        freed = time.monotonic()
        assert eventually(lambda: requests.post(world.url + "/api/v1/executions/execute", headers=world.bearer(), timeout=10,
                                                json={"action_ref": "core.noop", "parameters": {}}).status_code == 201, 60)
        assert settled(world, odd)["result"]["stdout"] == "a\ufffdb"
        rows = all_settled(world, busy + runs, 60)
        assert all(r["status"] == "completed" for r in rows.values())
        enforced = eventually(lambda: (r := world.rows(
            "select n.event, x.id, x.status from enforcement n join execution x on x.enforcement = n.id where n.rule_ref = 'lab.full'"))
            and {x["event"] for x in r} >= set(events) and all(x["status"] == "completed" for x in r) and r, 60)
        assert time.monotonic() - freed < 60
        ticks = len(world.rows("select id from event where rule_ref = 'lab.tick'"))
        eventually(lambda: len(world.rows("select id from event where rule_ref = 'lab.tick'")) >= ticks + 2, 15, "timers tick again")
        assert len({x["event"] for x in enforced}) == len(enforced), "an event has made two executions"
        once = busy + runs + [x["id"] for x in enforced]
        assert sorted(e.id for e in ledger.starts()) == sorted(e.id for e in ledger.ends()) == sorted(once)
        assert world.rows("pragma integrity_check")[0] == {"integrity_check": "ok"}
        world.stop()


@pytest.mark.only("embedded")
def test_a_start_on_a_full_disk_is_one_sentence_and_what_was_there_stays(world, monkeypatch):
    add_test_pack(world)
    with caged(world, {world.data: "16m"}) as cage:
        cage.fill(world.data)
        monkeypatch.setattr(test_bad_input, "BINARY", cage.command[0])
        said = refused(world, *cage.command[1:], BINARY, "up", "--data-dir", world.data, "--port", free_port())
        assert re.search(r"no space left|disk is full", said, re.I)
        cage.empty(world.data)
        world.start()
        run = do(world, "core.echo", {"message": "kept"})
        world.stop()
        cage.fill(world.data)
        process = world.relaunch(world.processes[0])
        # it may find room in what it had set aside; else it says why it does not start
        eventually(lambda: not process.alive or world._ready(process), 20)
        if process.alive:
            assert look(world, run["id"])["result"]["stdout"].strip() == "kept"
            world.stop()
        else:
            said = [line for line in process.output().splitlines() if "attune" in line]
            assert process.popen.returncode > 0 and re.search(r"disk is full|no space left", said[-1], re.I), process.output()
        cage.empty(world.data)
        world.wait_ready([world.relaunch(process)])
        assert look(world, run["id"])["result"]["stdout"].strip() == "kept"
        world.stop()


def test_a_full_folder_of_runs_or_of_output_is_said_in_the_result_and_passes(world):
    world.add_pack("wild", WILD)
    artifacts = os.path.join(world.data, "artifacts")
    folders = os.path.join(world.dir, "runs")
    os.makedirs(artifacts)
    os.makedirs(folders)
    with caged(world, {folders: "1m", artifacts: "8m"}) as cage:
        world.start(config={"artifacts_dir": artifacts, "worker": {"run_dir": folders, "disk_reserve_mb": 0}})
        cage.fill(artifacts)
        row = do(world, "wild.large")
        assert row["status"] == "completed", row
        assert "No space left" in row["result"]["log_error"] and row["result"]["stdout"].startswith("yyy"), row["result"].keys()
        assert row["result"]["stdout_truncated"] is True

        cage.fill(folders)
        row = do(world, "wild.file", {"x": "z" * 100_000})
        assert row["status"] == "failed" and "No space left" in row["result"]["error"], row
        assert folders in row["result"]["error"], "which folder is full is not said"

        cage.empty(folders)
        cage.empty(artifacts)
        assert "log_error" not in do(world, "wild.large")["result"]
        assert "zzz" in do(world, "wild.file", {"x": "z" * 100_000})["result"]["stdout"]
        world.stop()


FILLS = """#!/bin/bash
# An installer that needs 4 MB in the folder that it is given.
head -c 4M /dev/zero >"$1/part" || { echo "installer: no room for part" >&2; exit 1; }
echo whole >"$1/words"
"""


def test_a_full_folder_of_environments_fails_the_build_in_words_leaves_nothing_and_passes(world):
    runtime = ("ref: big.sh\nname: big-sh\nexecution_config:\n  interpreter: {binary: bash, file_extension: .sh}\n"
               "  environment: {env_type: folder, dir_name: env, create_command: [mkdir, -p, '{env_dir}'], interpreter_path: /bin/bash}\n"
               "  dependencies: {manifest_file: needs.txt, install_command: [bash, '{pack_dir}/install.sh', '{env_dir}']}\n"
               "  env_vars: {ENV_DIR: '{env_dir}'}\n")
    world.add_pack("big", {"pack.yaml": "ref: big\nversion: 1.0.0\n", "runtimes/sh.yaml": runtime, "install.sh": FILLS, "needs.txt": "one\n",
                           "actions/a.sh": "cat $ENV_DIR/words\n", "actions/a.yaml": "ref: big.a\nrunner_type: big-sh\nentry_point: a.sh\n"})
    folder = os.path.join(world.dir, "envs")
    os.makedirs(folder)
    with caged(world, {folder: "8m"}) as cage:
        cage.fill(folder)  # before the worker builds it by itself
        world.start(config={"runtime_envs_dir": folder, "worker": {"disk_reserve_mb": 0}})
        row = do(world, "big.a", seconds=60)
        assert row["status"] == "failed" and re.search(r"No space left|no room for part", row["result"]["error"]), row
        assert do(world, "core.echo", {"message": "others run"})["status"] == "completed"
        assert not [name for _, _, names in os.walk(cage.seen(folder)) for name in names if name in ("part", "words")], "half of it is left"
        cage.empty(folder)
        assert world.post("/packs/big/environments/rebuild", {})
        row = eventually(lambda: (r := do(world, "big.a", seconds=60))["status"] == "completed" and r, 60)
        assert row["result"]["stdout"] == "whole\n"
        world.stop()


# ---- descriptors


def test_many_connections_and_runs_with_few_descriptors_break_nothing(world):
    add_test_pack(world)
    limit, slots = 256, 100
    if not world.embedded:
        world.start(roles=("executor", "sensor"))
    world.within = ["prlimit", f"--nofile={limit}:{limit}", "--"]
    limited = world.start(roles=("api", "worker"), config={"worker": {"max_concurrent_tasks": slots}})
    api, worker = world.of_role("api")[0], world.of_role("worker")[0]
    assert f"max_concurrent_tasks is {slots}" in worker.output(), "that fewer fit is not said"

    idle = []
    try:
        for _ in range(2 * limit):
            s = socket.socket()
            s.settimeout(5)
            s.connect(("127.0.0.1", world.port))
            idle.append(s)
        calm(0.5)
        assert api.alive
    finally:
        for s in idle:
            s.close()
    eventually(lambda: requests.get(world.url + "/health/ready", timeout=5).status_code == 200, 20, "the API answers again")

    def one(_):
        return requests.post(world.url + "/api/v1/executions/execute", headers=world.bearer(), timeout=60,
                             json={"action_ref": "lab.mark", "parameters": {"seconds": 0.5}}).json()["data"]["id"]

    with ThreadPoolExecutor(16) as pool:
        runs = list(pool.map(one, range(150)))
    assert all(r["status"] == "completed" for r in all_settled(world, runs, 90).values())
    ledger = Ledger(world)
    assert sorted(e.id for e in ledger.starts()) == sorted(e.id for e in ledger.ends()) == sorted(runs)
    assert all(p.alive for p in limited)
    world.stop()


# ---- memory


@pytest.mark.limit(180)
def test_thousands_requested_at_once_all_end(world, monkeypatch):
    """Three thousand in the sanitized build; thirty thousand in the release build that ATTUNE_BIN_RELEASE may name, in little memory."""
    release = os.environ.get("ATTUNE_BIN_RELEASE")
    if release:
        monkeypatch.setattr(harness, "BINARY", release)
    many, each = 30000 if release else 3000, 100
    world.start()
    processes, most, over = list(world.processes), {}, threading.Event()

    def watch():
        while not over.wait(0.05):
            for p in processes:
                most[p.name] = max(most.get(p.name, 0), resident(p))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()

    def some(_):
        session = requests.Session()
        session.headers.update(world.bearer())
        return [session.post(world.url + "/api/v1/executions/execute", json={"action_ref": "core.noop", "parameters": {}},
                             timeout=60).json()["data"]["id"] for _ in range(each)]

    with ThreadPoolExecutor(8) as pool:
        runs = [run for part in pool.map(some, range(many // each)) for run in part]
    assert len(set(runs)) == many
    rows = all_settled(world, runs, 120)
    assert all(r["status"] == "completed" and r["attempt"] == 1 for r in rows.values())
    over.set()
    watcher.join()
    if release:
        assert max(most.values()) < 200 * MEGABYTE, {name: n >> 20 for name, n in most.items()}
    world.stop()


# ---- callers that mean harm


def raw(world, data, pause=0.0, size=65536, patience=2):
    """Sends these bytes, in pieces, and reads what comes until the other side closes or nothing comes for so many seconds."""
    with socket.create_connection(("127.0.0.1", world.port), timeout=5) as s:
        with contextlib.suppress(OSError):
            for at in range(0, len(data), size):
                s.sendall(data[at:at + size])
                time.sleep(pause)
        s.settimeout(patience)
        out = b""
        with contextlib.suppress(OSError):
            while piece := s.recv(65536):
                out += piece
        return out


def post_bytes(world, body, path="/api/v1/executions/execute", length=None):
    return (f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {world.bearer()['Authorization']}\r\nContent-Type: application/json\r\nConnection: close\r\n"
            f"Content-Length: {len(body) if length is None else length}\r\n\r\n").encode() + body


def hostile_bodies():
    deep = b'{"action_ref": "core.noop", "parameters": {"x": ' + b"[" * 10000 + b"]" * 10000 + b"}}"
    wide = b'{"action_ref": "core.noop", "parameters": {' + b",".join(b'"k%d":0' % i for i in range(600_000)) + b"}}"
    return {
        "deep": (deep, (400,)),
        "deep, never closed": (b"[" * 1_000_000, (400,)),
        "wide": (wide, (201, 400, 413, 422)),
        "invalid UTF-8": (b'{"action_ref": "core.noop\xff\xfe", "parameters": {}}', (400,)),
        "a surrogate alone": (b'{"action_ref": "core.noop", "parameters": {"x": "\\ud800"}}', (201, 400, 422)),
        "NUL in a ref": (b'{"action_ref": "core.\\u0000noop", "parameters": {}}', (400, 404, 422)),
        "a huge number": (b'{"action_ref": "core.noop", "parameters": {"x": 1' + b"0" * 100_000 + b"}}", (201, 400, 422)),
        "empty": (b"", (400, 422)),
        "only blanks": (b" " * 1_000_000, (400, 422)),
        "too large": (b"x" * (11 * MEGABYTE), (413,)),
        "no object": (b"[]", (400, 422)),
    }


def test_hostile_requests_are_refused_in_one_shape_while_others_are_served(running):
    stop, slowest = threading.Event(), []

    def neighbour():
        session = requests.Session()
        session.headers.update(running.bearer())
        while not stop.is_set():
            began = time.monotonic()
            assert session.post(running.url + "/api/v1/executions/execute", json={"action_ref": "core.noop", "parameters": {}},
                                timeout=30).status_code == 201
            slowest.append(time.monotonic() - began)

    api = running.of_role("api")[0]
    before = resident(api)
    slow = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(30)]  # headers that never end
    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(neighbour)
        try:
            for s in slow:
                s.sendall(b"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            for name, (body, codes) in hostile_bodies().items():
                answer = raw(running, post_bytes(running, body), patience=20)  # it is closed after the answer
                status = int(answer.split(b" ", 2)[1]) if answer else None
                assert status in codes, f"{name}: {answer[:300]!r}"
                head, text = answer.split(b"\r\n\r\n", 1)
                if status >= 400:
                    said = json.loads(text)
                    assert set(said) <= {"error", "code", "details"} and said["error"] and said["code"], f"{name}: {text[:300]!r}"
                    assert len(text) < 5000, f"{name}: it is told all it said"
            # half a body, then gone; a body longer than told; not HTTP at all; header after header
            raw(running, post_bytes(running, b'{"action_ref": "core.noop"', length=1000))
            raw(running, post_bytes(running, b'{"action_ref": "core.noop", "parameters": {}}', length=10))
            raw(running, os.urandom(100_000))
            raw(running, b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(5000)) + b"\r\n")
            raw(running, b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            for path in ("/executions/99999999999999999999", "/executions/-1", "/executions/%00", "/executions/%ff", "/rules/%2e%2e%2f",
                         "/events?limit=-5&page=1e9", "/executions?status=%27%3b--", "/executions?after=%ff%fe&limit=99999999999999999999"):
                answer = requests.get(running.url + "/api/v1" + path, headers=running.bearer(), timeout=10)
                assert answer.status_code < 500, f"{path}: {answer.text}"
                if answer.status_code >= 400:
                    one_shape(answer)
        finally:
            stop.set()
            for s in slow:
                s.close()
        going.result(30)
    slowest.sort()
    assert len(slowest) > 50 and slowest[int(len(slowest) * 0.99)] < 2, f"neighbours waited: {slowest[-5:]} of {len(slowest)}"
    assert api.alive and resident(api) - before < 400 * MEGABYTE, f"{before >> 20} MB have become {resident(api) >> 20} MB"
    assert do(running, "lab.mark")["status"] == "completed"


def test_one_run_cancelled_by_many_at_once_is_cancelled_once(running):
    run = ask(running, "lab.mark", {"seconds": 60})
    in_state(running, run, "running")
    with ThreadPoolExecutor(16) as pool:
        waits = [pool.submit(requests.get, f"{running.url}/api/v1/executions/{run}", params={"wait_seconds": 30}, headers=running.bearer(), timeout=40) for _ in range(8)]
        codes = sorted(pool.map(lambda _: requests.post(f"{running.url}/api/v1/executions/{run}/cancel", headers=running.bearer(), timeout=30).status_code, range(16)))
        seen = [w.result().json()["data"] for w in waits]
    assert set(codes) <= {200, 409} and 200 in codes, codes
    assert {s["status"] for s in seen} == {"cancelled"}, "who waited was not told"
    row = look(running, run)
    assert [m["status"] for m in row["timeline"]].count("cancelled") == 1 and not running.ledger.ends(run)


def test_one_run_read_by_many_who_wait_is_told_to_all(running):
    run = ask(running, "lab.mark", {"seconds": 1.5})
    with ThreadPoolExecutor(16) as pool:
        began = time.monotonic()
        seen = list(pool.map(lambda _: requests.get(f"{running.url}/api/v1/executions/{run}", params={"wait_seconds": 60}, headers=running.bearer(), timeout=90)
                             .json()["data"]["status"], range(16)))
    assert seen == ["completed"] * 16 and time.monotonic() - began < 45, "they were told, and did not wait until their time was over"


# ---- actions that misbehave


def marked(world):
    """Processes of any run of this world."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as f:
                if f"ATTUNE_ARTIFACTS_DIR={world.data}/artifacts".encode() in f.read().split(b"\0"):
                    found[int(name)] = name
    return found


def test_actions_that_misbehave_harm_nobody_and_leave_nothing(world):
    world.add_pack("wild", WILD)
    add_test_pack(world)
    world.start()
    worker = world.of_role("worker")[0]
    # What sandboxes are made of is opened once, and each slot keeps its cgroup.
    assert do(world, "core.echo")["status"] == "completed"
    warm = [ask(world, "lab.mark", {"seconds": 1}) for _ in range(20)]
    assert all(r["status"] == "completed" for r in all_settled(world, warm).values())
    before, handles = resident(worker), descriptors(worker)
    names = ("memory", "forks", "daemon", "holder", "flood", "closes")
    runs = {name: ask(world, f"wild.{name}") for name in names}
    stubborn = ask(world, "lab.stubborn")
    others = [ask(world, "lab.mark", {"seconds": 0.2}) for _ in range(10)]
    in_state(world, stubborn, "running", 30)
    eventually(lambda: len(processes_of(world, stubborn)) >= 4)
    world.post(f"/executions/{stubborn}/cancel")
    rows = {name: settled(world, run, 60) for name, run in runs.items()}
    assert settled(world, stubborn, 15)["status"] == "cancelled"
    assert all(r["status"] == "completed" for r in all_settled(world, others).values())

    for name in ("memory", "forks", "daemon", "holder", "flood"):
        assert rows[name]["status"] == "completed", rows[name]
    assert rows["closes"]["status"] == "failed" and rows["closes"]["result"]["exit_code"] == 7
    assert rows["closes"]["result"]["duration_ms"] >= 1400, "its end was taken from its pipes"
    flood = rows["flood"]["result"]
    assert flood["stdout_truncated"] and len(flood["stdout"]) < MEGABYTE, "200 MB are not kept"
    for name, run in [*runs.items(), ("stubborn", stubborn)]:
        if name != "daemon":
            eventually(lambda run=run: not processes_of(world, run), 3, f"what {name} started is gone")
    assert worker.alive and resident(worker) - before < 150 * MEGABYTE
    eventually(lambda: descriptors(worker) <= handles + 4, 10, "descriptors are given back")
    assert do(world, "lab.mark")["status"] == "completed"
    world.stop()
    eventually(lambda: not marked(world), 3, "nothing of any run is left, also what had become a daemon")


def test_a_killed_worker_takes_daemons_of_its_runs_with_it(world):
    world.add_pack("wild", WILD)
    world.start()
    run = do(world, "wild.daemon")
    assert run["status"] == "completed"  # where there are no cgroups its daemon lives as long as the worker
    busy = ask(world, "wild.closes")
    in_state(world, busy, "running")
    process = world.kill("worker")
    eventually(lambda: not marked(world), 10, "the guardian has found them all")
    world.wait_ready([world.relaunch(process)])
    assert settled(world, busy, 20)["status"] == "abandoned"
    world.stop()
