"""What a worker does with what people write: calls to elsewhere, languages, parameters in, results out."""

import contextlib
import glob
import json
import os

from harness import eventually
from work import ask, do


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


def test_a_call_that_is_refused_as_the_first_of_its_worker_only_fails(world):
    """The library that makes calls is loaded by the first one that is made."""
    world.start()
    for name, wrong in (("url", {"url": "ftp://example.org"}), ("method", {"url": "http://example.org", "method": "BREW"})):
        row = do(world, "core.http_request", wrong)
        assert row["status"] == "failed" and name in row["result"]["error"], row
    assert do(world, "core.noop", {})["status"] == "completed"


def test_a_worker_tells_what_it_found_and_what_it_lacks_and_runs_the_one_that_is_asked_for(world):
    """Also one that takes its time to say what it is, which the start does not wait for."""
    stand_in = os.path.join(world.dir, "ruby-9")  # behaves as ruby's command line, and takes bash for its language
    with open(stand_in, "w", encoding="utf-8") as f:
        f.write("#!/bin/bash\n[ \"$1\" = --version ] && { sleep 1; echo 'ruby 9.1.2p20'; exit; }\nexec /bin/bash \"$@\"\n")
    os.chmod(stand_in, 0o755)
    world.add_pack("gems", {"pack.yaml": "ref: gems\nlabel: Gems\nversion: 1.0.0\n",
                            "actions/shine.rb": "cat; echo \"$RUBYLIB\"\n",
                            "actions/shine.yaml": "ref: gems.shine\nlabel: S\nrunner_type: ruby\nentry_point: shine.rb\n"
                                                  "runtime_version: '>=9'\nrequired_worker_runtimes: {shell: '*'}\n",
                            "actions/old.yaml": "ref: gems.old\nlabel: S\nrunner_type: ruby\nentry_point: shine.rb\nruntime_version: '<9'\n"})
    world.start(config={"worker": {"interpreters": {"ruby": stand_in, "go": "/nowhere/go"}, "labels": {"zone": "a"},
                                   "probe_patience_ms": 500}})
    row = do(world, "gems.shine", {"carat": 2})  # waits until somebody offers ruby
    assert row["result"]["stdout"].startswith('{"carat":2}\n') and "/gems/lib" in row["result"]["stdout"], row
    worker = world.get("/workers/" + str(world.rows("select id from worker where worker_role = 'action'")[0]["id"]))
    found = {f["name"]: f for f in worker["detected_interpreters"]}
    assert found["ruby"] == {"name": "ruby", "path": stand_in, "version": "9.1.2"} and found["shell"]["path"] == "/bin/bash"
    assert {"name": "ruby", "versions": ["9.1.2"]} in worker["supported_runtimes"]
    assert "/nowhere/go" in {m["name"]: m["why"] for m in worker["missing_runtimes"]}["go"] and worker["labels"] == {"zone": "a"}
    assert sum("Registered runtimes: " in line for line in world.logs("worker").splitlines()) == 2
    waits = ask(world, "gems.old")
    eventually(lambda: "'<9'" in (world.get(f"/executions/{waits}")["data"]["wait_reason"] or ""), 30)


def waits_ahead(home):
    """Numbers of the processes that were started ahead by a worker whose runs have their folders there."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        with contextlib.suppress(OSError), open(path, "rb") as f:
            words = f.read().split(b"\0")
            if len(words) > 2 and words[1] == b"--require" and words[2].decode().startswith(home):
                found.append(int(path.split("/")[2]))
    return found


def test_node_that_was_started_ahead_serves_runs_and_goes_with_its_worker(world):
    code = ("const fs = require('fs'), home = process.env.HOME, lay = fs.readdirSync(home);\nfs.writeFileSync(home + '/x', '');\n"
            "console.log(JSON.stringify({got: JSON.parse(fs.readFileSync(0, 'utf8')), id: process.env.ATTUNE_EXECUTION_ID, home, lay, ahead: fs.readFileSync('/proc/self/cmdline', 'utf8').includes('/.ahead/')}));\n")
    world.add_pack("quick", {"pack.yaml": "ref: quick\nversion: 1.0.0\n", "actions/n.js": code,
                             "actions/n.yaml": "ref: quick.n\nrunner_type: nodejs\nentry_point: n.js\noutput_format: json\n"})
    world.start(config={"worker": {"warm": True}})

    def run(number):
        row = do(world, "quick.n", {"n": number})
        data = row["result"]["data"]
        assert data["got"] == {"n": number} and data["id"] == str(row["id"]) and data["lay"] == [], row
        return data

    eventually(lambda: run(0)["ahead"], 90)
    seen = [run(n) for n in range(1, 9)]
    home = os.path.dirname(seen[0]["home"])
    eventually(lambda: waits_ahead(home), 60)
    world.kill("worker")
    eventually(lambda: not waits_ahead(home) and not os.path.exists(home), 30, "the guardian has taken them away")


def test_a_result_too_large_for_its_row_and_one_with_secrets_look_like_any_other(world):
    world.add_pack("wide", {
        "pack.yaml": "ref: wide\nlabel: Wide\nversion: 1.0.0\n",
        "actions/wide.sh": "printf '{\"text\":\"%0200000d needle\",\"pin\":\"hunter22\"}\\n' 7\n",
        "actions/wide.yaml": "ref: wide.wide\nlabel: W\nentry_point: wide.sh\noutput_format: json\n"
                             "output: {text: {type: integer}, pin: {type: string, secret: true}}\n"})
    world.start()
    row = do(world, "wide.wide")
    data = row["result"]["data"]
    assert row["status"] == "completed" and len(data["text"]) == 200_007 and "text" in row["result"]["output_error"]
    assert data["pin"] == {"$attune_secret": True, "redacted": True}
    stored = world.rows("select result from execution where id = ?", row["id"])[0]["result"]
    assert len(str(stored)) < 1000 and "succeeded" in str(stored)
    assert world.rows("select execution from execution_result") == [{"execution": row["id"]}]
    shown = world.get(f"/executions/{row['id']}", include_secret_values="true")["data"]["result"]["data"]
    assert shown["pin"] == "hunter22" and shown["text"] == data["text"]
    assert "hunter22" not in world.cli("execution", "logs", str(row["id"])).out
    assert [r["id"] for r in world.get("/executions", result_contains="7 NEEDLE")["data"]] == [row["id"]]


def test_the_sample_actions_keep_the_contract_of_the_documentation(world):
    root = os.path.join(os.path.dirname(__file__), "..", "..", "examples", "contract")
    names = ["pack.yaml"] + [f"actions/{n}" for n in sorted(os.listdir(os.path.join(root, "actions")))]
    files = {}
    for name in names:
        with open(os.path.join(root, name), encoding="utf-8") as f:
            files[name] = f.read()
    world.add_pack("contract", files)
    world.start()
    for action in ("contract.order_py", "contract.order_js"):
        lines = [{"price": 2.5, "count": 2, "name": "it's \"one\"\n$(two)"}, {"price": 1}]
        row = do(world, action, {"id": 7, "lines": lines, "ask": True})
        assert row["status"] == "completed", row
        assert row["result"]["data"] == {"id": 7, "total": 6, "execution": row["id"], "action": action}
        assert row["result"]["stderr"] == "order 7 has 2 lines\n" and "output_error" not in row["result"]
        row = do(world, action, {"id": 7, "lines": [{"price": 1}, {}]})
        assert row["status"] == "failed" and row["result"]["exit_code"] == 1, row
        assert row["result"]["error"].endswith("Error: line 2 has no price")
        assert json.loads(row["result"]["stdout"]) == {"success": False, "error": "line 2 has no price"}


def test_output_that_is_no_text_is_stored_and_shown_in_one_way(world):
    """Bytes that are no UTF-8 become U+FFFD, and so does a NUL, except where JSON or YAML writes it as an escape; a file that an action leaves is as it was."""
    ugly, clean = r"a\xffb\x00c\xc3(\xed\xa0\x80-\xf0\x9f\x92\xa9", "a\ufffdb\ufffdc\ufffd(\ufffd\ufffd\ufffd-\U0001f4a9"
    value = r'{"k\xff":"v\xfe","n\\u0000":"a\\u0000b","\xf0\x9f\x92\xa9":[1]}'
    meant = {"k\ufffd": "v\ufffd", "n\ufffd": "a\ufffdb", "\U0001f4a9": [1]}
    scripts = {"text": ("text", f"printf '{ugly}\\n'; printf '{ugly}' >&2"),
               "much": ("text", f"for ((i = 0; i < 10000; i++)); do printf '{ugly}'; done"),
               "json": ("json", f"printf '{value}'"), "lines": ("jsonl", f"printf '{value}\\n{value}\\n'"),
               "yaml": ("yaml", r"printf 'k\xff: v\xfe\nnul: \"a\\0b\"\n'"),
               "lone": ("json", r"printf '{\"a\":\"\\ud800\"}'"), "nul": ("json", r"printf '{\"a\":\"x\x00y\"}'"),
               "vast": ("json", "echo '{\"n\": [1e131000, -3E+999999999, 12345678901234567890123]}'"),
               "fails": ("text", f"printf '{ugly}' >&2; exit 3")}
    files = {"pack.yaml": "ref: bytes\nversion: 1.0.0\n"}
    for name, (output, code) in scripts.items():
        files[f"actions/{name}.sh"] = code.replace('\\"', '"') + "\n"
        files[f"actions/{name}.yaml"] = f"ref: bytes.{name}\nentry_point: {name}.sh\noutput_format: {output}\n"
    world.add_pack("bytes", files)
    world.start(config={"worker": {"max_stdout_bytes": 100_000}})
    rows = {name: do(world, f"bytes.{name}") for name in scripts}
    assert {n: r["status"] for n, r in rows.items()} == {n: "failed" if n == "fails" else "completed" for n in scripts}, rows
    result = {name: row["result"] for name, row in rows.items()}
    assert result["text"]["stdout"] == clean + "\n"
    assert result["json"]["data"] == meant and result["lines"]["data"] == [meant, meant]
    assert result["yaml"]["data"] == {"k\ufffd": "v\ufffd", "nul": "a\ufffdb"}
    assert result["vast"]["data"] == {"n": ["1e131000", "-3E+999999999", 12345678901234567890123]}, "a few bytes stay a few"
    assert "data" not in result["lone"] and result["lone"]["stdout"] == '{"a":"\\ud800"}', "no value, so its text"
    assert "data" not in result["nul"] and result["nul"]["stdout"] == '{"a":"x\ufffdy"}', "no value, so its text"
    assert result["fails"]["error"] == clean and result["fails"]["exit_code"] == 3
    for name, stream in (("text", "stdout"), ("text", "stderr"), ("fails", "stderr")):
        answer = world.request("GET", f"/executions/{rows[name]['id']}/logs/{stream}")
        assert answer.content.decode().rstrip("\n").replace("\0", "\ufffd") == clean, "valid UTF-8"
        followed = world.request("GET", f"/executions/{rows[name]['id']}/logs/{stream}/stream", headers={"Accept": "text/event-stream"})
        assert f"data: {clean}" in followed.content.decode().replace("\0", "\ufffd")
    shown = world.cli("execution", "show", str(rows["text"]["id"]), "--output", "json").out
    assert json.loads(shown)["result"]["stdout"] == clean + "\n"
    assert [r["id"] for r in world.get("/executions", result_contains="v\ufffd", action_ref="bytes.json")["data"]] == [rows["json"]["id"]]
    kept = world.get("/artifacts", execution=rows["much"]["id"])["data"]
    whole = world.request("GET", f"/artifacts/{kept[0]['id']}/download").content
    assert whole == 10000 * b"a\xffb\0c\xc3(\xed\xa0\x80-\xf0\x9f\x92\xa9"
    assert (clean * 10000).startswith(result["much"]["stdout"]) and result["much"]["stdout_truncated"], "no half character at its end"
