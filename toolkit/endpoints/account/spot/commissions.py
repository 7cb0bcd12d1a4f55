"""What the account pays for its trades."""

from __future__ import annotations

from toolkit.endpoints.account.spot.shared import DOCS, SYMBOLS
from toolkit.endpoints.market.shared import SYMBOL_COLUMN
from toolkit.endpoints.model import Column, Endpoint
from toolkit.endpoints.rate_limits import API

_PAYERS = {
    "maker": "of an order that was in the book",
    "taker": "of an order that takes from the book",
    "buyer": "added for the buyer",
    "seller": "added for the seller",
}


def _rates(kind: str, doc: str, *, optional: bool = False) -> tuple[Column, ...]:
    return tuple(
        Column(
            name=f"{kind}_{payer}",
            field=f"{kind}Commission.{payer}",
            kind="amount",
            doc=f"{doc} {words}, as a fraction: 0.001 is 0.1 %.",
            optional=optional,
        )
        for payer, words in _PAYERS.items()
    )


COMMISSION = Endpoint(
    name="commission",
    system="account.spot",
    path="/api/v3/account/commission",
    security="USER_DATA",
    rate_limit=API,
    weight=20,
    params=(SYMBOLS,),
    columns=(
        SYMBOL_COLUMN,
        *_rates("standard", "Commission"),
        # Not in the page of 2025.
        *_rates("special", "Commission of the symbol, on top,", optional=True),
        *_rates("tax", "Tax"),
        Column(
            name="discount_enabled_for_account",
            field="discount.enabledForAccount",
            kind="flag",
            doc="The account pays standard commissions in the discount asset.",
        ),
        Column(
            name="discount_enabled_for_symbol",
            field="discount.enabledForSymbol",
            kind="flag",
            doc="The symbol has the discount.",
        ),
        Column(
            name="discount_asset",
            field="discount.discountAsset",
            kind="text",
            doc="Asset in which commissions are discounted.",
            optional=True,
        ),
        Column(
            name="discount",
            field="discount.discount",
            kind="amount",
            doc="What a standard commission is multiplied by if paid in that asset: 0.75 is 25 % off.",
            optional=True,
        ),
    ),
    identity=("symbol",),
    summary="What the account pays for trades of a symbol, one row a symbol.",
    notes=(
        "For all symbols in one request, without taxes and discounts, use `link.account.wallet.trade_fees`.",
    ),
    source=f"{DOCS}#account-commission",
)
