"""A fetch returns the exchange's own rows: each once, oldest first, none missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.rows import (
    DAY,
    KINDS,
    Row,
    daily,
    field_of,
    put,
    rebate,
    smaller,
    spot_rebate,
)
from tests.support.sandbox_env import SandboxEnv
from toolkit import errors
from toolkit.endpoints import ENDPOINTS_BY_NAME
from toolkit.sandbox.messages import RefusalError
from toolkit.sandbox.world.tables import ListTable

# Each example is a fetch over a socket; HYPOTHESIS_PROFILE=search has twenty times as many.
FEW = settings().max_examples // 7


@pytest.fixture(scope="module")
def shared() -> Iterator[SandboxEnv]:
    made = SandboxEnv()
    yield made
    made.close()


@st.composite
def histories(draw: st.DrawFn, endpoint_name: str) -> tuple[list[int], int, int, int]:
    """Times of rows (milliseconds before now), a span, and a page size."""
    window = ENDPOINTS_BY_NAME[endpoint_name].window
    reach = 6 * DAY if window and window.retention else 30 * DAY
    span_start = draw(st.integers(0, reach))
    span_end = draw(st.integers(0, span_start))
    # Rows are dense at a few times, most of them at the edges of spans and windows.
    longest = 7 * DAY
    edges = [span_start, span_end, span_start - longest, span_start - longest + 1, span_start // 2]
    near = st.sampled_from([max(0, edge + off) for edge in edges for off in (-1, 0, 1)])
    moments = draw(st.lists(st.one_of(near, st.integers(0, reach)), min_size=1, max_size=5))
    times = draw(st.lists(st.sampled_from(moments), max_size=24))
    return times, span_start, span_end, draw(st.integers(1, 7))


@pytest.mark.parametrize("keeps", ["oldest", "newest"])
@pytest.mark.parametrize("endpoint_name", KINDS)
@settings(max_examples=FEW, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_row_once_and_oldest_first(
    shared: SandboxEnv, endpoint_name: str, keeps: str, data: st.DataObject
) -> None:
    times, start, end, size = data.draw(histories(endpoint_name))
    make, arguments, name = KINDS[endpoint_name]
    endpoint = smaller(endpoint_name, size)
    now = shared.now
    crowd = max((times.count(moment) for moment in times), default=0)
    if endpoint.paging.kind == "limit":
        endpoint = smaller(endpoint_name, max(size, crowd + 1))  # one millisecond has to fit
    table = put(shared, endpoint, [make(n, now - moment) for n, moment in enumerate(times)], keeps)
    span = {"start": now - start, "end": now - end} if endpoint.window else {}
    frame = shared.link._fetcher.fetch(endpoint, arguments, **span)
    first, last = (now - start, now - end) if endpoint.window else (None, None)
    expected = table.slice(first, last, {}, 0, 10**6)
    column = field_of(endpoint, name)
    assert frame[name].astype(str).tolist() == [str(_said(row[column])) for row in expected]
    order = endpoint.order_by
    assert order is not None
    assert frame[order].is_monotonic_increasing
    assert frame.attrs["complete"] is True
    assert frame.attrs["requests"] == len([s for s in shared.exchange.log if s.path == endpoint.path])


def _said(value: object) -> object:
    return float(value) if isinstance(value, str) and value.startswith("0.") else value


@pytest.mark.parametrize("endpoint_name", ["exchange.rebates", "exchange.deposits", "exchange.transfers"])
@settings(max_examples=FEW, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(times=st.lists(st.integers(0, 3), max_size=20), size=st.integers(1, 5))
def test_a_row_on_two_pages_appears_once(
    shared: SandboxEnv, endpoint_name: str, times: list[int], size: int
) -> None:
    make, arguments, name = KINDS[endpoint_name]
    endpoint = smaller(endpoint_name, size)
    table = put(shared, endpoint, [make(n, shared.now - 1000 - moment) for n, moment in enumerate(times)])
    shared.exchange.faults.add("repeat", path=endpoint.path, times=None)
    frame = shared.link._fetcher.fetch(endpoint, arguments, start="-1D")
    expected = table.slice(None, None, {}, 0, 10**6)
    assert frame[name].tolist() == [str(row[field_of(endpoint, name)]) for row in expected]


@pytest.mark.parametrize("keeps", ["oldest", "newest"])
def test_a_millisecond_with_too_many_rows_raises_and_keeps_the_rows_received(
    shared: SandboxEnv, keeps: str
) -> None:
    endpoint = smaller("spot.rebates", 4)
    now = shared.now
    times = [5000, 4000, 4000, 4000, 4000, 4000, 3000, 2000]
    put(shared, endpoint, [spot_rebate(n, now - moment) for n, moment in enumerate(times)], keeps)
    with pytest.raises(errors.IncompleteError, match=r"one millisecond has as many rows .*, 4:") as caught:
        shared.link._fetcher.fetch(endpoint, {}, start=now - 6000, end=now - 1000)
    partial = caught.value.partial
    assert partial is not None
    assert partial.attrs["complete"] is False
    ages = [now - int(time.timestamp() * 1000) for time in partial["time"]]
    assert ages == [5000, 4000, 4000, 4000, 4000, 3000, 2000]


def test_an_exchange_that_ignores_the_page_is_not_requested_forever(shared: SandboxEnv) -> None:
    endpoint = smaller("exchange.rebates", 2)

    class SamePage(ListTable):
        def slice(self, start: Any, end: Any, filters: Any, offset: int, limit: int) -> list[Row]:
            return super().slice(start, end, filters, 0, limit)

    table = SamePage([rebate(n, shared.now - 9 + n) for n in range(5)])
    shared.replace_exchange(tables={endpoint.qualified_name: table})
    with pytest.raises(errors.ContractError, match="repeat earlier rows") as caught:
        shared.link._fetcher.fetch(endpoint, {}, start="-1h")
    assert caught.value.partial is not None
    assert 0 < len(caught.value.partial) < 5


def test_a_span_that_the_exchange_refuses_as_too_long_is_halved(shared: SandboxEnv) -> None:
    endpoint = ENDPOINTS_BY_NAME["futures.volumes"]
    midnight = pd.Timestamp("2025-11-01", tz="UTC")
    rows: list[Row] = [
        {"unit": "USDT", "tradeVol": "1.0", "time": int((midnight + pd.Timedelta(days=n)).timestamp()) * 1000}
        for n in range(50)
    ]
    put(shared, endpoint, rows)
    shared.exchange.faults.add("error", path=endpoint.path, code=-1127, message="Too long.", times=3)
    frame = shared.link.futures.volumes(start="2025-11-01", end="2025-12-20")
    assert len(frame) == 50
    assert frame["time"].is_monotonic_increasing
    assert frame.attrs["requests"] > 4


def test_windows_shrink_and_grow_with_the_density_of_rows(shared: SandboxEnv) -> None:
    """A dense hour in an empty month takes some requests, not thousands."""
    endpoint = smaller("spot.rebates", 50)
    now = shared.now
    rows = [spot_rebate(n, now - 20 * DAY + n * 100) for n in range(2000)]
    put(shared, endpoint, rows)
    frame = shared.link._fetcher.fetch(endpoint, {}, start="-30D")
    assert len(frame) == 2000
    assert frame.attrs["requests"] < 4 * (2000 / 50) + 60


def test_both_ends_are_included_and_a_date_means_its_whole_day(shared: SandboxEnv) -> None:
    endpoint = ENDPOINTS_BY_NAME["spot.rebates"]
    first = int(pd.Timestamp("2025-12-01", tz="UTC").timestamp() * 1000)
    last = int(pd.Timestamp("2025-12-03", tz="UTC").timestamp() * 1000) + DAY - 1
    put(shared, endpoint, [spot_rebate(n, t) for n, t in enumerate([first - 1, first, last, last + 1])])
    assert shared.link.spot.rebates(start="2025-12-01", end="2025-12-03")["trade_id"].tolist() == ["1", "2"]
    exact = shared.link.spot.rebates(start=pd.Timestamp(first, unit="ms"), end="2025-12-03T23:59:59.998")
    assert exact["trade_id"].tolist() == ["1"]


def test_an_interrupt_keeps_the_rows_received(shared: SandboxEnv) -> None:
    endpoint = smaller("exchange.rebates", 5)
    put(shared, endpoint, [rebate(n, shared.now - 5000 + n) for n in range(50)])

    def interrupt() -> None:
        if len(shared.exchange.log) >= 4:
            raise KeyboardInterrupt

    unwatch = shared.link.budget.watch(interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        shared.link._fetcher.fetch(endpoint, {}, start="-1h")
    unwatch()
    assert 0 < len(caught.value.partial) < 50  # type: ignore[attr-defined]
    assert len(shared.link._fetcher.fetch(endpoint, {}, start="-1h")) == 50


def test_exact_amounts_are_exact(shared: SandboxEnv) -> None:
    endpoint = ENDPOINTS_BY_NAME["exchange.rebates"]
    amounts = ["0.1", "0.2", "123456789012345678.123456789012345678"]
    rows = [rebate(n, shared.now - 1000) | {"income": amount} for n, amount in enumerate(amounts)]
    put(shared, endpoint, rows)
    frame = shared.link.exchange.rebates(numbers="exact")
    assert [f"{value:f}".rstrip("0") for value in frame["income"]] == amounts
    put(shared, endpoint, [rebate(0, shared.now - 1000) | {"income": "0.1234567890123456789"}])
    with pytest.raises(errors.ContractError, match="more digits than an exact amount can hold"):
        shared.link.exchange.rebates(numbers="exact")


@pytest.mark.parametrize("numbers", ["float", "exact"])
@pytest.mark.parametrize("amount", ["NaN", "inf", "1_000", "0x10", "", "1,5", True, None, [1], {}])
def test_an_invalid_amount_breaks_the_contract(shared: SandboxEnv, amount: object, numbers: Any) -> None:
    endpoint = ENDPOINTS_BY_NAME["exchange.rebates"]
    put(shared, endpoint, [rebate(0, shared.now - 1000) | {"income": amount}])
    with pytest.raises(errors.ContractError):
        shared.link.exchange.rebates(numbers=numbers)


class NoLongerThan(ListTable):
    """Refuses spans longer than an undocumented limit."""

    longest = 31 * DAY

    def slice(self, start: Any, end: Any, filters: Any, offset: int, limit: int) -> list[Row]:
        if end - start > self.longest:
            raise RefusalError(-1127, "Lookup interval is too big.")
        return super().slice(start, end, filters, offset, limit)

    count = ListTable.count


def test_a_length_that_was_refused_is_not_tried_again(shared: SandboxEnv) -> None:
    shared.replace_exchange(
        tables={
            "futures.volumes": NoLongerThan(
                [{"unit": "USDT", "tradeVol": "1", "time": row["time"]} for row in daily(360, 1)]
            )
        }
    )
    frame = shared.link.futures.volumes(start="2025-01-01", end="2025-12-26")
    assert len(frame) == 360
    refused = sum(entry.status == 400 for entry in shared.exchange.log)
    assert refused <= 5
    assert frame.attrs["requests"] <= 360 / 15


def test_a_dense_day_is_not_halved(shared: SandboxEnv) -> None:
    put(shared, ENDPOINTS_BY_NAME["futures.traders"], daily(10, 1200))
    with pytest.raises(errors.IncompleteError, match=r"10 places.* one day has as many rows") as caught:
        shared.link.futures.traders(start="2025-01-01", end="2025-01-10")
    assert caught.value.partial is not None
    assert caught.value.partial.attrs["requests"] <= 30
    assert len(caught.value.partial) == 10_000


@pytest.mark.parametrize("a_day", [1, 300, 999])
def test_daily_rows_are_complete_wherever_the_span_begins(shared: SandboxEnv, a_day: int) -> None:
    put(shared, ENDPOINTS_BY_NAME["futures.traders"], daily(12, a_day))
    frame = shared.link.futures.traders(start="2025-01-01 10:35", end="2025-01-12 09:00")
    assert len(frame) == 11 * a_day
    assert frame.attrs["requests"] <= 30


def test_a_warning_turned_into_an_error_keeps_the_frame(shared: SandboxEnv) -> None:
    put(
        shared,
        ENDPOINTS_BY_NAME["exchange.rebates"],
        [rebate(n, shared.now - 9 + n) | {"novel": n} for n in range(5)],
    )
    link = shared.new_link()
    with pytest.raises(errors.UndeclaredFieldWarning) as caught:
        link.exchange.rebates()
    assert caught.value.partial is not None
    assert len(caught.value.partial) == 5


def test_the_warning_points_at_the_calling_line(shared: SandboxEnv) -> None:
    put(shared, ENDPOINTS_BY_NAME["exchange.rebates"], [rebate(1, shared.now - 9) | {"novel": 1}])
    with pytest.warns(errors.UndeclaredFieldWarning) as caught:
        shared.new_link().exchange.rebates()
    assert caught[0].filename == __file__
