"""Who may do what: every route as every kind of caller, tokens that are not what they say, sessions, guessing, and what is taken back."""

import base64
import hashlib
import hmac
import json
import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from harness import ADMIN, eventually

DAY = 86400


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def secret_of(world):
    if not world.embedded:
        return world.config["security"]["jwt_secret"]
    with open(os.path.join(world.data, "jwt_secret"), encoding="utf-8") as f:
        return f.read().strip()


def sign(secret, claims, header=None, mac=None):
    text = b64(json.dumps(header or {"alg": "HS256", "typ": "JWT"}).encode()) + "." + b64(json.dumps(claims).encode())
    return text + "." + (b64(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()) if mac is None else mac)


def claims(world, **more):
    now = int(time.time())
    return {"sub": str(me(world)["id"]), "login": ADMIN[0], "iat": now, "exp": now + 600, "token_type": "access", **more}


def me(world):
    return world.get("/auth/me")["data"]


def ask(world, method, path, token=None, **kw):
    headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **kw.pop("headers", {})}
    full = path if path.startswith(("/api", "/auth", "/health", "/metrics")) else "/api/v1" + path
    return requests.request(method, world.url + full, headers=headers, timeout=30, allow_redirects=False, **kw)


PASSWORD = "a password of tests"


def person(world, login, sets=(), **more):
    made = world.post("/identities", {"login": login, "password": PASSWORD, **more}, 201)["data"]
    for ref in sets:
        world.post("/permissions/assignments", {"identity_id": made["id"], "permission_set_ref": ref}, 201)
    return made["id"]


def grants_set(world, ref, grants):
    """A permission set of a pack of the tests, with these grants."""
    row = next(s for s in world.get("/permissions/sets") if s["ref"] == ref)
    world.put(f"/permissions/sets/{row['id']}", {"grants": grants})


# ---- the matrix


def routes():
    with open(os.path.join(os.path.dirname(__file__), "..", "..", "api", "openapi.json"), encoding="utf-8") as f:
        document = json.load(f)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in ("get", "post", "put", "patch", "delete"):
                yield method.upper(), path, operation.get("x-right")


def holds(grants, right):
    resource, action = right.split(":")
    return any(g["resource"] == resource and action in g["actions"] for g in grants)


def may_at_all(kind, grants, right):
    """What the table says of this kind of caller: None, it must be let in; else the status with which it is refused."""
    if right is None:
        return None
    if kind in ("nobody", "expired", "forged"):
        return 401
    resource = right.split(":")[0]
    if resource == "self":
        return None if kind not in ("execution", "sensor", "worker") else 403
    if resource == "internal":
        return None if kind == "worker" else 403
    return None if holds(grants, right) else 403


SENSOR = [{"resource": "events", "actions": ["create"]}, {"resource": "triggers", "actions": ["read"]}, {"resource": "rules", "actions": ["read"]},
          {"resource": "keys", "actions": ["read", "decrypt"]}, {"resource": "artifacts", "actions": ["read", "create", "update"]}]
WORKER = [{"resource": r, "actions": ["read"]} for r in ("packs", "actions", "runtimes", "workers", "executions")] + \
    [{"resource": "artifacts", "actions": ["read", "create", "update"]}]


def test_every_route_lets_in_whom_its_right_allows_and_nobody_else(swept):
    sets = {s["ref"]: s["grants"] for s in swept.get("/permissions/sets")}
    secret = secret_of(swept)
    run = swept.post("/executions/execute", {"action_ref": "core.sleep", "parameters": {"seconds": 300}})["data"]["id"]
    callers = {"nobody": (None, []), "expired": (sign(secret, claims(swept, exp=int(time.time()) - 120)), []),
               "forged": (sign("not the secret, but as long as it is", claims(swept)), []),
               "admin": (swept.token, sets["core.admin"])}
    for name in ("viewer", "executor", "editor"):
        person(swept, name, [f"core.{name}"])
        callers[name] = (swept.login(name, PASSWORD), sets[f"core.{name}"])
    person(swept, "foreign")
    callers["foreign"] = (swept.login("foreign", PASSWORD), [])
    callers["execution"] = (sign(secret, claims(swept, token_type="execution", login=f"execution:{run}", metadata={
        "execution_id": run, "action_ref": "core.sleep", "permission_set_refs": ["core.viewer"]})), sets["core.viewer"])
    callers["sensor"] = (sign(secret, claims(swept, token_type="sensor", login="core.eye", metadata={"trigger_types": ["core.alert"]})), SENSOR)
    callers["worker"] = (sign(secret, claims(swept, token_type="worker", login="worker:1", metadata={"worker_id": 1})), WORKER)
    wrong, asked = [], 0
    for method, path, right in routes():
        if path in ("/ws", "/auth/logout") or "stream" in path:
            continue  # they stay open: the tests of streams ask them; and a logout would end the session
        url = re.sub(r"\{[^}]*\}", "999999999", path)
        if path.startswith("/auth/"):
            url = path
        for kind, (token, grants) in callers.items():
            refused = may_at_all(kind, grants, right)
            if kind == "admin" and refused is None and method != "GET":
                continue  # what it then does is what the other tests ask
            body = {} if method in ("POST", "PUT", "PATCH") else None
            status = ask(swept, method, url, token, json=body).status_code
            asked += 1
            if kind == "sensor" and status == 403 and right and right.split(":")[0] in ("artifacts", "keys"):
                continue  # those of the sensor itself only
            if (status != refused) if refused else (right is not None and status in (401, 403)):
                wrong.append(f"{method} {path} ({right}) as {kind}: {status}, expected {refused or 'to be let in'}")
    assert not wrong, f"{len(wrong)} of {asked}:\n" + "\n".join(wrong[:40])
    assert asked > 1000


# ---- tokens


def test_a_token_that_is_not_ours_opens_nothing(swept):
    secret, now = secret_of(swept), int(time.time())
    good = claims(swept)
    bad = {
        "no algorithm": sign(secret, good, {"alg": "none", "typ": "JWT"}, ""),
        "no algorithm, signed": sign(secret, good, {"alg": "none"}),
        "another algorithm": sign(secret, good, {"alg": "HS512", "typ": "JWT"}),
        "a public key's algorithm": sign(secret, good, {"alg": "RS256", "typ": "JWT"}),
        "a header that must be understood": sign(secret, good, {"alg": "HS256", "crit": ["x"]}),
        "another key": sign("x" * 43, good),
        "no signature": sign(secret, good, mac=""),
        "a shorter signature": sign(secret, good)[:-4],
        "expired": sign(secret, {**good, "exp": now - 61 - 5}),
        "without an end": sign(secret, {k: v for k, v in good.items() if k != "exp"}),
        "of the future": sign(secret, {**good, "iat": now + DAY}),
        "not yet": sign(secret, {**good, "nbf": now + 600}),
        "for somebody else": sign(secret, {**good, "aud": "another"}),
        "of a kind that is not known": sign(secret, {**good, "token_type": "god"}),
        "a refresh token": sign(secret, {**good, "token_type": "refresh", "sid": 1, "gen": 0}),
        "of nobody": sign(secret, {**good, "sub": "999999"}),
        "without a subject": sign(secret, {k: v for k, v in good.items() if k != "sub"}),
        "of a run that is not there": sign(secret, {**good, "token_type": "execution", "metadata": {"execution_id": 999999}}),
        "rubbish": "a.b.c", "empty": ".", "long": "x" * 9000,
    }
    for name, token in bad.items():
        assert ask(swept, "GET", "/packs", token).status_code == 401, name
    assert ask(swept, "GET", "/packs", sign(secret, good)).status_code == 200
    assert ask(swept, "GET", "/packs", sign(secret, {**good, "exp": now - 30})).status_code == 200, "a clock may be a little wrong"
    lower = requests.get(swept.url + "/api/v1/packs", headers={"Authorization": f"bearer {sign(secret, good)}"}, timeout=10)
    assert lower.status_code == 401


def test_a_refresh_token_used_twice_ends_its_session(swept):
    first = ask(swept, "POST", "/auth/login", json={"login": ADMIN[0], "password": ADMIN[1]}).json()["data"]
    second = ask(swept, "POST", "/auth/refresh", json={"refresh_token": first["refresh_token"]}).json()["data"]
    assert ask(swept, "GET", "/packs", second["access_token"]).status_code == 200
    assert ask(swept, "POST", "/auth/refresh", json={"refresh_token": first["refresh_token"]}).status_code == 401
    assert ask(swept, "POST", "/auth/refresh", json={"refresh_token": second["refresh_token"]}).status_code == 401
    eventually(lambda: ask(swept, "GET", "/packs", second["access_token"]).status_code == 401, 5, "its access token is worth nothing")
    assert swept.get("/packs")["data"], "other sessions go on"


def test_a_browser_keeps_its_session_in_cookies_and_uses_them_from_its_own_pages_only(swept):
    browser = requests.Session()
    answer = browser.post(swept.url + "/auth/login", json={"login": ADMIN[0], "password": ADMIN[1]}, timeout=10)
    assert all("HttpOnly" in c and "SameSite=Lax" in c for c in answer.raw.headers.getlist("Set-Cookie"))
    assert browser.get(swept.url + "/api/v1/packs", timeout=10).status_code == 200
    body = {"action_ref": "core.noop"}
    assert browser.post(swept.url + "/api/v1/executions/execute", json=body, headers={"Origin": "https://evil.example"}, timeout=10).status_code == 403
    assert browser.post(swept.url + "/api/v1/executions/execute", json=body, headers={"Sec-Fetch-Site": "cross-site"}, timeout=10).status_code == 403
    assert browser.post(swept.url + "/api/v1/executions/execute", json=body, headers={"Origin": swept.url}, timeout=10).status_code == 201
    assert browser.post(swept.url + "/auth/refresh", timeout=10).status_code == 200
    out = browser.get(swept.url + "/auth/logout", allow_redirects=False, timeout=10)
    assert out.status_code == 307 and out.headers["Location"] == "/login"
    assert browser.get(swept.url + "/api/v1/packs", timeout=10).status_code == 401


# ---- passwords


def test_guessing_a_password_gets_slower_and_tells_nothing(swept):
    guesses = [ask(swept, "POST", "/auth/login", json={"login": "nobody-here", "password": f"guess {i}"}) for i in range(40)]
    wrong = [g for g in guesses if g.status_code == 401]
    assert len(wrong) <= 10 and {g.status_code for g in guesses} == {401, 429}
    assert all(int(g.headers["Retry-After"]) >= 1 for g in guesses if g.status_code == 429)
    other = ask(swept, "POST", "/auth/login", json={"login": ADMIN[0], "password": "wrong"})
    assert other.json() == wrong[0].json(), "who is not there is answered as who is"
    assert ask(swept, "POST", "/auth/login", json={"login": ADMIN[0], "password": ADMIN[1]}).status_code == 200


@pytest.mark.alone
def test_a_flood_of_logins_is_refused_at_once_and_others_are_served(swept):
    swept.bearer()
    for i in range(12):
        person(swept, f"flood{i}")

    def login(i):
        began = time.monotonic()
        answer = ask(swept, "POST", "/auth/login", json={"login": f"flood{i % 12}", "password": PASSWORD})
        return answer.status_code, time.monotonic() - began

    with ThreadPoolExecutor(48) as pool:
        flood = [pool.submit(login, i) for i in range(300)]
        slow = []
        while not all(f.done() for f in flood):
            began = time.monotonic()
            assert swept.request("GET", "/packs/core").status_code == 200
            slow.append(time.monotonic() - began)
        codes = [f.result() for f in flood]
    assert {c for c, _ in codes} <= {200, 429} and any(c == 429 for c, _ in codes) and any(c == 200 for c, _ in codes)
    refused = sorted(t for c, t in codes if c == 429)
    assert refused[len(refused) // 2] < 1, "who is refused waits"
    assert sorted(slow)[int(len(slow) * 0.9)] < 1, "others wait"


def test_a_password_longer_than_any_is_wrong_at_once(swept):
    """It is not hashed, and whoever waits for that was woken by nobody: 20 s, and 128 of them shut everybody out."""
    begun = time.monotonic()
    assert ask(swept, "POST", "/auth/login", json={"login": "long", "password": "x" * 5000}).status_code == 401
    assert time.monotonic() - begun < 10


def test_a_changed_password_ends_the_other_sessions(swept):
    person(swept, "eve")
    first, second = swept.login("eve", PASSWORD), swept.login("eve", PASSWORD)
    assert ask(swept, "POST", "/auth/change-password", first, json={"current_password": "wrong", "new_password": "another one"}).status_code == 401
    assert ask(swept, "POST", "/auth/change-password", first, json={"current_password": PASSWORD, "new_password": "short"}).status_code == 422
    assert ask(swept, "POST", "/auth/change-password", first, json={"current_password": PASSWORD, "new_password": "another one"}).status_code == 200
    assert ask(swept, "GET", "/auth/me", first).status_code == 200
    eventually(lambda: ask(swept, "GET", "/auth/me", second).status_code == 401, 5)
    assert ask(swept, "POST", "/auth/login", json={"login": "eve", "password": PASSWORD}).status_code == 401
    assert swept.login("eve", "another one")


def test_registration_is_off_until_it_is_switched_on(world):
    body = {"login": "newcomer", "password": PASSWORD}
    world.start()
    assert ask(world, "POST", "/auth/register", json=body).status_code == 403
    world.stop()
    world.start(config={"security": {"allow_self_registration": True}})
    token = ask(world, "POST", "/auth/register", json=body).json()["data"]["access_token"]
    assert ask(world, "POST", "/auth/register", json=body).status_code == 409
    assert ask(world, "GET", "/auth/me", token).json()["data"]["effective_permissions"] == []
    assert ask(world, "GET", "/packs", token).status_code == 403


# ---- what is given and taken


def test_what_is_taken_back_is_gone_within_five_seconds(swept):
    who = person(swept, "bob", ["core.viewer"])
    token = swept.login("bob", PASSWORD)
    assert ask(swept, "GET", "/packs", token).status_code == 200
    given = swept.get(f"/identities/{who}/permissions")
    swept.delete(f"/permissions/assignments/{given[0]['id']}")
    eventually(lambda: ask(swept, "GET", "/packs", token).status_code == 403, 5)
    role = swept.post(f"/identities/{who}/roles", {"role": "watchers"}, 201)["data"]
    viewer = next(s for s in swept.get("/permissions/sets") if s["ref"] == "core.viewer")
    swept.post(f"/permissions/sets/{viewer['id']}/roles", {"role": "watchers"}, 201)
    eventually(lambda: ask(swept, "GET", "/packs", token).status_code == 200, 5)
    swept.delete(f"/identities/roles/{role['id']}")
    eventually(lambda: ask(swept, "GET", "/packs", token).status_code == 403, 5)
    swept.post(f"/identities/{who}/freeze")
    eventually(lambda: ask(swept, "GET", "/auth/me", token).status_code in (401, 403), 5)
    assert ask(swept, "POST", "/auth/login", json={"login": "bob", "password": PASSWORD}).status_code == 403
    swept.post(f"/identities/{who}/unfreeze")
    assert ask(swept, "GET", "/auth/me", swept.login("bob", PASSWORD)).status_code == 200


def test_an_integration_token_is_shown_once_and_ends_when_it_is_revoked(swept):
    who = person(swept, "robot", ["core.viewer"])
    made = swept.post(f"/identities/{who}/integration-tokens", {"label": "ci"}, 201)["data"]
    secret, row = made["token"], made["integration_token"]
    assert secret.startswith("attune_it_") and row["token_prefix"] == secret[:18] and row["token_suffix"] == secret[-6:]
    assert secret not in json.dumps(swept.get(f"/identities/{who}/integration-tokens"))
    assert not swept.rows("select id from integration_token where token_hash like ?", "%" + secret[10:30] + "%")
    token = ask(swept, "POST", "/auth/token-login", json={"token": secret}).json()["data"]["access_token"]
    assert ask(swept, "GET", "/packs", token).status_code == 200
    assert swept.get(f"/identities/{who}/integration-tokens")["data"][0]["last_used_at"]
    swept.post(f"/identities/{who}/integration-tokens/{row['id']}/revoke", {"reason": "test"})
    eventually(lambda: ask(swept, "GET", "/packs", token).status_code == 401, 5)
    assert ask(swept, "POST", "/auth/token-login", json={"token": secret}).status_code == 401
    past = ask(swept, "POST", f"/identities/{who}/integration-tokens", swept.token, json={"label": "x", "expires_at": "2001-01-01T00:00:00Z"})
    assert past.status_code == 422


def test_nobody_gives_more_than_they_have(swept):
    grants_set(swept, "core.executor", [{"resource": "permissions", "actions": ["read", "manage"]},
                                        {"resource": "identities", "actions": ["read", "create", "update"]},
                                        {"resource": "packs", "actions": ["read"]}, {"resource": "actions", "actions": ["read", "execute"]}])
    boss, other = person(swept, "boss", ["core.executor"]), person(swept, "other")
    token = swept.login("boss", PASSWORD)
    body = {"identity_id": other, "permission_set_ref": "core.admin"}
    refused = ask(swept, "POST", "/permissions/assignments", token, json=body)
    assert refused.status_code == 403 and "more than you have" in refused.json()["error"]
    viewer = next(s for s in swept.get("/permissions/sets") if s["ref"] == "core.viewer")
    assert ask(swept, "PUT", f"/permissions/sets/{viewer['id']}", token, json={"grants": [{"resource": "keys", "actions": ["decrypt"]}]}).status_code == 403
    assert ask(swept, "POST", f"/permissions/sets/{viewer['id']}/roles", token, json={"role": "x"}).status_code == 403
    assert ask(swept, "POST", "/permissions/assignments", token, json={**body, "permission_set_ref": "core.executor"}).status_code == 201
    admin = me(swept)["id"]
    assert ask(swept, "PUT", f"/identities/{admin}", token, json={"password": "taken over!"}).status_code == 403
    assert ask(swept, "POST", f"/identities/{admin}/integration-tokens", token, json={"label": "x"}).status_code == 403
    run = {"action_ref": "core.noop", "permission_set_refs": ["core.admin"]}
    assert ask(swept, "POST", "/executions/execute", token, json=run).status_code == 403
    assert ask(swept, "POST", "/executions/execute", token, json={**run, "permission_set_refs": ["core.executor"]}).status_code == 201
    assert ask(swept, "POST", "/executions/execute", token, json={**run, "permission_set_refs": ["no.such"]}).status_code == 422
    assert boss


def test_what_is_out_of_scope_is_absent_from_lists_and_not_found(world):
    world.start()
    for pack in ("mine", "yours"):
        world.post("/packs", {"ref": pack, "label": pack, "version": "1.0.0"}, 201)
        world.post("/actions", {"ref": f"{pack}.act", "pack_ref": pack, "label": "A", "entrypoint": "echo hi", "runtime_ref": "core.shell"}, 201)
        world.post("/triggers", {"ref": f"{pack}.trig", "pack_ref": pack, "label": "T"}, 201)
        world.post("/rules", {"ref": f"{pack}.rule", "pack_ref": pack, "label": "R", "trigger_ref": f"{pack}.trig", "action_ref": f"{pack}.act"}, 201)
        for _ in range(3):
            world.post("/events", {"trigger_ref": f"{pack}.trig", "payload": {}}, 201)
    eventually(lambda: len(world.rows("select id from execution where finished_at is not null")) == 6, 30)
    only = {"pack_refs": ["mine"]}
    grants_set(world, "core.viewer", [{"resource": r, "actions": ["read", *more], "constraints": only} for r, more in (
        ("packs", []), ("actions", ["update", "execute"]), ("triggers", []), ("rules", ["create"]), ("executions", []), ("events", []),
        ("enforcements", []))])
    person(world, "tenant", ["core.viewer"])
    token = world.login("tenant", PASSWORD)
    for path, count in (("/packs", 1), ("/actions", 1), ("/triggers", 1), ("/rules", 1), ("/executions", 3), ("/events", 3), ("/enforcements", 3)):
        page = ask(world, "GET", path + "?include_total=true", token).json()
        assert len(page["data"]) == count and page["pagination"]["total_items"] == count, (path, page["pagination"])
        assert "yours" not in json.dumps(page), path
    hidden = {"/actions/yours.act": "Action 'yours.act' not found", "/packs/yours": "Pack 'yours' not found",
              "/rules/yours.rule": "Rule 'yours.rule' not found"}
    for path, said in hidden.items():
        answer = ask(world, "GET", path, token)
        assert (answer.status_code, answer.json()["error"]) == (404, said)
        assert ask(world, "GET", path.replace(".", "x").replace("yours", "nosuch"), token).status_code == 404
    for table in ("execution", "event", "enforcement"):
        column = {"execution": "action_ref", "event": "trigger_ref", "enforcement": "rule_ref"}[table]
        theirs = world.rows(f"select id from {table} where {column} like 'yours.%'")[0]["id"]
        ours = world.rows(f"select id from {table} where {column} like 'mine.%'")[0]["id"]
        assert ask(world, "GET", f"/{table}s/{theirs}", token).status_code == 404
        assert ask(world, "GET", f"/{table}s/{ours}", token).status_code == 200
    assert ask(world, "PUT", "/actions/yours.act", token, json={"label": "x"}).status_code == 404
    assert ask(world, "PUT", "/actions/mine.act", token, json={"label": "x"}).status_code == 200
    assert ask(world, "POST", "/executions/execute", token, json={"action_ref": "yours.act"}).status_code in (403, 404)
    assert ask(world, "POST", "/executions/execute", token, json={"action_ref": "mine.act"}).status_code == 201
    theirs = {"ref": "mine.other", "pack_ref": "mine", "label": "R", "trigger_ref": "mine.trig", "action_ref": "yours.act"}
    assert ask(world, "POST", "/rules", token, json=theirs).status_code == 403


def test_an_action_may_do_only_what_its_run_was_given(world):
    script = ('#!/usr/bin/env python3\nimport json, os, urllib.request, urllib.error\n'
              'token = os.environ.get("ATTUNE_API_TOKEN")\n'
              'def ask(path):\n'
              '    r = urllib.request.Request(os.environ["ATTUNE_API_URL"] + "/api/v1" + path,\n'
              '                               headers={"Authorization": "Bearer " + token} if token else {})\n'
              '    try:\n        return urllib.request.urlopen(r, timeout=20).status\n'
              '    except urllib.error.HTTPError as e:\n        return e.code\n'
              'print(json.dumps({"packs": ask("/packs"), "workers": ask("/workers"), "identities": ask("/identities")}))\n')
    world.add_pack("probe", {"pack.yaml": "ref: probe\nlabel: Probe\nversion: 1.0.0\n", "actions/ask.py": script,
                             "actions/ask.yaml": "ref: probe.ask\nlabel: Ask\nrunner_type: python\nentry_point: ask.py\noutput_format: json\n"})
    world.start()

    def run(refs):
        made = world.post("/executions/execute", {"action_ref": "probe.ask", "permission_set_refs": refs}, 201)["data"]["id"]
        done = world.get(f"/executions/{made}", wait_seconds=30)["data"]
        assert done["status"] == "completed", done
        return json.loads(done["result"]["stdout"]) if isinstance(done["result"].get("stdout"), str) else done["result"]["data"]

    assert run([]) == {"packs": 401, "workers": 401, "identities": 401}  # it has no token
    assert run(["core.viewer"]) == {"packs": 200, "workers": 200, "identities": 403}
    assert run(["standard"]) == {"packs": 403, "workers": 403, "identities": 403}


def test_what_waits_for_somebody_who_is_frozen_does_not_start(swept):
    who = person(swept, "carol", ["core.editor"])
    token = swept.login("carol", PASSWORD)
    for worker in swept.get("/workers")["data"]:
        swept.post(f"/workers/{worker['id']}/cordon", {"reason": "test"})
    run = ask(swept, "POST", "/executions/execute", token, json={"action_ref": "core.noop"}).json()["data"]["id"]
    swept.post(f"/identities/{who}/freeze")
    for worker in swept.get("/workers")["data"]:
        swept.post(f"/workers/{worker['id']}/uncordon")
    assert swept.get(f"/executions/{run}", wait_seconds=10)["data"]["status"] == "cancelled"


def test_rules_of_somebody_who_is_frozen_make_nothing_until_they_are_back(swept):
    who = person(swept, "dora", ["core.admin"])
    token = swept.login("dora", PASSWORD)
    rule = {"ref": "core.doras", "pack_ref": "core", "label": "R", "trigger_ref": "core.alert", "action_ref": "core.noop"}
    assert ask(swept, "POST", "/rules", token, json=rule).status_code == 201

    def outcome():
        event = swept.post("/events", {"trigger_ref": "core.alert", "payload": {}}, 201)["data"]["id"]
        return eventually(lambda: [r["status"] for r in swept.get("/enforcements", event=event)["data"] if r["status"] != "created"])

    assert outcome() == ["processed"]
    swept.post(f"/identities/{who}/freeze")
    assert outcome() == ["disabled"]
    swept.post(f"/identities/{who}/unfreeze")
    assert outcome() == ["processed"]
    ask(swept, "DELETE", f"/identities/{who}", swept.token).raise_for_status()
    assert swept.get("/rules/core.doras")["data"]["enabled"] is False  # nobody answers for it


def test_somebody_is_always_left_who_may_manage_permissions(world):
    world.start()
    admin = me(world)["id"]
    mine = world.get("/identities/%d/permissions" % admin)[0]["id"]
    sets = {s["ref"]: s for s in world.get("/permissions/sets")}
    other = person(world, "second", ["core.editor"])

    def refused():
        weaker = {"grants": [{"resource": "packs", "actions": ["read"]}]}
        tries = [ask(world, "DELETE", f"/permissions/assignments/{mine}", world.token),
                 ask(world, "PUT", f"/permissions/sets/{sets['core.admin']['id']}", world.token, json=weaker)]
        for answer in tries:
            assert answer.status_code == 409 and "nobody could manage permissions" in answer.json()["error"], answer.text

    refused()
    # a role counts as well, and one who is frozen does not
    world.post(f"/permissions/sets/{sets['core.admin']['id']}/roles", {"role": "bosses"}, 201)
    world.post(f"/identities/{other}/roles", {"role": "bosses"}, 201)
    world.post(f"/identities/{other}/freeze")
    refused()
    world.post(f"/identities/{other}/unfreeze")
    ask(world, "DELETE", f"/permissions/assignments/{mine}", world.token).raise_for_status()
    token = world.login("second", PASSWORD)
    assert ask(world, "POST", f"/identities/{admin}/freeze", token).status_code == 200
    for way in (("DELETE", f"/identities/{other}"), ("POST", f"/identities/{other}/freeze")):
        assert ask(world, *way, token).status_code == 409
    assert ask(world, "PUT", f"/identities/{other}", token, json={"frozen": True}).status_code == 409


def test_what_came_of_a_run_is_its_own_however_deep(world):
    script = ('#!/usr/bin/env python3\nimport json, os, sys, urllib.request, urllib.error\n'
              'given = json.load(sys.stdin)\n'
              'def ask(method, path, body=None):\n'
              '    r = urllib.request.Request(os.environ["ATTUNE_API_URL"] + "/api/v1" + path, method=method, data=body and json.dumps(body).encode(),\n'
              '                               headers={"Authorization": "Bearer " + os.environ["ATTUNE_API_TOKEN"], "Content-Type": "application/json"})\n'
              '    try:\n        a = urllib.request.urlopen(r, timeout=30)\n        return a.status, json.load(a)\n'
              '    except urllib.error.HTTPError as e:\n        return e.code, json.load(e)\n'
              'depth = given.get("depth", 0)\nmade = []\n'
              'if depth:\n'
              '    code, child = ask("POST", "/executions/execute", {"action_ref": "deep.go", "parameters": {"depth": depth - 1},\n'
              '                      "permission_set_refs": ["deep.own"]})\n'
              '    assert code == 201, child\n    child = child["data"]["id"]\n'
              '    done = ask("GET", f"/executions/{child}?wait_seconds=30")[1]["data"]\n'
              '    assert done["status"] == "completed", done\n    made = [child] + done["result"]["data"]["made"]\n'
              'seen = [ask("GET", f"/executions/{i}")[0] for i in made]\n'
              'foreign = [ask("GET", f"/executions/{i}")[0] for i in given.get("foreign", [])]\n'
              'listed = sorted(r["id"] for r in ask("GET", "/executions?per_page=100")[1]["data"])\n'
              'print(json.dumps({"made": made, "seen": seen, "foreign": foreign, "listed": listed}))\n')
    world.add_pack("deep", {
        "pack.yaml": "ref: deep\nlabel: Deep\nversion: 1.0.0\n", "actions/go.py": script,
        "actions/go.yaml": "ref: deep.go\nlabel: Go\nrunner_type: python\nentry_point: go.py\noutput_format: json\n",
        "permission_sets/own.yaml": "ref: deep.own\nlabel: Own\ngrants:\n- {resource: actions, actions: [read, execute]}\n"
                                    "- {resource: executions, actions: [read], constraints: {execution_scope: descendants}}\n"})
    world.start()
    other = world.post("/executions/execute", {"action_ref": "core.noop"}, 201)["data"]["id"]
    body = {"action_ref": "deep.go", "parameters": {"depth": 3, "foreign": [other]}, "permission_set_refs": ["deep.own"]}
    run = world.post("/executions/execute", body, 201)["data"]["id"]
    done = eventually(lambda: (lambda r: r if r["status"] in ("completed", "failed") else None)(
        world.get(f"/executions/{run}", wait_seconds=30)["data"]), seconds=90)
    assert done["status"] == "completed", done
    result = done["result"]["data"]
    assert len(result["made"]) == 3 and result["seen"] == [200] * 3 and result["foreign"] == [404], result
    assert result["listed"] == sorted([run, *result["made"]]), result


def test_a_worker_is_given_a_token_of_its_own(world):
    world.start()
    worker = eventually(lambda: world.get("/workers")["data"])[0]
    made = world.post(f"/workers/{worker['name']}/token", {"ttl_seconds": 60})["data"]
    assert made["worker_id"] == worker["id"]
    assert ask(world, "GET", "/packs", made["token"]).status_code == 200
    assert ask(world, "GET", "/keys", made["token"]).status_code == 403
    assert ask(world, "POST", "/auth/internal/sensor-token", made["token"], json={"sensor_ref": "core.eye", "trigger_types": ["core.alert"]}).status_code == 200
    assert ask(world, "POST", "/workers/nobody/token", world.token, json={}).status_code == 404
    assert ask(world, "POST", f"/workers/{worker['id']}/token", world.token, json={"ttl_seconds": 5}).status_code == 422
    grants_set(world, "core.executor", [{"resource": "workers", "actions": ["read", "manage"]}])
    person(world, "keeper", ["core.executor"])
    little = ask(world, "POST", f"/workers/{worker['id']}/token", world.login("keeper", PASSWORD), json={})
    assert little.status_code == 403 and "more than you have" in little.json()["error"]
    assert world.cli("worker", "token", worker["name"], "--field", "token").out.count(".") == 2


def test_a_sensor_reports_its_triggers_and_nothing_else(world):
    world.start()
    body = {"sensor_ref": "core.eye", "trigger_types": ["core.alert"]}
    worker = sign(secret_of(world), claims(world, token_type="worker", login="worker:1", metadata={"worker_id": 1}))
    assert ask(world, "POST", "/auth/internal/sensor-token", json=body).status_code == 401
    assert ask(world, "POST", "/auth/internal/sensor-token", world.token, json=body).status_code == 403
    made = ask(world, "POST", "/auth/internal/sensor-token", worker, json=body).json()["data"]
    assert made["sensor_ref"] == "core.eye"
    token = world.post("/auth/sensor-token", body)["data"]["token"]
    for one in (token, made["token"]):
        assert ask(world, "POST", "/events", one, json={"trigger_ref": "core.intervaltimer", "payload": {}}).status_code == 403
        assert ask(world, "GET", "/packs", one).status_code == 403
    assert ask(world, "POST", "/auth/sensor-token", world.token, json={**body, "ttl_seconds": 60}).status_code == 422


# ---- starting


@pytest.mark.only("embedded")
def test_the_first_start_prints_a_password_once_and_leaves_a_token_for_its_own_user(world):
    free = {"ATTUNE_ADMIN_LOGIN": "", "ATTUNE_ADMIN_PASSWORD": ""}
    process = world.start(env=free)[0]
    said = re.search(r"log in as admin with password (\S+)", process.output())
    assert said and world.login("admin", said.group(1))
    token_file = os.path.join(world.dir, "home", ".local", "state", "attune", f"token-{world.port}")
    assert os.stat(token_file).st_mode & 0o777 == 0o600
    for name in ("jwt_secret", "encryption_key"):
        assert os.stat(os.path.join(world.data, name)).st_mode & 0o777 == 0o600
    assert "Roles" in world.cli("status").out
    with open(token_file, encoding="utf-8") as f:
        old = f.read()
    world.stop()
    assert not os.path.exists(token_file)
    process = world.start(env=free)[0]
    assert "password" not in process.output()
    assert ask(world, "GET", "/packs", old).status_code == 401, "the token of an earlier start is over"
    assert world.rows("select login from identity where id = 1")[0]["login"] == "system"


@pytest.mark.only("distributed")
def test_a_role_without_secrets_refuses_to_start_and_names_the_setting(world):
    for key in ("jwt_secret", "encryption_key"):
        process = world.launch("api", config={"security": {key: None}})
        assert process.wait() == 1
        assert f"security.{key} is not set" in process.output()


@pytest.mark.only("embedded")
def test_beyond_this_machine_only_with_tls_or_an_explicit_word(world):
    config = {"server": {"host": "0.0.0.0"}}
    process = world.launch("up", config=config)
    assert process.wait() == 1 and "server.plain_http" in process.output()
    world.start(config=merged_plain(config))
    assert world.get("/packs")["data"]


def merged_plain(config):
    return {"server": {**config["server"], "plain_http": True}}


@pytest.mark.only("embedded")
def test_tls_is_spoken_when_a_certificate_is_given(world):
    key, cert = os.path.join(world.dir, "key.pem"), os.path.join(world.dir, "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"], check=True, capture_output=True, timeout=60)
    process = world.launch("up", config={"server": {"host": "0.0.0.0", "tls_cert": cert, "tls_key": key}})
    url = world.url.replace("http:", "https:")
    eventually(lambda: requests.get(url + "/health/ready", verify=cert, timeout=5).status_code == 200, 20)
    answer = requests.post(url + "/auth/login", json={"login": ADMIN[0], "password": ADMIN[1]}, verify=cert, timeout=10)
    assert answer.status_code == 200 and "Secure" in answer.headers["Set-Cookie"]
    assert process.alive


@pytest.mark.only("distributed")
@pytest.mark.parametrize("point", ["access.before_commit", "access.after_commit"])
def test_a_login_that_dies_on_the_way_gives_no_token_and_hinders_nobody(world, point):
    world.start()
    body, before = {"login": ADMIN[0], "password": ADMIN[1]}, world.rows("select count(*) n from auth_session")[0]["n"]
    process = world.kill("api")
    process.env["ATTUNE_CRASH_POINT"] = point
    process = world.relaunch(process)
    world.wait_ready([process])
    with pytest.raises(requests.ConnectionError):
        requests.post(world.url + "/auth/login", json=body, timeout=30)
    process.wait()
    process.env.pop("ATTUNE_CRASH_POINT")
    assert world.rows("select count(*) n from auth_session")[0]["n"] == before + (point == "access.after_commit")
    world.wait_ready([world.relaunch(process)])
    assert requests.post(world.url + "/auth/login", json=body, timeout=30).ok


def test_a_server_that_stops_while_it_looks_at_passwords_ends_in_order(world):
    world.start(roles=("api",))
    answers = []

    def until_it_is_gone():
        for _ in range(1000):
            try:
                body = {"login": ADMIN[0], "password": ADMIN[1]}
                answers.append(requests.post(f"{world.url}/auth/login", json=body, timeout=30).status_code)
            except requests.ConnectionError:
                return

    with ThreadPoolExecutor(6) as pool:
        guests = [pool.submit(until_it_is_gone) for _ in range(6)]
        eventually(lambda: 200 in answers, what="somebody is logged in")
        world.stop()
        for guest in guests:
            guest.result()
    assert set(answers) <= {200, 429, 503} and world.sanitizer_reports() == []
