"""Encodes parameters as query strings and form bodies, and signs them.

Values are percent-encoded before they are signed, so the signature covers exactly what is sent: since
2026-01-15 the exchange refuses anything else. Query string and body are joined without a separator.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from urllib.parse import quote

import numpy as np
import pandas as pd

from toolkit.auth.credentials import Credentials
from toolkit.errors import UsageError


def to_text(name: str, value: object) -> str:
    """A parameter value as text for the API.

    Enums become their value, times milliseconds (naive times are UTC), decimals plain digits, booleans
    `true` or `false`, lists JSON.

    Raises:
        UsageError: The value cannot be sent.
    """
    if isinstance(value, Enum):
        return to_text(name, value.value)
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _plain(name, Decimal(repr(value)))
    if isinstance(value, Decimal):
        return _plain(name, value)
    if isinstance(value, datetime | date):
        try:
            moment = pd.Timestamp(value)
        except (ValueError, OverflowError):
            moment = pd.Timestamp("NaT")
        if pd.isna(moment):
            raise UsageError(f"`{name}` is not a time that can be sent. Nothing was sent.")
        moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment
        return str(moment.value // 10**6)
    if isinstance(value, list | tuple):
        plain = [item.item() if isinstance(item, np.generic) else item for item in value]
        if any(isinstance(item, list | tuple) for item in plain):  # would be JSON text within JSON
            raise UsageError(f"`{name}` is a list of lists, which cannot be sent. Nothing was sent.")
        items = [item if isinstance(item, int) else to_text(name, item) for item in plain]
        return json.dumps(items, separators=(",", ":"), ensure_ascii=False)
    raise UsageError(
        f"`{name}` is a {type(value).__name__}, which cannot be sent; use text, numbers, Decimals, booleans, "
        "times, Enums or lists of them. Nothing was sent."
    )


def _plain(name: str, number: Decimal) -> str:
    if not number.is_finite():
        raise UsageError(f"`{name}` is not a finite number. Nothing was sent.")
    return format(number, "f")


def encode(parameters: Mapping[str, object] | Iterable[tuple[str, object]]) -> str:
    """Encode parameters as a query string or form body, in their order. None is left out.

    Raises:
        UsageError: A value cannot be sent.
    """
    pairs = parameters.items() if isinstance(parameters, Mapping) else parameters
    return "&".join(
        f"{_quoted(name, name)}={_quoted(name, to_text(name, value))}"
        for name, value in pairs
        if value is not None
    )


def _quoted(name: str, text: str) -> str:
    with suppress(UnicodeEncodeError):
        return quote(text, safe="")
    # Not within a handler: the original error contains the whole text.
    raise UsageError(f"`{name}` contains an unpaired surrogate, which cannot be sent. Nothing was sent.")


def sign(credentials: Credentials, query: str, body: str = "") -> str:
    """Sign a query string and body exactly as they will be sent.

    The signature is appended to them as the last parameter.
    """
    return quote(credentials.sign(query + body), safe="")
