"""Failing on request, one call or at a rate that follows from the seed.

`exchange.faults.add(kind, *, times=1, path=None, method=None, rate=None, **options)`: `times` is how
often it happens (None: until cleared), `path` a path or the beginning of one, `method` an HTTP method
(several writes share their path with a read), `rate` the chance for each request that fits (with
`times=None`, or up to `times` times).

| kind          | what happens                                          | options (default)         |
|---------------|-------------------------------------------------------|---------------------------|
| server-error  | 5XX and a code; after the effect one that leaves open | status (503), code        |
|               | what became of it                                     | (-1001), message,         |
|               |                                                       | after_effect (False)      |
| error         | any refusal                                           | status (400), code        |
|               |                                                       | (-1000), message,         |
|               |                                                       | after_effect (False)      |
| wrapped-error | HTTP 200 around a code and a message                  | code (-1000), message,    |
|               |                                                       | after_effect (False)      |
| rate-limit    | 429 with Retry-After                                  | seconds (5)               |
| ban           | 418 with Retry-After, and the address stays banned    | seconds (120)             |
| firewall      | 403 with an HTML page                                 |                           |
| html          | an HTML page instead of an answer                     | status (502),             |
|               |                                                       | after_effect (False)      |
| redirect      | 302 to another address                                | to (must be given),       |
|               |                                                       | after_effect (False)      |
| timeout       | the request is accepted and never answered            | after_effect (True)       |
| reset-before  | the connection is reset, nothing was done             |                           |
| reset         | everything was done, then the connection is reset     |                           |
| cut           | everything was done, then half of the body comes      |                           |
|               | under the full Content-Length                         |                           |
| clock-skew    | the exchange's clock is off: time checks, Date, /time | seconds (must be given)   |
| cap           | an answer has at most so many rows, whatever was      | rows (100),               |
|               | asked for; pages are counted in as many, or as asked  | counted (True)            |
| ignore        | a parameter is left out of account                    | name (must be given)      |
| wrong-times   | the rows of a span carry times of another             | days (0), seconds (False: |
|               |                                                       | milliseconds)             |
| disorder      | the rows of a page stand the other way round          |                           |
| repeat        | a page but the first begins with the row before it    |                           |
| missing-field | a field is missing in every row                       | field (first that is not  |
|               |                                                       | optional)                 |
| unknown-field | every row has a field nobody declared                 | field ("surprise"), value |
| extra-header  | the answer carries one header more                    | name, value (must be      |
|               |                                                       | given)                    |

What happens without the effect leaves no trace of a write; what happens after it strikes only a request
that was answered, and a write was executed then. The answer of a write is a row to the faults.
Those about rows and fields happen to answers that have such rows, and are used up by no other. Where size
or page is left out of account their defaults count, where a filter or an end of the span is, there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from toolkit.endpoints import Endpoint
from toolkit.sandbox.answers import Asked, RowPage
from toolkit.sandbox.messages import Delivery, RefusalError, SandboxRequest, SandboxResponse, encode
from toolkit.sandbox.world.hashing import key_of
from toolkit.sandbox.world.tables import Row

Kind = Literal[
    "server-error", "error", "wrapped-error", "rate-limit", "ban", "firewall", "html", "redirect", "timeout",
    "reset-before", "reset", "cut", "clock-skew", "cap", "ignore", "wrong-times", "disorder", "repeat",
    "missing-field", "unknown-field", "extra-header",
]  # fmt: skip

# When a fault is looked for: on arrival (before anything is counted), instead of the work, on the
# question once it is checked, on the rows, on the finished answer, on whatever goes out. Some may come
# before the effect or after it.
SKEW: frozenset[Kind] = frozenset({"clock-skew"})
ARRIVAL: frozenset[Kind] = frozenset({"reset-before", "firewall", "ban"})
INSTEAD: frozenset[Kind] = frozenset(
    {"server-error", "error", "wrapped-error", "rate-limit", "html", "redirect", "timeout"}
)
QUESTION: frozenset[Kind] = frozenset({"cap", "ignore"})
ROWS: frozenset[Kind] = frozenset({"wrong-times", "disorder", "repeat", "missing-field", "unknown-field"})
AFTER: frozenset[Kind] = frozenset(
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

# "Service Unavailable." is documented to mean that nothing was done, and this to leave it open.
_LEFT_OPEN: Mapping[str, object] = {
    "code": -1000,
    "message": "Unknown error, please check your request or try again later.",
}

_DAY = 86_400_000
_PAGE = b"<html><head><title>%d</title></head><body><h1>%d %s</h1><hr>gateway</body></html>\n"
_WORDS = {200: b"OK", 403: b"Forbidden", 502: b"Bad Gateway", 503: b"Service Unavailable"}


@dataclass(slots=True)
class Fault:
    """One fault that was asked for."""

    kind: Kind
    number: int
    times: int | None = 1
    path: str | None = None
    method: str | None = None
    rate: float | None = None
    options: dict[str, object] = field(default_factory=dict)
    seen: int = 0
    done: int = 0

    def number_of(self, name: str) -> float:
        """An option that is a number."""
        value = self.options[name]
        if not isinstance(value, int | float):
            raise TypeError(f"{name} of {self.kind} must be a number, not {value!r}")
        return value

    def text_of(self, name: str) -> str:
        """An option that is text."""
        return str(self.options[name])


class Faults:
    """The faults that were asked for."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._made = 0
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
        """Ask for a fault; the module's table has the kinds and their options."""
        known = next((each for each in get_args(Kind) if each == kind), None)
        if known is None:
            raise ValueError(f"no fault is called {kind!r}; there are {', '.join(get_args(Kind))}")
        defaults = _OPTIONS.get(known, {})
        strange = options.keys() - defaults.keys()
        missing = [name for name, value in defaults.items() if value is None and name not in options]
        if strange or missing:
            raise ValueError(f"{kind} takes {sorted(defaults) or 'no options'}, not {sorted(options)}")
        if times is not None and times < 1:
            raise ValueError(f"times must be at least 1, not {times}")
        if rate is not None and not 0 <= rate <= 1:
            raise ValueError(f"rate must be from 0 to 1, not {rate}")
        if known == "server-error" and options.get("after_effect"):
            defaults = {**defaults, **_LEFT_OPEN}
        self._made += 1
        method = method.upper() if method else None
        self._faults.append(Fault(known, self._made, times, path, method, rate, {**defaults, **options}))

    def clear(self) -> None:
        """Forget all faults."""
        self._faults.clear()

    def take(
        self, kinds: frozenset[Kind], request: SandboxRequest, fits: Callable[[Fault], bool] | None = None
    ) -> Fault | None:
        """The first fault of these kinds that is due for this request; it counts as done."""
        for fault in self._faults:
            if fault.kind in kinds and (fits is None or fits(fault)) and self._due(fault, request):
                self._done(fault)
                return fault
        return None

    def take_all(
        self, kinds: frozenset[Kind], request: SandboxRequest, fits: Callable[[Fault], bool] | None = None
    ) -> list[Fault]:
        """Every fault of these kinds that is due for this request, once; they count as done."""
        due = [
            fault
            for fault in self._faults
            if fault.kind in kinds and (fits is None or fits(fault)) and self._due(fault, request)
        ]
        for fault in due:
            self._done(fault)
        return due

    def _done(self, fault: Fault) -> None:
        fault.done += 1
        if fault.done == fault.times:
            self._faults.remove(fault)

    def _due(self, fault: Fault, request: SandboxRequest) -> bool:
        if fault.path is not None and not request.path.startswith(fault.path):
            return False
        if fault.method is not None and fault.method != request.method:
            return False
        if fault.rate is None:
            return True
        fault.seen += 1
        return key_of(self._seed, fault.number, fault.seen) < fault.rate * 2.0**64


def after_effect(fault: Fault) -> bool:
    """Whether the work is done before the fault strikes."""
    return bool(fault.options.get("after_effect", True))


def before_effect(fault: Fault) -> bool:
    """Whether the fault strikes before the work."""
    return not fault.options.get("after_effect", False)


def strike(fault: Fault) -> SandboxResponse:
    """The answer that comes instead of the right one."""
    kind = fault.kind
    if kind in ("timeout", "reset", "reset-before"):
        return SandboxResponse(0, {}, b"", Delivery("silence" if kind == "timeout" else kind))
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


def cut(answer: SandboxResponse) -> SandboxResponse:
    """Half of the body, under the Content-Length of the whole."""
    return SandboxResponse(answer.status, answer.headers, answer.body, Delivery("cut", len(answer.body) // 2))


def can_mistake(fault: Fault, asked: Asked) -> bool:
    """Whether the question has what the fault needs, and can do without it where it is left out."""
    if fault.kind == "cap":
        return bool(asked.endpoint.paging.size)
    name = fault.text_of("name")
    needed = {param.field for param in asked.endpoint.params if param.required}
    return name in asked.values and name not in needed


def mistaken(fault: Fault, asked: Asked) -> Asked:
    """The question as the fault leaves it."""
    values = dict(asked.values)
    if fault.kind == "ignore":
        del values[fault.text_of("name")]
        return replace(asked, values=values)
    rows, size = int(fault.number_of("rows")), asked.endpoint.paging.size
    if fault.options["counted"]:
        values[size] = str(min(rows, int(values.get(size, asked.endpoint.paging.default or rows))))
    return replace(asked, values=values, most=rows)


def can_bend(fault: Fault, page: RowPage) -> bool:
    """Whether the page has what the fault needs."""
    if fault.kind == "disorder":
        return len(page.rows) > 1
    if fault.kind == "repeat":
        return page.before is not None
    if fault.kind == "missing-field":
        return any(page.rows)  # the answer to a deletion has no field that could be missing
    return bool(page.rows)


def bend(fault: Fault, endpoint: Endpoint, page: RowPage) -> list[Row]:
    """The rows as the fault leaves them."""
    if fault.kind == "disorder":
        return page.rows[::-1]
    if fault.kind == "repeat" and page.before is not None:
        return [page.before, *page.rows]
    if fault.kind == "wrong-times":
        return [_mistimed(fault, endpoint, row) for row in page.rows]
    name = fault.text_of("field")
    if fault.kind == "unknown-field":
        return [{**row, name: fault.options["value"]} for row in page.rows]
    names = {name} if name else _first_field(endpoint)
    return [{key: value for key, value in row.items() if key not in names} for row in page.rows]


def _mistimed(fault: Fault, endpoint: Endpoint, row: Row) -> Row:
    fields = {field for each in endpoint.columns if each.name == endpoint.order_by for field in each.fields}
    later = int(fault.number_of("days") * _DAY)
    divisor = 1000 if fault.options["seconds"] else 1
    return {
        name: (value + later) // divisor if name in fields and isinstance(value, int) else value
        for name, value in row.items()
    }


def _first_field(endpoint: Endpoint) -> set[str]:
    column = next(column for column in endpoint.columns if not column.optional and not column.outer)
    return set(column.fields)


def _page(status: int) -> SandboxResponse:
    body = _PAGE % (status, status, _WORDS.get(status, b"Error"))
    return SandboxResponse(status, {"Content-Type": "text/html"}, body)
