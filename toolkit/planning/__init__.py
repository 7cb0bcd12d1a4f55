"""Pure: a door's arguments become the requests they mean.

Everything that can be known to be wrong is refused here, before anything is sent, by the name of the
argument and with what is allowed. A span that is longer than the endpoint allows is no such thing:
it is cut into windows that do not overlap, oldest first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np

from toolkit.endpoints import Endpoint
from toolkit.planning.spans import CLOCK_ERROR_MS, Moment, Span, When, iso, milliseconds, read_moment, span_of
from toolkit.planning.values import value_of
from toolkit.planning.words import usage_error

__all__ = ["Plan", "Span", "When", "make_plan", "parameters_of"]


def __dir__() -> list[str]:
    return __all__


@dataclass(frozen=True, slots=True)
class Plan:
    """What a door's arguments mean.

    Attributes:
        endpoint: What is asked.
        parameters: What goes out, by wire name, besides span and paging.
        span: The whole span asked for, None where the endpoint has none.
        shown: The arguments as a frame may tell them.
        start: First moment as it was said.
        end: Last moment as it was said.
    """

    endpoint: Endpoint
    parameters: Mapping[str, object] = field(repr=False)
    span: Span | None
    shown: Mapping[str, object]
    start: Moment | None = None
    end: Moment | None = None

    def by(self, now: int, *, sure: bool = True) -> Plan:
        """The same by another time of the exchange: only its span lies elsewhere. As in `make_plan`.

        Raises:
            UsageError: There can be no such span.
        """
        window = self.endpoint.window
        if window is None:
            return self
        span = span_of(
            self.endpoint, window, self.start, self.end, now, clock_error_ms=0 if sure else CLOCK_ERROR_MS
        )
        return replace(self, span=span, shown={**self.shown, "start": iso(span.start), "end": iso(span.end)})

    def windows(self) -> Iterator[Span]:
        """The span in pieces the endpoint allows, oldest first; neighbours do not overlap."""
        if self.span is None or self.endpoint.window is None:
            return
        longest = self.endpoint.window.longest
        step = self.span.length if longest is None else milliseconds(longest) + 1
        for start in range(self.span.start, self.span.end + 1, step):
            yield Span(start, min(start + step - 1, self.span.end))


def make_plan(
    endpoint: Endpoint,
    arguments: Mapping[str, object],
    start: When,
    end: When,
    now: int,
    *,
    sure: bool = True,
) -> Plan:
    """Check a door's arguments and say what they mean.

    Args:
        endpoint: What is asked.
        arguments: Values by the names of the door's arguments; None means not given.
        start: First moment.
        end: Last moment.
        now: The exchange's time in milliseconds.
        sure: Whether that was measured; where it was not, what may yet be right is let through.

    Raises:
        UsageError: An argument cannot be right.
    """
    parameters = parameters_of(endpoint, arguments)
    shown: dict[str, object] = {
        param.name: "(hidden)" if param.private else _plain(arguments[param.name])
        for param in endpoint.params
        if param.fixed is None and param.field in parameters
    }
    plan = Plan(endpoint, parameters, None, shown)
    if endpoint.window is None:
        return plan
    last, first = read_moment(endpoint, "end", end, now), read_moment(endpoint, "start", start, now)
    return replace(plan, start=first, end=last).by(now, sure=sure)


def parameters_of(endpoint: Endpoint, arguments: Mapping[str, object]) -> dict[str, object]:
    """What a door's arguments go out as, by wire name.

    Raises:
        UsageError: An argument cannot be right.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    known = {param.name: param for param in endpoint.params if param.fixed is None}
    for name in given:
        if name not in known:
            allowed = ", ".join(known) or "no argument"
            raise usage_error(endpoint, f"there is no argument {name!r}; it takes {allowed}")
    parameters: dict[str, object] = {p.field: p.fixed for p in endpoint.params if p.fixed is not None}
    for name, param in known.items():
        if name in given:
            parameters[param.field] = value_of(endpoint, param, given[name])
        elif param.is_required:
            raise usage_error(endpoint, f"`{name}` is required: {_first_lower(param.doc)}")
    _check_together(endpoint, given)
    return parameters


def _check_together(endpoint: Endpoint, given: Mapping[str, object]) -> None:
    if endpoint.at_least_one and not any(name in given for name in endpoint.at_least_one):
        raise usage_error(endpoint, f"one of {_listed(endpoint.at_least_one)} has to be given")
    both = [name for name in endpoint.not_together if name in given]
    if len(both) > 1:
        raise usage_error(endpoint, f"{_listed(tuple(both))} exclude each other: give one of them")


def _plain(value: object) -> object:
    """An argument as JSON can hold it, for the frame's attrs."""
    value = value.value if isinstance(value, Enum) else value
    return bool(value) if isinstance(value, bool | np.bool_) else str(value)


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(f"`{name}`" for name in names)


def _first_lower(text: str) -> str:
    first = text[0] if text[1:2].isupper() else text[0].lower()  # an abbreviation stays one
    return first + text[1:].rstrip(".")
