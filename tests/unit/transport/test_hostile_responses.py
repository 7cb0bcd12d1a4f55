"""What comes back is never trusted: whatever it is, an error of ours comes out, soon, in little memory."""

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
from tests.support import hostile, recording
from tests.support.clocks import FakeClock
from tests.support.effort import assert_in_proportion, effort
from tests.support.hostile import NOW, documented, headers_of
from tests.support.recording import CompletedRequest, RecordingServer
from tests.support.traces import locals_shown
from tests.support.writes import memory_folder
from toolkit import errors
from toolkit.endpoints import BASE_URLS, ENDPOINTS_BY_NAME, Endpoint, Write
from toolkit.ratelimit.headers import read_counts
from toolkit.timing.http_dates import MAX_BAN_S, read_date, read_retry_after
from toolkit.transport.connections import MAX_BODY_BYTES
from toolkit.transport.responses import RawResponse, classify, decode, error_of, excerpt, without_secrets
from toolkit.transport.strict_json import DEEPEST, Unreadable, read

MIB = 1 << 20
ROOM = 64 * MIB
"""What an answer may take besides its own size."""
KEY, SECRET = "k" * 64, "s" * 64
PARTNER = ENDPOINTS_BY_NAME["exchange.partner"]


@contextmanager
def little_memory(size: int = 0) -> Iterator[None]:
    """Python's memory grows by no more than there is room for."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= ROOM + size, f"{peak / MIB:.0f} MiB"


# -- one text ------------------------------------------------------------------------------------------

REFUSED = {
    "a million digits": (b"[" + b"7" * 10**6 + b"]", "more digits"),
    "a million digits behind the point": (b"[0." + b"7" * 10**6 + b"]", "more digits"),
    "cut off within a number": (b'["' + b"x" * 396 + b'",1767000', "not JSON, or was cut off"),
    "a long number": (b"[0." + b"7" * 100 + b"]", "longer, larger"),
    "a large number": (b"[1e999999999]", "longer, larger"),
    "a small number": (b"[1e-999999999]", "longer, larger"),
    "nought, and large": (b"[0e999999999]", "longer, larger"),
    "larger than a Decimal": (b"[1e9223372036854775808]", "longer, larger"),
    "NaN": (b'{"a":NaN}', "not JSON"),
    "infinity": (b'{"a":-Infinity}', "not JSON"),
    "a field twice": (b'{"a":1,"a":2}', "a field twice"),
    "a field twice, deep": (b'[{"b":[{"a:":1,"c":0,"a:":1}]}]', "a field twice"),
    "a field twice, spelt differently": (b'{"a":1,"\\u0061":2}', "a field twice"),
    "levels": (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), "nested deeper"),
    "levels of objects": (b'{"a":' * (DEEPEST + 1) + b"1" + b"}" * (DEEPEST + 1), "nested deeper"),
    "levels under brackets in texts": (
        b'["[{",' * (DEEPEST + 1) + b"1" + b"]" * (DEEPEST + 1),
        "nested deeper",
    ),
    "levels without end": (b"[" * 100_000, "not JSON"),
    "half a character": (b'["\\ud800"]', "half a character"),
    "the other half": (b'["\\udc00\\ud800"]', "half a character"),
    "half behind a whole one": (b'["\\ud83d\\ude00\\uDE00"]', "half a character"),
    "half behind a backslash": (b'["\\\\ud83d\\ude00"]', "half a character"),
    "latin-1": (b'["\xe9"]', "not UTF-8"),
    "half a character in UTF-8": (b'["\xed\xa0\x80"]', "not UTF-8"),
    "UTF-16": ("[]".encode("utf-16"), "not UTF-8"),
    "a mark before it": (b"\xef\xbb\xbf[]", "not JSON"),
    "nothing": (b"", "not JSON"),
    "two": (b"[][]", "not JSON"),
    "a line in a text": (b'["\n"]', "not JSON"),
}


@pytest.mark.parametrize(("body", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_no_answer_needs_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(errors.ContractError, match=f"endpoint: the answer .*{reason}") as caught:
        decode("endpoint", RawResponse(200, {}, body))
    assert caught.value.__context__ is None, "the other error would hold the answer"
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
        (b"[" * DEEPEST + b"]" * DEEPEST, None),
    ],
)
def test_what_an_answer_may_hold_is_read(body: bytes, value: Any) -> None:
    assert read(body) == (json.loads(body) if value is None else value)


def test_nothing_changes_where_python_lifts_its_own_bounds() -> None:
    def refuse(body: bytes) -> None:
        with suppress(Unreadable):
            read(body)

    bounded = {body: effort(lambda: refuse(body)) for body, _ in REFUSED.values()}  # noqa: B023
    digits, levels = sys.get_int_max_str_digits(), sys.getrecursionlimit()
    sys.set_int_max_str_digits(0)
    sys.setrecursionlimit(10**6)
    try:
        for body, reason in REFUSED.values():
            with pytest.raises(Unreadable, match=f"{reason}|nested deeper"):
                read(body)
            assert effort(lambda: refuse(body)) < 50 * bounded[body]  # noqa: B023 - called at once
        assert read(b'[[{"a":"[[[[[["},{"b":"\\"}"}]' * 1 + b"]") == [[{"a": "[[[[[["}, {"b": '"}'}]]
    finally:
        sys.setrecursionlimit(levels)
        sys.set_int_max_str_digits(digits)


SHAPES = {
    "lists": b"[],",
    "objects": b"{},",
    "lists of one": b"[0],",
    "objects of one": b'{"a":1},',
    "objects of one, with a colon": b'{":":1},',
    "objects of nought": b'{"":0},',
    "objects of eleven": b'{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"j":0,"k":0},',
    "levels": b"[" * 18 + b"]" * 18 + b",",
    "short texts": b'"ab",',
    "wide texts": '"😀",'.encode(),
    "escaped texts": b'"\\ud83d\\ude00",',
    "whole numbers": b"1000,",
    "amounts": b"1.5,",
}


# Of these each costs most for its length, in a way of its own.
WORST = ("lists", "objects of nought", "levels", "wide texts")
MANY = [("unlisted", name, MIB // 2) for name in WORST if name != "levels"]
LONG_TO_READ = [("unlisted", "levels", MIB // 2)]
"""Which takes seconds, so that `make endurance` has it."""
MANY += [(path, name, 2 * MIB) for path in ("unlisted", "listed") for name in SHAPES]
MANY += [(path, name, MAX_BODY_BYTES) for path in ("unlisted", "listed") for name in WORST]


@pytest.mark.parametrize(("path", "name", "size"), MANY)
def test_memory_is_bounded_for_what_is_many(path: str, name: str, size: int) -> None:
    read_many(path, name, size)


def read_many(path: str, name: str, size: int) -> None:
    endpoint, piece = PARTNER if path == "listed" else None, SHAPES[name]
    body = b"[" + piece * (size // len(piece)) + b"0]"
    with little_memory():
        hostile.read(endpoint, RawResponse(200, {}, body))


SLOW_RESPONSE_S = {
    "a text": b"a" * MAX_BODY_BYTES,
    "a text, a rare character last": b"a" * MAX_BODY_BYTES + "😀".encode(),
    "a text, half a dozen wide": b"a" * (4 * MIB) + "😀\\n".encode(),
    "a text, escaped": b"a" * (4 * MIB) + b"\\ud83d\\ude00",
    "escapes": b"\\n" * (MAX_BODY_BYTES // 2),
    "escaped characters": b"\\ud83d\\ude00" * (3 * MIB // 12),
    "key": b'":1,"' + b"a" * (2 * MIB),
}


@pytest.mark.parametrize("text", SLOW_RESPONSE_S.values(), ids=SLOW_RESPONSE_S.keys())
def test_memory_is_bounded_for_what_is_long(text: bytes) -> None:
    for body in (b'["' + text + b'"]', b'{"' + text + b'":0}', b'{"msg":"' + text + b'","code":-1}'):
        for status in (200, 400):
            with little_memory():
                hostile.read(None, RawResponse(status, {}, body))


@pytest.mark.parametrize("kind", ["many fields", "many fields in many rows", "many in a row"])
def test_an_unlisted_answer_of_more_fields_than_any_is_refused_soon(kind: str) -> None:
    def answer(size: int) -> RawResponse:
        many: Any = {
            "many fields": {f"f{number}": 1 for number in range(3 * size)},
            "many fields in many rows": [{f"f{number}": 1} for number in range(size)],
            "many in a row": [list(range(3 * size))],
        }[kind]
        return RawResponse(200, {}, json.dumps(many).encode())

    small, large = answer(1250), answer(10_000)
    with little_memory():
        assert hostile.read(None, large) is None
    assert_in_proportion(lambda: hostile.read(None, small), lambda: hostile.read(None, large))


def test_numbers_that_hash_alike_do_not_take_for_ever() -> None:
    (row,) = [
        json.loads(body)[0]
        for endpoint, body in documented()
        if endpoint.qualified_name == "exchange.rebates"
    ]

    def answer(count: int) -> RawResponse:
        rows = [row | {"tradeId": (2**61 - 1) * number << 70} for number in range(count)]
        return RawResponse(200, {}, json.dumps(rows).encode())

    endpoint, small, large = ENDPOINTS_BY_NAME["exchange.rebates"], answer(500), answer(4000)
    frame = hostile.read(endpoint, large)
    assert frame is not None
    assert len(frame) == 4000
    assert_in_proportion(lambda: hostile.read(endpoint, small), lambda: hostile.read(endpoint, large))


def test_large_answers_of_an_exchange_that_means_well_pass() -> None:
    rows = [{f"field{n}": "0.00012345" if n % 2 else 1_767_225_600_000 + n for n in range(40)}] * 1000
    symbols = [
        {f"field{n}": f"word{n}" for n in range(30)}
        | {"filters": [{"filterType": "PRICE", "a": "0.1", "b": "10.0"}] * 7, "types": ["LIMIT"] * 8}
        for _ in range(600)
    ]
    for payload in (rows, {"timezone": "UTC", "rateLimits": [{}], "symbols": symbols}):
        for indent in (None, 2):
            assert read(json.dumps(payload, indent=indent).encode()) == payload


# -- one answer ----------------------------------------------------------------------------------------


def test_a_refusal_too_long_is_known_by_its_status_and_not_decoded() -> None:
    body = b'{"code":-1102,"msg":"' + b"x" * (MAX_BODY_BYTES - 30) + b'"}'
    with little_memory():
        error = error_of("endpoint", "/sapi/v1/x", RawResponse(400, {}, body), NOW)
    assert isinstance(error, errors.ApiError)
    assert (error.code, error.message) == (None, "")


@pytest.mark.parametrize("character", ["!", "<", "é", "@", "%", "<a", "a@b", "%40"])
def test_words_of_any_length_are_shortened_soon(character: str) -> None:
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
def test_half_a_secret_is_not_shown_where_a_text_is_cut(before: int, shift: int) -> None:
    """The words in front of it become one short one, so that it moves to where it would show."""
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
def test_odd_headers_count_nothing_and_stop_nobody_for_ever(value: str) -> None:
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


def test_a_write_is_not_believed_when_its_answer_has_the_code_of_an_error() -> None:
    body = json.dumps({"code": -1000, "msg": "x", "padding": "x" * 5000}).encode()
    assert classify("endpoint", "/sapi/v1/x", RawResponse(200, {}, body), NOW).executed is None


# -- mutated answers -----------------------------------------------------------------------------------

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
    """A documented answer, changed in a few places."""
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
def test_a_mutated_answer_is_a_frame_or_an_error_of_ours(
    case: tuple[Endpoint, bytes], numbers: Any, status: int
) -> None:
    endpoint, body = case
    answer = RawResponse(status, {}, body)
    if isinstance(endpoint, Write):
        result = hostile.write(endpoint, answer)
        if result.executed:
            assert status == 200
            assert isinstance(read(body), dict)
    else:
        frame = hostile.read(endpoint, answer, numbers)
        assert frame is None or list(frame.columns) == [column.name for column in endpoint.columns]
    hostile.read(None, answer, numbers)


@given(
    st.one_of(st.binary(max_size=200), st.text(max_size=100).map(str.encode)),
    st.sampled_from(BODIES),
    STATUSES,
)
def test_so_is_anything_at_all(body: bytes, case: tuple[Endpoint, bytes], status: int) -> None:
    answer = RawResponse(status, headers_of(body.decode("latin-1")), body)
    hostile.read(None, answer)
    hostile.read(case[0], answer)
    hostile.write(case[0], answer)


@pytest.mark.parametrize("numbers", ["float", "exact"])
def test_the_documented_answers_themselves_pass(numbers: Any) -> None:
    for endpoint, body in BODIES:
        if isinstance(endpoint, Write):
            assert hostile.write(endpoint, RawResponse(200, {}, body)).executed, endpoint.qualified_name
        else:
            assert hostile.read(endpoint, RawResponse(200, {}, body), numbers) is not None, (
                endpoint.qualified_name
            )


# -- over the wire -------------------------------------------------------------------------------------

KEPT = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
HEAD = KEPT + b"Connection: close\r\n"
GZIP = HEAD + b"Content-Encoding: gzip\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
PIECE = b" " * 4096
PATIENCE = (0.1, 0.25)
"""Whatever pours without end is stopped by its size, or by its time on a machine that is busy."""
SHORT = (0.05, 0.1)
"""Where the time runs out five times."""
ENOUGH = 4.0
"""Seconds after which nobody pours on, so that a test fails whose other side would never have enough."""
(GOOD,) = [body for endpoint, body in BODIES if endpoint is PARTNER]


class Impostor(RecordingServer):
    """Tells the time as it should, and answers everything else as it is told to.

    Attributes:
        poured: Bytes of answers that it got rid of.
        tired: Whether it stopped pouring before the other side had enough.
    """

    def __init__(self, answer: Callable[[Impostor, socket.socket], None]) -> None:
        self.poured = 0
        self.tired = False
        self._rude = answer
        super().__init__()

    @property
    def asked(self) -> int:
        """Requests that were answered as it was told to."""
        return len([sent for sent in self.sent if not sent.target.startswith(("/api/v3/time", "/sandbox"))])

    def pour(self, line: socket.socket, piece: bytes, pause: float = 0.0) -> None:
        """Send the same again and again, until the other side has enough or it is tired of it."""
        until = time.monotonic() + ENOUGH
        while not self._done.wait(pause) if pause else not self._done.is_set():
            if time.monotonic() > until:
                self.tired = True
                return
            line.sendall(piece)
            self.poured += len(piece)

    def _serve(self, line: socket.socket, number: int) -> None:
        with suppress(OSError), line:
            while raw := recording.read_request(line):
                self.sent.append(CompletedRequest(number, raw))
                if b"/sandbox" in raw:
                    line.sendall(recording.answer(404))
                elif b"/time" in raw:
                    line.sendall(recording.answer(200, b'{"serverTime":%d}' % (NOW * 1000)))
                else:
                    self._rude(self, line)
                    return


def say(*parts: bytes) -> Callable[[Impostor, socket.socket], None]:
    return lambda self, line: line.sendall(b"".join(parts))


def pour(begin: bytes, piece: bytes = PIECE, pause: float = 0.0) -> Callable[[Impostor, socket.socket], None]:
    def answer(self: Impostor, line: socket.socket) -> None:
        line.sendall(begin)
        self.pour(line, piece, pause)

    return answer


def bomb() -> bytes:
    """100 MiB, in a thousandth of them, that begin as JSON."""
    packer = zlib.compressobj(wbits=31)
    return packer.compress(b'["') + b"".join(packer.compress(b"a" * MIB) for _ in range(100)) + packer.flush()


def length(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


PACKED = gzip.compress(GOOD)
LARGER, COUNT_DELAY_S, CUT, PACKING = (
    "larger than any|end in time",
    "end in time",
    "cut off at each of 4 attempts",
    "compressed",
)
IMPOSTORS: dict[str, tuple[Callable[[Impostor, socket.socket], None], str]] = {
    "bomb": (say(GZIP, length(bomb())), LARGER),
    "no end": (pour(HEAD + b"\r\n"), LARGER),
    "no end of chunks": (pour(CHUNKED, b"1000\r\n" + PIECE + b"\r\n"), LARGER),
    "no end of a chunk": (pour(CHUNKED + b"f" * 100 + b"\r\n"), LARGER),
    "no end of a chunk's size": (pour(CHUNKED, b"0" * 4096), f"{LARGER}|{CUT}"),
    "no end of what follows the chunks": (
        pour(CHUNKED + b"2\r\n{}\r\n0\r\n", b"a: b\r\n" * 700),
        LARGER,
    ),
    "a length beyond all": (pour(HEAD + b"Content-Length: 4611686018427387904\r\n\r\n"), LARGER),
    "dripping": (pour(HEAD + b"\r\n", b" ", 0.03), COUNT_DELAY_S),
    "dripping chunks": (pour(CHUNKED, b"1\r\n \r\n", 0.03), COUNT_DELAY_S),
    "dripping, packed": (pour(GZIP + b"\r\n" + PACKED[:10], b"\0\0\0\xff\xff", 0.03), COUNT_DELAY_S),
    "less than its length": (say(HEAD, b"Content-Length: 900\r\n\r\n", GOOD), CUT),
    "a chunk of less than no length": (say(CHUNKED, b"-5\r\n", GOOD), CUT),
    "a chunk of no number": (say(CHUNKED, b"zz\r\n", GOOD), CUT),
    "packed and cut off": (say(GZIP, length(PACKED[:-9])), CUT),
    "packed by br": (say(HEAD, b"Content-Encoding: br\r\n", length(b"x" * 50)), PACKING),
    "packed twice": (say(HEAD, b"Content-Encoding: gzip, gzip\r\n", length(PACKED)), PACKING),
    "packed as deflate": (say(HEAD, b"Content-Encoding: deflate\r\n", length(zlib.compress(GOOD))), PACKING),
    "not packed": (say(GZIP, length(GOOD)), PACKING),
    "packed wrongly": (say(GZIP, length(PACKED[:-6] + b"\0" * 6)), PACKING),
    "packed, and more": (say(GZIP, length(PACKED + b"more")), PACKING),
    "less than there is": (say(HEAD, b"Content-Length: 20\r\n\r\n", GOOD), "not JSON"),
}
HEADS = {
    "a head without end": pour(HEAD, b"X-More: yes\r\n" * 100),
    "a line without end": pour(HEAD + b"X-More: "),
    "welcomes without end": pour(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "a dripping head": pour(HEAD, b"X", 0.01),
    "two lengths": say(HEAD, b"Content-Length: 5\r\nContent-Length: 7\r\n\r\n", GOOD),
    "no HTTP": say(b"\x16\x03\x01" * 100),
}


@contextmanager
def impostor(
    answer: Callable[[Impostor, socket.socket], None], timeout: tuple[float, float] = PATIENCE
) -> Iterator[tuple[Impostor, toolkit.Link]]:
    server = Impostor(answer)
    hosts = dict.fromkeys(BASE_URLS, server.address)
    try:
        with toolkit.Link(
            key=KEY, secret=SECRET, hosts=hosts, clock=FakeClock(), timeout=timeout, progress=False
        ) as link:
            yield server, link
        assert not server.tired, "it was heard for ever"
    finally:
        server.close()


@pytest.mark.parametrize("kind", IMPOSTORS)
def test_a_read_ends_soon_within_little_memory(kind: str) -> None:
    answer, reason = IMPOSTORS[kind]
    with impostor(answer) as (server, link):
        with little_memory(MAX_BODY_BYTES), pytest.raises(errors.ContractError, match=reason) as caught:
            link.exchange.partner()
        assert server.asked == (4 if CUT in str(caught.value) else 1), (
            "what is cut off is asked for again, and no other"
        )
        assert server.poured < 2 * MAX_BODY_BYTES, "no more is taken in"
        assert not [text for text in locals_shown(caught.value) if KEY in text or "signature=" in text]


@pytest.mark.parametrize("kind", IMPOSTORS)
def test_a_write_answered_like_this_is_unknown(kind: str) -> None:
    with memory_folder() as folder, impostor(IMPOSTORS[kind][0]) as (server, link):
        ops = link.operations(confirm="live", journal=folder)
        with little_memory(MAX_BODY_BYTES):
            outcome = ops.exchange.transfer("BNB", "1", to_id="1", client_tran_id="mine")
        assert outcome.status == "unknown", outcome
        assert server.asked == 1


@pytest.mark.parametrize("kind", HEADS)
def test_a_head_is_bounded_as_well(kind: str) -> None:
    timeout = SHORT if kind == "a dripping head" else PATIENCE
    with memory_folder() as folder, impostor(HEADS[kind], timeout) as (server, link):
        with little_memory(), pytest.raises(errors.NoResponseError):
            link.exchange.partner()
        outcome = link.operations(confirm="live", journal=folder).exchange.transfer(
            "BNB", "1", to_id="1", client_tran_id="x"
        )
        assert outcome.status == "unknown"
        assert server.asked == 5
        assert server.poured < server.asked * 8 * MIB, "what the sockets hold"


@pytest.mark.parametrize("status", [b"400 Bad", b"503 Down"])
def test_a_refusal_without_end_is_known_by_its_status(status: bytes) -> None:
    head = b"HTTP/1.1 " + status + b"\r\n\r\n<p>No such thing."
    with impostor(pour(head)) as (server, link):
        kind = errors.ApiError if status.startswith(b"4") else errors.ServerError
        with little_memory(), pytest.raises(kind, match="No such thing"):
            link.exchange.partner()
        assert server.poured < server.asked * 8 * MIB


def test_a_packed_answer_is_read_and_its_connection_kept() -> None:
    class Packing(Impostor):
        def _serve(self, line: socket.socket, number: int) -> None:
            with suppress(OSError), line:
                while raw := recording.read_request(line):
                    self.sent.append(CompletedRequest(number, raw))
                    body = b'{"serverTime":%d}' % (NOW * 1000) if b"/time" in raw else GOOD
                    line.sendall(KEPT + b"Content-Encoding: gzip\r\n" + length(gzip.compress(body)))

    server = Packing(say(b""))
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
    "told",
    [
        b'{"serverTime":' + b"9" * 390 + b"}",
        b'{"serverTime":-1}',
        b'{"serverTime":true}',
        b'{"serverTime":1e99}',
        b"[" * 5000,
        b'{"serverTime":[]}',
    ],
)
def test_a_time_that_is_none_is_not_believed(told: bytes) -> None:
    class Liar(Impostor):
        def _serve(self, line: socket.socket, number: int) -> None:
            with suppress(OSError), line:
                while raw := recording.read_request(line):
                    line.sendall(recording.answer(200, told if b"/time" in raw else GOOD))

    server = Liar(say(b""))
    hosts = dict.fromkeys(BASE_URLS, server.address)
    try:
        with toolkit.Link(key=KEY, secret=SECRET, hosts=hosts, clock=FakeClock(), timeout=(5, 5)) as link:
            assert len(link.exchange.partner()) == 1
            assert link.clock_offset("api") is None
    finally:
        server.close()
