"""Every answer is what api/openapi.json says, and that file is what the binary says."""

import json
import os
import subprocess

from harness import BINARY, ROOT, eventually
from schemas import problems


EMPTY = ("/api/v1/dead-letters", "/api/v1/triggers/{trigger_ref}/sensors")


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
    key = world.post("/triggers/mine.trig/webhooks/enable")["data"]["webhook_key"]
    assert world.post(f"/webhooks/{key}", {"n": 1})["data"]["event_id"]
    world.post("/rules", {"ref": "mine.rule", "pack_ref": "mine", "label": "Rule", "action_ref": "core.echo",
                          "trigger_ref": "mine.trig", "action_params": {"message": "{{ event.payload.m }}"}})
    event = world.post("/events", {"trigger_ref": "mine.trig", "payload": {"m": "hi"}})["data"]
    enforcement = eventually(lambda: world.get("/enforcements", event=event["id"])["data"])[0]
    execution = eventually(lambda: world.get(f"/enforcements/{enforcement['id']}/executions")["data"])[0]
    done = world.get(f"/executions/{execution['id']}", wait_seconds=20)["data"]
    assert done["status"] == "completed", done
    return {"event": event["id"], "enforcement": enforcement["id"], "execution": execution["id"],
            "worker": done["worker"]}


def path_of(path, made):
    names = {"packs": ("core",), "runtimes": ("core.shell",), "actions": ("core.echo",), "triggers": ("mine.trig",),
             "sensors": ("core.timer_sensor",), "rules": ("mine.rule",), "workers": (made["worker"],),
             "events": (made["event"],), "enforcements": (made["enforcement"],),
             "executions": (made["execution"],), "trace": (made["execution"],),
             "logs": ("stdout",)}
    parts = path.split("/")
    for i, part in enumerate(parts):
        if part == "{status}":
            parts[i] = "completed"
        elif part == "{enforcement_id}":
            parts[i] = str(made["enforcement"])
        elif part.startswith("{"):
            if parts[i - 1] not in names:
                return None  # of a thing that this test does not make: its own tests ask for it
            parts[i] = str(names[parts[i - 1]][0])
    return "/".join(parts)


def test_every_read_answers_as_the_description_says(world):
    world.start()
    made = made_things(world)
    document = description()
    wrong, seen = [], 0
    for path, operations in document["paths"].items():
        if "get" not in operations or path.startswith("/api/v1/dead-letters/") or path == "/api-spec/openapi.json":
            continue
        url = path_of(path, made)
        if url is None:
            continue
        response = world.request("GET", url)
        answer = operations["get"]["responses"]["200"]
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
