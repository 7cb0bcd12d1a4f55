"""The symbols of USD-M futures, and the rules for their orders."""

from __future__ import annotations

from toolkit.endpoints.market.futures.shared import DOCS
from toolkit.endpoints.market.order_rules import PRICE_AND_LOT_RULES, rule
from toolkit.endpoints.market.shared import SYMBOL_COLUMN
from toolkit.endpoints.model import Column, Endpoint
from toolkit.endpoints.rate_limits import FAPI

SYMBOLS = Endpoint(
    name="symbols",
    system="market.futures",
    path="/fapi/v1/exchangeInfo",
    security="NONE",
    rate_limit=FAPI,
    rows_field="symbols",
    ignored=(
        # Around the rows. By the page, "time" is to be asked for the time.
        *("exchangeFilters", "rateLimits", "serverTime", "assets", "timezone", "futuresType"),
        # The page calls these "ignore".
        *("maintMarginPercent", "requiredMarginPercent"),
        *("settlePlan", "maxMoveOrderLimit", "permissionSets"),
        "filters[filterType=MAX_NUM_ALGO_ORDERS]",
        "filters[filterType=POSITION_RISK_CONTROL]",
        "filters[filterType=PERCENT_PRICE].multiplierDecimal",
    ),
    columns=(
        SYMBOL_COLUMN,
        Column(name="pair", field="pair", kind="text", doc="Pair, the same for all contracts of it."),
        Column(name="status", field="status", kind="text", doc="TRADING where it can be traded."),
        Column(
            name="contract_type", field="contractType", kind="text", doc="PERPETUAL, CURRENT_QUARTER, ..."
        ),
        Column(name="base_asset", field="baseAsset", kind="text", doc="Asset that is traded."),
        Column(name="quote_asset", field="quoteAsset", kind="text", doc="Asset of its prices."),
        Column(name="margin_asset", field="marginAsset", kind="text", doc="Asset of its margin."),
        Column(name="onboard_date", field="onboardDate", kind="time", doc="When it was listed, UTC."),
        Column(
            name="delivery_date",
            field="deliveryDate",
            kind="time",
            doc="When it is delivered, UTC; in the year 2100 for perpetual contracts.",
        ),
        *PRICE_AND_LOT_RULES,
        rule("min_notional", "MIN_NOTIONAL.notional", "Smallest value of an order, in the quote asset."),
        rule(
            "price_multiplier_up",
            "PERCENT_PRICE.multiplierUp",
            "Highest price of a buy order, as a multiple of the mark price.",
        ),
        rule(
            "price_multiplier_down",
            "PERCENT_PRICE.multiplierDown",
            "Lowest price of a sell order, as a multiple of the mark price.",
        ),
        rule("max_orders", "MAX_NUM_ORDERS.limit", "Number of open orders allowed.", "integer"),
        Column(
            name="price_precision",
            field="pricePrecision",
            kind="integer",
            doc="Decimal places of prices; `tick_size` is what orders go by.",
        ),
        Column(
            name="quantity_precision",
            field="quantityPrecision",
            kind="integer",
            doc="Decimal places of quantities; `step_size` is what orders go by.",
        ),
        Column(
            name="base_asset_precision",
            field="baseAssetPrecision",
            kind="integer",
            doc="Decimal places of the base asset.",
        ),
        Column(
            name="quote_precision",
            field="quotePrecision",
            kind="integer",
            doc="Decimal places of the quote asset.",
        ),
        Column(name="underlying_type", field="underlyingType", kind="text", doc="COIN, INDEX, ..."),
        Column(
            name="underlying_subtypes", field="underlyingSubType", kind="texts", doc="Groups it belongs to."
        ),
        Column(
            name="trigger_protect",
            field="triggerProtect",
            kind="amount",
            doc="Difference of prices from which protected orders are not triggered, a fraction of 1.",
            exact=True,
        ),
        Column(
            name="liquidation_fee",
            field="liquidationFee",
            kind="amount",
            doc="Fee of a liquidation, a fraction of 1.",
            exact=True,
        ),
        Column(
            name="market_take_bound",
            field="marketTakeBound",
            kind="amount",
            doc="Difference of a market order's price from the mark price allowed, a fraction of 1.",
            exact=True,
        ),
        # The page of 2025 has "OrderType" in its example.
        Column(
            name="order_types",
            field=("orderTypes", "OrderType"),
            kind="texts",
            doc="Types of orders allowed.",
        ),
        Column(
            name="time_in_force",
            field="timeInForce",
            kind="texts",
            doc="How long orders may stay: GTC, IOC, ...",
        ),
    ),
    identity=("symbol",),
    whole=True,
    summary="The symbols and the rules for their orders, one row each.",
    notes=("Steps and bounds are exact numbers, whatever `numbers` says.",),
    source=f"{DOCS}/Exchange-Information",
)
