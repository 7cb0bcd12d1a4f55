"""python-binance's functions for market data that read more than one page, or are more than one endpoint."""

import json
import sys
from itertools import islice

from adapter import allow_loopback_only
from binance.client import Client
from binance.enums import HistoricalKlinesType

SYMBOL = "BTCUSDT"


def main():
    sys.addaudithook(allow_loopback_only)
    out, sys.stdout = sys.stdout, sys.stderr
    job = json.load(sys.stdin)
    start, end, recent = job["start"], job["end"], job["recent"]
    client = Client(job["key"], ping=False)
    client.API_URL = f"{job['address']}/api"
    client.MARGIN_API_URL = f"{job['address']}/sapi"
    client.FUTURES_URL = f"{job['address']}/fapi"

    def candles(interval, since, kind=HistoricalKlinesType.SPOT, width=11):
        found = client.get_historical_klines(SYMBOL, interval, since, end, klines_type=kind)
        return [row[:width] for row in found]

    rules = {each["filterType"]: each for each in client.get_symbol_info(SYMBOL)["filters"]}

    read = {
        "status": client.get_system_status()["msg"],
        "minutes": candles("1m", start),
        "hours": candles("1h", start),
        "days": candles("1d", job["months"]),
        "weeks": candles("1w", job["months"]),
        "months": candles("1M", job["months"]),
        "futures minutes": candles("1m", start, HistoricalKlinesType.FUTURES),
        "mark hours": candles("1h", start, HistoricalKlinesType.FUTURES_MARK_PRICE, 5),
        "trades": [
            [each[name] for name in "apqflTm"]
            for each in islice(client.aggregate_trade_iter(SYMBOL, start_str=recent), 1500)
        ],
        "rules": {
            "PRICE_FILTER": rules["PRICE_FILTER"]["tickSize"],
            "LOT_SIZE": rules["LOT_SIZE"]["stepSize"],
            "NOTIONAL": rules["NOTIONAL"]["minNotional"],
        },
        "prices": {each["symbol"]: each["price"] for each in client.get_all_tickers()},
        "best prices": {
            each["symbol"]: [each["bidPrice"], each["bidQty"], each["askPrice"], each["askQty"]]
            for each in client.get_orderbook_tickers()
        },
    }
    json.dump(read, out)


main()
