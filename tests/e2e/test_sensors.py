"""Sensors made by hand, and what an action has to do."""

import pytest

from test_api import ended, refused, run


@pytest.fixture
def api(swept):
    swept.post("/packs", {"ref": "mine", "label": "Mine", "version": "1.0.0"}, 201)
    swept.post("/triggers", {"ref": "mine.trig", "pack_ref": "mine", "label": "Trig"}, 201)
    return swept


def sensor(ref="mine.eye", **more):
    return {"ref": ref, "pack_ref": "mine", "label": "Eye", "entrypoint": "eye.py", "runtime_ref": "core.python",
            "trigger_ref": "mine.trig", **more}


def test_a_sensor_is_made_changed_switched_and_deleted_and_its_trigger_knows(api):
    made = api.post("/sensors", sensor(config={"a": 1}, log_retention_policy="days", log_retention_limit=3,
                                       param_schema={"where": {"type": "string"}}), 201)
    assert made["message"] and made["data"]["enabled"] and made["data"]["log_retention_limit"] == 3
    assert api.get("/triggers/mine.trig")["data"]["sensor_ref"] == "mine.eye"
    assert [s["ref"] for s in api.get("/triggers/mine.trig/sensors")["data"]] == ["mine.eye"]
    changed = api.put("/sensors/mine.eye", {"label": "Ear", "log_retention_limit": {"op": "clear"},
                                            "log_retention_policy": {"op": "set", "value": "hours"}})["data"]
    assert changed["label"] == "Ear" and changed["log_retention_policy"] == "hours"
    assert "log_retention_limit" not in changed and changed["param_schema"] == {"where": {"type": "string"}}
    assert api.post("/sensors/mine.eye/disable")["data"]["enabled"] is False
    assert api.delete("/sensors/mine.eye")["success"] is True
    assert "sensor_ref" not in api.get("/triggers/mine.trig")["data"]
    refused(api, "DELETE", "/sensors/mine.eye", 404)


def test_a_trigger_that_is_fed_already_keeps_its_sensor(api):
    api.post("/sensors", sensor(), 201)
    api.post("/sensors", sensor("mine.other"), 201)
    assert api.get("/triggers/mine.trig")["data"]["sensor_ref"] == "mine.eye"


@pytest.mark.parametrize("status, names, more", [
    (409, "mine.eye", {"ref": "mine.eye"}),
    (422, "Eye", {"ref": "Eye"}),
    (404, "gone", {"pack_ref": "gone"}),
    (404, "core.gone", {"runtime_ref": "core.gone"}),
    (404, "mine.gone", {"trigger_ref": "mine.gone"}),
    (422, "label", {"label": ""}),
    (422, "entrypoint", {"entrypoint": "http://x/y"}),
    (422, "param_schema", {"param_schema": {"a": {"type": "nothing"}}}),
    (422, "log_retention_policy", {"log_retention_policy": "weeks"}),
    (422, "artifact_retention_limit", {"artifact_retention_limit": 0}),
])
def test_a_sensor_that_cannot_be_is_refused_by_name_and_not_stored(api, status, names, more):
    api.post("/sensors", sensor(), 201)
    before = api.get("/sensors")["data"]
    assert names in refused(api, "POST", "/sensors", status, sensor(**{"ref": "mine.new", **more}))["error"]
    assert api.get("/sensors")["data"] == before


def test_a_sensors_logs_are_its_two_streams_and_empty_while_it_has_no_process(api):
    logs = api.get("/sensors/core.timer_sensor/logs")
    assert logs["sensor_ref"] == "core.timer_sensor" and [e["stream"] for e in logs["logs"]] == ["stdout", "stderr"]
    assert api.request("GET", "/sensors/core.timer_sensor/logs/stdout?tail=5", 200).content == b""
    assert "stdin" in refused(api, "GET", "/sensors/core.timer_sensor/logs/stdin", 422)["error"]
    assert "core.gone" in refused(api, "GET", "/sensors/core.gone/logs", 404)["error"]


def test_queue_stats_count_what_waits_and_what_has_ended_of_one_action(api):
    empty = api.get("/actions/core.noop/queue-stats")["data"]
    assert (empty["total_enqueued"], empty["queue_length"], empty["oldest_enqueued_at"]) == (0, 0, None)
    for _ in range(3):
        ended(api, run(api))
    run(api, "core.echo", parameters={"message": "other"})
    stats = api.get("/actions/core.noop/queue-stats")["data"]
    assert stats["total_enqueued"] == stats["total_completed"] == 3 and stats["active_count"] == 0
    assert "core.gone" in refused(api, "GET", "/actions/core.gone/queue-stats", 404)["error"]
