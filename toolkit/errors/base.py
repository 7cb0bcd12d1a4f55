"""The base of all errors, and errors raised before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.text.printable import printable

if TYPE_CHECKING:
    import pandas as pd


def shown(error: BaseException) -> str:
    """The text of an error, printable: it may quote text from outside."""
    return printable(BaseException.__str__(error))


class ToolkitError(Exception):
    """Base class of all errors of this package.

    Attributes:
        partial: The rows that arrived before the error, None if there were none.
        concerns: Which of several values of an argument it is about, such as "`symbol` 'ETHUSDT'"; "" where
            the call has one value.
    """

    partial: pd.DataFrame | None = None
    concerns: str = ""

    def __str__(self) -> str:
        text = shown(self)
        if self.concerns:
            text += f" This is about {printable(self.concerns)}."
        if self.partial is not None:
            rows = len(self.partial)
            arrived = "row that had arrived is" if rows == 1 else f"{rows} rows that had arrived are"
            text += f" The {arrived} in `.partial`."
        return text

    def __reduce__(self) -> tuple[object, ...]:
        # By default pickle calls __init__ with the finished text, which drops the attributes.
        return _restore, (type(self), self.args, self.__dict__)


def _restore(cls: type[ToolkitError], args: tuple[object, ...], state: dict[str, object]) -> ToolkitError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class UsageError(ToolkitError, ValueError):
    """An argument is invalid. Nothing was sent.

    `link.get` raises it, too, after a response in which `rows` must choose the rows; `partial` has all of it.
    """


class NoKeyError(UsageError):
    """There is no API key, it cannot be used, or none may serve this endpoint. Nothing was sent."""


class InexactError(ToolkitError, ArithmeticError):
    """An operation on exact amounts would round them or turn them into floats. Nothing was changed.

    The text says how to allow it: where to round, or how to ask for an estimate.
    """


class ExportError(ToolkitError, OSError):
    """A file cannot be written, for example because the disk is full. A file that was there is as it was.

    The cause is the error of the operating system.
    """


class ProvenanceError(ToolkitError):
    """A file is not known to be what was exported: it was changed, or its provenance is missing or newer."""
