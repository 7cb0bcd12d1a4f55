"""Pure: a door's arguments become the requests they mean.

Everything that can be known to be wrong is refused here, before anything is sent, by the name of the
argument and with what is allowed. A span that is longer than the endpoint allows is no such thing:
it is cut into windows that do not overlap, oldest first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from toolkit.catalogue import Endpoint, Param
from toolkit.plan.spans import DOUBT, Span, When, iso, milliseconds, span_of
from toolkit.plan.values import value_of
from toolkit.plan.words import refusal

__all__ = ["Plan", "Span", "When", "make_plan"]


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
    """

    endpoint: Endpoint
    parameters: Mapping[str, object] = field(repr=False)
    span: Span | None
    shown: Mapping[str, object]

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
    given = {name: value for name, value in arguments.items() if value is not None}
    known = {param.name: param for param in endpoint.params if param.fixed is None}
    for name in given:
        if name not in known:
            allowed = ", ".join(known) or "no argument"
            raise refusal(endpoint, f"there is no argument {name!r}; it takes {allowed}")
    parameters: dict[str, object] = {p.wire: p.fixed for p in endpoint.params if p.fixed is not None}
    shown: dict[str, object] = {}
    for name, param in known.items():
        if name not in given:
            if param.is_needed:
                raise refusal(endpoint, f"`{name}` is required: {_first_lower(param.doc)}")
            continue
        parameters[param.wire] = value_of(endpoint, param, given[name])
        shown[name] = "(hidden)" if param.private else _plain(_lasting(parameters, param, given[name]))
    _check_together(endpoint, given)
    span = None
    if endpoint.window:
        span = span_of(endpoint, endpoint.window, start, end, now, doubt=0 if sure else DOUBT)
        shown |= {"start": iso(span.start), "end": iso(span.end)}
    return Plan(endpoint, parameters, span, shown)


def _check_together(endpoint: Endpoint, given: Mapping[str, object]) -> None:
    if endpoint.at_least_one and not any(name in given for name in endpoint.at_least_one):
        raise refusal(endpoint, f"one of {_listed(endpoint.at_least_one)} has to be given")
    both = [name for name in endpoint.not_together if name in given]
    if len(both) > 1:
        raise refusal(endpoint, f"{_listed(tuple(both))} exclude each other: give one of them")


def _lasting(parameters: Mapping[str, object], param: Param, value: object) -> object:
    """An argument to be shown; what it goes out as where it can be gone through once, or is long to tell."""
    return parameters[param.wire] if param.kind == "addresses" else value


def _plain(value: object) -> object:
    """An argument as JSON can hold it, for the frame's attrs."""
    value = value.value if isinstance(value, Enum) else value
    return bool(value) if isinstance(value, bool | np.bool_) else str(value)


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(f"`{name}`" for name in names)


def _first_lower(text: str) -> str:
    first = text[0] if text[1:2].isupper() else text[0].lower()  # an abbreviation stays one
    return first + text[1:].rstrip(".")
