"""Compressed responses are read as the standards say (RFC 9110, 8.4; RFC 1952, 2.2), within bounds."""

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
def transport() -> Iterator[tuple[RecordingServer, Session]]:
    with recording_server() as server:
        session = Session(dict.fromkeys(BASE_URLS, server.address), timeout=(5, 5), trust_env=False)
        yield server, session
        session.close()


def received(transport: tuple[RecordingServer, Session], body: bytes, *encodings: bytes) -> RawResponse:
    server, session = transport
    headers = [b"Content-Encoding: " + each for each in encodings]
    raw_response = recording.answer(200, body, *headers)
    server._answer = lambda raw: raw_response  # type: ignore[method-assign]
    return session.get("api", "/x", "", None)


@pytest.mark.parametrize(
    "name", [b"gzip", b"x-gzip", b"GZIP", b"X-GZip", b" gzip ", b"gzip, identity", b",gzip"]
)
def test_every_spelling_of_gzip_is_accepted(transport: tuple[RecordingServer, Session], name: bytes) -> None:
    assert received(transport, gzip.compress(TEXT), name).body == TEXT


def test_repeated_headers_are_read_as_one_list(transport: tuple[RecordingServer, Session]) -> None:
    assert received(transport, gzip.compress(TEXT), b"identity", b"gzip").body == TEXT
    assert received(transport, gzip.compress(gzip.compress(TEXT)), b"gzip", b"gzip").defect


@pytest.mark.parametrize("name", [b"", b"identity", b"Identity", b" , "])
def test_an_uncompressed_body_is_not_changed(transport: tuple[RecordingServer, Session], name: bytes) -> None:
    assert received(transport, TEXT, name).body == TEXT


@pytest.mark.parametrize(
    "body",
    [
        HALVES,
        b"".join(gzip.compress(TEXT[n : n + 1]) for n in range(len(TEXT))),
        gzip.compress(b"") + HALVES + gzip.compress(b""),
        HALVES + b"\0" * 512,
        gzip.compress(TEXT[:100]) + b"\0" * 7 + gzip.compress(TEXT[100:]),
    ],
    ids=["two", "one per byte", "empty ones around", "padding", "padding between"],
)
def test_several_gzip_members_make_one_body(transport: tuple[RecordingServer, Session], body: bytes) -> None:
    response = received(transport, body, b"gzip")
    assert (response.body, response.defect) == (TEXT, "")


def test_an_empty_body_stays_empty(transport: tuple[RecordingServer, Session]) -> None:
    assert received(transport, b"", b"gzip").body == b""


@pytest.mark.parametrize("end", [1, 8, 9, len(gzip.compress(TEXT[100:])) - 3])
def test_a_truncated_member_makes_a_truncated_response(
    transport: tuple[RecordingServer, Session], end: int
) -> None:
    with pytest.raises(TransportFailure, match="cut off"):
        received(transport, HALVES[:-end], b"gzip")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (HALVES + b"more", "continues after the end"),
        (HALVES + b"\0\0more", "continues after the end"),
        (HALVES + TEXT, "continues after the end"),
        (HALVES[:-6] + b"\0" * 6, "is damaged"),
        (TEXT, "is not"),
        (b"\0" * 8 + HALVES, "is not"),
    ],
    ids=[
        "text after",
        "text after padding",
        "uncompressed after",
        "wrong checksum",
        "uncompressed",
        "padding before",
    ],
)
def test_invalid_gzip_is_a_defect(
    transport: tuple[RecordingServer, Session], body: bytes, problem: str
) -> None:
    assert problem in received(transport, body, b"gzip").defect


@pytest.mark.parametrize("name", [b"deflate", b"br", b"zstd", b"gzip, br", b"x-gzip, gzip", b"compress"])
def test_other_encodings_are_a_defect(transport: tuple[RecordingServer, Session], name: bytes) -> None:
    assert (
        received(transport, zlib.compress(TEXT), name).defect == "uses a compression that was not asked for"
    )


def test_the_size_limit_holds_across_members(transport: tuple[RecordingServer, Session]) -> None:
    small = gzip.compress(b" " * (1 << 20))
    response = received(transport, small * (MAX_BODY_BYTES // (1 << 20) + 1), b"gzip")
    assert response.defect == "is larger than 16 MiB"


def test_empty_members_are_limited_in_number(
    transport: tuple[RecordingServer, Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty member costs as much as any other, and never reaches the size limit."""
    created: list[int] = []
    make = zlib.decompressobj
    monkeypatch.setattr(zlib, "decompressobj", lambda wbits: created.append(wbits) or make(wbits=wbits))
    response = received(transport, gzip.compress(b"") * 100_000, b"gzip")
    assert "more than 10,000 gzip members" in response.defect
    assert len(created) <= 10_001
