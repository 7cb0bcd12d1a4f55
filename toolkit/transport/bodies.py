"""The body of an answer, whatever is sent: no larger than any good one, and whole or said to be cut off."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterable, Iterator

import requests
from urllib3.exceptions import HTTPError

from toolkit.transport.connections import MAX_BODY_BYTES, ResponseLimitError
from toolkit.transport.origin import users_own
from toolkit.transport.responses import MAX_REFUSAL_BYTES, RawResponse

_PIECE = 1 << 16
# Of a body that is not read, so much is kept for the report of the problem.
_BEGINNING = 1 << 13
# Whoever compresses while sending may begin anew for each piece, and none is so small.
_MOST_MEMBERS = 10_000
_GZIP = {"gzip", "x-gzip"}  # two names of one thing, by RFC 9110


class _DefectError(Exception):
    """Never leaves this module."""


class _TruncatedError(Exception):
    """Never leaves this module."""


def receive(response: requests.Response) -> tuple[RawResponse, bool]:
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
    longest = MAX_BODY_BYTES if status < 300 else MAX_REFUSAL_BYTES
    body = bytearray()
    defect, whole, outside = "", True, sys.exception()
    try:
        encodings = response.headers.get("Content-Encoding", "")
        for piece in _decoded(raw.stream(_PIECE, decode_content=False), encodings):
            body += piece
            if len(body) > longest:
                defect = "is larger than any good one"
                break
        else:
            whole = not raw.length_remaining
    except (_DefectError, ResponseLimitError) as error:
        defect = str(error)
    except (
        _TruncatedError,
        HTTPError,
        ValueError,
    ) as error:  # a ValueError is a chunk of less than no length
        if users_own(error, outside) is not None:
            raise
        whole = False
    if defect:
        del body[_BEGINNING:]
    return RawResponse(status, response.headers, bytes(body), defect), whole


def _decoded(pieces: Iterable[bytes], encodings: str) -> Iterator[bytes]:
    """The pieces as they were before they were compressed.

    Args:
        pieces: What came.
        encodings: What was done to it, one after the other, with commas between.
    """
    names = [name for each in encodings.split(",") if (name := each.strip().lower()) not in ("", "identity")]
    if not names:
        yield from pieces
    elif len(names) == 1 and names[0] in _GZIP:
        yield from _inflated(pieces)
    else:
        raise _DefectError("is compressed in a way that was not asked for")


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """What the members of a gzip hold, one behind the other (RFC 1952, 2.2). Zeros behind one are padding."""
    inflater = None
    members = 0
    for piece in pieces:
        left = piece
        while left:
            if inflater is None:
                if members and not (left := left.lstrip(b"\0")):
                    break
                if members == _MOST_MEMBERS:
                    raise _DefectError("is compressed in more parts than any good one")
                inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
                members += 1
            try:
                inflated = inflater.decompress(left, _PIECE)
            except zlib.error:
                problem = "says that it is compressed, and is not"
                if members > 1:
                    problem = "is damaged, or goes on behind the end of what was compressed"
                raise _DefectError(problem) from None
            left = inflater.unconsumed_tail or inflater.unused_data
            if inflater.eof:
                inflater = None
            yield inflated
    if inflater is not None:
        raise _TruncatedError
