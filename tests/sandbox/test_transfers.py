"""Transfers: money is neither created nor lost, and each transfer is found by the read that shows it."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from tests.support.clocks import FakeClock
from tests.support.sandbox_requests import NOW, NOW_MS, done, new_rows, read, refused, write
from toolkit.sandbox import Exchange
from toolkit.sandbox.world import SubAccount
from toolkit.sandbox.world.balances import WALLETS, Wallet
from toolkit.sandbox.world.stream import HOUR
from toolkit.sandbox.world.transfers import TransferIds
from toolkit.sandbox.writes import transfers

SPOT, UM, CM = "SPOT", "USDT_FUTURE", "COIN_FUTURE"
READS = {
    "exchange.transfer": "exchange.transfers",
    "exchange.transfer_futures": "exchange.futures_transfers",
    "exchange.universal_transfer": "exchange.universal_transfers",
}


def total(this: Exchange, asset: str) -> Decimal:
    """The total of an asset in all accounts."""
    every = [this.world.master, *(each.balances for each in this.world.accounts)]
    return sum((each.wallets[w].get(asset, Decimal(0)) for each in every for w in WALLETS), Decimal(0))


def rich(this: Exchange, *, futures: bool = True, skip: int = 0) -> SubAccount:
    fit = [each for each in this.world.accounts if each.futures is futures and not each.balances.empty]
    return fit[skip]


def rows(
    this: Exchange, endpoint_name: str, client: str, account: str, **params: str
) -> list[dict[str, Any]]:
    """Rows of the read that shows a transfer, by its client id."""
    if endpoint_name == "exchange.transfer_futures":
        params = {"subAccountId": account, "futuresType": "1", **params}
        payload: Any = read(this, READS[endpoint_name], clientTranId=client, **params)
        shown: list[dict[str, Any]] = payload["transfers"]
        return shown
    params = {"toId": account, **params}
    found: list[dict[str, Any]] = read(this, READS[endpoint_name], clientTranId=client, **params)
    return found


# --- balances ------------------------------------------------------------------------------------

ROUTES: list[tuple[str, dict[str, str], Wallet, Wallet]] = [
    ("exchange.transfer", {}, "spot", "spot"),
    ("exchange.transfer_futures", {"futuresType": "1"}, "um", "um"),
    ("exchange.transfer_futures", {"futuresType": "2"}, "cm", "cm"),
    ("exchange.universal_transfer", {"fromAccountType": SPOT, "toAccountType": SPOT}, "spot", "spot"),
    ("exchange.universal_transfer", {"fromAccountType": SPOT, "toAccountType": UM}, "spot", "um"),
    ("exchange.universal_transfer", {"fromAccountType": SPOT, "toAccountType": CM}, "spot", "cm"),
    ("exchange.universal_transfer", {"fromAccountType": UM, "toAccountType": SPOT}, "um", "spot"),
    ("exchange.universal_transfer", {"fromAccountType": CM, "toAccountType": SPOT}, "cm", "spot"),
]


@pytest.mark.parametrize(("endpoint_name", "params", "source", "target"), ROUTES)
def test_money_is_transferred_between_wallets_and_back(
    endpoint_name: str, params: dict[str, str], source: Wallet, target: Wallet
) -> None:
    this = new_rows()
    master, one, two = this.world.master, rich(this).balances, rich(this, skip=1).balances
    first, second = rich(this).id, rich(this, skip=1).id
    before = total(this, "BTC")
    sides = (
        ({"fromId": None, "toId": first}, master, one),
        ({"fromId": this.world.partner_uid, "toId": first}, master, one),
        ({"fromId": first, "toId": None}, one, master),
        ({"fromId": first, "toId": this.world.partner_uid}, one, master),
        ({"fromId": first, "toId": second}, one, two),
    )
    one.wallets[source]["BTC"] = one.wallets[source].get("BTC", Decimal(0)) + 9
    before += 9
    for ids, left, right in sides:
        held = left.wallets[source]["BTC"], right.wallets[target].get("BTC", Decimal(0))
        done(this, endpoint_name, **params, **ids, asset="BTC", amount="1.5")
        assert left.wallets[source]["BTC"] == held[0] - Decimal("1.5")
        assert right.wallets[target]["BTC"] == held[1] + Decimal("1.5")
        assert total(this, "BTC") == before


@pytest.mark.parametrize(
    ("route", "source", "target"),
    [("1", "spot", "um"), ("2", "um", "spot"), ("3", "spot", "cm"), ("4", "cm", "spot")],
)
def test_money_is_transferred_within_an_account(route: str, source: Wallet, target: Wallet) -> None:
    this = new_rows()
    account = rich(this)
    for wallet in WALLETS:
        account.balances.wallets[wallet] = {"ETH": Decimal(3)}
    own = {"subAccountId": account.id, "asset": "ETH", "amount": "1"}
    made = done(this, "exchange.transfer_within", **own, type=route)
    assert made["txnId"].isdigit()
    held = {wallet: account.balances.wallets[wallet]["ETH"] for wallet in WALLETS}
    assert held == {"spot": 3, "um": 3, "cm": 3} | {source: 2, target: 4}


def test_reads_are_sums_of_the_wallets() -> None:
    this = new_rows()
    account = rich(this)
    own = {"subAccountId": account.id}

    def totals() -> tuple[Decimal, Decimal, Decimal]:
        spot = read(this, "exchange.spot_balances", **own)["data"][0]["totalBalanceOfBtc"]
        um = read(this, "exchange.futures_balances", **own, futuresType="1")["data"][0]
        cm = read(this, "exchange.futures_balances", **own, futuresType="2")["data"][0]
        for row, end in ((um, ""), (cm, "OfUsdt")):
            parts = [Decimal(row[f"{name}{end}"]) for name in ("totalWalletBalance", "totalUnrealizedProfit")]
            assert abs(sum(parts) - Decimal(row[f"totalMarginBalance{end}"])) < Decimal("1e-9")
        return Decimal(spot), Decimal(um["totalWalletBalance"]), Decimal(cm["totalWalletBalanceOfUsdt"])

    before = totals()
    done(this, "exchange.transfer", toId=account.id, asset="ETH", amount="2")
    done(this, "exchange.transfer_futures", toId=account.id, asset="BNB", amount="3")
    done(this, "exchange.transfer_futures", toId=account.id, asset="BTC", amount="4", futuresType="2")
    more = [b - a for a, b in zip(before, totals(), strict=True)]
    worth = this.world.worth(NOW_MS)
    right = (worth["ETH"] * 2 / worth["BTC"], worth["BNB"] * 3, worth["BTC"] * 4 / worth["USDT"])
    assert all(abs(a - b) < Decimal("1e-9") for a, b in zip(more, right, strict=True))


def test_balances_never_become_negative() -> None:
    this = new_rows()
    account = rich(this)
    held = account.balances.wallets["spot"]["USDT"]
    out = {"fromId": account.id, "toId": None}
    refused(this, "exchange.transfer", -5002, **out, amount=f"{held + Decimal('0.00000001')}")
    done(this, "exchange.transfer", **out, amount=f"{held}")
    refused(this, "exchange.transfer", -5002, **out, amount="0.00000001")
    refused(this, "exchange.transfer", -5002, **out, asset="PEPE", amount="0.00000001")
    refused(this, "exchange.transfer_within", -5002, subAccountId=account.id, amount="1")
    poor = {"fromId": None, "toId": account.id}
    refused(this, "exchange.transfer", -5002, **poor, asset="BTC", amount="1000000")


def test_the_margin_of_positions_cannot_leave() -> None:
    this = new_rows()
    worth = this.world.worth(NOW_MS)

    def profit(account: SubAccount, wallet: Wallet, asset: str) -> Decimal:
        return account.balances.profit(wallet, asset, worth)

    account = next(each for each in this.world.accounts if profit(each, "um", "USDT") < 0)
    held = account.balances
    needed = held.position_margin("um", "USDT", worth) + held.um_order_margin - profit(account, "um", "USDT")
    free = held.free("um", "USDT", worth)
    assert held.wallets["um"]["USDT"] - free == needed > 0
    out = {"fromId": account.id, "toId": None}
    about, cent = free.quantize(Decimal("0.01")), Decimal("0.01")
    refused(this, "exchange.transfer_futures", -5002, **out, amount=f"{about + cent}")
    done(this, "exchange.transfer_futures", **out, amount=f"{about - cent}")
    assert held.free("um", "USDC", worth) == held.wallets["um"]["USDC"]
    held = next(each.balances for each in this.world.accounts if each.balances.positions_in("cm"))
    needed = held.position_margin("cm", "BTC", worth) - min(held.profit("cm", "BTC", worth), 0)
    assert held.free("cm", "BTC", worth) == held.wallets["cm"]["BTC"] - needed < held.wallets["cm"]["BTC"]


def test_every_account_has_a_free_balance() -> None:
    world = new_rows().world
    for account in world.accounts:
        for wallet in WALLETS:
            for asset, amount in account.balances.wallets[wallet].items():
                assert 0 < account.balances.free(wallet, asset, world.worth(NOW_MS)) <= amount


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint_name", READS)
def test_transfers_refused(endpoint_name: str) -> None:
    this = new_rows()
    uid, some = this.world.partner_uid, rich(this).id
    alike = {"toAccountType": SPOT} if "universal" in endpoint_name else {}
    refused(this, endpoint_name, -1102, fromId=None, toId=None)
    refused(this, endpoint_name, -5003, asset="NOPE")
    refused(this, endpoint_name, -5021, toId="12345")
    refused(this, endpoint_name, -5021, toId=some, fromId="12345")
    refused(this, endpoint_name, -1128, fromId=some, toId=some, **alike)
    refused(this, endpoint_name, -1128, fromId=uid, toId=uid, **alike)
    refused(this, endpoint_name, -1128, fromId=uid, toId=None, **alike)
    refused(this, endpoint_name, -1128, fromId=None, toId=uid, **alike)


def test_a_transfer_to_the_same_wallet_is_refused() -> None:
    this = new_rows()
    for side in (rich(this).id, this.world.partner_uid):
        done(this, "exchange.universal_transfer", fromId=side, toId=side, amount="1")


def test_a_transfer_without_futures_is_refused() -> None:
    this = new_rows()
    off = rich(this, futures=False).id
    refused(this, "exchange.transfer_futures", -5011, toId=off)
    refused(this, "exchange.transfer_futures", -5011, toId=None, fromId=off)
    refused(this, "exchange.universal_transfer", -5011, toId=off)
    next_done = {"fromId": off, "toId": None, "fromAccountType": UM, "toAccountType": SPOT}
    refused(this, "exchange.universal_transfer", -5011, **next_done)
    refused(this, "exchange.transfer_within", -5011, subAccountId=off)
    done(this, "exchange.transfer", toId=off)
    done(this, "exchange.universal_transfer", toId=off, toAccountType=SPOT)
    done(this, "exchange.enable_futures", subAccountId=off)
    done(this, "exchange.transfer_futures", toId=off)


@pytest.mark.parametrize("source", [UM, CM])
@pytest.mark.parametrize("target", [UM, CM])
def test_a_transfer_between_futures_wallets_is_refused(source: str, target: str) -> None:
    refused(new_rows(), "exchange.universal_transfer", -1020, fromAccountType=source, toAccountType=target)


def test_futures_transfers_per_minute_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    assert transfers.FUTURES_TRANSFERS_A_MINUTE == 5000
    monkeypatch.setattr(transfers, "FUTURES_TRANSFERS_A_MINUTE", 3)
    clock = FakeClock(NOW)  # five seconds into the minute
    this = new_rows(clock)
    for _ in range(3):
        done(this, "exchange.transfer_futures")
    refused(this, "exchange.transfer_futures", -4005)
    done(this, "exchange.transfer")
    clock.advance(54.999)
    refused(this, "exchange.transfer_futures", -4005)
    clock.advance(0.001)
    done(this, "exchange.transfer_futures")


# --- client ids ----------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint_name", READS)
def test_a_client_id_can_be_used_once_per_kind(endpoint_name: str) -> None:
    clock = FakeClock(NOW)
    this = new_rows(clock)
    assert done(this, endpoint_name, clientTranId="mine")["clientTranId"] == "mine"
    clock.advance(400 * 86_400)
    refused(this, endpoint_name, -1130, clientTranId="mine")
    refused(this, endpoint_name, -1130, clientTranId="mine", amount="3", asset="BTC")
    done(this, endpoint_name, clientTranId="MINE")
    for other in READS.keys() - {endpoint_name}:
        done(this, other, clientTranId="mine")


@pytest.mark.parametrize("endpoint_name", READS)
def test_client_ids_of_history_are_taken(endpoint_name: str) -> None:
    this = new_rows()
    filters = {"futuresType": "1", "showAllStatus": "true"}
    table = this.world.table(READS[endpoint_name])
    whole = table.slice(NOW_MS - 300 * 86_400_000, NOW_MS, filters, 0, 10_000)
    old = next(row for row in whole if row["clientTranId"])
    # The id of a transfer still to come is not taken.
    later = table.slice(NOW_MS + 1, NOW_MS + 9 * 86_400_000, filters, 0, 999)
    coming = next(row for row in later if row["clientTranId"])
    refused(this, endpoint_name, -1130, clientTranId=str(old["clientTranId"]))
    for strange in ("sbx0x0", "sbxfffffffffffx1", "sbx1xffffffffffffffff"):
        done(this, endpoint_name, clientTranId=strange)
    done(this, endpoint_name, clientTranId=str(coming["clientTranId"]))


@pytest.mark.parametrize("endpoint_name", READS)
def test_an_id_is_generated_if_none_is_sent(endpoint_name: str) -> None:
    this = new_rows()
    made = {done(this, endpoint_name)["clientTranId"] for _ in range(3)}
    assert len(made) == 3
    assert all(made)
    account = this.world.example_write(endpoint_name).parameters["toId"]
    assert rows(this, endpoint_name, next(iter(made)), account) == []
    refused(this, endpoint_name, -1130, clientTranId=next(iter(made)))


# --- the reads that show them --------------------------------------------------------------------


@pytest.mark.parametrize("endpoint_name", READS)
def test_a_transfer_is_found_by_its_id_and_its_sides(endpoint_name: str) -> None:
    clock = FakeClock(NOW)
    this = new_rows(clock)
    one, two = rich(this).id, rich(this, skip=1).id
    clock.advance(77)
    extra = {"fromAccountType": SPOT, "toAccountType": UM} if "universal" in endpoint_name else {}
    made = done(
        this, endpoint_name, fromId=one, toId=two, asset="USDT", amount="0.5", clientTranId="mine", **extra
    )
    (row,) = rows(this, endpoint_name, "mine", two)
    number = row.get("txnId", row.get("tranId"))
    assert (number, type(number)) == (str(made["txnId"]), str)
    assert (row.get("fromId", row.get("from")), row.get("toId", row.get("to"))) == (one, two)
    assert (row["asset"], Decimal(row["qty"]), row["clientTranId"]) == ("USDT", Decimal("0.5"), "mine")
    assert row["time"] == int(clock.time() * 1000)
    assert row.get("status", "SUCCESS") == "SUCCESS"
    assert {name: row.get(name) for name in extra} == extra
    assert rows(this, endpoint_name, "other", two) == []
    if endpoint_name == "exchange.transfer_futures":
        assert rows(this, endpoint_name, "mine", one) == [row]
        assert rows(this, endpoint_name, "mine", two, futuresType="2") == []
        assert rows(this, endpoint_name, "mine", rich(this, skip=2).id) == []
    else:
        assert rows(this, endpoint_name, "mine", two, fromId=one) == [row]
        assert rows(this, endpoint_name, "mine", one) == []
        assert rows(this, endpoint_name, "mine", two, fromId=this.world.partner_uid) == []
    clock.advance(1)
    late = str(row["time"] + 1)
    early = str(row["time"] - 1)
    assert rows(this, endpoint_name, "mine", two, startTime=late) == []
    assert rows(this, endpoint_name, "mine", two, startTime=early, endTime=early) == []
    assert rows(this, endpoint_name, "mine", two, startTime=str(row["time"]), endTime=str(row["time"])) == [
        row
    ]


def test_the_masters_side() -> None:
    this = new_rows()
    account, uid = rich(this).id, this.world.partner_uid
    for endpoint_name in ("exchange.transfer", "exchange.universal_transfer"):
        done(this, endpoint_name, fromId=None, toId=account, clientTranId="in")
        done(
            this,
            endpoint_name,
            fromId=account,
            toId=None,
            clientTranId="out",
            amount="1",
            **({"fromAccountType": UM, "toAccountType": SPOT} if "universal" in endpoint_name else {}),
        )
        (receive,) = read(this, READS[endpoint_name], fromId=uid, clientTranId="in")
        (went,) = read(this, READS[endpoint_name], toId=uid, clientTranId="out")
        assert not receive.get("fromId")
        assert not went.get("toId")
        assert ("fromId" in receive, "toId" in went) == (("universal" not in endpoint_name),) * 2
        assert read(this, READS[endpoint_name], toId=uid, clientTranId="in") == []


def test_both_spellings_of_the_sides() -> None:
    this = new_rows()
    account = rich(this).id
    spelt = set()
    for number in range(4):
        done(this, "exchange.transfer_futures", toId=account, clientTranId=f"t{number}")
        (row,) = rows(this, "exchange.transfer_futures", f"t{number}", account)
        spelt.add("from" in row)
    assert spelt == {True, False}


@pytest.mark.parametrize("endpoint_name", READS)
def test_pages_of_old_and_new_rows_are_complete_and_in_order_of_time(endpoint_name: str) -> None:
    clock = FakeClock(NOW)
    this = new_rows(clock)
    account = this.world.accounts[0].id
    made = []
    for number in range(25):
        clock.advance((number % 5) * 1700.5)  # some at the same time, others with business in between
        answer = done(this, endpoint_name, toId=account, clientTranId=f"n{number}")
        made.append(str(answer["txnId"]))
    clock.advance(40_000)
    table = this.world.table(READS[endpoint_name])
    filters = {"showAllStatus": "true"}
    if "futures" in endpoint_name:
        filters = {"subAccountId": account, "futuresType": "1"}
    end = int(clock.time() * 1000)
    start = end - 2 * 86_400_000
    whole = table.slice(start, end, filters, 0, 10**6)
    assert len(whole) == table.count(start, end, filters) > 40
    times = [int(str(row["time"])) for row in whole]
    assert all(a <= b for a, b in pairwise(times))
    ids = [str(row.get("txnId", row.get("tranId"))) for row in whole]
    assert len(set(ids)) == len(ids)
    assert [each for each in ids if each in made] == made
    indices = [ids.index(each) for each in made]
    assert indices != list(range(indices[0], indices[0] + 25)), "old rows are between the new ones"
    for size in (1, 7, 100):
        pages = [table.slice(start, end, filters, k, size) for k in range(0, len(whole) + size, size)]
        assert [row for page in pages for row in page] == whole


def test_new_ids_differ_from_those_of_history() -> None:
    ids = TransferIds()
    made = [ids.next(NOW_MS + k % 3 * HOUR) for k in range(1000)]
    assert len(set(made)) == 1000
    assert all(each % 1_000_000 >= 500_000 for each in made)
    assert max(made) < 2**53


def test_a_transfer_without_response_is_found_by_the_client_id() -> None:
    this = new_rows()
    params, key = this.world.example_write("exchange.transfer")
    params["clientTranId"] = "lost"
    this.faults.add("timeout", method="POST")
    assert write(this, "exchange.transfer", params, key=key).transmission.kind == "no-response"
    (row,) = read(this, "exchange.transfers", toId=params["toId"], clientTranId="lost")
    (effect,) = this.effects_of("exchange.transfer", clientTranId="lost")
    assert row["txnId"] == effect.result_id
    refused(this, "exchange.transfer", -1130, clientTranId="lost")
