"""Records kept as columns: one numpy array for each field, ascending by time."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from toolkit.sandbox.hashing import BoolArray, Int64Array


@dataclass(frozen=True, slots=True)
class Columns:
    """Records of one kind.

    Attributes:
        time: When each happened, in milliseconds; ascending.
    """

    time: Int64Array

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, rows: slice | BoolArray | Int64Array) -> Self:
        return type(self)(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})

    def until(self, at_ms: int) -> Self:
        """The records up to a time, which is included."""
        return self[: int(np.searchsorted(self.time, at_ms, side="right"))]

    def between(self, after_ms: int, until_ms: int) -> Self:
        """The records after one time, up to another, which is included."""
        first, last = np.searchsorted(self.time, (after_ms, until_ms), side="right")
        return self[int(first) : int(last)]

    @classmethod
    def empty(cls) -> Self:
        """No records."""
        return cls(
            **{
                each.name: np.empty(0, dtype=np.bool_ if each.type == "BoolArray" else np.int64)
                for each in fields(cls)
            }
        )

    @classmethod
    def joined(cls, *parts: Self) -> Self:
        """All records of some parts, in the order of their times; equal times keep the order of the parts."""
        order = np.argsort(np.concatenate([part.time for part in parts]), kind="stable")
        return cls(
            **{
                each.name: np.concatenate([getattr(part, each.name) for part in parts])[order]
                for each in fields(cls)
            }
        )
