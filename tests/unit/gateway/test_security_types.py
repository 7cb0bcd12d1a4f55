"""What each security type and method puts on the wire, byte for byte."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.support.clocks import FakeClock
from tests.support.keys import KEY, SECRET
from tests.support.recording import RecordedRequest, RecordingServer, answer, recording_server
from toolkit import Link
from toolkit.endpoints import API, BASE_URLS, FAPI, SAPI_IP, Column, Endpoint, Param
from toolkit.gateway.calls import WriteRequest

ROW = b'{"symbol":"BTCUSDT"}'
SYMBOL = Param(field="pair", name="symbol", kind="text", doc="Symbol.")
PUBLIC = Endpoint(
    name="ticker",
    system="spot",
    path="/api/v3/ticker",
    rate_limit=API,
    security="NONE",
    params=(SYMBOL,),
    columns=(Column(name="symbol", field="symbol", kind="text", doc="Symbol."),),
    summary="One row.",
    source="https://example.com",
)
MARKET_DATA = replace(PUBLIC, path="/api/v3/historicalTrades", security="MARKET_DATA")
POSTED = replace(
    PUBLIC,
    method="POST",
    path="/sapi/v3/asset/getUserAsset",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    timestamp_field="requestTime",
)


class Scene:
    """A Link to a server that records requests and answers each with one row."""

    def __init__(self, server: RecordingServer, **arguments: Any) -> None:
        self.server = server
        self.statuses: list[int] = []
        self.behind = 0.0
        server.respond = self._respond
        self.clock = FakeClock()
        hosts = dict.fromkeys(BASE_URLS, server.address)
        keys = {"key": KEY, "secret": SECRET}
        self.link = Link(hosts=hosts, clock=self.clock, timeout=(2.0, 2.0), **(keys | arguments))

    def _respond(self, request: RecordedRequest) -> bytes:
        path = request.target.partition("?")[0]
        if path.endswith("/time"):
            return answer(200, b'{"serverTime":%d}' % (self.clock.time() * 1000))
        if path.endswith("/exchangeInfo"):
            return answer(200, b'{"rateLimits":[]}')
        status = self.statuses.pop(0) if self.statuses else 200
        date = formatdate(self.clock.time() - self.behind, usegmt=True).encode()
        return answer(status, ROW if status == 200 else b"", b"Date: " + date)

    def fetch(self, endpoint: Endpoint, **arguments: object) -> Any:
        return self.link._fetcher.fetch(endpoint, arguments)

    def sent_to(self, path: str) -> list[RecordedRequest]:
        return [each for each in self.server.sent if each.target.partition("?")[0] == path]

    @property
    def paths(self) -> list[str]:
        return [each.target.partition("?")[0] for each in self.server.sent]


@pytest.fixture
def scene() -> Iterator[Scene]:
    with recording_server() as server:
        made = Scene(server)
        yield made
        made.link.close()


def signed_part(text: bytes) -> bytes:
    """What was signed of a query string or body, after a check of its signature."""
    covered, _, signature = text.rpartition(b"&signature=")
    assert signature.decode() == hmac.new(SECRET.encode(), covered, hashlib.sha256).hexdigest()
    return covered


def test_public_endpoint_gets_no_key_no_timestamp_and_no_signature(scene: Scene) -> None:
    frame = scene.fetch(PUBLIC, symbol="BTCUSDT")
    assert frame["symbol"].tolist() == ["BTCUSDT"]
    (sent,) = scene.sent_to(PUBLIC.path)
    assert (sent.line, sent.body) == (f"GET {PUBLIC.path}?pair=BTCUSDT HTTP/1.1", b"")
    assert "x-mbx-apikey" not in sent.headers
    assert KEY.encode() not in sent.raw


def test_public_endpoint_without_parameters_has_no_query(scene: Scene) -> None:
    scene.fetch(PUBLIC)
    assert scene.sent_to(PUBLIC.path)[0].target == PUBLIC.path


def test_market_data_gets_the_key_and_nothing_else(scene: Scene) -> None:
    scene.fetch(MARKET_DATA, symbol="BTCUSDT")
    (sent,) = scene.sent_to(MARKET_DATA.path)
    assert sent.target == f"{MARKET_DATA.path}?pair=BTCUSDT"
    assert sent.headers["x-mbx-apikey"] == KEY


@pytest.mark.parametrize("endpoint", [PUBLIC, MARKET_DATA])
def test_unsigned_requests_need_no_time_but_hold_the_limits(scene: Scene, endpoint: Endpoint) -> None:
    for _ in range(3):
        scene.fetch(endpoint)
    assert scene.paths == ["/api/v3/exchangeInfo", *[endpoint.path] * 3]
    (use,) = scene.link.budget.snapshot().rate_limits
    assert (use.rate_limit, use.used) == (API, API.limits_weight + 3)


def test_unsigned_request_uses_the_time_that_another_process_measured(scene: Scene) -> None:
    measured = scene.link._connection.sender.fetch_time("api")
    with recording_server() as server:
        other = Scene(server)
        other.link._connection.budget.publish_clock("api", measured._replace(ahead=measured.ahead + 7.0))
        assert other.link.clock_offset() is None
        other.fetch(PUBLIC)
        assert other.link.clock_offset() == pytest.approx(7.0, abs=0.1)
        assert "/api/v3/time" not in other.paths


def test_failed_public_read_is_sent_again(scene: Scene) -> None:
    scene.statuses = [503, 500]
    assert len(scene.fetch(PUBLIC)) == 1
    assert len(scene.sent_to(PUBLIC.path)) == 3


def test_posted_read_is_signed_over_its_body(scene: Scene) -> None:
    frame = scene.fetch(POSTED, symbol="BTC/USDT")
    assert len(frame) == 1
    (sent,) = scene.sent_to(POSTED.path)
    assert sent.line == f"POST {POSTED.path} HTTP/1.1"
    assert sent.headers["content-type"] == "application/x-www-form-urlencoded"
    assert sent.headers["x-mbx-apikey"] == KEY
    moment = int(scene.clock.time() * 1000)
    assert dict(parse_qsl(signed_part(sent.body).decode())) == {
        "pair": "BTC/USDT",
        "recvWindow": "5000",
        "requestTime": str(moment),
    }
    assert b"pair=BTC%2FUSDT&" in sent.body


def test_posted_read_is_sent_again_and_signed_anew(scene: Scene) -> None:
    scene.statuses = [503, 429]
    assert len(scene.fetch(POSTED)) == 1
    sent = scene.sent_to(POSTED.path)
    assert len({signed_part(each.body) for each in sent}) == len(sent) == 3
    calls = [call for call in scene.link.budget.snapshot().calls if call.path == POSTED.path]
    assert [(call.method, call.status) for call in calls] == [("POST", 503), ("POST", 429), ("POST", 200)]


@pytest.mark.parametrize("security", ["NONE", "MARKET_DATA"])
def test_posted_read_without_signature_has_its_parameters_in_the_body(scene: Scene, security: Any) -> None:
    endpoint = replace(PUBLIC, method="POST", security=security)
    scene.fetch(endpoint, symbol="BTCUSDT")
    (sent,) = scene.sent_to(endpoint.path)
    assert (sent.target, sent.body) == (endpoint.path, b"pair=BTCUSDT")


def test_put_that_only_reads_is_signed_over_its_body(scene: Scene) -> None:
    scene.fetch(replace(POSTED, method="PUT"), symbol="X")
    (sent,) = scene.sent_to(POSTED.path)
    assert sent.method == "PUT"
    assert signed_part(sent.body).startswith(b"pair=X&recvWindow=5000&requestTime=")


@pytest.mark.parametrize("placement", ["body", "query"])
def test_put_that_writes_is_signed_where_its_parameters_are(scene: Scene, placement: Any) -> None:
    sent = send_write(scene, "PUT", placement)
    assert sent.method == "PUT"
    covered = signed_part(sent.body if placement == "body" else sent.query)
    assert covered.startswith(b"pair=X&recvWindow=5000&requestTime=")
    assert (sent.query if placement == "body" else sent.body) == b""


def send_write(scene: Scene, method: Any, placement: Any) -> RecordedRequest:
    parameters = {"pair": "X"}
    request = WriteRequest(
        qualified_name="spot.rename",
        method=method,
        path="/sapi/v1/x",
        in_query=parameters if placement == "query" else {},
        in_body=parameters if placement == "body" else {},
        placement=placement,
        rate_limit=SAPI_IP,
        weight=1,
        needs=frozenset({"TRADE"}),
        privileged=True,
        timestamp_field="requestTime",
    )
    attempt = scene.link._connection.sender.send(request, lambda now: now())
    assert attempt.result.executed is True
    (sent,) = scene.sent_to("/sapi/v1/x")
    return sent


def test_window_is_not_begun_early_by_an_unmeasured_clock() -> None:
    """This machine's clock is three seconds ahead: the exchange is still in the minute that is used up."""
    with recording_server() as server:
        scene = Scene(server, limits={"fapi": 10})
        scene.behind = 3.0
        endpoint = replace(PUBLIC, rate_limit=FAPI, path="/fapi/v1/ticker", weight=6)
        scene.fetch(endpoint)
        scene.clock.advance(60 - scene.clock.time() % 60 + 2.9)
        assert scene.link.clock_offset("fapi") is None
        before = scene.clock.time()
        scene.fetch(endpoint)
        assert scene.clock.time() - before >= 2.0
