"""The judge of the kill storm must be able to condemn: each check is shown a record that is wrong in one way."""

import os
import sys
from types import SimpleNamespace

import pytest
from harness import ROOT
from work import Entry

sys.path.insert(0, os.path.join(ROOT, "tests", "crash"))
import judge as judges  # noqa: E402

S = 1_000_000
DONE = {"id": 1, "status": "completed", "worker": 7, "attempt": 1, "result": "{}", "started_at": 11 * S, "finished_at": 12 * S,
        "updated": 12 * S, "moves": f"requested|{10 * S}|api|0\nscheduled|{10 * S}|x|1\nrunning|{11 * S}|w1|1\ncompleted|{12 * S}|w1|1\n"}
LOST = {**DONE, "id": 2, "status": "abandoned", "updated": 30 * S, "finished_at": 30 * S,
        "moves": f"requested|{10 * S}|api|0\nscheduled|{10 * S}|x|1\nrunning|{11 * S}|w1|1\nabandoned|{30 * S}|x|1\n"}
LEDGER = [Entry("start", 1, 1, 100, 11.0), Entry("end", 1, 1, 100, 12.0), Entry("start", 2, 1, 101, 11.0)]
KILLS = [(20 * S, "worker", "w1")]


def verdict(monkeypatch, rows=(DONE, LOST), ledger=LEDGER, accepted=(1, 2), kills=KILLS, fallen=(), later=None, dead=(), last_kill=25 * S):
    answers = [list(rows), list(rows if later is None else later)]
    monkeypatch.setattr(judges.time, "sleep", lambda _: None)
    world = SimpleNamespace(embedded=False, rows=lambda *_: answers.pop(0) if len(answers) > 1 else answers[0],
                            get=lambda _: {"data": list(dead)})
    judge = judges.Judge(world, SimpleNamespace(ids=list(accepted)), SimpleNamespace(entries=lambda: list(ledger)),
                         SimpleNamespace(kills=list(kills)), list(fallen), last_kill, 4)
    return judge.findings()


def test_a_right_record_is_found_right(monkeypatch):
    assert verdict(monkeypatch) == []


@pytest.mark.parametrize("wrong, words", [
    ({"accepted": (1, 2, 3)}, "not stored"),
    ({"accepted": (1, 1, 2)}, "same id"),
    ({"rows": ({**DONE, "status": "running"}, LOST)}, "are open"),
    ({"rows": (DONE, {**LOST, "updated": 90 * S})}, "too late"),
    ({"kills": [(20 * S, "api", "a1")]}, "at most could be"),
    ({"kills": [(20 * S, "worker", "w2")]}, "was not killed"),
    ({"kills": [(5 * S, "worker", "w1")]}, "was not killed"),
    ({"rows": ({**DONE, "status": "failed"}, LOST)}, "is failed"),
    ({"ledger": LEDGER[1:]}, "0 starts"),
    ({"ledger": LEDGER[:1] + LEDGER[2:]}, "0 ends"),
    ({"ledger": [*LEDGER, Entry("end", 1, 1, 100, 12.5)]}, "2 ends"),
    ({"ledger": [*LEDGER, Entry("start", 2, 2, 102, 40.0)]}, "started 2 times"),
    ({"ledger": [*LEDGER, Entry("start", 9, 1, 103, 40.0)]}, "which is not stored"),
    ({"rows": ({**DONE, "attempt": 2}, LOST)}, "attempt 2 is stored"),
    ({"rows": ({**DONE, "moves": f"completed|{S}|x|1\n"}, LOST)}, "went from"),
    ({"rows": ({**DONE, "moves": f"requested|{S}|x|1\n"}, LOST)}, "timeline ends"),
    ({"rows": (*[{**DONE, "id": i} for i in range(1, 6)],), "ledger": [Entry(w, i, 1, 1, 1.0) for i in range(1, 6) for w in ("start", "end")],
      "accepted": range(1, 6)}, "5 at once on 4 slots"),
    ({"fallen": [("worker-1", 134)]}, "ended by itself"),
    ({"later": ({**DONE, "result": "other"}, LOST)}, "changed after its end"),
    ({"dead": [{"id": "x"}]}, "dead letters"),
])
def test_what_is_wrong_is_found(monkeypatch, wrong, words):
    findings = verdict(monkeypatch, **wrong)
    assert any(words in finding for finding in findings), findings
