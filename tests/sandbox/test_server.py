"""The sandbox's server: real sockets on 127.0.0.1, and every way in which it can fail on request."""

from __future__ import annotations

import asyncio
import http.client
import io
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.clocks import FakeClock
from tests.support.paths import ROOT
from tests.support.sandbox_requests import NOW, NOW_MS, hmac_of, world
from toolkit.endpoints import RATE_LIMITS
from toolkit.sandbox import Exchange, Sandbox, World
from toolkit.sandbox.server import ADDRESS, serve_forever

INFO = "/sapi/v1/broker/info"
HISTORY = "/sapi/v1/broker/rebate/recentRecord"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(world=world(), clock=FakeClock(NOW)) as running:
        yield running


class Response:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    def json(self) -> Any:
        return json.loads(self.body)


def target(this: Sandbox, path: str, params: dict[str, object] | None = None) -> str:
    query = urlencode({**(params or {}), "timestamp": NOW_MS})
    return f"{path}?{query}&signature={hmac_of(this.secret, query)}"


def send(this: Sandbox, where: str, method: str = "GET", body: str | None = None, **headers: str) -> Response:
    connection = http.client.HTTPConnection(this.address.removeprefix("http://"), timeout=60)
    try:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, where, body, {"X-MBX-APIKEY": this.key, **names})
        return Response(connection.getresponse())
    finally:
        connection.close()


def ask(this: Sandbox, path: str = INFO, params: dict[str, object] | None = None) -> Response:
    return send(this, target(this, path, params))


# --- start and stop ------------------------------------------------------------------------------


def test_responses_have_the_headers_of_the_exchange(sandbox: Sandbox) -> None:
    response = ask(sandbox)
    assert response.status == 200
    assert response.json()["subAccountQty"] == 240
    assert response.headers["Date"] == "Wed, 18 Nov 2026 10:30:05 GMT"
    assert response.headers["X-SAPI-USED-IP-WEIGHT-1M"] == "1"
    assert response.headers["Content-Type"] == "application/json;charset=UTF-8"


def test_the_bytes_of_query_and_body_arrive_as_sent(sandbox: Sandbox) -> None:
    query = f"email=%c3%bc+%2b%40x.example&timestamp={NOW_MS}"
    where = "/sapi/v1/apiReferral/customization"
    response = send(sandbox, f"{where}?{query}&signature={hmac_of(sandbox.secret, query)}")
    assert (response.status, response.json()) == (200, [])
    body = f"a=%c3%bc+&timestamp={NOW_MS}"
    heard = []
    handle = sandbox.exchange.handle
    sandbox.exchange.handle = lambda request: heard.append(request) or handle(request)  # type: ignore
    send(sandbox, "/sapi/v1/x%20y?b=%2f", "POST", body)
    assert (heard[0].path, heard[0].query, heard[0].body) == ("/sapi/v1/x y", b"b=%2f", body.encode())


def test_one_connection_serves_many_requests(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection(sandbox.address.removeprefix("http://"), timeout=60)
    for _ in range(3):
        connection.request("GET", target(sandbox, INFO), headers={"X-MBX-APIKEY": sandbox.key})
        assert connection.getresponse().read()
    connection.close()
    assert sandbox.exchange.counts == {200: 3}


def test_it_listens_on_this_machine_only(sandbox: Sandbox) -> None:
    assert sandbox.address.startswith(f"http://{ADDRESS}:")
    assert ADDRESS == "127.0.0.1"
    with pytest.raises(OSError, match="in use"):
        Sandbox(world=world(), port=int(sandbox.address.rpartition(":")[2])).start()


def open_request(this: Sandbox) -> socket.socket:
    """A connection on which a request was sent."""
    host, port = this.address.removeprefix("http://").split(":")
    line = socket.create_connection((host, int(port)), timeout=60)
    line.sendall(f"GET {target(this, INFO)} HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: {this.key}\r\n\r\n".encode())
    return line


def test_stopping_does_not_wait_for_hanging_requests() -> None:
    others = set(threading.enumerate())
    this = Sandbox(world=world(), clock=FakeClock(NOW), latency_ms=0).start()
    this.exchange.faults.add("timeout", times=3)
    host, port = this.address.removeprefix("http://").split(":")
    hanging = [open_request(this) for _ in range(3)]
    hanging.append(socket.create_connection((host, int(port)), timeout=60))
    while len(this.exchange.log) < 3:
        threading.Event().wait(0.001)
    this.stop()  # which would otherwise last as long as they hang
    this.stop()
    for each in hanging:
        assert each.recv(10) == b""
        each.close()
    assert set(threading.enumerate()) <= others
    with pytest.raises(OSError, match=r"."):
        socket.create_connection((host, int(port)), timeout=1)


def test_it_can_be_started_again() -> None:
    this = Sandbox(world=world(), clock=FakeClock(NOW))
    with pytest.raises(RuntimeError, match="start"):
        _ = this.address
    for _ in range(2):
        with this:
            assert this.start() is this
            assert ask(this).status == 200


def test_the_secret_is_not_shown(sandbox: Sandbox) -> None:
    for thing in (sandbox, sandbox.exchange, sandbox.world, sandbox.world.keys):
        assert sandbox.secret not in repr(thing)
        assert sandbox.key not in repr(thing)


def test_latency_applies_to_each_response_separately() -> None:
    """Requests wait concurrently, not for each other."""
    with Sandbox(world=world(), clock=FakeClock(NOW), latency_ms=1) as this:
        assert ask(this).status == 200
    with Sandbox(world=world(), clock=FakeClock(NOW), latency_ms=3_600_000) as this, ExitStack() as stack:
        waiting = [stack.enter_context(open_request(this)) for _ in range(8)]
        while len(this._tasks) < len(waiting):
            threading.Event().wait(0.001)
        for each in waiting:
            each.setblocking(False)
            with pytest.raises(BlockingIOError):  # not before the latency has passed
                each.recv(1)


def test_many_threads_at_once(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(8) as rate_limit:
        used = list(
            rate_limit.map(lambda _: int(ask(sandbox).headers["X-SAPI-USED-IP-WEIGHT-1M"]), range(60))
        )
    assert sorted(used) == list(range(1, 61))


def test_a_world_by_default() -> None:
    this = Sandbox(seed=3)
    assert this.world.seed == 3
    assert (this.key, this.secret) == (World(3, now=NOW).partner.key, World(3, now=NOW).partner.secret)
    scaled = Sandbox(world=world(), limit_scale=0.5, window_seconds=2)
    assert scaled.exchange.limits.limits["fapi"] == scaled.limits["fapi"] == 1200
    assert scaled.exchange.limits.rate_limits["fapi"].seconds == 2
    own = Exchange(world(), FakeClock(NOW))
    assert Sandbox(exchange=own).exchange is own


# --- faults --------------------------------------------------------------------------------------


def test_server_errors(sandbox: Sandbox) -> None:
    sandbox.exchange.faults.add("server-error")
    sandbox.exchange.faults.add(
        "server-error", status=500, message="Request occur unknown error.", after_effect=True
    )
    first, second = ask(sandbox), ask(sandbox)
    assert (first.status, first.json()["msg"]) == (503, "Service Unavailable.")
    assert (second.status, second.json()["msg"]) == (500, "Request occur unknown error.")
    assert ask(sandbox).status == 200


@pytest.mark.parametrize("kind", ["reset", "reset-before"])
def test_resets(sandbox: Sandbox, kind: str) -> None:
    sandbox.exchange.faults.add(kind)
    host, port = sandbox.address.removeprefix("http://").split(":")
    head = f"GET {target(sandbox, INFO)} HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: {sandbox.key}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=60) as client:
        client.sendall(head.encode())
        with pytest.raises(ConnectionResetError):  # a plain end of the stream would be an empty response
            client.recv(1)
    done = kind == "reset"
    assert ask(sandbox).headers["X-SAPI-USED-IP-WEIGHT-1M"] == ("2" if done else "1")


def test_no_response(sandbox: Sandbox) -> None:
    sandbox.exchange.faults.add("timeout")
    connection = http.client.HTTPConnection(sandbox.address.removeprefix("http://"), timeout=0.15)
    connection.request("GET", target(sandbox, INFO), headers={"X-MBX-APIKEY": sandbox.key})
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    assert ask(sandbox).status == 200


def test_a_truncated_body(sandbox: Sandbox) -> None:
    whole = ask(sandbox, HISTORY, {"size": 50}).body
    sandbox.exchange.faults.add("cut")
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(sandbox, HISTORY, {"size": 50})
    assert caught.value.partial == whole[: len(whole) // 2]


def test_pages_of_gateways(sandbox: Sandbox) -> None:
    sandbox.exchange.faults.add("html")
    sandbox.exchange.faults.add("html", status=200)
    sandbox.exchange.faults.add("firewall")
    responses = [ask(sandbox) for _ in range(3)]
    # Faults on arrival, before anything is counted, come first.
    assert [response.status for response in responses] == [403, 502, 200]
    assert all(response.headers["Content-Type"] == "text/html" for response in responses)
    assert all(response.body.startswith(b"<html>") for response in responses)


def test_a_redirect(sandbox: Sandbox) -> None:
    sandbox.exchange.faults.add("redirect", to="http://127.0.0.1:1/elsewhere")
    response = ask(sandbox)
    assert (response.status, response.headers["Location"]) == (302, "http://127.0.0.1:1/elsewhere")


def test_errors_of_any_kind(sandbox: Sandbox) -> None:
    faults = sandbox.exchange.faults
    faults.add("error", code=-1007, status=408, message="Timeout waiting for response from backend server.")
    faults.add("wrapped-error", code=-1003, message="m")
    faults.add("rate-limit", seconds=9)
    first, second, third = (ask(sandbox) for _ in range(3))
    assert (first.status, first.json()["code"]) == (408, -1007)
    assert (second.status, second.json()) == (200, {"code": -1003, "msg": "m"})
    assert (third.status, third.headers["Retry-After"], third.json()["code"]) == (429, "9", -1003)
    faults.add("ban", seconds=77)
    banned = ask(sandbox)
    assert (banned.status, banned.headers["Retry-After"]) == (418, "77")
    assert ask(sandbox).status == 418


def test_altered_rows(sandbox: Sandbox) -> None:
    page: dict[str, object] = {"size": 4, "page": 2}
    right = ask(sandbox, HISTORY, page).json()
    for kind in ("disorder", "repeat", "missing-field", "unknown-field", "cap", "ignore", "wrong-times"):
        more: dict[str, dict[str, object]] = {
            "cap": {"rows": 1},
            "ignore": {"name": "page"},
            "wrong-times": {"days": 1},
        }
        sandbox.exchange.faults.add(kind, **more.get(kind, {}))  # type: ignore[arg-type]
        assert ask(sandbox, HISTORY, page).json() != right, kind
        assert ask(sandbox, HISTORY, page).json() == right


def test_a_clock_that_is_off(sandbox: Sandbox) -> None:
    sandbox.exchange.faults.add("clock-skew", times=None, seconds=20)
    assert send(sandbox, "/fapi/v1/time").json() == {"serverTime": NOW_MS + 20_000}
    assert ask(sandbox).json()["code"] == -1021


# --- control -------------------------------------------------------------------------------------


def test_other_processes_may_inspect_and_add_faults(sandbox: Sandbox) -> None:
    assert send(sandbox, "/sandbox/faults", "POST", '{"kind": "html", "path": "/sapi"}').status == 200
    assert ask(sandbox).status == 502
    send(sandbox, "/sandbox/faults", "POST", '{"kind": "html", "times": null}')
    assert send(sandbox, "/sandbox/faults", "DELETE").status == 200
    assert ask(sandbox).status == 200
    assert send(sandbox, "/sandbox/counts").json() == {"502": 1, "200": 1}
    log = send(sandbox, "/sandbox/log").json()
    assert [(entry["path"], entry["status"], entry["key"]) for entry in log] == [
        (INFO, 502, "partner"),
        (INFO, 200, "partner"),
    ]
    (window,) = send(sandbox, "/sandbox/windows").json()
    assert (window["rate_limit"], window["used"], window["limit"]) == ("sapi-ip", 2, 12_000)
    for bad in ("", "[1]", '{"kind": "no"}', '{"kind": "cut", "colour": 1}', '{"times": 1}'):
        assert send(sandbox, "/sandbox/faults", "POST", bad).status == 400
    assert send(sandbox, "/sandbox/nothing").status == 404


def test_the_id_identifies_the_exchange(sandbox: Sandbox) -> None:
    details = send(sandbox, "/sandbox/id").json()
    assert details == send(sandbox, "/sandbox/id").json() == {"id": sandbox.exchange.id}
    assert len(bytes.fromhex(details["id"])) == 16
    sandbox.exchange = Exchange(world(), FakeClock(NOW))
    assert send(sandbox, "/sandbox/id").json() != details
    assert not sandbox.exchange.log
    assert not sandbox.exchange.counts
    assert not sandbox.exchange.windows


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "http://127.0.0.1"}, {"Origin": "null"}]
)
def test_web_pages_are_refused(sandbox: Sandbox, headers: dict[str, str]) -> None:
    for method, name in (
        ("GET", "id"),
        ("GET", "log"),
        ("GET", "counts"),
        ("POST", "faults"),
        ("DELETE", "faults"),
    ):
        response = send(sandbox, f"/sandbox/{name}", method, '{"kind": "html"}', **headers)
        assert response.status == 403
    assert ask(sandbox).status == 200


def test_host_headers_that_name_this_machine(sandbox: Sandbox) -> None:
    for host in ("localhost", "localhost:80", "127.0.0.1", "127.0.0.1:99"):
        assert send(sandbox, "/sandbox/counts", Host=host).status == 200
    for host in ("127.0.0.1.evil.example", "localhost.evil", "127.0.0.1@evil"):
        assert send(sandbox, "/sandbox/counts", Host=host).status == 403


# --- as a process --------------------------------------------------------------------------------


def test_it_serves_until_it_is_stopped() -> None:
    words = "-m toolkit sandbox --port 0 --seed 5 --limit-scale 2 --window-seconds 3"
    process = subprocess.Popen(
        [sys.executable, "-W", "error", *words.split()],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    details = json.loads(process.stdout.readline())
    assert details.keys() == {"address", "key", "secret", "account", "limits"}
    assert details["limits"] == {rate_limit.name: rate_limit.limit * 2 for rate_limit in RATE_LIMITS}
    connection = http.client.HTTPConnection(details["address"].removeprefix("http://"), timeout=60)
    connection.request("GET", "/fapi/v1/exchangeInfo")
    weight = json.loads(connection.getresponse().read())["rateLimits"][0]
    assert (weight["limit"], weight["interval"], weight["intervalNum"]) == (4800, "SECOND", 3)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    connection.close()
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_line_goes_to_the_given_stream_and_signal_handlers_are_restored(number: signal.Signals) -> None:
    class Told(io.StringIO):
        def flush(self) -> None:
            signal.raise_signal(number)

    before, out = signal.getsignal(number), Told()
    serve_forever(out=out)
    assert json.loads(out.getvalue())["address"].startswith("http://127.0.0.1:")
    assert signal.getsignal(number) is before


def test_a_failed_start_raises_and_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object, **__: object) -> asyncio.AbstractEventLoop:
        raise OSError(24, "Too many open files")

    this = Sandbox(world=world(), clock=FakeClock(NOW))
    with monkeypatch.context() as patch:
        patch.setattr(asyncio.events, "new_event_loop", none_left)
        patch.setattr(asyncio, "new_event_loop", none_left)
        with pytest.raises(OSError, match="Too many open files"):
            this.start()
    with this:
        assert this.address.startswith("http://127.0.0.1:")
