"""Usage counts in the exchange's response headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

_MAX_DIGITS = 15
_MAX_NAME_LENGTH = 64  # longer names are not cached

CountKind = Literal["weight", "orders", "sapi-ip", "sapi-uid"]

_COUNT = re.compile(
    r"^x-(?:mbx-(?P<mbx>used-weight|order-count)|sapi-used-(?P<sapi>ip|uid)-weight)"
    r"-(?P<number>[1-9]\d{0,5})(?P<letter>[smhd])$",
    re.IGNORECASE,
)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Count(NamedTuple):
    """The server's count of what was used in an interval.

    Attributes:
        kind: What is counted.
        seconds: Length of the interval.
        used: The count.
    """

    kind: CountKind
    seconds: int
    used: int


def read_counts(headers: Mapping[str, str]) -> list[Count]:
    """Return every count of used weight and of orders, for any interval.

    `X-MBX-USED-WEIGHT` without an interval is left out: it repeats the header that has one.
    """
    counts = []
    for name in headers:
        counted = _parse_name(name) if len(name) <= _MAX_NAME_LENGTH else None
        if counted is None:
            continue
        used = headers[name].strip()
        if used.isdecimal() and len(used) <= _MAX_DIGITS:
            counts.append(Count(*counted, int(used)))
    return counts


@lru_cache(maxsize=256)  # every response has the same names
def _parse_name(name: str) -> tuple[CountKind, int] | None:
    """Return what a header counts and the length of its interval; None for other headers."""
    match = _COUNT.match(name)
    if not match:
        return None
    kind: CountKind
    if match["sapi"]:
        kind = "sapi-ip" if match["sapi"].lower() == "ip" else "sapi-uid"
    else:
        kind = "weight" if match["mbx"].lower() == "used-weight" else "orders"
    return kind, int(match["number"]) * _SECONDS[match["letter"].lower()]
