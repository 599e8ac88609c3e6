"""Requests that no honest client sends, to the real program in both worlds: each has one defined answer in the one error shape, and costs
nobody else anything."""

import contextlib
import json
import resource
import signal
import socket
import time

import pytest
import requests

RUN = b'{"action_ref": "core.noop"}'


def head(world, first=b"POST /api/v1/executions/execute HTTP/1.1", **more):
    lines = [first, b"Host: x", b"Authorization: " + world.bearer()["Authorization"].encode()]
    return b"\r\n".join(lines + [k.replace("_", "-").encode() + b": " + v for k, v in more.items()]) + b"\r\n"


def post(world, body=RUN, **more):
    kind = {"Content_Type": b"application/json", "Content_Length": str(len(body)).encode(), **more}
    return head(world, **{k: v for k, v in kind.items() if v is not None}) + b"\r\n" + body


def get(world, target, **more):
    return head(world, b"GET " + target + b" HTTP/1.1", **more) + b"\r\n"


def chunked(world, body, **more):
    return post(world, body, Content_Length=None, Transfer_Encoding=b"chunked", **more)


def ask(world, data):
    """The first answer, and whether the connection was ended after it."""
    with socket.create_connection(("127.0.0.1", world.port), timeout=10) as s:
        with contextlib.suppress(OSError):
            s.sendall(data)
        out, ended = b"", False
        s.settimeout(0.5)
        try:
            while piece := s.recv(65536):
                out += piece
                s.settimeout(0.3)
            ended = True
        except TimeoutError:
            pass
        except OSError:
            ended = True
    if not out:
        return None, b"", b"", ended
    top, body = out.split(b"\r\n\r\n", 1)
    length = int(next(line.split(b":")[1] for line in top.split(b"\r\n") if line.lower().startswith(b"content-length")))
    return int(top.split()[1]), body[:length], body[length:], ended


SMUGGLED = b"GET /api/v1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

CASES = {
    "both lengths": (400, lambda w: post(w, Transfer_Encoding=b"chunked") + b"0\r\n\r\n" + SMUGGLED),
    "two lengths": (400, lambda w: head(w, Content_Type=b"application/json", Content_Length=b"27\r\nContent-Length: 5") + b"\r\n" + RUN + SMUGGLED),
    "a length that is none": (400, lambda w: post(w, Content_Length=b"+27")),
    "a length beyond all numbers": (413, lambda w: post(w, Content_Length=b"9" * 30)),
    "a chunk that is none": (400, lambda w: chunked(w, b"zz\r\n" + RUN)),
    "chunked in another spelling": (400, lambda w: chunked(w, b"0\r\n\r\n").replace(b"chunked", b"chunked, gzip")),
    "bare line feeds": (400, lambda w: get(w, b"/api/v1/packs").replace(b"\r\n", b"\n")),
    "a folded header": (400, lambda w: get(w, b"/api/v1/packs", X=b"a\r\n b")),
    "NUL in a header": (400, lambda w: get(w, b"/api/v1/packs", X=b"a\0b")),
    "a header without a colon": (400, lambda w: get(w, b"/api/v1/packs", X=b"a\r\nnonsense")),
    "two hosts": (400, lambda w: get(w, b"/api/v1/packs", Host=b"y")),
    "no request line": (400, lambda _: b"some nonsense\r\n\r\n"),
    "a word alone": (None, lambda _: b"nonsense\r\n\r\n"),  # that is no HTTP, and gets no answer in it
    "another protocol": (None, lambda _: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    "HTTP/2": (505, lambda w: get(w, b"/api/v1/packs").replace(b"HTTP/1.1", b"HTTP/2.0")),
    "an unknown method": (501, lambda w: head(w, b"BREW /api/v1/packs HTTP/1.1") + b"\r\n"),
    "a method the path has not": (405, lambda w: head(w, b"PATCH /api/v1/executions/execute HTTP/1.1") + b"\r\n"),
    "40 KB of URL": (414, lambda w: get(w, b"/api/v1/packs?x=" + b"a" * 40000)),
    "40 KB of headers": (431, lambda w: get(w, b"/api/v1/packs", X=b"a" * 40000)),
    "invalid UTF-8 in the path": (400, lambda w: get(w, b"/api/v1/packs/%ff%fe")),
    "invalid UTF-8 in the query": (400, lambda w: get(w, b"/api/v1/packs?x=%c0%af")),
    "invalid UTF-8 in the body": (400, lambda w: post(w, b'{"action_ref": "core.\xff"}')),
    "NUL in the path": (400, lambda w: get(w, b"/api/v1/packs/%00")),
    "a way out of the path": (400, lambda w: get(w, b"/api/v1/packs/%2e%2e%2f%2e%2e%2fetc")),
    "an id beyond all numbers": (400, lambda w: get(w, b"/api/v1/executions/99999999999999999999")),
    "a negative id": (400, lambda w: get(w, b"/api/v1/executions/-1")),
    "negative pages": (200, lambda w: get(w, b"/api/v1/executions?page=-1&page_size=-5&offset=-9")),
    "pages beyond all numbers": (200, lambda w: get(w, b"/api/v1/executions?page=99999999999999999999&limit=1e9")),
    "a cursor that is none": (400, lambda w: get(w, b"/api/v1/executions?after=%2B%2B")),
    "another kind of body": (415, lambda w: post(w, Content_Type=b"text/plain")),
    "no kind of body": (415, lambda w: post(w, Content_Type=None)),
    "a compressed body": (415, lambda w: post(w, b"\x1f\x8b" + b"\0" * 20, Content_Encoding=b"gzip")),
    "a body that is too large": (413, lambda w: post(w, b"", Content_Length=b"20000000")),
    "deep JSON": (400, lambda w: post(w, b'{"action_ref": "core.noop", "parameters": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001)),
    "JSON and more": (400, lambda w: post(w, RUN + b"{}")),
    "no JSON object": (400, lambda w: post(w, b"[1]")),
    "no body": (400, lambda w: post(w, b"")),
}


@pytest.mark.parametrize("name", CASES)
def test_a_request_that_no_honest_client_sends_has_its_answer(running, name):
    status, make = CASES[name]
    got, body, rest, ended = ask(running, make(running))
    assert got == status, f"{got} {body[:300]!r}"
    assert b"HTTP/1.1" not in rest, "something of it was taken for a second request"
    if status is None:
        assert ended
    elif status >= 400:
        said = json.loads(body)
        assert set(said) <= {"error", "code", "details"} and said["error"] and said["code"].isupper(), said
    if status in (400, 413, 414, 431, 501, 505) and b"Content-Length" in make(running):
        assert ended or status == 400, "a body that nobody reads may not be taken for the next request"


def test_half_a_body_does_nothing(running):
    before = running.get("/executions/stats")["data"]["total"]
    for length in (b"28", b"1000"):
        with socket.create_connection(("127.0.0.1", running.port), timeout=10) as s:
            s.sendall(post(running, Content_Length=length))
            s.shutdown(socket.SHUT_WR)
    assert running.get("/executions/stats")["data"]["total"] == before


def test_hundreds_that_never_finish_their_headers_hinder_nobody(running):
    slow = []
    try:
        for _ in range(400 if running.embedded else 200):
            s = socket.create_connection(("127.0.0.1", running.port), timeout=10)
            s.sendall(b"GET /api/v1/packs HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            slow.append(s)
        took = []
        for _ in range(50):
            began = time.monotonic()
            assert requests.get(running.url + "/api/v1/packs", headers=running.bearer(), timeout=10).status_code == 200
            took.append(time.monotonic() - began)
        assert sorted(took)[45] < 5, took
    finally:
        for s in slow:
            s.close()


def test_bursts_of_more_connections_than_may_be_open_are_survived(world):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (600, hard))  # the program's
    try:
        processes = world.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        for _ in range(4):
            burst = [socket.socket() for _ in range(1000)]
            for s in burst:
                s.setblocking(False)
                s.connect_ex(("127.0.0.1", world.port))
            time.sleep(0.3)
            for s in burst:
                s.close()
            assert requests.get(world.url + "/api/v1/packs", headers=world.bearer(), timeout=10).status_code == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    for p in processes:
        p.signal(signal.SIGTERM)
        assert p.wait(20) == 0, p.output()
