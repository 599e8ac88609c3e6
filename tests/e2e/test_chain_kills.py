"""API and sensor die (kill -9, at a chosen place) where the chain from event to run begins: no run is lost, and none is there twice."""

import json
import uuid

import pytest
import requests
from harness import eventually
from work import TERMINAL, Ledger, add_test_pack, rule, ticking

INGEST = ("ingest.before_commit", "ingest.after_commit", "ingest.after_publish")
CREATE = ("create.before_commit", "create.after_commit", "create.after_publish")


OF_PROCESSES = [("api", "presence.before_commit"), ("api", "presence.after_commit"), ("sensor", "ward.before_commit"),
                ("sensor", "ward.after_commit")]


def revive(world):
    for dead in [p for p in world.processes if not p.alive]:
        dead.env.pop("ATTUNE_CRASH_POINT", None)
        world.wait_ready([world.relaunch(dead)], 60)


def doomed(world, role, point):
    """A process of the role that will die when it comes there."""
    dead = world.kill(role)
    dead.env["ATTUNE_CRASH_POINT"] = point
    again = world.relaunch(dead)
    eventually(lambda: not again.alive or world._ready(again), 60, f"{again.name} is there, or has died already")
    return again


def ask_until_answered(world, path, body):
    """As a client does that keeps its key: what it is told in the end, whoever had to die on the way."""
    key = uuid.uuid4().hex

    def once():
        try:
            answer = world.http.post(f"{world.url}/api/v1{path}", json=body, headers={"Idempotency-Key": key}, timeout=30)
        except requests.RequestException:
            revive(world)
            return None
        assert answer.status_code in (201, 503), answer.text
        return answer.json()["data"]["id"] if answer.status_code == 201 else None

    return eventually(once, 90, f"{path} is answered")


RUNS = ("select x.id, x.status, x.enforcement, n.event from execution x left join enforcement n on n.id = x.enforcement "
        "where x.action_ref = 'lab.mark' and (n.event is null or n.event <= ?)")


def all_over(world, last):
    """Every event up to the last has made a run, and that has ended; the runs."""
    waits = world.rows("select e.id from event e left join enforcement n on n.event = e.id left join execution x on x.enforcement = n.id "
                       "where (e.trigger_ref = 'lab.thing' or e.rule_ref = 'lab.tick') and e.id <= ? and x.id is null", last)
    runs = world.rows(RUNS, last)
    return not waits and runs and all(r["status"] in TERMINAL for r in runs) and runs


def judge(world):
    """What has happened until now: who still ticks goes on meanwhile."""
    last = world.rows("select coalesce(max(id), 0) as id from event")[0]["id"]
    runs = eventually(lambda: all_over(world, last), 60, "all that happened has been worked on")
    assert not world.rows("select event from enforcement group by event, rule having count(*) > 1")
    assert not world.rows("select enforcement from execution where enforcement is not null group by enforcement having count(*) > 1")
    # the embedded worker dies with its process, and what it ran with it
    assert {r["status"] for r in runs} <= ({"completed", "abandoned"} if world.embedded else {"completed"})
    ledger = Ledger(world)
    starts, ends = ledger.starts(), ledger.ends()
    for entries in (starts, ends):
        assert len({e.id for e in entries}) == len(entries), "a run was begun twice"
    assert {e.id for e in ends} >= {r["id"] for r in runs if r["status"] == "completed"}
    assert {e.id for e in starts} <= {r["id"] for r in world.rows("select id from execution where action_ref = 'lab.mark'")}
    return runs


@pytest.mark.limit(300)
def test_an_event_whose_api_dies_at_any_place_makes_one_run(world):
    add_test_pack(world)
    world.start()
    rule(world, "lab.told", trigger="lab.thing", action_ref="lab.mark")
    events = []
    for n, point in enumerate(INGEST):
        assert doomed(world, "api", point).alive, "it dies when it is asked, not before"
        events.append(ask_until_answered(world, "/events", {"trigger_ref": "lab.thing", "payload": {"n": n}}))
        assert all(p.alive and "ATTUNE_CRASH_POINT" not in p.env for p in world.processes), "nobody died there"
    runs = judge(world)
    stored = world.rows("select id, payload from event where trigger_ref = 'lab.thing' order by id")
    assert [e["id"] for e in stored] == events and [json.loads(e["payload"])["n"] for e in stored] == [0, 1, 2]
    assert len(runs) == len(INGEST)


@pytest.mark.limit(300)
def test_a_run_whose_api_dies_at_any_place_is_there_once(world):
    add_test_pack(world)
    world.start()
    asked = []
    for point in CREATE:
        assert doomed(world, "api", point).alive, "it dies when it is asked, not before"
        asked.append(ask_until_answered(world, "/executions/execute", {"action_ref": "lab.mark"}))
        assert all(p.alive and "ATTUNE_CRASH_POINT" not in p.env for p in world.processes), "nobody died there"
    assert sorted(r["id"] for r in judge(world)) == asked


@pytest.mark.limit(300)
def test_no_tick_is_lost_or_doubled_whose_sensor_dies_at_any_place(world):
    add_test_pack(world)
    world.start()
    rule(world, "lab.tick", action_ref="lab.mark", trigger_params=ticking())
    ticks = lambda: world.rows("select id from event where rule_ref = 'lab.tick'")
    for point in INGEST:
        dying = doomed(world, "sensor", f"{point}:2")
        eventually(lambda: not dying.alive, 60, f"a sensor dies at {point}")
        revive(world)
        before = len(ticks())
        eventually(lambda: len(ticks()) > before + 1, 60, "it ticks again")
    runs = judge(world)
    told = world.rows("select id, tick_key from event where rule_ref = 'lab.tick' and id <= ?", max(r["event"] for r in runs))
    numbers = sorted(int(t["tick_key"].rsplit(":", 1)[1]) for t in told)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "a tick is missing or there twice"
    assert sorted(r["event"] for r in runs) == sorted(t["id"] for t in told)


@pytest.mark.parametrize("role, point", OF_PROCESSES)
def test_a_process_that_dies_where_it_tells_of_itself_or_of_its_sensors_begins_anew(world, role, point):
    add_test_pack(world)
    world.start()
    dying = doomed(world, role, point)
    eventually(lambda: not dying.alive, 60, f"it dies at {point}")
    revive(world)
    rule(world, "lab.tick", action_ref="lab.mark", trigger_params=ticking())
    eventually(lambda: Ledger(world).ends(), 60, "what a sensor tells is done")
    here = next(p.pid for p in world.processes if p.role in (role, "up"))
    assert here in [r["pid"] for r in world.rows("select pid from role_instance where role = ?", role)], world.rows("select * from role_instance")
