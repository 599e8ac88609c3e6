"""Paths, queries and single fields that nobody means well, to every route of the contract: each is answered, never with a 5xx, in one
sentence on one line, and what is refused changes nothing. The same ones at each run; GARBAGE=20 asks twenty times as many.
"""

import http.client
import json
import os
import random
import re

from harness import eventually
from test_bodies import bodies_of, fitting, resolved, url_of
from test_contract import description, made_things

TIMES = int(os.environ.get("GARBAGE", "1"))
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
PARTS = ["0", "-1", "9223372036854775808", "-9223372036854775809", "9" * 30, "1e3", "%00", "a%00b", "%ff", "%ed%a0%80", "a%2Fb", "%2e%2e", "x" * 5000,
         "%F0%9F%92%A5", "%20", "+", "'%20or%201=1--", "%25s%25n", "core.", ".core", "core..echo", "1.5", "0x10", "null", "%0a", "%1b%5B31m", "%7f"]
ASKED = PARTS + ["", "true", "2026-13-45T99:99:99Z", "99999-01-01T00:00:00Z", "-1d", "9999999999999d", "%2A%2A%2A", "%5B%5D", "%7B%7D", ",,,,", "a,b,c"]
# JSON texts of one field
ODD = ["[" * 1000 + "]" * 1000, '{"a":' * 1000 + "1" + "}" * 1000, '"\\ud800"', '"\\u0000"', '{"\\u0000":1}', '{"\\udc00":1}', "1e400", "-0", "1" * 5000,
       '"\\u001b[31m"', '"' + "é" * 70000 + '"', "0.1e-9999", '"' + "{{" * 3000 + '"', '{"$ref":"#/x"}', "[" + "null," * 20000 + "1]",
       "{" + ",".join(f'"k{i}":{i}' for i in range(5000)) + "}", '"a\\nb"', '"' + "x" * (2 << 20) + '"', "9223372036854775808", "-9223372036854775809"]
WRONG = {"string": ["5", "{}", "[]", "true"], "integer": ['"x"', "{}", "[]", "true", "1.5", "9223372036854775808"], "number": ['"x"', "{}", "[]", "true"],
         "boolean": ['"x"', "5", "{}", "[]"], "object": ['"x"', "5", "[]", "true"], "array": ['"x"', "5", "{}", "true"]}
KEPT = ("pack", "runtime", "action", "trigger", "sensor", "rule", "policy", "workflow_definition", "event", "enforcement", "execution", "inquiry", "key", "identity")


class Wire:
    """One connection that is kept, since there are thousands of questions; nothing in them is made proper before it is sent."""

    def __init__(self, world):
        self.world, self.connection, self.wrong, self.asked = world, None, {}, 0

    def ask(self, method, path, body=None):
        head = {**self.world.bearer(), **({} if body is None else {"Content-Type": "application/json"})}
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.world.port, timeout=60)
        self.connection.request(method.upper(), path, body=body, headers=head)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.getheader("Connection", "").lower() == "close":
            self.connection.close()
            self.connection = None
        self.asked += 1
        return answer.status, text

    def judge(self, what, method, path, body=None):
        """Its error, or None when there is none."""
        status, text = self.ask(method, path, body)
        if status >= 500 and status != 501:
            self.wrong.setdefault(f"{what}: {status} {text[:200]!r}", path[:100])
        if status < 400:
            return None
        said = json.loads(text)
        if not said.get("code") or not said.get("error") or CONTROL.search(said["error"]):
            self.wrong.setdefault(f"{what}: {status} {said}", path[:100])
        return said["error"]

    def end(self, least):
        assert not self.wrong, "\n".join(f"{what}\n    {path}" for what, path in self.wrong.items())
        assert self.asked >= least
        assert self.world.get("/health") == {"status": "ok"}


def routes():
    """What answers once and for all: no stream."""
    for path, item in description()["paths"].items():
        if not path.endswith(("/stream", "/ws", "/follow")) and "/ws" not in path:
            for method, operation in item.items():
                yield method, path, operation


def counts(world):
    return {table: world.rows(f"select count(*) as n from {table}")[0]["n"] for table in KEPT}


def sample(rng, values, n):
    return rng.sample(values, min(len(values), n * TIMES))


def test_garbage_in_paths_and_queries_is_answered_and_changes_nothing(world):
    world.start()
    made = made_things(world)
    eventually(lambda: not world.rows("select id from execution where status not in ('completed', 'failed', 'cancelled', 'timeout', 'abandoned')"))
    wire, rng, before = Wire(world), random.Random(11), counts(world)
    for method, path, operation in routes():
        url = url_of(path, made)
        for hole in [i for i, part in enumerate(path.split("/")) if part.startswith("{")]:
            for bad in sample(rng, PARTS, 4):
                parts = url.split("/")
                parts[hole] = bad
                wire.judge(f"{method} {path}", method, "/".join(parts), None if method in ("get", "delete") else b"{}")
        asked = [p["name"] for p in operation.get("parameters", []) if p.get("in") == "query" and not p["name"].startswith("wait")]
        for name in asked if method == "get" else []:
            for bad in sample(rng, ASKED, 3):
                wire.judge(f"{method} {path}?{name}", method, f"{url}?{name}={bad}")
    wire.end(1500)
    assert counts(world) == before


def body_with(rng, document, schema, name, text):
    """A fitting body, but for this field."""
    body = fitting(rng, document, schema)
    body = body if isinstance(body, dict) else {}
    for needed in schema.get("required", []):
        body.setdefault(needed, fitting(rng, document, schema["properties"][needed]))
    body.pop(name, None)
    return (json.dumps(body)[:-1] + (", " if body else "") + json.dumps(name) + ": " + text + "}").encode()


def kinds_of(document, schema):
    schema = resolved(document, schema)
    kinds = schema.get("type", [])
    return [] if "oneOf" in schema or "anyOf" in schema else kinds if isinstance(kinds, list) else [kinds]


def test_garbage_in_one_field_is_answered_and_a_wrong_kind_names_the_field(world):
    world.start()
    made = made_things(world)
    wire, rng, document, named, refused = Wire(world), random.Random(12), description(), 0, 0
    for method, path, schema in bodies_of(document):
        for name, field in schema.get("properties", {}).items():
            url, what = url_of(path, made), f"{method} {path} {name}"
            for text in sample(rng, ODD, 1):
                wire.judge(what, method, url, body_with(rng, document, schema, name, text))
            kinds = [k for k in kinds_of(document, field) if k in WRONG]
            for text in sample(rng, WRONG[kinds[0]], 1) if len(kinds) == 1 else []:
                error = wire.judge(what, method, url, body_with(rng, document, schema, name, text))
                refused += error is not None
                named += error is not None and name in error
    wire.end(500)
    # the others have another fault that is told first, or belong to a route that this world has not
    assert refused >= 100 and named >= refused * 0.8, (named, refused)
