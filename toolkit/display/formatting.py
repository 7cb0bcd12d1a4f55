"""Format numbers and times for panels."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal

from toolkit.runtime.decimals import in_own_context

Amount = float | Decimal | None

MISSING = "–"


def whole(value: float) -> str:
    """A whole number with thousands separators."""
    return f"{value:,.0f}"


def percent(fraction: float) -> str:
    """A fraction in whole percent: 0 only for nothing, 100 only for all."""
    if 0 < fraction < 0.01:
        return "<1 %"
    if 0.99 < fraction < 1:
        return "99 %"
    return f"{fraction * 100:.0f} %"


def commission(fraction: float) -> str:
    """A commission in percent, without trailing zeros: 0.001 is 0.1 %."""
    return f"{fraction * 100:.4f}".rstrip("0").rstrip(".") + " %"


@in_own_context
def amount(value: Amount, places: int) -> str:
    """An amount with a fixed number of decimal places, so that columns line up."""
    if value is None or math.isnan(value):
        return MISSING
    if value and abs(value) < 10**-places / 2:
        return f"{'<' if value > 0 else '>−'}{10**-places:.{places}f}"
    return f"{value:,.{places}f}".replace("-", "−")


@in_own_context
def short(value: Amount) -> str:
    """An amount for a headline: about four digits, in M or bn from a million on."""
    if value is None or math.isnan(value):
        return MISSING
    number = float(value)
    for size, unit in ((1e9, " bn"), (1e6, " M")):
        if abs(number) >= size:
            return f"{number / size:,.2f}{unit}".replace("-", "−")
    places = 0 if abs(number) >= 1000 else 2 if abs(number) >= 10 else 4
    return f"{number:,.{places}f}".replace("-", "−")


def clock(seconds: float) -> str:
    """Time of day in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}"


def left(seconds: float) -> str:
    """Time left: 24 s, 2 min 05 s, 1 h 02 min."""
    whole_seconds = max(0, math.ceil(seconds))
    if whole_seconds < 100:
        return f"{whole_seconds} s"
    minutes, whole_seconds = divmod(whole_seconds, 60)
    if minutes < 100:
        return f"{minutes} min {whole_seconds:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours // 24} days"


def span(seconds: int) -> str:
    """A length of time: 10 s, 15 min, 1 h 15 min, 1 day."""
    parts = []
    for unit, size in (("day", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(plural(number, unit) if unit == "day" else f"{number} {unit}")
    return " ".join(parts)


def milliseconds(seconds: float) -> str:
    """A short duration in milliseconds."""
    return f"{seconds * 1000:,.0f} ms"


def plural(number: int, one: str, more: str = "") -> str:
    """A number and its noun, in the plural if need be."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"
