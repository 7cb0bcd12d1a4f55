"""The declarations of USD-M market data: what requests weigh, which counter they use, what rows become."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from email.utils import formatdate
from typing import Any

import pandas as pd
import pytest

from tests.support.clocks import FakeClock
from tests.support.paths import EXAMPLES
from tests.support.recording import RecordedRequest, RecordingServer, answer, recording_server
from toolkit import Link, errors
from toolkit.endpoints import BASE_URLS, ENDPOINTS, ENDPOINTS_BY_NAME, Endpoint
from toolkit.endpoints.rate_limits import FUNDING
from toolkit.frames.builder import FrameBuilder, Numbers
from toolkit.planning import Span, iso, make_plan

FUTURES = {each.name: each for each in ENDPOINTS if each.system == "market.futures"}
NOW = 1_767_225_600_000
HOUR, MINUTE = 3_600_000, 60_000
CANDLES = [name for name in FUTURES if name.endswith("klines")]
SERIES = [name for name, each in FUTURES.items() if each.path.startswith("/futures/data/")]


def example(name: str, which: str = "documented") -> Any:
    return json.loads((EXAMPLES / f"market.futures.{name}.json").read_text("utf-8"))[which]


def frame_of(name: str, response: Any, numbers: Numbers = "float") -> pd.DataFrame:
    builder = FrameBuilder(FUTURES[name], numbers)
    builder.add(response)
    return builder.frame({})


# -- weights ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CANDLES)
@pytest.mark.parametrize(
    ("limit", "weight"), [(1, 1), (99, 1), (100, 2), (499, 2), (500, 5), (1000, 5), (1001, 10), (1500, 10)]
)
def test_candles_weigh_by_their_number(name: str, limit: int, weight: int) -> None:
    assert (
        FUTURES[name].weight_of({"limit": limit}) == FUTURES[name].weight_of({"limit": str(limit)}) == weight
    )
    assert FUTURES[name].weight_of({}) == FUTURES[name].weight_of({"limit": "many"}) == 5, (
        "500 is the default"
    )


@pytest.mark.parametrize(
    ("limit", "weight"), [(5, 2), (10, 2), (20, 2), (50, 2), (100, 5), (500, 10), (1000, 20)]
)
def test_an_order_book_weighs_by_its_levels(limit: int, weight: int) -> None:
    assert FUTURES["depth"].weight_of({"limit": limit}) == weight
    assert FUTURES["depth"].weight_of({}) == 10, "500 is the default"


@pytest.mark.parametrize(
    ("name", "one", "every"),
    [("premium_index", 1, 10), ("ticker_24hr", 1, 40), ("ticker_price", 1, 2), ("ticker_book", 2, 5)],
)
def test_all_symbols_weigh_more_than_one(name: str, one: int, every: int) -> None:
    assert FUTURES[name].weight_of({"symbol": "BTCUSDT"}) == one
    assert FUTURES[name].weight_of({}) == every


# -- requests --------------------------------------------------------------------------------------------


class Scene:
    """A Link without a key, on a server that answers with the documented examples."""

    def __init__(self, server: RecordingServer) -> None:
        self.server = server
        self.clock = FakeClock(NOW / 1000)
        self.answers = {each.path: example(name) for name, each in FUTURES.items()}
        self.status = 200
        server.respond = self._respond
        hosts = dict.fromkeys(BASE_URLS, server.address)
        self.link = Link(hosts=hosts, clock=self.clock, progress=False)

    def _respond(self, request: RecordedRequest) -> bytes:
        body = self.answers[request.target.partition("?")[0]]
        date = b"Date: " + formatdate(self.clock.time(), usegmt=True).encode()
        return answer(self.status, json.dumps(body).encode(), date)

    def query(self, endpoint: Endpoint) -> str:
        """The query of the last request to an endpoint."""
        sent = [each for each in self.server.sent if each.target.partition("?")[0] == endpoint.path]
        return sent[-1].query.decode()


@pytest.fixture
def scene() -> Iterator[Scene]:
    with recording_server() as server:
        made = Scene(server)
        yield made
        made.link.close()


def test_rates_and_intervals_of_funding_share_one_counter(scene: Scene) -> None:
    start, end = "2019-10-09", "2019-10-09T23:00"
    scene.link.market.futures.funding_rates(symbol="BTCUSDT", start=start, end=end)
    scene.link.market.futures.funding_info()
    used = {use.rate_limit.name: use.used for use in scene.link.budget.snapshot().rate_limits}
    assert used["fapi-funding"] == sum("/funding" in each.target for each in scene.server.sent) == 2
    assert {each.path for each in FUTURES.values() if each.rate_limit is FUNDING} == {*FUNDING.paths}


def test_older_trades_need_a_key(scene: Scene) -> None:
    with pytest.raises(errors.NoKeyError, match=r"market\.futures\.historical_trades needs an API key"):
        scene.link.market.futures.historical_trades("BTCUSDT")
    assert scene.server.sent == []


@pytest.mark.parametrize("word", ["perpetual", "PERPETUAL"])
def test_a_kind_of_contract_is_sent_in_capitals(scene: Scene, word: Any) -> None:
    scene.answers[FUTURES["basis"].path] = []
    scene.link.market.futures.basis("BTCUSDT", word, "5m", start="-1D", end="-23h")
    assert "contractType=PERPETUAL&period=5m&" in scene.query(FUTURES["basis"])


@pytest.mark.parametrize(("limit", "sent"), [(5, "5"), (1000, "1000"), (None, "500")])
def test_levels_are_the_allowed_ones(scene: Scene, limit: Any, sent: str) -> None:
    book = scene.link.market.futures.depth("BTCUSDT", **({} if limit is None else {"limit": limit}))
    assert scene.query(FUTURES["depth"]) == f"symbol=BTCUSDT&limit={sent}"
    assert book["side"].tolist() == ["bid", "ask"]
    wrongs: list[Any] = [1, 7, 5000, True, "all"]
    for wrong in wrongs:
        with pytest.raises(
            errors.UsageError, match="`limit` must be 5 or 10 or 20 or 50 or 100 or 500 or 1000"
        ):
            scene.link.market.futures.depth("BTCUSDT", limit=wrong)


@pytest.mark.parametrize("name", CANDLES)
def test_a_month_is_not_a_minute(name: str) -> None:
    given = {param.name: param.example for param in FUTURES[name].params} | {"interval": "1M"}
    assert make_plan(FUTURES[name], given, None, None, NOW).parameters["interval"] == "1M"


# -- spans -----------------------------------------------------------------------------------------------


def test_aggregate_trades_are_requested_by_spans_of_less_than_an_hour() -> None:
    plan = make_plan(FUTURES["agg_trades"], {"symbol": "BTCUSDT"}, "-47h", None, NOW)
    windows = list(plan.windows())
    assert len(windows) == 48
    assert max(window.end - window.start for window in windows) == HOUR - 1


def test_aggregate_trades_begin_where_the_exchange_does_not_drop_them_meanwhile() -> None:
    """Their first id is found by time, and then has to be there still."""
    first = NOW - 48 * HOUR + MINUTE
    for start in ("-48.1h", "-48h", first - 1):
        with pytest.raises(
            errors.UsageError, match="keeps the last 2 days, and drops the oldest rows"
        ) as told:
            make_plan(FUTURES["agg_trades"], {"symbol": "BTCUSDT"}, start, None, NOW)
        assert f"begin at {iso(first)} or later" in str(told.value)
    assert make_plan(FUTURES["agg_trades"], {"symbol": "BTCUSDT"}, first, None, NOW).span
    by_default = make_plan(FUTURES["agg_trades"], {"symbol": "BTCUSDT"}, None, first + MINUTE, NOW)
    assert by_default.span == Span(first, first + MINUTE)


@pytest.mark.parametrize("name", SERIES)
def test_series_are_kept_for_thirty_days(name: str) -> None:
    given = {param.name: param.example for param in FUTURES[name].params}
    assert make_plan(FUTURES[name], given, "-30D", None, NOW).span is not None
    with pytest.raises(errors.UsageError, match="the exchange keeps the last 30 days"):
        make_plan(FUTURES[name], given, "-30.1D", None, NOW)


# -- rows ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mark_price_klines", "index_price_klines", "premium_index_klines"])
def test_candles_of_prices_that_are_not_traded_have_no_volume(name: str) -> None:
    columns = [column.name for column in FUTURES[name].columns]
    assert columns == ["open_time", "open", "high", "low", "close", "close_time", "closed"]


def test_a_premium_may_be_negative() -> None:
    for numbers in ("float", "exact"):
        candle = frame_of("premium_index_klines", example("premium_index_klines"), numbers).iloc[0]
        prices = [candle[name] for name in ("open", "high", "low", "close")]
        assert list(map(str, prices)) == ["-0.00042931", "-0.00023641", "-0.00059406", "-0.00043659"]


@pytest.mark.parametrize("which", ["documented", "since 2026"])
def test_steps_and_bounds_are_exact_numbers(which: str) -> None:
    row = frame_of("symbols", example("symbols", which)).iloc[0]
    assert row["tick_size"] == row["min_price"] == Decimal("0.0001")
    assert (row["step_size"], row["max_quantity"], row["market_max_quantity"]) == (1, 10_000_000, 590_119)
    assert (row["min_notional"], row["price_multiplier_up"]) == (5, Decimal("1.15"))
    assert row["tick_size"] * 3 == Decimal("0.0003"), "0.00030000000000000003 as a float"
    assert row["max_orders"] == 200
    assert row["order_types"][:2] == ["LIMIT", "MARKET"]
    assert row["onboard_date"] == pd.Timestamp("2020-08-24T07:00Z")


def test_contracts_without_funding_have_no_rate() -> None:
    row = frame_of("premium_index", example("premium_index", "quarterly")).iloc[0]
    assert row[["last_funding_rate", "interest_rate"]].isna().all()


@pytest.mark.parametrize("name", [name for name in SERIES if name != "basis"])
def test_times_may_be_text(name: str) -> None:
    texts, numbers = example(name, "before 2026-07"), example(name)
    assert {type(row["timestamp"]) for row in texts} == {str}
    before, after = frame_of(name, texts), frame_of(name, numbers)
    pd.testing.assert_series_equal(before["time"], after["time"])
    assert before["time"].dt.tz is not None


@pytest.mark.parametrize("text", ["", "1583127900000.0", "+1583127900000", "99999999999999", "2020-03-02"])
def test_a_text_that_is_not_a_number_of_milliseconds_is_no_time(text: str) -> None:
    row = example("open_interest_history")[0] | {"timestamp": text}
    with pytest.raises(errors.ContractError, match="column `time`: text is not a time in milliseconds"):
        frame_of("open_interest_history", [row])


def test_rows_with_text_for_a_time_are_held_against_the_span(scene: Scene) -> None:
    scene.answers[FUTURES["long_short_ratio"].path] = example("long_short_ratio", "before 2026-07")
    with pytest.raises(errors.ContractError, match="row 0 has the time 2020-03-02"):
        scene.link.market.futures.long_short_ratio("BTCUSDT", "5m", start="-1D")


# -- paths given to link.get -----------------------------------------------------------------------------


def test_a_path_with_a_method_of_its_own_names_it(scene: Scene) -> None:
    frame = scene.link.get("/fapi/v2/ticker/price", symbol="BTCUSDT")
    assert frame.attrs["declared_as"] == "market.futures.ticker_price"
    assert frame.attrs["declared_as"] in ENDPOINTS_BY_NAME
    scene.answers["/fapi/v1/constituents"] = {"symbol": "BTCUSDT"}
    assert "declared_as" not in scene.link.get("/fapi/v1/constituents", security="NONE").attrs


NOT_AUTHORIZED = {"code": -1099, "msg": "Not found, authenticated, or authorized."}


def test_a_refusal_without_a_key_says_that_none_was_sent(scene: Scene) -> None:
    scene.status = 401
    scene.answers["/fapi/v1/symbolAdlRisk"] = scene.answers["/fapi/v1/ping"] = NOT_AUTHORIZED
    with pytest.raises(errors.CredentialsError) as caught:
        scene.link.get("/fapi/v1/symbolAdlRisk", security="NONE")
    assert caught.value.code == -1099
    assert "No API key was sent. If this path needs one" in str(caught.value)
    assert '`security="MARKET_DATA"`' in caught.value.advice
    with pytest.raises(errors.CredentialsError, match="No API key was sent: this endpoint is documented"):
        scene.link.market.futures.ping()


def test_a_refusal_with_a_key_says_what_to_check_of_it(scene: Scene) -> None:
    scene.status = 401
    scene.answers["/fapi/v1/symbolAdlRisk"] = NOT_AUTHORIZED
    hosts = dict.fromkeys(BASE_URLS, scene.server.address)
    with (
        Link(key="k" * 64, secret="s" * 64, hosts=hosts, clock=scene.clock) as link,
        pytest.raises(errors.CredentialsError, match="Check that the API key is the right one"),
    ):
        link.get("/fapi/v1/symbolAdlRisk", security="MARKET_DATA")
