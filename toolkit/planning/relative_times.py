"""Pure: times before now as text, such as "-30D" or "-12h"."""

from __future__ import annotations

import re
from contextlib import suppress
from fractions import Fraction

import pandas as pd

_DAY = 86_400_000
# [0-9], because \d takes the digits of every script.
_TEXT = re.compile(r"(?P<sign>[+-])\s*(?P<number>[0-9]{1,12}(\.[0-9]{1,12})?)\s*(?P<unit>[A-Za-z]+)")
# Milliseconds of each unit. pandas has such a table, but takes "m" for a minute and "MS" for a millisecond.
_UNITS = {
    unit: milliseconds
    for units, milliseconds in {
        "w week weeks": 7 * _DAY,
        "d day days": _DAY,
        "h hr hrs hour hours": 3_600_000,
        "min mins minute minutes": 60_000,
        "s sec secs second seconds": 1_000,
        "ms": 1,
    }.items()
    for unit in units.split()
}
_MONTHS = {
    unit: months
    for units, months in {
        "m ms me mo mon mons month months": 1,
        "q qs qe quarter quarters": 3,
        "y ys ye a yr yrs year years": 12,
    }.items()
    for unit in units.split()
}


def relative_moment(text: str, now: int) -> int:
    """The moment, in milliseconds, that lies so long before now, or after it.

    Args:
        text: Such as "-30D".
        now: The time in milliseconds.

    Raises:
        ValueError: It cannot be read, or only in two ways; the text says how to write it.
    """
    found = _TEXT.fullmatch(text)
    unit = found["unit"] if found else ""
    length = _UNITS.get(unit if unit.lower() == "ms" else unit.lower())  # "MS" is a month
    if found and length:
        distance = int(Fraction(found["number"]) * length)
        return now - distance if found["sign"] == "-" else now + distance
    if found and unit.lower() in _MONTHS:
        raise ValueError(_no_length(found, now))
    shown = repr(text) if len(text) <= 40 else "a long text"
    raise ValueError(f'reads {shown}; a time before now reads like "-30D", "-12h" or "-15min"')


def _no_length(found: re.Match[str], now: int) -> str:
    """What is wrong with a time in months, and how it may be said."""
    amount, unit = found["sign"] + found["number"], found["unit"]
    months = int(Fraction(amount) * _MONTHS[unit.lower()])
    day = "2026-01-31"
    with suppress(ValueError, OverflowError):  # no calendar reaches so far
        day = f"{pd.Timestamp(now, unit='ms') + pd.DateOffset(months=months):%Y-%m-%d}"
    which = f'. Is that "min" or "MS"? Minutes are "{amount}min"' if unit in "mM" else ""
    return (
        f"reads {found[0]!r}{which}; months and years have no fixed length, so write days, as in "
        f'"-30D", or a date, as in "{day}"'
    )
