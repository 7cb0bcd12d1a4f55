"""Paths in the checkout, for tests that read its files."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "toolkit"
NOTEBOOKS = ROOT / "notebooks"
DATA = ROOT / "tests" / "data"
EXAMPLES = PACKAGE / "sandbox" / "examples"
"""The documented responses of each read."""
ANSWERS = DATA / "answers"
"""The documented responses of writes, and of what only the toolkit itself reads."""
