"""Reads a year of 1-minute candles with the toolkit and with other clients: `make bench-peers`.

All of them read from one sandbox, which has the documented limits and answers each request after 60 ms. It
takes about a quarter of an hour, because python-binance sleeps and because no contestant starts before the
minute has enough of its allowance left. The exit status tells whether the goals in `results.py` are reached.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.peers import contestants, results
from tests.benchmarks.peers.contestants import Contestant
from tests.benchmarks.peers.exchange import LATENCY_MS, FarExchange, far_exchange
from tests.benchmarks.peers.results import Result
from tests.interop.clients import PEERS
from tests.interop.install import installed

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT", "DOGEUSDT")
DAY_MS = 86_400_000
MINUTE_MS = 60_000
PAGE = 1000
WEIGHT = 2
ROUNDS = 3


class Contest:
    """Runs contestants, one after the other.

    Args:
        exchange: Where they read.
        days: How many days, up to the last midnight.
        folder: For their rows.
    """

    def __init__(self, exchange: FarExchange, days: int, folder: Path) -> None:
        midnight = int(time.time() * 1000) // DAY_MS * DAY_MS
        self.span = midnight - days * DAY_MS, midnight - MINUTE_MS
        self.exchange = exchange
        self._folder = folder
        self._runs = 0

    def run(self, contestant: Contestant, symbols: Sequence[str], *, from_minute: bool = False) -> Result:
        """Read with one contestant; `from_minute` waits for the beginning of a minute."""
        minutes = (self.span[1] - self.span[0]) // MINUTE_MS + 1
        # Some requests more: the limits, the markets, the time.
        weight = WEIGHT * (-(-minutes // PAGE)) * len(symbols) + 100
        self.exchange.wait_for(None if from_minute else weight)
        self._runs += 1
        print(f"{contestant.name}: {', '.join(symbols)} ...", file=sys.stderr, end=" ", flush=True)
        before = self.exchange.counts()
        reading = contestant.read(self.exchange.address, symbols, self.span, self._folder / str(self._runs))
        result = Result(contestant.name, reading, self.exchange.charged_since(before))
        print(f"{reading.seconds:.1f} s {reading.error}", file=sys.stderr)
        return result

    def one_symbol(self) -> tuple[str, list[str]]:
        """One symbol: the table, and what is not as it should be."""
        symbols = SYMBOLS[:1]
        settings = [self.run(each, symbols) for each in contestants.CCXT_ASYNC]
        finished = [each for each in settings if not each.reading.error]
        best = contestants.CCXT_ASYNC[settings.index(min(finished, key=_seconds))]
        # They take turns, so that other load on the machine affects both. Of each, the fastest run counts.
        # Each begins with a minute, since the toolkit leaves room for programs that used much of it before.
        rounds = [
            (
                self.run(contestants.OURS, symbols, from_minute=True),
                self.run(best, symbols, from_minute=True),
            )
            for _ in range(ROUNDS)
        ]
        ours = min((pair[0] for pair in rounds), key=_seconds)
        ccxt = min((*finished, *(pair[1] for pair in rounds)), key=_seconds)
        sync, bare, without_sleeps, as_it_is = (
            self.run(each, symbols)
            for each in (
                contestants.CCXT_SYNC,
                contestants.REQUESTS,
                contestants.WITHOUT_SLEEPS,
                contestants.AS_IT_IS,
            )
        )
        others = [ccxt, *(each for each in settings if each.name != ccxt.name)]
        others += [sync, bare, without_sleeps, as_it_is]
        shortfalls = results.shortfalls_of_one(ours, as_it_is, without_sleeps, ccxt)
        shortfalls += results.shortfalls_of_rows(others, ours, self.span)
        return results.table([ours, *others], ours, self.exchange.limit), shortfalls

    def six_symbols(self) -> tuple[str, list[str]]:
        """Six symbols: the table, and what is not as it should be."""
        # Without its throttle, ccxt is banned for two minutes: it is the last.
        lines = [
            self.run(each, SYMBOLS, from_minute=True)
            for each in (
                contestants.OURS,
                contestants.CCXT_THROTTLED,
                contestants.WITHOUT_SLEEPS,
                contestants.CCXT_UNTHROTTLED,
            )
        ]
        ours, throttled, without_sleeps, unthrottled = lines
        shortfalls = results.shortfalls_of_six(ours, self.exchange.limit)
        # ccxt fails where it is refused, which is for the table to show.
        finished = [each for each in (unthrottled, throttled) if not each.reading.error]
        shortfalls += results.shortfalls_of_rows([without_sleeps, *finished], ours, self.span)
        return results.table(lines, ours, self.exchange.limit), shortfalls


def _seconds(result: Result) -> float:
    return result.reading.seconds


def main() -> int:
    """Run the contests, print the tables, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=365, help="how many days to read; the goals are for 365")
    parser.add_argument("--contest", choices=("one", "six"), help="run only one of the two")
    options = parser.parse_args()
    missing = [each.name for each in PEERS if each.name in ("ccxt", "python-binance") and not installed(each)]
    if missing:
        print(f"not installed: {', '.join(missing)}; `make bench-peers` installs them", file=sys.stderr)
        return 2
    found: list[str] = []
    with tempfile.TemporaryDirectory() as folder, far_exchange() as exchange:
        contest = Contest(exchange, options.days, Path(folder))
        contests: dict[str, Callable[[], tuple[str, list[str]]]] = {
            "one": contest.one_symbol,
            "six": contest.six_symbols,
        }
        print(
            f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, "
            f"{LATENCY_MS} ms, {options.days} days of 1-minute candles"
        )
        for name, run in contests.items():
            if options.contest in (None, name):
                table, shortfalls = run()
                print(f"\n{name} of the symbols\n\n{table}", flush=True)
                found += shortfalls
    for each in found:
        print(f"not reached: {each}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
