"""API keys, what each may serve, and which of them serves a request. Nothing shows them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NoReturn

from toolkit.auth.signers import Signer, checked_text
from toolkit.endpoints import Security
from toolkit.errors import NoKeyError
from toolkit.text.printable import printable

SECURITIES: tuple[Security, ...] = ("USER_DATA", "TRADE")
"""The security types that a key may be limited to."""


class Credentials:
    """An API key, and what signs for it. Nothing shows either of them.

    Args:
        key: The API key, case-sensitive and never changed.
        signer: What signs.
        serves: Security types it may serve.
        name: What an error calls the key.

    Attributes:
        serves: As given.

    Raises:
        NoKeyError: The key cannot be one.
    """

    __slots__ = ("_key", "_signer", "serves")

    def __init__(
        self,
        key: str,
        signer: Signer,
        serves: Sequence[Security] = SECURITIES,
        name: str = "`key`",
    ) -> None:
        self._key = checked_text(name, key)
        self._signer = signer
        self.serves = frozenset(serves)

    @property
    def key(self) -> str:
        """The key, for the header that carries it."""
        return self._key

    @property
    def kind(self) -> str:
        """What it signs with."""
        return self._signer.kind

    @property
    def bits(self) -> int | None:
        """Length of its RSA key, None for the other kinds."""
        return self._signer.bits

    def sign(self, payload: str) -> str:
        """Signature of a payload, which is what goes out on the wire."""
        return self._signer.sign(payload)

    def __repr__(self) -> str:
        return f"Credentials({self.kind}, hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are not pickled or copied: they would be written down in clear")


class Keys:
    """The API keys of one account.

    Args:
        credentials: At least one, except where hosts are only looked at.
        origin: Where they come from, in words; where there are none, why.

    Attributes:
        origin: As given.
    """

    __slots__ = ("_all", "origin")

    def __init__(self, credentials: Sequence[Credentials], origin: str) -> None:
        self._all = tuple(credentials)
        self.origin = origin

    def __iter__(self) -> Iterator[Credentials]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def pick(self, needs: Collection[Security], endpoint: str, *, privileged: bool) -> Credentials:
        """The key that serves a request.

        Of those that may, a read is served by one that can do little else, and what changes something, or
        asks for a permission, by one that can.

        Args:
            needs: Security types that it has to serve; where there are none any key may try.
            endpoint: What is asked for, for the error.
            privileged: It changes something, or the documents ask for a permission besides.

        Raises:
            NoKeyError: None may; nothing was sent.
        """
        able = [each for each in self._all if each.serves.issuperset(needs)]
        if able:
            wanted, other = ("TRADE", "USER_DATA") if privileged else ("USER_DATA", "TRADE")
            return min(
                able,
                key=lambda each: (wanted not in each.serves, (other in each.serves) != privileged),
            )
        if not self._all:
            raise NoKeyError(self.origin)
        had = ", ".join(sorted({" and ".join(sorted(each.serves)) for each in self._all}))
        raise NoKeyError(
            f"{endpoint} wants a key that may serve {' and '.join(sorted(needs))}, and those of {self.origin} "
            f"may serve {had}. Nothing was sent. Add a key that may, or say in its `serves` that one does."
        )

    def __repr__(self) -> str:
        return printable(f"Keys({len(self)} of {self.origin}, hidden)")

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not pickled or copied: they would be written down in clear")
