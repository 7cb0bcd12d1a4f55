"""What the functions that other clients have of their own should read, made from the toolkit's frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import pandas as pd

from tests.interop.calls import END
from toolkit.client import Link

SYMBOL = "BTCUSDT"


def _ms(moment: Any) -> int:
    return round(moment.timestamp() * 1000)


NOW_MS = _ms(END + timedelta(minutes=10, seconds=30))
"""Where the sandbox's clock stands still: in the middle of a candle."""

SPANS = {
    "start": _ms(END - timedelta(hours=60)),
    "end": _ms(END) - 1,
    "recent": _ms(END - timedelta(minutes=20)),
    "months": _ms(END - timedelta(days=200)),
}

CANDLE = ["open_time", "open", "high", "low", "close", "volume"]
WHOLE_CANDLE = [
    *CANDLE,
    "close_time",
    "quote_volume",
    "trades",
    "taker_base_volume",
    "taker_quote_volume",
]
BEST = ["bid_price", "bid_quantity", "ask_price", "ask_quantity"]


def rows(frame: pd.DataFrame, columns: list[str]) -> list[list[Any]]:
    """These columns, row by row, times as milliseconds."""
    return [[_plain(value) for value in row] for row in frame[columns].itertuples(index=False)]


def by_symbol(frame: pd.DataFrame, columns: list[str]) -> dict[str, Any]:
    """These columns by symbol; the values themselves if there is one column."""
    found = rows(frame, columns)
    return dict(zip(frame["symbol"], [row[0] for row in found] if len(columns) == 1 else found, strict=True))


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return _ms(value)
    return value.item() if hasattr(value, "item") else value


def candles(link: Link, columns: list[str], interval: str, since: str, **arguments: Any) -> list[list[Any]]:
    """Candles of spot."""
    frame = link.market.spot.klines(SYMBOL, interval, start=SPANS[since], end=SPANS["end"], **arguments)
    return rows(frame, columns)


def spot_candles(link: Link, columns: list[str]) -> dict[str, Any]:
    """The candles of spot that both clients read."""
    return {
        "minutes": candles(link, columns, "1m", "start"),
        "hours": candles(link, columns, "1h", "start"),
        "days": candles(link, columns, "1d", "months"),
        "weeks": candles(link, columns, "1w", "months"),
        "months": candles(link, columns, "1M", "months"),
    }


def _book(frame: pd.DataFrame) -> dict[str, Any]:
    return {f"{side}s": rows(frame[frame["side"] == side], ["price", "quantity"]) for side in ("bid", "ask")}


def _markets(frame: pd.DataFrame) -> dict[str, Any]:
    return {
        row.symbol: {
            "tick size": row.tick_size,
            "step size": row.step_size,
            "minimum quantity": row.min_quantity,
            "maximum quantity": row.max_quantity,
            "minimum price": row.min_price,
            "minimum notional": row.min_notional,
            "base": row.base_asset,
            "quote": row.quote_asset,
            "active": row.status == "TRADING",
        }
        for row in frame.itertuples()
    }


def ccxt(link: Link) -> dict[str, Any]:
    """What `own_ccxt.py` should read."""
    spot, futures = link.market.spot, link.market.futures
    span = {"start": SPANS["start"], "end": SPANS["end"]}
    trades = spot.agg_trades(SYMBOL, start=SPANS["recent"], end=SPANS["end"]).head(1000)
    trades = trades.assign(side=trades["buyer_is_maker"].map({True: "sell", False: "buy"}))
    ticker = [
        "high_price",
        "low_price",
        "open_price",
        "last_price",
        "weighted_average_price",
        "price_change",
        "volume",
        "quote_volume",
    ]
    premium = futures.premium_index(symbol=SYMBOL)
    return {
        "status": "ok",
        "spot markets": _markets(spot.symbols()),
        "futures markets": _markets(futures.symbols()),
        **spot_candles(link, CANDLE),
        "futures hours": rows(futures.klines(SYMBOL, "1h", **span), CANDLE),
        "mark hours": rows(futures.mark_price_klines(SYMBOL, "1h", **span), CANDLE[:5]),
        "index hours": rows(futures.index_price_klines(SYMBOL, "1h", **span), CANDLE[:5]),
        "premium hours": rows(futures.premium_index_klines(SYMBOL, "1h", **span), CANDLE[:5]),
        "trades": rows(trades, ["agg_trade_id", "time", "price", "quantity", "side"]),
        "book": _book(spot.depth(SYMBOL, limit=50)),
        "futures book": _book(futures.depth(SYMBOL, limit="50")),
        "ticker": rows(spot.ticker_24hr(symbol=SYMBOL), ticker)[0],
        # It has no price of zero, which is that of a symbol without orders.
        "best prices": {
            symbol: [bid or None, bid_quantity, ask or None, ask_quantity]
            for symbol, (bid, bid_quantity, ask, ask_quantity) in by_symbol(spot.ticker_book(), BEST).items()
        },
        "last prices": by_symbol(spot.ticker_price(symbol=SYMBOL), ["price"]),
        "funding rates": rows(futures.funding_rates(symbol=SYMBOL, **span), ["funding_time", "funding_rate"]),
        "premium index": rows(premium, ["mark_price", "index_price", "last_funding_rate"])[0],
        "next funding": rows(premium, ["next_funding_time"])[0][0],
        "open interest": rows(futures.open_interest(SYMBOL), ["open_interest"])[0][0],
        "open interest history": rows(
            futures.open_interest_history(SYMBOL, "1h", **span),
            ["time", "open_interest", "open_interest_value"],
        ),
    }


def python_binance(link: Link) -> dict[str, Any]:
    """What `own_python_binance.py` should read."""
    spot, futures = link.market.spot, link.market.futures
    span = {"start": SPANS["start"], "end": SPANS["end"]}
    trades = spot.agg_trades(SYMBOL, start=SPANS["recent"], end=NOW_MS).head(1500)
    (symbol,) = spot.symbols(symbol=SYMBOL).itertuples()
    return {
        "status": spot.system_status()["message"][0],
        **spot_candles(link, WHOLE_CANDLE),
        "futures minutes": rows(futures.klines(SYMBOL, "1m", **span), WHOLE_CANDLE),
        "mark hours": rows(futures.mark_price_klines(SYMBOL, "1h", **span), WHOLE_CANDLE[:5]),
        "trades": rows(
            trades,
            [
                "agg_trade_id",
                "price",
                "quantity",
                "first_trade_id",
                "last_trade_id",
                "time",
                "buyer_is_maker",
            ],
        ),
        "rules": {
            "PRICE_FILTER": symbol.tick_size,
            "LOT_SIZE": symbol.step_size,
            "NOTIONAL": symbol.min_notional,
        },
        "prices": by_symbol(spot.ticker_price(), ["price"]),
        "best prices": by_symbol(spot.ticker_book(), BEST),
    }


EXPECTED: Mapping[str, Callable[[Link], dict[str, Any]]] = {"ccxt": ccxt, "python-binance": python_binance}


def difference(theirs: Any, ours: Any, where: str = "") -> str:
    """Where theirs differs from ours, "" if it does not; texts of numbers are compared as exact numbers."""
    if isinstance(ours, Mapping):
        if not isinstance(theirs, Mapping) or theirs.keys() != ours.keys():
            return f"{where}: {theirs!r:.200}, and {ours!r:.200} of ours"
        pairs = [(f"{where}.{name}", theirs[name], ours[name]) for name in ours]
    elif isinstance(ours, list):
        if not isinstance(theirs, list) or len(theirs) != len(ours):
            return f"{where}: {theirs!r:.200}, and {ours!r:.200} of ours"
        pairs = [(f"{where}[{place}]", *pair) for place, pair in enumerate(zip(theirs, ours, strict=True))]
    else:
        equal = _number(theirs) == _number(ours)
        return "" if equal else f"{where}: {theirs!r}, and {ours!r} of ours"
    return next((found for name, *pair in pairs if (found := difference(*pair, name))), "")


def _number(value: Any) -> Any:
    """A number or a text of one as an exact number, anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return value
