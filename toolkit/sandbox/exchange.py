"""The exchange's rules, from a request to an answer. No sockets, and its own clock."""

from __future__ import annotations

import threading
import uuid
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import Any

from toolkit.endpoints import ENDPOINTS_BY_ROUTE, RATE_LIMITS, Endpoint, Host, RateLimit, Write
from toolkit.runtime import forks
from toolkit.runtime.decimals import in_own_context
from toolkit.sandbox import faults as faulty
from toolkit.sandbox.answers import Answers, Asked, LimitKeeps, RowPage
from toolkit.sandbox.authentication import check_key, check_permission, check_signed, find_key
from toolkit.sandbox.clock import SystemTime, TimeSource
from toolkit.sandbox.effects import Effect, shown
from toolkit.sandbox.faults import Faults
from toolkit.sandbox.keys import RegisteredKey
from toolkit.sandbox.limits import IntervalCount, Limits
from toolkit.sandbox.messages import RefusalError, SandboxRequest, SandboxResponse, encode
from toolkit.sandbox.parameters import Parameters, check_parameters, read_parameters
from toolkit.sandbox.public import PUBLIC_ROUTES, PublicRequest, PublicRoute
from toolkit.sandbox.world import World
from toolkit.sandbox.world.tables import Row, Table
from toolkit.sandbox.writes import execute

LOG_KEPT = 20_000
EFFECTS_KEPT = 200_000
IP_HEADER = "X-Sandbox-IP"

_PATHS = frozenset(path for _, path in ENDPOINTS_BY_ROUTE)
_HOSTS: tuple[tuple[str, Host], ...] = tuple(
    (rate_limit.prefix, rate_limit.host) for rate_limit in RATE_LIMITS
)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One request and what became of it. The key is named, never written down."""

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
class _Visit:
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
        world: What there is.
        clock: What time it is; the machine's clock if not given.
        limit_scale: What all limits are multiplied by.
        tables: Rows that stand in for the world's behind a list endpoint, by door.
        limit_keeps: Which rows a limit keeps, see `Answers`.
        rate_limits: Pools that stand in for the catalogue's, by name.
        window_seconds: Length of every pool's window, where it is to be another than documented.

    Attributes:
        id: Who this exchange is: another one at the same address has another id.
        faults: Ask here for things to go wrong.
        log: The last requests.
        counts: How often each status was answered; 0 stands for no answer at all.
        limits: The counters.
    """

    def __init__(
        self,
        world: World,
        clock: TimeSource | None = None,
        *,
        limit_scale: float = 1.0,
        tables: Mapping[str, Table] | None = None,
        limit_keeps: LimitKeeps = "oldest",
        rate_limits: Mapping[str, RateLimit] | None = None,
        window_seconds: int | None = None,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.world = world
        self.clock: TimeSource = clock or SystemTime()
        self.faults = Faults(world.seed)
        self.limits = Limits(limit_scale, rate_limits, window_seconds)
        self.log: deque[LogEntry] = deque(maxlen=LOG_KEPT)
        self.counts: Counter[int] = Counter()
        self._effects: deque[Effect] = deque(maxlen=EFFECTS_KEPT)
        self._answers = Answers(world, tables or {}, limit_keeps)
        forks.renew(self._make_lock)

    def _make_lock(self) -> None:
        self._lock = threading.RLock()

    @property
    def windows(self) -> list[IntervalCount]:
        """What each counter counted in each interval, oldest first."""
        with self._lock:
            return [replace(window) for window in self.limits.windows]

    @property
    def effects(self) -> list[Effect]:
        """What writes did, oldest first."""
        with self._lock:
            return list(self._effects)

    def effects_of(self, qualified_name: str, **wire_parameters: str) -> list[Effect]:
        """What one write did, with these parameters if any are given (an e-mail address chooses nothing)."""
        return [
            each
            for each in self.effects
            if each.qualified_name == qualified_name and each.has(wire_parameters)
        ]

    @in_own_context
    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """Answer a request."""
        with self._lock:
            visit = self._enter(request)
            try:
                answer = self._answer(visit)
            except RefusalError as usage_error:
                visit.code = usage_error.code
                visit.headers.update(usage_error.headers)
                answer = SandboxResponse(
                    usage_error.status, {}, encode({"code": usage_error.code, "msg": usage_error.text})
                )
            answer = self._dressed(answer, visit)
            self._record(visit, answer.status)
            return answer

    def _enter(self, request: SandboxRequest) -> _Visit:
        now = self.clock.time()
        skew = self.faults.take(faulty.SKEW, request)
        if skew is not None:
            now += skew.number_of("seconds")
        host = next((host for prefix, host in _HOSTS if request.path.startswith(prefix)), "")
        key = find_key(request, self.world.keys.values())
        return _Visit(request, now, request.headers.get(IP_HEADER, request.ip), host, key, {})

    def _answer(self, visit: _Visit) -> SandboxResponse:
        request = visit.request
        path = request.path
        # Limits and bans go by the true clock: skew is about what the exchange says, not what it does.
        now = self.clock.time()
        self.limits.check_ban(visit.host, visit.ip, now)
        fault = self.faults.take(faulty.ARRIVAL, request)
        if fault is not None:
            if fault.kind == "ban":
                raise self.limits.ban(visit.host, visit.ip, now, fault.number_of("seconds"))
            return faulty.strike(fault)
        parameters = read_parameters(request)
        public = PUBLIC_ROUTES.get(path)
        endpoint = ENDPOINTS_BY_ROUTE.get((request.method, path))
        self._charge(visit, parameters, endpoint, public, now)
        fault = self.faults.take(faulty.INSTEAD, request, faulty.before_effect)
        if fault is not None:
            return faulty.strike(fault)
        payload = (
            self._public(visit, parameters, public)
            if endpoint is None
            else self._signed(visit, parameters, endpoint, now)
        )
        answer = SandboxResponse(200, {}, encode(payload))
        fault = self.faults.take(faulty.AFTER, request, faulty.after_effect)
        if fault is None:
            return answer
        return faulty.cut(answer) if fault.kind == "cut" else faulty.strike(fault)

    def _charge(
        self,
        visit: _Visit,
        parameters: Parameters,
        endpoint: Endpoint | None,
        public: PublicRoute | None,
        now: float,
    ) -> None:
        """Count the request, whatever becomes of it."""
        path = visit.request.path
        if endpoint is not None:
            rate_limit, weight = endpoint.rate_limit, endpoint.weight_of(parameters.values)
        elif public is not None:
            if public.rate_limit is None:
                return
            rate_limit, weight = public.rate_limit, public.weight
        else:
            # A path that does not exist still draws on the counter of its host; on /sapi there is none.
            shared = next(
                (
                    rate_limit
                    for rate_limit in RATE_LIMITS
                    if rate_limit.shared and path.startswith(rate_limit.prefix)
                ),
                None,
            )
            if shared is None:
                return
            rate_limit, weight = shared, 1
        owner = visit.key.uid if rate_limit.scope == "UID" and visit.key is not None else visit.ip
        charge = self.limits.charge(rate_limit, path, owner, weight, now)
        visit.weight, visit.used = charge.weight, charge.used
        visit.headers.update(charge.headers)

    def _public(self, visit: _Visit, parameters: Parameters, public: PublicRoute | None) -> object:
        request = visit.request
        known = public is not None or request.path in _PATHS
        if public is None or request.method != "GET":
            raise RefusalError(-1099, "Not found, unauthenticated, or unauthorized.", 405 if known else 404)
        return public.answer(PublicRequest(self.limits, visit.now_ms, parameters.values))

    def _signed(self, visit: _Visit, parameters: Parameters, endpoint: Endpoint, now: float) -> object:
        key = check_key(visit.request, visit.key, visit.ip)
        check_signed(visit.request, parameters.values, key, visit.now_ms)
        check_permission(key, endpoint)
        asked = Asked(endpoint, check_parameters(endpoint, parameters), key, int(now * 1000))
        if not isinstance(endpoint, Write):
            fits = faulty.QUESTION, visit.request, lambda each: faulty.can_mistake(each, asked)
            for mistake in self.faults.take_all(*fits):
                asked = faulty.mistaken(mistake, asked)
        payload = self._written(asked) if isinstance(endpoint, Write) else self._answers.single(asked)
        if payload is not None:
            return self._bent(visit.request, endpoint, payload)
        page = self._answers.page(asked)
        fault = self.faults.take(faulty.ROWS, visit.request, lambda each: faulty.can_bend(each, page))
        rows = page.rows if fault is None else faulty.bend(fault, endpoint, page)
        return self._answers.wrap(asked, rows)

    def _written(self, asked: Asked) -> object:
        """Change the world, and count it."""
        done = execute(self.world, asked)
        effect = Effect(
            asked.now_ms, asked.endpoint.qualified_name, asked.key.name, shown(asked.values), done.id
        )
        self._effects.append(effect)
        return done.payload

    def _bent(self, request: SandboxRequest, endpoint: Endpoint, payload: Any) -> object:
        """A single object is a page of one row to the faults."""
        rows: list[Row] = payload if isinstance(payload, list) else [payload]
        page = RowPage(rows, 0, None)
        fault = self.faults.take(faulty.ROWS, request, lambda each: faulty.can_bend(each, page))
        if fault is None:
            return payload
        bent = faulty.bend(fault, endpoint, page)
        return bent if isinstance(payload, list) else bent[0]

    def _dressed(self, answer: SandboxResponse, visit: _Visit) -> SandboxResponse:
        """The answer with the headers every answer has."""
        headers = {
            "Content-Type": "application/json;charset=UTF-8",
            "Date": formatdate(visit.now, usegmt=True),
            **visit.headers,
            **answer.headers,
        }
        for fault in self.faults.take_all(faulty.HEADERS, visit.request):
            headers[fault.text_of("name")] = fault.text_of("value")
        return replace(answer, headers=headers)

    def _record(self, visit: _Visit, status: int) -> None:
        self.counts[status] += 1
        self.log.append(
            LogEntry(
                time=visit.now,
                ip=visit.ip,
                key=visit.key.name if visit.key else "",
                method=visit.request.method,
                path=visit.request.path,
                status=status,
                code=visit.code,
                weight=visit.weight,
                used=visit.used,
            )
        )
