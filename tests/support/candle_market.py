"""A spot market with hand-made candles, and a Link to it."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

import toolkit
from tests.support.answered import link_to
from tests.support.recording import RecordingServer
from toolkit import sandbox

HOUR = 3_600_000
DAY = 24 * HOUR
_DATE = b"\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
_EXAMPLE = Path(sandbox.__file__).parent / "examples" / "market.spot.symbols.json"


def ms(time: str | pd.Timestamp) -> int:
    return (
        int(pd.Timestamp(time, tz="UTC").timestamp() * 1000) if isinstance(time, str) else time.value // 10**6
    )


class CandleMarket:
    """A spot market whose candles a test makes.

    Args:
        markets: The markets: base and quote asset, and the closing price of each hour by the hour's start.

    Attributes:
        asked: Symbol and span of each request for candles.
        gone: Markets that are listed, and whose candles are refused.
        ended: Markets in status BREAK.
    """

    def __init__(self, markets: Mapping[tuple[str, str], Mapping[int, str]]) -> None:
        self.markets = {f"{base}{quote}": (base, quote) for base, quote in markets}
        self.candles = {f"{base}{quote}": candles for (base, quote), candles in markets.items()}
        self.asked: list[tuple[str, int, int]] = []
        self.gone: set[str] = set()
        self.ended: set[str] = set()
        self._server = RecordingServer()
        self.link: toolkit.Link = link_to(self._server, self._respond)
        respond = self._server.respond
        assert respond is not None
        # Candles are over by the date of the response.
        self._server.respond = lambda request: respond(request).replace(b"\r\n", _DATE, 1)

    def close(self) -> None:
        self.link.close()
        self._server.close()

    def _respond(self, path: str, sent: Mapping[str, str]) -> tuple[int, Any]:
        if path.endswith("exchangeInfo"):
            return 200, self._symbols()
        if not path.endswith("klines"):  # it is no sandbox
            return 404, {}
        symbol, start, end = sent["symbol"], int(sent["startTime"]), int(sent["endTime"])
        self.asked.append((symbol, start, end))
        if symbol in self.gone:
            return 400, {"code": -1121, "msg": "Invalid symbol."}
        within = [time for time in sorted(self.candles[symbol]) if start <= time <= end]
        return 200, [self._candle(symbol, time) for time in within[: int(sent["limit"])]]

    def _candle(self, symbol: str, time: int) -> list[Any]:
        price = self.candles[symbol][time]
        return [time, price, price, price, price, "1", time + HOUR - 1, price, 1, "1", price, "0"]

    def _symbols(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(_EXAMPLE.read_text())["since 2026"]
        example = found["symbols"][0]
        found["symbols"] = [
            copy.deepcopy(example)
            | {
                "symbol": symbol,
                "baseAsset": base,
                "quoteAsset": quote,
                "status": "BREAK" if symbol in self.ended else "TRADING",
            }
            for symbol, (base, quote) in self.markets.items()
        ]
        return found


def rows(*given: tuple[int, str, str], numbers: str = "exact") -> pd.DataFrame:
    """A frame of times, assets and amounts."""
    amounts: Any = [Decimal(amount) for _, _, amount in given]
    if numbers != "exact":
        amounts = [float(amount) for amount in amounts]
    return pd.DataFrame(
        {
            "time": pd.to_datetime([time for time, _, _ in given], unit="ms", utc=True).as_unit("ms"),
            "asset": pd.array([asset for _, asset, _ in given], dtype="string"),
            "amount": pd.Series(amounts, dtype=numbers),
        }
    )
