"""Arguments that name some of a few words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from toolkit.errors import UsageError
from toolkit.text.suggestions import did_you_mean

Word = TypeVar("Word", bound=str)


def some_of(known: Sequence[Word], given: Sequence[str] | str, name: str) -> tuple[Word, ...]:
    """The known words that are given, each once and in the order in which they are known.

    Args:
        known: The words.
        given: Some of them, or one.
        name: Name of the argument.

    Raises:
        UsageError: One is unknown, or there is none.
    """
    words = (given,) if isinstance(given, str) else tuple(given)
    for each in words:
        if each not in known:
            raise UsageError(
                f"`{name}` must be some of {', '.join(map(repr, known))}, not {each!r}."
                f"{did_you_mean(each, known)}"
            )
    if not words:
        raise UsageError(f"`{name}` is empty: name at least one.")
    return tuple(each for each in known if each in words)
