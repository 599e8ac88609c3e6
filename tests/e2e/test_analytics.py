"""How much happened in each hour."""

from harness import eventually
from work import do

HOUR = 3600 * 1_000_000


def total(points, label=None):
    return sum(p["value"] for p in points if label is None or p["label"] == label)


def older(world, table, rows, hours):
    if world.embedded:
        world.execute(f"update {table} set created = created - {hours * HOUR} where id <= {rows}")
    else:
        world.execute(f"update {table} set created = created - interval '{hours} hours' where id <= {rows}")


def test_executions_are_counted_by_hour_state_and_action(world):
    world.start()
    for _ in range(3):
        do(world, "core.noop")
    do(world, "core.echo", {"message": "x"})
    world.post("/executions/execute", {"action_ref": "core.echo", "parameters": {"message": {"no": "text"}}}, 201)
    older(world, "execution", 2, 30)
    day = world.get("/analytics/executions/status")["data"]
    assert total(day["data"], "completed") == 2 and total(day["data"], "failed") == 1
    assert all(p["bucket"].endswith(":00:00Z") for p in day["data"]) and day["since"] < day["until"]
    week = world.get("/analytics/executions/throughput", hours=168)["data"]["data"]
    assert total(week, "core.noop") == 3 and total(week, "core.echo") == 2
    assert [p["bucket"] for p in week] == sorted(p["bucket"] for p in week) and len({p["bucket"] for p in week}) >= 2
    rate = world.get("/analytics/executions/failure-rate", hours=168)["data"]
    assert (rate["total_terminal"], rate["completed_count"], rate["failed_count"], rate["timeout_count"]) == (5, 4, 1, 0)
    assert rate["failure_rate_pct"] == 20
    assert world.get("/analytics/executions/failure-rate", until="2020-01-01T00:00:00Z")["data"]["failure_rate_pct"] == 0
    assert world.get("/analytics/executions/status", since="2020-01-01T00:00:00Z", until="2020-01-02T00:00:00Z")["data"]["data"] == []


def test_a_run_that_hits_its_limit_counts_as_timed_out(swept):
    made = swept.post("/executions/execute", {"action_ref": "core.sleep", "parameters": {"seconds": 30}, "timeout_seconds": 1}, 201)["data"]
    done = eventually(lambda: swept.get(f"/executions/{made['id']}", wait_seconds=20)["data"], 25)
    assert done["status"] == "failed" and done["result"]["timed_out"]
    rate = swept.get("/analytics/executions/failure-rate")["data"]
    assert (rate["failed_count"], rate["timeout_count"], rate["failure_rate_pct"]) == (0, 1, 100)


def test_events_enforcements_and_workers_are_counted_and_the_dashboard_shows_all(world):
    world.start()
    world.post("/triggers", {"ref": "core.mine", "pack_ref": "core", "label": "T"}, 201)
    world.post("/rules", {"ref": "core.mine", "pack_ref": "core", "label": "R", "action_ref": "core.noop", "trigger_ref": "core.mine"})
    for _ in range(4):
        world.post("/events", {"trigger_ref": "core.mine", "payload": {}}, 201)
    assert total(world.get("/analytics/events/volume")["data"]["data"], "core.mine") == 4
    assert total(world.get("/analytics/enforcements/volume")["data"]["data"], "core.mine") == 4
    eventually(lambda: total(world.get("/analytics/workers/status")["data"]["data"], "active") >= 1)
    board = world.get("/analytics/dashboard", hours=2)["data"]
    assert total(board["event_volume"]) == 4 and total(board["enforcement_volume"]) == 4 and board["worker_status"]
    eventually(lambda: total(world.get("/analytics/dashboard")["data"]["execution_throughput"], "core.noop") == 4)


def test_a_window_that_makes_no_sense_is_refused(world):
    world.start()
    for params in ({"since": "x"}, {"hours": "many"}, {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}):
        assert world.get("/analytics/dashboard", 400, **params)["code"] == "BAD_REQUEST"
    assert world.get("/analytics/dashboard", hours=-5)["data"]["execution_status"] == []
    assert world.get("/analytics/dashboard", hours=10**9)["data"]["since"]
