"""Who did what: requests, and what matters by itself."""

import uuid

from harness import eventually


def of_request(world, request):
    return world.get(f"/audit-events/by-request/{request}")["data"]


def test_a_request_is_audited_with_its_caller_its_end_and_its_id(swept):
    request = str(uuid.uuid4())
    swept.request("GET", "/packs/core", headers={"X-Request-Id": request, "User-Agent": "tester/1.0"})
    (row,) = eventually(lambda: of_request(swept, request))
    assert row["category"] == "api" and row["event_type"] == "api.request" and row["outcome"] == "success"
    assert (row["http_method"], row["http_path"], row["http_status"]) == ("GET", "/api/v1/packs/core", 200)
    assert row["actor_ip"] == "127.0.0.1" and row["actor_user_agent"] == "tester/1.0" and row["actor_login"]
    assert (row["resource_type"], row["resource_ref"], row["request_id"]) == ("pack", "core", request)
    assert row["duration_ms"] >= 0
    assert swept.get(f"/audit-events/{row['id']}")["data"] == row


def test_what_is_refused_is_audited_too(swept):
    missing, odd = str(uuid.uuid4()), "my.own-id_7"
    swept.request("GET", "/packs/nowhere", 404, headers={"X-Request-Id": missing})
    swept.request("GET", "/no/such/route", 404, headers={"X-Request-Id": odd})
    assert eventually(lambda: of_request(swept, missing))[0]["outcome"] == "failure"
    (row,) = eventually(lambda: of_request(swept, odd))
    assert row["http_path"] == "/api/v1/no/such/route" and uuid.UUID(row["request_id"])


def test_health_and_the_audit_itself_are_not_audited(swept):
    mark = str(uuid.uuid4())
    for path in ("/health", "/health/detailed", "/api-spec/openapi.json", "/api/v1/audit-events"):
        swept.request("GET", path, headers={"X-Request-Id": mark})
    last = str(uuid.uuid4())
    swept.request("GET", "/packs", headers={"X-Request-Id": last})
    eventually(lambda: of_request(swept, last))
    assert of_request(swept, mark) == []


def test_the_audit_is_filtered_and_paged(world):
    world.start()
    for i in range(5):
        world.request("GET", f"/packs/nowhere{i}", 404)
    want = {"resource_type": "pack", "http_status": 404, "outcome": "failure"}
    eventually(lambda: world.get("/audit-events", **want)["pagination"]["total_items"] == 5)
    page = world.get("/audit-events", **want, per_page=2)
    assert [row["resource_ref"] for row in page["items"]] == ["nowhere4", "nowhere3"] and page["pagination"]["has_next"]
    after = world.get("/audit-events", **want, per_page=2, after=page["pagination"]["next_cursor"])
    assert [row["resource_ref"] for row in after["items"]] == ["nowhere2", "nowhere1"]
    assert world.get("/audit-events", resource_ref="nowhere3")["items"][0]["http_path"] == "/api/v1/packs/nowhere3"
    moment = page["items"][0]["created"]
    assert world.get("/audit-events", **want, created_before=moment)["pagination"]["total_items"] == 5
    assert world.get("/audit-events", created_before="2020-01-01T00:00:00Z")["items"] == []
    for bad in ({"category": "nonsense"}, {"outcome": "maybe"}, {"created_after": "yesterday"}, {"actor_identity": "me"}):
        assert world.get("/audit-events", 400, **bad)["code"] == "BAD_REQUEST"
    assert world.get("/audit-events/999999999", 404)["code"] == "NOT_FOUND"


def test_the_key_of_a_webhook_is_not_in_the_audit(swept):
    secret, request = "wh_" + uuid.uuid4().hex, str(uuid.uuid4())
    swept.http.post(f"{swept.url}/api/v1/webhooks/{secret}", json={}, headers={"X-Request-Id": request}, timeout=10)
    (row,) = eventually(lambda: of_request(swept, request))
    assert row["http_path"] == "/api/v1/webhooks/***"
    assert not [r for r in swept.rows("select * from audit_event") if secret in str(r)]


def test_requests_before_a_stop_are_in_the_audit(world):
    world.start()
    request = str(uuid.uuid4())
    world.request("GET", "/packs", headers={"X-Request-Id": request})
    world.stop()
    assert [r["http_path"] for r in world.rows("select http_path from audit_event where request_id = ?", request)] == ["/api/v1/packs"]


def test_a_change_of_a_definition_is_audited_with_it_and_only_when_it_is_made(swept):
    swept.post("/triggers", {"ref": "core.mine", "pack_ref": "core", "label": "T"}, 201)
    swept.put("/triggers/core.mine", {"label": "U"}, 200)
    swept.post("/triggers/core.mine/disable", None, 200)
    swept.post("/triggers", {"ref": "core.mine", "pack_ref": "core", "label": "T"}, 409)
    swept.delete("/triggers/core.mine")
    swept.post("/packs", {"ref": "other", "label": "O", "version": "1.0.0"}, 201)
    rows = swept.get("/audit-events", category="admin", resource_ref="core.mine")["items"]
    assert [r["event_type"] for r in rows] == ["trigger.delete", "trigger.disable", "trigger.update", "trigger.create"]
    assert all(r["outcome"] == "success" and r["resource_type"] == "trigger" and r["actor_login"] for r in rows)
    (made,) = swept.get("/audit-events", category="pack")["items"]
    assert (made["event_type"], made["resource_ref"]) == ("pack.create", "other")


def test_a_change_under_an_idempotency_key_is_audited_once(world):
    world.start()
    for _ in range(2):
        world.request("POST", "/triggers", 201, json={"ref": "core.once", "pack_ref": "core", "label": "T"},
                      headers={"Idempotency-Key": "the-same"})
    assert world.get("/audit-events", event_type="trigger.create")["pagination"]["total_items"] == 1


def audited(world, **filters):
    return world.get("/audit-events", **filters)["items"]


def test_logins_are_audited_before_they_are_answered(swept):
    swept.get("/packs")  # logged in
    good = audited(swept, event_type="auth.login", outcome="success")
    assert good and good[0]["category"] == "auth" and good[0]["actor_login"] == good[-1]["actor_login"]
    bad = {"login": "nobody-here", "password": "not the password"}
    for status in (401, 401):
        assert swept.http.post(swept.url + "/auth/login", json=bad, timeout=30).status_code == status
        rows = audited(swept, event_type="auth.login", outcome="failure")
        assert rows[0]["actor_login"] == "nobody-here" and rows[0]["resource_type"] == "identity"
    assert len(audited(swept, event_type="auth.login", outcome="failure")) == 2
    assert "not the password" not in str(swept.rows("select * from audit_event"))
    swept.http.post(swept.url + "/auth/token-login", json={"token": "attune_it_nonsense"}, timeout=30)
    assert len(audited(swept, event_type="auth.login", outcome="failure")) == 3


def test_changes_of_rights_are_audited_and_a_missing_right_too(swept):
    one = swept.post("/identities", {"login": "ann", "password": "a long password"}, 201)["data"]
    swept.post(f"/identities/{one['id']}/freeze", None, 200)
    swept.post(f"/identities/{one['id']}/unfreeze", None, 200)
    types = [r["event_type"] for r in audited(swept, category="admin", resource_type="identity", resource_id=one["id"])]
    assert types == ["identity.unfreeze", "identity.freeze"]
    assert [r["event_type"] for r in audited(swept, event_type="identity.create")] == ["identity.create"]
    token = swept.login("ann", "a long password")
    request = str(uuid.uuid4())
    response = swept.http.get(swept.url + "/api/v1/packs", timeout=30,
                              headers={"Authorization": f"Bearer {token}", "X-Request-Id": request})
    assert response.status_code == 403
    rows = eventually(lambda: (lambda found: found if len(found) == 2 else None)(of_request(swept, request)))
    assert {(r["category"], r["event_type"], r["outcome"]) for r in rows} == {
        ("api", "api.request", "denied"), ("rbac", "permission.denied", "denied")}
    assert {(r["actor_login"], r["actor_token_type"]) for r in rows} == {("ann", "access")}
