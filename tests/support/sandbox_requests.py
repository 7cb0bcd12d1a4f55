"""An exchange without sockets, and signed requests, for the tests of the sandbox."""

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

from tests.support.clocks import FakeClock
from tests.support.paths import ANSWERS, EXAMPLES
from toolkit.endpoints import ENDPOINTS_BY_NAME, WRITES_BY_NAME
from toolkit.sandbox import Exchange, RegisteredKey, SandboxRequest, SandboxResponse, World

NOW = datetime(2026, 11, 18, 10, 30, 5, tzinfo=UTC).timestamp()
NOW_MS = int(NOW * 1000)
DAY = 86_400_000
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@cache
def world() -> World:
    """The default world, which no test changes."""
    return World(now=NOW)


def exchange(clock: FakeClock | None = None, **options: Any) -> Exchange:
    return Exchange(options.pop("world", None) or world(), clock or FakeClock(NOW), **options)


def new_rows(clock: FakeClock | None = None, **options: Any) -> Exchange:
    """An exchange with its own world, for tests that change it."""
    return Exchange(World(now=NOW, sub_accounts=24, customers=30), clock or FakeClock(NOW), **options)


def state(this: Exchange) -> str:
    """Everything in the world that a write may change."""
    world = this.world
    day = (NOW_MS - DAY, NOW_MS + DAY)
    filters = {"subAccountId": world.accounts[0].id, "futuresType": "1", "showAllStatus": "true"}
    moved = [table.count(*day, filters) for table in world.transfers.values()]
    limits = (world.deletions, world.futures_transfers)
    return repr((world.accounts, world.customers, world.master, moved, limits, len(this.effects)))


def hmac_of(secret: str, payload: str) -> str:
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def minimal(endpoint_name: str, now_ms: int = NOW_MS, this: World | None = None) -> dict[str, str]:
    """The required parameters of an endpoint."""
    endpoint = ENDPOINTS_BY_NAME[endpoint_name]
    params = {param.field: str(param.example) for param in endpoint.params if param.required}
    params |= (this or world()).example(endpoint_name)
    if endpoint.window and endpoint.window.required:
        params |= {"startTime": str(now_ms - 5 * DAY), "endTime": str(now_ms)}
    if endpoint.paging.size:
        params[endpoint.paging.size] = "20"
    return params


def signed(
    path: str,
    params: Mapping[str, object] | str = "",
    *,
    key: RegisteredKey | None = None,
    now_ms: int = NOW_MS,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    **override: str,
) -> SandboxRequest:
    """A correctly signed request; `override` replaces its timestamp or signature."""
    key = key or world().partner
    query = params if isinstance(params, str) else urlencode(params)
    query += ("&" if query else "") + "timestamp=" + override.get("timestamp", str(now_ms))
    query += "&signature=" + override.get("signature", hmac_of(key.secret, query))
    return SandboxRequest(method, path, query.encode(), b"", {"X-MBX-APIKEY": key.key, **(headers or {})})


def ask(
    this: Exchange, endpoint_name: str, params: Mapping[str, object] | None = None, **options: Any
) -> SandboxResponse:
    """Send a read, with the required parameters if none are given; it is signed if the endpoint needs it."""
    now_ms = int(this.clock.time() * 1000)
    if params is None:
        params = minimal(endpoint_name, now_ms, this.world)
    endpoint = ENDPOINTS_BY_NAME[endpoint_name]
    key = options.setdefault("key", this.world.partner)
    if not endpoint.is_signed:
        headers = {"X-MBX-APIKEY": key.key} if endpoint.needs_key else {}
        return this.handle(SandboxRequest("GET", endpoint.path, urlencode(params).encode(), b"", headers))
    options.setdefault("method", endpoint.method)
    return this.handle(signed(endpoint.path, params, now_ms=now_ms, **options))


def placed(
    endpoint_name: str,
    query: Mapping[str, str],
    body: Mapping[str, str],
    *,
    key: RegisteredKey,
    now_ms: int = NOW_MS,
    headers: Mapping[str, str] = FORM,
    signature: str | None = None,
) -> SandboxRequest:
    """A correctly signed write with parameters in the query string and in the body."""
    first, second = urlencode(query), urlencode({**body, "timestamp": str(now_ms)})
    second += "&signature=" + (signature or hmac_of(key.secret, first + second))
    write = WRITES_BY_NAME[endpoint_name]
    given = {"X-MBX-APIKEY": key.key, **headers}
    return SandboxRequest(write.method, write.path, first.encode(), second.encode(), given)


def write(
    this: Exchange,
    endpoint_name: str,
    params: Mapping[str, str] | None = None,
    *,
    key: RegisteredKey | None = None,
    **options: Any,
) -> SandboxResponse:
    """Send a write with all parameters in the body, those of the world's example if none are given."""
    example = this.world.example_write(endpoint_name)
    now_ms = int(this.clock.time() * 1000)
    chosen = example.parameters if params is None else params
    return this.handle(placed(endpoint_name, {}, chosen, key=key or example.key, now_ms=now_ms, **options))


def error(response: SandboxResponse) -> tuple[int, int]:
    """Status and code of a refusal."""
    payload: Any = response.json()
    assert set(payload) == {"code", "msg"}, payload
    return response.status, payload["code"]


def refused(
    this: Exchange, endpoint_name: str, code: int, key: RegisteredKey | None = None, **change: str | None
) -> None:
    """Assert that the world's example with a change (None: left out) is refused and changes nothing."""
    before = state(this)
    response = write(this, endpoint_name, _changed(this, endpoint_name, **change), key=key)
    assert error(response) == (400, code), response.body
    assert state(this) == before


def done(this: Exchange, endpoint_name: str, **change: str | None) -> Any:
    """The response to the world's example with a change."""
    response = write(this, endpoint_name, _changed(this, endpoint_name, **change))
    assert response.status == 200, response.body
    return response.json()


def _changed(this: Exchange, endpoint_name: str, **change: str | None) -> dict[str, str]:
    params = this.world.example_write(endpoint_name).parameters
    return {name: text for name, text in {**params, **change}.items() if text is not None}


def read(this: Exchange, endpoint_name: str, **params: str) -> Any:
    """The response to a read."""
    response = ask(this, endpoint_name, params)
    assert response.status == 200, response.body
    return response.json()


def documented(endpoint_name: str, folder: Path = EXAMPLES) -> list[Any]:
    """The documented responses of an endpoint."""
    return list(json.loads((folder / f"{endpoint_name}.json").read_text()).values())


def documented_write(endpoint_name: str) -> dict[str, Any]:
    """The documented response of a write."""
    answer: dict[str, Any] = json.loads((ANSWERS / "writes" / f"{endpoint_name}.json").read_text())[
        "documented"
    ]
    return answer
