"""Everything that a partner earned, in one frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Union

import pandas as pd

from toolkit.frames.builder import Numbers
from toolkit.planning import When

if TYPE_CHECKING:
    from toolkit.client import Link

When2 = Literal["received", "traded"]
COLUMNS = (
    "time",
    "traded_at",
    "account",
    "system",
    "kind",
    "granularity",
    "asset",
    "amount",
    "price",
    "price_time",
    "priced_by",
    "value",
    "customer_id",
    "sub_account_id",
    "symbol",
    "trade_id",
    "endpoint",
)

OneSource = Union["Link", str, pd.DataFrame]


def earnings(
    source: OneSource | Sequence[OneSource] | Mapping[str, OneSource | Sequence[pd.DataFrame]],
    period: str | tuple[When, When] = "last month",
    currency: str = "USDT",
    *,
    zone: str = "UTC",
    when: When2 = "received",
    at: str = "1h",
    prices: pd.DataFrame | None = None,
    at_par: Sequence[str] = (),
    systems: Sequence[str] = ("exchange", "spot", "futures"),
    numbers: Numbers = "exact",
    link: Link | None = None,
) -> pd.DataFrame:
    """Everything that a partner earned in a period, valued in one currency."""
    raise NotImplementedError
