"""A request on its way from the checks to the rule that answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.endpoints import Endpoint
from toolkit.sandbox.keys import RegisteredKey


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """A request whose parameters have been checked.

    Attributes:
        endpoint: The endpoint.
        values: Its parameters by field, as texts.
        key: The key that it is made with, None where the endpoint needs none.
        now_ms: The exchange's time.
        max_rows: Maximum number of rows of the response; None if the request alone decides.
    """

    endpoint: Endpoint
    values: Mapping[str, str]
    key: RegisteredKey | None
    now_ms: int
    max_rows: int | None = None

    @property
    def signer(self) -> RegisteredKey:
        """The key that it is signed with."""
        if self.key is None:
            raise LookupError(f"a request to {self.endpoint.qualified_name} has no key")
        return self.key

    def is_true(self, name: str) -> bool:
        """Whether a flag was sent as true."""
        return self.values.get(name, "").lower() == "true"
