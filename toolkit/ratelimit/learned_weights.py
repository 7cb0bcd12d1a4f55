"""Weights as the exchange counts them, learnt where they differ from those declared.

Two responses of one counter, with no other request of this machine in between, show by how much the second
request raised the exchange's count. A program that does not share the budget adds to that, and counts of two
addresses take turns in lying below and above. So a weight is only charged where several rises in a row agree.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

from toolkit.ratelimit.counting import RecordedResponse
from toolkit.ratelimit.records import CounterKey
from toolkit.runtime.interruptions import forgiving
from toolkit.timing.clock import Clock

# How many rises are compared: the last ones.
OBSERVATIONS = 3
# A weight is forgotten when none of them is more recent than a day.
VALID_S = 86_400.0

_LOG = logging.getLogger(__name__)


class DeclaredWeight(NamedTuple):
    """A kind of request, and what it is declared to weigh.

    Attributes:
        method: HTTP method.
        path: Path of the request.
        weight: Its declared weight. Another declaration is learnt anew.
    """

    method: str
    path: str
    weight: int


class _Rises(NamedTuple):
    """The last rises of the exchange's count by one kind of request, and the end of their validity."""

    rises: tuple[int, ...]
    valid_until: float

    def weight(self, declared: int) -> int:
        """Return the weight to charge."""
        agree = len(self.rises) == OBSERVATIONS and len({*self.rises}) == 1
        return self.rises[0] if agree else declared


class _Count(NamedTuple):
    """The exchange's count in a response, after which no request of this machine was on its way."""

    window: int
    used: int
    completed: int


class LearnedWeights:
    """Weights learnt by this process. To `observe`, the caller holds the budget's lock.

    Args:
        clock: This machine's clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rises: dict[DeclaredWeight, _Rises] = {}
        self._counts: dict[CounterKey, _Count] = {}
        self._logged: set[DeclaredWeight] = set()

    def weight_of(self, declared: DeclaredWeight) -> int:
        """Return the weight to charge: as learnt, or else as declared."""
        rises = self._rises.get(declared)
        if rises is None or self._clock.monotonic() >= rises.valid_until:
            return declared.weight
        return rises.weight(declared.weight)

    def learned(self) -> dict[DeclaredWeight, int]:
        """Return the weights that differ from those declared."""
        weights = {declared: self.weight_of(declared) for declared in list(self._rises)}
        return {declared: weight for declared, weight in weights.items() if weight != declared.weight}

    def observe(
        self,
        key: CounterKey,
        declared: DeclaredWeight,
        recorded: RecordedResponse,
        count: int | None,
        *,
        is_good: bool,
    ) -> None:
        """Compare the count in a response with the one before.

        Args:
            key: Key of the counter.
            declared: The request.
            recorded: How the counter changed with the response.
            count: The exchange's count, None where it has none that certainly belongs to the window of the
                counter.
            is_good: Whether the request succeeded; the exchange may count a refused one otherwise.
        """
        before = self._counts.pop(key, None)
        if count is None or not recorded.was_alone:
            return
        self._counts[key] = _Count(recorded.window, count, recorded.completed)
        if not is_good or before is None:
            return
        if (before.window, before.completed) != (recorded.window, recorded.completed_before):
            return  # other requests of this machine came in between
        rise = count - before.used
        if rise < 1:  # the two counts are not of one counter: this machine has several addresses
            self._rises.pop(declared, None)
            return
        now, known = self._clock.monotonic(), self._rises.get(declared)
        rises = known.rises if known is not None and now < known.valid_until else ()
        self._rises[declared] = _Rises((*rises, rise)[-OBSERVATIONS:], now + VALID_S)
        self._log(declared, self.weight_of(declared))

    def _log(self, declared: DeclaredWeight, weight: int) -> None:
        if weight == declared.weight or declared in self._logged:
            return
        self._logged.add(declared)
        with forgiving(Exception):
            _LOG.info(
                "%s %s: the exchange counts a weight of %d, not %d: charged as it counts from now on",
                declared.method,
                declared.path,
                weight,
                declared.weight,
            )
