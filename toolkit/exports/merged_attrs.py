"""The attributes of frames that are put together: what must agree, and what is added up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import pandas as pd

from toolkit.errors import UsageError
from toolkit.planning.spans import iso

Attrs = Mapping[Any, Any]
Interval = tuple[int, int]

_MUST_AGREE = {
    "analytics": "of different functions",
    "endpoint": "of different reads",
    "system": "of different reads",
    "declared_as": "of different reads",
    "source": "from the exchange and from a sandbox",
    "account": "of different accounts",
    "emails": "with masked and with clear e-mail addresses",
    "currency": "valued in different currencies",
    "when": "counted at different moments",
    "at": "valued by candles of different lengths",
}


def merged_attrs(attrs: Sequence[Attrs]) -> dict[str, Any]:
    """Merge the attributes of frames.

    Raises:
        UsageError: The frames do not belong together.
    """
    if len(attrs) == 1:
        return dict(attrs[0])
    _check(attrs)
    merged: dict[str, Any] = {}
    for key in dict.fromkeys(chain.from_iterable(attrs)):
        values = [each[key] for each in attrs if key in each]
        if key in _MERGE:
            merged[key] = _MERGE[key](values)
        elif len(values) == len(attrs) and all(value == values[0] for value in values):
            merged[key] = values[0]
    return _with_completeness(merged, attrs)


def _check(attrs: Sequence[Attrs]) -> None:
    first = attrs[0]
    for number, each in enumerate(attrs[1:], start=2):
        for key, problem in _MUST_AGREE.items():
            if first.get(key) != each.get(key):
                raise UsageError(
                    f"Frames 1 and {number} are {problem}: attrs[{key!r}] is {first.get(key)!r} and "
                    f"{each.get(key)!r}. Put those together that agree."
                )
        one, other = _arguments(first), _arguments(each)
        for name in dict.fromkeys((*one, *other)):
            if one.get(name) != other.get(name):
                raise UsageError(
                    f"Frames 1 and {number} were fetched with different arguments: `{name}` is "
                    f"{one.get(name)!r} and {other.get(name)!r}, and not every row tells which one it is of."
                )
        if _zone(first) != _zone(each):
            raise UsageError(
                f"Frames 1 and {number} have periods in different time zones: {_zone(first)} and "
                f"{_zone(each)}."
            )


def _arguments(attrs: Attrs) -> dict[str, Any]:
    parameters = attrs.get("parameters") or {}
    return {name: value for name, value in parameters.items() if name not in ("start", "end")}


def _zone(attrs: Attrs) -> object:
    return (attrs.get("period") or {}).get("zone")


# -- attributes that are added up --------------------------------------------------------------------


def _union(values: Sequence[Iterable[Any]]) -> list[Any]:
    """What is in any of the lists, once, in order."""
    result: list[Any] = []
    for each in chain.from_iterable(values):
        if each not in result:
            result.append(each)
    return result


def _latest(values: Sequence[Any]) -> Any:
    return None if None in values else max(values)


def _earliest(values: Sequence[Any]) -> Any:
    return None if None in values else min(values)


def _valuation(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How rows were valued; the rows are counted by `concat`."""
    merged: dict[str, Any] = {}
    for each in values:
        for key, value in each.items():
            known = merged.get(key)
            if isinstance(known, list) and isinstance(value, list):
                merged[key] = _union([known, value])
            elif isinstance(known, dict) and isinstance(value, dict):
                merged[key] = {**known, **value}
            else:
                merged[key] = value
    return merged


_MERGE: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "requests": sum,
    "weight": sum,
    "fetched_at": _latest,
    "server_time": _latest,
    "as_of": _earliest,
    "example": any,
    "undeclared": _union,
    "gaps": _union,
    "accounts": _union,
    "sources": _union,
    "notes": _union,
    "unvalued": lambda values: dict(chain.from_iterable(each.items() for each in values)),
    "valuation": _valuation,
}


# -- spans and completeness --------------------------------------------------------------------------


def _with_completeness(merged: dict[str, Any], attrs: Sequence[Attrs]) -> dict[str, Any]:
    spans = [_span(each) for each in attrs]
    known = [span for span in spans if span is not None]
    for key in ("parameters", "period"):
        if known and isinstance(attrs[0].get(key), Mapping):
            start, end = iso(min(span[0] for span in known)), iso(max(span[1] for span in known))
            merged[key] = {**attrs[0][key], "start": start, "end": end}
            if key == "period":
                names = _union([[each["period"].get("name")] for each in attrs if each.get("period")])
                merged[key]["name"] = ", ".join(map(str, names))
                merged[key] |= _is_over(attrs)
    if all("complete" not in each for each in attrs):
        return merged
    missing = _missing(spans, attrs)
    always = "analytics" in merged  # which say what is missing even where that is nothing
    merged.pop("missing", None)
    merged["complete"] = missing is not None and not missing
    if missing is None:
        missing = _union([each.get("missing") or [] for each in attrs])
    if missing or always:
        merged["missing"] = missing
    return merged


def _is_over(attrs: Sequence[Attrs]) -> dict[str, Any]:
    """Whether the period that ends last is over, where periods say so."""
    latest = max(attrs, key=lambda each: str((each.get("period") or {}).get("end")))["period"]
    return {"is_over": latest["is_over"]} if "is_over" in latest else {}


def _span(attrs: Attrs) -> Interval | None:
    stated = attrs.get("parameters") or attrs.get("period") or {}
    return _interval(stated.get("start"), stated.get("end"))


def _interval(start: object, end: object) -> Interval | None:
    if not isinstance(start, str) or not isinstance(end, str):
        return None
    try:
        first, last = (pd.Timestamp(each).timestamp() for each in (start, end))
    except ValueError:
        return None
    return round(first * 1000), round(last * 1000)


def _missing(spans: Sequence[Interval | None], attrs: Sequence[Attrs]) -> list[list[str]] | None:
    """The parts of the whole span that no frame has completely, None where they cannot be told."""
    if all(span is None for span in spans):  # lists without times
        return [] if all(each.get("complete") is True for each in attrs) else None
    covered: list[Interval] = []
    for span, each in zip(spans, attrs, strict=True):
        if span is None:
            return None
        if each.get("complete") is True:
            covered.append(span)
            continue
        lacking = [_interval(*part) if len(part) == 2 else None for part in each.get("missing") or []]
        if not lacking or None in lacking:
            return None
        covered += _rest(span, [part for part in lacking if part])
    known = [span for span in spans if span is not None]
    whole = min(span[0] for span in known), max(span[1] for span in known)
    return [[iso(start), iso(end)] for start, end in _rest(whole, covered)]


def _rest(whole: Interval, parts: Iterable[Interval]) -> list[Interval]:
    """What some intervals leave of a whole one; both ends are included."""
    rest: list[Interval] = []
    start, end = whole
    for first, last in sorted(parts):
        if first > start:
            rest.append((start, min(first - 1, end)))
        start = max(start, last + 1)
    if start <= end:
        rest.append((start, end))
    return [(first, last) for first, last in rest if first <= last]
