"""The kill storm of tests/crash, at the size that fits into every run; `make crash N=10000` is the long one."""

import os
import sys

import pytest
from harness import ROOT

sys.path.insert(0, os.path.join(ROOT, "tests", "crash"))
from crash import storm  # noqa: E402


@pytest.mark.alone
@pytest.mark.limit(400)
def test_nothing_is_lost_or_run_twice_while_processes_are_killed(world):
    judge = storm(world, 300, 1)
    findings = judge.findings()
    world.stop(60)
    findings += judge.after_the_stop()
    print(judge.summary())
    assert not findings, "\n".join(findings)
