"""The files with the closing prices of candles, so that each is fetched once.

There is one file for each market, length of candle and UTC month, which has the days that were fetched. Only
days that are over are kept, which never change. A file that is damaged or cannot be used is as good as none:
its days are fetched again.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from toolkit.runtime.interruptions import forgiving
from toolkit.storage import files, formats

T = TypeVar("T")
Close = tuple[int, str]
"""When a candle closed, in milliseconds, and its price with all digits."""

# A month of minutes takes 1.3 MB.
_MAX_BYTES = 4_000_000
# What becomes part of a path.
_NAME = re.compile(r"[A-Z0-9]{1,40}")
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,18})?")  # an exact amount
_MARKETS_KEPT_MS = 86_400_000


class PriceFiles:
    """The kept prices of one exchange.

    Args:
        folder: Their folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, symbol: str, interval: str, month: str) -> dict[str, list[Close]]:
        """Return what was kept of a month, such as "2026-10", by day."""
        path = self._file(symbol, interval, month)
        return (path and self._read(path, _days)) or {}

    def keep(self, symbol: str, interval: str, month: str, days: Mapping[str, Sequence[Close]]) -> None:
        """Keep the prices of days of a month that are over, where files can be written."""
        path = self._file(symbol, interval, month)
        if path is None:
            return
        with forgiving(OSError):
            files.make_folder(path.parent)
            with files.locked(path):  # another process may keep other days
                kept = {**self.read(symbol, interval, month), **days}
                self._write(path, {"days": {day: kept[day] for day in sorted(kept)}})

    def read_markets(self, now: int) -> dict[str, tuple[str, str]] | None:
        """Return the markets by symbol, each with its two assets, as of the last day; None if not kept."""

        def recent(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
            if not 0 <= now - found["fetched_at"] < _MARKETS_KEPT_MS:
                raise ValueError
            return {str(symbol): (str(base), str(quote)) for symbol, base, quote in found["markets"]}

        return self._read(self._folder / "markets.json", recent)

    def keep_markets(self, now: int, markets: Sequence[tuple[str, str, str]]) -> None:
        """Keep the markets for a day: symbol, base asset and quote asset of each."""
        content = {"fetched_at": now, "markets": [list(each) for each in markets]}
        self._write(self._folder / "markets.json", content)

    def _file(self, symbol: str, interval: str, month: str) -> Path | None:
        return self._folder / interval / symbol / f"{month}.json" if _NAME.fullmatch(symbol) else None

    def _read(self, path: Path | None, parse: Callable[[dict[str, Any]], T]) -> T | None:
        if path is None:
            return None
        with forgiving(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            files.check(path, os.lstat(path))
            with open(path, "rb", opener=files.opener) as file:
                found = json.loads(file.read(_MAX_BYTES))
            if found["format"] == formats.PRICES:
                return parse(found)
        return None

    def _write(self, path: Path | None, content: dict[str, Any]) -> None:
        if path is None:
            return
        with forgiving(OSError):
            files.make_folder(path.parent)
            text = json.dumps({"format": formats.PRICES, **content}, separators=(",", ":"))
            files.write(path, f"{text}\n", replace=True)


def _days(found: dict[str, Any]) -> dict[str, list[Close]]:
    days = {day: [(time, price) for time, price in closes] for day, closes in found["days"].items()}
    for day, closes in days.items():
        date.fromisoformat(day)
        if not all(isinstance(time, int) and _NUMBER.fullmatch(price) for time, price in closes):
            raise ValueError
    return days
