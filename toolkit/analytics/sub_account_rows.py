"""Reads many sub-accounts in one call, and goes on where the exchange refuses one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from toolkit.errors import ApiError, NotFoundError, RefusedError

_MOST_REFUSED = 3
"""If so many are refused and none is answered, the refusals are not about single sub-accounts."""


@dataclass(slots=True)
class SubAccountRows:
    """What has been read of sub-accounts so far.

    Attributes:
        frames: The rows; those of a sub-account are together.
        refused: The sub-accounts that the exchange refused to tell of, each with the error.
    """

    frames: list[pd.DataFrame] = field(default_factory=list)
    refused: dict[str, ApiError] = field(default_factory=dict)

    def read(self, read: Callable[[list[str]], pd.DataFrame], accounts: Sequence[str], column: str) -> None:
        """Read sub-accounts; those that are refused are recorded.

        The read ends at the first refusal, whose error does not say of which sub-account it is. Those without
        rows are then read one by one until it is found, and the rest together again.

        Args:
            read: Reads a list of sub-accounts.
            accounts: The sub-accounts.
            column: The column that says whose a row is.

        Raises:
            ToolkitError: The read failed in another way; what came before is in `frames`.
        """
        rest = asked = list(accounts)
        answered, refused = False, 0
        while rest:
            try:
                self.frames.append(read(asked))
            except BaseException as error:
                is_refusal = isinstance(error, NotFoundError | RefusedError)
                partial = getattr(error, "partial", None)
                if isinstance(partial, pd.DataFrame):
                    whole = _whole_accounts(partial, column)
                    self.frames.append(partial[partial[column].isin(whole)] if is_refusal else partial)
                    answered, rest = answered or bool(whole), [each for each in rest if each not in whole]
                if not isinstance(error, NotFoundError | RefusedError):
                    raise
                if len(asked) > 1:
                    asked = rest[:1]
                    continue
                self.refused[asked[0]] = error
                refused += 1
                if not answered and refused >= _MOST_REFUSED:
                    raise
                rest = asked = [each for each in rest if each != asked[0]]
            else:
                answered, rest = True, rest[len(asked) :]
                asked = rest[:1]


def _whole_accounts(partial: pd.DataFrame, column: str) -> set[str]:
    """The sub-accounts all of whose rows are in the partial result of a read.

    An incomplete one is named in `missing`. Where its name is hidden, as addresses are, a response has all
    rows of a sub-account.
    """
    missing = {each[0] for each in partial.attrs.get("missing", [])}
    return set(partial[column].dropna()) - missing
