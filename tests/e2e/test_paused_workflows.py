"""Trees of workflows that are paused, go on, or are cancelled as they stand."""

import os

import pytest
from harness import eventually
from test_api import refused
from work import Ledger, add_test_pack, ask, calm, look, processes_of, settled

# Two runs wait for a gate, one of them two workflows down; behind each lies more to do.
LOW = [{"name": "gate", "action": "lab.talk", "input": {"gate": "{{ parameters.gate }}"}, "next": [{"do": ["after"]}]},
       {"name": "after", "action": "lab.mark", "input": {}}]
MIDDLE = [{"name": "low", "action": "lab.low", "next": [{"do": ["many"]}]},
          {"name": "many", "action": "lab.mark", "with_items": "{{ range(3) }}", "concurrency": 1, "input": {}}]
TOP = [{"name": "middle", "action": "lab.middle", "next": [{"do": ["last"]}]},
       {"name": "side", "action": "lab.talk", "input": {"gate": "{{ parameters.gate }}"}, "next": [{"do": ["last"]}]},
       {"name": "late", "action": "lab.mark", "delay": "2s", "input": {}, "next": [{"do": ["last"]}]},
       {"name": "last", "action": "lab.mark", "join": 3, "input": {}}]
MARKS = 6  # after, three of many, late, last


@pytest.fixture
def tree(world, request):
    policy = getattr(request, "param", "allow_finish")
    add_test_pack(world)
    world.start(counts={"worker": 2})
    for name, tasks in (("low", LOW), ("middle", MIDDLE), ("top", TOP)):
        world.post("/workflows", {"ref": f"lab.{name}", "pack_ref": "lab", "label": name, "version": "1",
                                  "param_schema": {"gate": {"type": "string"}},
                                  "definition": {"tasks": tasks, "cancellation_policy": policy}}, 201)
    world.gate = os.path.join(world.dir, "gate")
    world.stops_runs = policy == "cancel_running"
    return world


def open_gate(world):
    with open(world.gate, "w", encoding="utf-8"):
        pass


def talks(world, status):
    return [r["id"] for r in world.rows("select id from execution where action_ref = 'lab.talk' and status = ?", status)]


def unfinished(world):
    return world.rows("select id, action_ref, status from execution where finished_at is null")


def paused(world):
    """A tree of which two runs are under way, and no more may begin."""
    top = ask(world, "lab.top", {"gate": world.gate})
    eventually(lambda: len(talks(world, "running")) == 2, 60)
    world.post(f"/executions/{top}/pause")
    return top


def test_a_paused_tree_begins_nothing_finishes_what_ran_and_goes_on_where_it_stood(tree):
    top = paused(tree)
    assert "paused" in refused(tree, "POST", f"/executions/{top}/pause", 409)["error"]
    open_gate(tree)
    eventually(lambda: len(talks(tree, "completed")) == 2, 30)  # what ran is finished
    tree.wait_ready([tree.relaunch(tree.kill("executor"))])
    before = tree.rows("select id, status from execution order by id")
    calm(3)  # longer than the delay in it
    assert tree.rows("select id, status from execution order by id") == before
    assert not Ledger(tree).starts() and look(tree, top)["status"] == "running"
    tree.post(f"/executions/{top}/resume")
    assert settled(tree, top, 60)["status"] == "completed"
    assert len(Ledger(tree).starts()) == len(Ledger(tree).ends()) == MARKS and not unfinished(tree)
    assert len(talks(tree, "completed")) == 2  # neither was begun again
    refused(tree, "POST", f"/executions/{top}/pause", 409)


@pytest.mark.parametrize("tree", ["allow_finish", "cancel_running"], indirect=True)
def test_a_paused_tree_that_is_cancelled_leaves_nothing(tree):
    top = paused(tree)
    runs = talks(tree, "running")
    tree.post(f"/executions/{top}/cancel")
    if not tree.stops_runs:
        open_gate(tree)
    assert settled(tree, top, 60)["status"] == "cancelled"
    eventually(lambda: not unfinished(tree), 30)
    assert {look(tree, run)["status"] for run in runs} == {"cancelled" if tree.stops_runs else "completed"}
    calm(3)
    assert not Ledger(tree).starts() and not unfinished(tree)
    assert not tree.rows("select workflow from workflow_inbox")
    assert not any(processes_of(tree, run) for run in runs)
    refused(tree, "POST", f"/executions/{top}/resume", 409)
    open_gate(tree)
    again = ask(tree, "lab.top", {"gate": tree.gate})  # it holds nothing that others need
    assert settled(tree, again, 60)["status"] == "completed" and len(Ledger(tree).ends()) == MARKS


@pytest.mark.parametrize("how", ["cancel", "cancel twice", "timeout"])
def test_who_stops_what_runs_stops_it_in_workflows_below_that_would_let_it_finish(tree, how):
    more = {"timeout": 8} if how == "timeout" else {"cancellation_policy": "cancel_running"}
    tree.put("/workflows/lab.top", {"definition": {"tasks": TOP, **more}}, 200)
    top = ask(tree, "lab.top", {"gate": tree.gate})  # it stays shut
    eventually(lambda: len(talks(tree, "running")) == 2, 60)
    runs = talks(tree, "running")
    if how == "cancel twice":
        middle = tree.get("/executions", parent=top, action_ref="lab.middle")["data"][0]["id"]
        tree.post(f"/executions/{middle}/cancel")
        eventually(lambda: tree.rows("select id from execution where action_ref = 'lab.low' and status = 'canceling'"), 60)
        assert talks(tree, "running") == runs
    if how != "timeout":
        tree.post(f"/executions/{top}/cancel")
    assert settled(tree, top, 60)["status"] == ("failed" if how == "timeout" else "cancelled")
    eventually(lambda: not unfinished(tree), 60)
    assert [look(tree, run)["status"] for run in runs] == ["cancelled"] * 2
    assert not any(processes_of(tree, run) for run in runs)
    assert {s.id for s in Ledger(tree).starts()} == {e.id for e in Ledger(tree).ends()}  # `late`, where it had come
