"""What the sender is given to send, and what it hands back."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from toolkit.auth.signing import encode
from toolkit.endpoints import Endpoint, Method, RateLimit, Security
from toolkit.transport.responses import WriteResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """One read, before it is signed. What cannot be written is refused when it is made.

    Attributes:
        qualified_name: What was called.
        path: Path of the request.
        parameters: Its parameters.
        rate_limit, weight: What it costs.
        needs, privileged: Which key serves it.
        single_attempt: It is not sent again where the exchange's side fails, or asks to wait.
        query: The parameters as they go out.

    Raises:
        UsageError: A parameter cannot be written.
    """

    qualified_name: str
    path: str
    parameters: Mapping[str, object] = field(repr=False)
    rate_limit: RateLimit
    weight: int
    needs: frozenset[Security]
    privileged: bool
    single_attempt: bool = False
    query: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "query", encode(self.parameters))  # the only way where it is frozen

    @classmethod
    def of(
        cls, endpoint: Endpoint, parameters: Mapping[str, object], *, single_attempt: bool = False
    ) -> ReadRequest:
        """A read of an endpoint that the catalogue has."""
        return cls(
            qualified_name=endpoint.qualified_name,
            path=endpoint.path,
            parameters=parameters,
            rate_limit=endpoint.rate_limit,
            weight=endpoint.weight_of(parameters),
            needs=endpoint.needs,
            privileged=endpoint.privileged,
            single_attempt=single_attempt,
        )


Placement = Literal["body", "query", "mixed"]
"""Where the parameters of a write go: all in the form body, all in the query string, or ids in the query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRequest:
    """One write, before it is signed. What cannot be written is refused when it is made.

    Attributes:
        qualified_name: The door that was called.
        method, path: The request.
        in_query, in_body: Parameters of the query string and of the form body.
        placement: Where timestamp and signature go: "query", or else at the end of the body.
        rate_limit, weight: What it costs.
        needs, privileged: Which key serves it.
        query, body: The parameters as they go out.

    Raises:
        UsageError: A parameter cannot be written.
    """

    qualified_name: str
    method: Method
    path: str
    in_query: Mapping[str, object] = field(repr=False)
    in_body: Mapping[str, object] = field(repr=False)
    placement: Placement
    rate_limit: RateLimit
    weight: int
    needs: frozenset[Security]
    privileged: bool
    query: str = field(init=False, repr=False)
    body: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "query", encode(self.in_query))  # the only way where it is frozen
        object.__setattr__(self, "body", encode(self.in_body))


@dataclass(frozen=True, slots=True)
class WriteAttempt:
    """What came of a write.

    Attributes:
        result: Whether it was executed, as far as can be told.
        interruption: The interrupt, or another exception of the user's own, that came meanwhile.
    """

    result: WriteResult
    interruption: BaseException | None = None


@dataclass(slots=True)
class RequestStats:
    """What a fetch has cost by now, repetitions included, and how old it is; its threads share it.

    Attributes:
        requests: Requests sent.
        weight: Their weight.
        server_time: The host's time at the last of them, None before its clock was measured.
        as_of: The earliest moment at which the exchange made one of the good answers, by their own `Date`,
            which is cut to whole seconds. None where there is none, and for good where one of them does not
            tell it or came out of a cache.
    """

    requests: int = 0
    weight: int = 0
    server_time: datetime | None = None
    as_of: datetime | None = None
    _is_dated: bool = field(default=True, init=False, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def add(self, weight: int, server_time: float | None) -> None:
        """Count one request; the host's time where its clock was measured."""
        with self._lock:
            self.requests += 1
            self.weight += weight
            if server_time is not None:
                self.server_time = datetime.fromtimestamp(server_time, UTC)

    def add_response(self, made_at: float | None) -> None:
        """A good answer came: when the exchange made it at the earliest, None where that cannot be told."""
        with self._lock:
            self._is_dated = self._is_dated and made_at is not None
            if made_at is None or not self._is_dated:
                self.as_of = None
                return
            made = datetime.fromtimestamp(made_at, UTC)
            self.as_of = made if self.as_of is None else min(self.as_of, made)
