"""Parameters and columns that several endpoints of Exchange Link share."""

from __future__ import annotations

from types import MappingProxyType

from toolkit.endpoints.model import Column, Param

DOCS = "https://developers.binance.com/legacy-docs/binance_link/exchange-link"

MARKETS = MappingProxyType({"um": 1, "cm": 2})

SUB_ACCOUNT = Param(
    field="subAccountId", name="sub_account_id", kind="id", doc="Id of the sub-account.", required=True
)
ANY_SUB_ACCOUNT = Param(
    field="subAccountId", name="sub_account_id", kind="id", doc="Only this sub-account; all if not given."
)
FUTURES_TYPE = Param(
    field="futuresType",
    name="market",
    kind="choice",
    doc='"um" for USD-margined, "cm" for coin-margined futures.',
    required=True,
    choices=MARKETS,
)

KEY_COLUMN = Column(
    name="api_key", field=("apikey", "apiKey"), kind="id", doc="The API key, masked.", masked="key"
)
SUB_ACCOUNT_ID = Column(
    name="sub_account_id",
    field=("subaccountId", "subAccountId"),
    kind="id",
    doc="Id of the sub-account.",
    named=True,
)

ASSET = Column(name="asset", field="asset", kind="text", doc="The asset.")
TIME = Column(name="time", field="time", kind="time", doc="When it happened, UTC.")
