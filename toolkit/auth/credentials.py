"""API keys, and which of them serves a request. Secrets are never shown."""

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
    """An API key and its signer. Neither is shown in a `repr`, pickled or copied.

    Args:
        key: The API key, case-sensitive and used as it is.
        signer: Signs with the secret or private key.
        serves: Security types that the key may serve.
        name: What errors call the key.

    Attributes:
        serves: Security types that the key may serve.

    Raises:
        NoKeyError: The key is invalid.
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
        """The API key, for the request header."""
        return self._key

    @property
    def kind(self) -> str:
        """The kind of signature: HMAC, RSA or Ed25519."""
        return self._signer.kind

    @property
    def bits(self) -> int | None:
        """Length of an RSA key in bits, None for other kinds."""
        return self._signer.bits

    def sign(self, payload: str) -> str:
        """Sign a payload, exactly as it is sent."""
        return self._signer.sign(payload)

    def __repr__(self) -> str:
        return f"Credentials({self.kind}, hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials cannot be pickled or copied: that would expose the secret")


class Keys:
    """The API keys of one account.

    Args:
        credentials: The keys. There may be none: public endpoints need none.
        origin: Where the keys come from, in words; without keys, the text of the error.
        unusable: Whether there are none because a configured key cannot be used.

    Attributes:
        origin: Where the keys come from.
        unusable: As given.
    """

    __slots__ = ("_all", "origin", "unusable")

    def __init__(self, credentials: Sequence[Credentials], origin: str, *, unusable: bool = False) -> None:
        self._all = tuple(credentials)
        self.origin = origin
        self.unusable = unusable

    def __iter__(self) -> Iterator[Credentials]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def pick(self, needs: Collection[Security], endpoint: str, *, privileged: bool) -> Credentials:
        """Choose the key for a request.

        Among the suitable keys, a read gets the one with the fewest rights; a write, or a read that needs a
        permission, gets one that may trade.

        Args:
            needs: Security types that the key must serve; if empty, any key is suitable.
            endpoint: Name of the endpoint, for the error.
            privileged: Whether it is a write, or a read that needs a permission.

        Raises:
            NoKeyError: No key is suitable. Nothing was sent.
        """
        suitable = [each for each in self._all if each.serves.issuperset(needs)]
        if suitable:
            preferred, other = ("TRADE", "USER_DATA") if privileged else ("USER_DATA", "TRADE")
            return min(
                suitable,
                key=lambda each: (preferred not in each.serves, (other in each.serves) != privileged),
            )
        if not self._all:
            # An undeclared endpoint has its path for a name, and `link.get` cannot know that it is public.
            public = (
                'pass `security="NONE"` if it is public' if "/" in endpoint else "public endpoints need none"
            )
            needed = "" if self.unusable else f"{endpoint} needs an API key; {public}. "
            raise NoKeyError(f"{needed}{self.origin}")
        available = ", ".join(sorted({" and ".join(sorted(each.serves)) for each in self._all}))
        raise NoKeyError(
            f"{endpoint} needs a key that may serve {' and '.join(sorted(needs))}, but those of "
            f"{self.origin} may serve {available}. Nothing was sent. Add such a key, or extend `serves` of "
            "an existing one."
        )

    def __repr__(self) -> str:
        return printable(f"Keys({len(self)} of {self.origin}, hidden)")

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys cannot be pickled or copied: that would expose the secrets")
