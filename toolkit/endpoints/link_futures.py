"""Link and Trade (Futures): customers on USD-M and COIN-M futures, and their income.

All are on fapi.binance.com, COIN-M too (`market="cm"`); dapi.binance.com has none of them. Reports have one
row a day, stamped with midnight UTC. No maximum span is documented for them: the whole span is requested at
once, and halved where the exchange rejects it as too long (-1127) or a response is full.
"""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType

from toolkit.endpoints.link_spot import CUSTOMER_EMAIL, GIVEN_ID_COLUMNS, NEW_CUSTOMER_ID, given_id, own_id
from toolkit.endpoints.model import Column, Endpoint, Paging, Param, Window
from toolkit.endpoints.rate_limits import FAPI
from toolkit.endpoints.writes import Write

_DOCS = "https://developers.binance.com/legacy-docs/binance_link/link-and-trade/futures"

BROKER_ID = Param(
    field="brokerId",
    name="broker_id",
    kind="id",
    doc="The partner's Link id.",
    required=True,
    example="ABCD1234",
)

# Any other value is rejected with -1102 (documentation of 2026).
MARKET = Param(
    field="type",
    name="market",
    kind="choice",
    doc='"um" for USD-margined, "cm" for coin-margined futures.',
    choices=MappingProxyType({"um": 1, "cm": 2}),
    default="um",
)

NEW_USER_COLUMNS = (
    Column(name="broker_id", field="brokerId", kind="id", doc="The partner's Link id."),
    Column(name="rebate_working", field="rebateWorking", kind="flag", doc="A rebate is being paid."),
    Column(name="if_new_user", field="ifNewUser", kind="flag", doc="New to the partner's Link id."),
)
CUSTOMER_ID_COLUMNS = (
    Column(name="broker_id", field="brokerId", kind="id", doc="The partner's Link id."),
    Column(
        name="customer_id",
        field="customerId",
        kind="id",
        doc="Id the customer has with the partner.",
        named=True,
    ),
)
CUSTOMERS_KEY = "Use the customer's key, not the partner's."

_TIME = Column(name="time", field="time", kind="time", doc="The day, as midnight UTC at its start.")
_UNIT = Column(name="unit", field="unit", kind="text", doc="Unit of the amounts, such as USDT.")
_TRADE_VOL = Column(name="trade_vol", field="tradeVol", kind="amount", doc="Trading volume, in `unit`.")
_REBATE_VOL = Column(name="rebate_vol", field="rebateVol", kind="amount", doc="Rebate earned, in `unit`.")

_DAILY = Window(max_span=None, default=timedelta(days=30), per_day=True)
_DAILY_PAGES = Paging(kind="limit", size="limit", default=500, maximum=1000)

NEW_USER = Endpoint(
    name="new_user",
    system="futures",
    path="/fapi/v1/apiReferral/ifNewUser",
    security="USER_DATA",
    rate_limit=FAPI,
    weight=100,
    params=(BROKER_ID, MARKET),
    columns=NEW_USER_COLUMNS,
    summary="Whether the customer who owns the key is new to the partner on futures, as one row.",
    notes=(CUSTOMERS_KEY, "For a customer with Portfolio Margin, use `link.portfolio.new_user`."),
    source=_DOCS,
)

CUSTOMERS = Endpoint(
    name="customers",
    system="futures",
    path="/fapi/v1/apiReferral/customization",
    security="USER_DATA",
    rate_limit=FAPI,
    weight=100,
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
    paging=Paging(kind="page", size="limit", default=100, maximum=1000),
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
    summary="The ids the partner gave its futures customers, one row a customer.",
    source=f"{_DOCS}/Get-Client-Email-Customized-Id",
)

CUSTOMER_ID = Endpoint(
    name="customer_id",
    system="futures",
    path="/fapi/v1/apiReferral/userCustomization",
    security="USER_DATA",
    rate_limit=FAPI,
    weight=100,
    params=(BROKER_ID,),
    columns=CUSTOMER_ID_COLUMNS,
    summary="The id of the futures customer who owns the key, as one row.",
    notes=(CUSTOMERS_KEY, "For a customer with Portfolio Margin, use `link.portfolio.customer_id`."),
    source=f"{_DOCS}/Get-User-Customize-Id",
)

INCOME_COLUMNS = (
    Column(name="symbol", field="symbol", kind="text", doc='Symbol it relates to; "" if none.'),
    Column(name="income_type", field="incomeType", kind="text", doc="Type of income."),
    Column(name="income", field="income", kind="amount", doc="Signed amount, in `asset`."),
    Column(name="asset", field="asset", kind="text", doc="The asset."),
    Column(name="info", field="info", kind="text", doc="Free text from the exchange."),
    Column(name="time", field="time", kind="time", doc="Time of the transaction, UTC."),
)
INCOME = Endpoint(
    name="income",
    system="futures",
    path="/fapi/v1/income",
    security="USER_DATA",
    rate_limit=FAPI,
    # There is one route for all, so the Link page's 100 cannot be a second weight; the headers tell.
    weight=30,
    params=(
        Param(field="symbol", name="symbol", kind="text", doc="Only this symbol.", capitals=True),
        # Not a closed list: the derivatives page names eleven kinds "and more".
        Param(
            field="incomeType",
            name="income_type",
            kind="text",
            doc="Only this type, such as TRANSFER, REALIZED_PNL, FUNDING_FEE, COMMISSION or API_REBATE.",
        ),
    ),
    # Without a span, the Link page promises the newest rows and the derivatives page the last 7 days, so
    # both ends are always sent. The retention of "three months" is read as 90 days. The parameter `page` was
    # removed in 2026: windows are halved instead.
    window=Window(max_span=None, default=timedelta(days=7), retention=timedelta(days=90)),
    paging=Paging(kind="limit", size="limit", default=100, maximum=1000),
    columns=(
        *INCOME_COLUMNS,
        Column(
            name="tran_id",
            field="tranId",
            kind="id",
            doc="Id of the transaction, unique within its type (derivatives page only).",
            optional=True,
        ),
        Column(
            name="trade_id",
            field="tradeId",
            kind="id",
            doc='Id of the trade; "" if none (derivatives page only).',
            optional=True,
        ),
    ),
    order_by="time",
    summary="Income of the futures account that owns the key, one row a transaction.",
    notes=(
        "The exchange keeps the last three months.",
        "The weight is 30 in every source but the Link page, which has 100.",
    ),
    source=f"{_DOCS}/Get-Income-History",
)

OVERVIEW = Endpoint(
    name="overview",
    system="futures",
    path="/fapi/v1/apiReferral/overview",
    security="USER_DATA",
    rate_limit=FAPI,
    weight=100,
    params=(MARKET,),
    columns=(
        Column(name="broker_id", field="brokerId", kind="id", doc="The partner's Link id."),
        Column(
            name="new_trader_rebate_commission",
            field="newTraderRebateCommission",
            kind="amount",
            doc="Share of the fee for new customers, as a fraction: 0.3 is 30 %.",
        ),
        Column(
            name="old_trader_rebate_commission",
            field="oldTraderRebateCommission",
            kind="amount",
            doc="Share of the fee for old customers, as a fraction.",
        ),
        Column(
            name="total_trade_user",
            field="totalTradeUser",
            kind="integer",
            doc="Number of customers who traded.",
        ),
        _UNIT,
        Column(
            name="total_trade_vol",
            field="totalTradeVol",
            kind="amount",
            doc="Total trading volume, in `unit`.",
        ),
        Column(
            name="total_rebate_vol",
            field="totalRebateVol",
            kind="amount",
            doc="Total rebate, in `unit`.",
        ),
        Column(name="time", field="time", kind="time", doc="Time the figures refer to, UTC."),
    ),
    summary="Totals of the partner's futures business since its start, as one row.",
    source=f"{_DOCS}/Get-Rebate-Data-Overview",
)

VOLUMES = Endpoint(
    name="volumes",
    system="futures",
    path="/fapi/v1/apiReferral/tradeVol",
    security="USER_DATA",
    rate_limit=FAPI,
    weight=100,
    params=(MARKET,),
    window=_DAILY,
    paging=_DAILY_PAGES,
    columns=(_UNIT, _TRADE_VOL, _TIME),
    order_by="time",
    summary="Trading volume of all customers on futures, one row a day.",
    source=f"{_DOCS}/Get-User-Trade-Volume",
)

REBATES = Endpoint(
    name="rebates",
    system="futures",
    path="/fapi/v1/apiReferral/rebateVol",
    security="USER_DATA",
    rate_limit=FAPI,
    weight=100,
    params=(MARKET,),
    window=_DAILY,
    paging=_DAILY_PAGES,
    columns=(_UNIT, _REBATE_VOL, _TIME),
    order_by="time",
    summary="Rebates the partner earned on futures, one row a day.",
    source=f"{_DOCS}/Get-Rebate-Volume",
)

TRADER_COUNTS = Endpoint(
    name="trader_counts",
    system="futures",
    path="/fapi/v1/apiReferral/traderNum",
    security="USER_DATA",
    rate_limit=FAPI,
    weight=100,
    params=(MARKET,),
    window=_DAILY,
    paging=_DAILY_PAGES,
    columns=(
        Column(
            name="new_trader", field="newTrader", kind="integer", doc="Number of new customers who traded."
        ),
        Column(
            name="old_trader", field="oldTrader", kind="integer", doc="Number of old customers who traded."
        ),
        _TIME,
    ),
    order_by="time",
    summary="How many customers traded futures, one row a day.",
    notes=("The documented example has two rows for one day, so the time does not identify a row.",),
    source=f"{_DOCS}/Get-Trader-Number",
)

TRADERS = Endpoint(
    name="traders",
    system="futures",
    path="/fapi/v1/apiReferral/traderSummary",
    security="USER_DATA",
    rate_limit=FAPI,
    weight=100,
    params=(
        Param(field="customerId", name="customer_id", kind="id", doc="Only this customer."),
        MARKET,
    ),
    window=_DAILY,
    paging=_DAILY_PAGES,
    columns=(
        Column(
            name="customer_id",
            field="customerId",
            kind="id",
            doc="Id the partner gave the customer, or a masked e-mail address if there is none.",
            named=True,
        ),
        _UNIT,
        _TRADE_VOL,
        _REBATE_VOL,
        _TIME,
    ),
    order_by="time",
    summary="Trading volume and rebate of each customer on futures, one row per customer and day.",
    source=f"{_DOCS}/Get-Trader-Detail",
)

ENDPOINTS: tuple[Endpoint, ...] = (
    NEW_USER,
    CUSTOMERS,
    CUSTOMER_ID,
    INCOME,
    OVERVIEW,
    VOLUMES,
    REBATES,
    TRADER_COUNTS,
    TRADERS,
)

SET_CUSTOMER_ID = Write(
    name="set_customer_id",
    system="futures",
    method="POST",
    path="/fapi/v1/apiReferral/customization",
    security="USER_DATA",
    rate_limit=FAPI,
    weight=100,
    params=(NEW_CUSTOMER_ID, CUSTOMER_EMAIL),
    columns=GIVEN_ID_COLUMNS,
    summary="Sets the id of a futures customer.",
    source=f"{_DOCS}/Customize-Id-For-Client-For-Partner",
    reconciliation=given_id("futures.customers"),
    subject=("email",),
    changes="customer id",
    repeatable=True,
)

SET_OWN_CUSTOMER_ID = Write(
    name="set_own_customer_id",
    system="futures",
    method="POST",
    path="/fapi/v1/apiReferral/userCustomization",
    security="USER_DATA",
    rate_limit=FAPI,
    weight=100,
    params=(NEW_CUSTOMER_ID, BROKER_ID),
    columns=CUSTOMER_ID_COLUMNS,
    summary="Sets the id that the futures customer who owns the key has with the partner.",
    notes=(
        "Use the customer's key, not the partner's.",
        "For a customer with Portfolio Margin, use `ops.portfolio.set_own_customer_id`.",
    ),
    source=f"{_DOCS}/Customize-Id-For-Client-For-Client",
    reconciliation=own_id("futures.customer_id", "broker_id"),
    subject=("broker_id",),
    changes="own customer id",
    repeatable=True,
)

WRITES: tuple[Write, ...] = (SET_CUSTOMER_ID, SET_OWN_CUSTOMER_ID)
