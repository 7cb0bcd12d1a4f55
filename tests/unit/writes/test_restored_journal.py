"""A journal that is restored from a backup, deleted or replaced under a running kernel.

Such a file assigns numbers again and lacks idempotency keys: no write is sent with it and nothing is read
    from it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.writes import WriteEnv, another_process, do, example
from toolkit.api.writes.operations import Operations
from toolkit.errors import JournalError, JournalWarning, UsageError
from toolkit.sandbox import SandboxRequest, SandboxResponse
from toolkit.writes.entry import ConflictKey, JournalEntry
from toolkit.writes.journal import Journal

TRANSFER = "exchange.transfer"
REPLACED = "was replaced while this kernel was using it"


@pytest.fixture
def journal(folder: Path) -> Journal:
    return Journal(folder / "journal.sqlite")


def begin(journal: Journal, what: str = "this", **other: Any) -> JournalEntry:
    conflict_key = ConflictKey(same=what, subject=what, key="k", **other)
    entry, _ = journal.begin(conflict_key, endpoint=TRANSFER, arguments={}, digests={})
    return entry


def send(journal: Journal, entry: JournalEntry) -> JournalEntry:
    return journal.mark_sending(entry, lambda: (1, 2))


def sql(path: Path, statement: str, *values: object) -> list[Any]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as file:
        return file.execute(statement, values).fetchall()


def in_place(path: Path, backup: Path) -> None:
    path.write_bytes(backup.read_bytes())


def moved_over(path: Path, backup: Path) -> None:
    os.replace(shutil.copy(backup, path.with_suffix(".again")), path)


def deleted(path: Path, backup: Path) -> None:
    path.unlink()


def begun_anew(path: Path, backup: Path) -> None:
    path.unlink()
    with another_process():
        Journal(path)


WAYS = [in_place, moved_over, deleted, begun_anew]
ANY_WAY = pytest.mark.parametrize("put_back", WAYS, ids=lambda way: way.__name__)


def other_kernel(write_env: WriteEnv) -> Operations:
    return write_env.env.new_link().operations(journal=write_env.folder)


@contextlib.contextmanager
def nothing_sent(write_env: WriteEnv) -> Iterator[None]:
    before = len(write_env.exchange.log)
    yield
    assert len(write_env.exchange.log) == before


# -- restored files ----------------------------------------------------------------------------------------


def test_a_reused_number_does_not_resolve_a_lost_transfer(write_env: WriteEnv, tmp_path: Path) -> None:
    ops, to = write_env.ops, write_env.world.accounts[0].id
    assert ops.exchange.transfer("USDT", "1", to_id=to)
    backup = shutil.copy(ops.journal, tmp_path)
    write_env.fail(TRANSFER, "reset-before")
    lost = ops.exchange.transfer("USDT", "500", to_id=to)
    assert (lost.number, lost.status) == (2, "unknown")
    in_place(ops.journal, Path(backup))
    with another_process():
        small = other_kernel(write_env).exchange.transfer("USDT", "0.01", to_id=to)
        assert (small.number, small.status) == (2, "confirmed")
    steps: list[Callable[[], object]] = [
        lost.reconcile,
        lambda: ops.reconcile(2),
        lambda: ops.outcome(2),
        lambda: ops.resolve(2, executed=True),
        lambda: ops.exchange.transfer("USDT", "500", to_id=to),
        lambda: ops.preview.exchange.transfer("USDT", "500", to_id=to),
        ops.history,
        ops.unresolved,
    ]
    for step in steps:
        with nothing_sent(write_env), pytest.raises(JournalError, match=REPLACED):
            step()
    assert lost.status == "unknown"
    with pytest.raises(JournalError, match=r"#2 exchange\.transfer was sent. It may have been executed"):
        lost.reconcile()


@ANY_WAY
def test_a_call_with_an_idempotency_key_sent_since_the_backup_is_not_sent_again(
    write_env: WriteEnv, tmp_path: Path, put_back: Callable[[Path, Path], None]
) -> None:
    endpoint = "exchange.create_sub_account"
    path = write_env.ops.journal
    backup = Path(shutil.copy(path, tmp_path))
    assert write_env.ops.exchange.create_sub_account(tag="desk 17", idempotency_key="desk 17")
    put_back(path, backup)
    for again in (lambda: write_env.ops, lambda: other_kernel(write_env)):
        with pytest.raises(JournalError, match=f"{REPLACED}.*restart the kernel"):
            again().exchange.create_sub_account(tag="desk 17", idempotency_key="desk 17")
    assert len(write_env.effects(endpoint)) == 1
    assert path.exists() == (put_back is not deleted), "no new file is created"


@ANY_WAY
def test_a_sent_call_is_not_reported_as_not_sent_after_a_restore(
    journal: Journal, tmp_path: Path, put_back: Callable[[Path, Path], None]
) -> None:
    """The backup has the entry, but not that it was sent."""
    entry = begin(journal, idempotency_key="pay")
    backup = Path(shutil.copy(journal.path, tmp_path))
    send(journal, entry)
    journal.mark_finished(entry)
    put_back(journal.path, backup)
    steps: list[Callable[[], object]] = [
        lambda: journal.entry(entry.number),
        lambda: journal.entries(unresolved=True),
        lambda: begin(journal, idempotency_key="pay"),
        lambda: journal.release_idempotency_key("pay"),
        lambda: Journal(journal.path),
    ]
    for step in steps:
        with pytest.raises(JournalError, match=REPLACED):
            step()


def test_an_outdated_copy_is_not_used(journal: Journal, tmp_path: Path) -> None:
    copied = Path(shutil.copy(journal.path, tmp_path))
    begin(journal, idempotency_key="pay")
    with pytest.raises(JournalError, match="back in an earlier state"):
        Journal(copied)


def test_only_one_of_two_copies_continues(journal: Journal, tmp_path: Path) -> None:
    copied = Journal(Path(shutil.copy(journal.path, tmp_path)))
    begin(copied, idempotency_key="pay")
    with pytest.raises(JournalError, match=REPLACED):
        begin(journal, idempotency_key="pay")


def test_a_call_of_another_kernel_since_the_backup_is_not_sent_again(
    journal: Journal, tmp_path: Path
) -> None:
    """This kernel never saw that call; it notices that the file is another one."""
    backup = Path(shutil.copy(journal.path, tmp_path))
    with another_process():
        begin(Journal(journal.path), idempotency_key="pay")
    moved_over(journal.path, backup)
    with pytest.raises(JournalError, match="another file is at its path"):
        begin(journal, idempotency_key="pay")


# -- tokens of entries --------------------------------------------------------------------------

STEPS: dict[str, Callable[[Journal, JournalEntry], object]] = {
    "sending": send,
    "resolve": lambda journal, entry: journal.resolve(entry, "confirmed", "done", "answer"),
    "again": lambda journal, entry: journal.reload(entry),
    "repeated": lambda journal, entry: journal.resolve_repeats(entry, lambda older: True),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("now", ["another", "gone"])
def test_every_operation_checks_the_token(journal: Journal, step: str, now: str) -> None:
    """Even where the file gives no sign, as in the first operation of a kernel."""
    begin(journal, "other")
    older = send(journal, begin(journal, "older"))
    entry = begin(journal)
    held = entry if step == "sending" else send(journal, entry)
    sql(journal.path, "DELETE FROM entries WHERE number = ?", entry.number)
    if now == "another":
        journal.mark_finished(entry)
        sql(journal.path, "UPDATE sqlite_sequence SET seq = ?", entry.number - 1)
        assert begin(journal).number == entry.number
    with pytest.raises(JournalError, match=f"#{entry.number} is ") as raised:
        STEPS[step](journal, held)
    sent = "was not sent" if step == "sending" else "was sent. It may have been executed"
    assert sent in str(raised.value)
    left = sql(journal.path, "SELECT status FROM entries WHERE number >= ?", older.number)
    assert left == [("sending",), ("prepared",)][: 1 + (now == "another")]


def test_tokens_are_random(journal: Journal, tmp_path: Path) -> None:
    """Two journals that continue from the same backup assign different tokens to the same numbers."""
    copied = Path(shutil.copy(journal.path, tmp_path))
    first = begin(journal)
    with another_process():
        second = begin(Journal(copied))
    assert (first.number, first.same) == (second.number, second.same)
    assert first.token != second.token
    assert len(bytes.fromhex(first.token)) == 16
    assert first.token not in repr(first)


def test_a_new_key_is_handed_over_to_its_own_call_only(write_env: WriteEnv) -> None:
    made = do(write_env, "exchange.create_api_key")
    write_env.clock.advance(2)
    other = do(write_env, "exchange.create_api_key")
    # As from a journal in which another call has the number.
    outcomes = write_env.ops._executor.outcomes
    again = outcomes.outcome(replace(outcomes.journal.entry(other.number), number=made.number))
    assert again.take_key().key != made.take_key().key
    with pytest.raises(UsageError, match="already handed over"):
        other.take_key()


# -- responses while the file is replaced ---------------------------------------------------------------


@ANY_WAY
def test_a_response_after_a_restore_is_not_lost(
    write_env: WriteEnv, tmp_path: Path, put_back: Callable[[Path, Path], None]
) -> None:
    path = write_env.ops.journal
    backup = Path(shutil.copy(path, tmp_path))
    handle = write_env.exchange.handle

    def handled(request: SandboxRequest) -> SandboxResponse:
        answer = handle(request)
        if request.method == "POST":
            put_back(path, backup)
        return answer

    write_env.exchange.handle = handled  # type: ignore[method-assign]
    with pytest.warns(JournalWarning, match=f"could not be recorded.*{REPLACED}"):
        outcome = do(write_env, "exchange.create_api_key")
    assert outcome.status == "confirmed"
    assert outcome.take_key().secret
    with pytest.raises(JournalError, match=REPLACED):
        do(write_env, "exchange.create_api_key")
    assert len(write_env.effects("exchange.create_api_key")) == 1


# -- not a replacement ----------------------------------------------------------------------------------


def test_writes_by_others_and_vacuum_are_not_a_replacement(write_env: WriteEnv) -> None:
    given = example(write_env.world, TRANSFER)
    assert write_env.ops.exchange.transfer(**given)
    with another_process():
        other = other_kernel(write_env)
        for amount in ("1", "2"):
            assert other.exchange.transfer(**given | {"amount": amount})
        sql(write_env.ops.journal, "DELETE FROM users")
        sql(write_env.ops.journal, "VACUUM")
        assert other.exchange.transfer(**given | {"amount": "3"})
    assert write_env.ops.exchange.transfer(**given | {"amount": "4"})
    assert len(write_env.ops.history()) == 5
    again = other_kernel(write_env)
    assert again.exchange.transfer(**given | {"amount": "5"}).number == 6


def test_a_temporarily_unusable_file_is_used_again(journal: Journal) -> None:
    """As during a backup: the file exists but cannot be read."""
    begin(journal)
    away = journal.path.with_suffix(".away")
    journal.path.rename(away)
    with pytest.raises(JournalError, match="the file no longer exists"):
        begin(journal, "that")
    away.rename(journal.path)
    assert begin(journal, "that").number == 2
