"""Sets the commissions of sub-accounts."""

from __future__ import annotations

from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.messages import RefusalError, invalid
from toolkit.sandbox.world import SubAccount, World
from toolkit.sandbox.world.people import MAKER_BOUNDS, TAKER_BOUNDS, Commission
from toolkit.sandbox.world.tables import Row
from toolkit.sandbox.writes.shared import WriteResponse, requested_account, require_futures, require_margin

# Known from clients by others only, not from an official page.
MAX_UM_ADJUSTMENT: Commission = (200, 400)
MAX_CM_ADJUSTMENT: Commission = (100, 500)

_SPOT = ("makerCommission", "takerCommission")
_MARGIN = ("marginMakerCommission", "marginTakerCommission")
# The list of sub-accounts shows margin rates as integers: 10 for a rate of 0.001.
_MARGIN_UNIT = 10_000


def set_commission(world: World, request: CheckedRequest) -> WriteResponse:
    """Set the spot rates, and the margin rates where margin is on; those follow spot if not sent."""
    account = requested_account(world, request)
    if any(name in request.values for name in _MARGIN):
        require_margin(account)
    spot = [_rate(request, name) for name in _SPOT]
    margin = [
        _rate(request, name) if name in request.values else rate
        for name, rate in zip(_MARGIN, spot, strict=True)
    ]
    account.maker, account.taker = spot
    payload: Row = {"subAccountId": account.id, **dict(zip(_SPOT, spot, strict=True))}
    if account.margin_rates is None:
        return WriteResponse(payload)
    maker, taker = (round(rate * _MARGIN_UNIT) for rate in margin)
    account.margin_rates = maker, taker
    return WriteResponse(payload | dict(zip(_MARGIN, margin, strict=True)))


def set_um_commission(world: World, request: CheckedRequest) -> WriteResponse:
    """Set the adjustment to the fee tier, on a USD-M symbol."""
    account = requested_account(world, request)
    symbol = request.values["symbol"]
    adjustment = _adjustment(
        account, request, MAX_UM_ADJUSTMENT, known=account.um_commission(symbol) is not None
    )
    account.um_adjustment[symbol] = adjustment
    return _adjusted(account, "symbol", symbol, adjustment, account.um_commission(symbol))


def set_cm_commission(world: World, request: CheckedRequest) -> WriteResponse:
    """Set the adjustment to the fee tier, on a COIN-M pair."""
    account = requested_account(world, request)
    pair = request.values["pair"]
    adjustment = _adjustment(
        account, request, MAX_CM_ADJUSTMENT, known=account.cm_commission(pair) is not None
    )
    account.cm_adjustment[pair] = adjustment
    return _adjusted(account, "pair", pair, adjustment, account.cm_commission(pair))


def _rate(request: CheckedRequest, name: str) -> float:
    rate = float(request.values[name])
    low, high = MAKER_BOUNDS if name in (_SPOT[0], _MARGIN[0]) else TAKER_BOUNDS
    if not low <= rate <= high:
        raise invalid(name)
    return rate


def _adjustment(
    account: SubAccount, request: CheckedRequest, maximum: Commission, *, known: bool
) -> Commission:
    require_futures(account)
    if not known:
        raise RefusalError(-1121, "Invalid symbol.")
    maker, taker = int(request.values["makerAdjustment"]), int(request.values["takerAdjustment"])
    for name, value, top in (("makerAdjustment", maker, maximum[0]), ("takerAdjustment", taker, maximum[1])):
        if value > top:
            raise invalid(name)
    return maker, taker


def _adjusted(
    account: SubAccount, name: str, text: str, adjustment: Commission, commission: Commission | None
) -> WriteResponse:
    maker, taker = commission or (0, 0)
    return WriteResponse(
        {
            # Documented as a JSON number here.
            "subAccountId": int(account.id),
            name: text,
            "makerAdjustment": adjustment[0],
            "takerAdjustment": adjustment[1],
            "makerCommission": maker,
            "takerCommission": taker,
        }
    )
