"""The fast path gives what the strict path gives, or leaves a response to it."""

from __future__ import annotations

import json
import random
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hostile import NOW, StrictDecoder, documented
from tests.support.layouts import CANDLES, LAYOUTS, candle, column
from tests.support.rows import rebate
from toolkit.endpoints import ENDPOINTS_BY_NAME, Endpoint, Write
from toolkit.errors import ContractError, RowOrderError, ToolkitError
from toolkit.frames.builder import FrameBuilder, Numbers
from toolkit.frames.decoder import Decoder
from toolkit.frames.number_arrays import NumberArrayReader
from toolkit.frames.page import Page
from toolkit.frames.plain import Unusual
from toolkit.frames.shape import declared_shape
from toolkit.frames.validation import Query
from toolkit.transport.responses import RawResponse, parse_response

REBATES = ENDPOINTS_BY_NAME["exchange.rebates"]


def compact(payload: Any) -> bytes:
    """JSON as the exchange sends it."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


CASES: dict[str, tuple[Endpoint, bytes]] = {
    endpoint.qualified_name: (endpoint, compact(json.loads(body)))
    for endpoint, body in documented()
    if not isinstance(endpoint, Write)
} | {name: (endpoint, compact(payload)) for name, (endpoint, payload) in LAYOUTS.items()}


class FastDecoder(Decoder):
    """A decoder that counts the responses read on the fast path."""

    reads = 0

    def read(self, body: bytes) -> Page | None:
        page = super().read(body)
        self.reads += page is not None
        return page


Outcome = tuple[str, Any]


def page_of(decoder: Decoder, body: bytes) -> Page:
    endpoint = decoder.endpoint
    page, error = parse_response(
        endpoint.qualified_name, endpoint.path, RawResponse(200, {}, body), NOW, decoder=decoder
    )
    if error is not None:
        raise error
    assert isinstance(page, Page)
    return page


def outcome_of(decoder: Decoder, body: bytes, numbers: Numbers) -> Outcome:
    """The frame of a response, with what the windows ask of its page; or the error."""
    builder = FrameBuilder(decoder.endpoint, numbers)
    try:
        page = page_of(decoder, body)
        builder.add_page(page)
    except ToolkitError as error:
        return type(error).__name__, str(error)
    return "frame", (builder.frame({}), page.rows, page.times, page.first_time, page.last_time)


def assert_same(ours: Outcome, strict: Outcome) -> None:
    assert ours[0] == strict[0], (ours, strict)
    if ours[0] != "frame":
        assert ours == strict
        return
    assert ours[1][1:] == strict[1][1:]
    pd.testing.assert_frame_equal(ours[1][0], strict[1][0], check_exact=True)
    assert ours[1][0].attrs == strict[1][0].attrs


def check(endpoint: Endpoint, bodies: list[bytes], numbers: Numbers) -> int:
    """Compare both paths for some responses in turn, and return how many were read on the fast one."""
    fast = FastDecoder(endpoint, exact=numbers == "exact")
    for body in bodies:
        strict = StrictDecoder(endpoint, exact=numbers == "exact")
        assert_same(outcome_of(fast, body, numbers), outcome_of(strict, body, numbers))
    return fast.reads


# -- both paths --------------------------------------------------------------------------------------------

LEFT_TO_THE_STRICT_PATH = {
    "exchange.futures_transfers",  # its documented rows have different spellings of one field
    "market.spot.symbols",  # objects of a list are selected by a value
    "market.futures.symbols",
    "account.spot.info",  # they have objects or lists that no column uses
    "account.spot.balances",
    "account.wallet.futures_snapshots",
    "account.wallet.futures_position_snapshots",
    "account.futures.info",
    "account.futures.assets",
    "exchange.margin_account",
    "exchange.transaction_totals",
    "exchange.futures_account",  # the rows of each market are in a list of its own
    "exchange.futures_summary",
    "exchange.positions",
    "account.spot.commission",  # one of its objects is left out
    "account.wallet.coins",  # their texts have backslashes
    "account.wallet.networks",
}


@pytest.mark.parametrize("numbers", ["float", "exact"])
@pytest.mark.parametrize("name", CASES)
def test_a_documented_response_takes_the_fast_path_at_once_or_the_second_time(
    name: str, numbers: Numbers
) -> None:
    endpoint, body = CASES[name]
    reads = check(endpoint, [body, body, body], numbers)
    assert (reads == 0) if name in LEFT_TO_THE_STRICT_PATH else (reads >= 2)


ODD_VALUES = [
    None,
    True,
    False,
    0,
    -1,
    7,
    1.5,
    -0.0,
    1e-7,
    2**63,
    2**63 - 1,
    -(2**63),
    10**30,
    32_503_680_000_000,
    1_767_225_600_000,
    "",
    " 1",
    "1 ",
    "-",
    ".",
    ".5",
    "5.",
    "-.5",
    "+1",
    "-0",
    "-0.0",
    "007",
    "1e5",
    "1E-2",
    "1_0",
    "NaN",
    "inf",
    "0x1",
    "1" * 18,
    "1" * 19,
    "9" * 41,
    "0." + "1" * 18,
    "0." + "1" * 19,
    "0.1" + "0" * 20,
    "9" * 21,
    "\uff11",
    "é😀",
    "a\nb",
    'a"b',
    "a\\b",
    "\x7f",
    "2026-02-30 00:00:00",
    "2026-01-01",
    "1" * 401,
    "x" * 301,
    [],
    ["a"],
    [1],
    {},
    {"a": 1},
    {"code": -1003, "msg": "Too many."},
]
ODD_NAMES = ["new", "code", "msg", "success", "data", "0", "12", "*", "a.b", "é", "asset", "time", ""]

CODED = (column("code", "code", "integer"), column("msg", "msg", "text", optional=True))


def containers(payload: Any) -> list[Any]:
    """Every object and array in a payload, itself included."""
    found = [payload] if isinstance(payload, dict | list) else []
    for value in payload.values() if isinstance(payload, dict) else payload if found else ():
        found += containers(value)
    return found


def change(payload: Any, dice: random.Random) -> Any:
    """Change one place of a payload."""
    places = [each for each in containers(payload) if each]
    if not places:
        return deepcopy(dice.choice(ODD_VALUES))
    place = dice.choice(places)
    key: Any = dice.choice(list(place)) if isinstance(place, dict) else dice.randrange(len(place))
    action = dice.randrange(7)
    if action <= 2:
        place[key] = deepcopy(dice.choice(ODD_VALUES))
    elif action == 3:
        del place[key]
    elif action == 4 and isinstance(place, dict):
        place[dice.choice(ODD_NAMES)] = deepcopy(dice.choice(ODD_VALUES))
    elif action == 5 and isinstance(place, dict):
        place[dice.choice(ODD_NAMES)] = place.pop(key)
    elif isinstance(place, list):
        place.insert(dice.randrange(len(place) + 1), deepcopy(dice.choice(place)))
    else:
        items = list(place.items())
        dice.shuffle(items)
        place.clear()
        place.update(items)
    return payload


def twist(body: bytes, dice: random.Random) -> bytes:
    """Change the text of a body, if at all, so that it may be no JSON any more."""
    action = dice.randrange(12)
    at = dice.randrange(len(body) + 1)
    if action == 0:
        return body[:at]
    if action == 1:
        odd = dice.choice([b" ", b"\n", b"\t", b"\xef\xbb\xbf", b"\x00", b"\xff", b"0"])
        return body[:at] + odd + body[at:]
    if action == 2:
        return b"\xef\xbb\xbf" + body
    if action == 3:  # a field twice
        found = list(re.finditer(rb'("[^"]*"):(?:"[^"]*"|[-\d.]+)', body))
        if found:
            match = dice.choice(found)
            space = dice.choice([b"", b" "])
            return body[: match.end()] + b"," + match[1] + space + b":1" + body[match.end() :]
    if action == 4:
        return re.sub(rb'"(\d+(\.\d+)?)"', rb"\1", body, count=dice.choice([0, 1]))
    if action == 5:
        return re.sub(rb"([\[:,])(\d+(\.\d+)?)", rb'\1"\2"', body, count=dice.choice([0, 1]))
    if action == 6:
        return json.dumps(json.loads(body), indent=dice.choice([None, 1])).encode()
    if action == 7:
        return re.sub(rb'"([a-z])', rb'"\\u00\g<0>', body, count=1)
    if action == 8:
        return re.sub(rb"([\[:,])(\d)", dice.choice([rb"\g<1>0\2", rb"\1-\2", rb"\1-0\2"]), body, count=1)
    return body


def mutations(endpoint: Endpoint, body: bytes, seed: int) -> list[bytes]:
    """The response, then several that differ from it more and more, then it again."""
    dice = random.Random(seed)
    bodies, payload = [body], json.loads(body)
    for _ in range(dice.randrange(1, 4)):
        for _ in range(dice.choice([0, 1, 1, 2])):
            payload = change(payload, dice)
        bodies.append(twist(compact(payload), dice))
        bodies.append(bodies[-1])
    return [*bodies, body]


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(sorted(CASES)), st.integers(0, 2**32), st.sampled_from(["float", "exact"]))
def test_both_paths_give_the_same_for_changed_responses(name: str, seed: int, numbers: Numbers) -> None:
    endpoint, body = CASES[name]
    check(endpoint, mutations(endpoint, body, seed), numbers)


# -- what the fast path must not accept --------------------------------------------------------------------


def rebates_of(*rows: dict[str, Any]) -> bytes:
    return compact(list(rows))


REBATE = rebate(1, 1_767_225_600_000) | {"subaccountId": "1"}
ONE = rebates_of(REBATE)
INCOME = [column.name for column in REBATES.columns].index("income")

REFUSED = {
    "ids as numbers and texts": rebates_of(REBATE, REBATE | {"tradeId": "007"}),
    "a field twice": ONE.replace(b'"status":1', b'"status":1,"status":1'),
    "a field twice, with a space": ONE.replace(b'"status":1', b'"status":1,"status" :1'),
    "an escape in a name": ONE.replace(b'"status"', b'"\\u0073tatus"'),
    "an escape in a value": ONE.replace(b'"USDT"', b'"USD\\u0054"'),
    "an exponent": ONE.replace(b'"1.5"', b'"1.5e2"'),
    "a sign": ONE.replace(b'"1.5"', b'"+1.5"'),
    "nothing before the point": ONE.replace(b'"1.5"', b'".5"'),
    "no amount": ONE.replace(b'"1.5"', b'""'),
    "an amount as a number": ONE.replace(b'"1.5"', b"1.5"),
    "a number of 41 digits": ONE.replace(b'"1.5"', b'"' + b"1" * 41 + b'"'),
    "a text of 400 digits": ONE.replace(b"BTCUSDT", b"1" * 900),
    "null": ONE.replace(b'"BTCUSDT"', b"null"),
    "an id that is no text nor number": ONE.replace(b'"subaccountId":"1"', b'"subaccountId":1.0'),
    "a large number": ONE.replace(b'"status":1', b'"status":%d' % 2**64),
    "a time before 1970": ONE.replace(b"1767225600000", b"-1"),
    "a missing field": ONE.replace(b',"status":1', b""),
    "an undeclared field": ONE.replace(b'"status":1', b'"status":1,"new":1'),
    "a byte order mark": b"\xef\xbb\xbf" + ONE,
    "no UTF-8": ONE.replace(b"USDT", b"\xff"),
    "cut off": ONE[:-1],
    "two values": ONE + b"[]",
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_unusual_response_is_left_to_the_strict_path(name: str) -> None:
    assert REFUSED[name] != ONE
    assert Decoder(REBATES).read(ONE) is not None
    assert Decoder(REBATES).read(REFUSED[name]) is None
    check(REBATES, [ONE, REFUSED[name]], "float")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "no UTF-8 in the first row",
            ONE.replace(b'"status":1', b'"status":1,"new":"x"'),
            (b'"x"', b'"\xff"'),
        ),
        ("no UTF-8 around the rows", CASES["nested"][1], (b'"msg":""', b'"msg":"\xff"')),
        ("lists in the first row", ONE.replace(b'"status":1', b'"status":1,"new":"x"'), (b'"x"', b"[[[]]]")),
    ],
)
def test_a_value_that_no_column_has_is_judged_by_the_strict_path(
    name: str, good: bytes, bad: tuple[bytes, bytes]
) -> None:
    endpoint = CASES["nested"][0] if "around" in name else REBATES
    broken = good.replace(*bad)
    assert broken != good
    assert check(endpoint, [good, good, broken], "float") >= 1


def test_a_list_of_long_texts_is_left_to_the_strict_path() -> None:
    lists = replace(LAYOUTS["named"][0], row_layout="objects", columns=(column("all", "all", "texts"),))
    bodies = [compact([{"all": ["1" * 300]}]), compact([{"all": ["1" * 900]}])]
    assert check(lists, bodies, "float") == 1


@pytest.mark.parametrize("digits", [20, 21, 24, 26, 33, 40])
@pytest.mark.parametrize("form", ["{}", "{}.2772681", "-{}.5"])
def test_an_exact_amount_with_too_many_digits_is_refused(form: str, digits: int) -> None:
    """Arrow returns another number for some of them."""
    for whole in (
        "9" * digits,
        "2137595018422756595135600000000000000000"[:digits],
        "1" + "0" * (digits - 1),
    ):
        text = form.format(whole)
        body = rebates_of(REBATE | {"income": text})
        check(REBATES, [body], "exact")
        page = Decoder(REBATES, exact=True).read(body)
        assert page is None or digits == 20
        if page is not None:
            builder = FrameBuilder(REBATES, "exact")
            builder.add_page(page)
            assert builder.frame({})["income"].tolist() == [Decimal(text)]


def test_a_whole_number_below_zero_that_is_zero_has_no_sign() -> None:
    endpoint, body = CASES["numbers and texts"]
    signed = body.replace(b'"rate":2', b'"rate":-0')
    assert signed != body
    decoder = Decoder(endpoint)
    page_of(decoder, body)
    assert decoder.read(body) is not None
    assert decoder.read(signed) is None
    assert str(page_of(decoder, signed).columns[0][1]) == "0"


CANDLE = compact([candle(number) for number in range(3)])

REFUSED_CANDLES = {
    "an item more in one row": CANDLE.replace(b'"0"],', b'"0","0"],', 1),
    "an item less in one row": CANDLE.replace(b',"0"],', b"],", 1),
    "an array in a row": CANDLE.replace(b'"0"],', b"[0]],", 1),
    "a time as text": CANDLE.replace(b"[1767225600000", b'["1767225600000"', 1),
    "an amount as a number": re.sub(rb'"(\d+\.\d+)"', rb"\1", CANDLE, count=1),
    "a leading zero": CANDLE.replace(b"[1767225600000", b"[01767225600000", 1),
    "a fraction of a trade": CANDLE.replace(b",1,", b",1.0,", 1),
    "two points": CANDLE.replace(b'"42000.', b'"4.2000.', 1),
    "no digit before the point": CANDLE.replace(b'"42000.', b'".', 1),
    "a letter": CANDLE.replace(b'"42000.', b'"4e2.', 1),
    "nothing in an ignored item": CANDLE.replace(b'"0"]', b'""]', 1),
    "a digit outside of the quotation marks": CANDLE.replace(b'"42001.00000000"', b'"42001.0000000"0', 1),
    "a digit between two rows": CANDLE.replace(b"],[", b"]7,[", 1),
    "a digit before a row": CANDLE.replace(b"],[", b"],7[", 1),
    "a digit after all rows": CANDLE + b"7",
    "a minus sign": CANDLE.replace(b'"42000.', b'"-42000.', 1),
    "white space": CANDLE.replace(b"],[", b"], [", 1),
    "a slash": CANDLE.replace(b'"42000.', b'"42/00.', 1),
    "a quotation mark elsewhere": CANDLE.replace(b'"42000.', b'4"2000.', 1),
}


@pytest.mark.parametrize("name", REFUSED_CANDLES)
def test_unusual_candles_are_left_to_another_path(name: str) -> None:
    body = REFUSED_CANDLES[name]
    assert body != CANDLE
    reader = NumberArrayReader(CANDLES, declared_shape(CANDLES), exact=False)
    assert reader.read(CANDLE).rows == 3
    with pytest.raises(Unusual):
        reader.read(body)
    check(CANDLES, [CANDLE, body], "float")


def test_an_ignored_item_of_candles_may_be_a_text_or_a_number() -> None:
    """No page may be needed to find out, as the slower path that takes both would go on with them."""
    reader = NumberArrayReader(CANDLES, declared_shape(CANDLES), exact=False)
    for body in (CANDLE, CANDLE.replace(b'"0"]', b"0]"), CANDLE):
        assert reader.read(body).rows == 3
        check(CANDLES, [body], "float")
    with pytest.raises(Unusual):
        reader.read(CANDLE.replace(b'"0"]', b"0]", 1))


@pytest.mark.parametrize("numbers", ["float", "exact"])
def test_amounts_of_many_digits_are_as_exact_as_a_float(numbers: Numbers) -> None:
    rows = [candle(number) for number in range(40)]
    for number, row in enumerate(rows):
        row[7] = f"{71_234_567 * (number + 1)}.{number * 2_345_679:08d}"
    body = compact(rows)
    assert NumberArrayReader(CANDLES, declared_shape(CANDLES), exact=numbers == "exact").read(body).rows == 40
    check(CANDLES, [body], numbers)


# -- what the strict path has shown ------------------------------------------------------------------------


def test_an_undeclared_field_costs_the_fast_path_one_page() -> None:
    decoder = Decoder(REBATES)
    new = [rebates_of(REBATE | {"new": number, "other": "x"}) for number in range(3)]
    assert decoder.read(new[0]) is None
    assert decoder.decode(json.loads(new[0])).undeclared == {"new", "other"}
    for body in new[1:]:
        page = decoder.read(body)
        assert page is not None
        assert page.undeclared == {"new", "other"}
    page = decoder.read(ONE)
    assert page is not None, "it may be left out again"
    assert not page.undeclared
    assert decoder.read(rebates_of(REBATE | {"third": 1})) is None


def test_threads_that_learn_at_once_do_not_lose_the_fast_path() -> None:
    new = rebates_of(REBATE | {"new": 1})
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            decoder = Decoder(REBATES)
            with ThreadPoolExecutor(8) as threads:
                for _ in range(16):
                    threads.submit(page_of, decoder, new)
            assert decoder.read(new) is not None
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize("value", [{"a": 1, "b": [2]}, [1, 2], "1" * 301, 1e30])
def test_an_undeclared_field_with_an_unusual_value_is_left_to_the_strict_path(value: Any) -> None:
    decoder = Decoder(REBATES)
    decoder.decode([REBATE | {"new": 1}])
    assert decoder.read(rebates_of(REBATE | {"new": value})) is None


@pytest.mark.parametrize(
    "name", ["a.b", "a[].b", "a[]", "", "*", 'a"b', "a\\b", "a\nb", "a\x00b", "a\u2028b"]
)
def test_an_undeclared_field_may_have_any_name(name: str) -> None:
    new = compact([REBATE | {name: 1}])
    reads = check(REBATES, [new, new, ONE, compact([REBATE | {"a": {"b": 1}}]), ONE], "float")
    assert reads >= 2, "the other responses are still read on the fast path"


def test_a_field_with_a_point_in_its_name_is_no_field_of_an_object() -> None:
    endpoint, payload = LAYOUTS["nested"]
    inner, dotted = deepcopy(payload), deepcopy(payload)
    inner["snapshotVos"][0]["data"]["new"] = 1
    dotted["snapshotVos"][0]["data.new"] = dotted["snapshotVos"][0]["other.new"] = 1
    assert check(endpoint, [compact(each) for each in (dotted, inner, dotted, inner, payload)], "float") >= 2


def test_a_server_that_always_sends_other_fields_does_not_make_the_decoder_grow() -> None:
    decoder = Decoder(REBATES)
    for number in range(300):
        decoder.decode([REBATE | {f"new{number}": 1}])
    assert len(decoder._shape.extra) <= 50


# -- errors with HTTP 200 ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b'{"code":-1003,"msg":"Too many requests."}',
        b'{"success":false,"transfers":[]}',
        b'{"success":false,"futuresType":1,"transfers":[]}',
        b'[{"code":-1,"msg":"x"}]',
        b'{"status":"ERROR","type":"GENERAL","code":"-1003","msg":"x","data":{"page":1,"data":[]}}',
        b'{"status":"ERROR","type":"GENERAL","code":"-1003","message":"x"}',
        b'{"code":500,"msg":"","snapshotVos":[]}',
    ],
)
@pytest.mark.parametrize(
    "name",
    [*LAYOUTS, "exchange.futures_transfers", "exchange.api_keys", "account.wallet.spot_snapshots"],
)
def test_an_error_is_recognised_as_on_the_strict_path(name: str, body: bytes) -> None:
    endpoint, good = CASES[name]
    check(endpoint, [good, body, good], "float")


def test_a_row_that_is_an_error_is_not_a_row() -> None:
    coded = replace(LAYOUTS["named"][0], row_layout="objects", columns=CODED)
    check(coded, [b'[{"code":1,"msg":"x"}]', b'[{"code":-1,"msg":"x"}]', b'{"code":-1,"msg":"x"}'], "float")
    with pytest.raises(ToolkitError):
        page_of(Decoder(coded), b'[{"code":-1,"msg":"x"}]')


# -- pages of both paths in one frame ----------------------------------------------------------------------


def pages(count: int, size: int, a_moment: int) -> list[list[dict[str, Any]]]:
    """Rows of which so many have the same time, in overlapping pages."""
    rows = [rebate(number, 1_767_225_600_000 + number // a_moment) for number in range(count)]
    return [rows[max(0, start - size // 2) : start + size] for start in range(0, count, size)]


@given(st.lists(st.booleans(), min_size=6, max_size=6), st.sampled_from([1, 3, 7, 100]), st.booleans())
def test_repeated_rows_are_found_among_pages_of_both_paths(
    fast: list[bool], a_moment: int, new: bool
) -> None:
    decoder, builder = Decoder(REBATES), FrameBuilder(REBATES, "float")
    for is_fast, rows in zip(fast, pages(60, 10, a_moment), strict=True):
        page = decoder.read(compact(rows)) if is_fast else decoder.decode(rows)
        assert page is not None
        builder.add_page(page)
        if new:
            builder.begin_window()
    assert builder.frame({})["trade_id"].tolist() == [str(2**55 + number) for number in range(60)]


def test_a_repeated_page_is_found_although_others_came_between() -> None:
    decoder, builder = Decoder(REBATES), FrameBuilder(REBATES, "float")
    bodies = [compact(rows) for rows in pages(60, 10, 4)]
    for body in bodies:
        page = decoder.read(body)
        assert page is not None
        builder.add_page(page)
    before = builder.rows
    page = decoder.read(bodies[1])
    assert page is not None
    builder.add_page(page)
    assert builder.rows == before


def test_rows_equal_in_one_page_are_all_kept() -> None:
    kickbacks, row = ENDPOINTS_BY_NAME["spot.kickbacks"], {"income": "0.1", "asset": "BTC", "symbol": "S"}
    decoder, builder = Decoder(kickbacks), FrameBuilder(kickbacks, "float")
    for _ in range(2):
        page = decoder.read(
            compact([row | {"time": 5}, row | {"time": 5}, row | {"time": 6, "income": "0.10"}])
        )
        assert page is not None
        builder.add_page(page)
    assert builder.frame({})["time"].astype("int64").tolist() == [5, 5, 6]
    page = decoder.read(compact([row | {"time": 6, "income": "0.1"}]))
    assert page is not None
    builder.add_page(page)
    assert builder.rows == 4, "an amount that is written otherwise is another row"


@pytest.mark.parametrize(("received", "shown"), [("1", "1"), (1, "1"), (0, "0")])
def test_rows_that_do_not_match_are_refused_with_the_same_words(received: Any, shown: str) -> None:
    query = Query(REBATES, {"subAccountId": "2"})
    texts = []
    body = rebates_of(REBATE | {"subaccountId": received})
    for page in (Decoder(REBATES).read(body), Decoder(REBATES).decode(json.loads(body))):
        builder = FrameBuilder(REBATES, "float", query=query)
        assert page is not None
        with pytest.raises(ContractError, match=f"_id` '{shown}', but '2' was requested") as caught:
            builder.add_page(page)
        texts.append(str(caught.value))
        with pytest.raises(ContractError, match="row 0 has the time 2026"):
            FrameBuilder(REBATES, "float", query=Query(REBATES, {})).add_page(page, (0, 1))
    assert texts[0] == texts[1]


def test_rows_out_of_order_are_refused_with_the_same_words() -> None:
    rows = [rebate(number, 1_767_225_600_000 - number) for number in range(2)]
    texts = []
    for page in (Decoder(REBATES).read(compact(rows)), Decoder(REBATES).decode(rows)):
        assert page is not None
        with pytest.raises(RowOrderError) as caught:
            FrameBuilder(REBATES, "float").add_page(page)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


# -- layouts -----------------------------------------------------------------------------------------------


def frame_of(name: str) -> pd.DataFrame:
    """The frame of a layout's response, on the strict path."""
    endpoint, payload = LAYOUTS[name]
    builder = FrameBuilder(endpoint, "float")
    builder.add(payload)
    return builder.frame({})


def test_each_object_of_a_nested_list_is_a_row_with_the_fields_around_it() -> None:
    frame = frame_of("nested")
    assert frame["type"].tolist() == ["spot", "spot", "futures"], "an empty list gives no row"
    assert frame["total"].tolist() == [0.1, 0.1, 0.3]
    assert frame["asset"].tolist() == ["BTC", "ETH", "BNB"]
    assert frame["free"].tolist() == [1, 2.5, 3]
    assert frame.attrs["undeclared"] == []


def test_named_objects_have_their_name_in_a_column() -> None:
    assert frame_of("named")["asset"].tolist() == ["BTC", "ETH"]
    assert frame_of("named in a field")["asset"].tolist() == ["BTC", "ETH"]


def test_rows_in_two_objects_have_the_fields_of_both() -> None:
    frame = frame_of("rows in two objects")
    assert frame["page"].tolist() == [1, 1]
    assert frame.attrs["undeclared"] == []


def test_items_of_arrays_are_columns_by_position() -> None:
    frame = frame_of("arrays with texts")
    assert frame.to_dict("list") == {"price": [0.5, 0.25], "side": ["BUY", "SELL"], "id": ["7", "8"]}
    assert frame_of("candles").attrs["undeclared"] == []


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("seconds", [1_767_225_600_000, 1_767_225_600_000]),
        ("microseconds", [1_767_225_600_000, 1_767_225_600_001]),
        ("times as text", [1_767_225_599_000, 1_767_225_600_123]),
    ],
)
def test_times_of_any_unit_are_milliseconds_and_never_later(name: str, times: list[int]) -> None:
    frame = frame_of(name)
    assert str(frame["time"].dtype) == "datetime64[ms, UTC]"
    assert frame["time"].astype("int64").tolist() == times
    endpoint, payload = LAYOUTS[name]
    assert Decoder(endpoint).decode(payload).times == times


@pytest.mark.parametrize("times", [[1_767_225_600_000, 0], [0, 0], [0, -1], [-1, 1_767_225_600_000]])
def test_what_never_happened_has_no_time(times: list[int]) -> None:
    endpoint = ENDPOINTS_BY_NAME["account.futures.positions"]
    body = CASES[endpoint.qualified_name][1]
    (position, *_) = json.loads(body)
    rows = [{**position, "symbol": f"A{at}USDT", "updateTime": time} for at, time in enumerate(times)]
    pages = [page for page in (Decoder(endpoint).read(compact(rows)), Decoder(endpoint).decode(rows)) if page]
    assert len(pages) == 1 + (-1 not in times), "a time before 1970 is left to the strict path"
    for page in pages:
        builder = FrameBuilder(endpoint, "float")
        builder.add_page(page)
        times_of = builder.frame({"complete": True})["update_time"]
        assert times_of.isna().tolist() == [time <= 0 for time in times]
        assert times_of.dropna().dt.year.eq(2026).all()


@pytest.mark.parametrize(
    ("name", "payload", "problem"),
    [
        ("candles", {"a": 1}, "the response is not a list of rows"),
        ("candles", [{"0": 1}], "row 0 is not a list"),
        ("candles", [[1]], "row 0 has no field '1'"),
        ("named", [], "the response is not an object of rows"),
        ("named", {"BTC": 1}, "row 0 is not an object"),
        ("named in a field", {"data": {"all": []}}, "no object of rows named 'data.all'"),
        ("named in a field", {"data": 1}, "no object of rows named 'data.all'"),
        ("rows in two objects", {"data": []}, "no list of rows named 'data.data'"),
        ("nested", {"snapshotVos": [{"data": []}]}, "row 0: 'data' is not an object"),
        ("nested", {"snapshotVos": [{"data": {"balances": 1}}]}, "row 0: 'data.balances' is not a list of"),
        ("nested", {"snapshotVos": [{"data": {"balances": [1]}}]}, "row 0: 'data.balances' is not a list of"),
        (
            "nested",
            {"snapshotVos": [{"type": "x", "updateTime": 1, "data": {"total": "1"}}]},
            "row 0 has no field 'data.balances\\[\\].asset'",
        ),
        ("seconds", [{"id": 1, "time": 1_767_225_600_000}], "`time`: a number is not a time in seconds"),
        ("seconds", [{"id": 1, "time": "1"}], "`time`: text is not a time in seconds"),
        ("microseconds", [{"id": 1, "time": -1}], "`time`: a number is not a time in microseconds"),
        ("times as text", [{"id": 1, "time": "2026-02-30 00:00:00"}], "`time`: text is not a time such as"),
        ("times as text", [{"id": 1, "time": 0}], "`time`: a number is not a time such as"),
        ("times as text", [{"id": 1, "time": ""}], "`time`: a value is missing"),
    ],
)
def test_a_response_of_another_layout_is_refused_with_the_reason(
    name: str, payload: Any, problem: str
) -> None:
    endpoint, _ = LAYOUTS[name]
    builder = FrameBuilder(endpoint, "float")
    with pytest.raises(ContractError, match=problem):
        builder.add(payload)
    check(endpoint, [compact(payload)], "float")


def test_undeclared_fields_of_nested_objects_are_named_by_their_path() -> None:
    endpoint, payload = LAYOUTS["nested"][0], deepcopy(LAYOUTS["nested"][1])
    payload["snapshotVos"][0]["data"]["new"] = 1
    payload["snapshotVos"][0]["data"]["balances"][1]["newer"] = 1
    payload["newest"] = 1
    builder = FrameBuilder(endpoint, "float")
    builder.add(payload)
    assert builder.undeclared == {"data.new", "data.balances[].newer", "newest"}
    check(endpoint, [compact(payload)] * 2, "float")


def test_an_api_key_that_is_a_number_is_masked() -> None:
    columns = (column("key", "k", "id", masked="key"),)
    keys = replace(LAYOUTS["named"][0], row_layout="objects", columns=columns)
    for page in (Decoder(keys).decode([{"k": 123_456_789}]), Decoder(keys).read(b'[{"k":123456789}]')):
        assert page is not None
        builder = FrameBuilder(keys, "float")
        builder.add_page(page)
        assert "456789" not in builder.frame({})["key"][0]
