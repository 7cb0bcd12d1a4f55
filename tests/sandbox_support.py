"""An exchange without sockets and a signing helper of the tests' own, for the tests of the sandbox."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.clocks import FakeClock
from toolkit.catalogue import BY_DOOR
from toolkit.sandbox import Answer, Exchange, Key, Request, World

NOW = datetime(2026, 11, 18, 10, 30, 5, tzinfo=UTC).timestamp()
NOW_MS = int(NOW * 1000)
DAY = 86_400_000
ANSWERS = Path(__file__).parent / "answers"


@cache
def world() -> World:
    """The usual world; nothing changes it."""
    return World(now=NOW)


def exchange(clock: FakeClock | None = None, **options: Any) -> Exchange:
    return Exchange(options.pop("world", None) or world(), clock or FakeClock(NOW), **options)


def hmac_of(secret: str, payload: str) -> str:
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def minimal(door: str, now_ms: int = NOW_MS, this: World | None = None) -> dict[str, str]:
    """What the endpoint insists on."""
    endpoint = BY_DOOR[door]
    params = (this or world()).example(door)
    if endpoint.window and endpoint.window.required:
        params |= {"startTime": str(now_ms - 5 * DAY), "endTime": str(now_ms)}
    if endpoint.paging.size:
        params[endpoint.paging.size] = "20"
    return params


def signed(
    path: str,
    params: Mapping[str, object] | str = "",
    *,
    key: Key | None = None,
    now_ms: int = NOW_MS,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    **override: str,
) -> Request:
    """A rightly signed request; `override` replaces what would have been sent."""
    key = key or world().partner
    query = params if isinstance(params, str) else urlencode(params)
    query += ("&" if query else "") + "timestamp=" + override.get("timestamp", str(now_ms))
    query += "&signature=" + override.get("signature", hmac_of(key.secret, query))
    return Request(method, path, query.encode(), b"", {"X-MBX-APIKEY": key.key, **(headers or {})})


def ask(this: Exchange, door: str, params: Mapping[str, object] | None = None, **options: Any) -> Answer:
    """Ask an endpoint; its minimal parameters if none are given."""
    now_ms = int(this.clock.time() * 1000)
    if params is None:
        params = minimal(door, now_ms, this.world)
    options.setdefault("key", this.world.partner)
    return this.handle(signed(BY_DOOR[door].path, params, now_ms=now_ms, **options))


def error(answer: Answer) -> tuple[int, int]:
    """Status and code of a refusal."""
    payload: Any = answer.json()
    assert set(payload) == {"code", "msg"}, payload
    return answer.status, payload["code"]


def documented(door: str) -> list[Any]:
    """The documented answers of an endpoint."""
    return list(json.loads((ANSWERS / f"{door}.json").read_text()).values())
