"""Concurrent requests: the frame is the same as with requests one by one."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.rows import DAY, KINDS, put, rebate, smaller, spot_rebate
from tests.support.sandbox_env import SandboxEnv
from tests.support.traces import locals_shown
from toolkit import errors
from toolkit.endpoints import ENDPOINTS_BY_NAME
from toolkit.fetch.executor import ThreadExecutor
from toolkit.fetch.paginator import MAX_BUFFERED, Paginator
from toolkit.sandbox.clock import SystemTime
from toolkit.timing.clock import SYSTEM_CLOCK

REBATES = "/sapi/v1/broker/rebate/recentRecord"
WORKERS = 6


@pytest.fixture
def env() -> Iterator[SandboxEnv]:
    made = SandboxEnv(link={"workers": WORKERS, "progress": False})
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[SandboxEnv]:
    made = SandboxEnv(link={"workers": WORKERS, "progress": False})
    yield made
    made.close()


@pytest.fixture
def real() -> Iterator[SandboxEnv]:
    """An environment on this machine's own clock, with time-outs too long to wait for."""
    made = SandboxEnv()
    made.clock = SYSTEM_CLOCK  # type: ignore[assignment]
    made.exchange_clock = SystemTime()  # type: ignore[assignment]
    made.replace_exchange()
    made.link.close()
    made.link = made.new_link(workers=WORKERS, progress=False, timeout=(5.0, 30.0), bare=True)
    yield made
    made.close()


def shuffle(env: SandboxEnv, seed: int) -> None:
    """Make the threads of a fetch return in random order."""
    luck = random.Random(seed)
    sender = env.link._connection.sender
    get = sender.get

    def late(*arguments: Any) -> Any:
        answer = get(*arguments)
        time.sleep(luck.choice([0, 0, 0.001, 0.003]))
        return answer

    sender.get = late  # type: ignore[method-assign]


def workers_left() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "fetch"]


# -- the same frame ----------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint_name", KINDS)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    # Rows are dense at a few times of four weeks, or anywhere in them.
    crowds=st.lists(st.tuples(st.integers(0, 28 * DAY), st.integers(1, 6)), max_size=12),
    size=st.integers(2, 7),
    luck=st.integers(),
    faults=st.lists(st.sampled_from(["server-error", "cut", "reset"]), max_size=3),
)
def test_the_frame_is_that_of_requests_one_by_one(
    shared: SandboxEnv,
    endpoint_name: str,
    crowds: list[tuple[int, int]],
    size: int,
    luck: int,
    faults: list[str],
) -> None:
    make, arguments, _ = KINDS[endpoint_name]
    endpoint = smaller(endpoint_name, size)
    if endpoint.paging.kind == "limit":
        endpoint = smaller(endpoint_name, 40)  # one millisecond has to fit
    now = shared.now
    days = 6 if endpoint.window and endpoint.window.retention else 28
    times = [now - 1 - moment % (days * DAY) for moment, count in crowds for _ in range(count)]
    put(shared, endpoint, [make(n, moment) for n, moment in enumerate(times)])
    span = {"start": now - days * DAY, "end": now} if endpoint.window else {}
    alone = shared.new_link(workers=1, progress=False)._fetcher.fetch(endpoint, arguments, **span)
    link = shared.new_link(workers=WORKERS, progress=False)
    before = shared.link
    shared.link = link
    shuffle(shared, luck)
    shared.link = before
    for kind in faults:
        shared.exchange.faults.add(kind, path=endpoint.path)
    seen = len(shared.sent(endpoint.path))
    together = link._fetcher.fetch(endpoint, arguments, **span)
    shared.exchange.faults.clear()
    link.close()
    pd.testing.assert_frame_equal(together, alone)
    assert len(together) == len(times)
    assert together.attrs["complete"] is True
    assert "missing" not in together.attrs
    assert together.attrs["requests"] == len(shared.sent(endpoint.path)) - seen
    assert together.attrs["weight"] == together.attrs["requests"] * endpoint.weight_of({})
    assert not workers_left()


class Crowd:
    """Counts the requests that fetches have under way at once.

    No request is answered before its fetch has sent all it can and waits, so the count is exact.

    Attributes:
        most: Maximum number of requests under way.
    """

    def __init__(self, env: SandboxEnv, monkeypatch: pytest.MonkeyPatch) -> None:
        self.most = 0
        self._running_here = self._over = self._turns = 0
        self._changed = threading.Condition()
        session = env.link._connection.session
        read, next_done = session.read, ThreadExecutor.next_done

        def buffered(*arguments: Any) -> Any:
            if threading.current_thread().name != "fetch":  # the time is requested first
                return read(*arguments)
            self._come()
            try:
                return read(*arguments)
            finally:
                self._go()

        def waited(executor: ThreadExecutor[Any], seconds: float) -> Any:
            if seconds:
                self._let_them_go(executor)
            done = next_done(executor, seconds)
            with self._changed:
                self._over -= done is not None
            return done

        monkeypatch.setattr(session, "read", buffered)
        monkeypatch.setattr(ThreadExecutor, "next_done", waited)

    def _come(self) -> None:
        with self._changed:
            self._running_here += 1
            self.most = max(self.most, self._running_here)
            turn = self._turns
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self._turns > turn, 10)

    def _go(self) -> None:
        with self._changed:
            self._running_here -= 1
            self._over += 1
            self._changed.notify_all()

    def _let_them_go(self, executor: ThreadExecutor[Any]) -> None:
        """Continue once each submitted request is here, or is over."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._running_here + self._over == executor.busy, 10)
            self._turns += 1
            self._changed.notify_all()


def test_requests_are_concurrent_up_to_the_maximum(env: SandboxEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = smaller("exchange.rebates", 5)
    put(env, endpoint, [rebate(n, env.now - 200 * 1000 + n * 1000) for n in range(199)])
    crowd = Crowd(env, monkeypatch)
    frame = env.link._fetcher.fetch(endpoint, {}, start=env.now - 200 * 1000)
    assert len(frame) == 199
    assert crowd.most == WORKERS
    assert frame.attrs["requests"] <= 42, "how far a page reaches predicts the number of pages"


@pytest.mark.parametrize(("limit", "most"), [(19, 1), (60, 3), (12_000, WORKERS)])
def test_few_heavy_requests_are_sent_at_once(
    env: SandboxEnv, monkeypatch: pytest.MonkeyPatch, limit: int, most: int
) -> None:
    env.link.close()
    env.link = env.new_link(workers=WORKERS, progress=False, limits={"sapi-ip": limit})
    endpoint = smaller("exchange.rebates", 5)
    put(env, endpoint, [rebate(n, env.now - 60 * DAY + n * DAY) for n in range(60)])
    crowd = Crowd(env, monkeypatch)
    assert len(env.link._fetcher.fetch(endpoint, {}, start="-61D")) == 60
    assert crowd.most == most


def test_no_request_is_speculative_if_the_weight_was_estimated(env: SandboxEnv) -> None:
    frame = env.link.exchange.futures_balances("um")
    estimate_weight = env.link.estimate_weight("exchange.futures_balances", rows=len(frame))
    assert frame.attrs["requests"] == estimate_weight.requests > 2


def test_one_request_needs_no_thread(env: SandboxEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a thread was started")

    monkeypatch.setattr("toolkit.fetch.executor.threading.Thread", refuse)
    assert len(env.link.exchange.partner()) == 1
    assert len(env.new_link(workers=1).exchange.rebates(start="-20D")) > 0


@pytest.mark.parametrize("workers", [0, 65, 2.0, True, "4", None])
def test_workers_are_a_number_from_1_to_64(env: SandboxEnv, workers: Any) -> None:
    with pytest.raises(errors.UsageError, match=r"`workers` must be a whole number from 1 to 64"):
        env.new_link(workers=workers)


# -- memory ------------------------------------------------------------------------------------------


def test_buffered_responses_are_bounded(env: SandboxEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first window's response comes last: the others do not accumulate behind it."""
    paginators: list[Paginator] = []
    made = Paginator.__init__

    def noted(self: Paginator, *arguments: Any, **options: Any) -> None:
        made(self, *arguments, **options)
        paginators.append(self)

    monkeypatch.setattr(Paginator, "__init__", noted)
    endpoint = smaller("exchange.rebates", 5)
    windows = 80
    put(env, endpoint, [rebate(n, env.now - windows * 7 * DAY + n * 7 * DAY + 9) for n in range(windows)])
    sender = env.link._connection.sender
    get = sender.get
    enough = threading.Event()
    others: list[int] = []

    def first_is_last(call: Any, *more: Any) -> Any:
        answer = get(call, *more)
        if call.parameters["startTime"] == env.now - windows * 7 * DAY:
            enough.wait(0.2)
        else:
            others.append(1)
        return answer

    sender.get = first_is_last  # type: ignore[method-assign]
    frame = env.link._fetcher.fetch(endpoint, {}, start=env.now - windows * 7 * DAY)
    assert len(frame) == windows
    assert MAX_BUFFERED * WORKERS <= paginators[0].max_outstanding <= MAX_BUFFERED * WORKERS + 1, (
        "the first window may always send one more"
    )


# -- failures ----------------------------------------------------------------------------------------


def failing_at(env: SandboxEnv, fails: Callable[[Any], bool], error: Exception) -> None:
    sender = env.link._connection.sender
    get = sender.get

    def get_or_fail(call: Any, *more: Any) -> Any:
        if fails(call.parameters):
            raise error
        time.sleep(0.003)
        return get(call, *more)

    sender.get = get_or_fail  # type: ignore[method-assign]


def test_the_first_error_in_order_is_raised_and_missing_spans_are_named(env: SandboxEnv) -> None:
    endpoint = smaller("exchange.rebates", 5)
    start, end = env.now - 28 * DAY, env.now - 1
    put(env, endpoint, [rebate(n, start + n * DAY) for n in range(28)])
    third = start + 14 * DAY
    failure = errors.ServerError("exchange.rebates", 503, None, "Away.")
    failing_at(env, lambda call: call["startTime"] == third, failure)
    with pytest.raises(errors.ServerError) as caught:
        env.link._fetcher.fetch(endpoint, {}, start=start, end=end)
    partial = caught.value.partial
    assert partial is not None
    assert partial.attrs["complete"] is False
    moments = partial["time"].astype("int64").tolist()
    assert moments == sorted(moments)
    missing = [[_ms(first), _ms(last)] for first, last in partial.attrs["missing"]]
    assert json.loads(json.dumps(partial.attrs["missing"])) == partial.attrs["missing"]
    assert any(first <= third and third + 7 * DAY - 1 <= last for first, last in missing)
    for moment in (start + n * DAY for n in range(28)):
        assert moment in moments or any(first <= moment <= last for first, last in missing)
    # The missing spans can be fetched: nothing is lost, and nothing is fetched twice.
    env.link.close()
    env.link = env.new_link(workers=WORKERS, progress=False)
    rest = [env.link._fetcher.fetch(endpoint, {}, start=first, end=last) for first, last in missing]
    whole = pd.concat([partial, *rest]).drop_duplicates("trade_id")
    assert len(whole) == 28
    assert not workers_left()


def _ms(text: str) -> int:
    return int(pd.Timestamp(text).timestamp() * 1000)


def test_responses_after_the_failed_one_are_kept(env: SandboxEnv) -> None:
    endpoint = smaller("exchange.rebates", 5)
    start, end = env.now - 28 * DAY, env.now - 1
    put(env, endpoint, [rebate(n, start + n * 7 * DAY) for n in range(4)])

    def first_fails_last(call: Any) -> bool:
        return bool(call["startTime"] == start and eventually(lambda: len(env.sent(REBATES)) == 6))

    failing_at(env, first_fails_last, errors.ServerError("exchange.rebates", 503, None, "Away."))
    with pytest.raises(errors.ServerError) as caught:
        env.link._fetcher.fetch(endpoint, {}, start=start, end=end)
    assert caught.value.partial is not None
    assert len(caught.value.partial) == 3
    missing = [[_ms(first), _ms(last)] for first, last in caught.value.partial.attrs["missing"]]
    assert missing == [[start, start + 7 * DAY - 1]]


def test_windows_never_requested_are_missing_too(env: SandboxEnv) -> None:
    endpoint = smaller("exchange.rebates", 5)
    start, end = env.now - 40 * 7 * DAY, env.now - 1
    put(env, endpoint, [rebate(n, start + n * 7 * DAY) for n in range(40)])
    failure = errors.ServerError("exchange.rebates", 503, None, "Away.")
    failing_at(env, lambda call: call["startTime"] == start + 14 * DAY, failure)
    with pytest.raises(errors.ServerError) as caught:
        env.link._fetcher.fetch(endpoint, {}, start=start, end=end)
    assert caught.value.partial is not None
    assert len(caught.value.partial) < 2 * WORKERS
    assert _ms(caught.value.partial.attrs["missing"][-1][1]) == end


def test_an_error_after_the_last_page_is_ignored(env: SandboxEnv) -> None:
    """The first page is dense, so more pages are expected than exist."""
    endpoint = smaller("exchange.rebates", 5)
    start = env.now - 6 * DAY
    put(env, endpoint, [rebate(n, start + n) for n in range(7)])
    failure = errors.ServerError("exchange.rebates", 503, None, "Away.")
    failing_at(env, lambda call: call["page"] > 3, failure)
    frame = env.link._fetcher.fetch(endpoint, {}, start=start)
    assert len(frame) == 7
    assert frame.attrs["complete"] is True


def test_a_breach_of_contract_is_found_in_order(env: SandboxEnv) -> None:
    endpoint = smaller("exchange.rebates", 5)
    start = env.now - 28 * DAY
    rows = [rebate(n, start + n * DAY) for n in range(28)]
    del rows[9]["income"]
    del rows[20]["tradeId"]
    put(env, endpoint, rows)
    with pytest.raises(errors.ContractError, match="'income'") as caught:
        env.link._fetcher.fetch(endpoint, {}, start=start)
    assert caught.value.partial is not None
    assert len(caught.value.partial) >= 7


def test_a_millisecond_with_too_many_rows_is_missing(env: SandboxEnv) -> None:
    endpoint = smaller("spot.rebates", 4)
    crowd = env.now - 10 * DAY
    put(env, endpoint, [spot_rebate(n, crowd) for n in range(6)] + [spot_rebate(9, env.now - DAY)])
    with pytest.raises(errors.IncompleteError) as caught:
        env.link._fetcher.fetch(endpoint, {}, start="-20D")
    assert caught.value.partial is not None
    assert len(caught.value.partial) == 5
    assert [[_ms(a), _ms(b)] for a, b in caught.value.partial.attrs["missing"]] == [[crowd, crowd]]


# -- interrupts --------------------------------------------------------------------------------------


def interrupted(work: Callable[[], object], when: Callable[[], bool]) -> KeyboardInterrupt:
    """Do some work and press Ctrl-C when it is time; return the interrupt."""
    import _thread

    def press() -> None:
        eventually(when)
        _thread.interrupt_main()

    thread = threading.Thread(target=press)
    thread.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        work()
    thread.join()
    return caught.value


def crowded(env: SandboxEnv) -> Any:
    endpoint = smaller("exchange.rebates", 5)
    now = int(env.exchange_clock.time() * 1000)
    put(env, endpoint, [rebate(n, now - 200_000 + n * 1000) for n in range(190)])
    return endpoint


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 60
    while not holds() and time.monotonic() < until:
        time.sleep(0.002)
    return holds()


def test_ctrl_c_aborts_the_requests_of_this_fetch_only(real: SandboxEnv) -> None:
    endpoint = crowded(real)
    real.link.exchange.partner()
    real.exchange.faults.add("timeout", path="/sapi/v1/broker/info", times=1)
    hanging = real.link
    other: list[object] = []

    def ask() -> None:
        try:
            other.append(hanging.exchange.partner())
        except Exception as error:
            other.append(error)

    neighbour = threading.Thread(target=ask, daemon=True)
    neighbour.start()
    assert eventually(lambda: len(real.sandbox._open) == 1)

    sent = [0]

    def hang() -> bool:
        if len(real.sent(REBATES)) >= 3 and not real.exchange.faults._faults:
            real.exchange.faults.add("timeout", path=REBATES, times=None)
        sent[0] = len(real.sent(REBATES))
        return len(real.sandbox._open) >= 1 + WORKERS

    error = interrupted(
        lambda: hanging._fetcher.fetch(endpoint, {}, start=int(time.time() * 1000) - 250_000), hang
    )
    # The hanging request was aborted: after its time-out it would have been sent again.
    assert len(real.sent(REBATES)) == sent[0]
    partial = error.partial  # type: ignore[attr-defined]
    assert 0 < len(partial) < 190
    assert partial.attrs["missing"]
    assert not workers_left()
    assert eventually(lambda: len(real.sandbox._open) == 1), "the fetch's connections are closed"
    assert not other, "the other thread's request is still under way"
    for stream in list(real.sandbox._open):  # its response never comes: it is sent again
        real.sandbox._loop.call_soon_threadsafe(stream.close)  # type: ignore[union-attr]
    neighbour.join(60)
    assert isinstance(other[0], pd.DataFrame)
    # The Link works as before.
    real.exchange.faults.clear()
    assert len(hanging._fetcher.fetch(endpoint, {}, start=int(time.time() * 1000) - 250_000)) == 190


def test_ctrl_c_ends_the_wait_for_the_next_minute(real: SandboxEnv) -> None:
    endpoint = crowded(real)
    real.link.close()
    real.link = real.new_link(workers=WORKERS, progress=False, limits={"sapi-ip": 200}, bare=True)
    budget = real.link._connection.budget
    full = [budget.admit(endpoint.rate_limit, endpoint.path, 195, "others")]

    error = interrupted(
        lambda: real.link._fetcher.fetch(endpoint, {}, start=int(time.time() * 1000) - 250_000),
        lambda: len(real.sent(REBATES)) == 5 and bool(budget.snapshot().waiting_for),
    )
    # The wait ended at once: in the next minute the rest would have been requested.
    assert len(real.sent(REBATES)) == 5
    budget.release(full[0])
    assert 0 < len(error.partial) <= 25  # type: ignore[attr-defined]
    assert not workers_left()
    assert not budget.snapshot().waiting_for


def test_an_interrupt_shows_no_secret_of_its_threads(real: SandboxEnv) -> None:
    endpoint = crowded(real)
    real.exchange.faults.add("timeout", path=REBATES, times=None)
    error = interrupted(
        lambda: real.link._fetcher.fetch(endpoint, {}, start=int(time.time() * 1000) - 250_000),
        lambda: bool(real.sandbox._open),
    )
    shown = locals_shown(error)
    for secret in (real.sandbox.key, real.sandbox.secret, "signature="):
        assert not [text for text in shown if secret in text]
    assert error.__context__ is None


def test_a_hanging_speculative_request_does_not_delay_the_result(real: SandboxEnv) -> None:
    """All rows have been received: requests after the last page are aborted."""
    endpoint = smaller("exchange.rebates", 5)
    now = int(real.exchange_clock.time() * 1000)
    put(real, endpoint, [rebate(n, now - 200_000 + n) for n in range(7)])
    link = real.new_link(workers=2, progress=False, timeout=(5.0, 30.0), bare=True)
    sender = link._connection.sender
    get = sender.get

    def guesses_hang(call: Any, *more: Any) -> Any:
        if call.parameters["page"] == 4:
            real.exchange.faults.add("timeout", path=REBATES)
        elif call.parameters["page"] == 3:
            eventually(lambda: bool(real.sandbox._open))
        return get(call, *more)

    sender.get = guesses_hang  # type: ignore[method-assign]
    frame = link._fetcher.fetch(endpoint, {}, start=now - 250_000)
    assert len(frame) == 7
    assert len(real.sent(REBATES)) == 4, "after a time-out the speculative request would have been sent again"
    assert not workers_left()


def test_no_endpoint_is_both_newest_first_and_paged() -> None:
    """Its pages would be in the wrong order, and its first row would show how far a page reaches."""
    assert not [
        each
        for each in ENDPOINTS_BY_NAME.values()
        if (each.newest_first or each.either_order) and each.paging.kind in ("page", "offset", "id")
    ]
