"""The trades of an account, as its books have them."""

from __future__ import annotations

import pandas as pd

from tests.support.sandbox_env import SandboxEnv
from toolkit.sandbox.market.symbols import SPOT


def traded_most(env: SandboxEnv) -> list[str]:
    """The ten symbols with the most trades."""
    fills = env.sandbox.world.ledger("partner").fills(env.now)
    return [SPOT[market].symbol for market in pd.Series(fills.market).value_counts().index[:10]]


def rows_of_ledger(env: SandboxEnv, symbols: list[str], start_ms: int, end_ms: int) -> list[tuple[str, str]]:
    """Symbol and id of each trade in the books, in the order of their times."""
    fills = env.sandbox.world.ledger("partner").fills(end_ms)
    rows = zip(fills.time.tolist(), fills.market.tolist(), fills.id.tolist(), strict=True)
    return [
        (SPOT[market].symbol, str(number))
        for time, market, number in rows
        if start_ms <= time and SPOT[market].symbol in symbols
    ]
