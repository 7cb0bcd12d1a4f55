"""Link and Trade (Portfolio Margin): the /papi counterparts of futures reads and of one write.

They are for customers with Portfolio Margin enabled, whom the futures endpoints do not include.
"""

from __future__ import annotations

from datetime import timedelta

from toolkit.endpoints.link_futures import (
    BROKER_ID,
    CUSTOMER_ID_COLUMNS,
    CUSTOMERS_KEY,
    INCOME_COLUMNS,
    MARKET,
    NEW_USER_COLUMNS,
)
from toolkit.endpoints.link_spot import NEW_CUSTOMER_ID, own_id
from toolkit.endpoints.model import Column, Endpoint, Paging, Param, Window
from toolkit.endpoints.rate_limits import PAPI
from toolkit.endpoints.writes import Write

_DOCS = "https://developers.binance.com/legacy-docs/binance_link/link-and-trade/futures"
_ACCOUNT_DOCS = "https://developers.binance.com/legacy-docs/derivatives/portfolio-margin/account"

NEW_USER = Endpoint(
    name="new_user",
    system="portfolio",
    path="/papi/v1/apiReferral/ifNewUser",
    security="USER_DATA",
    rate_limit=PAPI,
    weight=100,
    params=(BROKER_ID, MARKET),
    columns=NEW_USER_COLUMNS,
    summary="Whether the Portfolio Margin customer who owns the key is new to the partner, as one row.",
    notes=(CUSTOMERS_KEY,),
    source=f"{_DOCS}/Query-Client-If-New-User-PAPI",
)

CUSTOMER_ID = Endpoint(
    name="customer_id",
    system="portfolio",
    path="/papi/v1/apiReferral/userCustomization",
    security="USER_DATA",
    rate_limit=PAPI,
    weight=100,
    params=(BROKER_ID,),
    columns=CUSTOMER_ID_COLUMNS,
    summary="The id of the Portfolio Margin customer who owns the key, as one row.",
    notes=(CUSTOMERS_KEY,),
    source=f"{_DOCS}/Get-User-Customize-Id-PAPI",
)


def _income(name: str, path: str, which: str, symbol: str, page: str) -> Endpoint:
    """The income of one futures market. Their parameter `page` was removed in October 2026."""
    return Endpoint(
        name=name,
        system="portfolio",
        path=path,
        security="USER_DATA",
        rate_limit=PAPI,
        weight=30,
        params=(
            Param(
                field="symbol",
                name="symbol",
                kind="text",
                doc=f"Only this symbol, such as {symbol}.",
                capitals=True,
            ),
            Param(
                field="incomeType",
                name="income_type",
                kind="text",
                doc="Only this type, such as TRANSFER, REALIZED_PNL, FUNDING_FEE or COMMISSION.",
            ),
        ),
        window=Window(max_span=None, default=timedelta(days=7), retention=timedelta(days=90)),
        paging=Paging(kind="limit", size="limit", default=100, maximum=1000),
        columns=(
            *INCOME_COLUMNS,
            Column(
                name="tran_id",
                field="tranId",
                kind="id",
                doc="Id of the transaction, unique within its type.",
            ),
            Column(name="trade_id", field="tradeId", kind="id", doc='Id of the trade; "" if none.'),
        ),
        order_by="time",
        summary=f"{which} income of the Portfolio Margin account that owns the key, one row a transaction.",
        notes=("The exchange keeps the last three months.",),
        source=f"{_ACCOUNT_DOCS}/{page}",
    )


UM_INCOME = _income("um_income", "/papi/v1/um/income", "USD-M", "BTCUSDT", "Get-UM-Income-History")
CM_INCOME = _income("cm_income", "/papi/v1/cm/income", "COIN-M", "BTCUSD_PERP", "Get-CM-Income-History")

ENDPOINTS: tuple[Endpoint, ...] = (NEW_USER, CUSTOMER_ID, UM_INCOME, CM_INCOME)

SET_OWN_CUSTOMER_ID = Write(
    name="set_own_customer_id",
    system="portfolio",
    method="POST",
    path="/papi/v1/apiReferral/userCustomization",
    security="USER_DATA",
    rate_limit=PAPI,
    weight=100,
    params=(NEW_CUSTOMER_ID, BROKER_ID),
    columns=CUSTOMER_ID_COLUMNS,
    summary="Sets the id that the Portfolio Margin customer who owns the key has with the partner.",
    notes=("Use the customer's key, not the partner's.",),
    source=f"{_DOCS}/Customize-Id-For-Client-For-Client-PAPI",
    reconciliation=own_id("portfolio.customer_id", "broker_id"),
    subject=("broker_id",),
    changes="own customer id",
    repeatable=True,
)

WRITES: tuple[Write, ...] = (SET_OWN_CUSTOMER_ID,)
