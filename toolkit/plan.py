"""Pure: a door's arguments become the requests they mean.

Everything that can be known to be wrong is refused here, before anything is sent, by the name of the
argument and with what is allowed. A span that is longer than the endpoint allows is no such thing:
it is cut into windows that do not overlap, oldest first.
"""

from __future__ import annotations

import math
import operator
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

import numpy as np
import pandas as pd

from toolkit.catalogue import Endpoint, Param, Window, Write
from toolkit.characters import lookalike, unseen
from toolkit.errors import UsageError
from toolkit.moments import relative_moment
from toolkit.suggestions import did_you_mean

When = str | date | datetime | np.datetime64 | int | None
"""A moment: ISO text, "now", time before now as in "-30D" or "-12h", a date, a datetime, or milliseconds."""

# Milliseconds of 2010-01-01 and 2100-01-01: whole numbers outside are seconds, or no times at all.
_FIRST_MOMENT = 1_262_304_000_000
_LAST_MOMENT = 4_102_444_800_000
_DAY = 86_400_000
# Before the exchange has told the time, this machine's may be off: what looks wrong by less than this is
# looked at again once it has.
_DOUBT = 20 * 3_600_000

# Places behind the point that the exchange counts in: a float with more is not what was meant.
_FLOAT_PLACES = 8
# More digits than this are no amount of anything.
_PLACES = 18
# [0-9], because \d takes the digits of every script.
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in milliseconds since 1970; both ends are included."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """How many milliseconds lie in it."""
        return self.end - self.start + 1


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
        step = self.span.length if longest is None else _milliseconds(longest) + 1
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
            raise _refusal(endpoint, f"there is no argument {name!r}; it takes {allowed}")
    parameters: dict[str, object] = {p.wire: p.fixed for p in endpoint.params if p.fixed is not None}
    shown: dict[str, object] = {}
    for name, param in known.items():
        if name not in given:
            if param.is_needed:
                raise _refusal(endpoint, f"`{name}` is required: {_first_lower(param.doc)}")
            continue
        parameters[param.wire] = _value(endpoint, param, given[name])
        shown[name] = "(hidden)" if param.private else _plain(_lasting(parameters, param, given[name]))
    _check_together(endpoint, given)
    span = None
    if endpoint.window:
        span = _span(endpoint, endpoint.window, start, end, now, doubt=0 if sure else _DOUBT)
        shown |= {"start": _iso(span.start), "end": _iso(span.end)}
    return Plan(endpoint, parameters, span, shown)


def _check_together(endpoint: Endpoint, given: Mapping[str, object]) -> None:
    if endpoint.at_least_one and not any(name in given for name in endpoint.at_least_one):
        raise _refusal(endpoint, f"one of {_listed(endpoint.at_least_one)} has to be given")
    both = [name for name in endpoint.not_together if name in given]
    if len(both) > 1:
        raise _refusal(endpoint, f"{_listed(tuple(both))} exclude each other: give one of them")


# -- values ------------------------------------------------------------------------------------------


def _value(endpoint: Endpoint, param: Param, value: object) -> object:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, np.generic) and value.dtype.kind in "biufU":  # no times: their numbers say nothing
        value = value.item()
    if isinstance(value, str):
        _check_seen(endpoint, param.name, value, lines=param.lines)
    if _is_missing(value):
        raise _refusal(endpoint, f"`{param.name}` is a missing value ({value}); None means not given")
    if hasattr(value, "as_py"):
        raise _refusal(endpoint, f"`{param.name}` is {_kind_of(value)}: give what its `.as_py()` returns")
    if param.kind == "choice":
        return _choice(endpoint, param, value)
    if param.kind == "flag":
        if not isinstance(value, bool):
            raise _refusal(endpoint, f"`{param.name}` is True or False, not {_said(value)}")
        return bool(value)
    if param.kind == "integer":
        return _whole(endpoint, param, value)
    if param.kind in ("amount", "rate"):
        return _exact(endpoint, param, value)
    if param.kind == "addresses":
        return _addresses(endpoint, param, value)
    return _text(endpoint, param, value)


def _choice(endpoint: Endpoint, param: Param, value: object) -> object:
    if isinstance(value, str) and value.lower() in param.choices:
        return param.choices[value.lower()]
    if isinstance(value, int | str) and not isinstance(value, bool) and value in param.choices.values():
        return value
    words = " or ".join(f'"{word}" ({on_wire})' for word, on_wire in param.choices.items())
    question = did_you_mean(value, param.choices)
    raise _refusal(endpoint, f"`{param.name}` is {words}, not {_said(value)}", question)


def _whole(endpoint: Endpoint, param: Param, value: object) -> int:
    low = param.minimum
    high = param.maximum
    bounds = f" from {low if low is not None else 'any'} to {high if high is not None else 'any'}"
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    wrong = number is None or isinstance(value, bool)
    if wrong or (low is not None and number < low) or (high is not None and number > high):  # type: ignore[operator]
        raise _refusal(endpoint, f"`{param.name}` is a whole number{bounds}, not {_said(value)}")
    return int(number)  # type: ignore[arg-type]


def _exact(endpoint: Endpoint, param: Param, value: object) -> Decimal:
    """Money, exactly as it was meant: a float that only comes near to it is refused."""
    if isinstance(value, float):
        number = Decimal(repr(value))
        blurred = len(number.as_tuple().digits) > sys.float_info.dig
        if number.is_finite() and (blurred or _places(number) > _FLOAT_PLACES):
            raise _refusal(
                endpoint,
                f"`{param.name}` is the float {value!r}: a float holds {sys.float_info.dig} digits for sure, "
                f"and an asset has {_FLOAT_PLACES} behind the point. Give a Decimal, or text such as "
                '"0.30"',
            )
    elif isinstance(value, Decimal):
        number = value
    elif (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and _NUMBER.fullmatch(value)
    ):
        number = Decimal(value)
    else:
        raise _refusal(
            endpoint,
            f'`{param.name}` is a Decimal, or a number as text such as "12.5", not {_said(value)}',
        )
    if not number.is_finite() or not (0 <= number <= 1 if param.kind == "rate" else number > 0):
        allowed = 'a fraction from 0 to 1 ("0.001" is 0.1 %)' if param.kind == "rate" else "above zero"
        raise _refusal(endpoint, f"`{param.name}` is {allowed}, not {_said(value)}")
    if _places(number) > _PLACES or number.adjusted() >= _PLACES:
        raise _refusal(endpoint, f"`{param.name}` has at most {_PLACES} digits before and behind the point")
    return number.copy_abs()  # a zero below zero is a zero


def _places(number: Decimal) -> int:
    """Places behind the point, without zeros at the end; nothing here rounds, as arithmetic would."""
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):  # no finite number
        return 0
    return len("".join(map(str, digits)).rstrip("0")) - len(digits) - exponent


def _addresses(endpoint: Endpoint, param: Param, value: object) -> str:
    """IP addresses as the exchange wants them, with commas between."""
    given = value.split(",") if isinstance(value, str) else _items(value)
    if not given:
        raise _refusal(
            endpoint, f'`{param.name}` is a list of IP addresses such as ["203.0.113.7"], not {_said(value)}'
        )
    texts = []
    for each in given:
        if isinstance(each, str):
            _check_seen(endpoint, param.name, each)
        if hasattr(each, "as_py"):
            raise _refusal(endpoint, f"`{param.name}` holds {_kind_of(each)}: give its `.to_pylist()`")
        try:
            texts.append(str(ip_address(str(each).strip())))
        except ValueError:
            raise _refusal(
                endpoint, f"`{param.name}` holds {_said(each)}, which is no IP address (ranges are not taken)"
            ) from None
    return ",".join(dict.fromkeys(texts))


def _items(value: object) -> list[object]:
    """What is in a list, a Series, a generator and the like, in its order; nothing where it is none."""
    if not isinstance(value, Iterable) or isinstance(value, bytes | Mapping | IPv4Network | IPv6Network):
        return []
    if getattr(value, "ndim", 1) != 1:  # a table, or an array of one number
        return []
    return list(value)


def _text(endpoint: Endpoint, param: Param, value: object) -> str:
    text = _unmeasured(endpoint, param, value)
    if param.longest is not None and len(text) > param.longest:
        raise _refusal(endpoint, f"`{param.name}` has {param.longest} characters at most, not {len(text)}")
    return text


def _unmeasured(endpoint: Endpoint, param: Param, value: object) -> str:
    is_write = isinstance(endpoint, Write)
    if param.kind == "id" and isinstance(value, int) and not isinstance(value, bool):
        return str(int(value))
    if not isinstance(value, str):
        why = " (a float cannot hold an id exactly)" if isinstance(value, float) else ""
        said = _kind_of(value) if param.private else _said(value)
        raise _refusal(endpoint, f"`{param.name}` is text, not {said}{why}")
    if not value.strip():
        instead = "" if param.required else "; leave it out instead"
        raise _refusal(endpoint, f"`{param.name}` is empty{instead}")
    if param.private and "*" in value:
        raise _refusal(endpoint, f"`{param.name}` is masked (***): the exchange wants the whole of it")
    # It is sent as it is, and is another one with a blank more. One within may belong to a name.
    named = param.kind == "id" or (param.kind == "text" and is_write and not param.lines)
    if named and value != value.strip():
        raise _refusal(endpoint, f"`{param.name}` has a blank around it: leave it out")
    if param.kind in ("id", "email") and is_write and (other := lookalike(value)):
        raise _refusal(
            endpoint, f"`{param.name}` has {other} in it, which looks like another character: type it anew"
        )
    if param.kind == "email" and value.count("@") != 1:
        raise _refusal(endpoint, f"`{param.name}` is an e-mail address with one @ in it")
    return value


# -- time --------------------------------------------------------------------------------------------


def _span(endpoint: Endpoint, window: Window, start: When, end: When, now: int, *, doubt: int) -> Span:
    last = now if end is None else min(_moment(endpoint, "end", end, now), now)
    earliest = None if window.kept is None else now - _milliseconds(window.kept)
    if start is None:
        first = last - _milliseconds(window.default)
        if earliest is not None:
            _check_kept(endpoint, window, "end", last, earliest - doubt)
            first = min(max(first, earliest), last)
        return Span(first, last)
    first = _moment(endpoint, "start", start, now)
    if first > now + doubt:
        raise _refusal(endpoint, f"`start` ({_iso(first)}) lies in the future; now is {_iso(now)}")
    if earliest is not None:
        _check_kept(endpoint, window, "start", first, earliest - doubt)
    if first > last + doubt:
        raise _refusal(endpoint, f"`start` ({_iso(first)}) is after `end` ({_iso(last)})")
    return Span(min(first, last), last)


def _check_kept(endpoint: Endpoint, window: Window, name: str, moment: int, earliest: int) -> None:
    if moment < earliest:
        raise _refusal(
            endpoint,
            f"`{name}` ({_iso(moment)}) is too early: the exchange keeps the last "
            f"{_days(window.kept)}, since {_iso(earliest)}",
        )


def _moment(endpoint: Endpoint, name: str, value: When, now: int) -> int:
    """A moment in milliseconds. A date without a time means, as an end, its last millisecond."""
    whole_day = isinstance(value, date) and not isinstance(value, datetime)
    if isinstance(value, np.datetime64):
        whole_day = np.datetime_data(value.dtype)[0] == "D"
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        moment = int(value)
    elif isinstance(value, str):
        _check_seen(endpoint, name, value)
        text = value.strip()
        whole_day = _DATE.fullmatch(text) is not None
        if text.lower() == "now":
            moment = now
        elif text.startswith(("-", "+")):
            try:
                moment = relative_moment(text, now)
            except ValueError as error:
                raise _refusal(endpoint, f"`{name}` {error}") from None
        elif whole_day or _MOMENT.fullmatch(text):
            moment = _absolute(endpoint, name, text)
        else:
            raise _no_time(endpoint, name, _with_minus(text, now))
    elif isinstance(value, date | datetime | np.datetime64):
        moment = _absolute(endpoint, name, value)
    else:
        raise _refusal(
            endpoint,
            f'`{name}` is a time such as "2026-01-31", "-30D", a datetime or milliseconds, '
            f"not {_said(value)}",
        )
    if not _FIRST_MOMENT <= moment < _LAST_MOMENT:
        raise _refusal(
            endpoint, f"`{name}` has to lie between 2010 and 2100; whole numbers are milliseconds since 1970"
        )
    return moment + _DAY - 1 if name == "end" and whole_day else moment


def _absolute(endpoint: Endpoint, name: str, value: Any) -> int:
    try:
        moment = pd.Timestamp(value)
    except (ValueError, TypeError, OverflowError):
        moment = None
    if moment is None or pd.isna(moment):
        raise _no_time(endpoint, name)
    moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
    return _milliseconds(moment.to_pydatetime(warn=False) - _EPOCH)


def _no_time(endpoint: Endpoint, name: str, question: str = "") -> UsageError:
    return _refusal(
        endpoint,
        f'`{name}` is no time; write it like "2026-01-31", "2026-01-31 08:30" (UTC) or "-30D"',
        question,
    )


def _with_minus(text: str, now: int) -> str:
    """A question where only the minus is missing from a time before now."""
    with suppress(ValueError):
        relative_moment(f"-{text}", now)
        return f' Did you mean "-{text}"?'
    return ""


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _milliseconds(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)


def _iso(moment: int) -> str:
    return (_EPOCH + timedelta(milliseconds=moment)).isoformat(timespec="milliseconds")


# -- words -------------------------------------------------------------------------------------------


def _refusal(endpoint: Endpoint, problem: str, question: str = "") -> UsageError:
    return UsageError(f"{endpoint.door}: {problem}. Nothing was sent.{question}")


def _check_seen(endpoint: Endpoint, name: str, text: str, *, lines: bool = False) -> None:
    """Refuse what is not what it looks like."""
    if character := unseen(text, lines=lines):
        raise _refusal(
            endpoint,
            f"`{name}` has {character} in it, which nobody sees or which looks like another character: leave "
            "it out",
        )


def _said(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else _kind_of(value)


def _kind_of(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _is_missing(value: object) -> bool:
    return value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))


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


def _days(length: timedelta | None) -> str:
    return f"{length.days} days" if length else ""
