"""ccxt's `fetch_ohlcv` with its own pagination: the asynchronous client, or the synchronous one.

Its markets are loaded, and its connections set up, before the clock starts.
"""

import asyncio
from urllib.parse import urlsplit

import aiohttp
import ccxt
import ccxt.async_support
from candles import Job, main, numbers

COLUMNS = 6


def point_at(exchange: ccxt.Exchange, address: str) -> None:
    api = exchange.urls["api"]
    api.update({name: address + urlsplit(url).path for name, url in api.items()})


def connect(job: Job):
    options = {
        "enableRateLimit": job.settings["rate_limit"],
        "options": {"fetchMarkets": {"types": ["spot"]}},
    }
    # More calls than needed cost nothing: the pagination ends with `until`.
    params = {"paginate": True, "until": job.end, "paginationCalls": (job.end - job.start) // 60_000_000 + 2}

    def arrays_of(rows):
        return {symbol: numbers(rows[symbol], COLUMNS) for symbol in job.symbols}

    if job.settings["client"] == "sync":
        exchange = ccxt.binance(options)
        point_at(exchange, job.address)
        exchange.load_markets()
        names = {symbol: exchange.market(symbol)["symbol"] for symbol in job.symbols}
        return (
            lambda: {
                symbol: exchange.fetch_ohlcv(name, "1m", job.start, None, dict(params))
                for symbol, name in names.items()
            },
            arrays_of,
        )

    loop = new_loop(job.settings["loop"])
    asyncio.set_event_loop(loop)

    async def prepare():
        # aiohttp opens 100 connections at most unless told otherwise.
        connector = aiohttp.TCPConnector(limit=job.settings["connections"])
        session = aiohttp.ClientSession(connector=connector)
        exchange = ccxt.async_support.binance({**options, "session": session, "asyncio_loop": loop})
        point_at(exchange, job.address)
        await exchange.load_markets()
        return exchange

    exchange = loop.run_until_complete(prepare())
    names = {symbol: exchange.market(symbol)["symbol"] for symbol in job.symbols}

    async def read():
        try:
            found = await asyncio.gather(
                *(exchange.fetch_ohlcv(name, "1m", job.start, None, dict(params)) for name in names.values())
            )
            return dict(zip(names, found, strict=True))
        finally:
            await exchange.session.close()
            await exchange.close()

    return lambda: loop.run_until_complete(read()), arrays_of


def new_loop(name: str) -> asyncio.AbstractEventLoop:
    if name == "uvloop":
        import uvloop

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


main(connect)
