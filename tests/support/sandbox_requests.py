"""An exchange without sockets and a signing helper of the tests' own, for the tests of the sandbox."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

from tests.support.clocks import FakeClock
from tests.support.paths import ANSWERS
from toolkit.catalogue import BY_DOOR, WRITE_BY_DOOR
from toolkit.sandbox import Answer, Exchange, Key, Request, World

NOW = datetime(2026, 11, 18, 10, 30, 5, tzinfo=UTC).timestamp()
NOW_MS = int(NOW * 1000)
DAY = 86_400_000
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@cache
def world() -> World:
    """The usual world; nothing changes it."""
    return World(now=NOW)


def exchange(clock: FakeClock | None = None, **options: Any) -> Exchange:
    return Exchange(options.pop("world", None) or world(), clock or FakeClock(NOW), **options)


def fresh(clock: FakeClock | None = None, **options: Any) -> Exchange:
    """An exchange with a world of its own, because it will change."""
    return Exchange(World(now=NOW, sub_accounts=24, customers=30), clock or FakeClock(NOW), **options)


def state(this: Exchange) -> str:
    """All of the world that a write may change."""
    world = this.world
    day = (NOW_MS - DAY, NOW_MS + DAY)
    filters = {"subAccountId": world.accounts[0].id, "futuresType": "1", "showAllStatus": "true"}
    moved = [table.count(*day, filters) for table in world.moves.values()]
    limits = (world.deletions, world.futures_transfers)
    return repr((world.accounts, world.customers, world.master, moved, limits, len(this.effects)))


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


def placed(
    door: str,
    query: Mapping[str, str],
    body: Mapping[str, str],
    *,
    key: Key,
    now_ms: int = NOW_MS,
    headers: Mapping[str, str] = FORM,
    signature: str | None = None,
) -> Request:
    """A rightly signed write: these parameters in the query string, those in the body."""
    first, second = urlencode(query), urlencode({**body, "timestamp": str(now_ms)})
    second += "&signature=" + (signature or hmac_of(key.secret, first + second))
    write = WRITE_BY_DOOR[door]
    given = {"X-MBX-APIKEY": key.key, **headers}
    return Request(write.method, write.path, first.encode(), second.encode(), given)


def write(
    this: Exchange,
    door: str,
    params: Mapping[str, str] | None = None,
    *,
    key: Key | None = None,
    **options: Any,
) -> Answer:
    """Send a write, all of it in the body; the world's example if nothing is given."""
    example = this.world.example_write(door)
    now_ms = int(this.clock.time() * 1000)
    wanted = example.parameters if params is None else params
    return this.handle(placed(door, {}, wanted, key=key or example.key, now_ms=now_ms, **options))


def error(answer: Answer) -> tuple[int, int]:
    """Status and code of a refusal."""
    payload: Any = answer.json()
    assert set(payload) == {"code", "msg"}, payload
    return answer.status, payload["code"]


def refused(this: Exchange, door: str, code: int, key: Key | None = None, **change: str | None) -> None:
    """The world's example with a change (None: not sent) is refused, and nothing happened."""
    before = state(this)
    answer = write(this, door, _changed(this, door, **change), key=key)
    assert error(answer) == (400, code), answer.body
    assert state(this) == before


def done(this: Exchange, door: str, **change: str | None) -> Any:
    """The answer to the world's example with a change."""
    answer = write(this, door, _changed(this, door, **change))
    assert answer.status == 200, answer.body
    return answer.json()


def _changed(this: Exchange, door: str, **change: str | None) -> dict[str, str]:
    params = this.world.example_write(door).parameters
    return {name: text for name, text in {**params, **change}.items() if text is not None}


def read(this: Exchange, door: str, **params: str) -> Any:
    """What a read answers."""
    answer = ask(this, door, params)
    assert answer.status == 200, answer.body
    return answer.json()


def documented(door: str) -> list[Any]:
    """The documented answers of an endpoint."""
    return list(json.loads((ANSWERS / f"{door}.json").read_text()).values())


def documented_write(door: str) -> dict[str, Any]:
    """The documented answer of a write."""
    answer: dict[str, Any] = json.loads((ANSWERS / "writes" / f"{door}.json").read_text())["documented"]
    return answer
