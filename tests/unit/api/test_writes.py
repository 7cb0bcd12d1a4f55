"""Every write: its method, its documented response, its reconciliation, its preview, its arguments."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, localcontext
from enum import Enum
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scripts.generate import methods, texts
from tests.support.clocks import FakeClock
from tests.support.paths import DATA
from tests.support.sandbox_requests import placed
from tests.support.writes import (
    NOW,
    WriteEnv,
    arguments_of,
    call,
    example,
    memory_folder,
    operations_of,
    small_world,
)
from toolkit.client import Link
from toolkit.endpoints import ENDPOINTS_BY_NAME, NAMESPACES, WRITES, WRITES_BY_NAME, Param, Write
from toolkit.errors import NoKeyError, UsageError
from toolkit.frames.builder import Numbers
from toolkit.redaction import mask, masked_key
from toolkit.sandbox.exchange import Exchange

ANSWERS = DATA / "answers" / "writes"
DOCUMENTED = {
    path.stem: json.loads(path.read_text(), parse_float=Decimal)["documented"]
    for path in ANSWERS.glob("*.json")
}
WITH_WRITES = [namespace for namespace in NAMESPACES if namespace.writes]
EACH = pytest.mark.parametrize("write", WRITES, ids=lambda write: write.qualified_name)

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


@pytest.fixture(scope="module")
def idle_env() -> Iterator[WriteEnv]:
    """An environment whose sandbox never receives a write."""
    with memory_folder() as folder:
        made = WriteEnv(folder)
        yield made
        made.close()


# -- methods ---------------------------------------------------------------------------------------------


def method_of(resources: object, write: Write) -> Any:
    return getattr(getattr(resources, write.system), write.name)


def test_each_write_has_a_documented_response() -> None:
    assert len(WRITES) == len(WRITES_BY_NAME)
    assert set(DOCUMENTED) == set(WRITES_BY_NAME)
    assert {write.method for write in WRITES} <= {"POST", "PUT", "DELETE"}


@EACH
def test_the_signature_of_a_method_is_the_declared_one(idle_env: WriteEnv, write: Write) -> None:
    parameters = inspect.signature(method_of(idle_env.ops, write)).parameters.values()
    found = [
        (p.name, p.kind is p.POSITIONAL_OR_KEYWORD, p.default, p.annotation.replace("'", '"'))
        for p in parameters
    ]
    assert found == methods.signature(write)


@EACH
def test_a_method_passes_every_argument_on_under_its_own_name(idle_env: WriteEnv, write: Write) -> None:
    passed: list[tuple[Write, Mapping[str, object], Any]] = []

    def run(*arguments: Any) -> None:
        passed.append(arguments)

    owner: Any = type(getattr(idle_env.ops, write.system))
    given = {param.name: f"<{param.name}>" for param in texts.params(write)}
    confirm = {"confirm": "<again>"} if write.confirm else {}
    unique_suffix = {"unique_suffix": True} if write.suffixed_argument else {}
    getattr(owner(run), write.name)(**given, **confirm, **unique_suffix, idempotency_key="<name>")
    ((declared, arguments, options),) = passed
    assert declared is write
    assert arguments == given
    assert (options.idempotency_key, options.confirm) == ("<name>", confirm.get("confirm", ""))
    assert options.unique_suffix == bool(write.suffixed_argument)


def test_completion_offers_the_writes_only(idle_env: WriteEnv) -> None:
    for resources in (idle_env.ops, idle_env.ops.preview):
        for namespace in WITH_WRITES:
            resource = getattr(resources, namespace.system)
            shown = {name for name in dir(resource) if not name.startswith("_")}
            assert shown == {write.name for write in namespace.writes}
            assert all(name in repr(resource) for name in shown)


def test_a_link_has_no_method_that_writes() -> None:
    with Link(key="a" * 64, secret="b" * 64) as link:
        for write in WRITES:
            assert not hasattr(link, write.name)
            assert not hasattr(getattr(link, write.system), write.name)
    # Two reads of wallets are POST requests.
    others = {endpoint.path for endpoint in ENDPOINTS_BY_NAME.values() if endpoint.method != "GET"}
    assert others == {"/sapi/v3/asset/getUserAsset", "/sapi/v1/asset/get-funding-asset"}


@EACH
def test_a_misspelt_keyword_is_refused_by_python_itself(idle_env: WriteEnv, write: Write) -> None:
    with pytest.raises(TypeError):
        method_of(idle_env.ops, write)(subaccountid="1")


# -- declarations ------------------------------------------------------------------------------------------


@EACH
def test_its_reconciliation_is_possible(write: Write) -> None:
    """The read exists, takes arguments that the write has, and returns the columns that are checked."""
    how = write.reconciliation
    own = {param.name for param in write.params if param.fixed is None}
    assert set(write.subject) <= own
    assert write.confirm in {"", *(param.name for param in write.params if param.required)}
    assert how.manual_check
    if how.kind == "manual":
        assert (
            how.read,
            dict(how.read_arguments),
            dict(how.fixed_arguments),
            how.checks,
            how.needs_snapshot,
        ) == ("", {}, {}, (), False)
        return
    read = ENDPOINTS_BY_NAME[how.read]
    asked = {param.name: param for param in read.params}
    shown = {column.name for column in read.columns}
    assert set(how.read_arguments) | set(how.fixed_arguments) <= set(asked)
    assert {name for name, param in asked.items() if param.required} <= set(how.read_arguments) | set(
        how.fixed_arguments
    )
    assert {source for sources in how.read_arguments.values() for source in sources} <= own
    for check in how.checks:
        assert check.column in shown
        assert not check.argument or check.argument in own
        assert bool(check.argument) or check.value is not None or how.kind == "changed"
        if check.choice:
            choices = next(param.choices for param in write.params if param.name == check.argument)
            assert check.choice in choices
    assert how.checks or how.kind == "client_id"
    if how.kind == "client_id":
        assert "client_tran_id" in own
        assert {"client_tran_id", "asset", "qty"} <= shown
    if how.kind == "new_account":
        assert {"tag", "create_time", "sub_account_id"} <= shown
    assert how.needs_snapshot in {"new_key": {True}, "changed": {True}, "gone": {True, False}}.get(
        how.kind, {False}
    )
    assert how.needs_own_key == (write.name == "set_own_customer_id")
    if write.handover_field:
        assert write.handover_field not in {field for column in write.columns for field in column.fields}


@EACH
def test_what_cannot_be_undone_has_to_be_confirmed_and_is_not_repeatable(write: Write) -> None:
    assert bool(write.confirm) == (write.method == "DELETE" and "cannot be undone" in write.summary)
    moves_or_makes = write.name.startswith(("create_", "delete_", "transfer", "universal_transfer"))
    assert write.repeatable == (not moves_or_makes)


@EACH
def test_private_arguments_are_never_in_the_query_string(idle_env: WriteEnv, write: Write) -> None:
    """Not even with ids in the query string, which a proxy may log."""
    ops = idle_env.env.link.operations(journal=idle_env.folder, parameters="mixed")
    preview = method_of(ops.preview, write)(**example(idle_env.world, write.qualified_name))
    ids = {param.field for param in write.params if param.kind == "id" and not param.private}
    assert set(preview.query) == ids & {*preview.query, *preview.body}
    assert {param.field for param in write.params if param.private} <= set(preview.body)


def _pair(write_env: WriteEnv, write: Write) -> tuple[str, str]:
    key = write_env.world.example_write(write.qualified_name).key
    return key.key, key.secret


@EACH
def test_a_write_is_accepted_with_ids_in_the_query_string(write_env: WriteEnv, write: Write) -> None:
    link = write_env.env.new_link(*_pair(write_env, write))
    ops = link.operations(journal=write_env.folder, parameters="mixed")
    assert method_of(ops, write)(**example(write_env.world, write.qualified_name))
    assert len(write_env.effects(write.qualified_name)) == 1


NEEDS = [(write, param) for write in WRITES for param in write.params]


@pytest.mark.parametrize(
    ("write", "param"), NEEDS, ids=lambda each: getattr(each, "qualified_name", getattr(each, "field", ""))
)
def test_required_arguments_are_those_that_the_exchange_requires(
    idle_env: WriteEnv, write: Write, param: Param
) -> None:
    exchange = Exchange(small_world(), FakeClock())
    field, key = exchange.world.example_write(write.qualified_name)
    left = {name: text for name, text in field.items() if name != param.field}
    answer = exchange.handle(placed(write.qualified_name, {}, left, key=key, now_ms=int(NOW * 1000)))
    is_required = f"Mandatory parameter '{param.field}'" in answer.body.decode()
    if param.field != "ipAddress":  # required if the key has none yet
        assert is_required == param.required, answer.body
    given = arguments_of(write, left)
    if param.required and param.fixed is None:
        with pytest.raises((TypeError, UsageError), match=f"{param.name}"):
            method_of(idle_env.ops.preview, write)(**given)
        with pytest.raises(UsageError, match=f"`{param.name}` is required"):
            method_of(idle_env.ops.preview, write)(**given | {param.name: None})


# -- documented responses --------------------------------------------------------------------------------


class Documented(Exchange):
    """An exchange that returns the documented response to each write."""

    def _execute(self, asked: Any) -> object:
        return json.loads((ANSWERS / f"{asked.endpoint.qualified_name}.json").read_text())["documented"]


@pytest.fixture(scope="module")
def documented_env() -> Iterator[WriteEnv]:
    with memory_folder() as folder:
        made = WriteEnv(folder)
        made.env.sandbox.exchange = Documented(made.world, made.env.exchange_clock)
        made.world.accounts[0].id = "1"  # the id in the documented responses
        yield made
        made.close()


def documented_call(write_env: WriteEnv, write: Write) -> dict[str, Any]:
    """Arguments that match the documented response, which repeats some of them."""
    given = example(write_env.world, write.qualified_name)
    answer = DOCUMENTED[write.qualified_name]
    asked = {check.column: check.argument for check in write.reconciliation.checks if check.how == "same"}
    for column in write.columns:
        name = (
            column.name if column.name in {param.name for param in write.params} else asked.get(column.name)
        )
        said = next((answer[field] for field in column.fields if field in answer), None)
        if name and said is not None and name != "api_key":
            given[name] = str(said) if column.kind in ("id", "amount") else said
    return given


@pytest.mark.parametrize("numbers", ["float", "exact"])
@EACH
def test_the_documented_response_becomes_the_declared_frame(
    documented_env: WriteEnv, write: Write, numbers: Numbers
) -> None:
    link = documented_env.env.new_link(*_pair(documented_env, write), numbers=numbers)
    ops = link.operations(journal=documented_env.folder / numbers)
    outcome = method_of(ops, write)(**documented_call(documented_env, write))
    frame = outcome.require_confirmed()
    pd.testing.assert_frame_equal(ops.outcome(outcome.number).require_confirmed(), frame)
    answer = DOCUMENTED[write.qualified_name]
    assert list(frame.columns) == [column.name for column in write.columns]
    assert len(frame) == bool(write.columns)
    assert isinstance(frame.index, pd.RangeIndex)
    for column in write.columns:
        exact = column.kind == "amount" and numbers == "exact"
        assert frame[column.name].dtype == ("exact" if exact else DTYPES[column.kind])
        sent = next(answer[field] for field in column.fields if field in answer)
        value = frame[column.name][0]
        if column.masked:
            assert value == (masked_key(sent) if column.masked == "key" else mask(sent))
            assert sent not in value
        elif column.kind == "time":
            assert value == pd.Timestamp(sent, unit="ms", tz="UTC")
        elif column.kind == "amount":
            assert value == (sent if exact else float(sent))
        else:
            assert value == (str(sent) if column.kind == "id" else sent)
    assert frame.attrs["endpoint"] == write.qualified_name
    assert frame.attrs["undeclared"] == []
    assert frame.attrs["complete"] is True
    assert frame.attrs["source"] == "sandbox"


# -- previews ----------------------------------------------------------------------------------------------


@EACH
def test_a_preview_sends_nothing_and_shows_what_would_be_sent(idle_env: WriteEnv, write: Write) -> None:
    field, given = (
        idle_env.world.example_write(write.qualified_name).parameters,
        example(idle_env.world, write.qualified_name),
    )
    ops = operations_of(idle_env, write.qualified_name)
    requests, journal = len(idle_env.exchange.log), ops.journal.read_bytes()
    preview = method_of(ops.preview, write)(**given)
    assert preview
    assert (preview.endpoint, preview.method, preview.weight) == (
        write.qualified_name,
        write.method,
        write.weight,
    )
    assert preview.address == idle_env.env.link.hosts[write.rate_limit.host] + write.path
    assert preview.rate_limit == write.rate_limit.name
    assert not preview.query
    assert set(field) <= set(preview.body) <= set(field) | {"clientTranId"}
    for param in write.params:
        if param.field in field:
            private, text = param.private, field[param.field]
            assert (preview.body[param.field] == text) != private
    read = write.reconciliation.read
    hint = f"`link.{read}` shows" if read else "no read shows"
    assert any(hint in check.text for check in preview.checks)
    for shown in (repr(preview), preview._repr_html_()):
        assert write.path in shown
        assert "nothing was sent" in shown.lower()
        assert not any(field[param.field] in shown for param in write.params if param.private)
    assert "SANDBOX" in preview._repr_html_()
    assert len(idle_env.exchange.log) == requests
    assert ops.journal.read_bytes() == journal


CONFIRMED = [write for write in WRITES if write.confirm]


@pytest.mark.parametrize("confirm", ["", "yes", "*"])
@pytest.mark.parametrize("write", CONFIRMED, ids=lambda write: write.qualified_name)
def test_what_cannot_be_undone_is_not_sent_without_confirmation(
    idle_env: WriteEnv, write: Write, confirm: str
) -> None:
    given = example(idle_env.world, write.qualified_name) | {"confirm": confirm}
    preview = method_of(idle_env.ops.preview, write)(**given)
    assert not preview
    assert f"✕ this cannot be undone: `confirm` has to repeat `{write.confirm}`" in repr(preview)
    again = f"`{write.confirm}` again as `confirm=`"
    refused(idle_env, write.qualified_name, given, "this cannot be undone", again)


def test_an_id_can_be_confirmed_as_text_or_as_a_number(write_env: WriteEnv) -> None:
    given = example(write_env.world, "exchange.delete_sub_account")
    assert write_env.ops.exchange.delete_sub_account(
        int(given["sub_account_id"]), confirm=given["sub_account_id"]
    )


# -- arguments ---------------------------------------------------------------------------------------------


def refused(
    write_env: WriteEnv, endpoint_name: str, given: Mapping[str, Any], *said: str, **options: Any
) -> None:
    """Check that the call is refused with these words: nothing was sent, and the journal is unchanged."""
    requests = len(write_env.exchange.log)
    ops = operations_of(write_env, endpoint_name)
    journal = ops.journal.read_bytes()
    with pytest.raises(UsageError) as caught:
        call(ops, endpoint_name, given, **options)
    for words in ("Nothing was sent", *said):
        assert words in str(caught.value)
    assert len(write_env.exchange.log) == requests
    assert ops.journal.read_bytes() == journal


class Coin(Enum):
    HALF = "0.50"


GOOD_AMOUNTS = [
    (Decimal("12.5"), "12.5"),
    (Decimal("1E+1"), "10"),
    (Decimal("1E-8"), "0.00000001"),
    (Decimal("0.30"), "0.3"),
    ("12.50", "12.5"),
    ("0.00000001", "0.00000001"),
    (12, "12"),
    (12.5, "12.5"),
    (0.3, "0.3"),
    (1e-8, "0.00000001"),
    (1e2, "100"),
    (np.int64(3), "3"),
    (np.float64(1.25), "1.25"),
    (Coin.HALF, "0.5"),
]


@pytest.mark.parametrize(("amount", "sent"), GOOD_AMOUNTS, ids=repr)
def test_an_amount_is_sent_in_plain_digits_without_rounding(
    write_env: WriteEnv, amount: Any, sent: str
) -> None:
    given = example(write_env.world, "exchange.transfer") | {"amount": amount}
    outcome = write_env.ops.exchange.transfer(**given)
    (effect,) = write_env.effects("exchange.transfer")
    assert Decimal(effect.parameters["amount"]) == Decimal(sent)
    assert effect.parameters["amount"] == sent
    assert outcome.arguments["amount"] == sent


BAD_AMOUNTS = [
    0.1 + 0.2, 1e-9, 1.123456789, 123456789.12345678, 1e19, float("nan"), float("inf"), -1.5, 0.0, -1, 0,
    True, False, "1,000", "1e3", "1E-8", "-1", "+1", " 1", "1 ", "1.", ".5", "1_000", "0x10", "NaN", "", "0",
    "0.000", "0." + "1" * 19, "1" * 20, 10**19, Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"),
    Decimal("-0.5"), Decimal(0), Decimal("1e-19"), Decimal("1e30"), b"1", [1], 1j, np.float32(0.3),
    np.float64("nan"), Decimal("1234567890.00000000000000000001"),
]  # fmt: skip


@pytest.mark.parametrize("amount", BAD_AMOUNTS, ids=repr)
def test_an_invalid_or_ambiguous_amount_is_refused(idle_env: WriteEnv, amount: Any) -> None:
    given = example(idle_env.world, "exchange.transfer") | {"amount": amount}
    refused(idle_env, "exchange.transfer", given, "exchange.transfer: `amount`")


AMOUNTS = [(write, param) for write in WRITES for param in write.params if param.kind in ("amount", "rate")]


@pytest.mark.parametrize(
    ("write", "param"), AMOUNTS, ids=lambda each: getattr(each, "qualified_name", getattr(each, "name", ""))
)
def test_every_amount_and_rate_is_checked(idle_env: WriteEnv, write: Write, param: Param) -> None:
    given = example(idle_env.world, write.qualified_name)
    for value in (0.1 + 0.2, True, "1,000", -1, float("nan"), Decimal("NaN"), Decimal("sNaN")):
        refused(
            idle_env,
            write.qualified_name,
            given | {param.name: value},
            f"{write.qualified_name}: `{param.name}`",
        )


@pytest.mark.parametrize("rate", ["1.1", 2, 1.00001, "0.1%", Decimal("-0.001"), "100"], ids=repr)
def test_a_rate_is_a_fraction(idle_env: WriteEnv, rate: Any) -> None:
    given = example(idle_env.world, "exchange.set_commission") | {"taker": rate}
    refused(idle_env, "exchange.set_commission", given, "`taker`")


@pytest.mark.parametrize(
    ("rate", "sent"),
    [("0.0005", "0.0005"), (0.0005, "0.0005"), (Decimal("5E-4"), "0.0005")],
)
def test_a_rate_is_sent_in_plain_digits(write_env: WriteEnv, rate: Any, sent: str) -> None:
    given = example(write_env.world, "exchange.set_commission") | {"maker": rate}
    assert write_env.ops.exchange.set_commission(**given)
    assert write_env.effects("exchange.set_commission")[0].parameters["makerCommission"] == sent


def test_equal_amounts_are_the_same_in_every_notation(write_env: WriteEnv) -> None:
    given = example(write_env.world, "exchange.transfer")
    for amount in ("1.5", "1.50", "01.5", 1.5, Decimal("1.500"), np.float64(1.5)):
        outcome = write_env.ops.exchange.transfer(**given | {"amount": amount}, idempotency_key="payout")
        assert (outcome.number, outcome.status) == (1, "confirmed")
    refused(
        write_env,
        "exchange.transfer",
        given | {"amount": "1.51"},
        "another call, #1",
        idempotency_key="payout",
    )
    assert len(write_env.effects("exchange.transfer")) == 1


def test_different_amounts_stay_different_in_any_decimal_context(write_env: WriteEnv) -> None:
    given = example(write_env.world, "exchange.transfer")
    with localcontext(prec=3):
        assert write_env.ops.exchange.transfer(**given | {"amount": "1234.56"}, idempotency_key="payout")
        other = given | {"amount": "1234.57"}
        refused(write_env, "exchange.transfer", other, "another call", idempotency_key="payout")
    assert write_env.effects("exchange.transfer")[0].parameters["amount"] == "1234.56"


GOOD_ADDRESSES = [
    ("192.0.2.7", "192.0.2.7"),
    ("192.0.2.7, 192.0.2.8", "192.0.2.7,192.0.2.8"),
    (["192.0.2.7", "192.0.2.8"], "192.0.2.7,192.0.2.8"),
    (("192.0.2.7", "192.0.2.7"), "192.0.2.7"),
    (["2001:DB8:0:0::1"], "2001:db8::1"),
]


@pytest.mark.parametrize(("addresses", "sent"), GOOD_ADDRESSES)
def test_addresses_can_be_a_list_or_text(write_env: WriteEnv, addresses: Any, sent: str) -> None:
    given = example(write_env.world, "exchange.set_ip_restriction") | {"addresses": addresses}
    outcome = write_env.ops.exchange.set_ip_restriction(**given)
    assert outcome
    assert write_env.effects("exchange.set_ip_restriction")[0].parameters["ipAddress"] == sent
    assert set(sent.split(",")) <= set(outcome.require_confirmed()["ip_list"][0])


BAD_ADDRESSES = [
    "192.0.2.0/24",
    ["192.0.2.7", "nonsense"],
    "192.0.2.7-192.0.2.9",
    [],
    "",
    {},
    7,
    ["192.0.2.7", None],
]


@pytest.mark.parametrize("endpoint_name", ["exchange.set_ip_restriction", "exchange.remove_addresses"])
@pytest.mark.parametrize("addresses", BAD_ADDRESSES, ids=repr)
def test_invalid_addresses_are_refused(idle_env: WriteEnv, endpoint_name: str, addresses: Any) -> None:
    refused(
        idle_env,
        endpoint_name,
        example(idle_env.world, endpoint_name) | {"addresses": addresses},
        f"{endpoint_name}: `addresses`",
    )


def test_a_tag_is_shorter_than_32_characters(write_env: WriteEnv) -> None:
    refused(
        write_env,
        "exchange.create_sub_account",
        {"tag": "t" * 32},
        "`tag` has 32 characters; at most 31 are allowed",
    )
    assert write_env.ops.exchange.create_sub_account(tag="t" * 31)


def test_a_client_id_has_at_most_32_characters(write_env: WriteEnv) -> None:
    given = example(write_env.world, "exchange.transfer")
    refused(write_env, "exchange.transfer", given | {"client_tran_id": "c" * 33}, "`client_tran_id`", "32")
    outcome = write_env.ops.exchange.transfer(**given, client_tran_id="c" * 32)
    assert outcome.require_confirmed()["client_tran_id"][0] == "c" * 32


def test_every_transfer_gets_a_client_id_before_it_is_sent(write_env: WriteEnv) -> None:
    given = example(write_env.world, "exchange.transfer")
    made = {write_env.ops.exchange.transfer(**given).arguments["client_tran_id"] for _ in range(2)}
    sent = {effect.parameters["clientTranId"] for effect in write_env.effects("exchange.transfer")}
    assert made == sent
    assert all(re.fullmatch("[A-Za-z0-9]{20,32}", text) for text in sent)
    assert len(sent) == 2


IDS = [(write, param) for write in WRITES for param in write.params if param.kind == "id"]


@pytest.mark.parametrize(
    ("write", "param"), IDS, ids=lambda each: getattr(each, "qualified_name", getattr(each, "name", ""))
)
def test_an_id_is_never_a_float_nor_empty(idle_env: WriteEnv, write: Write, param: Param) -> None:
    given = example(idle_env.world, write.qualified_name)
    wrong = given | {param.name: 3.675e17}
    refused(
        idle_env,
        write.qualified_name,
        wrong,
        f"`{param.name}` must be text",
        "a float cannot hold an id exactly",
    )
    refused(idle_env, write.qualified_name, given | {param.name: " "}, f"`{param.name}` is empty")


WITH_KEY = [
    write.qualified_name for write in WRITES if any(param.name == "api_key" for param in write.params)
]


@pytest.mark.parametrize("endpoint_name", WITH_KEY)
def test_a_masked_key_is_refused(idle_env: WriteEnv, endpoint_name: str) -> None:
    given = example(idle_env.world, endpoint_name)
    masked = masked_key(given["api_key"])
    given |= {"api_key": masked} | ({"confirm": masked} if "confirm" in given else {})
    refused(idle_env, endpoint_name, given, "`api_key` is masked (***): pass it in full")


@pytest.mark.parametrize("endpoint_name", ["spot.set_customer_id", "futures.set_customer_id"])
def test_an_email_address_has_to_be_valid_and_unmasked(idle_env: WriteEnv, endpoint_name: str) -> None:
    given = example(idle_env.world, endpoint_name)
    refused(idle_env, endpoint_name, given | {"email": "nobody"}, "`email` must be an e-mail address")
    refused(idle_env, endpoint_name, given | {"email": "om***@***.com"}, "`email` is masked")


CHOICES = [(write, param) for write in WRITES for param in write.params if param.choices]


@pytest.mark.parametrize("wrong", ["xx", 9, True, 1.0, ""])
@pytest.mark.parametrize(
    ("write", "param"), CHOICES, ids=lambda each: getattr(each, "qualified_name", getattr(each, "name", ""))
)
def test_an_invalid_choice_is_refused_and_the_valid_ones_are_listed(
    idle_env: WriteEnv, write: Write, param: Param, wrong: object
) -> None:
    given = example(idle_env.world, write.qualified_name) | {param.name: wrong}
    refused(
        idle_env,
        write.qualified_name,
        given,
        f"`{param.name}` must be",
        *(f'"{word}"' for word in param.choices),
    )


FLAGS = [(w, p) for w in WRITES for p in w.params if p.kind == "flag" and p.fixed is None]


@pytest.mark.parametrize(
    ("write", "param"), FLAGS, ids=lambda each: getattr(each, "qualified_name", getattr(each, "name", ""))
)
def test_a_flag_is_true_or_false(idle_env: WriteEnv, write: Write, param: Param) -> None:
    for wrong in ("false", 0, 1, "yes"):
        given = example(idle_env.world, write.qualified_name) | {param.name: wrong}
        refused(idle_env, write.qualified_name, given, f"`{param.name}` must be True or False")


@pytest.mark.parametrize("adjustment", [-1, 1.0, "20", True])
def test_an_adjustment_is_a_whole_number(idle_env: WriteEnv, adjustment: Any) -> None:
    given = example(idle_env.world, "exchange.set_um_commission") | {"maker_adjustment": adjustment}
    refused(idle_env, "exchange.set_um_commission", given, "`maker_adjustment` must be a whole number")


@pytest.mark.parametrize("idempotency_key", ["", " ", "\u00a0\n", "n" * 65, 7, b"x", True])
def test_an_idempotency_key_is_short_text(idle_env: WriteEnv, idempotency_key: Any) -> None:
    given = example(idle_env.world, "exchange.enable_futures")
    refused(
        idle_env,
        "exchange.enable_futures",
        given,
        "`idempotency_key` must be text of 1 to 64 characters",
        idempotency_key=idempotency_key,
    )


def test_one_side_of_a_transfer_has_to_be_a_sub_account(idle_env: WriteEnv) -> None:
    for endpoint_name in ("exchange.transfer", "exchange.transfer_futures", "exchange.universal_transfer"):
        given = example(idle_env.world, endpoint_name) | {"to_id": None}
        refused(idle_env, endpoint_name, given, "`from_id` or `to_id` is required")


def test_writing_to_the_real_exchange_has_to_be_confirmed() -> None:
    with memory_folder() as folder, Link(key="a" * 64, secret="b" * 64) as link:
        for said in ("", "yes", "LIVE"):
            with pytest.raises(UsageError, match='confirm="live"'):
                link.operations(confirm=said, journal=folder)
        assert link.operations(confirm="live", journal=folder).history().attrs["source"] == "live"


def test_a_key_needs_its_secret_and_parameters_a_valid_placement(idle_env: WriteEnv) -> None:
    for half, said in (({"key": "a" * 64}, "`key` needs either"), ({"secret": "b" * 64}, "`key` is missing")):
        with pytest.raises(NoKeyError, match=said):
            idle_env.env.link.operations(journal=idle_env.folder, **half)
    with pytest.raises(UsageError, match='`parameters` must be "body"'):
        idle_env.env.link.operations(journal=idle_env.folder, parameters="header")  # type: ignore[arg-type]
