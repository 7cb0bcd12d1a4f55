"""Where the rows of a frame come from: its attrs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pandas as pd

from toolkit.gateway.calls import RequestStats
from toolkit.gateway.connection import Connection


class Provenance:
    """Tells where rows come from.

    Args:
        connection: The connection over which they come.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def attrs(
        self,
        qualified_name: str,
        system: str,
        shown: Mapping[str, object],
        stats: RequestStats,
        *,
        is_private: bool,
        complete: bool,
    ) -> dict[str, object]:
        """The frame's attrs.

        `account` is the account that private rows are of, as far as it is known without a request.
        `fetched_at` is this machine's time and `server_time` the host's, both at the end. `as_of` is the
        earliest `Date` of all responses in the frame: no part of it is older. It is None if a response has no
        such header, or came from a cache. `example` tells whether the rows are made up from a documented
        example, as a sandbox does for endpoints without a rule.
        """
        fetched_at = datetime.fromtimestamp(self._connection.clock.time(), UTC)
        return {
            "endpoint": qualified_name,
            "system": system,
            "source": self._connection.source,
            "account": self._connection.accounts.known(self._connection.sender) if is_private else None,
            "parameters": dict(shown),
            "fetched_at": fetched_at.isoformat(timespec="milliseconds"),
            "server_time": stats.server_time and stats.server_time.isoformat(timespec="milliseconds"),
            "as_of": stats.as_of and stats.as_of.isoformat(timespec="milliseconds"),
            "requests": stats.requests,
            "weight": stats.weight,
            "complete": complete,
            "example": stats.example,
        }

    def add_account(self, frame: pd.DataFrame, *, is_private: bool) -> None:
        """Look up the account of a private frame that does not have it; an interrupt carries the frame."""
        if not is_private or frame.attrs["account"] is not None:
            return
        try:
            frame.attrs["account"] = self._connection.accounts.look_up(self._connection.sender)
        except BaseException as error:
            error.partial = frame  # type: ignore[attr-defined]
            raise
