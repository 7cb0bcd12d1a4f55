"""The words in which endpoints are declared: frozen facts, no behaviour beyond reading them.

One `Endpoint` is read by the door, the plan, the fetch, the frames, the budget, the sandbox's
routes, `toolkit.list_endpoints()`, the tables of the documentation and the parametrised tests. A fact that is not
here is nowhere else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Literal

from toolkit.endpoints.rate_limits import RateLimit

System = Literal["exchange", "spot", "futures", "portfolio", "account"]
Security = Literal["NONE", "SIGNED", "USER_DATA", "TRADE"]
ParamKind = Literal["text", "id", "email", "integer", "flag", "choice", "time", "amount", "rate", "addresses"]
ColumnKind = Literal["text", "id", "email", "amount", "integer", "flag", "time", "texts"]
PagingKind = Literal["none", "page", "offset", "limit"]
Method = Literal["GET", "POST", "PUT", "DELETE"]

# Systems that have doors.
SYSTEM_TITLES: Mapping[System, str] = MappingProxyType(
    {
        "exchange": "Exchange Link",
        "spot": "Link and Trade (Spot)",
        "futures": "Link and Trade (Futures)",
        "portfolio": "Link and Trade (Portfolio Margin)",
    }
)

MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One parameter of a request.

    Attributes:
        field: Its name on the wire.
        name: Its name as an argument of the door.
        kind: How its values are checked and written. Identifiers are text: they exceed 2**53; an amount is
            above zero and a rate a fraction of 1, both never rounded; addresses are a list of IP addresses.
        doc: What it means, in one line.
        required: Whether the exchange insists on it.
        required_by_client: The exchange does not, and the door does: leaving it out would do more than one may mean.
        choices: The words a user may say, and what each is on the wire.
        default: What the exchange assumes when it is not sent.
        minimum: Smallest whole number allowed.
        maximum: Largest whole number allowed.
        longest: Most characters of a text.
        multiline: A text of several lines, such as a public key.
        fixed: The only value there is: always sent, and no argument of the door.
        private: Never shown: it is left out of what a frame says about its request.
        columns: Columns of which one has the value in every row of the answer, where no field is named as
            the parameter is; see `Endpoint.answers`.
    """

    field: str
    name: str
    kind: ParamKind
    doc: str
    required: bool = False
    required_by_client: bool = False
    choices: Mapping[str, int | str] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    default: int | str | bool | None = None
    minimum: int | None = None
    maximum: int | None = None
    longest: int | None = None
    multiline: bool = False
    fixed: bool | None = None
    private: bool = False
    columns: tuple[str, ...] = ()

    @property
    def is_required(self) -> bool:
        """Whether the door has to be given it."""
        return self.required or self.required_by_client


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a frame and the field of the answer it comes from.

    Attributes:
        name: The column.
        field: The field, or several spellings of it: the first one present counts.
        kind: text, id (text that names something), email (an address: masked unless asked for), amount,
            integer, flag, time, texts (a list).
        doc: What it means, with its unit.
        optional: The exchange may leave it out; it is missing (NA) then.
        outer: The field stands beside the list of rows in the wrapper, not in the row.
        masked: What is in it is always shown masked: an API key, or an e-mail address.
    """

    name: str
    field: str | tuple[str, ...]
    kind: ColumnKind
    doc: str
    optional: bool = False
    outer: bool = False
    masked: Literal["", "key", "email"] = ""

    @property
    def fields(self) -> tuple[str, ...]:
        """Every spelling of the field."""
        return (self.field,) if isinstance(self.field, str) else self.field


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The span of time one request may ask for. Both ends are included.

    Attributes:
        longest: Largest allowed difference between end and start, None where none is documented.
        default: The span a door takes when no start is given.
        retention: How far back the exchange keeps rows, None where it does not say.
        both: startTime and endTime go together or not at all.
        required: Both are mandatory.
        per_day: Rows are of days, stamped with midnight UTC; one a day where no id tells them apart.
    """

    longest: timedelta | None
    default: timedelta
    retention: timedelta | None = None
    both: bool = False
    required: bool = False
    per_day: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """How more rows than fit in one answer are had.

    Attributes:
        kind: "page" counts pages from 1, "offset" counts rows from 0: the end is told by an empty page.
            "limit" has neither: that an answer is whole is told by asking for its span in halves, where it
            may have been cut at its number of rows. "none" answers everything at once.
        size: Wire name of the number of rows.
        default: Rows in an answer when the size is not sent.
        maximum: Most rows one may ask for; what the toolkit asks for.
        size_required: The exchange insists on the size.
    """

    kind: PagingKind
    size: str = ""
    default: int | None = None
    maximum: int = 0
    size_required: bool = False


NO_PAGES = Paging(kind="none")

WeightRule = Callable[[Mapping[str, Any]], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method and path, declared once.

    Attributes:
        name: The door's name in its namespace.
        system: The documented API it belongs to; also the namespace on `Link`.
        method: HTTP method.
        path: Path on the host of its pool.
        security: Security type printed in the documents; SIGNED where they print none.
        permission: What the key must be allowed, where the page says so.
        rate_limit: What its weight is charged to.
        weight: Weight of one request: a number, or a rule over the parameters sent.
        params: What it takes, besides span and paging.
        unused: Parameters that one page of the documents has and another has not: never sent.
        at_least_one: Arguments of which one must be given.
        not_together: Arguments of which at most one may be given.
        window: Its span of time, if it has one.
        paging: How many rows come at once, and how the others are had.
        rows: Field that holds the list of rows, "" where the answer itself is the rows.
        success: Field of the wrapper that must be true, "" where there is none.
        columns: The frame, in order.
        identity: Columns that name a row; () where nothing does.
        order_by: Column by which rows ascend, None where rows carry no time.
        newest_first: Proven to answer newest first: reversed, then checked.
        summary: What the rows are, in one sentence.
        notes: What a user should know about it, sentence by sentence.
        source: Page of the documents.
    """

    name: str
    system: System
    path: str
    rate_limit: RateLimit
    columns: tuple[Column, ...]
    summary: str
    source: str
    method: Method = "GET"
    security: Security = "SIGNED"
    permission: str = ""
    weight: int | WeightRule = 1
    params: tuple[Param, ...] = ()
    unused: tuple[Param, ...] = ()
    at_least_one: tuple[str, ...] = ()
    not_together: tuple[str, ...] = ()
    window: Window | None = None
    paging: Paging = NO_PAGES
    rows: str = ""
    success: str = ""
    identity: tuple[str, ...] = ()
    order_by: str | None = None
    newest_first: bool = False
    notes: tuple[str, ...] = ()

    @property
    def qualified_name(self) -> str:
        """Where users find it: `link.<system>.<name>`."""
        return f"{self.system}.{self.name}"

    @property
    def request_params(self) -> tuple[Param, ...]:
        """Every parameter that may be sent, span and paging included."""
        extra: list[Param] = []
        if self.window:
            required = self.window.required
            extra += [
                Param(field="startTime", name="start", kind="time", doc="First moment.", required=required),
                Param(field="endTime", name="end", kind="time", doc="Last moment.", required=required),
            ]
        if self.paging.kind == "page":
            extra.append(Param(field="page", name="page", kind="integer", doc="Page.", default=1, minimum=1))
        if self.paging.kind == "offset":
            extra.append(
                Param(
                    field="offset", name="offset", kind="integer", doc="Rows to skip.", default=0, minimum=0
                )
            )
        if self.paging.size:
            extra.append(
                Param(
                    field=self.paging.size,
                    name=self.paging.size,
                    kind="integer",
                    doc="Rows in one answer.",
                    required=self.paging.size_required,
                    default=self.paging.default,
                    minimum=1,
                    maximum=self.paging.maximum,
                )
            )
        return (*self.params, *extra, *self.unused)

    def answers(self, param: Param) -> tuple[Column, ...]:
        """Columns that say in every row what a parameter asked for: of the same field, or as declared.

        One of several has its value. The exchange spells some fields another way than the parameter.
        """
        if param.columns:
            return tuple(column for column in self.columns if column.name in param.columns)
        spelt = param.field.lower()
        return tuple(column for column in self.columns if spelt in map(str.lower, column.fields))

    @property
    def needs(self) -> frozenset[Security]:
        """Security types that its key has to serve; none where the documents print none."""
        return frozenset({self.security}) - {"SIGNED"}

    @property
    def privileged(self) -> bool:
        """Whether its key has to be allowed more than to read."""
        return bool(self.permission)

    def weight_of(self, sent: Mapping[str, Any]) -> int:
        """Weight of a request that sends these wire parameters."""
        return self.weight if isinstance(self.weight, int) else self.weight(sent)
