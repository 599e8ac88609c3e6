"""Actions in images, by the engine of this machine; where none can work, by a stand-in that reads the same command line and runs the words here."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import pytest

from harness import eventually
from work import ask, do, in_state, settled

IMAGE = "attune/test:1"
TOOLS = ("sh", "cat", "sleep", "env", "id", "head", "tail", "ls", "touch", "tr")

# What engines of small machines need to be told: without the right to raise limits, or with cgroups of both versions.
SETTINGS = (None, "", '[engine]\nruntime = "runc"\n')
ULIMITS = '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=2000:2000"]\n'

STAND_IN = r"""#!/bin/bash
echo "$*" >>"$(dirname "$0")/log"
case $1 in version) echo 4.3.1; exit;; ps) exit;; rm) kill -9 "$(cat "$(dirname "$0")/$3")"; exit;; esac
shift; env=(PATH=/usr/bin:/bin); where=/
while :; do case $1 in --rm|--interactive|--init) shift;;
--env) case $2 in *=*) env+=("$2");; *) env+=("$2=${!2}");; esac; shift 2;;
--name) echo $$ >"$(dirname "$0")/$2"; shift 2;;
--workdir) where=$2; shift 2;; -*) shift 2;; *) break;; esac; done
[ "$1" = attune/test:1 ] || exit 125
shift; cd "$where" && exec env -i "${env[@]}" "$@"
"""


def image_tar(directory):
    """A few programs of this machine with the libraries that they need: a registry is asked for nothing."""
    root = os.path.join(directory, "root")
    for name in TOOLS:
        program = os.path.realpath(shutil.which(name))
        needed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        for path in [word for word in needed.split() if word.startswith("/")]:
            os.makedirs(os.path.dirname(root + path), exist_ok=True)
            shutil.copy(path, root + path)
        os.makedirs(f"{root}/bin", exist_ok=True)
        shutil.copy(program, f"{root}/bin/{name}")
    os.makedirs(f"{root}/tmp", exist_ok=True)
    subprocess.run(["tar", "-C", root, "-cf", f"{directory}/image.tar", "."], check=True)
    return f"{directory}/image.tar"


def real_engine(directory):
    """Its environment when podman works here, with images of its own; else what it said."""
    said = "podman is not installed"
    store = os.path.join(directory, "storage.conf")
    with open(store, "w", encoding="ascii") as f:
        f.write(f'[storage]\ndriver = "vfs"\ngraphroot = "{directory}/images"\nrunroot = "{directory}/running"\n')
    for i, settings in enumerate(SETTINGS if shutil.which("podman") else ()):
        env = {"CONTAINERS_STORAGE_CONF": store}
        if settings is not None:
            env["CONTAINERS_CONF"] = os.path.join(directory, f"containers-{i}.conf")
            with open(env["CONTAINERS_CONF"], "w", encoding="ascii") as f:
                f.write(ULIMITS + settings)
        whole = {"PATH": os.environ["PATH"], "HOME": directory, **env}
        for argv in ([], ["import", image_tar(directory), IMAGE], ["run", "--rm", "--init", "--network", "none", IMAGE, "cat", "/dev/null"]):
            done = subprocess.run(["podman", *(argv or ["version"])], env=whole, capture_output=True, text=True, timeout=60, check=False)
            said = done.stderr
            if done.returncode:
                break
        else:
            return env, None
    return None, said


def yaml_of(name, entry, runner="container", more=""):
    return f"ref: box.{name}\nrunner_type: {runner}\nentry_point: {entry}\n{more}"


FILES = {
    "pack.yaml": "ref: box\nversion: 1.0.0\n",
    "lib/there": "of the pack",
    "actions/show.yaml": yaml_of("show", f"{IMAGE} cat", more="output_format: json\n"),
    "actions/variables.yaml": yaml_of("variables", f"{IMAGE} env"),
    "actions/boxed.yaml": yaml_of("boxed", "boxed.sh", "boxed", "parameter_delivery: file\nsandbox: strict\n"),
    "actions/boxed.sh": "cat $ATTUNE_PARAMETER_FILE lib/there; touch $HOME/mine; touch $ATTUNE_EXECUTION_DIR/kept\n"
                        "touch lib/other 2>/dev/null && echo writes its pack; exit 3\n",
    "runtimes/boxed.yaml": "ref: box.boxed\nname: boxed\nexecution_config:\n  interpreter: {binary: sh}\n"
                           f"  container: {{image: '{IMAGE}'}}\ndistributions:\n  verification:\n    commands: [{{binary: podman, args: [version]}}]\n",
    "actions/stays.yaml": yaml_of("stays", f"{IMAGE} sleep 300"),
    "actions/late.yaml": yaml_of("late", f"{IMAGE} sleep 300", more="timeout_seconds: 1\n"),
    "actions/much.yaml": yaml_of("much", f"{IMAGE} tail /dev/zero", more="limits: {memory_mb: 32}\n"),
    "actions/none.yaml": yaml_of("none", "localhost/attune/none:1 cat"),
}


@pytest.fixture(name="boxes")
def boxes_fixture(world):
    where = pathlib.Path(tempfile.mkdtemp(prefix="box-", dir="/tmp"))  # short: podman's sockets lie in it
    env, said = real_engine(str(where))
    config = {"worker": {}}
    if env is None:
        print(f"no engine works here: {said}")
        (where / "podman").write_text(STAND_IN)
        (where / "podman").chmod(0o755)
        config["worker"]["interpreters"] = {"podman": str(where / "podman")}
    world.add_pack("box", FILES)
    world.start(config=config, env=env)
    world.engine = None if env is None else {"PATH": os.environ["PATH"], "HOME": str(where), **env}
    yield world
    if env is not None:
        world.stop()
        subprocess.run(["podman", "rm", "--all", "--force"], env=world.engine, capture_output=True, timeout=60, check=False)
    shutil.rmtree(where, ignore_errors=True)


def containers(world):
    """Names of those that are there."""
    if world.engine is None:
        return []
    done = subprocess.run(["podman", "ps", "--all", "--format", "{{.Names}}"], env=world.engine, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.limit(180)
def test_what_runs_in_an_image_has_parameters_result_limits_and_an_end_as_any_other(boxes):
    world = boxes
    row = do(world, "box.show", {"text": "ä \"' $x"}, 60)
    assert row["status"] == "completed" and row["result"]["data"] == {"text": "ä \"' $x"}, row
    row = do(world, "box.variables", env_vars={"OWN": "of the run"})
    said = row["result"]["stdout"].splitlines()
    assert "OWN=of the run" in said and f"ATTUNE_EXECUTION_ID={row['id']}" in said and "HOME=/" in row["result"]["stdout"], row
    row = do(world, "box.boxed", {"n": 1}, 60)
    assert row["status"] == "failed" and row["result"]["exit_code"] == 3, row
    if world.engine is not None:  # the stand-in has no walls
        assert row["result"]["stdout"] == '{"n":1}\nof the pack', row
        row = do(world, "box.much", seconds=60)
        assert row["status"] == "failed" and row["result"]["exit_code"] == 137, row
        row = do(world, "box.none", seconds=60)
        assert row["status"] == "failed" and row["result"]["exit_code"] == 125 and "attune/none" in row["result"]["error"], row
    kept = [os.path.join(at, "kept") for at, _, names in os.walk(os.path.join(world.data, "artifacts")) if "kept" in names]
    assert len(kept) == 1 and f"execution_{row['id']}" not in kept[0] or world.engine is None

    began = time.time()
    row = do(world, "box.late", seconds=60)
    assert row["status"] == "failed" and row["result"]["timed_out"] and time.time() - began < 30, row
    run = ask(world, "box.stays")
    in_state(world, run, "running")
    eventually(lambda: world.engine is None or containers(world), 30, "the container is there")
    world.post(f"/executions/{run}/cancel")
    assert settled(world, run, 60)["status"] == "cancelled"
    eventually(lambda: not containers(world), 30, "no container is left")


@pytest.mark.limit(180)
def test_a_container_of_a_worker_that_was_killed_is_gone_when_the_next_has_come(boxes):
    world = boxes
    run = ask(world, "box.stays")
    in_state(world, run, "running", 60)
    eventually(lambda: world.engine is None or containers(world), 30, "the container is there")
    worker = world.kill("worker")
    world.wait_ready([world.relaunch(worker)])
    assert settled(world, run, 60)["status"] == "abandoned"
    eventually(lambda: not containers(world), 30, "no container is left")
    assert do(world, "box.show", {"n": 1}, 60)["status"] == "completed"
