"""Answers that are compressed: read as the standards say (RFC 9110, 8.4; RFC 1952, 2.2), within bounds."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

import pytest

from tests.support import recording
from tests.support.recording import RecordingServer, recording_server
from toolkit.endpoints import BASE_URLS
from toolkit.transport.connections import MAX_BODY_BYTES
from toolkit.transport.responses import RawResponse
from toolkit.transport.session import Session, TransportFailure

TEXT = b'{"customerId":"%s"}' % (b"c" * 300)
HALVES = gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:])


@pytest.fixture(scope="module")
def way() -> Iterator[tuple[RecordingServer, Session]]:
    with recording_server() as server:
        session = Session(dict.fromkeys(BASE_URLS, server.address), timeout=(5, 5), trust_env=False)
        yield server, session
        session.close()


def received(way: tuple[RecordingServer, Session], body: bytes, *encodings: bytes) -> RawResponse:
    server, session = way
    headers = [b"Content-Encoding: " + each for each in encodings]
    said = recording.answer(200, body, *headers)
    server._answer = lambda raw: said  # type: ignore[method-assign]
    return session.get("api", "/x", "", None)


@pytest.mark.parametrize(
    "name", [b"gzip", b"x-gzip", b"GZIP", b"X-GZip", b" gzip ", b"gzip, identity", b",gzip"]
)
def test_every_name_of_gzip_is_known(way: tuple[RecordingServer, Session], name: bytes) -> None:
    assert received(way, gzip.compress(TEXT), name).body == TEXT


def test_headers_of_one_name_are_one_list(way: tuple[RecordingServer, Session]) -> None:
    assert received(way, gzip.compress(TEXT), b"identity", b"gzip").body == TEXT
    assert received(way, gzip.compress(gzip.compress(TEXT)), b"gzip", b"gzip").defect


@pytest.mark.parametrize("name", [b"", b"identity", b"Identity", b" , "])
def test_what_is_not_compressed_is_taken_as_it_is(way: tuple[RecordingServer, Session], name: bytes) -> None:
    assert received(way, TEXT, name).body == TEXT


@pytest.mark.parametrize(
    "body",
    [
        HALVES,
        b"".join(gzip.compress(TEXT[n : n + 1]) for n in range(len(TEXT))),
        gzip.compress(b"") + HALVES + gzip.compress(b""),
        HALVES + b"\0" * 512,
        gzip.compress(TEXT[:100]) + b"\0" * 7 + gzip.compress(TEXT[100:]),
    ],
    ids=["two", "one a byte", "empty ones around", "padding", "padding between"],
)
def test_several_members_are_one_answer(way: tuple[RecordingServer, Session], body: bytes) -> None:
    answer = received(way, body, b"gzip")
    assert (answer.body, answer.defect) == (TEXT, "")


def test_nothing_compressed_is_nothing(way: tuple[RecordingServer, Session]) -> None:
    assert received(way, b"", b"gzip").body == b""


@pytest.mark.parametrize("end", [1, 8, 9, len(gzip.compress(TEXT[100:])) - 3])
def test_a_member_that_is_cut_off_is_cut_off(way: tuple[RecordingServer, Session], end: int) -> None:
    with pytest.raises(TransportFailure, match="cut off"):
        received(way, HALVES[:-end], b"gzip")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (HALVES + b"more", "goes on behind the end"),
        (HALVES + b"\0\0more", "goes on behind the end"),
        (HALVES + TEXT, "goes on behind the end"),
        (HALVES[:-6] + b"\0" * 6, "is damaged"),
        (TEXT, "is not"),
        (b"\0" * 8 + HALVES, "is not"),
    ],
    ids=["words", "words behind padding", "the same in clear", "a wrong sum", "in clear", "padding before"],
)
def test_what_is_none_is_refused(way: tuple[RecordingServer, Session], body: bytes, said: str) -> None:
    assert said in received(way, body, b"gzip").defect


@pytest.mark.parametrize("name", [b"deflate", b"br", b"zstd", b"gzip, br", b"x-gzip, gzip", b"compress"])
def test_what_was_not_asked_for_is_refused(way: tuple[RecordingServer, Session], name: bytes) -> None:
    assert received(way, zlib.compress(TEXT), name).defect == "is compressed in a way that was not asked for"


def test_a_bomb_of_many_members_is_no_larger_than_one(way: tuple[RecordingServer, Session]) -> None:
    small = gzip.compress(b" " * (1 << 20))
    answer = received(way, small * (MAX_BODY_BYTES // (1 << 20) + 1), b"gzip")
    assert answer.defect == "is larger than any good one"


def test_members_that_hold_nothing_end_soon(
    way: tuple[RecordingServer, Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each costs as much as one that holds something, and no bound of bytes is ever met."""
    made: list[int] = []
    make = zlib.decompressobj
    monkeypatch.setattr(zlib, "decompressobj", lambda wbits: made.append(wbits) or make(wbits=wbits))
    answer = received(way, gzip.compress(b"") * 100_000, b"gzip")
    assert "in more parts than any good one" in answer.defect
    assert len(made) <= 10_001
