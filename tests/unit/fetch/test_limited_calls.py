"""Calls for as many rows as their argument `limit` says: one request, and all of these rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.sandbox_env import SandboxEnv
from tests.support.small_endpoints import NOW_MS, RECENT_TRADES, small_exchange, trade
from toolkit.errors import ContractError, IncompleteError, UsageError
from toolkit.sandbox.world.tables import ListTable, Row

BTC = {"symbol": "BTCUSDT"}


class Newest(ListTable):
    """Has the newest rows that were asked for, or a fixed number of them."""

    def __init__(self, rows: list[Row], fixed: int | None = None) -> None:
        super().__init__(rows)
        self._fixed = fixed

    def slice(
        self, start: int | None, end: int | None, filters: object, offset: int, limit: int
    ) -> list[Row]:
        assert isinstance(filters, dict)
        return [dict(row) for row in self._rows[-(self._fixed or int(filters["limit"])) :]]


@pytest.fixture
def env() -> Iterator[SandboxEnv]:
    made = SandboxEnv(exchange=small_exchange())
    serve(made)
    yield made
    made.close()


def serve(env: SandboxEnv, fixed: int | None = None) -> None:
    rows = [trade(number, NOW_MS - 2000 + number) for number in range(1200)]
    exchange = small_exchange()
    tables = {**exchange["tables"], RECENT_TRADES.qualified_name: Newest(rows, fixed)}
    env.replace_exchange(**{**exchange, "tables": tables})


@pytest.mark.parametrize("limit", [1, 99, 100, 500, 1000])
def test_a_call_for_some_rows_is_one_request(env: SandboxEnv, limit: int) -> None:
    frame = env.fetch(RECENT_TRADES, {**BTC, "limit": limit})
    assert len(frame) == limit
    assert frame.attrs["requests"] == 1
    assert env.sent("/fapi/v1/time") == [], "without a span, nobody needs the time"
    assert frame.attrs["complete"] is True


def test_more_rows_than_asked_for_are_refused(env: SandboxEnv) -> None:
    serve(env, fixed=101)
    with pytest.raises(ContractError, match="101 rows, but at most 100 were requested"):
        env.fetch(RECENT_TRADES, {**BTC, "limit": 100})


def test_fewer_rows_than_there_may_be_are_whole(env: SandboxEnv) -> None:
    serve(env, fixed=100)
    assert len(env.fetch(RECENT_TRADES, {**BTC, "limit": 500})) == 100


def test_too_many_are_refused_before_anything_is_sent(env: SandboxEnv) -> None:
    with pytest.raises(UsageError, match="from 1 up to 1000"):
        env.fetch(RECENT_TRADES, {**BTC, "limit": 1001})
    assert env.sent(RECENT_TRADES.path) == []


def test_without_such_an_argument_a_round_number_of_rows_is_suspect(env: SandboxEnv) -> None:
    endless = replace(RECENT_TRADES, params=RECENT_TRADES.params[:1])
    serve(env, fixed=500)
    with pytest.raises(IncompleteError, match="500 rows, a number at which the exchange truncates"):
        env.fetch(endless, BTC)
