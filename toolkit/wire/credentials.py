"""A key and its secret, kept out of sight."""

from __future__ import annotations

import hashlib
import hmac
from typing import NoReturn

from toolkit.errors import UsageError


class Credentials:
    """An API key with its secret. Nothing shows either of them.

    Args:
        key: The API key, case-sensitive and never changed.
        secret: Its secret, case-sensitive and never changed.

    Raises:
        UsageError: One of them is empty, has blanks in it or is still a placeholder.
    """

    __slots__ = ("_key", "_secret")

    def __init__(self, key: str, secret: str) -> None:
        self._key = _checked("key", key)
        self._secret = _checked("secret", secret).encode()

    @property
    def key(self) -> str:
        """The key, for the header that carries it."""
        return self._key

    def sign(self, payload: str) -> str:
        """HMAC-SHA256 of a payload, which is what goes out on the wire, as hexadecimal digits."""
        return hmac.new(self._secret, payload.encode("ascii"), hashlib.sha256).hexdigest()

    def __repr__(self) -> str:
        return "Credentials(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are not pickled or copied: they would be written down in clear")


def _checked(name: str, value: str) -> str:
    if not isinstance(value, str) or not value:
        raise UsageError(f"`{name}` has to be the text that the exchange gave you. Nothing was sent.")
    if value != value.strip() or any(ch.isspace() for ch in value):
        raise UsageError(f"`{name}` has blanks in or around it: paste it again. Nothing was sent.")
    if not value.isascii() or "your_" in value.lower():
        raise UsageError(f"`{name}` is a placeholder, not what the exchange gave you. Nothing was sent.")
    return value
