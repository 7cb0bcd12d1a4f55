"""The order book of a USD-M futures symbol."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from toolkit.endpoints.market.futures.shared import DOCS, SYMBOL
from toolkit.endpoints.market.sent_parameters import number_sent
from toolkit.endpoints.model import ROW_NAME, Column, Endpoint, Param
from toolkit.endpoints.rate_limits import FAPI


def weight_by_levels(sent: Mapping[str, Any]) -> int:
    """2 for up to 50 levels, 5 for 100, 10 for 500, 20 for 1,000."""
    limit = number_sent(sent, "limit", 500)
    return 2 if limit <= 50 else 5 if limit <= 100 else 10 if limit <= 500 else 20


DEPTH = Endpoint(
    name="depth",
    system="market.futures",
    path="/fapi/v1/depth",
    security="NONE",
    rate_limit=FAPI,
    weight=weight_by_levels,
    params=(
        SYMBOL,
        Param(
            field="limit",
            name="limit",
            kind="choice",
            doc="Number of levels of each side; defaults to 500.",
            choices=MappingProxyType({str(levels): levels for levels in (5, 10, 20, 50, 100, 500, 1000)}),
            default=500,
        ),
    ),
    row_lists=MappingProxyType({"bids": "bid", "asks": "ask"}),
    row_layout="arrays",
    # Both since futures with coins as margin are served here, too.
    ignored=("symbol", "pair"),
    columns=(
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
        Column(name="message_time", field="E", kind="time", doc="When it was sent, UTC.", outer=True),
        Column(
            name="transaction_time",
            field="T",
            kind="time",
            doc="When the order book last changed, UTC.",
            outer=True,
        ),
    ),
    identity=("side", "price"),
    summary="The order book: bids from the highest price down, then asks from the lowest price up.",
    notes=("Retail Price Improvement orders are not in it.",),
    source=f"{DOCS}/Order-Book",
)
