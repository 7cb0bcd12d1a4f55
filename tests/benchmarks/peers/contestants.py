"""Who takes part, with which settings, and how one of them is run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.interop.clients import PEERS, PROGRAMS

_PYTHONS = {peer.name: peer.python for peer in PEERS}
# A year by a client that sleeps takes some minutes.
_LONGEST_S = 3600


@dataclass(frozen=True, slots=True)
class Contestant:
    """A client with its settings.

    Attributes:
        name: What the table calls it.
        distribution: Its distribution, and the environment it runs in if it is one of `PEERS`.
        program: The file in `tests/interop/programs/` that uses it.
        columns: Number of columns that it returns, from the open time on.
        settings: Settings for the program.
    """

    name: str
    distribution: str
    program: str
    columns: int
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def python(self) -> Path:
        """The Python it runs in."""
        return _PYTHONS.get(self.distribution, Path(sys.executable))

    def read(self, address: str, symbols: Sequence[str], span: tuple[int, int], folder: Path) -> Reading:
        """Read the candles of some symbols in a process of its own."""
        folder.mkdir(parents=True)
        job = {
            "address": address,
            "symbols": list(symbols),
            "start": span[0],
            "end": span[1],
            "folder": str(folder),
            "settings": dict(self.settings),
        }
        done = subprocess.run(
            [self.python, "-s", PROGRAMS / self.program, self.distribution],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            cwd=folder,
            env={**_environment(), "TOOLKIT_RATE_LIMITS": str(folder / "rate-limits")},
            timeout=_LONGEST_S,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{self.name} failed:\n{done.stderr}")
        result = json.loads(done.stdout)
        rows = {
            symbol: np.fromfile(folder / symbol).reshape(-1, self.columns)
            for symbol in symbols
            if (folder / symbol).exists()
        }
        return Reading(rows=rows, **result)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one run of a contestant gave.

    Attributes:
        version: Version of the client.
        error: The error that it raised, "" if it raised none.
        seconds: From the call of its function until it had returned the rows.
        processor_seconds: Its processor time in between.
        rows: The rows by symbol.
    """

    version: str
    error: str
    seconds: float
    processor_seconds: float
    rows: Mapping[str, npt.NDArray[np.float64]]


def _environment() -> dict[str, str]:
    """This machine's environment without what would change a client's behaviour."""
    changing = ("TOOLKIT", "BINANCE", "PYTHON")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(changing) and not name.lower().endswith("_proxy")
    }


def ccxt(name: str, **settings: Any) -> Contestant:
    """ccxt with these settings; those not given are its own defaults, but for the throttle."""
    defaults = {"client": "async", "loop": "asyncio", "connections": 100, "rate_limit": False}
    return Contestant(name, "ccxt", "candles_ccxt.py", 6, defaults | settings)


OURS = Contestant("toolkit", "binance-link-toolkit", "candles_toolkit.py", 11)
AS_IT_IS = Contestant("python-binance", "python-binance", "candles_python_binance.py", 11, {"sleeps": True})
WITHOUT_SLEEPS = Contestant(
    "python-binance without its sleeps", "python-binance", "candles_python_binance.py", 11, {"sleeps": False}
)
REQUESTS = Contestant("requests, a bare loop", "requests", "candles_requests.py", 11)
CCXT_SYNC = ccxt("ccxt, synchronous", client="sync")
# The settings that can matter: how many connections, which event loop.
CCXT_ASYNC = tuple(
    ccxt(f"ccxt, {loop}, {connections or 'unlimited'} connections", loop=loop, connections=connections)
    for loop, connections in (
        ("asyncio", 16),
        ("asyncio", 100),
        ("asyncio", 0),
        ("uvloop", 16),
        ("uvloop", 100),
        ("uvloop", 0),
    )
)
# Six symbols need more than a minute's allowance, so that ccxt needs its throttle.
CCXT_THROTTLED = ccxt("ccxt, its own throttle", loop="uvloop", rate_limit=True)
CCXT_UNTHROTTLED = ccxt("ccxt, no throttle", loop="uvloop")
