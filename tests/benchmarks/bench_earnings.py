"""What earnings in one currency cost, with prices kept, compared with reading the same frame from a file.

Beside it is the same by hand, by pandas (`merge_asof`) and, where `make bench` could install it, by DuckDB
(`ASOF JOIN`). Both take floats and a table of prices, and give one sum; neither tells of what has no price.

The first call of a process, which reads the kept prices from their files, is shown beside the others and has
no limit. The peak of memory is limited to a multiple of the frame of earnings, which is what a user holds
afterwards: it has 17 columns, and about 2.5 times the bytes of the rebates. The peak in multiples of the
rebates is shown, too.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import toolkit
from tests.benchmarks.measure import processor_seconds, report
from tests.support.sandbox_env import SandboxEnv
from toolkit.analytics import earnings
from toolkit.sandbox import World

MAX_COST = 4.0
MAX_MEMORY = 3.0

NOW = 1_794_997_805.5  # 2026-11-18
AMPLE = {"api": 10**9, "sapi-ip": 10**9, "sapi-uid": 10**9}
# The way from each asset to dollars, as someone would write it down: a market and whether it is inverse.
ROUTES = {
    **{
        asset: [(f"{asset}USDT", False)]
        for asset in ("BTC", "ETH", "USDC", "FDUSD", "TUSD", "EUR", "MATIC", "POL")
    },
    "TRY": [("USDTTRY", True)],
    "JPY": [("BTCJPY", True), ("BTCUSDT", False)],
    "DCR": [("DCRBTC", False), ("BTCUSDT", False)],
}


@dataclass(frozen=True, slots=True)
class Case:
    """A frame in a file, and all that is needed to value it.

    Attributes:
        name: What it is.
        path: The file.
        prices: A file of prices by hour: asset, time, price.
        env: The sandbox.
    """

    name: str
    path: Path
    prices: Path
    env: SandboxEnv


@pytest.fixture(scope="module", params=[320, 1825], ids=["two years", "a million rows"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """The rebates of all sub-accounts in two years, in twelve assets."""
    folder = tmp_path_factory.mktemp("earnings")
    env = SandboxEnv(
        world=World(7, now=NOW, rebates_per_day=request.param),
        exchange={"limit_scale": 10**6},
        link={"limits": AMPLE, "progress": False},
    )
    env.clock.sleep(NOW - env.clock.time())
    span = {"start": pd.Timestamp(env.sandbox.world.start_ms, unit="ms", tz="UTC"), "end": env.now}
    frame = env.link.exchange.rebates(**span, numbers="exact")
    path, prices = folder / "rebates.parquet", folder / "prices.parquet"
    toolkit.export(frame, path)
    by_hand(env.link, span).to_parquet(prices)
    yield Case(f"{len(frame):,} rebates", path, prices, env)
    env.close()


def by_hand(link: toolkit.Link, span: dict[str, Any]) -> pd.DataFrame:
    """Hourly prices in dollars of every asset, as a table."""
    closes = {}
    for symbol in sorted({symbol for route in ROUTES.values() for symbol, _ in route}):
        candles = link.market.spot.klines(symbol, "1h", **span)
        closes[symbol] = candles.set_index(candles["close_time"] + pd.Timedelta(1, "ms"))["close"]
    parts = []
    for asset, route in ROUTES.items():
        price = 1.0
        for symbol, is_inverse in route:
            price = price / closes[symbol] if is_inverse else price * closes[symbol]
        parts.append(
            pd.DataFrame({"asset": asset, "priced": price.index, "price": price.to_numpy()}).dropna()
        )
    made = pd.concat(parts, ignore_index=True).sort_values("priced", ignore_index=True)
    return made.astype({"priced": "datetime64[ms, UTC]", "asset": "str"})


def ours(case: Case) -> pd.DataFrame:
    """The earnings of the frame in the file."""
    return earnings([toolkit.read(case.path)], None, "USDT", link=case.env.link)


def pandas_by_hand(case: Case) -> float:
    """The sum, as a careful user would write it with floats."""
    frame = pd.read_parquet(case.path, columns=["time", "asset", "income", "status"])
    frame = frame[frame["status"] == 1].astype({"income": "float64", "asset": "str"})
    joined = pd.merge_asof(frame, pd.read_parquet(case.prices), left_on="time", right_on="priced", by="asset")
    return float((joined["income"] * joined["price"].where(joined["asset"] != "USDT", 1.0)).sum())


def duckdb_by_hand(duckdb: Any, case: Case) -> float:
    """The same sum by one statement."""
    connection = duckdb.connect()
    found = connection.sql(
        f"""
        SELECT sum(income::DOUBLE * CASE WHEN r.asset = 'USDT' THEN 1 ELSE price END)
        FROM '{case.path}' r ASOF LEFT JOIN '{case.prices}' p ON r.asset = p.asset AND r.time >= p.priced
        WHERE status = 1
        """
    ).fetchone()
    connection.close()
    return float(found[0])


def test_time_of_earnings(case: Case) -> None:
    """Baseline: reading the frame from the file."""
    duckdb = None
    try:
        duckdb = importlib.import_module("duckdb")
    except ImportError:
        print("\n  DuckDB is not installed: pandas alone")
    whole = float(ours(case)["value"].dropna().sum())
    works = [lambda: ours(case), lambda: toolkit.read(case.path), lambda: pandas_by_hand(case)]
    assert pandas_by_hand(case) == pytest.approx(whole, rel=1e-9)
    if duckdb is not None:
        works.append(lambda: duckdb_by_hand(duckdb, case))
        assert duckdb_by_hand(duckdb, case) == pytest.approx(whole, rel=1e-9)
    # What is measured is earnings alone, as the frame is read before.
    took, read, pandas, *others = processor_seconds(*works, rounds=5)
    took -= read
    frame = toolkit.read(case.path)
    # A Link that has read no kept price yet.
    (first,) = processor_seconds(
        lambda: earnings([frame], None, "USDT", link=case.env.new_link(limits=AMPLE, progress=False)),
        rounds=3,
    )
    report(f"{case.name} in dollars", took, read, "toolkit.read")
    report(f"{case.name} in dollars, first call", first, read, "toolkit.read")
    report(f"{case.name} in dollars", took, pandas, "by hand in pandas, floats")
    for other in others:
        report(f"{case.name} in dollars", took, other, "by DuckDB, floats")
    assert took <= MAX_COST * read


CHILD = """
import gc, json, sys
import toolkit
from toolkit.analytics import earnings

path, address, key, secret, now = sys.argv[1:]
from toolkit.endpoints import BASE_URLS
from tests.support.clocks import FakeClock
link = toolkit.Link(
    key=key,
    secret=secret,
    hosts=dict.fromkeys(BASE_URLS, address),
    clock=FakeClock(float(now)),
    limits={"api": 10**9, "sapi-ip": 10**9, "sapi-uid": 10**9},
    progress=False,
)
frame = toolkit.read(path)
earnings([frame.head(100)], None, "USDT", link=link)  # imports what it needs
frame = None
gc.collect()

def memory(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))

frame = toolkit.read(path)
gc.collect()
before = memory("VmRSS")
with open("/proc/self/clear_refs", "w") as refs:
    refs.write("5")  # the highest mark begins anew
made = earnings([frame], None, "USDT", link=link)
print(json.dumps({
    "before": before, "peak": memory("VmHWM"), "frame": int(frame.memory_usage(deep=True).sum()),
    "result": int(made.memory_usage(deep=True).sum()), "rows": len(made),
}))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells the peak of a process")
def test_memory_of_earnings(case: Case) -> None:
    """Baseline: the earnings. Measured in another process is the peak, with the frame that was read."""
    ours(case)  # keeps the prices
    sandbox = case.env.sandbox
    done = subprocess.run(
        [sys.executable, "-c", CHILD, case.path, sandbox.address, sandbox.key, sandbox.secret, str(NOW)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    peak = told["peak"] - told["before"] + told["frame"]
    mib = {name: f"{size / 2**20:,.0f} MiB" for name, size in (told | {"peak": peak}).items()}
    print(
        f"\n  {case.name}: peak {mib['peak']}; frame {mib['frame']}, earnings {mib['result']}; "
        f"{peak / told['result']:.2f} times the earnings, {peak / told['frame']:.2f} times the frame"
    )
    assert peak <= MAX_MEMORY * told["result"]
