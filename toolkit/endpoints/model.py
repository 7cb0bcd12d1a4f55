"""The classes endpoints are declared with: frozen data and accessors, no other behaviour.

An `Endpoint` is the only place for the facts about one method and path. The generated methods, the
planning, fetching and decoding, the budget, the sandbox's routes, `toolkit.list_endpoints()`, the
documentation's tables and the parametrised tests all read it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Literal

from toolkit.endpoints.rate_limits import RateLimit

System = Literal[
    "exchange",
    "spot",
    "futures",
    "portfolio",
    "account.spot",
    "account.wallet",
    "account.futures",
    "market.spot",
    "market.futures",
]
Security = Literal["NONE", "MARKET_DATA", "SIGNED", "USER_DATA", "TRADE"]
ParamKind = Literal[
    "text", "id", "email", "integer", "flag", "choice", "time", "amount", "rate", "addresses", "texts"
]
ColumnKind = Literal["text", "id", "email", "amount", "integer", "flag", "time", "texts"]
TimeUnit = Literal["ms", "s", "us", "text"]
"""How a time is written: a number of milliseconds, seconds or microseconds since 1970, or text in UTC such as
"2019-10-12 11:12:02"."""
RowLayout = Literal["objects", "arrays", "named"]
PagingKind = Literal["none", "page", "offset", "limit", "id"]
Method = Literal["GET", "POST", "PUT", "DELETE"]

Derivation = Literal["", "closed", "level", "running_total", "answered", "requested"]
"""How the values of a column follow from the response or the request, "" where they are in the response; see
`Column.derived`."""

MILLISECOND = timedelta(milliseconds=1)

ROW_NAME = "*"
"""The field of a column that takes the name of its row, where rows are named objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One parameter of a request.

    Attributes:
        field: Its name in the request.
        name: Its name as an argument of the Python method.
        kind: How its values are checked and encoded. Ids are text, because they exceed 2**53; an amount is
            above zero and a rate a fraction of 1, neither ever rounded; addresses are a list of IP addresses;
            texts are a list, sent as a JSON array.
        doc: One-line description.
        required: Whether the exchange requires it.
        required_by_client: Whether the Python method requires it although the exchange does not, because
            leaving it out would do more than intended.
        choices: The values a user may pass, and what is sent for each.
        default: What the exchange assumes when it is not sent.
        example: A value for the examples in the documentation, which run on the sandbox. An optional
            parameter is shown there if it has one.
        minimum: Smallest whole number allowed. An id that has one is a whole number, and may be given
            as text.
        maximum: Largest whole number allowed, or the largest number of texts.
        max_length: Maximum number of characters of a text.
        capitals: Whether it has no small letters, spaces or separators, as symbols have none: "btcusdt" and
            "BTC/USDT" are refused.
        multiline: Whether the text may have several lines, as a public key has.
        fixed: The value that is always sent, so that it is no argument of the method. That of a required text
            tells apart the endpoints of one path whose responses have different rows.
        several: Whether the method takes several values, too: the rows for each of them are fetched side by
            side, and put together in the order of their times, or of the values where they have none.
        private: Whether it is hidden in the attributes of a frame and in error texts.
        columns: The columns that may repeat its value in each row of the response, where they are not named
            like the parameter; see `Endpoint.columns_echoing`.
    """

    field: str
    name: str
    kind: ParamKind
    doc: str
    required: bool = False
    required_by_client: bool = False
    choices: Mapping[str, int | str] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    default: int | str | bool | None = None
    example: int | str | bool | None = None
    minimum: int | None = None
    maximum: int | None = None
    max_length: int | None = None
    capitals: bool = False
    multiline: bool = False
    fixed: bool | str | None = None
    several: bool = False
    private: bool = False
    columns: tuple[str, ...] = ()

    @property
    def is_required(self) -> bool:
        """Whether the Python method requires it."""
        return self.required or self.required_by_client


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a frame and the response field it comes from.

    Attributes:
        name: Name of the column.
        field: Name of the field, or its alternative spellings, of which the first one present is used.
            Objects within a row are reached by a path such as "data.total", and the objects of a list by one
            such as "data.balances[].asset": then each of these objects is a row. Where rows are arrays, it is
            the position, from "0"; where they are named objects or in `Endpoint.row_lists`, `ROW_NAME` is the
            name. One object of a list is reached by a value it has, as in
            "filters[filterType=PRICE_FILTER].tickSize"; the other objects are undeclared, unless
            "filters[filterType=LOT_SIZE]" is among the `ignored` fields. A list of lists of texts ends with
            "[]", as in "permissionSets[]": each inner list is then one text, joined by "|". It is "" for a
            derived column.
        kind: text, id (text that identifies something), email (masked by default), amount, integer, flag,
            time, or texts (a list).
        doc: One-line description, with the unit.
        optional: Whether the exchange may leave it out; the value is then missing (NA). So is a time of 0 or
            -1, which stands for something that did not happen.
        outer: Whether the field belongs to the object around the list of rows, not to the row.
        masked: "key" or "email" where the values are always masked, as API keys are.
        unit: How its times are written, where it has times.
        exact: Whether its amounts are exact even where those of other columns are float64, as the steps of
            prices are.
        named: Whether it identifies a customer or sub-account, for which users may have names of their own.
        derived: How its values follow from the response instead of being in it: "closed" is whether the time
            in the column `of` is proven to have passed when the exchange responded; "level" counts the rows
            of each of the endpoint's `row_lists` from 1, which are checked to be best first by the column
            `of`: falling in the first list, the bids, and rising above them in the second, the asks;
            "running_total" adds up the column `of` in each of the lists, exactly; "answered" is always true;
            "requested" is the value of the parameter `of` in the request, which the response does not repeat.
        of: The column it is derived from, or the parameter.
    """

    name: str
    field: str | tuple[str, ...]
    kind: ColumnKind
    doc: str
    optional: bool = False
    outer: bool = False
    masked: Literal["", "key", "email"] = ""
    unit: TimeUnit = "ms"
    exact: bool = False
    named: bool = False
    derived: Derivation = ""
    of: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        """Every spelling of the field."""
        return (self.field,) if isinstance(self.field, str) else self.field


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time span one request may cover. Both ends are included.

    Attributes:
        max_span: Largest allowed difference between end and start, None where none is documented.
        default: Span fetched when no start is given.
        retention: How far back the exchange keeps rows, None where it does not say.
        both: Whether startTime and endTime must be sent together or not at all.
        required: Whether both must be sent.
        per_day: Whether each row is for one day, stamped with midnight UTC; one row a day unless ids tell
            rows apart.
        start_field: Name of the request parameter for the start.
        end_field: Name of the request parameter for the end.
        unit: How both are written.
    """

    max_span: timedelta | None
    default: timedelta
    retention: timedelta | None = None
    both: bool = False
    required: bool = False
    per_day: bool = False
    start_field: str = "startTime"
    end_field: str = "endTime"
    unit: TimeUnit = "ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """How to fetch more rows than fit in one response.

    Attributes:
        kind: "page" counts pages from 1 and "offset" counts rows from 0; both end with an empty page.
            "limit" has neither: a response that may have been cut off at its number of rows is fetched again
            as two half-windows. "id" continues from an id on, in ascending order, until a page is empty.
            "none" returns everything at once.
        size: Name of the request parameter for the number of rows.
        default: Rows in a response when the size is not sent.
        maximum: Largest number of rows allowed, which is also what the toolkit requests.
        size_required: Whether the exchange requires the size.
        id_field: Name of the request parameter for the first id of a page, which is not sent together with a
            span. Where it is also one of the endpoint's `params`, users may pass it in place of a span.
        id_column: Column that has the ids: whole numbers that ascend with the rows.
        page_field: Name of the request parameter for the number of the page.
        by_window: Whether rows paged by id are few, as those of one account are: the windows of a span are
            then fetched side by side, and only one whose rows do not fit in a response goes on by id.
            Otherwise only the first row of the span is found by time, and all others by id.
    """

    kind: PagingKind
    size: str = ""
    default: int | None = None
    maximum: int = 0
    size_required: bool = False
    id_field: str = ""
    id_column: str = ""
    page_field: str = "page"
    by_window: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The regular times of a series, such as candles: no two rows are of the same step.

    A window of as many steps as a response may have rows fits in one response. Steps that have ended and have
    no row are gaps: they are listed in the attributes of the frame, and never filled.

    Attributes:
        param: Name of the parameter with the length of a step, whose choices are words of the exchange such
            as "1m", "3d" or "1M". The rows are stamped with the first millisecond of their step.
    """

    param: str


def served_by_key(security: Security) -> frozenset[Security]:
    """Security types that a key must be allowed to serve, for an endpoint with this one."""
    return frozenset({security}) & {"USER_DATA", "TRADE"}


def carries_key(security: Security) -> bool:
    """Whether requests with this security type carry an API key."""
    return security != "NONE"


def carries_signature(security: Security) -> bool:
    """Whether requests with this security type are signed."""
    return security not in ("NONE", "MARKET_DATA")


NO_PAGING = Paging(kind="none")

WeightRule = Callable[[Mapping[str, Any]], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One HTTP method and path of the exchange.

    Attributes:
        name: Name of the Python method in its namespace.
        system: The documented API it belongs to; also the namespace on `Link`, as "market.spot" is
            `link.market.spot`.
        method: HTTP method; POST for some that only read.
        path: Path on the host of its rate limit. Endpoints with the same path are requests of one kind, whose
            responses have several kinds of rows.
        security: Documented security type; SIGNED where none is documented. NONE needs no key, and
            MARKET_DATA a key but no signature.
        permission: Permission the key needs, where the documentation names one.
        rate_limit: The rate limit its weight is charged to.
        weight: Weight of one request: a number, or a function of the parameters sent.
        params: Its parameters, besides those for the window and paging.
        unused: Parameters that the documentation lists, be it on one of two pages, and that are never sent.
        at_least_one: Arguments of which at least one must be given.
        mutually_exclusive: Arguments of which at most one may be given.
        without_span: Arguments that are given in place of a span, such as the id of an order whose trades are
            asked for. The id of a page is one without being named here.
        window: The time span of a request, None where it has none.
        paging: How rows are split over several responses.
        rows_field: Field that holds the rows, "" where the response itself is the list or the row. A path
            such as "data.rows" opens several objects.
        row_layout: Whether rows are "objects"; "arrays", whose columns are positions; or "named" objects in
            an object, each under its name.
        row_lists: Where the rows are in several lists beside each other, as the bids and asks of an order
            book: the field of each list, and what the column with the field `ROW_NAME` calls its rows. All
            rows come in one response, without a span or pages.
        ignored: Documented fields that no column uses.
        timestamp_field: Name of the request parameter for the time of a signed request.
        success_field: Field of the object around the rows that says whether they are there, "" where there is
            none.
        success_value: The value it must have.
        columns: The columns of the frame, in order.
        identity: Columns that together identify a row; () where none do.
        order_by: Column by which rows ascend, None where rows carry no time.
        steps: The regular times of its rows, None where they have none.
        whole: Whether the documentation says that the one response has every row, however many there are.
            Otherwise a list without pages that has as many rows as some page may have been cut off.
        newest_first: Whether responses are proven to be newest first; they are reversed, then checked.
        either_order: Whether nothing proves how responses are ordered. One whose first row is later than its
            last one is reversed; both are then checked.
        inaccurate_header: Whether the used weight in the headers of its responses is documented as not
            accurate; it is then ignored.
        summary: What the rows are, in one sentence.
        notes: What else a user should know, one sentence each.
        source: URL of the documentation.
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
    mutually_exclusive: tuple[str, ...] = ()
    without_span: tuple[str, ...] = ()
    window: Window | None = None
    paging: Paging = NO_PAGING
    rows_field: str = ""
    row_layout: RowLayout = "objects"
    row_lists: Mapping[str, str] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    ignored: tuple[str, ...] = ()
    timestamp_field: str = "timestamp"
    success_field: str = ""
    success_value: bool | int = True
    identity: tuple[str, ...] = ()
    order_by: str | None = None
    steps: Steps | None = None
    whole: bool = False
    newest_first: bool = False
    either_order: bool = False
    inaccurate_header: bool = False
    notes: tuple[str, ...] = ()

    @property
    def qualified_name(self) -> str:
        """The name users call it by, without `link.`: "<system>.<name>"."""
        return f"{self.system}.{self.name}"

    @property
    def request_params(self) -> tuple[Param, ...]:
        """All parameters the exchange documents, those for the window, paging and `unused` ones included."""
        extra: list[Param] = []
        if self.window:
            window = self.window
            extra += [
                Param(
                    field=window.start_field,
                    name="start",
                    kind="time",
                    doc="Start of the span.",
                    required=window.required,
                ),
                Param(
                    field=window.end_field,
                    name="end",
                    kind="time",
                    doc="End of the span.",
                    required=window.required,
                ),
            ]
        if self.paging.kind == "page":
            extra.append(
                Param(
                    field=self.paging.page_field,
                    name="page",
                    kind="integer",
                    doc="Number of the page.",
                    default=1,
                    minimum=1,
                )
            )
        if self.paging.kind == "offset":
            extra.append(
                Param(
                    field="offset", name="offset", kind="integer", doc="Rows to skip.", default=0, minimum=0
                )
            )
        if self.paging.kind == "id" and all(param.field != self.paging.id_field for param in self.params):
            extra.append(
                Param(
                    field=self.paging.id_field,
                    name="from_id",
                    kind="integer",
                    doc="First id of the page.",
                    minimum=0,
                )
            )
        if self.paging.size:
            extra.append(
                Param(
                    field=self.paging.size,
                    name=self.paging.size,
                    kind="integer",
                    doc="Rows in one response.",
                    required=self.paging.size_required,
                    default=self.paging.default,
                    minimum=1,
                    maximum=self.paging.maximum,
                )
            )
        return (*self.params, *extra, *self.unused)

    @property
    def row_limit(self) -> Param | None:
        """The argument with which users say how many rows they want, None where they cannot.

        It is a parameter named "limit" of an endpoint without paging: so many of the newest rows, or of those
        from an id on. A call is then one request, and a response with as many rows is complete.
        """
        if self.paging.kind != "none":
            return None
        return next((param for param in self.params if param.field == "limit" and param.fixed is None), None)

    @property
    def received_columns(self) -> tuple[Column, ...]:
        """The columns whose values are in the response: all but the derived ones."""
        return tuple(column for column in self.columns if not column.derived)

    def columns_echoing(self, param: Param) -> tuple[Column, ...]:
        """The columns that repeat the value of a parameter in every row, () where none do.

        They are declared with the parameter, or have the same field name, whatever its case. Where there are
        several, at least one of them has the value. The first id of a page is repeated by one row at most.
        """
        if param.columns:
            return tuple(column for column in self.columns if column.name in param.columns)
        if self.paging.kind == "id" and param.field == self.paging.id_field:
            return ()
        field = param.field.lower()
        return tuple(column for column in self.received_columns if field in map(str.lower, column.fields))

    @property
    def needs(self) -> frozenset[Security]:
        """Security types the key must support; empty where none is documented."""
        return served_by_key(self.security)

    @property
    def needs_key(self) -> bool:
        """Whether requests carry an API key."""
        return carries_key(self.security)

    @property
    def is_signed(self) -> bool:
        """Whether requests are signed."""
        return carries_signature(self.security)

    @property
    def privileged(self) -> bool:
        """Whether the key needs more than permission to read."""
        return bool(self.permission)

    def weight_of(self, sent: Mapping[str, Any]) -> int:
        """What a request with these parameters, by field name, is charged: its weight.

        Where the rate limit counts requests, that is one.
        """
        if self.rate_limit.counts == "requests":
            return 1
        return self.weight if isinstance(self.weight, int) else self.weight(sent)
