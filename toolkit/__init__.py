"""The analytics desk of a Binance Link partner, in Jupyter.

import toolkit

link = toolkit.demo()                       # made-up data; toolkit.Link() is the real thing
rebates = link.spot.rebates(start="-30D")   # a DataFrame: UTC times, oldest first, checked
toolkit.panels.weight(link)                 # how much of the rate limits is used
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from toolkit import amounts, errors
from toolkit._version import __version__
from toolkit.demo import demo
from toolkit.link import Link
from toolkit.listing import endpoints

if TYPE_CHECKING:
    from toolkit import charts, panels

__all__ = ["Link", "__version__", "amounts", "charts", "demo", "endpoints", "errors", "panels"]


def __getattr__(name: str) -> ModuleType:
    # Charts and panels bring matplotlib and ipywidgets: only for those who use them.
    if name in ("charts", "panels"):
        import importlib

        return importlib.import_module(f"toolkit.{name}")
    raise AttributeError(f"module 'toolkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
