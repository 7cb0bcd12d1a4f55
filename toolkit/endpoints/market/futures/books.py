"""The order book of a USD-M futures symbol."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from toolkit.endpoints.market.futures.shared import DOCS
from toolkit.endpoints.market.sent_parameters import number_sent
from toolkit.endpoints.market.shared import BOOK_COLUMNS, SYMBOL
from toolkit.endpoints.model import Column, Endpoint, Param
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
        *BOOK_COLUMNS,
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
