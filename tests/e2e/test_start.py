"""The least that must hold: it starts, says so, and stops when asked."""

import os
import stat
import subprocess

import harness
from harness import ROOT, eventually


def test_it_is_ready_after_the_start_and_ends_cleanly(world):
    world.start()
    assert world.get("/health")["status"] == "ok"
    assert world.get("/health/detailed")["database"] == "connected"
    world.stop()
    eventually(lambda: not world.leftovers(), 30, "no process is left behind")


def test_what_is_installed_is_for_everybody_and_finds_its_core_pack(world, monkeypatch):
    """Also when root's own new files are for root alone."""
    there = os.path.join(world.dir, "there")
    subprocess.run(["make", "-C", ROOT, "install", f"BUILD={os.path.dirname(harness.BINARY)}", f"DESTDIR={there}", "PREFIX=/usr"], check=True,
                   env={"PATH": os.environ["PATH"]}, umask=0o077, stdout=subprocess.DEVNULL)
    assert sorted(os.listdir(f"{there}/usr/bin")) == ["attune", *sorted(f"attune-{role}" for role in harness.ROLES)]
    for folder, _, files in os.walk(f"{there}/usr"):
        for name in (".", *files):
            mode = os.stat(os.path.join(folder, name)).st_mode
            wanted = 0o055 if stat.S_ISDIR(mode) or mode & 0o100 else 0o044
            assert mode & 0o077 == wanted, f"{folder}/{name}: {mode:o}"

    monkeypatch.setattr(harness, "BINARY", f"{there}/usr/bin/attune")
    world.configure({"packs_base_dir": os.path.join(world.dir, "none of its own")})
    os.makedirs(world.config["packs_base_dir"])
    world.start()
    assert world.get("/packs/core")["data"]["ref"] == "core"
    world.stop()
