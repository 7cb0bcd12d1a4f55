"""A trace that anyone could have left proves nothing: who did it is only claimed where it is proven."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from tests.write_support import (
    BY_HAND,
    DOORS,
    HOLDS,
    Bench,
    another_process,
    call,
    do,
    example,
    operations_of,
)
from toolkit.catalogue import WRITE_BY_DOOR
from toolkit.errors import NotExecutedError, UsageError
from toolkit.operations import Outcome, findings
from toolkit.operations.operations import Operations

EACH = pytest.mark.parametrize("door", DOORS)
TRANSFERS = [door for door in DOORS if WRITE_BY_DOOR[door].reconciliation.kind == "client_id"]
CREATE = "exchange.create_sub_account"
WINDOW = 15.0


def stranger(bench: Bench, door: str) -> Operations:
    """Somebody with the same rights at the exchange, who knows nothing of our journal."""
    key = bench.world.example_write(door).key
    return bench.rig.new_link(key.key, key.secret).operations(journal=bench.folder / "stranger")


def lose(bench: Bench, door: str, kind: str = "reset-before", **more: Any) -> Outcome:
    """A call whose answer is lost; it is not executed, unless said."""
    bench.fail(door, kind)
    lost: Outcome = call(operations_of(bench, door), door, example(bench.world, door), **more)
    assert lost.status == "unknown"
    return lost


# What may be said of a call that was never executed, where a stranger did the very same.
SAID = {
    "client_id": ("rejected", "execution"),  # his has another id
    "new_account": ("unknown", ""),
    "new_key": ("unknown", ""),
    "gone": ("confirmed", "state"),
    "in_force": ("confirmed", "state"),
    "changed": ("unknown", ""),
    "by_hand": ("unknown", ""),
}


@EACH
def test_what_a_stranger_did_is_not_taken_for_what_the_call_did(bench: Bench, door: str) -> None:
    sent, given = bench.world.example_write(door).parameters, example(bench.world, door)
    lost = lose(bench, door)
    assert not HOLDS[door](bench.world, sent)
    assert call(stranger(bench, door), door, given)
    lost.reconcile()
    how = WRITE_BY_DOOR[door].reconciliation
    assert (lost.status, lost.proof) == SAID[how.kind]
    if lost.status == "unknown":
        assert how.look_at in lost.reason
        assert f"`ops.resolve({lost.number}, happened=...)`" in lost.reason
    if lost.proof == "state":
        assert HOLDS[door](bench.world, sent), "it is as asked"
        assert "by this call or by somebody else's" in lost.reason
        assert "Confirmed: it is as asked, whoever saw to it." in repr(lost)
        assert "it is as asked, whoever saw to it" in lost._repr_html_()
        assert "it was executed" not in repr(lost)
    assert bench.sent(door) == 2


@EACH
def test_the_table_of_what_is_said_has_every_write(door: str) -> None:
    kind, name = WRITE_BY_DOOR[door].reconciliation.kind, door.partition(".")[2]
    text = re.sub(r"\s+", " ", findings.__doc__ or "")
    assert re.search(rf"\b{kind} +(the|an|it|what|something|no|one) ", findings.__doc__ or "")
    listed = re.search(rf"\b{kind}: ([^.]*)\.", text)
    assert listed
    assert name in listed[1] or (kind == "in_force" and name.endswith("customer_id"))


# -- transfers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", TRANSFERS)
def test_by_an_id_that_was_drawn_a_transfer_is_known(bench: Bench, door: str) -> None:
    lost = lose(bench, door, "reset")
    assert lost.reconcile().status == "confirmed"
    assert lost.proof == "execution"


@pytest.mark.parametrize("door", TRANSFERS)
@pytest.mark.parametrize("kind", ["reset", "reset-before"])
def test_an_id_of_the_users_own_another_call_may_have_used(bench: Bench, door: str, kind: str) -> None:
    """The exchange's list looks the same, whether ours was executed or a stranger's of the same id."""
    given = example(bench.world, door) | {"client_tran_id": "mine"}
    bench.fail(door, kind)
    lost = call(bench.ops, door, given)
    assert bool(call(stranger(bench, door), door, given)) == (kind == "reset-before")
    assert lost.reconcile().status == "unknown"
    assert "the id is one that you gave, so another call with it may have made it" in lost.reason
    assert len(bench.effects(door)) == 1


def test_an_id_that_another_call_drew_is_not_this_calls(bench: Bench) -> None:
    door = TRANSFERS[0]
    given = example(bench.world, door)
    drawn = call(stranger(bench, door), door, given).arguments["client_tran_id"]
    bench.fail(door, "reset-before")
    lost = call(bench.ops, door, given | {"client_tran_id": drawn})
    assert lost.reconcile().status == "unknown"


@pytest.mark.parametrize("door", TRANSFERS)
def test_the_transfer_of_a_name_is_made_once_from_wherever(bench: Bench, door: str) -> None:
    """Its id follows from the name: the exchange takes it once. It is told that it may be another's."""
    lost = lose(bench, door, once="october")
    given = example(bench.world, door)
    assert call(stranger(bench, door), door, given, once="october")
    assert lost.reconcile().status == "confirmed"
    assert "by this call or by another one of the same name" in lost.reason
    assert len(bench.effects(door)) == 1


# -- sub-accounts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ["desk 17", None])
@pytest.mark.parametrize("kind", ["reset", "reset-before"])
def test_an_account_with_the_same_tag_is_not_taken_for_ones_own(
    bench: Bench, tag: str | None, kind: str
) -> None:
    bench.fail(CREATE, kind)
    lost = bench.ops.exchange.create_sub_account(tag=tag)
    if kind == "reset-before":
        bench.world.add_account(tag or "", bench.rig.now + 500)
    assert lost.reconcile().status == "unknown"
    assert bench.world.accounts[-1].id in lost.reason
    assert "nothing in it tells whether by this call or by somebody else" in lost.reason
    bench.clock.advance(WINDOW + 1)
    assert lost.reconcile().status == "unknown", "nor later"
    assert bench.sent(CREATE) == 1


@pytest.mark.parametrize("tag", ["desk 17", None])
@pytest.mark.parametrize("kind", ["reset", "reset-before"])
def test_an_account_is_known_by_the_mark_that_was_drawn_for_it(
    bench: Bench, tag: str | None, kind: str
) -> None:
    bench.fail(CREATE, kind)
    lost = bench.ops.exchange.create_sub_account(tag=tag, marked=True)
    bench.world.add_account(tag or "", bench.rig.now + 500)  # somebody else's
    assert lost.reconcile().status == ("confirmed" if kind == "reset" else "rejected")
    if kind == "reset":
        assert lost.proof == "execution"
        made = bench.effects(CREATE)[0]
        assert lost.require()["sub_account_id"][0] == made.answer_id
        assert made.parameters["tag"] == lost.arguments["tag"]


def test_a_mark_is_drawn_for_each_call_and_stands_behind_the_tag(bench: Bench) -> None:
    tags = [
        bench.ops.exchange.create_sub_account(tag="desk", marked=True).require()["tag"][0] for _ in range(3)
    ]
    assert all(re.fullmatch("desk-[2-9a-z]{9}", tag) for tag in tags)
    assert len(set(tags)) == 3
    shown = bench.ops.preview.exchange.create_sub_account(tag="desk", marked=True)
    assert shown.body["tag"] == "(made when it is sent)"
    assert bench.ops.exchange.create_sub_account(tag="t" * 21, marked=True)
    with pytest.raises(UsageError, match="`tag` has 21 characters at most where it is marked, not 22"):
        bench.ops.exchange.create_sub_account(tag="t" * 22, marked=True)
    with pytest.raises(UsageError, match="`marked` is True or False"):
        bench.ops.exchange.create_sub_account(tag="desk", marked=1)  # type: ignore[arg-type]


def test_nothing_is_put_behind_a_tag_that_nobody_asked_to_be_marked(bench: Bench) -> None:
    assert bench.ops.exchange.create_sub_account(tag="desk").require()["tag"][0] == "desk"
    assert bench.effects(CREATE)[0].parameters["tag"] == "desk"


def test_a_name_stands_for_the_marked_call(bench: Bench) -> None:
    first = bench.ops.exchange.create_sub_account(tag="desk", marked=True, once="desk")
    again = bench.ops.exchange.create_sub_account(tag="desk", marked=True, once="desk")
    assert (again.number, again.arguments) == (first.number, first.arguments)
    with pytest.raises(UsageError, match="stands for another call"):
        bench.ops.exchange.create_sub_account(tag="desk", once="desk")
    assert len(bench.effects(CREATE)) == 1


# -- keys ----------------------------------------------------------------------------------------------------


def test_a_key_that_a_garbled_answer_named_is_known(bench: Bench) -> None:
    door = "exchange.create_api_key"
    bench.fail(door, "missing-field", field="canTrade")
    lost = do(bench, door)
    assert lost.status == "unknown"
    assert lost.take_key().secret
    with another_process():
        elsewhere = bench.rig.new_link().operations(journal=bench.folder)
        assert elsewhere.reconcile(lost.number).status == "unknown", "there nothing is known of the answer"
    assert lost.reconcile().status == "confirmed"
    assert "the exchange's answer named it" in lost.reason


# -- states --------------------------------------------------------------------------------------------------


def test_a_setting_that_somebody_has_undone_is_not_said_to_have_never_been_executed(bench: Bench) -> None:
    door = "exchange.set_commission"
    account = bench.world.accounts[0]
    maker = account.maker
    lost = lose(bench, door, "reset")
    account.maker = maker
    assert lost.reconcile().status == "rejected"
    assert lost.proof == "state"
    assert "Rejected: it is not as asked." in repr(lost)
    assert "Nothing has changed" not in repr(lost)
    assert "it was not executed, or has been changed since" in lost.reason
    with pytest.raises(NotExecutedError) as raised:
        lost.require()
    assert not raised.value.proven
    assert "Nothing was executed" not in str(raised.value)


@pytest.mark.parametrize("door", ["exchange.delete_sub_account", "exchange.delete_api_key"])
def test_what_is_still_there_was_not_deleted(bench: Bench, door: str) -> None:
    lost = lose(bench, door)
    assert lost.reconcile().status == "rejected"
    assert lost.proof == "execution"
    assert "Rejected: nothing was executed." in repr(lost)


def test_what_the_exchange_answered_is_the_calls_own(bench: Bench) -> None:
    for door in ("exchange.set_commission", "exchange.enable_futures"):
        outcome = do(bench, door)
        assert (outcome.status, outcome.proof) == ("confirmed", "execution")
        assert "Confirmed: it was executed." in repr(outcome)


def test_what_you_say_and_what_a_repetition_says_is_no_proof_of_the_call(bench: Bench) -> None:
    door = "exchange.set_spot_bnb_burn"
    lost = lose(bench, door)
    assert do(bench, door)
    assert (bench.ops.outcome(lost.number).status, bench.ops.outcome(lost.number).proof) == (
        "confirmed",
        "state",
    )
    for hand in BY_HAND:
        lost = lose(bench, hand, "reset")
        said = bench.ops.resolve(lost.number, happened=True)
        assert (said.status, said.proof) == ("confirmed", "")


def test_the_amount_of_a_stranger_is_the_same_and_his_money_is_not_ours(bench: Bench) -> None:
    """What it is about: the transfer is sent again where it was not made, and once only."""
    door = "exchange.transfer"
    to = bench.world.accounts[0]
    before = to.balances.free("spot", "USDT")
    bench.fail(door, "reset-before")
    lost = bench.ops.exchange.transfer("USDT", "40", to_id=to.id)
    assert stranger(bench, door).exchange.transfer("USDT", "40", to_id=to.id)
    assert lost.reconcile().status == "rejected"
    assert bench.ops.exchange.transfer("USDT", "40", to_id=to.id)
    assert to.balances.free("spot", "USDT") - before == Decimal(80)
