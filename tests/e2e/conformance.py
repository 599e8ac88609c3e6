"""Every answer that a test receives is held against two descriptions of the API: our own (api/openapi.json), and the contract that
existing clients rely on (tests/contract/contract.json). The harness calls check() for each; what may differ stands in the tables.
"""

import functools
import json
import os
import re
from urllib.parse import urlsplit

from schemas import problems, undescribed

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Where we differ from the contract, on purpose: (method, path, status) → why. A list also has "data", the same array as "items"; that
# needs no row, nor does what comes on top: fields, refusals (one shape everywhere), 304, 206.
DIFFERENCES = {
    ("POST", "/api/v1/executions/execute", 200): "dry_run only checks, and makes nothing",
    ("GET", "/auth/logout", 200): "clients that are no browser are told so instead of being sent to a page",
}
# Where an array of what the contract takes is taken too: what comes back is an array of what it answers for one.
MANY = {("POST", "/api/v1/events")}
PASSING = {206, 304}  # parts of a file, and "as you have it": HTTP says what they look like
# Answers with an error status that are no refusals, or have a shape of their own.
OTHER_ERRORS = {("GET", "/health/detailed"), ("GET", "/health/ready"), ("GET", "/api/v1/agent/info"),
                ("GET", "/api/v1/agent/binary")}

succeeded = set()  # (method, path of the contract) that have answered with success in this run


def save_succeeded(directory):
    with open(os.path.join(directory, f"{os.getpid()}.json"), "w", encoding="utf-8") as f:
        json.dump(sorted(succeeded), f)


def load_succeeded(directory):
    for name in os.listdir(directory):
        with open(os.path.join(directory, name), encoding="utf-8") as f:
            succeeded.update(map(tuple, json.load(f)))


class NotAsDescribed(Exception):
    """No AssertionError: eventually() must not wait for it to pass."""


@functools.lru_cache(maxsize=None)
def own():
    with open(os.path.join(ROOT, "api", "openapi.json"), encoding="utf-8") as f:
        return json.load(f)


@functools.lru_cache(maxsize=None)
def contract():
    with open(os.path.join(ROOT, "tests", "contract", "contract.json"), encoding="utf-8") as f:
        document = json.load(f)
    document["components"] = {"schemas": document.pop("schemas")}
    return document


@functools.lru_cache(maxsize=None)
def operations():
    """{(method, path): {status: operation}} of the contract."""
    out = {}
    for operation in contract()["operations"]:
        out.setdefault((operation["method"], operation["path"]), {})[operation["status"]] = operation
    return out


@functools.lru_cache(maxsize=None)
def patterns(which):
    """[(regex, path)], those with the fewest parameters first: a static part of a path wins over a parameter."""
    paths = own()["paths"] if which == "own" else {path for _, path in operations()}
    wild = {path: path.count("{") for path in paths}
    # {file_path} is the one parameter that takes slashes
    return [(re.compile(re.sub(r"\\\{[^/]+\\\}", "[^/]+", re.escape(path).replace(r"\{file_path\}", ".+")) + r"\Z"), path)
            for path in sorted(paths, key=lambda p: (wild[p], p))]


@functools.lru_cache(maxsize=4096)
def path_in(which, path):
    return next((known for pattern, known in patterns(which) if pattern.match(path)), None)


def body_of(response):
    if not response.headers.get("Content-Type", "").startswith("application/json"):
        return None
    return response.json() if response.content else None


def error_problems(body):
    if not isinstance(body, dict) or not {"error", "code"} <= set(body) <= {"error", "code", "details"}:
        return [f"$: an error is error, code and details, not {body!r:.200}"]
    found = [] if body["error"] and isinstance(body["error"], str) else ["$.error: is no sentence"]
    found += [] if re.fullmatch(r"[A-Z][A-Z_]+", str(body["code"])) else [f"$.code: {body['code']!r} is no code"]
    for i, detail in enumerate(body.get("details") or []):
        if set(detail) != {"field", "message"}:
            found.append(f"$.details[{i}]: a detail is field and message, not {detail!r:.200}")
    return found


def own_problems(method, path, status, body):
    known = path_in("own", path)
    operation = own()["paths"].get(known, {}).get(method.lower())
    if operation is None:
        return ["there is no such operation in api/openapi.json"]
    answer = operation["responses"].get(str(status))
    if answer is None and (method, known, status) in DIFFERENCES:
        return []
    if answer is None:
        return [f"status {status} is not in api/openapi.json: {', '.join(operation['responses'])} are"]
    schema = answer.get("content", {}).get("application/json", {}).get("schema")
    if schema is None or body is None:
        return []
    return problems(own(), schema, body) + undescribed(own(), schema, body)


def contract_problems(method, path, status, body):
    known = path_in("contract", path)
    by_status = operations().get((method, known))
    if by_status is None or (method, known, status) in DIFFERENCES:
        return []
    operation = by_status.get(status)
    if operation is None:
        return [f"status {status} is not in the contract: {', '.join(map(str, by_status))}"]
    succeeded.add((method, known))
    if "schema" not in operation:
        return []
    several = (method, known) in MANY and isinstance(body, dict) and isinstance(body.get("data"), list)
    bodies = [{**body, "data": one} for one in body["data"]] if several else [body]
    return [p for one in bodies for p in problems(contract(), operation["schema"], one)]


def check(response, stream=False):
    """Raises NotAsDescribed, naming operation, field and problem."""
    method, path, status = response.request.method, urlsplit(response.request.url).path, response.status_code
    wrong = []
    if method in ("HEAD", "OPTIONS") or status in PASSING or (stream and "json" not in response.headers.get("Content-Type", "")):
        if stream and status == 200:
            succeeded.add((method, path_in("contract", path)))
    elif status >= 400:
        if (method, path_in("own", path)) not in OTHER_ERRORS:
            wrong = error_problems(body_of(response))
    else:
        body = body_of(response)
        wrong = [f"{p} (our description)" for p in own_problems(method, path, status, body)]
        wrong += [f"{p} (the contract)" for p in contract_problems(method, path, status, body)]
    if wrong:
        raise NotAsDescribed(f"{method} {path_in('own', path) or path} {status}: " + "; ".join(wrong[:8]))

