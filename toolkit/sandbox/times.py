"""Times as the exchange writes them, and in milliseconds since 1970."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from toolkit.endpoints.model import TimeUnit

TEXT_TIME = r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Milliseconds in a unit, and units in a millisecond.
_UNITS: Mapping[TimeUnit, tuple[int, int]] = {"ms": (1, 1), "s": (1000, 1), "us": (1, 1000)}


def to_ms(value: object, unit: TimeUnit) -> int:
    """The milliseconds of a time, from the text of a parameter or the value in a row.

    Raises:
        ValueError: The value is no such time.
    """
    if unit == "text":
        made = datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        return (made - _EPOCH) // timedelta(milliseconds=1)
    factor, divisor = _UNITS[unit]
    return int(str(value)) * factor // divisor


def from_ms(ms: int, unit: TimeUnit) -> int | str:
    """A time as it is written in a row."""
    if unit == "text":
        return (_EPOCH + timedelta(milliseconds=ms)).strftime("%Y-%m-%d %H:%M:%S")
    factor, divisor = _UNITS[unit]
    return ms * divisor // factor
