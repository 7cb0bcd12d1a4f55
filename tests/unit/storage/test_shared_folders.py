"""In folders that other users may write to, planted files are never opened, changed or followed.

`TOOLKIT_RATE_LIMITS` names a folder that several users share. Another user puts a link, a pipe or a file
there under the name of one of our files, and this user is the victim.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.clocks import FakeClock
from tests.support.forked import in_child
from tests.support.rate_limits import is_shared, is_sound, known, let_others_in, reserve
from toolkit.auth.keys import find_keys
from toolkit.auth.keys.creation import add_profile, make_key_pair
from toolkit.errors import JournalError, NoKeyError
from toolkit.ratelimit import counter_database
from toolkit.ratelimit.store import RateLimitStore
from toolkit.storage import files
from toolkit.storage.files import UnsafeFileError
from toolkit.writes.journal import Journal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="owners, modes and links of POSIX")
as_root = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root can give files to another user"
)
STRANGER = 64_321
PAIR = f'key = "{"k" * 64}"\nsecret = "{"s" * 64}"\n'


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def stores(shared: Path, clock: FakeClock) -> Iterator[Callable[[], RateLimitStore]]:
    made: list[RateLimitStore] = []

    def make() -> RateLimitStore:
        made.append(RateLimitStore(shared / "rate-limits.sqlite", clock))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A private file of this user."""
    path = tmp_path / "private" / "profiles.toml"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(f"[desk]\n{PAIR}")
    path.chmod(0o600)
    return path


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Another database of this user."""
    path = tmp_path / "private" / "recipes.sqlite"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE recipes (name TEXT)")
        file.commit()
    return path


def state(path: Path) -> tuple[bytes, int]:
    return path.read_bytes(), stat.S_IMODE(path.stat().st_mode)


def symbolic(at: Path, target: Path) -> None:
    at.symlink_to(target)


def hard(at: Path, target: Path) -> None:
    os.link(target, at)


LINKS = (symbolic, hard)


def plant(link: Callable[[Path, Path], None], at: Path, target: Path) -> None:
    """Replace a file by a link, as another user would."""
    at.unlink(missing_ok=True)
    link(at, target)


# -- the rate-limit file ---------------------------------------------------------------------------------


@pytest.mark.parametrize("tail", [".lock", "", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("link", LINKS)
def test_a_link_in_place_of_a_store_file_changes_no_other_file(
    shared: Path,
    victim: Path,
    clock: FakeClock,
    stores: Callable[[], RateLimitStore],
    link: Callable[[Path, Path], None],
    tail: str,
) -> None:
    before, planted = state(victim), shared / f"rate-limits.sqlite{tail}"
    plant(link, planted, victim)
    rate_limit_store = stores()
    assert isinstance(reserve(rate_limit_store, clock, 5), int), "the request goes ahead, counted alone"
    assert "link" in rate_limit_store.problem
    assert planted.name in rate_limit_store.problem
    assert state(victim) == before
    assert not list(shared.glob("*.damaged*"))
    planted.unlink()
    clock.advance(counter_database.RETRY_FILE_AFTER_S)
    assert isinstance(reserve(rate_limit_store, clock, 5), int)
    assert is_shared(rate_limit_store, stores(), clock), "the file is shared again once the link is gone"


@pytest.mark.parametrize("link", LINKS)
def test_no_table_is_created_in_another_database(
    shared: Path,
    database: Path,
    clock: FakeClock,
    stores: Callable[[], RateLimitStore],
    link: Callable[[Path, Path], None],
) -> None:
    before = state(database)
    plant(link, shared / "rate-limits.sqlite", database)
    assert isinstance(reserve(stores(), clock), int)
    assert state(database) == before
    assert not list(database.parent.glob("recipes.sqlite-*"))


@pytest.mark.parametrize("version", [0, 1])
def test_another_programs_database_is_set_aside_unchanged(
    shared: Path, clock: FakeClock, stores: Callable[[], RateLimitStore], version: int
) -> None:
    at = shared / "rate-limits.sqlite"
    with contextlib.closing(sqlite3.connect(at, isolation_level=None)) as file:
        file.execute("CREATE TABLE recipes (name TEXT)")
        file.execute(f"PRAGMA user_version = {version}")
    before = at.read_bytes()
    assert isinstance(reserve(stores(), clock), int)
    assert (shared / "rate-limits.sqlite.damaged").read_bytes() == before
    assert is_shared(stores(), stores(), clock)


@pytest.mark.parametrize("link", LINKS)
def test_a_link_that_replaces_an_open_store_is_not_followed(
    shared: Path,
    victim: Path,
    clock: FakeClock,
    stores: Callable[[], RateLimitStore],
    link: Callable[[Path, Path], None],
) -> None:
    rate_limit_store, before = stores(), state(victim)
    reserve(rate_limit_store, clock, 100)
    plant(link, shared / "rate-limits.sqlite", victim)
    assert isinstance(reserve(rate_limit_store, clock, 5), int)
    assert "link" in rate_limit_store.problem
    assert known(rate_limit_store) == 105
    assert state(victim) == before


@pytest.mark.parametrize("tail", [".lock", "", "-wal"])
def test_a_pipe_without_a_writer_does_not_block(
    shared: Path, clock: FakeClock, stores: Callable[[], RateLimitStore], tail: str
) -> None:
    os.mkfifo(shared / f"rate-limits.sqlite{tail}")
    rate_limit_store = stores()
    assert isinstance(reserve(rate_limit_store, clock), int)
    assert "not a regular file" in rate_limit_store.problem


def test_only_new_files_get_a_mode(
    shared: Path, clock: FakeClock, stores: Callable[[], RateLimitStore]
) -> None:
    """An existing file may be another one of the user's, moved or linked there."""
    there = shared / "rate-limits.sqlite.lock"
    there.touch(0o600)
    there.chmod(0o600)
    before = os.umask(0o077)
    try:
        assert isinstance(reserve(stores(), clock), int)
    finally:
        os.umask(before)
    assert state(there)[1] == 0o600
    modes = {each.name: state(each)[1] for each in shared.iterdir() if each != there}
    assert modes
    assert set(modes.values()) == {0o666}, (
        "new files are open to all who share the folder, whatever the umask"
    )


@pytest.mark.parametrize("moment", range(16))
def test_a_link_created_between_two_system_calls_is_not_followed(
    shared: Path,
    victim: Path,
    database: Path,
    clock: FakeClock,
    stores: Callable[[], RateLimitStore],
    monkeypatch: pytest.MonkeyPatch,
    moment: int,
) -> None:
    """Another user plants links right before one of the system calls, each in turn."""
    before, calls = (state(victim), state(database)), 0
    traps = {shared / "rate-limits.sqlite.lock": victim, shared / "rate-limits.sqlite": database}

    def strike(name: object) -> None:
        nonlocal calls
        if "rate-limits.sqlite" in str(name):
            calls += 1
            if calls == moment + 1:
                for at, target in traps.items():
                    plant(symbolic, at, target)

    def spied(module: Any, name: str) -> None:
        call = getattr(module, name)

        def spy(*args: Any, **settings: Any) -> Any:
            strike(args[0])
            return call(*args, **settings)

        monkeypatch.setattr(module, name, spy)

    for name in ("open", "lstat", "stat"):
        spied(os, name)
    spied(sqlite3, "connect")
    rate_limit_store = stores()
    assert isinstance(reserve(rate_limit_store, clock, 5), int)
    assert isinstance(reserve(rate_limit_store, clock, 5), int)
    monkeypatch.undo()
    assert (state(victim), state(database)) == before
    assert known(rate_limit_store) == 10


@as_root
def test_another_users_file_is_used_only_in_a_shared_folder(
    shared: Path, clock: FakeClock, stores: Callable[[], RateLimitStore]
) -> None:
    made = stores()
    reserve(made, clock, 7)
    made.close()
    for each in shared.iterdir():
        os.chown(each, STRANGER, STRANGER)
    assert known(stores()) == 7
    shared.chmod(0o755)
    store = stores()
    assert isinstance(reserve(store, clock), int)
    assert "belongs to another user" in store.problem
    os.chown(shared, STRANGER, STRANGER)  # as under sudo, or on a network drive
    clock.advance(counter_database.RETRY_FILE_AFTER_S)
    assert isinstance(reserve(store, clock), int)
    assert store.problem == ""


@as_root
def test_a_read_only_lock_file_of_another_user_locks(shared: Path) -> None:
    """A lock file that this user may only read still locks."""
    at = shared / "rate-limits.sqlite.lock"
    at.touch()
    at.chmod(0o644)
    let_others_in(shared.parent)

    def work() -> str:
        os.setgid(STRANGER)
        os.setuid(STRANGER)
        rate_limit_store = RateLimitStore(shared / "rate-limits.sqlite", FakeClock())
        reserve(rate_limit_store, FakeClock())
        return rate_limit_store.problem

    assert in_child(work) == ""


def test_deleting_old_sandbox_files_follows_no_link(
    shared: Path, victim: Path, clock: FakeClock, stores: Callable[[], RateLimitStore]
) -> None:
    os.utime(victim, (0, 0))
    link = shared / "rate-limits-sandbox-x.sqlite"
    link.symlink_to(victim)
    stores().limits()
    assert link.is_symlink(), "the link itself is new"
    os.utime(link, (0, 0), follow_symlinks=False)
    stores().limits()
    assert not link.is_symlink()
    assert victim.exists()


# -- the journal -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("tail", ["", "-journal", "-wal"])
@pytest.mark.parametrize("link", [*LINKS, lambda at, _: os.mkfifo(at)])
def test_an_unsafe_journal_file_is_refused(
    shared: Path, victim: Path, link: Callable[[Path, Path], None], tail: str
) -> None:
    before, at = state(victim), shared / "journal.sqlite"
    plant(link, shared / f"journal.sqlite{tail}", victim)
    with pytest.raises(JournalError, match=r"journal\.sqlite\S* is (a|not a) .*No write is sent"):
        Journal(at)
    assert state(victim) == before


def test_a_journal_is_not_created_through_a_dangling_link(shared: Path, tmp_path: Path) -> None:
    (shared / "journal.sqlite").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JournalError, match="symbolic link"):
        Journal(shared / "journal.sqlite")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("link", LINKS)
def test_a_journal_replaced_by_a_link_is_not_written(
    shared: Path, tmp_path: Path, link: Callable[[Path, Path], None]
) -> None:
    """Even where it leads to the same journal, moved elsewhere."""
    journal, moved = Journal(shared / "journal.sqlite"), tmp_path / "moved.sqlite"
    journal.path.rename(moved)
    before = moved.read_bytes()
    plant(link, journal.path, moved)
    with pytest.raises(JournalError, match="link"):
        journal.entries()
    assert moved.read_bytes() == before


@as_root
def test_another_users_journal_is_refused_even_in_a_shared_folder(shared: Path) -> None:
    """Its owner could record transfers in it that this user never made."""
    path = Journal(shared / "journal.sqlite").path
    os.chown(path, STRANGER, STRANGER)
    with pytest.raises(JournalError, match="belongs to another user"):
        Journal(path)


# -- keys ------------------------------------------------------------------------------------------------


@pytest.fixture
def config(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOOLKIT_CONFIG", str(shared))
    for name in ("KEY", "SECRET", "PRIVATE_KEY", "PROFILE"):
        monkeypatch.delenv(f"TOOLKIT_{name}", raising=False)
    return shared


@pytest.mark.parametrize("link", LINKS)
def test_a_link_as_the_lock_of_the_profiles_is_refused(
    config: Path, victim: Path, link: Callable[[Path, Path], None]
) -> None:
    before = state(victim)
    plant(link, config / "profiles.toml.lock", victim)
    with pytest.raises(NoKeyError, match=r"cannot be written.*link"):
        add_profile("desk", key="k" * 64, secret="s" * 64)
    assert state(victim) == before
    assert not (config / "profiles.toml").exists()


@as_root
def test_another_users_link_to_profiles_is_neither_read_nor_written(config: Path, victim: Path) -> None:
    before, link = state(victim), config / "profiles.toml"
    link.symlink_to(victim)
    assert len(find_keys("desk")) == 1, "one's own link is followed"
    os.chown(link, STRANGER, STRANGER, follow_symlinks=False)
    with pytest.raises(NoKeyError, match="link that another user made"):
        find_keys("desk")
    with pytest.raises(NoKeyError, match="link that another user made"):
        add_profile("other", key="k" * 64, secret="s" * 64)
    assert state(victim) == before


def test_a_hard_link_to_profiles_is_not_read_in_a_shared_folder(config: Path, victim: Path) -> None:
    hard(config / "profiles.toml", victim)
    with pytest.raises(NoKeyError, match="hard link"):
        find_keys("desk")
    config.chmod(0o700)
    assert len(find_keys("desk")) == 1


def test_profiles_are_written_through_ones_own_dangling_link(config: Path, tmp_path: Path) -> None:
    (config / "profiles.toml").symlink_to(tmp_path / "dotfiles" / "mine.toml")
    add_profile("desk", key="k" * 64, secret="s" * 64)
    assert (config / "profiles.toml").is_symlink()
    assert state(tmp_path / "dotfiles" / "mine.toml")[1] == 0o600


def test_a_new_key_is_not_written_through_a_link(shared: Path, tmp_path: Path) -> None:
    (shared / "mine.pem").symlink_to(tmp_path / "elsewhere.pem")
    with pytest.raises(NoKeyError, match="already exists"):
        make_key_pair(shared / "mine.pem")
    assert not (tmp_path / "elsewhere.pem").exists()


# -- storage.files ---------------------------------------------------------------------------------------


def test_a_circle_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(UnsafeFileError, match="too many"):
        files.resolve_links(tmp_path / "a")


def test_links_are_refused_on_systems_without_o_nofollow(
    shared: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_NO_LINKS", 0)
    before = state(victim)
    (shared / "x.lock").symlink_to(victim)
    with pytest.raises(UnsafeFileError, match="symbolic link"):
        files.open_or_create(shared / "x.lock", mode=0o666, shared=True)
    assert state(victim) == before


def test_a_sound_store_is_left_unchanged(
    shared: Path, clock: FakeClock, stores: Callable[[], RateLimitStore]
) -> None:
    one, other = stores(), stores()
    assert is_shared(one, other, clock)
    assert (one.problem, other.problem) == ("", "")
    one.close()
    other.close()
    assert is_sound(shared / "rate-limits.sqlite")
