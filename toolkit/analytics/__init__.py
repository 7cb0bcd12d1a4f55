"""Answers from frames: what was earned, at which prices, by whom, and what is held.

Frames in, frames out: each function takes frames that were fetched, read from a file or made by hand. What is
not in a frame, it fetches through a Link.
"""

import typing as _typing

from toolkit.analytics.commissions import commission
from toolkit.analytics.earnings import earnings
from toolkit.analytics.periods import Period, period
from toolkit.analytics.summaries import compare, summarize
from toolkit.analytics.valuation import value
from toolkit.text.suggestions import attributes_of_module as _attributes_of_module

__all__ = [
    "Period",
    "commission",
    "compare",
    "earnings",
    "period",
    "summarize",
    "value",
]


def __dir__() -> list[str]:
    return sorted(__all__)


if not _typing.TYPE_CHECKING:  # a type checker would accept every name otherwise
    __getattr__ = _attributes_of_module(__name__, __all__)
