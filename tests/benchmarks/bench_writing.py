"""The cost of recording a write before it is sent and after its response."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

import toolkit
from tests.benchmarks.measure import report, seconds
from toolkit.demo import DemoLink
from toolkit.writes.entry import ConflictKey

WRITES = 20
PATH = "/sapi/v1/broker/subAccount/bnbBurn/spot"


@pytest.fixture
def demo_link() -> Iterator[DemoLink]:
    with toolkit.demo(limit_scale=1000) as link:
        yield link


def test_a_write_beside_a_bare_signed_post(demo_link: DemoLink, tmp_path: Path) -> None:
    """Baseline: `requests.post`, which opens a connection each time and keeps no journal."""
    ops = demo_link.operations(journal=tmp_path)
    account = demo_link.exchange.sub_accounts()["sub_account_id"][0]
    flags = itertools.cycle((True, False))

    def with_journal() -> None:
        for _ in range(WRITES):
            ops.exchange.set_spot_bnb_burn(account, enabled=next(flags)).require_confirmed()

    def bare() -> None:
        for _ in range(WRITES):
            body = f"subAccountId={account}&spotBNBBurn=true&timestamp={int(time.time() * 1000)}"
            body += "&signature=" + hmac.new(secret, body.encode(), hashlib.sha256).hexdigest()
            headers = {"X-MBX-APIKEY": key, "Content-Type": "application/x-www-form-urlencoded"}
            requests.post(
                demo_link.sandbox.address + PATH, body, headers=headers, timeout=5
            ).raise_for_status()

    assert demo_link.sandbox is not None
    key, secret = demo_link.sandbox.key, demo_link.sandbox.secret.encode()
    report(
        f"{WRITES} writes with journal and outcome",
        seconds(with_journal),
        seconds(bare),
        "bare requests.post",
    )


def test_a_journal_update_beside_an_fsync(demo_link: DemoLink, tmp_path: Path) -> None:
    """Baseline: a file that is opened, written to and flushed to disk (fsync)."""
    journal = demo_link.operations(journal=tmp_path)._journal
    conflict_key = ConflictKey(same="a", subject="a")
    entry, _ = journal.begin(conflict_key, endpoint="exchange.transfer", arguments={}, digests={})

    def steps() -> None:
        for _ in range(WRITES):
            journal.resolve(entry, "unknown", "measured", "answer")

    def bare() -> None:
        for moment in range(WRITES):
            with (tmp_path / "bare").open("w") as file:
                file.write(str(moment))
                file.flush()
                os.fsync(file.fileno())

    report(f"{WRITES} journal updates", seconds(steps), seconds(bare), "an fsync of a separate file")
