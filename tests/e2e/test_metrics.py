"""What Prometheus reads from /metrics."""

import re

from harness import eventually

LINE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="[^"]*",?)*)\})? (-?[0-9.e+]+|\+Inf)$')


def figures(world):
    answer = world.request("GET", "/metrics", 200)
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


def test_metrics_count_answers_by_route_and_status_and_say_what_runs(world):
    world.start()
    eventually(lambda: world.get("/workers")["data"], what="the worker is there")
    for _ in range(3):
        world.get("/packs/core")
    world.get("/packs/nope", 404)
    world.request("GET", "/no/such/route", 404)
    run = world.post("/executions/execute", {"action_ref": "core.sleep", "parameters": {"seconds": 30}}, 201)["data"]
    eventually(lambda: world.get(f"/executions/{run['id']}")["data"]["status"] == "running")
    now = figures(world)
    shown = 'method="GET",route="/api/v1/packs/{ref}"'
    assert now["attune_http_requests_total", shown + ',status="200"'] == 3 and now["attune_http_requests_total", shown + ',status="404"'] == 1
    assert now["attune_http_request_seconds_count", shown] == 4 == now["attune_http_request_seconds_bucket", shown + ',le="+Inf"']
    assert now["attune_http_requests_total", 'method="",route="",status="404"'] == 1
    assert now["attune_executions", 'status="running"'] == 1 and now["attune_database_up", ""] == 1
    assert sum(v for (name, _), v in now.items() if name == "attune_worker_running") == 1
    assert [v for (name, _), v in now.items() if name == "attune_worker_slots"] == [10]
    assert now["process_resident_memory_bytes", ""] > 1e6 and now["process_open_fds", ""] > 5 and now["attune_database_statements_total", ""] > 0
    world.post(f"/executions/{run['id']}/cancel")
