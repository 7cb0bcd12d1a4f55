"""The sandbox's data: a partner, its sub-accounts and customers, and two years of their business.

Everything follows from a seed. What writes may change (accounts, keys, balances) are plain objects; history
is generated on demand and never stored, so a year with ten million rebates takes no memory.
"""

from __future__ import annotations

import time as _time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from toolkit.runtime.decimals import in_own_context
from toolkit.sandbox.hashing import Int64Array
from toolkit.sandbox.keys import CUSTOMER, PARTNER, STRANGER, RegisteredKey, letters, make_keys
from toolkit.sandbox.ledger.futures import (
    CM_CONTRACTS,
    FuturesAccount,
    FuturesTrading,
    IncomeTable,
    PlannedTransfers,
)
from toolkit.sandbox.market.calendar import TradingHours
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.prices import Prices
from toolkit.sandbox.market.symbols import ASSETS, CM, COMMON_SPOT, PRICES_USD, SPOT, UM
from toolkit.sandbox.world import examples, people
from toolkit.sandbox.world.balances import Balances, master_balances
from toolkit.sandbox.world.customers import Customer, make_customers
from toolkit.sandbox.world.examples import WriteExample
from toolkit.sandbox.world.fills import SpotTrades
from toolkit.sandbox.world.futures import DailyBusiness, DailyTable, FillsOf
from toolkit.sandbox.world.history import (
    Deposits,
    FuturesTransfers,
    OneDeposit,
    TransferGenerator,
    Transfers,
)
from toolkit.sandbox.world.live_tables import live_tables
from toolkit.sandbox.world.payments import PaidTable
from toolkit.sandbox.world.people import ApiKey, SubAccount
from toolkit.sandbox.world.positions import Worth
from toolkit.sandbox.world.rates import futures_rates, spot_rates
from toolkit.sandbox.world.read_examples import example_read
from toolkit.sandbox.world.rebate_history import (
    COMMISSION_REBATE,
    REFERRAL_KICKBACK,
    RebateHistory,
    RebateSource,
)
from toolkit.sandbox.world.rebates import (
    LONGEST_DELAY,
    AccountRebates,
    Kickbacks,
    SpotRebates,
)
from toolkit.sandbox.world.stream import DAY, ActivityProfile, RowGenerator, Stream, StreamTable
from toolkit.sandbox.world.tables import ListTable, Row, Table
from toolkit.sandbox.world.trading import MarketChoice
from toolkit.sandbox.world.transfers import (
    TransferIds,
    TransferTable,
    futures_table,
    spot_table,
    universal_table,
)
from toolkit.sandbox.world.volumes import Volumes

if TYPE_CHECKING:
    from toolkit.sandbox.ledger import Ledger

Generator = TypeVar("Generator", bound=RowGenerator)

YEARS = 2
# What reads tell of futures and of transfers into them is half a year old at most.
_FUTURES_TOLD = 190 * DAY
_SAME_ORDER = 0.12  # fraction of trades that are a further fill of the order before them
# How many of the USD-M futures the owners of keys trade.
_TRADED = {PARTNER: len(UM), CUSTOMER: 10, STRANGER: 8}
_CLIENTS_INCOME = frozenset({"WELCOME_BONUS", "REFERRAL_KICKBACK", "COMMISSION_REBATE"})
_FURTHER_INCOME = {
    PARTNER: frozenset({"WELCOME_BONUS", "API_REBATE"}),
    CUSTOMER: _CLIENTS_INCOME,
    STRANGER: _CLIENTS_INCOME,
}
_UNITS = {"1": "USDT", "2": "USD"}


class World:
    """A realistic partner of the exchange.

    Args:
        seed: The same seed gives the same world in the same month.
        now: The present of the world, in seconds since 1970: history begins two years before its month, and
            a span without an end ends here. Business goes on afterwards.
        rebates_per_day: Rebate rows on an average day of the second year, for customers and for sub-accounts
            each; futures have a half (USD-M) and a sixth (COIN-M) of that.
        sub_accounts: Number of sub-accounts.
        customers: Number of customers.

    Attributes:
        start_ms: When business began, in milliseconds.
        month_ms: When the world's month begins.
        end_ms: When the books of the accounts end: two months later.
        sizes: Rebates per day, and number of sub-accounts and customers, at its creation.
        accounts: The sub-accounts, oldest first.
        master: Balances of the master account, which are ample.
        customers: The customers, in the order they joined.
        prices: What the assets are worth: the prices of the market of the same seed and start.
        spot_rates: The partner's share of the fees of spot trades, and the day on which it changed.
        futures_rates: The same for futures; it changed on the same day.
        keys: Keys that may sign requests, by name.
        agent_code: The partner's Link id.
        partner_uid: Id of the master account.
        max_sub_accounts: Maximum number of sub-accounts.
        transfers: Tables of the reads that show transfers, by endpoint; new transfers are added to them.
        customer_trades: The customers' trades on the spot market.
        spot_rebates: What the partner is paid for them.
        master_transfers: Those of history in which the master account may have a part.
        transfer_ids: Generates the ids of new transfers.
        deletions: Number of deleted sub-accounts by UTC day since 1970.
        futures_transfers: Number of futures transfers by minute since 1970.
        volumes: What each sub-account traded in the last thirty days.
    """

    @in_own_context
    def __init__(
        self,
        seed: int = 7,
        *,
        now: float | None = None,
        rebates_per_day: float = 320,
        sub_accounts: int = 240,
        customers: int = 420,
    ) -> None:
        self.seed = seed
        self.now = _time.time() if now is None else now
        self.now_ms = int(self.now * 1000)
        self.start_ms = _two_years_before(self.now)
        self.month_ms, self.end_ms = _month_start(self.now), _month_start(self.now, later=2)
        self.prices = Prices(seed, self.start_ms)
        self._worth = lru_cache(maxsize=64)(self._worth_at)
        self._market = MarketHistory(seed, self.start_ms, UM)
        self._ledger = lru_cache(maxsize=None)(self._make_ledger)
        self._futures_account = lru_cache(maxsize=None)(self._make_futures_account)
        self.agent_code = letters(seed, "agent", length=8).upper()
        self.partner_uid = str(39_472_000 + seed % 997)
        self.keys: dict[str, RegisteredKey] = make_keys(
            seed,
            self.start_ms,
            partner_uid=self.partner_uid,
            customer_uid="51827364",
            stranger_uid="64738291",
        )
        # All accounts and customers exist when the month begins, so they are the same throughout the month.
        completed = self.month_ms
        self.accounts: list[SubAccount] = people.make_accounts(
            seed, sub_accounts, self.start_ms, completed, self.worth(completed)
        )
        self.master: Balances = master_balances(self.worth(completed))
        self._accounts_made = len(self.accounts)
        self._keys_made = 0
        # Counts of what is limited, by UTC day and by minute.
        self.deletions: Counter[int] = Counter()
        self.futures_transfers: Counter[int] = Counter()
        self.max_sub_accounts = max(1000, sub_accounts)
        # Customers go on joining until the month ends.
        self.customers: list[Customer] = make_customers(
            seed, customers, self.start_ms, _month_start(self.now, later=1)
        )
        self._customer = next((each for each in self.customers if each.id and each.futures), None)
        self.spot_rates = spot_rates(self.start_ms // DAY)
        self.futures_rates = futures_rates(self.start_ms // DAY)
        self.business = self._make_business()
        self.transfer_ids = TransferIds()
        self.transfers: dict[str, TransferTable] = {}
        self.master_transfers: list[tuple[Stream, TransferGenerator]] = []
        self.sizes = (float(rebates_per_day), sub_accounts, customers)
        self._tables = self._make_tables(rebates_per_day)
        rebates = (self.table("exchange.rebates"), self.table("exchange.futures_rebates"))
        self.volumes = Volumes(*rebates, self.worth)

    def __repr__(self) -> str:
        return f"World(seed={self.seed}, sub_accounts={len(self.accounts)}, customers={len(self.customers)})"

    @property
    def partner(self) -> RegisteredKey:
        """The partner's own key."""
        return self.keys["partner"]

    @property
    def customer(self) -> Customer:
        """The customer who owns the key named "customer"."""
        if self._customer is None:
            raise LookupError("no customer of this world has an id and trades futures")
        return self._customer

    def ledger(self, owner: str) -> Ledger:
        """The books of an account, by its owner as keys have it (`keys.PARTNER` ...) or by its uid.

        They are made when they are first read, and the same throughout the month.
        """
        return self._ledger(owner)

    def futures_account(self, owner: str) -> FuturesAccount:
        """The USD-M futures of an account, by its owner as keys have it (`keys.PARTNER` ...)."""
        return self._futures_account(owner)

    def worth(self, now_ms: int) -> Worth:
        """Dollars for one unit of each asset at a time (ms)."""
        return self._worth(now_ms)

    def account(self, sub_account_id: str) -> SubAccount | None:
        """The sub-account with this id, None if there is none."""
        return next((each for each in self.accounts if each.id == sub_account_id), None)

    def table(self, qualified_name: str) -> Table:
        """The rows behind a list endpoint, by its name, as `spot.rebates`."""
        return self._tables[qualified_name]

    @property
    def table_names(self) -> frozenset[str]:
        """The list endpoints that have a table."""
        return frozenset(self._tables)

    def example(self, qualified_name: str) -> dict[str, str]:
        """Values for the required parameters of an endpoint, other than span and size, that exist here."""
        return example_read(self, qualified_name)

    def example_write(self, qualified_name: str) -> WriteExample:
        """A write that would succeed now, and the key that may send it."""
        return examples.example_write(self, qualified_name)

    def add_account(self, tag: str, now_ms: int) -> SubAccount:
        """Add a sub-account, newer than all others."""
        account = people.new_account(self.seed, self._accounts_made, tag, now_ms)
        self._accounts_made += 1
        self.accounts.append(account)
        return account

    def add_key(self, name: str, *, public_pem: str, like: str = "partner") -> RegisteredKey:
        """Register an RSA or Ed25519 public key in PEM, with the rights of another key.

        It may be added while the exchange serves. Sign with your private key; no secret is made.

        Args:
            name: Its name in `keys` and in logs; the API key follows from it and the seed.
            public_pem: The public key.
            like: Name of the key whose owner, permissions and addresses it gets.

        Raises:
            KeyError: No key is called `like`.
            ValueError: The name is taken, or the PEM holds no such key.
        """
        text = letters(self.seed, name, "key")
        made = replace(
            self.keys[like],
            name=name,
            key=text,
            secret="",
            public_pem=public_pem,
            created_ms=self.now_ms,
        )
        if self.keys.setdefault(name, made) is not made:
            raise ValueError(f"a key {name!r} exists already")
        return made

    def new_key(self) -> tuple[str, str]:
        """A new key for a sub-account, and its secret."""
        self._keys_made += 1
        made = (self.seed, "made key", self._keys_made)
        return letters(*made, "key"), letters(*made, "secret")

    def set_customer_id(self, customer: Customer, text: str) -> None:
        """Set the customer's id, in reports of the past as well."""
        customer.id = text
        self._rebates.clear_cache()

    def _worth_at(self, now_ms: int) -> Worth:
        dollars = self.prices.usd_of(np.arange(len(ASSETS)), np.full(len(ASSETS), now_ms, dtype=np.int64))
        return {
            asset: Decimal(f"{price:.12g}") for asset, price in zip(ASSETS, dollars.tolist(), strict=True)
        }

    def _make_ledger(self, owner: str) -> Ledger:
        # Ledgers are built on the parts of the world.
        from toolkit.sandbox.ledger import ledger_of

        return ledger_of(self, owner)

    def _make_futures_account(self, owner: str) -> FuturesAccount:
        opened_ms = self.customer.joined if owner == CUSTOMER else self.start_ms
        if owner != PARTNER:
            # All history is needed for a balance of these, and takes the longer the older it is.
            opened_ms = max(opened_ms, self.month_ms - _FUTURES_TOLD)
        closed = TradingHours.of(UM[0], self.start_ms).maintenance

        def booked(first_day: int, last_day: int) -> Int64Array:
            return self.business["1"].rebates_by_hour(first_day, last_day, closed)

        return FuturesAccount(
            self._market,
            owner,
            opened_ms,
            # The ledger knows the account's movements, and is made when it is asked.
            traded=_TRADED[owner],
            transfers=lambda *span: self.ledger(owner).um_transfers(*span),
            further=_FURTHER_INCOME[owner],
            bookings=booked,
        )

    def _portfolio_margin(self, kind: str, owner: str) -> FuturesTrading | None:
        """The account with Portfolio Margin: the partner has one besides its classic account."""
        if owner != PARTNER:
            return None
        return self._um_with_portfolio_margin if kind == "um" else self._cm_with_portfolio_margin

    @cached_property
    def _um_with_portfolio_margin(self) -> FuturesTrading:
        name, opened_ms = "portfolio margin", self.start_ms
        transfers = PlannedTransfers(self.seed, name, opened_ms)
        return FuturesTrading(self._market, name, opened_ms, transfers=transfers)

    @cached_property
    def _cm_with_portfolio_margin(self) -> FuturesTrading:
        name, opened_ms = "portfolio margin of coins", self.start_ms
        transfers = PlannedTransfers(self.seed, name, opened_ms, asset="BTC", dollars=PRICES_USD["BTC"])
        return FuturesTrading(self._market, name, opened_ms, transfers=transfers, contracts=CM_CONTRACTS)

    def _make_business(self) -> dict[str, DailyBusiness]:
        traders = [customer for customer in self.customers if customer.futures]
        known: dict[int, FillsOf] = {}
        if self._customer is not None:
            known[traders.index(self._customer)] = lambda *span: self.futures_account(CUSTOMER).fills(*span)
        return {
            market: DailyBusiness(
                self.seed,
                f"futures {market}",
                traders,
                self.futures_rates,
                ActivityProfile(self.seed, f"futures {market}", self.start_ms, weekend=0.75),
                unit=_UNITS[market],
                scale=scale,
                known=known if market == "1" else {},
            )
            for market, scale in (("1", 1.0), ("2", 0.22))
        }

    def _make_tables(self, per_day: float) -> dict[str, Table]:
        ids = [account.id for account in self.accounts]
        joined = [account.create_time for account in self.accounts]
        tables: dict[str, Table] = {}

        maintenance = TradingHours.of(SPOT[0], self.start_ms).maintenance

        def stream(name: str, rows: float, generator: Generator, **options: Any) -> tuple[Stream, Generator]:
            activity = ActivityProfile(self.seed, name, self.start_ms)
            return Stream(self.seed, name, activity, rows, self.start_ms, **options), generator

        def trading(name: str, rows: float, generator: Generator) -> tuple[Stream, Generator]:
            return stream(name, rows, generator, same_order_fraction=_SAME_ORDER, closed=maintenance)

        def add(qualified_name: str, made: tuple[Stream, RowGenerator]) -> None:
            tables[qualified_name] = StreamTable(lambda _: made, self.now_ms)

        common, spot, um, cm = (
            MarketChoice(markets, self.start_ms) for markets in (COMMON_SPOT, SPOT, UM, CM)
        )
        trades = SpotTrades(self.customers, common, self.prices)
        rebate_rows, kickback_rows = SpotRebates(trades, self.spot_rates), Kickbacks(trades, self._customer)
        rebates, _ = trading("spot rebates", per_day, rebate_rows)
        self._rebates = tables["spot.rebates"] = PaidTable(rebates, rebate_rows, LONGEST_DELAY, self.now_ms)
        self.customer_trades = rebates, trades
        self.spot_rebates = RebateSource(COMMISSION_REBATE, rebates, rebate_rows)
        add("spot.kickbacks", (rebates, kickback_rows))
        tables["spot.rebate_history"] = RebateHistory(
            {
                PARTNER: self.spot_rebates,
                CUSTOMER: RebateSource(REFERRAL_KICKBACK, rebates, kickback_rows),
            },
            self.now_ms,
        )

        def account_rebates(choice: MarketChoice, **shares: float) -> AccountRebates:
            return AccountRebates(ids, joined, choice, self.prices, **shares)

        add("exchange.rebates", trading("account rebates", per_day, account_rebates(spot)))
        markets = {
            "1": trading("um", per_day / 2, account_rebates(um, strangers=0.08, credits=0.01)),
            "2": trading("cm", per_day / 6, account_rebates(cm, strangers=0.08)),
        }
        tables["exchange.futures_rebates"] = StreamTable(lambda f: markets[f["futuresType"]], self.now_ms)
        master = self.partner_uid
        between_spot = Transfers(ids, joined, master, self.prices)
        between_any = Transfers(ids, joined, master, self.prices, wallets=True)
        um_moves, cm_moves = (
            FuturesTransfers(ids, joined, master, self.prices, wallet) for wallet in ("um", "cm")
        )
        direct = stream("transfers", 24, between_spot)
        universal = stream("universal", 36, between_any)
        transfers = {
            market: stream(f"moves {market}", rows, generator)
            for market, rows, generator in (("1", 400.0, um_moves), ("2", 150.0, cm_moves))
        }
        self.master_transfers = [direct, universal, *transfers.values()]
        self.transfers = {
            "exchange.transfers": spot_table(StreamTable(lambda _: direct, self.now_ms), master),
            "exchange.universal_transfers": universal_table(
                StreamTable(lambda _: universal, self.now_ms), master
            ),
            "exchange.futures_transfers": futures_table(
                StreamTable(lambda f: transfers[f["futuresType"]], self.now_ms)
            ),
        }
        add("exchange.deposits", stream("deposits", 18, Deposits(ids, joined, self.prices)))
        tables["exchange.deposit"] = OneDeposit(tables["exchange.deposits"])
        tables["futures.income"] = IncomeTable(self.futures_account, self.now_ms)
        for kind in ("um", "cm"):
            account = partial(self._portfolio_margin, kind)
            tables[f"portfolio.{kind}_income"] = IncomeTable(account, self.now_ms, text_ids=True)
        reports = {
            "futures.volumes": (DailyBusiness.every_day, DailyBusiness.volume_row),
            "futures.rebates": (DailyBusiness.every_day, DailyBusiness.rebate_row),
            "futures.trader_counts": (DailyBusiness.every_day, DailyBusiness.count_row),
            "futures.traders": (DailyBusiness.every_trader, DailyBusiness.trader_row),
        }
        for qualified_name, (indices, row) in reports.items():
            tables[qualified_name] = DailyTable(self.business, indices, row, self.now_ms)
        return tables | self.transfers | live_tables(self)


def _month_start(now: float, *, later: int = 0) -> int:
    """The first moment of the month, or of a later one, in milliseconds."""
    date = datetime.fromtimestamp(now, UTC)
    years, month = divmod(date.month - 1 + later, 12)
    return int(datetime(date.year + years, month + 1, 1, tzinfo=UTC).timestamp() * 1000)


def _two_years_before(now: float) -> int:
    date = datetime.fromtimestamp(now, UTC)
    return int(datetime(date.year - YEARS, date.month, 1, tzinfo=UTC).timestamp() * 1000)


__all__ = ["ApiKey", "Customer", "ListTable", "Row", "SubAccount", "Table", "World", "WriteExample"]
