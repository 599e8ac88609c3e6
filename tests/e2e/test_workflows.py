"""Workflows: kept, checked and run."""

import os

import pytest
import yaml

from harness import eventually
from test_api import ended, refused, run
from work import add_test_pack, Ledger, settled

TASKS = {"tasks": [{"name": "a", "action": "core.noop", "next": [{"when": "{{ succeeded() }}", "do": ["b"]}]},
                   {"name": "b", "action": "core.echo", "input": {"message": "{{ parameters.n }}"}}]}


@pytest.fixture
def api(swept):
    swept.post("/packs", {"ref": "mine", "label": "Mine", "version": "1.0.0"}, 201)
    return swept


def flow(ref="mine.flow", **more):
    return {"ref": ref, "pack_ref": "mine", "label": "Flow", "version": "1.0", "definition": TASKS, **more}


def test_a_workflow_has_an_action_of_the_same_ref_that_follows_it(api):
    made = api.post("/workflows", flow(tags=["x", "y"], param_schema={"n": {"type": "integer"}}), 201)["data"]
    action = api.get("/actions/mine.flow")["data"]
    assert action["workflow_def"] == made["id"] and action["param_schema"] == {"n": {"type": "integer"}}
    assert made["definition"] == TASKS and made["tags"] == ["x", "y"]
    api.put("/workflows/mine.flow", {"label": "Other", "version": "2"})
    assert api.get("/actions/mine.flow")["data"]["label"] == "Other"
    assert api.get("/workflows/mine.flow")["data"]["version"] == "2"
    assert api.delete("/workflows/mine.flow")["success"] is True
    assert "mine.flow" in refused(api, "GET", "/actions/mine.flow", 404)["error"]
    assert "mine.flow" in refused(api, "GET", "/workflows/mine.flow", 404)["error"]
    api.post("/workflows", flow(), 201)


def test_a_workflow_runs_and_its_runs_are_ordinary_executions(api):
    tasks = [{"name": "one", "action": "core.noop", "next": [{"publish": [{"n": 3}], "do": ["many"]}]},
             {"name": "many", "action": "core.noop", "with_items": "{{ range(n) }}", "concurrency": 2,
              "input": {"message": "item {{ item }}"}, "next": [{"do": ["last"]}]},
             {"name": "last", "action": "core.noop"}]
    api.post("/workflows", flow(definition={"tasks": tasks, "output_map": {"n": "{{ vars.n }}"}}), 201)
    row = ended(api, run(api, "mine.flow"))
    assert row["status"] == "completed" and row["result"] == {"n": 3, "succeeded": True}
    under = sorted(api.get("/executions", parent=row["id"])["data"], key=lambda e: e["id"])
    tasks = [e["workflow_task"] for e in under]
    assert [t["task_name"] for t in tasks] == ["one", "many", "many", "many", "last"]
    assert [t.get("task_index") for t in tasks[1:4]] == [0, 1, 2] and tasks[1]["triggered_by"] == "one"
    assert {t["workflow_execution"] for t in tasks} == {row["id"]} and {e["status"] for e in under} == {"completed"}


def test_a_task_is_tried_again_also_across_a_restart_and_its_workflow_hears_of_the_last_run(world):
    world.start()
    world.post("/packs", {"ref": "mine", "label": "Mine", "version": "1.0.0"}, 201)
    world.post("/actions", {"ref": "mine.bad", "pack_ref": "mine", "label": "Bad", "runtime_ref": "core.shell",
                            "entrypoint": "exit 3"}, 201)
    tasks = [{"name": "bad", "action": "mine.bad", "retry": {"count": 2, "delay": 4, "on_error": "{{ result().exit_code == 3 }}"},
              "next": [{"when": "{{ failed() }}", "do": ["end"]}]}, {"name": "end", "action": "core.noop"}]
    world.post("/workflows", flow(definition={"tasks": tasks}), 201)
    row = run(world, "mine.flow")
    under = lambda: sorted(world.get("/executions", parent=row["id"])["data"], key=lambda e: e["id"])
    eventually(lambda: len(under()) == 2, seconds=60)
    again = world.kill("executor")
    world.wait_ready([world.relaunch(again)])
    assert ended(world, row)["status"] == "completed"
    tries = under()
    assert [e["workflow_task"]["task_name"] for e in tries] == ["bad", "bad", "bad", "end"]
    assert [e["workflow_task"]["retry_count"] for e in tries] == [0, 1, 2, 0]
    assert {e["workflow_task"]["max_retries"] for e in tries[:3]} == {2}
    assert [world.get(f"/executions/{e['id']}")["data"].get("original_execution") for e in tries] == [
        None, tries[0]["id"], tries[0]["id"], None]


@pytest.mark.limit(200)
def test_a_chain_of_a_hundred_tasks_goes_on_through_kills_and_none_is_done_twice(world):
    """Executors and sensors lose nothing that runs; what runs dies with its worker, and is tried again as its task says."""
    add_test_pack(world)
    world.start(config={"executor": {"scheduled_timeout": 60}})
    tasks = [{"name": f"t{i}", "action": "lab.mark", "input": {}, "retry": {"count": 4, "delay": 0, "on": ["worker_lost"]},
              "next": [{"do": [f"t{i + 1}"]}] if i < 99 else []} for i in range(100)]
    world.post("/workflows", flow("lab.chain", pack_ref="lab", definition={"tasks": tasks}), 201)
    row = run(world, "lab.chain")
    done = lambda: world.rows("select count(*) as n from execution where parent = ? and status = 'completed'", row["id"])[0]["n"]
    for at, role in ((20, "executor"), (40, "worker"), (60, "executor")):
        eventually(lambda: done() >= at, seconds=60)
        world.wait_ready([world.relaunch(world.kill(role))])
    row = settled(world, row["id"], 100)
    assert row["status"] == "completed"
    under = world.rows("select id, status, task_no from execution where parent = ?", row["id"])
    assert sorted(e["task_no"] for e in under if e["status"] == "completed") == list(range(100))
    lost = [e for e in under if e["status"] != "completed"]
    assert {e["status"] for e in lost} <= {"abandoned"} and len(lost) <= 3
    begun, ended_ = ([e.id for e in Ledger(world).entries(word)] for word in ("start", "end"))
    assert len(set(begun)) == len(begun) and len(set(ended_)) == len(ended_), "a run was begun twice"
    assert {e["id"] for e in under if e["status"] == "completed"} <= set(ended_)
    assert set(begun) <= {e["id"] for e in under}


def test_workflows_are_found_by_tag_text_and_pack_walked_by_cursor(api):
    api.post("/workflows", flow("mine.b", label="Zebra", tags=["one"]), 201)
    api.post("/workflows", flow("mine.a", label="Ape", tags=["two", "three"]), 201)
    refs = lambda **q: [w["ref"] for w in api.get("/workflows", **q)["data"]]
    assert refs() == ["mine.a", "mine.b"] and refs(tags="one,three") == ["mine.a", "mine.b"]
    assert refs(tags="three") == ["mine.a"] and refs(search="zeb") == ["mine.b"] and refs(pack_ref="core") == []
    assert [w["ref"] for w in api.get("/packs/mine/workflows")["data"]] == ["mine.a", "mine.b"]
    first = api.get("/workflows", page_size=1)
    assert [w["ref"] for w in api.get("/workflows", after=first["pagination"]["next_cursor"])["data"]] == ["mine.b"]


@pytest.mark.parametrize("status, names, more", [
    (409, "mine.flow", {"ref": "mine.flow"}),
    (409, "core.echo", {"ref": "core.echo"}),
    (404, "gone", {"pack_ref": "gone"}),
    (422, "version", {"version": ""}),
    (422, "definition/tasks", {"definition": {}}),
    (422, "definition/tasks/0/next/0/do/0", {"definition": {"tasks": [
        {"name": "a", "action": "core.noop", "next": [{"do": ["b"]}]}]}}),
    (422, "definition/tasks/0/input", {"definition": {"tasks": [
        {"name": "a", "action": "core.noop", "input": {"x": "{{ 1 + }}"}}]}}),
    (422, "definition/tasks/0/action: there is no action 'core.ecko'. Did you mean 'core.echo'?", {"definition": {
        "tasks": [{"name": "a", "action": "core.ecko"}]}}),
    (422, "definition/tasks/0/input: Invalid parameters for action 'core.sleep'", {"definition": {
        "tasks": [{"name": "a", "action": "core.sleep", "input": {"seconds": "long"}}]}}),
    (422, "there is no variable 'x'", {"definition": {
        "tasks": [{"name": "a", "action": "core.echo", "input": {"message": "{{ x }}"}}]}}),
    (422, "nothing ends the loop from 'a' to 'a'", {"definition": {
        "tasks": [{"name": "a", "action": "core.noop", "next": [{"do": ["a"]}]}]}}),
    (422, "param_schema", {"param_schema": {"a": {"type": "nothing"}}}),
    (422, "definition: has 1048", {"definition": {
        "tasks": [{"name": "a", "action": "core.echo", "input": {"message": "x" * (1 << 20)}}]}}),
])
def test_a_workflow_that_cannot_be_is_refused_with_its_place_and_nothing_is_stored(api, status, names, more):
    api.post("/workflows", flow(), 201)
    assert names in refused(api, "POST", "/workflows", status, flow(**{"ref": "mine.new", **more}))["error"]
    assert [w["ref"] for w in api.get("/workflows")["data"]] == ["mine.flow"]
    if more.get("ref") != "core.echo":
        assert "mine.new" in refused(api, "GET", "/actions/mine.new", 404)["error"]


def test_workflows_that_run_each_other_deeper_than_they_may_are_refused_where_the_last_is_made(api):
    def level(name, action):
        return flow(f"mine.{name}", definition={"tasks": [{"name": "a", "action": action}]})
    api.post("/workflows", level("level31", "core.noop"), 201)
    for i in reversed(range(31)):
        api.post("/workflows", level(f"level{i}", f"mine.level{i + 1}"), 201)
    assert ended(api, run(api, "mine.level0"))["status"] == "completed"
    said = refused(api, "POST", "/workflows", 422, level("above", "mine.level0"))["error"]
    assert "definition/tasks/0/action: below 'a' workflows run workflows to more than 32 levels" in said
    said = refused(api, "PUT", "/workflows/mine.level0", 422, {"definition": {"tasks": [
        {"name": "near", "action": "mine.level2"}, {"name": "far", "action": "mine.above"}]}})["error"]
    assert "no action 'mine.above'" in said and "levels" not in said
    # a short way to a workflow does not hide the long one
    ways = {"tasks": [{"name": "near", "action": "mine.level5"}, {"name": "far", "action": "mine.level0"}]}
    assert "below 'far'" in refused(api, "POST", "/workflows", 422, flow("mine.ways", definition=ways))["error"]
    either = {"tasks": [{"name": "a", "action": "mine.level0", "when": "{{ default(parameters.deep, false) }}"}]}
    api.post("/workflows", flow("mine.perhaps", definition=either), 201)


def test_what_may_go_wrong_is_a_warning_and_another_label_needs_no_actions(api):
    tasks = [{"name": "a", "action": "core.echo", "input": {"message": "{{ parameters.m }}", "mesage": "x"}},
             {"name": "b", "action": "later.act"}]
    made = api.post("/workflows", flow("mine.odd", definition={"tasks": tasks}), 201)["data"]
    assert "warnings" not in api.post("/workflows", flow(), 201)["data"]
    assert ["has no parameter 'mesage'. Did you mean 'message'?" in made["warnings"][0],
            "there is no pack 'later' yet" in made["warnings"][1], len(made["warnings"])] == [True, True, 2]
    tasks = [{"name": "a", "action": "mine.tool"}]
    api.post("/actions", {"ref": "mine.tool", "pack_ref": "mine", "label": "T", "entrypoint": "true",
                          "runtime": api.get("/runtimes/core.shell")["data"]["id"]}, 201)
    assert "warnings" not in api.put("/workflows/mine.flow", {"definition": {"tasks": tasks}}, 200)["data"]
    api.delete("/actions/mine.tool")
    assert api.put("/workflows/mine.flow", {"label": "New"}, 200)["data"]["label"] == "New"
    assert "there is no action 'mine.tool'" in refused(
        api, "PUT", "/workflows/mine.flow", 422, {"definition": {"tasks": tasks}})["error"]
    over = ended(api, run(api, "mine.flow"))
    assert over["status"] == "failed"
    child = api.get("/executions", parent=over["id"])["data"][0]
    assert api.get(f"/executions/{child['id']}")["data"]["result"]["error"] == "Action 'mine.tool' not found"


def test_a_workflow_that_runs_itself_ends_at_the_deepest_level_with_the_cure(api):
    """It may be meant, with a `when` that ends it; one that never does ends at the 32nd level, which says what to do instead."""
    again = {"name": "again", "action": "mine.self"}
    said = refused(api, "POST", "/workflows", 422, flow("mine.self", definition={"tasks": [again]}))["error"]
    assert said == ("Validation failed: definition/tasks/0/action: 'again' runs this workflow again, and nothing decides whether it "
                    "does, so it would never end: give the task, or a way to it, a 'when'")
    api.post("/workflows", flow("mine.self", definition={"tasks": [{**again, "when": "{{ 1 < 2 }}"}]}), 201)
    over = ended(api, run(api, "mine.self"))
    assert over["status"] == "failed"
    errors = [e["result"]["error"] for e in (api.get(f"/executions/{row['id']}")["data"] for row in api.get(
        "/executions", page_size=100, action_ref="mine.self")["data"]) if "deeper" in e["result"]["error"]]
    (deepest,) = errors
    assert deepest == ("workflows are nested deeper than 32: if 'mine.self' runs itself, perhaps through others, make a loop of it "
                       "(a transition back to an earlier task), else put some of its levels into one workflow")


def ring(decides, *names):
    """Workflows that each run the next one, and the last one the first, as documents of `attune apply`."""
    return yaml.safe_dump_all([{"kind": "workflow", "ref": f"mine.{a}", "pack_ref": "mine", "label": a, "version": "1.0", "param_schema": {
        "n": {"type": "integer"}}, "definition": {"tasks": [
            {"name": "go", "action": "core.noop", "next": [{"do": ["on"], **({"when": "{{ parameters.n > 0 }}"} if decides else {})}]},
            {"name": "on", "action": f"mine.{b}", "input": {"n": "{{ parameters.n - 1 }}"}}]}}
        for a, b in zip(names, names[1:] + names[:1])])


def test_new_workflows_that_run_each_other_are_applied_together_when_something_ends_them(api, tmp_path):
    file = tmp_path / "ring.yaml"
    file.write_text(ring(False, "a", "b", "c"))
    said = api.cli("apply", "-f", file, "--yes", code=1).err
    assert f"{file}:1: workflow mine.a: definition/tasks/1/action: 'on' runs this workflow again by way of 'mine.c' by way of 'mine.b', " \
           "and nothing decides" in said
    assert [w["ref"] for w in api.get("/workflows")["data"]] == [], "of workflows that run each other one was left behind"
    file.write_text(ring(True, "a", "b", "c"))
    assert "3 created" in api.cli("apply", "-f", file, "--yes").out
    over = ended(api, run(api, "mine.a", parameters={"n": 4}))
    assert over["status"] == "completed"
    assert sum(api.get("/executions", action_ref=f"mine.{x}")["pagination"]["total_items"] for x in "abc") == 5
    last = api.get("/workflows/mine.b")["data"]["definition"]
    last["tasks"][0]["next"][0].pop("when")
    api.put("/workflows/mine.b", {"definition": last})  # the others still decide
    file.write_text(ring(False, "a", "b", "c"))
    assert "by way of" in api.cli("apply", "-f", file, "--yes", code=1).err
    assert "when" in str(api.get("/workflows/mine.a")["data"]["definition"])


def test_files_given_together_and_those_of_their_pack_count_as_there(api, tmp_path):
    def text(action, **more):
        return yaml.safe_dump({"version": "1.0.0", **more, "tasks": [{"name": "a", "action": action, "input": {"n": 1}}]})
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text(text("mine.two", ref="mine.one"))
    two.write_text(text("core.echo", ref="mine.two", parameters={"n": {"type": "string"}}))
    assert f"{one}:3:3: error: there is no action 'mine.two'" in api.cli("workflow", "validate", one, code=1).out
    said = api.cli("workflow", "validate", one, two, code=1).out
    assert f"{one}:4:3: error: Invalid parameters for action 'mine.two'" in said and "there is no action" not in said
    two.write_text(text("core.echo", ref="mine.two", parameters={"n": {"type": "integer"}}))
    said = api.cli("workflow", "validate", one, two).out
    assert f"{one} is valid.\n" in said and f"{two} is valid, with warnings.\n" in said
    assert [v["valid"] for v in api.cli("workflow", "validate", one, two, "-o", "json").json()] == [True, True]
    two.write_text(text("mine.one", ref="mine.two"))
    assert "'a' runs this workflow again by way of 'mine.two'" in api.cli("workflow", "validate", one, two, code=1).out
    pack = tmp_path / "shop"
    (pack / "actions" / "workflows").mkdir(parents=True)
    (pack / "pack.yaml").write_text("ref: shop\nversion: 1.0.0\n")
    (pack / "actions" / "tool.yaml").write_text("ref: shop.tool\nrunner_type: shell\nentry_point: tool.sh\nparameters:\n  n: {type: integer}\n")
    (pack / "actions" / "sell.yaml").write_text("ref: shop.sell\nworkflow_file: workflows/sell.workflow.yaml\n")
    sell = pack / "actions" / "workflows" / "sell.workflow.yaml"
    sell.write_text(text("shop.tool"))
    for what in (pack / "actions" / "sell.yaml", sell):
        assert api.cli("workflow", "validate", what).out == f"{sell} is valid.\n"
    (pack / "actions" / "tool.yaml").unlink()
    assert "there is no pack 'shop' yet" in api.cli("workflow", "validate", sell).out


def test_a_file_and_what_is_stored_are_validated_without_storing_anything(api, tmp_path):
    good = tmp_path / "good.workflow.yaml"
    good.write_text("version: 1.0.0\ntasks:\n  - name: a\n    action: core.echo\n    input: {message: hi}\n")
    assert api.cli("workflow", "validate", good).out == f"{good} is valid.\n"
    bad = tmp_path / "bad.yaml"
    bad.write_text("version: 1.0.0\ntasks:\n  - name: a\n    action: core.ecko\n    next:\n      - do: [b]\n"
                   "  - name: c\n    action: core.sleep\n    input:\n      secs: 3\n      seconds: soon\n")
    said = api.cli("workflow", "validate", bad, code=1).out
    assert f"{bad}:6:14: error: Task 'a' references non-existent task 'b'\n" in said
    assert f"{bad}:4:5: error: there is no action 'core.ecko'. Did you mean 'core.echo'?\n" in said
    assert f"{bad}:9:5: error: Invalid parameters for action 'core.sleep'" in said
    assert f"{bad}:10:7: warning: action 'core.sleep' has no parameter 'secs'" in said
    assert said.endswith(f"{bad} is not valid: 3 errors, 1 warning.\n")
    problems = api.cli("workflow", "validate", bad, "-o", "json", code=1).json()["problems"]
    assert [p["level"] for p in problems] == ["error", "error", "error", "warning"] and problems[1]["line"] == 4
    slip = tmp_path / "slip.yaml"
    slip.write_text("version: 1.0.0\ntasks:\n  - name: a\n    action: core.noop\n    onfailure: a\n")
    assert f"{slip}:5:5: warning: a task has no key 'onfailure', so it is passed over. Did you mean 'on_failure'?\n" in api.cli(
        "workflow", "validate", slip).out
    empty = tmp_path / "empty.yaml"
    empty.write_text("")
    assert f"{empty}:1:1: error: a mapping of keys is expected, not nothing\n" in api.cli("workflow", "validate", empty, code=1).out
    torn = tmp_path / "torn.yaml"
    torn.write_text("version: 1\ntasks: [\n")
    assert f"{torn}:" in api.cli("workflow", "validate", torn, code=1).out
    (tmp_path / "act.yaml").write_text("ref: mine.act\nworkflow_file: self.yaml\nparameters:\n  n: {type: integer, required: true}\n")
    (tmp_path / "self.yaml").write_text("version: 1.0.0\ntasks:\n  - name: again\n    action: mine.act\n    input: {n: much}\n")
    assert f"{tmp_path}/self.yaml:5:5: error: Invalid parameters for action 'mine.act'" in api.cli(
        "workflow", "validate", tmp_path / "act.yaml", code=1).out
    api.post("/workflows", flow(definition={"tasks": [{"name": "a", "action": "core.echo", "next": [
        {"when": "{{ failed() }}", "do": ["a"]}]}]}), 201)
    said = api.cli("workflow", "validate", "mine.flow").out
    assert "mine.flow: definition/tasks/0: warning: 'a' leads back to 'a'" in said and "1000 rounds" in said
    assert said.endswith("mine.flow is valid, with warnings.\n")
    assert "either text or definition" in refused(api, "POST", "/workflows/validate", 422, {})["error"]
    assert [w["ref"] for w in api.get("/workflows")["data"]] == ["mine.flow"]
    assert "is not there" in api.cli("workflow", "validate", tmp_path / "none.yaml", code=1).err


def saved(**more):
    return {"name": "flow", "pack_ref": "mine", "label": "Flow", "version": "1.0", "definition": TASKS, **more}


def test_a_workflow_saved_as_files_is_the_same_when_the_pack_is_read_again(api):
    made = api.post("/packs/mine/workflow-files", saved(param_schema={"n": {"type": "integer"}}), 201)["data"]
    folder = os.path.join(api.packs, "mine")
    with open(os.path.join(folder, "actions", "flow.yaml"), encoding="utf-8") as f:
        action = yaml.safe_load(f)
    assert action["ref"] == "mine.flow" and action["workflow_file"] == "workflows/flow.workflow.yaml"
    changed = api.put("/workflows/mine.flow/file", saved(version="2.0", label="Changed"))["data"]
    assert changed["id"] == made["id"] and changed["version"] == "2.0"
    api.add_pack("mine", {"pack.yaml": "ref: mine\nversion: 1.0.0\n"})
    api.post("/packs/register", {"path": folder, "force": True}, 201)
    again = api.get("/workflows/mine.flow")["data"]
    assert {k: again[k] for k in again if k != "updated"} == {k: changed[k] for k in changed if k != "updated"}
    refused(api, "POST", "/packs/mine/workflow-files", 409, saved())


@pytest.mark.parametrize("name", ["../x", "a/b", "A", ".x", "x.y"])
def test_a_workflow_file_stays_in_its_pack(api, name):
    assert "name" in refused(api, "POST", "/packs/mine/workflow-files", 422, saved(name=name))["error"]
    assert not os.path.exists(os.path.join(api.packs, "mine", "actions"))


def test_a_workflow_whose_file_cannot_be_written_is_not_stored(api):
    with open(os.path.join(api.packs, "mine"), "w", encoding="utf-8") as f:
        f.write("in the way of the folder")
    refused(api, "POST", "/packs/mine/workflow-files", 500, saved())
    assert api.get("/workflows")["data"] == []


def test_a_pack_brings_workflows_of_both_kinds_and_syncs_and_validates_them(world):
    world.add_pack("shop", {
        "pack.yaml": "ref: shop\nversion: 1.0.0\n",
        "actions/buy.yaml": "ref: shop.buy\nlabel: Buy\nworkflow_file: workflows/buy.workflow.yaml\n"
                            "parameters:\n  n: {type: integer}\n",
        "actions/workflows/buy.workflow.yaml": "version: 1.0.0\ntasks:\n  - name: a\n    action: core.noop\n",
        "workflows/sell.yaml": "version: 1.0.0\nlabel: Sell\ntags: [t]\ntasks:\n  - name: a\n    action: core.noop\n"})
    world.start()
    assert [w["ref"] for w in world.get("/packs/shop/workflows")["data"]] == ["shop.buy", "shop.sell"]
    assert world.get("/workflows/shop.buy")["data"]["param_schema"] == {"n": {"type": "integer"}}
    assert world.get("/actions/shop.sell")["data"]["workflow_def"]
    world.add_pack("shop", {"workflows/sell.yaml": "version: 2.0.0\ntasks:\n  - name: a\n    action: nothing\n"})
    said = world.post("/packs/shop/workflows/validate")["data"]
    assert said["error_count"] == 1 and "line 4" in said["errors"]["workflows/sell.yaml"][0]
    world.add_pack("shop", {"workflows/sell.yaml": "version: 2.0.0\ntasks:\n  - name: a\n    action: shop.by\n"
                                                   "  - name: b\n    action: later.x\n"})
    said = world.post("/packs/shop/workflows/validate")["data"]
    assert said["errors"] == {"workflows/sell.yaml": ["line 4: there is no action 'shop.by'. Did you mean 'shop.buy'?"]}
    assert [w.split(":")[0] for w in said["warnings"]["workflows/sell.yaml"]] == ["line 6"]
    assert "workflows/sell.yaml:4:5: there is no action" in refused(world, "POST", "/packs/shop/workflows/sync", 422)["error"]
    world.add_pack("shop", {"workflows/sell.yaml": "version: 2.0.0\ntasks:\n  - name: a\n    action: nothing\n"})
    nothing = world.post("/packs/shop/workflows/sync")["data"]
    assert nothing["errors"] and nothing["registered_count"] == 0
    assert world.get("/workflows/shop.sell")["data"]["version"] == "1.0.0"
    world.add_pack("shop", {"workflows/sell.yaml": "version: 2.0.0\ntasks:\n  - name: a\n    action: core.echo\n",
                            "workflows/lend.yaml": "version: 1.0.0\ntasks:\n  - name: a\n    action: core.echo\n"})
    synced = world.post("/packs/shop/workflows/sync")["data"]
    assert synced["loaded_count"] == synced["registered_count"] == 3 and synced["errors"] == []
    assert {w["ref_name"]: w["created"] for w in synced["workflows"]} == {
        "shop.buy": False, "shop.sell": False, "shop.lend": True}
    assert world.get("/workflows/shop.sell")["data"]["version"] == "2.0.0"
    assert "gone" in refused(world, "POST", "/packs/gone/workflows/sync", 404)["error"]


def test_a_question_holds_a_workflow_until_somebody_answers_or_its_time_is_over(api):
    ask = {"name": "ask", "action": "core.ask", "input": {"prompt": "go on?", "response_schema": {"ok": {"type": "boolean"}}},
           "next": [{"when": "{{ succeeded() and result().response.ok }}", "publish": [{"said": "yes"}], "do": ["end"]},
                    {"when": "{{ timed_out() }}", "publish": [{"said": "nothing"}], "do": ["end"]}]}
    tasks = {"tasks": [ask, {"name": "end", "action": "core.noop"}], "output_map": {"said": "{{ vars.said }}"}}
    api.post("/workflows", flow("mine.ask", definition=tasks), 201)
    late = {"tasks": [{**ask, "timeout": 1}, tasks["tasks"][1]], "output_map": tasks["output_map"]}
    api.post("/workflows", flow("mine.late", definition=late), 201)
    waits, over = run(api, "mine.ask"), run(api, "mine.late")
    asked = eventually(lambda: [i for i in api.get("/inquiries/status/pending")["data"]
                                if api.get(f"/executions/{i['execution']}")["data"]["parent"] == waits["id"]], seconds=30)[0]
    assert refused(api, "POST", f"/inquiries/{asked['id']}/respond", 422, {"response": {"ok": "maybe"}})
    assert ended(api, over)["result"] == {"said": "nothing", "succeeded": True}
    question = [e for e in api.get("/executions", parent=over["id"])["data"] if e["action_ref"] == "core.ask"][0]
    assert question["status"] == "timeout" and question["workflow_task"]["timed_out"] is True
    assert api.get(f"/executions/{waits['id']}")["data"]["status"] == "running"
    api.post(f"/inquiries/{asked['id']}/respond", {"response": {"ok": True}}, 200)
    assert ended(api, waits)["result"] == {"said": "yes", "succeeded": True}


def test_a_question_that_is_cancelled_ends_at_once(api):
    row = run(api, "core.ask", parameters={"prompt": "anybody?"})
    asked = eventually(lambda: api.get("/inquiries", execution=row["id"])["data"], seconds=30)[0]
    api.post(f"/executions/{row['id']}/cancel", {}, 200)
    assert ended(api, row)["status"] == "cancelled"
    assert api.get(f"/inquiries/{asked['id']}")["data"]["status"] == "cancelled"


SEEN = {"tasks": [{"name": "begin", "action": "core.noop", "next": [{"when": "{{ succeeded() }}", "publish": [{"n": 2}], "do": ["many"]},
                                                                    {"when": "{{ failed() }}", "do": ["end"]}]},
                  {"name": "many", "action": "core.noop", "with_items": "{{ range(n) }}", "next": [{"do": ["end"]}]},
                  {"name": "end", "action": "core.noop"}]}


def test_who_follows_a_run_sees_why_tasks_went_wrong_and_what_was_cancelled(api):
    api.post("/workflows", flow("mine.wrong", definition={"tasks": [
        {"name": "say", "action": "core.echo", "input": {"message": "{{ [1] }}"}, "next": [{"when": "{{ failed() }}", "do": ["many"]}]},
        {"name": "many", "action": "core.http_request", "with_items": ["ftp://x", "gopher://x"], "input": {"url": "{{ item }}"}}]}), 201)
    run_id = run(api, "mine.wrong")["id"]
    ended_badly = api.cli("action", "run", "mine.wrong", "--wait", code=1).err.splitlines()
    assert ended_badly[0].endswith("failed: many") and ended_badly[1].startswith("Why: attune workflow watch "), ended_badly
    said = api.cli("workflow", "watch", run_id, code=1).out
    why = "Invalid parameters for action 'core.echo': [1] is not of type \"string\" at /message"
    assert any(line.split("  ")[1:3] == ["say", "failed"] and line.endswith(", " + why) for line in said.splitlines()), said
    say, many = api.get(f"/executions/{run_id}/workflow")["data"]["tasks"]
    assert [r["error"] for r in say["runs"]] == [why] and all(r["error"] in said for r in many["runs"]) and len(many["runs"]) == 2
    api.post("/workflows", flow("mine.nap", definition={"tasks": [{"name": "z", "action": "core.sleep", "input": {"seconds": 300}}]}), 201)
    api.post("/workflows", flow("mine.naps", definition={"cancellation_policy": "cancel_running", "tasks": [
        {"name": "done", "action": "core.noop", "input": {}}, {"name": "nap", "action": "mine.nap", "input": {}}]}), 201)
    run_id = run(api, "mine.naps")["id"]
    eventually(lambda: [e["status"] for e in api.get("/executions", action_ref="core.sleep")["data"]] == ["running"], seconds=60)
    api.post(f"/executions/{run_id}/cancel")
    said = api.cli("workflow", "watch", run_id, code=1).out
    assert {"nap  cancelled", "nap/z  cancelled", "done  completed"} <= {"  ".join(line.split("  ")[1:3]) for line in said.splitlines()}, said
    assert "failed" not in said


def test_a_workflow_is_drawn_and_its_run_followed(api):
    api.post("/workflows", flow("mine.seen", definition=SEEN), 201)
    drawn = api.get("/workflows/mine.seen/graph")["data"]
    assert [(t["name"], t["layer"]) for t in drawn["tasks"]] == [("begin", 0), ("many", 1), ("end", 2)]
    assert [(w["from"], w["to"], w["when"]) for w in drawn["transitions"]] == [
        ("begin", "many", "succeeded()"), ("begin", "end", "failed()"), ("many", "end", None)]
    text = api.cli("workflow", "graph", "mine.seen").out
    assert text.startswith("mine.seen: 3 tasks in 3 layers\n") and "├─ succeeded() → many   publishes n" in text
    assert api.cli("workflow", "graph", "mine.seen", "--format", "svg").out.startswith("<svg ")
    assert api.cli("workflow", "graph", "mine.seen", "-f", "dot").out.startswith('digraph "mine.seen" {')
    inner = {"tasks": [{"name": "deep", "action": "mine.seen"}, {"name": "off", "action": "core.noop", "when": "false"}]}
    api.post("/workflows", flow("mine.around", definition=inner), 201)
    run_id = run(api, "mine.around")["id"]
    lines = [line.split("  ")[1:3] for line in api.cli("workflow", "watch", run_id).out.splitlines()]
    for seen in (["deep", "completed"], ["off", "skipped"], ["deep/begin", "completed"], ["deep/many", "completed"], ["mine.around", "completed"]):
        assert seen in lines, lines
    deep, off = api.get(f"/executions/{run_id}/workflow")["data"]["tasks"]
    assert deep["ready_at"] <= deep["started_at"] <= deep["finished_at"] and deep["runs"][0]["error"] is None and (deep["tries"], deep["iterations"]) == (1, 1)
    assert off["started_at"] is None and off["status"] == "skipped" and not off["runs"]
    many = api.get(f"/executions/{deep['runs'][0]['execution']}/workflow")["data"]["tasks"][1]
    assert many["items"] == {"total": 2, "begun": 2, "running": 0, "failed": 0} and many["rounds"][0]["runs"] == 2 and many["triggered_by"] == "begin"
    assert "no workflow" in refused(api, "GET", f"/executions/{ended(api, run(api, 'core.noop'))['id']}/workflow", 404)["error"]
    before = api.get("/executions", page_size=1)["data"][0]["id"]
    said = api.cli("workflow", "run", "mine.seen", "--dry-run", "--result", 'many=[{"x": 1}, {"x": 2}]').out
    assert "task     begin  completed, publishes {\"n\":2}\n" in said and 'ends     many[1]  completed with {"data":{"x":2}}\n' in said
    assert said.endswith('completed  {"succeeded":true}\n') and "starts   end  core.noop {}\n" in said
    assert "failed with" in api.cli("workflow", "run", "mine.seen", "--dry-run", "--fail", "end", code=1).out
    assert "no task 'gone'" in api.cli("workflow", "run", "mine.seen", "--dry-run", "--fail", "gone", code=1).err
    assert "--result many is no JSON: line 1" in api.cli("workflow", "run", "mine.seen", "--dry-run", "--result", "many={", code=2).err
    assert api.get("/executions", page_size=1)["data"][0]["id"] == before, "a dry run starts nothing"
    again = api.cli("execution", "rerun", run_id, "--from", "deep", "--wait", "-j").json()
    assert again["status"] == "completed" and again["retry_reason"] == "rerun"
    deep, off = api.get(f"/executions/{again['id']}/workflow")["data"]["tasks"]
    assert (deep["taken_over"], off["taken_over"], off["status"]) == (False, True, "skipped") and deep["runs"]
    assert "There is no task 'gone'" in api.cli("execution", "rerun", run_id, "--from", "gone", code=1).err
    api.post("/workflows", flow("mine.bad", definition={"tasks": [{"name": "a", "action": "later.nothing"}, {"name": "b", "action": "core.noop"}]}), 201)
    assert "failed: a" in api.cli("workflow", "watch", run(api, "mine.bad")["id"], code=1).err
    assert "json, text, dot or svg" in refused(api, "GET", "/workflows/mine.seen/graph?format=png", 400)["error"]
