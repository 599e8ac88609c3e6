"""What a worker does with what people write: calls to elsewhere, languages, parameters in, results out."""

from work import do


def test_a_call_goes_out_only_where_it_may(world):
    world.start(config={"worker": {"http_request_allow": ["127.0.0.1"]}})
    url = f"http://127.0.0.1:{world.port}/health"
    row = do(world, "core.http_request", {"url": url, "query_params": {"a": "b c"}})
    data = row["result"]["data"]
    assert row["status"] == "completed" and data["status_code"] == 200 and data["success"] and data["json"], row
    assert data["url"] == url + "?a=b%20c" and data["headers"]["content-type"].startswith("application/json")
    row = do(world, "core.http_request", {"url": f"http://127.0.0.2:{world.port}/health"})
    assert row["status"] == "failed" and "worker.http_request_allow" in row["result"]["error"]
    row = do(world, "core.http_request", {"url": url, "method": "BREW"})
    assert row["status"] == "failed" and "method" in row["result"]["error"]
