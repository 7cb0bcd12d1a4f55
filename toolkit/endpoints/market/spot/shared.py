"""What the market data of spot share: links to the documentation, and parameters."""

from __future__ import annotations

from types import MappingProxyType

from toolkit.endpoints.model import Param

_DOCS = "https://developers.binance.com/en/docs/catalog/core-trading-spot-trading/api/rest-api"
MARKET_DOCS = f"{_DOCS}/market"
GENERAL_DOCS = f"{_DOCS}/general"

ONLY_SYMBOLS = Param(
    field="symbols",
    name="symbols",
    kind="texts",
    doc="Only these symbols; by default, all of them.",
    capitals=True,
    columns=("symbol",),
)
SYMBOL_STATUS = Param(
    field="symbolStatus",
    name="symbol_status",
    kind="choice",
    doc="Only symbols with this status; by default, with any.",
    choices=MappingProxyType({"trading": "TRADING", "halt": "HALT", "break": "BREAK"}),
)
