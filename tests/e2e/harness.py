"""The real binary in one of its two worlds, for end-to-end tests and for the crash test.

    with World("embedded", "/some/empty/dir") as world:   # or "distributed", inside dev/with-servers
        world.start()
        run = world.post("/executions/execute", {"action_ref": "core.echo", "parameters": {"message": "hi"}})
        eventually(lambda: world.get(f"/executions/{run['data']['id']}")["data"]["status"] == "completed")

A world has a directory, a port, a schema and a vhost of its own. Nothing waits for a fixed time: poll with eventually().
"""

import contextlib
import ctypes
import glob
import itertools
import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import uuid

import conformance
import requests
import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.environ.get("ATTUNE_BIN", os.path.join(ROOT, "build-test", "attune"))
ADMIN = ("admin", "the password of tests")
ROLES = ("api", "executor", "worker", "sensor", "notifier")
# What a role without a health route says when it accepts work.
READY = re.compile(r"Registered runtimes: |\bready\b")
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|: runtime error: ")


def eventually(fn, seconds=60, what=None):
    """The first true value of fn(), tried until the deadline; an AssertionError inside counts as "not yet"."""
    deadline = time.monotonic() + seconds
    pause, last = 0.01, None
    while True:
        try:
            value = fn()
            if value:
                return value
            last = value
        except (AssertionError, requests.RequestException) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or 'what was waited for'}; last seen: {last!r}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


def port_band():
    """A thousand ports that no other run of tests on this machine uses meanwhile: the socket says that they are taken."""
    for band in range(10000, 20000, 1000):
        taken = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError):
            taken.bind(f"\0attune-test-ports-{band}")
            return itertools.cycle(range(band, band + 1000)), taken
        taken.close()
    raise RuntimeError("ten runs of tests are under way: wait until one of them has ended")


PORTS, PORTS_TAKEN = port_band()


def free_port():
    """Below the range the kernel hands out by itself, so that a killed server finds its port free again."""
    for port in PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def merged(base, over):
    out = dict(base)
    for key, value in (over or {}).items():
        out[key] = merged(out.get(key) or {}, value) if isinstance(value, dict) else value
    return out


# ---- servers: what dev/with-servers started


def servers_env(name):
    value = os.environ.get(name)
    if not value:
        raise RuntimeError(f"{name} is not set: run this inside dev/with-servers (as `dev/test e2e` does)")
    return value


def run_ctl(name, *args):
    done = subprocess.run([servers_env(name), *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(args)}: {done.stdout}")
    return done.stdout


def pg_ctl(word):
    """start, stop, restart, kill: of the PostgreSQL that all worlds share. Mark such a test `alone`."""
    run_ctl("ATTUNE_TEST_PG_CTL", word)


def rabbit_ctl(word):
    run_ctl("ATTUNE_TEST_RABBIT_CTL", word)


def rabbitmqctl(*args):
    return run_ctl("ATTUNE_TEST_AMQP_CTL", *args)


# ---- orphans: what outlives the process that started it becomes our child, so nothing can hide

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def process_words(pid, name):
    try:
        with open(f"/proc/{pid}/{name}", "rb") as f:
            return f.read().decode(errors="replace").split("\0")
    except OSError:
        return []


def children():
    """(pid, is_zombie) of our own children."""
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError), open(path, encoding="ascii", errors="replace") as f:
            pid, rest = f.read().split(" (", 1)
            state, parent = rest.rsplit(") ", 1)[1].split()[:2]
            if int(parent) == os.getpid():
                yield int(pid), state == "Z"


worlds = []  # that are open: several at once may share this process


def checked_send(send):
    """Whatever any test receives from a world, by whichever way, is what it is described to be."""
    def checked(session, request, **kw):
        response = send(session, request, **kw)
        if any(request.url.startswith(w.url + "/") for w in worlds):
            conformance.check(response, kw.get("stream", False))
        return response
    return checked


requests.Session.send = checked_send(requests.Session.send)


def orphans():
    """{pid: command line} of adopted processes, the test servers' aside; dead ones are reaped on the way."""
    known = {p.pid for w in worlds for p in w.processes}
    servers = os.path.dirname(os.environ.get("ATTUNE_TEST_PG_CTL", "/nowhere/x"))
    found = {}
    for pid, zombie in children():
        if pid in known:
            continue
        if zombie:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        elif not any(servers in word for word in process_words(pid, "environ")):
            found[pid] = " ".join(process_words(pid, "cmdline")).strip()
    return found


# ---- the world


class Process:
    def __init__(self, role, name, argv, log, env):
        self.role, self.name, self.argv, self.log, self.env = role, name, argv, log, env
        self.seen = os.path.getsize(log) if os.path.exists(log) else 0  # what an earlier life wrote
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                          env=env, cwd=os.path.dirname(log), start_new_session=True)

    @property
    def pid(self):
        return self.popen.pid

    @property
    def alive(self):
        return self.popen.poll() is None

    def output(self):
        """What this life of the process has written."""
        with open(self.log, encoding="utf-8", errors="replace") as f:
            f.seek(self.seen)
            return f.read()

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, seconds=40):
        return self.popen.wait(seconds)


class Answer:
    """What a command line printed, and its exit code."""

    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def json(self):
        return json.loads(self.out)


class World:
    def __init__(self, kind, directory, config=None):
        assert kind in ("embedded", "distributed"), kind
        self.kind, self.embedded = kind, kind == "embedded"
        self.dir = os.path.abspath(str(directory))
        self.data = os.path.join(self.dir, "data")
        self.packs = os.path.join(self.dir, "packs")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.socket_port = self.port if self.embedded else free_port()  # of the notifier
        self.socket_url = f"http://127.0.0.1:{self.socket_port}"
        self.name = "t" + uuid.uuid4().hex[:12]  # of schema and vhost
        self.processes = []
        self.within = []  # a command that starts another, like prlimit: what the processes run in
        self.session = requests.Session()
        self.lock = threading.Lock()
        self.given = None  # see token
        self.pg = None
        for path in (self.data, self.packs, os.path.join(self.dir, "home")):
            os.makedirs(path, exist_ok=True)
        shutil.copytree(os.path.join(ROOT, "packs", "core"), os.path.join(self.packs, "core"), dirs_exist_ok=True)
        self.config = merged(self._base_config(), config)
        worlds.append(self)
        if not self.embedded:
            self._make_room()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _base_config(self):
        # what is slow to answer for its version is not asked by each of the hundreds of workers that are started
        slow = {name: f"/not/asked/{name}" for name in ("java", "docker")}
        common = {"packs_base_dir": self.packs, "log": {"level": os.environ.get("ATTUNE_TEST_LOG", "info")},
                  "worker": {"interpreters": slow, "probe_patience_ms": 10000}}
        if self.embedded:
            return common
        return merged(common, {
            "database": {"url": servers_env("ATTUNE_TEST_PG"), "schema": self.name},
            "message_queue": {"url": f"{servers_env('ATTUNE_TEST_AMQP')}/{self.name}"},
            "server": {"host": "127.0.0.1", "port": self.port},
            "notifier": {"host": "127.0.0.1", "port": self.socket_port},
            "artifacts_dir": os.path.join(self.data, "artifacts"),
            "runtime_envs_dir": os.path.join(self.data, "runtime_envs"),
            "security": {"jwt_secret": uuid.uuid4().hex * 2, "encryption_key": uuid.uuid4().hex * 2},
        })

    def _make_room(self):
        with self._pg().cursor() as cursor:
            cursor.execute(f'create schema "{self.name}"')
        rabbitmqctl("add_vhost", self.name)
        rabbitmqctl("set_permissions", "-p", self.name, "guest", ".*", ".*", ".*")

    # -- processes

    def configure(self, over):
        """Changes the configuration of what is started from now on."""
        self.config = merged(self.config, over)

    def start(self, roles=ROLES, counts=None, config=None, args=(), env=None, ready=True, seconds=30):
        """Starts the roles, counts[role] of each (embedded: the one process), and waits until they accept work."""
        started = []
        if self.embedded:
            started.append(self.launch("up", config, args, env))
        for role in () if self.embedded else roles:
            started += [self.launch(role, config, args, env) for _ in range((counts or {}).get(role, 1))]
        if ready:
            self.wait_ready(started, seconds)
        return started

    def launch(self, role, config=None, args=(), env=None, name=None):
        """Starts one process and does not wait. A name that was used before is a restart of that process."""
        used = {p.name for p in self.processes}
        name = name or next(n for n in (f"{role}-{i}" for i in range(1, 1000)) if n not in used)
        path = os.path.join(self.dir, f"{name}.yaml")
        with open(path, "w", encoding="utf-8") as f:
            yaml.safe_dump(merged(self.config, config), f)
        argv = [*self.within, BINARY, role, "--config", path]
        argv += ["--data-dir", self.data, "--port", str(self.port)] if role == "up" else ["--name", name]
        process = Process(role, name, argv + list(args), os.path.join(self.dir, f"{name}.log"), self.env(env))
        self.processes = [p for p in self.processes if p.name != name] + [process]
        return process

    def relaunch(self, process):
        """Starts a process that has ended again: same name, same arguments, same configuration."""
        assert not process.alive, f"{process.name} is still running"
        again = Process(process.role, process.name, process.argv, process.log, process.env)
        self.processes[self.processes.index(process)] = again
        return again

    def env(self, more=None):
        """Made from nothing, so that a test finds the same everywhere."""
        path = "/usr/local/bin:/usr/bin:/bin"
        if not shutil.which("node", path=path) and shutil.which("node"):
            path += ":" + os.path.dirname(shutil.which("node"))
        out = {"PATH": path, "HOME": os.path.join(self.dir, "home"), "LANG": "C.UTF-8", "ATTUNE_API_URL": self.url,
               "ATTUNE_ADMIN_LOGIN": ADMIN[0], "ATTUNE_ADMIN_PASSWORD": ADMIN[1]}
        out.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS") or k == "TMPDIR"})
        out.update(more or {})
        return out

    def of_role(self, role):
        """The living processes of a role; embedded, the one process is every role."""
        return [p for p in self.processes if p.alive and (self.embedded or p.role == role)]

    def wait_ready(self, processes=None, seconds=30):
        for p in processes or self.processes:
            eventually(lambda p=p: self._ready(p), seconds, f"{p.name} accepts work")

    def _ready(self, process):
        if not process.alive:
            raise RuntimeError(f"{process.name} ended with code {process.popen.returncode}:\n{process.output()[-4000:]}")
        if process.role in ("up", "api"):
            return requests.get(self.url + "/health/ready", timeout=5).status_code == 200
        return READY.search(process.output())

    def kill(self, role, number=signal.SIGKILL):
        """Kills one process of the role (embedded: the process), without its children, and gives it back, dead."""
        process = random.choice(self.of_role(role))
        process.signal(number)
        process.wait()
        return process

    def stop(self, seconds=40):
        """SIGTERM to all; each must end by itself with code 0."""
        living = [p for p in self.processes if p.alive]
        for p in living:
            p.signal(signal.SIGTERM)
        codes = {p.name: p.wait(seconds) for p in living}
        assert not any(codes.values()), f"exit codes after SIGTERM: {codes}"

    def leftovers(self):
        """{pid: command line} of processes that have outlived whoever started them, in this world."""
        mark = f"{self.dir}{os.sep}"
        return {pid: words for pid, words in orphans().items() if any(mark in word for word in process_words(pid, "environ"))}

    def close(self):
        """Ends every process by its id, and takes schema and vhost away. Can be called twice."""
        for p in self.processes:
            if p.alive:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(p.pid, signal.SIGKILL)
                p.wait()
        while left := self.leftovers():  # a killed one's children come up in the next round
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        if self in worlds:
            worlds.remove(self)
        self.session.close()
        if self.pg is not None:
            with contextlib.suppress(Exception), self._pg().cursor() as cursor:
                cursor.execute(f'drop schema if exists "{self.name}" cascade')
            self.pg.close()
            self.pg = None
            with contextlib.suppress(RuntimeError):
                rabbitmqctl("delete_vhost", self.name)

    # -- looking and asking

    def logs(self, role=None):
        """Everything the processes (of a role) have written, all their lives."""
        out = []
        for p in self.processes:
            if role is None or self.embedded or p.role == role:
                with open(p.log, encoding="utf-8", errors="replace") as f:
                    out.append(f.read())
        return "".join(out)

    def sanitizer_reports(self):
        return [p.name for p in self.processes if SANITIZER.search(self.logs_of(p))]

    @staticmethod
    def logs_of(process):
        with open(process.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def request(self, method, path, status=None, **kw):
        """The response; path is below /api/v1 unless it starts with /api or /health. status: what must come, else any 2xx."""
        full = path if re.match(r"/(api|auth|health|metrics|docs|ws)\b", path) else "/api/v1" + path
        session = self.session if full.startswith("/health") else self.http
        response = session.request(method, self.url + full, timeout=kw.pop("timeout", 65), **kw)
        good = response.status_code == status if status else response.ok
        assert good, f"{method} {full}: {response.status_code} {response.text[:1000]}"
        return response

    def login(self, login=ADMIN[0], password=ADMIN[1]):
        """An access token of this identity."""
        response = requests.post(self.url + "/auth/login", json={"login": login, "password": password}, timeout=30)
        assert response.ok, f"login as {login}: {response.status_code} {response.text}"
        return response.json()["data"]["access_token"]

    @property
    def http(self):
        """A session that is logged in."""
        self.bearer()
        return self.session

    @property
    def token(self):
        """The administrator's; logged in once, when it is first needed and the API is there."""
        with self.lock:
            if self.given is None:
                self.given = self.login()
                self.session.headers["Authorization"] = f"Bearer {self.given}"
        return self.given

    def bearer(self):
        """The administrator's header."""
        return {"Authorization": f"Bearer {self.token}"}

    @staticmethod
    def _body(response):
        return response.json() if response.content else None

    def get(self, path, status=None, **params):
        return self._body(self.request("GET", path, status, params=params))

    def post(self, path, body=None, status=None, **kw):
        return self._body(self.request("POST", path, status, json=body, **kw))

    def put(self, path, body=None, status=None, **kw):
        return self._body(self.request("PUT", path, status, json=body, **kw))

    def delete(self, path, status=None, **kw):
        return self._body(self.request("DELETE", path, status, **kw))

    def cli(self, *args, code=0, stdin="", seconds=60, env=None):
        """Runs `attune ARGS`, which must end with that exit code (None: any)."""
        done = subprocess.run([BINARY, *map(str, args)], input=stdin, capture_output=True, text=True, timeout=seconds,
                              env=self.env({**self.cli_token(), **(env or {})}), cwd=self.dir, check=False)
        assert code is None or done.returncode == code, \
            f"attune {' '.join(map(str, args))}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        return Answer(done)

    def cli_token(self):
        """Embedded, the command line finds the token of its machine; elsewhere it is given one, when there is a server to give it."""
        with contextlib.suppress(AssertionError, requests.RequestException):
            return {} if self.embedded else {"ATTUNE_API_TOKEN": self.token}
        return {}

    def rows(self, sql, *args):
        """Rows as dicts; ? marks a parameter. In both worlds JSON comes as text and a time as integer microseconds."""
        with contextlib.closing(self._cursor(sql, args)) as cursor:
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor.fetchall()]

    def execute(self, sql, *args):
        """Changes the database behind the program's back."""
        with contextlib.closing(self._cursor(sql, args)) as cursor:
            return cursor.rowcount

    def _cursor(self, sql, args):
        if self.embedded:
            db = sqlite3.connect(self.database_file(), timeout=10, isolation_level=None)
            return ClosingCursor(db, db.execute(sql, args))
        import psycopg2

        for attempt in (1, 2):  # the server may have been restarted since the last question
            try:
                cursor = self._pg().cursor()
                cursor.execute(sql.replace("%", "%%").replace("?", "%s") if args else sql, args or None)
                return cursor
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                if self.pg is not None:
                    self.pg.close()
                if attempt == 2:
                    raise

    def database_file(self):
        for path in glob.glob(os.path.join(self.data, "**"), recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    if f.read(16) == b"SQLite format 3\0":
                        return path
        raise AssertionError(f"no SQLite file in {self.data}")

    def _pg(self):
        import psycopg2  # only where there is a server to talk to
        import psycopg2.extensions as types

        if self.pg is None or self.pg.closed:
            self.pg = psycopg2.connect(servers_env("ATTUNE_TEST_PG"), options=f"-c search_path={self.name} -c timezone=UTC")
            self.pg.autocommit = True
            as_text = types.new_type((114, 3802), "JSON", lambda value, _: value)
            as_time = types.new_type((1184,), "TIME", lambda v, c: v and microseconds(types.PYDATETIMETZ(v, c)))
            types.register_type(as_text, self.pg)
            types.register_type(as_time, self.pg)
        return self.pg

    def amqp(self):
        """A connection of one's own to this world's vhost (pika)."""
        import pika

        return pika.BlockingConnection(pika.URLParameters(self.config["message_queue"]["url"]))

    def add_pack(self, name, files):
        """Writes a pack folder, {path: text}; a text that starts with #! is made executable. Start, or restart, loads it."""
        for path, text in files.items():
            full = os.path.join(self.packs, name, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as f:
                f.write(text)
            os.chmod(full, 0o755 if text.startswith("#!") else 0o644)


class ClosingCursor:
    """A cursor that takes its connection with it."""

    def __init__(self, db, cursor):
        self.db, self.cursor = db, cursor

    def __getattr__(self, name):
        return getattr(self.cursor, name)

    def close(self):
        self.cursor.close()
        self.db.close()


def microseconds(when):
    return int(when.timestamp()) * 1_000_000 + when.microsecond
