"""Sensors with processes: both contracts, supervision, flow control, taking over."""

import http.server
import json
import os
import shutil
import signal
import threading
from collections import Counter

import pytest
import yaml
from harness import BINARY, ROOT, eventually

API_SENSOR = """#!/usr/bin/env python3
# As sensors of the contract are written: everything from the environment, events through the API.
import json, os, signal, sys, time, urllib.request
rules = json.loads(os.environ["ATTUNE_SENSOR_TRIGGERS"])
assert os.environ["ATTUNE_SENSOR_REF"] == "eye.api" and int(os.environ["ATTUNE_SENSOR_ID"]) > 0
assert os.environ["ATTUNE_SENSOR_CONFIG_COLOUR"] == "red" and "HOSTNAME" not in os.environ
for rule in rules:
    body = {"trigger_ref": rule["trigger_ref"], "trigger_instance_id": f"rule_{rule['id']}",
            "payload": {"who": "api", "say": rule["config"].get("say"), "pid": os.getpid()}}
    request = urllib.request.Request(os.environ["ATTUNE_API_URL"] + "/api/v1/events", json.dumps(body).encode(),
                                     {"Authorization": "Bearer " + os.environ["ATTUNE_API_TOKEN"], "Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=30).read()
print("started with", len(rules), "rules", flush=True)
print("a word of warning", file=sys.stderr, flush=True)
while True:
    time.sleep(60)
"""

LINES_SENSOR = """#!/usr/bin/env python3
import json, os, sys
def say(**line):
    print(json.dumps(line), flush=True)
for line in sys.stdin:
    news = json.loads(line)
    if news["type"] == "stop":
        break
    for rule in news.get("rules", []) + ([news["rule"]] if "rule" in news else []):
        say(rule=rule["id"], key=f"{rule['id']}:{news['type']}:{rule['config']}",
            payload={"who": "lines", "news": news["type"], "say": rule["config"].get("say"), "pid": os.getpid()})
"""

ODD_SENSOR = """#!/usr/bin/env python3
import json, os, sys, time
exec(open(%r).read())  # what the test wants it to do
"""


def sensor_yaml(ref, trigger, entry, protocol="api", runner="python", **more):
    return yaml.safe_dump({"ref": ref, "runner_type": runner, "entry_point": entry, "trigger_types": [trigger],
                           "protocol": protocol, **more})


@pytest.fixture
def eyes(world):
    world.odd = os.path.join(world.dir, "odd.py")
    world.add_pack("eye", {
        "pack.yaml": yaml.safe_dump({"ref": "eye", "label": "Eye", "version": "1.0.0"}),
        "triggers/api.yaml": "ref: eye.by_api\nlabel: By API\n",
        "triggers/lines.yaml": "ref: eye.by_lines\nlabel: By lines\n",
        "triggers/odd.yaml": "ref: eye.by_odd\nlabel: By odd\n",
        "sensors/api.yaml": sensor_yaml("eye.api", "eye.by_api", "api.py", config={"colour": "red"}),
        "sensors/api.py": API_SENSOR,
        "sensors/lines.yaml": sensor_yaml("eye.lines", "eye.by_lines", "lines.py", "lines"),
        "sensors/lines.py": LINES_SENSOR,
        "sensors/odd.yaml": sensor_yaml("eye.odd", "eye.by_odd", "odd.py", "lines"),
        "sensors/odd.py": ODD_SENSOR % world.odd,
    })
    world.configure({"sensor": {"restart_delay": 0.3, "restart_delay_max": 1}})
    return world


def odd(world, text):
    with open(world.odd, "w", encoding="utf-8") as f:
        f.write(text)


def rule(world, name, trigger, **params):
    return world.post("/rules", {"ref": f"eye.{name}", "pack_ref": "eye", "label": name, "trigger_ref": f"eye.{trigger}",
                                 "action_ref": "core.noop", "trigger_params": params}, 201)["data"]


def payloads(world, trigger):
    rows = world.rows("select payload from event where trigger_ref = ? order by id", f"eye.{trigger}")
    return [json.loads(r["payload"]) for r in rows]


def process(world, ref):
    return world.get(f"/sensors/{ref}")["data"]["process"]


def running(world, ref, seconds=40):
    def it():
        p = process(world, ref)
        return p if p["status"] == "running" else None
    return eventually(it, seconds, f"{ref} runs")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rsplit(") ", 1)[1][0] != "Z"
    except OSError:
        return False


def test_a_sensor_of_the_contract_runs_while_a_rule_needs_it_and_reports_through_the_api(eyes):
    eyes.start()
    assert process(eyes, "eye.api")["status"] == "stopped"
    made = rule(eyes, "one", "by_api", say="hello")
    first = eventually(lambda: payloads(eyes, "by_api"), 40)[0]
    assert first["who"] == "api" and first["say"] == "hello"
    p = running(eyes, "eye.api")
    assert p["pid"] == first["pid"] and p["active_rule_count"] == 1 and p["events"] >= 1 and p["last_event_at"]
    (event,) = eyes.rows("select source_ref, rule_ref from event where trigger_ref = 'eye.by_api'")
    assert event["source_ref"] == "eye.api" and event["rule_ref"] == "eye.one"
    eventually(lambda: eyes.rows("select id from execution where rule_ref = 'eye.one'"), 30)
    eventually(lambda: "started with 1 rules" in eyes.cli("sensor", "logs", "eye.api").out)
    assert "a word of warning" in eyes.cli("sensor", "logs", "eye.api", "--stream", "stderr", "-n", "5").out
    assert "running" in eyes.cli("sensor", "show", "eye.api").out
    eyes.put(f"/rules/{made['ref']}", {"trigger_params": {"say": "changed"}})  # it is restarted with what the rule says now
    eventually(lambda: payloads(eyes, "by_api")[-1]["say"] == "changed", 40)
    again = running(eyes, "eye.api")
    assert not alive(first["pid"]) and again["consecutive_failures"] == 0 and again["restarts"] >= 1
    eyes.post(f"/rules/{made['ref']}/disable")
    gone = eventually(lambda: process(eyes, "eye.api")["status"] == "stopped" and process(eyes, "eye.api"), 30)
    assert "no enabled rule" in gone["reason"] and gone["pid"] is None and not alive(again["pid"])
    eyes.stop()
    eventually(lambda: not eyes.leftovers(), what="no process is left")


def test_a_sensor_is_found_when_folders_are_named_from_where_its_role_was_started(eyes):
    """Its process is started elsewhere: in the folder of its pack."""
    eyes.configure({"packs_base_dir": os.path.relpath(eyes.packs, eyes.dir), "artifacts_dir": "made", "runtime_envs_dir": "envs"})
    eyes.start()
    rule(eyes, "one", "by_lines", say="a")
    eventually(lambda: payloads(eyes, "by_lines"), 40)
    running(eyes, "eye.lines")
    assert os.path.isdir(os.path.join(eyes.dir, "made", "sensors", "eye.lines")), os.listdir(eyes.dir)


def test_a_sensor_of_lines_hears_of_rules_without_a_restart_and_a_key_makes_one_event(eyes):
    eyes.start()
    made = rule(eyes, "one", "by_lines", say="a")
    eventually(lambda: payloads(eyes, "by_lines"), 40)
    pid = running(eyes, "eye.lines")["pid"]

    def told(*news):
        eventually(lambda: [p["news"] for p in payloads(eyes, "by_lines")] == ["start", *news], 40)

    rule(eyes, "two", "by_lines", say="b")
    told("rule.created")
    eyes.put(f"/rules/{made['ref']}", {"trigger_params": {"say": "c"}})
    told("rule.created", "rule.updated")
    eyes.post("/rules/eye.two/disable")
    told("rule.created", "rule.updated", "rule.deleted")
    assert {p["pid"] for p in payloads(eyes, "by_lines")} == {pid}
    count = len(payloads(eyes, "by_lines"))
    assert "being restarted" in eyes.cli("sensor", "restart", "eye.lines").out
    other = eventually(lambda: running(eyes, "eye.lines")["pid"] != pid and running(eyes, "eye.lines"), 40)
    eventually(lambda: len(payloads(eyes, "by_lines")) == count + 1)  # what it says about rule one now is new: its params changed
    eyes.cli("sensor", "stop", "eye.lines")
    stopped = eventually(lambda: process(eyes, "eye.lines")["status"] == "stopped" and process(eyes, "eye.lines"), 30)
    assert stopped["wanted"] == "stop" and "attune sensor start" in stopped["reason"] and not alive(other["pid"])
    eyes.cli("sensor", "start", "eye.lines")
    running(eyes, "eye.lines")
    assert len(payloads(eyes, "by_lines")) == count + 1  # the same keys: no doubles
    eyes.stop()
    eventually(lambda: not eyes.leftovers(), what="no process is left")


def test_a_sensor_that_fails_is_restarted_with_growing_pauses_and_an_alert_says_so(eyes):
    odd(eyes, "print('I am lost', file=sys.stderr); sys.exit(3)\n")
    eyes.start()
    rule(eyes, "one", "by_odd")
    alert = eventually(lambda: eyes.rows("select payload from event where trigger_ref = 'core.alert' order by id"), 60)[0]
    said = json.loads(alert["payload"])
    assert said["category"] == "sensor_process_health" and said["failure_type"] == "sensor_process_repeated_failure"
    assert said["component_ref"] == "eye.odd" and "I am lost" in said["summary"] and said["details"]["exit_code"] == 3
    p = process(eyes, "eye.odd")
    assert p["consecutive_failures"] >= 3 and p["last_exit_code"] == 3 and "I am lost" in p["last_error"]
    odd(eyes, "print(json.dumps({'payload': {'well': 1}}), flush=True)\nsys.stdin.read()\n")
    eyes.post("/sensors/eye.odd/restart")
    eventually(lambda: payloads(eyes, "by_odd") == [{"well": 1}], 40)
    victim = running(eyes, "eye.odd")
    os.kill(victim["pid"], signal.SIGKILL)
    eventually(lambda: process(eyes, "eye.odd")["last_signal"] == 9, 30)
    assert eventually(lambda: running(eyes, "eye.odd")["pid"] not in (None, victim["pid"]), 40)


GARBAGE = """
out = sys.stdout.buffer
out.write(b"not json\\n[1,2]\\n{\\"payload\\"\\n\\xff\\xfe\\x00\\n{\\"trigger\\":\\"core.alert\\",\\"payload\\":1}\\n\\n{}\\n")
out.write(b'{"payload":"' + b"x" * 3000000 + b'"}\\n')
for i in range(5000):
    out.write(json.dumps({"payload": {"i": i}, "key": str(i)}).encode() + b"\\n")
    if i % 100 == 7: out.write(b"garbage " * 10 + b"\\n")
out.write(b'{"payload":{"i":5000}}')
out.flush()
os.close(1)
sys.stdin.read()
"""


def test_garbage_is_counted_and_said_once_and_nothing_around_it_is_lost(eyes):
    odd(eyes, GARBAGE)
    eyes.start()
    rule(eyes, "one", "by_odd")
    eventually(lambda: len(payloads(eyes, "by_odd")) == 5001, 60)
    assert [p["i"] for p in payloads(eyes, "by_odd")] == list(range(5001))
    eventually(lambda: process(eyes, "eye.odd")["lines_refused"] == 57, 20)
    log = eyes.logs("sensor")
    assert 1 <= log.count("passed over") <= 3
    assert process(eyes, "eye.odd")["status"] == "running"


def test_what_a_sensor_says_while_it_is_stopped_and_killed_is_taken_in_and_its_children_go(eyes):
    odd(eyes, "import signal, subprocess\n"
              "child = subprocess.Popen(['setsid', 'sleep', '600'])\n"
              "def last(*_):\n    print(json.dumps({'payload': 'last words', 'key': 'last'}), flush=True)\n"
              "signal.signal(signal.SIGTERM, last)\n"
              "print(json.dumps({'payload': child.pid}), flush=True)\nwhile True: time.sleep(60)\n")
    eyes.start()
    rule(eyes, "one", "by_odd")
    (child,) = eventually(lambda: payloads(eyes, "by_odd"), 40)
    running(eyes, "eye.odd")
    eyes.stop()  # TERM, which it survives, then KILL
    eventually(lambda: not alive(child) and not eyes.leftovers(), what="no process is left")
    assert payloads(eyes, "by_odd") == [child, "last words"]


def test_a_killed_role_takes_its_sensors_along_and_the_next_life_starts_them_again(eyes):
    eyes.start()
    rule(eyes, "one", "by_lines", say="a")
    before = running(eyes, "eye.lines")
    dead = eyes.kill("sensor")
    eventually(lambda: not alive(before["pid"]), 20)
    eyes.wait_ready([eyes.relaunch(dead)])
    after = eventually(lambda: (p := process(eyes, "eye.lines"))["instance"] > before["instance"] and p["status"] == "running" and p, 60)
    assert after["pid"] != before["pid"]
    assert len(payloads(eyes, "by_lines")) == 1  # the key says that it is the same


HANGS = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(60)\n"


def test_a_sensor_that_hangs_keeps_no_other_waiting_and_ends_with_its_role(eyes):
    odd(eyes, HANGS)  # never says a word, reads nothing, does not hear that it should end
    eyes.start()
    rule(eyes, "mute", "by_odd")
    stuck = running(eyes, "eye.odd")
    for n in range(20):  # news that it does not read
        eyes.put("/rules/eye.mute", {"trigger_params": {"filler": "x" * 20000, "n": n}}, 200)
    rule(eyes, "one", "by_lines", say="a")
    eventually(lambda: [p["say"] for p in payloads(eyes, "by_lines")] == ["a"], 60)
    eyes.post("/sensors/eye.odd/restart")  # it is killed, for it does not go by itself
    eventually(lambda: not alive(stuck["pid"]) and running(eyes, "eye.odd")["pid"] != stuck["pid"], 60)
    rule(eyes, "two", "by_lines", say="b")
    eventually(lambda: [p["say"] for p in payloads(eyes, "by_lines")] == ["a", "b"], 60)
    eyes.put("/rules/eye.mute", {"enabled": False}, 200)
    eventually(lambda: process(eyes, "eye.odd")["status"] == "stopped", 60)
    eyes.put("/rules/eye.mute", {"enabled": True}, 200)
    stuck = running(eyes, "eye.odd")
    eyes.stop()  # every role ends by itself, with code 0
    eventually(lambda: not alive(stuck["pid"]) and not eyes.leftovers(), what="no process is left")


def holders(world):
    """How many sensors each worker runs."""
    rows = world.rows("select holder from sensor_process where holder is not null and status = 'running'")
    return sorted(Counter(r["holder"].split("/")[0] for r in rows).values())


@pytest.mark.only("distributed")
@pytest.mark.limit(300)
def test_sensors_are_shared_evenly_by_the_workers_that_are_there(eyes):
    ears = {f"triggers/ear{n}.yaml": f"ref: eye.ear{n}\nlabel: Ear {n}\n" for n in range(6)}
    ears |= {f"sensors/ear{n}.yaml": sensor_yaml(f"eye.listens{n}", f"eye.ear{n}", "lines.py", "lines") for n in range(6)}
    eyes.add_pack("eye", ears)
    eyes.configure({"worker": {"heartbeat_interval": 2}})
    eyes.start()
    for n in range(6):
        rule(eyes, f"ear{n}", f"ear{n}", say=n)
    eventually(lambda: holders(eyes) == [6], 60)
    eyes.wait_ready([eyes.launch("sensor")])  # one that comes later is given half of them, one by one
    eventually(lambda: holders(eyes) == [3, 3], 120)
    assert sorted(p["say"] for n in range(6) for p in payloads(eyes, f"ear{n}")) == list(range(6))  # what moved says nothing twice
    for n in range(4):
        eyes.put(f"/rules/eye.ear{n}", {"enabled": False}, 200)
    eventually(lambda: sum(holders(eyes)) == 2, 60)
    for n in range(4):  # what is new goes to whoever has less
        eyes.put(f"/rules/eye.ear{n}", {"enabled": True}, 200)
    eventually(lambda: holders(eyes) == [3, 3], 120)
    one = eyes.of_role("sensor")[0]
    one.signal(signal.SIGKILL)
    one.wait()
    eventually(lambda: holders(eyes) == [6], 90)


@pytest.mark.only("distributed")
def test_sensors_of_a_worker_that_is_killed_go_on_at_another_in_time(eyes):
    eyes.configure({"worker": {"heartbeat_interval": 2}})
    eyes.start(counts={"sensor": 2})
    for name, trigger in (("one", "by_lines"), ("other", "by_api")):
        rule(eyes, name, trigger, say="a")
    first = {ref: running(eyes, ref) for ref in ("eye.lines", "eye.api")}
    holders = {r["holder"] for r in eyes.rows("select holder from sensor_process where holder is not null")}
    victims = [p for p in eyes.of_role("sensor") if any(h.startswith(p.name + "/") for h in holders)][:1]
    lost = [ref for ref in first if eyes.rows("select p.holder from sensor_process p join sensor s on s.id = p.sensor where s.ref = ?",
                                              ref)[0]["holder"].startswith(victims[0].name + "/")]
    victims[0].signal(signal.SIGKILL)  # its machine is gone, and nobody says so
    victims[0].wait()
    assert lost
    for ref in lost:
        eventually(lambda ref=ref: (p := process(eyes, ref))["instance"] > first[ref]["instance"] and p["status"] == "running", 90)
        eventually(lambda ref=ref: not alive(first[ref]["pid"]), 30)
    rule(eyes, "later", "by_lines", say="b")
    eventually(lambda: payloads(eyes, "by_lines")[-1]["say"] == "b", 60)
    assert payloads(eyes, "by_lines")[-1]["pid"] == process(eyes, "eye.lines")["pid"]
    says = [p["say"] for p in payloads(eyes, "by_lines")]
    assert says == ["a", "b"]  # what was reported before is not reported again


@pytest.mark.only("distributed")
def test_of_two_sensor_workers_one_runs_it_and_the_other_takes_over_in_time(eyes):
    eyes.configure({"worker": {"heartbeat_interval": 2}})
    eyes.start(counts={"sensor": 2})
    rule(eyes, "one", "by_lines", say="a")
    first = running(eyes, "eye.lines")
    holder = eyes.rows("select holder from sensor_process p join sensor s on s.id = p.sensor where s.ref = 'eye.lines'")[0]["holder"]
    (victim,) = [p for p in eyes.of_role("sensor") if holder.startswith(p.name + "/")]
    victim.signal(signal.SIGSTOP)  # its machine falls silent: the process goes on, unheard
    second = eventually(lambda: (p := process(eyes, "eye.lines"))["instance"] > first["instance"] and p["status"] == "running" and p, 45)
    assert second["pid"] != first["pid"]
    victim.signal(signal.SIGCONT)  # and comes back: what it runs is ended, its events count no more
    eventually(lambda: not alive(first["pid"]), 30)
    assert alive(second["pid"]) and process(eyes, "eye.lines")["instance"] == second["instance"]
    (other,) = [p for p in eyes.of_role("sensor") if p is not victim]
    other.signal(signal.SIGTERM)  # one that stops gives its sensors away at once
    assert other.wait() == 0
    eventually(lambda: (p := process(eyes, "eye.lines"))["instance"] > second["instance"] and p["status"] == "running", 20)
    assert len(payloads(eyes, "by_lines")) == 1


def test_files_that_come_change_move_and_go_are_events(world):
    world.start()
    place = os.path.join(world.dir, "in", "box")
    os.makedirs(place)
    world.post("/rules", {"ref": "core.files", "pack_ref": "core", "label": "Files", "trigger_ref": "core.file_watch",
                          "action_ref": "core.noop", "trigger_params": {"path": os.path.dirname(place), "pattern": "*.csv",
                                                                        "recursive": True, "settle": "100ms"}}, 201)

    def seen():
        rows = world.rows("select payload from event where trigger_ref = 'core.file_watch' order by id")
        return [(p["event"], p["name"]) for p in (json.loads(r["payload"]) for r in rows)]

    running(world, "core.file_watch")
    for name in ("a.csv", "b.txt"):
        with open(os.path.join(place, name), "w", encoding="utf-8") as f:
            f.write("1")
    eventually(lambda: seen() == [("created", "a.csv")])
    with open(os.path.join(place, "a.csv"), "a", encoding="utf-8") as f:
        for _ in range(100):
            f.write("more")
            f.flush()
    eventually(lambda: seen()[1:] == [("modified", "a.csv")])
    os.rename(os.path.join(place, "a.csv"), os.path.join(place, "c.csv"))
    eventually(lambda: seen()[2:] == [("moved", "c.csv")])
    os.remove(os.path.join(place, "c.csv"))
    deep = os.path.join(place, "new", "deep")
    os.makedirs(deep)
    with open(os.path.join(deep, "d.csv"), "w", encoding="utf-8") as f:
        f.write("1")
    eventually(lambda: seen()[3:] == [("deleted", "c.csv"), ("created", "d.csv")])


class Changing(http.server.BaseHTTPRequestHandler):
    """Answers with what the test has put there, and counts."""
    answer, asked = {"version": 1, "noise": 0}, 0

    def do_GET(self):
        Changing.asked += 1
        Changing.answer["noise"] += 1
        body = json.dumps(Changing.answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_an_answer_that_changes_is_an_event_and_what_may_not_be_reached_is_not(world):
    Changing.answer, Changing.asked = {"version": 1, "noise": 0}, 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Changing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        params = {"url": url, "interval": "1s", "change": "json", "json_path": "version"}
        body = {"ref": "core.poll", "pack_ref": "core", "label": "Poll", "trigger_ref": "core.poll_http",
                "action_ref": "core.noop", "trigger_params": params}
        world.start()
        world.post("/rules", body, 201)
        running(world, "core.poll_http")
        eventually(lambda: "core.poll" in world.cli("sensor", "logs", "core.poll_http", "--stream", "stderr").out, 30)
        assert Changing.asked == 0  # an address of this machine
        world.stop()
        world.configure({"worker": {"http_request_allow": ["127.0.0.0/8"]}})
        world.start()
        eventually(lambda: Changing.asked >= 3, 60)
        assert not world.rows("select id from event where trigger_ref = 'core.poll_http'")
        Changing.answer["version"] = 2
        (event,) = eventually(lambda: world.rows("select payload from event where trigger_ref = 'core.poll_http'"), 30)
        said = json.loads(event["payload"])
        assert said["value"] == 2 and said["status_code"] == 200 and said["json"]["version"] == 2
        server.shutdown()


def test_the_sample_sensors_work_as_they_stand(world):
    shutil.copytree(os.path.join(ROOT, "examples", "sample_sensors"), os.path.join(world.packs, "sample_sensors"))
    kinds = ["python", "shell"] + (["node"] if shutil.which("node", path=world.env()["PATH"]) else [])
    world.start()
    for kind in kinds:
        world.post("/rules", {"ref": f"sample_sensors.{kind}", "pack_ref": "sample_sensors", "label": kind,
                              "trigger_ref": f"sample_sensors.{kind}_counted", "action_ref": "core.noop",
                              "trigger_params": {"step": 2}}, 201)

    def counts(kind):
        rows = world.rows("select payload from event where trigger_ref = ? order by id", f"sample_sensors.{kind}_counted")
        return [json.loads(r["payload"])["count"] for r in rows]

    for kind in kinds:
        step = 1 if kind == "shell" else 2
        eventually(lambda k=kind, s=step: sorted(counts(k))[:2] == [s, 2 * s], 60, f"{kind} counts")
    world.stop()
    eventually(lambda: not world.leftovers(), what="no process is left")


FLOOD = """
seconds, said, began = float(%r), 0, time.monotonic()
while (now := time.monotonic() - began) < seconds:
    if said < now * 100_000:
        sys.stdout.write("".join('{"payload":{"i":%%d}}\\n' %% i for i in range(said, said + 1000)))
        said += 1000
    else:
        time.sleep(0.002)
print(json.dumps({"payload": {"total": said}}), flush=True)
sys.stdin.read()
"""


@pytest.mark.limit(300)
def test_a_sensor_that_says_more_than_can_be_stored_waits_at_its_pipe_and_nothing_is_lost(eyes):
    """100,000 lines a second, as far as they are taken; SENSOR_FLOOD_SECONDS=60 for the long one."""
    seconds = float(os.environ.get("SENSOR_FLOOD_SECONDS", 3))
    odd(eyes, FLOOD % seconds)
    eyes.start()
    (role,) = eyes.of_role("sensor")
    eyes.post("/rules", {"ref": "eye.end", "pack_ref": "eye", "label": "End", "trigger_ref": "eye.by_odd", "action_ref": "core.noop",
                         "conditions": [{"field": "total", "operator": "gt", "value": 0}]}, 201)

    def last():
        rows = eyes.rows("select payload from event where trigger_ref = 'eye.by_odd' order by id desc limit 1")
        return rows and json.loads(rows[0]["payload"]).get("total")

    total = eventually(last, seconds + 60)
    (stored,) = eyes.rows("select count(*) as n, count(distinct payload) as kinds from event where trigger_ref = 'eye.by_odd'")
    print(f"{total} lines in {seconds:.0f} s, the role had {peak_kib(role)} KiB at most")
    assert stored["n"] == stored["kinds"] == total + 1 and total > 1000 * seconds
    assert process(eyes, "eye.odd")["lines_refused"] == 0 and role.alive
    assert peak_kib(role) < (128 * 1024 if "build-test" not in BINARY else 512 * 1024)  # sanitizers keep what is freed
    (run,) = eventually(lambda: eyes.rows("select status from execution where rule_ref = 'eye.end' and status = 'completed'"), 60)


def peak_kib(role):
    with open(f"/proc/{role.pid}/status", encoding="ascii") as f:
        return int(next(line for line in f if line.startswith("VmHWM")).split()[1])
