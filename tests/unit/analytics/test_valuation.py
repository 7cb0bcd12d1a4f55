"""Values at the prices of hand-made candles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from tests.support.candle_market import DAY, HOUR, CandleMarket, ms, rows
from tests.support.paths import ROOT
from toolkit.analytics import value
from toolkit.analytics.routes import RENAMED
from toolkit.errors import InexactError, UsageError

NOON = ms("2025-03-05T12:00")
"""The time of a row; the candle before it began at 11:00."""

Made = Callable[[Mapping[tuple[str, str], Mapping[int, str]]], CandleMarket]


@pytest.fixture
def market() -> Iterator[Made]:
    made: list[CandleMarket] = []

    def make(markets: Mapping[tuple[str, str], Mapping[int, str]]) -> CandleMarket:
        made.append(CandleMarket(markets))
        return made[-1]

    yield make
    for each in made:
        each.close()


def only(frame: pd.DataFrame) -> tuple[str, str, int, str]:
    """Price, value, price time and where the price is from, of the only row."""
    (row,) = frame.to_dict("records")
    return f"{row['price']:f}", f"{row['value']:f}", ms(row["price_time"]), row["priced_by"]


def same(text: str, number: str) -> bool:
    return Decimal(text) == Decimal(number)


@pytest.mark.parametrize(
    ("time", "price"),
    [
        (NOON, "11"),  # the candle of 11:00 closed a millisecond ago
        (NOON - 1, "11"),  # it closes at this very millisecond
        (NOON - 2, "10"),  # it has not closed
        (NOON + HOUR - 2, "11"),
        (NOON + HOUR - 1, "12"),
    ],
)
def test_the_price_is_that_of_the_last_candle_that_closed(market: Made, time: int, price: str) -> None:
    candles = {NOON + (hour - 12) * HOUR: str(hour) for hour in range(8, 16)}
    link = market({("BTC", "USDT"): candles}).link
    found, worth, closed, name = only(value(rows((time, "BTC", "0.5")), link=link))
    assert same(found, price)
    assert same(worth, str(Decimal(price) / 2))
    assert closed == NOON + (int(price) - 11) * HOUR - 1 <= time
    assert name == "BTCUSDT"


def test_a_price_of_a_day_ago_counts_and_an_older_one_does_not(market: Made) -> None:
    closed = NOON - 1
    link = market({("BTC", "USDT"): {NOON - HOUR: "7"}}).link
    frame = value(rows((closed + DAY, "BTC", "1"), (closed + DAY + 1, "BTC", "1")), link=link)
    assert frame["value"].isna().tolist() == [False, True]
    assert frame["price"].isna().tolist() == [False, True]
    assert frame["price_time"].isna().tolist() == [False, True]
    assert frame["priced_by"].isna().tolist() == [False, True]
    assert frame.attrs["unvalued"] == {"BTC": 1}
    assert frame.attrs["valuation"]["valued"] == 1


def test_a_gap_at_midnight_takes_the_price_of_the_day_before(market: Made) -> None:
    midnight = ms("2025-03-05")
    link = market({("BTC", "USDT"): {midnight - 3 * HOUR: "7", midnight + 5 * HOUR: "9"}}).link
    price, _, closed, _ = only(value(rows((midnight + HOUR, "BTC", "1")), link=link))
    assert same(price, "7")
    assert closed == midnight - 2 * HOUR - 1


def test_an_inverse_market_is_divided_by(market: Made) -> None:
    link = market({("EUR", "USDT"): {NOON - HOUR: "1.07"}, ("USDT", "TRY"): {NOON - HOUR: "36"}}).link
    price, worth, _, name = only(value(rows((NOON, "USDT", "3")), "EUR", link=link))
    assert name == "1/EURUSDT"
    assert price == "0.934579439252336449"  # 1 / 1.07, rounded at the 18th place
    assert worth == "2.803738317757009347"  # of the rounded price
    price, _, _, name = only(value(rows((NOON, "TRY", "3")), link=link))
    assert (price, name) == ("0.027777777777777778", "1/USDTTRY")


def test_two_markets_are_multiplied_and_rounded_once(market: Made) -> None:
    link = market(
        {("SOL", "ETH"): {NOON - HOUR: "0.0123456789"}, ("ETH", "USDT"): {NOON - 2 * HOUR: "2500.01"}}
    ).link
    price, _, closed, name = only(value(rows((NOON, "SOL", "1")), link=link))
    assert name == "SOLETH*ETHUSDT"
    assert same(price, "30.864320706789")
    assert closed == NOON - HOUR - 1, "the earlier of the two"


def test_an_inverse_and_a_direct_market_are_one_fraction(market: Made) -> None:
    """Rounded after each step it would end in other digits."""
    link = market({("BTC", "USDT"): {NOON - HOUR: "90001"}, ("BTC", "TRY"): {NOON - HOUR: "3300007"}}).link
    price, _, _, name = only(value(rows((NOON, "USDT", "1")), "TRY", link=link))
    assert name == "1/BTCUSDT*BTCTRY"
    assert price == "36.666337040699547783"


def test_the_direct_market_goes_first_and_where_it_has_no_price_another_does(market: Made) -> None:
    link = market(
        {
            ("SOL", "USDT"): {NOON - HOUR: "150"},
            ("SOL", "BTC"): {NOON - HOUR + 3 * DAY: "0.002", NOON - HOUR: "1"},
            ("BTC", "USDT"): {NOON - HOUR + 3 * DAY: "80000", NOON - HOUR: "1"},
        }
    ).link
    frame = value(rows((NOON, "SOL", "1"), (NOON + 3 * DAY, "SOL", "1")), link=link)
    assert frame["priced_by"].tolist() == ["SOLUSDT", "SOLBTC*BTCUSDT"]
    assert [int(price) for price in frame["price"]] == [150, 160]
    assert frame.attrs["valuation"]["routes"] == {"SOLBTC*BTCUSDT": 1, "SOLUSDT": 1}


def test_a_renamed_asset_has_the_price_of_its_new_name(market: Made) -> None:
    made = market({("MATIC", "USDT"): {NOON - HOUR: "0.4"}, ("POL", "USDT"): {NOON - HOUR + 9 * DAY: "0.3"}})
    made.ended = {"MATICUSDT"}
    frame = value(rows((NOON, "MATIC", "10"), (NOON + 9 * DAY, "MATIC", "10")), link=made.link)
    assert frame["priced_by"].tolist() == ["MATICUSDT", "MATIC=POL*POLUSDT"]
    assert [float(each) for each in frame["value"]] == [4, 3]


def test_an_own_renaming_has_a_ratio(market: Made) -> None:
    link = market({("NEW", "USDT"): {NOON - HOUR: "0.002"}}).link
    frame = rows((NOON, "OLD", "3"))
    price, worth, _, name = only(value(frame, link=link, renamed={"OLD": ("NEW", 1000)}))
    assert same(price, "2")
    assert same(worth, "6")
    assert name == "OLD=1000*NEW*NEWUSDT"
    assert value(frame, link=link).attrs["unvalued"] == {"OLD": 1}


def test_a_market_that_is_gone_has_no_price(market: Made) -> None:
    made = market({("OLD", "USDT"): {NOON - HOUR: "1"}, ("BTC", "USDT"): {NOON - HOUR: "2"}})
    made.gone = {"OLDUSDT"}
    frame = value(rows((NOON, "OLD", "1"), (NOON, "BTC", "1"), (NOON, "NONE", "1")), link=made.link)
    assert frame["value"].isna().tolist() == [True, False, True]
    assert frame.attrs["unvalued"] == {"OLD": 1, "NONE": 1}


def test_stable_coins_have_their_market_price_unless_they_are_at_par(market: Made) -> None:
    link = market({("USDC", "USDT"): {NOON - HOUR: "0.98"}, ("EUR", "USDT"): {NOON - HOUR: "1.25"}}).link
    frame = rows((NOON, "USDC", "100"))
    assert same(only(value(frame, link=link))[1], "98")
    at_par = value(frame, link=link, at_par=["USDC"])
    assert same(only(at_par)[1], "100")
    assert only(at_par)[3] == "USDC=USDT"
    assert at_par.attrs["valuation"]["at_par"] == ["USDC=USDT"]
    in_euros = value(frame, "EUR", link=link, at_par=["USDC"])
    assert same(only(in_euros)[1], "80"), "one dollar, not one euro"
    assert only(in_euros)[3] == "USDC=USDT*1/EURUSDT"


def test_dollars_are_tethers_at_par_and_say_so(market: Made) -> None:
    frame = rows((NOON, "USD", "7"), (NOON, "USDT", "8"))
    made = market({})
    for currency in ("USD", "USDT"):
        found = value(frame, currency, link=made.link)
        assert [int(each) for each in found["value"]] == [7, 8]
        assert found.attrs["valuation"]["at_par"] == ["USD=USDT"]
    assert made.asked == []


def test_own_prices_go_first_and_are_marked(market: Made) -> None:
    link = market({("BTC", "USDT"): {NOON - HOUR: "7"}}).link
    prices = pd.DataFrame(
        {
            "time": pd.to_datetime([NOON + HOUR, NOON + 2 * HOUR], unit="ms", utc=True),
            "asset": "BTC",
            "price": ["8", "9.5"],
        }
    )
    frame = rows(*((NOON + hour * HOUR, "BTC", "1") for hour in (0, 1, 2)), (NOON + 90 * DAY, "BTC", "1"))
    found = value(frame, link=link, prices=prices)
    assert found["priced_by"].tolist() == ["BTCUSDT", "given", "given", "given"]
    assert [float(each) for each in found["price"]] == [7, 8, 9.5, 9.5]
    assert found.attrs["valuation"]["given"] == 3
    alone = value(frame, prices=prices)
    assert alone["value"].isna().tolist() == [True, False, False, False]
    assert alone.attrs["unvalued"] == {"BTC": 1}


def test_own_prices_in_another_currency_do_not_count() -> None:
    prices = pd.DataFrame(
        {
            "time": pd.to_datetime([NOON, NOON], unit="ms", utc=True),
            "asset": ["BTC", "BTC"],
            "price": [1.5, 3.0],
            "currency": ["EUR", "USDT"],
        }
    )
    assert same(only(value(rows((NOON, "BTC", "1")), "EUR", prices=prices))[0], "1.5")
    with pytest.raises(UsageError, match="no price in TRY"):
        value(rows((NOON, "BTC", "1")), "TRY", prices=prices)


def test_floats_stay_floats_and_missing_values_missing(market: Made) -> None:
    link = market({("BTC", "USDT"): {NOON - HOUR: "0.1"}}).link
    frame = rows((NOON, "BTC", "3"), (NOON, "BTC", "nan"), (NOON, "NONE", "1"), numbers="float64")
    frame.index = pd.Index([5, 5, 7])
    found = value(frame, link=link)
    assert found["value"].dtype == found["price"].dtype == "float64"
    assert found["value"].iloc[0] == 3 * 0.1
    assert found["value"].isna().tolist() == [False, True, True]
    assert list(found.index) == [5, 5, 7]
    assert "value" not in frame, "the frame itself is as it was"


def test_rows_without_a_time_or_an_asset_have_no_value(market: Made) -> None:
    link = market({("BTC", "USDT"): {NOON - HOUR: "2"}}).link
    frame = rows((NOON, "BTC", "1"), (NOON, "BTC", "1"), (NOON, "BTC", "1"))
    frame.loc[0, "time"] = pd.NaT
    frame.loc[1, "asset"] = pd.NA
    found = value(frame, link=link)
    assert found["value"].isna().tolist() == [True, True, False]
    assert sum(found.attrs["unvalued"].values()) == 2


def test_an_empty_frame_gets_the_columns_and_sends_nothing(market: Made) -> None:
    made = market({("BTC", "USDT"): {}})
    found = value(rows((NOON, "BTC", "1")).iloc[:0], link=made.link)
    assert list(found.columns) == ["time", "asset", "amount", "price", "price_time", "priced_by", "value"]
    assert str(found["value"].dtype) == "exact"
    assert str(found["price_time"].dtype) == "datetime64[ms, UTC]"
    assert made.asked == []


def test_only_days_that_rows_need_are_fetched_and_each_market_once(market: Made) -> None:
    made = market({("BTC", "USDT"): {NOON - HOUR: "2"}, ("ETH", "USDT"): {NOON - HOUR: "2"}})
    far = NOON + 200 * DAY
    value(
        rows((NOON, "BTC", "1"), (NOON + 5, "BTC", "1"), (far, "BTC", "1"), (NOON, "USDT", "1")),
        link=made.link,
    )
    assert {symbol for symbol, _, _ in made.asked} == {"BTCUSDT"}
    days = {day for _, start, end in made.asked for day in range(start // DAY, end // DAY + 1)}
    assert days == {NOON // DAY - 1, NOON // DAY, far // DAY - 1, far // DAY}, "and the days before"


def test_a_value_beyond_an_exact_amount_is_refused(market: Made) -> None:
    link = market({("BTC", "USDT"): {NOON - HOUR: "100000"}}).link
    with pytest.raises(InexactError, match="20 digits"):
        value(rows((NOON, "BTC", "9999999999999999999")), link=link)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"currency": "usdt"}, "`currency`"),
        ({"at": "7m"}, "`at`"),
        ({"at_par": "USDC"}, "`at_par`"),
        ({"at_par": ["USCD"]}, "USDC"),
        ({"renamed": {"OLD": ("NEW", 0)}}, "renamed"),
        ({"prices": pd.DataFrame({"time": []})}, "`prices`"),
        ({"amount": "amonut"}, "amount"),
        ({"time": "when"}, "when"),
        ({}, "needs prices"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        value(rows((NOON, "BTC", "1")), **arguments)


def test_a_currency_without_a_market_is_refused(market: Made) -> None:
    link = market({("BTC", "USDT"): {}}).link
    with pytest.raises(UsageError, match=r"'USTD'.*USDT"):
        value(rows((NOON, "BTC", "1")), "USTD", link=link)


def test_the_page_has_the_assets_with_a_new_name() -> None:
    page = (ROOT / "docs" / "prices.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| (\w+) \| (\d+) \|$", page, re.MULTILINE)
    assert {old: (new, Decimal(rate)) for old, new, rate in rows} == RENAMED


def test_a_part_of_what_is_held_is_not_taken_for_all_of_it() -> None:
    held = rows((NOON, "USDT", "1")).rename(columns={"amount": "free"})
    held["locked"] = held["free"]
    with pytest.raises(UsageError, match="`amount=`"):
        value(held)
    assert value(held, amount="free")["value"].tolist() == [1]
