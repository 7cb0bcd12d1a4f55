"""What all errors have in common, and those of calls that were not sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.text.printable import printable

if TYPE_CHECKING:
    import pandas as pd


def shown(error: BaseException) -> str:
    """Its text, which may quote what came from outside, fit to be shown."""
    return printable(BaseException.__str__(error))


class ToolkitError(Exception):
    """Base of every error of this package.

    Attributes:
        partial: What had arrived before it happened, None where nothing had.
    """

    partial: pd.DataFrame | None = None

    def __str__(self) -> str:
        text = shown(self)
        if self.partial is not None:
            text += f" The {len(self.partial)} rows that had arrived are in `.partial`."
        return text

    def __reduce__(self) -> tuple[object, ...]:
        # The default would call __init__ with the finished text; errors must cross processes whole.
        return _restore, (type(self), self.args, self.__dict__)


def _restore(cls: type[ToolkitError], args: tuple[object, ...], state: dict[str, object]) -> ToolkitError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class UsageError(ToolkitError, ValueError):
    """The arguments cannot be right. Nothing was sent."""


class NoKeyError(UsageError):
    """There is no key, or it cannot be used, or none may serve what was called. Nothing was sent."""


class InexactError(ToolkitError, ArithmeticError):
    """Exact amounts would have to be rounded, or become floats. Nothing was changed.

    What is exact stays exact: the text names the way to say where to round, or that an estimate will do.
    """
