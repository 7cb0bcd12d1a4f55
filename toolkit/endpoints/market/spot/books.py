"""Order books."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from toolkit.endpoints.market.sent_parameters import number_sent
from toolkit.endpoints.market.shared import BOOK_COLUMNS, SYMBOL
from toolkit.endpoints.market.spot.shared import MARKET_DOCS, SYMBOL_STATUS
from toolkit.endpoints.model import Endpoint, Param
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
    columns=BOOK_COLUMNS,
    identity=("side", "price"),
    summary="The order book: bids from the highest price down, then asks from the lowest price up.",
    source=f"{MARKET_DOCS}#depth",
)
