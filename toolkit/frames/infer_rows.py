"""Finds the rows in the response of an undeclared endpoint.

Objects around the rows are opened, and their other fields become columns of each row. So do the fields of
objects within a row. The key of a value is the path of its field within the row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from toolkit.errors import UsageError
from toolkit.redaction import displayable_names

Path = tuple[str, ...]
"""The fields that lead from a response to its rows. Where one is a list, they lead on from each item."""
Key = tuple[str | None, ...]
"""The fields that lead from a row to a value. After None comes a name that is no field of the response."""
Row = dict[Key, Any]

_NAME: Key = (None, "name")

# More than any response has. The memory of a frame grows with the product of rows and fields.
MAX_ROWS, MAX_FIELDS, MAX_VALUES = 50_000, 500, 1_000_000
# Characters of the texts around the rows, repeated in each of them.
_MAX_REPEATED = 1 << 26

# Usual names of the list of rows; an empty list there means that there are no rows.
_ROWS_FIELDS = frozenset({"rows", "data", "list", "items", "records", "transfers"})
# Usual names of the object around everything else.
_ENVELOPES = frozenset({"data", "result", "response", "payload", "body"})
# A field of an object, as opposed to the name of one of several like objects: BTC, BTCUSDT, 0x5759, 1234.
_FIELD = re.compile(r"[a-z][A-Za-z0-9_]*")


class TooLarge(Exception):  # noqa: N818 - it becomes an error of the package
    """The response would make too large a frame. Says why."""


def find_path(payload: Any) -> Path:
    """The path of the rows.

    Objects that only wrap another one are opened. Then the rows are the objects in an object of like ones, or
    the only list, at any depth. Where there is none, the object itself is the only row.

    Raises:
        UsageError: There are several lists.
    """
    path: Path = ()
    node = payload
    while isinstance(node, dict) and not _is_named(node):
        wrapped = _wrapped_field(node)
        if wrapped is None:
            break
        path, node = (*path, wrapped), node[wrapped]
    if not isinstance(node, dict) or _is_named(node):
        return path
    lists = list(_lists(node))
    if len(lists) > 1:
        raise _unclear("has several lists", [(*path, *each) for each in lists])
    if lists:
        return (*path, *lists[0])
    empty = [field for field, value in node.items() if value == []]
    rows_field = [field for field in empty if field in _ROWS_FIELDS or len(node) == 1]
    return (*path, *rows_field[:1])


def choose_path(payload: Any, chosen: str) -> Path:
    """The path that ends in the chosen fields, which are joined by dots.

    All fields from the response on are needed only where several paths end in the same ones.

    Raises:
        UsageError: There is none, or there are several.
    """
    paths = list(_containers(payload))
    names = {".".join(path): path for path in paths}
    if chosen in names:
        return names[chosen]
    ending = [path for name, path in names.items() if name.endswith(f".{chosen}")]
    if len(ending) == 1:
        return ending[0]
    if ending:
        raise _unclear(f"has several lists called {displayable_names([chosen])[0]!r}", ending)
    raise _unclear(f"has no list or object called {displayable_names([chosen])[0]!r}", paths)


def is_one_object(payload: Any) -> bool:
    """Whether a response is an object without lists or names: these might continue on another page.

    A list of texts does not count. An empty list does: it may be the page after the last.
    """
    if not isinstance(payload, dict):
        return False
    level: list[Any] = [payload]
    while level:
        for node in level:
            if isinstance(node, list) and not (node and all(isinstance(each, str) for each in node)):
                return False
        level = [
            value
            for node in level
            if isinstance(node, dict)
            for value in node.values()
            if isinstance(value, dict | list)
        ]
    node = payload
    for field in find_path(payload):
        node = node[field]
    return not _is_named(node)


def rows_at(payload: Any, path: Path, columns: Sequence[str] | None = None) -> tuple[list[Row], Row]:
    """The rows at a path, and a row with only the fields around them.

    Args:
        payload: The response.
        path: The path of the rows; () for the response itself.
        columns: Names of the items of rows that are lists.

    Raises:
        TooLarge: The rows have more values than a response ever has.
        UsageError: `columns` does not match the rows.
    """
    items: list[tuple[Row, Any]] = [({}, payload)]
    for field in path:
        _check_rows(items)
        inner = [
            (outer, _beside(each, field), each[field])
            for outer, node in items
            for each in _objects([node])
            if field in each
        ]
        merged = _merged([(outer, beside) for outer, beside, _ in inner])
        items = [(row, value) for row, (_, _, value) in zip(merged, inner, strict=True)]
    around = dict(items[0][0]) if items else {}
    _check_rows(items)
    found = [(outer, row) for outer, node in items for row in _as_rows(node, columns)]
    if not found and columns:
        around |= dict.fromkeys((name,) for name in columns)
    rows = _flat(_merged(found) if found else [around])
    return (rows, {}) if found else ([], rows[0])


def whole(payload: Any) -> list[Row]:
    """The response as it is: one row, or those of a list, with all that is nested in them."""
    items = payload if isinstance(payload, list) else [payload]
    return [
        {(field,): value for field, value in item.items()} if isinstance(item, dict) else {("value",): item}
        for item in items
    ]


def check_size(rows: Sequence[Row]) -> None:
    """Refuse rows that would make too large a frame.

    Raises:
        TooLarge: They would.
    """
    fields = len({key for row in rows for key in row})
    if fields > MAX_FIELDS or fields * len(rows) > MAX_VALUES:
        raise TooLarge(f"the response has {len(rows):,} rows with {fields:,} different fields")


# -- where rows are -------------------------------------------------------------------------------------


def _is_named(node: Mapping[str, Any]) -> bool:
    """Whether an object is several like objects, each under its name."""
    if not node or not all(isinstance(value, dict) for value in node.values()):
        return False
    if not any(map(_FIELD.fullmatch, node)):
        return True
    fields = [value.keys() for value in node.values()]
    shared = set(fields[0]).intersection(*fields[1:])
    return len(node) > 1 and bool(shared) and 2 * len(shared) >= len(set().union(*fields))


def _wrapped_field(node: Mapping[str, Any]) -> str | None:
    """The field of the object that another one only wraps."""
    objects = [field for field, value in node.items() if isinstance(value, dict) and value]
    if len(objects) != 1 or any(map(_is_rows, node.values())):
        return None
    (field,) = objects
    inner = node[field]
    is_wrapper = len(node) == 1 or field in _ENVELOPES
    return field if is_wrapper or (_is_named(inner) and not any(map(_FIELD.fullmatch, inner))) else None


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict | list) for item in value)


def _lists(node: Mapping[str, Any]) -> Iterator[Path]:
    """The paths of all lists of objects or lists that are not within a list."""
    level: list[tuple[Path, Mapping[str, Any]]] = [((), node)]
    while level:
        inner = [
            ((*path, field), value)
            for path, each in level
            for field, value in each.items()
            if isinstance(value, dict | list)
        ]
        yield from (path for path, value in inner if _is_rows(value))
        level = [(path, value) for path, value in inner if isinstance(value, dict)]


def _containers(payload: Any) -> Iterator[Path]:
    """The paths of all lists and objects, those in lists included."""
    level: dict[Path, list[Any]] = {(): [payload]}
    while level:
        inner: dict[Path, list[Any]] = {}
        for path, nodes in level.items():
            for each in _objects(nodes):
                for field, value in each.items():
                    if isinstance(value, dict | list):
                        inner.setdefault((*path, field), []).append(value)
        yield from inner
        level = inner


def _objects(nodes: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    for node in nodes:
        yield from (each for each in (node if isinstance(node, list) else [node]) if isinstance(each, dict))


def _unclear(problem: str, paths: Iterable[Path]) -> UsageError:
    names = displayable_names(".".join(path) for path in islice(paths, MAX_FIELDS))
    if not names:
        return UsageError(f"The response {problem}, and none at all: leave out `rows`.")
    return UsageError(f"The response {problem}: choose with `rows` from {', '.join(names)}.")


# -- what they contain ----------------------------------------------------------------------------------


def _check_rows(items: Iterable[tuple[Row, Any]]) -> None:
    """Refuse too many rows before they are made."""
    if sum(len(node) if isinstance(node, list) else 1 for _, node in items) > MAX_ROWS:
        raise TooLarge(f"the response has more than {MAX_ROWS:,} rows")


def _beside(node: Mapping[str, Any], field: str) -> Row:
    """The other fields of an object on the path."""
    return {
        (name,): _without_rows(value) for name, value in node.items() if name != field and not _is_rows(value)
    }


def _without_rows(value: Any) -> Any:
    """A value without the lists of rows in its objects, so that these are not repeated in each row."""
    if not isinstance(value, dict):
        return value
    return {name: _without_rows(inner) for name, inner in value.items() if not _is_rows(inner)}


def _as_rows(node: Any, columns: Sequence[str] | None) -> list[Row]:
    if isinstance(node, dict) and _is_named(node):
        rows: list[Row] = [
            {_NAME: name} | {(field,): value for field, value in each.items()} for name, each in node.items()
        ]
    else:
        items = node if isinstance(node, list) else [] if node is None else [node]
        if columns is not None:
            return _with_columns(items, columns)
        rows = list(map(_as_row, items))
    if columns is not None:
        raise _not_arrays()
    return rows


def _as_row(item: Any) -> Row:
    if isinstance(item, dict):
        return {(field,): value for field, value in item.items()}
    if isinstance(item, list):
        return {(f"c{index}",): value for index, value in enumerate(item)}
    return {("value",): item}


def _with_columns(items: Sequence[Any], columns: Sequence[str]) -> list[Row]:
    if any(isinstance(item, dict) for item in items):
        raise _not_arrays()
    arrays = [item if isinstance(item, list) else [item] for item in items]
    width = max(map(len, arrays), default=len(columns))
    if width != len(columns):
        raise UsageError(
            f"`columns` has {len(columns)} names, but the rows of the response have {width} items."
        )
    return [{(name,): value for name, value in zip(columns, array, strict=False)} for array in arrays]


def _not_arrays() -> UsageError:
    return UsageError(
        "`columns` names the items of rows that are lists, but these rows have names of their own."
    )


def _merged(pairs: Sequence[tuple[Row, Row]]) -> list[Row]:
    """Join outer and inner fields. An outer field that has the name of an inner one is called "outer_..."."""
    if len(pairs) > MAX_ROWS:
        raise TooLarge(f"the response has more than {MAX_ROWS:,} rows")
    inner_keys = {key for _, inner in pairs for key in inner}
    sizes: dict[int, int] = {}
    values = repeated = 0
    for outer, inner in pairs:
        if id(outer) not in sizes:
            sizes[id(outer)] = _text_size(list(outer.values()))
        values += len(outer) + len(inner)
        repeated += sizes[id(outer)]
        if values > MAX_VALUES:
            raise TooLarge(f"the response has {len(pairs):,} rows with more than {MAX_VALUES:,} values")
        if repeated > _MAX_REPEATED:
            raise TooLarge(
                "the texts around the rows of the response are too long to be repeated in each row"
            )
    names: dict[Key, Key] = {}
    for key in {key for outer, _ in pairs for key in outer}:
        name = key
        while name in inner_keys:
            name = (None, "outer", *name)
        names[key] = name
    return [{names[key]: value for key, value in outer.items()} | inner for outer, inner in pairs]


def _text_size(values: Iterable[Any]) -> int:
    """Number of characters of all texts in values, which are nested no deeper than the JSON parser allows."""
    size = 0
    for value in values:
        if isinstance(value, str):
            size += len(value)
        elif isinstance(value, dict | list):
            size += _text_size(value.values() if isinstance(value, dict) else value)
    return size


def _flat(rows: list[Row]) -> list[Row]:
    """Give the fields of objects columns of their own, at any depth.

    A field that has an object in some rows and another value in others stays as it is.
    """
    while True:
        check_size(rows)
        mixed: set[Key] = set()
        objects: set[Key] = set()
        values = 0
        for row in rows:
            for key, value in row.items():
                if isinstance(value, dict):
                    values += len(value)
                    if value:
                        objects.add(key)
                elif value is not None:
                    mixed.add(key)
        objects -= mixed
        if not objects:
            return rows
        if values > MAX_VALUES:
            raise TooLarge(f"the objects in the response have more than {MAX_VALUES:,} fields")
        rows = [dict(_opened(row, objects)) for row in rows]


def _opened(row: Row, objects: set[Key]) -> Iterator[tuple[Key, Any]]:
    for key, value in row.items():
        if key in objects:
            yield from (((*key, field), inner) for field, inner in (value or {}).items())
        else:
            yield key, value
