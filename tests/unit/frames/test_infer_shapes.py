"""`link.get`: responses of many shapes, with the columns they become.

T is text, M a time, A an amount, I an integer, F a flag, L a list of texts.
"""

# ruff: noqa: E501 - a shape a line

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from toolkit.endpoints import SAPI_IP
from toolkit.errors import ContractError, UsageError
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.infer import infer
from toolkit.frames.infer_rows import is_one_object
from toolkit.redaction import Emails
from toolkit.transport.strict_json import loads

DTYPES = {
    "T": pd.StringDtype(),
    "M": pd.DatetimeTZDtype("ms", "UTC"),
    "A": "float64",
    "I": pd.Int64Dtype(),
    "F": pd.BooleanDtype(),
    "L": "object",
}
KLINE = '[1499040000000,"0.01","0.8","0.01","0.01","148.1",1499644799999,"2434.1",308,"1756.8","28.4","0"]'
KLINE_COLUMNS = [
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "trades",
]
KLINE_COLUMNS += ["taker_base", "taker_quote", "ignore"]
DEPTH = '{"lastUpdateId":1,"bids":[["4.0","431"]],"asks":[["4.1","12"],["4.2","9"]]}'
SNAPSHOT = (
    '{"code":200,"msg":"","snapshotVos":[{"data":{"balances":[{"asset":"BTC","free":"0.1"},{"asset":"ETH",'
    '"free":"2"}],"totalAssetOfBtc":"0.2"},"type":"spot","updateTime":1576281599000}]}'
)
COINS = '[{"coin":"BTC","free":"1","networkList":[{"network":"BTC","withdrawFee":"0.1"},{"network":"BSC"}]},'
COINS += '{"coin":"XYZ","free":"2","networkList":[]}]'

SHAPES: dict[str, tuple[str, dict[str, Any], str, int]] = {
    # names decide first
    "ids as numbers": ('{"orderId":1,"txId":2,"uid":3,"orderListId":-1,"tradeNo":9}', {}, "order_id:T tx_id:T uid:T order_list_id:T trade_no:T", 1),
    "ids beyond 64 bits": ('[{"id":1},{"id":123456789012345678901234567890}]', {}, "id:T", 2),
    "codes and states": ('{"code":200,"status":0,"type":1,"side":"1","mode":2}', {}, "code:T status:T type:T side:T mode:T", 1),
    "tags and hashes": ('{"addressTag":"101764890","txHash":12,"tag":"7","memo":"1.5"}', {}, "address_tag:T tx_hash:T tag:T memo:T", 1),
    "an asset called 4": ('[{"asset":"4","netAsset":"4"},{"asset":"BTC","netAsset":"0.5"}]', {}, "asset:T net_asset:A", 2),
    "client ids": ('{"clientOrderId":"123","clientTranId":""}', {}, "client_order_id:T client_tran_id:T", 1),
    "parties": ('{"from":"","to":"2"}', {}, "from:T to:T", 1),
    "confirmations are a count": ('{"confirmNo":3,"confirmTimes":"1/1"}', {}, "confirm_no:I confirm_times:T", 1),
    "pages are a count": ('{"pageNo":1,"bizNo":2}', {}, "page_no:I biz_no:T", 1),
    "flags stay flags": ('{"status":true,"updateTime":false,"code":true,"withdrawTag":false}', {}, "status:F update_time:F code:F withdraw_tag:F", 1),
    "lower case": ('{"txid":1,"orderid":2,"apikey":"abc***"}', {}, "txid:T orderid:T apikey:T", 1),
    "numbered things": ('{"orderNumber":"20219644","pageNumber":2}', {}, "order_number:T page_number:I", 1),
    "aggregate trades": ('[{"a":1,"p":"0.1","q":"2","f":3,"l":4,"T":1498793709153,"m":true,"M":false}]', {}, "a:T p:A q:A f:T l:T t:M m:F m_2:F", 1),
    "the same letters elsewhere": ('{"a":1,"l":"2.5"}', {}, "a:I l:A", 1),
    # times
    "times in every unit": ('{"aTime":1544433328,"bTime":1544433328000,"cTime":1544433328000000,"dTime":1544433328000000000}', {}, "a_time:M b_time:M c_time:M d_time:M", 1),
    "times as digits": ('[{"timestamp":"1585614900000"},{"timestamp":"0"}]', {}, "timestamp:M", 2),
    "times as text": ('{"applyTime":"2019-10-12 11:12:02","completeTime":""}', {}, "apply_time:M complete_time:M", 1),
    "other texts for times": ('{"createdAt":"2019-10-12T11:12:02.5Z","signDate":"2019-10-12","endTime":"2019-10-12 19:12:02+08:00"}', {}, "created_at:M sign_date:M end_time:M", 1),
    "times by many names": ('{"T":1,"E":0,"timeStamp":-1,"createdAt":"","lastUpdated":1,"ts":0,"startTimeMs":0,"date":1676851200000}', {}, "t:M e:M time_stamp:M created_at:M last_updated:M ts:M start_time_ms:M date:M", 1),
    "a month is no time": ('[{"deliveryDate":"2023-09"},{"deliveryDate":"2023-09-01"}]', {}, "delivery_date:T", 2),
    "a duration is no time": ('{"estimatedArrivalTime":25,"countdownTime":"100","timeInForce":"GTC"}', {}, "estimated_arrival_time:I countdown_time:A time_in_force:T", 1),
    "times and words": ('[{"time":1},{"time":"never"}]', {}, "time:T", 2),
    "missing times only": ('[{"updateTime":0},{"updateTime":-1},{"updateTime":null}]', {}, "update_time:M", 3),
    "no time at all": ('{"time":null}', {}, "time:M", 1),
    "a time without a name": ('{"v":1676851200000,"w":"2019-10-12 11:12:02"}', {}, "v:I w:T", 1),
    "dates as digits": ('{"tradeDate":20260131,"reportDate":"20260131"}', {}, "trade_date:M report_date:M", 1),
    # amounts
    "amounts": ('[{"v":"0"},{"v":"0.5"},{"v":"12"},{"v":""}]', {}, "v:A", 4),
    "amounts as numbers": ('[{"v":0},{"v":0.5},{"v":"1e-8"}]', {}, "v:A", 3),
    "missing amounts only": ('{"basisRate":"","remarkText":""}', {}, "basis_rate:A remark_text:T", 1),
    "whole numbers": ('[{"count":1},{"count":null},{"count":""}]', {}, "count:I", 3),
    "long digits": ('{"v":"1234567890123456","w":"007","x":12345678901234567890}', {}, "v:T w:T x:T", 1),
    "many decimals": ('{"v":"0.0000000000000000001","w":"9999999999.99999999"}', {}, "v:A w:A", 1),
    "numbers and words": ('[{"v":"1.5"},{"v":"n/a"}]', {}, "v:T", 2),
    "nothing": ('{"v":null,"qty":null}', {}, "v:T qty:A", 1),
    # wrappers
    "code and data": ('{"code":"000000","data":{"rows":[{"id":1,"qty":"2"}],"total":1}}', {}, "code:T total:I id:T qty:A", 1),
    "code, message and data": ('{"code":"000000","message":null,"data":{"userId":"e1"},"success":true}', {}, "code:T message:T success:F user_id:T", 1),
    "success and a list": ('{"success":true,"data":[{"id":1},{"id":2}]}', {}, "success:F id:T", 2),
    "total and rows": ('{"total":2,"rows":[{"amount":"1"},{"amount":"2"}]}', {}, "total:I amount:A", 2),
    "deep wrappers": ('{"result":{"data":{"page":{"list":[{"v":"1"}]}}}}', {}, "v:A", 1),
    "a wrapper by any name": ('{"futureAccountResp":{"feeTier":2,"assets":[{"asset":"USDT"}]}}', {}, "fee_tier:I asset:T", 1),
    "equal names": ('{"status":"OK","type":"GENERAL","data":{"data":[{"type":1}]}}', {}, "status:T outer_type:T type:T", 1),
    "no rows": ('{"code":"0","data":{"rows":[],"total":0}}', {}, "code:T total:I", 0),
    "no rows under any name": ('{"positionVos":[]}', {}, "", 0),
    "a flag as data": ('{"code":"0","data":true}', {}, "code:T data:F", 1),
    # nested objects
    "nested objects": ('{"symbol":"X","fees":{"maker":"0.1","taker":"0.2"},"limits":{"day":{"max":5}}}', {}, "symbol:T fees_maker:A fees_taker:A limits_day_max:I", 1),
    "nested in some rows": ('[{"v":{"time":1}},{"v":null},{"v":{}}]', {}, "v_time:M", 3),
    "objects and other values": ('[{"v":{"x":1}},{"v":2}]', {}, "v:T", 2),
    "names that meet": ('{"aB":1,"a":{"b":2},"a_b":3,"x":0}', {}, "a_b:I a_b_2:I a_b_3:I x:I", 1),
    "an empty object": ('{"v":{},"x":1}', {}, "v:T x:I", 1),
    "lists within rows": (COINS, {}, "coin:T free:A network_list:T", 2),
    "lists within an only list": (SNAPSHOT, {}, "code:T msg:T data_balances:T data_total_asset_of_btc:A type:T update_time:M", 1),
    "lists of texts": ('{"balances":[{"asset":"BTC"}],"permissions":["SPOT"]}', {}, "permissions:L asset:T", 1),
    # several lists
    "one of two lists": ('{"fee":1,"assets":[{"asset":"A"}],"positions":[{"symbol":"B"},{"symbol":"C"}]}', {"rows": "positions"}, "fee:I symbol:T", 2),
    "an empty one": ('{"fee":1,"assets":[],"positions":[{"symbol":"B"}]}', {"rows": "assets"}, "fee:I", 0),
    "by the end of its path": ('{"code":0,"x":{"assets":[{"v":1}]},"y":[{"w":2}]}', {"rows": "assets"}, "code:T v:I", 1),
    "through a list": (SNAPSHOT, {"rows": "snapshotVos.data.balances"}, "code:T msg:T type:T update_time:M total_asset_of_btc:A asset:T free:A", 2),
    "through rows": (COINS, {"rows": "networkList"}, "coin:T free:A network:T withdraw_fee:A", 2),
    "an object": ('{"x":{"v":1},"y":{"w":2}}', {"rows": "y"}, "x_v:I w:I", 1),
    # objects of objects
    "named objects": ('{"BTC":{"free":"1"},"ETH":{"free":"2","locked":"0"}}', {}, "name:T free:A locked:A", 2),
    "one named object": ('{"BTCUSDT":{"price":"1"}}', {}, "name:T price:A", 1),
    "named in lower case": ('{"spot":{"maker":"1","taker":"1"},"margin":{"maker":"1","taker":"2"}}', {}, "name:T maker:A taker:A", 2),
    "named within a wrapper": ('{"code":0,"data":{"BTC":{"free":"1"},"ETH":{"free":"2"}}}', {}, "code:T name:T free:A", 2),
    "named objects with names": ('{"BTC":{"name":"Bitcoin"},"ETH":{"name":"Ether"}}', {}, "name:T name_2:T", 2),
    "named objects with objects": ('{"BTC":{"v":{"x":1}},"ETH":{"v":{"x":2}}}', {}, "name:T v_x:I", 2),
    # arrays
    "arrays": (f"[{KLINE}]", {}, "c0:I c1:A c2:A c3:A c4:A c5:A c6:I c7:A c8:I c9:A c10:A c11:A", 1),
    "arrays with names": (f"[{KLINE},{KLINE}]", {"columns": KLINE_COLUMNS}, "open_time:M open:A high:A low:A close:A volume:A close_time:M quote_volume:A trades:I taker_base:A taker_quote:A ignore:A", 2),
    "no arrays with names": ("[]", {"columns": ["open_time", "open", "id"]}, "open_time:M open:T id:T", 0),
    "one side of the book": (DEPTH, {"rows": "asks", "columns": ["price", "qty"]}, "last_update_id:T price:A qty:A", 2),
    "a name that meets": ('{"price":1,"bids":[["2"]]}', {"columns": ["price"]}, "outer_price:I price:A", 1),
    "arrays of unequal length": ("[[1],[2,true]]", {}, "c0:I c1:F", 2),
    "scalars": ('["BTCUSDT","ETHUSDT"]', {}, "value:T", 2),
    "scalars with a name": ("[1,2]", {"columns": ["tradeId"]}, "tradeId:T", 2),
    "a word": ('"Normal"', {}, "value:T", 1),
}  # fmt: skip


def frame_of(payload: Any, emails: Emails = "masked", **arguments: Any) -> pd.DataFrame:
    endpoint, rows = infer("/sapi/v1/x", SAPI_IP, payload, emails, **arguments)
    builder = FrameBuilder(endpoint, "exact" if arguments.get("exact") else "float", emails)
    builder.add(rows)
    return builder.frame({})


@pytest.mark.parametrize(("body", "arguments", "columns", "count"), SHAPES.values(), ids=SHAPES)
def test_a_shape_becomes_these_columns(
    body: str, arguments: dict[str, Any], columns: str, count: int
) -> None:
    frame = frame_of(loads(body.encode()), **arguments)
    expected = dict(each.split(":") for each in columns.split())
    assert list(frame.columns) == list(expected)
    assert {name: frame[name].dtype for name in frame.columns} == {
        name: DTYPES[letter] for name, letter in expected.items()
    }
    assert len(frame) == count


def test_sixty_shapes_are_tried() -> None:
    assert len(SHAPES) >= 60


# -- values -------------------------------------------------------------------------------------------------


MOMENT = pd.Timestamp("2018-12-10 09:15:28", tz="UTC")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((number, MOMENT) for number in (1544433328, 1544433328000, 1544433328000000, 1544433328 * 10**9)),
        *((text, MOMENT) for text in ("1544433328", "1544433328000", "1544433328000000", "1544433328.0")),
        *((text, MOMENT) for text in ("2018-12-10 09:15:28", "2018-12-10T09:15:28Z")),
        *((text, MOMENT) for text in ("2018-12-10 17:15:28+08:00", "2018-12-10 09:15:28 UTC")),
        ("2018-12-10 09:15:28.123456", MOMENT + pd.Timedelta(milliseconds=123)),
        ("1544433328.123", MOMENT + pd.Timedelta(milliseconds=123)),
        (1544433328123, MOMENT + pd.Timedelta(milliseconds=123)),
        *((missing, pd.NaT) for missing in (0, -1, "", "0", "-1", -2, None)),
        *((missing, pd.NaT) for missing in ("0000-00-00 00:00:00", "1970-01-01 00:00:00", "1969-12-31")),
        (5000, pd.Timestamp("1970-01-01 00:00:05", tz="UTC")),
    ],
)
def test_times_are_read_in_every_unit(value: object, expected: pd.Timestamp) -> None:
    frame = frame_of([{"time": value}, {"time": 1544433328000}])
    assert frame["time"].dtype == pd.DatetimeTZDtype("ms", "UTC")
    assert frame["time"][0] is expected if expected is pd.NaT else frame["time"][0] == expected


@pytest.mark.parametrize("text", ["2018-13-10 09:15:28", "2018-12", "Monday", "12/12", "2018-12-10 25:00:00"])
def test_what_is_no_time_stays_as_it_is(text: str) -> None:
    assert frame_of([{"time": text}, {"time": 1}])["time"].tolist() == [text, "1"]


def test_values_are_kept_exactly() -> None:
    body = b'{"code":0,"orderId":123456789012345678901,"status":1.50,"v":"12345678901234567"}'
    assert frame_of(loads(body)).iloc[0].to_dict() == {
        "code": "0",
        "order_id": "123456789012345678901",
        "status": "1.50",
        "v": "12345678901234567",
    }


def test_more_decimals_than_an_exact_amount_has_make_only_their_column_text() -> None:
    rows = [{"v": "0.0000000000000000001", "w": "0.1"}, {"v": "2", "w": "0.2"}]
    frame = frame_of(rows, exact=True)
    assert frame["v"].tolist() == ["0.0000000000000000001", "2"]
    assert frame["w"].dtype == "exact"
    assert frame_of(rows)["v"].tolist() == [1e-19, 2.0]


@pytest.mark.parametrize(
    ("value", "is_exact"),
    [
        ("0.000000000000000001", True),
        ("99999999999999999999.999999999999999999", True),
        ("-1.5E-17", True),
        ("0.1000000000000000000", False),
        ("0.0000000000000000000", False),
        ("100000000000000000000.5", False),
        (Decimal("1e20"), False),
        (Decimal("1.5E-18"), False),
    ],
)
def test_how_an_amount_is_written_decides_whether_it_is_exact(value: str | Decimal, is_exact: bool) -> None:
    frame = frame_of([{"v": value}, {"v": ""}], exact=True)
    assert (frame["v"].dtype == "exact") is is_exact
    assert Decimal(frame["v"][0]) == Decimal(value)


def test_rows_keep_the_fields_around_them() -> None:
    frame = frame_of(loads(SNAPSHOT.encode()), rows="balances")
    assert frame["total_asset_of_btc"].tolist() == [0.2, 0.2]
    assert frame["asset"].tolist() == ["BTC", "ETH"]
    named = frame_of({"code": "0", "data": {"BTC": {"free": "1"}, "ETH": {"free": "2"}}})
    assert named["name"].tolist() == ["BTC", "ETH"]


def test_other_lists_are_left_out_at_every_depth() -> None:
    body = b'{"x":{"fee":1,"assets":[{"v":1}]},"y":{"fee":2,"assets":[{"v":2}],"notes":["n"]}}'
    frame = frame_of(loads(body), rows="x.assets")
    assert frame.iloc[0].to_dict() == {"fee": 1, "y_fee": 2, "y_notes": ["n"], "v": 1}


# -- errors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "arguments", "text"),
    [
        (DEPTH, {}, "has several lists: choose with `rows` from asks, bids."),
        (DEPTH, {"rows": "nothing"}, "has no list or object called 'nothing': choose with `rows` from asks, bids."),
        ('{"v":1}', {"rows": "v"}, "has no list or object called 'v', and none at all"),
        (
            '{"x":{"v":[{}]},"y":{"v":[{}]}}',
            {"rows": "v"},
            "has several lists called 'v': choose with `rows` from x.v, y.v.",
        ),
        ("[[1,2]]", {"columns": ["one"]}, "`columns` has 1 names, but the rows of the response have 2 items"),
        ("[[1]]", {"columns": ["a", "b"]}, "`columns` has 2 names, but the rows of the response have 1 items"),
        ('[{"a":1}]', {"columns": ["a"]}, "these rows have names of their own"),
        ('{"BTC":{"v":1},"ETH":{"v":1}}', {"columns": ["a", "b"]}, "these rows have names of their own"),
    ],
)  # fmt: skip
def test_an_error_says_what_there_is(body: str, arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError) as caught:
        frame_of(loads(body.encode()), **arguments)
    assert text in str(caught.value)


# -- completeness, bounds -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"v": 1}, True),
        ({"v": {"w": ["x"]}}, True),
        ({"data": {"v": 1}}, True),
        ({"data": {"rows": [{"v": 1}]}}, False),
        ({"data": {"rows": []}}, False),
        ({"v": [1, 2]}, False),
        ({"BTC": {"v": 1}, "ETH": {"v": 2}}, False),
        ({"data": {"BTC": {"v": 1}}}, False),
        ([], False),
        ("x", False),
    ],
)
def test_only_an_object_without_lists_is_known_to_be_complete(payload: Any, expected: bool) -> None:
    assert is_one_object(payload) is expected


LONG = "x" * 100_000


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ([{}] * 50_001, "more than 50,000 rows"),
        ({"data": {"rows": [0, []] * 25_001}}, "more than 50,000 rows"),
        ({f"K{index}": {"v": 1} for index in range(50_001)}, "more than 50,000 rows"),
        ({f"k{index}": 1 for index in range(501)}, "1 rows with 501 different fields"),
        ({"x": 1, "v": {f"k{index}": 1 for index in range(501)}}, "1 rows with 502 different fields"),
        ([{f"k{index}": 1 for index in range(30)}] * 40_000, "40,000 rows with more than 1,000,000 values"),
        ({"x": {f"k{n}": 1 for n in range(400)}, "rows": [{"v": 1}] * 40_000}, "more than 1,000,000"),
        ({"note": LONG, "rows": [{"v": 1}] * 1000}, "too long to be repeated"),
        ({"note": {"deep": [LONG]}, "rows": [{"v": 1}] * 1000}, "too long to be repeated"),
    ],
)
def test_a_response_too_large_for_a_frame_is_refused(payload: Any, problem: str) -> None:
    with pytest.raises(ContractError, match=problem):
        frame_of(payload)


def test_an_error_names_no_more_lists_than_can_be_read() -> None:
    payload = {f"k{index}": [{}] for index in range(5000)}
    with pytest.raises(UsageError) as caught:
        frame_of(payload)
    assert len(str(caught.value)) < 500


# -- masking ------------------------------------------------------------------------------------------------

ADDRESS = "amber.lee@post.example"
KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"


@pytest.mark.parametrize(
    ("payload", "arguments"),
    [
        ({"x": 1, "v": {"email": ADDRESS, "deep": {"who": ADDRESS}}}, {}),
        ({ADDRESS: {"free": "1"}, "b@post.example": {"free": "2"}}, {}),
        ({"data": {ADDRESS: {"free": "1"}}}, {}),
        ([[ADDRESS, "1"]], {"columns": ["email", "v"]}),
        ([["amber.lee", "1"]], {"columns": ["email", "v"]}),
        ([[["amber.lee", ADDRESS], "1"]], {"columns": ["userEmails", "v"]}),
        ([[{"who": "amber.lee"}]], {"columns": ["workEmail"]}),
        ([["x"]], {"columns": [ADDRESS]}),
        ([{"v": [{"email": "amber.lee", ADDRESS: 1}]}], {}),
        ({"rows": [{"v": 1}], "owner": {"email": "amber.lee"}}, {}),
        ({"x": [{"v": ADDRESS}], "y": [{"v": 1}]}, {"rows": "x"}),
        ({"x": [{"v": ADDRESS}], "y": [{"v": ADDRESS}], "email": "amber.lee"}, {"as_it_is": True}),
    ],
)
def test_addresses_are_masked_in_every_shape(payload: Any, arguments: dict[str, Any]) -> None:
    frame = frame_of(payload, **arguments)
    shown = frame.to_json() + frame.to_csv() + repr(frame.attrs)
    assert len(frame) > 0
    assert "lee" not in shown
    assert "post" not in shown


def test_an_error_names_no_address() -> None:
    with pytest.raises(UsageError) as caught:
        frame_of({ADDRESS: [{"v": 1}], "x": [{"v": 1}]}, rows=f"{ADDRESS}.y")
    assert "lee" not in str(caught.value)


@pytest.mark.parametrize("emails", ["masked", "clear"])
@pytest.mark.parametrize(
    ("payload", "arguments"),
    [
        ({"apiKey": KEY, "secretKey": KEY}, {}),
        ({"x": 1, "v": {"apikey": KEY, "deep": [{"api_key": KEY}]}}, {}),
        ({"apiKeys": [KEY], "v": [{"apiKey": [KEY]}]}, {}),
        ({"apiKey": {"apiKey": KEY, "type": "HMAC"}}, {}),
        ({"API-KEY": KEY, "apiSecret": KEY, "secret": KEY, "private_key": KEY, "listenKey": KEY}, {}),
        ([[KEY, "1"]], {"columns": ["apiKey", "v"]}),
        ({"x": [{"apiKey": KEY}], "y": [{"v": 1}]}, {"as_it_is": True}),
    ],
)
def test_keys_are_masked_in_every_shape(payload: Any, arguments: dict[str, Any], emails: Emails) -> None:
    frame = frame_of(payload, emails, **arguments)
    assert len(frame) > 0
    assert KEY[3:10] not in frame.to_json() + frame.to_csv()


def test_clear_addresses_are_returned_on_request() -> None:
    frame = frame_of([[ADDRESS, "1"]], "clear", columns=["email", "v"])
    assert frame["email"].tolist() == [ADDRESS]
