"""Files of earlier versions of the package are read, converted, or reported.

The files in `data/formats` were written by those versions, on a small sandbox.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

import toolkit
from tests.support.clocks import FakeClock
from tests.support.paths import DATA
from tests.support.writes import (
    WRITE_NAMES,
    WriteEnv,
    another_process,
    call,
    example,
    memory_folder,
    operations_of,
)
from toolkit.api.writes.operations import Operations
from toolkit.auth.keys import system_keyring
from toolkit.auth.keys.creation import add_profile, make_key_pair
from toolkit.auth.keys.profiles import entries_of, read_profiles
from toolkit.auth.keys.sources import find_keys
from toolkit.doctor.machine import environment_check, rate_limits_check
from toolkit.endpoints import BASE_URLS, WRITES_BY_NAME
from toolkit.errors import JournalError, NoKeyError, PendingWriteError, RateLimitWarning
from toolkit.ratelimit.budget import Budget
from toolkit.ratelimit.records import ALL_HOSTS
from toolkit.ratelimit.store import RateLimitStore
from toolkit.storage import earlier, formats, paths
from toolkit.timing.clock import SYSTEM_CLOCK, HostClock
from toolkit.writes.entry import IdOrigin, ResolvedBy, Status
from toolkit.writes.journal import Journal
from toolkit.writes.request import CallOptions

FORMATS = DATA / "formats"
OLD_VARIABLE = "TOOLKIT_LEDGER"  # keep: the name before
EACH_JOURNAL = pytest.mark.parametrize("version", [1, 2, 3])
REPLACED = "was replaced while this kernel was using it"


def sql(path: Path, statement: str, *values: object) -> list[Any]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as file:
        return file.execute(statement, values).fetchall()


# -- journals --------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def process_of_its_own() -> Iterator[None]:
    """Give each test a process identity of its own: all tests use copies of the same journals."""
    with another_process():
        yield


@pytest.fixture
def write_env() -> Iterator[WriteEnv]:
    with memory_folder() as folder:
        write_env = WriteEnv(folder)
        yield write_env
        write_env.close()


def old_journal(version: int, folder: Path) -> Path:
    return Path(shutil.copy(FORMATS / f"journal-{version}.sqlite", folder / "journal.sqlite"))


@contextlib.contextmanager
def with_old_journal(write_env: WriteEnv, version: int) -> Iterator[Operations]:
    """Yield operations of a process that finds the journal of an earlier version."""
    path = write_env.ops.journal
    write_env._operations.clear()
    shutil.copy(FORMATS / f"journal-{version}.sqlite", path)
    with another_process():
        yield write_env.ops


@EACH_JOURNAL
def test_a_journal_of_an_earlier_format_is_read_in_full(version: int, tmp_path: Path) -> None:
    path = old_journal(version, tmp_path)
    before = sql(path, "SELECT * FROM entries ORDER BY number")
    salt = sql(path, "SELECT * FROM salt")
    assert sql(path, "PRAGMA user_version") == [(version,)]
    entries = Journal(path).entries()
    assert sql(path, "PRAGMA user_version") == [(formats.JOURNAL,)]
    assert sql(path, "SELECT * FROM salt") == salt, "its digests depend on it"
    assert len({entry.token for entry in entries}) == len(before) == 28
    after = sql(path, "SELECT * FROM entries ORDER BY number")
    for row, now in zip(before, after, strict=True):
        assert now[-1] is None, "no earlier format recorded the account"
        kept = (now[0], *now[2:7], *now[8:-1]) if version == 1 else now[:-1]
        # Entry 28 was recorded but not sent when its process ended, which reading the journal resolves.
        assert kept == row or row[0] == 28
    assert {entry.endpoint for entry in entries} == {*WRITE_NAMES}
    for entry in entries:
        assert entry.status in get_args(Status)
        assert entry.id_origin in get_args(IdOrigin)
        assert entry.resolved_by in (None, *get_args(ResolvedBy))
        assert entry.arguments.keys() <= {param.name for param in WRITES_BY_NAME[entry.endpoint].params}


@EACH_JOURNAL
def test_numbers_continue_after_those_of_an_earlier_journal(version: int, write_env: WriteEnv) -> None:
    with with_old_journal(write_env, version) as ops:
        done = ops.exchange.create_sub_account(tag="another")
        assert (done.number, done.status) == (29, "confirmed")


@EACH_JOURNAL
@pytest.mark.parametrize("endpoint_name", WRITE_NAMES)
def test_calls_of_an_earlier_version_are_recognised(
    version: int, endpoint_name: str, write_env: WriteEnv
) -> None:
    """The digests that identify a call do not depend on current names."""
    with with_old_journal(write_env, version):
        ops = operations_of(write_env, endpoint_name)
        executor, journal = ops._executor, ops._journal
        options = CallOptions(
            idempotency_key=None,
            confirm=str(example(write_env.world, endpoint_name).get("confirm", "")),
            unique_suffix=False,
        )
        given = {
            name: value
            for name, value in example(write_env.world, endpoint_name).items()
            if name != "confirm"
        }
        conflict_key = executor._conflict_key(executor.bind(WRITES_BY_NAME[endpoint_name], given, options))
        known = [entry for entry in journal.entries() if entry.endpoint == endpoint_name]
        assert conflict_key.same in {entry.same for entry in known}
        assert conflict_key.subject in {entry.subject for entry in known}
        assert conflict_key.key in {entry.key for entry in known}


def test_a_call_with_a_unique_suffix_is_recognised_as_by_earlier_versions(write_env: WriteEnv) -> None:
    """The digest is made of the text that earlier versions made it of, whatever the argument is called."""
    executor, journal = write_env.ops._executor, write_env.ops._journal
    options = CallOptions(idempotency_key=None, unique_suffix=True)
    write = WRITES_BY_NAME["exchange.create_sub_account"]
    conflict_key = executor._conflict_key(executor.bind(write, {"tag": "new"}, options))
    text = '["exchange.create_sub_account", [["tag", "new"]], "marked"]'  # keep: the name before
    assert conflict_key.same == journal.digest("call", "", text)


@EACH_JOURNAL
def test_pending_writes_of_an_earlier_journal_are_not_sent_again(version: int, write_env: WriteEnv) -> None:
    with with_old_journal(write_env, version) as ops:
        for endpoint_name in ("exchange.transfer", "exchange.create_sub_account"):
            with pytest.raises(PendingWriteError, match="is unknown"):
                call(ops, endpoint_name, example(write_env.world, endpoint_name))
            assert not write_env.sent(endpoint_name)


@EACH_JOURNAL
def test_an_idempotency_key_of_an_earlier_journal_returns_its_outcome(
    version: int, write_env: WriteEnv
) -> None:
    with with_old_journal(write_env, version) as ops:
        given = example(write_env.world, "exchange.transfer")
        done = ops.exchange.transfer(**given, idempotency_key="2026-10-payout-417")
        assert (done.number, done.status, done.repeated) == (1, "confirmed", True)
        assert not write_env.sent("exchange.transfer")


@EACH_JOURNAL
def test_pending_writes_of_an_earlier_journal_can_be_reconciled(version: int, write_env: WriteEnv) -> None:
    """None was executed. A list that shows ids generated for a call proves whether it was executed."""
    with with_old_journal(write_env, version) as ops:
        write_env.clock.advance(3600.0)
        numbers = list(ops.unresolved()["number"])
        assert len(numbers) == 20
        found = {number: ops.reconcile(number, wait=False) for number in numbers}
        assert all(each.status in ("rejected", "unknown", "confirmed") for each in found.values())
        transfer = next(each for each in found.values() if each.endpoint == "exchange.transfer_futures")
        assert transfer.status == "rejected"


def test_a_write_executed_by_an_earlier_version_is_found(write_env: WriteEnv) -> None:
    """Its id is derived from the idempotency key, and so proves which call it was."""
    name = "lost exchange.transfer"
    given = example(write_env.world, "exchange.transfer")
    elsewhere = write_env.env.new_link().operations(journal=write_env.folder / "elsewhere")
    with with_old_journal(write_env, 2) as ops:
        assert elsewhere.exchange.transfer(**given)  # the sandbox numbers its transfers from 1 again
        assert elsewhere.exchange.transfer(**given, idempotency_key=name)
        (number,) = [entry.number for entry in ops._journal.entries() if entry.idempotency_key == name]
        write_env.clock.advance(3600.0)
        assert ops.reconcile(number, wait=False).status == "confirmed"


# Restored while a kernel uses the converted file.
RESTORED = pytest.mark.parametrize("how", ["in place", "moved over"])


@EACH_JOURNAL
@RESTORED
def test_an_earlier_journal_that_was_restored_is_refused_and_unchanged(
    version: int, how: str, tmp_path: Path
) -> None:
    path = old_journal(version, tmp_path)
    backup = FORMATS / f"journal-{version}.sqlite"
    journal = Journal(path)
    if how == "in place":
        path.write_bytes(backup.read_bytes())
    else:
        os.replace(shutil.copy(backup, tmp_path / "again"), path)
    for _ in range(2):
        with pytest.raises(JournalError, match=REPLACED):
            journal.entries()
        with pytest.raises(JournalError, match=REPLACED):
            Journal(path)
    assert path.read_bytes() == backup.read_bytes()


@EACH_JOURNAL
def test_a_journal_that_cannot_be_converted_stays_unchanged(version: int, tmp_path: Path) -> None:
    path = old_journal(version, tmp_path)
    sql(path, "PRAGMA ignore_check_constraints = ON")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("PRAGMA ignore_check_constraints = ON")
        file.execute("UPDATE entries SET status = 'nonsense' WHERE number = 12")
    before = path.read_bytes()
    with pytest.raises(JournalError, match="CHECK constraint failed"):
        Journal(path)
    assert path.read_bytes() == before


def test_a_journal_of_a_newer_version_is_left_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path)
    sql(path, f"PRAGMA user_version = {formats.JOURNAL + 1}")
    before = path.read_bytes()
    with pytest.raises(JournalError, match=r"format 5.* newer version.*Nothing was sent"):
        Journal(path)
    assert path.read_bytes() == before


def test_a_journal_has_the_same_path_as_in_the_earlier_version(tmp_path: Path) -> None:
    path = paths.journal_file(BASE_URLS, None, tmp_path)
    assert path.name == "journal-api.binance.com-89da1ac308a4.sqlite"


def test_the_rate_limit_file_of_an_earlier_version_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(paths.RATE_LIMITS, str(tmp_path))
    assert tmp_path / "api.binance.com-64be6293e312.v1.sqlite" in paths.earlier_rate_limit_files(BASE_URLS)


# -- rate limits -----------------------------------------------------------------------------------------

BACKOFFS = {"papi": 30.0, ALL_HOSTS: 3600.0}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def old_limits(tmp_path: Path) -> Path:
    return Path(shutil.copy(FORMATS / "rate-limits-1.sqlite", tmp_path / "old.sqlite"))


def test_bans_and_pauses_of_an_earlier_version_apply(
    clock: FakeClock, old_limits: Path, tmp_path: Path
) -> None:
    before = old_limits.read_bytes()
    store = RateLimitStore(tmp_path / "new.sqlite", clock, "", [old_limits])
    assert {backoff.host: backoff.seconds_left for backoff in store.backoffs()} == BACKOFFS
    assert (store.problem, store.migration_problem) == ("", "")
    store.close()
    clock.advance(60.0)
    again = RateLimitStore(tmp_path / "new.sqlite", clock, "", [old_limits])
    assert {backoff.host: backoff.seconds_left for backoff in again.backoffs()} == {ALL_HOSTS: 3540.0}
    again.close()
    assert old_limits.read_bytes() == before


def test_bans_of_an_earlier_version_apply_without_a_usable_file(
    clock: FakeClock, old_limits: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    store = RateLimitStore(tmp_path / "file" / "new.sqlite", clock, "", [old_limits])
    assert {backoff.host: backoff.seconds_left for backoff in store.backoffs()} == BACKOFFS
    assert store.problem
    store.close()


def test_a_longer_current_ban_stays(clock: FakeClock, old_limits: Path, tmp_path: Path) -> None:
    store = RateLimitStore(tmp_path / "new.sqlite", clock)
    store.back_off(ALL_HOSTS, 7200.0)
    store.close()
    store = RateLimitStore(tmp_path / "new.sqlite", clock, "", [old_limits])
    assert max(backoff.seconds_left for backoff in store.backoffs()) == 7200.0
    store.close()


def _garbage(path: Path) -> None:
    path.write_bytes(b"no database" * 100)


def _no_table(path: Path) -> None:
    sql(path, f"DROP TABLE {earlier.BACKOFFS.rpartition(' ')[2]}")


@pytest.mark.parametrize("damage", [_garbage, _no_table])
def test_an_unreadable_file_of_an_earlier_version_is_reported(
    damage: Callable[[Path], None], clock: FakeClock, old_limits: Path, tmp_path: Path
) -> None:
    damage(old_limits)
    store = RateLimitStore(tmp_path / "new.sqlite", clock, "", [old_limits])
    assert store.backoffs() == []
    assert store.problem == "", "the new file is sound"
    assert str(old_limits) in store.migration_problem
    assert "A ban stored in it is not known here" in store.migration_problem
    store.close()


def test_a_link_finds_a_ban_of_an_earlier_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(paths.RATE_LIMITS, str(tmp_path))
    hosts = dict.fromkeys(BASE_URLS, "https://carried-over.invalid")
    old = next(each for each in paths.earlier_rate_limit_files(hosts) if each.parent == tmp_path)
    shutil.copy(FORMATS / "rate-limits-1.sqlite", old)
    until = SYSTEM_CLOCK.time() + 3000.0
    sql(old, f"UPDATE {earlier.BACKOFFS.rpartition(' ')[2]} SET wall_until = ?", until)
    with toolkit.Link(key="k" * 64, secret="s" * 64, hosts=hosts) as link:
        banned = link.budget.banned_until
        assert banned is not None
        assert banned.timestamp() == pytest.approx(until, abs=30.0)
        check = rate_limits_check(link.budget)
    assert (check.status, old.name in check.found) == ("note", True)


def test_a_damaged_file_of_an_earlier_version_warns_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(paths.RATE_LIMITS, str(tmp_path))
    hosts = dict.fromkeys(BASE_URLS, "https://left-behind.invalid")
    old = next(each for each in paths.earlier_rate_limit_files(hosts) if each.parent == tmp_path)
    _garbage(old)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(2):
            toolkit.Link(key="k" * 64, secret="s" * 64, hosts=hosts).close()
    assert [(each.category, old.name in str(each.message)) for each in said] == [(RateLimitWarning, True)]


def test_a_rate_limit_file_of_a_newer_version_is_left_unchanged(clock: FakeClock, tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    store = RateLimitStore(path, clock)
    store.limits()
    store.close()
    sql(path, f"PRAGMA user_version = {formats.RATE_LIMITS + 1}")
    store = RateLimitStore(path, clock)
    store.limits()
    assert "a newer version wrote it" in store.problem
    store.close()
    assert sql(path, "PRAGMA user_version") == [(formats.RATE_LIMITS + 1,)]
    assert not list(tmp_path.glob("*.damaged*"))


def test_files_of_other_versions_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    monkeypatch.setenv(paths.RATE_LIMITS, str(tmp_path))
    path = paths.rate_limit_file(BASE_URLS, None)
    assert path is not None
    newer = path.with_name(path.name.replace(f".v{formats.RATE_LIMITS}.", f".v{formats.RATE_LIMITS + 1}."))
    newer.touch()
    assert paths.other_versions(path) == [newer]
    budget = Budget(clock, {host: HostClock(clock) for host in BASE_URLS}, RateLimitStore(path, clock))
    assert newer.name in rate_limits_check(budget).found


def test_old_sandbox_files_of_an_earlier_version_are_deleted(tmp_path: Path, clock: FakeClock) -> None:
    left = tmp_path / "sandbox-127.0.0.1-8099-0123456789ab.v1.sqlite"
    left.touch()
    os.utime(left, (0, 0))
    store = RateLimitStore(tmp_path / "new.sqlite", clock)
    store.limits()
    store.close()
    assert not left.exists()


def test_a_variable_under_its_earlier_name_warns_with_the_new_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert OLD_VARIABLE != paths.RATE_LIMITS
    monkeypatch.setenv(OLD_VARIABLE, str(tmp_path))
    hosts = dict.fromkeys(BASE_URLS, "https://renamed.invalid")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(2):
            toolkit.Link(key="k" * 64, secret="s" * 64, hosts=hosts).close()
    (text,) = [str(each.message) for each in said if each.category is RateLimitWarning]
    assert OLD_VARIABLE in text
    assert f"called {paths.RATE_LIMITS} now" in text
    assert not list(tmp_path.iterdir()), "the earlier name is not read"
    check = environment_check({OLD_VARIABLE: "off"})
    assert (check.status, paths.RATE_LIMITS in check.next_step) == ("warning", True)


def test_the_folder_of_the_earlier_variable_is_searched_for_bans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OLD_VARIABLE, str(tmp_path))
    assert paths.earlier_rate_limit_files(BASE_URLS)[0].parent == tmp_path
    monkeypatch.setenv(OLD_VARIABLE, "off")
    assert [each.parent for each in paths.earlier_rate_limit_files(BASE_URLS)] == [paths.rate_limits_folder()]


# -- keys ------------------------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(paths.CONFIG, str(tmp_path))
    path = tmp_path / "profiles.toml"
    path.write_bytes((FORMATS / "profiles-1.toml").read_bytes())
    path.chmod(0o600)
    make_key_pair(tmp_path / "desk.pem")
    return path


def test_profiles_of_an_earlier_version_are_read(config: Path) -> None:
    assert [each.key for each in find_keys()] == ["k" * 64]
    (desk,) = find_keys("desk")
    assert (desk.key, desk.serves) == ("d" * 64, {"USER_DATA"})
    assert {each.key: each.serves for each in find_keys("both")} == {
        "r" * 64: {"USER_DATA"},
        "w" * 64: {"TRADE"},
    }


def test_a_profiles_file_may_give_its_format(config: Path) -> None:
    config.write_text(f"format = {formats.PROFILES}\n\n{config.read_text()}")
    assert [each.key for each in find_keys()] == ["k" * 64]
    add_profile("another", key="a" * 64, secret="A" * 64)
    assert [each.key for each in find_keys("another")] == ["a" * 64]
    assert config.read_text().startswith(f"format = {formats.PROFILES}\n")


@pytest.mark.parametrize("version", [formats.PROFILES + 1, 0])
def test_profiles_of_a_newer_version_are_left_unchanged(config: Path, version: int) -> None:
    config.write_text(f"format = {version}\n\n{config.read_text()}")
    before = config.read_bytes()
    for attempt in (find_keys, lambda: add_profile("another", key="a" * 64, secret="A" * 64)):
        with pytest.raises(NoKeyError, match=rf"profiles\.toml cannot be used: it has format {version}"):
            attempt()
    assert config.read_bytes() == before


def test_a_profile_may_be_named_format() -> None:
    assert [*read_profiles('[format]\nkey = "k"\nsecret = "s"\n', "here")] == ["format"]


def test_a_keyring_entry_of_an_earlier_version_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(paths.CONFIG, str(tmp_path))
    text = (FORMATS / "keyring-1.toml").read_text()
    assert system_keyring.SERVICE == "binance-link-toolkit", "what it is filed under"
    (entry,) = entries_of(read_profiles(text, "the keyring")["desk"], "the keyring", tmp_path)
    assert (entry.key, entry.secret, entry.serves) == ("e" * 64, "t" * 64, ("USER_DATA",))
    with pytest.raises(NoKeyError, match="the keyring cannot be used: it has format 2"):
        read_profiles(f"format = 2\n{text}", "the keyring")
