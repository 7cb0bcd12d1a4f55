"""What reads of spot and of futures share, market data above all: parameters, columns, a rule for weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.endpoints.model import ROW_NAME, Column, Param, WeightRule

SYMBOL = Param(
    field="symbol",
    name="symbol",
    kind="text",
    doc="Symbol, such as BTCUSDT.",
    required=True,
    example="BTCUSDT",
    capitals=True,
)
ONLY_SYMBOL = Param(
    field="symbol",
    name="symbol",
    kind="text",
    doc="Only this symbol; by default, all of them.",
    example="BTCUSDT",
    capitals=True,
)
FROM_TRADE_ID = Param(
    field="fromId",
    name="from_trade_id",
    kind="id",
    doc="Id of the first trade; by default, the most recent trades are returned.",
    minimum=0,
)


def weight_of_symbols(one: int, every: int) -> WeightRule:
    """The rule for a request about one symbol or about all of them."""

    def weight(sent: Mapping[str, Any]) -> int:
        return one if "symbol" in sent else every

    weight.__doc__ = f"{one} for one symbol, {every} for all of them."
    return weight


def trade_limit(default: int, maximum: int) -> Param:
    """The parameter with the number of trades."""
    return Param(
        field="limit",
        name="limit",
        kind="integer",
        doc=f"Number of trades; defaults to {default}.",
        default=default,
        minimum=1,
        maximum=maximum,
    )


SYMBOL_COLUMN = Column(name="symbol", field="symbol", kind="text", doc="Symbol.")

PING_COLUMNS = (
    Column(name="answered", field="", kind="flag", doc="The exchange responded.", derived="answered"),
)
TIME_COLUMNS = (
    Column(name="server_time", field="serverTime", kind="time", doc="Time of the exchange, UTC."),
)

TRADE_COLUMNS = (
    Column(name="trade_id", field="id", kind="id", doc="Id of the trade."),
    Column(name="time", field="time", kind="time", doc="When it was made, UTC."),
    Column(name="price", field="price", kind="amount", doc="Price, in the quote asset."),
    Column(name="quantity", field="qty", kind="amount", doc="Amount traded, in the base asset."),
    Column(name="quote_quantity", field="quoteQty", kind="amount", doc="Amount traded, in the quote asset."),
    Column(
        name="buyer_is_maker",
        field="isBuyerMaker",
        kind="flag",
        doc="The buyer's order was in the book, so the taker sold.",
    ),
)
AGG_TRADE_COLUMNS = (
    Column(name="agg_trade_id", field="a", kind="id", doc="Id of the aggregate trade."),
    Column(name="time", field="T", kind="time", doc="When it was made, UTC."),
    Column(name="price", field="p", kind="amount", doc="Price, in the quote asset."),
    Column(name="quantity", field="q", kind="amount", doc="Amount traded, in the base asset."),
    Column(name="first_trade_id", field="f", kind="id", doc="Id of its first trade."),
    Column(name="last_trade_id", field="l", kind="id", doc="Id of its last trade."),
    Column(
        name="buyer_is_maker",
        field="m",
        kind="flag",
        doc="The buyer's order was in the book, so the taker sold.",
    ),
)

BOOK_COLUMNS = (
    Column(name="side", field=ROW_NAME, kind="text", doc="bid or ask."),
    Column(
        name="level",
        field="",
        kind="integer",
        doc="Its place in its side, 1 is the best.",
        derived="level",
        of="price",
    ),
    Column(name="price", field="0", kind="amount", doc="Price, in the quote asset."),
    Column(name="quantity", field="1", kind="amount", doc="Amount at this price, in the base asset."),
    Column(
        name="total",
        field="",
        kind="amount",
        doc="Amount at this price and all better ones of its side, in the base asset.",
        derived="running_total",
        of="quantity",
    ),
    Column(
        name="last_update_id",
        field="lastUpdateId",
        kind="id",
        doc="Id of the last change in the book.",
        outer=True,
    ),
)
OFFER_COLUMNS = (
    Column(name="bid_price", field="bidPrice", kind="amount", doc="Highest bid, in the quote asset."),
    Column(name="bid_quantity", field="bidQty", kind="amount", doc="Amount bid for, in the base asset."),
    Column(name="ask_price", field="askPrice", kind="amount", doc="Lowest ask, in the quote asset."),
    Column(name="ask_quantity", field="askQty", kind="amount", doc="Amount asked for, in the base asset."),
)

CHANGE_COLUMNS = (
    Column(
        name="price_change",
        field="priceChange",
        kind="amount",
        doc="Last price less first price, in the quote asset.",
    ),
    Column(
        name="price_change_percent",
        field="priceChangePercent",
        kind="amount",
        doc="The same, in percent of the first price.",
    ),
    Column(
        name="weighted_average_price",
        field="weightedAvgPrice",
        kind="amount",
        doc="Average price of all trades by their amounts, in the quote asset.",
    ),
)
LAST_PRICE = Column(
    name="last_price", field="lastPrice", kind="amount", doc="Last price, in the quote asset."
)
LAST_QUANTITY = Column(
    name="last_quantity",
    field="lastQty",
    kind="amount",
    doc="Amount of the last trade, in the base asset.",
)
PRICE_COLUMNS = (
    Column(name="open_price", field="openPrice", kind="amount", doc="First price, in the quote asset."),
    Column(name="high_price", field="highPrice", kind="amount", doc="Highest price, in the quote asset."),
    Column(name="low_price", field="lowPrice", kind="amount", doc="Lowest price, in the quote asset."),
)
VOLUME_COLUMNS = (
    Column(name="volume", field="volume", kind="amount", doc="Amount traded, in the base asset."),
    Column(name="quote_volume", field="quoteVolume", kind="amount", doc="Amount traded, in the quote asset."),
    Column(name="open_time", field="openTime", kind="time", doc="Start of the statistics, UTC."),
    Column(name="close_time", field="closeTime", kind="time", doc="End of the statistics, UTC."),
    Column(name="first_trade_id", field="firstId", kind="id", doc="Id of the first trade."),
    Column(name="last_trade_id", field="lastId", kind="id", doc="Id of the last trade."),
    Column(name="trades", field="count", kind="integer", doc="Number of trades."),
)
