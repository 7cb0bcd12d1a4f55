"""The journal of writes: its contents, its use by several processes at once, and failures.

The files are real, and so are the processes where a test is about processes. The sandbox knows what happened.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.clocks import FakeClock
from tests.support.paths import ROOT
from tests.support.rate_limits import let_others_in
from tests.support.traces import locals_shown
from tests.support.writes import (
    WRITE_NAMES,
    WriteEnv,
    another_process,
    do,
    example,
    operations_of,
)
from toolkit.endpoints import BASE_URLS
from toolkit.errors import JournalError, JournalWarning, PendingWriteError, UsageError
from toolkit.sandbox import SandboxRequest, SandboxResponse
from toolkit.storage.paths import JOURNAL, journal_file
from toolkit.writes import journal_store as files
from toolkit.writes.entry import ConflictKey, JournalEntry
from toolkit.writes.journal import Journal
from toolkit.writes.journal_store import JournalFile

TIMEOUT_S = 60.0
DAY = 86_400

posix = pytest.mark.skipif(os.name != "posix", reason="forks, signals and users of POSIX")
as_root = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="only root may become somebody else"
)


# -- helpers ---------------------------------------------------------------------------------------------


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "here" / "journal.sqlite"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LOCK_TIMEOUT_S", 0.05)


def begin(
    journal: Journal, what: str = "this", idempotency_key: str | None = None, **other: Any
) -> tuple[Any, bool]:
    """Record a call about something."""
    conflict_key: dict[str, Any] = {
        "same": what,
        "subject": what,
        "idempotency_key": idempotency_key,
        "key": "k",
    }
    return journal.begin(
        ConflictKey(**conflict_key | other), endpoint="exchange.transfer", arguments={}, digests={}
    )


def send(journal: Journal, entry: JournalEntry) -> None:
    journal.mark_sending(entry, lambda: (1, 2))


def sql(path: Path, statement: str, *values: object) -> list[Any]:
    """Run SQL on the file, as another program would."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as file:
        return file.execute(statement, values).fetchall()


def statuses(path: Path) -> list[str]:
    return [status for (status,) in sql(path, "SELECT status FROM entries ORDER BY number")]


def is_sound(path: Path) -> bool:
    return sql(path, "PRAGMA integrity_check") == [("ok",)]


# Imports the journal without `toolkit/__init__.py`, which imports pandas and takes ten times as long.
_PRELUDE = f"""
import sys, types
for name in ("toolkit", "toolkit.writes"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [{str(ROOT)!r} + "/" + name.replace(".", "/")]
import json, os, random, signal, threading, time
from pathlib import Path
from toolkit.errors import JournalError, PendingWriteError
from toolkit.writes.entry import ConflictKey
from toolkit.writes.journal import Journal
from toolkit.writes.pending import running

def begin(journal, what="this", idempotency_key=None):
    conflict_key = ConflictKey(same=what, subject=what, idempotency_key=idempotency_key, key="k")
    return journal.begin(conflict_key, endpoint="e", arguments={{}}, digests={{}})

def send(journal, entry):
    journal.mark_sending(entry, lambda: (1, 2))

def whole(journal, what, idempotency_key=None):
    entry, new = begin(journal, what, idempotency_key)
    if new:
        send(journal, entry)
        journal.resolve(entry, "confirmed", "done", "answer")
        journal.mark_finished(entry)
    return new
"""


def start(script: str, *arguments: object, prelude: str = _PRELUDE) -> subprocess.Popen[str]:
    """Start a script in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", prelude + textwrap.dedent(script), *map(str, arguments)],
        cwd=ROOT,
        env=dict(os.environ) | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output_of(process: subprocess.Popen[str], line: str = "") -> str:
    """The output of a process, after a line was sent to it."""
    out, err = process.communicate(line, timeout=TIMEOUT_S)
    assert process.returncode == 0, err
    return out


@contextlib.contextmanager
def waiting(path: Path, step: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that has recorded or sent a call and is still running."""
    process = start(
        """
        journal = Journal(Path(sys.argv[1]))
        entry, _ = begin(journal, idempotency_key="pay")
        if sys.argv[2] == "sending":
            send(journal, entry)
        print("ready", flush=True)
        sys.stdin.read()
        """,
        path,
        step,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=TIMEOUT_S)


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(TIMEOUT_S)


# -- processes and threads
# --------------------------------------------------------------------------------------


def test_processes_that_begin_the_same_call_at_once_send_it_once(path: Path) -> None:
    script = """
    journal = Journal(Path(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(25):
        try:
            if whole(journal, f"what-{number}", f"name-{number}"):
                print(number)
        except PendingWriteError:
            pass
    """
    running = [start(script, path) for _ in range(4)]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    done = Counter(line for process in running for line in output_of(process).split())
    assert done == {str(number): 1 for number in range(25)}
    assert statuses(path) == ["confirmed"] * 25


def test_threads_with_one_idempotency_key_send_one_call(write_env: WriteEnv) -> None:
    ops, given = write_env.ops, example(write_env.world, "exchange.transfer")
    together = threading.Barrier(6)
    numbers: list[Any] = []

    def pay() -> None:
        together.wait(TIMEOUT_S)
        try:
            numbers.append(ops.exchange.transfer(**given, idempotency_key="pay").number)
        except PendingWriteError as error:
            numbers.append(error.number)

    threads = [threading.Thread(target=pay) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers == [1] * 6
    assert len(write_env.effects("exchange.transfer")) == 1


@posix
def test_forked_children_share_the_journal_of_their_parent(write_env: WriteEnv) -> None:
    """Forked after use: the call with an idempotency key is executed once, the other calls once each."""
    script = """
    import os, sys, json
    import toolkit
    from tests.support.clocks import FakeClock
    address, key, secret, folder, given = json.loads(sys.argv[1])
    hosts = dict.fromkeys(("api", "fapi", "papi"), address)
    link = toolkit.Link(key=key, secret=secret, hosts=hosts, clock=FakeClock(), progress=False)
    ops = link.operations(journal=folder)
    assert ops.exchange.create_sub_account(tag="parent")
    children = []
    for number in range(4):
        child = os.fork()
        if not child:
            code = 1
            try:
                try:
                    code = 0 if ops.exchange.transfer(**given, idempotency_key="pay") else 2
                except toolkit.errors.PendingWriteError:
                    code = 0
                code = code or (0 if ops.exchange.create_sub_account(tag=f"child-{number}") else 3)
            finally:
                os._exit(code)
        children.append(child)
    print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
    """
    sandbox = write_env.env.sandbox
    given = example(write_env.world, "exchange.transfer")
    arguments = json.dumps([sandbox.address, sandbox.key, sandbox.secret, str(write_env.folder), given])
    assert output_of(start(script, arguments, prelude="")) == "[0, 0, 0, 0]\n"
    assert len(write_env.effects("exchange.transfer")) == 1
    tags = sorted(each.parameters["tag"] for each in write_env.effects("exchange.create_sub_account"))
    assert tags == ["child-0", "child-1", "child-2", "child-3", "parent"]
    assert len(write_env.ops.unresolved()) == 0
    assert set(write_env.ops.history()["status"]) == {"confirmed"}


@posix
def test_a_child_forked_during_a_transaction_can_use_the_journal(path: Path) -> None:
    output = output_of(
        start(
            """
            journal = Journal(Path(sys.argv[1]))
            over = threading.Event()

            def work():
                number = 0
                while not over.is_set():
                    number += 1
                    whole(journal, f"thread-{number}")

            thread = threading.Thread(target=work)
            thread.start()
            codes = []
            for number in range(12):
                child = os.fork()
                if not child:
                    code = 1
                    try:
                        whole(journal, f"child-{number}")
                        code = 0
                    finally:
                        os._exit(code)
                codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            over.set()
            thread.join()
            print(codes)
            """,
            path,
        )
    )
    assert output == f"{[0] * 12}\n"
    assert is_sound(path)
    assert set(statuses(path)) == {"confirmed"}


@pytest.mark.parametrize("step", ["prepared", "sending"])
def test_a_call_in_progress_in_another_process_blocks_the_same_call(path: Path, step: str) -> None:
    with waiting(path, step):
        journal = Journal(path)
        assert journal.entries(unresolved=True) == []
        with pytest.raises(PendingWriteError, match="is in progress"):
            begin(journal)
        with pytest.raises(PendingWriteError, match="is in progress"):
            begin(journal, idempotency_key="pay")
        assert statuses(path) == [step]


def test_a_call_sent_by_a_dead_process_is_unresolved(path: Path) -> None:
    with waiting(path, "sending") as process:
        kill(process)
        journal = Journal(path)
        assert [entry.number for entry in journal.entries(unresolved=True)] == [1]
        with pytest.raises(PendingWriteError, match="is unknown"):
            begin(journal)
        entry, new = begin(journal, idempotency_key="pay")
        assert (entry.number, new) == (1, False), "a call with an idempotency key is not sent again"


@pytest.mark.parametrize("how", ["looked at", "called again"])
def test_a_call_only_recorded_by_a_dead_process_is_rejected_as_not_sent(path: Path, how: str) -> None:
    with waiting(path, "prepared") as process:
        kill(process)
        journal = Journal(path)
        if how == "looked at":
            assert journal.entries(unresolved=True) == []
        entry, new = begin(journal, idempotency_key="pay")
        assert (entry.number, new) == (2, True), "its idempotency key can be used again"
        first = journal.entry(1)
        assert (first.status, first.resolved_by, first.idempotency_key) == ("rejected", "journal", None)
        assert "before it was sent" in first.reason


def test_a_reused_pid_does_not_make_a_dead_process_look_alive(path: Path) -> None:
    with waiting(path, "sending") as process:
        living = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        try:
            sql(path, "UPDATE entries SET pid = ?, began = began - 60", living.pid)
            assert [entry.number for entry in Journal(path).entries(unresolved=True)] == [1]
        finally:
            living.communicate(b"\n", timeout=TIMEOUT_S)
        kill(process)


def test_a_call_from_before_a_reboot_is_not_in_progress(path: Path) -> None:
    with waiting(path, "sending"):
        sql(path, "UPDATE entries SET boot = 'another'")
        assert [entry.number for entry in Journal(path).entries(unresolved=True)] == [1]


def test_a_process_presumed_dead_sends_nothing(path: Path) -> None:
    """From another machine or container, nobody can see that the process is running."""
    mine, theirs = Journal(path), Journal(path)
    entry, _ = begin(mine)
    sql(path, "UPDATE entries SET boot = 'another'")
    assert theirs.entries(unresolved=True) == []
    assert begin(theirs)[1]
    with pytest.raises(JournalError, match=r"Another process presumed this one dead.*Nothing was sent"):
        send(mine, entry)
    assert statuses(path) == ["rejected", "prepared"]


def test_a_confirmed_repetition_resolves_a_call_of_a_dead_process(path: Path) -> None:
    with waiting(path, "sending") as process:
        kill(process)
        journal = Journal(path)
        entry, new = begin(journal, repeatable=True)
        assert new
        send(journal, entry)
        journal.resolve_repeats(journal.resolve(entry, "confirmed", "done", "answer"), lambda older: True)
        assert [(each.status, each.resolved_by) for each in journal.entries()] == [
            ("confirmed", "repetition"),
            ("confirmed", "answer"),
        ]


# -- interrupts ------------------------------------------------------------------------------------------


def after_each(write_env: WriteEnv, method: str, then: Callable[[], object]) -> None:
    """Run a function after a request was executed and before its response is sent."""
    handle = write_env.exchange.handle

    def handled(request: SandboxRequest) -> SandboxResponse:
        answer = handle(request)
        if request.method == method:
            then()
        return answer

    write_env.exchange.handle = handled  # type: ignore[method-assign]


def interrupt() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


@posix
def test_an_interrupt_while_waiting_for_the_response_leaves_it_unknown(write_env: WriteEnv) -> None:
    link = write_env.env.new_link(timeout=(5.0, TIMEOUT_S))
    ops = link.operations(journal=write_env.folder)
    given = example(write_env.world, "exchange.create_api_key")
    write_env.fail("exchange.create_api_key", "timeout")
    after_each(write_env, "POST", interrupt)
    with pytest.raises(
        KeyboardInterrupt, match=r"#1 is unknown: it was interrupted .* `ops.reconcile\(1\)`"
    ) as raised:
        ops.exchange.create_api_key(**given)
    shown = "\n".join(locals_shown(raised.value))
    made = write_env.world.account(given["sub_account_id"]).keys[-1]  # type: ignore[union-attr]
    for secret in (write_env.env.sandbox.secret, write_env.env.sandbox.key, made.key, "signature="):
        assert secret not in shown
    assert list(ops.unresolved()["reason"]) == ["it was interrupted while it was being sent"]
    assert made.masked in ops.reconcile(1).reason
    assert len(write_env.effects("exchange.create_api_key")) == 1


class Interrupted(FakeClock):
    """A clock on which every wait is interrupted while `on` is set."""

    on = False

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        if self.on:
            raise KeyboardInterrupt
        super().wait(condition, seconds)


def test_an_interrupt_while_waiting_for_the_rate_limit_rejects_it_as_not_sent(write_env: WriteEnv) -> None:
    clock = Interrupted()
    link = write_env.env.new_link(clock=clock, bare=True, limits={"sapi-ip": 1})
    ops = link.operations(journal=write_env.folder)
    given = example(write_env.world, "exchange.transfer")
    assert ops.exchange.transfer(**given)
    clock.on = True
    with pytest.raises(KeyboardInterrupt):
        ops.exchange.transfer(**given)
    assert write_env.sent("exchange.transfer") == 1
    last = ops.history().iloc[-1]
    assert (last["status"], last["reason"]) == ("rejected", "it was not sent (KeyboardInterrupt)")
    assert len(ops.unresolved()) == 0
    clock.on = False
    clock.advance(60)
    write_env.clock.advance(60)
    assert ops.exchange.transfer(**given), "nothing blocks it"


@posix
def test_an_interrupt_while_recording_does_not_block_the_next_call(path: Path) -> None:
    output = output_of(
        start(
            """
            journal, chance = Journal(Path(sys.argv[1])), random.Random(5)
            signal.signal(signal.SIGALRM, signal.default_int_handler)
            interrupted = again = 0
            for number in range(200):
                try:
                    signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.00001, 0.0012))
                    entry, _ = begin(journal, f"what-{number}", f"name-{number}")
                    signal.setitimer(signal.ITIMER_REAL, 0)
                    journal.mark_finished(entry)
                except KeyboardInterrupt:
                    signal.setitimer(signal.ITIMER_REAL, 0)
                    interrupted += 1
                again += whole(journal, f"what-{number}", f"name-{number}")
            print(interrupted > 20, again, journal.entries(unresolved=True), len(running))
            """,
            path,
        )
    )
    assert output == "True 200 [] 0\n", "recorded or not, the first attempt was not sent"
    assert is_sound(path)
    assert sql(path, "SELECT count(*) FROM entries WHERE status = 'confirmed'") == [(200,)]


# -- a file that cannot be used --------------------------------------------------------------------------


def lock(path: Path) -> contextlib.closing[sqlite3.Connection]:
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    return contextlib.closing(holder)


def refused(write_env: WriteEnv) -> JournalError:
    """The error of a call that is not sent because it cannot be recorded."""
    before = write_env.sent("exchange.transfer")
    with pytest.raises(
        JournalError, match=r"No write is sent (without a journal|with the file that is there now)"
    ) as raised:
        write_env.ops.exchange.transfer(**example(write_env.world, "exchange.transfer"))
    assert write_env.sent("exchange.transfer") == before
    return raised.value


def test_a_file_locked_too_long_sends_nothing(write_env: WriteEnv, impatient: None) -> None:
    path = write_env.ops.journal
    with lock(path):
        assert "locked" in str(refused(write_env))
    assert do(write_env, "exchange.transfer")


def _garbage(path: Path) -> None:
    path.write_bytes(random.Random(3).randbytes(20_000))


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _header_alone(path: Path) -> None:
    os.truncate(path, 100)


def _another_version(path: Path) -> None:
    sql(path, "PRAGMA user_version = 99")


def _something_else(path: Path) -> None:
    path.unlink()
    sql(path, "CREATE TABLE recipes (name TEXT)")


def _no_salt(path: Path) -> None:
    sql(path, "DELETE FROM salt")


def _half_a_row(path: Path) -> None:
    sql(path, "UPDATE entries SET arguments = '{', status = 'unknown'")


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "damage",
    [_garbage, _cut, _header_alone, _another_version, _something_else, _no_salt, _half_a_row, _a_folder],
)
def test_a_damaged_file_is_left_unchanged_and_nothing_is_sent(
    write_env: WriteEnv, damage: Callable[[Path], None]
) -> None:
    assert do(write_env, "exchange.transfer")
    path = write_env.ops.journal
    damage(path)
    before = path.read_bytes() if path.is_file() else b""
    refused(write_env)
    if damage is not _half_a_row:
        with pytest.raises(JournalError):
            write_env.env.link.operations(journal=write_env.folder)
    assert (path.read_bytes() if path.is_file() else b"") == before


@pytest.mark.parametrize("how", ["deleted", "replaced", "emptied"])
def test_a_replaced_file_is_not_written_to(write_env: WriteEnv, how: str, tmp_path: Path) -> None:
    """Another file has another salt, so no entry of this one could be found in it."""
    path = write_env.ops.journal
    path.unlink()
    if how == "replaced":
        shutil.copy(WriteEnv(tmp_path).ops.journal, path)
    elif how == "emptied":
        path.touch()
    assert "restart the kernel" in str(refused(write_env))
    with pytest.raises(JournalError, match="restart the kernel"):
        write_env.env.link.operations(journal=write_env.folder)
    assert path.exists() == (how != "deleted")
    with another_process():
        again = write_env.env.new_link().operations(journal=write_env.folder)
        assert again.exchange.transfer(**example(write_env.world, "exchange.transfer"))


def test_a_file_replaced_during_a_transaction_is_noticed(path: Path, folder: Path) -> None:
    journal = Journal(path)
    another = Journal(folder / "another.sqlite").path
    file = JournalFile(journal.path)
    with pytest.raises(JournalError, match="another file is at its path"), file.transaction():
        os.replace(another, path)


class ActingOnWait(FakeClock):
    """A clock that runs a function at every wait."""

    then: Callable[[], object] = staticmethod(lambda: None)

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        self.then()
        super().wait(condition, seconds)


@pytest.mark.parametrize("how", ["deleted", "replaced", "resolved"])
def test_a_call_whose_entry_changes_before_it_is_sent_is_not_sent(write_env: WriteEnv, how: str) -> None:
    clock = ActingOnWait()
    link = write_env.env.new_link(clock=clock, bare=True, limits={"sapi-ip": 1})
    ops = link.operations(journal=write_env.folder)
    given = example(write_env.world, "exchange.transfer")
    assert ops.exchange.transfer(**given)

    def happens() -> None:
        if how == "resolved":
            sql(ops.journal, "UPDATE entries SET status = 'rejected' WHERE number = 2")
            return
        ops.journal.unlink()
        if how == "replaced":
            with another_process():
                Journal(ops.journal)

    clock.then = happens  # type: ignore[assignment, method-assign]
    with pytest.raises(JournalError):
        ops.exchange.transfer(**given)
    assert write_env.sent("exchange.transfer") == 1
    assert len(write_env.effects("exchange.transfer")) == 1


@pytest.mark.parametrize("how", ["deleted", "locked", "replaced"])
def test_a_file_lost_after_the_response_loses_no_outcome(
    write_env: WriteEnv, how: str, impatient: None
) -> None:
    path = write_env.ops.journal
    with contextlib.ExitStack() as ends:

        def happens() -> None:
            if how == "locked":
                ends.enter_context(lock(path))
                return
            path.unlink()
            if how == "replaced":
                with another_process():
                    Journal(path)

        after_each(write_env, "POST", happens)
        with pytest.warns(JournalWarning, match="could not be recorded"):
            outcome = do(write_env, "exchange.create_api_key")
    assert outcome.status == "confirmed"
    assert outcome.take_key().secret
    if how == "locked":
        assert len(write_env.ops.unresolved()) == 0
        assert list(write_env.ops.history()["resolved_by"]) == ["answer"]
    assert len(write_env.effects("exchange.create_api_key")) == 1


def test_a_folder_that_cannot_be_created_is_an_error(write_env: WriteEnv, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match="TOOLKIT_JOURNAL"):
        write_env.env.link.operations(journal=tmp_path / "file" / "deeper")


@as_root
@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_read_only_journal_sends_nothing(tmp_path: Path, what: str) -> None:
    path = tmp_path / "journal.sqlite"
    let_others_in(tmp_path)
    Journal(path)
    path.chmod(0o644)
    if what == "file":
        tmp_path.chmod(0o777)
    output = output_of(
        start(
            """
            from toolkit.storage import processes
            processes.start_time(os.getpid())
            journal = Journal(Path(sys.argv[1]))
            os.seteuid(65534)
            try:
                begin(journal)
            except JournalError as error:
                print("No write is sent" in str(error))
            """,
            path,
        )
    )
    assert output.split() == ["True"]
    assert statuses(path) == []


@posix
def test_a_full_disk_sends_nothing_and_damages_nothing(path: Path) -> None:
    output = output_of(
        start(
            """
            import resource
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            journal = Journal(Path(sys.argv[1]))
            under_way, _ = begin(journal, "first")
            size = Path(sys.argv[1]).stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            refused = done = 0
            for number in range(40):
                try:
                    begin(journal, "x" * 2000 + str(number))
                    done += 1
                except JournalError:
                    refused += 1
            import sqlite3
            rows = sqlite3.connect(sys.argv[1]).execute("SELECT number FROM entries")
            written = [number for (number,) in rows]
            print(refused > 30, written == list(range(1, done + 2)))
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            send(journal, under_way)
            print(journal.entry(under_way.number).status, whole(journal, "last"))
            """,
            path,
        )
    )
    assert output.split() == ["True", "True", "sending", "True"]
    assert is_sound(path)


def test_an_empty_file_left_by_a_power_cut_can_be_used(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    assert begin(Journal(path))[1]


def test_an_unpaired_surrogate_in_a_response_or_note_loses_nothing(path: Path) -> None:
    journal = Journal(path)
    entry, _ = begin(journal)
    send(journal, entry)
    resolved = journal.resolve(entry, "confirmed", "half \ud83d", "answer", answer={"tag": "\ud83d"})
    assert (resolved.reason, resolved.answer) == ("half ?", {"tag": "\ud83d"})


# -- path and permissions ------------------------------------------------------------------


@posix
def test_only_the_owner_can_read_the_journal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.umask(0)
    try:
        journal = Journal(folder / "a" / "b" / "journal.sqlite")
        begin(journal)
    finally:
        os.umask(before)
    assert journal.path.stat().st_mode & 0o777 == 0o600
    assert journal.path.parent.stat().st_mode & 0o777 == 0o700


def test_the_journal_is_in_the_folder_that_the_environment_names(
    write_env: WriteEnv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(JOURNAL, str(tmp_path / "named"))
    assert write_env.env.link.operations().journal.parent == tmp_path / "named"
    assert write_env.env.link.operations(journal=write_env.folder).journal.parent == write_env.folder


def test_journals_of_sandboxes_unused_for_a_day_are_deleted(folder: Path) -> None:
    hosts = dict.fromkeys(BASE_URLS, "http://127.0.0.1:8099")
    old, young, living = (journal_file(hosts, name, folder) for name in ("old", "young", "living"))
    real = journal_file(BASE_URLS, None, folder)
    for path in (old, young, real):
        output_of(start("Journal(Path(sys.argv[1]))", path))
    Path(f"{old}-journal").touch()
    os.utime(f"{old}-journal", (0, 0))
    quiet = Journal(living)  # unused overnight
    for path, hours in ((old, 25), (young, 23), (living, 25), (real, 999)):
        when = time.time() - hours * 3600
        os.utime(path, (when, when))
    with lock(young):
        journal_file(hosts, "new", folder)
    assert {each.name for each in folder.iterdir()} == {young.name, living.name, real.name}
    assert begin(quiet)[1]


def test_a_journal_in_use_is_not_deleted(folder: Path) -> None:
    hosts = dict.fromkeys(BASE_URLS, "http://127.0.0.1:8099")
    path = journal_file(hosts, "busy", folder)
    output_of(start("Journal(Path(sys.argv[1]))", path))
    os.utime(path, (0, 0))
    with lock(path):
        journal_file(hosts, "new", folder)
        assert path.exists()
    journal_file(hosts, "new", folder)
    assert not path.exists()


@pytest.mark.filterwarnings("ignore::toolkit.errors.UndeclaredFieldWarning")
def test_the_bytes_of_the_file_contain_nothing_private(write_env: WriteEnv) -> None:
    """Every endpoint, confirmed, lost and resolved: the file has no key, secret, address or signature."""
    private = {write_env.env.sandbox.key, write_env.env.sandbox.secret}
    more = {
        "exchange.create_sub_account": {"tag": "t"},
        "exchange.remove_addresses": {"addresses": ["203.0.113.9"]},
    }
    for endpoint in WRITE_NAMES:
        private |= {each.email for each in write_env.world.customers}
        for accident in ("reset", "unknown-field", ""):
            if accident:
                write_env.fail(
                    endpoint, accident, **({"value": "very-private"} if accident == "unknown-field" else {})
                )
            write_env.clock.advance(16)  # until then a lost request may arrive and undo the next one
            ops = operations_of(write_env, endpoint)
            outcome = do(write_env, endpoint, **more.get(endpoint, {}))
            private |= {key.key for account in write_env.world.accounts for key in account.keys}
            private |= {account.email for account in write_env.world.accounts}
            outcome.reconcile()
            if outcome.status == "unknown":
                ops.resolve(outcome.number, executed=True, note="seen")
            if endpoint == "exchange.create_api_key" and not accident:
                private.add(outcome.take_key().secret)
    written = write_env.ops.journal.read_bytes()
    assert len(sql(write_env.ops.journal, "SELECT 1 FROM entries")) == 3 * len(WRITE_NAMES)
    for text in (*private, "very-private", "signature", "X-MBX-APIKEY"):
        assert text.encode() not in written


# -- blocked calls, and what does not confirm a call ---------------------------------------------------


def test_endpoints_that_change_the_same_thing_block_each_other(write_env: WriteEnv) -> None:
    given = example(write_env.world, "exchange.set_ip_restriction")
    write_env.fail("exchange.set_ip_restriction", "reset")
    outcome = write_env.ops.exchange.set_ip_restriction(**given)
    key = {name: given[name] for name in ("sub_account_id", "api_key")}
    with pytest.raises(PendingWriteError) as raised:
        write_env.ops.exchange.remove_addresses(**key, addresses=given["addresses"])
    assert raised.value.number == outcome.number
    assert outcome.reconcile().status == "confirmed"
    with pytest.raises(
        PendingWriteError, match="may still arrive at the exchange for 15 s and undo this call"
    ):
        write_env.ops.exchange.remove_addresses(**key, addresses=given["addresses"])
    write_env.clock.advance(16)
    assert write_env.ops.exchange.remove_addresses(**key, addresses=given["addresses"])


def test_a_change_to_something_deleted_since_is_not_rejected(write_env: WriteEnv) -> None:
    given = example(write_env.world, "exchange.set_permissions")
    write_env.fail("exchange.set_permissions", "reset")
    outcome = write_env.ops.exchange.set_permissions(**given)
    account = write_env.world.account(given["sub_account_id"])
    assert account is not None
    account.keys.remove(account.key(given["api_key"]))  # type: ignore[arg-type]
    if not account.keys:
        account.keys = []
    assert outcome.reconcile().status == "unknown"
    assert "no longer exists" in outcome.reason


def test_a_deletion_of_something_that_never_existed_is_not_confirmed(write_env: WriteEnv) -> None:
    write_env.fail("exchange.delete_sub_account", "reset-before")
    wrong = "367537027503999999"
    outcome = write_env.ops.exchange.delete_sub_account(wrong, confirm=wrong)
    assert outcome.reconcile().status == "rejected"
    assert write_env.effects("exchange.delete_sub_account") == []


def test_an_earlier_transfer_with_the_same_id_does_not_confirm_a_transfer(write_env: WriteEnv) -> None:
    given = example(write_env.world, "exchange.transfer") | {"client_tran_id": "mine"}
    assert write_env.ops.exchange.transfer(**given)
    write_env.fail("exchange.transfer", "reset-before")
    outcome = write_env.ops.exchange.transfer(**given)
    assert outcome.reconcile().status == "rejected"
    assert len(write_env.effects("exchange.transfer")) == 1


def test_a_key_created_by_another_kernel_meanwhile_does_not_confirm_the_call(
    write_env: WriteEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another kernel creates a key between the read before the call and the call."""
    given = example(write_env.world, "exchange.create_api_key")
    mine, theirs = write_env.ops, write_env.env.new_link().operations(journal=write_env.folder)
    fetcher = write_env.env.link._fetcher
    read = fetcher.fetch

    def read_slowly(*arguments: Any, **more: Any) -> Any:
        rows = read(*arguments, **more)
        assert theirs.exchange.create_api_key(**given)
        return rows

    monkeypatch.setattr(fetcher, "fetch", read_slowly)
    write_env.clock.advance(2)
    with pytest.raises(PendingWriteError, match="Call again") as raised:
        mine.exchange.create_api_key(**given)
    assert raised.value.number == 1
    monkeypatch.undo()
    write_env.clock.advance(2)
    write_env.fail("exchange.create_api_key", "reset-before")
    outcome = mine.exchange.create_api_key(**given)
    assert outcome.reconcile().status == "rejected"
    assert len(write_env.effects("exchange.create_api_key")) == 1


def test_an_idempotency_key_with_an_unpaired_surrogate_is_refused(write_env: WriteEnv) -> None:
    with pytest.raises(UsageError, match="idempotency_key"):
        write_env.ops.exchange.transfer(
            **example(write_env.world, "exchange.transfer"), idempotency_key="half \ud83d"
        )


def test_warnings_as_errors_lose_no_outcome(write_env: WriteEnv, impatient: None) -> None:
    with contextlib.ExitStack() as ends, warnings.catch_warnings():
        warnings.simplefilter("error")
        after_each(write_env, "POST", lambda: ends.enter_context(lock(write_env.ops.journal)))
        try:
            outcome = do(write_env, "exchange.create_api_key")
        except JournalWarning as warning:
            outcome = warning.outcome  # type: ignore[attr-defined]
    assert outcome.take_key().secret
