"""The API keys of all sub-accounts: what each may do and from where, as far as the exchange tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from toolkit.analytics.sub_account_rows import SubAccountRows
from toolkit.client import Link
from toolkit.errors import NotFoundError, ParameterError, RefusedError, ToolkitError, UsageError
from toolkit.redaction import masked_key
from toolkit.runtime.tracebacks import without_frames

COLUMNS = (
    "sub_account_id",
    "tag",
    "api_key",
    "can_trade",
    "margin_trade",
    "futures_trade",
    "ip_restrict",
    "ip_list",
    "ip_update_time",
)
"""The columns of keys, in their order."""


@without_frames  # which have the keys that are given
def keys(link: Link, *, known: Mapping[str, Sequence[str]] | None = None) -> pd.DataFrame:
    """The API keys of the partner's sub-accounts, one row a key: what each may do, and from where.

    The exchange lists keys masked, and tells from which IP addresses a key may be used only to those who
    have the key in full. So the IP limits of keys that are not in `known` stay missing, which is not the same
    as unlimited.

    A sub-account or key that the exchange refuses to tell of is named in the notes, and the rest is fetched.

    Requests: the list of sub-accounts, `exchange.api_keys` of each, two where there are keys, and
    `exchange.ip_restriction` of each key in `known`; weight 1 each. `exchange.key_audit` tells the names of
    the keys and three more permissions, at a weight of 3,000 a page.

    Args:
        link: A Link of the partner.
        known: Keys in full, by the id of their sub-account. They are sent to the exchange, and nowhere shown.

    Returns:
        A DataFrame with the columns

        - sub_account_id (id): Id of the sub-account.
        - tag (text): Tag that the sub-account was given.
        - api_key (id): The API key, masked.
        - can_trade (flag): May trade spot.
        - margin_trade (flag): May trade on margin.
        - futures_trade (flag): May trade futures.
        - ip_restrict (flag): Only listed IP addresses may use the key; missing where that is not told.
        - ip_list (texts): These IP addresses.
        - ip_update_time (time): When that changed last.

        In the order of the sub-accounts. `attrs` say whether all of it is there ("complete", "missing"), and
        what is not told ("notes").

    Raises:
        UsageError: `known` is no dict of lists, or names a sub-account that is not the partner's.
        ToolkitError: A read failed; `partial` has the keys fetched until then.

    Example:
        >>> found = toolkit.analytics.keys(link, known={account: [api_key]})
        >>> found[found["ip_restrict"].eq(False)]     # those known to have no IP limit
        >>> found[found["ip_restrict"].isna()]        # those of which it is not known
    """
    given = _checked(known or {})
    found: _Found | None = None
    try:
        found = _Found(link.exchange.sub_accounts())
        ids = list(found.accounts["sub_account_id"])
        if not set(given) <= set(ids):  # not shown: it may be a key, where both were mixed up
            raise UsageError(
                "`known` names a sub-account that is not of this partner. Give each by its id, as "
                "`link.exchange.sub_accounts()` has it, with a list of its keys."
            )
        found.listed.read(link.exchange.api_keys, ids, "sub_account_id")
        for account, full_keys in given.items():
            for key in full_keys:
                found.add_limit(link, account, key)
    except (ToolkitError, KeyboardInterrupt) as error:
        if found is not None and not isinstance(error, UsageError):
            fetched = _put_together(found, is_whole=False)
            error.partial = fetched  # type: ignore[union-attr]
            if isinstance(error, KeyboardInterrupt):
                error.args = (
                    f"Interrupted. {len(fetched):,} keys had been fetched: "
                    "`sys.last_value.partial` has them.",
                )
        raise
    return _put_together(found, is_whole=True)


@dataclass(slots=True)
class _Found:
    """What has been read so far.

    Attributes:
        accounts: The list of sub-accounts.
        listed: Their keys.
        limits: The IP limits of keys that were given.
        refused: Ids of the sub-accounts of given keys that the exchange refused to tell of.
    """

    accounts: pd.DataFrame
    listed: SubAccountRows = field(default_factory=SubAccountRows)
    limits: list[pd.DataFrame] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def add_limit(self, link: Link, account: str, key: str) -> None:
        """Read the IP limit of a key that was given."""
        try:
            self.limits.append(link.exchange.ip_restriction(account, key))
        except (NotFoundError, ParameterError, RefusedError):
            self.refused.append(account)


def _checked(known: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    if not isinstance(known, Mapping) or any(isinstance(each, str) for each in known.values()):
        raise UsageError(
            "`known` must be a dict: the id of a sub-account, and a list of its API keys in full."
        )
    return {str(account): list(full_keys) for account, full_keys in known.items()}


def _put_together(found: _Found, *, is_whole: bool) -> pd.DataFrame:
    accounts, listed, limits = found.accounts, found.listed.frames, found.limits
    told = [accounts, *listed, *limits]
    texts = {name: pd.Series(dtype="string") for name in COLUMNS[:3]}
    flags = {name: pd.Series(dtype="boolean") for name in COLUMNS[3:6]}
    some = [each for each in listed if len(each)]
    keys = pd.concat(some, ignore_index=True) if some else pd.DataFrame(texts | flags)
    places = {account: place for place, account in enumerate(accounts["sub_account_id"])}
    keys = keys.sort_values(
        "sub_account_id", key=lambda ids: ids.map(places), kind="stable", ignore_index=True
    )
    tags = dict(zip(accounts["sub_account_id"], accounts["tag"], strict=True))
    keys["tag"] = keys["sub_account_id"].map(tags).astype("string")
    keys["ip_restrict"] = pd.array([pd.NA] * len(keys), dtype="boolean")
    keys["ip_list"] = pd.Series([None] * len(keys), dtype=object)
    keys["ip_update_time"] = pd.Series(pd.NaT, keys.index, dtype="datetime64[ms, UTC]")
    alike = _tell_limits(keys, limits)
    keys = keys[list(COLUMNS)]
    silent = int(keys["ip_restrict"].isna().sum())
    notes = []
    if silent:
        notes.append(
            f"The IP limits of {silent:,} of {len(keys):,} keys are not known: the exchange tells only "
            "those of keys that are given in full (`known=`)."
        )
    if alike:
        notes.append(
            f"The limits of {alike:,} given keys are left out: masked, each looks like another key of its "
            "sub-account, or like none that is listed."
        )
    for account, error in found.listed.refused.items():
        notes.append(
            f"The keys of sub-account {account} are missing: the exchange refused (code {error.code})."
        )
    for account in found.refused:
        notes.append(f"The exchange knows nothing of a key given for sub-account {account}.")
    missing: list[list[str | None]] = [
        [f"keys of sub-account {account}", None, None] for account in found.listed.refused
    ]
    if not is_whole:
        missing.append(["what was not fetched", None, None])
    notes.append("Withdrawals: the exchange does not tell whether a sub-account's key may withdraw.")
    keys.attrs = {
        "analytics": "keys",
        "source": accounts.attrs.get("source"),
        "accounts": [each for each in [accounts.attrs.get("account")] if each],
        "complete": not missing,
        "missing": missing,
        "fetched_at": max(str(each.attrs["fetched_at"]) for each in told),
        "requests": sum(int(each.attrs["requests"]) for each in told),
        "weight": sum(int(each.attrs["weight"]) for each in told),
        "notes": notes,
    }
    return keys


def _tell_limits(keys: pd.DataFrame, limits: Sequence[pd.DataFrame]) -> int:
    """Set the IP limits of keys. Returns how many could be of several keys."""
    alike = 0
    for limit in limits:
        told = limit.iloc[0]
        of_account = keys["sub_account_id"] == told["sub_account_id"]
        rows = keys.index[of_account & keys["api_key"].map(masked_key).eq(told["api_key"])]
        if len(rows) != 1:
            alike += 1
            continue
        keys.loc[rows, "ip_restrict"] = told["ip_restrict"]
        keys.at[rows[0], "ip_list"] = told["ip_list"]
        keys.loc[rows, "ip_update_time"] = told["update_time"]
    return alike
