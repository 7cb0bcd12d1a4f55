"""An exchange in a separate process, with a number of pages of rebates and a latency.

Run as `python -m tests.benchmarks.far_exchange PAGES DAYS LATENCY_MS`. It prints address, key, secret and the
first and last time as one line of JSON, and ends when its standard input does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from toolkit.endpoints import ENDPOINTS_BY_NAME
from toolkit.sandbox import Exchange, Sandbox, World
from toolkit.sandbox.world.tables import ListTable

REBATES = ENDPOINTS_BY_NAME["exchange.rebates"]
DAY = 86_400_000


def rows(count: int, first: int, last: int) -> list[dict[str, object]]:
    step = (last - first) / count
    return [
        {
            "subaccountId": str(367537027503425913 + n % 240),
            "income": f"0.{n:08d}",
            "asset": "USDT",
            "symbol": "BTCUSDT",
            "tradeId": 9_000_000_000 + n,
            "time": int(first + n * step),
            "status": 1,
        }
        for n in range(count)
    ]


def main(pages: int, days: float, latency_ms: float) -> None:
    last = int(time.time() * 1000) - 60_000
    first = int(last - days * DAY)
    # The last page is one row short, so that it is known to be the last.
    table = ListTable(rows(pages * REBATES.paging.maximum - 1, first, last))
    exchange = Exchange(World(seed=7), limit_scale=1000, tables={REBATES.qualified_name: table})
    with Sandbox(exchange=exchange, latency_ms=latency_ms) as sandbox:
        started = {"address": sandbox.address, "key": sandbox.key, "secret": sandbox.secret}
        print(json.dumps(started | {"first": first, "last": last}), flush=True)
        sys.stdin.read()


@contextmanager
def far_exchange(pages: int, days: float, latency_ms: float) -> Iterator[dict[str, Any]]:
    """Run an exchange, and return what it printed."""
    command = [sys.executable, "-m", __name__, str(pages), str(days), str(latency_ms)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            assert process.stdin is not None
            process.stdin.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
