"""python-binance's `get_historical_klines`, as it is or without its sleeps, one symbol after the other."""

import time
from types import SimpleNamespace

import binance.client
from candles import Job, main, numbers

COLUMNS = 11


def connect(job: Job):
    client = binance.client.Client(ping=False)
    client.API_URL = f"{job.address}/api"
    if not job.settings["sleeps"]:
        # The module has no other use of `time` in these functions.
        binance.client.time = SimpleNamespace(time=time.time, sleep=lambda seconds: None)

    def read():
        return {
            symbol: client.get_historical_klines(symbol, "1m", job.start, job.end) for symbol in job.symbols
        }

    return read, lambda rows: {symbol: numbers(rows[symbol], COLUMNS) for symbol in rows}


main(connect)
