"""An audit: what the reads of an account tell adds up, with nothing but the exchange's responses to go by.

Two moments are asked about. What the wallets held at the first one, and every movement that some read shows,
make what they hold at the second one, to the last digit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.test_ledger import ACCOUNTS, MONTHS, small_world
from tests.support.clocks import FakeClock
from tests.support.sandbox_requests import ask, exchange, write
from toolkit.endpoints import ENDPOINTS_BY_NAME
from toolkit.sandbox import World
from toolkit.sandbox.keys import CUSTOMER, PARTNER
from toolkit.sandbox.ledger import TRANSFER_TYPES
from toolkit.sandbox.world import SubAccount

SECOND, DAY = 1000, 86_400_000
REJECTED = 3
LONGEST_DELAY = 75 * 60_000  # from a trade to its rebate
WALLETS = {"MAIN": "spot", "FUNDING": "funding", "UMFUTURE": "um", "CMFUTURE": "cm", "MARGIN": "margin"}
ACCOUNT_TYPES = {"SPOT": "spot", "USDT_FUTURE": "um", "COIN_FUTURE": "cm", "MARGIN": "margin"}
NAMES = {"Spot": "spot", "Funding": "funding", "Cross Margin": "margin", "USDⓈ-M Futures": "um",
         "COIN-M Futures": "cm"}  # fmt: skip
Sums = dict[tuple[str, str], Decimal]
Movement = tuple[str, str, Decimal]


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

    def rows(self, endpoint_name: str, span: tuple[int, int], **params: object) -> list[Any]:
        """All rows of a span; one whose page is full is read in halves."""
        paging = ENDPOINTS_BY_NAME[endpoint_name].paging
        size = paging.maximum
        if paging.size:
            params[paging.size] = size
        found = self.read(endpoint_name, startTime=span[0], endTime=span[1], **params)
        while isinstance(found, dict):
            found = next(found[name] for name in ("data", "rows", "transfers") if name in found)
        if len(found) < size:
            return list(found)
        middle = sum(span) // 2
        parts = ((span[0], middle), (middle + 1, span[1]))
        return [row for part in parts for row in self.rows(endpoint_name, part, **params)]

    def write(self, endpoint_name: str, params: dict[str, str]) -> None:
        """Send a write, which succeeds."""
        response = write(self._exchange, endpoint_name, params, key=self._key)
        assert response.status == 200, response.body

    def wallets(self) -> Any:
        """All wallets, with their assets and values."""
        return self.read("account.wallet.wallets", needBalanceDetail="true")

    def sub_account(self, account: SubAccount) -> Sums:
        """What a sub-account has on spot and futures, as the partner sees it."""
        of = {"email": account.email}
        spot = self.read("exchange.assets", **of)["balances"]
        held = {("spot", row["asset"]): _all_of(row) for row in spot}
        if account.futures:
            for kind, wallet, name in (("1", "um", "futureAccountResp"), ("2", "cm", "deliveryAccountResp")):
                found = self.read("exchange.futures_account", **of, futuresType=kind)[name]["assets"]
                held |= {(wallet, row["asset"]): Decimal(row["walletBalance"]) for row in found}
        return {place: amount for place, amount in held.items() if amount}

    def held(self) -> Sums:
        """What each wallet has of each asset, locked amounts included."""
        details = {NAMES[each["walletName"]]: each["assetBalances"] for each in self.wallets()}
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

    def movements(self, after_ms: int) -> Iterator[Movement]:
        """Wallet, asset and change of everything that the reads tell of the time since another moment."""
        span = (after_ms + 1, self.now_ms)
        yield from self._spot_trades(span)
        yield from self._deposits_and_withdrawals(span)
        for row in self.rows("account.wallet.dividends", span):
            yield "spot", row["asset"], Decimal(row["amount"])
        yield from self.transfers(span)
        for row in self.rows("futures.income", span):
            # Those from other wallets are among the transfers.
            if row["incomeType"] != "TRANSFER":
                yield "um", row["asset"], Decimal(row["income"])
        yield from self.rebates(after_ms)

    def transfers(self, span: tuple[int, int]) -> Iterator[Movement]:
        """Those between wallets, and those of the partner from and to sub-accounts."""
        for kind in TRANSFER_TYPES:
            source, target = (WALLETS[word] for word in kind.split("_"))
            for row in self.rows("account.wallet.transfers", span, type=kind):
                yield source, row["asset"], -Decimal(row["amount"])
                yield target, row["asset"], Decimal(row["amount"])
        if self.owner == PARTNER:
            yield from self._sub_account_transfers(span)

    def rebates(self, after_ms: int) -> Iterator[Movement]:
        """What the partner was paid for its customers, and the customer of its own fees."""
        if self.owner == CUSTOMER:
            for row in self.rows("spot.kickbacks", (after_ms + 1, self.now_ms)):
                yield "spot", row["asset"], Decimal(row["income"])
        if self.owner == PARTNER:
            for row in self.rows("spot.rebates", (after_ms - LONGEST_DELAY, self.now_ms)):
                if row["distributeTime"] > after_ms:
                    yield "spot", row["asset"], Decimal(row["income"])

    def fills(self, span: tuple[int, int]) -> Iterator[Any]:
        """The spot trades of a span, of all symbols."""
        for symbol in self.read("market.spot.symbols")["symbols"]:
            found = self.read("account.spot.trades", symbol=symbol["symbol"], startTime=span[0], limit=1000)
            assert len(found) < 1000
            for row in found:
                yield row | {"base": symbol["baseAsset"], "quote": symbol["quoteAsset"]}

    def _spot_trades(self, span: tuple[int, int]) -> Iterator[Movement]:
        for row in self.fills(span):
            sign = 1 if row["isBuyer"] else -1
            assert Decimal(row["qty"]) * Decimal(row["price"]) == Decimal(row["quoteQty"])
            yield "spot", row["base"], sign * Decimal(row["qty"])
            yield "spot", row["quote"], -sign * Decimal(row["quoteQty"])
            yield "spot", row["commissionAsset"], -Decimal(row["commission"])

    def _deposits_and_withdrawals(self, span: tuple[int, int]) -> Iterator[Movement]:
        # They are listed by when they were seen, some time before they are credited.
        for row in self.rows("account.wallet.deposits", (span[0] - DAY, span[1])):
            if row["status"] == 1 and row["completeTime"] >= span[0]:
                yield "spot", row["coin"], Decimal(row["amount"])
        name = "account.wallet.withdrawals"
        earlier = Auditor(self.world, self.owner, span[0] - 1).rows(name, (span[0] - DAY, span[0] - 1))
        gone = {row["id"] for row in earlier if row["status"] != REJECTED}
        for row in self.rows(name, (span[0] - DAY, span[1])):
            # Of a rejected one, all returns; when is not told.
            change = (row["id"] in gone) - (row["status"] != REJECTED)
            if change and (row["id"] in gone or milliseconds(row["applyTime"]) >= span[0]):
                yield "spot", row["coin"], change * (Decimal(row["amount"]) + Decimal(row["transactionFee"]))

    def _sub_account_transfers(self, span: tuple[int, int]) -> Iterator[Movement]:
        own_id = str(self.read("account.spot.balances")["uid"])
        rows = [
            {"fromAccountType": "SPOT", "toAccountType": "SPOT"} | row
            for name in ("exchange.transfers", "exchange.universal_transfers")
            for side in ("fromId", "toId")
            for row in self.rows(name, span, **{side: own_id})
        ]
        for kind, wallet in (("1", "USDT_FUTURE"), ("2", "COIN_FUTURE")):
            for each in self.read("exchange.sub_accounts"):
                of = {"subAccountId": each["subaccountId"], "futuresType": kind}
                for row in self.rows("exchange.futures_transfers", span, **of):
                    sides = {"fromId": row.get("from"), "toId": row.get("to")}
                    rows.append(sides | row | {"fromAccountType": wallet, "toAccountType": wallet})
        for row in (row for row in rows if row.get("status", "SUCCESS") == "SUCCESS"):
            for side, sign in (("from", -1), ("to", 1)):
                if row.get(f"{side}Id") in (None, "", own_id):
                    yield ACCOUNT_TYPES[row[f"{side}AccountType"]], row["asset"], sign * Decimal(row["qty"])


def milliseconds(text: str) -> int:
    """The time of a withdrawal, which is text in UTC."""
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp()) * SECOND


def _all_of(row: dict[str, str]) -> Decimal:
    parts = ("free", "locked", "freeze", "withdrawing")
    return sum((Decimal(row.get(part, 0)) for part in parts), Decimal(0))


def added(held: Sums, movements: Iterable[Movement]) -> Sums:
    """What is held after these movements."""
    sums = defaultdict(Decimal, held)
    for wallet, asset, change in movements:
        sums[wallet, asset] += change
    return {place: amount for place, amount in sums.items() if amount}


def _by_asset(changes: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """The sum of each asset."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for asset, change in changes:
        sums[asset] += change
    return {asset: total for asset, total in sums.items() if total}


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


def test_a_deposit_counts_once_it_is_credited_and_a_rejected_withdrawal_never() -> None:
    world = small_world(0, MONTHS[0])
    span = world.month_ms - 60 * DAY, world.month_ms + 29 * DAY
    later = Auditor(world, PARTNER, span[1])
    deposit = later.rows("account.wallet.deposits", span)[0]
    rejected = next(
        row for row in later.rows("account.wallet.withdrawals", span) if row["status"] == REJECTED
    )
    applied = milliseconds(rejected["applyTime"])
    for seen, known in ((deposit["insertTime"], deposit), (applied, rejected)):
        before, between = (Auditor(world, PARTNER, seen // SECOND * SECOND + after) for after in (-1, 1999))
        ended = Auditor(world, PARTNER, known.get("completeTime", seen + DAY // 12) // SECOND * SECOND + 999)
        name = "account.wallet.deposits" if known is deposit else "account.wallet.withdrawals"
        states = [
            next(row["status"] for row in each.rows(name, span) if row["id"] == known["id"])
            for each in (between, ended)
        ]
        assert states == ([0, 1] if known is deposit else [4, REJECTED])
        for one, other in ((before, between), (between, ended)):
            assert added(one.held(), other.movements(one.now_ms)) == other.held()


def test_a_transfer_to_a_sub_account_is_in_the_balances_of_both_sides() -> None:
    world = World(3, now=MONTHS[0], rebates_per_day=5, sub_accounts=6, customers=5)
    first = int(MONTHS[0]) * SECOND - SECOND - 1
    auditor = Auditor(world, PARTNER, first + SECOND)
    account = next(each for each in world.accounts if each.futures and each.balances.wallets["um"])
    before = Auditor(world, PARTNER, first).held()
    theirs = auditor.sub_account(account)
    to, amount = {"toId": account.id}, Decimal("12.34567891")
    auditor.write("exchange.transfer", to | {"asset": "USDT", "amount": str(amount)})
    kinds = {"fromAccountType": "COIN_FUTURE", "toAccountType": "SPOT"}
    auditor.write("exchange.universal_transfer", to | kinds | {"asset": "BTC", "amount": "0.00000007"})
    kinds = {"fromAccountType": "SPOT", "toAccountType": "USDT_FUTURE"}
    auditor.write("exchange.universal_transfer", to | kinds | {"asset": "USDT", "amount": "3"})
    own = auditor.held()
    assert added(before, auditor.movements(first)) == own
    sent = {("spot", "USDT"): amount + 3, ("cm", "BTC"): Decimal("0.00000007")}
    assert {place: before[place] - own[place] for place in sent} == sent
    received = {("spot", "USDT"): amount, ("spot", "BTC"): Decimal("0.00000007"), ("um", "USDT"): Decimal(3)}
    assert added(theirs, ((*place, units) for place, units in received.items())) == auditor.sub_account(
        account
    )


# --- snapshots and values ------------------------------------------------------------------------


@settings(max_examples=6)
@given(st.sampled_from(ACCOUNTS), st.integers(2, 30))
def test_snapshots_and_the_movements_of_the_days_between_agree(account: tuple[int, str], day: int) -> None:
    seed, owner = account
    world = small_world(seed, MONTHS[seed])
    end = world.month_ms + day * DAY - 1
    auditor = Auditor(world, owner, end + 9 * 3_600_000)
    kinds = {"spot": "spot_snapshots", "margin": "margin_snapshots", "um": "futures_snapshots"}
    days: dict[int, Sums] = defaultdict(dict)
    for wallet, name in kinds.items():
        found = auditor.read(f"account.wallet.{name}", endTime=end, limit=7)["snapshotVos"]
        assert [row["updateTime"] for row in found] == [end + 1 - SECOND - n * DAY for n in range(6, -1, -1)]
        for row in found:
            data = row["data"]
            for each in data.get("balances") or data.get("userAssets") or data["assets"]:
                amount = Decimal(each["walletBalance"]) if wallet == "um" else _all_of(each)
                days[row["updateTime"]][wallet, each["asset"]] = amount
            if "totalAssetOfBtc" in data:
                then = Auditor(world, owner, row["updateTime"] + SECOND - 1)
                values = {NAMES[each["walletName"]]: each["balance"] for each in then.wallets()}
                assert data["totalAssetOfBtc"] == values[wallet]
    last = Auditor(world, owner, end)
    before, after = days[end + 1 - SECOND - 2 * DAY], days[end + 1 - SECOND]
    moved = [each for each in last.movements(end - 2 * DAY) if each[0] in kinds]
    assert added(before, moved) == after
    assert after == {place: amount for place, amount in last.held().items() if place[0] in kinds}
    # The history of rebates adds up the same ones by day.
    history = auditor.rows("spot.rebate_history", (end + 1 - 2 * DAY, end))
    paid = ((row["asset"], Decimal(row["amount"])) for row in history)
    told = last.rebates(end - 2 * DAY)
    assert _by_asset(paid) == _by_asset((asset, amount) for _, asset, amount in told)


@settings(max_examples=6)
@given(st.sampled_from(ACCOUNTS), st.integers(0, 45 * 1440))
def test_values_are_those_of_the_assets_at_the_prices_of_the_moment(
    account: tuple[int, str], minute: int
) -> None:
    seed, owner = account
    world = small_world(seed, MONTHS[seed])
    # The last price of a minute is the one that values follow.
    auditor = Auditor(world, owner, world.month_ms + minute * 60_000)
    prices = {row["symbol"]: Decimal(row["price"]) for row in auditor.read("market.spot.ticker_price")}
    # In dollars' stead: what USDT buys.
    worth = {
        symbol.removesuffix("USDT"): price for symbol, price in prices.items() if symbol.endswith("USDT")
    }
    worth |= {"USDT": Decimal(1)} | {coin: worth["BTC"] / prices[f"BTC{coin}"] for coin in ("USDC", "FDUSD")}
    for row in auditor.wallets():
        values = [_all_of(each) * worth[each["asset"]] for each in row["assetBalances"]]
        for each, value in zip(row["assetBalances"], values, strict=True):
            assert _near(Decimal(each["btcValuation"]) * worth["BTC"], value)
        assert _near(Decimal(row["balance"]) * worth["BTC"], sum(values, Decimal(0)))
        valued = sum((Decimal(each["btcValuation"]) for each in row["assetBalances"]), Decimal(0))
        assert abs(valued - Decimal(row["balance"])) < Decimal("1e-6")
    by_wallet = {NAMES[row["walletName"]]: row["assetBalances"] for row in auditor.wallets()}
    for wallet, name in (("spot", "assets"), ("funding", "funding_assets")):
        told = {row["asset"]: row["btcValuation"] for row in auditor.read(f"account.wallet.{name}")}
        assert told == {row["asset"]: row["btcValuation"] for row in by_wallet[wallet]}
    if owner == PARTNER:
        for each in world.accounts:
            of = {"subAccountId": each.id}
            held = auditor.sub_account(each)
            total = auditor.read("exchange.spot_balances", **of)["data"][0]["totalBalanceOfBtc"]
            spot = [amount * worth[asset] for (wallet, asset), amount in held.items() if wallet == "spot"]
            assert _near(Decimal(total) * worth["BTC"], sum(spot, Decimal(0)))


def _near(one: Decimal, other: Decimal) -> bool:
    """Whether two values in USDT are the same: a price has ticks, and a value in BTC has eight places."""
    return abs(one - other) <= other * Decimal("0.0005") + Decimal("0.002")


# --- income, trades, orders ----------------------------------------------------------------------


@settings(max_examples=8)
@given(st.sampled_from(ACCOUNTS), st.integers(5, 50))
def test_income_by_type_is_the_sum_of_its_causes(account: tuple[int, str], day: int) -> None:
    seed, owner = account
    world = small_world(seed, MONTHS[seed])
    end = world.month_ms + day * DAY - 1
    span = end - 4 * DAY + 1, end
    auditor, begins = Auditor(world, owner, end), Auditor(world, owner, span[0] - 1)
    by_type: defaultdict[str, list[Any]] = defaultdict(list)
    for row in auditor.rows("futures.income", span):
        by_type[row["incomeType"]].append(row)
    booked = {
        kind: _by_asset((row["asset"], Decimal(row["income"])) for row in rows)
        for kind, rows in by_type.items()
    }
    symbols = [row["symbol"] for row in auditor.read("market.futures.symbols")["symbols"]]
    fills = {symbol: auditor.rows("account.futures.trades", span, symbol=symbol) for symbol in symbols}
    every = [row for rows in fills.values() for row in rows]
    assert every
    assert all(Decimal(row["price"]) * Decimal(row["qty"]) == Decimal(row["quoteQty"]) for row in every)
    commissions = ((row["commissionAsset"], -Decimal(row["commission"])) for row in every)
    assert booked["COMMISSION"] == _by_asset(commissions)
    profits = ((row["marginAsset"], Decimal(row["realizedPnl"])) for row in every)
    assert booked.get("REALIZED_PNL", {}) == _by_asset(profits)
    transfers = ((asset, change) for wallet, asset, change in auditor.transfers(span) if wallet == "um")
    assert booked.get("TRANSFER", {}) == _by_asset(transfers)
    # What was held when each rate was paid: a trade in the same millisecond is later.
    held = {row["symbol"]: Decimal(row["positionAmt"]) for row in begins.read("account.futures.positions")}
    fees = {}
    for symbol, rows in fills.items():
        for rate in auditor.rows("market.futures.funding_rates", span, symbol=symbol):
            time = rate["fundingTime"]
            position = held.get(symbol, Decimal(0)) + sum(_signed(row) for row in rows if row["time"] < time)
            fee = -position * Decimal(rate["markPrice"]) * Decimal(rate["fundingRate"])
            if abs(fee) >= Decimal("1e-8"):
                fees[symbol, time] = fee
    paid = {(row["symbol"], row["time"]): Decimal(row["income"]) for row in by_type["FUNDING_FEE"]}
    assert paid.keys() == fees.keys()
    assert all(abs(paid[place] - fee) <= Decimal("1e-8") for place, fee in fees.items())
    now = {row["symbol"]: Decimal(row["positionAmt"]) for row in auditor.read("account.futures.positions")}
    for symbol, rows in fills.items():
        position = held.get(symbol, Decimal(0)) + sum(_signed(row) for row in rows)
        assert position == now.get(symbol, 0)
    if owner == PARTNER:
        reported = auditor.rows("futures.rebates", span, type="1")
        assert booked["API_REBATE"] == {"USDT": sum(Decimal(row["rebateVol"]) for row in reported)}


def _signed(fill: Any) -> Decimal:
    return Decimal(fill["qty"]) * (1 if fill["buyer"] else -1)


@settings(max_examples=4)
@given(st.integers(8, 50))
def test_the_partner_is_told_of_the_customers_trades_as_the_customer_is(day: int) -> None:
    world = small_world(0, MONTHS[0])
    end = world.month_ms + day * DAY - 1
    span = end - 3 * DAY + 1, end
    customer, partner = (Auditor(world, owner, end + LONGEST_DELAY) for owner in (CUSTOMER, PARTNER))
    trades = {row["id"]: row for row in customer.fills(span) if row["time"] <= end}
    wanted = {"customerId": world.customer.id}
    rebates = {row["tradeId"]: row for row in partner.rows("spot.rebates", span, **wanted)}
    assert rebates.keys() == trades.keys()
    assert trades
    shares = set()
    for number, rebate in rebates.items():
        trade = trades[number]
        for theirs, ours in (("symbol", "symbol"), ("time", "time"), ("orderId", "orderId"),
                             ("commissionAsset", "commissionAsset")):  # fmt: skip
            assert rebate[theirs] == trade[ours]
        assert Decimal(rebate["commission"]) == Decimal(trade["commission"])
        fee = Decimal(rebate["commission"]) * Decimal(rebate["convertPrice"])
        if fee > Decimal("0.01"):
            shares.add(round(Decimal(rebate["income"]) / fee, 4))
    assert len(shares) == 1
    reported = {row["time"]: row for row in partner.rows("futures.traders", span, **wanted, type="1")}
    symbols = [row["symbol"] for row in customer.read("market.futures.symbols")["symbols"]]
    volumes: defaultdict[int, Decimal] = defaultdict(Decimal)
    for symbol in symbols:
        for row in customer.rows("account.futures.trades", span, symbol=symbol):
            volumes[row["time"] // DAY * DAY] += Decimal(row["quoteQty"])
    assert {time: Decimal(row["tradeVol"]) for time, row in reported.items()} == volumes


@settings(max_examples=4)
@given(st.sampled_from(ACCOUNTS), st.integers(8, 50 * 24))
def test_orders_are_the_sums_of_their_trades(account: tuple[int, str], hour: int) -> None:
    seed, owner = account
    world = small_world(seed, MONTHS[seed])
    auditor = Auditor(world, owner, world.month_ms + hour * 3_600_000)
    for market, quote in (("spot", "cummulativeQuoteQty"), ("futures", "cumQuote")):
        opened = auditor.read(f"account.{market}.open_orders")
        for symbol in ("BTCUSDT", "ETHUSDT", "XRPUSDT"):
            start = {"symbol": symbol, "startTime": auditor.now_ms - 5 * DAY, "limit": 1000}
            orders = auditor.read(f"account.{market}.orders", **start)
            made: defaultdict[int, list[Any]] = defaultdict(list)
            for row in auditor.read(f"account.{market}.trades", **start):
                made[row["orderId"]].append(row)
            for order in orders:
                rows = made.pop(order["orderId"], [])
                assert Decimal(order["executedQty"]) == sum(Decimal(row["qty"]) for row in rows)
                assert Decimal(order[quote]) == sum(Decimal(row["quoteQty"]) for row in rows)
                assert Decimal(order["executedQty"]) <= Decimal(order["origQty"])
                whole = order["executedQty"] == order["origQty"]
                assert (order["status"] == "FILLED") == whole
            here = {order["orderId"] for order in opened if order["symbol"] == symbol}
            active = {order["orderId"] for order in orders if order["status"] in ("NEW", "PARTIALLY_FILLED")}
            assert active == here
