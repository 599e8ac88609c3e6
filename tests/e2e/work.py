"""What the tests give the platform to do: a pack whose actions write down what they did, and words to ask for runs and rules.

The ledger is a file the product knows nothing of. Each action appends one line when it starts and one when it ends, so that what
really happened can be held against what the database says.
"""

import os
import re
import shutil
import time
from collections import namedtuple

from harness import eventually, process_words

TERMINAL = ("completed", "failed", "cancelled", "timeout", "abandoned")

# Parameters come as key='value', which a shell reads as it stands.
MARK = r"""#!/bin/bash
. /dev/stdin
note() { printf '%s %s %s %s %s\n' "$1" "$ATTUNE_EXECUTION_ID" "${ATTUNE_RUN##*:}" $$ "$EPOCHREALTIME" >>'LEDGER'; }
note start
if [ "${seconds:-0}" != 0 ]; then sleep "$seconds"; fi
note end
exit "${exit_code:-0}"
"""

PYTHON = """import json, os, sys
params = json.load(sys.stdin)
print(json.dumps({"language": "python", "got": params, "id": os.environ["ATTUNE_EXECUTION_ID"]}))
"""

NODE = """let text = "";
process.stdin.on("data", (piece) => (text += piece));
process.stdin.on("end", () => {
  console.log(JSON.stringify({ language: "node", got: JSON.parse(text), id: process.env.ATTUNE_EXECUTION_ID }));
});
"""

NATIVE = """#!/bin/sh
printf '{"language": "native", "got": %s, "id": "%s"}\\n' "$(cat)" "$ATTUNE_EXECUTION_ID"
"""

SHOW = """#!/bin/bash
if [ "$ATTUNE_PARAMETER_DELIVERY" = file ]; then cat "$ATTUNE_PARAMETER_FILE"; else cat; fi
"""

# Writes a line, waits for a file, writes on: a character in two halves, and something to the other stream.
TALK = r"""#!/bin/bash
. /dev/stdin
printf 'first line\n'
until [ -e "$gate" ]; do sleep 0.05; done
printf 'sp\xc3'
sleep 0.4
printf '\xa4t\n'
printf 'aside' >&2
for ((i = 0; i < ${lines:-0}; i++)); do printf '%07d %092d\n' $i 0; done
"""

STUBBORN = r"""#!/bin/bash
# A tree that does not want to go: a child in a session of its own, another that ignores the polite signal.
setsid sleep 300 &
(trap '' TERM; sleep 300) &
trap '' TERM
printf 'start %s %s %s %s\n' "$ATTUNE_EXECUTION_ID" "${ATTUNE_RUN##*:}" $$ "$EPOCHREALTIME" >>'LEDGER'
sleep 300
"""

SIGNALLED = """#!/bin/bash
kill -9 $$
"""


def action(name, file, runner="shell", delivery="stdin", fmt="json", output="text", more=""):
    return (f"ref: lab.{name}\nlabel: {name}\nrunner_type: {runner}\nentry_point: {file}\nparameter_delivery: {delivery}\n"
            f"parameter_format: {fmt}\noutput_format: {output}\n{more}")


def test_pack_files(ledger):
    files = {
        "pack.yaml": "ref: lab\nlabel: Test\nversion: 1.0.0\n",
        "actions/mark.sh": MARK.replace("LEDGER", ledger),
        "actions/mark.yaml": action("mark", "mark.sh", fmt="dotenv", more="sandbox: off\n"),  # it writes to the ledger
        "actions/stubborn.sh": STUBBORN.replace("LEDGER", ledger),
        "actions/stubborn.yaml": action("stubborn", "stubborn.sh", more="sandbox: off\n"),
        "actions/talk.sh": TALK,
        "actions/talk.yaml": action("talk", "talk.sh", fmt="dotenv"),
        "actions/signalled.sh": SIGNALLED,
        "actions/signalled.yaml": action("signalled", "signalled.sh"),
        "actions/hello.py": PYTHON,
        "actions/python.yaml": action("python", "hello.py", "python", output="json"),
        "actions/hello.js": NODE,
        "actions/node.yaml": action("node", "hello.js", "nodejs", output="json"),
        "actions/hello": NATIVE,
        "actions/native.yaml": action("native", "hello", "native", output="json"),
        "actions/strict.yaml": action("strict", "show.sh", more="parameters:\n  count: {type: integer, required: true, minimum: 1}\n"),
        "actions/show.sh": SHOW,
        "triggers/thing.yaml": "ref: lab.thing\nlabel: Thing\n",
    }
    for delivery in ("stdin", "file"):
        for fmt in ("json", "dotenv", "yaml"):
            files[f"actions/show_{delivery}_{fmt}.yaml"] = action(f"show_{delivery}_{fmt}", "show.sh", delivery=delivery, fmt=fmt)
    return files


test_pack_files.__test__ = False


def ledger_path(world):
    return os.path.join(world.dir, "ledger")


def add_test_pack(world):
    world.add_pack("lab", test_pack_files(ledger_path(world)))


Entry = namedtuple("Entry", "word id attempt pid at")


class Ledger:
    """What the actions did, as they wrote it down themselves."""

    def __init__(self, world):
        self.path = ledger_path(world)

    def entries(self, word=None, of=None):
        if not os.path.exists(self.path):
            return []
        with open(self.path, encoding="ascii") as f:
            lines = [line.split() for line in f]
        all_of = [Entry(w, int(i), int(a), int(p), float(t)) for w, i, a, p, t in lines]
        return [e for e in all_of if word in (None, e.word) and of in (None, e.id)]

    def starts(self, of=None):
        return self.entries("start", of)

    def ends(self, of=None):
        return self.entries("end", of)


def ask(world, action_ref, parameters=None, **more):
    """Requests a run; its id."""
    return world.post("/executions/execute", {"action_ref": action_ref, "parameters": parameters or {}, **more}, 201)["data"]["id"]


def look(world, execution):
    return world.get(f"/executions/{execution}")["data"]


def settled(world, execution, seconds=30):
    """The run once it is terminal."""
    def terminal():
        row = world.get(f"/executions/{execution}", wait_seconds=min(seconds, 5))["data"]
        return row if row["status"] in TERMINAL else None

    return eventually(terminal, seconds, f"execution {execution} ends")


def do(world, action_ref, parameters=None, seconds=30, **more):
    return settled(world, ask(world, action_ref, parameters, **more), seconds)


def waits_for(row, reason):
    """The reason is its word alone, or the word with what exactly is missing."""
    return re.match(rf"{reason}\b", row.get("wait_reason") or "")


def in_state(world, execution, status, seconds=15):
    return eventually(lambda: (row := look(world, execution))["status"] == status and row, seconds,
                      f"execution {execution} is {status}")


def all_settled(world, executions, seconds=60):
    """{id: row} of many runs, read from the database so that the waiting does not disturb the API."""
    executions = list(executions)

    def look_all():
        rows = {r["id"]: r for r in world.rows(
            "select id, status, worker, attempt, started_at, finished_at, moves from execution where id >= ? and id <= ?",
            min(executions), max(executions))}
        open_ones = [i for i in executions if rows[i]["status"] not in TERMINAL]
        assert not open_ones, f"{len(open_ones)} of {len(executions)} still open, like {rows[open_ones[0]]}"
        return {i: rows[i] for i in executions}

    return eventually(look_all, seconds, "all executions end")


def rule(world, ref, trigger="core.intervaltimer", action_ref="core.echo", trigger_params=None, action_params=None, **more):
    return world.post("/rules", {"ref": ref, "pack_ref": ref.split(".")[0], "label": ref, "trigger_ref": trigger,
                                 "action_ref": action_ref, "trigger_params": trigger_params or {},
                                 "action_params": action_params or {}, **more}, 201)["data"]


def ticking(seconds=1):
    return {"unit": "seconds", "interval": seconds}


Move = namedtuple("Move", "state at by attempt note")


def moves(row):
    """The timeline of an execution's row: state|microseconds|by|attempt|note, a line each."""
    out = []
    for line in filter(None, row["moves"].split("\n")):
        state, at, by, attempt, *note = line.split("|", 4)
        out.append(Move(state, int(at), by, int(attempt), note[0] if note else ""))
    return out


def processes_of(world, execution):
    """{pid: command line} of what still runs for an execution."""
    marks = {f"ATTUNE_EXECUTION_ID={execution}", f"ATTUNE_ARTIFACTS_DIR={os.path.join(world.data, 'artifacts')}"}
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and marks <= set(process_words(name, "environ")):
            found[int(name)] = " ".join(process_words(name, "cmdline")).strip()
    return found


# In the order in which they can be deleted; what stands in a pack goes with it.
KINDS = {"inquiries": "id", "rules": "ref", "policies": "ref", "packs": "ref", "sensors": "ref", "triggers": "ref", "workflows": "ref",
         "actions": "ref", "keys": "ref", "identities": "id"}


def things(world, kind):
    """The names of what can be deleted."""
    found = world.get(f"/{kind}", page_size=100)
    return {thing[KINDS[kind]] for thing in found.get("items", found.get("data"))}


def sweep(world, kept):
    """Takes away what a test has made in a world that it shares; what has happened in it stays."""
    for kind in KINDS:
        for name in things(world, kind) - kept[kind]:
            world.delete(f"/{kind}/{name}")
    for name in os.listdir(world.packs):
        path = os.path.join(world.packs, name)
        if name != "core":
            shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)


def traces(worker):
    """Groups and private folders of the runs of a worker, by its process."""
    name = f"-{worker.pid}"
    groups = [d for d, _, _ in os.walk("/sys/fs/cgroup") if os.path.basename(d).endswith(name) and "attune-" in d]
    return groups + [d for d in os.listdir("/tmp") if d.startswith("attune-") and f"{name}-" in d]


def calm(seconds):
    """Lets time pass in which something must not happen: the only reason to wait for a fixed time."""
    time.sleep(seconds)


def now_us():
    return time.time_ns() // 1000
