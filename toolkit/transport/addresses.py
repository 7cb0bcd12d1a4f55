"""Checks the addresses that requests may go to: HTTPS, and no look-alike of the exchange."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from toolkit.endpoints import EXCHANGE_DOMAINS
from toolkit.errors import UsageError

# Numbers only: what a name such as "localhost" resolves to depends on the machine's configuration.
_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_MAX_NAME_LENGTH = 253

_EXCHANGE_NAME = "binance"
# Characters that are easily read as others.
_CONFUSABLE = (
    ("0", "o"),
    ("1", "i"),
    ("l", "i"),
    ("3", "e"),
    ("4", "a"),
    ("6", "b"),
    ("8", "b"),
    ("rn", "n"),
)
# One letter off, but an ordinary word.
_ORDINARY_WORDS = frozenset({"finance"})


@lru_cache(maxsize=64)  # asked before each request
def is_loopback(address: str) -> bool:
    """Whether an address is a loopback address of this machine."""
    parts = _split(address)
    return parts is not None and parts.hostname in _LOOPBACK


def checked_address(name: str, address: str) -> str:
    """Check and normalize a host's base address; it must be HTTPS unless it is a loopback address.

    Raises:
        UsageError: The address is invalid, or looks like the exchange's but is not.
    """
    parts = _split(address)
    host = "" if parts is None else _host(parts)
    if parts is None or not host:
        raise UsageError(
            f"The address of host {name!r} in `hosts` must look like https://api.example.com: https (http "
            "only for 127.0.0.1 and [::1]), ASCII letters, no trailing dot, no path and no user name. "
            "Nothing was sent."
        )
    if _looks_like_the_exchange(host):
        raise UsageError(
            f"The address of host {name!r} in `hosts` looks like the exchange's, but {host} is not one of "
            f"its domains ({', '.join(EXCHANGE_DOMAINS)}): signed requests could go to an impostor. Correct "
            "it. A gateway of your own needs a name that does not look like the exchange's, or belongs in "
            "`proxies`. Nothing was sent."
        )
    default_port = {"https": 443, "http": 80}[parts.scheme]
    port = "" if parts.port in (None, default_port) else f":{parts.port}"
    # One spelling, so that all programs that use a host share one budget.
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def _split(address: str) -> SplitResult | None:
    """The parts of an address, None if no request may go to it."""
    # `urlsplit` drops unprintable characters, and browsers read a backslash as a slash.
    if not isinstance(address, str) or not re.fullmatch(r"[!-~]+", address) or set("?#@\\%") & set(address):
        return None
    with suppress(ValueError):
        parts = urlsplit(address)
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        if secure and parts.port != 0 and not parts.path.strip("/"):
            return parts
    return None


def _host(parts: SplitResult) -> str:
    """The normalized host name of an address, "" if it is ambiguous (punycode, for example)."""
    host = parts.hostname or ""
    with suppress(ValueError):
        return str(ipaddress.ip_address(host))
    is_punycode = any(label.startswith("xn--") for label in host.split("."))
    is_plain = _NAME.fullmatch(host) and len(host) <= _MAX_NAME_LENGTH and not is_punycode
    return host if is_plain else ""


def _looks_like_the_exchange(host: str) -> bool:
    """Whether a host is not one of the exchange's domains, but could be mistaken for one."""
    if host in EXCHANGE_DOMAINS or host.endswith(tuple(f".{domain}" for domain in EXCHANGE_DOMAINS)):
        return False
    for character, other in _CONFUSABLE:
        host = host.replace(character, other)
    words = set(re.split(r"[._-]", host))
    return _EXCHANGE_NAME in re.sub(r"[._-]", "", host) or any(map(_is_misspelling, words - _ORDINARY_WORDS))


def _is_misspelling(word: str) -> bool:
    """Whether a word is the exchange's name with one letter added, removed, replaced, or two swapped."""
    name, length = _EXCHANGE_NAME, len(word)
    if abs(length - len(name)) > 1:
        return False
    same = next((n for n, (one, other) in enumerate(zip(word, name, strict=False)) if one != other), length)
    rest, expected = word[same:], name[same:]
    swapped = rest[1::-1] + rest[2:]
    return rest[1:] == expected or rest == expected[1:] or rest[1:] == expected[1:] or swapped == expected
