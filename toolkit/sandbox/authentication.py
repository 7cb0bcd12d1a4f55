"""Authenticates requests: API key, signature, timestamp, permissions.

The signature check is the sandbox's own and shares no code with the client, where the same mistake on both
sides would cancel out. It works on the bytes as received, not on parsed parameters.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping

from toolkit.endpoints import (
    CUSTOMER_ENDPOINTS,
    CUSTOMER_ONLY_ENDPOINTS,
    OWN_ENDPOINTS,
    Endpoint,
    Write,
)
from toolkit.sandbox.keys import CUSTOMER, KEY_LENGTH, PARTNER, RegisteredKey, read_public
from toolkit.sandbox.messages import RefusalError, SandboxRequest, invalid, mandatory

DEFAULT_RECV_WINDOW = 5000
MAX_RECV_WINDOW = 60_000
MAX_AHEAD_MS = 1000

_KEY_FORM = re.compile(rf"[A-Za-z0-9]{{{KEY_LENGTH}}}\Z")
_WHOLE = re.compile(r"[0-9]{1,18}\Z")


def without_signature(raw: bytes) -> bytes:
    """The bytes without the `signature` parameter, wherever it is; all other bytes are unchanged."""
    if b"signature=" not in raw:
        return raw
    return b"&".join(part for part in raw.split(b"&") if not part.startswith(b"signature="))


def payload_of(request: SandboxRequest) -> bytes:
    """What is signed: query and body, joined without a separator."""
    return without_signature(request.query) + without_signature(request.body)


def find_key(request: SandboxRequest, keys: Iterable[RegisteredKey]) -> RegisteredKey | None:
    """The registered key that the request names, None if there is none."""
    text = request.headers.get("X-MBX-APIKEY", "")
    # Iterates over a copy: keys may be added at the same time.
    return next((key for key in tuple(keys) if key.key == text), None) if text else None


def check_key(request: SandboxRequest, key: RegisteredKey | None, ip: str) -> RegisteredKey:
    """Return the key that was found, or raise the refusal that fits the key sent.

    A key used from an address it is not allowed at is refused like an unknown one.
    """
    if not _KEY_FORM.match(request.headers.get("X-MBX-APIKEY", "")):
        raise RefusalError(-2014, "API-key format invalid.", 401)
    if key is None or not key.is_used_from(ip):
        raise _not_permitted()
    return key


def check_signed(
    request: SandboxRequest, endpoint: Endpoint, values: Mapping[str, str], key: RegisteredKey, now_ms: int
) -> None:
    """Check timestamp, recvWindow and signature, in the exchange's order."""
    stamp = values.get(endpoint.timestamp_field, "")
    if not _WHOLE.match(stamp):
        raise mandatory(endpoint.timestamp_field)
    span = _recv_window(values.get("recvWindow"), request.path)
    signature = values.get("signature", "")
    if not signature:
        raise mandatory("signature")
    if not _verify(key, payload_of(request), signature):
        raise RefusalError(-1022, "Signature for this request is not valid.")
    sent = int(stamp)
    if sent >= now_ms + MAX_AHEAD_MS:
        raise RefusalError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - sent > span:
        raise RefusalError(-1021, "Timestamp for this request is outside of the recvWindow.")


def check_permission(key: RegisteredKey, endpoint: Endpoint) -> None:
    """Check that the key may use this endpoint."""
    allowed = endpoint.security in key.securities
    if endpoint.permission:
        allowed = allowed and endpoint.permission in key.permissions
    if isinstance(endpoint, Write):
        # Some pages name no permission, but a read-only key must not change anything.
        allowed = allowed and bool(key.permissions)
    if endpoint.qualified_name in CUSTOMER_ENDPOINTS:
        allowed = allowed and key.owner in (PARTNER, CUSTOMER)
    elif endpoint.qualified_name in CUSTOMER_ONLY_ENDPOINTS:
        allowed = allowed and key.owner == CUSTOMER
    elif endpoint.qualified_name not in OWN_ENDPOINTS:
        allowed = allowed and key.owner == PARTNER
    if not allowed:
        raise _not_permitted()


def _not_permitted() -> RefusalError:
    return RefusalError(-2015, "Invalid API-key, IP, or permissions for action.", 401)


def _recv_window(text: str | None, path: str) -> int:
    if text is None:
        return DEFAULT_RECV_WINDOW
    if _WHOLE.match(text) and int(text) <= MAX_RECV_WINDOW:
        return int(text)
    if path.startswith("/sapi/"):
        raise RefusalError(-1131, "recvWindow must be less than 60000")
    raise invalid("recvWindow")


def _verify(key: RegisteredKey, payload: bytes, signature: str) -> bool:
    # Since 2026-01-15 bytes outside ASCII must be percent-encoded before signing.
    if not payload.isascii():
        return False
    if key.public_pem:
        return _verify_public(key.public_pem, payload, signature)
    expected = hmac.new(key.secret.encode(), payload, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.lower().encode())


def _verify_public(pem: str, payload: bytes, signature: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256

    public = read_public(pem)
    try:
        raw = base64.b64decode(signature, validate=True)
        if isinstance(public, RSAPublicKey):
            public.verify(raw, payload, PKCS1v15(), SHA256())
        else:
            public.verify(raw, payload)
    except (binascii.Error, InvalidSignature):
        return False
    return True
