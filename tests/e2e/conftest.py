"""Every test that asks for `world` runs in both. Run them with `dev/test e2e [PYTEST_ARGS]`."""

import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import World  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--world", choices=("embedded", "distributed"), help="only this world")


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: measures time, or disturbs the shared servers: nothing runs beside it")
    config.addinivalue_line("markers", "limit(seconds): this test may take longer than two minutes")


def pytest_generate_tests(metafunc):
    if "world" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--world")
        metafunc.parametrize("world", [chosen] if chosen else ["embedded", "distributed"], indirect=True)


def pytest_collection_modifyitems(config, items):
    """A test of no world at all belongs to the embedded run, so that it runs once."""
    if config.getoption("--world") == "distributed":
        homeless = [item for item in items if "world" not in item.fixturenames]
        config.hook.pytest_deselected(items=homeless)
        items[:] = [item for item in items if "world" in item.fixturenames]


@pytest.fixture
def world(request, tmp_path):
    with World(request.param, tmp_path) as w:
        yield w
        w.close()
        assert not w.sanitizer_reports(), "a sanitizer complained in the log of: " + ", ".join(w.sanitizer_reports())


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    def give_up(*_):
        raise TimeoutError(f"the test did not end within {seconds} s")

    marker = item.get_closest_marker("limit")
    seconds = marker.args[0] if marker else 120
    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    w = getattr(item, "funcargs", {}).get("world")
    if report.failed and isinstance(w, World):
        for p in w.processes:
            report.sections.append((f"end of {p.name}'s log", w.logs_of(p)[-6000:]))
