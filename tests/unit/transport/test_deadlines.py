"""An exception of the user's code, raised during a request, is not taken for a network error."""

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
from toolkit.transport.origin import user_exception
from toolkit.transport.session import EncodedRequest, Session, TransportFailure

pytestmark = pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals to a thread, of POSIX")

WRITE = EncodedRequest("POST", "api", "/sapi/v1/x", "", "a=1&signature=" + "0" * 64)


class Deadline(TimeoutError):
    """As raised by libraries for deadlines."""


class CustomInterrupt(KeyboardInterrupt):
    """A subclass of KeyboardInterrupt."""


def file_not_found(*_: object) -> None:
    raise FileNotFoundError(2, "No such file or directory", "a file of the handler's")


RAISED: list[Callable[[], BaseException]] = [
    lambda: TimeoutError("deadline"),
    lambda: Deadline("deadline"),
    lambda: ConnectionResetError(104, "deadline"),
    lambda: OSError("deadline"),
    lambda: ValueError("deadline"),
    lambda: CustomInterrupt("deadline"),
]


@contextlib.contextmanager
def on_alarm(raised: Callable[[], BaseException]) -> Iterator[Callable[[], None]]:
    """A function that raises this in the calling thread; it can be called from any thread."""
    caller = threading.get_ident()

    def handler(*_: object) -> None:
        raise raised()

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        yield lambda: signal.pthread_kill(caller, signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)


@contextlib.contextmanager
def server_and_session(
    behave: Callable[[socket.socket], None], **more: Any
) -> Iterator[tuple[RecordingServer, Session]]:
    """A server that treats each request in this way, and a session to it."""
    with recording_server() as server:

        def respond(raw: bytes) -> bytes:
            sock = next(iter(server._open))
            behave(sock)
            return b""

        server._answer = respond  # type: ignore[method-assign]
        server.behave = behave
        session = Session(dict.fromkeys(BASE_URLS, server.address), timeout=(5, 5), trust_env=False, **more)
        yield server, session
        session.close()


def stay_silent(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.recv(1)


def send_part(head: bytes) -> Callable[[socket.socket], None]:
    def behave(sock: socket.socket) -> None:
        sock.sendall(head)
        stay_silent(sock)

    return behave


STAGES = {
    "before the head": b"",
    "within the head": b"HTTP/1.1 200 OK\r\nContent-",
    "within the body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    "within a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{",
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("raised", RAISED, ids=lambda raised: type(raised()).__name__)
def test_a_deadline_ends_a_read_at_once(stage: str, raised: Callable[[], BaseException]) -> None:
    kind = type(raised())
    with on_alarm(raised) as alarm:

        def behave(sock: socket.socket) -> None:
            if STAGES[stage]:
                sock.sendall(STAGES[stage])
            alarm()
            stay_silent(sock)

        with server_and_session(behave) as (server, session):
            with pytest.raises(kind, match="deadline") as caught:
                session.get("api", "/x", "signature=1", None)
            assert len(server.sent) == 1
    assert type(caught.value) is kind
    assert caught.value.__context__ is None, "it would contain the signed URL"


def test_other_errors_of_a_signal_handler_are_raised_as_they_are() -> None:
    """An error within the handler instead of a `raise`, and a handler that is not a plain function."""

    class Handler:
        def __call__(self, number: int, frame: object) -> None:
            with open(os.devnull + "/nothing"):
                raise AssertionError

    for handler in (file_not_found, Handler(), functools.partial(file_not_found, "more")):
        caller = threading.get_ident()
        before = signal.signal(signal.SIGUSR1, handler)
        try:

            def behave(sock: socket.socket, caller: int = caller) -> None:
                signal.pthread_kill(caller, signal.SIGUSR1)
                stay_silent(sock)

            with server_and_session(behave) as (server, session):
                with pytest.raises(OSError, match=r"No such file|Not a directory"):
                    session.get("api", "/x", "", None)
                assert len(server.sent) == 1
        finally:
            signal.signal(signal.SIGUSR1, before)


def test_an_exception_injected_into_a_thread_ends_the_request() -> None:
    caller = threading.get_ident()

    def behave(sock: socket.socket) -> None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(caller), ctypes.py_object(TimeoutError))
        sock.sendall(recording.answer(200))

    with server_and_session(behave) as (_, session), pytest.raises(TimeoutError) as caught:
        session.get("api", "/x", "", None)
    assert type(caught.value) is TimeoutError


def test_a_deadline_while_connecting_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with several addresses: the next one is tried if one does not respond."""
    tried: list[object] = []
    with full_backlog() as where, on_alarm(lambda: TimeoutError("deadline")) as alarm:
        port = int(where.rpartition(":")[2])
        lookup = socket.getaddrinfo

        def getaddrinfo(host: str, *more: Any, **options: Any) -> Any:
            return lookup("127.0.0.1", port, 0, socket.SOCK_STREAM) * (3 if host == "localhost" else 1)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        connect = socket.socket.connect

        class SlowSocket(socket.socket):
            def connect(self, address: Any) -> None:
                tried.append(address)
                alarm()
                connect(self, address)

        monkeypatch.setattr(socket, "socket", SlowSocket)
        session = Session(dict.fromkeys(BASE_URLS, f"http://{where}"), timeout=(5, 5), trust_env=False)
        session.hosts["api"] = f"http://localhost:{port}"
        with pytest.raises(TimeoutError, match="deadline"):
            session.get("api", "/x", "", None)
        session.close()
    assert len(tried) == 1


@pytest.mark.parametrize("kind", [BrokenPipeError, ConnectionResetError])
def test_a_deadline_while_sending_is_not_lost(kind: type[OSError], monkeypatch: pytest.MonkeyPatch) -> None:
    """urllib3 looks for a response even if the peer has closed the connection meanwhile."""
    with recording_server() as server, on_alarm(lambda: kind(errno.ECONNRESET, "deadline")) as alarm:
        session = Session(dict.fromkeys(BASE_URLS, server.address), timeout=(5, 5), trust_env=False)

        class SlowSocket(socket.socket):
            def sendall(self, *data: Any) -> None:
                alarm()
                super().sendall(*data)

        monkeypatch.setattr(socket, "socket", SlowSocket)
        with pytest.raises(kind, match="deadline"):
            session.get("api", "/x", "", None)
        monkeypatch.undo()
        session.close()
    assert server.sent == []


def test_after_a_deadline_all_sockets_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the garbage collector: sockets kept alive by frames would cause warnings, and may run out."""
    called: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    class RecordedSocket(socket.socket):
        def connect(self, address: Any) -> None:
            called.add(self)
            super().connect(address)

    with on_alarm(lambda: TimeoutError("deadline")) as alarm:

        def behave(sock: socket.socket) -> None:
            alarm()
            stay_silent(sock)

        with server_and_session(behave) as (_, session):
            monkeypatch.setattr(socket, "socket", RecordedSocket)
            gc.collect()
            gc.disable()
            try:
                with contextlib.suppress(TimeoutError):
                    session.get("api", "/x", "", None)
                assert len(called) == 0
            finally:
                gc.enable()
            monkeypatch.undo()


def test_the_next_address_of_a_host_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_an_exception_being_handled_is_not_a_cause() -> None:
    """A fetch within the user's `except` block: the exception handled there is not part of it."""
    with server_and_session(recording.reset) as (_, session):
        try:
            raise TimeoutError("earlier")
        except TimeoutError:
            with pytest.raises(TransportFailure, match="connection was lost"):
                session.get("api", "/x", "", None)


def test_errors_of_a_custom_resolver_are_network_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object, **__: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "nobody")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    session = Session(dict.fromkeys(BASE_URLS, "https://api.example.com"), timeout=(5, 5), trust_env=False)
    with pytest.raises(TransportFailure, match=r"the name api\.example\.com cannot be resolved"):
        session.get("api", "/x", "", None)


def test_tracing_tools_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracing tools wrap calls of `http.client`: their frames are in between, but not the last."""
    import http.client

    getresponse = http.client.HTTPConnection.getresponse

    def wrapped(self: Any, *arguments: Any) -> Any:
        return getresponse(self, *arguments)

    monkeypatch.setattr(http.client.HTTPConnection, "getresponse", wrapped)
    with (
        server_and_session(recording.reset) as (_, session),
        pytest.raises(TransportFailure, match="connection was lost"),
    ):
        session.get("api", "/x", "", None)


# -- a write -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def write_env() -> Iterator[WriteEnv]:
    with memory_folder() as folder:
        made = WriteEnv(folder)
        yield made
        made.close()


@pytest.mark.parametrize("raised", RAISED, ids=lambda raised: type(raised()).__name__)
def test_a_write_interrupted_by_a_deadline_is_unknown(
    write_env: WriteEnv, raised: Callable[[], BaseException], request: pytest.FixtureRequest
) -> None:
    with on_alarm(raised) as alarm, recording_server(write_env.env.sandbox.address) as server:

        def execute_and_be_late(sock: socket.socket) -> None:
            server._answer(server.writes[-1].raw)
            alarm()
            stay_silent(sock)

        server.behave = execute_and_be_late
        link = write_env.env.new_link(hosts=dict.fromkeys(BASE_URLS, server.address), timeout=(5, 5))
        ops = link.operations(journal=write_env.folder)
        tag = f"late {RAISED.index(raised)}"
        with pytest.raises(type(raised())) as caught:
            ops.exchange.create_sub_account(tag=tag)
        link.close()
        assert len(server.writes) == 1
    error: Any = caught.value
    assert type(error) is type(raised())
    assert error.outcome.status == "unknown"
    assert "interrupted while it was being sent" in error.outcome.reason
    assert any(f"ops.reconcile({error.outcome.number})" in note for note in error.__notes__)
    assert server.writes[0].body.partition(b"signature=")[2].decode() not in repr(error)


def test_a_write_interrupted_before_sending_is_not_executed(write_env: WriteEnv) -> None:
    """The handshake hangs, so nothing of the request was sent."""
    with (
        on_alarm(lambda: TimeoutError("deadline")) as alarm,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        session = Session(
            dict.fromkeys(BASE_URLS, f"https://127.0.0.1:{listener.getsockname()[1]}"),
            timeout=(5, 5),
            trust_env=False,
        )

        def accept() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.recv(10)
                alarm()
                stay_silent(sock)

        thread = threading.Thread(target=accept)
        thread.start()
        link = write_env.env.new_link(bare=True)
        link._connection.sender._writes._session = session
        ops = link.operations(journal=write_env.folder)
        with pytest.raises(TimeoutError, match="deadline") as caught:
            ops.exchange.create_sub_account(tag="never left")
        thread.join()
        link.close()
    error: Any = caught.value
    assert (error.outcome.status, error.outcome.reason) == (
        "rejected",
        "it was interrupted before it was sent",
    )


# -- a fetch -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 4])
def test_a_fetch_interrupted_by_a_deadline_keeps_its_rows(env: SandboxEnv, workers: int) -> None:
    link = env.new_link(workers=workers, timeout=(5.0, 5.0))
    whole = link.spot.rebates(start="-40D")
    with on_alarm(lambda: TimeoutError("deadline")) as alarm, recording_server(env.sandbox.address) as server:
        respond = server._answer

        def twelfth_is_late(raw: bytes) -> bytes:
            if sum(b"rebate" in each.raw for each in server.sent) == 12:
                alarm()
            return respond(raw)

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


def test_errors_without_arguments_are_network_errors() -> None:
    """PySocks stores what happened in attributes of its own and passes no arguments."""
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
    assert user_exception(caught.value) is None


def test_the_place_where_an_error_was_raised_decides() -> None:
    assert user_exception(TimeoutError("never raised")) is None
    with socket.socket() as sock, pytest.raises(OSError, match="refused") as caught:
        sock.connect(("127.0.0.1", 9))
    assert user_exception(caught.value) is caught.value, "here the test itself is whose call failed"
