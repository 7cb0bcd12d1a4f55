"""Errors of the rate limits, and the warning that they cannot be shared."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from toolkit.errors.api import ApiError
from toolkit.errors.base import shown

if TYPE_CHECKING:
    import pandas as pd


class RateLimitError(ApiError):
    """A rate limit is used up: the exchange refused the request (429), or the wait would be too long.

    Attributes:
        retry_after: Seconds to wait, None if unknown.
    """

    advice = "Wait up to a minute; another program may be using the rate limit of this address."

    def __init__(
        self,
        endpoint: str,
        status: int,
        code: int | None,
        message: str,
        retry_after: float | None = None,
        *,
        advice: str | None = None,
    ) -> None:
        self.retry_after = retry_after
        if advice is None and retry_after is not None and retry_after > 60:
            advice = f"The exchange asked to wait {retry_after:,.0f} s: call again after that."
        super().__init__(endpoint, status, code, message, advice=advice)


class BannedError(RateLimitError):
    """This IP address is banned (418). Nothing is sent until the ban ends.

    Attributes:
        until: When the ban ends, in UTC.
    """

    advice = "Nothing is sent before then; requests during a ban prolong it."

    def __init__(
        self,
        endpoint: str,
        message: str,
        until: datetime,
        *,
        status: int = 418,
        code: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.until = until
        end = f"{until:%Y-%m-%d %H:%M:%S} UTC"
        text = f"{message.rstrip('.')}. The ban ends at {end}."
        super().__init__(endpoint, status, code, text, retry_after, advice=type(self).advice)


class RateLimitWarning(UserWarning):
    """The rate limits cannot be shared with the other processes of this machine.

    Attributes:
        partial: The whole frame, if warnings are errors and this one came from a fetch.
    """

    partial: pd.DataFrame | None = None
    __str__ = shown
