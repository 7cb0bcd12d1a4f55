"""What the endpoints of the futures account share: links to the documentation, parameters, columns."""

from __future__ import annotations

from dataclasses import replace

from toolkit.endpoints.market.shared import SYMBOL
from toolkit.endpoints.model import Column

DOCS = "https://developers.binance.com/legacy-docs/derivatives/usds-margined-futures"
ACCOUNT_DOCS = f"{DOCS}/account/rest-api"
TRADE_DOCS = f"{DOCS}/trade/rest-api"

SYMBOLS = replace(SYMBOL, several=True)

POSITION_SIDE = Column(
    name="position_side",
    field="positionSide",
    kind="text",
    doc="BOTH, or LONG or SHORT in hedge mode.",
)
UPDATE_TIME = Column(
    name="update_time",
    field="updateTime",
    kind="time",
    doc="When it last changed, UTC; missing if it never did.",
    optional=True,
)
SIDE = Column(name="side", field="side", kind="text", doc="BUY or SELL.")
PAIR = Column(name="pair", field="pair", kind="text", doc="The pair (newer field).", optional=True)


def amount(name: str, field: str, doc: str, *, optional: bool = False) -> Column:
    """A column of amounts."""
    return Column(name=name, field=field, kind="amount", doc=doc, optional=optional)
