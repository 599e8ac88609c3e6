"""How long what is kept, and that it goes then."""

import json

from harness import eventually
from work import do

DAY = 86400
TARGETS = {"audit_events", "continuous_aggregates", "enforcements", "events", "execution_admission", "execution_history",
           "executions", "inquiries", "notifications", "pack_test_executions", "sensor_process_history", "sensor_processes",
           "webhook_event_logs", "work_queue_dispatches", "work_queue_items", "worker_history", "workers"}


def aged(world, table, column="created", days=40):
    """Makes all rows of a table so old."""
    if world.embedded:
        world.execute(f"update {table} set {column} = {column} - {days * DAY * 1_000_000}")
    else:
        world.execute(f"update {table} set {column} = {column} - interval '{days} days'")


def count(world, table):
    return world.rows(f"select count(*) as n from {table}")[0]["n"]


def test_the_configuration_is_the_default_and_what_clients_store_wins(world):
    world.configure({"retention": {"days": 7, "check_interval": 50, "targets": {"events": {"max_age_seconds": None}}}})
    world.start()
    plan = world.get("/retention-config")["data"]
    assert plan["enabled"] and not plan["dry_run"] and plan["check_interval_seconds"] == 50 and plan["batch_size"] == 1000
    assert set(plan["targets"]) == TARGETS
    assert plan["targets"]["executions"] == {"max_age_seconds": 7 * DAY}
    assert plan["targets"]["events"] == {"max_age_seconds": None}
    assert plan["targets"]["audit_events"] == {"max_age_seconds": 90 * DAY}
    changed = world.put("/retention-config", {"batch_size": 5, "targets": {"executions": {"max_age_seconds": None},
                                                                           "events": {"max_age_seconds": 60}}}, 200)["data"]
    before = json.loads(json.dumps(plan))
    plan["batch_size"] = 5
    plan["targets"]["executions"], plan["targets"]["events"] = {"max_age_seconds": None}, {"max_age_seconds": 60}
    assert changed == plan == world.get("/retention-config")["data"]
    (row,) = world.get("/audit-events", event_type="retention.updated")["items"]
    assert world.get(f"/audit-events/{row['id']}")["data"]["details"] == {"before": before, "after": plan}
    assert row["category"] == "admin" and row["actor_login"]


def test_a_plan_that_makes_no_sense_is_refused_and_nothing_changes(world):
    world.start()
    before = world.get("/retention-config")["data"]
    for body, field in (({"batch_size": 0}, "batch_size"), ({"check_interval_seconds": 0}, "check_interval_seconds"),
                        ({"targets": {"cakes": {"max_age_seconds": 1}}}, "cakes"), ({"enabled": "yes"}, "enabled"),
                        ({"targets": {"events": {"max_age_seconds": -1}}}, "targets.events"),
                        ({"targets": {"events": {"max_age_seconds": "old"}}}, "targets.events"),
                        ({"targets": {"events": 5}}, "targets.events"), ({"targets": []}, "targets")):
        assert field in world.put("/retention-config", body, 422)["error"], body
    assert world.get("/retention-config")["data"] == before


def test_what_is_old_goes_when_its_age_is_stored_and_a_dry_run_only_counts(world):
    world.configure({"retention": {"days": None}})  # the next look would be in an hour
    world.start()
    for _ in range(3):
        do(world, "core.noop")
    (worker,) = world.get("/workers")["items"]
    for i in range(3):
        world.post(f"/workers/{worker['id']}/cordon", {"reason": str(i)}, 200)
    world.post(f"/workers/{worker['id']}/uncordon", None, 200)
    kept = count(world, "worker_history")
    eventually(lambda: count(world, "audit_event") > 5)
    aged(world, "execution")
    aged(world, "worker_history", "time")
    audited = lambda: {row["id"] for row in world.rows("select id from audit_event")}
    old = audited()  # more may be stored at any time, also with lower ids
    aged(world, "audit_event", days=120)
    world.put("/retention-config", {"dry_run": True, "check_interval_seconds": 1, "targets": {name: {"max_age_seconds": DAY} for name in TARGETS}}, 200)
    eventually(lambda: "old rows would be removed" in world.logs(), seconds=30)
    assert count(world, "execution") == 3 and count(world, "worker_history") == kept
    world.put("/retention-config", {"dry_run": False, "targets": {"audit_events": {"max_age_seconds": None}}}, 200)
    eventually(lambda: count(world, "execution") == 1, seconds=30)  # the newest stays
    eventually(lambda: count(world, "worker_history") == 1, seconds=30)  # the newest stays
    assert old <= audited()
    world.put("/retention-config", {"targets": {"audit_events": {"max_age_seconds": 100 * DAY}}}, 200)
    eventually(lambda: not old & audited(), seconds=30)


def test_a_target_that_nobody_knows_is_named_at_the_start(world):
    world.configure({"retention": {"targets": {"cakes": {"max_age_seconds": 5}}}})
    process = world.start(ready=False)[0]
    assert process.wait(30) != 0
    assert "'retention.targets' has no target 'cakes'" in process.output()
