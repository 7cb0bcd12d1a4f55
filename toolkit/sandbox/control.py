"""Looking into the exchange, and breaking it, from another process.

`GET /sandbox/id` (who the exchange is: a new one has a new id, on whatever port),
`GET /sandbox/log`, `GET /sandbox/effects` (what writes did), `GET /sandbox/counts`,
`GET /sandbox/windows`, `POST /sandbox/faults` (a JSON
object: `kind` and what `Faults.add` takes) and `DELETE /sandbox/faults`. None of it is signed or
counted. A web page open in the user's browser must not reach it: the Host has to be this machine by
name, which stops DNS rebinding, and nothing that carries an Origin is answered.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict

from toolkit.sandbox.effects import Effect
from toolkit.sandbox.exchange import Exchange
from toolkit.sandbox.messages import SandboxRequest, SandboxResponse, encode

PREFIX = "/sandbox/"

_HOME = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?\Z")


def control(exchange: Exchange, request: SandboxRequest) -> SandboxResponse:
    """Answer a request whose path begins with `PREFIX`."""
    if "Origin" in request.headers or not _HOME.match(request.headers.get("Host", "")):
        return _answer(403, {"error": "only for programs on this machine"})
    question = f"{request.method} {request.path.removeprefix(PREFIX)}"
    if question == "GET id":
        return _answer(200, {"id": exchange.id})
    if question == "GET log":
        return _answer(200, [asdict(entry) for entry in list(exchange.log)])
    if question == "GET effects":
        return _answer(200, [_effect(each) for each in exchange.effects])
    if question == "GET counts":
        return _answer(200, {str(status): number for status, number in dict(exchange.counts).items()})
    if question == "GET windows":
        return _answer(200, [asdict(window) for window in exchange.windows])
    if question == "DELETE faults":
        exchange.faults.clear()
        return _answer(200, {})
    if question == "POST faults":
        return _add_fault(exchange, request.body)
    return _answer(404, {"error": f"nothing is here: {question}"})


def _effect(effect: Effect) -> dict[str, object]:
    return {
        "time_ms": effect.time_ms,
        "endpoint": effect.qualified_name,
        "key_name": effect.key_name,
        "parameters": dict(effect.parameters),
        "answer_id": effect.answer_id,
    }


def _add_fault(exchange: Exchange, body: bytes) -> SandboxResponse:
    try:
        wish = json.loads(body)
        exchange.faults.add(**wish)
    except (TypeError, ValueError) as error:
        return _answer(400, {"error": str(error)})
    return _answer(200, {})


def _answer(status: int, payload: object) -> SandboxResponse:
    return SandboxResponse(status, {"Content-Type": "application/json;charset=UTF-8"}, encode(payload))
