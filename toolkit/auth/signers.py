"""How a key signs: with a secret (HMAC), or with a private key (RSA, Ed25519). Nothing shows either.

What kind it is follows from what it looks like, never from its name.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, NoReturn

from toolkit.errors import NoKeyError

Kind = Literal["HMAC", "RSA", "Ed25519"]

# What the exchange takes.
RSA_BITS = (2048, 4096)

_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
# A whole key; what stands between its lines in old locked ones has a colon.
_WHOLE = re.compile(r"(-----BEGIN (?P<kind>[A-Z0-9 ]+)-----)(?P<body>[^-]*)(-----END (?P=kind)-----)")
_LINE_ENDS = re.compile(r"\\+r\\+n|\\+[rn]|\r\n?")
# What a word processor or a table makes of the lines of hyphens; a key that was coded once more.
_LIKE_A_KEY = re.compile(r"BEGIN [A-Z0-9 ]*PRIVATE KEY")
_CODED = "LS0tLS1CRUdJTi"
_LINE = 64
# A private key in PEM has some 3,300 characters at most.
_LONGEST_PEM = 20_000
# What stands in documents and examples in place of a key; some words only tell where the text is short.
_PLACEHOLDER = re.compile(r"your[_ -]|<.*>|\.\.\.", re.IGNORECASE)
_SHORT_PLACEHOLDER = re.compile(r"your|change|example|paste|here|xxxx|api|key|secret|todo", re.IGNORECASE)
_SHORT = 32


class Signer:
    """Signs what goes out on the wire.

    Attributes:
        kind: What it signs with.
        bits: Length of an RSA key, None for the others.
    """

    __slots__ = ("_sign", "bits", "kind")

    def __init__(self, kind: Kind, sign: Callable[[bytes], str], bits: int | None = None) -> None:
        self.kind = kind
        self.bits = bits
        self._sign = sign

    def sign(self, payload: str) -> str:
        """Signature of a payload: hexadecimal digits of HMAC, base64 of the others."""
        return self._sign(payload.encode("ascii"))

    def __repr__(self) -> str:
        return f"Signer({self.kind}, hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("what signs is not pickled or copied: it would be written down in clear")


def is_pem(text: str) -> bool:
    """Whether a text is a key in PEM, by its content."""
    return _BEGIN.search(text) is not None


def tidy_pem(text: str) -> str:
    """A key in PEM in lines of its own, where variables, tables and editors left it in others.

    Its text has no backslash, no quote and no blank between BEGIN and END, so what stands there of these came
    on the way: line ends in letters or as blanks, quotes and a byte order mark around it.
    """
    text = _LINE_ENDS.sub("\n", text.strip().strip("\ufeff\"'`").strip())
    whole = _WHOLE.fullmatch(text)
    if whole is None or ":" in whole["body"]:
        return text
    body = "".join(whole["body"].split())
    lines = [body[start : start + _LINE] for start in range(0, len(body), _LINE)]
    return "\n".join([whole[1], *lines, whole[4], ""])


def is_locked(pem: str) -> bool:
    """Whether a private key in PEM is locked with a passphrase."""
    return "ENCRYPTED" in pem


def signer_of(name: str, secret: str, passphrase: str | None = None) -> Signer:
    """What signs with a secret, or with a private key in PEM: whichever it is.

    Args:
        name: What an error calls it.
        secret: The secret that the exchange gave with the key, or the text of a private key in PEM.
        passphrase: What the private key is locked with, if it is.

    Raises:
        NoKeyError: It cannot be used.
    """
    if isinstance(secret, str) and is_pem(secret):
        return _private_key_signer(name, tidy_pem(secret), passphrase)
    signer = _hmac_signer(checked_text(name, secret))
    if passphrase is not None:
        raise NoKeyError(
            f"{name} is a secret, and only a private key is locked with a passphrase: leave it out. "
            "Nothing was sent."
        )
    return signer


def checked_text(name: str, value: object) -> str:
    """A key or secret as the exchange gave it: it is used as it is, and never mended.

    Raises:
        NoKeyError: It cannot be one.
    """
    problem = ""
    if not isinstance(value, str) or not value:
        problem = "has to be the text that the exchange gave you"
    elif _LIKE_A_KEY.search(value):
        problem = (
            "reads like a private key in PEM, and the five hyphens before and behind its BEGIN were changed "
            "on the way: copy it as plain text"
        )
    elif value.startswith(_CODED):
        problem = "is a private key in PEM that was coded in base64 once more: decode it first (`base64 -d`)"
    elif value != value.strip():
        problem = "has blanks or line ends around it: paste it again"
    elif any(ch.isspace() for ch in value):
        problem = "has blanks in it: paste it again"
    elif value[0] in "\"'`" or value[-1] in "\"'`":
        problem = "has quotes around it: they are not part of it"
    elif not value.isascii() or not value.isprintable():
        problem = "has characters that no key has, an ellipsis or an invisible one: copy it again"
    elif _PLACEHOLDER.search(value) or (len(value) < _SHORT and _SHORT_PLACEHOLDER.search(value)):
        problem = "is a placeholder, not what the exchange gave you"
    if problem:
        raise NoKeyError(f"{name} {problem}. Nothing was sent.")
    assert isinstance(value, str)  # noqa: S101 - for the type checker
    return value


def _hmac_signer(secret: str) -> Signer:
    # Only what the digest makes of the secret is kept, and not the secret itself.
    keyed = hmac.new(secret.encode(), digestmod=hashlib.sha256)

    def sign(payload: bytes) -> str:
        digest = keyed.copy()
        digest.update(payload)
        return digest.hexdigest()

    return Signer("HMAC", sign)


def _private_key_signer(name: str, pem: str, passphrase: str | None) -> Signer:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256

    problem = _unlike_a_private_key(pem)
    if not problem and passphrase is not None and not (isinstance(passphrase, str) and passphrase):
        problem = "is given an empty passphrase: leave it out where it is not locked"
    if problem:
        raise NoKeyError(f"{name} {problem}. Nothing was sent.")
    private = None
    try:
        private = _opened(pem, passphrase)
    except TypeError:  # one of the two: no passphrase for a locked key, or one for an open key
        if passphrase is None:
            problem = (
                "is locked with a passphrase: give `passphrase=`, set TOOLKIT_PASSPHRASE, or have "
                "`toolkit.Link.from_prompt()` ask for it"
            )
        else:
            problem = "is not locked, and was given a passphrase: leave that out, or lock it"
    except (ValueError, UnsupportedAlgorithm):
        problem = "is damaged: copy it again, line by line"
        if is_locked(pem):
            problem = "cannot be opened: the passphrase is wrong"
            if passphrase is not None and passphrase != passphrase.strip():
                problem += ". There are blanks around it, which count"
    if isinstance(private, Ed25519PrivateKey):
        ed25519 = private  # for the type checker
        return Signer("Ed25519", lambda payload: base64.b64encode(ed25519.sign(payload)).decode())
    if isinstance(private, RSAPrivateKey):
        rsa = private
        if rsa.key_size in RSA_BITS:
            padding, digest = PKCS1v15(), SHA256()
            return Signer(
                "RSA",
                lambda payload: base64.b64encode(rsa.sign(payload, padding, digest)).decode(),
                rsa.key_size,
            )
        problem = f"is an RSA key of {rsa.key_size} bits: the exchange takes {RSA_BITS[0]} or {RSA_BITS[1]}"
    elif private is not None:
        problem = "is a private key of a kind that the exchange does not take: it takes Ed25519 and RSA"
    raise NoKeyError(f"{name} {problem}. Nothing was sent.")


def _opened(pem: str, passphrase: str | None) -> object:
    """The private key in a PEM.

    What `echo` and editors put around a passphrase was not typed when the key was locked: where it does not
    fit with a line end behind it, or a byte order mark before it, it is tried without.

    Raises:
        TypeError: It is locked and there is no passphrase, or the other way round.
        ValueError: It is damaged, or the passphrase is wrong.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    text = pem.encode("ascii")
    if passphrase is None:
        return load_pem_private_key(text, None)
    typed = passphrase.removeprefix("\ufeff").rstrip("\r\n")
    if typed not in ("", passphrase):
        with suppress(ValueError):
            return load_pem_private_key(text, passphrase.encode())
        passphrase = typed
    return load_pem_private_key(text, passphrase.encode())


def _unlike_a_private_key(pem: str) -> str:
    """What is wrong with a PEM before it is opened, "" where nothing is."""
    kinds = _BEGIN.findall(pem)
    if len(pem) > _LONGEST_PEM or not pem.isascii():
        return "is no private key in PEM"
    if "OPENSSH PRIVATE KEY" in kinds:
        return "is in OpenSSH's own format: `ssh-keygen -p -m PKCS8 -f FILE` turns it into PKCS#8"
    if not any(kind.endswith("PRIVATE KEY") for kind in kinds):
        return "is no private key: it may be the public part, which is for the exchange"
    if len(kinds) > 1:
        return "holds more than one key: leave the private one alone in it"
    if ":" in pem and "\n" not in pem.strip():  # where there are such lines, blanks do not tell them apart
        return "has lost its line ends: copy it again, line by line"
    if f"-----END {kinds[0]}-----" not in pem:
        return "was cut off: it ends with a line -----END ...-----, which is missing"
    return ""
