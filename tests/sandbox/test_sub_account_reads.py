"""What the partner sees of its sub-accounts, and that the summaries are the sums of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.clocks import FakeClock
from tests.support.sandbox_requests import NOW, NOW_MS, ask, done, error, exchange, new_rows, read, world
from toolkit.sandbox import Exchange, World
from toolkit.sandbox.world import SubAccount

DAY = 86_400_000
UM, CM = {"futuresType": "1"}, {"futuresType": "2"}


def small(seed: int, now: float = NOW) -> Exchange:
    return exchange(FakeClock(now), world=World(seed, now=now, sub_accounts=8, customers=5), limit_scale=1000)


def value(rows: list[Any], field: str, worth: Any, name: str = "asset") -> Decimal:
    """Dollars of a field of some rows."""
    return sum((Decimal(row[field]) * worth[row[name]] for row in rows), Decimal(0))


def summary(this: Exchange, endpoint_name: str, account: SubAccount, **params: str) -> Any:
    return read(this, endpoint_name, subAccountId=account.id, **params)["data"][0]


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), hours=st.integers(0, 24 * 40))
def test_the_summaries_are_the_sums_of_the_holdings(seed: int, hours: int) -> None:
    now = NOW + hours * 3600
    this = small(seed)
    this.clock.advance(now - NOW)  # type: ignore[attr-defined]
    worth = this.world.worth(int(now * 1000))
    for account in this.world.accounts:
        email = {"email": account.email}
        assets = read(this, "exchange.assets", **email)["balances"]
        bitcoins = summary(this, "exchange.spot_balances", account)["totalBalanceOfBtc"]
        assert f"{value(assets, 'free', worth) / worth['BTC']:.16f}" == bitcoins
        if account.margin_rates:
            margin = read(this, "exchange.margin_account", **email)
            rows = margin["marginUserAssetVoList"]
            totals = summary(this, "exchange.margin_balances", account)
            for total, field in (("Asset", "free"), ("Liability", "borrowed"), ("NetAsset", "netAsset")):
                amount = f"{value(rows, field, worth) / worth['BTC']:.8f}"
                assert margin[f"total{total}OfBtc"] == totals[f"total{total}OfBtc"] == amount
            assert margin["marginLevel"] == totals["marginLevel"]
        if account.futures:
            _check_um(this, account, worth)
            _check_cm(this, account, worth)


def _check_um(this: Exchange, account: SubAccount, worth: Any) -> None:
    total = summary(this, "exchange.futures_balances", account, **UM)
    found = read(this, "exchange.futures_account", email=account.email, **UM)["futureAccountResp"]
    pairs = {
        "totalWalletBalance": "walletBalance",
        "totalUnrealizedProfit": "unrealizedProfit",
        "totalMarginBalance": "marginBalance",
        "totalInitialMargin": "initialMargin",
        "totalMaintenanceMargin": "maintenanceMargin",
        "totalPositionInitialMargin": "positionInitialMargin",
        "totalOpenOrderInitialMargin": "openOrderInitialMargin",
    }
    for name, field in pairs.items():
        dollars = value(found["assets"], field, worth)
        assert (total[name], found[name]) == (f"{dollars:.10f}", f"{dollars:.8f}"), name
    positions = read(this, "exchange.positions", email=account.email, **UM)["futurePositionRiskVos"]
    usdt = next((row for row in found["assets"] if row["asset"] == "USDT"), None)
    if usdt is None:
        assert positions == []
        return
    profits = {"profit": Decimal(0), "margin": Decimal(0)}
    for row in positions:
        mark, amount = Decimal(row["markPrice"]), Decimal(row["positionAmount"])
        profit = amount * (mark - Decimal(row["entryPrice"]))
        assert abs(Decimal(row["unrealizedProfit"]) - profit) < Decimal("1e-8")
        profits["profit"] += Decimal(row["unrealizedProfit"])
        profits["margin"] += abs(amount * mark) / Decimal(row["leverage"])
    assert Decimal(usdt["unrealizedProfit"]) == profits["profit"]
    assert abs(Decimal(usdt["positionInitialMargin"]) - profits["margin"]) < Decimal("1e-7")


def _check_cm(this: Exchange, account: SubAccount, worth: Any) -> None:
    total = summary(this, "exchange.futures_balances", account, **CM)
    found = read(this, "exchange.futures_account", email=account.email, **CM)["deliveryAccountResp"]
    for name, field in (("WalletBalance", "walletBalance"), ("UnrealizedProfit", "unrealizedProfit")):
        tethers = value(found["assets"], field, worth) / worth["USDT"]
        assert total[f"total{name}OfUsdt"] == f"{tethers:.14f}"
    positions = read(this, "exchange.positions", email=account.email, **CM)["deliveryPositionRiskVos"]
    bitcoins = [row for row in found["assets"] if row["asset"] == "BTC"]
    assert sum(Decimal(row["unrealizedProfit"]) for row in positions) == sum(
        Decimal(row["unrealizedProfit"]) for row in bitcoins
    )


def test_the_summary_of_all_is_the_sum_of_its_pages() -> None:
    this = new_rows()
    for kind, around, names in (
        (
            UM,
            "futureAccountSummaryResp",
            ("totalWalletBalance", "totalInitialMargin", "totalUnrealizedProfit"),
        ),
        (CM, "deliveryAccountSummaryResp", ("totalWalletBalance", "totalMarginBalance")),
    ):
        rows: list[Any] = []
        for page in range(1, 9):
            found = read(this, "exchange.futures_summary", **kind, page=str(page), limit="5")[around]
            if not found["subAccountList"]:
                break
            rows += found["subAccountList"]
        assert [row["email"] for row in rows] == [each.email for each in this.world.accounts if each.futures]
        suffix = "" if kind is UM else "OfBTC"
        for name in names:
            total = sum(Decimal(row[name]) for row in rows)
            assert abs(Decimal(found[name + suffix]) - total) < Decimal("1e-6")
            assert total != 0


def test_profits_follow_prices_while_entries_stay() -> None:
    clock = FakeClock(NOW)
    this = new_rows(clock)
    account = next(each for each in this.world.accounts if each.balances.positions_in("um"))
    seen = []
    for _ in range(3):
        rows = read(this, "exchange.positions", email=account.email, **UM)["futurePositionRiskVos"]
        seen.append([(row["symbol"], row["entryPrice"], row["unrealizedProfit"]) for row in rows])
        clock.advance(3 * 3600)
    assert len({tuple(rows) for rows in map(tuple, seen)}) == 3
    assert len({tuple(row[:2] for row in rows) for rows in seen}) == 1


def test_transfers_show_in_the_holdings() -> None:
    this = new_rows()
    account = next(each for each in this.world.accounts if each.futures and each.keys)

    def held(endpoint_name: str, path: str, field: str, **params: str) -> Decimal:
        found = read(this, endpoint_name, email=account.email, **params)
        rows = found[path]["assets"] if path.endswith("Resp") else found[path]
        return next((Decimal(row[field]) for row in rows if row["asset"] == "USDT"), Decimal(0))

    spot = held("exchange.assets", "balances", "free")
    um = held("exchange.futures_account", "futureAccountResp", "walletBalance", **UM)
    done(this, "exchange.transfer", fromId=None, toId=account.id, asset="USDT", amount="12.5")
    done(this, "exchange.transfer_within", subAccountId=account.id, asset="USDT", amount="2", type="1")
    assert held("exchange.assets", "balances", "free") == spot + Decimal("10.5")
    assert held("exchange.futures_account", "futureAccountResp", "walletBalance", **UM) == um + 2


def test_an_address_is_matched_in_any_case_and_encoded() -> None:
    account = next(each for each in world().accounts if each.keys)
    upper = ask(exchange(), "exchange.assets", {"email": account.email.upper()})
    assert upper.json() == read(exchange(), "exchange.assets", email=account.email)
    assert b"%40" in _query(account.email), "the address is encoded in these requests"


def _query(email: str) -> bytes:
    from tests.support.sandbox_requests import signed

    return signed("/sapi/v4/sub-account/assets", {"email": email}).query


@pytest.mark.parametrize(
    "name",
    [
        "exchange.assets",
        "exchange.futures_account",
        "exchange.positions",
        "exchange.margin_account",
        "exchange.key_audit",
    ],
)
def test_addresses_of_others_are_refused(name: str) -> None:
    params = world().example(name)
    assert error(ask(exchange(), name, params | {"email": "somebody@else.example"})) == (400, -5021)
    assert error(ask(exchange(), name, params | {"email": "nobody"})) == (400, -4003)
    del params["email"]
    assert error(ask(exchange(), name, params)) == (400, -1102)


def test_what_is_switched_off_is_refused() -> None:
    off = next(each for each in world().accounts if not each.futures)
    for name in ("exchange.futures_account", "exchange.positions"):
        assert error(ask(exchange(), name, {"email": off.email, **UM})) == (400, -5011)
    off = next(each for each in world().accounts if each.margin_rates is None)
    assert error(ask(exchange(), "exchange.margin_account", {"email": off.email})) == (400, -3003)
    for kind in ("0", "3", "x"):
        assert ask(exchange(), "exchange.futures_summary", {"futuresType": kind}).status == 400


def test_the_keys_are_those_of_the_list_of_keys() -> None:
    this = new_rows()
    for account in this.world.accounts[:12]:
        audit = read(this, "exchange.key_audit", email=account.email)
        listed = read(this, "exchange.api_keys", subAccountId=account.id)
        assert audit["total"] == len(audit["rows"]) == len(listed)
        for row, key in zip(audit["rows"], listed, strict=True):
            assert row["email"] == account.email
            assert row["apikey"][:3] == key["apikey"][:3]
            assert row["canTrade"] is key["canTrade"]
            assert row["canFuturesTrade"] is key["futuresTrade"]
            assert row["canMarginLoanRepay"] is key["marginTrade"]
    account = next(each for each in this.world.accounts if len(each.keys) > 1)
    second = account.keys[1]
    one = read(this, "exchange.key_audit", email=account.email, subAccountApiKey=second.key)
    page = read(this, "exchange.key_audit", email=account.email, page="2", size="1")
    assert [row["apikey"] for row in one["rows"]] == [row["apikey"] for row in page["rows"]] == [second.key]
    done(this, "exchange.delete_api_key", subAccountId=account.id, subAccountApiKey=second.key)
    rows = read(this, "exchange.key_audit", email=account.email)["rows"]
    assert second.key not in [row["apikey"] for row in rows]


def test_volumes_are_those_of_the_trades_that_rebates_were_paid_for() -> None:
    this = exchange(limit_scale=1000)
    account = this.world.accounts[0]
    found = read(this, "exchange.transaction_statistics", email=account.email)
    days = found["tradeInfoVos"]
    today = NOW_MS // DAY
    assert 0 < len(days) <= 30
    assert all(row["date"] % DAY == 0 and today - 30 <= row["date"] // DAY < today for row in days)
    assert [row["date"] for row in days] == sorted(row["date"] for row in days)
    sums = {
        "recent30BtcTotal": "btc",
        "recent30BtcFuturesTotal": "btcFutures",
        "recent30BusdTotal": "busd",
        "recent30BusdFuturesTotal": "busdFutures",
    }
    for total, name in sums.items():
        assert float(found[total]) == pytest.approx(sum(row[name] for row in days)), total
    day = days[-1]["date"]
    rows = read(
        this,
        "exchange.rebates",
        subAccountId=account.id,
        startTime=str(day),
        endTime=str(day + DAY - 1),
        size="500",
    )
    worth = this.world.worth(day + DAY - 1)
    dollars = sum(Decimal(row["income"]) * worth[row["asset"]] for row in rows) / Decimal("0.0004")
    assert days[-1]["busd"] == pytest.approx(float(dollars))
