"""Market data of spot: weights, rules for arguments, exact steps of prices, both sides of a book."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any

import pandas as pd
import pytest

import toolkit
from tests.support.clocks import FakeClock
from tests.support.paths import EXAMPLES
from tests.support.recording import RecordedRequest, RecordingServer, answer, recording_server
from toolkit.endpoints import BASE_URLS, ENDPOINTS, ENDPOINTS_BY_NAME, Endpoint
from toolkit.endpoints.market import spot
from toolkit.errors import ContractError, IncompleteError, UsageError
from toolkit.frames.builder import FrameBuilder, Numbers
from toolkit.frames.decoder import Decoder
from toolkit.transport.responses import RawResponse, parse_response


def spot_endpoint(name: str) -> Endpoint:
    return ENDPOINTS_BY_NAME[f"market.spot.{name}"]


def names(number: int) -> tuple[str, ...]:
    """So many symbols."""
    return tuple(f"A{index}USDT" for index in range(number))


class Scene:
    """A server with one response, and a Link to it that has no key."""

    def __init__(self, server: RecordingServer) -> None:
        self.payload: Any = []
        self.server = server
        server.respond = self._respond
        hosts = dict.fromkeys(BASE_URLS, server.address)
        self.link = toolkit.Link(hosts=hosts, clock=FakeClock(), progress=False)

    def _respond(self, request: RecordedRequest) -> bytes:
        if "exchangeInfo" in request.target:  # the Link asks for the limits
            return answer(200, b'{"rateLimits":[]}')
        return answer(200, json.dumps(self.payload).encode(), b"Date: Thu, 01 Jan 2026 00:00:00 GMT")

    def call(self, name: str, **arguments: Any) -> pd.DataFrame:
        frame: pd.DataFrame = attrgetter(f"market.spot.{name}")(self.link)(**arguments)
        return frame


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with recording_server() as server:
        made = Scene(server)
        yield made
        made.link.close()


def test_all_of_it_needs_no_key() -> None:
    assert {endpoint.security for endpoint in spot.ENDPOINTS} == {"NONE"}


RULES = (
    *(
        {"filterType": name, "minQty": "1.0", "maxQty": "9.0", "stepSize": "0.1"}
        for name in ("LOT_SIZE", "B", "C")
    ),
    {
        "filterType": "PRICE_FILTER",
        "minPrice": "0.01000000",
        "maxPrice": "1000000.0",
        "tickSize": "0.01000000",
    },
    *({"filterType": f"RULE_{number}", "a": 1, "b": 2, "c": 3, "d": 4} for number in range(8)),
)


def test_the_rules_of_every_symbol_are_read(scene: Scene) -> None:
    """The exchange has more than 3,000 symbols."""
    documented = json.loads((EXAMPLES / "market.spot.symbols.json").read_text(encoding="utf-8"))["documented"]
    (symbol,) = documented["symbols"]
    rows = [{**symbol, "symbol": name, "filters": RULES} for name in names(4000)]
    body = json.dumps({**documented, "symbols": rows}).encode()
    endpoint = spot_endpoint("symbols")
    page, error = parse_response(
        "market.spot.symbols", endpoint.path, RawResponse(200, {}, body), 0.0, decoder=Decoder(endpoint)
    )
    assert error is None
    assert page.rows == 4000


# -- weights ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("levels", "weight"),
    [(None, 5), (1, 5), (100, 5), (101, 25), (500, 25), (501, 50), (1000, 50), (1001, 250), (5000, 250)],
)
def test_an_order_book_weighs_by_its_levels(levels: int | None, weight: int) -> None:
    sent = {"symbol": "BTCUSDT"} | ({} if levels is None else {"limit": levels})
    assert spot_endpoint("depth").weight_of(sent) == weight


@pytest.mark.parametrize(("number", "weight"), [(1, 2), (20, 2), (21, 40), (100, 40), (101, 80)])
def test_tickers_of_a_day_weigh_by_the_number_of_symbols(number: int, weight: int) -> None:
    weight_of = spot_endpoint("ticker_24hr").weight_of
    assert weight_of({"symbols": names(number)}) == weight
    assert weight_of({"symbols": json.dumps(names(number))}) == weight, "as the sandbox receives it"
    assert weight_of({"symbol": "BTCUSDT"}) == 2
    assert weight_of({}) == weight_of({"symbolStatus": "TRADING"}) == 80


@pytest.mark.parametrize("name", ["ticker", "ticker_trading_day"])
@pytest.mark.parametrize(("number", "weight"), [(1, 4), (2, 8), (49, 196), (50, 200), (51, 200), (100, 200)])
def test_tickers_of_other_times_weigh_the_same_for_each_symbol(name: str, number: int, weight: int) -> None:
    assert spot_endpoint(name).weight_of({"symbols": names(number), "windowSize": "7d"}) == weight
    assert spot_endpoint(name).weight_of({"symbol": "BTCUSDT"}) == 4


@pytest.mark.parametrize("name", ["ticker_price", "ticker_book"])
@pytest.mark.parametrize(
    ("sent", "weight"),
    [({"symbol": "BTCUSDT"}, 2), ({"symbols": names(1)}, 4), ({"symbols": names(9)}, 4), ({}, 4)],
)
def test_latest_tickers_weigh_less_for_one_symbol(name: str, sent: Mapping[str, Any], weight: int) -> None:
    assert spot_endpoint(name).weight_of(sent) == weight


@pytest.mark.parametrize("wrong", ["", "x", "-1", "1.5", "٣", "9" * 30, None, 5, ["a"], '["a"'])
@pytest.mark.parametrize("endpoint", spot.ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_a_request_that_is_refused_has_a_weight(endpoint: Endpoint, wrong: object) -> None:
    assert endpoint.weight_of({"limit": wrong, "symbols": wrong}) >= 1


# -- arguments that are refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        *(
            (
                name,
                {"symbol": "BTCUSDT", "symbols": ["ETHUSDT"]},
                "`symbol` and `symbols` are mutually exclusive",
            )
            for name in (
                "symbols",
                "ticker",
                "ticker_24hr",
                "ticker_trading_day",
                "ticker_price",
                "ticker_book",
            )
        ),
        (
            "symbols",
            {"symbol": "BTCUSDT", "permissions": ["SPOT"]},
            "`symbol` and `permissions` are mutually",
        ),
        ("symbols", {"symbols": ["BTCUSDT"], "permissions": ["SPOT"]}, "`symbols` and `permissions` are"),
        ("ticker", {}, "`symbol` or `symbols` is required"),
        ("ticker_trading_day", {}, "`symbol` or `symbols` is required"),
        ("ticker", {"symbols": names(101)}, "`symbols`"),
        ("ticker_trading_day", {"symbols": names(101)}, "`symbols`"),
        (
            "ticker",
            {"symbol": "BTCUSDT", "window_size": "60m"},
            '"1m" to "59m" or "1h" to "23h" or "1d" to "7d", not',
        ),
        ("ticker", {"symbol": "BTCUSDT", "window_size": "24h"}, "`window_size` must be"),
        ("ticker", {"symbol": "BTCUSDT", "window_size": "1d2h"}, "`window_size` must be"),
        ("depth", {"symbol": "BTCUSDT", "limit": 0}, "`limit` must be a whole number from 1 up to 5000"),
        ("depth", {"symbol": "BTCUSDT", "limit": 5001}, "`limit` must be a whole number from 1 up to 5000"),
        ("trades", {"symbol": "BTCUSDT", "limit": 1001}, "`limit` must be a whole number from 1 up to 1000"),
        ("historical_trades", {"symbol": "BTCUSDT", "from_trade_id": -1}, "`from_trade_id` must be"),
        ("ticker_price", {"symbol_status": "closed"}, '`symbol_status` must be "trading"'),
    ],
)
def test_what_the_exchange_would_refuse_or_shorten_is_not_sent(
    scene: Scene, name: str, arguments: dict[str, Any], said: str
) -> None:
    before = len(scene.server.sent)
    with pytest.raises(UsageError) as caught:
        scene.call(name, **arguments)
    assert said in str(caught.value)
    assert "Nothing was sent" in str(caught.value)
    assert len(scene.server.sent) == before


@pytest.mark.parametrize("interval", ["1m", "1M"])
def test_a_minute_is_not_a_month(scene: Scene, interval: str) -> None:
    scene.payload = []
    scene.call("klines", symbol="BTCUSDT", interval=interval, start="2025-12-31", end="2025-12-31T00:00:01")
    assert f"interval={interval}&" in scene.server.sent[-1].target


# -- how many rows there are ---------------------------------------------------------------------------------


def prices(symbols: Sequence[str]) -> list[dict[str, str]]:
    return [{"symbol": symbol, "price": "1.00"} for symbol in symbols]


def test_as_many_symbols_as_were_requested_are_all(scene: Scene) -> None:
    """A hundred rows are suspicious only where there may be more."""
    scene.payload = prices(names(100))
    assert scene.call("ticker_price", symbols=names(100)).attrs["complete"] is True
    with pytest.raises(IncompleteError, match="100 rows"):
        scene.call("ticker_price", symbols=names(150))


@pytest.mark.parametrize("number", [100, 500, 1000])
@pytest.mark.parametrize("name", ["ticker_price", "ticker_book", "ticker_24hr"])
def test_all_symbols_are_all_of_them_however_many_there_are(scene: Scene, name: str, number: int) -> None:
    """Their lists have no limit; futures had five hundred symbols one day."""
    row = documented(name)["documented"][0]
    scene.payload = [row | {"symbol": symbol} for symbol in names(number)]
    frame = scene.call(name)
    assert (len(frame), frame.attrs["complete"]) == (number, True)


def test_all_symbols_of_the_real_exchange_are_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three thousand of them, with rules and permission groups, have more than 16 MiB."""
    (row,) = documented("symbols")["all filters"]["symbols"]
    (newer,) = documented("symbols")["since 2026"]["symbols"]
    row = newer | row | {"permissionSets": [["SPOT", *(f"TRD_GRP_{number:03d}" for number in range(250))]]}
    listed = json.dumps(row, separators=(",", ":"))
    symbols = ("币安人生USDT", *names(3299))
    rows = ",".join(listed.replace(f'"{row["symbol"]}"', f'"{name}"', 1) for name in symbols)
    body = f'{{"symbols":[{rows}]}}'.encode()
    assert len(body) > 1 << 24
    monkeypatch.setattr(scene.server, "respond", lambda _: answer(200, body))
    frame = scene.call("symbols")
    assert frame["symbol"].tolist() == [*symbols]
    assert frame["permission_sets"].iloc[-1][0].endswith("TRD_GRP_249")


def test_every_list_of_all_symbols_is_declared_as_whole() -> None:
    of_all = {
        each.qualified_name
        for each in ENDPOINTS
        if each.system.startswith("market.")
        and each.identity == ("symbol",)
        and not each.at_least_one
        and not any(param.is_required for param in each.params)
    }
    whole = {each.qualified_name for each in ENDPOINTS if each.whole and each.system.startswith("market.")}
    assert whole == of_all


@pytest.mark.parametrize("name", ["trades", "historical_trades"])
def test_as_many_trades_as_were_requested_are_all(scene: Scene, name: str) -> None:
    (trade,) = documented(name)["documented"]
    scene.payload = [trade | {"id": number} for number in range(500)]
    frame = scene.call(name, symbol="BTCUSDT")
    assert (len(frame), frame.attrs["complete"], frame["trade_id"].iloc[-1]) == (500, True, "499")
    with pytest.raises(ContractError, match="500 rows, but at most 499 were requested"):
        scene.call(name, symbol="BTCUSDT", limit=499)


def test_a_book_with_fewer_levels_than_requested_is_whole(scene: Scene) -> None:
    bids = [[f"{100 - level / 10:.1f}", "1.0"] for level in range(60)]
    asks = [[f"{101 + level / 10:.1f}", "1.0"] for level in range(40)]
    scene.payload = {"lastUpdateId": 1, "bids": bids, "asks": asks}
    frame = scene.call("depth", symbol="BTCUSDT", limit=5000)
    assert (len(frame), frame.attrs["complete"], frame.attrs["weight"]) == (100, True, 250)


# -- symbols ---------------------------------------------------------------------------------------------


def documented(name: str) -> dict[str, Any]:
    responses: dict[str, Any] = json.loads((EXAMPLES / f"market.spot.{name}.json").read_text("utf-8"))
    return responses


def frame_of(name: str, payload: object, numbers: Numbers = "float") -> pd.DataFrame:
    builder = FrameBuilder(spot_endpoint(name), numbers)
    builder.add(payload)
    return builder.frame({})


EXACT_RULES = {
    "tick_size": "0.00000100",
    "min_price": "0.00000100",
    "max_price": "100000.00000000",
    "step_size": "0.00100000",
    "min_quantity": "0.00100000",
    "max_quantity": "100000.00000000",
    "market_step_size": "0.00000000",
    "min_notional": "10.00000000",
    "max_notional": "10000.00000000",
    "bid_multiplier_up": "1.2",
    "ask_multiplier_down": "0.8",
}


@pytest.mark.parametrize("numbers", ["float", "exact"])
def test_steps_and_bounds_are_exact_whatever_the_numbers_are(numbers: Numbers) -> None:
    frame = frame_of("symbols", documented("symbols")["all filters"], numbers)
    for name, text in EXACT_RULES.items():
        value = frame[name][0]
        assert isinstance(value, Decimal), name
        assert value == Decimal(text), name
    assert frame["max_orders"][0] == 25
    assert frame.attrs["undeclared"] == []


def test_a_symbol_without_a_filter_has_no_value_for_it() -> None:
    frame = frame_of("symbols", documented("symbols")["documented"])
    assert frame[[*EXACT_RULES, "max_orders"]].isna().all(axis=None)
    older = frame_of("symbols", documented("symbols")["minimum notional"])
    assert older["min_notional"][0] == Decimal("0.001"), "of the filter that NOTIONAL replaced"
    assert pd.isna(older["max_notional"][0])


def test_permission_sets_are_texts_and_new_kinds_of_filters_are_named() -> None:
    payload = documented("symbols")["since 2026"]
    payload["symbols"][0]["permissionSets"] = [["SPOT", "MARGIN"], ["TRD_GRP_004"]]
    payload["symbols"][0]["filters"].append({"filterType": "NEW", "limit": 1})
    frame = frame_of("symbols", payload)
    assert list(frame["permission_sets"][0]) == ["SPOT|MARGIN", "TRD_GRP_004"]
    assert frame["order_types"][0] == ["LIMIT"]
    assert [name for name in frame.attrs["undeclared"] if "NEW" in name] != []


# -- order books -----------------------------------------------------------------------------------------

BOOK = {
    "lastUpdateId": 9_007_199_254_740_993,
    "bids": [["4.00000000", "0.10000000"], ["3.99000000", "0.20000000"], ["3.50000000", "7.00000000"]],
    "asks": [["4.00000200", "12.00000000"], ["4.00000300", "0.50000000"]],
}


@pytest.mark.parametrize("numbers", ["float", "exact"])
def test_a_book_has_two_sides_with_running_totals(numbers: Numbers) -> None:
    frame = frame_of("depth", BOOK, numbers)
    assert frame["side"].tolist() == ["bid", "bid", "bid", "ask", "ask"]
    assert frame["level"].tolist() == [1, 2, 3, 1, 2]
    assert set(frame["last_update_id"]) == {"9007199254740993"}
    totals = ["0.1", "0.3", "7.3", "12", "12.5"]
    assert frame["total"].tolist() == [
        float(text) if numbers == "float" else Decimal(text) for text in totals
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"bids": BOOK["bids"][::-1]},  # type: ignore[index]
        {"asks": BOOK["asks"][::-1]},  # type: ignore[index]
        {"asks": [["3.98000000", "1.00000000"]]},
    ],
    ids=["bids rise", "asks fall", "they cross"],
)
def test_a_book_that_is_not_in_order_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(toolkit.errors.ToolkitError):
        frame_of("depth", BOOK | wrong)


def test_a_book_may_have_one_side_only() -> None:
    frame = frame_of("depth", BOOK | {"bids": []})
    assert frame["side"].tolist() == ["ask", "ask"]
