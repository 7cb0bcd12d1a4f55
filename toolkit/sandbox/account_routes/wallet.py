"""What the wallets hold now, what trades cost, and whether the account is in order."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.sandbox.account_routes.account_data import AccountData, Rules, market_index, value_of
from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.market.symbols import SPOT
from toolkit.sandbox.messages import invalid
from toolkit.sandbox.world.positions import Worth
from toolkit.sandbox.world.tables import Row
from toolkit.sandbox.world.units import amount

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
        _asset(asset, units, locked.get(asset, 0), worth)
        for asset, units in held.items()
        if units and request.values.get("asset", asset) == asset
    ]


def _asset(asset: str, units: int, locked: int, worth: Worth | None) -> Row:
    return {
        "asset": asset,
        "free": amount(units - locked),
        "locked": amount(locked),
        "freeze": "0",
        "withdrawing": "0",
        "btcValuation": "0" if worth is None else value_of({asset: units}, "BTC", worth),
    }


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
            "balance": value_of(held, unit, worth),
            "walletName": name,
        }
        if request.is_true("needBalanceDetail"):
            row["assetBalances"] = [
                _asset(asset, units, locked.get(wallet, {}).get(asset, 0), worth) | {"assetName": asset}
                for asset, units in held.items()
                if units
            ]
        rows.append(row)
    return rows


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
