"""Base class of the resources for writing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Generic, TypeVar

from toolkit.api.resource import Resource
from toolkit.endpoints import Write
from toolkit.writes.request import CallOptions

T = TypeVar("T")
"""Result of a call: an `Outcome`, or a `Preview` if nothing is sent."""

Amount = Decimal | str | int | float
"""An amount of money, or a rate. Nothing is rounded: a float that only approximates, such as `0.1 + 0.2`, is
refused."""

Runner = Callable[[Write, Mapping[str, object], CallOptions], T]


class WriteResource(Resource, Generic[T]):
    """A group of endpoints for writing, such as `ops.exchange`."""

    def __init__(self, run: Runner[T]) -> None:
        self._run = run
