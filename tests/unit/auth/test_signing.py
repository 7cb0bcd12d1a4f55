"""The signed text is exactly what is sent, and matches the exchange's documentation."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from string import ascii_letters, digits
from urllib.parse import parse_qsl

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.auth.credentials import Credentials
from toolkit.auth.signers import make_signer
from toolkit.auth.signing import encode, sign, to_text
from toolkit.errors import UsageError

SPOT_SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
FUTURES_SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"

ORDER = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": 1, "price": Decimal("0.1")}
COMMON = {"recvWindow": 5000, "timestamp": 1499827319559}

# The vectors published with the API: query parameters, body parameters, bytes, signature.
VECTORS = {
    "V1": (
        SPOT_SECRET,
        {"symbol": "LTCBTC", **ORDER, **COMMON},
        {},
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
        "&timestamp=1499827319559",
        "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
    ),
    "V2": (
        SPOT_SECRET,
        {"symbol": "１２３４５６", **ORDER, **COMMON},
        {},
        "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC"
        "&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
        "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
    ),
    "V3": (
        FUTURES_SECRET,
        {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "quantity": 1,
            "price": 9000,
            "timeInForce": "GTC",
            "recvWindow": 5000,
            "timestamp": 1591702613943,
        },
        {},
        "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000"
        "&timestamp=1591702613943",
        "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9",
    ),
    # In the documentation, V4 has a stray space after "timestamp="; this is the signature without it.
    "V4": (
        FUTURES_SECRET,
        {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"},
        {"quantity": 1, "price": 9000, "recvWindow": 5000, "timestamp": 1591702613943},
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC"
        "quantity=1&price=9000&recvWindow=5000&timestamp=1591702613943",
        "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4",
    ),
    "V5": (
        SPOT_SECRET,
        {"symbol": "LTCBTC", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"},
        {"quantity": 1, "price": Decimal("0.1"), **COMMON},
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
        "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
        "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_published_vectors_give_the_exact_bytes_and_signatures(name: str) -> None:
    secret, in_query, in_body, payload, signature = VECTORS[name]
    query, body = encode(in_query), encode(in_body)
    assert query + body == payload
    assert sign(Credentials("k" * 64, make_signer("secret", secret)), query, body) == signature


class Side(Enum):
    BUY = "BUY"


class Market(IntEnum):
    UM = 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Side.BUY, "BUY"),
        (Market.UM, "1"),
        (True, "true"),
        (False, "false"),
        (367537027503425913, "367537027503425913"),
        (Decimal("0.00001"), "0.00001"),
        (Decimal("1E-5"), "0.00001"),
        (Decimal("1E+3"), "1000"),
        (0.00001, "0.00001"),
        (1e22, "10000000000000000000000"),
        (0.1, "0.1"),
        (datetime(2026, 1, 1, tzinfo=UTC), "1767225600000"),
        (datetime(2026, 1, 1), "1767225600000"),
        (datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), "1767225600000"),
        (pd.Timestamp("2026-01-01T00:00:00.123456789Z"), "1767225600123"),
        (date(2026, 1, 1), "1767225600000"),
        (["BTCUSDT", "ETHUSDT"], '["BTCUSDT","ETHUSDT"]'),
        ([1, 2], "[1,2]"),
        ("  kept as it is ", "  kept as it is "),
    ],
)
def test_values_are_encoded_as_the_api_expects(value: object, text: str) -> None:
    assert to_text("x", value) == text


def test_an_email_address_is_encoded() -> None:
    assert encode({"email": "first.last+tag@example.com"}) == "email=first.last%2Btag%40example.com"


def test_none_is_left_out() -> None:
    assert encode({"a": None, "b": 1}) == "b=1"


@pytest.mark.parametrize("value", [object(), b"bytes", {"a": 1}, float("nan"), Decimal("inf"), pd.NaT])
def test_a_value_that_cannot_be_sent_is_refused_by_name(value: object) -> None:
    with pytest.raises(UsageError, match=r"`amount`.*Nothing was sent"):
        to_text("amount", value)


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=20), max_size=6))
def test_any_text_can_be_decoded_again(parameters: dict[str, str]) -> None:
    query = encode(parameters)
    assert re.fullmatch(r"[A-Za-z0-9_.~%=&-]*", query)
    assert dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))) == parameters


@given(st.text(max_size=40), st.text(ascii_letters + digits, min_size=32))
def test_the_signature_covers_the_encoded_bytes(value: str, secret: str) -> None:
    query = encode({"value": value})
    expected = hmac.new(secret.encode(), query.encode("ascii"), hashlib.sha256).hexdigest()
    assert sign(Credentials("k" * 64, make_signer("secret", secret)), query) == expected


@pytest.mark.parametrize("symbols", [["BTCUSDT", "BNBUSDT"], ("BTCUSDT", "BNBUSDT")])
def test_a_list_of_texts_is_compact_json_encoded_once(symbols: object) -> None:
    assert encode({"symbols": symbols}) == "symbols=%5B%22BTCUSDT%22%2C%22BNBUSDT%22%5D"


def test_texts_in_a_list_may_have_quotes_and_letters_of_any_script() -> None:
    assert encode({"symbols": ['a"\\', "币安USDT"]}) == (
        "symbols=%5B%22a%5C%22%5C%5C%22%2C%22%E5%B8%81%E5%AE%89USDT%22%5D"
    )


@pytest.mark.parametrize("value", [[["BTCUSDT"]], [("BTCUSDT",)], ["BTCUSDT", []]], ids=repr)
def test_a_list_of_lists_is_refused_since_it_would_be_json_within_json(value: object) -> None:
    with pytest.raises(UsageError, match="`symbols` is a list of lists"):
        encode({"symbols": value})


@given(st.lists(st.text(max_size=8), max_size=4))
def test_lists_are_json(values: list[str]) -> None:
    assert json.loads(to_text("symbols", values)) == values


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_decimals_are_plain_digits_and_exact(value: Decimal) -> None:
    text = to_text("amount", value)
    assert re.fullmatch(r"-?\d+(\.\d+)?", text)
    assert Decimal(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.int64(5), "5"),
        (np.float64(0.5), "0.5"),
        (np.bool_(True), "true"),
        (np.datetime64("2026-01-01"), "1767225600000"),
        ([np.int64(1), np.int64(2)], "[1,2]"),
    ],
)
def test_numpy_scalars_are_encoded_like_python_values(value: object, text: str) -> None:
    assert to_text("x", value) == text


def test_a_time_out_of_range_is_refused() -> None:
    assert to_text("x", datetime(2200, 1, 1)) == "7258118400000"
    with pytest.raises(UsageError, match="`x`"):
        to_text("x", pd.NaT)
