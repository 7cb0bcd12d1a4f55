"""The symbol that a frame is about, and the assets its prices and quantities are in."""

from __future__ import annotations

import re

import pandas as pd

from toolkit.charts._data import NONE, labels, name_list
from toolkit.charts._text import short_name
from toolkit.errors import UsageError

# Assets that others are priced in. Those whose names end like another's with a letter before it, such as
# TUSD, are left out: DOTUSD is not priced in it.
_QUOTES = (
    *("USDT", "USDC", "FDUSD", "USD1", "BTC", "ETH", "BNB", "SOL", "TRX", "XRP", "DOGE"),
    *("EUR", "GBP", "TRY", "BRL", "JPY", "ARS", "MXN", "COP", "PLN", "RON", "CZK", "ZAR", "UAH", "NGN"),
    "IDR",
)
_DELIVERY = re.compile(r"(.+)_(?:PERP|[0-9]{6})", re.ASCII)


def symbol_of(frame: pd.DataFrame) -> str:
    """The symbol of the rows, "" if the frame does not say.

    Raises:
        UsageError: They are of several symbols, whose prices have no common scale.
    """
    if "symbol" in frame:
        names = [name for name in labels(frame["symbol"]).unique() if name != NONE]
        if len(names) > 1:
            raise UsageError(
                f"The frame has {len(names)} symbols ({name_list(map(short_name, names))}), whose prices "
                f"have no common scale. Choose one, such as with `frame[frame['symbol'] == {names[0]!r}]`."
            )
        if names:
            return str(names[0])
    parameters = frame.attrs.get("parameters") or {}
    return str(parameters.get("symbol") or parameters.get("pair") or "")


def assets_of(symbol: str) -> tuple[str, str]:
    """What a symbol trades, and the asset of its prices; both "" if its name does not tell."""
    if delivery := _DELIVERY.fullmatch(symbol):
        pair = delivery[1]
        if pair.endswith("USD"):  # margined in coins: quantities are numbers of contracts
            return "contracts", "USD"
        symbol = pair
    quote = next((each for each in _QUOTES if symbol.endswith(each) and symbol != each), "")
    return symbol.removesuffix(quote) if quote else "", quote


def is_same(symbol: str, other: str) -> bool:
    """Whether two names may be of one market: one of them unknown, or a contract and its pair."""
    return not symbol or not other or _pair(symbol) == _pair(other)


def _pair(symbol: str) -> str:
    delivery = _DELIVERY.fullmatch(symbol)
    return delivery[1] if delivery else symbol
