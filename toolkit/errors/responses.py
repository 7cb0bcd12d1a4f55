"""What the exchange answered and did not document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.errors.base import ToolkitError, shown

if TYPE_CHECKING:
    import pandas as pd


class ContractError(ToolkitError):
    """The answer is not what the documents promise: not JSON, cut off, or of another shape.

    Attributes:
        endpoint: The door that was called.
        excerpt: The first characters of the answer, for the report of the problem.
    """

    def __init__(self, endpoint: str, problem: str, excerpt: str = "") -> None:
        self.endpoint = endpoint
        self.excerpt = excerpt
        began = f" The answer began: {excerpt!r}." if excerpt else ""
        super().__init__(f"{endpoint}: {problem.rstrip('.')}.{began}")


class RedirectError(ContractError):
    """A redirect. It was not followed, and the key was not sent on.

    Attributes:
        target: Host the answer pointed to, without path or query.
    """

    def __init__(self, endpoint: str, status: int, target: str) -> None:
        self.target = target
        super().__init__(
            endpoint,
            f"the answer (HTTP {status}) redirects to {target or 'nowhere'}; it was not followed and "
            "nothing was executed. Check the host's address and any proxy in between",
        )


class RowOrderError(ContractError):
    """The rows are not oldest first.

    Attributes:
        rows: Positions of the first two rows that stand the wrong way round.
    """

    def __init__(self, endpoint: str, problem: str, rows: tuple[int, int]) -> None:
        self.rows = rows
        super().__init__(endpoint, problem)


class IncompleteError(ContractError):
    """Rows may be missing that cannot be had, or of which nobody can tell whether there are any.

    One millisecond holds as many rows as the exchange hands out in one answer; pages leave rows out between
    them; a list without pages is as long as a list that was cut; or there is no end of it. Everything else
    is in `partial`, and its `attrs["missing"]` tells the times that are not known to be whole.
    """


class UndeclaredFieldWarning(UserWarning):
    """The exchange sent a field the catalogue does not know; it was left out.

    Attributes:
        partial: The whole frame, where the warning is made an error.
        outcome: The outcome, where it is made an error and came with a write.
    """

    partial: pd.DataFrame | None = None
    outcome: object = None
    __str__ = shown
