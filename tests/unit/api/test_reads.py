"""Every read: its documented response, an empty one, the sandbox's, its method, its arguments."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import toolkit
from scripts.generate import methods
from tests.support.paths import EXAMPLES
from tests.support.raw_rows import ABSENT, empty_response, raw_rows
from tests.support.sandbox_env import SandboxEnv
from toolkit.client import Link
from toolkit.endpoints import ENDPOINTS, ENDPOINTS_BY_NAME, NAMESPACES, Endpoint, Param
from toolkit.errors import UsageError
from toolkit.frames.builder import FrameBuilder, Numbers
from toolkit.planning import make_plan
from toolkit.redaction import mask, masked_key

DOCUMENTED = {
    path.stem: json.loads(path.read_text(), parse_float=Decimal) for path in EXAMPLES.glob("*.json")
}
EXAMPLE_NAMES = [
    (endpoint_name, name) for endpoint_name, answers in sorted(DOCUMENTED.items()) for name in answers
]
ARGUMENTS = [(endpoint, param) for endpoint in ENDPOINTS for param in endpoint.params if param.fixed is None]
EACH = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.qualified_name)

DTYPES = {
    "text": pd.StringDtype(),
    "id": pd.StringDtype(),
    "email": pd.StringDtype(),
    "amount": "float64",
    "integer": pd.Int64Dtype(),
    "flag": pd.BooleanDtype(),
    "time": pd.DatetimeTZDtype("ms", "UTC"),
    "texts": object,
}


MISSING = [("", "amount"), ("", "time"), (0, "time"), (-1, "time")]  # a list, as values may be lists
"""Values of optional columns that mean that there is none."""


def method_of(link: Link, endpoint: Endpoint) -> Any:
    return attrgetter(endpoint.qualified_name)(link)


def may_be_empty(endpoint: Endpoint) -> bool:
    """Whether an account need not have a row: it did nothing in the span, or has nothing open."""
    is_account = endpoint.system.startswith("account.")
    return is_account and (endpoint.window is not None or endpoint.name in ("open_orders", "positions"))


def assert_as_declared(frame: pd.DataFrame, endpoint: Endpoint, numbers: Numbers = "float") -> None:
    assert list(frame.columns) == [column.name for column in endpoint.columns]
    for column in endpoint.columns:
        exact = column.kind == "amount" and (column.exact or numbers == "exact")
        expected = "exact" if exact else DTYPES[column.kind]
        assert frame[column.name].dtype == expected, column.name
    assert isinstance(frame.index, pd.RangeIndex)
    if endpoint.order_by:
        assert frame[endpoint.order_by].is_monotonic_increasing


def test_each_read_has_a_documented_response() -> None:
    assert set(DOCUMENTED) == set(ENDPOINTS_BY_NAME)


# -- frames of documented and of empty responses ------------------------------------------------------------


@pytest.mark.parametrize("numbers", ["float", "exact"])
@pytest.mark.parametrize(("endpoint_name", "name"), EXAMPLE_NAMES)
def test_the_documented_response_becomes_the_declared_frame(
    endpoint_name: str, name: str, numbers: Numbers
) -> None:
    endpoint = ENDPOINTS_BY_NAME[endpoint_name]
    answer = DOCUMENTED[endpoint_name][name]
    builder = FrameBuilder(endpoint, numbers)
    builder.add(answer)
    frame = builder.frame({})
    assert_as_declared(frame, endpoint, numbers)
    assert frame.attrs["undeclared"] == []
    rows = raw_rows(endpoint, answer)
    assert len(frame) == len(rows)
    declared = {column.name: column for column in endpoint.columns}
    for column in endpoint.columns:
        if column.derived == "requested":
            assert frame[column.name].isna().all(), "nothing was requested"
    for index, row in enumerate(rows):
        for name, sent in row.items():
            column, value = declared[name], frame[name][index]
            if sent is ABSENT or (column.optional and (sent, column.kind) in MISSING):
                assert column.optional
                assert pd.isna(value)
            elif column.kind == "time" and column.unit == "text":
                assert value == pd.Timestamp(sent, tz="UTC")
            elif column.kind == "time":
                assert value == pd.Timestamp(int(sent), unit="ms", tz="UTC")
            elif column.kind == "amount":
                assert type(value)(sent) == value
            elif column.masked == "key":
                assert value == masked_key(sent)
            elif column.kind == "id":
                assert value == str(sent)
            elif column.kind == "texts":
                assert list(value) == sent
            elif column.kind == "integer":
                assert value == int(sent)
            elif column.kind == "flag":
                assert value == (str(sent).lower() == "true")
            elif column.kind == "email":
                assert value == mask(sent)
            else:
                assert value == sent


@pytest.mark.parametrize("numbers", ["float", "exact"])
@EACH
def test_an_empty_response_has_the_same_columns_and_types(endpoint: Endpoint, numbers: Numbers) -> None:
    builder = FrameBuilder(endpoint, numbers)
    builder.add(empty_response(endpoint))
    frame = builder.frame({})
    assert len(frame) == 0
    assert_as_declared(frame, endpoint, numbers)


# -- responses of the sandbox ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def arguments(shared_env: SandboxEnv) -> Mapping[str, Any]:
    return values_of(shared_env)


def values_of(shared_env: SandboxEnv) -> Mapping[str, Any]:
    """Values for all required arguments, from the data of the sandbox."""
    account = shared_env.link.exchange.sub_accounts(emails="clear").loc[0]
    deposits = shared_env.link.exchange.deposits()
    return {
        "sub_account_id": account["sub_account_id"],
        "email": account["email"],
        "api_key": shared_env.sandbox.world.accounts[0].keys[0].key,
        "from_id": account["sub_account_id"],
        "market": "um",
        "symbol": "BTCUSDT",
        "pair": "BTCUSD",
        "agent_code": "ABCD1234",
        "broker_id": "ABCD1234",
        "deposit_id": deposits["deposit_id"][0],
        "_deposit_of": deposits["sub_account_id"][0],
        "_order_of": {
            each.qualified_name: method_of(shared_env.link, orders)("BTCUSDT").iloc[0]["order_id"]
            for each in ENDPOINTS
            if each.name == "order" and (orders := ENDPOINTS_BY_NAME[f"{each.system}.orders"])
        },
    }


def required_arguments(endpoint: Endpoint, values: Mapping[str, Any]) -> dict[str, Any]:
    given = {
        param.name: _value_of(endpoint, param, values)
        for param in endpoint.params
        if param.is_required and param.fixed is None
    }
    if endpoint.name == "deposit":
        given["sub_account_id"] = values["_deposit_of"]
    if endpoint.name == "order":
        given["order_id"] = values["_order_of"][endpoint.qualified_name]
    else:
        given |= {name: values[name] for name in endpoint.at_least_one[:1]}
    return given


def _value_of(endpoint: Endpoint, param: Param, values: Mapping[str, Any]) -> Any:
    """A value from the data of the sandbox, or the one that the documentation shows."""
    if endpoint.is_signed and param.name in values:
        return values[param.name]
    if param.example is None and param.choices:
        return next(iter(param.choices))
    return param.example


@pytest.mark.parametrize("numbers", ["float", "exact"])
@EACH
def test_the_sandbox_returns_rows_and_the_frame_its_provenance(
    shared_env: SandboxEnv, arguments: Mapping[str, Any], endpoint: Endpoint, numbers: Numbers
) -> None:
    given = required_arguments(endpoint, arguments)
    before = len(shared_env.exchange.log)
    frame = method_of(shared_env.link, endpoint)(**given, numbers=numbers)
    assert_as_declared(frame, endpoint, numbers)
    assert len(frame) > 0 or may_be_empty(endpoint)
    attrs = frame.attrs
    assert list(attrs) == [
        "endpoint",
        "system",
        "source",
        "account",
        "parameters",
        "fetched_at",
        "server_time",
        "as_of",
        "requests",
        "weight",
        "complete",
        "example",
        *(["emails"] if any(column.kind == "email" for column in endpoint.columns) else []),
        "undeclared",
        *(["gaps"] if endpoint.steps else []),
    ]
    assert (attrs["endpoint"], attrs["system"], attrs["source"]) == (
        endpoint.qualified_name,
        endpoint.system,
        "sandbox",
    )
    assert attrs["complete"] is True
    assert attrs["example"] is (endpoint.qualified_name in shared_env.exchange.examples)
    assert attrs["undeclared"] == []
    # The Link may have requested the limits before, from a path that is also an endpoint.
    sent = [*shared_env.exchange.log][before:][-attrs["requests"] :]
    assert {entry.path for entry in sent} == {endpoint.path}
    assert attrs["weight"] == sum(entry.weight for entry in sent)
    assert set(given) <= set(attrs["parameters"])
    for private in ("api_key", "email"):
        assert str(arguments[private]) not in json.dumps(attrs)


@EACH
def test_parquet_keeps_attrs_and_times(
    shared_link: Link, arguments: Mapping[str, Any], endpoint: Endpoint, tmp_path: Path
) -> None:
    frame = method_of(shared_link, endpoint)(**required_arguments(endpoint, arguments))
    frame.to_parquet(tmp_path / "frame.parquet")
    again = pd.read_parquet(tmp_path / "frame.parquet")
    assert again.attrs == frame.attrs
    times = [column.name for column in endpoint.columns if column.kind == "time"]
    assert [again[name].dtype for name in times] == [frame[name].dtype for name in times]


# -- signature, docstring, completion ------------------------------------------------------------------


@EACH
def test_the_signature_of_a_method_is_the_declared_one(shared_link: Link, endpoint: Endpoint) -> None:
    parameters = inspect.signature(method_of(shared_link, endpoint)).parameters.values()
    found = [
        (p.name, p.kind is p.POSITIONAL_OR_KEYWORD, p.default, p.annotation.replace("'", '"'))
        for p in parameters
    ]
    assert found == methods.signature(endpoint)


def test_completion_offers_the_endpoints_only(shared_link: Link) -> None:
    for namespace in NAMESPACES:
        shown = {name for name in dir(attrgetter(namespace.system)(shared_link)) if not name.startswith("_")}
        assert shown == {endpoint.name for endpoint in namespace.reads}


@EACH
def test_a_misspelt_keyword_is_refused_by_python_itself(shared_link: Link, endpoint: Endpoint) -> None:
    with pytest.raises(TypeError):
        method_of(shared_link, endpoint)(subaccountid="1")


# -- arguments that are refused --------------------------------------------------------------------------


def refused(env: SandboxEnv, endpoint: Endpoint, given: Mapping[str, Any], *said: str) -> None:
    """Check that the call is refused with these words and that nothing was sent."""
    before = len(env.exchange.log)
    with pytest.raises(UsageError) as caught:
        method_of(env.link, endpoint)(**given)
    for words in (endpoint.qualified_name, "Nothing was sent", *said):
        assert words in str(caught.value)
    assert len(env.exchange.log) == before


@pytest.fixture(scope="module")
def idle_env() -> Any:
    made = SandboxEnv()
    yield made
    made.close()


VALUES = {
    "sub_account_id": "1",
    "email": "a@example.com",
    "api_key": "k",
    "from_id": "1",
    "market": "um",
    "symbol": "BTCUSDT",
    "pair": "BTCUSD",
    "agent_code": "A",
    "broker_id": "A",
    "deposit_id": "1",
    "_deposit_of": "1",
    "_order_of": {endpoint.qualified_name: "1" for endpoint in ENDPOINTS if endpoint.name == "order"},
}


def test_a_quoted_doc_keeps_the_case_of_an_abbreviation(idle_env: SandboxEnv) -> None:
    refused(
        idle_env,
        ENDPOINTS_BY_NAME["exchange.ip_restriction"],
        {"sub_account_id": "1", "api_key": None},
        "is required: API key of",
    )


REQUIRED = [(e, p) for e, p in ARGUMENTS if p.is_required]


@pytest.mark.parametrize(
    ("endpoint", "param"), REQUIRED, ids=lambda x: getattr(x, "qualified_name", getattr(x, "name", ""))
)
def test_required_arguments_cannot_be_empty(idle_env: SandboxEnv, endpoint: Endpoint, param: Any) -> None:
    given = required_arguments(endpoint, VALUES)
    refused(idle_env, endpoint, given | {param.name: None}, f"`{param.name}` is required")
    if param.kind != "choice":
        refused(idle_env, endpoint, given | {param.name: "  "}, f"`{param.name}` is empty")


CHOICES = [(e, p) for e, p in ARGUMENTS if p.kind == "choice"]


@pytest.mark.parametrize("wrong", ["xx", 33, True, 1.0, ""])
@pytest.mark.parametrize(
    ("endpoint", "param"), CHOICES, ids=lambda x: getattr(x, "qualified_name", getattr(x, "name", ""))
)
def test_an_invalid_choice_is_refused_and_the_valid_ones_are_listed(
    idle_env: SandboxEnv, endpoint: Endpoint, param: Any, wrong: object
) -> None:
    given = required_arguments(endpoint, VALUES) | {param.name: wrong}
    are_numbers = param.choices == {str(sent): sent for sent in param.choices.values()}
    words = [*param.choices] if are_numbers else [f'"{word}"' for word in param.choices]
    words = words if len(words) <= 20 else [words[0], words[-1]]  # of many, the ends of their runs
    refused(idle_env, endpoint, given, f"`{param.name}` must be", *words)


@pytest.mark.parametrize(
    ("endpoint", "param"), CHOICES, ids=lambda x: getattr(x, "qualified_name", getattr(x, "name", ""))
)
def test_a_choice_can_be_given_as_the_value_that_is_sent(
    shared_env: SandboxEnv, arguments: Mapping[str, Any], endpoint: Endpoint, param: Any
) -> None:
    shared_env.clock.advance(60)  # a wait for the rate limit between two calls would change the prices
    shared_link = shared_env.link
    choices = [*param.choices.items()]
    # Of words that are sent as they are, one shows that they are accepted.
    for word, sent_value in [each for each in choices if each[0] != each[1]] or choices[:1]:
        given = required_arguments(endpoint, arguments)
        if endpoint.window:
            # The shortest step is a second; the longest begin at midnight.
            start = "2025-12-19T23:50" if endpoint.steps else "2025-12-10"
            given |= {"start": start, "end": "2025-12-20T00:00"}
        exchange_word = word == sent_value  # of which the case matters, as "1m" and "1M"
        by_word = method_of(shared_link, endpoint)(
            **given | {param.name: word if exchange_word else word.upper()}
        )
        by_sent_value = method_of(shared_link, endpoint)(**given | {param.name: sent_value})
        for frame in (by_word, by_sent_value):
            frame["time"] = None  # the time of the response
        assert by_word.equals(by_sent_value)


FLAGS = [(e, p) for e, p in ARGUMENTS if p.kind == "flag"]


@pytest.mark.parametrize(
    ("endpoint", "param"), FLAGS, ids=lambda x: getattr(x, "qualified_name", getattr(x, "name", ""))
)
def test_a_flag_is_true_or_false(idle_env: SandboxEnv, endpoint: Endpoint, param: Any) -> None:
    given = required_arguments(endpoint, VALUES) | {param.name: "false"}
    refused(idle_env, endpoint, given, f"`{param.name}` must be True or False")


IDS = [(e, p) for e, p in ARGUMENTS if p.kind == "id"]


@pytest.mark.parametrize(
    ("endpoint", "param"), IDS, ids=lambda x: getattr(x, "qualified_name", getattr(x, "name", ""))
)
def test_an_id_is_never_a_float(idle_env: SandboxEnv, endpoint: Endpoint, param: Any) -> None:
    given = required_arguments(endpoint, VALUES) | {param.name: 3.675e17}
    must_be = "text" if param.minimum is None else "a whole number"
    refused(
        idle_env, endpoint, given, f"`{param.name}` must be {must_be}", "a float cannot hold an id exactly"
    )


NUMBERED = [(e, p) for e, p in IDS if p.minimum is not None]


@pytest.mark.parametrize(
    ("endpoint", "param"), NUMBERED, ids=lambda x: getattr(x, "qualified_name", getattr(x, "name", ""))
)
def test_an_id_that_is_a_number_may_be_the_text_of_a_frame(
    idle_env: SandboxEnv, endpoint: Endpoint, param: Any
) -> None:
    given = required_arguments(endpoint, VALUES)
    number = 2**63 - 1
    by_text = make_plan(endpoint, given | {param.name: str(number)}, None, None, 0)
    assert by_text == make_plan(endpoint, given | {param.name: number}, None, None, 0)
    for wrong in ("-1", "1.0", "", "1e3", "٣", "9" * 30):
        refused(idle_env, endpoint, given | {param.name: wrong}, f"`{param.name}` must be a whole number")


@pytest.mark.parametrize("endpoint_name", ["exchange.transfers", "exchange.universal_transfers"])
def test_one_of_two_arguments_is_required(idle_env: SandboxEnv, endpoint_name: str) -> None:
    refused(idle_env, ENDPOINTS_BY_NAME[endpoint_name], {}, "`from_id` or `to_id` is required")


@pytest.mark.parametrize("endpoint_name", ["spot.customers", "futures.customers"])
def test_two_arguments_are_mutually_exclusive(idle_env: SandboxEnv, endpoint_name: str) -> None:
    given = {"customer_id": "a", "email": "a@example.com"}
    refused(
        idle_env, ENDPOINTS_BY_NAME[endpoint_name], given, "`customer_id` and `email` are mutually exclusive"
    )


@pytest.mark.parametrize("endpoint_name", ["spot.customers", "futures.customers"])
def test_a_masked_email_is_refused(idle_env: SandboxEnv, endpoint_name: str) -> None:
    refused(idle_env, ENDPOINTS_BY_NAME[endpoint_name], {"email": "om***@***.com"}, "`email` is masked")
    refused(
        idle_env, ENDPOINTS_BY_NAME[endpoint_name], {"email": "nobody"}, "`email` must be an e-mail address"
    )


WINDOWED = [endpoint for endpoint in ENDPOINTS if endpoint.window]
LIMITED_RETENTION = [endpoint for endpoint in WINDOWED if endpoint.window and endpoint.window.retention]


@pytest.mark.parametrize("endpoint", LIMITED_RETENTION, ids=lambda endpoint: endpoint.qualified_name)
def test_a_start_before_the_retention_is_refused(idle_env: SandboxEnv, endpoint: Endpoint) -> None:
    assert endpoint.window is not None
    assert endpoint.window.retention is not None
    days = endpoint.window.retention.days
    given = required_arguments(endpoint, VALUES) | {"start": f"-{days + 1}D"}
    refused(idle_env, endpoint, given, "`start`", f"keeps the last {days} days")


@pytest.mark.parametrize("endpoint", LIMITED_RETENTION, ids=lambda endpoint: endpoint.qualified_name)
def test_a_start_at_the_retention_is_fetched(
    shared_link: Link, arguments: Mapping[str, Any], endpoint: Endpoint
) -> None:
    assert endpoint.window is not None
    assert endpoint.window.retention is not None
    span = {"start": f"-{endpoint.window.retention.days}D"}
    if (
        endpoint.paging.kind == "id"
    ):  # there are many rows, and the first may be dropped before the next request
        minutes = endpoint.window.retention // pd.Timedelta(minutes=1)
        span = {"start": f"-{minutes - 1}min", "end": f"-{minutes - 5}min"}
    frame = method_of(shared_link, endpoint)(**required_arguments(endpoint, arguments), **span)
    assert frame.attrs["complete"]
    assert len(frame) > 0 or may_be_empty(endpoint)


@pytest.mark.parametrize("endpoint", WINDOWED, ids=lambda endpoint: endpoint.qualified_name)
def test_invalid_spans_are_refused(idle_env: SandboxEnv, endpoint: Endpoint) -> None:
    given = required_arguments(endpoint, VALUES)
    refused(idle_env, endpoint, given | {"start": "-1D", "end": "-2D"}, "`start`", "is after `end`")
    refused(idle_env, endpoint, given | {"start": "+1D"}, "`start`", "is in the future")
    refused(idle_env, endpoint, given | {"start": "yesterday-ish"}, "`start` is not a time")
    refused(idle_env, endpoint, given | {"end": "-1 parsec"}, "`end` is")
    refused(idle_env, endpoint, given | {"start": 1_700_000_000}, "`start`", "milliseconds")
    refused(idle_env, endpoint, given | {"start": 1.5}, "`start` must be a time such as")


SPLIT = [e for e in WINDOWED if e.window and e.window.max_span and not e.window.retention]


@pytest.mark.parametrize("endpoint", SPLIT, ids=lambda endpoint: endpoint.qualified_name)
def test_longer_spans_are_split(shared_link: Link, arguments: Mapping[str, Any], endpoint: Endpoint) -> None:
    assert endpoint.window is not None
    assert endpoint.window.max_span is not None
    span = endpoint.window.max_span * 2.5
    given = required_arguments(endpoint, arguments)
    frame = method_of(shared_link, endpoint)(**given, start=f"-{span // pd.Timedelta(minutes=1)}min")
    assert frame.attrs["requests"] >= 3
    assert_as_declared(frame, endpoint)


def test_an_endpoint_is_an_explicit_method() -> None:
    for endpoint in ENDPOINTS:
        resource = attrgetter(endpoint.system)(toolkit.Link(key="a" * 64, secret="b" * 64))
        method = getattr(type(resource), endpoint.name)
        assert inspect.getsourcefile(method)
        assert endpoint.name in inspect.getsource(method)


def test_a_weight_can_depend_on_the_parameters() -> None:
    by_limit = replace(ENDPOINTS[0], weight=lambda sent: 10 if int(str(sent.get("limit", 0))) > 100 else 1)
    assert by_limit.weight_of({"limit": 500}) == 10
    assert by_limit.weight_of({}) == 1
