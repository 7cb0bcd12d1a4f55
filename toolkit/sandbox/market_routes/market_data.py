"""What the rules for market data share: the simulated market, its symbols, and the size of a page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.column_json import NumberColumn
from toolkit.sandbox.hashing import Int64Array
from toolkit.sandbox.limits import Limits
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.symbols import Kind, Market
from toolkit.sandbox.messages import RefusalError

SPOT_PLACES = 8
"""Decimal places of prices and amounts on spot; USD-M has those of the symbol."""
_VALUE_PLACES = 8


@dataclass(frozen=True, slots=True)
class MarketData:
    """What a rule answers from.

    Attributes:
        history: The simulated market.
        limits: The rate limits in force.
    """

    history: MarketHistory
    limits: Limits

    def one(self, kind: Kind, request: CheckedRequest) -> Market:
        """The symbol that a request names; a pair of USD-M is called like its perpetual contract."""
        values = request.values
        if "pair" in values:
            request = replace(request, values={**values, "symbol": values["pair"]})
        return self.wanted(kind, request)[0]

    def wanted(self, kind: Kind, request: CheckedRequest) -> list[Market]:
        """The symbols that a request names, or else all; where `symbolStatus` is sent, those that have it.

        All of USD-M are those that are traded.
        """
        values, now_ms = request.values, request.now_ms
        found = self.listed(kind, now_ms)
        if "symbol" in values or "symbols" in values:
            named = [values["symbol"]] if "symbol" in values else json.loads(values["symbols"])
            found = [each for each in found if each.symbol in named]
            if len(found) < len(named):
                raise RefusalError(-1121, "Invalid symbol.")
        elif kind == "um":
            return [each for each in found if self.status(each, now_ms) == "TRADING"]
        status = values.get("symbolStatus")
        having = [each for each in found if status in (None, self.status(each, now_ms))]
        if "symbol" in values and not having:
            raise RefusalError(-1220, "The symbol's status does not match the requested symbolStatus.")
        return having

    def status(self, market: Market, now_ms: int) -> str:
        """The status of a symbol in exchangeInfo."""
        if self.history.hours(market).is_listed(now_ms):
            return "HALT" if market.kind == "spot" and self.is_in_maintenance(now_ms) else "TRADING"
        return "BREAK" if market.kind == "spot" else "SETTLING"

    def is_in_maintenance(self, now_ms: int) -> bool:
        """Whether no symbol is traded just now."""
        stopped, resumed = self.history.hours(self.history.markets[0]).maintenance
        return stopped <= now_ms < resumed

    def listed(self, kind: Kind, now_ms: int) -> list[Market]:
        """The symbols that have been traded by now, those that were delisted included."""
        return [
            market
            for market in self.history.markets
            if market.kind == kind and self.history.hours(market).listed_ms <= now_ms
        ]


Row = dict[str, object]
Rule = Callable[[MarketData, CheckedRequest], object]
Rules = Mapping[str, Rule]
RowMaker = Callable[[MarketData, CheckedRequest, Market], Row]


def for_each(kind: Kind, row: RowMaker) -> Rule:
    """A rule that answers with an object where `symbol` is sent, and otherwise with a list."""

    def rule(data: MarketData, request: CheckedRequest) -> object:
        rows = [row(data, request, market) for market in data.wanted(kind, request)]
        return rows[0] if "symbol" in request.values else rows

    return rule


def page_size(request: CheckedRequest) -> int:
    """The largest number of rows of a response."""
    default = next(param.default for param in request.endpoint.request_params if param.field == "limit")
    size = int(request.values.get("limit", default or 0))
    return size if request.max_rows is None else min(size, request.max_rows)


def prices(market: Market, values: Int64Array) -> NumberColumn:
    """A column of prices, from ticks."""
    return NumberColumn(values, market.price_decimals, _places(market, market.price_decimals))


def quantities(market: Market, values: Int64Array) -> NumberColumn:
    """A column of quantities of the base asset, from steps."""
    return NumberColumn(values, market.quantity_decimals, _places(market, market.quantity_decimals))


def quote_amounts(market: Market, values: Int64Array) -> NumberColumn:
    """A column of amounts of the quote asset, from ticks times steps."""
    decimals = market.price_decimals + market.quantity_decimals
    return NumberColumn(values, decimals, _places(market, decimals))


def values(numbers: Int64Array) -> NumberColumn:
    """A column of prices that are not traded, or of rates, from 10**-8."""
    return NumberColumn(numbers, _VALUE_PLACES, _VALUE_PLACES)


def value_text(number: int) -> str:
    """A price that is not traded, or a rate, from 10**-8."""
    return decimal_text(number, _VALUE_PLACES, _VALUE_PLACES)


def decimal_text(value: int, decimals: int, places: int) -> str:
    """A whole number of `10**-decimals` as text."""
    sign, digits = ("-" if value < 0 else ""), str(abs(value)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    return f"{sign}{whole}.{fraction.ljust(places, '0')}" if places else f"{sign}{whole}"


def price_text(market: Market, ticks: int) -> str:
    """A price, from ticks."""
    return decimal_text(ticks, market.price_decimals, _places(market, market.price_decimals))


def quantity_text(market: Market, steps: int) -> str:
    """A quantity of the base asset, from steps."""
    return decimal_text(steps, market.quantity_decimals, _places(market, market.quantity_decimals))


def quote_text(market: Market, amount: int) -> str:
    """An amount of the quote asset, from ticks times steps."""
    decimals = market.price_decimals + market.quantity_decimals
    return decimal_text(amount, decimals, _places(market, decimals))


def _places(market: Market, decimals: int) -> int:
    return max(SPOT_PLACES, decimals) if market.kind == "spot" else decimals
