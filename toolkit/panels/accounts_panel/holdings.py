"""Sub-accounts and what they hold, merged from the frames of six reads. Pure functions."""

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
    """How the column of one wallet is made.

    Attributes:
        source: Key of the frame it comes from.
        amount: Column that holds the amount.
        enabled: Column that says whether the wallet is on; "" if it always is.
        title: Heading.
        unit: Unit of the amount.
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
        name: The user's own name of it, "" if there is none.
        tag: The partner's tag for it.
        email: Its e-mail address, masked.
        address: Its e-mail address in full: compared with the text in the filter, never shown.
        created: Index in order of creation; the newest has the highest.
        amounts: Amount in each wallet; None if unknown.
        off: Wallets that are switched off.
    """

    id: str
    name: str
    tag: str
    email: str
    address: str
    created: int
    amounts: Mapping[Wallet, Amount]
    off: frozenset[Wallet]

    @property
    def btc(self) -> Amount:
        """Spot plus net margin, both in BTC. Futures are in dollars and are not included."""
        return add((self.amounts["spot"], self.amounts["margin"]))

    def matches(self, query: str) -> bool:
        """Whether each word of a query is part of name, id, tag or masked address, or the whole address."""
        text = f"{self.name} {self.id} {self.tag} {self.email}".casefold()
        return all(word in text or word == self.address for word in query.casefold().split())


@dataclass(frozen=True, slots=True)
class Total:
    """The total of one wallet over all sub-accounts.

    Attributes:
        amount: The sum.
        holding: Number of accounts that hold something.
        off: Number of accounts whose wallet is switched off.
    """

    amount: Amount
    holding: int
    off: int


def holdings(frames: Mapping[str, pd.DataFrame]) -> list[Holding]:
    """Every sub-account in any of the frames, in order of creation."""
    wallets = {wallet: _wallet(frames.get(column.source), column) for wallet, column in COLUMNS.items()}
    labels: dict[str, tuple[str, str]] = {}
    accounts = frames.get("accounts")
    if accounts is not None:
        labels = {
            str(row.sub_account_id): (_text(row.tag), _text(row.email))
            for row in accounts[["sub_account_id", "tag", "email"]].itertuples(index=False)
        }
    names = {
        str(account): _text(name)
        for frame in frames.values()
        if "sub_account_name" in frame
        for account, name in zip(frame["sub_account_id"], frame["sub_account_name"], strict=True)
    }
    ids = dict.fromkeys([*labels, *(account for wallet in wallets.values() for account in wallet)])
    found = []
    for created, account in enumerate(ids):
        tag, address = labels.get(account, ("", ""))
        entries = {wallet: entry for wallet, by_id in wallets.items() if (entry := by_id.get(account))}
        found.append(
            Holding(
                id=account,
                name=names.get(account, ""),
                tag=tag,
                email=mask(address),
                address=address.strip().casefold(),
                created=created,
                amounts={wallet: entries[wallet][0] if wallet in entries else None for wallet in COLUMNS},
                off=frozenset(wallet for wallet, (_, is_on) in entries.items() if not is_on),
            )
        )
    return found


def _text(value: object) -> str:
    return "" if _missing(value) else str(value)


def _wallet(frame: pd.DataFrame | None, column: WalletColumn) -> dict[str, tuple[Amount, bool]]:
    """By account: the amount in one wallet, and whether the wallet is on."""
    if frame is None:
        return {}
    flags: Iterable[object] = frame[column.enabled] if column.enabled else [True] * len(frame)
    rows = zip(frame["sub_account_id"], frame[column.amount], flags, strict=True)
    return {str(account): (_amount(value), _is_on(flag)) for account, value, flag in rows}


def _is_on(flag: object) -> bool:
    """Whether a wallet is on. A flag that the exchange left out counts as on."""
    return _missing(flag) or bool(flag)


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _amount(value: object) -> Amount:
    if isinstance(value, Decimal):
        return value
    return None if _missing(value) else float(str(value))


@in_own_context
def add(amounts: Iterable[Amount]) -> Amount:
    """The sum of the known amounts, exact if they are; None if none is known."""
    known: list[Any] = [value for value in amounts if value is not None]
    return sum(known[1:], known[0]) if known else None


def column_total(frame: pd.DataFrame | None, column: str) -> Amount:
    """The sum of one column of a frame."""
    return None if frame is None else add(_amount(value) for value in frame[column])


def total(accounts: Iterable[Holding], wallet: Wallet) -> Total:
    """The total of one wallet over all accounts."""
    accounts = list(accounts)
    amounts = [account.amounts[wallet] for account in accounts]
    return Total(
        amount=add(amounts),
        holding=sum(1 for value in amounts if value),
        off=sum(1 for account in accounts if wallet in account.off),
    )


def arrange(accounts: Iterable[Holding], sort: Sort, query: str = "") -> list[Holding]:
    """The accounts that match, the largest (or newest) first; those without an amount last."""
    matching = (account for account in accounts if account.matches(query))
    return sorted(matching, key=lambda account: (_rank(account, sort), account.created), reverse=True)


def _rank(account: Holding, sort: Sort) -> float:
    if sort == "newest":
        return 0.0
    value = account.btc if sort == "btc" else account.amounts[sort]
    return -math.inf if value is None else float(value)
