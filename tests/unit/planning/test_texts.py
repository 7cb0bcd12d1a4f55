"""Arguments that are lists of texts, sent as JSON arrays."""

from __future__ import annotations

from contextlib import suppress
from enum import Enum
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.auth.signing import encode
from toolkit.endpoints import Column, Endpoint
from toolkit.endpoints.model import Param
from toolkit.endpoints.rate_limits import FAPI
from toolkit.errors import UsageError
from toolkit.planning import Plan, encode_arguments, make_plan

TWO = ["BTCUSDT", "BNBUSDT"]


def endpoint(**changes: Any) -> Endpoint:
    """An endpoint with a list of symbols."""
    settings: dict[str, Any] = {"field": "symbols", "name": "symbols", "kind": "texts", "doc": "The symbols."}
    return Endpoint(
        name="prices",
        system="spot",
        path="/fapi/v1/prices",
        security="NONE",
        rate_limit=FAPI,
        params=(Param(**settings | changes),),
        columns=(Column(name="symbol", field="symbol", kind="text", doc="The symbol."),),
        summary="Prices.",
        source="https://example.com",
    )


def planned(value: object, **changes: Any) -> Plan:
    return make_plan(endpoint(**changes), {"symbols": value}, None, None, 1_700_000_000_000)


def rejection(value: object, **changes: Any) -> str:
    with pytest.raises(UsageError) as caught:
        encode_arguments(endpoint(**changes), {"symbols": value})
    message = str(caught.value)
    assert message.startswith("spot.prices: `symbols` ")
    assert message.endswith("Nothing was sent.")
    return message


class Symbol(Enum):
    BTC = "BTCUSDT"


@pytest.mark.parametrize(
    "value",
    [
        TWO,
        tuple(TWO),
        pd.Series(TWO, index=[5, 3]),
        pd.Series(TWO, dtype="string[pyarrow]"),
        pd.Series(TWO, dtype="category"),
        pd.Index(TWO),
        np.array(TWO),
        np.array(TWO, dtype=object),
        dict.fromkeys(TWO).keys(),
        (each for each in TWO),
    ],
    ids=lambda each: type(each).__name__,
)
def test_any_iterable_of_texts_is_sent_as_a_json_array_in_its_order(value: object) -> None:
    plan = planned(value)
    assert encode(plan.parameters) == "symbols=%5B%22BTCUSDT%22%2C%22BNBUSDT%22%5D"
    assert plan.display_arguments == {"symbols": TWO}
    assert all(type(each) is str for each in plan.display_arguments["symbols"])  # type: ignore[attr-defined]
    hash(plan.parameters["symbols"])


def test_a_text_given_twice_is_sent_once_as_when_a_column_is_passed() -> None:
    assert planned([*TWO, "BTCUSDT"], maximum=2).parameters == {"symbols": tuple(TWO)}


def test_enums_in_a_list_become_their_values() -> None:
    assert planned([Symbol.BTC]).parameters == {"symbols": ("BTCUSDT",)}


def test_one_text_is_not_a_list() -> None:
    assert "must be a list of texts, not text (for one text, ['BTCUSDT'])" in rejection("BTCUSDT")
    assert "BTCUSDT" not in rejection("BTCUSDT", private=True)


@pytest.mark.parametrize(
    "value",
    [[], (), pd.Series([], dtype=object), iter(()), 5, b"BTCUSDT", {"BTCUSDT": 1}, pd.DataFrame({"a": TWO})],
    ids=lambda each: type(each).__name__,
)
def test_anything_but_a_list_with_a_text_is_rejected(value: object) -> None:
    assert "must be a list with at least one text" in rejection(value)


@pytest.mark.parametrize(
    ("items", "problem"),
    [
        (["BTCUSDT", None], "contains a missing value"),
        (pd.Series(["BTCUSDT", pd.NA], dtype="string"), "contains a missing value"),
        (["BTCUSDT", float("nan")], "contains a missing value"),
        (["BTCUSDT", 5], "contains 5, which is not text"),
        ([["BTCUSDT"]], "contains ['BTCUSDT'], which is not text"),
        ([b"BTCUSDT"], "contains b'BTCUSDT', which is not text"),
        (pa.array(TWO), ".to_pylist()"),
        (["BTCUSDT", ""], "contains an empty text"),
        (["BTCUSDT", "  "], "contains an empty text"),
        (["BTCUSDT", " BNBUSDT"], "leading or trailing space"),
        (["BTC\u200bUSDT"], "U+200B"),
        (["BTCUSDT\n"], "U+000A"),
    ],
    ids=lambda each: each if isinstance(each, str) else type(each).__name__,
)
def test_what_is_wrong_with_an_item_is_said(items: object, problem: str) -> None:
    assert problem in rejection(items)


def test_more_texts_than_allowed_and_texts_that_are_too_long_are_rejected() -> None:
    assert "has 3 texts; at most 2 are allowed" in rejection([*TWO, "ETHUSDT"], maximum=2)
    assert "a text of 7 characters; at most 5" in rejection(TWO, max_length=5)


def test_private_texts_are_neither_shown_nor_repeated() -> None:
    assert planned(["a@example.com"], private=True).display_arguments == {"symbols": "(hidden)"}
    for value in ([b"secret"], [("secret",)], {"secret": 1}):
        assert "secret" not in rejection(value, private=True)
    assert "masked" in rejection(["a***@example.com"], private=True)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=5), max_size=5))
def test_a_list_is_sent_unchanged_or_refused(texts: list[str]) -> None:
    sent: object = None
    with suppress(UsageError):
        sent = encode_arguments(endpoint(), {"symbols": texts})
    assert sent in (None, {"symbols": tuple(dict.fromkeys(texts))})
    if texts and all(text.isascii() and text.isalnum() for text in texts):
        assert sent is not None
