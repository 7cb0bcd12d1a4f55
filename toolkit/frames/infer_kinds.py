"""The kind of a column of an undeclared endpoint, by its name and by how its values are written.

A name decides first: ids, codes and states are text, whatever their values, and times are times. For other
names it is decided by the JSON type of the values and by the form of the texts. The values themselves never
decide, so a column has the same type in every response in which its values are written in the same way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from toolkit.amounts.integers import EXACT_TYPE, PLACES
from toolkit.endpoints.model import ColumnKind
from toolkit.frames.decode import YEAR_3000
from toolkit.runtime.decimals import in_own_context

Form = Literal[
    "flag", "whole", "long", "decimal", "number", "digits", "moment", "empty", "text", "texts", "nested"
]
"""How a value is written: true or false; a whole number, one beyond 64 bits, one with a point; a text that is
a number, other digits, a date or time, nothing, anything else; a list of texts; a nested value."""

_WORD_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^0-9A-Za-z]+")
# As JSON writes a number. Whole numbers of 16 digits and more are rather ids, and float64 would round them.
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14}|[1-9]\d{15,38}(?=[.eE]))(\.\d{1,40})?([eE][+-]?\d{1,2})?")
_DIGITS = re.compile(r"-?\d{1,19}")
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)([T ](\d\d:\d\d(:\d\d(\.\d{1,9})?)?) ?(Z|UTC|[+-]\d\d:?\d\d)?)?", re.IGNORECASE
)
_NO_DATE = "0000-00-00"

# The last word of a name that identifies, classifies or describes something.
_TEXT_WORDS = frozenset(
    {
        *("id", "ids", "uid", "uuid", "guid", "no", "sn", "code", "hash", "tx", "key", "symbol", "pair"),
        *("status", "state", "type", "kind", "category", "side", "mode", "method", "channel", "reason"),
        *("tag", "name", "nickname", "label", "alias", "title"),
        *("memo", "remark", "remarks", "note", "comment"),
        *("info", "message", "msg", "desc", "description", "asset", "coin", "currency", "network", "unit"),
        *("address", "addr", "url", "email", "mail", "ip", "phone", "mobile", "version"),
        # Some endpoints write these in lower case only.
        *("txid", "orderid", "tradeid", "tranid", "userid", "accountid", "subaccountid", "customerid"),
        *("clientid", "apikey", "secretkey"),
    }
)
# Before "no": how many confirmations a transaction has, and which page this is.
_COUNTED = frozenset({"confirm", "page"})
# Not in amounts such as `netAsset`.
_ASSETS, _SUMS = frozenset({"asset", "coin", "currency"}), frozenset({"net", "total"})
# Fields that have an account's id in futures transfers.
_PARTIES = frozenset({"from", "to"})
_NUMBERED = frozenset({"order", "serial", "card", "account", "trade", "transaction", "reference", "invoice"})

_SHORT_TIMES = frozenset({"T", "E"})  # of the trade, and of the event
_TIME_WORDS = frozenset(
    {
        *("time", "timestamp", "stamp", "datetime", "date", "at", "ts", "ctime", "mtime", "utime"),
        *("updated", "created", "modified", "expires"),
    }
)
_TIME_UNITS = frozenset({"ms", "us", "utc", "unix", "millis", "seconds"})
# How long something takes is no time of day.
_DURATIONS = frozenset(
    {
        *("arrival", "countdown", "cooldown", "cost", "delay", "elapsed", "holding", "latency"),
        *("remaining", "response", "waiting"),
    }
)
_TIME_FORMS = frozenset({"whole", "decimal", "number", "digits", "moment", "empty"})
_AMOUNT_FORMS = frozenset({"whole", "decimal", "number", "empty"})
_TEXT_FORMS = frozenset({"number", "digits", "moment", "empty", "text"})

# Texts that are all "" are missing amounts under such a name, and empty texts under any other.
_AMOUNT_WORDS = frozenset(
    {
        *("amount", "amt", "balance", "commission", "fee", "income", "interest", "margin", "notional", "pnl"),
        *("price", "profit", "qty", "quantity", "rate", "ratio", "value", "vol", "volume"),
    }
)

_WHOLE_DIGITS = EXACT_TYPE.precision - PLACES
_INT64 = 2**63
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_3000_S = YEAR_3000 // 1000
_MIN_SECONDS = 100_000_000  # 1973; smaller numbers are milliseconds, as in declared columns


def snake_case(field: str) -> str:
    """The name of a column, from the name of its field."""
    words = "_".join(word for word in _WORD_BREAK.sub("_", field).split("_") if word).lower()
    return words or re.sub(r"[.*\[\]]", "_", field) or "_"


def is_email(field: str) -> bool:
    """Whether a field has e-mail addresses, by its name."""
    return re.search(r"mails?(_?addr(ess)?(es)?)?$", snake_case(field)) is not None


def infer_kind(field: str, values: Sequence[Any], *, exact: bool = False) -> tuple[ColumnKind, list[Any]]:
    """The kind of a column, and its values converted to that kind.

    Args:
        field: Name of its field.
        values: Its values, None where one is missing.
        exact: Whether amounts are exact decimals; amounts that have too many digits for one are text then.
    """
    forms = {_form(value) for value in values if value is not None}
    kind = _kind(field, forms)
    if kind == "time":
        is_day = snake_case(field).endswith("date")
        times = [None if value is None else _milliseconds(value, is_day=is_day) for value in values]
        return kind, times
    if kind in ("amount", "integer"):
        numbers = [None if value == "" else value for value in values]
        if kind == "integer" or not exact or all(map(_fits, numbers)):
            return kind, numbers
        kind = "text"
    if kind == "text":
        as_text = _as_json if forms & {"texts", "nested"} else _as_text
        return kind, [None if value is None else as_text(value) for value in values]
    return kind, list(values)


def _kind(field: str, forms: Collection[Form]) -> ColumnKind:
    forms = set(forms)
    if forms and forms <= {"flag"}:
        return "flag"
    if forms and forms <= {"texts"}:
        return "texts"
    if forms & {"flag", "long", "texts", "nested"}:
        return "text"
    if is_email(field) and forms <= _TEXT_FORMS:
        return "email"
    if _is_text(field):
        return "text"
    if _is_time(field) and forms <= _TIME_FORMS:
        return "time"
    if forms <= {"empty"}:
        return "amount" if snake_case(field).split("_")[-1] in _AMOUNT_WORDS else "text"
    if forms <= {"whole", "empty"}:
        return "integer"
    return "amount" if forms <= _AMOUNT_FORMS else "text"


def _is_text(field: str) -> bool:
    *before, last = snake_case(field).split("_")
    if last == "no" and _COUNTED.intersection(before):
        return False
    if last in _ASSETS and _SUMS.intersection(before):
        return False
    if last == "number":
        return bool(before) and before[-1] in _NUMBERED
    return last in _TEXT_WORDS or field in _PARTIES


def _is_time(field: str) -> bool:
    words = snake_case(field).split("_")
    if len(words) > 1 and words[-1] in _TIME_UNITS:
        words.pop()
    return field in _SHORT_TIMES or (words[-1] in _TIME_WORDS and not _DURATIONS.intersection(words))


def _form(value: Any) -> Form:
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int):
        return "whole" if -_INT64 <= value < _INT64 else "long"
    if isinstance(value, Decimal):
        return "decimal" if value.is_finite() else "text"
    if isinstance(value, list):
        return "texts" if all(isinstance(item, str) for item in value) else "nested"
    if not isinstance(value, str):
        return "nested"
    if _NUMBER.fullmatch(value):
        return "number"
    if _DIGITS.fullmatch(value):
        return "digits"
    if _moment(value) is not None:
        return "moment"
    return "text" if value else "empty"


# -- times ----------------------------------------------------------------------------------------------


@in_own_context
def _milliseconds(value: Any, *, is_day: bool) -> int | None:
    """A time as milliseconds since 1970, None where there is none: "", 0, -1, or anything before 1970.

    A number is in seconds, milliseconds, microseconds or nanoseconds, whichever makes it a time from 1973 to
    3000; a smaller one is in milliseconds. With `is_day`, eight digits may be a day such as 20260131.
    """
    if value == "":
        return None
    if isinstance(value, str) and (moment := _moment(value)) is not None:
        return moment if moment > 0 else None
    if is_day and (day := _day(str(value))):
        return day
    number = Decimal(value)
    if number <= 0:
        return None
    if _MIN_SECONDS <= number < _YEAR_3000_S:
        return int(number * 1000)
    for divisor in (1, 1000, 1_000_000):
        if number < _YEAR_3000_S * 1000 * divisor:
            return int(number / divisor)
    return None


def _moment(text: str) -> int | None:
    """A date, or a date and time, as milliseconds since 1970; UTC unless it says otherwise."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    date, time, zone = found[1], found[3] or "00:00", (found[6] or "UTC").upper()
    if date == _NO_DATE:
        return 0
    with suppress(ValueError, OverflowError):  # such as February 30
        moment = datetime.fromisoformat(f"{date}T{time}{'+00:00' if zone in ('Z', 'UTC') else zone}")
        return (moment - _EPOCH) // timedelta(milliseconds=1)
    return None


def _day(digits: str) -> int | None:
    if re.fullmatch(r"(19[7-9]|2\d\d)\d{5}", digits) is None:
        return None
    return _moment(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}")


# -- text and amounts -----------------------------------------------------------------------------------


@in_own_context
def _as_json(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def _as_text(value: Any) -> str:
    """A scalar as text, unchanged."""
    if isinstance(value, str):
        return value
    return format(value, "f") if isinstance(value, Decimal) else _as_json(value)


def _fits(value: Any) -> bool:
    """Whether an exact amount holds all digits as they are written, zeros at the end included."""
    if value is None:
        return True
    number = Decimal(value)
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -PLACES and number.adjusted() < _WHOLE_DIGITS
