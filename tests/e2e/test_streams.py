"""Changes as they happen: WebSockets of the notifier, and streams of the API."""

import contextlib
import json
import resource
import select
import socket
import threading
import time

import pytest
import requests
from harness import BINARY as PROGRAM
from harness import eventually
from sockets import BINARY, CLOSE, PING, PONG, TEXT, Closed, Refused, Socket

STATES = ["requested", "scheduled", "running", "completed"]


def run(world, **more):
    body = {"action_ref": "core.echo", "parameters": {"message": "hi"}, **more}
    return world.post("/executions/execute", body)["data"]["id"]


def statuses(ws, execution, until="completed"):
    out = []
    while not out or out[-1] != until:
        out.append(ws.notice(lambda n: n["entity_id"] == execution)["payload"]["status"])
    return out


# ---- what is told


def test_every_change_of_a_run_is_told_once_and_in_order(running):
    with Socket(running) as ws:
        ws.subscribe("entity_type:execution")
        runs = [run(running) for _ in range(20)]
        seen, last = {}, ws.welcome["sequence"]
        while sum(len(v) for v in seen.values()) < 4 * len(runs):
            n = ws.notice(lambda n: n["entity_id"] in runs)
            assert n["sequence"] > last
            last = n["sequence"]
            seen.setdefault(n["entity_id"], []).append(n)
    for notices in seen.values():
        assert [n["payload"]["status"] for n in notices] == STATES
        assert [n["payload"].get("old_status") for n in notices] == [None, *STATES[:-1]]
        assert [n["notification_type"] for n in notices] == ["execution_created"] + 3 * ["execution_status_changed"]


def test_a_notification_has_the_fields_of_its_kind_and_no_others(running):
    common = {"entity_type", "entity_id", "id"}
    execution = common | {"action_id", "action_ref", "status", "enforcement", "rule_ref", "trigger_ref", "parent", "started_at",
                          "workflow_task", "created", "updated"}
    want = {
        "execution_created": execution,
        "execution_status_changed": execution | {"old_status"},
        "event_created": common | {"trigger", "trigger_ref", "source", "source_ref", "rule", "rule_ref", "has_payload", "created"},
        "enforcement_created": common | {"rule", "rule_ref", "trigger_ref", "event", "status", "condition", "created", "resolved_at"},
    }
    want["enforcement_status_changed"] = want["enforcement_created"] | {"old_status"}
    ref = "core.tell" + str(time.time_ns())
    rule = running.post("/rules", {"ref": ref, "label": "tell", "pack_ref": "core", "action_ref": "core.echo",
                                   "trigger_ref": "core.intervaltimer", "enabled": True, "conditions": [],
                                   "action_params": {"message": "x"}, "trigger_params": {"interval": 3600, "unit": "seconds"}})
    with Socket(running) as ws:
        ws.subscribe("all")
        event = running.post("/events", {"trigger_ref": "core.intervaltimer", "payload": {"x": 1}})["data"]["id"]
        seen = {}
        while set(want) - set(seen):
            n = ws.notice()
            if n["payload"].get("rule_ref") in (ref, None) or n["entity_id"] == event:
                seen.setdefault(n["notification_type"], n)
    running.delete(f"/rules/{rule['data']['ref']}")
    for kind, fields in want.items():
        n = seen[kind]
        assert set(n["payload"]) == fields, kind
        assert set(n) == {"type", "notification_type", "entity_type", "entity_id", "user_id", "payload", "timestamp", "sequence"}
        assert n["entity_type"] == kind.split("_")[0] == n["payload"]["entity_type"]
        assert n["entity_id"] == n["payload"]["id"] == n["payload"]["entity_id"]


def test_a_subscription_is_in_force_for_what_its_client_asks_for_next(running):
    """Nobody waits for an answer to the subscription: frame, then request."""
    with Socket(running) as ws:
        for _ in range(30):
            ws.say(type="subscribe", filter="notification_type:execution_created")
            execution = run(running)
            ws.notice(lambda n, e=execution: n["entity_id"] == e)
            ws.say(type="unsubscribe", filter="notification_type:execution_created")


def test_a_filter_lets_through_what_it_names_and_nothing_else(running):
    with Socket(running) as one, Socket(running) as kind, Socket(running) as none, Socket(running) as everything:
        kind.subscribe("notification_type:execution_created")
        none.subscribe("entity_type:inquiry", "entity_type:work_queue", "user:1")
        everything.subscribe("all")
        first = run(running)
        one.subscribe(f"entity:execution:{first + 1}")
        while (second := run(running)) <= first:
            pass
        statuses(everything, second)
        assert kind.notice()["notification_type"] == "execution_created"
        if second == first + 1:
            assert one.notice()["entity_id"] == second
        assert none.ask(type="ping")["type"] == "pong"
        assert not [n for n in none.later if n["entity_type"] == "execution" and n["user_id"] != 1]


def test_what_a_client_says_wrong_is_answered_and_harms_nothing(running):
    with Socket(running) as ws:
        for message, word in [
            ({"type": "subscribe"}, "filter"), ({"type": "subscribe", "filter": "x"}, "no filter"),
            ({"type": "subscribe", "filter": "entity:execution"}, "entity:execution:12"),
            ({"type": "subscribe", "filter": "entity:execution:x"}, "not an id"),
            ({"type": "subscribe", "filter": "entity_type:rule"}, "rule"),
            ({"type": "subscribe", "filter": "notification_type:x"}, "notification_type"),
            ({"type": "dance"}, "subscribe, unsubscribe, resume or ping"), ({}, "type"), ({"type": 7}, "type"),
            ({"type": "resume"}, "series"), ({"type": "resume", "series": "x", "sequence": -1}, "series"),
        ]:
            answer = ws.ask(**message)
            assert answer["type"] == "error" and word in answer["message"], answer
        for text in (b"", b"{", b"[]", b"null", b'{"type":"ping"} x', b"[" * 100):
            ws.frame(TEXT, text)
            assert ws.receive()["type"] == "error"
        for i in range(256):
            ws.subscribe(f"entity:execution:{1000000 + i}")
        assert "256" in ws.ask(type="subscribe", filter="all")["message"]
        assert ws.ask(type="unsubscribe", filter="entity:execution:1000000")["type"] == "unsubscribed"
        ws.subscribe("all")


# ---- going on after a break


def test_who_comes_back_is_told_what_it_missed(running):
    with Socket(running) as ws:
        ws.subscribe("entity_type:execution")
        first = run(running)
        statuses(ws, first)
        series, last = ws.welcome["series"], ws.ask(type="ping")["sequence"]
    missed = [run(running) for _ in range(5)]
    with Socket(running) as other:
        other.subscribe("all")
        statuses(other, run(running))  # by now the others have been told of as well
    with Socket(running) as ws:
        ws.say(type="subscribe", filter="entity_type:execution")
        ws.say(type="resume", series=series, sequence=last)
        assert ws.receive()["type"] == "resumed"
        seen = []
        while sum(n["entity_id"] in missed for n in seen) < 4 * len(missed):
            seen.append(ws.notice())
    for execution in missed:
        assert [n["payload"]["status"] for n in seen if n["entity_id"] == execution] == STATES
    assert [n["sequence"] for n in seen] == sorted(n["sequence"] for n in seen) and seen[0]["sequence"] > last


def test_who_comes_back_too_late_is_told_to_load_again(running):
    with Socket(running) as ws:
        for series, sequence in [("another", 1), (ws.welcome["series"], ws.welcome["sequence"] + 10**6)]:
            answer = ws.say(type="resume", series=series, sequence=sequence) or ws.receive()
            assert answer["type"] == "reload" and answer["sequence"] >= ws.welcome["sequence"]
        ws.subscribe("entity_type:execution")
        assert statuses(ws, run(running)) == STATES


def test_a_client_that_does_not_read_is_dropped_and_told_where_to_go_on(running):
    with Socket(running, small=True) as slow, Socket(running) as quick:
        slow.subscribe("all")
        began = slow.ask(type="ping")["sequence"]

        def work():
            for _ in range(150):
                run(running)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        seen, end = [], None
        try:
            while True:
                seen.append(slow.receive(10)["sequence"])
        except Closed as why:
            end = why
        assert end.code == 4408, end
        last = int(end.reason.rsplit(" ", 1)[1])
        assert seen == list(range(began + 1, last + 1))
        with Socket(running) as again:
            again.say(type="subscribe", filter="all")
            again.say(type="resume", series=slow.welcome["series"], sequence=last)
            assert again.receive()["type"] == "resumed"
            assert again.notice()["sequence"] == last + 1
        assert quick.ask(type="ping")["type"] == "pong"


# ---- the door


def running_stats(world):
    return requests.get(world.socket_url + "/stats", timeout=10).json()


def test_the_notifier_counts_its_clients(running):
    nobody = {"connected_clients": 0, "total_subscriptions": 0}
    eventually(lambda: running_stats(running) == nobody)
    with Socket(running) as ws:
        ws.subscribe("all", "entity_type:event")
        eventually(lambda: running_stats(running) == {"connected_clients": 1, "total_subscriptions": 2})
    eventually(lambda: running_stats(running) == nobody)
    assert requests.get(running.socket_url + "/health", timeout=10).json()["status"] == "ok"


def test_only_a_request_for_a_websocket_becomes_one(running):
    for headers, word in [({"Upgrade": None}, "Upgrade"), ({"Upgrade": "h2c"}, "Upgrade"), ({"Connection": "close"}, "Upgrade"),
                          ({"Sec-WebSocket-Version": "8"}, "13"), ({"Sec-WebSocket-Key": "abc"}, "16 bytes"),
                          ({"Sec-WebSocket-Key": None}, "16 bytes")]:
        with pytest.raises(Refused) as no:
            Socket(running, headers=headers)
        assert no.value.status == 400 and word in json.loads(no.value.body)["error"], headers
    assert requests.post(running.socket_url + "/ws", timeout=10).status_code == 405


def test_pages_of_other_origins_are_refused(running):
    host = running.socket_url.split("//")[1]
    for origin in ("http://evil.example", "null", f"http://{host}.evil.example", "http://127.0.0.1:1"):
        with pytest.raises(Refused) as no:
            Socket(running, headers={"Origin": origin})
        assert no.value.status == 403 and json.loads(no.value.body)["error"] == "origin_not_allowed"
    with Socket(running, headers={"Origin": f"http://{host}"}) as ws:
        assert ws.welcome["type"] == "welcome"


def test_the_protocol_is_chosen_when_it_was_offered(running):
    token = getattr(running, "token", None) or "none"
    with Socket(running, protocols=["attune.v1", f"attune.jwt.{token}"]) as ws:
        assert "\r\nsec-websocket-protocol: attune.v1\r\n" in ws.head.lower() + "\r\n"
        assert token == "none" or token not in ws.head
    with Socket(running) as ws:
        assert "sec-websocket-protocol" not in ws.head.lower()


# ---- frames


def test_frames_may_be_cut_anywhere_and_controls_may_stand_between(running):
    with Socket(running) as ws:
        text = json.dumps({"type": "ping", "id": "ü"}, ensure_ascii=False).encode()
        ws.frame(TEXT, text[:5], fin=False)
        ws.frame(PING, b"still there?")
        ws.frame(0, text[5:-3], fin=False)  # in the middle of a character, perhaps
        ws.frame(0, text[-3:])
        assert ws.read_frame() == (PONG, b"still there?")
        answer = ws.receive()
        assert (answer["type"], answer["id"]) == ("pong", "ü")
        piece = b"".join([b"\x81" + bytes([0x80 | 2]) + b"\0\0\0\0" + b"{}"] * 50)
        for byte in piece:
            ws.sock.sendall(bytes([byte]))
        for _ in range(50):
            assert ws.receive()["type"] == "error"


@pytest.mark.parametrize("break_it, code", [
    (lambda ws: ws.frame(TEXT, b"{}", masked=False), 1002),
    (lambda ws: ws.frame(TEXT, b"{}", rsv=0x40), 1002),
    (lambda ws: ws.frame(3, b"{}"), 1002),
    (lambda ws: ws.frame(0, b"{}"), 1002),
    (lambda ws: ws.frame(PING, b"x" * 126), None),
    (lambda ws: ws.frame(PING, b"x", fin=False), None),
    (lambda ws: ws.frame(TEXT, b"\xff\xfe"), 1007),
    (lambda ws: ws.frame(TEXT, b"\xed\xa0\x80"), 1007),
    (lambda ws: ws.frame(TEXT, b"x" * 5000), 1009),
    (lambda ws: ws.frame(TEXT, b"x", length=2**62), 1009),
    (lambda ws: [ws.frame(TEXT if i == 0 else 0, b"x" * 1000, fin=False) for i in range(6)], 1009),
    (lambda ws: ws.frame(BINARY, b"{}"), 1003),
    (lambda ws: ws.frame(CLOSE, b"x"), None),
    (lambda ws: ws.frame(CLOSE, (1000).to_bytes(2, "big") + b"bye"), 1000),
])
def test_a_broken_frame_ends_its_own_connection_with_the_right_code(running, break_it, code):
    with Socket(running) as ws, Socket(running) as neighbour:
        with contextlib.suppress(ConnectionError):
            break_it(ws)
        with contextlib.suppress(ConnectionError):
            assert ws.until_closed().code == code
        assert neighbour.ask(type="ping")["type"] == "pong"


def test_a_silent_websocket_stays(running):
    """What limits slow requests does not limit what has become a WebSocket."""
    with Socket(running) as ws:
        with pytest.raises((TimeoutError, socket.timeout)):
            ws.receive(3)
        assert ws.ask(type="ping")["type"] == "pong"


def test_the_notifier_says_goodbye(world):
    world.start()
    with Socket(world) as ws:
        world.stop()
        assert ws.until_closed().code == 1001


# ---- streams of the API


class Events:
    """Reads text/event-stream."""

    def __init__(self, world, path, headers=None, **params):
        self.response = world.http.get(world.url + "/api/v1" + path, params=params, stream=True, timeout=30,
                                       headers={"Accept": "text/event-stream", **(headers or {})})
        self.lines = self.response.iter_lines(chunk_size=1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.response.close()

    def next(self):
        """The next event as a dict; None at the end."""
        event = {}
        for line in self.lines:
            line = line.decode()
            if line == "" and event:
                return event
            if line and not line.startswith(":"):
                key, _, value = line.partition(": ")
                event[key] = event[key] + "\n" + value if key in event else value
        return None


def test_the_stream_of_executions_tells_of_one_or_of_all(running):
    with Events(running, "/executions/stream") as events:
        assert events.response.status_code == 200
        assert events.response.headers["Content-Type"].startswith("text/event-stream")
        execution = run(running)
        seen = []
        while len(seen) < 4:
            event = events.next()
            assert set(event) == {"data"}
            data = json.loads(event["data"])
            if data["id"] == execution:
                seen.append(data["status"])
        assert seen == STATES
        other = run(running)
        with Events(running, "/executions/stream", execution_id=other + 10**6) as narrow, \
                Events(running, "/executions/stream", under=other) as under:
            third = run(running)
            while json.loads(events.next()["data"])["id"] != third:
                pass
            assert narrow.response.status_code == under.response.status_code == 200


def test_a_request_that_waits_hears_of_the_end_from_another_process(running):
    """Without being told, it would look again after a second."""
    took = []
    for _ in range(5):
        execution = run(running, action_ref="lab.mark", parameters={"seconds": 0.2})
        began = time.monotonic()
        assert running.get(f"/executions/{execution}", wait_seconds=20)["data"]["status"] == "completed"
        took.append(time.monotonic() - began)
    assert min(took) < 0.9, took


# ---- what a run writes


def talk(world, gate, lines=0):
    return run(world, action_ref="lab.talk", parameters={"gate": str(gate), "lines": lines})


def test_what_a_run_writes_can_be_followed_while_it_runs(running, tmp_path):
    execution = talk(running, tmp_path / "gate")
    with Events(running, f"/executions/{execution}/logs/stdout/stream") as out, \
            Events(running, f"/executions/{execution}/logs/stderr/stream") as err:
        seen = [out.next()]
        while seen[-1]["event"] == "waiting":
            seen.append(out.next())
        assert len(seen) <= 2
        assert seen[-1]["data"] == "first line\n" and seen[-1]["id"] == "11"
        assert err.next()["event"] == "waiting"
        assert running.get(f"/executions/{execution}")["data"]["status"] == "running"
        assert running.request("GET", f"/executions/{execution}/logs/stdout").text == "first line\n"
        (tmp_path / "gate").touch()
        rest = []
        while (event := out.next())["event"] != "done":
            assert event["event"] == "append"
            rest.append(event)
        assert "".join(e["data"] for e in rest) == "spät\n" and rest[-1]["id"] == "17"
        assert event["data"] == "" and out.next() is None
        assert (event := err.next())["data"] == "aside" and event["id"] == "5"
        assert err.next()["event"] == "done"
    again = running.request("GET", f"/executions/{execution}/logs/stdout", params={"offset": 6}).content.decode()
    assert again == "line\nspät\n"


def test_who_follows_goes_on_from_the_byte_it_has_seen(running, tmp_path):
    (tmp_path / "gate").touch()
    execution = talk(running, tmp_path / "gate", lines=3000)
    whole = b""
    offset, parts = 0, 0
    while True:  # a new connection for each part
        with Events(running, f"/executions/{execution}/logs/stdout/stream",
                    **({"headers": {"Last-Event-ID": str(offset)}} if parts % 2 else {"offset": offset})) as events:
            while (event := events.next())["event"] == "waiting":
                pass
        if event["event"] == "done":
            break
        part = event["data"].encode()
        assert len(part) <= 64 * 1024
        whole += part
        assert int(event["id"]) == len(whole)
        offset, parts = int(event["id"]), parts + 1
    assert parts >= 5
    assert running.get(f"/executions/{execution}", wait_seconds=20)["data"]["status"] == "completed"
    assert running.request("GET", f"/executions/{execution}/logs/stdout").content == whole
    assert whole.decode().startswith("first line\nspät\n0000000 ") and whole.count(b"\n") == 3002


def test_a_log_of_an_ended_run_is_there_at_once_wherever_it_lies(running):
    execution = run(running)
    assert running.get(f"/executions/{execution}", wait_seconds=20)["data"]["status"] == "completed"
    with Events(running, f"/executions/{execution}/logs/stdout/stream") as events:
        first = events.next()
        assert (first["event"], first["data"]) == ("content", "hi\n") or first["data"].startswith("hi")
        assert events.next()["event"] == "done"
    with Events(running, f"/executions/{execution}/logs/stderr/stream") as events:
        assert events.next()["event"] == "done"


def test_a_log_that_is_not_there_is_said_so(running):
    execution = run(running)
    for tail in ("", "/stream"):
        running.request("GET", f"/executions/{execution}/logs/stdin{tail}", 400)
        running.request("GET", f"/executions/999999999/logs/stdout{tail}", 404)
        running.request("GET", f"/executions/{execution}/logs/stdout{tail}", 400, params={"offset": -1})
        running.request("GET", f"/executions/{execution}/logs/stdout{tail}", 400, params={"offset": "x"})


def test_streams_end_when_the_server_stops(world):
    world.start()
    with Events(world, "/executions/stream") as events:
        began = time.monotonic()
        world.stop()
        assert events.next() is None
        assert time.monotonic() - began < 20


# ---- who may hear what


def somebody(world, *sets):
    """An identity of its own with these permission sets: its id and an access token."""
    login = "watcher" + str(time.time_ns())
    who = world.post("/identities", {"login": login, "password": "a long password"})["data"]["id"]
    for ref in sets:
        world.post("/permissions/assignments", {"identity_id": who, "permission_set_ref": ref})
    return who, world.login(login, "a long password")


def test_without_a_token_that_counts_nothing_is_opened(running):
    both = requests.post(running.url + "/auth/login", timeout=30,
                         json={"login": "admin", "password": "not the password"}).status_code
    assert both in (401, 429)
    for token, word in [("", "missing_token"), ("x", "invalid_or_expired_token"), (running.token + "x", "invalid_or_expired_token")]:
        with pytest.raises(Refused) as no:
            Socket(running, token=token)
        assert no.value.status == 401 and json.loads(no.value.body)["error"] == word
    assert requests.get(running.url + "/api/v1/executions/stream", timeout=10).status_code == 401


def test_only_what_one_may_read_is_told(running):
    _, nobody = somebody(running)
    _, viewer = somebody(running, "core.viewer")
    with Socket(running, token=nobody) as blind, Socket(running, token=viewer) as seeing:
        blind.subscribe("all")
        seeing.subscribe("all")
        execution = run(running)
        assert statuses(seeing, execution) == STATES
        assert blind.ask(type="ping")["type"] == "pong"
        assert not [n for n in blind.later if n["type"] == "notification" and n["entity_id"] == execution]
        assert "somebody else" in seeing.ask(type="subscribe", filter="user:1")["message"]


def test_a_watcher_whose_identity_is_frozen_is_cut_off_within_five_seconds(running):
    who, token = somebody(running, "core.viewer")
    with Socket(running, token=token) as ws, \
            Events(running, "/executions/stream", headers={"Authorization": f"Bearer {token}"}, execution_id=10**9) as events:
        ws.subscribe("all")
        assert events.response.status_code == 200
        running.post(f"/identities/{who}/freeze")
        began = time.monotonic()
        assert ws.until_closed(30).code == 4401
        assert events.next() is None
        assert time.monotonic() - began < 30  # five, and what a machine that has other things to do takes on top


# ---- artifacts


def test_an_artifact_can_be_followed_and_its_changes_are_told(running, tmp_path):
    with Socket(running) as ws:
        ws.subscribe("entity_type:artifact")
        ref = "core.kept" + str(time.time_ns())
        made = running.post("/artifacts", {"ref": ref, "type": "file_text", "scope": "system", "owner": ""})["data"]
        created = ws.notice(lambda n: n["entity_id"] == made["id"])
        assert created["notification_type"] == "artifact_created" and created["payload"]["ref"] == ref
        with Events(running, f"/artifacts/{made['id']}/stream") as events:
            assert events.next()["event"] == "waiting"
            running.post(f"/artifacts/{made['id']}/versions", {"content": {"a": "ü"}})
            assert events.next() == {"event": "content", "data": '{"a":"ü"}'}
            assert events.next()["event"] == "done"
        updated = ws.notice(lambda n: n["entity_id"] == made["id"])
        assert updated["notification_type"] == "artifact_updated" and "progress_percent" in updated["payload"]
    running.request("GET", "/artifacts/999999999/stream", 404)


# ---- many


def resident(world):
    pid = world.of_role("notifier")[0].pid
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


@pytest.mark.alone
@pytest.mark.limit(300)
def test_a_thousand_websockets_and_five_hundred_streams_are_told_in_time(world):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, most), most))
    world.start()
    with contextlib.ExitStack() as stack:
        sockets = []
        before = 0
        for i in range(1000):
            if i == 100:  # what is needed once is there by now
                before = resident(world)
            ws = stack.enter_context(Socket(world))
            ws.say(type="subscribe", filter="notification_type:execution_created")
            sockets.append(ws)
        sanitized = "build-test" in PROGRAM
        assert sanitized or (resident(world) - before) / 900 <= 16, (before, resident(world))
        streams = [stack.enter_context(Events(world, "/executions/stream")) for _ in range(500)]
        late = []
        poll = select.poll()
        by_fd = {}
        for s in [ws.sock for ws in sockets] + [e.response.raw._fp.fp.raw._sock for e in streams]:
            poll.register(s, select.POLLIN)
            by_fd[s.fileno()] = s
        for _ in range(8):
            waiting = set(by_fd)
            began = time.monotonic()
            world.post("/executions/execute", {"action_ref": "core.noop"})
            while waiting and time.monotonic() < began + 10:
                for fd, _ in poll.poll(1000):
                    if by_fd[fd].recv(65536):
                        waiting.discard(fd)
            late.append(time.monotonic() - began)
            assert not waiting, f"{len(waiting)} were not told"
            while (left := began + 1 - time.monotonic()) > 0:  # one a second; what else comes is read as well
                for fd, _ in poll.poll(max(1, int(left * 1000))):
                    by_fd[fd].recv(65536)
        assert max(late) < (5 if sanitized else 1), late
    eventually(lambda: running_stats(world)["connected_clients"] == 0)  # all at once
