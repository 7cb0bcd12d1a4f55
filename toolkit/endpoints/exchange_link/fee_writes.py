"""Writes that set the commissions of sub-accounts."""

from __future__ import annotations

from types import MappingProxyType

from toolkit.endpoints.exchange_link.shared import DOCS, SUB_ACCOUNT, SUB_ACCOUNT_ID
from toolkit.endpoints.model import Column, Param
from toolkit.endpoints.rate_limits import SAPI_IP, SAPI_UID
from toolkit.endpoints.writes import Expectation, Reconciliation, Write


def _rate(field: str, name: str, doc: str, *, required: bool) -> Param:
    return Param(
        field=field,
        name=name,
        kind="rate",
        doc=f'{doc}, as a fraction: "0.001" is 0.1 %.',
        required=required,
        example="0.001" if required else None,
    )


def _fraction(field: str, name: str, doc: str, *, optional: bool = False) -> Column:
    return Column(name=name, field=field, kind="amount", doc=f"{doc}, as a fraction.", optional=optional)


SET_COMMISSION = Write(
    name="set_commission",
    system="exchange",
    method="POST",
    path="/sapi/v1/broker/subAccountApi/commission",
    permission="trade",
    rate_limit=SAPI_UID,
    weight=4,
    params=(
        SUB_ACCOUNT,
        _rate("makerCommission", "maker", "Spot maker commission", required=True),
        _rate("takerCommission", "taker", "Spot taker commission", required=True),
        _rate("marginMakerCommission", "margin_maker", "Margin maker commission", required=False),
        _rate("marginTakerCommission", "margin_taker", "Margin taker commission", required=False),
    ),
    columns=(
        SUB_ACCOUNT_ID,
        _fraction("makerCommission", "maker_commission", "Spot maker commission"),
        _fraction("takerCommission", "taker_commission", "Spot taker commission"),
        _fraction("marginMakerCommission", "margin_maker_commission", "Margin maker rate", optional=True),
        _fraction("marginTakerCommission", "margin_taker_commission", "Margin taker rate", optional=True),
    ),
    summary="Sets the spot and margin commission of a sub-account.",
    notes=(
        "`link.exchange.partner` returns the lowest and highest rate the partner may set.",
        "Margin rates need margin to be enabled; they follow the spot rates if not given.",
    ),
    source=f"{DOCS}/fee",
    # The unit of margin rates in the list of sub-accounts is not documented, so they are not compared.
    reconciliation=Reconciliation(
        kind="in_force",
        read="exchange.sub_accounts",
        read_arguments=MappingProxyType({"sub_account_id": ("sub_account_id",)}),
        checks=(
            Expectation(column="maker_commission", argument="maker"),
            Expectation(column="taker_commission", argument="taker"),
        ),
        manual_check="its commissions in the list of sub-accounts",
    ),
    subject=("sub_account_id",),
    repeatable=True,
)


def _adjustment(*, name: str, path: str, key: str, title: str, example: str, maxima: str, page: str) -> Write:
    """One of the two futures commission writes. No official page seen so far documents their bounds."""

    def adjustment(field: str, side: str) -> Param:
        return Param(
            field=field,
            name=f"{side}_adjustment",
            kind="integer",
            doc=f"Addition to the {side} commission of its fee tier, in millionths: 100 is 0.01 %.",
            required=True,
            minimum=0,
            example=100,
        )

    def millionths(field: str, column: str, doc: str) -> Column:
        return Column(name=column, field=field, kind="integer", doc=f"{doc}, in millionths.")

    return Write(
        name=name,
        system="exchange",
        method="POST",
        path=path,
        permission="trade",
        rate_limit=SAPI_IP,
        params=(
            SUB_ACCOUNT,
            Param(
                field=key,
                name=key,
                kind="text",
                doc=f"The {key}, such as {example}.",
                required=True,
                example=example,
                capitals=True,
            ),
            adjustment("makerAdjustment", "maker"),
            adjustment("takerAdjustment", "taker"),
        ),
        columns=(
            SUB_ACCOUNT_ID,
            Column(name=key, field=key, kind="text", doc=f"The {key}."),
            millionths("makerAdjustment", "maker_adjustment", "Addition to the maker commission"),
            millionths("takerAdjustment", "taker_adjustment", "Addition to the taker commission"),
            millionths("makerCommission", "maker_commission", "Maker commission including it"),
            millionths("takerCommission", "taker_commission", "Taker commission including it"),
        ),
        summary=f"Sets the {title} futures commission of a sub-account, as an addition to its fee tier.",
        notes=("Futures must be enabled for it first.", f"Other clients have these maxima: {maxima}."),
        source=f"{DOCS}/fee/{page}",
        # The read shows the commission including the adjustment, not the adjustment itself.
        reconciliation=Reconciliation(
            kind="changed",
            read=f"exchange.{'um' if key == 'symbol' else 'cm'}_commission",
            read_arguments=MappingProxyType({"sub_account_id": ("sub_account_id",), key: (key,)}),
            checks=(Expectation(column="maker_commission"), Expectation(column="taker_commission")),
            needs_snapshot=True,
            manual_check="its futures commission",
        ),
        subject=("sub_account_id", key),
        repeatable=True,
    )


SET_UM_COMMISSION = _adjustment(
    name="set_um_commission",
    path="/sapi/v1/broker/subAccountApi/commission/futures",
    key="symbol",
    title="USD-M",
    example="BTCUSDT",
    maxima="maker 200, taker 400",
    page="Change-Sub-Account-UM-Futures-Commission",
)
SET_CM_COMMISSION = _adjustment(
    name="set_cm_commission",
    path="/sapi/v1/broker/subAccountApi/commission/coinFutures",
    key="pair",
    title="COIN-M",
    example="BTCUSD",
    maxima="maker 100, taker 500",
    page="Change-Sub-Account-CM-Futures-Commission",
)
