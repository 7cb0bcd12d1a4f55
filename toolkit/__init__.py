"""An analytics toolkit for Binance Link partners, in Jupyter.

import toolkit

link = toolkit.demo()                       # made-up data; toolkit.Link() is the real exchange
rebates = link.spot.rebates(start="-30D")   # a DataFrame: UTC times, oldest first, checked
toolkit.panels.weight(link)                 # how much of the rate limits is used
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from toolkit import amounts, errors
from toolkit._version import __version__
from toolkit.client import Link
from toolkit.demo import demo
from toolkit.endpoints.listing import list_endpoints
from toolkit.text.suggestions import attributes_of_module

if TYPE_CHECKING:
    from toolkit import analytics, charts, panels, types
    from toolkit.exports import concat, export, read

__all__ = [
    "Link",
    "__version__",
    "amounts",
    "analytics",
    "charts",
    "concat",
    "demo",
    "errors",
    "export",
    "list_endpoints",
    "panels",
    "read",
    "types",
]

# Silent by default: without a handler, Python prints warnings to stderr.
logging.getLogger(__name__).addHandler(logging.NullHandler())

_missing = attributes_of_module(__name__, __all__)


def __getattr__(name: str) -> Any:
    # Imported on first use: charts need matplotlib, panels and types ipywidgets, files more parts of Arrow, and
    # not every notebook needs analytics.
    if name in ("analytics", "charts", "panels", "types"):
        import importlib

        return importlib.import_module(f"toolkit.{name}")
    if name in ("concat", "export", "read"):
        from toolkit import exports

        return getattr(exports, name)
    try:
        _missing(name)
    except AttributeError as error:
        error.__traceback__ = None  # so that this frame is not shown
        raise


def __dir__() -> list[str]:
    return __all__
