"""Requests that the sender takes, and their results."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from toolkit.auth.signing import encode
from toolkit.endpoints import Endpoint, Method, RateLimit, Security
from toolkit.endpoints.model import carries_key, carries_signature, served_by_key
from toolkit.frames.decoder import Decoder, decoder_for
from toolkit.transport.responses import WriteResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """One read, before it is signed.

    Attributes:
        qualified_name: Name of the endpoint, or the path of an undeclared one.
        path: Path of the request.
        parameters: Its parameters.
        rate_limit, weight: The rate limit that is charged, and what it is charged.
        security, privileged: Whether it carries a key and a signature, and which key serves it.
        method: HTTP method. A GET has its parameters in the query string, any other in the form body.
        timestamp_field: Name of the parameter for the time of a signed request.
        single_attempt: Whether it is sent only once, also where the exchange fails or asks to wait.
        decoder: Makes a page of rows of the response; None for its JSON as it is.
        encoded: The parameters as a query string or form body.

    Raises:
        UsageError: A parameter cannot be encoded.
    """

    qualified_name: str
    path: str
    parameters: Mapping[str, object] = field(repr=False)
    rate_limit: RateLimit
    weight: int
    security: Security
    privileged: bool = False
    method: Method = "GET"
    timestamp_field: str = "timestamp"
    single_attempt: bool = False
    decoder: Decoder | None = field(default=None, repr=False)
    encoded: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoded", encode(self.parameters))  # a frozen class allows nothing else

    @classmethod
    def from_endpoint(
        cls,
        endpoint: Endpoint,
        parameters: Mapping[str, object],
        *,
        single_attempt: bool = False,
        exact: bool = False,
    ) -> ReadRequest:
        """Return a read of a declared endpoint; amounts in its page may be exact."""
        return cls(
            qualified_name=endpoint.qualified_name,
            path=endpoint.path,
            parameters=parameters,
            rate_limit=endpoint.rate_limit,
            weight=endpoint.weight_of(parameters),
            security=endpoint.security,
            privileged=endpoint.privileged,
            method=endpoint.method,
            timestamp_field=endpoint.timestamp_field,
            single_attempt=single_attempt,
            decoder=decoder_for(endpoint, exact=exact),
        )

    @property
    def needs(self) -> frozenset[Security]:
        """Security types that the key must serve."""
        return served_by_key(self.security)

    @property
    def needs_key(self) -> bool:
        """Whether it carries an API key."""
        return carries_key(self.security)

    @property
    def is_signed(self) -> bool:
        """Whether it is signed."""
        return carries_signature(self.security)


Placement = Literal["body", "query", "mixed"]
"""Where the parameters of a write are sent: the form body, the query string, or ids in the query string."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRequest:
    """One write, before it is signed.

    Attributes:
        qualified_name: Name of the endpoint.
        method, path: Method and path of the request.
        in_query, in_body: Parameters of the query string and of the form body.
        placement: With "query", timestamp and signature end the query string, or else the body.
        rate_limit, weight: The rate limit that is charged, and the weight.
        needs, privileged: Which key may sign it.
        timestamp_field: Name of the parameter for its time.
        query, body: The parameters as a query string and as a form body.

    Raises:
        UsageError: A parameter cannot be encoded.
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
    timestamp_field: str = "timestamp"
    query: str = field(init=False, repr=False)
    body: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "query", encode(self.in_query))  # a frozen class allows nothing else
        object.__setattr__(self, "body", encode(self.in_body))


@dataclass(frozen=True, slots=True)
class WriteAttempt:
    """One attempt to send a write.

    Attributes:
        result: Whether it was executed, as far as is known.
        interruption: An interrupt, or another exception of the user's own code, that was raised meanwhile.
    """

    result: WriteResult
    interruption: BaseException | None = None


@dataclass(slots=True)
class RequestStats:
    """Requests and weight of a fetch so far, and the age of its data. The threads of the fetch share it.

    Attributes:
        requests: Requests sent, retries included.
        weight: Their weight.
        server_time: The host's time at the last request, None before its clock was measured.
        as_of: When the oldest good response was made, by its `Date`, which has whole seconds. None before the
            first response, and from then on where a response has no valid `Date` or came from a cache.
        example: Whether a response was made from a documented example, as the sandbox does without a rule.
        cached: Whether a response came from a cache.
    """

    requests: int = 0
    weight: int = 0
    server_time: datetime | None = None
    as_of: datetime | None = None
    example: bool = False
    cached: bool = False
    _is_dated: bool = field(default=True, init=False, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def add(self, weight: int, server_time: float | None) -> None:
        """Count one request.

        Args:
            weight: Its weight.
            server_time: The host's time, None before its clock was measured.
        """
        with self._lock:
            self.requests += 1
            self.weight += weight
            if server_time is not None:
                self.server_time = datetime.fromtimestamp(server_time, UTC)

    def add_response(
        self, made_at: float | None, *, is_example: bool = False, is_cached: bool = False
    ) -> None:
        """Record a good response.

        Args:
            made_at: When the exchange made it at the earliest, None where that is unknown.
            is_example: Whether it was made from a documented example.
            is_cached: Whether it came from a cache.
        """
        with self._lock:
            self.example |= is_example
            self.cached |= is_cached
            self._is_dated = self._is_dated and made_at is not None
            if made_at is None or not self._is_dated:
                self.as_of = None
                return
            made = datetime.fromtimestamp(made_at, UTC)
            self.as_of = made if self.as_of is None else min(self.as_of, made)
