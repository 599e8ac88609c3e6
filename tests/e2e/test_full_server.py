"""The disk under PostgreSQL is full while results come in: nothing is lost, every role stays, it is said in words, and passes."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest
import requests
from cage import Cage
from harness import ROOT, eventually, free_port
from work import Ledger, ask, calm, do, in_state, ledger_path, settled

pytestmark = [pytest.mark.only("distributed"), pytest.mark.limit(300)]

LINES = 400

BIG = """import json, os, time
def note(word):
    with open('LEDGER', 'a') as f:
        f.write('%s %s %s %d %f\\n' % (word, os.environ['ATTUNE_EXECUTION_ID'], os.environ['ATTUNE_RUN'].split(':')[-1], os.getpid(), time.time()))
note('start')
while not os.path.exists('GATE'):
    time.sleep(0.05)
for i in range(LINES):
    print('%06d' % i, os.urandom(50).hex())
print(json.dumps({'id': os.environ['ATTUNE_EXECUTION_ID'], 'much': os.urandom(25000).hex()}), flush=True)
note('end')
"""


class SmallServer:
    """A PostgreSQL whose tables and whose log each lie in a small file system of its own."""

    def __init__(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="small-", dir="/tmp"))
        self.top.chmod(0o755)
        self.tables, self.log = str(self.top / "pg"), str(self.top / "wal")
        for path in (self.tables, self.log):
            os.mkdir(path)
        self.cage = Cage({self.tables: "140m", self.log: "96m"})
        port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        self.ctl("init", str(port))
        self.inside("sh", "-ec", f"chown postgres {self.log}; cd {self.tables}/data; mv pg_wal {self.log}/pg_wal; ln -s {self.log}/pg_wal pg_wal; "
                                 "printf 'shared_buffers = 16MB\\nmin_wal_size = 32MB\\nmax_wal_size = 48MB\\n' >>postgresql.conf")
        self.ctl("start")

    def inside(self, *argv):
        done = subprocess.run([*self.cage.command, *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{argv}: {done.stdout}"

    def ctl(self, *words):
        self.inside(os.path.join(ROOT, "dev", "private-pg"), self.tables, *words)

    def close(self):
        with contextlib.suppress(AssertionError):
            self.ctl("kill")
        self.cage.__exit__()
        shutil.rmtree(self.top, ignore_errors=True)


@pytest.fixture(name="server")
def server_fixture(monkeypatch):
    if os.geteuid() != 0:
        pytest.skip("needs root: PostgreSQL does not run as the root that others become in a mount namespace of theirs")
    server = SmallServer()
    monkeypatch.setenv("ATTUNE_TEST_PG", server.url)  # the world that comes next lives there
    yield server
    server.close()


@pytest.fixture(name="small")
def small_fixture(server, world):
    world.server = server
    world.gate = os.path.join(world.dir, "gate")
    code = BIG.replace("LEDGER", ledger_path(world)).replace("GATE", world.gate).replace("LINES", str(LINES))
    world.add_pack("full", {"pack.yaml": "ref: full\nversion: 1.0.0\n", "actions/big.py": code,
                            "actions/big.yaml": "ref: full.big\nrunner_type: python\nentry_point: big.py\noutput_format: json\nsandbox: off\n"})
    world.start()
    assert do(world, "core.echo", {"message": "warm"})["status"] == "completed"
    return world


def runs_that_wait(world, count=6):
    runs = [ask(world, "full.big") for _ in range(count)]
    for run in runs:
        in_state(world, run, "running", 60)
    eventually(lambda: len(Ledger(world).starts()) == count, 60)
    return runs


def end_all(world):
    open(world.gate, "w", encoding="ascii").close()
    eventually(lambda: len(Ledger(world).ends()) == len(Ledger(world).starts()), 60, "what ran has ended")


def refuses(world):
    """Asks until there is no room for more: the sentence that says so; how many were taken before that."""
    for taken in range(20000):
        answer = requests.post(world.url + "/api/v1/executions/execute", headers=world.bearer(), timeout=60,
                               json={"action_ref": "core.noop", "parameters": {"x": "y" * 20000}})
        if answer.status_code != 201:
            assert answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1, answer.text
            return answer.json()["error"], taken
    raise AssertionError("it never refused")


def whole(world, runs):
    """Every run is completed, ran once, and its result and its log are what it wrote."""
    for run in runs:
        row = settled(world, run, 90)
        assert row["status"] == "completed" and row["result"]["data"]["id"] == str(run), row["status"]
        assert len(row["result"]["data"]["much"]) == 50000
        log = world.request("GET", f"/executions/{run}/logs/stdout").text
        assert [line[:6] for line in log.splitlines()[:LINES]] == [f"{i:06d}" for i in range(LINES)]
    ledger = Ledger(world)
    for run in runs:
        assert len(ledger.starts(run)) == len(ledger.ends(run)) == 1


def said(world, role, about):
    return [line for p in world.processes if p.role == role for line in p.output().splitlines()
            if re.search('"level":"(warn|error)"', line) and re.search(about, line, re.I)]


def test_results_that_come_while_the_tables_have_no_room_are_stored_when_they_have(small):
    world = small
    runs = runs_that_wait(world)
    world.server.cage.fill(world.server.tables)
    sentence, _ = refuses(world)
    assert re.search("disk of PostgreSQL .* is full: free some space", sentence), sentence
    end_all(world)
    eventually(lambda: said(world, "worker", "disk of PostgreSQL"), 60, "the worker says why results wait")
    calm(5)
    assert all(p.alive for p in world.processes) and len(said(world, "worker", "disk of PostgreSQL")) == 1, said(world, "worker", "")
    world.server.cage.empty(world.server.tables)
    whole(world, runs)
    assert do(world, "core.echo", {"message": "again"}, 60)["status"] == "completed"
    world.stop()


def test_results_that_come_while_the_log_of_the_database_has_no_room_are_stored_when_it_has(small):
    world = small
    runs = runs_that_wait(world)
    world.server.cage.fill(world.server.log)
    refuses(world)  # PostgreSQL ends here, for it can promise nothing more
    end_all(world)
    eventually(lambda: said(world, "worker", "database|postgres"), 60, "the worker says that the database is away")
    calm(5)
    assert all(p.alive for p in world.processes)
    world.server.cage.empty(world.server.log)
    with contextlib.suppress(AssertionError):  # it may have come back by itself
        world.server.ctl("start")
    whole(world, runs)
    assert do(world, "core.echo", {"message": "again"}, 60)["status"] == "completed"
    world.stop()


def test_results_that_come_while_the_database_is_away_are_stored_when_it_is_back(small):
    world = small
    runs = runs_that_wait(world)
    world.server.ctl("kill")
    end_all(world)
    eventually(lambda: said(world, "worker", "database|postgres"), 60, "the worker says that the database is away")
    calm(5)
    assert all(p.alive for p in world.processes)
    world.server.ctl("start")
    whole(world, runs)
    world.stop()
