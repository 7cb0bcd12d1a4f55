"""Requests and responses of the exchange, independent of sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

TransmissionKind = Literal["normal", "no-response", "reset-before", "reset", "cut"]


class Headers(Mapping[str, str]):
    """Header fields with case-insensitive names."""

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
    """A request as received.

    Attributes:
        method: HTTP method.
        path: Path without the query string.
        query: The bytes of the query string exactly as sent, without the question mark.
        body: The bytes of the body exactly as sent.
        headers: Header fields, case-insensitive.
        ip: Address that the request came from.
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
class Transmission:
    """How the server sends a response.

    Attributes:
        kind: normal; no-response (the connection stays open, silent); reset-before (reset, nothing was done);
            reset (reset instead of a response, everything was done); cut (the body ends early).
        size: Bytes of the body to send, for cut.
    """

    kind: TransmissionKind = "normal"
    size: int = 0


NORMAL = Transmission()


@dataclass(frozen=True, slots=True)
class SandboxResponse:
    """A response, and how the server sends it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    transmission: Transmission = NORMAL

    def json(self) -> object:
        """The body as JSON."""
        return json.loads(self.body)


class RefusalError(Exception):
    """A refusal by the exchange: HTTP status, code and text as documented."""

    def __init__(
        self, code: int, text: str, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.status = status
        self.headers = dict(headers or {})


def encode(payload: object) -> bytes:
    """JSON as the exchange writes it: no spaces, UTF-8 unescaped."""
    return msgspec.json.encode(payload)


def mandatory(name: str) -> RefusalError:
    """A mandatory parameter is missing or malformed."""
    return RefusalError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def invalid(name: str) -> RefusalError:
    """A parameter's value is not allowed."""
    return RefusalError(-1130, f"Data sent for parameter '{name}' is not valid.")
