"""Assets, symbols and realistic prices of the sandbox."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Market:
    """A symbol, and its weight in the trading."""

    symbol: str
    base: str
    quote: str
    price: float
    weight: float


# US dollars per unit; fixed, because the sandbox is about reports, not about prices.
PRICES_USD = {
    "USDT": 1.0,
    "USDC": 1.0,
    "FDUSD": 1.0,
    "BTC": 96_400.0,
    "ETH": 3420.0,
    "BNB": 847.3,
    "SOL": 188.0,
    "XRP": 2.31,
    "ADA": 0.74,
    "DOGE": 0.212,
    "LINK": 17.4,
    "AVAX": 24.6,
    "LTC": 98.2,
    "DOT": 4.15,
    "TRX": 0.281,
    "SUI": 3.05,
    "NEAR": 2.6,
    "UNI": 7.9,
    "ATOM": 4.3,
    "PEPE": 0.0000092,
}

_BUSY = {"BTC": 30.0, "ETH": 20.0, "SOL": 11.0, "BNB": 9.0, "XRP": 6.0, "DOGE": 5.0}
_STABLE = ("USDT", "USDC", "FDUSD")
_QUOTES = {"USDT": 1.0, "USDC": 0.35, "FDUSD": 0.2}
_COINS = tuple(asset for asset in PRICES_USD if asset not in _STABLE)


def _market(base: str, quote: str, weight: float) -> Market:
    return Market(f"{base}{quote}", base, quote, PRICES_USD[base] / PRICES_USD[quote], weight)


SPOT: tuple[Market, ...] = (
    *(_market(base, "USDT", _BUSY.get(base, 1.5)) for base in _COINS),
    *(
        _market(base, quote, share * _BUSY[base])
        for quote, share in _QUOTES.items()
        for base in _BUSY
        if quote != "USDT"
    ),
    _market("ETH", "BTC", 3.0),
    _market("BNB", "BTC", 1.5),
    _market("SOL", "BTC", 1.0),
    _market("SOL", "ETH", 0.6),
    _market("BNB", "ETH", 0.5),
)
UM: tuple[Market, ...] = tuple(
    _market(base, "USDT", _BUSY.get(base, 1.5)) for base in _COINS if base != "PEPE"
)
_CM_COINS = ("BTC", "ETH", "SOL", "BNB", "XRP", "ADA", "DOGE", "LINK", "AVAX", "LTC")
CM: tuple[Market, ...] = tuple(
    Market(f"{base}USD_PERP", base, base, PRICES_USD[base], _BUSY.get(base, 1.5)) for base in _CM_COINS
)


def pair_of(market: Market) -> str:
    """The pair of a COIN-M symbol, which has no expiry: BTCUSD for BTCUSD_PERP."""
    return market.symbol.partition("_")[0]
