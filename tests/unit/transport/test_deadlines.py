"""An exception of the user's own, raised while a request is under way, is not taken for the network's."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import gc
import os
import signal
import socket
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support import recording
from tests.support.listeners import full_backlog
from tests.support.recording import RecordingServer, recording_server
from tests.support.sandbox_env import SandboxEnv
from tests.support.writes import WriteEnv, memory_folder
from toolkit.endpoints import BASE_URLS
from toolkit.transport.origin import users_own
from toolkit.transport.session import Session, SignedRequest, TransportFailure

pytestmark = pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals to a thread, of POSIX")

WRITE = SignedRequest("POST", "api", "/sapi/v1/x", "", "a=1&signature=" + "0" * 64)


class Deadline(TimeoutError):
    """What libraries for deadlines raise."""


class Break(KeyboardInterrupt):
    """An interrupt that somebody gave a name."""


def gone(*_: object) -> None:
    raise FileNotFoundError(2, "No such file or directory", "a file of the handler's")


RAISED: list[Callable[[], BaseException]] = [
    lambda: TimeoutError("deadline"),
    lambda: Deadline("deadline"),
    lambda: ConnectionResetError(104, "deadline"),
    lambda: OSError("deadline"),
    lambda: ValueError("deadline"),
    lambda: Break("deadline"),
]


@contextlib.contextmanager
def on_alarm(raised: Callable[[], BaseException]) -> Iterator[Callable[[], None]]:
    """What raises this in the calling thread, whatever that does; called from any other."""
    caller = threading.get_ident()

    def handler(*_: object) -> None:
        raise raised()

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        yield lambda: signal.pthread_kill(caller, signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)


@contextlib.contextmanager
def exchange(
    behave: Callable[[socket.socket], None], **more: Any
) -> Iterator[tuple[RecordingServer, Session]]:
    """A server that does this with whatever comes, and a session to it."""
    with recording_server() as server:

        def answered(raw: bytes) -> bytes:
            line = next(iter(server._open))
            behave(line)
            return b""

        server._answer = answered  # type: ignore[method-assign]
        server.behave = behave
        session = Session(dict.fromkeys(BASE_URLS, server.address), timeout=(5, 5), trust_env=False, **more)
        yield server, session
        session.close()


def quiet(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.recv(1)


def begin(head: bytes) -> Callable[[socket.socket], None]:
    def behave(line: socket.socket) -> None:
        line.sendall(head)
        quiet(line)

    return behave


PLACES = {
    "before the head": b"",
    "within the head": b"HTTP/1.1 200 OK\r\nContent-",
    "within the body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    "within a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("raised", RAISED, ids=lambda raised: type(raised()).__name__)
def test_a_deadline_ends_a_read_at_once(place: str, raised: Callable[[], BaseException]) -> None:
    kind = type(raised())
    with on_alarm(raised) as alarm:

        def behave(line: socket.socket) -> None:
            if PLACES[place]:
                line.sendall(PLACES[place])
            alarm()
            quiet(line)

        with exchange(behave) as (server, session):
            with pytest.raises(kind, match="deadline") as caught:
                session.get("api", "/x", "signature=1", None)
            assert len(server.sent) == 1
    assert type(caught.value) is kind
    assert caught.value.__context__ is None, "which would hold the signed address"


def test_whatever_else_a_handler_does_is_its_own() -> None:
    """An error within the handler, not a `raise` of its own; and a handler that is no plain function."""

    class Handler:
        def __call__(self, number: int, frame: object) -> None:
            with open(os.devnull + "/nothing"):
                raise AssertionError

    for handler in (gone, Handler(), functools.partial(gone, "more")):
        caller = threading.get_ident()
        before = signal.signal(signal.SIGUSR1, handler)
        try:

            def behave(line: socket.socket, caller: int = caller) -> None:
                signal.pthread_kill(caller, signal.SIGUSR1)
                quiet(line)

            with exchange(behave) as (server, session):
                with pytest.raises(OSError, match=r"No such file|Not a directory"):
                    session.get("api", "/x", "", None)
                assert len(server.sent) == 1
        finally:
            signal.signal(signal.SIGUSR1, before)


def test_what_is_thrown_into_a_thread_from_outside_ends_it() -> None:
    caller = threading.get_ident()

    def behave(line: socket.socket) -> None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(caller), ctypes.py_object(TimeoutError))
        line.sendall(recording.answer(200))

    with exchange(behave) as (_, session), pytest.raises(TimeoutError) as caught:
        session.get("api", "/x", "", None)
    assert type(caught.value) is TimeoutError


def test_a_deadline_while_addresses_are_tried_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host has several, and the next one is tried where one does not answer."""
    tried: list[object] = []
    with full_backlog() as where, on_alarm(lambda: TimeoutError("deadline")) as alarm:
        port = int(where.rpartition(":")[2])
        lookup = socket.getaddrinfo

        def getaddrinfo(host: str, *more: Any, **options: Any) -> Any:
            return lookup("127.0.0.1", port, 0, socket.SOCK_STREAM) * (3 if host == "localhost" else 1)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        connect = socket.socket.connect

        class Slow(socket.socket):
            def connect(self, address: Any) -> None:
                tried.append(address)
                alarm()
                connect(self, address)

        monkeypatch.setattr(socket, "socket", Slow)
        session = Session(dict.fromkeys(BASE_URLS, f"http://{where}"), timeout=(5, 5), trust_env=False)
        session.hosts["api"] = f"http://localhost:{port}"
        with pytest.raises(TimeoutError, match="deadline"):
            session.get("api", "/x", "", None)
        session.close()
    assert len(tried) == 1


@pytest.mark.parametrize("kind", [BrokenPipeError, ConnectionResetError])
def test_a_deadline_while_a_request_is_sent_is_not_passed_over(
    kind: type[OSError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """urllib3 looks for an answer all the same where the other side has hung up meanwhile."""
    with recording_server() as server, on_alarm(lambda: kind(errno.ECONNRESET, "deadline")) as alarm:
        session = Session(dict.fromkeys(BASE_URLS, server.address), timeout=(5, 5), trust_env=False)

        class Slow(socket.socket):
            def sendall(self, *piece: Any) -> None:
                alarm()
                super().sendall(*piece)

        monkeypatch.setattr(socket, "socket", Slow)
        with pytest.raises(kind, match="deadline"):
            session.get("api", "/x", "", None)
        monkeypatch.undo()
        session.close()
    assert server.sent == []


def test_what_a_deadline_leaves_behind_is_closed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for the collector: sockets in circles of frames would be warned of, and may run out."""
    called: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    class Noted(socket.socket):
        def connect(self, address: Any) -> None:
            called.add(self)
            super().connect(address)

    with on_alarm(lambda: TimeoutError("deadline")) as alarm:

        def behave(line: socket.socket) -> None:
            alarm()
            quiet(line)

        with exchange(behave) as (_, session):
            monkeypatch.setattr(socket, "socket", Noted)
            gc.collect()
            gc.disable()
            try:
                with contextlib.suppress(TimeoutError):
                    session.get("api", "/x", "", None)
                assert len(called) == 0
            finally:
                gc.enable()
            monkeypatch.undo()


def test_an_address_that_does_not_answer_is_followed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with recording_server() as server, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        ports = closed.getsockname()[1], int(server.address.rpartition(":")[2])
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", ports[1])) for n in (2, 1)]
        lookup = socket.getaddrinfo
        looked_up: list[str] = []

        def getaddrinfo(host: str, *more: Any, **options: Any) -> Any:
            looked_up.append(host)
            return found if host == "localhost" else lookup(host, *more, **options)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        address = server.address.replace("127.0.0.1", "localhost")
        session = Session(dict.fromkeys(BASE_URLS, server.address), timeout=(5, 5), trust_env=False)
        session.hosts["api"] = address
        assert session.get("api", "/x", "", None).status == 404
        session.close()
    assert looked_up.count("localhost") == 1
    assert server.sent[0].headers["host"] == address.partition("//")[2], "the host keeps its name"


def test_what_was_being_handled_before_says_nothing() -> None:
    """A fetch within an `except` of the user's: what went wrong there is no part of it."""
    with exchange(recording.reset) as (_, session):
        try:
            raise TimeoutError("earlier")
        except TimeoutError:
            with pytest.raises(TransportFailure, match="broken off"):
                session.get("api", "/x", "", None)


def test_a_resolver_of_the_users_own_is_the_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object, **__: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "nobody")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    session = Session(dict.fromkeys(BASE_URLS, "https://api.example.com"), timeout=(5, 5), trust_env=False)
    with pytest.raises(TransportFailure, match=r"nobody knows an address of api\.example\.com"):
        session.get("api", "/x", "", None)


def test_tools_that_look_on_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What traces requests wraps calls of `http.client`: its frames are in between, and not the last."""
    import http.client

    getresponse = http.client.HTTPConnection.getresponse

    def traced(self: Any, *arguments: Any) -> Any:
        return getresponse(self, *arguments)

    monkeypatch.setattr(http.client.HTTPConnection, "getresponse", traced)
    with exchange(recording.reset) as (_, session), pytest.raises(TransportFailure, match="broken off"):
        session.get("api", "/x", "", None)


# -- a write -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def write_env() -> Iterator[WriteEnv]:
    with memory_folder() as folder:
        made = WriteEnv(folder)
        yield made
        made.close()


@pytest.mark.parametrize("raised", RAISED, ids=lambda raised: type(raised()).__name__)
def test_a_write_that_a_deadline_ends_is_unknown_and_said_with_it(
    write_env: WriteEnv, raised: Callable[[], BaseException], request: pytest.FixtureRequest
) -> None:
    with on_alarm(raised) as alarm, recording_server(write_env.env.sandbox.address) as server:

        def execute_and_be_late(line: socket.socket) -> None:
            server._answer(server.writes[-1].raw)
            alarm()
            quiet(line)

        server.behave = execute_and_be_late
        link = write_env.env.new_link(hosts=dict.fromkeys(BASE_URLS, server.address), timeout=(5, 5))
        ops = link.operations(journal=write_env.folder)
        tag = f"late {RAISED.index(raised)}"
        with pytest.raises(type(raised())) as caught:
            ops.exchange.create_sub_account(tag=tag)
        link.close()
        assert len(server.writes) == 1
    said: Any = caught.value
    assert type(said) is type(raised())
    assert said.outcome.status == "unknown"
    assert "interrupted while it was being sent" in said.outcome.reason
    assert any(f"ops.reconcile({said.outcome.number})" in note for note in said.__notes__)
    assert server.writes[0].body.partition(b"signature=")[2].decode() not in repr(said)


def test_a_write_that_a_deadline_ends_before_it_left_is_not_executed(write_env: WriteEnv) -> None:
    """The handshake hangs: nothing of the request has gone out."""
    with (
        on_alarm(lambda: TimeoutError("deadline")) as alarm,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        session = Session(
            dict.fromkeys(BASE_URLS, f"https://127.0.0.1:{listener.getsockname()[1]}"),
            timeout=(5, 5),
            trust_env=False,
        )

        def take() -> None:
            line, _ = listener.accept()
            with line:
                line.recv(10)
                alarm()
                quiet(line)

        thread = threading.Thread(target=take)
        thread.start()
        link = write_env.env.new_link(bare=True)
        link._connection.sender._writes._session = session
        ops = link.operations(journal=write_env.folder)
        with pytest.raises(TimeoutError, match="deadline") as caught:
            ops.exchange.create_sub_account(tag="never left")
        thread.join()
        link.close()
    said: Any = caught.value
    assert (said.outcome.status, said.outcome.reason) == ("rejected", "it was interrupted before it was sent")


# -- a fetch -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 4])
def test_a_fetch_that_a_deadline_ends_keeps_what_has_come(env: SandboxEnv, workers: int) -> None:
    link = env.new_link(workers=workers, timeout=(5.0, 5.0))
    whole = link.spot.rebates(start="-40D")
    with on_alarm(lambda: TimeoutError("deadline")) as alarm, recording_server(env.sandbox.address) as server:
        answer = server._answer

        def twelfth_is_late(raw: bytes) -> bytes:
            if sum(b"rebate" in each.raw for each in server.sent) == 12:
                alarm()
            return answer(raw)

        server._answer = twelfth_is_late  # type: ignore[method-assign]
        late = env.new_link(
            workers=workers, hosts=dict.fromkeys(BASE_URLS, server.address), timeout=(5.0, 5.0)
        )
        with pytest.raises(TimeoutError, match="deadline") as caught:
            late.spot.rebates(start="-40D")
        late.close()
    partial = caught.value.partial  # type: ignore[attr-defined]
    assert 0 < len(partial) < len(whole)
    assert partial.attrs["complete"] is False


def test_errors_of_proxies_that_say_nothing_to_python_are_the_networks() -> None:
    """Those of PySocks hold what happened in attributes of their own, and Python sees no argument."""
    code = """
class ProxyError(IOError):
    def __init__(self, said):
        self.said = said

def fail():
    raise ProxyError("Host unreachable")
"""
    socks: dict[str, Any] = {"__name__": "socks"}
    exec(code, socks)
    with pytest.raises(socks["ProxyError"]) as caught:
        socks["fail"]()
    assert caught.value.args == ()
    assert users_own(caught.value) is None


def test_where_it_was_raised_decides() -> None:
    assert users_own(TimeoutError("never raised")) is None
    with socket.socket() as line, pytest.raises(OSError, match="refused") as caught:
        line.connect(("127.0.0.1", 9))
    assert users_own(caught.value) is caught.value, "here the test itself is whose call failed"
