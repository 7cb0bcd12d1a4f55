"""A long fetch shows one bar, a quick one shows nothing."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import tqdm.auto
import tqdm.notebook

from tests.support.clocks import FakeClock
from tests.support.sandbox_env import SandboxEnv
from toolkit.endpoints import FAPI
from toolkit.fetch.progress import Progress, count_down
from toolkit.gateway.calls import RequestStats
from toolkit.planning import Span
from toolkit.ratelimit.recorder import Reservation
from toolkit.timing.cancel import CancelToken, Wait


@pytest.fixture
def slow() -> Iterator[SandboxEnv]:
    """An environment with a low rate limit: a longer fetch waits for the next minute."""
    made = SandboxEnv(exchange={"limit_scale": 0.002}, link={"limits": {"sapi-ip": 24}, "workers": 1})
    yield made
    made.close()


def test_a_long_fetch_shows_its_progress_and_what_it_waits_for(
    slow: SandboxEnv, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = slow.link.exchange.futures_rebates("um", start="-200D")
    assert frame.attrs["requests"] > 48
    said = capsys.readouterr().err
    for words in (
        "exchange.futures_rebates",
        "%",
        "rows",
        "24 requests",
        "sapi-ip is used up: goes on at",
        "UTC",
    ):
        assert words in said
    assert said.endswith("\r"), "the bar is removed at the end of the fetch"


def test_a_quick_fetch_shows_nothing(slow: SandboxEnv, capsys: pytest.CaptureFixture[str]) -> None:
    slow.link.exchange.futures_rebates("um", start="-3D")
    assert capsys.readouterr().err == ""


def test_a_wait_is_counted_down(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock()
    began = clock.time()
    count_down("exchange.transfer #3", 14.5, clock.time() + 14.5, clock, wanted=True)
    assert clock.time() - began == pytest.approx(14.5)
    said = capsys.readouterr().err
    assert all(f"exchange.transfer #3: {left} s" in said for left in (15, 8, 1))
    count_down("exchange.transfer #3", 14.5, clock.time() + 14.5, clock, wanted=False)
    assert clock.time() - began == pytest.approx(29.0)
    assert capsys.readouterr().err == ""


def test_progress_can_be_switched_off(slow: SandboxEnv, capsys: pytest.CaptureFixture[str]) -> None:
    slow.new_link(progress=False, workers=1).exchange.futures_rebates("um", start="-200D")
    assert capsys.readouterr().err == ""


def test_other_threads_show_no_bar(slow: SandboxEnv, capsys: pytest.CaptureFixture[str]) -> None:
    thread = threading.Thread(
        target=slow.link.exchange.futures_rebates, args=("um",), kwargs={"start": "-200D"}
    )
    thread.start()
    thread.join()
    assert len(slow.sent("/sapi/v1/broker/rebate/futures")) > 48
    assert capsys.readouterr().err == ""


def test_a_failure_removes_the_bar(slow: SandboxEnv, capsys: pytest.CaptureFixture[str]) -> None:
    path = "/sapi/v1/broker/rebate/futures/recentRecord"

    def fail_late() -> None:
        if len(slow.sent(path)) == 40:
            slow.exchange.faults.add("error", path=path, code=-1121)

    slow.link.budget.watch(fail_late)
    with pytest.raises(Exception, match="was refused"):
        slow.link.exchange.futures_rebates("um", start="-200D")
    assert capsys.readouterr().err.endswith("\r")
    told = len(slow.link._connection.budget._watchers)
    assert told == 1, "it is not called again"


def test_a_wait_of_all_threads_is_counted_down(capsys: pytest.CaptureFixture[str]) -> None:
    env = SandboxEnv(link={"limits": {"sapi-ip": 100}, "workers": 4})
    cancel = threading.Event()

    def wait(condition: threading.Condition, seconds: float) -> None:
        # Each look at the bar takes a second, so that the wait ends, but not at once.
        if env.clock.in_flight or cancel.is_set() or condition.wait(0.02):
            condition.wait(0.005)
        else:
            env.clock.advance(1.0)

    env.clock.wait = wait  # type: ignore[method-assign]
    try:
        frame = env.link.exchange.futures_rebates("um", start="-200D")
    finally:
        cancel.set()
        env.close()
    assert frame.attrs["requests"] > 100
    said = capsys.readouterr().err
    told = re.findall(r"sapi-ip is used up: goes on in (\d+) s, at (\d\d:\d\d:\d\d) UTC", said)
    seconds = [int(each) for each, at in told if at == told[0][1]]  # of one wait; a bar may show one twice
    assert len(set(seconds)) > 2, "it counts"
    assert seconds == sorted(seconds, reverse=True), "down"
    assert told[0][1] in ("00:01:00", "00:01:01")


def test_waits_are_not_shown_while_a_thread_is_busy(
    slow: SandboxEnv, capsys: pytest.CaptureFixture[str]
) -> None:
    cancel = CancelToken()
    progress = Progress("x", None, RequestStats(), cancel=cancel, clock=slow.clock, wanted=True)
    cancel.waits[1] = Wait("fapi is used up", slow.clock.monotonic() + 30, slow.clock.time() + 30)
    slow.clock.advance(2)
    progress.show_wait(busy=2)
    assert "used up" not in capsys.readouterr().err
    progress.show_wait(busy=1)
    assert "fapi is used up: goes on in 28 s" in capsys.readouterr().err
    with progress:
        pass


@pytest.mark.parametrize("span", [None, Span(0, 1000)])
def test_in_a_notebook_a_fetch_without_a_span_shows_text_only(
    slow: SandboxEnv, monkeypatch: pytest.MonkeyPatch, span: Span | None
) -> None:
    shown = []

    def display(container: Any) -> None:
        _, bar, said = container.children
        shown.append((bar.layout.display, said))

    monkeypatch.setattr(tqdm.notebook, "display", display)
    monkeypatch.setattr(tqdm.auto, "tqdm", tqdm.notebook.tqdm)
    cancel = CancelToken()
    with Progress("x", span, RequestStats(), cancel=cancel, clock=slow.clock, wanted=True) as progress:
        slow.clock.advance(2)
        progress.update(3, 500)
        ((is_shown, said),) = shown
        assert (is_shown == "none") == (span is None), "an empty box would appear before the text"
        assert "3 rows" in said.value.replace("\u2007", " ")


def test_a_short_wait_of_a_quick_fetch_shows_nothing(
    slow: SandboxEnv, capsys: pytest.CaptureFixture[str]
) -> None:
    cancel = CancelToken()
    progress = Progress("x", None, RequestStats(), cancel=cancel, clock=slow.clock, wanted=True)
    cancel.waits[1] = Wait("fapi is used up", slow.clock.monotonic() + 0.5, slow.clock.time() + 0.5)
    progress.show_wait(busy=1)
    assert capsys.readouterr().err == ""


def test_waits_of_other_threads_are_not_shown(slow: SandboxEnv, capsys: pytest.CaptureFixture[str]) -> None:
    budget = slow.link._connection.budget
    full = budget.admit(FAPI, "/fapi/v1/x", 2400, "x")
    waits = threading.Event()
    budget.watch(lambda: waits.set() if budget.snapshot().waiting_for else None)
    released: list[Reservation] = []

    class Patient(threading.Thread):
        def run(self) -> None:
            released.append(budget.admit(FAPI, "/fapi/v1/x", 100, "x"))

    # Time does not pass by itself here: the thread waits until the other request has been released.
    slow.clock.wait = lambda condition, seconds: condition.wait(60)  # type: ignore[method-assign]
    thread = Patient()
    thread.start()
    assert waits.wait(60)
    slow.link.spot.customers()
    budget.release(full)
    thread.join(60)
    assert len(released) == 1
    assert capsys.readouterr().err == ""


def test_many_short_waits_show_a_bar(slow: SandboxEnv, capsys: pytest.CaptureFixture[str]) -> None:
    path = "/sapi/v1/broker/info"
    slow.exchange.faults.add("rate-limit", path=path, times=4, seconds=1)
    slow.link.exchange.partner()
    said = capsys.readouterr().err
    assert "2 requests · api asked to wait: goes on at" in said
    assert said.endswith("\r")
