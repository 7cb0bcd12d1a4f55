"""A year of trades of ten symbols: day by day, side by side, within the limits as they are documented."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest

from tests.support.own_trades import rows_of_ledger, traded_most
from tests.support.sandbox_env import SandboxEnv

TRADES = "/api/v3/myTrades"
DAYS = 365


@pytest.fixture
def env() -> Iterator[SandboxEnv]:
    made = SandboxEnv(link={"progress": False})
    yield made
    made.close()


def test_no_row_of_a_year_is_lost_and_nothing_is_refused(env: SandboxEnv) -> None:
    symbols, before = traded_most(env), env.clock.time()
    price = env.link.estimate_weight("account.spot.trades", symbol=symbols, start=f"-{DAYS}D")
    assert price.requests == DAYS * len(symbols)
    frame = env.link.account.spot.trades(symbols, start=f"-{DAYS}D")
    assert frame.attrs["complete"] is True
    assert set(env.sent(TRADES)) == {200}
    assert env.clock.time() - before <= 60 * (price.minutes + 1)
    start, end = (
        round(pd.Timestamp(frame.attrs["parameters"][name]).timestamp() * 1000) for name in ("start", "end")
    )
    ours = sorted(zip(frame["symbol"], frame["trade_id"], strict=True))
    assert ours == sorted(rows_of_ledger(env, symbols, start, end))
    assert len(ours) > 1000
