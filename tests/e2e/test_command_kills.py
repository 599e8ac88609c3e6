"""kill -9 of the server, and of the command itself, while packs are installed, files applied, and secrets re-wrapped: nothing is half
there, and the command given again comes to its end."""

import contextlib
import http.server
import json
import os
import random
import shutil
import signal
import subprocess
import tarfile
import threading
import time

import pytest
import requests
import yaml
from harness import BINARY, eventually
from test_chain_kills import doomed, revive
from test_secrets import action, as_somebody, key, secret_pack
from work import calm, do

DEFINE = ("define.before_commit", "define.after_commit", "define.after_publish")


def died(process, point):
    eventually(lambda: not process.alive, 60, f"{process.name} dies at {point}")


# ---- packs


def shop(version):
    """Each version has an action of its own, one that says the version, and a test."""
    return {"pack.yaml": f"ref: shop\nlabel: Shop\nversion: {version}.0.0\ntesting:\n  runners:\n    unit:\n      type: script\n"
                         "      entry_point: tests/run.sh\n",
            "tests/run.sh": "#!/bin/sh\ntest -x actions/say.sh && echo 'Total Tests: 1' && echo 'Passed: 1'\n",
            "actions/say.yaml": action("shop.say", "say.sh"),
            "actions/say.sh": f"#!/bin/sh\necho this is version {version}\n",
            f"actions/only{version}.yaml": action(f"shop.only{version}", "say.sh"),
            **{f"lib/{i}.txt": f"{version}\n" * 100 for i in range(40)}}


def files_of(folder):
    found = {}
    for at, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            with open(path, encoding="utf-8") as f:
                found[os.path.relpath(path, folder)] = f.read()
    return found


def sources(world, version):
    """The same pack as a folder and as an archive of the server."""
    folder = os.path.join(world.dir, f"shop{version}")
    for path, text in shop(version).items():
        full = os.path.join(folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(full, 0o755 if text.startswith("#!") else 0o644)
    archive = f"{folder}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, f"shop-{version}")
    return {"folder": folder, "archive": archive}


def whole_files(world):
    """The version whose files lie there, all of them and no others; None: there is no such pack."""
    found = files_of(os.path.join(world.packs, "shop"))
    if not found:
        return None
    version = int(yaml.safe_load(found["pack.yaml"])["version"].split(".")[0])
    assert found == shop(version)
    return version


def whole_pack(world):
    """The same of files, rows and what runs."""
    version = whole_files(world)
    rows = world.rows("select version from pack where ref = 'shop'")
    actions = {r["ref"] for r in world.rows("select ref from action where pack_ref = 'shop'")}
    if version is None:
        assert not rows and not actions
        return None
    assert rows == [{"version": f"{version}.0.0"}] and actions == {"shop.say", f"shop.only{version}"}
    assert do(world, "shop.say")["result"]["stdout"] == f"this is version {version}\n"
    return version


def install(world, source):
    assert "is installed" in world.cli("pack", "install", source, seconds=110).out


def incoming(world):
    return [name for name in os.listdir(world.packs) if name.startswith(".")]


@pytest.mark.parametrize("source, words", [("folder", ("install",)), ("archive", ("install",)), ("folder", ("upload", "--force"))])
@pytest.mark.limit(400)
def test_a_pack_whose_install_dies_at_any_place_is_the_old_one_or_the_new_one(world, source, words):
    world.start()
    paths = {version: sources(world, version)[source] for version in (1, 2)}
    before = None
    for after in (1, 2, 1):  # new, newer, and back: what a start remembers of the first must not hide the last
        for point in DEFINE:
            dying = doomed(world, "api", point)
            world.cli("pack", *words, paths[after], code=None)
            died(dying, point)
            assert whole_files(world) in (before, after)
            revive(world)
            assert whole_pack(world) in (before, after)
        world.cli("pack", *words, paths[after], seconds=110)
        assert whole_pack(world) == after
        before = after


@pytest.mark.limit(400)
def test_a_pack_whose_install_dies_at_any_moment_is_the_old_one_or_the_new_one(world):
    world.start()
    paths = {version: sources(world, version) for version in (1, 2)}
    began = time.monotonic()
    install(world, paths[1]["folder"])
    took, before = time.monotonic() - began, 1
    for _ in range(10):
        after = 3 - before
        path = random.choice(list(paths[after].values()))
        asking = threading.Thread(target=world.cli, args=("pack", "install", path), kwargs={"code": None})
        asking.start()
        calm(random.uniform(0, took * 1.2))
        dead = world.kill("api")
        assert whole_files(world) in (1, 2)
        asking.join()
        world.wait_ready([world.relaunch(dead)], 60)
        before = whole_pack(world)
        assert before in (1, 2)
    install(world, paths[3 - before]["archive"])
    assert whole_pack(world) == 3 - before
    for name in incoming(world):  # of those that were killed: the next one removes them when they are an hour old
        os.utime(os.path.join(world.packs, name), (0, 0))
    install(world, paths[before]["folder"])
    assert whole_pack(world) == before and not incoming(world)


@pytest.mark.limit(300)
def test_a_pack_whose_removal_dies_at_any_place_is_there_or_gone(world):
    world.start()
    path = sources(world, 1)["folder"]
    for point in DEFINE:
        install(world, path)
        dying = doomed(world, "api", point)
        world.cli("pack", "uninstall", "shop", "-y", code=None)
        died(dying, point)
        revive(world)
        assert whole_pack(world) in (1, None)
        world.cli("pack", "uninstall", "shop", "-y", code=None)
        assert whole_pack(world) is None
        shutil.rmtree(os.path.join(world.packs, "shop"), ignore_errors=True)


# ---- files that are applied


def documents(label):
    """Of each kind one, in which two members change together; the workflow has settings that its action keeps."""
    flow = {"tasks": [{"name": "only", "action": "lots.do", "input": {"text": label}}]}
    return [
        {"kind": "trigger", "ref": "lots.told", "pack_ref": "lots", "label": label, "description": label},
        {"kind": "action", "ref": "lots.do", "pack_ref": "lots", "label": label, "entrypoint": "true", "runtime_ref": "core.shell",
         "param_schema": {"text": {"type": "string"}}, "timeout_seconds": len(label)},
        {"kind": "workflow", "ref": "lots.flow", "pack_ref": "lots", "label": label, "version": "1.0.0", "definition": flow,
         "enabled": False, "priority": len(label), "timeout_seconds": 10 + len(label)},
        {"kind": "key", "ref": "lots.word", "name": "word", "owner_type": "pack", "owner_pack_ref": "lots", "encrypted": True,
         "value": f"open {label}"},
        {"kind": "policy", "ref": "lots.few", "pack_ref": "lots", "action_ref": "lots.do", "label": label,
         "concurrency": {"limit": len(label), "key": [], "method": "enqueue"}},
        {"kind": "rule", "ref": "lots.when", "pack_ref": "lots", "label": label, "trigger_ref": "lots.told", "action_ref": "lots.do",
         "action_params": {"text": label}},
    ]


def written(world, name, docs):
    path = os.path.join(world.dir, name)
    with open(path, "w", encoding="utf-8") as f:
        yaml.safe_dump_all(docs, f)
    return path


def away_from(world, path):
    """What would have to change: {(kind, ref): members}, of what is not there None."""
    said = json.loads(world.cli("apply", "-f", path, "--dry-run", "-j").out)
    return {(d["kind"], d["ref"]): set(d["members"]) or None for d in said if d["change"] != "none"}


def nothing_is_half(world, old, new):
    """Each thing is as one of the two files says, or not there where the old one does not name it (old: None)."""
    for name, members in away_from(world, new).items():
        assert members is None if old is None else name not in away_from(world, old), (name, members)


def applied(world, path):
    world.cli("apply", "-f", path, "-y")
    assert away_from(world, path) == {}


def clear(world):
    for kind, ref in (("rule", "lots.when"), ("policy", "lots.few"), ("key", "lots.word"), ("workflow", "lots.flow"),
                      ("action", "lots.do"), ("trigger", "lots.told")):
        world.cli(kind, "delete", ref, "-y", code=None)


@contextlib.contextmanager
def between(world):
    """A server that hands on what it is asked. take(n) returns once it has handed on the n-th request that changes something and
    got its answer, which it keeps to itself until it is told what to do."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        left, victim = 0, None

        def handle_any(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            passed = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection", "accept-encoding")}
            answer = requests.request(self.command, world.url + self.path, data=body, headers=passed, timeout=60)
            if self.command != "GET" and not self.path.endswith("/validate"):
                Handler.left -= 1
                if Handler.left == 0:
                    Handler.victim.kill()
                    Handler.victim.wait()
            with contextlib.suppress(OSError):
                self.send_response(answer.status_code)
                self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = handle_any

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def run(n, *args):
            """The command, which dies when its n-th change has been made, before it hears of it. Its exit code."""
            env = world.env({"ATTUNE_API_TOKEN": world.token, "ATTUNE_API_URL": f"http://127.0.0.1:{server.server_address[1]}"})
            with subprocess.Popen([BINARY, *args], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as command:
                Handler.left, Handler.victim = n, command
                return command.wait(60)

        try:
            yield run
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.limit(300)
def test_what_apply_was_making_when_it_was_killed_is_whole_and_given_again_it_makes_the_rest(world):
    world.add_pack("lots", {"pack.yaml": "ref: lots\nlabel: Lots\nversion: 1.0.0\n"})
    world.start()
    old, new = written(world, "old.yaml", documents("old")), written(world, "new.yaml", documents("newer"))
    with between(world) as run:
        for n in range(1, 20):
            if run(n, "apply", "-f", old, "-y") == 0:
                break
            nothing_is_half(world, None, old)
            applied(world, old)
            assert run(n, "apply", "-f", new, "-y") == -signal.SIGKILL
            nothing_is_half(world, old, new)
            applied(world, new)
            assert world.get("/keys/lots.word")["data"]["value"] == "open newer"
            clear(world)
    assert n == len(documents("x")) + 1, "each document is one change"


@pytest.mark.limit(300)
def test_what_apply_was_making_when_the_server_died_is_whole_and_given_again_it_makes_the_rest(world):
    world.add_pack("lots", {"pack.yaml": "ref: lots\nlabel: Lots\nversion: 1.0.0\n"})
    world.start()
    files = [written(world, "old.yaml", documents("old")), written(world, "new.yaml", documents("newer"))]
    before = None
    for i, point in enumerate(f"{point}:{n}" for n in (1, 3, 5) for point in DEFINE[:2]):
        path = files[i % 2]
        dying = doomed(world, "api", point)
        world.cli("apply", "-f", path, "-y", code=None)
        died(dying, point)
        revive(world)
        nothing_is_half(world, before, path)
        applied(world, path)
        before = path
    assert world.get("/keys/lots.word")["data"]["value"] == "open newer"


# ---- a new encryption key

STEP = 256  # so many in one transaction


def restarted(world, config):
    world.stop()
    world.processes.clear()
    world.start(config=config)


@pytest.mark.limit(400)
def test_secrets_stay_readable_whatever_dies_while_they_are_given_a_new_key(world):
    secret_pack(world)
    old, new, n = "o" * 40, "n" * 40, 600
    keys = lambda current, *others: {"security": {"encryption_key": current, "encryption_keys_old": list(others)}}
    world.start(config=keys(old, new))
    for i in range(n):
        world.post("/keys", key(f"r.k{i}", value=i, encrypted=True), 201)
    made = [world.post("/executions/execute", {"action_ref": "vault.show", "parameters": {"token": f"stays-{i}"}}, 201)["data"]["id"]
            for i in range(20)]
    restarted(world, keys(new, old))
    sealed = lambda: [r["seal"] for r in world.rows("select encryption_key_hash as seal from key")]
    (first,) = set(sealed())
    for point, others in (("before_commit:1", n), ("after_commit:1", n - STEP), ("before_commit:2", n - 2 * STEP)):
        dying = doomed(world, "api", f"define.{point}")
        world.cli("key", "rotate", code=None)
        died(dying, point)
        assert sealed().count(first) == others
        revive(world)
        for i in random.sample(range(n), 20):
            assert world.get(f"/keys/r.k{i}")["data"]["value"] == i
    said = json.loads(world.cli("key", "rotate", "-j").out)
    assert (said["unreadable"], said["left"]) == (0, 0)
    restarted(world, keys(new))
    assert [world.get(f"/keys/r.k{i}")["data"]["value"] for i in range(n)] == list(range(n))
    as_reader = as_somebody(world, "reader", "vault.reveal")
    for i, execution in enumerate(made):
        shown = as_reader("GET", f"/executions/{execution}?include_secret_values=true", 200)["data"]
        assert shown["config"] == {"token": f"stays-{i}"}
