"""`link.market.spot.klines`, one symbol after the other. It learns the limits and the time by itself."""

import numpy as np
from candles import Job, main

import toolkit
from toolkit.endpoints import BASE_URLS

COLUMNS = [
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "trades",
    "taker_base_volume",
    "taker_quote_volume",
]


def connect(job: Job):
    link = toolkit.Link(hosts=dict.fromkeys(BASE_URLS, job.address), progress=False)

    def read():
        return {
            symbol: link.market.spot.klines(symbol, "1m", start=job.start, end=job.end)
            for symbol in job.symbols
        }

    return read, lambda frames: {symbol: as_numbers(frame) for symbol, frame in frames.items()}


def as_numbers(frame):
    columns = [
        frame[name].astype("int64") if name.endswith("time") else frame[name].to_numpy("float64")
        for name in COLUMNS
    ]
    return np.column_stack(columns).astype("float64")


main(connect)
