"""Display failures do no harm: no failing bar or warning loses a fetch or a write."""

from __future__ import annotations

import io
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import tqdm.auto
import tqdm.std

from tests.support.clocks import FakeClock
from tests.support.rows import put, rebate
from tests.support.sandbox_env import SandboxEnv
from tests.support.writes import WriteEnv, memory_folder
from toolkit import errors
from toolkit.endpoints import ENDPOINTS_BY_NAME
from toolkit.fetch.bar import Bar
from toolkit.fetch.executor import ThreadExecutor
from toolkit.fetch.progress import count_down
from toolkit.runtime.user_warnings import warn


@pytest.fixture(scope="module")
def slow() -> Iterator[SandboxEnv]:
    """An environment with a low rate limit: a longer fetch waits for the next minute, and shows it."""
    made = SandboxEnv(link={"limits": {"sapi-ip": 4}, "workers": 1})
    put(made, ENDPOINTS_BY_NAME["exchange.rebates"], [])
    yield made
    made.close()


class Broken(io.StringIO):
    """A stderr that raises an error, from some write on."""

    def __init__(self, error: BaseException, after: int = 0) -> None:
        super().__init__()
        self._error, self._left = error, after
        self.failed = 0

    def write(self, text: str) -> int:
        self._left -= 1
        if self._left < 0:
            self.failed += 1
            raise self._error
        return super().write(text)


STREAMS: dict[str, Callable[[], Any]] = {
    "none, as under pythonw": lambda: None,
    "a pipe that nobody reads": lambda: Broken(BrokenPipeError(32, "Broken pipe")),
    "a pipe closed on the way": lambda: Broken(BrokenPipeError(32, "Broken pipe"), after=4),
    "a full disk": lambda: Broken(OSError(28, "No space left on device")),
    "closed": lambda: Broken(ValueError("I/O operation on closed file.")),
    "a narrow encoding": lambda: Broken(UnicodeEncodeError("ascii", "\u2588", 0, 1, "not in range")),
    "no stream at all": object,
}


@pytest.mark.parametrize("stream", STREAMS)
def test_a_fetch_is_complete_if_its_bar_cannot_be_drawn(
    slow: SandboxEnv, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", STREAMS[stream]())
    before = slow.clock.monotonic()
    frame = slow.link.exchange.rebates(start="-30D")
    assert frame.attrs["complete"] is True
    assert slow.clock.monotonic() - before > 60, "it has waited, and would have shown it"


@pytest.mark.parametrize("stream", STREAMS)
def test_a_wait_ends_if_it_cannot_be_counted_down(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", STREAMS[stream]())
    clock = FakeClock()
    began = clock.monotonic()
    count_down("exchange.transfer #3", 14.5, clock.time() + 14.5, clock, wanted=True)
    assert clock.monotonic() - began == pytest.approx(14.5)


@pytest.mark.parametrize("how", ["__init__", "refresh", "close"])
def test_a_bar_that_fails_is_dropped(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a widget whose kernel has lost its page, or a tqdm warning turned into an error."""
    calls: list[str] = []

    def fail(*_: object, **__: object) -> None:
        calls.append(how)
        raise RuntimeError("no comm")

    monkeypatch.setattr(tqdm.auto.tqdm, how, fail)
    bar = Bar("a fetch", 100)
    for _ in range(3):
        bar.refresh()
    bar.close()
    bar.close()
    assert calls == [how], "after a failure it is not tried again"


@pytest.mark.parametrize("after", [0, 2])
def test_bars_of_others_continue_after_one_of_ours_failed(
    after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All tqdm bars share a lock."""
    monkeypatch.setattr(sys, "stderr", Broken(BrokenPipeError(32, "Broken pipe"), after=after))
    bar = Bar("a fetch", 100)
    bar.refresh()
    bar.close()
    lock, had = tqdm.std.TqdmDefaultWriteLock.th_lock, []

    def draw() -> None:
        had.append(lock.acquire(blocking=False))
        lock.release()

    other = threading.Thread(target=draw)
    other.start()
    other.join()
    assert had == [True]


def test_an_interrupt_while_drawing_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Broken(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        Bar("a fetch", None).refresh()


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="signals of POSIX")
def test_an_exception_of_the_users_signal_handler_is_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For example a deadline that expires while the bar is drawn."""

    class Alarming(io.StringIO):
        def write(self, text: str) -> int:
            signal.raise_signal(signal.SIGUSR1)
            return len(text)

    def deadline(*_: object) -> None:
        raise TimeoutError("the user's")

    before = signal.signal(signal.SIGUSR1, deadline)
    monkeypatch.setattr(sys, "stderr", Alarming())
    try:
        with pytest.raises(TimeoutError, match="the user's"):
            Bar("a fetch", None).refresh()
    finally:
        signal.signal(signal.SIGUSR1, before)


# -- warnings ----------------------------------------------------------------------------------------


def broken_showing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[str]:
    """Make the display of warnings fail."""
    shown: list[str] = []

    def fail(message: object, *_: object, **__: object) -> None:
        shown.append(str(message))
        raise error

    monkeypatch.setattr(warnings, "showwarning", fail)
    return shown


FAILURES = [ValueError("I/O operation on closed file."), OSError(28, "No space"), RuntimeError("a handler's")]


@pytest.mark.parametrize("failure", FAILURES, ids=repr)
def test_a_warning_that_cannot_be_shown_does_not_lose_a_fetch(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = SandboxEnv()
    try:
        endpoint = ENDPOINTS_BY_NAME["exchange.rebates"]
        put(env, endpoint, [rebate(n, env.now - 9 + n) | {"novel": n} for n in range(5)])
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            shown = broken_showing(monkeypatch, failure)
            frame = env.link.exchange.rebates()
        assert len(frame) == 5
        assert len(shown) == 1
        assert frame.attrs["undeclared"] == ["novel"]
    finally:
        env.close()


def test_a_warning_that_cannot_be_shown_leaves_no_write_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    with memory_folder() as folder:
        write_env = WriteEnv(folder)
        try:
            write_env.fail("exchange.create_sub_account", "unknown-field")
            operations = write_env.ops
            with warnings.catch_warnings():
                warnings.simplefilter("always")
                shown = broken_showing(monkeypatch, FAILURES[0])
                outcome = operations.exchange.create_sub_account(tag="t")
            assert shown
            assert outcome.status == "confirmed"
        finally:
            write_env.close()


def test_a_warning_turned_into_an_error_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    said = errors.RateLimitWarning("local_only_reason")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(errors.RateLimitWarning) as caught:
            warn(said)
    assert caught.value is said


# -- threads -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("there", [0, 1, 2])
def test_a_fetch_is_complete_if_no_more_threads_can_be_started(
    there: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = SandboxEnv(link={"workers": 6, "progress": False})
    try:
        whole = env.link.exchange.rebates(start="-30D")
        start, started = threading.Thread.start, []

        def refuse(thread: threading.Thread) -> None:
            if thread.name == "fetch":
                if len(started) == there:
                    raise RuntimeError("can't start new thread")
                started.append(thread)
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", refuse)
        frame = env.link.exchange.rebates(start="-30D")
        assert frame.equals(whole)
        assert frame.attrs["complete"] is True
        assert len(started) == there
        env.exchange.faults.add("error", path="/sapi/v1/broker/rebate", code=-1121, rate=0.5, times=None)
        started.clear()
        with pytest.raises(errors.NotFoundError):
            env.link.exchange.rebates(start="-60D")
    finally:
        env.close()


def test_jobs_are_done_by_the_existing_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start
    executor: ThreadExecutor[int] = ThreadExecutor(4, lambda job: (job, threading.current_thread().name))

    def refuse(thread: threading.Thread) -> None:
        if executor.threads[1:]:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    for job in range(3):
        executor.submit(job)
    done = [executor.next_done(5.0) for _ in range(3)]
    assert sorted(each.payload for each in done if each) == [(0, "fetch"), (1, "fetch"), (2, "fetch")]
    assert (executor.size, executor.busy, len(executor.threads)) == (1, 0, 1)
    executor.close()
    assert executor.wait_closed(5.0)
