"""Parses untrusted JSON in bounded time and memory.

Stricter than `json`: only UTF-8, no NaN, no extremely long or large numbers, no duplicate fields in an
object, no deep nesting, no unpaired surrogates.
"""

from __future__ import annotations

import json
import re
import sys
from contextlib import suppress
from decimal import Decimal
from itertools import chain
from typing import Any, NoReturn

from toolkit.runtime.decimals import to_decimal

# The exchange's responses have about six levels. The limit is low enough that recursive code that handles the
# values later cannot overflow the stack.
MAX_DEPTH = 20
# Longer and larger than any amount, yet still readable as text.
_MAX_NUMBER_LENGTH = 64
_MAX_EXPONENT = 99
# No run of digits may have twice as many: Python would take hours to parse millions.
_MAX_DIGITS = 400

# Python needs at most 44 bytes for each byte of the densest body, so smaller ones need no check.
_SMALL_BODY = 1 << 19
# Bytes of memory for each of these characters in a body, measured: an object and its table, a list and its
# spare slots, a field with its name, a value and its slot.
_COSTS = ((b"{", 100), (b"[", 95), (b":", 150), (b",", 115))
# The frame that is built from the values afterwards takes half as much.
_MAX_MEMORY = 40 << 20
# The same for the one response of a whole list: every symbol of spot, with its rules and permissions, takes
# 75 MiB in 2026, which are estimated at 180.
_MAX_LIST_MEMORY = 400 << 20
# Up to this recursion limit, Python's own JSON parser cannot overflow the stack.
_SAFE_RECURSION_LIMIT = 5000

_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F])|.)", re.DOTALL)
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_CONTAINERS = frozenset({dict, list})
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class InvalidJSON(Exception):  # noqa: N818 - it becomes an error of the package
    """The text is not JSON, or is beyond the bounds. Says why, and contains nothing of the text."""


def loads(body: bytes, *, whole_list: bool = False) -> Any:
    """Parse a JSON text. Numbers with a decimal point become Decimals, so no amount is rounded.

    Args:
        body: The text.
        whole_list: Whether it is a long list that no request can ask for in parts, and may take more memory.

    Raises:
        InvalidJSON: It is not JSON, or is beyond the bounds.
    """
    problem = "is not JSON, or is cut off"
    try:
        return _parse(body, _MAX_LIST_MEMORY if whole_list else _MAX_MEMORY)
    except UnicodeDecodeError:
        problem = "is not UTF-8"
    except InvalidJSON as error:
        problem = str(error)
    except (ValueError, RecursionError):
        pass
    raise InvalidJSON(problem)  # not within a handler: the original errors contain the text


def _parse(body: bytes, max_memory: int) -> Any:
    # The remainder after the last full stretch is shorter, so a body cut off within a number passes.
    if any(
        body[start : start + _MAX_DIGITS].isdigit()
        for start in range(0, len(body) - _MAX_DIGITS + 1, _MAX_DIGITS)
    ):
        raise InvalidJSON(f"contains a number of {_MAX_DIGITS} digits or more")
    lists, objects = body.count(b"["), body.count(b"{")
    if len(body) > _SMALL_BODY:
        _check_memory(body, max_memory)
    if sys.getrecursionlimit() > _SAFE_RECURSION_LIMIT and lists + objects > MAX_DEPTH:
        _check_depth(body)
    if b"\\" in body and b"\\u" in body and any(escape[1] for escape in _ESCAPE.finditer(body)):
        raise InvalidJSON("contains an unpaired surrogate")
    value = _DECODER.decode(body.decode("utf-8"))
    _check_nesting(value, lists + objects)
    return value


def _check_nesting(value: Any, brackets: int) -> None:
    """Reject a value that is nested too deeply.

    Args:
        value: The parsed value.
        brackets: How many opening brackets its text has: the search ends when that many containers were seen.
    """
    seen = 0
    level = [value] if type(value) in _CONTAINERS else []
    for _ in range(MAX_DEPTH):
        seen += len(level)
        if not level or seen == brackets:
            return
        values = chain.from_iterable(each.values() if type(each) is dict else each for each in level)
        level = [each for each in values if type(each) in _CONTAINERS]
    raise InvalidJSON(f"is nested deeper than {MAX_DEPTH} levels")


def _check_memory(body: bytes, max_memory: int) -> None:
    """Reject a body whose values would take too much memory."""
    cost = _memory_per_byte(body) * len(body) + sum(body.count(mark) * cost for mark, cost in _COSTS)
    if cost > max_memory:
        raise InvalidJSON(
            f"would take more than {max_memory >> 20} MiB of memory: ask for fewer rows at once"
        )


def _memory_per_byte(body: bytes) -> int:
    """Bytes of memory for each byte of a body, which is copied to a `str` and again to the values.

    A single character outside Latin-1 makes the whole `str` two or four times as wide.
    """
    if b"\\u" in body:
        return 12
    if body.isascii():
        return 3
    return 5 if max(body) < 0xF0 else 10


def _check_depth(body: bytes) -> None:
    """Reject a body that is nested too deeply before it is parsed, as the recursion limit was raised."""
    brackets = _STRING.sub(b"", body).translate(None, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    if brackets:
        raise InvalidJSON(f"is nested deeper than {MAX_DEPTH} levels, or is cut off")


def _reject_constant(constant: str) -> NoReturn:
    raise ValueError(constant)


def _parse_number(text: str) -> Decimal:
    if len(text) <= _MAX_NUMBER_LENGTH:
        with suppress(ArithmeticError):  # an exponent beyond the range of Decimal
            number = to_decimal(text)
            if abs(number.adjusted()) <= _MAX_EXPONENT:
                return number
    raise InvalidJSON(
        f"contains a number that is longer than {_MAX_NUMBER_LENGTH} characters or beyond 1e±{_MAX_EXPONENT}"
    )


def _unique_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidJSON("contains a field twice in one object")
    return fields


_DECODER = json.JSONDecoder(
    parse_float=_parse_number, parse_constant=_reject_constant, object_pairs_hook=_unique_fields
)
