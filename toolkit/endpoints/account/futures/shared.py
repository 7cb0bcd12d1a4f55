"""What the endpoints of the futures account share: links to the documentation, parameters, columns."""

from __future__ import annotations

from toolkit.endpoints.model import Column, Param

DOCS = "https://developers.binance.com/legacy-docs/derivatives/usds-margined-futures"
ACCOUNT_DOCS = f"{DOCS}/account/rest-api"
TRADE_DOCS = f"{DOCS}/trade/rest-api"

SYMBOL = Param(
    field="symbol",
    name="symbol",
    kind="text",
    doc="Symbol, such as BTCUSDT.",
    required=True,
    example="BTCUSDT",
    capitals=True,
)
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

SYMBOL_COLUMN = Column(name="symbol", field="symbol", kind="text", doc="Symbol.")
POSITION_SIDE = Column(
    name="position_side",
    field="positionSide",
    kind="text",
    doc="BOTH, or LONG or SHORT in hedge mode.",
)
SIDE = Column(name="side", field="side", kind="text", doc="BUY or SELL.")
PAIR = Column(name="pair", field="pair", kind="text", doc="The pair (newer field).", optional=True)


def amount(name: str, field: str, doc: str, *, optional: bool = False) -> Column:
    """A column of amounts."""
    return Column(name=name, field=field, kind="amount", doc=doc, optional=optional)
