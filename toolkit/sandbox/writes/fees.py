"""What sub-accounts pay for their trades."""

from __future__ import annotations

from toolkit.sandbox.answers import Asked
from toolkit.sandbox.messages import RefusalError, invalid
from toolkit.sandbox.world import SubAccount, World
from toolkit.sandbox.world.people import MAKER_BOUNDS, TAKER_BOUNDS, Commission
from toolkit.sandbox.world.tables import Row
from toolkit.sandbox.writes.shared import WriteEffect, account_of, need_futures, need_margin

# Known from clients by others only: no official page that was seen has them.
UM_TOPS: Commission = (200, 400)
CM_TOPS: Commission = (100, 500)

_SPOT = ("makerCommission", "takerCommission")
_MARGIN = ("marginMakerCommission", "marginTakerCommission")
# The list of sub-accounts shows margin rates as whole numbers: 10 where a rate is 0.001.
_MARGIN_UNIT = 10_000


def set_commission(world: World, asked: Asked) -> WriteEffect:
    """Rates of spot, and of margin where it is on: those follow spot where they are not sent."""
    account = account_of(world, asked)
    if any(name in asked.values for name in _MARGIN):
        need_margin(account)
    spot = [_rate(asked, name) for name in _SPOT]
    margin = [
        _rate(asked, name) if name in asked.values else rate for name, rate in zip(_MARGIN, spot, strict=True)
    ]
    account.maker, account.taker = spot
    answer: Row = {"subAccountId": account.id, **dict(zip(_SPOT, spot, strict=True))}
    if account.margin_rates is None:
        return WriteEffect(answer)
    maker, taker = (round(rate * _MARGIN_UNIT) for rate in margin)
    account.margin_rates = maker, taker
    return WriteEffect(answer | dict(zip(_MARGIN, margin, strict=True)))


def set_um_commission(world: World, asked: Asked) -> WriteEffect:
    """Put on top of its fee tier, on a USD-M symbol."""
    account = account_of(world, asked)
    symbol = asked.values["symbol"]
    adjustment = _adjustment(account, asked, UM_TOPS, known=account.um_commission(symbol) is not None)
    account.um_adjustment[symbol] = adjustment
    return _adjusted(account, "symbol", symbol, adjustment, account.um_commission(symbol))


def set_cm_commission(world: World, asked: Asked) -> WriteEffect:
    """Put on top of its fee tier, on a COIN-M pair."""
    account = account_of(world, asked)
    pair = asked.values["pair"]
    adjustment = _adjustment(account, asked, CM_TOPS, known=account.cm_commission(pair) is not None)
    account.cm_adjustment[pair] = adjustment
    return _adjusted(account, "pair", pair, adjustment, account.cm_commission(pair))


def _rate(asked: Asked, name: str) -> float:
    rate = float(asked.values[name])
    low, high = MAKER_BOUNDS if name in (_SPOT[0], _MARGIN[0]) else TAKER_BOUNDS
    if not low <= rate <= high:
        raise invalid(name)
    return rate


def _adjustment(account: SubAccount, asked: Asked, tops: Commission, *, known: bool) -> Commission:
    need_futures(account)
    if not known:
        raise RefusalError(-1121, "Invalid symbol.")
    maker, taker = int(asked.values["makerAdjustment"]), int(asked.values["takerAdjustment"])
    for name, value, top in (("makerAdjustment", maker, tops[0]), ("takerAdjustment", taker, tops[1])):
        if value > top:
            raise invalid(name)
    return maker, taker


def _adjusted(
    account: SubAccount, name: str, text: str, adjustment: Commission, commission: Commission | None
) -> WriteEffect:
    maker, taker = commission or (0, 0)
    return WriteEffect(
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
