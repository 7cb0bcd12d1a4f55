"""The sandbox's API keys, derived from its seed, and what each may do."""

from __future__ import annotations

import hashlib
import string
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ALPHABET = string.ascii_letters + string.digits
KEY_LENGTH = 64

# Which Link endpoints a key may use depends on its owner.
PARTNER = "partner"
CUSTOMER = "customer"
STRANGER = "stranger"

# This machine, and two addresses of the partner.
ADDRESSES = frozenset({"127.0.0.1", "10.0.0.8", "10.0.0.9"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredKey:
    """An API key.

    Attributes:
        name: Its name in logs, which never contain the key itself.
        key: The value of `X-MBX-APIKEY`.
        secret: Secret of an HMAC key.
        uid: The account that owns it.
        owner: Whether that account is the partner, a customer of the partner, or neither.
        securities: Security types it may use.
        permissions: Permissions given at its creation, as the documents name them.
        public_pem: Public key in PEM, of an RSA or Ed25519 key; such a key has no secret.
        addresses: IP addresses it may be used from; empty for any.
        withdrawals: Whether it may withdraw.
        created_ms: Time of its creation, in milliseconds.
    """

    name: str
    key: str = field(repr=False)
    secret: str = field(default="", repr=False)
    uid: str
    owner: str = PARTNER
    securities: frozenset[str] = frozenset({"SIGNED", "USER_DATA", "TRADE"})
    permissions: frozenset[str] = frozenset(
        {"trade", "internal transfer", "Spot & Margin Trading", "Universal Transfer"}
    )
    public_pem: str = field(default="", repr=False)
    addresses: frozenset[str] = frozenset()
    withdrawals: bool = False
    created_ms: int = 0

    def __post_init__(self) -> None:
        if self.withdrawals and not self.addresses:
            raise ValueError("a key with withdrawals needs `addresses`")
        if self.public_pem or not self.secret:
            read_public(self.public_pem)

    def is_used_from(self, ip: str) -> bool:
        """Whether it may be used from this address."""
        return not self.addresses or ip in self.addresses


@lru_cache(maxsize=32)
def read_public(pem: str) -> RSAPublicKey | Ed25519PublicKey:
    """The RSA or Ed25519 key in a PEM; ValueError if it holds none."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    wrong = "`public_pem` is not the PEM of an RSA or Ed25519 public key"
    try:
        public = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(wrong) from None
    if not isinstance(public, RSAPublicKey | Ed25519PublicKey):
        raise ValueError(wrong)  # noqa: TRY004 - the text is wrong, not its type
    return public


def letters(*words: object, length: int = KEY_LENGTH) -> str:
    """Letters and digits derived from the words alone."""
    text = "\x1f".join(map(str, words)).encode()
    digest = hashlib.shake_256(text).digest(length * 2)
    pairs = zip(digest[::2], digest[1::2], strict=True)
    return "".join(ALPHABET[(high << 8 | low) % len(ALPHABET)] for high, low in pairs)


def make_keys(
    seed: int, created_ms: int, *, partner_uid: str, customer_uid: str, stranger_uid: str
) -> dict[str, RegisteredKey]:
    """The keys of a world by name; the partner's, which has everything a key should have, comes first."""

    def key(name: str, uid: str, **options: object) -> RegisteredKey:
        pair = {"key": letters(seed, name, "key"), "secret": letters(seed, name, "secret")}
        return RegisteredKey(name=name, uid=uid, created_ms=created_ms, **pair, **options)  # type: ignore[arg-type]

    none: frozenset[str] = frozenset()
    made = (
        key("partner", partner_uid, addresses=ADDRESSES),
        key("open", partner_uid),
        key("withdrawals", partner_uid, addresses=ADDRESSES, withdrawals=True),
        key(
            "read-only",
            partner_uid,
            securities=frozenset({"SIGNED", "USER_DATA"}),
            permissions=none,
            addresses=ADDRESSES,
        ),
        key("trade-only", partner_uid, securities=frozenset({"SIGNED", "TRADE"})),
        key("no-link", stranger_uid, owner=STRANGER),
        key("customer", customer_uid, owner=CUSTOMER),
    )
    return {each.name: each for each in made}
