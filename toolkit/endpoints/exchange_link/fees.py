"""Reads of the sub-accounts' commissions and of the rebates they earn the partner."""

from __future__ import annotations

from datetime import timedelta

from toolkit.endpoints.exchange_link.shared import (
    ANY_SUB_ACCOUNT,
    ASSET,
    DOCS,
    FUTURES_TYPE,
    SUB_ACCOUNT,
    SUB_ACCOUNT_ID,
)
from toolkit.endpoints.model import MILLISECOND, Column, Endpoint, Paging, Param, Window
from toolkit.endpoints.rate_limits import SAPI_IP


def _futures_commission(
    name: str, *, qualified_name: str, path: str, title: str, example: str, page: str
) -> Endpoint:
    """One of the two futures commission reads, by symbol or by pair."""
    return Endpoint(
        name=qualified_name,
        system="exchange",
        path=path,
        rate_limit=SAPI_IP,
        params=(
            SUB_ACCOUNT,
            # Mandatory since 2025-09-16 by the change log and the 2026 documentation; the page of 2025-11
            # still calls it optional. This is the stricter reading.
            Param(
                field=name,
                name=name,
                kind="text",
                doc=f"The {name}, such as {example}.",
                required=True,
                example=example,
                capitals=True,
            ),
        ),
        columns=(
            SUB_ACCOUNT_ID,
            Column(name=name, field=name, kind="text", doc=f"The {name}."),
            Column(
                name="maker_commission",
                field="makerCommission",
                kind="integer",
                doc="Maker commission in millionths: 100 is 0.01 %.",
            ),
            Column(
                name="taker_commission",
                field="takerCommission",
                kind="integer",
                doc="Taker commission in millionths: 100 is 0.01 %.",
            ),
        ),
        identity=("sub_account_id", name),
        summary=f"The {title} futures commission of one sub-account, one row a {name}.",
        source=f"{DOCS}/fee/{page}",
    )


UM_COMMISSION = _futures_commission(
    "symbol",
    qualified_name="um_commission",
    path="/sapi/v1/broker/subAccountApi/commission/futures",
    title="USD-M",
    example="BTCUSDT",
    page="Query-Sub-Account-UM-Futures-Commission",
)
CM_COMMISSION = _futures_commission(
    "pair",
    qualified_name="cm_commission",
    path="/sapi/v1/broker/subAccountApi/commission/coinFutures",
    title="COIN-M",
    example="BTCUSD",
    page="Query-Sub-Account-CM-Futures-Commission",
)

_REBATE_COLUMNS = (
    SUB_ACCOUNT_ID,
    Column(name="income", field="income", kind="amount", doc="The rebate, in `asset`."),
    ASSET,
    Column(name="symbol", field="symbol", kind="text", doc="Symbol of the trade."),
    Column(name="trade_id", field="tradeId", kind="id", doc="Id of the trade."),
    Column(name="time", field="time", kind="time", doc="Time of the trade, UTC."),
    Column(name="status", field="status", kind="integer", doc="0 pending, 1 successful, 2 failed."),
)
_REBATE_IDENTITY = ("sub_account_id", "symbol", "trade_id", "time", "asset", "income")

REBATES = Endpoint(
    name="rebates",
    system="exchange",
    path="/sapi/v1/broker/rebate/recentRecord",
    rate_limit=SAPI_IP,
    params=(ANY_SUB_ACCOUNT,),
    window=Window(max_span=timedelta(days=7) - MILLISECOND, default=timedelta(days=7) - MILLISECOND),
    paging=Paging(kind="page", size="size", default=500, maximum=500),
    columns=_REBATE_COLUMNS,
    identity=_REBATE_IDENTITY,
    order_by="time",
    summary="Spot commission rebates from the partner's sub-accounts, one row a trade.",
    source=f"{DOCS}/fee/Query-Spot-Commission-Rebate-Recent-Record",
)

FUTURES_REBATES = Endpoint(
    name="futures_rebates",
    system="exchange",
    path="/sapi/v1/broker/rebate/futures/recentRecord",
    rate_limit=SAPI_IP,
    params=(
        FUTURES_TYPE,
        Param(
            field="filterResult",
            name="filter_result",
            kind="flag",
            doc="Leave out rebates that are not from the partner's sub-accounts (since 2024-08-16).",
            default=False,
        ),
    ),
    # No maximum span is documented. The one of the spot endpoint is used: whatever the limit is, seven days
    # are the least likely to be rejected or silently shortened.
    window=Window(
        max_span=timedelta(days=7) - MILLISECOND, default=timedelta(days=7) - MILLISECOND, required=True
    ),
    paging=Paging(kind="page", size="size", default=10, maximum=100),
    columns=_REBATE_COLUMNS,
    identity=_REBATE_IDENTITY,
    order_by="time",
    summary="Futures commission rebates of one market, one row a trade.",
    notes=("It cannot be filtered by sub-account.",),
    source=f"{DOCS}/fee/Query-Futures-Commission-Rebate-Record",
)
