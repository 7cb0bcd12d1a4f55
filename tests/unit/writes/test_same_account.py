"""Two API keys are of one account if the exchange says so: then none has to be told."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.account_front import Front
from tests.support.recording import answer, recording_server
from tests.support.writes import WriteEnv, example
from toolkit.api.writes.operations import Operations
from toolkit.errors import UsageError
from toolkit.writes import Outcome

REFUSED = answer(401, b'{"code": -2015, "msg": "Invalid API-key, IP, or permissions."}')
COMMISSION = "exchange.set_commission"
TRANSFER = "exchange.transfer"


class Known:
    """Writes on a sandbox whose accounts are looked up, as users' are; the test says whose each key is."""

    def __init__(self, env: WriteEnv, front: Front) -> None:
        self.env, self.front = env, front
        keys = env.world.keys
        front.accounts[keys["trade-only"].key] = REFUSED
        front.accounts[keys["no-link"].key] = answer(200, b'{"uid": 7}')

    def operations(self, reader: str = "partner", writer: str | None = None) -> Operations:
        """Operations that read with one key and write with another, by their names in the world."""
        read, write = (self.env.world.keys[name] for name in (reader, writer or reader))
        link = self.env.env.new_link(read.key, read.secret, hosts=self.front.hosts)
        other = {} if read is write else {"key": write.key, "secret": write.secret}
        return link.operations(journal=self.env.folder, **other)

    def example(self, name: str) -> dict[str, Any]:
        return example(self.env.world, name)


@pytest.fixture
def known(accounts_folder: Path, write_env: WriteEnv) -> Iterator[Known]:
    with recording_server(write_env.env.sandbox.address) as server:
        yield Known(write_env, Front(server))


def lost(known: Known, name: str = COMMISSION, writer: str = "partner") -> Outcome:
    """A write whose response is lost."""
    known.env.fail(name, "reset")
    namespace, _, method = name.partition(".")
    ops = known.operations("partner", writer)
    outcome: Outcome = getattr(getattr(ops, namespace), method)(**known.example(name))
    assert outcome.status == "unknown"
    return outcome


def test_a_call_of_an_old_key_is_reconciled_with_a_new_one(known: Known) -> None:
    call = lost(known)
    other = known.operations("read-only")
    assert other.reconcile(call.number).status == "confirmed"
    assert known.front.lookups == 2, "once for each key"


def test_a_call_is_not_reconciled_with_a_key_of_another_account(known: Known) -> None:
    call = lost(known)
    outcome = known.operations("no-link").reconcile(call.number)
    assert outcome.status == "unknown"
    assert "may belong to another account" in outcome.reason


def test_a_call_whose_account_was_not_known_is_not_reconciled_with_another_key(known: Known) -> None:
    call = lost(known, TRANSFER, "trade-only")  # the exchange does not tell a key that may not read
    assert call.reconcile(wait=False).status == "unknown"
    assert "`reconcile(..., same_account=True)`" in call.reason


def test_an_idempotency_key_holds_for_every_key_of_the_account(known: Known) -> None:
    given = known.example(TRANSFER)
    first = known.operations().exchange.transfer(**given, idempotency_key="pay")
    again = known.operations("open").exchange.transfer(**given, idempotency_key="pay")
    assert (again.number, again.repeated) == (first.number, True)
    assert known.env.sent(TRANSFER) == 1
    with pytest.raises(UsageError, match="was sent with another API key"):
        known.operations("no-link").exchange.transfer(**given, idempotency_key="pay")
    assert known.env.sent(TRANSFER) == 1


def test_the_state_before_a_write_may_be_read_with_another_key_of_the_account(known: Known) -> None:
    given = known.example("exchange.set_um_commission")
    assert known.operations("read-only", "partner").exchange.set_um_commission(**given).status == "confirmed"
    with pytest.raises(UsageError, match="the Link reads with another API key"):
        known.operations("no-link", "partner").exchange.set_um_commission(**given)


def test_a_repeated_setting_resolves_lost_ones_of_the_account(known: Known) -> None:
    call = lost(known)
    assert known.operations("open").exchange.set_commission(**known.example(COMMISSION))
    assert known.operations().outcome(call.number).status == "confirmed"


def test_outcome_and_history_say_whose_they_are(known: Known) -> None:
    done = known.operations().exchange.set_commission(**known.example(COMMISSION))
    account = "sandbox-uid:354937868"
    assert done.frame is not None
    assert done.frame.attrs["account"] == account
    assert list(known.operations().history()["account"]) == [account]
    with closing(sqlite3.connect(known.operations().journal)) as file:
        assert file.execute("SELECT account FROM entries").fetchall() == [(account,)]


def test_a_lookup_that_fails_does_not_harm_the_write(known: Known) -> None:
    known.front.account = REFUSED
    done = known.operations().exchange.set_commission(**known.example(COMMISSION))
    assert done.status == "confirmed"
    assert done.frame is not None
    assert done.frame.attrs["account"] is None
    assert known.operations().history()["account"].isna().all()
    assert known.front.lookups == 1
    given = known.example("exchange.set_um_commission")
    with pytest.raises(UsageError, match="the Link reads with another API key"):
        known.operations("read-only", "partner").exchange.set_um_commission(**given)


def test_a_preview_looks_nothing_up(known: Known) -> None:
    assert known.operations().preview.exchange.set_commission(**known.example(COMMISSION))
    assert known.front.lookups == 0
