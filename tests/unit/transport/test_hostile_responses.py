"""Responses are not trusted: any bytes give a result or a toolkit error, soon, in bounded memory."""

from __future__ import annotations

import gzip
import json
import re
import socket
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import toolkit
from tests.support import hostile, layouts, recording
from tests.support.clocks import FakeClock
from tests.support.effort import assert_in_proportion, effort
from tests.support.hostile import NOW, documented, headers_of
from tests.support.recording import RecordedRequest, RecordingServer
from tests.support.sandbox_env import PATIENT
from tests.support.traces import locals_shown
from tests.support.writes import memory_folder
from toolkit import errors
from toolkit.endpoints import BASE_URLS, ENDPOINTS_BY_NAME, Endpoint, Write
from toolkit.ratelimit.headers import read_counts
from toolkit.timing.http_dates import MAX_BAN_S, read_date, read_retry_after
from toolkit.transport.connections import MAX_BODY_BYTES
from toolkit.transport.responses import RawResponse, classify, decode, error_of, excerpt, without_secrets
from toolkit.transport.strict_json import MAX_DEPTH, InvalidJSON, loads

MIB = 1 << 20
MAX_MEMORY = 64 * MIB
"""Memory that a response may take in addition to its own size."""
KEY, SECRET = "k" * 64, "s" * 64
PARTNER = ENDPOINTS_BY_NAME["exchange.partner"]


@contextmanager
def bounded_memory(size: int = 0) -> Iterator[None]:
    """Assert that Python's memory grows by no more than `MAX_MEMORY` and `size`."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= MAX_MEMORY + size, f"{peak / MIB:.0f} MiB"


# -- one JSON text ------------------------------------------------------------------------------------------

INVALID = {
    "a million digits": (b"[" + b"7" * 10**6 + b"]", "400 digits or more"),
    "a million decimal places": (b"[0." + b"7" * 10**6 + b"]", "400 digits or more"),
    "cut off within a number": (b'["' + b"x" * 396 + b'",1767000', "not JSON, or is cut off"),
    "a long number": (b"[0." + b"7" * 100 + b"]", "longer than 64 characters or beyond"),
    "a large number": (b"[1e999999999]", "longer than 64 characters or beyond"),
    "a small number": (b"[1e-999999999]", "longer than 64 characters or beyond"),
    "zero with a large exponent": (b"[0e999999999]", "longer than 64 characters or beyond"),
    "larger than a Decimal": (b"[1e9223372036854775808]", "longer than 64 characters or beyond"),
    "NaN": (b'{"a":NaN}', "not JSON"),
    "infinity": (b'{"a":-Infinity}', "not JSON"),
    "a field twice": (b'{"a":1,"a":2}', "a field twice"),
    "a field twice, deep": (b'[{"b":[{"a:":1,"c":0,"a:":1}]}]', "a field twice"),
    "a field twice, spelt differently": (b'{"a":1,"\\u0061":2}', "a field twice"),
    "levels": (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested deeper"),
    "levels of objects": (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), "nested deeper"),
    "levels with brackets in strings": (
        b'["[{",' * (MAX_DEPTH + 1) + b"1" + b"]" * (MAX_DEPTH + 1),
        "nested deeper",
    ),
    "endless levels": (b"[" * 100_000, "not JSON"),
    "unpaired surrogate": (b'["\\ud800"]', "an unpaired surrogate"),
    "unpaired low surrogate": (b'["\\udc00\\ud800"]', "an unpaired surrogate"),
    "unpaired after a pair": (b'["\\ud83d\\ude00\\uDE00"]', "an unpaired surrogate"),
    "unpaired after a backslash": (b'["\\\\ud83d\\ude00"]', "an unpaired surrogate"),
    "latin-1": (b'["\xe9"]', "not UTF-8"),
    "surrogate in UTF-8": (b'["\xed\xa0\x80"]', "not UTF-8"),
    "UTF-16": ("[]".encode("utf-16"), "not UTF-8"),
    "byte order mark": (b"\xef\xbb\xbf[]", "not JSON"),
    "empty": (b"", "not JSON"),
    "two values": (b"[][]", "not JSON"),
    "line break in a string": (b'["\n"]', "not JSON"),
}


@pytest.mark.parametrize(("body", "reason"), INVALID.values(), ids=INVALID.keys())
def test_invalid_json_is_rejected_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(errors.ContractError, match=f"endpoint: the response .*{reason}") as caught:
        decode("endpoint", RawResponse(200, {}, body))
    assert caught.value.__context__ is None, "the original error contains the response"
    result = classify("endpoint", "/sapi/v1/x", RawResponse(200, {}, body), NOW)
    assert result.executed is None
    assert reason in str(result.error)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (
            b' {"a": [1, -2.50, "x:y", null, true, {"b": []}]} ',
            {"a": [1, Decimal("-2.50"), "x:y", None, True, {"b": []}]},
        ),
        (b'["\\ud83d\\ude00", "\\\\ud800", "\\u00e9"]', ["😀", "\\ud800", "é"]),
        (b'{"::": 1, "{[": {"::": 2}}', {"::": 1, "{[": {"::": 2}}),
        (
            b"[1e-8, 1E+5, 123456789012345678901234567890]",
            [Decimal("1e-8"), Decimal("1e5"), 123456789012345678901234567890],
        ),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
    ],
)
def test_valid_json_is_parsed(body: bytes, value: Any) -> None:
    assert loads(body) == (json.loads(body) if value is None else value)


def test_the_bounds_hold_when_those_of_python_are_raised() -> None:
    def refuse(body: bytes) -> None:
        with suppress(InvalidJSON):
            loads(body)

    before = {body: effort(lambda: refuse(body)) for body, _ in INVALID.values()}  # noqa: B023
    digits, levels = sys.get_int_max_str_digits(), sys.getrecursionlimit()
    sys.set_int_max_str_digits(0)
    sys.setrecursionlimit(10**6)
    try:
        for body, reason in INVALID.values():
            with pytest.raises(InvalidJSON, match=f"{reason}|nested deeper"):
                loads(body)
            assert effort(lambda: refuse(body)) < 50 * before[body]  # noqa: B023 - called at once
        assert loads(b'[[{"a":"[[[[[["},{"b":"\\"}"}]' * 1 + b"]") == [[{"a": "[[[[[["}, {"b": '"}'}]]
    finally:
        sys.setrecursionlimit(levels)
        sys.set_int_max_str_digits(digits)


SHAPES = {
    "lists": b"[],",
    "objects": b"{},",
    "lists of one": b"[0],",
    "objects of one": b'{"a":1},',
    "objects of one, with a colon": b'{":":1},',
    "objects with an empty name": b'{"":0},',
    "objects of eleven": b'{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"j":0,"k":0},',
    "levels": b"[" * 18 + b"]" * 18 + b",",
    "short strings": b'"ab",',
    "wide strings": '"😀",'.encode(),
    "escaped strings": b'"\\ud83d\\ude00",',
    "whole numbers": b"1000,",
    "amounts": b"1.5,",
}


# Each of these costs the most memory per byte in its own way.
COSTLIEST = ("lists", "objects with an empty name", "levels", "wide strings")
# Rows that may be empty, rows of one item and rows of numbers: where the fast path could need most.
FAST: dict[str, Endpoint] = {
    "optional": layouts.endpoint(
        "optional", *(layouts.column(name, name, "id", optional=True) for name in "abcdefghijk")
    ),
    "one item": layouts.endpoint("item", layouts.column("a", "0", "integer"), row_layout="arrays"),
    "candles": layouts.CANDLES,
}
MANY_VALUES = [("unlisted", name, MIB // 2) for name in COSTLIEST if name != "levels"]
SLOW_CASES = [("unlisted", "levels", MIB // 2)]
"""These take seconds, so they run in `make endurance`."""
MANY_VALUES += [(path, name, MIB - MIB // 8) for path in FAST for name in SHAPES]
MANY_VALUES += [(path, name, 2 * MIB) for path in ("unlisted", "listed") for name in SHAPES]
MANY_VALUES += [(path, name, MAX_BODY_BYTES) for path in ("unlisted", "listed") for name in COSTLIEST]


@pytest.mark.parametrize(("path", "name", "size"), MANY_VALUES)
def test_memory_is_bounded_for_many_values(path: str, name: str, size: int) -> None:
    read_many(path, name, size)


def read_many(path: str, name: str, size: int) -> None:
    endpoint, chunk = FAST.get(path, PARTNER if path == "listed" else None), SHAPES[name]
    body = b"[" + chunk * (size // len(chunk)) + b"0]"
    if path in FAST:
        body = body.removesuffix(b",0]") + b"]"  # all rows are alike
    with bounded_memory():
        hostile.read(endpoint, RawResponse(200, {}, body))


LONG_TEXTS = {
    "a string": b"a" * MAX_BODY_BYTES,
    "a wide character last": b"a" * MAX_BODY_BYTES + "😀".encode(),
    "a wide character after a quarter": b"a" * (4 * MIB) + "😀\\n".encode(),
    "an escaped character last": b"a" * (4 * MIB) + b"\\ud83d\\ude00",
    "escapes": b"\\n" * (MAX_BODY_BYTES // 2),
    "escaped characters": b"\\ud83d\\ude00" * (3 * MIB // 12),
    "key": b'":1,"' + b"a" * (2 * MIB),
}


@pytest.mark.parametrize("text", LONG_TEXTS.values(), ids=LONG_TEXTS.keys())
def test_memory_is_bounded_for_long_texts(text: bytes) -> None:
    for body in (b'["' + text + b'"]', b'{"' + text + b'":0}', b'{"msg":"' + text + b'","code":-1}'):
        for status in (200, 400):
            with bounded_memory():
                hostile.read(None, RawResponse(status, {}, body))


@pytest.mark.parametrize("kind", ["many fields", "many fields in many rows", "many in a row"])
def test_an_undeclared_response_with_too_many_fields_is_rejected_soon(kind: str) -> None:
    def response(size: int) -> RawResponse:
        many: Any = {
            "many fields": {f"f{number}": 1 for number in range(3 * size)},
            "many fields in many rows": [{f"f{number}": 1} for number in range(size)],
            "many in a row": [list(range(3 * size))],
        }[kind]
        return RawResponse(200, {}, json.dumps(many).encode())

    small, large = response(1250), response(10_000)
    with bounded_memory():
        assert hostile.read(None, large) is None
    assert_in_proportion(lambda: hostile.read(None, small), lambda: hostile.read(None, large))


def test_numbers_with_equal_hashes_take_linear_time() -> None:
    (row,) = [
        json.loads(body)[0]
        for endpoint, body in documented()
        if endpoint.qualified_name == "exchange.rebates"
    ]

    def response(count: int) -> RawResponse:
        rows = [row | {"tradeId": (2**61 - 1) * number << 70} for number in range(count)]
        return RawResponse(200, {}, json.dumps(rows).encode())

    endpoint, small, large = ENDPOINTS_BY_NAME["exchange.rebates"], response(500), response(4000)
    frame = hostile.read(endpoint, large)
    assert frame is not None
    assert len(frame) == 4000
    assert_in_proportion(lambda: hostile.read(endpoint, small), lambda: hostile.read(endpoint, large))


def test_large_valid_responses_pass() -> None:
    rows = [{f"field{n}": "0.00012345" if n % 2 else 1_767_225_600_000 + n for n in range(40)}] * 1000
    symbols = [
        {f"field{n}": f"word{n}" for n in range(30)}
        | {"filters": [{"filterType": "PRICE", "a": "0.1", "b": "10.0"}] * 7, "types": ["LIMIT"] * 8}
        for _ in range(600)
    ]
    for payload in (rows, {"timezone": "UTC", "rateLimits": [{}], "symbols": symbols}):
        for indent in (None, 2):
            assert loads(json.dumps(payload, indent=indent).encode()) == payload


# -- one response ----------------------------------------------------------------------------------------


def test_an_oversized_error_is_classified_by_its_status_alone() -> None:
    body = b'{"code":-1102,"msg":"' + b"x" * (MAX_BODY_BYTES - 30) + b'"}'
    with bounded_memory():
        error = error_of("endpoint", "/sapi/v1/x", RawResponse(400, {}, body), NOW)
    assert isinstance(error, errors.ApiError)
    assert (error.code, error.message) == (None, "")


@pytest.mark.parametrize("character", ["!", "<", "é", "@", "%", "<a", "a@b", "%40"])
def test_long_messages_are_shortened_in_linear_time(character: str) -> None:
    def shorten(text: str) -> None:
        assert len(without_secrets(text, 120)) <= 120
        assert len(excerpt(RawResponse(200, {}, text.encode()))) <= 120
        for status in (400, 418, 500):
            for body in (text, json.dumps({"code": -1, "msg": text}), json.dumps({"msg": [[text]]})):
                error = error_of(
                    "endpoint", "/sapi/v1/x", RawResponse(status, {"Location": text}, body.encode()), NOW
                )
                assert len(str(error)) < hostile.LONGEST_TEXT

    assert_in_proportion(lambda: shorten(character * 3750), lambda: shorten(character * 30_000))


@pytest.mark.parametrize("before", [0, 30, 60, 122])
@pytest.mark.parametrize("shift", [0, 20, 40])
def test_shortening_a_text_never_shows_half_a_secret(before: int, shift: int) -> None:
    """The words before it are shortened, so that it moves into the visible part."""
    text = "A1b2" * 16 * before + " " * shift + '"' + "Zz9y" * 16 + '" rest' * 1000
    for shown in (without_secrets(text, 300), excerpt(RawResponse(200, {}, text.encode()))):
        assert "Zz9y" not in shown
        assert "A1b2" not in shown


HEADERS = ["7" * 10**6, "-5", "１２", "²", "1e999", "NaN", "inf", "-inf", "1_0", "", ",", "\x00", "0x10"]
HEADERS += [
    "Thu, 01 Jan 99999 00:00:00 GMT",
    "Thu, 01 Jan 0001 00:00:00 -0000",
    "Mon, 99 Foo 2026 99:99:99 +9999",
]


@pytest.mark.parametrize("value", HEADERS, ids=range(len(HEADERS)))
def test_odd_headers_are_ignored_or_bounded(value: str) -> None:
    headers = headers_of(value)
    for count in read_counts(headers):
        assert 0 <= count.used < 10**15
    wait = read_retry_after(headers, NOW)
    assert wait is None or 0 <= wait <= MAX_BAN_S
    read_date(headers)
    for status in (200, 302, 418, 429, 503):
        error = error_of("endpoint", "/sapi/v1/x", RawResponse(status, headers, b"{}"), NOW)
        if isinstance(error, errors.BannedError):
            assert 0 < error.until.timestamp() - NOW <= MAX_BAN_S
        assert len(str(error)) < hostile.LONGEST_TEXT


def test_a_write_with_an_error_code_under_http_200_is_unknown() -> None:
    body = json.dumps({"code": -1000, "msg": "x", "padding": "x" * 5000}).encode()
    assert classify("endpoint", "/sapi/v1/x", RawResponse(200, {}, body), NOW).executed is None


# -- mutated responses -----------------------------------------------------------------------------------

TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null|[\[\]{}:,]')
ODD = [b"null", b"true", b"0", b"-1", b"1e99", b"1e400", b"0.1", b"NaN", b"[]", b"{}", b"[[]]", b'""', b'"1"']
ODD += [
    b'"NaN"',
    b'"1e400"',
    b'"\xef\xbc\x91"',
    b'"\\ud800"',
    b'"\\u0000"',
    b"9" * 30,
    b'"' + b"9" * 50 + b'"',
]
ODD += [
    b"9" * 1000,
    b"[" * 30 + b"]" * 30,
    b",",
    b":",
    b'"',
    b"\xff",
    b'{"code":-1003,"msg":"x"}',
    b"18446744073709551616",
]
BODIES = list(documented())
STATUSES = st.sampled_from([200] * 8 + [201, 204, 302, 400, 401, 403, 404, 418, 429, 500, 503])


@st.composite
def mutated(draw: st.DrawFn, body: bytes) -> bytes:
    """A documented response with a few changes."""
    for _ in range(draw(st.integers(1, 3))):
        how = draw(st.sampled_from(["word", "word", "word", "twice", "insert", "flip", "cut", "encode"]))
        place = draw(st.integers(0, max(len(body) - 1, 0)))
        words = list(TOKEN.finditer(body))
        if how in ("word", "twice") and words:
            word = draw(st.sampled_from(words))
            other = draw(st.sampled_from(ODD)) if how == "word" else word[0] * 2
            body = body[: word.start()] + other + body[word.end() :]
        elif how == "insert":
            body = body[:place] + draw(st.sampled_from(ODD)) + body[place:]
        elif how == "flip" and body:
            body = body[:place] + bytes([body[place] ^ 1 << draw(st.integers(0, 7))]) + body[place + 1 :]
        elif how == "cut":
            body = body[:place]
        elif how == "encode":
            text = body.decode("utf-8", "replace")
            body = text.encode(draw(st.sampled_from(["utf-16", "utf-32", "utf-8-sig", "cp037"])), "replace")
    return body


cases = st.sampled_from(BODIES).flatmap(lambda case: st.tuples(st.just(case[0]), mutated(case[1])))


@settings(max_examples=2 * settings().max_examples)
@given(cases, st.sampled_from(["float", "exact"]), STATUSES)
def test_a_mutated_response_gives_a_frame_or_a_toolkit_error(
    case: tuple[Endpoint, bytes], numbers: Any, status: int
) -> None:
    endpoint, body = case
    response = RawResponse(status, {}, body)
    if isinstance(endpoint, Write):
        result = hostile.write(endpoint, response)
        if result.executed:
            assert status == 200
            assert isinstance(loads(body), dict)
    else:
        frame = hostile.read(endpoint, response, numbers)
        assert frame is None or list(frame.columns) == [column.name for column in endpoint.columns]
    hostile.read(None, response, numbers)


@given(
    st.one_of(st.binary(max_size=200), st.text(max_size=100).map(str.encode)),
    st.sampled_from(BODIES),
    STATUSES,
)
def test_any_bytes_give_a_frame_or_a_toolkit_error(
    body: bytes, case: tuple[Endpoint, bytes], status: int
) -> None:
    response = RawResponse(status, headers_of(body.decode("latin-1")), body)
    hostile.read(None, response)
    hostile.read(case[0], response)
    hostile.write(case[0], response)


@pytest.mark.parametrize("numbers", ["float", "exact"])
def test_the_documented_responses_pass(numbers: Any) -> None:
    for endpoint, body in BODIES:
        if isinstance(endpoint, Write):
            assert hostile.write(endpoint, RawResponse(200, {}, body)).executed, endpoint.qualified_name
        else:
            assert hostile.read(endpoint, RawResponse(200, {}, body), numbers) is not None, (
                endpoint.qualified_name
            )


# -- over a socket -------------------------------------------------------------------------------------

KEEP_ALIVE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
HEAD = KEEP_ALIVE + b"Connection: close\r\n"
GZIP = HEAD + b"Content-Encoding: gzip\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNK = b" " * 4096
TIMEOUT = (0.1, 0.25)
"""Endless responses are stopped by their size, or by this on a busy machine."""
SHORT_TIMEOUT = (0.05, 0.1)
"""For a test in which the time-out passes five times."""
MAX_STREAMING_S = 4.0
"""Seconds after which a server stops streaming, so that a client without bounds fails the test."""
(GOOD,) = [body for endpoint, body in BODIES if endpoint is PARTNER]


class HostileServer(RecordingServer):
    """Serves the time correctly, and a hostile response to everything else.

    Attributes:
        streamed: Bytes of responses that were sent.
        gave_up: Whether it stopped streaming before the client closed the connection.
    """

    def __init__(self, response: Callable[[HostileServer, socket.socket], None]) -> None:
        self.streamed = 0
        self.gave_up = False
        self._respond = response
        super().__init__()

    @property
    def requests(self) -> int:
        """Number of requests that got the hostile response."""
        return len([sent for sent in self.sent if not sent.target.startswith(("/api/v3/time", "/sandbox"))])

    def stream(self, sock: socket.socket, chunk: bytes, pause: float = 0.0) -> None:
        """Send the same chunk again and again until the client closes the connection, or for too long."""
        until = time.monotonic() + MAX_STREAMING_S
        while not self._done.wait(pause) if pause else not self._done.is_set():
            if time.monotonic() > until:
                self.gave_up = True
                return
            sock.sendall(chunk)
            self.streamed += len(chunk)

    def _serve(self, sock: socket.socket, number: int) -> None:
        with suppress(OSError), sock:
            while raw := recording.read_request(sock):
                self.sent.append(RecordedRequest(number, raw))
                if b"/sandbox" in raw:
                    sock.sendall(recording.answer(404))
                elif b"/time" in raw:
                    sock.sendall(recording.answer(200, b'{"serverTime":%d}' % (NOW * 1000)))
                else:
                    self._respond(self, sock)
                    return


def reply(*parts: bytes) -> Callable[[HostileServer, socket.socket], None]:
    return lambda self, sock: sock.sendall(b"".join(parts))


def stream(
    begin: bytes, chunk: bytes = CHUNK, pause: float = 0.0
) -> Callable[[HostileServer, socket.socket], None]:
    def response(self: HostileServer, sock: socket.socket) -> None:
        sock.sendall(begin)
        self.stream(sock, chunk, pause)

    return response


def bomb() -> bytes:
    """100 MiB that begin as JSON, compressed to a thousandth."""
    compressor = zlib.compressobj(wbits=31)
    return (
        compressor.compress(b'["')
        + b"".join(compressor.compress(b"a" * MIB) for _ in range(100))
        + compressor.flush()
    )


def with_length(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


COMPRESSED = gzip.compress(GOOD)
TOO_LARGE, TOO_SLOW, CUT_OFF, BAD_ENCODING = (
    "larger than 1[67] MiB|end in time",
    "end in time",
    "cut off at each of 4 attempts",
    "compress|damaged",
)
HOSTILE_BODIES: dict[str, tuple[Callable[[HostileServer, socket.socket], None], str]] = {
    "bomb": (reply(GZIP, with_length(bomb())), TOO_LARGE),
    "endless": (stream(HEAD + b"\r\n"), TOO_LARGE),
    "endless chunks": (stream(CHUNKED, b"1000\r\n" + CHUNK + b"\r\n"), TOO_LARGE),
    "endless chunk": (stream(CHUNKED + b"f" * 100 + b"\r\n"), TOO_LARGE),
    "endless chunk size": (stream(CHUNKED, b"0" * 4096), f"{TOO_LARGE}|{CUT_OFF}"),
    "endless trailers": (
        stream(CHUNKED + b"2\r\n{}\r\n0\r\n", b"a: b\r\n" * 700),
        TOO_LARGE,
    ),
    "huge length": (stream(HEAD + b"Content-Length: 4611686018427387904\r\n\r\n"), TOO_LARGE),
    "dripping": (stream(HEAD + b"\r\n", b" ", 0.03), TOO_SLOW),
    "dripping chunks": (stream(CHUNKED, b"1\r\n \r\n", 0.03), TOO_SLOW),
    "dripping, compressed": (stream(GZIP + b"\r\n" + COMPRESSED[:10], b"\0\0\0\xff\xff", 0.03), TOO_SLOW),
    "shorter than its length": (reply(HEAD, b"Content-Length: 900\r\n\r\n", GOOD), CUT_OFF),
    "negative chunk size": (reply(CHUNKED, b"-5\r\n", GOOD), CUT_OFF),
    "invalid chunk size": (reply(CHUNKED, b"zz\r\n", GOOD), CUT_OFF),
    "compressed and cut off": (reply(GZIP, with_length(COMPRESSED[:-9])), CUT_OFF),
    "br": (reply(HEAD, b"Content-Encoding: br\r\n", with_length(b"x" * 50)), BAD_ENCODING),
    "gzip twice": (reply(HEAD, b"Content-Encoding: gzip, gzip\r\n", with_length(COMPRESSED)), BAD_ENCODING),
    "deflate": (
        reply(HEAD, b"Content-Encoding: deflate\r\n", with_length(zlib.compress(GOOD))),
        BAD_ENCODING,
    ),
    "not compressed": (reply(GZIP, with_length(GOOD)), BAD_ENCODING),
    "wrong checksum": (reply(GZIP, with_length(COMPRESSED[:-6] + b"\0" * 6)), BAD_ENCODING),
    "data after the end": (reply(GZIP, with_length(COMPRESSED + b"more")), BAD_ENCODING),
    "longer than its length": (reply(HEAD, b"Content-Length: 20\r\n\r\n", GOOD), "not JSON"),
}
HOSTILE_HEADS = {
    "endless headers": stream(HEAD, b"X-More: yes\r\n" * 100),
    "endless line": stream(HEAD + b"X-More: "),
    "endless 100 Continue": stream(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "dripping head": stream(HEAD, b"X", 0.01),
    "two lengths": reply(HEAD, b"Content-Length: 5\r\nContent-Length: 7\r\n\r\n", GOOD),
    "not HTTP": reply(b"\x16\x03\x01" * 100),
}


def timeout_for(reason: str) -> tuple[float, float]:
    """A short time-out only for responses that it may end."""
    return TIMEOUT if TOO_SLOW in reason else PATIENT


@contextmanager
def hostile_server(
    response: Callable[[HostileServer, socket.socket], None], timeout: tuple[float, float] = TIMEOUT
) -> Iterator[tuple[HostileServer, toolkit.Link]]:
    server = HostileServer(response)
    hosts = dict.fromkeys(BASE_URLS, server.address)
    try:
        with toolkit.Link(
            key=KEY, secret=SECRET, hosts=hosts, clock=FakeClock(), timeout=timeout, progress=False
        ) as link:
            yield server, link
        assert not server.gave_up, "the client read for too long"
    finally:
        server.close()


@pytest.mark.parametrize("kind", HOSTILE_BODIES)
def test_a_read_of_a_hostile_response_ends_soon_in_bounded_memory(kind: str) -> None:
    response, reason = HOSTILE_BODIES[kind]
    with hostile_server(response, timeout_for(reason)) as (server, link):
        with bounded_memory(MAX_BODY_BYTES), pytest.raises(errors.ContractError, match=reason) as caught:
            link.exchange.partner()
        assert server.requests == (4 if CUT_OFF in str(caught.value) else 1), (
            "only a truncated response is retried"
        )
        assert server.streamed < 2 * MAX_BODY_BYTES, "no more is read"
        assert not [text for text in locals_shown(caught.value) if KEY in text or "signature=" in text]


@pytest.mark.parametrize("kind", HOSTILE_BODIES)
def test_a_write_with_a_hostile_response_is_unknown(kind: str) -> None:
    response, reason = HOSTILE_BODIES[kind]
    with memory_folder() as folder, hostile_server(response, timeout_for(reason)) as (server, link):
        ops = link.operations(confirm="live", journal=folder)
        with bounded_memory(MAX_BODY_BYTES):
            outcome = ops.exchange.transfer("BNB", "1", to_id="1", client_tran_id="mine")
        assert outcome.status == "unknown", outcome
        assert server.requests == 1


@pytest.mark.parametrize("kind", HOSTILE_HEADS)
def test_the_head_of_a_response_is_bounded(kind: str) -> None:
    timeout = SHORT_TIMEOUT if kind == "dripping head" else TIMEOUT
    with memory_folder() as folder, hostile_server(HOSTILE_HEADS[kind], timeout) as (server, link):
        with bounded_memory(), pytest.raises(errors.NoResponseError):
            link.exchange.partner()
        outcome = link.operations(confirm="live", journal=folder).exchange.transfer(
            "BNB", "1", to_id="1", client_tran_id="x"
        )
        assert outcome.status == "unknown"
        assert server.requests == 5
        assert server.streamed < server.requests * 8 * MIB, "the size of socket buffers"


@pytest.mark.parametrize("status", [b"400 Bad", b"503 Down"])
def test_an_endless_error_is_classified_by_its_status(status: bytes) -> None:
    head = b"HTTP/1.1 " + status + b"\r\n\r\n<p>No such thing."
    with hostile_server(stream(head)) as (server, link):
        kind = errors.ApiError if status.startswith(b"4") else errors.ServerError
        with bounded_memory(), pytest.raises(kind, match="No such thing"):
            link.exchange.partner()
        assert server.streamed < server.requests * 8 * MIB


def test_a_compressed_response_is_read_and_its_connection_reused() -> None:
    class CompressingServer(HostileServer):
        def _serve(self, sock: socket.socket, number: int) -> None:
            with suppress(OSError), sock:
                while raw := recording.read_request(sock):
                    self.sent.append(RecordedRequest(number, raw))
                    body = b'{"serverTime":%d}' % (NOW * 1000) if b"/time" in raw else GOOD
                    sock.sendall(
                        KEEP_ALIVE + b"Content-Encoding: gzip\r\n" + with_length(gzip.compress(body))
                    )

    server = CompressingServer(reply(b""))
    hosts = dict.fromkeys(BASE_URLS, server.address)
    try:
        with toolkit.Link(key=KEY, secret=SECRET, hosts=hosts, clock=FakeClock(), timeout=(5, 5)) as link:
            for _ in range(3):
                assert len(link.exchange.partner()) == 1
        assert {sent.headers["accept-encoding"] for sent in server.sent} == {"gzip"}
        assert server.connections == 1
    finally:
        server.close()


@pytest.mark.parametrize(
    "server_time",
    [
        b'{"serverTime":' + b"9" * 390 + b"}",
        b'{"serverTime":-1}',
        b'{"serverTime":true}',
        b'{"serverTime":1e99}',
        b"[" * 5000,
        b'{"serverTime":[]}',
    ],
)
def test_an_invalid_server_time_is_ignored(server_time: bytes) -> None:
    class WrongClockServer(HostileServer):
        def _serve(self, sock: socket.socket, number: int) -> None:
            with suppress(OSError), sock:
                while raw := recording.read_request(sock):
                    sock.sendall(recording.answer(200, server_time if b"/time" in raw else GOOD))

    server = WrongClockServer(reply(b""))
    hosts = dict.fromkeys(BASE_URLS, server.address)
    try:
        with toolkit.Link(key=KEY, secret=SECRET, hosts=hosts, clock=FakeClock(), timeout=(5, 5)) as link:
            assert len(link.exchange.partner()) == 1
            assert link.clock_offset("api") is None
    finally:
        server.close()
