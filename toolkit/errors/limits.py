"""What the rate limits forbid, and what keeps them from being shared."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from toolkit.errors.api import ApiError
from toolkit.errors.base import shown

if TYPE_CHECKING:
    import pandas as pd


class RateLimitError(ApiError):
    """Too much weight was used, and waiting did not help (429).

    Attributes:
        retry_after: Seconds the exchange asked to wait, None where it did not say.
    """

    advice = "Wait a moment, a minute at most; another program may be using the allowance of this address."

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
            advice = f"The exchange asked to wait {retry_after:,.0f} s: call again then."
        super().__init__(endpoint, status, code, message, advice=advice)


class BannedError(RateLimitError):
    """This address is banned (418). Nothing is sent until the ban ends.

    Attributes:
        until: When it ends, in UTC.
    """

    advice = "Nothing is sent before then; requests during a ban make it longer."

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
        said = f"{message.rstrip('.')}. The ban ends at {end}."
        super().__init__(endpoint, status, code, said, retry_after, advice=type(self).advice)


class RateLimitWarning(UserWarning):
    """The rate limits cannot be shared with the other processes of this machine.

    Attributes:
        partial: The whole frame, where the warning is made an error and came with a fetch.
    """

    partial: pd.DataFrame | None = None
    __str__ = shown
