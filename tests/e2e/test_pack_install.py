"""Packs from outside: from folders, archives and uploads, well-meant and hostile."""

import contextlib
import hashlib
import http.server
import io
import json
import os
import tarfile
import threading
import time
import zipfile

import pytest
import requests

from test_api import refused
from test_artifacts import worker_token

SHOP = {"pack.yaml": "ref: shop\nversion: 1.0.0\n",
        "actions/buy.yaml": "ref: shop.buy\nentry_point: buy.sh\n",
        "actions/buy.sh": "#!/bin/sh\necho bought\n"}


@pytest.fixture
def api(swept):
    return swept


def tar(files, more=(), mode="w:gz"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, compresslevel=1) as archive:
        for path, text in files.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(text.encode()), 0o755 if text.startswith("#!") else 0o644
            archive.addfile(info, io.BytesIO(text.encode()))
        for info in more:
            archive.addfile(info)
    return out.getvalue()


def odd(path, kind, target=""):
    info = tarfile.TarInfo(path)
    info.type, info.linkname = kind, target
    return info


def upload(world, data, status=201, **form):
    return world.request("POST", "/packs/upload", status, files={"pack": ("p.tar.gz", data)}, data=form).json()


def folder(world):
    return sorted(os.path.relpath(os.path.join(at, f), world.packs)
                  for at, _, names in os.walk(world.packs) for f in names)


def write(directory, files):
    for path, text in files.items():
        full = os.path.join(directory, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(full, 0o755 if text.startswith("#!") else 0o644)
    return str(directory)


def test_an_uploaded_pack_runs_and_a_second_one_takes_its_place_only_by_force(api):
    made = upload(api, tar({f"shop-1.0/{k}": v for k, v in SHOP.items()}))
    assert made["data"]["pack"]["ref"] == "shop" and made["data"]["test_result"] is None
    row = api.post("/executions/execute", {"action_ref": "shop.buy"}, 201)["data"]
    done = api.get(f"/executions/{row['id']}", wait_seconds=30)["data"]
    assert done["status"] == "completed" and "bought" in done["result"]["stdout"]
    newer = {**SHOP, "pack.yaml": "ref: shop\nversion: 2.0.0\n"}
    assert "shop" in upload(api, tar(newer), 409)["error"]
    assert api.get("/packs/shop")["data"]["version"] == "1.0.0"
    with open(os.path.join(api.packs, "shop", "pack.yaml"), encoding="utf-8") as f:
        assert "1.0.0" in f.read()
    again = upload(api, tar(newer), force="true")["data"]["pack"]
    assert again["id"] == made["data"]["pack"]["id"] and again["version"] == "2.0.0"
    assert [f for f in folder(api) if f.startswith(".")] == []


@pytest.mark.parametrize("why, data", [
    ("leaves", tar({**SHOP, "../evil": "x"})),
    ("leaves", tar({**SHOP, "a/../../evil": "x"})),
    ("leaves", tar({**SHOP, "/tmp/evil": "x"})),
    ("link", tar(SHOP, [odd("evil", tarfile.SYMTYPE, "/etc/passwd")])),
    ("link", tar(SHOP, [odd("evil", tarfile.LNKTYPE, "pack.yaml")])),
    ("device", tar(SHOP, [odd("evil", tarfile.CHRTYPE)])),
    ("device", tar(SHOP, [odd("evil", tarfile.FIFOTYPE)])),
    ("character", tar({**SHOP, "a\\..\\evil": "x"})),
    ("character", tar({**SHOP, "a\nb": "x"})),
    ("deep", tar({**SHOP, "/".join(["d"] * 40): "x"})),
    ("too long for a file", tar({**SHOP, "n" * 300: "x"})),
    ("a file and a folder at once", tar({**SHOP, "a": "x", "a/b": "y"})),
    ("twice", tar(SHOP, [tarfile.TarInfo("pack.yaml")])),
    ("pack.yaml", tar({"readme": "x"})),
    ("pack.yaml", tar({"a/b/pack.yaml": "ref: shop\nversion: 1.0.0\n"})),
    ("archive", b"no archive at all"),
    ("archive", tar(SHOP)[:60]),
    ("version", tar({"pack.yaml": "ref: shop\n"})),
    ("'../core'", tar({"pack.yaml": "ref: ../core\nversion: 1.0.0\n"})),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_hostile_or_broken_archive_leaves_nothing_behind(api, why, data):
    before = folder(api)
    answer = api.http.post(f"{api.url}/api/v1/packs/upload", files={"pack": ("p", data)}, timeout=60)
    assert answer.status_code in (400, 422) and why in answer.json()["error"], answer.text
    assert folder(api) == before
    assert not os.path.exists(os.path.join(os.path.dirname(api.packs), "evil")) and not os.path.exists("/tmp/evil")
    assert [p["ref"] for p in api.get("/packs")["data"]] == ["core"]


def test_an_archive_that_is_too_much_is_refused(api):
    before = folder(api)
    assert "10000" in upload(api, tar({**SHOP, **{f"f/{i}": "" for i in range(10001)}}), 413)["error"]
    assert "50 MiB" in upload(api, tar({**SHOP, "bomb": "\0" * (51 << 20)}), 413)["error"]
    bombs = {f"bomb{i}": "\0" * (40 << 20) for i in range(3)}
    assert "100 MiB" in upload(api, tar({**SHOP, **bombs}), 413)["error"]
    assert folder(api) == before


def test_all_that_is_wrong_with_an_uploaded_pack_is_said_of_its_files_as_its_sender_knows_them(api):
    broken = {**SHOP, "actions/buy.yaml": "ref: shop.buy\nlabel: Buy\n", "policies/few.yaml": "ref: shop.few\n"}
    said = upload(api, tar({f"shop-1.0/{k}": v for k, v in broken.items()}), 422)["error"]
    assert said.startswith("actions/buy.yaml:1:1: ") and ", policies/few.yaml:1:1: " in said and api.packs not in said, said


def test_what_may_be_wrong_with_a_pack_is_told_whoever_brings_it(api, tmp_path):
    odd = {**SHOP, "actions/flow.yaml": "ref: shop.flow\nworkflow_file: workflows/flow.workflow.yaml\ncolour: red\n",
           "actions/workflows/flow.workflow.yaml": "version: 1.0.0\ntasks:\n  - name: a\n    action: later.act\n    onfailure: a\n"}
    def told(answer):
        said = answer["warnings"]
        return [any(w.startswith(place) and what in w for w in said) for place, what in (
            ("actions/flow.yaml:3:1: ", "'colour'"), ("actions/workflows/flow.workflow.yaml:5:5: ", "Did you mean 'on_failure'?"),
            ("actions/workflows/flow.workflow.yaml:4:5: ", "there is no pack 'later' yet"))] == [True] * 3 or said
    assert told(upload(api, tar({f"shop-1.0/{k}": v for k, v in odd.items()}))["data"]) is True
    assert told(api.post("/packs/register", {"path": os.path.join(api.packs, "shop"), "force": True}, 201)["data"]) is True
    write(tmp_path / "shop", odd)
    said = api.cli("pack", "upload", tmp_path / "shop", "--force").err
    assert said.count("Warning: actions/") == 3 and "Did you mean 'on_failure'?" in said, said
    write(tmp_path / "fine", SHOP)
    assert "warnings" not in api.post("/packs/install", {"source": str(tmp_path / "fine")}, 200)["data"]


def test_forms_that_are_no_upload_say_what_is_missing(api):
    refused(api, "POST", "/packs/upload", 400, files={"other": ("p", b"x")})
    refused(api, "POST", "/packs/upload", 400, files={"pack": ("p", tar(SHOP))}, data={"force": "perhaps"})
    refused(api, "POST", "/packs/upload", 415, body={"pack": "x"})


def test_packs_are_installed_from_folders_and_archives_of_the_server(api, tmp_path):
    source = write(tmp_path / "src", {**SHOP, ".git/config": "x"})
    made = api.post("/packs/install", {"source": source}, 200)["data"]
    assert made["pack"]["ref"] == "shop" and made["tests_skipped"] is True
    assert os.access(os.path.join(api.packs, "shop", "actions", "buy.sh"), os.X_OK)
    assert not os.path.exists(os.path.join(api.packs, "shop", ".git"))
    archive = tmp_path / "two.zip"
    with zipfile.ZipFile(archive, "w") as z:
        for path, text in {**SHOP, "pack.yaml": "ref: shop\nversion: 2.0.0\n"}.items():
            z.writestr(f"pack/{path}", text)
    assert api.post("/packs/install", {"source": str(archive)}, 200)["data"]["pack"]["version"] == "2.0.0"
    os.symlink("/etc/passwd", tmp_path / "src" / "evil")
    assert "link" in refused(api, "POST", "/packs/install", 400, {"source": source})["error"]
    assert api.get("/packs/shop")["data"]["version"] == "2.0.0"
    assert "nothing" in refused(api, "POST", "/packs/install", 404, {"source": str(tmp_path / "none")})["error"]


def left_by_a_killed_install(world, name, files, age=7200):
    """Its folder of that age; the folder's path."""
    path = write(os.path.join(world.packs, f".incoming-{name}"), files)
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def test_what_a_killed_install_left_is_never_loaded_and_removed_by_the_next_one_when_it_is_old(api):
    ghost = {path.replace("shop", "ghost"): text.replace("shop", "ghost") for path, text in SHOP.items()}
    old = left_by_a_killed_install(api, "1", {**ghost, **{f"content/{path}": text for path, text in ghost.items()}})
    young = left_by_a_killed_install(api, "2", ghost, age=600)
    kept = write(os.path.join(api.packs, ".kept"), {"notes": "mine"})
    os.utime(kept, (0, 0))
    os.symlink(kept, os.path.join(api.packs, ".incoming-3"))
    api.stop()
    api.start()
    refused(api, "GET", "/packs/ghost", 404)
    assert os.path.exists(old)
    upload(api, tar(SHOP))
    assert not os.path.exists(old) and os.path.exists(young) and os.path.exists(os.path.join(kept, "notes"))
    assert api.get("/packs/shop")["data"]["version"] == "1.0.0"


def test_a_pack_that_a_killed_install_had_moved_away_is_put_back_unless_it_is_deleted(api):
    upload(api, tar(SHOP))
    os.rename(os.path.join(api.packs, "shop"), os.path.join(api.packs, "aside"))
    moved = {f"before/{path}": text for path, text in SHOP.items()}
    gone = {path: text.replace("shop", "gone") for path, text in moved.items()}
    paths = [left_by_a_killed_install(api, "1", moved), left_by_a_killed_install(api, "2", gone)]
    broken = left_by_a_killed_install(api, "3", {"before/pack.yaml": "ref: [", "before/notes": "mine"})
    api.request("POST", "/packs/upload", 400, files={"pack": ("p.tar.gz", b"nothing")})  # the next install, which comes to nothing
    assert not [path for path in paths if os.path.exists(path)]
    assert os.access(os.path.join(api.packs, "shop", "actions", "buy.sh"), os.X_OK)
    assert not os.path.exists(os.path.join(api.packs, "gone")) and os.path.exists(os.path.join(broken, "before", "notes"))


def archive_of(world, ref, token=None):
    return requests.get(f"{world.url}/api/v1/internal/packs/{ref}/archive", timeout=30,
                        headers={"Authorization": f"Bearer {token or worker_token(world)}"})


def test_a_worker_gets_the_files_of_a_pack_as_an_archive_that_can_be_installed_again(api):
    write(os.path.join(api.packs, "shop"), {**SHOP, "actions/gr\u00fcn.txt": "x" * 100000, ".git/config": "mine"})
    os.makedirs(os.path.join(api.packs, "shop", "empty"))
    api.post("/packs/register", {"path": os.path.join(api.packs, "shop")}, 201)
    answer = archive_of(api, "shop")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/gzip"
    assert archive_of(api, "shop").content == answer.content
    with tarfile.open(fileobj=io.BytesIO(answer.content), mode="r:gz") as archive:
        found = {m.name: m for m in archive.getmembers()}
        assert sorted(found) == sorted(["shop", "shop/actions", "shop/actions/buy.sh", "shop/actions/buy.yaml", "shop/actions/gr\u00fcn.txt",
                                        "shop/empty", "shop/pack.yaml"])
        assert found["shop/empty"].isdir() and found["shop/actions/buy.sh"].mode == 0o755
        assert archive.extractfile("shop/actions/gr\u00fcn.txt").read() == b"x" * 100000
    upload(api, answer.content, force="true")
    assert os.path.isdir(os.path.join(api.packs, "shop", "empty"))


def test_an_archive_of_a_pack_is_for_workers_alone_and_holds_no_links(api):
    write(os.path.join(api.packs, "shop"), SHOP)
    api.post("/packs/register", {"path": os.path.join(api.packs, "shop")}, 201)
    assert archive_of(api, "shop", api.token).status_code == 403
    assert archive_of(api, "none").status_code == 404 and "none" in archive_of(api, "none").json()["error"]
    assert archive_of(api, "..%2f..").status_code in (400, 404)
    os.symlink("/etc/passwd", os.path.join(api.packs, "shop", "evil"))
    answer = archive_of(api, "shop")
    assert answer.status_code == 400 and "shop/evil" in answer.json()["error"] and "link" in answer.json()["error"]
    os.rename(os.path.join(api.packs, "shop"), os.path.join(api.packs, "elsewhere"))
    assert "no folder" in archive_of(api, "shop").json()["error"]
    for i in range(11):
        with open(os.path.join(api.packs, "elsewhere", f"big{i}"), "wb") as f:
            f.truncate(10 << 20)
    os.unlink(os.path.join(api.packs, "elsewhere", "evil"))
    os.rename(os.path.join(api.packs, "elsewhere"), os.path.join(api.packs, "shop"))
    answer = archive_of(api, "shop")
    assert answer.status_code == 413 and "100 MiB" in answer.json()["error"]


def test_what_a_pack_needs_must_be_there_unless_it_is_skipped(api, tmp_path):
    needy = {**SHOP, "pack.yaml": "ref: shop\nversion: 1.0.0\ndependencies: ['core>=99', 'other@1.0.0', core]\n"}
    source = write(tmp_path / "src", needy)
    error = refused(api, "POST", "/packs/install", 400, {"source": source})["error"]
    assert "'other' is not installed" in error and "'core' version" in error and ">=99" in error
    found = api.post("/packs/dependencies", {"pack_paths": [source, "/nowhere"]}, 200)["data"]
    assert [(d["pack_ref"], d["already_installed"]) for d in found["dependencies"]] == [
        ("core", False), ("other", False), ("core", True)]
    assert len(found["missing_dependencies"]) == 2 and found["errors"][0]["pack_path"] == "/nowhere"
    assert api.post("/packs/install", {"source": source, "skip_deps": True}, 200)["data"]["pack"]["ref"] == "shop"


def test_a_batch_registers_what_it_can_and_says_what_it_cannot(api):
    write(os.path.join(api.packs, "shop"), SHOP)
    write(os.path.join(api.packs, "bad"), {"pack.yaml": "ref: bad\n"})
    paths = [os.path.join(api.packs, "shop"), os.path.join(api.packs, "bad"), "/nowhere"]
    answer = api.post("/packs/register-batch", {"pack_paths": paths}, 200)["data"]
    assert [p["pack_ref"] for p in answer["registered_packs"]] == ["shop"]
    assert answer["registered_packs"][0]["components_registered"]["actions"] == 1
    assert [p["error_stage"] for p in answer["failed_packs"]] == ["validation", "validation"]
    assert answer["summary"]["success_count"] == 1 and answer["summary"]["failure_count"] == 2


def test_what_this_version_does_not_do_says_so(api):
    for path, body in (("/packs/build-envs", {"pack_paths": []}),
                       ("/packs/install", {"source": "https://example.org/x.git"})):
        assert refused(api, "POST", path, 501, body)["code"] == "NOT_IMPLEMENTED"


TESTED = {**SHOP, "pack.yaml": "ref: shop\nversion: 1.0.0\ntesting:\n  runners:\n    unit: {type: script, entry_point: tests/run.sh, timeout: 60}\n",
          "tests/run.sh": "#!/bin/sh\ntest -f pack.yaml && echo 'Total Tests: 2' && echo 'Passed: 2'\n"}
BROKEN = {**TESTED, "pack.yaml": TESTED["pack.yaml"].replace("1.0.0", "2.0.0"),
          "tests/run.sh": "#!/bin/sh\necho the shop is closed >&2\nexit 3\n"}


def test_a_pack_whose_tests_fail_is_not_let_in_and_each_run_of_them_is_kept(api, tmp_path):
    assert "core" in refused(api, "GET", "/packs/core/tests/latest", 404)["error"]
    assert "no tests" in refused(api, "POST", "/packs/core/test", 400)["error"]
    assert "gone" in refused(api, "POST", "/packs/gone/test", 404)["error"]
    bad = write(tmp_path / "bad", BROKEN)
    for why in (upload(api, tar(BROKEN), 400)["error"], refused(api, "POST", "/packs/install", 400, {"source": bad})["error"]):
        assert "1 of 1 tests of pack 'shop' failed" in why and "the shop is closed" in why and "skip_tests" in why
    refused(api, "GET", "/packs/shop", 404)
    assert [f for f in folder(api) if not f.startswith("core/")] == []
    made = upload(api, tar(TESTED))["data"]
    assert made["tests_skipped"] is False and made["test_result"]["status"] == "passed" and made["test_result"]["totalTests"] == 2
    refused(api, "POST", "/packs/install", 400, {"source": bad})
    assert api.get("/packs/shop")["data"]["version"] == "1.0.0"
    assert api.post("/packs/install", {"source": bad, "skip_tests": True}, 200)["data"]["tests_skipped"] is True
    forced = api.post("/packs/install", {"source": bad, "force": True}, 200)["data"]
    assert forced["pack"]["version"] == "2.0.0" and forced["test_result"]["failed"] == 1
    shown = api.request("POST", "/packs/shop/test", 200).json()["data"]
    assert shown["status"] == "failed" and shown["testSuites"][0]["testCases"][0]["stderr"] == "the shop is closed\n"
    path = os.path.join(api.packs, "shop")
    refused(api, "POST", "/packs/register", 409, {"path": path})
    assert api.post("/packs/register", {"path": path, "force": True}, 201)["data"]["version"] == "2.0.0"
    batch = api.post("/packs/register-batch", {"pack_paths": [path], "force": True}, 200)["data"]
    assert batch["registered_packs"][0]["test_result"] == {"status": "failed", "total_tests": 1, "passed": 0, "failed": 1}
    rows = api.get("/packs/shop/tests")["data"]
    assert [(r["triggerReason"], r["packVersion"], r["failed"]) for r in rows] == [
        ("update", "2.0.0", 1), ("update", "2.0.0", 1), ("manual", "2.0.0", 1), ("update", "2.0.0", 1), ("update", "2.0.0", 1),
        ("install", "1.0.0", 0)]
    assert api.get("/packs/shop/tests/latest")["data"]["id"] == rows[0]["id"]
    said = api.cli("pack", "test", "shop", code=1)
    assert "0 passed, 1 failed" in said.out and "the shop is closed" in said.out
    nobody = ("--api-url", "http://127.0.0.1:1")  # the tests of a folder need no server
    said = api.cli("pack", "test", bad, *nobody, code=1)
    assert "0 passed, 1 failed" in said.out and "the shop is closed" in said.out
    assert json.loads(api.cli("pack", "test", write(tmp_path / "good", TESTED), "-j", *nobody).out)["passed"] == 2
    assert "no tests" in api.cli("pack", "test", write(tmp_path / "plain", SHOP), *nobody, code=1).err


@contextlib.contextmanager
def elsewhere(files):
    """A web server: path → (status, headers, bytes). What was asked of it, and with which Authorization, is in asked."""
    class Handler(http.server.BaseHTTPRequestHandler):
        asked = []

        def do_GET(self):
            self.asked.append((self.path, self.headers.get("Authorization")))
            status, headers, body = files.get(self.path, (404, {}, b"nothing"))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", Handler.asked
        finally:
            server.shutdown()
            thread.join()


def test_a_server_that_sends_more_dead_letters_than_were_asked_for_is_read_so_far_as_asked(api):
    letters = json.dumps({"data": [{"id": str(i), "body": "x"} for i in range(20000)]}).encode()
    files = {"/api/v1/dead-letters?limit=1000&offset=0": (200, {"Content-Type": "application/json"}, letters)}
    with elsewhere(files) as (url, _):
        assert len(api.cli("dlq", "list", "-j", "--api-url", url).json()) == 1000


def test_packs_are_found_in_registries_and_installed_from_them(world, tmp_path):
    files = {}
    with elsewhere(files) as (url, asked):
        archive = tar({f"shop-1/{k}": v for k, v in TESTED.items()})
        good = "sha256:" + hashlib.sha256(archive).hexdigest()
        entry = {"ref": "shop", "version": "1.0.0", "label": "Shop", "description": "sells", "author": "me", "license": "MIT",
                 "keywords": ["retail"], "runtime_deps": [], "contents": {"actions": [{"name": "buy", "description": ""}]},
                 "install_sources": [{"type": "git", "url": "https://example.org/shop.git", "checksum": ""},
                                     {"type": "archive", "url": f"{url}/shop.tgz", "checksum": good}]}
        bad = {**entry, "ref": "shop2", "install_sources": [{"type": "archive", "url": f"{url}/shop.tgz", "checksum": "md5:" + "0" * 32}]}
        other = {**entry, "ref": "other", "install_sources": [entry["install_sources"][1]]}
        index = {"registry_name": "r", "packs": [entry, bad, other, {"ref": "NO"}]}
        files["/index.json"] = (200, {}, json.dumps(index).encode())
        files["/shop.tgz"] = (302, {"Location": "/moved/shop.tgz"}, b"")
        files["/moved/shop.tgz"] = (200, {}, archive)
        files["/away"] = (302, {"Location": "http://127.0.0.2:1/x.tgz"}, b"")
        files["/loop"] = (302, {"Location": "/loop"}, b"")
        local = tmp_path / "local.json"
        local.write_text(json.dumps({"packs": [{**entry, "version": "9.0.0"}]}))
        world.start(config={"pack_registry": {"allow_http": True, "allowed_source_hosts": ["127.0.0.1"],
                                              "indices": [{"url": f"file://{local}", "priority": 900, "name": "ours"}]}})
        assert [p["registry"]["name"] for p in world.get("/pack-indices/packs")["data"]] == ["ours"]
        made = world.post("/pack-indices", {"url": f"{url}/index.json", "name": "theirs", "headers": {"Authorization": "Bearer s3cret"}}, 201)["data"]
        assert made["headers"] == {"Authorization": "********"} and made["position"] == 0
        assert "already" in refused(world, "POST", "/pack-indices", 409, {"url": f"{url}/index.json"})["error"]
        assert "https only" in refused(world, "POST", "/pack-indices", 400, {"url": "ftp://x/y"})["error"]
        assert "s3cret" not in str(world.rows("select headers from pack_registry_index"))
        found = world.get("/pack-indices/packs", q="RETAIL")["data"]
        assert [(p["pack"]["ref"], p["pack"]["version"], p["registry"]["name"]) for p in found] == [
            ("shop", "1.0.0", "theirs"), ("shop2", "1.0.0", "theirs"), ("other", "1.0.0", "theirs"), ("shop", "9.0.0", "ours")]
        assert world.get("/pack-indices/packs/shop")["data"]["pack"]["version"] == "1.0.0"
        assert "nope" in refused(world, "GET", "/pack-indices/packs/nope", 404)["error"]
        assert asked.count(("/index.json", "Bearer s3cret")) == 1  # and remembered since
        assert "shop" in world.cli("pack", "search", "retail").out and "theirs" in world.cli("pack", "registries").out
        said = world.cli("pack", "install", "shop", "--no-registry", code=2)
        assert "no path" in said.err
        assert "1.0.0" in world.cli("pack", "install", "shop").out
        assert ("/moved/shop.tgz", None) in asked
        row = world.rows("select source_type, source_url, source_ref, checksum_verified from pack where ref = ?", "shop")[0]
        assert (row["source_type"], row["source_url"], row["source_ref"], bool(row["checksum_verified"])) == (
            "registry", f"{url}/shop.tgz", "shop@1.0.0", True)
        assert world.get("/packs/shop/tests/latest")["data"]["triggerReason"] == "install"
        for source, status, why in (("shop2", 400, "what came is not what the registry means"), ("other", 400, "what came is 'shop'"),
                                    ("shop@3.0.0", 404, "in version 1.0.0, not 3.0.0"), ("nope", 404, "No registry of packs has 'nope'"),
                                    (f"{url}/away", 403, "does not name it"), (f"{url}/loop", 503, "redirects more than"),
                                    (f"{url}/none", 404, "status 404"), ("http://10.0.0.1/x.tgz", 403, "does not name it"),
                                    (f"http://me:pw@{url[7:]}/shop.tgz", 400, "no password"), (f"{url}/index.json", 400, "archive")):
            assert why in refused(world, "POST", "/packs/install", status, {"source": source})["error"], source
        assert world.post("/packs/install", {"source": f"{url}/shop.tgz"}, 200)["data"]["test_result"]["passed"] == 2
        path = f"/pack-indices/{made['id']}"
        moved = world.request("PUT", path, 200, json={"headers": {"Authorization": "********", "X-More": "a"}, "position": 7}).json()["data"]
        assert moved["position"] == 7 and sorted(moved["headers"]) == ["Authorization", "X-More"]
        assert world.request("PUT", path, 200, json={"enabled": False}).json()["data"]["enabled"] is False
        assert [p["registry"]["name"] for p in world.get("/pack-indices/packs")["data"]] == ["ours"]
        assert len(world.get("/pack-indices/packs", include_disabled="true")["data"]) == 4
        world.request("DELETE", path, 200)
        refused(world, "DELETE", path, 404)
        assert "no git" in refused(world, "POST", "/packs/install", 501, {"source": "https://example.org/x.git"})["error"]


def test_packs_are_fetched_into_a_folder_and_registered_from_there(world, tmp_path):
    files = {}
    with elsewhere(files) as (url, asked):
        archive = tar({f"shop-1/{k}": v for k, v in SHOP.items()})
        entry = {"ref": "shop", "version": "1.0.0", "label": "Shop", "description": "sells", "author": "me", "license": "MIT", "keywords": [],
                 "runtime_deps": [], "contents": {}, "install_sources": [
                     {"type": "archive", "url": f"{url}/shop.tgz", "checksum": "sha256:" + hashlib.sha256(archive).hexdigest()}]}
        files["/index.json"] = (200, {}, json.dumps({"packs": [entry, {**entry, "ref": "other"}]}).encode())
        files["/shop.tgz"] = (200, {}, archive)
        files["/bad.tgz"] = (200, {}, b"no archive")
        world.start(config={"pack_registry": {"allow_http": True, "allowed_source_hosts": ["127.0.0.1"]}})
        world.post("/pack-indices", {"url": f"{url}/index.json", "name": "theirs"}, 201)

        def download(to, *packs, **more):
            return world.post("/packs/download", {"packs": list(packs), "destination_dir": str(to), **more}, 200)["data"]

        got = download(tmp_path / "a", "shop", "other", "nope", f"{url}/bad.tgz", "/etc", "https://example.org/x.git", "http://10.0.0.1/x.tgz")
        path = str(tmp_path / "a" / "shop")
        assert got["downloaded_packs"] == [{"source": "shop", "source_type": "registry", "pack_path": path, "pack_ref": "shop", "pack_version": "1.0.0",
                                            "git_commit": None, "checksum": None}]
        assert [f["source"] for f in got["failed_packs"]] == ["other", "nope", f"{url}/bad.tgz", "/etc", "https://example.org/x.git", "http://10.0.0.1/x.tgz"]
        for failed, why in zip(got["failed_packs"], ("what came is 'shop'", "No registry of packs has 'nope'", "archive", "is a path", "no git", "does not name it")):
            assert why in failed["error"], failed
        assert (got["total_count"], got["success_count"], got["failure_count"]) == (7, 1, 6)
        assert sorted(os.listdir(tmp_path / "a")) == ["shop"] and not [f for f in folder(world) if f.startswith(".") or f.startswith("shop")]
        refused(world, "GET", "/packs/shop", 404)
        again = download(tmp_path / "a", "shop")
        assert "is something at" in again["failed_packs"][0]["error"]
        assert download(tmp_path / "b", "shop", registry_url=f"{url}/index.json")["success_count"] == 1
        assert "none of the registries" in download(tmp_path / "c", "shop", registry_url="https://example.org/i.json")["failed_packs"][0]["error"]
        assert "is none: leave it out" in download(tmp_path / "c", "shop", ref_spec="main")["failed_packs"][0]["error"]
        for body in ({"packs": []}, {"packs": ["x"] * 21}, {"destination_dir": "here"}, {"destination_dir": "/a/../b"}, {"verify_ssl": False}, {"packs": "shop"}):
            refused(world, "POST", "/packs/download", 422, {"packs": ["shop"], "destination_dir": str(tmp_path / "d"), **body})
        assert not (tmp_path / "d").exists() and not (tmp_path / "c").exists()
        needs = world.post("/packs/dependencies", {"pack_paths": [path]}, 200)["data"]
        assert not needs["missing_dependencies"]
        shown = world.post("/packs/install", {"source": path}, 200)["data"]["pack"]
        assert shown["ref"] == "shop" and shown["version"] == "1.0.0"
