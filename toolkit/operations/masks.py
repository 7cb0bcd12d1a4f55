"""What private values look like where they may be seen: as the exchange masks them itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from toolkit.catalogue import Param, Write
from toolkit.privacy import mask, masked_key

HIDDEN = "(hidden)"


class Hidden(Mapping[str, Any]):
    """Values that nothing shows: neither their text, nor what lists attributes or local variables."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Hidden({', '.join(self)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("private arguments are not pickled or copied: they would be written down in clear")


def masks(masked: str, key: str) -> bool:
    """Whether a masked key may be that one; a key that is not masked is, or is not."""
    if "*" not in masked:
        return masked == key
    return key.startswith(masked.partition("*")[0]) and key.endswith(masked.rpartition("*")[2])


def masked_answer(write: Write, payload: Mapping[str, Any]) -> dict[str, Any]:
    """An answer without what is private in it; fields nobody declared may be that, too."""
    declared = {wire for column in write.columns for wire in column.wires}
    shown = {
        name: value if name in declared else HIDDEN
        for name, value in payload.items()
        if name != write.hands_over
    }
    for column in write.columns:
        for wire in column.wires:
            if not column.masked or shown.get(wire) is None:
                continue
            if not isinstance(shown[wire], str):
                shown[wire] = HIDDEN
            elif column.masked == "key":
                shown[wire] = masked_key(shown[wire])
            else:
                shown[wire] = mask(shown[wire])
    return shown


def masked_argument(param: Param, value: object) -> object:
    """A private argument as it may be shown."""
    return masked_key(str(value)) if param.kind == "id" else HIDDEN
