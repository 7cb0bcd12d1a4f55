"""What holds for every endpoint with market data, and for exchangeInfo."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.support.clocks import FakeClock
from tests.support.market_requests import (
    HISTORY,
    MINUTE,
    NOW_MS,
    START_MS,
    answer,
    code,
    get,
    serve,
    spot,
    um,
)
from tests.support.sandbox_requests import ask, documented, error, exchange, minimal, world
from toolkit.endpoints import ENDPOINTS, ENDPOINTS_BY_NAME, ENDPOINTS_BY_ROUTE, Endpoint
from toolkit.sandbox import Exchange, SandboxRequest
from toolkit.sandbox.example_rows import EXAMPLE_HEADER
from toolkit.sandbox.market.symbols import SPOT, UM
from toolkit.sandbox.public import PUBLIC_ROUTES
from toolkit.sandbox.world.tables import ListTable

MARKET = [endpoint for endpoint in ENDPOINTS if endpoint.system.startswith("market.")]
NAMES = [endpoint.qualified_name for endpoint in MARKET]
INFO, UM_INFO = "/api/v3/exchangeInfo", "/fapi/v1/exchangeInfo"
CANDLES = "/api/v3/klines"
BTC = {"symbol": "BTCUSDT"}
ENDED = ["SOLETH", "TUSDUSDT", "BTCTUSD", "MATICUSDT"]
THIS = serve()


def params_of(name: str) -> dict[str, str]:
    """Parameters that the exchange accepts."""
    endpoint = ENDPOINTS_BY_NAME[name]
    params = minimal(name)
    return params | (BTC if endpoint.at_least_one else {})


def rows_of(payload: Any) -> list[Any]:
    """The rows of a response, as lists of keys or of positions."""
    if isinstance(payload, dict) and "symbols" in payload:
        payload = payload["symbols"]
    elif isinstance(payload, dict) and "bids" in payload:
        payload = [*payload["bids"], *payload["asks"]]
    return payload if isinstance(payload, list) else [payload]


@pytest.mark.parametrize("name", NAMES)
def test_no_endpoint_is_served_from_its_example(name: str) -> None:
    response = ask(THIS, name, params_of(name))
    assert response.status == 200, response.body
    assert EXAMPLE_HEADER not in response.headers
    assert name not in THIS.examples


@pytest.mark.parametrize("name", NAMES)
def test_every_endpoint_responds_as_documented(name: str) -> None:
    """With the fields and types of one of the documented responses."""
    endpoint = ENDPOINTS_BY_NAME[name]
    payload: Any = ask(THIS, name, params_of(name)).json()
    examples = [example for example in documented(name) if type(payload) is type(example)]
    if isinstance(payload, dict):
        assert any(payload.keys() <= example.keys() for example in examples)
    optional = {field for column in endpoint.columns if column.optional for field in column.fields}
    known = [row for example in examples for row in rows_of(example)]
    found = rows_of(payload)
    assert found or payload == {}
    for row in found:
        if isinstance(row, list):
            assert [type(value) for value in row] in [[type(value) for value in each] for each in known]
            continue
        assert any(row.keys() - optional <= each.keys() <= row.keys() | optional for each in known), row
        for field, value in row.items():
            types = {type(each[field]) for each in known if field in each}
            assert type(value) in types or (field in optional and not types), (field, value)


@pytest.mark.parametrize("name", [each.qualified_name for each in MARKET if not each.needs_key])
def test_public_endpoints_take_no_signature(name: str) -> None:
    endpoint = ENDPOINTS_BY_NAME[name]
    params = params_of(name) | {"timestamp": NOW_MS}
    assert code(THIS, endpoint.path, **params) == (-1104 if endpoint.request_params else -1101)


@pytest.mark.parametrize("name", NAMES)
def test_no_value_of_a_parameter_breaks_the_exchange(name: str) -> None:
    endpoint = ENDPOINTS_BY_NAME[name]
    right = params_of(name)
    for param in endpoint.request_params:
        for text in ("", "x", "-1", "0", "1.5", "9" * 30, "[]", '["', "BTCUSDT", "ü", "\x00"):
            response = get(THIS, endpoint.path, right | {param.field: text}, key=world().partner.key)
            assert response.status == 200 or error(response)[0] == 400


def test_a_table_takes_the_place_of_the_market() -> None:
    rows = [
        [START_MS + number * MINUTE, "1", "2", "1", "2", "0", 0, "0", 0, "0", "0", "0"] for number in (0, 1)
    ]
    table = ListTable([dict(zip(map(str, range(12)), row, strict=True)) for row in rows], "0")
    this = serve(tables={"market.spot.klines": table})
    assert answer(this, CANDLES, **BTC, interval="1m") == rows
    assert "market.spot.klines" not in this.examples


def test_another_declaration_of_a_path_is_served_from_its_own_example() -> None:
    theirs = ENDPOINTS_BY_NAME["market.spot.ticker_price"]
    mine = replace(theirs, system="account", params=(), mutually_exclusive=())
    example = [{"symbol": "BTCUSDT", "price": "1.5"}]
    this = serve(endpoints=[mine], examples={mine.qualified_name: example})
    response = get(this, mine.path)
    assert (response.json(), response.headers[EXAMPLE_HEADER]) == (example, "1")


def test_exchanges_of_one_seed_share_a_market_and_another_seed_has_another() -> None:
    params = {**BTC, "interval": "1d", "limit": "3"}
    first = get(exchange(FakeClock(NOW_MS / 1000)), CANDLES, params).body
    assert get(serve(), CANDLES, params).body == first
    other = type(world())(8, now=NOW_MS / 1000, sub_accounts=24, customers=30)
    assert get(serve(world=other), CANDLES, params).body != first


def test_market_data_follow_a_clock_that_is_off() -> None:
    this = serve()
    this.faults.add("clock-skew", seconds=60, times=None)
    assert answer(this, "/api/v3/time") == {"serverTime": NOW_MS + 60_000}
    assert answer(this, CANDLES, **BTC, interval="1m", limit=1) == answer(
        serve(NOW_MS + 60_000), CANDLES, **BTC, interval="1m", limit=1
    )


# -- faults -----------------------------------------------------------------------------------------------


def with_fault(kind: str, **options: Any) -> Exchange:
    this = serve()
    this.faults.add(kind, **options)
    return this


def test_faults_of_rows_reach_rows_that_are_encoded() -> None:
    right = answer(THIS, CANDLES, **BTC, interval="1m", limit=3)
    altered = {
        kind: answer(with_fault(kind, **options), CANDLES, **BTC, interval="1m", limit=3)
        for kind, options in (
            ("unknown-field", {"value": "!"}),
            ("missing-field", {"field": "11"}),
            ("disorder", {}),
            ("wrong-times", {"days": 1}),
        )
    }
    assert altered == {
        "unknown-field": [[*row, "!"] for row in right],
        "missing-field": [row[:-1] for row in right],
        "disorder": right[::-1],
        "wrong-times": [[row[0] + 1440 * MINUTE, *row[1:]] for row in right],
    }
    this = with_fault("disorder")
    assert [answer(this, CANDLES, **BTC, interval="1m", limit=3) for _ in range(2)] == [right[::-1], right]


def test_faults_of_rows_keep_what_is_around_them() -> None:
    right = answer(THIS, INFO)
    found = answer(with_fault("missing-field", field="status"), INFO)
    assert next({"status": "TRADING", **row} for row in found["symbols"]) == right["symbols"][0]
    assert all("status" not in row for row in found["symbols"])
    assert {**found, "symbols": None} == {**right, "symbols": None}


def test_faults_of_rows_reach_both_sides_of_a_book() -> None:
    right = answer(THIS, "/fapi/v1/depth", **BTC, limit=5)
    found = answer(with_fault("unknown-field", value="!"), "/fapi/v1/depth", **BTC, limit=5)
    assert found == right | {side: [[*level, "!"] for level in right[side]] for side in ("bids", "asks")}


def test_a_single_object_is_a_row() -> None:
    found = answer(with_fault("missing-field", field="mins"), "/api/v3/avgPrice", **BTC)
    assert found.keys() == {"price", "closeTime"}


@pytest.mark.parametrize(("counted", "rows"), [(True, 2), (False, 2)])
def test_a_response_may_be_capped(counted: bool, rows: int) -> None:
    paths: dict[str, dict[str, str]] = {
        CANDLES: {**BTC, "interval": "1m"},
        "/api/v3/aggTrades": BTC,
        "/fapi/v1/fundingRate": BTC,
        "/futures/data/openInterestHist": {**BTC, "period": "1h"},
    }
    for path, params in paths.items():
        this = with_fault("cap", rows=rows, counted=counted)
        assert len(answer(this, path, **params, startTime=NOW_MS - 30 * MINUTE * 60)) == rows, path


# -- exchangeInfo -----------------------------------------------------------------------------------------


def test_symbols_of_spot_are_those_of_the_market() -> None:
    payload = answer(THIS, INFO)
    assert payload["serverTime"] == NOW_MS
    found = {row["symbol"]: row for row in payload["symbols"]}
    assert list(found) == [market.symbol for market in SPOT]
    assert {symbol for symbol, row in found.items() if row["status"] == "BREAK"} == set(ENDED)
    for market in SPOT:
        row = found[market.symbol]
        filters = {each["filterType"]: each for each in row["filters"]}
        assert (row["baseAsset"], row["quoteAsset"]) == (market.base, market.quote)
        assert Decimal(filters["PRICE_FILTER"]["tickSize"]) == market.tick
        assert Decimal(filters["LOT_SIZE"]["stepSize"]) == market.step
        assert Decimal(filters["NOTIONAL"]["minNotional"]) == market.min_notional


def test_symbols_of_futures_are_those_of_the_market() -> None:
    found = {row["symbol"]: row for row in answer(THIS, UM_INFO)["symbols"]}
    assert list(found) == [market.symbol for market in UM]
    assert {symbol for symbol, row in found.items() if row["status"] == "SETTLING"} == {"ATOMUSDT"}
    for market in UM:
        row = found[market.symbol]
        filters = {each["filterType"]: each for each in row["filters"]}
        assert Decimal(filters["PRICE_FILTER"]["tickSize"]) == market.tick
        assert Decimal(filters["LOT_SIZE"]["stepSize"]) == market.step
        assert Decimal(filters["MIN_NOTIONAL"]["notional"]) == market.min_notional
        assert (row["pricePrecision"], row["quantityPrecision"]) == (
            market.price_decimals,
            market.quantity_decimals,
        )
        assert row["onboardDate"] == HISTORY.hours(market).listed_ms
    assert code(THIS, UM_INFO, **BTC) == -1101, "it takes no symbol"


def test_maintenance_is_told() -> None:
    stopped, resumed = HISTORY.hours(spot("BTCUSDT")).maintenance
    for now, halted in ((stopped - 1, 0), (stopped, 1), (resumed - 1, 1), (resumed, 0)):
        this = serve(now)
        assert answer(this, "/sapi/v1/system/status")["status"] == halted
        assert answer(this, INFO, **BTC)["symbols"][0]["status"] == ("TRADING", "HALT")[halted]
        assert answer(this, "/api/v3/ticker/bookTicker", **BTC)["bidPrice"] != "0.00000000", "the book rests"


def test_a_future_that_ended_has_its_delivery_date() -> None:
    rows = {row["symbol"]: row for row in answer(THIS, UM_INFO)["symbols"]}
    ended = rows["ATOMUSDT"]
    assert ended["status"] == "SETTLING"
    assert ended["deliveryDate"] == HISTORY.hours(um("ATOMUSDT")).delisted_ms
    assert rows["BTCUSDT"]["deliveryDate"] > NOW_MS


def symbols(**params: object) -> list[str]:
    return [row["symbol"] for row in answer(THIS, INFO, **params)["symbols"]]


def test_which_symbols_of_spot() -> None:
    assert symbols(symbol="SOLETH") == ["SOLETH"]
    assert symbols(symbols='["ETHBTC","BTCUSDT"]') == ["BTCUSDT", "ETHBTC"]
    assert symbols(symbolStatus="BREAK") == ENDED
    assert len(symbols(symbolStatus="TRADING")) == len(SPOT) - len(ENDED)
    assert symbols(permissions='["SPOT"]') == symbols() == symbols(permissions='["MARGIN","LEVERAGED"]')
    assert symbols(permissions="SPOT") == symbols(), "as documented, one needs no brackets"
    assert symbols(permissions='["TRD_GRP_004"]') == symbols(permissions="TRD_GRP_004") == []
    rows = answer(THIS, INFO, **BTC, showPermissionSets="false")["symbols"]
    assert rows[0]["permissionSets"] == []


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({"symbol": "NOTHING"}, -1121),
        ({"symbols": '["BTCUSDT","NOTHING"]'}, -1121),
        ({"symbols": "[]"}, -1102),
        ({"symbol": "BTCUSDT", "symbols": '["BTCUSDT"]'}, -1128),
        ({"symbol": "BTCUSDT", "permissions": '["SPOT"]'}, -1128),
        ({"symbol": "BTCUSDT", "symbolStatus": "TRADING"}, -1128),
        ({"symbols": '["BTCUSDT"]', "symbolStatus": "TRADING"}, -1128),
        ({"symbolStatus": "GONE"}, -1122),
    ],
)
def test_refused_symbols(params: dict[str, str], refusal: int) -> None:
    assert code(THIS, INFO, **params) == refusal


@pytest.mark.parametrize(("path", "market"), [(INFO, spot("SUIUSDT")), (UM_INFO, um("NEARUSDT"))])
def test_a_symbol_appears_when_it_is_listed(path: str, market: Any) -> None:
    listed = HISTORY.hours(market).listed_ms
    known = [{row["symbol"] for row in answer(serve(now), path)["symbols"]} for now in (listed - 1, listed)]
    assert known[1] - known[0] == {market.symbol}


@pytest.mark.parametrize(("path", "name", "limit"), [(INFO, "api", 6000), (UM_INFO, "fapi", 2400)])
def test_exchange_info_tells_the_limits_in_force(path: str, name: str, limit: int) -> None:
    for scale in (1, 0.5):
        this = serve(limit_scale=scale)
        found = answer(this, path)["rateLimits"][0]
        assert found == {
            "rateLimitType": "REQUEST_WEIGHT",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": limit * scale,
        }
        assert this.windows[0].rate_limit == name


@pytest.mark.parametrize("endpoint", [each for each in MARKET if each.inaccurate_header])
def test_some_headers_are_inaccurate_as_documented(endpoint: Endpoint) -> None:
    this = serve()
    used = [ask(this, endpoint.qualified_name, BTC).headers["X-MBX-USED-WEIGHT-1M"] for _ in range(3)]
    assert used == [str(this.log[-1].weight)] * 3
    assert this.windows[0].used == 3 * this.log[-1].weight, "but the limit counts all of them"


def test_paths_of_other_clients_have_no_declared_endpoint() -> None:
    """A rule has one place."""
    assert {path for _, path in ENDPOINTS_BY_ROUTE} & PUBLIC_ROUTES.keys() == set()
    for path in PUBLIC_ROUTES:
        assert THIS.handle(SandboxRequest("GET", path)).status == 200
