"""The USD-M futures account: balances, positions, commissions, trades and orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from toolkit.sandbox.account_routes.account_data import (
    AccountData,
    Rules,
    market_index,
    page_size,
    signed_amount,
)
from toolkit.sandbox.account_routes.order_ids import client_order_id, requested_order
from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.column_json import ChoiceColumn, NumberColumn, Piece, rows_json
from toolkit.sandbox.hashing import Int64Array
from toolkit.sandbox.keys import letters
from toolkit.sandbox.ledger.futures import ORDER_STATUSES, FuturesOrders, Position
from toolkit.sandbox.ledger.futures.trading import MAKER_RATE, TAKER_RATE
from toolkit.sandbox.market.symbols import ASSETS, UM, Market
from toolkit.sandbox.messages import RefusalError
from toolkit.sandbox.spans import TimeRange, milliseconds, span_of
from toolkit.sandbox.world.stream import DAY
from toolkit.sandbox.world.tables import Row
from toolkit.sandbox.world.units import DECIMALS

_MARGIN_ASSET = "USDT"
_SYMBOLS = tuple(market.symbol.encode() for market in UM)
_ASSET_TEXTS = tuple(asset.encode() for asset in ASSETS)
_UNFILLED_KEPT = 3 * DAY
_ORDERS_KEPT = 90 * DAY
_ADL = 2
_RPI_RATE = "0.00005"
_RATE_UNIT = 10_000


@dataclass(frozen=True, slots=True)
class _Wallet:
    """The futures wallet of an account at a time, in units: cross margin, one asset as margin.

    Attributes:
        held: Balance of each asset, by asset.
        positions: Positions and symbols with open orders.
        updated: When each asset last changed, by asset.
    """

    held: dict[str, int]
    positions: Sequence[Position]
    updated: dict[str, int]

    @classmethod
    def of(cls, data: AccountData, request: CheckedRequest) -> _Wallet:
        """That of the account that owns the key."""
        ledger, now_ms = data.ledger(request), request.now_ms
        held = ledger.balances("um", now_ms)
        updated = dict.fromkeys(held, 0) | data.last_moved(request, "um")
        account = data.world.futures_account(request.signer.owner)
        return cls(held, account.positions(now_ms, held.get(_MARGIN_ASSET, 0)), updated)

    def profit(self, asset: str) -> int:
        """Unrealized profit."""
        return sum(each.unrealized for each in self.positions) if asset == _MARGIN_ASSET else 0

    def position_margin(self, asset: str) -> int:
        """Initial margin of the positions."""
        return sum(each.initial_margin for each in self.positions) if asset == _MARGIN_ASSET else 0

    def order_margin(self, asset: str) -> int:
        """Initial margin of the open orders."""
        return sum(each.order_margin for each in self.positions) if asset == _MARGIN_ASSET else 0

    def maintenance_margin(self, asset: str) -> int:
        """Maintenance margin of the positions."""
        return sum(each.maintenance_margin for each in self.positions) if asset == _MARGIN_ASSET else 0

    def available(self, asset: str) -> int:
        """What new positions may use."""
        used = self.position_margin(asset) + self.order_margin(asset)
        return max(self.held[asset] + self.profit(asset) - used, 0)

    def free(self, asset: str) -> int:
        """What may be transferred out."""
        used = self.position_margin(asset) + self.order_margin(asset)
        return max(self.held[asset] + min(self.profit(asset), 0) - used, 0)


# -- balances and positions ---------------------------------------------------------------------------------


def _account(data: AccountData, request: CheckedRequest) -> object:
    """The account in single-asset mode, whose totals are those of USDT alone."""
    wallet = _Wallet.of(data, request)
    assets = [{"asset": asset, **_asset(wallet, asset)} for asset in wallet.held]
    total = _asset(
        _Wallet({_MARGIN_ASSET: 0} | wallet.held, wallet.positions, {_MARGIN_ASSET: 0}), _MARGIN_ASSET
    )
    names = {
        "totalInitialMargin": "initialMargin",
        "totalMaintMargin": "maintMargin",
        "totalWalletBalance": "walletBalance",
        "totalUnrealizedProfit": "unrealizedProfit",
        "totalMarginBalance": "marginBalance",
        "totalPositionInitialMargin": "positionInitialMargin",
        "totalOpenOrderInitialMargin": "openOrderInitialMargin",
        "totalCrossWalletBalance": "crossWalletBalance",
        "totalCrossUnPnl": "crossUnPnl",
        "availableBalance": "availableBalance",
        "maxWithdrawAmount": "maxWithdrawAmount",
    }
    positions = [
        {
            "symbol": UM[each.market].symbol,
            "positionSide": "BOTH",
            "positionAmt": _quantity(each),
            "unrealizedProfit": signed_amount(each.unrealized),
            "isolatedMargin": "0.00000000",
            "notional": signed_amount(each.notional),
            "isolatedWallet": "0",
            "initialMargin": signed_amount(each.initial_margin + each.order_margin),
            "maintMargin": signed_amount(each.maintenance_margin),
            "updateTime": each.update_time,
        }
        for each in wallet.positions
    ]
    return {**{name: total[field] for name, field in names.items()}, "assets": assets, "positions": positions}


def _asset(wallet: _Wallet, asset: str) -> Row:
    held, profit = wallet.held[asset], wallet.profit(asset)
    margin, orders = wallet.position_margin(asset), wallet.order_margin(asset)
    return {
        "walletBalance": signed_amount(held),
        "unrealizedProfit": signed_amount(profit),
        "marginBalance": signed_amount(held + profit),
        "maintMargin": signed_amount(wallet.maintenance_margin(asset)),
        "initialMargin": signed_amount(margin + orders),
        "positionInitialMargin": signed_amount(margin),
        "openOrderInitialMargin": signed_amount(orders),
        "crossWalletBalance": signed_amount(held),
        "crossUnPnl": signed_amount(profit),
        "availableBalance": signed_amount(wallet.available(asset)),
        "maxWithdrawAmount": signed_amount(wallet.free(asset)),
        "updateTime": wallet.updated[asset],
    }


def _balances(data: AccountData, request: CheckedRequest) -> object:
    wallet = _Wallet.of(data, request)
    alias = letters(data.world.seed, "alias", request.signer.owner, length=4)
    return [
        {
            "accountAlias": alias,
            "asset": asset,
            "balance": signed_amount(held),
            "crossWalletBalance": signed_amount(held),
            "crossUnPnl": signed_amount(wallet.profit(asset)),
            "availableBalance": signed_amount(wallet.available(asset)),
            "maxWithdrawAmount": signed_amount(wallet.free(asset)),
            "marginAvailable": True,
            "updateTime": wallet.updated[asset],
        }
        for asset, held in wallet.held.items()
    ]


def _positions(data: AccountData, request: CheckedRequest) -> object:
    positions = _Wallet.of(data, request).positions
    if "symbol" in request.values:
        which = market_index(UM, request.values["symbol"])
        positions = [each for each in positions if each.market == which]
    return [
        {
            "symbol": UM[each.market].symbol,
            "positionSide": "BOTH",
            "positionAmt": _quantity(each),
            "entryPrice": signed_amount(each.entry_price),
            "breakEvenPrice": signed_amount(each.break_even_price),
            "markPrice": signed_amount(each.mark_price),
            "unRealizedProfit": signed_amount(each.unrealized),
            "liquidationPrice": signed_amount(each.liquidation_price) if each.liquidation_price else "0",
            "isolatedMargin": "0",
            "notional": signed_amount(each.notional),
            "marginAsset": UM[each.market].quote,
            "isolatedWallet": "0",
            "initialMargin": signed_amount(each.initial_margin + each.order_margin),
            "maintMargin": signed_amount(each.maintenance_margin),
            "positionInitialMargin": signed_amount(each.initial_margin),
            "openOrderInitialMargin": signed_amount(each.order_margin),
            "adl": _ADL if each.quantity else 0,
            "bidNotional": signed_amount(each.bid_notional),
            "askNotional": signed_amount(each.ask_notional),
            "updateTime": each.update_time,
        }
        for each in positions
    ]


def _quantity(position: Position) -> str:
    return _decimal(position.quantity, UM[position.market].quantity_decimals)


def _decimal(units: int, places: int) -> str:
    """A number of units with so many decimal places, of which it has no more."""
    text = signed_amount(units)
    return text[: len(text) - DECIMALS + places].rstrip(".")


def _commission(data: AccountData, request: CheckedRequest) -> object:
    return {
        "symbol": UM[market_index(UM, request.values["symbol"])].symbol,
        "makerCommissionRate": f"{MAKER_RATE / _RATE_UNIT:.4f}",
        "takerCommissionRate": f"{TAKER_RATE / _RATE_UNIT:.4f}",
        "rpiCommissionRate": _RPI_RATE,
    }


# -- trades -------------------------------------------------------------------------------------------------


def _trades(data: AccountData, request: CheckedRequest) -> object:
    values = request.values
    which = market_index(UM, values["symbol"])
    span, size = span_of(request.endpoint, values, request.now_ms), page_size(request)
    if span.is_empty:
        return []
    of_time = not values.keys() & {"fromId", "orderId"}
    fills = data.world.futures_account(request.signer.owner).fills(_start(request, span, of_time), span.end)
    rows = np.flatnonzero(fills.market == which)
    if "orderId" in values:
        rows = rows[fills.order[rows] == int(values["orderId"])]
    if "fromId" in values:
        first = int(np.searchsorted(fills.id[rows], int(values["fromId"])))
        rows = rows[first : first + size]
    else:
        rows = rows[:size] if span.forward else rows[max(len(rows) - size, 0) :]
    found, market = fills[rows], UM[which]
    pieces: list[Piece] = [
        b'{"symbol":"%s","pair":"%s","marginAsset":"USDT","positionSide":"BOTH","id":'
        % (_SYMBOLS[which], _SYMBOLS[which]),
        NumberColumn(found.id),
        b',"orderId":',
        NumberColumn(found.order),
        b',"side":"',
        ChoiceColumn(found.is_buyer, (b"SELL", b"BUY")),
        b'","price":"',
        _column(found.price, market.price_decimals),
        b'","qty":"',
        _column(found.quantity, market.quantity_decimals),
        b'","baseQty":"',
        _column(found.quantity, market.quantity_decimals),
        b'","realizedPnl":"',
        _column(found.realized, DECIMALS),
        b'","quoteQty":"',
        _column(found.quote, DECIMALS),
        b'","commission":"',
        _column(found.commission, DECIMALS),
        b'","commissionAsset":"',
        ChoiceColumn(found.commission_asset, _ASSET_TEXTS),
        b'","time":',
        NumberColumn(found.time),
        b',"maker":',
        ChoiceColumn(found.is_maker),
        b',"buyer":',
        ChoiceColumn(found.is_buyer),
        b"}",
    ]
    return msgspec.Raw(rows_json(len(found), pieces))


def _start(request: CheckedRequest, span: TimeRange, of_time: bool) -> int:
    """Where the rows of a request begin: by default a week before their end, or where they are kept from."""
    if span.start is not None and "startTime" in request.values:
        return span.start
    window = request.endpoint.window
    kept = request.now_ms - milliseconds(window.retention) if window and window.retention else 0
    return max(kept, span.end - milliseconds(window.default)) if window and of_time else kept


def _column(units: Int64Array, places: int) -> NumberColumn:
    """Numbers of units as decimals with so many places, of which they have no more."""
    return NumberColumn(units // 10 ** (DECIMALS - places), places, places)


# -- orders -------------------------------------------------------------------------------------------------


def _orders(data: AccountData, request: CheckedRequest) -> object:
    values, now_ms = request.values, request.now_ms
    which = market_index(UM, values["symbol"]) if "symbol" in values else None
    span, size = span_of(request.endpoint, values, now_ms), page_size(request)
    if span.is_empty:
        return []
    start = _start(request, span, "orderId" not in values)
    orders = _kept(data.world.futures_account(request.signer.owner).orders(start, span.end, now_ms), now_ms)
    if which is not None:
        orders = orders[orders.market == which]
    if "orderId" in values:
        orders = orders[orders.id >= int(values["orderId"])]
    oldest = span.forward or "orderId" in values
    orders = orders[:size] if oldest else orders[max(len(orders) - size, 0) :]
    rows = _order_rows(data, request, orders)
    # Two newer fields, which only this list has.
    return [{**row, "cumBase": row["executedQty"], "pair": row["symbol"]} for row in rows]


def _kept(orders: FuturesOrders, now_ms: int) -> FuturesOrders:
    """Those that have not been deleted: after three days if nothing was filled, after 90 days otherwise."""
    ended = orders.status == ORDER_STATUSES.index("CANCELED")
    deleted = ended & (orders.executed == 0) & (orders.updated < now_ms - _UNFILLED_KEPT)
    return orders[~deleted & (orders.time >= now_ms - _ORDERS_KEPT)]


def _open_orders(data: AccountData, request: CheckedRequest) -> object:
    orders = data.world.futures_account(request.signer.owner).open_orders(request.now_ms)
    if "symbol" in request.values:
        orders = orders[orders.market == market_index(UM, request.values["symbol"])]
    return _order_rows(data, request, orders)


def _order(data: AccountData, request: CheckedRequest) -> object:
    which, now_ms = market_index(UM, request.values["symbol"]), request.now_ms
    account = data.world.futures_account(request.signer.owner)
    orders = _kept(account.orders(now_ms - _ORDERS_KEPT, now_ms, now_ms), now_ms)
    found = orders[(orders.id == requested_order(data.world, request)) & (orders.market == which)]
    if not len(found):
        raise RefusalError(-2013, "Order does not exist.")
    return _order_rows(data, request, found)[0]


def _order_rows(data: AccountData, request: CheckedRequest, orders: FuturesOrders) -> list[Row]:
    columns = zip(
        orders.market.tolist(),
        orders.id.tolist(),
        orders.price.tolist(),
        orders.quantity.tolist(),
        orders.executed.tolist(),
        orders.quote.tolist(),
        orders.status.tolist(),
        orders.is_limit.tolist(),
        orders.is_buyer.tolist(),
        orders.is_reduce_only.tolist(),
        orders.time.tolist(),
        orders.updated.tolist(),
        strict=True,
    )
    rows: list[Row] = []
    for (
        which,
        number,
        price,
        quantity,
        executed,
        quote,
        status,
        limit,
        buys,
        reduces,
        time,
        updated,
    ) in columns:
        market = UM[which]
        kind = "LIMIT" if limit else "MARKET"
        rows.append(
            {
                "avgPrice": _average(market, quote, executed),
                "clientOrderId": client_order_id(data.world, request, number),
                "cumQuote": signed_amount(quote),
                "executedQty": _decimal(executed, market.quantity_decimals),
                "orderId": number,
                "origQty": _decimal(quantity, market.quantity_decimals),
                "origType": kind,
                "price": _decimal(price, market.price_decimals),
                "reduceOnly": reduces,
                "side": "BUY" if buys else "SELL",
                "positionSide": "BOTH",
                "status": ORDER_STATUSES[status],
                "stopPrice": "0",
                "closePosition": False,
                "symbol": market.symbol,
                "time": time,
                "timeInForce": "GTC",
                "type": kind,
                "updateTime": updated,
                "workingType": "CONTRACT_PRICE",
                "priceProtect": False,
                "priceMatch": "NONE",
                "selfTradePreventionMode": "NONE",
                "goodTillDate": 0,
            }
        )
    return rows


def _average(market: Market, quote: int, executed: int) -> str:
    """The average price of the fills, rounded down to a unit; 0 without any."""
    return signed_amount(quote * 10**DECIMALS // executed if executed else 0)


RULES: Rules = {
    "/fapi/v3/account": _account,
    "/fapi/v3/balance": _balances,
    "/fapi/v3/positionRisk": _positions,
    "/fapi/v1/userTrades": _trades,
    "/fapi/v1/allOrders": _orders,
    "/fapi/v1/openOrders": _open_orders,
    "/fapi/v1/order": _order,
    "/fapi/v1/commissionRate": _commission,
}
