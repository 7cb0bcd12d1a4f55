"""Positions of the futures account."""

from __future__ import annotations

from toolkit.endpoints.account.futures.shared import POSITION_SIDE, TRADE_DOCS, UPDATE_TIME, amount
from toolkit.endpoints.market.shared import ONLY_SYMBOL, SYMBOL_COLUMN
from toolkit.endpoints.model import Column, Endpoint
from toolkit.endpoints.rate_limits import FAPI

POSITIONS = Endpoint(
    name="positions",
    system="account.futures",
    path="/fapi/v3/positionRisk",
    security="USER_DATA",
    rate_limit=FAPI,
    weight=5,
    params=(ONLY_SYMBOL,),
    columns=(
        SYMBOL_COLUMN,
        POSITION_SIDE,
        amount("position_amount", "positionAmt", "Size, in the base asset; negative if short."),
        amount("entry_price", "entryPrice", "Average price of entry, in the quote asset."),
        amount("break_even_price", "breakEvenPrice", "Price at which fees are earned back."),
        amount("mark_price", "markPrice", "Mark price, in the quote asset."),
        amount("unrealized_profit", "unRealizedProfit", "Unrealized profit, in `margin_asset`."),
        amount("liquidation_price", "liquidationPrice", "Price of liquidation; 0 if there is none."),
        amount("isolated_margin", "isolatedMargin", "Isolated margin, in `margin_asset`."),
        amount("notional", "notional", "Size at the mark price, in the quote asset; negative if short."),
        Column(name="margin_asset", field="marginAsset", kind="text", doc="The asset of the margin."),
        amount("isolated_wallet", "isolatedWallet", "Isolated wallet, in `margin_asset`."),
        amount("initial_margin", "initialMargin", "Initial margin, in `margin_asset`."),
        amount("maintenance_margin", "maintMargin", "Maintenance margin, in `margin_asset`."),
        amount("position_initial_margin", "positionInitialMargin", "Initial margin of the position alone."),
        amount("open_order_initial_margin", "openOrderInitialMargin", "Initial margin of its orders."),
        Column(
            name="adl",
            field="adl",
            kind="integer",
            doc="Place in the queue of auto-deleveraging, from 0 to 4, the first to be closed.",
        ),
        amount("bid_notional", "bidNotional", "Size of orders to buy, in the quote asset."),
        amount("ask_notional", "askNotional", "Size of orders to sell, in the quote asset."),
        UPDATE_TIME,
    ),
    whole=True,
    identity=("symbol", "position_side"),
    summary="The open positions, and symbols with open orders, one row each.",
    source=f"{TRADE_DOCS}/Position-Information-V3",
)
