"""A trace that anyone could have left proves nothing: who did it is only claimed where it is proven."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from tests.support.writes import (
    BY_HAND,
    HOLDS,
    WRITE_NAMES,
    WriteEnv,
    another_process,
    call,
    do,
    example,
    operations_of,
)
from toolkit.api.writes.operations import Operations
from toolkit.endpoints import WRITES_BY_NAME
from toolkit.errors import NotExecutedError, UsageError
from toolkit.writes import Outcome, evidence

EACH = pytest.mark.parametrize("endpoint_name", WRITE_NAMES)
TRANSFERS = [
    endpoint_name
    for endpoint_name in WRITE_NAMES
    if WRITES_BY_NAME[endpoint_name].reconciliation.kind == "client_id"
]
CREATE = "exchange.create_sub_account"
WINDOW = 15.0


def stranger(write_env: WriteEnv, endpoint_name: str) -> Operations:
    """Somebody with the same rights at the exchange, who knows nothing of our journal."""
    key = write_env.world.example_write(endpoint_name).key
    return write_env.env.new_link(key.key, key.secret).operations(journal=write_env.folder / "stranger")


def lose(write_env: WriteEnv, endpoint_name: str, kind: str = "reset-before", **more: Any) -> Outcome:
    """A call whose answer is lost; it is not executed, unless said."""
    write_env.fail(endpoint_name, kind)
    failure: Outcome = call(
        operations_of(write_env, endpoint_name),
        endpoint_name,
        example(write_env.world, endpoint_name),
        **more,
    )
    assert failure.status == "unknown"
    return failure


# What may be said of a call that was never executed, where a stranger did the very same.
SAID = {
    "client_id": ("rejected", "execution"),  # his has another id
    "new_account": ("unknown", ""),
    "new_key": ("unknown", ""),
    "gone": ("confirmed", "state"),
    "in_force": ("confirmed", "state"),
    "changed": ("unknown", ""),
    "manual": ("unknown", ""),
}


@EACH
def test_what_a_stranger_did_is_not_taken_for_what_the_call_did(
    write_env: WriteEnv, endpoint_name: str
) -> None:
    sent, given = (
        write_env.world.example_write(endpoint_name).parameters,
        example(write_env.world, endpoint_name),
    )
    failure = lose(write_env, endpoint_name)
    assert not HOLDS[endpoint_name](write_env.world, sent)
    assert call(stranger(write_env, endpoint_name), endpoint_name, given)
    failure.reconcile()
    how = WRITES_BY_NAME[endpoint_name].reconciliation
    assert (failure.status, failure.proof) == SAID[how.kind]
    if failure.status == "unknown":
        assert how.manual_check in failure.reason
        assert f"`ops.resolve({failure.number}, executed=...)`" in failure.reason
    if failure.proof == "state":
        assert HOLDS[endpoint_name](write_env.world, sent), "it is as asked"
        assert "by this call or by somebody else's" in failure.reason
        assert "Confirmed: the requested state is in force, whoever set it." in repr(failure)
        assert "the requested state is in force, whoever set it" in failure._repr_html_()
        assert "it was executed" not in repr(failure)
    assert write_env.sent(endpoint_name) == 2


@EACH
def test_the_table_of_what_is_said_has_every_write(endpoint_name: str) -> None:
    kind, name = WRITES_BY_NAME[endpoint_name].reconciliation.kind, endpoint_name.partition(".")[2]
    text = re.sub(r"\s+", " ", evidence.__doc__ or "")
    assert re.search(rf"\b{kind} +(the|an|it|what|something|no|one) ", evidence.__doc__ or "")
    listed = re.search(rf"\b{kind}: ([^.]*)\.", text)
    assert listed
    assert name in listed[1] or (kind == "in_force" and name.endswith("customer_id"))


# -- transfers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint_name", TRANSFERS)
def test_by_an_id_that_was_drawn_a_transfer_is_known(write_env: WriteEnv, endpoint_name: str) -> None:
    failure = lose(write_env, endpoint_name, "reset")
    assert failure.reconcile().status == "confirmed"
    assert failure.proof == "execution"


@pytest.mark.parametrize("endpoint_name", TRANSFERS)
@pytest.mark.parametrize("kind", ["reset", "reset-before"])
def test_an_id_of_the_users_own_another_call_may_have_used(
    write_env: WriteEnv, endpoint_name: str, kind: str
) -> None:
    """The exchange's list looks the same, whether ours was executed or a stranger's of the same id."""
    given = example(write_env.world, endpoint_name) | {"client_tran_id": "mine"}
    write_env.fail(endpoint_name, kind)
    failure = call(write_env.ops, endpoint_name, given)
    assert bool(call(stranger(write_env, endpoint_name), endpoint_name, given)) == (kind == "reset-before")
    assert failure.reconcile().status == "unknown"
    assert "but you chose its id, so another call with the same id may have made it" in failure.reason
    assert len(write_env.effects(endpoint_name)) == 1


def test_an_id_that_another_call_drew_is_not_this_calls(write_env: WriteEnv) -> None:
    endpoint_name = TRANSFERS[0]
    given = example(write_env.world, endpoint_name)
    drawn = call(stranger(write_env, endpoint_name), endpoint_name, given).arguments["client_tran_id"]
    write_env.fail(endpoint_name, "reset-before")
    failure = call(write_env.ops, endpoint_name, given | {"client_tran_id": drawn})
    assert failure.reconcile().status == "unknown"


@pytest.mark.parametrize("endpoint_name", TRANSFERS)
def test_the_transfer_of_a_name_is_made_once_from_wherever(write_env: WriteEnv, endpoint_name: str) -> None:
    """Its id follows from the name: the exchange takes it once. It is told that it may be another's."""
    failure = lose(write_env, endpoint_name, idempotency_key="october")
    given = example(write_env.world, endpoint_name)
    assert call(stranger(write_env, endpoint_name), endpoint_name, given, idempotency_key="october")
    assert failure.reconcile().status == "confirmed"
    assert "by this call or by another with its idempotency key" in failure.reason
    assert len(write_env.effects(endpoint_name)) == 1


# -- sub-accounts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ["desk 17", None])
@pytest.mark.parametrize("kind", ["reset", "reset-before"])
def test_an_account_with_the_same_tag_is_not_taken_for_ones_own(
    write_env: WriteEnv, tag: str | None, kind: str
) -> None:
    write_env.fail(CREATE, kind)
    failure = write_env.ops.exchange.create_sub_account(tag=tag)
    if kind == "reset-before":
        write_env.world.add_account(tag or "", write_env.env.now + 500)
    assert failure.reconcile().status == "unknown"
    assert write_env.world.accounts[-1].id in failure.reason
    assert "nothing shows whether by this call or by somebody else" in failure.reason
    write_env.clock.advance(WINDOW + 1)
    assert failure.reconcile().status == "unknown", "nor later"
    assert write_env.sent(CREATE) == 1


@pytest.mark.parametrize("tag", ["desk 17", None])
@pytest.mark.parametrize("kind", ["reset", "reset-before"])
def test_an_account_is_known_by_the_mark_that_was_drawn_for_it(
    write_env: WriteEnv, tag: str | None, kind: str
) -> None:
    write_env.fail(CREATE, kind)
    failure = write_env.ops.exchange.create_sub_account(tag=tag, unique_suffix=True)
    write_env.world.add_account(tag or "", write_env.env.now + 500)  # somebody else's
    assert failure.reconcile().status == ("confirmed" if kind == "reset" else "rejected")
    if kind == "reset":
        assert failure.proof == "execution"
        made = write_env.effects(CREATE)[0]
        assert failure.require_confirmed()["sub_account_id"][0] == made.answer_id
        assert made.parameters["tag"] == failure.arguments["tag"]


def test_a_mark_is_drawn_for_each_call_and_stands_behind_the_tag(write_env: WriteEnv) -> None:
    tags = [
        write_env.ops.exchange.create_sub_account(tag="desk", unique_suffix=True).require_confirmed()["tag"][
            0
        ]
        for _ in range(3)
    ]
    assert all(re.fullmatch("desk-[2-9a-z]{9}", tag) for tag in tags)
    assert len(set(tags)) == 3
    shown = write_env.ops.preview.exchange.create_sub_account(tag="desk", unique_suffix=True)
    assert shown.body["tag"] == "(generated when it is sent)"
    assert write_env.ops.exchange.create_sub_account(tag="t" * 21, unique_suffix=True)
    with pytest.raises(UsageError, match="`tag` has at most 21 characters, not 22"):
        write_env.ops.exchange.create_sub_account(tag="t" * 22, unique_suffix=True)
    with pytest.raises(UsageError, match="`unique_suffix` must be True or False"):
        write_env.ops.exchange.create_sub_account(tag="desk", unique_suffix=1)  # type: ignore[arg-type]


def test_nothing_is_put_behind_a_tag_that_nobody_asked_to_be_marked(write_env: WriteEnv) -> None:
    assert write_env.ops.exchange.create_sub_account(tag="desk").require_confirmed()["tag"][0] == "desk"
    assert write_env.effects(CREATE)[0].parameters["tag"] == "desk"


def test_a_name_stands_for_the_marked_call(write_env: WriteEnv) -> None:
    first = write_env.ops.exchange.create_sub_account(tag="desk", unique_suffix=True, idempotency_key="desk")
    again = write_env.ops.exchange.create_sub_account(tag="desk", unique_suffix=True, idempotency_key="desk")
    assert (again.number, again.arguments) == (first.number, first.arguments)
    with pytest.raises(UsageError, match="belongs to another call"):
        write_env.ops.exchange.create_sub_account(tag="desk", idempotency_key="desk")
    assert len(write_env.effects(CREATE)) == 1


# -- keys ----------------------------------------------------------------------------------------------------


def test_a_key_that_a_garbled_answer_named_is_known(write_env: WriteEnv) -> None:
    endpoint_name = "exchange.create_api_key"
    write_env.fail(endpoint_name, "missing-field", field="canTrade")
    failure = do(write_env, endpoint_name)
    assert failure.status == "unknown"
    assert failure.take_key().secret
    with another_process():
        elsewhere = write_env.env.new_link().operations(journal=write_env.folder)
        assert elsewhere.reconcile(failure.number).status == "unknown", "there nothing is known of the answer"
    assert failure.reconcile().status == "confirmed"
    assert "the exchange's response named it" in failure.reason


# -- states --------------------------------------------------------------------------------------------------


def test_a_setting_that_somebody_has_undone_is_not_said_to_have_never_been_executed(
    write_env: WriteEnv,
) -> None:
    endpoint_name = "exchange.set_commission"
    account = write_env.world.accounts[0]
    maker = account.maker
    failure = lose(write_env, endpoint_name, "reset")
    account.maker = maker
    assert failure.reconcile().status == "rejected"
    assert failure.proof == "state"
    assert "Rejected: it is not as asked." in repr(failure)
    assert "Nothing has changed" not in repr(failure)
    assert "the call was not executed, or the state has changed since" in failure.reason
    with pytest.raises(NotExecutedError) as raised:
        failure.require_confirmed()
    assert not raised.value.proven
    assert "Nothing was executed" not in str(raised.value)


@pytest.mark.parametrize("endpoint_name", ["exchange.delete_sub_account", "exchange.delete_api_key"])
def test_what_is_still_there_was_not_deleted(write_env: WriteEnv, endpoint_name: str) -> None:
    failure = lose(write_env, endpoint_name)
    assert failure.reconcile().status == "rejected"
    assert failure.proof == "execution"
    assert "Rejected: nothing was executed." in repr(failure)


def test_what_the_exchange_answered_is_the_calls_own(write_env: WriteEnv) -> None:
    for endpoint_name in ("exchange.set_commission", "exchange.enable_futures"):
        outcome = do(write_env, endpoint_name)
        assert (outcome.status, outcome.proof) == ("confirmed", "execution")
        assert "Confirmed: it was executed." in repr(outcome)


def test_what_you_say_and_what_a_repetition_says_is_no_proof_of_the_call(write_env: WriteEnv) -> None:
    endpoint_name = "exchange.set_spot_bnb_burn"
    failure = lose(write_env, endpoint_name)
    assert do(write_env, endpoint_name)
    assert (write_env.ops.outcome(failure.number).status, write_env.ops.outcome(failure.number).proof) == (
        "confirmed",
        "state",
    )
    for hand in BY_HAND:
        failure = lose(write_env, hand, "reset")
        said = write_env.ops.resolve(failure.number, executed=True)
        assert (said.status, said.proof) == ("confirmed", "")


def test_the_amount_of_a_stranger_is_the_same_and_his_money_is_not_ours(write_env: WriteEnv) -> None:
    """What it is about: the transfer is sent again where it was not made, and once only."""
    endpoint_name = "exchange.transfer"
    to = write_env.world.accounts[0]
    before = to.balances.free("spot", "USDT")
    write_env.fail(endpoint_name, "reset-before")
    failure = write_env.ops.exchange.transfer("USDT", "40", to_id=to.id)
    assert stranger(write_env, endpoint_name).exchange.transfer("USDT", "40", to_id=to.id)
    assert failure.reconcile().status == "rejected"
    assert write_env.ops.exchange.transfer("USDT", "40", to_id=to.id)
    assert to.balances.free("spot", "USDT") - before == Decimal(80)
