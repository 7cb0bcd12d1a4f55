"""What the reads of the spot account share: links to the documentation, and parameters."""

from __future__ import annotations

from toolkit.endpoints.model import Param

DOCS = "https://developers.binance.com/en/docs/catalog/core-trading-spot-trading/api/rest-api/account"

SYMBOLS = Param(
    field="symbol",
    name="symbol",
    kind="text",
    doc="Symbol, such as BTCUSDT.",
    required=True,
    example="BTCUSDT",
    capitals=True,
    several=True,
)
SYMBOL = Param(
    field="symbol",
    name="symbol",
    kind="text",
    doc="Symbol, such as BTCUSDT.",
    required=True,
    example="BTCUSDT",
    capitals=True,
)
