"""A frame is known to be complete, whatever number of rows the exchange returns at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest

from tests.support.example_arguments import example_arguments
from tests.support.rows import (
    DAY,
    account,
    daily,
    deposit,
    kickback,
    put,
    rebate,
    smaller,
    spot_rebate,
    transfer,
)
from tests.support.sandbox_env import SandboxEnv
from toolkit import errors
from toolkit.endpoints import ENDPOINTS, ENDPOINTS_BY_NAME, Endpoint
from toolkit.fetch import bisected_window, paged_window, windows
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.decoder import decoder_for
from toolkit.frames.validation import Query
from toolkit.planning import Span
from toolkit.sandbox.world.tables import ListTable, Row

WORKERS = 6
CAUTION_FACTOR = (5.0, 30.0)  # so that no request is counted twice because this machine is slow


@pytest.fixture(scope="module")
def shared() -> Iterator[SandboxEnv]:
    made = SandboxEnv(
        link={
            "progress": False,
            "timeout": CAUTION_FACTOR,
            "workers": WORKERS,
            "limits": {"fapi": 10**6, "sapi-ip": 10**6},
        }
    )
    yield made
    made.close()


@pytest.fixture(autouse=True)
def no_limits(shared: SandboxEnv) -> Iterator[None]:
    yield
    shared.replace_exchange()


def serve(env: SandboxEnv, endpoint_name: str, rows: list[Row], **options: Any) -> Endpoint:
    endpoint = ENDPOINTS_BY_NAME[endpoint_name]
    put(env, endpoint, rows, **options)
    env.exchange.limits = type(env.exchange.limits)(10**6, None)
    return endpoint


def fetch(
    env: SandboxEnv, endpoint_name: str, arguments: dict[str, Any] | None = None, **span: Any
) -> pd.DataFrame:
    return env.link._fetcher.fetch(ENDPOINTS_BY_NAME[endpoint_name], arguments or {}, **span)


def income_rows(count: int, start: int, step: int) -> list[Row]:
    return [
        {
            "symbol": "BTCUSDT",
            "incomeType": "API_REBATE",
            "income": f"0.{n}",
            "asset": "USDT",
            "info": "",
            "time": start + n * step,
        }
        for n in range(count)
    ]


# -- pages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize(("rows", "cap"), [(250, 100), (200, 100), (99, 100), (1203, 499), (30, 7), (3, 1)])
def test_a_list_is_complete_if_fewer_rows_are_returned_than_requested(
    shared: SandboxEnv, rows: int, cap: int, counted: bool
) -> None:
    endpoint = serve(
        shared, "exchange.sub_accounts", [account(n, shared.now - 9 * DAY + n) for n in range(rows)]
    )
    shared.exchange.faults.add("cap", rows=cap, counted=counted, path=endpoint.path, times=None)
    for again in range(2):  # the number of rows is known the second time
        frame = fetch(shared, "exchange.sub_accounts")
        assert len(frame) == rows, again
        assert frame["sub_account_id"].is_unique
        assert frame.attrs["complete"] is True


@pytest.mark.parametrize("cap", [1, 3, 40, 499])
def test_an_offset_continues_after_the_last_row_received(shared: SandboxEnv, cap: int) -> None:
    rows = 12 * min(cap, 90) + 1
    start = shared.now - 6 * DAY
    endpoint = serve(
        shared, "exchange.deposits", [deposit(n, start + n * (6 * DAY // rows)) for n in range(rows)]
    )
    shared.exchange.faults.add("cap", rows=cap, path=endpoint.path, times=None)
    frame = fetch(shared, "exchange.deposits", start=start)
    assert frame["deposit_id"].tolist() == [str(2**54 + n) for n in range(rows)]
    assert frame.attrs["requests"] <= rows // cap + WORKERS


def test_an_ignored_page_size_loses_nothing(shared: SandboxEnv) -> None:
    start = shared.now - 6 * DAY
    endpoint = serve(shared, "exchange.futures_rebates", [rebate(n, start + n) for n in range(45)])
    shared.exchange.faults.add("ignore", name="size", path=endpoint.path, times=None)
    frame = fetch(shared, "exchange.futures_rebates", {"market": "um"}, start=start)
    assert len(frame) == 45, "the pages have 10 rows, though 100 were requested"


class OneFewer(ListTable):
    """Omits the last row of a full page, and counts pages by the requested size."""

    def slice(self, start: Any, end: Any, filters: Any, offset: int, limit: int) -> list[Row]:
        rows = super().slice(start, end, filters, offset, limit)
        return rows[:-1] if len(rows) == limit else rows


class Filtered(ListTable):
    """Omits some rows of each page after counting them."""

    def slice(self, start: Any, end: Any, filters: Any, offset: int, limit: int) -> list[Row]:
        return [row for row in super().slice(start, end, filters, offset, limit) if row["tag"] != "hidden"]


def test_a_list_not_known_to_be_complete_raises(shared: SandboxEnv) -> None:
    rows = [account(n, shared.now - 9 * DAY + n) for n in range(1300)]
    shared.replace_exchange(tables={"exchange.sub_accounts": OneFewer(rows, "createTime")})
    with pytest.raises(errors.IncompleteError, match="rows in between may have been left out") as caught:
        fetch(shared, "exchange.sub_accounts")
    assert caught.value.partial is not None
    assert caught.value.partial.attrs["complete"] is False
    assert len(caught.value.partial) >= 1297, "everything but the omitted rows is there"


def test_pages_after_a_thinned_page_are_fetched(shared: SandboxEnv) -> None:
    rows = [account(n, shared.now - 9 * DAY + n) for n in range(1300)]
    for number in (600, 601, 700):
        rows[number]["tag"] = "hidden"
    shared.replace_exchange(tables={"exchange.sub_accounts": Filtered(rows, "createTime")})
    with pytest.raises(errors.IncompleteError, match=r"page 2 has 497 of the 500 rows") as caught:
        fetch(shared, "exchange.sub_accounts")
    assert caught.value.partial is not None
    assert len(caught.value.partial) == 1297


def test_a_gap_between_pages_is_given_by_its_times(shared: SandboxEnv) -> None:
    start = shared.now - 6 * DAY
    rows = [rebate(n, start + n * 1000) for n in range(1300)]
    shared.replace_exchange(tables={"exchange.rebates": OneFewer(rows)})
    with pytest.raises(errors.IncompleteError) as caught:
        fetch(shared, "exchange.rebates", start=start)
    partial = caught.value.partial
    assert partial is not None
    there = set(partial["time"].astype("int64").tolist())
    spans = [
        [int(pd.Timestamp(each).timestamp() * 1000) for each in pair] for pair in partial.attrs["missing"]
    ]
    missing = [row["time"] for row in rows if row["time"] not in there]
    assert missing
    assert all(any(first <= time <= last for first, last in spans) for time in missing)


def test_an_ignored_page_number_is_detected(shared: SandboxEnv) -> None:
    endpoint = serve(shared, "exchange.sub_accounts", [account(n, shared.now - DAY + n) for n in range(8)])
    shared.exchange.faults.add("ignore", name="page", path=endpoint.path, times=None)
    with pytest.raises(errors.ContractError, match="repeat earlier rows") as caught:
        fetch(shared, "exchange.sub_accounts")
    assert caught.value.partial is not None
    assert len(caught.value.partial) == 8


def test_the_only_row_that_can_match_is_complete(shared: SandboxEnv) -> None:
    frame = shared.link.exchange.sub_accounts()
    for _ in range(2):
        one = shared.link.exchange.spot_balances(sub_account_id=str(frame["sub_account_id"][3]))
        assert (len(one), one.attrs["requests"]) == (1, 1)


@pytest.mark.parametrize("rows", [0, 1, 19, 20, 21, 40, 53])
def test_a_list_costs_its_pages_and_the_empty_one_as_estimated(shared: SandboxEnv, rows: int) -> None:
    serve(shared, "exchange.sub_accounts", [account(n, shared.now - DAY + n) for n in range(rows)])
    endpoint = smaller("exchange.sub_accounts", 20)
    link = shared.new_link(timeout=CAUTION_FACTOR, progress=False)
    for _ in range(2):
        frame = link._fetcher.fetch(endpoint, {})
        assert len(frame) == rows
        assert frame.attrs["requests"] == paged_window.pages_of(rows, 20)


# -- endpoints with a limit only ---------------------------------------------------------------------


@pytest.mark.parametrize("keeps", ["oldest", "newest"])
@pytest.mark.parametrize("cap", [100, 490, 499, 250])
def test_a_span_is_complete_if_fewer_rows_are_returned_than_requested(
    shared: SandboxEnv, cap: int, keeps: str
) -> None:
    start = shared.now - 7 * DAY + 1
    endpoint = serve(
        shared, "spot.rebates", [spot_rebate(n, start + n * 60_000) for n in range(1234)], keeps=keeps
    )
    shared.exchange.faults.add("cap", rows=cap, path=endpoint.path, times=None)
    frame = fetch(shared, "spot.rebates", start=start)
    assert frame["trade_id"].tolist() == [str(n) for n in range(1234)]
    assert frame.attrs["complete"] is True


def test_the_same_number_of_rows_twice_is_no_chance(shared: SandboxEnv) -> None:
    """It is not a round number, and the first response was accepted: everything is fetched again."""
    start = shared.now - 28 * DAY
    endpoint = serve(shared, "spot.rebates", [spot_rebate(n, start + n * 3_000_000) for n in range(800)])
    shared.exchange.faults.add("cap", rows=73, path=endpoint.path, times=None)
    frame = fetch(shared, "spot.rebates", start=start)
    assert frame["trade_id"].tolist() == [str(n) for n in range(800)]


def test_rows_received_are_kept_if_fetching_again_fails(
    shared: SandboxEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = shared.now - 28 * DAY
    endpoint = serve(shared, "spot.rebates", [spot_rebate(n, start + n * 3_000_000) for n in range(800)])
    shared.exchange.faults.add("cap", rows=73, path=endpoint.path, times=None)
    restarted = bisected_window.TruncationDetector.restarted

    def fails_from_now_on(
        truncation: bisected_window.TruncationDetector,
    ) -> bisected_window.TruncationDetector:
        shared.exchange.faults.add("error", path=endpoint.path, code=-1121, times=None)
        return restarted(truncation)

    monkeypatch.setattr(bisected_window.TruncationDetector, "restarted", fails_from_now_on)
    with pytest.raises(errors.NotFoundError) as caught:
        fetch(shared, "spot.rebates", start=start)
    partial = caught.value.partial
    assert partial is not None
    assert 500 < len(partial) < 800
    assert partial.attrs["complete"] is False
    assert len(partial.attrs["missing"]) == 1


@pytest.mark.parametrize(
    ("endpoint_name", "make", "rows"), [("spot.kickbacks", None, 700), ("futures.income", income_rows, 150)]
)
def test_an_ignored_limit_loses_nothing(shared: SandboxEnv, endpoint_name: str, make: Any, rows: int) -> None:
    """The documented default applies instead."""
    start = shared.now - 6 * DAY
    made = make(rows, start, 1000) if make else [kickback(n, start + n * 1000) for n in range(rows)]
    endpoint = serve(shared, endpoint_name, made)
    shared.exchange.faults.add("ignore", name="limit", path=endpoint.path, times=None)
    assert len(fetch(shared, endpoint_name, start=start)) == rows


@pytest.mark.parametrize(
    ("times", "requests"),
    [
        ([], 1),
        ([5], 1),
        ([5] * 9, 1),
        ([*range(130)], 1),
        ([*range(100)], 3),  # a number at which lists are truncated
        ([5] * 150, 3),
        ([*range(60), *[99] * 40], 3),
    ],
)
def test_complete_responses_take_few_requests(shared: SandboxEnv, times: list[int], requests: int) -> None:
    start = shared.now - 6 * DAY
    serve(shared, "spot.rebates", [spot_rebate(n, start + 9 + time) for n, time in enumerate(times)])
    frame = fetch(shared, "spot.rebates", start=start)
    assert (len(frame), frame.attrs["requests"]) == (len(times), requests)


def test_a_row_added_meanwhile_is_no_truncation(shared: SandboxEnv) -> None:
    start = shared.now - 6 * DAY
    rows = [spot_rebate(n, start + n * 1000) for n in range(100)]

    class Growing(ListTable):
        asked = 0

        def slice(self, start: Any, end: Any, filters: Any, offset: int, limit: int) -> list[Row]:
            self.asked += 1
            if self.asked == 2:
                self.__init__([*rows, spot_rebate(100, shared.now - DAY)])  # type: ignore[misc]
                self.asked = 2
            return super().slice(start, end, filters, offset, limit)

    shared.replace_exchange(tables={"spot.rebates": Growing(rows)})
    frame = fetch(shared, "spot.rebates", start=start)
    assert (len(frame), frame.attrs["requests"]) == (101, 4)


def test_a_suspected_response_is_kept_if_its_check_fails(shared: SandboxEnv) -> None:
    start = shared.now - 6 * DAY
    endpoint = serve(shared, "spot.rebates", [spot_rebate(n, start + n) for n in range(100)])
    link = shared.new_link(timeout=CAUTION_FACTOR, progress=False)
    sender = link._connection.sender
    get = sender.get

    def idempotency_key(call: Any, *more: Any) -> Any:
        if shared.sent(endpoint.path):
            raise errors.ServerError("spot.rebates", 503, None, "Away.")
        return get(call, *more)

    sender.get = idempotency_key  # type: ignore[method-assign]
    with pytest.raises(errors.ServerError) as caught:
        link._fetcher.fetch(endpoint, {}, start=start)
    assert caught.value.partial is not None
    assert len(caught.value.partial) == 100
    assert caught.value.partial.attrs["complete"] is False
    assert pd.Timestamp(caught.value.partial.attrs["missing"][0][0]).timestamp() * 1000 == start


def test_a_proven_number_of_rows_is_not_checked_again(shared: SandboxEnv) -> None:
    start = shared.now - 21 * DAY
    times = [week * 7 * DAY + n * 1000 for week in range(3) for n in range(100)]
    serve(shared, "spot.rebates", [spot_rebate(n, start + time) for n, time in enumerate(times)])
    frame = shared.new_link(timeout=CAUTION_FACTOR, progress=False, workers=1).spot.rebates(start=start)
    assert (len(frame), frame.attrs["requests"]) == (300, 5)


def weekly(count: int, cap: int, weeks: int, choose: Callable[[list[Any]], Any]) -> tuple[list[str], int]:
    """Ids of the rows of windows fetched all at once, and the number of requests.

    Args:
        count: Rows of each week, one a minute.
        cap: Maximum number of rows returned at once.
        weeks: Number of weeks.
        choose: Chooses which of the requests under way is answered next.
    """
    endpoint, week = ENDPOINTS_BY_NAME["spot.rebates"], 7 * DAY
    truncation, query = bisected_window.TruncationDetector(endpoint.paging), Query(endpoint, {})
    start = 1_767_225_600_000
    windows = [
        bisected_window.BisectedWindow(
            endpoint, query, Span(start + n * week, start + (n + 1) * week - 1), truncation
        )
        for n in range(weeks)
    ]
    every = [
        spot_rebate(n * 10_000 + k, start + n * week + k * 60_000) for n in range(weeks) for k in range(count)
    ]
    under_way: list[Any] = []
    requests = 0
    while any(window_fetch.is_certain for window_fetch in windows) or under_way:
        under_way += [window_fetch.next_request() for window_fetch in windows if window_fetch.is_certain]
        request = choose(under_way)
        under_way.remove(request)
        requests += 1
        first, last = (int(str(request.parameters[name])) for name in ("startTime", "endTime"))
        rows = [row for row in every if first <= row["time"] <= last]
        request.window_fetch.receive(request.number, decoder_for(endpoint).decode(rows[:cap]))
    assert not truncation.must_restart
    builder = FrameBuilder(endpoint, "float", query=query)
    for window_fetch in windows:
        while window_fetch.is_ready:
            window_fetch.consume(builder)
        assert window_fetch.is_done
        assert not window_fetch.buffered
    return builder.frame({})["trade_id"].tolist(), requests


ORDERS = {"as asked": lambda sent: sent[0], "the last first": lambda sent: sent[-1]}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("count", [100, 137, 250, 495])
def test_a_check_of_one_window_serves_all_later_ones(count: int, order: str) -> None:
    """Each week has as many rows as the others, as when robots trade."""
    ids, requests = weekly(count, 500, 13, ORDERS[order])
    assert ids == [str(n * 10_000 + k) for n in range(13) for k in range(count)]
    if order == "as asked":
        assert requests <= 13 + 2 + 2


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("cap", [100, 250, 50, 10])
def test_windows_that_waited_for_a_check_are_complete_if_it_finds_a_truncation(cap: int, order: str) -> None:
    ids, _ = weekly(261, cap, 5, ORDERS[order])
    assert ids == [str(n * 10_000 + k) for n in range(5) for k in range(261)]


# -- one row per day ---------------------------------------------------------------------------------

JANUARY = "2025-01-01"


def days(count: int, without: set[int] | None = None) -> list[Row]:
    rows = [{"unit": "USDT", "tradeVol": "1", "time": row["time"]} for row in daily(count, 1)]
    return [row for n, row in enumerate(rows) if n not in (without or set())]


@pytest.mark.parametrize("cap", [10, 30, 90, 100, 299])
def test_the_days_show_whether_all_rows_are_there(shared: SandboxEnv, cap: int) -> None:
    endpoint = serve(shared, "futures.volumes", days(300))
    shared.exchange.faults.add("cap", rows=cap, path=endpoint.path, times=None)
    frame = fetch(shared, "futures.volumes", start=JANUARY, end="2025-10-27")
    assert len(frame) == 300
    assert frame["time"].is_unique


@pytest.mark.parametrize(
    ("without", "last", "requests"),
    [
        (set(), "2025-04-10", 1),  # 100 days, 100 rows: a round number, but the maximum
        (set(), "2025-10-27", 1),
        ({299}, "2025-10-27", 2),  # the day that is not over
        ({5, 6, 90}, "2025-10-27", 2),
        ({0, 299}, "2025-10-27", 3),
        (set(range(4, 300)), "2025-10-27", 1),  # a few days
    ],
)
def test_days_without_a_row_take_few_requests(
    shared: SandboxEnv, without: set[int], last: str, requests: int
) -> None:
    serve(shared, "futures.volumes", days(300, without))
    frame = fetch(shared, "futures.volumes", start=JANUARY, end=last)
    expected = len([n for n in range(300) if n not in without and n < pd.Timestamp(last).day_of_year])
    assert (len(frame), frame.attrs["requests"]) == (expected, requests)


def test_one_row_per_day_holds_for_one_customer_only(shared: SandboxEnv) -> None:
    endpoint = serve(shared, "futures.traders", daily(300, 1))
    shared.exchange.faults.add("cap", rows=77, path=endpoint.path, times=None)
    frame = fetch(shared, "futures.traders", {"customer_id": "c0"}, start=JANUARY, end="2025-10-27")
    assert len(frame) == 300


@pytest.mark.parametrize("endpoint_name", ["spot.rebates", "futures.traders"])
@pytest.mark.parametrize(("rows", "is_complete"), [(99, True), (100, False), (101, True), (150, True)])
def test_a_time_with_as_many_rows_as_a_truncated_response_raises(
    shared: SandboxEnv, endpoint_name: str, rows: int, is_complete: bool
) -> None:
    """It cannot be fetched in parts."""
    if endpoint_name == "spot.rebates":
        start = shared.now - 6 * DAY
        serve(shared, endpoint_name, [spot_rebate(n, start + DAY) for n in range(rows)])
        span: dict[str, Any] = {"start": start}
    else:
        serve(shared, endpoint_name, daily(1, rows))
        span = {"start": JANUARY, "end": JANUARY}
    if is_complete:
        assert len(fetch(shared, endpoint_name, **span)) == rows
        return
    with pytest.raises(errors.IncompleteError, match="it may have more, which cannot be fetched") as caught:
        fetch(shared, endpoint_name, **span)
    assert caught.value.partial is not None
    assert len(caught.value.partial) == 100
    assert len(caught.value.partial.attrs["missing"]) == 1


# -- one response ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "is_complete"), [(0, True), (99, True), (100, False), (101, True), (500, False)]
)
def test_a_list_without_pages_as_long_as_a_truncated_one_raises(
    shared: SandboxEnv, rows: int, is_complete: bool
) -> None:
    customers: list[Row] = [{"customerId": f"c{n}", "email": f"{n}@example.com"} for n in range(rows)]
    serve(shared, "spot.customers", customers)
    if is_complete:
        assert fetch(shared, "spot.customers").attrs["complete"] is True
        return
    with pytest.raises(errors.IncompleteError, match="no way to request more") as caught:
        fetch(shared, "spot.customers")
    assert caught.value.partial is not None
    assert len(caught.value.partial) == rows
    assert caught.value.partial.attrs["complete"] is False
    assert len(fetch(shared, "spot.customers", {"customer_id": "c7"})) == 1


# -- how each read is known to be complete -------------------------------------------------------------

# Reads that return one row at most: an object, or the only row that can match. Others are complete by their
# paging, as declared.
ONE_ROW = {
    "exchange.partner",
    "exchange.ip_restriction",
    "exchange.bnb_burn",
    "exchange.deposit",
    "exchange.um_commission",
    "exchange.cm_commission",
    "spot.new_user",
    "spot.customer_id",
    "futures.new_user",
    "futures.customer_id",
    "futures.overview",
    "portfolio.new_user",
    "portfolio.customer_id",
}


@dataclass(frozen=True)
class Seen:
    """The responses to a read, by the sandbox."""

    frame: pd.DataFrame
    rows: list[int]


def seen(env: SandboxEnv, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Seen:
    arguments = example_arguments(env, endpoint)
    sizes: list[int] = []
    sender = env.link._connection.sender
    get = sender.get

    def noted(*arguments: Any) -> Any:
        page = get(*arguments)
        sizes.append(page.rows)
        return page

    monkeypatch.setattr(sender, "get", noted)
    return Seen(env.link._fetcher.fetch(endpoint, arguments), sizes)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.qualified_name)
def test_a_frame_is_complete_by_the_paging_of_its_endpoint(
    shared: SandboxEnv, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, found = endpoint.paging.kind, seen(shared, endpoint, monkeypatch)
    assert found.frame.attrs["complete"] is True
    if endpoint.qualified_name in ONE_ROW:
        assert found.rows in ([1], [0])
    elif kind == "limit" or endpoint.paging.by_window:  # a window that may lack rows is fetched again
        assert sum(found.rows) >= len(found.frame)
    elif kind == "none":
        assert found.rows == [len(found.frame)]
    else:
        assert min(found.rows) == 0, "the page that ends the list is empty"


# -- servers without end -------------------------------------------------------------------------------


class EverFull(ListTable):
    """Has as many rows as requested, whatever is requested."""

    def __init__(self, make: Any) -> None:
        super().__init__([])
        self._make = make
        self._made = 0

    def count(self, start: int | None, end: int | None, filters: Any) -> int:
        return 10**9

    def slice(self, start: Any, end: Any, filters: Any, offset: int, limit: int) -> list[Row]:
        self._made += limit
        return [self._make(self._made + n, end or 0) for n in range(limit)]


@pytest.mark.parametrize("endpoint_name", ["exchange.rebates", "exchange.deposits", "exchange.transfers"])
def test_endless_pages_are_given_up(
    shared: SandboxEnv, endpoint_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "MAX_REQUESTS", 12)
    make = {"exchange.rebates": rebate, "exchange.deposits": deposit, "exchange.transfers": transfer}[
        endpoint_name
    ]
    shared.replace_exchange(tables={endpoint_name: EverFull(make)})
    arguments = {"from_id": "1"} if endpoint_name == "exchange.transfers" else {}
    with pytest.raises(
        errors.IncompleteError, match="12 requests for one window have not reached its end"
    ) as caught:
        fetch(shared, endpoint_name, arguments, start=shared.now - DAY)
    assert caught.value.partial is not None
    assert 0 < len(caught.value.partial) <= 12 * 500
    assert caught.value.partial.attrs["complete"] is False
    assert caught.value.partial.attrs["missing"]
    assert len(shared.sent(ENDPOINTS_BY_NAME[endpoint_name].path)) <= 12


def test_an_endless_list_is_given_up(shared: SandboxEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "MAX_REQUESTS", 5)
    shared.replace_exchange(
        tables={"exchange.sub_accounts": EverFull(lambda n, _: account(n, shared.now - 1))}
    )
    with pytest.raises(errors.IncompleteError, match="5 requests for one list"):
        fetch(shared, "exchange.sub_accounts")


def test_milliseconds_that_are_always_full_are_given_up(
    shared: SandboxEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bisected_window, "MAX_FULL_MILLISECONDS", 4)
    shared.replace_exchange(tables={"spot.rebates": EverFull(spot_rebate)})
    with pytest.raises(errors.IncompleteError, match="4 single milliseconds") as caught:
        fetch(shared, "spot.rebates", start=shared.now - DAY)
    partial = caught.value.partial
    assert partial is not None
    assert len(partial) == 4 * 500
    assert partial.attrs["missing"]


def test_the_bounds_are_beyond_any_valid_response() -> None:
    """The reference is a week of trades of a partner's customers, day and night."""
    assert windows.MAX_REQUESTS * 500 / (7 * 24 * 3600) > 4
    assert bisected_window.MAX_FULL_MILLISECONDS >= 100
