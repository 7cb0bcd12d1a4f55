"""Rows as the exchange returns them, and a sandbox that returns them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd

from tests.support.sandbox_env import SandboxEnv
from toolkit.endpoints import ENDPOINTS_BY_NAME, Endpoint
from toolkit.sandbox.world.tables import ListTable

DAY = 86_400_000
Row = dict[str, object]


def rebate(number: int, time: int) -> Row:
    return {
        "subaccountId": str(2**60 + number % 3),
        "income": f"{number}.5",
        "asset": "USDT",
        "symbol": "BTCUSDT",
        "tradeId": 2**55 + number,
        "time": time,
        "status": 1,
    }


def spot_rebate(number: int, time: int) -> Row:
    return {
        "customerId": f"c{number % 3}",
        "email": "a***@***.com",
        "income": "0.1",
        "asset": "USDT",
        "symbol": "BTCUSDT",
        "time": time,
        "orderId": number // 2,
        "tradeId": number,
    }


def deposit(number: int, time: int) -> Row:
    return {
        "depositId": 2**54 + number,
        "subAccountId": "1",
        "address": "0x",
        "addressTag": "",
        "amount": "1.0",
        "coin": "USDT",
        "insertTime": time,
        "transferType": 0,
        "network": "ETH",
        "status": 1,
        "txId": f"t{number}",
        "confirmTimes": "1/1",
    }


def transfer(number: int, time: int) -> Row:
    return {
        "fromId": "1",
        "toId": "2",
        "asset": "BTC",
        "qty": "1",
        "time": time,
        "txnId": str(number),
        "clientTranId": "",
        "status": "SUCCESS",
    }


def kickback(number: int, time: int) -> Row:
    # Such a row has no id: rows with the same number are equal in every field.
    return {"income": f"0.{number % 3}", "asset": "BTC", "symbol": "ETHBTC", "time": time}


def account(number: int, time: int) -> Row:
    return {
        "subaccountId": str(2**60 + number),
        "email": f"{number}@example.com",
        "tag": "t",
        "makerCommission": 0.001,
        "takerCommission": 0.001,
        "marginMakerCommission": -1,
        "marginTakerCommission": -1,
        "createTime": time,
    }


# One endpoint of each kind of paging, with a column that identifies rows.
KINDS: dict[str, tuple[Callable[[int, int], Row], dict[str, Any], str]] = {
    "exchange.rebates": (rebate, {}, "trade_id"),
    "exchange.deposits": (deposit, {}, "deposit_id"),
    "exchange.transfers": (transfer, {"from_id": "1"}, "txn_id"),
    "spot.rebates": (spot_rebate, {}, "trade_id"),
    "spot.kickbacks": (kickback, {}, "income"),
    "exchange.sub_accounts": (account, {}, "sub_account_id"),
}


def put(env: SandboxEnv, endpoint: Endpoint, rows: list[Row], keeps: str = "oldest") -> ListTable:
    table = ListTable(rows, field_of(endpoint, endpoint.order_by) if endpoint.order_by else "")
    env.replace_exchange(tables={endpoint.qualified_name: table}, rows_kept=keeps)
    return table


def field_of(endpoint: Endpoint, name: str) -> str:
    return next(column.fields[0] for column in endpoint.columns if column.name == name)


def smaller(endpoint_name: str, size: int) -> Endpoint:
    """The same endpoint with a smaller page size."""
    endpoint = ENDPOINTS_BY_NAME[endpoint_name]
    return replace(endpoint, paging=replace(endpoint.paging, maximum=size))


def daily(days: int, a_day: int) -> list[Row]:
    first = int(pd.Timestamp("2025-01-01", tz="UTC").timestamp()) * 1000
    return [
        {"customerId": f"c{n}", "unit": "USDT", "tradeVol": "1", "rebateVol": "1", "time": first + day * DAY}
        for day in range(days)
        for n in range(a_day)
    ]
