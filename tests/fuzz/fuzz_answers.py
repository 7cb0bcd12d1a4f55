"""Coverage-guided fuzzing of responses, run by `make fuzz`.

The seeds are the documented responses, and one of each layout that rows can have. A response fails if it
raises anything but an error of the toolkit, takes more memory or time than its size justifies, or has another
outcome on the fast path than on the strict one.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=[
        "toolkit.transport.responses",
        "toolkit.transport.strict_json",
        "toolkit.ratelimit.headers",
        "toolkit.timing.http_dates",
    ]
):
    import toolkit.ratelimit.headers
    import toolkit.timing.http_dates
    import toolkit.transport.responses
    import toolkit.transport.strict_json
with atheris.instrument_imports(include=["toolkit.frames"]):
    import toolkit.frames.builder
    import toolkit.frames.decoder
    import toolkit.frames.infer  # noqa: F401

from tests.support.hostile import compare_paths, documented, headers_of, read, write
from tests.support.layouts import LAYOUTS
from toolkit.endpoints import Write
from toolkit.frames.decoder import Decoder
from toolkit.transport.responses import RawResponse

MAX_MEMORY = 64 << 20
MAX_SECONDS = 5.0
# Tracing memory is slow, so only one response in so many is traced.
TRACE_EVERY = 50
STATUSES = (200, 200, 200, 200, 201, 302, 400, 401, 403, 404, 418, 429, 500, 503)

TOKEN = re.compile(rb'"(?:[^"\\\\]|\\\\.)*"|-?\d+(?:\.\d+)?|true|false|null|[\[\]{}:,]')
ODD = [
    *(b"null true false 0 -1 1e99 1e-99 1e400 0.1 -0.0 1E+2 NaN -Infinity 9223372036854775808").split(),
    *(b'[] {} [[]] [{}] {} "" "1" "-1" "1e400" "\xef\xbc\x91" "\\\\ud800" "code" "msg"').split(),
    *(b'32503680000000 1767225600000 "0x1" "\xff" "\\\\u0000" , : [ ] { } {"code":-1003,"msg":"x"}').split(),
    b"9" * 100,
    b"9" * 500,
    b'"' + b"9" * 500 + b'"',
    b"[" * 30 + b"]" * 30,
    b'"\xf0\x9f\x98\x80"',
]

SEEDS = [*documented(), *((endpoint, json.dumps(body).encode()) for endpoint, body in LAYOUTS.values())]
ENDPOINTS = [endpoint for endpoint, _ in SEEDS]
# As in a session, they learn from the responses they have seen.
decoders = [[Decoder(endpoint, exact=exact) for endpoint in ENDPOINTS] for exact in (False, True)]
NUMBER = itertools.count()


def one(data: bytes) -> None:
    """Process a response: three bytes choose endpoint and status, a header ends with a zero byte."""
    if len(data) < 3:
        return
    choice, numbers, status = data[0], "exact" if data[1] % 2 else "float", STATUSES[data[2] % len(STATUSES)]
    header, found, body = data[3:].partition(b"\0")
    header, body = (header, body) if found else (b"", data[3:])
    response = RawResponse(status, headers_of(header.decode("latin-1")), body)
    traced = next(NUMBER) % TRACE_EVERY == 0
    if traced:
        tracemalloc.start()
    began = time.monotonic()
    try:
        if choice >= len(ENDPOINTS):
            read(None, response, numbers)
        elif isinstance(endpoint := ENDPOINTS[choice], Write):
            write(endpoint, response)
        else:
            compare_paths(endpoint, response, numbers, decoders[numbers == "exact"][choice])
        took = time.monotonic() - began
        peak = tracemalloc.get_traced_memory()[1] if traced else 0
    finally:
        tracemalloc.stop()
    if peak > MAX_MEMORY + len(data):
        raise MemoryError(f"{peak >> 20} MiB for {len(data)} bytes")
    if took > MAX_SECONDS:
        raise TimeoutError(f"{took:.1f} s for {len(data)} bytes")


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Mutate bytes as libFuzzer does, or replace one JSON token by another, equally often."""
    dice = random.Random(seed)
    words = list(TOKEN.finditer(data, 3))
    if not words or dice.random() < 0.5:
        return bytes(atheris.Mutate(data, most))
    word = dice.choice(words)
    other = dice.choice(ODD) if dice.random() < 0.6 else dice.choice(words)[0] * dice.choice((0, 1, 2))
    return (data[: word.start()] + other + data[word.end() :])[:most]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number, (_, body) in enumerate(SEEDS):
            for name, choice in (("", number), ("i", 255)):
                Path(folder, f"{number}{name}").write_bytes(bytes([choice, number % 2, 0]) + body)
        atheris.Setup([*sys.argv, folder], one, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
