"""JSON from a stranger: read in bounded time and memory, or refused with the reason.

What `json` takes and no answer needs is refused: other encodings than UTF-8, NaN, numbers of absurd
length or size, a field that stands twice in one object, deep nesting, halves of characters.
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

# Answers of the exchange have some six levels. So few are left that nothing that walks a value later on can
# run out of stack.
DEEPEST = 20
# No amount has more characters, and none is larger or smaller: as text it stays readable.
_LONGEST_NUMBER = 64
_LARGEST_EXPONENT = 99
# No run of digits has twice as many: Python would take hours to read millions.
_DIGITS = 400

# Python needs up to 44 bytes for each of a body as dense as can be, so this much needs no closer look.
_SMALL = 1 << 19
# What one of these in a body may cost in memory, measured: an object with its table, a list with its room, a
# field with its name and its pair, a value with its place.
_COSTS = ((b"{", 100), (b"[", 95), (b":", 150), (b",", 115))
# What is made of the values afterwards, a frame, takes half as much.
_MOST_MEMORY = 40 << 20
# As long as Python stops at so many levels itself, its reader of JSON cannot run out of stack.
_USUAL_RECURSION = 5000

_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F])|.)", re.DOTALL)
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_NESTING = frozenset({dict, list})
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class Unreadable(Exception):  # noqa: N818 - not an error of the package: it becomes one
    """The text is no JSON, or none that is read. Says why, and holds nothing of the text."""


def read(body: bytes) -> Any:
    """The value of a JSON text; numbers with a point are Decimals, so no amount is ever rounded.

    Raises:
        Unreadable: It is none, or goes beyond the bounds.
    """
    problem = "is not JSON, or was cut off"
    try:
        return _read(body)
    except UnicodeDecodeError:
        problem = "is not UTF-8"
    except Unreadable as unreadable:
        problem = str(unreadable)
    except (ValueError, RecursionError):
        pass
    raise Unreadable(problem)  # out here: the others would hold the text


def _read(body: bytes) -> Any:
    # The rest behind the last whole stretch is shorter: a body that was cut off within a number ends so.
    if any(body[start : start + _DIGITS].isdigit() for start in range(0, len(body) - _DIGITS + 1, _DIGITS)):
        raise Unreadable("holds a number of more digits than any has")
    lists, objects = body.count(b"["), body.count(b"{")
    if len(body) > _SMALL:
        _check_memory(body)
    if sys.getrecursionlimit() > _USUAL_RECURSION and lists + objects > DEEPEST:
        _check_levels(body)
    if b"\\" in body and b"\\u" in body and any(escape[1] for escape in _ESCAPE.finditer(body)):
        raise Unreadable("holds half a character")
    value = _DECODER.decode(body.decode("utf-8"))
    _check_nesting(value, lists + objects)
    return value


def _check_nesting(value: Any, brackets: int) -> None:
    """Refuse what is nested too deeply, level by level.

    Args:
        value: The value.
        brackets: How many lists and objects its text may begin: no need to look for more.
    """
    seen = 0
    level = [value] if type(value) in _NESTING else []
    for _ in range(DEEPEST):
        seen += len(level)
        if not level or seen == brackets:
            return
        values = chain.from_iterable(each.values() if type(each) is dict else each for each in level)
        level = [each for each in values if type(each) in _NESTING]
    raise Unreadable(f"is nested deeper than {DEEPEST} levels")


def _check_memory(body: bytes) -> None:
    """Refuse a body of which Python would make more than there is room for."""
    cost = _width(body) * len(body) + sum(body.count(mark) * cost for mark, cost in _COSTS)
    if cost > _MOST_MEMORY:
        raise Unreadable("holds more than fits the memory it is given: ask for less at once")


def _width(body: bytes) -> int:
    """Bytes that Python may need for each byte of a body: it is copied as a text, and again into values.

    One rare character makes a text two or four times as wide, from its first character on.
    """
    if b"\\u" in body:
        return 12
    if body.isascii():
        return 3
    return 5 if max(body) < 0xF0 else 10


def _check_levels(body: bytes) -> None:
    """Refuse what is nested too deeply before it is read: Python's own bound was lifted."""
    brackets = _TEXT.sub(b"", body).translate(None, _NO_BRACKETS)
    for _ in range(DEEPEST):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    if brackets:
        raise Unreadable(f"is nested deeper than {DEEPEST} levels, or was cut off")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _number(text: str) -> Decimal:
    if len(text) <= _LONGEST_NUMBER:
        with suppress(ArithmeticError):  # an exponent that not even a Decimal has
            number = to_decimal(text)
            if abs(number.adjusted()) <= _LARGEST_EXPONENT:
                return number
    raise Unreadable("holds a number that is longer, larger or smaller than any is")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Unreadable("holds a field twice in one object")
    return fields


_DECODER = json.JSONDecoder(parse_float=_number, parse_constant=_refuse, object_pairs_hook=_once)
