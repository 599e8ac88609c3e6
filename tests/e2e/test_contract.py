"""Every answer is what api/openapi.json says, and that file is what the binary says. Each answer of every test is checked by
conformance.py; here stand those that no other test asks for, and the document itself.
"""

import json
import os
import re
import subprocess

from harness import BINARY, ROOT, eventually
from schemas import problems


ELSEWHERE = {"/auth/logout", "/auth/oidc/login", "/auth/callback"}  # no answer with a body
EMPTY = ("/api/v1/dead-letters", "/api/v1/triggers/{trigger_ref}/sensors",
         "/api/v1/packs/{ref}/tests", "/api/v1/packs/{ref}/environments", "/api/v1/pack-indices", "/api/v1/pack-indices/packs")  # tests of their own look at these


def description():
    with open(os.path.join(ROOT, "api", "openapi.json"), encoding="utf-8") as f:
        return json.load(f)


def made_things(world):
    """One of everything, so that no list is empty."""
    world.post("/packs", {"ref": "mine", "label": "Mine", "version": "1.0.0", "conf_schema": {"a": {"type": "string"}}})
    world.post("/runtimes", {"ref": "mine.rt", "name": "Mine", "pack_ref": "mine"})
    world.post("/actions", {"ref": "mine.act", "pack_ref": "mine", "label": "Act", "entrypoint": "echo hello",
                            "runtime_ref": "core.shell", "timeout_seconds": 5, "log_retention_policy": "days",
                            "log_retention_limit": 3, "retry": {"count": 1}})
    world.post("/triggers", {"ref": "mine.trig", "pack_ref": "mine", "label": "Trig"})
    world.post("/workflows", {"ref": "core.flow", "pack_ref": "core", "label": "Flow", "version": "1",
                              "definition": {"tasks": [{"name": "a", "action": "core.noop"}]}})
    world.post("/policies", {"ref": "mine.few", "label": "Few", "pack_ref": "core", "action_ref": "core.echo",
                             "concurrency": {"limit": 9}, "rate": {"limit": 9, "per_seconds": 1}})
    key = world.post("/triggers/mine.trig/webhooks/enable")["data"]["webhook_key"]
    assert world.post(f"/webhooks/{key}", {"n": 1})["data"]["event_id"]
    world.post("/rules", {"ref": "mine.rule", "pack_ref": "mine", "label": "Rule", "action_ref": "core.echo",
                          "trigger_ref": "mine.trig", "action_params": {"message": "{{ event.payload.m }}"}})
    world.post("/keys", {"ref": "mine.key", "name": "key", "owner_type": "system", "value": {"a": 1}})
    event = world.post("/events", {"trigger_ref": "mine.trig", "payload": {"m": "hi"}})["data"]
    enforcement = eventually(lambda: world.get("/enforcements", event=event["id"])["data"])[0]
    execution = eventually(lambda: world.get(f"/enforcements/{enforcement['id']}/executions")["data"])[0]
    done = world.get(f"/executions/{execution['id']}", wait_seconds=20)["data"]
    assert done["status"] == "completed", done
    flow = world.post("/executions/execute", {"action_ref": "core.flow"})["data"]["id"]
    assert world.get(f"/executions/{flow}", wait_seconds=20)["data"]["status"] == "completed"
    inquiry = world.post("/inquiries", {"execution": execution["id"], "prompt": "Go on?"})["data"]
    artifact = world.post("/artifacts", {"ref": "mine.art", "scope": "pack", "owner": "mine", "type": "other"})["data"]["id"]
    world.post(f"/artifacts/{artifact}/versions", {"content": {"a": 1}, "execution": execution["id"]})
    return {"inquiry": inquiry["id"], "artifact": artifact, "event": event["id"], "enforcement": enforcement["id"], "execution": execution["id"], "flow": flow,
            "worker": done["worker"]}


NOT_READ = ("/api-spec/openapi.json", "/docs", "/ws", "/stats", "/api/v1/packs/{ref}/tests/latest",
            "/api/v1/pack-indices/packs/{ref}")


def path_of(path, made):
    names = {"packs": ("core",), "runtimes": ("core.shell",), "actions": ("core.echo",), "triggers": ("mine.trig",),
             "sensors": ("core.timer_sensor",), "rules": ("mine.rule",), "workers": (made["worker"],),
             "events": (made["event"],), "enforcements": (made["enforcement"],),
             "executions": (made["execution"],), "trace": (made["execution"],),
             "logs": ("stdout",), "policies": ("mine.few",), "workflows": ("core.flow",),
             "inquiries": (made["inquiry"],), "keys": ("mine.key",), "artifacts": (made["artifact"],),
             "versions": (1,), "ref": ("mine.art",)}
    if path.endswith("/ticks"):
        names["rules"] = ("core.timer_echo",)  # the one on a timer
    if path.endswith("/executions/{id}/workflow"):
        names["executions"] = (made["flow"],)
    parts = path.split("/")
    for i, part in enumerate(parts):
        if part == "{status}":
            parts[i] = "pending" if "inquiries" in parts else "completed"
        elif part == "{enforcement_id}":
            parts[i] = str(made["enforcement"])
        elif part.startswith("{"):
            if parts[i - 1] not in names:
                return None  # of a thing that this test does not make: its own tests ask for it
            parts[i] = str(names[parts[i - 1]][0])
    return "/".join(parts)


def test_every_read_answers_as_the_description_says(swept):
    made = made_things(swept)
    document = description()
    wrong, seen = [], 0
    for path, operations in document["paths"].items():
        if "get" not in operations or path.startswith("/api/v1/dead-letters/") or path in ELSEWHERE or path in NOT_READ:
            continue
        url = path_of(path, made)
        answer = operations["get"]["responses"]["200"] if url else None
        if answer is None or "application/json" not in answer.get("content", {"application/json": None}):
            continue
        response = swept.request("GET", url)
        if "content" not in answer:
            assert response.content == b"", path
            continue
        body = response.json()
        if "items" in body and path not in EMPTY:
            assert body["items"], f"{path} is empty, so nothing was checked"
        wrong += [f"GET {path}: {p}" for p in problems(document, answer["content"]["application/json"]["schema"], body)]
        seen += 1
    assert not wrong, "\n".join(wrong)
    assert seen > 40


def test_every_change_answers_as_the_description_says(world):
    world.start()
    made = made_things(world)
    document = description()
    calls = [
        ("PUT", "/api/v1/packs/{ref}", "/packs/mine", {"label": "M", "config": {"a": "b"}}),
        ("PUT", "/api/v1/runtimes/{ref}", "/runtimes/mine.rt", {"description": {"op": "set", "value": "x"}}),
        ("PUT", "/api/v1/actions/{ref}", "/actions/mine.act", {"timeout_seconds": {"op": "clear"}}),
        ("PUT", "/api/v1/triggers/{ref}", "/triggers/mine.trig", {"description": {"op": "set", "value": "x"}}),
        ("PUT", "/api/v1/rules/{ref}", "/rules/mine.rule", {"label": "L"}),
        ("POST", "/api/v1/triggers/{ref}/disable", "/triggers/mine.trig/disable", None),
        ("POST", "/api/v1/triggers/{ref}/enable", "/triggers/mine.trig/enable", None),
        ("PUT", "/api/v1/inquiries/{id}", f"/inquiries/{made['inquiry']}", {"status": "pending"}),
        ("POST", "/api/v1/inquiries/{id}/respond", f"/inquiries/{made['inquiry']}/respond", {"response": {}}),
        ("DELETE", "/api/v1/inquiries/{id}", f"/inquiries/{made['inquiry']}", None),
        ("PUT", "/api/v1/workflows/{ref}", "/workflows/core.flow", {"label": "L"}),
        ("POST", "/api/v1/packs/{ref}/workflows/validate", "/packs/core/workflows/validate", None),
        ("POST", "/api/v1/packs/{ref}/workflows/sync", "/packs/core/workflows/sync", None),
        ("DELETE", "/api/v1/workflows/{ref}", "/workflows/core.flow", None),
        ("PUT", "/api/v1/policies/{ref}", "/policies/mine.few", {"label": "L"}),
        ("POST", "/api/v1/policies/{ref}/disable", "/policies/mine.few/disable", None),
        ("POST", "/api/v1/policies/{ref}/enable", "/policies/mine.few/enable", None),
        ("POST", "/api/v1/sensors", "/sensors", {"ref": "mine.eye", "pack_ref": "mine", "label": "Eye", "entrypoint": "e",
                                                 "runtime_ref": "core.shell", "trigger_ref": "mine.trig"}),
        ("PUT", "/api/v1/sensors/{ref}", "/sensors/mine.eye", {"label": "Ear"}),
        ("DELETE", "/api/v1/sensors/{ref}", "/sensors/mine.eye", None),
        ("POST", "/api/v1/triggers/{ref}/webhooks/regenerate", "/triggers/mine.trig/webhooks/regenerate", None),
        ("POST", "/api/v1/triggers/{ref}/webhooks/disable", "/triggers/mine.trig/webhooks/disable", None),
        ("POST", "/api/v1/triggers/{ref}/webhooks/enable", "/triggers/mine.trig/webhooks/enable", None),
        ("PUT", "/api/v1/triggers/{ref}/webhooks/config", "/triggers/mine.trig/webhooks/config",
         {"hmac": {"enabled": True, "secrets": ["s"]}, "rate_limit": {"enabled": True, "requests": 5}}),
        ("POST", "/api/v1/sensors/{ref}/disable", "/sensors/core.timer_sensor/disable", None),
        ("POST", "/api/v1/sensors/{ref}/enable", "/sensors/core.timer_sensor/enable", None),
        ("POST", "/api/v1/rules/{ref}/disable", "/rules/mine.rule/disable", None),
        ("POST", "/api/v1/rules/{ref}/enable", "/rules/mine.rule/enable", None),
        ("POST", "/api/v1/workers/{id}/cordon", f"/workers/{made['worker']}/cordon", {"reason": "looking"}),
        ("POST", "/api/v1/workers/{id}/uncordon", f"/workers/{made['worker']}/uncordon", None),
        ("POST", "/api/v1/executions/execute", "/executions/execute", {"action_ref": "core.noop"}),
        ("DELETE", "/api/v1/rules/{ref}", "/rules/mine.rule", None),
        ("DELETE", "/api/v1/triggers/{ref}", "/triggers/mine.trig", None),
        ("DELETE", "/api/v1/actions/{ref}", "/actions/mine.act", None),
        ("DELETE", "/api/v1/runtimes/{ref}", "/runtimes/mine.rt", None),
        ("DELETE", "/api/v1/packs/{ref}", "/packs/mine", None),
    ]
    wrong = []
    for method, path, url, body in calls:
        operation = document["paths"][path][method.lower()]
        status = int(next(iter(operation["responses"])))
        answer = world.request(method, url, status, json=body).json()
        schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
        wrong += [f"{method} {path}: {p}" for p in problems(document, schema, answer)]
    assert not wrong, "\n".join(wrong)


def test_the_description_in_the_tree_is_the_one_of_the_binary():
    printed = subprocess.run([BINARY, "api-spec"], capture_output=True, text=True, timeout=30, check=True).stdout
    with open(os.path.join(ROOT, "api", "openapi.json"), encoding="utf-8") as f:
        assert f.read() == printed, "api/openapi.json is old: attune api-spec > api/openapi.json"


def spec(*args):
    return subprocess.run([BINARY, "api-spec", *args], capture_output=True, text=True, timeout=30, check=True).stdout


def test_the_table_of_routes_in_the_handbook_is_the_one_of_the_binary():
    with open(os.path.join(ROOT, "docs", "api.md"), encoding="utf-8") as f:
        page = f.read()
    table = page.split("<!-- routes -->\n")[1].split("<!-- end of routes -->")[0]
    assert table == spec("--routes"), "docs/api.md is old: put there what attune api-spec --routes prints"


def references(part):
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_the_description_is_whole():
    document = description()
    operations = [(method, path, o) for path, item in document["paths"].items() for method, o in item.items()]
    assert len({o["operationId"] for _, _, o in operations}) == len(operations)
    for reference in set(references(document)):
        part = document
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]
    for method, path, o in operations:
        where = f"{method} {path}"
        named = [p["name"] for p in o["parameters"] if p["in"] == "path"]
        assert named == [part[1:-1] for part in path.split("/") if part.startswith("{")], where
        assert len({(p["in"], p["name"]) for p in o["parameters"]}) == len(o["parameters"]), where
        assert o["summary"] and "default" in o["responses"] and o["tags"][0] in [t["name"] for t in document["tags"]], where
        assert bool(o["security"]) == ("x-right" in o), f"{where}: open to everybody, or behind a right"
        assert method in ("get", "delete") or o["security"] or path.startswith(("/auth/", "/api/v1/webhooks/", "/api/v1/inquiries/callback/")), where


def test_no_route_answers_that_is_not_described(swept):
    for pattern, operations in description()["paths"].items():
        path, described = pattern.replace("{", "").replace("}", ""), {method.upper() for method in operations}
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - described:
            response = swept.http.request(method, swept.url + path, timeout=30)
            assert response.status_code == 405, f"{method} {path}: {response.status_code}"
            answers = {word for word in response.headers["Allow"].split(", ") if word not in ("HEAD", "OPTIONS")}
            assert answers == described, f"{path}: {answers} are answered, {described} described"
    for path in ("/", "/api", "/api/v1", "/api/v2/packs", "/metrics/x", "/admin", "/debug", "/api/v1/packs/", "/swagger", "/.env"):
        assert swept.http.get(swept.url + path, timeout=30, allow_redirects=False).status_code in (401, 404), path


def test_the_description_can_be_read_in_a_browser_without_an_outside_network(swept):
    response = swept.http.get(swept.url + "/docs", timeout=30)
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert not re.search(r"(src|href)=|https?://|@import|url\(", response.text), "it must hold all it needs"
    assert swept.http.get(swept.url + "/api-spec/openapi.json", timeout=30).json() == description()


def test_the_command_that_prints_the_description_takes_nothing_else():
    done = subprocess.run([BINARY, "api-spec", "x"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2 and "--routes" in done.stderr
