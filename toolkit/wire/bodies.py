"""The body of an answer, whatever is sent: no larger than any good one, and whole or said to be cut off."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

import requests
from urllib3.exceptions import HTTPError

from toolkit.wire.answers import LONGEST_REFUSAL, Answer
from toolkit.wire.lines import LONGEST_BODY, BoundError

_PIECE = 1 << 16
# Of a body that is not read, so much is kept for the report of the problem.
_BEGINNING = 1 << 13


class _FlawError(Exception):
    """Never leaves this module."""


class _CutError(Exception):
    """Never leaves this module."""


def receive(response: requests.Response) -> tuple[Answer, bool]:
    """The answer, and whether all of it came.

    It is decompressed here, a bounded piece at a time: what `urllib3` makes of one small piece of a bomb may
    be a thousand times as large.

    Args:
        response: An answer of which only the head was read.
    """
    raw = response.raw
    # Otherwise what came of an answer that is cut off would be lost, its beginning with it.
    raw.enforce_content_length = False
    status = response.status_code
    longest = LONGEST_BODY if status < 300 else LONGEST_REFUSAL
    body = bytearray()
    flaw, whole = "", True
    try:
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        for piece in _decoded(raw.stream(_PIECE, decode_content=False), encoding):
            body += piece
            if len(body) > longest:
                flaw = "is larger than any good one"
                break
        else:
            whole = not raw.length_remaining
    except (_FlawError, BoundError) as error:
        flaw = str(error)
    except (_CutError, HTTPError, ValueError):  # a ValueError is a chunk of less than no length
        whole = False
    if flaw:
        del body[_BEGINNING:]
    return Answer(status, response.headers, bytes(body), flaw), whole


def _decoded(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The pieces as they were before they were compressed."""
    if encoding in ("", "identity"):
        yield from pieces
    elif encoding == "gzip":
        yield from _inflated(pieces)
    else:
        raise _FlawError("is compressed in a way that was not asked for")


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    began = False
    for piece in pieces:
        left = piece
        while left:
            began = True
            if inflater.eof:
                raise _FlawError("goes on behind the end of what was compressed")
            try:
                inflated = inflater.decompress(left, _PIECE)
            except zlib.error:
                raise _FlawError("says that it is compressed, and is not") from None
            left = inflater.unconsumed_tail or inflater.unused_data
            yield inflated
    if began and not inflater.eof:
        raise _CutError
