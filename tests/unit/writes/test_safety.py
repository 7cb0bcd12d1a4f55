"""Money does not move twice, and no outcome is claimed that is not known."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.clocks import FakeClock
from tests.support.writes import HOLDS, WriteEnv, call, do, example
from toolkit.api.writes.operations import Operations
from toolkit.endpoints import WRITES
from toolkit.errors import ClockError, OutcomeUnknownError, PendingWriteError, UsageError
from toolkit.sandbox import Sandbox
from toolkit.sandbox.exchange import Exchange
from toolkit.sandbox.world.tables import ListTable
from toolkit.writes import Outcome
from toolkit.writes.journal import Journal

WINDOW = 15.0
"""Seconds after which a request cannot be executed any more: its window, and what it may be at work."""
HOUR = 3600.0
FEES = {"maker": "0.0008", "taker": "0.0012"}


@pytest.fixture
def a(write_env: WriteEnv) -> str:
    """Id of a sub-account with futures."""
    return write_env.world.accounts[0].id


@pytest.fixture
def b(write_env: WriteEnv) -> str:
    """Id of another one."""
    return write_env.world.accounts[1].id


def put(write_env: WriteEnv, exchange: Exchange) -> None:
    """Replace the exchange behind the address."""
    write_env.env.sandbox.exchange = write_env.exchange = exchange
    write_env.faults = exchange.faults


class View:
    """The clock in another process: the same time, nothing measured yet."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._clock, name)


def other_kernel(write_env: WriteEnv, **options: Any) -> Operations:
    """Operations of another kernel: the same journal, nothing in memory, no clock measured."""
    return write_env.env.new_link(clock=View(write_env.clock)).operations(journal=write_env.folder, **options)


@contextmanager
def nothing_sent(write_env: WriteEnv) -> Iterator[None]:
    requests = len(write_env.exchange.log)
    yield
    assert len(write_env.exchange.log) == requests


def refused(write_env: WriteEnv, step: Callable[[], object], number: int) -> str:
    """The message of a call that is blocked by an unresolved one, and sends nothing."""
    with nothing_sent(write_env), pytest.raises(PendingWriteError) as caught:
        step()
    assert caught.value.number == number
    return str(caught.value)


# -- one transfer, several endpoints ---------------------------------------------------------------------


def test_an_unresolved_transfer_blocks_the_other_transfer_endpoints(
    write_env: WriteEnv, a: str, b: str
) -> None:
    ops, uid = write_env.ops.exchange, write_env.world.partner_uid
    write_env.fail("exchange.transfer", "reset-before")
    lost = ops.transfer("USDT", "40", to_id=a)
    assert lost.status == "unknown"
    spot: dict[str, Any] = {"from_wallet": "spot", "to_wallet": "spot"}
    for step in (
        lambda: ops.transfer("USDT", "40", to_id=a),
        lambda: ops.transfer("USDT", "40.00", to_id=a),
        lambda: ops.transfer("USDT", Decimal("4E+1"), to_id=a),
        lambda: ops.transfer("USDT", "40", from_id=uid, to_id=a),
        lambda: ops.transfer("USDT", "40", to_id=a, idempotency_key="name", client_tran_id="mine"),
        lambda: ops.universal_transfer("USDT", "40", to_id=a, **spot),
        lambda: ops.universal_transfer("USDT", "40.0", from_id=uid, to_id=a, **spot),
    ):
        refused(write_env, step, lost.number)
    assert not write_env.ops.preview.exchange.universal_transfer("USDT", "40", to_id=a, **spot)
    # Other transfers are not blocked.
    assert ops.transfer("USDT", "40", to_id=b)
    assert ops.transfer("USDT", "41", to_id=a)
    assert ops.transfer("USDC", "40", to_id=a).status in ("confirmed", "rejected")
    assert ops.transfer_futures("USDT", "40", market="um", to_id=a)
    assert ops.universal_transfer("USDT", "40", from_wallet="spot", to_wallet="um", to_id=a)
    # Nor is this one, once it is known that the first was not executed.
    assert lost.reconcile().status == "rejected"
    assert ops.transfer("USDT", "40.00", to_id=a)


def test_an_unresolved_transfer_within_an_account_blocks_the_same_by_another_endpoint(
    write_env: WriteEnv, a: str, b: str
) -> None:
    ops = write_env.ops.exchange
    write_env.fail("exchange.transfer_within", "reset-before")
    lost = ops.transfer_within(a, "USDT", "9", route="spot_to_um")
    there: dict[str, Any] = {"from_wallet": "spot", "to_wallet": "um"}
    back: dict[str, Any] = {"from_wallet": "um", "to_wallet": "spot"}
    refused(write_env, lambda: ops.universal_transfer("USDT", "9", from_id=a, to_id=a, **there), lost.number)
    refused(write_env, lambda: ops.transfer_within(a, "USDT", "9.0", route="spot_to_um"), lost.number)
    assert ops.universal_transfer("USDT", "9", from_id=a, to_id=a, **back)
    assert ops.universal_transfer("USDT", "9", from_id=b, to_id=b, **there)
    assert ops.transfer_within(b, "USDT", "9", route="spot_to_um")


def test_an_unresolved_futures_transfer_blocks_the_same_with_the_master_named(
    write_env: WriteEnv, a: str, b: str
) -> None:
    ops, uid = write_env.ops.exchange, write_env.world.partner_uid
    write_env.fail("exchange.transfer_futures", "reset-before")
    lost = ops.transfer_futures("USDT", "40", market="um", to_id=a)
    refused(
        write_env,
        lambda: ops.transfer_futures("USDT", "40", market="um", from_id=uid, to_id=a),
        lost.number,
    )
    assert ops.transfer_futures("USDT", "40", market="um", to_id=b)


def test_an_incoming_transfer_does_not_block_an_outgoing_one(write_env: WriteEnv, a: str, b: str) -> None:
    ops, uid = write_env.ops.exchange, write_env.world.partner_uid
    write_env.fail("exchange.transfer", "reset-before")
    lost = ops.transfer("USDT", "40", from_id=a)
    assert lost.status == "unknown"
    assert ops.transfer("USDT", "40", to_id=b)
    assert ops.transfer("USDT", "40", from_id=uid, to_id=b)
    refused(write_env, lambda: ops.transfer("USDT", "40", from_id=a, to_id=uid), lost.number)


def test_a_transfer_between_other_accounts_or_the_other_way_is_not_blocked(
    write_env: WriteEnv, a: str, b: str
) -> None:
    ops, uid = write_env.ops.exchange, write_env.world.partner_uid
    c = write_env.world.accounts[3].id
    write_env.fail("exchange.transfer", "reset-before")
    lost = ops.transfer("USDT", "4", from_id=b, to_id=a)
    assert ops.transfer("USDT", "4", from_id=b, to_id=c)
    assert ops.transfer("USDT", "4", from_id=c, to_id=a)
    assert ops.transfer("USDT", "4", from_id=a, to_id=b)
    refused(write_env, lambda: ops.transfer("USDT", "4", from_id=b, to_id=a), lost.number)
    write_env.fail("exchange.transfer", "reset-before")
    lost = ops.transfer("USDT", "5", from_id=uid, to_id=a)
    assert ops.transfer("USDT", "5", from_id=uid, to_id=b)
    assert ops.transfer("USDT", "5", from_id=a), "in the other direction"
    assert ops.transfer("USDT", "5", from_id=a, to_id=uid)
    refused(write_env, lambda: ops.transfer("USDT", "5", to_id=a), lost.number)


# -- responses about something else -----------------------------------------------------------------


class Answering(Exchange):
    """An exchange that executes requests, and whose responses are about something else."""

    change: dict[str, object] | None = None

    def _execute(self, asked: Any) -> object:
        payload: Any = super()._execute(asked)
        change, self.change = self.change, None
        return payload if change is None else payload | change


OTHER_RESPONSES: dict[str, tuple[str, dict[str, object]]] = {
    "transfer-id": ("exchange.transfer", {"clientTranId": "somebody-elses"}),
    "transfer-no-txn": ("exchange.transfer", {"txnId": ""}),
    "transfer-null-txn": ("exchange.transfer", {"txnId": None}),
    "futures-id": ("exchange.transfer_futures", {"clientTranId": "somebody-elses"}),
    "futures-no-success": ("exchange.transfer_futures", {"success": False}),
    "futures-null-id": ("exchange.transfer_futures", {"clientTranId": None}),
    "universal-id": ("exchange.universal_transfer", {"clientTranId": "somebody-elses"}),
    "within-no-txn": ("exchange.transfer_within", {"txnId": ""}),
    "rates-account": ("exchange.set_commission", {"subAccountId": "1"}),
    "rates-null": ("exchange.set_commission", {"makerCommission": None}),
    "rates-maker": ("exchange.set_commission", {"makerCommission": 0.0009}),
    "rates-taker": ("exchange.set_commission", {"takerCommission": 0.0008}),
    "um-rates": ("exchange.set_um_commission", {"makerAdjustment": 21}),
    "um-symbol": ("exchange.set_um_commission", {"symbol": "ETHUSDT"}),
    "cm-rates": ("exchange.set_cm_commission", {"takerAdjustment": 0}),
    "futures-off": ("exchange.enable_futures", {"enableFutures": False}),
    "futures-null": ("exchange.enable_futures", {"enableFutures": None}),
    "futures-account": ("exchange.enable_futures", {"subaccountId": "1", "subAccountId": "1"}),
    "permissions": ("exchange.set_permissions", {"canTrade": True}),
    "burn": ("exchange.set_spot_bnb_burn", {"spotBNBBurn": True}),
    "tag": ("exchange.create_sub_account", {"tag": "another"}),
    "no-account": ("exchange.create_sub_account", {"subaccountId": "", "subAccountId": ""}),
    "deleted": ("exchange.delete_sub_account", {"ok": True}),
    "key-deleted": ("exchange.delete_api_key", {"status": ""}),
}


@pytest.mark.parametrize("answer", OTHER_RESPONSES)
def test_a_response_about_something_else_leaves_the_outcome_unknown(write_env: WriteEnv, answer: str) -> None:
    endpoint_name, change = OTHER_RESPONSES[answer]
    exchange = Answering(write_env.world, write_env.env.exchange_clock)
    exchange.change = change
    put(write_env, exchange)
    sent = write_env.world.example_write(endpoint_name).parameters
    outcome = do(write_env, endpoint_name)
    assert outcome.status == "unknown"
    assert type(outcome.error) is OutcomeUnknownError
    assert (outcome.frame, len(write_env.effects(endpoint_name))) == (None, 1)
    assert HOLDS[endpoint_name](write_env.world, sent), "it was executed"
    assert len(write_env.ops.unresolved()) == 1


class Accepting(Exchange):
    """An exchange that responds to writes with another status."""

    status = 200

    def handle(self, request: Any) -> Any:
        answer = super().handle(request)
        if request.method == "GET" or answer.status != 200:
            return answer
        return type(answer)(self.status, answer.headers, answer.body)


@pytest.mark.parametrize(
    "endpoint_name", ["exchange.transfer", "exchange.set_commission", "exchange.delete_api_key"]
)
@pytest.mark.parametrize("status", [201, 202])
def test_an_accepted_write_is_not_confirmed(write_env: WriteEnv, endpoint_name: str, status: int) -> None:
    exchange = Accepting(write_env.world, write_env.env.exchange_clock)
    put(write_env, exchange)
    exchange.status = status
    outcome = do(write_env, endpoint_name)
    assert outcome.status == "unknown"
    assert f"the response was HTTP {status}" in outcome.reason
    assert outcome.reconcile().status == "confirmed"


OPEN: dict[str, tuple[str, dict[str, Any]]] = {
    "499": ("error", {"status": 499, "code": -1100}),
    "460": ("error", {"status": 460, "code": -1100}),
    "425": ("error", {"status": 425, "code": -1100}),
    "-5012": ("error", {"code": -5012, "message": "Transfer."}),
    "-5012-wrapped": ("wrapped-error", {"code": -5012, "message": "Transfer."}),
    "words": ("error", {"code": -1100, "message": "Send Status Unknown."}),
    "words-wrapped": ("wrapped-error", {"code": -1100, "message": "Send status unknown."}),
    "pending": ("error", {"code": -5002, "message": "Transfer Pending"}),
}


@pytest.mark.parametrize("answer", OPEN)
def test_an_error_that_does_not_rule_out_execution_leaves_it_unknown(
    write_env: WriteEnv, answer: str
) -> None:
    kind, options = OPEN[answer]
    write_env.fail("exchange.transfer", kind, **options, after_effect=True)
    outcome = do(write_env, "exchange.transfer")
    assert outcome.status == "unknown"
    assert write_env.sent("exchange.transfer") == 1
    assert outcome.reconcile().status == "confirmed"


# -- a response outweighs everything else --------------------------------------------------------------


class Meddling(Exchange):
    """An exchange where something else happens while it executes a request."""

    meanwhile: Callable[[], object] | None = None

    def _execute(self, asked: Any) -> object:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return super()._execute(asked)


@pytest.mark.parametrize("endpoint_name", ["exchange.transfer", "exchange.set_commission"])
def test_a_call_in_progress_is_not_reconciled(write_env: WriteEnv, endpoint_name: str) -> None:
    exchange = Meddling(write_env.world, write_env.env.exchange_clock)
    put(write_env, exchange)
    ops, seen = write_env.ops, []

    def meanwhile() -> None:
        with nothing_sent(write_env):
            seen.append(ops.reconcile(1))
            seen.append(ops.reconcile(1, wait=False))

    exchange.meanwhile = meanwhile
    assert do(write_env, endpoint_name).status == "confirmed"
    assert [each.status for each in seen] == ["unknown", "unknown"]
    assert all("is in progress" in each.reason for each in seen)
    assert list(ops.history()["resolved_by"]) == ["answer"]


@pytest.mark.parametrize("by", ["read", "person"])
def test_a_response_outweighs_a_read_and_a_person(write_env: WriteEnv, by: Any) -> None:
    """As when another kernel presumed this one dead and resolved its call."""
    endpoint_name = "exchange.transfer"
    exchange = Meddling(write_env.world, write_env.env.exchange_clock)
    put(write_env, exchange)
    journal = Journal(write_env.ops.journal)
    said = []
    exchange.meanwhile = lambda: said.append(
        journal.resolve(journal.entry(1), "rejected", "it does not exist", by)
    )
    outcome = do(write_env, endpoint_name)
    assert (said[0].status, said[0].resolved_by) == ("rejected", by)
    assert outcome.status == "confirmed"
    assert (write_env.ops.outcome(1).status, journal.entry(1).resolved_by) == ("confirmed", "answer")
    for weaker in ("read", "person"):
        entry = journal.resolve(journal.entry(1), "rejected", "it does not exist", weaker)
        assert (entry.status, entry.resolved_by) == ("confirmed", "answer")
    with pytest.raises(UsageError, match="#1 is already resolved"):
        write_env.ops.resolve(1, executed=False)


def test_a_rejecting_response_outweighs_a_read(write_env: WriteEnv) -> None:
    exchange = Meddling(write_env.world, write_env.env.exchange_clock)
    put(write_env, exchange)
    journal = Journal(write_env.ops.journal)
    exchange.meanwhile = lambda: journal.resolve(journal.entry(1), "confirmed", "it exists", "person")
    outcome = write_env.ops.exchange.transfer("USDT", "999999999999", to_id=write_env.world.accounts[0].id)
    assert outcome.status == "rejected"
    assert write_env.ops.outcome(1).status == "rejected"


# -- clocks and expiry -------------------------------------------------------------------


def lost_account(write_env: WriteEnv) -> Outcome:
    write_env.fail("exchange.create_sub_account", "reset-before")
    outcome = do(write_env, "exchange.create_sub_account", unique_suffix=True)
    assert outcome.status == "unknown"
    return outcome


def test_a_clock_set_back_since_it_was_measured_does_not_reject(write_env: WriteEnv) -> None:
    """The kernel measured the clock before it was set back; its read measures it again."""
    other = other_kernel(write_env)
    write_env.env.exchange_clock.ahead = HOUR
    write_env.fail("exchange.transfer", "error", code=-5002)
    do_with(other, write_env, "exchange.transfer")
    write_env.env.exchange_clock.ahead = 0.0
    lost = lost_account(write_env)
    asked = other.reconcile(lost.number, wait=False)
    assert asked.status == "unknown"
    assert "the call may still be executed for" in asked.reason
    write_env.world.add_account(lost.arguments["tag"], write_env.env.now)
    assert other.reconcile(lost.number).status == "confirmed"


def do_with(ops: Operations, write_env: WriteEnv, endpoint_name: str) -> Outcome:
    outcome: Outcome = call(ops, endpoint_name, example(write_env.world, endpoint_name))
    return outcome


class Slow(Exchange):
    """An exchange whose reads take a while after the list was produced."""

    seconds = 0.0

    def handle(self, request: Any) -> Any:
        answer = super().handle(request)
        if request.method == "GET" and "subAccount" in request.path:
            self.clock._clock.advance(self.seconds)  # type: ignore[attr-defined]
        return answer


def test_a_list_produced_before_the_request_expired_proves_nothing(write_env: WriteEnv) -> None:
    exchange = Slow(write_env.world, write_env.env.exchange_clock)
    put(write_env, exchange)
    lost = lost_account(write_env)
    write_env.clock.advance(WINDOW - 2)
    exchange.seconds = 4.0
    assert lost.reconcile(wait=False).status == "unknown"
    assert lost.reconcile(wait=False).status == "rejected"


def test_an_unmeasured_clock_does_not_reject(write_env: WriteEnv) -> None:
    lost = lost_account(write_env)
    write_env.clock.advance(1000)  # the measurement is too old
    write_env.faults.add("reset", path="/api/v3/time", times=None)
    for wait in (True, False):
        assert lost.reconcile(wait=wait).status == "unknown"
        assert "the exchange's clock could not be measured. Ask again" in lost.reason
    write_env.faults.clear()
    assert lost.reconcile().status == "rejected"


def test_a_timestamp_far_ahead_is_not_waited_for(folder: Path) -> None:
    write_env = WriteEnv(folder, ahead=-HOUR)
    try:
        write_env.faults.add("reset", path="/api/v3/time", times=None)
        lost = lost_account(write_env)
        write_env.faults.clear()
        began = write_env.clock.time()
        assert lost.reconcile().status == "unknown"
        assert "the call may still be executed for 36" in lost.reason
        assert "Ask again then" in lost.reason
        assert write_env.clock.time() < began + 1
        write_env.clock.advance(HOUR + WINDOW)
        assert lost.reconcile().status == "rejected"
    finally:
        write_env.close()


def test_resolve_as_not_executed_waits_in_a_kernel_without_a_measured_clock(folder: Path) -> None:
    write_env = WriteEnv(folder, ahead=-HOUR)
    try:
        lost = lost_account(write_env)
        other = other_kernel(write_env)
        with pytest.raises(UsageError, match="may still be executed for 15 s"):
            other.resolve(lost.number, executed=False)
        write_env.clock.advance(WINDOW + 1)
        assert other.resolve(lost.number, executed=False).status == "rejected"
    finally:
        write_env.close()


# -- numbers from frames -----------------------------------------------------------------------------------


def test_numbers_from_a_frame_are_accepted(write_env: WriteEnv, a: str) -> None:
    ops = write_env.ops
    for amount in ("1", "2", "3", "4"):
        write_env.fail("exchange.transfer", "reset")
        ops.exchange.transfer("USDT", amount, to_id=a)
    for number in ops.unresolved()["number"].head(1):
        assert ops.reconcile(number).status == "confirmed"
    kinds: list[Callable[[pd.Series[Any]], Any]] = [
        lambda numbers: numbers.iloc[0],
        lambda numbers: numbers.to_numpy(dtype="int64")[0],
        lambda numbers: np.int16(numbers.iloc[0]),
    ]
    for kind in kinds:
        number = kind(ops.unresolved()["number"])
        assert ops.outcome(number).status == "unknown"
        assert ops.resolve(number, executed=True).status == "confirmed"
        assert ops.reconcile(number).status == "confirmed"
    assert len(ops.unresolved()) == 0
    assert set(ops.history()["resolved_by"]) == {"read"}


STRANGE = [True, np.True_, "1", 1.0, np.float64(1), None, pd.NA, np.array([1, 2]), pd.Series([1])]


@pytest.mark.parametrize("number", STRANGE, ids=lambda value: f"{type(value).__name__}")
def test_a_value_that_is_no_number_is_refused(write_env: WriteEnv, number: Any) -> None:
    write_env.fail("exchange.transfer", "reset")
    do(write_env, "exchange.transfer")
    steps: list[Callable[[], object]] = [
        lambda: write_env.ops.outcome(number),
        lambda: write_env.ops.reconcile(number),
        lambda: write_env.ops.resolve(number, executed=True),
    ]
    for step in steps:
        with (
            nothing_sent(write_env),
            pytest.raises(UsageError, match="number of a call is an integer such as 17"),
        ):
            step()
    assert write_env.ops.outcome(1).status == "unknown"


def test_a_number_too_large_for_sqlite_is_unknown(write_env: WriteEnv) -> None:
    for number in (0, -1, 2**63, 2**80, -(2**80)):
        with pytest.raises(UsageError, match=f"no entry #{number}"):
            write_env.ops.outcome(number)


# -- settings that may still arrive
# ----------------------------------------------------------------------------


def resolve_by_read(write_env: WriteEnv, lost: Outcome) -> None:
    assert lost.reconcile().status == "confirmed"


def resolve_by_repetition(write_env: WriteEnv, lost: Outcome) -> None:
    assert do(write_env, lost.endpoint)
    assert write_env.ops.outcome(lost.number).status == "confirmed"


def resolve_by_hand(write_env: WriteEnv, lost: Outcome) -> None:
    assert write_env.ops.resolve(lost.number, executed=True)


RESOLVING = [resolve_by_read, resolve_by_repetition, resolve_by_hand]


@pytest.mark.parametrize("resolve", RESOLVING, ids=lambda resolve: resolve.__name__)
def test_a_setting_that_may_still_arrive_blocks_other_values(
    write_env: WriteEnv, a: str, b: str, resolve: Callable[[WriteEnv, Outcome], None]
) -> None:
    endpoint_name, other = "exchange.set_commission", FEES | {"maker": "0.0009"}
    write_env.fail(endpoint_name, "reset")
    lost = do(write_env, endpoint_name)
    resolve(write_env, lost)
    said = refused(write_env, lambda: write_env.ops.exchange.set_commission(a, **other), lost.number)
    assert "may still arrive at the exchange for 15 s and undo this call" in said
    assert not write_env.ops.preview.exchange.set_commission(a, **other)
    assert write_env.ops.exchange.set_commission(b, **other), "another account has another subject"
    assert write_env.ops.exchange.set_commission(a, **FEES), "the same call may be repeated"
    write_env.clock.advance(WINDOW - 2)
    assert "for 2 s" in refused(
        write_env, lambda: write_env.ops.exchange.set_commission(a, **other), lost.number
    )
    write_env.clock.advance(2.1)
    assert write_env.ops.exchange.set_commission(a, **other)


def test_a_late_setting_blocks_in_a_kernel_without_a_measured_clock(folder: Path) -> None:
    write_env = WriteEnv(folder, ahead=-HOUR)
    try:
        endpoint_name = "exchange.set_commission"
        write_env.fail(endpoint_name, "reset")
        lost = do(write_env, endpoint_name)
        assert lost.reconcile().status == "confirmed"
        other = other_kernel(write_env).exchange
        account = write_env.world.accounts[0].id
        with pytest.raises(PendingWriteError, match="may still arrive at the exchange for 15 s"):
            other.set_commission(account, maker="0.0009", taker="0.0012")
        assert write_env.sent(endpoint_name) == 1
    finally:
        write_env.close()


# -- idempotency keys
# ----------------------------------------------------------------------------------------------------


def test_an_idempotency_key_is_free_after_a_failed_connection(write_env: WriteEnv, a: str) -> None:
    assert do(write_env, "exchange.transfer")
    port = int(write_env.env.sandbox.address.rpartition(":")[2])
    write_env.env.sandbox.stop()
    first = write_env.ops.exchange.transfer("USDT", "7", to_id=a, idempotency_key="pay")
    assert (first.status, first.number) == ("rejected", 2)
    write_env.env.sandbox = Sandbox(port=port, exchange=write_env.exchange).start()
    again = write_env.ops.exchange.transfer("USDT", "7", to_id=a, idempotency_key="pay")
    assert (again.status, again.number, again.repeated) == ("confirmed", 3, False)
    assert write_env.sent("exchange.transfer") == 2


def test_an_idempotency_key_is_free_after_a_ban(write_env: WriteEnv, a: str) -> None:
    write_env.fail("exchange.enable_futures", "ban", seconds=120)
    do(write_env, "exchange.enable_futures")
    with nothing_sent(write_env):
        first = write_env.ops.exchange.transfer("USDT", "7", to_id=a, idempotency_key="pay")
    assert first.status == "rejected"
    assert "ops.release_idempotency_key" not in first.next_step
    write_env.clock.advance(125)
    again = write_env.ops.exchange.transfer("USDT", "7", to_id=a, idempotency_key="pay")
    assert (again.status, again.repeated) == ("confirmed", False)


class Interrupted(FakeClock):
    """A clock on which every wait is interrupted while `on` is set."""

    on = False

    def sleep(self, seconds: float) -> None:
        if self.on:
            raise KeyboardInterrupt
        super().sleep(seconds)

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        if self.on:
            raise KeyboardInterrupt
        super().wait(condition, seconds)


def test_an_idempotency_key_is_free_after_an_interrupt_before_sending(write_env: WriteEnv, a: str) -> None:
    clock = Interrupted()
    link = write_env.env.new_link(clock=clock, bare=True, limits={"sapi-ip": 1})
    ops = link.operations(journal=write_env.folder)
    assert do_with(ops, write_env, "exchange.transfer")
    clock.on = True
    with (
        nothing_sent(write_env),
        pytest.raises(KeyboardInterrupt, match=r"before it was sent. Nothing was sent"),
    ):
        ops.exchange.transfer("USDT", "7", to_id=a, idempotency_key="pay")
    last = ops.history().iloc[-1]
    assert last["status"] == "rejected"
    assert pd.isna(last["idempotency_key"])
    clock.on = False
    for each in (clock, write_env.clock):
        each.advance(60)
    assert not ops.exchange.transfer("USDT", "7", to_id=a, idempotency_key="pay").repeated
    assert write_env.sent("exchange.transfer") == 2


def test_a_call_that_the_exchange_rejected_keeps_its_idempotency_key(write_env: WriteEnv, a: str) -> None:
    write_env.fail("exchange.transfer", "error", code=-5002, message="Poor.")
    assert write_env.ops.exchange.transfer("USDT", "7", to_id=a, idempotency_key="pay").status == "rejected"
    assert write_env.ops.exchange.transfer("USDT", "7", to_id=a, idempotency_key="pay").repeated
    assert write_env.sent("exchange.transfer") == 1


def test_an_idempotency_key_of_another_api_key_needs_same_account(write_env: WriteEnv, a: str) -> None:
    first = write_env.ops.exchange.transfer("USDT", "7", to_id=a, idempotency_key="pay")
    other = write_env.operations("partner", "trade-only")
    with pytest.raises(UsageError, match=r"#1, which was sent with another API key.*same_account=True"):
        other.exchange.transfer("USDT", "7", to_id=a, idempotency_key="pay")
    assert not other.preview.exchange.transfer("USDT", "7", to_id=a, idempotency_key="pay")
    key = write_env.world.keys["trade-only"]
    said = other_kernel(write_env, key=key.key, secret=key.secret, same_account=True)
    again = said.exchange.transfer("USDT", "7", to_id=a, idempotency_key="pay")
    assert (again.number, again.status, again.repeated) == (first.number, "confirmed", True)
    assert write_env.sent("exchange.transfer") == 1


def test_addresses_in_another_order_are_the_same_call(write_env: WriteEnv) -> None:
    given = example(write_env.world, "exchange.set_ip_restriction")
    one, two = "192.0.2.7,198.51.100.4", ["198.51.100.4", "192.0.2.7"]
    first = write_env.ops.exchange.set_ip_restriction(**given | {"addresses": one}, idempotency_key="office")
    again = write_env.ops.exchange.set_ip_restriction(**given | {"addresses": two}, idempotency_key="office")
    assert first
    assert (again.number, again.repeated) == (first.number, True)
    with pytest.raises(UsageError, match="belongs to another call"):
        write_env.ops.exchange.set_ip_restriction(
            **given | {"addresses": "192.0.2.7"}, idempotency_key="office"
        )


def test_trailing_zeros_of_an_amount_are_the_same_call(write_env: WriteEnv, a: str) -> None:
    first = write_env.ops.exchange.transfer("USDT", "7", to_id=a, idempotency_key="pay")
    assert (
        write_env.ops.exchange.transfer("USDT", Decimal("7.000"), to_id=a, idempotency_key="pay").number
        == first.number
    )


# -- ids of other transfers -------------------------------------------------------------------------


def lost_with_row(folder: Path, **change: Any) -> Outcome:
    """A lost transfer, where the exchange's list has another one with its id."""
    write_env = WriteEnv(folder)
    try:
        to = write_env.world.accounts[0].id
        own = change.pop("own", None)
        named = write_env.ops.preview.exchange.transfer("USDT", "12.5", to_id=to, idempotency_key="pay")
        row = {
            "fromId": "",
            "toId": to,
            "asset": "USDT",
            "qty": "12.50000000",
            "time": write_env.env.now + 200,
            "txnId": "77",
            "clientTranId": own or named.body["clientTranId"],
            "status": "SUCCESS",
        }
        write_env.env.replace_exchange(tables={"exchange.transfers": ListTable([row | change])})
        write_env.exchange, write_env.faults = write_env.env.exchange, write_env.env.exchange.faults
        ops = other_kernel(write_env)
        write_env.fail("exchange.transfer", "reset-before")
        outcome = ops.exchange.transfer("USDT", "12.5", to_id=to, idempotency_key="pay", client_tran_id=own)
        assert outcome.status == "unknown"
        return outcome.reconcile()
    finally:
        write_env.close()


@pytest.mark.parametrize("change", [{"qty": "12.4"}, {"asset": "BTC"}], ids=str)
def test_a_generated_id_with_another_amount_leaves_the_outcome_unknown(
    folder: Path, change: dict[str, str]
) -> None:
    """Nobody else has the id, so if the list shows something else the outcome is unknown."""
    outcome = lost_with_row(folder, **change)
    assert outcome.status == "unknown"
    assert "is not as requested" in outcome.reason
    assert "`ops.resolve(" in outcome.reason


@pytest.mark.parametrize("change", [{"qty": "12.4"}, {"asset": "BTC"}], ids=str)
def test_a_chosen_id_with_another_amount_is_rejected(folder: Path, change: dict[str, str]) -> None:
    outcome = lost_with_row(folder, own="mine", **change)
    assert outcome.status == "rejected"
    assert "the id mine belongs to another transfer" in outcome.reason


def test_a_generated_id_with_the_requested_amount_is_confirmed(folder: Path) -> None:
    assert lost_with_row(folder).status == "confirmed"


# -- resolving by hand --------------------------------------------------------------------------------------


def test_resolve_as_not_executed_is_refused_until_the_request_has_expired(write_env: WriteEnv) -> None:
    lost = lost_account(write_env)
    with pytest.raises(UsageError, match="may still be executed for 15 s"):
        write_env.ops.resolve(lost.number, executed=False)
    assert write_env.ops.outcome(lost.number).status == "unknown"
    assert write_env.ops.resolve(lost.number, executed=True, note="seen").status == "confirmed"
    with pytest.raises(UsageError, match="may still be executed"):
        write_env.ops.resolve(lost.number, executed=False)
    write_env.clock.advance(WINDOW + 0.1)
    assert write_env.ops.resolve(lost.number, executed=False, note="mistaken").status == "rejected"
    assert write_env.ops.outcome(lost.number).reason == "resolved by you: mistaken"
    assert write_env.ops.resolve(lost.number, executed=True, note="no, it is").status == "confirmed"
    assert write_env.ops.reconcile(lost.number).status == "rejected", "a read outweighs a person"
    with pytest.raises(UsageError, match="is already resolved: it is rejected"):
        write_env.ops.resolve(lost.number, executed=True)


# -- refused before anything is sent -----------------------------------------------------------------


@pytest.mark.parametrize("wallets", [("um", "cm"), ("cm", "um"), ("um", "um"), ("cm", "cm")], ids="-".join)
def test_a_transfer_between_two_futures_wallets_is_refused(
    write_env: WriteEnv, a: str, wallets: tuple[str, str]
) -> None:
    source, target = wallets
    given: dict[str, Any] = {"from_wallet": source, "to_wallet": target, "to_id": a}
    for ops in (write_env.ops, write_env.ops.preview):
        with (
            nothing_sent(write_env),
            pytest.raises(UsageError, match="money cannot be moved between two futures"),
        ):
            call(ops, "exchange.universal_transfer", given | {"asset": "USDT", "amount": "1"})
    assert len(write_env.ops.history()) == 0


# -- amounts from exact frames -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "sent"),
    [("35.443402070000000000", "35.44340207"), ("40.000000000000000000", "40"), ("100", "100")],
)
def test_trailing_zeros_of_an_amount_are_not_sent(
    write_env: WriteEnv, a: str, amount: str, sent: str
) -> None:
    outcome = write_env.ops.exchange.transfer("USDT", Decimal(amount), to_id=a)
    assert outcome.status == "confirmed"
    assert write_env.effects("exchange.transfer")[0].parameters["amount"] == sent
    assert outcome.arguments["amount"] == sent


def test_an_amount_from_an_exact_frame_is_sent_unchanged(write_env: WriteEnv, a: str) -> None:
    link = write_env.env.new_link(numbers="exact")
    ops = link.operations(journal=write_env.folder)
    first = ops.exchange.transfer("USDT", "35.44340207", to_id=a)
    assert first
    amount = link.exchange.transfers(to_id=a, start="-1D")["qty"].iloc[-1]
    assert isinstance(amount, Decimal)
    sent_back = ops.exchange.transfer("USDT", amount, from_id=a)
    assert sent_back.status == "confirmed"
    assert write_env.effects("exchange.transfer")[1].parameters["amount"] == "35.44340207"


# -- new keys ------------------------------------------------------------------------------------------------


def test_a_new_key_is_handed_over_by_a_later_outcome(write_env: WriteEnv) -> None:
    given = example(write_env.world, "exchange.create_api_key")
    write_env.ops.exchange.create_api_key(**given)
    outcome = write_env.ops.outcome(1)
    assert "`outcome.take_key()`" in outcome.next_step
    account = write_env.world.account(given["sub_account_id"])
    assert account is not None
    assert outcome.take_key().key == account.keys[-1].key
    for other in (outcome, write_env.ops.outcome(1)):
        with pytest.raises(UsageError, match="already handed over"):
            other.take_key()


def test_a_new_key_is_handed_over_by_a_repeated_call(write_env: WriteEnv) -> None:
    given = example(write_env.world, "exchange.create_api_key")
    write_env.ops.exchange.create_api_key(**given, idempotency_key="robot")
    again = write_env.ops.exchange.create_api_key(**given, idempotency_key="robot")
    assert again.repeated
    assert len(again.take_key().secret) == 64
    with pytest.raises(UsageError, match="already handed over"):
        write_env.ops.exchange.create_api_key(**given, idempotency_key="robot").take_key()
    assert len(write_env.effects("exchange.create_api_key")) == 1


# -- wrong clocks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [30.0, -30.0])
def test_a_write_refused_for_its_timestamp_is_not_sent_again(write_env: WriteEnv, ahead: float) -> None:
    endpoint_name = "exchange.transfer"
    assert do(write_env, endpoint_name)
    write_env.env.exchange_clock.ahead = ahead
    outcome = do(write_env, endpoint_name)
    assert outcome.status == "rejected"
    assert type(outcome.error) is ClockError
    for text in (outcome.reason, str(outcome.error)):
        assert "-1021" in text
        assert "call again" in text
        assert "signed" not in text.lower()
    assert (write_env.sent(endpoint_name), len(write_env.effects(endpoint_name))) == (2, 1)
    assert do(write_env, endpoint_name)
    assert (write_env.sent(endpoint_name), len(write_env.effects(endpoint_name))) == (3, 2)


# -- endpoints of a newer version
# -------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["confirmed", "rejected", "unknown"])
def test_a_call_of_an_unknown_endpoint_is_listed_but_not_resolved(write_env: WriteEnv, status: str) -> None:
    kinds = {"rejected": ("error", {"code": -5002}), "unknown": ("reset", {})}
    if status in kinds:
        kind, options = kinds[status]
        write_env.fail("exchange.transfer", kind, **options)
    assert do(write_env, "exchange.transfer").status == status
    file = sqlite3.connect(write_env.ops.journal)
    with file:
        file.execute("UPDATE entries SET endpoint = 'exchange.teleport'")
    file.close()
    ops = other_kernel(write_env)
    assert list(ops.history()["endpoint"]) == ["exchange.teleport"]
    assert list(ops.history()["status"]) == [status]
    assert len(ops.unresolved()) == (status == "unknown")
    for step in (ops.outcome, ops.reconcile):
        with (
            nothing_sent(write_env),
            pytest.raises(UsageError, match=r"exchange\.teleport, which this version"),
        ):
            step(1)
    with pytest.raises(UsageError):
        ops.resolve(1, executed=True)
    assert list(ops.history()["status"]) == [status]


# -- interrupts ----------------------------------------------------------------------------------------------


def test_an_interrupt_after_the_response_loses_nothing(write_env: WriteEnv) -> None:
    endpoint_name = "exchange.create_api_key"
    budget = write_env.env.link._connection.budget

    def interrupt() -> None:
        calls = budget.snapshot().calls
        if calls and calls[-1].endpoint == endpoint_name and calls[-1].method == "POST":
            end()
            raise KeyboardInterrupt

    given = example(write_env.world, endpoint_name)
    end = budget.watch(interrupt)
    with pytest.raises(KeyboardInterrupt, match="#1 is confirmed") as caught:
        write_env.ops.exchange.create_api_key(**given)
    outcome = caught.value.outcome  # type: ignore[attr-defined]
    assert isinstance(outcome, Outcome)
    assert outcome.status == "confirmed"
    assert list(write_env.ops.history()["resolved_by"]) == ["answer"]
    assert len(outcome.take_key().secret) == 64
    assert (write_env.sent(endpoint_name), len(write_env.effects(endpoint_name))) == (1, 1)


def test_an_interrupt_at_any_point_says_what_is_known(write_env: WriteEnv, a: str) -> None:
    """The interrupt comes while the response is applied, after it was counted."""
    budget, told = write_env.env.link._connection.budget, []

    def interrupt() -> None:
        told.append(budget.banned_until is not None)
        if sum(told) == 2:
            end()
            raise KeyboardInterrupt

    write_env.fail("exchange.transfer", "ban")
    end = budget.watch(interrupt)
    with pytest.raises(KeyboardInterrupt, match=r"exchange.transfer was interrupted; #1 is \w+: ") as caught:
        write_env.ops.exchange.transfer("USDT", "7", to_id=a)
    assert caught.value.outcome.number == 1  # type: ignore[attr-defined]


def test_an_interrupted_reconciliation_says_that_nothing_changed(write_env: WriteEnv, a: str) -> None:
    clock = Interrupted()
    link = write_env.env.new_link(clock=clock, bare=True)
    write_env.fail("exchange.transfer", "reset-before")
    outcome = link.operations(journal=write_env.folder).exchange.transfer("USDT", "7", to_id=a)
    assert outcome.status == "unknown"
    clock.on = True
    again = r"Interrupted\. The outcome of #1 is still unknown; `ops\.reconcile\(1\)` asks again\."
    with pytest.raises(KeyboardInterrupt, match=again):
        outcome.reconcile()
    assert outcome.status == "unknown"


# -- API keys of several accounts
# -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "endpoint_name", [write.qualified_name for write in WRITES if write.reconciliation.needs_snapshot]
)
def test_the_state_before_a_write_is_not_read_from_another_account(
    write_env: WriteEnv, endpoint_name: str
) -> None:
    """Otherwise rows of another account would decide the outcome."""
    given = example(write_env.world, endpoint_name)
    ops = write_env.operations("open", "partner")
    assert not call(ops.preview, endpoint_name, given)
    before = len(write_env.exchange.log)
    with pytest.raises(UsageError, match=r"is read before this write, .*Nothing was sent.*same_account=True"):
        call(ops, endpoint_name, given)
    assert [each for each in list(write_env.exchange.log)[before:] if each.key] == []
    write_env.fail(endpoint_name, "reset")
    lost = call(write_env.operations("withdrawals", "partner", same_account=True), endpoint_name, given)
    assert lost.reconcile().status in ("confirmed", "unknown")
    assert len(write_env.effects(endpoint_name)) == 1


def test_the_same_call_with_another_key_resolves_nothing(write_env: WriteEnv) -> None:
    endpoint_name = "spot.set_customer_id"
    given = example(write_env.world, endpoint_name)
    write_env.fail(endpoint_name, "reset-before")
    lost = call(write_env.ops, endpoint_name, given)
    assert lost.status == "unknown"
    other = write_env.operations("open")
    with pytest.raises(PendingWriteError, match=f"#{lost.number}"):
        call(other, endpoint_name, given)
    assert write_env.ops.outcome(lost.number).status == "unknown"
    again = call(write_env.ops, endpoint_name, given)
    assert again.status == write_env.ops.outcome(lost.number).status == "confirmed"


def test_a_passphrase_alone_is_refused(write_env: WriteEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key from the environment, which may belong to another account, would sign the writes."""
    unrelated = write_env.world.keys["no-link"]
    monkeypatch.setenv("TOOLKIT_KEY", unrelated.key)
    monkeypatch.setenv("TOOLKIT_SECRET", unrelated.secret)
    with pytest.raises(UsageError, match="`passphrase` needs a profile or a key"):
        write_env.env.link.operations(passphrase="a word", journal=write_env.folder)
