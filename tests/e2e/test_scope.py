"""Definitions for those whose rights name some of them only."""

import requests

KINDS = {"actions": "label: A\nentry_point: 'echo hi'\n", "triggers": "label: T\n",
         "rules": "label: R\ntrigger_ref: core.alert\naction_ref: core.noop\n", "policies": "concurrency: {limit: 1}\n",
         "workflows": "version: 1.0.0\ntasks: [{name: a, action: core.noop}]\n"}
GRANTS = "".join(f"  - {{resource: {r}, actions: [read, update], constraints: {{pack_refs: [mine]}}}}\n"
                 for r in ("packs", "actions", "triggers", "rules"))


def test_what_is_out_of_scope_is_not_there_and_not_counted(world):
    for pack in ("mine", "theirs"):
        files = {f"{kind}/x_{kind}.yaml": f"ref: {pack}.x_{kind}\n{text}" for kind, text in KINDS.items()}
        world.add_pack(pack, {**files, "pack.yaml": f"ref: {pack}\nversion: 1.0.0\n",
                              "permission_sets/own.yaml": f"ref: {pack}.own\nlabel: Own\ngrants:\n{GRANTS}"})
    world.start()
    somebody = world.post("/identities", {"login": "somebody", "password": "long enough for all"}, 201)["data"]
    world.post("/permissions/assignments", {"identity_id": somebody["id"], "permission_set_ref": "mine.own"}, 201)
    bearer = {"Authorization": f"Bearer {world.login('somebody', 'long enough for all')}"}

    def ask(method, path, **kw):
        return requests.request(method, f"{world.url}/api/v1{path}", headers=bearer, timeout=30, **kw)

    for kind in ("packs", *KINDS):
        own = [r["ref"] for r in world.get(f"/{kind}", page_size=100)["data"] if r["ref"].startswith("mine")]
        seen = ask("GET", f"/{kind}").json()
        assert own and [r["ref"] for r in seen["data"]] == own, kind
        assert seen["pagination"]["total_items"] == len(own), kind
        foreign = own[0].replace("mine", "theirs")
        hidden = ask("GET", f"/{kind}/{foreign}")
        assert hidden.status_code == 404 and f"'{foreign}' not found" in hidden.json()["error"], kind
        assert ask("GET", f"/{kind}/{own[0]}").status_code == 200, kind
        if kind != "packs":
            assert ask("PUT", f"/{kind}/{foreign}", json={"label": "Taken"}).status_code == 404, kind
            assert ask("PUT", f"/{kind}/{own[0]}", json={"label": "Changed"}).status_code == 200, kind
            assert ask("DELETE", f"/{kind}/{own[0]}").status_code == 403, kind
            assert world.get(f"/{kind}/{foreign}")["data"]["label"] != "Taken"
