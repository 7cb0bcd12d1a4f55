"""Parses times relative to now, such as "-30D" or "-12h"."""

from __future__ import annotations

import re
from contextlib import suppress
from fractions import Fraction

import pandas as pd

_DAY = 86_400_000
# [0-9], because \d matches the digits of every script.
_TEXT = re.compile(r"(?P<sign>[+-])\s*(?P<number>[0-9]{1,12}(\.[0-9]{1,12})?)\s*(?P<unit>[A-Za-z]+)")
# Milliseconds of each unit. In pandas' own table "m" is a minute and "MS" a millisecond.
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


def parse_relative_time(text: str, now: int) -> int:
    """Parse a time relative to now, in milliseconds since 1970.

    Args:
        text: A relative time such as "-30D".
        now: The current time in milliseconds.

    Raises:
        ValueError: The text is invalid or ambiguous; the message says how to write it.
    """
    match = _TEXT.fullmatch(text)
    unit = match["unit"] if match else ""
    length = _UNITS.get(unit if unit.lower() == "ms" else unit.lower())  # "MS" is a month
    if match and length:
        offset = int(Fraction(match["number"]) * length)
        return now - offset if match["sign"] == "-" else now + offset
    if match and unit.lower() in _MONTHS:
        raise ValueError(_no_fixed_length(match, now))
    shown = repr(text) if len(text) <= 40 else "a long text"
    raise ValueError(f'is {shown}; write a time before now like "-30D", "-12h" or "-15min"')


def _no_fixed_length(match: re.Match[str], now: int) -> str:
    """The message for a time in months or years, with the date it stands for."""
    amount, unit = match["sign"] + match["number"], match["unit"]
    months = int(Fraction(amount) * _MONTHS[unit.lower()])
    day = "2026-01-31"
    with suppress(ValueError, OverflowError):  # outside of the range of dates
        day = f"{pd.Timestamp(now, unit='ms') + pd.DateOffset(months=months):%Y-%m-%d}"
    which = f'. Do you mean minutes or months? Minutes are "{amount}min"' if unit in "mM" else ""
    return (
        f"is {match[0]!r}{which}; months and years have no fixed length, so write days, such as "
        f'"-30D", or a date, such as "{day}"'
    )
