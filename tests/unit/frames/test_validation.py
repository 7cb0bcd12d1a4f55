"""Every row must match the request: its span, account, symbol, asset, key and size."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from tests.support.example_arguments import example_arguments
from tests.support.paths import EXAMPLES
from tests.support.raw_rows import ABSENT, raw_rows
from tests.support.rows import DAY, account, daily, deposit, kickback, put, rebate, spot_rebate, transfer
from tests.support.sandbox_env import SandboxEnv
from tests.support.small_endpoints import PRICES
from toolkit import errors
from toolkit.endpoints import ENDPOINTS, ENDPOINTS_BY_NAME, Column, Endpoint, Param
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.validation import Query
from toolkit.sandbox.world.tables import ListTable, Row


@pytest.fixture(scope="module")
def shared() -> Iterator[SandboxEnv]:
    made = SandboxEnv(link={"progress": False})
    yield made
    made.close()


@pytest.fixture(autouse=True)
def new_rows(shared: SandboxEnv) -> Iterator[None]:
    yield
    shared.replace_exchange()


# -- the span ----------------------------------------------------------------------------------------

SPANS: dict[str, tuple[Any, dict[str, Any]]] = {
    "exchange.rebates": (rebate, {}),
    "exchange.deposits": (deposit, {}),
    "exchange.transfers": (transfer, {"from_id": "1"}),
    "spot.rebates": (spot_rebate, {}),
    "spot.kickbacks": (kickback, {}),
}


@pytest.mark.parametrize("options", [{"days": -40}, {"days": -400}, {"days": 2}, {"seconds": True}], ids=str)
@pytest.mark.parametrize("endpoint_name", SPANS)
def test_rows_outside_the_requested_span_raise(
    shared: SandboxEnv, endpoint_name: str, options: dict[str, Any]
) -> None:
    make, arguments = SPANS[endpoint_name]
    endpoint = ENDPOINTS_BY_NAME[endpoint_name]
    put(shared, endpoint, [make(n, shared.now - 5000 + n) for n in range(9)])
    shared.exchange.faults.add("wrong-times", path=endpoint.path, times=None, **options)
    with pytest.raises(errors.ContractError, match=r"row 0 has the time .* to .* was requested") as caught:
        shared.link._fetcher.fetch(endpoint, arguments, start="-3D")
    assert caught.value.partial is None, "no row of such a response is kept"


@pytest.mark.parametrize("endpoint_name", SPANS)
def test_a_span_that_the_exchange_ignores_is_detected(shared: SandboxEnv, endpoint_name: str) -> None:
    make, arguments = SPANS[endpoint_name]
    endpoint = ENDPOINTS_BY_NAME[endpoint_name]
    put(shared, endpoint, [make(n, shared.now - 3 * DAY + n * DAY // 4) for n in range(9)])
    for name in ("startTime", "endTime"):
        shared.exchange.faults.add("ignore", name=name, path=endpoint.path, times=None)
    start = shared.now - 2 * DAY
    with pytest.raises(errors.ContractError, match="the response does not match the request"):
        shared.link._fetcher.fetch(endpoint, arguments, start=start, end=start + DAY)


class StuckInFirstWindow(ListTable):
    """Returns the rows of the first window for every later one too."""

    def slice(self, start: Any, end: Any, filters: Any, offset: int, limit: int) -> list[Row]:
        first = int(self._times[0])
        return super().slice(first, min(end, first + 6 * DAY), filters, offset, limit)


def test_rows_before_a_mismatching_response_are_kept(shared: SandboxEnv) -> None:
    endpoint = ENDPOINTS_BY_NAME["exchange.rebates"]
    start = shared.now - 20 * DAY
    shared.replace_exchange(
        tables={endpoint.qualified_name: StuckInFirstWindow([rebate(n, start + n * DAY) for n in range(20)])}
    )
    link = shared.new_link(workers=1, progress=False)
    with pytest.raises(errors.ContractError, match="does not match the request") as caught:
        link._fetcher.fetch(endpoint, {}, start=start)
    partial = caught.value.partial
    assert partial is not None
    assert partial["trade_id"].tolist() == [str(2**55 + n) for n in range(7)]
    assert partial.attrs["complete"] is False
    first, last = partial.attrs["missing"][0]
    assert pd.Timestamp(first) == pd.Timestamp(start + 7 * DAY, unit="ms", tz="UTC")
    assert pd.Timestamp(last) == pd.Timestamp(shared.now, unit="ms", tz="UTC")


def test_the_daily_row_of_the_day_in_which_the_span_starts_matches(shared: SandboxEnv) -> None:
    endpoint = ENDPOINTS_BY_NAME["futures.traders"]
    builder = FrameBuilder(endpoint, "float", query=Query(endpoint, {}))
    midnight = daily(3, 1)
    start = int(midnight[1]["time"]) + 10_000_000  # type: ignore[call-overload]
    assert builder.add(midnight[1:], (start, start + 2 * DAY)) == 2
    with pytest.raises(errors.ContractError, match="row 0 has the time 2025-01-01"):
        builder.add(midnight, (start, start + 2 * DAY))


# -- filters -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Filter:
    """A parameter, and the columns that repeat its value."""

    endpoint: Endpoint
    param: Param
    columns: tuple[Column, ...]

    def __str__(self) -> str:
        return f"{self.endpoint.qualified_name} {self.param.field}"


FILTERS = [
    Filter(endpoint, param, endpoint.columns_echoing(param))
    for endpoint in ENDPOINTS
    for param in endpoint.params
    if param.fixed is None and endpoint.columns_echoing(param)
]
# The rows of these do not name the symbol or pair, nor which of its contracts it is.
UNNAMED = re.compile(r"market\..*(klines|trades|depth|avg_price|taker_volume_ratio)")
# No column repeats these: switches, numbers of rows, lengths of time, and markets that the rows do not name.
NOT_REPEATED = {
    *(
        (endpoint.qualified_name, field)
        for endpoint in ENDPOINTS
        for field in ("interval", "period", "windowSize", "limit", "fromId", "symbolStatus", "permissions")
        if endpoint.system.startswith("market.")
    ),
    *(
        (endpoint.qualified_name, field)
        for endpoint in ENDPOINTS
        for field in ("symbol", "pair", "contractType")
        if UNNAMED.fullmatch(endpoint.qualified_name)
    ),
    *(
        (endpoint.qualified_name, param.field)
        for endpoint in ENDPOINTS
        for param in endpoint.params
        for column in endpoint.columns
        if param.field == endpoint.paging.id_field or (column.derived, column.of) == ("requested", param.name)
    ),
    *(
        (f"exchange.{name}", "futuresType")
        for name in ("futures_balances", "futures_account", "futures_summary", "positions")
    ),
    ("account.spot.balances", "omitZeroBalances"),
    ("account.spot.order", "origClientOrderId"),
    ("account.wallet.wallets", "quoteAsset"),
    ("exchange.transfers", "showAllStatus"),
    ("exchange.universal_transfers", "showAllStatus"),
    ("exchange.futures_rebates", "futuresType"),
    ("exchange.futures_rebates", "filterResult"),
    ("spot.customer_id", "apiAgentCode"),
    *(
        (endpoint.qualified_name, "type")
        for endpoint in ENDPOINTS
        if not endpoint.system.startswith("account.")
    ),
}


def test_every_parameter_is_repeated_by_a_column_or_known_not_to_be() -> None:
    repeated = {(each.endpoint.qualified_name, each.param.field) for each in FILTERS}
    every = {
        (endpoint.qualified_name, param.field)
        for endpoint in ENDPOINTS
        for param in endpoint.params
        if param.fixed is None
    }
    assert every - repeated <= NOT_REPEATED
    assert not repeated & NOT_REPEATED


def example_of(endpoint: Endpoint) -> Any:
    return json.loads((EXAMPLES / f"{endpoint.qualified_name}.json").read_text(), parse_float=Decimal)[
        "documented"
    ]


def single_row(endpoint: Endpoint) -> tuple[Any, dict[str, Any]]:
    """The documented response with only its first row, and what the columns should hold of it."""
    payload = example_of(endpoint)
    if endpoint.rows_field:
        payload[endpoint.rows_field] = payload[endpoint.rows_field][:1]
    elif isinstance(payload, list):
        payload = payload[:1]
    return payload, raw_rows(endpoint, payload)[0]


def value_in(row: dict[str, Any], columns: tuple[Column, ...]) -> Any:
    found = (row[column.name] for column in columns)
    return next((value for value in found if value is not ABSENT and value), None)


@pytest.mark.parametrize("case", FILTERS, ids=str)
def test_a_row_that_does_not_match_a_filter_raises(case: Filter) -> None:
    """For each documented response: a filter for its value matches, and any other does not."""
    payload, row = single_row(case.endpoint)
    value = value_in(row, case.columns)
    if value is None:
        field = case.columns[0].fields[0]
        target = payload[case.endpoint.rows_field][0] if case.endpoint.rows_field else payload[0]
        target[field] = value = "7001"
    requested = str(value).replace("*", "x")
    FrameBuilder(case.endpoint, "float", query=Query(case.endpoint, {case.param.field: requested})).add(
        payload
    )
    wrong = FrameBuilder(
        case.endpoint, "float", query=Query(case.endpoint, {case.param.field: "9" + requested})
    )
    with pytest.raises(errors.ContractError, match="the response does not match the request") as caught:
        wrong.add(payload)
    assert wrong.rows == 0
    if case.param.private:
        assert requested not in str(caught.value)
        assert str(value) not in str(caught.value)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.qualified_name)
def test_a_filter_that_the_exchange_ignores_is_detected(shared: SandboxEnv, endpoint: Endpoint) -> None:
    """Every optional filter, in the sandbox, which has more than one value for each."""
    world = shared.sandbox.world
    if endpoint.name == "order":  # there is one row at most, and always a filter
        return
    for case in (each for each in FILTERS if each.endpoint is endpoint and not each.param.is_required):
        whole = shared.link._fetcher.fetch(endpoint, arguments_of(shared, endpoint), emails="clear")
        values = [v for column in case.columns for v in whole[column.name].dropna().unique() if v != ""]
        if len(values) < 2 or case.param.choices or "api_key" in case.param.name:
            continue
        arguments = arguments_of(shared, endpoint, without=endpoint.mutually_exclusive) | {
            case.param.name: values[:1] if case.param.kind == "texts" else values[0]
        }
        assert len(shared.link._fetcher.fetch(endpoint, arguments)) < len(whole), case
        shared.exchange.faults.add("ignore", name=case.param.field, path=endpoint.path, times=None)
        with pytest.raises(errors.ContractError, match="does not match the request"):
            shared.link._fetcher.fetch(endpoint, arguments)
        shared.exchange.faults.clear()
    assert world


def arguments_of(env: SandboxEnv, endpoint: Endpoint, without: tuple[str, ...] = ()) -> dict[str, Any]:
    given = example_arguments(env, endpoint)
    return {name: value for name, value in given.items() if name not in without}


@pytest.mark.parametrize(
    ("endpoint_name", "parameters", "row", "matches"),
    [
        (
            "exchange.transfers",
            {"fromId": "1"},
            {"fromId": ""},
            True,
        ),  # the side of the master account is empty
        ("exchange.transfers", {"fromId": "1"}, {"fromId": None}, True),
        ("exchange.transfers", {"fromId": "1"}, {"fromId": "2"}, False),
        ("exchange.transfers", {"fromId": "1", "toId": "3"}, {"fromId": "1", "toId": "2"}, False),
        ("exchange.transfers", {"clientTranId": "a"}, {"clientTranId": ""}, False),
        ("spot.rebates", {"customerId": "c1"}, {"customerId": ""}, False),
        ("exchange.rebates", {"subAccountId": "7"}, {"subaccountId": 7}, True),
        ("exchange.deposits", {"status": 1}, {"status": 1}, True),
        ("exchange.deposits", {"coin": "usdt"}, {"coin": "USDT"}, True),
        ("exchange.deposits", {"coin": "USDT"}, {"coin": "USDC"}, False),
        ("exchange.deposits", {"status": 1}, {"status": 6}, False),
    ],
)
def test_values_match_whatever_their_spelling_and_type(
    endpoint_name: str, parameters: dict[str, object], row: dict[str, object], matches: bool
) -> None:
    endpoint = ENDPOINTS_BY_NAME[endpoint_name]
    makers = {"exchange.transfers": transfer, "spot.rebates": spot_rebate, "exchange.rebates": rebate}
    made = makers.get(endpoint_name, deposit)(1, 1_700_000_000_000) | row
    builder = FrameBuilder(endpoint, "float", query=Query(endpoint, parameters))
    if matches:
        assert builder.add([made]) == 1
    else:
        with pytest.raises(errors.ContractError):
            builder.add([made])


def test_an_account_named_in_one_row_is_not_the_master_account_of_another() -> None:
    """Empty ids match only if they are empty in all rows."""
    endpoint = ENDPOINTS_BY_NAME["exchange.transfers"]
    builder = FrameBuilder(endpoint, "float", query=Query(endpoint, {"fromId": "1"}))
    with pytest.raises(errors.ContractError, match="row 1 has `from_id`"):
        builder.add([transfer(1, 5), transfer(2, 6) | {"fromId": ""}])


@pytest.mark.parametrize(
    ("received", "matches"),
    [("abcd****", True), ("abcdefgh", True), ("abce****", False), ("xbcdefgh", False)],
)
def test_a_masked_key_matches_the_key_it_is_the_mask_of(received: str, matches: bool) -> None:
    endpoint = ENDPOINTS_BY_NAME["exchange.api_keys"]
    row = {
        "subaccountId": "1",
        "apikey": received,
        "canTrade": True,
        "marginTrade": True,
        "futuresTrade": True,
    }
    builder = FrameBuilder(endpoint, "float", query=Query(endpoint, {"subAccountApiKey": "abcdefgh"}))
    if matches:
        assert builder.add([row]) == 1
        return
    with pytest.raises(errors.ContractError, match="another `api_key` than requested") as caught:
        builder.add([row])
    assert "abc" not in str(caught.value)


def test_a_received_value_is_made_printable_and_short_in_the_error() -> None:
    endpoint = ENDPOINTS_BY_NAME["exchange.um_commission"]
    row = {"subAccountId": 1, "symbol": "\x1b[31m" + "E" * 90, "makerCommission": 1, "takerCommission": 1}
    builder = FrameBuilder(endpoint, "float", query=Query(endpoint, {"symbol": "BTCUSDT"}))
    with pytest.raises(errors.ContractError) as caught:
        builder.add([row])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


# -- the size ----------------------------------------------------------------------------------------


class Unlimited(ListTable):
    """Returns all rows, whatever size is requested."""

    def slice(self, start: Any, end: Any, filters: Any, offset: int, limit: int) -> list[Row]:
        return super().slice(start, end, filters, 0, 10**6)


def test_more_rows_than_requested_raise_and_are_kept(shared: SandboxEnv) -> None:
    rows = [account(n, shared.now - DAY + n) for n in range(620)]
    shared.replace_exchange(tables={"exchange.sub_accounts": Unlimited(rows, "createTime")})
    with pytest.raises(errors.ContractError, match="has 620 rows, but at most 500 were requested") as caught:
        shared.link.exchange.sub_accounts()
    assert caught.value.partial is not None
    assert len(caught.value.partial) == 620
    assert caught.value.partial.attrs["complete"] is False


def test_without_a_query_rows_are_not_checked() -> None:
    endpoint = replace(ENDPOINTS_BY_NAME["exchange.rebates"])
    assert FrameBuilder(endpoint, "float").add([rebate(1, 5)]) == 1


def test_rows_are_held_against_every_text_of_a_list_whatever_its_case() -> None:
    symbols = replace(PRICES.params[1], columns=("symbol",))
    query = Query(replace(PRICES, params=(symbols,)), {"symbols": ("btcusdt", "BNBBTC")})
    builder = FrameBuilder(PRICES, "float", query=query)
    builder.add([{"symbol": "BTCUSDT", "price": "1"}, {"symbol": "BNBBTC", "price": "1"}])
    with pytest.raises(errors.ContractError, match="`symbol` 'ETHUSDT', but 'BNBBTC' or 'btcusdt' was"):
        builder.add([{"symbol": "BTCUSDT", "price": "1"}, {"symbol": "ETHUSDT", "price": "1"}])
    assert not query.single_row
    assert Query(replace(PRICES, params=(symbols,)), {"symbols": ("BTCUSDT",)}).single_row
