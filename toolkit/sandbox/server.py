"""The exchange's one door: HTTP on 127.0.0.1, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import struct
import sys
import threading
from collections.abc import Awaitable
from http.client import responses
from types import FrameType, TracebackType
from typing import NoReturn, TextIO
from urllib.parse import unquote

from tornado import httputil
from tornado.http1connection import HTTP1Connection
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream, StreamClosedError

from toolkit.sandbox.clock import TimeSource
from toolkit.sandbox.control import PREFIX, control
from toolkit.sandbox.exchange import Exchange
from toolkit.sandbox.messages import Headers, SandboxRequest, SandboxResponse
from toolkit.sandbox.world import World

ADDRESS = "127.0.0.1"
_STOP_SECONDS = 0.4
_LINGER_NEVER = struct.pack("ii", 1, 0)  # closing with this sends a reset


class Sandbox:
    """An exchange that runs on this machine.

    Args:
        port: Port to listen on; any free one if 0.
        seed: The same seed gives the same world.
        latency_ms: How long each answer takes at least.
        limit_scale: What all limits are multiplied by.
        window_seconds: Length of every limit's window, where it is to be another than documented.
        world: The world behind it; one from the seed if not given.
        clock: What time it is; the machine's clock if not given.
        exchange: An exchange to serve instead of one made from the rest.

    Attributes:
        exchange: The rules: its log, counters and faults.
        world: What there is; `world.keys` has further keys, and `world.add_key` takes yours.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int = 7,
        latency_ms: float = 0.0,
        limit_scale: float = 1.0,
        window_seconds: int | None = None,
        world: World | None = None,
        clock: TimeSource | None = None,
        exchange: Exchange | None = None,
    ) -> None:
        if exchange is None:
            now = clock.time() if clock else None
            exchange = Exchange(
                world or World(seed, now=now), clock, limit_scale=limit_scale, window_seconds=window_seconds
            )
        self.exchange = exchange
        self.world = exchange.world
        self._wanted_port = port
        self._latency = latency_ms / 1000
        self._port = 0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._open: set[IOStream] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        state = self.address if self._thread else "stopped"
        return f"<Sandbox {state}, seed {self.world.seed}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a sandbox is not pickled or copied: other processes reach it at its `address`, with its `key` "
            "and `secret`"
        )

    @property
    def address(self) -> str:
        """Where it is: one address for the paths of all hosts."""
        if not self._port:
            raise RuntimeError("the sandbox was not started: call start(), or use it in a with statement")
        return f"http://{ADDRESS}:{self._port}"

    @property
    def key(self) -> str:
        """The partner's API key."""
        return self.world.partner.key

    @property
    def limits(self) -> dict[str, int]:
        """Weight each pool allows in a window."""
        return dict(self.exchange.limits.limits)

    @property
    def secret(self) -> str:
        """The partner's secret."""
        return self.world.partner.secret

    def start(self) -> Sandbox:
        """Serve in the background; returns when connections are accepted."""
        if self._thread is not None:
            return self
        # Bound here, so that a port in use is an error of this call.
        qualified_name = socket.create_server((ADDRESS, self._wanted_port), backlog=128)
        qualified_name.setblocking(False)
        self._port = qualified_name.getsockname()[1]
        ready = threading.Event()
        failed: list[OSError] = []

        def serve() -> None:
            serving = self._serve(qualified_name, ready)
            try:
                asyncio.run(serving)
            except OSError as error:
                if ready.is_set():
                    raise
                serving.close()
                failed.append(error)
                ready.set()  # or `start` would wait for ever

        self._thread = threading.Thread(target=serve, name="sandbox", daemon=True)
        self._thread.start()
        ready.wait()
        if failed:
            self._thread = None
            qualified_name.close()
            raise failed[0]
        return self

    def stop(self) -> None:
        """Stop serving and close all connections, hanging ones too. May be called twice."""
        thread, self._thread = self._thread, None
        if thread is None or self._loop is None or self._stopping is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        if thread is not threading.current_thread():  # as when the last Link is collected in it
            thread.join()

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _serve(self, qualified_name: socket.socket, ready: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = HTTPServer(_ConnectionHandler(self))
        server.add_socket(qualified_name)
        ready.set()
        await self._stopping.wait()
        server.stop()
        for task in list(self._tasks):
            task.cancel()
        for stream in list(self._open):
            stream.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.close_all_connections(), _STOP_SECONDS)

    def _take(self, connection: HTTP1Connection, request: SandboxRequest) -> None:
        """Answer a request that has come in."""
        if self._latency:
            task = asyncio.get_running_loop().create_task(self._later(connection, request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._deliver(connection, self._answer(request))

    async def _later(self, connection: HTTP1Connection, request: SandboxRequest) -> None:
        await asyncio.sleep(self._latency)
        self._deliver(connection, self._answer(request))

    def _answer(self, request: SandboxRequest) -> SandboxResponse:
        if request.path.startswith(PREFIX):
            return control(self.exchange, request)
        return self.exchange.handle(request)

    def _deliver(self, connection: HTTP1Connection, answer: SandboxResponse) -> None:
        kind = answer.delivery.kind
        if connection.stream is None or connection.stream.closed():
            return
        if kind == "normal":
            _write(connection, answer)
            return
        stream = connection.detach()
        self._open.add(stream)
        stream.set_close_callback(lambda: self._open.discard(stream))
        if kind == "cut":
            _ignore(stream.write(_head(answer) + answer.body[: answer.delivery.size]))
            stream.close()
        elif kind != "silence":
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NEVER)
            stream.close()


class _ConnectionHandler(httputil.HTTPServerConnectionDelegate):
    """Hands what comes in to the sandbox, byte for byte: tornado's own parsing is not used."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def start_request(
        self, server_conn: object, request_conn: httputil.HTTPConnection
    ) -> httputil.HTTPMessageDelegate:
        """A request begins."""
        if not isinstance(request_conn, HTTP1Connection):
            raise TypeError(f"only HTTP/1 is spoken here, not {request_conn!r}")
        return _Incoming(self._sandbox, request_conn)


class _Incoming(httputil.HTTPMessageDelegate):
    """One request, while it comes in."""

    def __init__(self, sandbox: Sandbox, connection: HTTP1Connection) -> None:
        self._sandbox = sandbox
        self._connection = connection
        self._chunks: list[bytes] = []
        self._method = self._target = ""
        self._headers = Headers()

    def headers_received(
        self,
        start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
        headers: httputil.HTTPHeaders,
    ) -> Awaitable[None] | None:
        """The head is there."""
        if isinstance(start_line, httputil.RequestStartLine):
            self._method, self._target = start_line.method, start_line.path
        self._headers = Headers(dict(headers.get_all()))
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """A piece of the body is there."""
        self._chunks.append(chunk)
        return None

    def finish(self) -> None:
        """All of it is there."""
        path, _, query = self._target.partition("?")
        request = SandboxRequest(
            self._method,
            unquote(path),
            query.encode("latin-1"),  # as tornado decoded it: the bytes of the wire again
            b"".join(self._chunks),
            self._headers,
            ADDRESS,
        )
        self._sandbox._take(self._connection, request)


def _write(connection: HTTP1Connection, answer: SandboxResponse) -> None:
    headers = httputil.HTTPHeaders(dict(answer.headers))
    headers["Content-Length"] = str(len(answer.body))
    line = httputil.ResponseStartLine("HTTP/1.1", answer.status, responses.get(answer.status, "Unknown"))
    _ignore(connection.write_headers(line, headers, answer.body))
    connection.finish()


def _head(answer: SandboxResponse) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {responses.get(answer.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    lines += [f"Content-Length: {len(answer.body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _ignore(written: Awaitable[None]) -> None:
    """A client that went away is not worth a word in the log."""
    if isinstance(written, asyncio.Future):
        written.add_done_callback(_look)


def _look(written: asyncio.Future[None]) -> None:
    if not written.cancelled():
        with contextlib.suppress(StreamClosedError):
            written.result()


def serve_forever(
    *,
    port: int = 0,
    seed: int = 7,
    latency_ms: float = 0.0,
    limit_scale: float = 1.0,
    window_seconds: int | None = None,
    out: TextIO = sys.stdout,
) -> None:
    """Serve until SIGINT or SIGTERM; address, key, secret and limits go out as one line of JSON."""
    done = threading.Event()

    def finish(number: int, frame: FrameType | None) -> None:
        done.set()

    before = {number: signal.signal(number, finish) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Sandbox(
            port=port,
            seed=seed,
            latency_ms=latency_ms,
            limit_scale=limit_scale,
            window_seconds=window_seconds,
        ) as sandbox:
            told = {
                "address": sandbox.address,
                "key": sandbox.key,
                "secret": sandbox.secret,
                "limits": sandbox.limits,
            }
            print(json.dumps(told), file=out, flush=True)
            # A wait without an end cannot be interrupted on Windows.
            while not done.wait(0.5):
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
