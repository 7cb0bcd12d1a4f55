"""What all doors for writing have in common: each hands its declaration, arguments and terms on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Generic, TypeVar

from toolkit.api.resource import Namespace
from toolkit.endpoints import Write
from toolkit.writes.request import CallOptions

T = TypeVar("T")
"""What a call gives: an `Outcome`, or a `Preview` where nothing is sent."""

Amount = Decimal | str | int | float
"""Money or a rate: nothing is rounded, and a float that only comes near is refused."""

Runner = Callable[[Write, Mapping[str, object], CallOptions], T]


class WriteResource(Namespace, Generic[T]):
    """A namespace of doors for writing, such as `ops.exchange`."""

    def __init__(self, run: Runner[T]) -> None:
        self._run = run
