"""Files are found again after the machine is renamed, rebooted or restarted elsewhere.

Host names change (DHCP, containers), a home may be a link, a program may be started in another folder, and
pids are reused. None of that may lose a ban or a write.
"""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.clocks import FakeClock
from tests.support.forked import in_child
from tests.support.writes import WriteEnv, example
from toolkit.doctor.machine import rate_limits_check
from toolkit.endpoints import BASE_URLS
from toolkit.errors import JournalError
from toolkit.gateway.shared_state import SharedState
from toolkit.ratelimit.records import ALL_HOSTS
from toolkit.ratelimit.store import RateLimitStore
from toolkit.storage import machine, processes
from toolkit.storage.paths import JOURNAL, journal_file, rate_limit_file
from toolkit.storage.processes import is_running
from toolkit.timing.clock import SYSTEM_CLOCK, HostClock

posix = pytest.mark.skipif(os.name != "posix", reason="forks of POSIX")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="files of Linux")

ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def rename(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Give this machine another host name."""

    def to(name: str) -> None:
        monkeypatch.setattr(platform, "node", lambda: name)
        monkeypatch.setattr(socket, "gethostname", lambda: name)

    return to


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default state folder of this user."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "my state"))
    monkeypatch.delenv("TOOLKIT_RATE_LIMITS", raising=False)
    return tmp_path / "my state"


@pytest.fixture
def home_on(tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put the state folder on another kind of file system, on a machine with the given machine-id."""

    def put(kind: str, machine_id: str | None) -> None:
        escaped = str(state).replace(" ", "\\040")
        mounts = tmp_path / "mountinfo"
        mounts.write_text(
            "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
            f"40 22 0:45 / {escaped} rw shared:9 master:2 - {kind} box:/home rw\n"
            "41 22 0:46 / /proc rw - proc proc rw\n".replace("\\\n", "\n")
        )
        known = tmp_path / "machine-id"
        known.unlink(missing_ok=True)
        if machine_id is not None:
            known.write_text(machine_id)
        monkeypatch.setattr(machine, "_MOUNTS", mounts)
        monkeypatch.setattr(machine, "_MACHINE_IDS", (tmp_path / "none", known))

    return put


def name() -> str:
    at = rate_limit_file(BASE_URLS, None)
    assert at is not None
    return at.name


# -- the host name ---------------------------------------------------------------------------------------


def test_a_ban_survives_a_change_of_the_host_name(state: Path, rename: Callable[[str], None]) -> None:
    clock = FakeClock()
    rename("laptop.office.example")
    first = RateLimitStore(rate_limit_file(BASE_URLS, None), clock)
    first.back_off(ALL_HOSTS, 3600.0)
    first.close()
    rename("dhcp-17-203")
    second = RateLimitStore(rate_limit_file(BASE_URLS, None), clock)
    assert [(backoff.host, backoff.seconds_left) for backoff in second.backoffs()] == [(ALL_HOSTS, 3600.0)]
    second.close()


@linux
@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "fakeowner", "virtiofs"])
@pytest.mark.parametrize("written", [f"{ID}\n", ID.upper(), "01234567-89ab-cdef-0123-456789abcdef"])
def test_machines_that_share_a_home_are_told_apart_by_machine_id(
    home_on: Callable[..., None], rename: Callable[[str], None], kind: str, written: str
) -> None:
    home_on(kind, written.replace("\\\n", "\n"))
    names = set()
    for host in ("one", "two"):
        rename(host)
        names.add(name())
    assert len(names) == 1
    home_on(kind, ID[::-1])
    assert name() not in names
    assert ID[::-1][:8] not in name(), "the machine-id itself is confidential"
    assert ID not in machine.name_for(Path(os.environ["XDG_STATE_HOME"]))


@linux
@pytest.mark.parametrize("written", [None, "", "uninitialized\n", "0" * 32, "short", ID + "0"])
def test_an_invalid_machine_id_is_ignored(
    home_on: Callable[..., None], rename: Callable[[str], None], written: str | None
) -> None:
    """As in containers. On a network drive the host name is used instead."""
    names = {}
    for kind in ("nfs4", "virtiofs"):
        home_on(kind, written)
        for host in ("one", "two"):
            rename(host)
            names[kind, host] = name()
    assert names["nfs4", "one"] != names["nfs4", "two"], "machines must not share SQLite files"
    assert names["virtiofs", "one"] == names["virtiofs", "two"], "a folder of this machine itself"


@linux
def test_a_folder_on_a_local_disk_keeps_its_store_when_the_machine_is_renamed(
    home_on: Callable[..., None], rename: Callable[[str], None]
) -> None:
    """A volume mounted by one container after another; an image that gets a new id at each start."""
    names = set()
    for host, known in (("one", ID), ("two", ID[::-1]), ("three", None)):
        home_on("ext4", known)
        rename(host)
        names.add(name())
    assert len(names) == 1


@linux
def test_without_a_list_of_mounts_the_machine_id_is_used(
    home_on: Callable[..., None], rename: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    home_on("ext4", ID)
    monkeypatch.setattr(machine, "_MOUNTS", Path("/nowhere"))
    rename("one")
    before = name()
    rename("two")
    assert name() == before
    home_on("ext4", None)
    monkeypatch.setattr(machine, "_MOUNTS", Path("/nowhere"))
    assert name() != before


@linux
def test_a_linked_home_is_resolved(
    tmp_path: Path, state: Path, home_on: Callable[..., None], rename: Callable[[str], None]
) -> None:
    home_on("nfs4", None)
    state.mkdir()
    (tmp_path / "link").symlink_to(state)
    rename("one")
    assert machine.name_for(tmp_path / "link" / "deeper") == machine.name_for(state) != ""
    assert machine.name_for(tmp_path) == ""


def test_the_names_of_this_machine_are_stable() -> None:
    assert machine.machine_id() == machine.machine_id()
    assert machine.boot_id() == machine.boot_id()
    assert machine.name_for(Path.home()) == machine.name_for(Path.home())


def test_the_doctor_notes_a_relative_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOOLKIT_RATE_LIMITS", "state")
    budget = SharedState(dict.fromkeys(BASE_URLS, "https://relative.invalid"), SYSTEM_CLOCK, None).budget
    line = rate_limits_check(budget)
    assert (line.status, line.next_step) == ("note", "Set an absolute path.")
    assert "TOOLKIT_RATE_LIMITS is a relative path" in line.found


# -- the boot id -----------------------------------------------------------------------------------------


@pytest.fixture
def no_boot_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_BOOT_ID", Path("/nowhere"))
    monkeypatch.setattr(processes, "_known_boot_id", [])


@linux
def test_a_ban_applies_without_a_boot_id(tmp_path: Path, no_boot_id: None) -> None:
    """The ban ends by the wall clock then, and measured clocks are not used."""
    clock, at = FakeClock(), tmp_path / "rate-limits.sqlite"
    first = RateLimitStore(at, clock)
    first.back_off(ALL_HOSTS, 600.0)
    first.set_clock("api", HostClock(clock).measure(lambda: (clock.time(), 0.0)))
    first.close()
    clock.advance(100.0)
    second = RateLimitStore(at, clock)
    assert [backoff.seconds_left for backoff in second.backoffs()] == [pytest.approx(500.0)]
    assert second.clock("api") is None
    clock.wall_ahead = 86_400.0 * -400
    assert [backoff.seconds_left <= 600.0 for backoff in second.backoffs()] == [True]
    second.close()


@linux
def test_an_unknown_boot_id_is_read_again(
    no_boot_id: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert processes.boot_id() == ""
    (tmp_path / "boot_id").write_text("a run\n")
    monkeypatch.setattr(machine, "_BOOT_ID", tmp_path / "boot_id")
    assert processes.boot_id() == processes.boot_id() != ""


# -- processes -------------------------------------------------------------------------------------------


def test_a_process_that_cannot_be_inspected_counts_as_running() -> None:
    """Its write may be in progress, so no other process may call it unsent."""
    own = os.getpid()
    assert is_running(own, processes.start_time(own), processes.boot_id())
    assert is_running(own, None, processes.boot_id())
    assert is_running(own, processes.start_time(own), "")
    assert not is_running(own, processes.start_time(own), "another run")
    assert not is_running(own, 1e9, processes.boot_id()), "the pid was reused"
    for nobody in (2**22 + 7, 2**70, 0, -1):
        assert not is_running(nobody, None, "")


@posix
def test_a_process_that_has_ended_is_recognised() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        began = processes.start_time(child.pid)
        assert processes.is_alive(child.pid, began)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not processes.is_alive(child.pid, began), "only its pid is left"
    assert not processes.is_alive(child.pid, began)


@pytest.mark.parametrize("words", [None, [], [""], ["-c"], ["/x/__main__.py"], ["a\udcff.py"]])
def test_a_process_always_has_a_name(monkeypatch: pytest.MonkeyPatch, words: list[str] | None) -> None:
    if words is None:
        monkeypatch.delattr(sys, "argv")
    else:
        monkeypatch.setattr(sys, "argv", words)
    assert processes.process_name().encode() in (b"python", b"x", b"a?.py")


# -- the path of the journal -----------------------------------------------------------------------------


def test_a_journal_has_one_path_through_any_link(tmp_path: Path) -> None:
    """The path identifies calls in progress in this process."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert journal_file(BASE_URLS, None, tmp_path / "link") == journal_file(
        BASE_URLS, None, tmp_path / "real"
    )


def test_a_relative_journal_folder_in_the_environment_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel started in another folder, or `os.chdir`, would use another journal and might pay again."""
    write_env = WriteEnv(tmp_path / "bench")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(JOURNAL, "journals")
    with pytest.raises(JournalError, match=r"relative path, 'journals'.*Nothing was sent"):
        write_env.env.link.operations()
    assert not (tmp_path / "journals").exists()
    ops = write_env.env.link.operations(journal="journals")  # an explicit argument may be relative
    assert ops.exchange.transfer(**example(write_env.world, "exchange.transfer"))
    assert ops.journal.parent == tmp_path / "journals"
    write_env.env.close()


@posix
def test_a_deleted_current_folder_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()

    def work() -> list[str]:
        os.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        os.environ["TOOLKIT_RATE_LIMITS"] = "state"
        budget = SharedState(BASE_URLS, SYSTEM_CLOCK, None).budget
        with pytest.raises(JournalError, match="cannot be found"):
            journal_file(BASE_URLS, None, "journals")
        return [budget.local_only_reason]

    (said,) = in_child(work)
    assert "cannot be found" in said
