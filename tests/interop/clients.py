"""Who the clients are, and what is asked of each. Their requirement ranges stand here and nowhere else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from tests.interop.questions import Query

PROGRAMS = ROOT / "tests" / "interop" / "programs"
ENVIRONMENTS = ROOT / ".interop"


@dataclass(frozen=True, slots=True)
class PeerClient:
    """A client that nobody here wrote.

    Attributes:
        name: Its distribution.
        bounds: Which releases of it.
        program: The file in `programs/` that speaks to it.
        least: How many of the Link reads it must know.
        signatures: Which asymmetric signatures it can make, besides HMAC.
        encodes: Whether it signs what goes out; otherwise it signs values as they are and encodes them
            afterwards, so that awkward ones are refused.
    """

    name: str
    bounds: str
    program: str
    least: int
    signatures: tuple[str, ...] = ("Ed25519", "RSA")
    encodes: bool = True

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return self.name + self.bounds

    @property
    def environment(self) -> Path:
        """Its virtual environment."""
        return ENVIRONMENTS / self.name

    @property
    def python(self) -> Path:
        """The Python in there."""
        return self.environment / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """What was installed, once it was."""
        return self.environment / ".installed"

    @property
    def failure(self) -> Path:
        """Why it was not installed, in one line."""
        return self.environment / ".failed"

    def ask(self, address: str, questions: Sequence[Query], folder: Path) -> dict[str, Any]:
        """What it says to these questions, asked in a process and an environment of its own."""
        done = subprocess.run(
            [self.python, "-E", "-s", PROGRAMS / self.program, self.name],
            input=json.dumps({"address": address, "calls": [each.as_json() for each in questions]}),
            capture_output=True,
            text=True,
            cwd=folder,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{self.name} broke down:\n{done.stderr}")
        said: dict[str, Any] = json.loads(done.stdout)
        return said


PEERS = (
    PeerClient("ccxt", ">=4.5,<5", "ask_ccxt.py", 28),
    PeerClient("python-binance", ">=1.0.30,<2", "ask_python_binance.py", 15, encodes=False),
    # The official ones have no Link methods, but sign any path they are given.
    PeerClient("binance-common", ">=4.5,<5", "ask_sdk.py", 33),
    PeerClient("binance-connector", ">=3.12,<4", "ask_connector.py", 33),
    PeerClient("binance-futures-connector", ">=4.1,<5", "ask_connector.py", 33, ("RSA",)),
)
