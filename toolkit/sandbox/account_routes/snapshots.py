"""Daily snapshots of the spot, margin and futures wallets: what they held at the end of each day."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from toolkit.sandbox.account_routes.account_data import AccountData, Rules, signed_amount, value_of
from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.ledger import Ledger
from toolkit.sandbox.market.symbols import UM
from toolkit.sandbox.messages import mandatory
from toolkit.sandbox.spans import span_of
from toolkit.sandbox.world.stream import DAY
from toolkit.sandbox.world.tables import Row

_DEFAULT_DAYS = 7
_SECOND = 1000
_MONTH = 30 * DAY

Held = Mapping[str, int]
Shape = Callable[[AccountData, CheckedRequest, Ledger, int, Held], Row]


def _snapshots(data: AccountData, request: CheckedRequest) -> object:
    if "type" not in request.values:
        raise mandatory("type")
    wallet, shape = _SHAPES[request.values["type"]]
    days = int(request.values.get("limit", _DEFAULT_DAYS))
    span = span_of(request.endpoint, request.values, request.now_ms)
    start = span.end - _MONTH if span.start is None else span.start
    ledger = data.ledger(request)
    ended = [] if span.is_empty else ledger.daily_balances(wallet, start, span.end)
    kept = [day for day in ended if day[0] <= request.now_ms][-days:]
    rows = [
        {
            "type": request.values["type"].lower(),
            "updateTime": time // _SECOND * _SECOND,
            "data": shape(
                data, request, ledger, time, {name: units for name, units in held.items() if units}
            ),
        }
        for time, held in kept[: request.max_rows]
    ]
    return {"code": 200, "msg": "", "snapshotVos": rows}


def _spot(data: AccountData, request: CheckedRequest, ledger: Ledger, time: int, held: Held) -> Row:
    locked = ledger.locked(time)
    return {
        "balances": [
            {
                "asset": asset,
                "free": signed_amount(units - locked.get(asset, 0)),
                "locked": signed_amount(locked.get(asset, 0)),
            }
            for asset, units in held.items()
        ],
        "totalAssetOfBtc": value_of(held, "BTC", data.world.worth(time)),
    }


def _margin(data: AccountData, request: CheckedRequest, ledger: Ledger, time: int, held: Held) -> Row:
    """The margin wallet, which owes nothing: the exchange then shows the highest level."""
    total = value_of(held, "BTC", data.world.worth(time))
    return {
        "marginLevel": "999.00000000",
        "totalAssetOfBtc": total,
        "totalLiabilityOfBtc": signed_amount(0),
        "totalNetAssetOfBtc": total,
        "userAssets": [
            {
                "asset": asset,
                "borrowed": signed_amount(0),
                "free": signed_amount(units),
                "interest": signed_amount(0),
                "locked": signed_amount(0),
                "netAsset": signed_amount(units),
            }
            for asset, units in held.items()
        ],
    }


def _futures(data: AccountData, request: CheckedRequest, ledger: Ledger, time: int, held: Held) -> Row:
    account = data.world.futures_account(request.signer.owner)
    positions = [each for each in account.positions(time) if each.quantity]
    profit = {"USDT": sum(each.unrealized for each in positions)}
    return {
        "assets": [
            {
                "asset": asset,
                "marginBalance": signed_amount(units + profit.get(asset, 0)),
                "walletBalance": signed_amount(units),
            }
            for asset, units in held.items()
        ],
        "position": [
            {
                "entryPrice": signed_amount(each.entry_price),
                "markPrice": signed_amount(each.mark_price),
                "positionAmt": signed_amount(each.quantity),
                "symbol": UM[each.market].symbol,
                "unRealizedProfit": signed_amount(each.unrealized),
            }
            for each in positions
        ],
    }


_SHAPES: Mapping[str, tuple[str, Shape]] = {
    "SPOT": ("spot", _spot),
    "MARGIN": ("margin", _margin),
    "FUTURES": ("um", _futures),
}
RULES: Rules = {"/sapi/v1/accountSnapshot": _snapshots}
