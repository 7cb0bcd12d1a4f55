"""Own trades of ten symbols, for more than a minute's weight: interrupted in the middle, and gone on with."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pandas as pd
import pytest

from tests.support.own_trades import rows_of_ledger, traded_most
from tests.support.sandbox_env import SandboxEnv

TRADES = "/api/v3/myTrades"
DAYS = 33


@pytest.fixture
def env() -> Iterator[SandboxEnv]:
    made = SandboxEnv(link={"progress": False})
    yield made
    made.close()


@pytest.mark.parametrize("sent", [150, 320], ids=["within the first minute", "after a wait"])
def test_an_interrupted_fetch_goes_on_with_what_is_missing(env: SandboxEnv, sent: int) -> None:
    symbols, trades = traded_most(env), env.link.account.spot.trades
    end = pd.Timestamp(env.now, unit="ms", tz="UTC")
    start = end - pd.Timedelta(days=DAYS)
    price = env.link.estimate_weight("account.spot.trades", symbol=symbols, start=start, end=end)
    assert price.weight > 6000
    sender, numbers = env.link._connection.sender, count()
    get = sender.get

    def interrupted(*arguments: Any) -> Any:
        if next(numbers) >= sent:
            raise KeyboardInterrupt
        return get(*arguments)

    sender.get = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt) as caught:
        trades(symbols, start=start, end=end)
    sender.get = get  # type: ignore[method-assign]
    partial: pd.DataFrame = caught.value.partial  # type: ignore[attr-defined]
    assert partial.attrs["complete"] is False
    rest = [trades(symbol, start=first, end=last) for symbol, first, last in partial.attrs["missing"]]
    assert len(partial) > 0
    assert sum(map(len, rest)) > 0
    whole = pd.concat([partial, *rest]).drop_duplicates(["symbol", "trade_id"])
    span = [round(moment.timestamp() * 1000) for moment in (start, end)]
    expected = rows_of_ledger(env, symbols, *span)
    assert sorted(zip(whole["symbol"], whole["trade_id"], strict=True)) == sorted(expected)
    assert set(env.sent(TRADES)) == {200}, "and never a 429"
