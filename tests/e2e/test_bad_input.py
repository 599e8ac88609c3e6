"""What people get wrong is answered in one sentence that says what, where and what to do; nothing half-made is left behind."""

import os
import re
import socket
import sqlite3
import subprocess

import pytest
import requests
import yaml
from harness import BINARY, SANITIZER, eventually, free_port, rabbitmqctl, servers_env
from work import add_test_pack, do


def refused(world_or_dir, *argv, env=None, seconds=40):
    """Runs what must not start: its one sentence."""
    directory = str(getattr(world_or_dir, "dir", world_or_dir))
    done = subprocess.run([BINARY, *map(str, argv)], capture_output=True, text=True, timeout=seconds, check=False, cwd=directory,
                          env={"PATH": "/usr/bin:/bin", "HOME": directory, **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")},
                               **(env or {})})
    said = [line for line in done.stderr.splitlines() if line.startswith("attune")]
    assert done.returncode not in (0, -6, -11), f"exit code {done.returncode}: {done.stderr}"
    assert not SANITIZER.search(done.stderr), done.stderr
    assert len(said) == 1 and done.stderr.rstrip().endswith(said[0]), f"not one sentence:\n{done.stderr}\n{done.stdout}"
    return said[0]


def write_config(directory, name, text):
    path = os.path.join(str(directory), name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


# ---- starting


def started_once(directory):
    """What `attune up` says from its start to its end, when it was let be until it was ready."""
    port = free_port()
    with subprocess.Popen([BINARY, "up", "--data-dir", str(directory), "--port", str(port)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as up:
        try:
            eventually(lambda: requests.get(f"http://127.0.0.1:{port}/health/ready", timeout=5).status_code == 200)
        finally:
            up.terminate()
            said = up.communicate(timeout=40)[0]
    return said


def test_a_taken_port_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused(tmp_path, "up", "--data-dir", tmp_path / "data", "--port", port)
    assert str(port) in said
    assert os.listdir(tmp_path / "data") == ["attune.lock"], "no database, and no password that was said once and for nothing"
    # nothing half-made: the same directory serves the next start
    started_once(tmp_path / "data")


def test_options_that_mean_nothing_are_wrong_usage_and_make_no_directory(tmp_path):
    for words, part in ((["--port", "99999"], "--port is a number from 0 to 65535, not '99999'"), (["--port", "http"], "not 'http'"),
                        (["--log-level", "loud"], "--log-level is debug, info, warn or error, not 'loud'"), (["--fast"], "does not know '--fast'")):
        done = subprocess.run([BINARY, "up", "--data-dir", tmp_path / "data", *words], capture_output=True, text=True, cwd=tmp_path, timeout=60)
        assert done.returncode == 2 and part in done.stderr and len(done.stderr.splitlines()) == 1, done
    assert "nofile.yaml" in refused(tmp_path, "up", "--data-dir", tmp_path / "data", "-c", "nofile.yaml")
    assert not (tmp_path / "data").exists()


def test_a_key_that_is_gone_beside_a_database_is_said(tmp_path):
    warning = "encryption_key' was not there beside a database: a new one is made"
    assert warning not in started_once(tmp_path / "data")
    os.remove(tmp_path / "data" / "encryption_key")
    assert warning in started_once(tmp_path / "data")
    assert warning not in started_once(tmp_path / "data")


def test_a_directory_that_cannot_be_written_is_named(tmp_path):
    said = refused(tmp_path, "up", "--data-dir", tmp_path / "new", "--port", free_port(), env={"ATTUNE__ARTIFACTS_DIR": "/proc/nowhere"})
    assert "artifacts_dir" in said and "/proc/nowhere" in said and not (tmp_path / "new" / "attune.db").exists()
    plain = tmp_path / "plain"
    plain.write_text("a file, not a directory")
    assert str(plain) in refused(tmp_path, "up", "--data-dir", plain / "below", "--port", free_port())
    assert "/proc/nowhere" in refused(tmp_path, "up", "--data-dir", "/proc/nowhere", "--port", free_port())


def test_a_corrupt_database_file_is_named_and_left_as_it_is(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    junk = b"this is no database" * 400
    (data / "attune.db").write_bytes(junk)
    assert "attune.db" in refused(tmp_path, "up", "--data-dir", data, "--port", free_port())
    assert (data / "attune.db").read_bytes() == junk


@pytest.mark.only("embedded")
def test_a_database_newer_than_the_program_is_refused(world):
    world.start()
    world.stop()
    db = sqlite3.connect(world.database_file())
    tables = [r[0] for r in db.execute("select name from sqlite_master where type = 'table' and name like '%migration%'")]
    columns = [r[1] for r in db.execute(f"pragma table_info({tables[0]})")]
    last = dict(zip(columns, db.execute(f"select * from {tables[0]} order by 1 desc limit 1").fetchone()))
    number = columns[0]
    last[number] = 9000
    db.execute(f"insert into {tables[0]} ({', '.join(columns)}) values ({', '.join('?' * len(columns))})", list(last.values()))
    db.commit()
    db.close()
    said = refused(world, "up", "--data-dir", world.data, "--port", world.port)
    assert "9000" in said and "newer" in said


@pytest.mark.only("distributed")
def test_a_newer_database_is_refused_by_every_role(world):
    world.start(roles=("executor",))
    world.stop()
    (table,) = world.rows("select table_name from information_schema.tables where table_schema = ? and table_name like '%migration%'",
                          world.name)
    name = table["table_name"]
    columns = [r["column_name"] for r in world.rows(
        "select column_name from information_schema.columns where table_schema = ? and table_name = ? order by ordinal_position",
        world.name, name)]
    rest = ", ".join(columns[1:])
    world.execute(f"insert into {name} ({', '.join(columns)}) select 9000, {rest} from {name} order by 1 desc limit 1")
    path = os.path.join(world.dir, "executor-1.yaml")
    for role in ("api", "executor", "worker", "sensor"):
        said = refused(world, role, "-c", path)
        assert "9000" in said and "newer" in said


@pytest.mark.only("distributed")
def test_a_wrong_database_password_is_one_sentence_without_the_password(world):
    """The test server trusts everybody but the one user that this test makes."""
    where = servers_env("ATTUNE_TEST_PG")
    rules = world.rows("show hba_file")[0]["hba_file"]
    with open(rules, encoding="utf-8") as f:
        before = f.read()
    world.execute(f"create role {world.name} login password 'right'")
    try:
        with open(rules, "w", encoding="utf-8") as f:  # the first line that fits counts
            f.write(f"local all {world.name} scram-sha-256\n{before}")
        world.execute("select pg_reload_conf()")
        wrong = where.replace("user=postgres", f"user={world.name}&password=wrong-secret")
        world.configure({"database": {"url": wrong}})
        path = write_config(world.dir, "password.yaml", yaml.safe_dump(world.config))

        def said():
            text = refused(world, "executor", "-c", path)
            assert "password authentication failed" in text and world.name in text, text
            assert "wrong-secret" not in text
            return True

        eventually(said, 10, "the server has read its rules again")
    finally:
        with open(rules, "w", encoding="utf-8") as f:
            f.write(before)
        world.execute("select pg_reload_conf()")
        world.execute(f"drop role {world.name}")


@pytest.mark.only("distributed")
def test_a_database_that_does_not_exist_is_named(world):
    world.configure({"database": {"url": servers_env("ATTUNE_TEST_PG").replace("///postgres?", "///nosuchdb?")}})
    path = write_config(world.dir, "db.yaml", yaml.safe_dump(world.config))
    assert "nosuchdb" in refused(world, "api", "-c", path)


@pytest.mark.only("distributed")
def test_a_wrong_broker_password_or_vhost_is_one_sentence_without_the_password(world):
    right = world.config["message_queue"]["url"]
    for url, word in ((right.replace("guest:guest@", "guest:wrong-secret@"), "password"), (right + "nowhere", "nowhere")):
        world.configure({"message_queue": {"url": url}})
        path = write_config(world.dir, "broker.yaml", yaml.safe_dump(world.config))
        for role in ("executor", "worker"):
            said = refused(world, role, "-c", path)
            assert word in said and "wrong-secret" not in said


@pytest.mark.only("distributed")
def test_a_broker_user_without_rights_is_one_sentence(world):
    rabbitmqctl("add_user", world.name, "pw")
    try:
        rabbitmqctl("set_permissions", "-p", world.name, world.name, "^$", "^$", "^$")
        world.configure({"message_queue": {"url": world.config["message_queue"]["url"].replace("guest:guest@", f"{world.name}:pw@")}})
        path = write_config(world.dir, "rights.yaml", yaml.safe_dump(world.config))
        said = refused(world, "executor", "-c", path)
        assert re.search(r"access|right|refused|permission", said, re.I) and "pw@" not in said
    finally:
        rabbitmqctl("delete_user", world.name)


@pytest.mark.only("distributed")
def test_a_broker_with_the_old_dead_letter_exchange_names_the_cure(world):
    connection = world.amqp()
    connection.channel().exchange_declare("attune.dlx", "direct", durable=True)
    connection.close()
    path = write_config(world.dir, "old.yaml", yaml.safe_dump(world.config))
    said = refused(world, "executor", "-c", path)
    assert "attune.dlx" in said and "attune bus migrate" in said
    world.cli("bus", "migrate", "-c", path)
    world.start()
    assert do(world, "core.noop")["status"] == "completed"


def test_an_unknown_key_names_the_nearest_known_one(tmp_path):
    path = write_config(tmp_path, "typo.yaml", "worker:\n  max_concurent_tasks: 3\n")
    said = refused(tmp_path, "up", "-c", path, "--data-dir", tmp_path / "data", "--port", free_port())
    assert "worker.max_concurent_tasks" in said and "worker.max_concurrent_tasks" in said and path in said
    said = refused(tmp_path, "up", "--data-dir", tmp_path / "data", "--port", free_port(), env={"ATTUNE__SERVER__PROT": "1"})
    assert "server.port" in said.lower().replace("__", ".")


def test_a_value_that_cannot_be_is_named_with_what_would_do(tmp_path):
    path = write_config(tmp_path, "value.yaml", "worker:\n  max_concurrent_tasks: many\n")
    said = refused(tmp_path, "up", "-c", path, "--data-dir", tmp_path / "data", "--port", free_port())
    assert "worker.max_concurrent_tasks" in said and "many" in said
    path = write_config(tmp_path, "broken.yaml", "worker: [1, 2\nserver: {}\n")
    assert re.search(r"broken\.yaml:\d+:\d+|broken\.yaml.*line \d+", refused(tmp_path, "up", "-c", path, "--data-dir", tmp_path / "data"))
    assert "absent.yaml" in refused(tmp_path, "up", "-c", tmp_path / "absent.yaml", "--data-dir", tmp_path / "data")


@pytest.mark.parametrize("argv", [("up", "--prot", "1"), ("worker", "--demo"), ("executor", "--config"), ("up", "--port")])
def test_a_bad_option_is_named_and_the_exit_code_is_2(tmp_path, argv):
    done = subprocess.run([BINARY, *argv], capture_output=True, text=True, timeout=20, check=False, cwd=tmp_path,
                          env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})
    assert done.returncode == 2 and argv[1] in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not os.path.exists(tmp_path / ".local"), "something was made for a command that was refused"


def test_a_role_alone_refuses_the_embedded_world(tmp_path):
    path = write_config(tmp_path, "local.yaml", "database: {url: 'sqlite:x.db'}\nmessage_queue: {url: 'local:'}\n"
                        f"security: {{jwt_secret: {'x' * 40}, encryption_key: {'y' * 40}}}\n")
    said = refused(tmp_path, "worker", "-c", path)
    assert "sqlite" in said or "local:" in said
    assert not os.path.exists(tmp_path / "x.db")


def test_a_role_without_secrets_does_not_start(tmp_path):
    path = write_config(tmp_path, "none.yaml", "database: {url: 'postgresql://localhost:1/x'}\nmessage_queue: {url: 'amqp://localhost:1'}\n")
    said = refused(tmp_path, "api", "-c", path)
    assert "security." in said


# ---- packs


def test_a_pack_file_that_does_not_load_is_named_with_its_place_and_nothing_of_it_changes(world):
    add_test_pack(world)
    world.start()
    before = world.rows("select ref, label, entrypoint from action where pack_ref = 'lab' order by ref")
    world.stop()

    world.add_pack("lab", {"actions/fresh.yaml": "ref: lab.fresh\nlabel: Fresh\nentry_point: show.sh\n",
                         "actions/mark.yaml": "ref: lab.mark\nlabel: Changed\nentry_point: mark.sh\nparameter_format: morse\n"})
    started = [world.relaunch(p) for p in world.processes]
    place = re.compile(r"lab/actions/mark\.yaml:4:\d+: ")
    eventually(lambda: place.search(world.logs()) or any(not p.alive for p in started), 20)
    assert place.search(world.logs()), "file, line and column are not named"

    def rows():
        return world.rows("select ref, label, entrypoint from action where pack_ref = 'lab' order by ref")

    if all(p.alive for p in started):
        world.wait_ready()
        assert do(world, "core.echo", {"message": "others live on"})["status"] == "completed"
    assert rows() == before


# ---- requests


def test_malformed_requests_are_told_place_and_reason(running):
    def post(path, text, kind="application/json"):
        return requests.post(running.url + "/api/v1" + path, data=text, headers={"Content-Type": kind, **running.bearer()}, timeout=5)

    broken = post("/executions/execute", '{"action_ref": "core.echo",\n "parameters": {]}')
    assert broken.status_code == 400 and re.search(r"line 2|2:\d+", broken.json()["error"]), broken.text
    missing = post("/executions/execute", "{}")
    assert missing.status_code in (400, 422) and "action_ref" in missing.text
    wrong = post("/executions/execute", '{"action_ref": 7}')
    assert wrong.status_code in (400, 422) and "action_ref" in wrong.text
    nothing = post("/rules", '{"ref": "lab.x"}')
    assert nothing.status_code in (400, 422) and "label" in nothing.text
    assert requests.get(running.url + "/api/v1/nosuchroute", headers=running.bearer(), timeout=5).status_code == 404
    assert requests.delete(running.url + "/api/v1/executions", headers=running.bearer(), timeout=5).status_code == 405
    for answer in (broken, missing, wrong, nothing):
        assert set(answer.json()) <= {"error", "code", "details"} and answer.json()["code"]


def test_a_taken_ref_is_a_conflict_and_changes_nothing(running):
    body = {"ref": "lab.taken", "pack_ref": "lab", "label": "first", "trigger_ref": "lab.thing", "action_ref": "core.noop"}
    running.post("/rules", body, 201)
    assert "lab.taken" in running.request("POST", "/rules", 409, json={**body, "label": "second"}).json()["error"]
    assert running.get("/rules/lab.taken")["data"]["label"] == "first"
    running.delete("/rules/lab.taken")


def test_a_body_beyond_the_limit_is_refused(running):
    big = requests.post(running.url + "/api/v1/executions/execute", data=b" " * (11 << 20), timeout=20,
                        headers={"Content-Type": "application/json", **running.bearer()})
    assert big.status_code == 413
    large = running.request("POST", "/events", json={"trigger_ref": "lab.thing", "payload": {"x": "y" * (2 << 20)}}, status=413)
    assert large.json()["error"]
