"""The rules of reads about accounts: parameters that exclude each other, spans, limits, order, retention."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tests.support.clocks import FakeClock
from tests.support.sandbox_requests import (
    DAY,
    FORM,
    NOW,
    NOW_MS,
    done,
    error,
    exchange,
    hmac_of,
    minimal,
    new_rows,
    signed,
    world,
)
from toolkit.endpoints import ENDPOINTS, ENDPOINTS_BY_NAME
from toolkit.sandbox import Exchange, SandboxRequest, SandboxResponse
from toolkit.sandbox.account_routes import RULES
from toolkit.sandbox.keys import CUSTOMER, PARTNER
from toolkit.sandbox.market.symbols import ASSETS, RARE, SPOT, UM

THIS = exchange(limit_scale=1000)
BUSY = {"symbol": "BTCUSDT"}


def send(
    name: str, params: Mapping[str, object] | None = None, *, key: str = "customer", this: Exchange = THIS
) -> SandboxResponse:
    endpoint = ENDPOINTS_BY_NAME[name]
    now_ms = int(this.clock.time() * 1000)
    return this.handle(
        signed(endpoint.path, params or {}, key=this.world.keys[key], now_ms=now_ms, method=endpoint.method)
    )


def get(name: str, *, key: str = "customer", this: Exchange = THIS, **params: object) -> Any:
    response = send(name, params, key=key, this=this)
    assert response.status == 200, response.body
    return response.json()


def code(name: str, *, key: str = "customer", **params: object) -> int:
    status, refusal = error(send(name, params, key=key))
    assert status == 400
    return refusal


def weight(name: str, **params: object) -> int:
    send(name, params)
    return THIS.log[-1].weight


def book(owner: str = CUSTOMER) -> Any:
    return world().ledger(owner)


def units(text: str) -> int:
    return int(Decimal(text) * 10**8)


# -- spot -----------------------------------------------------------------------------------------------


def test_the_account_has_what_its_ledger_has() -> None:
    for owner, key in ((CUSTOMER, "customer"), (PARTNER, "partner")):
        found = get("account.spot.balances", key=key)
        held, locked = book(owner).balances("spot", NOW_MS), book(owner).locked(NOW_MS)
        assert [row["asset"] for row in found["balances"]] == list(ASSETS)
        for row in found["balances"]:
            assert units(row["free"]) + units(row["locked"]) == held[row["asset"]]
            assert units(row["locked"]) == locked.get(row["asset"], 0)
        assert found["uid"] == int(book(owner).uid)
    assert found["commissionRates"]["maker"] == f"{book(PARTNER).maker_rate / 10**8:.8f}"


def test_assets_of_which_there_is_nothing_may_be_left_out() -> None:
    this = new_rows()
    # More of it than fits into 64 bits, in units of 1e-8.
    all_of_it = this.world.ledger(PARTNER).balance("spot", "PEPE", NOW_MS)
    moved = {"fromId": None, "toId": this.world.accounts[0].id, "asset": "PEPE"}
    done(this, "exchange.transfer", **moved, amount=f"{Decimal(all_of_it) / 10**8:f}")
    rows = {
        flag: get("account.spot.balances", key="partner", this=this, omitZeroBalances=flag)["balances"]
        for flag in ("false", "true")
    }
    assert [row["asset"] for row in rows["false"]] == list(ASSETS)
    assert [row["asset"] for row in rows["true"]] == [each for each in ASSETS if each not in {"PEPE", *RARE}]


def test_an_account_knows_when_it_last_changed() -> None:
    moved = book().movements(NOW_MS).of_wallet("spot").time
    assert get("account.spot.info")["updateTime"] == moved[-1]
    moved = book().movements(NOW_MS).of_wallet("um")
    for row in get("account.futures.assets")["assets"]:
        times = moved.time[moved.asset == ASSETS.index(row["asset"])]
        assert row["updateTime"] == (times[-1] if len(times) else 0)
    this = new_rows()
    done(this, "exchange.transfer", fromId=None, toId=this.world.accounts[0].id, amount="1")
    assert get("account.spot.info", key="partner", this=this)["updateTime"] == NOW_MS


@pytest.mark.parametrize(
    "fields",
    [
        (),
        ("orderId",),
        ("startTime",),
        ("endTime",),
        ("fromId",),
        ("startTime", "endTime"),
        ("orderId", "fromId"),
    ],
)
def test_combinations_of_trades_that_are_allowed(fields: tuple[str, ...]) -> None:
    fills = book().fills(NOW_MS)
    middle = int(np.flatnonzero(fills.market == 0)[-3])
    time, order, number = (int(each[middle]) for each in (fills.time, fills.order, fills.id))
    values = {"orderId": order, "startTime": time, "endTime": time, "fromId": number}
    rows = get("account.spot.trades", **BUSY, **{field: values[field] for field in fields})
    assert rows
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    for row in rows:
        assert row["symbol"] == "BTCUSDT"
        assert "orderId" not in fields or row["orderId"] == order
        assert "fromId" not in fields or row["id"] >= number
        assert "startTime" not in fields or row["time"] >= time
        assert "endTime" not in fields or row["time"] <= time


def test_other_combinations_of_trades_are_refused() -> None:
    span = {"startTime": NOW_MS - DAY, "endTime": NOW_MS}
    for name, time in span.items():
        for other in ("fromId", "orderId"):
            assert code("account.spot.trades", **BUSY, **{name: time, other: 5}) == -1128
    assert code("account.spot.trades") == -1102
    assert code("account.spot.trades", symbol="NOTHING") == -1121


@pytest.mark.parametrize("name", ["account.spot.trades", "account.spot.orders"])
def test_both_ends_span_a_day_at_most(name: str) -> None:
    start = NOW_MS - 40 * DAY
    assert code(name, **BUSY, startTime=start, endTime=start + DAY + 1) == -1127
    assert code(name, **BUSY, startTime=start, endTime=start - 1) == -1023
    get(name, **BUSY, startTime=start, endTime=start + DAY)
    # With one end, a span is as long as it takes to fill the page.
    assert len(get(name, **BUSY, startTime=start, limit=3)) == 3


def test_pages_of_trades() -> None:
    fills = book().fills(NOW_MS)
    ids = fills.id[fills.market == 0].tolist()
    assert [row["id"] for row in get("account.spot.trades", **BUSY)] == ids[-500:]
    assert [row["id"] for row in get("account.spot.trades", **BUSY, limit=7)] == ids[-7:]
    assert [row["id"] for row in get("account.spot.trades", **BUSY, fromId=ids[2] + 1, limit=4)] == ids[3:7]
    assert [row["id"] for row in get("account.spot.trades", **BUSY, fromId=0, limit=2)] == ids[:2]
    assert get("account.spot.trades", **BUSY, fromId=ids[-1] + 1) == []
    assert code("account.spot.trades", **BUSY, limit=1001) == -1130
    assert weight("account.spot.trades", **BUSY) == 20
    assert weight("account.spot.trades", **BUSY, orderId=1) == 5


def test_trades_are_the_fills_of_the_ledger() -> None:
    fills = book().fills(NOW_MS)
    rows = get("account.spot.trades", **BUSY, limit=1000)
    mine = fills[np.flatnonzero(fills.market == 0)[-len(rows) :]]
    for number, row in enumerate(rows):
        price, quantity, quote = (Decimal(row[name]) for name in ("price", "qty", "quoteQty"))
        assert price * quantity == quote
        assert (units(row["price"]), units(row["quoteQty"])) == (mine.price[number], mine.quote[number])
        assert units(row["commission"]) == mine.commission[number]
        assert row["commissionAsset"] == ASSETS[mine.commission_asset[number]]
        assert (row["isBuyer"], row["isMaker"]) == (mine.is_buyer[number], mine.is_maker[number])


def test_pages_of_orders() -> None:
    orders = book().orders(NOW_MS)
    ids = orders.id[orders.market == 0].tolist()
    assert [row["orderId"] for row in get("account.spot.orders", **BUSY, limit=5)] == ids[-5:]
    assert [row["orderId"] for row in get("account.spot.orders", **BUSY, orderId=ids[3], limit=5)] == ids[3:8]
    assert code("account.spot.orders", **BUSY, limit=1001) == -1130
    assert code("account.spot.orders", symbol="NOTHING") == -1121
    assert code("account.spot.orders") == -1102


def test_one_order_by_either_id() -> None:
    rows = get("account.spot.orders", **BUSY, limit=9)
    for row in rows:
        assert get("account.spot.order", **BUSY, orderId=row["orderId"]) == row
        assert get("account.spot.order", **BUSY, origClientOrderId=row["clientOrderId"]) == row
    assert all(row["clientOrderId"].startswith(f"x-{world().agent_code}") for row in rows)
    first = rows[0]["orderId"]
    assert code("account.spot.order", **BUSY) == -1102
    assert code("account.spot.order", **BUSY, orderId=first, origClientOrderId="a") == -1128
    assert code("account.spot.order", **BUSY, orderId=first + 10**9) == -2013
    assert code("account.spot.order", **BUSY, origClientOrderId="nobody's") == -2013
    assert code("account.spot.order", symbol="ETHUSDT", orderId=first) == -2013
    assert code("account.spot.order", key="partner", **BUSY, orderId=first) == -2013, "another account"


def test_an_order_without_fills_is_archived_after_90_days() -> None:
    orders = book().orders(NOW_MS)
    idle = (orders.executed == 0) & (orders.status >= 3)
    limit = NOW_MS - 90 * DAY
    old, newer = (orders[idle & after] for after in (orders.updated < limit, orders.updated >= limit))
    for found, refusal in ((old[-1:], -2026), (newer[:1], None)):
        asked = {"symbol": SPOT[int(found.market[0])].symbol, "orderId": int(found.id[0])}
        if refusal:
            assert code("account.spot.order", **asked) == refusal
        else:
            assert get("account.spot.order", **asked)["executedQty"] == "0.00000000"
    filled = orders[(orders.executed > 0) & (orders.updated < limit)][:1]
    get("account.spot.order", symbol=SPOT[int(filled.market[0])].symbol, orderId=int(filled.id[0]))


def test_open_orders_are_open_and_lock_what_they_need() -> None:
    rows = get("account.spot.open_orders")
    assert {row["status"] for row in rows} <= {"NEW", "PARTIALLY_FILLED"}
    for symbol in {row["symbol"] for row in rows}:
        own = [row for row in rows if row["symbol"] == symbol]
        assert get("account.spot.open_orders", symbol=symbol) == own
    assert code("account.spot.open_orders", symbol="NOTHING") == -1121
    assert (weight("account.spot.open_orders"), weight("account.spot.open_orders", **BUSY)) == (80, 6)


def test_commissions_and_counts() -> None:
    found = get("account.spot.commission", **BUSY)
    ledger = book()
    assert found["standardCommission"]["taker"] == f"{ledger.taker_rate / 10**8:.8f}"
    fee = get("account.wallet.trade_fees", **BUSY)
    assert [Decimal(fee[0][f"{side}Commission"]) for side in ("maker", "taker")] == [
        Decimal(found["standardCommission"][side]) for side in ("maker", "taker")
    ]
    assert [row["symbol"] for row in get("account.wallet.trade_fees")] == [each.symbol for each in SPOT]
    for name in ("account.spot.commission", "account.wallet.trade_fees"):
        assert code(name, symbol="NOTHING") == -1121
    counts = get("account.spot.order_counts")
    assert [(row["intervalNum"], row["interval"], row["limit"]) for row in counts] == [
        (10, "SECOND", 50),
        (1, "DAY", 160_000),
    ]


# -- wallets --------------------------------------------------------------------------------------------


def test_assets_of_wallets_are_those_that_the_account_has() -> None:
    for name, wallet in (("account.wallet.assets", "spot"), ("account.wallet.funding_assets", "funding")):
        held = {asset: amount for asset, amount in book().balances(wallet, NOW_MS).items() if amount}
        rows = get(name, needBtcValuation="true")
        assert {row["asset"]: units(row["free"]) + units(row["locked"]) for row in rows} == held
        worth = world().worth(NOW_MS)
        for row in rows:
            value = Decimal(held[row["asset"]]) / 10**8 * worth[row["asset"]] / worth["BTC"]
            assert row["btcValuation"] == f"{value:.8f}"
        assert {row["btcValuation"] for row in get(name)} == {"0"}
        asset = next(iter(held))
        assert [row["asset"] for row in get(name, asset=asset)] == [asset]


def test_reads_that_are_posted_take_parameters_from_query_and_body() -> None:
    endpoint, key = ENDPOINTS_BY_NAME["account.wallet.assets"], world().keys["customer"]
    asset = get("account.wallet.assets")[-1]["asset"]

    def posted(query: str, body: str) -> Any:
        body += f"&signature={hmac_of(key.secret, query + body)}"
        request = SandboxRequest(
            "POST", endpoint.path, query.encode(), body.encode(), {"X-MBX-APIKEY": key.key, **FORM}
        )
        return THIS.handle(request).json()

    in_body = posted("", f"asset={asset}&timestamp={NOW_MS}")
    assert (
        in_body
        == posted(f"asset={asset}", f"timestamp={NOW_MS}")
        == get("account.wallet.assets", asset=asset)
    )
    assert error(THIS.handle(signed(endpoint.path, key=key)))[0] == 405


def test_wallets_are_worth_what_is_in_them() -> None:
    rows = get("account.wallet.wallets", needBalanceDetail="true")
    worth = world().worth(NOW_MS)
    assert len(rows) == 5
    spot = rows[0]
    assert spot["walletName"] == "Spot"
    value = sum(
        (Decimal(row["free"]) + Decimal(row["locked"])) * worth[row["asset"]] for row in spot["assetBalances"]
    )
    assert spot["balance"] == f"{value / worth['BTC']:.8f}"
    dollars = get("account.wallet.wallets", quoteAsset="USDT")[0]
    assert "assetBalances" not in dollars
    assert dollars["balance"] == f"{value / worth['USDT']:.8f}"
    assert code("account.wallet.wallets", quoteAsset="NOTHING") == -1130


def test_coins_name_the_networks_of_deposits_and_withdrawals() -> None:
    coins = {row["coin"]: row for row in get("account.wallet.coins")}
    assert list(coins) == list(ASSETS)
    networks = {
        (coin, each["network"]): each["withdrawFee"]
        for coin, row in coins.items()
        for each in row["networkList"]
    }
    span = {"startTime": NOW_MS - 89 * DAY}
    for row in get("account.wallet.deposits", **span):
        assert (row["coin"], row["network"]) in networks
    for row in get("account.wallet.withdrawals", **span):
        assert Decimal(networks[row["coin"], row["network"]]) == Decimal(row["transactionFee"])
    held = book().balances("spot", NOW_MS)
    assert all(units(row["free"]) + units(row["locked"]) == held[coin] for coin, row in coins.items())


# -- deposits, withdrawals, transfers, dividends ----------------------------------------------------------


@pytest.mark.parametrize("name", ["account.wallet.deposits", "account.wallet.withdrawals"])
def test_spans_are_shorter_than_90_days(name: str) -> None:
    start = NOW_MS - 200 * DAY
    assert code(name, startTime=start, endTime=start + 90 * DAY) == -4047
    assert code(name, startTime=start) == -4047
    rows = get(name, startTime=start, endTime=start + 90 * DAY - 1)
    times = [moment(row) for row in rows]
    assert rows
    assert times == sorted(times, reverse=True), "newest first"
    assert all(start - 1000 < time < start + 90 * DAY for time in times)
    assert [moment(row) for row in get(name)] == sorted(map(moment, get(name)), reverse=True)
    assert min(moment(row) for row in get(name)) >= NOW_MS - 90 * DAY
    assert get(name, startTime=start, endTime=start + 90 * DAY - 1, offset=2, limit=3) == rows[2:5]
    assert code(name, limit=1001) == -1130


def moment(row: Mapping[str, Any]) -> int:
    """The time of a deposit or a withdrawal."""
    if "insertTime" in row:
        return int(row["insertTime"])
    made = datetime.strptime(row["applyTime"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return int(made.timestamp() * 1000)


def test_deposits_are_filtered() -> None:
    rows = get("account.wallet.deposits")
    for field, value in (("coin", rows[0]["coin"]), ("status", 1), ("txId", rows[-1]["txId"])):
        matching = [row for row in rows if row[field] == value]
        assert get("account.wallet.deposits", **{field: value}) == matching != []
    assert get("account.wallet.deposits", coin="NOTHING") == []
    assert get("account.wallet.deposits", status=7) == []
    assert "sourceAddress" not in rows[0]
    sources = get("account.wallet.deposits", includeSource="true")
    assert all("sourceAddress" in row for row in sources)
    assert {row["txId"].startswith("Off-chain transfer") for row in rows if row["transferType"]} <= {True}


def test_a_deposit_is_pending_until_it_completes() -> None:
    found = book().deposits(NOW_MS)
    number = int(np.flatnonzero(found.completed > found.time)[-1])
    for now_ms, status in ((int(found.time[number]), 0), (int(found.completed[number]), 1)):
        this = exchange(FakeClock(now_ms / 1000 + 0.0001), limit_scale=1000)
        row = next(
            each for each in get("account.wallet.deposits", this=this) if each["id"] == str(found.id[number])
        )
        assert row["status"] == status
        assert ("completeTime" in row) is bool(status)


def test_withdrawals_are_filtered() -> None:
    rows = get("account.wallet.withdrawals")
    for field, value in (("coin", rows[0]["coin"]), ("status", 6)):
        assert (
            get("account.wallet.withdrawals", **{field: value})
            == [r for r in rows if r[field] == value]
            != []
        )
    ids = [row["id"] for row in rows[:3]]
    assert get("account.wallet.withdrawals", idList=",".join(ids)) == rows[:3]
    assert code("account.wallet.withdrawals", idList=",".join(["a"] * 46)) == -1130
    completed = [row for row in rows if row["status"] == 6]
    assert all(row["completeTime"] >= row["applyTime"] and row["txId"] for row in completed)


def test_an_own_id_of_a_withdrawal_is_looked_for_in_seven_days() -> None:
    rows = [row for row in get("account.wallet.withdrawals") if "withdrawOrderId" in row]
    row = rows[-1]
    own, at = {"withdrawOrderId": row["withdrawOrderId"]}, moment(row)
    assert at < NOW_MS - 7 * DAY
    assert get("account.wallet.withdrawals", **own) == []
    assert get("account.wallet.withdrawals", **own, startTime=at - DAY, endTime=at + DAY) == [row]
    assert code("account.wallet.withdrawals", **own, startTime=at - DAY, endTime=at + 6 * DAY) == -4047


def test_withdrawals_weigh_18000_by_account() -> None:
    this = exchange()
    for _ in range(5):
        get("account.wallet.withdrawals", key="partner", this=this)
        get("account.wallet.withdrawals", key="open", this=this)
    assert this.log[-1].weight == 18_000
    assert error(send("account.wallet.withdrawals", key="open", this=this)) == (429, -1003)
    get("account.wallet.withdrawals", this=this)


def all_transfers(key: str = "customer") -> list[str]:
    found = book().transfers(NOW_MS)
    words = ("MAIN", "FUNDING", "UMFUTURE", "CMFUTURE", "MARGIN")
    return [f"{words[a]}_{words[b]}" for a, b in zip(found.source, found.target, strict=True)]


def test_transfers_of_one_kind_newest_first() -> None:
    found, kinds = book().transfers(NOW_MS), all_transfers()
    kind = max(set(kinds), key=kinds.count)
    start = NOW_MS - 150 * DAY
    answer = get("account.wallet.transfers", type=kind, startTime=start, size=100)
    wanted = [
        int(found.id[row]) for row, each in enumerate(kinds) if each == kind and found.time[row] >= start
    ][::-1]
    assert answer["total"] == len(wanted) > 7
    assert [row["tranId"] for row in answer["rows"]] == wanted[:100]
    second = get("account.wallet.transfers", type=kind, startTime=start, size=3, current=2)
    assert [row["tranId"] for row in second["rows"]] == wanted[3:6]
    assert len(get("account.wallet.transfers", type=kind, startTime=start)["rows"]) == min(10, len(wanted))
    week = get("account.wallet.transfers", type=kind, size=100)
    assert all(row["timestamp"] >= NOW_MS - 7 * DAY for row in week["rows"])
    assert week["total"] < len(wanted)
    assert code("account.wallet.transfers") == -1102
    assert code("account.wallet.transfers", type="MAIN_MOON") in (-1102, -1130)
    assert code("account.wallet.transfers", type=kind, size=101) == -1130


def test_transfers_are_kept_for_six_months() -> None:
    kinds = all_transfers()
    kind = max(set(kinds), key=kinds.count)
    whole = get("account.wallet.transfers", type=kind, startTime=NOW_MS - 400 * DAY, size=100)
    kept = get("account.wallet.transfers", type=kind, startTime=NOW_MS - 180 * DAY, size=100)
    assert whole == kept
    old = {"startTime": NOW_MS - 400 * DAY, "endTime": NOW_MS - 181 * DAY}
    assert get("account.wallet.transfers", type=kind, **old) == {"total": 0, "rows": []}


def test_dividends() -> None:
    start = NOW_MS - 180 * DAY
    answer = get("account.wallet.dividends", startTime=start, limit=500)
    times = [row["divTime"] for row in answer["rows"]]
    assert times == sorted(times, reverse=True)
    assert answer["total"] >= len(times) > 20
    assert len(get("account.wallet.dividends", startTime=start)["rows"]) == 20
    asset = answer["rows"][0]["asset"]
    own = get("account.wallet.dividends", startTime=start, limit=500, asset=asset)
    assert own["rows"] == [row for row in answer["rows"] if row["asset"] == asset]
    assert code("account.wallet.dividends", startTime=start - 1, endTime=NOW_MS) == -1127
    assert code("account.wallet.dividends", limit=501) == -1130


# -- snapshots --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "wallet"), [("SPOT", "spot"), ("MARGIN", "margin"), ("FUTURES", "um")])
def test_snapshots_are_the_balances_at_the_end_of_each_day(kind: str, wallet: str) -> None:
    found = get("account.wallet.spot_snapshots", type=kind, limit=30)
    assert (found["code"], found["msg"]) == (200, "")
    rows = found["snapshotVos"]
    assert 29 <= len(rows) <= 30
    for row in rows:
        assert row["type"] == kind.lower()
        assert row["updateTime"] % DAY == DAY - 1000
        end = row["updateTime"] + 999
        held = {a: n for a, n in book().balances(wallet, end).items() if n}
        data = row["data"]
        if kind == "FUTURES":
            assert {each["asset"]: units(each["walletBalance"]) for each in data["assets"]} == held
            profit = sum(units(each["unRealizedProfit"]) for each in data["position"])
            tether = [each for each in data["assets"] if each["asset"] == "USDT"]
            assert all(units(e["marginBalance"]) - units(e["walletBalance"]) == profit for e in tether)
            assert [
                (each["symbol"], units(each["positionAmt"]), units(each["markPrice"]))
                for each in data["position"]
            ] == [
                (UM[each.market].symbol, each.quantity, each.mark_price)
                for each in future().positions(end)
                if each.quantity
            ]
            continue
        listed = data["balances"] if kind == "SPOT" else data["userAssets"]
        assert {each["asset"]: units(each["free"]) + units(each["locked"]) for each in listed} == held
        locked = book().locked(end) if kind == "SPOT" else {}
        assert {each["asset"]: units(each["locked"]) for each in listed if units(each["locked"])} == locked
        worth = world().worth(end)
        value = sum(Decimal(n) / 10**8 * worth[a] for a, n in held.items()) / worth["BTC"]
        assert data["totalAssetOfBtc"] == f"{value:.8f}"


def test_snapshots_of_the_last_month_alone() -> None:
    name, kind = "account.wallet.spot_snapshots", {"type": "SPOT"}
    week = [row["updateTime"] for row in get(name, **kind)["snapshotVos"]]
    assert week == [NOW_MS // DAY * DAY - 1000 - days * DAY for days in range(6, -1, -1)], "the last seven"
    assert len(get(name, **kind, limit=9)["snapshotVos"]) == 9
    assert code(name) == -1102
    for word in ("MOON", "spot"):
        assert code(name, type=word) == -1102
    for limit in (6, 31):
        assert code(name, **kind, limit=limit) == -1130
    assert code(name, **kind, startTime=NOW_MS - 30 * DAY, endTime=NOW_MS) == -1127
    old = {"startTime": NOW_MS - 60 * DAY, "endTime": NOW_MS - 40 * DAY}
    assert get(name, **kind, **old, limit=30)["snapshotVos"] == []
    two = {"startTime": NOW_MS - 3 * DAY, "endTime": NOW_MS - DAY}
    times = [row["updateTime"] for row in get(name, **kind, **two)["snapshotVos"]]
    assert len(times) == 2
    assert all(NOW_MS - 3 * DAY <= time <= NOW_MS - DAY for time in times)
    assert weight(name, **kind) == 2400


# -- futures ----------------------------------------------------------------------------------------------


def future(owner: str = CUSTOMER) -> Any:
    return world().futures_account(owner)


def busiest(rows: Any) -> int:
    """The market with most rows."""
    return int(np.bincount(rows.market).argmax())


def test_pages_of_futures_trades() -> None:
    name = "account.futures.trades"
    fills = future().fills(NOW_MS - 89 * DAY, NOW_MS)
    which = busiest(fills)
    symbol = {"symbol": UM[which].symbol}
    mine = fills[fills.market == which]
    week = mine[mine.time >= NOW_MS - 7 * DAY]
    assert [row["id"] for row in get(name, **symbol)] == week.id.tolist()[-500:]
    ids = mine.id.tolist()
    assert [row["id"] for row in get(name, **symbol, fromId=ids[5], limit=4)] == ids[5:9]
    order = int(mine.order[3])
    assert {row["orderId"] for row in get(name, **symbol, orderId=order)} == {order}
    start = int(mine.time[0])
    rows = get(name, **symbol, startTime=start, endTime=start + 7 * DAY, limit=3)
    assert [row["id"] for row in rows] == ids[:3]
    assert code(name, **symbol, startTime=start, endTime=start + 7 * DAY + 1) == -1127
    assert code(name, **symbol, startTime=start, endTime=start + DAY, fromId=1) == -1128
    assert code(name, **symbol, limit=1001) == -1130
    assert code(name, symbol="NOTHING") == -1121
    assert code(name) == -1102
    for row, number in zip(rows, range(3), strict=True):
        assert units(row["price"]) == mine.price[number]
        assert units(row["quoteQty"]) == mine.quote[number]
        assert Decimal(row["price"]) * Decimal(row["qty"]) == Decimal(row["quoteQty"])
        assert units(row["realizedPnl"]) == mine.realized[number]
        assert row["side"] == ("BUY" if row["buyer"] else "SELL")


def test_futures_trades_are_kept_for_three_months() -> None:
    name = "account.futures.trades"
    fills = future().fills(NOW_MS - 140 * DAY, NOW_MS)
    which = busiest(fills[fills.time < NOW_MS - 95 * DAY])
    mine = fills[fills.market == which]
    old = int(mine.id[0])
    found = get(name, symbol=UM[which].symbol, fromId=old, limit=1)
    assert found[0]["time"] >= NOW_MS - 90 * DAY
    span = {"startTime": NOW_MS - 100 * DAY, "endTime": NOW_MS - 95 * DAY}
    assert get(name, symbol=UM[which].symbol, **span) == []


def test_futures_orders_that_were_canceled_without_a_fill_are_gone_after_three_days() -> None:
    orders = future().orders(NOW_MS - 80 * DAY, NOW_MS, NOW_MS)
    idle = (orders.status == 3) & (orders.executed == 0)
    gone = orders[idle & (orders.updated < NOW_MS - 3 * DAY)]
    kept = orders[idle & (orders.updated >= NOW_MS - 3 * DAY)]
    assert len(gone)
    assert len(kept)
    first = {"symbol": UM[int(gone.market[0])].symbol, "orderId": int(gone.id[0])}
    assert code("account.futures.order", **first) == -2013
    listed = get("account.futures.orders", symbol=first["symbol"], orderId=first["orderId"], limit=1000)
    assert first["orderId"] not in [row["orderId"] for row in listed]
    newer = {"symbol": UM[int(kept.market[0])].symbol, "orderId": int(kept.id[0])}
    assert get("account.futures.order", **newer)["status"] == "CANCELED"


def test_pages_of_futures_orders() -> None:
    name = "account.futures.orders"
    rows = get(name, limit=1000)
    assert len({row["symbol"] for row in rows}) > 1, "the symbol may be left out"
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    assert min(row["time"] for row in rows) > NOW_MS - 7 * DAY
    symbol = {"symbol": rows[0]["symbol"]}
    own = get(name, **symbol, limit=1000)
    assert own == [row for row in rows if row["symbol"] == symbol["symbol"]]
    assert get(name, **symbol, limit=1) == own[-1:]
    later = get(name, **symbol, orderId=own[0]["orderId"], limit=1)
    assert later == own[:1]
    span = {"startTime": NOW_MS - 20 * DAY, "endTime": NOW_MS - 13 * DAY}
    assert code(name, **symbol, **span) == -1127
    get(name, **symbol, startTime=span["startTime"], endTime=span["endTime"] - 1)
    one = get("account.futures.order", **symbol, orderId=own[0]["orderId"])
    assert own[0] == one | {"cumBase": one["executedQty"], "pair": one["symbol"]}
    assert get("account.futures.order", **symbol, origClientOrderId=one["clientOrderId"]) == one
    assert code("account.futures.order", **symbol) == -1102
    assert code("account.futures.order", **symbol, orderId=1) == -2013


def test_open_futures_orders() -> None:
    rows = get("account.futures.open_orders")
    assert {row["status"] for row in rows} <= {"NEW", "PARTIALLY_FILLED"}
    for symbol in {row["symbol"] for row in rows}:
        own = [row for row in rows if row["symbol"] == symbol]
        assert get("account.futures.open_orders", symbol=symbol) == own
    assert code("account.futures.open_orders", symbol="NOTHING") == -1121
    assert weight("account.futures.open_orders") == 40
    assert weight("account.futures.open_orders", **BUSY) == 1


@pytest.mark.parametrize("key", ["customer", "partner"])
def test_the_futures_account_adds_up(key: str) -> None:
    account = get("account.futures.info", key=key)
    positions = get("account.futures.positions", key=key)
    balances = {row["asset"]: row for row in get("account.futures.balances", key=key)}
    assets = {row["asset"]: row for row in account["assets"]}
    held = book(CUSTOMER if key == "customer" else PARTNER).balances("um", NOW_MS)
    assert {asset: units(row["walletBalance"]) for asset, row in assets.items()} == held
    assert {asset: units(row["balance"]) for asset, row in balances.items()} == held
    tether = assets["USDT"]
    assert account["totalWalletBalance"] == tether["walletBalance"]
    for total, field in (("unrealizedProfit", "unRealizedProfit"), ("maintMargin", "maintMargin")):
        assert units(tether[total]) == sum(units(row[field]) for row in positions)
    assert units(account["totalInitialMargin"]) == sum(units(row["initialMargin"]) for row in positions)
    assert units(tether["marginBalance"]) == held["USDT"] + units(tether["unrealizedProfit"])
    assert 0 <= units(tether["maxWithdrawAmount"]) <= held["USDT"]
    assert len(account["positions"]) == len(positions)
    if positions:
        symbol = positions[0]["symbol"]
        assert get("account.futures.positions", key=key, symbol=symbol) == positions[:1]
    assert code("account.futures.positions", symbol="NOTHING") == -1121


def test_futures_commissions() -> None:
    found = get("account.futures.commission", **BUSY)
    assert found["symbol"] == "BTCUSDT"
    fills = future().fills(NOW_MS - 20 * DAY, NOW_MS)
    rates = np.where(fills.is_maker, float(found["makerCommissionRate"]), float(found["takerCommissionRate"]))
    assert np.allclose(fills.fee, fills.quote * rates, atol=1)
    assert code("account.futures.commission", symbol="NOTHING") == -1121


def test_the_status_is_normal() -> None:
    assert get("account.wallet.status") == {"data": "Normal"}


def test_nothing_is_served_from_its_documented_example() -> None:
    assert exchange(FakeClock(NOW)).examples == []


ROUTES = sorted({(each.path, each.qualified_name) for each in ENDPOINTS if each.path in RULES})


@pytest.mark.parametrize("name", [name for _, name in ROUTES])
def test_no_value_of_a_parameter_breaks_the_exchange(name: str) -> None:
    endpoint = ENDPOINTS_BY_NAME[name]
    right = minimal(name)
    for param in endpoint.request_params:
        for text in ("x", "-1", "0", "9" * 19, "9" * 20, "BTC", "ü", "true"):
            response = send(name, right | {param.field: text}, key="partner")
            assert response.status == 200 or error(response)[0] == 400, (param.field, text)
