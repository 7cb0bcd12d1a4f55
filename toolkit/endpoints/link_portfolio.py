"""Link and Trade (Portfolio Margin): the /papi counterparts of two futures reads and one write.

They are for customers with Portfolio Margin enabled, whom the futures endpoints do not include.
"""

from __future__ import annotations

from toolkit.endpoints.link_futures import (
    BROKER_ID,
    CUSTOMER_ID_COLUMNS,
    CUSTOMERS_KEY,
    MARKET,
    NEW_USER_COLUMNS,
)
from toolkit.endpoints.link_spot import NEW_CUSTOMER_ID, own_id
from toolkit.endpoints.model import Endpoint
from toolkit.endpoints.rate_limits import PAPI
from toolkit.endpoints.writes import Write

_DOCS = "https://developers.binance.com/legacy-docs/binance_link/link-and-trade/futures"

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

ENDPOINTS: tuple[Endpoint, ...] = (NEW_USER, CUSTOMER_ID)

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
