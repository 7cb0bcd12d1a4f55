"""The speed-up by concurrent requests if the exchange is far away."""

from __future__ import annotations

import hashlib
import hmac
import time
from math import ceil
from typing import Any

import pandas as pd
import pytest
import requests

import toolkit
from tests.benchmarks.far_exchange import DAY, REBATES, far_exchange
from tests.benchmarks.measure import report, seconds
from toolkit.endpoints import BASE_URLS

PAGES = 60
LATENCY_MS = 60.0
GAIN = 6


def bare(exchange: dict[str, Any], session: requests.Session) -> pd.DataFrame:
    """Window by window, page by page, with requests, hmac and pandas."""
    pages = []
    for start in range(exchange["first"], exchange["last"] + 1, 7 * DAY):
        end = min(start + 7 * DAY - 1, exchange["last"])
        page, rows = 1, 500
        while rows == 500:
            query = (
                f"startTime={start}&endTime={end}&page={page}&size=500&timestamp={int(time.time() * 1000)}"
            )
            signature = hmac.new(exchange["secret"].encode(), query.encode(), hashlib.sha256).hexdigest()
            url = f"{exchange['address']}{REBATES.path}?{query}&signature={signature}"
            pages.append(pd.DataFrame(session.get(url, timeout=5).json()))
            page, rows = page + 1, len(pages[-1])
    frame = pd.concat(pages, ignore_index=True)
    return pd.DataFrame(
        {
            "sub_account_id": frame["subaccountId"].astype("string"),
            "income": frame["income"].astype(float),
            "trade_id": frame["tradeId"].astype("string"),
            "time": pd.to_datetime(frame["time"], unit="ms", utc=True).dt.as_unit("ms"),
        }
    )


@pytest.mark.parametrize("days", [6.9, 48.9], ids=["one window", "seven windows"])
def test_sixty_pages_from_far_away(days: float) -> None:
    """Baseline: the same pages one by one. The floor is the time that the latency alone takes."""
    with far_exchange(PAGES, days, LATENCY_MS) as exchange:
        hosts = dict.fromkeys(BASE_URLS, exchange["address"])
        limits = {"sapi-ip": 10**7}
        link = toolkit.Link(
            key=exchange["key"], secret=exchange["secret"], hosts=hosts, limits=limits, progress=False
        )
        session = requests.Session()
        session.headers["X-MBX-APIKEY"] = exchange["key"]

        def ours() -> pd.DataFrame:
            return link.exchange.rebates(start=exchange["first"], end=exchange["last"])

        frame, alone = ours(), bare(exchange, session)
        pd.testing.assert_frame_equal(frame[list(alone)], alone, check_dtype=False)
        took, baseline = seconds(ours), seconds(lambda: bare(exchange, session), rounds=3)
        requests_made = frame.attrs["requests"]
        floor = ceil(requests_made / link._fetcher._workers) * LATENCY_MS / 1000
        report(f"{requests_made} requests, {len(frame):,} rows", took, baseline, "one by one, bare")
        print(f"  {baseline / took:.1f} times as fast; the latency alone takes {floor * 1000:,.0f} ms")
        session.close()
        link.close()
    assert baseline / took >= GAIN
