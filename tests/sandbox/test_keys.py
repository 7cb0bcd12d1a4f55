"""The sandbox's keys: the permissions each can read, the addresses it may be used from, and added keys."""

from __future__ import annotations

import base64
import http.client
import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.support.paths import ANSWERS
from tests.support.sandbox_env import SandboxEnv
from tests.support.sandbox_requests import (
    FORM,
    NOW,
    NOW_MS,
    ask,
    documented,
    error,
    exchange,
    new_rows,
    signed,
    state,
    world,
    write,
)
from toolkit.endpoints import ENDPOINTS_BY_NAME, ENDPOINTS_BY_ROUTE, KEY_PERMISSIONS, SAPI_IP
from toolkit.errors import ContractError
from toolkit.frames.builder import FrameBuilder
from toolkit.sandbox import Exchange, RegisteredKey, SandboxRequest, SandboxResponse, World
from toolkit.sandbox.authentication import find_key

PATH = KEY_PERMISSIONS.path
EXAMPLES = documented("account.key_permissions", ANSWERS / "internal")
ELSEWHERE = {"X-Sandbox-IP": "192.0.2.50"}
REFUSED = (401, -2015)

# The switches that are on for a key with the usual permissions.
USUAL = {
    "enableReading",
    "enableInternalTransfer",
    "permitsUniversalTransfer",
    "enableSpotAndMarginTrading",
}

Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def permissions(this: Exchange, key: RegisteredKey, **options: Any) -> SandboxResponse:
    return this.handle(signed(PATH, key=key, **options))


def own_permissions(key: RegisteredKey) -> dict[str, Any]:
    """The permissions that a key reads of itself."""
    this = new_rows()
    key = this.world.keys["asks"] = replace(key, key="x" * 64)
    response = permissions(this, key)
    assert response.status == 200, response.body
    payload: Any = response.json()
    return dict(payload)


# --- the declaration -----------------------------------------------------------------------------


def test_it_is_declared_as_documented() -> None:
    assert ENDPOINTS_BY_ROUTE["GET", "/sapi/v1/account/apiRestrictions"] == (KEY_PERMISSIONS,)
    assert ENDPOINTS_BY_NAME["account.wallet.key_permissions"] is KEY_PERMISSIONS
    assert (KEY_PERMISSIONS.security, KEY_PERMISSIONS.rate_limit) == ("USER_DATA", SAPI_IP)
    assert KEY_PERMISSIONS.weight_of({}) == 1
    assert KEY_PERMISSIONS.request_params == ()


@pytest.mark.parametrize("response", EXAMPLES)
def test_the_documented_responses_fit_the_declaration(response: dict[str, Any]) -> None:
    frame = framed(response)
    assert frame.attrs["undeclared"] == []
    assert list(frame.columns) == [column.name for column in KEY_PERMISSIONS.columns]
    (row,) = frame.to_dict("records")
    for column in KEY_PERMISSIONS.columns:
        (field,) = column.fields
        if field not in response:
            assert pd.isna(row[column.name])
        elif column.kind == "time":
            assert row[column.name] == pd.Timestamp(response[field], unit="ms", tz="UTC")
        else:
            assert row[column.name] is response[field]


def test_every_declared_field_is_documented_and_three_are_in_every_copy() -> None:
    wires = {column.fields[0]: column.optional for column in KEY_PERMISSIONS.columns}
    assert set(wires) == set().union(*EXAMPLES)
    needed = {field for field, optional in wires.items() if not optional}
    assert needed == {"ipRestrict", "enableReading", "enableWithdrawals"}
    (least,) = framed(dict.fromkeys(needed, True)).to_dict("records")
    assert sum(value is True for value in least.values()) == 3
    for field in needed:
        with pytest.raises(ContractError, match=field):
            framed(dict.fromkeys(needed - {field}, True))


def framed(response: dict[str, Any]) -> pd.DataFrame:
    builder = FrameBuilder(KEY_PERMISSIONS, "float")
    builder.add(response)
    return builder.frame({})


# --- permissions that a key reads of itself ------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "on"),
    [
        ("partner", USUAL | {"ipRestrict"}),
        ("open", USUAL),
        ("withdrawals", USUAL | {"ipRestrict", "enableWithdrawals"}),
        ("read-only", {"ipRestrict", "enableReading"}),
        ("no-link", USUAL),
        ("customer", USUAL),
    ],
)
def test_each_key_reads_its_own_permissions(name: str, on: set[str]) -> None:
    this = exchange()
    response = permissions(this, world().keys[name])
    assert response.headers[SAPI_IP.header] == "1"
    payload: Any = response.json()
    assert payload.pop("createTime") == world().start_ms
    assert all(type(value) is bool for value in payload.values())
    assert {field for field, value in payload.items() if value} == on


def test_the_response_is_the_documented_one() -> None:
    payload = own_permissions(world().partner)
    assert payload.keys() == EXAMPLES[1].keys()  # of the newer documents
    assert {name: type(value) for name, value in payload.items()} == {
        name: type(value) for name, value in EXAMPLES[1].items()
    }
    frame = framed(payload)
    assert frame.attrs["undeclared"] == []
    assert frame["ip_restrict"].tolist() == [True]


@pytest.mark.parametrize(
    ("permission", "field"),
    [
        ("trade", "enableSpotAndMarginTrading"),
        ("Spot & Margin Trading", "enableSpotAndMarginTrading"),
        ("internal transfer", "enableInternalTransfer"),
        ("Universal Transfer", "permitsUniversalTransfer"),
        ("Futures", "enableFutures"),
        ("Margin Loan, Repay & Transfer", "enableMargin"),
        ("European Options", "enableVanillaOptions"),
        ("Portfolio Margin Trading", "enablePortfolioMarginTrading"),
        ("FIX API Trading", "enableFixApiTrade"),
        ("FIX API Reading", "enableFixReadOnly"),
    ],
)
def test_a_permission_turns_on_one_field(permission: str, field: str) -> None:
    payload = own_permissions(replace(world().keys["open"], permissions=frozenset({permission})))
    assert {name for name, value in payload.items() if value is True} == {"enableReading", field}


def test_a_trade_only_key_cannot_read_its_permissions() -> None:
    assert error(permissions(exchange(), world().keys["trade-only"])) == REFUSED


def test_the_request_is_checked_like_any_signed_one() -> None:
    this = exchange()
    partner = world().partner
    unknown = replace(partner, key="x" * 64)
    assert error(permissions(this, unknown)) == REFUSED
    assert error(permissions(this, partner, signature="0" * 64)) == (400, -1022)
    assert error(permissions(this, partner, timestamp="1")) == (400, -1021)
    assert error(permissions(this, partner, method="POST")) == (405, -1099)
    assert error(this.handle(SandboxRequest("GET", PATH))) == (401, -2014)
    assert error(this.handle(signed(PATH, {"email": "a@b.example"}))) == (400, -1104)
    assert this.handle(signed(PATH, {"recvWindow": "60000"})).status == 200


def test_link_reads_it_as_a_frame(env: SandboxEnv) -> None:
    frame = env.link.get(PATH)
    assert frame["enable_withdrawals"].tolist() == [False]
    assert frame.attrs["weight"] == 1


# --- where a key may be used ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["partner", "withdrawals", "read-only"])
def test_a_restricted_key_reads_only_from_its_addresses(name: str) -> None:
    this, key = exchange(), world().keys[name]
    for ip in key.addresses:
        assert ask(this, "exchange.partner", key=key, headers={"X-Sandbox-IP": ip}).status == 200
        assert permissions(this, key, headers={"X-Sandbox-IP": ip}).status == 200
    assert ask(this, "exchange.partner", key=key).status == 200
    response = ask(this, "exchange.partner", key=key, headers=ELSEWHERE)
    assert error(response) == REFUSED
    assert error(permissions(this, key, headers=ELSEWHERE)) == REFUSED
    # From a wrong address nothing is revealed: the response is that to an unknown key.
    stranger = replace(key, key="x" * 64)
    assert response.body == ask(this, "exchange.partner", key=stranger, headers=ELSEWHERE).body
    assert error(ask(this, "exchange.partner", key=key, headers=ELSEWHERE, signature="0")) == REFUSED


def test_a_restricted_key_writes_only_from_its_addresses() -> None:
    this = new_rows()
    before = state(this)
    assert error(write(this, "exchange.create_sub_account", headers=FORM | ELSEWHERE)) == REFUSED
    assert state(this) == before
    open_key = this.world.keys["open"]
    anywhere = write(this, "exchange.create_sub_account", key=open_key, headers=FORM | ELSEWHERE)
    assert anywhere.status == 200
    assert write(this, "exchange.create_sub_account").status == 200
    assert len(this.effects) == 2


@pytest.mark.parametrize("name", ["open", "no-link", "customer"])
def test_a_key_without_addresses_works_from_anywhere(name: str) -> None:
    assert permissions(exchange(), world().keys[name], headers=ELSEWHERE).status == 200


@pytest.mark.parametrize("path", ["/api/v3/time", "/sapi/v1/system/status", "/fapi/v1/exchangeInfo"])
def test_public_paths_ignore_the_addresses_of_a_key(path: str) -> None:
    headers = {"X-MBX-APIKEY": world().partner.key, **ELSEWHERE}
    assert exchange().handle(SandboxRequest("GET", path, headers=headers)).status == 200


def test_a_key_with_withdrawals_must_be_restricted_to_addresses() -> None:
    may = world().keys["withdrawals"]
    with pytest.raises(ValueError, match="needs `addresses`"):
        replace(may, addresses=frozenset())
    with pytest.raises(ValueError, match="needs `addresses`"):
        replace(world().keys["open"], withdrawals=True)


# --- added keys ----------------------------------------------------------------------------------


def pair(kind: str) -> Private:
    return rsa.generate_private_key(65537, 2048) if kind == "rsa" else ed25519.Ed25519PrivateKey.generate()


def pem_of(private: Private | ec.EllipticCurvePrivateKey) -> str:
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def sign(private: Private, payload: str) -> bytes:
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(payload.encode(), padding.PKCS1v15(), hashes.SHA256())
    return private.sign(payload.encode())


def text_of(raw: bytes) -> str:
    return quote(base64.b64encode(raw).decode(), safe="")


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_an_added_key_verifies_and_one_flipped_bit_does_not(kind: str) -> None:
    this, private = new_rows(), pair(kind)
    key = this.world.add_key("mine", public_pem=pem_of(private))
    raw = sign(private, f"timestamp={NOW_MS}")
    assert permissions(this, key, signature=text_of(raw)).status == 200
    for bit in (0, 7, len(raw) * 4 + 3, len(raw) * 8 - 1):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        assert error(permissions(this, key, signature=text_of(bytes(flipped)))) == (400, -1022), bit
    # Neither another key's signature, nor one made with an empty secret.
    assert (
        error(permissions(this, key, signature=text_of(sign(pair(kind), f"timestamp={NOW_MS}"))))[1] == -1022
    )
    assert error(permissions(this, key))[1] == -1022
    assert this.log[0].key == "mine"


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_an_added_key_has_the_rights_of_the_key_it_is_like(kind: str) -> None:
    this, private = new_rows(), pair(kind)
    made = {
        like: this.world.add_key(f"my {like}", public_pem=pem_of(private), like=like)
        for like in ("partner", "read-only", "trade-only", "customer")
    }
    assert made == {like: this.world.keys[f"my {like}"] for like in made}
    assert not any(key.secret for key in made.values())

    def read(like: str, **options: Any) -> SandboxResponse:
        raw = sign(private, f"timestamp={NOW_MS}")
        return ask(this, "exchange.partner", {}, key=made[like], signature=text_of(raw), **options)

    def wrote(like: str) -> SandboxResponse:
        raw = sign(private, f"timestamp={NOW_MS}")
        return write(this, "exchange.create_sub_account", {}, key=made[like], signature=text_of(raw))

    assert read("partner").status == read("read-only").status == 200
    assert error(read("trade-only")) == error(read("customer")) == REFUSED
    assert error(read("partner", headers=ELSEWHERE)) == REFUSED
    before = state(this)
    assert error(wrote("read-only")) == error(wrote("customer")) == REFUSED
    assert state(this) == before
    assert wrote("partner").status == wrote("trade-only").status == 200


def test_the_text_of_an_added_key_follows_from_seed_and_name() -> None:
    pem = pem_of(pair("ed25519"))
    one, again, other = (World(seed, now=NOW, sub_accounts=4, customers=30) for seed in (7, 7, 8))
    key = one.add_key("mine", public_pem=pem)
    assert key == again.add_key("mine", public_pem=pem)
    texts = {key.key, one.add_key("ours", public_pem=pem).key, other.add_key("mine", public_pem=pem).key}
    assert len(texts) == 3
    assert all(len(text) == 64 and text.isalnum() for text in texts)
    assert key.created_ms == one.now_ms
    assert key.key not in repr(key)


def test_an_added_key_needs_a_new_name_and_a_valid_pem() -> None:
    this, mine = World(now=NOW, sub_accounts=4, customers=30), pair("ed25519")
    before = dict(this.keys)
    private = mine.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    curve = pem_of(ec.generate_private_key(ec.SECP256R1()))
    for wrong in ("", "no key", private, curve, pem_of(mine).replace("MCowBQ", "AAAAAA")):
        with pytest.raises(ValueError, match="not the PEM of an RSA or Ed25519 public key"):
            this.add_key("mine", public_pem=wrong)
    with pytest.raises(ValueError, match="a key 'partner' exists already"):
        this.add_key("partner", public_pem=pem_of(mine))
    with pytest.raises(KeyError, match="nobody"):
        this.add_key("mine", public_pem=pem_of(mine), like="nobody")
    assert this.keys == before


class Adding(str):
    """The text of an API key; each comparison with it adds a key to a world, as another thread could."""

    world: World
    pem: str

    def __eq__(self, other: object) -> bool:
        self.world.add_key(f"more {len(self.world.keys)}", public_pem=self.pem)
        return str(self) == other

    __hash__ = str.__hash__


def test_keys_may_be_added_during_a_lookup() -> None:
    this = World(now=NOW, sub_accounts=4, customers=30)
    text = Adding(this.keys["customer"].key)
    text.world, text.pem = this, pem_of(pair("ed25519"))
    number = len(this.keys)
    found = find_key(SandboxRequest("GET", PATH, headers={"X-MBX-APIKEY": text}), this.keys.values())
    assert found is this.keys["customer"]
    assert len(this.keys) > number


def test_a_key_is_added_while_the_server_runs(env: SandboxEnv) -> None:
    private = pair("ed25519")
    assert env.link.exchange.partner()["sub_account_qty"][0] > 0
    key = env.sandbox.world.add_key("mine", public_pem=pem_of(private), like="read-only")
    query = f"timestamp={env.now}"
    signature = text_of(sign(private, query))
    connection = http.client.HTTPConnection(env.sandbox.address.removeprefix("http://"), timeout=60)
    try:
        connection.request("GET", f"{PATH}?{query}&signature={signature}", headers={"X-MBX-APIKEY": key.key})
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["ipRestrict"]) == (200, True)
    finally:
        connection.close()
    assert env.exchange.log[-1].key == "mine"


def test_the_keys_of_a_seed_never_change() -> None:
    """They are pinned: notebooks and other clients have them in their settings."""
    assert {name: (key.key[:6], key.secret[:6]) for name, key in world().keys.items()} == PINNED


PINNED = {
    "partner": ("3y47mp", "aKosM9"),
    "open": ("eVi1ZL", "mXcZJ2"),
    "withdrawals": ("DCtaxA", "EWaW2u"),
    "read-only": ("l0gjxE", "Yiyg5L"),
    "trade-only": ("fBYPWD", "73xP2W"),
    "no-link": ("FplfSl", "EHQp5v"),
    "customer": ("LN9Ugg", "Eytt9p"),
}
