"""What the sandbox spends on a response: measuring against it should measure the client."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

import pytest

from tests.support.sandbox_requests import hmac_of
from toolkit.sandbox import Exchange, Sandbox, World

REQUESTS = 100
MINUTE = 60_000
HOUR = 60 * MINUTE
WEEK = 7 * 24 * HOUR
# A goal for a quiet machine, in milliseconds of processor time.
MAX_PAGE_MS = 3.0

# Sends requests one after another over one connection, in a process of its own.
CLIENT = """
import http.client, json, sys
given = json.load(sys.stdin)
connection = http.client.HTTPConnection("127.0.0.1", given["port"])
for target in given["targets"]:
    connection.request("GET", target, headers=given["headers"])
    response = connection.getresponse()
    body = response.read()
    assert response.status == 200, body
    assert body.count(given["mark"].encode()) == given["rows"], (target, body.count(given["mark"].encode()))
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(exchange=Exchange(World(seed=7), limit_scale=1000)) as sandbox:
        yield sandbox


def spent(sandbox: Sandbox, targets: list[str], *, mark: str, rows: int) -> float:
    """Processor time of each response in milliseconds; `mark` occurs once in each row."""

    def ask(targets: list[str]) -> float:
        given = {
            "port": int(sandbox.address.rpartition(":")[2]),
            "targets": targets,
            "headers": {"X-MBX-APIKEY": sandbox.key},
            "mark": mark,
            "rows": rows,
        }
        before = time.process_time()
        subprocess.run([sys.executable, "-c", CLIENT], input=json.dumps(given), text=True, check=True)
        return time.process_time() - before

    ask(targets[:5])
    none = ask([])
    return (ask(targets) - none) * 1000 / len(targets)


def signed(sandbox: Sandbox, path: str, params: Mapping[str, object]) -> str:
    query = urlencode({**params, "recvWindow": 60_000, "timestamp": int(time.time() * 1000)})
    return f"{path}?{query}&signature={hmac_of(sandbox.secret, query)}"


def show(name: str, spent_ms: float) -> None:
    print(f"\n  {name}: {spent_ms:.2f} ms of the sandbox's processor time")
    assert spent_ms <= MAX_PAGE_MS


def test_a_response_without_rows(sandbox: Sandbox) -> None:
    targets = ["/api/v3/time"] * REQUESTS
    show("the time", spent(sandbox, targets, mark="serverTime", rows=1))


@pytest.mark.parametrize("symbol", ["BTCUSDT", "PEPEUSDT"])
def test_a_page_of_candles(sandbox: Sandbox, symbol: str) -> None:
    """Each page is another one, as they are when a year is fetched."""
    last = int(time.time() * 1000) // MINUTE * MINUTE - 1000 * MINUTE
    targets = [
        "/api/v3/klines?"
        + urlencode(
            {
                "symbol": symbol,
                "interval": "1m",
                "startTime": last - number * 1000 * MINUTE,
                "endTime": last - (number - 1) * 1000 * MINUTE - 1,
                "limit": 1000,
            }
        )
        for number in range(REQUESTS)
    ]
    show(f"1,000 minute candles of {symbol}", spent(sandbox, targets, mark='"0"]', rows=1000))


@pytest.mark.parametrize("interval", ["1h", "1d"])
def test_a_page_of_longer_candles(sandbox: Sandbox, interval: str) -> None:
    """They are made of minutes once, and kept."""
    target = "/api/v3/klines?" + urlencode({"symbol": "ETHUSDT", "interval": interval, "limit": 700})
    show(f"700 candles of {interval}", spent(sandbox, [target] * REQUESTS, mark='"0"]', rows=700))


@pytest.mark.parametrize(
    "path", ["/sapi/v1/apiReferral/rebate/recentRecord", "/sapi/v1/broker/rebate/recentRecord"]
)
def test_a_page_of_rebates(sandbox: Sandbox, path: str) -> None:
    last = int(time.time() * 1000)
    size = "limit" if "apiReferral" in path else "size"
    targets = [
        signed(
            sandbox,
            path,
            {"startTime": last - WEEK + 1 - number * HOUR, "endTime": last - number * HOUR, size: 500},
        )
        for number in range(REQUESTS)
    ]
    show(f"500 rows of {path}", spent(sandbox, targets, mark='"income"', rows=500))
