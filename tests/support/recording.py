"""A server that records requests byte for byte, and can misbehave."""

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
"""Called with the connection of a write, instead of forwarding it."""

Respond = Callable[["RecordedRequest"], bytes]
"""Returns the bytes of the response to a request."""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class RecordedRequest:
    """A request as it arrived.

    Attributes:
        connection: Number of the connection that it arrived on.
        raw: Its bytes.
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
        pairs = (sock.partition(": ") for sock in head.split("\r\n")[1:])
        return {name.lower(): value for name, _, value in pairs}

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]


class RecordingServer:
    """A server in front of another one: it records requests and forwards them.

    Args:
        to: Address of the other server; None to forward nothing.
        context: TLS context of the server; None for http.

    Attributes:
        sent: All requests, complete or not.
        writes: The requests that are not GET.
        answered: The responses to the forwarded requests.
        behave: Called for writes instead of forwarding them.
        respond: Makes the response to a request, instead of forwarding it.
    """

    def __init__(self, to: str | None = None, context: ssl.SSLContext | None = None) -> None:
        self.sent: list[RecordedRequest] = []
        self.answered: list[bytes] = []
        self.behave: Behaviour | None = None
        self.respond: Respond | None = None
        self._to = None if to is None else ("127.0.0.1", int(urlsplit(to).port or 0))
        self._context = context
        self._count = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        scheme = "http" if context is None else "https"
        self.address = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def writes(self) -> list[RecordedRequest]:
        return [each for each in self.sent if each.method != "GET"]

    @property
    def connections(self) -> int:
        """Number of connections that were accepted."""
        return self._count

    def close(self) -> None:
        self._done.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._done.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._count += 1
            thread = threading.Thread(target=self._serve, args=(sock, self._count), daemon=True)
            with self._lock:
                self._open.add(sock)
                self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        # A client may close the connection at any time.
        with contextlib.suppress(OSError), sock:
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True)
                with self._lock:
                    self._open.add(sock)
            with sock:
                while raw := read_request(sock):
                    sent = RecordedRequest(number, raw)
                    self.sent.append(sent)
                    if sent.method != "GET" and self.behave is not None:
                        self.behave(sock)
                        return
                    response = self._answer(raw) if self.respond is None else self.respond(sent)
                    sock.sendall(response)
                    if not _is_whole(response):
                        return

    def _answer(self, raw: bytes) -> bytes:
        if self._to is None:
            return answer(404, b'{"code":-1099,"msg":"Not found."}')
        with socket.create_connection(self._to, 5) as upstream:
            upstream.settimeout(1.5)  # a fault may keep it silent
            upstream.sendall(raw)
            response = _read_response(upstream)
        self.answered.append(response)
        return response


def answer(status: int, body: bytes = b"{}", *more: bytes) -> bytes:
    """The bytes of a response."""
    head = [b"HTTP/1.1 %d Word" % status, b"Content-Type: application/json", *more]
    return b"\r\n".join([*head, b"Content-Length: %d" % len(body), b"", body])


def read_request(sock: socket.socket) -> bytes:
    """Read a request, or as much of it as arrives."""
    return _read(sock)


def _read_response(sock: socket.socket) -> bytes:
    """Read a response, or as much of it as arrives."""
    return _read(sock)


def reset(sock: socket.socket) -> None:
    """Reset the connection."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    sock.close()


def _read(sock: socket.socket) -> bytes:
    raw = b""
    while b"\r\n\r\n" not in raw:
        piece = sock.recv(65536)
        if not piece:
            return raw
        raw += piece
    while not _is_whole(raw):
        piece = sock.recv(65536)
        if not piece:
            break
        raw += piece
    return raw


def _is_whole(raw: bytes) -> bool:
    """Whether the body of a request or response, whose head is complete, has its full length."""
    head, _, body = raw.partition(b"\r\n\r\n")
    fields = (each.partition(b":") for each in head.split(b"\r\n")[1:])
    lengths = [int(value) for name, _, value in fields if name.strip().lower() == b"content-length"]
    return len(body) >= sum(lengths)


@contextlib.contextmanager
def recording_server(
    to: str | None = None, context: ssl.SSLContext | None = None
) -> Iterator[RecordingServer]:
    """A server that is closed afterwards."""
    made = RecordingServer(to, context)
    try:
        yield made
    finally:
        made.close()
