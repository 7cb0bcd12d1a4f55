"""Which reads a key cannot serve, as far as that is known without sending them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from toolkit.auth.credentials import Credentials
from toolkit.doctor.check import joined
from toolkit.endpoints import CUSTOMER_ENDPOINTS, ENDPOINTS, OWN_ENDPOINTS, Endpoint

# The switch of a key, as `key_permissions` has it, for each permission that a read needs.
_SWITCHES: Mapping[str, str] = {
    "trade": "enable_spot_and_margin_trading",
    "internal transfer": "enable_internal_transfer",
    "Universal Transfer": "permits_universal_transfer",
}


def unserved_by(key: Credentials) -> list[Endpoint]:
    """The reads that need a security type the key was not declared to serve: refused before they are sent."""
    return [each for each in _with_key() if not key.serves.issuperset(each.needs)]


def without_permission(permissions: Mapping[str, Any]) -> Iterator[tuple[str, list[Endpoint]]]:
    """Each permission that the key lacks, and the reads that need it."""
    for permission, switch in _SWITCHES.items():
        reads = [each for each in _with_key() if each.permission == permission]
        if reads and not permissions.get(switch, True):
            yield permission, reads


def of_partners() -> list[Endpoint]:
    """The reads that serve the key of a Link partner alone."""
    return [each for each in _with_key() if each.qualified_name not in CUSTOMER_ENDPOINTS | OWN_ENDPOINTS]


def of_customers() -> list[Endpoint]:
    """The reads that serve the keys of a Link partner and its customers."""
    return [each for each in _with_key() if each.qualified_name in CUSTOMER_ENDPOINTS]


def named(endpoints: Iterable[Endpoint]) -> str:
    """Reads in a sentence: a namespace without any other read that carries a key is named as a whole."""
    names: dict[str, list[str]] = {}
    for endpoint in endpoints:
        names.setdefault(endpoint.system, []).append(endpoint.qualified_name)
    every: list[str] = [each.system for each in _with_key()]
    return joined(
        name
        for system, found in names.items()
        for name in ([f"all of {system}"] if len(found) == every.count(system) else found)
    )


def _with_key() -> list[Endpoint]:
    return [each for each in ENDPOINTS if each.is_signed]
