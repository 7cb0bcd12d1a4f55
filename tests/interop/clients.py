"""The clients, their requirement ranges (declared only here), and how each is run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from tests.interop.calls import ClientCall

PROGRAMS = ROOT / "tests" / "interop" / "programs"
ENVIRONMENTS = ROOT / ".interop"


@dataclass(frozen=True, slots=True)
class PeerClient:
    """A client by others.

    Attributes:
        name: Its distribution.
        bounds: Its supported versions.
        program: The file in `programs/` that uses it.
        min_reads: Minimum number of Link reads that it must know.
        min_market_reads: The same for market data.
        signatures: Which asymmetric signatures it can make, besides HMAC.
        encodes: Whether it signs the encoded bytes; otherwise it signs plain values and encodes them
            afterwards, so that values with special characters are refused.
        own_program: The file in `programs/` that reads market data with functions of its own, "" if there is
            none.
        account_program: The same for accounts.
    """

    name: str
    bounds: str
    program: str
    min_reads: int
    min_market_reads: int
    signatures: tuple[str, ...] = ("Ed25519", "RSA")
    encodes: bool = True
    own_program: str = ""
    account_program: str = ""

    @property
    def requirement(self) -> str:
        """Its requirement for pip."""
        return self.name + self.bounds

    @property
    def environment(self) -> Path:
        """Its virtual environment."""
        return ENVIRONMENTS / self.name

    @property
    def python(self) -> Path:
        """The Python of that environment."""
        return self.environment / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """A file that says what is installed."""
        return self.environment / ".installed"

    @property
    def failure(self) -> Path:
        """A file that says in one line why the installation failed."""
        return self.environment / ".failed"

    def send(self, address: str, calls: Sequence[ClientCall], folder: Path) -> dict[str, Any]:
        """Make these calls with the client; return its results."""
        job = {"address": address, "calls": [each.as_json() for each in calls]}
        return self.run(self.program, job, folder)

    def run(self, program: str, job: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """Run a program in a process and in the client's environment; return what it prints."""
        done = subprocess.run(
            [self.python, "-E", "-s", PROGRAMS / program, self.name],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            cwd=folder,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{self.name} failed:\n{done.stderr}")
        result: dict[str, Any] = json.loads(done.stdout)
        return result


PEERS = (
    PeerClient(
        "ccxt",
        ">=4.5,<5",
        "call_ccxt.py",
        70,
        40,
        own_program="own_ccxt.py",
        account_program="account_ccxt.py",
    ),
    PeerClient(
        "python-binance",
        ">=1.0.30,<2",
        "call_python_binance.py",
        48,
        39,
        encodes=False,
        own_program="own_python_binance.py",
        account_program="account_python_binance.py",
    ),
    # The official clients have no Link methods, but sign any path.
    PeerClient("binance-common", ">=4.5,<5", "call_sdk.py", 77, 40),
    PeerClient("binance-connector", ">=3.12,<4", "call_connector.py", 77, 40),
    PeerClient("binance-futures-connector", ">=4.1,<5", "call_connector.py", 77, 40, ("RSA",)),
)
