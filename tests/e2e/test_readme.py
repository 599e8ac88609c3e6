"""The tour of the README does what it says, and the tests that docs/proofs.md names are there."""

import ast
import glob
import os
import re
import subprocess
import sys


from harness import BINARY, ROOT, eventually


def tour():
    """(command, exit code, first line of what it prints or None) of each `$ ` line in the README."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        blocks = re.findall(r"```console\n(.*?)```", f.read(), re.S)
    steps = []
    for block in blocks:
        lines = block.rstrip("\n").split("\n")
        for at, line in enumerate(lines):
            if not line.startswith("$ "):
                continue
            command, _, note = line[2:].partition("   # exits ")
            follows = lines[at + 1] if at + 1 < len(lines) and not lines[at + 1].startswith("$ ") else None
            steps.append((command, int(note or 0), follows))
    return steps


def test_the_tour_works_as_it_is_printed(world):
    steps = tour()
    assert len(steps) >= 7
    world.start()
    world.cli("rule", "enable", "core.timer_echo")
    eventually(lambda: world.rows("select id from execution where rule_ref = 'core.timer_echo' and status = 'completed'"),
               seconds=30)
    env = dict(os.environ, **world.env(world.cli_token()))
    env = dict(env, PATH=os.path.dirname(BINARY) + ":" + os.environ["PATH"])
    for command, code, first in steps:
        ran = subprocess.run(["bash", "-c", command], env=env, capture_output=True, text=True, timeout=60)
        assert ran.returncode == code, f"{command}: {ran.stdout}{ran.stderr}"
        if first is not None:
            shape = re.sub(r"\s+", " ", re.sub(r"\d[\d:.TZ-]*", "N", first)).strip()
            printed = re.sub(r"\s+", " ", re.sub(r"\d[\d:.TZ-]*", "N", ran.stdout.split("\n")[0])).strip()
            assert printed == shape, f"{command} printed {printed!r}, the README says {shape!r}"


def test_every_test_that_proofs_names_is_there():
    with open(os.path.join(ROOT, "docs", "proofs.md"), encoding="utf-8") as f:
        named = re.findall(r"`([a-z0-9_/]+\.(?:c|py)): (\w+)`", f.read())
    assert len(named) >= 40
    for path, name in named:
        with open(os.path.join(ROOT, "tests", path), encoding="utf-8") as f:
            assert re.search(rf"(def |TEST\(){name}\(?\)?", f.read()), f"{path} has no test {name}"


def test_what_tests_import_is_installed_with_them():
    """A machine that has been used for other things may have it anyway."""
    files = glob.glob(os.path.join(ROOT, "tests", "**", "*.py"), recursive=True)
    ours = {os.path.basename(path)[:-3] for path in files}
    imported = set()
    for path in files:
        with open(path, encoding="utf-8") as f:
            for node in ast.walk(ast.parse(f.read())):
                if isinstance(node, ast.Import):
                    imported |= {name.name.split(".")[0] for name in node.names}
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    imported.add(node.module.split(".")[0])
    with open(os.path.join(ROOT, "dev", "packages"), encoding="utf-8") as f:
        installed = set(re.findall(r"\bpython3-(\w+)", f.read()))
    missing = imported - sys.stdlib_module_names - ours - installed
    assert "pytest" in imported and not missing
