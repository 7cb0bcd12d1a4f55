"""Sub-accounts and what they hold, put together from the frames of six reads: pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import pandas as pd

from toolkit.display.formatting import Amount
from toolkit.redaction import mask
from toolkit.runtime.decimals import in_own_context

Wallet = Literal["spot", "margin", "um", "cm"]
Sort = Literal["btc", "spot", "margin", "um", "cm", "newest"]


@dataclass(frozen=True, slots=True)
class WalletColumn:
    """One wallet's column.

    Attributes:
        source: Key of the frame it comes from.
        amount: Column that holds the amount.
        enabled: Column that tells whether the wallet is on, "" where it always is.
        title: What it is called.
        unit: What it is counted in.
        places: Decimal places shown.
    """

    source: str
    amount: str
    enabled: str
    title: str
    unit: str
    places: int


COLUMNS: Mapping[Wallet, WalletColumn] = {
    "spot": WalletColumn("spot", "total_balance_of_btc", "", "Spot", "BTC", 4),
    "margin": WalletColumn("margin", "total_net_asset_of_btc", "margin_enable", "Margin net", "BTC", 4),
    "um": WalletColumn("um", "total_margin_balance", "futures_enable", "USD-M", "USD", 2),
    "cm": WalletColumn("cm", "total_margin_balance_of_usdt", "futures_enable", "COIN-M", "USDT", 2),
}


@dataclass(frozen=True, slots=True)
class Holding:
    """One sub-account.

    Attributes:
        id: Its id.
        tag: Tag the partner gave it.
        email: Its masked e-mail address.
        address: The whole address; compared with what is typed into the filter, never shown.
        created: Position by creation, the newest highest.
        amounts: What it holds in each wallet; None where that is not known.
        off: Wallets that are switched off.
    """

    id: str
    tag: str
    email: str
    address: str
    created: int
    amounts: Mapping[Wallet, Amount]
    off: frozenset[Wallet]

    @property
    def btc(self) -> Amount:
        """Spot and margin net together: both are in BTC. Futures are in dollars, and stay apart."""
        return add((self.amounts["spot"], self.amounts["margin"]))

    def matches(self, query: str) -> bool:
        """Whether each word typed is in its id, tag or masked address, or is its whole address."""
        text = f"{self.id} {self.tag} {self.email}".casefold()
        return all(word in text or word == self.address for word in query.casefold().split())


@dataclass(frozen=True, slots=True)
class Total:
    """One wallet of all sub-accounts together.

    Attributes:
        amount: What they hold.
        holding: How many hold something.
        off: How many have the wallet switched off.
    """

    amount: Amount
    holding: int
    off: int


def holdings(frames: Mapping[str, pd.DataFrame]) -> list[Holding]:
    """Every sub-account that any of the frames knows, in order of creation."""
    wallets = {wallet: _wallet(frames.get(column.source), column) for wallet, column in COLUMNS.items()}
    people: dict[str, tuple[str, str]] = {}
    accounts = frames.get("accounts")
    if accounts is not None:
        people = {
            str(row.sub_account_id): (_text(row.tag), _text(row.email))
            for row in accounts[["sub_account_id", "tag", "email"]].itertuples(index=False)
        }
    everyone = dict.fromkeys([*people, *(account for wallet in wallets.values() for account in wallet)])
    found = []
    for created, account in enumerate(everyone):
        tag, address = people.get(account, ("", ""))
        entries = {wallet: entry for wallet, known in wallets.items() if (entry := known.get(account))}
        found.append(
            Holding(
                id=account,
                tag=tag,
                email=mask(address),
                address=address.strip().casefold(),
                created=created,
                amounts={wallet: entries[wallet][0] if wallet in entries else None for wallet in COLUMNS},
                off=frozenset(wallet for wallet, (_, on) in entries.items() if not on),
            )
        )
    return found


def _text(value: object) -> str:
    return "" if _missing(value) else str(value)


def _wallet(frame: pd.DataFrame | None, column: WalletColumn) -> dict[str, tuple[Amount, bool]]:
    """What each account holds in one wallet, and whether the wallet is on."""
    if frame is None:
        return {}
    flags: Iterable[object] = frame[column.enabled] if column.enabled else [True] * len(frame)
    rows = zip(frame["sub_account_id"], frame[column.amount], flags, strict=True)
    return {str(account): (_amount(value), _is_on(flag)) for account, value, flag in rows}


def _is_on(flag: object) -> bool:
    """A flag that the exchange left out does not switch a wallet off."""
    return _missing(flag) or bool(flag)


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _amount(value: object) -> Amount:
    if isinstance(value, Decimal):
        return value
    return None if _missing(value) else float(str(value))


@in_own_context
def add(amounts: Iterable[Amount]) -> Amount:
    """The sum of what is known, exact where the amounts are; None where nothing is known."""
    known: list[Any] = [value for value in amounts if value is not None]
    return sum(known[1:], known[0]) if known else None


def column_total(frame: pd.DataFrame | None, column: str) -> Amount:
    """The sum of one column of a frame."""
    return None if frame is None else add(_amount(value) for value in frame[column])


def total(accounts: Iterable[Holding], wallet: Wallet) -> Total:
    """One wallet of all accounts together."""
    accounts = list(accounts)
    amounts = [account.amounts[wallet] for account in accounts]
    return Total(
        amount=add(amounts),
        holding=sum(1 for value in amounts if value),
        off=sum(1 for account in accounts if wallet in account.off),
    )


def arrange(accounts: Iterable[Holding], sort: Sort, query: str = "") -> list[Holding]:
    """Those that match, the largest (or newest) first; those without an amount last."""
    matching = (account for account in accounts if account.matches(query))
    return sorted(matching, key=lambda account: (_rank(account, sort), account.created), reverse=True)


def _rank(account: Holding, sort: Sort) -> float:
    if sort == "newest":
        return 0.0
    value = account.btc if sort == "btc" else account.amounts[sort]
    return -math.inf if value is None else float(value)
