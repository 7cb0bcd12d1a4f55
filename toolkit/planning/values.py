"""Validates the values of arguments and encodes them for the exchange."""

from __future__ import annotations

import itertools
import math
import operator
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Network, IPv6Network, ip_address

import numpy as np
import pandas as pd

from toolkit.endpoints import Endpoint, Param, Write
from toolkit.planning.messages import check_visible, kind_of, quoted, usage_error
from toolkit.text.characters import find_lookalike, normalize_email
from toolkit.text.suggestions import did_you_mean

# Decimal places the exchange uses: a float with more is the result of a rounding error.
_MAX_FLOAT_PLACES = 8
# Maximum digits before and after the decimal point.
_MAX_DIGITS = 18
_INEXACT_ID = " (a float cannot hold an id exactly)"
# [0-9], because \d matches the digits of every script.
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_DIGITS = re.compile(r"[0-9]{1,19}")  # ids of futures orders have as many as 2**63
_NUMBERED = re.compile(r"([0-9]{1,9})([a-zA-Z]+)")


def encode_value(endpoint: Endpoint, param: Param, value: object) -> object:
    """Validate the value of an argument and encode it for the request.

    Raises:
        UsageError: The value is invalid.
    """
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, np.generic) and value.dtype.kind in "biufU":  # no times: their unit would be lost
        value = value.item()
    if isinstance(value, str):
        check_visible(endpoint, param.name, value, lines=param.multiline)
    if _is_missing(value):
        raise usage_error(endpoint, f"`{param.name}` is a missing value ({value}); None leaves it out")
    if hasattr(value, "as_py"):
        raise usage_error(endpoint, f"`{param.name}` is {kind_of(value)}: pass the result of its `.as_py()`")
    if param.kind == "choice":
        return _choice(endpoint, param, value)
    if param.kind == "flag":
        if not isinstance(value, bool):
            raise usage_error(endpoint, f"`{param.name}` must be True or False, not {quoted(value)}")
        return bool(value)
    if param.kind == "integer" or (param.kind == "id" and param.minimum is not None):
        return _integer(endpoint, param, value)
    if param.kind in ("amount", "rate"):
        return _exact_decimal(endpoint, param, value)
    if param.kind == "addresses":
        return _addresses(endpoint, param, value)
    if param.kind == "texts":
        return _texts(endpoint, param, value)
    return _text(endpoint, param, value)


def several_values(endpoint: Endpoint, param: Param, value: object) -> list[object] | None:
    """The values in a list, Series or similar, for a parameter that takes several; None for one value.

    Raises:
        UsageError: There are none, one is missing, or one looks like another.
    """
    is_one = isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable)
    if is_one or getattr(value, "ndim", 1) != 1:
        return None
    values = _items(value)
    if not values:
        instead = "" if param.is_required else "; None leaves it out"
        raise usage_error(endpoint, f"`{param.name}` is an empty list: it needs at least one value{instead}")
    for each in values:
        if each is None or _is_missing(each):
            raise usage_error(endpoint, f"`{param.name}` contains a missing value ({each})")
        if isinstance(each, str) and (other := find_lookalike(each)):
            raise usage_error(
                endpoint,
                f"`{param.name}` contains {other}, which looks like another character: type it again",
            )
    return values


def _choice(endpoint: Endpoint, param: Param, value: object) -> object:
    is_word = isinstance(value, int | str) and not isinstance(value, bool)
    if is_word and value in param.choices.values():
        return value  # before its case is changed: "1M" is a month, "1m" a minute
    if isinstance(value, str) and value.lower() in param.choices:
        return param.choices[value.lower()]
    choices = " or ".join(_choice_texts(param.choices))
    suggestion = did_you_mean(value, param.choices)
    raise usage_error(endpoint, f"`{param.name}` must be {choices}, not {quoted(value)}", suggestion)


def _choice_texts(choices: Mapping[str, int | str]) -> Iterator[str]:
    """The choices as an error shows them; those that count up, as from "1m" to "59m", by their ends."""
    run: list[tuple[str, int | str]] = []
    for choice in choices.items():
        if run and not _counts_up(run[-1][0], choice[0]):
            yield from _run_texts(run)
            run = []
        run.append(choice)
    yield from _run_texts(run)


def _counts_up(word: str, following: str) -> bool:
    """Whether a word has the number after that of another, and the same unit."""
    both = [_NUMBERED.fullmatch(each) for each in (word, following)]
    numbers = [int(each[1]) for each in both if each]
    units = {each[2] for each in both if each}
    return len(numbers) == 2 and numbers[1] == numbers[0] + 1 and len(units) == 1


def _run_texts(run: Sequence[tuple[str, int | str]]) -> list[str]:
    texts = list(itertools.starmap(_choice_text, run))
    return texts if len(texts) < 3 else [f"{texts[0]} to {texts[-1]}"]


def _choice_text(word: str, sent: int | str) -> str:
    """A choice as an error shows it."""
    if word == str(sent):
        return word if isinstance(sent, int) else f'"{word}"'
    return f'"{word}" ({sent})'


def _integer(endpoint: Endpoint, param: Param, value: object) -> int:
    low, high = param.minimum, param.maximum
    bounds = (f" from {low}" if low is not None else "") + (f" up to {high}" if high is not None else "")
    if param.kind == "id" and isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)  # as frames have it
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    wrong = number is None or isinstance(value, bool)
    if wrong or (low is not None and number < low) or (high is not None and number > high):  # type: ignore[operator]
        why = _INEXACT_ID if param.kind == "id" and isinstance(value, float) else ""
        raise usage_error(
            endpoint, f"`{param.name}` must be a whole number{bounds}, not {quoted(value)}{why}"
        )
    return int(number)  # type: ignore[arg-type]


def _exact_decimal(endpoint: Endpoint, param: Param, value: object) -> Decimal:
    """Encode an amount or rate exactly: a float that is not exact is rejected."""
    if isinstance(value, float):
        number = Decimal(repr(value))
        inexact = len(number.as_tuple().digits) > sys.float_info.dig
        if number.is_finite() and (inexact or _decimal_places(number) > _MAX_FLOAT_PLACES):
            raise usage_error(
                endpoint,
                f"`{param.name}` is the float {value!r}: a float is only exact up to {sys.float_info.dig} "
                f"digits, and amounts have at most {_MAX_FLOAT_PLACES} decimal places. Pass a Decimal, or "
                'text such as "0.30"',
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
            f'`{param.name}` must be a Decimal, or a number as text such as "12.5", not {quoted(value)}',
        )
    if not number.is_finite() or not (0 <= number <= 1 if param.kind == "rate" else number > 0):
        allowed = 'a fraction from 0 to 1 ("0.001" is 0.1 %)' if param.kind == "rate" else "above zero"
        raise usage_error(endpoint, f"`{param.name}` must be {allowed}, not {quoted(value)}")
    if _decimal_places(number) > _MAX_DIGITS or number.adjusted() >= _MAX_DIGITS:
        raise usage_error(
            endpoint, f"`{param.name}` has more than {_MAX_DIGITS} digits before or after the decimal point"
        )
    return number.copy_abs()  # turns -0 into 0


def _decimal_places(number: Decimal) -> int:
    """Decimal places without trailing zeros, counted without arithmetic, which might round."""
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):  # not a finite number
        return 0
    return len("".join(map(str, digits)).rstrip("0")) - len(digits) - exponent


def _addresses(endpoint: Endpoint, param: Param, value: object) -> str:
    """Encode IP addresses as text, separated by commas."""
    given = value.split(",") if isinstance(value, str) else _items(value)
    if not given:
        raise usage_error(
            endpoint,
            f'`{param.name}` must be a list of IP addresses such as ["203.0.113.7"], not {quoted(value)}',
        )
    texts = []
    for each in given:
        if isinstance(each, str):
            check_visible(endpoint, param.name, each)
        if hasattr(each, "as_py"):
            raise usage_error(
                endpoint, f"`{param.name}` contains {kind_of(each)}: pass the result of `.to_pylist()`"
            )
        try:
            texts.append(str(ip_address(str(each).strip())))
        except ValueError:
            raise usage_error(
                endpoint,
                f"`{param.name}` contains {quoted(each)}, not an IP address; ranges are not allowed",
            ) from None
    return ",".join(dict.fromkeys(texts))


def _texts(endpoint: Endpoint, param: Param, value: object) -> tuple[str, ...]:
    """Encode a list of texts, each once, in its order."""
    if isinstance(value, str):  # it would be one text, although several may be meant, as in "BTCUSDT,BNBUSDT"
        instead = "" if param.private else f" (for one text, [{quoted(value)}])"
        raise usage_error(endpoint, f"`{param.name}` must be a list of texts, not text{instead}")
    given = _items(value)
    if not given:
        raise usage_error(
            endpoint, f"`{param.name}` must be a list with at least one text, not {_shown(param, value)}"
        )
    texts = tuple(dict.fromkeys(_item(endpoint, param, each) for each in given))
    if param.maximum is not None and len(texts) > param.maximum:
        raise usage_error(
            endpoint, f"`{param.name}` has {len(texts)} texts; at most {param.maximum} are allowed"
        )
    return texts


def _item(endpoint: Endpoint, param: Param, value: object) -> str:
    """Check one text of a list."""
    value = value.value if isinstance(value, Enum) else value
    if hasattr(value, "as_py"):
        raise usage_error(
            endpoint, f"`{param.name}` contains {kind_of(value)}: pass the result of `.to_pylist()`"
        )
    if value is None or _is_missing(value):
        raise usage_error(endpoint, f"`{param.name}` contains a missing value ({value})")
    if not isinstance(value, str):
        raise usage_error(endpoint, f"`{param.name}` contains {_shown(param, value)}, which is not text")
    check_visible(endpoint, param.name, value)
    if not value.strip():
        raise usage_error(endpoint, f"`{param.name}` contains an empty text")
    if param.private and "*" in value:
        raise usage_error(endpoint, f"`{param.name}` contains a masked text (***): pass it in full")
    if value != value.strip():
        raise usage_error(
            endpoint, f"`{param.name}` contains a text with a leading or trailing space: remove it"
        )
    if param.capitals:
        _check_capitals(endpoint, f"`{param.name}` contains {quoted(value)}, which", value)
    if param.max_length is not None and len(value) > param.max_length:
        raise usage_error(
            endpoint,
            f"`{param.name}` contains a text of {len(value)} characters; at most {param.max_length} are "
            "allowed",
        )
    return str(value)


def _for_several(endpoint: Endpoint, param: Param, value: object) -> str:
    """How to ask for several things, where a list was given for one."""
    if not _items(value):
        return ""
    if any(each.name == f"{param.name}s" for each in endpoint.params):
        return f" (`{param.name}s` takes a list)"
    return " (call once for each)"


def _check_capitals(endpoint: Endpoint, what: str, text: str) -> None:
    """Raise for a text with anything but capitals, digits and the few signs that symbols have."""
    if text == text.upper() and all(letter.isalnum() or letter in "-_." for letter in text):
        return
    pair = text.partition(":")[0].upper()  # "BTC/USDT:USDT" is what ccxt calls a contract
    meant = "".join(letter for letter in pair if letter.isalnum() or letter == "_")
    suggestion = f' Did you mean "{meant}"?' if meant else ""
    raise usage_error(endpoint, f"{what} must be in capitals, without spaces or separators", suggestion)


def _items(value: object) -> list[object]:
    """The items of a list, Series, generator or similar, in order; none for anything else."""
    if not isinstance(value, Iterable) or isinstance(value, bytes | Mapping | IPv4Network | IPv6Network):
        return []
    if getattr(value, "ndim", 1) != 1:  # a DataFrame, or an array without dimensions
        return []
    return list(value)


def _text(endpoint: Endpoint, param: Param, value: object) -> str:
    text = _checked_text(endpoint, param, value)
    if param.capitals:
        _check_capitals(endpoint, f"`{param.name}` {quoted(text)}", text)
    if param.max_length is not None and len(text) > param.max_length:
        raise usage_error(
            endpoint, f"`{param.name}` has {len(text)} characters; at most {param.max_length} are allowed"
        )
    return text


def _checked_text(endpoint: Endpoint, param: Param, value: object) -> str:
    is_write = isinstance(endpoint, Write)
    if param.kind == "id" and isinstance(value, int) and not isinstance(value, bool):
        return str(int(value))
    if not isinstance(value, str):
        why = _INEXACT_ID if isinstance(value, float) else _for_several(endpoint, param, value)
        raise usage_error(endpoint, f"`{param.name}` must be text, not {_shown(param, value)}{why}")
    if not value.strip():
        instead = "" if param.required else "; leave it out or use None"
        raise usage_error(endpoint, f"`{param.name}` is empty{instead}")
    if param.private and "*" in value:
        raise usage_error(endpoint, f"`{param.name}` is masked (***): pass it in full")
    # A leading or trailing space would make it another value. Inside a name it may be intended.
    is_name = param.kind == "id" or (param.kind == "text" and is_write and not param.multiline)
    if is_name and value != value.strip():
        raise usage_error(endpoint, f"`{param.name}` has a leading or trailing space: remove it")
    if param.kind in ("id", "email") and is_write and (other := find_lookalike(value)):
        raise usage_error(
            endpoint, f"`{param.name}` contains {other}, which looks like another character: type it again"
        )
    if param.kind == "email" and value.count("@") != 1:
        raise usage_error(endpoint, f"`{param.name}` must be an e-mail address with one @")
    return normalize_email(value) if param.kind == "email" else value


def _shown(param: Param, value: object) -> str:
    return kind_of(value) if param.private else quoted(value)


def _is_missing(value: object) -> bool:
    return value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))
