"""What senders of webhooks meet, well-meaning and not."""

import base64
import hashlib
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from harness import eventually
from test_api import refused


class Hook:
    def __init__(self, world):
        self.world, self.before = world, max((e["id"] for e in world.get("/events")["data"]), default=0)
        world.post("/packs", {"ref": "mine", "label": "Mine", "version": "1.0.0"}, 201)
        world.post("/triggers", {"ref": "mine.hook", "pack_ref": "mine", "label": "Hook"}, 201)
        world.post("/rules", {"ref": "mine.on_hook", "pack_ref": "mine", "label": "R", "action_ref": "core.echo",
                              "trigger_ref": "mine.hook",
                              "action_params": {"message": "got {{ event.payload.n }}"}}, 201)
        self.key = world.post("/triggers/mine.hook/webhooks/enable")["data"]["webhook_key"]

    def configure(self, **config):
        return self.world.put("/triggers/mine.hook/webhooks/config", config)["data"]

    def send(self, body=None, raw=None, headers=None, key=None):
        """Without any token, as strangers do."""
        raw = json.dumps({"n": 1} if body is None else body).encode() if raw is None else raw
        return requests.post(f"{self.world.url}/api/v1/webhooks/{key or self.key}", data=raw, headers=headers or {},
                             timeout=60)

    def events(self):
        return [e for e in self.world.get("/events", trigger_ref="mine.hook")["data"] if e["id"] > self.before]

    def last_log(self):
        return self.world.get("/triggers/mine.hook/webhooks/log")["data"][0]


@pytest.fixture
def hook(swept):
    return Hook(swept)


def standard(secret, body, message="msg_1", at=None):
    at = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), f"{message}.{at}.".encode() + body, hashlib.sha256).digest()
    return {"webhook-id": message, "webhook-timestamp": at, "webhook-signature": "v1," + base64.b64encode(digest).decode()}


def test_a_webhook_becomes_an_event_that_its_rules_meet(hook):
    answer = hook.send({"payload": {"n": 7}, "headers": {"X": "y"}}, headers={"User-Agent": "sender/1"})
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert data["trigger_ref"] == "mine.hook" and data["message"]
    event = hook.world.get(f"/events/{data['event_id']}")["data"]
    assert event["payload"] == {"n": 7} and event["source_ref"] == "webhook" and event["rule"] is None
    config = event["config"]
    assert config["source"] == "webhook" and config["headers"] == {"X": "y"} and config["user_agent"] == "sender/1"
    assert config["source_ip"] == "127.0.0.1" and config["received_at"].endswith("+00:00")
    run = eventually(lambda: hook.world.get("/executions", trigger_ref="mine.hook")["data"])[0]
    assert "got 7" in json.dumps(hook.world.get(f"/executions/{run['id']}", wait_seconds=30)["data"]["result"])


@pytest.mark.parametrize("body", [{"ref": "main", "payload": 1}, [1, 2], "text", 5, None, {}])
def test_any_json_is_a_payload_whatever_it_is_called(hook, body):
    answer = hook.send(raw=json.dumps(body).encode(), headers={"Content-Type": "text/plain"})
    assert answer.status_code == 200
    event = hook.world.get(f"/events/{answer.json()['data']['event_id']}")["data"]
    assert event["payload"] == body


def test_a_key_lives_as_long_as_its_webhook(hook):
    first = hook.key
    assert first.startswith("wh_") and len(first) == 35
    assert hook.world.post("/triggers/mine.hook/webhooks/enable")["data"]["webhook_key"] == first
    second = hook.world.post("/triggers/mine.hook/webhooks/regenerate")["data"]["webhook_key"]
    assert second != first and hook.send(key=first).status_code == 404 and hook.send(key=second).status_code == 200
    off = hook.world.post("/triggers/mine.hook/webhooks/disable")["data"]
    assert off["webhook_enabled"] is False and "webhook_key" not in off
    assert hook.send(key=second).json()["error"] == "Invalid webhook key"
    refused(hook.world, "POST", "/triggers/mine.hook/webhooks/regenerate", 400)
    assert "mine.gone" in refused(hook.world, "POST", "/triggers/mine.gone/webhooks/enable", 404)["error"]
    assert "mine.gone" in refused(hook.world, "GET", "/triggers/mine.gone/webhooks/config", 404)["error"]
    assert "mine.gone" in refused(hook.world, "GET", "/triggers/mine.gone/webhooks/log", 404)["error"]


@pytest.mark.parametrize("raw", [b"", b"{", b'{"a": }', b"\xff\xfe", b"payload=%7B%7D", b"[" * 100000, b"1 2"])
def test_what_is_not_json_makes_no_event(hook, raw):
    answer = hook.send(raw=raw)
    assert answer.status_code == 400 and set(answer.json()) <= {"error", "code", "details"}
    assert hook.events() == []


def test_only_a_signature_of_one_of_the_secrets_lets_in(hook):
    shown = hook.configure(hmac={"enabled": True, "secrets": ["old", "new"]})
    assert shown == {"hmac": {"enabled": True, "secret_count": 2}}
    body = b'{"n": 1}'
    signed = hmac.new(b"new", body, hashlib.sha256).hexdigest()
    assert hook.send(raw=body, headers={"X-Webhook-Signature": f"sha256={signed}"}).status_code == 200
    assert hook.send(raw=body, headers={"X-Hub-Signature-256": signed}).status_code == 200
    assert hook.send(raw=body, headers=standard("old", body)).status_code == 200
    taken = len(hook.events())
    wrong = [{}, {"X-Webhook-Signature": "sha256=" + "0" * 64}, {"X-Webhook-Signature": f"sha512={signed}"},
             {"X-Webhook-Signature": signed[:-1]}, {"X-Hub-Signature-256": ""}, standard("guess", body),
             standard("new", b'{"n":1}'), standard("new", body, at=time.time() - 400),
             standard("new", body, at=time.time() + 400), {**standard("new", body), "webhook-id": "other"},
             {**standard("new", body), "webhook-timestamp": "now"}]
    missing = standard("new", body)
    del missing["webhook-timestamp"]
    for headers in [*wrong, missing]:
        answer = hook.send(raw=body, headers=headers)
        assert answer.status_code == 401 and answer.json()["code"] == "UNAUTHORIZED", headers
    assert len(hook.events()) == taken and hook.last_log()["hmac_verified"] is False
    hook.configure(hmac={"enabled": True, "algorithm": "sha512"})  # the secrets stay
    signed = hmac.new(b"new", body, hashlib.sha512).hexdigest()
    assert hook.send(raw=body, headers={"X-Webhook-Signature": f"sha512={signed}"}).status_code == 200


def stored_config(world):
    return str(world.rows("select webhook_config from \"trigger\" where ref = 'mine.hook'")[0]["webhook_config"])


def signed_with(hook, secret):
    signature = hmac.new(secret.encode(), b"{}", hashlib.sha256).hexdigest()
    return hook.send(raw=b"{}", headers={"X-Webhook-Signature": signature})


def test_secrets_of_a_webhook_are_stored_sealed_and_follow_the_encryption_key(world):
    old, new = "o" * 40, "n" * 40
    world.start(config={"security": {"encryption_key": old}})
    hook = Hook(world)
    hook.configure(hmac={"enabled": True, "secrets": ["quiet-one", "quiet-two"]})
    assert "quiet" not in stored_config(world) and "v1:" in stored_config(world)
    shown = {"hmac": {"enabled": True, "secret_count": 2}}
    assert world.get("/triggers/mine.hook/webhooks/config")["data"] == shown and hook.configure(**shown) == shown
    for field in ({"sealed": "v1:x:y"}, {"key_id": "x"}):
        assert "is not known" in refused(world, "PUT", "/triggers/mine.hook/webhooks/config", 422, {"hmac": field})["error"]
    assert signed_with(hook, "quiet-two").status_code == 200
    world.stop()
    world.start(config={"security": {"encryption_key": new, "encryption_keys_old": [old]}})
    assert signed_with(hook, "quiet-two").status_code == 200
    step = world.request("POST", "/keys/rotate", 200).json()["data"]
    assert step["done"] and (step["rewrapped"], step["left"], step["unreadable"]) == (1, 0, 0)
    world.stop()
    world.start(config={"security": {"encryption_key": new, "encryption_keys_old": []}})
    assert signed_with(hook, "quiet-one").status_code == 200 and signed_with(hook, "guess").status_code == 401
    assert hook.configure(hmac={"secrets": []}) == {"hmac": {"secret_count": 0}} and "v1:" not in stored_config(world)


def test_secrets_of_a_webhook_that_stand_in_plain_text_work_and_are_sealed_by_a_rotation(hook):
    world, plain = hook.world, '{"hmac":{"enabled":true,"secret":"quiet-old"}}'
    world.execute(f"update \"trigger\" set webhook_config = '{plain}' where ref = 'mine.hook'")
    assert signed_with(hook, "quiet-old").status_code == 200
    assert world.get("/triggers/mine.hook/webhooks/config")["data"] == {"hmac": {"enabled": True, "secret_count": 1}}
    step = world.request("POST", "/keys/rotate", 200).json()["data"]
    assert step["done"] and (step["rewrapped"], step["left"], step["unreadable"]) == (1, 0, 0)
    assert "quiet" not in stored_config(world)
    assert signed_with(hook, "quiet-old").status_code == 200 and signed_with(hook, "guess").status_code == 401


def test_secrets_of_a_webhook_that_no_key_opens_let_nobody_in_and_are_counted(world):
    world.start(config={"security": {"encryption_key": "a" * 40}})
    hook = Hook(world)
    hook.configure(hmac={"enabled": True, "secrets": ["quiet"]})
    world.stop()
    world.start(config={"security": {"encryption_key": "b" * 40}})
    answer = signed_with(hook, "quiet")
    assert answer.status_code == 500 and "encryption" not in answer.json()["error"]
    assert "encryption_keys_old" in refused(world, "PUT", "/triggers/mine.hook/webhooks/config", 500, {"hmac": {}})["error"]
    step = world.request("POST", "/keys/rotate", 200).json()["data"]
    assert step["done"] and (step["rewrapped"], step["left"], step["unreadable"]) == (0, 1, 1)
    hook.configure(hmac={"enabled": True, "secrets": ["fresh"]})
    assert signed_with(hook, "fresh").status_code == 200
    assert world.request("POST", "/keys/rotate", 200).json()["data"]["left"] == 0


def test_of_a_whole_list_of_hostile_requests_none_makes_an_event(hook):
    world, body = hook.world, b'{"n": 1}'
    url = f"{world.url}/api/v1/webhooks/{hook.key}"
    hook.configure(hmac={"enabled": True, "secrets": ["s"]}, rate_limit={"enabled": True, "requests": 400, "window_seconds": 600})
    good = standard("s", body, "msg_good")
    assert hook.send(raw=body, headers=good).status_code == 200
    kept = len(hook.events())

    def flipped(at):
        signature = bytearray(base64.b64decode(good["webhook-signature"][3:]))
        signature[at // 8] ^= 1 << at % 8
        return {**good, "webhook-id": "msg_flip", "webhook-signature": "v1," + base64.b64encode(signature).decode()}

    for at in range(0, 256, 5):
        assert hook.send(raw=body, headers=flipped(at)).status_code == 401
    replayed = hook.send(raw=body, headers=good)
    assert replayed.status_code == 200 and "before" in replayed.json()["data"]["message"]
    assert hook.send(raw=body, headers=standard("s", body, "msg_old", time.time() - 3600)).status_code == 401
    for raw, kind in ((b"n=1", "application/x-www-form-urlencoded"), (b"\x00\xff", "application/octet-stream"), (b"<n/>", "text/xml")):
        assert hook.send(raw=raw, headers={**standard("s", raw, "msg_kind"), "Content-Type": kind}).status_code == 400
    assert hook.send(raw=b'{"n": "' + b"x" * 3_000_000 + b'"}').status_code == 413
    huge = requests.post(url, data=b"[" + b"1," * 8_000_000 + b"1]", timeout=60)  # more than any body may have
    assert huge.status_code == 413
    for path, status in ((f"{world.url}/api/v1/webhooks/", 404), (f"{url}/more", 404), (f"{world.url}/api/v1/webhooks/%00", 404),
                         (f"{world.url}/api/v1/webhooks/..%2f..%2fusers", 404)):
        assert requests.post(path, data=body, timeout=60).status_code in (400, status), path
    for method in ("GET", "PUT", "DELETE"):
        assert requests.request(method, url, data=body, timeout=60).status_code == 405
    assert len(hook.events()) == kept
    with ThreadPoolExecutor(16) as crowd:  # a flood of what is not signed comes to an end, and so does one of what is
        codes = list(crowd.map(lambda n: hook.send(raw=body, headers=flipped(n % 256)).status_code, range(480)))
    assert set(codes) == {401, 429} and hook.send(raw=body, headers=standard("s", body, "msg_late")).status_code == 429
    world.post("/triggers/mine.hook/webhooks/disable")
    assert hook.send(raw=body, headers=standard("s", body, "msg_off")).status_code == 404
    assert len(hook.events()) == kept
    world.request("GET", "/health/ready", 200)


def test_the_same_id_twice_makes_one_event(hook):
    hook.configure(hmac={"enabled": True, "secrets": ["s"]})
    first = hook.send(raw=b'{"n": 1}', headers=standard("s", b'{"n": 1}', "msg_a")).json()["data"]
    again = hook.send(raw=b'{"n": 2}', headers=standard("s", b'{"n": 2}', "msg_a")).json()["data"]
    other = hook.send(raw=b'{"n": 3}', headers=standard("s", b'{"n": 3}', "msg_b")).json()["data"]
    assert again["event_id"] == first["event_id"] and "before" in again["message"]
    assert other["event_id"] != first["event_id"] and len(hook.events()) == 2
    assert hook.send(headers={"webhook-id": "x" * 256}).status_code in (400, 401)


def test_an_address_that_is_not_on_the_list_or_not_known_stays_out(hook):
    hook.configure(ip_whitelist={"enabled": True, "ips": ["10.0.0.0/8"]})
    assert hook.send().status_code == 403
    assert hook.send(headers={"X-Forwarded-For": "10.1.1.1"}).status_code == 403  # anybody can say so
    assert hook.send(headers={"X-Real-IP": "10.1.1.1"}).status_code == 403
    log = hook.last_log()
    assert log["ip_allowed"] is False and log["status_code"] == 403 and log["source_ip"] == "127.0.0.1"
    hook.configure(ip_whitelist={"enabled": True, "ips": []})
    assert hook.send().status_code == 403
    hook.configure(ip_whitelist={"enabled": True, "ips": ["127.0.0.1", "::1"]})
    assert hook.send().status_code == 200


def test_a_trusted_proxy_says_who_the_client_is(world):
    world.start(config={"server": {"trusted_proxies": ["127.0.0.0/8"]}})
    hook = Hook(world)
    hook.configure(ip_whitelist={"enabled": True, "ips": ["10.0.0.0/8"]})
    assert hook.send(headers={"X-Forwarded-For": "9.9.9.9, 10.1.1.1"}).status_code == 200
    assert hook.last_log()["source_ip"] == "10.1.1.1"
    for bad in ({"X-Forwarded-For": "10.1.1.1, 9.9.9.9"}, {"X-Forwarded-For": "10.1.1.1, nonsense"}, {}):
        assert hook.send(headers=bad).status_code == 403, bad


def test_too_many_requests_are_told_so_and_make_no_events(hook):
    hook.configure(rate_limit={"enabled": True, "requests": 2, "window_seconds": 600})
    assert [hook.send().status_code for _ in range(4)] == [200, 200, 429, 429]
    answer = hook.send()
    assert answer.json()["code"] == "TOO_MANY_REQUESTS" and answer.headers["Retry-After"] == "600"
    assert len(hook.events()) == 2 and hook.last_log()["rate_limited"] is True
    hook.configure(rate_limit={"enabled": True, "requests": 7, "window_seconds": 600})
    with ThreadPoolExecutor(16) as crowd:  # who comes at the same time as others is counted too
        codes = list(crowd.map(lambda _: hook.send().status_code, range(48)))
    assert sorted(codes) == [200] * 5 + [429] * 43 and len(hook.events()) == 7


def test_a_body_over_the_limit_of_the_webhook_is_refused(hook):
    hook.configure(payload_size_limit_kb=1)
    assert hook.send({"n": "x" * 2000}).status_code == 413
    assert hook.send({"n": "x" * 500}).status_code == 200
    assert [e["status_code"] for e in hook.world.get("/triggers/mine.hook/webhooks/log")["data"]] == [200, 413]


def test_a_webhook_may_answer_with_what_came_of_it(hook):
    hook.configure(respond="wait", wait_seconds=30)
    answer = hook.send({"n": 5}).json()["data"]
    assert [r["status"] for r in answer["executions"]] == ["completed"]
    assert "got 5" in json.dumps(answer["executions"][0]["result"])
    assert len(hook.events()) == 1  # however often the request was looked at
    hook.world.put("/rules/mine.on_hook", {"action_ref": "core.sleep", "action_params": {"seconds": 30}})
    hook.configure(respond="wait", wait_seconds=1)
    slow = hook.send({"n": 6}).json()["data"]
    assert len(slow["executions"]) == 1 and slow["executions"][0]["status"] not in ("completed", "failed")
    assert len(hook.events()) == 2


@pytest.mark.parametrize("field, config", [
    ("hmac.secrets", {"hmac": {"enabled": True}}),
    ("hmac.algorithm", {"hmac": {"algorithm": "md5"}}),
    ("ip_whitelist.ips[0]", {"ip_whitelist": {"enabled": True, "ips": ["everyone"]}}),
    ("rate_limit.requests", {"rate_limit": {"enabled": True, "requests": 0}}),
    ("respond", {"respond": "later"}),
    ("secret", {"secret": "x"}),
])
def test_a_configuration_that_cannot_be_understood_changes_nothing(hook, field, config):
    hook.configure(payload_size_limit_kb=7)
    assert field in refused(hook.world, "PUT", "/triggers/mine.hook/webhooks/config", 422, config)["error"]
    assert hook.world.get("/triggers/mine.hook/webhooks/config")["data"] == {"payload_size_limit_kb": 7}


def test_the_key_is_shown_only_to_those_who_may_change_the_trigger(hook):
    world = hook.world
    viewer = world.post("/identities", {"login": "viewer", "password": "long enough for all"}, 201)["data"]
    world.post("/permissions/assignments", {"identity_id": viewer["id"], "permission_set_ref": "core.viewer"}, 201)
    token = world.login("viewer", "long enough for all")
    seen = requests.get(f"{world.url}/api/v1/triggers/mine.hook", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert seen.status_code == 200 and "webhook_key" not in seen.json()["data"]
    assert world.get("/triggers/mine.hook")["data"]["webhook_key"] == hook.key
    refused = requests.post(f"{world.url}/api/v1/triggers/mine.hook/webhooks/enable", timeout=30,
                            headers={"Authorization": f"Bearer {token}"})
    assert refused.status_code == 403
