"""Errors about responses that differ from the exchange's documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.errors.base import ToolkitError, shown

if TYPE_CHECKING:
    import pandas as pd


class ContractError(ToolkitError):
    """The response is not what the exchange's documentation promises: not JSON, cut off, or of another shape.

    Attributes:
        endpoint: The endpoint that was called.
        excerpt: The first characters of the response, for a bug report.
    """

    def __init__(self, endpoint: str, problem: str, excerpt: str = "") -> None:
        self.endpoint = endpoint
        self.excerpt = excerpt
        start = f" The response begins: {excerpt!r}." if excerpt else ""
        super().__init__(f"{endpoint}: {problem.rstrip('.')}.{start}")


class RedirectError(ContractError):
    """The response is a redirect. It was not followed, and the API key was not sent on.

    Attributes:
        target: The host it points to, without path and query.
    """

    def __init__(self, endpoint: str, status: int, target: str) -> None:
        self.target = target
        super().__init__(
            endpoint,
            f"the response (HTTP {status}) redirects to {target or 'nowhere'}. It was not followed, and "
            "nothing was executed. Check the host's address and any proxy in between",
        )


class RowOrderError(ContractError):
    """The rows are not sorted oldest first.

    Attributes:
        rows: Indices of the first two rows in the wrong order.
    """

    def __init__(self, endpoint: str, problem: str, rows: tuple[int, int]) -> None:
        self.rows = rows
        super().__init__(endpoint, problem)


class IncompleteError(ContractError):
    """Rows may be missing that cannot be fetched, or completeness cannot be proven.

    This happens when one millisecond holds as many rows as the exchange returns at once, when pages skip
    rows, when a list without pages is as long as the longest response, or when pages never end. All other
    rows are in `partial`; its `attrs["missing"]` lists the spans that may be incomplete.
    """


class UndeclaredFieldWarning(UserWarning):
    """The exchange sent a field that the toolkit does not know. The field was left out.

    Attributes:
        partial: The whole frame, if warnings are errors.
        outcome: The outcome of a write, if warnings are errors and this one came from a write.
    """

    partial: pd.DataFrame | None = None
    outcome: object = None
    __str__ = shown
