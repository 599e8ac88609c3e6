"""The least that must hold: it starts, says so, and stops when asked."""

from harness import eventually


def test_it_is_ready_after_the_start_and_ends_cleanly(world):
    world.start()
    assert world.get("/health")["status"] == "ok"
    assert world.get("/health/detailed")["database"] == "connected"
    world.stop()
    eventually(lambda: not world.leftovers(), 5, "no process is left behind")
