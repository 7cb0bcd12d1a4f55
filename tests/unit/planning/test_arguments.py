"""Arguments become a plan: times, windows, encoded values, and what is rejected."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from ipaddress import ip_network
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.endpoints import (
    ENDPOINTS,
    ENDPOINTS_BY_NAME,
    WRITES,
    WRITES_BY_NAME,
    Endpoint,
    Param,
    Window,
)
from toolkit.errors import UsageError
from toolkit.planning import Plan, Span, make_plan
from toolkit.planning.values import encode_value

NOW = int(pd.Timestamp("2026-03-15T12:00:00Z").timestamp() * 1000)
DAY = 86_400_000
REBATES = ENDPOINTS_BY_NAME["spot.rebates"]


def at(text: str) -> int:
    return int(pd.Timestamp(text, tz="UTC").timestamp() * 1000)


def span(start: object = None, end: object = None, endpoint_name: str = "spot.rebates") -> Span:
    plan = make_plan(ENDPOINTS_BY_NAME[endpoint_name], {}, start, end, NOW)  # type: ignore[arg-type]
    assert plan.span is not None
    return plan.span


@pytest.mark.parametrize(
    ("start", "time"),
    [
        ("-30D", NOW - 30 * DAY),
        ("-12h", NOW - DAY // 2),
        ("-90min", NOW - 90 * 60_000),
        ("2026-03-01", at("2026-03-01")),
        ("2026-03-01 08:30", at("2026-03-01T08:30")),
        ("2026-03-01T08:30:00.123Z", at("2026-03-01T08:30:00.123")),
        ("2026-03-01T08:30+02:00", at("2026-03-01T06:30")),
        (date(2026, 3, 1), at("2026-03-01")),
        (datetime(2026, 3, 1, 8), at("2026-03-01T08:00")),
        (datetime(2026, 3, 1, 8, tzinfo=timezone(timedelta(hours=-5))), at("2026-03-01T13:00")),
        (datetime(2026, 3, 1, 8, tzinfo=UTC), at("2026-03-01T08:00")),
        (pd.Timestamp("2026-03-01 08:00"), at("2026-03-01T08:00")),
        (pd.Timestamp("2026-03-01 08:00", tz="Asia/Tokyo"), at("2026-02-28T23:00")),
        (np.datetime64("2026-03-01T08:00"), at("2026-03-01T08:00")),
        (NOW - 5, NOW - 5),
        (np.int64(NOW - 5), NOW - 5),
    ],
)
def test_a_start_may_be_given_in_many_forms_and_naive_times_are_utc(start: object, time: int) -> None:
    assert span(start).start == time


@pytest.mark.parametrize(
    ("end", "time"),
    [
        (None, NOW),
        ("now", NOW),
        ("2026-03-10", at("2026-03-11") - 1),
        (date(2026, 3, 10), at("2026-03-11") - 1),
        (datetime(2026, 3, 10), at("2026-03-10")),
        ("2026-03-10 00:00", at("2026-03-10")),
        ("2026-03-15", NOW),
        ("2027-01-01", NOW),
    ],
)
def test_a_date_as_end_includes_the_whole_day_and_the_span_ends_now_at_the_latest(
    end: object, time: int
) -> None:
    assert span("2026-03-01", end).end == time


def test_the_default_span_is_the_documented_one() -> None:
    for endpoint_name, days in [
        ("spot.rebates", 7),
        ("exchange.transfers", 100),
        ("exchange.universal_transfers", 30),
    ]:
        given_arguments = {"from_id": "1"} if "transfers" in endpoint_name else {}
        plan = make_plan(ENDPOINTS_BY_NAME[endpoint_name], given_arguments, None, None, NOW)
        assert plan.span == Span(NOW - days * DAY, NOW)
    assert span(None, "2026-03-01 00:00") == Span(at("2026-02-22"), at("2026-03-01"))


def test_windows_documented_as_less_than_seven_days_are_shorter_than_seven_days() -> None:
    plan = make_plan(ENDPOINTS_BY_NAME["exchange.rebates"], {}, "-21D", None, NOW)
    for window in plan.windows():
        assert window.end - window.start < 7 * DAY


@given(
    start=st.integers(0, 400 * DAY),
    length=st.integers(0, 400 * DAY),
    max_span=st.one_of(st.none(), st.integers(DAY // 24, 120 * DAY)),
)
def test_windows_cover_the_span_without_gap_or_overlap(start: int, length: int, max_span: int | None) -> None:
    first = at("2024-01-01") + start
    whole = Span(first, first + length)
    window = Window(
        max_span=None if max_span is None else timedelta(milliseconds=max_span), default=timedelta(days=1)
    )
    windows = list(Plan(replace(REBATES, window=window), {}, whole, {}).windows())
    assert windows[0].start == whole.start
    assert windows[-1].end == whole.end
    for before, after in pairwise(windows):
        assert after.start == before.end + 1
    for each in windows:
        assert each.start <= each.end
        assert max_span is None or each.end - each.start <= max_span
    assert sum(each.length for each in windows) == whole.length


@given(st.text(max_size=12))
def test_any_text_is_a_valid_time_or_rejected(text: str) -> None:
    usage_error = ""
    try:
        resolved = span(text)
    except UsageError as error:
        usage_error = str(error)
    if usage_error:
        assert "`start`" in usage_error
        assert "Nothing was sent" in usage_error
    else:
        assert resolved.start <= resolved.end == NOW


class Market(Enum):
    COIN = "cm"


def test_parameters_have_the_exchanges_names_and_values() -> None:
    plan = make_plan(ENDPOINTS_BY_NAME["exchange.futures_balances"], {"market": Market.COIN}, None, None, NOW)
    assert plan.parameters == {"futuresType": 2}
    plan = make_plan(
        ENDPOINTS_BY_NAME["exchange.api_keys"], {"sub_account_id": 367537027503425913}, None, None, NOW
    )
    assert plan.parameters == {"subAccountId": "367537027503425913"}


def test_private_arguments_are_hidden_in_the_display_arguments() -> None:
    plan = make_plan(ENDPOINTS_BY_NAME["spot.customers"], {"email": "a@example.com"}, None, None, NOW)
    assert plan.parameters == {"email": "a@example.com"}
    assert plan.display_arguments == {"email": "(hidden)"}


def test_an_unknown_argument_is_rejected_with_the_valid_ones() -> None:
    with pytest.raises(UsageError, match="no argument 'colour'; the arguments are customer_id"):
        make_plan(REBATES, {"colour": 1}, None, None, NOW)


WINDOWED = [endpoint for endpoint in ENDPOINTS if endpoint.window]


@pytest.mark.parametrize("endpoint", WINDOWED, ids=lambda endpoint: endpoint.qualified_name)
def test_the_default_span_is_one_window(endpoint: Endpoint) -> None:
    values = {"market": "um", "from_id": "1"}
    given_arguments = {
        p.name: values.get(p.name, p.example or "1")
        for p in endpoint.params
        if p.is_required and p.fixed is None
    }
    given_arguments |= {"from_id": "1"} if endpoint.at_least_one else {}
    assert len(list(make_plan(endpoint, given_arguments, None, None, NOW).windows())) == 1


@pytest.mark.parametrize(
    "text",
    [
        "today",
        "10:30",
        "01/02/2026",
        "2026-3-10",
        "20260310",
        "Mar 10 2026",
        "2026-03",
        "10:30:15.5",
        "-30",
        "-1e9",
    ],
)
def test_an_ambiguous_time_is_rejected(text: str) -> None:
    with pytest.raises(UsageError, match="`end`"):
        span("2026-03-01", text)


@pytest.mark.parametrize("text", ["-30000D", "-17000000D", "-99999999999D"])
def test_times_before_2010_are_rejected(text: str) -> None:
    with pytest.raises(UsageError, match="`start`"):
        span(text)


def test_a_numpy_date_as_end_includes_the_whole_day() -> None:
    assert span("2026-03-01", np.datetime64("2026-03-10")).end == at("2026-03-11") - 1
    assert span("2026-03-01", np.datetime64("2026-03-10T00:00")).end == at("2026-03-10")


def test_an_end_before_the_retention_is_rejected_by_its_name() -> None:
    with pytest.raises(UsageError, match=r"`end` .* is too early: the exchange keeps the last 7 days"):
        make_plan(ENDPOINTS_BY_NAME["spot.kickbacks"], {}, None, "-8D", NOW)


def test_numpy_scalars_are_accepted_by_reads() -> None:
    plan = make_plan(ENDPOINTS_BY_NAME["futures.overview"], {"market": np.int64(2)}, None, None, NOW)
    assert plan.parameters == {"type": 2}
    plan = make_plan(ENDPOINTS_BY_NAME["exchange.bnb_burn"], {"sub_account_id": np.int64(5)}, None, None, NOW)
    assert plan.parameters == {"subAccountId": "5"}
    given_arguments = {"from_id": "1", "show_all_status": np.bool_(True)}
    assert (
        make_plan(ENDPOINTS_BY_NAME["exchange.transfers"], given_arguments, None, None, NOW).parameters[
            "showAllStatus"
        ]
        is True
    )


def test_a_masked_key_is_rejected() -> None:
    with pytest.raises(UsageError, match="`api_key` is masked"):
        make_plan(
            ENDPOINTS_BY_NAME["exchange.ip_restriction"],
            {"sub_account_id": "1", "api_key": "Jvp***"},
            None,
            None,
            NOW,
        )


# -- values from frames and arrays -------------------------------------------------------------------

TRANSFER = WRITES_BY_NAME["exchange.transfer"]
COMMISSION = WRITES_BY_NAME["exchange.set_commission"]
RESTRICTION = WRITES_BY_NAME["exchange.set_ip_restriction"]
CUSTOMER = WRITES_BY_NAME["spot.set_customer_id"]


def encoded(endpoint: Endpoint, name: str, value: object) -> object:
    """The encoded value of one argument; no other argument is required."""
    param = next(param for param in endpoint.params if param.name == name)
    params = tuple(replace(each, required=False, required_by_client=False) for each in endpoint.params)
    relaxed = replace(endpoint, params=params, at_least_one=())
    plan = make_plan(relaxed, {name: value}, None, None, NOW)
    return plan.parameters[param.field]


def rejection(endpoint: Endpoint, name: str, value: object) -> str:
    with pytest.raises(UsageError) as caught:
        encoded(endpoint, name, value)
    message = str(caught.value)
    assert message.startswith(f"{endpoint.qualified_name}: `{name}` ")
    assert message.endswith("Nothing was sent.")
    return message


@pytest.mark.parametrize("amount", ["1" * 19, 10**18, Decimal(10**18), Decimal("1e18"), 1e18])
def test_nineteen_digits_before_the_decimal_point_are_rejected(amount: object) -> None:
    assert "more than 18 digits" in rejection(TRANSFER, "amount", amount)


@pytest.mark.parametrize("amount", ["9" * 18, 10**18 - 1, f"{'9' * 18}.{'9' * 18}"])
def test_eighteen_digits_are_accepted(amount: object) -> None:
    assert encoded(TRANSFER, "amount", amount) == Decimal(str(amount))


@pytest.mark.parametrize("rate", [-0.0, Decimal("-0"), Decimal("-0.00"), np.float64(-0.0)])
def test_negative_zero_is_encoded_as_zero(rate: object) -> None:
    assert not str(encoded(COMMISSION, "maker", rate)).startswith("-")


@pytest.mark.parametrize("digits", ["\u0661\u0662", "1\u0662", "1.\u0665", "\uff11"])
def test_digits_of_other_scripts_are_not_a_number(digits: str) -> None:
    assert "a number as text" in rejection(TRANSFER, "amount", digits)


@pytest.mark.parametrize(
    "text", ["\u0662\u0660\u0662\u0666-03-01", "2026-03-0\u0661 08:30", "-\u0663\u0660D", "-3\u0660D"]
)
def test_digits_of_other_scripts_are_not_a_time(text: str) -> None:
    with pytest.raises(UsageError, match="`start`"):
        span(text)


@pytest.mark.parametrize("blank", [" ", "\t", "\n", "\u00a0", "\u2009", "\u3000"])
@pytest.mark.parametrize(
    "endpoint", [CUSTOMER, ENDPOINTS_BY_NAME["spot.customers"]], ids=lambda each: each.qualified_name
)
def test_an_id_with_a_leading_or_trailing_space_is_rejected(endpoint: Endpoint, blank: str) -> None:
    for text in (f"{blank}Ab1", f"Ab1{blank}"):
        message = "leading or trailing space" if blank == " " else f"contains U+{ord(blank):04X} "
        assert message in rejection(endpoint, "customer_id", text)
    if blank != " ":
        rejection(endpoint, "customer_id", f"Ab{blank}1")
    assert encoded(endpoint, "customer_id", "Ab 1") == "Ab 1", "a space inside an id is allowed"


def test_an_error_about_a_private_argument_does_not_show_its_value() -> None:
    for value in (b"key-of-a-customer", ["key-of-a-customer"]):
        assert "key-of" not in rejection(RESTRICTION, "api_key", value)
    assert "key-of" not in rejection(RESTRICTION, "api_key", "key-of-a-customer ")


@pytest.mark.parametrize(
    ("endpoint", "name", "value", "sent"),
    [
        (CUSTOMER, "customer_id", np.str_("Ab1"), "Ab1"),
        (CUSTOMER, "customer_id", np.int64(7), "7"),
        (CUSTOMER, "email", np.str_("a@example.com"), "a@example.com"),
        (TRANSFER, "amount", np.int64(3), Decimal(3)),
        (TRANSFER, "amount", np.float64(0.25), Decimal("0.25")),
        (TRANSFER, "amount", np.str_("0.25"), Decimal("0.25")),
        (ENDPOINTS_BY_NAME["exchange.transfers"], "show_all_status", np.bool_(False), False),
    ],
)
def test_numpy_scalars_are_encoded_like_python_values(
    endpoint: Endpoint, name: str, value: object, sent: object
) -> None:
    result = encoded(endpoint, name, value)
    assert result == sent
    assert type(result) is type(sent)


@pytest.mark.parametrize("name", ["exchange.assets", "spot.customers", "spot.set_customer_id"])
def test_an_email_address_is_sent_in_small_letters(name: str) -> None:
    endpoint = ENDPOINTS_BY_NAME.get(name) or WRITES_BY_NAME[name]
    assert encoded(endpoint, "email", " First.Last+Tag@Example.COM ") == "first.last+tag@example.com"


EVERY_KIND = [
    (CUSTOMER, "customer_id"),
    (CUSTOMER, "email"),
    (TRANSFER, "amount"),
    (RESTRICTION, "addresses"),
    (RESTRICTION, "restriction"),
    (ENDPOINTS_BY_NAME["exchange.transfers"], "show_all_status"),
]


@pytest.mark.parametrize(
    ("endpoint", "name"), EVERY_KIND, ids=lambda each: getattr(each, "qualified_name", each)
)
@pytest.mark.parametrize("value", [pd.NA, pd.NaT, float("nan"), np.float64("nan")], ids=repr)
def test_a_missing_value_is_rejected(endpoint: Endpoint, name: str, value: object) -> None:
    assert "is a missing value" in rejection(endpoint, name, value)


@pytest.mark.parametrize(
    ("endpoint", "name"), EVERY_KIND, ids=lambda each: getattr(each, "qualified_name", each)
)
def test_arrow_scalars_and_arrays_are_rejected_with_the_conversion_to_use(
    endpoint: Endpoint, name: str
) -> None:
    for value in (pa.scalar("a@example.com"), pa.scalar(1), pa.scalar(None)):
        message = rejection(endpoint, name, value)
        assert ".as_py()" in message
        assert "example.com" not in message
    assert ".to_pylist()" in rejection(RESTRICTION, "addresses", pa.array(["192.0.2.7"]))


@pytest.mark.parametrize("time", [np.datetime64("2026-03-01T00:00:00.000000001"), np.timedelta64(5, "ns")])
def test_a_numpy_time_is_not_an_id(time: object) -> None:
    assert "must be text" in rejection(CUSTOMER, "customer_id", time)


TWO = ["192.0.2.9", "192.0.2.7"]


@pytest.mark.parametrize(
    "addresses",
    [
        TWO,
        tuple(TWO),
        pd.Series(TWO, index=[5, 3]),
        pd.Series(TWO, dtype="string[pyarrow]"),
        pd.Index(TWO),
        np.array(TWO),
        np.array(TWO, dtype=object),
        dict.fromkeys(TWO).keys(),
        (each for each in TWO),
        "192.0.2.9, 192.0.2.7",
    ],
    ids=lambda each: type(each).__name__,
)
def test_addresses_are_accepted_from_any_iterable_in_its_order(addresses: object) -> None:
    assert encoded(RESTRICTION, "addresses", addresses) == "192.0.2.9,192.0.2.7"


def test_addresses_may_be_a_set() -> None:
    assert set(str(encoded(RESTRICTION, "addresses", set(TWO))).split(",")) == set(TWO)


@pytest.mark.parametrize(
    "addresses",
    [
        {"192.0.2.7": 1},
        b"192.0.2.7",
        ip_network("192.0.2.0/30"),
        pd.DataFrame({"192.0.2.7": [1]}),
        pd.Series([], dtype=object),
        np.array("192.0.2.7"),
        iter(()),
        pd.Series(["192.0.2.7", None]),
        pd.Series(["192.0.2.7", pd.NA], dtype="string"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_anything_but_a_list_of_addresses_is_rejected(addresses: object) -> None:
    rejection(RESTRICTION, "addresses", addresses)


# -- symbols ---------------------------------------------------------------------------------------------

SYMBOLS = [
    (endpoint, param)
    for endpoint in (*ENDPOINTS, *WRITES)
    for param in endpoint.params
    if param.name in ("symbol", "symbols", "pair")
]


@pytest.mark.parametrize(
    ("endpoint", "param"), SYMBOLS, ids=lambda x: getattr(x, "qualified_name", getattr(x, "name", ""))
)
@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("btcusdt", ' Did you mean "BTCUSDT"?'),
        ("BTC/USDT", ' Did you mean "BTCUSDT"?'),
        ("BTC/USDT:USDT", ' Did you mean "BTCUSDT"?'),
        ("btcusdt_260327", ' Did you mean "BTCUSDT_260327"?'),
        ("/", ""),
    ],
)
def test_a_symbol_as_others_write_it_is_rejected_with_the_exchanges_spelling(
    endpoint: Endpoint, param: Param, text: str, meant: str
) -> None:
    with pytest.raises(UsageError) as caught:
        encode_value(endpoint, param, [text] if param.kind == "texts" else text)
    said = f"must be in capitals, without spaces or separators. Nothing was sent.{meant}"
    assert str(caught.value).endswith(said)


@pytest.mark.parametrize(
    "symbol", ["BTCUSDT", "1000PEPEUSDT", "BTCUSDT_260327", "BTCUSD_PERP", "币安人生USDT", "A.B-C"]
)
def test_a_symbol_as_the_exchange_writes_it_is_sent_as_it_is(symbol: str) -> None:
    klines = ENDPOINTS_BY_NAME["market.spot.klines"]
    assert encode_value(klines, klines.params[0], symbol) == symbol


@pytest.mark.parametrize("several", [["BTCUSDT", "ETHUSDT"], ("BTCUSDT",), pd.Series(["BTCUSDT", "ETHUSDT"])])
def test_a_list_in_place_of_a_symbol_is_rejected_with_what_takes_one(several: object) -> None:
    klines, prices = ENDPOINTS_BY_NAME["market.spot.klines"], ENDPOINTS_BY_NAME["market.spot.ticker_price"]
    with pytest.raises(UsageError, match=r"`symbol` must be text, not [^\\]* \(call once for each\)\."):
        encode_value(klines, klines.params[0], several)
    with pytest.raises(UsageError, match=r"not [^\\]* \(`symbols` takes a list\)\."):
        encode_value(prices, prices.params[0], several)
