"""What those who watch may rely on when something changes underneath: tokens that end, brokers that go away, several processes, TLS."""

import os
import subprocess
import time

import pytest
import requests
from harness import ADMIN, eventually, free_port, rabbitmqctl
from sockets import CLOSE, Closed, Socket
from test_access import claims, person, secret_of, sign
from test_faults import descriptors
from test_streams import STATES, run, statuses

LEEWAY = 60  # seconds that clocks may differ
SLOW = 25  # seconds that a machine which has other things to do may take on top of the five that are promised


def test_a_token_that_expires_while_it_watches_is_cut_off_within_five_seconds(running):
    left = 4
    token = sign(secret_of(running), claims(running, exp=int(time.time()) + left - LEEWAY))
    ends = time.monotonic() + left
    with Socket(running, token=token) as ws:
        ws.subscribe("entity_type:execution")
        assert statuses(ws, run(running)) == STATES  # until then it counts
        assert ws.until_closed(60).code == 4401
        assert ends - 1.5 < time.monotonic() < ends + 5 + SLOW
    with pytest.raises(Exception, match="401"):
        Socket(running, token=token)


@pytest.mark.only("distributed")
def test_what_one_process_takes_back_counts_in_every_other_within_five_seconds(world):
    second, door = free_port(), free_port()
    world.start()
    others = [world.launch("api", {"server": {"port": second}}), world.launch("notifier", {"notifier": {"port": door}})]
    world.wait_ready(others)
    there = f"http://127.0.0.1:{second}"
    eventually(lambda: requests.get(there + "/health/ready", timeout=5).status_code == 200)
    who = person(world, "walter", ["core.viewer"])
    token = world.login("walter", "a password of tests")
    headers = {"Authorization": f"Bearer {token}"}
    with Socket(world, token=token) as first, Socket(f"http://127.0.0.1:{door}", token=token) as other:
        first.subscribe("all")
        other.subscribe("all")
        assert requests.get(there + "/api/v1/packs", headers=headers, timeout=10).status_code == 200
        assert requests.post(there + f"/api/v1/identities/{who}/freeze", headers=world.bearer(), timeout=10).status_code == 200
        began = time.monotonic()
        for url in (world.url, there):
            eventually(lambda url=url: requests.get(url + "/api/v1/packs", headers=headers, timeout=10).status_code in (401, 403), 30)
            assert time.monotonic() - began < 5 + SLOW
        assert first.until_closed(30).code == 4401 and other.until_closed(30).code == 4401
        assert time.monotonic() - began < 5 + SLOW


@pytest.mark.only("distributed")
def test_when_the_broker_was_away_those_who_watch_are_told_to_load_again(world):
    world.start()
    with Socket(world) as ws:
        ws.subscribe("entity_type:execution")
        assert statuses(ws, run(world)) == STATES
        last = ws.welcome["sequence"]
        rabbitmqctl("close_all_connections", "-p", world.name, "a test")

        def reloaded():
            try:
                return ws.receive(1)["type"] == "reload"
            except (TimeoutError, OSError) as late:
                assert not isinstance(late, Closed)
                return False

        eventually(reloaded, 60)
        # from here on it is told again, and the number from before leads nowhere
        eventually(lambda: statuses(ws, run(world)) == STATES, 30)
    with Socket(world) as back:
        back.subscribe("entity_type:execution")
        answer = back.say(type="resume", series=back.welcome["series"], sequence=last) or back.receive()
        assert answer["type"] == "reload"


def test_websockets_go_over_tls(world):
    key, cert = os.path.join(world.dir, "key.pem"), os.path.join(world.dir, "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert,
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
                   check=True, capture_output=True, timeout=60)
    for role in ("up",) if world.embedded else ("api", "executor", "worker", "notifier"):
        world.launch(role, {"server": {"tls_cert": cert, "tls_key": key, "request_timeout": 5}})
    url, door = (u.replace("http:", "https:") for u in (world.url, world.socket_url))
    eventually(lambda: requests.get(url + "/health/ready", verify=cert, timeout=5).status_code == 200, 30)
    eventually(lambda: requests.get(door + "/health", verify=cert, timeout=5).status_code == 200, 30)
    login = requests.post(url + "/auth/login", json={"login": ADMIN[0], "password": ADMIN[1]}, verify=cert, timeout=30)
    token = login.json()["data"]["access_token"]
    with Socket(door, token=token, ca=cert) as ws:
        ws.subscribe("entity_type:execution")
        made = requests.post(url + "/api/v1/executions/execute", json={"action_ref": "core.echo", "parameters": {"message": "hi" * 3000}}, verify=cert,
                             headers={"Authorization": f"Bearer {token}"}, timeout=30).json()["data"]["id"]
        assert statuses(ws, made) == STATES
        assert ws.ask(type="ping")["type"] == "pong"
    for _ in range(8):  # whoever leaves makes room, and takes nobody along
        with Socket(door, token=token, ca=cert) as again:
            assert again.ask(type="ping")["type"] == "pong"
            again.frame(CLOSE, (1000).to_bytes(2, "big"))
            assert again.until_closed(60).code == 1000
            again.sock.settimeout(60)
            assert again.sock.recv(1) == b""  # the connection ends with it, though nothing else happens there
    assert all(p.alive for p in world.processes)
    with Socket(door, token=token, ca=cert) as lost:
        assert lost.ask(type="ping")["type"] == "pong"
        held = descriptors(world.processes[-1])
    eventually(lambda: descriptors(world.processes[-1]) <= held - 3, 60)  # who leaves without a word is noticed, too
