"""API keys of the sandbox, made from its seed, and what each may do."""

from __future__ import annotations

import hashlib
import string
from dataclasses import dataclass, field

ALPHABET = string.ascii_letters + string.digits
LENGTH = 64

# What a key's owner is to the exchange decides which Link doors are open.
PARTNER = "partner"
CUSTOMER = "customer"
STRANGER = "stranger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An API key.

    Attributes:
        name: What logs call it: the key itself is never written down.
        key: What goes into `X-MBX-APIKEY`.
        secret: Secret of an HMAC key.
        uid: Account that owns it.
        owner: Whether that account is the partner, a customer of the partner, or neither.
        securities: Security types it may use.
        permissions: What it was allowed when it was made, in the documents' words.
        public_pem: Public key in PEM, of an RSA or Ed25519 key; such a key has no secret.
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


def letters(*words: object, length: int = LENGTH) -> str:
    """Letters and digits that follow from the words alone."""
    text = "\x1f".join(map(str, words)).encode()
    digest = hashlib.shake_256(text).digest(length * 2)
    pairs = zip(digest[::2], digest[1::2], strict=True)
    return "".join(ALPHABET[(high << 8 | low) % len(ALPHABET)] for high, low in pairs)


def make_keys(seed: int, *, partner_uid: str, customer_uid: str, stranger_uid: str) -> dict[str, Key]:
    """The keys of a world, by name: the partner's first."""

    def key(name: str, uid: str, **options: object) -> Key:
        pair = {"key": letters(seed, name, "key"), "secret": letters(seed, name, "secret")}
        return Key(name=name, uid=uid, **pair, **options)  # type: ignore[arg-type]

    none: frozenset[str] = frozenset()
    made = (
        key("partner", partner_uid),
        key("read-only", partner_uid, securities=frozenset({"SIGNED", "USER_DATA"}), permissions=none),
        key("trade-only", partner_uid, securities=frozenset({"SIGNED", "TRADE"})),
        key("no-link", stranger_uid, owner=STRANGER),
        key("customer", customer_uid, owner=CUSTOMER),
    )
    return {each.name: each for each in made}
