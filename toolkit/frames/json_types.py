"""The msgspec types of a response, made from the declaration.

msgspec refuses unknown and missing fields and other types, and what it accepts `strict_json` accepts too,
apart from a field that comes twice in one object. So the quotation marks are counted: as many must be in the
body as the fields and texts have that were read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal

import msgspec
from msgspec import NODEFAULT, UNSET, Raw
from msgspec.structs import astuple

from toolkit.endpoints import Column
from toolkit.frames.layout import Node
from toolkit.frames.plain import Unusual

_SCALAR = rb'(?:"[^"\\\x00-\x1f\x7f-\xff]{0,300}+"|-?\d{1,18}+(?:\.\d{1,18}+)?+|true|false|null)'
_SCALARS = re.compile(rb"%b(?:,%b)*+" % (_SCALAR, _SCALAR))

Texts = Literal["none", "all", "all or none", "lists", "raw"]
"""Which values of a field are texts."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field that has a value.

    Attributes:
        path: Its path in the row.
        type: Its msgspec type.
        texts: Which of its values are texts.
        optional: Whether it may be missing or null.
    """

    path: str
    type: Any
    texts: Texts
    optional: bool = False

    @property
    def default(self) -> Any:
        """The value where it is missing, or that there is none."""
        return UNSET if self.optional else NODEFAULT


def leaf_of(path: str, column: Column | None, *, swapped: bool) -> Leaf:
    """The leaf of a column's field.

    Args:
        path: The path of the field.
        column: The column; None for a field that no column has.
        swapped: Whether it has JSON numbers where text is usual, or the other way round.
    """
    if column is None:
        return Leaf(path, Raw, "raw", optional=True)
    if column.kind == "amount" and swapped:
        return Leaf(path, Raw, "raw", column.optional)
    type_: Any = str
    texts: Texts = "all"
    if column.kind == "id":
        type_, texts = int | str, "all or none"
    elif column.kind == "flag":
        type_, texts = bool, "none"
    elif column.kind == "texts":
        type_, texts = list[str], "lists"
    elif (column.kind == "integer" and not swapped) or (column.kind == "time" and column.unit != "text"):
        type_, texts = int, "none"
    return Leaf(path, type_ | None if column.optional else type_, texts, column.optional)


@dataclass(frozen=True, slots=True)
class ObjectType:
    """The type of an object.

    Attributes:
        type: The msgspec type.
        names: The names of its fields, in order.
        leaves: The fields that have a value, by position.
        objects: The nested objects, by position.
        lists: The nested lists of objects, by position; at most one.
    """

    type: Any
    names: tuple[str, ...]
    leaves: Mapping[int, Leaf]
    objects: Mapping[int, ObjectType]
    lists: Mapping[int, ObjectType]

    @property
    def shortest(self) -> int:
        """Bytes that its required fields have at least, 0 if there is a nested list, which may be empty."""
        if self.lists:
            return 0
        return sum(
            len(self.names[index]) + len('"":0,') for index, leaf in self.leaves.items() if not leaf.optional
        )

    def as_dict(self, struct: Any) -> dict[str, Any]:
        """An object of this type as the JSON it was; objects in a list are not converted."""
        values = {}
        for index, value in enumerate(astuple(struct)):
            if value is not UNSET:
                nested = self.objects.get(index)
                plain = msgspec.json.decode(value) if isinstance(value, Raw) else value
                values[self.names[index]] = plain if nested is None else nested.as_dict(value)
        return values


def object_type(node: Node, leaves: Mapping[str, Leaf], rows: Sequence[tuple[str, Any]] = ()) -> ObjectType:
    """The type of an object.

    Args:
        node: The names of its fields.
        leaves: The leaves, by path.
        rows: Name and type of each of the fields that hold the rows.
    """
    fields: list[tuple[str, Any, Any, Any]] = [
        (name, leaves[path].type, leaves[path].default, leaves[path]) for name, path in node.leaves.items()
    ]
    objects = {name: object_type(child, leaves) for name, child in node.objects.items()}
    lists = {name: object_type(child, leaves) for name, child in node.lists.items()}
    fields += [(name, each.type, NODEFAULT, each) for name, each in objects.items()]
    fields += [(name, list[each.type], NODEFAULT, each) for name, each in lists.items()]  # type: ignore[name-defined]
    fields += [(*each, NODEFAULT, None) for each in rows]
    fields.sort(key=lambda each: each[2] is not NODEFAULT)  # in the order in which msgspec takes them
    names = tuple(name for name, *_ in fields)
    attributes = {name: f"f{index}" for index, name in enumerate(names)}
    struct = msgspec.defstruct(
        "Fields",
        [(attributes[name], type_, default) for name, type_, default, _ in fields],
        rename={attribute: name for name, attribute in attributes.items()},
        forbid_unknown_fields=True,
        gc=False,
    )
    at = {name: index for index, name in enumerate(names)}
    return ObjectType(
        struct,
        names,
        {at[name]: leaf for name, *_, leaf in fields if isinstance(leaf, Leaf)},
        {at[name]: each for name, each in objects.items()},
        {at[name]: each for name, each in lists.items()},
    )


@dataclass(slots=True)
class Counted:
    """What was read of a response.

    Attributes:
        strings: Number of its strings, names of fields included.
        raw: The paths of fields that no column has, and that were there.
    """

    strings: int = 0
    raw: set[str] = field(default_factory=set)

    def columns_of(
        self, kind: ObjectType, objects: Sequence[Any]
    ) -> tuple[dict[str, Sequence[Any]], Sequence[int] | None]:
        """The values of objects by path, and how many rows each of them is, None for one each."""
        columns = list(zip(*map(astuple, objects), strict=True)) if objects else [()] * len(kind.names)
        self.strings += len(objects) * len(kind.names)
        values: dict[str, Sequence[Any]] = {}
        inner: dict[str, Sequence[Any]] = {}
        counts: Sequence[int] | None = None
        for index, leaf in kind.leaves.items():
            values[leaf.path] = self.values_of(leaf, columns[index])
        for index, nested in kind.objects.items():
            more, more_counts = self.columns_of(nested, columns[index])
            if more_counts is None:
                values |= more
            else:
                inner, counts = more, more_counts
        for index, nested in kind.lists.items():
            lists = columns[index]
            inner, more_counts = self.columns_of(nested, list(chain.from_iterable(lists)))
            if more_counts is not None:
                raise Unusual
            counts = list(map(len, lists))
        if counts is not None:
            values = {
                path: [value for value, count in zip(outer, counts, strict=True) for _ in range(count)]
                for path, outer in values.items()
            } | inner
        return values, counts

    def values_of(self, leaf: Leaf, values: Sequence[Any]) -> Sequence[Any]:
        """The values of a field, None where one is missing."""
        missing = 0
        if leaf.optional:
            missing = values.count(UNSET)
            self.strings -= missing
            if missing:
                values = [None if value is UNSET else value for value in values]
            missing = values.count(None)
        if leaf.texts == "all":
            self.strings += len(values) - missing
        elif leaf.texts == "all or none":
            if isinstance(next((value for value in values if value is not None), None), str):
                self.strings += len(values) - missing
        elif leaf.texts == "lists":
            self.strings += sum(len(texts) for texts in values if texts is not None)
        elif leaf.texts == "raw" and missing < len(values):
            self.raw.add(leaf.path)
            self.strings += _strings_in(values)
        return values

    def check(self, quotes: int) -> None:
        """Check that everything in the body was read.

        Args:
            quotes: Number of quotation marks in the body, which has no backslash.
        """
        if quotes != 2 * self.strings:
            raise Unusual


def _strings_in(values: Iterable[Any]) -> int:
    """Number of strings among plain values in JSON."""
    text = b",".join(bytes(value) for value in values if value is not None)
    if not _SCALARS.fullmatch(text):
        raise Unusual
    return text.count(b'"') // 2
