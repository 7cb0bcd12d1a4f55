"""A bare loop with requests and json, one page after the other, as anyone would write it."""

import requests
from candles import Job, main, numbers

COLUMNS = 11


def connect(job: Job):
    session = requests.Session()

    def read_symbol(symbol):
        rows, start = [], job.start
        while start <= job.end:
            query = f"symbol={symbol}&interval=1m&startTime={start}&endTime={job.end}&limit=1000"
            response = session.get(f"{job.address}/api/v3/klines?{query}", timeout=10)
            response.raise_for_status()
            page = response.json()
            if not page:
                break
            rows += page
            start = page[-1][0] + 60_000
        return rows

    return (
        lambda: {symbol: read_symbol(symbol) for symbol in job.symbols},
        lambda rows: {symbol: numbers(rows[symbol], COLUMNS) for symbol in rows},
    )


main(connect)
