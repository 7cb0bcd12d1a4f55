"""Errors under HTTP 200: no read takes one for a row, and no valid row is taken for an error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.paths import EXAMPLES
from tests.support.recording import RecordingServer, answer
from tests.support.sandbox_env import SandboxEnv
from tests.unit.api.test_reads import EACH, method_of, required_arguments, values_of
from toolkit import errors
from toolkit.client import Link
from toolkit.endpoints import BASE_URLS, ENDPOINTS, Endpoint
from toolkit.transport.responses import RawResponse, classify, parse_response

LONG_MESSAGE = "Invalid symbol. " * 500
"""Longer than any real message."""

SHAPES: dict[str, tuple[Any, type[errors.ApiError]]] = {
    "code and message": ({"code": -1121, "msg": "Invalid symbol."}, errors.NotFoundError),
    "code as text": ({"code": "-1121", "msg": "Invalid symbol."}, errors.NotFoundError),
    "code alone": ({"code": -1121}, errors.NotFoundError),
    "long": ({"code": -1121, "msg": LONG_MESSAGE}, errors.NotFoundError),
    "with more": ({"code": -1121, "msg": "Invalid symbol.", "id": "1"}, errors.NotFoundError),
    "in a list": ([{"code": -1121, "msg": "Invalid symbol."}], errors.NotFoundError),
    "a list of them": ([{"code": -1121, "msg": "No."}] * 300, errors.NotFoundError),
    "no success": ({"success": False, "msg": "Illegal."}, errors.ApiError),
    "no success, in words": ({"success": "false", "message": "Illegal."}, errors.ApiError),
    "no success, in a list": ([{"success": False, "msg": "Illegal."}], errors.ApiError),
    "no success, all of it": (
        {"code": "000002", "message": "Illegal.", "messageDetail": None, "data": None, "success": False},
        errors.ApiError,
    ),
    "no success, and rows": (
        {"success": False, "transfers": [], "data": [], "futuresType": 1},
        errors.ApiError,
    ),
    "another code": ({"code": 100001003, "msg": "Verification failed"}, errors.ApiError),
    "banned": ({"code": -1003, "msg": "IP banned until 4102444799000."}, errors.BannedError),
}

VALID_ROWS: dict[str, Any] = {
    "nothing": [],
    "done": {"code": 200, "msg": "success"},
    "done, of a gateway": {"code": "000000", "message": None, "data": [{"a": 1}], "success": True},
    "a row with a code": {"code": -5, "name": "five below"},
    "a row with a code above": {"code": 7, "msg": "seven", "id": 1},
    "a word as a code": {"code": "USDT", "msg": "Tether"},
    "rows with codes": [{"code": -1, "msg": "cold", "id": 1}, {"code": 1, "msg": "warm", "id": 2}],
    "rows that were no success": [{"success": False, "id": 1}],
    "rows of codes": [{"code": 7, "msg": "seven"}, {"code": 8, "msg": "eight"}],
    "a flag as a code": {"code": True, "msg": "yes"},
}


class ErrorServer(RecordingServer):
    """A proxy for a sandbox that can answer requests to one path itself."""

    instead: bytes | None = None
    path = ""

    def _answer(self, raw: bytes) -> bytes:
        target = raw.split(b" ", 2)[1].decode()
        if self.instead is not None and target.partition("?")[0] == self.path:
            return answer(200, self.instead)
        return super()._answer(raw)


@pytest.fixture(scope="module")
def error_server(shared_env: SandboxEnv) -> Iterator[ErrorServer]:
    made = ErrorServer(shared_env.sandbox.address)
    yield made
    made.close()


@pytest.fixture(scope="module")
def link(shared_env: SandboxEnv, error_server: ErrorServer) -> Iterator[Link]:
    made = shared_env.new_link(hosts=dict.fromkeys(BASE_URLS, error_server.address), workers=1)
    yield made
    made.close()


@pytest.fixture(scope="module")
def values(shared_env: SandboxEnv) -> dict[str, Any]:
    return dict(values_of(shared_env))


@EACH
def test_an_error_under_http_200_is_not_a_row(
    link: Link, error_server: ErrorServer, values: dict[str, Any], endpoint: Endpoint
) -> None:
    arguments = required_arguments(endpoint, values)
    error_server.path = endpoint.path
    for shape in ("code as text", "long", "in a list", "no success", "no success, and rows"):
        payload, kind = SHAPES[shape]
        error_server.instead = json.dumps(payload).encode()
        try:
            with pytest.raises(errors.ApiError) as caught:
                method_of(link, endpoint)(**arguments)
        finally:
            error_server.instead = None
        assert type(caught.value) is kind
        assert caught.value.status == 200
        assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "banned"])
def test_an_error_under_http_200_is_not_a_row_of_an_undeclared_path(
    link: Link, error_server: ErrorServer, shape: str
) -> None:
    payload, kind = SHAPES[shape]
    error_server.path, error_server.instead = "/sapi/v1/new", json.dumps(payload).encode()
    try:
        with pytest.raises(errors.ApiError) as caught:
            link.get("/sapi/v1/new")
    finally:
        error_server.instead = None
    assert type(caught.value) is kind


@pytest.mark.parametrize("payload", VALID_ROWS.values(), ids=VALID_ROWS)
def test_a_valid_row_is_not_taken_for_an_error(link: Link, error_server: ErrorServer, payload: Any) -> None:
    error_server.path, error_server.instead = "/sapi/v1/new", json.dumps(payload).encode()
    try:
        frame = link.get("/sapi/v1/new")
    finally:
        error_server.instead = None
    expected = payload.get("data", [payload]) if isinstance(payload, dict) else payload
    assert len(frame) == len(expected)


DOCUMENTED = [
    (each.stem, json.loads(each.read_text())[name])
    for each in sorted(EXAMPLES.glob("*.json"))
    for name in json.loads(each.read_text())
]


@pytest.mark.parametrize(
    ("endpoint_name", "payload"), DOCUMENTED, ids=[endpoint_name for endpoint_name, _ in DOCUMENTED]
)
def test_a_documented_response_is_not_taken_for_an_error(endpoint_name: str, payload: Any) -> None:
    good = RawResponse(200, {}, json.dumps(payload).encode())
    assert parse_response(endpoint_name, "/sapi/v1/x", good, 0.0)[1] is None


@settings(max_examples=50)
@given(
    endpoint=st.sampled_from(ENDPOINTS),
    code=st.integers(-99_999, -1),
    as_text=st.booleans(),
    message=st.text(max_size=40),
    in_list=st.booleans(),
    more=st.dictionaries(st.sampled_from(["timestamp", "status", "data"]), st.none(), max_size=3),
)
def test_every_code_gives_the_error_class_that_says_what_to_do(
    endpoint: Endpoint,
    code: int,
    message: str,
    *,
    as_text: bool,
    in_list: bool,
    more: dict[str, None],
) -> None:
    payload: Any = {"code": str(code) if as_text else code, "msg": message, **more}
    body = json.dumps([payload] if in_list else payload).encode()
    wrapped = parse_response(endpoint.qualified_name, endpoint.path, RawResponse(200, {}, body), 0.0)[1]
    plain_body = json.dumps({"code": code, "msg": message}).encode()
    plain = parse_response(endpoint.qualified_name, endpoint.path, RawResponse(400, {}, plain_body), 0.0)[1]
    assert wrapped is not None
    assert type(wrapped) is type(plain)


def test_too_many_requests_without_a_code_is_a_rate_limit() -> None:
    body = json.dumps({"success": False, "msg": "Too many requests. Please try again later."}).encode()
    _, error = parse_response("endpoint", "/sapi/v1/x", RawResponse(200, {"Retry-After": "7"}, body), 0.0)
    assert isinstance(error, errors.RateLimitError)
    assert error.retry_after == 7


def test_a_ban_under_http_200_is_a_ban() -> None:
    payload, _ = SHAPES["banned"]
    _, error = parse_response(
        "endpoint", "/sapi/v1/x", RawResponse(200, {}, json.dumps(payload).encode()), 4102444000.0
    )
    assert isinstance(error, errors.BannedError)
    assert error.status == 200
    assert 4102444799 <= error.until.timestamp() <= 4102444800


@pytest.mark.parametrize("shape", SHAPES)
def test_an_error_under_http_200_confirms_no_write(shape: str) -> None:
    payload, _ = SHAPES[shape]
    result = classify(
        "endpoint", "/sapi/v1/x", RawResponse(200, {}, json.dumps(payload).encode()), 4102444000.0
    )
    assert not result.executed
