"""A Link to a server whose responses a test makes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import toolkit
from tests.support.clocks import FakeClock
from tests.support.recording import RecordedRequest, RecordingServer, answer
from toolkit.endpoints import BASE_URLS

NOW_MS = 1_767_225_600_000
Respond = Callable[[str, Mapping[str, str]], tuple[int, Any]]


def link_to(server: RecordingServer, respond: Respond) -> toolkit.Link:
    """A Link to a server whose responses a function makes, of the path and the parameters."""

    def responded(request: RecordedRequest) -> bytes:
        if request.target.endswith("/time"):
            return answer(200, b'{"serverTime":%d}' % NOW_MS)
        if "exchangeInfo" in request.target and "fapi" in request.target:
            return answer(200, b'{"rateLimits":[]}')
        status, body = respond(request.target.partition("?")[0], sent_with(request))
        return answer(status, json.dumps(body).encode())

    server.respond = responded
    clock = FakeClock()
    return toolkit.Link(
        key="k" * 64,
        secret="s" * 64,
        hosts=dict.fromkeys(BASE_URLS, server.address),
        clock=clock,
        progress=False,
    )


def sent_with(request: RecordedRequest) -> dict[str, str]:
    """The parameters of a request, wherever they are."""
    given = request.query + b"&" + request.body
    return {name: values[0] for name, values in parse_qs(given.decode()).items()}
