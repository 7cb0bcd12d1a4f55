"""Signs requests with a secret (HMAC) or a private key (RSA, Ed25519). Secrets are never shown.

The kind is recognised by the content, not by the name of a file or variable.
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

# Key lengths that the exchange accepts.
RSA_BITS = (2048, 4096)

_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
# A complete key. Old encrypted ones have header lines with a colon.
_COMPLETE = re.compile(r"(-----BEGIN (?P<kind>[A-Z0-9 ]+)-----)(?P<body>[^-]*)(-----END (?P=kind)-----)")
_LINE_ENDS = re.compile(r"\\+r\\+n|\\+[rn]|\r\n?")
# A key whose hyphens were changed by a word processor or spreadsheet, and one encoded in base64 again.
_DAMAGED_PEM = re.compile(r"BEGIN [A-Z0-9 ]*PRIVATE KEY")
_BASE64_PEM = "LS0tLS1CRUdJTi"
_LINE_LENGTH = 64
# A private key in PEM has about 3,300 characters at most.
_MAX_PEM_LENGTH = 20_000
# Placeholders in documentation and examples. Some words count only in short texts.
_PLACEHOLDER = re.compile(r"your[_ -]|<.*>|\.\.\.", re.IGNORECASE)
_SHORT_PLACEHOLDER = re.compile(r"your|change|example|paste|here|xxxx|api|key|secret|todo", re.IGNORECASE)
_SHORT_LENGTH = 32


class Signer:
    """Signs payloads with a secret or private key.

    Attributes:
        kind: The kind of signature.
        bits: Length of an RSA key in bits, None for other kinds.
    """

    __slots__ = ("_sign", "bits", "kind")

    def __init__(self, kind: Kind, sign: Callable[[bytes], str], bits: int | None = None) -> None:
        self.kind = kind
        self.bits = bits
        self._sign = sign

    def sign(self, payload: str) -> str:
        """Sign a payload: hexadecimal digits for HMAC, base64 for the others."""
        return self._sign(payload.encode("ascii"))

    def __repr__(self) -> str:
        return f"Signer({self.kind}, hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("signers cannot be pickled or copied: that would expose the secret")


def is_pem(text: str) -> bool:
    """Whether a text contains a key in PEM."""
    return _BEGIN.search(text) is not None


def normalize_pem(text: str) -> str:
    """Restore the line breaks of a key in PEM, as changed by variables, spreadsheets and editors.

    Between BEGIN and END, a key contains no backslashes, quotes or spaces. Those found there were added:
    escaped line breaks, line breaks turned into spaces, and quotes or a byte order mark around it.
    """
    text = _LINE_ENDS.sub("\n", text.strip().strip("\ufeff\"'`").strip())
    match = _COMPLETE.fullmatch(text)
    if match is None or ":" in match["body"]:
        return text
    body = "".join(match["body"].split())
    lines = [body[start : start + _LINE_LENGTH] for start in range(0, len(body), _LINE_LENGTH)]
    return "\n".join([match[1], *lines, match[4], ""])


def is_encrypted(pem: str) -> bool:
    """Whether a private key in PEM is encrypted with a passphrase."""
    return "ENCRYPTED" in pem


def make_signer(name: str, secret: str, passphrase: str | None = None) -> Signer:
    """Make a signer from a secret or a private key in PEM.

    Args:
        name: What errors call the secret.
        secret: The secret of an API key, or the text of a private key in PEM.
        passphrase: The passphrase of the private key, if it is encrypted.

    Raises:
        NoKeyError: It cannot be used.
    """
    if isinstance(secret, str) and is_pem(secret):
        return _private_key_signer(name, normalize_pem(secret), passphrase)
    signer = _hmac_signer(checked_text(name, secret))
    if passphrase is not None:
        raise NoKeyError(
            f"{name} is a secret; only private keys have a passphrase. Omit the passphrase. Nothing was sent."
        )
    return signer


def checked_text(name: str, value: object) -> str:
    """Check a key or secret. It is returned as it is and never corrected.

    Raises:
        NoKeyError: It is invalid.
    """
    problem = ""
    if not isinstance(value, str) or not value:
        problem = "must be the text that the exchange gave you"
    elif _DAMAGED_PEM.search(value):
        problem = (
            "looks like a private key in PEM, but the five hyphens around BEGIN were changed: copy it as "
            "plain text"
        )
    elif value.startswith(_BASE64_PEM):
        problem = "is a private key in PEM that was encoded in base64 again: decode it first (`base64 -d`)"
    elif value != value.strip():
        problem = "has spaces or line breaks around it: paste it again"
    elif any(ch.isspace() for ch in value):
        problem = "contains spaces: paste it again"
    elif value[0] in "\"'`" or value[-1] in "\"'`":
        problem = "has quotes around it: remove them"
    elif not value.isascii() or not value.isprintable():
        problem = (
            "contains characters that no key has, such as an ellipsis or an invisible one: copy it again"
        )
    elif _PLACEHOLDER.search(value) or (len(value) < _SHORT_LENGTH and _SHORT_PLACEHOLDER.search(value)):
        problem = "is a placeholder, not what the exchange gave you"
    if problem:
        raise NoKeyError(f"{name} {problem}. Nothing was sent.")
    assert isinstance(value, str)  # noqa: S101 - for the type checker
    return value


def _hmac_signer(secret: str) -> Signer:
    # Only the keyed digest is kept, not the secret itself.
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

    problem = _pem_problem(pem)
    if not problem and passphrase is not None and not (isinstance(passphrase, str) and passphrase):
        problem = "was given an empty passphrase: omit it if the key is not encrypted"
    if problem:
        raise NoKeyError(f"{name} {problem}. Nothing was sent.")
    private = None
    try:
        private = _load_private_key(pem, passphrase)
    except TypeError:  # no passphrase for an encrypted key, or one for an unencrypted key
        if passphrase is None:
            problem = (
                "is encrypted with a passphrase: pass `passphrase=`, set TOOLKIT_PASSPHRASE, or let "
                "`toolkit.Link.from_prompt()` ask for it"
            )
        else:
            problem = "is not encrypted, but a passphrase was given: omit it, or encrypt the key"
    except (ValueError, UnsupportedAlgorithm):
        problem = "is damaged: copy it again with its line breaks"
        if is_encrypted(pem):
            problem = "cannot be decrypted: the passphrase is wrong"
            if passphrase is not None and passphrase != passphrase.strip():
                problem += ". It has spaces around it, which count"
    if isinstance(private, Ed25519PrivateKey):
        ed25519 = private  # a name of its own, for the type checker
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
        problem = f"is an RSA key of {rsa.key_size} bits: the exchange accepts {RSA_BITS[0]} or {RSA_BITS[1]}"
    elif private is not None:
        problem = "is a private key of a kind that the exchange does not accept: use Ed25519 or RSA"
    raise NoKeyError(f"{name} {problem}. Nothing was sent.")


def _load_private_key(pem: str, passphrase: str | None) -> object:
    """Load the private key in a PEM.

    `echo` and editors may add a line break or a byte order mark to a passphrase. If it does not fit as
    given, it is tried without them.

    Raises:
        TypeError: The key is encrypted and there is no passphrase, or the reverse.
        ValueError: The key is damaged, or the passphrase is wrong.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    text = pem.encode("ascii")
    if passphrase is None:
        return load_pem_private_key(text, None)
    stripped = passphrase.removeprefix("\ufeff").rstrip("\r\n")
    if stripped not in ("", passphrase):
        with suppress(ValueError):
            return load_pem_private_key(text, passphrase.encode())
        passphrase = stripped
    return load_pem_private_key(text, passphrase.encode())


def _pem_problem(pem: str) -> str:
    """What is wrong with a PEM, "" if it may hold a private key."""
    kinds = _BEGIN.findall(pem)
    if len(pem) > _MAX_PEM_LENGTH or not pem.isascii():
        return "is not a private key in PEM"
    if "OPENSSH PRIVATE KEY" in kinds:
        return "is in the format of OpenSSH: `ssh-keygen -p -m PKCS8 -f FILE` converts it to PKCS#8"
    if not any(kind.endswith("PRIVATE KEY") for kind in kinds):
        return "is not a private key: it may be the public key, which belongs to the exchange"
    if len(kinds) > 1:
        return "contains more than one key: keep only the private one"
    if ":" in pem and "\n" not in pem.strip():  # with header lines, spaces cannot be told from line breaks
        return "has lost its line breaks: copy it again with them"
    if f"-----END {kinds[0]}-----" not in pem:
        return "is cut off: its last line, -----END ...-----, is missing"
    return ""
