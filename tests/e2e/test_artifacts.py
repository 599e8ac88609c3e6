"""Artifacts: versions, contents in rows and files, download, retention, and that no name leads out of their folder."""

import base64
import glob
import hmac
import http.client
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import eventually


@pytest.fixture
def api(world):
    world.start()
    return world


def refused(world, method, path, status, **kw):
    answer = world.request(method, path, status, **kw).json()
    assert set(answer) <= {"error", "code", "details"} and answer["error"], answer
    return answer["error"]


def made(world, ref="core.thing", **more):
    return world.post("/artifacts", {"ref": ref, "scope": "pack", "owner": "core", "type": "file_text", **more}, 201)["data"]


def upload(world, path, content, filename="a.txt", kind="text/plain", status=201, **fields):
    return world.request("POST", path, status, files={"file": (filename, content, kind)}, data=fields).json()


def files_of(world):
    return sorted(os.path.relpath(p, artifacts_dir(world)) for p in glob.glob(os.path.join(artifacts_dir(world), "artifact_*", "*")))


def artifacts_dir(world):
    return os.path.join(world.data, "artifacts") if world.embedded else world.config["artifacts_dir"]


# ---- the thing itself


def test_an_artifact_is_made_found_changed_and_deleted(api):
    x = made(api, name="My Report", description="d", data={"a": 1})
    assert x["visibility"] == "private" and (x["retention_policy"], x["retention_limit"]) == ("versions", 5) and x["size_bytes"] is None
    assert api.get(f"/artifacts/{x['id']}")["data"] == x == api.get("/artifacts/ref/core.thing")["data"]
    assert made(api, "core.p", type="progress")["visibility"] == "public"
    assert [row["ref"] for row in api.get("/artifacts")["items"]] == ["core.p", "core.thing"]
    for query, refs in (({"name": "rEpOrT"}, ["core.thing"]), ({"type": "progress"}, ["core.p"]), ({"visibility": "private"}, ["core.thing"]),
                        ({"scope": "pack", "owner": "core"}, ["core.p", "core.thing"]), ({"owner": "other"}, []), ({"name": "100%"}, [])):
        assert [row["ref"] for row in api.get("/artifacts", **query)["items"]] == refs, query
    changed = api.put(f"/artifacts/{x['id']}", {"name": {"op": "clear"}, "description": {"op": "set", "value": "new"}, "visibility": "public",
                                                "data": {"op": "set", "value": [1]}})["data"]
    assert changed["name"] is None and changed["description"] == "new" and changed["visibility"] == "public" and changed["data"] == [1]
    assert api.put(f"/artifacts/{x['id']}/data", {"data": {"deep": [None]}})["data"]["data"] == {"deep": [None]}
    assert api.delete(f"/artifacts/{x['id']}", 200)["success"]
    refused(api, "DELETE", f"/artifacts/{x['id']}", 404)
    refused(api, "GET", "/artifacts/ref/core.thing", 404)


def test_what_an_artifact_cannot_be_is_refused(api):
    made(api)
    whole = {"ref": "core.x", "scope": "pack", "owner": "core", "type": "file_text"}
    for change, status, word in (
        ({"ref": "core.thing"}, 409, "already exists"), ({"type": "blob"}, 400, "file_text"), ({"scope": "world"}, 400, "system"),
        ({"visibility": "some"}, 400, "private"), ({"retention_policy": "never"}, 400, "versions"), ({"retention_limit": 0}, 400, "greater than 0"),
        ({"ref": "../etc"}, 422, "ref"), ({"ref": "a/b"}, 422, "ref"), ({"ref": "a..b"}, 422, "ref"), ({"ref": ""}, 422, "ref"),
        ({"name": "a\0b"}, 422, "U+0000"),
    ):
        assert word in refused(api, "POST", "/artifacts", status, json={**whole, **change}), change
    assert "visibility" in refused(api, "GET", "/artifacts?visibility=none", 400)
    refused(api, "GET", "/artifacts/999", 404)


def test_progress_is_appended_by_many_at_once_and_nothing_is_lost(api):
    x = made(api, type="progress")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: api.post(f"/artifacts/{x['id']}/progress", {"entry": {"n": i}}, 200), range(40)))
    assert sorted(e["n"] for e in api.get(f"/artifacts/{x['id']}")["data"]["data"]) == list(range(40))
    other = made(api, "core.other")
    assert "progress only" in refused(api, "POST", f"/artifacts/{other['id']}/progress", 400, json={"entry": {}})


# ---- versions


def test_versions_count_from_one_and_the_latest_is_found(api):
    x = made(api, type="other")
    first = api.post(f"/artifacts/{x['id']}/versions", {"content": {"v": 1}, "meta": {"m": True}, "created_by": "me"}, 201)["data"]
    assert (first["version"], first["content_json"], first["meta"], first["created_by"]) == (1, {"v": 1}, {"m": True}, "me")
    assert api.post(f"/artifacts/{x['id']}/versions", {"content": [2]}, 201)["data"]["version"] == 2
    assert api.get(f"/artifacts/{x['id']}/versions/latest")["data"]["content_json"] == [2]
    assert api.get(f"/artifacts/{x['id']}/versions/1")["data"] == first
    assert [v["version"] for v in api.get(f"/artifacts/{x['id']}/versions")["data"]] == [2, 1]
    assert api.request("GET", f"/artifacts/{x['id']}/download").text == json.dumps([2], indent=2)
    assert api.get(f"/artifacts/{x['id']}")["data"]["size_bytes"] == 3
    assert api.delete(f"/artifacts/{x['id']}/versions/2", 200)["success"]
    refused(api, "GET", f"/artifacts/{x['id']}/versions/2", 404)
    assert api.post(f"/artifacts/{x['id']}/versions", {"content": {}}, 201)["data"]["version"] == 3  # no number is given twice
    refused(api, "GET", f"/artifacts/{x['id']}/versions/0", 400)
    refused(api, "GET", f"/artifacts/{x['id']}/versions/x", 400)
    refused(api, "GET", f"/artifacts/{made(api, 'core.none')['id']}/download", 404)


def test_numbers_of_versions_are_given_once_whoever_asks(api):
    x = made(api, type="other", retention_limit=100)
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda i: api.post(f"/artifacts/{x['id']}/versions", {"content": {"i": i}}, 201)["data"]["version"], range(40)))
    assert sorted(numbers) == list(range(1, 41))


@pytest.mark.parametrize("size", [10, 3_000_000])
def test_what_is_uploaded_comes_back_byte_for_byte(api, size):
    content = os.urandom(size)
    x = made(api, type="file_binary")
    v = upload(api, f"/artifacts/{x['id']}/versions/upload", content, "x.bin", "application/x-thing", meta='{"k": 1}', created_by="me")["data"]
    assert (v["version"], v["size_bytes"], v["content_type"], v["meta"], v["created_by"]) == (1, size, "application/x-thing", {"k": 1}, "me")
    assert ("file_path" in v) == (size > 65536)
    got = api.request("GET", f"/artifacts/{x['id']}/versions/1/download")
    assert got.content == content and got.headers["Content-Type"] == "application/x-thing"
    assert got.headers["Content-Disposition"] == 'attachment; filename="core_thing_v1.bin"' and got.headers["ETag"]
    assert files_of(api) == ([v["file_path"]] if size > 65536 else [])
    api.delete(f"/artifacts/{x['id']}", 200)
    assert files_of(api) == []


@pytest.mark.parametrize("size", [1000, 100_000])
def test_a_part_of_the_content_is_had_by_range(api, size):
    content = bytes(i % 251 for i in range(size))
    x = made(api)
    upload(api, f"/artifacts/{x['id']}/versions/upload", content)
    url = f"/artifacts/{x['id']}/download"
    tag = api.request("GET", url).headers["ETag"]

    def ranged(value, status, **more):
        return api.request("GET", url, status, headers={"Range": value, "Accept-Encoding": "identity", **more})

    for value, first, last in (("bytes=0-9", 0, 9), ("bytes=10-", 10, size - 1), ("bytes=-7", size - 7, size - 1), ("bytes=5-99999999", 5, size - 1)):
        got = ranged(value, 206)
        assert got.content == content[first:last + 1] and got.headers["Content-Range"] == f"bytes {first}-{last}/{size}"
    assert ranged("bytes=0-0", 206, **{"If-Range": tag}).content == content[:1]
    assert ranged("bytes=0-0", 200, **{"If-Range": '"other"'}).content == content
    bad = ranged(f"bytes={size}-", 416)
    assert bad.headers["Content-Range"] == f"bytes */{size}"
    for odd in ("bytes=9-1", "lines=1-2", "bytes=0-1,3-4", "bytes=x-", "bytes=-"):
        assert ranged(odd, 200).content == content
    assert api.request("GET", url, 304, headers={"If-None-Match": tag}).content == b""
    head = api.request("HEAD", url, 200, headers={"Accept-Encoding": "identity"})
    assert head.headers["Content-Length"] == str(size) and head.content == b""


def test_an_upload_by_ref_makes_the_artifact_once(api):
    first = upload(api, "/artifacts/ref/core.log/versions/upload", b"one", scope="pack", owner="core", name="Log", visibility="public")["data"]
    second = upload(api, "/artifacts/ref/core.log/versions/upload", b"two", name="Ignored")["data"]
    assert (first["artifact"], second["artifact"], second["version"]) == (first["artifact"],) * 2 + (2,)
    x = api.get("/artifacts/ref/core.log")["data"]
    assert (x["scope"], x["type"], x["name"], x["visibility"], x["retention_limit"]) == ("pack", "file_text", "Log", "public", 5)
    big = upload(api, "/artifacts/ref/core.big/versions/upload", b"x" * 200_000)["data"]
    assert api.get("/artifacts/ref/core.big")["data"]["scope"] == "action"
    assert api.request("GET", f"/artifacts/{big['artifact']}/download").content == b"x" * 200_000


def test_a_bad_upload_is_refused_and_leaves_nothing(api):
    x = made(api)
    url = f"/artifacts/{x['id']}/versions/upload"
    assert "part 'file'" in refused(api, "POST", url, 400, files={"other": ("a", b"x", "text/plain")})
    assert "meta" in refused(api, "POST", url, 400, files={"file": ("a", b"x", "text/plain")}, data={"meta": "{"})
    refused(api, "POST", url, 400, files={"file": ("a", b"x" * 100_000, "text/plain")}, data={"execution": "999"})
    refused(api, "POST", url, 400, files={"file": ("a", b"x", "text/plain")}, data={"execution": "x"})
    refused(api, "POST", "/artifacts/999/versions/upload", 404, files={"file": ("a", b"x", "text/plain")})
    refused(api, "POST", url, 413, files={"file": ("a", b"x" * (50 * 1024 * 1024 + 1), "text/plain")})
    assert api.get(f"/artifacts/{x['id']}/versions")["data"] == [] and files_of(api) == []


def test_a_file_is_allocated_and_served_when_somebody_has_written_it(api):
    v = api.post("/artifacts/ref/core.out/versions/file", {"scope": "pack", "owner": "core", "type": "file_text", "content_type": "text/csv"}, 201)["data"]
    assert v["version"] == 1 and v["file_path"].endswith("/v1.csv")
    assert api.get("/artifacts/ref/core.out")["data"]["retention_limit"] == 10
    url = f"/artifacts/{v['artifact']}/versions/1/download"
    assert "no content" in refused(api, "GET", url, 404)
    with open(os.path.join(artifacts_dir(api), v["file_path"]), "w", encoding="utf-8") as f:
        f.write("a,b\n")
    got = api.request("GET", url)
    assert got.text == "a,b\n" and got.headers["Content-Type"] == "text/csv"
    assert api.post(f"/artifacts/{v['artifact']}/versions/file", {}, 201)["data"]["file_path"].endswith("/v2.csv")
    progress = made(api, "core.p", type="progress")
    assert "only files" in refused(api, "POST", f"/artifacts/{progress['id']}/versions/file", 400, json={})


def test_a_link_that_leads_out_is_not_followed(api, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("outside")
    v = api.post("/artifacts/ref/core.out/versions/file", {}, 201)["data"]
    os.symlink(secret, os.path.join(artifacts_dir(api), v["file_path"]))
    answer = api.request("GET", f"/artifacts/{v['artifact']}/download", 403)
    assert "outside" not in answer.text


def test_only_so_many_versions_are_kept_and_their_files_go(api):
    x = made(api, retention_limit=2)
    for i in range(5):
        upload(api, f"/artifacts/{x['id']}/versions/upload", b"%d" % i * 100_000)
    assert [v["version"] for v in api.get(f"/artifacts/{x['id']}/versions")["data"]] == [5, 4]
    assert len(files_of(api)) == 2


def test_what_an_execution_made_is_listed_with_it(api):
    run = api.post("/executions/execute", {"action_ref": "core.noop"}, 201)["data"]["id"]
    x, _ = made(api, "core.a", type="other"), made(api, "core.b")
    v = api.post(f"/artifacts/{x['id']}/versions", {"content": {}, "execution": run}, 201)["data"]
    assert v["execution"] == run
    assert [row["ref"] for row in api.get(f"/executions/{run}/artifacts")["data"]] == ["core.a"]
    assert [row["ref"] for row in api.get("/artifacts", execution=run)["items"]] == ["core.a"]
    refused(api, "POST", f"/artifacts/{x['id']}/versions", 400, json={"content": {}, "execution": 999})


# ---- files go with their rows


def run_folders(world):
    return sorted(int(p.rsplit("_", 1)[1]) for p in glob.glob(os.path.join(artifacts_dir(world), "*", "execution_*")))


def ran(world):
    made_ = world.post("/executions/execute", {"action_ref": "core.echo", "parameters": {"message": "hi"}}, 201)["data"]
    assert world.get(f"/executions/{made_['id']}", wait_seconds=30)["data"]["status"] == "completed"
    return made_["id"]


def test_the_folders_of_old_runs_go_with_their_rows(world):
    world.start(counts={"worker": 2}, config={"retention": {"max_rows": 2, "check_interval": 1}, "worker": {"inline_output_bytes": 0}})
    runs = [ran(world) for _ in range(6)]
    kept = eventually(lambda: (rows := [r["id"] for r in world.rows("select id from execution order by id")]) and len(rows) <= 3 and rows, seconds=30)
    eventually(lambda: run_folders(world) == kept, seconds=30)
    assert kept[-1] == runs[-1] and runs[0] not in kept


def test_logs_go_when_their_action_or_its_pack_keeps_them_no_longer(world):
    parts = {"pack.yaml": "ref: logs\nversion: 1.0.0\nlog_retention_policy: versions\nlog_retention_limit: 2\n"}
    for name, own in (("some", ""), ("old", "log_retention_policy: minutes\nlog_retention_limit: 5\n"), ("long", "log_retention_policy: days\nlog_retention_limit: 400\n")):
        parts[f"actions/{name}.yaml"] = f"ref: logs.{name}\nentry_point: x.sh\n{own}"
    parts["actions/x.sh"] = "echo it\n[ -z \"$LEAVE\" ] || echo x > $ATTUNE_EXECUTION_DIR/x\n"
    world.add_pack("logs", parts)
    world.start(config={"retention": {"check_interval": 1}, "worker": {"inline_output_bytes": 0}})
    runs = {name: [] for name in ("long", "old", "some")}
    for name, ids in runs.items():
        for _ in range(4):
            got = world.post("/executions/execute", {"action_ref": f"logs.{name}", "env_vars": {"LEAVE": "1"}}, 201)["data"]["id"]
            assert world.get(f"/executions/{got}", wait_seconds=30)["data"]["status"] == "completed"
            ids.append(got)

    def with_log():
        return sorted(int(p.split("execution_")[1].split("/")[0]) for p in glob.glob(os.path.join(artifacts_dir(world), "*", "execution_*", "stdout.log")))

    eventually(lambda: with_log() == sorted(runs["long"] + runs["old"] + runs["some"][2:]), seconds=30)
    for column in ("started_at", "finished_at"):
        world.execute(f"update execution set {column} = " + ("created - 400000000" if world.embedded else "created - interval '400 seconds'"))
    eventually(lambda: with_log() == sorted(runs["long"] + runs["some"][2:]), seconds=30)
    gone = world.get(f"/executions/{runs['old'][0]}")["data"]
    assert gone["result"]["stdout"] == "it\n" and world.request("GET", f"/executions/{gone['id']}/logs/stdout").text == "it\n"
    assert run_folders(world) == sorted(sum(runs.values(), [])), "what they left behind stays"


KEEPER = '''import json, os, sys, urllib.request
def post(path, body):
    request = urllib.request.Request(os.environ["ATTUNE_API_URL"] + "/api/v1/artifacts" + path, json.dumps(body).encode(), {
        "Authorization": "Bearer " + os.environ["ATTUNE_API_TOKEN"], "Content-Type": "application/json"})
    return urllib.request.urlopen(request, timeout=20)
ref = "keep." + json.load(sys.stdin)["name"]
whose = {"scope": "pack", "owner": "keep"}
post("", {"ref": ref + ".made", "type": "file_text", **whose})
post("", {"ref": ref + ".own", "type": "file_text", "retention_limit": 3, **whose})
post("/ref/" + ref + ".file/versions/file", whose)
'''


def test_what_a_run_leaves_is_kept_as_its_action_or_its_pack_says(world):
    def action(name, more=""):
        return (f"ref: keep.{name}\nrunner_type: python\nentry_point: x.py\nparameters:\n  name: {{type: string, default: {name}}}\n"
                f"default_execution_permission_set_refs: [standard]\n{more}")

    flow = "version: 1.0.0\ntasks:\n  - name: go\n    action: keep.own\n    input: {name: flow}\n"
    world.add_pack("keep", {
        "pack.yaml": "ref: keep\nversion: 1.0.0\nartifact_retention_policy: hours\nartifact_retention_limit: 7\n",
        "actions/x.py": KEEPER, "actions/some.yaml": action("some"), "actions/own.yaml": action("own", "artifact_retention_policy: days\nartifact_retention_limit: 2\n"),
        "actions/flow.yaml": "ref: keep.flow\nworkflow_file: workflows/flow.workflow.yaml\nartifact_retention_policy: versions\nartifact_retention_limit: 9\n",
        "actions/workflows/flow.workflow.yaml": flow})
    world.start()
    for name, kept in (("some", ("hours", 7)), ("own", ("days", 2)), ("flow", ("versions", 9))):
        run = world.post("/executions/execute", {"action_ref": f"keep.{name}"}, 201)["data"]["id"]
        done = world.get(f"/executions/{run}", wait_seconds=30)["data"]
        assert done["status"] == "completed", done
        for which, want in (("made", kept), ("file", kept), ("own", ("versions", 3))):
            x = world.get(f"/artifacts/ref/keep.{name}.{which}")["data"]
            assert (x["retention_policy"], x["retention_limit"]) == want, (name, which)
    assert made(world, "core.people")["retention_limit"] == 5, "of no run"

    # what asks for a run may say it too
    body = {"action_ref": "keep.own", "parameters": {"name": "asked"}, "artifact_retention_policy": "minutes", "artifact_retention_limit": 30}
    run = world.post("/executions/execute", body, 201)["data"]["id"]
    done = world.get(f"/executions/{run}", wait_seconds=30)["data"]
    assert (done["status"], done["artifact_retention_policy"], done["artifact_retention_limit"]) == ("completed", "minutes", 30), done
    x = world.get("/artifacts/ref/keep.asked.made")["data"]
    assert (x["retention_policy"], x["retention_limit"]) == ("minutes", 30)
    for more in ({"artifact_retention_policy": "years", "artifact_retention_limit": 1}, {"artifact_retention_policy": "days"},
                 {"artifact_retention_limit": 0}):
        said = world.post("/executions/execute", {"action_ref": "keep.own", **more}, 422)
        assert "artifact_retention" in str(said), said


def test_versions_too_old_go_and_their_files_and_the_latest_stays(world):
    world.start(config={"retention": {"check_interval": 1}})
    x = made(world, retention_policy="hours", retention_limit=1)
    for i in range(3):
        upload(world, f"/artifacts/{x['id']}/versions/upload", b"%d" % i * 100_000)
    orphan = os.path.join(artifacts_dir(world), f"artifact_{x['id']}", ".new-left")
    young = os.path.join(artifacts_dir(world), f"artifact_{x['id']}", ".new-now")
    for path in (orphan, young):
        with open(path, "w", encoding="utf-8") as f:
            f.write("left")
    os.utime(orphan, (1, 1))
    world.execute("update artifact_version set created = " + ("1" if world.embedded else "now() - interval '2 hours'"))
    eventually(lambda: [v["version"] for v in world.get(f"/artifacts/{x['id']}/versions")["data"]] == [3])
    eventually(lambda: files_of(world) == [f"artifact_{x['id']}/v3.txt"] and not os.path.exists(orphan))
    assert os.path.exists(young)


# ---- files for workers


def worker_token(world):
    """As the platform signs it for worker 1."""
    def part(value):
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    now = int(time.time())
    text = part({"alg": "HS256", "typ": "JWT"}) + "." + part({
        "sub": "1", "login": "worker:1", "iat": now, "exp": now + 600, "token_type": "worker", "scope": "internal_files",
        "metadata": {"worker_id": 1}})
    if world.embedded:
        with open(os.path.join(world.data, "jwt_secret"), "rb") as f:
            secret = f.read().strip()
    else:
        secret = world.config["security"]["jwt_secret"].encode()
    return text + "." + part(hmac.new(secret, text.encode(), "sha256").digest())


def raw(world, method, target, body=None):
    """As written, without a client that tidies paths up."""
    connection = http.client.HTTPConnection("127.0.0.1", world.port, timeout=10)
    headers = {"Authorization": f"Bearer {worker_token(world)}", "Content-Type": "application/octet-stream"}
    connection.request(method, "/api/v1/internal/files/" + target, body=body, headers=headers)
    response = connection.getresponse()
    got = response.status, response.read(), dict(response.getheaders())
    connection.close()
    return got


def test_a_worker_writes_reads_appends_and_deletes_files(api):
    assert raw(api, "PUT", "w1/execution_7/stdout.log", b"one\n")[0] == 201
    assert raw(api, "PATCH", "w1/execution_7/stdout.log", b"two\n")[0] == 204
    status, body, headers = raw(api, "GET", "w1/execution_7/stdout.log")
    assert (status, body) == (200, b"one\ntwo\n") and headers["Content-Length"] == "8"
    status, body, headers = raw(api, "HEAD", "w1/execution_7/stdout.log")
    assert (status, body, headers["Content-Length"]) == (200, b"", "8")
    assert raw(api, "PUT", "w1/execution_7/stdout.log", b"new")[0] == 201 and raw(api, "GET", "w1/execution_7/stdout.log")[1] == b"new"
    assert raw(api, "PATCH", "fresh/a.json", b"{}")[0] == 204 and raw(api, "GET", "fresh/a.json")[2]["Content-Type"] == "application/json"
    assert raw(api, "DELETE", "fresh/a.json")[0] == 204
    assert [raw(api, m, "fresh/a.json")[0] for m in ("DELETE", "GET", "HEAD")] == [404, 404, 404]
    assert raw(api, "GET", "w1")[0] == 404 and raw(api, "PUT", "w1", b"x")[0] in (400, 404, 500)


def test_no_path_and_no_link_leads_a_worker_out(api, tmp_path):
    away = tmp_path / "away"
    away.mkdir()
    outside = away / "outside"
    outside.write_text("untouched")
    root = artifacts_dir(api)
    os.makedirs(os.path.join(root, "w1"), exist_ok=True)
    os.symlink(outside, os.path.join(root, "w1", "file"))
    os.symlink(away, os.path.join(root, "w1", "folder"))
    bad = ["..", "../x", "a/../../x", "a/..", "%2e%2e/x", "a//b", "a/./b", "%2Fetc/passwd", "..%2fx", "a%00b", "x" * 300, "w1/file",
           "w1/folder/outside", "w1/folder/new"]
    for path in bad:
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            if (method, path) == ("DELETE", "w1/file"):
                continue  # the link itself goes, and nothing behind it
            status, body, _ = raw(api, method, path, b"evil" if method in ("PUT", "PATCH") else None)
            assert 400 <= status < 500 and b"untouched" not in body, (method, path, status)
    assert outside.read_text() == "untouched" and os.listdir(away) == ["outside"]


def test_files_for_workers_are_for_nobody_else(api):
    api.request("GET", "/internal/files/w1/x", 403)
    api.request("PUT", "/internal/files/w1/x", 403, data=b"x", headers={"Content-Type": "application/octet-stream"})
