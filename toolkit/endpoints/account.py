"""The account that owns the key, as the Wallet API tells of it: what the key may do.

No door of `Link` reads it, so it is not among `ENDPOINTS`.
"""

from __future__ import annotations

from toolkit.endpoints.model import Column, Endpoint
from toolkit.endpoints.rate_limits import SAPI_IP


def _switch(name: str, field: str, doc: str, *, optional: bool = True) -> Column:
    return Column(name=name, field=field, kind="flag", doc=doc, optional=optional)


# Copies of the page differ in their fields. Those without which no key can be judged are in all of them.
KEY_PERMISSIONS = Endpoint(
    name="key_permissions",
    system="account",
    path="/sapi/v1/account/apiRestrictions",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    columns=(
        _switch("ip_restrict", "ipRestrict", "Only listed addresses may use the key.", optional=False),
        Column(
            name="create_time",
            field="createTime",
            kind="time",
            doc="When the key was created, UTC.",
            optional=True,
        ),
        _switch("enable_reading", "enableReading", "May read.", optional=False),
        _switch("enable_withdrawals", "enableWithdrawals", "May withdraw.", optional=False),
        _switch(
            "enable_internal_transfer",
            "enableInternalTransfer",
            "May transfer between the master account and its sub-accounts.",
        ),
        _switch("permits_universal_transfer", "permitsUniversalTransfer", "May make universal transfers."),
        _switch("enable_margin", "enableMargin", "May borrow, repay and transfer on margin."),
        _switch("enable_futures", "enableFutures", "May trade futures."),
        _switch("enable_spot_and_margin_trading", "enableSpotAndMarginTrading", "May trade spot and margin."),
        _switch(
            "enable_portfolio_margin_trading", "enablePortfolioMarginTrading", "May trade Portfolio Margin."
        ),
        _switch("enable_vanilla_options", "enableVanillaOptions", "May trade European options."),
        _switch("enable_fix_api_trade", "enableFixApiTrade", "May trade over the FIX API (newer field)."),
        _switch("enable_fix_read_only", "enableFixReadOnly", "May read over the FIX API (newer field)."),
        Column(
            name="trading_authority_expiration_time",
            field="tradingAuthorityExpirationTime",
            kind="time",
            doc="When the permission to trade spot and margin ends, UTC; missing where it does not.",
            optional=True,
        ),
    ),
    summary="What the key that asks may do, and whether from anywhere, as one row.",
    notes=("A key may withdraw only if it is limited to addresses.",),
    source="https://developers.binance.com/docs/wallet/account/api-key-permission",
)
