"""`link.get`: undeclared endpoints, decoded by the same rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.sandbox_env import SandboxEnv
from toolkit.client import Link
from toolkit.endpoints import SAPI_IP
from toolkit.errors import ContractError, CredentialsError, NotFoundError, ToolkitError, UsageError
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.infer import infer


def frame_of(payload: Any) -> pd.DataFrame:
    endpoint, rows = infer("/sapi/v1/x", SAPI_IP, payload)
    builder = FrameBuilder(endpoint, "float")
    builder.add(rows)
    return builder.frame({})


def test_names_and_types_follow_the_rules_of_declared_endpoints() -> None:
    row = {
        "insertTime": 1_700_000_000_000,
        "txId": 9_007_199_254_740_993,
        "subAccountId": "007",
        "amount": "0.10",
        "rate": Decimal("0.001"),
        "count": 5,
        "isOk": True,
        "coin": "BTC",
        "code": "007",
        "ipList": ["1.1.1.1"],
        "nested": {"a": 1},
    }
    frame = frame_of([row, row])
    assert list(frame.columns) == [
        *("insert_time", "tx_id", "sub_account_id", "amount", "rate", "count"),
        *("is_ok", "coin", "code", "ip_list", "nested_a"),
    ]
    assert frame["insert_time"].dtype == pd.DatetimeTZDtype("ms", "UTC")
    assert frame["tx_id"][0] == "9007199254740993"
    assert frame["sub_account_id"][0] == "007"
    assert frame["amount"].dtype == "float64"
    assert frame["rate"][0] == 0.001
    assert frame["count"].dtype == "Int64"
    assert frame["is_ok"].dtype == "boolean"
    assert frame["code"][0] == "007"
    assert frame["ip_list"][0] == ["1.1.1.1"]
    assert frame["nested_a"].dtype == "Int64"


@pytest.mark.parametrize(
    ("payload", "shape"),
    [
        ({"a": 1}, (1, 1)),
        ([], (0, 0)),
        ([{"a": 1}, {"b": 2}], (2, 2)),
        ({"rows": [{"a": 1}, {"a": 2}], "total": 2}, (2, 2)),
        ([[1, "2.0"], [3, "4.0"]], (2, 2)),
        (["x", "y"], (2, 1)),
        ("Normal", (1, 1)),
        ({"aB": 1, "a_b": 2}, (1, 2)),
    ],
)
def test_every_shape_becomes_rows(payload: Any, shape: tuple[int, int]) -> None:
    assert frame_of(payload).shape == shape


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=6), st.decimals(allow_nan=False)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json_becomes_a_frame_or_a_toolkit_error(payload: Any) -> None:
    try:
        frame = frame_of(payload)
    except ToolkitError:
        return
    assert isinstance(frame, pd.DataFrame)


def test_the_request_is_signed_and_charged_like_any_other(shared_link: Link) -> None:
    frame = shared_link.get("/sapi/v1/broker/subAccount", size=3, page=2)
    declared = shared_link.exchange.sub_accounts()
    assert frame["subaccount_id"].tolist() == declared["sub_account_id"][3:6].tolist()
    assert frame["create_time"].tolist() == declared["create_time"][3:6].tolist()
    assert frame.attrs["endpoint"] == "/sapi/v1/broker/subAccount"
    assert frame.attrs["parameters"] == {"size": "3", "page": "2"}
    assert frame.attrs["weight"] == 1


def test_an_object_is_complete_and_a_list_is_not_known_to_be(shared_link: Link) -> None:
    assert shared_link.get("/sapi/v1/broker/info").attrs["complete"] is True
    for path, size, page in [
        ("/sapi/v1/broker/subAccount", 3, 1),
        ("/sapi/v1/broker/subAccount/spotSummary", 2, 1),
        ("/sapi/v1/broker/subAccount/spotSummary", 20, 900),  # an object whose list of rows is empty
    ]:
        attrs = shared_link.get(path, size=size, page=page).attrs
        assert attrs["complete"] is False
        assert attrs["missing"] == [[None, None]]


def test_a_declared_path_has_its_declared_weight(shared_link: Link) -> None:
    assert shared_link.get("/sapi/v1/broker/subAccount/spotSummary", size=2).attrs["weight"] == 3000


def test_an_unknown_path_is_refused_by_the_exchange(shared_link: Link) -> None:
    with pytest.raises((NotFoundError, CredentialsError)):
        shared_link.get("/sapi/v1/nothing/of/the/kind")


@pytest.mark.parametrize(
    "path",
    [
        "/wrong/v1/x",
        "sapi/v1/x",
        "/sapi/v1/x?a=1",
        "/sapi/v1/../x",
        "https://example.com/sapi/v1/x",
        "/sapi/ v1",
    ],
)
def test_an_invalid_path_is_rejected(env: SandboxEnv, path: str) -> None:
    with pytest.raises(UsageError, match="Nothing was sent"):
        env.link.get(path)
    assert env.sent() == []


@pytest.mark.parametrize("name", ["timestamp", "signature", "recvWindow"])
def test_parameters_the_toolkit_adds_itself_are_rejected(env: SandboxEnv, name: str) -> None:
    with pytest.raises(UsageError, match=name):
        env.link.get("/sapi/v1/broker/info", **{name: 1})
    assert env.sent() == []


def test_private_parameters_are_not_shown_in_attrs(shared_link: Link) -> None:
    frame = shared_link.get("/sapi/v1/apiReferral/customization", email="nobody@example.com")
    assert frame.attrs["parameters"] == {"email": "(hidden)"}


@pytest.mark.parametrize(
    ("payload", "rows"),
    [
        ({"symbols": ["BTCUSDT", "ETHUSDT"]}, 1),
        ([{"tags": ["a"]}, {"tags": ["b"]}], 2),
        ({"rows": [], "total": 0}, 0),
        ({"rows": [{"id": 1}], "total": 1}, 1),
    ],
)
def test_no_row_is_lost_or_invented(payload: Any, rows: int) -> None:
    frame = frame_of(payload)
    assert len(frame) == rows
    assert frame.columns.is_unique


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([Decimal("1.50"), "abc"], ["1.50", "abc"]),
        ([0, "NONE"], ["0", "NONE"]),
        ([Decimal("0.00000001"), "", 10**30], ["0.00000001", "", "1" + "0" * 30]),
        ([True, 1, None, "x"], ["true", "1", None, "x"]),
        ([True, 0], ["true", "0"]),
        ([[1, 2], []], ["[1, 2]", "[]"]),
        ([[{"a": "b"}], [], None], ['[{"a": "b"}]', "[]", None]),
        ([["a"], [], None], [["a"], [], None]),
        ([["a"], "a"], ['["a"]', '"a"']),
        ([{"a": 1}, 1, "x"], ['{"a": 1}', "1", '"x"']),
    ],
)
@pytest.mark.parametrize("name", ["v", "subAccountId", "updateTime"])
def test_the_kind_of_a_column_depends_on_all_its_values(
    name: str, values: list[Any], shown: list[Any]
) -> None:
    endpoint, rows = infer("/sapi/v1/x", SAPI_IP, [{name: value} for value in values])
    builder = FrameBuilder(endpoint, "float")
    builder.add(rows)
    (column,) = builder.frame({}).to_dict("list").values()
    assert [None if value is pd.NA else value for value in column] == shown


def test_a_nested_list_that_is_empty_in_one_row_stays_json_text() -> None:
    payload = [{"coin": "BTC", "networkList": [{"network": "BTC"}]}, {"coin": "XYZ", "networkList": []}]
    assert frame_of(payload)["network_list"].tolist() == ['[{"network": "BTC"}]', "[]"]
    assert payload[1]["networkList"] == [], "the payload is not modified"


def test_an_error_names_the_path() -> None:
    endpoint, rows = infer("/sapi/v1/x", SAPI_IP, [{"v": Decimal("1e60")}])
    assert endpoint.qualified_name == "/sapi/v1/x"
    with pytest.raises(ContractError, match=r"^/sapi/v1/x: column `v`: a number has more digits"):
        FrameBuilder(endpoint, "exact").add(rows)


def test_names_that_would_be_equal_are_numbered() -> None:
    assert list(frame_of({"T": 1, "t": 2, "aB": 3, "a_b": 4}).columns) == ["t", "t_2", "a_b", "a_b_2"]


def test_a_field_of_the_outer_object_is_kept_beside_one_of_the_same_name_in_the_rows() -> None:
    frame = frame_of({"balances": [{"asset": "A", "total": "1.0"}], "total": "9.0"})
    assert frame["total"].tolist() == [1.0]
    assert frame["outer_total"].tolist() == [9.0]


@pytest.mark.parametrize("weight", [0, -5000, 1.5, "3", True])
def test_a_weight_must_be_a_whole_number_from_one_up(env: SandboxEnv, weight: Any) -> None:
    with pytest.raises(UsageError, match="`weight`"):
        env.link.get("/fapi/v1/x", weight=weight)
    with pytest.raises(UsageError, match="`x`"):
        env.link.get("/fapi/v1/x", x=object())
    assert env.sent() == []
    assert env.link.budget.snapshot().calls == ()
