"""The history of rebates: it agrees with the rebates trade by trade, and comes in pages of 200."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from tests.support.clocks import FakeClock
from tests.support.sandbox_env import SandboxEnv
from tests.support.sandbox_requests import DAY, NOW, NOW_MS, ask, error, exchange, world
from toolkit.endpoints import ENDPOINTS_BY_NAME
from toolkit.sandbox import Exchange, World
from toolkit.sandbox.world.tables import ListTable

HISTORY = ENDPOINTS_BY_NAME["spot.rebate_history"]
TODAY = NOW_MS // DAY * DAY
# A week of whole days, which ends before today.
START, END = TODAY - 7 * DAY, TODAY - 1

Totals = dict[tuple[int, str], Decimal]


def history(this: Exchange, **params: object) -> Any:
    response = ask(this, HISTORY.qualified_name, params, key=params.pop("key", world().partner))
    assert response.status == 200, response.body
    return response.json()


def totals(rows: list[dict[str, Any]], amount: str, time: str) -> Totals:
    """The sum for each day and asset."""
    sums: defaultdict[tuple[int, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row[time] // DAY, row["asset"]] += Decimal(row[amount])
    return dict(sums)


def by_trade(endpoint_name: str) -> list[dict[str, Any]]:
    """All rows of trades from a day before the week to its end."""
    return world().table(endpoint_name).slice(START - DAY, END, {}, 0, 10**6)


def test_it_adds_up_the_rebates_by_asset_and_day_of_payment() -> None:
    rows = history(exchange(), startTime=START, endTime=END)["data"]["data"]
    paid = [row for row in by_trade("spot.rebates") if START <= row["distributeTime"] <= END]
    assert len({row["asset"] for row in paid}) > 1
    assert totals(rows, "amount", "updateTime") == totals(paid, "income", "distributeTime")
    assert len(rows) == len(totals(rows, "amount", "updateTime")), "one row for each asset and day"
    assert {row["type"] for row in rows} == {1}
    assert [row["updateTime"] for row in rows] == sorted(row["updateTime"] for row in rows)


def test_a_rebate_paid_after_midnight_belongs_to_the_next_day() -> None:
    late = [row for row in by_trade("spot.rebates") if row["time"] // DAY < row["distributeTime"] // DAY]
    assert late
    rows = history(exchange(), startTime=START, endTime=END)["data"]["data"]
    traded = [row for row in by_trade("spot.rebates") if row["time"] >= START]
    assert totals(rows, "amount", "updateTime") != totals(traded, "income", "time")


def test_a_customer_has_a_history_of_kickbacks() -> None:
    rows = history(exchange(), startTime=START, endTime=END, key=world().keys["customer"])["data"]["data"]
    kickbacks = [row for row in by_trade("spot.kickbacks") if row["time"] >= START]
    assert totals(rows, "amount", "updateTime") == totals(kickbacks, "income", "time")
    assert {row["type"] for row in rows} == {2}


def test_other_accounts_have_none() -> None:
    data = history(exchange(), startTime=START, endTime=END, key=world().keys["no-link"])["data"]
    assert data == {"page": 1, "totalRecords": 0, "totalPageNum": 0, "data": []}


def test_a_day_is_booked_when_it_is_over() -> None:
    last = history(exchange())["data"]["data"][-1]
    assert last["updateTime"] == TODAY - 1000
    clock = FakeClock(TODAY / 1000 + 86_398)
    this = exchange(clock)
    assert history(this)["data"]["data"][-1]["updateTime"] == TODAY - 1000
    clock.advance(1)
    assert history(this)["data"]["data"][-1]["updateTime"] == TODAY + DAY - 1000


def test_without_a_span_it_is_the_last_seven_days() -> None:
    rows = history(exchange())["data"]["data"]
    assert {row["updateTime"] // DAY for row in rows} == {TODAY // DAY - n for n in range(1, 8)}


def test_a_span_of_more_than_30_days_is_refused() -> None:
    this = exchange()
    assert history(this, startTime=NOW_MS - 30 * DAY, endTime=NOW_MS)["code"] == "000000000"
    response = ask(this, HISTORY.qualified_name, {"startTime": NOW_MS - 30 * DAY - 1, "endTime": NOW_MS})
    assert error(response) == (400, -1127)


def test_pages_have_200_rows_and_state_their_number() -> None:
    this = exchange(tables={HISTORY.qualified_name: ListTable(booked(450), "updateTime")})
    pages = [history(this, startTime=START, endTime=END, page=page) for page in (1, 2, 3, 4)]
    assert [len(page["data"]["data"]) for page in pages] == [200, 200, 50, 0]
    assert [(page["data"]["page"], page["data"]["totalRecords"]) for page in pages] == [
        (number, 450) for number in (1, 2, 3, 4)
    ]
    assert {page["data"]["totalPageNum"] for page in pages} == {3}
    assert error(ask(this, HISTORY.qualified_name, {"page": 0})) == (400, -1130)


def test_fifteen_requests_a_minute_are_allowed() -> None:
    this = exchange()
    statuses = [ask(this, HISTORY.qualified_name, {}).status for _ in range(16)]
    assert statuses == [*[200] * 15, 429]


# -- the client ---------------------------------------------------------------------------------------------


def booked(number: int) -> list[dict[str, object]]:
    return [
        {"asset": "USDT", "type": 1, "amount": f"{row}.00000001", "updateTime": START + row * 1000}
        for row in range(number)
    ]


@pytest.fixture
def env() -> Iterator[SandboxEnv]:
    env = SandboxEnv(world=World(now=NOW, sub_accounts=4, customers=30))
    env.clock.advance(NOW - env.clock.time())
    yield env
    env.close()


def test_the_client_finds_the_same_totals_both_ways(env: SandboxEnv) -> None:
    span = {"start": START, "end": END}
    frame = env.fetch(HISTORY, numbers="exact", **{name: utc(ms) for name, ms in span.items()})
    rebates = env.link.spot.rebates(start=utc(START - DAY), end=utc(END), numbers="exact")
    paid = rebates[rebates["distribute_time"].between(utc(START), utc(END))]
    assert len(frame) > 7
    assert summed(frame, "amount") == summed(paid, "income")
    assert frame.attrs["complete"]


def test_the_client_fetches_until_a_page_is_empty(env: SandboxEnv) -> None:
    env.replace_exchange(tables={HISTORY.qualified_name: ListTable(booked(450), "updateTime")})
    frame = env.fetch(HISTORY, start=utc(START), end=utc(END))
    assert frame["amount"].tolist() == [row + 0.00000001 for row in range(450)]
    assert frame.attrs["weight"] == 12_000 * frame.attrs["requests"] >= 48_000


def utc(ms: int) -> pd.Timestamp:
    return pd.Timestamp(ms, unit="ms", tz="UTC")


def summed(frame: pd.DataFrame, column: str) -> dict[str, Decimal]:
    """The exact sum for each asset."""
    return {asset: sum(rows[column].tolist(), Decimal(0)) for asset, rows in frame.groupby("asset")}
