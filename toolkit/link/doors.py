"""What all doors have in common: each hands its endpoint and its arguments on."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from toolkit.catalogue import Endpoint
from toolkit.fetch import Emails, Fetcher, Namespace, Numbers, When

__all__ = ["Doors", "Emails", "Numbers", "When"]


class Doors(Namespace):
    """A namespace of doors, such as `link.spot`."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    def _fetch(
        self,
        endpoint: Endpoint,
        arguments: Mapping[str, object],
        *,
        start: When = None,
        end: When = None,
        numbers: Numbers | None = None,
        emails: Emails | None = None,
    ) -> pd.DataFrame:
        return self._fetcher.fetch(endpoint, arguments, start=start, end=end, numbers=numbers, emails=emails)
