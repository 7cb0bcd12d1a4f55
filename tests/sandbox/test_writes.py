"""Writes: each does once what its read shows; refused, or failing before the effect, it does nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.sandbox_requests import (
    DAY,
    FORM,
    NOW_MS,
    ask,
    documented_write,
    error,
    hmac_of,
    new_rows,
    placed,
    state,
    write,
)
from toolkit.endpoints import CUSTOMER_ONLY_ENDPOINTS, WRITES, WRITES_BY_NAME
from toolkit.sandbox import Exchange, SandboxRequest, effects
from toolkit.sandbox import exchange as rules
from toolkit.sandbox.effects import shown
from toolkit.sandbox.writes import WRITERS

WRITE_NAMES = [each.qualified_name for each in WRITES]


def seen(this: Exchange, params: Mapping[str, str]) -> dict[str, Any]:
    """The responses of every read that could show a write with these parameters."""
    world = this.world
    account = params.get("subAccountId", params.get("toId", world.accounts[0].id))
    own = {"subAccountId": account}
    key = {"subAccountApiKey": params.get("subAccountApiKey", "none")}
    since = {"startTime": str(NOW_MS - DAY), "limit": "500"}
    every = {"fromId": world.partner_uid, "showAllStatus": "true", **since}
    customer = {"customerId": params.get("customerId", "none")}
    asked: list[tuple[str, dict[str, str]]] = [
        ("exchange.partner", {}),
        ("exchange.sub_accounts", {"size": "500"}),
        ("exchange.api_keys", own | {"size": "500"}),
        ("exchange.ip_restriction", own | key),
        ("exchange.bnb_burn", own),
        ("exchange.um_commission", own | {"symbol": "BTCUSDT"}),
        ("exchange.cm_commission", own | {"pair": "BTCUSD"}),
        ("exchange.spot_balances", own),
        ("exchange.margin_balances", own),
        ("exchange.futures_balances", own | {"futuresType": "1"}),
        ("exchange.futures_balances", own | {"futuresType": "2"}),
        ("exchange.transfers", every),
        ("exchange.universal_transfers", every),
        ("exchange.futures_transfers", own | {"futuresType": "1"} | since),
        ("exchange.futures_transfers", own | {"futuresType": "2"} | since),
        ("spot.customers", customer),
        ("futures.customers", customer),
    ]
    responses = {
        f"{endpoint_name} {filters.get('futuresType', '')}".strip(): ask(this, endpoint_name, filters)
        for endpoint_name, filters in asked
    }
    for endpoint_name, code in (("spot", "apiAgentCode"), ("futures", "brokerId"), ("portfolio", "brokerId")):
        name = f"{endpoint_name}.customer_id"
        responses[name] = ask(this, name, {code: world.agent_code}, key=world.keys["customer"])
    payload = {name: (response.status, response.json()) for name, response in responses.items()}
    for name in payload:
        if isinstance(payload[name][1], dict):
            payload[name][1].pop("timestamp", None)  # type: ignore[union-attr]
    return payload


ACCOUNT = {"exchange.sub_accounts", "exchange.partner"}
CUSTOMER = {"spot.customers", "futures.customers"}
OWN = CUSTOMER | {"spot.customer_id", "futures.customer_id", "portfolio.customer_id"}
SHOWN: dict[str, set[str]] = {
    "exchange.create_sub_account": ACCOUNT,
    "exchange.delete_sub_account": ACCOUNT
    | {
        "exchange.api_keys",
        "exchange.ip_restriction",
        "exchange.bnb_burn",
        "exchange.um_commission",
        "exchange.cm_commission",
        "exchange.spot_balances",
        "exchange.margin_balances",
        "exchange.futures_balances 1",
        "exchange.futures_balances 2",
        "exchange.futures_transfers 1",
        "exchange.futures_transfers 2",
    },
    "exchange.enable_futures": {"exchange.futures_balances 1", "exchange.futures_balances 2"},
    "exchange.create_api_key": {"exchange.api_keys"},
    "exchange.delete_api_key": {"exchange.api_keys", "exchange.ip_restriction"},
    "exchange.set_permissions": {"exchange.api_keys"},
    "exchange.set_universal_transfer": set(),
    "exchange.set_ip_restriction": {"exchange.ip_restriction"},
    "exchange.remove_addresses": {"exchange.ip_restriction"},
    "exchange.set_spot_bnb_burn": {"exchange.bnb_burn"},
    "exchange.set_interest_bnb_burn": {"exchange.bnb_burn"},
    "exchange.transfer": {"exchange.transfers", "exchange.spot_balances"},
    "exchange.transfer_futures": {"exchange.futures_transfers 1", "exchange.futures_balances 1"},
    "exchange.universal_transfer": {"exchange.universal_transfers", "exchange.futures_balances 1"},
    "exchange.transfer_within": {"exchange.spot_balances", "exchange.futures_balances 1"},
    "exchange.set_commission": {"exchange.sub_accounts"},
    "exchange.set_um_commission": {"exchange.um_commission"},
    "exchange.set_cm_commission": {"exchange.cm_commission"},
    "spot.set_customer_id": CUSTOMER,
    "spot.set_own_customer_id": OWN,
    "futures.set_customer_id": CUSTOMER,
    "futures.set_own_customer_id": OWN,
    "portfolio.set_own_customer_id": OWN,
}


# --- execution -----------------------------------------------------------------------------------


def test_every_declared_write_is_implemented() -> None:
    assert set(WRITERS) == set(WRITE_NAMES) == set(SHOWN)


@pytest.mark.parametrize("endpoint_name", WRITE_NAMES)
def test_the_response_is_as_documented(endpoint_name: str) -> None:
    this, declared, right = new_rows(), WRITES_BY_NAME[endpoint_name], documented_write(endpoint_name)
    params = this.world.example_write(endpoint_name).parameters
    response = write(this, endpoint_name)
    assert response.status == 200, response.body
    payload: Any = response.json()
    assert payload.keys() == right.keys()
    assert {name: type(value) for name, value in payload.items()} == {
        name: type(value) for name, value in right.items()
    }
    for column in declared.columns:
        assert column.optional or set(column.fields) & payload.keys(), column.name
    for name in ("subAccountId", "tag", "email", "symbol", "pair", "status", "makerAdjustment", "brokerId"):
        if name in payload and name in params:
            assert str(payload[name]) == params[name], name


@pytest.mark.parametrize("endpoint_name", WRITE_NAMES)
def test_only_the_matching_reads_show_it(endpoint_name: str) -> None:
    this = new_rows()
    params = this.world.example_write(endpoint_name).parameters
    if endpoint_name == "exchange.set_ip_restriction":
        params |= {"ipAddress": "192.0.2.99"}
    before = seen(this, params)
    assert write(this, endpoint_name, params).status == 200
    after = seen(this, params)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == SHOWN[endpoint_name]


@pytest.mark.parametrize("endpoint_name", WRITE_NAMES)
def test_one_effect_is_recorded_without_secrets(endpoint_name: str) -> None:
    this = new_rows()
    example = this.world.example_write(endpoint_name)
    response = write(this, endpoint_name, example.parameters, key=example.key)
    (effect,) = this.effects
    assert (effect.time_ms, effect.qualified_name, effect.key_name) == (
        NOW_MS,
        endpoint_name,
        example.key.name,
    )
    sent = {name: text for name, text in example.parameters.items() if name != "email"}
    if "subAccountApiKey" in sent:
        sent["subAccountApiKey"] = sent["subAccountApiKey"][:3] + "*" * 13
    assert dict(effect.parameters) == sent
    payload: Any = response.json()
    if "txnId" in payload:
        assert effect.result_id == str(payload["txnId"])
    elif endpoint_name == "exchange.create_sub_account":
        assert effect.result_id == payload["subaccountId"]
    elif endpoint_name == "exchange.create_api_key":
        assert effect.result_id == payload["apiKey"][:3] + "*" * 13
    else:
        assert effect.result_id == ""
    for private in (
        payload.get("secretKey"),
        payload.get("apiKey"),
        example.parameters.get("email"),
        example.key.key,
    ):
        assert not private or private not in repr(this.effects)


def test_effects_are_found_by_their_parameters() -> None:
    this = new_rows()
    a, b = this.world.accounts[:2]
    key = a.keys[0].key
    for account, amount in ((a, "1"), (b, "2"), (a, "3")):
        params = {"toId": account.id, "asset": "USDT", "amount": amount}
        assert write(this, "exchange.transfer", params).status == 200
    write(
        this,
        "exchange.set_universal_transfer",
        {"subAccountId": a.id, "subAccountApiKey": key, "canUniversalTransfer": "true"},
    )
    amounts = [each.parameters["amount"] for each in this.effects_of("exchange.transfer", toId=a.id)]
    assert amounts == ["1", "3"]
    assert len(this.effects_of("exchange.transfer")) == 3
    assert this.effects_of("exchange.transfer", toId=a.id, amount="2") == []
    assert len(this.effects_of("exchange.set_universal_transfer", subAccountApiKey=key)) == 1


def test_the_oldest_effects_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rules.EFFECTS_KEPT == 200_000
    monkeypatch.setattr(rules, "EFFECTS_KEPT", 2)
    this = new_rows()
    for amount in ("1", "2", "3"):
        write(
            this,
            "exchange.transfer",
            this.world.example_write("exchange.transfer").parameters | {"amount": amount},
        )
    assert [each.parameters["amount"] for each in this.effects] == ["2", "3"]


def test_the_same_seed_and_calls_give_the_same_responses() -> None:
    def responses() -> list[bytes]:
        this = new_rows()
        return [write(this, endpoint_name).body for endpoint_name in WRITE_NAMES]

    assert responses() == responses()


@pytest.mark.parametrize("endpoint_name", [each.qualified_name for each in WRITES if each.repeatable])
def test_repeating_an_idempotent_write_changes_nothing(endpoint_name: str) -> None:
    this = new_rows()
    example = this.world.example_write(endpoint_name)
    first = write(this, endpoint_name, example.parameters, key=example.key)
    idempotency_key = repr((this.world.accounts, this.world.customers))
    again = write(this, endpoint_name, example.parameters, key=example.key)
    assert (again.status, again.body) == (200, first.body)
    assert repr((this.world.accounts, this.world.customers)) == idempotency_key
    assert len(this.effects) == 2


# --- permissions and transmission ----------------------------------------------------------------


@pytest.mark.parametrize("endpoint_name", WRITE_NAMES)
def test_only_the_right_key_and_signature_change_anything(endpoint_name: str) -> None:
    this = new_rows()
    params, key = this.world.example_write(endpoint_name)
    keys = this.world.keys
    before = state(this)
    assert error(
        this.handle(placed(endpoint_name, {}, params, key=key, headers={**FORM, "X-MBX-APIKEY": ""}))
    ) == (
        401,
        -2014,
    )
    assert error(write(this, endpoint_name, params, key=key, signature="0" * 64)) == (400, -1022)
    for name in (
        "read-only",
        "no-link",
        "partner" if endpoint_name in CUSTOMER_ONLY_ENDPOINTS else "customer",
    ):
        assert error(write(this, endpoint_name, params, key=keys[name])) == (401, -2015), name
    trading = write(this, endpoint_name, params, key=keys["trade-only"])
    if WRITES_BY_NAME[endpoint_name].security == "USER_DATA":
        assert error(trading) == (401, -2015)
    else:
        assert trading.status == 200
        assert len(this.effects) == 1
        return
    assert state(this) == before


MANDATORY = [(each.qualified_name, param.field) for each in WRITES for param in each.params if param.required]


@pytest.mark.parametrize(("endpoint_name", "name"), MANDATORY)
def test_mandatory_parameters(endpoint_name: str, name: str) -> None:
    this = new_rows()
    params, key = this.world.example_write(endpoint_name)
    before = state(this)
    without = {each: text for each, text in params.items() if each != name}
    assert error(write(this, endpoint_name, without, key=key)) == (400, -1102)
    assert error(write(this, endpoint_name, params | {name: ""}, key=key)) == (400, -1102)
    assert state(this) == before


@pytest.mark.parametrize("endpoint_name", WRITE_NAMES)
def test_undeclared_parameters(endpoint_name: str) -> None:
    this = new_rows()
    params, key = this.world.example_write(endpoint_name)
    before = state(this)
    assert error(write(this, endpoint_name, params | {"surprise": "1"}, key=key)) == (400, -1104)
    name = next(iter(params))
    twice = f"{urlencode(params)}&{name}=1"
    text = f"{twice}&timestamp={NOW_MS}"
    request = SandboxRequest(
        WRITES_BY_NAME[endpoint_name].method,
        WRITES_BY_NAME[endpoint_name].path,
        f"{text}&signature={hmac_of(key.secret, text)}".encode(),
        b"",
        {"X-MBX-APIKEY": key.key},
    )
    assert error(this.handle(request)) == (400, -1101)
    assert state(this) == before


@pytest.mark.parametrize("endpoint_name", WRITE_NAMES)
def test_parameters_in_query_or_body_or_both(endpoint_name: str) -> None:
    first = None
    for sent_in in ("body", "query", "both"):
        this = new_rows()
        params, key = this.world.example_write(endpoint_name)
        names = list(params)
        query = {"body": [], "query": names, "both": names[::2]}[sent_in]
        ahead = {name: params[name] for name in query}
        rest = {name: params[name] for name in params if name not in query}
        response = this.handle(placed(endpoint_name, ahead, rest, key=key))
        assert response.status == 200, response.body
        first = first or response.body
        assert response.body == first
        (effect,) = this.effects
        assert effect.parameters.keys() == params.keys() - {"email"}


def test_the_query_takes_precedence() -> None:
    this = new_rows()
    params, key = this.world.example_write("exchange.transfer")
    response = this.handle(placed("exchange.transfer", params, {"amount": "99", "asset": "BTC"}, key=key))
    assert response.status == 200
    (effect,) = this.effects
    assert (effect.parameters["amount"], effect.parameters["asset"]) == ("12.5", "USDT")
    # A name in both places counts as one parameter.
    strange = placed("exchange.transfer", params, {"amount": "99", "x": "1"}, key=key)
    payload: Any = this.handle(strange).json()
    assert payload["msg"].endswith("read '5' parameter(s) but was sent '6'.")


def test_a_body_of_another_content_type_is_ignored() -> None:
    this = new_rows()
    params, key = this.world.example_write("exchange.transfer")
    for kind in ("application/json", "text/plain"):
        request = placed("exchange.transfer", {}, params, key=key, headers={"Content-Type": kind})
        assert error(this.handle(request)) == (400, -1102)
    assert not this.effects


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/sapi/v1/broker/subAccount", "PUT", 405),
        ("/sapi/v1/broker/futures/accountTransfer", "GET", 405),
        ("/sapi/v1/broker/transfer", "DELETE", 405),
        ("/sapi/v1/broker/transfers", "POST", 404),
    ],
)
def test_other_methods(path: str, method: str, status: int) -> None:
    assert error(new_rows().handle(SandboxRequest(method, path))) == (status, -1099)


@pytest.mark.parametrize("field", sorted({each.field for w in WRITES for each in w.params if each.private}))
def test_an_effect_shows_nothing_private(field: str) -> None:
    kept = shown({field: "private-to-whom-it-is-of", "amount": "1"})
    assert "private-to" not in str(kept)
    assert kept["amount"] == "1"


def test_other_private_parameters_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(effects._PRIVATE, "amount", "amount")
    assert shown({"amount": "1", "asset": "BNB"}) == {"asset": "BNB"}
