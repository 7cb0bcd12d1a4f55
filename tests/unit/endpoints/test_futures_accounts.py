"""The declarations of futures accounts, of income with Portfolio Margin, and of sub-accounts' holdings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from tests.support.paths import EXAMPLES
from tests.support.sandbox_env import SandboxEnv
from toolkit.endpoints import ENDPOINTS_BY_NAME
from toolkit.endpoints.model import MILLISECOND
from toolkit.errors import ContractError, UsageError
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.validation import Query
from toolkit.planning import Plan, make_plan, span_parameters

NOW = 1_767_225_600_000
DAY = 86_400_000
BOTH_MARKETS = ("exchange.futures_account", "exchange.futures_summary", "exchange.positions")


def examples(name: str) -> dict[str, Any]:
    responses: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))
    return responses


def frame_of(name: str, response: Any, **sent: str) -> pd.DataFrame:
    endpoint = ENDPOINTS_BY_NAME[name]
    builder = FrameBuilder(endpoint, "float", "clear", Query(endpoint, sent))
    builder.add(response)
    return builder.frame({})


def plan_of(name: str, start: str | None = None, end: str | None = None, **arguments: Any) -> Plan:
    return make_plan(ENDPOINTS_BY_NAME[name], arguments, start, end, NOW)


@pytest.fixture(scope="module")
def env() -> Iterator[SandboxEnv]:
    made = SandboxEnv(link={"progress": False})
    yield made
    made.close()


# -- the account ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sent", "weight"),
    [
        ("info", {}, 5),
        ("trades", {"symbol": "BTCUSDT"}, 5),
        ("open_orders", {"symbol": "BTCUSDT"}, 1),
        ("open_orders", {}, 40),
        ("order", {"symbol": "BTCUSDT", "orderId": 1}, 1),
        ("commission", {"symbol": "BTCUSDT"}, 20),
    ],
)
def test_the_weight_is_that_of_the_documents(name: str, sent: dict[str, object], weight: int) -> None:
    assert ENDPOINTS_BY_NAME[f"account.futures.{name}"].weight_of(sent) == weight


@pytest.mark.parametrize(
    ("name", "longest"), [("trades", timedelta(days=7)), ("orders", timedelta(days=7) - MILLISECOND)]
)
def test_no_window_is_longer_than_seven_days(name: str, longest: timedelta) -> None:
    plan = plan_of(f"account.futures.{name}", "-60D", symbol="BTCUSDT")
    spans = [span_parameters(plan.endpoint, window) for window in plan.windows()]
    milliseconds = longest // MILLISECOND
    assert max(each["endTime"] - each["startTime"] for each in spans) == milliseconds  # type: ignore[operator]
    assert spans[0]["startTime"] == NOW - 60 * DAY
    assert spans[-1]["endTime"] == NOW
    with pytest.raises(UsageError, match="keeps the last 90 days"):
        plan_of(f"account.futures.{name}", "-91D", symbol="BTCUSDT")


@pytest.mark.parametrize(("name", "argument"), [("trades", "from_trade_id"), ("orders", "from_order_id")])
def test_an_id_and_a_span_exclude_each_other(name: str, argument: str) -> None:
    given = {"symbol": "BTCUSDT", argument: "7"}
    assert plan_of(f"account.futures.{name}", **given).span is None
    with pytest.raises(UsageError, match=argument):
        plan_of(f"account.futures.{name}", "-1D", **given)


def test_an_order_is_named_by_one_of_its_ids() -> None:
    for given in ({}, {"order_id": 1, "client_order_id": "a"}):
        with pytest.raises(UsageError, match="client_order_id"):
            plan_of("account.futures.order", symbol="BTCUSDT", **given)
    assert plan_of("account.futures.order", symbol="BTCUSDT", client_order_id="abc").parameters == {
        "symbol": "BTCUSDT",
        "origClientOrderId": "abc",
    }


def test_orders_are_asked_for_by_symbol() -> None:
    with pytest.raises(UsageError, match="`symbol` is required"):
        plan_of("account.futures.orders")


def test_the_first_id_of_a_page_is_no_filter() -> None:
    rows = examples("account.futures.orders")["documented"]
    assert len(frame_of("account.futures.orders", rows, symbol="BTCUSDT", orderId="1")) == 1


@pytest.mark.parametrize("market", ["um", "cm"])
def test_income_with_portfolio_margin_has_no_pages(market: str) -> None:
    endpoint = ENDPOINTS_BY_NAME[f"portfolio.{market}_income"]
    assert "page" not in {param.field for param in endpoint.request_params}
    assert (endpoint.paging.kind, endpoint.paging.maximum, endpoint.weight) == ("limit", 1000, 30)


# -- sub-accounts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOTH_MARKETS)
def test_both_markets_have_the_same_columns(name: str) -> None:
    responses = examples(name)
    um, cm = frame_of(name, responses["documented"]), frame_of(name, responses["futuresType=2"])
    assert um.dtypes.equals(cm.dtypes)
    assert [*um.columns] == [column.name for column in ENDPOINTS_BY_NAME[name].columns]
    for column in ENDPOINTS_BY_NAME[name].received_columns:
        has_values = [
            market for market, frame in (("um", um), ("cm", cm)) if frame[column.name].notna().all()
        ]
        only = [market for market in ("um", "cm") if f'only for market "{market}"' in column.doc]
        assert has_values == (only or ["um", "cm"]), column.name
        for market, frame in (("um", um), ("cm", cm)):
            assert market in has_values or frame[column.name].isna().all()


def test_flags_that_are_texts_are_flags() -> None:
    response = examples("exchange.positions")["futuresType=2"]
    response["deliveryPositionRiskVos"][0]["isAutoAddMargin"] = "true"
    row = frame_of("exchange.positions", response).loc[0]
    assert (row["isolated"], row["auto_add_margin"], row["leverage"]) == (False, True, 20)
    for wrong in ("yes", "", "True", 1):
        response["deliveryPositionRiskVos"][0]["isolated"] = wrong
        with pytest.raises(ContractError, match="`isolated`"):
            frame_of("exchange.positions", response)


@pytest.mark.parametrize("name", ["exchange.assets", "exchange.positions", "exchange.transaction_totals"])
def test_the_address_is_that_of_the_request(name: str) -> None:
    response = examples(name)["documented"]
    assert frame_of(name, response, email="a@example.com")["email"].tolist() == ["a@example.com"]
    assert frame_of(name, response)["email"].isna().all()


@pytest.mark.parametrize(
    "name", ["exchange.futures_account", "exchange.margin_account", "exchange.key_audit"]
)
def test_rows_of_another_sub_account_are_refused(name: str) -> None:
    response = examples(name)["documented"]
    own = frame_of(name, response)["email"].iloc[0]
    assert len(frame_of(name, response, email=own.upper()))
    with pytest.raises(ContractError, match="another `email` than requested") as caught:
        frame_of(name, response, email="other@example.com")
    assert own not in str(caught.value)


def test_the_keys_of_an_audit_are_masked(env: SandboxEnv) -> None:
    account = next(each for each in env.sandbox.world.accounts if each.keys)
    audit = env.link.exchange.key_audit(account.email, emails="clear")
    assert audit["email"].tolist() == [account.email] * len(account.keys)
    for key, masked in zip(account.keys, audit["api_key"], strict=True):
        assert "*" in masked
        assert key.key not in audit.to_csv()


def test_several_sub_accounts_are_told_apart(env: SandboxEnv) -> None:
    accounts = [each for each in env.sandbox.world.accounts if not each.balances.empty][:3]
    addresses = [each.email for each in accounts]
    held = env.link.exchange.assets(addresses, emails="clear")
    assert held["email"].drop_duplicates().tolist() == addresses
    one = env.link.exchange.assets(addresses[1], emails="clear")
    pd.testing.assert_frame_equal(held[held["email"] == addresses[1]].reset_index(drop=True), one)
    assert held.attrs["requests"] == len(addresses)
    assert not any(address in json.dumps(held.attrs) for address in addresses)


def test_the_summary_of_futures_ends_with_an_empty_page(env: SandboxEnv) -> None:
    summary = env.link.exchange.futures_summary("cm", emails="clear")
    with_futures = {each.email for each in env.sandbox.world.accounts if each.futures}
    assert set(summary["email"]) == with_futures
    assert summary["email"].is_unique
    assert summary.attrs["complete"] is True


def test_what_never_changed_has_no_time(env: SandboxEnv) -> None:
    balances = env.link.account.futures.balances()["update_time"]
    assert balances.isna().any()
    assert balances.notna().any()
    orders = env.link.account.futures.orders("BTCUSDT", start="-6D")
    assert len(orders)
    assert orders.loc[orders["time_in_force"] != "GTD", "good_till_date"].isna().all()
    (row, *_) = examples("account.futures.balances")["documented"]
    frame = frame_of("account.futures.balances", [row | {"updateTime": 0}])
    assert frame["update_time"].isna().all()
    with pytest.raises(ContractError, match="`update_time`"):
        frame_of("account.futures.balances", [row | {"updateTime": False}])
