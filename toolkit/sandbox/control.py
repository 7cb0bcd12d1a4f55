"""Inspects the sandbox and adds faults from another process.

`GET /sandbox/id` (identifies the exchange: a new one has a new id, on any port), `GET /sandbox/log`,
`GET /sandbox/effects` (the writes that were executed), `GET /sandbox/examples` (the endpoints that are
served from their documented example), `GET /sandbox/counts`, `GET /sandbox/windows`,
`POST /sandbox/faults` (a JSON object with `kind` and the options of `Faults.add`) and
`DELETE /sandbox/faults`. These requests are neither signed nor counted. A web page in the user's browser
must not reach them: the Host header has to name this machine, which prevents DNS rebinding, and requests
with an Origin header are refused.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict

from toolkit.sandbox.effects import Effect
from toolkit.sandbox.exchange import Exchange
from toolkit.sandbox.messages import SandboxRequest, SandboxResponse, encode

PREFIX = "/sandbox/"

_LOCAL_HOST = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?\Z")


def control(exchange: Exchange, request: SandboxRequest) -> SandboxResponse:
    """Respond to a request whose path begins with `PREFIX`."""
    if "Origin" in request.headers or not _LOCAL_HOST.match(request.headers.get("Host", "")):
        return _respond(403, {"error": "only for programs on this machine"})
    route = f"{request.method} {request.path.removeprefix(PREFIX)}"
    if route == "GET id":
        return _respond(200, {"id": exchange.id})
    if route == "GET log":
        return _respond(200, [asdict(entry) for entry in list(exchange.log)])
    if route == "GET effects":
        return _respond(200, [_effect(each) for each in exchange.effects])
    if route == "GET examples":
        return _respond(200, exchange.examples)
    if route == "GET counts":
        return _respond(200, {str(status): number for status, number in dict(exchange.counts).items()})
    if route == "GET windows":
        return _respond(200, [asdict(window) for window in exchange.windows])
    if route == "DELETE faults":
        exchange.faults.clear()
        return _respond(200, {})
    if route == "POST faults":
        return _add_fault(exchange, request.body)
    return _respond(404, {"error": f"no such route: {route}"})


def _effect(effect: Effect) -> dict[str, object]:
    return {
        "time_ms": effect.time_ms,
        "endpoint": effect.qualified_name,
        "key_name": effect.key_name,
        "parameters": dict(effect.parameters),
        "result_id": effect.result_id,
    }


def _add_fault(exchange: Exchange, body: bytes) -> SandboxResponse:
    try:
        options = json.loads(body)
        exchange.faults.add(**options)
    except (TypeError, ValueError) as error:
        return _respond(400, {"error": str(error)})
    return _respond(200, {})


def _respond(status: int, payload: object) -> SandboxResponse:
    return SandboxResponse(status, {"Content-Type": "application/json;charset=UTF-8"}, encode(payload))
