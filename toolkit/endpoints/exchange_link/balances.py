"""Reads of the sub-accounts' balances."""

from __future__ import annotations

from toolkit.endpoints.exchange_link.shared import ANY_SUB_ACCOUNT, DOCS, FUTURES_TYPE, SUB_ACCOUNT_ID
from toolkit.endpoints.model import Column, Endpoint, Paging
from toolkit.endpoints.rate_limits import SAPI_IP, SAPI_UID

_SNAPSHOT = Column(
    name="time",
    field="timestamp",
    kind="time",
    doc="Time of the snapshot at the exchange, UTC.",
    outer=True,
)

# "If subAccountId is not sent, size must be sent": the toolkit always sends the size.
_BALANCE_PAGES = Paging(kind="page", size="size", default=10, maximum=20)

SPOT_BALANCES = Endpoint(
    name="spot_balances",
    system="exchange",
    path="/sapi/v1/broker/subAccount/spotSummary",
    rate_limit=SAPI_UID,
    weight=3000,
    params=(ANY_SUB_ACCOUNT,),
    paging=_BALANCE_PAGES,
    rows_field="data",
    columns=(
        SUB_ACCOUNT_ID,
        Column(
            name="total_balance_of_btc",
            field="totalBalanceOfBtc",
            kind="amount",
            doc="Value of all spot assets, in BTC.",
        ),
        _SNAPSHOT,
    ),
    identity=("sub_account_id",),
    summary="The spot balance of each sub-account, one row each.",
    notes=("A request returns up to 20 sub-accounts, and the rate limit allows 60 requests a minute.",),
    source=f"{DOCS}/asset/Query-Sub-Account-Spot-Asset-Info",
)

MARGIN_BALANCES = Endpoint(
    name="margin_balances",
    system="exchange",
    path="/sapi/v1/broker/subAccount/marginSummary",
    rate_limit=SAPI_IP,
    params=(ANY_SUB_ACCOUNT,),
    paging=_BALANCE_PAGES,
    rows_field="data",
    columns=(
        Column(name="margin_enable", field="marginEnable", kind="flag", doc="Margin is enabled."),
        SUB_ACCOUNT_ID,
        Column(
            name="total_asset_of_btc",
            field="totalAssetOfBtc",
            kind="amount",
            doc="Assets, in BTC; missing where margin is not enabled.",
            optional=True,
        ),
        Column(
            name="total_liability_of_btc",
            field="totalLiabilityOfBtc",
            kind="amount",
            doc="Liabilities, in BTC; missing where margin is not enabled.",
            optional=True,
        ),
        Column(
            name="total_net_asset_of_btc",
            field="totalNetAssetOfBtc",
            kind="amount",
            doc="Assets minus liabilities, in BTC; missing where margin is not enabled.",
            optional=True,
        ),
        Column(
            name="margin_level",
            field="marginLevel",
            kind="amount",
            doc="Ratio of assets to liabilities; missing where margin is not enabled.",
            optional=True,
        ),
        _SNAPSHOT,
    ),
    identity=("sub_account_id",),
    summary="What each sub-account owns and owes on margin, one row each.",
    source=f"{DOCS}/asset/Query-Sub-Account-Margin-Asset-Info",
)


def _um(name: str, field: str, doc: str) -> Column:
    return Column(
        name=name, field=field, kind="amount", doc=f'{doc}, in USD; only for market "um".', optional=True
    )


def _cm(name: str, field: str, doc: str) -> Column:
    return Column(
        name=name, field=field, kind="amount", doc=f'{doc}, in USDT; only for market "cm".', optional=True
    )


FUTURES_BALANCES = Endpoint(
    name="futures_balances",
    system="exchange",
    path="/sapi/v3/broker/subAccount/futuresSummary",  # v1 and v2 were announced for deletion in 2024
    rate_limit=SAPI_UID,
    weight=60,
    params=(FUTURES_TYPE, ANY_SUB_ACCOUNT),
    paging=_BALANCE_PAGES,
    rows_field="data",
    columns=(
        SUB_ACCOUNT_ID,
        Column(name="futures_enable", field="futuresEnable", kind="flag", doc="Futures are enabled."),
        Column(
            name="asset",
            field="asset",
            kind="text",
            doc='Unit of the amounts, "USD"; only for market "um".',
            optional=True,
        ),
        _um("total_initial_margin", "totalInitialMargin", "Initial margin"),
        _um("total_maintenance_margin", "totalMaintenanceMargin", "Maintenance margin"),
        _um("total_wallet_balance", "totalWalletBalance", "Wallet balance"),
        _um("total_unrealized_profit", "totalUnrealizedProfit", "Unrealised profit"),
        _um("total_margin_balance", "totalMarginBalance", "Margin balance"),
        _um("total_position_initial_margin", "totalPositionInitialMargin", "Initial margin of positions"),
        _um("total_open_order_initial_margin", "totalOpenOrderInitialMargin", "Initial margin of orders"),
        _cm("total_wallet_balance_of_usdt", "totalWalletBalanceOfUsdt", "Wallet balance"),
        _cm("total_unrealized_profit_of_usdt", "totalUnrealizedProfitOfUsdt", "Unrealised profit"),
        _cm("total_margin_balance_of_usdt", "totalMarginBalanceOfUsdt", "Margin balance"),
        _SNAPSHOT,
    ),
    identity=("sub_account_id",),
    summary="What each sub-account holds in one futures market, one row each.",
    notes=("For sub-accounts without futures, only the id and `futures_enable` are set.",),
    source=f"{DOCS}/asset/Query-Sub-Account-Futures-Asset-Info",
)
