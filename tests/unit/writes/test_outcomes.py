"""Outcomes of writes: correct after every accident, sent once, reconciled by reading."""

from __future__ import annotations

import copy
import gc
import html
import pickle
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import pytest

from tests.support.sandbox_env import IMPATIENT
from tests.support.writes import (
    HOLDS,
    MANUAL,
    RECONCILABLE,
    REPEATABLE,
    TRACELESS,
    UNCLEAR,
    WRITE_NAMES,
    WriteEnv,
    another,
    call,
    do,
    example,
    operations_of,
)
from toolkit.api.writes.operations import Operations
from toolkit.endpoints import ENDPOINTS_BY_NAME, WRITES_BY_NAME
from toolkit.errors import (
    ApiError,
    BannedError,
    ClockError,
    ContractError,
    CredentialsError,
    FirewallError,
    NotExecutedError,
    NotFoundError,
    OutcomeUnknownError,
    ParameterError,
    PendingWriteError,
    RateLimitError,
    RefusedError,
    ServerError,
    ToolkitError,
    UndeclaredFieldWarning,
    UsageError,
)
from toolkit.frames.builder import FrameBuilder
from toolkit.sandbox.exchange import Exchange
from toolkit.sandbox.world.tables import ListTable
from toolkit.writes import Outcome
from toolkit.writes.executor import WriteExecutor

EACH = pytest.mark.parametrize("endpoint_name", WRITE_NAMES)
WINDOW = 15.0
"""Seconds after which a request cannot be executed any more: its window, and what it may be at work."""


# -- every write, every accident -------------------------------------------------------------------------

LOST: dict[str, tuple[str, dict[str, Any], bool]] = {
    # name of the accident: kind of fault, its options, whether the write is executed
    "server-error-before": ("server-error", {**UNCLEAR, "after_effect": False}, False),
    "server-error-after": ("server-error", {**UNCLEAR, "after_effect": True}, True),
    "timeout-after": ("timeout", {}, True),
    "reset-before": ("reset-before", {}, False),
    "reset-after": ("reset", {}, True),
    "cut": ("cut", {}, True),
}


@EACH
def test_an_executed_write_is_confirmed(write_env: WriteEnv, endpoint_name: str) -> None:
    sent, given = (
        write_env.world.example_write(endpoint_name).parameters,
        example(write_env.world, endpoint_name),
    )
    ops = operations_of(write_env, endpoint_name)
    assert not HOLDS[endpoint_name](write_env.world, sent)
    outcome = call(ops, endpoint_name, given)
    assert outcome.status == "confirmed"
    assert HOLDS[endpoint_name](write_env.world, sent)
    assert (len(write_env.effects(endpoint_name)), write_env.sent(endpoint_name)) == (1, 1)
    assert list(outcome.require_confirmed().columns) == [
        column.name for column in WRITES_BY_NAME[endpoint_name].columns
    ]
    assert len(outcome.require_confirmed()) == bool(WRITES_BY_NAME[endpoint_name].columns)


@EACH
def test_a_refused_write_is_rejected(write_env: WriteEnv, endpoint_name: str) -> None:
    example_write = write_env.world.example_write(endpoint_name)
    is_customers = example_write.key.name == "customer"
    writer = "partner" if is_customers else "read-only"
    ops = write_env.operations(example_write.key.name, writer, same_account=not is_customers)
    outcome = call(ops, endpoint_name, example(write_env.world, endpoint_name))
    assert outcome.status == "rejected"
    assert isinstance(outcome.error, CredentialsError)
    assert "-2015" in outcome.reason
    assert not HOLDS[endpoint_name](write_env.world, example_write.parameters)
    assert (len(write_env.effects(endpoint_name)), write_env.sent(endpoint_name)) == (0, 1)


@pytest.mark.parametrize("accident", LOST)
@EACH
def test_a_lost_write_is_unknown_and_reconcile_finds_what_happened(
    folder: Path, endpoint_name: str, accident: str
) -> None:
    kind, options, executed = LOST[accident]
    write_env = WriteEnv(folder, link={"timeout": IMPATIENT} if kind == "timeout" else {})
    try:
        lost_and_found(write_env, endpoint_name, kind, options, executed)
    finally:
        write_env.close()


def lost_and_found(
    write_env: WriteEnv, endpoint_name: str, kind: str, options: dict[str, Any], executed: bool
) -> None:
    """One write and one accident: unknown first, then what the exchange shows."""
    sent, given = (
        write_env.world.example_write(endpoint_name).parameters,
        example(write_env.world, endpoint_name),
    )
    ops = operations_of(write_env, endpoint_name)
    write_env.fail(endpoint_name, kind, **options)
    outcome = call(ops, endpoint_name, given)
    assert outcome.status == "unknown"
    assert isinstance(outcome.error, OutcomeUnknownError)
    assert outcome.error.number == outcome.number
    assert (len(write_env.effects(endpoint_name)), write_env.sent(endpoint_name)) == (executed, 1)
    assert HOLDS[endpoint_name](write_env.world, sent) == executed
    began = write_env.clock.time()

    assert outcome.reconcile() is outcome
    manual = endpoint_name in MANUAL or (executed and endpoint_name in TRACELESS)
    if manual:
        assert outcome.status == "unknown"
        assert WRITES_BY_NAME[endpoint_name].reconciliation.manual_check in outcome.reason
        assert f"`ops.resolve({outcome.number}, executed=...)`" in outcome.reason
        if not executed:
            with pytest.raises(UsageError, match="may still be executed for 15 s"):
                ops.resolve(outcome.number, executed=False)
            write_env.clock.sleep(WINDOW + 1)
        outcome = ops.resolve(outcome.number, executed=executed)
    elif executed:
        # One host gives its time in whole seconds, and the response must certainly be newer than the call.
        rough = 1.0 if WRITES_BY_NAME[endpoint_name].rate_limit.host == "papi" else 0.0
        assert write_env.clock.time() <= began + rough, "if the exchange shows it, it was executed: no wait"
    else:
        assert write_env.clock.time() > began + WINDOW, "absence proves nothing until the request has expired"
    assert outcome.status == ("confirmed" if executed else "rejected")
    assert bool(outcome) == executed
    assert (len(write_env.effects(endpoint_name)), write_env.sent(endpoint_name)) == (executed, 1)
    (entry,) = ops.history().to_dict("records")
    assert (entry["number"], entry["status"]) == (outcome.number, outcome.status)
    assert entry["resolved_by"] == ("person" if manual else "read")

    requests = len(write_env.exchange.log)
    assert outcome.reconcile().status == ("confirmed" if executed else "rejected")
    if not (manual and endpoint_name in RECONCILABLE):
        assert len(write_env.exchange.log) == requests, "a resolved write is not read again"


@EACH
def test_an_unresolved_write_blocks_others_about_the_same_thing(
    write_env: WriteEnv, endpoint_name: str
) -> None:
    given = example(write_env.world, endpoint_name)
    ops = operations_of(write_env, endpoint_name)
    write_env.fail(endpoint_name, "reset")
    lost = call(ops, endpoint_name, given)
    assert lost.status == "unknown"
    other = another(endpoint_name, given)
    if other is not None:
        requests = len(write_env.exchange.log)
        with pytest.raises(PendingWriteError, match=f"`ops.reconcile\\({lost.number}\\)`") as caught:
            call(ops, endpoint_name, other)
        assert caught.value.number == lost.number
        assert len(write_env.exchange.log) == requests
        assert not call(ops.preview, endpoint_name, other)
    if endpoint_name in REPEATABLE:  # repeating it has the same effect, and resolves the first one
        assert call(ops.preview, endpoint_name, given)
        assert call(ops, endpoint_name, given).status == "confirmed"
        assert ops.outcome(lost.number).status == "confirmed"
        assert list(ops.history()["resolved_by"]) == ["repetition", "answer"]


# -- meanings of responses -----------------------------------------------------------------------------

NOTHING_DONE: dict[str, tuple[str, dict[str, Any], type[ToolkitError], str]] = {
    # name of the response: kind of fault, its options, what `require_confirmed` raises, part of the reason
    "parameter": (
        "error",
        {"code": -1102, "message": "No tag."},
        ParameterError,
        "(HTTP 400, code -1102): No tag",
    ),
    "unknown-code": ("error", {"code": -99_999, "message": "New."}, ApiError, "code -99999): New"),
    "refused": ("error", {"code": -5002, "message": "Poor."}, RefusedError, "code -5002): Poor"),
    "clock": ("error", {"code": -1021, "message": "Late."}, ClockError, "code -1021): Late"),
    "wrapped": ("wrapped-error", {"code": -5002, "message": "Poor."}, RefusedError, "HTTP 200, code -5002"),
    "firewall": ("firewall", {}, FirewallError, "HTTP 403"),
    "not-found": ("html", {"status": 404}, NotFoundError, "HTTP 404"),
    "too-much": ("rate-limit", {"seconds": 5}, RateLimitError, "HTTP 429"),
    "banned": ("ban", {}, BannedError, "HTTP 418"),
}


@pytest.mark.parametrize("answer", NOTHING_DONE)
def test_a_response_that_says_nothing_was_executed_is_a_rejection(write_env: WriteEnv, answer: str) -> None:
    kind, options, error, told = NOTHING_DONE[answer]
    write_env.fail("exchange.set_commission", kind, **options)
    outcome = do(write_env, "exchange.set_commission")
    assert outcome.status == "rejected"
    assert told in outcome.reason
    assert type(outcome.error) is error
    with pytest.raises(error):
        outcome.require_confirmed()
    assert (len(write_env.effects(outcome.endpoint)), write_env.sent(outcome.endpoint)) == (0, 1)
    with pytest.raises(NotExecutedError, match="may be sent again"):
        write_env.ops.outcome(outcome.number).require_confirmed()


SAYS_NOTHING: dict[str, tuple[str, dict[str, Any], str]] = {
    # name of the response: kind of fault, its options, part of the reason
    "408": ("error", {"status": 408, "code": -1100, "message": "Slow."}, "HTTP 408, code -1100: Slow"),
    "409": ("error", {"status": 409, "code": -1100, "message": "Half."}, "HTTP 409"),
    "500": ("server-error", {"status": 500}, "HTTP 500"),
    "502-page": ("html", {"status": 502}, "HTTP 502: 502 502 Bad Gateway gateway"),
    "timeout-code": ("error", {"code": -1007, "message": "Unknown."}, "HTTP 400, code -1007: Unknown"),
    "unexpected-code": ("error", {"code": -1006}, "code -1006"),
    "any-error-code": ("error", {"code": -1000}, "code -1000"),
    "wrapped-server-code": ("wrapped-error", {"code": -1000}, "HTTP 200, code -1000"),
    "wrapped-unknown-code": ("wrapped-error", {"code": -99_999}, "HTTP 200, code -99999"),
    "page-200": ("html", {"status": 200}, "not JSON"),
    "redirect": ("redirect", {"to": "https://evil.example/x?y=1"}, "HTTP 302"),
    "missing-field": ("missing-field", {"field": "makerCommission"}, "no field 'makerCommission'"),
}


@pytest.mark.parametrize("answer", SAYS_NOTHING)
def test_an_unclear_response_leaves_the_outcome_unknown(write_env: WriteEnv, answer: str) -> None:
    kind, options, told = SAYS_NOTHING[answer]
    write_env.fail("exchange.set_commission", kind, **options)
    outcome = do(write_env, "exchange.set_commission")
    assert outcome.status == "unknown"
    assert told in outcome.reason
    assert type(outcome.error) is OutcomeUnknownError
    with pytest.raises(OutcomeUnknownError, match="sent once and is not sent again"):
        outcome.require_confirmed()
    assert write_env.sent(outcome.endpoint) == 1
    executed = len(write_env.effects(outcome.endpoint))
    assert executed == (kind == "missing-field")
    assert outcome.reconcile().status == ("confirmed" if executed else "rejected")


class Answering(Exchange):
    """An exchange that executes requests and sends a response of the test's choice."""

    payload: object = None

    def _execute(self, asked: Any) -> object:
        super()._execute(asked)
        return self.payload


MALFORMED_RESPONSES: dict[str, tuple[str, object]] = {
    "list": ("exchange.set_commission", []),
    "text": ("exchange.set_commission", "done"),
    "number": ("exchange.delete_sub_account", 1),
    "empty": ("exchange.set_commission", {}),
    "no-success": ("exchange.transfer_futures", {"success": False, "txnId": "1", "clientTranId": "a"}),
    "no-success-deleted": ("exchange.delete_sub_account", {"success": False}),
    "null": ("exchange.transfer", {"txnId": {}, "clientTranId": "a"}),
    "strange-amount": (
        "exchange.set_commission",
        {"subAccountId": "1", "makerCommission": "much", "takerCommission": 0.1},
    ),
    # A deletion is documented to have an empty response: one with fields is not as documented.
    "code-deleted": ("exchange.delete_sub_account", {"code": 700_001, "msg": "Try again."}),
    "text-code-deleted": ("exchange.delete_api_key", {"code": "-1000", "msg": "Try again."}),
    "message-deleted": ("exchange.delete_api_key", {"msg": "Too many requests."}),
}


@pytest.mark.parametrize("answer", MALFORMED_RESPONSES)
def test_a_malformed_response_leaves_the_outcome_unknown(folder: Path, answer: str) -> None:
    endpoint_name, payload = MALFORMED_RESPONSES[answer]
    write_env = WriteEnv(folder)
    try:
        exchange = Answering(write_env.world, write_env.env.exchange_clock)
        exchange.payload = payload
        write_env.env.sandbox.exchange = write_env.exchange = exchange
        outcome = do(write_env, endpoint_name)
        assert outcome.status == "unknown"
        assert outcome.reconcile().status == "confirmed"
        assert len(write_env.effects(endpoint_name)) == 1
    finally:
        write_env.close()


def calls_of(function: Callable[..., object], within: Callable[[], object]) -> int:
    """How often a function is called while another one runs."""
    wanted: CodeType = function.__code__  # type: ignore[attr-defined]
    found = []

    def look(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is wanted:
            found.append(frame.f_lineno)

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        within()
    finally:
        sys.setprofile(before)
    return len(found)


def test_a_frame_is_built_once_and_an_outcome_holds_no_executor(write_env: WriteEnv) -> None:
    made: list[Outcome] = []
    assert calls_of(FrameBuilder.frame, lambda: made.append(do(write_env, "exchange.set_commission"))) == 1
    assert calls_of(FrameBuilder.frame, lambda: write_env.ops.outcome(made[0].number)) == 1
    assert write_env.ops.outcome(made[0].number).require_confirmed().equals(made[0].require_confirmed())
    assert (
        write_env.ops.outcome(made[0].number).require_confirmed().attrs == made[0].require_confirmed().attrs
    )
    reached, left = {id(made[0])}, list(vars(made[0]).values())
    while left:
        held = left.pop()
        assert not isinstance(held, WriteExecutor)
        if id(held) in reached or not type(held).__module__.startswith(("toolkit.", "builtins")):
            continue
        reached.add(id(held))
        if isinstance(held, FunctionType):  # not part of its own data
            held = held.__closure__ or ()
        left += [each for each in gc.get_referents(held) if not isinstance(each, type | ModuleType)]
    assert len(reached) > 10, "the attributes of an outcome were searched"


def test_an_undeclared_field_breaks_nothing_and_is_not_stored(write_env: WriteEnv) -> None:
    write_env.fail("exchange.set_commission", "unknown-field", field="surprise", value="hush-hush")
    with pytest.warns(UndeclaredFieldWarning, match="exchange.set_commission: .* surprise") as warned:
        outcome = do(write_env, "exchange.set_commission")
    assert warned[0].filename.endswith(("/writes/test_outcomes.py", "/support/writes.py")), (
        "the warning points to the user's code"
    )
    assert outcome
    assert outcome.require_confirmed().attrs["undeclared"] == ["surprise"]
    assert "surprise" not in outcome.require_confirmed().columns
    assert b"hush-hush" not in write_env.ops.journal.read_bytes()


def test_a_response_that_should_be_empty_and_is_not_is_unclear(write_env: WriteEnv) -> None:
    write_env.fail("exchange.delete_sub_account", "unknown-field", field="status", value="FAIL")
    outcome = do(write_env, "exchange.delete_sub_account")
    assert outcome.status == "unknown"
    assert "it should be empty, but has the fields status" in outcome.reason
    assert outcome.reconcile().status == "confirmed"


def test_warnings_as_errors_lose_no_new_key(write_env: WriteEnv) -> None:
    write_env.fail("exchange.create_api_key", "unknown-field")
    with pytest.raises(UndeclaredFieldWarning) as raised:
        do(write_env, "exchange.create_api_key")
    assert isinstance(raised.value.outcome, Outcome)
    assert raised.value.outcome.take_key().secret


UNAVAILABLE = "Service Unavailable."
INTERNAL = "Internal error; unable to process your request. Please try again."
THROTTLED = (
    "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. "
    "Please try again."
)
UNKNOWN = "Unknown error, please check your request or try again later."
MESSAGES = [
    (503, -1000, UNAVAILABLE, "rejected"),
    (503, -1001, INTERNAL, "rejected"),
    (503, -1008, THROTTLED, "rejected"),
    (503, -1000, UNKNOWN, "unknown"),
    (503, -1000, "Request occur unknown error.", "unknown"),
    (503, -1007, "Timeout waiting for response from backend server.", "unknown"),
    (500, -1000, UNAVAILABLE, "unknown"),
    (504, -1001, INTERNAL, "unknown"),
]


@pytest.mark.parametrize(
    "endpoint_name", ["futures.set_customer_id", "portfolio.set_own_customer_id", "spot.set_customer_id"]
)
@pytest.mark.parametrize(("status", "code", "message", "expected"), MESSAGES)
def test_only_the_documented_5xx_of_futures_means_not_executed(
    write_env: WriteEnv, endpoint_name: str, status: int, code: int, message: str, expected: str
) -> None:
    write_env.fail(endpoint_name, "server-error", status=status, code=code, message=message)
    outcome = do(write_env, endpoint_name)
    spot = endpoint_name.startswith("spot")
    assert outcome.status == ("unknown" if spot else expected)
    assert message.rstrip(".") in outcome.reason
    if outcome.status == "rejected":
        assert isinstance(outcome.error, NotExecutedError)
        assert do(write_env, endpoint_name)


def test_a_refused_connection_means_nothing_was_executed(write_env: WriteEnv) -> None:
    assert do(write_env, "exchange.enable_futures")
    given = example(write_env.world, "exchange.set_commission")
    write_env.env.sandbox.stop()
    outcome = write_env.ops.exchange.set_commission(**given)
    assert outcome.status == "rejected"
    assert "it was never sent" in outcome.reason
    assert isinstance(outcome.error, NotExecutedError)
    assert write_env.effects("exchange.set_commission") == []


def test_nothing_is_sent_during_a_ban(write_env: WriteEnv) -> None:
    write_env.fail("exchange.enable_futures", "ban", seconds=120)
    assert do(write_env, "exchange.enable_futures").status == "rejected"
    requests = len(write_env.exchange.log)
    given = example(write_env.world, "exchange.set_commission")
    preview = write_env.ops.preview.exchange.set_commission(**given)
    assert not preview
    assert "this address is banned until 2026-01-01 00:02" in repr(preview)
    outcome = write_env.ops.exchange.set_commission(**given)
    assert outcome.status == "rejected"
    assert isinstance(outcome.error, BannedError)
    assert len(write_env.exchange.log) == requests
    write_env.clock.advance(125)
    assert write_env.ops.exchange.set_commission(**given)


def test_the_call_after_a_429_waits_for_retry_after(write_env: WriteEnv) -> None:
    write_env.fail("exchange.set_commission", "rate-limit", seconds=7)
    began = write_env.clock.time()
    assert do(write_env, "exchange.set_commission").status == "rejected"
    assert write_env.clock.time() == began
    assert do(write_env, "exchange.set_commission")
    assert write_env.clock.time() >= began + 7


# -- absence -------------------------------------------------------------------------------


@pytest.mark.parametrize("recv_window", [1000, 5000, 60_000])
def test_absence_proves_nothing_until_the_request_has_expired(folder: Path, recv_window: int) -> None:
    write_env = WriteEnv(folder, ahead=-40.0, link={"recv_window": recv_window})
    try:
        write_env.fail("exchange.create_sub_account", "reset-before")
        outcome = do(write_env, "exchange.create_sub_account")
        began, left = write_env.clock.time(), recv_window / 1000 + 10
        assert outcome.reconcile(wait=False).status == "unknown"
        assert "no sub-account with the tag 'example' was created at that time" in outcome.reason
        assert f"the call may still be executed for {left:.0f} s. Ask again then" in outcome.reason
        assert write_env.clock.time() == began
        write_env.clock.advance(left - 1)
        assert outcome.reconcile(wait=False).status == "unknown"
        assert outcome.reconcile().status == "rejected"
        assert left < write_env.clock.time() - began < left + 1
    finally:
        write_env.close()


def test_a_write_executed_late_is_found(write_env: WriteEnv) -> None:
    write_env.fail("exchange.create_sub_account", "reset-before")
    outcome = do(write_env, "exchange.create_sub_account", unique_suffix=True)
    assert outcome.reconcile(wait=False).status == "unknown"
    write_env.clock.advance(9)
    made = write_env.world.add_account(outcome.arguments["tag"], write_env.env.now)
    assert outcome.reconcile().status == "confirmed"
    assert outcome.require_confirmed()["sub_account_id"][0] == made.id


def moved(write_env: WriteEnv, endpoint_name: str, **change: Any) -> dict[str, Any]:
    """The row that the exchange's list of transfers would show of the example."""
    sent = write_env.world.example_write(endpoint_name).parameters
    row = {
        "fromId": "",
        "toId": sent["toId"],
        "asset": "USDT",
        "qty": "12.50000000",
        "time": write_env.env.now + 200,
        "txnId": "77",
        "clientTranId": "mine",
        "status": "SUCCESS",
    }
    if endpoint_name == "exchange.universal_transfer":
        row |= {"fromAccountType": "SPOT", "toAccountType": "USDT_FUTURE"}
    if endpoint_name == "exchange.transfer_futures":
        row["tranId"] = row.pop("txnId")
        del row["status"]
    return row | change


def after_a_lost_transfer(
    write_env: WriteEnv, endpoint_name: str, *rows: dict[str, Any], own: bool = False
) -> Outcome:
    """A transfer that was lost before it was executed, and what the exchange's list shows.

    Args:
        write_env: The sandbox.
        endpoint_name: The transfer.
        rows: Rows of the list; "mine" in one is the id of the transfer.
        own: Whether the user chose that id.
    """
    given = example(write_env.world, endpoint_name)
    given.pop("client_tran_id", None)
    write_env.fail(endpoint_name, "reset-before")
    outcome: Outcome = call(write_env.ops, endpoint_name, given | ({"client_tran_id": "mine"} if own else {}))
    assert outcome.status == "unknown"
    number = outcome.arguments["client_tran_id"]
    shown = [row | ({"clientTranId": number} if row["clientTranId"] == "mine" else {}) for row in rows]
    write_env.env.replace_exchange(
        tables={WRITES_BY_NAME[endpoint_name].reconciliation.read: ListTable(shown)}
    )
    write_env.exchange = write_env.env.exchange
    write_env.faults = write_env.exchange.faults
    return outcome


WITH_STATUS = ["exchange.transfer", "exchange.universal_transfer"]
TRANSFERS = [*WITH_STATUS, "exchange.transfer_futures"]


@pytest.mark.parametrize("status", ["INIT", "PROCESS"])
@pytest.mark.parametrize("endpoint_name", WITH_STATUS)
def test_a_transfer_still_being_processed_stays_unknown(
    write_env: WriteEnv, endpoint_name: str, status: str
) -> None:
    outcome = after_a_lost_transfer(write_env, endpoint_name, moved(write_env, endpoint_name, status=status))
    write_env.clock.advance(60)
    assert outcome.reconcile().status == "unknown"
    number = outcome.arguments["client_tran_id"]
    assert f"the exchange is still processing transfer {number} ({status})" in outcome.reason


@pytest.mark.parametrize("endpoint_name", WITH_STATUS)
def test_a_failed_transfer_is_rejected(write_env: WriteEnv, endpoint_name: str) -> None:
    outcome = after_a_lost_transfer(
        write_env, endpoint_name, moved(write_env, endpoint_name, status="FAILURE")
    )
    assert outcome.reconcile().status == "rejected"
    assert f"transfer {outcome.arguments['client_tran_id']} failed at the exchange" in outcome.reason


@pytest.mark.parametrize("endpoint_name", TRANSFERS)
def test_a_transfer_in_the_list_is_confirmed(write_env: WriteEnv, endpoint_name: str) -> None:
    outcome = after_a_lost_transfer(write_env, endpoint_name, moved(write_env, endpoint_name))
    assert outcome.reconcile().status == "confirmed"
    assert outcome.require_confirmed()["txn_id"][0] == "77"
    assert outcome.require_confirmed()["client_tran_id"][0] == outcome.arguments["client_tran_id"]
    assert outcome.require_confirmed().attrs["complete"] is False


OTHERS: list[tuple[str, dict[str, str]]] = [
    *((endpoint_name, {"qty": "12.50000001"}) for endpoint_name in TRANSFERS),
    *((endpoint_name, {"asset": "BTC"}) for endpoint_name in TRANSFERS),
    *((endpoint_name, {"clientTranId": "MINE"}) for endpoint_name in TRANSFERS),
    *((endpoint_name, {"toId": "1"}) for endpoint_name in WITH_STATUS),  # the others are read by sub-account
]


@pytest.mark.parametrize(("endpoint_name", "change"), OTHERS, ids=str)
def test_a_different_transfer_does_not_confirm_it(
    write_env: WriteEnv, endpoint_name: str, change: dict[str, str]
) -> None:
    if (
        endpoint_name == "exchange.transfer_futures" and "toId" in change
    ):  # the requested account is on one side
        change = {**change, "fromId": str(moved(write_env, endpoint_name)["toId"])}
    outcome = after_a_lost_transfer(
        write_env, endpoint_name, moved(write_env, endpoint_name, **change), own=True
    )
    assert outcome.reconcile().status == "rejected"


def test_a_response_to_another_request_leaves_the_outcome_unknown(write_env: WriteEnv) -> None:
    endpoint_name = "exchange.transfer_futures"
    outcome = after_a_lost_transfer(write_env, endpoint_name, moved(write_env, endpoint_name, toId="1"))
    with pytest.raises(ContractError, match="the response does not match the request"):
        outcome.reconcile()
    assert outcome.status == "unknown"


@pytest.mark.parametrize("endpoint_name", TRANSFERS)
def test_the_master_account_may_be_missing_or_shown_by_its_id(
    write_env: WriteEnv, endpoint_name: str
) -> None:
    row = moved(write_env, endpoint_name, fromId=write_env.world.partner_uid)
    assert after_a_lost_transfer(write_env, endpoint_name, row).reconcile().status == "confirmed"


@pytest.mark.parametrize("endpoint_name", TRANSFERS)
def test_a_transfer_older_than_the_call_leaves_the_outcome_unknown(
    write_env: WriteEnv, endpoint_name: str
) -> None:
    row = moved(write_env, endpoint_name, time=write_env.env.now - 30_000)
    outcome = after_a_lost_transfer(write_env, endpoint_name, row)
    assert outcome.reconcile().status == "unknown"
    assert "is in the exchange's list, but is older than this call" in outcome.reason


@pytest.mark.parametrize("name", ["fromAccountType", "toAccountType"])
def test_a_transfer_between_other_wallets_does_not_confirm_it(write_env: WriteEnv, name: str) -> None:
    endpoint_name = "exchange.universal_transfer"
    outcome = after_a_lost_transfer(
        write_env, endpoint_name, moved(write_env, endpoint_name, **{name: "COIN_FUTURE"}), own=True
    )
    assert outcome.reconcile().status == "rejected"


# -- candidates ----------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ["twins", None])
def test_several_candidates_are_named_and_a_person_decides(write_env: WriteEnv, tag: str | None) -> None:
    write_env.fail("exchange.create_sub_account", "reset")
    outcome = write_env.ops.exchange.create_sub_account(tag=tag)
    ours = write_env.effects("exchange.create_sub_account")[0].result_id
    other = write_env.world.add_account(tag or "", write_env.env.now + 3000)
    assert outcome.reconcile().status == "unknown"
    assert ours in outcome.reason
    assert other.id in outcome.reason
    assert "`ops.resolve(1, executed=...)`" in outcome.reason
    resolved = write_env.ops.resolve(1, executed=True, note="theirs is older")
    assert resolved
    assert resolved.reason == "resolved by you: theirs is older"
    write_env.clock.sleep(WINDOW + 1)
    assert write_env.ops.resolve(1, executed=False, note="a mistyped number").status == "rejected"
    for each in [each for each in write_env.world.accounts if each.id in (ours, other.id)]:
        write_env.world.accounts.remove(each)
    assert write_env.ops.resolve(1, executed=True, note="no, it is").status == "confirmed"
    assert write_env.ops.reconcile(1).status == "rejected", "a read outweighs a person"
    with pytest.raises(UsageError, match="#1 is already resolved"):
        write_env.ops.resolve(1, executed=False)


def test_an_account_created_by_another_call_does_not_confirm_it(write_env: WriteEnv) -> None:
    assert write_env.ops.exchange.create_sub_account(tag="twins")
    write_env.fail("exchange.create_sub_account", "reset-before")
    lost = write_env.ops.exchange.create_sub_account(tag="twins")
    assert lost.reconcile().status == "rejected"


@pytest.mark.parametrize("tag", ["", "another"])
def test_an_account_with_another_tag_or_an_older_one_does_not_confirm_it(
    write_env: WriteEnv, tag: str
) -> None:
    write_env.world.add_account("mine", write_env.env.now - 60_000)
    write_env.fail("exchange.create_sub_account", "reset-before")
    lost = write_env.ops.exchange.create_sub_account(tag="mine")
    write_env.world.add_account(tag, write_env.env.now + 100)
    assert lost.reconcile().status == "rejected"


@pytest.mark.parametrize("public_key", [None, "MCowBQYDK2VwAyEA"])
def test_a_new_key_whose_response_was_lost_comes_with_advice(
    write_env: WriteEnv, public_key: str | None
) -> None:
    write_env.fail("exchange.create_api_key", "reset")
    outcome = do(write_env, "exchange.create_api_key", public_key=public_key)
    assert outcome.reconcile().status == "unknown"
    masked = write_env.effects("exchange.create_api_key")[0].result_id
    assert f"a key that it did not have before ({masked})" in outcome.reason
    assert write_env.ops.resolve(outcome.number, executed=True, note="nobody else was there")
    if public_key:
        assert "it belongs to your private key" in outcome.reason
    else:
        assert "its secret was lost with the response" in outcome.reason
        assert "delete the key" in outcome.reason
    with pytest.raises(UsageError, match="delete the key and create another"):
        write_env.ops.outcome(outcome.number).take_key()


def test_several_new_keys_are_named_and_none_confirms_the_call(write_env: WriteEnv) -> None:
    write_env.fail("exchange.create_api_key", "reset")
    given = example(write_env.world, "exchange.create_api_key")
    outcome = write_env.ops.exchange.create_api_key(**given)
    account = write_env.world.account(given["sub_account_id"])
    assert account is not None
    account.keys.append(replace(account.keys[-1], key="Zz" + account.keys[-1].key[2:]))
    assert outcome.reconcile().status == "unknown"
    for key in account.keys[-2:]:
        assert key.masked in outcome.reason


def test_a_new_key_with_other_permissions_is_named(write_env: WriteEnv) -> None:
    """It may be another key, or its permissions may have changed since."""
    write_env.fail("exchange.create_api_key", "reset")
    given = example(write_env.world, "exchange.create_api_key")
    outcome = write_env.ops.exchange.create_api_key(**given)
    account = write_env.world.account(given["sub_account_id"])
    assert account is not None
    account.keys[-1].can_trade = not given["can_trade"]
    assert outcome.reconcile().status == "unknown"
    assert account.keys[-1].masked in outcome.reason


@pytest.mark.parametrize("deleted", [0, 1, 2])
def test_a_deleted_key_is_distinguished_from_others_that_look_alike(
    write_env: WriteEnv, deleted: int
) -> None:
    """The list shows three characters of a key, so nobody can tell which of several is gone."""
    given = example(write_env.world, "exchange.delete_api_key")
    account = write_env.world.account(given["sub_account_id"])
    assert account is not None
    ours = account.key(given["api_key"])
    assert ours is not None
    alike = [replace(ours, key=ours.key[:3] + letter * 61) for letter in "AB"]
    account.keys += alike
    write_env.fail("exchange.delete_api_key", "reset" if deleted else "reset-before")
    outcome = write_env.ops.exchange.delete_api_key(**given)
    if deleted == 2:
        account.keys.remove(alike[0])
    assert outcome.reconcile().status == ("unknown" if deleted else "rejected")
    if deleted:
        assert f"{3 - deleted} that look like it exist now, and 3 existed before the call" in outcome.reason


@pytest.mark.parametrize("endpoint_name", ["exchange.set_um_commission", "exchange.set_cm_commission"])
def test_an_adjustment_to_the_present_value_is_rejected_only_as_a_state(
    write_env: WriteEnv, endpoint_name: str
) -> None:
    """A value already in force stays in force either way, so the reason does not say "not executed"."""
    assert do(write_env, endpoint_name)
    write_env.fail(endpoint_name, "reset")
    outcome = do(write_env, endpoint_name)
    assert outcome.reconcile().status == "rejected"
    assert "the same as before: the call was not executed, or changed nothing" in outcome.reason


def test_an_argument_that_the_read_does_not_show_leaves_the_outcome_unknown(write_env: WriteEnv) -> None:
    """The list of sub-accounts does not show margin rates: they may or may not be in force."""
    assert do(write_env, "exchange.set_commission")
    write_env.fail("exchange.set_commission", "reset-before")
    rates = {"margin_maker": "0.0005", "margin_taker": "0.0006"}
    outcome = do(write_env, "exchange.set_commission", **rates)
    assert outcome.reconcile().status == "unknown"
    assert "the read does not show `margin_maker` and `margin_taker`" in outcome.reason
    assert do(write_env, "exchange.set_commission", **rates)
    assert write_env.ops.outcome(outcome.number).status == "confirmed"


@pytest.mark.parametrize("endpoint_name", ["spot.set_customer_id", "futures.set_customer_id"])
def test_an_email_address_matches_in_any_spelling(write_env: WriteEnv, endpoint_name: str) -> None:
    given = example(write_env.world, endpoint_name)
    written = f" {given['email'].title()} "
    other = write_env.world.customers[1]
    write_env.fail(endpoint_name, "reset")
    lost = call(write_env.ops, endpoint_name, given | {"email": written})
    assert other_kernel(write_env, endpoint_name).reconcile(lost.number).status == "confirmed"
    assert lost.reconcile().require_confirmed()["customer_id"][0] == given["customer_id"]
    # The id now belongs to the first customer, so a call for another one was not executed.
    write_env.fail(endpoint_name, "reset-before")
    lost = call(write_env.ops, endpoint_name, given | {"email": other.email})
    assert other_kernel(write_env, endpoint_name).reconcile(lost.number).status == "rejected"
    assert other.email not in write_env.ops.history().to_string()
    assert other.email.encode() not in write_env.ops.journal.read_bytes()


class Meddling(Exchange):
    """An exchange where something else happens while it executes a request."""

    meanwhile: Any = None

    def _execute(self, asked: Any) -> object:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return super()._execute(asked)


@pytest.mark.parametrize(
    "endpoint_name", ["exchange.transfer", "exchange.set_commission", "exchange.delete_api_key"]
)
def test_a_call_in_progress_blocks_others_and_is_not_resolved(folder: Path, endpoint_name: str) -> None:
    write_env = WriteEnv(folder)
    try:
        exchange = Meddling(write_env.world, write_env.env.exchange_clock)
        write_env.env.sandbox.exchange = write_env.exchange = exchange
        given, ops, other = (
            example(write_env.world, endpoint_name),
            operations_of(write_env, endpoint_name),
            other_kernel(write_env, endpoint_name),
        )
        refused: list[UsageError] = []

        def meanwhile() -> None:
            steps: list[Callable[[], object]] = [
                lambda: call(ops, endpoint_name, given),
                lambda: call(other, endpoint_name, given),
                lambda: call(other, endpoint_name, given, idempotency_key="name"),
                lambda: ops.resolve(1, executed=False),
                lambda: other.resolve(1, executed=True),
            ]
            for step in steps:
                try:
                    step()
                except UsageError as error:
                    refused.append(error)
            assert len(ops.unresolved()) == 0

        exchange.meanwhile = meanwhile
        assert call(ops, endpoint_name, given).status == "confirmed"
        assert [type(error) for error in refused] == [PendingWriteError] * 3 + [UsageError] * 2
        assert all("is in progress" in str(error) for error in refused)
        assert write_env.sent(endpoint_name) == 1
    finally:
        write_env.close()


# -- another kernel, another key -------------------------------------------------------------------------

RECONCILABLE_WITHOUT_KEY = [
    endpoint_name
    for endpoint_name in RECONCILABLE
    if "ip_restriction" not in WRITES_BY_NAME[endpoint_name].reconciliation.read
]
WITH_KEY = [
    endpoint_name
    for endpoint_name in RECONCILABLE
    if "api_key" in {param.name for param in WRITES_BY_NAME[endpoint_name].params}
]


def other_kernel(write_env: WriteEnv, endpoint_name: str) -> Operations:
    """Operations of another kernel: the same journal, nothing in memory."""
    key = write_env.world.example_write(endpoint_name).key
    return write_env.env.new_link(key.key, key.secret).operations(journal=write_env.folder)


@pytest.mark.parametrize("kind", ["reset", "reset-before"])
@pytest.mark.parametrize("endpoint_name", RECONCILABLE_WITHOUT_KEY)
def test_another_kernel_can_reconcile(write_env: WriteEnv, endpoint_name: str, kind: str) -> None:
    other = other_kernel(write_env, endpoint_name)
    write_env.fail(endpoint_name, kind)
    number = do(write_env, endpoint_name).number
    assert list(other.unresolved()["number"]) == [number]
    outcome = other.reconcile(number)
    done = "unknown" if endpoint_name in TRACELESS else "confirmed"
    assert outcome.status == (done if kind == "reset" else "rejected")
    assert write_env.sent(endpoint_name) == 1


@pytest.mark.parametrize("endpoint_name", WITH_KEY)
def test_another_kernel_needs_the_api_key_of_the_call(write_env: WriteEnv, endpoint_name: str) -> None:
    given = example(write_env.world, endpoint_name)
    other = other_kernel(write_env, endpoint_name)
    write_env.fail(endpoint_name, "reset")
    lost = call(operations_of(write_env, endpoint_name), endpoint_name, given)
    requests = len(write_env.exchange.log)
    with pytest.raises(UsageError, match="`api_key` is not the key that #1 is about"):
        other.reconcile(1, api_key=given["api_key"][::-1])
    assert len(write_env.exchange.log) == requests
    if endpoint_name not in RECONCILABLE_WITHOUT_KEY:
        outcome = other.reconcile(1)
        assert outcome.status == "unknown"
        assert "`ops.reconcile(1, api_key=...)`" in outcome.reason
    outcome = other.reconcile(1, api_key=given["api_key"])
    assert outcome.status == "confirmed"
    assert given["api_key"] not in repr(outcome) + outcome._repr_html_()
    assert lost.status == "unknown", "an outcome does not change by itself"
    assert lost.reconcile().status == "confirmed"


@pytest.mark.parametrize("endpoint_name", WITH_KEY)
def test_keys_that_look_alike_leave_the_outcome_unknown(write_env: WriteEnv, endpoint_name: str) -> None:
    given = example(write_env.world, endpoint_name)
    account = write_env.world.account(given["sub_account_id"])
    assert account is not None
    ours = account.key(given["api_key"])
    assert ours is not None
    flags = {name: given[name] for name in ("can_trade", "margin_trade", "futures_trade") if name in given}
    account.keys.insert(0, replace(ours, key=ours.key[:3] + "A" * 61, ip_list=["192.0.2.7"], **flags))
    write_env.fail(endpoint_name, "reset-before")
    lost = call(operations_of(write_env, endpoint_name), endpoint_name, given)
    if flags:  # the other key has the requested permissions
        outcome = other_kernel(write_env, endpoint_name).reconcile(lost.number)
        assert outcome.status == "unknown"
        assert "several keys look alike" in outcome.reason
    assert lost.reconcile().status == "rejected"


def test_a_call_with_another_key_is_reconciled_only_for_the_same_account(
    write_env: WriteEnv,
) -> None:
    endpoint_name = "exchange.set_commission"
    write_env.fail(endpoint_name, "reset")
    lost = do(write_env, endpoint_name)
    other = write_env.operations("read-only", "read-only")
    requests = len(write_env.exchange.log)
    outcome = other.reconcile(lost.number)
    assert outcome.status == "unknown"
    assert "`reconcile(..., same_account=True)`" in outcome.reason
    assert len(write_env.exchange.log) == requests
    assert other.reconcile(lost.number, same_account=True).status == "confirmed"


def test_separate_keys_need_same_account(
    write_env: WriteEnv,
) -> None:
    """The reading key may belong to another account, where the write does not show."""
    given = example(write_env.world, "exchange.transfer")
    write_env.fail("exchange.transfer", "reset")
    lost = write_env.operations("partner", "trade-only").exchange.transfer(**given)
    write_env.clock.sleep(WINDOW + 1)
    assert lost.reconcile().status == "unknown"
    assert "`reconcile(..., same_account=True)`" in lost.reason
    link = write_env.env.new_link()
    key = write_env.world.keys["trade-only"]
    ops = link.operations(key=key.key, secret=key.secret, same_account=True, journal=write_env.folder)
    assert ops.reconcile(lost.number).status == "confirmed"


OWN = [endpoint_name for endpoint_name in WRITE_NAMES if endpoint_name.endswith("set_own_customer_id")]


@pytest.mark.parametrize("endpoint_name", OWN)
def test_an_own_customer_id_is_not_looked_up_in_another_account(
    write_env: WriteEnv, endpoint_name: str
) -> None:
    """Written with a customer's key, read with the partner's: the read shows another account."""
    ops = write_env.operations("partner", "customer")
    write_env.fail(endpoint_name, "reset")
    outcome = call(ops, endpoint_name, example(write_env.world, endpoint_name))
    assert outcome.reconcile().status == "unknown"
    assert "another API key" in outcome.reason
    assert write_env.operations("customer").reconcile(outcome.number).status == "confirmed"


# -- failing reads ---------------------------------------------------------------------------------


def test_a_refused_read_leaves_the_outcome_unknown(write_env: WriteEnv) -> None:
    write_env.fail("exchange.set_commission", "reset")
    outcome = do(write_env, "exchange.set_commission")
    write_env.faults.add(
        "error", path="/sapi/v1/broker/subAccount", method="GET", code=-5021, message="No relation"
    )
    assert outcome.reconcile().status == "unknown"
    assert "the exchange refused the read `link.exchange.sub_accounts` (No relation)" in outcome.reason
    assert "Nothing was" not in outcome.reason
    assert outcome.reconcile().status == "confirmed"


@pytest.mark.parametrize(
    ("kind", "options", "error"),
    [
        ("error", {"code": -2015, "status": 401}, CredentialsError),
        ("firewall", {}, FirewallError),
        ("ban", {}, BannedError),
    ],
    ids=["credentials", "firewall", "ban"],
)
def test_an_unreachable_exchange_raises_and_changes_nothing(
    write_env: WriteEnv, kind: str, options: dict[str, Any], error: type[Exception]
) -> None:
    write_env.fail("exchange.set_commission", "reset")
    outcome = do(write_env, "exchange.set_commission")
    why = outcome.reason
    write_env.faults.add(kind, path="/sapi/v1/broker/subAccount", method="GET", **options)
    with pytest.raises(error):
        outcome.reconcile()
    assert (outcome.status, outcome.reason) == ("unknown", why)


@pytest.mark.parametrize("kind", ["server-error", "reset-before", "cut", "html"])
def test_a_failed_read_leaves_the_outcome_unknown(write_env: WriteEnv, kind: str) -> None:
    write_env.fail("exchange.set_commission", "reset-before")
    outcome = do(write_env, "exchange.set_commission")
    write_env.faults.add(kind, path="/sapi/v1/broker/subAccount", method="GET", times=4)
    with pytest.raises((ServerError, ContractError)):
        outcome.reconcile()
    assert outcome.status == "unknown"
    assert write_env.ops.outcome(outcome.number).status == "unknown"
    write_env.faults.clear()
    assert outcome.reconcile().status == "rejected"


@pytest.mark.parametrize("endpoint_name", ["exchange.create_api_key", "exchange.set_um_commission"])
def test_a_write_whose_preceding_read_fails_is_not_sent(write_env: WriteEnv, endpoint_name: str) -> None:
    write_env.faults.add(
        "error",
        path=ENDPOINTS_BY_NAME[WRITES_BY_NAME[endpoint_name].reconciliation.read].path,
        method="GET",
        code=-5021,
    )
    with pytest.raises(
        NotExecutedError,
        match=f"{endpoint_name}: `link.* must be read before this write, and that read failed",
    ):
        do(write_env, endpoint_name)
    assert write_env.sent(endpoint_name) == 0
    assert len(write_env.ops.history()) == 0


# -- idempotency keys
# ------------------------------------------------------------------------------------------------


def test_a_call_with_an_idempotency_key_is_executed_once(write_env: WriteEnv) -> None:
    given = example(write_env.world, "exchange.transfer")
    first = write_env.ops.exchange.transfer(**given, idempotency_key="october")
    again = write_env.ops.exchange.transfer(**given, idempotency_key="october")
    elsewhere = other_kernel(write_env, "exchange.transfer").exchange.transfer(
        **given, idempotency_key="october"
    )
    for outcome in (again, elsewhere):
        assert (outcome.number, outcome.status) == (first.number, "confirmed")
        assert outcome.require_confirmed().equals(first.require_confirmed())
    assert (len(write_env.effects("exchange.transfer")), write_env.sent("exchange.transfer")) == (1, 1)
    assert write_env.ops.exchange.transfer(**given, idempotency_key="november").number == 2
    assert not write_env.ops.preview.exchange.transfer(**given, idempotency_key="october")


def test_an_idempotency_key_belongs_to_one_call(write_env: WriteEnv) -> None:
    given = example(write_env.world, "exchange.transfer")
    assert write_env.ops.exchange.transfer(**given, idempotency_key="october")
    for other in ({"amount": "12.6"}, {"asset": "BTC"}, {"client_tran_id": "x"}):
        with pytest.raises(UsageError, match="`idempotency_key`: 'october' belongs to another call, #1"):
            write_env.ops.exchange.transfer(**given | other, idempotency_key="october")
        assert "another call, #1" in repr(
            write_env.ops.preview.exchange.transfer(**given | other, idempotency_key="october")
        )
    with pytest.raises(UsageError, match="belongs to another call"):
        write_env.ops.exchange.enable_futures(given["to_id"], idempotency_key="october")
    assert write_env.sent("exchange.transfer") == 1


def test_an_unknown_call_with_an_idempotency_key_is_not_sent_again(write_env: WriteEnv) -> None:
    given = example(write_env.world, "exchange.set_commission")
    write_env.fail("exchange.set_commission", "reset-before")
    ops = write_env.ops
    for _ in range(2):
        outcome = ops.exchange.set_commission(**given, idempotency_key="fees")
        assert (outcome.number, outcome.status) == (1, "unknown")
    assert write_env.sent("exchange.set_commission") == 1
    with pytest.raises(UsageError, match=r"is unknown. Only the idempotency key of a rejected call"):
        ops.release_idempotency_key("fees")
    assert outcome.reconcile().status == "rejected"
    assert ops.exchange.set_commission(**given, idempotency_key="fees").status == "rejected"
    assert write_env.sent("exchange.set_commission") == 1
    assert "`ops.release_idempotency_key('fees')`" in ops.outcome(1).next_step
    assert ops.release_idempotency_key("fees").status == "rejected"
    assert ops.exchange.set_commission(**given, idempotency_key="fees").number == 2
    with pytest.raises(UsageError, match="is confirmed"):
        ops.release_idempotency_key("fees")
    with pytest.raises(UsageError, match="No write in the journal has the idempotency key"):
        ops.release_idempotency_key("nobody")


@pytest.mark.parametrize("endpoint_name", TRANSFERS)
def test_an_idempotency_key_makes_one_transfer_from_two_journals(
    write_env: WriteEnv, endpoint_name: str
) -> None:
    given = example(write_env.world, endpoint_name)
    first = call(write_env.ops, endpoint_name, given, idempotency_key="october")
    elsewhere = write_env.env.link.operations(journal=write_env.folder / "elsewhere")
    second = call(elsewhere, endpoint_name, given, idempotency_key="october")
    assert second.arguments["client_tran_id"] == first.arguments["client_tran_id"]
    assert second.status == "rejected"
    assert "clientTranId" in second.reason
    assert len(write_env.effects(endpoint_name)) == 1
    assert call(elsewhere, endpoint_name, given, idempotency_key="november")


# -- outcomes --------------------------------------------------------------------------------------------


def test_an_outcome_is_truthy_only_if_confirmed(write_env: WriteEnv) -> None:
    endpoint_name = "exchange.set_commission"
    done = do(write_env, endpoint_name)
    write_env.fail(endpoint_name, "error", code=-1102, message="<b>No</b> `tag`.")
    refused = do(write_env, endpoint_name)
    write_env.fail(endpoint_name, "reset")
    lost = do(write_env, endpoint_name)
    assert [bool(each) for each in (done, refused, lost)] == [True, False, False]
    assert (done.error, refused.frame, lost.frame) == (None, None, None)
    shown = {"Confirmed: it was executed.": done, "Rejected: nothing was executed.": refused}
    shown["Unknown: it may have been executed."] = lost
    for words, outcome in shown.items():
        card = outcome._repr_html_()
        assert f"#{outcome.number} {endpoint_name} (SANDBOX): {words}" in repr(outcome)
        assert words in card
        assert "SANDBOX" in card
        assert "<b>" not in card
    assert "&lt;b&gt;No&lt;/b&gt;" in refused._repr_html_()
    assert re.search(r"maker_commission.{1,3}0\.0008", repr(done))
    assert "`ops.reconcile(3)` in any kernel" in repr(lost)


def test_arguments_are_escaped_in_html(write_env: WriteEnv) -> None:
    tag = "<script>alert('x')</script>"
    done = write_env.ops.exchange.create_sub_account(tag=tag)
    assert done.require_confirmed()["tag"][0] == tag
    write_env.fail("exchange.create_sub_account", "reset-before")
    lost = write_env.ops.exchange.create_sub_account(tag=tag)
    cards = [done, lost, lost.reconcile(), write_env.ops.preview.exchange.create_sub_account(tag=tag)]
    for card in cards:
        shown = card._repr_html_()
        assert "<script" not in shown
        assert "&lt;script&gt;" in shown


def test_a_new_key_is_handed_over_once_and_stored_nowhere(write_env: WriteEnv) -> None:
    given = example(write_env.world, "exchange.create_api_key")
    outcome = write_env.ops.exchange.create_api_key(**given)
    assert "`outcome.take_key()`" in outcome.next_step
    new = outcome.take_key()
    account = write_env.world.account(given["sub_account_id"])
    assert account is not None
    assert new.key == account.keys[-1].key
    assert len(new.secret) == 64
    with pytest.raises(UsageError, match="already handed over"):
        outcome.take_key()
    for other in (write_env.ops.outcome(outcome.number), outcome.reconcile()):
        with pytest.raises(UsageError, match="handed over"):
            other.take_key()
    told = [repr(new), repr(outcome), outcome._repr_html_(), outcome.reason, str(outcome.arguments)]
    told += [
        outcome.require_confirmed().to_string(),
        str(outcome.require_confirmed().attrs),
        write_env.ops.history().to_string(),
    ]
    for text in told:
        assert new.key not in text
        assert new.secret not in text
    for file in write_env.folder.iterdir():
        assert new.key.encode() not in file.read_bytes()
        assert new.secret.encode() not in file.read_bytes()
    with pytest.raises(TypeError, match="store it in clear text"):
        pickle.dumps(new)
    with pytest.raises(TypeError, match="store it in clear text"):
        copy.deepcopy(new)


def test_a_new_key_in_a_malformed_response_is_handed_over(write_env: WriteEnv) -> None:
    write_env.fail("exchange.create_api_key", "missing-field", field="canTrade")
    outcome = do(write_env, "exchange.create_api_key")
    assert outcome.status == "unknown"
    assert len(outcome.take_key().secret) == 64
    assert outcome.reconcile().status == "confirmed"


def test_an_outcome_cannot_be_pickled_but_its_frame_can(write_env: WriteEnv) -> None:
    outcome = do(write_env, "exchange.enable_futures")
    for write_down in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            write_down(outcome)  # type: ignore[operator]
    assert pickle.loads(pickle.dumps(outcome.require_confirmed())).attrs == outcome.require_confirmed().attrs


def test_a_frame_has_its_origin_in_attrs(write_env: WriteEnv) -> None:
    write_env.fail("exchange.set_permissions", "reset")
    given = example(write_env.world, "exchange.set_permissions")
    lost = write_env.ops.exchange.set_permissions(**given)
    attrs = lost.reconcile().require_confirmed().attrs
    assert attrs["endpoint"] == "exchange.set_permissions"
    assert attrs["system"] == "exchange"
    assert attrs["source"] == "sandbox"
    assert attrs["number"] == 1
    assert attrs["resolved_by"] == "read"
    assert attrs["complete"] is False
    assert attrs["parameters"]["sub_account_id"] == given["sub_account_id"]
    assert given["api_key"] not in str(attrs)
    done = write_env.ops.exchange.set_permissions(**given).require_confirmed()
    assert (done.attrs["resolved_by"], done.attrs["complete"]) == ("answer", True)


def test_take_key_without_a_new_key_is_an_error(write_env: WriteEnv) -> None:
    with pytest.raises(UsageError, match="There is no key to hand over"):
        do(write_env, "exchange.enable_futures").take_key()


@pytest.mark.parametrize("executed", [1, "yes", None])
def test_resolve_takes_true_or_false_only(write_env: WriteEnv, executed: Any) -> None:
    write_env.fail("exchange.transfer_within", "reset")
    lost = do(write_env, "exchange.transfer_within")
    with pytest.raises(UsageError, match="`executed` is True or False"):
        write_env.ops.resolve(lost.number, executed=executed)
    assert write_env.ops.outcome(lost.number).status == "unknown"


def test_an_unknown_number_is_an_error(write_env: WriteEnv) -> None:
    for ask in (write_env.ops.outcome, write_env.ops.reconcile):
        with pytest.raises(UsageError, match="no entry #99"):
            ask(99)
    with pytest.raises(UsageError, match="no entry #99"):
        write_env.ops.resolve(99, executed=True)


# -- texts for users -------------------------------------------------------------------------------------


def test_a_repeated_outcome_says_that_nothing_was_sent(write_env: WriteEnv) -> None:
    given = example(write_env.world, "exchange.set_commission")
    first = write_env.ops.exchange.set_commission(**given, idempotency_key="fees-2026")
    again = write_env.ops.exchange.set_commission(**given, idempotency_key="fees-2026")
    assert (first.repeated, again.repeated, again.idempotency_key) == (False, True, "fees-2026")
    words = "Nothing was sent now: this is the outcome of the first call with idempotency key 'fees-2026'."
    for text in (repr(again), html.unescape(again._repr_html_())):
        assert words in text
        assert "idempotency_key = " in text
    assert "Nothing was sent now" not in repr(first)


@pytest.mark.parametrize("endpoint_name", ["exchange.transfer_within", "exchange.set_universal_transfer"])
def test_the_next_step_without_a_read_is_to_look_by_hand(write_env: WriteEnv, endpoint_name: str) -> None:
    write_env.fail(endpoint_name, "reset")
    lost = do(write_env, endpoint_name)
    for outcome in (lost, lost.reconcile()):
        assert WRITES_BY_NAME[endpoint_name].reconciliation.manual_check in outcome.next_step
        assert f"`ops.resolve({outcome.number}, executed=...)`" in outcome.next_step
        assert "reconcile" not in outcome.next_step


def test_a_preview_does_not_invent_an_id(write_env: WriteEnv) -> None:
    given = example(write_env.world, "exchange.transfer")
    given.pop("client_tran_id", None)
    assert (
        write_env.ops.preview.exchange.transfer(**given).body["clientTranId"] == "(generated when it is sent)"
    )
    named = write_env.ops.preview.exchange.transfer(**given, idempotency_key="pay").body["clientTranId"]
    done = write_env.ops.exchange.transfer(**given, idempotency_key="pay")
    assert done.arguments["client_tran_id"] == named


def test_a_preview_reports_a_used_idempotency_key(write_env: WriteEnv) -> None:
    given = example(write_env.world, "exchange.transfer")
    write_env.fail("exchange.transfer", "reset-before")
    write_env.ops.exchange.transfer(**given, idempotency_key="pay")
    preview = write_env.ops.preview.exchange.transfer(**given, idempotency_key="pay")
    assert not preview
    assert "#1, unknown, has this idempotency key: its outcome would be returned" in repr(preview)
