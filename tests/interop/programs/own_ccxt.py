"""ccxt's unified functions for market data, with its own symbols and pagination. Numbers stay texts."""

import json
import sys
from urllib.parse import urlsplit

import ccxt
from adapter import allow_loopback_only

SPOT, PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"


def connect(job):
    exchange = ccxt.binance({"enableRateLimit": False})
    exchange.number = str
    api = exchange.urls["api"]
    api.update({name: job["address"] + urlsplit(url).path for name, url in api.items()})
    return exchange


def market(found):
    return {
        "tick size": found["precision"]["price"],
        "step size": found["precision"]["amount"],
        "minimum quantity": found["limits"]["amount"]["min"],
        "maximum quantity": found["limits"]["amount"]["max"],
        "minimum price": found["limits"]["price"]["min"],
        "minimum notional": found["limits"]["cost"]["min"],
        "base": found["baseId"],
        "quote": found["quoteId"],
        "active": found["active"],
    }


def main():
    sys.addaudithook(allow_loopback_only)
    out, sys.stdout = sys.stdout, sys.stderr
    job = json.load(sys.stdin)
    start, end, recent = job["start"], job["end"], job["recent"]
    exchange = connect(job)
    markets = exchange.load_markets().values()
    pages = {"paginate": True, "until": end}

    def candles(symbol, interval, since, **params):
        # Prices that nobody trades at have no volume.
        width = 5 if "price" in params else 6
        found = exchange.fetch_ohlcv(symbol, interval, since, None, {"until": end, **params})
        return [row[:width] for row in found]

    def book(symbol):
        found = exchange.fetch_order_book(symbol, 50)
        return {side: [row[:2] for row in found[side]] for side in ("bids", "asks")}

    def ticker(found):
        names = ("high", "low", "open", "last", "vwap", "change", "baseVolume", "quoteVolume")
        return [found[name] for name in names]

    funding = exchange.fetch_funding_rate(PERPETUAL)
    interest = exchange.fetch_open_interest(PERPETUAL)
    read = {
        "status": exchange.fetch_status()["status"],
        "spot markets": {each["id"]: market(each) for each in markets if each["spot"]},
        "futures markets": {each["id"]: market(each) for each in markets if each["swap"] and each["linear"]},
        "minutes": exchange.fetch_ohlcv(SPOT, "1m", start, None, pages),
        "hours": candles(SPOT, "1h", start),
        "days": candles(SPOT, "1d", job["months"]),
        "weeks": candles(SPOT, "1w", job["months"]),
        "months": candles(SPOT, "1M", job["months"]),
        "futures hours": candles(PERPETUAL, "1h", start),
        "mark hours": candles(PERPETUAL, "1h", start, price="mark"),
        "index hours": candles(PERPETUAL, "1h", start, price="index"),
        "premium hours": candles(PERPETUAL, "1h", start, price="premiumIndex"),
        "trades": [
            [each["id"], each["timestamp"], each["price"], each["amount"], each["side"]]
            for each in exchange.fetch_trades(SPOT, recent, 1000, {"until": end})
        ],
        "book": book(SPOT),
        "futures book": book(PERPETUAL),
        "ticker": ticker(exchange.fetch_ticker(SPOT)),
        "best prices": {
            each["info"]["symbol"]: [each["bid"], each["bidVolume"], each["ask"], each["askVolume"]]
            for each in exchange.fetch_bids_asks().values()
        },
        "last prices": {
            each["info"]["symbol"]: each["price"] for each in exchange.fetch_last_prices([SPOT]).values()
        },
        "funding rates": [
            [each["timestamp"], each["fundingRate"]]
            for each in exchange.fetch_funding_rate_history(PERPETUAL, start, 1000, {"until": end})
        ],
        "premium index": [funding["markPrice"], funding["indexPrice"], funding["fundingRate"]],
        "next funding": funding["fundingTimestamp"],
        "open interest": interest["openInterestAmount"],
        "open interest history": [
            [each["timestamp"], each["openInterestAmount"], each["openInterestValue"]]
            for each in exchange.fetch_open_interest_history(PERPETUAL, "1h", start, 500, {"until": end})
        ],
    }
    json.dump(read, out)


main()
