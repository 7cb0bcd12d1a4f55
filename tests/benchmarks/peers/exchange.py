"""The sandbox in a process of its own, and what it counted."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import requests

LATENCY_MS = 60
SEED = 7


@dataclass(frozen=True, slots=True)
class Counts:
    """What the exchange has counted so far.

    Attributes:
        responses: Number of responses by status.
        windows: Weight accepted and requests refused, by the beginning of the minute.
        processor_seconds: Processor time of its process.
    """

    responses: dict[str, int]
    windows: dict[int, tuple[int, int]]
    processor_seconds: float


@dataclass(frozen=True, slots=True)
class Charged:
    """What the requests of one contestant amounted to.

    Attributes:
        requests: Number of requests.
        weight: Their weight.
        refused: How many were answered with 429 or 418.
        first_minute: Weight in the minute of the first request.
        processor_seconds: Processor time of the exchange.
    """

    requests: int
    weight: int
    refused: int
    first_minute: int
    processor_seconds: float


class FarExchange:
    """A running sandbox with the documented limits, far away."""

    def __init__(self, process: subprocess.Popen[str], address: str, limit: int) -> None:
        self.address = address
        self.limit = limit
        self._process = psutil.Process(process.pid)

    def counts(self) -> Counts:
        """What it has counted so far."""
        windows = [each for each in self._get("windows") if each["rate_limit"] == "api"]
        times = self._process.cpu_times()
        return Counts(
            self._get("counts"),
            {each["start_ms"]: (each["used"], each["refused"]) for each in windows},
            times.user + times.system,
        )

    def charged_since(self, before: Counts) -> Charged:
        """What it has counted since then."""
        after = self.counts()
        new = {
            start: used - before.windows.get(start, (0, 0))[0]
            for start, (used, _) in sorted(after.windows.items())
        }
        spent = [weight for weight in new.values() if weight]
        responses = {
            status: number - before.responses.get(status, 0) for status, number in after.responses.items()
        }
        return Charged(
            requests=sum(responses.values()),
            weight=sum(spent),
            refused=responses.get("429", 0) + responses.get("418", 0),
            first_minute=spent[0] if spent else 0,
            processor_seconds=after.processor_seconds - before.processor_seconds,
        )

    def wait_for(self, weight: int | None) -> None:
        """Wait until a minute has so much of its allowance left, or until a minute begins if None."""
        windows = self.counts().windows
        minute = int(time.time() // 60) * 60_000
        if weight is None or windows.get(minute, (0, 0))[0] + weight > self.limit:
            time.sleep(minute / 1000 + 60.2 - time.time())

    def _get(self, what: str) -> Any:
        return requests.get(f"{self.address}/sandbox/{what}", timeout=30).json()


@contextmanager
def far_exchange() -> Iterator[FarExchange]:
    """Run the sandbox."""
    command = [sys.executable, "-m", "toolkit", "sandbox", "--port", "0", "--seed", str(SEED)]
    command += ["--latency-ms", str(LATENCY_MS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            started = json.loads(process.stdout.readline())
            yield FarExchange(process, started["address"], started["limits"]["api"])
        finally:
            process.terminate()
