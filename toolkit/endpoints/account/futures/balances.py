"""The futures wallet: the account as a whole, its assets and their balances."""

from __future__ import annotations

from toolkit.endpoints.account.futures.shared import ACCOUNT_DOCS, UPDATE_TIME, amount
from toolkit.endpoints.model import Column, Endpoint
from toolkit.endpoints.rate_limits import FAPI

_TOTALS = (
    amount("total_wallet_balance", "totalWalletBalance", "Balance of the wallet, in USD."),
    amount("total_unrealized_profit", "totalUnrealizedProfit", "Unrealized profit of positions, in USD."),
    amount("total_margin_balance", "totalMarginBalance", "Balance and unrealized profit, in USD."),
    amount("total_initial_margin", "totalInitialMargin", "Initial margin, in USD."),
    amount("total_maintenance_margin", "totalMaintMargin", "Maintenance margin, in USD."),
    amount(
        "total_position_initial_margin",
        "totalPositionInitialMargin",
        "Initial margin of positions, in USD.",
    ),
    amount(
        "total_open_order_initial_margin",
        "totalOpenOrderInitialMargin",
        "Initial margin of orders, in USD.",
    ),
    amount(
        "total_cross_wallet_balance",
        "totalCrossWalletBalance",
        "Balance for crossed positions, in USD.",
    ),
    amount("total_cross_unrealized_pnl", "totalCrossUnPnl", "Unrealized profit of crossed ones, in USD."),
    amount("available_balance", "availableBalance", "What can be used for new positions, in USD."),
    amount("max_withdraw_amount", "maxWithdrawAmount", "What can be transferred out, in USD."),
)

INFO = Endpoint(
    name="info",
    system="account.futures",
    path="/fapi/v3/account",
    security="USER_DATA",
    rate_limit=FAPI,
    weight=5,
    columns=_TOTALS,
    ignored=("assets", "positions"),
    summary="The totals of the futures account, as one row.",
    notes=(
        "In single-asset mode they are those of USDT, in multi-assets mode those of all assets, in USD.",
        "For the assets, use `link.account.futures.assets`, and for positions "
        "`link.account.futures.positions`.",
    ),
    source=f"{ACCOUNT_DOCS}/Account-Information-V3",
)

ASSETS = Endpoint(
    name="assets",
    system="account.futures",
    path="/fapi/v3/account",
    security="USER_DATA",
    rate_limit=FAPI,
    weight=5,
    rows_field="assets",
    whole=True,
    ignored=("positions", *(str(column.field) for column in _TOTALS)),
    columns=(
        Column(name="asset", field="asset", kind="text", doc="Asset, such as USDT."),
        amount("wallet_balance", "walletBalance", "Balance of the wallet, in the asset."),
        amount("unrealized_profit", "unrealizedProfit", "Unrealized profit of positions, in the asset."),
        amount("margin_balance", "marginBalance", "Balance and unrealized profit, in the asset."),
        amount("maintenance_margin", "maintMargin", "Maintenance margin, in the asset."),
        amount("initial_margin", "initialMargin", "Initial margin at the mark price, in the asset."),
        amount(
            "position_initial_margin", "positionInitialMargin", "Initial margin of positions, in the asset."
        ),
        amount(
            "open_order_initial_margin", "openOrderInitialMargin", "Initial margin of orders, in the asset."
        ),
        amount("cross_wallet_balance", "crossWalletBalance", "Balance for crossed positions, in the asset."),
        amount("cross_unrealized_pnl", "crossUnPnl", "Unrealized profit of crossed ones, in the asset."),
        amount("available_balance", "availableBalance", "What can be used for new positions, in the asset."),
        amount("max_withdraw_amount", "maxWithdrawAmount", "What can be transferred out, in the asset."),
        UPDATE_TIME,
    ),
    identity=("asset",),
    summary="The assets of the futures account with their margins, one row each.",
    source=f"{ACCOUNT_DOCS}/Account-Information-V3",
)

BALANCES = Endpoint(
    name="balances",
    system="account.futures",
    path="/fapi/v3/balance",
    security="USER_DATA",
    rate_limit=FAPI,
    weight=5,
    columns=(
        Column(name="account_alias", field="accountAlias", kind="id", doc="Short code of the account."),
        Column(name="asset", field="asset", kind="text", doc="Asset, such as USDT."),
        amount("balance", "balance", "Balance of the wallet, in the asset."),
        amount(
            "cross_wallet_balance", "crossWalletBalance", "Part of it for crossed positions, in the asset."
        ),
        amount("cross_unrealized_pnl", "crossUnPnl", "Unrealized profit of crossed positions, in the asset."),
        amount("available_balance", "availableBalance", "What can be used for new positions, in the asset."),
        amount("max_withdraw_amount", "maxWithdrawAmount", "What can be transferred out, in the asset."),
        Column(
            name="margin_available",
            field="marginAvailable",
            kind="flag",
            doc="Whether it serves as margin in multi-assets mode.",
        ),
        UPDATE_TIME,
    ),
    whole=True,
    identity=("asset",),
    summary="The assets of the USD-M futures wallet, one row each.",
    source=f"{ACCOUNT_DOCS}/Futures-Account-Balance-V3",
)
