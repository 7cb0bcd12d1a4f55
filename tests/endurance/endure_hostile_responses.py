"""Hostile responses that take long to read do so in little memory."""

from __future__ import annotations

import pytest

from tests.support import hostile
from tests.unit.transport.test_hostile_responses import MIB, SLOW_CASES, bounded_memory, read_many
from toolkit.transport.responses import RawResponse


@pytest.mark.parametrize(("path", "name", "size"), SLOW_CASES)
def test_memory_is_bounded_for_slow_responses(path: str, name: str, size: int) -> None:
    read_many(path, name, size)


def test_memory_is_bounded_for_the_longest_field_name() -> None:
    body = b'{"":1,"' + b"a" * (8 * MIB) + b'":0}'
    with bounded_memory():
        hostile.read(None, RawResponse(200, {}, body))
