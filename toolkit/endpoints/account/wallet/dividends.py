"""Dividends and other distributions to the account."""

from __future__ import annotations

from datetime import timedelta

from toolkit.endpoints.account.wallet.shared import DOCS
from toolkit.endpoints.model import Column, Endpoint, Paging, Param, Window
from toolkit.endpoints.rate_limits import SAPI_IP

DIVIDENDS = Endpoint(
    name="dividends",
    system="account.wallet",
    path="/sapi/v1/asset/assetDividend",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    weight=10,
    params=(Param(field="asset", name="asset", kind="text", doc="Only this asset.", capitals=True),),
    window=Window(max_span=timedelta(days=180), default=timedelta(days=30)),
    paging=Paging(kind="limit", size="limit", default=20, maximum=500),
    rows_field="rows",
    ignored=("total",),
    columns=(
        Column(name="dividend_id", field="id", kind="id", doc="Id of the dividend."),
        Column(name="tran_id", field="tranId", kind="id", doc="Id of the transfer that paid it."),
        Column(name="asset", field="asset", kind="text", doc="Asset it was paid in."),
        Column(name="amount", field="amount", kind="amount", doc="Amount paid, in `asset`."),
        Column(name="time", field="divTime", kind="time", doc="When it was paid, UTC."),
        Column(name="info", field="enInfo", kind="text", doc="What it was paid for."),
        Column(
            name="direction",
            field="direction",
            kind="integer",
            doc="Its direction; 1 in the example (since 2026-08).",
            optional=True,
        ),
    ),
    identity=("dividend_id", "tran_id"),
    order_by="time",
    newest_first=True,  # as in the example of the page
    summary="Dividends, airdrops and rewards paid to the account, one row each.",
    source=f"{DOCS}/asset#asset-dividend-record",
)
