"""Reads of the partner, its sub-accounts and their API keys."""

from __future__ import annotations

from dataclasses import replace

from toolkit.endpoints.exchange_link.shared import (
    ANY_SUB_ACCOUNT,
    DOCS,
    KEY_COLUMN,
    SUB_ACCOUNT,
    SUB_ACCOUNT_ID,
)
from toolkit.endpoints.model import Column, Endpoint, Paging, Param
from toolkit.endpoints.rate_limits import SAPI_IP

_API_KEY = Param(
    field="subAccountApiKey",
    name="api_key",
    kind="id",
    doc="API key of the sub-account.",
    required=True,
    private=True,
    columns=("api_key",),
)

SUB_ACCOUNTS = Endpoint(
    name="sub_accounts",
    system="exchange",
    path="/sapi/v1/broker/subAccount",
    rate_limit=SAPI_IP,
    params=(ANY_SUB_ACCOUNT,),
    # The page has no maximum; gocryptotrader, written from the 2026 documentation, has 500.
    paging=Paging(kind="page", size="size", default=500, maximum=500),
    columns=(
        SUB_ACCOUNT_ID,
        Column(name="email", field="email", kind="email", doc="E-mail address (personal data)."),
        Column(name="tag", field="tag", kind="text", doc="Tag it was created with."),
        Column(
            name="maker_commission",
            field="makerCommission",
            kind="amount",
            doc="Spot maker commission, as a fraction: 0.001 is 0.1 %.",
        ),
        Column(
            name="taker_commission",
            field="takerCommission",
            kind="amount",
            doc="Spot taker commission, as a fraction.",
        ),
        # The example shows 10 beside spot rates of 0.001: the unit of margin rates is unclear.
        Column(
            name="margin_maker_commission",
            field="marginMakerCommission",
            kind="amount",
            doc="Margin maker commission; -1 means margin is off. The unit is not documented.",
        ),
        Column(
            name="margin_taker_commission",
            field="marginTakerCommission",
            kind="amount",
            doc="Margin taker commission; -1 means margin is off. The unit is not documented.",
        ),
        Column(name="create_time", field="createTime", kind="time", doc="When it was created, UTC."),
    ),
    identity=("sub_account_id",),
    order_by="create_time",
    summary="The partner's sub-accounts, one row each.",
    source=f"{DOCS}/account/Query-Sub-Account",
)

API_KEYS = Endpoint(
    name="api_keys",
    system="exchange",
    path="/sapi/v1/broker/subAccountApi",
    permission="trade",
    rate_limit=SAPI_IP,
    params=(
        replace(SUB_ACCOUNT, several=True),
        Param(
            field="subAccountApiKey",
            name="api_key",
            kind="id",
            doc="Only this API key; all keys of the sub-account if not given.",
            private=True,
            columns=("api_key",),
        ),
    ),
    paging=Paging(kind="page", size="size", default=500, maximum=500),
    columns=(
        SUB_ACCOUNT_ID,
        KEY_COLUMN,
        Column(name="can_trade", field="canTrade", kind="flag", doc="May trade spot."),
        Column(name="margin_trade", field="marginTrade", kind="flag", doc="May trade on margin."),
        Column(name="futures_trade", field="futuresTrade", kind="flag", doc="May trade futures."),
    ),
    # Two keys may have the same mask, so only rows that are equal as a whole are duplicates.
    identity=(),
    summary="The API keys of a sub-account and what each may do, one row a key.",
    notes=('The key of the request needs the "trade" permission.',),
    source=f"{DOCS}/account/Query-Sub-Account-Api-Key",
)

IP_RESTRICTION = Endpoint(
    name="ip_restriction",
    system="exchange",
    path="/sapi/v1/broker/subAccountApi/ipRestriction",
    rate_limit=SAPI_IP,
    params=(SUB_ACCOUNT, _API_KEY),
    columns=(
        SUB_ACCOUNT_ID,
        Column(
            name="ip_restrict",
            field="ipRestrict",
            kind="flag",
            doc="Only listed IP addresses may use the key.",
        ),
        KEY_COLUMN,
        Column(name="ip_list", field="ipList", kind="texts", doc="IP addresses that may use the key."),
        Column(name="update_time", field="updateTime", kind="time", doc="Last change, UTC."),
    ),
    summary="The IP addresses one API key of a sub-account may be used from, as one row.",
    source=f"{DOCS}/account/Get-IPRestriction-for-Sub-Account-Api-Key",
)

PARTNER = Endpoint(
    name="partner",
    system="exchange",
    path="/sapi/v1/broker/info",
    security="USER_DATA",  # in transcriptions of the 2026 documentation, not on the page of 2025
    rate_limit=SAPI_IP,
    columns=(
        Column(
            name="max_maker_commission",
            field="maxMakerCommission",
            kind="amount",
            doc="Highest maker commission the partner may set, as a fraction: 0.002 is 0.2 %.",
        ),
        Column(
            name="min_maker_commission",
            field="minMakerCommission",
            kind="amount",
            doc="Lowest maker commission, as a fraction.",
        ),
        Column(
            name="max_taker_commission",
            field="maxTakerCommission",
            kind="amount",
            doc="Highest taker commission, as a fraction.",
        ),
        Column(
            name="min_taker_commission",
            field="minTakerCommission",
            kind="amount",
            doc="Lowest taker commission, as a fraction.",
        ),
        Column(name="sub_account_qty", field="subAccountQty", kind="integer", doc="Number of sub-accounts."),
        Column(
            name="max_sub_account_qty",
            field="maxSubAccountQty",
            kind="integer",
            doc="Maximum number of sub-accounts.",
        ),
    ),
    summary="The partner's commission limits and number of sub-accounts, as one row.",
    source=f"{DOCS}/account/Link-Account-Information",
)

BNB_BURN = Endpoint(
    name="bnb_burn",
    system="exchange",
    path="/sapi/v1/broker/subAccount/bnbBurn/status",
    rate_limit=SAPI_IP,
    params=(SUB_ACCOUNT,),
    columns=(
        SUB_ACCOUNT_ID,
        Column(name="spot_bnb_burn", field="spotBNBBurn", kind="flag", doc="Pays spot fees in BNB."),
        Column(
            name="interest_bnb_burn", field="interestBNBBurn", kind="flag", doc="Pays margin interest in BNB."
        ),
    ),
    identity=("sub_account_id",),
    summary="Whether a sub-account pays fees and interest in BNB, as one row.",
    source=f"{DOCS}/account/Get-BNB-Burn-Status-for-Sub-Account",
)
