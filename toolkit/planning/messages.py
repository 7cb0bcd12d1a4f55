"""The error messages for invalid arguments."""

from __future__ import annotations

from toolkit.endpoints import Endpoint
from toolkit.errors import UsageError
from toolkit.text.characters import find_invisible


def usage_error(endpoint: Endpoint, problem: str, suggestion: str = "") -> UsageError:
    """A `UsageError` for a call; `suggestion` is a sentence with a leading space."""
    return UsageError(f"{endpoint.qualified_name}: {problem}. Nothing was sent.{suggestion}")


def check_visible(endpoint: Endpoint, name: str, text: str, *, lines: bool = False) -> None:
    """Raise for a text with invisible or deceptive characters."""
    if character := find_invisible(text, lines=lines):
        raise usage_error(
            endpoint,
            f"`{name}` contains {character}, which is invisible or looks like another character: remove it",
        )


def quoted(value: object) -> str:
    """The repr of a value, or its type if that is long or has several lines."""
    text = repr(value)
    return text if len(text) <= 40 and "\n" not in text else kind_of(value)


def kind_of(value: object) -> str:
    """The type of a value with its article, as in "an int"."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
