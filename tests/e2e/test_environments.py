"""Dependencies of packs: wheels and npm packages that are made here, installed by the real pip and npm, without any network."""

import base64
import hashlib
import io
import json
import os
import tarfile
import zipfile

from harness import eventually
from work import do


def wheel(folder, name, version, body):
    """A wheel is a zip with a list of what is in it."""
    info = f"{name}-{version}.dist-info"
    files = {f"{name}.py": body,
             f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
             f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    record = "".join(f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},"
                     f"{len(text)}\n" for path, text in files.items()) + f"{info}/RECORD,,\n"
    os.makedirs(folder, exist_ok=True)
    with zipfile.ZipFile(os.path.join(folder, f"{name}-{version}-py3-none-any.whl"), "w") as z:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            z.writestr(path, text)


def npm_package(path, name, version, body):
    files = {"package/package.json": json.dumps({"name": name, "version": version, "main": "index.js"}),
             "package/index.js": body}
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for where, text in files.items():
            info = tarfile.TarInfo(where)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))


def needy(world, requirement, more=None):
    world.add_pack("needy", {
        "pack.yaml": "ref: needy\nlabel: Needy\nversion: 1.0.0\n",
        "requirements.txt": requirement + "\n",
        "actions/grin.yaml": "ref: needy.grin\nlabel: Grin\nrunner_type: python\nentry_point: smile.py\noutput_format: json\n",
        "actions/smile.py": "import json, sys, grin\nprint(json.dumps({'word': grin.WORD, 'in': sys.prefix}))\n",
        **(more or {})})


def configured(world, **more):
    return {"environments": {"pip": {"offline": True, "find_links": [os.path.join(world.dir, "wheels")]},
                             "npm": {"offline": True}, **more}}


def status(world, pack="needy"):
    return {e["runtime"]: e for e in world.get(f"/packs/{pack}/environments", 200)["data"]}


def test_what_a_pack_needs_is_installed_and_a_failed_build_says_why(world):
    wheel(os.path.join(world.dir, "wheels"), "grin", "1.0", "WORD = 'cheese'\n")
    needy(world, "grin==1.0")
    world.start(config=configured(world))
    first = do(world, "needy.grin", seconds=120)
    assert first["status"] == "completed", first["result"]
    assert first["result"]["data"]["word"] == "cheese"
    assert "/needy/python@" in first["result"]["data"]["in"]
    row = eventually(lambda: status(world)["python"]["status"] == "ready" and status(world)["python"])
    assert "Successfully installed grin-1.0" in row["install_log"] and row["installed_at"]
    assert "ready" in world.cli("pack", "env", "status", "needy").out

    # what cannot be installed says so, in pip's own words, and the one before stays where it is
    with open(os.path.join(world.packs, "needy", "requirements.txt"), "w", encoding="utf-8") as f:
        f.write("grin==2.0\n")
    bad = do(world, "needy.grin", seconds=120)
    assert bad["status"] == "failed"
    assert "No matching distribution found for grin==2.0" in bad["result"]["error"], bad["result"]
    row = eventually(lambda: status(world)["python"]["status"] == "failed" and status(world)["python"])
    assert "No matching distribution found for grin==2.0" in row["install_error"]
    assert os.path.exists(os.path.join(row["env_path"], "bin", "python3"))

    # the wheel arrives, and somebody says so
    wheel(os.path.join(world.dir, "wheels"), "grin", "2.0", "WORD = 'wider'\n")
    world.cli("pack", "env", "rebuild", "needy")
    eventually(lambda: status(world)["python"]["status"] == "ready", seconds=120)
    again = do(world, "needy.grin", seconds=120)
    assert again["result"]["data"]["word"] == "wider"


def test_what_a_node_pack_needs_is_installed(world):
    world.add_pack("nodey", {
        "pack.yaml": "ref: nodey\nlabel: Nodey\nversion: 1.0.0\n",
        "package.json": json.dumps({"dependencies": {"lefty": "file:vendor/lefty-1.0.0.tgz"}}),
        "actions/left.yaml": "ref: nodey.left\nlabel: Left\nrunner_type: node\nentry_point: left.js\noutput_format: json\n",
        "actions/left.js": "console.log(JSON.stringify({ word: require('lefty') }));\n"})
    npm_package(os.path.join(world.packs, "nodey", "vendor", "lefty-1.0.0.tgz"), "lefty", "1.0.0",
                "module.exports = 'left';\n")
    world.start(config=configured(world))
    run = do(world, "nodey.left", seconds=120)
    assert run["status"] == "completed", run["result"]
    assert run["result"]["data"]["word"] == "left"
    assert not os.path.exists(os.path.join(world.packs, "nodey", "node_modules"))
    eventually(lambda: status(world, "nodey")["nodejs"]["status"] == "ready")
