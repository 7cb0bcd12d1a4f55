"""Endpoints of one request: what one has a column for, the other leaves out without a warning."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.support.paths import PACKAGE
from toolkit.endpoints import ENDPOINTS_BY_NAME, ENDPOINTS_BY_ROUTE, Endpoint
from toolkit.frames.decoder import Decoder
from toolkit.frames.siblings import sibling_fields

SEVERAL = sorted(
    endpoint.qualified_name
    for declared in ENDPOINTS_BY_ROUTE.values()
    if len(declared) > 1
    for endpoint in declared
)


def response_of(endpoint: Endpoint) -> bytes:
    """The documented response."""
    text = (PACKAGE / "sandbox" / "examples" / f"{endpoint.qualified_name}.json").read_text("utf-8")
    return json.dumps(json.loads(text)["documented"]).encode()


@pytest.mark.parametrize("name", SEVERAL)
def test_what_a_sibling_has_is_not_undeclared(name: str) -> None:
    endpoint = ENDPOINTS_BY_NAME[name]
    body = response_of(endpoint)
    fast = Decoder(endpoint).read(body)
    assert fast is None or fast.undeclared == frozenset()
    assert Decoder(endpoint).decode(json.loads(body)).undeclared == frozenset()


def test_the_fields_of_a_sibling_are_named_by_the_object_around_them() -> None:
    assets = ENDPOINTS_BY_NAME["account.futures.assets"]
    assert {"totalWalletBalance", "totalMarginBalance"} <= sibling_fields(assets)
    assert sibling_fields(ENDPOINTS_BY_NAME["account.futures.info"]) == {"assets"}
    assert sibling_fields(ENDPOINTS_BY_NAME["spot.rebates"]) == frozenset()


def test_a_field_that_neither_has_is_undeclared_on_both_paths() -> None:
    assets = replace(ENDPOINTS_BY_NAME["account.futures.assets"], ignored=())
    payload = json.loads(response_of(assets)) | {"brandNew": "1"}
    assert Decoder(assets).decode(payload).undeclared == {"brandNew", "positions"}
    del payload["positions"]  # the fast path reads no list beside the rows
    fast = Decoder(replace(assets, ignored=("brandNew",))).read(json.dumps(payload).encode())
    assert fast is not None
    assert fast.undeclared == frozenset()
    assert Decoder(assets).read(json.dumps(payload).encode()) is None, "the strict path names it"


def test_the_same_path_with_another_fixed_value_is_another_request() -> None:
    spot = ENDPOINTS_BY_NAME["account.wallet.spot_snapshots"]
    futures = ENDPOINTS_BY_NAME["account.wallet.futures_snapshots"]
    assert sibling_fields(spot) == frozenset()
    assert sibling_fields(futures) == {"data.position"}
