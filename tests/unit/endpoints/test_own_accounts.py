"""The declarations of spot accounts and wallets: weights, windows, and what rows become."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest

import toolkit
from tests.support.clocks import FakeClock
from tests.support.paths import EXAMPLES
from tests.support.recording import RecordedRequest, RecordingServer, answer, recording_server
from tests.support.sandbox_env import SandboxEnv
from toolkit.endpoints import BASE_URLS, ENDPOINTS_BY_NAME
from toolkit.endpoints.account.wallet.transfers import DIRECTIONS
from toolkit.errors import UsageError
from toolkit.frames.builder import FrameBuilder
from toolkit.planning import Plan, make_plan, span_parameters

SPOT = {each.name: each for each in ENDPOINTS_BY_NAME.values() if each.system == "account.spot"}
WALLET = {each.name: each for each in ENDPOINTS_BY_NAME.values() if each.system == "account.wallet"}
NOW = 1_767_225_600_000
DAY = 86_400_000
SNAPSHOTS = [name for name in WALLET if name.endswith("_snapshots")]


def example(name: str, which: str = "documented") -> Any:
    return json.loads((EXAMPLES / f"account.{name}.json").read_text("utf-8"))[which]


def frame_of(name: str, response: Any) -> pd.DataFrame:
    builder = FrameBuilder(ENDPOINTS_BY_NAME[f"account.{name}"], "float")
    builder.add(response)
    return builder.frame({})


def plan_of(name: str, start: str | None = None, end: str | None = None, **arguments: Any) -> Plan:
    return make_plan(ENDPOINTS_BY_NAME[f"account.{name}"], arguments, start, end, NOW)


def spans_of(plan: Plan) -> list[tuple[int, int]]:
    """The spans that are requested, as they are sent."""
    sent = [span_parameters(plan.endpoint, window) for window in plan.windows()]
    return [(each["startTime"], each["endTime"]) for each in sent]  # type: ignore[misc]


# -- weights and keys ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sent", "weight"),
    [
        ("trades", {"symbol": "BTCUSDT"}, 20),
        ("trades", {"symbol": "BTCUSDT", "fromId": 1}, 20),
        ("trades", {"symbol": "BTCUSDT", "orderId": 1}, 5),
        ("open_orders", {"symbol": "BTCUSDT"}, 6),
        ("open_orders", {}, 80),
    ],
)
def test_requests_weigh_by_what_they_ask_for(name: str, sent: dict[str, Any], weight: int) -> None:
    assert SPOT[name].weight_of(sent) == weight


def test_a_customer_may_read_all_of_it_with_a_key_that_only_reads() -> None:
    """But for the wallets, for which the exchange wants another permission."""
    both = {**SPOT, **WALLET}
    assert {each.security for each in both.values()} == {"USER_DATA"}
    assert {name: each.permission for name, each in both.items() if each.permission} == {
        "wallets": "Universal Transfer"
    }


# -- windows -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "longest"),
    [
        ("spot.trades", DAY),
        ("spot.orders", DAY),
        ("wallet.dividends", 180 * DAY),
        ("wallet.deposits", 90 * DAY - 1),
        ("wallet.withdrawals", 90 * DAY - 1),
    ],
)
def test_a_year_is_requested_in_spans_that_are_allowed(name: str, longest: int) -> None:
    given = {"symbol": "BTCUSDT"} if name.startswith("spot.") else {}
    spans = spans_of(plan_of(name, "-365D", **given))
    assert max(end - start for start, end in spans) <= longest
    assert spans[0][0] == NOW - 365 * DAY
    assert NOW <= spans[-1][1] < NOW + 1000
    assert all(start == before + 1 for (_, before), (start, _) in pairwise(spans))
    assert len(spans) <= 366 * DAY // longest + 1


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_month_of_snapshots_is_one_request_of_thirty(name: str) -> None:
    plan = plan_of(f"wallet.{name}")
    ((start, end),) = spans_of(plan)
    assert (end - start, plan.parameters["limit"]) == (30 * DAY - 1, "30")
    with pytest.raises(UsageError, match="keeps the last 30 days"):
        plan_of(f"wallet.{name}", "-31D")


def test_transfers_are_kept_for_half_a_year() -> None:
    assert len(spans_of(plan_of("wallet.transfers", "-180D", direction="spot_to_um"))) == 1
    with pytest.raises(UsageError, match="keeps the last 180 days"):
        plan_of("wallet.transfers", "-181D", direction="spot_to_um")


def test_what_the_response_would_lack_is_always_asked_for() -> None:
    assert plan_of("wallet.deposits").parameters == {"includeSource": True}
    for name in ("assets", "funding_assets"):
        assert plan_of(f"wallet.{name}").parameters == {"needBtcValuation": True}


# -- arguments -----------------------------------------------------------------------------------------------


def test_directions_have_the_words_of_the_exchange() -> None:
    one_way = (
        *("MAIN UMFUTURE", "MAIN CMFUTURE", "MAIN MARGIN", "MAIN FUNDING", "MAIN OPTION"),
        *("MAIN PORTFOLIO_MARGIN", "UMFUTURE MARGIN", "CMFUTURE MARGIN", "FUNDING UMFUTURE"),
        *("FUNDING CMFUTURE", "FUNDING MARGIN", "FUNDING OPTION", "UMFUTURE OPTION", "MARGIN OPTION"),
    )
    both_ways = {"_".join(each.split()[::step]) for each in one_way for step in (1, -1)}
    assert {*DIRECTIONS.values()} == both_ways
    assert len(DIRECTIONS) == 28
    assert DIRECTIONS["funding_to_um"] == "FUNDING_UMFUTURE"
    assert DIRECTIONS["um_to_funding"] == "UMFUTURE_FUNDING"


def test_an_order_is_asked_for_in_place_of_a_span() -> None:
    plan = plan_of("spot.trades", symbol="BTCUSDT", order_id="7")
    assert (plan.span, plan.parameters) == (None, {"symbol": "BTCUSDT", "orderId": 7})
    with pytest.raises(UsageError, match="`order_id` and a span are mutually exclusive"):
        plan_of("spot.trades", "-1D", symbol="BTCUSDT", order_id="7")
    with pytest.raises(UsageError, match="`order_id` is an id of one `symbol`: give one `symbol`\\."):
        plan_of("spot.trades", symbol=["BTCUSDT", "ETHUSDT"], order_id="7")


def test_the_first_order_is_no_filter() -> None:
    """Its column has the name of the parameter, and rows with other ids follow."""
    (param,) = (each for each in SPOT["orders"].params if each.field == "orderId")
    assert SPOT["orders"].columns_echoing(param) == ()
    (same,) = (each for each in SPOT["order"].params if each.field == "orderId")
    assert [column.name for column in SPOT["order"].columns_echoing(same)] == ["order_id"]


# -- rows ----------------------------------------------------------------------------------------------------


def test_a_snapshot_has_a_row_for_each_asset_and_its_totals_in_each() -> None:
    (day,) = example("wallet.spot_snapshots")["snapshotVos"]
    days = [day, day | {"updateTime": day["updateTime"] + DAY, "data": day["data"] | {"balances": []}}]
    days.append(day | {"updateTime": day["updateTime"] + 2 * DAY})
    for listed in (days, days[::-1]):
        frame = frame_of("wallet.spot_snapshots", {"code": 200, "msg": "", "snapshotVos": listed})
        assert [*frame["time"].dt.strftime("%d %H:%M:%S")] == ["13 23:59:59"] * 2 + ["15 23:59:59"] * 2
        assert {*frame["asset"]} == {"BTC", "USDT"}
        assert (frame["total_asset_of_btc"] == 0.099427).all()


def test_a_snapshot_of_futures_has_assets_and_positions_in_frames_of_their_own() -> None:
    response = example("wallet.futures_snapshots")
    assets, positions = (
        frame_of(name, response) for name in ("wallet.futures_snapshots", "wallet.futures_position_snapshots")
    )
    assert assets[["asset", "wallet_balance"]].to_numpy().tolist() == [["USDT", 120.23811389]]
    assert positions[["symbol", "position_amount"]].to_numpy().tolist() == [["BTCUSDT", 0.01]]


def test_a_withdrawal_has_utc_times_whatever_the_time_zone_of_the_machine() -> None:
    (row,) = example("wallet.withdrawals")
    frame = frame_of("wallet.withdrawals", [row, row | {"id": "b", "completeTime": ""}])
    assert [*frame["apply_time"]] == [pd.Timestamp("2019-10-12T11:12:02Z")] * 2
    assert frame["complete_time"][0] == pd.Timestamp("2023-03-23T16:52:41Z")
    assert frame["complete_time"].isna().tolist() == [False, True]


def test_deposits_and_dividends_are_turned_round() -> None:
    for name, time in (("wallet.deposits", "insert_time"), ("wallet.dividends", "time")):
        frame = frame_of(name, example(name))
        assert len(frame) == 2
        assert frame[time].is_monotonic_increasing


def test_a_time_of_minus_one_is_missing() -> None:
    (order,) = example("spot.orders", "since 2026")
    frame = frame_of("spot.orders", [order | {"workingTime": -1}])
    assert frame[["working_time", "trailing_time"]].isna().all(axis=None)
    with pytest.raises(toolkit.errors.ContractError, match="`update_time`"):
        frame_of("spot.orders", [order | {"updateTime": -1}])


# -- requests ------------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    with recording_server() as made:
        yield made


@pytest.mark.parametrize("name", ["assets", "funding_assets"])
def test_a_read_that_is_a_post_has_its_parameters_in_the_body_and_may_be_repeated(
    server: RecordingServer, name: str
) -> None:
    posts: list[RecordedRequest] = []

    def respond(request: RecordedRequest) -> bytes:
        if request.method == "GET":  # the Link asks for the time and the limits
            return answer(200, json.dumps({"serverTime": NOW, "rateLimits": []}).encode())
        posts.append(request)
        return answer(503) if len(posts) == 1 else answer(200, json.dumps(example(f"wallet.{name}")).encode())

    server.respond = respond
    hosts = dict.fromkeys(BASE_URLS, server.address)
    with toolkit.Link(key="a" * 64, secret="b" * 64, hosts=hosts, clock=FakeClock(), progress=False) as link:
        frame = getattr(link.account.wallet, name)()
    assert len(frame) == len(example(f"wallet.{name}"))
    assert [request.target for request in posts] == [WALLET[name].path] * 2
    assert all(b"needBtcValuation=true&" in request.body for request in posts)


def test_trades_of_an_order_are_those_of_the_span_with_its_id(shared_env: SandboxEnv) -> None:
    trades = shared_env.link.account.spot.trades
    month = trades("BTCUSDT", start="-30D")
    order_id = month["order_id"].value_counts().index[0]
    frame = trades("BTCUSDT", order_id=order_id)
    expected = month[month["order_id"] == order_id]
    assert frame["trade_id"].tolist() == expected["trade_id"].tolist()
    assert frame.attrs["weight"] == 5 * frame.attrs["requests"]


def test_what_one_response_has_agrees_in_both_of_its_frames(shared_env: SandboxEnv) -> None:
    account = shared_env.link.account
    assert {*account.spot.balances()["account_id"]} == {*account.spot.info()["account_id"]}
    assert {*account.wallet.networks()["coin"]} <= {*account.wallet.coins()["coin"]}


@pytest.mark.parametrize("market", ["spot", "futures"])
def test_open_orders_of_a_list_are_those_of_its_symbols(env: SandboxEnv, market: str) -> None:
    read = getattr(env.link.account, market).open_orders
    every = read()
    symbols = every["symbol"].unique()[:2].tolist()
    listed = read(symbols)
    expected = pd.concat([every[every["symbol"] == symbol] for symbol in symbols], ignore_index=True)
    pd.testing.assert_frame_equal(listed, expected)
    assert (listed.attrs["requests"], len(symbols)) == (2, 2)
    assert listed.attrs["weight"] < every.attrs["weight"]


@pytest.mark.parametrize(("sent", "name"), [("SPOT", "spot_snapshots"), ("FUTURES", "futures_snapshots")])
def test_a_path_of_several_methods_names_the_one_for_what_was_sent(
    shared_env: SandboxEnv, sent: str, name: str
) -> None:
    frame = shared_env.link.get("/sapi/v1/accountSnapshot", type=sent, rows="snapshotVos", weight=2400)
    assert frame.attrs["declared_as"] == f"account.wallet.{name}"
