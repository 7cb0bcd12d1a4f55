"""Answers from frames: what was earned, at which prices, by whom, and what is held."""

import typing as _typing

from toolkit.analytics.periods import Period, period
from toolkit.text.suggestions import attributes_of_module as _attributes_of_module

__all__ = [
    "Period",
    "period",
]


def __dir__() -> list[str]:
    return sorted(__all__)


if not _typing.TYPE_CHECKING:  # a type checker would accept every name otherwise
    __getattr__ = _attributes_of_module(__name__, __all__)
