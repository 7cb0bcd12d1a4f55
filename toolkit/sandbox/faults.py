"""Injects failures on request, for single calls or at a rate that follows from the seed.

`exchange.faults.add(kind, *, times=1, path=None, method=None, rate=None, **options)`: `times` is how
often it happens (None: until cleared), `path` a path or the beginning of one, `method` an HTTP method
(several writes share their path with a read), `rate` the probability for each matching request (with
`times=None`, or up to `times` times).

| kind          | what happens                                          | options (default)         |
|---------------|-------------------------------------------------------|---------------------------|
| server-error  | 5XX and a code; with after_effect one that leaves the | status (503), code        |
|               | outcome open                                          | (-1001), message,         |
|               |                                                       | after_effect (False)      |
| error         | any refusal                                           | status (400), code        |
|               |                                                       | (-1000), message,         |
|               |                                                       | after_effect (False)      |
| wrapped-error | HTTP 200 around a code and a message                  | code (-1000), message,    |
|               |                                                       | after_effect (False)      |
| rate-limit    | 429 with Retry-After                                  | seconds (5)               |
| ban           | 418 with Retry-After, and the address stays banned    | seconds (120)             |
| firewall      | 403 with an HTML page                                 |                           |
| html          | an HTML page instead of the response                  | status (502),             |
|               |                                                       | after_effect (False)      |
| redirect      | 302 to another address                                | to (required),            |
|               |                                                       | after_effect (False)      |
| timeout       | the request is accepted and never answered            | after_effect (True)       |
| reset-before  | the connection is reset before anything is done       |                           |
| reset         | everything is done, then the connection is reset      |                           |
| cut           | everything is done, then half of the body is sent     |                           |
|               | under the full Content-Length                         |                           |
| clock-skew    | the exchange's clock is off: time checks, Date, /time | seconds (required)        |
| cap           | a response has at most so many rows, whatever was     | rows (100), counted       |
|               | asked for                                             | (True: pages are counted  |
|               |                                                       | in as many)               |
| ignore        | a parameter is ignored                                | name (required)           |
| wrong-times   | the rows of a span carry other times                  | days (0), seconds (False: |
|               |                                                       | milliseconds)             |
| disorder      | the rows of a page are reversed                       |                           |
| repeat        | a page after the first begins with the last row       |                           |
|               | before it                                             |                           |
| missing-field | a field is missing in every row                       | field (the first that is  |
|               |                                                       | not optional)             |
| unknown-field | every row has an undeclared field                     | field ("surprise"), value |
| extra-header  | the response carries one more header                  | name, value (required)    |

A fault before the effect leaves no trace of a write. A fault after it applies only to requests that
succeeded, so a write was executed. Faults of rows and fields treat the response of a write as one row;
they apply only to responses that have such rows, and only those use them up. An ignored size or page falls
back to its default; an ignored filter or end of the span is simply absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from toolkit.endpoints import Endpoint
from toolkit.endpoints.model import ROW_NAME
from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.hashing import hash_key
from toolkit.sandbox.messages import RefusalError, SandboxRequest, SandboxResponse, Transmission, encode
from toolkit.sandbox.reads import RowPage
from toolkit.sandbox.times import from_ms, to_ms
from toolkit.sandbox.world.tables import Row

Kind = Literal[
    "server-error", "error", "wrapped-error", "rate-limit", "ban", "firewall", "html", "redirect", "timeout",
    "reset-before", "reset", "cut", "clock-skew", "cap", "ignore", "wrong-times", "disorder", "repeat",
    "missing-field", "unknown-field", "extra-header",
]  # fmt: skip

# When a fault is looked up: on arrival (before anything is counted), instead of the work, on the checked
# parameters, on the rows, on the finished response, on the headers. Some apply before or after the effect.
CLOCK: frozenset[Kind] = frozenset({"clock-skew"})
ARRIVAL: frozenset[Kind] = frozenset({"reset-before", "firewall", "ban"})
INSTEAD_OF_RESPONSE: frozenset[Kind] = frozenset(
    {"server-error", "error", "wrapped-error", "rate-limit", "html", "redirect", "timeout"}
)
PARAMETERS: frozenset[Kind] = frozenset({"cap", "ignore"})
ROWS: frozenset[Kind] = frozenset({"wrong-times", "disorder", "repeat", "missing-field", "unknown-field"})
AFTER_EFFECT: frozenset[Kind] = frozenset(
    {"server-error", "error", "wrapped-error", "html", "redirect", "timeout", "reset", "cut"}
)
HEADERS: frozenset[Kind] = frozenset({"extra-header"})

_OPTIONS: Mapping[Kind, Mapping[str, object]] = {
    "server-error": {"status": 503, "message": "Service Unavailable.", "code": -1001, "after_effect": False},
    "error": {
        "status": 400,
        "code": -1000,
        "message": "An unknown error occurred while processing the request.",
        "after_effect": False,
    },
    "wrapped-error": {
        "code": -1000,
        "message": "An unknown error occurred while processing the request.",
        "after_effect": False,
    },
    "rate-limit": {"seconds": 5},
    "ban": {"seconds": 120},
    "html": {"status": 502, "after_effect": False},
    "redirect": {"to": None, "after_effect": False},
    "timeout": {"after_effect": True},
    "clock-skew": {"seconds": None},
    "cap": {"rows": 100, "counted": True},
    "ignore": {"name": None},
    "wrong-times": {"days": 0, "seconds": False},
    "missing-field": {"field": ""},
    "unknown-field": {"field": "surprise", "value": "boo"},
    "extra-header": {"name": None, "value": None},
}

# "Service Unavailable." is documented to mean that nothing was done; this text leaves the outcome open.
_OUTCOME_UNKNOWN: Mapping[str, object] = {
    "code": -1000,
    "message": "Unknown error, please check your request or try again later.",
}

_DAY = 86_400_000
_PAGE = b"<html><head><title>%d</title></head><body><h1>%d %s</h1><hr>gateway</body></html>\n"
_WORDS = {200: b"OK", 403: b"Forbidden", 502: b"Bad Gateway", 503: b"Service Unavailable"}


@dataclass(slots=True)
class Fault:
    """One fault to inject."""

    kind: Kind
    number: int
    times: int | None = 1
    path: str | None = None
    method: str | None = None
    rate: float | None = None
    options: dict[str, object] = field(default_factory=dict)
    matched: int = 0
    triggered: int = 0

    def number_of(self, name: str) -> float:
        """The value of a numeric option."""
        value = self.options[name]
        if not isinstance(value, int | float):
            raise TypeError(f"{name} of {self.kind} must be a number, not {value!r}")
        return value

    def text_of(self, name: str) -> str:
        """The value of a text option."""
        return str(self.options[name])


class Faults:
    """The faults to inject."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._added = 0
        self._faults: list[Fault] = []

    def add(
        self,
        kind: str,
        *,
        times: int | None = 1,
        path: str | None = None,
        method: str | None = None,
        rate: float | None = None,
        **options: object,
    ) -> None:
        """Add a fault; the table in the module's docstring lists the kinds and their options."""
        valid_kind = next((each for each in get_args(Kind) if each == kind), None)
        if valid_kind is None:
            raise ValueError(f"unknown fault {kind!r}; the kinds are {', '.join(get_args(Kind))}")
        defaults = _OPTIONS.get(valid_kind, {})
        strange = options.keys() - defaults.keys()
        missing = [name for name, value in defaults.items() if value is None and name not in options]
        if strange or missing:
            raise ValueError(f"{kind} takes {sorted(defaults) or 'no options'}, not {sorted(options)}")
        if times is not None and times < 1:
            raise ValueError(f"times must be at least 1, not {times}")
        if rate is not None and not 0 <= rate <= 1:
            raise ValueError(f"rate must be from 0 to 1, not {rate}")
        if valid_kind == "server-error" and options.get("after_effect"):
            defaults = {**defaults, **_OUTCOME_UNKNOWN}
        self._added += 1
        method = method.upper() if method else None
        self._faults.append(
            Fault(valid_kind, self._added, times, path, method, rate, {**defaults, **options})
        )

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    def has(self, kinds: frozenset[Kind]) -> bool:
        """Whether there is a fault of these kinds, for any request."""
        return any(fault.kind in kinds for fault in self._faults)

    def take(
        self, kinds: frozenset[Kind], request: SandboxRequest, fits: Callable[[Fault], bool] | None = None
    ) -> Fault | None:
        """Return the first fault of these kinds that applies to this request, and count it as triggered."""
        for fault in self._faults:
            if fault.kind in kinds and (fits is None or fits(fault)) and self._applies(fault, request):
                self._trigger(fault)
                return fault
        return None

    def take_all(
        self, kinds: frozenset[Kind], request: SandboxRequest, fits: Callable[[Fault], bool] | None = None
    ) -> list[Fault]:
        """Return every fault of these kinds that applies to this request, and count each as triggered."""
        due = [
            fault
            for fault in self._faults
            if fault.kind in kinds and (fits is None or fits(fault)) and self._applies(fault, request)
        ]
        for fault in due:
            self._trigger(fault)
        return due

    def _trigger(self, fault: Fault) -> None:
        fault.triggered += 1
        if fault.triggered == fault.times:
            self._faults.remove(fault)

    def _applies(self, fault: Fault, request: SandboxRequest) -> bool:
        if fault.path is not None and not request.path.startswith(fault.path):
            return False
        if fault.method is not None and fault.method != request.method:
            return False
        if fault.rate is None:
            return True
        fault.matched += 1
        return hash_key(self._seed, fault.number, fault.matched) < fault.rate * 2.0**64


def after_effect(fault: Fault) -> bool:
    """Whether the fault applies after the work is done."""
    return bool(fault.options.get("after_effect", True))


def before_effect(fault: Fault) -> bool:
    """Whether the fault applies before the work is done."""
    return not fault.options.get("after_effect", False)


def failure_response(fault: Fault) -> SandboxResponse:
    """The response that replaces the right one."""
    kind = fault.kind
    if kind in ("timeout", "reset", "reset-before"):
        return SandboxResponse(0, {}, b"", Transmission("no-response" if kind == "timeout" else kind))
    if kind == "firewall":
        return _page(403)
    if kind == "html":
        return _page(int(fault.number_of("status")))
    if kind == "redirect":
        return SandboxResponse(302, {"Location": fault.text_of("to"), "Content-Type": "text/html"}, b"")
    if kind == "wrapped-error":
        return SandboxResponse(
            200, {}, encode({"code": int(fault.number_of("code")), "msg": fault.text_of("message")})
        )
    if kind == "rate-limit":
        seconds = str(int(fault.number_of("seconds")))
        raise RefusalError(-1003, "Too many requests queued.", 429, {"Retry-After": seconds})
    raise RefusalError(int(fault.number_of("code")), fault.text_of("message"), int(fault.number_of("status")))


def truncate(response: SandboxResponse) -> SandboxResponse:
    """Cut the body in half, under the Content-Length of the whole."""
    return SandboxResponse(
        response.status, response.headers, response.body, Transmission("cut", len(response.body) // 2)
    )


def can_alter_request(fault: Fault, request: CheckedRequest) -> bool:
    """Whether the request has the parameter that the fault changes, and is valid without it."""
    if fault.kind == "cap":
        return bool(request.endpoint.paging.size)
    name = fault.text_of("name")
    needed = {param.field for param in request.endpoint.params if param.required}
    return name in request.values and name not in needed


def alter_request(fault: Fault, request: CheckedRequest) -> CheckedRequest:
    """The request as the fault changes it."""
    values = dict(request.values)
    if fault.kind == "ignore":
        del values[fault.text_of("name")]
        return replace(request, values=values)
    rows, size = int(fault.number_of("rows")), request.endpoint.paging.size
    if fault.options["counted"]:
        values[size] = str(min(rows, int(values.get(size, request.endpoint.paging.default or rows))))
    return replace(request, values=values, max_rows=rows)


def can_alter_rows(fault: Fault, page: RowPage) -> bool:
    """Whether the page has what the fault changes."""
    if fault.kind == "disorder":
        return len(page.rows) > 1
    if fault.kind == "repeat":
        return page.before is not None
    if fault.kind == "missing-field":
        return any(page.rows)  # the response to a deletion has no field that could be missing
    return bool(page.rows)


def alter_rows(fault: Fault, endpoint: Endpoint, page: RowPage) -> list[Row]:
    """The rows as the fault changes them."""
    if fault.kind == "disorder":
        return page.rows[::-1]
    if fault.kind == "repeat" and page.before is not None:
        return [page.before, *page.rows]
    if fault.kind == "wrong-times":
        return [_shift_times(fault, endpoint, row) for row in page.rows]
    name = fault.text_of("field")
    if fault.kind == "unknown-field":
        return [{**row, name: fault.options["value"]} for row in page.rows]
    names = {name} if name else _first_field(endpoint)
    return [{key: value for key, value in row.items() if key not in names} for row in page.rows]


def _shift_times(fault: Fault, endpoint: Endpoint, row: Row) -> Row:
    later = int(fault.number_of("days") * _DAY)
    altered = dict(row)
    for column in endpoint.columns:
        for name in column.fields:
            if column.name == endpoint.order_by and name in row:
                unit = "s" if fault.options["seconds"] else column.unit
                altered[name] = from_ms(to_ms(row[name], column.unit) + later, unit)
    return altered


def _first_field(endpoint: Endpoint) -> set[str]:
    """The field of the first column that every row has at its top level."""
    column = next(
        column
        for column in endpoint.columns
        if not (column.optional or column.outer)
        and column.fields[0] != ROW_NAME
        and "." not in column.fields[0]
    )
    return set(column.fields)


def _page(status: int) -> SandboxResponse:
    body = _PAGE % (status, status, _WORDS.get(status, b"Error"))
    return SandboxResponse(status, {"Content-Type": "text/html"}, body)
