"""What all sub-accounts hold, in one currency."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

import pandas as pd

from toolkit.analytics.prices import Interval
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

_SPOT_PARTS = ("free", "locked", "freeze", "withdrawing")


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
    nothing is held there as far as the API tells. Funding wallets of sub-accounts are not told at all.

    Requests: the list of sub-accounts, and with `detail="assets"` for each sub-account one of
    exchange.assets (weight 60), of exchange.margin_account (10) where margin is enabled, and of
    exchange.futures_account (1) for each futures market it has a wallet in. `detail="totals"` takes a few
    requests a hundred sub-accounts: `exchange.spot_balances` and its neighbours.

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

        By sub-account and wallet, in the order of the list. `attrs` have the notes, and what has no value
        ("unvalued").

    Raises:
        UsageError: An argument is invalid; nothing was sent.
        ToolkitError: A read failed; `partial` has the balances fetched until then, not valued.

    Example:
        >>> held = toolkit.analytics.balances(link, "USDT")
        >>> held.groupby(["wallet", "asset"])["value"].sum()
    """
    chosen = _checked_wallets(wallets)
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
            error.partial = reading.finished(complete=False)  # type: ignore[union-attr]
        raise
    frame = reading.finished(complete=True)
    valued = value(frame, currency, **options)
    valued.attrs["currency"] = currency
    return valued


def _checked_wallets(wallets: Sequence[str]) -> list[Wallet]:
    known = get_args(Wallet)
    given = (wallets,) if isinstance(wallets, str) else tuple(wallets)
    for each in given:
        if each not in known:
            raise UsageError(
                f"`wallets` must be some of {', '.join(map(repr, known))}, not {each!r}."
                f"{did_you_mean(each, known)}"
            )
    if not given:
        raise UsageError("`wallets` is empty: name at least one.")
    return [each for each in known if each in given]


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
            read, owners, parts = self._exchange.assets, list(self._accounts["email"]), _SPOT_PARTS
            self._add_assets(wallet, read, owners, parts)
        elif wallet == "margin":
            enabled = self._told(self._exchange.margin_balances(numbers=self._numbers))
            ids = set(enabled.loc[enabled["margin_enable"].fillna(False), "sub_account_id"])
            owners = [email for email, account in self._ids.items() if account in ids]
            self._add_assets(wallet, self._exchange.margin_account, owners, ("net_asset",))
        else:
            owners = list(dict.fromkeys(self._told(self._summary(wallet))["email"]))

            def read_futures(owners: list[str], **options: Any) -> pd.DataFrame:
                return self._exchange.futures_account(owners, wallet, **options)

            self._add_assets(wallet, read_futures, owners, ("margin_balance",))

    def _add_assets(
        self, wallet: Wallet, read: Callable[..., pd.DataFrame], owners: list[str], parts: Sequence[str]
    ) -> None:
        if len(owners) < len(self._accounts):
            without = len(self._accounts) - len(owners)
            self._notes.append(f"{wallet}: the exchange lists no such wallet of {without:,} sub-accounts.")
        if not owners:
            return
        frame = self._told(read(owners, emails="clear", numbers=self._numbers))
        amount = frame[parts[0]]
        for part in parts[1:]:
            amount = amount + frame[part].fillna(0)
        self._add(wallet, frame, frame["email"].map(self._ids), frame["asset"], amount)

    # -- totals ----------------------------------------------------------------------------------------

    def totals(self, wallet: Wallet) -> None:
        """Fetch the totals of one wallet of all sub-accounts."""
        if wallet in ("um", "cm"):
            frame = self._told(self._summary(wallet))
            amount, accounts = frame["total_margin_balance"], frame["email"].map(self._ids)
            self._add(wallet, frame, accounts, frame["asset"], amount)
            return
        if wallet == "spot":
            frame = self._told(self._exchange.spot_balances(numbers=self._numbers))
            amount = frame["total_balance_of_btc"]
        else:
            frame = self._told(self._exchange.margin_balances(numbers=self._numbers))
            frame = frame[frame["margin_enable"].fillna(False)]
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
        # What is nothing, and a summary of nothing, is no holding.
        self._parts.append(part[part["amount"] != 0])

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

    def finished(self, *, complete: bool) -> pd.DataFrame:
        """The balances fetched so far, with attrs that tell what they are."""
        frame = self.frame()
        first = self._frames[0].attrs if self._frames else {}
        frame.attrs = {
            "analytics": "balances",
            "source": first.get("source"),
            "accounts": [each for each in [first.get("account")] if each],
            "complete": complete,
            "fetched_at": max((str(each.attrs["fetched_at"]) for each in self._frames), default=None),
            "requests": sum(int(each.attrs["requests"]) for each in self._frames),
            "weight": sum(int(each.attrs["weight"]) for each in self._frames),
            "notes": [
                "Funding wallets of sub-accounts are not told by the exchange, and not in it.",
                *self._notes,
            ],
        }
        return frame
