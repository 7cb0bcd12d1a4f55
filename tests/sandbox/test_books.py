"""An audit: what the reads of an account tell adds up, with nothing but the exchange's responses to go by.

Two moments are asked about. What the wallets held at the first one, and every movement that some read shows,
make what they hold at the second one, to the last digit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.sandbox.test_ledger import ACCOUNTS, MONTHS, small_world
from tests.support.clocks import FakeClock
from tests.support.sandbox_requests import ask, exchange
from toolkit.endpoints import ENDPOINTS_BY_NAME
from toolkit.sandbox import World
from toolkit.sandbox.keys import CUSTOMER, PARTNER
from toolkit.sandbox.ledger import TRANSFER_TYPES

SECOND, DAY = 1000, 86_400_000
LONGEST_DELAY = 75 * 60_000  # from a trade to its rebate
WALLETS = {"MAIN": "spot", "FUNDING": "funding", "UMFUTURE": "um", "CMFUTURE": "cm", "MARGIN": "margin"}
ACCOUNT_TYPES = {"SPOT": "spot", "USDT_FUTURE": "um", "COIN_FUTURE": "cm", "MARGIN": "margin"}
NAMES = {"Spot": "spot", "Funding": "funding", "Cross Margin": "margin", "USDⓈ-M Futures": "um",
         "COIN-M Futures": "cm"}  # fmt: skip
Sums = dict[tuple[str, str], Decimal]


class Auditor:
    """Reads one account with its key, at one moment.

    Args:
        world: The world.
        owner: Owner of the key.
        now_ms: The moment.
    """

    def __init__(self, world: World, owner: str, now_ms: int) -> None:
        self.world, self.owner, self.now_ms = world, owner, now_ms
        self._key = next(key for key in world.keys.values() if key.owner == owner)
        # Half a millisecond more, as the clock has a float.
        clock = FakeClock((now_ms + 0.5) / 1000)
        self._exchange = exchange(clock, world=world, limit_scale=10**6)

    def read(self, endpoint_name: str, **params: object) -> Any:
        """A response."""
        endpoint = ENDPOINTS_BY_NAME[endpoint_name]
        fixed = {each.field: each.fixed for each in endpoint.params if each.fixed is not None}
        options = {"key": self._key} if endpoint.is_signed else {}
        response = ask(self._exchange, endpoint_name, fixed | params, **options)
        assert response.status == 200, (endpoint_name, response.body)
        return response.json()

    def rows(self, endpoint_name: str, start_ms: int, end_ms: int, **params: object) -> list[Any]:
        """All rows of a span; one whose page is full is read in halves."""
        paging = ENDPOINTS_BY_NAME[endpoint_name].paging
        size = paging.maximum
        if paging.size:
            params[paging.size] = size
        found = self.read(endpoint_name, startTime=start_ms, endTime=end_ms, **params)
        while isinstance(found, dict):
            found = next(found[name] for name in ("data", "rows", "transfers") if name in found)
        if len(found) < size:
            return list(found)
        middle = (start_ms + end_ms) // 2
        parts = ((start_ms, middle), (middle + 1, end_ms))
        return [row for part in parts for row in self.rows(endpoint_name, *part, **params)]


    def held(self) -> Sums:
        """What each wallet has of each asset, locked amounts included."""
        wallets = self.read("account.wallet.wallets", needBalanceDetail="true")
        details = {NAMES[each["walletName"]]: each["assetBalances"] for each in wallets}
        found = {
            "spot": self.read("account.wallet.assets"),
            "funding": self.read("account.wallet.funding_assets"),
            "um": self.read("account.futures.balances"),
            "cm": details["cm"],
            "margin": details["margin"],
        }
        held = {
            (wallet, row["asset"]): Decimal(row["balance"]) if wallet == "um" else _all_of(row)
            for wallet, rows in found.items()
            for row in rows
        }
        everything = {place: amount for place, amount in held.items() if amount}
        # The other reads of the same wallets tell the same.
        assert everything == {
            (wallet, row["asset"]): _all_of(row) for wallet, rows in details.items() for row in rows
        }
        account = self.read("account.spot.balances")["balances"]
        coins = self.read("account.wallet.coins")
        parts = {row["asset"]: (row["free"], row["locked"]) for row in found["spot"]}
        for rows, name in ((account, "asset"), (coins, "coin")):
            assert parts == {row[name]: (row["free"], row["locked"]) for row in rows if _all_of(row)}
        assets = self.read("account.futures.assets")["assets"]
        assert [row["walletBalance"] for row in assets] == [row["balance"] for row in found["um"]]
        return everything

    def movements(self, after_ms: int) -> Iterator[tuple[str, str, Decimal]]:
        """Wallet, asset and change of everything that the reads tell of the time since another moment."""
        span = (after_ms + 1, self.now_ms)
        yield from self._spot_trades(span)
        yield from self._deposits_and_withdrawals(span)
        for row in self.rows("account.wallet.dividends", *span):
            yield "spot", row["asset"], Decimal(row["amount"])
        for kind in TRANSFER_TYPES:
            source, target = (WALLETS[word] for word in kind.split("_"))
            for row in self.rows("account.wallet.transfers", *span, type=kind):
                yield source, row["asset"], -Decimal(row["amount"])
                yield target, row["asset"], Decimal(row["amount"])
        for row in self.rows("futures.income", *span):
            # Those from other wallets are among the transfers.
            if row["incomeType"] != "TRANSFER":
                yield "um", row["asset"], Decimal(row["income"])
        if self.owner == CUSTOMER:
            for row in self.rows("spot.kickbacks", *span):
                yield "spot", row["asset"], Decimal(row["income"])
        if self.owner == PARTNER:
            for row in self.rows("spot.rebates", after_ms - LONGEST_DELAY, self.now_ms):
                if row["distributeTime"] > after_ms:
                    yield "spot", row["asset"], Decimal(row["income"])
            yield from self._sub_account_transfers(span)

    def fills(self, span: tuple[int, int]) -> Iterator[Any]:
        """The spot trades of a span, of all symbols."""
        for symbol in self.read("market.spot.symbols")["symbols"]:
            found = self.read(
                "account.spot.trades", symbol=symbol["symbol"], startTime=span[0], limit=1000
            )
            assert len(found) < 1000
            for row in found:
                yield row | {"base": symbol["baseAsset"], "quote": symbol["quoteAsset"]}

    def _spot_trades(self, span: tuple[int, int]) -> Iterator[tuple[str, str, Decimal]]:
        for row in self.fills(span):
            sign = 1 if row["isBuyer"] else -1
            assert Decimal(row["qty"]) * Decimal(row["price"]) == Decimal(row["quoteQty"])
            yield "spot", row["base"], sign * Decimal(row["qty"])
            yield "spot", row["quote"], -sign * Decimal(row["quoteQty"])
            yield "spot", row["commissionAsset"], -Decimal(row["commission"])

    def _deposits_and_withdrawals(self, span: tuple[int, int]) -> Iterator[tuple[str, str, Decimal]]:
        # They are listed by when they were seen, some time before they are credited.
        for row in self.rows("account.wallet.deposits", span[0] - DAY, span[1]):
            if row["status"] == 1 and row["completeTime"] >= span[0]:
                yield "spot", row["coin"], Decimal(row["amount"])
        for row in self.rows("account.wallet.withdrawals", *span):
            if row["status"] != 3:
                yield "spot", row["coin"], -Decimal(row["amount"]) - Decimal(row["transactionFee"])

    def _sub_account_transfers(self, span: tuple[int, int]) -> Iterator[tuple[str, str, Decimal]]:
        own_id = str(self.read("account.spot.balances")["uid"])
        rows = [
            {"fromAccountType": "SPOT", "toAccountType": "SPOT"} | row
            for name in ("exchange.transfers", "exchange.universal_transfers")
            for side in ("fromId", "toId")
            for row in self.rows(name, *span, **{side: own_id})
        ]
        for kind, wallet in (("1", "USDT_FUTURE"), ("2", "COIN_FUTURE")):
            for each in self.read("exchange.sub_accounts"):
                of = {"subAccountId": each["subaccountId"], "futuresType": kind}
                for row in self.rows("exchange.futures_transfers", *span, **of):
                    sides = {"fromId": row.get("from"), "toId": row.get("to")}
                    rows.append(sides | row | {"fromAccountType": wallet, "toAccountType": wallet})
        for row in (row for row in rows if row.get("status", "SUCCESS") == "SUCCESS"):
            for side, sign in (("from", -1), ("to", 1)):
                if row.get(f"{side}Id") in (None, "", own_id):
                    yield ACCOUNT_TYPES[row[f"{side}AccountType"]], row["asset"], sign * Decimal(row["qty"])


def _all_of(row: dict[str, str]) -> Decimal:
    parts = ("free", "locked", "freeze", "withdrawing")
    return sum((Decimal(row.get(part, 0)) for part in parts), Decimal(0))


def added(held: Sums, movements: Iterator[tuple[str, str, Decimal]]) -> Sums:
    """What is held after these movements."""
    sums = defaultdict(Decimal, held)
    for wallet, asset, change in movements:
        sums[wallet, asset] += change
    return {place: amount for place, amount in sums.items() if amount}


# Within the world's month and the one after it, until which business goes on.
spans = st.tuples(st.integers(0, 45 * 86_400), st.integers(1, 6 * 86_400))


@settings(max_examples=12)
@given(st.sampled_from(ACCOUNTS), spans)
def test_balances_and_the_movements_that_reads_show_make_later_balances(
    account: tuple[int, str], span: tuple[int, int]
) -> None:
    seed, owner = account
    world = small_world(seed, MONTHS[seed])
    first = world.month_ms + span[0] * SECOND + SECOND - 1
    last = first + span[1] * SECOND
    before, after = Auditor(world, owner, first), Auditor(world, owner, last)
    assert added(before.held(), after.movements(first)) == after.held()
