"""Serves the exchange over HTTP on 127.0.0.1, in a thread of its own."""

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
        latency_ms: Minimum duration of each response, in milliseconds.
        limit_scale: Factor for all rate limits.
        window_seconds: Length of every rate limit's window, instead of the documented one.
        world: The data; made from the seed if not given.
        clock: The clock; this machine's if not given.
        exchange: An exchange to serve, instead of one made from the other arguments.

    Attributes:
        exchange: The rules, with log, counters and faults.
        world: The data; `world.keys` has further keys, and `world.add_key` registers yours.
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
        """Its address, the same for the paths of all hosts."""
        if not self._port:
            raise RuntimeError("the sandbox is not running: call start(), or use it in a with statement")
        return f"http://{ADDRESS}:{self._port}"

    @property
    def key(self) -> str:
        """The partner's API key."""
        return self.world.partner.key

    @property
    def account(self) -> str:
        """Id of the partner's account, the `uid` of `GET /api/v3/account`."""
        return self.world.partner_uid

    @property
    def limits(self) -> dict[str, int]:
        """Maximum weight per window, by rate limit."""
        return dict(self.exchange.limits.limits)

    @property
    def secret(self) -> str:
        """The partner's secret."""
        return self.world.partner.secret

    def start(self) -> Sandbox:
        """Serve in the background; returns when connections are accepted."""
        if self._thread is not None:
            return self
        # Bound here, so that this call raises if the port is in use.
        listener = socket.create_server((ADDRESS, self._wanted_port), backlog=128)
        listener.setblocking(False)
        self._port = listener.getsockname()[1]
        ready = threading.Event()
        failed: list[OSError] = []

        def serve() -> None:
            serving = self._serve(listener, ready)
            try:
                asyncio.run(serving)
            except OSError as error:
                if ready.is_set():
                    raise
                serving.close()
                failed.append(error)
                ready.set()  # otherwise `start` would wait forever

        self._thread = threading.Thread(target=serve, name="sandbox", daemon=True)
        self._thread.start()
        ready.wait()
        if failed:
            self._thread = None
            listener.close()
            raise failed[0]
        return self

    def stop(self) -> None:
        """Stop serving and close all connections, including hanging ones. May be called twice."""
        thread, self._thread = self._thread, None
        if thread is None or self._loop is None or self._stopping is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        if thread is not threading.current_thread():  # it is when the last Link is collected in that thread
            thread.join()

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _serve(self, listener: socket.socket, ready: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = HTTPServer(_ConnectionHandler(self))
        server.add_socket(listener)
        ready.set()
        await self._stopping.wait()
        server.stop()
        for task in list(self._tasks):
            task.cancel()
        for stream in list(self._open):
            stream.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.close_all_connections(), _STOP_SECONDS)

    def _handle(self, connection: HTTP1Connection, request: SandboxRequest) -> None:
        """Respond to a request."""
        if self._latency:
            task = asyncio.get_running_loop().create_task(self._respond_later(connection, request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._send(connection, self._respond(request))

    async def _respond_later(self, connection: HTTP1Connection, request: SandboxRequest) -> None:
        await asyncio.sleep(self._latency)
        self._send(connection, self._respond(request))

    def _respond(self, request: SandboxRequest) -> SandboxResponse:
        if request.path.startswith(PREFIX):
            return control(self.exchange, request)
        return self.exchange.handle(request)

    def _send(self, connection: HTTP1Connection, response: SandboxResponse) -> None:
        kind = response.transmission.kind
        if connection.stream is None or connection.stream.closed():
            return
        if kind == "normal":
            _write(connection, response)
            return
        stream = connection.detach()
        self._open.add(stream)
        stream.set_close_callback(lambda: self._open.discard(stream))
        if kind == "cut":
            _ignore_disconnect(stream.write(_head(response) + response.body[: response.transmission.size]))
            stream.close()
        elif kind != "no-response":
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NEVER)
            stream.close()


class _ConnectionHandler(httputil.HTTPServerConnectionDelegate):
    """Passes requests on to the sandbox byte for byte, without tornado's parsing."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def start_request(
        self, server_conn: object, request_conn: httputil.HTTPConnection
    ) -> httputil.HTTPMessageDelegate:
        """Return the receiver of a new request."""
        if not isinstance(request_conn, HTTP1Connection):
            raise TypeError(f"only HTTP/1 is supported, not {request_conn!r}")
        return _Incoming(self._sandbox, request_conn)


class _Incoming(httputil.HTTPMessageDelegate):
    """Collects one request as it arrives."""

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
        """Keep method, target and headers."""
        if isinstance(start_line, httputil.RequestStartLine):
            self._method, self._target = start_line.method, start_line.path
        self._headers = Headers(dict(headers.get_all()))
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Keep a part of the body."""
        self._chunks.append(chunk)
        return None

    def finish(self) -> None:
        """Pass the complete request on."""
        path, _, query = self._target.partition("?")
        request = SandboxRequest(
            self._method,
            unquote(path),
            query.encode("latin-1"),  # tornado decoded it so: these are the bytes that were sent
            b"".join(self._chunks),
            self._headers,
            ADDRESS,
        )
        self._sandbox._handle(self._connection, request)


def _write(connection: HTTP1Connection, response: SandboxResponse) -> None:
    headers = httputil.HTTPHeaders(dict(response.headers))
    headers["Content-Length"] = str(len(response.body))
    line = httputil.ResponseStartLine("HTTP/1.1", response.status, responses.get(response.status, "Unknown"))
    _ignore_disconnect(connection.write_headers(line, headers, response.body))
    connection.finish()


def _head(response: SandboxResponse) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {responses.get(response.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    lines += [f"Content-Length: {len(response.body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _ignore_disconnect(written: Awaitable[None]) -> None:
    """Do not log an error when the client has disconnected."""
    if isinstance(written, asyncio.Future):
        written.add_done_callback(_retrieve_error)


def _retrieve_error(written: asyncio.Future[None]) -> None:
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
    """Serve until SIGINT or SIGTERM; print address, key, secret, account and limits as a line of JSON."""
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
            details = {
                "address": sandbox.address,
                "key": sandbox.key,
                "secret": sandbox.secret,
                "account": sandbox.account,
                "limits": sandbox.limits,
            }
            print(json.dumps(details), file=out, flush=True)
            # On Windows an unlimited wait cannot be interrupted.
            while not done.wait(0.5):
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
