"""The columns of candles, which spot and futures share."""

from __future__ import annotations

from types import MappingProxyType

from toolkit.endpoints.model import Column, Param

SPOT_INTERVALS = (
    "1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M",
)  # fmt: skip
FUTURES_INTERVALS = SPOT_INTERVALS[1:]

BEGINNINGS = "Days, weeks and months begin at midnight UTC, weeks on Monday."


def interval_param(intervals: tuple[str, ...]) -> Param:
    """The parameter with the length of a candle."""
    return Param(
        field="interval",
        name="interval",
        kind="choice",
        doc='Length of a candle in the exchange\'s words: "1m" is a minute, "1M" a month.',
        required=True,
        choices=MappingProxyType({word: word for word in intervals}),
        example="1h",
    )


CANDLE_COLUMNS = (
    Column(name="open_time", field="0", kind="time", doc="First millisecond of the candle, UTC."),
    Column(name="open", field="1", kind="amount", doc="First price, in the quote asset."),
    Column(name="high", field="2", kind="amount", doc="Highest price, in the quote asset."),
    Column(name="low", field="3", kind="amount", doc="Lowest price, in the quote asset."),
    Column(name="close", field="4", kind="amount", doc="Last price, in the quote asset."),
    Column(name="volume", field="5", kind="amount", doc="Amount traded, in the base asset."),
    Column(name="close_time", field="6", kind="time", doc="Last millisecond of the candle, UTC."),
    Column(name="quote_volume", field="7", kind="amount", doc="Amount traded, in the quote asset."),
    Column(name="trades", field="8", kind="integer", doc="Number of trades."),
    Column(
        name="taker_base_volume",
        field="9",
        kind="amount",
        doc="Amount that takers bought, in the base asset.",
    ),
    Column(
        name="taker_quote_volume",
        field="10",
        kind="amount",
        doc="Amount that takers bought, in the quote asset.",
    ),
    Column(
        name="closed",
        field="",
        kind="flag",
        doc="Whether the candle had ended when the exchange responded.",
        derived="closed",
        of="close_time",
    ),
)
