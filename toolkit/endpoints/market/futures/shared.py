"""What the market data of USD-M futures share: links to the documentation, and parameters.

The paths under /futures/data/ are series of periods. A period without figures has no row.
"""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType

from toolkit.endpoints.model import Column, Paging, Param, Steps, Window

DOCS = "https://developers.binance.com/legacy-docs/derivatives/usds-margined-futures/market-data/rest-api"

PAIR = Param(
    field="pair",
    name="pair",
    kind="text",
    doc="Pair, such as BTCUSDT: the contracts of a pair differ in their delivery.",
    required=True,
    example="BTCUSDT",
    capitals=True,
)


def contract_type(*words: str) -> Param:
    """The parameter with the kind of a pair's contract; the exchange writes these words in capitals."""
    return Param(
        field="contractType",
        name="contract_type",
        kind="choice",
        doc="Which contract of the pair.",
        required=True,
        choices=MappingProxyType({word: word.upper() for word in words}),
        example=words[0],
    )


_PERIODS = ("5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d")
PERIOD = Param(
    field="period",
    name="period",
    kind="choice",
    doc='Length of a period in the exchange\'s words: "5m" is five minutes, "1d" a day.',
    required=True,
    choices=MappingProxyType({word: word for word in _PERIODS}),
    example="1h",
)
# Open interest is said to be kept for a month, the others for 30 days; measured, both are 30 days.
SERIES_WINDOW = Window(max_span=None, default=timedelta(days=1), retention=timedelta(days=30))
SERIES_PAGING = Paging(kind="limit", size="limit", default=30, maximum=500)
SERIES_STEPS = Steps(param="period")
# Text until July 2026, and in the pages; a number in the SDK since 13.0.
SERIES_TIME = Column(
    name="time", field="timestamp", kind="time", doc="Time of the period, UTC: a multiple of its length."
)
