"""Reads the body of a response within bounds on its size, and tells whether it is complete."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterable, Iterator

import requests
from urllib3.exceptions import HTTPError

from toolkit.transport.connections import (
    MAX_BODY_BYTES,
    MAX_LIST_BODY_BYTES,
    ResponseLimitError,
    binary_size,
)
from toolkit.transport.origin import user_exception
from toolkit.transport.responses import MAX_ERROR_BODY_BYTES, RawResponse

_CHUNK_BYTES = 1 << 16
# How much of a rejected body is kept for the excerpt in the error.
_EXCERPT_BYTES = 1 << 13
# A server that compresses while sending may start a new member for each chunk, but none has this many.
_MAX_GZIP_MEMBERS = 10_000
_GZIP = {"gzip", "x-gzip"}  # synonyms in RFC 9110


class _DefectError(Exception):
    """The body cannot be used; the text says why. Never leaves this module."""


class _TruncatedError(Exception):
    """The compressed body is cut off. Never leaves this module."""


def receive(response: requests.Response, *, whole_list: bool = False) -> tuple[RawResponse, bool]:
    """Read the body, and tell whether it is complete.

    It is decompressed here, in bounded chunks: `urllib3` may expand one small chunk of a decompression bomb
    a thousandfold.

    Args:
        response: A response of which only the head was read.
        whole_list: Whether it is a long list that no request can ask for in parts, and may be larger.
    """
    raw = response.raw
    # Otherwise a truncated body would be lost, and with it the excerpt in the error.
    raw.enforce_content_length = False
    status = response.status_code
    max_bytes = MAX_LIST_BODY_BYTES if whole_list else MAX_BODY_BYTES
    max_bytes = max_bytes if status < 300 else MAX_ERROR_BODY_BYTES
    body = bytearray()
    defect, complete, handled = "", True, sys.exception()
    try:
        encodings = response.headers.get("Content-Encoding", "")
        for chunk in _decoded(raw.stream(_CHUNK_BYTES, decode_content=False), encodings):
            body += chunk
            if len(body) > max_bytes:
                defect = f"is larger than {binary_size(max_bytes)}"
                break
        else:
            complete = not raw.length_remaining
    except (_DefectError, ResponseLimitError) as error:
        defect = str(error)
    except (_TruncatedError, HTTPError, ValueError) as error:  # ValueError: a chunk of negative length
        if user_exception(error, handled) is not None:
            raise
        complete = False
    if defect:
        del body[_EXCERPT_BYTES:]
    return RawResponse(status, response.headers, bytes(body), defect), complete


def _decoded(chunks: Iterable[bytes], encodings: str) -> Iterator[bytes]:
    """Decompress a body.

    Args:
        chunks: The body as it was received.
        encodings: The `Content-Encoding` header.
    """
    names = [name for each in encodings.split(",") if (name := each.strip().lower()) not in ("", "identity")]
    if not names:
        yield from chunks
    elif len(names) == 1 and names[0] in _GZIP:
        yield from _inflated(chunks)
    else:
        raise _DefectError("uses a compression that was not asked for")


def _inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress the members of a gzip stream (RFC 1952, 2.2). Zeros after a member are padding."""
    inflater = None
    members = 0
    for chunk in chunks:
        left = chunk
        while left:
            if inflater is None:
                if members and not (left := left.lstrip(b"\0")):
                    break
                if members == _MAX_GZIP_MEMBERS:
                    raise _DefectError(f"consists of more than {_MAX_GZIP_MEMBERS:,} gzip members")
                inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
                members += 1
            try:
                inflated = inflater.decompress(left, _CHUNK_BYTES)
            except zlib.error:
                problem = "is declared as compressed, but is not"
                if members > 1:
                    problem = "is damaged, or continues after the end of the compressed data"
                raise _DefectError(problem) from None
            left = inflater.unconsumed_tail or inflater.unused_data
            if inflater.eof:
                inflater = None
            yield inflated
    if inflater is not None:
        raise _TruncatedError
