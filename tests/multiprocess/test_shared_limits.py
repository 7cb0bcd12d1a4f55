"""Rate limits shared by processes, in short; `make bench` measures them at length.

Real processes take real time, so windows last one second. How much of a limit is used is checked only as far
as a busy machine can keep up.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.multiprocess.scene import HUNDRED, ONE, PING, Scene, pause, until


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Scene(tmp_path, limit=20, seconds=1) as running:
        yield running


@pytest.fixture
def few(tmp_path: Path) -> Iterator[Scene]:
    """A scene in which four reads of weight 100 fit into a window, with the first requests of a process."""
    with Scene(tmp_path, limit=420, seconds=1) as running:
        yield running


def test_two_processes_share_one_limit(few: Scene) -> None:
    # With four threads, each process could fill the window before the other's first read is counted.
    kernels = few.kernels(2, threads=4, reads=HUNDRED)
    for kernel in kernels:
        kernel.go()
    until(lambda: bool(few.log_of(HUNDRED[0])), "the first reads")
    windows = few.full_windows(*few.wait_for_windows(2))
    assert few.statuses().keys() == {200}
    assert sum(window.used for window in windows) >= few.limit  # half of what is allowed


def test_a_killed_process_reserves_nothing_beyond_its_window(few: Scene) -> None:
    victim, survivor = few.kernel(threads=4, reads=HUNDRED), few.kernel(threads=1, reads=HUNDRED)
    victim.ready()
    survivor.ready()
    few.fault("timeout", times=4, path=HUNDRED[0])
    victim.go()
    until(lambda: len(few.log_of(HUNDRED[0])) == 4, "four reads that fill the window and hang")
    killed = few.log_of(HUNDRED[0])[-1]["time"]
    victim.kill()
    survivor.go()
    next_window = (killed // few.seconds + 1) * few.seconds
    # Four reads fit into a window only where nothing is reserved for the victim.
    until(lambda: len(few.log_of(HUNDRED[0], next_window)) >= 8, "the survivor's reads")
    assert few.log_of(HUNDRED[0], next_window)[0]["time"] < next_window + 3 * few.seconds
    assert few.statuses().keys() == {0, 200}
    assert max(window.used for window in few.full_windows(next_window, next_window + 60)) >= 400


def test_a_ban_stops_other_kernels_and_new_ones(scene: Scene) -> None:
    seconds = 2
    first, second = scene.kernels(2)
    later = scene.kernel(reads=PING)  # of another path, so that the log tells who reads
    later.ready()
    first.go()
    second.go()
    until(lambda: {200} == scene.statuses().keys(), "the first reads")
    scene.fault("ban", seconds=seconds, path="/fapi/")
    until(lambda: 418 in scene.statuses(), "the ban")
    banned = next(entry["time"] for entry in scene.log() if entry["status"] == 418)
    pause(0.3)
    in_flight = len(scene.log(banned))
    assert in_flight <= 4, "more than one for each thread"
    first.kill()
    later.go()
    until(lambda: bool(scene.log(banned + seconds)), "its end")
    assert len(scene.log(banned, banned + seconds)) == in_flight
    for path, _ in (ONE, PING):
        until(lambda: {200} & {each["status"] for each in scene.log_of(path, banned + seconds)}, "its reads")  # noqa: B023
    reads = [second.end(), later.end()]
    assert all(each["BannedError"] > 1 and each["read"] > 0 for each in reads), reads
