"""What a fetch costs, said before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.sandbox_env import SandboxEnv
from toolkit.errors import UsageError

SYMBOLS = [
    *("BTCUSDT", "ETHUSDT", "BNBUSDT", "XRPUSDT", "SOLUSDT"),
    *("ADAUSDT", "DOGEUSDT", "ETHBTC", "BNBBTC", "XRPBTC"),
]


@pytest.fixture(scope="module")
def env() -> Iterator[SandboxEnv]:
    made = SandboxEnv(link={"progress": False})
    yield made
    made.close()


def test_a_year_of_trades_of_ten_symbols(env: SandboxEnv) -> None:
    before = len(env.exchange.log)
    price = env.link.estimate_weight("account.spot.trades", symbol=SYMBOLS, start="-365D")
    assert len(env.exchange.log) == before, "nothing was sent"
    assert price.requests == 3650, (
        "windows are 24 hours long and a millisecond, so a year has no part of one more"
    )
    assert price.weight == 3650 * 20
    assert (price.rate_limit, price.limit) == ("api", 6000)
    assert price.minutes == 12.0
    assert price.at_least


@pytest.mark.parametrize(
    ("endpoint", "arguments", "requests", "weight", "minutes", "at_least"),
    [
        ("account.spot.trades", {"symbol": "BTCUSDT", "start": "-5D"}, 5, 100, 0.0, True),
        ("account.spot.trades", {"symbol": "BTCUSDT", "start": "-5D", "rows": 20_000}, 20, 400, 0.0, True),
        ("account.spot.trades", {"symbol": SYMBOLS, "from_trade_id": 0}, 10, 200, 0.0, True),
        ("account.spot.trades", {"symbol": SYMBOLS, "from_trade_id": 0, "rows": 1}, 30, 600, 0.0, False),
        ("account.spot.commission", {"symbol": "BTCUSDT"}, 1, 20, 0.0, False),
        ("account.wallet.withdrawals", {"start": "-89D"}, 1, 18_000, 0.0, True),
        ("account.futures.trades", {"symbol": SYMBOLS, "start": "-89D"}, 130, 650, 0.0, True),
        ("market.spot.klines", {"symbol": "BTCUSDT", "interval": "1m", "start": "-10D"}, 15, 30, 0.0, True),
        ("spot.rebates", {}, 1, 1, 0.0, True),
    ],
)
def test_estimates(
    env: SandboxEnv,
    endpoint: str,
    arguments: dict[str, Any],
    requests: int,
    weight: int,
    minutes: float,
    at_least: bool,
) -> None:
    price = env.link.estimate_weight(endpoint, **arguments)
    assert (price.requests, price.weight, price.minutes, price.at_least) == (
        requests,
        weight,
        minutes,
        at_least,
    )


def test_a_rate_limit_makes_it_take_as_many_windows_as_its_weight_fills(env: SandboxEnv) -> None:
    price = env.link.estimate_weight("account.wallet.withdrawals", start="-3600D")
    assert price.weight // 18_000 == price.requests > 40
    assert price.minutes == -(-price.weight // price.limit) - 1


def test_what_the_method_would_refuse_is_refused(env: SandboxEnv) -> None:
    with pytest.raises(UsageError, match="`symbol` is required"):
        env.link.estimate_weight("account.spot.trades", start="-5D")
    with pytest.raises(UsageError, match="there is no argument 'symbols'"):
        env.link.estimate_weight("account.spot.trades", symbols=SYMBOLS)
    with pytest.raises(UsageError, match="`symbol` is an empty list"):
        env.link.estimate_weight("account.spot.trades", symbol=[])


def test_an_estimate_of_a_span_without_rows_is_what_the_fetch_takes(env: SandboxEnv) -> None:
    arguments = {"symbol": ["DOGEUSDT", "XRPUSDT"], "start": "-4D"}
    price = env.link.estimate_weight("account.futures.trades", **arguments)
    frame = env.link.account.futures.trades(["DOGEUSDT", "XRPUSDT"], start="-4D")
    assert frame.attrs["weight"] >= price.weight


def test_an_endpoint_is_given_by_its_name(env: SandboxEnv) -> None:
    with pytest.raises(UsageError, match=r'such as "account.spot.trades", not a method:'):
        env.link.estimate_weight(env.link.account.spot.trades, symbol="BTCUSDT")  # type: ignore[arg-type]
