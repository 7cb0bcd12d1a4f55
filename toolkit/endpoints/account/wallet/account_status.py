"""Whether the account is in order."""

from __future__ import annotations

from toolkit.endpoints.account.wallet.shared import DOCS
from toolkit.endpoints.model import Column, Endpoint
from toolkit.endpoints.rate_limits import SAPI_IP

STATUS = Endpoint(
    name="status",
    system="account.wallet",
    path="/sapi/v1/account/status",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    columns=(
        Column(name="status", field="data", kind="text", doc='"Normal", or what is wrong with the account.'),
    ),
    summary="Whether the account is in order, as one row.",
    source=f"{DOCS}/account#account-status",
)
