"""What the market data of spot share: links to the documentation, parameters, columns, rules for weights."""

from __future__ import annotations

from types import MappingProxyType

from toolkit.endpoints.model import Column, Param

_DOCS = "https://developers.binance.com/en/docs/catalog/core-trading-spot-trading/api/rest-api"
MARKET_DOCS = f"{_DOCS}/market"
GENERAL_DOCS = f"{_DOCS}/general"

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

SYMBOL_COLUMN = Column(name="symbol", field="symbol", kind="text", doc="Symbol.")
