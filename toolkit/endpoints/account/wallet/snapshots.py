"""Daily snapshots of the spot, margin and futures wallets.

One path has the snapshots of all three, of which each has rows of its own: assets, and on futures positions
as well. A month has 30 snapshots at most, so one response has them all.
"""

from __future__ import annotations

from datetime import timedelta

from toolkit.endpoints.account.wallet.shared import DOCS
from toolkit.endpoints.model import MILLISECOND, Column, Endpoint, Param, Window
from toolkit.endpoints.rate_limits import SAPI_IP

_TIME = Column(
    name="time", field="updateTime", kind="time", doc="Time of the snapshot, UTC: the last second of its day."
)
# "The query time period must be less than 30 days": exactly 30 days are too long.
_WINDOW = Window(
    max_span=timedelta(days=30) - MILLISECOND,
    default=timedelta(days=30) - MILLISECOND,
    retention=timedelta(days=30),
)
# "code" is "200 for success; others are error codes".
_IGNORED = ("msg", "type")
_NOTES = (
    "The exchange keeps the snapshots of the last month, one a day.",
    "The weight allows 5 requests a minute, those for other snapshots included.",
)
_SOURCE = f"{DOCS}/account#daily-account-snapshot"


def _params(wallet: str) -> tuple[Param, ...]:
    return (
        Param(
            field="type",
            name="account_type",
            kind="text",
            doc="Wallet of the snapshots.",
            required=True,
            fixed=wallet,
        ),
        Param(
            field="limit",
            name="limit",
            kind="integer",
            doc="Number of snapshots.",
            default=7,
            minimum=7,
            maximum=30,
            fixed="30",
        ),
    )


def _amount(name: str, field: str, doc: str) -> Column:
    return Column(name=name, field=field, kind="amount", doc=doc)


SPOT_SNAPSHOTS = Endpoint(
    name="spot_snapshots",
    system="account.wallet",
    path="/sapi/v1/accountSnapshot",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    weight=2400,
    params=_params("SPOT"),
    window=_WINDOW,
    rows_field="snapshotVos",
    success_field="code",
    success_value=200,
    whole=True,
    ignored=_IGNORED,
    columns=(
        _TIME,
        Column(name="asset", field="data.balances[].asset", kind="text", doc="Asset, such as BTC."),
        _amount("free", "data.balances[].free", "What could be used, in the asset."),
        _amount("locked", "data.balances[].locked", "What open orders locked, in the asset."),
        _amount("total_asset_of_btc", "data.totalAssetOfBtc", "Value of all assets of the wallet, in BTC."),
    ),
    identity=("time", "asset"),
    order_by="time",
    either_order=True,
    summary="The assets of the spot wallet at the end of each day, one row each.",
    notes=_NOTES,
    source=_SOURCE,
)

MARGIN_SNAPSHOTS = Endpoint(
    name="margin_snapshots",
    system="account.wallet",
    path="/sapi/v1/accountSnapshot",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    weight=2400,
    params=_params("MARGIN"),
    window=_WINDOW,
    rows_field="snapshotVos",
    success_field="code",
    success_value=200,
    whole=True,
    ignored=_IGNORED,
    columns=(
        _TIME,
        Column(name="asset", field="data.userAssets[].asset", kind="text", doc="Asset, such as BTC."),
        _amount("free", "data.userAssets[].free", "What could be used, in the asset."),
        _amount("locked", "data.userAssets[].locked", "What open orders locked, in the asset."),
        _amount("borrowed", "data.userAssets[].borrowed", "What was borrowed, in the asset."),
        _amount("interest", "data.userAssets[].interest", "Interest owed, in the asset."),
        _amount(
            "net_asset", "data.userAssets[].netAsset", "What was owned less what was owed, in the asset."
        ),
        _amount("margin_level", "data.marginLevel", "Ratio of all assets to all liabilities."),
        _amount("total_asset_of_btc", "data.totalAssetOfBtc", "Value of all assets of the wallet, in BTC."),
        _amount("total_liability_of_btc", "data.totalLiabilityOfBtc", "Value of all liabilities, in BTC."),
        _amount("total_net_asset_of_btc", "data.totalNetAssetOfBtc", "Assets less liabilities, in BTC."),
    ),
    identity=("time", "asset"),
    order_by="time",
    either_order=True,
    summary="The assets and debts of the cross margin wallet at the end of each day, one row an asset.",
    notes=_NOTES,
    source=_SOURCE,
)

FUTURES_SNAPSHOTS = Endpoint(
    name="futures_snapshots",
    system="account.wallet",
    path="/sapi/v1/accountSnapshot",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    weight=2400,
    params=_params("FUTURES"),
    window=_WINDOW,
    rows_field="snapshotVos",
    success_field="code",
    success_value=200,
    whole=True,
    ignored=(*_IGNORED, "data.position"),
    columns=(
        _TIME,
        Column(name="asset", field="data.assets[].asset", kind="text", doc="Asset, such as USDT."),
        _amount("wallet_balance", "data.assets[].walletBalance", "Balance of the wallet, in the asset."),
        _amount(
            "margin_balance",
            "data.assets[].marginBalance",
            "The same with the unrealized profit of positions, in the asset.",
        ),
    ),
    identity=("time", "asset"),
    order_by="time",
    either_order=True,
    summary="The assets of the USD-M futures wallet at the end of each day, one row each.",
    notes=_NOTES,
    source=_SOURCE,
)

FUTURES_POSITION_SNAPSHOTS = Endpoint(
    name="futures_position_snapshots",
    system="account.wallet",
    path="/sapi/v1/accountSnapshot",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    weight=2400,
    params=_params("FUTURES"),
    window=_WINDOW,
    rows_field="snapshotVos",
    success_field="code",
    success_value=200,
    whole=True,
    ignored=(*_IGNORED, "data.assets"),
    columns=(
        _TIME,
        Column(name="symbol", field="data.position[].symbol", kind="text", doc="Symbol."),
        _amount(
            "position_amount",
            "data.position[].positionAmt",
            "Size of the position, in the base asset; below 0 if it is short.",
        ),
        _amount(
            "entry_price", "data.position[].entryPrice", "Average price of its entry, in the quote asset."
        ),
        _amount("mark_price", "data.position[].markPrice", "Mark price, in the quote asset."),
        _amount(
            "unrealized_profit",
            "data.position[].unRealizedProfit",
            "Its profit at the mark price, in the quote asset.",
        ),
    ),
    # In hedge mode, a symbol has two positions, which nothing tells apart.
    identity=(),
    order_by="time",
    either_order=True,
    summary="The positions on USD-M futures at the end of each day, one row each.",
    notes=_NOTES,
    source=_SOURCE,
)
