"""A DataFrame in, matplotlib Axes out, with nothing to set before it looks right.

Amounts of different assets are never added up: one BTC and one USDT are not two of anything. Where a
frame holds several assets each gets a scale of its own.

Frames may be filtered, have their columns in the index, hold exact or float amounts, or come back from
Parquet or CSV. One without rows draws an empty, labelled chart, so that a scheduled notebook goes on.

Colours go to the artists; no global setting is touched. Backgrounds are transparent and text is a
grey that reads on white and on black, so that a chart fits a light and a dark notebook.
"""

import typing as _typing

from toolkit.charts._counts import balances, traders
from toolkit.charts._rebates import rebates
from toolkit.text.suggestions import attributes_of_module as _attributes_of_module

__all__ = ["balances", "rebates", "traders"]


def __dir__() -> list[str]:
    return __all__


if not _typing.TYPE_CHECKING:  # or every name would seem to be there
    __getattr__ = _attributes_of_module(__name__, __all__)
