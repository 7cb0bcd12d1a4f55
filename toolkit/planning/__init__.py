"""Turns the arguments of a method into a plan of requests. Pure: nothing is sent.

Invalid arguments raise a `UsageError` here, before anything is sent, with the name of the argument and
what is allowed. A span longer than one request may cover is split into windows that do not overlap, oldest
first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np

from toolkit.endpoints import Endpoint, Param
from toolkit.planning.messages import usage_error
from toolkit.planning.spans import (
    MAX_CLOCK_ERROR_MS,
    Span,
    TimeArgument,
    When,
    covered_span,
    iso,
    milliseconds,
    parse_time,
    resolution,
    resolve_span,
    span_parameters,
)
from toolkit.planning.steps import StepGrid, gaps_in, grid_of, rows_per_request, size_sent
from toolkit.planning.values import encode_value, several_values
from toolkit.redaction import REDACTED, mask
from toolkit.text.suggestions import did_you_mean

__all__ = [
    "Plan",
    "Span",
    "StepGrid",
    "Value",
    "When",
    "covered_span",
    "encode_arguments",
    "gaps_in",
    "iso",
    "make_plan",
    "resolution",
    "size_sent",
    "span_parameters",
]


def __dir__() -> list[str]:
    return __all__


@dataclass(frozen=True, slots=True)
class Value:
    """One of several values of an argument.

    Attributes:
        argument: Name of the argument.
        shown: The value as text, masked where it is private; no two values of a call have the same.
        parameters: Request parameters with this value, by field name.
    """

    argument: str
    shown: str
    parameters: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to request, as the arguments of a call say.

    Attributes:
        endpoint: The endpoint.
        parameters: Request parameters by field name, without those for the window and paging.
        span: The whole span, None where the endpoint has no window.
        display_arguments: The arguments for the attributes of the frame; private ones are hidden.
        start: The `start` argument, parsed.
        end: The `end` argument, parsed.
        values: Several values of one argument, in order; `by_value` has a plan for each. `parameters` are
            those without one.
        value: The one of several values that the plan is for, None where the call has one value.
    """

    endpoint: Endpoint
    parameters: Mapping[str, object] = field(repr=False)
    span: Span | None
    display_arguments: Mapping[str, object]
    start: TimeArgument | None = None
    end: TimeArgument | None = None
    values: tuple[Value, ...] = ()
    value: Value | None = None

    @property
    def by_value(self) -> list[Plan]:
        """A plan for each of several values, or this one if there are none."""
        if not self.values:
            return [self]
        return [replace(self, parameters=each.parameters, values=(), value=each) for each in self.values]

    @property
    def first_id(self) -> int | None:
        """The id to begin with in place of a span, None if none was given."""
        paging = self.endpoint.paging
        first = self.parameters.get(paging.id_field) if paging.kind == "id" else None
        return first if isinstance(first, int) else None

    @property
    def in_place_of_span(self) -> str:
        """The argument that was given in place of a span, "" if none was."""
        endpoint = self.endpoint
        names = {*endpoint.without_span}
        if endpoint.paging.kind == "id":
            names |= {param.name for param in endpoint.params if param.field == endpoint.paging.id_field}
        given = (param.name for param in endpoint.params if param.field in self.parameters)
        return next((name for name in given if name in names), "")

    def at(self, now: int, *, clock_synced: bool = True) -> Plan:
        """The same plan with its span resolved for another current time; see `make_plan`.

        Raises:
            UsageError: The span is invalid.
        """
        window = self.endpoint.window
        if window is None or self.in_place_of_span:
            return self
        tolerance = 0 if clock_synced else MAX_CLOCK_ERROR_MS
        span = resolve_span(self.endpoint, window, self.start, self.end, now, clock_error_ms=tolerance)
        shown = {**self.display_arguments, "start": iso(span.start), "end": iso(span.end)}
        return replace(self, span=span, display_arguments=shown)

    @property
    def grid(self) -> StepGrid | None:
        """The times at which the steps of the rows begin, None where they have no regular times."""
        return grid_of(self.endpoint, self.parameters)

    @property
    def rows_per_request(self) -> int:
        """How many rows to request at a time; with regular times, as many as make the span weigh least."""
        if self.span is None or self.grid is None:
            return self.endpoint.paging.maximum
        return rows_per_request(self.endpoint, self.parameters, len(self.grid.within(self.span)))

    def windows(self) -> Iterator[Span]:
        """Split the span into windows the endpoint allows, oldest first and without overlap.

        A row belongs to the window in which its time is. Where rows have regular times, as candles do, it is
        the beginning of their step, and a window has no more steps than a response may have rows.
        """
        grid, size = self.grid, self.rows_per_request
        for window in self._allowed_spans():
            if grid is None:
                yield window
            else:
                yield from grid.windows(window, size)

    def _allowed_spans(self) -> Iterator[Span]:
        """Split the span into parts that are no longer than a request may be."""
        if self.span is None or self.endpoint.window is None:
            return
        max_span, unit = self.endpoint.window.max_span, resolution(self.endpoint)
        if max_span is None:
            yield self.span
            return
        step = milliseconds(max_span) + 1
        if unit > 1:  # windows begin and end with a whole second, so that rounding makes none too long
            step = max(unit, (step - 1) // unit * unit)
        for start in range(self.span.start - self.span.start % unit, self.span.end + 1, step):
            yield Span(max(start, self.span.start), min(start + step - 1, self.span.end))


def make_plan(
    endpoint: Endpoint,
    arguments: Mapping[str, object],
    start: When,
    end: When,
    now: int,
    *,
    clock_synced: bool = True,
) -> Plan:
    """Validate the arguments of a call and plan its requests.

    Args:
        endpoint: The endpoint.
        arguments: Values by argument name; None means not given.
        start: Start of the span, included.
        end: End of the span, included.
        now: The exchange's time in milliseconds.
        clock_synced: Whether `now` is measured. If it is not, times are only rejected when they would be
            invalid whatever the clock error of this machine.

    Raises:
        UsageError: An argument is invalid.
    """
    plan = _without_span(endpoint, arguments)
    name = plan.in_place_of_span
    if name:
        if plan.values and plan.first_id != 0:
            argument = plan.values[0].argument
            or_all = "" if plan.first_id is None else ", or 0 for all rows of each"
            raise usage_error(
                endpoint, f"`{name}` is an id of one `{argument}`: give one `{argument}`{or_all}"
            )
        if start is not None or end is not None:
            raise usage_error(endpoint, f"`{name}` and a span are mutually exclusive: give one of them")
        return plan
    if endpoint.window is None:
        return plan
    last, first = parse_time(endpoint, "end", end, now), parse_time(endpoint, "start", start, now)
    return replace(plan, start=first, end=last).at(now, clock_synced=clock_synced)


def _without_span(endpoint: Endpoint, arguments: Mapping[str, object]) -> Plan:
    """The plan of a call, apart from its span."""
    for param in endpoint.params:
        if param.several:
            given = several_values(endpoint, param, arguments.get(param.name))
            if given is not None:
                return _for_several(endpoint, arguments, param, given)
    parameters = encode_arguments(endpoint, arguments)
    return Plan(endpoint, parameters, None, _shown(endpoint, arguments, parameters))


def _for_several(
    endpoint: Endpoint, arguments: Mapping[str, object], param: Param, given: Iterable[object]
) -> Plan:
    """The plan of a call with several values of an argument, each once, in their order."""
    values: dict[object, Value] = {}
    texts: set[str] = set()
    listed: list[object] = []
    for value in given:
        one = {**arguments, param.name: value}
        parameters = encode_arguments(endpoint, one)
        sent = parameters[param.field]
        if sent in values:
            continue
        shown = _shown(endpoint, one, parameters)
        text = mask(str(sent)) if param.kind == "email" else str(shown[param.name])
        if text in texts:  # as addresses that are masked may be: their place in the list tells them apart
            text = f"{text} (number {len(values) + 1})"
        texts.add(text)
        values[sent] = Value(param.name, text, parameters)
        listed.append(shown[param.name])
    shared = {name: value for name, value in parameters.items() if name != param.field}
    shown[param.name] = REDACTED if param.private else listed
    return Plan(endpoint, shared, None, shown, values=tuple(values.values()))


def _shown(
    endpoint: Endpoint, arguments: Mapping[str, object], parameters: Mapping[str, object]
) -> dict[str, object]:
    """The arguments for the attributes of the frame."""
    return {
        param.name: REDACTED if param.private else _to_json(arguments[param.name], parameters[param.field])
        for param in endpoint.params
        if param.fixed is None and param.field in parameters
    }


def encode_arguments(endpoint: Endpoint, arguments: Mapping[str, object]) -> dict[str, object]:
    """Validate arguments and encode them as request parameters, by field name.

    Raises:
        UsageError: An argument is invalid.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    known = {param.name: param for param in endpoint.params if param.fixed is None}
    for name in given:
        if name not in known:
            allowed = f"the arguments are {', '.join(known)}" if known else "it takes no arguments"
            suggestion = did_you_mean(name, known)
            raise usage_error(endpoint, f"there is no argument {name!r}; {allowed}", suggestion)
    parameters: dict[str, object] = {p.field: p.fixed for p in endpoint.params if p.fixed is not None}
    for name, param in known.items():
        if name in given:
            parameters[param.field] = encode_value(endpoint, param, given[name])
        elif param.is_required:
            raise usage_error(endpoint, f"`{name}` is required: {_first_lower(param.doc)}")
    _check_together(endpoint, given)
    return parameters


def _check_together(endpoint: Endpoint, given: Mapping[str, object]) -> None:
    if endpoint.at_least_one and not any(name in given for name in endpoint.at_least_one):
        raise usage_error(endpoint, f"{_listed(endpoint.at_least_one, 'or')} is required")
    exclusive = [name for name in endpoint.mutually_exclusive if name in given]
    if len(exclusive) > 1:
        raise usage_error(endpoint, f"{_listed(exclusive, 'and')} are mutually exclusive: give one of them")


def _to_json(value: object, sent: object) -> object:
    """An argument as a JSON value, for the attributes of a frame, given what is sent for it."""
    if isinstance(sent, tuple):  # of texts; the argument may have been a generator, which is used up
        return list(sent)
    value = value.value if isinstance(value, Enum) else value
    return bool(value) if isinstance(value, bool | np.bool_) else str(value)


def _listed(names: Iterable[str], conjunction: str) -> str:
    return f" {conjunction} ".join(f"`{name}`" for name in names)


def _first_lower(text: str) -> str:
    first = text[0] if text[1:2].isupper() else text[0].lower()  # keep an abbreviation such as API
    return first + text[1:].rstrip(".")
