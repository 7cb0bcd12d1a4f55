"""`Link` itself: its arguments, its estimates, its repr; `toolkit.list_endpoints()`; `toolkit.demo()`."""

from __future__ import annotations

import gc
import inspect
import json
import operator
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests

import toolkit
from tests.support.sandbox_env import SandboxEnv
from toolkit import errors
from toolkit.endpoints import BASE_URLS, ENDPOINTS, WRITES, Host, listing
from toolkit.endpoints.rate_limits import FUNDING

KEY, SECRET = "k" * 64, "s" * 64


def test_the_real_exchange_is_the_default() -> None:
    link = toolkit.Link(key=KEY, secret=SECRET)
    assert dict(link.hosts) == BASE_URLS
    assert link.source == "live"
    assert (
        repr(link)
        == "Link(live: https://api.binance.com, https://fapi.binance.com, https://papi.binance.com)"
    )


def test_hosts_that_are_not_given_are_the_exchanges() -> None:
    link = toolkit.Link(key=KEY, secret=SECRET, hosts={"fapi": "http://127.0.0.1:9"})
    assert dict(link.hosts) == {**BASE_URLS, "fapi": "http://127.0.0.1:9"}
    assert repr(link) == "Link(live: https://api.binance.com, http://127.0.0.1:9, https://papi.binance.com)"
    assert toolkit.Link(key=KEY, secret=SECRET, hosts={}).hosts == BASE_URLS


@pytest.mark.parametrize("host", [*BASE_URLS])
def test_one_real_host_makes_a_link_live(env: SandboxEnv, host: Host, tmp_path: Path) -> None:
    """Also where all others are a sandbox: its writes have to be confirmed."""
    hosts: dict[Host, str] = {each: env.sandbox.address for each in BASE_URLS if each != host}
    link = toolkit.Link(key=KEY, secret=SECRET, hosts=hosts, clock=env.clock)
    assert link.source == "live"
    with pytest.raises(errors.UsageError, match='confirm="live"'):
        link.operations(journal=tmp_path)
    everywhere = toolkit.Link(key=KEY, secret=SECRET, hosts=hosts | {host: env.sandbox.address})
    assert everywhere.source == "sandbox"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"hosts": {"fap": "https://example.com"}}, r"hosts are api, fapi, papi.*Did you mean .fapi"),
        (
            {"hosts": {"api": "https://example.com", 1: "https://example.com"}},
            "names an unknown host; the hosts are api, fapi, papi",
        ),
        ({"hosts": "https://example.com"}, "must map names of hosts"),
        ({"hosts": {"fapi": "http://example.com"}}, "host 'fapi' in `hosts` must look like"),
        ({"hosts": dict.fromkeys(BASE_URLS, "http://example.com")}, "https"),
        ({"hosts": dict.fromkeys(BASE_URLS, "https://user@example.com")}, "no user name"),
        ({"hosts": dict.fromkeys(BASE_URLS, "https://example.com/api")}, "no path"),
        ({"hosts": dict.fromkeys(BASE_URLS, "example.com")}, "https"),
        ({"recv_window": 0}, "recv_window"),
        ({"recv_window": 60_001}, "60000"),
        ({"numbers": "double"}, "numbers"),
        ({"verify": False}, "verify"),
        ({"verify": ""}, "verify"),
        ({"verify": 0}, "verify"),
        ({"verify": "/no/such/file.pem"}, "does not exist"),
        ({"hosts": dict.fromkeys(BASE_URLS, "https://example.com:99999")}, "https"),
        ({"hosts": dict.fromkeys(BASE_URLS, "https://example.com?")}, "no path"),
        ({"hosts": dict.fromkeys(BASE_URLS)}, "https"),
        ({"recv_window": "5000"}, "recv_window"),
    ],
)
def test_invalid_arguments_are_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(errors.UsageError, match=said):
        toolkit.Link(key=KEY, secret=SECRET, **arguments)


def test_estimates_equal_the_weight_then_charged(env: SandboxEnv) -> None:
    deposit = env.link.exchange.deposits(start="-30D").iloc[0]

    def one_deposit() -> pd.DataFrame:
        return env.link.exchange.deposit(
            deposit_id=deposit["deposit_id"], sub_account_id=deposit["sub_account_id"]
        )

    for endpoint_name, call in [
        ("exchange.deposit", one_deposit),
        ("exchange.spot_balances", env.link.exchange.spot_balances),
        ("exchange.sub_accounts", env.link.exchange.sub_accounts),
        ("exchange.partner", env.link.exchange.partner),
    ]:
        frame = call()
        estimate = env.link.estimate_weight(endpoint_name, rows=len(frame))
        assert (estimate.requests, estimate.weight) == (
            frame.attrs["requests"],
            frame.attrs["weight"],
        ), endpoint_name
    assert env.link.estimate_weight("exchange.spot_balances").limit == 180_000
    with pytest.raises(errors.UsageError, match="no endpoint"):
        env.link.estimate_weight("exchange.nothing")
    with pytest.raises(errors.UsageError, match="`rows`"):
        env.link.estimate_weight("exchange.partner", rows=-1)


def test_the_signed_request_reaches_the_exchange_byte_for_byte(env: SandboxEnv) -> None:
    for customer in ("a b", "a+b", "100%", "a&b=c", "ü-１２", "/?#", "日本"):
        assert len(env.link.spot.customers(customer_id=customer)) == 0
    assert set(env.sent("/sapi/")) == {200}, "the signature was right every time"


def test_an_email_is_found_in_any_case(env: SandboxEnv) -> None:
    customer = env.link.spot.customers(customer_id=env.link.spot.customers()["customer_id"][0])
    assert len(customer) == 1
    env.link.spot.customers(email="SOME.One+x@Example.COM")
    assert set(env.sent("/sapi/")) == {200}


def test_a_closed_link_can_be_used_again(env: SandboxEnv) -> None:
    with env.link as link:
        link.exchange.partner()
    assert len(env.link.exchange.partner()) == 1


def test_proxies_of_the_environment_are_not_used_on_this_machine(
    env: SandboxEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert len(env.link.exchange.partner()) == 1


def test_an_explicit_proxy_is_used(env: SandboxEnv) -> None:
    link = env.new_link(proxies={"http": "http://127.0.0.1:9"})
    with pytest.raises(errors.NoResponseError, match="proxy"):
        link.exchange.partner()


def test_wrong_keys_and_wrong_secrets_raise_different_errors(env: SandboxEnv) -> None:
    with pytest.raises(errors.SignatureError):
        env.new_link(secret="x" * 64).exchange.partner()
    with pytest.raises(errors.CredentialsError) as caught:
        env.new_link(key="x" * 64).exchange.partner()
    assert caught.value.code == -2015
    with pytest.raises(errors.CredentialsError) as caught:
        env.new_link(key="short").exchange.partner()
    assert caught.value.code == -2014


def test_a_key_without_the_permission_is_refused(env: SandboxEnv) -> None:
    read_only = env.sandbox.world.keys["read-only"]
    link = env.new_link(read_only.key, read_only.secret)
    assert len(link.exchange.partner()) == 1
    with pytest.raises(errors.CredentialsError, match="permission"):
        link.exchange.api_keys(link.exchange.sub_accounts()["sub_account_id"][0])


# -- toolkit.list_endpoints() ----------------------------------------------------------------------------


def test_the_list_has_every_declared_endpoint() -> None:
    frame = toolkit.list_endpoints()
    assert frame["endpoint"].tolist() == [endpoint.qualified_name for endpoint in (*ENDPOINTS, *WRITES)]
    assert frame["writes"].tolist() == [False] * len(ENDPOINTS) + [True] * len(WRITES)
    for column in (
        "name",
        "system",
        "method",
        "path",
        "security",
        "weight",
        "rate_limit",
        "window",
        "paging",
        "summary",
    ):
        assert frame[column].notna().any(), column
    weights = dict(zip(frame["endpoint"], frame["weight"], strict=True))
    assert weights["exchange.spot_balances"] == 3000
    windows = dict(zip(frame["endpoint"], frame["window"], strict=True))
    assert windows["spot.rebates"] == pd.Timedelta(days=7)


def test_the_list_says_what_a_rate_limit_counts_and_in_which_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    funding = replace(ENDPOINTS[0], rate_limit=FUNDING)
    monkeypatch.setattr(listing, "ENDPOINTS", [funding])
    frame = toolkit.list_endpoints()
    assert frame[["limit", "counts", "seconds"]].iloc[0].tolist() == [500, "requests", 300]
    assert frame[["counts", "seconds"]].iloc[1].tolist() == ["weight", 60]


def test_the_list_names_the_method_and_its_arguments() -> None:
    link = toolkit.demo()
    frame = toolkit.list_endpoints()
    callables = {False: link, True: link.operations()}
    for row in frame.to_dict(orient="records"):
        takes = inspect.signature(operator.attrgetter(row["endpoint"])(callables[row["writes"]])).parameters
        named = {name.rstrip("*") for name in row["arguments"].split(", ") if name}
        assert named == takes.keys() - {"numbers", "emails", "confirm", "idempotency_key", "unique_suffix"}, (
            row["endpoint"]
        )
        assert ("confirm" in takes) == pd.notna(row["confirm"])
    link.close()


def test_the_list_says_how_an_unknown_outcome_is_resolved() -> None:
    frame = toolkit.list_endpoints().set_index(["writes", "endpoint"])
    assert frame.loc[False, ["confirm", "resolved_by"]].isna().to_numpy().all()
    writes = frame.loc[True]
    assert writes["resolved_by"].notna().all()
    assert writes.loc["exchange.transfer", "resolved_by"] == "its client id in exchange.transfers"
    assert writes.loc["exchange.create_api_key", "resolved_by"] == "no new key in exchange.api_keys"
    assert writes.loc["exchange.transfer_within", "resolved_by"] == "no read: check manually"
    assert writes["confirm"].dropna().to_dict() == {
        "exchange.delete_sub_account": "sub_account_id",
        "exchange.delete_api_key": "api_key",
    }


def test_the_public_names_are_sorted_and_exist() -> None:
    assert toolkit.__all__ == sorted(toolkit.__all__)
    for name in toolkit.__all__:
        assert getattr(toolkit, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        toolkit.nothing  # noqa: B018


# -- toolkit.demo() --------------------------------------------------------------------------------------


def test_closing_a_demo_stops_its_sandbox() -> None:
    before = set(threading.enumerate())
    link = toolkit.demo()
    assert link.source == "sandbox"
    address = link.hosts["api"]
    assert requests.get(f"{address}/api/v3/ping", timeout=60).json() == {}
    link.close()
    link.close()
    assert set(threading.enumerate()) <= before
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{address}/api/v3/ping", timeout=5)


def test_a_demo_with_an_invalid_argument_leaves_no_sandbox_running() -> None:
    before = set(threading.enumerate())
    with pytest.raises(errors.UsageError, match="numbers"):
        toolkit.demo(numbers="bad")  # type: ignore[arg-type]
    assert set(threading.enumerate()) <= before


def test_an_unreferenced_demo_stops_its_sandbox() -> None:
    before = set(threading.enumerate())
    frame = toolkit.demo().spot.customers()
    assert len(frame) > 0
    gc.collect()
    assert set(threading.enumerate()) <= before


def test_the_same_seed_gives_the_same_data() -> None:
    links = [toolkit.demo(seed=3), toolkit.demo(seed=3), toolkit.demo(seed=4)]
    accounts = [link.exchange.sub_accounts() for link in links]
    assert accounts[0].equals(accounts[1])
    assert not accounts[0].equals(accounts[2])
    for link in links:
        link.close()


def test_a_running_sandbox_is_used(env: SandboxEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    line = {"address": env.sandbox.address, "key": env.sandbox.key, "secret": env.sandbox.secret}
    monkeypatch.setenv("TOOLKIT_SANDBOX", json.dumps(line))
    env.exchange_clock.ahead = 1000.0
    with toolkit.demo() as link:
        assert link.hosts["api"] == env.sandbox.address
        assert len(link.exchange.partner()) == 1
    monkeypatch.setenv("TOOLKIT_SANDBOX", "not what it printed")
    with pytest.raises(errors.UsageError, match="TOOLKIT_SANDBOX"):
        toolkit.demo()


def test_scaled_limits_are_known_to_the_link() -> None:
    link = toolkit.demo(limit_scale=0.5)
    assert link.estimate_weight("futures.overview").limit == 1200
    link.close()
