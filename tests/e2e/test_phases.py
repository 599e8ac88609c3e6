"""kill -9 of the worker in each phase of a run, of each language: what the row says afterwards is what happened, it happened once, and
nothing is left of it. What is killed at any other moment: test_crash.py; what does its worst meanwhile: test_bombs.py."""

import os
import random
import shutil
import time

import pytest
import requests
from harness import eventually
from work import Ledger, ask, do, ledger_path, look, settled, traces

SHELL = ("printf 'start %s %s %s %s\\n' $ATTUNE_EXECUTION_ID ${ATTUNE_RUN##*:} $$ $EPOCHREALTIME >>'LEDGER'\n"
         "echo out; echo err >&2\n")
GO = """package main

import ("fmt"; "os"; "strings"; "time")

func main() {
	f, _ := os.OpenFile("LEDGER", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	run := strings.Split(os.Getenv("ATTUNE_RUN"), ":")
	fmt.Fprintf(f, "start %s %s %d %d\\n", os.Getenv("ATTUNE_EXECUTION_ID"), run[len(run)-1], os.Getpid(), time.Now().Unix())
	f.Close()
	fmt.Println("out")
}
"""
JAVA = """import java.nio.file.*;

public class A {
	public static void main(String[] a) throws Exception {
		String run = System.getenv("ATTUNE_RUN").replaceAll(".*:", "");
		Files.writeString(Path.of("LEDGER"), String.format("start %s %s %d %d\\n", System.getenv("ATTUNE_EXECUTION_ID"), run,
			ProcessHandle.current().pid(), System.currentTimeMillis() / 1000), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
		System.out.println("out");
	}
}
"""
LANGUAGES = {
    "shell": ("a.sh", "shell", SHELL),
    "inline": (None, "shell", SHELL),
    "native": ("a", "native", "#!/bin/bash\n" + SHELL),
    "python": ("a.py", "python",
               "import os, time\nopen('LEDGER', 'a').write('start %s %s %d %f\\n' % (os.environ['ATTUNE_EXECUTION_ID'], "
               "os.environ['ATTUNE_RUN'].split(':')[-1], os.getpid(), time.time()))\nprint('out')\n"),
    "nodejs": ("a.js", "nodejs",
               "const e = process.env; require('fs').appendFileSync('LEDGER', `start ${e.ATTUNE_EXECUTION_ID} "
               "${e.ATTUNE_RUN.split(':').pop()} ${process.pid} ${Date.now() / 1000}\\n`); console.log('out')\n"),
    "perl": ("a.pl", "perl",
             "open F, '>>', 'LEDGER'; printf F \"start %s %s %d %d\\n\", $ENV{ATTUNE_EXECUTION_ID}, $ENV{ATTUNE_RUN} =~ /:(\\d+)$/, $$, "
             "time; close F; print \"out\\n\";\n"),
    "ruby": ("a.rb", "ruby",
             "File.write('LEDGER', \"start #{ENV['ATTUNE_EXECUTION_ID']} #{ENV['ATTUNE_RUN'][/\\d+$/]} #{$$} #{Time.now.to_i}\\n\", mode: 'a')\n"
             "puts 'out'\n"),
    "go": ("a.go", "go", GO),
    "java": ("A.java", "java", JAVA),
    "r": ("a.R", "r",
          "run <- sub('.*:', '', Sys.getenv('ATTUNE_RUN'))\ncat(sprintf('start %s %s %d %d\\n', Sys.getenv('ATTUNE_EXECUTION_ID'), run, "
          "Sys.getpid(), as.integer(Sys.time())), file = 'LEDGER', append = TRUE)\ncat('out\\n')\n"),
}
PROGRAMS = {"perl": "perl", "ruby": "ruby", "go": "go", "java": "java", "r": "Rscript"}  # may be missing
LANGUAGES = {name: language for name, language in LANGUAGES.items() if name not in PROGRAMS or shutil.which(PROGRAMS[name])}

# Where it dies, how the run ends, and how often it had begun by then.
PHASES = {
    "worker.before_claim": ("completed", {1}),  # as if it had never been given out
    "worker.after_claim": ("abandoned", {0}),
    "worker.before_spawn": ("abandoned", {0}),  # nothing is laid out for it yet
    "worker.after_spawn": ("abandoned", {0, 1}),
    "worker.before_end": ("abandoned", {1}),  # it is over, and its result in memory alone
    "worker.after_end": ("completed", {1}),
}


def add_phases(world):
    if "java" in LANGUAGES:
        world.configure({"worker": {"interpreters": {"java": shutil.which("java")}}})  # which other tests do not wait for
    files = {"pack.yaml": "ref: phases\nversion: 1.0.0\n"}
    for name, (file, runner, code) in LANGUAGES.items():
        code = code.replace("LEDGER", ledger_path(world))
        if file:
            files[f"actions/{name}/{file}"] = code
        entry = f"{name}/{file}" if file else "|\n" + "".join(f"  {line}\n" for line in code.splitlines())
        files[f"actions/{name}.yaml"] = f"ref: phases.{name}\nrunner_type: {runner}\nsandbox: off\nentry_point: {entry}\n"
    world.add_pack("phases", files)


def ask_who_may_die(world, action):
    """The id; embedded, the answer may die with the worker, its run does not."""
    before = world.rows("select coalesce(max(id), 0) as id from execution")[0]["id"]
    try:
        return ask(world, action)
    except requests.ConnectionError:
        return world.rows("select max(id) as id from execution where id > ?", before)[0]["id"]


def again(world, process):
    eventually(lambda: not traces(process), 30, "no group and no folder is left")
    eventually(lambda: not world.leftovers(), 30, "no process is left")
    process.env.pop("ATTUNE_CRASH_POINT", None)
    process = world.relaunch(process)
    world.wait_ready([process])
    return process


@pytest.mark.limit(400)
@pytest.mark.parametrize("point", PHASES)
def test_a_worker_that_is_killed_in_a_phase_of_a_run_leaves_what_its_row_says(world, point):
    end, begun = PHASES[point]
    add_phases(world)
    world.start()
    for name in LANGUAGES:
        process = world.kill("worker")
        process.env["ATTUNE_CRASH_POINT"] = point
        process = world.relaunch(process)
        world.wait_ready([process])
        run = ask_who_may_die(world, f"phases.{name}")
        process.wait(60)
        again(world, process)
        row, starts = settled(world, run, 60), len(Ledger(world).starts(run))
        assert row["status"] == end and starts in begun, (name, starts, row)
        assert row["result"]["error"] if end == "abandoned" else row["result"]["stdout"] == "out\n", row
    for name in LANGUAGES:
        row = do(world, f"phases.{name}", seconds=60)
        assert row["status"] == "completed" and len(Ledger(world).starts(row["id"])) == 1, row


@pytest.mark.limit(400)
def test_a_worker_that_is_killed_at_any_moment_of_what_is_kept_ready_leaves_what_its_rows_say(world):
    """Interpreters that are kept loaded, forks, and Node's processes that wait; KILLS=300 for more."""
    add_phases(world)
    world.start(config={"worker": {"warm": True}})
    dice = random.Random(20261128)
    for number in range(int(os.environ.get("KILLS", "6"))):
        ready = [do(world, f"phases.{name}", seconds=60)["status"] for name in LANGUAGES for _ in range(2)]
        assert set(ready) == {"completed"}
        runs = [ask(world, f"phases.{name}") for name in LANGUAGES]
        time.sleep(dice.random() * 0.06)
        again(world, world.kill("worker"))
        for run in runs:
            row = settled(world, run, 60)
            starts = len(Ledger(world).starts(run))
            assert (row["status"] == "completed" and starts == 1) or (row["status"] == "abandoned" and starts <= 1), (number, row)


SLOW = """#!/bin/bash
# What an installer does, until somebody opens the gate.
echo begun >"$1/begun"
cd "$2"
[ -e gate ] && { cp begun.txt "$1/words"; exit 0; }
touch building
setsid bash -c 'while :; do sleep 1000; done' &
while :; do sleep 1000; done
"""


def test_a_worker_that_is_killed_while_it_builds_an_environment_leaves_none_half_made(world):
    runtime = ("ref: slow.sh\nname: slow-sh\nexecution_config:\n  interpreter: {binary: bash, file_extension: .sh}\n"
               "  environment: {env_type: folder, dir_name: env, create_command: [mkdir, -p, '{env_dir}'], interpreter_path: /bin/bash}\n"
               "  dependencies: {manifest_file: needs.txt, install_command: [bash, '{pack_dir}/install.sh', '{env_dir}', '{pack_dir}']}\n"
               "  env_vars: {ENV_DIR: '{env_dir}'}\n")
    world.add_pack("slow", {"pack.yaml": "ref: slow\nversion: 1.0.0\n", "runtimes/sh.yaml": runtime, "install.sh": SLOW, "needs.txt": "one\n",
                            "begun.txt": "whole\n", "actions/a.sh": "cat $ENV_DIR/words\n",
                            "actions/a.yaml": "ref: slow.a\nrunner_type: slow-sh\nentry_point: a.sh\n"})
    world.start()
    where = os.path.join(world.packs, "slow")
    run = ask(world, "slow.a")
    eventually(lambda: os.path.exists(os.path.join(where, "building")), 60)
    process = world.kill("worker")
    open(os.path.join(where, "gate"), "w", encoding="ascii").close()
    again(world, process)
    row = settled(world, run, 60)
    assert row["status"] in ("abandoned", "completed"), row
    assert do(world, "slow.a", seconds=60)["result"]["stdout"] == "whole\n"
    assert look(world, run)["status"] == row["status"]
