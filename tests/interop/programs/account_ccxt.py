"""ccxt's unified functions for accounts: what they hold, what was traded, what came and went.

Numbers stay texts.
"""

import json
import sys
from urllib.parse import urlsplit

import ccxt
from adapter import allow_loopback_only

SPOT, PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"
DAY = 86_400_000


def connect(job, key, secret):
    exchange = ccxt.binance({"apiKey": key, "secret": secret, "enableRateLimit": False})
    exchange.number = str
    # The sandbox's clock stands still; it has no leverage brackets and no pairs of margin.
    exchange.nonce = lambda: job["now"]
    exchange.options.update(leverageBrackets={}, fetchMargins=False)
    api = exchange.urls["api"]
    api.update({name: job["address"] + urlsplit(url).path for name, url in api.items()})
    return exchange


def balances(found):
    return {asset: [found[asset][name] for name in ("free", "used", "total")] for asset in found["total"]}


def order(found):
    if found["type"] == "market":
        found["price"] = None  # the average of its trades, rounded
    names = (
        "id",
        "clientOrderId",
        "timestamp",
        "side",
        "type",
        "price",
        "amount",
        "filled",
        "cost",
        "status",
    )
    return [found[name] for name in names]


def trade(found):
    names = ("id", "order", "timestamp", "side", "price", "amount", "cost", "takerOrMaker")
    return [*(found[name] for name in names), found["fee"]["cost"], found["fee"]["currency"]]


def moved(exchange, found):
    names = ("id", "timestamp", "currency", "amount")
    network = exchange.network_code_to_id(found["network"])
    return [*(found[name] for name in names), network, found["addressTo"], found["status"], found["txid"]]


def position(found):
    names = ("side", "contracts", "entryPrice", "markPrice", "unrealizedPnl", "notional", "initialMargin")
    return [*(found[name] for name in names), found["liquidationPrice"]]


def read(exchange, job):
    exchange.load_markets()
    week, month, months, end = job["week"], job["month"], job["months"], job["end"]

    def by_day(call, symbol):
        """Every row of the week: a window may not be longer than a day."""
        days = range(week, end + 1, DAY)
        return [row for day in days for row in call(symbol, day, 1000, {"until": min(day + DAY - 1, end)})]

    def income(**params):
        return exchange.fetch_ledger(
            None, week, 1000, {"type": "swap", "subType": "linear", "until": end, **params}
        )

    fees = exchange.fetch_trading_fees()
    # Of withdrawals it asks for 90 days, and the documentation allows less than that.
    return {
        "spot": balances(exchange.fetch_balance()),
        "funding": balances(exchange.fetch_balance({"type": "funding"})),
        "futures": balances(exchange.fetch_balance({"type": "swap"})),
        "trades": [trade(each) for each in by_day(exchange.fetch_my_trades, SPOT)],
        "orders": [order(each) for each in by_day(exchange.fetch_orders, SPOT)],
        "open orders": [order(each) for each in exchange.fetch_open_orders(SPOT)],
        "futures trades": [
            trade(each) for each in exchange.fetch_my_trades(PERPETUAL, week, 1000, {"until": end})
        ],
        "futures orders": [
            order(each) for each in exchange.fetch_orders(PERPETUAL, week, 1000, {"until": end})
        ],
        "deposits": [
            moved(exchange, each) for each in exchange.fetch_deposits(None, months, 1000, {"until": end})
        ],
        "withdrawals": [
            [*moved(exchange, each), each["fee"]["cost"]]
            for each in exchange.fetch_withdrawals(None, months, 1000, {"endTime": end})
        ],
        "transfers": [
            [each[name] for name in ("id", "timestamp", "currency", "amount", "fromAccount", "toAccount")]
            for each in exchange.fetch_transfers(None, month, 100, {"until": end})
        ],
        "positions": {each["info"]["symbol"]: position(each) for each in exchange.fetch_positions()},
        "funding fees": [
            [each[name] for name in ("id", "timestamp", "code", "amount")]
            for each in exchange.fetch_funding_history(PERPETUAL, week, 1000, {"until": end})
        ],
        "income": [
            [each[name] for name in ("id", "timestamp", "currency", "direction", "amount")]
            for each in income()
        ],
        "trading fees": {
            exchange.market_id(symbol): [each["maker"], each["taker"]] for symbol, each in fees.items()
        },
        "withdrawal fees": {
            each["id"]: {
                name: [network["fee"], network["limits"]["withdraw"]["min"]]
                for name, network in ((inner["id"], inner) for inner in each["networks"].values())
            }
            for each in exchange.currencies.values()
            if each["networks"]
        },
    }


def main():
    sys.addaudithook(allow_loopback_only)
    out, sys.stdout = sys.stdout, sys.stderr
    job = json.load(sys.stdin)
    json.dump({name: read(connect(job, *pair), job) for name, pair in job["keys"].items()}, out)


main()
