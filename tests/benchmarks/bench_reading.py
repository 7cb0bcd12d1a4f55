"""What a read costs, compared with the bare steps that a careful user would write by hand."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
import time
import tracemalloc
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import requests

import toolkit
from tests.benchmarks.measure import report, seconds
from tests.support.sandbox_env import SandboxEnv
from toolkit.endpoints import ENDPOINTS_BY_NAME
from toolkit.frames.builder import FrameBuilder
from toolkit.sandbox.world.tables import ListTable
from toolkit.transport.strict_json import loads

REBATES = ENDPOINTS_BY_NAME["exchange.rebates"]


def rows(count: int) -> list[dict[str, Any]]:
    return [
        {
            "subaccountId": str(367537027503425913 + n % 240),
            "income": f"0.{n:08d}",
            "asset": "USDT",
            "symbol": "BTCUSDT",
            "tradeId": 9_000_000_000 + n,
            "time": 1_767_000_000_000 + n * 40,
            "status": 1,
        }
        for n in range(count)
    ]


@pytest.mark.parametrize("numbers", ["float", "exact"])
def test_rows_to_a_frame(numbers: Any) -> None:
    """Baseline: json.loads, pd.DataFrame and three conversions, without any check."""
    bodies = [json.dumps(rows(100_000)[start : start + 500]) for start in range(0, 100_000, 500)]

    def ours() -> pd.DataFrame:
        builder = FrameBuilder(REBATES, numbers)
        for body in bodies:
            builder.add(json.loads(body, parse_float=Decimal))
        return builder.frame({})

    def bare() -> pd.DataFrame:
        frame = pd.concat([pd.DataFrame(json.loads(body)) for body in bodies], ignore_index=True)
        frame["time"] = pd.to_datetime(frame["time"], unit="ms", utc=True)
        frame["income"] = frame["income"].astype(float)
        frame["tradeId"] = frame["tradeId"].astype(str)
        return frame

    assert len(ours()) == len(bare())
    report(f"100,000 rows to a frame ({numbers})", seconds(ours), seconds(bare), "pandas alone")


def test_memory_of_a_fetch() -> None:
    """Baseline: the memory of the finished frame. Measured is the peak while building one window."""
    count = 200_000
    bodies = [
        json.dumps(page) for page in (rows(count)[start : start + 500] for start in range(0, count, 500))
    ]
    arrow = pa.total_allocated_bytes()
    tracemalloc.start()
    builder = FrameBuilder(REBATES, "float")
    for body in bodies:
        builder.add(json.loads(body))
    frame = builder.frame({})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    peak += pa.total_allocated_bytes() - arrow
    finished = frame.memory_usage(deep=True).sum()
    print(
        f"\n  {count:,} rows of one window: peak {peak / 2**20:.0f} MiB; frame {finished / 2**20:.0f} MiB; "
        f"ratio {peak / finished:.2f}"
    )
    assert peak <= 3 * finished


def test_pages_over_a_socket() -> None:
    """Baseline: the same 40 pages one after another with bare requests, hmac and pandas."""
    env = SandboxEnv()
    now = env.now
    env.replace_exchange(
        tables={
            REBATES.qualified_name: ListTable(
                [row | {"time": now - 10**7 + n} for n, row in enumerate(rows(20_000))]
            )
        }
    )
    link = env.new_link(limits={"sapi-ip": 10**9})
    env.exchange.limits = type(env.exchange.limits)(10**6, None)

    def ours() -> pd.DataFrame:
        return link.exchange.rebates(start="-6D")

    def bare() -> pd.DataFrame:
        pages = []
        with requests.Session() as session:
            session.headers["X-MBX-APIKEY"] = env.sandbox.key
            page = 1
            while not pages or len(pages[-1]) == 500:
                query = (
                    f"startTime={now - 6 * 86_400_000}&endTime={now}&page={page}&size=500&timestamp={env.now}"
                )
                signature = hmac.new(env.sandbox.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
                url = f"{env.sandbox.address}{REBATES.path}?{query}&signature={signature}"
                pages.append(pd.DataFrame(session.get(url, timeout=5).json()))
                page += 1
        return pd.concat(pages, ignore_index=True)

    assert len(ours()) == len(bare()) == 20_000
    took, baseline = seconds(ours, rounds=3), seconds(bare, rounds=3)
    report("41 pages, 20,000 rows", took, baseline, "bare requests and pandas")
    env.close()


def test_import() -> None:
    """Baseline: importing pandas, requests and pyarrow, which the package needs."""

    def importing(what: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", f"import {what}"], check=True)
        return time.perf_counter() - start

    importing("toolkit")
    ours = min(importing("toolkit") for _ in range(5))
    parts = min(importing("pandas, requests, pyarrow") for _ in range(5))
    report("import toolkit", ours, parts, "its three libraries alone")


def test_the_sandbox_responds_quickly() -> None:
    """Baseline: a bare /ping of the same server."""
    link = toolkit.demo(limit_scale=1000)
    assert link.sandbox is not None
    ping = f"{link.sandbox.address}/api/v3/ping"
    with requests.Session() as session:
        report(
            "one signed read through an endpoint",
            seconds(link.exchange.partner, rounds=50),
            seconds(lambda: session.get(ping, timeout=5).json(), rounds=50),
            "an unsigned ping with requests",
        )
    link.close()


def test_a_body_to_rows() -> None:
    """Baseline: json.loads with Decimals, without any check."""
    body = json.dumps(rows(1000)).encode()

    def ours() -> None:
        for _ in range(50):
            loads(body)

    def bare() -> None:
        for _ in range(50):
            json.loads(body.decode(), parse_float=Decimal)

    assert loads(body) == json.loads(body)
    report("a body of 1,000 rows, 50 times", seconds(ours), seconds(bare), "json.loads")
