"""Several values of one argument in one call: the rows for each, put together."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.clocks import FakeClock
from tests.support.sandbox_env import SandboxEnv
from tests.support.small_endpoints import DAY, HOUR, NOW_MS, OWN_TRADES, small_exchange, trade
from toolkit.api.reads.resource import interrupts_explained
from toolkit.endpoints import Column, Endpoint, Param
from toolkit.endpoints.model import MILLISECOND
from toolkit.errors import ApiError, ContractError, ServerError, UsageError
from toolkit.fetch.paginator import MAX_BUFFERED, Paginator
from toolkit.fetch.progress import Progress
from toolkit.gateway.calls import RequestStats
from toolkit.planning import Span, make_plan
from toolkit.timing.cancel import CancelToken

SYMBOLS = replace(OWN_TRADES.params[0], several=True, capitals=True)
FROM_ID = Param(field="fromId", name="from_id", kind="integer", doc="First id of the rows.", minimum=0)
TRADES = replace(
    OWN_TRADES,
    params=(SYMBOLS, FROM_ID),
    window=replace(OWN_TRADES.window, max_span=timedelta(days=1) - MILLISECOND),
    paging=replace(OWN_TRADES.paging, by_window=True),
)
EMAIL = Param(
    field="email", name="email", kind="email", doc="Whose.", required=True, private=True, several=True
)
HOLDINGS = replace(
    OWN_TRADES,
    name="holdings",
    path="/sapi/v1/small/holdings",
    params=(EMAIL,),
    window=None,
    paging=replace(OWN_TRADES.paging, kind="none", size="", id_field="", id_column=""),
    columns=(
        Column(name="email", field="", kind="email", doc="Whose.", derived="requested", of="email"),
        Column(name="asset", field="asset", kind="text", doc="Asset."),
    ),
    identity=("email", "asset"),
    order_by=None,
    whole=True,
)
NAMES = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "XRPUSDT")
WORKERS = 6

Row = dict[str, Any]


@pytest.fixture(scope="module")
def env() -> Iterator[SandboxEnv]:
    made = SandboxEnv(link={"workers": WORKERS, "progress": False})
    yield made
    made.close()


def put(env: SandboxEnv, rows: Sequence[Row], endpoint: Endpoint = TRADES) -> None:
    env.replace_exchange(**small_exchange({endpoint.name: rows}, endpoints=(endpoint,)))


def some_trades(symbol: str, times: Sequence[int]) -> list[Row]:
    return [{**trade(number, time), "symbol": symbol} for number, time in enumerate(sorted(times))]


def late(env: SandboxEnv, seed: int) -> Any:
    """Make the threads of a fetch return in random order; returns a function that ends it."""
    luck, sender = random.Random(seed), env.link._connection.sender
    get = sender.get

    def answered(*arguments: Any) -> Any:
        answer = get(*arguments)
        time.sleep(luck.choice([0, 0, 0.001, 0.002]))
        return answer

    sender.get = answered  # type: ignore[method-assign]
    return lambda: setattr(sender, "get", get)


# -- put together ------------------------------------------------------------------------------------


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    times=st.lists(
        st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=25), min_size=2, max_size=4
    ),
    luck=st.integers(),
)
def test_rows_are_those_of_calls_one_by_one_in_order_of_time(
    env: SandboxEnv, times: list[list[tuple[int, int]]], luck: int
) -> None:
    start = NOW_MS - 5 * DAY
    symbols = NAMES[: len(times)]
    rows = [
        row
        for symbol, moments in zip(symbols, times, strict=True)
        for row in some_trades(symbol, [start + day * DAY + moment for day, moment in moments])
    ]
    put(env, rows)
    alone = [env.fetch(TRADES, {"symbol": symbol}, start=start) for symbol in symbols]
    restore = late(env, luck)
    together = env.fetch(TRADES, {"symbol": list(symbols)}, start=start)
    restore()
    expected = pd.concat(alone, ignore_index=True).sort_values("time", kind="stable", ignore_index=True)
    pd.testing.assert_frame_equal(together, expected)
    assert len(together) == len(rows)
    assert together.attrs["complete"] is True
    assert together.attrs["parameters"]["symbol"] == list(symbols)
    assert together.attrs["requests"] == sum(frame.attrs["requests"] for frame in alone)


@pytest.mark.parametrize("argument", ["from_id", "to_id"])
@pytest.mark.parametrize("name", ["transfers", "universal_transfers"])
def test_transfers_of_several_sub_accounts_are_those_of_each(
    env: SandboxEnv, name: str, argument: str
) -> None:
    ids = env.link.exchange.sub_accounts()["sub_account_id"].head(5).tolist()
    read = getattr(env.link.exchange, name)
    one_by_one = pd.concat([read(**{argument: each}) for each in ids])
    together = read(**{argument: ids})
    assert len(together) > 5
    assert together["time"].is_monotonic_increasing
    assert sorted(together["txn_id"]) == sorted(one_by_one["txn_id"])


def test_rows_of_one_time_are_in_the_order_of_the_values(env: SandboxEnv) -> None:
    put(env, [row for symbol in NAMES for row in some_trades(symbol, [NOW_MS - HOUR] * 2)])
    frame = env.fetch(TRADES, {"symbol": NAMES[::-1]})
    assert frame["symbol"].tolist() == [symbol for symbol in NAMES[::-1] for _ in range(2)]


def test_values_may_be_a_column_and_each_counts_once(env: SandboxEnv) -> None:
    put(env, [row for symbol in NAMES for row in some_trades(symbol, [NOW_MS - HOUR])])
    frame = env.fetch(TRADES, {"symbol": pd.Series([*NAMES[:2], NAMES[0]], dtype="string")})
    assert frame["symbol"].tolist() == [*NAMES[:2]]
    assert frame.attrs["parameters"]["symbol"] == [*NAMES[:2]]
    assert len(env.fetch(TRADES, {"symbol": [NAMES[2]]})) == 1


@pytest.mark.parametrize(("days", "symbols"), [(30, 4), (1, 30)])
def test_all_workers_are_busy_and_few_responses_are_held(
    env: SandboxEnv, monkeypatch: pytest.MonkeyPatch, days: int, symbols: int
) -> None:
    names = [f"A{number}USDT" for number in range(symbols)]
    put(env, [row for symbol in names for row in some_trades(symbol, [NOW_MS - HOUR])])
    made: list[Paginator] = []
    busy: list[int] = []
    alone = threading.Event()
    init, submit_all, sender = Paginator.__init__, Paginator._submit_all, env.link._connection.sender
    get = sender.get

    def first_is_last(call: Any, *more: Any) -> Any:
        answer = get(call, *more)
        if (call.parameters["symbol"], call.parameters["startTime"]) == (names[0], NOW_MS - days * DAY):
            alone.wait(30)
        return answer

    def noted(self: Paginator, *arguments: Any, **options: Any) -> None:
        init(self, *arguments, **options)
        made.append(self)

    def counted(self: Paginator) -> None:
        submit_all(self)
        busy.append(self._executor.busy)
        if busy[-1] == 1:
            alone.set()

    monkeypatch.setattr(Paginator, "__init__", noted)
    monkeypatch.setattr(Paginator, "_submit_all", counted)
    monkeypatch.setattr(sender, "get", first_is_last)
    frame = env.fetch(TRADES, {"symbol": names}, start=NOW_MS - days * DAY, end=NOW_MS - 1)
    assert frame.attrs["requests"] == days * symbols
    assert len(frame) == symbols
    assert alone.is_set()
    # The first window of a symbol need not wait for room: what it receives is consumed at once.
    assert made[0].max_outstanding <= (MAX_BUFFERED + 1) * WORKERS
    assert busy.count(WORKERS) > days * symbols // (2 * WORKERS), "also across the ends of symbols"


def test_one_bar_goes_through_the_spans_of_all_values() -> None:
    clock = FakeClock()
    progress = Progress(
        "spot.trades",
        Span(1000, 1099),
        RequestStats(),
        cancel=CancelToken("spot.trades"),
        clock=clock,
        wanted=True,
        values=3,
    )
    clock.advance(5)
    with progress:
        progress.update(7, 150)
        bar = progress._bar
        assert bar is not None
        assert bar._bar is not None
        assert (bar.n, bar._bar.total) == (150, 300)


# -- what is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbols", "problem"),
    [
        ([], "`symbol` is an empty list"),
        (iter(()), "`symbol` is an empty list"),
        (["BTCUSDT", None], r"`symbol` contains a missing value \(None\)"),
        (["BTCUSDT", float("nan")], r"`symbol` contains a missing value \(nan\)"),
        (["BTCUSDT", "ethusdt"], "`symbol` 'ethusdt' must be in capitals"),
        (["BTCUSDT", "\u0412TCUSDT"], "`symbol` contains U\\+0412"),
        (["BTCUSDT", ""], "`symbol` is empty"),
        ({"BTCUSDT": 1}, "`symbol` must be text, not {'BTCUSDT': 1}"),
        (["BTCUSDT", 5], "`symbol` must be text, not 5"),
    ],
)
def test_a_list_with_anything_wrong_in_it_is_refused(symbols: Any, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        make_plan(TRADES, {"symbol": symbols}, None, None, NOW_MS)


def test_an_id_is_of_one_value_but_0_is_the_beginning_of_each(env: SandboxEnv) -> None:
    with pytest.raises(UsageError, match="`from_id` is an id of one `symbol`: give one `symbol`, or 0"):
        env.fetch(TRADES, {"symbol": NAMES, "from_id": 7})
    put(env, [row for symbol in NAMES[:2] for row in some_trades(symbol, [NOW_MS - 300 * DAY, NOW_MS - 1])])
    frame = env.fetch(TRADES, {"symbol": NAMES, "from_id": 0})
    assert frame["symbol"].tolist() == [*NAMES[:2], *NAMES[:2]]


def test_an_argument_that_takes_one_value_takes_no_list(env: SandboxEnv) -> None:
    with pytest.raises(UsageError, match="must be text, not \\['BTCUSDT'\\] \\(call once for each\\)"):
        env.fetch(OWN_TRADES, {"symbol": ["BTCUSDT"]})


# -- values that no row repeats, and private ones ----------------------------------------------------------


def test_a_column_has_the_value_although_no_row_repeats_it(env: SandboxEnv) -> None:
    put(env, [{"asset": "BTC"}, {"asset": "USDT"}], HOLDINGS)
    emails = ["One@Example.com", "two@example.com", " one@example.com "]
    frame = env.fetch(HOLDINGS, {"email": emails}, emails="clear")
    assert frame["email"].tolist() == ["one@example.com"] * 2 + ["two@example.com"] * 2
    assert frame["asset"].tolist() == ["BTC", "USDT"] * 2, "not a repetition: the rows are of two accounts"
    assert frame.attrs["parameters"] == {"email": "(hidden)"}
    assert "example.com" not in str(env.fetch(HOLDINGS, {"email": emails})).lower()


def test_a_private_value_is_masked_in_errors_and_in_what_is_missing(env: SandboxEnv) -> None:
    put(env, [{"asset": "BTC"}], HOLDINGS)
    link = env.new_link(workers=1, progress=False)
    respond = link._connection.sender.get

    def failing(request: Any, *more: Any) -> Any:
        if request.parameters["email"].startswith("second"):
            raise ContractError(HOLDINGS.qualified_name, "no asset")
        return respond(request, *more)

    link._connection.sender.get = failing  # type: ignore[method-assign]
    with pytest.raises(ContractError) as caught:
        link._fetcher.fetch(
            HOLDINGS,
            {"email": ["one@example.com", "second@example.com", "third@example.com", "seventh@example.com"]},
        )
    link.close()
    assert "This is about `email` 'se***@***.com'." in str(caught.value)
    partial = caught.value.partial
    assert partial is not None
    shown = ["se***@***.com", "th***@***.com", "se***@***.com (number 4)"]
    assert partial.attrs["missing"] == [[text, None, None] for text in shown], "no two are the same"
    assert "example.com" not in f"{caught.value}{partial.attrs}"


# -- failures ----------------------------------------------------------------------------------------


def test_a_failure_names_the_value_and_says_which_spans_of_which_values_are_missing(env: SandboxEnv) -> None:
    start = NOW_MS - 3 * DAY
    rows = [row for symbol in NAMES for row in some_trades(symbol, [start + day * DAY for day in range(3)])]
    broken = next(row for row in rows if row["symbol"] == NAMES[1] and row["time"] == start + DAY)
    del broken["price"]
    put(env, rows)
    link = env.new_link(workers=1, progress=False)
    with pytest.raises(ContractError, match="This is about `symbol` 'ETHUSDT'") as caught:
        link._fetcher.fetch(TRADES, {"symbol": NAMES}, start=start, end=NOW_MS - 1)
    link.close()
    partial = caught.value.partial
    assert partial is not None
    assert partial.attrs["complete"] is False
    end = pd.Timestamp(NOW_MS - 1, unit="ms", tz="UTC").isoformat(timespec="milliseconds")
    first = pd.Timestamp(start, unit="ms", tz="UTC").isoformat(timespec="milliseconds")
    second = pd.Timestamp(start + DAY, unit="ms", tz="UTC").isoformat(timespec="milliseconds")
    assert partial.attrs["missing"] == [
        [NAMES[1], second, end],
        [NAMES[2], first, end],
        [NAMES[3], first, end],
    ]
    assert partial["symbol"].value_counts().to_dict() == {NAMES[0]: 3, NAMES[1]: 1}
    assert partial["time"].is_monotonic_increasing


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(after=st.integers(0, 30), luck=st.integers())
def test_what_an_interrupted_fetch_has_and_what_it_says_is_missing_are_everything(
    env: SandboxEnv, after: int, luck: int
) -> None:
    start = NOW_MS - 6 * DAY
    rows = [
        row
        for symbol in NAMES
        for row in some_trades(symbol, [start + day * DAY + n for day in range(6) for n in range(9)])
    ]
    put(env, rows)
    sender, lock, seen = env.link._connection.sender, threading.Lock(), [0]
    restore = late(env, luck)
    get = sender.get

    def interrupted(*arguments: Any) -> Any:
        with lock:
            seen[0] += 1
            if seen[0] > after:
                raise KeyboardInterrupt
        return get(*arguments)

    sender.get = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt) as caught:
        env.fetch(TRADES, {"symbol": NAMES}, start=start, end=NOW_MS - 1)
    restore()
    partial = getattr(caught.value, "partial", None)
    if partial is None:
        return
    assert partial["time"].is_monotonic_increasing
    assert not partial.duplicated(["symbol", "trade_id"]).any()
    had = set(zip(partial["symbol"], partial["trade_id"], strict=True))
    spans = [
        (symbol, pd.Timestamp(first), pd.Timestamp(last)) for symbol, first, last in partial.attrs["missing"]
    ]
    for row in rows:
        moment = pd.Timestamp(row["time"], unit="ms", tz="UTC")
        lacking = any(symbol == row["symbol"] and a <= moment <= b for symbol, a, b in spans)
        assert lacking or (row["symbol"], str(row["id"])) in had
    assert spans


def test_a_value_that_the_exchange_refuses_is_named(env: SandboxEnv) -> None:
    put(env, [])
    env.exchange.faults.add("server-error", path=TRADES.path, times=4)
    link = env.new_link(workers=1, progress=False)
    with pytest.raises((ServerError, ApiError), match="This is about `symbol` 'BTCUSDT'"):
        link._fetcher.fetch(TRADES, {"symbol": NAMES})
    link.close()


def test_an_interrupt_says_that_values_and_spans_are_still_to_fetch() -> None:
    partial = pd.DataFrame({"symbol": ["BTCUSDT"]})
    partial.attrs = {
        "parameters": {
            "symbol": ["BTCUSDT", "ETHUSDT"],
            "start": "2025-12-01T00:00:00.000+00:00",
            "end": "2025-12-31T00:00:00.000+00:00",
        },
        "missing": [["ETHUSDT", "2025-12-01T00:00:00.000+00:00", "2025-12-31T00:00:00.000+00:00"]],
    }
    interrupt = KeyboardInterrupt()
    interrupt.partial = partial  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt) as caught, interrupts_explained():
        raise interrupt
    text = str(caught.value)
    assert "1 row of 2025-12-01 00:00:00 to 2025-12-31 00:00:00 UTC had been fetched" in text
    assert "the values and spans still to fetch" in text
