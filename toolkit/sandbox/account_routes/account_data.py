"""What the rules for accounts share: the world, whose account is asked for, and pages of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.world import World

Item = TypeVar("Item")
RowsKept = Literal["oldest", "newest"]


@dataclass(frozen=True, slots=True)
class AccountData:
    """What a rule answers from.

    Attributes:
        world: The accounts.
        rows_kept: Which rows a response has when a span with a beginning holds more than the limit.
    """

    world: World
    rows_kept: RowsKept


Rule = Callable[[AccountData, CheckedRequest], object]
Rules = Mapping[str, Rule]


def page_size(request: CheckedRequest) -> int:
    """The largest number of rows of a response."""
    paging = request.endpoint.paging
    size = int(request.values.get(paging.size, paging.default or 2**31))
    return size if request.max_rows is None else min(size, request.max_rows)


def page_start(request: CheckedRequest) -> int:
    """Number of rows before the page that is asked for."""
    paging = request.endpoint.paging
    if paging.kind == "page":
        size = int(request.values.get(paging.size, paging.default or 0))
        return (int(request.values.get(paging.page_field, 1)) - 1) * size
    return int(request.values.get("offset", 0)) if paging.kind == "offset" else 0


def page_of(items: Sequence[Item], request: CheckedRequest) -> Sequence[Item]:
    """The items of the page that is asked for, by its number or by the number of items before it."""
    start = page_start(request)
    return items[start : start + page_size(request)]
