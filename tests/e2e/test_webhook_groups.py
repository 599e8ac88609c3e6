"""Webhooks that come at the same time are written together: each still gets its own answer, and what was answered is there."""

import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from harness import eventually, free_port
from test_webhooks import Hook, standard


@pytest.fixture
def hook(swept):
    return Hook(swept)


def body_of(n):
    return json.dumps({"n": n}).encode()


def test_each_of_those_that_come_together_gets_its_own_answer(hook):
    hook.configure(hmac={"enabled": True, "secrets": ["s"]}, payload_size_limit_kb=4)
    big, nul = json.dumps({"n": "x" * 5000}).encode(), b'{"n": "\\u0000"}'
    kinds = [  # status, what is sent
        (200, lambda i: {"raw": body_of(i), "headers": standard("s", body_of(i), f"good_{i}")}),
        (200, lambda i: {"raw": body_of(i), "headers": standard("s", body_of(i), f"twice_{i // 24}")}),
        (401, lambda i: {"raw": body_of(i), "headers": standard("guess", body_of(i), f"bad_{i}")}),
        (401, lambda i: {"raw": body_of(i), "headers": standard("s", body_of(i), f"old_{i}", time.time() - 4000)}),
        (413, lambda i: {"raw": big, "headers": standard("s", big, f"big_{i}")}),
        (422, lambda i: {"raw": nul, "headers": standard("s", nul, f"nul_{i}")}),
        (400, lambda i: {"raw": b"{", "headers": standard("s", b"{", f"cut_{i}")}),
        (404, lambda i: {"raw": body_of(i), "headers": standard("s", body_of(i), f"where_{i}"), "key": "wh_" + "0" * 32}),
    ]
    before = len(hook.world.rows("select id from webhook_event_log"))

    def send(i):
        status, make = kinds[i % len(kinds)]
        answer = hook.send(**make(i))
        assert answer.status_code == status, (i, answer.text)
        return answer

    with ThreadPoolExecutor(16) as crowd:
        answers = list(crowd.map(send, range(192)))
    good = {i: a.json()["data"] for i, a in enumerate(answers) if a.status_code == 200}
    payloads = {e["id"]: e["payload"] for e in hook.world.rows("select id, payload from event where id > ?", hook.before)}
    payloads = {i: json.loads(p)["n"] for i, p in payloads.items()}
    for i, data in good.items():
        if i % len(kinds) == 0:  # its own event, with its own payload
            assert payloads[data["event_id"]] == i and "successfully" in data["message"]
    twice = [(i, data) for i, data in good.items() if i % len(kinds) == 1]
    for group in {i // 24 for i, _ in twice}:  # three of each id at once: one event, and each is told which
        mine = [(i, data) for i, data in twice if i // 24 == group]
        assert len({data["event_id"] for _, data in mine}) == 1 and payloads[mine[0][1]["event_id"]] in [i for i, _ in mine]
        assert sum("successfully" in data["message"] for _, data in mine) == 1
    assert len(payloads) == 24 + 8
    log = hook.world.rows("select status_code, event_id, error_message from webhook_event_log order by id")[before:]
    assert Counter(r["status_code"] for r in log) == {200: 48, 401: 48, 413: 24, 422: 24}
    assert all((r["event_id"] is None) == (r["status_code"] != 200) == bool(r["error_message"]) for r in log)


POISON = {
    "sqlite": ["create trigger poison before insert on event when instr(new.payload, 'poison')"
               " begin select raise(abort, 'it is poison'); end"],
    "postgres": ["create function poison() returns trigger language plpgsql as $$ begin if new.payload::text like '%poison%' then"
                 " raise exception 'it is poison'; end if; return new; end $$",
                 "create trigger poison before insert on event for each row execute function poison()"],
}


def test_one_that_the_database_refuses_spoils_nothing_for_the_others(world):
    world.start()
    hook = Hook(world)
    for statement in POISON["sqlite" if world.embedded else "postgres"]:
        world.execute(statement)

    def send(i):
        return hook.send({"n": i} if i % 8 else {"n": "poison"})

    with ThreadPoolExecutor(16) as crowd:
        answers = list(crowd.map(send, range(96)))
    refused = [a for i, a in enumerate(answers) if i % 8 == 0]
    assert all(a.status_code >= 400 for a in refused) and all(a.status_code == 200 for i, a in enumerate(answers) if i % 8)
    stored = sorted(json.loads(r["payload"])["n"] for r in world.rows("select payload from event where id > ?", hook.before))
    assert stored == [i for i in range(96) if i % 8]


class Senders:
    """Eight, each with one request at a time; every second has an id and is sent again until it was answered."""

    def __init__(self, hook):
        self.hook, self.over, self.answered, self.given_up, self.lock = hook, False, {}, set(), threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(k,)) for k in range(8)]
        for t in self.threads:
            t.start()

    def once(self, n):
        try:
            answer = self.hook.send({"n": n}, headers={"webhook-id": f"m{n}"} if n % 2 else {})
        except requests.RequestException:
            return False
        if answer.status_code != 200:
            return False
        with self.lock:
            self.answered[n] = answer.json()["data"]["event_id"]
        return True

    def run(self, k):
        n = k
        while not self.over:
            while not self.once(n):
                if n % 2 == 0 or self.over:
                    with self.lock:
                        self.given_up.add(n)
                    break
            n += 8

    def came(self, more):
        begun = len(self.answered)
        eventually(lambda: len(self.answered) >= begun + more, what=f"{more} more answers")

    def stop(self):
        self.over = True
        for t in self.threads:
            t.join()


def revive(world, dead, point=None):
    dead.env.pop("ATTUNE_CRASH_POINT", None)
    if point:
        dead.env["ATTUNE_CRASH_POINT"] = point
    fresh = world.relaunch(dead)
    if not point:
        world.wait_ready([fresh])
    return fresh


def test_a_kill_among_many_webhooks_loses_nothing_that_was_answered_and_doubles_nothing(world):
    world.start(roles=("api",))
    hook = Hook(world)
    senders = Senders(hook)
    try:
        senders.came(40)
        process = revive(world, world.kill("api"))
        senders.came(40)
        for point in ("ingest.before_commit:15", "ingest.after_commit:15"):
            process = revive(world, world.kill("api"), point)
            process.wait(60)  # it dies with a group in its hands
            process = revive(world, process)
            senders.came(40)
    finally:
        senders.stop()
    world.wait_ready()
    rows = world.rows("select id, payload from event where id > ? and trigger_ref = 'mine.hook'", hook.before)
    stored = {r["id"]: json.loads(r["payload"])["n"] for r in rows}
    assert max(Counter(stored.values()).values()) == 1  # none twice, though its sender did not know
    for n, event in senders.answered.items():
        assert stored[event] == n
    assert set(stored.values()) <= set(senders.answered) | senders.given_up
    logged = Counter(r["event_id"] for r in world.rows("select event_id from webhook_event_log where event_id is not null"))
    assert set(logged) == set(stored)
    world.stop()


def changes(hook):
    """What is done to a webhook, and what its next sender is told."""
    yield lambda world: world.put("/triggers/mine.hook/webhooks/config", {"hmac": {"enabled": True, "secrets": ["s"]}}), 401
    yield lambda world: world.put("/triggers/mine.hook/webhooks/config", {"ip_whitelist": {"enabled": True, "ips": ["10.0.0.1"]}}), 403
    yield lambda world: world.put("/triggers/mine.hook/webhooks/config", {"payload_size_limit_kb": 1}), 413
    yield lambda world: world.post("/triggers/mine.hook/webhooks/regenerate"), 404
    yield lambda world: world.post("/triggers/mine.hook/webhooks/disable"), 404
    yield lambda world: world.delete("/triggers/mine.hook"), 404


def test_a_change_of_a_webhook_is_seen_by_its_next_request_whichever_process_made_it(world):
    world.start(roles=("api",))
    hook, url = Hook(world), world.url
    if not world.embedded:
        port = free_port()
        world.launch("api", config={"server": {"port": port}})
        world.url = f"http://127.0.0.1:{port}"
        eventually(lambda: world.session.get(f"{world.url}/health/ready", timeout=5).status_code == 200)
    other, body = world.url, {"n": "x" * 1500}

    def send(_):
        return requests.post(f"{url}/api/v1/webhooks/{hook.key}", json=body, timeout=60).status_code

    with ThreadPoolExecutor(16) as crowd:
        for change, status in changes(hook):
            assert set(crowd.map(send, range(64))) == {200}  # every thread has met it
            before = len(world.rows("select id from event"))
            change(world)
            assert set(crowd.map(send, range(32))) == {status}
            assert len(world.rows("select id from event")) == before
            if status != 404:
                world.put("/triggers/mine.hook/webhooks/config", {})
            elif world.http.get(f"{other}/api/v1/triggers/mine.hook", timeout=30).status_code == 200:
                hook.key = world.post("/triggers/mine.hook/webhooks/enable")["data"]["webhook_key"]

