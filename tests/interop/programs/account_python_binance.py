"""python-binance's functions for accounts: what there is, what was traded, what came and went."""

import json
import sys

import binance.base_client
from adapter import allow_loopback_only
from binance.client import Client

SYMBOL = "BTCUSDT"
DAY = 86_400_000


class StandingClock:
    """The sandbox's clock, which stands still, for a client that has no setting for its own."""

    def __init__(self, now):
        self.time = lambda: now / 1000


def read(job, key, secret):
    client = Client(key, secret, ping=False)
    client.API_URL = f"{job['address']}/api"
    client.MARGIN_API_URL = f"{job['address']}/sapi"
    client.FUTURES_URL = f"{job['address']}/fapi"
    client.PAPI_URL = f"{job['address']}/papi"
    week, months, end = job["week"], job["months"], job["end"]

    def by_day(call):
        """Every row of the week: a window may not be longer than a day."""
        return [
            row
            for day in range(week, end + 1, DAY)
            for row in call(symbol=SYMBOL, startTime=day, endTime=min(day + DAY - 1, end))
        ]

    def some(rows, *names):
        return [[row[name] for name in names] for row in rows]

    span = {"startTime": week, "endTime": end}
    long = {"startTime": months, "endTime": end}
    account = client.get_account()
    snapshots = client.get_account_snapshot(type="SPOT", **span)["snapshotVos"]
    return {
        "uid": account["uid"],
        "rates": [account["commissionRates"][name] for name in ("maker", "taker")],
        "spot": some(account["balances"], "asset", "free", "locked"),
        "one asset": some([client.get_asset_balance("USDT")], "asset", "free", "locked"),
        "assets": some(client.get_user_asset(), "asset", "free", "locked", "freeze", "withdrawing"),
        "funding": some(client.funding_wallet(), "asset", "free", "locked", "freeze", "withdrawing"),
        "wallets": some(client.margin_v1_get_asset_wallet_balance(), "walletName", "balance"),
        "snapshots": [
            [day["updateTime"], each["asset"], each["free"], each["locked"]]
            for day in snapshots
            for each in day["data"]["balances"]
        ],
        "trades": some(
            by_day(client.get_my_trades),
            "id",
            "orderId",
            "time",
            "price",
            "qty",
            "quoteQty",
            "commission",
            "commissionAsset",
            "isBuyer",
            "isMaker",
        ),
        "orders": some(
            by_day(client.get_all_orders),
            "orderId",
            "clientOrderId",
            "time",
            "updateTime",
            "side",
            "type",
            "status",
            "price",
            "origQty",
            "executedQty",
            "cummulativeQuoteQty",
        ),
        "open orders": some(client.get_open_orders(), "symbol", "orderId", "price", "origQty"),
        "deposits": some(
            client.get_deposit_history(**long),
            "id",
            "coin",
            "amount",
            "network",
            "address",
            "txId",
            "insertTime",
        ),
        "withdrawals": some(
            client.get_withdraw_history(**long),
            "id",
            "coin",
            "amount",
            "transactionFee",
            "network",
            "txId",
        ),
        "dividends": some(
            client.get_asset_dividend_history(limit=500, **span)["rows"],
            "id",
            "asset",
            "amount",
            "divTime",
            "enInfo",
        ),
        "transfers": some(
            client.query_universal_transfer_history(
                type="MAIN_UMFUTURE", size=100, startTime=job["month"], endTime=end
            )["rows"],
            "tranId",
            "asset",
            "amount",
            "timestamp",
        ),
        "trading fees": some(client.get_trade_fee(), "symbol", "makerCommission", "takerCommission"),
        "coins": some(client.get_all_coins_info(), "coin", "free", "locked"),
        "permissions": client.get_account_api_permissions()["ipRestrict"],
        "futures balances": some(
            client.futures_account_balance(), "asset", "balance", "crossUnPnl", "availableBalance"
        ),
        "positions": some(
            client.futures_position_information(),
            "symbol",
            "positionAmt",
            "entryPrice",
            "breakEvenPrice",
            "markPrice",
            "unRealizedProfit",
            "liquidationPrice",
            "notional",
        ),
        "futures trades": some(
            client.futures_account_trades(symbol=SYMBOL, **span),
            "id",
            "orderId",
            "time",
            "side",
            "price",
            "qty",
            "realizedPnl",
            "commission",
        ),
        "futures orders": some(
            client.futures_get_all_orders(symbol=SYMBOL, **span),
            "orderId",
            "time",
            "status",
            "avgPrice",
            "executedQty",
        ),
        "income": some(
            client.futures_income_history(limit=1000, **span),
            "incomeType",
            "income",
            "asset",
            "time",
            "tranId",
        ),
    }


def main():
    sys.addaudithook(allow_loopback_only)
    out, sys.stdout = sys.stdout, sys.stderr
    job = json.load(sys.stdin)
    binance.base_client.time = StandingClock(job["now"])
    json.dump({name: read(job, *pair) for name, pair in job["keys"].items()}, out)


main()
