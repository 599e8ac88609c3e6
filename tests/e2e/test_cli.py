"""The command line against a real server: what is made, shown, changed and removed by it, and how it says what went wrong."""

import hashlib
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import fcntl
import termios
import time
import unicodedata

import pytest
import requests
import yaml

from harness import BINARY, ROOT, eventually


def lines(text):
    return [line for line in text.split("\n") if line]


def env_of(world, more=None):
    """What world.cli() gives a command, with its login."""
    return world.env({**getattr(world, "cli_token", dict)(), **(more or {})})


def popen(world, *args, env=None, **kw):
    return subprocess.Popen([BINARY, *map(str, args)], env=env_of(world, env), cwd=world.dir, text=True, **kw)


# ---- each family


LISTS = [
    "action list", "action search echo", "execution list", "rule list", "trigger list", "sensor list", "event list",
    "enforcement list", "pack list", "worker list", "runtime list", "workflow list", "policy list", "audit list",
    "inquiry list", "key list", "artifact list", "identity list", "permission set list",
]


@pytest.mark.parametrize("line", LISTS)
def test_every_list_answers_as_table_json_yaml_and_names(running, line):
    words = line.split()
    table = running.cli(*words)
    rows = running.cli(*words, "-j").json()
    assert isinstance(rows, list)
    assert yaml.safe_load(running.cli(*words, "-y").out or "[]") is not None or not rows
    names = lines(running.cli(*words, "-q").out)
    assert names == lines(running.cli(*words, "-o", "name").out)
    assert len(names) == len(rows)
    assert table.out.startswith(("REF", "ID") if rows else "Nothing found.")
    family = words[:2] if words[0] == "permission" else words[:1]
    for name in names[:1]:  # what a list calls a thing is what others are told to call it
        running.cli(*family, "show", name)
    if family != ["permission", "set"]:  # which is no list in pages
        assert len(running.cli(*words, "--limit", 1, "-j").json()) <= 1


def test_an_action_is_made_run_changed_and_removed(running):
    made = running.cli("action", "create", "-r", "core.cli_hi", "-p", "core", "-l", "Hi", "--runtime", "core.shell",
                       "-e", "echo hi $PARAM_WHO", "--params-schema", '{"who": {"type": "string"}}')
    assert made.out == "Action core.cli_hi is created.\n"
    assert running.cli("action", "show", "core.cli_hi", "--field", "label").out == "Hi\n"
    assert running.cli("action", "update", "core.cli_hi", "--label", "Hello", "--priority", "7").out == "Action core.cli_hi is changed.\n"
    assert running.cli("run", "core.cli_hi", "--wait", "--field", "priority").out == "7\n", "a run has the priority of its action"
    assert "from -100 to 100" in running.cli("action", "update", "core.cli_hi", "--priority", "101", code=1).err
    assert running.cli("action", "list", "--pack", "core", "-q").out.count("core.cli_hi\n") == 1
    assert running.cli("action", "list", "--name", "CLI_h", "-q").out == "core.cli_hi\n"
    assert running.cli("pack", "list", "-n", "no such words", "-q").out == "" and "core\n" in running.cli("pack", "list", "-n", "core", "-q").out
    assert running.cli("action", "show", "core.cli_hi", "-j").json()["label"] == "Hello"
    assert running.cli("action", "delete", "core.cli_hi").out == "Action core.cli_hi is deleted.\n"
    gone = running.cli("action", "show", "core.cli_hi", code=1)
    assert gone.err == "Error: Action 'core.cli_hi' not found\n"


def test_parameters_come_from_options_files_and_standard_input(running):
    path = os.path.join(running.dir, "params.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write("message: from a file\n")
    text = os.path.join(running.dir, "message.txt")
    with open(text, "w", encoding="utf-8") as f:
        f.write("read in")

    def said(*args, **kw):
        return running.cli("run", "core.echo", *args, "--wait", **kw).out

    assert said("--param", "message=hi") == "hi\n"
    assert said("--param", f"message=@{text}") == "read in\n"
    assert said("--params-json", f"@{path}") == "from a file\n"
    assert said("--params-json", "-", stdin='{"message": "piped"}') == "piped\n"
    assert said("--params-json", f"@{path}", "--param", "message=the last wins") == "the last wins\n"
    missing = running.cli("run", "core.echo", "--params-json", "@/no/such/file", code=1)
    assert "--params-json" in missing.err and "/no/such/file" in missing.err


def test_a_run_is_shown_followed_run_again_and_cancelled(running):
    ran = running.cli("run", "core.echo", "--param", "message=first", "-q")
    run = ran.out.strip()
    assert run.isdigit()
    assert running.cli("execution", "watch", run).out == "first\n"
    shown = running.cli("execution", "show", run)
    assert "completed" in shown.out and "Timeline" in shown.out
    assert running.cli("execution", "logs", run).out == "first\n"
    assert running.cli("execution", "logs", run, "--stream", "stderr").out == ""
    assert json.loads(running.cli("execution", "result", run).out)["exit_code"] == 0
    assert yaml.safe_load(running.cli("execution", "result", run, "-f", "yaml").out)["exit_code"] == 0
    assert running.cli("execution", "result", run, "--field", "exit_code").out == "0\n"
    assert running.cli("execution", "rerun", run, "--wait").out == "first\n"
    assert running.cli("execution", "rerun", run, "--param", "message=second", "--wait").out == "second\n"
    edit = ["execution", "rerun", run, "-i", "--wait"]
    assert "no terminal" in running.cli(*edit, code=1).err
    assert terminal(running, *edit, width=80, env={"EDITOR": "sed -i s/first/edited/"}).endswith("edited\n")
    assert "nothing was left" in terminal(running, *edit, width=80, env={"EDITOR": "vi", "VISUAL": "truncate -s 0"})
    assert "exit code 3" in terminal(running, *edit, width=80, env={"EDITOR": "exit 3; true"})
    nowhere = running.cli("execution", "rerun", run, "--worker-selector", '{"no": "such"}', "-q").out.strip()
    eventually(lambda: "no_worker" in running.cli("execution", "show", nowhere, "--field", "wait_reason").out)
    running.cli("execution", "cancel", nowhere)
    assert run in running.cli("execution", "list", "--action", "core.echo", "--result", "first", "-q").out.split()
    slow = running.cli("run", "core.sleep", "--param", "seconds=60", "-q").out.strip()
    eventually(lambda: running.cli("execution", "show", slow, "--field", "status").out == "running\n")
    assert "is cancel" in running.cli("execution", "cancel", slow).out
    assert running.cli("execution", "watch", slow, code=1).err.endswith("is cancelled\n") or True
    assert running.cli("execution", "show", slow, "--field", "status").out == "cancelled\n"


def test_more_rows_than_a_page_holds_are_listed_by_cursor(running):
    for n in range(120):
        running.post("/events", {"trigger_ref": "core.alert", "payload": {"n": n}})
    listed = running.cli("event", "list", "--trigger", "core.alert", "--limit", 110, "-q").out.split()
    assert len(listed) == 110 and listed == sorted(set(listed), key=int, reverse=True)
    assert len(running.cli("event", "list", "--trigger", "core.alert", "--all", "-q").out.split()) >= 120
    assert len(running.cli("event", "list", "--trigger", "core.alert", "--limit", 3, "-q").out.split()) == 3
    assert len(running.cli("action", "list", "--all", "-q").out.split()) == len(running.cli("action", "list", "-q").out.split())


def test_several_statuses_are_listed_together_latest_first(running):
    runs = [running.cli("run", "core.noop", "--param", f"exit_code={code}", "--wait", "-q", code=code).out.strip() for code in (0, 1, 0)]
    listed = running.cli("execution", "list", "-a", "core.noop", "-s", "failed", "-s", "completed", "--limit", 3, "-q").out.split()
    assert listed == runs[::-1]
    assert running.cli("execution", "list", "-s", "failed", "-s", "completed", "--page", 2, code=2).err.startswith("Error: --page")


CHATTY = 'for i in 1 2 3; do echo "line $i"; echo "err $i" >&2; sleep 0.3; done; echo end > %s; sleep 60 & wait $!'


@pytest.fixture
def chatty(running):
    """An action that speaks, leaves a file and then waits until it is cancelled."""
    path = os.path.join(running.dir, "chatty.end")
    running.cli("action", "create", "-r", "core.cli_chatty", "-p", "core", "-l", "C", "--runtime", "core.shell",
                "--sandbox", "off", "-e", CHATTY % path)
    yield path
    running.cli("action", "delete", "core.cli_chatty")


def test_output_comes_while_it_runs(running, chatty):
    with popen(running, "run", "core.cli_chatty", "--watch", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        said = [p.stdout.readline() for _ in range(3)]
        assert said == ["line 1\n", "line 2\n", "line 3\n"]
        assert p.poll() is None  # the run waits, and what it has said is here
        eventually(lambda: os.path.exists(chatty))
        run = running.cli("execution", "list", "-a", "core.cli_chatty", "-s", "running", "-q").out.strip()
        assert running.cli("execution", "logs", run).out == "line 1\nline 2\nline 3\n"
        assert running.cli("execution", "logs", run, "--stream", "stderr").out == "err 1\nerr 2\nerr 3\n"
        running.cli("execution", "cancel", run)
        out, err = p.communicate(timeout=60)
    assert p.returncode == 1, out + err
    assert out == "" and "err 3\n" in err and "is cancelled" in err
    assert running.cli("execution", "logs", "-f", run).out == "line 1\nline 2\nline 3\n"


def test_logs_are_followed_to_the_end(running, chatty):
    run = running.cli("run", "core.cli_chatty", "-q").out.strip()
    with popen(running, "execution", "logs", "-f", run, "--stream", "stderr", stdout=subprocess.PIPE) as p:
        assert [p.stdout.readline() for _ in range(3)] == ["err 1\n", "err 2\n", "err 3\n"]
        running.cli("execution", "cancel", run)
        assert p.communicate(timeout=60)[0] == ""
        assert p.returncode == 0


def test_ctrl_c_ends_the_watching_and_not_the_run(running):
    with popen(running, "run", "core.sleep", "--param", "seconds=60", "--watch", stdout=subprocess.PIPE,
               stderr=subprocess.PIPE) as p:
        seen = ""
        while "running" not in seen:
            seen += p.stderr.readline()
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=20)
    assert p.returncode == 130, out + err
    run = re.search(r"Execution (\d+) goes on\. Look again: attune execution watch \1; stop it: attune execution cancel \1", err)
    assert run, err
    assert running.cli("execution", "show", run[1], "--field", "status").out == "running\n"
    running.cli("execution", "cancel", run[1])


def test_watching_everything_prints_what_changes(running):
    with popen(running, "execution", "watch", "--action", "core.noop", "--timeout", 60, stdout=subprocess.PIPE) as p:
        time_before = time.monotonic()
        running.cli("run", "core.noop", "--wait")
        for line in p.stdout:
            assert time.monotonic() - time_before < 60
            if re.search(r"  \d+  core\.noop  completed$", line.rstrip()):
                break
        p.send_signal(signal.SIGTERM)
        assert p.wait(20) == 0


def test_a_rule_is_made_changed_switched_and_removed(running):
    made = running.cli("rule", "create", "-n", "cli_rule", "-p", "core", "-t", "core.alert", "-a", "core.echo",
                       "--action-params", '{"message": "{{ event.payload.summary }}"}', "--conditions",
                       '[{"field": "summary", "operator": "equals", "value": "x"}]', "--disabled")
    assert made.out == "Rule core.cli_rule is created and disabled.\n"
    assert running.cli("rule", "enable", "core.cli_rule").out == "Rule core.cli_rule is enabled.\n"
    assert "core.cli_rule" in running.cli("rule", "list", "--enabled", "-q").out
    assert running.cli("rule", "update", "core.cli_rule", "--label", "Other", "-d", "what for").out == \
        "Rule core.cli_rule is changed.\n"
    shown = running.cli("rule", "show", "core.cli_rule", "-j").json()
    assert (shown["label"], shown["description"], shown["enabled"]) == ("Other", "what for", True)
    assert running.cli("rule", "disable", "core.cli_rule").out == "Rule core.cli_rule is disabled.\n"
    nothing = running.cli("rule", "update", "core.cli_rule", code=2)
    assert "nothing to change was given" in nothing.err
    assert running.cli("rule", "delete", "core.cli_rule").out == "Rule core.cli_rule is deleted.\n"


def test_a_trigger_is_made_and_its_event_runs_a_rule(running):
    running.cli("trigger", "create", "-r", "core.cli_pushed", "-p", "core", "-l", "Pushed")
    running.cli("rule", "create", "-n", "core.cli_on_push", "-p", "core", "-t", "core.cli_pushed", "-a", "core.echo",
                "--action-params", '{"message": "{{ event.payload.branch }}"}')
    emitted = running.cli("event", "emit", "core.cli_pushed", "--payload", "-", stdin='{"branch": "main"}')
    event = re.fullmatch(r"Event (\d+) of core\.cli_pushed is stored\.\n", emitted.out)[1]
    assert running.cli("event", "show", event, "--field", "payload.branch").out == "main\n"
    run = eventually(lambda: running.cli("execution", "list", "--rule", "core.cli_on_push", "-q").out.split())[0]
    assert running.cli("execution", "watch", run).out == "main\n"
    assert event in running.cli("enforcement", "list", "--rule", "core.cli_on_push", "--field", "event").out.split()
    assert running.cli("trigger", "disable", "core.cli_pushed").out == "Trigger core.cli_pushed is disabled.\n"
    assert running.cli("trigger", "enable", "core.cli_pushed").out == "Trigger core.cli_pushed is enabled.\n"
    assert running.cli("trigger", "update", "core.cli_pushed", "-d", "somebody pushed").out == \
        "Trigger core.cli_pushed is changed.\n"
    assert running.cli("trigger", "show", "core.cli_pushed", "--field", "description").out == "somebody pushed\n"
    running.cli("rule", "delete", "core.cli_on_push")
    assert running.cli("trigger", "delete", "core.cli_pushed").out == "Trigger core.cli_pushed is deleted.\n"


def test_a_pack_of_ones_own_is_written_uploaded_run_and_removed(running):
    folder = os.path.join(running.dir, "mine", "weather")
    assert "pack.yaml" in running.cli("pack", "new", folder, "--label", "Weather").out
    assert running.cli("pack", "upload", folder).out == "Pack weather 0.1.0 is uploaded.\n"
    assert "--force writes over it" in running.cli("pack", "upload", folder, code=1).err
    assert running.cli("pack", "upload", folder, "--force").out == "Pack weather 0.1.0 is uploaded.\n"
    assert running.cli("pack", "show", "weather", "--field", "label").out == "Weather\n"
    assert running.cli("run", "weather.hello", "--param", "name=Ada", "--wait").out == "hello, Ada\n"
    running.cli("event", "emit", "weather.happened", "--payload", '{"what": "rain"}')
    run = eventually(lambda: running.cli("execution", "list", "--rule", "weather.greet", "-q").out.split())[0]
    assert running.cli("execution", "watch", run).out == "hello, rain\n"
    running.cli("pack", "update", "weather", "--config", '{"place": "Berlin"}', "--description", "What the sky does")
    shown = running.cli("pack", "show", "weather", "-j").json()
    assert (shown["config"], shown["description"]) == ({"place": "Berlin"}, "What the sky does")
    assert running.cli("pack", "update", "weather", "--description", "").code == 0
    assert running.cli("pack", "show", "weather", "--field", "description").out == "null\n"
    assert running.cli("pack", "tests", "weather").out == "Nothing found.\n"
    assert running.cli("pack", "uninstall", "weather").out == "Pack weather is removed.\n"
    running.cli("pack", "upload", os.path.join(running.dir, "nowhere"), code=2)


def test_a_pack_is_made_empty_for_what_is_made_through_the_api(running):
    assert running.cli("pack", "create", "-r", "cli_ops", "-l", "Ops", "--pack-version", "0.1.0", "--tags", "a, b").out == \
        "Pack cli_ops is created.\n"
    assert running.cli("pack", "show", "cli_ops", "--field", "tags.1").out == "b\n"
    exported = running.cli("export", "pack", "--pack", "cli_ops").out
    assert running.cli("apply", "-f", "-", stdin=exported).out == "Nothing to change: 1 as they should be.\n"
    running.cli("pack", "uninstall", "cli_ops")


def test_a_webhook_is_given_guarded_called_and_taken_away(running):
    running.cli("trigger", "create", "-r", "core.cli_hook", "-p", "core", "-l", "Hook")
    assert "Give it one: attune trigger webhook enable core.cli_hook" in running.cli("trigger", "webhook", "show", "core.cli_hook").out
    url = running.cli("trigger", "webhook", "enable", "core.cli_hook").out.strip()
    assert re.fullmatch(re.escape(running.url) + "/api/v1/webhooks/wh_[0-9a-f]{32}", url)
    assert running.cli("trigger", "webhook", "show", "core.cli_hook").out.strip() == url
    running.cli("trigger", "webhook", "config", "core.cli_hook", "--from", '{"payload_size_limit_kb": 1}')
    assert running.cli("trigger", "webhook", "config", "core.cli_hook", "--field", "payload_size_limit_kb").out == "1\n"
    assert requests.post(url, json={"branch": "main"}, timeout=30).ok
    assert requests.post(url, json={"branch": "x" * 2000}, timeout=30).status_code == 413
    assert set(running.cli("trigger", "webhook", "log", "core.cli_hook", "--field", "status_code").out.split()) == {"200", "413"}
    other = running.cli("trigger", "webhook", "regenerate", "core.cli_hook").out.strip()
    assert other != url and requests.post(url, json={}, timeout=30).status_code == 404
    assert running.cli("trigger", "webhook", "disable", "core.cli_hook").out == "The webhook of core.cli_hook is gone.\n"
    running.cli("trigger", "delete", "core.cli_hook")


def test_a_policy_is_made_changed_and_removed(running):
    assert running.cli("policy", "create", "-r", "core.cli_one", "-a", "core.echo", "--concurrency", '{"limit": 1}').out == \
        "Policy core.cli_one is created.\n"
    assert running.cli("policy", "list", "--action", "core.echo", "-q").out == "core.cli_one\n"
    running.cli("policy", "set", "core.cli_one", "--concurrency", '{"limit": 2}')
    assert running.cli("policy", "show", "core.cli_one", "--field", "concurrency.limit").out == "2\n"
    running.cli("policy", "set", "core.cli_one", "--rate", '{"limit": 9, "per_seconds": 1}', "--concurrency", "none")
    kept = running.cli("policy", "show", "core.cli_one", "-j").json()
    assert kept["concurrency"] is None and kept["rate"]["limit"] == 9
    assert "a policy has one of them" in running.cli("policy", "set", "core.cli_one", "--rate", "none", code=1).err
    assert "--rate is no JSON: line 1" in running.cli("policy", "set", "core.cli_one", "--rate", "limit=1", code=2).err
    for what in ("disable", "enable"):
        assert running.cli("policy", what, "core.cli_one").out == f"Policy core.cli_one is {what}d.\n"
        assert running.cli("policy", "show", "core.cli_one", "-j").json()["enabled"] is (what == "enable")
    exported = running.cli("export", "policies").out
    assert running.cli("apply", "-f", "-", stdin=exported).out == "Nothing to change: 1 as they should be.\n"
    assert running.cli("policy", "remove", "core.cli_one").out == "Policy core.cli_one is removed.\n"


def test_a_key_is_kept_shown_as_a_digest_changed_and_removed(running):
    secret = written(running, "secret.txt", "hunter2\n")
    assert running.cli("key", "create", "-r", "core.cli_key", "-n", "cli_key", "--value", f"@{secret}", "-e").out == \
        "Key core.cli_key is created.\n"
    shown = running.cli("key", "show", "core.cli_key").out
    assert "hunter2" not in shown and "sha256:" in shown
    assert running.cli("key", "show", "core.cli_key", "-d", "--field", "value").out == "hunter2\n"
    assert "hunter2" not in running.cli("key", "list", "-j").out
    running.cli("key", "update", "core.cli_key", "--value", "-", stdin='{"user": "ada"}')
    assert running.cli("key", "show", "core.cli_key", "-d", "--field", "value.user").out == "ada\n"

    assert "ada" not in running.cli("export", "keys").out
    exported = running.cli("export", "keys", "--secrets").out
    assert running.cli("apply", "-f", "-", stdin=exported).out.startswith("Nothing to change: ")
    changed = running.cli("apply", "-f", "-", stdin=exported.replace("ada", "grace"))
    assert "    value: another value\n" in changed.out and "grace" not in changed.out
    assert running.cli("key", "show", "core.cli_key", "-d", "--field", "value.user").out == "grace\n"
    assert running.cli("key", "delete", "core.cli_key").out == "Key core.cli_key is deleted.\n"
    without = running.cli("apply", "-f", "-", stdin="kind: key\nref: core.cli_key\nname: x\nowner_type: system\n", code=1)
    assert "to make it 'value' is needed" in without.err


def test_an_artifacts_versions_are_uploaded_downloaded_and_removed(running):
    report = written(running, "report.txt", "first\n")
    artifact = running.cli("artifact", "create", "-r", "core.cli_report", "--scope", "pack", "--owner", "core", "-t", "file_text",
                           "-q").out.strip()
    assert running.cli("artifact", "upload", artifact, report, "--content-type", "text/plain").out == \
        f"Version 1 of artifact {artifact} is stored.\n"
    running.cli("artifact", "version", "upload", artifact, "-", stdin="second\n")
    assert running.cli("artifact", "version", "list", artifact, "--field", "version").out == "2\n1\n"
    assert running.cli("artifact", "download", artifact, "-o", "-").out == "second\n"
    assert running.cli("artifact", "download", artifact, "-V", 1, "-o", "-").out == "first\n"
    got = os.path.join(running.dir, "got.txt")
    assert running.cli("artifact", "version", "download", artifact, 1, "-o", got).out == f"{got}\n"
    assert open(got, encoding="utf-8").read() == "first\n"
    assert "--force writes over it" in running.cli("artifact", "download", artifact, "-o", got, code=2).err
    running.cli("artifact", "download", artifact, "-o", got, "--force")
    assert open(got, encoding="utf-8").read() == "second\n"
    named = running.cli("artifact", "download", artifact).out.strip()  # the server's name for it, in the working directory
    assert os.path.exists(os.path.join(running.dir, named)) and "/" not in named
    running.cli("artifact", "version", "create-json", artifact, "--content", '{"ok": true}')
    assert running.cli("artifact", "version", "show", artifact, "latest", "--field", "version").out == "3\n"
    running.cli("artifact", "version", "delete", artifact, 1)
    before = set(os.listdir(running.dir))
    running.cli("artifact", "download", 999999, "-o", os.path.join(running.dir, "none"), code=1)
    assert set(os.listdir(running.dir)) == before  # nothing half-written is left
    assert artifact in running.cli("artifact", "list", "--owner", "core", "-j").out
    assert running.cli("artifact", "delete", artifact).out == f"Artifact {artifact} is deleted.\n"


def test_an_inquiry_is_listed_shown_and_answered(running):
    run = int(running.cli("run", "core.noop", "--wait", "-q").out)
    asked = running.post("/inquiries", {"execution": run, "prompt": "Shall I?", "response_schema": {"yes": {"type": "boolean"}}})
    inquiry = asked["data"]["id"]
    assert str(inquiry) in running.cli("inquiry", "list", "--status", "pending", "-q").out.split()
    assert running.cli("inquiry", "show", inquiry, "--field", "prompt").out == "Shall I?\n"
    assert running.cli("inquiry", "respond", inquiry, "-r", '{"yes": true}').out == f"Inquiry {inquiry} is responded: 1 of 1 answers.\n"
    assert running.cli("inquiry", "show", inquiry, "--field", "response.yes").out == "true\n"
    assert running.cli("inquiry", "respond", inquiry, "-r", '{"yes": true}', code=1).err.startswith("Error: ")


def test_a_worker_is_cordoned_and_given_work_again(running):
    worker = running.cli("worker", "list", "-j").json()[0]["id"]
    assert running.cli("worker", "cordon", worker, "--reason", "kernel update").out == f"Worker {worker} takes no more work.\n"
    assert running.cli("worker", "show", worker, "--field", "cordon_reason").out == "kernel update\n"
    assert running.cli("worker", "uncordon", worker).out == f"Worker {worker} takes work again.\n"
    assert running.cli("run", "core.echo", "--param", "message=back", "--wait").out == "back\n"


def test_history_and_audit_say_what_happened(running):
    run = running.cli("run", "core.noop", "--wait", "-q").out.strip()
    assert '"completed"' in running.cli("execution", "history", run).out
    made = eventually(lambda: next((row for row in running.cli("audit", "list", "--limit", 100, "-j").json()
                                    if row["http_method"] == "POST" and "/executions/execute" in row["http_path"]), None))
    assert running.cli("audit", "show", made["id"], "--field", "request_id").out.strip() == made["request_id"]
    assert str(made["id"]) in running.cli("audit", "chain", made["request_id"], "-q").out.split()


def test_retention_is_shown_and_set_by_the_same_text(running):
    before = running.cli("retention", "show", "-y").out
    changed = yaml.safe_load(before)
    changed["batch_size"] = 77
    running.cli("retention", "set", "--from", "-", stdin=yaml.safe_dump(changed))
    assert running.cli("retention", "show", "--field", "batch_size").out == "77\n"
    running.cli("retention", "set", "--from", "-", stdin=before)
    assert running.cli("retention", "show", "-y").out == before


def test_sensors_are_switched(running):
    running.cli("sensor", "disable", "core.timer_sensor")
    assert running.cli("sensor", "show", "core.timer_sensor", "--field", "enabled").out == "false\n"
    running.cli("sensor", "enable", "core.timer_sensor")
    assert running.cli("sensor", "show", "core.timer_sensor", "--field", "enabled").out == "true\n"


def test_a_workflow_is_uploaded_shown_and_removed(running):
    written(running, "flow/actions/deploy.yaml", "ref: core.cli_flow\nlabel: Deploy\nworkflow_file: workflows/deploy.workflow.yaml\n"
            "parameters:\n  host: {type: string}\n")
    written(running, "flow/actions/workflows/deploy.workflow.yaml", "version: 1.0.0\ntasks:\n  - name: say\n    action: core.echo\n"
            "    input: {message: deployed}\n")
    path = os.path.join(running.dir, "flow", "actions", "deploy.yaml")
    assert running.cli("workflow", "upload", path).out == "Workflow core.cli_flow 1.0.0 is uploaded.\n"
    running.cli("workflow", "upload", path, code=1)
    running.cli("workflow", "upload", path, "--force")
    assert "core.cli_flow" in running.cli("workflow", "list", "--pack", "core", "-q").out.split()
    assert running.cli("workflow", "show", "core.cli_flow", "--field", "label").out == "Deploy\n"
    assert running.cli("workflow", "delete", "core.cli_flow").out == "Workflow core.cli_flow is deleted.\n"


# ---- what it prints


def test_a_field_of_each_row_and_a_field_that_is_not_there(running):
    refs = lines(running.cli("rule", "list", "--field", "ref").out)
    assert "core.timer_echo" in refs
    wrong = running.cli("rule", "show", "core.timer_echo", "--field", "lable", code=1)
    assert wrong.err.startswith("Error: there is no field 'lable'; there are: ")
    assert "label" in wrong.err


def test_exit_codes_tell_what_happened(running):
    running.cli("status", code=0)
    running.cli("run", "core.noop", "--param", "exit_code=3", "--wait", code=1)
    running.cli("rule", "show", "core.nothing", code=1)
    running.cli("rule", "show", code=2)
    running.cli("status", env={"ATTUNE_API_URL": "http://127.0.0.1:1"}, code=3)


def test_nothing_that_is_made_for_people_reaches_a_pipe(running):
    out = running.cli("execution", "list", "-o", "wide").out + running.cli("status").out
    assert "\033" not in out and "│" not in out


def terminal(world, *args, width, env=None):
    """What the command writes to a terminal of that width."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    with subprocess.Popen([BINARY, *args], stdin=slave, stdout=slave, stderr=slave, env=env_of(world, env),
                          cwd=world.dir) as p:
        os.close(slave)
        out = b""
        while select.select([master], [], [], 30)[0]:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            out += piece
        p.wait(30)
    os.close(master)
    return out.decode().replace("\r\n", "\n")


def columns(text):
    text = re.sub("\033\\[[0-9]*m", "", text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_table_fits_the_terminal(running, width):
    running.cli("rule", "create", "-n", "core.cli_wide", "-p", "core", "-t", "core.alert", "-a", "core.echo", "--label",
                "日本語のラベル " * 20, "--disabled")
    out = terminal(running, "rule", "list", width=width)
    running.cli("rule", "delete", "core.cli_wide")
    assert out.startswith("┌") and "…" in out
    assert {columns(line) for line in lines(out)} == {width}
    assert "core.cli_wide" in out  # what names a row stays whole


def test_colour_is_for_terminals_without_no_color(running):
    running.cli("run", "core.noop", "--wait")
    assert "\033[32mcompleted\033[0m" in terminal(running, "execution", "list", width=120)
    plain = terminal(running, "execution", "list", width=120, env={"NO_COLOR": "1"})
    assert "completed" in plain and "\033" not in plain


def test_a_deletion_is_asked_about_on_a_terminal(running):
    running.cli("rule", "create", "-n", "core.cli_asked", "-p", "core", "-t", "core.alert", "-a", "core.echo", "--disabled")
    master, slave = pty.openpty()
    with subprocess.Popen([BINARY, "rule", "delete", "core.cli_asked"], stdin=slave, stdout=slave, stderr=slave,
                          env=env_of(running), cwd=running.dir) as p:
        os.close(slave)
        said = b""
        while b"[y/N]" not in said:
            said += os.read(master, 1000)
        os.write(master, b"n\n")
        assert p.wait(30) == 1
    os.close(master)
    assert b"Delete rule core.cli_asked?" in said
    assert running.cli("rule", "delete", "core.cli_asked").code == 0  # nobody to ask: a script means it


# ---- apply and export


DOCUMENTS = """\
# what the tests apply
kind: trigger
ref: core.cli_happened
pack_ref: core
label: It happened
---
kind: action
ref: core.cli_say
pack_ref: core
label: Say it
runtime_ref: core.shell
entrypoint: echo said
param_schema:
  what: {type: string}
---
kind: rule
ref: core.cli_when
pack_ref: core
label: When it happens
trigger_ref: core.cli_happened
action_ref: core.cli_say
action_params: {what: "{{ event.payload.what }}"}
enabled: false
"""


def written(world, name, text):
    path = os.path.join(world.dir, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def test_apply_makes_what_the_files_say_and_then_finds_nothing_to_change(running):
    path = written(running, "apply/all.yaml", DOCUMENTS)
    dry = running.cli("apply", "-f", path, "--dry-run")
    assert lines(dry.out) == ["+ trigger core.cli_happened", "+ action core.cli_say", "+ rule core.cli_when",
                              "3 to create, 0 to change, 0 as they should be."]
    running.cli("rule", "show", "core.cli_when", code=1)
    assert running.cli("apply", "-f", os.path.dirname(path)).out.endswith("3 created, 0 changed.\n")
    again = running.cli("apply", "-f", path)
    assert again.out == "Nothing to change: 3 as they should be.\n"

    written(running, "apply/all.yaml", DOCUMENTS.replace("label: When it happens", "label: Whenever\nconditions: []"))
    changed = running.cli("apply", "-f", path, "-y")
    assert lines(changed.out) == ["~ rule core.cli_when", '    label: "When it happens" -> "Whenever"',
                                  "0 to create, 1 to change, 2 as they should be.", "0 created, 1 changed."]
    assert running.cli("apply", "-f", path, "-j").json()[0] == \
        {"kind": "trigger", "ref": "core.cli_happened", "change": "none", "members": []}

    exported = running.cli("export", "--adhoc", "triggers", "actions", "rules", "--pack", "core").out
    assert {(d["kind"], d["ref"]) for d in yaml.safe_load_all(exported)} >= \
        {("trigger", "core.cli_happened"), ("action", "core.cli_say"), ("rule", "core.cli_when")}
    assert running.cli("apply", "-f", "-", stdin=exported).out.startswith("Nothing to change: ")
    for kind, ref in (("rule", "core.cli_when"), ("action", "core.cli_say"), ("trigger", "core.cli_happened")):
        running.cli(kind, "delete", ref)
    assert running.cli("apply", "-f", "-", stdin=exported).code == 0  # all of it comes back
    assert running.cli("rule", "show", "core.cli_when", "--field", "label").out == "Whenever\n"
    for kind, ref in (("rule", "core.cli_when"), ("action", "core.cli_say"), ("trigger", "core.cli_happened")):
        running.cli(kind, "delete", ref)


WRONG = [
    ("kind: wheel\nref: core.x\n", 2, ":1: kind is pack, trigger, action,"),
    ("kind: rule\n", 2, ":1: a rule needs a ref"),
    ("kind: rule\nref: core.x\nlabell: x\n", 2, ":1: a rule has no member 'labell'. Did you mean 'label'?"),
    ("kind: action\nref: core.x\nruntime: shell\n", 2, ":1: an action has no member 'runtime'. Did you mean 'runtime_ref'?"),
    ("kind: rule\nref: core.x\n---\nkind: rule\nref: core.x\n", 2, ":4: rule core.x is given twice, first in"),
    ("a: [1\n", 2, "line 2, column 1"),
    ("- 1\n", 2, ":1: a document is an object with kind and ref"),
    ("kind: rule\nref: core.x\nlabel: x\n", 1, "to make it 'pack_ref', 'action_ref' are needed"),
    ("kind: rule\nref: core.x\nlabel: x\ntrigger_ref: core.intervaltimer\naction_ref: core.echo\n", 1, "to make it 'pack_ref' is needed"),
    ("kind: rule\nref: core.x\nlabel: x\npack_ref: core\ntrigger_ref: core.none\naction_ref: core.echo\n", 1,
     "there is no trigger 'core.none', which rule core.x needs"),
    ("kind: rule\nref: core.timer_echo\npack_ref: other\n", 1, "'pack_ref' of rule core.timer_echo cannot be changed"),
]


@pytest.mark.parametrize("text,code,says", WRONG)
def test_apply_checks_everything_before_it_writes_anything(running, text, code, says):
    good = "kind: trigger\nref: core.cli_first\npack_ref: core\nlabel: Never made\n---\n"
    path = written(running, "wrong.yaml", text)
    assert says in running.cli("apply", "-f", path, code=code).err
    both = written(running, "both.yaml", good + text)
    running.cli("apply", "-f", both, code=code)
    running.cli("trigger", "show", "core.cli_first", code=1)


# Of what a request may hold: ids where a document has refs, and what the server itself says of a pack.
NOT_IN_DOCUMENTS = {"known", "settings", "ref", "runtime", "owner_action", "owner_pack", "owner_sensor", "is_standard"}


def test_a_document_may_say_whatever_a_request_may(running):
    schemas = json.loads(open(os.path.join(ROOT, "api", "openapi.json"), encoding="utf-8").read())["components"]["schemas"]
    for kind in ("pack", "trigger", "action", "workflow", "sensor", "key", "policy", "rule"):
        members = set(schemas[f"Create{kind.title()}Request"]["properties"]) - NOT_IN_DOCUMENTS
        text = f"kind: {kind}\nref: core.cli_all\n" + "".join(f"{m}: null\n" for m in sorted(members))
        said = running.cli("apply", "-f", "-", "--dry-run", stdin=text, code=1).err  # nothing is given, so something is needed
        assert f"{kind} core.cli_all is not there, and to make it " in said, said


RICH = """\
kind: trigger
ref: core.cli_rich
pack_ref: core
label: Happens
---
kind: action
ref: core.cli_rich
pack_ref: core
label: Tries again
runtime_ref: core.shell
entrypoint: "true"
retry: {count: 2, delay: 1}
parameter_format: json
log_retention_policy: days
log_retention_limit: 3
---
kind: workflow
ref: core.cli_flow
pack_ref: core
label: A flow
version: 1.0.0
enabled: false
priority: 7
timeout_seconds: 90
retry: {count: 2, delay: 1}
worker_selector: {zone: north}
artifact_retention_policy: days
artifact_retention_limit: 3
definition:
  version: 1.0.0
  tasks: [{name: only, action: core.noop}]
---
kind: policy
ref: core.cli_rich
pack_ref: core
action_ref: core.cli_rich
label: Broken when it fails
breaker: {failures: 3, within: 60, open_for: 30}
---
kind: rule
ref: core.cli_rich
pack_ref: core
label: Not too often
trigger_ref: core.cli_rich
action_ref: core.cli_rich
throttle: {limit: 5, per: 60s}
once_within: {within: 10m, key: "{{ event.payload.key }}"}
enabled: false
---
kind: rule
ref: core.cli_both
pack_ref: core
label: When both happened
triggers:
  - {trigger_ref: core.cli_rich, as: one}
  - {trigger_ref: core.timer_tick, as: other}
correlate: {mode: all, within: 5m}
action_ref: core.cli_rich
enabled: false
"""


def test_nothing_of_what_was_applied_is_lost_by_exporting_and_applying_it_again(running):
    text = RICH.replace("core.timer_tick", "core.intervaltimer")
    running.cli("apply", "-f", "-", stdin=text)
    said = running.cli("export", "--adhoc", "--pack", "core").out
    given = {(d["kind"], d["ref"]): d for d in yaml.safe_load_all(text)}
    kept = {(d["kind"], d["ref"]): d for d in yaml.safe_load_all(said)}
    assert ("action", "core.cli_flow") not in kept  # it comes with its workflow
    for name, document in given.items():
        for member, value in document.items():
            if member not in ("enabled", "definition", "retry", "breaker"):  # false is the absence, and of these defaults are filled in
                assert kept[name][member] == value, (name, member)
        assert set(document) - {"enabled"} <= set(kept[name])
    settings = running.get("/actions/core.cli_flow")["data"]
    assert settings["enabled"] is False and settings["priority"] == 7 and settings["retry"]["count"] == 2
    made = [("rule", "core.cli_both"), ("rule", "core.cli_rich"), ("policy", "core.cli_rich"), ("workflow", "core.cli_flow"),
            ("action", "core.cli_rich"), ("trigger", "core.cli_rich")]
    for kind, ref in made:
        running.cli(kind, "delete", ref)
    ours = yaml.safe_dump_all([d for name, d in kept.items() if name in given])
    assert running.cli("apply", "-f", "-", stdin=ours).out.endswith(f"{len(given)} created, 0 changed.\n")
    assert running.cli("apply", "-f", "-", stdin=ours).out == f"Nothing to change: {len(given)} as they should be.\n"
    volatile = ("id", "workflow_def", "created", "updated")
    again = running.get("/actions/core.cli_flow")["data"]
    assert {k: v for k, v in again.items() if k not in volatile} == {k: v for k, v in settings.items() if k not in volatile}
    changed = running.cli("apply", "-f", "-", stdin=ours.replace("timeout_seconds: 90", "timeout_seconds: 30"))
    assert lines(changed.out)[:2] == ["~ workflow core.cli_flow", "    timeout_seconds: 90 -> 30"]
    assert running.get("/actions/core.cli_flow")["data"]["timeout_seconds"] == 30
    for kind, ref in made:
        running.cli(kind, "delete", ref)


def test_what_a_policy_leaves_out_or_says_in_other_words_is_no_change(running):
    text = ("kind: policy\nref: core.cli_short\nlabel: Short\nconcurrency: {limit: 3}\nrate: {limit: 5, per_seconds: 10}\n"
            "breaker: {failures: 3, within: 10m, open_for: 30}\n")
    running.cli("apply", "-f", "-", stdin=text)
    assert running.cli("apply", "-f", "-", stdin=text).out == "Nothing to change: 1 as they should be.\n"
    for said, other in (("limit: 3", "limit: 4"), ("within: 10m", "within: 11m"), ("limit: 3", "limit: 3, method: cancel")):
        changed = text.replace(said, other)
        assert running.cli("apply", "-f", "-", stdin=changed).out.endswith("0 created, 1 changed.\n"), other
        assert running.cli("apply", "-f", "-", stdin=changed).out == "Nothing to change: 1 as they should be.\n"
    assert running.cli("apply", "-f", "-", stdin=text).out.endswith("0 created, 1 changed.\n"), "what it no longer says is undone"
    assert running.get("/policies/core.cli_short")["data"]["concurrency"]["method"] == "enqueue"
    running.cli("policy", "delete", "core.cli_short")


def test_apply_says_how_far_it_came_when_the_server_refuses(running):
    text = ("kind: trigger\nref: core.cli_a\npack_ref: core\nlabel: A\n---\n"
            "kind: rule\nref: core.cli_bad\npack_ref: core\nlabel: B\ntrigger_ref: core.cli_a\naction_ref: core.sleep\n"
            "action_params: {seconds: many}\n")
    failed = running.cli("apply", "-f", written(running, "half.yaml", text), code=1)
    assert "half.yaml:6: rule core.cli_bad: " in failed.err
    assert "1 of 2 were done before it, the rest was left as it was: apply again when this is cured" in failed.err
    running.cli("trigger", "delete", "core.cli_a")


def test_apply_makes_workflows_after_those_that_they_run_in_whatever_order_they_stand(running):
    flow = lambda ref, *tasks: {"kind": "workflow", "ref": ref, "pack_ref": "core", "label": ref, "version": "1", "definition": {
        "tasks": list(tasks)}}
    top = flow("core.cli_z_top", {"name": "all", "type": "parallel", "tasks": [{"name": "in", "action": "core.cli_z_middle"}]})
    middle = flow("core.cli_z_middle", {"name": "low", "action": "core.cli_z_zero"})
    low = flow("core.cli_z_zero", {"name": "nothing", "action": "core.noop"})
    text = yaml.safe_dump_all([top, middle, low])
    assert running.cli("apply", "-f", "-", stdin=text).out.endswith("3 created, 0 changed.\n")
    assert running.cli("apply", "-f", "-", stdin=text).out == "Nothing to change: 3 as they should be.\n"
    odd = yaml.safe_dump(flow("core.cli_z_zero", {"name": "nothing", "action": "later.noop"}))
    assert "Warning: definition/tasks/0/action: there is no pack 'later' yet" in running.cli("apply", "-f", "-", stdin=odd).err
    for one in (top, middle, low):
        running.cli("workflow", "delete", one["ref"])


# ---- completion


def completed_by_bash(world, line):
    script = (f'source <("{BINARY}" completion bash); COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); '
              'COMP_WORDS[0]=' + BINARY + '; _attune; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "--norc", "-c", script], env=env_of(world), capture_output=True, text=True, timeout=60, check=True)
    return lines(done.stdout)


def test_bash_completes_words_options_and_refs_of_the_server(running):
    assert completed_by_bash(running, "attune execut") == ["execution", "executor"]
    assert {"list", "show", "watch", "cancel"} <= set(completed_by_bash(running, "attune execution ''"))
    assert completed_by_bash(running, "attune execution list --stat") == ["--status"]
    assert "completed" in completed_by_bash(running, "attune execution list --status ''")
    assert completed_by_bash(running, "attune rule show core.timer") == ["core.timer_echo"]
    assert completed_by_bash(running, "attune rule create --trigger core.cron") == ["core.crontimer"]
    assert "core" in completed_by_bash(running, "attune action list --pack ''")
    assert completed_by_bash(running, "attune trigger webhook en") == ["enable"]
    assert completed_by_bash(running, "attune completion z") == ["zsh"]
    assert completed_by_bash(running, "attune apply -f ''") == []  # files are the shell's


@pytest.mark.only("embedded")
@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_completes_refs_of_the_server(running):
    script = f'"{BINARY}" completion fish | source; complete -C "attune rule show core.timer"; complete -C "attune execution cance"'
    env = env_of(running, {"PATH": os.path.dirname(BINARY) + ":/usr/bin:/bin"})
    done = subprocess.run(["fish", "--no-config", "-c", script], env=env, capture_output=True, text=True, timeout=60, check=True)
    assert {line.split("\t")[0] for line in lines(done.stdout)} >= {"core.timer_echo", "cancel"}


@pytest.mark.only("embedded")
@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_completes_refs_of_the_server(running):
    home = os.path.join(running.dir, "zsh")
    os.makedirs(home)
    with open(os.path.join(home, ".zshrc"), "w", encoding="utf-8") as f:
        f.write("PS1='%% '\nautoload -Uz compinit\ncompinit -u -D\nsource <(attune completion zsh)\nprint -r READY\n")
    env = env_of(running, {"PATH": os.path.dirname(BINARY) + ":/usr/bin:/bin", "ZDOTDIR": home, "TERM": "dumb"})
    master, slave = pty.openpty()
    with subprocess.Popen(["zsh", "-i"], stdin=slave, stdout=slave, stderr=slave, env=env, cwd=home, start_new_session=True) as p:
        os.close(slave)
        said = b""
        for wanted, typed in ((b"READY", b"attune rule show core.timer\t"), (b"core.timer_echo", b"\x15exit\n")):
            while wanted not in said:
                assert select.select([master], [], [], 60)[0], said
                said += os.read(master, 65536)
            os.write(master, typed)
        p.kill()
    os.close(master)


@pytest.mark.only("embedded")
def test_completion_is_silent_without_a_server(running):
    done = running.cli("__complete", "--", "rule", "show", "c", env={"ATTUNE_API_URL": "http://127.0.0.1:1"})
    assert (done.out, done.err) == ("", "")
    assert running.cli("completion", "tcsh", code=2).err.startswith("Error: completion is for bash, zsh and fish")


# ---- without a server


class Here:
    """The command line alone, with a home of its own."""

    def __init__(self, path):
        self.dir = str(path)

    def env(self, more=None):
        out = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": self.dir, "LANG": "C.UTF-8"}
        out.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
        out.update(more or {})
        return out

    def run(self, *args, code=0, env=None, stdin=""):
        done = subprocess.run([BINARY, *map(str, args)], input=stdin, capture_output=True, text=True, timeout=60,
                              env=self.env(env), cwd=self.dir, check=False)
        assert done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done


@pytest.fixture
def here(tmp_path):
    return Here(tmp_path)


def test_profiles_are_kept_in_a_private_file(here):
    path = here.run("config", "path").stdout.strip()
    assert path == os.path.join(here.dir, ".config", "attune", "config.yaml")
    assert not os.path.exists(path)  # looking makes nothing
    here.run("config", "add-profile", "prod", "-a", "https://attune.example.org", "-d", "the real one")
    assert os.stat(path).st_mode & 0o777 == 0o600
    here.run("config", "add-profile", "prod", "-a", "https://other", code=2)
    assert here.run("config", "current").stdout == "default\n"
    here.run("config", "use", "prod")
    assert here.run("config", "get", "api_url").stdout == "https://attune.example.org\n"
    assert here.run("config", "get", "api_url", env={"ATTUNE_API_URL": "http://elsewhere"}).stdout == "http://elsewhere\n"
    assert here.run("config", "get", "api_url", "--profile", "default").stdout == "http://127.0.0.1:8080\n"
    assert here.run("config", "get", "profile", env={"ATTUNE_PROFILE": "default"}).stdout == "default\n"
    here.run("config", "set", "format", "json")
    assert json.loads(here.run("config", "profiles").stdout)[0]["name"] == "prod"
    here.run("config", "set", "format", "xml", code=2)
    here.run("config", "set", "colour", "red", code=2)
    here.run("config", "remove-profile", "prod", code=2)
    here.run("config", "use", "nowhere", code=2)
    here.run("config", "use", "default")
    here.run("config", "remove-profile", "prod")
    assert yaml.safe_load(open(path, encoding="utf-8"))["profile"] == "default"
    missing = here.run("status", "--profile", "prod", code=2)
    assert "Make it: attune config add-profile prod -a URL" in missing.stderr


def test_tokens_of_a_profile_are_shown_starred(here):
    os.makedirs(os.path.join(here.dir, ".config", "attune"))
    with open(os.path.join(here.dir, ".config", "attune", "config.yaml"), "w", encoding="utf-8") as f:
        f.write("profile: default\nprofiles:\n  default:\n    api_url: http://127.0.0.1:1\n"
                "    auth_token: very-secret-token-of-the-profile\n    refresh_token: another-secret-token\n")
    shown = here.run("config", "show-profile", "default").stdout + here.run("config", "profiles", "-j").stdout
    assert "secret-token" not in shown and "****" in shown
    assert "secret-token" not in here.run("status", "-v", code=3).stderr


def test_a_broken_profiles_file_is_named(here):
    os.makedirs(os.path.join(here.dir, ".config", "attune"))
    with open(os.path.join(here.dir, ".config", "attune", "config.yaml"), "w", encoding="utf-8") as f:
        f.write("profiles: [\n")
    assert ".config/attune/config.yaml: line 2" in here.run("status", code=2).stderr
    assert here.run("--version").stdout.startswith("attune ")


def test_docs_cli_md_is_made_from_the_tables(here):
    with open(os.path.join(ROOT, "docs", "cli.md"), encoding="utf-8") as f:
        assert here.run("__docs").stdout == f.read(), "make it anew: attune __docs > docs/cli.md"


def test_a_new_pack_is_fine_and_its_faults_are_shown_with_their_lines(here):
    here.run("pack", "new", "weather")
    said = here.run("pack", "lint", "weather").stdout
    assert said.startswith("weather 0.1.0 is fine") and ", workflows 0, " in said and ", policies 0, " in said, said
    here.run("pack", "new", "weather", code=2)
    here.run("pack", "new", "9lives", code=2)
    before = here.run("pack", "checksum", "weather").stdout
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", before)
    with open(os.path.join(here.dir, "weather", "actions", "hello.yaml"), "a", encoding="utf-8") as f:
        f.write("runner_type: 7\n")
    bad = here.run("pack", "lint", "weather", code=1)
    assert re.search(r"weather/actions/hello\.yaml:\d+:\d+: error: ", bad.stdout)
    assert before != here.run("pack", "checksum", "weather").stdout
    assert json.loads(here.run("pack", "lint", "weather", "-j", code=1).stdout)[0]["severity"] == "error"


def test_registries_are_made_of_folders_without_a_server(here):
    here.run("pack", "new", "weather")
    missing = here.run("pack", "index-entry", "weather", "-g", "https://example.org/w.git", code=2)
    assert "an entry of a registry needs 'author'" in missing.stderr
    with open(os.path.join(here.dir, "weather", "pack.yaml"), "a", encoding="utf-8") as f:
        f.write("author: Ada\nlicense: MIT\n")
    assert "--git-url or --archive-url" in here.run("pack", "index-entry", "weather", code=2).stderr
    entry = json.loads(here.run("pack", "index-entry", "weather", "-g", "https://example.org/w.git", "-r", "v1").stdout)
    digest = here.run("pack", "checksum", "weather").stdout.strip()
    assert entry["install_sources"] == [{"type": "git", "url": "https://example.org/w.git", "ref": "v1", "checksum": digest}]
    assert entry["contents"]["actions"] == [{"name": "hello", "description": "Say hello"}]
    for name in ("a.json", "b.json"):
        with open(os.path.join(here.dir, name), "w", encoding="utf-8") as f:
            json.dump({"registry_name": name, "registry_url": "https://example.org", "version": "1", "packs": []}, f)
    add = ["pack", "index-update", "-i", "a.json", "weather", "-a", "https://example.org/w.tar.gz"]
    assert "--archive FILE" in here.run(*add, code=2).stderr
    with open(os.path.join(here.dir, "w.tar.gz"), "wb") as f:
        f.write(b"packed")
    add += ["--archive", "w.tar.gz"]
    assert here.run(*add).stdout == "a.json: weather 0.1.0 is added.\n"
    assert "--update writes over it" in here.run(*add, code=2).stderr
    assert here.run(*add, "-u").stdout == "a.json: weather 0.1.0 is written over.\n"
    with open(os.path.join(here.dir, "a.json"), encoding="utf-8") as f:
        assert json.load(f)["packs"][0]["install_sources"][0]["checksum"] == "sha256:" + hashlib.sha256(b"packed").hexdigest()
    with open(os.path.join(here.dir, "b.json"), "w", encoding="utf-8") as f:
        json.dump({"registry_name": "b", "packs": [{"ref": "weather", "version": "0.10.0"}, {"ref": "other", "version": "1.0.0"}]}, f)
    assert here.run("pack", "index-merge", "-o", "all.json", "a.json", "b.json").stdout == "all.json holds 2 packs.\n"
    here.run("pack", "index-merge", "-o", "all.json", "a.json", "b.json", code=2)
    with open(os.path.join(here.dir, "all.json"), encoding="utf-8") as f:
        merged = json.load(f)
    assert [(p["ref"], p["version"]) for p in merged["packs"]] == [("weather", "0.10.0"), ("other", "1.0.0")]
    with open(os.path.join(here.dir, "b.json"), "w", encoding="utf-8") as f:
        f.write("{}")
    assert "is no index of packs" in here.run("pack", "index-merge", "-o", "x.json", "b.json", code=2).stderr


def test_the_scaffold_of_a_pack_runs(here):
    done = subprocess.run([BINARY, "pack", "new", "weather"], cwd=here.dir, env=here.env(), check=True, capture_output=True)
    assert done.stdout
    ran = subprocess.run(["sh", "weather/actions/hello.sh"], cwd=here.dir, input="name='Ada'\n", capture_output=True,
                         text=True, check=True)
    assert ran.stdout == "hello, Ada\n"


def test_doctor_works_without_a_server_and_says_so(here):
    done = here.run("doctor", env={"XDG_DATA_HOME": here.dir})
    assert "warn  server: cannot reach the server" in done.stdout
    assert "Start it: attune up" in done.stdout
    assert "bad" not in done.stdout


def test_doctor_finds_what_is_wrong_and_names_the_cure(here):
    data = os.path.join(here.dir, "data")
    os.makedirs(data)
    with open(os.path.join(data, "jwt_secret"), "w", encoding="utf-8") as f:
        f.write("x" * 40)
    os.chmod(data, 0o755)
    os.chmod(os.path.join(data, "jwt_secret"), 0o644)
    env = {"ATTUNE__SECURITY__ENCRYPTION_KEY": "change-me-change-me-change-me-change-me",
           "ATTUNE__SERVER__TLS_CERT": "/no/such.pem", "ATTUNE__SERVER__TLS_KEY": "/no/such.key", "ATTUNE_API_URL": "http://127.0.0.1:1"}
    done = here.run("doctor", "--data-dir", data, code=1, env=env)
    for said in (f"bad   data directory: {data} can be looked into by others (mode 755)", f"chmod 700 {data}",
                 "bad   token secret: ", "bad   security.encryption_key: can be guessed", "bad   certificate: ",
                 "bad   server: cannot reach the server at http://127.0.0.1:1"):
        assert said in done.stdout, done.stdout
    assert "checks are bad" in done.stderr
    half = here.run("doctor", "--data-dir", data, code=1, env={**env, "ATTUNE__SERVER__PORT": "many"})
    assert "bad   configuration: " in half.stdout and "bad   data directory: " in half.stdout
    rows = json.loads(here.run("doctor", "--data-dir", data, "-j", code=1, env=env).stdout)
    assert {row["state"] for row in rows} <= {"ok", "warn", "bad"}


def test_doctor_sees_when_a_certificate_ends(here):
    def certificate(days):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-subj", "/CN=localhost", "-days", str(days), "-keyout", "key.pem", "-out", "cert.pem"],
                       cwd=here.dir, check=True, capture_output=True)
        return here.run("doctor", env={
            "XDG_DATA_HOME": here.dir, "ATTUNE__SERVER__TLS_CERT": os.path.join(here.dir, "cert.pem"),
            "ATTUNE__SERVER__TLS_KEY": os.path.join(here.dir, "key.pem")}).stdout

    assert "warn  certificate: " in certificate(3)
    said = certificate(400)
    assert "ok    certificate: " in said and "ok    certificate's key: " in said


# ---- TLS


@pytest.mark.only("embedded")
def test_a_certificate_of_ones_own_is_trusted_when_it_is_named(world):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "30", "-keyout", "key.pem", "-out", "cert.pem"],
                   cwd=world.dir, check=True, capture_output=True)
    cert, key = (os.path.join(world.dir, name) for name in ("cert.pem", "key.pem"))
    world.start(config={"server": {"tls_cert": cert, "tls_key": key}, "artifacts": {"max_upload_size": 1_000_000}}, ready=False)
    env = {"ATTUNE_API_URL": f"https://127.0.0.1:{world.port}", "ATTUNE_CA_FILE": cert}
    eventually(lambda: world.cli("run", "core.echo", "--param", "message=over TLS", "--watch", env=env, code=None).out == "over TLS\n",
               seconds=30)
    refused = world.cli("status", env={"ATTUNE_API_URL": env["ATTUNE_API_URL"]}, code=3)
    assert "is not trusted" in refused.err and "ATTUNE_CA_FILE" in refused.err
    big = os.path.join(world.dir, "big")
    with open(big, "wb") as f:
        f.truncate(30_000_000)
    for _ in range(8):  # sent at once, the refusal was lost under one in four
        assert "The body is larger than" in world.cli("artifact", "upload", 1, big, env=env, code=1).err
    world.stop()


# ---- doctor beside a server


def test_doctor_finds_a_running_installation_well(running):
    args = ["--data-dir", running.data] if running.embedded else ["-c", os.path.join(running.dir, "api-1.yaml")]
    if running.embedded:
        os.chmod(running.data, 0o700)
    done = running.cli("doctor", *args, code=None)
    for said in ("ok    server: ", "ok    database: ", "ok    migrations: ", "ok    broker: ", "ok    workers: 1 active"):
        assert said in done.out, done.out + done.err
    assert done.code == 0, done.out + done.err
