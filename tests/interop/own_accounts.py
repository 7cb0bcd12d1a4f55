"""What the functions that other clients have for accounts should read, made from the toolkit's frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pandas as pd

from tests.interop.calls import END
from tests.interop.own_functions import NOW_MS, SYMBOL, rows
from toolkit.client import Link

SPANS = {
    "now": NOW_MS,
    "week": round((END - timedelta(days=6, hours=12)).timestamp() * 1000),
    "month": round((END - timedelta(days=20)).timestamp() * 1000),
    "months": round((END - timedelta(days=80)).timestamp() * 1000),
    "end": round(END.timestamp() * 1000) - 1,
}
WEEK = {"start": SPANS["week"], "end": SPANS["end"]}
MONTH = {"start": SPANS["month"], "end": SPANS["end"]}
MONTHS = {"start": SPANS["months"], "end": SPANS["end"]}

SIDES = {True: "buy", False: "sell"}
MAKES = {True: "maker", False: "taker"}
# ccxt's words.
STATUSES = {
    "NEW": "open",
    "PARTIALLY_FILLED": "open",
    "FILLED": "closed",
    "CANCELED": "canceled",
    "EXPIRED": "expired",
}
DEPOSITED = {0: "pending", 1: "ok", 6: "ok"}
WITHDRAWN = {1: "canceled", 2: "pending", 3: "failed", 4: "pending", 5: "failed", 6: "ok"}


def _by(column: str, frame: pd.DataFrame, columns: list[str]) -> dict[str, Any]:
    """These columns by another one."""
    return dict(zip(frame[column], rows(frame, columns), strict=True))


def _held(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """What ccxt calls free, used and total."""
    used = [name for name in ("locked", "freeze", "withdrawing") if name in frame]
    return {
        row["asset"]: [
            row["free"],
            sum(row[name] for name in used),
            sum(row[name] for name in ["free", *used]),
        ]
        for row in frame.to_dict("records")
    }


def _ccxt_futures(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """The assets that ever moved, as ccxt leaves out the others."""
    moved = frame[frame["update_time"] > pd.Timestamp(0, tz="UTC")]
    return _by("asset", moved, ["available_balance", "initial_margin", "margin_balance"])


def _ccxt_trades(frame: pd.DataFrame) -> list[list[Any]]:
    frame = frame.assign(side=frame["is_buyer"].map(SIDES), role=frame["is_maker"].map(MAKES))
    names = ["trade_id", "order_id", "time", "side", "price", "quantity", "quote_quantity", "role"]
    return rows(frame, [*names, "commission", "commission_asset"])


def _ccxt_orders(frame: pd.DataFrame) -> list[list[Any]]:
    return [
        [
            row["order_id"],
            row["client_order_id"],
            round(row["time"].timestamp() * 1000),
            row["side"].lower(),
            "limit" if row["type"] == "LIMIT_MAKER" else row["type"].lower(),
            row["price"] or None,
            row["quantity"],
            row["executed_quantity"],
            row["executed_quote_quantity"],
            STATUSES[row["status"]],
        ]
        for row in frame.to_dict("records")
    ]


def _ccxt_moved(
    frame: pd.DataFrame, words: Mapping[int, str], time: str, ident: str, *more: str
) -> list[list[Any]]:
    frame = frame.assign(word=frame["status"].map(words))
    found = rows(frame, [ident, time, "coin", "amount", "network", "address", "word", "tx_id", *more])
    for row in found:
        row[7] = row[7] or None  # what is on its way has none
    return found


def _ccxt_positions(frame: pd.DataFrame) -> dict[str, Any]:
    return {
        row["symbol"]: [
            "long" if row["notional"] > 0 else "short",
            abs(row["position_amount"]),
            row["entry_price"],
            row["mark_price"],
            row["unrealized_profit"],
            abs(row["notional"]),
            row["initial_margin"],
            row["liquidation_price"] or None,
        ]
        for row in frame.to_dict("records")
        if row["position_amount"]  # a symbol with open orders alone has a row, too
    }


def _ccxt_income(frame: pd.DataFrame) -> list[list[Any]]:
    frame = frame.assign(
        direction=["out" if income < 0 else "in" for income in frame["income"]],
        size=[abs(income) for income in frame["income"]],
    )
    return rows(frame, ["tran_id", "time", "asset", "direction", "size"])


def _networks(frame: pd.DataFrame) -> dict[str, dict[str, list[Any]]]:
    return {
        str(coin): _by("network", each, ["withdraw_fee", "withdraw_min"])
        for coin, each in frame.groupby("coin")
    }


def ccxt(link: Link) -> dict[str, Any]:
    """What `account_ccxt.py` should read."""
    spot, wallet, futures = link.account.spot, link.account.wallet, link.account.futures
    return {
        "spot": _held(spot.balances()),
        "funding": _held(wallet.funding_assets()),
        "futures": _ccxt_futures(futures.assets()),
        "trades": _ccxt_trades(spot.trades(SYMBOL, **WEEK)),
        "orders": _ccxt_orders(spot.orders(SYMBOL, **WEEK)),
        "open orders": _ccxt_orders(spot.open_orders(symbol=SYMBOL)),
        "futures trades": _ccxt_trades(futures.trades(SYMBOL, **WEEK)),
        "futures orders": _ccxt_orders(futures.orders(SYMBOL, **WEEK)),
        "deposits": _ccxt_moved(wallet.deposits(**MONTHS), DEPOSITED, "insert_time", "deposit_id"),
        "withdrawals": _ccxt_moved(
            wallet.withdrawals(**MONTHS), WITHDRAWN, "apply_time", "withdrawal_id", "transaction_fee"
        ),
        "transfers": rows(
            wallet.transfers("MAIN_UMFUTURE", **MONTH).assign(source="spot", target="linear"),
            ["tran_id", "time", "asset", "amount", "source", "target"],
        ),
        "positions": _ccxt_positions(futures.positions()),
        "funding fees": rows(
            link.futures.income(symbol=SYMBOL, income_type="FUNDING_FEE", **WEEK),
            ["tran_id", "time", "asset", "income"],
        ),
        "income": _ccxt_income(link.futures.income(**WEEK)),
        "trading fees": _by("symbol", wallet.trade_fees(), ["maker_commission", "taker_commission"]),
        "withdrawal fees": _networks(wallet.networks()),
    }


def python_binance(link: Link) -> dict[str, Any]:
    """What `account_python_binance.py` should read."""
    spot, wallet, futures = link.account.spot, link.account.wallet, link.account.futures
    info, balances = spot.info(), spot.balances()
    held = ["asset", "free", "locked", "freeze", "withdrawing"]
    return {
        "uid": info["account_id"][0],
        "rates": rows(info, ["maker_rate", "taker_rate"])[0],
        "spot": rows(balances, ["asset", "free", "locked"]),
        "one asset": rows(balances[balances["asset"] == "USDT"], ["asset", "free", "locked"]),
        "assets": rows(wallet.assets(), held),
        "funding": rows(wallet.funding_assets(), held),
        "wallets": rows(wallet.wallets(), ["wallet_name", "balance"]),
        "snapshots": rows(wallet.spot_snapshots(**WEEK), ["time", "asset", "free", "locked"]),
        "trades": rows(
            spot.trades(SYMBOL, **WEEK),
            [
                *("trade_id", "order_id", "time", "price", "quantity", "quote_quantity", "commission"),
                *("commission_asset", "is_buyer", "is_maker"),
            ],
        ),
        "orders": rows(
            spot.orders(SYMBOL, **WEEK),
            [
                *("order_id", "client_order_id", "time", "update_time", "side", "type", "status", "price"),
                *("quantity", "executed_quantity", "executed_quote_quantity"),
            ],
        ),
        "open orders": rows(spot.open_orders(), ["symbol", "order_id", "price", "quantity"]),
        # The exchange tells both newest first.
        "deposits": rows(
            wallet.deposits(**MONTHS)[::-1],
            ["deposit_id", "coin", "amount", "network", "address", "tx_id", "insert_time"],
        ),
        "withdrawals": rows(
            wallet.withdrawals(**MONTHS)[::-1],
            ["withdrawal_id", "coin", "amount", "transaction_fee", "network", "tx_id"],
        ),
        "dividends": rows(wallet.dividends(**WEEK)[::-1], ["dividend_id", "asset", "amount", "time", "info"]),
        "transfers": rows(
            wallet.transfers("MAIN_UMFUTURE", **MONTH)[::-1], ["tran_id", "asset", "amount", "time"]
        ),
        "trading fees": rows(wallet.trade_fees(), ["symbol", "maker_commission", "taker_commission"]),
        "coins": rows(wallet.coins(), ["coin", "free", "locked"]),
        "permissions": bool(wallet.key_permissions()["ip_restrict"][0]),
        "futures balances": rows(
            futures.balances(), ["asset", "balance", "cross_unrealized_pnl", "available_balance"]
        ),
        "positions": rows(
            futures.positions(),
            [
                *("symbol", "position_amount", "entry_price", "break_even_price", "mark_price"),
                *("unrealized_profit", "liquidation_price", "notional"),
            ],
        ),
        "futures trades": rows(
            futures.trades(SYMBOL, **WEEK),
            ["trade_id", "order_id", "time", "side", "price", "quantity", "realized_pnl", "commission"],
        ),
        "futures orders": rows(
            futures.orders(SYMBOL, **WEEK),
            ["order_id", "time", "status", "average_price", "executed_quantity"],
        ),
        "income": rows(link.futures.income(**WEEK), ["income_type", "income", "asset", "time", "tran_id"]),
    }


EXPECTED: Mapping[str, Callable[[Link], dict[str, Any]]] = {"ccxt": ccxt, "python-binance": python_binance}
