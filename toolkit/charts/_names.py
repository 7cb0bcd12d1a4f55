"""What charts call customers and sub-accounts: by the user's own names where a frame has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import pandas as pd

from toolkit.charts._data import is_missing, labels
from toolkit.charts._text import LONGEST_NAME, short_name

_SHORTEST_NAME = 8


def id_column(frame: pd.DataFrame, column: str) -> str:
    """Return the column of ids that a column of names belongs to; the column itself if there is none.

    Two ids may have the same name, so rows are told apart by their ids alone.
    """
    ids = f"{column.removesuffix('_name')}_id"
    return ids if column.endswith("_name") and ids in frame and column in frame else column


def names_by_id(frame: pd.DataFrame, column: str) -> dict[str, str]:
    """Return what to call the ids of a column that have a name, each different from all others.

    Args:
        frame: The frame. Its names are in a column beside the ids, such as `customer_name` of `customer_id`.
        column: The column of ids.
    """
    names = f"{column.removesuffix('_id')}_name"
    if not column.endswith("_id") or names not in frame or isinstance(frame[names], pd.DataFrame):
        return {}
    pairs = pd.DataFrame({"id": labels(frame[column]), "name": frame[names].astype(object)}).drop_duplicates()
    found: dict[str, list[str]] = {}
    for id_, name in zip(pairs["id"], pairs["name"], strict=True):
        found.setdefault(id_, []).extend([] if is_missing(name) else [str(name)])
    # Frames that were put together may call an id different things.
    called = {id_: short_name(names[0]) if len(names) == 1 else id_ for id_, names in found.items()}
    uses = Counter(called.values())
    return {
        id_: name if uses[name] == 1 else _with_id(name, id_) for id_, name in called.items() if name != id_
    }


def _with_id(name: str, id_: str) -> str:
    return f"{short_name(name, max(_SHORTEST_NAME, LONGEST_NAME - len(id_) - 3))} ({id_})"


def in_words(names: Mapping[str, str], shown: Iterable[str]) -> str:
    """Return a sentence with the ids of the names in a chart, "" if there are none.

    Args:
        names: What ids are called, by id.
        shown: The ids in the chart.
    """
    called = {id_: names[id_] for id_ in shown if id_ in names}
    named = [f"{name} is {id_}" for id_, name in called.items() if not name.endswith(f"({id_})")]
    return f" {'; '.join(named)}." if named else ""
