"""The API key itself: what it may do."""

from __future__ import annotations

from toolkit.endpoints.model import Column, Endpoint
from toolkit.endpoints.rate_limits import SAPI_IP


def _flag(name: str, field: str, doc: str, *, optional: bool = True) -> Column:
    return Column(name=name, field=field, kind="flag", doc=doc, optional=optional)


# Copies of the page differ in their fields. All have the three fields that are not optional here.
KEY_PERMISSIONS = Endpoint(
    name="key_permissions",
    system="account.wallet",
    path="/sapi/v1/account/apiRestrictions",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    columns=(
        _flag("ip_restrict", "ipRestrict", "Only listed addresses may use the key.", optional=False),
        Column(
            name="create_time",
            field="createTime",
            kind="time",
            doc="When the key was created, UTC.",
            optional=True,
        ),
        _flag("enable_reading", "enableReading", "May read.", optional=False),
        _flag("enable_withdrawals", "enableWithdrawals", "May withdraw.", optional=False),
        _flag(
            "enable_internal_transfer",
            "enableInternalTransfer",
            "May transfer between the master account and its sub-accounts.",
        ),
        _flag("permits_universal_transfer", "permitsUniversalTransfer", "May make universal transfers."),
        _flag("enable_margin", "enableMargin", "May borrow, repay and transfer on margin."),
        _flag("enable_futures", "enableFutures", "May trade futures."),
        _flag("enable_spot_and_margin_trading", "enableSpotAndMarginTrading", "May trade spot and margin."),
        _flag(
            "enable_portfolio_margin_trading", "enablePortfolioMarginTrading", "May trade Portfolio Margin."
        ),
        _flag("enable_vanilla_options", "enableVanillaOptions", "May trade European options."),
        _flag("enable_fix_api_trade", "enableFixApiTrade", "May trade over the FIX API (newer field)."),
        _flag("enable_fix_read_only", "enableFixReadOnly", "May read over the FIX API (newer field)."),
        Column(
            name="trading_authority_expiration_time",
            field="tradingAuthorityExpirationTime",
            kind="time",
            doc="When the permission to trade spot and margin ends, UTC; missing where it has no end.",
            optional=True,
        ),
    ),
    summary="The permissions of the key itself, and whether it is restricted by IP address, as one row.",
    notes=("Only a key that is restricted by IP address may withdraw.",),
    source="https://developers.binance.com/en/docs/catalog/core-trading-wallet/api/rest-api/account#get-api-key-permission",
)
