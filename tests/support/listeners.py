"""Addresses where nobody answers, and a proxy that answers what it is told to."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from tests.support.recording import RecordingServer


@contextlib.contextmanager
def closed_port() -> Iterator[str]:
    """An address where nobody listens, and nobody will."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound, so that nobody else gets it; not listening
        yield f"127.0.0.1:{held.getsockname()[1]}"


@contextlib.contextmanager
def full_backlog() -> Iterator[str]:
    """An address whose queue is full: a connection gets no answer at all."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as waiting:
        for _ in range(8):
            line = waiting.enter_context(socket.socket())
            line.setblocking(False)
            line.connect_ex(listener.getsockname())
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


class Proxy:
    """A proxy that is asked for a tunnel.

    Args:
        says: What it answers, b"" where it hangs up.
        to: Where the tunnel leads.
    """

    def __init__(self, says: bytes, to: str = "") -> None:
        self.asked: list[bytes] = []
        self._says, self._to = says, to
        self.server = RecordingServer()
        self.server.behave = self._tunnel
        self.address = self.server.address

    def _tunnel(self, line: socket.socket) -> None:
        self.asked.append(self.server.writes[-1].raw)
        if self._says:
            line.sendall(self._says)
        if not self._to:
            return
        host, _, port = self._to.partition(":")
        with socket.create_connection((host, int(port)), 2) as onwards:
            onwards.settimeout(0.02)
            line.settimeout(0.02)
            while True:
                for source, target in ((line, onwards), (onwards, line)):
                    with contextlib.suppress(TimeoutError):
                        piece = source.recv(65536)
                        if not piece:
                            return
                        target.sendall(piece)
