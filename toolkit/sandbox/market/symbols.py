"""Assets and symbols of the sandbox, and how finely each symbol is traded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

Kind = Literal["spot", "um", "cm"]
Contract = Literal["PERPETUAL", "CURRENT_QUARTER", "NEXT_QUARTER"]


@dataclass(frozen=True, slots=True)
class Market:
    """A symbol, its weight in the trading and its rules.

    Attributes:
        price_decimals: Decimal places of prices, which are whole numbers of `tick`.
        quantity_decimals: Decimal places of quantities, which are whole numbers of `step`.
        min_notional: Least value of an order, in the quote asset.
        listed_after: Days from the beginning of history until trading began.
        delisted_after: Days from the beginning of history until trading ended, None if it goes on.
        funding_hours: Hours between two payments of funding, for perpetual futures.
        contract: What a future is; one with a date stands for all that followed one another.
    """

    symbol: str
    base: str
    quote: str
    weight: float
    kind: Kind
    price_decimals: int
    quantity_decimals: int
    min_notional: Decimal = Decimal(5)
    listed_after: int = 0
    delisted_after: int | None = None
    funding_hours: int = 8
    contract: Contract = "PERPETUAL"

    @property
    def tick(self) -> Decimal:
        """Step between prices."""
        return Decimal(1).scaleb(-self.price_decimals)

    @property
    def step(self) -> Decimal:
        """Step between quantities."""
        return Decimal(1).scaleb(-self.quantity_decimals)


# US dollars per unit, two years after the beginning of history.
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
    "TUSD": 1.0,
    "BNFCR": 1.0,
    "EUR": 1.16,
    "TRY": 0.0241,
    "JPY": 0.00651,
    "MATIC": 0.462,
    "POL": 0.462,
    "DCR": 16.3,
}
QUARTERLY: tuple[Contract, ...] = ("CURRENT_QUARTER", "NEXT_QUARTER")
STABLE = ("USDT", "USDC", "FDUSD", "TUSD", "BNFCR")
FIAT = ("EUR", "TRY", "JPY")
RENAMED = {"POL": "MATIC"}
"""Assets that took the place of another, by their new name: one unit for one."""
RARE = ("TUSD", "BNFCR", *FIAT, "MATIC", "POL", "DCR")
"""Assets that nobody here holds, but that a few rebates of sub-accounts are paid in.

BNFCR (credits of futures) has no market at all, JPY and DCR are traded for bitcoins alone, and the markets of
TUSD and MATIC have ended.
"""
ASSETS = tuple(PRICES_USD)

_BUSY = {"BTC": 30.0, "ETH": 20.0, "SOL": 11.0, "BNB": 9.0, "XRP": 6.0, "DOGE": 5.0}
# Futures are traded more than spot.
_FUTURES_BUSIER = 1.2
_QUOTES = {"USDT": 1.0, "USDC": 0.35, "FDUSD": 0.2}
_COINS = tuple(asset for asset in PRICES_USD if asset not in {*STABLE, *RARE})
# Decimal places of a price in dollars, and of a quantity.
_DECIMALS = {
    "BTC": (2, 5),
    "ETH": (2, 4),
    "BNB": (2, 3),
    "SOL": (2, 3),
    "XRP": (4, 1),
    "ADA": (4, 1),
    "DOGE": (5, 0),
    "LINK": (2, 2),
    "AVAX": (2, 2),
    "LTC": (2, 3),
    "DOT": (3, 2),
    "TRX": (4, 1),
    "SUI": (4, 1),
    "NEAR": (3, 1),
    "UNI": (3, 2),
    "ATOM": (3, 2),
    "PEPE": (8, 0),
}
_DECIMALS_OF = {
    "ETHBTC": (5, 4),
    "BNBBTC": (6, 3),
    "SOLBTC": (7, 3),
    "SOLETH": (5, 3),
    "BNBETH": (4, 3),
    "USDCUSDT": (5, 0),
    "FDUSDUSDT": (4, 0),
    "TUSDUSDT": (4, 0),
    "BTCTUSD": (2, 5),
    "EURUSDT": (4, 1),
    "BTCEUR": (2, 5),
    "USDTTRY": (2, 0),
    "BTCTRY": (0, 5),
    "BTCJPY": (0, 5),
    "MATICUSDT": (4, 1),
    "POLUSDT": (4, 1),
    "DCRBTC": (7, 3),
}
_LEAST_NOTIONAL = {"BTC": "0.0001", "ETH": "0.001", "TRY": "10", "JPY": "100"}
# Days from the beginning of history: a symbol whose coin was renamed ends some days before the next begins.
_LISTED_AFTER = {"SUIUSDT": 365, "POLUSDT": 483}
_DELISTED_AFTER = {"SOLETH": 610, "MATICUSDT": 480, "TUSDUSDT": 660, "BTCTUSD": 660}


def _spot(base: str, quote: str, weight: float) -> Market:
    symbol = f"{base}{quote}"
    prices, quantities = _DECIMALS_OF.get(symbol) or _DECIMALS[base]
    return Market(
        symbol,
        base,
        quote,
        weight,
        "spot",
        prices,
        quantities,
        min_notional=Decimal(_LEAST_NOTIONAL.get(quote, "5")),
        listed_after=_LISTED_AFTER.get(symbol, 0),
        delisted_after=_DELISTED_AFTER.get(symbol),
    )


def _um(base: str) -> Market:
    prices, quantities = _DECIMALS[base]
    return Market(
        f"{base}USDT",
        base,
        "USDT",
        _FUTURES_BUSIER * _BUSY.get(base, 1.5),
        "um",
        1 if base == "BTC" else prices,
        min(quantities, 3),
        listed_after=365 if base == "NEAR" else 0,
        delisted_after=640 if base == "ATOM" else None,
        funding_hours=4 if base == "SUI" else 8,
    )


COMMON_SPOT: tuple[Market, ...] = (
    *(_spot(base, "USDT", _BUSY.get(base, 1.5)) for base in _COINS),
    *(
        _spot(base, quote, share * _BUSY[base])
        for quote, share in _QUOTES.items()
        for base in _BUSY
        if quote != "USDT"
    ),
    _spot("ETH", "BTC", 3.0),
    _spot("BNB", "BTC", 1.5),
    _spot("SOL", "BTC", 1.0),
    _spot("SOL", "ETH", 0.6),
    _spot("BNB", "ETH", 0.5),
)
"""The symbols that everybody trades."""
_RARE_WEIGHT = 0.8
SPOT: tuple[Market, ...] = (
    *COMMON_SPOT,
    *(
        _spot(base, quote, _RARE_WEIGHT)
        for base, quote in (
            ("USDC", "USDT"),
            ("FDUSD", "USDT"),
            ("TUSD", "USDT"),
            ("EUR", "USDT"),
            ("USDT", "TRY"),
            ("BTC", "TUSD"),
            ("BTC", "EUR"),
            ("BTC", "TRY"),
            ("BTC", "JPY"),
            ("MATIC", "USDT"),
            ("POL", "USDT"),
            ("DCR", "BTC"),
        )
    ),
)
"""All symbols; those beyond `COMMON_SPOT` are traded by sub-accounts alone."""
UM: tuple[Market, ...] = tuple(_um(base) for base in _COINS if base != "PEPE")
# What continuous candles and the basis are about; these have no symbol of their own.
QUARTERS: tuple[Market, ...] = tuple(
    replace(
        market,
        symbol=f"{market.symbol}_{contract}",
        weight=market.weight / 10,
        contract=contract,
    )
    for market in UM
    if market.base in {"BTC", "ETH"}
    for contract in QUARTERLY
)
_CM_COINS = ("BTC", "ETH", "SOL", "BNB", "XRP", "ADA", "DOGE", "LINK", "AVAX", "LTC")
CM: tuple[Market, ...] = tuple(
    Market(f"{base}USD_PERP", base, base, _BUSY.get(base, 1.5), "cm", _DECIMALS[base][0], 0)
    for base in _CM_COINS
)


def pair_of(market: Market) -> str:
    """The pair of a COIN-M symbol, which has no expiry: BTCUSD for BTCUSD_PERP."""
    return market.symbol.partition("_")[0]


def future_of(pair: str, contract: str) -> Market | None:
    """The USD-M future of a pair such as BTCUSDT, None if there is none."""
    for market in (*UM, *QUARTERS):
        if market.base + market.quote == pair and market.contract == contract:
            return market
    return None
