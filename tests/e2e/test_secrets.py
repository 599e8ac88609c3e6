"""Keys, secret parameters, and that a secret is found nowhere it should not be."""

import base64
import json
import os

from broker import Tap
from harness import eventually

KEYED = """#!/bin/sh
cat
"""


def action(ref, file, fmt="json", output="text", more=""):
    return (f"ref: {ref}\nlabel: {ref}\nrunner_type: shell\nentry_point: {file}\nparameter_format: {fmt}\n"
            f"output_format: {output}\n{more}")


CANARY = "canary-7d1f93c2-Xy/+&"
MINTED = "canary-that-an-action-makes-5511"


def key(ref, owner_type="system", **more):
    return {"ref": ref, "name": ref.rsplit(".", 1)[-1], "owner_type": owner_type, "value": "v", **more}


def refused(world, method, path, status, body=None):
    answer = world.request(method, path, status, **({} if body is None else {"json": body})).json()
    assert answer["error"] and answer["code"]
    return answer


def run(world, ref, **parameters):
    made = world.post("/executions/execute", {"action_ref": ref, "parameters": parameters}, 201)["data"]
    return world.get(f"/executions/{made['id']}", wait_seconds=30)["data"]


def secret_pack(world):
    """One action that prints what it was given, with a secret parameter, and one that names a system key."""
    flat = ("parameters:\n  url: {type: string}\n  token: {type: string, secret: true}\n"
            "  auth:\n    type: object\n    properties:\n      pin: {type: integer, secret: true}\n      user: {type: string}\n")
    world.add_pack("vault", {
        "pack.yaml": "ref: vault\nlabel: Vault\nversion: 1.0.0\n",
        "actions/show.yaml": action("vault.show", "show.sh", output="json", more=flat),
        "actions/named.yaml": action("vault.named", "show.sh", output="json", more="keys: [named]\n"),
        "actions/plain.yaml": action("vault.plain", "show.sh", output="json"),
        "actions/keep.yaml": action("vault.keep", "keep.sh", more=flat + "sandbox: off\n"),
        "actions/mint.yaml": action("vault.mint", "mint.sh", output="json", more="output:\n  token: {type: string, secret: true}\n  size: {type: integer}\n"),
        "actions/mint.sh": f"#!/bin/sh\nprintf '%s' '{json.dumps({'token': MINTED, 'size': 3})}'\n",
        "permission_sets/reveal.yaml": "ref: vault.reveal\nlabel: Reveal\ngrants:\n  - {resource: executions, actions: [read, decrypt]}\n"
                                       "  - {resource: enforcements, actions: [read, decrypt]}\n",
        "permission_sets/maker.yaml": "ref: vault.maker\nlabel: Maker\ngrants:\n  - {resource: rules, actions: [read, create]}\n"
                                      "  - {resource: actions, actions: [read, execute]}\n  - {resource: packs, actions: [read]}\n",
        "actions/show.sh": KEYED,
        "actions/keep.sh": "#!/bin/sh\ncat >\"$HOME/got\"; cp \"$HOME/got\" \"$KEEP\"\n",
    })


# ---- keys


def test_a_key_of_each_owner_is_kept_and_found(world):
    secret_pack(world)
    world.start()
    owners = [("system", {}), ("pack", {"owner_pack_ref": "vault"}), ("action", {"owner_action_ref": "vault.show"}),
              ("sensor", {"owner_sensor_ref": "core.timer_sensor"}), ("identity", {"owner_identity": identity(world)})]
    for kind, owner in owners:
        made = world.post("/keys", key(f"k.{kind}", kind, **owner), 201)["data"]
        assert made["owner_type"] == kind and made["value"] == "v" and made["encrypted"] is False
        assert (made["owner"] == "system") == (kind == "system")
        assert world.get(f"/keys/k.{kind}")["data"] == made
    listed = world.get("/keys")
    assert [row["ref"] for row in listed["items"]] == sorted(f"k.{kind}" for kind, _ in owners)
    assert all("value" not in row for row in listed["items"]) and listed["pagination"]["total_items"] == 5
    assert [row["ref"] for row in world.get("/keys", owner_type="pack")["items"]] == ["k.pack"]
    assert [row["ref"] for row in world.get("/keys", owner="vault.show")["items"]] == ["k.action"]
    page = world.get("/keys", page_size=2)
    after = world.get("/keys", page_size=2, after=page["pagination"]["next_cursor"])
    assert [row["ref"] for row in after["items"]] == ["k.pack", "k.sensor"]
    assert world.delete("/keys/k.pack", 200)["success"]
    refused(world, "GET", "/keys/k.pack", 404)
    refused(world, "DELETE", "/keys/k.pack", 404)


def identity(world):
    now = "0" if world.embedded else "now()"
    world.execute(f"insert into identity (login, created, updated) values ('somebody', {now}, {now})")
    return world.rows("select id from identity where login = 'somebody'")[0]["id"]


def test_a_key_that_cannot_be_is_refused_with_what_is_wrong(swept):
    swept.post("/keys", key("a.taken"), 201)
    assert "already exists" in refused(swept, "POST", "/keys", 409, key("a.taken"))["error"]
    assert "a.taken" in refused(swept, "POST", "/keys", 409, key("b.taken"))["error"]
    for body, status, word in (
        ({**key("x"), "owner_type": "galaxy"}, 400, "owner_type"),
        (key("x", "pack"), 400, "owner_pack_ref"),
        (key("x", "pack", owner_pack_ref="nowhere"), 400, "nowhere"),
        (key("x", "system", owner_pack_ref="core"), 400, "owner_pack_ref"),
        (key("Up.Case"), 422, "lower-case"),
        (key("a..b"), 422, "lower-case"),
        ({k: v for k, v in key("x").items() if k != "value"}, 422, "value"),
        (key("x", value="a\0b"), 422, "U+0000"),
        (key("x", name=""), 422, "name"),
    ):
        assert word in refused(swept, "POST", "/keys", status, body)["error"], body
    assert [row["ref"] for row in swept.get("/keys")["items"]] == ["a.taken"]


def stored(world, ref):
    (row,) = world.rows("select value from key where ref = ?", ref)
    return json.loads(row["value"])


def test_an_encrypted_value_is_stored_sealed_whatever_it_is_and_flipping_transforms_it(swept):
    values = [CANARY, {"user": "me", "list": [1, None, True]}, 42, None, ["x"], False, ""]
    for i, value in enumerate(values):
        made = swept.post("/keys", key(f"e.k{i}", value=value, encrypted=True), 201)["data"]
        assert made["value"] == value and made["encrypted"] is True
        assert swept.get(f"/keys/e.k{i}")["data"]["value"] == value
        assert stored(swept, f"e.k{i}").startswith("v1:")
    sealed = stored(swept, "e.k0")
    assert swept.put("/keys/e.k0", {"encrypted": False})["data"]["value"] == CANARY
    assert stored(swept, "e.k0") == CANARY
    assert swept.put("/keys/e.k0", {"encrypted": True})["data"]["value"] == CANARY
    assert stored(swept, "e.k0") not in (sealed, CANARY) and swept.get("/keys/e.k0")["data"]["value"] == CANARY
    assert swept.put("/keys/e.k0", {"value": "new", "name": "other"})["data"]["value"] == "new"
    assert stored(swept, "e.k0").startswith("v1:") and swept.get("/keys/e.k0")["data"]["name"] == "other"


def test_a_sealed_value_put_into_another_row_does_not_open(swept):
    for ref in ("s.one", "s.two"):
        swept.post("/keys", key(ref, value=ref, encrypted=True), 201)
    swept.execute("update key set value = (select k.value from key k where k.ref = 's.one') where ref = 's.two'")
    assert "does not belong" in refused(swept, "GET", "/keys/s.two", 500)["error"]
    assert swept.get("/keys/s.one")["data"]["value"] == "s.one"


# ---- who may


def as_somebody(world, login, *sets):
    """A session of a new identity that holds these permission sets."""
    import requests

    made = world.post("/identities", {"login": login, "password": "correct horse battery"})["data"]
    for ref in sets:
        world.post("/permissions/assignments", {"identity_id": made["id"], "permission_set_ref": ref})
    session = requests.Session()
    session.headers["Authorization"] = "Bearer " + world.login(login, "correct horse battery")

    def ask(method, path, status, body=None):
        answer = session.request(method, f"{world.url}/api/v1{path}", json=body, timeout=30)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        return answer.json()

    return ask


def test_who_may_not_decrypt_reads_null_and_who_may_not_see_finds_nothing(world):
    secret_pack(world)
    world.add_pack("rights", {
        "pack.yaml": "ref: rights\nlabel: Rights\nversion: 1.0.0\n",
        "permission_sets/packkeys.yaml": "ref: rights.packkeys\nlabel: Pack keys\ngrants:\n  - resource: keys\n"
                                         "    actions: [read, update, decrypt]\n    constraints: {owner_types: [pack]}\n",
    })
    world.start()
    world.post("/keys", key("w.sys", value=CANARY, encrypted=True), 201)
    world.post("/keys", key("w.pack", "pack", owner_pack_ref="vault", value=CANARY, encrypted=True), 201)
    viewer, some = as_somebody(world, "viewer", "core.viewer"), as_somebody(world, "some", "rights.packkeys")
    assert viewer("GET", "/keys/w.sys", 200)["data"]["value"] is None
    viewer("PUT", "/keys/w.sys", 403, {"encrypted": False})
    viewer("DELETE", "/keys/w.sys", 403)
    viewer("POST", "/keys", 403, key("w.mine"))
    viewer("POST", "/keys/rotate", 403)
    listed = some("GET", "/keys", 200)
    assert [row["ref"] for row in listed["items"]] == ["w.pack"] and listed["pagination"]["total_items"] == 1
    assert some("GET", "/keys/w.pack", 200)["data"]["value"] == CANARY
    for method, body in (("GET", None), ("PUT", {"name": "x"})):
        some(method, "/keys/w.sys", 404, body)
    execution = run(world, "vault.show", token=CANARY)["id"]
    assert viewer("GET", f"/executions/{execution}", 200)["data"]["config"]["token"] == MARK
    viewer("GET", f"/executions/{execution}?include_secret_values=true", 403)


# ---- delivery


def test_an_action_is_given_the_keys_of_its_pack_and_its_own_and_system_keys_it_names(world):
    secret_pack(world)
    world.start()
    for body in (key("s.token", value="sys"), key("s.named", value="sys-named"), key("s.other", value="sys-other"),
                 key("p.token", "pack", owner_pack_ref="vault", value="pack"), key("p.both", "pack", owner_pack_ref="vault", value="pack"),
                 key("a.both", "action", owner_action_ref="vault.plain", value={"deep": [1]}, encrypted=True)):
        world.post("/keys", body, 201)

    def names(ref, **parameters):
        return sorted(run(world, ref, **parameters)["result"]["data"])

    assert names("vault.plain") == ["both", "token"]
    assert names("vault.named") == ["both", "named", "token"]
    assert names("vault.show", url="u") == ["both", "token", "url"]
    world.delete("/keys/p.token", 200)
    world.delete("/keys/p.both", 200)
    assert names("vault.plain") == ["both"]
    assert names("vault.named") == ["named"]
    assert names("vault.show", url="u") == ["token", "url"]  # the system's, for it is a secret parameter
    assert names("vault.show") == ["token"]


def test_an_explicit_parameter_wins_over_a_key(world):
    world.add_pack("tell", {
        "pack.yaml": "ref: tell\nlabel: Tell\nversion: 1.0.0\n",
        "actions/len.yaml": action("tell.len", "len.sh", fmt="dotenv", output="json"),
        "actions/len.sh": "#!/bin/bash\n. /dev/stdin\nprintf '{\"n\": %d}\\n' \"${#word}\"\n",
    })
    world.start()
    world.post("/keys", key("t.word", "pack", owner_pack_ref="tell", value="from-key", name="word"), 201)
    assert run(world, "tell.len")["result"]["data"] == {"n": 8}
    assert run(world, "tell.len", word="abc")["result"]["data"] == {"n": 3}
    assert run(world, "tell.len", word=None)["result"]["data"] == {"n": 8}


def test_a_secret_parameter_that_is_needed_may_come_from_a_key(world):
    need = "parameters:\n  url: {type: string, required: true}\n  token: {type: string, secret: true, required: true}\n"
    world.add_pack("want", {
        "pack.yaml": "ref: want\nlabel: Want\nversion: 1.0.0\n", "actions/len.sh": "#!/bin/bash\n. /dev/stdin\nprintf '{\"n\": %d}\\n' \"${#token}\"\n",
        "actions/len.yaml": action("want.len", "len.sh", fmt="dotenv", output="json", more=need),
    })
    world.start()
    missing = run(world, "want.len", url="u")
    assert missing["status"] == "failed" and '"token" is a required property' in missing["result"]["error"]
    rule = {"ref": "want.r", "pack_ref": "want", "label": "R", "action_ref": "want.len", "trigger_ref": "core.alert", "action_params": {"url": "u"}}
    assert "token" in refused(world, "POST", "/rules", 422, rule)["error"]
    world.post("/keys", key("w.token", value="twelve-chars", encrypted=True), 201)
    assert run(world, "want.len", url="u")["result"]["data"] == {"n": 12}
    assert run(world, "want.len", url="u", token="abc")["result"]["data"] == {"n": 3}
    assert '"url" is a required property' in run(world, "want.len")["result"]["error"]  # what is not secret no key gives
    world.post("/rules", rule, 201)
    world.post("/events", {"trigger_ref": "core.alert", "payload": {}}, 201)
    (execution,) = eventually(lambda: [e for e in world.get("/executions", rule_ref="want.r")["items"] if e["status"] == "completed"])
    assert world.get(f"/executions/{execution['id']}")["data"]["result"]["data"] == {"n": 12}


# ---- secret parameters


MARK = {"$attune_secret": True, "redacted": True}


def test_a_secret_parameter_reaches_the_action_and_is_shown_to_nobody_who_does_not_ask(world, tmp_path):
    secret_pack(world)
    world.start()
    kept = tmp_path / "kept"
    body = {"action_ref": "vault.keep", "env_vars": {"KEEP": str(kept)},
            "parameters": {"url": "u", "token": CANARY, "auth": {"pin": 123456, "user": "me"}}}
    made = world.post("/executions/execute", body, 201)["data"]
    assert made["config"] == {"url": "u", "token": MARK, "auth": {"pin": MARK, "user": "me"}}
    done = world.get(f"/executions/{made['id']}", wait_seconds=30)["data"]
    assert done["status"] == "completed" and done["config"] == made["config"]
    assert json.loads(kept.read_text()) == body["parameters"]
    open_ = as_somebody(world, "reader", "vault.reveal")("GET", f"/executions/{made['id']}?include_secret_values=true", 200)["data"]
    assert open_["config"] == body["parameters"]
    audited = world.get("/audit-events", event_type="secret.reveal", resource_id=made["id"])["items"]
    assert len(audited) == 1 and audited[0]["category"] == "secret"


def test_a_run_whose_secret_no_key_opens_is_not_run_again_and_says_what_to_do(world, tmp_path):
    secret_pack(world)
    world.start(config={"security": {"encryption_key": "a" * 40}})
    body = {"action_ref": "vault.keep", "env_vars": {"KEEP": str(tmp_path / "kept")},
            "parameters": {"url": "u", "token": CANARY, "auth": {"pin": 123456, "user": "me"}}}
    made = world.post("/executions/execute", body, 201)["data"]["id"]
    assert world.get(f"/executions/{made}", wait_seconds=30)["data"]["status"] == "completed"
    world.stop()
    world.start(config={"security": {"encryption_key": "b" * 40}})
    before = world.rows("select count(*) as n from execution")[0]["n"]
    said = refused(world, "POST", f"/executions/{made}/retry", 422)["error"]
    assert f"Execution {made} cannot be run again: a secret" in said and "run its action anew" in said
    assert world.rows("select count(*) as n from execution")[0]["n"] == before


def test_a_mark_is_no_value_and_a_wrong_secret_is_not_said(world):
    secret_pack(world)
    world.start()
    ended = run(world, "vault.show", token=MARK)
    assert ended["status"] == "failed" and "give the secret value" in ended["result"]["error"]
    ended = run(world, "vault.show", token=[CANARY])
    assert ended["status"] == "failed" and CANARY not in json.dumps(ended) and ended["config"] == {"token": MARK}


def test_a_secret_of_a_rule_waits_sealed_beside_its_enforcement(world):
    secret_pack(world)
    world.start()
    world.post("/rules", {"ref": "vault.r", "pack_ref": "vault", "label": "R", "action_ref": "vault.show", "trigger_ref": "core.alert",
                          "action_params": {"token": "{{ event.payload.word }}", "url": "u"}}, 201)
    world.post("/events", {"trigger_ref": "core.alert", "payload": {"word": "quiet-word"}}, 201)
    (execution,) = eventually(lambda: [e for e in world.get("/executions", rule_ref="vault.r")["items"] if e["status"] == "completed"])
    shown = world.get(f"/executions/{execution['id']}")["data"]
    assert shown["config"]["token"] == MARK and shown["result"]["data"]["token"] == "***"
    enforcement = world.get(f"/enforcements/{execution['enforcement']}")["data"]
    assert enforcement["config"]["token"] == MARK
    reader = as_somebody(world, "reader", "vault.reveal")
    open_ = reader("GET", f"/enforcements/{execution['enforcement']}?include_secret_values=true", 200)["data"]
    assert open_["config"]["token"] == "quiet-word"

    # a key may be named there too, and nowhere else
    world.post("/keys", key("vault.door", "pack", owner_pack_ref="vault", encrypted=True, value=4711), 201)
    rule = {"ref": "vault.k", "pack_ref": "vault", "label": "K", "action_ref": "vault.show", "trigger_ref": "core.alert"}
    bad = refused(world, "POST", "/rules", 422, {**rule, "action_params": {"url": "{{ keystore.door }}"}})
    assert "action_params.url: keystore may stand only in a parameter that action 'vault.show' marks as secret" in json.dumps(bad)
    good = {**rule, "action_params": {"auth": {"pin": "{{ keystore.door }}", "user": "u"}}}
    as_somebody(world, "maker", "vault.maker")("POST", "/rules", 403, good)  # who may not see the key lets no rule use it
    world.post("/rules", good, 201)
    world.post("/events", {"trigger_ref": "core.alert", "payload": {}}, 201)
    (execution,) = eventually(lambda: [e for e in world.get("/executions", rule_ref="vault.k")["items"] if e["status"] == "completed"])
    assert world.get(f"/executions/{execution['id']}")["data"]["config"]["auth"] == {"pin": MARK, "user": "u"}
    open_ = reader("GET", f"/executions/{execution['id']}?include_secret_values=true", 200)["data"]
    assert open_["config"]["auth"] == {"pin": 4711, "user": "u"}


# ---- rotation


def test_the_encryption_key_is_changed_while_everything_runs(world):
    secret_pack(world)
    old, new = "o" * 40, "n" * 40
    world.start(config={"security": {"encryption_key": old, "encryption_keys_old": [new]}})
    for i in range(300):
        world.post("/keys", key(f"r.k{i}", value=i, encrypted=True), 201)
    world.post("/pack-indices", {"url": "https://packs.example.org/i.json", "headers": {"Authorization": "Bearer s3cret"}}, 201)
    made = world.post("/executions/execute", {"action_ref": "vault.show", "parameters": {"token": "stays-secret"}}, 201)["data"]
    world.stop()
    world.start(config={"security": {"encryption_key": new, "encryption_keys_old": [old]}})
    assert world.get("/keys/r.k7")["data"]["value"] == 7
    step, rewrapped = {"next": None, "done": False}, 0
    while not step["done"]:
        after = {} if step["next"] is None else {"params": {"after": step["next"]}}
        step = world.request("POST", "/keys/rotate", 200, **after).json()["data"]
        rewrapped += step["rewrapped"]
    assert rewrapped == 302 and step["left"] == 0 and step["unreadable"] == 0
    said = json.loads(world.cli("key", "rotate", "-j").out)
    assert (said["rewrapped"], said["unreadable"], said["left"]) == (0, 0, 0)
    again = world.request("POST", "/keys/rotate", 200).json()["data"]
    assert again["done"] and again["rewrapped"] == 0
    world.stop()
    world.start(config={"security": {"encryption_key": new, "encryption_keys_old": []}})
    assert [world.get(f"/keys/r.k{i}")["data"]["value"] for i in (0, 150, 299)] == [0, 150, 299]
    reader = as_somebody(world, "reader", "vault.reveal")
    shown = reader("GET", f"/executions/{made['id']}?include_secret_values=true", 200)["data"]
    assert shown["config"] == {"token": "stays-secret"}


def test_what_bears_an_unknown_key_is_said_and_left(world):
    world.start(config={"security": {"encryption_key": "a" * 40}})
    world.post("/keys", key("lost.k", encrypted=True), 201)
    world.stop()
    world.start(config={"security": {"encryption_key": "b" * 40}})
    assert "encryption_keys_old" in refused(world, "GET", "/keys/lost.k", 500)["error"]
    step = world.request("POST", "/keys/rotate", 200).json()["data"]
    assert step["done"] and step["unreadable"] == 1 and step["left"] == 1
    refused_run = refused(world, "POST", "/keys/rotate?after=zz", 400)
    assert "next" in refused_run["error"]


def test_values_that_an_earlier_system_stored_are_read(world):
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from hashlib import sha256
    secret = "e" * 40
    world.start(config={"security": {"encryption_key": secret}})
    nonce = os.urandom(12)
    sealed = base64.b64encode(nonce + AESGCM(sha256(secret.encode()).digest()).encrypt(nonce, b'{"a":1}', None)).decode()
    world.post("/keys", key("old.k", value="x"), 201)
    world.execute(f"update key set encrypted = true, value = '{json.dumps(sealed)}' where ref = 'old.k'")
    assert world.get("/keys/old.k")["data"]["value"] == {"a": 1}
    assert world.request("POST", "/keys/rotate", 200).json()["data"]["rewrapped"] == 1
    assert world.get("/keys/old.k")["data"]["value"] == {"a": 1} and stored(world, "old.k").startswith("v1:")


def test_a_secret_of_a_packs_configuration_is_shown_as_a_mark_that_may_be_given_back(swept):
    pack = {"ref": "conf", "label": "Conf", "version": "1.0.0", "config": {"password": CANARY, "host": "h"},
            "conf_schema": {"password": {"type": "string", "secret": True}, "host": {"type": "string"}}}
    shown = {"password": MARK, "host": "h"}
    assert swept.post("/packs", pack, 201)["data"]["config"] == shown == swept.get("/packs/conf")["data"]["config"]
    assert swept.put("/packs/conf", {"config": {**shown, "host": "other"}})["data"]["config"] == {**shown, "host": "other"}
    kept = swept.rows("select config from pack where ref = 'conf'")[0]["config"]
    assert (json.loads(kept) if isinstance(kept, str) else kept) == {"password": CANARY, "host": "other"}
    refused(swept, "PUT", "/packs/conf", 422, {"config": {"host": MARK}})
    refused(swept, "POST", "/packs", 422, {**pack, "ref": "conf2", "config": {"password": MARK}})
    assert CANARY not in json.dumps([swept.get("/audit-events"), swept.get("/packs"), [swept.get(f"/audit-events/{e['id']}") for e in swept.get("/audit-events")["items"]]])


# ---- the canary


def forms(secret):
    raw = secret.encode()
    return {raw, base64.b64encode(raw), base64.urlsafe_b64encode(raw).rstrip(b"=")}


def found_in_files(world, needles):
    hits = []
    for top, _, names in os.walk(world.dir):
        for name in names:
            path = os.path.join(top, name)
            if not os.path.isfile(path) or os.path.islink(path):
                continue
            with open(path, "rb") as f:
                text = f.read()
            hits += [path for needle in needles if needle in text]
    return hits


def found_in_tables(world, needles):
    if world.embedded:
        return []  # its file is among the files
    hits = []
    for row in world.rows("select table_name from information_schema.tables where table_schema = current_schema()"):
        table = row["table_name"]
        text = str(world.rows(f'select t::text from "{table}" t')).encode()
        hits += [table for needle in needles if needle in text]
    return hits


def test_a_known_secret_is_found_nowhere_but_sealed(world):
    """Placed in an encrypted key of each kind that actions get, in secret parameters, among the secrets of a webhook, and printed by the
    action itself."""
    secret_pack(world)
    world.start(config={"log": {"level": "debug"}})
    tap = None if world.embedded else Tap(world)
    world.post("/keys", key("c.sys", value=CANARY, encrypted=True, name="named"), 201)
    world.post("/keys", key("c.pack", "pack", owner_pack_ref="vault", value={"deep": [CANARY]}, encrypted=True), 201)
    world.post("/keys", key("c.act", "action", owner_action_ref="vault.show", value=CANARY, encrypted=True), 201)
    minted = run(world, "vault.mint")
    assert minted["result"]["data"] == {"token": MARK, "size": 3}
    shown = [run(world, "vault.show", token=CANARY, auth={"pin": 987654321}), run(world, "vault.named"), run(world, "vault.plain"), minted]
    assert all(e["status"] == "completed" for e in shown)
    refused(world, "POST", "/keys", 409, key("c.sys", value=CANARY))
    world.put("/triggers/core.alert/webhooks/config", {"hmac": {"enabled": True, "secrets": [CANARY]}})
    world.put("/keys/c.sys", {"value": CANARY + "2"})
    seen = [shown, world.get("/keys"), world.get("/executions"), world.get("/audit-events"), world.get("/events"),
            world.get("/triggers/core.alert/webhooks/config"), world.get("/triggers/core.alert"),
            [world.get(f"/trace/{e['id']}") for e in shown]]
    needles = forms(CANARY) | {b"987654321"}
    if tap:  # what travels between processes
        eventually(lambda: len(tap.items("ExecutionCompleted")) >= len(shown))
        assert not [n for n in needles | forms(MINTED) for *_, body in tap.seen if n in body]
        tap.connection.close()
    assert MINTED not in json.dumps([minted, world.get("/executions"), world.request("GET", f"/executions/{minted['id']}/logs/stdout").text])
    assert not [n for n in needles if n.decode() in json.dumps(seen)]
    assert "***" in json.dumps(shown)
    world.stop()
    assert found_in_files(world, needles) == [] and found_in_tables(world, needles) == []
    assert not [n for n in needles if n.decode() in world.logs()]


def test_a_secret_that_a_workflow_says_itself_is_shown_to_nobody_who_may_not_decrypt(world):
    secret_pack(world)
    world.start()
    tasks = lambda token, name="a", action="vault.show": {"tasks": [{"name": "all", "type": "parallel", "tasks": [
        {"name": name, "action": action, "input": {"token": token, "url": "u", "auth": {"pin": "{{ parameters.pin }}"}}}]}]}
    mine = {"ref": "vault.flow", "pack_ref": "vault", "label": "F", "version": "1", "definition": tasks(CANARY)}
    assert "give the secret value" in refused(world, "POST", "/workflows", 422, {**mine, "definition": tasks(MARK)})["error"]
    answers = [world.post("/workflows", mine, 201), world.get("/workflows/vault.flow"), world.put("/workflows/vault.flow", {"label": "G"}, 200)]
    assert [a["data"]["definition"] for a in answers] == [tasks(MARK)] * 3
    assert CANARY not in json.dumps([world.get("/workflows"), world.get("/actions/vault.flow"), world.get("/workflows/vault.flow/graph"),
                                     world.post("/workflows/vault.flow/dry-run", {"parameters": {"pin": 1}}, 200)])
    assert CANARY not in world.cli("export", "workflow").out and CANARY in world.cli("export", "workflow", "--secrets").out

    # what comes back as it was shown stays what it is, and goes to no other task or action
    shown = world.get("/workflows/vault.flow")["data"]["definition"]
    world.put("/workflows/vault.flow", {"definition": {**shown, "timeout": 60}}, 200)
    for other in (tasks(MARK, name="b"), tasks(MARK, action="vault.plain")):
        error = refused(world, "PUT", "/workflows/vault.flow", 422, {"definition": other})["error"]
        assert "give the secret value" in error and CANARY not in error
    open_ = world.get("/workflows/vault.flow", include_secret_values="true")["data"]["definition"]
    assert open_ == {**tasks(CANARY), "timeout": 60}
    assert world.rows("select id from audit_event where event_type = 'secret.reveal' and resource_type = 'workflow'")
    as_somebody(world, "watcher", "vault.maker")("GET", "/workflows/vault.flow?include_secret_values=true", 403)
    text = json.dumps({"kind": "workflow", **mine, "label": "G", "definition": open_})
    assert "Nothing to change" in world.cli("apply", "-f", "-", stdin=text).out

    # files that are written have what was given, and the runs too
    world.put("/workflows/vault.flow/file", {"name": "flow", "pack_ref": "vault", "label": "G", "version": "1", "definition": shown}, 200)
    with open(os.path.join(world.packs, "vault/actions/workflows/flow.workflow.yaml"), encoding="utf-8") as f:
        assert CANARY in f.read()
    row = world.post("/executions/execute", {"action_ref": "vault.flow", "parameters": {"pin": 987654321}}, 201)["data"]
    eventually(lambda: world.get(f"/executions/{row['id']}")["data"]["status"] == "completed")
    (child,) = world.get("/executions", parent=row["id"])["data"]
    assert world.get(f"/executions/{child['id']}", include_secret_values="true")["data"]["config"]["token"] == CANARY
    assert CANARY not in json.dumps(world.get(f"/executions/{child['id']}"))


def test_a_secret_that_a_rule_says_itself_is_shown_to_nobody_who_may_not_decrypt(world):
    secret_pack(world)
    world.start()
    mine = {"ref": "vault.lit", "pack_ref": "vault", "label": "L", "action_ref": "vault.show", "trigger_ref": "core.alert",
            "action_params": {"token": CANARY, "url": "u", "auth": {"pin": "{{ event.payload.pin }}", "user": "u"}}}
    hidden = {"token": MARK, "url": "u", "auth": {"pin": "{{ event.payload.pin }}", "user": "u"}}
    refused(world, "POST", "/rules", 422, {**mine, "action_params": hidden})  # a mark that stands for nothing
    answers = [world.post("/rules", mine, 201), world.get("/rules/vault.lit"), world.request("PUT", "/rules/vault.lit", 200, json={"label": "M"}).json(),
               world.post("/rules/vault.lit/disable", status=200), world.post("/rules/vault.lit/enable", status=200)]
    assert [a["data"]["action_params"] for a in answers] == [hidden] * 5
    for path in ("/rules", "/rules/enabled", "/packs/vault/rules", "/actions/vault.show/rules", "/triggers/core.alert/rules"):
        (row,) = [r for r in world.get(path, page_size=100)["items"] if r["ref"] == "vault.lit"]
        assert row["action_params"] == hidden, path

    # what comes back as it was shown stays what it is, and goes nowhere else
    world.request("PUT", "/rules/vault.lit", 200, json={"action_params": {**hidden, "url": "other"}})
    for more in ({}, {"action_params": hidden}):
        error = refused(world, "PUT", "/rules/vault.lit", 422, {"action_ref": "core.echo", **more})["error"]
        assert "action_params" in error and CANARY not in error
    world.post("/events", {"trigger_ref": "core.alert", "payload": {"pin": 1}}, 201)
    (execution,) = eventually(lambda: [e for e in world.get("/executions", rule_ref="vault.lit")["items"] if e["status"] == "completed"])
    assert world.get(f"/executions/{execution['id']}")["data"]["config"]["url"] == "other"
    assert CANARY not in world.cli("trace", execution["id"], "-j").out and CANARY not in world.cli("export", "rule").out

    # who may decrypt the pack's keys sees it when asking for it, and the audit says so
    open_ = world.get("/rules/vault.lit", include_secret_values="true")["data"]
    assert open_["action_params"]["token"] == CANARY and CANARY in world.cli("export", "rule", "--secrets").out
    assert world.rows("select id from audit_event where event_type = 'secret.reveal' and resource_type = 'rule'")
    as_somebody(world, "watcher", "vault.maker")("GET", "/rules/vault.lit?include_secret_values=true", 403)

    # apply compares with what it really is, and prints it nowhere
    text = json.dumps({"kind": "rule", **mine, "label": "M", "action_params": {**mine["action_params"], "url": "other"}})
    assert "Nothing to change" in world.cli("apply", "-f", "-", stdin=text).out
    said = world.cli("apply", "-f", "-", stdin=text.replace(CANARY, "another-one"))
    assert '"token":"***"' in said.out and "another-one" not in said.out + said.err
    assert world.get("/rules/vault.lit", include_secret_values="true")["data"]["action_params"]["token"] == "another-one"
    assert "1 changed" in world.cli("apply", "-f", "-", stdin=text).out
    world.request("DELETE", "/actions/vault.show", 200)
    gone = world.get("/rules/vault.lit")["data"]["action_params"]
    assert gone == {"token": MARK, "url": MARK, "auth": MARK}, "nobody can say any more what is secret"
