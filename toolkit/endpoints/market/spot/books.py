"""Order books."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from toolkit.endpoints.market.sent_parameters import number_sent
from toolkit.endpoints.market.spot.shared import MARKET_DOCS, SYMBOL, SYMBOL_STATUS
from toolkit.endpoints.model import ROW_NAME, Column, Endpoint, Param
from toolkit.endpoints.rate_limits import API


def weight_by_levels(sent: Mapping[str, Any]) -> int:
    """5 for up to 100 levels, 25 for up to 500, 50 for up to 1,000, 250 for more."""
    limit = number_sent(sent, "limit", 100)
    return 5 if limit <= 100 else 25 if limit <= 500 else 50 if limit <= 1000 else 250


DEPTH = Endpoint(
    name="depth",
    system="market.spot",
    path="/api/v3/depth",
    security="NONE",
    rate_limit=API,
    weight=weight_by_levels,
    params=(
        SYMBOL,
        # The exchange takes a larger number for 5,000.
        Param(
            field="limit",
            name="limit",
            kind="integer",
            doc="Number of levels of each side; defaults to 100.",
            default=100,
            minimum=1,
            maximum=5000,
        ),
    ),
    unused=(replace(SYMBOL_STATUS, doc="Status that the symbol must have."),),
    row_lists=MappingProxyType({"bids": "bid", "asks": "ask"}),
    row_layout="arrays",
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
    ),
    identity=("side", "price"),
    summary="The order book: bids from the highest price down, then asks from the lowest price up.",
    source=f"{MARKET_DOCS}#depth",
)

ENDPOINTS: tuple[Endpoint, ...] = (DEPTH,)
