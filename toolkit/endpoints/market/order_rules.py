"""The rules for orders of a symbol: values of its filters, which spot and futures share."""

from __future__ import annotations

from toolkit.endpoints.model import Column, ColumnKind


def rule(name: str, paths: str | tuple[str, ...], doc: str, kind: ColumnKind = "amount") -> Column:
    """A column with a value of a symbol's filters; a symbol need not have each filter.

    Args:
        name: Name of the column.
        paths: Type of the filter and name of the field, or such alternatives.
        doc: What it is.
        kind: Kind of the column. Amounts are exact.
    """
    fields = []
    for path in (paths,) if isinstance(paths, str) else paths:
        filter_type, _, field = path.partition(".")
        fields.append(f"filters[filterType={filter_type}].{field}")
    return Column(name=name, field=tuple(fields), kind=kind, doc=doc, optional=True, exact=kind == "amount")


PRICE_AND_LOT_RULES = (
    rule("tick_size", "PRICE_FILTER.tickSize", "Step of its prices, in the quote asset."),
    rule("min_price", "PRICE_FILTER.minPrice", "Lowest price of an order, in the quote asset."),
    rule("max_price", "PRICE_FILTER.maxPrice", "Highest price of an order, in the quote asset."),
    rule("step_size", "LOT_SIZE.stepSize", "Step of the quantities of orders, in the base asset."),
    rule("min_quantity", "LOT_SIZE.minQty", "Smallest quantity of an order, in the base asset."),
    rule("max_quantity", "LOT_SIZE.maxQty", "Largest quantity of an order, in the base asset."),
    rule("market_step_size", "MARKET_LOT_SIZE.stepSize", "`step_size` for market orders; 0 is none."),
    rule("market_min_quantity", "MARKET_LOT_SIZE.minQty", "`min_quantity` for market orders."),
    rule("market_max_quantity", "MARKET_LOT_SIZE.maxQty", "`max_quantity` for market orders."),
)
