"""Addresses where nothing responds, and a proxy with a given response."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from tests.support.recording import RecordingServer


@contextlib.contextmanager
def closed_port() -> Iterator[str]:
    """An address where no program listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound, so that no other program gets it, but not listening
        yield f"127.0.0.1:{bound.getsockname()[1]}"


@contextlib.contextmanager
def full_backlog() -> Iterator[str]:
    """An address whose backlog is full: connecting gets no response."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as waiting:
        for _ in range(8):
            sock = waiting.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """An address that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


class Proxy:
    """A proxy for tunnels.

    Args:
        response: The response to CONNECT; b"" to close the connection.
        to: Address at the other end of the tunnel.

    Attributes:
        asked: The CONNECT requests, byte for byte.
    """

    def __init__(self, response: bytes, to: str = "") -> None:
        self.asked: list[bytes] = []
        self._response, self._to = response, to
        self.server = RecordingServer()
        self.server.behave = self._tunnel
        self.address = self.server.address

    def _tunnel(self, sock: socket.socket) -> None:
        self.asked.append(self.server.writes[-1].raw)
        if self._response:
            sock.sendall(self._response)
        if not self._to:
            return
        host, _, port = self._to.partition(":")
        with socket.create_connection((host, int(port)), 2) as upstream:
            upstream.settimeout(0.02)
            sock.settimeout(0.02)
            while True:
                for source, target in ((sock, upstream), (upstream, sock)):
                    with contextlib.suppress(TimeoutError):
                        piece = source.recv(65536)
                        if not piece:
                            return
                        target.sendall(piece)
