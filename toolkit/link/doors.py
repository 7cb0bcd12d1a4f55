"""What all doors have in common: each hands its endpoint and its arguments on."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from toolkit.catalogue import Endpoint
from toolkit.errors import without_frames
from toolkit.fetch import Fetcher, Numbers, When

__all__ = ["Doors", "Numbers", "When"]


class Doors:
    """A namespace of doors, such as `link.spot`."""

    def __init_subclass__(cls, **more: object) -> None:
        super().__init_subclass__(**more)
        for name, door in list(vars(cls).items()):
            if not name.startswith("_"):
                setattr(cls, name, without_frames(door))  # keys and addresses are among the arguments

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
    ) -> pd.DataFrame:
        return self._fetcher.fetch(endpoint, arguments, start=start, end=end, numbers=numbers)

    def __repr__(self) -> str:
        names = [name for name in dir(self) if not name.startswith("_")]
        return f"{type(self).__name__}: {', '.join(names)}"
