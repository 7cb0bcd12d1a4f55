"""The addresses that requests may go to: the exchange's own, or those the user names, and no look-alike."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

from toolkit.endpoints import EXCHANGE_DOMAINS
from toolkit.errors import UsageError

# By number: what a name such as "localhost" stands for is up to whoever writes the machine's tables.
_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_NAME = 253

_EXCHANGE = "binance"
# Characters that are taken for others, and a word that has only one letter in another way.
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
_INNOCENT = frozenset({"finance"})


def is_loopback(address: str) -> bool:
    """Whether an address is this very machine."""
    parts = _split(address)
    return parts is not None and parts.hostname in _LOOPBACK


def checked_address(name: str, address: str) -> str:
    """A host's base address in one spelling, HTTPS unless it is this very machine.

    Raises:
        UsageError: It is no such address, or reads like the exchange's and is not.
    """
    parts = _split(address)
    host = "" if parts is None else _host(parts)
    if parts is None or not host:
        raise UsageError(
            f"The address of host {name!r} in `hosts` has to read like https://api.example.com: https (http "
            "only for 127.0.0.1 and [::1], by number), plain letters, no dot at the end, no path, no user "
            "name. Nothing was sent."
        )
    if _looks_like_the_exchange(host):
        raise UsageError(
            f"The address of host {name!r} in `hosts` reads like the exchange's, and {host} is none of its "
            f"domains ({', '.join(EXCHANGE_DOMAINS)}): signed requests could go to an impostor. Correct it; "
            "a gateway of your own needs a name that does not read like the exchange's, or belongs into "
            "`proxies`. Nothing was sent."
        )
    usual = {"https": 443, "http": 80}[parts.scheme]
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    # One spelling, so that all who mean the same host share one budget.
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def _split(address: str) -> SplitResult | None:
    """The parts of an address, None where it is none that a request may go to."""
    # `urlsplit` leaves out what does not print, and browsers take a backslash for a slash.
    if not isinstance(address, str) or not re.fullmatch(r"[!-~]+", address) or set("?#@\\%") & set(address):
        return None
    with suppress(ValueError):
        parts = urlsplit(address)
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        if secure and parts.port != 0 and not parts.path.strip("/"):
            return parts
    return None


def _host(parts: SplitResult) -> str:
    """The host of an address in one spelling, "" where it is no name that can be read one way only."""
    host = parts.hostname or ""
    with suppress(ValueError):
        return str(ipaddress.ip_address(host))
    coded = any(label.startswith("xn--") for label in host.split("."))
    plain = _NAME.fullmatch(host) and len(host) <= _LONGEST_NAME and not coded
    return host if plain else ""


def _looks_like_the_exchange(host: str) -> bool:
    """Whether somebody would read the exchange's name in a host that is none of its domains."""
    if host in EXCHANGE_DOMAINS or host.endswith(tuple(f".{domain}" for domain in EXCHANGE_DOMAINS)):
        return False
    for character, other in _CONFUSABLE:
        host = host.replace(character, other)
    words = set(re.split(r"[._-]", host))
    return _EXCHANGE in re.sub(r"[._-]", "", host) or any(map(_nearly, words - _INNOCENT))


def _nearly(word: str) -> bool:
    """Whether one letter too many, too few, another one, or two that changed places make the name."""
    name, length = _EXCHANGE, len(word)
    if abs(length - len(name)) > 1:
        return False
    same = next((n for n, (one, other) in enumerate(zip(word, name, strict=False)) if one != other), length)
    rest, wanted = word[same:], name[same:]
    swapped = rest[1::-1] + rest[2:]
    return rest[1:] == wanted or rest == wanted[1:] or rest[1:] == wanted[1:] or swapped == wanted
