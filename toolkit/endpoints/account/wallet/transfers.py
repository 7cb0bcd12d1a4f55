"""Transfers between the wallets of the account."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType

from toolkit.endpoints.account.wallet.shared import DOCS
from toolkit.endpoints.model import Column, Endpoint, Paging, Param, Window
from toolkit.endpoints.rate_limits import SAPI_IP

_WALLETS = {
    "spot": "MAIN",
    "funding": "FUNDING",
    "um": "UMFUTURE",
    "cm": "CMFUTURE",
    "margin": "MARGIN",
    "option": "OPTION",
    "portfolio_margin": "PORTFOLIO_MARGIN",
}
# Those of the exchange's SDK, without isolated margin: its types need the symbols as well.
_PAIRS = (
    *(("spot", other) for other in ("um", "cm", "margin", "funding", "option", "portfolio_margin")),
    *(("funding", other) for other in ("um", "cm", "margin", "option")),
    *(("margin", other) for other in ("um", "cm", "option")),
    ("um", "option"),
)
DIRECTIONS = MappingProxyType(
    {
        f"{source}_to_{target}": f"{_WALLETS[source]}_{_WALLETS[target]}"
        for one, other in _PAIRS
        for source, target in ((one, other), (other, one))
    }
)

TRANSFERS = Endpoint(
    name="transfers",
    system="account.wallet",
    path="/sapi/v1/asset/transfer",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    params=(
        Param(
            field="type",
            name="direction",
            kind="choice",
            doc='From which wallet to which, such as "spot_to_um" or "funding_to_spot". '
            'The wallets are "spot", "funding", "um", "cm", "margin", "option" and "portfolio_margin".',
            required=True,
            choices=DIRECTIONS,
            example="spot_to_um",
            several=True,
        ),
    ),
    unused=(
        Param(
            field="current", name="current", kind="integer", doc="Number of the page.", default=1, minimum=1
        ),
        Param(field="fromSymbol", name="from_symbol", kind="text", doc="Symbol of isolated margin."),
        Param(field="toSymbol", name="to_symbol", kind="text", doc="Symbol of isolated margin."),
    ),
    # "Support query within the last 6 months only", read as 180 days.
    window=Window(max_span=None, default=timedelta(days=7), retention=timedelta(days=180)),
    # Not by pages: nothing says whether the first one has the oldest rows or the newest.
    paging=Paging(kind="limit", size="size", default=10, maximum=100),
    rows_field="rows",
    ignored=("total",),
    columns=(
        Column(name="tran_id", field="tranId", kind="id", doc="Id of the transfer."),
        Column(
            name="type",
            field="type",
            kind="text",
            doc="The direction in the exchange's words: MAIN_UMFUTURE is from spot to USD-M futures.",
        ),
        Column(name="asset", field="asset", kind="text", doc="The asset."),
        Column(name="amount", field="amount", kind="amount", doc="Amount transferred, in `asset`."),
        Column(name="status", field="status", kind="text", doc="PENDING, CONFIRMED or FAILED."),
        Column(name="time", field="timestamp", kind="time", doc="When it was made, UTC."),
    ),
    identity=("tran_id", "type"),
    order_by="time",
    either_order=True,
    summary="Transfers between wallets of the account, one row each.",
    notes=(
        "The exchange keeps the last six months.",
        "Transfers between accounts are in `link.exchange.transfers` and its neighbours.",
    ),
    source=f"{DOCS}/asset#query-user-universal-transfer-history",
)
