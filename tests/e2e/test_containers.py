"""Actions in images, by each engine that works here, podman and docker; where neither does, by a stand-in that reads the same command
line and runs the words here: that proves the line, and no wall."""

import os
import pathlib
import random
import re
import shutil
import subprocess
import tempfile
import time

import pytest

from harness import eventually
from work import ask, calm, do, in_state, look, settled

IMAGE = "attune/test:1"
TOOLS = ("sh", "cat", "sleep", "env", "id", "head", "tail", "ls", "touch", "tr", "yes")

# What podman needs to be told on small machines: without the right to raise limits, or with cgroups of both versions.
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


class Engine:
    """An engine with images and containers of its own, in a folder of the test's."""

    walls = True

    def __init__(self, name):
        self.name = name
        self.where = pathlib.Path(tempfile.mkdtemp(prefix="box-", dir="/tmp"))  # short: sockets lie in it
        self.program = shutil.which(name)
        self.env = {}
        self.server = None

    @property
    def interpreters(self):
        """podman is looked for first: whoever has both and wants docker names it in its place."""
        return {"podman": self.program, "docker": self.program}

    def run(self, *argv):
        env = {"PATH": os.environ["PATH"], "HOME": str(self.where), **self.env}
        return subprocess.run([self.program, *argv], env=env, capture_output=True, text=True, timeout=60, check=False)

    def works(self):
        """None when it does, else what it said."""
        for argv in (["import", image_tar(str(self.where)), IMAGE],
                     ["run", "--rm", "--init", "--network", "none", "--memory", "64m", IMAGE, "cat", "/dev/null"]):
            done = self.run(*argv)
            if done.returncode:
                return done.stderr
        return None

    def containers(self):
        """Names of those that are there, whatever their state."""
        done = self.run("ps", "--all", "--format", "{{.Names}}")
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    def clear(self):
        for name in self.containers():
            self.run("rm", "--force", name)

    def close(self):
        if self.server is not None:
            self.server.terminate()
            self.server.wait(60)
        mounts = pathlib.Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
        for path in [line.split()[1] for line in reversed(mounts)]:  # engines leave some of what they have mounted
            if path.startswith(f"{self.where}/"):
                subprocess.run(["umount", "--lazy", path], check=False)
        shutil.rmtree(self.where, ignore_errors=True)


class StandIn(Engine):
    walls = False

    def __init__(self):
        super().__init__("podman")
        self.program = str(self.where / "podman")
        pathlib.Path(self.program).write_text(STAND_IN, encoding="ascii")
        os.chmod(self.program, 0o755)

    @property
    def interpreters(self):
        return {"podman": self.program}

    def containers(self):
        return []


def podman():
    """The engine, or why it does not work here."""
    engine = Engine("podman")
    said = "podman is not installed"
    store = engine.where / "storage.conf"
    store.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{engine.where}/images"\nrunroot = "{engine.where}/running"\n')
    for settings in SETTINGS if engine.program else ():
        engine.env = {"CONTAINERS_STORAGE_CONF": str(store)}
        if settings is not None:
            engine.env["CONTAINERS_CONF"] = str(engine.where / "containers.conf")
            (engine.where / "containers.conf").write_text(ULIMITS + settings)
        said = engine.works()
        if said is None:
            return engine, None
    engine.close()
    return None, said


def docker():
    """Likewise, with a server of its own, which ends with it."""
    engine = Engine("docker")
    said = "dockerd is not installed"
    if engine.program and shutil.which("dockerd"):
        engine.env = {"DOCKER_HOST": f"unix://{engine.where}/socket"}
        with open(engine.where / "log", "wb") as log:
            engine.server = subprocess.Popen(
                ["dockerd", "--data-root", f"{engine.where}/data", "--exec-root", f"{engine.where}/exec", "--pidfile", f"{engine.where}/pid",
                 "--host", engine.env["DOCKER_HOST"], "--storage-driver", "vfs", "--bridge", "none", "--iptables=false", "--ip-forward=false",
                 "--ip-masq=false"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        eventually(lambda: engine.server.poll() is not None or engine.run("version").returncode == 0, 60, "dockerd answers, or ends")
        said = engine.works() if engine.server.poll() is None else (engine.where / "log").read_text()[-2000:]
        if said is None:
            return engine, None
    engine.close()
    return None, said


OPENED = {}  # name: (engine or None, what it said)


def opened(name):
    if name not in OPENED:
        OPENED[name] = {"podman": podman, "docker": docker}[name]()
    return OPENED[name]


@pytest.fixture(name="engine", scope="module", params=("podman", "docker", "stand-in"))
def engine_fixture(request):
    if request.param == "stand-in":
        works = [name for name in ("podman", "docker") if opened(name)[0]]
        if works:
            pytest.skip(f"{' and '.join(works)} work here")
        yield (engine := StandIn())
        engine.close()
        return
    engine, said = opened(request.param)
    if engine is None:
        pytest.skip(f"{request.param} does not work here: {said}")
    yield engine


@pytest.fixture(autouse=True, scope="module")
def engines_end():
    yield
    for engine, _ in OPENED.values():
        if engine is not None:
            engine.close()
    OPENED.clear()


def yaml_of(name, entry, runner="container", more=""):
    return f"ref: box.{name}\nrunner_type: {runner}\nentry_point: {entry}\n{more}"


def runtime_of(name, more=""):
    return (f"ref: box.{name}\nname: {name}\nexecution_config:\n  interpreter: {{binary: sh}}\n"
            f"  container: {{image: '{IMAGE}'{more}}}\ndistributions:\n  verification:\n    commands: [{{binary: podman, args: [version]}}]\n")


SHOW = "if [ $ATTUNE_PARAMETER_DELIVERY = file ]; then cat $ATTUNE_PARAMETER_FILE; else cat; fi\n"
OUTPUTS = {  # format: what it prints, and what of that becomes data
    "json": ('{"a": [1, "ä"]}', {"a": [1, "ä"]}), "yaml": ("a: 1\nb: [x, y]", {"a": 1, "b": ["x", "y"]}),
    "jsonl": ('{"n": 1}\n{"n": 2}', [{"n": 1}, {"n": 2}]), "text": ("words", None)}
WAYS = [(delivery, kind) for delivery in ("stdin", "file") for kind in ("json", "yaml", "dotenv")]

FILES = {
    "pack.yaml": "ref: box\nversion: 1.0.0\n",
    "lib/there": "of the pack",
    "runtimes/boxed.yaml": runtime_of("boxed"),
    "runtimes/outside.yaml": runtime_of("outside", ", network: host"),
    "actions/show.yaml": yaml_of("show", f"{IMAGE} cat", more="output_format: json\n"),
    "actions/variables.yaml": yaml_of("variables", f"{IMAGE} env"),
    "actions/boxed.yaml": yaml_of("boxed", "boxed.sh", "boxed", "sandbox: strict\n"),
    "actions/boxed.sh": "cat lib/there; touch $HOME/mine; echo kept >$ATTUNE_EXECUTION_DIR/kept.txt\n"
                        "touch lib/other 2>/dev/null && echo writes its pack; exit 3\n",
    "actions/secret.yaml": yaml_of("secret", "secret.sh", "boxed", "parameters:\n  word: {type: string, secret: true}\n"),
    "actions/secret.sh": "read -r all; until [ -e open ]; do sleep 0.05; done; echo $all\n",
    "actions/strict.yaml": yaml_of("strict", "links.sh", "outside", "sandbox: strict\n"),
    "actions/outside.yaml": yaml_of("outside", "links.sh", "outside"),
    "actions/links.sh": "ls -l /proc/self/ns/net; cat /proc/net/dev\n",
    "actions/stays.yaml": yaml_of("stays", f"{IMAGE} sleep 300"),
    "actions/late.yaml": yaml_of("late", f"{IMAGE} sleep 300", more="timeout_seconds: 1\n"),
    "actions/much.yaml": yaml_of("much", f"{IMAGE} tail /dev/zero", more="limits: {memory_mb: 32}\n"),
    "actions/flood.yaml": yaml_of("flood", f"{IMAGE} head -c 3000000 /dev/zero"),
    "actions/none.yaml": yaml_of("none", "127.0.0.1:1/attune/none:1 cat"),
    "actions/show.sh": SHOW,
    **{f"actions/{d}_{k}.yaml": yaml_of(f"{d}_{k}", "show.sh", "boxed", f"parameter_delivery: {d}\nparameter_format: {k}\n") for d, k in WAYS},
    **{f"actions/out_{k}.yaml": yaml_of(f"out_{k}", f"{k}.sh", "boxed", f"output_format: {k}\n") for k in OUTPUTS},
    **{f"actions/{k}.sh": f"cat <<'END'\n{says}\nEND\n" for k, (says, _) in OUTPUTS.items()},
}


@pytest.fixture(name="boxes")
def boxes_fixture(world, engine):
    world.add_pack("box", FILES)
    world.start(config={"worker": {"interpreters": engine.interpreters, "max_stdout_bytes": 1 << 20}}, env=engine.env)
    world.engine = engine
    yield world
    world.stop()
    engine.clear()


def gone(world):
    eventually(lambda: not world.engine.containers(), 60, "no container is left")


def runs_in_one(world):
    eventually(lambda: not world.engine.walls or world.engine.containers(), 60, "the container is there")


@pytest.mark.limit(180)
def test_parameters_reach_an_image_by_each_way_and_each_output_format_becomes_data(boxes):
    world = boxes
    row = do(world, "box.show", {"text": "ä \"' $x"}, 60)
    assert row["status"] == "completed" and row["result"]["data"] == {"text": "ä \"' $x"}, row
    told = {"json": '{"n":1,"t":"a\'b $x"}', "yaml": '"n": 1\nt: "a\'b $x"', "dotenv": "n='1'\nt='a'\\''b $x'"}
    for delivery, kind in WAYS:
        row = do(world, f"box.{delivery}_{kind}", {"n": 1, "t": "a'b $x"}, 60)
        assert row["status"] == "completed" and row["result"]["stdout"].strip() == told[kind], row
    for kind, (says, data) in OUTPUTS.items():
        row = do(world, f"box.out_{kind}", seconds=60)
        assert row["status"] == "completed" and row["result"].get("data") == data, row
        assert data is not None or row["result"]["stdout"] == says + "\n", row
    row = do(world, "box.variables", seconds=60, env_vars={"OWN": "of the run"})
    said = row["result"]["stdout"].splitlines()
    assert "OWN=of the run" in said and f"ATTUNE_EXECUTION_ID={row['id']}" in said and "HOME=/" in row["result"]["stdout"], row


@pytest.mark.limit(180)
def test_what_runs_in_an_image_has_walls_and_limits_and_leaves_artifacts(boxes):
    world = boxes
    row = do(world, "box.boxed", seconds=60)
    assert row["status"] == "failed" and row["result"]["exit_code"] == 3, row
    kept = [a for a in things_of(world, row["id"]) if a.endswith("kept.txt")]
    assert len(kept) == 1 and kept[0].startswith(os.path.join(world.data, "artifacts")), kept
    row = do(world, "box.flood", seconds=60)
    assert row["status"] == "completed" and row["result"]["stdout_bytes_truncated"] > 1 << 20, row["result"].keys()
    if not world.engine.walls:
        return
    assert do(world, "box.boxed", seconds=60)["result"]["stdout"] == "of the pack"
    row = do(world, "box.much", seconds=60)
    assert row["status"] == "failed" and row["result"]["exit_code"] == 137, row
    row = do(world, "box.none", seconds=100)
    assert row["status"] == "failed" and row["result"]["exit_code"] == 125 and "attune/none" in row["result"]["error"], row
    network = os.readlink("/proc/self/ns/net")
    assert network in do(world, "box.outside", seconds=60)["result"]["stdout"]
    row = do(world, "box.strict", seconds=60)
    assert row["status"] == "completed" and network not in row["result"]["stdout"], row
    assert re.findall(r"^ *(\w+):", row["result"]["stdout"], re.M) == ["lo"], row
    gone(world)


def things_of(world, execution):
    return [os.path.join(at, name) for at, _, names in os.walk(os.path.join(world.data, "artifacts")) for name in names
            if f"execution_{execution}" in at or name.startswith("kept")]


def test_no_secret_of_a_run_in_an_image_stands_in_a_command_line(boxes):
    world = boxes
    run = ask(world, "box.secret", {"word": "s3cret-parameter"}, env_vars={"KEY": "s3cret-variable"})
    in_state(world, run, "running", 60)
    runs_in_one(world)
    lines = b"".join(lines_of_all())
    assert world.engine.program.encode() in lines and b"s3cret" not in lines
    pathlib.Path(world.packs, "box", "open").touch()
    row = settled(world, run, 60)
    assert row["status"] == "completed" and "s3cret-parameter" not in row["result"]["stdout"], row


def lines_of_all():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            yield pathlib.Path("/proc", pid, "cmdline").read_bytes()
        except OSError:
            pass  # it has ended


@pytest.mark.limit(300)
def test_an_image_that_is_late_or_cancelled_at_any_moment_leaves_no_container(boxes):
    world = boxes
    row = do(world, "box.late", seconds=60)
    assert row["status"] == "failed" and row["result"]["timed_out"], row
    run = ask(world, "box.stays")
    in_state(world, run, "running", 60)
    runs_in_one(world)
    world.post(f"/executions/{run}/cancel")
    assert settled(world, run, 60)["status"] == "cancelled"
    gone(world)
    dice, runs = random.Random(20261128), []
    for _ in range(int(os.environ.get("CANCELS", "8"))):
        runs.append(ask(world, "box.stays"))
        in_state(world, runs[-1], "running", 60)
        time.sleep(dice.random() * 0.7)  # its engine is anywhere between its first step and its last
        world.post(f"/executions/{runs[-1]}/cancel")
    assert {settled(world, run, 60)["status"] for run in runs} == {"cancelled"}
    gone(world)


@pytest.mark.limit(300)
def test_a_container_of_a_worker_that_was_killed_is_gone_when_the_next_has_come_and_no_other_is(boxes):
    world = boxes
    run = ask(world, "box.stays")
    in_state(world, run, "running", 60)
    runs_in_one(world)
    worker = world.kill("worker")
    if world.engine.walls:  # one of the same worker elsewhere, and one of its own, of which its engine has not begun the process
        name = world.rows("select name from worker where worker_role = 'action'")[0]["name"]
        for called, folder in (("elsewhere", "/elsewhere"), ("unbegun", os.path.join(world.data, "artifacts"))):
            done = world.engine.run("create", "--label", f"attune.worker={name}", "--label", f"attune.artifacts={folder}", "--name", called,
                                    "--network", "none", IMAGE, "sleep", "300")
            assert done.returncode == 0, done.stderr
    world.wait_ready([world.relaunch(worker)])
    assert settled(world, run, 60)["status"] == "abandoned"
    run = ask(world, "box.stays")  # at once: while it is being looked for the old ones
    in_state(world, run, "running", 60)
    if not world.engine.walls:
        return
    eventually(lambda: sorted(mine(world, run)) == ["elsewhere", "new"], 60, "the old ones are gone, the new one has come")
    calm(15)  # the second look, of either worker, comes after ten
    assert sorted(mine(world, run)) == ["elsewhere", "new"] and look(world, run)["status"] == "running"
    world.post(f"/executions/{run}/cancel")
    assert settled(world, run, 60)["status"] == "cancelled"
    eventually(lambda: world.engine.containers() == ["elsewhere"], 60, "only what is another's is left")


def mine(world, run):
    return ["new" if re.search(rf"-{run}-\d+-", name) else name for name in world.engine.containers()]


def ancestors(pid):
    found = []
    while pid > 1:
        try:
            pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rsplit(") ", 1)[1].split()[1])
        except OSError:
            break
        found.append(pid)
    return found


SLOW = """#!/bin/sh
case $1 in version) echo 4.3.1;; ps) echo $$ >>'LOOKS'; sleep 300; echo;; esac
"""


def test_who_looks_for_forgotten_containers_is_a_child_of_its_worker_and_ends_with_it(world, tmp_path):
    looks, client = tmp_path / "looks", tmp_path / "podman"
    client.write_text(SLOW.replace("LOOKS", str(looks)), encoding="ascii")
    os.chmod(client, 0o755)
    last = lambda n: eventually(lambda: looks.exists() and (found := looks.read_text(encoding="ascii").split())[n:] and int(found[n]), 60,
                                "somebody looks for containers")
    there = lambda pid: os.path.exists(f"/proc/{pid}/exe")
    world.start(config={"worker": {"interpreters": {"podman": str(client)}}})
    (worker,) = world.of_role("worker")
    looking = last(0)
    assert worker.pid in ancestors(looking)
    world.kill("worker")
    eventually(lambda: not there(looking), 60, "it ends with its worker")
    eventually(lambda: not world.leftovers(), 60, "and so does the shell that called it")
    world.wait_ready([world.relaunch(worker)], 60)
    looking = last(1)
    world.stop()
    assert not there(looking) and not world.leftovers()
