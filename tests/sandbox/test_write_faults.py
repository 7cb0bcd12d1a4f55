"""Failing writes, before or after the effect, and writes over a socket."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.sandbox_requests import (
    NOW_MS,
    ask,
    documented_write,
    error,
    new_rows,
    placed,
    state,
    write,
)
from toolkit.endpoints import WRITES
from toolkit.sandbox import Sandbox

WRITE_NAMES = [each.qualified_name for each in WRITES]
SAME_PATH = "/sapi/v1/broker/subAccount"

BEFORE: list[tuple[str, dict[str, Any], int]] = [
    ("server-error", {}, 503),
    ("error", {"code": -1007, "status": 408}, 408),
    ("wrapped-error", {}, 200),
    ("rate-limit", {}, 429),
    ("ban", {}, 418),
    ("firewall", {}, 403),
    ("html", {}, 502),
    ("redirect", {"to": "http://127.0.0.1:1/"}, 302),
    ("timeout", {"after_effect": False}, 0),
    ("reset-before", {}, 0),
]
AFTER: list[tuple[str, dict[str, Any], int]] = [
    ("server-error", {"after_effect": True}, 503),
    ("error", {"code": -1007, "status": 408, "after_effect": True}, 408),
    ("wrapped-error", {"after_effect": True}, 200),
    ("html", {"after_effect": True}, 502),
    ("redirect", {"to": "http://127.0.0.1:1/", "after_effect": True}, 302),
    ("timeout", {}, 0),
    ("reset", {}, 0),
    ("cut", {}, 200),
]


@pytest.mark.parametrize("endpoint_name", WRITE_NAMES)
def test_a_fault_before_the_effect_leaves_no_trace(endpoint_name: str) -> None:
    this = new_rows()
    before = state(this)
    for kind, options, status in BEFORE:
        if kind != "ban":
            this.faults.add(kind, **options)
            assert write(this, endpoint_name).status == status
            assert state(this) == before, kind
    assert write(this, endpoint_name).status == 200
    assert len(this.effects) == 1


@pytest.mark.parametrize(("kind", "options", "status"), AFTER)
def test_a_fault_after_the_effect_keeps_the_effect(kind: str, options: dict[str, Any], status: int) -> None:
    for endpoint_name in WRITE_NAMES:
        this, twin = new_rows(), new_rows()
        params, key = twin.world.example_write(endpoint_name)
        this.faults.add(kind, **options)
        failure, right = (
            write(this, endpoint_name, params, key=key),
            write(twin, endpoint_name, params, key=key),
        )
        assert failure.status == status
        assert (
            failure.transmission.kind == {"timeout": "no-response"}.get(kind, kind)
            or failure.body != right.body
        )
        assert state(this) == state(twin)
        assert this.effects == twin.effects
        assert len(this.effects) == 1


def test_a_ban_before_the_effect() -> None:
    this = new_rows()
    before = state(this)
    this.faults.add("ban")
    assert [write(this, "exchange.transfer").status for _ in range(2)] == [418, 418]
    assert state(this) == before


def test_a_refused_write_does_not_use_up_a_fault_after_the_effect() -> None:
    this = new_rows()
    this.faults.add("timeout")
    params, key = this.world.example_write("exchange.transfer")
    assert error(write(this, "exchange.transfer", params | {"asset": "NOPE"}, key=key)) == (400, -5003)
    assert write(this, "exchange.transfer", params, key=key).transmission.kind == "no-response"
    assert len(this.effects) == 1


def test_an_error_after_the_effect_does_not_claim_that_nothing_was_done() -> None:
    for effect, text in ((False, "Service Unavailable."), (True, "Unknown error, please check your request")):
        this = new_rows()
        this.faults.add("server-error", after_effect=effect)
        payload: Any = write(this, "futures.set_customer_id").json()
        assert payload["msg"].startswith(text)
    this = new_rows()
    this.faults.add("server-error", after_effect=True, message="m", code=-1007)
    assert write(this, "exchange.transfer").json() == {"code": -1007, "msg": "m"}


def test_a_write_over_the_rate_limit_is_not_executed() -> None:
    this = new_rows(limit_scale=1 / 12_000)
    assert [write(this, "exchange.transfer").status for _ in range(3)] == [200, 429, 429]
    assert len(this.effects) == 1


@pytest.mark.parametrize("method", ["DELETE", "delete"])
def test_faults_by_method(method: str) -> None:
    this = new_rows()
    this.faults.add("server-error", path=SAME_PATH, method=method)
    assert ask(this, "exchange.sub_accounts").status == 200
    assert write(this, "exchange.create_sub_account").status == 200
    assert write(this, "exchange.delete_sub_account").status == 503
    assert write(this, "exchange.delete_sub_account").status == 200


@pytest.mark.parametrize("endpoint_name", WRITE_NAMES)
def test_faults_in_the_fields_of_responses(endpoint_name: str) -> None:
    this, right = new_rows(), documented_write(endpoint_name)
    this.faults.add("unknown-field")
    assert json.loads(write(this, endpoint_name).body).keys() == right.keys() | {"surprise"}
    this = new_rows()
    this.faults.add("missing-field")
    payload = json.loads(write(this, endpoint_name).body)
    if not right:
        assert payload == {}
        assert ask(this, "exchange.partner").status == 200  # a response without fields did not use it up
        return
    assert len(payload) == len(right) - 1
    assert len(this.effects) == 1


def test_two_extra_headers() -> None:
    this = new_rows()
    for name in ("X-One", "X-Two", "X-Often"):
        this.faults.add("extra-header", times=None if name == "X-Often" else 1, name=name, value=name.lower())
    first, second = write(this, "exchange.transfer"), write(this, "exchange.transfer")
    assert [first.headers.get(name) for name in ("X-One", "X-Two", "X-Often")] == [
        "x-one",
        "x-two",
        "x-often",
    ]
    assert [second.headers.get(name) for name in ("X-One", "X-Two", "X-Often")] == [None, None, "x-often"]


# --- over a socket -------------------------------------------------------------------------------


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(exchange=new_rows()) as running:
        yield running


def post(this: Sandbox, endpoint_name: str, params: Mapping[str, str]) -> tuple[int, Any]:
    request = placed(endpoint_name, {}, params, key=this.world.partner)
    connection = http.client.HTTPConnection(this.address.removeprefix("http://"), timeout=60)
    try:
        connection.request(request.method, request.path, request.body, dict(request.headers))
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def get(this: Sandbox, path: str) -> Any:
    connection = http.client.HTTPConnection(this.address.removeprefix("http://"), timeout=60)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def test_post_and_delete_with_a_body(sandbox: Sandbox) -> None:
    status, made = post(sandbox, "exchange.create_sub_account", {"tag": "über"})
    assert (status, made["tag"]) == (200, "über")
    assert post(sandbox, "exchange.delete_sub_account", {"subAccountId": made["subaccountId"]}) == (200, {})
    endpoints = [effect["endpoint"] for effect in get(sandbox, "/sandbox/effects")]
    assert endpoints == ["exchange.create_sub_account", "exchange.delete_sub_account"]


def test_other_processes_see_the_effects(sandbox: Sandbox) -> None:
    assert get(sandbox, "/sandbox/effects") == []
    params = sandbox.world.example_write("exchange.create_api_key").parameters
    status, made = post(sandbox, "exchange.create_api_key", params)
    assert status == 200
    assert get(sandbox, "/sandbox/effects") == [
        {
            "time_ms": NOW_MS,
            "endpoint": "exchange.create_api_key",
            "key_name": "partner",
            "parameters": params,
            "result_id": made["apiKey"][:3] + "*" * 13,
        }
    ]


def test_a_reset_before_and_after(sandbox: Sandbox) -> None:
    params = sandbox.world.example_write("exchange.transfer").parameters
    for kind, effects in (("reset-before", 0), ("reset", 1)):
        sandbox.exchange.faults.add(kind, method="POST")
        with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
            post(sandbox, "exchange.transfer", params)
        assert len(sandbox.exchange.effects) == effects


def test_threads_share_the_world(sandbox: Sandbox) -> None:
    params = sandbox.world.example_write("exchange.transfer").parameters | {"amount": "0.5"}
    before = sandbox.world.master.wallets["spot"]["USDT"]
    with ThreadPoolExecutor(8) as rate_limit:
        payload = list(rate_limit.map(lambda _: post(sandbox, "exchange.transfer", params), range(40)))
    assert {status for status, _ in payload} == {200}
    assert len({response["txnId"] for _, response in payload}) == 40
    assert before - sandbox.world.master.wallets["spot"]["USDT"] == 20
    assert len(sandbox.exchange.effects) == 40
