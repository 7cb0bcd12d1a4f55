"""Sockets with a will of their own: what came over the wire is kept byte for byte."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

Behaviour = Callable[[socket.socket], None]
"""What is done instead of handing a write on and its answer back."""

_NEVER_LINGER = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class CompletedRequest:
    """A request as it came over the wire.

    Attributes:
        connection: Which connection it came over.
        raw: All of it.
    """

    connection: int
    raw: bytes

    @property
    def line(self) -> str:
        return self.raw.partition(b"\r\n")[0].decode("latin-1")

    @property
    def method(self) -> str:
        return self.line.partition(" ")[0]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]

    @property
    def query(self) -> bytes:
        return self.target.partition("?")[2].encode("latin-1")

    @property
    def headers(self) -> dict[str, str]:
        head = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1")
        pairs = (line.partition(": ") for line in head.split("\r\n")[1:])
        return {name.lower(): value for name, _, value in pairs}

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]


class RecordingServer:
    """A server in front of another one: it keeps what comes, and hands it on unless told otherwise.

    Args:
        to: Address of the other one, None where nothing is handed on.
        context: Speaks TLS with this.

    Attributes:
        sent: All requests that came, whole or not.
        writes: Those that are no GET.
        answered: What was answered to those that were handed on.
        behave: What is done with writes instead of handing them on.
    """

    def __init__(self, to: str | None = None, context: ssl.SSLContext | None = None) -> None:
        self.sent: list[CompletedRequest] = []
        self.answered: list[bytes] = []
        self.behave: Behaviour | None = None
        self._to = None if to is None else ("127.0.0.1", int(urlsplit(to).port or 0))
        self._context = context
        self._count = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._endpoint_name = socket.create_server(("127.0.0.1", 0))
        scheme = "http" if context is None else "https"
        self.address = f"{scheme}://127.0.0.1:{self._endpoint_name.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def writes(self) -> list[CompletedRequest]:
        return [each for each in self.sent if each.method != "GET"]

    @property
    def connections(self) -> int:
        """How many have been made."""
        return self._count

    def close(self) -> None:
        self._done.set()
        with contextlib.suppress(OSError):
            self._endpoint_name.shutdown(socket.SHUT_RDWR)
        self._endpoint_name.close()
        with self._lock:
            for line in self._open:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._done.is_set():
            try:
                line, _ = self._endpoint_name.accept()
            except OSError:
                return
            self._count += 1
            thread = threading.Thread(target=self._serve, args=(line, self._count), daemon=True)
            with self._lock:
                self._open.add(line)
                self._threads.append(thread)
            thread.start()

    def _serve(self, line: socket.socket, number: int) -> None:
        # Whoever hangs up in the middle is a client that was told to.
        with contextlib.suppress(OSError), line:
            if self._context is not None:
                line = self._context.wrap_socket(line, server_side=True)
                with self._lock:
                    self._open.add(line)
            with line:
                while raw := read_request(line):
                    sent = CompletedRequest(number, raw)
                    self.sent.append(sent)
                    if sent.method != "GET" and self.behave is not None:
                        self.behave(line)
                        return
                    answered = self._answer(raw)
                    line.sendall(answered)
                    if not _is_whole(answered):
                        return

    def _answer(self, raw: bytes) -> bytes:
        if self._to is None:
            return answer(404, b'{"code":-1099,"msg":"Not found."}')
        with socket.create_connection(self._to, 5) as onwards:
            onwards.settimeout(1.5)  # it may be told to be silent
            onwards.sendall(raw)
            answered = read_answer(onwards)
        self.answered.append(answered)
        return answered


def answer(status: int, body: bytes = b"{}", *more: bytes) -> bytes:
    """An answer."""
    head = [b"HTTP/1.1 %d Word" % status, b"Content-Type: application/json", *more]
    return b"\r\n".join([*head, b"Content-Length: %d" % len(body), b"", body])


def read_request(line: socket.socket) -> bytes:
    """All of a request; what came of it where the other side stops."""
    return _read(line)


def read_answer(line: socket.socket) -> bytes:
    """All of an answer."""
    return _read(line)


def reset(line: socket.socket) -> None:
    """Reset the connection."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NEVER_LINGER)
    line.close()


def _read(line: socket.socket) -> bytes:
    raw = b""
    while b"\r\n\r\n" not in raw:
        piece = line.recv(65536)
        if not piece:
            return raw
        raw += piece
    while not _is_whole(raw):
        piece = line.recv(65536)
        if not piece:
            break
        raw += piece
    return raw


def _is_whole(raw: bytes) -> bool:
    """Whether a request or answer, whose head is there, has as much of a body as it says."""
    head, _, body = raw.partition(b"\r\n\r\n")
    fields = (each.partition(b":") for each in head.split(b"\r\n")[1:])
    lengths = [int(value) for name, _, value in fields if name.strip().lower() == b"content-length"]
    return len(body) >= sum(lengths)


@contextlib.contextmanager
def recording_server(
    to: str | None = None, context: ssl.SSLContext | None = None
) -> Iterator[RecordingServer]:
    """One, closed in the end."""
    made = RecordingServer(to, context)
    try:
        yield made
    finally:
        made.close()
