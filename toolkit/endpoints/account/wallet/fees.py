"""What the account pays for trades of each symbol."""

from __future__ import annotations

from toolkit.endpoints.account.wallet.shared import DOCS
from toolkit.endpoints.market.shared import ONLY_SYMBOL, SYMBOL_COLUMN
from toolkit.endpoints.model import Column, Endpoint
from toolkit.endpoints.rate_limits import SAPI_IP

TRADE_FEES = Endpoint(
    name="trade_fees",
    system="account.wallet",
    path="/sapi/v1/asset/tradeFee",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    params=(ONLY_SYMBOL,),
    columns=(
        SYMBOL_COLUMN,
        Column(
            name="maker_commission",
            field="makerCommission",
            kind="amount",
            doc="Commission of orders that were in the book, as a fraction: 0.001 is 0.1 %.",
        ),
        Column(
            name="taker_commission",
            field="takerCommission",
            kind="amount",
            doc="Commission of orders that take from the book, as a fraction.",
        ),
    ),
    identity=("symbol",),
    whole=True,
    summary="What the account pays for spot trades, one row a symbol.",
    notes=("Taxes, discounts and special commissions of a symbol are in `link.account.spot.commission`.",),
    source=f"{DOCS}/asset#trade-fee",
)
