"""Link and Trade (Spot): customers who trade through the partner's product."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType

from toolkit.endpoints.model import Column, Endpoint, Paging, Param, Window
from toolkit.endpoints.rate_limits import SAPI_IP, SAPI_UID
from toolkit.endpoints.writes import Expectation, Reconciliation, Write

_DOCS = "https://developers.binance.com/legacy-docs/binance_link/link-and-trade/spot"

_AGENT_CODE = Param(
    field="apiAgentCode",
    name="agent_code",
    kind="id",
    doc="The partner's Link id.",
    required=True,
    example="ABCD1234",
)

NEW_CUSTOMER_ID = Param(
    field="customerId",
    name="customer_id",
    kind="id",
    doc="The new id; no two customers may have the same.",
    required=True,
    example="desk-7",
)
CUSTOMER_EMAIL = Param(
    field="email",
    name="email",
    kind="email",
    doc="E-mail address of the customer.",
    required=True,
    example="trader@example.com",
    private=True,
)
GIVEN_ID_COLUMNS = (
    Column(name="customer_id", field="customerId", kind="id", doc="The customer's new id.", named=True),
    Column(name="email", field="email", kind="email", doc="E-mail address, masked.", masked="email"),
)


def given_id(read: str) -> Reconciliation:
    """Reconcile a customer's id by a read of the partner."""
    return Reconciliation(
        kind="in_force",
        read=read,
        read_arguments=MappingProxyType({"customer_id": ("customer_id",)}),
        checks=(
            Expectation(column="customer_id", argument="customer_id"),
            Expectation(column="email", argument="email"),
        ),
        manual_check="the list of customers, by the id",
    )


def own_id(read: str, code: str) -> Reconciliation:
    """Reconcile a customer's id by a read with the customer's own key."""
    return Reconciliation(
        kind="in_force",
        read=read,
        read_arguments=MappingProxyType({code: (code,)}),
        checks=(Expectation(column="customer_id", argument="customer_id"),),
        manual_check="the customer's id, read with the customer's key",
        needs_own_key=True,
    )


NEW_USER = Endpoint(
    name="new_user",
    system="spot",
    path="/sapi/v1/apiReferral/ifNewUser",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    # The page has no weight, which means 1; Binance.Net has 100. The higher one is used.
    weight=100,
    params=(_AGENT_CODE,),
    columns=(
        Column(name="agent_code", field="apiAgentCode", kind="id", doc="The partner's Link id."),
        Column(name="rebate_working", field="rebateWorking", kind="flag", doc="A rebate is being paid."),
        Column(name="if_new_user", field="ifNewUser", kind="flag", doc="New to the partner's Link id."),
        Column(name="referrer_id", field="referrerId", kind="id", doc="Account that referred the customer."),
    ),
    summary="Whether the customer who owns the key is new to the partner, as one row.",
    notes=(
        "Use the customer's key, not the partner's.",
        "A rebate applies when `rebate_working` and `if_new_user` are both true.",
    ),
    source=_DOCS,
)

CUSTOMERS = Endpoint(
    name="customers",
    system="spot",
    path="/sapi/v1/apiReferral/customization",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    params=(
        Param(field="customerId", name="customer_id", kind="id", doc="Only the customer with this id."),
        Param(
            field="email",
            name="email",
            kind="email",
            doc="Only the customer with this e-mail address.",
            private=True,
        ),
    ),
    mutually_exclusive=("customer_id", "email"),
    columns=(
        Column(
            name="customer_id",
            field="customerId",
            kind="id",
            doc="Id the partner gave the customer.",
            named=True,
        ),
        Column(name="email", field="email", kind="email", doc="E-mail address (personal data)."),
    ),
    identity=("customer_id", "email"),
    summary="The ids the partner gave its customers, one row a customer.",
    source=f"{_DOCS}/Get-Client-Email-Customized-Id",
)

CUSTOMER_ID = Endpoint(
    name="customer_id",
    system="spot",
    path="/sapi/v1/apiReferral/userCustomization",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    params=(_AGENT_CODE,),
    columns=(
        Column(
            name="customer_id",
            field="customerId",
            kind="id",
            doc="Id the customer has with the partner.",
            named=True,
        ),
    ),
    summary="The id of the customer who owns the key, as one row.",
    notes=("Use the customer's key, not the partner's.",),
    source=f"{_DOCS}/Get-User-Customize-Id",
)

REBATES = Endpoint(
    name="rebates",
    system="spot",
    path="/sapi/v1/apiReferral/rebate/recentRecord",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    params=(Param(field="customerId", name="customer_id", kind="id", doc="Only this customer."),),
    # By the table both ends are required, by the notes both may be left out; they are always sent.
    window=Window(max_span=timedelta(days=7), default=timedelta(days=7), both=True),
    paging=Paging(kind="limit", size="limit", maximum=500, size_required=True),
    columns=(
        Column(
            name="customer_id",
            field="customerId",
            kind="id",
            doc='Id the partner gave the customer; "" if none.',
            named=True,
        ),
        # If it ever arrives unmasked, it is masked here, even with emails="clear".
        Column(
            name="email",
            field="email",
            kind="email",
            doc="E-mail address, masked by the exchange.",
            masked="email",
        ),
        Column(name="income", field="income", kind="amount", doc="The rebate, in `asset`."),
        Column(name="asset", field="asset", kind="text", doc="Asset the rebate is paid in."),
        Column(name="symbol", field="symbol", kind="text", doc="Symbol of the trade."),
        Column(name="time", field="time", kind="time", doc="Time of the trade, UTC."),
        Column(name="order_id", field="orderId", kind="id", doc="Id of the order."),
        Column(name="trade_id", field="tradeId", kind="id", doc="Id of the trade."),
        Column(
            name="distribute_time",
            field="distributeTime",
            kind="time",
            doc="When the rebate was paid, UTC (since 2025-11-25).",
            optional=True,
        ),
        Column(
            name="commission_asset",
            field="commissionAsset",
            kind="text",
            doc="Asset the fee was paid in (since 2025-11-25).",
            optional=True,
        ),
        Column(
            name="commission",
            field="commission",
            kind="amount",
            doc="The fee, in `commission_asset` (since 2025-11-25).",
            optional=True,
        ),
        Column(
            name="convert_price",
            field="convertPrice",
            kind="amount",
            doc="Price at which the fee was converted into `asset` (since 2025-11-25).",
            optional=True,
        ),
    ),
    identity=("customer_id", "email", "symbol", "order_id", "trade_id", "time", "asset", "income"),
    order_by="time",
    summary="Spot rebates the partner earned from its customers, one row a trade.",
    source=f"{_DOCS}/Query-Rebate-Recent-Record-For-Partner",
)

KICKBACKS = Endpoint(
    name="kickbacks",
    system="spot",
    path="/sapi/v1/apiReferral/kickback/recentRecord",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    window=Window(max_span=timedelta(days=7), default=timedelta(days=7), retention=timedelta(days=7)),
    paging=Paging(kind="limit", size="limit", default=500, maximum=1000),
    columns=(
        Column(name="income", field="income", kind="amount", doc="The kickback, in `asset`."),
        Column(name="asset", field="asset", kind="text", doc="Asset it is paid in."),
        Column(name="symbol", field="symbol", kind="text", doc="Symbol of the trade."),
        Column(name="time", field="time", kind="time", doc="Time of the trade, UTC."),
    ),
    order_by="time",
    summary="Kickbacks the customer who owns the key received, one row a trade.",
    notes=(
        "Use the customer's key, not the partner's.",
        "The exchange keeps the last 7 days.",
    ),
    source=f"{_DOCS}/Query-Rebate-Recent-Record-For-Client",
)

# Documented for every account, outside of the Link API. A partner's rebates are those of its customers.
REBATE_HISTORY = Endpoint(
    name="rebate_history",
    system="spot",
    path="/sapi/v1/rebate/taxQuery",
    security="USER_DATA",
    rate_limit=SAPI_UID,
    weight=12_000,
    window=Window(max_span=timedelta(days=30), default=timedelta(days=7)),
    # No parameter for the number of rows. The stated totals are not needed: the last page is empty.
    paging=Paging(kind="page", default=200, maximum=200),
    rows_field="data.data",
    ignored=("status", "type", "code", "page", "totalRecords", "totalPageNum"),
    columns=(
        Column(name="asset", field="asset", kind="text", doc="Asset of the rebate."),
        Column(name="type", field="type", kind="integer", doc="1 for a commission rebate, 2 for a kickback."),
        Column(name="amount", field="amount", kind="amount", doc="The rebate, in `asset`."),
        Column(name="update_time", field="updateTime", kind="time", doc="When it was booked, UTC."),
    ),
    order_by="update_time",
    summary="Spot rebates paid to the account that owns the key, one row for each asset and payment.",
    notes=(
        "It reports the same money as `rebates`, or as `kickbacks` with a customer's key: compare them over "
        "whole days of `distribute_time`, do not add them up.",
        "The earliest start is 2020-06-10.",
        "The weight allows 15 requests a minute.",
    ),
    source="https://developers.binance.com/en/docs/catalog/investment-and-services-rebate/api/rest-api/~#get-spot-rebate-history-records",
)

ENDPOINTS: tuple[Endpoint, ...] = (NEW_USER, CUSTOMERS, CUSTOMER_ID, REBATES, KICKBACKS, REBATE_HISTORY)

SET_CUSTOMER_ID = Write(
    name="set_customer_id",
    system="spot",
    method="POST",
    path="/sapi/v1/apiReferral/customization",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    params=(NEW_CUSTOMER_ID, CUSTOMER_EMAIL),
    columns=GIVEN_ID_COLUMNS,
    summary="Sets the id of a customer, replacing the one it had.",
    source=f"{_DOCS}/Customize-Id-For-Client-For-Partner",
    reconciliation=given_id("spot.customers"),
    subject=("email",),
    changes="customer id",
    repeatable=True,
)

SET_OWN_CUSTOMER_ID = Write(
    name="set_own_customer_id",
    system="spot",
    method="POST",
    path="/sapi/v1/apiReferral/userCustomization",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    params=(NEW_CUSTOMER_ID, _AGENT_CODE),
    columns=(
        Column(name="customer_id", field="customerId", kind="id", doc="The customer's new id.", named=True),
    ),
    summary="Sets the id that the customer who owns the key has with the partner.",
    notes=("Use the customer's key, not the partner's.",),
    source=f"{_DOCS}/Customize-Id-For-Client-For-Client",
    reconciliation=own_id("spot.customer_id", "agent_code"),
    subject=("agent_code",),
    changes="own customer id",
    repeatable=True,
)

WRITES: tuple[Write, ...] = (SET_CUSTOMER_ID, SET_OWN_CUSTOMER_ID)
