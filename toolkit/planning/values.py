"""The values of arguments, as the exchange wants them."""

from __future__ import annotations

import math
import operator
import re
import sys
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Network, IPv6Network, ip_address

import numpy as np
import pandas as pd

from toolkit.endpoints import Endpoint, Param, Write
from toolkit.planning.words import check_visible, kind_of, quoted, usage_error
from toolkit.text.characters import lookalike
from toolkit.text.suggestions import did_you_mean

# Places behind the point that the exchange counts in: a float with more is not what was meant.
_FLOAT_PLACES = 8
# More digits than this are no amount of anything.
_PLACES = 18
# [0-9], because \d takes the digits of every script.
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")


def value_of(endpoint: Endpoint, param: Param, value: object) -> object:
    """What goes out for a value that was given.

    Raises:
        UsageError: It cannot be right.
    """
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, np.generic) and value.dtype.kind in "biufU":  # no times: their numbers say nothing
        value = value.item()
    if isinstance(value, str):
        check_visible(endpoint, param.name, value, lines=param.multiline)
    if _is_missing(value):
        raise usage_error(endpoint, f"`{param.name}` is a missing value ({value}); None means not given")
    if hasattr(value, "as_py"):
        raise usage_error(endpoint, f"`{param.name}` is {kind_of(value)}: give what its `.as_py()` returns")
    if param.kind == "choice":
        return _choice(endpoint, param, value)
    if param.kind == "flag":
        if not isinstance(value, bool):
            raise usage_error(endpoint, f"`{param.name}` is True or False, not {quoted(value)}")
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
    words = " or ".join(f'"{word}" ({sent_value})' for word, sent_value in param.choices.items())
    question = did_you_mean(value, param.choices)
    raise usage_error(endpoint, f"`{param.name}` is {words}, not {quoted(value)}", question)


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
        raise usage_error(endpoint, f"`{param.name}` is a whole number{bounds}, not {quoted(value)}")
    return int(number)  # type: ignore[arg-type]


def _exact(endpoint: Endpoint, param: Param, value: object) -> Decimal:
    """Money, exactly as it was meant: a float that only comes near to it is refused."""
    if isinstance(value, float):
        number = Decimal(repr(value))
        blurred = len(number.as_tuple().digits) > sys.float_info.dig
        if number.is_finite() and (blurred or _places(number) > _FLOAT_PLACES):
            raise usage_error(
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
        raise usage_error(
            endpoint,
            f'`{param.name}` is a Decimal, or a number as text such as "12.5", not {quoted(value)}',
        )
    if not number.is_finite() or not (0 <= number <= 1 if param.kind == "rate" else number > 0):
        allowed = 'a fraction from 0 to 1 ("0.001" is 0.1 %)' if param.kind == "rate" else "above zero"
        raise usage_error(endpoint, f"`{param.name}` is {allowed}, not {quoted(value)}")
    if _places(number) > _PLACES or number.adjusted() >= _PLACES:
        raise usage_error(
            endpoint, f"`{param.name}` has at most {_PLACES} digits before and behind the point"
        )
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
        raise usage_error(
            endpoint, f'`{param.name}` is a list of IP addresses such as ["203.0.113.7"], not {quoted(value)}'
        )
    texts = []
    for each in given:
        if isinstance(each, str):
            check_visible(endpoint, param.name, each)
        if hasattr(each, "as_py"):
            raise usage_error(endpoint, f"`{param.name}` holds {kind_of(each)}: give its `.to_pylist()`")
        try:
            texts.append(str(ip_address(str(each).strip())))
        except ValueError:
            raise usage_error(
                endpoint,
                f"`{param.name}` holds {quoted(each)}, which is no IP address (ranges are not taken)",
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
        raise usage_error(endpoint, f"`{param.name}` has {param.longest} characters at most, not {len(text)}")
    return text


def _unmeasured(endpoint: Endpoint, param: Param, value: object) -> str:
    is_write = isinstance(endpoint, Write)
    if param.kind == "id" and isinstance(value, int) and not isinstance(value, bool):
        return str(int(value))
    if not isinstance(value, str):
        why = " (a float cannot hold an id exactly)" if isinstance(value, float) else ""
        said = kind_of(value) if param.private else quoted(value)
        raise usage_error(endpoint, f"`{param.name}` is text, not {said}{why}")
    if not value.strip():
        instead = "" if param.required else "; leave it out instead"
        raise usage_error(endpoint, f"`{param.name}` is empty{instead}")
    if param.private and "*" in value:
        raise usage_error(endpoint, f"`{param.name}` is masked (***): the exchange wants the whole of it")
    # It is sent as it is, and is another one with a blank more. One within may belong to a name.
    named = param.kind == "id" or (param.kind == "text" and is_write and not param.multiline)
    if named and value != value.strip():
        raise usage_error(endpoint, f"`{param.name}` has a blank around it: leave it out")
    if param.kind in ("id", "email") and is_write and (other := lookalike(value)):
        raise usage_error(
            endpoint, f"`{param.name}` has {other} in it, which looks like another character: type it anew"
        )
    if param.kind == "email" and value.count("@") != 1:
        raise usage_error(endpoint, f"`{param.name}` is an e-mail address with one @ in it")
    return value


def _is_missing(value: object) -> bool:
    return value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))
