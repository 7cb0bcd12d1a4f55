"""What each sub-account holds, trades and may do: the partner's view through the sub-account API.

Sub-accounts are named by their e-mail addresses here, as `sub_accounts(emails="clear")` has them. Where a
response does not repeat the address, the column is taken from the request.
"""

from __future__ import annotations

from dataclasses import replace

from toolkit.endpoints.exchange_link.shared import FUTURES_TYPE, KEY_COLUMN
from toolkit.endpoints.model import Column, Endpoint, Paging, Param
from toolkit.endpoints.rate_limits import SAPI_IP, SAPI_UID

_DOCS = "https://developers.binance.com/legacy-docs/sub_account"
_ASSETS = f"{_DOCS}/asset-management"
_ACCOUNTS = f"{_DOCS}/account-management"

_EMAIL = Param(
    field="email",
    name="email",
    kind="email",
    doc="E-mail address of the sub-account.",
    required=True,
    several=True,
    private=True,
)
_EMAIL_DOC = "E-mail address of the sub-account (personal data)."
_REQUESTED_EMAIL = Column(
    name="email", field="", kind="email", doc=_EMAIL_DOC, derived="requested", of="email"
)
_ASSET = Column(name="asset", field="asset", kind="text", doc="Asset, such as BTC.")


def _amount(name: str, field: str | tuple[str, ...], doc: str, *, optional: bool = False) -> Column:
    return Column(name=name, field=field, kind="amount", doc=doc, optional=optional)


ASSETS = Endpoint(
    name="assets",
    system="exchange",
    path="/sapi/v4/sub-account/assets",
    security="USER_DATA",
    rate_limit=SAPI_UID,
    weight=60,
    params=(_EMAIL,),
    rows_field="balances",
    whole=True,
    columns=(
        _REQUESTED_EMAIL,
        _ASSET,
        _amount("free", "free", "What can be used, in the asset."),
        _amount("locked", "locked", "What orders lock, in the asset."),
        # In the official SDK of 2026; older descriptions of v4 have the first three fields only.
        _amount("freeze", "freeze", "What is frozen, in the asset (newer field).", optional=True),
        _amount("withdrawing", "withdrawing", "What is being withdrawn (newer field).", optional=True),
    ),
    identity=("email", "asset"),
    summary="The assets in the spot wallet of a sub-account, one row each.",
    notes=("For the value of all of them in BTC, use `link.exchange.spot_balances`.",),
    source=f"{_ASSETS}/Query-Sub-account-Assets-V4",
)


def _in_account(name: str) -> tuple[str, str]:
    """Where a field of the account is: USD-M and COIN-M accounts come in different objects."""
    return f"futureAccountResp.{name}", f"deliveryAccountResp.{name}"


def _held(name: str, field: str, doc: str) -> Column:
    return _amount(name, _in_account(f"assets[].{field}"), f"{doc}, in the asset.")


FUTURES_ACCOUNT = Endpoint(
    name="futures_account",
    system="exchange",
    path="/sapi/v2/sub-account/futures/account",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    params=(replace(_EMAIL, columns=("email",)), FUTURES_TYPE),
    columns=(
        Column(name="email", field=_in_account("email"), kind="email", doc=_EMAIL_DOC),
        Column(
            name="asset", field=_in_account("assets[].asset"), kind="text", doc="Asset, such as USDT or BTC."
        ),
        _held("wallet_balance", "walletBalance", "Balance of the wallet"),
        _held("unrealized_profit", "unrealizedProfit", "Unrealized profit of positions"),
        _held("margin_balance", "marginBalance", "Balance and unrealized profit"),
        _held("initial_margin", "initialMargin", "Initial margin"),
        _held("maintenance_margin", "maintenanceMargin", "Maintenance margin"),
        _held("position_initial_margin", "positionInitialMargin", "Initial margin of positions"),
        _held("open_order_initial_margin", "openOrderInitialMargin", "Initial margin of orders"),
        _held("max_withdraw_amount", "maxWithdrawAmount", "What can be transferred out"),
        Column(
            name="update_time",
            field=_in_account("updateTime"),
            kind="time",
            doc="When the account last changed, UTC; missing if it never did.",
            optional=True,
        ),
    ),
    whole=True,
    ignored=tuple(
        path
        for name in (
            "canDeposit",
            "canTrade",
            "canWithdraw",
            "feeTier",
            "maxWithdrawAmount",
            "totalInitialMargin",
            "totalMaintenanceMargin",
            "totalMarginBalance",
            "totalOpenOrderInitialMargin",
            "totalPositionInitialMargin",
            "totalUnrealizedProfit",
            "totalWalletBalance",
        )
        for path in _in_account(name)
    ),
    identity=("email", "asset"),
    summary="The assets in one futures wallet of a sub-account, one row each.",
    notes=("For totals in USD or BTC, use `link.exchange.futures_summary`.",),
    source=f"{_ASSETS}/Get-Detail-on-Sub-accounts-Futures-Account-V2",
)


def _in_summary(name: str) -> tuple[str, str]:
    """Where a field of a sub-account is in the summary."""
    return (
        f"futureAccountSummaryResp.subAccountList[].{name}",
        f"deliveryAccountSummaryResp.subAccountList[].{name}",
    )


def _total(name: str, field: str, doc: str, *, only_um: bool = False) -> Column:
    only = '; only for market "um"' if only_um else ""
    return _amount(name, _in_summary(field), f"{doc}, in `asset`{only}.", optional=only_um)


FUTURES_SUMMARY = Endpoint(
    name="futures_summary",
    system="exchange",
    path="/sapi/v2/sub-account/futures/accountSummary",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    weight=10,
    params=(FUTURES_TYPE,),
    paging=Paging(kind="page", size="limit", default=10, maximum=20),
    columns=(
        Column(name="email", field=_in_summary("email"), kind="email", doc=_EMAIL_DOC),
        Column(
            name="asset",
            field=_in_summary("asset"),
            kind="text",
            doc='Unit of the amounts: USD for market "um", BTC for "cm".',
        ),
        _total("total_wallet_balance", "totalWalletBalance", "Balance of the wallet"),
        _total("total_unrealized_profit", "totalUnrealizedProfit", "Unrealized profit of positions"),
        _total("total_margin_balance", "totalMarginBalance", "Balance and unrealized profit"),
        _total("total_initial_margin", "totalInitialMargin", "Initial margin", only_um=True),
        _total("total_maintenance_margin", "totalMaintenanceMargin", "Maintenance margin", only_um=True),
        _total(
            "total_position_initial_margin",
            "totalPositionInitialMargin",
            "Initial margin of positions",
            only_um=True,
        ),
        _total(
            "total_open_order_initial_margin",
            "totalOpenOrderInitialMargin",
            "Initial margin of orders",
            only_um=True,
        ),
    ),
    ignored=(
        # Of all sub-accounts together, which are the sums of the rows.
        *(
            f"futureAccountSummaryResp.{name}"
            for name in (
                "totalInitialMargin",
                "totalMaintenanceMargin",
                "totalMarginBalance",
                "totalOpenOrderInitialMargin",
                "totalPositionInitialMargin",
                "totalUnrealizedProfit",
                "totalWalletBalance",
                "asset",
            )
        ),
        *(
            f"deliveryAccountSummaryResp.{name}"
            for name in (
                "totalMarginBalanceOfBTC",
                "totalUnrealizedProfitOfBTC",
                "totalWalletBalanceOfBTC",
                "asset",
            )
        ),
    ),
    identity=("email",),
    summary="What all sub-accounts hold in one futures market, by e-mail address, one row each.",
    notes=("`link.exchange.futures_balances` has the same by the ids of the sub-accounts.",),
    source=f"{_ASSETS}/Get-Summary-of-Sub-accounts-Futures-Account-V2",
)


def _both(name: str) -> tuple[str, str]:
    """Where a field of a position is, of which both markets have one."""
    return f"futurePositionRiskVos[].{name}", f"deliveryPositionRiskVos[].{name}"


def _um(name: str, field: str, doc: str) -> Column:
    return _amount(name, f"futurePositionRiskVos[].{field}", f'{doc}; only for market "um".', optional=True)


def _cm(name: str, field: str, doc: str) -> Column:
    return _amount(name, f"deliveryPositionRiskVos[].{field}", f'{doc}; only for market "cm".', optional=True)


def _cm_flag(name: str, field: str, doc: str) -> Column:
    return Column(
        name=name,
        field=f"deliveryPositionRiskVos[].{field}",
        kind="flag",
        doc=f'{doc}; only for market "cm".',
        optional=True,
    )


POSITIONS = Endpoint(
    name="positions",
    system="exchange",
    path="/sapi/v2/sub-account/futures/positionRisk",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    params=(_EMAIL, FUTURES_TYPE),
    columns=(
        _REQUESTED_EMAIL,
        Column(name="symbol", field=_both("symbol"), kind="text", doc="Symbol, such as BTCUSDT."),
        Column(
            name="position_side",
            field="deliveryPositionRiskVos[].positionSide",
            kind="text",
            doc='BOTH, LONG or SHORT; only for market "cm".',
            optional=True,
        ),
        _amount(
            "position_amount",
            _both("positionAmount"),
            'Size: in the base asset for market "um", in contracts for "cm"; negative if short.',
        ),
        _amount("entry_price", _both("entryPrice"), "Average price of entry, in the quote asset."),
        _amount("mark_price", _both("markPrice"), "Mark price, in the quote asset."),
        _amount(
            "unrealized_profit",
            _both("unrealizedProfit"),
            'Unrealized profit: in the quote asset for market "um", in the base asset for "cm".',
        ),
        Column(name="leverage", field=_both("leverage"), kind="integer", doc="Leverage."),
        _um("liquidation_price", "liquidationPrice", "Price of liquidation, in the quote asset"),
        _um("max_notional", "maxNotional", "Largest notional at this leverage, in the quote asset"),
        _cm_flag("isolated", "isolated", "The margin is isolated"),
        _cm("isolated_wallet", "isolatedWallet", "Isolated wallet, in the base asset"),
        _cm("isolated_margin", "isolatedMargin", "Isolated margin, in the base asset"),
        _cm_flag("auto_add_margin", "isAutoAddMargin", "Margin is added by itself"),
    ),
    whole=True,
    # In hedge mode, market "um" has two rows for a symbol and does not say which side each is.
    identity=(),
    summary="The positions of a sub-account in one futures market, one row each.",
    source=f"{_ACCOUNTS}/Get-Futures-Position-Risk-of-Sub-account-V2",
)

MARGIN_ACCOUNT = Endpoint(
    name="margin_account",
    system="exchange",
    path="/sapi/v1/sub-account/margin/account",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    weight=10,
    params=(_EMAIL,),
    rows_field="marginUserAssetVoList",
    whole=True,
    ignored=(
        "marginLevel",
        "totalAssetOfBtc",
        "totalLiabilityOfBtc",
        "totalNetAssetOfBtc",
        "marginTradeCoeffVo",
    ),
    columns=(
        Column(name="email", field="email", kind="email", doc=_EMAIL_DOC, outer=True),
        _ASSET,
        _amount("free", "free", "What can be used, in the asset."),
        _amount("locked", "locked", "What orders lock, in the asset."),
        _amount("borrowed", "borrowed", "What was borrowed, in the asset."),
        _amount("interest", "interest", "Interest owed, in the asset."),
        _amount("net_asset", "netAsset", "What is left when all is paid back, in the asset."),
    ),
    identity=("email", "asset"),
    summary="The assets and debts of a sub-account on margin, one row each.",
    notes=("For totals in BTC and the margin level, use `link.exchange.margin_balances`.",),
    source=f"{_ASSETS}/Get-Detail-on-Sub-accounts-Margin-Account",
)

# Optional on the page, which does not say whose volumes come without it.
_STATISTICS_EMAIL = replace(_EMAIL, required=False, required_by_client=True)
_TOTALS = (
    _amount("btc", "recent30BtcTotal", "Volume of 30 days, in BTC."),
    _amount("btc_futures", "recent30BtcFuturesTotal", "Volume of 30 days on futures, in BTC."),
    _amount("btc_margin", "recent30BtcMarginTotal", "Volume of 30 days on margin, in BTC."),
    _amount("busd", "recent30BusdTotal", "Volume of 30 days, in BUSD."),
    _amount("busd_futures", "recent30BusdFuturesTotal", "Volume of 30 days on futures, in BUSD."),
    _amount("busd_margin", "recent30BusdMarginTotal", "Volume of 30 days on margin, in BUSD."),
)
_NOT_DOCUMENTED = "Whether the volumes without a market in their names include the others is not documented."

TRANSACTION_STATISTICS = Endpoint(
    name="transaction_statistics",
    system="exchange",
    path="/sapi/v1/sub-account/transaction-statistics",
    security="USER_DATA",
    rate_limit=SAPI_UID,
    weight=60,
    params=(_STATISTICS_EMAIL,),
    rows_field="tradeInfoVos",
    whole=True,
    ignored=tuple(str(column.field) for column in _TOTALS),
    columns=(
        _REQUESTED_EMAIL,
        Column(name="user_id", field="userId", kind="id", doc="Id of the account.", named=True),
        Column(name="time", field="date", kind="time", doc="The day, as midnight UTC at its start."),
        _amount("btc", "btc", "Volume, in BTC."),
        _amount("btc_futures", "btcFutures", "Volume on futures, in BTC."),
        _amount("btc_margin", "btcMargin", "Volume on margin, in BTC."),
        _amount("busd", "busd", "Volume, in BUSD."),
        _amount("busd_futures", "busdFutures", "Volume on futures, in BUSD."),
        _amount("busd_margin", "busdMargin", "Volume on margin, in BUSD."),
    ),
    identity=("user_id", "time"),
    order_by="time",
    summary="How much a sub-account traded in the last 30 days, one row a day.",
    notes=(
        "Days without trades have no row. For the sums, use `link.exchange.transaction_totals`.",
        _NOT_DOCUMENTED,
    ),
    source=f"{_ACCOUNTS}/Query-Sub-account-Transaction-Statistics",
)

TRANSACTION_TOTALS = Endpoint(
    name="transaction_totals",
    system="exchange",
    path="/sapi/v1/sub-account/transaction-statistics",
    security="USER_DATA",
    rate_limit=SAPI_UID,
    weight=60,
    params=(_STATISTICS_EMAIL,),
    ignored=("tradeInfoVos",),
    columns=(_REQUESTED_EMAIL, *_TOTALS),
    identity=("email",),
    summary="How much a sub-account traded in the last 30 days in all, as one row.",
    notes=(_NOT_DOCUMENTED,),
    source=f"{_ACCOUNTS}/Query-Sub-account-Transaction-Statistics",
)

KEY_AUDIT = Endpoint(
    name="key_audit",
    system="exchange",
    path="/sapi/v1/sub-account/subAccountApi",  # since July 2026
    security="USER_DATA",
    rate_limit=SAPI_UID,
    weight=3000,
    params=(
        _EMAIL,
        Param(
            field="subAccountApiKey",
            name="api_key",
            kind="id",
            doc="Only this API key; all keys of the sub-account if not given.",
            private=True,
            columns=("api_key",),
        ),
    ),
    paging=Paging(kind="page", size="size", default=30, maximum=100),
    rows_field="rows",
    ignored=("total",),
    columns=(
        Column(name="email", field="email", kind="email", doc=_EMAIL_DOC),
        Column(name="api_name", field="apiName", kind="text", doc="Name that the key was given."),
        KEY_COLUMN,
        Column(name="can_trade", field="canTrade", kind="flag", doc="May trade spot and margin."),
        Column(
            name="can_margin_loan_repay",
            field="canMarginLoanRepay",
            kind="flag",
            doc="May borrow and repay on margin.",
        ),
        Column(name="can_futures_trade", field="canFuturesTrade", kind="flag", doc="May trade futures."),
        Column(
            name="can_universal_transfer",
            field="canUniversalTransfer",
            kind="flag",
            doc="May make universal transfers.",
        ),
        Column(
            name="can_vanilla_options",
            field="canVanillaOptions",
            kind="flag",
            doc="May trade European options.",
        ),
        Column(
            name="time",
            field="timestamp",
            kind="time",
            doc="Time that the exchange has for the key, UTC; of what is not documented.",
        ),
    ),
    # Two keys may have the same mask, so only rows that are equal as a whole are duplicates.
    identity=(),
    summary="The API keys of a sub-account and what each may do, one row a key.",
    notes=("Unlike `link.exchange.api_keys`, it has the names of the keys and three more permissions.",),
    source="https://developers.binance.com/en/docs/catalog/vip-and-institutional-sub-account/api/rest-api/api-management#query-sub-account-api-key",
)
