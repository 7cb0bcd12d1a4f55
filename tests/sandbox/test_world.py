"""The world: reproducible from a seed, never in the future, of any size, and consistent."""

from __future__ import annotations

import tracemalloc
from collections import Counter, defaultdict
from datetime import timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.support.clocks import FakeClock
from tests.support.sandbox_requests import DAY, NOW, NOW_MS, ask, exchange, minimal, world
from toolkit.endpoints import ENDPOINTS, ENDPOINTS_BY_NAME, Endpoint
from toolkit.sandbox import World
from toolkit.sandbox.hashing import hash_key, random_bits, uniform, weighted_choice
from toolkit.sandbox.keys import CUSTOMER, PARTNER, STRANGER
from toolkit.sandbox.world.rebates import NEWER_FIELDS_SINCE
from toolkit.sandbox.world.tables import OWNER

Row = dict[str, Any]
READS = [endpoint for endpoint in ENDPOINTS if endpoint.is_signed]  # market data has tests of its own

# Endpoints whose rows have a time, with filters for them.
STREAMS = {
    "spot.rebates": {},
    "spot.kickbacks": {},
    "exchange.rebates": {},
    "exchange.futures_rebates": {"futuresType": "2"},
    "exchange.transfers": {"fromId": world().partner_uid, "showAllStatus": "true"},
    "exchange.universal_transfers": {"toId": world().accounts[3].id},
    "exchange.futures_transfers": {"subAccountId": world().accounts[3].id, "futuresType": "1"},
    "exchange.deposits": {},
    "futures.income": {OWNER: CUSTOMER},
    "futures.volumes": {"type": "1"},
    "futures.rebates": {"type": "2"},
    "futures.trader_counts": {"type": "1"},
    "futures.traders": {"type": "1"},
}


def time_of(row: Row) -> int:
    return int(row.get("time", row.get("insertTime", 0)))


def rows(
    endpoint_name: str,
    filters: dict[str, str],
    start: int | None = None,
    end: int | None = None,
    this: World | None = None,
) -> list[Row]:
    return (this or world()).table(endpoint_name).slice(start, end, filters, 0, 10**9)


@cache
def again(seed: int) -> World:
    """A second world of the same seed."""
    return World(seed, now=NOW)


# --- random numbers ------------------------------------------------------------------------------


def test_random_numbers_never_change() -> None:
    """They are pinned: another numpy, machine or year must give the same world."""
    assert hash_key(7, "spot rebates") == 0xFE83A8B5EADC88D1
    drawn = random_bits(12345, np.arange(3), np.array([5, 6, 7]))
    assert [hex(int(x)) for x in drawn] == PINNED


PINNED = ["0xd1def629ed3fd487", "0xc171229b9b6c83fc", "0x149947b693bb1a0a"]


def test_random_numbers_are_uniform() -> None:
    drawn = uniform(1, np.arange(200_000))
    assert 0 <= drawn.min() < 0.001 < 0.999 < drawn.max() < 1
    counts = np.bincount((drawn * 20).astype(int))
    assert abs(counts / 10_000 - 1).max() < 0.05
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.01
    shares = np.bincount(weighted_choice(drawn, (1, 2, 1))) / len(drawn)
    assert abs(shares - [0.25, 0.5, 0.25]).max() < 0.01


SAME_FOR_ALL_SEEDS = (
    "account.futures.commission",
    "account.spot.commission",
    "account.wallet.key_permissions",
    "account.wallet.status",
    "account.wallet.trade_fees",
    "exchange.bnb_burn",
    "exchange.partner",
    "spot.customer_id",
)


@pytest.mark.parametrize(
    "endpoint_name", sorted({endpoint.qualified_name for endpoint in READS} - {*exchange().examples})
)
def test_the_same_seed_gives_the_same_responses_and_another_seed_others(endpoint_name: str) -> None:
    def response(this: World) -> bytes:
        return ask(exchange(world=this), endpoint_name, minimal(endpoint_name, this=this)).body

    first = response(world())
    assert response(again(7)) == first
    if endpoint_name not in SAME_FOR_ALL_SEEDS:
        assert response(again(8)) != first


def test_the_same_month_gives_the_same_history() -> None:
    later = World(now=NOW + 5 * 86_400)
    for endpoint_name, filters in STREAMS.items():
        start, end = NOW_MS - 40 * DAY, NOW_MS - 20 * DAY
        assert rows(endpoint_name, filters, start, end, later) == rows(endpoint_name, filters, start, end), (
            endpoint_name
        )


@cache
def restarted(later_ms: int) -> World:
    """A world of the same seed that is made later in the month."""
    return World(now=NOW + later_ms / 1000)


@pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if each.window])
def test_history_is_the_same_later_and_after_a_restart(endpoint: Endpoint) -> None:
    window = endpoint.window
    assert window is not None
    age, longest = (
        round((span or timedelta(days=40)) / timedelta(milliseconds=4))
        for span in (window.retention, window.max_span)
    )
    start = NOW_MS - age
    end = start + min(age // 2, longest)
    # Pages end before the end of the span.
    params = {"limit": 1000} if endpoint.qualified_name == "futures.income" else {}

    def rows_at(later_ms: int, this: World) -> bytes:
        clock = FakeClock(NOW + later_ms / 1000)
        given = minimal(endpoint.qualified_name, this=this) | params
        given |= {window.start_field: str(start), window.end_field: str(end)}
        response = ask(exchange(clock, world=this), endpoint.qualified_name, given)
        assert response.status == 200, response.body
        return response.body

    before = rows_at(0, world())
    # An account trades less often than all of them do.
    assert len(before) > 200 or endpoint.system.startswith("account.")
    # Two weeks later, if it is still told then, in the same session and in another one of the same month.
    assert rows_at(2 * age, world()) == before
    assert rows_at(min(age, 10 * DAY), restarted(min(age, 10 * DAY))) == before


# --- rows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("endpoint_name", "filters"), STREAMS.items())
def test_pages_make_up_the_whole_list(endpoint_name: str, filters: dict[str, str]) -> None:
    table = world().table(endpoint_name)
    start, end = NOW_MS - 30 * DAY + 12_345, NOW_MS - 7 * DAY - 54_321
    whole = rows(endpoint_name, filters, start, end)
    assert len(whole) == table.count(start, end, filters) > 0
    assert all(start <= time_of(row) <= end for row in whole)
    assert all(time_of(a) <= time_of(b) for a, b in pairwise(whole))
    for size in (1 + len(whole) // 7, 97):
        pages = [table.slice(start, end, filters, k, size) for k in range(0, len(whole) + size, size)]
        assert [row for page in pages for row in page] == whole
    assert table.slice(start, end, filters, len(whole), 5) == []


@pytest.mark.parametrize(("endpoint_name", "filters"), STREAMS.items())
def test_a_span_has_the_rows_between_its_ends(endpoint_name: str, filters: dict[str, str]) -> None:
    whole = rows(endpoint_name, filters, NOW_MS - 9 * DAY, NOW_MS)
    times = [time_of(row) for row in whole]
    for start, end in ((times[0], times[-1]), (times[1], times[-2]), (times[2] + 1, times[-3] - 1)):
        inside = [row for row in whole if start <= time_of(row) <= end]
        assert rows(endpoint_name, filters, start, end) == inside
        assert world().table(endpoint_name).count(start, end, filters) == len(inside)
    assert rows(endpoint_name, filters, times[0] + 1, times[0]) == []


@pytest.mark.parametrize(("endpoint_name", "filters"), STREAMS.items())
def test_no_row_is_in_the_future_or_before_the_beginning(endpoint_name: str, filters: dict[str, str]) -> None:
    table = world().table(endpoint_name)
    total = table.count(None, None, filters)
    (first,) = table.slice(None, None, filters, 0, 1)
    (last,) = table.slice(None, None, filters, total - 1, 9)
    # The customer's futures begin later.
    begins = world().futures_account(filters[OWNER]).opened_ms if OWNER in filters else world().start_ms
    assert begins <= time_of(first) < begins + 60 * DAY
    assert NOW_MS - 6 * DAY < time_of(last) <= NOW_MS
    assert table.count(NOW_MS + 1, None, filters) == 0
    assert table.count(0, world().start_ms - 1, filters) == 0


@pytest.mark.parametrize(
    ("endpoint_name", "name", "field"),
    [
        ("spot.rebates", "customerId", "customerId"),
        ("exchange.rebates", "subAccountId", "subaccountId"),
        ("exchange.deposits", "subAccountId", "subAccountId"),
        ("exchange.deposits", "coin", "coin"),
        ("exchange.deposits", "status", "status"),
        ("exchange.transfers", "fromId", "fromId"),
        ("exchange.transfers", "toId", "toId"),
        ("exchange.transfers", "clientTranId", "clientTranId"),
        ("exchange.universal_transfers", "toId", "toId"),
        ("exchange.universal_transfers", "clientTranId", "clientTranId"),
        ("futures.income", "incomeType", "incomeType"),
        ("futures.income", "symbol", "symbol"),
        ("futures.traders", "customerId", "customerId"),
        ("spot.customers", "customerId", "customerId"),
        ("futures.customers", "email", "email"),
        ("exchange.sub_accounts", "subAccountId", "subaccountId"),
    ],
)
def test_filters_apply_to_all_rows(endpoint_name: str, name: str, field: str) -> None:
    start = NOW_MS - 60 * DAY
    base = {"showAllStatus": "true"} if "transfers" in endpoint_name else {}
    if endpoint_name == "futures.income":
        base = {OWNER: PARTNER}
    whole = rows(endpoint_name, base, start, NOW_MS)
    values = [row[field] for row in whole if row.get(field)]
    for value in (values[0], values[len(values) // 2], "none-such" if field != "status" else 9):
        chosen = [row for row in whole if row.get(field) == value]
        given = base | {name: str(value)}
        assert rows(endpoint_name, given, start, NOW_MS) == chosen
        assert world().table(endpoint_name).count(start, NOW_MS, given) == len(chosen)


def test_the_master_can_be_a_side_of_transfers() -> None:
    for endpoint_name in ("exchange.transfers", "exchange.universal_transfers"):
        master = rows(endpoint_name, {"fromId": world().partner_uid, "showAllStatus": "true"})
        assert master
        assert not any(row.get("fromId") for row in master)
        assert all(row["toId"] for row in master)
        assert ("fromId" in set().union(*master)) == (endpoint_name == "exchange.transfers")


def test_futures_transfers_show_the_sub_account_on_either_side() -> None:
    account = world().accounts[3].id
    moved = rows("exchange.futures_transfers", {"subAccountId": account, "futuresType": "1"})
    sides = [(row.get("from", row.get("fromId")), row.get("to", row.get("toId"))) for row in moved]
    assert all(account in pair for pair in sides)
    assert {pair.index(account) for pair in sides} == {0, 1}
    assert {"from" in row for row in moved} == {True, False}  # the documents spell it in both ways


def test_failed_transfers_are_hidden_unless_asked_for() -> None:
    shown = {row["status"] for row in rows("exchange.transfers", {"showAllStatus": "true"})}
    assert shown == {"INIT", "PROCESS", "SUCCESS", "FAILURE"}
    assert {row["status"] for row in rows("exchange.transfers", {})} == shown - {"FAILURE"}


def test_a_deposit_is_found_by_its_id() -> None:
    for row in rows("exchange.deposits", {})[::700]:
        filters = {"depositId": str(row["depositId"]), "subAccountId": row["subAccountId"]}
        assert rows("exchange.deposit", filters) == [row]
        assert world().table("exchange.deposit").count(None, NOW_MS, filters) == 1
        assert rows("exchange.deposit", filters | {"subAccountId": "1"}) == []
    for strange in ("0", "9" * 20, str(2**63)):
        assert ask(exchange(), "exchange.deposit", {"depositId": strange, "subAccountId": "1"}).json() == []


def test_rebates_of_own_sub_accounts_only_on_request() -> None:
    own = {account.id for account in world().accounts}
    start = NOW_MS - 7 * DAY
    every = rows("exchange.futures_rebates", {"futuresType": "1", "filterResult": "false"}, start)
    filtered = rows("exchange.futures_rebates", {"futuresType": "1", "filterResult": "TRUE"}, start)
    assert {row["subaccountId"] in own for row in every} == {True, False}
    assert filtered == [row for row in every if row["subaccountId"] in own]


# --- realistic data ------------------------------------------------------------------------------


def test_sub_accounts() -> None:
    accounts = rows("exchange.sub_accounts", {})
    assert len(accounts) == 240
    ids = [row["subaccountId"] for row in accounts]
    assert len(set(ids)) == 240
    assert all(len(each) == 18 and int(each) > 2**53 for each in ids)
    assert all(a["createTime"] <= b["createTime"] for a, b in pairwise(accounts))
    assert accounts[-1]["createTime"] - accounts[0]["createTime"] > 600 * DAY
    assert {row["marginMakerCommission"] == -1 for row in accounts} == {True, False}
    assert len({row["tag"] for row in accounts}) > 4
    for endpoint_name, flag in (
        ("exchange.margin_balances", "marginEnable"),
        ("exchange.futures_balances", "futuresEnable"),
    ):
        for market in ("1", "2"):
            balances = rows(endpoint_name, {"futuresType": market})
            off = [row for row in balances if not row[flag]]
            assert 40 < len(off) < 200
            assert all(row.keys() == {flag, "subAccountId"} for row in off)


def test_nobody_earns_before_joining() -> None:
    created = {account.id: account.create_time for account in world().accounts}
    for row in rows("exchange.rebates", {}, None, world().start_ms + 60 * DAY):
        assert created[row["subaccountId"]] <= row["time"]


def test_spot_rebates() -> None:
    whole = rows("spot.rebates", {}, NEWER_FIELDS_SINCE - 30 * DAY, NEWER_FIELDS_SINCE + 30 * DAY)
    newer = {"distributeTime", "commissionAsset", "commission", "convertPrice"}
    assert all(
        newer <= row.keys() if row["time"] >= NEWER_FIELDS_SINCE else not newer & row.keys() for row in whole
    )
    assert {row["time"] >= NEWER_FIELDS_SINCE for row in whole} == {True, False}
    assert {row["customerId"] == "" for row in whole} == {True, False}
    assert all("***@***." in row["email"] for row in whole)
    assert len({row["tradeId"] for row in whole}) == len(whole)
    assert len({row["symbol"] for row in whole}) > 20
    assert all(len(row["income"].partition(".")[2]) == 8 for row in whole)
    for row in (row for row in whole if "commission" in row):
        made = Decimal(row["commission"]) * Decimal(row["convertPrice"])
        assert Decimal("0.29") * made < Decimal(row["income"]) + Decimal("1e-8")
    orders: dict[int, list[Row]] = defaultdict(list)
    for row in whole:
        orders[row["orderId"]].append(row)
    shared = [fills for fills in orders.values() if len(fills) > 1]
    assert len(shared) > len(orders) / 20
    for fills in shared:
        same = ("time", "symbol", "customerId", "asset")
        assert len({tuple(row[name] for name in same) for row in fills}) == 1
        assert len({row["tradeId"] for row in fills}) == len(fills)


def test_business_grows_pauses_at_weekends_and_varies_by_month() -> None:
    table = world().table("spot.rebates")
    first = world().start_ms
    days = [table.count(first + k * DAY, first + (k + 1) * DAY - 1, {}) for k in range(730)]
    assert sum(days[:180]) * 2 < sum(days[-180:])
    # The first of November 2024 was a Friday.
    weekend = [count for k, count in enumerate(days) if k % 7 in (1, 2)]
    week = [count for k, count in enumerate(days) if k % 7 not in (1, 2)]
    assert sum(weekend) / len(weekend) < 0.75 * sum(week) / len(week)
    months = [sum(days[k : k + 30]) for k in range(365, 725, 30)]
    assert max(months) > 1.2 * min(months)
    assert max(days) > 2 * sorted(days)[700]
    assert abs(sum(days[365:]) / 365 / 320 - 1) < 0.1


def test_the_futures_reports_agree() -> None:
    for market in ("1", "2"):
        start = NOW_MS - 90 * DAY
        filters = {"type": market}
        volumes: Counter[int] = Counter()
        rebates: Counter[int] = Counter()
        people: Counter[int] = Counter()
        for row in rows("futures.traders", filters, start, NOW_MS):
            volumes[row["time"]] += units(row["tradeVol"])
            rebates[row["time"]] += units(row["rebateVol"])
            people[row["time"]] += 1
        found = rows("futures.volumes", filters, start, NOW_MS)
        assert len(found) == 90
        assert all(row["time"] % DAY == 0 for row in found)
        assert [units(row["tradeVol"]) for row in found] == [volumes[row["time"]] for row in found]
        for row in rows("futures.rebates", filters, start, NOW_MS):
            assert units(row["rebateVol"]) == rebates[row["time"]]
        for row in rows("futures.trader_counts", filters, start, NOW_MS):
            assert int(row["newTrader"]) + int(row["oldTrader"]) == people[row["time"]]
        overview: Any = ask(exchange(), "futures.overview", {"type": market}).json()
        every = sum(units(row["tradeVol"]) for row in rows("futures.volumes", filters))
        assert units(overview["totalTradeVol"]) == every
        names = {row["customerId"] for row in rows("futures.traders", filters)}
        assert any("****@" in name for name in names)
        assert overview["totalTradeUser"] >= len(names)


def units(amount: str) -> int:
    return int(Decimal(amount) * 10**8)


def test_income_is_of_all_kinds_and_ids_are_unique_within_each() -> None:
    kinds = set()
    for owner in (PARTNER, CUSTOMER, STRANGER):
        whole = rows("futures.income", {OWNER: owner})
        kinds |= {row["incomeType"] for row in whole}
        assert len({(row["incomeType"], row["tranId"]) for row in whole}) == len(whole)
        assert {row["symbol"] == "" for row in whole if row["incomeType"] == "TRANSFER"} == {True}
        assert any(Decimal(row["income"]) < 0 for row in whole)
        assert any(row["tradeId"] for row in whole)
    assert len(kinds) == 9


def test_keys() -> None:
    keys = world().keys
    texts = [text for key in keys.values() for text in (key.key, key.secret)]
    assert all(len(text) == 64 and text.isalnum() and text.isascii() for text in texts)
    assert len(set(texts)) == len(texts)
    names = {"partner", "open", "withdrawals", "read-only", "trade-only", "no-link", "customer"}
    assert set(keys) == names


def test_changes_show_in_the_responses() -> None:
    this = World(now=NOW)
    account = this.accounts[5]
    account.tag = "changed"
    account.balances.wallets["spot"] = {"BTC": Decimal("1.25"), "USDT": Decimal("24100")}
    worth = this.worth(NOW_MS)
    bitcoins = Decimal("1.25") + 24100 * worth["USDT"] / worth["BTC"]
    assert rows("exchange.sub_accounts", {"subAccountId": account.id}, this=this)[0]["tag"] == "changed"
    held = rows("exchange.spot_balances", {"subAccountId": account.id}, this=this)
    assert held == [{"subAccountId": account.id, "totalBalanceOfBtc": f"{bitcoins:.16f}"}]
    del this.accounts[5]
    found: Any = ask(exchange(world=this), "exchange.partner").json()
    assert found["subAccountQty"] == 239


# --- large worlds --------------------------------------------------------------------------------


def test_ten_million_rows_a_year_take_no_memory() -> None:
    start, end = NOW_MS - 365 * DAY, NOW_MS
    tracemalloc.start()
    try:
        this = World(now=NOW, rebates_per_day=27_400)
        table = this.table("spot.rebates")
        total = table.count(start, end, {})
        middle = table.slice(start, end, {}, total // 2, 500)
        last = table.slice(start, end, {}, total - 3, 500)
        month = table.count(end - 30 * DAY, end, {"customerId": this.customer.id})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total > 9_500_000
    assert (len(middle), len(last)) == (500, 3)
    assert month > 0
    assert peak < 20_000_000, peak


def test_pages_of_a_large_world_are_complete() -> None:
    this = World(now=NOW, rebates_per_day=27_400)
    table = this.table("exchange.rebates")
    start, end = NOW_MS - DAY + 1234, NOW_MS - 4321
    total = table.count(start, end, {})
    seen = [row["tradeId"] for k in range(0, total, 500) for row in table.slice(start, end, {}, k, 500)]
    assert len(seen) == len(set(seen)) == total
    assert seen == sorted(seen, key=lambda each: int(str(each)))


def test_every_endpoint_has_a_valid_example() -> None:
    for endpoint in READS:
        required = {param.field for param in endpoint.params if param.required}
        assert required <= world().example(endpoint.qualified_name).keys(), endpoint.qualified_name
        assert ENDPOINTS_BY_NAME[endpoint.qualified_name] is endpoint
