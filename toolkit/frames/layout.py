"""Where the values of a row are in a response, and how a decoded response becomes rows.

Each row becomes a flat dict, whatever the layout: the fields of a nested object have paths such as
"data.total"; each object of a nested list such as "data.balances[].asset" is a row of its own; items of an
array have their position as a field, and a named object its name as the field `ROW_NAME`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from toolkit.endpoints import Endpoint
from toolkit.endpoints.model import ROW_NAME

Row = Mapping[str, Any]

LIST = "[]"

# More than any row has: the items after them are not kept, and not even named as undeclared.
_MAX_POSITIONS = 100


class ShapeError(Exception):
    """A response that does not have the declared shape; the decoder turns it into a `ContractError`."""


@dataclass(slots=True)
class Node:
    """An object in a row, or the row itself.

    Attributes:
        leaves: The path of each field that has a value, by name.
        objects: The nested objects, by name.
        lists: The nested lists of objects, by name; at most one.
    """

    leaves: dict[str, str] = field(default_factory=dict)
    objects: dict[str, Node] = field(default_factory=dict)
    lists: dict[str, Node] = field(default_factory=dict)

    @property
    def is_flat(self) -> bool:
        """Whether nothing in it is nested."""
        return not self.objects and not self.lists


def tree_of(paths: Iterable[str]) -> Node:
    """The tree of paths such as "asset", "data.total" and "data.balances[].asset"."""
    root = Node()
    for path in paths:
        *parents, name = path.split(".")
        node = root
        for parent in parents:
            children = node.lists if parent.endswith(LIST) else node.objects
            node = children.setdefault(parent.removesuffix(LIST), Node())
        node.leaves[name] = path
    return root


@dataclass(slots=True)
class FlatRows:
    """The rows of a response.

    Attributes:
        rows: The fields of each row by path. Fields that are not in the tree may be there as well.
        outer: The fields of the objects around the rows.
        unknown: Paths of the fields that are not in the tree.
    """

    rows: Sequence[Row]
    outer: Row
    unknown: set[str]


def open_rows(endpoint: Endpoint, payload: Any) -> tuple[Any, dict[str, Any]]:
    """What holds the rows of a response, and the fields of the objects around it.

    Raises:
        ShapeError: There are no rows where they are declared.
    """
    if not endpoint.rows_field:
        return payload, {}
    outer: dict[str, Any] = {}
    rows = payload
    for name in endpoint.rows_field.split("."):
        if not isinstance(rows, dict):
            rows = None
            break
        outer |= {other: value for other, value in rows.items() if other != name}
        rows = rows.get(name)
    kind = dict if endpoint.row_layout == "named" else list
    if not isinstance(rows, kind):
        what = "object" if kind is dict else "list"
        raise ShapeError(f"the response has no {what} of rows named {endpoint.rows_field!r}")
    if endpoint.success_field and outer.get(endpoint.success_field) is not True:
        raise ShapeError(f"{endpoint.success_field!r} is not true in the response")
    return rows, outer


def flatten(endpoint: Endpoint, tree: Node, payload: Any) -> FlatRows:
    """The rows of a decoded response.

    Args:
        endpoint: The endpoint.
        tree: The tree of the fields of a row.
        payload: The JSON of the response.

    Raises:
        ShapeError: The response does not have the declared shape.
    """
    received, outer = open_rows(endpoint, payload)
    rows = _objects(endpoint, received)
    unknown: set[str] = set()
    if not tree.is_flat:
        flat: list[Row] = []
        for row_index, row in enumerate(rows):
            flat += _flat_rows(tree, row, f"row {row_index}", "", unknown)
        if endpoint.row_layout == "named":
            unknown.discard(ROW_NAME)
        return FlatRows(flat, outer, unknown)
    known = {*tree.leaves}
    if endpoint.row_layout == "named":
        known.add(ROW_NAME)
    for row in rows:
        if not row.keys() <= known:
            unknown |= row.keys() - known
    return FlatRows(rows, outer, unknown)


def _objects(endpoint: Endpoint, received: Any) -> Sequence[Row]:
    """The rows as objects."""
    if endpoint.row_layout == "named":
        if not isinstance(received, dict):
            raise ShapeError("the response is not an object of rows")
        for row_index, row in enumerate(received.values()):
            if not isinstance(row, dict):
                raise ShapeError(f"row {row_index} is not an object")
        return [{**row, ROW_NAME: name} for name, row in received.items()]
    if endpoint.row_layout == "arrays":
        if not isinstance(received, list):
            raise ShapeError("the response is not a list of rows")
        for row_index, row in enumerate(received):
            if not isinstance(row, list):
                raise ShapeError(f"row {row_index} is not a list")
        positions = [str(position) for position in range(_MAX_POSITIONS)]
        return [dict(zip(positions, row, strict=False)) for row in received]
    rows = received if isinstance(received, list) else [received]
    for row_index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise ShapeError(f"row {row_index} is not an object")
    return rows


def _flat_rows(node: Node, value: Row, where: str, prefix: str, unknown: set[str]) -> list[Row]:
    """The rows of an object: one, or as many as its nested list has."""
    unknown |= {
        prefix + name
        for name in value
        if name not in node.leaves and name not in node.objects and name not in node.lists
    }
    rows: list[Row] = [{path: value[name] for name, path in node.leaves.items() if name in value}]
    for name, child in node.objects.items():
        if name in value:
            if not isinstance(value[name], dict):
                raise ShapeError(f"{where}: {prefix + name!r} is not an object")
            nested = _flat_rows(child, value[name], where, f"{prefix}{name}.", unknown)
            rows = [{**row, **more} for row in rows for more in nested]
    for name, child in node.lists.items():
        if name in value:
            path = prefix + name + LIST
            if not isinstance(value[name], list) or not all(isinstance(each, dict) for each in value[name]):
                raise ShapeError(f"{where}: {prefix + name!r} is not a list of objects")
            nested = [
                more for each in value[name] for more in _flat_rows(child, each, where, f"{path}.", unknown)
            ]
            rows = [{**row, **more} for row in rows for more in nested]
    return rows
