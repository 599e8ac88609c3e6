"""Cron, recurrences and single moments make events; what was missed comes again where the rule says so, and nothing comes twice."""

import json
from datetime import datetime, timedelta, timezone

from harness import eventually
from work import rule


def ticks(world, ref):
    rows = world.rows("select payload, trigger_ref, source_ref from event where rule_ref = ? order by id", ref)
    return [(r["trigger_ref"], r["source_ref"], json.loads(r["payload"])) for r in rows]


def soon(seconds):
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).replace(microsecond=0)


def test_every_kind_of_timer_makes_events_of_its_shape(running):
    at = soon(10)
    rule(running, "lab.cron", "core.crontimer", trigger_params={"expression": "* * * * * *", "timezone": "Europe/Berlin"})
    rule(running, "lab.once", "core.datetimetimer", trigger_params={"fire_at": at.isoformat()})
    rule(running, "lab.rrule", "core.rruletimer",
         trigger_params={"dtstart": at.isoformat(), "rule": "FREQ=SECONDLY;COUNT=2", "jitter": "200ms"})
    eventually(lambda: len(ticks(running, "lab.rrule")) == 2 and ticks(running, "lab.once"), seconds=30)

    trigger, source, tick = ticks(running, "lab.cron")[0]
    assert (trigger, source, tick["sensor_ref"]) == ("core.crontimer", "core.timer_sensor", "core.timer_sensor")
    assert tick["type"] == "cron" and tick["expression"] == "* * * * * *" and tick["timezone"] == "Europe/Berlin"
    scheduled, fired, following = (datetime.fromisoformat(tick[k]) for k in ("scheduled_at", "fired_at", "next_fire_at"))
    assert scheduled <= fired and following == scheduled + timedelta(seconds=1) and tick["execution_count"] >= 1

    ((_, _, tick),) = ticks(running, "lab.once")
    assert tick["type"] == "one_shot" and tick["fire_at"] == at.isoformat() and tick["delay_ms"] >= 0 and tick["timezone"] == "UTC"

    counts = [t["execution_count"] for _, _, t in ticks(running, "lab.rrule")]
    assert counts == [1, 2] and all(t["type"] == "rrule" and "scheduled_at" in t for _, _, t in ticks(running, "lab.rrule"))
    assert running.get("/rules/lab.rrule/ticks")["data"] == []
    for ref in ("lab.cron", "lab.once", "lab.rrule"):
        running.delete(f"/rules/{ref}")


def test_a_timer_that_cannot_be_is_refused_with_the_field_and_the_cure(running):
    def refusal(trigger, params):
        body = {"ref": "lab.bad", "pack_ref": "lab", "label": "x", "action_ref": "core.echo", "trigger_ref": trigger,
                "trigger_params": params}
        return running.post("/rules", body, 422)["error"]

    assert "field 'minute' cannot be '61': give numbers from 0 to 59" in refusal("core.crontimer", {"expression": "61 * * * *"})
    assert "no time zone 'Mars/Base'" in refusal("core.crontimer", {"expression": "@daily", "timezone": "Mars/Base"})
    assert "BYHOUR cannot be '25'" in refusal("core.rruletimer", {"dtstart": "20260101T000000", "rule": "FREQ=DAILY;BYHOUR=25"})
    assert "lies in the past" in refusal("core.datetimetimer", {"fire_at": "2020-01-01T00:00:00Z"})
    assert not running.rows("select id from rule where ref = 'lab.bad'")


def test_the_next_ticks_of_a_rule_can_be_asked_for(running):
    rule(running, "lab.night", "core.crontimer", enabled=False,
         trigger_params={"expression": "30 2 * * *", "timezone": "Europe/Berlin"})
    found = running.get("/rules/lab.night/ticks", limit=3)["data"]
    assert [t["number"] for t in found] == [1, 2, 3] and all("T02:30:00+0" in t["local"] or "T03:30" in t["local"] for t in found)
    assert len(running.get("/rules/lab.night/ticks")["data"]) == 10
    out = running.cli("timer", "next", "lab.night", "--limit", "2").out
    assert out.count("02:30:00") + out.count("03:30:00") >= 2, out
    running.put("/rules/lab.night", {"trigger_ref": "lab.thing", "trigger_params": {}}, 200)
    assert running.get("/rules/lab.night/ticks")["data"] == []
    running.delete("/rules/lab.night")


def test_missed_ticks_come_again_after_a_kill_and_none_comes_twice(world):
    world.start()
    every = {"expression": "* * * * * *", "missed": "all"}
    rule(world, "core.all", "core.crontimer", trigger_params=every)
    rule(world, "core.once", "core.crontimer", trigger_params=every | {"missed": "one"})
    eventually(lambda: len(ticks(world, "core.all")) >= 2 and ticks(world, "core.once"))
    dead = world.kill("sensor" if world.kind == "distributed" else "up")
    last = ticks(world, "core.all")[-1][2]["execution_count"]
    then = soon(0)
    eventually(lambda: soon(0) - then >= timedelta(seconds=3))
    world.wait_ready([world.relaunch(dead)])
    eventually(lambda: ticks(world, "core.all")[-1][2]["execution_count"] >= last + 6, seconds=30)
    counts = [t["execution_count"] for _, _, t in ticks(world, "core.all")]
    assert counts == list(range(1, len(counts) + 1)), counts
    counts = [t["execution_count"] for _, _, t in ticks(world, "core.once")]
    assert counts == sorted(set(counts)), counts
