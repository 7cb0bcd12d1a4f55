"""What the wallets hold now."""

from __future__ import annotations

from toolkit.endpoints.account.wallet.shared import DOCS
from toolkit.endpoints.model import Column, Endpoint, Param
from toolkit.endpoints.rate_limits import SAPI_IP

_DOCS = f"{DOCS}/asset"

_PARAMS = (
    Param(field="asset", name="asset", kind="text", doc="Only this asset.", capitals=True),
    # Without it, the value is left out or 0.
    Param(
        field="needBtcValuation",
        name="need_btc_valuation",
        kind="flag",
        doc="Whether values in BTC are filled in.",
        default=False,
        fixed=True,
    ),
)


def _amount(name: str, field: str, doc: str) -> Column:
    return Column(name=name, field=field, kind="amount", doc=f"{doc}, in the asset.")


_HELD = (
    Column(name="asset", field="asset", kind="text", doc="Asset, such as BTC."),
    _amount("free", "free", "What can be used"),
    _amount("locked", "locked", "What orders lock"),
    _amount("freeze", "freeze", "What is frozen"),
    _amount("withdrawing", "withdrawing", "What is being withdrawn"),
)
_BTC_VALUATION = Column(
    name="btc_valuation", field="btcValuation", kind="amount", doc="Value of all of it, in BTC."
)

ASSETS = Endpoint(
    name="assets",
    system="account.wallet",
    method="POST",
    path="/sapi/v3/asset/getUserAsset",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    weight=5,
    params=_PARAMS,
    columns=(
        *_HELD,
        _amount("ipoable", "ipoable", "What can be subscribed to a launch with"),
        _BTC_VALUATION,
    ),
    identity=("asset",),
    whole=True,
    summary="The assets of the spot wallet that the account has some of, with their values, one row each.",
    notes=(
        "`link.account.spot.balances` has also assets of which there is nothing, and the id of the account.",
    ),
    source=f"{_DOCS}#user-asset",
)

FUNDING_ASSETS = Endpoint(
    name="funding_assets",
    system="account.wallet",
    method="POST",
    path="/sapi/v1/asset/get-funding-asset",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    params=_PARAMS,
    columns=(*_HELD, _BTC_VALUATION),
    identity=("asset",),
    whole=True,
    summary="The assets of the funding wallet, with their values, one row each.",
    source=f"{_DOCS}#funding-wallet",
)

WALLETS = Endpoint(
    name="wallets",
    system="account.wallet",
    path="/sapi/v1/asset/wallet/balance",
    security="USER_DATA",
    permission="Universal Transfer",
    rate_limit=SAPI_IP,
    weight=60,
    params=(
        Param(
            field="quoteAsset",
            name="quote_asset",
            kind="text",
            doc='Asset that values are in, such as BTC, USDT or USDC; defaults to "BTC".',
            default="BTC",
            capitals=True,
        ),
    ),
    unused=(
        Param(
            field="needBalanceDetail",
            name="need_balance_detail",
            kind="flag",
            doc="Whether the assets of each wallet are listed (since 2026-08).",
            default=False,
        ),
    ),
    ignored=("assetBalances",),
    columns=(
        Column(
            name="wallet_name",
            field="walletName",
            kind="text",
            doc="The wallet, such as Spot, Funding, Cross Margin, USDⓈ-M Futures or Earn.",
        ),
        Column(name="activate", field="activate", kind="flag", doc="The wallet has been opened."),
        Column(
            name="balance",
            field="balance",
            kind="amount",
            doc="Value of all of its assets, in `quote_asset`.",
        ),
    ),
    identity=("wallet_name",),
    whole=True,
    summary="The value of each wallet of the account, one row each.",
    notes=('The key needs the "Permits Universal Transfer" permission.',),
    source=f"{_DOCS}#query-user-wallet-balance",
)
