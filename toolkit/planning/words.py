"""The words in which arguments are refused."""

from __future__ import annotations

from toolkit.endpoints import Endpoint
from toolkit.errors import UsageError
from toolkit.text.characters import unseen


def usage_error(endpoint: Endpoint, problem: str, question: str = "") -> UsageError:
    """The error of a call that cannot be right; `question` says what may have been meant."""
    return UsageError(f"{endpoint.qualified_name}: {problem}. Nothing was sent.{question}")


def check_visible(endpoint: Endpoint, name: str, text: str, *, lines: bool = False) -> None:
    """Refuse what is not what it looks like."""
    if character := unseen(text, lines=lines):
        raise usage_error(
            endpoint,
            f"`{name}` has {character} in it, which nobody sees or which looks like another character: leave "
            "it out",
        )


def quoted(value: object) -> str:
    """A value as it is said; only its kind where it is long."""
    text = repr(value)
    return text if len(text) <= 40 else kind_of(value)


def kind_of(value: object) -> str:
    """What kind of value it is, with its article."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
