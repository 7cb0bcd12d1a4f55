"""What the clients are asked, and what they should have read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from toolkit.client import Link
from toolkit.endpoints import ENDPOINTS_BY_NAME, Column, Endpoint
from toolkit.redaction import masked_key
from toolkit.sandbox import RegisteredKey, World

# Five whole days that are over, both midnights included: nothing is added to them any more. Some doors fill a
# page with them, and none is empty.
END = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
START = END - timedelta(days=5)

# What the exchange takes for granted where it chooses rows.
TAKEN_FOR_GRANTED = {"type": "1", "showAllStatus": "false", "filterResult": "false"}

# What is wrong with a request, and the codes that say so.
REFUSALS: Mapping[str, set[int]] = {
    "wrong secret": {-1022},
    "wrong key": {-2015},
    "malformed key": {-2014},
    "old timestamp": {-1021},
    "early timestamp": {-1021},
    "unknown parameter": {-1104, -1101},
    "missing parameter": {-1102},
}


@dataclass(frozen=True, slots=True)
class Query:
    """One call, as the client programs take it."""

    name: str
    path: str
    key: str
    secret: str
    params: Mapping[str, str] = field(default_factory=dict)
    behind_ms: int = 0
    method: str = "GET"

    def as_json(self) -> dict[str, Any]:
        """It, to be written down."""
        return asdict(self)


def request_params(endpoint: Endpoint, world: World) -> dict[str, str]:
    """Everything the endpoint insists on, a span, and as many rows as it gives at once."""
    params = dict(world.example(endpoint.qualified_name))
    if endpoint.window:
        params |= {"startTime": str(_milliseconds(START)), "endTime": str(_milliseconds(END))}
    if endpoint.paging.size:
        params[endpoint.paging.size] = str(endpoint.paging.maximum)
    return params


def read_ourselves(link: Link, endpoint: Endpoint, world: World) -> pd.DataFrame:
    """The same, through the toolkit's own door."""
    arguments: dict[str, Any] = {}
    example = world.example(endpoint.qualified_name)
    for param in endpoint.params:
        if param.field in example:
            words = {str(number): word for word, number in param.choices.items()}
            arguments[param.name] = words.get(example[param.field], example[param.field])
    if endpoint.window:
        arguments |= {"start": START, "end": END}
    frame: pd.DataFrame = getattr(getattr(link, endpoint.system), endpoint.name)(**arguments)
    # A client asks once.
    return frame.head(endpoint.paging.maximum) if endpoint.paging.size else frame


def held(endpoint: Endpoint, world: World) -> list[Any] | None:
    """The rows of the sandbox's own table, None where it has none."""
    try:
        table = world.table(endpoint.qualified_name)
    except KeyError:
        return None
    declared = {param.field: "" for param in endpoint.params}
    filters = {name: text for name, text in TAKEN_FOR_GRANTED.items() if name in declared}
    filters |= world.example(endpoint.qualified_name)
    start, end = (_milliseconds(moment) if endpoint.window else None for moment in (START, END))
    return table.slice(start, end, filters, 0, endpoint.paging.maximum or 2**31)


def rows_of(endpoint: Endpoint, answer: Any) -> list[Mapping[str, Any]]:
    """The rows of an answer, with what the wrapper says in each."""
    if endpoint.rows_field:
        outer = {
            field: answer[field] for column in endpoint.columns if column.outer for field in column.fields
        }
        return [{**outer, **row} for row in answer[endpoint.rows_field]]
    return answer if isinstance(answer, list) else [answer]


def loose(value: Any) -> Any:
    """Numbers as text: some clients read every number so, to lose no digit of it."""
    if isinstance(value, Mapping):
        return {name: loose(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [loose(each) for each in value]
    return value if isinstance(value, bool) or value is None else str(value)


def differences(endpoint: Endpoint, answer: Any, frame: pd.DataFrame, table: list[Any] | None) -> list[str]:
    """Where a client has read something else than we have, or than the sandbox holds."""
    rows = rows_of(endpoint, answer)
    if len(rows) != len(frame):
        return [f"{len(rows)} rows, and {len(frame)} of ours"]
    found = []
    if table is not None:
        inner = answer[endpoint.rows_field] if endpoint.rows_field else answer
        if loose(inner) != loose(table):
            found.append("not the rows of the sandbox's table")
    for column in endpoint.columns:
        if _is_now(endpoint, column):
            continue
        theirs = [_read(column, row) for row in rows]
        if column.masked == "key":
            theirs = [masked_key(text) for text in theirs]
        ours = [_plain(value) for value in frame[column.name].tolist()]
        if theirs != ours:
            pairs = zip(theirs, ours, strict=True)
            number, pair = next((n, pair) for n, pair in enumerate(pairs) if pair[0] != pair[1])
            found.append(f"{column.name} of row {number}: {pair[0]!r}, and {pair[1]!r} of ours")
    return found


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _is_now(endpoint: Endpoint, column: Column) -> bool:
    """Whether it is the moment of the answer, which no two answers have in common."""
    return column.kind == "time" and (column.outer or endpoint is ENDPOINTS_BY_NAME["futures.overview"])


def _read(column: Column, row: Mapping[str, Any]) -> Any:
    value = next((row[field] for field in column.fields if field in row), None)
    if value is None or isinstance(value, bool | list):
        return value
    if column.kind == "amount":
        return float(value)
    return int(value) if column.kind in ("integer", "time") else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return _milliseconds(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    return value if isinstance(value, list) or not pd.isna(value) else None


def bad_questions(partner: RegisteredKey) -> list[Query]:
    """Requests that must be refused, one for each of `REFUSALS`."""
    endpoint = ENDPOINTS_BY_NAME["exchange.bnb_burn"]
    account = {"subAccountId": "1"}
    changes: dict[str, dict[str, Any]] = {
        "wrong secret": {"secret": partner.secret[::-1]},
        "wrong key": {"key": partner.key[::-1]},  # as well-formed as the right one
        "malformed key": {"key": "not-a-key"},
        "old timestamp": {"behind_ms": 120_000},
        "early timestamp": {"behind_ms": -30_000},
        "unknown parameter": {"params": {**account, "colour": "blue"}},
        "missing parameter": {"params": {}},
    }
    good = Query("", endpoint.path, partner.key, partner.secret, account)
    return [replace(good, name=name, **changes[name]) for name in REFUSALS]
