"""Every test that asks for `world` or `running` runs in both worlds. Run them with `dev/test e2e [PYTEST_ARGS]`.

`world` is a fresh world of the test's own, not started yet. To start one takes seconds, so most share theirs with the other tests
of their file: `running` is up already, with the test pack of work.py, and must be left as it was found; `swept` is up with nothing
but the core pack, and what a test makes in it is taken away behind it.
"""

import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import conformance  # noqa: E402
from harness import World  # noqa: E402
from work import KINDS, Ledger, add_test_pack, sweep, things  # noqa: E402

WORLDS = ("embedded", "distributed")


def pytest_addoption(parser):
    parser.addoption("--world", choices=WORLDS, help="only this world")
    parser.addoption("--part", default="1/1", help="K/N: the K-th of N parts of about the same number of tests, whole files")
    parser.addoption("--whole", action="store_true", help="only the last test, about what the parts before have seen")


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: measures time, or disturbs the shared servers: nothing runs beside it")
    config.addinivalue_line("markers", "limit(seconds): this test may take longer than two minutes")
    config.addinivalue_line("markers", "only(world): the promise concerns this world alone")


def pytest_generate_tests(metafunc):
    name = fixture_of(metafunc.fixturenames)
    if name is None:
        return
    only = metafunc.definition.get_closest_marker("only")
    kinds = only.args if only else WORLDS
    metafunc.parametrize(name, kinds, indirect=True, scope="function" if name == "world" else "module")


def fixture_of(names):
    return next((name for name in ("world", "running", "served") if name in names), None)


def pytest_collection_modifyitems(config, items):
    """A test of no world at all belongs to the embedded run, so that it runs once."""
    chosen = config.getoption("--world")
    whole = config.getoption("whole")
    some = config.getoption("keyword") or config.getoption("markexpr") == "alone" or config.getoption("part") != "1/1"
    if whole or some:  # what some of them have seen is not the whole
        leave_out(config, items, lambda item: (item.path.name == "test_zz_whole.py") != bool(whole))
    if chosen is None:
        return

    def belongs(item):
        name = fixture_of(item.fixturenames)
        return chosen == (WORLDS[0] if name is None else item.callspec.params[name])

    leave_out(config, items, lambda item: not belongs(item))
    part, parts = map(int, config.getoption("--part").split("/"))
    first = {}  # where each file begins
    for i, item in enumerate(items):
        first.setdefault(item.path, i)
    share = max(1, len(items)) / parts
    leave_out(config, items, lambda item: int(first[item.path] // share) + 1 != part)


def leave_out(config, items, unwanted):
    config.hook.pytest_deselected(items=[item for item in items if unwanted(item)])
    items[:] = [item for item in items if not unwanted(item)]


def pytest_sessionstart(session):
    if session.config.getoption("whole"):
        conformance.load_succeeded(os.environ["ATTUNE_TEST_SEEN"])


def pytest_sessionfinish(session):
    """Each part writes into this directory what it has seen, for a last one that asks for the whole."""
    if "ATTUNE_TEST_SEEN" in os.environ:
        conformance.save_succeeded(os.environ["ATTUNE_TEST_SEEN"])


@pytest.fixture
def world(request, tmp_path):
    with World(request.param, tmp_path) as w:
        yield w
        w.close()
        assert not w.sanitizer_reports(), "a sanitizer complained in the log of: " + ", ".join(w.sanitizer_reports())


@pytest.fixture(scope="module")
def running(request, tmp_path_factory):
    with World(request.param, tmp_path_factory.mktemp("running")) as w:
        add_test_pack(w)
        w.ledger = Ledger(w)
        w.start()
        yield w
        w.close()
        assert not w.sanitizer_reports(), "a sanitizer complained in the log of: " + ", ".join(w.sanitizer_reports())


@pytest.fixture(scope="module")
def served(request, tmp_path_factory):
    with World(request.param, tmp_path_factory.mktemp("served")) as w:
        w.start()
        yield w
        w.close()
        assert not w.sanitizer_reports(), "a sanitizer complained in the log of: " + ", ".join(w.sanitizer_reports())


@pytest.fixture
def swept(served):
    kept = {kind: things(served, kind) for kind in KINDS}
    yield served
    sweep(served, kept)


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
    args = getattr(item, "funcargs", {})
    w = next((args[name] for name in ("world", "running", "served") if name in args), None)
    if report.failed and isinstance(w, World):
        for p in w.processes:
            report.sections.append((f"end of {p.name}'s log", w.logs_of(p)[-6000:]))
