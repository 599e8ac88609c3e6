"""Policies: stored, checked, loaded from packs."""

import os

import pytest

from harness import eventually
from test_api import refused


@pytest.fixture
def api(swept):
    swept.post("/packs", {"ref": "mine", "label": "Mine", "version": "1.0.0"}, 201)
    return swept


def policy(ref="mine.few", **more):
    return {"ref": ref, "label": "Few", "concurrency": {"limit": 2}, **more}


def test_a_policy_is_made_changed_switched_and_deleted(api):
    made = api.post("/policies", policy(pack_ref="mine", action_ref="core.echo", tags=["a"],
                                        concurrency={"limit": 2, "key": ["message"], "method": "cancel"}), 201)["data"]
    assert made["concurrency"] == {"limit": 2, "key": ["message"], "method": "cancel"} and made["rate"] is None
    rate = {"limit": 10, "per_seconds": 60, "burst": 20}
    changed = api.put("/policies/mine.few", {"rate": rate, "concurrency": {"op": "clear"}})["data"]
    assert changed["rate"] == {**rate, "key": [], "method": "delay"} and changed["concurrency"] is None
    assert changed["action_ref"] == "core.echo" and changed["tags"] == ["a"] and changed["breaker"] is None
    changed = api.put("/policies/mine.few", {"breaker": {"failures": 3, "within": "1m", "open_for": 2.5}})["data"]
    assert changed["breaker"] == {"failures": 3, "within": 60, "open_for": 2.5, "key": [], "method": "wait"} and changed["rate"]["limit"] == 10
    assert [p["ref"] for p in api.get("/actions/core.echo/policies")["data"]] == ["mine.few"]
    assert [p["ref"] for p in api.get("/packs/mine/policies")["data"]] == ["mine.few"]
    assert api.get("/policies", pack_ref="core")["data"] == []
    assert api.post("/policies/mine.few/disable")["data"]["enabled"] is False
    assert api.post("/policies/mine.few/enable")["data"]["enabled"] is True
    assert api.get(f"/policies/{made['id']}")["data"]["ref"] == "mine.few"
    gone = api.delete("/policies/mine.few")
    assert gone["success"] is True and "warnings" not in gone
    assert "mine.few" in refused(api, "GET", "/policies/mine.few", 404)["error"]


def test_what_a_policy_held_goes_on_with_the_answer_that_changes_it_or_makes_a_wider_one(api):
    """Not with the next look of whoever sweeps."""
    sleep = lambda: api.post("/executions/execute", {"action_ref": "core.sleep", "parameters": {"seconds": 300}}, 201)["data"]["id"]
    row = lambda id: api.get(f"/executions/{id}")["data"]
    api.post("/policies", policy(action_ref="core.sleep", concurrency={"limit": 1}), 201)
    eventually(lambda: api.get("/workers", health_state="active")["data"])
    ids = [sleep()]
    eventually(lambda: row(ids[0])["status"] == "running")
    changes = (lambda: api.put("/policies/mine.few", {"concurrency": {"limit": 2}}), lambda: api.post("/policies/mine.few/disable"),
               lambda: api.post("/policies", policy(ref="mine.more", action_ref="core.sleep", concurrency={"limit": 99}), 201),
               lambda: api.delete("/policies/mine.few"))
    for change in changes:
        ids.append(sleep())
        eventually(lambda: "concurrency_limit: mine.few" in (row(ids[-1])["wait_reason"] or ""))
        change()
        assert row(ids[-1])["status"] != "requested"
        if change is changes[1]:
            api.post("/policies/mine.few/enable")
        if change is changes[2]:  # of equals the newest counts
            api.delete("/policies/mine.more")
    for id in ids:
        api.post(f"/executions/{id}/cancel")
    eventually(lambda: all(row(id)["finished_at"] for id in ids))


@pytest.mark.parametrize("status, names, more", [
    (409, "mine.few", {"ref": "mine.few"}),
    (422, "Few", {"ref": "Few"}),
    (404, "gone", {"pack_ref": "gone"}),
    (404, "core.gone", {"action_ref": "core.gone"}),
    (422, "label", {"label": ""}),
    (422, "concurrency", {"concurrency": None}),
    (422, "concurrency.limit", {"concurrency": {}}),
    (422, "concurrency.limit", {"concurrency": {"limit": 0}}),
    (422, "concurrency.method", {"concurrency": {"limit": 1, "method": "wait"}}),
    (422, "concurrency.key", {"concurrency": {"limit": 1, "key": "message"}}),
    (422, "concurrency.limits", {"concurrency": {"limits": 1}}),
    (422, "rate.per_seconds", {"rate": {"limit": 1}}),
    (422, "rate.burst", {"rate": {"limit": 1, "per_seconds": 1, "burst": -1}}),
    (422, "breaker.within", {"breaker": {"failures": 1, "open_for": 5}}),
    (422, "breaker.method", {"breaker": {"failures": 1, "within": 5, "open_for": 5, "method": "cancel"}}),
    (422, "rate.method", {"rate": {"limit": 1, "per_seconds": 1, "method": "enqueue"}}),
])
def test_a_policy_that_cannot_be_is_refused_by_its_field_and_not_stored(api, status, names, more):
    api.post("/policies", policy(), 201)
    body = policy(**{"ref": "mine.new", **more})
    assert names in refused(api, "POST", "/policies", status, body)["error"]
    assert [p["ref"] for p in api.get("/policies")["data"]] == ["mine.few"]


def test_the_last_limit_of_a_policy_cannot_be_taken_away(api):
    api.post("/policies", policy(), 201)
    refused(api, "PUT", "/policies/mine.few", 422, {"concurrency": {"op": "clear"}})
    assert api.get("/policies/mine.few")["data"]["concurrency"]["limit"] == 2


def test_a_pack_brings_policies_and_takes_them_away(world):
    folder = os.path.join(world.packs, "shop")
    world.add_pack("shop", {
        "pack.yaml": "ref: shop\nversion: 1.0.0\n",
        "actions/buy.yaml": "ref: shop.buy\nentry_point: 'echo bought'\n",
        "policies/few.yaml": "ref: few\naction: buy\nconcurrency: {limit: 3, key: [customer], method: cancel_oldest}\n",
        "policies/slow.yaml": "ref: shop.slow\nrate: {limit: 5, per_seconds: 60}\nbreaker: {failures: 2, within: 30s, open_for: 1m}\n"})
    world.start()
    few = world.get("/policies/shop.few")["data"]
    assert few["action_ref"] == "shop.buy" and few["action"] and few["concurrency"]["method"] == "cancel_oldest"
    slow = world.get("/policies/shop.slow")["data"]
    assert slow["pack_ref"] == "shop" and slow["breaker"] == {"failures": 2, "within": 30, "open_for": 60, "key": [], "method": "wait"}
    assert "brings it back" in world.delete("/policies/shop.few")["warnings"][0]
    world.post("/packs/register", {"path": folder, "force": True}, 201)
    assert "brings it back" in world.cli("policy", "remove", "shop.few").err
    world.post("/packs/register", {"path": folder, "force": True}, 201)
    world.post("/policies/shop.few/disable")
    world.post("/policies", {"ref": "shop.own", "label": "Own", "pack_ref": "shop", "rate": {"limit": 1, "per_seconds": 1}})
    world.add_pack("shop", {"policies/slow.yaml": "ref: shop.slow\nrate: {limit: 5, per_seconds: 0}\n"})
    error = refused(world, "POST", "/packs/register", 422, {"path": folder, "force": True})["error"]
    assert "policies/slow.yaml:2" in error and "per_seconds" in error
    world.add_pack("shop", {"policies/slow.yaml": "ref: shop.slower\nrate: {limit: 5, per_seconds: 9}\n"})
    world.post("/packs/register", {"path": folder, "force": True}, 201)
    assert [(p["ref"], p["enabled"]) for p in world.get("/packs/shop/policies")["data"]] == [
        ("shop.few", False), ("shop.own", True), ("shop.slower", True)]
