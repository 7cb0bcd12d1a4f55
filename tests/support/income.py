"""Frames of income, made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd

from toolkit.amounts import ExactDtype
from toolkit.endpoints import ENDPOINTS_BY_NAME

ACCOUNT = "sandbox-uid:1"
OCTOBER = ("2026-10-01", "2026-10-31")
ASKED = {"start": "2026-09-20T00:00:00.000+00:00", "end": "2026-11-05T00:00:00.000+00:00"}
"""A span that has October, and the days in which its late rows were traded."""

_KINDS: Mapping[str, Any] = {"amount": ExactDtype(), "time": "datetime64[ms, UTC]", "integer": "Int64"}


def income(
    endpoint: str,
    rows: Sequence[Mapping[str, object]],
    *,
    market: str = "",
    account: str | None = ACCOUNT,
    fetched_at: str = "2026-11-05T00:00:01.000+00:00",
    asked: Mapping[str, object] = ASKED,
    numbers: str = "exact",
) -> pd.DataFrame:
    """A frame as the read returns it; columns that the rows do not name are missing."""
    columns: dict[str, pd.Series] = {}
    for column in ENDPOINTS_BY_NAME[endpoint].columns:
        values: list[Any] = [row.get(column.name) for row in rows]
        kind = _KINDS.get(column.kind, "string")
        if column.kind == "amount":
            values = [None if each is None else Decimal(str(each)) for each in values]
            kind = kind if numbers == "exact" else "float64"
        elif column.kind == "time":
            values = [pd.Timestamp(each, tz="UTC") if each is not None else pd.NaT for each in values]
        columns[column.name] = pd.Series(values, dtype=kind)
    frame = pd.DataFrame(columns)
    frame.attrs = {
        "endpoint": endpoint,
        "source": "sandbox",
        "account": account,
        "parameters": {**({"market": market} if market else {}), **asked},
        "fetched_at": fetched_at,
        "complete": True,
    }
    return frame


def customer_rebate(
    traded: str,
    paid: str | None,
    amount: str,
    *,
    asset: str = "USDT",
    trade: str = "1",
    customer: str = "ann",
) -> dict[str, object]:
    """A row of spot.rebates."""
    return {
        "customer_id": customer,
        "email": "a***@***.example",
        "income": amount,
        "asset": asset,
        "symbol": f"BTC{asset}",
        "time": traded,
        "order_id": trade,
        "trade_id": trade,
        "distribute_time": paid,
    }


def account_rebate(
    time: str,
    amount: str,
    *,
    asset: str = "USDT",
    status: int = 1,
    trade: str = "1",
    symbol: str = "BTCUSDT",
    sub_account: str = "9007199254740993",
) -> dict[str, object]:
    """A row of exchange.rebates or exchange.futures_rebates."""
    return {
        "sub_account_id": sub_account,
        "income": amount,
        "asset": asset,
        "symbol": symbol,
        "trade_id": trade,
        "time": time,
        "status": status,
    }


def day(time: str, amount: str, *, unit: str = "USDT", customer: str | None = None) -> dict[str, object]:
    """A row of futures.rebates, or of futures.traders with a customer."""
    return {"customer_id": customer, "unit": unit, "trade_vol": "1000", "rebate_vol": amount, "time": time}


def totals(frame: pd.DataFrame, *by: str) -> dict[Any, str]:
    """Sums of the amounts, as text without trailing zeros."""
    sums = frame.groupby(list(by) if len(by) > 1 else by[0], dropna=False)["amount"].sum()
    return {key: f"{Decimal(str(amount)).normalize():f}" for key, amount in sums.items()}
