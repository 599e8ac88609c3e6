"""What Prometheus reads from /metrics."""

import re

import requests
from harness import eventually, free_port
from sockets import Socket

LINE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="[^"]*",?)*)\})? (-?[0-9.e+]+|\+Inf)$')


def figures(world, answer=None):
    answer = answer if answer is not None else world.request("GET", "/metrics", 200)
    assert answer.headers["Content-Type"].startswith("text/plain"), answer.text
    out, kinds = {}, {}
    for line in answer.text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            assert name not in kinds, f"{name} is there twice"
            kinds[name] = kind
        elif not line.startswith("# "):
            name, labels, value = LINE.match(line).groups()
            assert re.sub("_(bucket|sum|count)$", "", name) in kinds or name in kinds, f"{name} has no type"
            out[name, labels or ""] = float(value)
    return out


def test_metrics_count_answers_by_route_and_status_and_say_what_runs(swept):
    eventually(lambda: swept.get("/workers")["data"], what="the worker is there")
    for _ in range(3):
        swept.get("/packs/core")
    swept.get("/packs/nope", 404)
    swept.request("GET", "/no/such/route", 404)
    run = swept.post("/executions/execute", {"action_ref": "core.sleep", "parameters": {"seconds": 30}}, 201)["data"]
    eventually(lambda: swept.get(f"/executions/{run['id']}")["data"]["status"] == "running")
    now = figures(swept)
    shown = 'method="GET",route="/api/v1/packs/{ref}"'
    assert now["attune_http_requests_total", shown + ',status="200"'] == 3 and now["attune_http_requests_total", shown + ',status="404"'] == 1
    assert now["attune_http_request_seconds_count", shown] == 4 == now["attune_http_request_seconds_bucket", shown + ',le="+Inf"']
    assert now["attune_http_requests_total", 'method="",route="",status="404"'] == 1
    assert now["attune_executions", 'status="running"'] == 1 and now["attune_database_up", ""] == 1
    assert sum(v for (name, _), v in now.items() if name == "attune_worker_running") == 1
    assert [v for (name, _), v in now.items() if name == "attune_worker_slots"] == [10]
    assert now["process_resident_memory_bytes", ""] > 1e6 and now["process_open_fds", ""] > 5 and now["attune_database_statements_total", ""] > 0
    swept.post(f"/executions/{run['id']}/cancel")


def test_each_role_shows_its_figures(world):
    ports = {} if world.embedded else {role: free_port() for role in ("executor", "worker", "sensor")}
    if world.embedded:
        ports["up"] = free_port()
    for role in ("up",) if world.embedded else ("api", "notifier", "executor", "worker", "sensor"):
        world.launch(role, {"metrics": {"port": ports[role]}} if role in ports else None)
    world.wait_ready()
    for role, port in ports.items():
        own = figures(world, eventually(lambda port=port: requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10)))
        assert own["attune_role_info", f'role="{"executor" if role == "up" else role}"'] == 1
        assert own["attune_database_up", ""] == 1 and own["process_resident_memory_bytes", ""] > 1e6
        assert requests.get(f"http://127.0.0.1:{port}/health", timeout=10).json() == {"status": "ok"}
        assert requests.get(f"http://127.0.0.1:{port}/api/v1/packs", timeout=10).status_code == 404
    for role in ("api", "executor", "worker", "sensor", "notifier"):
        assert eventually(lambda role=role: figures(world).get(("attune_role_processes", f'role="{role}"'))) == 1, role


def test_the_notifier_shows_its_figures_to_who_may_see_workers(swept):
    with Socket(swept) as ws:
        ws.subscribe("entity_type:execution")
        swept.post("/executions/execute", {"action_ref": "core.noop"}, 201)
        assert ws.notice(lambda n: n["payload"]["status"] == "completed")
        headers = {"Authorization": f"Bearer {swept.token}"}
        now = eventually(lambda: figures(swept, requests.get(swept.socket_url + "/metrics", headers=headers, timeout=10)))
        assert now["attune_notifier_clients", ""] == 1 and now["attune_notifier_notices_total", ""] >= 3
    refused = requests.get(swept.socket_url + "/metrics", timeout=10)
    assert refused.status_code == 401, refused.text
