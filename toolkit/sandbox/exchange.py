"""The exchange's rules, from a request to a response: no sockets, and a clock of its own."""

from __future__ import annotations

import threading
import uuid
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import Any

import msgspec

from toolkit.endpoints import ENDPOINTS_BY_ROUTE, Endpoint, RateLimit, Write, by_route, requested
from toolkit.runtime import forks
from toolkit.runtime.decimals import in_own_context
from toolkit.sandbox import faults as faulty
from toolkit.sandbox import layouts
from toolkit.sandbox.authentication import check_key, check_permission, check_signed, find_key
from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.clock import SystemTime, TimeSource
from toolkit.sandbox.effects import Effect, shown
from toolkit.sandbox.example_rows import EXAMPLE_HEADER
from toolkit.sandbox.faults import Faults
from toolkit.sandbox.keys import RegisteredKey
from toolkit.sandbox.limits import IntervalCount, Limits
from toolkit.sandbox.market_routes import MarketRoutes
from toolkit.sandbox.messages import RefusalError, SandboxRequest, SandboxResponse, encode
from toolkit.sandbox.parameters import Parameters, check_parameters, read_parameters
from toolkit.sandbox.public import PUBLIC_ROUTES, PublicRequest, PublicRoute
from toolkit.sandbox.reads import Reads, RowPage, RowsKept
from toolkit.sandbox.world import World
from toolkit.sandbox.world.tables import Row, Table
from toolkit.sandbox.writes import execute

LOG_KEPT = 20_000
EFFECTS_KEPT = 200_000
IP_HEADER = "X-Sandbox-IP"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One request and its response. The key is named but never recorded."""

    time: float
    ip: str
    key: str
    method: str
    path: str
    status: int
    code: int | None
    weight: int
    used: int


@dataclass(slots=True)
class _RequestContext:
    """A request on its way through the checks."""

    request: SandboxRequest
    now: float
    ip: str
    host: str
    key: RegisteredKey | None
    headers: dict[str, str]
    weight: int = 0
    used: int = 0
    code: int | None = None

    @property
    def now_ms(self) -> int:
        return int(self.now * 1000)


class Exchange:
    """A strict exchange in front of a world. Threads may share it.

    Args:
        world: The data.
        clock: The clock; this machine's if not given.
        limit_scale: Factor for all rate limits.
        tables: Rows of an endpoint, instead of those of the world, by its name.
        rows_kept: Which rows are returned when there are more than the limit, see `Reads`.
        rate_limits: Rate limits that replace the documented ones, by name.
        window_seconds: Length of every rate limit's window, instead of the documented one.
        endpoints: More endpoints to serve, besides the declared ones.
        examples: Example responses by endpoint, for those that have neither rows nor a documented example.

    Attributes:
        id: Identifies this exchange: another one at the same address has another id.
        faults: Faults are added here.
        log: The last requests.
        counts: Number of responses by status; 0 stands for no response.
        limits: The counters.
    """

    def __init__(
        self,
        world: World,
        clock: TimeSource | None = None,
        *,
        limit_scale: float = 1.0,
        tables: Mapping[str, Table] | None = None,
        rows_kept: RowsKept = "oldest",
        rate_limits: Mapping[str, RateLimit] | None = None,
        window_seconds: int | None = None,
        endpoints: Iterable[Endpoint] = (),
        examples: Mapping[str, object] | None = None,
    ) -> None:
        self._routes = ENDPOINTS_BY_ROUTE | by_route(endpoints)
        self.id = uuid.uuid4().hex
        self.world = world
        self.clock: TimeSource = clock or SystemTime()
        self.faults = Faults(world.seed)
        served = {each.rate_limit.name: each.rate_limit for each in self._endpoints}
        self.limits = Limits(limit_scale, served | dict(rate_limits or {}), window_seconds)
        self.log: deque[LogEntry] = deque(maxlen=LOG_KEPT)
        self.counts: Counter[int] = Counter()
        self._effects: deque[Effect] = deque(maxlen=EFFECTS_KEPT)
        market = MarketRoutes(world.seed, world.start_ms, self.limits)
        self._reads = Reads(world, tables or {}, rows_kept, examples or {}, market)
        forks.renew(self._make_lock)

    def _make_lock(self) -> None:
        self._lock = threading.RLock()

    @property
    def _endpoints(self) -> list[Endpoint]:
        return [endpoint for endpoints in self._routes.values() for endpoint in endpoints]

    @property
    def windows(self) -> list[IntervalCount]:
        """What each counter counted in each interval, oldest first."""
        with self._lock:
            return [replace(window) for window in self.limits.windows]

    @property
    def examples(self) -> list[str]:
        """The endpoints that are served from their documented example, for lack of a rule."""
        reads = (each for each in self._endpoints if not isinstance(each, Write))
        return sorted({each.qualified_name for each in reads if self._reads.is_example(each)})

    @property
    def effects(self) -> list[Effect]:
        """The executed writes, oldest first."""
        with self._lock:
            return list(self._effects)

    def effects_of(self, qualified_name: str, **fields: str) -> list[Effect]:
        """The executions of one write, with these parameters if given (e-mail addresses are not recorded)."""
        return [each for each in self.effects if each.qualified_name == qualified_name and each.has(fields)]

    @in_own_context
    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """Respond to a request."""
        with self._lock:
            context = self._begin(request)
            try:
                response = self._respond(context)
            except RefusalError as refusal:
                context.code = refusal.code
                context.headers.update(refusal.headers)
                response = SandboxResponse(
                    refusal.status, {}, encode({"code": refusal.code, "msg": refusal.text})
                )
            response = self._add_headers(response, context)
            self._record(context, response.status)
            return response

    def _begin(self, request: SandboxRequest) -> _RequestContext:
        now = self.clock.time()
        skew = self.faults.take(faulty.CLOCK, request)
        if skew is not None:
            now += skew.number_of("seconds")
        host = next(
            (
                rate_limit.host
                for rate_limit in self.limits.rate_limits.values()
                if request.path.startswith(rate_limit.prefix)
            ),
            "",
        )
        key = find_key(request, self.world.keys.values())
        return _RequestContext(request, now, request.headers.get(IP_HEADER, request.ip), host, key, {})

    def _respond(self, context: _RequestContext) -> SandboxResponse:
        request = context.request
        path = request.path
        # Rate limits and bans follow the true clock: skew affects what the exchange says, not what it does.
        now = self.clock.time()
        self.limits.check_ban(context.host, context.ip, now)
        fault = self.faults.take(faulty.ARRIVAL, request)
        if fault is not None:
            if fault.kind == "ban":
                raise self.limits.ban(context.host, context.ip, now, fault.number_of("seconds"))
            return faulty.failure_response(fault)
        parameters = read_parameters(request)
        public = PUBLIC_ROUTES.get(path)
        endpoint = requested(self._routes.get((request.method, path), ()), parameters.values)
        self._charge(context, parameters, endpoint, public, now)
        fault = self.faults.take(faulty.INSTEAD_OF_RESPONSE, request, faulty.before_effect)
        if fault is not None:
            return faulty.failure_response(fault)
        payload = (
            self._public(context, public)
            if endpoint is None
            else self._declared(context, parameters, endpoint, now)
        )
        response = SandboxResponse(200, {}, encode(payload))
        fault = self.faults.take(faulty.AFTER_EFFECT, request, faulty.after_effect)
        if fault is None:
            return response
        return faulty.truncate(response) if fault.kind == "cut" else faulty.failure_response(fault)

    def _charge(
        self,
        context: _RequestContext,
        parameters: Parameters,
        endpoint: Endpoint | None,
        public: PublicRoute | None,
        now: float,
    ) -> None:
        """Count the request, whether or not it succeeds."""
        path = context.request.path
        if endpoint is not None:
            rate_limit, weight = endpoint.rate_limit, endpoint.weight_of(parameters.values)
        elif public is not None:
            if public.rate_limit is None:
                return
            rate_limit, weight = public.rate_limit, public.weight
        else:
            # An unknown path is charged to the shared counter of its host; /sapi has none.
            shared = self.limits.shared(path)
            if shared is None:
                return
            rate_limit, weight = shared, 1
        owner = context.key.uid if rate_limit.scope == "UID" and context.key is not None else context.ip
        charge = self.limits.charge(rate_limit, path, owner, weight, now)
        context.weight, context.used = charge.weight, charge.used
        context.headers.update(charge.headers)
        if endpoint is not None and endpoint.inaccurate_header:
            # The documents do not say how they are wrong: here they count this request alone.
            context.headers.update(dict.fromkeys(charge.headers, str(charge.weight)))

    def _public(self, context: _RequestContext, public: PublicRoute | None) -> object:
        request = context.request
        known = public is not None or any(path == request.path for _, path in self._routes)
        if public is None or request.method != "GET":
            missing = f"The sandbox does not have {request.method} {request.path}."
            raise RefusalError(-1099, missing, 405 if known else 404)
        return public.handler(PublicRequest(self.limits, self.world.start_ms, context.now_ms))

    def _declared(
        self, context: _RequestContext, parameters: Parameters, endpoint: Endpoint, now: float
    ) -> object:
        key = self._authenticated(context, parameters, endpoint)
        # What is public tells the time that the exchange says it is.
        now_ms = int(now * 1000) if endpoint.is_signed else context.now_ms
        checked = CheckedRequest(endpoint, check_parameters(endpoint, parameters), key, now_ms)
        if not isinstance(endpoint, Write):
            fits = faulty.PARAMETERS, context.request, lambda each: faulty.can_alter_request(each, checked)
            for altering in self.faults.take_all(*fits):
                checked = faulty.alter_request(altering, checked)
            by_path = self._reads.by_path(checked)
            if by_path is not None:
                return self._alter_payload(context.request, endpoint, by_path)
            if self._reads.is_example(endpoint):
                context.headers[EXAMPLE_HEADER] = "1"
        payload = self._execute(checked) if isinstance(endpoint, Write) else self._reads.single(checked)
        if payload is not None:
            return self._alter_object(context.request, endpoint, payload)
        page = self._reads.page(checked)
        fault = self.faults.take(faulty.ROWS, context.request, lambda each: faulty.can_alter_rows(each, page))
        rows = page.rows if fault is None else faulty.alter_rows(fault, endpoint, page)
        return self._reads.wrap(checked, rows)

    @staticmethod
    def _authenticated(
        context: _RequestContext, parameters: Parameters, endpoint: Endpoint
    ) -> RegisteredKey | None:
        """The key of the request, None where the endpoint needs none."""
        if not endpoint.needs_key:
            return None
        key = check_key(context.request, context.key, context.ip)
        if endpoint.is_signed:
            check_signed(context.request, endpoint, parameters.values, key, context.now_ms)
            check_permission(key, endpoint)
        return key

    def _execute(self, checked: CheckedRequest) -> object:
        """Execute the write and record it."""
        done = execute(self.world, checked)
        effect = Effect(
            checked.now_ms,
            checked.endpoint.qualified_name,
            checked.signer.name,
            shown(checked.values),
            done.id,
        )
        self._effects.append(effect)
        return done.payload

    def _alter_object(self, request: SandboxRequest, endpoint: Endpoint, payload: Any) -> object:
        """Apply a row fault to a single object, as to a page of one row."""
        rows: list[Row] = payload if isinstance(payload, list) else [payload]
        page = RowPage(rows, 0, None)
        fault = self.faults.take(faulty.ROWS, request, lambda each: faulty.can_alter_rows(each, page))
        if fault is None:
            return payload
        altered = faulty.alter_rows(fault, endpoint, page)
        return altered if isinstance(payload, list) else altered[0]

    def _alter_payload(self, request: SandboxRequest, endpoint: Endpoint, payload: object) -> object:
        """Apply a row fault to rows that may have been encoded already."""
        if not self.faults.has(faulty.ROWS):
            return payload
        payload = msgspec.json.decode(encode(payload))
        rows = layouts.unwrap(endpoint, payload)
        page = RowPage(rows if isinstance(rows, list) else [rows], 0, None)
        fault = self.faults.take(faulty.ROWS, request, lambda each: faulty.can_alter_rows(each, page))
        return (
            payload
            if fault is None
            else layouts.with_rows(endpoint, payload, faulty.alter_rows(fault, endpoint, page))
        )

    def _add_headers(self, response: SandboxResponse, context: _RequestContext) -> SandboxResponse:
        """Add the headers that every response has."""
        headers = {
            "Content-Type": "application/json;charset=UTF-8",
            "Date": formatdate(context.now, usegmt=True),
            **context.headers,
            **response.headers,
        }
        for fault in self.faults.take_all(faulty.HEADERS, context.request):
            headers[fault.text_of("name")] = fault.text_of("value")
        return replace(response, headers=headers)

    def _record(self, context: _RequestContext, status: int) -> None:
        self.counts[status] += 1
        self.log.append(
            LogEntry(
                time=context.now,
                ip=context.ip,
                key=context.key.name if context.key else "",
                method=context.request.method,
                path=context.request.path,
                status=status,
                code=context.code,
                weight=context.weight,
                used=context.used,
            )
        )
