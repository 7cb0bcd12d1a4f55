"""The spot account: balances, commissions, trades and orders."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from toolkit.sandbox.account_routes.account_data import (
    AccountData,
    Rules,
    market_index,
    page_size,
    rows_between,
)
from toolkit.sandbox.account_routes.order_ids import client_order_id, requested_order
from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.column_json import ChoiceColumn, NumberColumn, Piece, rows_json
from toolkit.sandbox.hashing import Int64Array
from toolkit.sandbox.ledger import SpotOrders
from toolkit.sandbox.ledger.records import ORDER_STATUSES, ORDER_TYPES
from toolkit.sandbox.market.symbols import ASSETS, SPOT
from toolkit.sandbox.messages import RefusalError
from toolkit.sandbox.spans import TimeRange, span_of
from toolkit.sandbox.world.fills import BNB_DISCOUNT
from toolkit.sandbox.world.stream import DAY
from toolkit.sandbox.world.tables import Row
from toolkit.sandbox.world.units import DECIMALS, amount

_SYMBOLS = tuple(market.symbol.encode() for market in SPOT)
_ASSET_TEXTS = tuple(asset.encode() for asset in ASSETS)
_ZERO = "0.00000000"
_UNITS_A_BASIS_POINT = 10_000
_ARCHIVED_AFTER = 90 * DAY
# Intervals of orders that are counted: word, number, milliseconds, limit.
_ORDER_LIMITS = (("SECOND", 10, 10_000, 50), ("DAY", 1, DAY, 160_000))


def _account(data: AccountData, request: CheckedRequest) -> object:
    ledger, now_ms = data.ledger(request), request.now_ms
    held, locked = ledger.balances("spot", now_ms), ledger.locked(now_ms)
    maker, taker = ledger.maker_rate, ledger.taker_rate
    return {
        "makerCommission": maker // _UNITS_A_BASIS_POINT,
        "takerCommission": taker // _UNITS_A_BASIS_POINT,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": _rates(maker, taker),
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": max(data.last_moved(request, "spot").values(), default=0),
        "accountType": "SPOT",
        "balances": [
            {
                "asset": asset,
                "free": amount(held.get(asset, 0) - locked.get(asset, 0)),
                "locked": amount(locked.get(asset, 0)),
            }
            for asset in ASSETS
            if held.get(asset) or not request.is_true("omitZeroBalances")
        ],
        "permissions": ["SPOT"],
        "uid": int(ledger.uid),
    }


def _rates(maker: int, taker: int) -> Mapping[str, str]:
    return {"maker": amount(maker), "taker": amount(taker), "buyer": _ZERO, "seller": _ZERO}


def _commission(data: AccountData, request: CheckedRequest) -> object:
    market = SPOT[market_index(SPOT, request.values["symbol"])]
    ledger = data.ledger(request)
    return {
        "symbol": market.symbol,
        "standardCommission": _rates(ledger.maker_rate, ledger.taker_rate),
        "specialCommission": _rates(0, 0),
        "taxCommission": _rates(0, 0),
        "discount": {
            "enabledForAccount": True,
            "enabledForSymbol": True,
            "discountAsset": "BNB",
            "discount": f"{1 - BNB_DISCOUNT:.8f}",
        },
    }


def _span(request: CheckedRequest) -> TimeRange:
    """The span of a request: 24 hours at most where it has both ends, and any where one end is open."""
    window, values = request.endpoint.window, request.values
    if window is not None and window.start_field in values and window.end_field not in values:
        return TimeRange(int(values[window.start_field]), request.now_ms, forward=True)
    return span_of(request.endpoint, values, request.now_ms)


# -- trades -------------------------------------------------------------------------------------------------


def _trades(data: AccountData, request: CheckedRequest) -> object:
    values = request.values
    which = market_index(SPOT, values["symbol"])
    span, size = _span(request), page_size(request)
    if "orderId" in values and {"startTime", "endTime"} & values.keys():
        raise RefusalError(-1128, "Combination of optional parameters invalid.")
    fills = data.ledger(request).fills(request.now_ms)
    rows = np.flatnonzero(fills.market == which)
    if "orderId" in values:
        rows = rows[fills.order[rows] == int(values["orderId"])]
    if "fromId" in values:
        first = int(np.searchsorted(fills.id[rows], int(values["fromId"])))
        rows = rows[first : first + size]
    elif not span.is_empty:
        rows = rows[rows_between(fills.time[rows], span, size, kept="oldest" if span.forward else "newest")]
    found = fills[rows if not span.is_empty else rows[:0]]
    pieces: list[Piece] = [
        b'{"symbol":"%s","id":' % _SYMBOLS[which],
        NumberColumn(found.id),
        b',"orderId":',
        NumberColumn(found.order),
        b',"orderListId":-1,"price":"',
        _units(found.price),
        b'","qty":"',
        _units(found.quantity),
        b'","quoteQty":"',
        _units(found.quote),
        b'","commission":"',
        _units(found.commission),
        b'","commissionAsset":"',
        ChoiceColumn(found.commission_asset, _ASSET_TEXTS),
        b'","time":',
        NumberColumn(found.time),
        b',"isBuyer":',
        ChoiceColumn(found.is_buyer),
        b',"isMaker":',
        ChoiceColumn(found.is_maker),
        b',"isBestMatch":true}',
    ]
    return msgspec.Raw(rows_json(len(found), pieces))


def _units(values: Int64Array) -> NumberColumn:
    return NumberColumn(values, DECIMALS, DECIMALS)


# -- orders -------------------------------------------------------------------------------------------------


def _orders(data: AccountData, request: CheckedRequest) -> object:
    values = request.values
    which = market_index(SPOT, values["symbol"])
    span, size = _span(request), page_size(request)
    orders = data.ledger(request).orders(request.now_ms)
    rows = np.flatnonzero(orders.market == which)
    if span.is_empty:
        rows = rows[:0]
    elif "orderId" in values:
        first = int(np.searchsorted(orders.id[rows], int(values["orderId"])))
        rows = rows[first : first + size]
    else:
        rows = rows[rows_between(orders.time[rows], span, size, kept="oldest" if span.forward else "newest")]
    return _order_rows(data, request, orders[rows])


def _open_orders(data: AccountData, request: CheckedRequest) -> object:
    orders = data.ledger(request).open_orders(request.now_ms)
    if "symbol" in request.values:
        orders = orders[orders.market == market_index(SPOT, request.values["symbol"])]
    return _order_rows(data, request, orders)


def _order(data: AccountData, request: CheckedRequest) -> object:
    which = market_index(SPOT, request.values["symbol"])
    orders = data.ledger(request).orders(request.now_ms)
    wanted = requested_order(data.world, request)
    found = orders[(orders.id == wanted) & (orders.market == which)]
    if not len(found):
        raise RefusalError(-2013, "Order does not exist.")
    ended = ORDER_STATUSES[int(found.status[0])] in ("CANCELED", "EXPIRED")
    if ended and not found.executed[0] and found.updated[0] < request.now_ms - _ARCHIVED_AFTER:
        raise RefusalError(
            -2026,
            "Order was canceled or expired with no executed qty over 90 days ago and has been archived.",
        )
    return _order_rows(data, request, found)[0]


def _order_rows(data: AccountData, request: CheckedRequest, orders: SpotOrders) -> list[Row]:
    columns = zip(
        orders.market.tolist(),
        orders.id.tolist(),
        orders.price.tolist(),
        orders.quantity.tolist(),
        orders.executed.tolist(),
        orders.quote.tolist(),
        orders.status.tolist(),
        orders.type.tolist(),
        orders.is_buy.tolist(),
        orders.time.tolist(),
        orders.updated.tolist(),
        strict=True,
    )
    rows: list[Row] = []
    for market, number, price, quantity, executed, quote, status, kind, buys, time, updated in columns:
        row: Row = {
            "symbol": SPOT[market].symbol,
            "orderId": number,
            "orderListId": -1,
            "clientOrderId": client_order_id(data.world, request, number),
            "price": amount(price),
            "origQty": amount(quantity),
            "executedQty": amount(executed),
            "cummulativeQuoteQty": amount(quote),
            "status": ORDER_STATUSES[status],
            "timeInForce": "GTC",
            "type": ORDER_TYPES[kind],
            "side": "BUY" if buys else "SELL",
            "stopPrice": _ZERO,
            "icebergQty": _ZERO,
            "time": time,
            "updateTime": updated,
            "isWorking": True,
            "workingTime": time,
            "origQuoteOrderQty": _ZERO,
            "selfTradePreventionMode": "NONE",
        }
        if ORDER_STATUSES[status] == "EXPIRED":
            row["expiryReason"] = "INSUFFICIENT_LIQUIDITY"
        rows.append(row)
    return rows


def _order_counts(data: AccountData, request: CheckedRequest) -> object:
    """Orders placed in the present interval of which nothing has been filled."""
    orders = data.ledger(request).orders(request.now_ms)
    rows = []
    for word, number, width, limit in _ORDER_LIMITS:
        first = int(np.searchsorted(orders.time, request.now_ms // width * width))
        rows.append(
            {
                "rateLimitType": "ORDERS",
                "interval": word,
                "intervalNum": number,
                "limit": limit,
                "count": int((orders.executed[first:] == 0).sum()),
            }
        )
    return rows


RULES: Rules = {
    "/api/v3/account": _account,
    "/api/v3/account/commission": _commission,
    "/api/v3/myTrades": _trades,
    "/api/v3/allOrders": _orders,
    "/api/v3/openOrders": _open_orders,
    "/api/v3/order": _order,
    "/api/v3/rateLimit/order": _order_counts,
}
