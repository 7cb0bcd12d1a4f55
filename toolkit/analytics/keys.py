"""The API keys of all sub-accounts: what each may do and from where, as far as the exchange tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from toolkit.client import Link
from toolkit.errors import ToolkitError, UsageError
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

    Requests: the list of sub-accounts, `exchange.api_keys` of each, and `exchange.ip_restriction` of each key
    in `known`; weight 1 each. `exchange.key_audit` tells the names of the keys and three more permissions, at
    a weight of 3,000 a page.

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

        In the order of the sub-accounts. `attrs["notes"]` say what is not told.

    Raises:
        UsageError: `known` names no sub-account of the partner, or no key of one.
        ToolkitError: A read failed; `partial` has the keys fetched until then.

    Example:
        >>> found = toolkit.analytics.keys(link, known={account: [api_key]})
        >>> found[found["ip_restrict"].eq(False).fillna(False)]     # those known to have no IP limit
    """
    given = _checked(known or {})
    frames: list[pd.DataFrame] = []
    listed: list[pd.DataFrame] = []
    limits: list[pd.DataFrame] = []
    try:
        accounts = link.exchange.sub_accounts()
        frames.append(accounts)
        unknown = [account for account in given if account not in set(accounts["sub_account_id"])]
        if unknown:
            raise UsageError(f"`known` has {unknown[0]!r}, which is no sub-account of this partner.")
        for account in accounts["sub_account_id"]:
            listed.append(link.exchange.api_keys(account))
        for account, full_keys in given.items():
            limits.extend(link.exchange.ip_restriction(account, key) for key in full_keys)
    except (ToolkitError, KeyboardInterrupt) as error:
        if frames and not isinstance(error, UsageError):
            error.partial = _put_together(frames, listed, limits, complete=False)  # type: ignore[union-attr]
        raise
    return _put_together(frames, listed, limits, complete=True)


def _checked(known: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    if not isinstance(known, Mapping) or any(isinstance(each, str) for each in known.values()):
        raise UsageError(
            "`known` must be a dict: the id of a sub-account, and a list of its API keys in full."
        )
    return {str(account): list(full_keys) for account, full_keys in known.items()}


def _put_together(
    frames: Sequence[pd.DataFrame],
    listed: Sequence[pd.DataFrame],
    limits: Sequence[pd.DataFrame],
    *,
    complete: bool,
) -> pd.DataFrame:
    (accounts,) = frames
    told = [*frames, *listed, *limits]
    texts = {name: pd.Series(dtype="string") for name in COLUMNS[:3]}
    flags = {name: pd.Series(dtype="boolean") for name in COLUMNS[3:6]}
    some = [each for each in listed if len(each)]
    keys = pd.concat(some, ignore_index=True) if some else pd.DataFrame(texts | flags)
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
    notes.append("Withdrawals: the exchange does not tell whether a sub-account's key may withdraw.")
    keys.attrs = {
        "analytics": "keys",
        "source": accounts.attrs.get("source"),
        "accounts": [each for each in [accounts.attrs.get("account")] if each],
        "complete": complete,
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
