"""The calls that the clients make, and what they should read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any

import pandas as pd

from toolkit.client import Link
from toolkit.endpoints import ENDPOINTS, ENDPOINTS_BY_NAME, OWN_ENDPOINTS, Column, Endpoint
from toolkit.endpoints.model import ROW_NAME, TimeUnit
from toolkit.redaction import masked_key
from toolkit.sandbox import RegisteredKey, World
from toolkit.sandbox.world.tables import OWNER

# Five whole days in the past, both midnights included: their rows do not change. Some endpoints fill a page
# with them, and none is empty.
END = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
START = END - timedelta(days=5)

LINK_READS = tuple(endpoint for endpoint in ENDPOINTS if not endpoint.system.startswith("market."))
MARKET_READS = tuple(endpoint for endpoint in ENDPOINTS if endpoint.system.startswith("market."))

# Defaults of parameters that filter rows.
FILTER_DEFAULTS = {"type": "1", "showAllStatus": "false", "filterResult": "false"}

# Balances and positions are valued at the prices of the moment, which move on between two reads.
VALUED_NOW = {
    *("exchange.spot_balances", "exchange.margin_balances", "exchange.futures_balances"),
    *(
        "exchange.margin_account",
        "exchange.futures_account",
        "exchange.futures_summary",
        "exchange.positions",
    ),
    *("account.wallet.wallets", "account.wallet.assets", "account.wallet.funding_assets"),
    *("account.futures.info", "account.futures.assets", "account.futures.balances"),
    "account.futures.positions",
}
MAX_MOVE = 0.05

# Mistakes of a request, and the codes that report them.
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
class ClientCall:
    """One call, as passed to the client programs."""

    name: str
    path: str
    key: str
    secret: str
    params: Mapping[str, str] = field(default_factory=dict)
    behind_ms: int = 0
    method: str = "GET"
    signed: bool = True

    def as_json(self) -> dict[str, Any]:
        """The call as a JSON object."""
        return asdict(self)


def request_params(endpoint: Endpoint, world: World) -> dict[str, str]:
    """The required parameters of an endpoint and those always sent, a span, and the maximum page size."""
    params = dict(world.example(endpoint.qualified_name))
    for param in endpoint.params:
        if param.fixed is not None:
            params[param.field] = param.fixed if isinstance(param.fixed, str) else str(param.fixed).lower()
    if endpoint.window:
        start, end = _span(endpoint)
        params |= {"startTime": str(_milliseconds(start)), "endTime": str(_milliseconds(end))}
    if endpoint.paging.size:
        params[endpoint.paging.size] = str(endpoint.paging.maximum)
    return params


def _span(endpoint: Endpoint) -> tuple[datetime, datetime]:
    """Five days, or as much of them as one request may ask for."""
    longest = endpoint.window.max_span if endpoint.window else None
    return max(START, END - (longest or END - START)), END


def read_with_toolkit(link: Link, endpoint: Endpoint, world: World) -> pd.DataFrame:
    """The same rows, read with the toolkit."""
    arguments: dict[str, Any] = {}
    example = world.example(endpoint.qualified_name)
    for param in endpoint.params:
        if param.field in example and param.fixed is None:
            words = {str(number): word for word, number in param.choices.items()}
            arguments[param.name] = words.get(example[param.field], example[param.field])
    if endpoint.window:
        arguments["start"], arguments["end"] = _span(endpoint)
    frame: pd.DataFrame = attrgetter(endpoint.qualified_name)(link)(**arguments)
    # A client reads one page.
    return frame.head(endpoint.paging.maximum) if endpoint.paging.size else frame


def table_rows(endpoint: Endpoint, world: World) -> list[Any] | None:
    """The rows of the sandbox's own table, None if it has none."""
    try:
        table = world.table(endpoint.qualified_name)
    except KeyError:
        return None
    declared = {param.field: "" for param in endpoint.params}
    filters = {name: text for name, text in FILTER_DEFAULTS.items() if name in declared}
    filters |= world.example(endpoint.qualified_name)
    if endpoint.qualified_name in OWN_ENDPOINTS:
        filters[OWNER] = world.partner.owner
    start, end = (_milliseconds(moment) if endpoint.window else None for moment in _span(endpoint))
    return table.slice(start, end, filters, 0, endpoint.paging.maximum or 2**31)


def market_arguments(endpoint: Endpoint) -> dict[str, Any]:
    """Arguments for a read of market data: the required ones, and a span that some pages hold."""
    needed = endpoint.at_least_one[:1]
    arguments: dict[str, Any] = {
        param.name: param.example for param in endpoint.params if param.is_required or param.name in needed
    }
    if endpoint.window:
        # Trades are many.
        span = timedelta(minutes=20) if endpoint.paging.kind == "id" else END - START
        arguments |= {"start": END - span, "end": END}
    return arguments


def market_params(endpoint: Endpoint) -> dict[str, str]:
    """The same as parameters of one request, with the maximum page size."""
    arguments = market_arguments(endpoint)
    params = {
        param.field: str(param.choices.get(str(arguments[param.name]), arguments[param.name]))
        for param in endpoint.params
        if param.name in arguments
    }
    if endpoint.window:
        params |= {
            endpoint.window.start_field: str(_milliseconds(arguments["start"])),
            endpoint.window.end_field: str(_milliseconds(arguments["end"])),
        }
    if endpoint.paging.size:
        params[endpoint.paging.size] = str(endpoint.paging.maximum)
    return params


def read_market(link: Link, endpoint: Endpoint) -> pd.DataFrame:
    """The rows that one page has, read with the toolkit."""
    frame: pd.DataFrame = attrgetter(endpoint.qualified_name)(link)(**market_arguments(endpoint))
    return frame.head(endpoint.paging.maximum) if endpoint.paging.size else frame


def rows_of(endpoint: Endpoint, response: Any) -> list[Mapping[str, Any]]:
    """The rows of a response, each with the fields of the wrapper."""
    if endpoint.row_lists:
        rows = [
            {ROW_NAME: word, **_by_field(row)}
            for field, word in endpoint.row_lists.items()
            for row in response[field]
        ]
    else:
        found = inner_of(endpoint, response)
        rows = [_by_field(row) for row in (found if isinstance(found, list) else [found])]
    fields = [field for column in endpoint.columns if column.outer for field in column.fields]
    outer = {field: response[field] for field in fields if field in response}
    rows = [inner for row in rows for inner in _opened(endpoint, {**outer, **row})]
    return rows[::-1] if endpoint.newest_first or _is_descending(endpoint, rows) else rows


def _is_descending(endpoint: Endpoint, rows: list[Mapping[str, Any]]) -> bool:
    """Whether the first row is later than the last one, where either order is possible."""
    if not endpoint.either_order or not rows:
        return False
    (column,) = (column for column in endpoint.columns if column.name == endpoint.order_by)
    return bool(_read(column, rows[0], exact=True) > _read(column, rows[-1], exact=True))


def _opened(endpoint: Endpoint, row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows that a row has if its columns are those of a list in it, such as "data.balances[].asset"."""
    paths = {
        field.partition("[].")[0] for column in endpoint.columns for field in column.fields if "[]." in field
    }
    for path in paths:
        if (found := _at(row, path)) is not None:
            return [{**row, f"{path}[]": each} for each in found]
    return [row]


def _by_field(row: Any) -> Mapping[str, Any]:
    return row if isinstance(row, Mapping) else {str(place): value for place, value in enumerate(row)}


def inner_of(endpoint: Endpoint, response: Any) -> Any:
    """What a response has where the rows are."""
    for name in endpoint.rows_field.split(".") if endpoint.rows_field else ():
        response = response[name]
    return response


def as_text(value: Any) -> Any:
    """Convert numbers to text: some clients read every number as text, to lose no digit."""
    if isinstance(value, Mapping):
        return {name: as_text(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_text(each) for each in value]
    return value if isinstance(value, bool) or value is None else str(value)


def differences(endpoint: Endpoint, response: Any, frame: pd.DataFrame, table: list[Any] | None) -> list[str]:
    """Differences between what a client has read and what we have, or what the sandbox holds."""
    rows = rows_of(endpoint, response)
    if len(rows) != len(frame):
        return [f"{len(rows)} rows, and {len(frame)} of ours"]
    found = []
    is_valued_now = endpoint.qualified_name in VALUED_NOW
    if table is not None and not is_valued_now and as_text(inner_of(endpoint, response)) != as_text(table):
        found.append("not the rows of the sandbox's table")
    for column in endpoint.columns:
        if column.derived or _is_now(endpoint, column):
            continue
        exact = any(isinstance(value, Decimal) for value in frame[column.name])
        theirs = [_read(column, row, exact=exact) for row in rows]
        if column.masked == "key":
            theirs = [masked_key(text) for text in theirs]
        ours = [_plain(value) for value in frame[column.name].tolist()]
        max_move = 0.0
        if is_valued_now and column.kind == "amount":  # a profit changes by more than prices do
            max_move = MAX_MOVE * max((abs(value) for value in ours if value is not None), default=0.0)
        for number, pair in enumerate(zip(theirs, ours, strict=True)):
            if not _equal(*pair, max_move):
                found.append(f"{column.name} of row {number}: {pair[0]!r}, and {pair[1]!r} of ours")
                break
    return found


def _equal(theirs: Any, ours: Any, max_move: float) -> bool:
    if theirs == ours or not max_move or theirs is None or ours is None:
        return bool(theirs == ours)
    return bool(abs(theirs - ours) <= max_move)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _is_now(endpoint: Endpoint, column: Column) -> bool:
    """Whether the column is the time of the response, which differs between responses."""
    of_row = ("futures.overview", "exchange.futures_account")
    return column.kind == "time" and (column.outer or endpoint.qualified_name in of_row)


def _read(column: Column, row: Mapping[str, Any], *, exact: bool) -> Any:
    value = next((found for field in column.fields if (found := _at(row, field)) is not None), None)
    if value is None or isinstance(value, bool | list):
        return value
    if column.kind == "amount":
        if value == "" and column.optional:
            return None
        return Decimal(str(value)) if exact else float(value)
    if column.kind == "time" and column.optional and str(value) in ("0", "-1"):  # it never happened
        return None
    if column.kind == "time" and column.unit != "ms":
        return _as_milliseconds(value, column.unit)
    return int(value) if column.kind in ("integer", "time") else str(value)


def _as_milliseconds(value: Any, unit: TimeUnit) -> int:
    if unit == "text":
        return _milliseconds(datetime.fromisoformat(value).replace(tzinfo=UTC))
    return int(value) * 1000 if unit == "s" else int(value) // 1000


def _at(row: Any, field: str) -> Any:
    """The value at a path such as "filters[filterType=LOT_SIZE].stepSize"; lists of "sets[]" are joined."""
    if "[]." in field:
        step, _, rest = field.partition("[].")
        return _at(row[f"{step}[]"], rest) if f"{step}[]" in row else None
    step, _, rest = field.partition(".")
    step, _, condition = step.partition("[")
    value = row.get(step)
    if condition == "]":
        value = ["|".join(each) for each in value]
    elif condition:
        name, _, text = condition.rstrip("]").partition("=")
        value = next((each for each in value or () if str(each.get(name)) == text), None)
    return _at(value, rest) if rest and value is not None else value


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return _milliseconds(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    return value if isinstance(value, list) or not pd.isna(value) else None


def invalid_calls(partner: RegisteredKey) -> list[ClientCall]:
    """Calls that must be refused, one for each of `REFUSALS`."""
    endpoint = ENDPOINTS_BY_NAME["exchange.bnb_burn"]
    account = {"subAccountId": "1"}
    changes: dict[str, dict[str, Any]] = {
        "wrong secret": {"secret": partner.secret[::-1]},
        "wrong key": {"key": partner.key[::-1]},  # well-formed, but unknown
        "malformed key": {"key": "not-a-key"},
        "old timestamp": {"behind_ms": 120_000},
        "early timestamp": {"behind_ms": -30_000},
        "unknown parameter": {"params": {**account, "colour": "blue"}},
        "missing parameter": {"params": {}},
    }
    good = ClientCall("", endpoint.path, partner.key, partner.secret, account)
    return [replace(good, name=name, **changes[name]) for name in REFUSALS]
