"""Many windows of an endpoint whose requests use up its rate limit: it waits, says so, and goes on."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pandas as pd
import pytest

from tests.support.answered import link_to
from tests.support.paths import EXAMPLES
from tests.support.recording import recording_server
from tests.support.sandbox_env import SandboxEnv

WITHDRAWALS = "/sapi/v1/capital/withdraw/history"
WINDOWS = 45


@pytest.fixture
def env() -> Iterator[SandboxEnv]:
    made = SandboxEnv(link={"progress": False})
    yield made
    made.close()


def test_withdrawals_of_years_wait_for_the_limit_of_the_account(
    env: SandboxEnv, caplog: pytest.LogCaptureFixture
) -> None:
    price = env.link.estimate_weight("account.wallet.withdrawals", start=f"-{90 * WINDOWS - 1}D")
    assert (price.requests, price.weight, price.limit) == (WINDOWS, WINDOWS * 18_000, 180_000)
    assert price.minutes == 4.0
    before = env.clock.time()
    with caplog.at_level(logging.INFO, logger="toolkit"):
        frame = env.link.account.wallet.withdrawals(start=f"-{90 * WINDOWS - 1}D")
    assert frame.attrs["complete"] is True
    assert frame.attrs["weight"] >= price.weight
    assert set(env.sent(WITHDRAWALS)) == {200}, "and never a 429"
    assert env.clock.time() - before >= 60 * (price.minutes - 1), "what was used before is not waited for"
    assert "account.wallet.withdrawals: sapi-uid is used up: goes on at" in caplog.text


@pytest.mark.parametrize("count", [30, 50])
def test_a_few_rows_are_no_reason_for_a_dear_request(count: int) -> None:
    example = json.loads((EXAMPLES / "account.wallet.withdrawals.json").read_text())["documented"][0]
    rows = [{**example, "id": str(number), "applyTime": "2025-12-20 00:00:00"} for number in range(count)]
    with recording_server() as server, link_to(server, lambda path, sent: (200, rows)) as link:
        frame = link.account.wallet.withdrawals(start="2025-12-01", end="2025-12-30")
        assert (len(frame), frame.attrs["requests"]) == (count, 1)


def test_many_days_of_trades_of_ten_symbols_side_by_side(env: SandboxEnv) -> None:
    link = env.link
    symbols = link.market.spot.symbols()["symbol"][:10].tolist()
    every = link.account.spot.trades(symbols, from_trade_id=0)
    price = link.estimate_weight("account.spot.trades", symbol=symbols, start="-31D")
    assert (price.requests, price.minutes) == (310, 1.0)
    before = env.clock.time()
    frame = link.account.spot.trades(symbols, start="-31D")
    assert set(env.sent("/api/v3/myTrades")) == {200}, "and never a 429"
    assert 60 <= env.clock.time() - before < 180
    since = pd.Timestamp(frame.attrs["parameters"]["start"])
    expected = every[every["time"] >= since].reset_index(drop=True)
    assert len(expected) > 100
    pd.testing.assert_frame_equal(frame, expected)
