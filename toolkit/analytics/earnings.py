"""Everything that a partner earned, in one frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

import numpy as np
import pandas as pd
import pyarrow as pa

from toolkit.amounts import ExactDtype
from toolkit.amounts.integers import EXACT_TYPE
from toolkit.analytics.income_frames import TEXT, TEXTS, Told, ms_of, told_by, uncovered
from toolkit.analytics.income_reads import DAY, SEARCHED_MS, Collected, Moment, Refusal, checked_systems, collect
from toolkit.analytics.income_rows import Group, groups_of
from toolkit.analytics.periods import Period
from toolkit.analytics.periods import period as period_of
from toolkit.analytics.sources import SOURCES, Source
from toolkit.client import Link
from toolkit.errors import ToolkitError, UsageError
from toolkit.fetch.settings import checked_numbers
from toolkit.frames.builder import Numbers
from toolkit.planning import When
from toolkit.planning.spans import Span, iso
from toolkit.text.suggestions import did_you_mean, suggests_arguments

Given: TypeAlias = Link | str | pd.DataFrame
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
"""The columns of earnings, in their order."""

_TIMES = pa.timestamp("ms", tz="UTC")
_PANDAS_TYPES: Mapping[pa.DataType, Any] = {TEXT: pd.StringDtype(), EXACT_TYPE: ExactDtype()}


@suggests_arguments
def earnings(
    source: Given | Sequence[Given] | Mapping[str, Given | Sequence[pd.DataFrame]],
    period: str | Period | tuple[When, When] | None = "last month",
    currency: str = "USDT",
    *,
    zone: str = "UTC",
    when: Moment = "received",
    at: str = "1h",
    prices: pd.DataFrame | None = None,
    at_par: Sequence[str] = (),
    systems: Sequence[str] = ("exchange", "spot", "futures"),
    numbers: Numbers = "exact",
    link: Link | None = None,
) -> pd.DataFrame:
    raise NotImplementedError
