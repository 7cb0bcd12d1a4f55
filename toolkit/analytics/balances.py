"""What all sub-accounts hold, in one currency."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, get_args

import pandas as pd

from toolkit.analytics.choices import some_of
from toolkit.analytics.income_rows import row_count
from toolkit.analytics.prices import Interval
from toolkit.analytics.sub_account_rows import SubAccountRows
from toolkit.analytics.valuation import value
from toolkit.client import Link
from toolkit.errors import ToolkitError, UsageError
from toolkit.fetch.settings import checked_numbers
from toolkit.frames.builder import Numbers
from toolkit.text.suggestions import did_you_mean, suggests_arguments

Wallet = Literal["spot", "margin", "um", "cm"]
Detail = Literal["assets", "totals"]

COLUMNS = ("time", "sub_account_id", "tag", "wallet", "asset", "amount")
"""The columns of balances before they are valued, in their order."""

_AMOUNTS = {"margin": "net_asset", "um": "margin_balance", "cm": "margin_balance"}
"""The column with what is held."""

_TOLD_LATER = {"freeze": "is frozen", "withdrawing": "is being withdrawn"}
"""Columns of exchange.assets that older responses do not have."""


@suggests_arguments
def balances(
    link: Link,
    currency: str = "USDT",
    *,
    wallets: Sequence[Wallet] = ("spot", "margin", "um", "cm"),
    detail: Detail = "assets",
    at: Interval = "1h",
    prices: pd.DataFrame | None = None,
    at_par: Sequence[str] | Mapping[str, str] = (),
    numbers: Numbers = "exact",
) -> pd.DataFrame:
    """What the partner's sub-accounts hold now, valued in one currency; one row for each wallet and asset.

    Wallets that the exchange does not list, such as a futures wallet that was never opened, have no rows:
    nothing is held there as far as the API tells. Funding wallets of sub-accounts are not told at all. A
    wallet that the exchange lists but refuses to tell of has no rows either: it is in `attrs["missing"]`, and
    the rest is fetched.

    Requests: the list of sub-accounts, and with `detail="assets"` for each sub-account one of
    exchange.assets (weight 60), of exchange.margin_account (10) where margin is enabled, and of
    exchange.futures_account (1) for each futures market it has a wallet in. `detail="totals"` takes a few
    requests a hundred sub-accounts: `exchange.spot_balances` and its neighbours. Spot weighs most:
    `link.estimate_weight("exchange.assets", email=addresses)` says how much, and how long it takes at least.

    Args:
        link: A Link of the partner.
        currency: What the amounts are valued in, such as "USDT" or "EUR".
        wallets: Some of "spot", "margin", "um" and "cm".
        detail: "assets" has a row for each asset; "totals" one for each wallet, as the exchange adds it up:
            spot and margin in BTC, USD-M in USD, COIN-M by asset.
        at: Length of the candles that the prices are from.
        prices: Your own prices, which go before those of the market; as for `value()`.
        at_par: Stable coins that count as one unit of their own currency; as for `value()`.
        numbers: Amounts as "exact" or "float" columns.

    Returns:
        A DataFrame with the columns

        - time (time): When the exchange told it.
        - sub_account_id (id): Id of the sub-account.
        - tag (text): Tag that the sub-account was given.
        - wallet (text): "spot", "margin", "um" or "cm".
        - asset (text): The asset, or the unit of a total.
        - amount (amount): Spot: free, locked, frozen and being withdrawn. Margin: what is owned without what
          is owed, so it may be negative. Futures: the margin balance, with unrealized profit.
        - price, price_time, priced_by, value: As `value()` adds them, at the price of that time.

        By sub-account and wallet, in the order of the list. `attrs` say whether all of it is there
        ("complete", "missing"), what has no value ("unvalued"), and what a reader has to know ("notes").

    Raises:
        UsageError: An argument is invalid; nothing was sent.
        ToolkitError: A read failed; `partial` has the balances fetched until then, not valued.

    Example:
        >>> held = toolkit.analytics.balances(link, "USDT")
        >>> held.groupby(["wallet", "asset"])["value"].sum()
    """
    chosen = some_of(get_args(Wallet), wallets, "wallets")
    if detail not in get_args(Detail):
        raise UsageError(
            f'`detail` must be "assets" or "totals", not {detail!r}.{did_you_mean(detail, get_args(Detail))}'
        )
    checked_numbers(numbers)
    options: dict[str, Any] = {"link": link, "prices": prices, "at": at, "at_par": at_par}
    reading = _Reading(link, numbers)
    value(reading.frame(), currency, **options)  # refuses bad arguments first
    try:
        reading.begin()
        for wallet in chosen:
            (reading.assets if detail == "assets" else reading.totals)(wallet)
    except BaseException as error:
        if isinstance(error, ToolkitError | KeyboardInterrupt):
            fetched = reading.finished(is_whole=False)
            error.partial = fetched  # type: ignore[union-attr]
            if isinstance(error, KeyboardInterrupt):
                error.args = (
                    f"Interrupted. {row_count(len(fetched))} of balances had been fetched, and are not "
                    "valued: `sys.last_value.partial` has them.",
                )
        raise
    frame = reading.finished(is_whole=True)
    valued = value(frame, currency, **options)
    valued.attrs["currency"] = currency
    return valued


class _Reading:
    """Collects balances, wallet by wallet.

    Args:
        link: The Link.
        numbers: Amounts as "float" or "exact".
    """

    def __init__(self, link: Link, numbers: Numbers) -> None:
        self._exchange, self._numbers = link.exchange, numbers
        self._parts: list[pd.DataFrame] = []
        self._frames: list[pd.DataFrame] = []
        self._notes: list[str] = []
        self._missing: list[list[str | None]] = []
        self._accounts = pd.DataFrame()
        self._ids: dict[str, str] = {}

    def begin(self) -> None:
        """Fetch the list of sub-accounts."""
        self._accounts = self._told(self._exchange.sub_accounts(emails="clear"))
        self._ids = dict(zip(self._accounts["email"], self._accounts["sub_account_id"], strict=True))

    def _told(self, frame: pd.DataFrame) -> pd.DataFrame:
        self._frames.append(frame)
        return frame

    # -- by asset --------------------------------------------------------------------------------------

    def assets(self, wallet: Wallet) -> None:
        """Fetch the assets in one wallet of all sub-accounts."""
        if wallet == "spot":
            self._add_assets(wallet, self._exchange.assets, list(self._ids))
        elif wallet == "margin":
            enabled = self._told(self._exchange.margin_balances(numbers=self._numbers))
            ids = set(enabled.loc[enabled["margin_enable"].fillna(False), "sub_account_id"])
            owners = [email for email, account in self._ids.items() if account in ids]
            self._add_assets(wallet, self._exchange.margin_account, owners)
        else:
            owners = list(dict.fromkeys(self._told(self._summary(wallet))["email"]))
            self._add_assets(wallet, partial(self._exchange.futures_account, market=wallet), owners)

    def _add_assets(self, wallet: Wallet, read: Callable[..., pd.DataFrame], owners: list[str]) -> None:
        self._note_absent(wallet, len(owners))
        reads = SubAccountRows()
        try:
            reads.read(partial(read, emails="clear", numbers=self._numbers), owners, "email")
        finally:  # what came before an error is kept
            for frame in reads.frames:
                amount = self._spot_amount(frame) if wallet == "spot" else frame[_AMOUNTS[wallet]]
                self._add(wallet, self._told(frame), frame["email"].map(self._ids), frame["asset"], amount)
            for email, error in reads.refused.items():
                account = self._ids.get(email)
                self._missing.append([f"{wallet} wallet of sub-account {account}", None, None])
                self._notes.append(
                    f"{wallet}: sub-account {account} is missing, the exchange refused to tell of it "
                    f"(code {error.code})."
                )

    def _spot_amount(self, frame: pd.DataFrame) -> pd.Series:
        amount = frame["free"] + frame["locked"]
        for part, what in _TOLD_LATER.items():
            if untold := int(frame[part].isna().sum()):
                self._notes.append(
                    f"spot: {row_count(untold)} without what {what}, which the exchange does not tell."
                )
            amount = amount + frame[part].fillna(0)
        return amount

    def _note_absent(self, wallet: Wallet, owners: int) -> None:
        if without := len(self._ids) - owners:
            self._notes.append(f"{wallet}: the exchange lists no such wallet of {without:,} sub-accounts.")

    # -- totals ----------------------------------------------------------------------------------------

    def totals(self, wallet: Wallet) -> None:
        """Fetch the totals of one wallet of all sub-accounts."""
        if wallet in ("um", "cm"):
            frame = self._told(self._summary(wallet))
            self._note_absent(wallet, frame["email"].nunique())
            amount, accounts = frame["total_margin_balance"], frame["email"].map(self._ids)
            self._add(wallet, frame, accounts, frame["asset"], amount)
            return
        if wallet == "spot":
            frame = self._told(self._exchange.spot_balances(numbers=self._numbers))
            amount = frame["total_balance_of_btc"]
        else:
            frame = self._told(self._exchange.margin_balances(numbers=self._numbers))
            frame = frame[frame["margin_enable"].fillna(False)]
            self._note_absent(wallet, len(frame))
            amount = frame["total_net_asset_of_btc"]
        asset = pd.Series("BTC", frame.index)
        self._add(wallet, frame, frame["sub_account_id"], asset, amount)

    def _summary(self, wallet: Wallet) -> pd.DataFrame:
        market: Any = wallet
        return self._exchange.futures_summary(market, emails="clear", numbers=self._numbers)

    # -- the frame -------------------------------------------------------------------------------------

    def _add(
        self, wallet: Wallet, frame: pd.DataFrame, accounts: pd.Series, asset: pd.Series, amount: pd.Series
    ) -> None:
        time = frame["time"] if "time" in frame else pd.Timestamp(frame.attrs["as_of"]).as_unit("ms")
        part = pd.DataFrame({"sub_account_id": accounts, "asset": asset, "amount": amount})
        part.insert(0, "time", pd.Series(time, part.index, dtype="datetime64[ms, UTC]"))
        part.insert(2, "wallet", wallet)
        # What is nothing, and a summary of nothing, is no holding. What is not told stays visible.
        self._parts.append(part[~part["amount"].eq(0).fillna(False).astype(bool)])

    def frame(self) -> pd.DataFrame:
        """The balances fetched so far."""
        if not self._parts:
            number = "exact" if self._numbers == "exact" else "float64"
            empty = {name: pd.Series(dtype="string") for name in COLUMNS}
            empty |= {"time": pd.Series(dtype="datetime64[ms, UTC]"), "amount": pd.Series(dtype=number)}
            return pd.DataFrame(empty)
        whole = pd.concat([part for part in self._parts if len(part)] or self._parts[:1], ignore_index=True)
        tags = dict(zip(self._accounts["sub_account_id"], self._accounts["tag"], strict=True))
        places = {account: place for place, account in enumerate(self._ids.values())}
        whole["tag"] = whole["sub_account_id"].map(tags)
        whole["place"] = whole["sub_account_id"].map(places)
        whole = whole.sort_values("place", kind="stable", ignore_index=True)[list(COLUMNS)]
        return whole.astype({name: "string" for name in COLUMNS if name not in ("time", "amount")})

    def finished(self, *, is_whole: bool) -> pd.DataFrame:
        """The balances fetched so far, with attrs that tell what they are.

        Args:
            is_whole: Whether all wallets were asked for.
        """
        frame = self.frame()
        first = self._frames[0].attrs if self._frames else {}
        frame.attrs = {
            "analytics": "balances",
            "source": first.get("source"),
            "accounts": [each for each in [first.get("account")] if each],
            "complete": is_whole and not self._missing,
            "missing": [*self._missing, *([] if is_whole else [["what was not fetched", None, None]])],
            "fetched_at": max((str(each.attrs["fetched_at"]) for each in self._frames), default=None),
            "requests": sum(int(each.attrs["requests"]) for each in self._frames),
            "weight": sum(int(each.attrs["weight"]) for each in self._frames),
            "notes": [
                "Funding wallets of sub-accounts are not told by the exchange, and not in it.",
                *self._notes,
            ],
        }
        return frame
