"""A user's own names of customers and sub-accounts, beside their ids in frames. Pure.

Ids stay the identity: names are looked up by them, are never compared, and are sent nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import pandas as pd

from toolkit.endpoints import Column


def name_column(id_column: str) -> str:
    """Return the column for the names of a column of ids, such as `sub_account_name` for `sub_account_id`."""
    return f"{id_column.removesuffix('_id')}_name"


class Names:
    """The names, by id.

    Args:
        by_id: Name of each id.

    Attributes:
        by_id: As given, read-only.
    """

    __slots__ = ("by_id",)

    def __init__(self, by_id: Mapping[str, str]) -> None:
        self.by_id: Mapping[str, str] = MappingProxyType(dict(by_id))

    def add_to(self, frame: pd.DataFrame, columns: Iterable[Column]) -> None:
        """Insert the names into a frame, each column right after that of its ids.

        Args:
            frame: The frame. Ids without a name get a missing one.
            columns: The columns it was made from.
        """
        for column in columns:
            if column.named:
                at = list(frame.columns).index(column.name)
                frame.insert(at + 1, name_column(column.name), self._of(frame[column.name]))

    def _of(self, ids: pd.Series) -> pd.Series:
        which, different = pd.factorize(ids)
        names = [self.by_id.get(str(each)) for each in different]
        # A missing id is number -1, and so has the last one.
        return pd.Series(pd.array([*names, None], pd.StringDtype()).take(which), ids.index)

    def __repr__(self) -> str:
        return f"Names({len(self.by_id)}, hidden)"
