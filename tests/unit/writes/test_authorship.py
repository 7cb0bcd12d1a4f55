"""A trace that anyone could have left proves nothing about who left it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from tests.support.writes import (
    HOLDS,
    MANUAL,
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


def somebody_else(write_env: WriteEnv, endpoint_name: str) -> Operations:
    """Operations of somebody with the same permissions and another journal."""
    key = write_env.world.example_write(endpoint_name).key
    return write_env.env.new_link(key.key, key.secret).operations(journal=write_env.folder / "somebody_else")


def lose(write_env: WriteEnv, endpoint_name: str, kind: str = "reset-before", **more: Any) -> Outcome:
    """A call whose response is lost; by default it is not executed."""
    write_env.fail(endpoint_name, kind)
    lost: Outcome = call(
        operations_of(write_env, endpoint_name),
        endpoint_name,
        example(write_env.world, endpoint_name),
        **more,
    )
    assert lost.status == "unknown"
    return lost


# Status and proof of a call that was never executed, after somebody else did the same.
EXPECTED = {
    "client_id": ("rejected", "execution"),  # theirs has another id
    "new_account": ("unknown", ""),
    "new_key": ("unknown", ""),
    "gone": ("confirmed", "state"),
    "in_force": ("confirmed", "state"),
    "changed": ("unknown", ""),
    "manual": ("unknown", ""),
}


@EACH
def test_an_effect_of_somebody_else_does_not_prove_the_call(write_env: WriteEnv, endpoint_name: str) -> None:
    sent, given = (
        write_env.world.example_write(endpoint_name).parameters,
        example(write_env.world, endpoint_name),
    )
    lost = lose(write_env, endpoint_name)
    assert not HOLDS[endpoint_name](write_env.world, sent)
    assert call(somebody_else(write_env, endpoint_name), endpoint_name, given)
    lost.reconcile()
    how = WRITES_BY_NAME[endpoint_name].reconciliation
    assert (lost.status, lost.proof) == EXPECTED[how.kind]
    if lost.status == "unknown":
        assert how.manual_check in lost.reason
        assert f"`ops.resolve({lost.number}, executed=...)`" in lost.reason
    if lost.proof == "state":
        assert HOLDS[endpoint_name](write_env.world, sent), "the requested state is in force"
        assert "by this call or by somebody else's" in lost.reason
        assert "Confirmed: the requested state is in force, whoever set it." in repr(lost)
        assert "the requested state is in force, whoever set it" in lost._repr_html_()
        assert "it was executed" not in repr(lost)
    assert write_env.sent(endpoint_name) == 2


@EACH
def test_the_table_of_evidence_lists_every_write(endpoint_name: str) -> None:
    kind, name = WRITES_BY_NAME[endpoint_name].reconciliation.kind, endpoint_name.partition(".")[2]
    text = re.sub(r"\s+", " ", evidence.__doc__ or "")
    assert re.search(rf"\b{kind} +(the|an|it|what|something|no|one) ", evidence.__doc__ or "")
    listed = re.search(rf"\b{kind}: ([^.]*)\.", text)
    assert listed
    assert name in listed[1] or (kind == "in_force" and name.endswith("customer_id"))


# -- transfers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint_name", TRANSFERS)
def test_a_generated_id_proves_a_transfer(write_env: WriteEnv, endpoint_name: str) -> None:
    lost = lose(write_env, endpoint_name, "reset")
    assert lost.reconcile().status == "confirmed"
    assert lost.proof == "execution"


@pytest.mark.parametrize("endpoint_name", TRANSFERS)
@pytest.mark.parametrize("kind", ["reset", "reset-before"])
def test_an_id_chosen_by_the_user_does_not_prove_a_transfer(
    write_env: WriteEnv, endpoint_name: str, kind: str
) -> None:
    """The exchange's list looks the same whether our transfer or another with the same id was executed."""
    given = example(write_env.world, endpoint_name) | {"client_tran_id": "mine"}
    write_env.fail(endpoint_name, kind)
    lost = call(write_env.ops, endpoint_name, given)
    assert bool(call(somebody_else(write_env, endpoint_name), endpoint_name, given)) == (
        kind == "reset-before"
    )
    assert lost.reconcile().status == "unknown"
    assert "but you chose its id, so another call with the same id may have made it" in lost.reason
    assert len(write_env.effects(endpoint_name)) == 1


def test_an_id_generated_for_another_call_does_not_prove_this_one(write_env: WriteEnv) -> None:
    endpoint_name = TRANSFERS[0]
    given = example(write_env.world, endpoint_name)
    drawn = call(somebody_else(write_env, endpoint_name), endpoint_name, given).arguments["client_tran_id"]
    write_env.fail(endpoint_name, "reset-before")
    lost = call(write_env.ops, endpoint_name, given | {"client_tran_id": drawn})
    assert lost.reconcile().status == "unknown"


@pytest.mark.parametrize("endpoint_name", TRANSFERS)
def test_an_idempotency_key_makes_one_transfer_from_any_machine(
    write_env: WriteEnv, endpoint_name: str
) -> None:
    """The id is derived from the key, so the exchange accepts it once. The reason names the other call."""
    lost = lose(write_env, endpoint_name, idempotency_key="october")
    given = example(write_env.world, endpoint_name)
    assert call(somebody_else(write_env, endpoint_name), endpoint_name, given, idempotency_key="october")
    assert lost.reconcile().status == "confirmed"
    assert "by this call or by another with its idempotency key" in lost.reason
    assert len(write_env.effects(endpoint_name)) == 1


# -- sub-accounts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ["desk 17", None])
@pytest.mark.parametrize("kind", ["reset", "reset-before"])
def test_an_account_with_the_same_tag_does_not_prove_the_call(
    write_env: WriteEnv, tag: str | None, kind: str
) -> None:
    write_env.fail(CREATE, kind)
    lost = write_env.ops.exchange.create_sub_account(tag=tag)
    if kind == "reset-before":
        write_env.world.add_account(tag or "", write_env.env.now + 500)
    assert lost.reconcile().status == "unknown"
    assert write_env.world.accounts[-1].id in lost.reason
    assert "nothing shows whether by this call or by somebody else" in lost.reason
    write_env.clock.advance(WINDOW + 1)
    assert lost.reconcile().status == "unknown", "nor later"
    assert write_env.sent(CREATE) == 1


@pytest.mark.parametrize("tag", ["desk 17", None])
@pytest.mark.parametrize("kind", ["reset", "reset-before"])
def test_a_generated_suffix_proves_the_creation_of_an_account(
    write_env: WriteEnv, tag: str | None, kind: str
) -> None:
    write_env.fail(CREATE, kind)
    lost = write_env.ops.exchange.create_sub_account(tag=tag, unique_suffix=True)
    write_env.world.add_account(tag or "", write_env.env.now + 500)  # by somebody else
    assert lost.reconcile().status == ("confirmed" if kind == "reset" else "rejected")
    if kind == "reset":
        assert lost.proof == "execution"
        made = write_env.effects(CREATE)[0]
        assert lost.require_confirmed()["sub_account_id"][0] == made.result_id
        assert made.parameters["tag"] == lost.arguments["tag"]


def test_each_call_with_unique_suffix_appends_another_suffix_to_the_tag(write_env: WriteEnv) -> None:
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


def test_a_tag_gets_no_suffix_without_unique_suffix(write_env: WriteEnv) -> None:
    assert write_env.ops.exchange.create_sub_account(tag="desk").require_confirmed()["tag"][0] == "desk"
    assert write_env.effects(CREATE)[0].parameters["tag"] == "desk"


def test_an_idempotency_key_belongs_to_the_call_with_unique_suffix(write_env: WriteEnv) -> None:
    first = write_env.ops.exchange.create_sub_account(tag="desk", unique_suffix=True, idempotency_key="desk")
    again = write_env.ops.exchange.create_sub_account(tag="desk", unique_suffix=True, idempotency_key="desk")
    assert (again.number, again.arguments) == (first.number, first.arguments)
    with pytest.raises(UsageError, match="belongs to another call"):
        write_env.ops.exchange.create_sub_account(tag="desk", idempotency_key="desk")
    assert len(write_env.effects(CREATE)) == 1


# -- keys ----------------------------------------------------------------------------------------------------


def test_a_malformed_response_that_names_the_new_key_proves_it(write_env: WriteEnv) -> None:
    endpoint_name = "exchange.create_api_key"
    write_env.fail(endpoint_name, "missing-field", field="canTrade")
    lost = do(write_env, endpoint_name)
    assert lost.status == "unknown"
    assert lost.take_key().secret
    with another_process():
        elsewhere = write_env.env.new_link().operations(journal=write_env.folder)
        assert elsewhere.reconcile(lost.number).status == "unknown", (
            "another process knows nothing of the response"
        )
    assert lost.reconcile().status == "confirmed"
    assert "the exchange's response named it" in lost.reason


# -- states --------------------------------------------------------------------------------------------------


def test_a_setting_undone_since_is_rejected_only_as_a_state(
    write_env: WriteEnv,
) -> None:
    endpoint_name = "exchange.set_commission"
    account = write_env.world.accounts[0]
    maker = account.maker
    lost = lose(write_env, endpoint_name, "reset")
    account.maker = maker
    assert lost.reconcile().status == "rejected"
    assert lost.proof == "state"
    assert "Rejected: the requested state is not in force." in repr(lost)
    assert "Nothing has changed" not in repr(lost)
    assert "the call was not executed, or the state has changed since" in lost.reason
    with pytest.raises(NotExecutedError) as raised:
        lost.require_confirmed()
    assert not raised.value.proven
    assert "Nothing was executed" not in str(raised.value)


@pytest.mark.parametrize("endpoint_name", ["exchange.delete_sub_account", "exchange.delete_api_key"])
def test_what_still_exists_was_not_deleted(write_env: WriteEnv, endpoint_name: str) -> None:
    lost = lose(write_env, endpoint_name)
    assert lost.reconcile().status == "rejected"
    assert lost.proof == "execution"
    assert "Rejected: nothing was executed." in repr(lost)


def test_a_response_proves_the_call_itself(write_env: WriteEnv) -> None:
    for endpoint_name in ("exchange.set_commission", "exchange.enable_futures"):
        outcome = do(write_env, endpoint_name)
        assert (outcome.status, outcome.proof) == ("confirmed", "execution")
        assert "Confirmed: it was executed." in repr(outcome)


def test_a_person_or_a_repetition_does_not_prove_the_call(write_env: WriteEnv) -> None:
    endpoint_name = "exchange.set_spot_bnb_burn"
    lost = lose(write_env, endpoint_name)
    assert do(write_env, endpoint_name)
    assert (write_env.ops.outcome(lost.number).status, write_env.ops.outcome(lost.number).proof) == (
        "confirmed",
        "state",
    )
    for hand in MANUAL:
        lost = lose(write_env, hand, "reset")
        said = write_env.ops.resolve(lost.number, executed=True)
        assert (said.status, said.proof) == ("confirmed", "")


def test_an_equal_transfer_by_somebody_else_does_not_replace_a_lost_one(write_env: WriteEnv) -> None:
    """A transfer that was not executed is sent again, and only once."""
    endpoint_name = "exchange.transfer"
    to = write_env.world.accounts[0]
    before = to.balances.wallets["spot"]["USDT"]
    write_env.fail(endpoint_name, "reset-before")
    lost = write_env.ops.exchange.transfer("USDT", "40", to_id=to.id)
    assert somebody_else(write_env, endpoint_name).exchange.transfer("USDT", "40", to_id=to.id)
    assert lost.reconcile().status == "rejected"
    assert write_env.ops.exchange.transfer("USDT", "40", to_id=to.id)
    assert to.balances.wallets["spot"]["USDT"] - before == Decimal(80)
