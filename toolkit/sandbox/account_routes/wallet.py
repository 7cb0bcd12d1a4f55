"""What the wallets hold now, what trades cost, and whether the account is in order."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from toolkit.sandbox.account_routes.account_data import (
    AccountData,
    Rules,
    market_index,
)
from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.market.symbols import SPOT
from toolkit.sandbox.messages import invalid
from toolkit.sandbox.world.positions import Worth
from toolkit.sandbox.world.tables import Row
from toolkit.sandbox.world.units import UNITS, amount

_NAMES = {
    "spot": "Spot",
    "funding": "Funding",
    "margin": "Cross Margin",
    "um": "USDⓈ-M Futures",
    "cm": "COIN-M Futures",
}


def _spot(data: AccountData, request: CheckedRequest) -> object:
    locked = data.ledger(request).locked(request.now_ms)
    return [row | {"ipoable": "0"} for row in _held(data, request, "spot", locked)]


def _funding(data: AccountData, request: CheckedRequest) -> object:
    return _held(data, request, "funding", {})


def _held(data: AccountData, request: CheckedRequest, wallet: str, locked: Mapping[str, int]) -> list[Row]:
    """The assets of a wallet that the account has some of, or the one that was sent."""
    held = data.ledger(request).balances(wallet, request.now_ms)
    worth = data.world.worth(request.now_ms) if request.is_true("needBtcValuation") else None
    return [
        {
            "asset": asset,
            "free": amount(units - locked.get(asset, 0)),
            "locked": amount(locked.get(asset, 0)),
            "freeze": "0",
            "withdrawing": "0",
            "btcValuation": "0" if worth is None else f"{_value({asset: units}, worth) / worth['BTC']:.8f}",
        }
        for asset, units in held.items()
        if units and request.values.get("asset", asset) == asset
    ]


def _wallets(data: AccountData, request: CheckedRequest) -> object:
    worth = data.world.worth(request.now_ms)
    unit = request.values.get("quoteAsset", "BTC")
    if unit not in worth:
        raise invalid("quoteAsset")
    ledger, rows = data.ledger(request), []
    locked = {"spot": ledger.locked(request.now_ms)}
    for wallet, name in _NAMES.items():
        held = ledger.balances(wallet, request.now_ms)
        row: Row = {
            "activate": True,
            "balance": f"{_value(held, worth) / worth[unit]:.8f}",
            "walletName": name,
        }
        if request.is_true("needBalanceDetail"):
            row["assetBalances"] = _detail(held, locked.get(wallet, {}), worth)
        rows.append(row)
    return rows


def _detail(held: Mapping[str, int], locked: Mapping[str, int], worth: Worth) -> list[Row]:
    return [
        {
            "asset": asset,
            "assetName": asset,
            "free": amount(units - locked.get(asset, 0)),
            "locked": amount(locked.get(asset, 0)),
            "freeze": "0",
            "withdrawing": "0",
            "btcValuation": f"{_value({asset: units}, worth) / worth['BTC']:.8f}",
        }
        for asset, units in held.items()
        if units
    ]


def _value(held: Mapping[str, int], worth: Worth) -> Decimal:
    """Dollars of some balances in units."""
    return sum((units * worth[asset] / UNITS for asset, units in held.items()), Decimal(0))


def _trade_fees(data: AccountData, request: CheckedRequest) -> object:
    ledger, markets = data.ledger(request), SPOT
    if "symbol" in request.values:
        markets = (SPOT[market_index(SPOT, request.values["symbol"])],)
    maker, taker = (amount(rate).rstrip("0") for rate in (ledger.maker_rate, ledger.taker_rate))
    return [
        {"symbol": market.symbol, "makerCommission": maker, "takerCommission": taker} for market in markets
    ]


def _status(data: AccountData, request: CheckedRequest) -> object:
    return {"data": "Normal"}


RULES: Rules = {
    "/sapi/v3/asset/getUserAsset": _spot,
    "/sapi/v1/asset/get-funding-asset": _funding,
    "/sapi/v1/asset/wallet/balance": _wallets,
    "/sapi/v1/asset/tradeFee": _trade_fees,
    "/sapi/v1/account/status": _status,
}
