"""Logging in by the command line, and what identities and permission sets are given by it."""

import os
import pty
import select
import subprocess

import yaml

from harness import ADMIN, BINARY


def home(world, name):
    """An environment with a home of its own, without the login that the tests of other things have."""
    path = os.path.join(world.dir, name)
    os.makedirs(path, exist_ok=True)
    return {"HOME": path, "XDG_CONFIG_HOME": path, "XDG_DATA_HOME": path, "XDG_RUNTIME_DIR": path, "ATTUNE_API_TOKEN": ""}


def cli(world, *args, env, code=0, stdin=""):
    done = subprocess.run([BINARY, *map(str, args)], input=stdin, capture_output=True, text=True, timeout=60,
                          env=world.env(env), cwd=world.dir, check=False)
    assert done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def profile(env):
    with open(os.path.join(env["XDG_CONFIG_HOME"], "attune", "config.yaml"), encoding="utf-8") as f:
        return yaml.safe_load(f)["profiles"]["default"]


def test_logging_in_lasts_until_logging_out(running):
    env = home(running, "lasting")
    refused = cli(running, "status", env=env, code=1)
    assert "Log in: attune auth login" in refused.stderr
    wrong = cli(running, "auth", "login", "-u", ADMIN[0], "--password", "not this", env=env, code=1)
    assert wrong.stderr == "Error: Invalid login or password\n"
    said = cli(running, "auth", "login", "-u", ADMIN[0], "--password", "-", env=env, stdin=ADMIN[1] + "\n")
    assert said.stdout == f"Logged in to {running.url} as {ADMIN[0]} (profile default).\n"
    assert os.stat(os.path.join(env["XDG_CONFIG_HOME"], "attune", "config.yaml")).st_mode & 0o777 == 0o600
    assert cli(running, "auth", "whoami", "--field", "login", env=env).stdout == f"{ADMIN[0]}\n"
    cli(running, "status", env=env)
    before = profile(env)
    assert "renewed" in cli(running, "auth", "refresh", env=env).stdout
    assert profile(env)["refresh_token"] != before["refresh_token"]
    cli(running, "auth", "logout", env=env)
    cli(running, "status", env=env, code=1)
    assert "auth_token" not in profile(env)


def test_a_token_that_has_ended_is_renewed_without_asking(running):
    env = home(running, "renewing")
    cli(running, "auth", "login", "-u", ADMIN[0], "--password", ADMIN[1], env=env)
    path = os.path.join(env["XDG_CONFIG_HOME"], "attune", "config.yaml")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(yaml.safe_load(text)["profiles"]["default"]["auth_token"], "ended"))
    cli(running, "status", env=env)
    assert profile(env)["auth_token"] != "ended"


def test_a_password_is_asked_for_unseen(running):
    env = home(running, "asking")
    master, slave = pty.openpty()
    with subprocess.Popen([BINARY, "auth", "login"], stdin=slave, stdout=slave, stderr=slave, env=running.env(env), cwd=running.dir) as p:
        os.close(slave)
        said = b""
        for question, answer in ((b"Login: ", ADMIN[0]), (b"Password: ", ADMIN[1])):
            while question not in said:
                assert select.select([master], [], [], 30)[0]
                said += os.read(master, 1000)
            os.write(master, answer.encode() + b"\n")
        while b"Logged in" not in said:
            said += os.read(master, 1000)
        assert p.wait(30) == 0
    os.close(master)
    assert ADMIN[1].encode() not in said


def test_an_integration_token_logs_in_until_it_is_revoked(running):
    token = running.cli("auth", "token", "create", "--label", "ci", "--field", "token").out.strip()
    assert token.startswith("attune_it_")
    env = home(running, "token")
    cli(running, "auth", "token-login", "--token", "-", env=env, stdin=token)
    assert cli(running, "auth", "whoami", "--field", "login", env=env).stdout == f"{ADMIN[0]}\n"
    row = next(t for t in running.cli("auth", "token", "list", "-j").json() if t["label"] == "ci")
    assert token.startswith(row["token_prefix"]) and token not in running.cli("auth", "token", "list").out
    running.cli("auth", "token", "revoke", row["id"], "--reason", "leaked")
    cli(running, "auth", "token-login", "--token", token, env=home(running, "late"), code=1)
    running.cli("auth", "token", "delete", row["id"])
    assert all(t["label"] != "ci" for t in running.cli("auth", "token", "list", "-j").json())


def test_somebody_is_let_in_given_rights_and_frozen(running):
    env = home(running, "ada")
    made = running.cli("identity", "create", "ada", "--password", "-", "--name", "Ada", "-q", stdin="ada's password\n")
    assert made.out == "ada\n"
    ada = next(i["id"] for i in running.cli("identity", "list", "-j").json() if i["login"] == "ada")
    cli(running, "auth", "login", "-u", "ada", "--password", "ada's password", env=env)
    nothing = cli(running, "action", "list", env=env, code=1)
    assert "What you may do: attune auth whoami" in nothing.stderr
    assert running.cli("permission", "grant", "ada", "core.viewer").out == "ada has core.viewer.\n"
    assert "core.echo" in cli(running, "action", "list", "-q", env=env).stdout
    assert "actions:execute" in cli(running, "run", "core.echo", env=env, code=1).stderr
    assert "core.viewer" in running.cli("permission", "list", ada, "--field", "permission_set_ref").out
    running.cli("identity", "role", "add", ada, "runners")
    running.cli("permission", "role", "add", "core.executor", "runners")
    assert cli(running, "run", "core.echo", "--param", "message=as ada", "--wait", env=env).stdout == "as ada\n"
    running.cli("identity", "role", "remove", ada, "runners")
    running.cli("permission", "role", "remove", "core.executor", "runners")
    cli(running, "run", "core.echo", env=env, code=1)
    running.cli("permission", "revoke", "ada", "core.viewer")
    missing = running.cli("permission", "revoke", "ada", "core.viewer", code=1)
    assert missing.err == "Error: ada does not have core.viewer\n"
    running.cli("identity", "freeze", ada)
    cli(running, "auth", "login", "-u", "ada", "--password", "ada's password", env=home(running, "frozen"), code=1)
    running.cli("identity", "unfreeze", ada)
    running.cli("identity", "update", ada, "--name", "Ada L.")
    assert running.cli("identity", "show", ada, "--field", "display_name").out == "Ada L.\n"
    running.cli("identity", "delete", ada)
    assert "there is no permission set 'core.nothing'" in running.cli("permission", "set", "show", "core.nothing", code=1).err


def test_logging_in_through_another_provider_is_said_to_be_missing(running):
    assert "Connect" in cli(running, "auth", "sso-login", env=home(running, "sso"), code=1).stderr
