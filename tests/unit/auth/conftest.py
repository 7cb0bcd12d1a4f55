"""A config folder and a keyring for the keys of these tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest

from tests.support.keys import MemoryKeyring


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty config folder."""
    monkeypatch.setenv("TOOLKIT_CONFIG", str(tmp_path))
    return tmp_path


@pytest.fixture
def memory() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    made = MemoryKeyring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)
    for thread in threading.enumerate():
        if thread.name == "keyring":  # while a call hangs, no test after this one makes another
            thread.join()
