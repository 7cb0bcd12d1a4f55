"""The symbols and the rules for their orders."""

from __future__ import annotations

from types import MappingProxyType

from toolkit.endpoints.market.order_rules import PRICE_AND_LOT_RULES, rule
from toolkit.endpoints.market.shared import ONLY_SYMBOL, SYMBOL_COLUMN
from toolkit.endpoints.market.spot.shared import GENERAL_DOCS, ONLY_SYMBOLS, SYMBOL_STATUS
from toolkit.endpoints.model import Column, Endpoint, Param
from toolkit.endpoints.rate_limits import API

_USED_FILTERS = MappingProxyType(
    {
        "PRICE_FILTER": ("priceExponent",),
        "LOT_SIZE": ("qtyExponent",),
        "MARKET_LOT_SIZE": ("qtyExponent",),
        "NOTIONAL": ("priceExponent", "applyMinToMarket", "applyMaxToMarket", "avgPriceMins"),
        "MIN_NOTIONAL": ("priceExponent", "applyToMarket", "avgPriceMins"),
        "PERCENT_PRICE_BY_SIDE": ("multiplierExponent", "avgPriceMins"),
        "MAX_NUM_ORDERS": (),
    }
)
_OTHER_FILTERS = (
    *("PERCENT_PRICE", "ICEBERG_PARTS", "MAX_NUM_ALGO_ORDERS", "MAX_NUM_ICEBERG_ORDERS", "MAX_POSITION"),
    *("TRAILING_DELTA", "MAX_NUM_ORDER_AMENDS", "MAX_NUM_ORDER_LISTS", "MAX_ASSET", "T_PLUS_SELL"),
)


def _precision(name: str, field: str, of: str) -> Column:
    return Column(name=name, field=field, kind="integer", doc=f"Decimal places of {of}.")


def _flag(name: str, field: str, doc: str, *, since_2025: bool = False) -> Column:
    return Column(name=name, field=field, kind="flag", doc=doc, optional=since_2025)


SYMBOLS = Endpoint(
    name="symbols",
    system="market.spot",
    path="/api/v3/exchangeInfo",
    security="NONE",
    rate_limit=API,
    weight=20,
    params=(
        ONLY_SYMBOL,
        ONLY_SYMBOLS,
        Param(
            field="permissions",
            name="permissions",
            kind="texts",
            doc='Only symbols with one of these permissions; by default "SPOT", "MARGIN" or "LEVERAGED".',
        ),
    ),
    unused=(
        # "Cannot be used in combination with symbols or symbol"; the status is a column.
        SYMBOL_STATUS,
        Param(
            field="showPermissionSets",
            name="show_permission_sets",
            kind="flag",
            doc="Whether the permission sets are filled in.",
            default=True,
        ),
    ),
    mutually_exclusive=("symbol", "symbols", "permissions"),
    rows_field="symbols",
    ignored=(
        # Around the rows.
        *("timezone", "serverTime", "rateLimits", "exchangeFilters", "sors"),
        "permissions",  # empty since there are permission sets
        *(f"filters[filterType={name}]" for name in _OTHER_FILTERS),
        *(
            f"filters[filterType={name}].{field}"
            for name, fields in _USED_FILTERS.items()
            for field in fields
        ),
    ),
    columns=(
        SYMBOL_COLUMN,
        Column(
            name="status", field="status", kind="text", doc="TRADING where it can be traded, HALT, BREAK, ..."
        ),
        Column(name="base_asset", field="baseAsset", kind="text", doc="Asset that is traded."),
        Column(name="quote_asset", field="quoteAsset", kind="text", doc="Asset of its prices."),
        *PRICE_AND_LOT_RULES,
        rule(
            "min_notional",
            ("NOTIONAL.minNotional", "MIN_NOTIONAL.minNotional"),
            "Smallest value of an order, in the quote asset.",
        ),
        rule("max_notional", "NOTIONAL.maxNotional", "Largest value of an order, in the quote asset."),
        rule(
            "bid_multiplier_up",
            "PERCENT_PRICE_BY_SIDE.bidMultiplierUp",
            "Highest price of a buy order, as a multiple of the average price.",
        ),
        rule(
            "bid_multiplier_down",
            "PERCENT_PRICE_BY_SIDE.bidMultiplierDown",
            "Lowest price of a buy order, as a multiple of the average price.",
        ),
        rule(
            "ask_multiplier_up",
            "PERCENT_PRICE_BY_SIDE.askMultiplierUp",
            "Highest price of a sell order, as a multiple of the average price.",
        ),
        rule(
            "ask_multiplier_down",
            "PERCENT_PRICE_BY_SIDE.askMultiplierDown",
            "Lowest price of a sell order, as a multiple of the average price.",
        ),
        rule("max_orders", "MAX_NUM_ORDERS.maxNumOrders", "Number of open orders allowed.", "integer"),
        _precision("base_asset_precision", "baseAssetPrecision", "the base asset"),
        _precision("quote_precision", "quotePrecision", "the quote asset, by its older name"),
        _precision("quote_asset_precision", "quoteAssetPrecision", "the quote asset"),
        _precision("base_commission_precision", "baseCommissionPrecision", "commissions in the base asset"),
        _precision(
            "quote_commission_precision", "quoteCommissionPrecision", "commissions in the quote asset"
        ),
        Column(name="order_types", field="orderTypes", kind="texts", doc="Types of orders allowed."),
        Column(
            name="permission_sets",
            field="permissionSets[]",
            kind="texts",
            doc='Permissions to trade it: an account needs one of each text, as in "SPOT|MARGIN".',
        ),
        _flag("is_spot_trading_allowed", "isSpotTradingAllowed", "It can be traded on spot accounts."),
        _flag("is_margin_trading_allowed", "isMarginTradingAllowed", "It can be traded on margin accounts."),
        _flag("iceberg_allowed", "icebergAllowed", "Iceberg orders are allowed."),
        _flag("oco_allowed", "ocoAllowed", "Order lists are allowed of which one order cancels the other."),
        _flag("oto_allowed", "otoAllowed", "Order lists are allowed of which one order triggers the other."),
        _flag(
            "opo_allowed",
            "opoAllowed",
            "Order lists are allowed of which one order pays for the other.",
            since_2025=True,
        ),
        _flag(
            "quote_order_qty_market_allowed",
            "quoteOrderQtyMarketAllowed",
            "Market orders may be for an amount in the quote asset.",
        ),
        _flag("allow_trailing_stop", "allowTrailingStop", "Trailing stops are allowed."),
        _flag("cancel_replace_allowed", "cancelReplaceAllowed", "Orders can be replaced in one request."),
        _flag("amend_allowed", "amendAllowed", "Quantities of orders can be reduced.", since_2025=True),
        _flag(
            "peg_instructions_allowed",
            "pegInstructionsAllowed",
            "Prices of orders may follow the book.",
            since_2025=True,
        ),
        Column(
            name="default_self_trade_prevention_mode",
            field="defaultSelfTradePreventionMode",
            kind="text",
            doc="What happens by default to orders that would trade with another one of the account.",
        ),
        Column(
            name="allowed_self_trade_prevention_modes",
            field="allowedSelfTradePreventionModes",
            kind="texts",
            doc="What an order may say instead.",
        ),
    ),
    identity=("symbol",),
    whole=True,
    summary="The symbols and the rules for their orders, one row each.",
    notes=("Steps and bounds are exact numbers, whatever `numbers` says.",),
    source=f"{GENERAL_DOCS}#exchange-info",
)
