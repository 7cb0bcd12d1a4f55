"""What goes into the exchange and what comes out of it. No sockets here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

DeliveryKind = Literal["normal", "silence", "reset-before", "reset", "cut"]


class Headers(Mapping[str, str]):
    """Header fields; their names are the same in upper and lower case."""

    def __init__(self, fields: Mapping[str, str] | None = None) -> None:
        self._fields = {name.lower(): value for name, value in (fields or {}).items()}

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """A request as it came over the wire.

    Attributes:
        method: HTTP method.
        path: Path without the query string.
        query: The query string's bytes exactly as sent, without the question mark.
        body: The body's bytes exactly as sent.
        headers: Header fields, found in any spelling of upper and lower case.
        ip: Address the request came from.
    """

    method: str
    path: str
    query: bytes = b""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=Headers)
    ip: str = "127.0.0.1"

    def __post_init__(self) -> None:
        if not isinstance(self.headers, Headers):
            object.__setattr__(self, "headers", Headers(self.headers))


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the server brings an answer to the socket.

    Attributes:
        kind: normal; silence (never answers); reset-before (resets, nothing was done); reset (resets
            instead of answering, everything was done); cut (the body stops early).
        size: Bytes of the body that are sent when it is cut.
    """

    kind: DeliveryKind = "normal"
    size: int = 0


NORMAL = Delivery()


@dataclass(frozen=True, slots=True)
class SandboxResponse:
    """An answer, and how the server is to bring it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    delivery: Delivery = NORMAL

    def json(self) -> object:
        """The body as JSON."""
        return json.loads(self.body)


class RefusalError(Exception):
    """The exchange says no: an HTTP status, a code and a text of the documents."""

    def __init__(
        self, code: int, text: str, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.status = status
        self.headers = dict(headers or {})


def encode(payload: object) -> bytes:
    """JSON as the exchange writes it: no blanks, UTF-8 as it is."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def mandatory(name: str) -> RefusalError:
    """A mandatory parameter is missing or useless."""
    return RefusalError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def invalid(name: str) -> RefusalError:
    """A parameter's value is not allowed."""
    return RefusalError(-1130, f"Data sent for parameter '{name}' is not valid.")
