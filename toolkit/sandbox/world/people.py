"""The partner's sub-accounts: plain objects that writes may change."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from toolkit.sandbox.hashing import hash_key, uniform
from toolkit.sandbox.keys import letters
from toolkit.sandbox.market.symbols import CM, UM, pair_of
from toolkit.sandbox.world.balances import Balances, FuturesTotals, dollars, spread
from toolkit.sandbox.world.positions import Worth, cm_positions, in_units, um_positions
from toolkit.sandbox.world.tables import Row

Commission = tuple[int, int]

# Minimum and maximum spot commission that the partner may set.
MAKER_BOUNDS = (0.0002, 0.002)
TAKER_BOUNDS = (0.0004, 0.002)

_SYMBOLS = frozenset(market.symbol for market in UM)
_PAIRS = frozenset(pair_of(market) for market in CM)
_TAGS = ("retail", "prop", "family-office", "market-maker", "bot-desk", "treasury", "")
_ENOUGH = 4  # from this many sub-accounts on, one is left empty


@dataclass(slots=True, kw_only=True)
class ApiKey:
    """An API key of a sub-account."""

    key: str
    can_trade: bool
    margin_trade: bool
    futures_trade: bool
    ip_list: list[str]
    update_time: int
    universal_transfer: bool = False

    @property
    def masked(self) -> str:
        """The key as lists show it."""
        return self.key[:3] + "*" * 13


@dataclass(slots=True, kw_only=True)
class SubAccount:
    """A sub-account, with everything that may change.

    A futures commission is that of the fee tier, which is constant, plus the partner's adjustment; the
    dictionaries hold only symbols and pairs that have one.
    """

    id: str
    email: str
    tag: str
    create_time: int
    maker: float = 0.001
    taker: float = 0.001
    margin_rates: tuple[int, int] | None = None
    futures: bool = False
    spot_burn: bool = False
    interest_burn: bool = False
    um_tier: Commission = (200, 400)
    cm_tier: Commission = (100, 450)
    um_adjustment: dict[str, Commission] = field(default_factory=dict)
    cm_adjustment: dict[str, Commission] = field(default_factory=dict)
    keys: list[ApiKey] = field(default_factory=list)
    key_made_ms: int = 0
    key_deleted_ms: int = 0
    balances: Balances = field(default_factory=Balances)

    def key(self, text: str) -> ApiKey | None:
        """The API key with this text."""
        return next((each for each in self.keys if each.key == text), None)

    def um_commission(self, symbol: str) -> Commission | None:
        """Maker and taker commission on a USD-M symbol; None if there is no such symbol."""
        return _add(self.um_tier, self.um_adjustment.get(symbol)) if symbol in _SYMBOLS else None

    def cm_commission(self, pair: str) -> Commission | None:
        """Maker and taker commission on a COIN-M pair; None if there is no such pair."""
        return _add(self.cm_tier, self.cm_adjustment.get(pair)) if pair in _PAIRS else None


def _add(tier: Commission, adjustment: Commission | None) -> Commission:
    maker, taker = adjustment or (0, 0)
    return tier[0] + maker, tier[1] + taker


def join_times(seed: int, name: str, number: int, start_ms: int, now_ms: int) -> list[int]:
    """Ascending times, the first at the start: a fifth joined early, the rest steadily."""
    indices = np.arange(number)
    steps = (indices + 0.8 * uniform(hash_key(seed, name, "joined"), indices)) / max(number, 1)
    shares = np.where(steps < 0.2, steps * 0.25, 0.05 + (steps - 0.2) * 1.1875)
    times = start_ms + (shares * (now_ms - start_ms)).astype(np.int64)
    times[:1] = start_ms
    return [int(time) for time in times]


class SeededColumns:
    """Random numbers for the items of a list, by label: the same for the same seed, in any order."""

    def __init__(self, seed: int, name: str, number: int) -> None:
        self._seed, self._name, self._indices = seed, name, np.arange(number)

    def __call__(self, label: str) -> list[float]:
        """A number from 0 to 1 for each item."""
        return [float(x) for x in uniform(hash_key(self._seed, self._name, label), self._indices)]


def make_accounts(seed: int, number: int, start_ms: int, now_ms: int, worth: Worth) -> list[SubAccount]:
    """The partner's sub-accounts, oldest first. The newest has neither keys nor balances yet."""
    roll = SeededColumns(seed, "account", number)
    times = join_times(seed, "account", number, start_ms, now_ms)
    rolls = zip(
        *map(roll, ("tag", "rate", "margin", "futures", "burn", "size", "keys", "profit")), strict=True
    )
    made = []
    for index, (time, row) in enumerate(zip(times, rolls, strict=True)):
        tag, rate, margin, futures, burn, size, keys, profit = row
        account = SubAccount(
            id=account_id(index, rate),
            email=account_email(index),
            tag=_TAGS[int(tag * len(_TAGS))],
            create_time=time,
            maker=0.001 if rate < 0.7 else 0.0015,
            taker=0.001 if rate < 0.5 else 0.002,
            margin_rates=(10, 10 + int(margin * 3)) if margin < 0.55 else None,
            futures=futures < 0.65,
            spot_burn=burn < 0.6,
            interest_burn=burn < 0.3,
            um_tier=(200 + int(rate * 5) * 20, 400 + int(tag * 5) * 20),
            cm_tier=(100 + int(rate * 5) * 20, 450 + int(tag * 5) * 20),
        )
        if index < number - 1 or number < _ENOUGH:
            account.keys = _make_keys(seed, index, 1 + int(keys * 3), account, (time, now_ms))
            account.balances = _make_balances(account, size, profit, worth)
        made.append(account)
    return made


def new_account(seed: int, index: int, tag: str, now_ms: int) -> SubAccount:
    """A sub-account created by the partner, after `index` others, deleted ones included."""
    (rate,) = (float(x) for x in uniform(hash_key(seed, "account", "rate"), np.array([index])))
    return SubAccount(id=account_id(index, rate), email=account_email(index), tag=tag, create_time=now_ms)


def account_id(index: int, chance: float) -> str:
    """An id beyond 2**53, as in the documents; ids ascend like the creation times."""
    return str(367_537_027_503_000_000 + index * 1_048_583 + int(chance * 999_983))


def account_email(index: int) -> str:
    """The address that the exchange makes for a sub-account."""
    return f"desk-{index + 1:02d}_brokersubuser@sandbox.example"


def _make_keys(
    seed: int, index: int, number: int, account: SubAccount, span: tuple[int, int]
) -> list[ApiKey]:
    made = []
    for count in range(number):
        key = letters(seed, "account key", index, count)
        restricted = (index + count) % 3 != 0
        made.append(
            ApiKey(
                key=key,
                can_trade=count != 2,
                margin_trade=account.margin_rates is not None and count == 0,
                futures_trade=account.futures and count < 2,
                ip_list=[f"203.0.113.{(index * 7 + count) % 250 + 1}", "198.51.100.24"][: 1 + index % 2]
                if restricted
                else [],
                update_time=span[0] + (span[1] - span[0]) * (count + 1) // 5,
            )
        )
    return made


def _make_balances(account: SubAccount, size: float, profit: float, worth: Worth) -> Balances:
    """Balances: large for a few, small for many, none where something is switched off."""
    wealth = Decimal(f"{0.02 * (1.0 / (1.0 - 0.985 * size)) ** 1.3 - 0.0187:.16f}")
    bitcoins = wealth * worth["BTC"]
    balances = Balances()
    balances.wallets["spot"] = spread("spot", bitcoins, worth)
    if account.margin_rates is not None:
        balances.margin = spread("margin", bitcoins / 3, worth)
        balances.borrowed = spread("borrowed", bitcoins * Decimal(f"{profit * 0.25:.8f}"), worth)
    if account.futures:
        um, cm = wealth * 31_000, wealth * 9000
        balances.wallets["um"], balances.wallets["cm"] = spread("um", um, worth), spread("cm", cm, worth)
        gain = Decimal(f"{(profit - 0.45) / 8:.8f}")
        of_both = profit, gain, worth, account.create_time
        balances.positions = [*um_positions(um, *of_both), *cm_positions(cm, *of_both)]
        balances.um_order_margin = in_units(um / 50)
    return balances


def account_row(account: SubAccount) -> Row:
    """The sub-account in the list of sub-accounts."""
    rates = account.margin_rates or (-1, -1)
    return {
        "subaccountId": account.id,
        "email": account.email,
        "tag": account.tag,
        "makerCommission": account.maker,
        "takerCommission": account.taker,
        "marginMakerCommission": rates[0],
        "marginTakerCommission": rates[1],
        "createTime": account.create_time,
    }


def key_row(account: SubAccount, key: ApiKey) -> Row:
    """The API key in the list of keys."""
    return {
        "subaccountId": account.id,
        "apikey": key.masked,
        "canTrade": key.can_trade,
        "marginTrade": key.margin_trade,
        "futuresTrade": key.futures_trade,
    }


def spot_row(account: SubAccount, worth: Worth) -> Row:
    """The spot balance of an account."""
    bitcoins = account.balances.value_usd("spot", worth) / worth["BTC"]
    return {"subAccountId": account.id, "totalBalanceOfBtc": f"{bitcoins:.16f}"}


def margin_row(account: SubAccount, worth: Worth) -> Row:
    """The margin balance of an account; a short row where margin is off."""
    if account.margin_rates is None:
        return {"marginEnable": False, "subAccountId": account.id}
    return {"marginEnable": True, "subAccountId": account.id, **margin_totals(account.balances, worth)}


def margin_totals(held: Balances, worth: Worth) -> Row:
    """What an account has and owes on margin, in BTC."""
    assets, debt = (dollars(each, worth) / worth["BTC"] for each in (held.margin, held.borrowed))
    # Without debt the exchange shows the maximum level.
    level = min(assets / debt, Decimal(999)) if debt else Decimal(999)
    return {
        "totalAssetOfBtc": f"{assets:.8f}",
        "totalLiabilityOfBtc": f"{debt:.8f}",
        "totalNetAssetOfBtc": f"{assets - debt:.8f}",
        "marginLevel": f"{level:.3f}",
    }


def futures_row(account: SubAccount, market: str, worth: Worth) -> Row:
    """The futures balance of an account; a short row where futures are off."""
    held = account.balances
    if not account.futures:
        return {"futuresEnable": False, "subAccountId": account.id}
    if market == "2":
        # This report is in USDT, not in dollars.
        totals = FuturesTotals.of(held, "cm", worth, "USDT")
        return {
            "subAccountId": account.id,
            "totalWalletBalanceOfUsdt": f"{totals.wallet:.14f}",
            "totalUnrealizedProfitOfUsdt": f"{totals.profit:.14f}",
            "totalMarginBalanceOfUsdt": f"{totals.wallet + totals.profit:.14f}",
            "futuresEnable": True,
        }
    totals = FuturesTotals.of(held, "um", worth)
    return {
        "subAccountId": account.id,
        **um_totals(totals, 10),
        "futuresEnable": True,
        "asset": "USD",
    }


def um_totals(totals: FuturesTotals, decimals: int) -> Row:
    """What an account has on USD-M, in dollars."""
    amounts = {
        "totalInitialMargin": totals.position_margin + totals.order_margin,
        "totalMaintenanceMargin": totals.maintenance_margin,
        "totalWalletBalance": totals.wallet,
        "totalUnrealizedProfit": totals.profit,
        "totalMarginBalance": totals.wallet + totals.profit,
        "totalPositionInitialMargin": totals.position_margin,
        "totalOpenOrderInitialMargin": totals.order_margin,
    }
    return {name: f"{amount:.{decimals}f}" for name, amount in amounts.items()}
