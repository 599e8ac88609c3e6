"""Bodies that nobody means well: every route that takes JSON gets wrong kinds, odd values, and fields that are not the caller's to set.
Whatever comes, the answer is defined: a success or a refusal in the one shape (conformance.py looks), never a 500.
"""

import json
import random

from conformance import NotAsDescribed
from harness import eventually
from test_contract import description, made_things

ROUNDS = 40
ODD = [None, True, False, 0, -1, 1, 2**31, 2**53, -(2**63), 2**63 - 1, 1.5, -0.0, 1e308, "", " ", "x", "core", "core.echo", "core.shell",
       "mine.trig", "CORE.Echo", "a.b.c", "x" * 300, "\u0000", "\ud83d\ude00", "%s%n", "../../etc/passwd", "'; drop table execution; --",
       "{{ event.payload }}", "{{", "2026-01-01T00:00:00Z", [], [[]], [None], ["x"], [1, "a", {}], {}, {"a": None}, {"op": "clear"},
       {"op": "set"}, {"op": "set", "value": None}, {"op": "set", "value": {"x": [1]}}, {"op": 5}, {"type": "string"},
       {"x": {"type": "string", "required": True}}, {"$ref": "#"}]
# What the server alone decides.
NOT_YOURS = {"id": 424242, "created": "1999-01-01T00:00:00Z", "updated": "1999-01-01T00:00:00Z", "is_adhoc": False, "executor": 424242,
             "owner_identity": 424242, "status": "completed", "result": {"mine": True}, "worker": 424242, "enforcement": 424242,
             "password_hash": "x", "frozen": False, "webhook_key": "wh_mine", "started_at": "1999-01-01T00:00:00Z", "attempt": 77,
             "correlation_id": "00000000-0000-0000-0000-000000000000", "moves": "x", "encryption_key_hash": "x", "cordoned_by": 424242}
KEPT = ("id", "created", "updated", "executor", "owner_identity", "worker", "enforcement", "webhook_key", "attempt", "correlation_id",
        "cordoned_by", "started_at")


def resolved(document, schema):
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def bodies_of(document):
    """(method, path, schema) of every route that takes JSON."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" in content:
                yield method.upper(), path, resolved(document, content["application/json"]["schema"])


def fitting(rng, document, schema, depth=0):
    """A value of the kind that the schema asks for, more or less."""
    schema = resolved(document, schema)
    if "enum" in schema:
        return rng.choice(schema["enum"])
    options = schema.get("oneOf") or schema.get("anyOf")
    if options:
        return fitting(rng, document, rng.choice(options), depth + 1)
    kind = schema.get("type", "string")
    kind = rng.choice(kind) if isinstance(kind, list) else kind
    if kind == "object":
        return {k: fitting(rng, document, s, depth + 1) for k, s in schema.get("properties", {}).items()
                if depth < 4 and (k in schema.get("required", []) or rng.random() < 0.4)}
    if kind == "array":
        return [fitting(rng, document, schema.get("items", {}), depth + 1) for _ in range(rng.randrange(3))] if depth < 4 else []
    return {"string": lambda: rng.choice(["core", "core.echo", "core.shell", "mine.trig", f"mine.n{rng.randrange(10**6)}", "Some text"]),
            "integer": lambda: rng.choice([0, 1, 5, 60]), "number": lambda: 0.5, "boolean": lambda: rng.random() < 0.5,
            "null": lambda: None}[kind]()


def spoilt(rng, document, schema):
    """A fitting body of which one or more fields are not."""
    body = fitting(rng, document, schema)
    if not isinstance(body, dict):
        body = {}
    keys = list(schema.get("properties", {})) or ["x"]
    for _ in range(rng.randrange(4)):
        body[rng.choice(keys)] = rng.choice(ODD)
    if rng.random() < 0.3:
        body.update(rng.sample(sorted(NOT_YOURS.items(), key=lambda kv: kv[0]), 4))
    return rng.choice(ODD) if rng.random() < 0.05 else body


def url_of(path, made):
    things = {"packs": "mine", "runtimes": "mine.rt", "actions": "mine.act", "triggers": "mine.trig", "sensors": "core.timer_sensor",
              "rules": "mine.rule", "workers": made["worker"], "executions": made["execution"], "events": made["event"]}
    parts = path.split("/")
    return "/".join(str(things.get(parts[i - 1], 1)) if part.startswith("{") else part for i, part in enumerate(parts))


def test_no_body_whatever_is_in_it_makes_the_server_fail(world):
    world.start()
    made = made_things(world)
    document, rng = description(), random.Random(7)
    seen, wrong = 0, {}
    for method, path, schema in bodies_of(document):
        for _ in range(ROUNDS):
            body = spoilt(rng, document, schema)
            text = json.dumps(body)
            try:
                response = world.http.request(method, world.url + url_of(path, made), data=text, timeout=65,
                                              headers={"Content-Type": "application/json"})
                if response.status_code >= 500 and response.status_code != 501:
                    wrong.setdefault(f"{method} {path} {response.status_code}: {response.text[:300]}", text[:1000])
            except NotAsDescribed as problem:
                wrong.setdefault(str(problem).split(";", maxsplit=1)[0], text[:1000])
            seen += 1
    assert not wrong, "\n".join(f"{what}\n    {text}" for what, text in wrong.items())
    assert seen >= 20 * ROUNDS
    assert world.get("/health") == {"status": "ok"}


def test_text_that_is_no_json_object_is_refused_by_every_route(world):
    world.start()
    made = made_things(world)
    texts = (b"", b"{", b'{"a":1}x', b"[]", b"null", b"\xff\xfe", b'{"a":"\xc3"}', b'{"a":NaN}', b"{'a':1}", b'{"a":1,}', b"\x00")
    for method, path, schema in bodies_of(description()):
        for text in texts:
            response = world.http.request(method, world.url + url_of(path, made), data=text, timeout=65,
                                          headers={"Content-Type": "application/json"})
            allowed = {400, 401, 403, 404, 409, 415, 422, 429, 501}
            if not schema.get("required") and text == b"":
                allowed |= {200, 201}  # a body that may be left out
            assert response.status_code in allowed, f"{method} {path} {response.status_code} {text!r}: {response.text[:300]}"


def test_what_the_server_alone_decides_cannot_be_set_by_a_body(world):
    world.start()
    made_things(world)
    (worker,) = eventually(lambda: world.get("/workers")["items"])
    calls = [
        ("POST", "/packs", {"ref": "other", "label": "O", "version": "1.0.0"}),
        ("POST", "/runtimes", {"ref": "mine.rt2", "name": "R", "pack_ref": "mine"}),
        ("POST", "/actions", {"ref": "mine.act2", "pack_ref": "mine", "label": "A", "entrypoint": "echo", "runtime_ref": "core.shell"}),
        ("POST", "/triggers", {"ref": "mine.trig2", "pack_ref": "mine", "label": "T"}),
        ("POST", "/rules", {"ref": "mine.rule2", "pack_ref": "mine", "label": "R", "action_ref": "core.noop", "trigger_ref": "mine.trig"}),
        ("POST", "/events", {"trigger_ref": "mine.trig", "payload": {"m": "x"}}),
        ("POST", "/executions/execute", {"action_ref": "core.noop"}),
        ("PUT", "/packs/other", {"label": "P"}),
        ("PUT", "/actions/mine.act2", {"label": "B"}),
        ("PUT", "/triggers/mine.trig2", {"label": "U"}),
        ("PUT", "/rules/mine.rule2", {"label": "S"}),
        ("POST", f"/workers/{worker['id']}/cordon", {"reason": "r"}),
    ]
    for method, path, body in calls:
        answer = world.request(method, path, json={**NOT_YOURS, **body}).json()
        thing = answer.get("data", answer)
        taken = {key for key in KEPT if key in thing and thing[key] == NOT_YOURS[key]}
        assert not taken, f"{method} {path} took {taken} from the body"
        assert thing.get("status") != "completed", path
