"""Where things are in a checkout, for tests that look into its files."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "toolkit"
NOTEBOOKS = ROOT / "notebooks"
DATA = ROOT / "tests" / "data"
ANSWERS = DATA / "answers"
"""The documented answer of each endpoint."""
