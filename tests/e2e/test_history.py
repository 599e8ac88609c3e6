"""What happened to executions and workers, and the audit of what executions did: made of their timelines."""

from harness import eventually


def run(world, action="core.noop", **more):
    made = world.post("/executions/execute", {"action_ref": action, **more}, 201)["data"]
    return world.get(f"/executions/{made['id']}", wait_seconds=30)["data"]


def states(records):
    return [r["new_values"]["status"] for r in records]


def test_the_history_of_an_execution_tells_each_move_newest_first(swept):
    done = run(swept, "core.echo", parameters={"message": "hi"})
    other = run(swept)
    page = swept.get(f"/executions/{done['id']}/history")
    records = page["items"]
    assert states(records) == [m["status"] for m in reversed(done["timeline"])]
    assert states(records)[0] == "completed" and states(records)[-1] == "requested"
    first, last = records[-1], records[0]
    assert first["operation"] == "INSERT" and first["old_values"] is None and first["entity_ref"] == "core.echo"
    assert last["operation"] == "UPDATE" and "status" in last["changed_fields"] and "result" in last["changed_fields"]
    assert last["old_values"] == {"status": "running"}
    digest = last["new_values"]["result"]
    assert digest["digest"].startswith("sha256:") and digest["size"] > 0 and digest["type"] == "object"
    assert page["pagination"]["total_items"] == len(records) == len(done["timeline"])
    assert {r["entity_id"] for r in records} == {done["id"]}
    assert {r["entity_id"] for r in swept.get("/history/execution")["items"]} == {done["id"], other["id"]}
    assert swept.get("/executions/999999999/history")["items"] == []


def test_a_history_is_filtered_and_paged(world):
    world.start()
    runs = [run(world) for _ in range(3)]
    every = world.get("/history/execution")["items"]
    assert [r["entity_id"] for r in every] == sorted((r["entity_id"] for r in every), reverse=True)
    assert len(world.get("/history/execution", operation="INSERT")["items"]) == 3
    assert len(world.get("/history/execution", operation="insert", entity_id=runs[1]["id"])["items"]) == 1
    assert states(world.get("/history/execution", changed_field="result")["items"]) == ["completed"] * 3
    assert world.get("/history/execution", entity_ref="core.other")["items"] == []
    oldest = every[-1]["time"]  # of more than one record: a run may be given to its worker as it is made
    assert world.get("/history/execution", until=oldest)["items"] == [r for r in every if r["time"] <= oldest]
    assert world.get("/history/execution", since=every[0]["time"])["items"][0] == every[0]
    walked, cursor = [], None
    while True:
        page = world.get("/history/execution", page_size=2, **({"after": cursor} if cursor else {}))
        walked += page["items"]
        cursor = page["pagination"].get("next_cursor")
        if cursor is None:
            break
    assert walked == every
    by_number = [world.get("/history/execution", page_size=2, page=n)["items"] for n in range(1, len(every) // 2 + 2)]
    assert [r for page in by_number for r in page] == every
    assert world.get("/history/execution", page_size=2, include_total="true")["pagination"]["total_items"] == len(every)


def test_what_was_noted_beside_the_timeline_is_in_the_history(swept):
    done = run(swept)
    at = swept.rows("select finished_at from execution where id = ?", done["id"])[0]["finished_at"] + 1000
    when = at if swept.embedded else f"epoch {at}"
    value = "?" if swept.embedded else "to_timestamp(cast(substr(?, 7) as numeric) / 1000000)"
    swept.execute(f"insert into execution_history (time, operation, entity_id, entity_ref, changed_fields, new_values)"
                  f" values ({value}, 'UPDATE', ?, 'core.noop', '[\"note\"]', '{{\"late\": true}}')", when, done["id"])
    latest = swept.get(f"/executions/{done['id']}/history")["items"][0]
    assert latest["changed_fields"] == ["note"] and latest["new_values"] == {"late": True}


def test_the_history_of_a_worker_tells_when_it_came_and_was_cordoned(swept):
    (worker,) = eventually(lambda: swept.get("/workers")["items"])
    eventually(lambda: swept.get(f"/workers/{worker['id']}")["status"] == "active")
    swept.post(f"/workers/{worker['id']}/cordon", {"reason": "looking"}, 200)
    swept.post(f"/workers/{worker['id']}/uncordon", None, 200)
    records = swept.get(f"/workers/{worker['id']}/history")["items"]
    assert records[0]["changed_fields"] == ["cordoned", "cordon_reason"]
    assert records[0]["new_values"] == {"cordoned": False, "cordon_reason": None}
    assert records[1]["new_values"] == {"cordoned": True, "cordon_reason": "looking"}
    assert records[1]["old_values"] == {"cordoned": False, "cordon_reason": None}
    assert "active" in [r["new_values"].get("status") for r in records]
    assert swept.get("/history/worker", changed_field="cordoned")["pagination"]["total_items"] == 2
    assert swept.get("/history/worker", entity_ref=worker["name"])["items"][0]["entity_id"] == worker["id"]


def test_a_history_of_what_has_none_is_refused(swept):
    for path, params in (("/history/rule", {}), ("/history/execution", {"operation": "LOOK"}),
                         ("/history/execution", {"since": "then"}), ("/history/execution", {"after": "!"}),
                         ("/executions/x/history", {})):
        assert swept.get(path, 400, **params)["code"] == "BAD_REQUEST", path


def test_what_executions_did_is_in_the_audit(swept):
    done = run(swept)
    rows = swept.get("/audit-events", category="execution", resource_id=done["id"])["items"]
    assert [r["event_type"] for r in rows] == [
        "execution.completed", "execution.started", "execution.scheduled", "execution.requested"]
    assert all(r["resource_type"] == "execution" and r["resource_ref"] == "core.noop" for r in rows)
    one = swept.get(f"/audit-events/{rows[0]['id']}")["data"]
    assert one["resource_id"] == done["id"] and one["correlation_chain"]["correlation_id"] == done["correlation_id"]
    failed = run(swept, "core.echo", parameters={"message": {"not": "a text"}})
    assert failed["status"] == "failed"
    bad = swept.get("/audit-events", event_type="execution.failed")["items"]
    assert [r["outcome"] for r in bad] == ["failure"]
    assert swept.get("/audit-events", category="execution", outcome="failure")["pagination"]["total_items"] == 1
    assert swept.get("/audit-events", category="execution", http_status=200)["items"] == []
    swept.get(f"/audit-events/{2 ** 52 + 999 * 1024}", 404)
