"""What the partner sees of its sub-accounts: holdings, positions, volumes and keys."""

from __future__ import annotations

from decimal import Decimal

from toolkit.sandbox.account_routes.account_data import AccountData, Rules, page_of
from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.messages import RefusalError
from toolkit.sandbox.world import SubAccount
from toolkit.sandbox.world.balances import FuturesTotals, Wallet
from toolkit.sandbox.world.people import margin_totals, um_totals
from toolkit.sandbox.world.positions import SubAccountPosition, Worth
from toolkit.sandbox.world.tables import Row
from toolkit.sandbox.writes.shared import require_futures, require_margin

_MARKETS: dict[str, Wallet] = {"1": "um", "2": "cm"}
_MAX_NOTIONAL = "1000000"


def _account(data: AccountData, request: CheckedRequest) -> SubAccount:
    """The sub-account with the e-mail address that was sent, in capital or small letters.

    The documents name no codes: -4003 is that of an address that is none, -5021 that of other accounts.
    """
    email = request.values["email"].lower()
    name, _, domain = email.partition("@")
    if not name or not domain:
        raise RefusalError(-4003, "Your input email is invalid.")
    account = next((each for each in data.world.accounts if each.email == email), None)
    if account is None:
        raise RefusalError(-5021, "This parent sub have no relation")
    return account


def _assets(data: AccountData, request: CheckedRequest) -> object:
    held = _account(data, request).balances.wallets["spot"]
    rows = [
        {"freeze": "0", "withdrawing": "0", "asset": asset, "free": _text(amount), "locked": "0"}
        for asset, amount in held.items()
        if amount
    ]
    return {"balances": rows}


# -- futures ------------------------------------------------------------------------------------------------


def _futures_account(data: AccountData, request: CheckedRequest) -> object:
    account = _account(data, request)
    require_futures(account)
    worth, held = data.world.worth(request.now_ms), account.balances
    wallet = _MARKETS[request.values["futuresType"]]
    payload: Row = {
        "email": account.email,
        "assets": [_futures_asset(account, wallet, asset, worth) for asset in held.wallets[wallet]],
        "canDeposit": True,
        "canTrade": True,
        "canWithdraw": True,
        "feeTier": 0,
        "updateTime": request.now_ms,
    }
    if wallet == "cm":
        return {"deliveryAccountResp": payload}
    free = sum((held.free("um", asset, worth) * worth[asset] for asset in held.wallets["um"]), Decimal(0))
    totals = um_totals(FuturesTotals.of(held, "um", worth), 8)
    return {"futureAccountResp": payload | {"maxWithdrawAmount": _text(free), **totals}}


def _futures_asset(account: SubAccount, wallet: Wallet, asset: str, worth: Worth) -> Row:
    held = account.balances
    amount, profit = held.wallets[wallet][asset], held.profit(wallet, asset, worth)
    margin, orders = held.position_margin(wallet, asset, worth), held.order_margin(wallet, asset)
    return {
        "asset": asset,
        "initialMargin": _text(margin + orders),
        "maintenanceMargin": _text(held.maintenance_margin(wallet, asset, worth)),
        "marginBalance": _text(amount + profit),
        "maxWithdrawAmount": _text(held.free(wallet, asset, worth)),
        "openOrderInitialMargin": _text(orders),
        "positionInitialMargin": _text(margin),
        "unrealizedProfit": _text(profit),
        "walletBalance": _text(amount),
    }


def _futures_summary(data: AccountData, request: CheckedRequest) -> object:
    """The sums of all sub-accounts, and each of those of a page."""
    worth = data.world.worth(request.now_ms)
    accounts = [each for each in data.world.accounts if each.futures]
    wallet = _MARKETS[request.values["futuresType"]]
    unit = "" if wallet == "um" else "BTC"
    totals = [FuturesTotals.of(each.balances, wallet, worth, unit) for each in accounts]
    together = sum(totals, FuturesTotals())
    rows = page_of(list(zip(accounts, totals, strict=True)), request)
    if wallet == "um":
        listed = [{"email": account.email, **um_totals(each, 8), "asset": "USD"} for account, each in rows]
        summary = {**um_totals(together, 8), "asset": "USD", "subAccountList": listed}
        return {"futureAccountSummaryResp": summary}
    listed = [{"email": account.email, **_cm_totals(each), "asset": "BTC"} for account, each in rows]
    sums = {f"{name}OfBTC": text for name, text in _cm_totals(together).items()}
    return {"deliveryAccountSummaryResp": {**sums, "asset": "BTC", "subAccountList": listed}}


def _cm_totals(totals: FuturesTotals) -> dict[str, str]:
    return {
        "totalMarginBalance": _text(totals.wallet + totals.profit),
        "totalUnrealizedProfit": _text(totals.profit),
        "totalWalletBalance": _text(totals.wallet),
    }


def _positions(data: AccountData, request: CheckedRequest) -> object:
    account = _account(data, request)
    require_futures(account)
    worth = data.world.worth(request.now_ms)
    wallet = _MARKETS[request.values["futuresType"]]
    positions = account.balances.positions_in(wallet)
    if wallet == "cm":
        return {"deliveryPositionRiskVos": [_cm_position(each, worth) for each in positions]}
    return {"futurePositionRiskVos": [_um_position(account, each, worth) for each in positions]}


def _um_position(account: SubAccount, position: SubAccountPosition, worth: Worth) -> Row:
    return _position(position, worth) | {
        "maxNotional": _MAX_NOTIONAL,
        "liquidationPrice": _text(_liquidation_price(account, position, worth)),
    }


def _cm_position(position: SubAccountPosition, worth: Worth) -> Row:
    return _position(position, worth) | {
        "isolated": "false",
        "isolatedWallet": "0",
        "isolatedMargin": "0.00000000",
        "isAutoAddMargin": "false",
        "positionSide": "BOTH",
    }


def _position(position: SubAccountPosition, worth: Worth) -> Row:
    return {
        "symbol": position.market.symbol,
        "positionAmount": f"{position.quantity:f}",
        "entryPrice": f"{position.entry:f}",
        "markPrice": _text(position.mark(worth)),
        "leverage": str(position.leverage),
        "unrealizedProfit": _text(position.profit(worth)),
    }


def _liquidation_price(account: SubAccount, position: SubAccountPosition, worth: Worth) -> Decimal:
    """The mark price at which the margin balance of its asset, all else unchanged, is no longer enough."""
    held, asset = account.balances, position.asset
    balance = held.wallets["um"][asset] + held.profit("um", asset, worth)
    spare = balance - held.maintenance_margin("um", asset, worth)
    return max(position.mark(worth) - spare / position.quantity, Decimal(0))


# -- margin, volumes, keys ----------------------------------------------------------------------------------


def _margin_account(data: AccountData, request: CheckedRequest) -> object:
    account = _account(data, request)
    require_margin(account)
    held, worth = account.balances, data.world.worth(request.now_ms)
    assets = sorted(held.margin.keys() | held.borrowed.keys())
    zero = Decimal(0)
    return {
        "email": account.email,
        **margin_totals(held, worth),
        "marginTradeCoeffVo": {
            "forceLiquidationBar": "1.10000000",
            "marginCallBar": "1.50000000",
            "normalBar": "2.00000000",
        },
        "marginUserAssetVoList": [
            {
                "asset": asset,
                "borrowed": _text(held.borrowed.get(asset, zero)),
                "free": _text(held.margin.get(asset, zero)),
                "interest": _text(zero),
                "locked": _text(zero),
                "netAsset": _text(held.margin.get(asset, zero) - held.borrowed.get(asset, zero)),
            }
            for asset in assets
        ],
    }


def _statistics(data: AccountData, request: CheckedRequest) -> object:
    """Volumes of the last thirty whole days, and of each day on which there was any. None is on margin."""
    # Without an address, it is the master account, whose trades are not counted here.
    account_id = _account(data, request).id if "email" in request.values else data.world.partner_uid
    days = data.world.volumes.of(account_id, request.now_ms)
    spot, futures, spot_usd, futures_usd = (
        sum((getattr(day, name) for day in days), Decimal(0))
        for name in ("spot_btc", "futures_btc", "spot_usd", "futures_usd")
    )
    return {
        "recent30BtcTotal": _text(spot),
        "recent30BtcFuturesTotal": _text(futures),
        "recent30BtcMarginTotal": "0",
        "recent30BusdTotal": _text(spot_usd),
        "recent30BusdFuturesTotal": _text(futures_usd),
        "recent30BusdMarginTotal": "0",
        "tradeInfoVos": [
            {
                "userId": int(account_id),
                "btc": float(day.spot_btc),
                "btcFutures": float(day.futures_btc),
                "btcMargin": 0,
                "busd": float(day.spot_usd),
                "busdFutures": float(day.futures_usd),
                "busdMargin": 0,
                "date": day.time,
            }
            for day in days
        ],
    }


def _keys(data: AccountData, request: CheckedRequest) -> object:
    account, wanted = _account(data, request), request.values.get("subAccountApiKey")
    keys = [pair for pair in enumerate(account.keys, 1) if wanted in (None, pair[1].key)]
    rows = [
        {
            "email": account.email,
            "apiName": f"key-{number}",
            "apikey": key.key,
            "canTrade": key.can_trade,
            "canMarginLoanRepay": key.margin_trade,
            "canFuturesTrade": key.futures_trade,
            "canUniversalTransfer": key.universal_transfer,
            "canVanillaOptions": False,
            "timestamp": key.update_time,
        }
        for number, key in page_of(keys, request)
    ]
    return {"total": len(keys), "rows": rows}


def _text(amount: Decimal) -> str:
    return f"{amount:.8f}"


RULES: Rules = {
    "/sapi/v4/sub-account/assets": _assets,
    "/sapi/v2/sub-account/futures/account": _futures_account,
    "/sapi/v2/sub-account/futures/accountSummary": _futures_summary,
    "/sapi/v2/sub-account/futures/positionRisk": _positions,
    "/sapi/v1/sub-account/margin/account": _margin_account,
    "/sapi/v1/sub-account/transaction-statistics": _statistics,
    "/sapi/v1/sub-account/subAccountApi": _keys,
}
