"""Charts of DataFrames: a frame in, matplotlib Axes out, readable without any settings.

Amounts of different assets are never added up. A frame with several assets gets one chart for each, with a
scale of its own.

Frames may be filtered, have columns in the index, hold exact or float amounts, or be read back from Parquet
or CSV. A frame without rows draws an empty, labelled chart, so that a scheduled notebook does not fail.

`income`, `comparison`, `commission` and `holdings` are for reports: values in one currency, in which all
assets add up, on a white page. The backgrounds of the others are transparent, and their text is in a grey
that is readable on light and dark backgrounds. No global setting of matplotlib is changed.
"""

import typing as _typing

from toolkit.charts._candles import candles
from toolkit.charts._commission import commission
from toolkit.charts._comparison import comparison
from toolkit.charts._counts import balances, traders
from toolkit.charts._depth import depth
from toolkit.charts._funding import funding
from toolkit.charts._holdings import holdings
from toolkit.charts._income import income
from toolkit.charts._rebates import rebates
from toolkit.text.suggestions import attributes_of_module as _attributes_of_module

__all__ = [
    "balances",
    "candles",
    "commission",
    "comparison",
    "depth",
    "funding",
    "holdings",
    "income",
    "rebates",
    "traders",
]


def __dir__() -> list[str]:
    return __all__


if not _typing.TYPE_CHECKING:  # a type checker would accept every name otherwise
    __getattr__ = _attributes_of_module(__name__, __all__)
