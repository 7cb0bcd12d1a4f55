"""How much of a limit several processes use, and what counting costs.

Seconds and percentages are printed and not asserted, with a note where they miss their goal. A 429 or 418 of
the toolkit fails, except next to a program with unpredictable bursts.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

import toolkit
from tests.benchmarks.measure import seconds
from tests.multiprocess.scene import HUNDRED, ONE, FullWindow, Scene, pause
from toolkit.endpoints import BASE_URLS, FAPI

LIMIT, WINDOW = 600, 3
"""A quarter of the documented weight in a twentieth of the time: one process alone could use it up twice."""
WINDOWS = 6


def uses(windows: Sequence[FullWindow], goal: float) -> str:
    """Describe how much of each window was used, and whether all reach the goal."""
    each = " ".join(f"{window.use:.1%}" for window in windows)
    return f"{each}; {'PASS' if min(window.use for window in windows) >= goal else 'SHORT'} of {goal:.0%}"


@contextmanager
def scene_of(
    folder: Path, limit: int = LIMIT, window: int = WINDOW, *, surprised: bool = False
) -> Iterator[Scene]:
    with Scene(folder, limit=limit, seconds=window) as scene:
        yield scene
        statuses = scene.statuses()
        print(f"    responses to the toolkit by status: {statuses}")
        for line in scene.refusals()[:5]:
            print(f"    refused in {line}")
        assert not statuses.keys() & ({418} if surprised else {429, 418})


@pytest.mark.parametrize(
    ("processes", "threads", "reads", "limit", "goal"),
    [
        (4, 2, ONE, LIMIT, 0.95),
        (1, 2, ONE, LIMIT, 0.98),
        (4, 2, HUNDRED, 100 * LIMIT, 0.95),
    ],
    ids=["four", "one", "four-heavy"],
)
def test_use_of_the_whole_limit(
    tmp_path: Path, processes: int, threads: int, reads: tuple[str, int], limit: int, goal: float
) -> None:
    print(
        f"\n  {processes} processes with {threads} threads, reads of weight {reads[1]}, {limit} in {WINDOW} s"
    )
    with scene_of(tmp_path, limit) as scene:
        kernels = scene.kernels(processes, threads=threads, reads=reads)
        for kernel in kernels:
            kernel.go()
        pause(1.0)
        windows = scene.full_windows(*scene.wait_for_windows(WINDOWS))
        shares = [kernel.end().get("read", 0) for kernel in kernels]
        sent = sum(window.used for window in windows) / reads[1] / (WINDOW * len(windows))
        print(f"    used of each window: {uses(windows, goal)}")
        print(f"    {sent:.0f} requests a second; reads of each process: {shares}")


def test_throughput_without_a_limit(tmp_path: Path) -> None:
    """The rate that the machine reaches: a limit is used up only where this is higher."""
    for processes in (1, 4):
        folder = tmp_path / str(processes)
        folder.mkdir()
        with Scene(folder, limit=10**7, seconds=WINDOW) as scene:
            kernels = scene.kernels(processes)
            for kernel in kernels:
                kernel.go()
            pause(1.0)
            windows = scene.full_windows(*scene.wait_for_windows(1))
            for kernel in kernels:
                kernel.end()
            rate = sum(window.used for window in windows) / WINDOW
            print(f"\n  without a limit, {processes} processes with 2 threads: {rate:.0f} requests a second")


def test_use_after_a_process_is_killed(tmp_path: Path) -> None:
    print(f"\n  SIGKILL for one of three processes, {LIMIT} in {WINDOW} s")
    with scene_of(tmp_path) as scene:
        kernels = scene.kernels(3, threads=4)
        for kernel in kernels:
            kernel.go()
        pause(1.0)
        begin, _ = scene.wait_for_windows(1)
        pause(0.3)  # when it is busiest
        kernels.pop().kill()
        _, end = scene.wait_for_windows(3)
        windows = scene.full_windows(begin, end)
        for kernel in kernels:
            kernel.end()
        print(
            f"    used of the window before: {windows[0].use:.1%}; of that of the kill: {windows[1].use:.1%}"
        )
        print(f"    of those after it: {uses(windows[2:], 0.95)}")


@pytest.mark.parametrize("pattern", ["even", "start", "moment"])
def test_use_next_to_a_program_that_ignores_the_limits(tmp_path: Path, pattern: str) -> None:
    print(f"\n  2 processes with 2 threads, next to a program that sends {LIMIT // 2} of {LIMIT}: {pattern}")
    with scene_of(tmp_path, surprised=pattern == "moment") as scene:
        kernels, unaware = scene.kernels(2), scene.unaware(pattern, LIMIT // 2)
        for each in (*kernels, unaware):
            each.go()
        pause(1.0)
        scene.wait_for_windows(1)
        windows = scene.full_windows(*scene.wait_for_windows(WINDOWS))
        statuses = unaware.end()
        for kernel in kernels:
            kernel.end()
        print(f"    used of what it left: {uses(windows, 0.85)}")
        external = [window.external for window in windows]
        print(f"    used by it: {external}; responses to it by status: {statuses}")


def test_requests_around_a_ban(tmp_path: Path) -> None:
    length = 5
    print(f"\n  a ban of {length} s while 3 processes with 2 threads read; one is restarted meanwhile")
    with Scene(tmp_path, limit=LIMIT, seconds=WINDOW) as scene:
        *kernels, later = scene.kernels(4)
        for kernel in kernels:
            kernel.go()
        pause(1.0)
        scene.fault("ban", seconds=length, path="/fapi/")
        pause(1.0)
        kernels.pop().kill()
        later.go()
        pause(length + 1.0)
        results = [kernel.end() for kernel in (*kernels, later)]
        banned = next(entry["time"] for entry in scene.log() if entry["status"] == 418)
        during = scene.log(banned, banned + length)
        late = scene.log(banned + 0.5, banned + length)
        after = scene.log(banned + length)
        print(f"    sent during it: {len(during)}, of them later than 0.5 s: {len(late)}")
        print(f"    first after it: {after[0]['time'] - banned:.2f} s; {results}")
        assert len(during) <= 6, "each thread has at most one request in flight"
        assert not late
        assert {entry["status"] for entry in after} == {200}


def test_cost_of_counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compared with a bare `requests` call to the sandbox's ping, and with one in an open session."""
    monkeypatch.setenv("TOOLKIT_RATE_LIMITS", str(tmp_path))
    with Scene(tmp_path, limit=10**9, seconds=60) as scene:
        sandbox = json.loads(scene.line)
        hosts = dict.fromkeys(BASE_URLS, scene.address)
        with (
            toolkit.Link(key=sandbox["key"], secret=sandbox["secret"], hosts=hosts) as link,
            requests.Session() as session,
        ):
            link.get(ONE[0])
            budget = link._connection.budget
            url = f"{scene.address}/fapi/v1/ping"
            headers = session.get(url, timeout=5).headers

            def count() -> None:
                budget.record_response(budget.admit(FAPI, ONE[0], 1, "bench"), 200, headers)

            def each(work: Callable[[], object]) -> float:
                return seconds(lambda: [work() for _ in range(50)]) / 50

            # In rounds, so that other load on the machine affects all of them.
            rounds = [
                (
                    each(count),
                    each(lambda: requests.get(url, timeout=5).json()),
                    each(lambda: session.get(url, timeout=5).json()),
                )
                for _ in range(5)
            ]
            ours, bare, kept = (statistics.median(column) for column in zip(*rounds, strict=True))
    for what, baseline in (("a bare requests.get", bare), ("session.get", kept)):
        print(
            f"\n  reserving and recording: {ours * 1e6:.0f} us; {what}: {baseline * 1e6:.0f} us; "
            f"ratio {ours / baseline:.1%}: {'PASS' if ours < 0.05 * baseline else 'SHORT'} of 5%"
        )
