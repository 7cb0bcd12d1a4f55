"""Where the values of a row are in a response, and how a decoded response becomes rows.

Each row becomes a flat dict, whatever the layout: the fields of a nested object have paths such as
"data.total"; each object of a nested list such as "data.balances[].asset" is a row of its own, unless it is
selected by a value, as in "filters[filterType=LOT_SIZE].stepSize"; items of an array have their position as a
field, and a named object, or a row of one of several lists, its name as the field `ROW_NAME`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from toolkit.endpoints import Endpoint
from toolkit.endpoints.model import ROW_NAME

Row = Mapping[str, Any]

LIST = "[]"

_SELECTED = re.compile(r"(?P<name>[^.\[]+)\[(?P<field>[^.=\]]+)=(?P<value>[^.\]]+)\]")

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
        selected: The nested lists of which some objects are selected, by name.
        joined: The path of each list of lists of texts, by name.
    """

    leaves: dict[str, str] = field(default_factory=dict)
    objects: dict[str, Node] = field(default_factory=dict)
    lists: dict[str, Node] = field(default_factory=dict)
    selected: dict[str, Selection] = field(default_factory=dict)
    joined: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """The names of its fields."""
        return {*self.leaves, *self.objects, *self.lists, *self.selected, *self.joined}

    @property
    def is_flat(self) -> bool:
        """Whether nothing in it is nested."""
        return not (self.objects or self.lists or self.selected or self.joined)

    @property
    def is_plain(self) -> bool:
        """Whether nothing in it is selected or joined, on any level."""
        nested = (*self.objects.values(), *self.lists.values())
        return not self.selected and not self.joined and all(node.is_plain for node in nested)


@dataclass(slots=True)
class Selection:
    """A nested list whose objects are told apart by the value of a field.

    Attributes:
        field: The name of the field.
        objects: The selected objects, by value.
    """

    field: str
    objects: dict[str, Node]


def tree_of(paths: Iterable[str], undeclared: Container[str] = ()) -> Node:
    """The tree of paths such as "asset", "data.total", "data.balances[].asset" and "names[]".

    Args:
        paths: The paths.
        undeclared: Those of undeclared fields, whose names may end with anything.
    """
    root = Node()
    for path in paths:
        *parents, name = path.split(".")
        node = root
        for parent in parents:
            if match := _SELECTED.fullmatch(parent):
                selection = node.selected.setdefault(match["name"], Selection(match["field"], {}))
                node = selection.objects.setdefault(match["value"], Node())
                node.leaves.setdefault(match["field"], f"{path.rpartition('.')[0]}.{match['field']}")
                continue
            children = node.lists if parent.endswith(LIST) else node.objects
            node = children.setdefault(parent.removesuffix(LIST), Node())
        if name.endswith(LIST) and path not in undeclared:
            node.joined[name.removesuffix(LIST)] = path
        else:
            node.leaves[name] = path
    return root


@dataclass(slots=True)
class FlatRows:
    """The rows of a response.

    Attributes:
        rows: The fields of each row by path. Fields that are not in the tree may be there as well.
        outer: The fields of the objects around the rows.
        unknown: Paths of the fields that are not in the tree.
        lists: Number of rows in each of the endpoint's `row_lists`.
    """

    rows: Sequence[Row]
    outer: Row
    unknown: set[str]
    lists: tuple[int, ...] = ()


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
    if not is_success(endpoint, outer):
        wanted = json.dumps(endpoint.success_value)
        raise ShapeError(f"{endpoint.success_field!r} is not {wanted} in the response")
    return rows, outer


def is_success(endpoint: Endpoint, outer: Mapping[str, Any]) -> bool:
    """Whether the fields around the rows say that the rows are there."""
    found, wanted = outer.get(endpoint.success_field), endpoint.success_value
    return not endpoint.success_field or (type(found) is type(wanted) and found == wanted)


def flatten(endpoint: Endpoint, tree: Node, payload: Any) -> FlatRows:
    """The rows of a decoded response.

    Args:
        endpoint: The endpoint.
        tree: The tree of the fields of a row.
        payload: The JSON of the response.

    Raises:
        ShapeError: The response does not have the declared shape.
    """
    if endpoint.row_lists:
        return _several_lists(endpoint, tree, payload)
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


def _several_lists(endpoint: Endpoint, tree: Node, payload: Any) -> FlatRows:
    """The rows of lists beside each other, one list after the other."""
    rows: list[Row] = []
    unknown: set[str] = set()
    lengths: list[int] = []
    outer: Row = payload if isinstance(payload, dict) else {}
    for list_field, name in endpoint.row_lists.items():
        one_list = replace(endpoint, rows_field=list_field, row_lists={})
        flat = flatten(one_list, tree, payload)
        rows += [{**row, ROW_NAME: name} for row in flat.rows]
        unknown |= flat.unknown
        lengths.append(len(flat.rows))
    outer = {name: value for name, value in outer.items() if name not in endpoint.row_lists}
    return FlatRows(rows, outer, unknown, tuple(lengths))


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
    unknown |= {prefix + name for name in value.keys() - node.names}
    row = {path: value[name] for name, path in node.leaves.items() if name in value}
    for name, path in node.joined.items():
        if name in value:
            row[path] = _joined(value[name], f"{where}: {prefix + name!r}")
    for name, selection in node.selected.items():
        if name in value:
            row |= _selected(selection, value[name], where, prefix + name, unknown)
    rows: list[Row] = [row]
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


def _selected(selection: Selection, value: Any, where: str, path: str, unknown: set[str]) -> dict[str, Any]:
    """The fields of the objects in a list that are selected by a value."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ShapeError(f"{where}: {path!r} is not a list of objects")
    row: dict[str, Any] = {}
    found: set[str] = set()
    for each in value:
        which = each.get(selection.field)
        if not isinstance(which, str):
            raise ShapeError(f"{where}: an object in {path!r} has no text {selection.field!r}")
        name = f"{path}[{selection.field}={which}]"
        node = selection.objects.get(which)
        if node is None:
            unknown.add(name)
            continue
        if which in found:
            raise ShapeError(f"{where}: {name!r} is there twice")
        found.add(which)
        row |= _flat_rows(node, each, where, f"{name}.", unknown)[0]
    return row


def _joined(value: Any, what: str) -> list[str]:
    """A list of lists of texts as a list of texts."""
    if isinstance(value, list) and all(isinstance(texts, list) for texts in value):
        with suppress(TypeError):
            return ["|".join(texts) for texts in value]
    raise ShapeError(f"{what} is not a list of lists of texts")
